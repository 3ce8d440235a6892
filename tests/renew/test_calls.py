"""The system's call by hand, and that it says nothing where nothing is known."""

from __future__ import annotations

from typing import Any

import pytest

from laer.renew.calls import system_call, worst

DAY = 20_000


@pytest.mark.parametrize(
    ("facts", "more", "category", "because"),
    [
        ({}, {}, None, "nothing"),
        ({"leaves": True, "pulse": "green"}, {}, "lost", "notice"),
        ({"pulse": "green"}, {"ends": True}, "lost", "notice"),
        ({"renewal_likelihood": 0.99}, {"over": True}, "at_risk", "over"),
        ({"renewal_likelihood": 0.93, "pulse": "red"}, {}, "commit", "likelihood"),
        ({"renewal_likelihood": 0.7}, {}, "likely", "likelihood"),
        ({"renewal_likelihood": 0.1}, {}, "at_risk", "likelihood"),
        ({"pulse": "red", "active_days_28d": 20}, {}, "at_risk", "pulse_red"),
        ({"silence": 3.0, "pulse": "green"}, {}, "at_risk", "silent"),
        ({"silence": 2.9, "pulse": "green"}, {}, "likely", "pulse_green"),
        ({"active_days_28d": 0.0}, {}, "at_risk", "silent"),
        ({"escalations_90d": 1, "active_days_28d": 5}, {}, "at_risk", "escalated"),
        ({"renews_by_itself": True, "notice_on": DAY - 1}, {}, "commit", "by_itself"),
        ({"renews_by_itself": True, "notice_on": DAY}, {}, None, "nothing"),  # notice can still be given
        ({"renews_by_itself": True, "notice_on": DAY - 1, "silence": 9.0}, {}, "at_risk", "silent"),
        ({"active_days_28d": 4.0}, {}, "likely", "in_use"),
    ],
)
def test_the_first_rule_that_holds_decides(facts: dict[str, Any], more: dict[str, bool], category: str | None, because: str) -> None:
    said = system_call(facts, DAY, **more)
    assert (said.category, said.because) == (category, because)


def test_of_several_contracts_of_a_day_the_worst_call_stands_and_one_without_leaves_it_open() -> None:
    assert worst(["commit", "at_risk", "likely"]) == "at_risk"
    assert worst(["commit", None]) is None
    assert worst([]) is None
