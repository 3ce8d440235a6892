"""Nobody sees an account that is not theirs: another team's CSM gets "not there" on every route, and finds nothing anywhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from laer.web.book.models import Account, Assignment, FieldChange
from laer.web.book.scope import editable_accounts, scope_of, visible_accounts
from laer.web.runs import queries
from tests.cast import Cast, forget

MINE = ("Willow Foods", "Kestrel Labs", "Bluefin Energy", "Vantage Health", "Ember Studios", "Quarry Analytics")


def account_routes() -> list[str]:
    """Every address that names an account, from the URL configuration itself, so that a new one is tested the day it is added."""

    def walk(patterns: Any, prefix: str = "") -> Any:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and "account_id" in pattern.pattern.converters:
                yield route

    return sorted(walk(get_resolver().url_patterns))


def address(route: str, account_id: int) -> str:
    return "/" + route.replace("<int:account_id>", str(account_id)).replace("<slug:name>", "segment")


def test_there_are_routes_to_test() -> None:
    assert len(account_routes()) >= 4


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_route_of_an_account_is_not_there_for_the_outsider(cast: Cast, method: str) -> None:
    client = cast.client("outsider")
    for route in account_routes():
        for account in cast.theirs:
            answer = getattr(client, method)(address(route, account.pk), {"value": "x"})
            nothing = getattr(client, method)(address(route, 987_654_321), {"value": "x"})
            assert answer.status_code in (404, 405), (route, answer.status_code)
            # the answer to what is hidden is the answer to what does not exist
            assert (answer.status_code, len(answer.content)) == (nothing.status_code, len(nothing.content)), route
    assert not FieldChange.objects.exists()


@pytest.mark.parametrize("tab", ["overview", "subscriptions", "contacts", "tickets", "usage", "changes"])
def test_no_tab_is_a_way_in(cast: Cast, tab: str) -> None:
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/", {"tab": tab}).status_code == 404
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/", {"tab": tab}, headers={"HX-Request": "true"}).status_code == 404


def test_another_persons_change_cannot_be_undone(cast: Cast) -> None:
    cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "SMB"})
    change = FieldChange.objects.get()
    for part in ("outsider", "viewer", "admin"):
        assert cast.client(part).post(f"/changes/{change.pk}/undo/").status_code == 404
    assert Account.objects.get(pk=cast.adopting.pk).segment == "SMB"


# Whom one may make an owner of one's own accounts: everybody is a colleague, whatever they own.
COLLEAGUES = re.compile(r'<select[^>]* name="(?:person|assignee)".*?</select>', re.DOTALL)


@pytest.mark.parametrize("query", [{}, {"q": "e"}, {"q": "kestrel"}, {"q": "vantage.example"}, {"segment": "Enterprise"}, {"sort": "name"}, {"owner": "none"}, {"state": "paying"}, {"mrr_min": "1"}])  # fmt: skip
def test_the_outsider_finds_nothing_of_theirs(cast: Cast, query: dict[str, str]) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        page = cast.client("outsider").get("/accounts/", query, headers=headers).content.decode()
        for name in MINE:
            assert name not in page
        page = COLLEAGUES.sub("", page)
        for word in {"Enterprise", "Mid-market", "Energy", "Vera Lind"} - set(query.values()):  # what he typed himself is echoed
            assert word not in page


def test_facets_and_totals_of_the_outsider_are_his_own(cast: Cast) -> None:
    cast.client("lead").get("/accounts/")  # what somebody else's page left in the process is not his
    context = cast.client("outsider").get("/accounts/").context
    options = {f["name"]: f["options"] for f in context["facets"]}
    told = {o["label"] for name, of in options.items() if name != "inside" for o in of if o.get("count") is not None}
    assert told == {"Paying", "Retail only", "Tom Becker", "SE", "Retail"}
    assert {o["count"] for o in options["inside"]} <= {0, 1}  # segments are the firm's, those in them are his
    assert (context["total_label"], context["totals"]["mrr"]) == ("1", 500)


def test_a_cursor_of_theirs_opens_nothing(cast: Cast) -> None:
    cursor = queries.account_list(cast.users["csm"], size=2).next
    assert [row["name"] for row in cast.client("outsider").get("/accounts/", {"after": cursor}).context["rows"]] == ["Onyx Retail"]


def test_the_lead_sees_both_teams(cast: Cast) -> None:
    assert visible_accounts(cast.users["lead"]).count() == 7
    assert scope_of(cast.users["lead"]).everything


def test_the_viewer_sees_and_edits_nothing(cast: Cast) -> None:
    client = cast.client("viewer")
    assert client.get(f"/accounts/{cast.adopting.pk}/").status_code == 200
    assert editable_accounts(cast.users["viewer"]).count() == 0
    page = client.get(f"/accounts/{cast.adopting.pk}/").content.decode()
    assert "/edit/" not in page
    assert "/archive/" not in page
    for method in ("get", "post"):
        assert getattr(client, method)(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "x"}).status_code == 403
    assert client.post(f"/accounts/{cast.adopting.pk}/archive/").status_code == 403
    assert client.get("/accounts/new/").status_code == 403


def test_an_assignment_ends_the_view_on_its_last_day(cast: Cast) -> None:
    held = Assignment.objects.get(account=cast.adopting, person=cast.people["csm"])
    held.until_on = timezone.localdate()
    held.save()
    assert cast.client("csm").get(f"/accounts/{cast.adopting.pk}/").status_code == 404


def test_an_archived_account_is_hidden_from_the_outsider_too(cast: Cast) -> None:
    Account.objects.filter(pk=cast.adopting.pk).update(archived_at=timezone.now())
    assert cast.client("outsider").get(f"/accounts/{cast.adopting.pk}/").status_code == 404
    assert cast.client("viewer").get(f"/accounts/{cast.adopting.pk}/").status_code == 404
    assert cast.client("lead").get(f"/accounts/{cast.adopting.pk}/").status_code == 200


def test_a_login_that_was_ended_sees_nothing(cast: Cast) -> None:
    user = cast.users["csm"]
    user.is_active = False
    user.save()
    assert visible_accounts(user).count() == editable_accounts(user).count() == 0
    assert cast.client("csm").get(f"/accounts/{cast.adopting.pk}/").status_code == 302


def test_an_open_book_is_read_by_all_and_edited_by_its_own(cast: Cast, settings: Any) -> None:
    settings.READ_SCOPE = "all"
    forget()
    assert cast.client("outsider").get(f"/accounts/{cast.adopting.pk}/").status_code == 200
    assert cast.client("outsider").post(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "x"}).status_code == 403


@pytest.mark.parametrize("name", ["unit_cost", "gross_margin", "csm_pay", "Sales commission"])
def test_cost_margin_and_pay_are_not_for_everybody(cast: Cast, name: str) -> None:
    now = timezone.now()
    Account.objects.filter(pk=cast.adopting.pk).update(custom={name: "31.41", "payment_terms": "net 30"})
    FieldChange.objects.create(record="accounts", object_id=cast.adopting.pk, account_id=cast.adopting.pk, field=f"custom.{name}", old="27.18", new="31.41", effective_at=now, recorded_at=now, source="crm")
    for part, sees in (("csm", False), ("viewer", False), ("lead", True), ("admin", True)):
        for tab in ("overview", "changes"):
            page = cast.client(part).get(f"/accounts/{cast.adopting.pk}/?tab={tab}").content.decode()
            assert ("31.41" in page) is sees, (part, tab)
        assert "net 30" in cast.client(part).get(f"/accounts/{cast.adopting.pk}/").content.decode()
