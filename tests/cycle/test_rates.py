"""Lines at the plan rates of another fiscal year: exact, there and back, and never a movement (rule 8)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.book_lines import book_lines
from laer.cycle.ledger_questions import packed
from laer.cycle.questions import Desk
from laer.cycle.rates import NoRate, at_rates
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.records.periods import day_number, fiscal_year, fiscal_year_start, month_number
from tests.cycle.test_book_lines import POLICY, table

PLAN_2025 = {"EUR": Fraction(11, 10), "GBP": Fraction(13, 10)}
PLAN_2026 = {"EUR": Fraction(12, 10), "GBP": Fraction(125, 100)}
JANUARY = month_number(date(2024, 1, 1))


def lines(*rows, rates=PLAN_2025):
    numbered = [{"line_id": place, "account_id": place} | row for place, row in enumerate(rows, 1)]
    return book_lines(table(*numbered), POLICY, "USD", rates).given


def amounts(made):
    return [Fraction(int(p), made.denominator) for p in made.lines["parts"].to_pylist()]


def test_each_line_counts_at_the_other_rate():
    """100 EUR at 1.10 is 110, at 1.20 is 120; 1,000 GBP a year is 1,000/12 x 1.30, then x 1.25; USD stays."""
    made = lines({"currency": "EUR"}, {"currency": "GBP", "mrr_num": 1000, "mrr_den": 12}, {"currency": "USD"}, {})
    assert amounts(made) == [110, Fraction(1300, 12), 100, 100]
    assert amounts(at_rates(made, PLAN_2025, PLAN_2026)) == [120, Fraction(1250, 12), 100, 100]


def test_a_discount_in_another_currency_is_lifted_to_0_anew():
    """100 EUR less 115 USD: at 1.10 below 0 by 5, lifted; at 1.20 it pays 5."""
    made = lines({"account_id": 1, "currency": "EUR"}, {"account_id": 1, "currency": "USD", "mrr_num": -115})

    def level(given):
        active = [s < e for s, e in zip(given.lines["start_d"].to_pylist(), given.lines["end_d"].to_pylist(), strict=True)]
        return sum(amount for amount, on in zip(amounts(given), active, strict=True) if on)

    other = at_rates(made, PLAN_2025, PLAN_2026)
    assert (level(made), level(other), level(at_rates(other, PLAN_2026, PLAN_2025))) == (0, 5, 0)


def test_a_currency_without_a_rate_in_the_other_year_is_a_clear_fault():
    with pytest.raises(NoRate, match="no rate for GBP in the year asked for; there are: EUR"):
        at_rates(lines({"currency": "GBP"}), PLAN_2025, {"EUR": Fraction(1)})


rates = st.fixed_dictionaries({code: st.fractions(Fraction(1, 500), 500, max_denominator=100_000) for code in ("EUR", "GBP")})
rows = st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from([1, 3, 12, 52]), st.sampled_from(["EUR", "GBP", "USD", None])), min_size=1, max_size=8)


@given(rows=rows, used=rates, wanted=rates)
def test_there_is_what_a_pass_would_make_and_back_is_what_it_was(rows, used, wanted):
    said = [{"mrr_num": n, "mrr_den": d, "currency": c} for n, d, c in rows]
    made = lines(*said, rates=used)
    other = at_rates(made, used, wanted)
    assert amounts(other) == amounts(lines(*said, rates=wanted))
    assert amounts(at_rates(other, wanted, used)) == amounts(made)


def test_a_question_at_other_rates_converts_the_whole_history_and_moves_nothing():
    given = lines({"currency": "EUR", "start_on": date(2024, 1, 15)}, {"start_on": date(2024, 2, 1)})
    run = RunTables({"lines": given.lines}, given.denominator, "USD", day_number(date(2024, 4, 15)), PLAN_2025)
    desk = Desk(lambda _: run)
    own, other = (desk.ask("revenue", more, Scope(True), 1).months(JANUARY, JANUARY + 3) for more in ({}, {"rates": packed(PLAN_2026)}))
    assert [m["closing_mrr"] for m in own] == [110, 210, 210, 210]
    assert [m["closing_mrr"] for m in other] == [120, 220, 220, 220]
    assert [(m["expansion_mrr"], m["contraction_mrr"]) for m in other] == [(0, 0)] * 4
    behind = desk.ask("revenue_behind", {"movement": "closing", "first": JANUARY, "last": JANUARY, "rates": packed(PLAN_2026)}, Scope(True), 1)
    assert [r["amount"] for r in behind] == [120]
    months = desk.ask("account_months", {"last": JANUARY, "rates": packed(PLAN_2026)}, Scope(True), 1)
    assert Fraction(int(months["closing"][0].as_py()), int(months.schema.metadata[b"denominator"])) == 120


@pytest.mark.parametrize(
    ("day", "starts", "year"),
    [("2026-01-01", 1, 2026), ("2026-12-31", 1, 2026), ("2026-03-31", 4, 2026), ("2026-04-01", 4, 2027), ("2026-12-01", 12, 2027), ("2026-11-30", 12, 2026)],
)
def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends(day, starts, year):
    assert fiscal_year(date.fromisoformat(day), starts) == year
    assert fiscal_year_start(year, starts) <= date.fromisoformat(day) < fiscal_year_start(year + 1, starts)
