"""Positions: each account's state in each motion with the deciding fact and the days, what a person sets beside it, and who may."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.web.book import definitions as own
from laer.web.book.actions import Refused
from laer.web.book.models import Account, Assignment, Contract, FieldChange, OnboardingPlan, Opportunity, SubscriptionLine
from laer.web.people.models import Person
from laer.web.runs import passes, position_stays, snapshots
from laer.web.runs.models import AccountCard, PassRun, PositionStay
from laer.web.work.positions import end_position, positions_set, set_position
from laer.web.work.writing import undo_work
from tests.cast import Cast, add_account, add_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


def on(days: int = 0, accounts: list[Account] | None = None) -> PassRun:
    with mock.patch.object(timezone, "localdate", return_value=TODAY + timedelta(days=days)):
        return passes.start_pass(accounts=None if accounts is None else frozenset(a.pk for a in accounts))


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def pays(name: str, since: int = 100) -> Account:
    account = add_account(name)
    add_line(account, day(-since), None, 100)
    return account


def signs(account: Account, start: int, end: int, **values: Any) -> Contract:
    said = {"auto_renews": False, "created_at": timezone.now()} | values
    return Contract.objects.create(account=account, name=f"{account.name} {start}", start_on=day(start), end_on=day(end), **said)


def state(account: Account, motion: str) -> str | None:
    said: str | None = AccountCard.objects.get(pk=account.pk).facts.get(f"{motion}_state")
    return said


def stays(account: Account, motion: str) -> list[tuple[str, date, date | None, bool]]:
    rows = PositionStay.objects.filter(account=account, motion=motion).order_by("from_on", "id")
    return list(rows.values_list("state", "from_on", "until_on", "begins_base"))


def test_land_is_open_won_and_handed_over_and_the_days_are_kept() -> None:
    account = add_account("Willow")
    other = pays("Kestrel")
    deal = Opportunity.objects.create(account=account, name="First", motion="land", status="open", created_on=day(-10), created_at=timezone.now())
    on()
    assert (state(account, "land"), state(other, "land")) == ("open", "won")
    deal.status, deal.closed_on = "won", day(0)
    deal.save()
    add_line(account, day(1), None, 100)
    on(1)
    assert state(account, "land") == "won"
    person = Person.objects.create(name="Ann", created_at=timezone.now())
    Assignment.objects.create(account=account, person=person, job="csm", created_at=timezone.now())
    on(2)
    assert stays(account, "land") == [("open", day(0), day(1), True), ("won", day(1), day(2), False), ("handed over", day(2), None, False)]
    held = PositionStay.objects.get(account=account, motion="land", until_on=None)
    assert (held.rule, held.because["owner"], held.because["state"]) == (0, "Ann", "paying")
    assert stays(other, "land") == [("won", day(0), None, True)]  # a quiet night writes nothing


def test_renew_is_window_called_overdue_and_signed() -> None:
    far, near, over, bare = pays("Far"), pays("Near"), pays("Over", 500), pays("Bare")
    signs(far, -100, 250)
    signs(near, -300, 100)
    signs(over, -400, -45, auto_renews=None)
    on()
    assert [state(one, "renew") for one in (far, near, over, bare)] == ["not due", "window", "overdue", "none"]
    signs(over, -45, 320, signed_on=day(1))
    on(1)
    assert state(over, "renew") == "signed"
    on(75)
    assert [state(one, "renew") for one in (near, over)] == ["window", "not due"]
    assert [row[0] for row in stays(over, "renew")] == ["overdue", "signed", "not due"]


def test_adopt_is_unknown_without_a_source_and_a_plan_says_onboarding() -> None:
    bare, planned, late = pays("Bare"), pays("Planned", 10), pays("Late", 90)
    now = timezone.now()
    OnboardingPlan.objects.create(account=planned, name="Start", started_on=day(-10), planned_end_on=day(30), created_at=now)
    OnboardingPlan.objects.create(account=late, name="Start", started_on=day(-90), planned_end_on=day(-30), created_at=now)
    on()
    assert [state(one, "adopt") for one in (bare, planned, late)] == [None, "onboarding", "stalled"]
    assert stays(bare, "adopt") == []
    assert stays(planned, "adopt") == [("onboarding", day(0), None, True)]


def test_what_becomes_unknown_moves_nobody() -> None:
    account = pays("Willow", 10)
    plan = OnboardingPlan.objects.create(account=account, name="Start", started_on=day(-10), planned_end_on=day(30), created_at=timezone.now())
    on()
    plan.archived_at = timezone.now()
    plan.save()
    on(1)
    assert state(account, "adopt") is None
    assert stays(account, "adopt") == [("onboarding", day(0), None, True)]
    plan.archived_at = None
    plan.save()
    on(2)
    assert stays(account, "adopt") == [("onboarding", day(0), None, True)]


def test_a_small_pass_moves_its_accounts_and_who_is_back_within_a_day_was_never_away() -> None:
    account, other = pays("Willow"), pays("Kestrel")
    Opportunity.objects.create(account=other, name="First", motion="land", status="won", closed_on=day(-90), created_on=day(-99), created_at=timezone.now())
    on()
    line = SubscriptionLine.objects.get(account=account)
    line.end_on = day(0)
    line.save()
    on(1, [account])
    assert state(account, "land") == "none"
    assert stays(account, "land") == [("won", day(0), day(1), True), ("none", day(1), None, False)]
    line.end_on = None
    line.save()
    on(1, [account])
    assert stays(account, "land") == [("won", day(0), None, True)]
    assert stays(other, "land") == [("won", day(0), None, True)]


def test_other_rules_are_no_move_and_their_stays_stand_apart() -> None:
    account = pays("Willow")
    on()
    text = own.current("positions", "land").text  # type: ignore[union-attr]
    own.save_definition(None, "positions", text.replace("name: Position in Land", "name: Land"), "another name", name="land")
    on(1)
    assert len(stays(account, "land")) == 1  # the same rules
    own.save_definition(None, "positions", text.replace("deals_open > 0", "deals_open > 1"), "one deal is none", name="land")
    on(2)
    assert stays(account, "land") == [("won", day(0), day(2), True), ("won", day(2), None, True)]
    assert PositionStay.objects.filter(account=account, motion="land", until_on=day(2), ends_base=True).exists()


def test_the_months_before_are_computed_once_and_give_stays_their_beginning() -> None:
    account, old, new = add_account("Willow"), pays("Old", 900), pays("New", 0)
    signs(old, -800, 100)
    Opportunity.objects.create(account=old, name="First", motion="land", status="won", closed_on=day(-900), created_on=day(-999), created_at=timezone.now())
    person = Person.objects.create(name="Ann", created_at=timezone.now())
    add_line(account, day(-100), None, 100)
    Assignment.objects.create(account=account, person=person, job="csm", from_on=day(-50), created_at=timezone.now())
    run = on()
    assert position_stays.lacking(run)
    with mock.patch.object(timezone, "localdate", return_value=TODAY):
        assert position_stays.look_back() > 0
        assert stays(account, "land") == [("won", date(2026, 8, 31), date(2026, 10, 31), False), ("handed over", date(2026, 10, 31), None, False)]
        assert stays(old, "renew") == [("not due", date(2025, 11, 30), date(2026, 9, 30), True), ("window", date(2026, 9, 30), None, False)]
        assert stays(new, "land") == [("won", day(0), None, True)]
        before = sorted(PositionStay.objects.values_list("account_id", "motion", "state", "from_on", "until_on"))
        assert not position_stays.lacking(run)
        position_stays.back_fill(run, ["land", "adopt", "expand", "renew"])
    assert sorted(PositionStay.objects.values_list("account_id", "motion", "state", "from_on", "until_on")) == before
    line = SubscriptionLine.objects.get(account=account)
    line.end_on = day(0)
    line.save()
    on(1)
    assert stays(account, "land")[-2:] == [("handed over", date(2026, 10, 31), day(1), False), ("none", day(1), None, False)]


def test_an_archived_account_ends_its_stays_and_that_is_no_exit() -> None:
    account = pays("Willow")
    on()
    account.archived_at = timezone.now()
    account.save()
    on(1)
    assert set(PositionStay.objects.filter(account=account).values_list("until_on", "ends_base")) == {(day(1), True)}


def test_states_are_columns_of_the_run_and_can_be_asked_in_conditions(cast: Cast) -> None:
    run = passes.start_pass()
    assert "adopt_state" in snapshots.read_one(run.pk, "facts").column_names
    found = cast.client("csm").get("/accounts/", {"where": "renew_state is window", "columns": ["renew_state", "land_state"]})
    assert [row["name"] for row in found.context["rows"]] == ["Vantage Health", "Bluefin Energy"]
    assert "in the window" in found.content.decode()
    file = cast.client("csm").get("/accounts/", {"where": "renew_state is window", "columns": "renew_state", "format": "csv"}).getvalue().decode()
    assert file.splitlines()[0] == "account_id,account,domain,renew_state,currency"
    assert file.splitlines()[1].endswith(",window,USD")


def test_the_header_says_the_state_since_when_and_why_or_which_source_is_missing(computed: Cast) -> None:
    page = computed.client("csm").get(f"/accounts/{computed.renewing.pk}/")
    letters = {one["motion"]: one for one in page.context["position"]}
    assert list(letters) == ["land", "adopt", "expand", "renew"]
    assert letters["renew"]["state"] == "in the window"
    assert "180" in letters["renew"]["why"]
    assert letters["adopt"]["state"] == "unknown"
    assert "usage" in letters["adopt"]["missing"]["text"]


def test_a_person_sets_a_position_with_a_reason_and_an_end_and_takes_it_back(computed: Cast) -> None:
    maya, account = computed.client("csm"), computed.renewing
    ahead = (computed.today + timedelta(days=30)).isoformat()
    maya.post(f"/accounts/{account.pk}/position/adopt/", {"state": "stalled", "reason": "Jon told me", "until_on": ahead})
    said = positions_set(computed.users["csm"], account.pk)["adopt"]
    assert (said.state, said.reason, said.until_on.isoformat() if said.until_on else "") == ("stalled", "Jon told me", ahead)
    page = maya.get(f"/accounts/{account.pk}/")
    letter = next(one for one in page.context["position"] if one["motion"] == "adopt")
    assert (letter["shown"], letter["state"], letter["by"]["who"]) == ("stalled", "unknown", "Maya Okafor")
    change = FieldChange.objects.get(record="positions", field="created")
    assert (change.user, change.account_id, "Jon told me" in change.new) == (computed.users["csm"], account.pk, True)
    assert "Jon told me" in maya.get(f"/accounts/{account.pk}/?tab=feed").content.decode()
    undo_work(computed.users["csm"], change.pk)
    assert positions_set(computed.users["csm"], account.pk) == {}


def test_what_was_set_ends_by_hand_or_on_its_day(cast: Cast) -> None:
    user, account = cast.users["csm"], cast.renewing
    set_position(user, account.pk, "renew", {"state": "signed", "reason": "on paper", "until_on": (cast.today + timedelta(days=2)).isoformat()})
    with mock.patch.object(timezone, "localdate", return_value=cast.today + timedelta(days=2)):
        assert positions_set(user, account.pk) == {}
    change = end_position(user, account.pk, "renew")
    assert change is not None
    assert positions_set(user, account.pk) == {}
    undo_work(user, change.pk)
    assert positions_set(user, account.pk)["renew"].state == "signed"


def test_bad_texts_and_other_peoples_accounts_are_refused(cast: Cast) -> None:
    user, account = cast.users["csm"], cast.renewing
    for values, said in (
        ({"state": "flying", "reason": "x"}, "found 'flying', expected one of none, onboarding"), ({"state": "stalled", "reason": " "}, "Reason"),
        ({"state": "stalled", "reason": "x" * 301}, "found 301 characters"), ({"state": "stalled", "reason": "x", "until_on": "soon"}, "found 'soon'"),
        ({"state": "stalled", "reason": "x", "until_on": cast.today.isoformat()}, "expected a day after today"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            set_position(user, account.pk, "adopt", values)
    with pytest.raises(PermissionDenied):
        set_position(cast.users["viewer"], account.pk, "adopt", {"state": "stalled", "reason": "x"})
    assert cast.client("outsider").post(f"/accounts/{account.pk}/position/adopt/", {"state": "stalled", "reason": "x"}).status_code == 404
    assert cast.client("csm").post(f"/accounts/{account.pk}/position/sell/", {"state": "stalled", "reason": "x"}).status_code == 404
    assert not FieldChange.objects.filter(record="positions").exists()
