"""Likelihoods, learned and said by the worker beside its other work: learned anew once a week, said of every run that pages show.

Never in a pass: learning takes seconds to minutes, and the past does not change from one hour to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone

from laer import __version__
from laer.cycle import likelihoods
from laer.cycle.potential import POTENTIAL
from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.expand.potential import Rates
from laer.records.periods import date_of, day_number
from laer.scores.likelihood import Likelihood
from laer.web.book.models import Account
from laer.web.book.scope import visible_rows
from laer.web.people.models import User
from laer.web.runs import snapshots
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import AccountLikelihood, Job, JobState, LearnedLikelihood, PassRun
from laer.web.runs.passes import latest_run

FORM = f"{__version__}/1"
KEY = "likelihood"
ANEW = timedelta(days=7)
REST = timedelta(minutes=10)  # between one saying and the next: small passes come every ten seconds
MOST = 20_000  # accounts that are learned from; of a larger book a part, drawn by their number
CHUNK = 500
SECONDS = 600.0


@dataclass(frozen=True)
class Kept:
    """What was learned for one kind, read back."""

    row: LearnedLikelihood
    learned: Likelihood | None


def kept(kind: str) -> Kept | None:
    """None where nothing was tried yet. One query."""
    row = LearnedLikelihood.objects.filter(kind=kind, form=FORM).first()
    return None if row is None else Kept(row, None if row.learned is None else Likelihood.from_dict(row.learned))


def models() -> dict[str, Likelihood | None]:
    """What was learned, by kind, for a pass. One query."""
    rows = LearnedLikelihood.objects.filter(form=FORM, kind__in=likelihoods.KINDS)
    return {row.kind: None if row.learned is None else Likelihood.from_dict(row.learned) for row in rows}


def growth_rates() -> Rates:
    """How often reasons to grow led to growth; what is expected before anything is known where nothing was counted yet. One query."""
    row = LearnedLikelihood.objects.filter(form=FORM, kind=POTENTIAL).first()
    return Rates() if row is None or row.learned is None else Rates.from_dict(row.learned)


def said_of(user: User | AnonymousUser, kind: str) -> QuerySet[AccountLikelihood]:
    """What is said of the accounts that the person may see, whom to look at first: likeliest to leave, least likely to renew."""
    asked = AccountLikelihood.objects.filter(visible_rows(user), kind=kind).exclude(why__in=(likelihoods.NOT_PAYING, likelihoods.NOT_DUE, likelihoods.NO_DATE))
    renews = kind == likelihoods.RENEWAL
    worst_first = ("low", "middle", "high") if renews else ("high", "middle", "low")
    band = Case(*(When(band=name, then=Value(at)) for at, name in enumerate(worst_first)), default=Value(3))
    return asked.select_related("account").order_by(F("chance").asc(nulls_last=True) if renews else F("chance").desc(nulls_last=True), band, "account_id")


def refresh(anew: bool = False) -> None:
    """Learn what is old or was never learned, and say it of the run that pages show."""
    run = latest_run()
    if run is None:
        return
    day = day_number(run.as_of)
    known = {kind: kept(kind) for kind in likelihoods.KINDS}
    due = [kind for kind, one in known.items() if anew or one is None or one.row.learned_at < timezone.now() - ANEW]
    if due:
        facts, sampled = _facts(run, likelihoods.cuts(day))
        items = snapshots.read_one(run.pk, "input_renewals")
        for kind in due:
            past = likelihoods.churn_past(facts, day) if kind == likelihoods.CHURN else likelihoods.renewal_past(facts, items, day)
            learned = likelihoods.learn(kind, past)
            _keep(kind, learned, past, run, sampled)
            known[kind] = Kept(LearnedLikelihood.objects.get(pk=kind), learned)
    growth = LearnedLikelihood.objects.filter(form=FORM, kind=POTENTIAL).first()
    if anew or growth is None or growth.learned_at < timezone.now() - ANEW:
        _count_growth(run)
    facts = snapshots.read_one(run.pk, "facts")
    for kind, one in known.items():
        assert one is not None  # learned above, where it was not
        _publish(kind, likelihoods.say(kind, one.learned, facts, day))
        LearnedLikelihood.objects.filter(pk=kind).update(said_run_id=run.pk, said_as_of=run.as_of)


def _count_growth(run: PassRun) -> None:
    """How often reasons to grow led to growth; of a large book a part is counted."""
    chosen = _part(run)
    rates: Rates = Desk(snapshots.open_run, seconds=SECONDS).ask("growth_history", {"accounts": chosen}, Scope(True), run.pk)
    kept = {"form": FORM, "learned": rates.as_dict(), "learned_at": timezone.now(), "learned_run_id": run.pk, "said_run_id": run.pk, "said_as_of": run.as_of,
            "sampled": None if chosen is None else len(chosen)}  # fmt: skip
    LearnedLikelihood.objects.update_or_create(kind=POTENTIAL, defaults=kept)


def _part(run: PassRun) -> tuple[int, ...] | None:
    """Accounts that are learned from, where they are not all."""
    ids = sorted(snapshots.read_one(run.pk, "existing")["account_id"].to_pylist())
    step = -(-len(ids) // MOST)
    return None if step <= 1 else tuple(ids[::step])


def _facts(run: PassRun, dates: tuple[int, ...]) -> tuple[pa.Table, int | None]:
    """Facts at the cuts, as far as they were known then; of how many accounts, where not of all."""
    chosen = _part(run)
    params = {"dates": dates, "measures": likelihoods.features(), "accounts": chosen}
    found = Desk(snapshots.open_run, seconds=SECONDS).ask("facts", params, Scope(True), run.pk)
    return found, None if chosen is None else len(chosen)


def _keep(kind: str, learned: Likelihood | None, past: likelihoods.Past, run: PassRun, sampled: int | None) -> None:
    def cut(found: float) -> date:
        return date_of(int(found))

    LearnedLikelihood.objects.update_or_create(
        kind=kind,
        defaults={
            "form": FORM, "learned": None if learned is None else learned.as_dict(), "learned_at": timezone.now(), "learned_run_id": run.pk,
            "first_cut": cut(past.cut.min()) if past.rows else None, "last_cut": cut(past.cut.max()) if past.rows else None,
            "said_run_id": run.pk, "said_as_of": run.as_of, "sampled": sampled,
        },
    )  # fmt: skip


def _publish(kind: str, told: list[likelihoods.Said]) -> None:
    """Write what changed, in small commits; an account that has left the book takes its row along."""
    there = {row.account_id: row for row in AccountLikelihood.objects.filter(kind=kind)}
    alive = set(Account.objects.values_list("pk", flat=True))
    new, changed = [], []
    for one in told:
        values = {"chance": one.chance, "why": one.why, "band": one.band, "reasons": [list(reason) for reason in one.reasons], "rest": one.rest}
        row = there.get(one.account_id)
        if row is None:
            if one.account_id in alive:
                new.append(AccountLikelihood(account_id=one.account_id, kind=kind, **values))
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    for start in range(0, len(new), CHUNK):
        with transaction.atomic():
            AccountLikelihood.objects.bulk_create(new[start : start + CHUNK], ignore_conflicts=True)
    for start in range(0, len(changed), CHUNK):
        with transaction.atomic():
            AccountLikelihood.objects.bulk_update(changed[start : start + CHUNK], ["chance", "why", "band", "reasons", "rest"])
    gone = set(there) - {one.account_id for one in told}
    if gone:
        AccountLikelihood.objects.filter(kind=kind, account_id__in=gone).delete()


def ask_if_due() -> None:
    """Have likelihoods learned and said where the run that pages show is newer than they are. Three small queries."""
    run = latest_run()
    if run is None:
        return
    rows = list(LearnedLikelihood.objects.filter(form=FORM, kind__in=likelihoods.KINDS).values_list("said_run_id", "learned_at"))
    if len(rows) == len(likelihoods.KINDS) and all(said >= run.pk for said, _ in rows):
        return
    last: datetime | None = Job.objects.filter(unique_key=KEY, state__in=[JobState.DONE, JobState.FAILED]).order_by("-finished_at").values_list(
        "finished_at", flat=True).first()  # fmt: skip
    if not Job.objects.filter(unique_key=KEY, state__in=[JobState.READY, JobState.RUNNING]).exists():
        enqueue(KEY, unique_key=KEY, run_at=max(timezone.now(), last + REST) if last and rows else None, priority=-1)


def as_values(kind: str) -> Mapping[str, Any] | None:
    """What `laer likelihood --json` prints: what was learned, from what, and what it says of each account."""
    found = kept(kind)
    if found is None:
        return None
    row, learned = found.row, found.learned
    said = AccountLikelihood.objects.filter(kind=kind).exclude(why__in=(likelihoods.NOT_PAYING,)).order_by("-chance", "account_id")
    return {
        "kind": kind, "verdict": "no past to learn from" if learned is None else learned.verdict, "usable": bool(learned and learned.learned),
        "learned": None if learned is None else {name: value for name, value in learned.as_dict().items() if name != "model"},
        "learned_at": row.learned_at.isoformat(), "learned_from_run": row.learned_run_id, "first_cut": row.first_cut and row.first_cut.isoformat(),
        "last_cut": row.last_cut and row.last_cut.isoformat(), "said_of_run": row.said_run_id, "as_of": row.said_as_of.isoformat(),
        "accounts": [
            {"account_id": one.account_id, "chance": one.chance, "why": one.why, "band": one.band, "reasons": one.reasons, "rest": one.rest} for one in said
        ],
    }  # fmt: skip
