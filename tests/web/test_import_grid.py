"""A grid of months in the book: accounts by their names, lines without mapping or question, and the Revenue page closing at the column sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from django.test import Client

from laer.metrics.policy import load_policy
from laer.web.book import importing
from laer.web.book.importing import begin_import, run_import
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import Account, ImportRun, QuarantinedRow, SavedMapping, SubscriptionLine
from laer.web.book.undo import undo_import
from laer.web.people.models import User
from laer.web.runs import passes
from tests.ledger.test_grid import MONTHS, made_grid, total, write_grid
from tests.web.files import sums, take_in, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def test_forty_customers_by_two_years_close_at_the_column_sums(tmp_path: Path) -> None:
    grid = made_grid()
    write_grid(tmp_path / "mrr by month.csv", grid)
    run = importing.begin_import([("mrr by month.csv", tmp_path / "mrr by month.csv")], source="finance")
    owners, file = run.files.order_by("id")
    assert (owners.record, file.record, file.mapping["end"], file.mapping["undecided"]) == ("accounts", "subscription_lines", "exclusive", [])
    importing.run_import(run)
    assert not QuarantinedRow.objects.exists()
    assert set(Account.objects.values_list("name", flat=True)) == {name for name, cells in grid.items() if any(cells)}
    assert passes.run_waiting_pass() is not None
    lead = Client()
    lead.force_login(User.objects.create_user("lead@laer.example", role="lead"))
    rows = {row["month"]: row for row in csv.DictReader(io.StringIO(lead.get("/revenue/download/").content.decode()))}
    assert {month: Decimal(row["closing_mrr"]) for month, row in rows.items() if month in MONTHS} == {month: total(grid, i) for i, month in enumerate(MONTHS)}
    again = importing.run_import(importing.begin_import([("mrr by month.csv", tmp_path / "mrr by month.csv")], source="finance"))
    assert {record: c for record, c in sums(again).items() if c[0] or c[1] or c[3]} == {}


def test_names_become_accounts_and_a_name_beside_an_id_its_name(tmp_path: Path) -> None:
    take_in(tmp_path, mrr="Customer name,Jan-24,Feb-24,Mar-24\nAcme GmbH,1,1,2\nBolt & Co,3,,\n", source="names")
    assert sorted(Account.objects.values_list("name", flat=True)) == ["Acme GmbH", "Bolt & Co"]
    take_in(tmp_path, mrr="Customer ID,Customer name,Jan-24,Feb-24,Mar-24\nC-1,Cole,1,1,2\n", source="ids")
    assert Account.objects.filter(name="Cole").exists()
    assert not Account.objects.filter(name="C-1").exists()


def test_a_month_more_ends_and_begins_lines_and_changes_nothing_else(tmp_path: Path) -> None:
    take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nA,5,5,5\nB,7,7,7\nC,9,9,9\n")
    run = take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24,Apr-24\nA,5,5,5,6\nB,7,7,7,\nC,9,9,9,9\n")
    assert sums(run)["subscription_lines"] == (1, 2, 1, 0)
    assert sorted(SubscriptionLine.objects.values_list("account__name", "start_on__month", "end_on__month", "mrr_num")) == [
        ("A", 1, 4, 5), ("A", 4, None, 6), ("B", 1, 4, 7), ("C", 1, None, 9),
    ]  # fmt: skip


def test_several_rows_of_a_customer_are_several_subscriptions(tmp_path: Path) -> None:
    run = take_in(tmp_path, mrr="Customer,Plan,Jan-24,Feb-24,Mar-24\nA,Pro,5,5,6\nA,Pro,5,5,5\nA,Basic,5,5,5\n")
    assert (sums(run)["subscriptions"], sums(run)["subscription_lines"], sums(run)["accounts"]) == ((3, 0, 0, 0), (4, 0, 0, 0), (1, 0, 0, 0))


def test_a_cell_that_cannot_be_read_waits_in_the_quarantine_and_names_its_column(tmp_path: Path) -> None:
    run = take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nA,5,?,5\n")
    kept = QuarantinedRow.objects.get()
    assert (kept.line, kept.reason) == (2, "unreadable number in mrr: '? in column Feb-24'")
    assert kept.raw == {"Customer": "A", "start_date": "2024-02-01", "end_date": "2024-03-01", "mrr": "? in column Feb-24"}
    assert sums(run)["subscription_lines"][0] == 2


def test_what_a_grids_ends_mean_is_not_remembered_for_a_list_of_the_same_columns(tmp_path: Path) -> None:
    take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nA,5,,5\n")
    assert SavedMapping.objects.get().mapping["end"] is None
    again = importing.begin_import(write(tmp_path, lines="Customer,start_date,end_date,mrr\nA,2024-01-10,2024-02-20,5\n"), source="crm")
    assert ImportRun.objects.get(pk=again.pk).files.get().mapping["end"] is None


def test_a_saved_inclusive_end_does_not_move_a_grids_ends(tmp_path: Path) -> None:
    lines = "Customer,start_date,end_date,mrr\n" + "".join(f"{c},2023-01-01,2023-06-30,5\n{c},2023-07-01,2023-12-31,5\n" for c in "PQRST")
    take_in(tmp_path, lines=lines)
    assert SavedMapping.objects.get().mapping["end"] == "inclusive"
    take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nA,5,,5\n")
    assert [str(d) for d in SubscriptionLine.objects.filter(account__name="A", end_on__isnull=False).values_list("end_on", flat=True)] == ["2024-02-01"]


def mrr_of(day: str) -> Fraction:
    found = lines_in_force(Account.objects.filter(archived_at=None).values_list("id", flat=True), date.fromisoformat(day), load_policy("default"))
    return sum((line.mrr for lines in found.values() for line in lines), Fraction(0))


def months(rows: dict[str, list[str]], first: int) -> dict[str, int]:
    """Day -> the column's sum."""
    width = len(next(iter(rows.values())))
    return {f"2025-{first + i:02d}-15": sum(int(cells[i] or 0) for cells in rows.values()) for i in range(width)}


def test_a_grid_that_moves_on_counts_nothing_twice_and_its_corrections_hold(tmp_path: Path) -> None:
    old = {"Acme": ["100", "100", "100", "150"], "Beta": ["200", "", "200", "200"], "Cato": ["50", "50", "50", "50"], "Emil": ["", "", "", "30"]}
    new = {"Acme": ["100", "100", "150", "150"], "Beta": ["200", "200", "", "300"], "Cato": ["", "", "", ""], "Dora": ["", "", "70", "70"], "Emil": ["", "", "30", "30"]}
    first = import_grid(tmp_path / "old", "2025-01,2025-02,2025-03,2025-04", old)
    assert {day: mrr_of(day) for day in months(old, 1)} == months(old, 1)
    before = {day: mrr_of(day) for day in ("2025-02-15", "2025-03-15", "2025-04-15", "2025-06-15")}
    second = import_grid(tmp_path / "new", "2025-03,2025-04,2025-05,2025-06", new)
    assert {day: mrr_of(day) for day in months(new, 3)} == months(new, 3)
    assert {day: mrr_of(day) for day in ("2025-01-15", "2025-02-15")} == {"2025-01-15": 350, "2025-02-15": 150}
    again = import_grid(tmp_path / "again", "2025-03,2025-04,2025-05,2025-06", new)
    assert {k: v for k, v in again.counts["subscription_lines"].items() if k in ("new", "changed", "rejected")} == {"new": 0, "changed": 0, "rejected": 0}
    undo_import(again)
    undo_import(second)
    assert {day: mrr_of(day) for day in before} == before
    undo_import(first)
    assert mrr_of("2025-04-15") == 0


def test_a_row_that_cannot_be_read_whole_ends_nothing(tmp_path: Path) -> None:
    import_grid(tmp_path / "old", "2025-01,2025-02,2025-03", {"Acme": ["100", "100", "150"], "Beta": ["1", "1", "1"]})
    import_grid(tmp_path / "new", "2025-01,2025-02,2025-03", {"Acme": ["100", "oops", "x"], "Beta": ["1", "1", "1"]})
    assert mrr_of("2025-03-15") == 151


def test_a_customer_who_is_in_no_row_any_more_is_asked_about(tmp_path: Path) -> None:
    import_grid(tmp_path / "old", "2025-01,2025-02,2025-03", {"Acme": ["1", "1", "1"], "Beta": ["2", "2", "2"], "Cato": ["3", "", ""]})
    run = import_grid(tmp_path / "new", "2025-02,2025-03,2025-04", {"Acme": ["1", "1", "1"]})
    assert [(q.account.name, q.kind) for q in run.questions.all() if q.account] == [("Beta", "missing")]
    assert mrr_of("2025-05-15") == 3


def import_grid(folder: Path, header: str, rows: dict[str, list[str]]) -> ImportRun:
    folder.mkdir()
    text = "\n".join([f"Customer,{header}", *(",".join([name, *cells]) for name, cells in rows.items())])
    (folder / "grid.csv").write_text(text + "\n", encoding="utf-8")
    return run_import(begin_import([("grid.csv", folder / "grid.csv")], source="finance", file_date=date(2025, 6, 30)))


def test_what_an_earlier_grid_had_of_a_customer_beside_this_one_is_said(tmp_path: Path) -> None:
    take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nAcme,100,100,100\nBeta,7,7,7\n", source="finance")
    same = take_in(tmp_path, mrr="Customer,Jan-24,Feb-24,Mar-24\nAcme,100,100,110\nBeta,7,7,7\n", source="finance")
    assert not any("counts beside it" in note for note in same.notes)
    by_plan = take_in(tmp_path, mrr="Customer,Plan,Jan-24,Feb-24,Mar-24\nAcme,Pro,100,100,110\n", source="finance")
    assert [note for note in by_plan.notes if "counts beside it" in note] == [
        "The grid does not name what an earlier one had of customers in it; it counts beside it until somebody ends it: Acme, 110.00 a month"
    ]


def test_a_correction_of_arr_whose_twelfth_has_no_end_sets_nothing_aside(tmp_path: Path) -> None:
    import_grid(tmp_path / "old", "2025-01 ARR,2025-02 ARR,2025-03 ARR", {"Acme": ["1000.55", "1000", "7.1"]})
    run = import_grid(tmp_path / "new", "2025-01 ARR,2025-02 ARR,2025-03 ARR", {"Acme": ["1000.55", "1000.55", "1000.55"]})
    assert (run.counts["subscription_lines"]["rejected"], QuarantinedRow.objects.count()) == (0, 0)
    assert mrr_of("2025-03-15") == Fraction("1000.55") / 12


def test_a_grid_that_comes_after_one_of_later_months_ends_where_that_begins_with_blanks(tmp_path: Path) -> None:
    later = {"Acme": ["100", "100", "100"], "Beta": ["", "", ""], "Cato": ["", "70", "70"], "Dora": ["40", "", "40"]}
    old = {"Acme": ["90", "90", "90"], "Beta": ["200", "200", "200"], "Cato": ["60", "60", "60"], "Dora": ["40", "40", "40"], "Emil": ["5", "5", "5"]}
    import_grid(tmp_path / "new", "2025-01,2025-02,2025-03", later)
    alone = {day: mrr_of(day) for day in ("2025-01-15", "2025-02-15", "2025-03-15", "2025-06-15")}
    run = import_grid(tmp_path / "old", "2024-10,2024-11,2024-12", old)
    run.refresh_from_db()
    assert [mrr_of(f"2024-{month}-15") for month in (10, 11, 12)] == [395, 395, 395]
    assert {day: mrr_of(day) - 5 for day in alone} == alone == {"2025-01-15": 140, "2025-02-15": 170, "2025-03-15": 210, "2025-06-15": 210}
    assert "A grid of later months, imported before, does not have these customers; they still count until somebody ends them: Emil" in run.notes
    again = import_grid(tmp_path / "again", "2024-10,2024-11,2024-12", old)
    assert {k: v for k, v in again.counts["subscription_lines"].items() if k in ("new", "changed", "rejected")} == {"new": 0, "changed": 0, "rejected": 0}
    undo_import(again)
    undo_import(run)
    assert {day: mrr_of(day) for day in alone} == alone


def test_the_same_two_grids_say_the_same_in_either_order(tmp_path: Path) -> None:
    later = {"Acme": ["", "", "100"], "Beta": ["", "5", ""], "Cato": ["7", "7", "7"]}
    old = {"Acme": ["90", "", "90"], "Beta": ["", "200", "200"], "Cato": ["60", "60", ""]}
    import_grid(tmp_path / "new", "2025-01,2025-02,2025-03", later)
    import_grid(tmp_path / "old", "2024-10,2024-11,2024-12", old)
    assert [mrr_of(f"2024-{m}-15") for m in (10, 11, 12)] == [150, 260, 290]
    assert [mrr_of(f"2025-0{m}-15") for m in (1, 2, 3)] == [7, 12, 107]
