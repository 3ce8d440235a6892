"""The report builder: the address is the report, its points open to rows that add up to them, costs for who may see them, pins are one's own."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from laer.records.periods import month_name, month_number
from laer.web.people.models import Act, AuditEvent, SavedView
from laer.web.runs import passes, reporting
from laer.web.work.models import Pin
from tests.standing import stands
from tests.web.files import take_in
from tests.web.test_flow_page import ACCOUNTS, LINES, login
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
ADDRESS = "/home/reports/?measure=mrr_firm&by=segment&months=12&kind=bars"


@pytest.fixture
@stands
def firm(tmp_path: Path) -> Any:
    take_in(tmp_path, accounts=ACCOUNTS, subscriptions=LINES)
    return passes.run_waiting_pass()


def save(client: Client, name: str, query: str, **more: str) -> SavedView:
    assert client.post("/views/reports/", {"name": name, "query": query, **more}).status_code == 302
    return SavedView.objects.get(name=name)


def test_the_address_without_a_measure_becomes_the_whole_report(firm: Any) -> None:
    answer = login("lead").get("/home/reports/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/home/reports/?measure=mrr_firm&months=12&kind=lines")


def test_points_are_the_measure_and_open_to_rows_that_add_up_to_them(firm: Any) -> None:
    client = login("lead")
    page = client.get(ADDRESS)
    table = page.context["table"]
    assert table["heads"] == ["Mid", "SMB", "Whole"]
    newest = table["rows"][0]["cells"]
    assert [cell["title"] for cell in newest] == ["$283.88", "$255.20", "$539.08"]
    for cell in newest:
        behind = client.get(cell["url"])
        assert behind.context["figures"][0]["title"] == cell["title"]
        rows = list(csv.DictReader(io.StringIO(client.get(f"{cell['url']}&format=csv").getvalue().decode())))
        assert sum(Decimal(row["adds"]) for row in rows) == Decimal(cell["title"].strip("$"))
    assert page.context["chart"]["kind"] == "bars"


def test_rates_are_not_stacked_and_a_rate_made_of_others_says_of_which(firm: Any) -> None:
    client = login("lead")
    page = client.get("/home/reports/?measure=renewal_rate_gross&by=segment&months=12&kind=bars")
    assert page.context["chart"] is None or page.context["chart"]["kind"] == "lines"
    month = month_name(month_number(firm.as_of))
    made = client.get(f"/home/reports/behind/?measure=expansion_rate&first={month}&last={month}")
    assert made.status_code == 200
    assert {one["name"] for one in made.context["made_of"]} >= {"Expansion MRR"}


def test_a_file_has_every_value_of_every_month(firm: Any) -> None:
    client = login("lead")
    rows = list(csv.DictReader(io.StringIO(client.get(f"{ADDRESS}&format=csv").getvalue().decode())))
    assert len(rows) == 12 * 3
    last = [row for row in rows if row["month"] == rows[-1]["month"]]
    assert [(row["segment"], row["mrr_firm"]) for row in last] == [("Mid", "283.88"), ("SMB", "255.2"), ("TOTAL", "539.08")]
    assert client.get(f"{ADDRESS}&format=xlsx").status_code == 200


def test_costs_are_for_who_may_see_them(firm: Any) -> None:
    member = login("member", "Ann Ash")
    for name in sorted(reporting.RESTRICTED):
        assert member.get("/home/reports/", {"measure": name}).status_code == 403
        assert member.get("/home/reports/behind/", {"measure": name, "first": "2025-08", "last": "2025-08"}).status_code == 403
    options = {one["value"] for group in member.get(ADDRESS).context["form"]["groups"] for one in group["options"]}
    assert not options & reporting.RESTRICTED
    lead = {one["value"] for group in login("lead").get(ADDRESS).context["form"]["groups"] for one in group["options"]}
    assert lead >= reporting.RESTRICTED


def test_a_report_is_of_the_accounts_of_who_looks(firm: Any) -> None:
    own = login("member", "Ann Ash").get(ADDRESS)
    assert [cell["title"] for cell in own.context["table"]["rows"][0]["cells"]] == ["$255.20", "$255.20"]
    cell = own.context["table"]["rows"][0]["cells"][0]
    nobody = login("viewer").get(cell["url"])
    assert nobody.context["figures"][1]["value"] == "0"
    assert b"Bluefin" not in nobody.content


def test_a_report_is_saved_shared_and_pinned_to_ones_own_home(firm: Any) -> None:
    lead, member = login("lead"), login("member", "Ann Ash")
    view = save(lead, "MRR by segment", ADDRESS.partition("?")[2], shared="on")
    assert view.query == "measure=mrr_firm&by=segment&months=12&kind=bars"
    page = member.get(f"/home/reports/?saved={view.pk}&{view.query}")
    assert page.context["saved"]["pinned"] is False
    assert member.post(page.context["saved"]["pin_url"], {"do": "pin"}).status_code == 302
    assert [pin["name"] for pin in member.get("/home/").context["pins"]] == ["MRR by segment"]
    assert lead.get("/home/").context["pins"] == []
    url = member.get("/home/").context["pins"][0]["url"]
    part = member.get(f"{url}&part=pin")
    assert b"data-chart" in part.content
    assert b"<html" not in part.content
    assert AuditEvent.objects.filter(act=Act.VIEW_CHANGED, details__what="pinned to Home").count() == 1
    lead.post(f"/views/reports/{view.pk}/", {"do": "rename", "name": "MRR by segment", "query": view.query})  # no longer shared
    assert member.get("/home/").context["pins"] == []
    member.post(f"/home/reports/{view.pk}/pin/", {"do": "unpin", "to": "home"})
    assert not Pin.objects.exists()


def test_what_is_not_ones_to_open_cannot_be_pinned(firm: Any) -> None:
    view = save(login("lead"), "Mine", ADDRESS.partition("?")[2])
    member = login("member", "Ann Ash")
    assert member.post(f"/home/reports/{view.pk}/pin/", {"do": "pin"}, follow=True).status_code == 200
    assert not Pin.objects.exists()


@pytest.mark.parametrize("query", ["", "measure=nonsense&first=2025-08", "measure=mrr_firm&first=x", "measure=mrr_firm&first=2025-08&last=2025-07", "measure=mrr_firm&first=2025-08&by=password"])
def test_a_point_that_is_none_is_not_found(firm: Any, query: str) -> None:
    assert login("lead").get(f"/home/reports/behind/?{query}").status_code == 404
