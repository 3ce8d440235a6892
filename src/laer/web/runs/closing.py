"""Close months, and open them again: the figures as reported are kept exactly, account by account.

Months are closed in order, each from a pass that is newer than the last change. A reopened month keeps its row with who
opened it again and why; closing it again makes another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.cycle.scope import Scope
from laer.metrics.policy import load_policy
from laer.metrics.statement import Month
from laer.records.periods import first_day, month_name, month_number
from laer.web.book import writing
from laer.web.book.models import FieldChange, ImportRun, ImportState
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.runs import policies, rates, restated, snapshots
from laer.web.runs.desk import ask
from laer.web.runs.models import ClosedMonth, PassRun, ReportedAccount, ReportedSplit, Restatement
from laer.web.runs.passes import Busy, latest_run, lease, stale_since
from laer.web.runs.reported import RESTATEMENT, Reported, as_kept, closings
from laer.web.runs.reported_accounts import kept_of
from laer.web.runs.reported_bridges import keep_bridges
from laer.web.runs.reported_splits import splits_of
from laer.web.runs.revenue import DIMENSIONS, ledger_of

WHOLE = Scope(True)
MOVEMENTS = ("event", "net")
ACCOUNTS = ("closed_id", "account_id", "opening", "closing", "moves", "counts")
LOG = "closed_months"


class NotClosable(Exception):
    """The months cannot be closed or opened now: what was found, what was expected."""


@dataclass(frozen=True)
class Outlook:
    """What a closing would find.

    run       the pass it would be taken from
    found     the closings in force
    first     the first open month of the data, or None without data
    last      the last month that is over
    obstacles  why nothing can be closed at this moment
    """

    run: PassRun | None
    found: list[ClosedMonth]
    first: int | None
    last: int
    obstacles: list[str]


def outlook() -> Outlook:
    run, found = latest_run(), closings()
    this_month = month_number(timezone.localdate())
    if run is None:
        return Outlook(None, found, None, this_month - 1, [_("nothing has been computed yet")])
    # A pass of yesterday knows a month that ended yesterday; one of last week does not know the rest of it.
    last = min(this_month, month_number(run.as_of + timedelta(days=1))) - 1
    first = month_number(found[-1].month) + 1 if found else ledger_of(run, WHOLE).first_month
    return Outlook(run, found, first, last, obstacles(run, found))


def obstacles(run: PassRun, found: Iterable[ClosedMonth] = ()) -> list[str]:
    """Why the figures of a pass are not those to close with; none where they are."""
    told = []
    busy = ImportRun.objects.exclude(kind="edit").filter(state__in=(ImportState.RUNNING, ImportState.UNDOING)).values_list("pk", flat=True).first()
    if busy:
        told.append(_("import %(import)s is being written, or stopped half-way") % {"import": busy})
    if stale_since():
        told.append(_("the book has changed and is being recomputed"))
    if policies.changed_since(run) or run.currency != firm().currency:
        told.append(_("the policy or the currency has changed since the last pass; a new pass is needed (laer run)"))
    if rates.changed_since(run):
        told.append(_("the exchange rates have changed since the last pass; a new pass is needed (laer run)"))
    if not snapshots.folder_of(run.pk).exists():
        told.append(_("the tables of run %(run)s are gone; a new pass is needed (laer run)") % {"run": run.pk})
    others = sorted({c.currency for c in found} - {run.currency})
    if others:
        said = {"before": ", ".join(others), "now": run.currency}
        told.append(_("the months before were closed in %(before)s and the ledger is in %(now)s now") % said)
    return told


def close_months(user: User | None, month: int, note: str = "") -> list[ClosedMonth]:
    """Close every open month up to and including `month`; None as user is the command line.

    Raises  PermissionDenied for roles other than finance and admin, NotClosable with the reason
    """
    if user is not None and not user.may_close:
        raise PermissionDenied
    try:
        with lease("close"):
            return _close(user, month, note.strip())
    except Busy as error:
        raise NotClosable(_("another closing is running")) from error


def _close(user: User | None, month: int, note: str) -> list[ClosedMonth]:
    ClosedMonth.objects.filter(closed_at=None).delete()  # what a closing that was killed had begun
    seen = outlook()
    run, name = seen.run, month_name(month)
    if seen.found and month <= month_number(seen.found[-1].month):
        last = month_name(month_number(seen.found[-1].month))
        raise NotClosable(_("%(month)s is closed already; the last closed month is %(last)s") % {"month": name, "last": last})
    if month >= month_number(timezone.localdate()):
        raise NotClosable(_("%(month)s is not over yet; the last month that can be closed is %(last)s") % {"month": name, "last": month_name(seen.last)})
    if run is None or seen.obstacles:
        raise NotClosable(_("%(month)s cannot be closed now: %(why)s") % {"month": name, "why": "; ".join(seen.obstacles)})
    if month > seen.last:
        said = {"day": run.as_of, "month": name}
        raise NotClosable(_("the last pass is as of %(day)s and does not know %(month)s to its end; a new pass is needed (laer run)") % said)
    if seen.first is None or month < seen.first:
        if seen.first is None:
            raise NotClosable(_("there is nothing to close in %(month)s: no month has revenue") % {"month": name})
        said = {"month": name, "first": month_name(seen.first)}
        raise NotClosable(_("there is nothing to close in %(month)s: the first month with revenue is %(first)s") % said)
    differences = restated.explained(run, restated.outstanding(run, WHOLE, seen.found), seen.found)
    made = [_begin(run, user, note, m, figures) for m, figures in _figures(run, seen.found, seen.first, month).items()]
    _keep_accounts(run, made, seen.first, month)
    _keep_splits(run, made, seen.first, month)
    keep_bridges(run, made)
    for part in writing.chunks(restated.keep(made[0], differences)):
        with transaction.atomic():
            Restatement.objects.bulk_create([Restatement(**dict(zip(restated.KEPT, row, strict=True))) for row in part])
    now = timezone.now()
    with transaction.atomic():
        ClosedMonth.objects.filter(pk__in=[c.pk for c in made]).update(closed_at=now)
        for closed in made:
            closed.closed_at = now
            state = {"month": month_name(month_number(closed.month)), "state": "closed"}
            _log(closed, user, None, state | {"closing_mrr": closed.figures["event"]["closing_mrr"], "note": closed.note})
    return made


def _figures(run: PassRun, found: list[ClosedMonth], first: int, last: int) -> dict[int, dict[str, Any]]:
    """Month -> the statement's rows to keep, as reported: the first takes in what earlier ones were restated by."""
    policy = load_policy(run.policy)
    kept: dict[int, dict[str, Any]] = {m: {} for m in range(first, last + 1)}
    for movements in MOVEMENTS:
        months: list[Month] = ledger_of(run, WHOLE, movements=movements).months(first, last)
        if found:
            months = Reported(found, WHOLE, movements, policy.windows).months(months)
        for month in months:
            kept[month.month][movements] = as_kept({RESTATEMENT: Fraction(0)} | dict(month.figures))
    return kept


def _begin(run: PassRun, user: User | None, note: str, month: int, figures: dict[str, Any]) -> ClosedMonth:
    return ClosedMonth.objects.create(
        month=first_day(month), closed_by=user, policy=run.policy, policy_version=run.policy_version, currency=run.currency, run_id=run.pk,
        plan_year=run.plan_year, rates=run.rates, denominator=str(int(run.denominator)), figures=figures, note=note,
    )  # fmt: skip


def _keep_accounts(run: PassRun, made: list[ClosedMonth], first: int, last: int) -> None:
    """Write what each account did, in small commits: nothing of it counts until the months are marked closed."""
    at = {month_number(c.month): c.pk for c in made}
    params = {"movements": "event", "gap_days": load_policy(run.policy).gap_days, "first": first, "last": last}
    for batch in ask("account_months", params, WHOLE, run.pk).to_batches(max_chunksize=writing.CHUNK):
        rows = [ReportedAccount(**dict(zip(ACCOUNTS, (at[row["m"]], row["account_id"], *kept_of(row)), strict=True))) for row in batch.to_pylist()]
        with transaction.atomic():
            ReportedAccount.objects.bulk_create(rows)


def _keep_splits(run: PassRun, made: list[ClosedMonth], first: int, last: int) -> None:
    """Write the months by each dimension, as the run's ledger has them."""
    at = {month_number(c.month): c.pk for c in made}
    for dimension in DIMENSIONS:
        rows = []
        for month, row in splits_of(ledger_of(run, WHOLE, by=dimension), dimension, first, last):
            row.closed_id = at[month]
            rows.append(row)
        for part in writing.chunks(rows):
            with transaction.atomic():
                ReportedSplit.objects.bulk_create(part)


def reopen_months(user: User | None, month: int, reason: str) -> list[ClosedMonth]:
    """Open a month again, and with it every later one: months are closed in order.

    Raises  PermissionDenied for roles other than finance and admin, NotClosable without a reason or where it is open
    """
    if user is not None and not user.may_close:
        raise PermissionDenied
    reason = reason.strip()
    if not reason:
        raise NotClosable(_("a reason is needed to open a month again: it stays with the figures that were reported"))
    with transaction.atomic():
        found = [c for c in closings() if month_number(c.month) >= month]
        if not found or month_number(found[0].month) != month:
            raise NotClosable(_("%(month)s is not closed") % {"month": month_name(month)})
        now = timezone.now()
        ClosedMonth.objects.filter(pk__in=[c.pk for c in found], reopened_at=None).update(reopened_at=now, reopened_by=user, reason=reason)
        for closed in found:
            state = {"month": month_name(month_number(closed.month))}
            _log(closed, user, state | {"state": "closed"}, state | {"state": "open", "reason": reason})
    return found


def _log(closed: ClosedMonth, user: User | None, old: Any, new: Any) -> None:
    """The audit row, in the transaction of the write."""
    now = timezone.now()
    source = "person" if user else "command line"
    FieldChange.objects.create(record=LOG, object_id=closed.pk, field="state", old=old, new=new, effective_at=now, recorded_at=now, source=source, user=user)
