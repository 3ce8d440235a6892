"""A file of lines that says discounts, pauses, trials and status words, from the import to the figures of the Revenue page."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from typer.testing import CliRunner

from laer.cli import app
from laer.metrics.policy import load_policy
from laer.web.book import importing
from laer.web.book.models import Pause, SubscriptionLine
from laer.web.book.prepare import prepare
from laer.web.people.models import User
from laer.web.runs import passes
from laer.web.runs.passes import start_pass
from laer.web.runs.snapshots import read
from tests.web.files import ACCOUNTS, write
from tests.web.test_stories import months, own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
LINES = """subscription_id,account_id,start_date,mrr,list_mrr,discount_until,discount_duration,status,trial_end,paused_on,resumed_on
S1,A1,2025-01-01,80,100,2025-07-01,repeating,active,,,
S2,A2,2025-01-01,50,,,,trialing,2025-02-10,,
S3,A3,2025-01-01,30,,,,active,,2025-04-01,2025-06-01
"""


def taken(tmp_path: Path, **texts: str) -> None:
    run = importing.run_import(importing.begin_import(write(tmp_path, accounts=ACCOUNTS, **texts), source="billing"))
    assert not run.quarantined.exists(), list(run.quarantined.values_list("reason", flat=True))
    passes.run_waiting_pass()


def test_a_file_of_lines_says_when_discounts_and_trials_end(tmp_path: Path) -> None:
    """Default. January: 80 + 30 = 110 new. February: the trial is paid, 50 new. July: the discount is over, 20 expansion. The pause moves nothing."""
    taken(tmp_path, lines=LINES)
    found = months()
    assert [found[f"2025-{m:02d}"]["closing_mrr"] for m in range(1, 8)] == [110, 160, 160, 160, 160, 160, 180]
    assert (found["2025-01"]["new_mrr"], found["2025-02"]["new_mrr"], found["2025-07"]["expansion_mrr"]) == (110, 50, 20)
    line = SubscriptionLine.objects.get(mrr_num=80)
    assert (line.list_amount, line.discount_until_on, line.discount_duration) == ("100", date(2025, 7, 1), "repeating")


@pytest.mark.parametrize(
    ("policy", "closing"),
    [
        ("stripe", [130, 180]),  # the discount is not forever: list from the first day, and nothing moves after February
        ("chartmogul", [110, 160, 160, 130, 130, 160, 180]),  # 30 rest in April and May
    ],
)
def test_presets_apply_in_the_book(tmp_path: Path, settings: Settings, policy: str, closing: list[int]) -> None:
    settings.POLICY = policy
    taken(tmp_path, lines=LINES)
    found = months()
    assert [found[f"2025-{m:02d}"]["closing_mrr"] for m in range(1, len(closing) + 1)] == closing
    assert {row["closing_mrr"] for month, row in found.items() if month > f"2025-{len(closing):02d}"} == {closing[-1]}
    if policy == "chartmogul":
        assert (found["2025-04"]["churn_mrr"], found["2025-06"]["reactivation_mrr"]) == (30, 30)


CHANGING = """subscription_id,account_id,start_date,end_date,mrr,arr,amount,billing interval,quantity,unit price,list amount,discount percent,discount until,discount duration,status,trial end,paused on,resumed on
S1,A1,2025-01-01,,80,,,,,,100,,2025-04-01,repeating,active,,,
S2,A1,2025-01-01,2025-06-01,,,1200,annual,,,1500,,2025-03-01,,active,,,
S3,A1,2025-02-01,,,960,,,,,,20,2025-05-01,,active,,,
S4,A2,2025-01-01,,,,,,10,12,,25,2025-03-15,once,active,,,
S5,A2,2025-01-01,,50,,,,,,,,,,trialing,2025-02-10,,
S6,A2,2025-01-01,2025-02-10,60,,,,,,,,,,active,2025-02-10,,
S7,A3,2025-01-01,,30,,,,,,,,,,paused,,2025-03-01,2025-05-01
S8,A3,2025-01-01,,40,,,,,,,,,,active,,2025-04-01,
S9,A3,2025-01-01,2025-05-01,70,,,,,,90,,2025-07-01,,active,,,
S10,A3,2025-01-01,,25,,,,,,,10,,forever,active,,,
"""


@pytest.mark.parametrize("policy", ["default", "stripe", "chartmogul", "board"])
def test_one_file_comes_to_the_same_in_the_book_and_on_the_command_line(tmp_path: Path, settings: Settings, policy: str) -> None:
    settings.POLICY = policy
    taken(tmp_path, lines=CHANGING)
    ran = CliRunner().invoke(app, ["revenue", str(tmp_path / "lines.csv"), "--format", "json", "--policy", policy, "--to", "2025-12"])
    assert ran.exit_code == 0, ran.stderr
    mine = {row["month"]: row["closing_mrr"] for row in json.loads(ran.stdout)}
    assert len(set(mine.values())) >= 4
    book = {month: float(row["closing_mrr"]) for month, row in months().items() if month in mine}
    assert {month: round(amount, 2) for month, amount in book.items()} == mine


def test_the_command_line_names_the_cause_where_a_discount_ends(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(LINES)
    ran = CliRunner().invoke(app, ["revenue", str(tmp_path / "lines.csv"), "--format", "json", "--by", "cause"])
    assert [(row["month"], row["expansion_mrr"]) for row in json.loads(ran.stdout) if row["cause"] == "discount" and row["expansion_mrr"]] == [("2025-07", 20)]
    (tmp_path / "lines.csv").write_text(LINES.replace("2025-06-01", "soon"))
    assert "rejected: unreadable date: 1" in CliRunner().invoke(app, ["revenue", str(tmp_path / "lines.csv")]).stderr


def test_a_reconciliation_names_a_line_once_that_is_cut(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(LINES)
    ran = CliRunner().invoke(app, ["revenue", str(tmp_path / "lines.csv"), "--format", "json", "--policy", "default", "--against", "chartmogul"])
    assert {(row["month"], row["line"]) for row in json.loads(ran.stdout) if row["measure"] == "closing_mrr" and row["account"] == "A3"} == {
        ("2025-04", "4"), ("2025-05", "4")
    }  # fmt: skip


def test_pauses_and_discounts_of_their_own_files(tmp_path: Path) -> None:
    """100 a month; a fifth off until March; the pause is open, so the page says what rests."""
    lines = "subscription_id,account_id,start_date,mrr,status\nS1,A1,2025-01-01,100,active\n"
    discounts = "discount_id,account_id,subscription_id,discount_percent,discount_start,discount_end\nD1,A1,S1,20,2025-01-01,2025-03-01\n"
    pauses = "account_id,subscription_id,paused_on,resumed_on\nA1,S1,2025-05-01,\n"
    taken(tmp_path, lines=lines, discounts=discounts, pauses=pauses)
    assert Pause.objects.get().from_on == date(2025, 5, 1)
    found = months()
    assert [found[f"2025-{m:02d}"]["closing_mrr"] for m in (1, 2, 3)] == [80, 80, 100]
    client = Client()
    client.force_login(User.objects.get(email="lead@laer.example"))
    figures = {f["label"]: f["hint"] for f in client.get("/revenue/").context["figures"]}
    assert "100 of it paused" in figures["MRR"]


def test_a_small_pass_keeps_what_rests(tmp_path: Path) -> None:
    taken(tmp_path, lines=LINES.replace("2025-06-01", ""))
    account = SubscriptionLine.objects.get(mrr_num=80).account_id
    run = start_pass(accounts=frozenset({account}))
    lines = read(run.pk)["lines"]
    assert sum(p is not None for p in lines["paused_parts"].to_pylist()) == 1
    assert lines.num_rows == 6  # S1 and S2 in two stretches, S3 in two


ROW = {"account_id": "A1", "subscription_id": "S1", "start_on": date(2025, 1, 1)}


@pytest.mark.parametrize(
    ("said", "monthly", "listed"),
    [
        ({"amount": Decimal(80), "discount_percent": Decimal(20)}, 80, "100.00"),  # an amount is what is paid
        ({"mrr": Decimal("79.99"), "discount_percent": Decimal("0.2")}, Decimal("79.99"), "99.99"),  # 99.9875, in cents
        ({"amount": Decimal(80), "discount_amount": Decimal(20)}, 80, "100.00"),
        ({"quantity": Decimal(10), "unit_price": Decimal(10), "discount_percent": Decimal(25)}, 75, "100"),  # a unit price is before it
        ({"list_amount": Decimal(120), "discount_amount": Decimal(30)}, 90, "120"),
        ({"amount": Decimal(80), "list_amount": Decimal(100), "discount_percent": Decimal(20)}, 80, "100"),
    ],
)
def test_what_a_line_states_beside_its_discount(said: dict[str, Decimal], monthly: Decimal, listed: str) -> None:
    values, reason = prepare("subscription_lines", ROW | said, load_policy())
    assert reason is None
    assert Decimal(values["mrr_num"]) / values["mrr_den"] == monthly
    assert values["list_amount"] == listed


@pytest.mark.parametrize("said", [{"discount_percent": Decimal(120)}, {"discount_percent": Decimal(100)}, {"discount_amount": Decimal(-1)}])
def test_a_discount_that_makes_no_sense_sets_the_line_aside(said: dict[str, Decimal]) -> None:
    assert str(prepare("subscription_lines", ROW | {"mrr": Decimal(5)} | said, load_policy())[1]).startswith("unreadable discount")
