"""The board pack: it ties to the Revenue page to the cent, its rows add up to their figures, and nothing in it is run."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.scope import Scope
from laer.records.periods import month_of
from laer.web.pages import exports
from laer.web.pages.exports import Rate, Sheet
from laer.web.pages.motion import MONEY, PERCENT, moved
from laer.web.people.models import Act, AuditEvent
from laer.web.runs import closing, packing, passes
from tests.standing import stands
from tests.web.files import take_in
from tests.web.test_flow_page import ACCOUNTS, LINES, PLANS, login
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
EVENTS = "churn_event_id,account_id,churn_date,reason_code\nC-1,A2,2025-05-01,price\n"


@pytest.fixture
@stands
def firm(tmp_path: Path) -> Any:
    take_in(tmp_path, accounts=ACCOUNTS.replace("Ember", "=cmd|'/c calc'!A1"), subscriptions=LINES, onboarding_plans=PLANS, churn_events=EVENTS)
    return passes.run_waiting_pass()


def book_of(answer: Any) -> dict[str, list[list[Any]]]:
    content = answer if isinstance(answer, bytes) else answer.getvalue()
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def waterfall(sheet: list[list[Any]]) -> dict[str, float]:
    begin = next(at for at, row in enumerate(sheet) if row[0] == "Waterfall")
    return {row[0]: row[1] for row in sheet[begin + 1 :]}


@pytest.mark.parametrize("month", ["2025-02", "2025-05", "2025-07", "2025-08", "2025-09"])
def test_the_pack_ties_to_the_revenue_page_to_the_cent(firm: Any, month: str) -> None:
    client = login("lead")
    page = client.get("/revenue/", {"month": month})
    theirs = {str(row["label"]): row["value"] for row in page.context["waterfall"]["rows"]}
    sheets = book_of(client.get("/home/pack/", {"month": month, "format": "xlsx"}))
    ours = {label: Decimal(str(value)) for label, value in waterfall(sheets["Summary"]).items()}
    assert {label: abs(value) for label, value in ours.items()} == theirs
    assert sum(value for label, value in ours.items() if label != "Closing MRR") == ours["Closing MRR"]
    said = {row[0]: row[1] for row in sheets["Summary"] if len(row) > 1}
    exact = {str(figure["label"]): figure for figure in page.context["figures"]}
    assert f"${said['ARR']:,.2f}" == exact["ARR"]["title"]
    for name in ("NRR, 12 months", "GRR, 12 months"):
        assert (f"{said[name]:.1%}" if said[name] != "" else exact[name]["value"]) == exact[name]["value"]
    assert said["Paying accounts"] == float(exact["Paying accounts"]["value"])


def test_the_rows_behind_add_up_to_their_figures(firm: Any) -> None:
    client = login("lead")
    for month in ("2025-05", "2025-08", "2025-09"):
        sheets = book_of(client.get("/home/pack/", {"month": month, "format": "xlsx"}))
        bars = waterfall(sheets["Summary"])
        moved = sheets["Rows  movements"][1:]
        for label in ("New", "Expansion", "Contraction", "Churn"):
            assert round(sum(row[8] for row in moved if row[4] == label), 2) == bars[label], (month, label)
        assert round(sum(row[4] for row in sheets["Rows  MRR"][2:]), 2) == bars["Closing MRR"]


def test_movements_say_their_cause(firm: Any) -> None:
    found = packing.pack_of(firm, Scope(True), month_of("2025-05"), {})
    assert [(one.movement, one.cause) for one in found.moved] == [("churn", "price")]  # as somebody stated it
    grown = packing.pack_of(firm, Scope(True), month_of("2025-09"), {})
    assert [(one.movement, one.cause) for one in grown.moved if one.movement == "expansion"] == [("expansion", "mixed")]  # no seats are said


def test_flow_and_health_are_of_the_month_s_end(firm: Any) -> None:
    found = packing.pack_of(firm, Scope(True), month_of("2025-05"), {})
    assert str(found.day) == "2025-05-31"
    assert found.flow.part().closing == found.now["closing_mrr"]
    assert sum(band.accounts for band in found.health.values()) == found.now["closing_accounts"] == len(found.closing)


def test_a_name_that_would_run_is_text(firm: Any) -> None:
    answer = login("lead").get("/home/pack/", {"month": "2025-09", "format": "xlsx"})
    content = answer.getvalue()
    sheets = zipfile.ZipFile(io.BytesIO(content))
    assert not any(b"<f>" in sheets.read(name) for name in sheets.namelist() if name.startswith("xl/worksheets/"))
    assert any(row[1] == "=cmd|'/c calc'!A1" for row in book_of(content)["Rows  MRR"])
    assert b"[$USD] #,##0.00" in sheets.read("xl/styles.xml")


def test_a_pack_is_of_the_accounts_of_who_asks_and_leaves_an_audit_row(firm: Any) -> None:
    client = login("member", "Ann Ash")
    answer = client.get("/home/pack/", {"month": "2025-09", "format": "xlsx"})
    assert {row[1] for row in book_of(answer)["Rows  MRR"][2:]} == {"Bluefin", "Kestrel"}
    assert AuditEvent.objects.filter(act=Act.EXPORTED, subject="board-pack-2025-09.xlsx").count() == 1
    nobody = login("viewer").get("/home/pack/")
    assert nobody.context["nothing"]


def test_the_printed_pages_show_the_month_and_fall_back_to_the_last_whole_one(firm: Any) -> None:
    client = login("lead")
    page = client.get("/home/pack/", {"month": "2025-09"})
    assert [row["text"] for row in page.context["waterfall"]["rows"] if row["key"] in ("opening", "closing")] == ["$438.98", "$539.08"]
    assert page.context["months"][0]["label"]
    assert client.get("/home/pack/", {"month": "1066-10"}).status_code == 200
    assert client.get("/home/pack/", {"month": "x"}).context["to_date"] is False


def test_the_command_writes_the_same_workbook(firm: Any, tmp_path: Path) -> None:
    file = tmp_path / "pack.xlsx"
    done = CliRunner().invoke(app, ["pack", "2025-09", "--output", str(file)])
    assert done.exit_code == 0, done.output
    assert "MRR 539.08 USD" in done.output
    theirs = book_of(login("lead").get("/home/pack/", {"month": "2025-09", "format": "xlsx"}))
    assert book_of(file.read_bytes()) == theirs
    assert AuditEvent.objects.filter(act=Act.EXPORTED, subject="pack.xlsx", user=None).count() == 1


@pytest.mark.parametrize(("month", "said"), [("1066-10", "expected a month from 2025-01"), ("x", "x")])
def test_the_command_says_which_months_there_are(firm: Any, month: str, said: str) -> None:
    done = CliRunner().invoke(app, ["pack", month])
    assert done.exit_code != 0
    assert said in done.output


def test_sheets_have_names_that_spreadsheets_take() -> None:
    made = exports.written([Sheet("a/b: c", ("x",), [(Rate(0.5),), (Rate(None),)]), Sheet("A/B: C", ("x",), []), Sheet("n" * 40, ("x",), [], (("above", 1),))])
    book = CalamineWorkbook.from_filelike(io.BytesIO(made.read()))
    assert book.sheet_names == ["a b  c", "A B  C 2", "n" * 31]
    assert book.get_sheet_by_index(0).to_python() == [["x"], [0.5]]
    assert book.get_sheet_by_index(2).to_python() == [["above", 1.0], ["x", ""]]


@pytest.mark.parametrize(
    ("now", "before", "unit", "expected"),
    [
        (0.87201, 0.87219, PERCENT, ("flat", "")),  # −0.018 points reads +0.0: neither up nor down
        (0.8711, 0.8722, PERCENT, ("down", "bad")),
        (1_000_010, 1_000_000, MONEY, ("flat", "")),
        (1_100_000, 1_000_000, MONEY, ("up", "good")),
    ],
)
def test_what_reads_as_no_move_is_none(now: float, before: float, unit: str, expected: tuple[str, str]) -> None:
    said = moved(now, before, unit)
    assert said is not None
    assert (said["direction"], said["tone"]) == expected


def test_a_closed_month_says_how_it_was_reported_beside_how_it_is_restated(firm: Any, tmp_path: Path) -> None:
    """May is closed; later a line comes to light that began in April."""
    closing.close_months(None, month_of("2025-05"))
    take_in(tmp_path, subscriptions=LINES + "S9,A3,2025-04-01,2025-05-20,40,Plus\n")
    passes.run_waiting_pass()
    client = login("lead")
    page = client.get("/home/pack/", {"month": "2025-05"})
    reported = client.get("/revenue/", {"month": "2025-05", "basis": "reported"})
    restated = client.get("/revenue/", {"month": "2025-05"})
    rows = {str(row["label"]): row for row in page.context["waterfall"]["rows"]}
    assert page.context["waterfall"]["reported"]
    assert (rows["Contraction"]["text"], rows["Contraction"]["reported"]) == ("-$40.00", "$0.00")
    for label, theirs in (("text", restated), ("reported", reported)):
        there = {str(row["label"]): row["value"] for row in theirs.context["waterfall"]["rows"]}
        own = {name: Decimal(row[label].replace("$", "").replace(",", "").replace("\u2212", "-")) for name, row in rows.items()}
        assert {name: abs(own[name]) for name in there} == there, label
    assert all("as reported" in str(figure["known"]) for figure in page.context["figures"])
    sheets = book_of(client.get("/home/pack/", {"month": "2025-05", "format": "xlsx"}))
    begin = next(at for at, row in enumerate(sheets["Summary"]) if row[0] == "Waterfall")
    bars = {row[0]: (row[1], row[3]) for row in sheets["Summary"][begin + 1 :]}
    assert bars["Contraction"] == (-40.0, 0.0)
    for column in (0, 1):
        assert round(sum(bar[column] for name, bar in bars.items() if name != "Closing MRR"), 2) == bars["Closing MRR"][column]
    months = sheets["Revenue by month"]
    assert [row[-2] for row in months[1:] if str(row[0]).startswith("2025-05")] == ["as restated", "as reported"]
    open_one = client.get("/home/pack/", {"month": "2025-09"})
    assert not open_one.context["waterfall"]["reported"]
