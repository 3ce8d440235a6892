"""Measures of the firm: counted by hand, blind to what was not known, and parts that add up to the whole."""

from __future__ import annotations

import random
from collections.abc import Iterable
from statistics import quantiles
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from laer.cycle.company import Periods, behind, company_catalogue, count
from laer.cycle.fact_inputs import ARROW
from laer.engine.session import DuckDBSession
from laer.metrics.company import FACTS, Combined, Company, CompanyCatalogue, wilson
from laer.metrics.inputs import INPUTS
from laer.records.expr import literal
from tests.cycle.fact_books import ACCOUNTS, FIRST, LAST, book, perturbed, table

MONTHS = tuple((start, start + 60) for start in range(FIRST, LAST, 60))
OF_ITEMS = [name for name, one in company_catalogue().companies.items() if one.of != FACTS and not company_catalogue().items_of[one.of].of_run]
Row = dict[str, Any]


def counted(given: dict[str, pa.Table], periods: Periods, measures: Iterable[str] = OF_ITEMS, **more: Any) -> list[Row]:
    seen = {name: sorted(set(rows[INPUTS[name].known].to_pylist())) for name, rows in given.items()}
    with DuckDBSession() as session:
        return count(session, measures, given, seen, periods, **more).to_pylist()


def amounts(rows: Iterable[Row]) -> dict[tuple[str, int], float | None]:
    return {(row["measure"], row["p"]): row["amount"] for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_deals_are_counted_as_by_hand(seed: int) -> None:
    given = book(seed)
    said = amounts(counted(given, Periods(MONTHS, LAST)))
    deals = given["deals"].to_pylist()
    for p, (first, until) in enumerate(MONTHS):
        ended = [d for d in deals if d["outcome"] and d["motion"] in (None, "land") and first <= d["closed_d"] < min(until, LAST + 1) and d["created_d"] <= LAST]
        won = [d for d in ended if d["outcome"] == "won"]
        assert said["deals_won", p] == len(won)
        assert said["win_rate", p] == (pytest.approx(len(won) / len(ended)) if ended else None)
        worth = [d for d in ended if d["arr"] is not None]
        total = sum(d["arr"] for d in worth)
        assert said["win_rate_value", p] == (pytest.approx(sum(d["arr"] for d in worth if d["outcome"] == "won") / total) if total else None)
        cycles = [d["closed_d"] - d["qualified_d"] for d in won if d["qualified_d"] is not None and d["closed_d"] >= d["qualified_d"]]
        if len(cycles) > 1:
            assert said["sales_cycle", p] == pytest.approx(quantiles(cycles, n=4, method="inclusive")[1])


@pytest.mark.parametrize("seed", range(4))
def test_what_was_not_known_yet_changes_no_figure_of_the_firm(seed: int) -> None:
    given, day = book(seed), LAST - 130
    changed = {name: perturbed(name, rows, day, random.Random(seed)) for name, rows in given.items()}
    periods = Periods(tuple(span for span in MONTHS if span[0] <= day), day)
    assert counted(given, periods) == counted(changed, periods)


@pytest.mark.parametrize("by", ["segment", "seller"])
def test_parts_add_up_to_the_whole(by: str) -> None:
    given, periods = book(7), Periods(MONTHS, LAST)
    rows = [(account, "segment", "ABC"[account % 3], FIRST - 1_000, LAST + 1_000) for account in range(1, ACCOUNTS)]  # the last has none
    spans = pa.table({n: [r[i] for r in rows] for n, i in (("account_id", 0), ("value", 2), ("from_d", 3), ("until_d", 4))})
    spans = spans.cast(pa.schema([("account_id", pa.int64()), ("value", pa.string()), ("from_d", pa.int32()), ("until_d", pa.int32())]))
    names = ["deals_won", "win_rate", "win_rate_value", *(["new_accounts"] if by == "segment" else [])]
    whole = counted(given, periods, names)
    parts = counted(given, periods, names, by=by, spans=spans)
    assert {row["value"] for row in parts} > {"A", ""} or by == "seller"
    for row in whole:
        mine = [part for part in parts if part["measure"] == row["measure"] and part["p"] == row["p"]]
        for column in ("n", "top", "bottom"):
            assert sum(part[column] for part in mine) == pytest.approx(row[column] or 0)


def test_behind_a_figure_stand_the_rows_that_make_it() -> None:
    given, (first, until) = book(3), MONTHS[2]
    [row] = counted(given, Periods((MONTHS[2],), LAST), ["win_rate_value"])
    with DuckDBSession() as session:
        rows = behind(session, "win_rate_value", given, Periods(((first, until),), LAST))
    assert rows.num_rows == row["n"] > 0
    assert pc.sum(rows["top"]).as_py() / pc.sum(rows["bottom"]).as_py() == pytest.approx(row["amount"])
    assert {first <= day < until for day in rows["on_d"].to_pylist()} == {True}


def test_where_no_deal_was_ever_recorded_nothing_is_zero() -> None:
    given = {name: table(name, []) for name in INPUTS}
    assert {row["amount"] for row in counted(given, Periods(MONTHS, LAST))} == {None}


def test_a_period_in_which_nothing_ended_has_no_rate_and_no_wins() -> None:
    given = {name: table(name, []) for name in INPUTS}
    deal = {"account_id": 1, "deal_id": 1, "created_d": FIRST, "qualified_d": FIRST, "closed_d": FIRST + 5, "outcome": "won", "arr": 12_000.0}
    given["deals"] = table("deals", [deal])
    said = amounts(counted(given, Periods(((FIRST, FIRST + 10), (FIRST + 10, FIRST + 20)), LAST)))
    assert (said["deals_won", 0], said["arr_won", 0], said["win_rate", 0], said["sales_cycle", 0]) == (1, 12_000, 1, 5)
    assert (said["deals_won", 1], said["arr_won", 1], said["win_rate", 1], said["sales_cycle", 1]) == (0, 0, None, None)


def test_a_deal_that_is_won_tomorrow_is_no_win_today() -> None:
    given = {name: table(name, []) for name in INPUTS}
    given["deals"] = table("deals", [{"account_id": 1, "deal_id": 1, "created_d": FIRST, "closed_d": FIRST + 5, "outcome": "won"}])
    span = ((FIRST, FIRST + 30),)
    assert amounts(counted(given, Periods(span, FIRST + 4)))["deals_won", 0] == 0
    assert amounts(counted(given, Periods(span, FIRST + 5)))["deals_won", 0] == 1


def test_facts_of_accounts_are_counted_at_the_last_day_of_each_period(monkeypatch: pytest.MonkeyPatch) -> None:
    seats = Company(measure("seats_used"), FACTS, lambda t: t.active_users_28d, lambda t: t.seats, "ratio", ("active_users_28d", "seats"))
    doubled = Combined(measure("doubled"), ("seats_used",), lambda used: used * 2)
    monkeypatch.setattr("laer.cycle.company.company_catalogue", lambda: CompanyCatalogue((), (seats,), (doubled,)))
    kinds = {"account_id": "int64", "d": "int32", "active_users_28d": "float64", "seats": "float64"}
    facts = pa.Table.from_pylist(
        [
            {"account_id": 1, "d": FIRST + 9, "active_users_28d": 5.0, "seats": 10.0},
            {"account_id": 2, "d": FIRST + 9, "active_users_28d": None, "seats": 90.0},  # of whom nothing is known, counts on neither side
            {"account_id": 1, "d": FIRST + 15, "active_users_28d": 9.0, "seats": 10.0},
        ],
        schema=pa.schema([(name, ARROW[kind]) for name, kind in kinds.items()]),
    )
    rows = counted({}, Periods(((FIRST, FIRST + 10), (FIRST + 10, FIRST + 20)), FIRST + 15), ["seats_used", "doubled"], facts=facts)
    assert amounts(rows) == {("seats_used", 0): 0.5, ("seats_used", 1): 0.9, ("doubled", 0): 1.0, ("doubled", 1): 1.8}
    assert [row["n"] for row in rows if row["measure"] == "seats_used"] == [1, 1]


def measure(name: str) -> Any:
    from laer.metrics.catalogue import Measure

    return Measure(name, name, "", name, motion="adopt", kind="number", sources=(), grain="company")


def test_wilson_is_what_the_textbook_says() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


def test_a_faulty_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="what it is divided by"):
        Company(measure("x"), "deals", lambda t: literal(1), how="ratio")
    with pytest.raises(ValueError, match="counts 'nothing'; there are"):
        CompanyCatalogue((), (Company(measure("x"), "nothing", lambda t: literal(1)),))
