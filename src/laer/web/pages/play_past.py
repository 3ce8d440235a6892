"""A play tried on the past: whom would it have concerned, when, with what load, and who got there anyway?"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.cycle.run_tables import QuestionFault
from laer.records.periods import date_of
from laer.web.book.actions import Refused
from laer.web.book.scope import scope_of, visible_accounts
from laer.web.pages import play_words
from laer.web.pages.accounts import user_of
from laer.web.pages.plays import held
from laer.web.people.models import Person, User
from laer.web.people.typed import Unclear, typed_day
from laer.web.runs.latest import last_run
from laer.web.runs.models import PassRun
from laer.web.runs.playing import trying
from laer.web.templatetags.laer import number, percent

SHOWN = 25
YEAR = 365


@require_safe
def past(request: HttpRequest, play_id: str) -> HttpResponse:
    """The play over a past period: who would have entered, when, the load on each owner, and the share that reached its success with no play."""
    user, run, (row, play) = user_of(request), last_run(), held(play_id)
    if run is None:
        raise Http404
    context: dict[str, Any] = {"play": {"name": row.title, "url": reverse("play", args=[play_id])}, "past_url": request.path}
    try:
        first, last = _period(request, run)
        context |= {"first": first, "last": last}
        context |= _tried(trying.tried(run, play, scope_of(user), first, last), user)
    except TimeoutError:
        context["late"] = True
    except (QuestionFault, Refused) as fault:
        context["fault"] = str(fault)
    return render(request, "pages/play_past.html", context)


def _period(request: HttpRequest, run: PassRun) -> tuple[date, date]:
    """The period that is asked for; the last twelve months where none is."""
    found: list[date] = []
    for name, default in (("from", run.as_of - timedelta(days=YEAR)), ("to", run.as_of)):
        try:
            found.append(typed_day(request.GET.get(name, "").strip()) or default)
        except Unclear as unclear:
            raise Refused(str(unclear)) from None
    return found[0], min(found[1], run.as_of)


def _tried(found: trying.Tried, user: User) -> dict[str, Any]:
    entered = found.entered
    seen = dict(visible_accounts(user).filter(pk__in=[one.account for one in entered[:SHOWN]]).values_list("id", "name"))
    people = dict(Person.objects.filter(pk__in=[pk for pk in found.owners if pk]).values_list("id", "name"))
    tasks = len(found.play.tasks())
    kept_out = [one for one in found.entries if one.kept is not True]
    weekly = len(entered) / found.weeks
    figures = [
        {"label": _("Would have entered"), "value": number(len(entered)), "hint": _("%(n)s a week") % {"n": number(round(weekly, 1))}},
        {"label": _("Kept out"), "value": number(len(kept_out)), "hint": _("not for them, or too little known")},
        {"label": _("Too soon again"), "value": number(sum(one.cooling for one in found.entries)),
         "hint": _("within %(days)s") % {"days": play_words.days(found.play.again_after)}},
    ]  # fmt: skip
    if found.usual is not None:
        figures.append({"label": _("Reached it anyway"), "value": percent(found.usual, 0), "hint": _("with no play: what it has to beat")})
    rows = [{"name": seen[one.account], "url": reverse("account", args=[one.account]), "day": date_of(one.day), "reached": one.reached}
            for one in entered[:SHOWN] if one.account in seen]  # fmt: skip
    owners = [{"name": people.get(pk) if pk else None, "n": n, "tasks": n * tasks, "weekly": round(n * tasks / found.weeks, 1)}
              for pk, n in found.owners.items()]  # fmt: skip
    by = Counter(one.day for one in entered)
    weeks = [{"day": date_of(day), "n": by.get(day, 0)} for day in found.days[1:]]
    line = {"name": _("Would have entered"), "values": [by.get(day, 0) for day in found.days[1:]], "dash": "solid", "area": True}
    data = {"unit": "number", "currency": "", "x": [date_of(day).isoformat() for day in found.days[1:]], "series": [line]}
    return {
        "figures": figures, "rows": rows, "more": len(entered) > SHOWN, "shown": SHOWN, "owners": owners, "first": found.first, "last": found.last,
        "has_success": found.play.success is not None, "weeks": list(reversed(weeks)), "data": data if len(weeks) > 1 and entered else None,
    }  # fmt: skip


urlpatterns: list[URLPattern] = [path("plays/<slug:play_id>/past/", past, name="play_past")]
