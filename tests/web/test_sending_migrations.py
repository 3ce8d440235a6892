"""What stood in the book before the migrations of sending: mails of plays find their run, addresses of endpoints are sealed."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from laer.web.people.formats import today
from laer.web.work import calls_out, sending_acts
from laer.web.work.models import Endpoint, OutgoingMail, PlayRun, RunState
from tests.cast import Cast


@pytest.mark.django_db(transaction=True)
def test_mails_of_plays_find_their_run_and_endpoints_are_sealed(cast: Cast) -> None:
    now, url = timezone.now(), "https://chat.example/services/xyzzy"
    sending_acts.add_endpoint(cast.users["admin"], "chat", url, "chat")
    run = PlayRun.objects.create(
        account=cast.landing, play="thank_them", version=1, cause="person:1", cause_on=today(), state=RunState.LIVE, starts_on=today(), created_at=now
    )
    for key in (f"play:{run.pk}:0", "play:999999:0", "digest-1"):
        OutgoingMail.objects.create(key=key, template="x", to="jo@willow.example", subject="x", text="x", due_at=now, message_id="<x@y>", created_at=now)
    call_command("migrate", "work", "0010_task_repeats", verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT url FROM {Endpoint._meta.db_table}")
            assert cursor.fetchall() == [(url,)]
    finally:
        call_command("migrate", verbosity=0)
    assert {mail.key: mail.play_run_id for mail in OutgoingMail.objects.all()} == {f"play:{run.pk}:0": run.pk, "play:999999:0": None, "digest-1": None}
    endpoint = Endpoint.objects.get()
    assert (calls_out.url_of(endpoint), endpoint.host) == (url, "chat.example")
    assert "xyzzy" not in endpoint.url
