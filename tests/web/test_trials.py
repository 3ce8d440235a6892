"""Figures that a hand can check, from the file to the page: CARR with what is signed and not live, NRR without price."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.importing import begin_import, run_import
from laer.web.people.models import User
from laer.web.runs import passes, revenue
from tests.web.sheets import listed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TODAY = date(2026, 6, 15)
LINES = ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr", "seats"]
CONTRACTS = ["contract_id", "account_id", "contract_start", "contract_end", "signed_on", "renewed_contract_id"]


@pytest.fixture(autouse=True)
def that_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    monkeypatch.setattr(timezone, "localdate", lambda *_, **__: TODAY)


def computed(folder: Path, lines: list[list[Any]], contracts: list[list[Any]] | None = None) -> passes.PassRun:
    folder.mkdir()
    listed(folder / "lines.csv", lines, LINES)
    if contracts:
        listed(folder / "contracts.csv", contracts, CONTRACTS)
    run_import(begin_import([("files", folder)], source="crm", file_date=date(2025, 1, 1)))
    return passes.start_pass()


def figures(**asked: str) -> dict[str, dict[str, Any]]:
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    return {f["label"]: f for f in client.get("/revenue/", asked).context["figures"]}


def test_a_line_that_begins_later_is_committed_and_no_arr(tmp_path: Path) -> None:
    """Alder pays 100 and has 50 more from August: ARR 1,200, CARR 12 x 150 = 1,800."""
    run = computed(tmp_path / "files", [["S1", "Alder", "", "2025-01-01", "", 100, ""], ["S2", "Alder", "", "2026-08-01", "", 50, ""]])
    assert revenue.committed(run, Scope(True)) == {"coming": 50, "leaving": 0}
    said = figures()["ARR"]
    assert (said["value"], said["hint"]) == ("$1.2k", "committed (CARR): $1.8k, +$600 signed, not live")


def test_an_early_renewal_that_lies_ahead_commits_only_what_it_adds(tmp_path: Path) -> None:
    """Alder's year at 100 runs until December; from August the next one, signed, takes its place at 130: 12 x 130 = 1,560."""
    contracts = [["K1", "Alder", "2026-01-01", "2027-01-01", "2025-12-01", ""], ["K2", "Alder", "2026-08-01", "2027-08-01", "2026-06-01", "K1"]]
    lines = [["S1", "Alder", "K1", "2026-01-01", "2027-01-01", 100, ""], ["S2", "Alder", "K2", "2026-08-01", "2027-08-01", 130, ""]]
    run = computed(tmp_path / "files", lines, contracts)
    assert revenue.committed(run, Scope(True)) == {"coming": 30, "leaving": 0}
    assert figures()["ARR"]["hint"].startswith("committed (CARR): $1.6k, +$360 signed")


def test_nrr_without_price_leaves_out_what_a_higher_price_brought(tmp_path: Path) -> None:
    """A year ago 100 + 100 + 100. Alder's ten seats cost 110 now, Birch has fifteen at the old price, Cedar left: NRR (110 + 150) / 300 = 86.7 %, without
    price (100 + 150) / 300 = 83.3 %."""
    lines = [
        ["S1", "Alder", "", "2025-01-01", "2026-02-01", 100, 10], ["S1", "Alder", "", "2026-02-01", "", 110, 10],
        ["S2", "Birch", "", "2025-01-01", "2026-03-01", 100, 10], ["S2", "Birch", "", "2026-03-01", "", 150, 15],
        ["S3", "Cedar", "", "2025-01-01", "2026-01-01", 100, 10],
    ]  # fmt: skip
    computed(tmp_path / "files", lines)
    nrr = figures(by="cause", month="2026-05")["NRR, 12 months"]
    assert (nrr["value"], nrr["hint"]) == ("86.7%", "83.3% without price changes")
