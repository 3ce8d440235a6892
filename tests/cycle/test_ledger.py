"""The ledger put together against the witness of `laer revenue`, on random books; and its statement's promises."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.cycle.ledger import Ledger, LedgerInput, compute
from laer.cycle.lines_input import ledger_input
from laer.engine.session import DuckDBSession
from laer.metrics.statement import TOTAL
from tests.ledger import oracle

few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BASE = date(2023, 11, 20)
SINCE_1970 = 1970 * 12  # the witness counts months from year 0
FIGURES = [n for n in oracle.COLUMNS if n != "month"]


@st.composite
def lines(draw: Any, scale: int = 1) -> list[oracle.Line]:
    found = []
    for account in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, 60))
        for _ in range(draw(st.integers(0, 5))):
            at = max(0, at + draw(st.sampled_from([0, 0, 0, 1, 3, 8, 35, -2, -25])))
            length = draw(st.one_of(st.none(), st.integers(0, 3), st.integers(4, 90)))
            start = BASE + timedelta(days=at)
            mrr = Fraction(draw(st.sampled_from([0, 1, 5, 5, 10, 99])) * scale, draw(st.sampled_from([1, 1, 3, 12])))
            found.append(oracle.Line(f"acc {account}", start, None if length is None else start + timedelta(days=length), mrr, draw(st.sampled_from("abc"))))
            at += length or 0
    return found


def prepared(found: list[oracle.Line], by: bool = False) -> LedgerInput:
    accounts = pa.array([x.account for x in found], pa.string())
    values = [x.value for x in found] if by else None
    return ledger_input(accounts, [x.start for x in found], [x.end for x in found], [x.mrr for x in found], values, "EUR")


def run(found: list[oracle.Line], by: bool = False, **how: Any) -> Ledger:
    with DuckDBSession() as session:
        return compute(session, prepared(found, by), by=by, **how)


def months(found: list[oracle.Line]) -> range:
    days = [x.start for x in found] + [x.end for x in found if x.end]
    first, last = min(days, default=BASE), max(days, default=BASE)
    return range((first.year - 1970) * 12 + first.month - 1, (last.year - 1970) * 12 + last.month + 3)


@pytest.mark.parametrize("movements", ["event", "net"])
@few
@given(found=lines(), gap_days=st.sampled_from([0, 0, 1, 10]))
def test_the_ledger_says_what_the_witness_says(movements, found, gap_days):
    ledger, witness, asked = run(found, movements=movements, gap_days=gap_days), oracle.Ledger(found, movements, gap_days), months(found)
    for got in ledger.months(asked[0], asked[-1]):
        wanted = witness.row(got.month + SINCE_1970, None)
        assert {n: got[n] for n in FIGURES} == {n: wanted[n] for n in FIGURES}, oracle.month_text(got.month + SINCE_1970)
    assert ledger.first_month == (None if witness.first_month is None else witness.first_month - SINCE_1970)
    cells = [(r["cohort"] + SINCE_1970, r["months_since"], r["accounts"], r["mrr"]) for r in ledger.cohort_rows(asked[0], asked[-1])]
    wanted_cells = []
    for row in witness.cohorts(None, asked[-1] + SINCE_1970, 9):
        wanted_cells.append((oracle.month_given(row["cohort"]), int(row["months_since"]), int(row["accounts"]), row["mrr"]))
    assert [(c, n, a, oracle.fixed(m, 9)) for c, n, a, m in cells] == wanted_cells


@pytest.mark.parametrize("movements", ["event", "net"])
@settings(few, max_examples=5)
@given(found=lines(), gap_days=st.sampled_from([0, 10]))
def test_by_value_the_ledger_says_what_the_witness_says_and_adds_up(movements, found, gap_days):
    ledger, witness, asked = run(found, by=True, movements=movements, gap_days=gap_days), oracle.Ledger(found, movements, gap_days), months(found)
    rows = ledger.months_by_value(asked[0], asked[-1])
    plain = {m.month: m for m in run(found, movements=movements, gap_days=gap_days).months(asked[0], asked[-1])}
    for got in rows:
        if got.value == TOTAL:
            assert {n: got[n] for n in FIGURES} == {n: plain[got.month][n] for n in FIGURES}
            assert got["entering_mrr"] == got["leaving_mrr"]
            for name in ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "closing_mrr", "entering_mrr", "leaving_mrr"):
                assert got[name] == sum(r[name] for r in rows if r.month == got.month and r.value != TOTAL)
            continue
        wanted = witness.row(got.month + SINCE_1970, got.value)
        for name in (*FIGURES, "entering_mrr", "leaving_mrr"):
            one, two = got[name], wanted[name]
            assert (one is None) == (two is None)
            close = Fraction(1, 10**4) * max(1, abs(two or 0)) if name == "quick_ratio" else Fraction(1, 10**6)  # a ratio of two small shares
            assert one is None or abs(one - two) <= close, (name, got.month, got.value)
        gained = got["new_mrr"] + got["reactivation_mrr"] + got["expansion_mrr"] + got["entering_mrr"]
        assert got["opening_mrr"] + gained - got["contraction_mrr"] - got["churn_mrr"] - got["leaving_mrr"] == got["closing_mrr"]


@settings(few, max_examples=4)
@given(found=lines(scale=10**17))
def test_amounts_beyond_64_bits_are_as_exact(found):
    given_lines = prepared(found)
    assert given_lines.parts_type in ("int64", "decimal(38, 0)")
    ledger, witness, asked = run(found), oracle.Ledger(found, "event", 0), months(found)
    for got in ledger.months(asked[0], asked[-1]):
        wanted = witness.row(got.month + SINCE_1970, None)
        assert {n: got[n] for n in FIGURES} == {n: wanted[n] for n in FIGURES}


def test_a_book_of_no_lines_is_a_ledger_of_zeros():
    ledger = run([])
    assert ledger.first_month is None
    assert ledger.cohort_rows(0, 5) == []
    (month,) = ledger.months(600, 600)
    assert month["closing_mrr"] == month["closing_accounts"] == 0
    assert month["nrr_12m"] is None


def test_flash_accounts_are_counted_under_both_namings():
    found = [oracle.Line("A", date(2024, 1, 3), date(2024, 1, 9), Fraction(5), "")]
    assert [run(found, movements=m).flash for m in ("event", "net")] == [1, 1]


def test_the_first_flash_accounts_are_named_by_month():
    found = [oracle.Line(name, date(2024, month, 3), date(2024, month, 9), Fraction(5), "") for month in (2, 1) for name in "CABD"]
    ledger = run([*found, oracle.Line("E", date(2024, 1, 3), None, Fraction(5), "")], movements="net")
    assert ledger.flash == 8
    assert ledger.came_and_went == [(name, (2024 - 1970) * 12) for name in "ABCD"] + [("A", (2024 - 1970) * 12 + 1)]


def test_windows_are_those_that_were_asked_for():
    found = [oracle.Line("A", date(2024, 1, 3), None, Fraction(5), "")]
    (month,) = run(found, windows=(2,)).months(650, 650)
    assert month["nrr_2m"] == 1
    assert "nrr_12m" not in month.figures
