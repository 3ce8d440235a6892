"""Segments: which accounts each has, and which memberships that begin now are an entry. Method: docs/methods/segments.md

Signals are held by the same trick (docs/methods/signals.md): one with a `close` of its own goes on until that is true.
What is unknown moves nobody: an account stays what it was last known to be. The first time that an account's membership is
known, and the first computation of a new or changed definition, are no entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.tree import Condition
from laer.conditions.writing import to_line
from laer.cycle.derived import all_truths
from laer.engine.session import Session
from laer.records.periods import day_number


@dataclass(frozen=True)
class Named:
    """A segment or a signal as a pass uses it: the conditions of a version of its definition."""

    id: str
    version: int
    condition: Condition
    meaning: str = ""  # of the firm's own measures that it reads
    close: Condition | None = None  # of a signal: what ends it; None: once the condition is false

    @property
    def mark(self) -> str:
        """Of what it asks: another name or description is the same segment."""
        close = f"\n{to_line(self.close)}" if self.close is not None else ""
        return sha256(f"{to_line(self.condition)}\n{self.meaning}{close}".encode()).hexdigest()[:16]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (self.condition,) if self.close is None else (self.condition, self.close)


@dataclass(frozen=True)
class Before:
    """What the pass before found: account_id and a column per segment (null: never known), what each asked, and as of which day number."""

    members: pa.Table
    marks: Mapping[str, str]
    day: int

    def knows(self, segment: Named) -> bool:
        return self.marks.get(segment.id) == segment.mark and segment.id in self.members.column_names


@dataclass(frozen=True)
class Members:
    """What a pass found of some accounts: each table has account_id and a boolean column per segment.

    now     whether the account is a member; null is unknown
    held    the same, where it is unknown as it was known last
    base    whether a membership that begins now is no entry
    new     segments that are computed for the first time, or ask something else than before
    """

    now: pa.Table
    held: pa.Table
    base: pa.Table
    new: frozenset[str]


def members(session: Session, segments: Iterable[Named], facts: pa.Table, existing: pa.Table, before: Before | None, as_of: date) -> Members:
    """Who belongs to which segment.

    In   facts     account_id, d (one date) and every column that they read;  existing  account_id, since: the first day that anything says of it
         before    None where no pass has computed segments yet
    """
    chosen = list(segments)
    now = holding(session, {one.id: one.condition for one in chosen}, facts, as_of)
    ends = holding(session, {one.id: one.close for one in chosen if one.close is not None}, facts, as_of)
    ids = now["account_id"].combine_chunks()
    known, since = {"account_id": ids}, existing["since"].combine_chunks().take(pc.index_in(ids, existing["account_id"].combine_chunks()))
    held, base = dict(known), dict(known)
    place = pc.index_in(ids, before.members["account_id"].combine_chunks()) if before else None
    for one in chosen:
        column = now[one.id].combine_chunks()
        if before is None or place is None or not before.knows(one):
            held[one.id], base[one.id] = column, pa.array([True] * len(ids), pa.bool_())
            continue
        last = before.members[one.id].combine_chunks().take(place)
        held[one.id] = pc.coalesce(column, last) if one.close is None else _until(column, ends[one.id].combine_chunks(), last)
        began = pc.greater(since, before.day)  # it is new in the world, not only in the book
        base[one.id] = pc.if_else(pc.is_valid(place), pc.is_null(last), pc.invert(pc.fill_null(began, False)))
    new = frozenset(one.id for one in chosen if before is None or not before.knows(one))
    return Members(now, pa.table(held), pa.table(base), new)


def _until(opens: pa.Array, closes: pa.Array, last: pa.Array) -> pa.Array:
    """Whether an episode stands: it opens, or it stood and nothing says that it is over."""
    goes_on = pc.and_(pc.fill_null(last, False), pc.invert(pc.fill_null(closes, False)))
    return pc.if_else(goes_on, pa.scalar(True), opens)


def holding(session: Session, conditions: Mapping[str, Condition], facts: pa.Table, as_of: date) -> pa.Table:
    """account_id and a boolean column per condition, of facts of one date; null is unknown."""
    return all_truths(session, conditions, facts, as_of)


def before_of(members: pa.Table | None, marks: Mapping[str, str] | None, as_of: date) -> Before | None:
    return None if members is None or not marks else Before(members, marks, day_number(as_of))
