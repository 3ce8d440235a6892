"""One account: what its page says, tab by tab, and editing it in place."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from django.utils import timezone

from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.models import Account, Assignment, Contact, DirtyAccount, FieldChange, ImportRun
from laer.web.runs import usage
from laer.web.runs.models import AccountCard
from tests.cast import Cast, add_line

TABS = ("overview", "subscriptions", "contacts", "tickets", "usage", "changes")
HTMX = {"HX-Request": "true"}


def page(cast: Cast, account: Account, tab: str = "overview", part: str = "csm") -> Any:
    response = cast.client(part).get(f"/accounts/{account.pk}/", {"tab": tab})
    assert response.status_code == 200
    return response


def figures(response: Any) -> dict[str, Any]:
    return {f["label"]: f["value"] for f in response.context["header_figures"]}


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_every_story_is_a_page(cast: Cast, tab: str) -> None:
    for account in cast.theirs:
        assert account.name in page(cast, account, tab).content.decode()


def test_the_header_says_how_it_stands(cast: Cast) -> None:
    said = figures(page(cast, cast.renewing))
    assert (said["MRR"], said["ARR"], said["Seats"], said["Open tickets"]) == ("$4.0k", "$48.0k", "20", "1")


def test_what_is_not_known_says_so(cast: Cast) -> None:
    response = page(cast, cast.no_data)
    assert "unknown" in figures(response)["Contract ends"]
    AccountCard.objects.filter(pk=cast.no_data.pk).delete()
    response = page(cast, cast.no_data)
    assert "unknown" in figures(response)["MRR"]
    assert response.context["account"]["recomputing"]


def test_seats_and_open_tickets_are_those_that_the_run_counts(cast: Cast) -> None:
    """Of two lines of which one took the other's place, one counts; where no line says seats, or no source has tickets, they are unknown."""
    add_line(cast.adopting, cast.today - timedelta(days=5), None, 1_000, seats=35, cuts=True)  # nobody ended the line of before
    AccountCard.objects.filter(pk=cast.adopting.pk).update(facts={"seats": 35.0})
    said = figures(page(cast, cast.adopting))
    assert said["Seats"] == "35"
    assert "unknown" in said["Open tickets"]
    back = figures(page(cast, cast.back))
    assert "unknown" in back["Seats"]


def test_it_says_as_of_when_and_that_it_is_being_recomputed(cast: Cast) -> None:
    assert not page(cast, cast.adopting).context["state"]["recomputing"]
    DirtyAccount.objects.create(account_id=cast.adopting.pk, since=timezone.now())
    response = page(cast, cast.adopting)
    assert "being recomputed" in response.content.decode()
    assert response.context["state"]["as_of"] == cast.run.as_of


def test_an_unknown_tab_is_the_overview(cast: Cast) -> None:
    assert page(cast, cast.adopting, "salaries").context["tab"] == "overview"


def test_htmx_gets_the_tab_alone(cast: Cast) -> None:
    part = cast.client("csm").get(f"/accounts/{cast.renewing.pk}/?tab=tickets", headers=HTMX).content.decode()
    assert part.strip().startswith('<div id="tab"')
    assert "SAML login loop" in part


def test_lines_tell_the_story_of_a_subscription(cast: Cast) -> None:
    (line,) = page(cast, cast.expanding, "subscriptions").context["lines"]
    assert (line["status"], line["mrr"], line["seats"]) == ("active", 3_000, 60)
    assert [(s["change"], s["mrr"], s["seats"]) for s in line["history"]] == [("expansion", 3_000, 60), ("new", 2_000, 40)]


def test_a_return_after_a_gap_is_a_reactivation(cast: Cast) -> None:
    (line,) = page(cast, cast.back, "subscriptions").context["lines"]
    assert [s["change"] for s in line["history"]] == ["reactivation", "new"]
    departures = page(cast, cast.back).context["departures"]
    assert [(d["reason"], d["returned"]) for d in departures] == [("price", False)]


def test_mrr_is_exact_until_it_is_shown(cast: Cast) -> None:
    for _ in range(3):  # a third of a unit three times is one unit, and not 0.99
        line = add_line(cast.no_data, cast.today, None, 1)
        line.mrr_num, line.mrr_den = 1, 3
        line.save()
    (shown,) = page(cast, cast.no_data, "subscriptions").context["lines"]
    assert str(shown["mrr"]) == "1.00"
    assert {str(s["mrr"]) for s in shown["history"]} == {"0.33"}


def test_contracts_carry_the_arr_of_their_lines(cast: Cast) -> None:
    from laer.web.book.models import Contract

    contract = Contract.objects.get(account=cast.renewing)
    cast.renewing.lines.update(contract=contract)
    (shown,) = page(cast, cast.renewing, "subscriptions").context["contracts"]
    assert (shown["arr"], shown["auto_renew"], shown["status"]) == (48_000, False, "in force")


def test_tickets_and_answers_stand_together(cast: Cast) -> None:
    context = page(cast, cast.renewing, "tickets").context
    assert [(t["subject"], t["open"]) for t in context["tickets"]] == [("SAML login loop", True), ("Export is slow", False)]
    assert [(a["kind"], a["score"]) for a in context["answers"]] == [("NPS", "3")]


def test_parts_are_bounded_and_show_more(cast: Cast) -> None:
    Contact.objects.bulk_create(Contact(account=cast.landing, name=f"Contact {i:03d}", created_at=timezone.now()) for i in range(120))
    response = page(cast, cast.landing, "contacts")
    assert (len(response.context["contacts"]), response.context["more_url"]) == (50, "?tab=contacts&more=2")
    response = cast.client("csm").get(f"/accounts/{cast.landing.pk}/?tab=contacts&more=3")
    assert (len(response.context["contacts"]), response.context["more_url"]) == (120, None)


def test_custom_fields_have_their_labels(cast: Cast) -> None:
    assert [(f["label"], f["value"]) for f in page(cast, cast.adopting).context["custom_fields"]] == [("Risk note", "new sponsor")]


def test_owners_have_a_history(cast: Cast) -> None:
    held = page(cast, cast.expanding).context["owners"]
    assert [(o["name"], o["job"], o["now"]) for o in held] == [("Maya Okafor", "CSM", True), ("Vera Lind", "Support", True), ("Hana Sato", "CSM", False)]


def test_the_mrr_chart_begins_with_the_first_month_that_moved(cast: Cast) -> None:
    chart = page(cast, cast.expanding).context["mrr_chart"]
    assert chart["series"][0]["values"][-1] == 3_000
    assert page(cast, cast.no_data).context["mrr_chart"] is None


# Usage


@pytest.fixture
def used(cast: Cast) -> Cast:
    days = [date(2025, 3, 3) + timedelta(days=i) for i in range(0, 120, 5)]
    rows = [(cast.adopting.pk, day, "reports", f"u{i % 3}", 10) for i, day in enumerate(days)] + [(cast.landing.pk, date(2025, 3, 4), "login", "u9", 1)]
    columns = dict(zip(("account_id", "day", "feature", "user_id", "count"), zip(*rows, strict=True), strict=True))
    table = pa.table({name: pa.array(list(values)) for name, values in columns.items()} | {"source": ["product"] * len(rows), "run": [f"{cast.run.pk}-{timezone.now():%f}"] * len(rows)})
    Lake(home.lake()).append("usage_days", table, app_id=f"test-{timezone.now().isoformat()}", version=1)
    return cast


def test_usage_is_counted_by_week(used: Cast) -> None:
    context = page(used, used.adopting, "usage").context
    chart = context["usage_chart"]
    assert (len(chart["x"]), chart["x"][-1]) == (13, date(2025, 6, 23))  # the week of the last day in the lake, 26 June
    assert chart["series"][0]["name"] == "Active users"
    assert [(f.name, f.users) for f in context["features"]] == [("reports", 3)]


def test_an_account_that_went_silent_has_no_chart(used: Cast) -> None:
    assert page(used, used.landing, "usage").context["usage_chart"] is None
    assert page(used, used.no_data, "usage").context["usage_chart"] is None


def test_an_empty_lake_is_no_error(cast: Cast, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    assert not usage.weekly_usage(cast.adopting.pk)
    assert "No usage yet" in page(cast, cast.adopting, "usage").content.decode()


# Editing in place


def test_a_field_becomes_a_form_and_back(cast: Cast) -> None:
    url = f"/accounts/{cast.adopting.pk}/edit/segment/"
    form = cast.client("csm").get(url, headers=HTMX).content.decode()
    assert '<form method="post"' in form
    assert "<html" not in form
    assert "<html" in cast.client("csm").get(url).content.decode()
    assert "<form" not in cast.client("csm").get(url + "?cancel=1", headers=HTMX).content.decode()
    assert cast.client("csm").get(url + "?cancel=1").headers["Location"] == f"/accounts/{cast.adopting.pk}/"


def test_a_good_edit_answers_with_the_row_and_an_undo(cast: Cast) -> None:
    url = f"/accounts/{cast.adopting.pk}/edit/segment/"
    response = cast.client("csm").post(url, {"value": "Enterprise"}, headers=HTMX)
    assert "Enterprise" in response.content.decode()
    toast = json.loads(response.headers["HX-Trigger"])["laer:toast"]
    change = FieldChange.objects.get()
    assert toast["undo_url"] == f"/changes/{change.pk}/undo/"
    assert (change.field, change.old, change.new) == ("segment", "Mid-market", "Enterprise")


def test_without_script_an_edit_leads_back_to_the_page(cast: Cast) -> None:
    response = cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/employees/", {"value": "260"}, follow=True)
    assert response.redirect_chain == [(f"/accounts/{cast.adopting.pk}/", 302)]
    page_ = response.content.decode()
    assert "Employees changed" in page_
    assert "/undo/" in page_


@pytest.mark.parametrize(("name", "value", "said"), [("employees", "many", "expected a whole number"), ("signed_up_on", "yesterday", "expected a date"), ("name", "  ", "cannot be empty"), ("country", "x" * 81, "at most 80")])  # fmt: skip
def test_what_does_not_read_is_refused_with_what_was_typed(cast: Cast, name: str, value: str, said: str) -> None:
    response = cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/{name}/", {"value": value}, headers=HTMX)
    assert response.status_code == 422
    page_ = response.content.decode()
    assert said in page_
    assert value.strip()[:20] in page_
    assert not FieldChange.objects.exists()


def test_unknown_is_not_no(cast: Cast) -> None:
    url = f"/accounts/{cast.adopting.pk}/edit/churn_flag/"
    for value, expected in (("no", False), ("yes", True), ("", None)):
        cast.client("csm").post(url, {"value": value})
        assert Account.objects.get(pk=cast.adopting.pk).churn_flag is expected


@pytest.mark.parametrize("name", ["custom", "archived_at", "id", "mrr_minor", "no-such"])
def test_only_fields_of_the_page_are_edited(cast: Cast, name: str) -> None:
    assert cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/{name}/", {"value": "1"}).status_code == 404


def test_undo_puts_back_what_stood(cast: Cast) -> None:
    client = cast.client("csm")
    client.post(f"/accounts/{cast.adopting.pk}/edit/employees/", {"value": "9"})
    response = client.post(f"/changes/{FieldChange.objects.get().pk}/undo/")
    assert response.headers["Location"] == f"/accounts/{cast.adopting.pk}/"
    assert Account.objects.get(pk=cast.adopting.pk).employees == 240


def test_undo_is_refused_when_the_field_changed_again(cast: Cast) -> None:
    client = cast.client("csm")
    for value in ("9", "10"):
        client.post(f"/accounts/{cast.adopting.pk}/edit/employees/", {"value": value})
    first = FieldChange.objects.order_by("id")[0]
    response = client.post(f"/changes/{first.pk}/undo/", follow=True)
    assert "has changed again since" in response.content.decode()
    assert Account.objects.get(pk=cast.adopting.pk).employees == 10


def test_undo_leads_back_to_where_it_was_asked(cast: Cast) -> None:
    client = cast.client("csm")
    client.post(f"/accounts/{cast.adopting.pk}/edit/employees/", {"value": "9"})
    change = FieldChange.objects.get()
    came = f"http://testserver/accounts/{cast.adopting.pk}/?tab=changes"
    assert client.post(f"/changes/{change.pk}/undo/", headers={"Referer": came}).headers["Location"] == came
    away = client.post(f"/changes/{FieldChange.objects.latest('id').pk}/undo/", headers={"Referer": "https://evil.example/"})
    assert away.headers["Location"] == f"/accounts/{cast.adopting.pk}/"


def test_the_change_log_says_who_when_what_and_from_where(cast: Cast) -> None:
    now = timezone.now()
    run = ImportRun.objects.create(source="crm", kind="import", created_at=now)
    FieldChange.objects.create(record="accounts", object_id=cast.adopting.pk, account_id=cast.adopting.pk, field="signed_up_on", old=None, new="2026-03-01", effective_at=now - timedelta(days=9), recorded_at=now, source="crm", run=run)
    cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "SMB"})
    mine, imported = page(cast, cast.adopting, "changes").context["changes"]
    assert (mine["field"], mine["old"], mine["new"], mine["who"], mine["source"]) == ("Segment", "Mid-market", "SMB", "Maya Okafor", "edited here")
    assert mine["undo_url"]
    assert (imported["field"], imported["new"], imported["who"], imported["undo_url"]) == ("Signed up", "1 Mar 2026", "crm", None)
    assert imported["effective_on"]


def test_the_change_log_pages_by_key(cast: Cast) -> None:
    now = timezone.now()
    FieldChange.objects.bulk_create(FieldChange(record="accounts", object_id=cast.adopting.pk, account_id=cast.adopting.pk, field="region", new=str(i), effective_at=now, recorded_at=now, source="crm") for i in range(70))
    first = page(cast, cast.adopting, "changes")
    second = cast.client("csm").get(f"/accounts/{cast.adopting.pk}/{first.context['next_url']}")
    assert (len(first.context["changes"]), len(second.context["changes"]), second.context["next_url"]) == (50, 20, None)
    assert [c["new"] for c in second.context["changes"]][-1] == "0"


# Giving away, archiving, adding


def test_a_new_owner_closes_the_one_before(cast: Cast) -> None:
    lead = cast.client("lead")
    lead.post(f"/accounts/{cast.adopting.pk}/edit/owner/", {"value": str(cast.people["outsider"].pk)})
    held = page(cast, cast.adopting, part="lead").context
    assert held["account"]["owner_name"] == "Tom Becker"
    assert Assignment.objects.get(account=cast.adopting, person=cast.people["csm"]).until_on == timezone.localdate()
    assert [(c["field"], c["old"], c["new"]) for c in page(cast, cast.adopting, "changes", "lead").context["changes"]] == [("Owner", "Maya Okafor", "Tom Becker")]


def test_undoing_a_new_owner_gives_the_account_back(cast: Cast) -> None:
    lead = cast.client("lead")
    lead.post(f"/accounts/{cast.adopting.pk}/edit/owner/", {"value": str(cast.people["outsider"].pk)})
    lead.post(f"/changes/{FieldChange.objects.get(field='owner').pk}/undo/")
    assert page(cast, cast.adopting, part="lead").context["account"]["owner_name"] == "Maya Okafor"
    assert cast.client("outsider").get(f"/accounts/{cast.adopting.pk}/").status_code == 404


def test_who_gave_an_account_away_may_take_that_back_at_once(cast: Cast) -> None:
    csm = cast.client("csm")
    response = csm.post(f"/accounts/{cast.adopting.pk}/edit/owner/", {"value": str(cast.people["outsider"].pk)}, follow=True)
    assert response.redirect_chain == [("/accounts/", 302)]
    assert csm.get(f"/accounts/{cast.adopting.pk}/").status_code == 404
    change = FieldChange.objects.get(field="owner")
    assert csm.post(f"/changes/{change.pk}/undo/").status_code == 302
    assert csm.get(f"/accounts/{cast.adopting.pk}/").status_code == 200


def test_but_not_tomorrow(cast: Cast) -> None:
    csm = cast.client("csm")
    csm.post(f"/accounts/{cast.adopting.pk}/edit/owner/", {"value": str(cast.people["outsider"].pk)})
    earlier = timezone.now() - timedelta(days=1)
    FieldChange.objects.update(recorded_at=earlier)
    assert csm.post(f"/changes/{FieldChange.objects.get(field='owner').pk}/undo/").status_code == 404


def test_an_owner_who_does_not_exist_is_refused(cast: Cast) -> None:
    assert cast.client("lead").post(f"/accounts/{cast.adopting.pk}/edit/owner/", {"value": "999999"}, headers=HTMX).status_code == 422


def test_archive_and_restore(cast: Cast) -> None:
    client = cast.client("csm")
    response = client.post(f"/accounts/{cast.adopting.pk}/archive/", follow=True)
    assert f"/accounts/{cast.adopting.pk}/restore/" in response.content.decode()  # the undo
    shown = page(cast, cast.adopting)
    assert "This account is archived" in shown.content.decode()
    assert (shown.context["archive_url"], bool(shown.context["restore_url"])) == (None, True)
    assert client.post(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "x"}).status_code == 403
    client.post(f"/accounts/{cast.adopting.pk}/restore/")
    assert page(cast, cast.adopting).context["restore_url"] is None


def test_an_account_is_added_by_hand(cast: Cast) -> None:
    client = cast.client("csm")
    assert "Add account" in client.get("/accounts/new/").content.decode()
    response = client.post("/accounts/new/", {"name": "Helio Robotics", "domain": "helio.example", "employees": "80"})
    account = Account.objects.get(name="Helio Robotics")
    assert response.headers["Location"] == f"/accounts/{account.pk}/"
    assert page(cast, account).context["account"]["owner_name"] == "Maya Okafor"  # or she would not see it again
    assert DirtyAccount.objects.filter(account_id=account.pk).exists()


@pytest.mark.parametrize(("values", "said"), [({"name": ""}, "cannot be empty"), ({"name": "New", "employees": "few"}, "expected a whole number"), ({"name": "Kestrel Labs", "domain": "kestrel.example"}, "in the book already")])  # fmt: skip
def test_what_cannot_be_added_says_why_and_keeps_what_was_typed(cast: Cast, values: dict[str, str], said: str) -> None:
    before = Account.objects.count()
    response = cast.client("csm").post("/accounts/new/", values | {"industry": "Robots"})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert "Robots" in response.content.decode()
    assert Account.objects.count() == before


def test_texts_are_escaped(cast: Cast) -> None:
    Account.objects.filter(pk=cast.adopting.pk).update(name="<script>x</script>", industry="<img src=x>")
    for tab in TABS:
        content = page(cast, cast.adopting, tab).content.decode()
        assert "<script>x" not in content
        assert "<img src=x>" not in content
