"""Several accounts of the list at once: owner, a field, a task for each, a file; and the way back of all of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from laer.web.book.actions import assign_owner, edit_field
from laer.web.book.models import Account, Assignment, DirtyAccount, FieldChange
from laer.web.book.together import CHUNK, change_field, change_owner, undo_together
from laer.web.people.models import AuditEvent
from laer.web.work.models import Task
from tests.cast import Cast, add_account

OWNERS = {"until_on": None, "archived_at": None, "job": "csm"}


def owner(account: Account) -> str | None:
    return Assignment.objects.filter(account=account, **OWNERS).values_list("person__name", flat=True).first()


def do(cast: Cast, part: str, what: str, accounts: list[Account] | str, query: str = "", **data: str) -> tuple[Any, str, str]:
    """The answer, what was said, and the address of its undo."""
    chosen = {"all": "1"} if accounts == "all" else {"account": [str(a.pk) for a in accounts]}  # type: ignore[union-attr]
    answer = cast.client(part).post(f"/accounts/change/{query}", {"do": what} | chosen | data)
    said = list(get_messages(answer.wsgi_request))
    tags = said[-1].extra_tags if said else ""
    return answer, str(said[-1]) if said else "", re.sub(r".*undo:", "", tags or "")


def test_the_owner_of_several_changes_and_comes_back_exactly(cast: Cast) -> None:
    tom, maya = cast.people["outsider"], cast.people["csm"]
    accounts = [cast.renewing, cast.expanding, cast.adopting]
    before = set(Assignment.objects.filter(account__in=accounts, **OWNERS).values_list("pk", flat=True))
    _, said, undo = do(cast, "lead", "owner", accounts, person=str(tom.pk))
    assert said == "Owner of 3 accounts changed"
    assert {owner(a) for a in accounts} == {tom.name}
    assert FieldChange.objects.filter(field="owner", object_id__in=[a.pk for a in accounts], old=maya.name, new=tom.name, user=cast.users["lead"]).count() == 3
    assert DirtyAccount.objects.filter(account_id__in=[a.pk for a in accounts]).count() >= 3

    answer = cast.client("lead").post(undo)
    assert [str(m) for m in get_messages(answer.wsgi_request)][-1] == "Owner of 3 accounts is back to what it was"
    assert {owner(a) for a in accounts} == {maya.name}
    assert set(Assignment.objects.filter(account__in=accounts, **OWNERS).values_list("pk", flat=True)) == before


def test_undo_leaves_and_names_what_was_changed_since(cast: Cast) -> None:
    lead, accounts = cast.users["lead"], [cast.renewing, cast.expanding, cast.no_data]
    was = {a.pk: Account.objects.get(pk=a.pk).segment for a in accounts}
    done = change_field(lead, [a.pk for a in accounts], "segment", "Strategic")
    edit_field(lead, "accounts", cast.expanding.pk, "segment", "Mid")
    assert done.handle
    back = undo_together(lead, done.handle)
    assert (back.done, back.left) == (2, ("Bluefin Energy",))
    now = dict(Account.objects.filter(pk__in=was).values_list("id", "segment"))
    assert now == was | {cast.expanding.pk: "Mid"}
    assert undo_together(lead, done.handle).done == 0


def test_an_owner_given_away_again_stays(cast: Cast) -> None:
    lead = cast.users["lead"]
    done = change_owner(lead, [cast.renewing.pk, cast.back.pk], cast.people["outsider"].pk)
    assign_owner(lead, cast.back.pk, cast.people["lead"].pk)
    assert done.handle
    back = undo_together(lead, done.handle)
    assert (back.done, back.left) == (1, ("Ember Studios",))
    assert owner(cast.back) == cast.people["lead"].name
    assert owner(cast.renewing) == cast.people["csm"].name


def test_only_what_one_may_edit_and_the_others_are_counted(cast: Cast) -> None:
    _, said, _ = do(cast, "csm", "field", [cast.renewing, cast.others], field="segment", value="Core")
    assert said == "Segment of 1 account changed · 1 is not yours to edit"
    assert Account.objects.get(pk=cast.others.pk).segment != "Core"
    _, said, _ = do(cast, "outsider", "field", cast.theirs, field="segment", value="Stolen")
    assert said == "Nothing changed · 6 are not yours to edit"
    assert not Account.objects.filter(segment="Stolen").exists()


def test_a_viewer_changes_nothing(cast: Cast) -> None:
    answer, _, _ = do(cast, "viewer", "field", [cast.renewing], field="segment", value="Core")
    assert answer.status_code == 403
    assert 'value="owner"' not in cast.client("viewer").get("/accounts/").content.decode()


def test_somebody_elses_change_is_not_there_to_undo(cast: Cast) -> None:
    done = change_field(cast.users["lead"], [cast.renewing.pk], "segment", "Core")
    assert cast.client("csm").post(f"/accounts/undo/{done.handle}/").status_code == 404
    assert Account.objects.get(pk=cast.renewing.pk).segment == "Core"


def test_who_gave_their_own_away_takes_it_back_at_once(cast: Cast) -> None:
    _, _, undo = do(cast, "csm", "owner", [cast.renewing, cast.back], person=str(cast.people["outsider"].pk))
    assert cast.client("csm").get(f"/accounts/{cast.renewing.pk}/").status_code == 404
    cast.client("csm").post(undo)
    assert owner(cast.renewing) == owner(cast.back) == cast.people["csm"].name


def test_all_that_match_are_those_of_the_address(cast: Cast) -> None:
    for i in range(CHUNK + 5):
        add_account(f"Crowd {i:03}", cast.people["csm"], mrr=i)
    _, said, undo = do(cast, "lead", "field", "all", "?q=crowd", field="region", value="North")
    assert said == f"Region of {CHUNK + 5} accounts changed"
    assert Account.objects.filter(region="North").count() == CHUNK + 5
    cast.client("lead").post(undo)
    assert not Account.objects.filter(region="North").exists()


def test_as_many_queries_for_many_as_for_few(cast: Cast) -> None:
    lead, counts = cast.users["lead"], []
    for size in (2, 60):
        ids = [add_account(f"Crowd {size} {i}", cast.people["csm"]).pk for i in range(size)]
        with CaptureQueriesContext(connection) as asked:
            assert change_owner(lead, ids, cast.people["outsider"].pk).done == size
        counts.append(len([q for q in asked if not q["sql"].startswith("INSERT INTO")]))
    assert counts[0] == counts[1] <= 16


@pytest.mark.parametrize(
    ("what", "data", "reason"),
    [
        ("field", {"field": "name", "value": "One"}, "found 'name', expected one of segment, lead_source, industry, region, country"),
        ("field", {"field": "country", "value": "x" * 300}, "Country: found 300 characters, expected at most"),
        ("owner", {"person": ""}, "choose who is to own them"),
        ("owner", {"person": "999999"}, "Owner: found nobody of that number"),
        ("task", {"title": ""}, "Title cannot be empty"),
        ("", {}, "choose what to do with them"),
    ],
)
def test_what_does_not_read_is_said_and_nothing_is_written(cast: Cast, what: str, data: dict[str, str], reason: str) -> None:
    before = FieldChange.objects.count()
    _, said, undo = do(cast, "lead", what, [cast.renewing], **data)
    assert reason in said
    assert undo == ""
    assert FieldChange.objects.count() == before


def test_nothing_ticked_is_said(cast: Cast) -> None:
    assert do(cast, "lead", "owner", [], person="nobody")[1] == "Nothing changed: tick an account first"


def test_a_task_for_each_is_its_owners_and_goes_again(cast: Cast) -> None:
    _, said, undo = do(cast, "lead", "task", [cast.renewing, cast.others], title="Ask for the plan", assignee="owner")
    assert said == "2 tasks added"
    assert dict(Task.objects.filter(title="Ask for the plan").values_list("account__name", "assignee__name")) == {"Vantage Health": "Maya Okafor", "Onyx Retail": "Tom Becker"}
    cast.client("lead").post(undo)
    assert not Task.objects.filter(title="Ask for the plan", archived_at=None).exists()


def test_the_chosen_leave_as_a_file_that_the_audit_names(cast: Cast) -> None:
    answer, _, _ = do(cast, "csm", "export:csv", [cast.renewing, cast.others])
    text = b"".join(answer.streaming_content).decode()
    assert "Vantage Health" in text
    assert "Onyx Retail" not in text  # not the person's to see
    assert "Kestrel Labs" not in text
    assert AuditEvent.objects.filter(act="exported", user=cast.users["csm"]).exists()


def test_the_history_of_one_undoes_one_or_all(cast: Cast) -> None:
    done = change_field(cast.users["lead"], [cast.renewing.pk, cast.back.pk], "segment", "Core")
    text = cast.client("lead").get(f"/accounts/{cast.renewing.pk}/?tab=changes").content.decode()
    assert "edited with others" in text
    own = FieldChange.objects.get(object_id=cast.renewing.pk, field="segment", new="Core")
    assert f"/accounts/undo/{own.pk}/" in text
    cast.client("lead").post(f"/changes/{own.pk}/undo/")
    assert Account.objects.get(pk=cast.renewing.pk).segment != "Core"
    back = undo_together(cast.users["lead"], own.pk)
    assert (back.done, back.left) == (1, ("Vantage Health",))
    assert done.done == 2
