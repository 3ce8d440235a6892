"""A table and its mapping to typed record batches: column by column, chunk by chunk, nothing dropped.

What a word means is decided by whoever reads the batch: amounts stay as written (exact), intervals and status stay text.
Dates that a record type holds as exclusive ends are moved by a day where the mapping says that the file's are inclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast, overload

from laer.records.batch import Batch, Reject
from laer.records.record import record_type
from laer.sources.tabular.cells import visible
from laer.sources.tabular.currency_signs import currency_in, currency_named
from laer.sources.tabular.headers import OPTIONAL, columns_of
from laer.sources.tabular.mapping import CUSTOM, Mapping, MappingFault
from laer.sources.tabular.month_days import read_dated, read_exclusive_end
from laer.sources.tabular.salesforce_ids import one_ids
from laer.sources.tabular.scales import power_of, read_in_units, read_priced
from laer.sources.tabular.serials import WHAT_TO_DO, is_shortened
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import STATED, Memo, Unreadable, normal_words, read_owner

SIZE = 5000
PRICED = ("mrr", "arr", "amount", "unit_price", "list_amount")
WORDS = {"date": "date", "instant": "time", "integer": "whole number", "decimal": "number", "boolean": "yes or no"}


class RawRows(Sequence[dict[str, str]]):
    """Rows as they stood, made into dicts only when looked at: few are, and a dict per row costs a third of the speed."""

    __slots__ = ("cells", "header")

    def __init__(self, header: list[str], cells: list[list[str]]) -> None:
        self.header, self.cells = header, cells

    def __len__(self) -> int:
        return len(self.cells)

    @overload
    def __getitem__(self, place: int) -> dict[str, str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, str]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, str] | list[dict[str, str]]:
        if isinstance(place, slice):
            return [dict(zip(self.header, cells, strict=True)) for cells in self.cells[place]]
        return dict(zip(self.header, self.cells[place], strict=True))


@dataclass
class _Reader:
    """How one mapped column is read."""

    place: int
    header: str
    target: str
    name: str  # as said in a reason
    kind: str
    required: bool
    memo: Memo | None
    names: bool = False  # another row, or this one: its cells are ids

    def column(self, cells: tuple[str, ...]) -> list[Any]:
        if self.memo is not None:
            return self.memo.column(cells)
        texts = [cell.strip() or None for cell in visible(cells)]
        return one_ids(texts) if self.names else texts

    def faults(self, values: list[Any], cells: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        """(place in the chunk, reason) of each cell that rejects its row."""
        if self.required and None in values:
            yield from ((i, f"empty {self.name}") for i, value in enumerate(values) if value is None)
        if self.names and ("+" in (text := "\n".join(cells)) or ".0" in text):
            for i, cell in enumerate(cells):
                if is_shortened(cell):
                    yield i, f"id without its last digits in {self.header}: a spread-sheet made '{_short(cell.strip())}' of it; {WHAT_TO_DO}"
        if self.memo is not None and self.memo.troubled:
            for i, value in enumerate(values):
                if type(value) is Unreadable:
                    yield i, f"unreadable {WORDS[self.kind]} in {self.header}: '{_short(cells[i])}'"


def batches(table: Table, mapping: Mapping, *, size: int = SIZE, zone: str = "UTC") -> Iterator[tuple[Batch, list[Reject]]]:
    """Typed rows of a table, `size` rows of the file at a time, and the rows set aside with a reason.

    In     zone   the firm's time zone, for times without an offset
    Out    batches whose rows have the record's column names (and `custom.*`); references hold external ids as text;
           the source's own id is in `keys`, not in the rows
    Faults MappingFault for a mapping without a record type or with columns that the table does not have
    """
    readers = _readers(table, mapping, zone)
    record = mapping.record
    assert record is not None
    key_name = record_type(record).info.key
    key = next((r for r in readers if r.target == key_name), None)
    names = [r.target for r in readers if r is not key]
    fixed = {name: _fixed(record, name, text) for name, text in mapping.fixed.items() if name not in names}
    unsaid = record == "subscription_lines" and not {"currency"} & {*names, *mapping.fixed}
    priced = [reader for reader in readers if unsaid and reader.target in PRICED]
    width = len(table.header)
    for lines, rows in table.chunks(size):
        rejects: list[Reject] = []
        if max(map(len, rows)) > width:
            rejects = [_surplus(table, record, line, cells) for line, cells in zip(lines, rows, strict=True) if len(cells) > width]
            kept = [(line, cells) for line, cells in zip(lines, rows, strict=True) if len(cells) == width]
            lines, rows = [line for line, _ in kept], [cells for _, cells in kept]
        columns = list(zip(*rows, strict=True))
        values: list[list[Any]] = []
        keys: list[str | None] = [None] * len(rows)
        faults: dict[int, list[str]] = {}
        for reader in readers if rows else ():
            read = reader.column(columns[reader.place])
            for place, reason in reader.faults(read, columns[reader.place]):
                faults.setdefault(place, []).append(reason)
            if reader is key:
                keys = read
            else:
                values.append(read)
        typed = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)] if values else [{} for _ in rows]
        if fixed:
            typed = [{**fixed, **row} for row in typed]
        for reader in priced if rows else ():
            _note_currency(typed, columns[reader.place], getattr(table, "currency", None) or currency_named(reader.header))
        if faults:
            rejects += [Reject(table.title, lines[i], "; ".join(reasons), table.raw(rows[i]), record) for i, reasons in sorted(faults.items())]
            rejects.sort(key=lambda reject: reject.line)
            good = [i for i in range(len(rows)) if i not in faults]
            typed, keys, lines, rows = [typed[i] for i in good], [keys[i] for i in good], [lines[i] for i in good], [rows[i] for i in good]
        yield Batch(record, table.title, typed, keys, lines, cast("list[dict[str, str]]", RawRows(table.header, rows))), rejects


def _note_currency(typed: list[dict[str, Any]], cells: Sequence[str], named: str | None) -> None:
    """Give rows the currency that their amounts carry, where no column says it."""
    for row, cell in zip(typed, cells, strict=True):
        if cell and (code := currency_in(cell) or named):
            row.setdefault("currency", code)


def _readers(table: Table, mapping: Mapping, zone: str) -> list[_Reader]:
    if mapping.record is None:
        raise MappingFault(f"{table.title} was not recognised; say which record type it holds")
    if not mapping.fits(table.header):
        gone = [h for h, target in mapping.columns.items() if target and h not in table.header]
        raise MappingFault(f"the mapping reads {', '.join(map(repr, gone))}, which {table.title} does not have; it has {', '.join(map(repr, table.header))}")
    columns, key = columns_of(mapping.record), record_type(mapping.record).info.key
    readers = []
    for place, header in enumerate(table.header):
        target = mapping.columns.get(header)
        if not target:
            continue
        style = mapping.number_styles.get(header, "point")
        if target.startswith(CUSTOM):
            kind = mapping.custom.get(target.removeprefix(CUSTOM), "text")
            readers.append(_Reader(place, header, target, normal_words(header), kind, False, _memo(kind, mapping.date_order, style, zone)))
            continue
        column = columns[target]
        named = target == key or bool(column.col.refers)
        kind = "text" if named else column.kind
        inclusive = target == "end_on" and (table.known.end if table.known else mapping.end) == "inclusive"
        memo = _memo(kind, mapping.date_order, style, zone)
        if target == "end_on" and kind == "date":
            memo = Memo(read_exclusive_end, mapping.date_order, inclusive, mapping.edge(target))
        elif kind == "date" and (edge := mapping.edge(target)):
            memo = Memo(read_dated, mapping.date_order, edge)
        if (mapping.record, target) == ("accounts", "owner"):
            memo = Memo(read_owner)
        if kind == "decimal" and ((power := power_of(header)) or target in PRICED):
            memo = Memo(read_priced if target in PRICED else read_in_units, style, power)
        required = (column.required or target == key) and (mapping.record, target) not in OPTIONAL
        if mapping.sheet and mapping.record != "accounts" and not column.col.refers:
            required = False  # a customer without a note is no row without its text
        readers.append(_Reader(place, header, target, normal_words(target if named else header), kind, required, memo, named))
    return readers


def _fixed(record: str, name: str, text: str) -> Any:
    """What every row says, typed as a cell of that column would be."""
    memo = _memo(columns_of(record)[name].kind, None, "point", "UTC")
    return memo[text] if memo is not None else text


def _memo(kind: str, order: str | None, style: str, zone: str) -> Memo | None:
    """A fresh memo for a kind; None for text."""
    settings: dict[str, tuple[Any, ...]] = {"date": (order,), "instant": (order, zone), "integer": (style,), "decimal": (style,), "boolean": ()}
    return Memo(STATED[kind], *settings[kind]) if kind in settings else None


def _surplus(table: Table, record: str, line: int, cells: list[str]) -> Reject:
    return Reject(table.title, line, f"more cells than columns: '{_short(cells[-1])}' is left over", table.raw(cells), record)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
