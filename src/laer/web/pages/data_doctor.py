"""Doctor: what is wrong in the book, and the rows behind each finding, in what the person may see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import count
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.web.book import exclusions
from laer.web.book.scope import visible_accounts, visible_rows
from laer.web.pages.data import frame, label_of, user_of
from laer.web.pages.exports import format_of
from laer.web.pages.lists import CLEARED, Column, List, choices, opened, register
from laer.web.people.models import User
from laer.web.record_words import column_text
from laer.web.runs import doctor, examining
from laer.web.runs.doctor.finding import Finding
from laer.web.runs.doctor.set_aside import kinds_of
from laer.web.templatetags.laer import day, instant, number
from laer.web.wording import gettext_lazy

SHOWN = 50
ASKED = "asked"  # in the address of a page that has asked for an examination
FARTHEST = 1_000  # pages; beyond it a file is better
FILED = 2_000  # rows that a file asks for at a time
SEVERITIES = {"error": gettext_lazy("Error"), "warning": gettext_lazy("Warning"), "info": gettext_lazy("Note")}


@require_safe
def findings(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    examined = examining.last(user)
    found = examined.findings if examined else []
    nobodys = not found and nothing_theirs(user)
    severity, record = request.GET.get("severity", ""), request.GET.get("record", "")
    shown = [f for f in found if severity in ("", f.severity) and record in ("", f.record)]
    if format_of(request):
        return DOCTOR.file(request, [_finding(f) for f in shown])
    tools = opened(request, user, DOCTOR)
    if tools.elsewhere:
        return tools.elsewhere
    sums = {s: sum(f.severity == s for f in found) for s in SEVERITIES}
    context = frame(user, "doctor", found) | looked(request, examined, nobodys) | {
        "findings": [_finding(f) | {"open": f is shown[0] and f.severity == "error"} for f in shown],
        "figures": [
            {"label": label, "value": number(sums[key]), "hint": hint} | ({"url": _with(request, severity=key)} if sums[key] else {})
            for key, label, hint in (
                ("error", _("Errors"), _("figures are wrong until they are mended")),
                ("warning", _("Warnings"), _("sources that disagree, or something missing")),
                ("info", _("Notes"), _("worth knowing")),
            )
        ]
        if examined or nobodys
        else None,
        "facets": _facets(request, found) if found else [],
        "filters": [
            {"label": label, "value": SEVERITIES.get(value, label_of(value)), "remove_url": _with(request, **{name: None})}
            for name, label, value in (("severity", _("Severity is"), severity), ("record", _("Record is"), record))
            if value
        ],
        "no_accounts": nobodys,
        "clear_url": CLEARED,
        "upload_url": None,
        "excluded": exclusions.active().filter(visible_rows(user)).count(),
        "state": {
            "shown": ngettext("%(n)s finding", "%(n)s findings", len(found)) % {"n": number(len(found))} if examined else None,
            "whose": None if user.reads_everything else _("in your book"),
        },
    }
    context |= tools.context | {"download_url": request.get_full_path() if shown else None}
    return render(request, "pages/doctor.html", context)


DOCTOR = register(
    List(
        "doctor",
        "doctor",
        {},
        keys=("severity", "record"),
        before={
            "check": itemgetter("check"), "finding": lambda row: str(row["title"]), "severity": itemgetter("severity"),
            "record": lambda row: str(row["record"]), "rows": itemgetter("count"), "means": lambda row: str(row["text"]),
            "what_to_do": lambda row: str(row["what_to_do"]),
        },
    )
)


def _rows_list(check: str) -> List:
    """The rows behind one check: its own columns, to choose from; without saved views."""
    columns = {name: Column(column_text(name), name, partial(_value, name)) for name in doctor.columns_behind(check)}
    return List(f"doctor-{check}", "", columns, before={name: itemgetter(name) for name in ("account_id", "account")})


def _value(name: str, row: dict[str, Any]) -> Any:
    return _filed(row[name])


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Have what the person may read gone through again; the worker does it. The page that asks polls itself meanwhile."""
    examining.ask(user_of(request), at_once="button" in request.POST)
    if request.headers.get("HX-Request") and "button" not in request.POST:
        return HttpResponse(status=204)
    return redirect(f"{reverse('readiness' if request.POST.get('page') == 'readiness' else 'doctor')}?{ASKED}=1")


def nothing_theirs(user: User) -> bool:
    """Whether the person sees no account at all. One query for people who do not see the whole book."""
    return not user.reads_everything and not visible_accounts(user).exists()


def looked(request: HttpRequest, examined: examining.Examined | None, nobodys: bool) -> dict[str, Any]:
    """Context of parts/examined.html: of when it is what a page shows, and whether it is being looked for again. One query where it is old."""
    if nobodys or (examined and examined.current):
        return {"examined": None}
    again = bool(request.GET.get(ASKED))
    return {
        "examined": {
            "at": examined and examined.at,
            "asks": not again,  # once by itself: on a book that never rests a page that stays open would ask for ever
            "waits": again and examining.waits(user_of(request)),
            "poll_url": _with(request, **{ASKED: "1"}),
        }
    }


@require_safe
def behind(request: HttpRequest, check: str) -> HttpResponseBase:
    """The rows behind a finding; of a check that found nothing, too, so that a link does not die when a fault is mended."""
    user = user_of(request)
    page = request.GET.get("page", "1")
    place = max(1, min(FARTHEST, int(page))) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    if not doctor.exists(check, user):
        raise Http404
    own = _rows_list(check)
    if format_of(request):
        return own.file(request, _all_behind(check, user))
    rows = doctor.rows_behind(check, user, limit=SHOWN + 1, offset=(place - 1) * SHOWN)
    examined = examining.last(user)
    finding = next((f for f in examined.findings if f.check == check), None) if examined else None
    current = _finding(finding) if finding and examined and examined.current else None  # a count of before beside the rows of now would contradict them
    headings = own.shown(request.GET)
    first, last = (place - 1) * SHOWN + 1, (place - 1) * SHOWN + len(rows[:SHOWN])
    title = doctor.title_of(check) if rows or place > 1 else _("Nothing is found by this check")
    context = frame(user, "doctor", examined.findings if examined else None) | {
        "finding": current or {"check": check, "title": title, "count": None if rows else 0},
        "headings": [column_text(h) for h in headings],
        "upload_url": None,
        "with_account": not rows or rows[0]["account_id"] is not None,
        "rows": [
            {
                "object_id": r.get("object_id"),
                "account": r["account"],
                "url": f"/accounts/{r['account_id']}/" if r["account_id"] else None,
                "cells": [_cell(r[h]) for h in headings],
            }
            for r in rows[:SHOWN]
        ],
        "exclude_url": reverse("doctor_exclude", args=[check]) if user.may_exclude and rows and "object_id" in rows[0] else None,
        "excluded": exclusions.active().filter(visible_rows(user), check_id=check).count(),
        "download_url": _with(request, page=None) if rows else None,
        "columns": choices(own, headings) if rows else None,
        "shown": _("%(first)s to %(last)s") % {"first": number(first), "last": number(last)} if rows else None,
        "previous_url": _with(request, page=str(place - 1)) if place > 1 else None,
        "next_url": _with(request, page=str(place + 1)) if len(rows) > SHOWN and place < FARTHEST else None,
    }
    return render(request, "pages/doctor_rows.html", context)


def _all_behind(check: str, user: User) -> Iterator[dict[str, Any]]:
    """Every row behind a finding, some at a time."""
    for offset in count(0, FILED):
        rows = doctor.rows_behind(check, user, limit=FILED, offset=offset)
        yield from rows
        if len(rows) < FILED:
            return


def _finding(f: Finding) -> dict[str, Any]:
    url = f"/data/doctor/{f.check}/"
    kinds = kinds_of(f.check) if f.record == "quarantine" else []
    details = [{"name": column_text(name.replace("_", " ")), "count": n} for name, n in f.details.items()]
    return f.as_dict() | {
        "text": f.sentence,
        "url": url,
        "record": label_of(f.record),
        "details": details,
        "repair_url": f"/data/quarantine/?reason={quote(kinds[0])}" if kinds else None,
    }


def _facets(request: HttpRequest, found: list[Finding]) -> list[dict[str, Any]]:
    menus = []
    for name, title, icon, labels in (
        ("severity", _("Severity"), "alert-triangle", SEVERITIES),
        ("record", _("Record"), "database", {r: label_of(r) for r in sorted({f.record for f in found})}),
    ):
        now = request.GET.get(name, "")
        options = [
            {
                "label": label,
                "value": value,
                "count": sum(getattr(f, name) == value for f in found),
                "active": value == now,
                "url": _with(request, **{name: None if value == now else value}),
            }
            for value, label in labels.items()
        ]
        menus.append({"name": name, "title": title, "icon": icon, "options": options})
    return menus


def _with(request: HttpRequest, **changes: Any) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return "?" + query.urlencode() if query else request.path


def _cell(value: Any) -> str | None:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return str(instant(value))
    if hasattr(value, "isoformat"):
        return str(day(value))
    if isinstance(value, dict):
        return ", ".join(f"{k.removesuffix('_id')}: {v}" for k, v in value.items())
    return number(value) if isinstance(value, int) else None if value is None else str(value)


def _filed(value: Any) -> Any:
    """A value as a file keeps it: days and numbers as they are."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _cell(value) if isinstance(value, dict | list) else value
