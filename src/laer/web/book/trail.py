"""Who did what, when, from where: the audit events and the change log read as one list, newest first.

Both only grow, so their ids are in the order of time: a page is found by the last id of each, and the thousandth page is as
quick as the first. What an import changed is one event (its run) and not its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.record import record_type
from laer.web.book.models import MODELS, Account, FieldChange
from laer.web.people.formats import formats
from laer.web.people.models import Act, AuditEvent
from laer.web.record_words import column_text
from laer.web.wording import gettext_lazy

CLOSINGS = "closed_months"
KINDS: dict[str, tuple[Any, tuple[Act, ...]]] = {
    "sign-ins": (
        gettext_lazy("Sign-ins"),
        (Act.SIGNED_IN, Act.SIGN_IN_FAILED, Act.SIGNED_OUT, Act.SESSIONS_ENDED, Act.PASSWORD_CHANGED, Act.FACTOR_ADDED, Act.FACTOR_REMOVED),
    ),
    "people": (
        gettext_lazy("People and rights"),
        (Act.INVITED, Act.INVITATION_REVOKED, Act.JOINED, Act.ROLE_CHANGED, Act.SWITCHED_OFF, Act.SWITCHED_ON,
         Act.ACCESS_CHANGED, Act.TEAM_CHANGED, Act.COVER_CHANGED),
    ),
    "installation": (gettext_lazy("Installation"), (Act.SET_UP, Act.COMPANY_CHANGED, Act.DEMO_MADE, Act.DEMO_LEFT)),
    "definitions": (gettext_lazy("Definitions"), (Act.DEFINITION_CHANGED, Act.PLAY_SWITCHED)),
    "sending": (gettext_lazy("Sending"), (Act.SENDING_CHANGED, Act.MAIL_TESTED, Act.MAIL_STOPPED)),
    "edits": (gettext_lazy("Edits"), (Act.ADDED, Act.VIEW_CHANGED)),
    "imports": (gettext_lazy("Imports"), (Act.IMPORTED, Act.IMPORT_UNDONE, Act.IMPORT_REDONE, Act.ANSWERED, Act.ANSWER_TAKEN_BACK)),
    "exports": (gettext_lazy("Exports"), (Act.EXPORTED, Act.LINK_KEPT, Act.LINK_LET_GO)),
    "closings": (gettext_lazy("Closings"), ()),
}  # fmt: skip
# Words that an event's details are written with: the log keeps them in English, whoever reads it sees their own.
WRITTEN = {
    "read scope": gettext_lazy("read scope"), "second factor": gettext_lazy("second factor"),
    "made": gettext_lazy("made"), "changed": gettext_lazy("changed"), "dissolved": gettext_lazy("dissolved"), "ended": gettext_lazy("ended"),
    "deleted": gettext_lazy("deleted"), "change taken back": gettext_lazy("change taken back"), "opened first": gettext_lazy("opened first"),
    "no longer opened first": gettext_lazy("no longer opened first"), "wrong code": gettext_lazy("wrong code"), "role": gettext_lazy("role"),
    "person": gettext_lazy("person"), "sessions": gettext_lazy("sessions"), "parent": gettext_lazy("parent"), "members": gettext_lazy("members"),
    "list": gettext_lazy("list"), "shared": gettext_lazy("shared"), "of": gettext_lazy("of"), "by": gettext_lazy("by"), "from": gettext_lazy("from"),
    "to": gettext_lazy("to"), "lines": gettext_lazy("lines"), "accounts": gettext_lazy("accounts"), "import": gettext_lazy("import"),
    "answer": gettext_lazy("answer"), "account": gettext_lazy("account"), "question": gettext_lazy("question"), "named": gettext_lazy("named"),
    "going_on": gettext_lazy("going_on"), "on": gettext_lazy("on"), "sending": gettext_lazy("sending"), "stop": gettext_lazy("stop"),
    "version": gettext_lazy("version"), "mails": gettext_lazy("mails"), "host": gettext_lazy("host"), "kind": gettext_lazy("kind"),
}  # fmt: skip
GROUPS = {act: kind for kind, (__, acts) in KINDS.items() for act in acts}
TONES = {Act.SIGN_IN_FAILED: "bad", Act.SWITCHED_OFF: "warn", Act.ROLE_CHANGED: "warn", Act.ACCESS_CHANGED: "warn", Act.EXPORTED: "info"}


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to."""

    user_id: int | None = None
    kind: str = ""
    first: date | None = None
    last: date | None = None  # included


@dataclass(frozen=True)
class Entry:
    """One line: `what` was done, to what (`subject`), from which address. `account_id` where it concerns an account."""

    at: datetime
    who: str
    what: str
    kind: str
    tone: str
    subject: str
    details: str
    ip: str
    agent: str
    account_id: int | None


@dataclass(frozen=True)
class Place:
    """Where a page begins: below these ids of the two logs (None: at the newest)."""

    event: int | None = None
    change: int | None = None

    @classmethod
    def read(cls, token: str) -> Place:
        found = re.fullmatch(r"(\d{0,18})-(\d{0,18})", token)
        return cls(*(int(part) if part else None for part in found.groups())) if found else cls()

    def __str__(self) -> str:
        return f"{'' if self.event is None else self.event}-{'' if self.change is None else self.change}"


def trail(wanted: Wanted, place: Place, size: int) -> tuple[list[Entry], Place | None]:
    """A page, and where the next one begins. Three queries."""
    events = list(_below(_events(wanted), place.event)[: size + 1]) if not wanted.kind or KINDS[wanted.kind][1] else []
    changes = list(_below(_changes(wanted), place.change)[: size + 1]) if wanted.kind in ("", "edits", "closings") else []
    found: list[Any] = sorted([*events, *changes], key=_at, reverse=True)
    shown = found[:size]
    names = dict(Account.objects.filter(pk__in={c.account_id for c in shown if isinstance(c, FieldChange) and c.account_id}).values_list("pk", "name"))
    entries = [_of_change(row, names) if isinstance(row, FieldChange) else _of_event(row) for row in shown]
    if len(found) <= size:
        return entries, None
    lowest_event = min((r.pk for r in shown if isinstance(r, AuditEvent)), default=place.event)
    lowest_change = min((r.pk for r in shown if isinstance(r, FieldChange)), default=place.change)
    return entries, Place(lowest_event, lowest_change)


def all_of(wanted: Wanted, size: int = 1_000) -> Iterator[Entry]:
    """Every line, for a file."""
    place: Place | None = Place()
    while place is not None:
        entries, place = trail(wanted, place, size)
        yield from entries


def _at(row: Any) -> datetime:
    moment: datetime = row.recorded_at if isinstance(row, FieldChange) else row.at
    return moment


def _below(rows: QuerySet[Any], bound: int | None) -> QuerySet[Any]:
    return (rows if bound is None else rows.filter(pk__lt=bound)).order_by("-pk").select_related("user__person")


def _events(wanted: Wanted) -> QuerySet[AuditEvent]:
    rows = AuditEvent.objects.select_related("about__person")
    if wanted.user_id is not None:
        rows = rows.filter(Q(user_id=wanted.user_id) | Q(about_id=wanted.user_id))
    if wanted.kind:
        rows = rows.filter(act__in=KINDS[wanted.kind][1])
    return _between(rows, "at", wanted)


def _changes(wanted: Wanted) -> QuerySet[FieldChange]:
    """What people changed: rows without a run. (run, id) is an index, so this is a walk of it."""
    rows = FieldChange.objects.filter(run=None).exclude(record="assignments")  # the owner's change says it
    if wanted.kind:
        rows = rows.filter(record=CLOSINGS) if wanted.kind == "closings" else rows.exclude(record=CLOSINGS)
    if wanted.user_id is not None:
        rows = rows.filter(user_id=wanted.user_id)
    return _between(rows, "recorded_at", wanted)


def _between(rows: QuerySet[Any], column: str, wanted: Wanted) -> QuerySet[Any]:
    if wanted.first:
        rows = rows.filter(**{f"{column}__gte": _midnight(wanted.first)})
    if wanted.last:
        rows = rows.filter(**{f"{column}__lt": _midnight(wanted.last) + timedelta(days=1)})
    return rows


def _midnight(day: date) -> datetime:
    """Of the reader's day: the list says its instants on their clock."""
    return timezone.make_aware(datetime.combine(day, time()), formats().zone)


def name_of(user: Any) -> str:
    return str(getattr(getattr(user, "person", None), "name", "") or getattr(user, "email", ""))


def _of_event(row: AuditEvent) -> Entry:
    act = Act(row.act)
    subject = row.subject or (name_of(row.about) if row.about and row.about_id != row.user_id else "")
    subject = str(WRITTEN.get(subject, subject)) if act == Act.ACCESS_CHANGED else subject
    details = ", ".join(_said(key, value) for key, value in row.details.items() if value not in (None, "", []) and key not in ("old", "new", "account_id"))
    if "new" in row.details:
        details = f"{_word(row.details.get('old'))} → {_word(row.details['new'])}"
    who = name_of(row.user) or (name_of(row.about) if row.about else "") or (_("Somebody") if act == Act.SIGN_IN_FAILED else "laer")
    return Entry(row.at, who, str(act.label), GROUPS[act], TONES.get(act, ""), subject, details, row.ip or "", row.agent, row.details.get("account_id"))


def _of_change(row: FieldChange, names: dict[int, str]) -> Entry:
    who = name_of(row.user) or (_("Command line") if row.source == "command line" else row.source.capitalize())
    if row.record == CLOSINGS:
        new = row.new if isinstance(row.new, dict) else {}
        what = _("Month reopened") if new.get("state") == "open" else _("Month closed")
        return Entry(row.recorded_at, who, what, "closings", "warn", str(new.get("month", "")), str(new.get("reason") or new.get("note") or ""), "", "", None)
    columns = {c.name: column_text(c.label) for c in record_type(row.record).columns()} if row.record in MODELS else {}
    field = {"archived_at": _("archived")}.get(row.field) or columns.get(row.field, row.field.replace("_", " "))
    details = f"{_word(row.old)} → {_word(row.new)}"
    subject = names.get(row.account_id or 0, "") or (_("Plan rates") if row.record == "plan_rates" else f"{row.record} {row.object_id}")
    return Entry(row.recorded_at, who, _("Edited: %(field)s") % {"field": field}, "edits", "", subject, details, "", "", row.account_id)


def _said(key: str, value: Any) -> str:
    if key in ("what", "why", "role"):
        return str(WRITTEN.get(value, value))
    return _("%(what)s: %(value)s") % {"what": WRITTEN.get(key, key), "value": len(value) if isinstance(value, list) else value}


def _word(value: Any) -> str:
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict) and "name" in value:  # a person: by number and name
        value = value["name"]
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"
