"""Touches, and the activity of an account: every kind of event, its filters, its pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.web.book.actions import Refused, edit_field
from laer.web.book.models import Contact, Contract, FieldChange, ImportRun, Note, Pulse
from laer.web.pages.account_feed import ALL
from laer.web.work import actions
from laer.web.work.feed import Place, feed
from laer.web.work.models import Touch
from laer.web.work.touches import log_touch
from tests.cast import Cast


def page(cast: Cast, who: str = "csm", query: str = "", part: str = "renewing") -> str:
    return cast.client(who).get(f"/accounts/{getattr(cast, part).pk}/?tab=feed{query}").content.decode()


def test_a_touch_is_logged_with_now_where_it_does_not_say_when(cast: Cast) -> None:
    answer = cast.client("csm").post(f"/accounts/{cast.renewing.pk}/touches/", {"kind": "call", "minutes": "30", "sentiment": "bad", "summary": "They think of leaving"})
    assert answer.status_code == 302
    touch = Touch.objects.get()
    assert (touch.kind, touch.minutes, touch.sentiment, touch.direction, touch.person) == ("call", 30, "bad", "out", cast.people["csm"])
    assert abs(touch.at - timezone.now()) < timedelta(minutes=1)
    shown = page(cast)
    assert "They think of leaving" in shown
    assert "went badly" in shown


def test_a_touch_names_contacts_of_the_account_and_no_others(cast: Cast) -> None:
    jon, dana = Contact.objects.get(name="Jon Pruitt"), Contact.objects.get(name="Dana Whitfield")
    log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "meeting"}, [jon.pk])
    assert "with Jon Pruitt" in page(cast)
    with pytest.raises(Refused, match="of this account"):
        log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "meeting"}, [dana.pk])


@pytest.mark.parametrize(("values", "why"), [({"kind": "fax"}, "Kind"), ({"kind": "call", "minutes": "-5"}, "Minutes"), ({"kind": "call", "at": "2999-01-01T10:00"}, "past"), ({"kind": "call", "at": "noon"}, "When"), ({"kind": "call", "sentiment": "meh"}, "Sentiment")])
def test_a_touch_that_does_not_read_is_refused(cast: Cast, values: dict[str, str], why: str) -> None:
    answer = cast.client("csm").post(f"/accounts/{cast.renewing.pk}/touches/", values)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Touch.objects.exists()


def test_the_outsider_logs_nothing_and_the_viewer_neither(cast: Cast) -> None:
    address = f"/accounts/{cast.renewing.pk}/touches/"
    assert cast.client("outsider").post(address, {"kind": "call"}).status_code == 404
    assert cast.client("viewer").post(address, {"kind": "call"}).status_code == 403
    with pytest.raises(PermissionDenied):
        log_touch(cast.users["outsider"], cast.renewing.pk, {"kind": "call"})
    assert not Touch.objects.exists()


def test_a_touch_is_undone_by_its_toast(cast: Cast) -> None:
    client = cast.client("csm")
    said = client.post(f"/accounts/{cast.renewing.pk}/touches/", {"kind": "call", "summary": "Wrong account"}, follow=True).content.decode()
    undo = re.search(r"/work/undo/\d+/", said)
    assert undo
    client.post(undo[0])
    assert "Wrong account" not in page(cast)


def full(cast: Cast) -> None:
    """Something of every kind."""
    user, account, now = cast.users["csm"], cast.renewing, timezone.now()
    log_touch(user, account.pk, {"kind": "call", "summary": "Spoke with Jon"})
    task, _ = actions.create_task(user, {"title": "Send the offer"}, account.pk)
    actions.complete_tasks(user, [task.pk])
    edit_field(user, "accounts", account.pk, "region", "North")
    run = ImportRun.objects.create(source="billing", state="done", created_at=now, finished_at=now)
    FieldChange.objects.create(record="accounts", object_id=account.pk, account_id=account.pk, field="country", new="GB", effective_at=now, recorded_at=now, source="billing", run=run)
    Note.objects.create(account=account, text="Imported note", written_on=cast.today - timedelta(days=9), created_at=now)
    Pulse.objects.create(account=account, colour="red", stated_on=cast.today, reason="Sponsor left", created_at=now)
    Contract.objects.filter(account=account).update(signed_on=cast.today - timedelta(days=330))


def test_the_activity_tells_of_every_kind(cast: Cast) -> None:
    full(cast)
    shown = page(cast)
    for text in ("Spoke with Jon", "Send the offer", "North", "Import from billing", "Imported note", "Sponsor left", f"{cast.renewing.name} {cast.today.year} signed"):
        assert text in shown, text
    assert "expansion" in page(cast, part="expanding")
    assert "Spoke with Jon" not in page(cast, "csm", part="adopting")


@pytest.mark.parametrize(("kind", "says", "hides"), [("touch", "Spoke with Jon", "Send the offer"), ("task", "Send the offer", "Spoke with Jon"), ("pulse", "Sponsor left", "North"), ("change", "North", "Sponsor left"), ("import", "Import from billing", "North")])
def test_a_filter_stands_in_the_address(cast: Cast, kind: str, says: str, hides: str) -> None:
    full(cast)
    shown = page(cast, query=f"&kind={kind}")
    assert says in shown
    assert hides not in shown


def test_the_outsider_reads_no_activity(cast: Cast) -> None:
    full(cast)
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/?tab=feed").status_code == 404


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_of_any_size_give_each_event_once_and_in_order(cast: Cast, size: int) -> None:
    """Also where many events share an instant: a day's pulses, touches of one moment, and a midnight that is both."""
    full(cast)
    user, account = cast.users["csm"], cast.renewing
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for at in (midnight, midnight, midnight - timedelta(seconds=1)):
        touch, _ = log_touch(user, account.pk, {"kind": "call"})
        Touch.objects.filter(pk=touch.pk).update(at=at)
    for _ in range(3):
        Pulse.objects.create(account=account, colour="green", stated_on=cast.today, created_at=timezone.now())
    whole, rest = feed(account, ALL, "", None, 500)
    assert rest is None
    found: list[Any] = []
    below = None
    while True:
        events, behind = feed(account, ALL, "", below, size)
        found += events
        if behind is None:
            break
        below = Place.read(str(behind))
        assert below == behind
    names = [(e.kind, e.row.pk) for e in whole]
    assert [(e.kind, e.row.pk) for e in found] == names
    assert len(set(names)) == len(names) > 12
    assert [e.at for e in whole] == sorted((e.at for e in whole), reverse=True)
