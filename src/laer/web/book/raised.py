"""What an import leaves to people: questions, pairs that may be one customer, columns that no record has."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Count

from laer.sources.tabular.mapping import CUSTOM
from laer.web.book import between
from laer.web.book.models import ImportRun
from laer.web.book.suggesting import open_pairs
from laer.web.book.undated import BLANK


class Unknown(NamedTuple):
    """Columns of one table that were not recognised: kept as fields of the firm's own, and left out."""

    table: str
    kept: list[str]
    left_out: list[str]


class Raised(NamedTuple):
    """missing, blank: open questions about customers that a list no longer names, or names without an amount; pairs: of accounts that may be one;
    amounts: customers of whom another system says another amount."""

    missing: int
    blank: int
    pairs: int
    amounts: int = 0


def raised(run: ImportRun, questions: Any = None) -> Raised:
    """What waits for an answer since an import. Two queries.

    In   questions  those that the reader may answer; all of them where nothing is given
    """
    asked = (run.questions.filter(answer="") if questions is None else questions.filter(run=run)).order_by()
    kinds = dict(asked.values_list("kind").annotate(n=Count("id")))
    blank, amounts = kinds.pop(BLANK, 0), kinds.pop(between.KIND, 0)
    return Raised(sum(kinds.values()), blank, open_pairs().filter(run=run).count(), amounts)


def unknown_columns(run: ImportRun) -> list[Unknown]:
    """Tables with columns that no part of them read as a column of a record. Empty columns are not told. One query."""
    tables: dict[tuple[str, str], list[Any]] = {}
    for file in run.files.order_by("id"):
        if file.record:
            tables.setdefault((file.path, file.sheet), []).append(file)
    found = []
    for parts in tables.values():
        targets: dict[str, set[str]] = {}
        silent: set[str] = set()
        for file in parts:
            reasons = file.mapping.get("reasons") or {}
            for header, target in (file.mapping.get("columns") or {}).items():
                targets.setdefault(header, set()).update([target] if target else [])
                if not target and ("every cell" in reasons.get(header, "") or "counts the rows" in reasons.get(header, "")):
                    silent.add(header)
        kept = [h for h, there in targets.items() if there and all(target.startswith(CUSTOM) for target in there)]
        left_out = [h for h, there in targets.items() if not there and h not in silent]
        if kept or left_out:
            name = f"{parts[0].name} / {parts[0].sheet}" if parts[0].sheet else parts[0].name
            found.append(Unknown(name, kept, left_out))
    return found
