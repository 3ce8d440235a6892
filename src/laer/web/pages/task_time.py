"""Time: where does it go, how much of it do we begin, how much rests on evidence, and what could a play do instead?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.metrics.effort import ELSEWHERE
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import export, format_of
from laer.web.pages.motion import PERCENT, SHOWN, Asked, Column, breakdown, listing, meaning_of_measure, tile
from laer.web.pages.work_words import WORK_WORDS
from laer.web.people.company import firm
from laer.web.people.formats import today
from laer.web.templatetags.laer import ago, number, percent
from laer.web.wording import gettext_lazy
from laer.web.work.effort import BY_EVIDENCE, FEWEST, Done, Spent, candidates, done_since
from laer.web.work.models import Direction, Task, Touch

PERIODS = {"90": gettext_lazy("90 days"), "30": gettext_lazy("30 days"), "365": gettext_lazy("12 months")}
BY = {"kind": gettext_lazy("Kind of work"), "person": gettext_lazy("Person")}
VIEWS = {"rows": gettext_lazy("Touches and tasks"), "candidates": gettext_lazy("Done again and again")}
WHAT = {
    "touches": gettext_lazy("touches"), "out": gettext_lazy("touches that we began"),
    "tasks": gettext_lazy("tasks"), "evidence": gettext_lazy("tasks by evidence"),
    "elsewhere": gettext_lazy("other teams' work"), "unsaid": gettext_lazy("without minutes"),
}  # fmt: skip
LAST = 5_000  # rows that a list goes back
TASK = "task"


@require_safe
def spent(request: HttpRequest) -> HttpResponseBase:
    """Hours by kind of work and by person, with the share that nobody wrote down, and the touches and tasks behind each figure."""
    user = user_of(request)
    asked = Asked(request, "task_time", {"days": tuple(PERIODS), "by": tuple(BY), "view": tuple(VIEWS), "what": ("", *WHAT)}, ("kind", "person", "like"))
    usual = firm().minutes
    done = done_since(user, timezone.now() - timedelta(days=int(asked["days"])), usual)
    kinds = done.by_kind()
    whole = Spent()
    for one in kinds.values():
        whole.add(one)
    narrowed = _narrowed(done, asked)
    if form := format_of(request):
        return export(f"time-{today()}", ("kind", "what", "account", "person", "at", "minutes", "by_default"), _cells(narrowed), form)
    context = {
        "title": _("Time"), "figures": _figures(asked, kinds, whole) if whole.n else [], "trends": [], "notices": [],
        "periods": [{"label": label, "url": asked.url(days=days), "active": days == asked["days"]} for days, label in PERIODS.items()],
        "breakdown": _breakdown(asked, done, kinds, whole) if whole.n else None, "listing": _listing(asked, done, narrowed) if whole.n else None,
        "nothing": None if whole.n else {"icon": "clock", "title": _("No touch and no task was logged in this time"), "text": _(
            "Touches and tasks that are done on accounts stand here with their minutes, by kind and by person."), "action": None},
        "download_url": asked.url() + ("&" if "?" in asked.url() else "?") + "format=csv" if whole.n else None,
        "state": {"shown": PERIODS[asked["days"]], "whose": _("the whole book") if user.reads_everything else _("what you may see")},
    }  # fmt: skip
    return render(request, "pages/task_time.html", context)


def _figures(asked: Asked, kinds: Mapping[str, Spent], whole: Spent) -> list[dict[str, Any]]:
    elsewhere = sum(kinds[f"{TASK} {kind}"].minutes for kind in ELSEWHERE if f"{TASK} {kind}" in kinds)
    said = {"share": percent(whole.inferred / whole.minutes)} if whole.minutes else None

    def opened(what: str) -> str:
        return asked.url("list", view="rows", what=what, kind="", person="", like="")

    return [
        tile(_("Hours"), round(whole.minutes / 60, 1), known=_("%(share)s by default minutes") % said if said else "", url=opened(""),
             meaning=meaning_of_measure("work_minutes")),
        tile(_("Begun by us"), whole.out / whole.touches if whole.touches else None, PERCENT, known=_of(whole.touches, WHAT["touches"]), url=opened("out"),
             meaning=meaning_of_measure("proactive_share"), missing={"text": _("No touch was logged.")}),
        tile(_("Tasks by evidence"), whole.caused / whole.tasks if whole.tasks else None, PERCENT, known=_of(whole.tasks, WHAT["tasks"]),
             url=opened("evidence"), meaning=meaning_of_measure("work_by_evidence"), missing={"text": _("No task was done on an account.")}),
        tile(_("Other teams' work"), elsewhere / whole.minutes if whole.minutes else None, PERCENT, known=_("of the hours"), url=opened("elsewhere"),
             meaning=meaning_of_measure("time_elsewhere"), missing={"text": _("No time is known.")}, better="down"),
    ]  # fmt: skip


def _of(n: int, what: Any) -> str:
    return _("of %(n)s %(what)s") % {"n": number(n), "what": what}


def name_of_kind(key: str) -> str:
    """`call` is Call, `task call` Task: Call."""
    if key == TASK or not key.startswith(f"{TASK} "):
        return str(WORK_WORDS.get(key, key))
    return _("Task: %(kind)s") % {"kind": WORK_WORDS.get(key.removeprefix(f"{TASK} "), key)}


def _breakdown(asked: Asked, done: Done, kinds: Mapping[str, Spent], whole: Spent) -> dict[str, Any]:
    columns = [Column("n", _("Touches and tasks")), Column("hours", _("Hours")), Column("share", _("Of all hours"), PERCENT),
               Column("inferred", _("By default minutes"), PERCENT),
               Column("out", _("Begun by us"), PERCENT), Column("caused", _("Tasks by evidence"), PERCENT)]  # fmt: skip
    parts: list[tuple[Any, str | None, Spent]]
    if asked["by"] == "kind":
        parts = [(key, name_of_kind(key), one) for key, one in kinds.items()]
    else:
        parts = [(pk or "none", one.name, one) for pk, one in done.by_person().items()]
    parts.sort(key=lambda part: (-part[2].minutes, str(part[1])))
    rows = [_measured(one, whole) | {"name": name, "url": asked.url("list", view="rows", what="", like="", **{"kind": "", "person": "", asked["by"]: str(key)})}
            for key, name, one in parts]  # fmt: skip
    return breakdown(_("Time by %(dimension)s") % {"dimension": str(BY[asked["by"]]).lower()}, asked.switch("by", BY), columns, rows, chart="hours",
        total=_measured(whole, whole), note=_("a touch or a task that does not say how long it took counts with the usual minutes of its kind"))  # fmt: skip


def _measured(one: Spent, whole: Spent) -> dict[str, Any]:
    return {
        "n": one.n, "hours": round(one.minutes / 60, 1), "share": one.minutes / whole.minutes if whole.minutes else None,
        "inferred": one.inferred / one.minutes if one.minutes else None, "out": one.out / one.touches if one.touches else None,
        "caused": one.caused / one.tasks if one.tasks else None,
    }  # fmt: skip


# -- the rows ---------------------------------------------------------------------------------------------------------------


def _narrowed(done: Done, asked: Asked) -> Done:
    """Those that a figure, a row of the table or a candidate opens to."""
    touches, tasks, what = done.touches, done.tasks, asked["what"]
    if what in ("touches", "out"):
        tasks = tasks.none()
    if what in ("tasks", "evidence", "elsewhere"):
        touches = touches.none()
    if what == "out":
        touches = touches.filter(direction=Direction.OUT)
    if what == "evidence":
        tasks = tasks.filter(BY_EVIDENCE)
    if what == "elsewhere":
        tasks = tasks.filter(kind__in=ELSEWHERE)
    if what == "unsaid":
        touches, tasks = touches.filter(minutes=None), tasks.filter(minutes=None)
    if kind := asked["kind"]:
        of_task = kind == TASK or kind.startswith(f"{TASK} ")
        touches = touches.none() if of_task else touches.filter(kind=kind)
        tasks = tasks.filter(kind=kind.removeprefix(TASK).strip()) if of_task else tasks.none()
    if person := asked["person"]:
        known = person.isascii() and person.isdigit() and len(person) < 19  # else: of nobody
        touches = touches.filter(person_id=int(person)) if known else touches.filter(person=None)
        tasks = tasks.filter(assignee_id=int(person)) if known else tasks.filter(assignee=None)
    if like := asked["like"]:
        alike = next((one.ids for one in candidates(done) if str(one.ids[0]) == like), [])
        touches, tasks = touches.none(), tasks.filter(pk__in=alike[:LAST])
    return Done(touches, tasks, done.usual)


def _listing(asked: Asked, done: Done, narrowed: Done) -> dict[str, Any]:
    views = [{"label": label, "title": label, "url": asked.url("list", view=view, what="", kind="", person="", like=""), "active": view == asked["view"]}
             for view, label in VIEWS.items()]  # fmt: skip
    if asked["view"] == "candidates":
        return _candidates(asked, done, views)
    touches, tasks = _both(narrowed)
    count, start = min(touches.count() + tasks.count(), LAST), min(asked.start, LAST)
    rows = [_row(at, one, narrowed.usual) for at, one in _merged(touches, tasks, start, start + SHOWN)]
    heads = [{"title": _("Account")}, {"title": _("Who")}, {"title": _("When")}, {"title": _("Minutes"), "css": "num"}]
    return listing(
        asked, _title(asked), heads, rows, count, views=views, note=_("newest first"),
        empty={"icon": "clock", "title": _("Nothing of this kind"), "text": _("No touch and no task of this time fits."), "action": None},
    ) | {"first": _("What was done")}  # fmt: skip


def _title(asked: Asked) -> str:
    if asked["what"]:
        return str(WHAT[asked["what"]]).capitalize()
    return name_of_kind(asked["kind"]) if asked["kind"] else str(VIEWS["rows"])


def _both(done: Done) -> tuple[QuerySet[Touch], QuerySet[Task]]:
    return done.touches.select_related("account", "person").order_by("-at", "-id"), done.tasks.select_related("account", "assignee").order_by("-done_at", "-id")


def _merged(touches: QuerySet[Touch], tasks: QuerySet[Task], start: int, end: int) -> list[tuple[datetime, Touch | Task]]:
    """The newest of both as one list, from a place on."""
    both: list[tuple[datetime, Touch | Task]] = [(touch.at, touch) for touch in touches[:end]]
    both += [(task.done_at, task) for task in tasks[:end] if task.done_at]
    return sorted(both, key=lambda one: (one[0], isinstance(one[1], Task), one[1].pk), reverse=True)[start:end]


def _kind(one: Touch | Task) -> str:
    return one.kind if isinstance(one, Touch) else f"{TASK} {one.kind}".strip()


def _row(at: datetime, one: Touch | Task, usual: Mapping[str, int]) -> dict[str, Any]:
    person = one.person if isinstance(one, Touch) else one.assignee
    account = one.account
    assert account is not None
    story = reverse("account", args=[account.pk]) + "?tab=feed"
    known = one.minutes is not None
    minutes = one.minutes if known else usual.get(_kind(one).removeprefix(f"{TASK} "), usual["other"])
    return {
        "name": one.title if isinstance(one, Task) else name_of_kind(one.kind), "url": reverse("task", args=[one.pk]) if isinstance(one, Task) else story,
        "sub": name_of_kind(_kind(one)) if isinstance(one, Task) else " ".join(one.summary.split())[:90],
        "plain": True, "cells": [
            {"text": account.name, "url": reverse("account", args=[account.pk])}, {"who": person.name if person else None}, {"text": ago(at), "css": "nowrap"},
            {"text": number(minutes) if known else _("%(n)s by default") % {"n": number(minutes)}},
        ],
    }  # fmt: skip


def _candidates(asked: Asked, done: Done, views: list[dict[str, Any]]) -> dict[str, Any]:
    found = candidates(done)
    heads = [{"title": _("Times"), "css": "num"}, {"title": _("Hours"), "css": "num"}, {"title": _("By default minutes"), "css": "num"},
             {"title": _("Accounts"), "css": "num"}, {"title": _("People"), "css": "num"}]  # fmt: skip
    rows = [
        {
            "name": one.title, "url": asked.url("list", view="rows", what="", kind="", person="", like=str(one.ids[0])), "plain": True,
            "cells": [{"text": number(len(one.ids))}, {"text": number(round(one.minutes / 60, 1))},
                      {"text": percent(one.inferred / one.minutes) if one.minutes else number(None)}, {"text": number(len(one.accounts))},
                      {"text": number(len(one.people))}],
        }
        for one in found[asked.start : asked.start + SHOWN]
    ]  # fmt: skip
    text = _("Tasks that no play gave and that were done %(n)s times and more stand here.") % {"n": number(FEWEST)}
    empty = {"icon": "refresh", "title": _("No task was done by hand again and again"), "text": text, "action": None}
    note = _("tasks that no play gave, alike but for the account's name and numbers; the most hours first: a play could give them, or a rule do them")
    return listing(asked, VIEWS["candidates"], heads, rows, len(found), views=views, note=note, empty=empty) | {"first": _("Task")}


def _cells(done: Done) -> Iterator[tuple[Any, ...]]:
    for at, one in _merged(*_both(done), 0, LAST):
        person = one.person if isinstance(one, Touch) else one.assignee
        known = one.minutes is not None
        minutes = one.minutes if known else done.usual.get(_kind(one).removeprefix(f"{TASK} "), done.usual["other"])
        what = one.title if isinstance(one, Task) else one.summary
        yield _kind(one), what, one.account.name if one.account else None, person.name if person else None, at, minutes, not known


urlpatterns: list[URLPattern] = [path("tasks/time/", spent, name="task_time")]
