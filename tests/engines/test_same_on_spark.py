"""The ledger on DuckDB and on PySpark, row by row and exactly: 200 accounts of a random book."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle.ledger import LedgerInput, compute, tables
from laer.engine.session import DuckDBSession, SparkSession
from laer.metrics import booked, booking, causes, changes, dimensions, months, retention
from laer.records.expr import Table

pytestmark = pytest.mark.engines

FAR = 2_000_000
FIRST_DAY, FIRST_MONTH = 19358, 636  # 1 January 2023
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def month(d: int) -> int:
    """Of a day from 2023 to 2025, counted along the months (2024 has 29 February)."""
    m = FIRST_MONTH
    rest = d - FIRST_DAY
    while True:
        length = LENGTHS[m % 12] + (m == FIRST_MONTH + 13)
        if rest < length:
            return m
        rest, m = rest - length, m + 1


def book(big: int = 1) -> pa.Table:
    """200 accounts with up to six lines: switches on the day, gaps, overlaps, free lines, lines that never start, open ends."""
    draw = random.Random(7)
    rows: list[dict[str, Any]] = []
    for account in range(200):
        at = draw.randrange(500)
        for _ in range(draw.randrange(7)):
            start = FIRST_DAY + max(0, min(at, 700))
            length = draw.choice([None, 0, draw.randrange(1, 15), draw.randrange(15, 200), draw.randrange(15, 200)])
            end = FAR if length is None else start + length
            rows.append(
                {
                    "account_id": account, "start_d": start, "start_m": month(start), "end_d": end, "end_m": FAR if end == FAR else month(end),
                    "parts": draw.choice([0, 12_000, 12_000, 33_333, 100_000, 777_777]) * big, "value": draw.choice(["basic", "pro", "add-on", ""]),
                }
            )  # fmt: skip
            at += (length or 0) + draw.choice([0, 0, 0, 1, 9, 40, -10])
    kinds = {"account_id": pa.int64(), "parts": pa.int64() if big == 1 else pa.decimal128(38, 0), "value": pa.string()}
    columns = {n: [r[n] for r in rows] for n in rows[0]}
    if big != 1:
        columns["parts"] = [Decimal(p) for p in columns["parts"]]
    return pa.table({n: pa.array(c, kinds.get(n, pa.int32())) for n, c in columns.items()})


def spans() -> pa.Table:
    """Two owners of every account, changing on days of 2024."""
    draw = random.Random(11)
    rows = []
    for account in range(200):
        cut = FIRST_DAY + draw.randrange(300, 700)
        rows += [(account, "Ann", -800_000, -800_000, cut, month(cut)), (account, draw.choice(["Bo", "Cy"]), cut, month(cut), FAR, FAR)]
    kinds = (pa.int64(), pa.string(), *[pa.int32()] * 4)
    names = ("account_id", "value", "from_d", "from_m", "until_d", "until_m")
    return pa.table({n: pa.array(c, k) for n, c, k in zip(names, zip(*rows, strict=True), kinds, strict=True)})


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pyspark = pytest.importorskip("pyspark.sql")
    session = (
        pyspark.SparkSession.builder.master("local[2]").appName("laer")
        .config("spark.sql.ansi.enabled", "true").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.memory", "2g")
        .config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )  # fmt: skip
    yield session
    session.stop()


def rows(answer: pa.Table) -> list[tuple[Any, ...]]:
    """Exact values in a fixed order."""
    return sorted((tuple(row.values()) for row in answer.to_pylist()), key=repr)


def same(spark: Any, expression: Table, **bound: pa.Table) -> list[tuple[Any, ...]]:
    with DuckDBSession() as duck, SparkSession(spark) as other:
        for session in (duck, other):
            for name, table in bound.items():
                session.bind(name, table)
        one, two = duck.fetch(expression), other.fetch(expression)
    assert one.schema == two.schema
    assert rows(one) == rows(two)
    assert one.num_rows > 0
    return rows(one)


KINDS = pytest.mark.parametrize(("big", "kind"), [(1, "int64"), (10**20, "decimal(38, 0)")], ids=["integers", "decimals"])


def lines(kind: str, by: bool = False) -> Table:
    return changes.lines_table("int64", kind, by=by)


@KINDS
@pytest.mark.parametrize("gap_days", [0, 10])
def test_events_and_bridged_events(spark, big, kind, gap_days):
    same(spark, changes.mrr_changes(lines(kind, True), gap_days), lines=book(big))


@KINDS
def test_account_months_of_events_and_net(spark, big, kind):
    events = changes.mrr_changes(lines(kind, True))
    same(spark, months.account_months(events), lines=book(big))
    same(spark, months.account_months(changes.month_changes(events)), lines=book(big))


@KINDS
def test_sums_cohorts_and_flash_accounts(spark, big, kind):
    made = months.account_months(changes.mrr_changes(lines(kind, True)))
    same(spark, months.month_sums(made), lines=book(big))
    same(spark, months.cohorts(made), lines=book(big))
    same(spark, months.flash_accounts(made), lines=book(big))
    events = changes.mrr_changes(lines(kind, True))
    same(spark, months.change_sums(events, months.month_levels(events)), lines=book(big))


@KINDS
def test_retention(spark, big, kind):
    states = retention.month_states(months.account_months(changes.mrr_changes(lines(kind, True))))
    same(spark, states, lines=book(big))
    same(spark, retention.retained(states), lines=book(big))


@KINDS
@pytest.mark.parametrize("movements", ["event", "net"])
def test_booking_by_value(spark, big, kind, movements):
    given = lines(kind, True)
    values, moved = changes.value_changes(given, 10), changes.mrr_changes(given, 10)
    if movements == "net":
        values, moved = booking.month_value_changes(values), changes.month_changes(moved)
    same(spark, booking.booked(values, moved), lines=book(big))


def test_lines_cut_by_the_spans_of_their_accounts(spark):
    plain = changes.lines_table()
    same(spark, dimensions.split_by(plain, dimensions.spans_table()), lines=book().drop_columns(["value"]), spans=spans())


@KINDS
def test_the_rise_by_which_an_opportunity_began(spark, big, kind):
    draw = random.Random(17)
    near = [(row["account_id"], row["start_d"] + draw.choice([0, 0, -9, 40])) for row in book().to_pylist()]
    rows = [(n, account, day, float(draw.choice([12_000, 33_000, 110_000]) * big)) for n, (account, day) in enumerate(near)]
    kinds = (pa.int64(), pa.int64(), pa.int32(), pa.float64())
    sold = pa.table({name: pa.array(c, k) for name, c, k in zip(booked.SOLD, zip(*rows, strict=True), kinds, strict=True)})
    risen = booked.rises(changes.mrr_changes(lines(kind, True)))
    same(spark, booked.begun(booked.sold_table(), risen), lines=book(big), sold=sold)
    same(spark, booked.on_the_day(booked.sold_table(), risen), lines=book(big), sold=sold)


@pytest.mark.parametrize(("movement", "first", "last"), [("churn", 640, 650), ("entering", 636, 660)])
def test_the_accounts_behind_a_movement(spark, movement, first, last):
    given = lines("int64", True)
    moved = changes.mrr_changes(given)
    by_value = booking.value_months(booking.booked(changes.value_changes(given), moved), months.account_months(moved))
    same(spark, months.behind_movement(by_value.filter(by_value.value == "pro"), movement, first, last), lines=book())


def facts(big: int) -> pa.Table:
    """The book with what causes compare."""
    table = book(big)
    draw, n = random.Random(13), table.num_rows
    units = [draw.choice([None, 1, 2, 2, 5]) for _ in range(n)]
    columns = {
        "product": pa.array([draw.choice([None, "core", "core", "extra"]) for _ in range(n)], pa.string()), "plan": table["value"],
        "currency": pa.array([draw.choice(["EUR", "EUR", "EUR", "USD"]) for _ in range(n)], pa.string()),
        "units": pa.array([None if u is None else u * 10**6 for u in units], pa.int64()),
        "list_parts": pa.array([draw.choice([None, *[1e6 * big] * 3]) for _ in range(n)], pa.float64()),
    }  # fmt: skip
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


@KINDS
@pytest.mark.parametrize(("gap_days", "net"), [(0, False), (10, True)])
def test_causes(spark, big, kind, gap_days, net):
    given = facts(big)
    answers = []
    with DuckDBSession() as duck, SparkSession(spark) as other:
        for session in (duck, other):
            session.bind("lines", given)
            table = causes.facts_table("int64", kind)
            events = session.keep("events", changes.mrr_changes(table, gap_days))
            moved = session.keep("moved", changes.month_changes(events)) if net else events
            items = session.keep("items", causes.item_changes(causes.bridged(table, gap_days), net))
            found = session.keep("found", causes.item_causes(items))
            by_cause = session.keep("by_cause", causes.cause_changes(found, moved))
            states = causes.price_states(events, by_cause)
            answers.append([rows(session.fetch(t)) for t in (by_cause, booking.booked(by_cause, moved), states, retention.retained_without_price(states))])
    assert answers[0] == answers[1]
    assert {r[1] for r in answers[0][0]} >= {"seats", "discount", "plan", "product", "currency", "mixed", "-"}


def exact(sums: Any) -> dict[Any, Any]:
    return {"months": sums.months, "retained": sums.retained}


@pytest.mark.parametrize(
    "how", [{}, {"movements": "net", "gap_days": 10}, {"by": True}, {"by": True, "movements": "net", "gap_days": 10}], ids=["plain", "net", "by", "by-net"]
)  # fmt: skip
def test_the_whole_ledger(spark, how):
    table = book() if how.get("by") else book().drop_columns(["value"])
    given = LedgerInput(table, 1200, "EUR")
    with DuckDBSession() as duck, SparkSession(spark) as other:
        one, two = compute(duck, given, **how), compute(other, given, **how)
    assert exact(one.total) == exact(two.total)
    assert sorted(one.cohorts) == sorted(two.cohorts)
    assert one.flash == two.flash
    assert one.values.keys() == two.values.keys()
    for value, sums in one.values.items():
        assert sums.months == two.values[value].months
        # shares of retention are floats, whose sums depend on the order: to a millionth of a part
        assert sums.retained.keys() == two.values[value].retained.keys()
        for key, figures in sums.retained.items():
            assert figures == pytest.approx(two.values[value].retained[key], abs=1e-6)


def test_the_whole_ledger_by_a_dated_dimension(spark):
    given = LedgerInput(book().drop_columns(["value"]), 1200, "EUR")
    with DuckDBSession() as duck, SparkSession(spark) as other:
        one, two = compute(duck, given, by=True, spans=spans()), compute(other, given, by=True, spans=spans())
    assert exact(one.total) == exact(two.total)
    assert {v: s.months for v, s in one.values.items()} == {v: s.months for v, s in two.values.items()}
    assert set(one.values) == {"Ann", "Bo", "Cy"}


def test_kept_tables_have_the_declared_types_on_both(spark):
    given = LedgerInput(book().drop_columns(["value"]), 1200, "EUR")
    with DuckDBSession() as duck, SparkSession(spark) as other:
        for name in ("event_months", "states"):
            one, two = (session.fetch(getattr(tables(session, given), name)) for session in (duck, other))
            assert one.schema == two.schema
            assert rows(one) == rows(two)
