"""What an account bought and when: contracts, subscriptions with their lines, discounts, departures; and the life that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from laer.sources.demo.market import MONTHS, Person, Product, Segment, Seller
from laer.sources.demo.names import Country

CENT = Decimal("0.01")


@dataclass(eq=False)
class Profile:
    """Who an account is, and what the records do not show: how well it suits the product (`fit`, 0 to 1).

    first_paid   None for a prospect
    size         where in its segment's range of seats the account starts, 0 to 1
    sparse       hardly anything is known of it
    """

    number: int
    name: str
    country: Country
    industry: str
    segment: Segment
    seller: Seller
    csm: Person
    fit: float
    size: float
    signed_up: date
    first_paid: date | None
    employees: int
    sparse: bool = False
    parent: Profile | None = None

    @property
    def key(self) -> str:
        return f"ACC-{self.number:04d}"


@dataclass(eq=False)
class Contract:
    name: str
    signed: date
    start: date
    end: date
    term: int
    notice: date | None
    auto_renews: bool
    status: str = "active"
    key: str = ""


@dataclass(eq=False)
class Line:
    start: date
    end: date | None
    plan: str | None
    seats: int
    list_amount: Decimal
    amount: Decimal
    contract: Contract | None
    auto_renews: bool | None
    status: str = "active"
    is_trial: bool = False


@dataclass(eq=False)
class Sub:
    """A subscription: its present terms, and the lines that its past terms left. `unit` is the list price of a seat and month."""

    product: Product
    interval: str
    unit: Decimal
    seats: int
    plan: str | None = None
    discount: int = 0
    lines: list[Line] = field(default_factory=list)
    key: str = ""

    def begin(self, day: date, contract: Contract | None, auto_renews: bool | None) -> None:
        listed = (self.unit * self.seats * MONTHS[self.interval]).quantize(CENT)
        amount = (listed * (100 - self.discount) / 100).quantize(CENT)
        self.lines.append(Line(day, None, self.plan, self.seats, listed, amount, contract, auto_renews))

    def stop(self, day: date, status: str) -> None:
        self.lines[-1].end, self.lines[-1].status = day, status

    def change(self, day: date) -> None:
        """The present terms hold from `day` on: the line in force ends on that day and the next starts, so that no day is lost or doubled."""
        last = self.lines[-1]
        self.move(day, last.contract, last.auto_renews)

    def move(self, day: date, contract: Contract | None, auto_renews: bool | None) -> None:
        """The present terms hold from `day` on, under that contract; a line that would say nothing new is not begun."""
        last = self.lines[-1]
        self.begin(day, contract, auto_renews)
        new = self.lines[-1]
        if (new.contract, new.plan, new.seats, new.list_amount, new.amount) == (last.contract, last.plan, last.seats, last.list_amount, last.amount):
            self.lines.pop()
        elif last.start == day:
            self.lines.remove(last)
        else:
            last.end, last.status = day, "ended"

    def mrr_on(self, day: date) -> float:
        return sum(float(line.amount) / MONTHS[self.interval] for line in self.lines if line.start <= day and (line.end is None or day < line.end))


@dataclass
class Discount:
    sub: Sub
    percent: int
    start: date
    end: date | None
    reason: str


@dataclass
class Churn:
    """A departure; `fading_from` is the day from which usage fades, where it gives a warning at all."""

    notified: date
    effective: date
    reason: str
    avoidable: bool
    competitor: str | None
    amount: Decimal
    text: str | None
    fading_from: date | None


@dataclass
class Life:
    """All that happened between an account and the firm."""

    profile: Profile
    subs: list[Sub] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    churns: list[Churn] = field(default_factory=list)
    dips: list[tuple[date, date]] = field(default_factory=list)  # usage fell and came back: false alarms

    def mrr_on(self, day: date) -> float:
        return sum(sub.mrr_on(day) for sub in self.subs)
