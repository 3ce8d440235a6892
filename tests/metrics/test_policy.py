"""The ledger's policy as data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from laer.metrics import policy as policies
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


def own(folder: Path, text: str, name: str = "ours") -> str:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(policies, "OWN", [tmp_path])
    load_policy.cache_clear()
    yield tmp_path
    load_policy.cache_clear()


OURS = "id: ours\nbased_on: board\nversion: 3\ntitle: Our rules\ndescription: A longer grace.\n"


def test_a_firms_own_policy_changes_what_it_says_and_takes_the_rest_over(folder: Path) -> None:
    ours = load_policy(own(folder, OURS + "grace_days: 45\nchurn_basis: events\nrules:\n  9: {name: gap days, text: Ours.}\n"))
    assert (ours.id, ours.version, ours.grace_days, ours.churn_basis) == ("ours", 3, 45, "events")
    assert (ours.movements, ours.windows, ours.past_due_days) == ("net", (12,), 30)  # the board's
    assert (ours.rules[9]["text"], ours.rules[1]) == ("Ours.", load_policy("default").rules[1])
    assert policies.policy_names() == ["default", "board", "chartmogul", "ours", "stripe"]


def test_a_number_that_changes_is_noticed_though_the_version_stays(folder: Path) -> None:
    own(folder, OURS + "grace_days: 45\n")
    before = load_policy("ours").mark
    load_policy.cache_clear()
    assert load_policy("ours").mark == before
    own(folder, OURS + "grace_days: 46\n")
    load_policy.cache_clear()
    assert load_policy("ours").mark != before


@pytest.mark.parametrize(("text", "said"), [
    (OURS + "grace_days: -3\n", "grace_days: Input should be greater than or equal to 0"),
    (OURS + "grace: 45\n", "grace: Extra inputs are not permitted"),
    (OURS.replace("ours", "theirs"), "found the id 'theirs', expected that of its file, 'ours'"),
    (OURS.replace("board", "ours"), "based_on: found 'ours', expected one of board, chartmogul, default, stripe"),
    (OURS + "rules: [a]\n", "is no policy"),
    ("id: [", "is no policy"),
    ("", "found no settings"),
    ("id: ours\nversion: 1\n", "Field required"),
])  # fmt: skip
def test_what_is_wrong_with_a_firms_own_policy_is_said_with_its_file(folder: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        load_policy(own(folder, text))
    assert "ours.yaml" in str(error.value)


def test_a_shipped_name_is_taken(folder: Path) -> None:
    own(folder, OURS.replace("ours", "stripe"), "stripe")
    with pytest.raises(ValueError, match="laer has a policy 'stripe'; give yours a name of its own"):
        load_policy("stripe")
