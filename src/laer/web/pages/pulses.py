"""What people say beside a score, and where they say it: the pulse of an account, and the override of a scorecard's band."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from laer.adopt.measures import PULSE_STALE
from laer.web.book import queries as book
from laer.web.book.actions import Refused
from laer.web.book.models import Pulse
from laer.web.pages.account_edit import came_from
from laer.web.pages.account_health import BANDS, TONES, pill_of
from laer.web.pages.account_rows import seen
from laer.web.pages.accounts import user_of
from laer.web.people.formats import today
from laer.web.runs import queries as runs
from laer.web.runs import why
from laer.web.runs.beside import Beside
from laer.web.runs.models import AccountCard
from laer.web.templatetags.laer import day
from laer.web.work.models import Colour, Override
from laer.web.work.overrides import DAYS, end_override, override_band, overrides_of
from laer.web.work.pulses import is_stale, pulses_of, said_of, set_pulse

KEYS = {Colour.GREEN: "g", Colour.YELLOW: "y", Colour.RED: "r"}


@require_http_methods(["GET", "HEAD", "POST"])
def pulse(request: HttpRequest, account_id: int) -> HttpResponse:
    """State the pulse of an account, with those before it; with htmx the form alone, for the small panel that `h` opens."""
    user, row = seen(request, account_id)
    editable = row.archived_at is None and book.may_edit(user, row)
    values: dict[str, Any] = {"colour": "", "reason": "", "next_step": "", "next_on": ""}
    error = ""
    if request.method == "POST":
        if not editable:
            raise PermissionDenied
        values |= {name: request.POST.get(name, "") for name in values}
        try:
            stated, change = set_pulse(user, row.pk, values)
        except Refused as refused:
            error = str(refused)
        else:
            undo = f"undo:{reverse('work_undo', args=[change.pk])}" if change else ""
            said = _("Pulse of %(account)s: %(colour)s") % {"account": row.name, "colour": BANDS[stated.colour]}
            messages.success(request, said if change else _("The pulse is as it was"), extra_tags=undo)
            return came_from(request, reverse("account", args=[row.pk]))
    history = [pulse_said(one) for one in pulses_of(row.pk)]
    context = {
        "account": {"account_id": row.pk, "name": row.name, "url": reverse("account", args=[row.pk])},
        "pulse_url": reverse("pulse", args=[row.pk]),
        "standing": history[0] if history else None,
        "health": pill_of(runs.card_of(row.pk)),
        "history": history,
        "editable": editable,
        "values": values,
        "error": error,
        "colours": [{"value": one.value, "label": one.label, "key": KEYS[one], "tone": TONES[one.value]} for one in Colour],
        "stale_after": PULSE_STALE,
        "in_panel": request.headers.get("HX-Request") == "true",
    }
    response = render(request, "pages/pulse.html#form" if context["in_panel"] else "pages/pulse.html", context, status=422 if error else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def pulse_said(row: Pulse) -> dict[str, Any]:
    """A pulse in words; who said it and what comes next are unknown of one that came in a file."""
    step, now = said_of(row), today()
    return {
        "colour": row.colour, "text": BANDS.get(row.colour, row.colour), "tone": TONES.get(row.colour, ""), "on": row.stated_on, "reason": row.reason or "",
        "who": step.person.name if step and step.person else None, "next_step": step.next_step if step else "", "next_on": step.next_on if step else None,
        "late": bool(step and step.next_on and step.next_on < now), "stale": is_stale(row.stated_on, now), "days": (now - row.stated_on).days,
    }  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def override(request: HttpRequest, account_id: int, card: str) -> HttpResponse:
    """Hold another band of a scorecard to be true of an account, with reason and end; those before it below."""
    user, row = seen(request, account_id)
    held = runs.card_of(row.pk)
    run = runs.last_run()
    found = next((one.card for one in why.scorecards(run).cards if one.card.id == card), None) if run else None
    if found is None or held is None:
        raise Http404
    about = found.coverage_id in held.facts  # else there is no band that could be another
    editable = about and row.archived_at is None and book.may_edit(user, row)
    band = held.facts.get(found.band_id)
    values: dict[str, Any] = {"band": "", "reason": "", "until_on": str(today() + timedelta(days=DAYS))}
    error = ""
    if request.method == "POST":
        if not editable:
            raise PermissionDenied
        values |= {name: request.POST.get(name, "") for name in values}
        try:
            made, change = override_band(user, row.pk, card, band, values)
        except Refused as refused:
            error = str(refused)
        else:
            said = _("%(card)s of %(account)s held to be %(band)s") % {"card": found.name, "account": row.name, "band": BANDS[made.band]}
            messages.success(request, said, extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}")
            return came_from(request, f"{reverse('account', args=[row.pk])}?tab=health")
    history = [override_said(one) for one in overrides_of(row.pk, card)]
    context = {
        "account": {"account_id": row.pk, "name": row.name, "url": reverse("account", args=[row.pk])},
        "card": {"id": card, "name": found.name, "band": BANDS.get(band or ""), "tone": TONES.get(band or "", "outline")},
        "override_url": reverse("override", args=[row.pk, card]),
        "history": history,
        "editable": editable,
        "values": values,
        "error": error,
        "days": DAYS,
        "last": today() + timedelta(days=DAYS),
        "first": today() + timedelta(days=1),
        "colours": [{"value": one.value, "label": one.label, "tone": TONES[one.value]} for one in Colour if one.value != band],
    }
    return render(request, "pages/override.html", context, status=422 if error else 200)


@require_POST
def end(request: HttpRequest, override_id: int) -> HttpResponse:
    """End an override today."""
    try:
        change = end_override(user_of(request), override_id) if override_id < 2**63 else None
    except Override.DoesNotExist:
        raise Http404 from None
    undo = f"undo:{reverse('work_undo', args=[change.pk])}" if change else ""
    messages.success(request, _("The override has ended") if change else _("It had ended already"), extra_tags=undo)
    return came_from(request, reverse("accounts"))


def override_said(row: Override) -> dict[str, Any]:
    """An override in words."""
    now = today()
    return {
        "override_id": row.pk, "band": row.band, "text": BANDS.get(row.band, row.band), "tone": TONES.get(row.band, ""), "reason": row.reason,
        "from_on": row.from_on,
        "until_on": row.until_on, "instead_of": BANDS.get(row.instead_of or ""), "who": row.person.name if row.person else None,
        "stands": row.from_on <= now < row.until_on, "url": reverse("override", args=[row.account_id, row.card]),
        "end_url": reverse("override_end", args=[row.pk]),
    }  # fmt: skip


def beside_header(card: AccountCard | None, found: Beside | None) -> dict[str, Any]:
    """Of an account's header: its pulse, and the override of the card that is its health."""
    if found is None:
        return {"pulse": None, "override": None}
    one = found.overrides.get(why.health_of(card) or "") if card else None
    return {
        "pulse": found.pulse and {"said": _pulse_text(found), "tone": "outline" if found.stale else TONES.get(found.pulse, "")},
        "override": override_said(one) | {"said": _held_text(one)} if one else None,
    }


def _held_text(one: Override) -> str:
    return _("held to be %(band)s until %(day)s") % {"band": BANDS[one.band], "day": day(one.until_on)}


def _pulse_text(found: Beside) -> str:
    said = {"band": BANDS.get(found.pulse or "", found.pulse), "day": day(found.pulse_on)}
    return _("Pulse %(band)s, stale: %(day)s") % said if found.stale else _("Pulse %(band)s, %(day)s") % said


urlpatterns: list[URLPattern] = [
    path("accounts/<int:account_id>/pulse/", pulse, name="pulse"),
    path("accounts/<int:account_id>/override/<slug:card>/", override, name="override"),
    path("accounts/overrides/<int:override_id>/end/", end, name="override_end"),
]
