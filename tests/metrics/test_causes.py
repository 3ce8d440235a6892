"""Why an account's MRR rose or fell: by hand, against a witness in plain Python, and on random books (rule 16)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.engine.session import DuckDBSession
from laer.metrics import booking, causes, changes, months, retention
from tests.metrics.books import DAY0, DECIMAL, FAR, LENGTH, MONTHS, day, month, month_of

few = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@dataclass(frozen=True)
class Line:
    account: int
    start: int
    end: int
    parts: int
    product: str = ""
    plan: str = ""
    currency: str = "EUR"
    units: int | None = None
    listed: int | None = None


def line(start, end, parts, **facts):
    return Line(1, day(start), FAR if end is None else day(end), parts, **facts)


def arrow(lines, kind=None):
    kind = kind or pa.int64()
    return pa.table(
        {
            "account_id": pa.array([x.account for x in lines], pa.int64()),
            "start_d": pa.array([x.start for x in lines], pa.int32()), "start_m": pa.array([month_of(x.start) for x in lines], pa.int32()),
            "end_d": pa.array([x.end for x in lines], pa.int32()), "end_m": pa.array([FAR if x.end == FAR else month_of(x.end) for x in lines], pa.int32()),
            "parts": pa.array([Decimal(x.parts) if kind == DECIMAL else x.parts for x in lines], kind),
            "product": pa.array([x.product or None for x in lines], pa.string()), "plan": pa.array([x.plan for x in lines], pa.string()),
            "currency": pa.array([x.currency for x in lines], pa.string()),
            "units": pa.array([None if x.units is None else x.units * 10**6 for x in lines], pa.int64()),
            "list_parts": pa.array([None if x.listed is None else float(x.listed) for x in lines], pa.float64()),
        }
    )  # fmt: skip


class Made:
    """Changes by cause of some lines, each step kept as the ledger keeps it."""

    def __init__(self, lines, gap_days=0, net=False, kind=None):
        with DuckDBSession() as session:
            session.bind("lines", arrow(lines, kind))
            table = causes.facts_table("int64", "decimal(38, 0)" if kind == DECIMAL else "int64")
            events = session.keep("events", changes.mrr_changes(table, gap_days))
            moved = session.keep("moved", changes.month_changes(events)) if net else events
            items = session.keep("items", causes.item_changes(causes.bridged(table, gap_days), net))
            found = session.keep("found", causes.item_causes(items))
            by_cause = session.keep("by_cause", causes.cause_changes(found, moved))
            booked = session.keep("booked", booking.booked(by_cause, moved))
            self.items, self.changes, self.by_cause, self.booked = (rows(session.fetch(t)) for t in (items, moved, by_cause, booked))
            self.months = rows(session.fetch(months.month_sums(months.account_months(moved))))
            self.cause_months = rows(session.fetch(months.month_sums(booking.value_months(booked, months.account_months(moved)), ("value",))))
            if not net:
                states = session.keep("states", causes.price_states(events, by_cause))
                self.states = rows(session.fetch(states))
                self.plain_states = rows(session.fetch(retention.month_states(months.month_levels(events))))
                self.without = rows(session.fetch(retention.retained_without_price(states, (3, 12))))
                self.retained = rows(session.fetch(retention.retained(retention.month_states(months.month_levels(events)), (3, 12))))

    def on(self, text):
        return {r["value"]: r["delta"] for r in self.by_cause if r["d"] == day(text)}


def rows(table):
    return [{k: int(v) if isinstance(v, (Decimal, bool)) else v for k, v in row.items()} for row in table.to_pylist()]


def change(before, after):
    """The causes of one change on 1 March: `before` ends that day, `after` starts, and 1,000 of another product goes on."""
    lines = [line("2024-01-01", None, 1000, product="other")]
    lines += [line("2024-01-01", "2024-03-01", **b) for b in before] + [line("2024-03-01", None, **a) for a in after]
    return Made(lines).on("2024-03-01")


CORE = {"product": "core", "plan": "pro"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([{"units": 10, "parts": 1000}], [{"units": 15, "parts": 1500}], {"seats": 500}, id="15 seats for 10 at 100 each"),
        pytest.param([{"units": 15, "parts": 1500}], [{"units": 10, "parts": 1000}], {"seats": -500}, id="fewer seats"),
        pytest.param([{"units": 3, "parts": 10000}], [{"units": 4, "parts": 13333}], {"seats": 3333}, id="a unit price that was rounded to cents"),
        pytest.param([{"units": 10, "parts": 1000}], [{"units": 10, "parts": 1100}], {"price": 100}, id="100 to 110 each"),
        pytest.param([{"units": 10, "parts": 1100}], [{"units": 10, "parts": 1000}], {"price": -100}, id="a price cut"),
        pytest.param(
            [{"units": 10, "parts": 1000}], [{"units": 20, "parts": 2400}], {"seats": 1000, "price": 200, "mixed": 200}, id="10 at 100 to 20 at 120"
        ),
        pytest.param(
            [{"units": 20, "parts": 2400}], [{"units": 10, "parts": 1000}], {"seats": -1000, "price": -200, "mixed": -200}, id="20 at 120 to 10 at 100"
        ),
        pytest.param([{"units": 10, "parts": 1000}], [{"units": 8, "parts": 1200}], {"mixed": 200}, id="fewer seats at a higher price"),
        pytest.param([{"parts": 1000}], [{"parts": 1200}], {"mixed": 200}, id="nothing known but the amount"),
        pytest.param([{"units": 10, "parts": 1000}], [{"parts": 1200}], {"mixed": 200}, id="seats known on one side only"),
        pytest.param([{"parts": 1000, "listed": 1000}], [{"parts": 800, "listed": 1000}], {"discount": -200}, id="a discount of 20 % begins"),
        pytest.param([{"parts": 800, "listed": 1000}], [{"parts": 1000, "listed": 1000}], {"discount": 200}, id="it ends"),
        pytest.param(
            [{"units": 10, "parts": 800, "listed": 1000}], [{"units": 15, "parts": 1200, "listed": 1500}], {"seats": 400}, id="seats under one discount"
        ),
        pytest.param(
            [{"units": 10, "parts": 800, "listed": 1000}], [{"units": 10, "parts": 880, "listed": 1100}], {"price": 80}, id="list price under one discount"
        ),
        pytest.param(
            [{"units": 10, "parts": 800, "listed": 1000}], [{"units": 10, "parts": 1200, "listed": 1200}],
            {"price": 160, "discount": 200, "mixed": 40}, id="list 1,000 to 1,200 and 20 % discount to none",
        ),
        pytest.param([{"parts": 800, "listed": 1000}], [{"parts": 1500, "listed": 1500}], {"mixed": 700}, id="discount and list moved, seats unknown"),
        pytest.param([{"parts": 1000, "currency": "EUR"}], [{"parts": 1080, "currency": "USD"}], {"currency": 80}, id="billed in dollars from now on"),
        pytest.param(
            [{"parts": 1000, "currency": "EUR", "units": 10}], [{"parts": 2160, "currency": "USD", "units": 20}], {"mixed": 1160}, id="dollars and more seats"
        ),
        pytest.param([{"parts": 1000, "plan": "basic"}], [{"parts": 1500, "plan": "pro"}], {"plan": 500}, id="another plan of the product"),
        pytest.param(
            [{"parts": 1000, "plan": "basic", "units": 10}], [{"parts": 3000, "plan": "pro", "units": 20}], {"plan": 2000}, id="another plan, whatever its seats"
        ),
        pytest.param([], [{"parts": 300}], {"product": 300}, id="a second product"),
        pytest.param([{"parts": 300}], [], {"product": -300}, id="one of two products ends"),
        pytest.param([{"parts": 1000}], [{"parts": 1500, "product": "next"}], {"product": 500}, id="one product for another"),
    ],
)  # fmt: skip
def test_a_change_has_the_cause_that_its_lines_show(before, after, expected):
    assert change([CORE | b for b in before], [CORE | a for a in after]) == expected


def test_a_second_subscription_of_the_same_plan_is_seats_where_units_say_so():
    lines = [line("2024-01-01", None, 1000, units=10, **CORE), line("2024-03-01", None, 500, units=5, **CORE)]
    assert Made(lines).on("2024-03-01") == {"seats": 500}


def test_a_renewal_at_the_same_terms_is_no_change():
    lines = [line("2024-01-01", "2024-03-01", 1000, units=10, **CORE), line("2024-03-01", None, 1000, units=10, **CORE)]
    assert Made(lines).on("2024-03-01") == {}


def test_coming_and_leaving_have_no_cause():
    made = Made([line("2024-01-05", "2024-02-01", 100, units=1), line("2024-03-01", "2024-04-01", 100, units=1)])
    assert [(r["value"], r["delta"]) for r in sorted(made.by_cause, key=lambda r: r["d"])] == [("-", 100), ("-", -100), ("-", 100), ("-", -100)]


def test_what_offsets_a_cause_on_the_same_day_enters_one_and_leaves_the_other():
    # the add-on brings 300, five seats fewer take 200: an expansion of 100 by product, beside it 200 that only moved
    lines = [
        line("2024-01-01", "2024-03-01", 1000, units=25, **CORE),
        line("2024-03-01", None, 800, units=20, **CORE),
        line("2024-03-01", None, 300, product="x"),
    ]
    found = {r["value"]: r for r in Made(lines).booked if r["d"] == day("2024-03-01")}
    assert [found["product"][n] for n in ("expansion", "entering", "leaving")] == [100, 200, 0]
    assert [found["seats"][n] for n in ("expansion", "contraction", "entering", "leaving")] == [0, 0, 0, 200]


def test_a_bridged_gap_compares_what_was_before_it_with_what_came_after():
    lines = [line("2024-01-01", "2024-03-01", 1000, units=10, **CORE), line("2024-03-08", None, 1200, units=12, **CORE)]
    assert Made(lines, gap_days=10).on("2024-03-08") == {"seats": 200}
    assert Made(lines).on("2024-03-08") == {"-": 1200}


def test_net_movements_compare_the_closings_of_months():
    # 10 to 15 seats on the 5th, a price rise on the 20th: over the month both moved
    lines = [
        line("2024-01-01", "2024-03-05", 1000, units=10, **CORE), line("2024-03-05", "2024-03-20", 1500, units=15, **CORE),
        line("2024-03-20", None, 1650, units=15, **CORE),
    ]  # fmt: skip
    assert {r["value"]: r["delta"] for r in Made(lines, net=True).by_cause if r["m"] == month("2024-03")} == {"seats": 500, "price": 100, "mixed": 50}


# --- the witness --------------------------------------------------------------------------------------------------


@st.composite
def books(draw):
    lines = []
    for account in range(draw(st.integers(1, 3))):
        at = 0
        for _ in range(draw(st.integers(0, 6))):
            at = max(0, min(LENGTH - 25, at + draw(st.sampled_from([0, 0, 0, 1, 2, 9, 31, -3, -20]))))
            length = draw(st.one_of(st.none(), st.integers(0, 60)))
            units, price, off = (
                draw(st.sampled_from([None, 1, 2, 3, 10])),
                draw(st.sampled_from([0, 60, 60, 66, 72])),
                draw(st.sampled_from([None, 0, 0, 25, 50])),
            )
            listed = None if off is None else (units or 1) * price
            lines.append(
                Line(
                    account, DAY0 + at, FAR if length is None else DAY0 + min(at + length, LENGTH - 1), (units or 1) * price * (100 - (off or 0)) // 100 * 10**6,
                    draw(st.sampled_from(["", "core", "core", "x"])), draw(st.sampled_from(["a", "a", "b"])), draw(st.sampled_from(["EUR", "EUR", "USD"])),
                    units, None if listed is None else listed * 10**6,
                )
            )  # fmt: skip
            at += length or 0
    return lines


def in_force(lines, account, d):
    there = {}
    for x in lines:
        if x.account == account and x.parts and x.start <= d < x.end:
            there.setdefault((x.product, x.plan, x.currency), []).append(x)
    return there


def total(lines, name):
    said = [getattr(x, name) for x in lines]
    return None if None in said else sum(said)


def same(a, b):
    return abs(a - b) <= Fraction(1, 10_000) * max(abs(a), abs(b))


def split(n0, n1, x0, x1):
    """What x alone and what the rest alone explain, at the smaller of each."""
    y0, y1 = Fraction(n0, x0), Fraction(n1, x1)
    if (x1 > x0) != (y1 > y0):
        return 0, 0
    sign = 1 if x1 > x0 else -1
    return sign * abs(x1 - x0) * min(y0, y1), sign * min(x0, x1) * abs(y1 - y0)


def causes_of(before, after):
    """One day's causes from what was in force before and after, in fractions."""
    found = Counter()
    gone = {k: v for k, v in before.items() if k not in after}
    came = {k: v for k, v in after.items() if k not in before}
    for key in before.keys() & after.keys():
        one, two = before[key], after[key]
        n0, n1 = total(one, "parts"), total(two, "parts")
        (u0, u1), (l0, l1) = ((total(one, n), total(two, n)) for n in ("units", "listed"))
        counted, listed = u0 is not None and u1 is not None, l0 is not None and l1 is not None
        same_rate = listed and same(Fraction(n0, l0), Fraction(n1, l1))
        if listed and l0 == l1 and (not counted or u0 == u1):
            found["discount"] += n1 - n0
        elif listed and not same_rate:
            if counted and u0 == u1 and l0 != l1:
                by_list, by_rate = split(n0, n1, l0, l1)
                found["price"] += by_list
                found["discount"] += by_rate
        elif counted and u0 == u1:
            found["price"] += n1 - n0
        elif counted and same(Fraction(n0, u0), Fraction(n1, u1)):
            found["seats"] += n1 - n0
        elif counted:
            by_units, by_price = split(n0, n1, u0, u1)
            found["seats"] += by_units
            found["price"] += by_price
    swapped = {k[:2] for k in gone} & {k[:2] for k in came}
    replaced = {k[0] for k in gone if k[:2] not in swapped} & {k[0] for k in came if k[:2] not in swapped}
    for key, sign in [(k, -1) for k in gone] + [(k, 1) for k in came]:
        amount = sign * total((gone if sign < 0 else came)[key], "parts")
        if key[:2] in swapped:
            sizes = [total([x for k, v in side.items() if k[:2] == key[:2] for x in v], "units") for side in (gone, came)]
            if None in sizes or sizes[0] == sizes[1]:
                found["currency"] += amount
        else:
            found["plan" if key[0] in replaced else "product"] += amount
    mrr = [sum(total(v, "parts") for v in side.values()) for side in (before, after)]
    if not mrr[0] or not mrr[1]:
        return {"-": mrr[1] - mrr[0]} if mrr[0] != mrr[1] else {}
    found["mixed"] += mrr[1] - mrr[0] - sum(found.values())
    return found


@few
@given(books())
def test_causes_are_those_of_the_witness(lines):
    made: dict[tuple[int, int], dict[str, int]] = {}
    for r in Made(lines).by_cause:
        made.setdefault((r["account_id"], r["d"]), {})[r["value"]] = r["delta"]
    for account in range(3):
        for d in range(DAY0, DAY0 + LENGTH):
            expected, got = causes_of(in_force(lines, account, d - 1), in_force(lines, account, d)), made.get((account, d), {})
            for cause in {*expected, *got}:
                assert abs(expected.get(cause, 0) - got.get(cause, 0)) <= 4, (account, d, cause, expected, got)


@few
@given(books(), st.sampled_from([0, 5, 30]), st.booleans(), st.sampled_from([None, DECIMAL]))
def test_causes_sum_to_the_movements(lines, gap_days, net, kind):
    made = Made(lines, gap_days, net, kind)
    sums, deltas = Counter(), Counter()
    for r in made.by_cause:
        sums[r["account_id"], r["d"]] += r["delta"]
    for r in made.changes:
        deltas[r["account_id"], r["d"]] += r["delta"]
    assert {k: v for k, v in sums.items() if v} == dict(deltas)
    for row in made.months:
        here = [r for r in made.cause_months if r["m"] == row["m"]]
        for name in changes.MOVEMENTS:
            assert sum(r[name] for r in here) == row[name]
        assert sum(r["entering"] for r in here) == sum(r["leaving"] for r in here)
    assert all(r["new"] == r["reactivation"] == r["churn"] == 0 for r in made.cause_months if r["value"] != causes.NO_CAUSE)
    assert all(r["expansion"] == r["contraction"] == 0 for r in made.cause_months if r["value"] == causes.NO_CAUSE)


@few
@given(books(), st.sampled_from([0, 5, 30]))
def test_bridged_lines_have_the_changes_of_bridged_accounts(lines, gap_days):
    with DuckDBSession() as session:
        session.bind("lines", arrow(lines))
        table = causes.facts_table()
        one, two = session.fetch(changes.mrr_changes(causes.bridged(table, gap_days))), session.fetch(changes.mrr_changes(table, gap_days))
    assert sorted(rows(one), key=str) == sorted(rows(two), key=str)


# --- without price ------------------------------------------------------------------------------------------------


def running(steps, window, name="closing"):
    found = [(r["m"], r[name]) for r in steps if r["window"] == window]
    return {m: sum(v for at, v in found if at <= m) for m in MONTHS}


@few
@given(books(), st.sampled_from([0, 30]))
def test_states_with_price_have_the_levels_of_those_without(lines, gap_days):
    made = Made(lines, gap_days)
    level = [
        {(r["account_id"], m): r["level"] for r in found for m in range(r["from_m"], min(r["until_m"], MONTHS[-1] + 1))}
        for found in (made.states, made.plain_states)
    ]
    assert level[0] == level[1]
    if not any(r["value"] == "price" for r in made.by_cause):
        assert running(made.without, 3) == running(made.retained, 3)
    assert all(v >= 0 for w in (3, 12) for v in running(made.without, w).values())


def test_nrr_without_price_takes_what_price_changed_within_the_window():
    # January 1,000; a price rise of 100 on 1 February, ten seats more on 1 March at 110 each: 2,200, of which 100 came by price
    lines = [
        line("2024-01-01", "2024-02-01", 1000, units=10, **CORE), line("2024-02-01", "2024-03-01", 1100, units=10, **CORE),
        line("2024-03-01", None, 2200, units=20, **CORE),
    ]  # fmt: skip
    made = Made(lines)
    assert running(made.retained, 3)[month("2024-04")] == 2200
    assert running(made.without, 3)[month("2024-04")] == 2100
    assert running(made.without, 3)[month("2024-05")] == 2200  # the window opens after the rise


def test_a_price_rise_goes_with_the_account_that_leaves_and_does_not_come_back_with_it():
    lines = [
        line("2024-01-01", "2024-02-01", 1000, units=10, **CORE), line("2024-02-01", "2024-03-01", 1100, units=10, **CORE),
        line("2024-04-01", None, 500, units=5, **CORE),
    ]  # fmt: skip
    made = Made(lines)
    closings = running(made.without, 3)
    assert (closings[month("2024-04")], closings[month("2024-05")]) == (500, 500)


def test_a_price_cut_of_an_account_that_left_brings_nothing_back():
    lines = [line("2024-01-01", "2024-02-01", 1000, units=10, **CORE), line("2024-02-01", "2024-03-01", 400, units=10, **CORE)]
    assert set(running(Made(lines).without, 3).values()) == {0}
