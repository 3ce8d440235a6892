"""Readiness: what works with the sources connected so far, what does not, and what to connect next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from laer.web.pages.data import frame, label_of, user_of
from laer.web.runs.inventory import records
from laer.web.runs.readiness import FeatureState, features
from laer.web.templatetags.laer import number

SAID = {"yes": ("good", "circle-check", "works"), "partly": ("warn", "circle-dot", "partly"), "no": ("bad", "x", "not yet")}


@require_safe
def readiness(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    found, types = features(user), records(user)
    empty = not any(t.rows for t in types if t.record != "people")
    sums = {state: sum(f.state == state for f in found) for state in SAID}
    steps = [] if empty else _steps(found)
    context = frame(user, "readiness") | {
        "features": [_feature(f, user.may_import) for f in found],
        "figures": [
            {"label": "Work", "value": number(sums["yes"]), "hint": "nine tenths of the accounts have what is read"},
            {"label": "Work partly", "value": number(sums["partly"]), "hint": "some accounts have it"},
            {"label": "Do not work yet", "value": number(sums["no"]), "hint": "a source is missing"},
        ],
        "next": steps[0] if steps else None,
        "empty": empty and user.may_import,
        "nothing_yours": empty and not user.reads_everything,
        "records": [{"record": label_of(t.record), "rows": t.rows, "newest": t.newest, "sources": ", ".join(t.sources)} for t in types],
        "may_import": user.may_import,
        "first_step": {"label": "Import your first file", "url": "/data/import/", "icon": "upload"},
        "state": {"shown": f"{sums['yes']} of {len(found)} figures and features work", "whose": None if user.reads_everything else "in your book"},
    }
    return render(request, "pages/readiness.html", context)


def _steps(found: list[FeatureState]) -> list[dict[str, Any]]:
    """What to do next: what is missing altogether before what is thin, in the order in which figures build on one another."""
    open_ones = [f for state in ("no", "partly") for f in found if f.state == state and f.next_step]
    return [{"title": f"{f.next_step}, for {f.name if f.name[:2].isupper() else f.name.lower()}", "url": f.next_url, "why": f.why} for f in open_ones]


def _feature(f: FeatureState, may_import: bool) -> dict[str, Any]:
    tone, icon, word = SAID[f.state]
    reachable = f.next_url and (may_import or not f.next_url.startswith("/data/import/"))
    return {
        "id": f.id,
        "name": f.name,
        "url": f.url if f.state != "no" else None,
        "tone": tone,
        "icon": icon,
        "word": word,
        "why": f.why,
        "step": f.next_step,
        "step_url": f.next_url if reachable else None,
    }
