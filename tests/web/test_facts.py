"""Facts of the book: published with each pass, the same from a small pass as from a full one, and asked for at past dates."""

from __future__ import annotations

import json
import statistics
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.web import home
from laer.web.book import actions, queries
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, AccountMetric, Assignment, Contact, Discount
from laer.web.people.models import Person, User
from laer.web.runs import desk, passes, snapshots
from laer.web.runs.models import AccountCard, PassRun
from laer.web.work import touches
from laer.web.work.writing import undo_work
from tests.standing import stands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


@pytest.fixture
@stands
def book(tmp_path: Path) -> PassRun:
    """Three customers: one grows and uses, one shrinks and writes tickets, one has left. Usage names users."""
    tmp_path = tmp_path / "files"
    tmp_path.mkdir()
    (tmp_path / "accounts.csv").write_text("account_id,account_name,segment\nA-1,Alder,SMB\nA-2,Birch,SMB\nA-3,Cedar,Enterprise\n")
    (tmp_path / "subscriptions.csv").write_text(
        "subscription_id,account_id,start_date,end_date,mrr,currency,seats,plan\n"
        f"S-1,A-1,{ago(400)},{ago(50)},100,USD,4,Basic\nS-1,A-1,{ago(50)},,150,USD,6,Pro\n"
        f"S-2,A-2,{ago(300)},{ago(20)},90,USD,9,Pro\nS-2,A-2,{ago(20)},,60,USD,6,Pro\nS-3,A-3,{ago(500)},{ago(200)},70,USD,,Basic\n"
    )
    usage = [(1, day, user, 5) for day in range(1, 60, 2) for user in ("u1", "u2", "u3")] + [(2, day, "v1", 4) for day in range(30, 60)] + [(2, 3, "v1", 9)]
    (tmp_path / "usage.csv").write_text(
        "usage_id,account_id,usage_date,user_id,feature_name,usage_count\n"
        + "U-old,A-1,1900-01-01,u9,search,7\n"  # a slip of a spreadsheet stops no pass
        + "".join(f"U-{i},A-{account},{ago(day)},{user},search,{count}\n" for i, (account, day, user, count) in enumerate(usage))
    )
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,account_id,submitted_at,closed_at,priority,satisfaction_score\n"
        f"T-1,A-2,{ago(12)} 09:00,,urgent,\nT-2,A-2,{ago(40)} 09:00,{ago(30)} 10:00,low,2\nT-3,A-2,{ago(95)} 09:00,{ago(94)} 10:00,low,5\n"
    )
    run_import(begin_import([("files", tmp_path)], source="files"))
    done = passes.run_waiting_pass()
    assert done is not None
    return done


@pytest.fixture
def lead() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    return client


def known(name: str) -> dict[str, Any]:
    return AccountCard.objects.get(name=name).facts


def asked(run: PassRun, *days: date, **more: Any) -> dict[tuple[int, date], dict[str, Any]]:
    scope = more.pop("scope", Scope(True))
    rows = desk.ask("facts", {"dates": tuple(map(day_number, days)), **more}, scope, run.pk).to_pylist()
    return {(row["account_id"], date(1970, 1, 1) + timedelta(days=row["d"])): row for row in rows}


def test_a_pass_publishes_what_is_known(book: PassRun) -> None:
    alder, birch, cedar = known("Alder"), known("Birch"), known("Cedar")
    assert (alder["mrr"], alder["arr"], alder["expansion_90d"], alder["seats"], alder["plan"]) == (150.0, 1800.0, 50.0, 6.0, "Pro")
    assert (alder["active_users_28d"], alder["active_users_7d"], alder["usage_28d"], alder["seat_use"]) == (3.0, 3.0, 14 * 3 * 5.0, 0.5)
    assert (birch["mrr"], birch["contraction_90d"], birch["active_users_28d"], birch["last_used_on"]) == (60.0, 30.0, 1.0, str(ago(3)))
    assert (birch["tickets_90d"], birch["tickets_open"], birch["urgent_open"], birch["ticket_csat_90d"], birch["days_to_close_90d"]) == (2.0, 1.0, 1.0, 2.0, 10.0)
    assert (cedar["mrr"], cedar["churn_365d"], cedar["usage_28d"], cedar["tickets_90d"]) == (0.0, 70.0, 0.0, 0.0)


def test_what_no_source_tells_is_unknown_and_never_zero(book: PassRun) -> None:
    for name in ("Alder", "Birch", "Cedar"):
        assert not {"nps_latest", "pulse", "touches_45d", "deals_open", "leaves", "renewal_on"} & known(name).keys()
    assert "ticket_csat_90d" not in known("Alder")


def test_a_small_pass_finds_what_a_full_one_finds(book: PassRun) -> None:
    before = {card.account_id: card.facts for card in AccountCard.objects.all()}
    user = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    for account in Account.objects.all():
        actions.edit_field(user, "accounts", account.pk, "industry", "Retail")
    small = passes.run_waiting_pass()
    assert small is not None
    assert small.kind == "small"
    assert {card.account_id: card.facts for card in AccountCard.objects.all()} == before
    assert passes.start_pass().counts["cards"] == 0


def test_past_dates_are_asked_of_the_newest_run(book: PassRun) -> None:
    ids = dict(Account.objects.values_list("name", "pk"))
    rows = asked(book, ago(250), ago(60), ago(0))
    assert (rows[ids["Alder"], ago(60)]["mrr"], rows[ids["Alder"], ago(0)]["mrr"], rows[ids["Cedar"], ago(250)]["state"]) == (100.0, 150.0, "paying")
    assert (rows[ids["Birch"], ago(60)]["tickets_open"], rows[ids["Birch"], ago(60)]["ticket_csat_90d"]) == (0.0, 5.0)  # T-2 was still to come
    assert rows[ids["Birch"], ago(250)]["tickets_90d"] is None  # no ticket of anybody was there yet
    tonight = {key[0]: row for key, row in rows.items() if key[1] == ago(0)}
    for card in AccountCard.objects.all():
        assert {name: value for name, value in tonight[card.account_id].items() if name in card.facts and not name.endswith("_on")} == {
            name: value for name, value in card.facts.items() if not name.endswith("_on") and "__" not in name  # what cards read of windows and peers
        }


def test_a_past_date_is_answered_with_the_usage_that_the_run_saw(book: PassRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage of the past that comes in later, and usage that is taken out, change no figure of a run that is there."""
    ids = dict(Account.objects.values_list("name", "pk"))
    before = asked(book, ago(20), measures=("usage_28d", "active_users_28d"))
    late = tmp_path / "usage_late.csv"
    late.write_text(f"usage_id,account_id,usage_date,user_id,feature_name,usage_count\nL-1,A-2,{ago(25)},v7,search,1000\n")
    run_import(begin_import([(late.name, late)], source="files"))
    monkeypatch.setattr(desk, "_desk", Desk(snapshots.open_run))  # nothing remembered
    assert asked(book, ago(20), measures=("usage_28d", "active_users_28d")) == before
    after = passes.run_waiting_pass()
    assert after is not None
    rows = asked(after, ago(20), measures=("usage_28d", "active_users_28d"))
    assert rows[ids["Birch"], ago(20)]["usage_28d"] == before[ids["Birch"], ago(20)]["usage_28d"] + 1000
    assert rows[ids["Birch"], ago(20)]["active_users_28d"] == 2.0
    snapshots.rollups().forget()  # of a home that was restored: what the lake holds is rolled up anew
    monkeypatch.setattr(desk, "_desk", Desk(snapshots.open_run))
    assert asked(book, ago(20), measures=("usage_28d", "active_users_28d")) == rows


def test_a_part_of_the_book_at_an_old_date_knows_that_the_firm_sent_usage_then(book: PassRun, tmp_path: Path) -> None:
    """The usage lies further back than tonight's facts read."""
    old = tmp_path / "usage_old.csv"
    old.write_text(f"usage_id,account_id,usage_date,user_id,feature_name,usage_count\nO-1,A-1,{ago(452)},w1,search,3\n")
    run_import(begin_import([(old.name, old)], source="files"))
    run = passes.run_waiting_pass()
    assert run is not None
    cedar = Account.objects.get(name="Cedar").pk
    part = {"measures": ("usage_28d",), "scope": Scope(False, frozenset({cedar}))}
    assert asked(run, ago(450), **part)[cedar, ago(450)]["usage_28d"] == 0.0
    assert asked(run, ago(400), **part)[cedar, ago(400)]["usage_28d"] is None  # 52 days without any row of the firm


def test_a_scope_bounds_the_answer_and_changes_no_value(book: PassRun) -> None:
    ids = dict(Account.objects.values_list("name", "pk"))
    whole = asked(book, ago(0))
    part = asked(book, ago(0), scope=Scope(False, frozenset({ids["Birch"]})))
    assert part == {key: row for key, row in whole.items() if key[0] == ids["Birch"]}
    assert asked(book, ago(0), accounts=(ids["Alder"],), scope=Scope(False, frozenset({ids["Birch"]}))) == {}
    narrow = asked(book, ago(0), measures=("tickets_90d",), scope=Scope(False, frozenset({ids["Alder"]})))
    assert narrow[ids["Alder"], ago(0)]["tickets_90d"] == 0.0  # the firm's tickets cover the day, though none of this scope is there


def test_what_cannot_be_asked_is_refused_in_words(book: PassRun) -> None:
    with pytest.raises(QuestionFault, match="no measure wealth; there are mrr, "):
        asked(book, ago(0), measures=("wealth",))
    with pytest.raises(QuestionFault, match="facts are known up to"):
        asked(book, ago(-1))


def test_facts_of_whole_passes_stay_in_the_lake(book: PassRun) -> None:
    passes.start_pass(as_of=ago(100))
    there = {path.relative_to(home.lake() / "facts").as_posix() for path in (home.lake() / "facts").rglob("*.parquet")}
    assert there == {f"{ago(0)}/live.parquet", f"{ago(100)}/back-filled.parquet"}
    past = pq.read_table(home.lake() / "facts" / f"{ago(100)}" / "back-filled.parquet").to_pylist()
    again = asked(book, ago(100))
    assert {(row["account_id"], row["mrr"], row["tickets_90d"], row["usage_28d"]) for row in past} == {
        (row["account_id"], row["mrr"], row["tickets_90d"], row["usage_28d"]) for row in again.values()
    }


def test_a_run_of_before_knows_no_facts_and_says_so(book: PassRun) -> None:
    for name in ("existing", "facts"):
        (snapshots.folder_of(book.pk) / f"{name}.parquet").unlink()
    snapshots._opened.cache_clear()
    with pytest.raises(QuestionFault, match="before facts were kept"):
        asked(book, ago(0), measures=("mrr",))


def test_the_command_prints_them(book: PassRun) -> None:
    def said(*options: str) -> str:
        done = CliRunner().invoke(app, ["facts", *options])
        assert done.exit_code == 0, done.output
        return done.output

    rows = {row["account"]: row for row in json.loads(said("--format", "json", "--measure", "mrr", "--measure", "last_used_on", "--measure", "nps_latest"))}
    assert (rows["Alder"]["mrr"], rows["Birch"]["last_used_on"], rows["Birch"]["nps_latest"]) == (150.0, str(ago(3)), None)
    assert "mrr,segment" in said("--format", "csv", "--measure", "mrr", "--measure", "segment").splitlines()[0]
    one = said("--account", "Birch")
    assert "Birch as of" in one
    assert any(line.split()[:2] == ["tickets_90d", "2"] for line in one.splitlines())
    assert any(line.split()[:2] == ["nps_latest", "-"] for line in one.splitlines())
    assert "3 accounts as of" in said()
    for options, words in (("--account", "Nobody"), "no account of that name"), (("--as-of", "tomorrow"), "expected a date as YYYY-MM-DD"), (("--measure", "x"), "no measure x"):
        done = CliRunner().invoke(app, ["facts", *options])
        assert done.exit_code == 2
        assert words in done.output


def test_a_touch_is_known_within_the_next_small_pass(book: PassRun) -> None:
    user = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    alder = Account.objects.get(name="Alder")
    __, change = touches.log_touch(user, alder.pk, {"kind": "call", "minutes": "25", "direction": "in"})
    small = passes.run_waiting_pass()
    assert small is not None
    assert small.kind == "small"
    today = str(ago(0))
    assert {name: known("Alder")[name] for name in ("touches_45d", "minutes_90d", "last_touch_on", "reached_us_on", "last_meeting_on")} == {
        "touches_45d": 1.0, "minutes_90d": 25.0, "last_touch_on": today, "reached_us_on": today, "last_meeting_on": today,
    }  # fmt: skip
    passes.start_pass()
    assert known("Birch")["touches_45d"] == 0.0  # touches are logged here now, and this account had none
    undo_work(user, change.pk)
    passes.run_waiting_pass()
    assert "last_touch_on" not in known("Alder")


def test_the_months_of_a_measure_are_those_of_its_facts(book: PassRun) -> None:
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    page = client.get("/data/metrics/mrr/months/")
    assert page.status_code == 200
    rows, data = page.context["rows"], page.context["data"]
    assert len(rows) == 13
    assert (rows[-1]["day"], rows[-1]["n"], rows[-1]["accounts"]) == (ago(0), 3, 3)
    assert data["series"][0]["values"][-1] == 60.0  # of 150, 60 and 0
    then = [row["mrr"] for row in asked(book, rows[3]["day"], measures=("mrr",)).values()]
    assert data["series"][0]["values"][3] == statistics.median(then)
    assert client.get("/data/metrics/leaves/months/").context["data"] is None  # no source says it
    assert "known of no account" in client.get("/data/metrics/leaves/months/").content.decode()
    for none in ("plan", "renewal_on"):
        assert "Words and days have no middle" in client.get(f"/data/metrics/{none}/months/").content.decode()
    assert client.get("/data/metrics/nothing/months/").status_code == 404


def test_the_months_are_of_the_accounts_in_scope(book: PassRun) -> None:
    user = User.objects.create_user("member@laer.example", "long enough to pass", role="member")
    person = Person.objects.create(name="Mia", user=user, created_at=timezone.now())
    Assignment.objects.create(account=Account.objects.get(name="Birch"), person=person, job="csm", created_at=timezone.now())
    client = Client()
    client.force_login(user)
    page = client.get("/data/metrics/mrr/months/")
    assert [(row["accounts"], row["n"]) for row in page.context["rows"]][-1] == (1, 1)
    assert page.context["data"]["series"][0]["values"][-1] == 60.0


def test_the_pages_of_metrics_open_on_a_book_without_a_history(book: PassRun) -> None:
    """What an account always was (its segment) begins before every calendar: such a day was once no date."""
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    for page in ("/data/metrics/", "/data/metrics/?known=unknown", "/data/metrics/region/", "/data/metrics/pulse/", "/data/metrics/mrr/", "/data/metrics/segment/"):
        assert client.get(page).status_code == 200, page


def test_a_line_whose_place_another_took_counts_no_longer_on_the_account_page(tmp_path: Path) -> None:
    for number, row in enumerate(("A,S1,2026-01-01,,100.10", "A,S1,2026-05-01,,60.06")):
        (tmp_path / f"{number}.csv").write_text(f"Account ID,Subscription ID,Start,End,MRR\n{row}\n")
        run_import(begin_import([(f"{number}.csv", tmp_path / f"{number}.csv")], source="billing"))
    passes.run_waiting_pass()
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    account = Account.objects.get()
    (shown,) = queries.subscriptions(account.pk, ago(0)).rows
    assert str(shown["mrr"]) == "60.06"
    assert [(step["change"], step["end_on"]) for step in shown["history"]] == [("contraction", None), ("new", date(2026, 5, 1))]
    assert client.get(f"/accounts/{account.pk}/?tab=subscriptions").status_code == 200


def test_a_list_with_renewal_dates_that_are_past_renews_nothing(tmp_path: Path) -> None:
    """Its amounts were there before the list was: the list's day is no signature, and nobody signed late."""
    (tmp_path / "customers.csv").write_text(f"Name,CSM,ARR,Renewal date\nOne,Al,1200,{ago(48)}\nTwo,Bo,2400,{ago(33)}\nThree,Bo,3600,{ago(-100)}\n")
    run_import(begin_import([("customers.csv", tmp_path / "customers.csv")], source="crm", file_date=ago(21)))
    run = passes.run_waiting_pass()
    assert run is not None
    states = {row["state"] for row in desk.ask("renewals", {"account": None}, Scope(True), run.pk)}
    assert states == {"unresolved", "due"}
    assert sum(card.mrr_minor for card in AccountCard.objects.all()) == 60_000  # and everything still counts


@pytest.mark.parametrize(
    ("where", "found", "unknown"),
    [
        ("mrr rose by 10 % in 60 d", ["Alder"], 1),  # Cedar had nothing 60 days ago, and a change from nothing is none
        ("mrr fell by 20 in 30 d", ["Birch"], 0),
        ("ticket at least 1 time in 20 d", ["Birch"], 0),
        ("any open_ticket and mrr < 100", ["Birch"], 0),
        ("no use in 25 d", ["Cedar"], 0),
        ("tickets_open >= 1 for 7 d", ["Birch"], 0),
        ("no touch in 45 d", [], 3),  # nobody has ever logged one
        ("not (no touch in 45 d)", [], 3),
    ],
)
def test_a_list_is_narrowed_by_what_changed_lasted_or_happened(book: PassRun, lead: Client, where: str, found: list[str], unknown: int) -> None:
    page = lead.get("/accounts/", {"where": where, "sort": "name"})
    assert page.context["where"]["faults"] == []
    assert [row["name"] for row in page.context["rows"]] == found
    assert page.context["where"]["unknown"] == unknown
    said = CliRunner().invoke(app, ["facts", "--format", "json", "--where", where])
    assert said.exit_code == 0, said.output
    assert [row["account"] for row in json.loads(said.stdout)] == found


def test_who_logs_a_touch_ends_the_silence(book: PassRun, lead: Client) -> None:
    birch = Account.objects.get(name="Birch")
    touches.log_touch(User.objects.get(email="lead@laer.example"), birch.pk, {"kind": "call"})
    assert passes.run_waiting_pass() is not None
    page = lead.get("/accounts/", {"where": "not (no call in 1 d)"})
    assert [row["name"] for row in page.context["rows"]] == ["Birch"]


def test_whom_a_touch_reached_counts_from_a_small_pass_on(book: PassRun, lead: Client) -> None:
    alder = Account.objects.get(name="Alder")
    now = timezone.now()
    champion, other = (Contact.objects.create(account=alder, name=name, role=role, created_at=now) for name, role in (("Ana", "Champion"), ("Cem", None)))
    passes.start_pass()
    assert (known("Alder")["champions"], known("Birch")["champions"]) == (1.0, 0.0)
    assert not {"champion_live", "contacts_60d"} & known("Alder").keys()  # nobody has noted whom they met
    user = User.objects.get(email="lead@laer.example")
    touches.log_touch(user, alder.pk, {"kind": "call", "at": now.isoformat()}, [other.pk])
    small = passes.run_waiting_pass()
    assert small is not None
    assert small.kind == "small"
    assert (known("Alder")["contacts_60d"], known("Alder")["champion_live"]) == (1.0, False)
    page = lead.get("/accounts/", {"where": "any champion without touch in 30 d"})
    assert page.context["rows"] == []  # touches are known since today only: whom they reached before, nobody can say
    touches.log_touch(user, alder.pk, {"kind": "mail", "at": (now - timedelta(days=40)).isoformat()}, [champion.pk])
    passes.run_waiting_pass()
    assert known("Alder")["champion_live"] is True
    before = known("Alder")
    passes.start_pass()
    assert known("Alder") == before
    page = lead.get("/accounts/", {"where": "any champion without touch in 30 d"})  # what a source covers is learnt by whole passes
    assert [row["name"] for row in page.context["rows"]] == ["Alder"]


def test_a_limit_beside_a_number_and_a_discount_are_read_of_the_book(book: PassRun) -> None:
    alder, now = Account.objects.get(name="Alder"), timezone.now()
    for name, value in (("API calls", "850"), ("API_Calls limit", "1000"), ("Other", "7")):
        AccountMetric.objects.create(account=alder, day=ago(3), name=name, value=value, created_at=now)
    Discount.objects.create(account=alder, start_on=ago(30), end_on=ago(-60), created_at=now)
    passes.start_pass()
    assert (known("Alder")["limit_use"], known("Alder")["limits_near"], known("Alder")["plan_fit"]) == (0.85, 1.0, "tight")
    assert (known("Alder")["discount_ends_on"], known("Birch")["discounts_in_force"]) == (str(ago(-60)), 0.0)
    assert "limit_use" not in known("Birch")
