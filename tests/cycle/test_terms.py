"""Rules 7, 9, 10 and 20 by hand: what cuts a line, what keeps it past its end, what a late signature costs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle.terms import counting
from laer.metrics.policy import load_policy
from laer.records.periods import FAR, date_of
from laer.records.record import record_type

D = date.fromisoformat


def rows(record: str, *given: dict[str, Any]) -> pa.Table:
    schema = record_type(record).schema_of()
    return pa.Table.from_pylist([{name: one.get(name) for name in schema.names} for one in given], schema=schema)


def line(number: int, start: str, end: str | None, **more: Any) -> dict[str, Any]:
    return {
        "line_id": number, "account_id": 1, "subscription_id": number, "start_on": D(start), "end_on": D(end) if end else None, "mrr_num": 100, "mrr_den": 1,
    } | more  # fmt: skip


def contract(number: int, start: str | None, end: str, **more: Any) -> dict[str, Any]:
    return {"contract_id": number, "account_id": 1, "start_on": D(start) if start else None, "end_on": D(end)} | more


def taken(lines: list[dict[str, Any]], contracts: list[dict[str, Any]], as_of: str, events: list[dict[str, Any]] | None = None, **policy: Any) -> Any:
    found = counting(
        rows("subscription_lines", *lines), rows("contracts", *contracts), rows("churn_events", *(events or [])), load_policy().changed(**policy), D(as_of)
    )
    spans = [(date_of(int(s)).isoformat(), None if e == FAR else date_of(int(e)).isoformat()) for s, e in zip(found.start, found.end, strict=True)]
    return spans, {r["contract_id"]: r for r in found.renewals}, found


def test_a_line_that_takes_the_place_of_another_cuts_it_at_its_own_start():
    spans, _, _ = taken(
        [line(1, "2025-01-01", "2025-12-31"), line(2, "2025-07-01", None, subscription_id=1, cuts=True), line(3, "2025-07-01", None)], [], "2025-09-01"
    )
    assert spans == [("2025-01-01", "2025-07-01"), ("2025-07-01", None), ("2025-07-01", None)]


def test_of_lines_that_start_on_one_day_the_newest_rules_and_a_product_named_later_is_no_other_product():
    spans, _, _ = taken(
        [
            line(1, "2025-01-01", None, cuts=True),
            line(2, "2025-01-01", None, subscription_id=1, cuts=True),
            line(3, "2025-03-01", None, subscription_id=1, product_id=7, cuts=True),
        ],
        [],
        "2025-09-01",
    )
    assert spans == [("2025-01-01", "2025-01-01"), ("2025-01-01", "2025-03-01"), ("2025-03-01", None)]


def test_two_lines_of_one_subscription_that_do_not_replace_each_other_both_count():
    spans, _, _ = taken([line(1, "2025-01-01", None), line(2, "2025-07-01", None, subscription_id=1)], [], "2025-09-01")
    assert spans == [("2025-01-01", None), ("2025-07-01", None)]


OLD, NEW = {"contract_id": 11}, {"contract_id": 12}


def renewal(signed: str, as_of: str = "2026-06-30") -> Any:
    """A year until 31 March; the next from 1 April, signed when it was signed."""
    lines = [line(1, "2025-04-01", "2026-04-01", **OLD), line(2, "2026-04-01", "2027-04-01", **NEW)]
    contracts = [contract(11, "2025-04-01", "2026-04-01"), contract(12, "2026-04-01", "2027-04-01", signed_on=D(signed))]
    return taken(lines, contracts, as_of)


def test_signed_twelve_days_late_is_a_late_renewal_and_no_churn():
    spans, due, _ = renewal("2026-04-12")
    assert spans == [("2025-04-01", "2026-04-01"), ("2026-04-01", "2027-04-01")]
    assert (due[11]["state"], due[11]["late_days"], due[11]["successor_id"]) == ("renewed late", 12, 12)


def test_signed_after_the_grace_is_churn_on_the_first_unpaid_day_and_back_on_the_day_of_signature():
    spans, due, _ = renewal("2026-05-20")
    assert spans == [("2025-04-01", "2026-04-01"), ("2026-05-20", "2027-04-01")]
    assert (due[11]["state"], due[11]["late_days"]) == ("came back", 50)


def test_signed_before_the_end_is_renewed_on_time():
    assert renewal("2026-02-01")[1][11]["state"] == "renewed"
    on_the_last_day = renewal("2026-03-31")[1][11]
    assert (on_the_last_day["state"], on_the_last_day["late_days"]) == ("renewed", 0)


def test_a_gap_within_the_grace_is_bridged_and_a_longer_one_is_not():
    def with_gap(start: str) -> Any:
        lines = [line(1, "2025-04-01", "2026-04-01", **OLD), line(2, start, None, **NEW)]
        return taken(lines, [contract(11, "2025-04-01", "2026-04-01"), contract(12, start, "2027-04-01")], "2026-08-01")[0][0][1]

    assert with_gap("2026-04-20") == "2026-04-20"
    assert with_gap("2026-05-01") == "2026-05-01"
    assert with_gap("2026-05-02") == "2026-04-01"


@pytest.mark.parametrize(
    ("as_of", "auto", "state", "until"),
    [
        ("2026-03-15", None, "due", "2026-04-01"),
        ("2026-03-31", None, "due", "2026-04-01"),
        ("2026-04-01", None, "pending", None),
        ("2026-04-30", None, "pending", None),
        ("2026-05-01", None, "unresolved", None),
        ("2026-05-01", False, "lost", "2026-04-01"),
        ("2026-04-15", False, "pending", None),
        ("2026-08-01", True, "rolls on", None),
    ],
)
def test_an_end_without_a_successor(as_of: str, auto: bool | None, state: str, until: str | None):
    spans, due, _ = taken([line(1, "2025-04-01", "2026-04-01", **OLD)], [contract(11, "2025-04-01", "2026-04-01", auto_renews=auto)], as_of)
    assert spans == [("2025-04-01", until)]
    assert due[11]["state"] == state


def test_a_cancelled_contract_and_a_line_marked_churned_end_at_their_end():
    lines, ended = [line(1, "2025-04-01", "2026-04-01", **OLD)], contract(11, "2025-04-01", "2026-04-01")
    assert taken(lines, [ended | {"cancelled_on": D("2026-02-01")}], "2026-04-10")[0] == [("2025-04-01", "2026-04-01")]
    assert taken(lines, [ended | {"status": "Churned"}], "2026-04-10")[0] == [("2025-04-01", "2026-04-01")]
    assert taken([lines[0] | {"status": "cancelled"}], [ended], "2026-04-10")[0] == [("2025-04-01", "2026-04-01")]


def test_notice_ends_a_rolling_contract_with_the_term_in_which_it_was_given():
    rolling = contract(11, "2024-04-01", "2025-04-01", auto_renews=True, term_months=12, cancelled_on=D("2025-11-03"))
    spans, due, _ = taken([line(1, "2024-04-01", "2025-04-01", **OLD)], [rolling], "2026-06-01")
    assert (spans, due[11]["state"]) == ([("2024-04-01", "2026-04-01")], "lost")


def test_an_early_renewal_cuts_its_predecessor():
    lines = [line(1, "2025-04-01", "2026-04-01", **OLD), line(2, "2026-02-01", "2027-02-01", **NEW)]
    contracts = [contract(11, "2025-04-01", "2026-04-01"), contract(12, "2026-02-01", "2027-02-01", signed_on=D("2026-01-20"), renews_id=11)]
    spans, due, _ = taken(lines, contracts, "2026-03-01")
    assert spans == [("2025-04-01", "2026-02-01"), ("2026-02-01", "2027-02-01")]
    assert due[11]["state"] == "renewed"


def test_a_line_without_a_contract_ends_at_its_end_and_a_month_to_month_contract_is_never_due():
    assert taken([line(1, "2025-04-01", "2026-04-01")], [], "2026-04-02")[0] == [("2025-04-01", "2026-04-01")]
    spans, due, _ = taken([line(1, "2026-03-01", "2026-04-01", **OLD)], [contract(11, "2026-03-01", "2026-04-01", term_months=1)], "2026-06-01")
    assert (spans, due) == ([("2026-03-01", None)], {})


def test_under_events_lines_end_at_the_churn_event_and_later_ones_count():
    lines = [line(1, "2025-01-01", None), line(2, "2025-06-10", None), line(3, "2025-01-01", None, account_id=2)]
    events = [
        {"churn_event_id": 1, "account_id": 1, "effective_on": D("2025-05-05")},
        {"churn_event_id": 2, "account_id": 2, "effective_on": D("2025-05-05"), "is_reactivation": True},
    ]
    _, _, found = taken(lines, [], "2025-12-31", events)
    assert [None if e == FAR else date_of(int(e)).isoformat() for e in found.end_by_event] == ["2025-05-05", None, None]
    assert [int(e) for e in found.end] == [FAR, FAR, FAR]
