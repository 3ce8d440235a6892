"""Mails of plays between the step that asks for them and the hour at which they go: what was taken back meanwhile does not go out, and what is sent is
what was approved.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from laer.web.book import definitions
from laer.web.book.actions import Refused
from laer.web.runs import passes
from laer.web.runs.playing import deciding, moving
from laer.web.work import sending, sending_acts
from laer.web.work.models import OutgoingMail, PlayRun, PlaySetting, RunEnd, Sending, Task
from laer.web.work.plays import stop_run
from tests.cast import Cast
from tests.smtp_sink import Sink
from tests.web.sending import contact_of, set_up

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = """
id: thank_them
name: Thank them
status: trial
motion: adopt
purpose: adoption
trigger: {manual: true}
steps:
  - mail: thank_champion
  - wait: 20 d
exit: state is not paying
"""
SOON = timedelta(days=3)  # past every quiet hour and weekend


def put(cast: Cast, text: str = TEXT) -> None:
    there = definitions.current("play", "thank_them")
    definitions.save_definition(cast.users["admin"], "play", text, "for the test", name=there.name if there else None)
    passes.start_pass()


def reword(cast: Cast) -> int:
    """A lead writes a promise into the mail that the play sends; its version since then."""
    text = definitions.current("mail_template", "thank_champion").text  # type: ignore[union-attr]
    promised = text.replace("body: |\n", "body: |\n  You get 90 % off.\n\n")
    return definitions.save_definition(cast.users["lead"], "mail_template", promised, "another tone", name="thank_champion").version


def waiting(cast: Cast, sink: Sink, **values: str) -> tuple[PlayRun, OutgoingMail]:
    """A play that may send, begun for an account, and the mail that its first step asked for."""
    set_up(cast.users["admin"], sink, **values)
    put(cast)
    contact_of(cast, cast.renewing)
    deciding.switch_on(cast.users["lead"], "thank_them", sending=True)
    run = deciding.begin(cast.users["csm"], "thank_them", cast.renewing.pk)
    moving.tick(timezone.now())
    return run, OutgoingMail.objects.get()


def sent(mail: OutgoingMail, at: datetime | None = None) -> OutgoingMail:
    """The mail after the hour at which it may go."""
    when = at or timezone.now() + SOON
    for _day in range(3):
        sending.deliver_due(when)
        mail.refresh_from_db()
        when = mail.due_at if mail.state == Sending.QUEUED else when
    return mail


def test_a_mail_whose_run_goes_on_is_sent(cast: Cast, sink: Sink) -> None:
    run, mail = waiting(cast, sink)
    assert mail.play_run_id == run.pk
    assert sent(mail).state == Sending.SENT


def test_a_mail_waits_no_more_once_its_play_is_switched_off(cast: Cast, sink: Sink) -> None:
    _run, mail = waiting(cast, sink)
    deciding.switch_off(cast.users["lead"], "thank_them", stop=True)
    assert (sent(mail).state, mail.reason) == (Sending.STOPPED, "its play was stopped for this account: the play was switched off")
    assert sink.taken == []


def test_nor_where_its_runs_go_on_to_their_end(cast: Cast, sink: Sink) -> None:
    _run, mail = waiting(cast, sink)
    deciding.switch_off(cast.users["lead"], "thank_them")
    assert (sent(mail).state, mail.reason) == (Sending.STOPPED, "the play is switched off")


def test_nor_once_a_person_stopped_the_run_and_says_why(cast: Cast, sink: Sink) -> None:
    run, mail = waiting(cast, sink)
    stop_run(cast.users["csm"], run.pk, "they are at odds with us")
    assert (sent(mail).state, mail.reason) == (Sending.STOPPED, "its play was stopped for this account: they are at odds with us")
    page = cast.client("csm").get("/mails/").content.decode()
    assert "they are at odds with us" in page


def test_nor_once_what_ends_the_play_came_true(cast: Cast, sink: Sink) -> None:
    run, mail = waiting(cast, sink)
    PlayRun.objects.filter(pk=run.pk).update(state="ended", ended_by=RunEnd.REACHED)
    assert (sent(mail).state, mail.reason) == (Sending.STOPPED, "what ends its play came true meanwhile")


def test_nor_once_another_text_of_the_play_was_approved(cast: Cast, sink: Sink) -> None:
    _run, mail = waiting(cast, sink)
    put(cast, TEXT.replace("20 d", "21 d"))
    deciding.approve(cast.users["lead"], "thank_them")
    assert (sent(mail).state, mail.reason) == (Sending.STOPPED, "this text of the play is not approved for sending")


def test_a_mail_that_waited_for_weeks_does_not_go_out(cast: Cast, sink: Sink) -> None:
    _run, mail = waiting(cast, sink)
    assert sent(mail, mail.created_at + timedelta(days=15)).state == Sending.STOPPED
    assert mail.reason.startswith("it waited for too long: it was asked for on")


def test_a_person_may_send_a_stopped_mail_all_the_same(cast: Cast, sink: Sink) -> None:
    run, mail = waiting(cast, sink)
    stop_run(cast.users["csm"], run.pk, "")
    assert sent(mail).state == Sending.STOPPED
    sending_acts.send_again(cast.users["csm"], mail.pk)
    assert sent(mail).state == Sending.SENT


def test_a_digest_of_yesterday_stays_in_the_house(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    seven, person = datetime(2026, 11, 25, 7, tzinfo=UTC), cast.people["csm"]
    written = sending.Rendered("Your day", "Call the sponsor", "<p>Call the sponsor</p>")
    mail = sending.queue_to_ourselves(key="digest-1", template="digest", person=person, to="csm@laer.example", written=written, now=seven)
    assert sent(mail, seven + timedelta(hours=26)).state == Sending.STOPPED


def test_a_mail_template_that_was_edited_since_is_approved_anew(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    put(cast)
    contact_of(cast, cast.renewing)
    deciding.switch_on(cast.users["lead"], "thank_them", sending=True)
    reword(cast)
    deciding.begin(cast.users["csm"], "thank_them", cast.renewing.pk)
    moving.tick(timezone.now())
    assert not OutgoingMail.objects.exists()
    task = Task.objects.get(play_run__isnull=False)
    assert "the text of the mail thank_champion is not approved for sending" in task.detail
    page = cast.client("lead").get("/plays/thank_them/").content.decode()
    assert "the text of the mail thank_champion is not approved" in page
    deciding.approve(cast.users["lead"], "thank_them")
    deciding.begin(cast.users["admin"], "thank_them", cast.landing.pk)
    contact_of(cast, cast.landing)
    moving.tick(timezone.now())
    assert "You get 90 % off." in OutgoingMail.objects.get().text


def test_what_is_approved_is_what_the_page_showed(cast: Cast) -> None:
    put(cast)
    deciding.switch_on(cast.users["lead"], "thank_them")
    client, url = cast.client("lead"), "/plays/thank_them/"
    shown = client.get(url).content.decode().split('name="shown" value="')[1].split('"')[0]
    version = reword(cast)
    said = client.post(f"{url}approve/", {"shown": shown}, follow=True).content.decode()
    assert "was changed since the page was made" in said
    assert PlaySetting.objects.get(play="thank_them").approved is None
    shown = said.split('name="shown" value="')[1].split('"')[0]
    client.post(f"{url}approve/", {"shown": shown})
    setting = PlaySetting.objects.get(play="thank_them")
    assert setting.approved_mails == {"thank_champion": version}
    said = cast.client("admin").get("/settings/audit/").content.decode()
    assert f"version: {setting.approved}" in said
    assert f"mails: thank_champion {version}" in said
    with pytest.raises(Refused, match="was changed since the page was made"):
        deciding.switch_on(cast.users["lead"], "thank_them", sending=True, shown="1;thank_champion=1000")
