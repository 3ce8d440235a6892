"""The web's door to named questions: one desk per process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.web.runs.models import PassRun
from laer.web.runs.snapshots import open_run, rows_of

LARGE = 50_000  # lines from which a ledger takes longer than a page may
REPEAT = 30.0  # seconds at least before the answers about a large book are made ready for a run of a few accounts
LATELY = 600.0  # seconds: what nobody has asked for in so long is not made ready
IN_TURN = 120.0  # seconds that an answer waits for its turn where nobody's request waits for it
LONG, PATIENCE = LARGE, 0.05  # of a book of so many lines a page waits so many seconds for an answer, before it says that it is being made

log = logging.getLogger(__name__)

_desk = Desk(open_run)
_waits: ContextVar[bool] = ContextVar("waits", default=True)


def forget() -> None:
    """Remember no answer any more: where the book became another one, the same run's number means another run."""
    _making.forget()
    _desk.forget()


class BeingMade(Exception):
    """An answer about a large book takes longer than a page waits for it: it is made in the background, and who asks again gets it."""


@contextmanager
def impatient() -> Iterator[None]:
    """Whatever is asked herein raises BeingMade rather than wait for an answer about a large book."""
    before = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(before)


def ask(name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
    """`cycle.ask`: the answer to a named question about a complete run, under a scope.

    Raises  BeingMade where who asks is impatient
    """
    if _waits.get() or _desk.knows(name, params, scope, run) or rows_of(run, "lines") < LONG:
        return _desk.ask(name, params, scope, run)
    return _making.ask(name, params, scope, run)


def soon(name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
    """The answer where it is there already; else None, and it is made in the background for whoever asks again."""
    if _desk.knows(name, params, scope, run):
        return _desk.ask(name, params, scope, run)
    try:
        return _making.ask(name, params, scope, run)
    except BeingMade:
        return None


class Making:
    """Answers that are made in the background, each once whoever asks for it meanwhile."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.lock = desk, threading.Lock()
        self.under_way: dict[Any, threading.Event] = {}
        self.failed: dict[Any, Exception] = {}

    def ask(self, name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
        key = self.desk.key(name, params, scope, run)
        with self.lock:
            made = self.under_way.get(key)
            if made is None:
                made = self.under_way[key] = threading.Event()
                threading.Thread(target=self._make, args=(key, made, self.failed, name, params, scope, run), name=f"answer to {name}", daemon=True).start()
        if not made.wait(PATIENCE):
            raise BeingMade(name)
        with self.lock:
            self.under_way.pop(key, None)
            failed = self.failed.pop(key, None)
        if failed is not None:
            raise failed
        return self.desk.ask(name, params, scope, run)

    def _make(self, key: Any, made: threading.Event, failed: dict[Any, Exception], name: str, params: Mapping[str, Any], scope: Scope, run: int) -> None:
        try:
            self.desk.ask(name, params, scope, run, waits=IN_TURN)
        except Exception as error:  # for whoever asks again
            failed[key] = error
        finally:
            connection.close()
            made.set()
            if key not in failed:
                with self.lock:
                    if self.under_way.get(key) is made:
                        del self.under_way[key]

    def forget(self) -> None:
        """Whoever asks from now on gets nothing of what is under way, nor of how it failed."""
        with self.lock:
            self.under_way, self.failed = {}, {}


_making = Making(_desk)


class Shown:
    """Which run a process shows figures of that take long: the newest, or, of a large book, the one before until the newest one's are ready.

    People who save make a new run every ten seconds, and a ledger over 400,000 lines takes half a second and both cores. So what was
    asked lately is asked of the newest run in the background, twice a minute at most, and until then pages show the run before: they name it.
    A run in which nothing changed of what those answers were made of is shown at once.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.run: PassRun | None = None
        self.since, self.looked = 0.0, 0
        self.lock, self.busy = threading.Lock(), False

    def of(self, newest: PassRun | None) -> PassRun | None:
        with self.lock:
            shown = self.run
            if newest is None or shown is None or shown.pk >= newest.pk or rows_of(shown.pk, "lines") < LARGE:
                self.run, self.since = newest, time.monotonic()
                return newest
            if self.looked != newest.pk:
                self.looked = newest.pk
                if all(self.desk.knows(asked.name, dict(asked.params), asked.scope, newest.pk) for asked in self.desk.asked_within(LATELY)):
                    self.run, self.since = newest, time.monotonic()
                    return newest
            if not self.busy and (newest.kind != "small" or time.monotonic() - self.since >= REPEAT):
                self.busy = True
                threading.Thread(target=self._make_ready, args=(newest,), name="figures of the newest run", daemon=True).start()
            return shown

    def _make_ready(self, run: PassRun) -> None:
        try:
            for asked in self.desk.asked_within(LATELY):
                self.desk.ask(asked.name, dict(asked.params), asked.scope, run.pk, repeated=True, waits=IN_TURN)
        except Exception:  # then whoever asks next waits for the answer
            log.warning("figures of run %s could not be made ready", run.pk, exc_info=True)
        finally:
            connection.close()
            with self.lock:
                self.run, self.since, self.busy = run, time.monotonic(), False


shown = Shown(_desk)
