"""The same figure is the same to the cent wherever it stands: Home, Flow, Revenue, the board pack; and the lists behind Home's cards list what they count."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from laer.cycle.scope import Scope
from laer.records.money import rounded
from laer.records.periods import month_name, month_number
from laer.web.book.models import Account
from laer.web.people import teams
from laer.web.people.models import Person, User
from laer.web.runs import flowing, in_use, packing, passes, revenue
from tests.web.files import take_in
from tests.web.test_flow_page import ACCOUNTS, LINES, PLANS, login
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def firm(tmp_path: Path) -> Any:
    contracts = "contract_id,account_id,start_date,end_date\nK-1,A1,2025-01-01,2025-12-31\nK-2,A4,2025-01-01,2099-12-31\n"
    take_in(tmp_path, accounts=ACCOUNTS, subscriptions=LINES, onboarding_plans=PLANS, contracts=contracts)
    return passes.run_waiting_pass()


def exact(figures: Any, label: str) -> Decimal:
    return next(Decimal(one["title"].strip("$").replace(",", "")) for one in figures if str(one["label"]) == label)


@pytest.mark.parametrize("of_team", [False, True])
def test_one_firm_has_one_mrr_one_arr_and_one_leak_on_every_page(firm: Any, of_team: bool) -> None:
    client, query = login("admin"), {}
    if of_team:
        team = teams.save_team(User.objects.get(email="admin@laer.example"), "North", None, [Person.objects.get(name="Ann Ash").pk])
        query = {"team": str(team.pk)}
    home, flow, page = (client.get(address, query) for address in ("/home/", "/flow/", "/revenue/"))
    pack = client.get("/home/pack/", query | {"month": month_name(month_number(firm.as_of))})
    told = {exact(one.context["figures"] if one is not home else one.context["revenue"]["figures"], "ARR") for one in (home, page, pack)}
    told.add(exact(flow.context["figures"], "MRR now") * 12)
    told.add(client.get("/accounts/", query | {"state": "paying"}).context["totals"]["arr"])
    assert len(told) == 1, told
    for rate in ("NRR, 12 months", "GRR, 12 months"):
        own = [next(one["value"] for one in figures if str(one["label"]) == rate)
               for figures in (home.context["revenue"]["figures"], page.context["figures"], pack.context["figures"])]  # fmt: skip
        assert len({one.strip("%") for one in own}) == 1, (rate, own)
    scope = Scope(True) if not of_team else Scope(False, frozenset(Account.objects.filter(name__in=("Kestrel", "Bluefin")).values_list("pk", flat=True)))
    ledger = revenue.ledger_of(firm, scope)
    moved = revenue.summed(ledger.months(*(packing.months_known(firm, scope) or (0, -1))))
    leaked = flowing.flow_of(firm, scope, in_use.joints_of(firm)).part().leaked
    assert leaked == moved["contraction_mrr"] + moved["churn_mrr"]
    assert exact(flow.context["figures"], "Leaked") == rounded(leaked, 2)
    assert home.context["worst"]["title"] == flow.context["worst"]["title"]
    assert all(one.context["state"]["whose"] == home.context["state"]["whose"] for one in (flow, page, pack))


def test_every_list_of_home_opens_as_many_as_its_card_counts(firm: Any) -> None:
    client = login("admin")
    team = teams.save_team(User.objects.get(email="admin@laer.example"), "North", None, [Person.objects.get(name="Ann Ash").pk])
    for query in ({}, {"team": str(team.pk)}):
        opened = []
        for one in client.get("/home/", query).context["letters"]:
            shown = one["list"]
            if not shown["rows"]:
                continue
            page = client.get(shown["url"].partition("#")[0])
            found = page.context["totals"]["accounts"] if one["letter"] == "L" else len(page.context["rows"]) if one["letter"] == "R" else page.context["listing"]
            if one["letter"] in "LR":
                assert found == shown["count"], (one["letter"], shown["url"])
                names = [row.get("name") or row["account"] for row in page.context["rows"]]
                assert {row["name"] for row in shown["rows"]} <= set(names)
                opened.append(one["letter"])
        assert opened == ["L", "R"], query


def test_what_ended_and_nobody_decided_stands_before_what_is_due_and_is_not_called_nothing(firm: Any) -> None:
    renew = login("lead").get("/home/").context["letters"][3]
    assert renew["list"]["title"] == "Expired, unresolved"
    assert [row["name"] for row in renew["list"]["rows"]] == ["Bluefin"]
    assert renew["figure"]["missing"]["text"] == "1 contract has ended, and nobody said whether it was renewed."


def test_what_nobody_knows_is_no_good_news(tmp_path: Path) -> None:
    """A firm with one list: no plans, no usage, no contracts."""
    take_in(tmp_path, accounts=ACCOUNTS, subscriptions=LINES)
    passes.run_waiting_pass()
    client = login("lead")
    page = client.get("/home/")
    leaks = {one["letter"]: one["leak"] for one in page.context["letters"]}
    assert [leaks[letter]["tone"] for letter in "LAR"] == ["", "", ""]
    assert leaks["L"]["text"] == "No onboarding plan says who is live."
    worst = page.context["worst"]
    assert worst["title"].endswith("of MRR leaked, and nothing says at which joint")
    assert "Nothing is known of: live, activated, at outcome, renewed." in worst["text"]
    risk = next(one for one in client.get("/flow/").context["figures"] if str(one["label"]) == "At risk")
    assert "4 joints of 4 unknown" in risk["known"]
