"""Contradictions between sources that touch a figure: they stand on it, with what each way out of them would make of it.

A contradiction is cheap to see (a count). What a way out changes is the ledger once more with that one thing changed, asked
like every other question: under a scope, in bounded time, remembered per run. Where the book is large it is asked on a click.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import partial
from math import lcm
from typing import Any

import pyarrow as pa
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max
from django.utils.translation import gettext, ngettext

from laer.cycle.otherwise import Handed
from laer.metrics.policy import load_policy
from laer.records.periods import day_number, first_day
from laer.sources.tabular.values import Unreadable, interval_factor
from laer.web.book import between
from laer.web.book.models import ChurnEvent, FieldChange, Question, SubscriptionLine
from laer.web.book.prepare import DISAGREES
from laer.web.book.scope import scope_of
from laer.web.people.models import User
from laer.web.runs import revenue
from laer.web.runs.both_ways import counted_anew
from laer.web.runs.desk import ask
from laer.web.runs.doctor import between as doubts_between
from laer.web.runs.doctor import lines as line_checks
from laer.web.runs.doctor.finding import Seen
from laer.web.runs.doctor.gaps import disagreeing
from laer.web.runs.doctor.labels import flagged_and_paying, unheeded
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.rates import rates_of
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

QUICK = 20_000  # lines up to which the effects are worked out by themselves
MOST = 5_000  # lines that state another amount, up to which they are read
STATED = re.compile(r"(\w+) (-?[\d.]+)$")
FIGURES = ("closing_mrr", "nrr_12m", "logo_churn_rate", "accounts_lost", "opening_accounts", "closing_accounts")
_memory = Memory(50)


@dataclass(frozen=True)
class WayOut:
    """One way to settle a contradiction. `effect` holds the figures then; None where it is not worked out."""

    label: str
    way: str = ""
    handed: Callable[[], Handed | None] | None = None
    basis: str = ""  # of churn (rule 20), where that is the way out: lines or events
    effect: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Contradiction:
    """What two sources say differently, which figures it touches, and the ways out beside the one that is shown."""

    id: str
    mark: str
    sentence: str
    shown: str  # the way that the page's figures take
    ways: tuple[WayOut, ...]
    touches: tuple[str, ...] = ("mrr", "nrr", "logo")
    details: Mapping[str, int] = field(default_factory=dict)

    @property
    def worked_out(self) -> bool:
        return all(way.effect is not None for way in self.ways)


def contradictions(
    user: User | AnonymousUser, run: PassRun, first: int, last: int, *, basis: str, movements: str = "event", work_out: bool = False
) -> list[Contradiction]:
    """What touches the figures of months first to last, under the person's scope, the heaviest first.

    Args
        basis     the basis of churn that the figures shown take
        work_out  every effect; without it the effect of the churn events only, and none at all in a large book
    """
    if not isinstance(user, User):
        return []
    quick = run.counts.get("lines", 0) <= QUICK
    found = []
    for one in _found(user, run, last, basis, with_lines=work_out or quick):
        if work_out or (quick and one.id == "churn_events"):
            one = replace(one, ways=tuple(_worked_out(way, user, run, first, last, basis, movements) for way in one.ways))
        found.append(one)
    return found


def works_itself_out(run: PassRun) -> bool:
    """Whether the page may ask for every effect once it is shown."""
    return bool(run.counts.get("lines", 0) <= QUICK)


def _found(user: User, run: PassRun, last: int, basis: str, with_lines: bool) -> list[Contradiction]:
    waiting = Question.objects.filter(kind=between.KIND, answer="").aggregate(n=Count("id"), last=Max("id"))  # one answer writes nothing else
    mark = FieldChange.objects.aggregate(last=Max("id"))["last"], *waiting.values()
    key = (scope_of(user).key, run.pk, last, basis, with_lines)
    found: list[Contradiction] = _memory.get(key, mark, partial(_look, user, run, last, basis, with_lines))
    return found


def _look(user: User, run: PassRun, last: int, basis: str, with_lines: bool) -> list[Contradiction]:
    seen = Seen(user)
    found = [_churn_events(seen, run, basis), _churn_flags(seen, run, last), *_between(seen, run, basis), _amounts(seen, run)]
    if with_lines:
        named = line_checks.named(seen)
        found += [_gaps(list(named["one_day_gaps"])), _twice(list(named["lines_twice"]))]
    return [one for one in found if one]


# -- what there is ----------------------------------------------------------------------------------------------------


def _churn_events(seen: Seen, run: PassRun, basis: str) -> Contradiction | None:
    """Churn events name accounts whose lines go on: a ledger that reads lines does not see them leave, one that reads events does (rule 20)."""
    events = seen.of(ChurnEvent).filter(effective_on__lte=run.as_of)
    going_on = unheeded(seen).filter(effective_on__lte=run.as_of).values("account_id").distinct().count()
    if not going_on:
        return None
    named = events.values("account_id").distinct().count()
    right = {"lines": gettext_lazy("The lines are right"), "events": gettext_lazy("The events are right")}
    other = "lines" if basis == "events" else "events"
    return Contradiction(
        "churn_events",
        later(lambda: ngettext("%(n)s account has churn events", "%(n)s accounts have churn events", named) % {"n": number(named)}),
        later(lambda: ngettext(
            "%(n)s account has churn events, and the lines of %(going_on)s of them go on past the day of the event.",
            "%(n)s accounts have churn events, and the lines of %(going_on)s of them go on past the day of the event.",
            named,
        ) % {"n": number(named), "going_on": number(going_on)}),
        right[basis],
        (WayOut(right[other], basis=other),),
        details={"named": named, "going_on": going_on},
    )


def _churn_flags(seen: Seen, run: PassRun, last: int) -> Contradiction | None:
    flagged = flagged_and_paying(seen)
    n = flagged.count()
    if not n:
        return None
    day = min(day_number(first_day(last + 1)) - 1, day_number(run.as_of))  # nothing later is known to the ledger

    def handed() -> Handed:
        ids = list(flagged.order_by("pk").values_list("pk", flat=True))
        table = pa.table({"account_id": pa.array(ids * 2, pa.int64()), "day": pa.array([day] * len(ids) + [day + 1] * len(ids), pa.int64())})
        return Handed(f"flags {day} {_mark()}", table)

    return Contradiction(
        "churn_flags",
        later(lambda: ngettext("%(n)s account is flagged as churned", "%(n)s accounts are flagged as churned", n) % {"n": number(n)}),
        later(lambda: ngettext(
            "%(n)s account is flagged as churned and pays by its lines. No day is known; the effect is that of leaving on the last day shown.",
            "%(n)s accounts are flagged as churned and pay by their lines. No day is known; the effect is that of leaving on the last day shown.",
            n,
        ) % {"n": number(n)}),
        gettext_lazy("The lines are right"),
        (WayOut(gettext_lazy("The flags are right"), "cut", handed),),
        details={"accounts": n},
    )


def _amounts(seen: Seen, run: PassRun) -> Contradiction | None:
    rows = disagreeing(seen)
    n = rows.count()
    if not n or n > MOST:
        return None

    def handed() -> Handed | None:
        known = {run.currency: Fraction(1)} | rates_of(run)
        said = rows.order_by("pk").values_list("pk", "custom", "interval", "currency")
        other = {pk: _stated(custom.get(DISAGREES, ""), interval) for pk, custom, interval, _ in said}
        amounts = {pk: amount * known[c or run.currency] for pk, _, _, c in said if (amount := other[pk]) is not None and (c or run.currency) in known}
        if not amounts:
            return None
        denominator = lcm(*(amount.denominator for amount in amounts.values()))
        parts = [str(amount.numerator * (denominator // amount.denominator)) for amount in amounts.values()]
        return Handed(f"amounts {_mark()}", pa.table({"line_id": pa.array(list(amounts), pa.int64()), "parts": pa.array(parts, pa.string())}), denominator)

    return Contradiction(
        "amounts",
        later(lambda: ngettext("%(n)s line states another amount", "%(n)s lines state another amount", n) % {"n": number(n)}),
        later(lambda: ngettext(
            "%(n)s line states an amount or ARR that does not come to the MRR beside it.",
            "%(n)s lines state an amount or ARR that does not come to the MRR beside it.",
            n,
        ) % {"n": number(n)}),
        gettext_lazy("The MRR is right"),
        (WayOut(gettext_lazy("The other amount is right"), "priced", handed),),
        touches=("mrr", "nrr"),
        details={"lines": n},
    )


def _between(seen: Seen, run: PassRun, basis: str) -> list[Contradiction]:
    """Two systems say different amounts of a customer, or each one of its own: one contradiction for each two systems, the most accounts first."""
    waiting = doubts_between.named(seen)
    if not waiting or len(waiting) > MOST:
        return []
    systems: dict[tuple[str, str], list[Question]] = {}
    for question in waiting:
        one, two = sorted(way.source for way in between.ways_of(question.data))
        systems.setdefault((one, two), []).append(question)
    return [_of_two(asked, one, two, run, basis, place) for place, ((one, two), asked) in enumerate(sorted(systems.items(), key=lambda s: -len(s[1])))]


def _of_two(asked: list[Question], one: str, two: str, run: PassRun, basis: str, place: int) -> Contradiction:
    n = len({question.account_id for question in asked})
    beside = sum(question.data["beside"] for question in asked)
    said = {"one": one, "two": two, "n": number(n)}
    if beside == len(asked):
        shown = gettext_lazy("Both count, side by side")
    elif not beside:
        shown = gettext_lazy("The later one counts from its day on, as a change")
    else:
        shown = gettext_lazy("What is dated counts side by side, lists as changes from their day on")
    return Contradiction(
        f"between_{place}",
        later(lambda: ngettext("%(one)s and %(two)s disagree on %(n)s account", "%(one)s and %(two)s disagree on %(n)s accounts", n) % said),
        later(lambda: ngettext(
            "%(one)s and %(two)s each state an amount of %(n)s account, and they do not agree.",
            "%(one)s and %(two)s each state amounts of %(n)s accounts, and they do not agree.",
            n,
        ) % said),
        shown,
        tuple(
            WayOut(later(lambda source=source: gettext("%(source)s is right") % {"source": source}), "instead", partial(_as_if, asked, source, run, basis))
            for source in (one, two)
        ),
        details={"accounts": n},
    )


def _as_if(asked: list[Question], source: str, run: PassRun, basis: str) -> Handed:
    """The lines of the accounts as they would be counted if one system's amounts held (`between.steps`)."""
    steps: dict[int, between.Step] = {}
    for question in asked:
        answer = between.FIRST if between.ways_of(question.data)[0].source == source else between.SECOND
        steps |= {step.line: step for step in between.steps(question.data, answer)}

    def changed(lines: pa.Table) -> pa.Table:
        rows = lines.to_pylist()
        by_id = {row["line_id"]: dict(row) for row in rows}
        for row in rows:
            step = steps.get(row["line_id"])
            if step is not None and step.does == "ends":
                row["end_on"] = date.fromisoformat(step.what)
            elif step is not None and step.does == "like":
                row |= {name: by_id[step.what][name] for name in ("mrr_num", "mrr_den", "amount", "quantity", "list_amount", "interval", "currency")}
        return pa.Table.from_pylist([row for row in rows if (step := steps.get(row["line_id"])) is None or step.does != "out"], schema=lines.schema)

    which = " ".join(str(question.pk) for question in asked)
    return counted_anew(f"between {source} of {which} {basis} {_mark()}", sorted({q.account_id for q in asked}), run, basis, change=changed)


def _gaps(ids: list[int]) -> Contradiction | None:
    if not ids:
        return None
    n = len(ids)
    return Contradiction(
        "one_day_gaps",
        later(lambda: ngettext("%(n)s line is followed a day late", "%(n)s lines are followed a day late", n) % {"n": number(n)}),
        later(lambda: ngettext(
            "%(n)s line ends one day before the account goes on: a sign that ends are last paid days.",
            "%(n)s lines end one day before the account goes on: a sign that ends are last paid days.",
            n,
        ) % {"n": number(n)}),
        gettext_lazy("The end is the first unpaid day"),
        (WayOut(gettext_lazy("The end is the last paid day"), "a_day_longer", lambda: Handed("inclusive", pa.table({}))),),
        details={"lines": n},
    )


def _twice(ids: list[int]) -> Contradiction | None:
    if not ids:
        return None
    n = len(ids)
    return Contradiction(
        "lines_twice",
        later(lambda: ngettext("%(n)s line stands twice", "%(n)s lines stand twice", n) % {"n": number(n)}),
        later(lambda: ngettext(
            "%(n)s line says the same as another line under another id.",
            "%(n)s lines say the same as another line under another id.",
            n,
        ) % {"n": number(n)}),
        gettext_lazy("Both were sold"),
        (WayOut(gettext_lazy("They were sold once"), "without", lambda: Handed(f"twice {_mark()}", pa.table({"line_id": pa.array(ids, pa.int64())}))),),
        touches=("mrr", "nrr"),
        details={"lines": n},
    )


# -- what it would change ---------------------------------------------------------------------------------------------


def _worked_out(way: WayOut, user: User, run: PassRun, first: int, last: int, basis: str, movements: str) -> WayOut:
    if way.basis:
        ledger = revenue.ledger_of(run, scope_of(user), movements=movements, churn_basis=way.basis)
    else:
        handed = way.handed() if way.handed else None
        if handed is None:
            return replace(way, effect={})
        params = {"way": way.way, "handed": handed, "movements": movements, "gap_days": load_policy(run.policy).gap_days, "churn_basis": basis}
        ledger = ask("revenue_otherwise", params, scope_of(user), run.pk)
    then = revenue.summed(ledger.months(first, last))
    effect = {name: then.get(name) for name in FIGURES}
    effect["accounts_lost"] = sum(month["accounts_lost"] or 0 for month in ledger.months(first, last))
    return replace(way, effect=effect)


def _stated(text: str, interval: str | None) -> Fraction | None:
    """The monthly amount that stands beside the MRR: `MRR 100, ARR 1300` is 1300/12."""
    found = STATED.search(text)
    if not found:
        return None
    if found[1] == "ARR":
        return Fraction(found[2]) / 12
    factor = interval_factor(interval) if interval else Fraction(1)
    return None if isinstance(factor, Unreadable) else Fraction(found[2]) * factor


def _mark() -> str:
    """Changes with the book: an answer over what was handed in is remembered for one state of it."""
    lines, changes = SubscriptionLine.objects.aggregate(last=Max("id"))["last"], FieldChange.objects.aggregate(last=Max("id"))["last"]
    return f"{lines} {changes} {ChurnEvent.objects.aggregate(last=Max('id'))['last']}"
