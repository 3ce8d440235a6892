"""Opening balances: what begins without a known start is none of new, reactivation or expansion, on an account that pays already too."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics.booked import rises
from laer.metrics.booking import booked
from laer.metrics.causes import CAUSES, NO_CAUSE, cause_changes, facts_table, item_causes, item_changes
from laer.metrics.changes import BALANCE, MOVEMENTS, lines_table, month_changes, mrr_changes
from laer.metrics.months import account_months, change_sums, month_levels
from laer.metrics.retention import month_states, opened_states, retained
from tests.metrics.books import FAR, Line, arrow, books, line, month

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
BOOK = lines_table(book=True)
CHANGES = mrr_changes(BOOK)
OPENED = opened_states(account_months(CHANGES))
FORMS = {"event": CHANGES, "net": month_changes(CHANGES)}


def told(lines: list[Line], unknown: list[bool]) -> pa.Table:
    return arrow(lines).append_column("unknown", pa.array(unknown, pa.bool_()))


def moved(rows: list[dict[str, Any]]) -> dict[int, dict[str, int]]:
    return {r["m"]: {name: int(r[name]) for name in (BALANCE, *MOVEMENTS) if r[name]} for r in rows}


@pytest.mark.parametrize("form", FORMS)
def test_the_second_opening_balance_of_merged_accounts_is_one_too(rows_of: Any, form: str) -> None:
    # 100 since nobody knows when, stated on 1 February; the account merged into it 40, stated on 10 March; 5 more sold on 1 April
    lines = [line(1, "2024-02-01", None, 100), line(1, "2024-03-10", None, 40), line(1, "2024-04-01", None, 5)]
    rows = rows_of(account_months(FORMS[form]), lines=told(lines, [True, True, False]))
    assert moved(rows) == {month("2024-02"): {BALANCE: 100}, month("2024-03"): {BALANCE: 40}, month("2024-04"): {"expansion": 5}}


def test_apart_again_each_has_its_own(rows_of: Any) -> None:
    lines = [line(1, "2024-02-01", None, 100), line(2, "2024-03-10", None, 40)]
    rows = rows_of(account_months(CHANGES), lines=told(lines, [True, True]))
    assert {r["account_id"]: r[BALANCE] for r in rows} == {1: 100, 2: 40}


def test_it_is_no_return_of_who_had_paid_before(rows_of: Any) -> None:
    lines = [line(1, "2024-01-01", "2024-02-01", 10), line(1, "2024-03-10", None, 40)]
    rows = rows_of(account_months(CHANGES), lines=told(lines, [False, True]))
    assert moved(rows) == {month("2024-01"): {"new": 10}, month("2024-02"): {"churn": 10}, month("2024-03"): {BALANCE: 40}}


def test_a_day_on_which_less_begins_than_ends_is_a_contraction(rows_of: Any) -> None:
    lines = [line(1, "2024-01-01", "2024-02-01", 10), line(1, "2024-02-01", None, 4)]
    rows = rows_of(account_months(CHANGES), lines=told(lines, [False, True]))
    assert moved(rows) == {month("2024-01"): {"new": 10}, month("2024-02"): {"contraction": 6}}


def test_nothing_of_it_was_sold(rows_of: Any) -> None:
    lines = [line(1, "2024-02-01", None, 100), line(1, "2024-03-10", None, 40), line(1, "2024-04-01", None, 5)]
    assert [r["rise"] for r in rows_of(rises(CHANGES), lines=told(lines, [True, True, False]))] == [5]


def test_it_has_no_cause(rows_of: Any) -> None:
    lines = [line(1, "2024-02-01", None, 100), line(1, "2024-03-10", None, 40)]
    given_ = told(lines, [True, True])
    for name, kind in (("product", pa.string()), ("plan", pa.string()), ("currency", pa.string()), ("units", pa.float64()), ("list_parts", pa.float64())):
        given_ = given_.append_column(name, pa.nulls(2, kind))
    facts = facts_table(book=True)
    assert set(facts.columns) <= set(given_.column_names)
    found = rows_of(cause_changes(item_causes(item_changes(facts)), mrr_changes(facts)), lines=given_.select(list(facts.columns)))
    assert {r["value"] for r in found} == {NO_CAUSE}
    assert NO_CAUSE not in CAUSES


def kept_over(rows_of: Any, states: Any, lines: list[Line], unknown: list[bool], window: int, at: str) -> tuple[int, int]:
    rows = [r for r in rows_of(retained(states, (1, 3, 12)), lines=told(lines, unknown)) if r["window"] == window and r["m"] <= month(at)]
    return sum(r["closing"] for r in rows), sum(r["kept"] for r in rows)


def test_an_opening_balance_beside_what_was_paid_is_no_growth(rows_of: Any) -> None:
    # 100 at the end of February; 40 stated in March, 5 sold in April: three months to May 105 of 100, not 145; from March on the 40 are there
    lines = [line(1, "2024-02-01", None, 100), line(1, "2024-03-10", None, 40), line(1, "2024-04-01", None, 5)]
    unknown = [True, True, False]
    assert kept_over(rows_of, OPENED, lines, unknown, 3, "2024-05") == (105, 100)
    assert kept_over(rows_of, OPENED, lines, unknown, 1, "2024-04") == (145, 140)
    assert kept_over(rows_of, month_states(month_levels(CHANGES)), lines, unknown, 3, "2024-05") == (145, 100)


def test_what_is_left_of_it_is_never_less_than_nothing(rows_of: Any) -> None:
    lines = [line(1, "2024-02-01", "2024-04-05", 100), line(1, "2024-03-10", None, 40)]
    assert kept_over(rows_of, OPENED, lines, [True, True], 3, "2024-05") == (0, 0)


def test_one_that_brings_an_account_back_stays(rows_of: Any) -> None:
    lines = [line(1, "2024-01-01", "2024-02-05", 100), line(1, "2024-03-10", None, 40)]
    assert kept_over(rows_of, OPENED, lines, [False, True], 3, "2024-04") == (40, 40)


@few
@given(lines=books(), draw=st.data())
def test_retention_is_bounded_and_without_opening_balances_the_same(rows_of: Any, lines: list[Line], draw: Any) -> None:
    unknown = [draw.draw(st.booleans()) for _ in lines]
    plain, opened = month_states(month_levels(CHANGES)), retained(OPENED, (1, 3, 12))
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for r in sorted(rows_of(opened, lines=told(lines, unknown)), key=lambda r: r["m"]):
        there = sums[r["window"]]
        there[0], there[1] = there[0] + r["closing"], there[1] + r["kept"]
        assert 0 <= there[1] <= there[0]
    known = told(lines, [False] * len(lines))

    def told_of(states: Any) -> list[Any]:
        rows = rows_of(retained(states, (1, 3, 12)), lines=known)
        return sorted((r["window"], r["m"], r["closing"], r["kept"]) for r in rows if r["closing"] or r["kept"])

    assert told_of(OPENED) == told_of(plain)


@few
@given(lines=books(), draw=st.data())
def test_months_tie_and_only_rising_days_with_an_unknown_start_open(rows_of: Any, lines: list[Line], draw: Any) -> None:
    unknown = [draw.draw(st.booleans()) for _ in lines]
    opens = {(x.account, x.start) for x, said in zip(lines, unknown, strict=True) if said and x.parts and x.start < x.end}
    table = told(lines, unknown)
    for form, changes in FORMS.items():
        months = rows_of(account_months(changes), lines=table)
        for r in months:
            assert r["opening"] + r[BALANCE] + r["new"] + r["reactivation"] + r["expansion"] - r["contraction"] - r["churn"] == r["closing"], form
        sums = rows_of(change_sums(changes, month_levels(changes)), lines=table)
        summed: dict[int, int] = defaultdict(int)
        for r in months:
            summed[r["m"]] += r[BALANCE]
        assert {r["m"]: r[BALANCE] for r in sums} == dict(summed)
    for r in rows_of(CHANGES, lines=table):
        assert bool(r["unknown"]) <= ((r["account_id"], r["d"]) in opens)
    assert sum(r["rise"] for r in rows_of(rises(CHANGES), lines=table)) == sum(
        r["new"] + r["reactivation"] + r["expansion"] for r in rows_of(account_months(CHANGES), lines=table)
    )


@few
@given(lines=books(values=3), draw=st.data())
def test_by_value_the_opening_balances_add_up(rows_of: Any, lines: list[Line], draw: Any) -> None:
    from laer.metrics.changes import value_changes

    unknown = [draw.draw(st.booleans()) for _ in lines]
    both = arrow(lines, by=True).append_column("unknown", pa.array(unknown, pa.bool_()))
    unbound = lines_table(by=True, book=True)
    parts = rows_of(booked(value_changes(unbound), mrr_changes(unbound)), lines=both.select(list(unbound.columns)))
    total = rows_of(account_months(CHANGES), lines=told(lines, unknown))
    for name in (BALANCE, *MOVEMENTS):
        assert sum(r[name] for r in parts) == sum(r[name] for r in total), name
    assert all(x.end <= FAR for x in lines)
