"""What a pass keeps of what was signed, and the question asked of it: basis, scope, currencies, what does not count."""

from __future__ import annotations

from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle.booked import CONTRACTS, OPPORTUNITIES, signed
from laer.cycle.ledger import LedgerInput
from laer.cycle.questions import Desk
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.records.periods import FAR, day_number, month_number
from laer.records.types import Contract, Opportunity, SubscriptionLine

JANUARY, FEBRUARY = month_number(date(2026, 1, 1)), month_number(date(2026, 2, 1))
TODAY = day_number(date(2026, 2, 20))
USUAL = {"gap_days": 0, "first": JANUARY, "last": JANUARY, "day": TODAY}
WON = {"status": "won", "motion": "land", "arr_den": 1, "amount_basis": "arr"}


def d(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def table(record: Any, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"custom": None} | row for row in rows], schema=record.schema_of())


def run_of(opportunities=(), lines=(), contracts=(), rates=None) -> RunTables:
    """lines: (account, start, end, MRR, contract); contracts: (id, account, signed, start)"""
    records = {
        "opportunities": table(Opportunity, [{"opportunity_id": n, **WON, **o} for n, o in enumerate(opportunities, 1)]),
        "contracts": table(Contract, [{"contract_id": c, "account_id": a, "signed_on": d(s), "start_on": d(b)} for c, a, s, b in contracts]),
        "subscription_lines": table(SubscriptionLine, [{"line_id": n, "account_id": x[0], "contract_id": x[4], "start_on": d(x[1])} for n, x in enumerate(lines)]),
    }
    days = [(day_number(d(x[1])), FAR if x[2] is None else day_number(d(x[2]))) for x in lines]
    months = [(month_number(d(x[1])), FAR if x[2] is None else month_number(d(x[2]))) for x in lines]
    given = pa.table(
        {
            "account_id": pa.array([x[0] for x in lines], pa.int64()), "start_d": pa.array([s for s, _ in days], pa.int32()), "end_d": pa.array([e for _, e in days], pa.int32()),
            "start_m": pa.array([s for s, _ in months], pa.int32()), "end_m": pa.array([e for _, e in months], pa.int32()),
            "parts": pa.array([x[3] * 7 for x in lines], pa.int64()), "unknown": pa.array([False] * len(lines), pa.bool_()),
            "line_id": pa.array(range(len(lines)), pa.int64()),
        }
    )  # fmt: skip
    return RunTables({"lines": given, "signed": signed(records, LedgerInput(given, 7, "EUR"), "EUR", rates or {})}, 7, "EUR")


def ask(run: RunTables, scope: Scope | None = None, **params: Any) -> Any:
    asked = USUAL | params
    periods = ((asked.pop("first"), asked.pop("last")),)
    return Desk(lambda _: run).ask("booked", asked | {"periods": periods}, scope or Scope(True), 1)[0]


def sums(booked: Any) -> dict[str, Fraction]:
    total: Counter[str] = Counter()
    for part in booked.parts:
        total[part.step] += part.arr
    return dict(total)


def test_an_odd_amount_stays_exact_beside_lines_of_another_denominator() -> None:
    run = run_of([{"account_id": 1, "closed_on": d("2026-01-10"), "arr_num": 1000, "arr_den": 3}], [(1, "2026-01-12", None, 30, None)])
    assert sums(ask(run)) == {"booked": Fraction(1000, 3), "larger": Fraction(80, 3), "live": 360}  # 360 - 333 1/3 = 26 2/3


def test_only_the_accounts_of_the_scope_are_answered_for() -> None:
    two = [{"account_id": n, "closed_on": d("2026-01-10"), "arr_num": 1200} for n in (1, 2)]
    run = run_of(two, [(1, "2026-01-12", None, 100, None), (2, "2026-01-12", None, 100, None)])
    assert sums(ask(run))["booked"] == 2400
    mine = ask(run, Scope(False, frozenset({2})))
    assert sums(mine) == {"booked": 1200, "live": 1200}
    assert {p.account_id for p in mine.parts} == {2}
    assert ask(run, Scope(False, frozenset())).parts == ()


def test_what_was_to_begin_after_today_has_not_begun_and_what_was_before_is_unbilled() -> None:
    later = {"account_id": 1, "closed_on": d("2026-02-01"), "starts_on": d("2026-02-25"), "arr_num": 500}
    past = {"account_id": 2, "closed_on": d("2026-02-01"), "starts_on": d("2026-02-10"), "arr_num": 300}
    assert sums(ask(run_of([later, past]), first=FEBRUARY, last=FEBRUARY)) == {"booked": 800, "not_started": -500, "unbilled": -300}


def test_renewals_bring_nothing_new_and_what_cannot_count_is_counted() -> None:
    on = d("2026-01-10")
    said = [
        {"account_id": 1, "closed_on": on, "arr_num": 1, "motion": "renew"},
        {"account_id": 1, "closed_on": on, "arr_num": 2, "motion": None},  # it paid before: nobody can say what this was
        {"account_id": 2, "closed_on": on, "arr_num": 40, "motion": None},  # it had never paid: it lands
        {"account_id": 3, "closed_on": on, "amount_basis": None},
        {"account_id": 3, "closed_on": on, "arr_num": 9, "currency": "SEK"},
        {"account_id": 3, "closed_on": on, "arr_num": 500, "currency": "USD", "amount_basis": "year"},
        {"account_id": 3, "closed_on": d("2025-12-31"), "arr_num": 9, "currency": "SEK"},  # in another month
        {"account_id": 3, "closed_on": on, "arr_num": 7, "status": "lost"},
    ]
    asked = ask(run_of(said, [(1, "2025-06-01", None, 10, None)], rates={"USD": Fraction(9, 10)}))
    assert asked.basis == OPPORTUNITIES
    assert asked.aside == {"renewal": 1, "motion": 1, "amount": 1, "rate": 1, "year": 1}
    assert sums(asked) == {"booked": 40 + 450, "unbilled": -490}


def test_an_opportunity_begins_when_its_contract_does() -> None:
    run = run_of([{"account_id": 1, "closed_on": d("2026-01-10"), "arr_num": 1200, "contract_id": 5}], contracts=[(5, 1, None, "2026-03-01")])
    assert sums(ask(run)) == {"booked": 1200, "not_started": -1200}


def test_without_opportunities_contracts_say_what_was_signed() -> None:
    lines = [
        (1, "2025-02-01", "2026-02-01", 100, 10), (1, "2026-02-01", None, 130, 11),  # renewed in January with 30 more from February
        (2, "2026-01-15", None, 50, 12), (3, "2026-01-20", None, 20, None),  # signed before; never signed
        (4, "2026-01-05", None, 10, 13), (4, "2026-01-05", None, 5, 14),  # two contracts, one day, one rise
    ]  # fmt: skip
    contracts = [
        (10, 1, "2025-01-20", None), (11, 1, "2026-01-12", None), (12, 2, "2025-12-20", None), (13, 4, "2026-01-04", None), (14, 4, "2026-01-05", None), (15, 5, "2026-01-01", None),
    ]  # fmt: skip
    asked = ask(run_of(lines=lines, contracts=contracts))
    assert asked.basis == CONTRACTS
    assert sums(asked) == {"booked": 360 + 180, "not_started": -360, "slipped_in": 600, "unsold": 240, "live": 1020}


def test_a_contract_that_no_line_names_begins_on_its_own_first_day() -> None:
    asked = ask(run_of(lines=[(1, "2026-01-15", None, 50, None)], contracts=[(7, 1, "2025-12-30", "2026-01-15"), (8, 1, "2026-01-02", "2026-01-20")]))
    assert sums(asked) == {"slipped_in": 600, "live": 600}


def test_one_opportunity_anywhere_in_the_book_decides_the_basis() -> None:
    run = run_of([{"account_id": 9, "closed_on": d("2024-01-10"), "arr_num": 1}], [(1, "2026-01-15", None, 50, 12)], [(12, 1, "2026-01-01", None)])
    asked = ask(run, Scope(False, frozenset({1})))
    assert (asked.basis, sums(asked)) == (OPPORTUNITIES, {"unsold": 600, "live": 600})


@pytest.mark.parametrize("run", [run_of(), RunTables({"lines": run_of().tables["lines"]}, 7, "EUR")], ids=["nothing signed", "a run of before"])
def test_where_nothing_says_what_was_signed_there_is_no_basis(run: RunTables) -> None:
    assert ask(run).basis is None


def test_live_is_what_the_ledger_calls_new_reactivated_and_expanded() -> None:
    lines = [(1, "2026-01-05", None, 100, None), (2, "2025-01-01", "2025-06-01", 40, None), (2, "2026-01-20", None, 60, None), (3, "2025-01-01", None, 5, None), (3, "2026-01-02", None, 7, None)]
    run = run_of([{"account_id": 1, "closed_on": d("2026-01-01"), "arr_num": 1200}], lines)
    month = Desk(lambda _: run).ask("revenue", {"gap_days": 0}, Scope(True), 1).months(JANUARY, JANUARY)[0]
    assert sums(ask(run))["live"] == 12 * (month["new_mrr"] + month["reactivation_mrr"] + month["expansion_mrr"]) == 12 * 167
