"""Saved views: who has which, what they open, and that each change can be taken back; of the account list, and of every other list that has them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from laer.web.pages import lists
from laer.web.people.models import Act, AuditEvent, SavedView
from laer.web.people.saved_views import MOST
from tests.cast import Cast

ENTERPRISE = "segment=Enterprise&sort=name&columns=arr&columns=owner_name"


def save(cast: Cast, part: str = "csm", name: str = "Large ones", query: str = ENTERPRISE, **more: str) -> SavedView:
    answer = cast.client(part).post("/views/accounts/", {"name": name, "query": query, **more})
    assert answer.status_code == 302
    return SavedView.objects.get(name=name, owner=cast.users[part], archived_at=None)


def bar(cast: Cast, part: str, query: str = "?saved=all") -> list[str]:
    return [v["name"] for v in cast.client(part).get(f"/accounts/{query}").context["view_bar"]["views"]]


def said(client: Any, query: str = "?saved=all") -> str:
    return str(client.get(f"/accounts/{query}").content.decode())


def undo(cast: Cast, part: str = "csm") -> None:
    """By the word that the next page says; the newest of them, where several wait."""
    found = re.findall(r'action="(/views/accounts/\d+/undo/)"', said(cast.client(part)))
    cast.client(part).post(found[-1])


def test_a_view_keeps_filters_sort_and_columns(cast: Cast) -> None:
    view = save(cast, query=f"after=x&nonsense=1&saved=9&{ENTERPRISE}")
    assert view.query == ENTERPRISE
    answer = cast.client("csm").get(f"/accounts/?saved={view.pk}&{view.query}")
    assert [r["name"] for r in answer.context["rows"]] == ["Bluefin Energy", "Vantage Health"]
    assert list(answer.context["show"]) == ["arr", "owner_name"]
    assert answer.context["view_bar"]["open"]["changed"] is False
    assert cast.client("csm").get(f"/accounts/?saved={view.pk}&segment=SMB").context["view_bar"]["open"]["changed"] is True


def test_an_own_view_is_nobody_elses(cast: Cast) -> None:
    save(cast)
    assert bar(cast, "csm") == ["Large ones"]
    assert bar(cast, "lead") == []


def test_a_shared_view_shows_each_their_own_accounts(cast: Cast) -> None:
    view = save(cast, "lead", "Paying", "state=paying", shared="on")
    assert bar(cast, "outsider") == ["Paying"]
    rows = cast.client("outsider").get(f"/accounts/?saved={view.pk}&{view.query}").context["rows"]
    assert [r["name"] for r in rows] == ["Onyx Retail"]


@pytest.mark.parametrize("pressed", ["rename", "update", "delete"])
def test_only_its_owner_changes_a_shared_view(cast: Cast, pressed: str) -> None:
    view = save(cast, "lead", shared="on")
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": pressed, "name": "Mine now", "query": "state=churned"})
    assert "not yours" in said(cast.client("csm"))
    view.refresh_from_db()
    assert (view.name, view.query, view.archived_at) == ("Large ones", ENTERPRISE, None)


def test_nobody_takes_back_what_another_did(cast: Cast) -> None:
    view = save(cast, "lead", shared="on")
    cast.client("csm").post(f"/views/accounts/{view.pk}/undo/")
    assert bar(cast, "lead") == ["Large ones"]


def test_a_viewer_keeps_views_for_themselves(cast: Cast) -> None:
    cast.client("viewer").post("/views/accounts/", {"name": "Theirs", "query": ENTERPRISE, "shared": "on"})
    assert not SavedView.objects.exists()
    save(cast, "viewer")
    assert bar(cast, "viewer") == ["Large ones"]


def test_the_list_opens_at_the_default_view(cast: Cast) -> None:
    view = save(cast, default="on")
    answer = cast.client("csm").get("/accounts/")
    assert answer["Location"] == f"/accounts/?saved={view.pk}&{ENTERPRISE}"
    assert cast.client("csm").get("/accounts/?saved=all").status_code == 200
    assert cast.client("csm").get("/accounts/?q=kestrel").status_code == 200
    assert cast.client("lead").get("/accounts/").status_code == 200
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "no-default"})
    assert cast.client("csm").get("/accounts/").status_code == 200


def test_somebody_elses_shared_view_may_be_the_default_until_it_is_gone(cast: Cast) -> None:
    view = save(cast, "lead", shared="on")
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "default"})
    assert cast.client("csm").get("/accounts/").status_code == 302
    cast.client("lead").post(f"/views/accounts/{view.pk}/", {"do": "rename", "name": "Large ones"})  # no longer shared
    assert cast.client("csm").get("/accounts/").status_code == 200
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "default"})
    assert "no longer there" in said(cast.client("csm"))


def test_saving_is_taken_back(cast: Cast) -> None:
    first = save(cast, name="First", default="on")
    save(cast, name="Second", query="state=paying", default="on")
    undo(cast)
    assert bar(cast, "csm") == ["First"]
    assert f"saved={first.pk}&" in cast.client("csm").get("/accounts/")["Location"]


def test_renaming_sharing_and_new_filters_are_taken_back(cast: Cast) -> None:
    view = save(cast)
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "rename", "name": "Largest", "shared": "on"})
    assert bar(cast, "lead") == ["Largest"]
    undo(cast)
    assert (bar(cast, "csm"), bar(cast, "lead")) == (["Large ones"], [])
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "update", "query": "state=paying"})
    view.refresh_from_db()
    assert (view.name, view.query) == ("Large ones", "state=paying")
    undo(cast)
    view.refresh_from_db()
    assert view.query == ENTERPRISE


def test_deleting_is_taken_back_once(cast: Cast) -> None:
    view = save(cast, default="on")
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "delete"})
    undo(cast)
    assert bar(cast, "csm") == ["Large ones"]
    assert cast.client("csm").get("/accounts/").status_code == 302
    cast.client("csm").post(f"/views/accounts/{view.pk}/undo/")
    assert "nothing to take back" in said(cast.client("csm"))


def test_a_deleted_view_is_gone_and_no_list_opens_at_it(cast: Cast) -> None:
    view = save(cast, "lead", shared="on")
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "default"})
    cast.client("lead").post(f"/views/accounts/{view.pk}/", {"do": "delete"})
    assert bar(cast, "csm") == []
    assert cast.client("csm").get("/accounts/").status_code == 200


def test_a_deleted_view_does_not_return_over_another_of_its_name(cast: Cast) -> None:
    view = save(cast)
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "delete"})
    save(cast)
    cast.client("csm").post(f"/views/accounts/{view.pk}/undo/")
    assert bar(cast, "csm") == ["Large ones"]


@pytest.mark.parametrize(("name", "query", "told"), [("  ", "q=x", "needs a name"), ("large ONES", "q=x", "already"), ("Long", "q=" + "x" * 2000, "2,000 characters")])
def test_what_cannot_be_kept_is_refused(cast: Cast, name: str, query: str, told: str) -> None:
    save(cast)
    cast.client("csm").post("/views/accounts/", {"name": name, "query": query})
    assert told in said(cast.client("csm"))
    assert SavedView.objects.count() == 1


def test_a_person_has_no_more_than_a_bar_can_show(cast: Cast) -> None:
    for i in range(MOST):
        save(cast, name=f"V{i}")
    cast.client("csm").post("/views/accounts/", {"name": "One more", "query": "q=x"})
    assert "delete one first" in said(cast.client("csm"))


def test_a_name_is_text(cast: Cast) -> None:
    save(cast, name="<b>x</b>")
    assert "<b>x</b>" not in said(cast.client("csm"))


def test_each_change_is_in_the_trail(cast: Cast) -> None:
    view = save(cast)
    cast.client("csm").post(f"/views/accounts/{view.pk}/", {"do": "delete"})
    undo(cast)
    events = AuditEvent.objects.filter(act=Act.VIEW_CHANGED).order_by("pk")
    assert [(e.user, e.subject, e.details["what"]) for e in events] == [(cast.users["csm"], "Large ones", w) for w in ("made", "deleted", "change taken back")]


# The other lists: their page, what a view of it keeps, and a column that can be left out with the words of its heading.
LISTS = {
    "tasks": ("csm", "/tasks/", "view=all&priority=3&columns=due_on", "assignee"),
    "renewals": ("csm", "/renewals/", "view=all&columns=ends_on", "owner"),
    "land": ("csm", "/land/", "by=segment&view=won&columns=arr", "seller"),
    "adopt": ("csm", "/adopt/", "view=silent&columns=silence", "last_used_on"),
    "expand": ("csm", "/expand/", "view=whitespace&columns=product", "owner"),
    "imports": ("lead", "/data/", "state=done&columns=new", "rejected"),
    "runs": ("lead", "/data/runs/", "kind=full&columns=took", "counts"),
    "quarantine": ("lead", "/data/quarantine/", "reason=bad+date&columns=line", "text"),
    "doctor": ("csm", "/data/doctor/", "severity=warning", ""),
    "people": ("admin", "/settings/people/", "view=login&columns=accounts", "seen_at"),
    "pulse_against": ("csm", "/accounts/health/pulse/", "columns=owner", "pulse_on"),
    "audit": ("admin", "/settings/audit/", "kind=imports&columns=who", "details"),
}  # fmt: skip


def test_every_list_that_keeps_views_is_known_here() -> None:
    assert set(lists.LISTS) == {*LISTS, "accounts", "reports"}  # a report is its whole address: test_reports.py
    assert all(len(name) <= 20 for name in lists.LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_other_lists_keep_views_and_open_at_them(cast: Cast, name: str) -> None:
    who, page, query, left_out = LISTS[name]
    client = cast.client(who)
    answer = client.post(f"/views/{name}/", {"name": "Mine", "query": f"{query}&after=9&saved=4&nonsense=1", "default": "on"})
    view = SavedView.objects.get(page=name, owner=cast.users[who])
    assert (answer["Location"], view.query) == (f"{page}?saved={view.pk}&{query}", query)
    assert client.get(page)["Location"] == f"{page}?saved={view.pk}&{query}"
    opened = client.get(f"{page}?saved={view.pk}&{query}")
    assert opened.status_code == 200
    listed = opened.context.get("listing") or opened.context
    if "view_bar" in listed:  # a motion's list is not there where the book knows nothing of it
        assert listed["view_bar"]["open"]["name"] == "Mine"
        assert listed["view_bar"]["open"]["changed"] is False
        assert left_out not in listed["show"]
    assert client.get(f"{page}?saved=all").status_code == 200
    undone = client.post(f"/views/{name}/{view.pk}/undo/")
    assert undone["Location"] == f"{page}?saved=all"
    assert client.get(page).status_code == 200


def test_a_view_of_one_list_is_none_of_another(cast: Cast) -> None:
    view = save(cast)
    cast.client("csm").post(f"/views/tasks/{view.pk}/", {"do": "delete"})
    assert bar(cast, "csm") == ["Large ones"]
    assert cast.client("csm").post("/views/nowhere/", {"name": "x", "query": ""}).status_code == 404


def test_links_within_a_list_keep_its_columns(cast: Cast) -> None:
    page = cast.client("csm").get("/tasks/?view=all&columns=due_on")
    assert {v["url"].partition("&")[2] for v in page.context["views"]} == {"columns=due_on"}
    assert [c["name"] for c in page.context["columns"] if c["checked"]] == ["due_on"]
    renewals = cast.client("csm").get("/renewals/?view=all&columns=arr&columns=owner").context
    assert all(v["url"].endswith("&columns=arr&columns=owner") for v in renewals["views"])
