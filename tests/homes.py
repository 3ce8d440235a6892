"""Where tests get their installations: each kind is made once per run, whoever asks first, and then copied.

`laer init` takes ten seconds of a processor, a demo firm a minute; a copy takes milliseconds. The workers of pytest-xdist share
what was made, under a lock. A test never writes into what was made: it takes a copy.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LAER = [sys.executable, "-m", "laer.cli"]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, once for all workers of this run."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # the run's own folder: a worker's base is one below it
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


def initialised(folder: Path) -> None:
    """An SQLite installation as `laer init` leaves it."""
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"LAER_HOME": str(folder)}
    done = subprocess.run([*LAER, "init"], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "laer user create" in done.stdout
