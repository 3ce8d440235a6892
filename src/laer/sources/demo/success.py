"""Onboarding and outcomes of the invented firm: plans by segment with their steps, some late, some standing still; what was promised, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from laer.sources.demo.deals import Life

LENGTHS = {"Enterprise": 130, "Mid-market": 75, "SMB": 40, "Startup": 25}  # planned days
STEPS = (  # phase, title, where it is due as a share of the plan, who does it
    ("Welcome & align", "Kickoff held", 0.05, "us"),
    ("Welcome & align", "Outcomes and success date agreed", 0.10, "customer"),
    ("Set up", "Access and single sign-on", 0.20, "customer"),
    ("Set up", "Data connected", 0.30, "customer"),
    ("Set up", "Administrators trained", 0.35, "us"),
    ("First value", "One use case live", 0.45, "us"),
    ("First value", "First win logged", 0.50, "us"),
    ("Roll out", "Teams invited and trained", 0.70, "us"),
    ("Roll out", "60 % of the seats active", 0.80, "customer"),
    ("Prove & hand over", "Outcome measured", 0.95, "us"),
    ("Prove & hand over", "Outcome confirmed, adoption plan agreed", 1.0, "customer"),
)
STANDS = 300  # days: no plan of a customer who stayed stands open for longer
SHORT = (0, 1, 3, 5, 8)  # the steps of a small customer's plan
OUTCOMES = (  # what customers of a planning tool want: title, unit, baseline, share of it that is promised
    ("Planners spend less time on the weekly plan", "hours a week", (8, 24), 0.5),
    ("Fewer jobs start late", "% of jobs", (12, 35), 0.6),
    ("Overtime goes down", "hours a month", (60, 400), 0.7),
    ("The month's figures are there sooner", "days", (6, 14), 0.5),
    ("More jobs per crew", "jobs a week", (14, 40), 1.2),
)


@dataclass
class Step:
    phase: str
    title: str
    due: date
    done: date | None
    side: str
    skipped: bool = False


@dataclass
class Plan:
    life: Life
    started: date
    planned: date
    completed: date | None
    steps: list[Step] = field(default_factory=list)
    key: str = ""


@dataclass
class Promise:
    life: Life
    title: str
    promised: date
    baseline: int
    target: int
    unit: str
    due: date
    reached: date | None
    confirmed: date | None


def plan(life: Life, rng: Random, as_of: date) -> Plan | None:
    """The onboarding of an account, from its first paid day; some small ones never had one."""
    profile = life.profile
    if profile.first_paid is None or profile.sparse or (not profile.segment.large and rng.random() < 0.15):
        return None
    started = profile.first_paid + timedelta(days=rng.randint(1, 9))
    if started > as_of:
        return None
    length = LENGTHS[profile.segment.name]
    made = Plan(life, started, started + timedelta(days=length), None)
    pace = rng.uniform(0.68, 1.0) + max(0.0, rng.gauss(0.75 - profile.fit, 0.3)) * 0.6
    halt = rng.uniform(0.2, 0.8) if rng.random() < 0.13 - 0.08 * profile.fit else 2.0  # where it comes to a stand, if anywhere
    if started < as_of - timedelta(days=STANDS):  # by now somebody has moved, or closed it
        halt = 2.0
    left = min((churn.notified for churn in life.churns), default=as_of)
    for place, (phase, title, share, side) in enumerate(STEPS):
        if not profile.segment.large and place not in SHORT:
            continue
        slack = rng.uniform(0.9, 1.12) * pace * (1.1 if side == "customer" else 1.0)
        done = started + timedelta(days=max(1, round(share * length * slack)))
        ends = min(as_of, left)
        due = started + timedelta(days=round(share * length))
        made.steps.append(Step(phase, title, due, done if done <= ends and share <= halt else None, side, rng.random() < 0.03))
    if all(step.done for step in made.steps):
        made.completed = max(step.done for step in made.steps if step.done)
    return made


def promises(life: Life, rng: Random, as_of: date) -> Iterator[Promise]:
    """What the account bought it for: one to three outcomes of a large one, at most one of a small one."""
    profile = life.profile
    if profile.first_paid is None or profile.sparse or profile.first_paid > as_of:
        return
    count = rng.randint(1, 3) if profile.segment.large else int(rng.random() < 0.7)
    left = min((churn.effective for churn in life.churns), default=None)
    for title, unit, (low, high), share in rng.sample(OUTCOMES, count):
        promised = profile.first_paid - timedelta(days=rng.randint(0, 20))
        due = promised + timedelta(days=rng.choice((90, 120, 180, 180, 270, 360)))
        baseline = rng.randint(low, high)
        reached = promised + timedelta(days=round((due - promised).days * rng.uniform(0.6, 1.5)))
        there = rng.random() < 0.25 + 0.65 * profile.fit and reached <= as_of and (left is None or reached < left)
        confirmed = reached + timedelta(days=rng.randint(3, 40))
        said = there and rng.random() < 0.65 and confirmed <= as_of
        yield Promise(life, title, promised, baseline, max(1, round(baseline * share)), unit, due, reached if there else None, confirmed if said else None)


def assigned(life: Life, rng: Random, as_of: date) -> tuple[date, int] | None:
    """How many of its seats an account has given to somebody, as the product counts them on the last of the days; None where it says nothing."""
    seats = sum(line.seats for sub in life.subs[:1] for line in sub.lines if line.start <= as_of and (line.end is None or as_of < line.end) and not line.is_trial)
    if not seats or life.profile.sparse:
        return None
    return as_of - timedelta(days=rng.randint(0, 6)), round(seats * min(1.12, max(0.1, rng.gauss(0.45 + 0.5 * life.profile.fit, 0.17))))
