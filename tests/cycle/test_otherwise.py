"""Ways out of a contradiction, each against the same rule written as a loop over rows."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.cycle.ledger import LedgerInput
from laer.cycle.otherwise import WAYS, Handed, a_day_longer, cut, month_of_days, priced, sums_otherwise, together, without
from laer.engine.session import DuckDBSession
from laer.records.periods import FAR, day_number, month_number

BASE = day_number(date(2024, 1, 1))
rows = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 80), st.one_of(st.just(FAR), st.integers(0, 120)), st.integers(0, 900)), min_size=1, max_size=12)


def lines(made: list[tuple[int, int, int, int]], denominator: int = 1) -> LedgerInput:
    ends = [FAR if e == FAR else BASE + e for _, _, e, _ in made]
    starts = [BASE + s for _, s, _, _ in made]
    day = [date(1970, 1, 1) + timedelta(s) for s in starts]
    end_m = [FAR if e == FAR else month_number(date(1970, 1, 1) + timedelta(e)) for e in ends]
    table = pa.table(
        {
            "account_id": pa.array([a for a, *_ in made], pa.int64()), "start_d": pa.array(starts, pa.int32()), "start_m": pa.array([month_number(d) for d in day], pa.int32()),
            "end_d": pa.array(ends, pa.int32()), "end_m": pa.array(end_m, pa.int32()), "parts": pa.array([p for *_, p in made], pa.int64()), "line_id": pa.array(range(len(made)), pa.int64()),
        }
    )  # fmt: skip
    return LedgerInput(table, denominator, "USD")


@settings(deadline=None, max_examples=60)
@given(rows, st.lists(st.tuples(st.integers(1, 3), st.integers(0, 100)), max_size=6))
def test_lines_end_at_their_accounts_event_and_later_ones_count(made: list[tuple[int, int, int, int]], events: list[tuple[int, int]]) -> None:
    table = pa.table({"account_id": pa.array([a for a, _ in events], pa.int64()), "day": pa.array([BASE + d for _, d in events], pa.int64())})
    done = cut(lines(made), Handed("x", table)).lines.to_pylist()
    for (account, start, end, _), row in zip(made, done, strict=True):
        days = [d for a, d in events if a == account and d >= start]
        expected = min([FAR if end == FAR else BASE + end, *(BASE + d for d in days)])
        assert row["end_d"] == expected
        assert row["end_m"] == (FAR if expected == FAR else month_number(date(1970, 1, 1) + timedelta(expected)))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_a_day_longer_but_where_the_account_goes_on_at_the_end(made: list[tuple[int, int, int, int]]) -> None:
    done = a_day_longer(lines(made), Handed("x", pa.table({}))).lines["end_d"].to_pylist()
    for (account, _, end, _), got in zip(made, done, strict=True):
        touched = any(a == account and s == end for a, s, _, _ in made)
        assert got == (FAR if end == FAR else BASE + end + (0 if touched else 1))


def test_with_and_without_are_each_others_way_back() -> None:
    whole = [(1, 0, FAR, 100), (1, 5, 40, 30), (2, 3, FAR, 70)]
    kept = without(lines(whole), Handed("x", pa.table({"line_id": pa.array([1], pa.int64())})))
    assert kept.lines["line_id"].to_pylist() == [0, 2]
    thirds = lines([(1, 5, 40, 90)], denominator=3)  # the same 30, in thirds
    back = together(kept, Handed("y", thirds.lines.drop_columns(["line_id"]), 3))
    assert (back.denominator, sorted(back.lines["parts"].to_pylist())) == (3, [90, 210, 300])
    with DuckDBSession() as session:
        before = sums_otherwise(session, lines(whole), "a_day_longer", Handed("none", pa.table({})), {})
    with DuckDBSession() as session:
        after = sums_otherwise(session, back, "a_day_longer", Handed("none", pa.table({})), {})
    month = month_number(date(2024, 1, 1))
    assert [m["closing_mrr"] for m in before.months(month, month + 3)] == [m["closing_mrr"] for m in after.months(month, month + 3)] == [200, 170, 170, 170]


def test_another_amount_is_exact() -> None:
    other = Handed("x", pa.table({"line_id": pa.array([0], pa.int64()), "parts": pa.array(["1000"])}), 12)
    done = priced(lines([(1, 0, FAR, 10), (2, 0, FAR, 7)]), other)
    assert [Fraction(p, done.denominator) for p in done.lines["parts"].to_pylist()] == [Fraction(1000, 12), Fraction(7)]


def test_months_of_days_are_those_of_the_calendar() -> None:
    days = [0, BASE, BASE + 59, BASE + 366, FAR]
    assert month_of_days(pa.array(days).to_numpy()).tolist() == [month_number(date(1970, 1, 1) + timedelta(d)) if d < FAR else FAR for d in days]
    assert set(WAYS) == {"cut", "a_day_longer", "without", "together", "instead", "priced"}
