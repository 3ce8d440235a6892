"""What an import does with rows that are new, changed, edited by a person, wrong, repeated, or interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.mapping import Mapping
from laer.web.book import actions, importing, usage
from laer.web.book.applying import Writer
from laer.web.book.models import Account, Assignment, DirtyAccount, ExternalId, FieldChange, ImportRun, QuarantinedRow, SubscriptionLine, Ticket
from laer.web.book.retry import Corrected, begin_retry, dismiss, waiting
from laer.web.book.undo import undo_import
from laer.web.people.models import Person, User
from tests.web.files import ACCOUNTS, LINES, TICKETS, USAGE, changes, state_of_book, sums, take_in, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead() -> User:
    return User.objects.create_user("lead@example.com", role="lead")


def test_the_first_import_makes_rows_with_their_external_ids_and_run(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS, usage=USAGE)
    assert sums(run) == {
        "accounts": (3, 0, 0, 0), "people": (2, 0, 0, 0), "assignments": (2, 0, 0, 0), "subscriptions": (3, 0, 0, 0), "subscription_lines": (3, 0, 0, 0),
        "tickets": (2, 0, 0, 0), "usage_days": (3, 0, 0, 0),
    }  # fmt: skip
    bluefin = Account.objects.get(name="Bluefin")
    assert (bluefin.industry, bluefin.country, str(bluefin.signed_up_on), bluefin.created_run) == ("Energy", "US", "2024-01-10", run)
    assert ExternalId.objects.get(source="crm", record="accounts", external_id="A1").object_id == bluefin.pk
    assert Assignment.objects.get(account=bluefin).person.name == "Maya Okafor"
    line = SubscriptionLine.objects.get(account__name="Kestrel")
    assert (line.mrr_num, line.mrr_den, str(line.end_on)) == (501, 2, "2025-02-15")
    assert usage.lake().total("usage_days") == 3
    assert DirtyAccount.objects.exists()


def test_the_same_bytes_twice_change_nothing(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS, usage=USAGE)
    before, log = state_of_book(), changes()
    DirtyAccount.objects.all().delete()
    again = take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS, usage=USAGE)
    assert {record: counts for record, counts in sums(again).items() if counts[0] or counts[1] or counts[3]} == {}
    assert (state_of_book(), changes()) == (before, log)
    assert usage.lake().total("usage_days") == 3
    assert not DirtyAccount.objects.exists()


def test_a_changed_row_is_shown_and_logged_with_old_and_new(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    run = importing.begin_import(write(tmp_path, accounts_2024_06_30=ACCOUNTS.replace("FinTech", "Banking")), source="crm")
    (preview,) = importing.preview_import(run).values()
    assert preview.counts["accounts"] == {"new": 0, "changed": 1, "unchanged": 2, "repeated": 0, "rejected": 0}
    assert [(c["key"], c["field"], c["old"], c["new"]) for c in preview.changes] == [("A2", "industry", "FinTech", "Banking")]
    importing.run_import(run)
    assert sums(run)["accounts"] == (0, 1, 2, 0)
    change = FieldChange.objects.get(record="accounts")
    assert (change.field, change.old, change.new, change.source, change.run, str(change.effective_at.date())) == (
        "industry",
        "FinTech",
        "Banking",
        "crm",
        run,
        "2024-06-30",
    )


def test_an_edit_by_a_person_stays_until_the_source_says_something_new(tmp_path: Path, lead: User) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    kestrel = Account.objects.get(name="Kestrel")
    actions.edit_field(lead, "accounts", kestrel.pk, "industry", "Payments")
    run = take_in(tmp_path, accounts=ACCOUNTS.replace("Kestrel,FinTech,DE", "Kestrel,FinTech,AT"))  # another field changed
    kestrel.refresh_from_db()
    assert (kestrel.industry, kestrel.country, sums(run)["accounts"]) == ("Payments", "AT", (0, 1, 2, 0))
    take_in(tmp_path, accounts=ACCOUNTS.replace("Kestrel,FinTech,DE", "Kestrel,Banking,AT"))  # now the source itself says otherwise
    kestrel.refresh_from_db()
    assert kestrel.industry == "Banking"


def test_a_row_that_comes_to_what_the_book_has_is_unchanged(tmp_path: Path, lead: User) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    actions.edit_field(lead, "accounts", Account.objects.get(name="Kestrel").pk, "industry", "Banking")
    run = take_in(tmp_path, accounts=ACCOUNTS.replace("FinTech", "Banking"))
    assert sums(run)["accounts"] == (0, 0, 3, 0)
    assert sums(take_in(tmp_path, accounts=ACCOUNTS.replace("FinTech", "Banking")))["accounts"] == (0, 0, 3, 0)


def test_a_rejected_row_is_kept_with_line_reason_and_text_and_stops_nothing(tmp_path: Path) -> None:
    bad = LINES + "S4,A1,not a day,,90,active\nS5,A1,2024-06-01,2024-05-01,90,active\nS6,A1,2024-06-01,,90,unheard of\n"
    run = take_in(tmp_path, accounts=ACCOUNTS, lines=bad)
    rows = list(QuarantinedRow.objects.order_by("line").values_list("file", "line", "kind", "record"))
    assert rows == [
        ("lines.csv", 5, "unreadable date", "subscription_lines"),
        ("lines.csv", 6, "end before start", "subscription_lines"),
        ("lines.csv", 7, "unknown status", "subscription_lines"),
    ]
    kept = QuarantinedRow.objects.get(line=5)
    assert kept.raw == {"subscription_id": "S4", "account_id": "A1", "start_date": "not a day", "end_date": "", "mrr_amount": "90", "status": "active"}
    assert "not a day" in kept.reason
    assert sums(run)["subscription_lines"] == (3, 0, 0, 3)


def test_a_reference_to_nothing_sets_the_row_aside_once(tmp_path: Path) -> None:
    run = take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=LINES + "S9,A9,2024-06-01,,90,active\n",
        tickets=TICKETS + "T9,A9,Lost,2024-05-05 10:00,,low\n",
        usage=USAGE + "U9,S9,2024-06-02,reports,1\n",
    )
    kept = list(QuarantinedRow.objects.order_by("file").values_list("file", "record", "kind"))
    assert kept == [
        ("lines.csv", "subscription_lines", "references nothing"),
        ("tickets.csv", "tickets", "references nothing"),
        ("usage.csv", "usage_days", "references nothing"),
    ]
    assert "account 'A9' is not in the book" in QuarantinedRow.objects.get(file="lines.csv").reason
    assert "subscriptions" not in {r for r, c in sums(run).items() if c[3]}


def test_an_optional_reference_to_nothing_is_kept_as_text_and_resolved_by_a_later_import(tmp_path: Path) -> None:
    tickets = "ticket_id,account_id,contact_id,subject,submitted_at\nT1,A1,C1,Cannot log in,2024-05-01 10:00\n"
    take_in(tmp_path, accounts=ACCOUNTS, tickets=tickets)
    assert Ticket.objects.get().custom["_unresolved"] == {"contact_id": "C1"}
    assert sums(take_in(tmp_path, tickets=tickets))["tickets"] == (0, 0, 1, 0)
    take_in(tmp_path, contacts="contact_id,account_id,full name,email\nC1,A1,Ada,ada@bluefin.example\n")
    assert sums(take_in(tmp_path, tickets=tickets))["tickets"] == (0, 1, 0, 0)
    ticket = Ticket.objects.get()
    assert ticket.contact.name == "Ada"  # type: ignore[union-attr]
    assert "_unresolved" not in ticket.custom
    assert sums(take_in(tmp_path, tickets=tickets))["tickets"] == (0, 0, 1, 0)


def test_a_duplicate_key_with_other_values_is_set_aside_and_an_equal_row_is_not(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS + "A1,Bluefin Two,Energy,US,2024-01-10,\nA2,Kestrel,FinTech,DE,2024-02-11,Tom Becker\n")
    kept = QuarantinedRow.objects.get()
    assert (kept.kind, kept.line, kept.raw["account_name"]) == ("duplicate key", 5, "Bluefin Two")
    assert (Account.objects.get(pk=ExternalId.objects.get(record="accounts", external_id="A1").object_id).name, run.counts["accounts"]["repeated"]) == (
        "Bluefin",
        1,
    )


def test_a_required_value_that_is_missing_sets_the_row_aside(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts="account_id,account_name,industry\nA1,,Energy\nA2,Kestrel,FinTech\n")
    assert (sums(run)["accounts"], QuarantinedRow.objects.get().kind) == ((1, 0, 0, 1), "empty account name")
    nameless = Mapping("accounts", {"id": "account_id", "industry": "industry"})
    without = importing.run_import(importing.begin_import(write(tmp_path, accounts="id,industry\nA1,Energy\n"), source="other", mappings_given=[nameless]))
    assert (sums(without)["accounts"], QuarantinedRow.objects.get(run=without).kind) == ((0, 0, 0, 1), "empty name")


def test_an_unreadable_file_beside_good_ones_is_one_clear_note(tmp_path: Path) -> None:
    files = write(tmp_path, accounts=ACCOUNTS)
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 this is no workbook")
    run = importing.run_import(importing.begin_import([*files, ("broken.xlsx", broken)], source="crm"))
    assert sums(run)["accounts"] == (3, 0, 0, 0)
    assert len(run.notes) == 1
    assert "workbook" in run.notes[0]
    with pytest.raises(UnreadableFile, match="expected"):
        importing.begin_import([("broken.xlsx", broken)], source="crm")
    assert ImportRun.objects.count() == 1


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    run = importing.begin_import(write(tmp_path, accounts=ACCOUNTS, lines=LINES + "S9,A9,2024-06-01,,90,active\n", usage=USAGE), source="crm")
    previews = importing.preview_import(run)
    counts = {record: c for shown in previews.values() for record, c in shown.counts.items()}
    assert (counts["accounts"]["new"], counts["subscription_lines"]["new"], counts["subscription_lines"]["rejected"], counts["usage_days"]["new"]) == (
        3,
        3,
        1,
        3,
    )
    assert not Account.objects.exists()
    assert not QuarantinedRow.objects.exists()
    assert not ExternalId.objects.exists()
    assert usage.lake().total("usage_days") == 0
    importing.run_import(run)
    assert {r: (c["new"], c["rejected"]) for r, c in run.counts.items()} == {
        r: (c["new"], c["rejected"]) for r, c in counts.items()
    }  # it promised what was done


@pytest.mark.parametrize("chunks", [0, 1, 2, 3, 4, 5, 6, 8, 11])
def test_an_import_killed_in_the_middle_and_run_again_gives_what_one_run_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    first = {"accounts": ACCOUNTS, "lines": LINES, "tickets": TICKETS}
    second = {
        "accounts": ACCOUNTS.replace("FinTech", "Banking").replace("A3,Willow,Foods,FR,2024-03-12,", "A3,Willow,Foods,FR,2024-03-12,Maya Okafor") + "A4,Quarry,Analytics,US,2024-04-01,Ann Lee\n",
        "lines": LINES.replace("100,active", "120,active") + "S4,A4,2024-05-01,,60,active\nS5,A9,2024-05-01,,60,active\n", "tickets": TICKETS + "T3,A4,New,2024-06-01 10:00,,low\n", "usage": USAGE,
    }  # fmt: skip
    take_in(tmp_path, **first)
    run = importing.begin_import(write(tmp_path / "second", **second), source="crm")

    class Killed(Exception):
        pass

    left = [chunks]
    kept = {name: getattr(Writer, name) for name in ("_create", "_change")}
    for name, function in kept.items():

        def dying(self: Writer, *args: object, function: object = function) -> None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            function(self, *args)  # type: ignore[operator]

        monkeypatch.setattr(Writer, name, dying)
    try:
        importing.run_import(run)
    except Killed:
        pass
    monkeypatch.undo()
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    importing.run_import(ImportRun.objects.get(pk=run.pk))
    run.refresh_from_db()
    assert sums(run) == {
        "accounts": (1, 1, 2, 0), "people": (1, 0, 0, 0), "assignments": (2, 0, sums(run)["assignments"][2], 0),
        "subscriptions": (1, 0, 0, 0), "subscription_lines": (1, 1, 2, 1), "tickets": (1, 0, 2, 0), "usage_days": (3, 0, 0, 0),
    }  # fmt: skip
    logged = sorted((c.field, str(c.old), str(c.new)) for c in FieldChange.objects.filter(run=run))
    assert logged == [("amount", "100", "120"), ("industry", "FinTech", "Banking"), ("mrr_num", "100", "120")]
    assert QuarantinedRow.objects.filter(run=run).count() == 1
    assert (
        Account.objects.count(),
        SubscriptionLine.objects.count(),
        Ticket.objects.count(),
        Person.objects.count(),
        Assignment.objects.filter(until_on=None).count(),
    ) == (4, 4, 3, 3, 4)
    assert usage.lake().total("usage_days") == 3


# -- back in ----------------------------------------------------------------------------------------------------------


def test_corrected_rows_come_back_in_and_leave_the_quarantine(tmp_path: Path, lead: User) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A1,not a day,,90,active\nS5,A9,2024-06-01,,70,active\n")
    bad, lost = waiting().order_by("line")
    runs = begin_retry([Corrected(bad, {**bad.raw, "start_date": "2024-06-01"}), Corrected(lost, lost.raw)], lead)
    assert not waiting().exists()
    for run in runs:
        importing.run_import(run)
    (run,) = runs
    assert (run.kind, run.source, sums(run)["subscription_lines"]) == ("retry", "crm", (1, 0, 0, 1))
    assert (
        str(SubscriptionLine.objects.get(subscription__id=ExternalId.objects.get(record="subscriptions", external_id="S4").object_id).start_on) == "2024-06-01"
    )
    assert [(r.run, r.kind) for r in waiting()] == [(run, "references nothing")]
    undo_import(run)
    assert {r.pk for r in waiting()} == {bad.pk, lost.pk}  # what the retry took is waiting again


def test_a_dismissed_row_waits_no_longer_and_stays_on_file(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A1,not a day,,90,active\n")
    assert dismiss(waiting()) == 1
    assert not waiting().exists()
    assert QuarantinedRow.objects.filter(run=run).count() == 1


# -- undo ---------------------------------------------------------------------------------------------------------------


def test_an_undo_puts_back_what_stood_before_in_book_and_lake(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE)
    before = state_of_book()
    run = take_in(
        tmp_path,
        accounts=ACCOUNTS.replace("FinTech", "Banking") + "A4,Quarry,Analytics,US,2024-04-01,\n",
        lines=LINES.replace("100,active", "120,active"),
        usage=USAGE + "U4,S1,2024-02-02,alerts,9\n",
    )
    assert usage.lake().total("usage_days") == 4
    summary = undo_import(run)
    assert (summary["archived"], summary["lake"], summary["left"]) == (1, 1, [])
    assert state_of_book() == before
    assert usage.lake().total("usage_days") == 3
    assert undo_import(ImportRun.objects.get(pk=run.pk)) == ImportRun.objects.get(pk=run.pk).counts["undo"]  # asked twice, done once


def test_an_undone_import_can_be_done_again_and_undone_again(tmp_path: Path, lead: User) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE)
    before = state_of_book()
    run = take_in(
        tmp_path, accounts=ACCOUNTS.replace("FinTech", "Banking") + "A4,Quarry,Analytics,US,2024-04-01,\n", usage=USAGE + "U4,S1,2024-02-02,alerts,9\n"
    )
    after = state_of_book()
    undo_import(run, lead)
    again = importing.run_import(importing.repeat_import(run, lead))
    assert (sums(again)["accounts"], sums(again)["usage_days"]) == ((1, 1, 2, 0), (1, 0, 3, 0))
    assert state_of_book() == after
    assert usage.lake().total("usage_days") == 4
    undo_import(again, lead)
    assert state_of_book() == before
    assert usage.lake().total("usage_days") == 3


def test_an_undo_leaves_what_someone_changed_since_and_names_it(tmp_path: Path, lead: User) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    run = take_in(
        tmp_path,
        accounts=ACCOUNTS.replace("FinTech", "Banking").replace("Foods", "Food") + "A4,Quarry,Analytics,US,2024-04-01,\nA5,Atlas,Labs,US,2024-04-01,\n",
    )
    kestrel, quarry = Account.objects.get(name="Kestrel"), Account.objects.get(name="Quarry")
    actions.edit_field(lead, "accounts", kestrel.pk, "industry", "Payments")
    actions.edit_field(lead, "accounts", quarry.pk, "country", "CA")
    summary = undo_import(run, lead)
    assert {(one["object_id"], one["field"]) for one in summary["left"]} == {(kestrel.pk, "industry"), (quarry.pk, "")}
    assert all("lead@example.com" in one["why"] for one in summary["left"])
    kestrel.refresh_from_db()
    assert (kestrel.industry, Account.objects.get(name="Willow").industry) == ("Payments", "Foods")
    assert Account.objects.get(name="Quarry").archived_at is None
    assert Account.objects.get(name="Atlas").archived_at is not None


def test_an_undo_leaves_rows_that_another_import_hangs_on(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS)
    take_in(tmp_path, tickets=TICKETS)
    summary = undo_import(run)
    left = {one["object_id"] for one in summary["left"]}
    assert left == set(Account.objects.filter(name__in=["Bluefin", "Kestrel"]).values_list("id", flat=True))
    assert list(Account.objects.filter(archived_at=None).order_by("name").values_list("name", flat=True)) == ["Bluefin", "Kestrel"]


def test_a_line_that_is_set_aside_brings_nothing_into_being(tmp_path: Path) -> None:
    run = take_in(
        tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A1,2024-06-01,2024-05-01,90,active\nS5,A1,2024-06-01,2024-05-01,90,active\nS5,A1,2024-06-02,,90,active\n"
    )
    assert (sums(run)["subscriptions"], sums(run)["subscription_lines"]) == ((4, 0, 0, 0), (4, 0, 0, 2))
    take_in(
        tmp_path,
        source="billing",
        lines="subscription_id,account_id,start_date,mrr_amount,status\nS1,New,2024-01-01,5,unheard of\nS2,Other,2024-01-01,5,active\n",
    )
    assert set(Account.objects.values_list("name", flat=True)) == {"Bluefin", "Kestrel", "Willow", "Other"}


def test_a_row_that_did_come_to_the_mrr_later_loses_its_note(tmp_path: Path) -> None:
    header = "subscription_id,account_id,start_date,mrr,arr\n"
    take_in(tmp_path, accounts=ACCOUNTS, lines=header + "S1,A1,2024-01-01,100,1300\n")
    assert SubscriptionLine.objects.get().custom == {"_disagrees": "MRR 100, ARR 1300"}
    take_in(tmp_path, lines=header + "S1,A1,2024-01-01,100,1200\n")
    assert SubscriptionLine.objects.get().custom == {}


def test_an_id_without_its_zeros_is_set_aside_with_the_id_that_it_may_be(tmp_path: Path) -> None:
    run = take_in(
        tmp_path,
        accounts="account_id,account_name\n000123,Bluefin\n0456,Kestrel\n00456,Marlin\n789,Osprey\n",
        tickets="ticket_id,account_id,subject,submitted_at\nT1,123,x,2024-01-05\nT2,456,x,2024-01-05\nT3,00789,x,2024-01-05\nT4,55,x,2024-01-05\n",
    )
    assert sums(run)["tickets"] == (0, 0, 0, 4)
    assert [row.reason for row in QuarantinedRow.objects.filter(run=run).order_by("line")] == [
        "references nothing: account '123' is not in the book; did a spread-sheet take the zeros of '000123' away?",
        "references nothing: account '456' is not in the book",
        "references nothing: account '00789' is not in the book; it may be '789', without zeros",
        "references nothing: account '55' is not in the book",
    ]


def test_both_spellings_of_a_salesforce_id_are_one_account(tmp_path: Path) -> None:
    run = take_in(
        tmp_path,
        accounts="account_id,account_name\n001A0000006Vm9r,Bluefin\n",
        tickets="ticket_id,account_id,subject,submitted_at\nT1,001A0000006Vm9rIAC,x,2024-01-05\n",
    )
    assert sums(run)["tickets"] == (1, 0, 0, 0)
    assert Ticket.objects.get().account.name == "Bluefin"
