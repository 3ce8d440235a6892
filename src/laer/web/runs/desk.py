"""The web's door to named questions: one desk per process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.db import connection

from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.web.runs.models import PassRun
from laer.web.runs.snapshots import open_run, rows_of

LARGE = 50_000  # lines from which a ledger takes longer than a page may
REPEAT = 30.0  # seconds at least before the answers about a large book are made ready for a run of a few accounts
LATELY = 600.0  # seconds: what nobody has asked for in so long is not made ready

log = logging.getLogger(__name__)

_desk = Desk(open_run)


def ask(name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
    """`cycle.ask`: the answer to a named question about a complete run, under a scope."""
    return _desk.ask(name, params, scope, run)


class Shown:
    """Which run a process shows figures of that take long: the newest, or, of a large book, the one before until the newest one's are ready.

    People who save make a new run every ten seconds, and a ledger over 400,000 lines takes half a second and both cores. So what was
    asked lately is asked of the newest run in the background, twice a minute at most, and until then pages show the run before: they name it.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.run: PassRun | None = None
        self.since = 0.0
        self.lock, self.busy = threading.Lock(), False

    def of(self, newest: PassRun | None) -> PassRun | None:
        with self.lock:
            shown = self.run
            if newest is None or shown is None or shown.pk >= newest.pk or rows_of(shown.pk, "lines") < LARGE:
                self.run, self.since = newest, time.monotonic()
                return newest
            if not self.busy and (newest.kind != "small" or time.monotonic() - self.since >= REPEAT):
                self.busy = True
                threading.Thread(target=self._make_ready, args=(newest,), name="figures of the newest run", daemon=True).start()
            return shown

    def _make_ready(self, run: PassRun) -> None:
        try:
            for asked in self.desk.asked_within(LATELY):
                self.desk.ask(asked.name, dict(asked.params), asked.scope, run.pk, repeated=True)
        except Exception:  # then whoever asks next waits for the answer
            log.warning("figures of run %s could not be made ready", run.pk, exc_info=True)
        finally:
            connection.close()
            with self.lock:
                self.run, self.since, self.busy = run, time.monotonic(), False


shown = Shown(_desk)
