"""Frozen installations, thawed, and what must be true of one after `laer upgrade`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.upgrade.freeze import FROZEN

NAMES = sorted(p.name for p in FROZEN.iterdir() if p.is_dir())
LAER = [sys.executable, "-m", "laer.cli"]


def thaw(name: str, to: Path, archive: str = "home.tar.gz") -> Path:
    to.mkdir(mode=0o700)
    with tarfile.open(FROZEN / name / archive) as tar:
        tar.extractall(to, filter="data")
    return to


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LAER_") and k != "DATABASE_URL"}
    return kept | {"LAER_HOME": str(home), **more}


def laer(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAER, *words], env=environment(home, **more), input="", capture_output=True, text=True, timeout=300, check=False)


def upgraded(home: Path, **more: str) -> str:
    done = laer(home, "upgrade", **more)
    assert done.returncode == 0, done.stderr
    (saved,) = (home / "backups").glob("before-*.tar.gz")
    assert f"backup:       {saved}" in done.stdout
    return done.stdout


def holds_what_it_held(name: str, home: Path, scratch: Path | None = None, **more: str) -> dict[str, Any]:
    """Figures as they were frozen, login, pages, doctor. What `look` found."""
    recorded = json.loads((FROZEN / name / "figures.json").read_text(encoding="utf-8"))
    commit = recorded.pop("commit")
    asked = [sys.executable, "-m", "tests.upgrade.look", *([str(scratch)] if scratch else [])]
    done = subprocess.run(asked, env=environment(home, **more), capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["problem"] is None
    assert found["figures"] == recorded, f"the upgrade of a book of {commit} changed it"
    assert found["usage"] == 96
    assert found["pages"] == {"signed": 302, "status": [200], "named": True}
    assert found["doctor"] == ["references_nothing", "rejected_unreadable_date"], "the two rows that were set aside, and nothing else"
    assert found.get("whole", [[["ok"]], []]) == [[["ok"]], []]
    return found


def works_as_before(name: str, home: Path, scratch: Path, **more: str) -> None:
    """And the same figures computed anew, the next import, the undo of an old one."""
    found = holds_what_it_held(name, home, scratch, **more)
    assert found["recomputed"]["arr"] == found["figures"]["arr"], "this version computes other figures from the same book: if it means to, say why beside the release"
    ((accounts, mrr),) = found["figures"]["cards"]
    assert found["recomputed"]["cards"] == [[accounts, mrr + 100_000]]
    assert {k: v for k, v in found["next"].items() if k != "said"} == {"state": "done", "rose": 100_000, "usage": 1}, found["next"]["said"]
    assert {k: v for k, v in found["undo"].items() if k != "said"} == {"state": "undone", "before": 460_000, "after": 400_000}, found["undo"]["said"]
