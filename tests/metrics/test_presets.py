"""Presets: each changes single rules by name, and each setting that a policy has does something."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from laer.metrics.lines import Billing, LineText, counted, judge
from laer.metrics.policy import CONTENT, SETTINGS, Policy, load_policy, policy_names
from laer.metrics.statement import Sums, columns, statement

ROOT = Path(__file__).parents[2]
DEFAULT = load_policy()
LINE = LineText("A", date(2024, 1, 1), None, mrr=Decimal(80))
PRESETS = ("stripe", "chartmogul", "board")


def differences(name):
    preset = load_policy(name)
    return {s: getattr(preset, s) for s in SETTINGS if getattr(preset, s) != getattr(DEFAULT, s)}


def test_the_presets_stand_beside_the_default():
    assert policy_names() == ["default", "board", "chartmogul", "stripe"]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("stripe", {"discounts": "forever", "logo_churn": "opening and new"}),
        ("chartmogul", {"pause": "churn"}),
        ("board", {"movements": "net", "windows": (12,), "net_churn": "without reactivation", "past_due_days": 30}),
    ],
)
def test_a_preset_changes_these_rules_and_no_other(name, changed):
    assert differences(name) == changed


@pytest.mark.parametrize("name", PRESETS)
def test_every_rule_that_a_preset_changes_has_its_own_text(name):
    said = yaml.safe_load((CONTENT / f"{name}.yaml").read_text(encoding="utf-8"))
    assert {SETTINGS[s] for s in differences(name)} <= set(said["rules"])
    assert all(load_policy(name).rules[n] == rule for n, rule in said["rules"].items())


def test_every_setting_of_a_policy_is_one_that_a_preset_can_change():
    of_the_book = {"grace_days", "churn_basis"}  # `tests/cycle/test_terms.py` holds theirs
    assert set(SETTINGS) == set(Policy.model_fields) - {"id", "version", "title", "description", "rules"} - of_the_book
    assert set(SETTINGS.values()) <= set(DEFAULT.rules)


@pytest.mark.parametrize("name", policy_names())
def test_the_table_of_rules_by_preset_says_what_the_files_say(name):
    text = (ROOT / "docs" / "methods" / "presets.md").read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("| Setting"))
    place = [cell.strip(" `") for cell in header.split("|")].index(name)
    lines = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    rows = {cells[1].strip(" `"): cells[place].strip() for cells in lines if len(cells) == len(header.split("|"))}
    policy = load_policy(name)
    for setting in SETTINGS:
        if setting != "status":
            assert rows[setting] == shown(getattr(policy, setting)), setting


def shown(value):
    if value is None:
        return "without limit"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# --- each setting does something ----------------------------------------------------------------------------------


def test_open_after_year_is_the_last_year_of_which_an_end_is_an_end():
    early = DEFAULT.changed(open_after_year=2050)
    line = replace(LINE, end=date(2060, 1, 1))
    assert judge(line, DEFAULT)[2] == date(2060, 1, 1)
    assert judge(line, early)[2] is None
    assert judge(replace(line, end=date(2050, 12, 31)), early)[2] == date(2050, 12, 31)


def test_only_a_discount_that_lasts_forever_lowers_mrr_where_the_policy_says_so():
    stripe = load_policy("stripe")
    billing = Billing(list_mrr=Fraction(100))

    def mrr(policy, duration):
        return counted(LINE, replace(billing, duration=duration), Fraction(80), None, policy)

    assert mrr(stripe, "once") == mrr(stripe, "repeating") == (100, None, None)
    assert mrr(stripe, "forever") == (80, None, None)
    assert mrr(stripe, "") == (80, None, "discount_duration")
    assert mrr(DEFAULT, "once") == (80, None, None)
    assert counted(LINE, Billing(duration="once"), Fraction(80), None, stripe) == (80, None, None)  # no list amount, nothing to count


def test_a_paused_line_keeps_its_mrr_or_counts_nothing():
    paused = replace(LINE, status="paused")
    assert counted(paused, Billing(), Fraction(80), None, DEFAULT)[0] == 80
    assert counted(paused, Billing(), Fraction(80), None, load_policy("chartmogul"))[0] == 0
    assert counted(LINE, Billing(), Fraction(80), None, load_policy("chartmogul"))[0] == 80


def test_a_past_due_line_counts_for_so_many_days():
    board, late = load_policy("board"), replace(LINE, status="past due")
    since = Billing(past_due=date(2024, 3, 1))
    assert counted(late, since, Fraction(80), None, board) == (80, date(2024, 3, 31), None)
    assert counted(late, since, Fraction(80), date(2024, 3, 15), board) == (80, date(2024, 3, 15), None)  # it ended before
    assert counted(late, Billing(past_due=date(2023, 1, 1)), Fraction(80), None, board) == (80, LINE.start, None)  # never active
    assert counted(late, Billing(), Fraction(80), None, board) == (80, None, "past_due_since")
    assert counted(late, since, Fraction(80), None, DEFAULT) == (80, None, None)
    assert counted(LINE, since, Fraction(80), None, board) == (80, None, None)  # paid since


def month(policy):
    """100 at the opening of 10 accounts; 2 of them lost with 20, 5 new with 50, 10 won back, 5 expansion."""
    moves = {"new": 50, "reactivation": 10, "expansion": 5, "contraction": 0, "churn": 20, "lost": 2, "new_accounts": 5}
    sums = Sums({0: {"change": 100, "paying": 10, "new": 100}, 1: {"change": 45, "paying": 4} | moves})
    return statement(sums, 1, 1, 1, (), rates=policy.rates)[0]


def test_logo_churn_divides_by_the_opening_or_by_the_new_ones_too():
    assert month(DEFAULT)["logo_churn_rate"] == Fraction(2, 10)
    assert month(load_policy("stripe"))["logo_churn_rate"] == Fraction(2, 15)


def test_net_churn_is_offset_by_returns_or_not():
    assert month(DEFAULT)["net_mrr_churn_rate"] == Fraction(20 - 5 - 10, 100)
    assert month(load_policy("board"))["net_mrr_churn_rate"] == Fraction(20 - 5, 100)
    assert month(load_policy("board"))["quick_ratio"] == month(DEFAULT)["quick_ratio"]


def test_windows_are_the_columns_of_retention():
    assert [c for c in columns(load_policy("board").windows) if c.startswith(("nrr", "grr"))] == ["nrr_12m", "grr_12m"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"discounts": "some"},
        {"pause": "contraction"},
        {"past_due_days": -1},
        {"logo_churn": "all"},
        {"net_churn": "no"},
        {"open_after_year": 12},
        {"windows": ()},
    ],
)
def test_a_choice_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DEFAULT.changed(**wrong)
