"""Snapshots of small passes: what did not change is carried over, and the whole is what a full pass would have written."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.models import Account, Contract, FieldChange, SubscriptionLine
from laer.web.pages import as_of
from laer.web.runs import carrying, desk, passes, snapshots
from laer.web.runs.models import PassRun
from laer.web.runs.revenue import ledger_of
from laer.web.work.models import Touch
from tests.cast import Cast, forget

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = Scope(True)


def small(*accounts: Account) -> PassRun:
    return passes.start_pass(accounts=frozenset(a.pk for a in accounts))


def touch(cast: Cast) -> None:
    who = cast.users["csm"]
    Touch.objects.create(account=cast.renewing, kind="call", at=timezone.now(), summary="A word", created_by=who, created_at=timezone.now())


def rows(table: pa.Table) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in table.to_pylist())


# what is made of touches: an account that was touched may leave a segment, and its scores may hold another band
TOUCHED = {"input_touches", "input_texts", "input_meetings", "input_efforts", "facts", "segments", "segment_truths", "signals", "plays", "bands", "beside"}


def test_a_touch_leaves_every_table_but_its_own_and_the_facts(computed: Cast) -> None:
    first = PassRun.objects.latest("id")
    touch(computed)
    second = small(computed.renewing)
    written = snapshots.written_by(second.pk)
    changed = {name for name, run in written.items() if run == second.pk}
    assert {"input_touches", "facts"} <= changed <= TOUCHED
    assert snapshots.folder_of(first.pk).joinpath("lines.parquet").samefile(snapshots.folder_of(second.pk).joinpath("lines.parquet"))


def test_many_small_passes_leave_what_a_full_pass_writes(computed: Cast) -> None:
    touch(computed)
    small(computed.renewing)
    for account, region in ((computed.adopting, "North"), (computed.others, "South")):
        Account.objects.filter(pk=account.pk).update(region=region)
        now = timezone.now()
        FieldChange.objects.create(record="accounts", object_id=account.pk, account_id=account.pk, field="region", new=region, effective_at=now, recorded_at=now)
    small(computed.adopting, computed.others)
    SubscriptionLine.objects.filter(account=computed.expanding).update(mrr_num=70, mrr_den=1)
    last = small(computed.expanding)
    there, whole = snapshots.read(last.pk), snapshots.read(passes.start_pass().pk)
    assert set(there) == set(whole)
    of_firm = {"facts", "segments", "segment_truths", "signals", "plays", "bands", "beside"}  # they rest on what the last full pass found of the whole firm, which knew of no touch yet
    compared = [name for name in sorted(set(whole) - of_firm) if "account_id" in whole[name].column_names]
    different = [name for name in compared if rows(there[name]) != rows(whole[name].select(there[name].column_names))]
    assert different == []


def test_a_new_denominator_reaches_what_is_up_for_renewal(cast: Cast) -> None:
    """Figures of renewals of the accounts that did not change are parts of the same whole as those of the one that did."""
    Contract.objects.create(
        account=cast.renewing, name="Vantage 2026", start_on=cast.today - timedelta(days=325), end_on=cast.today + timedelta(days=40), created_at=timezone.now()
    )
    first = passes.start_pass()

    def up(run: PassRun) -> dict[str, Fraction]:
        return {row["name"]: row["mrr"] for row in desk.ask("renewals", {"account": None}, WHOLE, run.pk)}

    before = up(first)
    assert before["Vantage 2026"] == 4_000
    SubscriptionLine.objects.filter(account=cast.landing).update(mrr_num=700, mrr_den=21)
    second = small(cast.landing)
    assert int(second.denominator) % 3 == 0
    after = before | {"Willow Foods 2026": Fraction(100, 3)}
    assert up(second) == after
    third = small(cast.renewing)  # its own lines are whole
    assert up(third) == after


def test_the_ledger_of_a_run_that_only_knows_more_touches_is_the_one_before(computed: Cast) -> None:
    first = PassRun.objects.latest("id")
    before, by_country = ledger_of(first, WHOLE), ledger_of(first, WHOLE, by="country")
    touch(computed)
    second = small(computed.renewing)
    assert ledger_of(second, WHOLE) is before
    Account.objects.filter(pk=computed.renewing.pk).update(region="North")
    third = small(computed.renewing)
    assert ledger_of(third, WHOLE, by="country") is by_country, "another dimension changed"
    SubscriptionLine.objects.filter(account=computed.renewing).update(mrr_num=4_100)
    fourth = small(computed.renewing)
    assert ledger_of(fourth, WHOLE) is not before


def test_a_large_book_shows_a_run_at_once_that_changed_nothing_of_what_was_asked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "LARGE", 1)
    shown = desk.Shown(desk._desk)
    first = passes.start_pass()
    shown.of(first)
    ledger_of(first, WHOLE)
    touch(cast)
    second = small(cast.renewing)
    assert shown.of(second) == second


def test_figures_that_were_not_made_in_time_are_said_on_a_page(computed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()

    def late(*given: Any, **how: Any) -> Any:
        raise TimeoutError("revenue: too many questions at once")

    monkeypatch.setattr(as_of.shown, "of", lambda run: run)
    monkeypatch.setattr(desk._desk, "ask", late)
    page = computed.client("lead").get("/revenue/")
    assert page.status_code == 503
    assert "took longer to make than is allowed" in page.content.decode()
    part = computed.client("lead").get("/revenue/", headers={"HX-Request": "true", "HX-Target": "revenue"})
    assert part.content.decode().lstrip().startswith('<div id="revenue"')


def test_more_rows_than_are_compared_are_written(computed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "COMPARED", 0)
    second = small(computed.renewing)
    assert snapshots.written_by(second.pk)["lines"] == second.pk
