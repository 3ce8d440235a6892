"""A grid of months in the book: accounts by their names, lines without mapping or question, and the Revenue page closing at the column sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from laer.web.book import importing
from laer.web.book.models import Account, ImportRun, QuarantinedRow, SavedMapping, SubscriptionLine
from laer.web.people.models import User
from laer.web.runs import passes
from tests.ledger.test_grid import MONTHS, made_grid, total, write_grid
from tests.web.files import sums, take_in, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def test_forty_customers_by_two_years_close_at_the_column_sums(tmp_path: Path) -> None:
    grid = made_grid()
    write_grid(tmp_path / "mrr by month.csv", grid)
    run = importing.begin_import([("mrr by month.csv", tmp_path / "mrr by month.csv")], source="finance")
    (file,) = run.files.all()
    assert (file.record, file.mapping["end"], file.mapping["undecided"]) == ("subscription_lines", "exclusive", [])
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
