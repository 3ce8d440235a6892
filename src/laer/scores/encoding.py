"""Columns made ready for regression: what can be learned from, standardised; and weights on them turned back into terms of the columns.

All of it is learned from the rows handed in and from no others, so that a fold's judge never had a say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from laer.scores.additive import FURTHEST, Answers, Line, Term
from laer.scores.columns import Floats, Table, as_floats, as_words

ENOUGH = 5  # rows in which an answer, a known or an unknown value must stand to be learned from
ANSWERS = 12  # of one column; the rest count as one
_NAMES_AN_ID = re.compile(r"(^|[_\W])(id|uuid|guid|key)$|[a-z](Id|ID|UUID|Uuid)$")


@dataclass(frozen=True)
class Number:
    name: str
    mean: float
    deviation: float
    unknown_share: float  # 0 where it was always known (or too rarely not)

    @property
    def width(self) -> int:
        return 1 + (self.unknown_share > 0)

    def encode(self, table: Table) -> list[Floats]:
        values = as_floats(table[self.name])
        apart = np.nan_to_num(np.clip((values - self.mean) / self.deviation, -FURTHEST, FURTHEST))
        if not self.unknown_share:
            return [apart]
        return [apart, _standard(np.isnan(values), self.unknown_share)]

    def term(self, weights: Floats) -> Term:
        known = unknown = 0.0
        if self.unknown_share:
            unknown, known = (float(weights[1] * _standard(np.array(x), self.unknown_share)) for x in (True, False))
        return Line(self.name, self.mean, self.deviation, float(weights[0]), known, unknown)


@dataclass(frozen=True)
class Word:
    name: str
    shares: tuple[tuple[str | None, float], ...]  # of answers that are learned from (None: unknown)
    others: float  # share of all other answers together, 0 where too rare

    @property
    def width(self) -> int:
        kinds = len(self.shares) + (self.others > 0)
        return 1 if self._is_pair else kinds

    @property
    def _is_pair(self) -> bool:
        """Two answers that make up the whole are one question."""
        return len(self.shares) + (self.others > 0) == 2 and math.isclose(sum(share for _, share in self.shares) + self.others, 1.0)

    @property
    def _asked(self) -> list[tuple[str | None | bool, float]]:
        kinds: list[tuple[str | None | bool, float]] = [*self.shares, *([(True, self.others)] if self.others else [])]
        return kinds[:1] if self._is_pair else kinds

    def encode(self, table: Table) -> list[Floats]:
        told = as_words(table[self.name])
        learned = {answer for answer, _ in self.shares}
        given = np.array([answer if answer in learned else (None if answer is None else True) for answer in told.tolist()], dtype=object)
        return [_standard(np.array([one is answer or one == answer for one in given.tolist()], dtype=bool), share) for answer, share in self._asked]

    def term(self, weights: Floats) -> Term:
        def of(answer: str | None | bool) -> float:
            return float(sum(w * _standard(np.array(kind is answer or kind == answer), share) for w, (kind, share) in zip(weights, self._asked, strict=True)))

        learned = {answer for answer, _ in self.shares}
        return Answers(self.name, {answer: of(answer) for answer, _ in self.shares if answer is not None}, of(True), of(None) if None in learned else of(True))


def _standard(there: Floats | np.ndarray, share: float) -> Floats:
    return np.asarray((there - share) / math.sqrt(share * (1 - share)), dtype=np.float64)


@dataclass(frozen=True)
class Encoding:
    columns: tuple[Number | Word, ...]
    left_out: tuple[tuple[str, str], ...]  # name and why

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)

    def encode(self, table: Table) -> Floats:
        made = [part for column in self.columns for part in column.encode(table)]
        return np.column_stack(made) if made else np.zeros((table.rows, 0))

    def terms(self, weights: Floats) -> tuple[Term, ...]:
        made, at = [], 0
        for column in self.columns:
            made.append(column.term(weights[at : at + column.width]))
            at += column.width
        return tuple(made)


def encoding(table: Table) -> Encoding:
    kept: list[Number | Word] = []
    left: list[tuple[str, str]] = []
    for name in table:
        found = _number(name, table) if table[name].dtype.kind == "f" else _word(name, table)
        if isinstance(found, str):
            left.append((name, found))
        else:
            kept.append(found)
    return Encoding(tuple(kept), tuple(left))


def _number(name: str, table: Table) -> Number | str:
    values = as_floats(table[name])
    known = values[~np.isnan(values)]
    if not len(known):
        return "no value in any row"
    if len(known) < ENOUGH:
        return f"a value in {len(known)} rows only"
    if len(known) > 30 and _NAMES_AN_ID.search(name) and len(np.unique(known)) == len(known):
        return "an id: each row has its own"
    deviation = float(known.std())
    missing = len(values) - len(known)
    share = missing / len(values) if min(missing, len(known)) >= ENOUGH else 0.0
    if deviation <= 1e-12 * max(1.0, abs(float(known.mean()))):
        if not share:
            return "the same value in every row"
        deviation = 1.0  # whether it is known may still tell something
    return Number(name, float(known.mean()), deviation, share)


def _word(name: str, table: Table) -> Word | str:
    counts = Counter(as_words(table[name]).tolist())
    rows = table.rows
    if set(counts) == {None}:
        return "no value in any row"
    if len(counts) == 1:
        return "the same value in every row"
    often = [(answer, n) for answer, n in sorted(counts.items(), key=lambda one: (-one[1], one[0] is None, str(one[0]))) if min(n, rows - n) >= ENOUGH]
    kept = often[:ANSWERS]
    if None in counts and (None, counts[None]) in often and (None, counts[None]) not in kept:
        kept[-1] = (None, counts[None])
    rest = rows - sum(n for _, n in kept) - (counts[None] if (None, counts[None]) not in kept else 0)
    if not kept:
        return "an id: hardly two rows share a value" if len(counts) > rows / 2 else f"no value in {ENOUGH} rows"
    return Word(name, tuple((answer, n / rows) for answer, n in kept), rest / rows if min(rest, rows - rest) >= ENOUGH else 0.0)


def lumped(table: Table, how: Encoding) -> Table:
    """The columns that are learned from, rare answers as one: for models that read columns themselves."""
    made = {}
    for column in how.columns:
        if isinstance(column, Number):
            made[column.name] = as_floats(table[column.name])
        else:
            kept = {answer for answer, _ in column.shares if answer is not None}
            made[column.name] = np.array([a if a is None or a in kept else "" for a in as_words(table[column.name]).tolist()], dtype=object)
    return Table(made, table.rows)
