"""What the people of the invented firm did and have to do: touches over the kept history, how they saw each account, what they wrote, their tasks.

A book with too many accounts, and an account that will leave, get fewer touches; the months before a renewal and the first ones get more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from laer.sources.demo.deals import Churn, Life
from laer.sources.demo.market import OVERLOADED, Person
from laer.sources.demo.support import spells
from laer.sources.demo.tasks_told import DONE_TASKS, NEXT_TASKS, NOTES, OWN_TASKS, PULSE_REASONS, SUMMARIES, TaskTold

RATE = {"Enterprise": 2.6, "Mid-market": 1.3, "SMB": 0.6, "Startup": 0.35}  # touches a month with an account that fares well
KINDS = (("mail", "call", "meeting", "chat"), (44, 30, 20, 6))
MINUTES = {"mail": (5, 15), "call": (15, 45), "meeting": (30, 90), "chat": (3, 12)}
DONE_DAYS = 120  # how far back the tasks that are done go
OPEN_EACH, DONE_EACH = 13, 26  # tasks of a person with a book


@dataclass(frozen=True)
class Touched:
    """One contact with an account; `account` and `person` are keys."""

    account: str
    person: str
    kind: str
    at: datetime
    minutes: int
    sentiment: str | None
    direction: str
    summary: str


@dataclass(frozen=True)
class Todo:
    """A task. `account` None belongs to none, `person` None to whoever tries the demo out."""

    account: str | None
    person: str | None
    title: str
    detail: str
    due: date | None
    priority: int
    created: datetime
    done: datetime | None
    checklist: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class Pulsed:
    account: str
    day: date
    colour: str
    reason: str | None


@dataclass(frozen=True)
class Noted:
    account: str
    day: date
    text: str


def touches(life: Life, rng: Random, as_of: date) -> Iterator[Touched]:
    """Contacts with an account while it was a customer, oldest first."""
    profile = life.profile
    if profile.sparse:
        return
    for start, end, ending in spells(life, as_of):
        churn = next((one for one in life.churns if one.effective == ending), None)
        rate = RATE[profile.segment.name] * (0.45 if profile.csm is OVERLOADED else 1.0) * (0.55 if churn else 1.0) / 30
        day = start
        while day < end:
            pace = rate * _pace(life, day, start, churn)
            day += timedelta(days=max(1, round(rng.expovariate(pace)))) if pace > 0.0005 else timedelta(days=60)
            if day < end and day.weekday() < 5:
                yield _touch(life, rng, day, churn)


def _pace(life: Life, day: date, start: date, churn: Churn | None) -> float:
    """How much more or less often than usual somebody is in touch on a day."""
    if churn and churn.notified <= day:
        return 2.0  # a departure was announced: now everybody calls
    if churn and (churn.notified - day).days < 150:
        return 0.3  # the silence before it
    if (day - start).days < 90 and start == life.profile.first_paid:
        return 2.2
    due = min(((contract.end - day).days for contract in life.contracts if contract.end > day), default=999)
    return 1.7 if due < 60 else 1.0


def _touch(life: Life, rng: Random, day: date, churn: Churn | None) -> Touched:
    profile = life.profile
    kind = rng.choices(*KINDS)[0]
    low, high = MINUTES[kind]
    minutes = rng.randrange(low, high + 1, 5 if low >= 5 else 1)
    soured = churn is not None and (churn.notified - day).days < 90
    mood = rng.gauss(0.15 + 0.75 * profile.fit - (0.9 if soured else 0.0), 0.35)
    sentiment = None if kind == "mail" and rng.random() < 0.5 else "good" if mood > 0.6 else "bad" if mood < 0.1 else "neutral"
    person = profile.csm if rng.random() < 0.9 else profile.seller.person
    local = datetime.combine(day, time(rng.choice((8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 16)), rng.choice((0, 10, 15, 30, 40, 45))), UTC)
    direction = "in" if rng.random() < (0.35 if kind in ("mail", "chat") else 0.12) else "out"
    summary = rng.choice(SUMMARIES[sentiment or "neutral"]) if rng.random() < 0.7 else ""
    return Touched(profile.key, person.key, kind, local - timedelta(hours=profile.country.utc), minutes, sentiment, direction, summary)


def pulses(life: Life, rng: Random, as_of: date) -> Iterator[Pulsed]:
    """How its CSM saw a larger account, about once a quarter; they see a departure coming in some cases only."""
    profile = life.profile
    if profile.sparse or not profile.segment.large:
        return
    for start, end, ending in spells(life, as_of):
        churn = next((one for one in life.churns if one.effective == ending), None)
        day = start + timedelta(days=rng.randint(30, 90))
        sees = rng.random() < 0.55
        while day < end:
            worry = bool(churn) and sees and (churn.notified - day).days < 150 if churn else False
            known = churn is not None and churn.notified <= day
            level = profile.fit + rng.gauss(0.12, 0.16) - (0.35 if worry else 0.0)
            colour = "red" if known or level < 0.3 else "yellow" if level < 0.52 else "green"
            yield Pulsed(profile.key, day, colour, rng.choice(PULSE_REASONS[colour]) if rng.random() < 0.8 else None)
            day += timedelta(days=rng.randint(70, 115))


def notes(life: Life, rng: Random, as_of: date) -> Iterator[Noted]:
    """What was written on it, in Markdown: a few a year on a larger account."""
    profile = life.profile
    if profile.sparse:
        return
    for start, end, _ending in spells(life, as_of):
        years = (end - start).days / 365
        for _ in range(int(years * (3.0 if profile.segment.large else 0.6) + rng.random())):
            yield Noted(profile.key, start + timedelta(days=rng.randrange(max(1, (end - start).days))), rng.choice(NOTES))


def todos(lives: list[Life], rng: Random, as_of: date) -> Iterator[Todo]:
    """Tasks of everybody with a book: some overdue, some due, many done; and those of whoever tries the demo out."""
    books: dict[str, tuple[Person, list[Life]]] = {}
    for life in lives:
        if life.profile.first_paid and not life.profile.sparse and not any(one.effective <= as_of for one in life.churns):
            books.setdefault(life.profile.csm.key, (life.profile.csm, []))[1].append(life)
    for person, book in books.values():
        late = 2.2 if person is OVERLOADED else 1.0
        for place in range(round(OPEN_EACH * late)):
            chance = (1.0, 0.0)[place] if place < 2 else 0.45 if person is OVERLOADED else 0.2  # one is overdue for certain, one is not
            yield _open(rng, as_of, rng.choice(book).profile.key, person.key, rng.choice(NEXT_TASKS), chance)
        for _ in range(round(DONE_EACH / late)):
            yield _done(rng, as_of, rng.choice(book).profile.key, person.key, rng.choice(DONE_TASKS))
    everybody = [life.profile.key for _person, book in books.values() for life in book]
    if not everybody:
        return
    for place, told in enumerate(OWN_TASKS):
        due = (-9, -2, 0, 0, 1, 3, 6, 14, None)[place % 9]
        created = _instant(as_of - timedelta(days=12 + place), rng)
        account = rng.choice(everybody) if told.of_account else None
        yield Todo(account, None, told.title, told.detail, None if due is None else as_of + timedelta(days=due), told.priority, created, None, _list(told, rng, 0.4))
    for told in DONE_TASKS[:6]:
        yield _done(rng, as_of, rng.choice(everybody), None, told)


def _open(rng: Random, as_of: date, account: str, person: str, told: TaskTold, late: float) -> Todo:
    dice = rng.random()
    days: int | None = -rng.randint(1, 24) if dice < late else 0 if dice < late + 0.12 else rng.randint(1, 7) if dice < late + 0.42 else rng.randint(8, 50)
    if 0 < late < 1 and rng.random() < 0.08:
        days = None
    created = _instant(as_of - timedelta(days=rng.randint(2, 30) + max(0, -(days or 0))), rng)
    due = None if days is None else as_of + timedelta(days=days)
    return Todo(account, person, told.title, told.detail, due, told.priority, created, None, _list(told, rng, 0.4))


def _done(rng: Random, as_of: date, account: str, person: str | None, told: TaskTold) -> Todo:
    ended = as_of - timedelta(days=rng.randint(1, DONE_DAYS))
    due = ended + timedelta(days=rng.choice((-6, -2, -1, 0, 0, 1, 3, 5)))
    created = _instant(min(due, ended) - timedelta(days=rng.randint(3, 25)), rng)
    return Todo(account, person, told.title, told.detail, due, told.priority, created, _instant(ended, rng), _list(told, rng, 1.0))


def _list(told: TaskTold, rng: Random, ticked: float) -> list[dict[str, object]]:
    """The checklist, its first items ticked."""
    upto = len(told.checklist) if ticked >= 1 else round(len(told.checklist) * rng.random() * ticked)
    return [{"text": text, "done": place < upto} for place, text in enumerate(told.checklist)]


def _instant(day: date, rng: Random) -> datetime:
    return datetime.combine(day, time(rng.randint(8, 16), rng.randint(0, 59)), UTC)
