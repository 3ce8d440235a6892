"""Scores from the pass to the page: published, explained to the hundredth, held from day to day, asked for in conditions, seen under a scope."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from laer.cycle.explaining import greener
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.web.book import definitions as own
from laer.web.book.models import Account, Pulse, SubscriptionLine, Ticket
from laer.web.runs import desk, passes, why
from laer.web.runs.models import AccountCard, BandChange, PassRun
from tests.cast import Cast, add_account, add_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TODAY = date(2026, 11, 22)
CARD = """id: simple
name: Simple
status: stable
purpose: readiness
applies: state is paying
parts:
  - measure: mrr
    weight: 60
    linear: {worst: 0, best: 1000}
  - measure: pulse
    weight: 40
    words: {green: 100, yellow: 50, red: 0}
caps:
  - {band: red, when: urgent_open >= 1, because: something burns}
"""


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


def on(days: int = 0, accounts: list[Account] | None = None) -> PassRun:
    with mock.patch.object(timezone, "localdate", return_value=TODAY + timedelta(days=days)):
        return passes.start_pass(accounts=None if accounts is None else frozenset(a.pk for a in accounts))


def pays(name: str, mrr: int, colour: str | None = None) -> Account:
    account = add_account(name)
    add_line(account, TODAY - timedelta(days=200), None, mrr)
    if colour:
        says(account, colour, 5)
    return account


def says(account: Account, colour: str, days_ago: int) -> None:
    Pulse.objects.create(account=account, colour=colour, stated_on=TODAY - timedelta(days=days_ago), created_at=timezone.now())


def reprice(account: Account, mrr: int) -> None:
    line = SubscriptionLine.objects.get(account=account)
    line.amount, line.mrr_num = str(mrr), mrr
    line.save()


def card_of(account: Account) -> dict[str, Any]:
    return AccountCard.objects.get(pk=account.pk).facts


def test_what_a_pass_publishes_is_what_the_explanation_says_part_by_part() -> None:
    own.save_definition(None, "scorecard", CARD, "new")
    alder, birch, cedar = pays("Alder", 500, "green"), pays("Birch", 900, "red"), pays("Cedar", 300)
    add_account("Nobody")
    run = on()
    assert (card_of(alder)["score_simple"], card_of(alder)["band_simple"]) == (70.0, "green")
    assert (card_of(birch)["score_simple"], card_of(birch)["band_simple"]) == (54.0, "yellow")
    assert (card_of(cedar)["score_simple"], card_of(cedar)["coverage_simple"]) == (30.0, 0.6)
    for card in AccountCard.objects.all():
        found = why.today(run, card)
        for name, explained in found.items():
            reason = explained.why
            assert reason.score == card.facts.get(f"score_{name}")
            assert explained.band == card.facts.get(f"band_{name}")
            if reason.score is not None:
                assert round(sum(piece.contribution for piece in reason.pieces) + reason.taken, 2) == reason.score
        if card.state != "paying":
            assert not found
            assert "health" not in card.facts
    assert card_of(alder)["health_card"] == "starter", "of this firm no use is known"


def test_the_same_comes_of_a_question_about_the_day_and_of_a_small_pass() -> None:
    alder, birch = pays("Alder", 500, "green"), pays("Birch", 900, "red")
    run = on()
    rows = desk.ask("score_rows", {"dates": (day_number(TODAY),)}, Scope(True), run.pk).to_pylist()
    assert {row["account_id"]: row["score_starter"] for row in rows} == {a.pk: card_of(a).get("score_starter") for a in (alder, birch)}
    before = card_of(birch)
    says(alder, "red", 0)
    small = on(0, [alder])
    assert small.kind == "small"
    assert card_of(birch) == before
    told = card_of(alder)
    on(0)
    assert card_of(alder) == told, "a small pass says what a full one says"
    assert told["score_starter"] < 100


def test_a_band_is_held_from_day_to_day_and_its_change_is_a_row() -> None:
    own.save_definition(None, "scorecard", CARD, "new")
    alder = pays("Alder", 500, "green")
    on()
    assert not BandChange.objects.exists(), "the first band is no change"
    reprice(alder, 460)
    on(1)
    assert (card_of(alder)["score_simple"], card_of(alder)["band_simple"]) == (67.6, "green"), "held"
    reprice(alder, 440)
    for _again in range(2):  # a second pass of a day begins where the day before ended
        on(2)
        assert card_of(alder)["band_simple"] == "yellow"
        assert list(BandChange.objects.filter(card="simple").values_list("on", "before", "band")) == [(TODAY + timedelta(days=2), "green", "yellow")]
    reprice(alder, 460)
    on(2)
    assert card_of(alder)["band_simple"] == "green", "of the day's scores the last counts"
    assert not BandChange.objects.filter(card="simple").exists()
    own.save_definition(None, "scorecard", CARD.replace("best: 1000", "best: 2000"), "stricter", name="simple")
    on(3)
    assert card_of(alder)["band_simple"] == "yellow"
    assert not BandChange.objects.filter(card="simple").exists(), "another card's first band is no change"


def test_a_cap_and_the_way_to_green() -> None:
    own.save_definition(None, "scorecard", CARD, "new")
    alder = pays("Alder", 500, "yellow")
    Ticket.objects.create(account=alder, subject="Fire", priority="urgent", opened_at=timezone.now() - timedelta(days=1), created_at=timezone.now())
    run = on()
    reason = why.today(run, AccountCard.objects.get(pk=alder.pk))["simple"].why
    assert (reason.score, reason.before_caps, reason.taken) == (39.99, 50.0, -10.01)
    assert [cap.because for cap in reason.caps] == ["something burns"]
    better = greener(reason)
    assert better is not None
    assert [cap.because for cap in better.lift if not isinstance(cap, str)] == ["something burns"]
    (step,) = better.steps
    assert (step.piece.leaf.key, step.to, step.adds, better.enough) == ("pulse", "green", 20.0, True), "MRR is nothing that a person moves"


def test_an_earlier_day_knows_nothing_of_later_ones_and_what_moved_sums_to_the_difference() -> None:
    alder = pays("Alder", 500, "green")
    says(alder, "red", 1)
    run = on()
    days = [TODAY - timedelta(days=3), TODAY]
    found = why.at(run, alder.pk, days)
    before, after = (found[day]["starter"].why for day in days)
    assert next(piece.value for piece in before.pieces if piece.leaf.key == "pulse") == "green"
    assert next(piece.value for piece in after.pieces if piece.leaf.key == "pulse") == "red"
    assert before.score is not None
    assert after.score is not None
    assert round(sum(one.delta for one in why.moved(before, after)), 2) == round(after.score - before.score, 2)
    assert why.at(run, alder.pk, [TODAY - timedelta(days=900)])[TODAY - timedelta(days=900)] == {}


def test_segments_and_lists_ask_for_health(cast: Cast) -> None:
    for name, colour in (("Alder", "green"), ("Birch", "red")):
        pays(name, 500, colour)
    own.save_definition(None, "segment", "id: ill\nname: Ill\ncondition: score_starter < 50\n", "new")
    own.save_definition(None, "scorecard", CARD, "new")
    on()
    client = cast.client("admin")
    page = client.get("/accounts/", {"where": "band_simple = green"}).content.decode()
    assert "Alder" in page
    assert "Birch" not in page
    assert client.get("/data/metrics/health/").status_code == 200


def test_a_card_that_reads_itself_or_what_is_not_there_is_refused() -> None:
    wrong = CARD.replace("measure: mrr", "measure: score_simple")
    with pytest.raises(own.Faulty, match="score_simple would be made of itself"):
        own.save_definition(None, "scorecard", wrong, "new")
    with pytest.raises(own.Faulty, match="no measure mmr"):
        own.save_definition(None, "scorecard", CARD.replace("measure: mrr", "measure: mmr"), "new")
    with pytest.raises(own.Faulty, match="of the weight moves before revenue does"):
        own.save_definition(None, "scorecard", CARD.replace("purpose: readiness", "purpose: health").replace("weight: 40", "weight: 10"), "new")
    with pytest.raises(own.Faulty, match="words: pulse is never blue"):
        own.save_definition(None, "scorecard", CARD.replace("red: 0", "blue: 0"), "new")
    own.save_definition(None, "scorecard", CARD, "new")
    other = CARD.replace("id: simple", "id: other").replace("measure: mrr", "measure: score_simple")
    own.save_definition(None, "scorecard", other, "new")
    with pytest.raises(own.Faulty, match="would be made of itself"):
        own.save_definition(None, "scorecard", CARD.replace("measure: mrr", "measure: score_other"), "a circle", name="simple")


def test_the_tab_says_why_and_the_outsider_sees_nothing(cast: Cast) -> None:
    alder = pays("Alder", 500, "yellow")
    on()
    client = cast.client("admin")
    page = client.get(f"/accounts/{alder.pk}/", {"tab": "health", "since": str(TODAY - timedelta(days=60))}).content.decode()
    assert "CSM&#x27;s pulse" in page
    assert "Health" in page
    assert "What would" not in page
    assert cast.client("outsider").get(f"/accounts/{alder.pk}/", {"tab": "health"}).status_code == 404


def test_the_command_prints_the_same() -> None:
    from laer.cli import app

    alder = pays("Alder", 500, "yellow")
    on()
    shown = CliRunner().invoke(app, ["explain", "health", "--account", "Alder", "--format", "json"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert told["score"] == card_of(alder)["health_score"]
    assert round(sum(part["contribution"] for part in told["parts"]) + told["taken_by_caps"], 2) == told["score"]
    plain = CliRunner().invoke(app, ["explain", "starter", "--account", "Alder", "--against", str(TODAY - timedelta(days=2))])
    assert "CSM's pulse" in plain.stdout
    assert "below it" not in plain.stdout
    pays("Birch", 500, "red")
    Account.objects.filter(name="Birch").update(parent=alder)
    on()
    together = CliRunner().invoke(app, ["explain", "health", "--account", "Alder"])
    assert "with the 1 below it: " in together.stdout, together.output
    family = json.loads(CliRunner().invoke(app, ["explain", "health", "--account", "Alder", "--format", "json"]).stdout)["family"]
    scores = [card_of(one)["health_score"] for one in Account.objects.filter(name__in=["Alder", "Birch"])]
    assert family["score"] == round(sum(scores) / 2, 2), "of equal ARR: the mean"
    assert [one["account"] for one in family["accounts"]] == ["Alder", "Birch"]
    wrong = CliRunner().invoke(app, ["explain", "nix", "--account", "Alder"])
    assert wrong.exit_code != 0
    assert "no scorecard 'nix'" in wrong.output


def test_the_page_of_health_counts_bands_and_names_what_changed(cast: Cast) -> None:
    own.save_definition(None, "scorecard", CARD.replace("purpose: readiness", "purpose: health\npriority: 1").replace("measure: mrr", "measure: tickets_open"), "new")
    alder = pays("Alder", 500, "green")
    on()
    assert card_of(alder)["health_card"] == "simple"
    says(alder, "red", -1)
    on(1)
    told = card_of(alder)
    assert BandChange.objects.filter(account=alder, card="simple").exists()
    admin = cast.client("admin")
    page = admin.get("/accounts/health/").content.decode()
    assert "Alder" in page
    assert told["health"] in page
    rows = b"".join(admin.get("/accounts/health/", {"format": "csv"}).streaming_content).decode()
    assert "Alder,Simple," in rows
    assert "Alder" not in cast.client("outsider").get("/accounts/health/").content.decode()
