"""The current month is to date (rule 2): what is known to come stands beside the ledger, not in it."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.ledger import LedgerInput
from laer.cycle.otherwise import Handed
from laer.cycle.questions import Desk
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.cycle.spans import BEGINNING
from laer.cycle.to_date import lines_to_date
from laer.records.periods import FAR, date_of, day_number, month_number

ALL = Scope(True)
DAY = day_number(date(2024, 3, 15))
FEBRUARY, MARCH = month_number(date(2024, 2, 1)), month_number(date(2024, 3, 1))


def lines(*rows):
    """(account, start, end, end by events, MRR) as the ledger takes them."""

    def numbers(place):
        days = [FAR if r[place] is None else day_number(date.fromisoformat(r[place])) for r in rows]
        return pa.array(days, pa.int32()), pa.array([FAR if d == FAR else month_number(date_of(d)) for d in days], pa.int32())

    days = {name: numbers(place) for place, name in ((1, "start"), (2, "end"), (3, "event_end"))}
    return pa.table(
        {"account_id": pa.array([r[0] for r in rows], pa.int64())}
        | {f"{name}_{unit}": days[name][i] for name in days for i, unit in enumerate("dm")}
        | {"parts": pa.array([r[4] for r in rows], pa.int64()), "plan": pa.array(["basic"] * len(rows))}
    )


BOOK = lines(
    (1, "2024-01-01", None, None, 100),
    (2, "2024-01-01", "2024-03-20", "2024-03-10", 70),  # leaves on the 20th; by its churn event it left on the 10th
    (3, "2024-03-25", None, None, 40),  # signed, starts on the 25th
    (4, "2024-02-01", "2024-03-16", "2024-03-16", 10),  # the 15th is its last paid day
    (5, "2024-02-01", "2024-03-15", "2024-03-15", 5),  # the 15th is its first unpaid day
    (6, "2024-02-01", "2024-03-28", "2024-03-28", 20), (6, "2024-03-28", None, None, 35),
)  # fmt: skip


def asked(question, day=DAY, book=BOOK, spans=None, **params):
    return Desk(lambda run: RunTables({"lines": book, "dimensions": spans}, 1, "EUR", day)).ask(question, params, ALL, 1)


def test_the_current_month_knows_nothing_of_what_is_to_come():
    """100 + 70 + 10 + 20 pay on the 15th: 3 has not begun, 5 has left, 2 and 4 leave later, 6 grows later."""
    march = asked("revenue").months(MARCH, MARCH)[0]
    assert (march["closing_mrr"], march["closing_accounts"], march["new_mrr"], march["expansion_mrr"], march["churn_mrr"]) == (200, 4, 0, 0, 5)
    whole = asked("revenue", day=FAR).months(MARCH, MARCH)[0]
    assert (whole["closing_mrr"], whole["closing_accounts"]) == (175, 3)  # 100 + 40 + 35: what the month comes to


def test_by_churn_events_too():
    march = asked("revenue", churn_basis="events").months(MARCH, MARCH)[0]
    assert (march["closing_mrr"], march["churn_mrr"]) == (130, 75)


def test_after_the_day_nothing_moves():
    later = asked("revenue").months(MARCH + 1, MARCH + 12)
    assert {m["closing_mrr"] for m in later} == {200}
    assert asked("account_months", last=MARCH + 12)["m"].to_pylist().count(MARCH) == 1


def test_what_is_behind_a_figure_is_to_date_and_sums_to_it():
    behind = asked("revenue_behind", movement="closing", first=MARCH, last=MARCH)
    assert {r["account_id"]: r["amount"] for r in behind} == {1: 100, 2: 70, 4: 10, 6: 20}
    assert asked("revenue_behind", movement="new", first=MARCH, last=MARCH) == []


def test_committed_still_sees_what_is_to_come():
    """Coming: 40, and 35 in place of 20."""
    assert asked("committed") == {"coming": Fraction(55), "leaving": Fraction(0)}


def test_a_month_that_is_over_is_whole():
    end_of_march = day_number(date(2024, 3, 31))
    assert asked("revenue", day=end_of_march).months(FEBRUARY, MARCH) == asked("revenue", day=FAR).months(FEBRUARY, MARCH)


def test_a_change_of_owner_to_come_is_not_in_the_month():
    change = day_number(date(2024, 3, 20))
    names = ("dimension", "account_id", "value", "from_d", "from_m", "until_d", "until_m")
    rows = [("owner", 1, "Ann", BEGINNING, BEGINNING, change, MARCH), ("owner", 1, "Bo", change, MARCH, FAR, FAR)]
    kinds = (pa.string(), pa.int64(), pa.string(), *[pa.int32()] * 4)
    spans = pa.table({n: pa.array(c, k) for n, c, k in zip(names, zip(*rows, strict=True), kinds, strict=True)})
    march = {m.value: m["closing_mrr"] for m in asked("revenue", spans=spans, by="owner").months_by_value(MARCH, MARCH)}
    assert (march["Ann"], march.get("Bo", 0)) == (100, 0)
    april = {m.value: m["closing_mrr"] for m in asked("revenue", day=FAR, spans=spans, by="owner").months_by_value(MARCH, MARCH)}
    assert (april["Ann"], april["Bo"]) == (0, 100)


def test_one_thing_changed_is_cut_at_the_day_after_the_change():
    """Read as last paid days, the end of 5 moves to the 16th: it still pays on the day."""
    otherwise = asked("revenue_otherwise", way="a_day_longer", handed=Handed("inclusive", pa.table({})))
    assert otherwise.months(MARCH, MARCH)[0]["closing_mrr"] == 205


days = st.integers(0, 60)


@given(rows=st.lists(st.tuples(st.integers(1, 3), days, st.none() | days, st.integers(-50, 50)), max_size=12), day=days)
def test_every_day_up_to_the_day_is_as_it_was_and_then_it_stays(rows, day):
    table = lines(*((a, date_of(s).isoformat(), None if e is None else date_of(s + e).isoformat(), None, p) for a, s, e, p in rows))

    def level(table, account, at):
        columns = (table[c].to_pylist() for c in ("account_id", "start_d", "end_d", "parts"))
        return sum(p for a, s, e, p in zip(*columns, strict=True) if a == account and s <= at < e)

    cut = lines_to_date(table, day)
    for account in (1, 2, 3):
        for at in range(125):
            assert level(cut, account, at) == level(table, account, min(at, day))


@pytest.mark.parametrize("kind", ["int64", "decimal"])
def test_amounts_keep_their_type(kind):
    table = BOOK if kind == "int64" else BOOK.set_column(BOOK.schema.get_field_index("parts"), "parts", BOOK["parts"].cast(pa.decimal128(38, 0)))
    assert lines_to_date(table, DAY).schema == table.schema
    assert LedgerInput(lines_to_date(table, DAY), 1).parts_type == LedgerInput(table, 1).parts_type
