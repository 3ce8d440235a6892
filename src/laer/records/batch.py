"""What a source hands on: rows of one record type, columns by name, and the rows it could not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Batch:
    """Rows of one record type from one file.

    Grain    one entry per row of the file that reads as this type
    record   name of the record type
    rows     values by column name, typed as the record type says; a reference holds the external id as text;
             names that start with `custom.` are typed custom fields
    keys     the source's own id of each row, None where the file has none
    made     places of rows whose subscription id was made up for want of one: equal ones all count (rule 7)
    lines    line of the file on which each row starts
    raw      the row as it stood in the file (header -> text), for quarantine
    """

    record: str
    file: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    raw: list[dict[str, str]] = field(default_factory=list)
    made: set[int] = field(default_factory=set)

    def keep(self, places: list[int]) -> None:
        """Only the rows at these places."""
        if len(places) == len(self.rows):
            return
        self.rows, self.keys, self.lines = [self.rows[i] for i in places], [self.keys[i] for i in places], [self.lines[i] for i in places]
        self.raw = [self.raw[i] for i in places] if self.raw else []
        self.made = set()


@dataclass(frozen=True)
class Reject:
    """A row set aside: nothing is dropped. `raw` is the row as it stood, so that it can be corrected and retried."""

    file: str
    line: int
    reason: str
    raw: dict[str, str]
    record: str | None = None
