"""Which contract goes on where another ends (rules 9 and 10): stated by a link, else read from dates and products, never guessed."""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from laer.records.periods import FAR, date_of, day_number

GONE = ("cancelled", "canceled", "churned", "terminated", "lost", "not renewed", "non renewal", "ended")
DRAFT = ("draft", "proposed", "proposal", "in approval", "in approval process", "pending approval", "in negotiation", "quote")
MONTHLY = 1  # a term of one month is never due
LONGEST = 120  # months of a term; more is a slip of the pen
LAST_YEAR = 7000  # beyond it a day is open


@dataclass(frozen=True)
class Term:
    """A contract as the ledger needs it: days as numbers, the end exclusive, FAR where it has none."""

    contract: int
    account: int
    start: int | None
    end: int
    signed: int | None
    months: int
    auto: bool | None
    cancelled: int | None
    gone: bool
    renews: int | None
    name: str | None = None
    monthly: bool = False
    draft: bool = False

    @property
    def never_was(self) -> bool:
        """Not signed yet, or gone before it began, as far as its own words say."""
        return self.gone or self.draft or (self.cancelled is not None and self.start is not None and self.cancelled <= self.start)

    @property
    def rolls(self) -> bool:
        """Renews by itself."""
        return bool(self.auto) or (self.monthly and self.auto is not False)

    def anniversary(self, least: int) -> int:
        """The first end of this term or of one that it rolled on to, not before a day."""
        if least <= self.end or self.end == FAR:
            return self.end
        if date_of(least).year >= LAST_YEAR:
            return FAR
        first, then = date_of(self.end), date_of(least)
        terms = max(1, ((then.year - first.year) * 12 + then.month - first.month) // self.months)
        while (day := day_number(later(first, terms * self.months))) < least:
            terms += 1
        return day

    def turns_on(self, day: int) -> bool:
        """Whether a term ends on the day, or on the one beside it: the one stated, or one that it rolled on to."""
        if abs(day - self.end) <= 1:
            return True
        return self.rolls and day > self.end and day < FAR and abs(self.anniversary(day - 1) - day) <= 1

    @property
    def stop(self) -> int:
        """When it ends for good as far as somebody said so: with the term in which notice was given; FAR for one that rolls on."""
        if not self.rolls:
            return self.end
        if self.cancelled is None:
            return self.end if self.gone else FAR
        return self.anniversary(self.cancelled)


def terms_of(contracts: pa.Table, begun: Mapping[int, int]) -> dict[int, Term]:
    """Contracts as terms; what has no end can only follow another.

    In   begun  contract -> first day of its lines, for those that do not say when they start
    """
    found = {}
    names = ("contract_id", "account_id", "name", "start_on", "end_on", "signed_on", "term_months", "auto_renews", "cancelled_on", "status", "renews_id")
    for contract, account, name, start, end, signed, stated, auto, cancelled, status, renews in zip(*(contracts[c].to_pylist() for c in names), strict=True):
        word = " ".join((status or "").lower().replace("_", " ").split())
        counted = _months(start, end)
        months = counted or 12 if stated is None or not 1 <= stated <= LONGEST else stated
        monthly = months == MONTHLY and counted in (None, MONTHLY)
        until = FAR if end is None else min(day_number(end), FAR)
        first = begun.get(contract) if start is None else day_number(start)
        found[contract] = Term(
            contract, account, first, until, _day(signed), min(months, LONGEST), auto, _day(cancelled), word in GONE, renews, name, monthly, word in DRAFT
        )  # fmt: skip
    return found


def successors(terms: Mapping[int, Term], products: Mapping[int, set[int]], grace: int) -> dict[int, Term]:
    """Contract -> the one that goes on where it ends.

    In   products  contract -> products of its lines, where they say any;  grace  days within which a term may be followed

    A link (`renews_id`) decides. Else a contract that starts as the term ends, or within the grace; else the next one
    after it, unless that goes on where another ended. A term that rolls on by itself is followed only on one of its
    turning days. What ran beside it from before its end goes on by itself. Contracts with lines for wholly different
    products never follow one another, and one without lines that was cancelled, lost or never signed follows none.
    """
    found: dict[int, Term] = {}
    terms = {number: term for number, term in terms.items() if number in products or not term.never_was}
    linked = sorted((t for t in terms.values() if t.renews in terms), key=lambda t: (t.start is None, t.start, t.contract), reverse=True)
    for term in linked:
        if term.renews is not None and term.renews != term.contract:
            found[term.renews] = term  # of several the one that starts first
    by_account: dict[int, list[Term]] = {}
    for term in terms.values():
        by_account.setdefault(term.account, []).append(term)
    for own in by_account.values():
        if len(own) > 1:
            _infer(own, products, grace, found)
    return found


def _infer(own: list[Term], products: Mapping[int, set[int]], grace: int, found: dict[int, Term]) -> None:
    dated = sorted(((t.start, t.contract, t) for t in own if t.start is not None and t.renews is None), key=lambda row: row[:2])
    firsts = [start for start, _, _ in dated]
    ended = sorted((t for t in own if t.end < FAR and t.contract not in found), key=lambda t: (t.end, t.contract))
    claimed: set[int] = set()
    for term in ended:
        if term.start is None:  # known by its end alone, and stated again with a later one
            newer = (t for t in ended if t.start is None and t.renews is None and t.end > term.end and t.contract > term.contract)
            following = min(newer, key=lambda t: t.contract, default=None)
        elif term.rolls:
            following = _turn(term, dated, firsts, products)
        else:
            following = next((t for t in _from(dated, firsts, term.end - 1, term.end + grace) if _may_follow(term, t, products)), None)
        if following is not None:
            found[term.contract] = following
            claimed.add(following.contract)
    for term in ended:
        if term.contract not in found and term.start is not None and not term.rolls:
            later_ones = _from(dated, firsts, term.end + grace + 1, FAR)
            following = next((t for t in later_ones if t.contract not in claimed and _may_follow(term, t, products)), None)
            if following is not None:
                found[term.contract] = following


def _turn(term: Term, dated: list[tuple[int, int, Term]], firsts: list[int], products: Mapping[int, set[int]]) -> Term | None:
    for other in _from(dated, firsts, term.end - 1, FAR):
        if other.start is None or other.start > term.stop + 1 or not _may_follow(term, other, products) or not term.turns_on(other.start):
            continue
        known = products.get(term.contract, set()) & products.get(other.contract, set())
        if not term.monthly or other.monthly or known:  # every day of a month is a turning day of something: that alone says nothing
            return other
    return None


def _from(dated: list[tuple[int, int, Term]], firsts: list[int], least: int, most: int) -> Iterable[Term]:
    for start, _, term in dated[bisect_left(firsts, least) :]:
        if start > most:
            return
        yield term


def _may_follow(term: Term, other: Term, products: Mapping[int, set[int]]) -> bool:
    if other.contract == term.contract or other.end <= term.end:
        return False
    ours, theirs = products.get(term.contract), products.get(other.contract)
    return not ours or not theirs or bool(ours & theirs)


def products_of(lines: pa.Table) -> dict[int, set[int]]:
    """Contract -> products of its lines, empty where they name none; contracts without a line are missing."""
    pairs = lines.select(["contract_id", "product_id"]).filter(pc.is_valid(lines["contract_id"])).group_by(["contract_id", "product_id"]).aggregate([])
    found: dict[int, set[int]] = {}
    for contract, product in zip(pairs["contract_id"].to_pylist(), pairs["product_id"].to_pylist(), strict=True):
        there = found.setdefault(contract, set())
        if product is not None:
            there.add(product)
    return found


def later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _day(value: date | None) -> int | None:
    return None if value is None else day_number(value)


def _months(start: date | None, end: date | None) -> int | None:
    if start is None or end is None:
        return None
    return max(1, round(((end - start).days + 1) / 30.44)) if end > start else None
