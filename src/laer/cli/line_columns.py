"""Which table of a file holds subscription lines, and which of its columns is which, by their names alone: the command line asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from laer.sources.tabular.grid import NAMES
from laer.sources.tabular.headers import assign, header_words, matches
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import match_columns
from laer.sources.tabular.scales import power_of
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import normal_words
from laer.web import home

NAMED = 30  # names that a message lists
CLOSE = 0.9  # how like a header must be
PRICED = ("mrr", "amount", "arr", "unit_price")  # columns whose header may say that they are in thousands


class FileRefused(Exception):
    """The file as a whole cannot be read: what was found, what was expected, what to do. Exit code 2."""


def table_of_lines(path: Path) -> tuple[Table, dict[str, str]]:
    """The first table of a file that has all that a line needs, a hidden sheet last, and its columns by header. A second one is not read, and that is said."""
    best: tuple[Table, dict[str, str], list[str]] | None = None
    others: list[str] = []
    for table in open_tables(path, fiscal=home.said_fiscal_start(), of_revenue=True):
        columns = table.known.columns if table.known else _columns(table.header)
        missing = _missing({t for t in columns.values() if t})
        if not missing and next(table.rows(), None) is not None:
            others.append(table.title)
        if best is None or (len(missing), table.secret) < (len(best[2]), best[0].secret):
            best = (table, columns, missing)
    if best is None:
        raise FileRefused(f"{path.name}: there is no table in it; expected a header and rows of subscription lines")
    table, columns, missing = best
    if missing:
        raise FileRefused(
            f"{table.title}: no column was recognised as {' and '.join(missing)}; found the columns {listed(table.header)}. "
            "Expected account_id (or customer_id), start_date, end_date, mrr (or amount with interval), currency, status, plan, subscription_id"
        )
    if left := [title for title in others if title != table.title]:
        table.note("left", f"warning: {listed(left)} {'holds' if len(left) == 1 else 'hold'} lines too; only those of {table.title} were read")
    for header in said_twice(table.header, columns):
        table.note(f"twice {header}", f"warning: the header {header} stands more than once; its first column was read")
    return table, columns


def _columns(header: list[str]) -> dict[str, str]:
    """Columns of lines by header; `Contract Start` and `Contract End` are a line's days where nothing else is."""
    columns = match_columns(header, "subscription_lines")
    columns |= _in_units(header, columns)
    targets = {target: h for h, target in columns.items()}
    if "unit_price" in targets and "seats" in targets and not {"quantity", "mrr", "amount", "arr"} & targets.keys():
        columns[targets["seats"]] = "quantity"  # a price for each seat
    if "account_id" not in targets and "start_on" in targets and targets.keys() & set(PRICED):
        columns |= dict.fromkeys([h for h in header if h not in columns and _names_customers(h)][:1], "account_id")
    days = {h: target for h, target in match_columns(header, "contracts").items() if target in ("start_on", "end_on") and h not in columns}
    if "start_on" in columns.values() or "start_on" not in days.values():
        return columns
    return columns | {h: target for h, target in days.items() if target not in columns.values()}


def _in_units(header: list[str], known: dict[str, str]) -> dict[str, str]:
    """Columns of amounts whose header says thousands or millions (`ARR (k€)`), where no other header names that amount."""
    free = [h for h in header if h not in known and power_of(h)]
    found = assign(m for m in matches(free, "subscription_lines") if m.likeness >= CLOSE and m.column in PRICED and m.column not in known.values())
    return {h: m.column for h, m in found.items()}


def _names_customers(header: str) -> bool:
    words = set(header_words(header).split())
    return bool(words) and words <= NAMES


def said_twice(header: list[str], columns: Mapping[str, str | None]) -> list[str]:
    """Headers of columns that are read and stand in the file once more."""
    return [h for h, target in columns.items() if target and f"{h} (2)" in header and f"{h} (2)" not in columns]


def listed(names: Iterable[str]) -> str:
    """Names in a message: as many and as much of each as a person reads."""
    shown = [name if len(name) <= 40 else f"{name[:39]}…" for name in islice(names, NAMED + 1)]
    return ", ".join(shown[:NAMED]) + (", …" if len(shown) > NAMED else "")


def _missing(targets: set[str]) -> list[str]:
    missing = [label for name, label in (("account_id", "account_id"), ("start_on", "start_date")) if name not in targets]
    if not targets & {"mrr", "amount", "arr"} and not {"quantity", "unit_price"} <= targets:
        missing.append("mrr or amount")
    return missing


def place_of(table: Table, columns: dict[str, str], by: str | None) -> int | None:
    """Where the column stands by which the report is split."""
    if by is None:
        return None
    wanted = normal_words(by)
    for i, header in enumerate(table.header):
        if header == by:
            return i
    for i, header in enumerate(table.header):
        if wanted in (normal_words(header), normal_words(columns.get(header) or "")):
            return i
    raise FileRefused(f"--by {by}: {table.title} has no such column; it has {listed(table.header)}")
