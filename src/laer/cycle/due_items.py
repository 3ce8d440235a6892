"""What fell due and what became of it: one row per account and due day, contracts of one day merged, for the renewal rates.

Which contract goes on where another ends, and from which day, is the ledger's own answer (`terms.counting`), so that rates
and movements cannot disagree. What a customer signed beside it within the grace, for the same product families, counts too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from laer.cycle.ledger import LedgerInput
from laer.cycle.terms import BACK, LATE, LOST, RENEWED, Counting, Outcome
from laer.records.periods import FAR
from laer.renew.calls import LOST as CALLED_LOST
from laer.renew.calls import worst
from laer.renew.outcomes import Families, added, kept

SIGNED, AUTOMATIC, GONE = "signed", "automatic", "lost"
EFFORT = 180  # days before the due day in which time spent is the renewal's
LEADS = (30, 60, 90)  # days before the due day on which the call that stands is looked at
WARNED = 90  # days before a loss by which it had to be flagged, so as to be no surprise
LOW = (0, 1)  # levels of a pulse that are no green


@dataclass(frozen=True)
class Lot:
    """A line of the ledger: where it stands, its product family, and the days between which it counts."""

    place: int
    contract: int | None
    family: object
    start: int
    end: int
    parts: int


class Lots:
    """The lines of an account: by contract, and by the day on which they begin."""

    def __init__(self, lots: list[Lot]) -> None:
        self.of: dict[int | None, list[Lot]] = {}
        for lot in lots:
            self.of.setdefault(lot.contract, []).append(lot)
        self._begun = sorted(lots, key=lambda lot: lot.start)

    def behind(self, contract: int) -> list[Lot]:
        """A contract's own lines, else those that name no contract."""
        return self.of.get(contract) or self.of.get(None, [])

    def begin(self, first: int, last: int) -> list[Lot]:
        """Those that begin between two days, both counted."""
        return self._begun[bisect_left(self._begun, first, key=lambda lot: lot.start) : bisect_right(self._begun, last, key=lambda lot: lot.start)]


@dataclass
class Part:
    """One contract's share of what fell due on a day. settled: the day on which the outcome was known, FAR while it is not."""

    contract: int
    before: dict[int, Lot]
    result: str | None
    settled: int
    named: bool = False
    after: dict[int, Lot] = field(default_factory=dict)
    signed: int | None = None
    left: int = FAR
    notice: int | None = None
    decided: int | None = None


@dataclass(frozen=True)
class Called:
    """A person's call: on which day, what, and how much of the ARR due they expect to go on (None: all of it)."""

    day: int
    category: str
    amount: float | None


@dataclass(frozen=True)
class Around:
    """What happened around a due day, sorted by day: minutes of touches, levels of pulses and notices of leaving, by account; calls by contract
    and the day on which it falls due."""

    touches: Mapping[int, list[tuple[int, int | None]]]
    pulses: Mapping[int, list[tuple[int, int]]]
    notices: Mapping[int, list[tuple[int, int]]]
    calls: Mapping[tuple[int, int], list[Called]] = field(default_factory=dict)

    def standing(self, contract: int, due: int, day: int) -> Called | None:
        """What was expected of a contract on a day: the last call by then."""
        calls = self.calls.get((contract, due), [])
        place = bisect_right(calls, day, key=_called_on)
        return calls[place - 1] if place else None

    def minutes(self, account: int, due: int) -> int | None:
        """Time spent on the account in the days before; None where no touch says how long it took."""
        days = self.touches.get(account, [])
        spent = [m for _, m in days[bisect_left(days, due - EFFORT, key=_day) : bisect_left(days, due, key=_day)] if m is not None]
        return sum(spent) if spent else None

    def worked(self, account: int, due: int) -> list[int]:
        """The days of the touches of those days, one each."""
        days = self.touches.get(account, [])
        return [day for day, _ in days[bisect_left(days, due - EFFORT, key=_day) : bisect_left(days, due, key=_day)]]

    @cached_property
    def logged_since(self) -> int:
        """The first day on which the firm logged a touch at all; FAR where it never did. Before it, none means nothing."""
        return min((days[0][0] for days in self.touches.values() if days), default=FAR)

    def flagged(self, account: int, left: int) -> bool:
        """Whether the last pulse was not green, or a departure announced, `WARNED` days before the account left."""
        day = left - WARNED
        pulses = self.pulses.get(account, [])
        place = bisect_right(pulses, day, key=_day)
        low = bool(place) and pulses[place - 1][1] in LOW
        return low or any(known <= day < effective for known, effective in self.notices.get(account, []))


NONE = Lots([])


def _day(row: tuple[int, Any]) -> int:
    return row[0]


def _called_on(call: Called) -> int:
    return call.day


def due_items(when: Counting, lines: pa.Table, given: LedgerInput, products: pa.Table, notice: Mapping[int, int | None], around: Around,
              grace: int, hi: int) -> dict[str, list[Any]]:  # fmt: skip
    """Columns of the input `renewals`: the terms of which the last day is over at the end of a day.

    In      lines  record_subscription_lines;  given  the ledger's lines;  notice  contract -> day of notice;  hi  the last day that is asked for
    """
    family = dict(zip(products["product_id"].to_pylist(), products["family"].to_pylist(), strict=True))
    lots = _lots(lines, given, family, {o.term.account for o in when.outcomes.values()})
    claimed = {o.successor.contract for o in when.outcomes.values() if o.successor is not None}
    items: dict[tuple[int, int], list[Part]] = {}
    shown = {row["contract_id"] for row in when.renewals}
    for number, outcome in when.outcomes.items():
        if number in shown and not outcome.term.draft:
            for due, part in _parts(outcome, lots.get(outcome.term.account, NONE), notice.get(number), grace, hi):
                items.setdefault((outcome.term.account, due), []).append(part)
    for (account, due), parts in items.items():
        _take_beside(parts, lots.get(account, NONE).begin(due - 1, due + grace), claimed)
    rows = [_row(account, due, parts, around, given.denominator) for (account, due), parts in sorted(items.items())]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _lots(lines: pa.Table, given: LedgerInput, family: Mapping[int, str | None], accounts: set[int]) -> dict[int, Lots]:
    contract_of = dict(zip(lines["line_id"].to_pylist(), lines["contract_id"].to_pylist(), strict=True))
    found: dict[int, list[Lot]] = {}
    columns = ("line_id", "account_id", "product_id", "start_d", "end_d", "parts")
    for place, (line, account, product, start, end, parts) in enumerate(zip(*(given.lines[c].to_pylist() for c in columns), strict=True)):
        if account in accounts:
            of = None if product is None else family.get(product) or product
            found.setdefault(account, []).append(Lot(place, contract_of.get(line), of, start, end, int(parts)))
    return {account: Lots(own) for account, own in found.items()}


def _parts(outcome: Outcome, lots: Lots, notice: int | None, grace: int, hi: int) -> Iterator[tuple[int, Part]]:
    """A contract on each day on which it fell due: one that renews by itself on every turning day until it ended, or went on under another."""
    term = outcome.term
    own = lots.behind(term.contract)
    if not term.rolls:
        if term.end <= hi + 1:
            yield term.end, _part(outcome, term.end, own, lots, notice, grace)
        return
    day, since = term.end, term.start
    while day <= hi + 1 and day < FAR:
        if outcome.until <= day + 1:
            yield day, _part(outcome, day, own, lots, notice, grace)
            return
        before, after = _paid_last(own, day - 1, since), _alive(own, day)
        if after or not own:
            yield day, Part(term.contract, before, AUTOMATIC, day, True, after, notice=notice)
        elif before:  # nobody cancelled it, and its lines are over all the same
            yield day, Part(term.contract, before, GONE, day, left=min(day, max(lot.end for lot in before.values())), notice=notice)
        following = term.anniversary(day + 1)
        notice = None if notice is None else notice + following - day
        day, since = following, day


def _part(outcome: Outcome, due: int, own: list[Lot], lots: Lots, notice: int | None, grace: int) -> Part:
    term, state = outcome.term, outcome.state
    cut = min(due, outcome.until)
    before = _paid_last(own, cut - 1, term.start)
    left = min(due, max((lot.end for lot in before.values()), default=due))
    if state not in (RENEWED, LATE):
        known = due + (0 if term.gone or term.cancelled is not None else grace + 1)
        open_still = state not in (LOST, BACK)
        return Part(term.contract, before, None if open_still else GONE, FAR if open_still else known, left=left, notice=notice, decided=term.cancelled)
    successor = outcome.successor
    named = successor is not None and successor.renews == term.contract
    after = _renewed(outcome, own, lots, grace)
    signed = successor.signed if successor is not None else None
    # A source may write each term as a contract of its own; of one that renews by itself it had, where nobody signed before.
    by_itself = term.rolls and (signed is None or signed >= due)
    first = due if by_itself else outcome.until if signed is None else signed
    decided = signed if signed is not None else successor.start if successor is not None and successor.start is not None and successor.start < due else None
    return Part(term.contract, before, AUTOMATIC if by_itself else SIGNED, max(due, first), named, after, signed, left, notice, decided)


def _take_beside(parts: list[Part], begun: list[Lot], claimed: set[int]) -> None:
    """What nothing links and begins there for the same product families renews too, unless it goes on where another contract ended."""
    unnamed = [part for part in parts if part.result in (SIGNED, AUTOMATIC) and not part.named]
    if unnamed:
        families = {lot.family for part in unnamed for lot in part.before.values()} - {None}
        own = {part.contract for part in parts}
        unnamed[0].after |= {lot.place: lot for lot in begun if lot.family in families and lot.contract not in own and lot.contract not in claimed}


def _renewed(outcome: Outcome, own: list[Lot], lots: Lots, grace: int) -> dict[int, Lot]:
    """The lines that go on: the successor's, or those of before where it has none of its own; or lines without a contract that begin there."""
    day, successor = outcome.until, outcome.successor
    if successor is None:
        families = {lot.family for lot in own}
        alike = [lot for lot in lots.begin(day, day + grace) if lot.contract is None and (lot.family is None or None in families or lot.family in families)]
        return {lot.place: lot for lot in alike if lot.start < lot.end}
    theirs = lots.of.get(successor.contract)
    if not theirs:
        return _alive(own, day)
    begun = min((lot.start for lot in theirs if lot.end > max(day, lot.start)), default=day)
    return _alive(theirs, max(day, begun) if begun <= day + grace else day)


def _paid_last(own: list[Lot], last: int, begins: int | None) -> dict[int, Lot]:
    """Lines on the last day of the term; of one that was left before, on its last paid day."""
    if there := _alive(own, last):
        return there
    paid = [min(lot.end - 1, last) for lot in own if lot.parts > 0 and lot.start < lot.end and lot.start <= last]
    return _alive(own, max(paid)) if paid and begins is not None and max(paid) >= begins else {}


def _alive(lots: Iterable[Lot], day: int) -> dict[int, Lot]:
    return {lot.place: lot for lot in lots if lot.start <= day < lot.end}


def _families(lots: Mapping[int, Lot]) -> Families:
    found: dict[object, int] = {}
    for lot in lots.values():
        found[lot.family] = found.get(lot.family, 0) + lot.parts
    return found


def _row(account: int, due: int, parts: list[Part], around: Around, denominator: int) -> dict[str, Any]:
    """Contracts of one day as one: open while one of them is, renewed where one was."""
    results = {part.result for part in parts}
    result = None if None in results else SIGNED if SIGNED in results else AUTOMATIC if AUTOMATIC in results else GONE
    before: dict[int, Lot] = {}
    gross = 0
    of_named: Families = {}
    after: dict[int, Lot] = {}
    for part in parts:  # a line stands behind one of them
        before |= {place: lot for place, lot in part.before.items() if place not in before}
        after |= part.after
    what_was = _families(before)
    if len(parts) == 1 or not any(part.named for part in parts):
        gross = kept(what_was, _families(after), named=parts[0].named)
    else:
        # What a contract names is measured whole, what is left of the day by its families.
        named = {place for part in parts if part.named for place in part.after}
        due_named = _families({p: lot for part in parts if part.named for p, lot in part.before.items()})
        rest_due = _families({p: lot for p, lot in before.items() if not any(part.named and p in part.before for part in parts)})
        of_named = added(of_named, _families({p: lot for p, lot in after.items() if p in named}))
        gross = kept(due_named, of_named, named=True) + kept(rest_due, _families({p: lot for p, lot in after.items() if p not in named}), named=False)
    total, net = sum(what_was.values()), max(0, sum(lot.parts for lot in after.values()))
    gross = min(gross, total, net)
    known = result is not None
    there = bool(before)

    def yearly(amount: int) -> float:
        return float(amount) * 12 / denominator

    return {
        "account_id": account, "item": min(part.contract for part in parts), "contracts": len(parts), "due_d": due, "ends_d": due - 1,
        "settled_d": max(part.settled for part in parts), "result": result, "due": yearly(total) if there else None,
        "kept": yearly(gross) if known and there else None, "renewed": yearly(net) if known and there else None,
        "on_time": _on_time(result, parts, due), "expanded": float(net > total) if result == SIGNED and there else None,
        "notice_missed": _missed(parts), "flagged": around.flagged(account, min(part.left for part in parts)), "minutes": around.minutes(account, due),
        **_worked(account, due, around, max(part.settled for part in parts)), **_called(parts, around, due, yearly),
    }  # fmt: skip


def _on_time(result: str | None, parts: list[Part], due: int) -> float | None:
    """Whether it was signed by its last day; None where no signature is known, or it renewed by itself."""
    if result == GONE:
        return 0.0
    signed = [part.signed for part in parts if part.result == SIGNED]
    if result != SIGNED or None in signed:
        return None
    return float(max(day for day in signed if day is not None) < due)


def _missed(parts: list[Part]) -> float | None:
    """Whether the day of notice went by and nobody had signed or cancelled; None where no such day is known, or not when it was decided."""
    dated = [part for part in parts if part.notice is not None and part.result is not None]
    if not dated:
        return None
    if any(part.result == SIGNED and part.decided is None for part in dated):
        return None
    return float(any(part.decided is None or part.decided > part.notice for part in dated if part.notice is not None))


def _worked(account: int, due: int, around: Around, settled: int) -> dict[str, Any]:
    """Touches in the EFFORT days before, unknown where the firm began to log them later; days from the first of them until it was settled."""
    days = around.worked(account, due)
    logged = around.logged_since <= due - EFFORT
    return {"touches": len(days) if logged else None, "days": float(max(0, settled - days[0])) if days and settled < FAR else None}


def _called(parts: list[Part], around: Around, due: int, yearly: Callable[[int], float]) -> dict[str, Any]:
    """What was expected of it on each of the LEADS, and how much of what was due: unknown where one of its contracts had no call."""
    found: dict[str, Any] = {}
    for lead in LEADS:
        calls = [(part, around.standing(part.contract, due, due - lead)) for part in parts]
        category = worst([None if call is None else call.category for _part, call in calls])
        expected = [_expected(call, yearly(sum(_families(part.before).values()))) for part, call in calls if call is not None]
        found |= {f"call_{lead}": category, f"forecast_{lead}": None if category is None or not all(p.before for p in parts) else sum(expected)}
    return found


def _expected(call: Called, due: float) -> float:
    """Never more than what is due: what comes on top is growth."""
    return 0.0 if call.category == CALLED_LOST else due if call.amount is None else max(0.0, min(call.amount, due))
