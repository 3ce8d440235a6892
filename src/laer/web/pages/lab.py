"""Lab: would another score have seen it coming? A scorecard, and a changed draft of it, replayed over the past beside what came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle.lab import CHURN, HORIZON, MONTHS, OUTCOMES
from laer.records.definition import IN_USE
from laer.web.book import definitions
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import export, format_of
from laer.web.pages.lab_result import FILES, OUTCOME, VERDICTS, context_of, rows_of, verdict_of
from laer.web.people.models import User
from laer.web.people.roles import Refused
from laer.web.runs import lab
from laer.web.runs.definition_words import fault_text
from laer.web.runs.latest import last_run
from laer.web.runs.models import LabReplay
from laer.web.templatetags.laer import number, person_name

SHOWN = 50


def reader(request: HttpRequest) -> User:
    """The person, where they see the whole book: a score is judged over all of it."""
    user = user_of(request)
    if not user.reads_everything:
        raise PermissionDenied
    return user


@require_safe
def front(request: HttpRequest) -> HttpResponseBase:
    """Ask for a replay of a scorecard over the past, and what earlier replays found."""
    return _front(request, reader(request), request.GET)


def _front(request: HttpRequest, user: User, said: Mapping[str, Any], *, error: str = "", faults: tuple[str, ...] = ()) -> HttpResponse:
    cards = [row for row in definitions.in_force("scorecard") if row.status in IN_USE]
    chosen = next((row for row in cards if row.name == said.get("card")), cards[0] if cards else None)
    rows = list(LabReplay.objects.defer("draft").select_related("asked_by__person").order_by("-id")[:SHOWN])
    run = last_run()
    names = {row.name: row.title for row in cards}
    context = {
        "may_ask": lab.may_ask(user),
        "cards": [{"id": row.name, "name": row.title, "chosen": row is chosen} for row in cards],
        "spans": [{"value": n, "chosen": str(n) == said.get("months", str(MONTHS))} for n in lab.SPANS],
        "horizons": [{"value": n, "chosen": str(n) == said.get("horizon", str(HORIZON))} for n in lab.HORIZONS],
        "outcomes": [{"value": one, "name": OUTCOME[one], "chosen": one == said.get("outcome", CHURN)} for one in OUTCOMES],
        "draft": said.get("draft") or (chosen.text if chosen else ""),
        "drafting": bool(said.get("draft")) or "challenge" in said,
        "draft_of": chosen.name if chosen else "",
        "error": error,
        "faults": faults,
        "replays": [_asked(row, names) for row in rows],
        "poll_url": request.path if any(row.done_at is None for row in rows) and request.method != "POST" else None,
        "no_run": run is None,
        "state": {
            "shown": ngettext("%(n)s replay", "%(n)s replays", len(rows)) % {"n": number(len(rows))},
            "as_of": run.as_of if run else None, "whose": _("the whole book"),
            "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None,
        },
    }  # fmt: skip
    return render(request, "pages/lab.html", context, status=422 if error or faults else 200)


def _asked(row: LabReplay, names: Mapping[str, str]) -> dict[str, Any]:
    found = row.result or {}
    sides = [found.get("champion"), found.get("challenger")]
    best = [side["area"]["auc"] for side in sides if side]
    verdict = found["compared"]["verdict"] if found.get("compared") else found["champion"]["verdict"] if found else ""
    return {
        "name": names.get(row.card, row.card), "url": reverse("lab_replay", args=[row.pk]), "challenged": bool(found.get("challenger")) if found else None,
        "auc": " / ".join("–" if one is None else number(round(one, 3), 3) for one in best), "verdict": VERDICTS.get(verdict), "what": what_of(row),
        "at": row.asked_at, "who": person_name(row.asked_by) if row.asked_by else _("the command line"), "waits": row.done_at is None,
        "failed": bool(row.error), "adopted": row.adopted_version,
    }  # fmt: skip


def what_of(row: LabReplay) -> str:
    return _("%(outcome)s within %(horizon)s days, %(months)s month ends") % {
        "outcome": OUTCOME[row.outcome], "horizon": number(row.horizon), "months": number(row.months)}  # fmt: skip


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have a scorecard replayed; the worker does it."""
    user = reader(request)
    if not lab.may_ask(user):
        raise PermissionDenied
    said = request.POST
    try:
        made = lab.ask(
            user, said.get("card", ""), said.get("draft", "") if said.get("challenge") else "", months=_whole(said.get("months")),
            horizon=_whole(said.get("horizon")), outcome=said.get("outcome", ""),
        )  # fmt: skip
    except definitions.Faulty as faulty:
        found = tuple(_("line %(line)s: %(fault)s") % {"line": fault.line, "fault": fault_text(fault)} for fault in faulty.read.faults)
        return _front(request, user, said, faults=found)
    except Refused as refused:
        return _front(request, user, said, error=str(refused))
    return redirect("lab_replay", made.pk)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 5 else 0


@require_safe
def replay(request: HttpRequest, replay_id: int) -> HttpResponseBase:
    """What a replay found: how well the score foresaw what came, false greens by name, and its challenger beside it."""
    user, row = reader(request), _held(replay_id)
    form, of = format_of(request), request.GET.get("of", "missed")
    if form and row.result and of in FILES:
        return export(f"lab-{row.card}-{row.pk}-{of}", FILES[of], rows_of(row.result, of), form)
    held = definitions.current("scorecard", row.card)
    context = {
        "title": held.title if held else row.card,
        "what": what_of(row),
        "waits": row.done_at is None,
        "poll_url": request.path if row.done_at is None else None,
        "error": row.error,
        "replay": row,
        "verdict": verdict_of(row.result) if row.result else None,
        "again_url": f"{reverse('lab')}?card={row.card}&challenge=1&months={row.months}&horizon={row.horizon}&outcome={row.outcome}",
        "may_ask": lab.may_ask(user),
        "adopt": _adoption(user, row, held.version if held else None),
        "diff": _diff(row, held.text if held else "") if row.draft else [],
        "state": _state(row),
    } | (context_of(row.result) if row.result else {})
    return render(request, "pages/lab_replay.html", context)


def _state(row: LabReplay) -> dict[str, Any]:
    as_of = date.fromisoformat(row.result["as_of"]) if row.result else None
    took = _("in %(n)s seconds") % {"n": number(round(row.seconds, 1), 1)} if row.seconds is not None else None
    run = {"label": _("run %(run)s") % {"run": row.run_id}} if row.run_id else None
    return {"shown": what_of(row), "as_of": as_of, "whose": _("the whole book"), "run": run, "note": took}


def _adoption(user: User, row: LabReplay, version: int | None) -> dict[str, Any] | None:
    if not row.draft or not row.result:
        return None
    if row.adopted_version is not None:
        return {"done": row.adopted_version, "at": row.adopted_at, "who": person_name(row.adopted_by) if row.adopted_by else _("the command line")}
    overtaken = version != row.result["champion"]["version"]
    return {"url": reverse("lab_adopt", args=[row.pk]), "may": definitions.may_define(user, "scorecard"), "overtaken": version if overtaken else None}


def _diff(row: LabReplay, now: str) -> list[dict[str, str]]:
    """The draft against the card in force; of one that was adopted there is none left to show."""
    if row.adopted_version is not None:
        return []
    lines = definitions.changed_lines(now, row.draft, _("in force"), _("challenger"))
    return [{"text": line, "sign": line[:1] if not line.startswith(("+++", "---")) else "@"} for line in lines]


@require_POST
def adopt(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Put the challenger in force; the replay stays beside it as the reason."""
    user, row = reader(request), _held(replay_id)
    try:
        made = lab.adopt(user, row.pk, request.POST.get("reason", ""))
    except definitions.Faulty as faulty:
        messages.error(request, _("That text no longer reads: %(faults)s") % {"faults": "; ".join(map(fault_text, faulty.read.faults))})
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        undo_url = f"{reverse('definition_undo', args=[made.kind, made.name])}?version={made.version}"
        said = _("%(name)s: version %(version)s is in force; the next pass uses it") % {"name": made.title, "version": made.version}
        messages.success(request, said, extra_tags=f"undo:{undo_url}")
    return redirect("lab_replay", row.pk)


def _held(replay_id: int) -> LabReplay:
    row = LabReplay.objects.select_related("asked_by__person", "adopted_by__person").filter(pk=replay_id).first()
    if row is None:
        raise Http404
    return row


urlpatterns = [
    path("lab/", front, name="lab"),
    path("lab/ask/", ask, name="lab_ask"),
    path("lab/<int:replay_id>/", replay, name="lab_replay"),
    path("lab/<int:replay_id>/adopt/", adopt, name="lab_adopt"),
]
