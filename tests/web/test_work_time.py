"""Where time goes: usual minutes as a setting, shares that the page and the engine count alike, and what was done again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.metrics.effort import MINUTES
from laer.web.book.actions import Refused
from laer.web.people.company import firm, read_minutes
from laer.web.people.models import AuditEvent, User
from laer.web.runs.firm import change_minutes
from laer.web.runs.landing import firm_of
from laer.web.runs.models import PassRun
from laer.web.runs.passes import run_waiting_pass, start_pass
from laer.web.templatetags.laer import percent
from laer.web.work import actions
from laer.web.work.effort import FEWEST, Done, candidates, done_since, wording
from laer.web.work.models import Episode, PlayRun, Task, TaskKind
from laer.web.work.touches import log_touch
from tests.cast import Cast

MEASURES = ("work_minutes", "time_inferred", "work_by_evidence", "proactive_share", "time_elsewhere")


def a_month(cast: Cast) -> None:
    """The worked example of docs/methods/work.md, on one account."""
    csm, account = cast.users["csm"], cast.renewing
    log_touch(csm, account.pk, {"kind": "call", "minutes": ""})
    log_touch(csm, account.pk, {"kind": "meeting", "minutes": "45", "direction": "in"})
    now = timezone.now()
    run = PlayRun.objects.create(account=account, play="usage_drop", version=1, cause="person:1", cause_on=now.date(), state="ended", starts_on=now.date(), created_at=now)
    given, _ = actions.create_task(csm, {"title": "Call about the drop"}, account.pk)
    Task.objects.filter(pk=given.pk).update(play_run=run)
    own, _ = actions.create_task(csm, {"title": "Reset a password", "kind": TaskKind.SUPPORT, "minutes": "25"}, account.pk)
    actions.complete_tasks(csm, [given.pk, own.pk])


def seen(user: User) -> Done:
    return done_since(user, timezone.now() - timedelta(days=90), firm().minutes)


def page(cast: Cast, query: str = "", who: str = "csm") -> str:
    return cast.client(who).get(f"/tasks/time/{query}").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_page_and_the_engine_count_the_example_alike(computed: Cast) -> None:
    a_month(computed)
    run = start_pass()  # a whole one: these are the first touches of the firm
    found = firm_of(run, Scope(True), MEASURES)
    assert [round(found.now(name).amount or 0, 4) for name in MEASURES] == [120, round(50 / 120, 4), 0.5, 0.5, round(25 / 120, 4)]
    kinds = seen(computed.users["lead"]).by_kind()
    assert {key: (one.n, one.minutes, one.inferred) for key, one in kinds.items()} == {
        "call": (1, 30, 30), "meeting": (1, 45, 0), "task": (1, 20, 20), "task support": (1, 25, 0),
    }  # fmt: skip
    shown = page(computed)
    assert f"{percent(50 / 120)} by default minutes" in shown
    assert sum(one.minutes for one in seen(computed.users["csm"]).by_person().values()) == 120


@pytest.mark.django_db(transaction=True)
def test_usual_minutes_are_the_firms_and_hold_from_the_next_pass_on(computed: Cast) -> None:
    a_month(computed)
    assert change_minutes(computed.users["admin"], {"call": 12}) is True
    assert change_minutes(computed.users["admin"], {"call": 12}) is False
    assert firm().minutes == {**MINUTES, "call": 12}
    assert AuditEvent.objects.filter(act="company_changed", subject="usual minutes").count() == 1
    run_waiting_pass()
    run = PassRun.objects.filter(state="complete").latest("id")
    assert run.position["minutes"]["call"] == 12
    assert firm_of(run, Scope(True), MEASURES).now("work_minutes").amount == 102
    assert seen(computed.users["lead"]).by_kind()["call"].minutes == 12
    with pytest.raises(PermissionDenied):
        change_minutes(computed.users["csm"], {})


@pytest.mark.django_db
def test_settings_take_whole_minutes_and_those_that_ship_again(cast: Cast) -> None:
    admin = cast.client("admin")
    form = {f"minutes-{kind}": str(minutes) for kind, minutes in MINUTES.items()}
    admin.post("/settings/costs/minutes/", form | {"minutes-mail": "4"})
    assert firm().minutes["mail"] == 4
    assert 'value="4"' in admin.get("/settings/costs/").content.decode()
    said = admin.post("/settings/costs/minutes/", form | {"minutes-mail": "a while"}, follow=True).content.decode()
    assert "expected whole minutes" in said
    assert firm().minutes["mail"] == 4
    admin.post("/settings/costs/minutes/", {"ships": "1"})
    assert firm().minutes == MINUTES
    assert cast.client("csm").post("/settings/costs/minutes/", form).status_code == 403
    assert read_minutes({}) == {}


@pytest.mark.django_db
def test_each_figure_opens_to_its_rows_and_the_outsider_sees_none(cast: Cast) -> None:
    a_month(cast)
    assert "Call about the drop" in page(cast, "?what=evidence")
    assert "Reset a password" not in page(cast, "?what=evidence")
    assert "Reset a password" in page(cast, "?what=elsewhere")
    assert "Reset a password" in page(cast, "?kind=task+support")
    assert "Call about the drop" not in page(cast, "?kind=call")
    assert "Reset a password" not in page(cast, "?what=unsaid")
    theirs = page(cast, who="outsider")
    assert "No touch and no task" in theirs
    assert cast.renewing.name not in theirs
    rows = b"".join(cast.client("csm").get("/tasks/time/?format=csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "Reset a password" in rows
    assert len(rows.strip().splitlines()) == 5


@pytest.mark.django_db
def test_what_was_done_again_and_again_is_a_candidate_with_its_rows(cast: Cast) -> None:
    csm = cast.users["csm"]
    parts = [cast.renewing, cast.adopting, cast.expanding, cast.landing, cast.back]
    assert len(parts) == FEWEST
    for at, account in enumerate(parts):
        task, _ = actions.create_task(csm, {"title": f"Send usage report {at} to {account.name}!", "minutes": "40" if at else ""}, account.pk)
        actions.complete_tasks(csm, [task.pk])
    once, _ = actions.create_task(csm, {"title": "Write the QBR"}, cast.renewing.pk)
    actions.complete_tasks(csm, [once.pk])
    [found] = candidates(seen(csm))
    assert (len(found.ids), found.minutes, found.inferred, len(found.accounts)) == (5, 4 * 40 + 20, 20, 5)
    listed = page(cast, "?view=candidates")
    assert "Send usage report" in listed
    assert "Write the QBR" not in listed
    rows = page(cast, f"?like={found.ids[0]}")
    assert rows.count("Send usage report") == 5
    assert "Write the QBR" not in rows
    assert wording("Send report 12 to Acme Ltd.", "Acme Ltd.") == "send report # to"


@pytest.mark.django_db
def test_a_task_says_its_kind_and_minutes_and_refuses_what_does_not_read(cast: Cast) -> None:
    task, _ = actions.create_task(cast.users["csm"], {"title": "Prepare the QBR"}, cast.renewing.pk)
    client, address = cast.client("csm"), f"/tasks/{task.pk}/"
    assert "20 by default" in client.get(address).content.decode()
    assert client.post(address, {"title": "Prepare the QBR", "kind": "prepare", "minutes": "75"}).status_code == 302
    task.refresh_from_db()
    assert (task.kind, task.minutes) == ("prepare", 75)
    for wrong in ({"kind": "magic"}, {"minutes": "-3"}, {"minutes": "9999"}):
        assert client.post(address, {"title": "Prepare the QBR"} | wrong).status_code == 422
    with pytest.raises(Refused, match="expected nothing or one of"):
        actions.read_task({"title": "x", "kind": "magic"})


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_given_for_a_signal_says_so(computed: Cast) -> None:
    now = timezone.now()
    address = reverse("today_answer")
    episode = Episode.objects.create(account=computed.renewing, signal="silent", version=1, opened_on=now.date(), run_id=computed.run.pk)
    answer: Any = computed.client("csm").post(address, {"episodes": str(episode.pk), "do": "give", "title": "Call them"})
    made = Task.objects.filter(title="Call them").first()
    assert made is not None, answer.status_code
    assert made.episode_id == episode.pk
