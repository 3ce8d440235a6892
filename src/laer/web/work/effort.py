"""Where time went: touches, and tasks that were done on accounts, as the engine counts them (docs/methods/work.md), of those that a person may see."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from laer.web.people.models import User
from laer.web.work.models import Direction, Task, Touch
from laer.web.work.scope import visible_tasks, visible_touches

FEWEST = 5  # times that a task must have been done to be a candidate for automation
MOST = 50_000  # tasks that are looked through for them, the newest first
BY_EVIDENCE = Q(play_run__isnull=False) | Q(episode__isnull=False)


@dataclass
class Spent:
    """n: touches and tasks;  minutes: of all of them;  inferred: those of them that nobody said;  out, caused: touches that we began, tasks by evidence"""

    name: str | None = None
    touches: int = 0
    tasks: int = 0
    minutes: int = 0
    inferred: int = 0
    out: int = 0
    caused: int = 0

    @property
    def n(self) -> int:
        return self.touches + self.tasks

    def add(self, other: Spent) -> None:
        for name in ("touches", "tasks", "minutes", "inferred", "out", "caused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Done:
    """What somebody did, of a period: touches by their moment, tasks by that at which they were done. Rows follow the account."""

    touches: QuerySet[Touch]
    tasks: QuerySet[Task]
    usual: Mapping[str, int]

    def by_kind(self) -> dict[str, Spent]:
        """Key: "call" of a touch, "task call" of a task, "task" of one without a kind. Two queries."""
        found = {row["kind"]: _spent(row) for row in self._touches("kind")}
        return found | {f"task {row['kind']}" if row["kind"] else "task": _spent(row) for row in self._tasks("kind")}

    def by_person(self) -> dict[int | None, Spent]:
        """By who had the touch, and whose task it was. Two queries."""
        found: dict[int | None, Spent] = {}
        for rows, who in ((self._touches("person_id", "person__name"), "person"), (self._tasks("assignee_id", "assignee__name"), "assignee")):
            for row in rows:
                found.setdefault(row[f"{who}_id"], Spent(row[f"{who}__name"])).add(_spent(row))
        return found

    def _touches(self, *by: str) -> Iterable[dict[str, Any]]:
        return self.touches.order_by().values(*by).annotate(touches=Count("id"), out=Count("id", filter=Q(direction=Direction.OUT)), **self._minutes())  # type: ignore[no-any-return]

    def _tasks(self, *by: str) -> Iterable[dict[str, Any]]:
        return self.tasks.order_by().values(*by).annotate(tasks=Count("id"), caused=Count("id", filter=BY_EVIDENCE), **self._minutes())  # type: ignore[no-any-return]

    def _minutes(self) -> dict[str, Any]:
        cases = [When(kind=kind, then=Value(minutes)) for kind, minutes in self.usual.items()]
        usual = Case(When(kind="", then=Value(self.usual["task"])), *cases, default=Value(self.usual["other"]), output_field=IntegerField())
        return {"spent": Sum(Coalesce(F("minutes"), usual)), "inferred": Sum(usual, filter=Q(minutes=None))}


def _spent(row: Mapping[str, Any]) -> Spent:
    return Spent(
        touches=row.get("touches", 0), tasks=row.get("tasks", 0), minutes=row["spent"] or 0, inferred=row["inferred"] or 0, out=row.get("out", 0),
        caused=row.get("caused", 0),
    )  # fmt: skip


def done_since(user: User, since: datetime, usual: Mapping[str, int]) -> Done:
    """What was done on accounts that the person may see, from a moment on."""
    touches = visible_touches(user).filter(at__gte=since, account__archived_at=None)
    tasks = visible_tasks(user).filter(done_at__gte=since, account__isnull=False, account__archived_at=None)
    return Done(touches, tasks, usual)


# -- what could be automated ------------------------------------------------------------------------------------------------


@dataclass
class Candidate:
    """A task that people did by hand again and again: its wording, and the rows that have it."""

    title: str
    ids: list[int] = field(default_factory=list)
    minutes: int = 0
    inferred: int = 0
    accounts: set[int] = field(default_factory=set)
    people: set[int | None] = field(default_factory=set)


_NUMBERS, _REST = re.compile(r"\d+"), re.compile(r"[^\w#]+")


def wording(title: str, account: str | None) -> str:
    """A title without what differs from time to time: the account's name, numbers, case and punctuation."""
    text = title.casefold()
    if account:
        text = text.replace(account.casefold(), " ")
    return " ".join(_REST.sub(" ", _NUMBERS.sub("#", text)).split())


def candidates(done: Done) -> list[Candidate]:
    """Tasks that no play gave and that were done FEWEST times and more, those that took the most time first. One query."""
    found: dict[str, Candidate] = defaultdict(lambda: Candidate(""))
    rows = done.tasks.filter(play_run=None).order_by("-done_at").values_list("id", "title", "account__name", "account_id", "assignee_id", "kind", "minutes")
    for pk, title, account, account_id, person, kind, minutes in rows[:MOST]:
        one = found[wording(title, account)]
        one.title = one.title or title
        usual = done.usual.get(kind or "task", done.usual["other"])
        one.ids.append(pk)
        one.minutes += usual if minutes is None else minutes
        one.inferred += usual if minutes is None else 0
        one.accounts.add(account_id)
        one.people.add(person)
    return sorted((one for name, one in found.items() if name and len(one.ids) >= FEWEST), key=lambda one: (-one.minutes, one.title))
