"""Doctor: what is wrong in the book, and the rows behind each finding, in what the person may see."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.web.book import exclusions
from laer.web.book.scope import visible_accounts, visible_rows
from laer.web.pages.data import frame, label_of, user_of
from laer.web.record_words import column_text
from laer.web.runs import doctor
from laer.web.runs.doctor.finding import Finding
from laer.web.runs.doctor.set_aside import kinds_of
from laer.web.templatetags.laer import day, instant, number
from laer.web.wording import gettext_lazy

SHOWN = 50
FARTHEST = 1_000  # pages; beyond it a file is better
SEVERITIES = {"error": gettext_lazy("Error"), "warning": gettext_lazy("Warning"), "info": gettext_lazy("Note")}


@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    found = doctor.remembered_findings(user)
    severity, record = request.GET.get("severity", ""), request.GET.get("record", "")
    shown = [f for f in found if severity in ("", f.severity) and record in ("", f.record)]
    sums = {s: sum(f.severity == s for f in found) for s in SEVERITIES}
    context = frame(user, "doctor") | {
        "findings": [_finding(f) | {"open": f is shown[0] and f.severity == "error"} for f in shown],
        "figures": [
            {"label": _("Errors"), "value": number(sums["error"]), "hint": _("figures are wrong until they are mended")},
            {"label": _("Warnings"), "value": number(sums["warning"]), "hint": _("sources that disagree, or something missing")},
            {"label": _("Notes"), "value": number(sums["info"]), "hint": _("worth knowing")},
        ],
        "facets": _facets(request, found) if found else [],
        "filters": [
            {"label": label, "value": SEVERITIES.get(value, label_of(value)), "remove_url": _with(request, **{name: None})}
            for name, label, value in (("severity", _("Severity is"), severity), ("record", _("Record is"), record))
            if value
        ],
        "no_accounts": not found and not user.reads_everything and not visible_accounts(user).exists(),
        "clear_url": request.path,
        "upload_url": None,
        "excluded": exclusions.active().filter(visible_rows(user)).count(),
        "state": {
            "shown": ngettext("%(n)s finding", "%(n)s findings", len(found)) % {"n": number(len(found))},
            "whose": None if user.reads_everything else _("in your book"),
        },
    }
    return render(request, "pages/doctor.html", context)


@require_safe
def behind(request: HttpRequest, check: str) -> HttpResponse:
    """The rows behind a finding; of a check that found nothing, too, so that a link does not die when a fault is mended."""
    user = user_of(request)
    page = request.GET.get("page", "1")
    place = max(1, min(FARTHEST, int(page))) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    if not doctor.exists(check, user):
        raise Http404
    rows = doctor.rows_behind(check, user, limit=SHOWN + 1, offset=(place - 1) * SHOWN)
    finding = next((f for f in doctor.remembered_findings(user) if f.check == check), None)
    headings = doctor.columns_behind(check)
    first, last = (place - 1) * SHOWN + 1, (place - 1) * SHOWN + len(rows[:SHOWN])
    nameless = finding is not None and finding.record in ("quarantine", "sources")
    context = frame(user, "doctor") | {
        "finding": _finding(finding) if finding else {"check": check, "title": _("Nothing is found by this check"), "count": 0},
        "headings": [column_text(h) for h in headings],
        "upload_url": None,
        "with_account": not nameless,
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
        "shown": _("%(first)s to %(last)s") % {"first": number(first), "last": number(last)} if rows else None,
        "previous_url": f"?page={place - 1}" if place > 1 else None,
        "next_url": f"?page={place + 1}" if len(rows) > SHOWN and place < FARTHEST else None,
    }
    return render(request, "pages/doctor_rows.html", context)


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
