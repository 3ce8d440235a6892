"""The work of the demo firm: the same from the same seed, in the past, of the accounts that were customers, and as their stories would have it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time

import pytest

from laer.sources.demo import firm, work
from laer.sources.demo.market import OVERLOADED, PEOPLE
from laer.sources.demo.working import Todo, Touched

AS_OF = date(2026, 7, 14)
Work = tuple[list[Touched], list[Todo]]


@pytest.fixture(scope="module")
def worked() -> Work:
    return work(as_of=AS_OF)


@pytest.fixture(scope="module")
def churned() -> dict[str, date]:
    """When each account that left for good did, from the firm's own rows."""
    lines = [row for batch in firm(as_of=AS_OF) if batch.record == "subscription_lines" for row in batch.rows if not row["is_trial"]]
    ends: dict[str, date] = {}
    for row in lines:
        ends[row["account_id"]] = max(ends.get(row["account_id"], date.min), row["end_on"] or date.max)
    return {account: end for account, end in ends.items() if end <= AS_OF}


def test_the_same_seed_is_the_same_work(worked: Work) -> None:
    assert work(as_of=AS_OF) == worked
    assert work(seed=8, as_of=AS_OF, accounts=60) != work(as_of=AS_OF, accounts=60)


def test_touches_are_of_the_last_two_years_by_people_of_the_firm(worked: Work) -> None:
    touches, _todos = worked
    assert 2_000 < len(touches) < 6_000
    assert [t.at for t in touches] == sorted(t.at for t in touches)
    assert all(datetime(2024, 7, 1, tzinfo=UTC) < t.at < datetime.combine(AS_OF, time(0), UTC) for t in touches)
    assert {t.person for t in touches} <= {person.key for person in PEOPLE}
    assert all(3 <= t.minutes <= 90 for t in touches)
    assert {t.sentiment for t in touches} == {"good", "neutral", "bad", None}


def test_accounts_that_left_were_touched_less_in_their_last_half_year(worked: Work, churned: dict[str, date]) -> None:
    """Touches a month in the 180 to 60 days before the end, against those of accounts that stayed in the same span back from today."""
    by_account: dict[str, list[date]] = defaultdict(list)
    for touch in worked[0]:
        by_account[touch.account].append(touch.at.date())
    everybody = {batch.rows[at]["name"]: batch.keys[at] for batch in firm(as_of=AS_OF) if batch.record == "accounts" for at in range(len(batch.rows))}
    large = {batch.keys[at] for batch in firm(as_of=AS_OF) if batch.record == "accounts" for at, row in enumerate(batch.rows) if row["segment"] in ("Enterprise", "Mid-market")}
    assert large <= set(everybody.values())

    def mean(accounts: list[str], end: dict[str, date]) -> float:
        return sum(sum(60 <= (end.get(a, AS_OF) - day).days <= 180 for day in by_account[a]) for a in accounts) / len(accounts)

    gone = [a for a in churned if a in large]
    stayed = [a for a in by_account if a in large and a not in churned]
    assert len(gone) > 10
    assert mean(gone, churned) < 0.7 * mean(stayed, {})


def test_everybody_with_a_book_has_tasks_overdue_due_and_done(worked: Work) -> None:
    todos = worked[1]
    for person in {t.person for t in todos}:
        own = [t for t in todos if t.person == person]
        assert any(t.done for t in own)
        assert any(t.due and t.due < AS_OF and not t.done for t in own), person
        assert any(t.due and t.due >= AS_OF and not t.done for t in own), person
        assert any(t.checklist for t in own)
    assert all(all(item["done"] for item in t.checklist) for t in todos if t.done)
    late = Counter(t.person for t in todos if t.due and t.due < AS_OF and not t.done)
    assert late.most_common(1)[0][0] == OVERLOADED.key


def test_tasks_are_made_before_they_are_due_and_done(worked: Work) -> None:
    assert all(t.created.date() <= min(t.due or AS_OF, t.done.date() if t.done else AS_OF) for t in worked[1])
