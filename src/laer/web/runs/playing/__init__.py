"""Plays at work: what each pass begins, what the worker moves on, and what pages read of it. Method: docs/methods/plays.md"""

from __future__ import annotations

import logging

from laer.web.runs.models import PassRun

log = logging.getLogger(__name__)


def after(run: PassRun) -> None:
    """What a pass of today found, for plays: what begins, and which runs it wakes. Its figures stand whatever becomes of this; the run notes a fault."""
    from laer.web.runs.playing import entering, moving

    counts: dict[str, int] = {}
    for look in (lambda: {f"plays_{state}": n for state, n in entering.enter(run).items()}, lambda: {"plays_woken": moving.look(run)}):
        try:
            counts |= {name: n for name, n in look().items() if n}
        except Exception as error:
            log.exception("plays were not looked at")
            run.notes = [*run.notes, f"plays were not looked at: {type(error).__name__}: {error}"[:500]]
    run.counts = run.counts | counts
    PassRun.objects.filter(pk=run.pk).update(notes=run.notes, counts=run.counts)
