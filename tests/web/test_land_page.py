"""The Land page: its figures counted by hand, each opens to its rows, costs for who may see them, and nothing unknown said to be 0."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.records.periods import first_day, last_day, month_number
from laer.web.book import definitions
from laer.web.book.models import Account, Contact, Cost, Outcome, Product
from laer.web.people.models import Person, User
from laer.web.runs import deal_scores, passes
from laer.web.runs.models import DealScore
from tests.standing import stands
from tests.web.files import take_in
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNTS = "account_id,account_name,segment,lead_source,csm\nA1,Bluefin,SMB,Web,Ann Ash\nA2,Kestrel,SMB,Partner,\nA3,Willow,Mid,,\nA4,Onyx,Mid,Web,\nA5,Ember,Mid,Web,\n"


QUALITY = """
id: land_quality
name: Land quality
status: stable
purpose: quality
motion: land
applies: won_on is known
parts:
  - {measure: discount_won, weight: 1, linear: {worst: 40 %, best: 0 %}}
  - {measure: outcomes, weight: 1, tiers: [{at_least: 0, points: 0}, {at_least: 1, points: 100}]}
"""


def ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


def deals() -> str:
    """Three won (of 12,000, 24,000 and an unknown amount), one lost without a decision, one open; one growth deal, which is not new business."""
    rows = [
        ("O1", "A1", "New Business", "Closed Won", "12000", ago(40), ago(70), "10", "Ines"),
        ("O2", "A2", "New Business", "Closed Won", "24000", ago(100), ago(190), "30", "Brett"),
        ("O3", "A3", "", "Closed Won", "", ago(120), ago(90), "", "Brett"),  # won before it was qualified: its cycle says nothing
        ("O4", "A4", "New Business", "No Decision", "36000", ago(20), ago(80), "", "Brett"),
        ("O5", "A5", "New Business", "Proposal", "9000", ago(-30), ago(25), "", "Ines"),
        ("O6", "A1", "Upsell", "Closed Won", "5000", ago(10), ago(30), "", "Ines"),
        ("O7", "A2", "New Business", "Closed Won", "1000", ago(500), ago(530), "", "Ines"),  # of the year before
    ]
    header = "Opportunity ID,Account ID,Type,Stage,ARR,Close Date,Qualified Date,Discount %,Opportunity Owner\n"
    return header + "".join(",".join(map(str, row)) + "\n" for row in rows)


def lines() -> str:
    rows = [("S1", "A1", ago(38), 1000, "Core"), ("S2", "A2", ago(95), 2000, "Core"), ("S7", "A3", ago(600), 500, "Plus")]
    return "subscription_id,account_id,start_date,mrr,product\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
@stands
def firm(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, opportunities=deals(), subscriptions=lines())
    passes.run_waiting_pass()


def login(role: str, name: str = "") -> Client:
    user = User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role)
    if name:
        Person.objects.filter(name=name).update(user=user)
    client = Client()
    client.force_login(user)
    return client


def figures(page: Any) -> dict[str, Any]:
    return {str(figure["label"]): figure for figure in page.context["figures"]}


def test_the_figures_are_those_of_the_last_twelve_months(firm: None) -> None:
    said = figures(login("lead").get("/land/"))
    assert said["New ARR, live"]["value"] == "$36.0k"  # 12 times 3,000
    assert said["New ARR, live"]["hint"] == "$36.0k booked"
    assert said["New accounts"]["value"] == "2"
    assert (said["Win rate"]["value"], said["Win rate"]["known"][:6]) == ("75.0%", "3 of 4")  # no decision is lost; growth is left out
    assert (said["Win rate by value"]["value"], said["Win rate by value"]["known"]) == ("50.0%", "known for 3 of 4 deals")  # 36,000 of 72,000
    assert said["Sales cycle"]["value"] == "60 days"  # the middle of 30 and 90
    assert said["Deal size"]["value"] == "$18.0k"
    assert said["Discount"]["value"] == "20.0%"
    assert (said["Pipeline"]["value"], said["Pipeline"]["hint"]) == ("$9.0k", "1 open deal")


def test_a_figure_opens_to_the_deals_behind_it_and_the_file_has_them(firm: None) -> None:
    client = login("lead")
    page = client.get("/land/")
    won = client.get(figures(page)["Win rate"]["url"].partition("#")[0])
    assert [row["name"] for row in won.context["listing"]["rows"]] == ["Bluefin", "Kestrel", "Willow"]
    assert [row["cells"][4]["text"] for row in won.context["listing"]["rows"]] == ["30 days", "90 days", ""]
    opened = client.get(figures(page)["Pipeline"]["url"].partition("#")[0])
    assert [row["name"] for row in opened.context["listing"]["rows"]] == ["Ember"]
    rows = list(csv.DictReader(io.StringIO(client.get("/land/", {"view": "won", "format": "csv"}).getvalue().decode())))
    assert [(r["account"], r["arr"], r["discount"], r["cycle_days"], r["lead_source"]) for r in rows][:2] == [
        ("Bluefin", "12000.0", "0.1", "30", ""), ("Kestrel", "24000.0", "0.3", "90", ""),
    ]  # fmt: skip


def test_a_breakdown_opens_to_its_deals_by_what_the_account_says_where_the_deal_does_not(firm: None) -> None:
    client = login("lead")
    page = client.get("/land/")
    by_source = {row["name"]: row for row in page.context["breakdown"]["rows"]}
    assert [by_source["Web"]["cells"][at]["text"] for at in (0, 1, 2)] == ["$12.0k", "1", "50.0%"]
    assert by_source["not said"]["cells"][1]["text"] == "1"
    web = client.get(by_source["Web"]["url"].partition("#")[0])
    assert {row["name"] for row in web.context["listing"]["rows"]} == {"Bluefin", "Onyx", "Ember"}
    assert [(one["label"], one["value"]) for one in web.context["listing"]["filters"]] == [("Lead source is", "Web")]
    unsaid = client.get(by_source["not said"]["url"].partition("#")[0])
    assert {row["name"] for row in unsaid.context["listing"]["rows"]} == {"Willow"}
    by_seller = client.get("/land/", {"by": "seller"}).context["breakdown"]
    assert [(row["name"], row["cells"][1]["text"]) for row in by_seller["rows"]] == [("Brett", "2"), ("Ines", "1")]
    rows = list(csv.DictReader(io.StringIO(client.get("/land/", {"by": "segment", "of": "by", "format": "csv"}).getvalue().decode())))
    assert [(r["segment"], r["deals_won"], r["arr_won"]) for r in rows] == [("SMB", "2", "36000.0"), ("Mid", "1", "")]


def test_new_business_by_product_is_what_the_first_lines_say(firm: None) -> None:
    client = login("lead")
    by_product = client.get("/land/", {"by": "product"}).context["breakdown"]
    assert [(row["name"], *(cell["text"] for cell in row["cells"])) for row in by_product["rows"]] == [("Core", "$36.0k", "2")]
    rows = list(csv.DictReader(io.StringIO(client.get("/land/", {"by": "product", "of": "by", "format": "csv"}).getvalue().decode())))
    assert [(r["product"], r["first_mrr"], r["first_buyers"]) for r in rows] == [("Core", "3000.0", "2")]


def test_a_month_of_the_chart_opens_to_its_deals(firm: None) -> None:
    client = login("lead")
    month = f"{ago(100):%Y-%m}"
    page = client.get("/land/", {"month": month})
    assert "Kestrel" in {row["name"] for row in page.context["listing"]["rows"]}
    assert client.get("/land/", {"month": "2026-99"}).context["listing"]["filters"] == []


def test_without_costs_and_margins_their_figures_are_unknown_and_say_where_to_enter_them(firm: None) -> None:
    said = figures(login("finance").get("/land/"))
    for name in ("CAC", "CAC payback"):
        assert ("unknown" in said[name]["value"], said[name]["missing"]["url"]) == (True, "/settings/costs/")
    for name in ("LTV", "LTV to CAC"):
        assert ("unknown" in said[name]["value"], said[name]["missing"]["url"]) == (True, "/settings/costs/#margins")


def test_cac_payback_and_ltv_as_counted_by_hand(firm: None) -> None:
    """Costs of 6,000 in the two months in which A1 and A2 began: CAC 6,000 x 2 / 2, at a margin of 80 % paid back in 12,000 / (3,000 x 0.8) months."""
    client = login("lead")
    months = sorted({ago(38).replace(day=1), ago(95).replace(day=1)})
    for month in months:
        new = {"new-0-motion": "land", "new-0-kind": "pay", "new-0-amount": "6000", "new-0-currency": "USD"}
        client.post("/settings/costs/", {"month": f"{month:%Y-%m}"} | new)
    ids = dict(Product.objects.values_list("name", "pk"))
    client.post("/settings/costs/margins/", {f"margin-{ids['Core']}": "80", f"margin-{ids['Plus']}": "40"})
    assert Cost.objects.count() == 2
    passes.run_waiting_pass()
    said = figures(client.get("/land/"))
    assert said["CAC"]["value"] == "$6.0k"
    assert said["CAC"]["known"] == "costs entered for 2 of 12 months"
    margin = (3000 * 0.8 + 500 * 0.4) / 3500
    assert said["CAC payback"]["title"] == f"{12_000 / (3_000 * margin):.3f}"
    lifetime, arpa = 60, 3500 / 3
    assert said["LTV"]["title"] == f"${lifetime * arpa * margin:,.2f}"  # nobody left: the lifetime is capped
    assert said["LTV"]["known"].endswith("lifetime capped at 60 months")
    assert said["LTV to CAC"]["title"].startswith(f"{lifetime * arpa * margin / 6000:.3f}")


def test_who_may_not_see_costs_sees_neither_them_nor_what_is_made_of_them(firm: None) -> None:
    member = login("member", "Ann Ash")
    page = member.get("/land/")
    assert {"CAC", "CAC payback", "LTV", "LTV to CAC"}.isdisjoint(figures(page))
    assert figures(page)["Win rate"]["value"] == "100.0%"  # of her accounts
    assert member.get("/data/metrics/cac/").status_code == 403
    assert "/data/metrics/ltv/" not in member.get("/data/metrics/").content.decode()


def test_a_book_that_sold_nothing_says_what_would_fill_the_page() -> None:
    passes.start_pass()
    page = login("lead").get("/land/")
    assert (page.status_code, page.context["figures"], page.context["listing"]) == (200, [], None)
    assert page.context["nothing"]["action"]["url"] == "/data/import/"


def test_the_address_of_a_run_says_the_same_when_the_book_has_moved_on(firm: None, tmp_path: Path) -> None:
    client = login("lead")
    kept = client.post("/links/keep/", client.get("/land/").context["keep"])
    assert kept.status_code == 302
    take_in(tmp_path / "more", opportunities=deals().replace("No Decision", "Closed Won"))
    passes.run_waiting_pass()
    assert figures(client.get("/land/"))["Win rate"]["value"] == "100.0%"
    assert figures(client.get(kept["Location"]))["Win rate"]["value"] == "75.0%"


def test_the_list_keeps_its_query_budget_and_says_who_was_known_at_the_close(firm: None) -> None:
    client = login("lead")
    client.get("/accounts/")
    account = Account.objects.get(name="Bluefin")
    for at, days in enumerate((60, 50, 5)):  # two were known when its deal was won, 40 days ago
        Contact.objects.create(account=account, name=f"C{at}", created_at=timezone.now() - timedelta(days=days))
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/land/")
    assert len(asked) == json.loads((Path(__file__).parent / "query_budgets.json").read_text())["land:deals"]
    contacts = {(row["name"], str(row["cells"][0]["text"])): row["cells"][5]["text"] for row in page.context["listing"]["rows"]}
    assert (contacts["Bluefin", "won"], contacts["Kestrel", "won"], contacts["Ember", "open"]) == ("2", "", "0")


def test_months_are_the_calendars_to_date(firm: None) -> None:
    last = month_number(timezone.localdate())
    rows = login("lead").get("/land/").context["trends"][0]["rows"]
    assert [row["month"] for row in rows] == [first_day(m) for m in range(last, last - 12, -1)]
    assert last_day(last) >= timezone.localdate()


def test_the_foot_of_the_list_sums_all_that_the_filters_leave(firm: None) -> None:
    client = login("lead")
    for view in ("", "won", "open"):
        rows = list(csv.DictReader(io.StringIO(client.get("/land/", {"view": view, "format": "csv"}).getvalue().decode())))
        total = client.get("/land/", {"view": view}).context["listing"]["total"]
        assert total["amount"] == sum((Decimal(row["arr"]) for row in rows if row["arr"]), Decimal(0))


def test_land_quality_is_of_each_deal_as_it_was_won_and_stays_so(firm: None) -> None:
    """Discounts of 10 and 30 % of at most 40, and no outcome promised by then: (75 + 0) / 2 and (25 + 0) / 2. Without a discount half of it is unknown."""
    definitions.save_definition(None, "scorecard", QUALITY, "for this firm", name="land_quality", based_on=1)
    Outcome.objects.create(account=Account.objects.get(name="Onyx"), title="Fewer errors", promised_on=ago(700), due_on=ago(600), created_at=timezone.now())  # that there are any
    passes.start_pass()
    client = login("lead")
    assert deal_scores.refresh() == 5, "four that were won, and one that is open; the growth deal and the lost one are not judged"
    kept = {(one.account.name, one.day): one.points for one in DealScore.objects.select_related("account")}
    assert kept == {("Bluefin", ago(40)): 37.5, ("Kestrel", ago(100)): 12.5, ("Willow", ago(120)): 0.0, ("Kestrel", ago(500)): 0.0, ("Ember", ago(0)): 0.0}
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(client.get("/land/", {"view": "won", "format": "csv"}).getvalue().decode()))}
    assert {name: float(row["land_quality"]) for name, row in rows.items()} == {"Bluefin": 37.5, "Kestrel": 12.5, "Willow": 0.0}
    by_seller = client.get("/land/", {"by": "seller"}).context["breakdown"]
    assert str(by_seller["columns"][-1].title) == "Land quality, mean"
    assert {row["name"]: row["cells"][-1]["text"] for row in by_seller["rows"]} == {"Ines": "37.5", "Brett": "6.2"}
    Outcome.objects.create(account=Account.objects.get(name="Bluefin"), title="Fewer errors", promised_on=ago(1), due_on=ago(-60), created_at=timezone.now())
    Outcome.objects.create(account=Account.objects.get(name="Ember"), title="Fewer errors", promised_on=ago(1), due_on=ago(-60), created_at=timezone.now())
    passes.start_pass()
    assert deal_scores.refresh() == 1, "only the open deal is judged again"
    after = {(one.account.name, one.day): one.points for one in DealScore.objects.select_related("account")}
    # Of the open deal half is known, all of it good: at most yellow, one hundredth below green.
    assert after == kept | {("Ember", ago(0)): 69.99}, "what was promised after the deal was won is no merit of it"
