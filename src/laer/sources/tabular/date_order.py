"""Which of day and month comes first: decided over whole columns, by evidence, never by a guess.

A value is *decisive* when only one order gives a day (`31-12-2024`), and *open* when both give a day and the days
differ (`05-01-2024`). Evidence is pooled over the file's date columns, since one program wrote them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laer.sources.tabular.dates import ORDERS, shape_of

AGREEMENT = 0.95  # share of decisive values that must agree where some speak against
NAMES = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
MANY = 100_000  # distinct values remembered per column; beyond it a value may count twice


@dataclass(frozen=True)
class Decision:
    """order        dmy, mdy, ymd, or None (no order is needed, or none could be decided)
    evidence     decisive distinct values per order, over all columns
    undecided    columns with values that read as two different days while no order could be decided
    conflicting  columns whose decisive values speak against the order (or, undecided, against one another)
    why          the decision in a sentence
    """

    order: str | None
    evidence: dict[str, int]
    undecided: tuple[str, ...]
    conflicting: tuple[str, ...]
    why: str


@dataclass
class _Seen:
    texts: set[str] = field(default_factory=set)
    heads: set[tuple[int, ...]] = field(default_factory=set)
    votes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))
    open: int = 0
    example: str = ""
    firsts: set[int] = field(default_factory=set)  # of dates with two-digit years
    lasts: set[int] = field(default_factory=set)


class DateOrder:
    """Fed cell by cell (or with the distinct values of a chunk), asked at the end."""

    def __init__(self) -> None:
        self._columns: dict[str, _Seen] = {}

    def see(self, column: str, text: str) -> None:
        seen = self._columns.setdefault(column, _Seen())
        if len(text) == 10 and text[4] == "-" == text[7]:
            return
        shape = shape_of(text)
        if shape is None or shape.fixed:
            return
        head = (shape.a, shape.b, shape.c)
        if head in seen.heads:
            return
        if len(seen.heads) < MANY:
            seen.heads.add(head)
        if shape.years == 2:
            seen.firsts.add(shape.a)
            seen.lasts.add(shape.c)
        day_first, month_first = shape.day("dmy"), shape.day("mdy")
        if day_first and month_first:
            if day_first != month_first:
                seen.open += 1
                seen.example = seen.example or text.strip()
        elif day_first or month_first:
            seen.votes["dmy" if day_first else "mdy"] += 1
        elif shape.day("ymd"):
            seen.votes["ymd"] += 1

    def see_all(self, column: str, texts: Iterable[str]) -> None:
        """The distinct values of a chunk; those seen before cost a look-up."""
        seen = self._columns.setdefault(column, _Seen())
        for text in set(texts) - seen.texts:
            self.see(column, text)
            if len(seen.texts) < MANY:
                seen.texts.add(text)

    def forget(self, column: str) -> None:
        """Take back what a column said: it turned out to hold no dates."""
        self._columns.pop(column, None)

    def decide(self) -> Decision:
        votes = {order: sum(seen.votes[order] for seen in self._columns.values()) for order in ORDERS}
        total = sum(votes.values())
        open_columns = tuple(name for name, seen in self._columns.items() if seen.open)
        if not total:
            return self._without_evidence(votes, open_columns)
        order = max(votes, key=lambda each: votes[each])
        against = tuple(name for name, seen in self._columns.items() if sum(seen.votes.values()) > seen.votes[order])
        if votes[order] < AGREEMENT * total:
            said = " and ".join(f"{_values(n)} {NAMES[o]}" for o, n in votes.items() if n)
            torn = tuple(name for name, seen in self._columns.items() if any(seen.votes.values()))
            return Decision(None, votes, open_columns or torn, torn, f"The dates contradict one another: {said} ({_list(torn)}).")
        contrary = tuple(name for name, seen in self._columns.items() if 2 * seen.votes[order] < sum(seen.votes.values()))
        if contrary:  # two programs wrote this file: one order would misread the other's open dates
            why = f"{_list(contrary)} {'is' if len(contrary) == 1 else 'are'} not written {NAMES[order]}, as the other dates are ({_values(votes[order])})."
            return Decision(None, votes, open_columns or contrary, contrary, why)
        doubtful = tuple(name for name, seen in self._columns.items() if order == "dmy" and _year_may_lead(seen))
        if doubtful:
            return Decision(None, votes, doubtful, against, f"The two-digit year of {_list(doubtful)} may stand first or last.")
        own = tuple(name for name, seen in self._columns.items() if seen.votes[order])
        why = f"Dates are read {NAMES[order]}: {_values(votes[order])} of {_list(own)} can be read in no other way"
        if against:
            why += f", {_values(total - votes[order])} speak against it ({_list(against)})"
        if followers := tuple(name for name in open_columns if name not in own):
            why += f"; what {_list(followers)} cannot say follows from that"
        return Decision(order, votes, (), against, why + ".")

    def _without_evidence(self, votes: dict[str, int], open_columns: tuple[str, ...]) -> Decision:
        if not open_columns:
            return Decision(None, votes, (), (), "Every date reads in one way only.")
        example = self._columns[open_columns[0]].example
        return Decision(None, votes, open_columns, (), f"No value says whether day or month comes first in {_list(open_columns)}, such as '{example}'.")


def decide_date_order(columns: Mapping[str, Iterable[str]]) -> Decision:
    """The order of day and month over the date columns of one file."""
    order = DateOrder()
    for name, texts in columns.items():
        order.see_all(name, texts)
    return order.decide()


def _year_may_lead(seen: _Seen) -> bool:
    """Years are few and days are many: few first and many last numbers look like yy-mm-dd, which day-first also reads."""
    return len(seen.lasts) >= 5 and len(seen.lasts) > 2 * len(seen.firsts) and max(seen.lasts) <= 31


def _values(count: int) -> str:
    return f"{count:,} value{'' if count == 1 else 's'}"


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "no column"
