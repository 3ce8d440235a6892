"""The list of tasks: narrowed by words, priority, person and day, kept in the address, said as sentences, and taken as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from laer.web.people.models import Act, AuditEvent
from laer.web.work import actions
from tests.cast import Cast

YESTERDAY, LATER = "2020-01-01", "2999-01-01"


@pytest.fixture
def work(cast: Cast) -> Cast:
    give = actions.create_task
    csm, lead = (str(cast.people[who].pk) for who in ("csm", "lead"))
    give(cast.users["csm"], {"title": "Call the sponsor", "priority": "3", "due_on": YESTERDAY}, cast.renewing.pk)
    give(cast.users["csm"], {"title": "=Write the review", "priority": "1", "assignee": csm}, cast.renewing.pk)
    give(cast.users["csm"], {"title": "Plan the workshop", "assignee": lead, "due_on": LATER}, cast.adopting.pk)
    return cast


def titles(cast: Cast, query: str, who: str = "csm") -> list[str]:
    context: Any = cast.client(who).get(f"/tasks/?view=all{query}").context
    return [row["title"] for group in context["groups"] for row in group["rows"]]


def test_each_filter_leaves_what_it_says(work: Cast) -> None:
    assert titles(work, "") == ["Call the sponsor", "Plan the workshop", "=Write the review"]
    assert titles(work, "&priority=3") == ["Call the sponsor"]
    assert titles(work, "&q=workshop") == ["Plan the workshop"]
    assert titles(work, f"&q={work.renewing.name.split()[0].lower()}") == ["Call the sponsor", "=Write the review"]
    assert titles(work, f"&person={work.people['lead'].pk}") == ["Plan the workshop"]
    assert [titles(work, f"&due={due}") for due in ("overdue", "today", "week", "later", "none")] == [
        ["Call the sponsor"], [], [], ["Plan the workshop"], ["=Write the review"],
    ]  # fmt: skip
    assert titles(work, "&due=later&priority=3") == []


def test_what_does_not_read_is_left_out(work: Cast) -> None:
    assert len(titles(work, "&priority=9&person=x&due=soon")) == 3


def test_filters_are_sentences_that_can_be_taken_away(work: Cast) -> None:
    context: Any = work.client("csm").get(f"/tasks/?view=all&priority=3&person={work.people['csm'].pk}").context
    assert [(str(c["label"]), str(c["value"])) for c in context["filters"]] == [("Priority is", "High"), ("For", work.people["csm"].name)]
    assert context["filters"][0]["remove_url"] == f"?view=all&person={work.people['csm'].pk}"
    assert {v["url"]: v["count"] for v in context["views"]}[f"?view=all&priority=3&person={work.people['csm'].pk}"] == 1


def test_a_list_that_a_filter_empties_says_so(work: Cast) -> None:
    assert "No task is like this" in work.client("csm").get("/tasks/?view=all&q=zzzz").content.decode()


def test_the_list_leaves_as_it_is_narrowed_and_is_in_the_trail(work: Cast) -> None:
    answer: Any = work.client("csm").get("/tasks/?view=all&priority=1&format=csv")
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert (row["task"], row["account"], row["priority"], row["assignee"]) == ("'=Write the review", work.renewing.name, "Low", work.people["csm"].name)
    assert AuditEvent.objects.get(act=Act.EXPORTED).user == work.users["csm"]


def test_the_outsider_takes_nothing_of_others(work: Cast) -> None:
    answer: Any = work.client("outsider").get("/tasks/?view=all&format=csv")
    assert len(answer.getvalue().decode().splitlines()) == 1
