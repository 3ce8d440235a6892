"""`laer revenue --fx` with plan rates per fiscal year: figures worked by hand, and a file without years as it always was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner

from laer.cli import app
from laer.web import home

LINES = "account_id,start_date,end_date,mrr,currency\nA,2025-01-01,,100,USD\nB,2025-02-01,,100,EUR\nC,2025-02-01,2025-03-15,10,GBP\n"
PLAN = "currency,rate,fiscal_year\nUSD,1,2025\nUSD,1,2026\nEUR,1.10,2025\nEUR,1.20,2026\nGBP,1.30,2025\nGBP,1.25,2026\n"


def told(tmp_path: Path, table: str, *options: str) -> tuple[list[dict[str, str]], str]:
    (tmp_path / "lines.csv").write_text(LINES)
    (tmp_path / "fx.csv").write_text(table)
    ran = CliRunner().invoke(app, ["revenue", str(tmp_path / "lines.csv"), "--fx", str(tmp_path / "fx.csv"), "--format", "csv", *options])
    assert ran.exit_code in (0, 2), ran.output
    return list(csv.DictReader(io.StringIO(ran.stdout))), ran.stderr


def test_the_whole_history_is_at_the_plan_year_and_the_effect_of_rates_is_a_line_of_its_own(tmp_path: Path) -> None:
    """February: 100 + 100 x 1.20 + 10 x 1.25 = 232.50; at 2025 100 + 110 + 13 = 223.00, 9.50 less. March: 220 and 210 once C has left."""
    rows, _ = told(tmp_path, PLAN, "--plan-year", "2026", "--rates-effect", "2025")
    assert [(r["month"], r["closing_mrr"], r["rates_effect_mrr"]) for r in rows] == [
        ("2025-01", "100.00", "0.00"), ("2025-02", "232.50", "9.50"), ("2025-03", "220.00", "10.00"),
    ]  # fmt: skip
    assert list(rows[0])[-1] == "rates_effect_mrr"
    assert (rows[1]["expansion_mrr"], rows[2]["contraction_mrr"], rows[2]["churn_mrr"]) == ("0.00", "0.00", "12.50")  # C: rates move nothing


def test_a_table_of_one_year_needs_no_word(tmp_path: Path) -> None:
    one = "".join(line + "\n" for line in PLAN.splitlines() if not line.endswith("2026"))
    rows, _ = told(tmp_path, one)
    assert rows == told(tmp_path, "currency,rate\nUSD,1\nEUR,1.10\nGBP,1.30\n")[0]
    assert "rates_effect_mrr" not in rows[0]


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (PLAN, (), "plan rates for several fiscal years: 2025, 2026; name one with --plan-year"),
        (PLAN, ("--plan-year", "2027"), "no plan rates for 2027; there are: 2025, 2026"),
        (PLAN, ("--plan-year", "2026", "--rates-effect", "2024"), "no plan rates for 2024"),
        ("currency,rate\nUSD,1\nEUR,1.1\nGBP,1.3\n", ("--plan-year", "2026"), "one rate per currency, without a year"),
        (PLAN, ("--plan-year", "2026", "--rates-effect", "2025", "--by", "currency"), "--rates-effect is of the whole report"),
    ],
)
def test_it_never_asks_and_says_which_years_there_are(tmp_path: Path, table: str, options: tuple[str, ...], said: str) -> None:
    rows, errors = told(tmp_path, table, *options)
    assert rows == []
    assert said in errors


def test_the_fiscal_year_may_begin_in_another_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fiscal 2026 begins on 1 July 2025: the rate from 1 June 2025 is in force then; in January 2026 that of December would be."""
    table = "currency,rate,from\nUSD,1,2020-01-01\nGBP,1.3,2020-01-01\nEUR,1.10,2025-06-01\nEUR,1.20,2025-12-01\n"
    assert told(tmp_path, table, "--plan-year", "2026")[0][-1]["closing_mrr"] == "220.00"
    monkeypatch.setenv("LAER_FISCAL_YEAR_START", "7")
    assert told(tmp_path, table, "--plan-year", "2026")[0][-1]["closing_mrr"] == "210.00"


@pytest.mark.parametrize("wrong", ["0", "13", "July", "-1", "1.5"])
def test_a_month_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("LAER_FISCAL_YEAR_START", wrong)
    with pytest.raises(SystemExit, match="expected a month from 1"):
        home.fiscal_year_start()


def test_the_plan_year_is_that_of_the_day_unless_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (home.plan_year(), home.fiscal_year_start()) == (None, 1)
    monkeypatch.setenv("LAER_PLAN_YEAR", "2025")
    assert home.plan_year() == 2025
    monkeypatch.setenv("LAER_PLAN_YEAR", "25")
    with pytest.raises(SystemExit, match="expected a fiscal year of four digits"):
        home.plan_year()
