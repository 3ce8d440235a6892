"""The working life of the demo firm in the book: rows without an author, those of whoever tries it out, and what leaving counts as people's own."""

from __future__ import annotations

from laer.web.book.models import Note, Pulse
from laer.web.people.models import Person, User
from laer.web.runs import demo
from laer.web.runs.models import AccountCard
from laer.web.work.actions import complete_tasks
from laer.web.work.models import Notification, Task, Touch
from laer.web.work.notes import add_note
from tests.web.test_demo_firm import browser_of, own_home, pytestmark, shown

__all__ = ["own_home", "pytestmark", "shown"]


def test_it_has_touches_pulses_notes_and_tasks_and_none_counts_as_peoples_own(shown: User) -> None:
    assert Touch.objects.exclude(person=None).count() > 20
    assert Pulse.objects.exists()
    assert Note.objects.exists()
    assert not demo.own_rows()
    facts = [card.facts for card in AccountCard.objects.all()]
    assert any(one.get("last_touch_on") for one in facts), "the pass read the touches"


def test_who_tries_it_out_has_tasks_mentions_and_a_bell(shown: User) -> None:
    me = Person.objects.get(user=shown)
    mine = Task.objects.filter(assignee=me, done_at=None)
    assert mine.count() == 9
    browser = browser_of(shown)
    page = browser.get("/tasks/").content.decode()
    assert "Overdue" in page
    assert "Today" in page
    told = Notification.objects.filter(person=me)
    assert {one.kind for one in told} == {"mention", "assigned"}
    assert 0 < told.filter(read_at=None).count() < told.count()
    assert f"@{me.name}" in browser.get("/notifications/").content.decode()


def test_what_they_do_there_is_their_own(shown: User) -> None:
    me = Person.objects.get(user=shown)
    complete_tasks(shown, [Task.objects.filter(assignee=me, done_at=None)[0].pk])
    add_note(shown, AccountCard.objects.all()[0].account_id, "My own")
    own = demo.own_rows()
    assert (own.work, own.changes) == (1, 2)


def test_leaving_takes_all_of_it(shown: User) -> None:
    demo.ask_to_leave(shown)
    assert demo.leave(by=shown.pk)
    assert not (Touch.objects.exists())
    assert not (Task.objects.exists())
    assert not (Note.objects.exists())
    assert not (Pulse.objects.exists())
    assert not (Notification.objects.exists())
