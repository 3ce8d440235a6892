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


# -- who follows whom ---------------------------------------------------------------------------------------------------


def states(due: dict[int, dict[str, Any]]) -> dict[int, str]:
    return {number: row["state"] for number, row in due.items()}


def test_a_contract_that_runs_beside_another_is_not_its_renewal():
    lines = [line(1, "2025-01-01", "2026-01-01", **OLD), line(2, "2025-06-01", "2026-06-01", **NEW)]
    spans, due, _ = taken(lines, [contract(11, "2025-01-01", "2026-01-01"), contract(12, "2025-06-01", "2026-06-01")], "2025-09-01")
    assert spans == [("2025-01-01", "2026-01-01"), ("2025-06-01", "2026-06-01")]
    assert states(due) == {11: "due", 12: "due"}


def test_two_contracts_of_the_same_days_both_count():
    lines = [line(1, "2025-01-01", "2026-01-01", **OLD), line(2, "2025-01-01", "2026-01-01", **NEW)]
    spans, _, _ = taken(lines, [contract(11, "2025-01-01", "2026-01-01"), contract(12, "2025-01-01", "2026-01-01")], "2025-09-01")
    assert spans == [("2025-01-01", "2026-01-01")] * 2


def test_a_contract_far_later_does_not_end_one_that_rolls_on():
    lines = [line(1, "2023-01-01", "2024-01-01", **OLD), line(2, "2026-03-10", "2027-03-10", **NEW)]
    rolling = contract(11, "2023-01-01", "2024-01-01", auto_renews=True)
    spans, due, _ = taken(lines, [rolling, contract(12, "2026-03-10", "2027-03-10")], "2026-06-01")
    assert spans == [("2023-01-01", None), ("2026-03-10", "2027-03-10")]
    assert (due[11]["state"], due[11]["due_on"]) == ("rolls on", D("2027-01-01"))


def test_on_a_turning_day_the_next_contract_takes_the_place_of_one_that_rolled_on():
    lines = [line(1, "2023-01-01", "2024-01-01", **OLD), line(2, "2026-01-01", "2027-01-01", **NEW)]
    rolling = contract(11, "2023-01-01", "2024-01-01", auto_renews=True)
    spans, due, _ = taken(lines, [rolling, contract(12, "2026-01-01", "2027-01-01")], "2026-06-01")
    assert spans == [("2023-01-01", "2026-01-01"), ("2026-01-01", "2027-01-01")]
    assert due[11]["state"] == "renewed"


def test_contracts_for_different_products_do_not_follow_one_another():
    lines = [line(1, "2025-01-01", "2026-01-01", product_id=1, **OLD), line(2, "2026-01-01", "2027-01-01", product_id=2, **NEW)]
    spans, due, _ = taken(lines, [contract(11, "2025-01-01", "2026-01-01"), contract(12, "2026-01-01", "2027-01-01")], "2026-01-10")
    assert (spans[0], due[11]["state"]) == (("2025-01-01", None), "pending")


def test_one_contract_may_renew_two():
    lines = [line(1, "2025-01-01", "2026-01-01", **OLD), line(2, "2025-02-01", "2026-01-01", **NEW), line(3, "2026-01-01", "2027-01-01", contract_id=13)]
    contracts = [contract(11, "2025-01-01", "2026-01-01"), contract(12, "2025-02-01", "2026-01-01"), contract(13, "2026-01-01", "2027-01-01")]
    spans, due, _ = taken(lines, contracts, "2026-03-01")
    assert [end for _, end in spans] == ["2026-01-01", "2026-01-01", "2027-01-01"]
    assert states(due) == {11: "renewed", 12: "renewed", 13: "due"}


def test_what_renews_another_contract_in_time_brings_no_third_one_back():
    """A ended long ago; C goes on where B ended: A is not "back" with C, and C's line is not moved to its signature."""
    lines = [line(1, "2023-01-01", "2024-01-01", **OLD), line(2, "2024-06-01", "2025-06-01", **NEW), line(3, "2025-06-01", "2026-06-01", contract_id=13)]
    contracts = [contract(11, "2023-01-01", "2024-01-01", auto_renews=False), contract(12, "2024-06-01", "2025-06-01", auto_renews=False),
                 contract(13, "2025-06-01", "2026-06-01", signed_on=D("2025-06-20"))]  # fmt: skip
    spans, due, _ = taken(lines, contracts, "2025-09-01")
    assert spans == [("2023-01-01", "2024-01-01"), ("2024-06-01", "2025-06-01"), ("2025-06-01", "2026-06-01")]
    assert states(due) == {11: "came back", 12: "renewed late", 13: "due"}


def test_a_date_alone_is_never_taken_for_the_renewal_of_a_dated_contract():
    lines = [line(1, "2025-01-01", "2026-01-01", **OLD)]
    spans, due, _ = taken(lines, [contract(11, "2025-01-01", "2026-01-01"), contract(12, None, "2026-12-31")], "2026-01-10")
    assert (spans, due[11]["state"]) == ([("2025-01-01", None)], "pending")


def test_a_date_that_is_stated_again_later_has_moved_on_and_the_end_of_a_known_contract_is_not_due_twice():
    _, due, _ = taken([line(1, "2025-01-01", None)], [contract(11, None, "2026-01-01"), contract(12, None, "2027-01-01")], "2026-06-01")
    assert states(due) == {11: "renewed", 12: "due"}
    _, due, _ = taken([line(1, "2025-01-01", "2026-01-01", **OLD)], [contract(11, "2025-01-01", "2026-01-01"), contract(12, None, "2025-12-31")], "2025-06-01")
    assert states(due) == {11: "due"}


def test_month_to_month_contracts_follow_one_another_and_an_unrelated_one_does_not_end_them():
    lines = [line(1, "2026-01-01", "2026-02-01", **OLD), line(2, "2026-02-01", "2026-03-01", **NEW), line(3, "2026-04-01", "2027-04-01", contract_id=13)]
    contracts = [contract(11, "2026-01-01", "2026-02-01", term_months=1), contract(12, "2026-02-01", "2026-03-01", term_months=1),
                 contract(13, "2026-04-01", "2027-04-01")]  # fmt: skip
    assert taken(lines, contracts, "2026-06-01")[0] == [("2026-01-01", "2026-02-01"), ("2026-02-01", None), ("2026-04-01", "2027-04-01")]
    same = [one | {"product_id": 7} for one in lines]
    assert taken(same, contracts, "2026-06-01")[0] == [("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-04-01"), ("2026-04-01", "2027-04-01")]


def test_notice_of_a_month_to_month_contract_ends_the_month_in_which_it_was_given():
    monthly = contract(11, "2024-01-01", "2024-02-01", term_months=1, cancelled_on=D("2026-01-15"))
    assert taken([line(1, "2024-01-01", "2024-02-01", **OLD)], [monthly], "2026-06-01")[0] == [("2024-01-01", "2026-02-01")]


@pytest.mark.parametrize("odd", [{"cancelled_on": D("9999-12-31")}, {"term_months": 0}, {"term_months": -3}, {"term_months": 100_000}])
def test_odd_terms_end_nothing_and_break_nothing(odd: dict[str, Any]):
    spans, _, _ = taken([line(1, "2024-01-01", "2025-01-01", **OLD)], [contract(11, "2024-01-01", "2025-01-01", auto_renews=True, **odd)], "2026-06-01")
    assert spans == [("2024-01-01", None)]


def test_lines_go_on_under_a_renewal_that_nobody_gave_lines_to():
    contracts = [contract(11, "2024-01-01", "2025-01-01"), contract(12, "2025-01-01", "2026-01-01"), contract(13, "2026-01-01", "2027-01-01", auto_renews=False)]
    assert taken([line(1, "2024-01-01", None, **OLD)], contracts, "2026-06-01")[0] == [("2024-01-01", None)]
    assert taken([line(1, "2024-01-01", "2025-01-01", **OLD)], contracts, "2026-06-01")[0] == [("2024-01-01", "2027-01-01")]
    assert taken([line(1, "2024-01-01", "2025-01-01", **OLD)], contracts, "2027-06-01")[0] == [("2024-01-01", "2027-01-01")]


def test_a_line_whose_end_moves_on_stops_where_its_successor_begins():
    """The source goes on under the same contract, whose end it never moved."""
    lines = [line(1, "2025-01-01", "2026-01-01", product_id=1, **OLD), line(2, "2026-01-01", "2027-01-01", product_id=1, **OLD)]
    assert taken(lines, [contract(11, "2025-01-01", "2026-01-01")], "2026-01-15")[0] == [("2025-01-01", "2026-01-01"), ("2026-01-01", "2027-01-01")]
    rolling = contract(11, "2024-01-01", "2025-01-01", auto_renews=True)
    of_one = [line(1, "2024-01-01", "2025-01-01", **OLD), line(2, "2025-06-01", None, subscription_id=1, cuts=True)]
    assert taken(of_one, [rolling], "2026-01-15")[0] == [("2024-01-01", "2025-06-01"), ("2025-06-01", None)]


# -- items of one subscription --------------------------------------------------------------------------------------------


def test_items_of_one_subscription_stand_apart_and_a_discount_ends_nothing():
    of_one = {"subscription_id": 1, "cuts": True}
    items = [line(1, "2025-01-01", None, plan="Base", **of_one), line(2, "2025-01-01", None, plan="Seats", **of_one)]
    discount = line(3, "2025-01-01", None, mrr_num=-10, **of_one)
    assert taken([*items, discount], [], "2025-09-01")[0] == [("2025-01-01", None)] * 3
    raised = line(4, "2025-07-01", None, plan="Seats", **of_one)
    assert taken([*items, discount, raised], [], "2025-09-01")[0] == [
        ("2025-01-01", None), ("2025-01-01", "2025-07-01"), ("2025-01-01", None), ("2025-07-01", None)
    ]  # fmt: skip


def test_another_plan_takes_the_place_of_the_only_one():
    of_one = {"subscription_id": 1, "cuts": True}
    lines = [line(1, "2025-01-01", None, plan="Basic", **of_one), line(2, "2025-07-01", None, plan="Pro", **of_one)]
    assert taken(lines, [], "2025-09-01")[0] == [("2025-01-01", "2025-07-01"), ("2025-07-01", None)]


# -- books as they are --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("never", [{"status": "Cancelled"}, {"status": "Draft"}, {"cancelled_on": D("2024-12-01")}])
@pytest.mark.parametrize("link", [{}, {"renews_id": 11}])
def test_a_renewal_that_never_came_to_be_renews_nothing(never: dict[str, Any], link: dict[str, Any]):
    contracts = [contract(11, "2024-01-01", "2025-01-01"), contract(12, "2025-01-01", "2026-01-01", **never, **link)]
    _, due, _ = taken([line(1, "2024-01-01", "2025-01-01", **OLD)], contracts, "2025-06-01")
    assert due[11]["state"] == "unresolved"


@pytest.mark.parametrize("auto", [True, None])
def test_under_one_contract_the_next_terms_line_takes_over_whatever_its_subscription(auto: bool | None):
    """Billing gives each term a subscription id of its own."""
    lines = [line(1, "2024-01-01", "2025-01-01", **OLD), line(2, "2025-01-01", "2026-01-01", **OLD)]
    spans, _, _ = taken(lines, [contract(11, "2024-01-01", "2025-01-01", auto_renews=auto)], "2025-06-01")
    assert spans == [("2024-01-01", "2025-01-01"), ("2025-01-01", None if auto else "2026-01-01")]
    beside = [lines[0], line(2, "2024-06-01", None, **OLD)]
    assert taken(beside, [contract(11, "2024-01-01", "2025-01-01", auto_renews=auto)], "2025-06-01")[0] == [("2024-01-01", None), ("2024-06-01", None)]


def test_neither_a_credit_nor_a_free_plan_goes_on_for_a_contract():
    for mrr in (-50, 0):
        lines = [line(1, "2024-01-01", "2025-01-01", **OLD), line(2, "2025-01-10", None, mrr_num=mrr)]
        spans, due, _ = taken(lines, [contract(11, "2024-01-01", "2025-01-01")], "2025-01-20")
        assert (spans[0][1], due[11]["state"]) == (None, "pending")


def test_a_discount_of_the_first_term_ends_with_the_lines_that_it_stood_beside():
    of_one = {"subscription_id": 1, "cuts": True, "product_id": 7}
    lines = [line(1, "2024-01-01", "2025-01-01", **of_one, **OLD), line(2, "2024-01-01", "2025-01-01", mrr_num=-20, **of_one, **OLD),
             line(3, "2025-01-01", "2026-01-01", **of_one, **OLD)]  # fmt: skip
    spans, _, _ = taken(lines, [contract(11, "2024-01-01", "2025-01-01", auto_renews=True)], "2025-06-01")
    assert [end for _, end in spans[:2]] == ["2025-01-01", "2025-01-01"]


def test_many_lines_of_one_rolling_contract_are_no_trouble():
    lines = [line(n, "2024-01-01", "2025-01-01", subscription_id=1, plan=f"Item {n}", cuts=True, **OLD) for n in range(1, 4_001)]
    spans, _, _ = taken(lines, [contract(11, "2024-01-01", "2025-01-01", auto_renews=True)], "2025-06-01")
    assert set(spans) == {("2024-01-01", None)}
