"""Cost of each motion: the worked example of docs/methods/motion-costs.md, and of which motion time is."""

from __future__ import annotations

from typing import Any

import pytest

from laer.cycle.company import Periods, count
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import INPUTS
from laer.metrics.motion_costs import COMPANY
from laer.records.periods import FAR, day_number
from tests.cycle.fact_books import table
from tests.cycle.test_terms import D

JANUARY, FEBRUARY, MARCH = (day_number(D(text)) for text in ("2026-01-01", "2026-02-01", "2026-03-01"))
Row = dict[str, Any]


def cost(motion: str, kind: str, amount: float | None) -> Row:
    return {"account_id": None, "month_d": JANUARY, "until_d": FEBRUARY, "motion": motion, "kind": kind, "amount": amount}


def move(account: int, day: int, **amounts: float) -> Row:
    return {"account_id": account, "on_d": day, **dict.fromkeys(("opening", "new", "back", "growth", "shrinking", "lost"), 0.0), **amounts}


def effort(motion: str, minutes: float, inferred: float = 0.0, kind: str = "call", *, inward: bool | None = False, evidence: bool | None = None) -> Row:
    said = {"kind": kind, "inward": inward, "evidence": evidence}
    return {"account_id": 2, "on_d": JANUARY + 9, "motion": motion, "minutes": minutes, "inferred": inferred, **said}


GIVEN: dict[str, list[Row]] = {
    "costs": [cost("land", "pay", 6_000), cost("adopt", "pay", 3_000), cost("renew", "pay", 1_000), cost("renew", "tools", 200)],
    "changes": [move(1, JANUARY + 4, new=500.0), move(3, JANUARY + 5, growth=100.0), move(4, FEBRUARY + 1, new=900.0)],
    "outcomes": [
        {"account_id": 2, "promised_d": JANUARY - 90, "due_d": JANUARY + 60, "reached_d": JANUARY + 14, "confirmed_d": FAR},
        {"account_id": 2, "promised_d": JANUARY - 90, "due_d": JANUARY + 60, "reached_d": FEBRUARY + 1, "confirmed_d": FAR},  # its second: the first counts
    ],
    "lines": [{"account_id": 2, "start_d": JANUARY - 200, "end_d": FAR, "mrr": mrr} for mrr in (600.0, 400.0)],
    "renewals": [
        {"account_id": 3, "item": 9, "due_d": JANUARY + 20, "ends_d": JANUARY + 19, "settled_d": JANUARY + 20, "result": "signed", "due": 7_000.0, "kept": 6_000.0,
         "renewed": 6_000.0}
    ],
    "efforts": [
        effort("adopt", 60), effort("renew", 60, inward=True), effort("renew", 60, 60, "meeting"),
        effort("expand", 20, 20, "task support", inward=None, evidence=True),
    ],
}  # fmt: skip
BY_HAND = {
    "cost_to_land": 1.0, "cost_to_adopt": 0.25, "cost_to_renew": 0.2, "cost_to_expand": None, "cost_to_adopt_timed": 0.1, "cost_to_renew_timed": 2_600 / 6_000,
    "cost_to_expand_timed": None, "arr_gained_land": 16_800, "arr_gained_adopt": 12_000, "arr_gained_expand": 1_200, "arr_gained_renew": 6_000,
    "hours_land": 0, "hours_adopt": 1, "hours_expand": 1 / 3, "hours_renew": 2, "time_inferred": 0.4,
    "work_minutes": 200, "work_by_evidence": 1, "proactive_share": 2 / 3, "time_elsewhere": 0.1,  # docs/methods/work.md
}  # fmt: skip


def figures(given: dict[str, list[Row]], periods: Periods) -> dict[str, float | None]:
    tables = {name: table(name, given.get(name, [])) for name in INPUTS}
    seen = {name: sorted({day for day in rows[INPUTS[name].known].to_pylist() if day is not None}) for name, rows in tables.items()}
    with DuckDBSession() as session:
        found = count(session, [one.measure.id for one in COMPANY], tables, seen, periods).to_pylist()
    return {row["measure"]: row["amount"] for row in found}


def test_two_months_by_hand() -> None:
    said = figures(GIVEN, Periods(((JANUARY, MARCH),), MARCH - 1))
    assert said == {name: None if value is None else pytest.approx(value) for name, value in BY_HAND.items()}


def test_a_month_with_an_amount_without_a_rate_is_unknown_and_not_smaller() -> None:
    given = GIVEN | {"costs": [*GIVEN["costs"], cost("land", "tools", None)]}
    assert figures(given, Periods(((JANUARY, MARCH),), MARCH - 1))["cost_to_land"] is None


def test_what_became_known_later_changes_nothing_before() -> None:
    """The outcome was reached on 15 January and the renewal settled on the 21st: on the 10th neither was known."""
    said = figures(GIVEN, Periods(((JANUARY, FEBRUARY),), JANUARY + 9))
    assert said["arr_gained_renew"] in (None, 0.0)
    assert said["cost_to_renew"] is None
    assert said["arr_gained_adopt"] in (None, 0.0)
