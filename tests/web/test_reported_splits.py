"""Revenue by a dimension and an account's MRR as they were reported: kept at the closing, whatever becomes of the rows and the accounts since."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from laer.cycle.scope import Scope
from laer.metrics.statement import TOTAL
from laer.records.periods import month_of
from laer.web.book.models import Account
from laer.web.runs import closing, passes, revenue
from laer.web.runs.models import ClosedMonth, ReportedSplit
from laer.web.runs.reported import closings
from laer.web.runs.reported_splits import ReportedByValue, by_value_as_reported
from tests.standing import stands
from tests.web.test_close import ACCOUNTS, DOWNS, LATE, LINES, UPS, book, browser, person, reported_months, run_now, take_in

__all__ = ["book"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
FIRST, LAST = month_of("2025-01"), month_of("2025-06")


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def split(dimension: str) -> ReportedByValue:
    found = by_value_as_reported(closings(), revenue.ledger_of(run_now(), Scope(True), by=dimension), dimension, FIRST, LAST)
    assert isinstance(found, ReportedByValue)
    return found


def by_segment(month: str, basis: str = "reported", role: str = "lead", **asked: str) -> Any:
    return browser(person(role)).get("/revenue/", {"month": month, "basis": basis, **asked}).context["by"]


@pytest.fixture
@stands
def closed_twice(tmp_path: Path) -> None:
    take_in(tmp_path, "accounts.csv", ACCOUNTS)
    take_in(tmp_path, "subscriptions.csv", LINES)
    closing.close_months(None, month_of("2025-02"))
    take_in(tmp_path, "late.csv", LATE)
    closing.close_months(None, month_of("2025-04"))
    take_in(tmp_path, "accounts.csv", "account_id,account_name,segment\nA-1,Alder,Whale\nA-2,Birch,Whale\n")


@pytest.mark.parametrize("dimension", [d for d in revenue.DIMENSIONS if d != "cause"])
def test_every_value_ties_and_all_of_them_are_the_total(closed_twice: None, dimension: str) -> None:
    months, whole = split(dimension).months_by_value(FIRST, LAST), reported_months()
    closed: dict[str, Fraction] = {}
    for month in months:
        moved = sum((month[n] or 0 for n in (*UPS, "entering_mrr")), Fraction(0)) - sum((month[n] or 0 for n in (*DOWNS, "leaving_mrr")), Fraction(0))
        assert moved == month["closing_mrr"], (month.month, month.value)
        assert closed.get(month.value or "", Fraction(0)) == month["opening_mrr"]
        closed[month.value or ""] = Fraction(month["closing_mrr"] or 0)
    for m in range(FIRST, LAST + 1):
        values = [one for one in months if one.month == m and one.value != TOTAL]
        (total,) = (one for one in months if one.month == m and one.value == TOTAL)
        assert sum((Fraction(one["closing_mrr"] or 0) for one in values), Fraction(0)) == total["closing_mrr"]
        (reported,) = (one for one in whole.values() if one.month == m)
        assert (total["closing_mrr"], total["restatement_mrr"]) == (reported["closing_mrr"], reported["restatement_mrr"])


def test_the_file_by_a_dimension_is_as_reported_and_says_so_in_its_name(book: Path) -> None:
    """April closes at 450.33: 150 of SMB and 901 / 3 of Enterprise. What comes later of March and April is 153.33 in May: 70 and 83.33."""
    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)

    def file(role: str = "lead", **asked: str) -> tuple[str, dict[tuple[str, str], dict[str, str]]]:
        got = browser(person(role)).get("/revenue/download/", {"by": "segment", "basis": "reported", **asked})
        rows = csv.DictReader(io.StringIO(got.content.decode()))
        return got["Content-Disposition"], {(row["month"], row["segment"]): row for row in rows}

    name, rows = file()
    assert "-as-reported.csv" in name
    shown = browser(person("lead")).get(by_segment("2025-04")["download_url"])  # the page leads there
    assert "-as-reported.csv" in shown["Content-Disposition"]
    assert shown.content.decode().startswith("segment,")
    assert {value: rows["2025-04", value]["closing_mrr"] for value in ("SMB", "Enterprise", TOTAL)} == {"SMB": "150.00", "Enterprise": "300.33", TOTAL: "450.33"}
    assert {value: rows["2025-05", value]["restatement_mrr"] for value in ("SMB", "Enterprise", TOTAL)} == {"SMB": "70.00", "Enterprise": "83.33", TOTAL: "153.33"}
    name, rows = file(basis="restated")
    assert (rows["2025-04", TOTAL]["closing_mrr"], "reported" in name, "restatement_mrr" in rows["2025-04", TOTAL]) == ("603.67", False, False)
    name, rows = file(movements="net")  # of the month's net closings keep no split
    assert (rows["2025-04", TOTAL]["closing_mrr"], "-as-restated.csv" in name) == ("603.67", True)


def test_the_page_shows_the_split_as_reported_and_as_restated(book: Path) -> None:
    """April closes at 450.33. A line that comes later, of Cedar and Birch, makes it 603.67; Cedar becomes a whale, from April on."""
    closing.close_months(None, month_of("2025-04"))
    before = by_segment("2025-04", "restated")
    take_in(book, "late.csv", LATE)
    reported, restated = by_segment("2025-04"), by_segment("2025-04", "restated")
    assert (reported["note"], restated["note"]) == ("as reported", "")
    assert str(reported["total"]["closing_mrr"]) == "450.33"
    assert str(restated["total"]["closing_mrr"]) == "603.67"
    assert {r["name"]: r["closing_mrr"] for r in reported["rows"]} == {r["name"]: r["closing_mrr"] for r in before["rows"]}
    assert {r["url"] for r in reported["rows"]} == {None}  # the accounts behind a value of a closed month were not kept
    may = by_segment("2025-05")
    assert str(may["total"]["restatement_mrr"]) == "153.33"
    assert "Restatement" in [str(c["title"]) for c in may["columns"]]
    assert all(r["url"] for r in may["rows"])


def test_a_closing_that_kept_no_split_says_so(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    ReportedSplit.objects.filter(closed=ClosedMonth.objects.get(month="2025-03-01")).delete()
    assert by_segment("2025-04")["note"] == "as restated: the closing of March 2025 keeps no split"  # it opens where March closed
    assert by_segment("2025-02")["note"] == "as reported"
    assert "keeps the split of each change" in by_segment("2025-02", movements="net")["note"]


def test_who_sees_a_part_of_the_book_sees_its_split_as_restated(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    person("member", "Ann Ash")
    member = browser(person("member")).get("/revenue/", {"month": "2025-03", "basis": "reported"})
    assert "you see a part of it" in member.context["by"]["note"]
    assert sum(r["closing_mrr"] for r in member.context["by"]["rows"]) == member.context["by"]["total"]["closing_mrr"]


def test_the_chart_of_an_account_switches_between_reported_and_restated(book: Path) -> None:
    client, cedar = browser(person("lead")), Account.objects.get(name="Cedar").pk
    assert client.get(f"/accounts/{cedar}/").context["mrr_bases"] is None
    closing.close_months(None, month_of("2025-04"))
    same = client.get(f"/accounts/{cedar}/", {"basis": "reported"}).context
    assert [b["active"] for b in same["mrr_bases"]] == [True, False]
    assert "line" not in same["mrr_chart"]
    take_in(book, "late.csv", LATE)  # 1,000 a year more, from 10 March on
    passes.run_waiting_pass()

    def at(basis: str, month: str) -> tuple[str, str]:
        chart = client.get(f"/accounts/{cedar}/", {"basis": basis}).context["mrr_chart"]
        place = chart["x"].index(month)
        return str(chart["series"][0]["values"][place]), str(chart["line"]["values"][place])

    assert at("reported", "2025-04") == ("300.33", "383.67")
    assert at("restated", "2025-04") == ("383.67", "300.33")
    assert at("reported", "2025-05") == ("383.67", "383.67")
    page = client.get(f"/accounts/{cedar}/", {"basis": "reported"}).content.decode()
    assert page.count("As restated") >= 2  # the switch, and the column of the table
