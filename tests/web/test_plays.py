"""Plays from the pass to the work of a person: on trial they only list, what is history begins nothing, a run goes its way by clock, task and facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.web.book import definitions
from laer.web.book.actions import Refused
from laer.web.book.models import Account, Assignment, FieldChange
from laer.web.people.models import Cover
from laer.web.runs import passes
from laer.web.runs.models import PassRun
from laer.web.runs.playing import deciding, moving
from laer.web.runs.playing.known import plays
from laer.web.work.actions import complete_tasks
from laer.web.work.models import Notification, PlayRun, PlaySetting, PlayStep, RunEnd, RunState, Task
from laer.web.work.plays import stop_run
from tests.cast import Cast, add_account, add_line

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = """
id: look_after
name: Look after them
status: trial
motion: adopt
purpose: adoption
trigger: {signal: nobodys}
who: arr >= 100
owner: csm
again_after: 30 d
steps:
  - task: Find them an owner
    detail: Who knows them?
    due: 2 d
    at_most: 10 d
  - wait: 5 d
  - if: arr >= 5000
    then:
      - task: Call them
        wait: false
    else:
      - task: Write to them
        wait: false
  - until: last_touch_on within 7 d
    at_most: 20 d
  - set: segment
    to: looked after
exit: state is not paying
success: {when: owner is known, within: 60 d}
"""
DAY = timedelta(days=1)


def put(cast: Cast, text: str = TEXT) -> None:
    there = definitions.current("play", "look_after")
    definitions.save_definition(cast.users["admin"], "play", text, "a test", name=there and "look_after")


def nobodys(cast: Cast, mrr: int = 500) -> Account:
    """An account that has an owner until three days ago."""
    day = timezone.localdate()
    account = add_account(f"Ivory Bakeries {mrr}", cast.people["csm"], mrr)
    add_line(account, day - timedelta(days=200), None, mrr)
    Assignment.objects.filter(account=account).update(from_on=day - timedelta(days=200))
    return account


def lose_owner(account: Account) -> None:
    Assignment.objects.filter(account=account).update(until_on=timezone.localdate() - timedelta(days=1))


def first_pass() -> PassRun:
    return passes.start_pass(timezone.localdate() - timedelta(days=3), live=True)


def on(cast: Cast, **how: bool) -> PlaySetting:
    return deciding.switch_on(cast.users["lead"], "look_after", **how)


def noon(days: int = 0) -> datetime:
    return timezone.now() + days * DAY


def test_on_trial_a_play_lists_whom_it_would_concern_and_does_nothing(cast: Cast) -> None:
    put(cast)
    account = nobodys(cast)
    first_pass()
    assert not PlayRun.objects.filter(play="look_after").exists(), "what stood when it was first looked at is no news"
    lose_owner(account)
    passes.start_pass()
    (run,) = PlayRun.objects.filter(play="look_after")
    assert (run.account_id, run.state, run.step) == (account.pk, RunState.TRIAL, None)
    passes.start_pass()
    assert PlayRun.objects.filter(play="look_after").count() == 1, "a cause is one row"
    moving.tick(noon(30))
    assert (Task.objects.count(), Notification.objects.count(), len(mail.outbox)) == (0, 0, 0)


def test_a_run_goes_its_way_by_task_clock_and_facts(cast: Cast) -> None:
    put(cast)
    account = nobodys(cast)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    run = PlayRun.objects.get(play="look_after", account=account)
    assert (run.state, run.step, run.arr_minor) == (RunState.LIVE, "0", 600_000)
    moving.tick(noon())
    task = Task.objects.get(play_run=run)
    assert (task.title, task.due_on, task.assignee_id) == ("Find them an owner", timezone.localdate() + 2 * DAY, None)
    assert "Why:" in task.detail
    assert "Who knows them?" in task.detail
    assert FieldChange.objects.filter(record="tasks", object_id=task.pk, source="play look_after").exists()
    moving.tick(noon(1))
    assert Task.objects.count() == 1
    complete_tasks(cast.users["lead"], [task.pk])
    moving.tick(noon(1))
    run.refresh_from_db()
    assert (run.step, run.begun) == ("1", True)
    moving.tick(noon(5))
    run.refresh_from_db()
    assert run.step == "1", "five days from when the task was done, not from the beginning"
    moving.tick(noon(7))
    run.refresh_from_db()
    assert run.step == "3"
    assert list(Task.objects.filter(play_run=run).order_by("id").values_list("title", flat=True)) == ["Find them an owner", "Call them"]
    moving.tick(noon(40))
    run.refresh_from_db()
    account.refresh_from_db()
    assert (run.state, run.ended_by, run.step) == (RunState.ENDED, RunEnd.FINISHED, None)
    assert account.segment == "looked after"
    assert FieldChange.objects.filter(record="accounts", object_id=account.pk, field="segment", source="play look_after").exists()
    assert list(PlayStep.objects.filter(run=run).order_by("id").values_list("path", "kind")) == [("0", "task"), ("2", "if"), ("2.then.0", "task"), ("4", "set")]


def test_a_small_account_goes_the_other_way_and_one_that_is_done_late_goes_on(cast: Cast) -> None:
    put(cast)
    account = nobodys(cast, 100)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    moving.tick(noon())
    moving.tick(noon(11))
    assert PlayRun.objects.get(account=account, play="look_after").step == "0", "two days and ten more"
    moving.tick(noon(13))
    moving.tick(noon(19))
    assert list(Task.objects.order_by("id").values_list("title", flat=True)) == ["Find them an owner", "Write to them"]
    assert PlayStep.objects.filter(what="went on without it").exists()


def test_what_ends_it_ends_it_at_any_step_and_success_is_noted(cast: Cast) -> None:
    put(cast, TEXT.replace("exit: state is not paying", "exit: owner is known"))
    account = nobodys(cast)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    moving.tick(noon())
    Assignment.objects.create(account=account, person=cast.people["csm"], job="csm", from_on=timezone.localdate(), created_at=timezone.now())
    passes.start_pass()
    moving.tick(noon())
    run = PlayRun.objects.get(play="look_after", account=account)
    assert (run.state, run.ended_by, run.succeeded_on) == (RunState.ENDED, RunEnd.REACHED, timezone.localdate())
    assert Task.objects.count() == 1, "the task stays; nothing new is given"


def test_gates_say_why_a_play_did_not_begin(cast: Cast) -> None:
    put(cast, TEXT.replace("arr >= 100", "arr >= 100000"))
    account = nobodys(cast)
    first_pass()
    on(cast)
    lose_owner(account)
    passes.start_pass()
    run = PlayRun.objects.get(play="look_after", account=account)
    assert (run.state, run.ended_by) == (RunState.REFUSED, RunEnd.WHO)
    (said,) = [line for line in deciding.why(cast.users["lead"], "look_after", account.pk).gates if line.gate == "who"]
    assert said.passes is False
    with pytest.raises(PermissionDenied):
        deciding.why(cast.users["outsider"], "look_after", account.pk)


def test_existing_matches_are_staggered_by_owner(cast: Cast) -> None:
    day = timezone.localdate()
    made = []
    for place in range(12):
        account = add_account(f"Untouched {place:02}", cast.people["csm"], 100 + place)
        add_line(account, day - timedelta(days=200), None, 100 + place)
        made.append(account.pk)
    definitions.save_definition(cast.users["admin"], "segment", "id: everybody\nname: Everybody\ncondition: arr >= 1200\n", "a test")
    put(cast, TEXT.replace("{signal: nobodys}", "{segment: everybody}").replace("who: arr >= 100\n", ""))
    passes.start_pass()
    load = deciding.load_of("look_after", cast.users["lead"])
    assert load.accounts >= 12
    assert max(load.owners.values()) >= 12
    on(cast, existing=True)
    runs = PlayRun.objects.filter(play="look_after", account_id__in=made)
    starts = sorted(runs.values_list("starts_on", flat=True))
    assert len(starts) == 12
    for week in range(3):
        assert PlayRun.objects.filter(play="look_after", owner=cast.people["csm"], starts_on=day + timedelta(days=7 * week)).count() <= 5
    moving.tick(noon())
    assert runs.filter(state=RunState.WAITING).count() >= 7
    moving.tick(noon(22))
    assert not runs.filter(state=RunState.WAITING).exists()


def test_one_live_run_takes_up_what_comes_again_and_cools_down(cast: Cast) -> None:
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}"))
    first_pass()
    passes.start_pass()
    with pytest.raises(Refused, match="on trial"):
        deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
    on(cast)
    run = deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
    with pytest.raises(Refused, match="under way"):
        deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
    with pytest.raises(PermissionDenied):
        deciding.begin(cast.users["outsider"], "look_after", cast.renewing.pk)
    moving.tick(noon())
    with pytest.raises(PermissionDenied):
        stop_run(cast.users["outsider"], run.pk, "mine")
    stop_run(cast.users["csm"], run.pk, "they called us")
    run.refresh_from_db()
    assert (run.state, run.ended_by, run.reason) == (RunState.ENDED, RunEnd.STOPPED, "they called us")


def test_a_day_begins_it_once_and_not_for_what_was_not_known(cast: Cast) -> None:
    ends = timezone.localdate() + timedelta(days=400)
    put(cast, TEXT.replace("{signal: nobodys}", "{date: first_paid_on, days: 90}").replace("who: arr >= 100\n", ""))
    account = add_account("Ninety Days", cast.people["csm"], 300)
    add_line(account, timezone.localdate() - timedelta(days=90), ends, 300)
    late = add_account("Imported Later", cast.people["csm"], 300)
    add_line(late, timezone.localdate() - timedelta(days=91), ends, 300)
    first_pass()
    on(cast)
    passes.start_pass()
    assert set(PlayRun.objects.filter(play="look_after").values_list("account_id", flat=True)) == {account.pk}, "the book knew the other after its day"
    passes.start_pass()
    assert PlayRun.objects.filter(play="look_after").count() == 1


def test_who_is_away_is_stood_in_for(cast: Cast) -> None:
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}"))
    passes.start_pass()
    on(cast)
    day = timezone.localdate()
    Cover.objects.create(person=cast.people["csm"], by=cast.people["lead"], from_on=day, last_on=day + 7 * DAY)
    run = deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
    moving.tick(noon())
    assert Task.objects.get(play_run=run).assignee == cast.people["lead"]
    assert Notification.objects.filter(person=cast.people["lead"]).exists()


def test_only_leads_and_admins_switch_and_a_draft_stays_off(cast: Cast) -> None:
    put(cast)
    passes.start_pass()
    for part in ("csm", "viewer", "outsider"):
        with pytest.raises(PermissionDenied):
            deciding.switch_on(cast.users[part], "look_after")
    put(cast, TEXT.replace("status: trial", "status: draft\nwaits_for: a fact"))
    with pytest.raises(Refused, match="a fact"):
        on(cast)


def test_a_run_goes_on_by_the_steps_with_which_it_began(cast: Cast) -> None:
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}"))
    passes.start_pass()
    on(cast)
    run = deciding.begin(cast.users["csm"], "look_after", cast.renewing.pk)
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}").replace("Find them an owner", "Something else"))
    moving.tick(noon())
    assert Task.objects.get(play_run=run).title == "Find them an owner"
    assert plays()["look_after"].version != run.version


def test_history_that_an_import_brings_begins_nothing(cast: Cast) -> None:
    """Of an account that is known, what a list says of weeks ago is no news; what it says of yesterday is."""
    from laer.web.book.models import ImportRun, ImportState

    definitions.save_definition(cast.users["admin"], "segment", "id: small_payers\nname: Small payers\ncondition: arr >= 1200\n", "a test")
    put(cast, TEXT.replace("{signal: nobodys}", "{segment: small_payers}").replace("who: arr >= 100\n", ""))
    old, new = add_account("Long ago", cast.people["csm"]), add_account("Just now", cast.people["csm"])
    for account in (old, new):
        add_line(account, timezone.localdate() - timedelta(days=300), timezone.localdate() - timedelta(days=100), 10)
    first_pass()
    on(cast)
    ImportRun.objects.create(source="crm", kind="import", state=ImportState.DONE, created_at=timezone.now(), finished_at=timezone.now())
    add_line(old, timezone.localdate() - timedelta(days=60), None, 500)
    add_line(new, timezone.localdate() - timedelta(days=1), None, 500)
    passes.start_pass()
    found = {run.account_id: (run.state, run.ended_by) for run in PlayRun.objects.filter(play="look_after", account__in=[old, new])}
    assert found == {old.pk: (RunState.REFUSED, RunEnd.OLD), new.pk: (RunState.LIVE, None)}
    assert date.today()


@pytest.mark.parametrize(
    ("found", "put_in", "said"),
    [
        ("{signal: nobodys}", "{signal: nobody}", "trigger.signal: no signal nobody; there is: nobodys"),
        ("{signal: nobodys}", "{segment: silents}", "trigger.segment: no segment silents; there is: silent"),
        ("  - wait: 5 d", "  - mail: value_not", "steps.1.mail: no mail template value_not; there is: value_note"),
        ("  - wait: 5 d", "  - play: usage_drops", "steps.1.play: no play usage_drops; there is: usage_drop"),
    ],
)
def test_a_play_that_names_what_is_not_there_is_refused_and_not_silently_never_begun(cast: Cast, found: str, put_in: str, said: str) -> None:
    with pytest.raises(definitions.Faulty, match=said):
        definitions.save_definition(cast.users["admin"], "play", TEXT.replace(found, put_in), "a test")


def test_what_came_while_a_play_was_a_draft_is_no_news_when_it_is_in_use_again(cast: Cast) -> None:
    text = TEXT.replace("{signal: nobodys}", "{date: first_paid_on, days: 90}").replace("who: arr >= 100\n", "")
    put(cast, text)
    day = timezone.localdate()
    passes.start_pass(day - timedelta(days=9), live=True)
    on(cast)
    PlaySetting.objects.filter(play="look_after").update(looked_on=day - timedelta(days=9))
    account = add_account("Ninety Days", cast.people["csm"], 300)
    add_line(account, day - timedelta(days=95), None, 300)
    Account.objects.filter(pk=account.pk).update(created_at=timezone.now() - timedelta(days=95))
    put(cast, text.replace("status: trial", "status: draft"))
    passes.start_pass(day - timedelta(days=3), live=True)
    put(cast, text)
    passes.start_pass()
    assert not PlayRun.objects.filter(play="look_after").exists()


def test_a_text_is_approved_for_sending_and_another_text_anew(cast: Cast) -> None:
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}").replace("  - wait: 5 d", "  - mail: value_note"))
    passes.start_pass()
    with pytest.raises(Refused, match="not switched on"):
        deciding.approve(cast.users["lead"], "look_after")
    first = on(cast, sending=True)
    assert first.approved == plays()["look_after"].version
    put(cast, TEXT.replace("{signal: nobodys}", "{manual: true}").replace("  - wait: 5 d", "  - mail: win_back"))
    assert "Approve for sending" in cast.client("lead").get("/plays/look_after/").content.decode()
    with pytest.raises(PermissionDenied):
        deciding.approve(cast.users["csm"], "look_after")
    shown = cast.client("lead").get("/plays/look_after/").content.decode().split('name="shown" value="')[1].split('"')[0]
    cast.client("lead").post("/plays/look_after/approve/", {"shown": shown})
    first.refresh_from_db()
    assert first.approved == plays()["look_after"].version
    assert "It may send by itself." in cast.client("lead").get("/plays/look_after/").content.decode()


@pytest.mark.parametrize("asked", ["?from=0001-01-01", "?from=2026-13-40", "?from=2030-01-01&to=2020-01-01", "?to=9999-12-31", "?from=<b>"])
def test_a_strange_period_is_answered_with_a_sentence(computed: Cast, asked: str) -> None:
    answer = computed.client("csm").get(f"/plays/renewal_90/past/{asked}")
    assert answer.status_code == 200
    assert "Tried on the past" in answer.content.decode()


def test_the_load_of_existing_matches_is_worked_out_when_it_is_asked_for(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.replace("{signal: nobodys}", "{segment: everybody}").replace("who: arr >= 100\n", "")
    definitions.save_definition(cast.users["admin"], "segment", "id: everybody\nname: Everybody\ncondition: arr is unknown or arr >= 0\n", "a test")
    put(cast, text)
    passes.start_pass()
    worked_out, load_of = list[str](), deciding.load_of
    monkeypatch.setattr(deciding, "load_of", lambda name, user: (worked_out.append(name), load_of(name, user))[1])
    page = cast.client("lead").get("/plays/look_after/")
    assert worked_out == []
    assert page.context["switch"]["load_url"] == "/plays/look_after/load/"
    assert 'hx-get="/plays/look_after/load/"' in page.content.decode()
    load = cast.client("lead").get("/plays/look_after/load/").context["load"]
    assert load["accounts"] == Account.objects.filter(archived_at=None).count() == sum(owner["n"] for owner in load["owners"])
    assert worked_out == ["look_after"]
    assert cast.client("csm").get("/plays/look_after/load/").status_code == 404
    on(cast)
    assert cast.client("lead").get("/plays/look_after/").context["switch"]["load_url"] is None


def test_the_runs_of_one_play_are_counted_without_those_of_others(cast: Cast) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from laer.cycle.scope import Scope
    from laer.web.runs.playing import standing

    now, today = timezone.now(), timezone.localdate()
    PlayRun.objects.bulk_create([
        PlayRun(account=cast.landing, play=play, version=1, cause=f"day:{n}", cause_on=today, state="trial", starts_on=today, created_at=now)
        for play, many in (("usage_drop", 2), ("renewal_120", 5)) for n in range(many)
    ])  # fmt: skip
    assert {play: counts["trial"] for play, counts in standing.counted(Scope(True), today).items()} == {"usage_drop": 2, "renewal_120": 5}
    assert {play: counts["trial"] for play, counts in standing.counted(Scope(True), today, "usage_drop").items()} == {"usage_drop": 2}
    with CaptureQueriesContext(connection) as asked:
        cast.client("csm").get("/plays/usage_drop/")
    counting = [one["sql"] for one in asked if "COUNT" in one["sql"] and "work_playrun" in one["sql"]]
    assert counting
    assert all("'usage_drop'" in sql for sql in counting)
