"""Who stands on a day: ranked and cut by the database, answered as people answered, and what changed by the day on which it changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.models import Account
from laer.web.runs import episodes, todays
from laer.web.work.answers import hidden, hiding, standing_answers
from laer.web.work.models import Episode, EpisodeAnswer
from tests.cast import Cast, add_account

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHOLE = Scope(True)


def stable() -> dict[str, Any]:
    return {name: one for name, one in episodes.signals().items() if one.status == "stable"}


def named(*, contractual: bool, severity: str = "") -> str:
    return next(name for name, one in stable().items() if one.contractual == contractual and severity in ("", one.severity))


def stands(account: Account, signal: str, opened: date, **values: Any) -> Episode:
    return Episode.objects.create(account=account, signal=signal, version=1, opened_on=opened, run_id=1, **values)


def account(cast: Cast, name: str, arr: int, ends: date | None = None) -> Account:
    return add_account(name, cast.people["csm"], card={"arr_minor": arr, "contract_end_on": ends})


def names(items: tuple[todays.Item, ...]) -> list[str]:
    return [one.name for one in items]


def test_the_budget_holds_back_the_smallest_and_never_a_contract(cast: Cast) -> None:
    contract, other = named(contractual=True), named(contractual=False)
    for n in range(1, 13):
        stands(account(cast, f"A{n}", 100_000 - n), other, cast.today)
        if n % 4 == 0:
            stands(Account.objects.get(name=f"A{n}"), contract, cast.today)
    day = todays.day_of(WHOLE, cast.today, stable(), None, budget=5, every=True)
    assert names(tuple(one for one in day.shown if not one.passes)) == ["A1", "A2", "A3", "A5", "A6"]
    assert {one.name for one in day.shown if one.passes} == {"A4", "A8", "A12"}
    assert names(day.held) == ["A7", "A9", "A10", "A11"]
    assert (day.fits, day.held_n, day.held_arr_minor) == (8, 4, 4 * 100_000 - 7 - 9 - 10 - 11)
    assert [one.worth for one in day.shown] == sorted((one.worth for one in day.shown), reverse=True)
    after = todays.day_of(WHOLE, cast.today, stable(), None, budget=5, answered=4)
    assert names(tuple(one for one in after.shown if not one.passes)) == ["A1"]  # four were answered today
    assert (after.held, after.held_n) == ((), 8)
    none_left = todays.day_of(WHOLE, cast.today, stable(), None, budget=5, answered=9)
    assert (none_left.fits, none_left.held_n) == (3, 9)


def test_worth_is_the_arr_due_within_a_year_by_the_gravest_and_ties_go_by_the_days_left(cast: Cast) -> None:
    grave, light = named(contractual=False, severity="high"), named(contractual=False, severity="medium")
    day = cast.today
    stands(account(cast, "Later than a year", 9_000_000, day + 366 * DAY), grave, day)
    stands(account(cast, "No end known", 1_000, None), grave, day)
    stands(account(cast, "In a year", 1_000, day + 365 * DAY), grave, day)
    stands(account(cast, "In a month", 1_000, day + 30 * DAY), grave, day)
    stands(account(cast, "Light", 1_500, day + 30 * DAY), light, day)
    both = account(cast, "Both", 1_200, day + 30 * DAY)
    stands(both, light, day), stands(both, grave, day)
    found = todays.day_of(WHOLE, day, stable(), None, every=True, budget=9)
    assert names(found.shown) == ["Both", "In a month", "In a year", "No end known", "Light", "Later than a year"]
    assert [one.worth for one in found.shown] == [4_800, 4_000, 4_000, 4_000, 3_000, 0]
    assert [row["signal"] for row in found.shown[0].rows] == [grave, light]


def test_an_answer_hides_its_episode_alone_and_the_newest_stands(cast: Cast) -> None:
    grave, light = named(contractual=False, severity="high"), named(contractual=False, severity="medium")
    day, now = cast.today, timezone.now()

    def answered(name: str, *answers: dict[str, Any]) -> Episode:
        made = stands(account(cast, name, 1_000), grave, day)
        for one in answers:
            EpisodeAnswer.objects.create(episode=made, account=made.account, created_at=now, **one)
        return made

    off, on_ = {"kind": "done"}, {"kind": "snoozed", "until_on": day}
    rows = [
        answered("done", off), answered("dismissed", {"kind": "dismissed", "reason": "no"}), answered("put off", {"kind": "snoozed", "until_on": day + DAY}),
        answered("its day has come", on_), answered("done, then put off until today", off, on_), answered("put off, then done", on_, off),
        answered("taken back", off | {"archived_at": now}), answered("done, and what came after taken back", off, on_ | {"archived_at": now}), answered("nobody"),
    ]  # fmt: skip
    answers = standing_answers(row.pk for row in rows)
    by_query = set(Episode.objects.filter(hiding(day)).values_list("pk", flat=True))
    assert by_query == {row.pk for row in rows if hidden(answers.get(row.pk), day)}
    stands(rows[0].account, light, day)  # of two one is answered
    found = todays.day_of(WHOLE, day, stable(), None, every=True, budget=9)
    assert set(names(found.shown)) == {"done", "its day has come", "done, then put off until today", "taken back", "nobody"}
    assert found.later == 4
    assert [row["signal"] for one in found.shown for row in one.rows if one.name == "done"] == [light]


def test_of_a_large_book_only_what_is_shown_is_read(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    signal, made = named(contractual=False), list[int]()
    for n in range(60):
        stands(account(cast, f"A{n}", 1_000 + n), signal, cast.today)
    item = todays._item
    monkeypatch.setattr(todays, "_item", lambda place, *rest: (made.append(place.account_id), item(place, *rest))[1])
    page = cast.client("admin").get("/today/?whose=all&all=1")
    assert (len(page.context["rows"]), len(made)) == (25, 25)
    assert page.context["more_url"] == "?whose=all&all=1&more=2"
    assert page.context["state"]["shown"] == "60 accounts"
    assert page.context["held"]["n"] == 55
    second = cast.client("admin").get("/today/?whose=all&all=1&more=2").context["rows"]
    assert [row["name"] for row in second] == [f"A{n}" for n in range(59, 9, -1)]
    file = b"".join(cast.client("admin").get("/today/?whose=all&all=1&format=csv").streaming_content).decode()
    assert file.count("\n") == 61


def test_answers_of_more_episodes_than_a_database_takes_parameters(cast: Cast) -> None:
    assert standing_answers(range(300_000)) == {}


def test_who_is_nobody_has_no_book(cast: Cast) -> None:
    stands(account(cast, "A", 1_000), named(contractual=False), cast.today)
    cast.people["admin"].user = None
    cast.people["admin"].save()
    page = cast.client("admin").get("/today/?whose=mine")
    assert (page.context["rows"], page.context["changes"]) == ([], [])
    assert cast.client("admin").get("/today/").context["rows"]


def test_what_closed_today_of_the_largest_is_not_lost_behind_many_that_opened(cast: Cast) -> None:
    signals = stable()
    name, day = next(iter(signals)), cast.today
    big = account(cast, "Biggest saved", 900_000)
    stands(big, name, day - 60 * DAY, closed_on=day)
    for n in range(60):
        stands(account(cast, f"N{n}", 1 + n), name, day - 6 * DAY, base=False)
    found = todays.changes(WHOLE, day - 7 * DAY, day, signals, None, [], 12)
    assert (found[0].name, found[0].kind, found[0].on) == ("Biggest saved", "closed", day)
    assert [one.name for one in found[1:]] == [f"N{n}" for n in range(59, 48, -1)]
