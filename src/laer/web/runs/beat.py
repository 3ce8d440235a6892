"""The worker's sign of life: a file in the home whose time it renews. A row in the book would wait for the book's own locks."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from laer.web import home

EVERY = 5.0
RECENT = 60.0  # longer than the longest wait between two starts of a worker that keeps ending

_next = 0.0


def give() -> None:
    """Renew it, no more often than every few seconds. A full disk must not end the worker."""
    global _next
    if time.monotonic() >= _next:
        _next = time.monotonic() + EVERY
        with contextlib.suppress(OSError):
            _file().touch()


def expect(worker: bool) -> None:
    """At the start: from now on a worker is due to show itself, or none is."""
    if worker:
        _file().touch()
    else:
        _file().unlink(missing_ok=True)


def age() -> float | None:
    """Seconds since the last sign; None where no worker is expected."""
    try:
        return max(0.0, time.time() - _file().stat().st_mtime)
    except FileNotFoundError:
        return None


def _file() -> Path:
    return home.home() / "worker.beat"
