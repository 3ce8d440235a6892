"""Home: the four letters under who looks, every figure opens to rows that add up to it, one team at a time, and nothing unknown said to be 0."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from laer.cycle.scope import Scope
from laer.records.periods import day_number, month_name, month_number
from laer.web.book.models import Account
from laer.web.people import company, teams
from laer.web.people.models import Person, User
from laer.web.runs import bands, desk, passes
from tests.cast import Cast, forget
from tests.standing import stands
from tests.web.files import take_in
from tests.web.test_flow_page import ACCOUNTS, LINES, PLANS, login
from tests.web.test_query_budgets import BUDGETS
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
@stands
def firm(tmp_path: Path) -> Any:
    take_in(tmp_path, accounts=ACCOUNTS, subscriptions=LINES, onboarding_plans=PLANS)
    return passes.run_waiting_pass()


def letters(page: Any) -> dict[str, dict[str, Any]]:
    return {one["letter"]: one for one in page.context["letters"]}


def ids(page: Any) -> set[str]:
    return {row["name"] for one in page.context["letters"] for row in one["list"]["rows"]}


def test_the_four_letters_stand_on_one_screen_with_a_figure_a_leak_and_a_list_each(firm: Any) -> None:
    page = login("lead").get("/home/")
    found = letters(page)
    assert list(found) == ["L", "A", "E", "R"]
    assert all(one["figure"]["label"] and one["leak"]["text"] and one["url"] for one in found.values())
    assert [row["name"] for row in found["L"]["list"]["rows"]] == ["Ember", "Willow", "Bluefin", "Kestrel"]  # who pays, the newest first
    assert page.context["worst"] == login("admin").get("/flow/").context["worst"]
    assert page.context["state"]["shown"] == "4 paying accounts"
    assert page.context["state"]["as_of"] == firm.as_of


def test_what_is_unknown_says_so_and_what_would_make_it_known(firm: Any) -> None:
    found = letters(login("lead").get("/home/"))
    adopt = found["A"]["figure"]
    assert (adopt["word"], adopt["missing"]["action"]) == (True, "Import usage")
    assert found["E"]["leak"] == {"text": "No source says how many of the seats are taken.", "url": None, "tone": "", "more": None}


def test_every_figure_opens_to_its_meaning_and_rows_that_add_up_to_it(firm: Any) -> None:
    client = login("lead")
    opened = 0
    for one in letters(client.get("/home/")).values():
        figure = one["figure"]
        assert figure["meaning"]["method"], figure["label"]
        if figure["word"]:
            continue
        rows = client.get(figure["url"])
        assert rows.status_code == 200
        exact = rows.context["figures"][0]["title"]
        times = 12 if one["letter"] in "LE" else 1
        told = Decimal(exact.strip("$%").replace(",", "")) * times
        assert told == Decimal(figure["title"].strip("$%").replace(",", "")), figure["label"]
        opened += 1
    assert opened >= 2


def test_leaks_and_the_revenue_figures_open_to_what_they_say(firm: Any) -> None:
    client = login("lead")
    page = client.get("/home/")
    for one in letters(page).values():
        for part in (one["leak"], one["leak"]["more"]):
            if part and part["url"]:
                assert client.get(part["url"].partition("#")[0]).status_code == 200, part
    arr = page.context["revenue"]["figures"][0]
    assert client.get(arr["url"]).context["figures"][0]["title"] == arr["title"] == "$6,468.96"  # twelve times 539.08


def test_a_member_sees_their_own_accounts_and_an_outsider_none(firm: Any) -> None:
    own = login("member", "Ann Ash").get("/home/")
    assert ids(own) == {"Kestrel", "Bluefin"}
    assert own.context["state"]["whose"] == "your book"
    nothing = login("viewer").get("/home/")
    assert nothing.context["nothing"]
    assert b"Bluefin" not in nothing.content


def test_one_team_at_a_time(firm: Any) -> None:
    admin = login("admin")
    team = teams.save_team(User.objects.get(email="admin@laer.example"), "North", None, [Person.objects.get(name="Ann Ash").pk])
    page = admin.get("/home/", {"team": str(team.pk)})
    assert ids(page) == {"Kestrel", "Bluefin"}
    assert page.context["state"]["whose"] == "team North"
    assert [one["label"] for one in page.context["team_chip"]["choices"]] == ["All teams", "North"]
    arr = page.context["revenue"]["figures"][0]
    assert admin.get(arr["url"]).context["figures"][0]["title"] == arr["title"] == "$3,062.40"  # twelve times 200.20 and 55
    assert admin.get(page.context["worst"]["url"]).context["state"]["whose"] == "team North"
    for address in ("/flow/", "/land/", "/adopt/", "/expand/", "/renewals/", "/revenue/", "/flow/board/"):
        assert admin.get(address, {"team": str(team.pk)}).context["state"]["whose"] == "team North"
    assert ids(login("lead").get("/home/", {"team": "99999"})) >= {"Willow"}  # no such team narrows nothing


def test_a_team_that_is_not_theirs_narrows_nothing_and_widens_nothing(firm: Any) -> None:
    login("admin")
    admin = User.objects.get(email="admin@laer.example")
    team = teams.save_team(admin, "South", None, [Person.objects.get(name="Bo Beck").pk])
    member = login("member", "Ann Ash")
    page = member.get("/home/", {"team": str(team.pk)})
    assert ids(page) == {"Kestrel", "Bluefin"}
    assert page.context["team_chip"] is None


def test_health_by_band_moves_against_a_month_before(firm: Any) -> None:
    """What was a month before is made in the background; the page has it once it is there."""
    client = login("lead")
    desk._desk.ask("facts", {"dates": (day_number(firm.as_of) - bands.MONTH,), "measures": bands.READS}, Scope(True), firm.pk)
    health = client.get("/home/").context["health"]
    assert not health["waits"]
    assert sum(row["accounts"] for row in health["rows"]) == health["total"] == 4
    assert all(row["move"] is not None for row in health["rows"])
    found = bands.bands_of(firm, Scope(True))
    assert sum(one.arr for one in found.values()) == Decimal("6468.96")


def test_health_waits_for_nothing(firm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "PATIENCE", 0.0)
    desk.forget()
    client = login("lead")
    first = client.get("/home/")
    assert first.context["health"]["waits"]
    assert b"hx-trigger" in first.content
    until = time.monotonic() + 120
    while client.get("/home/").context["health"]["waits"] and time.monotonic() < until:
        time.sleep(0.2)
    assert not client.get("/home/").context["health"]["waits"]


def test_an_empty_book_says_what_would_fill_it(cast: Cast) -> None:
    Account.objects.all().delete()
    page = cast.client("admin").get("/home/")
    assert page.status_code == 200
    assert page.context["nothing"]["action"]["url"] == "/data/import/"


def test_home_is_where_leaders_start_and_a_csm_keeps_the_accounts(cast: Cast) -> None:
    assert [cast.client(who).get("/").headers["Location"] for who in ("lead", "admin", "csm", "viewer")] == ["/home/"] * 2 + ["/accounts/"] * 2
    assert login("finance").get("/").headers["Location"] == "/home/"


def test_home_keeps_its_query_budget(firm: Any) -> None:
    client = login("member", "Ann Ash")
    found = {}
    month = month_name(month_number(firm.as_of))
    pages = {
        "home": "/home/", "home:report": "/home/reports/?measure=mrr_firm&by=segment&months=12&kind=bars",
        "home:behind": f"/home/reports/behind/?measure=mrr_firm&first={month}&last={month}", "home:pack": "/home/pack/?month=2025-08",
    }  # fmt: skip
    for name, url in pages.items():
        client.get("/accounts/")
        forget()
        company.refresh()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        found[name] = [q["sql"][:150] for q in asked]
    over = {name: (len(sql), BUDGETS.get(name), sql) for name, sql in found.items() if len(sql) != BUDGETS.get(name)}
    assert not over, json.dumps(over, indent=1)
    anonymous = Client().get("/home/")
    assert anonymous.status_code == 302


def test_a_rate_moves_on_home_as_it_does_on_expand(firm: Any) -> None:
    client = login("lead")
    home, expand = client.get("/home/").context["revenue"]["figures"], client.get("/expand/").context["figures"]
    mine, theirs = (next(one for one in figures if str(one["label"]) == "NRR, 12 months") for figures in (home, expand))
    assert mine["value"] == theirs["value"]
    assert mine["move"] == theirs["move"]
