"""Plays as they stand in the book, what the newest pass found for them, and the mark that says from when they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.play_asked import ON, column, then
from laer.plays.play import Play
from laer.records.definition import compose
from laer.records.periods import date_of
from laer.web.book import definitions
from laer.web.book.models import Definition
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.snapshots import table_of

memory = Memory(2)  # of the newest runs: what plays asked, by account
texts = Memory(256)  # of versions, which never change


@dataclass(frozen=True)
class Known:
    """A play in force, with the version of its text."""

    play: Play
    version: int


@lru_cache(maxsize=512)
def play_of(text: str) -> Play | None:
    """A definition's text as a play; None where it does not read any more."""
    try:
        return Play.model_validate(compose(text).data)
    except ValueError:  # pydantic's and `Unreadable`
        return None


def plays() -> dict[str, Known]:
    """Those that a pass computes, by id. One query."""
    made = {row.name: (play_of(row.text), row.version) for row in definitions.in_force("play") if row.status in definitions.IN_USE}
    return {name: Known(play, version) for name, (play, version) in made.items() if play is not None}


def play_then(name: str, version: int) -> Play | None:
    """A play as it read in a version: a run goes on by the steps with which it began."""

    def read() -> str | None:
        return Definition.objects.filter(kind="play", name=name, version=version).values_list("text", flat=True).first()

    text: str | None = texts.get((name, version), version, read)
    return None if text is None else play_of(text)


@dataclass(frozen=True)
class Found:
    """What a pass found for plays: `play|slot` columns by account (`cycle/play_asked.py`).

    versions  play -> the version in force;  then  `play@version` of the earlier ones by which runs go on
    """

    run: int
    rows: pa.Table
    place: Mapping[int, int]
    versions: Mapping[str, int]
    then: frozenset[str] = frozenset()

    def knows(self, play: str, version: int) -> bool:
        """Whether the pass read that text of the play."""
        return self.versions.get(play) == version or then(play, version) in self.then

    def truth(self, play: str, version: int, slot: str, account: int) -> bool | None:
        """Whether a condition of a play holds; None where too little is known, or where the pass read another text of the play."""
        if not self.knows(play, version):
            return None
        value = self._value(column(self._name(play, version), slot), account)
        return value if value is None else bool(value)

    def _name(self, play: str, version: int) -> str:
        return play if self.versions.get(play) == version else then(play, version)

    def on(self, play: str, account: int) -> date | None:
        """The day that the play's date trigger falls on."""
        value = self._value(column(play, ON), account)
        return None if value is None else date_of(int(value))

    def between(self, play: str, first: int, last: int) -> list[tuple[int, int]]:
        """Accounts whose date trigger falls on a day from first to last: (account, day number)."""
        name = column(play, ON)
        if name not in self.rows.column_names:
            return []
        days = self.rows[name]
        part = self.rows.select(["account_id", name]).filter(pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last)))
        return list(zip(part["account_id"].to_pylist(), part[name].to_pylist(), strict=True))

    def true_of(self, play: str, version: int, slot: str) -> frozenset[int]:
        """Accounts for which a condition holds."""
        name = column(self._name(play, version), slot)
        if name not in self.rows.column_names:
            return frozenset()
        return frozenset(self.rows["account_id"].filter(pc.fill_null(self.rows[name], False)).to_pylist())

    def _value(self, name: str, account: int) -> Any:
        at = self.place.get(account)
        return None if at is None or name not in self.rows.column_names else self.rows[name][at].as_py()


def found_by(run: PassRun) -> Found:
    """Remembered for the run."""

    def read() -> Found:
        rows = table_of(run.pk, "plays")
        rows = pa.table({"account_id": pa.array([], pa.int64())}) if rows is None else rows.combine_chunks()
        said = run.position.get("definitions", {})
        versions = {name.removeprefix("play "): version for name, version in said.items() if name.startswith("play ")}
        earlier = frozenset(run.position.get("plays_then", ()))
        return Found(run.pk, rows, {account: at for at, account in enumerate(rows["account_id"].to_pylist())}, versions, earlier)

    found: Found = memory.get(("plays", run.pk), run.pk, read)
    return found


def in_order(accounts: Iterable[int], arr: Mapping[int, int | None]) -> list[int]:
    """The largest first; ties by number."""
    return sorted(accounts, key=lambda account: (-(arr.get(account) or 0), account))
