"""Activity: the tab of the account page that tells its story, newest first, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from laer.records.money import minor_units
from laer.renew.calls import AT_RISK, COMMIT, LIKELY, LOST
from laer.web.book.models import Account
from laer.web.book.queries import field_label
from laer.web.book.scope import may_see_field
from laer.web.book.trail import name_of
from laer.web.pages.account_rows import text_of
from laer.web.pages.text_sentiment import shown
from laer.web.people.models import User
from laer.web.runs import queries as runs
from laer.web.runs.models import AccountMonth, PassRun
from laer.web.templatetags.laer import day, last_covered, money_short
from laer.web.templatetags.laer import month as month_text
from laer.web.work.feed import KINDS, SOURCES, Event, Place, Source, feed
from laer.web.work.markdown import as_html
from laer.web.work.models import Category, Colour, Direction, Sending, Sentiment, TextOf, TouchKind
from laer.web.work.pulses import said_of
from laer.web.work.sentiments import sentiments_of

SHOWN = 40
FILED = 500  # events that a file asks for at a time
ICONS = {
    "touch": "message-circle", "note": "note", "task": "check", "change": "pencil", "import": "file-import", "contract": "file-text",
    "mrr": "chart-bar", "pulse": "heartbeat", "call": "refresh", "override": "pencil", "mail": "mail",
}  # fmt: skip
MOODS = {
    Sentiment.GOOD: (gettext_lazy("went well"), "good"), Sentiment.NEUTRAL: (gettext_lazy("neutral"), ""), Sentiment.BAD: (gettext_lazy("went badly"), "bad"),
}  # fmt: skip
MOVES = {
    "new": gettext_lazy("new"), "reactivation": gettext_lazy("reactivation"), "expansion": gettext_lazy("expansion"),
    "contraction": gettext_lazy("contraction"), "churn": gettext_lazy("churn"),
}  # fmt: skip
COLOURS = {"green": "good", "yellow": "warn", "amber": "warn", "red": "bad"}
TEXTS = {"touch": TextOf.TOUCH.value, "note": TextOf.NOTE.value}  # events that have a text of which it is scored how it sounds
ALL = (*SOURCES, Source("mrr", "month", lambda account: AccountMonth.objects.filter(account=account), dated=True))


def feed_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    below = Place.read(request.GET.get("below", ""))
    events, behind = feed(row, ALL, kind, below, SHOWN)
    currency = runs.currency_of(run)
    own = f"&kind={kind}" if kind else ""
    filters = [("", _("Everything")), *KINDS.items()]
    sounds = sentiments_of(row.pk, [(record, [e.row.pk for e in events if e.kind == kind]) for kind, record in TEXTS.items()])
    return {
        "events": [
            _said(e, user, currency, editor) | {"sentiment": shown(sounds.get((TEXTS.get(e.kind, ""), e.row.pk)), editor)}
            for e in events if e.kind != "change" or may_see_field(user, e.row.field)
        ],
        "kinds": [{"title": title, "url": f"?tab=feed{f'&kind={key}' if key else ''}", "active": key == kind} for key, title in filters],
        "kind": kind,
        "note_url": reverse("note_add", args=[row.pk]) if editor and kind in ("", "note") and below is None else None,
        "previous_url": f"?tab=feed{own}" if below else None,
        "next_url": f"?tab=feed{own}&below={behind}" if behind else None,
    }


def whole_feed(user: User, row: Account, run: PassRun | None) -> Iterator[tuple[Any, ...]]:
    """The whole story, newest first, for a file: at, kind, what, detail, text, from, to, who."""
    currency, below = runs.currency_of(run), None
    while True:
        events, below = feed(row, ALL, "", below, FILED)
        for e in (e for e in events if e.kind != "change" or may_see_field(user, e.row.field)):
            said = _said(e, user, currency, False)
            pill = said.get("pill")
            detail = ", ".join(str(part) for part in (said.get("note"), pill and pill["text"]) if part)
            text = e.row.text if e.kind == "note" else said.get("text")
            old, new = (None if said.get(name) is None else str(said[name]) for name in ("old", "new"))
            yield said["at"], str(KINDS[e.kind]), str(said["title"]), detail or None, text or None, old, new, said.get("who") or None
        if below is None:
            return


def _said(event: Event, user: User, currency: str, editor: bool) -> dict[str, Any]:
    common = {"kind": event.kind, "icon": ICONS[event.kind], "at": timezone.localtime(event.at).date() if event.dated else event.at, "dated": event.dated}
    return common | {"note_id": event.row.pk if editor and event.kind == "note" else None} | SAY[event.kind](event.row, user, currency)


def _touch(row: Any, user: User, currency: str) -> dict[str, Any]:
    mood = MOODS.get(row.sentiment)
    people = ", ".join(c.name or c.email or "" for c in row.contacts.all())
    parts = (
        ngettext("%(count)s minute", "%(count)s minutes", row.minutes) % {"count": row.minutes} if row.minutes else "",
        _("they reached out") if row.direction == Direction.IN else "",
        _("with %(people)s") % {"people": people} if people else "",
    )
    return {
        "title": TouchKind(row.kind).label,
        "note": ", ".join(part for part in parts if part),
        "text": row.summary,
        "who": row.person.name if row.person else "",
        "pill": mood and {"text": mood[0], "tone": mood[1]},
    }


def _note(row: Any, user: User, currency: str) -> dict[str, Any]:
    by = row.created_run
    return {"title": _("Note"), "html": as_html(row.text), "who": name_of(by.user) if by and by.user and by.kind == "edit" else by.source if by else ""}


def _task(row: Any, user: User, currency: str) -> dict[str, Any]:
    return {"title": row.title, "note": _("task done"), "url": reverse("task", args=[row.pk]), "who": name_of(row.done_by)}


def _change(row: Any, user: User, currency: str) -> dict[str, Any]:
    new = text_of(row.new)
    old = text_of(row.old)
    shown = {"old": "" if old is None else old, "new": _("empty") if new in (None, "") else new}
    return shown | {"title": field_label(row), "who": name_of(row.user) or row.source}


def _import(row: Any, user: User, currency: str) -> dict[str, Any]:
    title = _("Import from %(source)s") % {"source": row.source}
    return {"title": title, "url": reverse("import_result", args=[row.pk]) if user.may_import else None, "who": name_of(row.user)}


def _contract(row: Any, user: User, currency: str) -> dict[str, Any]:
    both = {"first": day(row.start_on), "last": day(last_covered(row.end_on))}
    span = _("%(first)s to %(last)s") % both if row.start_on and row.end_on else ""
    return {"title": _("%(name)s signed") % {"name": row.name} if row.name else _("Contract signed"), "note": span}


def _mrr(row: Any, user: User, currency: str) -> dict[str, Any]:
    before, after = (money_short(Decimal(amount).scaleb(-minor_units(currency)), currency) for amount in (row.opening_minor, row.closing_minor))
    moved = [said for name, said in MOVES.items() if getattr(row, f"{name}_minor")]
    note = str(moved[0]) if moved else ""
    for further in moved[1:]:
        note = _("%(one)s and %(other)s") % {"one": note, "other": further}
    return {"title": _("MRR"), "old": before, "new": after, "note": note, "when": month_text(row.month)}


def _pulse(row: Any, user: User, currency: str) -> dict[str, Any]:
    step = said_of(row)
    upon = step and step.next_step and (_("%(step)s by %(day)s") % {"step": step.next_step, "day": day(step.next_on)} if step.next_on else step.next_step)
    return {
        "title": _("Pulse"), "pill": {"text": row.colour, "tone": COLOURS.get(row.colour.casefold(), "")}, "text": row.reason or "",
        "note": _("next: %(step)s") % {"step": upon} if upon else "", "who": step.person.name if step and step.person else "",
    }  # fmt: skip


def _override(row: Any, user: User, currency: str) -> dict[str, Any]:
    """What somebody held to be true instead of a score's band."""
    return {
        "title": _("Band of %(card)s overridden until %(day)s") % {"card": row.card, "day": day(row.until_on)},
        "pill": {"text": Colour(row.band).label, "tone": COLOURS.get(row.band, "")}, "text": row.reason, "who": row.person.name if row.person else "",
    }  # fmt: skip


def _call(row: Any, user: User, currency: str) -> dict[str, Any]:
    """What somebody expected of a renewal."""
    said = {LOST: "bad", AT_RISK: "warn", LIKELY: "info", COMMIT: "good"}
    text = ". ".join(part.rstrip(".") for part in (row.reason, row.next_step) if part)
    return {
        "title": _("Renewal of %(day)s called") % {"day": day(row.due_on)}, "pill": {"text": Category(row.category).label, "tone": said.get(row.category, "")},
        "note": money_short(Decimal(row.amount), row.currency or currency) if row.amount is not None else "", "text": text,
        "who": row.person.name if row.person else "",
    }  # fmt: skip


def _mail(row: Any, user: User, currency: str) -> dict[str, Any]:
    """What left the house to a contact, and what came of it where it was not taken."""
    tone = {Sending.FAILED: "bad", Sending.DEAD: "bad", Sending.UNKNOWN: "warn", Sending.STOPPED: ""}
    state = Sending(row.state)
    pill = None if state == Sending.SENT else {"text": _("Bounced") if row.bounced else state.label, "tone": tone.get(state, "")}
    to = (row.contact.name if row.contact else None) or row.to
    return {
        "title": row.subject, "url": reverse("mail", args=[row.pk]), "note": _("mail to %(contact)s") % {"contact": to}, "pill": pill,
        "text": row.reason if pill else "", "who": row.by.name if row.by else _("a play") if row.play else "",
    }  # fmt: skip


SAY: dict[str, Callable[[Any, User, str], dict[str, Any]]] = {
    "touch": _touch, "note": _note, "task": _task, "change": _change, "import": _import, "contract": _contract, "mrr": _mrr, "pulse": _pulse, "call": _call,
    "override": _override, "mail": _mail,
}  # fmt: skip
