"""Load: who has how much to do, how much of it is late, and how many minutes went to customers?"""

from __future__ import annotations

from datetime import timedelta
from operator import itemgetter
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.web.pages.accounts import user_of
from laer.web.pages.lists import Value, filed
from laer.web.people.formats import today
from laer.web.runs.models import AccountCard
from laer.web.templatetags.laer import number
from laer.web.work.scope import visible_tasks, visible_touches

WEEK, MONTH = 7, 28  # days


@require_safe
def load(request: HttpRequest) -> HttpResponseBase:
    """Open tasks by who they are for, of those that one may see: late, due within a week, given by plays; accounts of their book, minutes of four weeks."""
    user, day = user_of(request), today()
    since = timezone.now() - timedelta(days=MONTH)
    seen = visible_tasks(user)
    counted: Any = seen.filter(Q(done_at=None) | Q(done_at__gte=since)).values("assignee_id", "assignee__name").order_by().annotate(
        open=Count("id", filter=Q(done_at=None)), late=Count("id", filter=Q(done_at=None, due_on__lt=day)),
        week=Count("id", filter=Q(done_at=None, due_on__gte=day, due_on__lt=day + timedelta(days=WEEK))),
        plays=Count("id", filter=Q(done_at=None, play_run__isnull=False)), done=Count("id", filter=Q(done_at__isnull=False)),
    )  # fmt: skip
    people = {row["assignee_id"]: row for row in counted}
    owners = set(people) - {None}
    books = dict(AccountCard.objects.filter(owner_id__in=owners, mrr_minor__gt=0).values_list("owner_id").annotate(n=Count("account_id")))
    touched = visible_touches(user).filter(person_id__in=owners, at__gte=since)
    spent: dict[int, int] = dict(touched.order_by().values_list("person_id").annotate(n=Sum("minutes")))
    most = max((row["open"] for row in people.values()), default=0)
    rows = [_row(row, books, spent, most) for row in people.values()]
    rows.sort(key=lambda row: (row["id"] is None, -row["open"], row["name"] or ""))
    if file := filed(request, "load", CELLS, lambda: rows):
        return file
    total = sum(row["open"] for row in rows)
    context = {
        "rows": rows, "download_url": request.path if rows else None, "month": MONTH,
        "state": {"shown": ngettext("%(n)s open task", "%(n)s open tasks", total) % {"n": number(total)},
                  "whose": _("the whole book") if user.reads_everything else _("what you may see")},
    }  # fmt: skip
    return render(request, "pages/task_load.html", context)


CELLS: dict[str, Value] = {name: itemgetter(name) for name in ("name", "open", "late", "week", "plays", "done", "accounts", "minutes")}


def _row(row: dict[str, Any], books: dict[int, int], spent: dict[int, int], most: int) -> dict[str, Any]:
    pk = row["assignee_id"]
    counts = {name: row[name] for name in ("open", "late", "week", "plays", "done")}
    return counts | {
        "id": pk, "name": row["assignee__name"], "accounts": books.get(pk, 0) if pk else None, "minutes": spent.get(pk) if pk else None,
        "share": round(100 * row["open"] / most) if most else 0, "late_share": round(100 * row["late"] / most) if most else 0,
        "url": f"{reverse('tasks')}?view=all&person={pk}" if pk else None,
    }  # fmt: skip


urlpatterns: list[URLPattern] = [path("tasks/load/", load, name="task_load")]
