"""What a play does not do: begin what is history whoever brings it, begin after it was switched off, decide by what was not asked, claim an effect."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.plays.arms import held_out
from laer.plays.play import Play
from laer.records.definition import compose
from laer.web.book import definitions
from laer.web.book.actions import Refused, edit_field, mark_dirty
from laer.web.book.models import MODELS, Account, ImportRun, ImportState, SubscriptionLine
from laer.web.runs import passes, playing
from laer.web.runs.models import SegmentStay
from laer.web.runs.playing import deciding, entering, moving, standing
from laer.web.runs.playing.known import plays
from laer.web.work import plays as work_plays
from laer.web.work.models import PlayRun, PlaySetting, PlayStep, RunEnd, RunState, Task
from tests.cast import Cast, add_account, add_line
from tests.web.test_plays import DAY, TEXT, first_pass, lose_owner, nobodys, noon, on, put

pytestmark = pytest.mark.django_db(transaction=True)
SEGMENT = "id: small_payers\nname: Small payers\ncondition: arr >= 1200\n"
BY_SEGMENT = TEXT.replace("{signal: nobodys}", "{segment: small_payers}").replace("who: arr >= 100\n", "")
BY_HAND = TEXT.replace("{signal: nobodys}", "{manual: true}")


def acting_by_segment(cast: Cast) -> Account:
    """A play that acts on a segment, and an account that is not in it yet."""
    definitions.save_definition(cast.users["admin"], "segment", SEGMENT, "a test")
    put(cast, BY_SEGMENT)
    account = add_account("Long ago", cast.people["csm"])
    add_line(account, timezone.localdate() - 300 * DAY, timezone.localdate() - 100 * DAY, 10)
    first_pass()
    on(cast)
    return account


def found_late(account: Account) -> None:
    """The book learns that the account has paid again for two months."""
    add_line(account, timezone.localdate() - 60 * DAY, None, 500)


def state(account: Account) -> list[tuple[str, str | None]]:
    return [(run.state, run.ended_by) for run in PlayRun.objects.filter(play="look_after", account=account)]


OLD = [(RunState.REFUSED, RunEnd.OLD)]


@pytest.mark.parametrize("how", [None, ImportState.RUNNING, ImportState.FAILED, ImportState.UNDONE, ImportState.DONE])
def test_history_begins_nothing_whatever_brought_it(cast: Cast, how: ImportState | None) -> None:
    account = acting_by_segment(cast)
    if how:
        ImportRun.objects.create(source="crm", kind="import", state=how, created_at=timezone.now(), finished_at=timezone.now())
    found_late(account)
    passes.start_pass()
    assert state(account) == OLD


def test_history_waits_where_it_could_not_be_asked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    account = acting_by_segment(cast)
    found_late(account)
    asked = entering.desk.ask

    def late(name: str, *given: Any, **more: Any) -> Any:
        if name == "conditions":
            raise TimeoutError("conditions: took longer than 20 seconds")
        return asked(name, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(entering.desk, "ask", late)
        run = passes.start_pass()
    assert state(account) == []
    assert "plays were not looked at: TimeoutError" in run.notes[-1]
    passes.start_pass()
    assert state(account) == OLD


def test_history_stays_history_where_one_look_failed_or_the_text_changed_meanwhile(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    account = acting_by_segment(cast)
    found_late(account)
    looked = playing.after

    def changed(run: Any) -> None:
        put(cast, BY_SEGMENT.replace("Who knows them?", "Who knows?"))
        looked(run)

    with monkeypatch.context() as patched:
        patched.setattr(playing, "after", lambda run: None)
        passes.start_pass()
        patched.setattr(playing, "after", changed)
        passes.start_pass()
    assert state(account) == []
    passes.start_pass()
    assert state(account) == OLD


def test_what_a_person_changes_by_hand_is_news_though_it_says_something_of_before(cast: Cast) -> None:
    definitions.save_definition(cast.users["admin"], "segment", "id: small_payers\nname: Small payers\ncondition: region is North\n", "a test")
    put(cast, BY_SEGMENT)
    account = add_account("Northern", cast.people["csm"])
    Account.objects.filter(pk=account.pk).update(region="South")
    add_line(account, timezone.localdate() - 300 * DAY, None, 500)
    first_pass()
    on(cast)
    edit_field(cast.users["lead"], "accounts", account.pk, "region", "North")
    passes.start_pass()
    assert state(account) == [(RunState.LIVE, None)]


def test_what_stood_and_comes_again_is_news(cast: Cast) -> None:
    account = acting_by_segment(cast)
    day = timezone.localdate()
    SegmentStay.objects.create(account=account, segment="small_payers", from_on=day - 40 * DAY, until_on=day - 2 * DAY, run_id=1, until_run_id=1)
    found_late(account)
    passes.start_pass()
    assert state(account) == [(RunState.LIVE, None)]


def staggered(cast: Cast) -> list[PlayRun]:
    """Eight matches of one owner: five begin, three wait for next week."""
    day = timezone.localdate()
    for place in range(8):
        account = add_account(f"Untouched {place:02}", cast.people["csm"], 100 + place)
        add_line(account, day - 200 * DAY, None, 100 + place)
    definitions.save_definition(cast.users["admin"], "segment", SEGMENT, "a test")
    put(cast, BY_SEGMENT.replace("owner: csm", "who: arr >= 1200\nowner: csm").replace("exit: state is not paying\n", ""))
    passes.start_pass()
    on(cast, existing=True)
    waiting = list(PlayRun.objects.filter(play="look_after", state=RunState.WAITING).order_by("id"))
    assert waiting
    return waiting


def states(runs: list[PlayRun]) -> set[tuple[str, str | None]]:
    return set(PlayRun.objects.filter(pk__in=[run.pk for run in runs]).values_list("state", "ended_by"))


def test_what_waits_for_its_week_does_not_begin_after_the_play_was_switched_off(cast: Cast) -> None:
    waiting = staggered(cast)
    deciding.switch_off(cast.users["lead"], "look_after")
    moving.tick(noon(8))
    moving.tick(noon(15))
    assert states(waiting) == {(RunState.ENDED, RunEnd.STOPPED)}
    assert not Task.objects.filter(play_run__in=waiting).exists()


def test_what_waits_does_not_begin_once_the_play_is_retired(cast: Cast) -> None:
    waiting = staggered(cast)
    row = definitions.current("play", "look_after")
    assert row is not None
    put(cast, row.text.replace("status: trial", "status: retired"))
    passes.start_pass()
    moving.tick(noon(15))
    assert states(waiting) == {(RunState.REFUSED, RunEnd.OFF)}


def test_what_waits_does_not_begin_where_its_cause_is_over(cast: Cast) -> None:
    run = staggered(cast)[0]
    SubscriptionLine.objects.filter(account=run.account_id).update(end_on=timezone.localdate() - DAY)
    mark_dirty(run.account_id, timezone.now())
    passes.start_pass()
    moving.tick(noon(15))
    assert states([run]) == {(RunState.REFUSED, RunEnd.OVER)}


def test_what_waits_begins_by_the_text_in_force_when_its_day_has_come(cast: Cast) -> None:
    waiting = staggered(cast)
    row = definitions.current("play", "look_after")
    assert row is not None
    put(cast, row.text.replace("Find them an owner", "Find them somebody").replace("who: arr >= 1200", "who: arr >= 1000000"))
    done = moving.tick(noon(15))
    assert (states(waiting), done["put off"]) == ({(RunState.WAITING, None)}, len(waiting)), "no pass has read that text yet"
    passes.start_pass()
    moving.tick(noon(16))
    assert states(waiting) == {(RunState.REFUSED, RunEnd.WHO)}


def test_a_run_of_an_earlier_text_is_decided_by_what_a_pass_found_for_that_text(cast: Cast) -> None:
    put(cast)
    account = nobodys(cast)  # 6,000 a year: the branch says to call them
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    run = PlayRun.objects.get(play="look_after", account=account)
    moving.tick(noon())
    put(cast, TEXT.replace("Who knows them?", "Who knows them at all?").replace("arr >= 5000", "arr >= 50000"))
    moving.tick(noon(13))
    said = passes.start_pass()
    assert said.position["plays_then"] == [f"look_after@{run.version}"]
    for days in (14, 20):
        moving.tick(noon(days))
    assert list(Task.objects.filter(play_run=run).order_by("id").values_list("title", flat=True)) == ["Find them an owner", "Call them"]


def test_an_earlier_text_notices_its_exit_too_and_so_does_one_of_a_retired_play(cast: Cast) -> None:
    put(cast)
    account = nobodys(cast)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    run = PlayRun.objects.get(play="look_after", account=account)
    moving.tick(noon())
    put(cast, TEXT.replace("status: trial", "status: retired"))
    SubscriptionLine.objects.filter(account=account).update(end_on=timezone.localdate() - DAY)
    mark_dirty(account.pk, timezone.now())
    assert passes.start_pass().counts["plays_woken"] == 1
    moving.tick(noon())
    assert states([run]) == {(RunState.ENDED, RunEnd.REACHED)}


def test_a_day_that_is_entered_on_the_day_itself_begins_its_play(cast: Cast) -> None:
    put(cast, TEXT.replace("{signal: nobodys}", "{date: won_on, days: 0}").replace("who: arr >= 100\n", "").replace("exit: state is not paying\n", ""))
    passes.start_pass()
    on(cast)
    passes.start_pass()
    day, now = timezone.localdate(), timezone.now()
    MODELS["opportunities"].objects.create(
        pk=9_000_001, account=cast.landing, name="Won", motion="land", status="won", created_on=day - 60 * DAY, closed_on=day, arr_num=6000, arr_den=1, amount_basis="arr",
        currency="USD", created_at=now,
    )  # fmt: skip
    mark_dirty(cast.landing.pk, now)
    passes.start_pass()
    passes.start_pass()
    assert state(cast.landing) == [(RunState.LIVE, None)]


def dated(cast: Cast, looked_on: date) -> PlaySetting:
    put(cast, TEXT.replace("{signal: nobodys}", "{date: first_paid_on, days: 90}").replace("who: arr >= 100\n", ""))
    first_pass()
    on(cast)
    PlaySetting.objects.filter(play="look_after").update(looked_on=looked_on)
    return PlaySetting.objects.get(play="look_after")


def test_after_a_long_time_without_a_pass_days_that_are_long_past_are_listed_and_begin_nothing(cast: Cast) -> None:
    day = timezone.localdate()
    dated(cast, day - 120 * DAY)
    made = {}
    for ago in (3, 40):
        account = add_account(f"Due {ago} days ago", cast.people["csm"], 300)
        add_line(account, day - timedelta(days=90 + ago), None, 300)
        Account.objects.filter(pk=account.pk).update(created_at=timezone.now() - 200 * DAY)
        made[ago] = account
    passes.start_pass()
    assert state(made[3]) == [(RunState.LIVE, None)]
    assert state(made[40]) == OLD


def test_a_clock_that_was_ahead_silences_no_play(cast: Cast) -> None:
    dated(cast, timezone.localdate() + 365 * DAY)
    run = passes.start_pass()
    assert PlaySetting.objects.get(play="look_after").looked_on == run.as_of


def test_plays_that_call_each_other_do_not_go_in_a_circle(cast: Cast) -> None:
    base = "name: {0}\nstatus: trial\nmotion: adopt\npurpose: adoption\ntrigger: {{manual: true}}\nagain_after: 0 d\nsteps:\n  - task: Do it\n    wait: false\n"
    there = {"ring_b": base.format("B"), "ring_a": base.format("A") + "  - play: ring_b\n"}
    for name, text in [*there.items(), ("ring_b", base.format("B") + "  - play: ring_a\n")]:
        row = definitions.current("play", name)
        definitions.save_definition(cast.users["admin"], "play", f"id: {name}\n{text}", "a test", name=row and name)
    passes.start_pass()
    for name in there:
        deciding.switch_on(cast.users["lead"], name)
    deciding.begin(cast.users["csm"], "ring_a", cast.renewing.pk)
    for at in range(10):
        moving.tick(timezone.now() + timedelta(seconds=10 * at))
    assert Task.objects.filter(play_run__isnull=False).count() == 2
    assert "does not begin in a circle" in PlayStep.objects.filter(kind="play").order_by("-id")[0].what


def test_beginning_a_play_twice_at_once_is_refused_in_words(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cast, BY_HAND)
    passes.start_pass()
    on(cast)
    owners, clicks = work_plays.owners_of, []

    def meanwhile(*given: Any) -> Any:
        if not clicks:  # the other click, between the look and the write
            clicks.append(deciding.begin)
            deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
        return owners(*given)

    monkeypatch.setattr(work_plays, "owners_of", meanwhile)
    with pytest.raises(Refused, match="under way"):
        deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)


# -- the effect -------------------------------------------------------------------------------------------------------

HELD = TEXT.replace("exit:", "hold_out: 20\nexit:")


def rows(accounts: list[Account], ago: int, state: RunState, good: int, version: int = 2, reached_after: int = 5) -> list[PlayRun]:
    """Runs that began so many days ago, of which the first `good` reached it."""
    day = timezone.localdate() - timedelta(days=ago)
    at = timezone.make_aware(datetime(day.year, day.month, day.day, 12))
    return [
        PlayRun(account=one, play="look_after", version=version, cause=f"day:{ago}", cause_on=day, state=state, starts_on=day, created_at=at, ended_at=at,
                succeeded_on=day + timedelta(days=reached_after) if place < good else None)
        for place, one in enumerate(accounts)
    ]  # fmt: skip


def firm(cast: Cast, n: int) -> list[Account]:
    return [add_account(f"Firm {place}", cast.people["csm"], 100) for place in range(n)]


def test_an_effect_compares_who_entered_while_the_same_share_was_held_out(cast: Cast) -> None:
    put(cast)
    put(cast, HELD)
    known, there = plays()["look_after"], firm(cast, 140)
    before = rows(there[:80], 700, RunState.ENDED, 72, version=1)  # a good year in which nobody was held out
    PlayRun.objects.bulk_create([*before, *rows(there[80:120], 100, RunState.ENDED, 20), *rows(there[120:], 100, RunState.HELD_OUT, 10)])
    found = standing.effect_of(known.play, timezone.localdate())
    assert found is not None
    assert (known.version, found.n, found.reached, found.held, found.held_reached, found.helps) == (2, 40, 20, 20, 10, None)


def test_an_account_counts_once_and_not_where_it_was_there_already_or_a_person_began_it(cast: Cast) -> None:
    put(cast)
    put(cast, HELD)
    known, there = plays()["look_after"], firm(cast, 60)
    treated, held, already, touched, waited = there[:20], there[20:45], there[45:50], there[50:55], there[55:]
    made = [*rows(treated, 200, RunState.ENDED, 5), *rows(treated, 100, RunState.ENDED, 20), *rows(held, 100, RunState.HELD_OUT, 10)]
    made += [*rows(already, 100, RunState.HELD_OUT, 5, reached_after=0), *rows(touched, 100, RunState.HELD_OUT, 5), *rows(waited, 100, RunState.ENDED, 5)]
    PlayRun.objects.bulk_create(made)
    PlayRun.objects.filter(account__in=waited).update(created_at=timezone.now() - 130 * DAY)  # they were staggered
    for account in touched:
        PlayRun.objects.create(
            account=account, play="look_after", version=2, cause="person:x", cause_on=timezone.localdate(), state=RunState.ENDED,
            starts_on=timezone.localdate(), created_by=cast.users["csm"], created_at=timezone.now(),
        )  # fmt: skip
    found = standing.effect_of(known.play, timezone.localdate())
    assert found is not None
    assert (found.n, found.reached, found.held, found.held_reached) == (20, 5, 25, 10)


def test_what_is_so_on_the_day_of_the_beginning_is_noted_as_that_day(cast: Cast) -> None:
    put(cast, TEXT.replace("owner is known", "state is paying"))
    account = nobodys(cast)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    run = PlayRun.objects.get(play="look_after", account=account)
    assert run.succeeded_on == run.starts_on
    assert standing.counted(Scope(everything=True), timezone.localdate())["look_after"]["reached"] == 0
    page = cast.client("lead").get("/plays/look_after/")
    assert [row["succeeded_on"] for row in page.context["rows"]] == [None]


def test_the_shares_of_the_arms_are_those_of_the_text() -> None:
    play = Play.model_validate(compose(HELD).data)
    assert 0.1 < sum(held_out(play.id, account, play.hold_out) for account in range(2_000)) / 2_000 < 0.3
