"""Rows that imports set aside, by reason. They have no account, so only people who import are shown them."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Count, QuerySet

from laer.web.book.models import QuarantinedRow
from laer.web.book.retry import waiting
from laer.web.runs.doctor.finding import Finding, Seen, many

NAMED = {
    "duplicate key": (
        "duplicate_keys", "Rows with a key that stands in their file before",
        "Decide which of the rows is right, mend the source, and give the rows back corrected or dismiss them.",
        "{rows} {have} the key of an earlier row of the same file and other values.",
    ),
    "references nothing": (
        "references_nothing", "Rows that refer to something the book does not have",
        "Import what they refer to, then try the rows again.",
        "{rows} {refer} to an account or another row that is not in the book.",
    ),
}  # fmt: skip
OTHER = "rejected_"


def check_of(kind: str) -> str:
    """The check's id of a kind of reason."""
    return NAMED[kind][0] if kind in NAMED else OTHER + re.sub(r"[^a-z0-9]+", "_", kind.lower()).strip("_")


def find(seen: Seen) -> list[Finding]:
    if not seen.imports:
        return []
    findings = []
    for kind, n in waiting().values_list("kind").annotate(n=Count("id")).order_by("-n", "kind"):
        rows = many(n, "row")
        if kind in NAMED:
            check, title, what, sentence = NAMED[kind]
            sentence = sentence.format(rows=rows, have="has" if n == 1 else "have", refer="refers" if n == 1 else "refer")
        else:
            check, title, what = check_of(kind), f"Rows set aside: {kind}", "Download them from the quarantine, correct them and give them back."
            sentence = f"{rows} {'was' if n == 1 else 'were'} set aside by an import: {kind}."
        files = waiting().filter(kind=kind).values("run_id", "file").distinct().count()
        findings.append(Finding(check, "error", n, title, sentence, what, "quarantine", {"files": files}))
    return findings


def kinds_of(check: str) -> list[str]:
    return [kind for kind in waiting().values_list("kind", flat=True).distinct() if check_of(kind) == check]


def rows_of(check: str) -> QuerySet[QuarantinedRow]:
    return waiting().filter(kind__in=kinds_of(check))


def behind(check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    rows = rows_of(check).order_by("id")[offset : offset + limit]
    return [
        {
            "account_id": None,
            "account": "",
            "File": r.file,
            "Line": r.line,
            "Reason": r.reason,
            "Original text": ", ".join(f"{k}: {v}" for k, v in r.raw.items() if v),
        }
        for r in rows
    ]


COLUMNS = ("File", "Line", "Reason", "Original text")
