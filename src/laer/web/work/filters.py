"""Which tasks somebody asked for, of those that they may see: by words, priority, whose, and when they are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q

from laer.web.work.models import Priority

NOBODY = "none"
DUE = ("overdue", "today", "week", "later", "none")


@dataclass(frozen=True)
class TaskFilters:
    """What an address asks for; what it does not ask for is None."""

    q: str = ""
    priority: int | None = None
    person: int | str | None = None  # of a person, or NOBODY
    due: str | None = None  # a heading of the list: one of DUE

    def __bool__(self) -> bool:
        return self != TaskFilters()

    def where(self, today: date, week_start: int = 0) -> Q:
        """On the reader's day; their week begins on `week_start` (Monday is 0)."""
        found = Q()
        for word in self.q.split()[:8]:
            found &= Q(title__icontains=word) | Q(account__name__icontains=word)
        if self.priority is not None:
            found &= Q(priority=self.priority)
        if self.person is not None:
            found &= Q(assignee=None) if self.person == NOBODY else Q(assignee_id=self.person)
        return found & self._days(today, last_of_week(today, week_start))

    def _days(self, today: date, sunday: date) -> Q:
        return {
            "overdue": Q(due_on__lt=today), "today": Q(due_on=today), "week": Q(due_on__gt=today, due_on__lte=sunday),
            "later": Q(due_on__gt=sunday), "none": Q(due_on=None),
        }.get(self.due or "", Q())  # fmt: skip


def read_filters(query: Mapping[str, str]) -> TaskFilters:
    """The filters of an address. What does not read is left out, so that an old link still works."""
    priority, person, due = (query.get(name, "") for name in ("priority", "person", "due"))
    return TaskFilters(
        q=" ".join(query.get("q", "").replace("\0", "").split())[:200],
        priority=int(priority) if priority in {str(p) for p in Priority.values} else None,
        person=NOBODY if person == NOBODY else int(person) if person.isascii() and person.isdigit() and len(person) < 19 else None,
        due=due if due in DUE else None,
    )


def last_of_week(today: date, week_start: int = 0) -> date:
    return today + timedelta(days=6 - (today.weekday() - week_start) % 7)
