"""How a row of a file is known again: its key, and the hash of what it said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from laer.records.batch import Batch
from laer.records.record import Record

TAKEN_OUT = 0  # the row_hash of a row that an undo took out: the next import brings it back
FORGOTTEN = 1  # of a row whose fields an undo put back: the next import compares it afresh


def content_hash(values: Iterable[Any]) -> int:
    """64 signed bits of a row's content; equal content gives the same number in every process and on every day."""
    return int.from_bytes(blake2b(repr(tuple(values)).encode(), digest_size=8).digest(), "big", signed=True)


class Keys:
    """The external id of each row of one import, and which rows repeat.

    A row without an id of its own is known by the record's natural columns, else by its content. The same key twice in
    one import is one row when all values agree; else it stays apart: lines of one subscription may start on one day,
    for every other record it is a duplicate key, and set aside.
    """

    def __init__(self, record: type[Record]) -> None:
        self.info = record.info
        self.seen: dict[str, list[int]] = {}
        self.several = record.info.name == "subscription_lines"

    def of(self, batch: Batch, hashes: list[int]) -> list[tuple[str, str]]:
        """(key, verdict) per row; the verdict is 'first', 'repeated' or 'conflict'."""
        answer = []
        for i, (key, row, content) in enumerate(zip(batch.keys, batch.rows, hashes, strict=True)):
            name = key or self._natural(row)
            if name is None:
                name = f"#{content & 0xFFFFFFFFFFFFFFFF:x}"
                place = len(self.seen.setdefault(name, []))  # equal rows without an id all count
                self.seen[name].append(content)
                answer.append((name if not place else f"{name}#{place + 1}", "first"))
                continue
            before = self.seen.setdefault(name, [])
            if content in before and i not in batch.made:
                answer.append((name, "repeated"))
            elif before and not self.several:
                answer.append((name, "conflict"))
            else:
                before.append(content)
                answer.append((name if len(before) == 1 else f"{name}#{len(before)}", "first"))
        return answer

    def _natural(self, row: Mapping[str, Any]) -> str | None:
        values = [row.get(c) for c in self.info.natural]
        if not values or all(v is None for v in values):
            return None
        if self.several and not row.get("subscription_id"):
            return None
        return "~" + "|".join("" if v is None else str(v).strip() for v in values)
