"""The lab from the question to the adopted card: asked for, done by the worker, said with its basis, kept beside the definition, for the whole book only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from laer.cycle.lab import grid
from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import date_of, day_number
from laer.web import home
from laer.web.book import definitions
from laer.web.book.models import Definition, Ticket
from laer.web.people.models import User
from laer.web.people.roles import Refused
from laer.web.runs import desk, jobs, lab, passes, snapshots
from laer.web.runs.models import Job, LabReplay
from tests.web.test_likelihoods import firm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
PAIN = """id: pain
name: Pain
status: stable
purpose: readiness
applies: state is paying
parts:
  - measure: ticket_pain
    weight: 60
    linear: {worst: 12, best: 0}
  - measure: mrr
    weight: 40
    linear: {worst: 0, best: 900}
"""
SIZE = PAIN.replace("weight: 60", "weight: 1").replace("weight: 40", "weight: 99")


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def admin(client: Client) -> User:
    user = User.objects.create_user("admin@example.com", role="admin")
    client.force_login(user)
    return user


def ready(folder: Path, accounts: int = 90, *, signal: bool = True) -> None:
    definitions.save_definition(None, "scorecard", PAIN, "for the test")
    firm(folder, accounts, signal=signal)


def test_a_card_is_asked_for_replayed_and_said(admin: User, client: Client, tmp_path: Path) -> None:
    assert "No pass has run yet" in client.get("/lab/").content.decode()
    ready(tmp_path / "files")
    answer = client.post("/lab/ask/", {"card": "pain", "months": "24", "horizon": "90", "outcome": "churn"})
    row = LabReplay.objects.get()
    assert answer["Location"] == f"/lab/{row.pk}/"
    assert "the page follows by itself" in client.get(f"/lab/{row.pk}/").content.decode()
    assert jobs.work_once(jobs.Worker(beside=True))
    row.refresh_from_db()
    assert row.error == ""
    assert row.result is not None
    side = row.result["champion"]
    assert side["verdict"] == "usable"  # tickets come before a third of them leave
    assert side["area"]["auc"] > 0.75
    assert {one["basis"] for one in side["months"][:-1]} == {"back-filled"}
    page = client.get(f"/lab/{row.pk}/").content.decode()
    assert "It would have seen it coming better than chance" in page
    assert "Basis: back-filled" in page
    assert "Calibration by band" in page
    for of, rows in (("missed", len(side["missed"])), ("bands", 3), ("months", 24), ("parts", 2)):
        file = b"".join(client.get(f"/lab/{row.pk}/?of={of}&format=csv")).decode()
        assert len(file.splitlines()) == 1 + rows
    assert "Pain" in client.get("/lab/").content.decode()
    alone = {one["key"]: one["alone"]["auc"] for one in side["parts"]}
    assert alone["ticket_pain"] > 0.75
    assert 0.3 < alone["mrr"] < 0.7


def test_on_noise_it_says_that_there_is_no_usable_signal(admin: User, client: Client, tmp_path: Path) -> None:
    ready(tmp_path / "files", 120, signal=False)
    row = lab.ask(admin, "pain")
    lab.do(row.pk)
    row.refresh_from_db()
    assert row.result is not None
    assert row.result["champion"]["verdict"] != "usable"
    page = client.get(f"/lab/{row.pk}/").content.decode()
    assert "No usable signal" in page or "It says the contrary" in page


def test_a_challenger_is_compared_and_adopted_with_its_evidence(admin: User, client: Client, tmp_path: Path) -> None:
    ready(tmp_path / "files")
    posted = {"card": "pain", "months": "24", "horizon": "90", "outcome": "churn", "challenge": "1"}
    same = client.post("/lab/ask/", posted | {"draft": PAIN})
    assert same.status_code == 422
    assert "change something to compare" in same.content.decode()
    wrong = client.post("/lab/ask/", posted | {"draft": PAIN.replace("ticket_pain", "ticket_pane")})
    assert wrong.status_code == 422
    assert "ticket_pane" in wrong.content.decode()
    client.post("/lab/ask/", posted | {"draft": SIZE})
    jobs.work_once(jobs.Worker(beside=True))
    row = LabReplay.objects.get()
    assert row.result is not None
    assert row.result["compared"]["verdict"] == "worse"
    assert "It is worse" in client.get(f"/lab/{row.pk}/").content.decode()
    assert Definition.objects.get(kind="scorecard", name="pain", in_force=True).version == 1  # nothing is in force by being tried
    client.post(f"/lab/{row.pk}/adopt/", {"reason": "size is what counts"})
    held = Definition.objects.get(kind="scorecard", name="pain", in_force=True)
    assert (held.version, held.text, held.reason) == (2, SIZE, "size is what counts")
    row.refresh_from_db()
    assert (row.adopted_version, row.adopted_by) == (2, admin)
    assert "Adopted as version 2" in client.get(f"/lab/{row.pk}/").content.decode()
    with pytest.raises(Refused, match="adopted already"):
        lab.adopt(admin, row.pk, "again")


def test_what_was_overtaken_is_not_adopted(admin: User, tmp_path: Path) -> None:
    ready(tmp_path / "files", 40)
    row = lab.ask(admin, "pain", SIZE)
    lab.do(row.pk)
    definitions.save_definition(admin, "scorecard", PAIN.replace("weight: 60", "weight: 50"), "meanwhile", name="pain")
    with pytest.raises(Refused, match="Version 2 is in force meanwhile"):
        lab.adopt(admin, row.pk, "too late")
    assert Definition.objects.get(kind="scorecard", name="pain", in_force=True).version == 2


def test_the_past_does_not_see_what_came_later(admin: User, tmp_path: Path) -> None:
    """Tickets that are opened after a month end change no score of it, only later ones."""
    ready(tmp_path / "files", 60)
    before = lab.of_run(passes.latest_run(), "pain", None).as_dict()  # type: ignore[arg-type]
    cut = date_of(grid(day_number(timezone.localdate()), 6)[0])
    late = Ticket.objects.filter(opened_at__date__gt=cut)
    assert late.exists()
    late.update(archived_at=timezone.now())
    passes.start_pass()
    after = lab.of_run(passes.latest_run(), "pain", None).as_dict()  # type: ignore[arg-type]
    asked = ("day", "known", "green", "yellow", "red")
    rows = [[tuple(one[name] for name in asked) for one in found["champion"]["months"]] for found in (before, after)]
    past = [place for place, one in enumerate(rows[0]) if one[0] <= str(cut)]
    assert len(past) == 19
    assert [rows[0][place] for place in past] == [rows[1][place] for place in past]
    assert rows[0] != rows[1]


def test_scores_that_a_pass_kept_are_taken_as_shown_then(admin: User, tmp_path: Path) -> None:
    ready(tmp_path / "files", 40)
    run = passes.latest_run()
    assert run is not None
    day = grid(day_number(run.as_of), 24)[-6]
    ids = [int(one) for one in desk.ask("facts", {"dates": (day,), "measures": ("mrr",)}, Scope(True), run.pk)["account_id"].to_pylist()]
    folder = home.lake() / "facts" / f"{date_of(day - 4)}"  # pages still showed it at the month's end
    folder.mkdir(parents=True)
    table = {"account_id": pa.array(ids, pa.int64()), "score_pain": [12.5] * len(ids), "band_pain": ["red"] * len(ids), "coverage_pain": [1.0] * len(ids)}
    pq.write_table(pa.table(table), folder / "live.parquet")
    older = home.lake() / "facts" / f"{date_of(day - 9)}"
    older.mkdir()
    pq.write_table(pa.table(table | {"band_pain": ["green"] * len(ids)}), older / "live.parquet")
    side = lab.of_run(run, "pain", None).as_dict()["champion"]
    assert side["shown"] == 1, "what was kept after a month's end, or more than a month before it, says nothing of it"
    month = next(one for one in side["months"] if one["basis"] == "shown")
    assert (month["day"], month["red"]) == (str(date_of(day)), month["paying"])


def test_a_likelihood_of_a_past_day_is_what_a_pass_had_said_by_then(admin: User, tmp_path: Path) -> None:
    ready(tmp_path / "files", 40)
    run = passes.latest_run()
    assert run is not None
    day = day_number(run.as_of) - 100
    folder = home.lake() / "facts" / f"{date_of(day)}"
    folder.mkdir(parents=True)
    asked = {"dates": tuple(day + n for n in (-1, 0, 30, 31)), "measures": ("mrr", "churn_likelihood_90d")}
    one = desk.ask("facts", asked, Scope(True), run.pk)["account_id"].to_pylist()[0]
    pq.write_table(pa.table({"account_id": pa.array([one], pa.int64()), "churn_likelihood_90d": [0.25]}), folder / "live.parquet")
    rows = Desk(snapshots.open_run).ask("facts", asked, Scope(True), run.pk).to_pylist()
    told = {row["d"] - day: row["churn_likelihood_90d"] for row in rows if row["account_id"] == one}
    assert told == {-1: None, 0: 0.25, 30: 0.25, 31: None}
    others = Desk(snapshots.open_run).ask("facts", asked, Scope(False, frozenset([one + 1])), run.pk)
    assert one not in others["account_id"].to_pylist()


def test_who_does_not_see_the_whole_book_sees_no_lab(client: Client, tmp_path: Path) -> None:
    ready(tmp_path / "files", 30)
    run = passes.latest_run()
    assert run is not None
    with pytest.raises(QuestionFault, match="whole book"):
        desk.ask("replay", {"card": "pain"}, Scope(False, frozenset([1])), run.pk)
    row = lab.ask(None, "pain")
    for role, status in (("member", 403), ("viewer", 403), ("finance", 200), ("lead", 200)):
        client.force_login(User.objects.create_user(f"{role}@example.com", role=role))
        assert client.get("/lab/").status_code == status
        assert client.get(f"/lab/{row.pk}/").status_code == status
        assert ('href="/lab/"' in client.get("/accounts/").content.decode()) == (status == 200)
        assert client.post("/lab/ask/", {"card": "pain", "months": "12", "horizon": "90", "outcome": "churn"}).status_code == (302 if role == "lead" else 403)
    assert client.post(f"/lab/{row.pk}/adopt/", {"reason": "x"}).status_code in (302, 403)
    assert Definition.objects.get(kind="scorecard", name="pain", in_force=True).version == 1


def test_faults_are_named(admin: User, tmp_path: Path) -> None:
    ready(tmp_path / "files", 30)
    run = passes.latest_run()
    assert run is not None
    for params, words in (
        ({"card": "pian"}, "no scorecard 'pian' in use"), ({"card": "pain", "draft": "id: pain\n"}, "the draft has faults"),
        ({"card": "pain", "draft": SIZE.replace("id: pain", "id: other")}, "an id never changes"), ({"card": "pain", "months": 0}, "months: found 0"),
        ({"card": "pain", "horizon": 900}, "horizon: found 900"), ({"card": "pain", "outcome": "joy"}, "expected one of churn, contraction"),
    ):  # fmt: skip
        with pytest.raises(QuestionFault, match=words):
            desk.ask("replay", params, Scope(True), run.pk)


def test_the_command_says_the_same(admin: User, tmp_path: Path) -> None:
    from laer.cli import app

    assert CliRunner().invoke(app, ["lab", "pain"]).exit_code == 1
    ready(tmp_path / "files", 60)
    draft = tmp_path / "draft.yaml"
    draft.write_text(SIZE)
    told = CliRunner().invoke(app, ["lab", "pain", "--draft", str(draft), "--months", "18", "--format", "json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    run = passes.latest_run()
    assert run is not None
    same = lab.of_run(run, "pain", SIZE, months=18).as_dict()
    assert found["compared"] == json.loads(json.dumps(same["compared"]))
    assert len(found["dates"]) == 18
    assert "challenger (draft)" in CliRunner().invoke(app, ["lab", "pain", "--draft", str(draft)]).stdout
    assert "no such file" in CliRunner().invoke(app, ["lab", "pain", "--draft", "nowhere.yaml"]).output
    assert "no scorecard" in CliRunner().invoke(app, ["lab", "pian"]).output


def test_a_replay_is_done_once_and_old_ones_go(admin: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(tmp_path / "files", 30)
    monkeypatch.setattr(lab, "KEPT", 2)
    first = lab.ask(admin, "pain")
    lab.do(first.pk)
    done = LabReplay.objects.get(pk=first.pk).done_at
    lab.do(first.pk)
    assert LabReplay.objects.get(pk=first.pk).done_at == done
    for _ in range(2):
        lab.do(lab.ask(admin, "pain").pk)
    assert not LabReplay.objects.filter(pk=first.pk).exists()
    assert Job.objects.filter(kind="lab").count() == 3
    assert done is not None
    assert done < timezone.now() + timedelta(seconds=1)
