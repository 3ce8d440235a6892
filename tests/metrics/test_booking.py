"""Movements named on the account's total, booked under the values that changed (rule 21)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics.booking import booked, month_value_changes, value_months
from laer.metrics.changes import month_changes, mrr_changes, value_changes
from laer.metrics.months import account_months, month_sums
from tests.metrics.books import COUNTS, DECIMAL, KINDS, arrow, at_end, booking, books, daily, line, month, monthly, paid, unbound

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
kinds = pytest.mark.parametrize("kind", [pa.int64(), DECIMAL], ids=["integers", "decimals"])


def expressions(kind, movements, gap_days=0):
    lines = unbound(kind, by=True)
    values, changes = value_changes(lines, gap_days), mrr_changes(lines, gap_days)
    if movements == "net":
        values, changes = month_value_changes(values), month_changes(changes)
    made = booked(values, changes)
    return made, value_months(made, account_months(changes)), account_months(changes)


BRIDGED = {days: expressions(pa.int64(), "event", days)[0] for days in (2, 10)}
MADE = {(k, m): expressions(k, m) for k in (pa.int64(), DECIMAL) for m in ("event", "net")}
SUMS = {m: (month_sums(MADE[pa.int64(), m][1], ("value",)), month_sums(MADE[pa.int64(), m][2])) for m in ("event", "net")}


def by_day(rows):
    return {(r["account_id"], r["d"], r["value"]): r for r in rows}


def test_a_switch_upwards_books_the_difference_and_moves_the_rest(rows_of):
    # on 1 February basic 500 goes, pro 800 comes: +300 expansion under pro, 500 entering pro and leaving basic
    lines = [line(1, "2024-01-01", "2024-02-01", 500, "basic"), line(1, "2024-02-01", None, 800, "pro")]
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True)) if r["m"] == month("2024-02")}
    assert [rows["pro"][n] for n in ("expansion", "entering", "leaving", "delta")] == [300, 500, 0, 800]
    assert [rows["basic"][n] for n in ("expansion", "entering", "leaving", "delta")] == [0, 0, 500, -500]


def test_a_switch_downwards_books_the_loss_where_it_left(rows_of):
    # pro 800 goes, basic 500 comes: 300 contraction under pro, 500 leaving pro and entering basic
    lines = [line(1, "2024-01-01", "2024-02-01", 800, "pro"), line(1, "2024-02-01", None, 500, "basic")]
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True)) if r["m"] == month("2024-02")}
    assert [rows["pro"][n] for n in ("contraction", "leaving")] == [300, 500]
    assert [rows["basic"][n] for n in ("contraction", "entering")] == [0, 500]


def test_what_only_moves_is_no_movement(rows_of):
    lines = [line(1, "2024-01-01", "2024-02-01", 500, "a"), line(1, "2024-02-01", None, 500, "b")]
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True)) if r["m"] == month("2024-02")}
    assert (rows["a"]["leaving"], rows["b"]["entering"]) == (500, 500)
    assert all(rows[v][n] == 0 for v in "ab" for n in KINDS)


def test_a_rise_is_shared_by_the_values_that_rose(rows_of):
    # a falls by 3, b rises by 6, c by 3: D = +6 over rises of 9: b 6 x 6/9 = 4, c 3 x 6/9 = 2; entering b 2, c 1; leaving a 3
    lines = [
        line(1, "2024-01-01", "2024-02-01", 3, "a"), line(1, "2024-01-01", None, 1, "b"),
        line(1, "2024-02-01", None, 6, "b"), line(1, "2024-02-01", None, 3, "c"),
    ]  # fmt: skip
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True)) if r["m"] == month("2024-02")}
    assert [(rows[v]["expansion"], rows[v]["entering"], rows[v]["leaving"]) for v in "abc"] == [(0, 0, 3), (4, 2, 0), (2, 1, 0)]


def test_the_first_payment_is_new_under_every_value_it_came_in(rows_of):
    lines = [line(1, "2024-01-05", None, 4, "a"), line(1, "2024-01-05", None, 2, "b"), line(1, "2024-01-20", None, 1, "c")]
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True))}
    assert [(rows[v]["new"], rows[v]["expansion"]) for v in "abc"] == [(4, 0), (2, 0), (0, 1)]


def test_a_value_loses_an_account_only_when_the_account_leaves(rows_of):
    # account 1 drops b and keeps a: a contraction; account 2 pays in both and leaves
    lines = [
        line(1, "2024-01-01", None, 4, "a"), line(1, "2024-01-01", "2024-02-05", 2, "b"),
        line(2, "2024-01-01", "2024-02-05", 4, "a"), line(2, "2024-01-01", "2024-02-05", 2, "b"),
    ]  # fmt: skip
    rows = {(r["account_id"], r["value"]): r for r in rows_of(MADE[pa.int64(), "event"][1], lines=arrow(lines, by=True)) if r["m"] == month("2024-02")}
    assert {k: (r["contraction"], r["churn"], r["lost"]) for k, r in rows.items()} == {(1, "b"): (2, 0, 0), (2, "a"): (0, 4, 1), (2, "b"): (0, 2, 1)}


def test_amounts_beyond_the_precision_of_floats_stay_whole(rows_of):
    # 2^53 + 1 and 7 come on one day, nothing goes: each is new in full and nothing enters or leaves
    big = 2**53 + 1
    lines = [line(1, "2024-01-05", None, big, "a"), line(1, "2024-01-05", None, 3 * big, "b"), line(1, "2024-01-05", None, 7, "c")]
    rows = {r["value"]: r for r in rows_of(MADE[pa.int64(), "event"][0], lines=arrow(lines, by=True))}
    assert {v: (r["new"], r["entering"], r["leaving"]) for v, r in rows.items()} == {"a": (big, 0, 0), "b": (3 * big, 0, 0), "c": (7, 0, 0)}


@kinds
@pytest.mark.parametrize("movements", ["event", "net"])
@few
@given(lines=books(values=3))
def test_booking_follows_the_witness_to_a_part_and_adds_up(rows_of, kind, movements, lines):
    rows = rows_of(MADE[kind, movements][0], lines=arrow(lines, kind=kind, by=True))
    days = paid(lines)
    wanted = {}
    totals = {}
    for change in daily(days) if movements == "event" else monthly(days):
        totals[change.account, change.d] = change
        for value, (moved, entering, leaving) in booking(change).items():
            if change.after[value] != change.before[value]:
                wanted[change.account, change.d, value] = (change, moved, entering, leaving)
    assert set(by_day(rows)) == set(wanted)
    sums = defaultdict(lambda: defaultdict(int))
    for key, r in by_day(rows).items():
        change, moved, entering, leaving = wanted[key]
        kind_of = change.kind if change.delta else None
        shared = len(booking(change)) > 1
        slack = len(booking(change)) if shared else 0  # whole parts: the largest takes what division leaves over
        assert all(abs(r[k] - (moved if k == kind_of else 0)) <= slack for k in KINDS)
        assert abs(r["entering"] - entering) <= slack
        assert abs(r["leaving"] - leaving) <= slack
        assert (r["before"], r["after"], r["delta"]) == (change.before[key[2]], change.after[key[2]], change.after[key[2]] - change.before[key[2]])
        assert r["delta"] == r["new"] + r["reactivation"] + r["expansion"] - r["contraction"] - r["churn"] + r["entering"] - r["leaving"]
        assert min(r[k] for k in (*KINDS, "entering", "leaving")) >= 0
        for k in (*KINDS, "entering", "leaving"):
            sums[key[:2]][k] += r[k]
    for key, change in totals.items():
        assert sums[key]["entering"] == sums[key]["leaving"]
        assert {k: sums[key][k] for k in KINDS} == {k: abs(change.delta) if change.delta and k == change.kind else 0 for k in KINDS}


@pytest.mark.parametrize("movements", ["event", "net"])
@few
@given(lines=books(values=3))
def test_months_of_values_run_from_opening_to_closing_and_count_as_the_witness_does(rows_of, movements, lines):
    months = MADE[pa.int64(), movements][1]
    days = paid(lines)
    rows = rows_of(months, lines=arrow(lines, by=True))
    counted = defaultdict(int)
    churned = set()
    for change in daily(days) if movements == "event" else monthly(days):
        if change.delta and change.kind == "churn":
            churned.add((change.account, change.m))
        for value, (moved, _, _) in booking(change).items():
            if change.delta and moved >= 1:
                counted[change.account, value, change.m, COUNTS[change.kind]] += 1
    for r in rows:
        seen, key = days[r["account_id"]], (r["account_id"], r["value"], r["m"])
        assert (r["opening"], r["closing"]) == (at_end(seen, r["m"] - 1)[r["value"]], at_end(seen, r["m"])[r["value"]])
        gained = r["new"] + r["reactivation"] + r["expansion"] + r["entering"] - r["contraction"] - r["churn"] - r["leaving"]
        assert r["opening"] + gained == r["closing"]
        assert r["lost"] == int(r["opening"] > 0 and (r["account_id"], r["m"]) in churned)
        assert all(r[n] >= counted[(*key, n)] for n in COUNTS.values())
    of_values = rows_of(SUMS[movements][0], lines=arrow(lines, by=True))
    of_accounts = {r["m"]: r for r in rows_of(SUMS[movements][1], lines=arrow(lines, by=True))}
    for name in (*KINDS, "change"):
        sums = defaultdict(int)
        for r in of_values:
            sums[r["m"]] += r[name]
        assert {m: n for m, n in sums.items() if n} == {m: r[name] for m, r in of_accounts.items() if r[name]}


@few
@given(lines=books(values=3), gap_days=st.sampled_from([2, 10]))
def test_a_bridged_account_books_its_movements_on_the_day_of_return(rows_of, lines, gap_days):
    rows = rows_of(BRIDGED[gap_days], lines=arrow(lines, by=True))
    wanted = {}
    for change in daily(paid(lines, gap_days)):
        wanted |= {(change.account, change.d, v): Fraction(0) + change.after[v] - change.before[v] for v in booking(change) if change.after[v] != change.before[v]}
    assert {k: r["delta"] for k, r in by_day(rows).items()} == wanted
