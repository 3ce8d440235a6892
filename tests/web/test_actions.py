"""Writes by people: the row, its audit row and its dirty row are one transaction, and who may not is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.utils import timezone

from laer.web.book import actions
from laer.web.book.models import Account, Assignment, Contact, Contract, DirtyAccount, FieldChange, ImportRun
from tests.cast import Cast

WRITERS = [
    lambda user, account: actions.edit_field(user, "accounts", account.pk, "segment", "SMB"),
    lambda user, account: actions.assign_owner(user, account.pk, None),
    lambda user, account: actions.archive_row(user, "accounts", account.pk),
]


def book_of(account: Account) -> tuple[Any, ...]:
    return tuple(Account.objects.filter(pk=account.pk).values_list()), tuple(Assignment.objects.filter(account=account).order_by("id").values_list())


def test_an_edit_writes_the_row_its_audit_and_that_it_is_dirty(cast: Cast) -> None:
    change = actions.edit_field(cast.users["csm"], "accounts", cast.adopting.pk, "employees", "1,250")
    assert change is not None
    account = Account.objects.get(pk=cast.adopting.pk)
    assert (account.employees, change.old, change.new, change.user, change.account_id) == (1250, 240, 1250, cast.users["csm"], account.pk)
    assert DirtyAccount.objects.get().account_id == account.pk
    assert account.changed_at == change.recorded_at == DirtyAccount.objects.get().since


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("broken", ["audit", "dirty"])
def test_what_cannot_be_audited_is_not_written(cast: Cast, write: Any, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = book_of(cast.adopting)

    def fails(*args: Any, **fields: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr((FieldChange if broken == "audit" else DirtyAccount).objects, "create", fails)
    with pytest.raises(DatabaseError):
        write(cast.users["csm"], cast.adopting)
    monkeypatch.undo()
    assert book_of(cast.adopting) == before
    assert not FieldChange.objects.exists()
    assert not DirtyAccount.objects.exists()


def test_the_same_value_again_changes_nothing(cast: Cast) -> None:
    assert actions.edit_field(cast.users["csm"], "accounts", cast.adopting.pk, "employees", "240") is None
    assert actions.assign_owner(cast.users["csm"], cast.adopting.pk, cast.people["csm"].pk) is None
    assert not FieldChange.objects.exists()
    assert not DirtyAccount.objects.exists()


def test_undo_is_an_edit_of_its_own(cast: Cast) -> None:
    change = actions.edit_field(cast.users["csm"], "accounts", cast.adopting.pk, "employees", "9")
    assert change is not None
    back = actions.undo_edit(cast.users["csm"], change.pk)
    assert back is not None
    assert (back.old, back.new) == (9, 240)
    assert FieldChange.objects.count() == 2
    assert Account.objects.get(pk=cast.adopting.pk).employees == 240


def test_undo_reads_dates_and_numbers_back(cast: Cast) -> None:
    user = cast.users["csm"]
    contract = Contract.objects.get(account=cast.renewing)
    end = contract.end_on
    change = actions.edit_field(user, "contracts", contract.pk, "end_on", "2030-01-31")
    assert change is not None
    assert change.new == "2030-01-31"
    actions.undo_edit(user, change.pk)
    assert Contract.objects.get(pk=contract.pk).end_on == end


def test_undo_is_refused_when_somebody_changed_it_since(cast: Cast) -> None:
    change = actions.edit_field(cast.users["csm"], "accounts", cast.adopting.pk, "employees", "9")
    assert change is not None
    actions.edit_field(cast.users["lead"], "accounts", cast.adopting.pk, "employees", "10")
    with pytest.raises(actions.Refused, match="changed again"):
        actions.undo_edit(cast.users["csm"], change.pk)


@pytest.mark.parametrize("part", ["viewer", "outsider"])
@pytest.mark.parametrize("write", WRITERS)
def test_who_may_not_edit_is_refused(cast: Cast, write: Any, part: str) -> None:
    before = book_of(cast.adopting)
    with pytest.raises(PermissionDenied):
        write(cast.users[part], cast.adopting)
    assert book_of(cast.adopting) == before


def test_the_viewer_adds_no_account(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        actions.create_account(cast.users["viewer"], {"name": "New"})


def test_rows_below_an_account_follow_its_scope(cast: Cast) -> None:
    contact = Contact.objects.get(account=cast.adopting)
    assert actions.edit_field(cast.users["csm"], "contacts", contact.pk, "title", "COO") is not None
    with pytest.raises(PermissionDenied):
        actions.edit_field(cast.users["outsider"], "contacts", contact.pk, "title", "CEO")


def test_archive_and_restore(cast: Cast) -> None:
    csm = cast.users["csm"]
    actions.archive_row(csm, "accounts", cast.adopting.pk)
    assert Account.objects.get(pk=cast.adopting.pk).archived_at is not None
    with pytest.raises(PermissionDenied):
        actions.edit_field(csm, "accounts", cast.adopting.pk, "segment", "SMB")
    for part in ("viewer", "outsider"):
        with pytest.raises(PermissionDenied):
            actions.restore_row(cast.users[part], "accounts", cast.adopting.pk)
    actions.restore_row(csm, "accounts", cast.adopting.pk)
    assert Account.objects.get(pk=cast.adopting.pk).archived_at is None
    assert [c.field for c in FieldChange.objects.order_by("id")] == ["archived_at", "archived_at"]
    assert DirtyAccount.objects.filter(account_id=cast.adopting.pk).count() == 2


def test_a_contact_is_archived_and_restored(cast: Cast) -> None:
    contact = Contact.objects.get(account=cast.adopting)
    actions.archive_row(cast.users["csm"], "contacts", contact.pk)
    actions.restore_row(cast.users["csm"], "contacts", contact.pk)
    assert Contact.objects.get(pk=contact.pk).archived_at is None


def test_a_new_owner_is_a_dated_row(cast: Cast) -> None:
    today = timezone.localdate()
    change = actions.assign_owner(cast.users["lead"], cast.adopting.pk, cast.people["outsider"].pk)
    assert change is not None
    held = list(Assignment.objects.filter(account=cast.adopting, job="csm").order_by("id").values_list("person__name", "from_on", "until_on"))
    assert held == [("Maya Okafor", None, today), ("Tom Becker", today, None)]
    assert (change.old, change.new) == ("Maya Okafor", "Tom Becker")


def test_undoing_an_owner_reopens_what_was_closed(cast: Cast) -> None:
    change = actions.assign_owner(cast.users["lead"], cast.adopting.pk, None)
    assert change is not None
    actions.undo_edit(cast.users["lead"], change.pk)
    assert Assignment.objects.get(account=cast.adopting, job="csm", archived_at=None).until_on is None


def test_undoing_an_owner_is_refused_when_it_changed_again(cast: Cast) -> None:
    change = actions.assign_owner(cast.users["lead"], cast.adopting.pk, cast.people["outsider"].pk)
    assert change is not None
    actions.assign_owner(cast.users["admin"], cast.adopting.pk, cast.people["lead"].pk)
    with pytest.raises(actions.Refused, match="changed again"):
        actions.undo_edit(cast.users["lead"], change.pk)


def test_an_account_added_by_hand_is_audited_by_its_run(cast: Cast) -> None:
    account = actions.create_account(cast.users["lead"], {"name": " Helio ", "signed_up_on": "2026-04-12"}, cast.people["csm"].pk)
    run = ImportRun.objects.get()
    assert (account.name, account.created_run, run.kind, run.user) == ("Helio", run, "edit", cast.users["lead"])
    assert Assignment.objects.get(account=account).person == cast.people["csm"]
    assert DirtyAccount.objects.get().account_id == account.pk


def test_an_error_lists_what_exists(cast: Cast) -> None:
    with pytest.raises(actions.Refused, match="these can: name, domain"):
        actions.edit_field(cast.users["csm"], "accounts", cast.adopting.pk, "custom", "x")
