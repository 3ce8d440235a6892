"""The score lab behind its page: replays that are asked for, done by the worker beside its other work, kept, and adopted."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.cycle import lab
from laer.cycle.definitions import read
from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.definition import IN_USE
from laer.web.book import definitions
from laer.web.book.models import Definition
from laer.web.people.models import User
from laer.web.people.roles import Refused
from laer.web.runs import snapshots
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import LabReplay, PassRun
from laer.web.runs.passes import latest_run

KIND = "lab"
SECONDS = 900.0
MEMORY = "2GB"
KEPT = 200  # replays; those that were adopted stay
HORIZONS, SPANS = (30, 60, 90, 180, 365), (12, 24, 36)


def may_ask(user: User) -> bool:
    """A score is judged over the whole book, and by those who write definitions."""
    return user.reads_everything and definitions.may_define_some(user)


def ask(user: User | None, card: str, draft: str = "", *, months: int = lab.MONTHS, horizon: int = lab.HORIZON, outcome: str = lab.CHURN) -> LabReplay:
    """Have a card in force, and a draft of it, replayed; the worker does it.

    Raises  Refused: no such card in use, no pass yet;  definitions.Faulty: a draft that cannot be in force, with every fault
    """
    if latest_run() is None:
        raise Refused(_("No pass has run yet: there is no past to replay"))
    held = definitions.current("scorecard", card)
    if held is None or held.status not in IN_USE:
        raise Refused(_("There is no scorecard %(name)s in use") % {"name": card})
    if horizon not in range(1, lab.LONGEST + 1) or months not in range(1, lab.MOST_MONTHS + 1) or outcome not in lab.OUTCOMES:
        raise Refused(_("Choose the months, the days and the outcome from the lists"))
    if draft:
        found = read("scorecard", draft, definitions.known(), card)
        if found.faults:
            raise definitions.Faulty(found)
        draft = found.text
    if draft and draft == held.text:
        raise Refused(_("The draft says what is in force: change something to compare"))
    with transaction.atomic():
        made = LabReplay.objects.create(card=card, draft=draft, months=months, horizon=horizon, outcome=outcome, asked_by=user, asked_at=timezone.now())
        enqueue(KIND, {"replay_id": made.pk}, unique_key=f"{KIND}-{made.pk}", priority=-1)
    return made


def of_run(run: PassRun, card: str, draft: str | None, *, months: int = lab.MONTHS, horizon: int = lab.HORIZON, outcome: str = lab.CHURN) -> lab.Replayed:
    """The same at once, without keeping it. Raises QuestionFault."""
    desk = Desk(snapshots.open_run, seconds=SECONDS, memory=MEMORY)
    params = {"card": card, "draft": draft or None, "months": months, "horizon": horizon, "outcome": outcome}
    found: lab.Replayed = desk.ask("replay", params, Scope(True), run.pk)
    return found


def do(replay_id: int) -> None:
    """Replay what was asked, and keep what was found. One that is done already stays as it is."""
    row = LabReplay.objects.filter(pk=replay_id, done_at=None).first()
    run = latest_run()
    if row is None or run is None:
        return
    began = time.monotonic()
    try:
        result: dict[str, Any] | None = of_run(run, row.card, row.draft, months=row.months, horizon=row.horizon, outcome=row.outcome).as_dict()
        error = ""
    except QuestionFault as fault:  # another try would find the same
        result, error = None, str(fault)
    row.result, row.error, row.run_id, row.done_at, row.seconds = result, error, run.pk, timezone.now(), time.monotonic() - began
    row.save(update_fields=["result", "error", "run_id", "done_at", "seconds"])
    kept = LabReplay.objects.order_by("-id").values_list("id", flat=True)[:KEPT]
    LabReplay.objects.filter(adopted_version=None).exclude(pk__in=list(kept)).delete()


@transaction.atomic
def adopt(user: User, replay_id: int, reason: str) -> Definition:
    """Put the draft of a replay in force as the next version of its card; the replay keeps which.

    Raises  Refused: nothing to adopt, or another version in force than the one that it was held against;  Faulty;  PermissionDenied
    """
    row = LabReplay.objects.select_for_update().filter(pk=replay_id).first()
    if row is None or not row.draft or not row.result:
        raise Refused(_("There is no challenger to adopt"))
    if row.adopted_version is not None:
        raise Refused(_("It was adopted already, as version %(version)s") % {"version": row.adopted_version})
    made = definitions.save_definition(user, "scorecard", row.draft, reason, name=row.card, based_on=row.result["champion"]["version"])
    row.adopted_version, row.adopted_at, row.adopted_by = made.version, timezone.now(), user
    row.save(update_fields=["adopted_version", "adopted_at", "adopted_by"])
    return made
