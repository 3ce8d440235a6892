"""The lists of an account's page as files: whole, of the fields that the person may see, and for nobody else."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from laer.web.book.models import Ticket
from laer.web.book.queries import SHOWN
from laer.web.pages.account_files import FILES
from laer.web.people.models import Act, AuditEvent
from laer.web.work.notes import add_note
from tests.cast import Cast

NAMES = [(tab, file.name) for tab, files in FILES.items() for file in files]


def told(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.status_code
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def address(cast: Cast, tab: str, name: str = "", form: str = "csv") -> str:
    return f"/accounts/{cast.renewing.pk}/?tab={tab}&of={name}&format={form}"


@pytest.mark.parametrize(("tab", "name"), NAMES)
def test_each_list_leaves_with_its_header_and_is_in_the_trail(cast: Cast, tab: str, name: str) -> None:
    answer: Any = cast.client("csm").get(address(cast, tab, name))
    header = next(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert tuple(header) == next(file.header for file in FILES[tab] if file.name == name)
    assert AuditEvent.objects.get(act=Act.EXPORTED).subject == f"account-{cast.renewing.pk}-{name}.csv"


@pytest.mark.parametrize(("tab", "name"), NAMES)
def test_the_outsider_gets_none_of_them(cast: Cast, tab: str, name: str) -> None:
    assert cast.client("outsider").get(address(cast, tab, name)).status_code == 404


def test_a_line_says_what_was_paid_and_for_which_days(cast: Cast) -> None:
    shown = cast.client("csm").get(f"/accounts/{cast.renewing.pk}/?tab=subscriptions").context["lines"]
    rows = told(cast.client("csm").get(address(cast, "subscriptions")))
    assert [(r["first_day"], r["mrr"], r["currency"]) for r in rows] == [
        (step["start_on"].isoformat(), str(step["mrr"]), step["currency"]) for line in shown for step in line["history"]
    ]


def test_a_file_has_all_rows_and_not_those_of_the_page(cast: Cast) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    Ticket.objects.bulk_create(Ticket(account=cast.renewing, subject=f"=No {n}", opened_at=at, created_at=at, escalated=None) for n in range(SHOWN + 5))
    rows = told(cast.client("csm").get(address(cast, "tickets")))
    assert len([r for r in rows if r["subject"].startswith("'=No ")]) == SHOWN + 5
    assert {r["escalated"] for r in rows if r["subject"].startswith("'=No ")} == {""}  # unknown is not "no"


def test_the_story_leaves_with_the_text_of_its_notes(cast: Cast) -> None:
    add_note(cast.users["csm"], cast.renewing.pk, "They **like** the new report")
    (row,) = [r for r in told(cast.client("csm").get(address(cast, "feed"))) if r["kind"] == "Notes"]
    assert (row["text"], row["who"]) == ("They **like** the new report", cast.people["csm"].name)


def test_a_name_that_no_list_has_gives_the_page(cast: Cast) -> None:
    assert "text/html" in cast.client("csm").get(address(cast, "tickets", "wages"))["Content-Type"]
