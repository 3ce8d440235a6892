"""Two programs for `test_backup_under_load.py`, each run on a home: one writes until it is told to end, one says whether book and lake agree."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
django.setup()

import duckdb  # noqa: E402
from django.db import connection  # noqa: E402

from laer.web.book import importing  # noqa: E402
from laer.web.book.actions import edit_field  # noqa: E402
from laer.web.book.models import Account, ImportRun, ImportState, SubscriptionLine  # noqa: E402
from laer.web.book.undo import undo_import  # noqa: E402
from laer.web.book.usage import lake  # noqa: E402
from laer.web.people.models import User  # noqa: E402
from laer.web.runs.schema import schema_problem  # noqa: E402

ROWS = 40
FROZEN = 3  # imports that the home had before
FINISHED = (ImportState.DONE, ImportState.UNDOING, ImportState.UNDONE)


def begun(folder: Path, n: int) -> ImportRun:
    """The n-th export: one subscription of an amount of its own, and some usage."""
    lines, usage = folder / f"subscriptions-{n}.csv", folder / f"usage-{n}.csv"
    lines.write_text(f"subscription_id,account_id,start_date,mrr\nL-{n},A-{n % 8 + 1},2026-07-01,{100 + n}\n", encoding="utf-8")
    said = [f"U-{n}-{i},A-{i % 8 + 1},2026-0{1 + i % 6}-{1 + i % 28:02},reports,{i}" for i in range(ROWS)]
    usage.write_text("usage_id,account_id,usage_date,feature_name,usage_count\n" + "\n".join(said) + "\n", encoding="utf-8")
    return importing.begin_import([(p.name, p) for p in (lines, usage)], source="crm", file_date=date(2026, 9, 1))


def write(stop: Path) -> None:
    """Imports, edits, and an undo of every third import, until the file is there."""
    user, account = User.objects.all()[0], Account.objects.order_by("pk")[0]
    with tempfile.TemporaryDirectory() as folder:
        for n in range(1, 500):
            run = begun(Path(folder), n)
            importing.run_import(run)
            edit_field(user, "accounts", account.pk, "country", f"Country {n}")
            if n % 3 == 0:
                undo_import(run)
            print(n, flush=True)
            if stop.exists():
                return


def look() -> dict[str, Any]:
    with duckdb.connect() as con, lake().lease("usage_days") as lease:
        rows = Counter(dict(lake().scan(con, "usage_days", lease=lease).aggregate("run, count(*)").fetchall()))
    runs = {r.pk: r for r in ImportRun.objects.filter(kind="import")}
    wrong = [f"run {run} has {n} rows in the lake and is not in the book" for run, n in rows.items() if int(run) not in runs]
    for pk, run in runs.items():
        stated = run.counts.get("usage_days", {}).get("new", 0) if run.state == ImportState.DONE else 0 if run.state == ImportState.UNDONE else None
        if stated is not None and rows.get(str(pk), 0) != stated:
            wrong.append(f"import {pk} is {run.state} with {stated} rows, and the lake has {rows.get(str(pk), 0)}")
    wrong += _of_one_moment([r for pk, r in sorted(runs.items()) if pk > FROZEN])
    resumed = []
    for run in runs.values():  # as the worker does after a start
        if run.state == ImportState.UNDOING:
            undo_import(run)
        elif run.state in (ImportState.RUNNING, ImportState.PREVIEWED, ImportState.UPLOADED, ImportState.QUEUED):
            resumed.append(run.pk)
            importing.run_import(run)
    with tempfile.TemporaryDirectory() as folder:
        there = lake().total("usage_days")
        importing.run_import(begun(Path(folder), 50))
        landed = lake().total("usage_days") - there
    whole = "ok"
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            whole = cursor.fetchone()[0]
    return {"problem": schema_problem(), "wrong": wrong, "landed": landed, "whole": whole, "imports": len(runs), "resumed": resumed}


def _of_one_moment(runs: list[ImportRun]) -> list[str]:
    """What in the book itself was not so at any moment: an import's line, and the edit that follows each import."""
    wrong = []
    for n, run in enumerate(runs, 1):
        lines = [line.mrr_num / line.mrr_den for line in SubscriptionLine.objects.filter(created_run=run.pk, archived_at=None)]
        if run.state in (ImportState.DONE, ImportState.UNDONE) and lines != ([100 + n] if run.state == ImportState.DONE else []):
            wrong.append(f"import {run.pk} is {run.state} and its lines are {lines}")
    finished = sum(run.state in FINISHED for run in runs)
    edited = int((Account.objects.order_by("pk")[0].country or "Country 0").removeprefix("Country "))
    if edited not in (finished, finished - 1):
        wrong.append(f"{finished} imports are finished, and the edit after the {edited}th is the last")
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        print(json.dumps(look()))
