"""Where tests get their installations: each kind is made once per run, whoever asks first, and then copied.

`laer init` takes ten seconds of a processor, a demo firm a minute; a copy takes milliseconds. The workers of pytest-xdist share
what was made, under a lock. A test never writes into what was made: it takes a copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

LAER = [sys.executable, "-m", "laer.cli"]
ROOT = Path(__file__).resolve().parents[1]


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


def migrated() -> Path:
    """A book as migrations leave it: made once for all workers, and kept for later runs of the same migrations. Take a copy."""
    made_of = [ROOT / "uv.lock", *sorted((ROOT / "src/laer").glob("web/*/migrations/*.py")), *sorted((ROOT / "src/laer").rglob("*.yaml"))]
    mark = sha256(b"".join(sha256(path.read_bytes()).digest() for path in made_of)).hexdigest()[:16]
    folder = ROOT / ".pytest_cache" / "migrated"
    folder.mkdir(parents=True, exist_ok=True)
    book = folder / f"{mark}.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not book.exists():
            for old in folder.glob("*.sqlite3"):
                old.unlink()
            with tempfile.TemporaryDirectory() as home:
                environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"LAER_HOME": home}
                done = subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=environment, capture_output=True, text=True, timeout=300, check=False)
                assert done.returncode == 0, done.stderr
                (there,) = Path(home).glob("*.sqlite3")
                shutil.move(there, book)
    return book
