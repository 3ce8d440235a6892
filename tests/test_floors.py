"""What import-linter cannot see: nothing below `cycle` asks for the time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import laer

ROOT = Path(laer.__file__).parent
BELOW_THE_CYCLE = [
    "records", "metrics", "sources", "engine", "conditions", "land", "adopt", "expand", "renew", "scores", "flow", "signals", "plays",
]  # fmt: skip
ASKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"},
    "timezone": {"now", "localdate", "localtime"},
    "ibis": {"now", "today"},
    "pd": {"Timestamp.now"},
}
# Where a clock is the point, each with its reason. `time.monotonic` and `perf_counter` measure and are free.
ALLOWED: dict[str, str] = {}


def clocks(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every place that asks for the time, called or handed on."""
    taken = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id if isinstance(node.value, ast.Name) else ""
            owner = taken.get(owner, owner).rsplit(".", 1)[-1]
            if node.attr in ASKS.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"
        elif isinstance(node, ast.Name) and taken.get(node.id) in {"time.time", "time.time_ns", "time.localtime", "time.gmtime"}:
            yield node.lineno, node.id


@pytest.mark.parametrize("room", BELOW_THE_CYCLE)
def test_nothing_below_the_cycle_asks_for_the_time(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in ALLOWED
        for line, text in clocks(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "the clock belongs to `cycle` and above; take the instant as an argument:\n" + "\n".join(found)


def test_an_exception_that_is_not_needed_any_more_is_taken_out() -> None:
    idle = [name for name in ALLOWED if not (ROOT / name).exists() or not list(clocks(ast.parse((ROOT / name).read_text(encoding="utf-8"))))]
    assert not idle


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime as d\nd.now(tz)",
        "from datetime import date\nx = date.today",
        "import time\ntime.time()",
        "from time import time as clock\nclock()",
        "from django.utils import timezone\ntimezone.now()",
    ],
)
def test_a_clock_is_seen_in_every_shape(source: str) -> None:
    assert list(clocks(ast.parse(source)))


def test_measuring_is_not_asking() -> None:
    assert not list(clocks(ast.parse("import time\ntime.monotonic()\ntime.perf_counter()\ntime.sleep(1)")))
