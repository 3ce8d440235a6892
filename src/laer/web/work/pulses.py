"""Pulses: what a person holds of an account, with a reason in a line and what they do next by when. Each is a new dated row; the newest stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from laer.adopt.measures import PULSE_STALE
from laer.web.book.actions import Refused, editable_row, mark_dirty
from laer.web.book.models import FieldChange, Pulse
from laer.web.people.models import Person, User
from laer.web.people.typed import Unclear, typed_day
from laer.web.work.models import Colour, PulseStep
from laer.web.work.writing import log_created

REASON, STEP, SHOWN = 200, 200, 50


def set_pulse(user: User, account_id: int, values: Mapping[str, str]) -> tuple[Pulse, FieldChange | None]:
    """State one today, from the texts of a form. One that says what was said today already is left as it is: then there is no change.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    account = editable_row(user, "accounts", account_id)
    read = read_pulse(values)
    now, today = timezone.now(), timezone.localdate()
    step = {name: read.pop(name) for name in ("next_step", "next_on")}
    before = latest_pulse(account.pk)
    if before and before.stated_on == today and {name: getattr(before, name) for name in read} == read and _step_of(before) == step:
        return before, None
    with transaction.atomic():
        pulse = Pulse.objects.create(account=account, stated_on=today, created_at=now, **read)
        PulseStep.objects.create(pulse=pulse, person=Person.objects.filter(user=user).first(), created_by=user, at=now, **step)
        with override("en"):  # the log is kept in one language, whoever writes it
            what = f"{Colour(pulse.colour).label}: {pulse.reason}" if pulse.reason else str(Colour(pulse.colour).label)
        change = log_created(user, "pulses", pulse, what)
        mark_dirty(account.pk, now)
    return pulse, change


def read_pulse(values: Mapping[str, str]) -> dict[str, Any]:
    colour = values.get("colour", "")
    if colour not in Colour.values:
        raise Refused(_("Pulse: found '%(found)s', expected one of %(expected)s") % {"found": colour[:40], "expected": ", ".join(map(str, Colour.labels))})
    texts = {name: " ".join(values.get(name, "").split()) for name in ("reason", "next_step")}
    for name, limit, label in (("reason", REASON, _("Reason")), ("next_step", STEP, _("Next step"))):
        if len(texts[name]) > limit:
            raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % {"label": label, "n": len(texts[name]), "limit": limit})
    if colour != Colour.GREEN and not texts["reason"]:
        raise Refused(_("Reason: found none, expected a line that says why it is not green"))
    try:
        next_on = typed_day(values.get("next_on", ""))
    except Unclear as unclear:
        raise Refused(_("Next step by: %(why)s") % {"why": unclear}) from None
    if next_on is not None and not texts["next_step"]:
        raise Refused(_("Next step: found a day without one, expected what is done by then"))
    return {"colour": colour, "reason": texts["reason"] or None, "next_step": texts["next_step"], "next_on": next_on}


def latest_pulse(account_id: int) -> Pulse | None:
    """The one that stands. One query."""
    return _newest(account_id).first()


def pulses_of(account_id: int) -> list[Pulse]:
    """The newest first, with who said them and what was to be done next. One query."""
    return list(_newest(account_id)[:SHOWN])


def is_stale(stated_on: date, today: date) -> bool:
    """As the measure `pulse_stale` says it."""
    return today - stated_on > timedelta(days=PULSE_STALE)


def said_of(pulse: Pulse) -> PulseStep | None:
    """Who said it and what comes next; None of one that came in a file."""
    return getattr(pulse, "said", None)


def _newest(account_id: int) -> Any:
    return Pulse.objects.filter(account_id=account_id, archived_at=None).select_related("said__person").order_by("-stated_on", "-id")


def _step_of(pulse: Pulse) -> dict[str, Any]:
    said = said_of(pulse)
    return {"next_step": said.next_step if said else "", "next_on": said.next_on if said else None}
