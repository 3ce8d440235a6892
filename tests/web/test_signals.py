"""Signals from the pass to the day of a person: the first look is no event, what opens is dated, an answer takes it off the day, a storm there is none."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.cycle.definitions import read
from laer.cycle.scope import Scope
from laer.web.book import definitions
from laer.web.book.actions import Refused
from laer.web.runs import episodes, passes, signalling, todays
from laer.web.work.answers import answer_episodes
from laer.web.work.models import Episode, EpisodeAnswer, Notification, Risk, Task
from laer.web.work.risks import edit_risk, raise_risk
from laer.web.work.writing import undo_work
from tests.cast import Cast, add_account, add_line

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_shipped_signal_reads_and_its_cases_hold(cast: Cast) -> None:
    known = definitions.known()
    shipped = {name: text for (kind, name), text in definitions.shipped_texts().items() if kind == "signal"}
    assert len(shipped) >= 15
    for name, text in shipped.items():
        found = read("signal", text, known, name)
        assert not found.faults, f"{name}: {found.faults}"
        cases = found.document.cases
        assert {case.fires for case in cases} == {True, False}, f"{name} is tried both ways"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("terms_overdue >= 0", "nothing is over: expected that it stays quiet, found that it fires"),
        ("terms_overdue >= 2", "a term that is over: expected that it fires, found that it stays quiet"),
        ("tickets_open >= 1", "a term that is over gives terms_overdue, which the signal does not read; it reads tickets_open"),
    ],
)
def test_a_case_that_fails_is_named(cast: Cast, changed: str, expected: str) -> None:
    text = definitions.shipped_texts()["signal", "overdue_unsigned"].replace("terms_overdue >= 1", changed)
    assert expected in [fault.text for fault in read("signal", text, definitions.known()).faults]


def test_the_first_look_is_no_event_and_raises_no_storm(computed: Cast) -> None:
    stands = Episode.objects.filter(closed_on=None)
    assert stands.filter(signal="renewal_window", account=computed.renewing).exists()
    assert not stands.filter(base=False).exists()
    assert (Task.objects.count(), Notification.objects.count(), len(mail.outbox)) == (0, 0, 0)


def test_what_opens_later_is_dated_and_what_ends_is_closed(cast: Cast) -> None:
    from laer.web.book.models import Assignment

    day = timezone.localdate()
    passes.start_pass(day - timedelta(days=7), live=True)
    owned = add_account("Ivory Bakeries", cast.people["csm"], 500)
    add_line(owned, day - timedelta(days=200), None, 500)
    passes.start_pass(day - timedelta(days=3), live=True)
    assert not Episode.objects.filter(signal="nobodys", account=owned).exists()
    Assignment.objects.filter(account=owned).update(until_on=day - timedelta(days=2), archived_at=None)
    passes.start_pass()
    one = Episode.objects.get(signal="nobodys", account=owned)
    assert (one.opened_on, one.closed_on, one.base) == (day, None, False)
    Assignment.objects.create(account=owned, person=cast.people["csm"], job="csm", created_at=timezone.now())
    passes.start_pass()
    one.refresh_from_db()
    assert one.closed_on == day
    Assignment.objects.filter(account=owned, until_on=None).update(until_on=day)  # away and back on one day: it goes on
    passes.start_pass()
    one.refresh_from_db()
    assert (Episode.objects.filter(signal="nobodys", account=owned).count(), one.closed_on) == (1, None)


def test_a_small_pass_moves_only_its_accounts(computed: Cast) -> None:
    before = set(Episode.objects.filter(closed_on=None).values_list("account_id", "signal"))
    passes.start_pass(accounts=frozenset([computed.renewing.pk]))
    assert set(Episode.objects.filter(closed_on=None).values_list("account_id", "signal")) == before


def _today(client: Any, query: str = "") -> Any:
    answer = client.get(f"/today/{query}")
    assert answer.status_code == 200
    return answer


def test_today_is_one_persons_book_by_money(computed: Cast) -> None:
    rows = _today(computed.client("csm")).context["rows"]
    names = [row["name"] for row in rows]
    assert "Vantage Health" in names
    assert "Onyx Retail" not in names
    vantage = next(row for row in rows if row["name"] == "Vantage Health")
    assert {"Renewal within 90 days"} <= {one["name"] for one in vantage["signals"]}
    other = _today(computed.client("outsider"), "?whose=all").content.decode()
    for account in computed.theirs:
        assert account.name not in other


def test_done_takes_it_off_the_day_and_undo_brings_it_back(computed: Cast) -> None:
    client = computed.client("csm")
    row = next(row for row in _today(client).context["rows"] if row["name"] == "Vantage Health")
    client.post("/today/answer/", {"episodes": row["ids"], "do": "done"})
    assert "Vantage Health" not in [row["name"] for row in _today(client).context["rows"]]
    made = EpisodeAnswer.objects.filter(account=computed.renewing)
    assert {one.kind for one in made} == {"done"}
    assert made.count() == len(row["ids"].split(","))
    from laer.web.book.models import FieldChange

    undo_work(computed.users["csm"], FieldChange.objects.filter(record="episode_answers").latest("id").pk)
    assert "Vantage Health" in [row["name"] for row in _today(client).context["rows"]]


def test_put_off_comes_back_on_its_day(computed: Cast) -> None:
    ids = list(Episode.objects.filter(account=computed.renewing, closed_on=None).values_list("id", flat=True))
    day = timezone.localdate()
    answer_episodes(computed.users["csm"], ids, "snoozed", until_on=day + timedelta(days=7))
    signals = episodes.signals()
    scope = Scope(True)
    found = todays.day_of(scope, day, signals, computed.people["csm"].pk, budget=5, every=True)
    assert computed.renewing.pk not in {one.account_id for one in (*found.shown, *found.held)}
    assert found.later >= 1
    found = todays.day_of(scope, day + timedelta(days=7), signals, computed.people["csm"].pk, budget=5, every=True)
    assert computed.renewing.pk in {one.account_id for one in (*found.shown, *found.held)}


def test_a_dismissal_needs_a_reason_and_a_right(computed: Cast) -> None:
    ids = list(Episode.objects.filter(account=computed.renewing, closed_on=None).values_list("id", flat=True))
    with pytest.raises(Refused, match="why it does not matter"):
        answer_episodes(computed.users["csm"], ids, "dismissed")
    for part in ("outsider", "viewer"):
        with pytest.raises(PermissionDenied):
            answer_episodes(computed.users[part], ids, "dismissed", reason="not mine")
    done, _change = answer_episodes(computed.users["csm"], ids, "dismissed", reason="season")
    assert done == len(ids)


def test_the_budget_is_the_persons_own_else_the_firms(cast: Cast) -> None:
    csm, client = cast.users["csm"], cast.client("csm")
    assert todays.budget_of(csm) == 5
    cast.client("admin").post("/settings/company/alerts/", {"alerts": "8"})
    assert todays.budget_of(csm) == 8
    client.post("/settings/you/alerts/", {"alerts": "3"})
    csm.refresh_from_db()
    assert (todays.budget_of(csm), todays.budget_of(cast.users["lead"])) == (3, 8)
    said = client.post("/settings/you/alerts/", {"alerts": "many"}, follow=True).content.decode()
    assert "expected a whole number from 0 to 50" in said
    assert 'value="3"' in client.get("/settings/you/").content.decode()
    client.post("/settings/you/alerts/", {"alerts": ""})
    csm.refresh_from_db()
    assert todays.budget_of(csm) == 8
    assert client.post("/settings/company/alerts/", {"alerts": "1"}).status_code == 403
    cast.client("admin").post("/settings/company/alerts/", {"alerts": ""})
    assert todays.budget_of(csm) == 5


def test_giving_a_task_answers_the_signal(computed: Cast) -> None:
    client = computed.client("csm")
    row = next(row for row in _today(client).context["rows"] if row["name"] == "Vantage Health")
    client.post("/today/answer/", {"episodes": row["ids"], "do": "give", "title": "Call Vantage", "person": computed.people["csm"].pk, "due_on": ""})
    assert Task.objects.get().title == "Call Vantage"
    page = _today(client)
    assert "Vantage Health" not in [row["name"] for row in page.context["rows"]]
    address = re.search(r"/work/undo/\d+/\?with=\d+", page.content.decode())
    assert address
    client.post(address[0])
    assert not Task.objects.filter(archived_at=None).exists()
    assert "Vantage Health" in [row["name"] for row in _today(client).context["rows"]]


def test_what_is_over_meanwhile_is_said_to_be_and_leaves_no_task(computed: Cast) -> None:
    ids = list(Episode.objects.filter(account=computed.renewing, closed_on=None).values_list("id", flat=True))
    Episode.objects.filter(pk=ids[0]).update(closed_on=timezone.localdate())
    with pytest.raises(Refused, match="over since"):
        answer_episodes(computed.users["csm"], ids, "done")
    computed.client("csm").post("/today/answer/", {"episodes": ",".join(map(str, ids)), "do": "give", "title": "Call", "person": "", "due_on": ""})
    assert not Task.objects.exists()


def test_why_and_why_not(computed: Cast) -> None:
    client = computed.client("csm")
    for name, said in (("Vantage Health", "It fires"), ("Kestrel Labs", "Too little is known")):
        page = client.get("/signals/renewal_window/", {"why": name}).content.decode()
        assert said in page, name
    assert "No account that you may see" in client.get("/signals/renewal_window/", {"why": "Onyx Retail"}).content.decode()


def test_over_the_past_it_reads_only_what_was_known(cast: Cast) -> None:
    """Two accounts leave 60 and 200 days after a line began; the signal of the end that is set fires before, on their very days."""
    day = timezone.localdate()
    for n in range(6):
        account = add_account(f"Pebble {n}", cast.people["csm"], 100)
        add_line(account, day - timedelta(days=500), day - timedelta(days=40 * n) if n < 3 else None, 100)
    passes.start_pass()
    run = passes.latest_run()
    assert run is not None
    text = "id: paying\nname: Paying\nstatus: trial\nmotion: renew\nwhen: state is paying\nleads_to: churn\nwithin: 60\n"
    found_read, measures = signalling.read_signal(text)
    found = signalling.replay(run, found_read.document, Scope(True), measures, 12)
    left = {e.account for e in found.episodes if e.closed is not None}
    assert len(left) >= 2
    for one in found.episodes:
        if one.closed is not None:
            came = [d for d in found.outcomes.get(one.account, ()) if one.opened < d <= one.closed]
            assert came, "an episode of paying accounts closes with their churn, never before it"
    seen = {account.pk for account in cast.theirs}
    mine = signalling.replay(run, found_read.document, Scope(False, frozenset(seen)), measures, 12)
    assert {e.account for e in mine.episodes} <= seen


def test_a_risk_is_raised_kept_up_and_closed(cast: Cast) -> None:
    user = cast.users["csm"]
    with pytest.raises(Refused, match="Reason"):
        raise_risk(user, cast.renewing.pk, {"reason": "bored"})
    row, _change = raise_risk(user, cast.renewing.pk, {"reason": "price", "severity": "3", "arr": "12000", "next_step": "Ask for a sponsor"})
    with pytest.raises(PermissionDenied):
        raise_risk(cast.users["outsider"], cast.renewing.pk, {"reason": "price"})
    client = cast.client("lead")
    page = client.get("/renewals/risks/")
    assert [one["account"]["name"] for one in page.context["rows"]] == ["Vantage Health"]
    assert page.context["rows"][0]["new"]
    Risk.objects.update(created_at=timezone.now() - timedelta(days=20))
    edit_risk(user, row.pk, {"reason": "price", "severity": "4", "arr": "12000", "next_step": "Call the CFO"})
    moved = client.get("/renewals/risks/").context["rows"][0]["moved"]
    assert {str(one) for one in moved} == {"Severity", "Next step"}
    edit_risk(user, row.pk, {"reason": "price", "severity": "4", "outcome": "saved"})
    assert client.get("/renewals/risks/").context["rows"] == []
    assert client.get("/renewals/risks/?view=closed").context["rows"][0]["outcome"] == "Saved"
    assert cast.renewing.name not in cast.client("outsider").get("/renewals/risks/?view=closed").content.decode()


def test_what_changed_since_one_looked(cast: Cast) -> None:
    day: date = timezone.localdate()
    passes.start_pass(day - timedelta(days=5), live=True)
    Episode.objects.update(base=False)
    page = _today(cast.client("csm"))
    assert page.context["changes"]
    cast.client("csm").post("/today/seen/")
    Episode.objects.update(opened_on=day - timedelta(days=2))
    assert not _today(cast.client("csm")).context["changes"]


def test_what_somebody_acted_on_is_told_apart_and_only_the_rest_judges_the_signal(cast: Cast) -> None:
    from laer.records.periods import day_number
    from laer.web.runs import signal_treated
    from laer.web.work.models import PlayRun

    day = timezone.localdate()
    signal = episodes.signals()["usage_drop"]
    opened = day - timedelta(days=signal.within + 10)
    accounts = [add_account(f"Judged {place:02}", cast.people["csm"]) for place in range(26)]
    made = [Episode.objects.create(account=a, signal="usage_drop", version=1, opened_on=opened, closed_on=opened + timedelta(days=9), run_id=1) for a in accounts]
    Episode.objects.create(account=accounts[0], signal="usage_drop", version=1, opened_on=day - timedelta(days=3), run_id=1)  # its days are not over
    for episode in made[:2]:
        EpisodeAnswer.objects.create(episode=episode, account=episode.account, kind="done", created_at=timezone.now())
    EpisodeAnswer.objects.create(episode=made[5], account=made[5].account, kind="dismissed", reason="no", created_at=timezone.now())
    PlayRun.objects.create(account=accounts[2], play="usage_drop", version=1, cause=f"episode:{made[2].pk}", cause_on=opened, state="ended", starts_on=opened, created_at=timezone.now())
    outcomes = {accounts[4].pk: (day_number(opened) + 20,), accounts[6].pk: (day_number(opened) - 1,), accounts[0].pk: (day_number(opened) + 30,)}
    found = signal_treated.treated(signal, outcomes, Scope(True), day)
    assert (found.treated.judged, found.treated.right) == (3, 1)
    assert (found.untreated.judged, found.untreated.right) == (23, 1)
    assert found.proposes_muting(signal, 0.3)
    assert not found.proposes_muting(signal, 0.04), "it may be as right as chance"
    assert not found.proposes_muting(signal.model_copy(update={"contractual": True}), 0.3)
    assert signal_treated.treated(signal, outcomes, Scope(False, frozenset({accounts[4].pk})), day).untreated.judged == 1


def test_only_episodes_whose_days_are_over_are_judged_also_where_it_came_already(cast: Cast) -> None:
    """Sixty opened 20 days ago and three were followed within the week: nothing can be said yet, least of all that three of three were right."""
    from laer.records.periods import day_number
    from laer.web.runs import signal_treated

    day, signal = timezone.localdate(), episodes.signals()["usage_drop"]
    opened = day - timedelta(days=20)
    accounts = [add_account(f"Young {place:02}", cast.people["csm"]) for place in range(60)]
    Episode.objects.bulk_create([Episode(account=a, signal=signal.id, version=1, opened_on=opened, run_id=1) for a in accounts])
    outcomes = {account.pk: (day_number(opened) + 5,) for account in accounts[:3]}
    assert signal_treated.treated(signal, outcomes, Scope(True), day).untreated == signal_treated.Tally(0, 0)
    on_the_last = signal_treated.treated(signal, outcomes, Scope(True), opened + timedelta(days=signal.within))
    assert (on_the_last.untreated.judged, on_the_last.untreated.right) == (60, 3)


def test_treated_is_whose_account_a_play_acted_on_within_the_days_and_before_it_came(cast: Cast) -> None:
    from datetime import datetime

    from laer.records.periods import day_number
    from laer.web.runs import signal_treated
    from laer.web.work.models import PlayRun

    today, signal = timezone.localdate(), episodes.signals()["usage_drop"]
    opened = today - timedelta(days=signal.within + 30)
    came = opened + timedelta(days=40)

    def episode(name: str, begins: int | None = None, ends: int | None = None, state: str = "live") -> int:
        account = add_account(name, cast.people["csm"])
        Episode.objects.create(account=account, signal=signal.id, version=1, opened_on=opened, run_id=1)
        if begins is not None:
            starts = opened + timedelta(days=begins)
            ended = None if ends is None else timezone.make_aware(datetime.combine(opened + timedelta(days=ends), datetime.min.time()))
            PlayRun.objects.create(account=account, play="p", version=1, cause="day:1", cause_on=starts, state=state, starts_on=starts, ended_at=ended, created_at=timezone.now())
        return account.pk

    treated = {episode("began before it and took it up", -50), episode("began within it", 10, 20, "ended"), episode("began the day before it came", 39)}
    alone = {
        episode("nobody"), episode("over before it opened", -50, -1, "ended"), episode("begun by what came, as a debrief is", 40),
        episode("held out", 0, None, "held_out"), episode("on trial", 0, None, "trial"), episode("refused", 0, None, "refused"), episode("waits", 0, None, "waiting"),
    }  # fmt: skip
    outcomes = {pk: (day_number(came),) for pk in treated | alone}
    found = signal_treated.treated(signal, outcomes, Scope(True), today)
    assert (found.treated.judged, found.treated.right) == (len(treated), len(treated))
    assert (found.untreated.judged, found.untreated.right) == (len(alone), len(alone))
    quiet = signal_treated.treated(signal, {}, Scope(True), today)
    assert (quiet.treated.judged, quiet.untreated.judged) == (len(treated) + 1, len(alone) - 1)  # where nothing came, a run late in the days acted, too


@pytest.mark.parametrize(("days", "most", "accounts", "looks", "weeks"), [(365, 80, 20_000, 53, 1), (365, 80, 20_001, 18, 3), (730, 36, 500, 35, 3), (730, 36, 99_999, 12, 9)])
def test_a_large_book_is_looked_at_a_third_as_often(days: int, most: int, accounts: int, looks: int, weeks: int) -> None:
    found = signalling.looks(20_000 - days, 20_000, most, accounts)
    assert (len(found), found[-1], found[-1] - found[-2]) == (looks, 20_000, 7 * weeks)
