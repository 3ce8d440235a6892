"""What a person is to see today: what stands for the accounts of their book, by the money at stake, within a budget.

Rank of an account = its ARR that falls due within twelve months x the weight of its gravest signal; ties by the days that are left. A
customer without a known end can leave on any day: all of their ARR counts. What a contract or a date says always passes the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from laer.cycle.scope import Scope
from laer.signals.signal import SEVERITIES, Signal
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.runs import band_changes, episodes
from laer.web.work.answers import hidden, standing_answers

YEAR = 365


@dataclass(frozen=True)
class Item:
    """An account with what stands for it, the gravest first.

    worth     the rank: minor units of ARR due within twelve months, times the weight
    days      until the contract ends; None where no end is known
    passes    something contractual is among it: it counts for no budget
    """

    account_id: int
    name: str
    owner: str | None
    arr_minor: int
    ends_on: date | None
    days: int | None
    worth: int
    passes: bool
    rows: tuple[dict[str, Any], ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]

    @property
    def due(self) -> bool:
        """Whether its ARR falls due within twelve months."""
        return self.days is None or self.days <= YEAR


@dataclass(frozen=True)
class Today:
    """shown: in order; held: what the budget holds back, in order; later: accounts that are put off; answered: accounts answered today"""

    shown: tuple[Item, ...]
    held: tuple[Item, ...]
    later: int
    answered: int


def items(scope: Scope, as_of: date, signals: Mapping[str, Signal], owner: int | None) -> tuple[list[Item], int]:
    """Accounts with what stands for them and nobody has answered, ranked; and of how many all is put off or answered. Two queries.

    In   signals  those that count, by id;  owner  a person's number; None: the whole scope
    """
    found = episodes.standing(scope).filter(signal__in=list(signals))
    if owner is not None:
        found = found.filter(account__card__owner_id=owner)
    rows = list(found)
    answers = standing_answers(row["id"] for row in rows)
    open_ = [row for row in rows if not hidden(answers.get(row["id"]), as_of)]
    by: dict[int, list[dict[str, Any]]] = {}
    for row in open_:
        by.setdefault(row["account_id"], []).append(row | {"answer": answers.get(row["id"])})
    made = [_item(account, mine, signals, as_of) for account, mine in by.items()]
    away = len({row["account_id"] for row in rows}) - len(by)
    return sorted(made, key=lambda one: (-one.worth, one.days if one.days is not None else YEAR + 1, one.account_id)), away


def _item(account: int, rows: Sequence[dict[str, Any]], signals: Mapping[str, Signal], as_of: date) -> Item:
    first = rows[0]
    ends, arr = first["account__card__contract_end_on"], first["account__card__arr_minor"] or 0
    days = None if ends is None else (ends - as_of).days
    ordered = sorted(rows, key=lambda row: (-SEVERITIES.index(signals[row["signal"]].severity), row["base"], -row["opened_on"].toordinal(), row["signal"]))
    weight = max(signals[row["signal"]].weight for row in rows)
    due = arr if days is None or days <= YEAR else 0
    return Item(
        account, first["account__name"], first["account__card__owner_name"], arr, ends, days, due * weight,
        any(signals[row["signal"]].contractual for row in rows), tuple(ordered), first["account__card__facts"] or {},
    )  # fmt: skip


def budget_of(user: User) -> int:
    """Accounts a day: the person's own number, else the firm's."""
    return firm().alerts if user.alerts is None else user.alerts


def budgeted(found: Iterable[Item], away: int, answered: int, budget: int) -> Today:
    """What fits a day: what is contractual always, of the rest as many as the budget leaves after what was answered today."""
    left = max(budget - answered, 0)
    shown, held = [], []
    for one in found:
        if one.passes:
            shown.append(one)
        elif left:
            shown.append(one)
            left -= 1
        else:
            held.append(one)
    return Today(tuple(shown), tuple(held), away, answered)


@dataclass(frozen=True)
class Change:
    """Something that happened to an account: kind is opened, closed or band."""

    on: date
    kind: str
    account_id: int
    name: str
    what: str
    before: str = ""
    arr_minor: int | None = None
    better: bool = False


def changes(scope: Scope, since: date, as_of: date, signals: Mapping[str, Signal], owner: int | None, cards: Sequence[str], most: int) -> list[Change]:
    """What changed on a book from a day on, the newest first, the largest accounts first within it. Two queries."""
    seen = episodes.seen_by(scope).filter(signal__in=list(signals)).filter(Q(opened_on__gte=since, base=False) | Q(closed_on__gte=since))
    moved = band_changes.since(scope, as_of, (as_of - since).days + 1, cards)
    if owner is not None:
        seen, moved = seen.filter(account__card__owner_id=owner), moved.filter(account__card__owner_id=owner)
    found = [
        Change(row["closed_on"] or row["opened_on"], "closed" if row["closed_on"] else "opened", row["account_id"], row["account__name"],
               signals[row["signal"]].name, arr_minor=row["account__card__arr_minor"],
               better=bool(row["closed_on"]) != (signals[row["signal"]].leads_to == "growth"))
        for row in seen.order_by("-id").values("account_id", "signal", "opened_on", "closed_on", "account__name", "account__card__arr_minor")[: 4 * most]
    ]  # fmt: skip
    order = band_changes.ORDER
    found += [
        Change(row["on"], "band", row["account_id"], row["account__name"], row["band"], row["before"], row["account__card__arr_minor"],
               order.get(row["band"], 0) < order.get(row["before"], 0))
        for row in moved[: 2 * most]
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.on.toordinal(), -(one.arr_minor or 0), one.account_id))[:most]
