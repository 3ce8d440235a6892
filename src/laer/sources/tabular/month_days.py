"""Months and quarters without a day (`March 2027`, `Mar-27`, `2027-03`, `Q1 2027`) in a column of dates: the first or the last day, by the whole column.

Nothing is asked of a single cell. What the rows say is weighed: the start that follows an end (in its month, or in the
next), terms that are whole years under one reading only, full days beside the months in the same column, then those of
other columns of ends. Where nothing speaks, an end is the last day of its month and anything else the first; a person may
say otherwise. A year of two digits is one only where the column's years lie close together: `Mar-15` may be a birthday.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from laer.records.periods import first_day, last_day, month_number
from laer.records.types import LAKE
from laer.sources.tabular.cells import Unreadable, spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import month_of
from laer.sources.tabular.headers import columns_of, header_words
from laer.sources.tabular.profile import whole_columns
from laer.sources.tabular.quarters import quarter_said
from laer.sources.tabular.values import STATED, Memo, read_end

if TYPE_CHECKING:
    from laer.sources.tabular.mapping import Mapping
    from laer.sources.tabular.table import Table

EDGES = ("first", "last")
MAJORITY = 0.9  # share of what speaks that must agree
SPREAD = 12  # years over which a column of two-digit years may reach
ENDS = frozenset(spelled("end_on until_on discount_until_on trial_ends_on planned_end_on notice_on due_on expected_on"))
GONE = frozenset(spelled("churn churned left lost"))  # who churned in March does not pay at its end
_SHORT_YEAR = re.compile(r"[^\W\d_]+\.?[\s\-/.,'’]*\d\d", re.ASCII)
_MEANS = {"first": "the first day", "last": "the last day"}


@dataclass(frozen=True)
class MonthDays:
    """edge      which day of its month such a cell is: first or last
    cells     distinct values that are months; filled: all distinct values
    example   one of them
    sentences why, with counts
    decided   the rows say it (or a person); else it is what such columns mostly mean
    """

    edge: str
    cells: int
    filled: int
    example: str
    sentences: tuple[str, ...] = ()
    decided: bool = False

    @property
    def whole(self) -> bool:
        """Whether the column has months and no days."""
        return self.cells == self.filled

    @property
    def end(self) -> str:
        """What an end of such a month means: the last day is paid for, the first is not."""
        return "inclusive" if self.edge == "last" else "exclusive"

    @property
    def verdict(self) -> str:
        return f"Months or quarters without a day, as '{self.example}', are read as {_MEANS[self.edge]}."


def months_in(text: str) -> tuple[int, int] | None:
    """The numbers of the first and the last month that a cell names without a day: a month, or a quarter of the calendar; None where it names none."""
    if not text or not any(c.isdigit() for c in text):
        return None
    if (month := month_of(text.strip())) is not None:
        return month, month
    quarter = quarter_said(text.strip())
    return None if quarter is None else (quarter, quarter + 2)


def day_in(months: tuple[int, int], edge: str) -> date:
    """The first or the last day of months."""
    return first_day(months[0]) if edge == "first" else last_day(months[1])


def read_dated(text: str, order: str | None = None, edge: str | None = None) -> date | None | Unreadable:
    """A day as `STATED` reads it, and a month by the edge that was decided for its column."""
    return _with_month(STATED["date"](text, order), text, edge)


def read_dated_end(text: str, order: str | None = None, edge: str | None = None) -> date | None | Unreadable:
    """The day of an end as it stands; None where empty, or where it says that there is none."""
    return _with_month(read_end(text, order), text, edge)


def read_exclusive_end(text: str, order: str | None = None, inclusive: bool = False, edge: str | None = None) -> date | None | Unreadable:
    """The first day after an end. What a month means is decided by its edge, whatever days beside it mean."""
    day = read_end(text, order)
    if type(day) is Unreadable and edge and (months := months_in(text)) is not None:
        return day_in(months, "first") if edge == "first" else first_day(months[1] + 1)
    return day + timedelta(days=1) if inclusive and type(day) is date and day < date.max else day


def _with_month(day: date | None | Unreadable, text: str, edge: str | None) -> date | None | Unreadable:
    if type(day) is not Unreadable or not edge or (months := months_in(text)) is None:
        return day
    return day_in(months, edge)


def month_days(table: Table, mapping: Mapping) -> dict[str, MonthDays]:
    """By header, the mapped columns of dates in which months stand without a day."""
    if mapping.record is None or mapping.record in LAKE or table.known:
        return {}
    columns = columns_of(mapping.record)
    dated = {h: t for h, t in mapping.columns.items() if t in columns and columns[t].kind == "date" and h in table.header}
    if not dated:
        return {}
    texts: dict[str, set[str]] = {header: set() for header in dated}
    for lot in whole_columns(table, dated):
        for header, fresh in lot.items():
            texts[header] |= {text.strip() for text in fresh}
    found: dict[str, MonthDays] = {}
    seen = {header: _Column(values - {""}, mapping.date_order) for header, values in texts.items()}
    if not any(column.months for column in seen.values()):
        return {}
    rows = _Rows(table, mapping, seen) if "end_on" in dated.values() else None
    for header, target in dated.items():
        column = seen[header]
        if column.months:
            found[header] = _decided(header, target, column, seen, dated, rows, mapping.answers.get(answer_of(header)))
    return found


def answer_of(header: str) -> str:
    """Under which name a person's answer is kept with the mapping."""
    return f"months {header}"


def is_end(header: str, target: str) -> bool:
    return target in ENDS and not GONE & set(in_english(header_words(header)).split())


class _Column:
    """The distinct values of a column: which are months, and how many full days lie on a month's edge."""

    def __init__(self, texts: set[str], order: str | None) -> None:
        read = Memo(read_end, order)
        days = {text: read[text] for text in texts}
        said = {text: months for text in sorted(texts) if type(days[text]) is Unreadable and (months := months_in(text)) is not None}
        short = [months[0] // 12 for text, months in said.items() if _SHORT_YEAR.fullmatch(text)]
        if short and max(short) - min(short) > SPREAD:
            said = {text: months for text, months in said.items() if not _SHORT_YEAR.fullmatch(text)}
        self.months, self.filled = said, len(texts)
        plain = [day for day in days.values() if type(day) is date and day.year < 2100]
        self.firsts = sum(day.day == 1 for day in plain)
        self.lasts = sum((day + timedelta(days=1)).day == 1 for day in plain)
        self.days = len(plain)


class _Rows:
    """What the rows of accounts say of ends that are months: whose next start stands in its month or in the one after, and whole years."""

    def __init__(self, table: Table, mapping: Mapping, seen: dict[str, _Column]) -> None:
        self.followed: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        there = mapping.headers
        if not {"account_id", "start_on", "end_on"} <= there.keys() or not seen[there["end_on"]].months:
            return
        account, start, end = (table.header.index(there[name]) for name in ("account_id", "start_on", "end_on"))
        months, begun = seen[there["end_on"]].months, Memo(read_dated, mapping.date_order, "first")
        starts: dict[str, set[int]] = {}
        spans: list[tuple[str, int, int]] = []
        for _, cells in table.rows():
            day = begun[cells[start]]
            if type(day) is not date:
                continue
            number = month_number(day)
            starts.setdefault(cells[account].strip(), set()).add(number)
            if (named := months.get(cells[end].strip())) is not None and named[0] == named[1]:
                until = named[0]
                spans.append((cells[account].strip(), number, until))
                if day.day == 1:
                    length = until - number
                    self.whole["first"] += length > 0 and length % 12 == 0
                    self.whole["last"] += length > 0 and (length + 1) % 12 == 0
        ordered = {name: sorted(numbers) for name, numbers in starts.items()}
        for name, first, until in spans:
            place = bisect_right(ordered[name], first)
            after = ordered[name][place] if place < len(ordered[name]) else None
            if after is not None and after - until in (0, 1):
                self.followed["first" if after == until else "last"] += 1


def _decided(
    header: str, target: str, column: _Column, seen: dict[str, _Column], dated: dict[str, str], rows: _Rows | None, said: str | None
) -> MonthDays:  # fmt: skip
    example = next(iter(column.months))
    kind = "quarters" if all(first != last for first, last in column.months.values()) else "months"
    sentences = [f"{len(column.months):,} of {column.filled:,} values are {kind} without a day, as '{example}'."]
    votes: list[tuple[Counter[str], str]] = []
    if target == "end_on" and rows:
        votes.append((rows.followed, "{first:,} successors start in the month of the end, {last:,} in the month after"))
        votes.append((rows.whole, "{first:,} terms are whole years if the end is the first of its month, {last:,} if it is the last"))
    votes.append((Counter(first=column.firsts, last=column.lasts), "of the days beside them, {first:,} are the first of a month, {last:,} the last"))
    if is_end(header, target):
        others = [seen[h] for h, t in dated.items() if h != header and is_end(h, t)]
        edges = Counter(first=sum(o.firsts for o in others), last=sum(o.lasts for o in others))
        votes.append((edges, "in other columns of ends {first:,} days are the first of a month, {last:,} the last"))
    edge = None
    for vote, words in votes:
        total = vote["first"] + vote["last"]
        if total:
            text = words.format(first=vote["first"], last=vote["last"])
            sentences.append(f"{text[0].upper()}{text[1:]}.")
        best = max(EDGES, key=lambda each: vote[each])
        if edge is None and total and vote[best] >= MAJORITY * total:
            edge = best
    usual = "last" if is_end(header, target) else "first"
    if edge is None:
        sentences.append(f"Nothing else says which day is meant: {'an end' if usual == 'last' else 'such a day'} is mostly {_MEANS[usual]}.")
    return MonthDays(said or edge or usual, len(column.months), column.filled, example, tuple(sentences), bool(said or edge))


def notes_of(found: dict[str, MonthDays]) -> Iterable[tuple[str, str]]:
    """(what it is about, a sentence for whoever looks at the table)"""
    for header, days in found.items():
        yield f"months {header}", f"{header}: {days.verdict[0].lower()}{days.verdict[1:]}"
