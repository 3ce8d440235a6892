"""Runs: what the machine computed, when, how long each part took, what it left out and why. For those who may import."""

from __future__ import annotations

from decimal import Decimal
from operator import itemgetter
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy
from django.views.decorators.http import require_safe

from laer.web.book.models import DirtyAccount
from laer.web.pages.data import frame, importer, newest_first
from laer.web.pages.exports import format_of
from laer.web.pages.lists import CLEARED, Column, List, opened, register
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import number, url_with
from laer.web.wording import gettext_lazy

SHOWN = 25
KINDS = {
    "full": (gettext_lazy("whole book"), gettext_lazy("every account was computed")),
    "small": (gettext_lazy("few accounts"), gettext_lazy("accounts that changed since the pass before")),
    "past": (gettext_lazy("past day"), gettext_lazy("as of a day of before; pages do not show it")),
}
STATES = {
    "running": (gettext_lazy("running"), "info"), "complete": (gettext_lazy("complete"), "good"), "failed": (gettext_lazy("failed"), "bad"),
}  # fmt: skip
PARTS = {
    "read": gettext_lazy("reading the book"), "ledger": gettext_lazy("recurring revenue"), "facts": gettext_lazy("facts"),
    "scores": gettext_lazy("scores"), "segments": gettext_lazy("segments"), "signals": gettext_lazy("signals"), "plays": gettext_lazy("plays"),
    "flow": gettext_lazy("flow"),
    "cards": gettext_lazy("cards"),
    "publish": gettext_lazy("publishing"),
}  # fmt: skip
COUNTS = {
    "accounts": ngettext_lazy("%(n)s account read", "%(n)s accounts read", "count"),
    "lines": ngettext_lazy("%(n)s line", "%(n)s lines", "count"),
    "cards": ngettext_lazy("%(n)s card written", "%(n)s cards written", "count"),
    "band_changes": ngettext_lazy("%(n)s band changed", "%(n)s bands changed", "count"),
    "signal_moves": ngettext_lazy("%(n)s episode of a signal opened or closed", "%(n)s episodes of signals opened or closed", "count"),
    "position_moves": ngettext_lazy("%(n)s stay in a position began or ended", "%(n)s stays in positions began or ended", "count"),
    "plays_trial": ngettext_lazy("%(n)s play would have begun", "%(n)s plays would have begun", "count"),
    "plays_live": ngettext_lazy("%(n)s play begun", "%(n)s plays begun", "count"),
    "plays_held_out": ngettext_lazy("%(n)s account held out of a play", "%(n)s accounts held out of plays", "count"),
    "plays_refused": ngettext_lazy("%(n)s play did not begin", "%(n)s plays did not begin", "count"),
    "plays_woken": ngettext_lazy("%(n)s run of a play woken", "%(n)s runs of plays woken", "count"),
    "segment_moves": ngettext_lazy("%(n)s account moved in or out of a segment", "%(n)s accounts moved in or out of segments", "count"),
    "account_months": ngettext_lazy("%(n)s month of an account written", "%(n)s months of accounts written", "count"),
}


@require_safe
def runs(request: HttpRequest) -> HttpResponseBase:
    """Passes over the book, newest first."""
    user = importer(request)
    kind, state = (request.GET.get(name, "") for name in ("kind", "state"))
    kind, state = kind if kind in KINDS else "", state if state in STATES else ""
    asked = PassRun.objects.filter(**({"kind": kind} if kind else {}), **({"state": state} if state else {}))
    if format_of(request):
        return RUNS.file(request, (_row(run) for run in asked.order_by("-pk").iterator(500)))
    tools = opened(request, user, RUNS)
    if tools.elsewhere:
        return tools.elsewhere
    total = asked.count()
    found, previous, following = newest_first(asked, request, SHOWN)
    context = frame(user, "runs") | {
        "rows": [_row(run) for run in found],
        "previous_url": previous,
        "next_url": following,
        "facets": [
            {"name": "kind", "title": _("Kind"), "icon": "stack-2", "options": _options(request, "kind", kind, KINDS)},
            {"name": "state", "title": _("State"), "icon": "progress-check", "options": _options(request, "state", state, STATES)},
        ],
        "filters": [
            {"label": label, "value": said[value][0], "remove_url": url_with(request, **{name: None})}
            for name, label, value, said in (("kind", _("Kind is"), kind, KINDS), ("state", _("State is"), state, STATES))
            if value
        ],
        "clear_url": CLEARED,
        "counted": ngettext("%(n)s run", "%(n)s runs", total) % {"n": number(total)},
        "download_url": request.get_full_path() if found else None,
        "state": {"shown": _("Passes over the book, newest first") if found else None, "recomputing": DirtyAccount.objects.exists()},
    }
    return render(request, "pages/runs.html", context | tools.context)


RUNS = register(
    List(
        "runs",
        "runs",
        {
            "state": Column(gettext_lazy("State"), "state", lambda row: str(row["word"])),
            "as_of": Column(gettext_lazy("As of"), "as_of", itemgetter("as_of")),
            "started_at": Column(gettext_lazy("Started"), "started_at", itemgetter("started_at")),
            "took": Column(gettext_lazy("Took"), "seconds", itemgetter("took")),
            "counts": Column(gettext_lazy("Counts"), "counts", lambda row: "; ".join(row["counts"])),
            "notes": Column(gettext_lazy("Left out, and why"), "left_out", lambda row: "; ".join(t for t in (row["error"], *row["notes"]) if t)),
        },
        keys=("kind", "state"),
        before={"run": itemgetter("run_id"), "kind": lambda row: str(row["kind"]), "policy": itemgetter("policy")},
    )
)


def _options(request: HttpRequest, name: str, chosen: str, said: dict[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [{"label": label, "active": key == chosen, "url": url_with(request, **{name: None if key == chosen else key})} for key, (label, __) in said.items()]


def _row(run: PassRun) -> dict[str, Any]:
    kind, title = KINDS.get(run.kind, (run.kind, ""))
    word, tone = STATES.get(run.state, (run.state, ""))
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    longest = max(run.timings.values(), default=0)
    return {
        "run_id": run.pk,
        "kind": kind,
        "kind_title": title,
        "word": word,
        "tone": tone,
        "complete": run.state == "complete",
        "as_of": run.as_of,
        "started_at": run.started_at,
        "seconds": None if seconds is None else _seconds(seconds),
        "took": None if seconds is None else Decimal(f"{seconds:.2f}"),
        "counts": [_count(name, run.counts[name]) for name in (*COUNTS, *(other for other in run.counts if other not in COUNTS)) if name in run.counts],
        "timings": [{"part": PARTS.get(name, name), "text": _seconds(n), "value": n, "max": longest or 1} for name, n in run.timings.items()],
        "notes": run.notes,
        "error": run.error,
        "policy": _("policy %(policy)s, version %(version)s") % {"policy": run.policy, "version": run.policy_version},
    }


def _seconds(seconds: float) -> str:
    shown = number(f"{seconds:.{1 if seconds >= 10 else 2}f}")
    return ngettext("%(n)s second", "%(n)s seconds", 1 if seconds == 1 else 2) % {"n": shown}


def _count(name: str, n: int) -> str:
    said = COUNTS.get(name)
    return str(said % {"count": n, "n": number(n)}) if said else f"{number(n)} {name.replace('_', ' ')}"
