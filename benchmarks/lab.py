"""The score lab: 24 month ends of 10,000 accounts with their usage, a card in force and a challenger in one replay, as the worker does it.

The firm is the demo's, made once a day (five minutes) and kept in the temporary folder. Each replay runs in a process of its own, so that nothing is
remembered from the one before; beside the time stands what the same process needs to open the run and answer a small question.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks import Table, verdict

ACCOUNTS, MONTHS, SECONDS = 10_000, 24, 60
CARDS = ("starter", "adoption", "renewal_readiness")


def run(full: bool) -> Iterator[Table]:
    home = _firm()
    table = Table(f"Score lab: {ACCOUNTS:,} accounts, {MONTHS} month ends", ("replay", "seconds", "rows judged", "outcomes", "AUC", "MB at most", "kept"))
    for card in CARDS if full else CARDS[:2]:
        for challenged in (False, True):
            found = _measured(home, card, challenged)
            name = f"{card} against a challenger" if challenged else card
            table.add(name, f"{found['seconds']:.1f}", f"{found['rows']:,}", f"{found['events']:,}", f"{found['auc']:.3f}", f"{found['memory']:.0f}",
                verdict(found["seconds"], at_most=SECONDS))  # fmt: skip
    yield table


def _firm() -> Path:
    home = Path(tempfile.gettempdir()) / f"laer-bench-lab-{os.getuid()}-{date.today()}"
    for old in home.parent.glob(f"laer-bench-lab-{os.getuid()}-*"):
        if old != home:
            shutil.rmtree(old, ignore_errors=True)
    if not (home / "made").exists():
        shutil.rmtree(home, ignore_errors=True)
        command = [sys.executable, "-m", "laer.cli", "demo", "--no-serve", "--accounts", str(ACCOUNTS)]
        subprocess.run(command, env=os.environ | {"LAER_HOME": str(home)}, check=True, capture_output=True)
        (home / "made").touch()
    return home


def _measured(home: Path, card: str, challenged: bool) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.lab", card, "challenged" if challenged else ""]
    done = subprocess.run(command, env=os.environ | {"LAER_HOME": str(home)}, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _replay(card: str, challenged: bool) -> dict[str, float]:
    from laer.cli.book import open_book

    open_book()
    from laer.web.book import definitions
    from laer.web.runs import lab
    from laer.web.runs.passes import latest_run

    run = latest_run()
    held = definitions.current("scorecard", card)
    assert run is not None
    assert held is not None
    draft = held.text.replace("weight: 20", "weight: 35") if challenged else None
    begun = time.perf_counter()
    found = lab.of_run(run, card, draft, months=MONTHS)
    area = found.champion.judged.area
    return {"seconds": time.perf_counter() - begun, "rows": area.rows, "events": area.events, "auc": area.auc or 0.0,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_replay(sys.argv[1], sys.argv[2:] == ["challenged"])))
