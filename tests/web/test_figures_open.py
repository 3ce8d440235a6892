"""Every figure opens: to its definition with the rule of the policy, and to rows whose sum it is. Retention beside that of a year before."""

from __future__ import annotations

import csv
import html
import io
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from laer.web.people.models import User
from laer.web.runs import passes
from laer.web.runs import revenue as months
from tests.web.test_close import take_in
from tests.web.test_revenue_page import files, login

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
__all__ = ["files"]
THEN = "2026-03"  # a year after the first months of the data: NRR compares accounts that changed with what they paid


def complete(meaning: dict[str, Any]) -> bool:
    return bool(meaning["title"] and meaning["text"] and meaning["method"] and meaning["policy"] and meaning["rule"]["text"])


def methods() -> set[str]:
    return {path.stem for path in (Path(__file__).parents[2] / "docs" / "methods").glob("*.md")}


def test_every_figure_says_what_it_is_and_opens_to_rows(files: Path) -> None:
    lead = login("lead")
    for address in (f"/revenue/?month={THEN}", "/renewals/"):
        page = lead.get(address)
        assert page.context["figures"]
        for figure in page.context["figures"]:
            assert complete(figure["meaning"]), figure["label"]
            assert figure["meaning"]["method"] in methods()
            assert figure["meaning"]["rule"]["text"] in html.unescape(page.content.decode())
            assert lead.get(figure["url"] if figure["url"].startswith("/") else address + figure["url"]).status_code == 200
    totals = lead.get("/accounts/").context["totals"]
    assert all(map(complete, totals["meanings"]))
    row = lead.get(f"/revenue/behind/?movement=closing&month={THEN}").context["rows"][0]
    said = [f for f in lead.get(row["account_url"]).context["header_figures"] if "meaning" in f]
    assert [f["label"] for f in said] == ["MRR", "ARR", "Contract ends", "Seats", "Open tickets", "Customer since"]
    assert all(f["meaning"]["title"] and f["meaning"]["text"] and f["url"] for f in said)
    assert all(complete(f["meaning"]) for f in said if f["label"] != "Open tickets"), "tickets stand under no rule of the policy"


def behind(lead: Client, movement: str) -> Any:
    return lead.get("/revenue/behind/", {"movement": movement, "month": THEN}).context


def test_retention_opens_to_accounts_whose_sums_make_the_rate(files: Path) -> None:
    lead = login("lead")
    run = passes.latest_run()
    assert run is not None
    from laer.cycle.scope import Scope

    month = months.ledger_of(run, Scope(True)).months(12 * 56 + 2, 12 * 56 + 2)[0]  # months since 1970
    for name in ("nrr", "grr"):
        rows = months.behind(run, Scope(True), {"movement": name, "last": month.month, "movements": "event", "by": None, "value": None, "cohort": None})
        before, counts = (sum((r[k] for r in rows), Fraction(0)) for k in ("before", "amount"))
        assert before > 0
        assert counts / before == month[f"{name}_12m"]
        page = behind(lead, name)
        assert len(page["rows"]) == len(rows)
        figure = next(f for f in lead.get(f"/revenue/?month={THEN}").context["figures"] if f["key"] == name)
        assert page["figures"][-1]["value"] == figure["value"]
    assert all(r["amount"] <= r["before"] for r in behind(lead, "grr")["rows"])


def test_who_left_and_returned_and_who_started_and_stopped_is_said(tmp_path: Path) -> None:
    """Alder pays 40, nothing from June to July, then 45; Birch pays 60 all the while; Cedar comes and goes within October."""
    take_in(tmp_path, "accounts.csv", "account_id,account_name\nA-1,Alder\nA-2,Birch\nA-3,Cedar\n")
    take_in(tmp_path, "lines.csv", (
        "subscription_id,account_id,start_date,end_date,mrr,currency,status\nS-1,A-1,2025-01-01,2025-06-01,40,USD,active\n"
        "S-2,A-1,2025-08-01,,45,USD,active\nS-3,A-2,2025-01-01,,60,USD,active\nS-4,A-3,2025-10-05,2025-10-20,9,USD,active\n"
    ))  # fmt: skip
    lead = Client()
    lead.force_login(User.objects.create_user("lead@laer.example", None, role="lead"), backend="allauth.account.auth_backends.AuthenticationBackend")
    page = lead.get("/revenue/behind/", {"movement": "nrr", "month": "2026-03"}).context
    assert {row["account_name"]: row["movement"] for row in page["rows"]} == {"Birch": "paying", "Alder": "left and returned"}
    assert [(f["label"], f["value"]) for f in page["figures"]][-2:] == [("Left and returned", "1"), ("NRR, 12 months", "105.0%")]  # 105 of 100
    later = lead.get("/revenue/behind/", {"movement": "grr", "month": "2026-08"}).context  # a window that opens when Alder was back
    assert [row["movement"] for row in later["rows"]] == ["paying", "paying"]
    new = lead.get("/revenue/behind/", {"movement": "new", "month": "2025-10"}).context
    assert [(row["account_name"], row["movement"]) for row in new["rows"]] == [("Cedar", "started and stopped")]
    assert {"label": "Started and stopped", "value": "1"} in new["figures"]


def test_arr_opens_to_twelve_times_what_the_accounts_pay(files: Path) -> None:
    lead = login("lead")
    arr, mrr = behind(lead, "arr"), behind(lead, "closing")
    assert [r["account_name"] for r in arr["rows"]] == [r["account_name"] for r in mrr["rows"]]
    figure = next(f for f in lead.get(f"/revenue/?month={THEN}").context["figures"] if f["key"] == "arr")
    assert arr["figures"][0]["title"] == figure["title"]


def test_the_year_before_is_a_line_a_column_and_in_the_file(files: Path) -> None:
    lead = login("lead")
    today = timezone.localdate()
    assert today >= date(2026, 11, 1)
    alone, beside = lead.get("/revenue/"), lead.get("/revenue/?compare=year")
    assert len(alone.context["retention"]["data"]["series"]) == 2
    series = beside.context["retention"]["data"]["series"]
    assert len({one["dash"] for one in series}) == len(series) == 4, "each line differs by its dash, not by colour alone"
    rows = {row["month"]: row for row in beside.context["retention"]["rows"]}
    assert rows[date(2026, 1, 1)]["nrr_12m_before"] is None, "unknown, and not 0"
    late = max(rows)
    assert rows[late]["nrr_12m_before"] == (rows[late.replace(year=late.year - 1)]["nrr_12m"] if late.replace(year=late.year - 1) in rows else None)
    text = beside.content.decode()
    assert "NRR a year before" in text
    assert "NRR a year before" not in alone.content.decode()
    found = {row["month"]: row for row in csv.DictReader(io.StringIO(lead.get(beside.context["download_url"]).content.decode()))}
    for month, row in found.items():
        before = found.get(f"{int(month[:4]) - 1}{month[4:]}")
        assert row["nrr_12m_year_before"] == (before["nrr_12m"] if before else "")
    assert "nrr_12m_year_before" not in lead.get(alone.context["download_url"]).content.decode()
