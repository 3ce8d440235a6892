"""Plays: what does the firm do about it, and does it help? The list with what is under way; one play with its steps, its runs, the past, why or why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.plays import way
from laer.plays.arms import LEAST, Effect, smallest, weeks_until
from laer.plays.play import Play
from laer.web.book import definitions
from laer.web.book.actions import Refused
from laer.web.book.definitions import may_define
from laer.web.book.models import Definition
from laer.web.book.scope import editable_accounts, scope_of
from laer.web.pages import play_words
from laer.web.pages.account_edit import came_from
from laer.web.pages.account_named import account_named
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.signals import MOTIONS, major
from laer.web.people.formats import today
from laer.web.people.models import Person, User
from laer.web.runs.latest import last_run
from laer.web.runs.models import PassRun
from laer.web.runs.playing import deciding, standing
from laer.web.runs.playing.known import play_of, play_then
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import money_short, number, percent, person_name
from laer.web.wording import gettext_lazy
from laer.web.work.models import PlayRun, PlaySetting, RunEnd, RunState
from laer.web.work.plays import mails_of, may_switch, not_approved, reading, stop_run

SHOWN = 100
STATES = {
    "on": (gettext_lazy("on"), "good"), "trial": (gettext_lazy("on trial"), "info"), "draft": (gettext_lazy("draft"), "outline"),
    "retired": (gettext_lazy("retired"), "outline"),
}  # fmt: skip
VIEWS = {
    "live": gettext_lazy("Under way"), "ended": gettext_lazy("Ended"), "trial": gettext_lazy("Would have begun"), "out": gettext_lazy("Held out"),
    "refused": gettext_lazy("Did not begin"),
}  # fmt: skip


@require_safe
def play_list(request: HttpRequest) -> HttpResponseBase:
    """Every play by motion: what begins it, whether it acts or is on trial, what it does or would do, and what came of it."""
    user, run = user_of(request), last_run()
    currency, scope = currency_of(run), scope_of(user)
    counted, settings, measures = standing.counted(scope, today()), standing.settings(), definitions.measures()
    names = {**definitions.titles("segment"), **definitions.titles("signal")}
    rows = []
    for row in definitions.in_force("play"):
        play = play_of(row.text)
        if play is not None:
            rows.append(_row(row, play, settings.get(row.name), counted.get(row.name, {}), play_words.begun_by(play, measures, names)["words"]))
    if file := filed(request, "plays", CELLS, lambda: rows):
        return file
    rows.sort(key=lambda row: (row["order"], row["name"]))
    groups = [{"title": MOTIONS[key], "rows": [row for row in rows if row["motion"] == key]} for key in MOTIONS]
    on = sum(row["state"] == "on" for row in rows)
    context = {
        "groups": [group for group in groups if group["rows"]], "currency": currency, "lately": standing.LATELY, "download_url": request.path if rows else None,
        "new_url": reverse("definition_new", args=["play"]) if may_define(user, "play") else None,
        "figures": _list_figures(rows) if rows else [],
        "state": {"shown": ngettext("%(n)s play", "%(n)s plays", len(rows)) % {"n": number(len(rows))} + _(", %(n)s on") % {"n": number(on)},
                  **state_of(run, scope.everything)},
    }  # fmt: skip
    return render(request, "pages/plays.html", context)


CELLS: dict[str, Value] = {
    name: itemgetter(name) for name in ("id", "name", "motion", "purpose", "state", "begins", "live", "waiting", "would", "lately", "ended", "reached")
}  # fmt: skip


def _row(row: Definition, play: Play, setting: PlaySetting | None, counted: Mapping[str, int], begins: str) -> dict[str, Any]:
    state = _state(play, setting)
    counts = {name: counted.get(name, 0) for name in ("live", "waiting", "ended", "would", "lately", "reached", "out", "refused", "trial")}
    return counts | {
        "id": row.name, "name": row.title, "url": reverse("play", args=[row.name]), "motion": play.motion, "purpose": play.purpose,
        "description": play.description, "state": state, "state_text": STATES[state][0], "tone": STATES[state][1], "begins": begins,
        "waits_for": play.waits_for, "order": list(MOTIONS).index(play.motion),
    }  # fmt: skip


def _state(play: Play, setting: PlaySetting | None) -> str:
    if not play.in_use:
        return play.status
    return "on" if setting and setting.on else "trial"


def _list_figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    total = {name: sum(row[name] for row in rows) for name in ("live", "waiting", "would", "lately", "ended", "reached")}
    month = ngettext("in %(n)s day", "in %(n)s days", standing.LATELY) % {"n": number(standing.LATELY)}
    return [
        {"label": _("Switched on"), "value": number(sum(row["state"] == "on" for row in rows)),
         "hint": _("%(n)s on trial") % {"n": number(sum(row["state"] == "trial" for row in rows))}},
        {"label": _("Under way"), "value": number(total["live"]),
         "hint": _("%(n)s wait for their day") % {"n": number(total["waiting"])} if total["waiting"] else ""},
        {"label": _("Begun"), "value": number(total["lately"]), "hint": month},
        {"label": _("On trial, would have begun"), "value": number(total["would"]), "hint": month},
    ]  # fmt: skip


@require_safe
def play_page(request: HttpRequest, play_id: str) -> HttpResponseBase:
    """One play: what begins it, its steps, its runs, its effect; under `why` why it begins for one account or why not."""
    user, run, (row, play) = user_of(request), last_run(), held(play_id)
    scope, currency, measures = scope_of(user), currency_of(run), definitions.measures()
    setting, counted = standing.settings().get(play_id), standing.counted(scope, today(), play_id).get(play_id, {})
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "live" if setting and setting.on else "trial"
    found = standing.runs(play_id, scope, view).defer("account__card__facts")
    if file := filed(request, f"{play_id}-{view}", RUNS, lambda: (_run(one, [], currency) for one in found.iterator(chunk_size=1_000))):
        return file
    part = list(found[: SHOWN + 1])
    words = play_words.asked(play, measures, currency)
    told = standing.told(part[:SHOWN])
    rows = [_run(one, told.get(one.pk, []), currency) for one in part[:SHOWN]]
    begins, mails, templates = play_words.begun_by(play, measures), mails_of(play), definitions.titles("mail_template")
    context = {
        "play": _row(row, play, setting, counted, begins["words"]) | {
            "begins_url": begins["url"], "who": words.get("who"), "exit": words.get("exit"), "success": words.get("success"),
            "within": play_words.days(play.success.within) if play.success else None, "again_after": play_words.days(play.again_after),
            "owner": play_words.JOBS[play.owner], "purpose_text": play_words.PURPOSES[play.purpose], "benefit": play.benefit, "hold_out": play.hold_out,
            "steps": play_words.steps(play, words, definitions.titles("play"), templates),
            "version": row.version, "sends": play.sends,
            "sending": not (why_not := not_approved(setting, row.version, mails)), "why_not": why_not,
            "shown": reading(row.version, mails),
            "mails": [{"name": templates.get(one, one), "version": of, "url": reverse("definition", args=["mail_template", one])} for one, of in mails.items()],
            "edit_url": reverse("play_editor", args=[play_id]) if may_define(user, "play") else None,
            "changed": {"at": setting.changed_at, "by": person_name(setting.changed_by)} if setting and setting.changed_by else None,
        },
        "switch": _switch(user, play, setting, run), "figures": _figures(play, setting, counted), "effect": _effect(play, setting, counted),
        "past_url": reverse("play_past", args=[play_id]) if run and play.trigger.kind != "manual" and words is not None else None,
        "why": _why(request, user, play_id) if request.GET.get("why") else None, "why_q": request.GET.get("why", ""),
        "view": view, "views": [{"key": key, "title": VIEWS[key], "n": _of_view(key, counted)} for key in VIEWS],
        "rows": rows, "more": len(part) > SHOWN, "download_url": f"{request.path}?view={view}" if rows else None, "state": state_of(run, scope.everything),
    }  # fmt: skip
    return render(request, "pages/play.html", context)


def _of_view(view: str, counted: Mapping[str, int]) -> int:
    names = {"live": ("live", "waiting"), "ended": ("ended",), "trial": ("trial",), "out": ("out",), "refused": ("refused",)}
    return sum(counted.get(name, 0) for name in names[view])


RUNS: dict[str, Value] = {
    "account_id": itemgetter("account_id"), "account": itemgetter("name"), "arr": itemgetter("arr_text"), "owner": itemgetter("owner"),
    "state": itemgetter("state"), "began": itemgetter("starts_on"), "because": itemgetter("cause"), "step": itemgetter("at"),
    "ended": lambda row: row["ended_at"] and row["ended_at"].date(),
    "how": lambda row: row["how"], "reason": itemgetter("reason"), "reached": itemgetter("succeeded_on"),
}  # fmt: skip


def _reached(one: PlayRun) -> date | None:
    """The day on which it came about; what was so on the day that it began did not."""
    return one.succeeded_on if one.succeeded_on and one.succeeded_on > one.starts_on else None


def _run(one: PlayRun, steps: list[Any], currency: str) -> dict[str, Any]:
    play = play_then(one.play, one.version)
    step = way.step_at(play, one.step) if play and one.step else None
    at = getattr(step, "task", None) or (_("waits") if step is not None and one.begun else None)
    arr = None if one.arr_minor is None else major(one.arr_minor, currency)
    return {
        "id": one.pk, "account_id": one.account_id, "name": one.account.name, "url": reverse("account", args=[one.account_id]), "arr": arr,
        "arr_text": "" if arr is None else f"{arr}", "arr_short": None if arr is None else money_short(arr, currency),
        "owner": one.owner.name if one.owner else None, "state": RunState(one.state).label, "waiting": one.state == RunState.WAITING,
        "starts_on": one.starts_on, "cause_on": one.cause_on, "cause": one.cause.split(":")[0],
        "at": at, "due_at": one.due_at, "ended_at": one.ended_at, "how": RunEnd(one.ended_by).label if one.ended_by else None, "reason": one.reason,
        "succeeded_on": _reached(one), "again": one.again, "steps": steps, "open": one.state in (RunState.LIVE, RunState.WAITING),
        "stop_url": reverse("play_stop", args=[one.pk]),
    }  # fmt: skip


def _figures(play: Play, setting: PlaySetting | None, counted: Mapping[str, int]) -> list[dict[str, Any]]:
    month = ngettext("in %(n)s day", "in %(n)s days", standing.LATELY) % {"n": number(standing.LATELY)}
    if not (setting and setting.on):
        return [{"label": _("Would have begun"), "value": number(counted.get("would", 0)), "hint": month},
                {"label": _("Did not begin"), "value": number(counted.get("refused", 0)), "hint": _("by its gates")}]  # fmt: skip
    begun = counted.get("live", 0) + counted.get("ended", 0)
    figures = [
        {"label": _("Under way"), "value": number(counted.get("live", 0)),
         "hint": _("%(n)s wait for their day") % {"n": number(counted.get("waiting", 0))} if counted.get("waiting") else ""},
        {"label": _("Begun"), "value": number(counted.get("lately", 0)), "hint": month},
        {"label": _("Ended"), "value": number(counted.get("ended", 0)), "hint": ""},
    ]  # fmt: skip
    if play.success is not None:
        figures.append({"label": _("Reached it so far"), "value": number(counted.get("reached", 0)), "hint": _("of %(n)s begun") % {"n": number(begun)}})
    return figures


def _effect(play: Play, setting: PlaySetting | None, counted: Mapping[str, int]) -> dict[str, Any] | None:
    """What can be said of whether it helps, and no more than can be said."""
    if play.success is None or not (setting and setting.on):
        return None
    found = standing.effect_of(play, today())
    assert found is not None
    rate = lambda n, of: percent(n / of, 0) if of else "–"  # noqa: E731
    usual = found.held_reached / found.held if found.held else None
    return {
        "n": number(found.n), "reached": number(found.reached), "rate": rate(found.reached, found.n), "held": number(found.held),
        "held_reached": number(found.held_reached), "held_rate": rate(found.held_reached, found.held), "said": _said(play, found), "tone": _tone(found),
        "smallest": _smallest(found, usual, play, counted),
    }  # fmt: skip


def _tone(found: Effect) -> str:
    return {True: "good", False: "bad", None: "outline"}[found.helps]


def _said(play: Play, found: Effect) -> str:
    if not play.hold_out:
        return _("Nobody is held out, so whether it helped cannot be told from what would have come anyway.")
    if found.difference is None:
        return _("Not enough yet: at least %(n)s accounts in each group, with their days over.") % {"n": number(LEAST)}
    params = {"difference": _points(found.difference), "low": _points(found.low), "high": _points(found.high)}
    if found.helps is None:
        return _("It cannot be told from chance: %(difference)s points, 95 %% between %(low)s and %(high)s. Where that stays so, retire it.") % params
    if found.helps:
        return _("It helps: %(difference)s points more reached it than of those held out, 95 %% between %(low)s and %(high)s.") % params
    return _("It does harm: %(difference)s points, 95 %% between %(low)s and %(high)s. Switch it off.") % params


def _points(value: float | None) -> str:
    return "–" if value is None else number(round(value * 100, 1))


def _smallest(found: Effect, usual: float | None, play: Play, counted: Mapping[str, int]) -> str | None:
    """The smallest effect that could be seen now, and how long until one of ten points is."""
    if not play.hold_out:
        return None
    least = smallest(found.n, found.held, usual)
    weekly = counted.get("lately", 0) * 7 / standing.LATELY
    weeks = weeks_until(0.1, usual if usual is not None else 0.3, weekly, play.hold_out)
    parts = [_("With so many an effect of %(points)s points or more would be seen.") % {"points": _points(least)}] if least is not None else []
    if weeks is not None:
        parts.append(_("At the pace of the last month ten points are seen after %(n)s weeks.") % {"n": number(round(weeks))})
    return " ".join(parts) or None


def _switch(user: User, play: Play, setting: PlaySetting | None, run: PassRun | None) -> dict[str, Any] | None:
    """What a lead is told before a play is switched on; under `load_url` whom it matches already, which takes seconds in a large book."""
    if not may_switch(user) or not play.in_use:
        return None
    on = bool(setting and setting.on)
    found: dict[str, Any] = {"on": on, "sends": play.sends} | {f"{act}_url": reverse(f"play_{act}", args=[play.id]) for act in ("on", "off", "approve")}
    return found | {"load_url": None if on or run is None or play.trigger.kind == "manual" else reverse("play_load", args=[play.id])}


@require_safe
def load(request: HttpRequest, play_id: str) -> HttpResponse:
    """Whom the play matches already and the load on each owner: asked for by its page once that stands."""
    user, run, (row, play) = user_of(request), last_run(), held(play_id)
    if run is None or not may_switch(user) or not play.in_use or play.trigger.kind == "manual":
        raise Http404
    found = deciding.load_of(play.id, user)
    people = dict(Person.objects.filter(pk__in=[pk for pk in found.owners if pk]).values_list("id", "name"))
    owners = [{"name": people.get(pk) if pk else None, "n": n, "tasks": n * found.tasks, "weeks": -(-n // 5)} for pk, n in list(found.owners.items())[:12]]
    arr = money_short(major(found.arr_minor, currency_of(run)), currency_of(run))
    context = {"play": {"name": row.title, "url": reverse("play", args=[play_id])}, "load": {"accounts": found.accounts, "arr": arr, "owners": owners}}
    return render(request, "pages/play_load.html", context)


def _why(request: HttpRequest, user: User, play_id: str) -> dict[str, Any]:
    account, q = account_named(user, request.GET.get("why", ""))
    if account is None:
        return {"missing": q}
    try:
        found = deciding.why(user, play_id, account.pk)
    except Refused as refused:
        return {"fault": str(refused)}
    tones = {True: ("good", _("open")), False: ("bad", _("shut")), None: ("outline", _("unknown"))}
    return {
        "account": {"name": account.name, "url": reverse("account", args=[account.pk])}, "begins": found.begins,
        "gates": [{"said": gate.said, "tone": tones[gate.passes][0], "word": tones[gate.passes][1]} for gate in found.gates],
        "start_url": reverse("play_start", args=[play_id, account.pk]) if found.acts and editable_accounts(user).filter(pk=account.pk).exists() else None,
    }  # fmt: skip


@require_POST
def on(request: HttpRequest, play_id: str) -> HttpResponse:
    """Switch a play on, from now on or for existing matches too."""
    try:
        deciding.switch_on(user_of(request), play_id, existing=request.POST.get("from") == "existing", sending="sending" in request.POST,
                           shown=request.POST.get("shown", ""))  # fmt: skip
    except PermissionDenied:
        messages.error(request, _("A lead or an admin switches plays on."))
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("The play acts from now on."))
    return redirect("play", play_id)


@require_POST
def approve(request: HttpRequest, play_id: str) -> HttpResponse:
    """Let a play that is on send by itself, as its text and those of its mails read on the page."""
    try:
        deciding.approve(user_of(request), play_id, request.POST.get("shown", ""))
    except PermissionDenied:
        messages.error(request, _("A lead or an admin approves plays for sending."))
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("It may send by itself, as its text reads now."))
    return redirect("play", play_id)


@require_POST
def off(request: HttpRequest, play_id: str) -> HttpResponse:
    """Switch a play off; what is under way goes on, or is stopped."""
    try:
        deciding.switch_off(user_of(request), play_id, stop="stop" in request.POST)
    except PermissionDenied:
        messages.error(request, _("A lead or an admin switches plays off."))
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("The play is on trial again: it lists what it would do."))
    return redirect("play", play_id)


@require_POST
def start(request: HttpRequest, play_id: str, account_id: int) -> HttpResponse:
    """Begin a play for one account by hand."""
    try:
        deciding.begin(user_of(request), play_id, account_id)
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("The play begins: its first task comes in a moment."))
    return came_from(request, reverse("play", args=[play_id]))


@require_POST
def stop(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop one run of a play; its tasks stay."""
    try:
        run = stop_run(user_of(request), run_id, request.POST.get("reason", ""))
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
        return came_from(request, reverse("plays"))
    messages.success(request, _("Stopped. Its tasks stay as they are."))
    return came_from(request, reverse("play", args=[run.play]))


def held(play_id: str) -> tuple[Definition, Play]:
    row = definitions.current("play", play_id)
    play = None if row is None else play_of(row.text)
    if row is None or play is None:
        raise Http404
    return row, play


urlpatterns: list[URLPattern] = [
    path("plays/", play_list, name="plays"),
    path("plays/runs/<int:run_id>/stop/", stop, name="play_stop"),
    path("plays/<slug:play_id>/", play_page, name="play"),
    path("plays/<slug:play_id>/load/", load, name="play_load"),
    path("plays/<slug:play_id>/on/", on, name="play_on"),
    path("plays/<slug:play_id>/approve/", approve, name="play_approve"),
    path("plays/<slug:play_id>/off/", off, name="play_off"),
    path("plays/<slug:play_id>/start/<int:account_id>/", start, name="play_start"),
]
