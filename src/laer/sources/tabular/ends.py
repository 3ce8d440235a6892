"""What the end date of a line means, by evidence over the whole column (rule 1 of the ledger's policy).

`exclusive`: the first day that is not paid for, on which a successor starts. `inclusive`: the last paid day, so that a
successor starts on the day after. Where successors say nothing, a header may (`renewal date`, `paid through`), then terms
that are whole months under one reading only, then ends on the last or the first of a month.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.intervals import months_between

FEWEST = 3  # lines that must speak
MAJORITY = 0.9  # share of those that speak for one meaning
TELLING = 0.2  # share of successive lines that must touch, else the touching ones are chance
MEANING = {"inclusive": "the end is the last paid day", "exclusive": "the end is the first unpaid day", None: "that does not say whether the end is paid"}
ENDED, RENEWED, NEAR = 10, 0.8, 31  # terms that are over, share of them with a row for the next, days within which that begins
MONTHLY = 0.8  # share of ends on a month's edge that speaks without successors


_FIRST_UNPAID = frozenset({"renewal", "renews", "renew"})  # the first day of the next term
_LAST_PAID = frozenset({"through", "last", "inclusive"})


@dataclass(frozen=True)
class EndEvidence:
    """share_on_end     of the lines with a successor, those whose successor starts on the end
    share_day_after  those whose successor starts on the day after
    share_month_end  of all ends, those on the last of a month
    decided          exclusive, inclusive, or None (ask)
    sentence         the evidence in words
    ends             lines with an end
    followed         those of them with a successor; on_end, day_after: whose successor starts then
    month_ends       ends on the last of a month; month_firsts: on the first
    whole_exclusive  terms that are whole months if the end is not paid for; whole_inclusive: if it is
    example          account, start ('' where it is not said), end and start of its successor ('' where it has none) of one line
    alone            the file says ends without starts, such as when contracts fall due
    over             ends up to the last start in the file; renewed: those of them after which a row goes on; until: that last start
    """

    share_on_end: float
    share_day_after: float
    share_month_end: float
    decided: str | None
    sentence: str
    ends: int = 0
    followed: int = 0
    on_end: int = 0
    day_after: int = 0
    month_ends: int = 0
    month_firsts: int = 0
    whole_exclusive: int = 0
    whole_inclusive: int = 0
    example: tuple[str, ...] = ()
    alone: bool = False
    over: int = 0
    renewed: int = 0
    until: str = ""

    @property
    def rows_renew(self) -> bool:
        """Whether the file has a row for each renewal: then a term that was over when it was written, and has none, ended."""
        return self.over >= ENDED and self.renewed >= RENEWED * self.over

    @property
    def counts(self) -> tuple[str, ...]:
        """The evidence in sentences with counts."""
        said = []
        if self.followed:
            said.append(
                f"{self.day_after:,} of {self.followed:,} successors start on the day after the end"
                + (f", {self.on_end:,} on the end itself." if self.on_end else ", none on the end itself.")
            )
        elif self.ends and not self.alone:
            said.append("No line with an end has a successor.")
        if self.ends:
            said.append(f"{self.month_ends:,} of {self.ends:,} ends are the last of a month, {self.month_firsts:,} the first.")
        if self.whole_exclusive or self.whole_inclusive:
            said.append(_whole(self.whole_exclusive, self.whole_inclusive, self.ends))
        if self.rows_renew and self.renewed < self.over:
            said.append(f"{self.renewed:,} of {self.over:,} terms that were over by {self.until} have a row for the next: those that have none ended.")
        return tuple(said)

    def effect(self, end: str) -> str:
        """What a reading would make of the successors: gaps that look like churn, or days that count twice. Of ends alone, when they fall due."""
        if self.alone:
            return "It falls due on that day." if end == "exclusive" else "It falls due on the day after."
        if end == "exclusive":
            gaps = f"{self.day_after:,} one-day gap{'' if self.day_after == 1 else 's'}"
            return f"{gaps}: as many churns and reactivations that may never have happened." if self.day_after else "No successor begins after a gap of a day."
        overlaps = f"{self.on_end:,} line{'' if self.on_end == 1 else 's'} would overlap the next by a day"
        return f"{overlaps}, on which both count." if self.on_end else "No line would overlap the next."


def end_evidence(rows: Iterable[tuple[str, date, date | None]], header: str = "") -> EndEvidence:
    """Weigh (account, start, end) of every line. One pass; keeps the days of each account, nothing else.

    A line's successor is the first line of the same account that starts on or after its end.

    In     header   name of the column of ends, which may say it itself
    """
    starts: dict[str, list[int]] = {}
    ends: dict[str, list[tuple[int, int]]] = {}
    seen = _Seen()
    for account, start, end in rows:
        starts.setdefault(account, []).append(start.toordinal())
        if end is not None and end.year < 2100:
            seen.ends += 1
            seen.month_ends += (end + timedelta(days=1)).day == 1
            seen.month_firsts += end.day == 1
            seen.tell(0, account, start.toordinal(), end.toordinal(), None)
            if end > start:
                seen.whole_exclusive += months_between(start, end).denominator == 1
                seen.whole_inclusive += end < date.max and months_between(start, end + timedelta(days=1)).denominator == 1
                ends.setdefault(account, []).append((end.toordinal(), start.toordinal()))
    latest = max((day for days in starts.values() for day in days), default=0)
    seen.until = date.fromordinal(latest).isoformat() if latest else ""
    for account, spans in ends.items():
        begun = sorted(starts[account])
        for last, first in spans:
            if last <= latest:
                seen.over += 1
                after = bisect_left(begun, max(last, first + 1))
                seen.renewed += after < len(begun) and begun[after] - last <= NEAR
            place = bisect_left(begun, last)
            if place < len(begun):
                seen.followed += 1
                seen.on_end += begun[place] == last
                seen.day_after += begun[place] == last + 1
                seen.tell(2 if begun[place] - last in (0, 1) else 1, account, first, last, begun[place])
    return _weigh(seen, _said_by_name(header))


def ends_alone(rows: Iterable[tuple[str, date]], header: str = "") -> EndEvidence:
    """Weigh (account, end) of rows that say no start: ends on the last of a month are last days of terms, whatever the column is called."""
    seen = _Seen()
    for account, end in rows:
        if end.year < 2100:
            seen.ends += 1
            seen.month_ends += (end + timedelta(days=1)).day == 1
            seen.month_firsts += end.day == 1
            seen.example = seen.example or (account, "", end.isoformat(), "")
    count, decided, named = seen.ends, None, _said_by_name(header)
    sentence = f"{seen.month_ends:,} of {count:,} ends are the last of a month, {seen.month_firsts:,} the first"
    if count >= FEWEST and seen.month_ends >= MONTHLY * count:
        decided = "inclusive"
    elif count >= FEWEST and seen.month_firsts >= MONTHLY * count:
        decided = "exclusive"
    elif count and named:
        decided, sentence = named, "The name of the column says so"
    share = seen.month_ends / max(count, 1)
    return EndEvidence(
        0.0, 0.0, share, decided, f"{sentence}: {MEANING[decided]}.", count, month_ends=seen.month_ends, month_firsts=seen.month_firsts,
        example=seen.example, alone=True,
    )  # fmt: skip


@dataclass
class _Seen:
    ends: int = 0
    followed: int = 0
    on_end: int = 0
    day_after: int = 0
    month_ends: int = 0
    month_firsts: int = 0
    whole_exclusive: int = 0
    whole_inclusive: int = 0
    telling: int = -1  # how much the example tells
    example: tuple[str, ...] = ()
    over: int = 0
    renewed: int = 0
    until: str = ""

    def tell(self, how_much: int, account: str, start: int, end: int, following: int | None) -> None:
        if how_much > self.telling:
            self.telling = how_much
            days = (date.fromordinal(day).isoformat() if day else "" for day in (start, end, following))
            self.example = (account, *days)


def _said_by_name(header: str) -> str | None:
    words = {*header_words(header).split(), *in_english(header_words(header)).split()}
    return "exclusive" if words & _FIRST_UNPAID else "inclusive" if words & _LAST_PAID else None


def _weigh(seen: _Seen, named: str | None) -> EndEvidence:
    count, followed, on_end, day_after, month_ends = seen.ends, seen.followed, seen.on_end, seen.day_after, seen.month_ends
    touching = on_end + day_after
    decided = None
    succession = f"Of {followed:,} lines with a successor, {day_after:,} are followed on the day after their end and {on_end:,} on the end itself"
    if touching >= FEWEST and touching >= TELLING * followed:
        sentence = succession
        if day_after >= MAJORITY * touching:
            decided = "inclusive"
        elif on_end >= MAJORITY * touching:
            decided = "exclusive"
    elif count > 1 and touching and day_after == touching == followed and month_ends == count:  # few, and both signs agree
        decided, sentence = "inclusive", f"{succession}, and every end is the last of a month"
    elif count > 1 and touching and on_end == touching == followed and seen.month_firsts == count:
        decided, sentence = "exclusive", f"{succession}, and every end is the first of a month"
    elif count and named:
        decided, sentence = named, "The name of the column says so"
    elif count and seen.whole_inclusive >= MONTHLY * count and not seen.whole_exclusive:
        decided, sentence = "inclusive", _whole(seen.whole_exclusive, seen.whole_inclusive, count)[:-1]
    elif count and seen.whole_exclusive >= MONTHLY * count and not seen.whole_inclusive:
        decided, sentence = "exclusive", _whole(seen.whole_exclusive, seen.whole_inclusive, count)[:-1]
    elif count >= FEWEST and month_ends >= MONTHLY * count:
        decided, sentence = "inclusive", f"{month_ends:,} of {count:,} ends are the last of a month"
    elif count >= FEWEST and seen.month_firsts >= MONTHLY * count:
        decided, sentence = "exclusive", f"{seen.month_firsts:,} of {count:,} ends are the first of a month"
    elif not count:
        sentence = "No line has an end"
    else:
        sentence = f"{succession}; {month_ends:,} of {count:,} ends are the last of a month"
    shares = (on_end / max(followed, 1), day_after / max(followed, 1), month_ends / max(count, 1))
    return EndEvidence(
        *shares, decided, f"{sentence}: {MEANING[decided]}.", count, followed, on_end, day_after, month_ends, seen.month_firsts,
        seen.whole_exclusive, seen.whole_inclusive, seen.example, over=seen.over, renewed=seen.renewed, until=seen.until,
    )  # fmt: skip


def _whole(exclusive: int, inclusive: int, count: int) -> str:
    return f"{exclusive:,} of {count:,} terms are whole months if the end is not paid for, {inclusive:,} if it is."
