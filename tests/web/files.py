"""What the import tests share: small files, an import of them, and an installation whose lake nobody else writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laer.web.book import importing
from laer.web.book.models import MODELS, FieldChange, ImportRun
from laer.web.people.models import User

ACCOUNTS = "account_id,account_name,industry,country,signup_date,csm\nA1,Bluefin,Energy,US,2024-01-10,Maya Okafor\nA2,Kestrel,FinTech,DE,2024-02-11,Tom Becker\nA3,Willow,Foods,FR,2024-03-12,\n"
LINES = (
    "subscription_id,account_id,start_date,end_date,mrr_amount,status\n"
    "S1,A1,2024-01-15,,100,active\nS2,A2,2024-02-15,2025-02-15,250.50,active\nS3,A3,2024-03-15,,80,active\n"
)
TICKETS = "ticket_id,account_id,subject,submitted_at,closed_at,priority\nT1,A1,Cannot log in,2024-05-01 10:00,2024-05-02 09:00,high\nT2,A2,Slow,2024-05-03 10:00,,low\n"
USAGE = "usage_id,subscription_id,usage_date,feature_name,usage_count\nU1,S1,2024-02-01,reports,3\nU2,S2,2024-03-01,reports,5\nU3,S2,2025-03-01,alerts,1\n"


def write(folder: Path, **texts: str) -> list[tuple[str, Path]]:
    """Files by name (without ending) and text, as `begin_import` takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in texts.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        made.append((path.name, path))
    return made


def take_in(folder: Path, user: User | None = None, source: str = "crm", **texts: str) -> ImportRun:
    """Import files whole."""
    return importing.run_import(importing.begin_import(write(folder, **texts), source=source, user=user))


def state_of_book() -> dict[str, list[tuple[Any, ...]]]:
    """All current rows, without the numbers that differ from run to run: two books of equal content compare equal."""
    state = {}
    for record, model in MODELS.items():
        skip = {"created_at", "created_run", "archived_run", "changed_at", "user"}
        names = [f.attname for f in model._meta.local_concrete_fields if f.name not in skip]
        state[record] = [tuple(map(str, row)) for row in model._default_manager.filter(archived_at=None).order_by("id").values_list(*names)]
    return state


def changes() -> list[tuple[str, str, Any, Any]]:
    return list(FieldChange.objects.order_by("id").values_list("record", "field", "old", "new"))


def sums(run: ImportRun) -> dict[str, tuple[int, int, int, int]]:
    """record -> (new, changed, unchanged, rejected)"""
    found: Mapping[str, Mapping[str, int]] = run.counts
    return {record: (c["new"], c["changed"], c["unchanged"], c["rejected"]) for record, c in found.items() if record != "undo"}
