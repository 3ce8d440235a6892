"""What the firm's CRM says of its sales: the opportunities behind what accounts bought, and those that came to nothing, or have not begun.

The record is as such records are: some growth nobody wrote down, some deals came out smaller than they were sold, and a few were never billed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from laer.sources.demo.deals import CENT, Contract, Life
from laer.sources.demo.market import DISCOUNTER, MONTHS

GRACE = 30  # days after which a return is a new sale, not a late renewal
LOST = ("Price", "No budget", "Lost to competitor", "No decision", "Missing feature", "Timing")
OPEN = ("Discovery", "Evaluation", "Proposal", "Negotiation")


@dataclass
class Sale:
    life: Life
    motion: str
    stage: str
    arr: Decimal
    created: date
    qualified: date | None
    closed: date  # of an open one the day that is hoped for
    starts: date | None = None
    contract: Contract | None = None
    lost_reason: str | None = None

    @property
    def name(self) -> str:
        what = {"land": "new business", "expand": "expansion", "renew": "renewal"}[self.motion]
        return f"{self.life.profile.name} – {what} {self.closed.year}"


def sales(life: Life, rng: Random, as_of: date) -> Iterator[Sale]:
    """The opportunities of one account, those of which nothing was known on `as_of` left out."""
    if life.profile.sparse:
        return
    paid = False
    for day, before, rise in _rises(life):
        contract = next((c for c in life.contracts if c.start == day), None)
        motion = "land" if not before else "expand"
        signed = contract.signed if contract else day - timedelta(days=rng.randint(0, 25))
        unrecorded = rng.random() < (0.03 if motion == "land" else 0.3) or (before and contract and rise < before / 12)  # a yearly uplift is no sale
        paid = True
        if not unrecorded and signed <= as_of:
            yield _won(life, rng, motion, _sold(life, rng, rise), signed, day, contract)
    for contract in life.contracts:
        if contract.name.startswith("Renewal") and contract.signed <= as_of:
            yield _won(life, rng, "renew", _arr_on(life, contract.start), contract.signed, contract.start, contract)
    if paid and rng.random() < 0.35:
        yield from _beside(life, rng, as_of)
    if not paid:
        yield from _courted(life, rng, as_of)


def _rises(life: Life) -> Iterator[tuple[date, Decimal, Decimal]]:
    """The days on which the account came to pay more: day, ARR before, and by how much it rose. A late renewal is compared with the term before."""
    for day in sorted({line.start for sub in life.subs for line in sub.lines if line.amount}):
        before = _arr_on(life, day - timedelta(days=1))
        ended = max((line.end for sub in life.subs for line in sub.lines if line.end and line.end < day), default=None)
        if not before and ended and (day - ended).days <= GRACE:
            before = _arr_on(life, ended - timedelta(days=1))
        rise = _arr_on(life, day) - before
        if rise > 0:
            yield day, before, rise


def _arr_on(life: Life, day: date) -> Decimal:
    live = ((sub, line) for sub in life.subs for line in sub.lines if line.start <= day and (line.end is None or day < line.end))
    return sum((line.amount * 12 / MONTHS[sub.interval] for sub, line in live), Decimal(0))


def _sold(life: Life, rng: Random, rise: Decimal) -> Decimal:
    """What the record says was sold: mostly what came, at times more than came, seldom less."""
    draw, more = rng.random(), 0.32 if life.profile.seller is DISCOUNTER else 0.1
    factor = rng.uniform(1.06, 1.4) if draw < more else rng.uniform(0.75, 0.95) if draw > 0.96 else 1.0
    return (rise * Decimal(str(round(factor, 3)))).quantize(CENT)


def _won(life: Life, rng: Random, motion: str, arr: Decimal, signed: date, starts: date, contract: Contract | None) -> Sale:
    created = signed - timedelta(days=rng.randint(24, 120) if motion == "land" else rng.randint(6, 60))
    qualified = created + timedelta(days=rng.randint(2, 5 + (signed - created).days // 3))
    return Sale(life, motion, "Closed Won", arr, created, min(qualified, signed), signed, starts, contract)


def _beside(life: Life, rng: Random, as_of: date) -> Iterator[Sale]:
    """Growth that was offered to a customer and declined, is being talked about, was signed for next month, or sold and never set up."""
    now, draw = _arr_on(life, as_of), rng.random()
    arr = (now * Decimal(str(round(rng.uniform(0.08, 0.3), 3)))).quantize(CENT)
    if not arr:
        return
    if draw < 0.62:
        closed = as_of - timedelta(days=rng.randint(3, 600))
        yield Sale(life, "expand", "Closed Lost", arr, closed - timedelta(days=rng.randint(8, 70)), None, closed, lost_reason=rng.choice(LOST))
    elif draw < 0.85:
        created = as_of - timedelta(days=rng.randint(2, 60))
        yield Sale(life, "expand", rng.choice(OPEN), arr, created, None, as_of + timedelta(days=rng.randint(5, 90)))
    elif draw < 0.94:
        signed = as_of - timedelta(days=rng.randint(0, 24))
        yield _won(life, rng, "expand", arr, signed, as_of + timedelta(days=rng.randint(6, 50)), None)
    else:
        signed = as_of - timedelta(days=rng.randint(4, 200))
        yield _won(life, rng, "expand", arr, signed, signed, None)


def _courted(life: Life, rng: Random, as_of: date) -> Iterator[Sale]:
    """A prospect: lost, in the pipeline, or signed and about to begin."""
    profile, draw = life.profile, rng.random()
    arr = Decimal(profile.segment.seats[0] * 500 + profile.employees * 3).quantize(CENT)
    created = profile.signed_up
    if (as_of - created).days > 160:
        closed = created + timedelta(days=rng.randint(40, 150))
        yield Sale(life, "land", "Closed Lost", arr, created, created + timedelta(days=12), closed, lost_reason=rng.choice(LOST))
    elif draw < 0.35 and (as_of - created).days > 25:
        yield Sale(
            life,
            "land",
            "Closed Won",
            arr,
            created,
            created + timedelta(days=9),
            as_of - timedelta(days=rng.randint(1, 20)),
            as_of + timedelta(days=rng.randint(4, 45)),
        )
    else:
        yield Sale(life, "land", rng.choice(OPEN), arr, created, created + timedelta(days=9), as_of + timedelta(days=rng.randint(10, 100)))
