"""Start passes: one at a time under a lease, full after an import, small after an edit."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from laer.adopt.activation import ActivationRule
from laer.adopt.sentiment import MAKING
from laer.cycle import facts, scoring
from laer.cycle.passing import Settings, run_pass
from laer.cycle.segments import Before, before_of
from laer.engine.book_reader import BookAddress, read_book
from laer.engine.leases import process_exists
from laer.engine.session import DuckDBSession
from laer.expand.potential import Rates
from laer.metrics.policy import load_policy
from laer.records.periods import day_number
from laer.records.record import record_type
from laer.scores.likelihood import Likelihood
from laer.web import home
from laer.web.book.models import DirtyAccount, FieldChange
from laer.web.people.company import firm
from laer.web.runs import in_use, playing, policies, rates, sentiments, snapshots
from laer.web.runs.excluded import without_excluded
from laer.web.runs.models import LearnedLikelihood, Lease, PassRun
from laer.web.runs.publishing import Fenced, PastPublisher, Publisher

LEASE = timedelta(seconds=60)
SHAPE = 15  # of a run's tables: a run of another shape is no ground for a small pass
SMALL = 2_000  # dirty accounts up to which a small pass is worth it


class Busy(Exception):
    """Another pass is running; what waits is taken by it or by the next."""


def run_waiting_pass() -> PassRun | None:
    """The pass that waiting changes and the calendar ask for: none, a small one over the dirty accounts, or a full one."""
    dirty = list(DirtyAccount.objects.order_by("id").values_list("id", "account_id")[: SMALL + 1])
    latest = latest_run()
    turned = latest is None or latest.as_of < timezone.localdate() or not snapshots.folder_of(latest.pk).exists() or latest.position.get("shape") != SHAPE
    turned = turned or (latest is not None and (rates.changed_since(latest) or others_in_force(latest) or learned_since(latest)))
    if not dirty and not turned:
        return None
    whole = turned or len(dirty) > SMALL or any(a is None for _, a in dirty)
    return start_pass(accounts=None if whole else frozenset(a for _, a in dirty if a is not None))


def others_in_force(run: PassRun) -> bool:
    """Whether a pass would follow other rules of the ledger or other definitions than the run did. One small query."""
    return policies.changed_since(run) or in_use.changed_since(run)


def learned_since(run: PassRun) -> bool:
    """Whether likelihoods were learned after the run had begun: its facts say what was learned before. One small query."""
    return LearnedLikelihood.objects.filter(learned_at__gt=run.started_at).exists()


def start_pass(as_of: date | None = None, accounts: frozenset[int] | None = None, *, live: bool = False) -> PassRun:
    """Run one pass now.

    In      live  publish it as that of its day, though the day is past: so that a book that was made today has a yesterday (the demo firm)
    Raises  Busy when another one holds the lease, NoPlanYear where the plan year that is set has no rates
    """
    today = timezone.localdate()
    as_of = as_of or today
    past = as_of != today and not live
    currency, policy, defined = firm().currency, load_policy(settings.POLICY), in_use.read_all()
    latest = latest_run()
    if accounts is not None and latest is not None and others_in_force(latest):
        accounts = None  # what the others were computed with is no longer in force
    with lease("pass") as token:
        PassRun.objects.filter(state="running").update(state="failed", error="the process that ran it ended", finished_at=timezone.now())
        last_dirty = DirtyAccount.objects.order_by("-id").values_list("id", flat=True).first() or 0
        started = timezone.now()
        run = PassRun.objects.create(
            as_of=as_of,
            kind="past" if past else "full" if accounts is None else "small",
            policy=policy.id,
            policy_version=policy.version,
            currency=currency,
            started_at=started,
            position={"field_changes": FieldChange.objects.order_by("-id").values_list("id", flat=True).first() or 0, "dirty": last_dirty, "shape": SHAPE,
                      "policy": policy.mark,
                      **defined.position},
        )
        publisher = (PastPublisher if past else Publisher)(run, lambda: _still_mine("pass", token))
        try:
            sentiments.before_pass(accounts, latest)
            run.position["texts"] = MAKING
            plan = rates.plan_of(as_of)
            run.plan_year, run.rates, run.rates_mark = plan.year, rates.kept(plan.rates), rates.mark()
            rule = firm().activation
            run.position["activation"], run.position["minutes"] = asdict(rule), dict(firm().minutes)
            given = Settings(policy, currency, plan.rates, timezone.get_default_timezone_name(), defined.segments, defined.measures, rule, defined.joints,
                             defined.signals, defined.plays, firm().minutes)  # fmt: skip
            with _no_search_for_cycles():
                passed = run_pass(BookRead(run, past), publisher, given, as_of, accounts)
        except Exception as error:
            PassRun.objects.filter(pk=run.pk).update(state="failed", error=f"{type(error).__name__}: {error}"[:2_000], finished_at=timezone.now())
            raise
        with transaction.atomic():
            _still_mine("pass", token)
            run.state, run.finished_at = "complete", timezone.now()
            run.counts, run.timings, run.notes = passed.counts, passed.timings, [*passed.notes, *defined.notes, *([plan.note] if plan.note else [])]
            run.save()
            if not past:
                _clean(last_dirty, accounts)
        if not past:
            playing.after(run)
    snapshots.forget_old()
    if accounts is None:
        snapshots.forget_usage()
    return run


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A pass makes millions of small objects without cycles; looking through them again and again takes a quarter of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _clean(last_dirty: int, accounts: frozenset[int] | None) -> None:
    """Changes that this pass has read are done; what came in meanwhile stays dirty."""
    done = DirtyAccount.objects.filter(id__lte=last_dirty)
    (done if accounts is None else done.filter(account_id__in=accounts)).delete()


def latest_run() -> PassRun | None:
    """The newest complete pass of a present day: what pages show. Passes over past dates publish nothing."""
    return PassRun.objects.filter(state="complete").exclude(kind="past").order_by("-id").first()


# -- reading ------------------------------------------------------------------------------------------------------


def book_address() -> BookAddress:
    """Where the seam's views are read: the same database that Django writes."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return BookAddress(sqlite=Path(str(given["NAME"])))
    return BookAddress(postgres=_dsn(given))


def _dsn(given: dict[str, Any]) -> str:
    from urllib.parse import quote

    login = quote(given["USER"], safe="") + (f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else "")
    return f"postgresql://{login}@{given['HOST'] or '127.0.0.1'}:{given['PORT'] or 5432}/{quote(given['NAME'], safe='')}"


class BookRead:
    """The pass's reader: records through the seam, history of account fields from the change log, usage as the run then names it."""

    def __init__(self, run: PassRun, past: bool = False) -> None:
        self.run, self.past = run, past

    def records(self, names: Iterable[str], accounts: frozenset[int] | None) -> dict[str, pa.Table]:
        types = [record_type(n) for n in names]
        read = read_book(book_address(), types, account_ids=sorted(accounts) if accounts is not None else None, full=accounts is None, scratch=home.scratch())
        return without_excluded(read)

    def field_history(self, record: str, fields: Iterable[str], accounts: frozenset[int] | None) -> pa.Table:
        changes = FieldChange.objects.filter(record=record, field__in=list(fields)).order_by("id")
        if accounts is not None:
            changes = changes.filter(object_id__in=accounts)
        rows = list(changes.values_list("object_id", "field", "old", "new", "effective_at").iterator(5_000))
        zone = timezone.get_default_timezone()
        return pa.table(
            {
                "account_id": pa.array([r[0] for r in rows], pa.int64()),
                "field": pa.array([r[1] for r in rows], pa.string()),
                "old": pa.array([_text(r[2]) for r in rows], pa.string()),
                "new": pa.array([_text(r[3]) for r in rows], pa.string()),
                "day": pa.array([day_number(r[4].astimezone(zone).date()) for r in rows], pa.int32()),
            }
        )

    def usage(
        self, session: DuckDBSession, days: tuple[int, int], rule: ActivationRule | None, accounts: frozenset[int] | None
    ) -> dict[str, pa.Table]:
        """A small pass reads what the run before it read: the other accounts' facts rest on that."""
        if "usage" not in self.run.position:  # asked for more than once in a pass, and the same each time
            latest = None if accounts is None else latest_run()
            mark = snapshots.rollups().refresh() if latest is None else snapshots.mark_of(latest)
            self.run.position["usage"] = None if mark is None else {"table": mark.table, "version": mark.version}
        return snapshots.usage_of(snapshots.mark_of(self.run), session, days, rule, accounts)

    def firm(self) -> facts.Firm:
        latest = latest_run()
        assert latest is not None  # a small pass follows a full one
        return facts.Firm(snapshots.read_one(latest.pk, "references"), snapshots.read_one(latest.pk, "seen"))

    def bands(self) -> scoring.Before | None:
        latest = None if self.past else latest_run()
        bits = None if latest is None else snapshots.table_of(latest.pk, "bands")
        if latest is None or bits is None:
            return None
        return scoring.Before(bits, latest.position.get("scorecards", {}), day_number(latest.as_of))

    def likelihoods(self) -> Mapping[str, Likelihood | None]:
        from laer.web.runs import likelihoods

        return {} if self.past else likelihoods.models()

    def growth(self, *, small: bool) -> tuple[Rates, pa.Table | None]:
        from laer.web.runs import likelihoods

        latest = latest_run() if small else None
        return (Rates() if self.past else likelihoods.growth_rates()), None if latest is None else snapshots.table_of(latest.pk, "potential_usual")

    def peers(self) -> pa.Table | None:
        latest = latest_run()
        return None if latest is None else snapshots.table_of(latest.pk, "peers")

    def members(self) -> Before | None:
        latest = None if self.past else latest_run()
        return None if latest is None else before_of(snapshots.table_of(latest.pk, "segments"), latest.position.get("segments"), latest.as_of)


    def standing(self) -> Before | None:
        latest = None if self.past else latest_run()
        return None if latest is None else before_of(snapshots.table_of(latest.pk, "signals"), latest.position.get("signals"), latest.as_of)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


# -- the lease ------------------------------------------------------------------------------------------------------


@contextmanager
def lease(name: str) -> Iterator[int]:
    """Hold the one lease of that name; a thread renews it, and its token only grows."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    Lease.objects.get_or_create(name=name)
    now = timezone.now()
    before = Lease.objects.get(name=name)
    free = Q(until=None) | Q(until__lt=now)
    if _has_ended(before.holder):
        free |= Q(holder=before.holder, token=before.token)
    with transaction.atomic():
        taken = Lease.objects.filter(name=name).filter(free).update(holder=holder, until=now + LEASE, token=F("token") + 1)
    if not taken:
        raise Busy(f"a {name} is running already")
    token = Lease.objects.get(name=name).token
    stop = threading.Event()
    beat = threading.Thread(target=_renew, args=(name, token, stop), daemon=True)
    beat.start()
    try:
        yield token
    finally:
        stop.set()
        beat.join()
        Lease.objects.filter(name=name, token=token).update(until=None, holder="")


def _has_ended(holder: str) -> bool:
    """Whether the holder was a process of this machine that is gone: a killed pass need not be waited for."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    return host == socket.gethostname() and pid.isdigit() and not process_exists(int(pid))


def _renew(name: str, token: int, stop: threading.Event) -> None:
    try:
        while not stop.wait(LEASE.total_seconds() / 4):
            Lease.objects.filter(name=name, token=token).update(until=timezone.now() + LEASE)
    finally:
        connection.close()


def _still_mine(name: str, token: int) -> None:
    """The fence: whoever lost the lease cannot write."""
    if not Lease.objects.filter(name=name, token=token).exists():
        raise Fenced(f"the {name} lease has gone to another process")


def stale_since() -> datetime | None:
    """Since when published rows are older than the book; None when they are not."""
    return DirtyAccount.objects.order_by("id").values_list("since", flat=True).first()
