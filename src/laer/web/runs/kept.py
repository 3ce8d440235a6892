"""Runs kept for links: whoever has an address of figures as they were finds them there, until somebody lets the run go."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import Act, User
from laer.web.people.roles import Refused
from laer.web.runs import snapshots
from laer.web.runs.models import KeptRun, PassRun

MOST = 200  # runs: of a book of 100,000 accounts each takes some 20 MB


def in_force() -> QuerySet[KeptRun]:
    """The keepings in force, newest first."""
    return KeptRun.objects.filter(let_go_at=None).select_related("run", "kept_by").order_by("-id")


@transaction.atomic
def keep_run(user: User, run_id: int, address: str) -> KeptRun:
    """Keep the tables of a complete run, for an address of its figures. Keeping it twice is keeping it once.

    Raises  Refused where the run has no tables any more, or as many are kept as there may be
    """
    run = PassRun.objects.filter(pk=run_id, state="complete").first()
    there = in_force().filter(run_id=run_id).first()
    if run is None or not snapshots.is_there(run_id):
        raise Refused(_("The tables of run %(run)s are gone. Load the page again and make the link from what it shows then.") % {"run": run_id})
    if there:
        return there
    if in_force().count() >= MOST:
        raise Refused(_("%(most)s runs are kept for links, and that is all there may be. Let go of one that nobody needs first.") % {"most": MOST})
    kept, made = KeptRun.objects.get_or_create(run=run, let_go_at=None, defaults={"address": address, "kept_by": user, "kept_at": timezone.now()})
    if made:
        log_event(Act.LINK_KEPT, user, subject=f"run {run.pk}", details={"of": address[:500]})
    return kept


@transaction.atomic
def let_go(user: User, kept_id: int) -> KeptRun:
    """Let a kept run go: its links say from then on that the figures are gone, once newer runs have taken its place.

    Raises  Refused where it is not kept any more; PermissionDenied for whoever neither made the link nor administers
    """
    kept = in_force().filter(pk=kept_id).first()
    if kept is None:
        raise Refused(_("This run is not kept any more"))
    if kept.kept_by_id != user.pk and user.role != "admin":
        raise PermissionDenied
    kept.let_go_at, kept.let_go_by = timezone.now(), user
    kept.save()
    log_event(Act.LINK_LET_GO, user, subject=f"run {kept.run_id}", details={"of": kept.address[:500]})
    return kept
