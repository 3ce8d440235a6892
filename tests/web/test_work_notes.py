"""Notes in Markdown, and who is told when they are named."""

from __future__ import annotations

import re

import pytest

from laer.web.book.actions import Refused
from laer.web.book.models import FieldChange, Note
from laer.web.people.models import Person
from laer.web.work import actions
from laer.web.work.markdown import as_html, with_mentions
from laer.web.work.models import Notification
from laer.web.work.notes import add_note, edit_note
from tests.cast import Cast


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>", "![x](https://elsewhere.example/pixel.png)", "<a href='https://a' onclick='x()'>y</a>", "@[<img src=x>](1)", "[x](data:text/html,hi)"])
def test_nothing_in_a_note_runs_or_loads(text: str) -> None:
    assert not re.search(r"<script|<img|<a [^>]*(javascript:|onclick|data:)", as_html(text))


def test_a_note_is_markdown_with_safe_links() -> None:
    html = as_html("**Bold**, [site](https://laer.example)\n\n- one\n- two")
    assert "<strong>Bold</strong>" in html
    assert "<li>one</li>" in html
    assert re.search(r'<a href="https://laer.example" rel="[^"]*noopener[^"]*">site</a>', html)


def test_a_name_is_a_mention_where_only_one_has_it() -> None:
    people = [(1, "Maya Okafor"), (2, "Maya"), (3, "Sam"), (4, "Sam")]
    assert with_mentions("@maya okafor, @Maya; @Sam, mail@maya.example, @Mayan", people) == "@[maya okafor](1), @[Maya](2); @Sam, mail@maya.example, @Mayan"
    written = with_mentions("Ask @Maya Okafor", people)
    assert with_mentions(written, people) == written  # saved again as it stands


def test_a_note_stands_in_the_activity_with_its_author(cast: Cast) -> None:
    cast.client("csm").post(f"/accounts/{cast.renewing.pk}/notes/", {"text": "They **like** it"})
    shown = cast.client("lead").get(f"/accounts/{cast.renewing.pk}/?tab=feed").content.decode()
    assert "<strong>like</strong>" in shown
    assert "Maya Okafor" in shown


def test_who_is_named_is_told_and_nobody_who_may_not_see_it(cast: Cast) -> None:
    add_note(cast.users["csm"], cast.renewing.pk, "@Hana Sato and @Tom Becker and @Maya Okafor: read this")
    assert [n.person for n in Notification.objects.all()] == [cast.people["lead"]]
    page = cast.client("lead").get("/notifications/").content.decode()
    assert "1 unread" in page
    assert "Maya Okafor mentioned you" in page
    assert "unread" not in cast.client("outsider").get("/accounts/").content.decode()


def test_an_edit_tells_only_those_who_are_new_and_is_undone(cast: Cast) -> None:
    note = add_note(cast.users["csm"], cast.renewing.pk, "@Hana Sato look")
    change = edit_note(cast.users["csm"], note.pk, "@Hana Sato and @Ada Novak look")
    assert change
    assert [n.person for n in Notification.objects.order_by("id")] == [cast.people["lead"], cast.people["admin"]]
    cast.client("csm").post(f"/changes/{change.pk}/undo/")
    assert "Ada" not in Note.objects.get(pk=note.pk).text


def test_a_note_is_taken_out_and_comes_back(cast: Cast) -> None:
    note, client = add_note(cast.users["csm"], cast.renewing.pk, "Old story"), cast.client("csm")
    address = f"/accounts/{cast.renewing.pk}/?tab=feed"
    client.post(f"/notes/{note.pk}/archive/")
    assert "Old story" not in client.get(address).content.decode()
    assert FieldChange.objects.filter(record="notes", object_id=note.pk, field="archived_at", user=cast.users["csm"]).exists()
    client.post(f"/notes/{note.pk}/restore/")
    assert "Old story" in client.get(address).content.decode()


def test_the_outsider_and_the_viewer_write_nothing(cast: Cast) -> None:
    note = add_note(cast.users["csm"], cast.renewing.pk, "Ours")
    for part, status in (("outsider", 404), ("viewer", 403)):
        assert cast.client(part).post(f"/accounts/{cast.renewing.pk}/notes/", {"text": "x"}).status_code == status
        for path in ("", "archive/"):
            assert cast.client(part).post(f"/notes/{note.pk}/{path}", {"text": "x"}).status_code == 404
    note.refresh_from_db()
    assert (note.text, note.archived_at) == ("Ours", None)


def test_an_empty_note_and_one_too_long_are_refused(cast: Cast) -> None:
    answer = cast.client("csm").post(f"/accounts/{cast.renewing.pk}/notes/", {"text": "  "})
    assert answer.status_code == 422
    assert "cannot be empty" in answer.content.decode()
    with pytest.raises(Refused, match="at most"):
        add_note(cast.users["csm"], cast.renewing.pk, "x" * 20_001)


def test_opening_a_notification_reads_it_and_leads_to_its_thing(cast: Cast) -> None:
    task, _ = actions.create_task(cast.users["csm"], {"title": "Sign", "assignee": str(cast.people["lead"].pk)}, cast.renewing.pk)
    note = Notification.objects.get()
    assert cast.client("outsider").post("/notifications/read/", {"open": note.pk}).status_code == 404
    answer = cast.client("lead").post("/notifications/read/", {"open": note.pk})
    assert answer["Location"] == f"/tasks/{task.pk}/"
    note.refresh_from_db()
    assert note.read_at


def test_all_are_read_at_once_and_only_ones_own(cast: Cast) -> None:
    for _ in range(3):
        add_note(cast.users["csm"], cast.renewing.pk, "@Hana Sato @Ada Novak")
    cast.client("lead").post("/notifications/read/")
    assert Notification.objects.filter(person=cast.people["lead"], read_at=None).count() == 0
    assert Notification.objects.filter(person=cast.people["admin"], read_at=None).count() == 3


def test_what_is_out_of_sight_since_is_no_longer_told(cast: Cast) -> None:
    add_note(cast.users["lead"], cast.renewing.pk, "@Maya Okafor secret plan")
    assert "secret plan" in cast.client("csm").get("/notifications/").content.decode()
    cast.renewing.assignments.all().delete()
    page = cast.client("csm").get("/notifications/").content.decode()
    assert "secret plan" not in page
    assert "unread" not in page


def test_people_without_a_login_are_named_but_not_told(cast: Cast) -> None:
    Person.objects.create(name="Agency Five", created_at=cast.run.started_at)
    note = add_note(cast.users["csm"], cast.renewing.pk, "Ask @Agency Five")
    assert note.text == "Ask @Agency Five"
    assert not Notification.objects.exists()
