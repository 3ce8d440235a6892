"""The tasks somebody asked for: the filters of the list as menus and as sentences, and the list as a file."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from laer.web.book import queries as book
from laer.web.book.trail import name_of
from laer.web.pages.lists import Column, List, Value, register
from laer.web.work.filters import NOBODY, TaskFilters
from laer.web.work.models import Priority
from laer.web.work.queries import GROUPS

SENTENCES = {"q": gettext_lazy("Words"), "priority": gettext_lazy("Priority is"), "person": gettext_lazy("For"), "due": gettext_lazy("Due")}


def _account(name: str) -> Value:
    return lambda task: task.account and getattr(task.account, name)


TASKS = register(
    List(
        "tasks",
        "tasks",
        {
            "due_on": Column(gettext_lazy("Due"), "due_on", attrgetter("due_on")),
            "priority": Column(gettext_lazy("Priority"), "priority", lambda task: str(Priority(task.priority).label)),
            "assignee": Column(gettext_lazy("For"), "assignee", lambda task: task.assignee and task.assignee.name),
            "created_at": Column(gettext_lazy("Written"), "created_at", attrgetter("created_at"), usual=False, filed=True),
            "done_at": Column(gettext_lazy("Done on"), "done_at", attrgetter("done_at"), usual=False, filed=True),
        },
        keys=("view", "done", *SENTENCES),
        before={"task_id": attrgetter("pk"), "task": attrgetter("title"), "account_id": _account("pk"), "account": _account("name")},
        after={
            "ticked": lambda task: sum(bool(item["done"]) for item in task.checklist), "items": lambda task: len(task.checklist),
            "detail": attrgetter("detail"), "done_by": lambda task: name_of(task.done_by) or None,
        },
    )
)


def narrowed(query: QueryDict, filters: TaskFilters, people: Iterable[tuple[int, str]], done: bool) -> dict[str, Any]:
    """Context of the filter bar: facets, filters (chips), clear_url, q, download_url."""
    people = list(people)
    options: dict[str, list[tuple[str, str]]] = {
        "priority": [(str(value), str(label)) for value, label in reversed(Priority.choices)],
        "person": [*((str(pk), name) for pk, name in people), (NOBODY, _("nobody"))],
        "due": [(key, str(title)) for key, title in GROUPS.items()],
    }
    titles = {"priority": (_("Priority"), "adjustments"), "person": (_("For"), "user"), "due": (_("Due"), "calendar-event")}
    if done:
        del titles["due"]  # when a done task was due is no longer a heading
    if query.get("view", "mine") == "mine":
        del titles["person"]  # they are all for whoever reads
    facets = []
    for name, (title, icon) in titles.items():
        asked = str(getattr(filters, name) or "")
        shown = [{"label": label, "value": v, "active": v == asked, "url": _url(query, **{name: None if v == asked else v})} for v, label in options[name]]
        facets.append({"name": name, "title": title, "icon": icon, "options": shown})
    chips = []
    for name, sentence in SENTENCES.items():
        if value := getattr(filters, name):
            said = dict(options.get(name, ())).get(str(value)) or (book.person_name(value) if name == "person" else value) or _("somebody unknown")
            chips.append({"label": sentence, "value": said, "remove_url": _url(query, **{name: None})})
    return {
        "facets": facets,
        "filters": chips,
        "clear_url": _url(query, **dict.fromkeys(SENTENCES)),
        "q": filters.q,
        "download_url": reverse("tasks") + _url(query),
    }


def _url(query: QueryDict, **changes: str | None) -> str:
    kept = query.copy()
    for key in ("more", "format"):
        kept.pop(key, None)
    for key, value in changes.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
    return "?" + kept.urlencode()
