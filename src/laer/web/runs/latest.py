"""The run whose figures are shown: what every reader of published rows needs."""

from __future__ import annotations

from typing import Any

from laer.web.runs.models import PassRun


def last_run() -> PassRun | None:
    """The pass whose figures are shown."""
    return PassRun.objects.filter(state="complete").exclude(kind="past").order_by("-id").defer("timings", "notes", "counts", "position").first()


def mark(run: PassRun | None) -> Any:
    """What tells the figures of one run from those of another; nothing is remembered of a book without one."""
    return (run.pk, run.finished_at) if run else object()
