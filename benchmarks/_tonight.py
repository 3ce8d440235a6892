"""A pass over a whole book, from reading it to the cards: all of it, a twentieth of the cards changed, nothing changed; and who waits meanwhile.

A book of its own in a temporary home on SQLite; the pass runs in one process, a writer and a reader probe from others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import Table, verdict

ROOT = Path(__file__).parents[1]
PROBE = """
import sqlite3, sys, time, json
path, kind, stop = sys.argv[1:4]
import os
book, took = sqlite3.connect(path, timeout=30, isolation_level=None), []
print("ready", flush=True)
while not os.path.exists(stop):
    begun = time.perf_counter()
    if kind == "writer":
        book.execute("begin immediate")
        book.execute("update book_account set changed_at = changed_at where id = 1")
        book.execute("commit")
    else:
        book.execute("select name, mrr_minor from runs_accountcard order by mrr_minor desc limit 50").fetchall()
    took.append(time.perf_counter() - begun)
    time.sleep(0.01)
print(json.dumps({"max": max(took), "n": len(took), "p95": sorted(took)[len(took) * 95 // 100]}))
"""


def tables(full: bool) -> Iterator[Table]:
    yield measured(100_000, 50_000_000, 6) if full else measured(10_000, 5_000_000, 2)


def measured(accounts: int, events: int, bound: float) -> Table:
    with tempfile.TemporaryDirectory(prefix="laer-bench-tonight-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAER_") and name != "DATABASE_URL"}
        environment |= {"LAER_HOME": folder, "DJANGO_SETTINGS_MODULE": "laer.web.settings", "PYTHONWARNINGS": "ignore"}
        subprocess.run([sys.executable, "-m", "benchmarks._book", str(accounts), str(events)], env=environment, cwd=ROOT, check=True)
        done = subprocess.run([sys.executable, "-m", "benchmarks._tonight"], env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    table = Table(f"Tonight: a pass over {accounts:,} accounts, 4 lines, 3 tickets, 5 touches each, {events:,} events", ["what", "seconds", "measured", "met"])
    first, changed, same = said["first"], said["changed"], said["same"]
    table.add("the first: everything published, all usage rolled up", f"{first['seconds']:.2f}", f"{first['rows']:,} rows written", "")
    table.add("a twentieth of the cards changed", f"{changed['seconds']:.2f}", f"{changed['rows']:,} rows written", verdict(changed["seconds"], at_most=bound))
    for part, took in changed["timings"].items():
        table.add(f"– {part}", f"{took:.2f}", "", "")
    table.add("everything again, nothing changed", f"{same['seconds']:.2f}", f"{same['rows']} rows written", verdict(same["rows"], at_most=0))
    table.add("asked for with nothing changed", f"{said['idle']:.3f}", "", verdict(said["idle"], at_most=0.3))
    for kind, most in (("writer", 0.15), ("reader", 0.1)):
        waited = said[kind]
        table.add(f"a {kind} meanwhile, longest of {waited['n']}", f"{waited['max']:.3f}", f"p95 {waited['p95'] * 1000:.1f} ms",
            verdict(waited["max"], at_most=most))  # fmt: skip
    table.add("a list of accounts by a condition over facts, the first of its run", f"{said['list_first']:.3f}", "", "")
    table.add("the same list sorted in other ways, the longest of four", f"{said['list']:.3f}", "", verdict(said["list"], at_most=0.05))
    table.notes.append("The bound of 6 s holds for 100,000 accounts; a tenth of them has 2 s, since starting to read takes its time at any size.")
    return table


def main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import transaction
    from django.db.models import Max
    from django.utils import timezone

    from laer.web.book.models import Account, DirtyAccount
    from laer.web.people.models import User
    from laer.web.runs import passes, queries
    from laer.web.work.models import Touch

    def whole() -> dict[str, object]:
        begun = time.perf_counter()
        run = passes.start_pass()
        return {"seconds": time.perf_counter() - begun, "rows": run.counts["cards"] + run.counts["account_months"], "timings": run.timings}

    said: dict[str, object] = {"first": whole()}
    whole()  # whatever is built once per process is built
    with transaction.atomic():
        now, last = timezone.now(), Account.objects.aggregate(last=Max("id"))["last"]
        Touch.objects.bulk_create([Touch(account_id=a, kind="call", at=now, minutes=20, summary="", created_at=now) for a in range(1, last + 1, 20)])
        DirtyAccount.objects.create(account_id=None, since=now)
    stop = Path(os.environ["LAER_HOME"]) / "stop"
    path = str(settings.DATABASES["default"]["NAME"])
    probes = {k: subprocess.Popen([sys.executable, "-c", PROBE, path, k, str(stop)], stdout=subprocess.PIPE, text=True) for k in ("writer", "reader")}
    for probe in probes.values():
        assert probe.stdout is not None
        probe.stdout.readline()
    said["changed"] = whole()
    stop.touch()
    for kind, probe in probes.items():
        said[kind] = json.loads(probe.communicate()[0])
    said["same"] = whole()
    begun = time.perf_counter()
    assert passes.run_waiting_pass() is None
    said["idle"] = time.perf_counter() - begun
    took, user = [], User.objects.create_user("admin@bench.example", "a person who looks at lists", role="admin")
    filters, run = queries.Filters(where="usage_28d > 10 and tickets_90d >= 1"), queries.last_run()
    queries.account_list(user, run=run)  # what every list needs
    for sort in ("-mrr", "name", "-name", "mrr", "owner_name"):
        begun = time.perf_counter()
        queries.account_list(user, filters=filters, sort=sort, run=run)
        took.append(time.perf_counter() - begun)
    said["list_first"], said["list"] = took[0], max(took[1:])
    print(json.dumps(said))


if __name__ == "__main__":
    main()
