"""The pass: what it publishes, how small passes follow edits, and that a loser of the lease cannot write."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from laer.web.book import actions
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, DirtyAccount, SubscriptionLine
from laer.web.people.models import User
from laer.web.runs import passes, snapshots
from laer.web.runs.models import AccountCard, AccountMonth, Lease, PassRun
from laer.web.runs.publishing import Fenced
from tests.standing import stands

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = "account_id,account_name,segment,owner\nA-1,Alder,SMB,Ann Ash\nA-2,Birch,SMB,Bo Beck\nA-3,Cedar,Enterprise,\n"
LINES = """subscription_id,account_id,start_date,end_date,amount,interval,currency,status,plan
S-1,A-1,2026-01-15,,1200.00,annual,USD,active,Pro
S-2,A-2,2026-01-01,2026-05-01,50,monthly,USD,cancelled,Basic
S-3,A-3,2026-02-01,,70,monthly,USD,trialing,Basic
"""


@pytest.fixture
@stands
def book(tmp_path: Path) -> PassRun:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "subscriptions.csv").write_text(LINES)
    run_import(begin_import([("files", tmp_path)], source="files", file_date=date(2026, 6, 1)))
    done = passes.run_waiting_pass()
    assert done is not None
    assert done.kind == "full"
    return done


def card(name: str) -> AccountCard:
    return AccountCard.objects.get(name=name)


def test_it_publishes_what_lists_show(book: PassRun) -> None:
    alder, birch, cedar = card("Alder"), card("Birch"), card("Cedar")
    assert (alder.state, alder.mrr_minor, alder.arr_minor, alder.owner_name) == ("paying", 10_000, 120_000, "Ann Ash")  # 1200 / 12 = 100.00 a month
    assert (birch.state, birch.mrr_minor, birch.first_paid_on) == ("churned", 0, date(2026, 1, 1))
    assert (cedar.state, cedar.mrr_minor, cedar.owner_name) == ("prospect", 0, None)  # a trial never pays


def test_it_publishes_the_months_that_moved(book: PassRun) -> None:
    months = list(AccountMonth.objects.filter(account__name="Birch").order_by("month").values_list("month", "new_minor", "churn_minor", "closing_minor"))
    assert months == [(date(2026, 1, 1), 5_000, 0, 5_000), (date(2026, 5, 1), 0, 5_000, 0)]


def test_a_second_pass_over_the_same_book_writes_no_row(book: PassRun) -> None:
    again = passes.start_pass()
    assert (again.counts["cards"], again.counts["account_months"]) == (0, 0)
    assert card("Alder").run_id == book.pk


def test_nothing_dirty_starts_no_pass(book: PassRun) -> None:
    assert passes.run_waiting_pass() is None


def test_an_edit_marks_its_account_and_a_small_pass_takes_it_in(book: PassRun) -> None:
    user = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    alder = Account.objects.get(name="Alder")
    actions.edit_field(user, "accounts", alder.pk, "segment", "Mid-market")
    assert list(DirtyAccount.objects.values_list("account_id", flat=True)) == [alder.pk]
    done = passes.run_waiting_pass()
    assert done is not None
    assert (done.kind, done.counts["accounts"], done.counts["cards"]) == ("small", 1, 1)
    assert card("Alder").segment == "Mid-market"
    assert card("Birch").run_id == book.pk
    assert not DirtyAccount.objects.exists()


def test_a_small_pass_leaves_a_whole_snapshot(book: PassRun) -> None:
    alder = Account.objects.get(name="Alder")
    SubscriptionLine.objects.filter(account=alder).update(mrr_num=700, mrr_den=7 * 3)  # a denominator that no line had before
    DirtyAccount.objects.create(account_id=alder.pk, since=timezone.now())
    done = passes.run_waiting_pass()
    assert done is not None
    assert done.kind == "small"
    fresh = snapshots.read(done.pk)["lines"]
    parts = dict(zip(fresh["account_id"].to_pylist(), fresh["parts"].to_pylist(), strict=True))
    birch = Account.objects.get(name="Birch")
    assert len(parts) == 3
    assert parts[birch.pk] / int(done.denominator) == 50
    assert abs(parts[alder.pk] / int(done.denominator) - 100 / 3) < 1e-9


def test_an_archived_account_leaves_the_list_and_the_ledger(book: PassRun) -> None:
    admin = User.objects.create_user("admin@laer.example", "long enough to pass", role="admin")
    birch = Account.objects.get(name="Birch")
    actions.archive_row(admin, "accounts", birch.pk)
    passes.run_waiting_pass()
    assert not AccountCard.objects.filter(name="Birch").exists()
    assert not AccountMonth.objects.filter(account=birch).exists()
    actions.restore_row(admin, "accounts", birch.pk)
    passes.run_waiting_pass()
    assert card("Birch").state == "churned"


def test_a_pass_over_a_past_day_publishes_nothing(book: PassRun) -> None:
    past = passes.start_pass(as_of=date(2026, 3, 31))
    assert (past.kind, past.state) == ("past", "complete")
    assert card("Birch").state == "churned"  # it still paid on that day, and the card is tonight's
    latest = passes.latest_run()
    assert latest is not None
    assert latest.pk == book.pk
    assert snapshots.read(past.pk)["lines"].num_rows == 3


def test_one_of_two_passes_wins(book: PassRun) -> None:
    Lease.objects.filter(name="pass").update(holder="another", until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(passes.Busy):
        passes.start_pass()


def test_a_loser_of_the_lease_cannot_write(book: PassRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ran out while it computed and another took over: the fencing token stops it before the first chunk."""
    computed = passes.run_pass

    def overtaken(*given: Any, **how: Any) -> Any:
        Lease.objects.filter(name="pass").update(token=99, holder="another")
        return computed(*given, **how)

    Account.objects.filter(name="Alder").update(name="Alder and Sons")
    monkeypatch.setattr(passes, "run_pass", overtaken)
    with pytest.raises(Fenced):
        passes.start_pass()
    assert AccountCard.objects.filter(name="Alder").exists()
    latest = passes.latest_run()
    assert latest is not None
    assert latest.pk == book.pk


def test_a_line_in_a_currency_without_a_rate_is_left_out_and_said(book: PassRun, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "subscriptions.csv").write_text(
        "subscription_id,account_id,start_date,end_date,amount,interval,currency,status,plan\nS-9,A-3,2026-01-01,,90,monthly,CHF,active,Pro\n"
    )
    run_import(begin_import([("more", tmp_path / "more")], source="files"))
    done = passes.run_waiting_pass()
    assert done is not None
    assert done.notes == ["1 line in CHF do not count: no rate for CHF to USD is known"]
    assert card("Cedar").mrr_minor == 0


def test_changes_that_come_in_during_a_pass_stay_dirty(book: PassRun, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = passes.run_pass

    def meanwhile(*given: Any, **how: Any) -> Any:
        with transaction.atomic():
            DirtyAccount.objects.create(account_id=Account.objects.get(name="Cedar").pk, since=timezone.now())
        return computed(*given, **how)

    monkeypatch.setattr(passes, "run_pass", meanwhile)
    DirtyAccount.objects.create(account_id=None, since=timezone.now())
    passes.run_waiting_pass()
    assert DirtyAccount.objects.count() == 1


def test_when_the_day_turns_the_worker_asks_for_a_full_pass(book: PassRun) -> None:
    from laer.web.runs import jobs
    from laer.web.runs.models import Job

    jobs.ask_for_pass()
    assert not Job.objects.filter(kind="pass").exists()
    PassRun.objects.filter(pk=book.pk).update(as_of=timezone.localdate() - timedelta(days=1))
    jobs.ask_for_pass()
    assert Job.objects.filter(kind="pass", state="ready").count() == 1
    done = passes.run_waiting_pass()
    assert done is not None
    assert (done.kind, done.as_of) == ("full", timezone.localdate())
