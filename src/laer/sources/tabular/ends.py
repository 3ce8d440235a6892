"""What the end date of a line means, by evidence over the whole column (rule 1 of the ledger's policy).

`exclusive`: the first day that is not paid for, on which a successor starts. `inclusive`: the last paid day, so that a
successor starts on the day after. Where successors say nothing, ends on the last or the first of a month do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

FEWEST = 3  # lines that must speak
MAJORITY = 0.9  # share of those that speak for one meaning
TELLING = 0.2  # share of successive lines that must touch, else the touching ones are chance
MEANING = {"inclusive": "the end is the last paid day", "exclusive": "the end is the first unpaid day", None: "that does not say whether the end is paid"}
MONTHLY = 0.8  # share of ends on a month's edge that speaks without successors


@dataclass(frozen=True)
class EndEvidence:
    """share_on_end     of the lines with a successor, those whose successor starts on the end
    share_day_after  those whose successor starts on the day after
    share_month_end  of all ends, those on the last of a month
    decided          exclusive, inclusive, or None (ask)
    sentence         the evidence in words
    """

    share_on_end: float
    share_day_after: float
    share_month_end: float
    decided: str | None
    sentence: str


def end_evidence(rows: Iterable[tuple[str, date, date | None]]) -> EndEvidence:
    """Weigh (account, start, end) of every line. One pass; keeps the days of each account, nothing else.

    A line's successor is the first line of the same account that starts on or after its end.
    """
    starts: dict[str, list[int]] = {}
    ends: dict[str, list[int]] = {}
    count = month_ends = month_firsts = 0
    for account, start, end in rows:
        starts.setdefault(account, []).append(start.toordinal())
        if end is not None and end.year < 2100:
            count += 1
            month_ends += (end + timedelta(days=1)).day == 1
            month_firsts += end.day == 1
            if end > start:
                ends.setdefault(account, []).append(end.toordinal())
    followed = on_end = day_after = 0
    for account, last_days in ends.items():
        begun = sorted(starts[account])
        for day in last_days:
            place = bisect_left(begun, day)
            if place < len(begun):
                followed += 1
                on_end += begun[place] == day
                day_after += begun[place] == day + 1
    return _weigh(count, followed, on_end, day_after, month_ends, month_firsts)


def _weigh(count: int, followed: int, on_end: int, day_after: int, month_ends: int, month_firsts: int) -> EndEvidence:
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
    elif count > 1 and touching and on_end == touching == followed and month_firsts == count:
        decided, sentence = "exclusive", f"{succession}, and every end is the first of a month"
    elif count >= FEWEST and month_ends >= MONTHLY * count:
        decided, sentence = "inclusive", f"{month_ends:,} of {count:,} ends are the last of a month"
    elif count >= FEWEST and month_firsts >= MONTHLY * count:
        decided, sentence = "exclusive", f"{month_firsts:,} of {count:,} ends are the first of a month"
    elif not count:
        sentence = "No line has an end"
    else:
        sentence = f"{succession}; {month_ends:,} of {count:,} ends are the last of a month"
    shares = (on_end / max(followed, 1), day_after / max(followed, 1), month_ends / max(count, 1))
    return EndEvidence(*shares, decided, f"{sentence}: {MEANING[decided]}.")
