"""A firm's own measures from its text to the last page: computed by each pass and by replay, asked for in conditions, shown as their own."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.questions import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.web.book import actions
from laer.web.book import definitions as own
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account
from laer.web.people.models import User
from laer.web.runs import desk, passes, snapshots
from laer.web.runs.models import AccountCard, PassRun, SegmentStay
from tests.cast import forget
from tests.standing import stands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

TEXTS = {
    "mrr_per_seat": "id: mrr_per_seat\nname: MRR per seat\nmotion: expand\nbetter: up\nformula: ratio(mrr, seats)\n",
    "seats_used": "id: seats_used\nname: Seats used\nmotion: adopt\nformula: seats - seats_idle\n",
    "busy": "id: busy\nname: Busy\nmotion: adopt\nevent:\n  of: active_day\n  days: 28\n  at_least: 14\n",
    "uses_14d": "id: uses_14d\nname: Uses, 14 days\nmotion: adopt\nevent:\n  of: use\n  days: 14\n",
    "mrr_fell": "id: mrr_fell\nname: MRR, change in 30 days\nmotion: renew\nchange:\n  of: mrr\n  days: 30\n",
    "price_move": "id: price_move\nname: Price move\nmotion: expand\nchange:\n  of: mrr_per_seat\n  days: 60\n  kind: difference\n",
}


def ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


@pytest.fixture
@stands
def book(tmp_path: Path) -> PassRun:
    """Alder had 4 seats for 100 until 50 days ago, and 6 for 150 since; Birch 9 for 90 until 20 days ago, and 6 for 60 since. Cedar has left."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id,account_name,segment\nA-1,Alder,SMB\nA-2,Birch,SMB\nA-3,Cedar,Enterprise\n")
    (folder / "subscriptions.csv").write_text(
        "subscription_id,account_id,start_date,end_date,mrr,currency,seats,plan\n"
        f"S-1,A-1,{ago(400)},{ago(50)},100,USD,4,Basic\nS-1,A-1,{ago(50)},,180,USD,6,Pro\n"
        f"S-2,A-2,{ago(300)},{ago(20)},90,USD,9,Pro\nS-2,A-2,{ago(20)},,60,USD,6,Pro\nS-3,A-3,{ago(500)},{ago(200)},70,USD,,Basic\n"
    )
    usage = [("A-1", day, user, 5) for day in range(1, 60, 2) for user in ("u1", "u2", "u3")] + [("A-2", day, "v1", 4) for day in range(30, 60)] + [("A-2", 3, "v1", 9)]
    lines = "".join(f"U-{i},{account},{ago(day)},{user},search,{count}\n" for i, (account, day, user, count) in enumerate(usage))
    (folder / "usage.csv").write_text("usage_id,account_id,usage_date,user_id,feature_name,usage_count\n" + lines)
    run_import(begin_import([("files", folder)], source="files"))
    for name, text in TEXTS.items():
        own.save_definition(None, "measure", text, "new")
        assert own.current("measure", name) is not None
    forget()
    run = passes.run_waiting_pass()
    assert run is not None
    return run


def facts(run: PassRun, *names: str, on: tuple[date, ...] = (), scope: Scope | None = None) -> dict[tuple[str, int], dict[str, Any]]:
    params = {"dates": tuple(map(day_number, on or (run.as_of,))), "measures": names or None}
    named = dict(Account.objects.values_list("pk", "name"))
    rows = desk.ask("facts", params, scope or Scope(True), run.pk).to_pylist()
    return {(named[row["account_id"]], (run.as_of.toordinal() - 719163) - row["d"]): row for row in rows}


EXPECTED = {
    # account: per seat, seats used (users of 28 days, at most its seats), days with use >= 14, uses of 14 days, MRR against 30 days before, per seat against 60 days before
    "Alder": {"mrr_per_seat": 30.0, "seats_used": 3.0, "busy": True, "uses_14d": 105.0, "mrr_fell": 0.0, "price_move": 5.0},
    "Birch": {"mrr_per_seat": 10.0, "seats_used": 1.0, "busy": False, "uses_14d": 9.0, "mrr_fell": 60 / 90 - 1, "price_move": 0.0},
    "Cedar": {"mrr_per_seat": None, "seats_used": None, "busy": False, "uses_14d": 0.0, "mrr_fell": None, "price_move": None},
}


def said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: pytest.approx(row[name]) if isinstance(row[name], float) else row[name] for name in TEXTS}


def test_a_pass_computes_them_by_hand(book: PassRun) -> None:
    assert {f"measure {name}" for name in TEXTS} <= set(book.position["definitions"])
    kept = {row["account_id"]: row for row in snapshots.read_one(book.pk, "facts").to_pylist()}
    for card in AccountCard.objects.all():
        assert EXPECTED[card.name] == said(kept[card.account_id])
        assert {name: value for name, value in EXPECTED[card.name].items() if value is not None} == {
            name: pytest.approx(card.facts[name]) for name in TEXTS if name in card.facts
        }


def test_a_replay_of_many_dates_is_each_date_alone_and_that_of_the_pass(book: PassRun) -> None:
    days = tuple(ago(back) for back in (0, 10, 35, 70, 130))
    among = facts(book, on=days)
    for day in days:
        back = (book.as_of - day).days
        for (name, _), row in facts(book, *TEXTS, on=(day,)).items():
            assert {key: row[key] for key in TEXTS} == {key: among[name, back][key] for key in TEXTS}
    assert among["Alder", 0]["mrr_per_seat"] == 30.0
    assert among["Alder", 70]["mrr_per_seat"] == 25.0
    assert among["Birch", 35]["uses_14d"] == sum(4 for day in range(35, 49))


def test_a_small_pass_says_the_same(book: PassRun) -> None:
    user = User.objects.create_user("lead@laer.example", None, role="lead")
    alder = Account.objects.get(name="Alder")
    actions.edit_field(user, "accounts", alder.pk, "industry", "Food")
    small = passes.run_waiting_pass()
    assert small is not None
    assert small.kind == "small"
    before, after = (sorted(snapshots.read_one(run.pk, "facts").select(["account_id", *TEXTS]).to_pylist(), key=lambda r: r["account_id"]) for run in (book, small))
    assert before == after
    assert {row["uses_14d"] for row in after} == {105.0, 9.0, 0.0}


def test_conditions_segments_lists_and_the_command_know_them(book: PassRun, client: Any) -> None:
    own.save_definition(None, "segment", "id: cheap\nname: Cheap\ncondition: mrr_per_seat < 20\n", "new")
    run = passes.run_waiting_pass()
    assert run is not None
    assert list(SegmentStay.objects.filter(segment="cheap").values_list("account__name", flat=True)) == ["Birch"]
    client.force_login(User.objects.create_user("lead@laer.example", None, role="lead"), backend="allauth.account.auth_backends.AuthenticationBackend")
    forget()
    page = client.get("/accounts/", {"where": "mrr_per_seat >= 20 and busy"})
    assert [row["name"] for row in page.context["rows"]] == ["Alder"]
    assert "MRR per seat" in page.content.decode()
    assert [row["name"] for row in client.get("/accounts/", {"where": "mrr_per_seat rose by 10 % in 60 d"}).context["rows"]] == ["Alder"]
    page = client.get("/data/metrics/?q=mrr_per_seat")
    (row,) = (row for group in page.context["groups"] for row in group["rows"])
    assert (row["own"], row["unit"], row["known"]) == (True, "per month per seat", 2)
    assert client.get("/data/metrics/mrr_per_seat/").status_code == 200
    assert client.get("/data/metrics/mrr_per_seat/months/").context["rows"][-1]["n"] == 2
    tab = client.get(f"/accounts/{Account.objects.get(name='Alder').pk}/?tab=facts").content.decode()
    assert "MRR per seat" in tab
    done = CliRunner().invoke(app, ["facts", "--measure", "mrr_per_seat", "--where", "busy", "--format", "json"])
    assert [(row["account"], row["mrr_per_seat"]) for row in json.loads(done.stdout)] == [("Alder", 30.0)]


def test_a_segment_is_another_one_when_a_measure_that_it_reads_means_something_else(book: PassRun) -> None:
    own.save_definition(None, "segment", "id: cheap\nname: Cheap\ncondition: mrr_per_seat < 20\n", "new")
    passes.run_waiting_pass()
    own.save_definition(None, "measure", TEXTS["mrr_per_seat"].replace("ratio(mrr, seats)", "ratio(seats, mrr)"), "the other way round", name="mrr_per_seat")
    passes.run_waiting_pass()
    stays = set(SegmentStay.objects.filter(segment="cheap").values_list("account__name", "begins_base", "ends_base", "until_on"))
    assert stays == {("Birch", True, False, None), ("Alder", True, False, None)}


def test_one_that_is_newer_than_the_run_waits_for_the_next_pass(book: PassRun, client: Any) -> None:
    own.save_definition(None, "measure", "id: late\nname: Late\nformula: seats + seats\n", "new")
    with pytest.raises(QuestionFault, match="no measure late"):
        facts(book, "late")
    client.force_login(User.objects.create_user("lead@laer.example", None, role="lead"), backend="allauth.account.auth_backends.AuthenticationBackend")
    forget()
    page = client.get("/data/metrics/?q=late")
    (row,) = (row for group in page.context["groups"] for row in group["rows"] if row["id"] == "late")
    assert row["missing"]["text"] == "the next pass computes it"
    assert client.get("/data/metrics/late/").status_code == 200
    assert client.get("/data/metrics/late/months/").status_code == 200
    assert passes.run_waiting_pass() is not None
    forget()
    assert facts(passes.latest_run(), "late")["Alder", 0]["late"] == 12.0  # type: ignore[arg-type]


def test_a_measure_that_another_one_needs_can_be_retired_and_is_said(book: PassRun) -> None:
    own.save_definition(None, "measure", own.with_status(TEXTS["mrr_per_seat"], "retired"), "no more", name="mrr_per_seat")
    run = passes.run_waiting_pass()
    assert run is not None
    assert [note.partition(":")[0] for note in run.notes] == ["measure price_move was left out"]
    assert "price_move" not in snapshots.read_one(run.pk, "facts").column_names
