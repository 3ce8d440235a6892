"""Change points, movements, gap bridging, net months."""

from __future__ import annotations

from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics.changes import change_points, month_changes, mrr_at, mrr_changes, value_changes
from tests.metrics.books import DECIMAL, FAR, KINDS, WINDOW, arrow, books, daily, day, line, month, month_of, monthly, paid, unbound

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
kinds = pytest.mark.parametrize("kind", [pa.int64(), DECIMAL], ids=["integers", "decimals"])

POINTS = {k: change_points(unbound(k)) for k in (pa.int64(), DECIMAL)}
EVENTS = {k: mrr_changes(unbound(k)) for k in (pa.int64(), DECIMAL)}
BRIDGED = {n: mrr_changes(unbound(), n) for n in (1, 2, 5, 10, 40)}
VALUES = {n: (value_changes(unbound(by=True), n), mrr_changes(unbound(by=True), n)) for n in (0, 2, 10)}
NET = month_changes(EVENTS[pa.int64()])


def changes_of(rows):
    return sorted((r["account_id"], r["d"], r["m"], r["delta"], r["before"], r["after"], r["first"]) for r in rows)


def expected(lines, gap_days=0):
    return sorted(
        (c.account, c.d, c.m, c.delta, c.before.total(), c.after.total(), int(c.first)) for c in daily(paid(lines, gap_days)) if c.delta
    )


def test_a_line_adds_its_mrr_on_its_first_day_and_takes_it_away_on_its_first_unpaid_day(rows_of):
    rows = rows_of(change_points(unbound()), lines=arrow([line(1, "2024-01-10", "2024-03-01", 500)]))
    assert sorted((r["d"], r["m"], r["delta"]) for r in rows) == [(day("2024-01-10"), month("2024-01"), 500), (day("2024-03-01"), month("2024-03"), -500)]


def test_an_open_line_takes_nothing_away(rows_of):
    rows = rows_of(change_points(unbound()), lines=arrow([line(1, "2024-01-10", None, 500)]))
    assert [r["delta"] for r in rows] == [500]


def test_a_line_that_ends_on_its_start_was_never_active(rows_of):
    assert rows_of(change_points(unbound()), lines=arrow([line(1, "2024-01-10", "2024-01-10", 500)])) == []


def test_a_plan_switch_on_the_day_is_one_change_and_never_churn(rows_of):
    # 500 until 1 February, 800 from then: +500 in January; -500 and +800 on one day net to +300
    lines = [line(1, "2024-01-01", "2024-02-01", 500), line(1, "2024-02-01", None, 800)]
    rows = changes_of(rows_of(EVENTS[pa.int64()], lines=arrow(lines)))
    january, february = day("2024-01-01"), day("2024-02-01")
    assert rows == [(1, january, month("2024-01"), 500, 0, 500, 1), (1, february, month("2024-02"), 300, 500, 800, 0)]


def test_a_switch_at_the_same_price_is_no_change_at_all(rows_of):
    lines = [line(1, "2024-01-01", "2024-02-01", 500), line(1, "2024-02-01", None, 500)]
    assert len(rows_of(EVENTS[pa.int64()], lines=arrow(lines))) == 1


def test_only_the_first_paying_day_is_first(rows_of):
    lines = [line(1, "2024-01-01", "2024-01-05", 5), line(1, "2024-02-01", "2024-02-05", 5)]
    rows = changes_of(rows_of(EVENTS[pa.int64()], lines=arrow(lines)))
    assert [(r[3], r[6]) for r in rows] == [(5, 1), (-5, 0), (5, 0), (-5, 0)]


def test_closes_marks_the_last_change_of_an_accounts_month(rows_of):
    lines = [line(1, "2024-01-01", "2024-01-05", 5), line(1, "2024-02-01", "2024-03-05", 5), line(2, "2024-01-31", "2024-02-01", 7)]
    rows = rows_of(EVENTS[pa.int64()], lines=arrow(lines))
    found = sorted((r["account_id"], r["d"] - day("2024-01-01"), r["closes"]) for r in rows)
    assert found == [(1, 0, 0), (1, 4, 1), (1, 31, 1), (1, 64, 1), (2, 30, 1), (2, 31, 1)]


@pytest.mark.parametrize(("gap_days", "changes"), [(9, 4), (10, 2), (11, 2)])
def test_a_gap_of_at_most_so_many_unpaid_days_is_bridged(rows_of, gap_days, changes):
    # unpaid from 11 to 20 January, both included: 10 days. At 9: up, down, up, down; at 10: up and down
    lines = [line(1, "2024-01-01", "2024-01-11", 5), line(1, "2024-01-21", "2024-02-01", 5)]
    assert len(rows_of(mrr_changes(unbound(), gap_days), lines=arrow(lines))) == changes


def test_a_bridged_return_at_another_price_changes_on_the_day_of_return(rows_of):
    # 5 until 11 January, 8 from the 14th: bridged at 5, so +3 on the 14th
    lines = [line(1, "2024-01-01", "2024-01-11", 5), line(1, "2024-01-14", None, 8)]
    rows = changes_of(rows_of(mrr_changes(unbound(), 5), lines=arrow(lines)))
    assert [(r[1], r[3], r[4], r[5]) for r in rows] == [(day("2024-01-01"), 5, 0, 5), (day("2024-01-14"), 3, 5, 8)]


def test_a_gap_is_the_accounts_and_not_the_values(rows_of):
    # a stops on the 11th and returns on the 14th while b pays throughout: no gap of the account
    lines = [line(1, "2024-01-01", "2024-01-11", 5, "a"), line(1, "2024-01-14", None, 5, "a"), line(1, "2024-01-01", None, 1, "b")]
    rows = rows_of(value_changes(unbound(by=True), 30), lines=arrow(lines, by=True))
    assert sorted((r["value"], r["delta"]) for r in rows) == [("a", -5), ("a", 5), ("a", 5), ("b", 1)]


def test_a_bridged_fall_moves_each_value_to_the_day_of_return(rows_of):
    # a until the 11th, b from the 14th: over the bridge a is kept, and on the 14th a gives way to b
    lines = [line(1, "2024-01-01", "2024-01-11", 5, "a"), line(1, "2024-01-14", None, 5, "b")]
    rows = rows_of(value_changes(unbound(by=True), 5), lines=arrow(lines, by=True))
    assert sorted((r["d"], r["value"], r["delta"]) for r in rows) == [(day("2024-01-01"), "a", 5), (day("2024-01-14"), "a", -5), (day("2024-01-14"), "b", 5)]


def test_net_names_a_month_by_its_closing_against_its_opening(rows_of):
    # January: +5, -2 -> 3; February: +1, -1 -> nothing; March: -3 -> 0
    lines = [
        line(1, "2024-01-03", "2024-03-09", 3), line(1, "2024-01-03", "2024-01-20", 2), line(1, "2024-02-01", "2024-02-10", 1),
    ]  # fmt: skip
    rows = changes_of(rows_of(NET, lines=arrow(lines)))
    january, march = month("2024-01"), month("2024-03")
    assert rows == [(1, january, january, 3, 0, 3, 1), (1, march, march, -3, 3, 0, 0)]


def test_net_new_is_only_where_the_account_never_paid_before_the_month(rows_of):
    # 3 to 9 January only (net: nothing), then from 5 February: paid before, so no first
    lines = [line(1, "2024-01-03", "2024-01-10", 5), line(1, "2024-02-05", None, 5)]
    rows = rows_of(NET, lines=arrow(lines))
    assert [(r["m"], r["delta"], r["first"]) for r in rows] == [(month("2024-02"), 5, 0)]


def test_mrr_of_a_day_is_the_level_after_its_changes(rows_of):
    lines = [line(1, "2024-01-03", "2024-01-10", 5), line(2, "2024-01-10", None, 7), line(3, "2024-01-11", None, 9)]
    rows = rows_of(mrr_at(EVENTS[pa.int64()], day("2024-01-10")), lines=arrow(lines))
    assert sorted((r["account_id"], r["mrr"], r["first_d"]) for r in rows) == [(1, 0, day("2024-01-03")), (2, 7, day("2024-01-10"))]


@kinds
@few
@given(lines=books())
def test_change_points_add_up_to_what_is_paid_on_every_day(rows_of, kind, lines):
    rows = rows_of(POINTS[kind], lines=arrow(lines, kind=kind))
    assert all(r["delta"] for r in rows)
    assert len({(r["account_id"], r["d"]) for r in rows}) == len(rows)
    for account, seen in paid(lines).items():
        level, by_day = 0, {r["d"]: r["delta"] for r in rows if r["account_id"] == account}
        for d, here in zip(WINDOW, seen, strict=True):
            level += by_day.get(d, 0)
            assert level == here.total()


@kinds
@few
@given(lines=books())
def test_changes_are_what_the_day_by_day_witness_saw(rows_of, kind, lines):
    rows = rows_of(EVENTS[kind], lines=arrow(lines, kind=kind))
    assert changes_of(rows) == expected(lines)
    last = {(r["account_id"], r["m"]): max(x["d"] for x in rows if (x["account_id"], x["m"]) == (r["account_id"], r["m"])) for r in rows}
    assert all(r["closes"] == (last[r["account_id"], r["m"]] == r["d"]) for r in rows)


@few
@given(lines=books(), gap_days=st.sampled_from([1, 2, 5, 10, 40]))
def test_bridged_changes_are_what_the_day_by_day_witness_saw(rows_of, lines, gap_days):
    rows = rows_of(BRIDGED[gap_days], lines=arrow(lines))
    assert changes_of(rows) == expected(lines, gap_days)


@few
@given(lines=books(values=3), gap_days=st.sampled_from([0, 2, 10]))
def test_changes_of_values_add_up_to_the_accounts_and_follow_the_witness(rows_of, lines, gap_days):
    rows = rows_of(VALUES[gap_days][0], lines=arrow(lines, by=True))
    found: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for r in rows:
        assert r["delta"]
        assert r["m"] == month_of(r["d"])
        found[r["account_id"], r["d"]][r["value"]] += r["delta"]
    wanted = {(c.account, c.d): {v: c.after[v] - c.before[v] for v in c.before.keys() | c.after.keys() if c.after[v] != c.before[v]} for c in daily(paid(lines, gap_days))}
    assert {k: dict(v) for k, v in found.items()} == wanted
    totals = {(r["account_id"], r["d"]): r["delta"] for r in rows_of(VALUES[gap_days][1], lines=arrow(lines, by=True))}
    assert {k: v.total() for k, v in found.items() if v.total()} == totals


@few
@given(lines=books())
def test_net_months_are_closing_against_opening(rows_of, lines):
    rows = rows_of(NET, lines=arrow(lines))
    wanted = sorted((c.account, c.d, c.m, c.delta, c.before.total(), c.after.total(), int(c.first)) for c in monthly(paid(lines)) if c.delta)
    assert changes_of(rows) == wanted
    assert all(r["closes"] for r in rows)


@few
@given(lines=books(), at=st.sampled_from(WINDOW))
def test_mrr_at_a_day_is_what_was_paid_on_it(rows_of, lines, at):
    rows = {r["account_id"]: r for r in rows_of(mrr_at(EVENTS[pa.int64()], at), lines=arrow(lines))}
    for account, seen in paid(lines).items():
        paying = [d for d, here in zip(WINDOW, seen, strict=True) if here.total() and d <= at]
        if not paying:
            assert account not in rows
        else:
            assert (rows[account]["mrr"], rows[account]["first_d"]) == (seen[at - WINDOW[0]].total(), paying[0])


def test_the_witness_knows_the_five_names():
    lines = [line(1, "2024-01-01", "2024-01-11", 5), line(1, "2024-01-05", "2024-01-09", 2), line(1, "2024-01-20", None, 1)]
    assert [c.kind for c in daily(paid(lines))] == ["new", "expansion", "contraction", "churn", "reactivation"]
    assert {c.kind for c in daily(paid(lines))} == set(KINDS)
    assert WINDOW[-1] < FAR
