"""The ledger's policy as data."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from laer.metrics.policy import CONTENT, Policy, load_policy


def test_the_default_policy_says_what_rule_19_says():
    policy = load_policy()
    assert (policy.id, policy.movements, policy.gap_days, policy.end, policy.open_after_year, policy.windows) == ("default", "event", 0, "exclusive", 2100, (1, 3, 12))
    assert policy.status.zero >= {"trial", "trialing", "incomplete", "unpaid", "draft"}
    assert policy.status.counts == {"active", "live", "past due", "paused"}
    assert policy.status.needs_end == {"cancelled", "canceled", "expired", "ended", "churned"}


def test_no_status_word_stands_in_two_places():
    words = load_policy().status
    assert len(words.known) == len(words.counts) + len(words.zero) + len(words.needs_end)


@pytest.mark.parametrize("name", sorted(p.stem for p in CONTENT.glob("*.yaml")))
def test_every_shipped_policy_loads_names_its_rules_and_can_be_named(name):
    policy = load_policy(name)
    assert policy.id == name
    assert {*range(1, 9), 9, 11, 12, 13, 14, 15, 16, 19, 21} <= set(policy.rules)
    assert all(rule.keys() == {"name", "text"} for rule in policy.rules.values())


def test_an_unknown_policy_is_refused_with_what_exists():
    with pytest.raises(ValueError, match="no policy 'baremetrics'; there are: default, board, chartmogul, stripe"):
        load_policy("baremetrics")
    with pytest.raises(ValueError, match="no policy"):
        load_policy("../policies/default")


def test_an_option_changes_one_rule_and_leaves_the_shipped_policy_alone():
    policy = load_policy()
    changed = policy.changed(movements="net", gap_days=None, end="inclusive")
    assert (changed.movements, changed.gap_days, changed.end) == ("net", 0, "inclusive")
    assert (policy.movements, policy.end) == ("event", "exclusive")
    assert changed.status == policy.status


@pytest.mark.parametrize("wrong", [{"movements": "daily"}, {"gap_days": -1}, {"end": "open"}, {"rounding": "half-up"}, {"colour": "red"}])
def test_a_rule_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ValidationError):
        load_policy().changed(**wrong)
    with pytest.raises(ValidationError):
        Policy.model_validate(load_policy().model_dump() | wrong)
