"""The position of an account in its header: the four letters with their states, since when, why, and what somebody set beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.conditions.truth import explain
from laer.cycle.positions import OTHERWISE, Ruled
from laer.flow.positions import MOTIONS, STATES, column_of
from laer.metrics.catalogue import Measure
from laer.web import position_words
from laer.web.book.actions import Refused
from laer.web.book.models import Account
from laer.web.pages import measure_words as words
from laer.web.pages.account_edit import came_from
from laer.web.pages.account_rows import seen
from laer.web.people.models import User
from laer.web.runs import fact_filters, in_use, position_stays, snapshots
from laer.web.runs.measured import why_unknown
from laer.web.runs.models import AccountCard, PassRun, PositionStay
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import ago, day, person_name
from laer.web.work.models import PositionSet
from laer.web.work.positions import end_position, positions_set, set_position

ON_CARD = ("segment", "country", "industry", "owner_name", "state", "first_paid_on")  # facts that a card has in columns of its own


def strip(request: HttpRequest, user: User, row: Account, card: AccountCard | None, run: PassRun | None, editor: bool) -> list[dict[str, Any]]:
    """The four letters, for `parts/position.html`; empty where the run knows no positions. Three queries."""
    if run is None or card is None or not any(column_of(motion) in card.facts for motion in MOTIONS):
        return []
    ruling = {one.motion: one for one in in_use.ruling_of(run).motions}
    stays, by_people = position_stays.of_account(row.pk), positions_set(user, row.pk)
    return [
        _letter(request, ruling[motion], card, run, stays.get(motion), by_people.get(motion))
        | {"set_url": reverse("position_set", args=[row.pk, motion]), "end_url": reverse("position_end", args=[row.pk, motion]), "editable": editor}
        for motion in MOTIONS
        if motion in ruling
    ]


def _letter(
    request: HttpRequest, one: Ruled, card: AccountCard, run: PassRun, stay: PositionStay | None, by: PositionSet | None
) -> dict[str, Any]:
    motion, state = one.motion, card.facts.get(column_of(one.motion))
    title = position_words.MOTIONS[motion]
    shown = by.state if by else state
    held = stay if stay is not None and stay.state == state else None
    return {
        "motion": motion, "title": title, "letter": str(title)[:1], "state": position_words.state_name(motion, state),
        "tone": position_words.TONES.get(shown or "", ""), "shown": position_words.state_name(motion, shown), "known": state is not None,
        "since": None if held is None else _since(held), "last": _last(motion, stay) if state is None else None,
        "why": _why(one, held, currency_of(run)) if state is not None else None, "saw": _saw(held, run, currency_of(run)),
        "missing": _missing(request, one, card, run) if state is None else None,
        "by": None if by is None else {
            "state": position_words.state_name(motion, by.state), "reason": by.reason, "until": by.until_on, "at": by.created_at,
            "who": person_name(by.created_by) if by.created_by else None,
        },
        "choices": [{"value": name, "label": position_words.state_name(motion, name)} for name in (*STATES[motion][1:], STATES[motion][0])],
    }  # fmt: skip


def _since(stay: PositionStay) -> dict[str, str]:
    """Since when; a stay that was not seen to begin is at least as old."""
    since = day(stay.from_on)
    if stay.begins_base:
        return {"text": _("since %(day)s or before") % {"day": since}, "short": _("or before"), "ago": ago(stay.from_on)}
    note = _("by month ends") if stay.replayed else ""
    return {"text": _("since %(day)s") % {"day": since}, "short": note, "ago": ago(stay.from_on)}


def _last(motion: str, stay: PositionStay | None) -> str:
    return "" if stay is None else _("last known: %(state)s") % {"state": position_words.state_name(motion, stay.state)}


def _why(one: Ruled, stay: PositionStay | None, currency: str) -> str:
    """The rule that decided in words."""
    if stay is None or stay.rule is None:
        return ""
    if stay.rule == OTHERWISE:
        return _("none of its rules holds")
    if not 0 <= stay.rule < len(one.conditions):
        return ""
    return fact_filters.words_of(one.conditions[stay.rule], currency)


def _saw(stay: PositionStay | None, run: PassRun, currency: str) -> list[dict[str, Any]]:
    """What the rule saw when the stay began."""
    if stay is None or not stay.because:
        return []
    there = snapshots.open_run(run.pk).measures
    return [
        {"name": words.text(there[name].name), "text": _value(there[name], value, currency), "url": reverse("measure", args=[name])}
        for name, value in stay.because.items()
        if name in there
    ]


def _value(measure: Measure, value: Any, currency: str) -> str:
    said = words.said(measure, words.plain(measure, value), currency)
    return f"{said['text']} {said['unit']}".strip()


def _missing(request: HttpRequest, one: Ruled, card: AccountCard, run: PassRun) -> dict[str, Any]:
    """Which rule could not be said, and which source would say it."""
    facts = card.facts | {name.removesuffix("_name"): getattr(card, name) for name in ON_CARD}
    for condition in one.conditions:
        truth = explain(condition, _dated(facts), run.as_of).truth
        if truth:
            break
        if truth is None:
            found = why_unknown(run, condition, in_use.measures_of(run).unplaced)
            said = {"text": _("too little is known of the account")} if found is None else words.missing_text(request, found)
            return said | {"rule": fact_filters.words_of(condition, currency_of(run))}
    return {"text": _("no rule holds")}


def _dated(facts: dict[str, Any]) -> dict[str, Any]:
    """Days as dates, which a card keeps as texts."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and len(value) == 10 and value[4:5] == "-":
            try:
                return date.fromisoformat(value)
            except ValueError:
                return value
        return value

    return {name: read(value) for name, value in facts.items()}


@require_POST
def put(request: HttpRequest, account_id: int, motion: str) -> HttpResponse:
    """Say in which state of a motion an account is, with a reason and an end."""
    user, row = seen(request, account_id)
    if motion not in MOTIONS:
        raise Http404
    try:
        change = set_position(user, row.pk, motion, request.POST.dict())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Position set"), extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}")
    return came_from(request, reverse("account", args=[row.pk]))


@require_POST
def end(request: HttpRequest, account_id: int, motion: str) -> HttpResponse:
    """What somebody set stands no more: the rules say where the account is."""
    user, row = seen(request, account_id)
    if motion not in MOTIONS:
        raise Http404
    change = end_position(user, row.pk, motion)
    undo = f"undo:{reverse('work_undo', args=[change.pk])}" if change else ""
    messages.success(request, _("The rules say it again") if change else _("Nobody had set it"), extra_tags=undo)
    return came_from(request, reverse("account", args=[row.pk]))


urlpatterns = [
    path("accounts/<int:account_id>/position/<str:motion>/", put, name="position_set"),
    path("accounts/<int:account_id>/position/<str:motion>/end/", end, name="position_end"),
]
