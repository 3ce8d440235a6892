"""Facts: the same for one date as among many, blind to what was not known yet, and silent where a source is."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from laer.cycle import facts
from laer.cycle.facts import Firm, Wanted, catalogue, compute, covered
from laer.engine.rollups import NAMES
from laer.engine.session import DuckDBSession
from laer.metrics.catalogue import Records
from laer.metrics.inputs import INPUTS
from laer.metrics.inputs import records as unbound
from laer.metrics.spine import BLOCK, REACH, Spine
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
    given = {name: table(name, [row if INPUTS[name].firm else {"account_id": 1, **row} for row in inputs.get(name, [])]) for name in INPUTS}
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
    return held.group_by("account_id", "d").agg(x=held.end_d.min())


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
    few = {name: rows if INPUTS[name].firm else rows.filter(pc.is_in(rows["account_id"], pa.array([2, 3]))) for name, rows in given.items()}
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


@pytest.mark.parametrize("seed", range(2))
def test_no_measure_reads_usage_further_back_than_is_read_of_the_lake(seed: int) -> None:
    given = book(seed, 400)
    near = dict(given)
    for name in NAMES:  # what activation is judged by is read of all of history
        days = pc.multiply(given[name]["block"], BLOCK) if "block" in given[name].column_names else given[name]["day_d"]
        last = pc.add(days, BLOCK - 1) if "block" in given[name].column_names else days
        near[name] = given[name].filter(pc.greater_equal(last, LAST - REACH))
        assert near[name].num_rows < given[name].num_rows
    assert found(near, LAST) == found(given, LAST)


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


def test_the_contract_is_in_one_state() -> None:
    term = {"known_d": DAY - 300, "start_d": DAY - 300, "end_d": DAY + 91, "notice_d": None, "until_d": DAY + 91, "rolls": False}
    near = term | {"end_d": DAY + 90, "until_d": DAY + 90}
    ago = term | {"end_d": DAY - 1, "until_d": DAY - 1}
    other = [term | {"account_id": 2}]
    assert one(terms=[term])["contract_state"] == "in force"
    assert one(terms=[term, near])["contract_state"] == "due soon"
    assert one(terms=[ago], lapses=[{"from_d": DAY - 1, "until_d": FAR}])["contract_state"] == "overdue"
    assert one(terms=[term], notices=[{"known_d": DAY - 2, "effective_d": DAY + 65}])["contract_state"] == "leaving"
    assert one(terms=other)["contract_state"] == "none"
    assert one()["contract_state"] is None  # no source of contracts


def test_how_it_goes_and_whether_mails_are_answered() -> None:
    touch = {"on_d": DAY - 3, "kind": "mail", "minutes": None, "inward": False, "sentiment": None}
    seen = one(touches=[touch, touch, touch, touch, touch | {"inward": True, "sentiment": 1}, touch | {"kind": "call", "sentiment": -1}, touch | {"sentiment": 1, "on_d": DAY - 89}])
    assert (seen["mails_90d"], seen["mail_replies_90d"], seen["mail_reply_share"], seen["sentiment_90d"]) == (5.0, 1.0, 0.2, round(1 / 3, 12))
    assert one(touches=[touch | {"inward": True}])["mail_reply_share"] is None
    ticket = {"opened_d": DAY - 30, "closed_d": FAR, "urgent": False, "escalated": True, "satisfaction": None}
    assert one(tickets=[ticket, ticket | {"closed_d": DAY}])["escalations_open"] == 1.0
    assert one(account_days=[{"day_d": DAY - 2, "n": 40, "errors": 2}])["error_rate_28d"] == 0.05


def test_whom_we_know_and_whom_we_reached() -> None:
    def person(number: int, role: str | None) -> dict[str, Any]:
        return {"contact_id": number, "role": role, "from_d": 0, "until_d": FAR}

    def met(number: int | None, days: int, happened: str = "touch") -> dict[str, Any]:
        return {"contact_id": number, "happened": happened, "on_d": DAY - days}

    people = [person(1, "champion"), person(2, "decision maker"), person(3, "other"), person(4, None)]
    seen = one(contacts=people, meetings=[met(1, 59), met(1, 3, "ticket"), met(4, 5), met(2, 60), met(None, 1)])
    assert (seen["contacts"], seen["champions"], seen["decision_makers"], seen["roles_known"], seen["decision_maker_known"]) == (4.0, 1.0, 1.0, 2.0, True)
    assert (seen["contacts_60d"], seen["champion_live"], seen["champion_seen_on"], seen["decision_maker_seen_on"]) == (2.0, True, DAY - 3, DAY - 60)
    nameless = one(contacts=people, meetings=[met(None, 5), met(1, 70)])
    assert (nameless["contacts_named_60d"], nameless["contacts_60d"], nameless["champion_live"]) == (0.0, None, None)  # it may have been the champion
    silent = one(contacts=people, meetings=[met(1, 70), met(9, 2) | {"account_id": 2}])
    assert (silent["contacts_60d"], silent["champion_live"]) == (0.0, False)
    assert (one(contacts=people)["champion_live"], one(contacts=people)["contacts_60d"]) == (None, None)  # nothing says who was met
    assert one(contacts=[person(4, "user")])["champion_live"] is False
    assert one()["champions"] is None


def test_a_role_counts_from_its_day_until_its_end() -> None:
    def person(number: int, role: str | None, since: int = 0, until: int = FAR) -> dict[str, Any]:
        return {"contact_id": number, "role": role, "from_d": since, "until_d": until}

    ana = [person(1, None), person(1, "champion", DAY - 200, DAY - 10), person(1, "decision maker", DAY - 10), person(1, "user", DAY - 100)]
    ben = [person(2, None), person(2, "champion", DAY - 10), person(2, "detractor", DAY + 1)]
    seen = one(contacts=[*ana, *ben], meetings=[{"contact_id": 1, "happened": "touch", "on_d": DAY - 20}])
    assert (seen["contacts"], seen["champions"], seen["decision_makers"], seen["roles_known"], seen["detractors"]) == (2.0, 1.0, 1.0, 3.0, 0.0)
    assert (seen["champion_live"], seen["champion_seen_on"], seen["decision_maker_seen_on"]) == (False, None, DAY - 20)  # Ana was it, Ben is
    given = {name: table(name, []) for name in INPUTS}
    given["contacts"] = table("contacts", [{"account_id": 1, **row} for row in (*ana, *ben)])
    given["meetings"] = table("meetings", [{"account_id": 1, "contact_id": 1, "happened": "touch", "on_d": DAY - 20}])
    before = found(given, DAY - 11)[1, DAY - 11]
    assert (before["champions"], before["champion_live"], before["champion_seen_on"], before["decision_makers"]) == (1.0, True, DAY - 20, 0.0)


def used_on(actor: int, *days: int) -> list[dict[str, int]]:
    merged: dict[int, int] = {}
    for day in days:
        merged[day // BLOCK] = merged.get(day // BLOCK, 0) | 1 << (day % BLOCK)
    return [{"actor": actor, "block": block, "mask": mask} for block, mask in merged.items()]


GOES_ON = [{"account_id": 2, "day_d": DAY, "n": 1, "errors": None}]


def of_another(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"account_id": 2, **row} for row in rows]


@pytest.mark.parametrize("offset", range(0, BLOCK, 9))
def test_nobody_active_is_0_on_every_day_of_a_block_while_the_source_goes_on(offset: int) -> None:
    day = (DAY // BLOCK) * BLOCK + offset
    given = {name: table(name, []) for name in INPUTS}
    given["user_blocks"] = table("user_blocks", of_another(used_on(1, day - 28)))
    given["account_days"] = table("account_days", [{"account_id": 2, "day_d": day - 14, "n": 1, "errors": None}])
    assert found(given, day)[1, day]["active_users_28d"] == 0.0
    assert found(given, day + 1)[1, day + 1]["active_users_28d"] is None  # nobody used anything for more than 14 days: it may not be told any more


def test_our_own_people_are_no_users_and_teams_come_of_those_who_are() -> None:
    def user(actor: int, team: str | None = None, internal: bool = False, since: int = 0, until: int = FAR) -> dict[str, Any]:
        return {"actor": actor, "contact_id": None, "team": team, "internal": internal, "from_d": since, "until_d": until}

    blocks = [*used_on(1, DAY, DAY - 3), *used_on(2, DAY - 9), *used_on(3, DAY - 1), *used_on(4, DAY), *used_on(5, DAY - 2)]
    people = [user(1, "Ops"), user(2, "Sales"), user(3, "Ops"), user(4, "Support", internal=True), user(6, "Legal")]
    seen = one(user_blocks=blocks, product_users=people)
    assert (seen["active_users_28d"], seen["active_users_7d"], seen["user_days_28d"], seen["internal_users_28d"]) == (4.0, 3.0, 5.0, 1.0)
    assert (seen["teams_28d"], seen["users_with_team_28d"], seen["team_spread"]) == (2.0, 3.0, 2.0)
    assert one(user_blocks=blocks)["active_users_28d"] == 5.0
    assert (one(user_blocks=blocks)["internal_users_28d"], one(user_blocks=blocks)["team_spread"]) == (0.0, None)  # nobody's team is known
    later = one(user_blocks=blocks, product_users=[user(4, "Support", internal=True, since=DAY + 1)])
    assert (later["active_users_28d"], later["internal_users_28d"]) == (5.0, 0.0)
    counted = {"on_d": DAY - 1, "name": "teams_active", "number": 7.0}
    assert one(user_blocks=blocks, product_users=people, metrics=[counted])["team_spread"] == 7.0  # what the source counts itself stands first
    other = one(user_blocks=of_another(used_on(1, DAY, DAY - 28)), account_days=GOES_ON, product_users=people)
    assert (other["active_users_28d"], other["teams_28d"], other["team_spread"]) == (0.0, 0.0, 0.0)


def test_breadth_is_over_the_key_features_of_what_was_bought() -> None:
    def feature(actor: int, product: int | None, since: int = 0, until: int = FAR) -> dict[str, Any]:
        return {"actor": actor, "product_id": product, "from_d": since, "until_d": until}

    line = {"start_d": DAY - 90, "end_d": FAR, "seats": 5, "mrr": 100.0, "list_mrr": None, "product_id": 1, "plan": None, "margin": None}
    key = [feature(1, 1), feature(2, 1), feature(3, None), feature(4, 2), feature(5, 1, until=DAY), feature(6, 1, since=DAY + 1)]
    use = [*used_on(1, DAY - 27), *used_on(3, DAY), *used_on(9, DAY)]  # of 1, 2 and 3; 9 does not matter
    seen = one(feature_blocks=use, key_features=key, lines=[line])
    assert (seen["features_28d"], seen["key_features_28d"], seen["key_features_offered"], seen["key_breadth"]) == (3.0, 2.0, 3.0, round(2 / 3, 12))
    unsaid = one(feature_blocks=use, lines=[line])
    assert (unsaid["features_28d"], unsaid["key_features_offered"], unsaid["key_breadth"]) == (3.0, None, None)
    idle = one(feature_blocks=of_another(used_on(1, DAY, DAY - 28)), account_days=GOES_ON, key_features=key, lines=[line])
    assert (idle["key_features_28d"], idle["key_breadth"]) == (0.0, 0.0)
    more = one(feature_blocks=[*use, *used_on(2, DAY), *used_on(4, DAY)], key_features=key, lines=[line])
    assert (more["key_features_28d"], more["key_breadth"]) == (4.0, 1.0)


def test_invoices_that_are_overdue_and_how_late_they_are_paid() -> None:
    def bill(issued: int, due: int, settled: int | None = None, paid: bool | None = None, amount: float | None = 100.0) -> dict[str, Any]:
        return {"issued_d": DAY - issued, "due_d": DAY - due, "settled_d": FAR if settled is None else DAY - settled, "paid": paid, "amount": amount}

    rows = [
        bill(40, 10, amount=250.0), bill(31, 0), bill(31, 1), bill(90, 60, 50, True), bill(200, 170, 180, True), bill(400, 370, 366, True),
        bill(70, 40, 30, False), bill(5, -25),
    ]  # fmt: skip
    seen = one(invoices=rows)
    assert (seen["invoices_open"], seen["invoices_overdue"], seen["open_amount"], seen["overdue_amount"]) == (4.0, 2.0, 550.0, 350.0)
    assert (seen["overdue_due_on"], seen["paid_on"]) == (DAY - 10, DAY - 50)
    assert (seen["days_to_pay_365d"], seen["days_late_365d"], seen["paid_late_share_365d"]) == (30.0, 5.0, 0.5)  # (40 + 20) / 2, (10 + 0) / 2
    unsaid = one(invoices=[*rows, bill(40, 10, amount=None)])
    assert (unsaid["invoices_overdue"], unsaid["overdue_amount"], unsaid["open_amount"]) == (3.0, None, None)


def test_that_nothing_is_overdue_is_known_of_an_account_only_that_was_ever_billed() -> None:
    paid = {"issued_d": DAY - 60, "due_d": DAY - 30, "settled_d": DAY - 31, "paid": True, "amount": 10.0}
    assert (one(invoices=[paid])["invoices_overdue"], one(invoices=[paid])["overdue_amount"]) == (0.0, 0.0)
    assert one(invoices=[paid | {"account_id": 2}])["invoices_overdue"] is None  # it may pay through another system
    assert one(invoices=[paid | {"issued_d": DAY - 101, "settled_d": DAY - 90}])["invoices_overdue"] is None  # no invoice of anybody for 100 days
    assert one()["invoices_overdue"] is None


def test_what_is_granted_stands_before_what_the_source_states() -> None:
    used = [{"on_d": DAY - 2, "name": "api calls", "most": False, "number": 900.0}, {"on_d": DAY - 2, "name": "api calls", "most": True, "number": 1000.0}]
    grant = {"name": "api calls", "granted": 1500.0, "from_d": DAY - 30, "until_d": FAR}
    assert one(limits=used, entitlements=[grant])["limit_use"] == 0.6
    assert one(limits=used, entitlements=[grant, grant | {"granted": 300.0}])["limit_use"] == 0.5  # two grants add up
    assert one(limits=used, entitlements=[grant, grant | {"granted": None}])["limit_use"] is None  # without a limit
    assert one(limits=used, entitlements=[grant | {"from_d": DAY + 1}])["limit_use"] == 0.9
    assert one(limits=used, entitlements=[grant | {"until_d": DAY}])["limit_use"] == 0.9
    assert one(limits=used[:1], entitlements=[grant])["plan_fit"] == "fits"
    assert (one(entitlements=[grant])["entitlements"], one(entitlements=[grant])["limit_use"], one()["entitlements"]) == (1.0, None, None)


def test_how_much_of_its_limits_an_account_uses() -> None:
    def says(name: str, number: float, most: bool = False, days: int = 2) -> dict[str, Any]:
        return {"on_d": DAY - days, "name": name, "most": most, "number": number}

    rows = [says("api calls", 900.0), says("api calls", 100.0, days=30), says("api calls", 1000.0, True, 40), says("storage", 30.0), says("storage", 100.0, True)]
    seen = one(limits=rows)
    assert (seen["limit_use"], seen["limits_near"], seen["plan_fit"]) == (0.9, 1.0, "tight")
    assert one(limits=rows[3:])["plan_fit"] == "roomy"
    assert one(limits=[rows[0], says("api calls", 1500.0, True)])["plan_fit"] == "fits"
    assert (one(limits=[rows[0], says("api calls", 1000.0, True, 60)])["limit_use"], one()["plan_fit"]) == (None, None)
    assert one(limits=[rows[0], says("api calls", 0.0, True)])["limit_use"] is None  # of no room nothing is a share


def test_when_a_discount_ends_and_what_was_promised_with_numbers() -> None:
    seen = one(discounts=[{"start_d": DAY - 9, "end_d": DAY + 30}, {"start_d": 0, "end_d": FAR}, {"start_d": DAY - 90, "end_d": DAY}, {"start_d": DAY + 1, "end_d": DAY + 2}])
    assert (seen["discounts_in_force"], seen["discount_ends_on"]) == (2.0, DAY + 30)
    promise = {"promised_d": DAY - 90, "due_d": FAR, "reached_d": FAR, "confirmed_d": FAR}
    assert one(outcomes=[promise | {"measured": True}, promise | {"measured": False}])["outcomes_measured"] == 1.0


def test_of_how_many_of_the_firms_sources_an_account_has_anything() -> None:
    touch = {"on_d": DAY - 3, "kind": "call", "minutes": None, "inward": False, "sentiment": None}
    used = {"day_d": DAY - 2, "n": 40, "errors": 2}
    person = {"contact_id": 1, "role": None, "from_d": 0, "until_d": FAR}
    seen = one(touches=[touch], account_days=[used | {"account_id": 2}], contacts=[person])
    assert (seen["data_coverage"], seen["data_newest_on"]) == (round(2 / 3, 12), DAY - 3)
    assert (one()["data_coverage"], one()["data_newest_on"]) == (None, None)


def test_onboarding_against_its_schedule() -> None:
    plan = {"started_d": DAY - 30, "planned_d": DAY + 30, "done_d": FAR}
    step = {"known_d": DAY - 30, "due_d": FAR, "done_d": DAY - 20, "plan_done_d": FAR, "theirs": False}
    call = {"on_d": DAY - 28, "kind": "call", "minutes": None, "inward": False, "sentiment": None}
    answer = {"answered_d": DAY - 9, "kind": "csat", "score": 4.0}
    seen = one(plans=[plan], steps=[step, step | {"done_d": FAR}, step | {"done_d": FAR}, step | {"done_d": FAR}], touches=[call], answers=[answer])
    assert (seen["onboarding_progress"], seen["onboarding_schedule"], seen["kickoff_held"], seen["onboarding_csat"]) == (0.25, 0.5, True, 4.0)
    seen = one(plans=[plan], touches=[call | {"on_d": DAY - 31}], answers=[answer | {"answered_d": DAY - 31}])
    assert (seen["onboarding_schedule"], seen["kickoff_held"], seen["onboarding_csat"]) == (None, False, None)
    assert one(plans=[plan])["kickoff_held"] is None  # nobody notes touches
    late = one(plans=[plan | {"planned_d": DAY - 5}], steps=[step, step | {"done_d": FAR}])
    assert late["onboarding_schedule"] == 0.5
    promise = {"promised_d": DAY - 90, "due_d": DAY + 5, "reached_d": FAR, "confirmed_d": FAR}
    seen = one(outcomes=[promise, promise | {"due_d": DAY - 5}, promise | {"reached_d": DAY - 9, "confirmed_d": DAY - 1}, promise | {"due_d": FAR}])
    assert (seen["outcomes_track_share"], seen["outcomes_confirmed_share"]) == (round(2 / 3, 12), 0.25)


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
