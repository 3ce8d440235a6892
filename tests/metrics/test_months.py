"""Account months, month sums, cohorts, flash accounts, and the accounts behind a figure."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics.changes import month_changes, mrr_changes
from laer.metrics.months import account_months, behind_level, behind_movement, change_sums, cohort_accounts, cohorts, flash_accounts, month_levels, month_sums
from laer.metrics.retention import month_states
from tests.metrics import books as witness
from tests.metrics.books import COUNTS, DECIMAL, KINDS, MONTHS, arrow, at_end, books, daily, line, month, monthly, paid, unbound

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
kinds = pytest.mark.parametrize("kind", [pa.int64(), DECIMAL], ids=["integers", "decimals"])

EVENT = {k: account_months(mrr_changes(unbound(k))) for k in (pa.int64(), DECIMAL)}
NET = account_months(month_changes(mrr_changes(unbound())))
INTEGERS = EVENT[pa.int64()]
SUMS, COHORTS, FLASH, STATES = month_sums(INTEGERS), cohorts(INTEGERS), flash_accounts(INTEGERS), month_states(INTEGERS)

LEVELS = month_levels(mrr_changes(unbound()))
STATES_OF = {"levels": month_states(LEVELS), "months": STATES}
FROM_CHANGES = {
    "event": (change_sums(mrr_changes(unbound()), LEVELS), SUMS),
    "net": (change_sums(month_changes(mrr_changes(unbound())), month_levels(month_changes(mrr_changes(unbound())))), month_sums(NET)),
}


def keyed(rows):
    return {(r["account_id"], r["m"]): {k: v for k, v in r.items() if k not in ("account_id", "m")} for r in rows}


def test_a_month_with_five_changes_names_each(rows_of):
    # January: +5 new, +2 expansion, -2 contraction, -5 churn, +1 reactivation; opening 0, closing 1
    lines = [line(1, "2024-01-01", "2024-01-11", 5), line(1, "2024-01-05", "2024-01-09", 2), line(1, "2024-01-20", None, 1)]
    (row,) = rows_of(INTEGERS, lines=arrow(lines))
    assert [row[k] for k in ("opening", *KINDS, "closing")] == [0, 5, 1, 2, 2, 5, 1]
    assert [row[COUNTS[k]] for k in KINDS] == [1, 1, 1, 1, 1]
    assert row["lost"] == 0  # it paid nothing at the opening


def test_an_account_that_left_twice_in_a_month_is_lost_once(rows_of):
    # paying at the end of January; leaves on 3 February, returns on the 5th, leaves on the 9th
    lines = [line(1, "2024-01-01", "2024-02-03", 5), line(1, "2024-02-05", "2024-02-09", 5)]
    row = keyed(rows_of(INTEGERS, lines=arrow(lines)))[1, month("2024-02")]
    assert (row["churns"], row["churn"], row["reactivated_accounts"], row["lost"], row["closing"]) == (2, 10, 1, 1, 0)


def test_an_account_that_left_and_returned_within_the_month_was_lost_too(rows_of):
    lines = [line(1, "2024-01-01", "2024-02-03", 5), line(1, "2024-02-05", None, 5)]
    row = keyed(rows_of(INTEGERS, lines=arrow(lines)))[1, month("2024-02")]
    assert (row["lost"], row["opening"], row["closing"]) == (1, 5, 5)
    assert (1, month("2024-02")) not in keyed(rows_of(NET, lines=arrow(lines)))  # net: closing equals opening


def test_a_month_without_a_change_has_no_row(rows_of):
    rows = rows_of(INTEGERS, lines=arrow([line(1, "2024-01-31", "2024-04-01", 5)]))
    assert sorted(r["m"] for r in rows) == [month("2024-01"), month("2024-04")]


def test_sums_of_a_month_add_accounts(rows_of):
    # A new 5; B churned 3 of its opening 3; C went from 4 to 6
    lines = [
        line(1, "2024-02-10", None, 5), line(2, "2024-01-05", "2024-02-20", 3), line(3, "2024-01-05", None, 4), line(3, "2024-02-01", None, 2),
    ]  # fmt: skip
    rows = {r["m"]: r for r in rows_of(SUMS, lines=arrow(lines))}
    february = rows[month("2024-02")]
    assert (february["new"], february["churn"], february["expansion"], february["change"], february["paying"], february["lost"]) == (5, 3, 2, 4, 0, 1)


def test_a_cohort_is_the_month_of_the_first_paying_day(rows_of):
    # 1 starts in January and leaves in March; 2 starts in January; 3 starts in February
    lines = [line(1, "2024-01-05", "2024-03-05", 5), line(2, "2024-01-31", None, 2), line(3, "2024-02-01", None, 9)]
    january, february, march = (month(f"2024-0{n}") for n in (1, 2, 3))
    rows = {(r["cohort"], r["m"]): (r["paying"], r["change"]) for r in rows_of(COHORTS, lines=arrow(lines))}
    assert rows == {(january, january): (2, 7), (january, march): (-1, -5), (february, february): (1, 9)}


def test_who_started_and_stopped_within_a_month_is_listed_apart(rows_of):
    lines = [line(1, "2024-01-05", "2024-01-20", 5), line(2, "2024-01-05", "2024-02-01", 5)]
    rows = rows_of(FLASH, lines=arrow(lines))
    assert [(r["account_id"], r["m"], r["new"], r["churn"]) for r in rows] == [(1, month("2024-01"), 5, 5)]


@kinds
@few
@given(lines=books())
def test_event_months_follow_the_witness_and_tie(rows_of, kind, lines):
    days = paid(lines)
    rows = keyed(rows_of(EVENT[kind], lines=arrow(lines, kind=kind)))
    assert rows == witness.account_months(days, daily(days))
    for row in rows.values():
        assert row["opening"] + row["new"] + row["reactivation"] + row["expansion"] - row["contraction"] - row["churn"] == row["closing"]


@few
@given(lines=books())
def test_net_months_follow_the_witness_and_end_where_event_months_end(rows_of, lines):
    days = paid(lines)
    net = keyed(rows_of(NET, lines=arrow(lines)))
    assert net == witness.account_months(days, monthly(days))
    event = keyed(rows_of(INTEGERS, lines=arrow(lines)))
    assert all((event[k]["opening"], event[k]["closing"]) == (row["opening"], row["closing"]) for k, row in net.items())


@few
@given(lines=books())
def test_sums_are_the_sums_of_accounts_and_run_up_to_what_is_paid(rows_of, lines):
    days = paid(lines)
    accounts = witness.account_months(days, daily(days))
    rows = {r["m"]: r for r in rows_of(SUMS, lines=arrow(lines))}
    assert set(rows) == {m for _, m in accounts}
    mrr = paying = 0
    for m in MONTHS:
        row = rows.get(m, defaultdict(int))
        for name in (*KINDS, *COUNTS.values(), "lost"):
            assert row[name] == sum(a[name] for (_, at), a in accounts.items() if at == m)
        mrr, paying = mrr + row["change"], paying + row["paying"]
        assert mrr == sum(at_end(seen, m).total() for seen in days.values())
        assert paying == sum(at_end(seen, m).total() > 0 for seen in days.values())


@few
@given(lines=books())
def test_levels_are_account_months_without_the_movements(rows_of, lines):
    levels, months = keyed(rows_of(LEVELS, lines=arrow(lines))), keyed(rows_of(INTEGERS, lines=arrow(lines)))
    assert {k: (r["opening"], r["closing"]) for k, r in levels.items()} == {k: (r["opening"], r["closing"]) for k, r in months.items()}
    for (account, m), r in levels.items():
        assert r["until_m"] == min((at for a, at in levels if a == account and at > m), default=witness.FAR)
    by_levels, by_months = (sorted(map(tuple, (r.values() for r in rows_of(STATES_OF[n], lines=arrow(lines))))) for n in ("levels", "months"))
    assert by_levels == by_months


@pytest.mark.parametrize("movements", ["event", "net"])
@few
@given(lines=books())
def test_sums_from_changes_are_the_sums_of_account_months(rows_of, movements, lines):
    one, two = ({r["m"]: r for r in rows_of(x, lines=arrow(lines))} for x in FROM_CHANGES[movements])
    assert one == two


@few
@given(lines=books())
def test_cohorts_partition_the_book(rows_of, lines):
    days = paid(lines)
    rows = rows_of(COHORTS, lines=arrow(lines))
    first = {a: min(witness.month_of(d) for d, here in zip(witness.WINDOW, seen, strict=True) if here.total()) for a, seen in days.items() if any(s.total() for s in seen)}
    assert {r["cohort"] for r in rows} == set(first.values())
    for cohort in set(first.values()):
        members = [days[a] for a, m in first.items() if m == cohort]
        for m in MONTHS:
            so_far = [r for r in rows if r["cohort"] == cohort and r["m"] <= m]
            assert sum(r["change"] for r in so_far) == sum(at_end(seen, m).total() for seen in members)
            assert sum(r["paying"] for r in so_far) == sum(at_end(seen, m).total() > 0 for seen in members)
    total: dict[int, int] = defaultdict(int)
    for r in rows:
        total[r["m"]] += r["change"]
    assert total == {r["m"]: r["change"] for r in rows_of(SUMS, lines=arrow(lines))}
    for cohort in set(first.values()):
        assert {r["account_id"] for r in rows_of(cohort_accounts(INTEGERS, cohort), lines=arrow(lines))} == {a for a, m in first.items() if m == cohort}


@few
@given(lines=books())
def test_flash_accounts_are_those_that_a_net_view_does_not_show(rows_of, lines):
    days = paid(lines)
    found = {(r["account_id"], r["m"]) for r in rows_of(FLASH, lines=arrow(lines))}
    expected = {(a, m) for (a, m), row in witness.account_months(days, daily(days)).items() if row["opening"] == row["closing"] == 0}
    assert found == expected
    assert not found & set(keyed(rows_of(NET, lines=arrow(lines))))


@few
@given(lines=books(), movement=st.sampled_from(KINDS), first=st.sampled_from(MONTHS), length=st.integers(0, 4))
def test_the_accounts_behind_a_movement_add_up_to_it(rows_of, lines, movement, first, length):
    days, last = paid(lines), first + length
    rows = rows_of(behind_movement(INTEGERS, movement, first, last), lines=arrow(lines))
    accounts = {k: v for k, v in witness.account_months(days, daily(days)).items() if first <= k[1] <= last}
    assert {r["account_id"]: (r["amount"], r["movements"]) for r in rows} == {
        a: (sum(v[movement] for k, v in accounts.items() if k[0] == a), sum(v[COUNTS[movement]] for k, v in accounts.items() if k[0] == a))
        for a in {k[0] for k, v in accounts.items() if v[movement]}
    }
    for r in rows:
        seen = days[r["account_id"]]
        assert (r["before"], r["after"]) == (at_end(seen, first - 1).total(), at_end(seen, last).total())


@few
@given(lines=books(), at=st.sampled_from(MONTHS))
def test_the_accounts_behind_a_level_are_those_that_pay_then(rows_of, lines, at):
    rows = rows_of(behind_level(STATES, at), lines=arrow(lines))
    assert {r["account_id"]: r["amount"] for r in rows} == {a: at_end(seen, at).total() for a, seen in paid(lines).items() if at_end(seen, at).total()}
