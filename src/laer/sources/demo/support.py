"""Tickets and answers to surveys: what the accounts asked for and what they said, mostly as their fit and their fate would have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from laer.sources.demo.cast import HISTORY, Contact
from laer.sources.demo.deals import Life
from laer.sources.demo.seasons import add_months
from laer.sources.demo.voices import PACE, PRIORITIES, SUBJECTS, csat_comment, nps_comment

SUBJECT_WEIGHTS = [subject[1] for subject in SUBJECTS]


@dataclass
class Ticket:
    life: Life
    contact: Contact | None
    subject: str
    opened: datetime
    closed: datetime | None
    status: str
    priority: str
    first_response: int | None
    hours: Decimal | None
    satisfaction: int | None
    escalated: bool
    key: str = ""


@dataclass
class Answer:
    life: Life
    contact: Contact | None
    kind: str
    score: int
    day: date
    comment: str | None


def tickets(life: Life, people: list[Contact], rng: Random, as_of: date) -> Iterator[Ticket]:
    """Tickets of the last two years: more in the first weeks, many before a departure that support or the product caused."""
    profile = life.profile
    if profile.sparse:
        return
    for start, end, ending in spells(life, as_of):
        troubled = [c for c in life.churns if c.reason in ("support", "product gap") and c.effective == ending]
        expected = profile.segment.tickets * (end - start).days / 365 * (1.25 - 0.4 * profile.fit)
        days = [start + timedelta(days=int(rng.random() * (end - start).days)) for _ in range(_about(rng, expected))]
        days += [start + timedelta(days=int(rng.random() * min(60, (end - start).days))) for _ in range(_about(rng, profile.segment.tickets / 6))]
        for churn in troubled:
            days += [churn.effective - timedelta(days=rng.randint(25, 130)) for _ in range(rng.randint(2, 5))]
        for day in sorted(days):
            if start <= day < end:
                yield _ticket(life, people, rng, day, as_of, bool(troubled) and (ending - day).days < 140)


def _ticket(life: Life, people: list[Contact], rng: Random, day: date, as_of: date, troubled: bool) -> Ticket:
    if day.weekday() > 4 and rng.random() < 0.8:
        day -= timedelta(days=2)
    contact = rng.choice(people) if people else None
    subject, _, weights = rng.choices(SUBJECTS, SUBJECT_WEIGHTS)[0]
    priority = rng.choices(PRIORITIES, weights)[0]
    local = datetime.combine(day, time(rng.choice((7, 8, 8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 16, 17)), rng.randint(0, 59)), UTC)
    opened = local - timedelta(hours=life.profile.country.utc)
    usual_hours, usual_minutes = PACE[priority]
    slow = 2.4 if troubled else 1.0
    hours = Decimal(str(round(max(0.3, rng.lognormvariate(0, 0.8) * usual_hours * slow), 1)))
    minutes = max(3, round(rng.lognormvariate(0, 0.7) * usual_minutes * slow))
    minutes = min(minutes, max(3, int(hours * 60)))
    now = datetime.combine(as_of, time(0), UTC)
    closed = opened + timedelta(hours=float(hours))
    escalated = rng.random() < (0.38 if troubled else 0.10 if priority in ("high", "urgent") else 0.015)
    answered = opened + timedelta(minutes=minutes) < now
    if closed >= now:
        status = "open" if rng.random() < 0.6 else "pending"
        return Ticket(
            life, contact, subject, min(opened, now - timedelta(minutes=30)), None, status, priority, minutes if answered else None, None, None, escalated
        )
    satisfaction = None
    if rng.random() < 0.4:
        satisfaction = max(1, min(5, round(rng.gauss(4.5 - 0.5 * escalated - 1.3 * troubled - (0.6 if hours > 2 * usual_hours else 0), 0.8))))
    return Ticket(life, contact, subject, opened, closed, "closed", priority, minutes, hours, satisfaction, escalated)


def answers(life: Life, people: list[Contact], asked: list[Ticket], rng: Random, as_of: date) -> Iterator[Answer]:
    """NPS twice a year from part of the contacts, CSAT after part of the tickets."""
    profile = life.profile
    for start, end, ending in spells(life, as_of):
        day = start + timedelta(days=rng.randint(60, 150))
        fading = next((c.fading_from for c in life.churns if c.fading_from and c.effective == ending), None)
        while day < end:
            for contact in people:
                answered = day + timedelta(days=rng.randint(0, 9))
                if rng.random() < 0.42 and answered < end:
                    mood = {"champion": 1.3, "detractor": -4.0, "user": -0.2, "economic buyer": -0.5}.get(contact.role, 0.0)
                    soured = 2.6 if fading and answered > fading - timedelta(days=40) else 0.0
                    score = max(0, min(10, round(rng.gauss(5.2 + 4.6 * profile.fit + mood - soured, 1.5))))
                    yield Answer(life, contact, "NPS", score, answered, nps_comment(rng, score))
            day += timedelta(days=rng.randint(170, 195))
    for ticket in asked:
        if ticket.satisfaction and ticket.closed and rng.random() < 0.75:
            answered = min(ticket.closed.date() + timedelta(days=rng.randint(0, 2)), as_of - timedelta(days=1))
            yield Answer(life, ticket.contact, "CSAT", ticket.satisfaction, max(answered, ticket.closed.date()), csat_comment(rng, ticket.satisfaction))


def spells(life: Life, as_of: date) -> Iterator[tuple[date, date, date]]:
    """From when to when the account was a customer, within the kept history, and the day on which it really ended."""
    if life.profile.first_paid is None:
        return
    since = add_months(as_of, -HISTORY)
    starts = [line.start for sub in life.subs for line in sub.lines]
    begun = min(starts, default=as_of)
    for churn in life.churns:
        if max(begun, since) < min(churn.effective, as_of):
            yield max(begun, since), min(churn.effective, as_of), churn.effective
        begun = min((start for start in starts if start >= churn.effective), default=as_of)
    if max(begun, since) < as_of:
        yield max(begun, since), as_of, date.max


def _about(rng: Random, expected: float) -> int:
    """A whole number that is `expected` on average and varies as counts do."""
    return max(0, int(rng.gauss(expected, expected**0.5 * 0.8) + rng.random()))
