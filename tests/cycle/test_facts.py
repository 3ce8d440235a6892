"""Facts: the same for one date as among many, blind to what was not known yet, and silent where a source is."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle import facts
from laer.cycle.facts import Firm, Wanted, catalogue, compute, covered
from laer.engine.session import DuckDBSession
from laer.metrics.catalogue import Records
from laer.metrics.inputs import INPUTS
from laer.metrics.inputs import records as unbound
from laer.metrics.spine import BLOCK, Spine
from laer.records.expr import Table
from laer.records.periods import FAR, day_number
from tests.cycle.fact_books import ACCOUNTS, FIRST, LAST, book, perturbed, table

DATES = (FIRST + 90, FIRST + 250, LAST - 40, LAST)
EVERYBODY = pa.array(range(1, ACCOUNTS + 1), pa.int64())
DAY = day_number(date(2025, 6, 30))


def wanted(*dates: int) -> Wanted:
    return Wanted(dates, EVERYBODY, pa.array([FIRST] * ACCOUNTS, pa.int32()))


def found(given: dict[str, pa.Table], *dates: int, **more: Any) -> dict[tuple[int, int], dict[str, Any]]:
    with DuckDBSession() as session:
        rows = compute(session, wanted(*dates), given, **more).table.to_pylist()
    return {(row["account_id"], row["d"]): row for row in rows}


def one(**inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Facts of account 1 on DAY, of a book that holds these rows."""
    given = {name: table(name, [{"account_id": 1, **row} for row in inputs.get(name, [])]) for name in INPUTS}
    return found(given, DAY)[1, DAY]


@pytest.mark.parametrize("seed", range(4))
def test_one_date_says_what_it_says_among_many(seed: int) -> None:
    given = book(seed)
    many = found(given, *DATES)
    for day in DATES:
        alone = found(given, day)
        assert alone == {key: row for key, row in many.items() if key[1] == day}


@pytest.mark.parametrize("seed", range(4))
def test_what_was_not_known_yet_changes_no_fact(seed: int) -> None:
    given = book(seed)
    many = found(given, *DATES)
    for day in DATES:
        rng = random.Random(seed)
        changed = {name: perturbed(name, rows, day, rng) for name, rows in given.items()}
        assert found(changed, day) == {key: row for key, row in many.items() if key[1] == day}


def _satisfaction_at_opening(spine: Spine, records: Records) -> Table:
    held = spine.within(records["tickets"], "opened_d", 90)
    return held.group_by("account_id", "d").agg(x=held.satisfaction.sum())


def _real_end(spine: Spine, records: Records) -> Table:
    held = spine.alive(records["lines"], "start_d", "end_d")
    return held.group_by("account_id", "d").agg(x=held.end_d.max())


def _won_in_the_end(spine: Spine, records: Records) -> Table:
    held = spine.alive(records["deals"], "created_d", "closed_d")
    return held.group_by("account_id", "d").agg(x=(held.outcome == "won").sum())


@pytest.mark.parametrize(("build", "name"), [(_satisfaction_at_opening, "tickets"), (_real_end, "lines"), (_won_in_the_end, "deals")])
def test_a_planted_leak_is_caught(build: Callable[[Spine, Records], Table], name: str) -> None:
    day, given = DATES[2], book(1)

    def answer(rows: pa.Table) -> list[dict[str, Any]]:
        with DuckDBSession() as session:
            session.bind(name, rows)
            session.bind("spine", wanted(day).spine((day,)))
            session.bind("spine_dates", pa.table({"d": pa.array([day], pa.int32())}))
            return session.fetch(build(Spine(), unbound())).sort_by("account_id").to_pylist()

    assert answer(given[name]) != answer(perturbed(name, given[name], day, random.Random(1)))


@pytest.mark.parametrize("seed", range(2))
def test_a_few_accounts_held_against_the_firm_have_the_facts_that_all_have(seed: int) -> None:
    given, day = book(seed), LAST
    with DuckDBSession() as session:
        whole = compute(session, wanted(day), given)
    few = {name: rows.filter(pa.compute.is_in(rows["account_id"], pa.array([2, 3]))) for name, rows in given.items()}
    asked = Wanted((day,), pa.array([2, 3], pa.int64()), pa.array([FIRST, FIRST], pa.int32()))
    with DuckDBSession() as session:
        some = compute(session, asked, few, firm=Firm(whole.references, whole.seen))
    everything = {row["account_id"]: row for row in whole.table.to_pylist()}
    assert some.table.to_pylist() == [everything[2], everything[3]]


@pytest.mark.parametrize("measure", ["usage_trend_adjusted", "state", "mrr", "seat_use"])
def test_a_measure_asked_for_alone_is_the_same(measure: str) -> None:
    given = book(3)
    whole = found(given, *DATES)
    alone = found(given, *DATES, measures=[measure])
    assert {key: row[measure] for key, row in alone.items()} == {key: row[measure] for key, row in whole.items()}
    assert len(next(iter(alone.values()))) < len(catalogue()) / 2


def test_a_book_without_a_row_knows_nothing() -> None:
    nothing = one()
    assert {name: value for name, value in nothing.items() if value is not None} == {"account_id": 1, "d": DAY}


def test_missing_source_missing_value_and_zero_are_three_things() -> None:
    assert one()["tickets_90d"] is None  # no source
    other = {"account_id": 2, "opened_d": DAY - 5, "closed_d": FAR, "urgent": False, "escalated": False, "satisfaction": None}
    seen = one(tickets=[other])
    assert (seen["tickets_90d"], seen["ticket_csat_90d"]) == (0.0, None)  # nothing there; nothing said
    mine = one(tickets=[other | {"account_id": 1, "closed_d": DAY - 1, "satisfaction": 4.0}])
    assert (mine["tickets_90d"], mine["tickets_open"], mine["ticket_csat_90d"]) == (1.0, 0.0, 4.0)


def test_a_source_that_fell_silent_makes_no_zero() -> None:
    old = {"account_id": 2, "day_d": DAY - 40, "n": 5, "errors": None}
    assert one(account_days=[old])["usage_28d"] is None
    assert one(account_days=[old | {"day_d": DAY - 3}])["usage_28d"] == 0.0


def test_a_source_covers_from_its_first_row_to_some_days_after_its_last() -> None:
    table = covered({"tickets": [DAY - 10, DAY], "states": [DAY]}, [DAY - 11, DAY - 10, DAY + 90, DAY + 91]).to_pydict()
    assert table["tickets"] == [False, True, True, False]
    assert table["states"] == [False, False, True, True]
    assert table["pulses"] == [False] * 4


def test_mrr_and_its_movements_in_their_windows() -> None:
    states = [{"from_d": DAY - 400, "until_d": DAY - 100, "mrr": 500.0}, {"from_d": DAY - 100, "until_d": DAY - 20, "mrr": 800.0}, {"from_d": DAY - 20, "until_d": FAR, "mrr": 700.0}]
    zero = dict.fromkeys(("opening", "new", "back", "growth", "shrinking", "lost"), 0.0)
    changes = [{"on_d": DAY - 400, **zero, "new": 500.0}, {"on_d": DAY - 100, **zero, "growth": 300.0}, {"on_d": DAY - 20, **zero, "shrinking": 100.0}]
    seen = one(states=states, changes=changes)
    assert (seen["mrr"], seen["arr"], seen["mrr_90d_ago"], seen["mrr_change_90d"], seen["state"]) == (700.0, 8400.0, 800.0, -0.125, "paying")
    assert (seen["expansion_90d"], seen["expansion_365d"], seen["contraction_90d"], seen["new_365d"]) == (0.0, 300.0, 100.0, 0.0)
    assert (seen["first_paid_on"], seen["mrr_changed_on"]) == (DAY - 400, DAY - 20)


def test_a_window_ends_with_the_day_and_begins_after_its_length() -> None:
    row = {"closed_d": FAR, "urgent": False, "escalated": False, "satisfaction": None}
    assert one(tickets=[row | {"opened_d": DAY - 90}, row | {"opened_d": DAY - 89}, row | {"opened_d": DAY}, row | {"opened_d": DAY + 1}])["tickets_90d"] == 2.0


def test_users_of_28_days_are_counted_over_the_edge_of_a_block() -> None:
    def block(actor: int, *days: int) -> list[dict[str, int]]:
        return [{"actor": actor, "block": day // BLOCK, "mask": 1 << (day % BLOCK)} for day in days]

    rows = block(1, DAY) + block(2, DAY - 27) + block(3, DAY - 28) + block(4, DAY + 1) + block(5, DAY - 6, DAY - 7) + block(6, DAY - 7)
    merged: dict[tuple[int, int], dict[str, int]] = {}
    for row in rows:
        held = merged.setdefault((row["actor"], row["block"]), row | {"mask": 0})
        held["mask"] |= row["mask"]
    seen = one(user_blocks=list(merged.values()))
    assert (seen["active_users_28d"], seen["active_users_7d"], seen["user_days_28d"]) == (4.0, 2.0, 5.0)
    assert seen["stickiness"] is None  # under five users a mean says nothing


def test_the_trend_of_use_is_unknown_where_little_was_before() -> None:
    days = [{"day_d": DAY - 30, "n": 20, "errors": 1}, {"day_d": DAY - 2, "n": 15, "errors": None}]
    seen = one(account_days=days)
    assert (seen["usage_28d"], seen["usage_before_28d"], seen["usage_trend"], seen["active_days_28d"], seen["last_used_on"]) == (15.0, 20.0, -0.25, 1.0, DAY - 2)
    assert one(account_days=[days[0] | {"n": 9}, days[1]])["usage_trend"] is None


def test_the_latest_word_counts() -> None:
    answers = [{"answered_d": DAY - 100, "kind": "nps", "score": 9.0}, {"answered_d": DAY - 10, "kind": "nps", "score": 3.0}, {"answered_d": DAY - 5, "kind": "csat", "score": 4.5}]
    pulses = [{"stated_d": DAY - 60, "level": 2}, {"stated_d": DAY - 3, "level": 0}]
    seen = one(answers=answers, pulses=pulses)
    assert (seen["nps_latest"], seen["csat_latest"], seen["ces_latest"], seen["pulse"], seen["pulse_on"]) == (3.0, 4.5, None, "red", DAY - 3)


def test_what_falls_due_next_and_what_is_overdue() -> None:
    terms = [
        {"known_d": DAY - 300, "start_d": DAY - 300, "end_d": DAY + 65, "notice_d": DAY + 5, "until_d": DAY + 65, "rolls": False},
        {"known_d": DAY - 700, "start_d": DAY - 700, "end_d": DAY - 1, "notice_d": None, "until_d": DAY - 1, "rolls": False},
        {"known_d": DAY + 1, "start_d": DAY + 1, "end_d": DAY + 30, "notice_d": None, "until_d": DAY + 30, "rolls": True},
    ]  # fmt: skip
    seen = one(terms=terms, lapses=[{"from_d": DAY - 1, "until_d": FAR}], notices=[{"known_d": DAY - 2, "effective_d": DAY + 65}])
    assert (seen["renewal_on"], seen["notice_on"], seen["terms"], seen["renews_by_itself"]) == (DAY + 65, DAY + 5, 1.0, False)
    assert (seen["overdue_since"], seen["terms_overdue"], seen["leaves"], seen["leaving_on"]) == (DAY - 1, 1.0, True, DAY + 65)
    assert one(terms=terms)["leaves"] is None  # nobody tells us of departures


def test_a_term_that_began_before_1970_ends_on_its_day() -> None:
    term = {"known_d": -5_000, "start_d": -5_000, "end_d": DAY + 65, "notice_d": None, "until_d": DAY + 65, "rolls": False}
    assert one(terms=[term])["renewal_on"] == DAY + 65


def test_deals_open_and_ended() -> None:
    deals = [
        {"created_d": DAY - 50, "closed_d": FAR, "qualified_d": None, "outcome": None, "motion": "expand", "arr": 1200.0, "discount": None},
        {"created_d": DAY - 200, "closed_d": DAY - 150, "qualified_d": DAY - 180, "outcome": "won", "motion": "land", "arr": 5000.0, "discount": 0.2},
        {"created_d": DAY - 90, "closed_d": DAY - 80, "qualified_d": None, "outcome": "lost", "motion": "expand", "arr": None, "discount": None},
    ]  # fmt: skip
    seen = one(deals=deals)
    assert (seen["deals_open"], seen["growth_deals_open"], seen["pipeline_arr"]) == (1.0, 1.0, 1200.0)
    assert (seen["deals_won_365d"], seen["deals_lost_365d"], seen["arr_won_365d"], seen["sales_cycle_days"], seen["won_on"], seen["discount_won"]) == (1.0, 1.0, 5000.0, 30.0, DAY - 150, 0.2)


def test_an_account_has_no_row_before_anything_is_known_of_it() -> None:
    asked = Wanted((DAY - 10, DAY), pa.array([1, 2], pa.int64()), pa.array([DAY - 20, DAY - 5], pa.int32()))
    given = {name: table(name, []) for name in INPUTS}
    with DuckDBSession() as session:
        rows = compute(session, asked, given).table.select(["account_id", "d"]).to_pylist()
    assert [(row["account_id"], row["d"]) for row in rows] == [(1, DAY - 10), (1, DAY), (2, DAY)]


def test_every_measure_has_words_a_method_page_and_an_input_of_its_sources() -> None:
    from pathlib import Path

    methods = Path(__file__).parents[2] / "docs" / "methods"
    for measure in catalogue().values():
        assert measure.words, measure.id
        assert measure.name, measure.id
        assert (methods / f"{measure.method}.md").exists(), f"{measure.id}: no docs/methods/{measure.method}.md"
    for family in catalogue().families:
        assert all(INPUTS[family.input].record in measure.sources for measure in family.measures), family.name


def test_nothing_of_the_catalogue_is_left_out() -> None:
    assert list(found(book(0), LAST)[1, LAST]) == ["account_id", "d", *catalogue()]
    assert facts.AT_ONCE >= 1
