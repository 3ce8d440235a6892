"""The clock of one round through what waits to leave the house: a round may take minutes, and a lease counts from when its item was taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta


def clock(now: datetime) -> Callable[[], datetime]:
    """What time it is, in whole seconds since the round began at `now`."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=int(time.monotonic() - began))
