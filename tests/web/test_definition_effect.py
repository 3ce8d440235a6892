"""What a changed scorecard would do to today's bands: said before it is saved, and true of the pass after it is."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.web.book import definitions as own
from laer.web.book.models import Account, Pulse
from laer.web.runs import desk, passes
from laer.web.runs.models import AccountCard
from tests.cast import Cast, add_account, add_line, forget, on_stage
from tests.standing import stands

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = timezone.localdate()
CARD = """
id: simple
name: Simple
status: stable
description: For the tests.
purpose: health
priority: 1
applies: state is paying
parts:
  - {measure: pulse, weight: 60, words: {green: 100, yellow: 50, red: 0}}
  - {measure: seats, weight: 40, linear: {worst: 0, best: 10}}
"""
URL = "/settings/definitions/effect/"


@pytest.fixture(autouse=True)
@stands
def firm() -> Cast:
    cast = on_stage()
    own.save_definition(None, "scorecard", CARD, "new")
    for name, mrr, seats, colour in (("Alder", 900, 10, "green"), ("Birch", 500, 10, "yellow"), ("Cedar", 100, 2, "red"), ("Douglas", 50, 9, "green")):
        account = add_account(name, cast.people["csm"])
        add_line(account, TODAY - timedelta(days=200), None, mrr, seats=seats)
        Pulse.objects.create(account=account, colour=colour, stated_on=TODAY - timedelta(days=2), created_at=timezone.now())
    passes.start_pass()
    forget()
    return cast


def asked(text: str) -> dict[int, dict[str, Any]]:
    run = passes.latest_run()
    assert run is not None
    return {row["account_id"]: row for row in desk.ask("draft_bands", {"text": text}, Scope(True), run.pk).to_pylist()}


def bands() -> dict[int, str | None]:
    return {card.pk: card.facts.get("band_simple") or ("unknown" if "coverage_simple" in card.facts else "none") for card in AccountCard.objects.all()}


def test_the_text_in_force_moves_nothing() -> None:
    rows = asked(CARD)
    assert rows
    assert all(row["before"] == row["after"] and row["health_before"] == row["health_after"] for row in rows.values())
    assert {pk: row["before"] for pk, row in rows.items()} == bands()


@pytest.mark.parametrize(
    "changed",
    [
        CARD.replace("yellow: 50", "yellow: 0"), CARD.replace("weight: 60", "weight: 30"), CARD + "bands: {green: 95, yellow: 80}\n",
        CARD.replace("state is paying", "mrr >= 500"), CARD + "caps:\n  - {band: red, when: mrr >= 800, because: large}\n",
        CARD.replace("{measure: seats, weight: 40, linear: {worst: 0, best: 10}}", "{measure: mrr, weight: 40, percentile: {peers: firm}, movable: true}"),
    ],
)  # fmt: skip
def test_what_is_said_before_is_what_the_next_pass_finds(changed: str) -> None:
    said = asked(changed)
    before = bands()
    own.save_definition(None, "scorecard", changed, "changed", name="simple")
    passes.start_pass()
    assert {pk: row["before"] for pk, row in said.items()} == before
    assert {pk: row["after"] for pk, row in said.items()} == bands()
    health = {c.pk: c.facts.get("health") or ("unknown" if "health_card" in c.facts else "none") for c in AccountCard.objects.all()}
    assert {pk: row["health_after"] for pk, row in said.items()} == health


def test_the_editor_shows_ways_arr_and_the_first_accounts(firm: Cast) -> None:
    changed = CARD + "bands: {green: 100, yellow: 99}\n".replace("100", "99").replace("yellow: 99", "yellow: 90")
    answer = firm.client("admin").post(URL, {"text": changed, "name": "simple"})
    said = answer.context
    rows = asked(changed)
    ways = Counter((row["before"], row["after"]) for row in rows.values() if row["before"] != row["after"])
    assert said["moved"] == sum(ways.values()) > 0
    assert sum(int(way["n"]) for way in said["ways"]) == said["moved"]
    assert said["first"][0]["name"] in {Account.objects.get(pk=pk).name for pk, row in rows.items() if row["before"] != row["after"]}
    page = answer.content.decode()
    assert "Effect on the bands of" in page
    assert "<html" not in page


def test_faults_come_first_and_a_card_of_its_own_needs_no_one_in_force(firm: Cast) -> None:
    client = firm.client("admin")
    assert client.post(URL, {"text": CARD.replace("seats", "seets"), "name": "simple"}).context["faults"]
    with pytest.raises(QuestionFault):
        asked("id: [")
    fresh = client.post(URL, {"text": CARD.replace("id: simple", "id: another").replace("purpose: health", "purpose: quality")})
    assert {way["before"]["text"] for way in fresh.context["ways"]} == {"not about it"}
    assert fresh.context["of_health"] == 0


def test_only_who_defines_scorecards_asks(firm: Cast) -> None:
    for part in ("csm", "viewer"):
        assert firm.client(part).post(URL, {"text": CARD}).status_code in (403, 404)
    assert firm.client("admin").get(URL).status_code == 405
    page = firm.client("admin").get("/settings/definitions/scorecard/simple/").content.decode()
    assert f'hx-post="{URL}"' in page
    assert f'hx-post="{URL}"' not in firm.client("admin").get("/settings/definitions/segment/seats_idle/").content.decode()
