"""Cases that a review by fresh eyes found: undo in any order, owners who come and go, ids that were made up, edits of edits."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from laer.cycle.scope import Scope
from laer.web.book import actions
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, Assignment, ImportRun, QuarantinedRow, SubscriptionLine
from laer.web.book.undo import NotUndoable, undo_import
from laer.web.people.models import User
from laer.web.runs import passes, revenue
from laer.web.runs.models import AccountCard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def bring(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Import one file of a text."""
    count = 0

    def run(name: str, text: str, day: date | None = None) -> ImportRun:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / name).write_text(text)
        return run_import(begin_import([(name, folder / name)], source="files", file_date=day))

    return run


def industry() -> str | None:
    return Account.objects.get(name="Acme").industry


@pytest.mark.parametrize("order", [(3, 2), (2, 3)])
def test_undo_in_any_order_leaves_what_stands_without_those_imports(bring, order: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    runs = {n: bring("accounts.csv", f"account_id,account_name,industry\n1,Acme,v{n}\n") for n in (1, 2, 3)}
    for n in order:
        undo_import(ImportRun.objects.get(pk=runs[n].pk))
    assert industry() == "v1"


def test_what_a_later_import_states_too_stays_and_goes_with_that_import(bring) -> None:  # type: ignore[no-untyped-def]
    first = bring("accounts.csv", "account_id,account_name,industry\n1,Acme,Retail\n2,Bolt,Retail\n")
    second = bring("accounts.csv", "account_id,account_name,industry\n1,Acme,Retail\n")
    summary = undo_import(ImportRun.objects.get(pk=first.pk))
    assert [a.name for a in Account.objects.filter(archived_at=None)] == ["Acme"]
    assert summary["left"][0]["why"] == f"import {second.pk} states it too"
    undo_import(ImportRun.objects.get(pk=second.pk))
    assert not Account.objects.filter(archived_at=None).exists()


def test_an_import_that_has_not_run_cannot_be_undone(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,account_name\n1,Acme\n")
    run = begin_import([("accounts.csv", tmp_path / "accounts.csv")], source="files")
    with pytest.raises(NotUndoable):
        undo_import(run)


def test_owners_that_change_and_come_back_leave_one_owner_and_a_history(bring) -> None:  # type: ignore[no-untyped-def]
    for owner, day in (("Ann Lee", date(2026, 1, 1)), ("Cid Fox", date(2026, 3, 1)), ("Cid Fox", date(2026, 4, 1)), ("Ann Lee", date(2026, 5, 1))):
        bring("accounts.csv", f"account_id,account_name,owner\n1,Acme,{owner}\n", day)
    held = Assignment.objects.order_by("id").values_list("person__name", "from_on", "until_on")
    assert list(held) == [
        ("Ann Lee", None, date(2026, 3, 1)),
        ("Cid Fox", date(2026, 3, 1), date(2026, 5, 1)),
        ("Ann Lee", date(2026, 5, 1), None),
    ]


def test_revenue_by_owner_belongs_to_who_held_the_account_then(bring) -> None:  # type: ignore[no-untyped-def]
    bring("accounts.csv", "account_id,account_name,owner\n1,Acme,Ann Lee\n", date(2024, 1, 1))
    bring("subscriptions.csv", "subscription_id,account_id,start_date,mrr,currency,status\nS,1,2024-01-01,100,USD,active\n")
    bring("accounts.csv", "account_id,account_name,owner\n1,Acme,Cid Fox\n", date(2024, 6, 1))
    run = passes.run_waiting_pass()
    assert run is not None
    ledger = revenue.ledger_of(run, Scope(True), by="owner")
    moved = {(m.value, revenue.name_of(m.month)): (m["closing_mrr"], m["entering_mrr"], m["leaving_mrr"]) for m in ledger.months_by_value(648, 653)}
    assert moved["Ann Lee", "2024-05"] == (100, 0, 0)
    assert moved["Ann Lee", "2024-06"] == (0, 0, 100)
    assert moved["Cid Fox", "2024-06"] == (100, 100, 0)


def test_equal_lines_without_a_subscription_id_all_count(bring) -> None:  # type: ignore[no-untyped-def]
    text = "account_id,plan,start_date,mrr,currency\nA,Pro,2024-01-01,100,USD\nA,Pro,2024-01-01,100,USD\n"
    run = bring("subscriptions.csv", text)
    assert (run.counts["subscription_lines"]["new"], run.counts["subscription_lines"]["repeated"]) == (2, 0)
    again = bring("subscriptions.csv", text)
    assert again.counts["subscription_lines"]["unchanged"] == 2
    assert SubscriptionLine.objects.count() == 2


def test_lines_alone_bring_their_accounts_also_from_a_second_file(bring) -> None:  # type: ignore[no-untyped-def]
    bring("subscriptions.csv", "subscription_id,account_id,start_date,mrr\nS1,A,2024-01-01,10\n")
    bring("subscriptions.csv", "subscription_id,account_id,start_date,mrr\nS2,C,2024-01-01,20\n")
    assert set(Account.objects.values_list("name", flat=True)) == {"A", "C"}
    assert not QuarantinedRow.objects.exists()


def test_an_edit_of_an_edit_outlives_a_source_that_says_what_it_said(bring) -> None:  # type: ignore[no-untyped-def]
    lead = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    bring("accounts.csv", "account_id,account_name,industry,country\n1,Acme,Old,US\n")
    account = Account.objects.get()
    actions.edit_field(lead, "accounts", account.pk, "industry", "Mid")
    actions.edit_field(lead, "accounts", account.pk, "industry", "Final")
    bring("accounts.csv", "account_id,account_name,industry,country\n1,Acme,Old,DE\n")
    account.refresh_from_db()
    assert (account.industry, account.country) == ("Final", "DE")


def test_an_archived_account_is_not_brought_back_by_an_import(bring) -> None:  # type: ignore[no-untyped-def]
    admin = User.objects.create_user("admin@laer.example", "long enough to pass", role="admin")
    bring("accounts.csv", "account_id,account_name,industry\n1,Acme,Old\n")
    actions.archive_row(admin, "accounts", Account.objects.get().pk)
    bring("accounts.csv", "account_id,account_name,industry\n1,Acme,New\n")
    assert Account.objects.get().archived_at is not None


def test_a_custom_field_that_the_file_empties_is_empty(bring) -> None:  # type: ignore[no-untyped-def]
    bring("accounts.csv", "account_id,account_name,favourite colour\n1,Acme,green\n2,Bolt,red\n")
    bring("accounts.csv", "account_id,account_name,favourite colour\n1,Acme,\n2,Bolt,red\n")
    assert Account.objects.get(name="Acme").custom == {}
    assert Account.objects.get(name="Bolt").custom == {"favourite_colour": "red"}


def test_an_amount_with_many_digits_does_not_stop_the_pass(bring) -> None:  # type: ignore[no-untyped-def]
    bring("subscriptions.csv", "subscription_id,account_id,start_date,mrr\nS1,A,2024-01-01,1166.6666666666667\nS2,A,2024-01-01,50\n")
    run = passes.run_waiting_pass()
    assert run is not None
    assert AccountCard.objects.get(name="A").mrr_minor == 121_667


def test_passes_over_the_past_leave_the_tables_that_pages_read(bring) -> None:  # type: ignore[no-untyped-def]
    bring("subscriptions.csv", "subscription_id,account_id,start_date,mrr\nS1,A,2024-01-01,50\n")
    latest = passes.run_waiting_pass()
    assert latest is not None
    for _ in range(6):
        passes.start_pass(as_of=date(2024, 3, 1))
    assert revenue.ledger_of(latest, Scope(True)).first_month == 648


def test_a_sheet_that_mixes_accounts_and_dated_mrr_keeps_its_revenue(bring) -> None:  # type: ignore[no-untyped-def]
    header = "account_id,account_name,segment,start_date,end_date,mrr,currency\n"
    text = header + "1,Acme,SMB,2024-01-01,,100,USD\n2,Bolt,SMB,2024-02-01,,50,USD\n3,Core,ENT,2024-03-01,,70,USD\n"
    run = bring("customers.csv", text)
    assert run.counts["subscription_lines"]["new"] == 3
    assert set(Account.objects.values_list("name", flat=True)) == {"Acme", "Bolt", "Core"}
