"""What a person is to see today: what stands for the accounts of their book, by the money at stake, within a budget.

Rank of an account = its ARR that falls due within twelve months x the weight of its gravest signal; ties by the days that are left. A
customer without a known end can leave on any day: all of their ARR counts. What a contract or a date says always passes the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, F, IntegerField, Max, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from laer.cycle.scope import Scope
from laer.signals.signal import SEVERITIES, WEIGHTS, Signal
from laer.web.book.many import listed
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.runs import band_changes, episodes
from laer.web.runs.models import AccountCard
from laer.web.work.answers import hidden, hiding, standing_answers
from laer.web.work.models import Episode

YEAR = 365
EVER = 2**62  # places: more than there are accounts


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

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]

    @property
    def due(self) -> bool:
        """Whether its ARR falls due within twelve months."""
        return self.days is None or self.days <= YEAR


@dataclass(frozen=True)
class Today:
    """What fits a day, and what does not.

    shown           in order: what is contractual always, of the rest as many as the budget leaves after what was answered today
    held            what the budget holds back, in order, where it was asked for; of both together at most as many as asked
    fits, held_n    how many of each there are;  held_arr_minor  the ARR of all that is held back
    later           accounts of which all is put off or answered;  answered  accounts answered today
    """

    shown: tuple[Item, ...]
    held: tuple[Item, ...]
    fits: int
    held_n: int
    held_arr_minor: int
    later: int
    answered: int


def day_of(
    scope: Scope, as_of: date, signals: Mapping[str, Signal], owner: int | None, *, budget: int, answered: int = 0, most: int | None = None,
    every: bool = False,
) -> Today:
    """Accounts with what stands for them and nobody has answered, ranked and cut by the database: what is not shown is not read. Three queries.

    In   signals  those that count, by id;  owner  a person's number; None: the whole scope;  budget  accounts a day
         answered  accounts of which the reader said something today;  most  of what is shown and held;  every  read what is held back, too
    """
    seen = episodes.seen_by(scope).filter(closed_on=None, signal__in=list(signals))
    if owner is not None:
        seen = seen.filter(account__card__owner_id=owner)
    left = max(budget - answered, 0)
    places = _places(seen, as_of, signals, EVER if most is None else left + most)
    passing, rest = (tuple(one for one in places if one.part == part) for part in (PASSES, REST))
    shown = sorted((*passing, *rest[:left]), key=lambda one: (-one.worth, one.soon, one.account_id))[:most]
    held = rest[left:][: None if most is None else most - len(shown)] if every else ()
    there = {part: next((one for one in places if one.part == part), None) for part in (AWAY, PASSES, REST)}
    count = {part: one.n if one else 0 for part, one in there.items()}
    fit = rest[:left]
    whole = there[REST].whole if there[REST] else 0  # type: ignore[union-attr]
    items = _items(scope, as_of, signals, (*shown, *held))
    return Today(
        tuple(items[one.account_id] for one in shown if one.account_id in items), tuple(items[one.account_id] for one in held if one.account_id in items),
        count[PASSES] + len(fit), count[REST] - len(fit), whole - sum(one.arr for one in fit), count[AWAY], answered,
    )  # fmt: skip


def budget_of(user: User) -> int:
    """Accounts a day: the person's own number, else the firm's."""
    return firm().alerts if user.alerts is None else user.alerts


AWAY, PASSES, REST = 0, 1, 2  # parts: all that stands is answered or put off; something contractual is among it; what the budget is for


class _Place(NamedTuple):
    """An account in its part; n and whole are the part's accounts and their ARR, place is counted from 1."""

    part: int
    account_id: int
    worth: int
    soon: Any
    arr: int
    place: int
    n: int
    whole: int


def _places(seen: QuerySet[Episode], as_of: date, signals: Mapping[str, Signal], most: int) -> list[_Place]:
    """The first of each part by worth, ties by the days left. One query, which reads each standing episode once.

    The grouping is Django's; its windows take no sums of sums, so the ranking around it is written here.
    """
    if not signals:
        return []
    unanswered, contractual = ~hiding(as_of), [name for name, one in signals.items() if one.contractual]
    weighed = [When(signal__in=[name for name, one in signals.items() if one.severity == key], then=Value(weight)) for key, weight in WEIGHTS.items()]
    grouped = seen.order_by().values("account_id").annotate(
        weight=Max(Case(When(~unanswered, then=None), *weighed, output_field=IntegerField())),
        passes=Max(Case(When(Q(signal__in=contractual) & unanswered, then=Value(1)), default=Value(0), output_field=IntegerField())),
        arr=Max(Coalesce("account__card__arr_minor", 0)), ends=Max("account__card__contract_end_on"),
    ).values_list("account_id", "weight", "passes", "arr", "ends")  # fmt: skip
    sql, params = grouped.query.sql_with_params()
    year = as_of + timedelta(days=YEAR)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT part, account_id, worth, soon, arr, place, n, whole FROM (
                SELECT part, account_id, worth, soon, arr, ROW_NUMBER() OVER (PARTITION BY part ORDER BY worth DESC, soon, account_id) AS place,
                    COUNT(*) OVER (PARTITION BY part) AS n, SUM(arr) OVER (PARTITION BY part) AS whole FROM (
                    SELECT account_id, arr, CASE WHEN weight IS NULL THEN {AWAY} WHEN passes = 1 THEN {PASSES} ELSE {REST} END AS part,
                        CASE WHEN ends IS NULL OR ends <= %s THEN arr * weight ELSE 0 END AS worth, COALESCE(ends, %s) AS soon
                    FROM ({sql}) AS stands) AS parts) AS ranked
            WHERE place <= (CASE WHEN part = {AWAY} THEN 1 ELSE %s END) ORDER BY part, place""",
            (year, year + timedelta(days=1), *params, most),
        )
        rows = cursor.fetchall()
    return [_Place(part, account, int(worth or 0), soon, int(arr), place, n, int(whole)) for part, account, worth, soon, arr, place, n, whole in rows]


def _items(scope: Scope, as_of: date, signals: Mapping[str, Signal], places: Sequence[_Place]) -> dict[int, Item]:
    """What stands for these accounts. Two queries; none where there are none."""
    if not places:
        return {}
    rows = list(episodes.standing(scope).filter(account_id__in=listed(one.account_id for one in places), signal__in=list(signals)))
    answers = standing_answers(row["id"] for row in rows)
    by: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        if not hidden(answers.get(row["id"]), as_of):
            by.setdefault(row["account_id"], []).append(row | {"answer": answers.get(row["id"])})
    return {one.account_id: _item(one, by[one.account_id], signals, as_of) for one in places if one.account_id in by}


def _item(place: _Place, rows: Sequence[dict[str, Any]], signals: Mapping[str, Signal], as_of: date) -> Item:
    first = rows[0]
    ends = first["account__card__contract_end_on"]
    ordered = sorted(rows, key=lambda row: (-SEVERITIES.index(signals[row["signal"]].severity), row["base"], -row["opened_on"].toordinal(), row["signal"]))
    return Item(
        place.account_id, first["account__name"], first["account__card__owner_name"], place.arr, ends, None if ends is None else (ends - as_of).days,
        place.worth, place.part == PASSES, tuple(ordered),
    )  # fmt: skip


def facts_of(items: Sequence[Item]) -> dict[int, dict[str, Any]]:
    """Account -> what is known of it. One query."""
    rows = AccountCard.objects.filter(account_id__in=listed(one.account_id for one in items))
    return {account: facts or {} for account, facts in rows.values_list("account_id", "facts")}


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
    newest = seen.order_by(Coalesce("closed_on", "opened_on").desc(), F("account__card__arr_minor").desc(nulls_last=True), "account_id", "id")
    found = [
        Change(row["closed_on"] or row["opened_on"], "closed" if row["closed_on"] else "opened", row["account_id"], row["account__name"],
               signals[row["signal"]].name, arr_minor=row["account__card__arr_minor"],
               better=bool(row["closed_on"]) != (signals[row["signal"]].leads_to == "growth"))
        for row in newest.values("account_id", "signal", "opened_on", "closed_on", "account__name", "account__card__arr_minor")[:most]
    ]  # fmt: skip
    order = band_changes.ORDER
    found += [
        Change(row["on"], "band", row["account_id"], row["account__name"], row["band"], row["before"], row["account__card__arr_minor"],
               order.get(row["band"], 0) < order.get(row["before"], 0))
        for row in moved[:most]
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.on.toordinal(), -(one.arr_minor or 0), one.account_id))[:most]
