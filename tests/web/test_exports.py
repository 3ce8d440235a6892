"""Lists as files: who gets which rows, their types in a spreadsheet, and that nothing in them is run."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from laer.web.book.models import ImportRun, QuarantinedRow, Question
from laer.web.pages import exports
from laer.web.pages.exports import Money, export
from laer.web.people.models import Act, AuditEvent
from tests.cast import Cast, add_account

ODD = [(7, "=1+1", date(2026, 2, 28), datetime(2026, 2, 28, 23, 30, tzinfo=UTC), Money(Decimal("-1234.50"), "EUR"), Decimal("12345678901234567.89"), None, "-5")]
HEADER = ("id", "text", "day", "instant", "money", "large", "nothing", "minus")


def table(answer: Any) -> list[list[Any]]:
    sheet: list[list[Any]] = CalamineWorkbook.from_filelike(io.BytesIO(answer.getvalue())).get_sheet_by_index(0).to_python()
    return sheet


def told(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_a_csv_escapes_what_a_spreadsheet_would_run_and_leaves_numbers_alone() -> None:
    (row,) = told(export("odd", HEADER, ODD))
    assert row == {
        "id": "7", "text": "'=1+1", "day": "2026-02-28", "instant": "2026-02-28T23:30:00+00:00", "money": "-1234.50", "large": "12345678901234567.89",
        "nothing": "", "minus": "'-5",
    }  # fmt: skip


def test_a_workbook_keeps_types_and_runs_nothing() -> None:
    head, row = table(export("odd", HEADER, ODD, "xlsx"))
    assert head == list(HEADER)
    assert row == [7.0, "=1+1", date(2026, 2, 28), datetime(2026, 2, 28, 23, 30), -1234.5, "12345678901234567.89", "", "-5"]


def test_money_carries_its_currency() -> None:
    import zipfile

    answer = export("odd", HEADER, [(Money(Decimal(5), "JPY"), Money(Decimal(5), "EUR"))], "xlsx")
    styles = zipfile.ZipFile(io.BytesIO(answer.getvalue())).read("xl/styles.xml").decode()
    assert "[$JPY] #,##0&quot;" not in styles
    assert 'formatCode="[$JPY] #,##0"' in styles
    assert 'formatCode="[$EUR] #,##0.00"' in styles


def test_what_no_sheet_holds_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 3)
    book = CalamineWorkbook.from_filelike(io.BytesIO(export("n", ("n",), ((n,) for n in range(5)), "xlsx").getvalue()))
    assert [book.get_sheet_by_index(i).to_python() for i in range(3)] == [[["n"], [0.0], [1.0]], [["n"], [2.0], [3.0]], [["n"], [4.0]]]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_long_list_needs_no_more_memory_than_a_short_one(form: str) -> None:
    def peak(count: int) -> int:
        rows: Iterator[Any] = ((n, f"Account {n} of the long list", Money(Decimal(n), "USD")) for n in range(count))
        tracemalloc.start()
        answer = export("n", ("id", "account", "arr"), rows, form)
        for _ in answer:
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        answer.close()
        return found

    peak(10)  # what is imported once
    assert peak(12_000) < 2 * peak(3_000)


def test_the_account_list_leaves_as_it_is_filtered_sorted_and_shown(cast: Cast) -> None:
    rows = told(cast.client("lead").get("/accounts/?format=csv&segment=Enterprise&sort=name&columns=arr&columns=owner_name&columns=contract_end_on"))
    assert [list(r.values())[1:] for r in rows] == [
        ["Bluefin Energy", "bluefin.example", "36000.00", (cast.today + timedelta(days=164)).isoformat(), "Maya Okafor", "USD"],
        ["Vantage Health", "vantage.example", "48000.00", (cast.today + timedelta(days=39)).isoformat(), "Maya Okafor", "USD"],
    ]
    assert list(rows[0]) == ["account_id", "account", "domain", "arr", "contract_ends_on", "owner", "currency"]


@pytest.mark.parametrize("sort", ["name", "-arr", "contract_end_on", "-contract_end_on", "owner_name", "-segment", "country"])
@pytest.mark.parametrize("narrowed", ["", "&state=paying", "&q=e"])
def test_a_file_has_the_order_of_the_page(cast: Cast, sort: str, narrowed: str) -> None:
    shown = cast.client("lead").get(f"/accounts/?sort={sort}{narrowed}").context["rows"]
    assert [r["account"] for r in told(cast.client("lead").get(f"/accounts/?format=csv&sort={sort}{narrowed}"))] == [r["name"] for r in shown]


def test_the_account_list_as_a_workbook(cast: Cast) -> None:
    head, first, *_ = table(cast.client("lead").get("/accounts/?format=xlsx&columns=mrr&columns=contract_end_on&columns=spark"))
    assert head == ["account_id", "account", "domain", "mrr", "contract_ends_on", "currency"]
    assert first[1:] == ["Vantage Health", "vantage.example", 4000.0, cast.today + timedelta(days=39), "USD"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_outsider_takes_only_the_own_book(cast: Cast, form: str) -> None:
    answer = cast.client("outsider").get(f"/accounts/?format={form}")
    names = [r[1] for r in table(answer)[1:]] if form == "xlsx" else [r["account"] for r in told(answer)]
    assert names == ["Onyx Retail"]


def test_every_export_is_in_the_trail(cast: Cast) -> None:
    cast.client("csm").get("/accounts/?format=xlsx&segment=SMB").getvalue()  # type: ignore[attr-defined]
    event = AuditEvent.objects.get(act=Act.EXPORTED)
    assert (event.user, event.subject, event.details["of"]) == (cast.users["csm"], f"accounts-{cast.run.as_of}.xlsx", "/accounts/?format=xlsx&segment=SMB")


def test_a_name_that_is_a_formula_leaves_as_text(cast: Cast) -> None:
    add_account('=HYPERLINK("http://evil.example")', mrr=90_000)
    assert told(cast.client("lead").get("/accounts/?format=csv"))[0]["account"].startswith("'=")


@pytest.fixture
def aside(cast: Cast) -> Cast:
    run = ImportRun.objects.create(source="crm", kind="import", state="done", created_at=cast.run.started_at)
    QuarantinedRow.objects.create(run=run, file="a.csv", line=2, record="accounts", reason="no name", kind="missing", raw={"a": "=x", "b": "007"})
    Question.objects.create(run=run, kind="missing", account=cast.renewing, data={"day": "2026-02-03", "mrr": "4000", "currency": "USD"}, asked_at=cast.run.started_at)
    return cast


def test_quarantine_audit_and_questions_leave_as_workbooks_too(aside: Cast) -> None:
    head, row = table(aside.client("admin").get("/data/quarantine/download.csv?format=xlsx"))
    assert row[-2:] == ["=x", "007"]
    assert head[-2:] == ["a", "b"]
    head, row = table(aside.client("csm").get("/data/questions/?format=xlsx"))
    assert dict(zip(head, row, strict=True)) | {"account_id": 0} == {
        "account_id": 0, "account": "Vantage Health", "since_on": date(2026, 2, 3), "noticed": "it is not in it", "mrr": 4000.0, "currency": "USD", "source": "crm",
    }  # fmt: skip
    assert len(table(aside.client("outsider").get("/data/questions/?format=xlsx"))) == 1
    head, *rows = table(aside.client("admin").get("/settings/audit/audit.csv?format=xlsx&kind=exports"))
    assert head[:3] == ["at", "who", "what"]
    assert {r[3].split("-")[0] for r in rows} == {"quarantine", "questions"}
    assert isinstance(rows[0][0], datetime)


def test_the_columns_menu_shows_what_was_chosen_in_one_order(cast: Cast) -> None:
    answer = cast.client("lead").get("/accounts/?columns=owner_name&columns=state&columns=nonsense&segment=SMB")
    assert list(answer.context["show"]) == ["state", "owner_name"]
    assert [c["name"] for c in answer.context["columns"] if c["checked"]] == ["state", "owner_name"]
    page = answer.content.decode()
    assert 'data-label="State"' in page
    assert 'data-label="ARR"' not in page
    assert "&lt;span" not in cast.client("lead").get("/accounts/?columns=first_paid_on&columns=contract_end_on").content.decode()  # an unknown day
    assert "columns=owner_name&amp;columns=state" in page  # links keep them
