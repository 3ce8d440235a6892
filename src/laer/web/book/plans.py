"""What one batch of rows would do to the book: the shapes that a stage makes, a preview shows and a writer carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from laer.records.batch import Reject
from laer.web.book.prepare import Row


@dataclass
class Change:
    """One field that a source states otherwise than the book: values as the columns hold them."""

    field: str
    old: Any
    new: Any


@dataclass
class Planned:
    """One row to write. `object_id` is None for a new row; `revived` marks a row that an undo had taken out."""

    key: str
    line: int
    values: Row
    hash: int
    object_id: int | None = None
    account_id: int | None = None
    changes: list[Change] = field(default_factory=list)
    revived: bool = False
    external_row: int | None = None
    run_id: int | None = None  # the run that wrote it last
    merges: tuple[int, ...] = ()  # of a new row: the account that it names was merged away by these
    matched: str | None = None  # the rule by which an account of another source was found to be meant


@dataclass
class Plan:
    """What one batch would do."""

    record: str
    file: str
    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    settled: list[Planned] = field(default_factory=list)  # stated anew, and yet as the book has it: only the hash is noted
    stated: list[int] = field(default_factory=list)  # external ids of rows that stand as they are: that this run states them is noted
    moved: dict[str, str] = field(default_factory=dict)  # account's external id -> owner who takes over from another
    unchanged: int = 0
    repeated: int = 0
    mine: int = 0  # rows that this very run wrote before it was interrupted
    mine_changed: int = 0  # those of them that it changed
    rejects: list[Reject] = field(default_factory=list)
    attached: list[Planned] = field(default_factory=list)  # rows of other sources that get an id of this one
    owners: list[tuple[str, str]] = field(default_factory=list)  # (account's external id, owner as named)
    unresolved: int = 0
