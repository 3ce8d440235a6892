"""Readiness: what works with the sources connected so far, what does not, and what to connect next."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.web.pages.data import frame, label_of, user_of
from laer.web.pages.data_doctor import looked, nothing_theirs
from laer.web.pages.lists import Value, filed
from laer.web.runs import examining
from laer.web.runs.readiness import FeatureState
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

SAID = {
    "yes": ("good", "circle-check", gettext_lazy("works")),
    "partly": ("warn", "circle-dot", gettext_lazy("partly")),
    "no": ("bad", "x", gettext_lazy("not yet")),
}


CELLS: dict[str, Value] = {
    "id": itemgetter("id"), "figure_or_feature": lambda row: str(row["name"]), "state": lambda row: str(row["word"]), "why": lambda row: str(row["why"]),
    "next_step": lambda row: str(row["step"]) if row["step"] else None,
}  # fmt: skip


@require_safe
def readiness(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    examined = examining.last(user)
    found, types = (examined.features, examined.records) if examined else ([], [])
    nobodys = examined is None and nothing_theirs(user)
    empty = examined is not None and not any(t.rows for t in types if t.record != "people")
    sums = {state: sum(f.state == state for f in found) for state in SAID}
    steps = [] if empty else _steps(found)
    asked = request.GET.get("state", "")
    asked = asked if asked in SAID else ""
    shown = [f for f in found if asked in ("", f.state)]
    if file := filed(request, "readiness", CELLS, lambda: [_feature(f, user.may_import) for f in shown]):
        return file
    context = frame(user, "readiness", examined.findings if examined else None) | looked(request, examined, nobodys) | {
        "features": [_feature(f, user.may_import) for f in shown],
        "filters": [{"label": _("State is"), "value": SAID[asked][2], "remove_url": request.path}] if asked else [],
        "figures": [
            {"label": label, "value": number(sums[key]), "hint": hint} | ({"url": f"?state={key}#features-title"} if sums[key] else {})
            for key, label, hint in (
                ("yes", _("Work"), _("nine tenths of the accounts have what is read")),
                ("partly", _("Work partly"), _("some accounts have it")),
                ("no", _("Do not work yet"), _("a source is missing")),
            )
        ]
        if examined
        else None,
        "next": steps[0] if steps else None,
        "empty": empty and user.may_import,
        "nothing_yours": nobodys or (empty and not user.reads_everything),
        "records": [{"record": label_of(t.record), "rows": t.rows, "newest": t.newest, "sources": ", ".join(t.sources)} for t in types],
        "may_import": user.may_import,
        "first_step": {"label": _("Import your first file"), "url": "/data/import/", "icon": "upload"},
        "state": {
            "shown": _("%(n)s of %(all)s figures and features work") % {"n": sums["yes"], "all": len(found)} if examined else None,
            "whose": None if user.reads_everything else _("in your book"),
        },
        "download_url": request.get_full_path() if shown else None,
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
