"""The mail of the morning: at each person's own hour, once a day, and only where there is something to say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from laer.web.people import company, teams
from laer.web.people.models import Company, Demo, User
from laer.web.runs import digests, episodes
from laer.web.work import actions, sending
from laer.web.work.models import Episode, OutgoingMail
from tests.cast import Cast
from tests.smtp_sink import Sink
from tests.web.sending import set_up

pytestmark = pytest.mark.django_db
SEVEN = datetime(2026, 11, 25, 7, 5, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def firm(cast: Cast, sink: Sink) -> Cast:
    """Maya's account shows a signal, and she owes a task; the others have nothing."""
    set_up(cast.users["admin"], sink)
    signal = next(name for name, one in episodes.signals().items() if one.status == "stable" and one.motion == "renew")
    Episode.objects.create(account=cast.renewing, signal=signal, version=1, opened_on=cast.run.as_of, arr_minor=1, run_id=cast.run.pk)
    actions.create_task(cast.users["csm"], {"title": "Call the sponsor", "due_on": date(2026, 11, 20).isoformat()}, cast.renewing.pk)
    return cast


def asked(user: User) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(person__user=user).order_by("pk"))


def test_it_says_what_is_to_do_what_is_owed_and_what_changed(firm: Cast, sink: Sink) -> None:
    digests.queue_due(SEVEN)
    (mail,) = asked(firm.users["csm"])
    assert "Your day: 1 account, 1 task" in mail.subject
    assert "Renew\n\n- Vantage Health" in mail.text
    assert "Call the sponsor (Vantage Health), due 20 Nov 2026" in mail.text
    assert "https://laer.firm.example/today/" in mail.text
    sending.deliver_due(SEVEN)
    assert "csm@laer.example" in [to for to, _content in sink.taken]
    (message,) = [one for one in sink.messages if one["To"] == "csm@laer.example"]
    assert message["List-Unsubscribe"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_it_comes_once_a_day_also_to_another_process(firm: Cast) -> None:
    digests.queue_due(SEVEN)
    digests.forget()
    digests.queue_due(SEVEN + timedelta(hours=1))
    assert len(asked(firm.users["csm"])) == 1
    digests.queue_due(SEVEN + timedelta(days=1))
    assert len(asked(firm.users["csm"])) == 2


def test_who_has_nothing_gets_nothing_and_reads_nothing_of_others(firm: Cast) -> None:
    digests.queue_due(SEVEN)
    assert asked(firm.users["outsider"]) == []
    assert not [mail for mail in OutgoingMail.objects.exclude(person__user__in=[firm.users["csm"], firm.users["lead"]]) if "Vantage" in mail.text]


@pytest.mark.parametrize("at", [SEVEN - timedelta(hours=1), SEVEN + timedelta(hours=7), SEVEN + timedelta(days=3)], ids=["too early", "too late", "on a saturday"])
def test_it_comes_in_the_morning_of_a_working_day(firm: Cast, at: datetime) -> None:
    digests.queue_due(at)
    assert asked(firm.users["csm"]) == []


def test_the_morning_is_the_persons_own(firm: Cast) -> None:
    User.objects.filter(pk=firm.users["csm"].pk).update(time_zone="America/New_York")
    digests.queue_due(SEVEN)
    assert asked(firm.users["csm"]) == []
    digests.queue_due(SEVEN + timedelta(hours=5))
    assert len(asked(firm.users["csm"])) == 1


def test_it_is_switched_off_in_settings(firm: Cast) -> None:
    answer = firm.client("csm").post("/settings/you/digest/", {"hour": "9"})
    assert answer.status_code == 302
    firm.users["csm"].refresh_from_db()
    assert (firm.users["csm"].digest, firm.users["csm"].digest_hour) == (False, 9)
    digests.queue_due(SEVEN + timedelta(hours=3))
    assert asked(firm.users["csm"]) == []


def test_a_lead_reads_of_each_team_who_has_what(firm: Cast) -> None:
    teams.save_team(firm.users["admin"], "North", None, [firm.people["csm"].pk, firm.people["lead"].pk])
    digests.queue_due(SEVEN)
    (mail,) = [one for one in asked(firm.users["lead"]) if one.template == "team_digest"]
    assert "Team North" in mail.text
    assert "Renew 1" in mail.text
    assert f"{firm.people['csm'].name}: 1 account at " in mail.text
    assert "1 task late" in mail.text


def test_nothing_is_asked_for_where_no_sender_lets_mail_out(cast: Cast) -> None:
    assert digests.queue_due(SEVEN) == 0
    assert not OutgoingMail.objects.exists()


def test_who_cannot_be_written_to_holds_up_nobody_else(firm: Cast, sink: Sink) -> None:
    """In the demo firm only addresses of the allow-list are written to: the first of two people is not on it, the second is."""
    admin, csm = firm.users["admin"], firm.users["csm"]
    actions.create_task(admin, {"title": "Ask the board", "due_on": date(2026, 11, 20).isoformat(), "assignee_id": firm.people["admin"].pk}, None)
    first, second = sorted((admin, csm), key=lambda user: user.pk)
    set_up(admin, sink, allowed=f"ada@firm.example, {second.email}")
    Company.objects.update_or_create(pk=1, defaults={"demo": Demo.SHOWN})
    company.refresh()
    digests.queue_due(SEVEN)
    assert (len(asked(first)), len(asked(second))) == (0, 1)
    digests.queue_due(SEVEN + timedelta(minutes=2))
    assert (len(asked(first)), len(asked(second))) == (0, 1)
