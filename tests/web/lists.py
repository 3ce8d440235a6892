"""Small lists, an import of them under their day, and what the book then says is paid."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from laer.metrics.policy import load_policy
from laer.web.book.importing import begin_import, run_import
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import Account, ImportRun

D = date.fromisoformat


def given(path: Path, header: str, *rows: str) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *(row.split(",") for row in rows)])
    return path


def take(path: Path, day: str, source: str = "crm") -> ImportRun:
    return run_import(begin_import([(path.name, path)], source=source, file_date=D(day)))


def arr(day: str, name: str | None = None) -> Decimal:
    """ARR on a day over all accounts, or of one."""
    accounts = Account.objects.filter(archived_at=None, **({"name": name} if name else {}))
    found = lines_in_force(accounts.values_list("id", flat=True), D(day), load_policy("default"))
    whole = 12 * sum((line.mrr for lines in found.values() for line in lines), Fraction(0))
    return Decimal(whole.numerator) / Decimal(whole.denominator)
