"""What a line counts from day to day: its discounts end, it rests, its trial becomes paid (rules 3, 5 and 15).

A line is cut at the days on which any of these begins or ends; each stretch between two such days has one MRR. Pure
functions over day numbers and exact fractions; a line without any of these is one stretch, and need not come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from laer.metrics.lines import lowers
from laer.metrics.policy import Policy
from laer.records.periods import FAR

EVEN = 72 * 10**9  # denominators that amounts and intervals have; others would make the common one of a whole book too long
NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Reduction:
    """A discount that a line's amount does not have in it yet: a share of what it would be without, or MRR off it.

    duration  in plain words; `until` where it has an end and no word, '' where nothing is said
    """

    start: int
    end: int
    share: Fraction = NOTHING
    off: Fraction = NOTHING
    duration: str = ""


@dataclass(frozen=True, slots=True)
class Changing:
    """A line with what changes it.

    start, end    days between which it counts
    stated_end    the end that its source states, or that of its contract: what counts after it counts as before it
    mrr           as stated, so after the discount that it has in it
    list_mrr      before that discount; None where there is none
    until         first day without that discount
    lowered       whether the policy lets that discount lower MRR
    reductions    discounts that it does not have in it
    pauses        (first day, day of the return)
    paid_from     first day after the trial
    """

    start: int
    end: int
    stated_end: int
    mrr: Fraction
    list_mrr: Fraction | None = None
    until: int = FAR
    lowered: bool = True
    reductions: tuple[Reduction, ...] = ()
    pauses: tuple[tuple[int, int], ...] = ()
    paid_from: int | None = None

    @property
    def points(self) -> Iterator[int]:
        """Days on which it may change. A discount's end counts only before the stated end: what goes on after it goes on at the earlier MRR (rule 9)."""
        ends = (self.until, *(day for r in self.reductions for day in (r.start, r.end)))
        yield from (day for day in ends if day < self.stated_end)
        yield from (day for pause in self.pauses for day in pause)
        if self.paid_from is not None:
            yield self.paid_from


@dataclass(frozen=True, slots=True)
class Stretch:
    """mrr  what counts;  list_mrr  before every discount;  held  MRR that a pause rests upon, None outside one"""

    start: int
    end: int
    mrr: Fraction
    list_mrr: Fraction
    held: Fraction | None = None


def stretches(line: Changing, policy: Policy) -> list[Stretch]:
    """The line in its stretches, in order and without gaps.

    Holds   the first starts and the last ends with the line; neighbours differ
    Method  docs/methods/discounts-and-pauses.md
    """
    if line.start >= line.end:
        return [Stretch(line.start, line.end, *_level(line, line.start, policy))]
    days = sorted({line.start, *(day for day in line.points if line.start < day < line.end)})
    found: list[Stretch] = []
    for start, end in zip(days, [*days[1:], line.end], strict=True):
        level = _level(line, start, policy)
        if found and (found[-1].mrr, found[-1].list_mrr, found[-1].held) == level:
            found[-1] = Stretch(found[-1].start, end, *level)
        else:
            found.append(Stretch(start, end, *level))
    return found


def _level(line: Changing, day: int, policy: Policy) -> tuple[Fraction, Fraction, Fraction | None]:
    """MRR, MRR before discounts, and what a pause holds, on one day."""
    if line.paid_from is not None and day < line.paid_from:
        return NOTHING, NOTHING, None
    day_of_terms = min(day, line.stated_end - 1)
    discounted = line.lowered and day_of_terms < line.until
    listed = line.mrr if line.list_mrr is None else line.list_mrr
    mrr = line.mrr if discounted else listed
    there = [r for r in line.reductions if r.start <= day_of_terms < r.end and lowers(r.duration, policy) is not False]
    for reduction in there:
        mrr *= 1 - reduction.share
    mrr = max(NOTHING, mrr - sum((r.off for r in there), NOTHING)) if there else mrr
    mrr = even(mrr)
    if any(first <= day < back for first, back in line.pauses):
        return NOTHING if policy.pause == "churn" else mrr, listed, mrr
    return mrr, listed, None


def even(amount: Fraction) -> Fraction:
    """The amount, to nine decimals where its denominator is an odd one (rule 14)."""
    return amount if EVEN % amount.denominator == 0 else Fraction(round(amount * 10**9), 10**9)


def shared(off: Fraction, start: int, end: int, duration: str, lines: Iterable[tuple[int, int, int, Fraction]]) -> dict[int, list[Reduction]]:
    """An amount off all that an account pays, as amounts off its lines: by their MRR, on each day among those that run.

    In   lines  (name, start, end, MRR)
    Holds   on every day between start and end on which a line runs, the amounts sum to `off`
    """
    running = [(name, max(start, first), min(end, last), mrr) for name, first, last, mrr in lines if mrr > 0 and max(start, first) < min(end, last)]
    days = sorted({day for _, first, last, _ in running for day in (first, last)})
    found: dict[int, list[Reduction]] = {}
    for first, last in pairwise(days):
        there = [(name, mrr) for name, begun, over, mrr in running if begun <= first < over]
        total, left = sum((mrr for _, mrr in there), NOTHING), off
        for place, (name, mrr) in enumerate(there, 1):
            part = left if place == len(there) else Fraction(round(off * mrr / total * 10**9), 10**9)
            left -= part
            found.setdefault(name, []).append(Reduction(first, last, off=part, duration=duration))
    return found
