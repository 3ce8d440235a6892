"""One account at a glance: what the side panel says of it, in few reads."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import BooleanField, Exists, F, OuterRef, Q, Subquery, Value
from django.utils import timezone

from laer.web.book.models import Account, Assignment, Pulse
from laer.web.book.scope import editable_accounts, visible_accounts
from laer.web.people.models import User
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import recomputing
from laer.web.work.models import Task, Touch

TOUCHES, TASKS = 3, 5


@dataclass(frozen=True)
class Glance:
    """What is known of an account now; the card is None where no pass has computed it yet, the pulse where nobody stated one."""

    account: Account
    card: AccountCard | None
    owner: str | None
    editable: bool
    run: PassRun | None
    recomputing: bool
    pulse: Pulse | None
    touches: list[Touch]
    tasks: list[Task]
    more_tasks: bool


def glance(user: User, account_id: int) -> Glance | None:
    """None where the person may not see the account. Six queries, one where it is not there."""
    today = timezone.localdate()
    begun, going = Q(from_on=None) | Q(from_on__lte=today), Q(until_on=None) | Q(until_on__gt=today)
    csm = Assignment.objects.filter(begun, going, account=OuterRef("pk"), job="csm", archived_at=None)
    may = Value(True, BooleanField()) if user.may_edit and user.role in ("admin", "lead") else Exists(editable_accounts(user).filter(pk=OuterRef("pk")))
    rows = visible_accounts(user).select_related("card").annotate(
        n_owner=Subquery(csm.order_by(F("from_on").desc(nulls_last=True), "-id").values("person__name")[:1]), n_editable=may
    )  # fmt: skip
    account = rows.filter(pk=account_id).first() if account_id < 2**63 else None
    if account is None:
        return None
    card: AccountCard | None = getattr(account, "card", None)
    run = last_run()
    there = vars(account)
    tasks = list(
        Task.objects.filter(account=account, done_at=None, archived_at=None)
        .select_related("assignee")
        .order_by(F("due_on").asc(nulls_last=True), "-priority", "id")[: TASKS + 1]
    )
    return Glance(
        account, card, there["n_owner"], bool(there["n_editable"]), run, recomputing(account, card, run),
        Pulse.objects.filter(account=account, archived_at=None).order_by("-stated_on", "-id").first(),
        list(Touch.objects.filter(account=account, archived_at=None).select_related("person").order_by("-at", "-id")[:TOUCHES]),
        tasks[:TASKS], len(tasks) > TASKS,
    )  # fmt: skip
