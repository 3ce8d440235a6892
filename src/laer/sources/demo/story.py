"""The story of one account, told term by term: what it signs, how it grows or shrinks, whether it renews, how it leaves or returns.

Nothing is told that was not known on the day of the demo: a renewal signed but not yet begun is, one not yet signed is not.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from laer.sources.demo.deals import CENT, Contract, Discount, Life, Line, Profile, Sub
from laer.sources.demo.endings import departure, renewal_dates, risk
from laer.sources.demo.market import DISCOUNTER, EXTRAS, FIELD, PLAN_PRICE, PLANNER, PLANS
from laer.sources.demo.seasons import add_months
from laer.sources.demo.voices import DISCOUNT_REASONS


def live(profile: Profile, rng: Random, as_of: date) -> Life:
    """The account's life up to `as_of`: one relationship, or a second one after a departure."""
    life = Life(profile)
    if profile.first_paid is None and not profile.sparse and rng.random() < 0.4:
        _try_out(life, rng, as_of)
    start, comeback = profile.first_paid, False
    while start is not None and start <= as_of:
        start, comeback = Relationship(life, rng, as_of, start, comeback).run(), True
    return life


def _try_out(life: Life, rng: Random, as_of: date) -> None:
    """A prospect's free trial of thirty days."""
    start = life.profile.signed_up + _days(rng.randint(0, 4))
    end = start + _days(30)
    trial = Sub(PLANNER, "monthly", Decimal(0), rng.choice((3, 5, 5, 10)), "Growth")
    if start < as_of:
        status = "trialing" if end > as_of else "expired"
        trial.lines.append(Line(start, end, "Growth", trial.seats, Decimal(0), Decimal(0), None, False, status, is_trial=True))
        life.subs.append(trial)


def _days(number: int) -> timedelta:
    return timedelta(days=number)


class Relationship:
    """From a first order until the account leaves, or until `as_of`."""

    def __init__(self, life: Life, rng: Random, as_of: date, start: date, comeback: bool) -> None:
        self.life, self.rng, self.as_of, self.start, self.comeback = life, rng, as_of, start, comeback
        self.profile, self.segment = life.profile, life.profile.segment
        self.fit = min(0.95, self.profile.fit + (0.15 if comeback else 0.0))
        self.contract: Contract | None = None
        self.discount: Discount | None = None
        self.term = rng.choices(*self.segment.terms)[0]
        self.core = self._first_order()
        self.subs = [self.core]

    def run(self) -> date | None:
        """Tell it; the day on which the account comes back, or None."""
        rng = self.rng
        day, term = self.start, self.term
        self._sign(day, term, day - _days(rng.randint(2, 24)))
        for sub in self.subs:
            sub.begin(day, self.contract, self._auto_renews())
        self.life.subs.append(self.core)
        if rng.random() < self.segment.extras * 0.55:
            self._add_extra(day)
        self._first_discount(day)
        while True:
            end = add_months(day, term or 12)
            leaves = rng.random() < risk(self.profile, self.fit, term)
            if leaves:
                if not term:
                    end = add_months(day, rng.randint(2, 12))
                elif rng.random() < 0.06:
                    end = add_months(day, rng.randint(5, term))
                return self._leave(day, end)
            renewed, signed = renewal_dates(rng, self.contract, end, term)
            self._happen_within(day, min(renewed, end))
            if signed > self.as_of:
                if end <= self.as_of and term:
                    self._lapse(end)
                elif rng.random() < 0.05:
                    self._dip(day)
                return None
            term = self._renew(end, renewed, signed, term)
            day = renewed

    # what is signed

    def _first_order(self) -> Sub:
        low, high = self.segment.seats
        seats = round(low + (high - low) * self.profile.size**self.segment.skew)
        if self.comeback:
            seats = max(3, round(seats * self.rng.uniform(0.6, 0.95)))
        plan = self.rng.choices(PLANS, self.segment.plans)[0]
        interval = self.rng.choices(*self.segment.intervals)[0] if self.term else "monthly"
        return Sub(PLANNER, interval, (PLAN_PRICE[plan] * self.segment.price).quantize(CENT), seats, plan)

    def _sign(self, start: date, term: int, signed: date, *, renewal: bool = False, rolled: bool = False) -> None:
        if not term:
            self.contract = None
            return
        rng, end = self.rng, add_months(start, term)
        auto = rolled or rng.random() < self.segment.auto_renews
        notice = end - _days(rng.choice((30, 60, 90) if self.segment.large else (30, 30, 60))) if auto or rng.random() < 0.4 else None
        years = f"{start.year}" if start.year == end.year else f"{start.year}-{end.year}"
        name = f"{'Auto-renewal' if rolled else 'Renewal' if renewal else 'Order form'} {years}"
        if self.contract:
            self.contract.status = "renewed"
        self.contract = Contract(name, signed, start, end, term, notice, auto, "signed" if start > self.as_of else "active")
        self.life.contracts.append(self.contract)

    def _auto_renews(self) -> bool:
        return self.contract.auto_renews if self.contract else True

    def _give(self, day: date, percent: int, end: date | None, reason: str) -> None:
        """A discount on the core subscription from `day`; a discount in force ends there."""
        if self.discount and (self.discount.end is None or self.discount.end > day):
            self.discount.end = day
        self.core.discount = percent
        self.discount = Discount(self.core, percent, day, end, reason) if percent else None
        if self.discount:
            self.life.discounts.append(self.discount)

    def _first_discount(self, day: date) -> None:
        rng, seller = self.rng, self.profile.seller
        if rng.random() >= seller.discounted:
            return
        percent = rng.randint(*seller.percent)
        percent = 5 * round(percent / 5) if rng.random() < 0.7 else percent
        term_end = self.contract.end if self.contract else add_months(day, 12)
        draw = rng.random()
        if seller is DISCOUNTER:
            reason, end = rng.choice(DISCOUNT_REASONS["discounter"]), term_end if draw < 0.8 else add_months(day, 6)
        elif draw < 0.45:
            reason, end = rng.choice(DISCOUNT_REASONS["lasting"] if self.term > 12 else DISCOUNT_REASONS["lasting"][:2]), None
        else:
            reason, end = rng.choice(DISCOUNT_REASONS["usual"]), add_months(day, rng.choice((3, 6, 6))) if draw < 0.7 else term_end
        self._give(day, percent, end, reason)
        self.core.change(day)

    # what happens within a term

    def _happen_within(self, day: date, until: date, quiet_from: date | None = None) -> None:
        """Growth in mid-term, in the order of the days, none from `quiet_from` on; introductory discounts run out."""
        rng, first, last = self.rng, day + _days(50), min(quiet_from or until - _days(12), self.as_of)
        events: list[tuple[date, str]] = []
        if self.discount and self.discount.end and self.discount.end < until and self.discount.end <= self.as_of:
            events.append((self.discount.end, "discount"))
        years, at = max(0.0, (until - day).days / 365), max(0.0, self.fit - 0.2)
        for kind, rate in (("seats", 1.55), ("upgrade", 0.15), ("extra", 0.9 * self.segment.extras), ("fewer", 0.03)):
            for _ in range(3):
                when = day + _days(int(rng.random() * max(1, (until - day).days)))
                if rng.random() < rate * years * (at if kind != "fewer" else 1) / 3 and first <= when <= last:
                    events.append((when, kind))
        for when, kind in sorted(events):
            self._change_terms(when, kind)

    def _change_terms(self, day: date, kind: str) -> None:
        rng, core = self.rng, self.core
        if kind == "seats":
            core.seats += max(1, round(core.seats * rng.triangular(0.06, 0.36, 0.14)))
        elif kind == "fewer":
            core.seats = max(2, core.seats - max(1, round(core.seats * rng.triangular(0.07, 0.4, 0.18))))
        elif kind in ("upgrade", "downgrade"):
            plan = PLANS[max(0, min(2, PLANS.index(core.plan or "Growth") + (1 if kind == "upgrade" else -1)))]
            core.unit = (core.unit * PLAN_PRICE[plan] / PLAN_PRICE[core.plan or "Growth"]).quantize(CENT)
            core.plan = plan
        elif kind == "extra":
            return self._add_extra(day)
        elif kind == "discount":
            self.discount, core.discount = None, 0
        core.change(day)
        return None

    def _add_extra(self, day: date) -> None:
        free = [product for product in EXTRAS if all(sub.product is not product for sub in self.subs)]
        if not free:
            return
        product = self.rng.choice(free)
        seats = max(2, round(self.core.seats * (self.rng.uniform(0.3, 0.8) if product is FIELD else 1)))
        sub = Sub(product, self.core.interval, (product.price * self.segment.price).quantize(CENT), seats)
        sub.begin(day, self.contract, self._auto_renews())
        self.subs.append(sub)
        self.life.subs.append(sub)

    def _dip(self, day: date) -> None:
        start = max(day, self.as_of - _days(self.rng.randint(60, 500)))
        self.life.dips.append((start, start + _days(self.rng.randint(25, 55))))

    # what happens at the end of a term

    def _renew(self, end: date, renewed: date, signed: date, term: int) -> int:
        """Sign the next term, with what changes on its first day; months of the term."""
        rng, rolled = self.rng, signed == end and renewed == end
        length = term if rolled or rng.random() < 0.75 else rng.choices(*self.segment.terms)[0] or term
        if renewed > end:
            for sub in self.subs:
                sub.stop(end, "expired")
        self._sign(renewed, length, signed, renewal=True, rolled=rolled and bool(term))
        self._reprice(renewed)
        late = renewed > end
        for sub in list(self.subs):
            if sub is not self.core and rng.random() < 0.07:
                self.subs.remove(sub)
                if not late:
                    sub.stop(renewed, "cancelled")
                continue
            if late:
                sub.begin(renewed, self.contract, self._auto_renews())
            else:
                sub.move(renewed, self.contract, self._auto_renews())
        draw = rng.random()
        shrink = 0.15 - 0.12 * self.fit
        if draw < shrink:
            self._change_terms(renewed, "downgrade" if draw < shrink * 0.25 and self.core.plan != "Starter" else "fewer")
        elif draw > 1 - 0.55 * max(0.0, self.fit - 0.1):
            self._change_terms(renewed, "seats")
        return length

    def _reprice(self, day: date) -> None:
        """The yearly uplift, and what becomes of a discount that was for the first term."""
        rng = self.rng
        uplift = Decimal(rng.choice((0, 0, 2, 3, 3, 4, 5, 5, 6)))
        for sub in self.subs:
            sub.unit = (sub.unit * (100 + uplift) / 100).quantize(CENT)
        if self.discount and self.discount.end is not None:
            percent = self.core.discount
            again = round(percent * 0.55) if percent >= 20 else 0
            self._give(day, again, add_months(day, 12) if again else None, DISCOUNT_REASONS["renewal"][0 if again else 1])

    def _lapse(self, end: date) -> None:
        """Past its end, neither renewed nor cancelled: a renewal that is still being talked about."""
        for sub in self.subs:
            sub.stop(end, "expired")
        if self.contract:
            self.contract.status = "expired"
        if self.discount and (self.discount.end is None or self.discount.end > end):
            self.discount.end = end

    def _leave(self, day: date, end: date) -> date | None:
        rng, contract = self.rng, self.contract
        self._happen_within(day, end, quiet_from=day + (end - day) / 2)
        notice = contract.notice if contract and contract.notice and contract.notice < end else end - _days(rng.randint(6, 26))
        notified = max(day + _days(7), notice - _days(rng.randint(0, 20)))
        if notified > self.as_of:
            return None
        lost = Decimal(str(round(self.life.mrr_on(min(notified, end - _days(1))), 2)))
        for sub in self.subs:
            sub.stop(end, "cancelled")
        if contract:
            contract.status = "cancelled"
            contract.notice = contract.notice if contract.notice and contract.notice <= end else None
        if self.discount and (self.discount.end is None or self.discount.end > end):
            self.discount.end = end
        churn = departure(self.profile, rng, notified, end, lost)
        self.life.churns.append(churn)
        returns = rng.random() < (0.17 if churn.reason in ("value", "price", "people change", "payment", "product gap") else 0.0)
        return end + _days(rng.randint(60, 180)) if returns and not self.comeback else None
