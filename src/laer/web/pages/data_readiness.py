"""Readiness: what works with the sources connected so far, what does not, and what to connect next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.web.pages.data import frame, label_of, user_of
from laer.web.runs.inventory import records
from laer.web.runs.readiness import FeatureState, features
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

SAID = {
    "yes": ("good", "circle-check", gettext_lazy("works")),
    "partly": ("warn", "circle-dot", gettext_lazy("partly")),
    "no": ("bad", "x", gettext_lazy("not yet")),
}


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
            {"label": _("Work"), "value": number(sums["yes"]), "hint": _("nine tenths of the accounts have what is read")},
            {"label": _("Work partly"), "value": number(sums["partly"]), "hint": _("some accounts have it")},
            {"label": _("Do not work yet"), "value": number(sums["no"]), "hint": _("a source is missing")},
        ],
        "next": steps[0] if steps else None,
        "empty": empty and user.may_import,
        "nothing_yours": empty and not user.reads_everything,
        "records": [{"record": label_of(t.record), "rows": t.rows, "newest": t.newest, "sources": ", ".join(t.sources)} for t in types],
        "may_import": user.may_import,
        "first_step": {"label": _("Import your first file"), "url": "/data/import/", "icon": "upload"},
        "state": {
            "shown": _("%(n)s of %(all)s figures and features work") % {"n": sums["yes"], "all": len(found)},
            "whose": None if user.reads_everything else _("in your book"),
        },
    }
    return render(request, "pages/readiness.html", context)


def _steps(found: list[FeatureState]) -> list[dict[str, Any]]:
    """What to do next: what is missing altogether before what is thin, in the order in which figures build on one another."""
    open_ones = [f for state in ("no", "partly") for f in found if f.state == state and f.next_step]
    return [{"title": _title(f), "url": f.next_url, "why": f.why} for f in open_ones]


def _title(f: FeatureState) -> str:
    return _("%(step)s, for %(feature)s") % {"step": f.next_step, "feature": f.name if f.name[:2].isupper() else f.name.lower()}


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
