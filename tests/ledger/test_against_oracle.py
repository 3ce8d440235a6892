"""`laer revenue` against a second implementation that shares nothing with it, on nasty files."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ledger import fuzz, nasty, oracle  # noqa: E402, RUF100

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_command_says_what_the_witness_says(seed, tmp_path):
    if not fuzz.command_exists():
        pytest.skip("this checkout has no `laer revenue` yet")
    found, command_line = fuzz.compare_seed(tmp_path, seed)
    assert not found, "\n".join([f"seed {seed}: {command_line}", *found[:30]])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_witness_keeps_the_books_itself(seed, tmp_path):
    options = nasty.write_nasty(tmp_path / "nasty.csv", seed)
    by = options.pop("by", None)
    by = by if by in ("plan", "region") else None
    report = oracle.report(tmp_path / "nasty.csv", **options, by=by)
    slack = Fraction(8, 10**report.decimals)  # eight figures, each rounded once
    for row in report.rows:
        money = {name: Fraction(text) for name, text in row.items() if name.endswith("_mrr")}
        gains = sum(money[f"{kind}_mrr"] for kind in ("opening", "new", "reactivation", "expansion"))
        losses = sum(money[f"{kind}_mrr"] for kind in ("contraction", "churn"))
        between = money.get("entering_mrr", 0) - money.get("leaving_mrr", 0)
        assert abs(gains - losses + between - money["closing_mrr"]) <= slack
        for window in (1, 3, 12):
            if row[f"nrr_{window}m"]:
                assert 0 <= Fraction(row[f"grr_{window}m"]) <= min(1, Fraction(row[f"nrr_{window}m"]))
    if by and not report.error:
        plain = oracle.report(tmp_path / "nasty.csv", **options)
        totals = [row for row in report.rows if row[by] == "TOTAL"]
        assert [{name: row[name] for name in oracle.COLUMNS} for row in totals] == plain.rows
        assert all(row["entering_mrr"] == row["leaving_mrr"] for row in totals)
