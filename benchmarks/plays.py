"""A hundred signals and thirty plays within the pass: what they add to it, on a first look, when a twentieth of the book changed, and unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import Table, verdict

ROOT = Path(__file__).parents[1]
SIGNALS, PLAYS = 100, 30
PARTS = {"signals": "conditions of signals", "episodes": "episodes opened and closed", "plays": "conditions of plays", "after": "runs begun and woken"}


def run(full: bool) -> Iterator[Table]:
    yield measured(100_000 if full else 10_000, 1_000_000 if full else 100_000)


def measured(accounts: int, events: int) -> Table:
    with tempfile.TemporaryDirectory(prefix="laer-bench-plays-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAER_") and name != "DATABASE_URL"}
        environment |= {"LAER_HOME": folder, "DJANGO_SETTINGS_MODULE": "laer.web.settings", "PYTHONWARNINGS": "ignore"}
        subprocess.run([sys.executable, "-m", "benchmarks._book", str(accounts), str(events)], env=environment, cwd=ROOT, check=True)
        done = subprocess.run([sys.executable, "-m", "benchmarks.plays"], env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    title = f"Signals and plays: {said['signals']} signals and {said['plays']} plays over {accounts:,} accounts, within a pass"
    table = Table(title, ["what", "seconds", "measured", "met"])
    for name, title in (("first", "the first look"), ("changed", "a twentieth of the accounts changed"), ("same", "everything again, nothing changed")):
        one = said[name]
        spent = sum(one[part] for part in PARTS)
        table.add(title, f"{spent:.2f}", f"of a pass of {one['seconds']:.1f}", verdict(spent, at_most=10.0))
        for part, text in PARTS.items():
            table.add(f"– {text}", f"{one[part]:.2f}", "", "")
    table.add("asked for with nothing changed", f"{said['idle']:.3f}", "no pass", verdict(said["idle"], at_most=1.0))
    table.add("a tick with nothing due", f"{said['tick']:.4f}", f"{said['runs']:,} runs there", "")
    return table


def timed(what: Callable[..., Any], took: dict[str, float], name: str) -> Callable[..., Any]:
    def run(*given: Any, **more: Any) -> Any:
        begun = time.perf_counter()
        made = what(*given, **more)
        took[name] = time.perf_counter() - begun
        return made

    return run


def main() -> None:
    import django

    django.setup()
    from django.db import transaction
    from django.db.models import Max
    from django.utils import timezone

    from laer.web.book import definitions
    from laer.web.book.models import Account, DirtyAccount
    from laer.web.people.models import User
    from laer.web.runs import episodes, passes, playing
    from laer.web.runs.playing import deciding, moving
    from laer.web.work.models import PlayRun, Touch

    user = User.objects.create_user("lead@bench.example", "a person who switches plays on", role="admin")
    shipped = [row for row in definitions.in_force("signal") if row.status in definitions.IN_USE]
    for at in range(SIGNALS - len(shipped)):  # variants of those that ship, as a firm of many products writes them
        row = shipped[at % len(shipped)]
        text = row.text.replace(f"id: {row.name}\n", f"id: {row.name}_{at}\n", 1)
        definitions.save_definition(user, "signal", text, "a benchmark")
    there = [row for row in definitions.in_force("play") if row.status in definitions.IN_USE]
    for at in range(PLAYS - len(there)):
        row = there[at % len(there)]
        definitions.save_definition(user, "play", row.text.replace(f"id: {row.name}\n", f"id: {row.name}_{at}\n", 1), "a benchmark")
    took: dict[str, float] = {}
    playing.after = timed(playing.after, took, "after")
    episodes.write = timed(episodes.write, took, "episodes")

    def whole() -> dict[str, float]:
        begun = time.perf_counter()
        run = passes.start_pass()
        return {"seconds": time.perf_counter() - begun, "signals": run.timings["signals"], "plays": run.timings["plays"], **took}

    whole()  # the book's first pass: cards and months of everybody
    for row in definitions.in_force("play"):
        if row.status in definitions.IN_USE:
            deciding.switch_on(user, row.name)
    said: dict[str, object] = {"first": whole()}
    with transaction.atomic():
        now, last = timezone.now(), Account.objects.aggregate(last=Max("id"))["last"]
        Touch.objects.bulk_create([Touch(account_id=a, kind="call", at=now, minutes=20, summary="", created_at=now) for a in range(1, last + 1, 20)])
        DirtyAccount.objects.create(account_id=None, since=now)
    said["changed"], said["same"] = whole(), whole()
    begun = time.perf_counter()
    assert passes.run_waiting_pass() is None
    said["idle"] = time.perf_counter() - begun
    while moving.tick():
        pass
    begun = time.perf_counter()
    moving.tick()
    said |= {"tick": time.perf_counter() - begun, "runs": PlayRun.objects.count()}
    for kind in ("signal", "play"):
        said[f"{kind}s"] = sum(row.status in definitions.IN_USE for row in definitions.in_force(kind))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
