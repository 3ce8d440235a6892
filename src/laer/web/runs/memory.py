"""What a process remembers of published figures, so that a page read writes nothing: bounded, and gone with the process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any
from weakref import WeakSet

_all: WeakSet[Memory] = WeakSet()


def forget_all() -> None:
    """Clear every memory of this process: where the book became another one, the same run's number means another run."""
    for memory in list(_all):
        memory.clear()


class Memory:
    """The `size` figures asked for last. A key names the run, so that a new run is never answered with an old figure."""

    def __init__(self, size: int) -> None:
        self.size, self.kept, self.lock = size, OrderedDict[Hashable, tuple[Any, float, Any]](), Lock()
        self.making: dict[Hashable, Lock] = {}
        _all.add(self)

    def get(self, key: Hashable, mark: Any, make: Callable[[], Any], grace: float = 0.0) -> Any:
        """What `make` gave for this key and mark (the run); with a grace, what it gave within that many seconds for another mark will do.

        Of those who ask for the same at once one makes it. The others wait, or with a grace take what there was before.
        """
        with self.lock:
            there = self.kept.get(key)
            if there and (there[0] == mark or time.monotonic() - there[1] < grace):
                self.kept.move_to_end(key)
                return there[2]
            making = self.making.setdefault(key, Lock())
        if not making.acquire(blocking=not (there and grace)):
            assert there is not None
            return there[2]
        try:
            with self.lock:
                there = self.kept.get(key)
                if there and there[0] == mark:  # made while we waited
                    return there[2]
            value = make()
            with self.lock:
                self.kept[key] = (mark, time.monotonic(), value)
                self.kept.move_to_end(key)
                while len(self.kept) > self.size:
                    self.kept.popitem(last=False)
            return value
        finally:
            with self.lock:
                self.making.pop(key, None)
            making.release()

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()
