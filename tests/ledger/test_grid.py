"""`laer revenue` over a grid of 40 customers by 24 months against column sums in plain Python."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from laer.cli import app

MONTHS = [f"{2023 + i // 12}-{i % 12 + 1:02d}" for i in range(24)]
NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
Cells = list[Decimal | None]


def made_grid() -> dict[str, Cells]:
    """Amounts by customer: landings, steps, departures, and one customer (C07) who leaves a gap and comes back."""
    chance = random.Random(7)
    made: dict[str, Cells] = {}
    for n in range(40):
        landed, left = chance.choice([0, 0, 0, chance.randrange(20)]), chance.choice([24, 24, 24, chance.randrange(1, 24)])
        amount = Decimal(chance.randrange(5_000, 500_000)) / 100
        made[f"C{n:02d}"] = cells = []
        for month in range(24):
            if chance.random() < 0.08:
                amount = Decimal(chance.randrange(5_000, 500_000)) / 100
            cells.append(amount if landed <= month < left else None)
    made["C07"] = [*[Decimal("333.33")] * 9, None, None, None, *[Decimal("333.33")] * 12]
    return made


def write_grid(path: Path, grid: dict[str, Cells]) -> None:
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["Customer", "Region", "Currency", *(f"{NAMES[int(m[5:]) - 1]}-{m[2:4]}" for m in MONTHS)])
        for name, cells in grid.items():
            writer.writerow([name, region(name), "USD", *("" if c is None else f"{c:,.2f}" for c in cells)])


def region(name: str) -> str:
    return "EMEA" if int(name[1:]) % 3 else "Americas"


def total(grid: dict[str, Cells], month: int, wanted: Callable[[str], bool] = lambda _: True) -> Decimal:
    return sum((cells[month] or Decimal(0) for name, cells in grid.items() if wanted(name)), Decimal(0))


@pytest.fixture(scope="module")
def grid() -> dict[str, Cells]:
    return made_grid()


@pytest.fixture(scope="module")
def file(grid: dict[str, Cells], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "mrr by month.csv"
    write_grid(path, grid)
    return path


@pytest.fixture
def revenue(file: Path) -> Callable[..., tuple[list[dict[str, Any]], str]]:
    def run(*options: str) -> tuple[list[dict[str, Any]], str]:
        done = CliRunner().invoke(app, ["revenue", str(file), "--format", "json", *options])
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout, parse_float=Decimal), done.stderr

    return run


def test_each_month_closes_at_its_column_sum(grid: dict[str, Cells], revenue: Callable[..., Any]) -> None:
    rows, told = revenue()
    assert [row["month"] for row in rows] == MONTHS
    assert [row["closing_mrr"] for row in rows] == [total(grid, i) for i in range(24)]
    assert [row["closing_accounts"] for row in rows] == [sum(bool(cells[i]) for cells in grid.values()) for i in range(24)]
    assert "rejected" not in told
    assert "A grid of 24 months, 2023-01 to 2024-12" in told


def test_movements_are_the_differences_of_neighbouring_cells(grid: dict[str, Cells], revenue: Callable[..., Any]) -> None:
    rows, _ = revenue()
    for i, row in enumerate(rows):
        pairs = [(cells[i - 1] or Decimal(0) if i else Decimal(0), cells[i] or Decimal(0), any(cells[:i])) for cells in grid.values()]
        assert row["new_mrr"] == sum(b for a, b, before in pairs if not a and not before)
        assert row["reactivation_mrr"] == sum(b for a, b, before in pairs if not a and before)
        assert row["churn_mrr"] == sum(a for a, b, _ in pairs if not b)
        assert row["expansion_mrr"] == sum(b - a for a, b, _ in pairs if a and b > a)
        assert row["contraction_mrr"] == sum(a - b for a, b, _ in pairs if b and b < a)


def test_a_gap_is_churn_and_reactivation(revenue: Callable[..., Any]) -> None:
    rows, _ = revenue("--by", "customer")
    moved = {row["month"]: row for row in rows if row["customer"] == "C07" and (row["churn_mrr"] or row["reactivation_mrr"] or row["new_mrr"])}
    assert {m: (r["new_mrr"], r["churn_mrr"], r["reactivation_mrr"]) for m, r in moved.items()} == {
        "2023-01": (Decimal("333.33"), 0, 0), "2023-10": (0, Decimal("333.33"), 0), "2024-01": (0, 0, Decimal("333.33")),
    }  # fmt: skip


def test_the_last_value_stays_open(grid: dict[str, Cells], revenue: Callable[..., Any]) -> None:
    rows, _ = revenue("--to", "2025-06")
    assert [row["closing_mrr"] for row in rows[23:]] == [total(grid, 23)] * 7


def test_an_inclusive_end_says_nothing_of_a_grid(revenue: Callable[..., Any]) -> None:
    assert revenue("--end", "inclusive")[0] == revenue()[0]


def test_by_another_column_of_the_grid(grid: dict[str, Cells], revenue: Callable[..., Any]) -> None:
    rows, _ = revenue("--by", "Region")
    found = {(row["month"], row["Region"]): row["closing_mrr"] for row in rows}
    for i, month in enumerate(MONTHS):
        assert found[month, "EMEA"] == total(grid, i, lambda name: region(name) == "EMEA")
        assert found[month, "Americas"] == total(grid, i, lambda name: region(name) == "Americas")
        assert found[month, "TOTAL"] == total(grid, i)


def test_arr_is_a_twelfth_a_month_and_exact(tmp_path: Path) -> None:
    path = tmp_path / "arr.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24\nA,1000,1000,1000\nB,1000,,1000\n")
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "json"])
    assert [(r["closing_mrr"], r["arr"]) for r in json.loads(done.stdout)] == [(166.67, 2000.0), (83.33, 1000.0), (166.67, 2000.0)]


def test_a_grid_that_ends_in_blanks_is_shown_to_its_last_column(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24,Apr-24,May-24\nA,1000,1000,,,\n")
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "json"])
    assert [(r["month"], r["closing_mrr"], r["churn_mrr"]) for r in json.loads(done.stdout)][1:] == [
        ("2024-02", 1000.0, 0.0), ("2024-03", 0.0, 1000.0), ("2024-04", 0.0, 0.0), ("2024-05", 0.0, 0.0),
    ]  # fmt: skip


def test_unreadable_and_negative_cells_are_rejected_by_rule_19_and_take_no_month_with_them(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24\nA,100,?,100\nB,100,-20,100\n,5,5,5\n")
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "json", "--rejects", str(tmp_path / "rejects.csv")])
    assert [(r["month"], r["closing_mrr"]) for r in json.loads(done.stdout)] == [("2024-01", 200.0), ("2024-02", 0.0), ("2024-03", 200.0)]
    assert done.stderr.splitlines()[:3] == ["rejected: unreadable amount: 1", "rejected: negative MRR: 1", "rejected: empty account id: 1"]
    with (tmp_path / "rejects.csv").open() as kept:
        assert [(r["line"], r["reason"], r["mrr"]) for r in csv.DictReader(kept)] == [
            ("2", "unreadable amount", "? in column Feb-24"), ("3", "negative MRR", "-20"), ("4", "empty account id", "5"),
        ]  # fmt: skip


def test_two_columns_for_one_month_end_in_words_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24,Jan-24\nA,1,1,1,1\n")
    done = CliRunner().invoke(app, ["revenue", str(path)])
    assert (done.exit_code, "two columns for one month" in done.stderr) == (2, True)
