"""Booked against live on the Revenue page: it ties, every step opens to accounts whose sum is the step, and nobody sees another's."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from laer.records.periods import month_of
from laer.web.book.importing import begin_import, run_import
from laer.web.runs import closing, passes
from laer.web.runs.models import ReportedBridge
from tests.standing import stands
from tests.web.test_revenue_page import ACCOUNTS, LINES, login

pytestmark = pytest.mark.django_db(transaction=True)

DEALS = """Opportunity ID,Opportunity Name,Account ID,Type,Stage,ARR,Amount,Close Date,Start Date,Opportunity Owner
O-1,Alder starts,A-1,New Business,Closed Won,1200,,2025-01-02,2025-01-15,Ines
O-2,Alder grows,A-1,Upsell,Closed Won,1500,,2025-08-20,2025-09-01,Ines
O-3,Cedar,A-3,New Business,Closed Won,3600,,2025-01-20,2025-02-01,Brett
O-4,Dogwood ships,A-4,New Business,Closed Won,,5000,2025-09-10,,Brett
O-5,=Birch renews,A-2,Renewal,Closed Won,600,,2025-09-12,,Brett
O-6,Birch waits,A-2,Upsell,Prospecting,900,,2026-01-12,,Brett
O-7,Birch lost,A-2,Upsell,Closed Lost,900,,2025-09-12,,Brett
"""
CONTRACTS = "contract_id,account_id,signed_on,start_date,end_date\nC-1,A-3,2025-01-20,2025-02-01,2026-02-01\n"


def book(folder: Path, **texts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in {"accounts": ACCOUNTS, "subscriptions": LINES, **texts}.items():
        (folder / f"{name}.csv").write_text(text)
    run_import(begin_import([("files", folder)], source="files", file_date=date(2025, 12, 1)))
    passes.run_waiting_pass()


@pytest.fixture
@stands
def sold(tmp_path: Path) -> None:
    book(tmp_path / "files", opportunities=DEALS)


def section(client: Client, **asked: str) -> Any:
    return client.get("/revenue/", asked).context["booked"]


def steps(shown: Any) -> dict[str, Decimal]:
    signs = {"up": 1, "down": -1, "total": 1}
    return {row["label"]: row["value"] * signs[row["kind"]] for row in shown["rows"] if row["accounts"]}


def test_a_month_ties_from_booked_to_live(sold: None) -> None:
    client = login("lead")
    january = section(client, month="2025-01")
    assert january["basis"] == "opportunities"
    # Alder went live as sold, Cedar begins in February; Birch (50 a month) nobody recorded
    assert steps(january) == {"Booked ARR": 4800, "Signed and not started": -3600, "Live, never sold by record": 600, "Live new ARR": 1800}
    september = section(client, month="2025-09")
    # Alder was sold 1,500 more in August, and from 1,200.00 to 2,400.01 it grew by 1,200.01; Dogwood has no line since June
    assert steps(september) == {
        "Booked ARR": 5000, "Signed before, starts now": 1500, "Sold, nothing billed": -5000, "Smaller than sold": Decimal("-299.99"), "Live new ARR": Decimal("1200.01"),
    }  # fmt: skip
    assert september["aside"] == ["1 renewal brought nothing new and is not booked", "1 with an amount and no term: it counts as a year's"]
    assert (september["ties"], january["ties"]) == (True, True)


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_live_is_the_waterfalls_and_every_step_opens_to_accounts_whose_sum_is_the_step(sold: None, period: str) -> None:
    client = login("lead")
    for month in ("2025-01", "2025-02", "2025-05", "2025-07", "2025-08", "2025-09"):
        page = client.get("/revenue/", {"month": month, "period": period})
        shown, up = page.context["booked"], {r["label"]: r["value"] for r in page.context["waterfall"]["rows"]}
        assert shown["ties"]
        live = steps(shown).get("Live new ARR", Decimal(0))
        assert abs(live - 12 * (up["New"] + up["Reactivation"] + up["Expansion"])) <= Decimal("0.12")  # MRR is rounded to the cent before
        for row in shown["rows"]:
            if not row["url"]:
                continue
            behind = client.get(row["url"])
            assert abs(behind.context["total"]) == row["value"], (month, row["label"])
            assert sum(r["amount"] for r in behind.context["rows"]) == behind.context["total"]
            assert len(behind.context["rows"]) == row["accounts"]


def test_a_step_names_what_was_sold_and_leaves_as_csv(sold: None) -> None:
    client = login("lead")
    behind = client.get("/revenue/booked/", {"step": "unbilled", "month": "2025-09"})
    (row,) = behind.context["rows"]
    assert (row["account_name"], row["amount"]) == ("=Dogwood", -5000)
    assert [(s["name"], s["signed_on"], s["arr"], s["assumed"], s["seller"]) for s in row["sales"]] == [("Dogwood ships", date(2025, 9, 10), 5000, True, "Brett")]
    assert b"Rule 18" in behind.content
    told = client.get(behind.context["download_url"])
    (line,) = csv.DictReader(io.StringIO(told.getvalue().decode()))
    assert (line["account"], line["unbilled_arr"], line["opportunities"]) == ("'=Dogwood", "-5000.00", "Dogwood ships")


def test_a_member_sees_the_sales_of_their_own_book_and_an_outsider_none(sold: None) -> None:
    bo = login("member", "Bo Beck")  # Birch and Dogwood
    assert steps(section(bo, month="2025-01")) == {"Live, never sold by record": 600, "Live new ARR": 600}
    assert b"Alder" not in bo.get("/revenue/booked/", {"step": "booked", "month": "2025-08"}).content
    stranger = login("viewer")
    assert "booked" not in stranger.get("/revenue/", {"month": "2025-01"}).context
    assert stranger.get("/revenue/booked/", {"step": "booked", "month": "2025-01"}).context["rows"] == []
    assert Client().get("/revenue/booked/?step=booked&month=2025-01").status_code == 302


@pytest.mark.parametrize("asked", [{"step": "guessed", "month": "2025-01"}, {"step": "booked"}, {}])
def test_a_step_that_is_none_is_not_found(sold: None, asked: dict[str, str]) -> None:
    assert login("lead").get("/revenue/booked/", asked).status_code == 404


def test_the_accounts_behind_a_step_keep_their_query_budget(sold: None) -> None:
    client = login("lead")
    client.get("/accounts/")  # a first request of a process asks more than once
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/revenue/booked/?step=live&period=year&month=2025-09").context["rows"]
    assert len(asked) == json.loads((Path(__file__).parent / "query_budgets.json").read_text())["revenue:booked"]


def test_without_opportunities_contracts_stand_in_and_it_says_so(tmp_path: Path) -> None:
    book(tmp_path / "files", contracts=CONTRACTS + "C-9,A-2,2025-07-01,2025-07-15,2026-07-15\n")
    client = login("lead")
    page = client.get("/revenue/", {"month": "2025-02"})
    assert b"by signature of contracts" in page.content
    assert page.context["booked"]["by_contract"]
    assert client.get("/revenue/booked/", {"step": "live", "month": "2025-02"}).context["figures"][2]["label"] == "Contracts"


def test_where_nothing_was_signed_the_section_says_what_would_fill_it(tmp_path: Path) -> None:
    book(tmp_path / "files")
    page = login("lead").get("/revenue/", {"month": "2025-01"})
    assert page.context["booked"] == {"basis": None}
    assert b"No opportunities" in page.content
    assert b"Import opportunities" in page.content


def test_a_month_in_which_nothing_happened_says_so(sold: None) -> None:
    client = login("lead")
    assert section(client, month="2025-04")["empty"]
    assert b"Nothing booked, nothing live" in client.get("/revenue/", {"month": "2025-04"}).content


LATE_DEALS = """Opportunity ID,Opportunity Name,Account ID,Type,Stage,ARR,Amount,Close Date,Start Date,Opportunity Owner
O-8,Birch after all,A-2,New Business,Closed Won,700,,2025-01-28,,Brett
"""


@pytest.fixture
@stands
def closed(tmp_path: Path) -> None:
    """January to September are closed; then a deal of January comes in late."""
    book(tmp_path / "files", opportunities=DEALS)
    closing.close_months(None, month_of("2025-09"))
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "opportunities.csv").write_text(LATE_DEALS)
    run_import(begin_import([("late", tmp_path / "late")], source="files", file_date=date(2025, 12, 1)))
    passes.run_waiting_pass()


def test_a_closed_month_s_bridge_stands_as_it_was_reported_beside_what_is_known_now(closed: None) -> None:
    client = login("lead")
    then, now = section(client, month="2025-01", basis="reported"), section(client, month="2025-01")
    assert steps(then) == {"Booked ARR": 4800, "Signed and not started": -3600, "Live, never sold by record": 600, "Live new ARR": 1800}
    assert steps(now) == {"Booked ARR": 5500, "Signed and not started": -3600, "Smaller than sold": -100, "Live new ARR": 1800}
    assert (then["note"], now["note"], then["ties"]) == ("as reported", "", True)
    assert next(one["url"] for one in then["rows"] if one["url"]).endswith("basis=reported")
    for row in then["rows"]:
        if row["url"]:
            behind = client.get(row["url"])
            assert (abs(behind.context["total"]), len(behind.context["rows"])) == (row["value"], row["accounts"]), row["label"]
            assert behind.context["state"]["note"] == "as reported"


def test_quarters_stand_as_their_last_month_s_closing_knew_them_and_an_open_year_says_so(closed: None) -> None:
    client = login("lead")
    quarter = section(client, month="2025-01", period="quarter", basis="reported")
    assert steps(quarter) == {"Booked ARR": 4800, "Live, never sold by record": 720, "Live new ARR": 5520}  # Cedar pays 10 more from March, which nobody sold
    assert quarter["note"] == "as reported"
    year = section(client, month="2025-01", period="year", basis="reported")
    assert year["note"] == "as restated: December 2025 is open"
    assert steps(year) == steps(section(client, month="2025-01", period="year"))
    assert section(client, month="2025-01", basis="reported", churn_basis="events")["note"].startswith("as restated: a closing keeps the bridge by")


def test_a_reported_bridge_is_of_the_accounts_that_one_may_see(closed: None) -> None:
    bo = login("member", "Bo Beck")  # Birch and Dogwood
    assert steps(section(bo, month="2025-01", basis="reported")) == {"Live, never sold by record": 600, "Live new ARR": 600}
    assert b"Cedar" not in bo.get("/revenue/booked/", {"step": "booked", "month": "2025-01", "basis": "reported"}).content
    assert login("viewer").get("/revenue/booked/", {"step": "booked", "month": "2025-01", "basis": "reported"}).context["rows"] == []


def test_a_closing_of_before_keeps_no_bridge_and_the_page_names_it(closed: None) -> None:
    ReportedBridge.objects.all().delete()
    shown = section(login("lead"), month="2025-01", basis="reported")
    assert shown["note"] == "as restated: the closing of January 2025 keeps no bridge"
    assert steps(shown)["Booked ARR"] == 5500
