"""Tasks: what is to do, for whom, by when? The list, one task, and what is done to several at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.web.book.actions import Refused
from laer.web.book.definitions import titles
from laer.web.book.models import Account, FieldChange
from laer.web.pages.account_edit import came_from
from laer.web.pages.accounts import chosen_person, user_of
from laer.web.pages.exports import format_of
from laer.web.pages.lists import carried, opened
from laer.web.pages.tasks_narrowed import SENTENCES, TASKS, narrowed
from laer.web.people.company import firm
from laer.web.people.formats import formats
from laer.web.people.models import User
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import ago
from laer.web.work import actions, queries
from laer.web.work.filters import read_filters
from laer.web.work.models import PlayRun, Priority, Repeat, Task, TaskKind
from laer.web.work.task_templates import templates
from laer.web.work.writing import undo_work

TONES = {Priority.HIGH: "bad", Priority.LOW: "outline"}
MOST = 20  # times queries.SHOWN
VERBS = ("complete", "reopen", "assign", "snooze")
BLANKS = 3  # empty lines under a checklist
OTHERS = 30.0  # seconds after which the counts beside the tabs know what others did
memory = Memory(1_000)


@require_safe
def tasks(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    view = request.GET.get("view", "mine")
    view, done = view if view in queries.VIEWS else "mine", request.GET.get("done") == "1"
    filters, reader = read_filters(request.GET), formats()
    where = filters.where(reader.today(), reader.week_start)
    if format_of(request):
        return TASKS.file(request, queries.all_tasks(user, view, done=done, where=where), f"tasks-{reader.today()}")
    tools = opened(request, user, TASKS)
    if tools.elsewhere:
        return tools.elsewhere
    counts = queries.view_counts(user, where) if filters else _view_counts(user)
    asked = request.GET.get("more", "")
    more = min(int(asked), MOST) if asked.isascii() and asked.isdigit() and len(asked) < 4 and asked != "0" else 1
    part = queries.task_list(user, view, done=done, more=more, where=where)
    tail = "&done=1" if done else ""
    tail += _asked(request.GET)
    context = _listed(user, part.rows, done) | {
        "views": [{"title": title, "url": f"?view={key}{tail}", "active": key == view, "count": counts[key]} for key, title in queries.VIEWS.items()],
        "view": view,
        "done": done,
        "open_url": f"?view={view}{_asked(request.GET)}",
        "done_url": f"?view={view}&done=1{_asked(request.GET, 'due')}",
        "more_url": f"?view={view}{tail}&more={more + 1}" if part.more and more < MOST else None,
        "show_account": True,
        "may_add": user.may_edit,
    }
    context |= tools.context | narrowed(request.GET, filters, context["people"] or queries.assignees(), done)
    return render(request, "pages/tasks.html", context)


def _view_counts(user: User) -> dict[str, int]:
    """Those beside the tabs, counted again when the person did something, and every half minute for what others did. Two queries, mostly one."""
    did = FieldChange.objects.filter(user=user).order_by("-id").values_list("id", flat=True).first()
    found: dict[str, int] = memory.get(user.pk, (did, formats().today(), int(time.monotonic() / OTHERS)), lambda: queries.view_counts(user))
    return found


def _asked(query: QueryDict, *but: str) -> str:
    """What the filters, the open view and the columns add to an address of this page."""
    asked = [(name, query[name]) for name in SENTENCES if query.get(name) and name not in but] + carried(query)
    return f"&{urlencode(asked)}" if asked else ""


def tasks_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    """The tab of the account page: open tasks, the last done ones, a form to add one."""
    shown = queries.task_list(user, "all", account_id=row.pk)
    done = queries.task_list(user, "all", done=True, account_id=row.pk)
    return _listed(user, shown.rows, False) | {"done_tasks": [_row(t) for t in done.rows[:20]], "may_add": editor, "account_id": row.pk}


def _listed(user: User, rows: list[Task], done: bool) -> dict[str, Any]:
    chosen = formats()
    today = chosen.today()
    editable = queries.editable_ids(user, rows)
    shown = [_row(task) | {"editable": task.pk in editable} for task in rows]
    if done:
        groups = [{"key": "done", "title": _("Done"), "rows": shown}] if shown else []
    else:
        placed: dict[str, list[dict[str, Any]]] = {key: [] for key in queries.GROUPS}
        for task, row in zip(rows, shown, strict=True):
            placed[queries.group_of(task, today, chosen.week_start)].append(row)
        groups = [{"key": key, "title": str(queries.GROUPS[key]), "rows": found} for key, found in placed.items() if found]
    monday = today + timedelta(days=7 - today.weekday())
    days = ((today + timedelta(days=1), _("Tomorrow")), (monday, _("Next Monday")))
    return {
        "groups": groups,
        "people": queries.assignees() if user.may_edit else [],
        "me": getattr(getattr(user, "person", None), "pk", None),
        "bulk": bool(editable),
        "snoozes": [{"value": day.isoformat(), "label": label} for day, label in days],
        "priorities": Priority.choices,
        "templates": list(templates().values_list("id", "name")) if user.may_edit else [],
        "show": dict.fromkeys(TASKS.usual, True),
    }


def _row(task: Task) -> dict[str, Any]:
    today = formats().today()
    return {
        "task_id": task.pk,
        "title": task.title,
        "url": reverse("task", args=[task.pk]),
        "account": task.account and {"name": task.account.name, "url": reverse("account", args=[task.account.pk])},
        "due_on": task.due_on,
        "due_words": ago(task.due_on) if task.due_on else "",
        "late": task.due_on is not None and task.due_on < today and not task.done_at,
        "priority": str(Priority(task.priority).label) if task.priority != Priority.NORMAL else "",
        "tone": TONES.get(Priority(task.priority), ""),
        "assignee": task.assignee.name if task.assignee else None,
        "items": len(task.checklist),
        "ticked": sum(bool(item["done"]) for item in task.checklist),
        "done_at": task.done_at,
        "created_at": task.created_at,
    }


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """From the line above a list; with an account, where the form says one."""
    user = user_of(request)
    account = chosen_person(request.POST.get("account", ""))  # a number, or nothing
    try:
        task, change = actions.create_task(user, request.POST.dict(), account)
    except Refused as refused:
        messages.error(request, _("Not added: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("“%(title)s” added") % {"title": task.title}, extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}")
    return came_from(request, reverse("tasks"))


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Complete, reopen, give away or put off the tasks that are ticked, or the one whose own button was pressed."""
    user, data = user_of(request), request.POST
    own = next((name for name in ("complete", "reopen") if data.get(name)), None)
    do = own or data.get("do", "")
    ids = [int(text) for text in ([data[own]] if own else data.getlist("task")) if text.isascii() and text.isdigit() and len(text) < 19]
    if do.startswith("snooze:"):
        do, day = "snooze", do.removeprefix("snooze:")
    try:
        if not ids:
            raise Refused(_("tick a task first"))
        if do == "complete":
            done = actions.complete_tasks(user, ids)
        elif do == "reopen":
            done = actions.reopen_tasks(user, ids)
        elif do == "assign":
            done = actions.reassign_tasks(user, ids, chosen_person(data.get("person", "")))
        elif do == "snooze":
            until = actions.read_due(day)
            if until is None:
                raise Refused(_("expected a day"))
            done = actions.snooze_tasks(user, ids, until)
        else:
            raise Refused(_("found '%(found)s', expected one of %(expected)s") % {"found": do, "expected": ", ".join(VERBS)})
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    else:
        undo = f"undo:{reverse('work_undo', args=[done.pk])}" if done else ""
        messages.success(request, _said(do, len(ids)) if done else _("Nothing to change"), extra_tags=undo)
    return came_from(request, reverse("tasks"))


def _said(do: str, count: int) -> str:
    """What was done to so many tasks."""
    said = {
        "complete": ngettext("Task done", "%(count)s tasks done", count),
        "reopen": ngettext("Task open again", "%(count)s tasks open again", count),
        "assign": ngettext("Task given away", "%(count)s tasks given away", count),
        "snooze": ngettext("Task put off", "%(count)s tasks put off", count),
    }
    return said[do] % {"count": count}


@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, task_id: int) -> HttpResponse:
    """One task in full, and what saves it."""
    user = user_of(request)
    row = queries.task_for(user, task_id)
    if row is None:
        raise Http404
    error, values = "", None
    if request.method == "POST":
        ticked = set(request.POST.getlist("ticked"))
        items = [{"text": text, "done": str(at) in ticked} for at, text in enumerate(request.POST.getlist("item"))]
        try:
            saved = actions.edit_task(user, row.pk, request.POST.dict(), items)
        except Refused as refused:
            error, values = str(refused), request.POST
        else:
            undo = f"undo:{reverse('work_undo', args=[saved.pk])}" if saved else ""
            messages.success(request, _("Task saved") if saved else _("Task is as it was"), extra_tags=undo)
            return redirect(reverse("account", args=[row.account_id]) + "?tab=tasks" if row.account_id else "tasks")
    editable = bool(queries.editable_ids(user, [row]))
    context = {
        "task": row,
        "values": values or {"title": row.title, "detail": row.detail, "priority": row.priority, "assignee": row.assignee_id, "repeats": row.repeats,
                             "kind": row.kind, "minutes": "" if row.minutes is None else row.minutes},
        "due": request.POST.get("due_on", "") if values else (row.due_on and row.due_on.isoformat()) or "",
        "items": [*row.checklist, *({"text": "", "done": False} for __ in range(BLANKS))],
        "people": queries.assignees(),
        "priorities": Priority.choices,
        "repeats": Repeat.choices,
        "kinds": TaskKind.choices,
        "usual_minutes": firm().minutes[row.kind or "task"],
        "play": _play_of(row),
        "editable": editable,
        "error": error,
        "back": reverse("account", args=[row.account_id]) + "?tab=tasks" if row.account_id else reverse("tasks"),
    }
    return render(request, "pages/task.html", context, status=422 if error else 200)


def _play_of(row: Task) -> dict[str, str] | None:
    """The play that gave the task. Two queries where one did."""
    run = PlayRun.objects.filter(pk=row.play_run_id).first() if row.play_run_id else None
    return None if run is None else {"name": titles("play").get(run.play, run.play), "url": reverse("play", args=[run.play])}


@require_POST
def archive(request: HttpRequest, task_id: int) -> HttpResponse:
    saved = actions.archive_task(user_of(request), task_id)
    messages.success(request, _("Task taken out"), extra_tags=f"undo:{reverse('work_undo', args=[saved.pk])}" if saved else "")
    return redirect("tasks")


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Take back what the person did together, of several records where `with` names further changes. Somebody else's change is not there."""
    further = [int(other) for other in request.GET.getlist("with") if other.isascii() and other.isdigit() and len(other) < 19]
    try:
        with transaction.atomic():
            for one in (change_id, *further):
                undo_work(user_of(request), one)
    except (FieldChange.DoesNotExist, PermissionDenied):
        raise Http404 from None
    except Refused as refused:
        messages.warning(request, _("Not undone: %(reason)s") % {"reason": refused})
    else:
        messages.success(request, _("Undone"))
    return came_from(request, reverse("tasks"))


urlpatterns: list[URLPattern] = [
    path("tasks/", tasks, name="tasks"),
    path("tasks/add/", add, name="task_add"),
    path("tasks/change/", change, name="tasks_change"),
    path("tasks/<int:task_id>/", task, name="task"),
    path("tasks/<int:task_id>/archive/", archive, name="task_archive"),
    path("work/undo/<int:change_id>/", undo, name="work_undo"),
]
