"""Notes of an account: written, changed, taken out. A note is a record of the book; who it names is told here."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book import actions
from laer.web.book.actions import Refused, editable_row, mark_dirty
from laer.web.book.models import FieldChange, ImportRun, ImportState, Note
from laer.web.book.scope import visible_accounts
from laer.web.people.models import Person, User
from laer.web.work.markdown import mentioned, with_mentions
from laer.web.work.models import Notice, Notification
from laer.web.work.notices import wants

LONGEST = 20_000


def add_note(user: User, account_id: int, text: str) -> Note:
    """Write one. Its audit is its run, as of every row of the book.

    Raises  PermissionDenied where the person may not edit the account, Refused where the text is empty or too long
    """
    account = editable_row(user, "accounts", account_id)
    written, now = read_note(text), timezone.now()
    with transaction.atomic():
        run = ImportRun.objects.create(
            source="person", state=ImportState.DONE, kind="edit", user=user, created_at=now, finished_at=now, counts={"notes": {"new": 1}}
        )
        note = Note.objects.create(account=account, text=written, written_on=timezone.localdate(now), created_run=run, created_at=now)
        tell(user, note, mentioned(written))
        mark_dirty(account.pk, now)
    return note


def edit_note(user: User, note_id: int, text: str) -> FieldChange | None:
    """Change its text; who is named now and was not before is told."""
    note: Note = editable_row(user, "notes", note_id)
    written = read_note(text)
    with transaction.atomic():
        change = actions.edit_field(user, "notes", note.pk, "text", written)
        tell(user, note, mentioned(written) - mentioned(note.text))
    return change


def read_note(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused(_("A note cannot be empty"))
    if len(text) > LONGEST:
        raise Refused(_("Note: found %(count)s characters, expected at most %(limit)s") % {"count": len(text), "limit": LONGEST})
    return with_mentions(text, people_to_name())


def people_to_name() -> list[tuple[int, str]]:
    """People with a login: whom a note can name. One query."""
    people = Person.objects.filter(archived_at=None, user__is_active=True).order_by("name", "id")
    return list(people.values_list("id", "name")[:1_000])


def tell(user: User, note: Note, people: Iterable[int]) -> None:
    """People named hear of it: not oneself, and nobody who may not see the account."""
    for person in Person.objects.select_related("user").filter(pk__in=people, user__is_active=True).exclude(user=user):
        if person.user and wants(person.user, Notice.MENTION) and visible_accounts(person.user).filter(pk=note.account_id).exists():
            Notification.objects.create(person=person, kind=Notice.MENTION, account_id=note.account_id, note=note, by=user, at=timezone.now())
