"""The web's door to named questions: one desk per process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.web.runs.snapshots import open_run

_desk = Desk(open_run)


def ask(name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
    """`cycle.ask`: the answer to a named question about a complete run, under a scope."""
    return _desk.ask(name, params, scope, run)
