"""Likelihoods: the worker learns from the firm's past, pages and the command say what it found, each person sees their own accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from laer.cycle.likelihoods import CHURN, KINDS, NOT_PAYING, RENEWAL
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.scores.likelihood import Likelihood
from laer.web.book.models import Account, Assignment
from laer.web.people.models import Person, User
from laer.web.runs import desk, jobs, likelihoods, passes, snapshots
from laer.web.runs.models import AccountCard, AccountLikelihood, Job, LearnedLikelihood
from tests.web.files import take_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


def firm(folder: Path, accounts: int = 120, *, signal: bool = True) -> None:
    """Two years of accounts; tickets come before a third of them leave, or (no signal) at random."""
    draw = np.random.default_rng(3)
    rows, lines, tickets = ["account_id,account_name,industry,country,signup_date"], ["subscription_id,account_id,start_date,end_date,mrr_amount,status"], ["ticket_id,account_id,subject,submitted_at,closed_at,priority"]
    for at in range(accounts):
        start = int(draw.integers(500, 900))
        leaves = int(draw.integers(10, start - 200)) if draw.random() < 0.35 else None
        rows.append(f"A{at},Firm {at},{draw.choice(['Energy', 'Foods'])},{draw.choice(['US', 'DE'])},{ago(start)}")
        lines.append(f"S{at},A{at},{ago(start)},{'' if leaves is None else ago(leaves)},{int(draw.integers(50, 900))},{'active' if leaves is None else 'cancelled'}")
        days = list(draw.integers(1, start, 2)) if not signal or leaves is None else []
        days += list(leaves + draw.integers(20, 150, 8)) if signal and leaves is not None else []
        tickets += [f"T{at}-{n},A{at},Broken,{ago(int(day))} 10:00,{ago(int(day) - 1)} 09:00,high" for n, day in enumerate(days) if day > 1]
    take_in(folder, accounts="\n".join(rows) + "\n", subscriptions="\n".join(lines) + "\n", tickets="\n".join(tickets) + "\n")
    passes.run_waiting_pass()


def test_the_worker_learns_from_the_past_and_the_page_says_it(lead: User, client: Client, tmp_path: Path) -> None:
    assert "Nothing has been learned yet" in client.get("/data/likelihood/").content.decode()
    firm(tmp_path / "files")
    jobs.ask_for_likelihoods()
    jobs.ask_for_likelihoods()  # it waits once
    assert Job.objects.filter(kind="likelihood", state="ready").count() == 1
    assert jobs.work_once(jobs.Worker(beside=True))
    found = likelihoods.kept(CHURN)
    assert found is not None
    assert found.learned is not None
    assert found.learned.learned
    assert found.learned.evaluation is not None
    assert found.learned.evaluation.by_time
    assert (found.learned.auc or 0) > 0.7
    assert found.row.last_cut == ago(90)
    assert found.row.first_cut is not None
    assert found.row.first_cut >= ago(720)
    said = AccountLikelihood.objects.filter(kind=CHURN)
    assert said.count() == Account.objects.count()
    gone = said.filter(why=NOT_PAYING)
    assert gone.exists()
    assert not gone.exclude(chance=None).exists()
    for one in said.exclude(chance=None)[:20]:
        logit = one.rest + sum(adds for _, _, adds in one.reasons)
        assert one.chance == pytest.approx(1 / (1 + np.exp(-logit)))
    page = client.get("/data/likelihood/").content.decode()
    assert f"{found.learned.events} events" in page
    assert "Calibration" in page
    assert said.exclude(chance=None).order_by("-chance")[0].account.name in page
    csv = b"".join(client.get("/data/likelihood/?format=csv")).decode("utf-8-sig")
    assert len(csv.splitlines()) == 1 + said.exclude(chance=None).count()
    jobs.ask_for_likelihoods()  # nothing is newer
    assert not Job.objects.filter(kind="likelihood", state="ready").exists()


def test_where_nothing_falls_due_no_renewal_is_learned_and_that_is_said(lead: User, client: Client, tmp_path: Path) -> None:
    firm(tmp_path / "files", 40)
    likelihoods.refresh()
    page = client.get(f"/data/likelihood/?kind={RENEWAL}").content.decode()
    row = LearnedLikelihood.objects.get(kind=RENEWAL)
    assert (row.learned is None) == ("There is no past to learn from yet" in page)
    assert not AccountLikelihood.objects.filter(kind=RENEWAL).exclude(chance=None).exists()


def test_a_member_sees_their_accounts_only(client: Client, tmp_path: Path) -> None:
    firm(tmp_path / "files", 30)
    likelihoods.refresh()
    told = AccountLikelihood.objects.filter(kind=CHURN).exclude(why=NOT_PAYING).select_related("account")
    mine, other = told[0], told[1]
    person = Person.objects.create(name="Maya Okafor", user=User.objects.create_user("maya@example.com", role="member"), created_at=timezone.now())
    Assignment.objects.create(account=mine.account, person=person, job="csm", created_at=timezone.now())
    client.force_login(User.objects.get(email="maya@example.com"))
    for address in ("/data/likelihood/", "/data/likelihood/?format=csv"):
        answer = client.get(address)
        text = (b"".join(answer) if answer.streaming else answer.content).decode("utf-8-sig")
        assert mine.account.name in text
        assert f">{other.account.name}<" not in text
        assert f",{other.account.name}," not in text


def test_the_command_says_the_same(lead: User, tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner

    from laer.cli import app

    assert CliRunner().invoke(app, ["likelihood"]).exit_code == 1
    firm(tmp_path / "files", 30)
    assert "--learn" in CliRunner().invoke(app, ["likelihood"]).output
    said = CliRunner().invoke(app, ["likelihood", "--learn", "--json"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert [one["kind"] for one in told] == list(KINDS)
    kept = likelihoods.kept(CHURN)
    assert kept is not None
    assert kept.learned is not None
    assert told[0]["learned"]["events"] == kept.learned.events
    assert kept.learned.verdict in CliRunner().invoke(app, ["likelihood"]).stdout


def test_likelihoods_are_facts_that_conditions_lists_and_the_account_read(lead: User, client: Client, tmp_path: Path) -> None:
    firm(tmp_path / "files")
    run = passes.latest_run()
    assert run is not None
    assert not any(CHURN in facts for facts in AccountCard.objects.values_list("facts", flat=True))
    likelihoods.refresh()
    again = passes.run_waiting_pass()  # what was learned is newer than the run
    assert again is not None
    assert again.kind == "full"
    assert passes.run_waiting_pass() is None  # and that is all
    said = {one.account_id: one.chance for one in AccountLikelihood.objects.filter(kind=CHURN)}
    known = {pk: facts.get(CHURN) for pk, facts in AccountCard.objects.values_list("pk", "facts")}
    assert any(value is not None for value in known.values())
    for pk, chance in said.items():
        assert known[pk] == (None if chance is None else pytest.approx(chance, abs=6e-4))
    least = sorted(value for value in known.values() if value is not None)[-3]
    listed = client.get("/accounts/", {"where": f"{CHURN} >= {least}", "format": "csv"})
    assert len(b"".join(listed).decode("utf-8-sig").splitlines()) == 1 + sum(value is not None and value >= least for value in known.values())
    day = day_number(again.as_of)
    rows = desk.ask("facts", {"dates": (day - 90, day), "measures": (CHURN, "mrr")}, Scope(True), again.pk).to_pylist()
    assert {row["account_id"]: row[CHURN] for row in rows if row["d"] == day} == known
    assert all(row[CHURN] is None for row in rows if row["d"] != day)  # nobody said it then
    worst = max((pk for pk in said if said[pk] is not None), key=lambda pk: said[pk] or 0)
    page = client.get(f"/accounts/{worst}/?tab=health").content.decode()
    kept = likelihoods.kept(CHURN)
    assert kept is not None
    assert kept.learned is not None
    assert f"learned from {kept.learned.events} events" in page
    assert "Where it begins, and all other reasons" in page
    assert client.get(f"/data/metrics/{CHURN}/").status_code == 200


def test_without_a_usable_signal_the_fact_is_unknown_and_says_why(lead: User, client: Client, tmp_path: Path) -> None:
    firm(tmp_path / "files", 30)
    likelihoods.refresh()
    draw = np.random.default_rng(2)
    noise = Likelihood(boosting=False).fit({"mrr": draw.normal(size=200)}, draw.random(200) < 0.2)
    assert noise.verdict == "no usable signal in this data"
    LearnedLikelihood.objects.filter(kind=CHURN).update(learned=noise.as_dict())
    likelihoods.refresh()  # says it of the accounts, and learns nothing anew
    passes.run_waiting_pass()
    assert not any(CHURN in facts for facts in AccountCard.objects.values_list("facts", flat=True))
    paying = AccountCard.objects.filter(state="paying")[0].pk
    assert "no usable signal in this data" in client.get(f"/accounts/{paying}/?tab=health").content.decode()
    assert "no usable signal in this data" in client.get(f"/data/metrics/{CHURN}/").content.decode()


def test_a_pass_over_the_past_knows_no_likelihood(lead: User, tmp_path: Path) -> None:
    """What was learned today was not known then."""
    firm(tmp_path / "files", 60)
    likelihoods.refresh()
    run = passes.start_pass(as_of=ago(200))
    assert snapshots.read_one(run.pk, "facts")[CHURN].null_count == snapshots.read_one(run.pk, "facts").num_rows
