"""What an upgraded installation is and does, in one process: run on its home by the tests, it prints JSON.

It signs in and reads pages; given a folder it also takes in the next export, which computes the figures anew, and undoes an old
import, by the commands and pages that people use.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from laer.cli import app  # noqa: E402
from laer.web.book.models import Account, ImportRun  # noqa: E402
from laer.web.book.usage import lake  # noqa: E402
from laer.web.runs import doctor  # noqa: E402
from laer.web.runs.models import AccountCard, ClosedMonth  # noqa: E402
from laer.web.runs.schema import schema_problem  # noqa: E402
from tests.upgrade.freeze import EMAIL, PASSWORD, csv, figures  # noqa: E402


def asked(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def laer(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    return done.output if done.exit_code == 0 else f"failed ({done.exit_code}): {done.output} {done.exception!r}"


def mrr(external: str) -> int:
    """Of an account by its number in the CRM, in cents."""
    (found,) = asked(f"SELECT object_id FROM book_externalid WHERE record = 'accounts' AND external_id = '{external}'")
    return AccountCard.objects.get(account_id=found[0]).mrr_minor


def pages() -> dict[str, Any]:
    client = Client(SERVER_NAME="localhost")
    signed = client.post("/login/", {"login": EMAIL, "password": PASSWORD}).status_code
    read = {path: client.get(path, follow=True) for path in ("/accounts/", "/revenue/", "/data/", "/data/import/2/", "/settings/", "/tasks/", f"/accounts/{Account.objects.order_by('pk')[0].pk}/")}
    return {"signed": signed, "status": sorted({r.status_code for r in read.values()}), "named": "Cobalt Health" in read["/accounts/"].content.decode()}


def next_import(folder: Path) -> dict[str, Any]:
    csv(folder, "subscriptions.csv", "subscription_id,account_id,start_date,end_date,mrr", [("S-1", "A-1", "2025-11-01", "", "4600"), ("S-30", "A-2", "2026-09-01", "", "1000")])
    csv(folder, "usage.csv", "usage_id,account_id,usage_date,feature_name,usage_count", [("U-n-1", "A-1", "2026-09-01", "reports", "5")])
    before = mrr("A-2"), lake().total("usage_days")
    said = laer("import", str(folder), "--source", "crm", "--as-of", "2026-09-30")
    run = ImportRun.objects.order_by("-pk")[0]
    return {"said": said, "state": run.state, "rose": mrr("A-2") - before[0], "usage": lake().total("usage_days") - before[1]}


def old_import_undone() -> dict[str, Any]:
    before = mrr("A-1")
    said = laer("undo", "2")
    return {"said": said, "state": ImportRun.objects.get(pk=2).state, "before": before, "after": mrr("A-1")}


if __name__ == "__main__":
    found: dict[str, Any] = {"problem": schema_problem(), "figures": figures(asked), "usage": lake().total("usage_days"), "closed": ClosedMonth.objects.count()}
    found["pages"] = pages()
    found["doctor"] = sorted({f.check for f in doctor.findings() if f.severity == "error"})
    if len(sys.argv) > 1:  # the folder for the next export: each step is followed by a pass, which takes seconds
        found["next"] = next_import(Path(sys.argv[1]))
        found["recomputed"] = figures(asked)  # by the pass after it; what it brings begins later than what is compared
        found["undo"] = old_import_undone()
    if connection.vendor == "sqlite":
        found["whole"] = [asked("PRAGMA integrity_check"), asked("PRAGMA foreign_key_check")]
    print(json.dumps(found, default=str))
