"""Peek: an account beside the list that one is in. A link to an account opts in with the word `data-peek` (`frontend/src/peek.js`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from laer.records.money import minor_units
from laer.records.periods import last_covered
from laer.web.pages.account_feed import COLOURS, MOODS
from laer.web.pages.account_health import BANDS
from laer.web.pages.accounts import user_of
from laer.web.people.formats import today
from laer.web.runs import queries as runs
from laer.web.runs.glance import Glance, glance
from laer.web.work.models import TouchKind
from laer.web.work.pulses import is_stale

STATES = {"paying": (gettext_lazy("Paying"), "good"), "churned": (gettext_lazy("Churned"), "bad"), "prospect": (gettext_lazy("Prospect"), "")}


@require_safe
def peek(request: HttpRequest, account_id: int) -> HttpResponse:
    """The panel's content for htmx; the same as a page for whoever opens the address."""
    seen = glance(user_of(request), account_id)
    if seen is None:
        raise Http404
    fragment = request.headers.get("HX-Request") == "true"
    response = render(request, "pages/peek.html#peek" if fragment else "pages/peek.html", {"peek": _said(seen)})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _said(seen: Glance) -> dict[str, Any]:
    row, card, pulse = seen.account, seen.card, seen.pulse
    currency = (card.currency if card else "") or runs.currency_of(seen.run)
    state = STATES.get(card.state, (card.state, "")) if card else None
    return {
        "account_id": row.pk, "name": row.name, "domain": row.domain, "segment": row.segment, "country": row.country, "owner": seen.owner,
        "url": reverse("account", args=[row.pk]), "touch_url": reverse("touches", args=[row.pk]), "pulse_url": reverse("pulse", args=[row.pk]),
        "editable": seen.editable,
        "arr": Decimal(card.arr_minor).scaleb(-minor_units(currency)) if card else None, "currency": currency,
        "ends_on": last_covered(card.contract_end_on) if card and card.contract_end_on else None,
        "state": state and {"text": state[0], "tone": state[1]},
        "as_of": seen.run and seen.run.as_of, "recomputing": seen.recomputing,
        "pulse": pulse and {"text": BANDS.get(pulse.colour.casefold(), pulse.colour), "tone": COLOURS.get(pulse.colour.casefold(), ""),
                            "on": pulse.stated_on, "reason": pulse.reason,
                            "stale": is_stale(pulse.stated_on, today())},
        "touches": [
            {
                "kind": TouchKind(t.kind).label, "at": t.at, "who": t.person.name if t.person else None, "text": t.summary,
                "mood": (mood := MOODS.get(t.sentiment)) and {"text": mood[0], "tone": mood[1]},  # type: ignore[call-overload]
            }
            for t in seen.touches
        ],
        "tasks": [
            {
                "title": t.title, "url": reverse("task", args=[t.pk]), "due_on": t.due_on, "late": t.due_on is not None and t.due_on < today(),
                "who": t.assignee.name if t.assignee else None,
            }
            for t in seen.tasks
        ],
        "more_tasks": seen.more_tasks,
    }  # fmt: skip


urlpatterns: list[URLPattern] = [path("accounts/<int:account_id>/peek/", peek, name="peek")]
