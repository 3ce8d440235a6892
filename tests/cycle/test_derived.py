"""Columns of conditions: what changed, lasted, happened or did not, counted again by hand and blind to what was not known."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from laer.conditions.tree import All, Condition, Derived, derived_test
from laer.conditions.tree import Test as Asked
from laer.conditions.truth import evaluate
from laer.cycle import facts
from laer.cycle.derived import dates_of, derive, fields_of, truths
from laer.cycle.facts import Wanted, compute
from laer.cycle.inputs_people import actor
from laer.engine.session import DuckDBSession
from laer.metrics.happenings import BELONGINGS, HAPPENINGS
from laer.metrics.inputs import INPUTS
from laer.metrics.spine import BLOCK
from laer.records.periods import FAR, date_of
from tests.cycle.fact_books import ACCOUNTS, FIRST, LAST, book, perturbed, table

EVERYBODY = pa.array(range(1, ACCOUNTS + 1), pa.int64())
CHANGE, DIFFERENCE = Derived("change", "mrr", 60), Derived("difference", "tickets_open", 30)
COUNT, USED, ABSENT = Derived("count", "ticket", 40), Derived("count", "use", 30), Derived("absence", "touch", 25)
THERE = Derived("related", "open_deal")
LASTED = Derived("duration", "tickets_open", 7, test=Asked("tickets_open", ">=", 2))
EVERY = (CHANGE, DIFFERENCE, COUNT, USED, ABSENT, THERE, LASTED)
Rows = dict[tuple[int, int], dict[str, Any]]


def seen_of(given: dict[str, pa.Table]) -> dict[str, list[int]]:
    return {name: facts._days_of(name, rows) for name, rows in given.items()}


def found(given: dict[str, pa.Table], columns: tuple[Derived, ...], *dates: int, since: int = FIRST - 200) -> Rows:
    wanted = Wanted(dates, EVERYBODY, pa.array([since] * ACCOUNTS, pa.int32()))
    with DuckDBSession() as session:
        read = None
        if fields_of(columns):
            spread = Wanted(dates_of(columns, dates), *wanted_accounts(since))
            read = compute(session, spread, given, measures=fields_of(columns)).table
        for name, rows in given.items():
            session.bind(name, rows)
        rows = derive(session, columns, wanted, seen_of(given), read).to_pylist()
    return {(row["account_id"], row["d"]): row for row in rows}


def wanted_accounts(since: int) -> tuple[pa.Array, pa.Array]:
    return EVERYBODY, pa.array([since] * ACCOUNTS, pa.int32())


def facts_at(given: dict[str, pa.Table], day: int, *measures: str) -> dict[int, dict[str, Any]]:
    with DuckDBSession() as session:
        rows = compute(session, Wanted((day,), *wanted_accounts(FIRST - 200)), given, measures=measures).table.to_pylist()
    return {row["account_id"]: row for row in rows}


@pytest.mark.parametrize("seed", range(2))
def test_each_column_says_what_a_count_by_hand_says(seed: int) -> None:
    given, day = book(seed), LAST - 100
    made = found(given, EVERY, day)
    now, then, before = (facts_at(given, day - back, "mrr", "tickets_open") for back in (0, 60, 30))
    lately = [facts_at(given, day - back, "tickets_open") for back in range(7)]
    for account in range(1, ACCOUNTS + 1):
        row, mine = made[account, day], {name: [r for r in rows.to_pylist() if r["account_id"] == account] for name, rows in given.items() if not INPUTS[name].firm}
        old, new = then[account]["mrr"], now[account]["mrr"]
        assert row[CHANGE.id] == (None if not old or new is None else pytest.approx(new / old - 1))
        assert row[DIFFERENCE.id] == now[account]["tickets_open"] - before[account]["tickets_open"]
        assert row[COUNT.id] == sum(day - 40 < r["opened_d"] <= day for r in mine["tickets"])
        assert row[USED.id] == sum(r["n"] or 0 for r in mine["account_days"] if day - 30 < r["day_d"] <= day)
        assert row[ABSENT.id] == (not any(day - 25 < r["on_d"] <= day for r in mine["touches"]))
        assert row[THERE.id] == any(r["created_d"] <= day < r["closed_d"] for r in mine["deals"])
        assert row[LASTED.id] == all(one[account]["tickets_open"] >= 2 for one in lately)


def test_one_date_says_what_it_says_among_many() -> None:
    given, dates = book(5), (FIRST + 120, LAST - 60, LAST)
    many = found(given, EVERY, *dates)
    for day in dates:
        assert found(given, EVERY, day) == {key: row for key, row in many.items() if key[1] == day}


@pytest.mark.parametrize("seed", range(3))
def test_what_was_not_known_yet_changes_no_column(seed: int) -> None:
    given, day = book(seed), LAST - 150
    changed = {name: perturbed(name, rows, day, random.Random(seed)) for name, rows in given.items()}
    assert found(given, EVERY, day) == found(changed, EVERY, day)


@pytest.mark.parametrize("name", [*HAPPENINGS, *BELONGINGS])
def test_every_name_that_conditions_may_use_is_computed(name: str) -> None:
    column = Derived("related", name) if name in BELONGINGS else Derived("count", name, 200)
    values = {row[column.id] for row in found(book(1), (column,), LAST).values()}
    assert values - {None, 0}, f"{name} finds nothing in a random book"


def nothing() -> dict[str, pa.Table]:
    return {name: table(name, []) for name in INPUTS}


def touches(*days: int) -> dict[str, pa.Table]:
    return nothing() | {"touches": table("touches", [{"account_id": 1, "on_d": day, "kind": "call"} for day in days])}


def test_an_absence_needs_a_source_that_was_there_all_the_while() -> None:
    day = LAST
    def said(given: dict[str, pa.Table], account: int = 2) -> Any:
        return found(given, (ABSENT,), day)[account, day][ABSENT.id]

    assert said(touches()) is None  # no touch was ever logged: nobody would have seen one
    assert said(touches(day - 10)) is None  # they are logged since ten days: too short to speak of 25
    assert said(touches(day - 10), account=1) is False  # one that is there is one
    assert said(touches(day - 400, day - 10)) is True
    assert said(touches(day - 400, day - 100)) is None  # nobody has logged one for so long that silence says nothing


def test_a_count_over_days_that_no_source_covers_is_unknown_and_not_zero() -> None:
    column = Derived("count", "call", 25)
    assert found(touches(LAST - 10), (column,), LAST)[2, LAST][column.id] is None
    assert found(touches(LAST - 300, LAST - 10), (column,), LAST)[2, LAST][column.id] == 0
    assert found(touches(LAST - 300, LAST - 10), (column,), LAST)[1, LAST][column.id] == 1


def test_a_change_from_nothing_or_from_before_the_account_is_unknown() -> None:
    given = nothing() | {"states": table("states", [{"account_id": 1, "from_d": LAST - 10, "until_d": LAST + 500, "mrr": 50.0}])}
    assert found(given, (CHANGE,), LAST)[1, LAST][CHANGE.id] is None
    young = found(given, (CHANGE,), LAST, since=LAST - 20)
    assert young[1, LAST][CHANGE.id] is None


def test_what_lasted_is_unknown_where_a_day_is() -> None:
    column = Derived("duration", "tickets_open", 7, test=Asked("tickets_open", "=", 0))
    given = nothing() | {"tickets": table("tickets", [{"account_id": 1, "opened_d": LAST - 3, "closed_d": LAST - 2}])}
    made = found(given, (column,), LAST)
    assert made[2, LAST][column.id] is None  # three of the seven days lie before the first ticket of the firm
    assert made[1, LAST][column.id] is False


@pytest.mark.parametrize("seed", range(3))
def test_a_condition_over_them_is_what_the_plain_reference_says(seed: int) -> None:
    given, day = book(seed), LAST - 100
    condition: Condition = All((derived_test(CHANGE, "<=", -0.1), derived_test(ABSENT), Asked("tickets_open", ">", 1)))
    rows = [row | facts_at(given, day, "tickets_open")[account] for (account, _), row in found(given, (CHANGE, ABSENT), day).items()]
    with DuckDBSession() as session:
        answers = {r["account_id"]: r["truth"] for r in truths(session, condition, pa.Table.from_pylist(rows), date_of(day)).to_pylist()}
    assert answers == {row["account_id"]: evaluate(condition, row, date_of(day)) for row in rows}


def test_the_page_on_conditions_names_all_that_may_be_asked() -> None:
    page = (Path(__file__).parents[2] / "docs/methods/conditions.md").read_text(encoding="utf-8")
    assert [name for name in (*HAPPENINGS, *BELONGINGS) if f"`{name}`" not in page] == []


def test_which_of_the_people_did_it_is_asked_by_name() -> None:
    day = LAST
    without, with_ = (Derived("related", "champion", 30, "touch", present) for present in (False, True))

    def person(number: int, role: str = "champion") -> dict[str, Any]:
        return {"account_id": 1, "contact_id": number, "role": role, "from_d": 0, "until_d": FAR}

    def said(people: list[dict[str, Any]], *met: tuple[int | None, int]) -> tuple[Any, Any]:
        touched = [{"account_id": 1, "on_d": day - back, "kind": "call"} for _, back in met] + [{"account_id": 2, "on_d": day - back, "kind": "call"} for back in (90, 1)]
        named = [{"account_id": 1, "contact_id": who, "role": None, "happened": "touch", "on_d": day - back} for who, back in met]
        given = nothing() | {"contacts": table("contacts", people), "touches": table("touches", touched), "meetings": table("meetings", named)}
        row = found(given, (without, with_), day)[1, day]
        return row[without.id], row[with_.id]

    both = [person(1), person(2), person(3, "user")]
    assert said(both, (1, 5), (2, 29)) == (False, True)
    assert said(both, (1, 5), (2, 30)) == (True, True)
    assert said(both, (3, 5)) == (True, False)
    assert said(both, (3, 5), (None, 2)) == (None, None)  # it may have been any of them
    assert said(both, (1, 5), (None, 2)) == (None, True)
    assert said(both, (1, 5), (2, 5), (None, 2)) == (False, True)
    assert said([person(3, "user")], (3, 5)) == (False, False)  # no champion
    assert said([], (None, 5)) == (None, None)  # nobody names contacts at all


def blocks(actor: int, *days: int) -> list[dict[str, Any]]:
    merged: dict[int, int] = {}
    for one in days:
        merged[one // BLOCK] = merged.get(one // BLOCK, 0) | 1 << (one % BLOCK)
    return [{"account_id": 1, "actor": actor, "block": block, "mask": mask} for block, mask in merged.items()]


def test_whether_a_champion_uses_it_is_asked_of_the_users_who_they_are() -> None:
    day = LAST
    without, has = Derived("related", "champion", 30, "use", False), Derived("related", "champion", 30, "use")
    people = [{"account_id": 1, "contact_id": n, "role": "champion", "from_d": 0, "until_d": FAR} for n in (1, 2)]
    used = [{"account_id": 1, "day_d": one, "n": 3, "errors": None} for one in (day - 60, day - 3)]

    def said(*users: tuple[int, int | None], active: list[dict[str, Any]], internal: tuple[int, ...] = (), days: Any = used) -> tuple[Any, Any]:
        rows = [{"account_id": 1, "actor": a, "contact_id": c, "team": None, "internal": a in internal, "from_d": 0, "until_d": FAR} for a, c in users]
        given = nothing() | {
            "contacts": table("contacts", people), "product_users": table("product_users", rows), "user_blocks": table("user_blocks", active),
            "account_days": table("account_days", days),
        }  # fmt: skip
        row = found(given, (without, has), day)[1, day]
        return row[without.id], row[has.id]

    both = ((11, 1), (12, 2))
    assert said(*both, active=[*blocks(11, day - 3), *blocks(12, day)]) == (False, True)
    assert said(*both, active=blocks(11, day - 29)) == (True, True)  # the second did not
    assert said(*both, active=blocks(11, day - 30)) == (None, None)  # somebody used it three days ago, and nobody is named
    assert said(*both, active=[*blocks(11, day - 30), *blocks(13, day - 3)]) == (True, False)  # a stranger, and both champions are known users
    assert said((11, 1), active=[*blocks(11, day - 3), *blocks(13, day - 3)]) == (None, True)  # the stranger may be the second champion
    assert said((11, 1), (13, None), active=[*blocks(11, day - 3), *blocks(13, day - 3)], internal=(13,)) == (True, True)  # one of ours is not
    assert said((11, 1), active=blocks(11, day - 3)) == (True, True)  # nobody else used it
    assert said(*both, active=[], days=[]) == (None, None)  # no source of usage


def test_days_on_which_a_feature_was_used() -> None:
    day, column = LAST, Derived("count", "active_day", 40, feature="reports")
    mine = actor("reports")
    given = nothing() | {
        "feature_blocks": table("feature_blocks", [*blocks(mine, day, day - 1, day - 28, day - 39, day - 40), *blocks(7, day - 2)]),
        "account_days": table("account_days", [{"account_id": 1, "day_d": one, "n": 1, "errors": None} for one in (day - 90, day)]),
    }  # fmt: skip
    assert found(given, (column,), day)[1, day][column.id] == 4.0
    assert found(given, (column,), day)[2, day][column.id] == 0.0
    assert column.id == "active_day__eq_reports__count_40d"
    near = nothing() | {"account_days": table("account_days", [{"account_id": 1, "day_d": day - 20, "n": 1, "errors": None}])}
    assert found(near, (column,), day)[1, day][column.id] is None  # usage is known since twenty days


@pytest.mark.parametrize("seed", range(2))
def test_users_and_features_of_a_window_are_counted_as_by_hand_and_blind_to_what_follows(seed: int) -> None:
    given, day = book(seed), LAST - 100
    columns = (Derived("related", "champion", 45, "use"), Derived("related", "contact", 30, "use", False), Derived("count", "active_day", 60, feature="x"))
    given["feature_blocks"] = table("feature_blocks", [row | {"actor": actor("x")} for row in given["feature_blocks"].to_pylist()[:60]])
    made = found(given, columns, day)
    for account in range(1, ACCOUNTS + 1):
        masks = [(r["block"], r["mask"]) for r in given["feature_blocks"].to_pylist() if r["account_id"] == account]
        used = sum(day - 60 < block * BLOCK + bit <= day for block, mask in masks for bit in range(BLOCK) if mask >> bit & 1)
        assert made[account, day][columns[2].id] == used
    changed = {name: perturbed(name, rows, day, random.Random(seed)) for name, rows in given.items()}
    assert found(changed, columns, day) == made
