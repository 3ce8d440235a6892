"""Import into SQLite: rows a second from the file to committed rows with external ids and run; memory over a million rows.

Each case runs in a process of its own, in a home of its own. Rates count rows of the file, and the whole import: taking
the file in, recognising it, comparing, writing, ledger not included (that is the pass).
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from benchmarks import Table

ROWS, MANY = 100_000, 1_000_000
DEMANDS = {"first time": 10_000, "10 % changed": 10_000, "nothing changed": 30_000}
WORKER = """
import json, os, resource, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "laer.web.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from pathlib import Path
from laer.web.book.importing import begin_import, run_import
answers = []
for name in sys.argv[1:]:
    started = time.perf_counter()
    run = begin_import([(Path(name).name, Path(name))], source="bench")
    run = run_import(run)
    answers.append({"seconds": time.perf_counter() - started, "counts": run.counts})
print(json.dumps({"answers": answers, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def run(full: bool) -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="laer-bench-") as name:
        folder = Path(name)
        first, changed = _accounts(folder / "accounts.csv", ROWS, 0), _accounts(folder / "accounts-changed.csv", ROWS, 10)
        cases = [first, changed, changed]
        made = _imported(folder / "home", cases)
        rows = []
        for label, answer in zip(DEMANDS, made["answers"], strict=True):
            rate = ROWS / answer["seconds"]
            rows.append([label, f"{answer['seconds']:.1f} s", f"{rate:,.0f} rows/s", f"{DEMANDS[label]:,}", "yes" if rate >= DEMANDS[label] else "no"])
        usage = _usage(folder / "usage.csv", MANY if full else MANY // 4)
        lines = _imported(folder / "home2", [_few(folder / "few.csv"), usage])
        peak = lines["peak"] / 2**20
        rate = (MANY if full else MANY // 4) / lines["answers"][1]["seconds"]
        memory = [
            [
                f"{MANY if full else MANY // 4:,} usage rows",
                f"{lines['answers'][1]['seconds']:.1f} s",
                f"{rate:,.0f} rows/s, {peak:,.0f} MB at its peak",
                "1,024 MB",
                "yes" if peak < 1024 else "no",
            ]
        ]
    columns = ["case", "time", "measured", "demanded", "met"]
    return [Table("Import of 100,000 accounts into SQLite", columns, rows), Table("Memory of a large import", columns, memory)]


def _imported(home: Path, files: list[Path]) -> dict[str, list[dict[str, float]] | float]:
    environment = {**os.environ, "LAER_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", WORKER, *map(str, files)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    answer: dict[str, list[dict[str, float]] | float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _accounts(path: Path, count: int, changed_percent: int) -> Path:
    chance = random.Random(1)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["account_id", "account_name", "industry", "country", "signup_date", "segment", "employees"])
        for i in range(count):
            employees = chance.randrange(1, 5_000) + (10_000 if i % 100 < changed_percent else 0)
            day = date(2020, 1, 1) + timedelta(days=chance.randrange(1_800))
            out.writerow(
                [
                    f"A-{i:06d}",
                    f"Account {i}",
                    chance.choice(["FinTech", "EdTech", "Retail"]),
                    chance.choice(["US", "DE", "FR", "IN"]),
                    day,
                    chance.choice(["SMB", "Mid-market", "Enterprise"]),
                    employees,
                ]
            )
    return path


def _few(path: Path) -> Path:
    return _accounts(path, 1_000, 0)


def _usage(path: Path, count: int) -> Path:
    chance = random.Random(2)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["usage_id", "account_id", "usage_date", "feature_name", "usage_count", "usage_duration_secs", "error_count"])
        for i in range(count):
            day = date(2024, 1, 1) + timedelta(days=chance.randrange(540))
            out.writerow(
                [
                    f"U-{i:07d}",
                    f"A-{chance.randrange(1_000):06d}",
                    day,
                    f"feature_{chance.randrange(20)}",
                    chance.randrange(1, 40),
                    chance.randrange(3_000),
                    chance.randrange(3),
                ]
            )
    return path
