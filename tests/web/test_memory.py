"""What a process remembers: made once by whoever asks first, never of another run, except within a grace."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from laer.web.runs.memory import Memory


def test_of_many_who_ask_at_once_one_makes_it() -> None:
    memory, begun, go, made = Memory(5), threading.Event(), threading.Event(), list[int]()

    def make() -> int:
        made.append(1)
        begun.set()
        go.wait(10)
        return 7

    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(memory.get, "key", "run 1", make)
        assert begun.wait(10)
        others = [pool.submit(memory.get, "key", "run 1", make) for _ in range(5)]
        go.set()
        assert {one.result(10) for one in (first, *others)} == {7}
    assert made == [1]


def test_with_a_grace_nobody_waits_for_what_another_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, begun, go = Memory(5), threading.Event(), threading.Event()
    memory.get("key", "run 1", lambda: "old", grace=60.0)
    monkeypatch.setattr("laer.web.runs.memory.time.monotonic", lambda: 10**9)  # the grace is over

    def make() -> str:
        begun.set()
        go.wait(10)
        return "new"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(memory.get, "key", "run 2", make, 60.0)
        assert begun.wait(10)
        assert memory.get("key", "run 2", lambda: "made twice", grace=60.0) == "old"
        go.set()
        assert first.result(10) == "new"
    assert memory.get("key", "run 2", lambda: "made twice", grace=60.0) == "new"


def test_another_run_has_another_figure_and_a_failure_is_made_again() -> None:
    memory = Memory(5)
    with pytest.raises(ZeroDivisionError):
        memory.get("key", "run 1", lambda: 1 // 0)
    assert memory.get("key", "run 1", lambda: 1) == 1
    assert memory.get("key", "run 1", lambda: 2) == 1
    assert memory.get("key", "run 2", lambda: 2) == 2
