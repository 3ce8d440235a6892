"""Merge and un-merge: every attached row goes over and comes back, and what imports bring meanwhile finds its account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from laer.web.book import actions, aliases, importing, merging, suggesting
from laer.web.book.actions import Refused
from laer.web.book.models import (
    MODELS,
    Account,
    AccountMerge,
    Assignment,
    Contact,
    DirtyAccount,
    ExternalId,
    FieldChange,
    ImportRun,
    MatchSuggestion,
    NoNews,
    Subscription,
    SubscriptionLine,
    Ticket,
)
from laer.web.book.undo import undo_import
from laer.web.people.models import User
from laer.web.runs.playing.standing import of_account
from laer.web.runs.usage import weekly_usage
from laer.web.work.models import OutgoingMail, PlayRun, Task
from tests.cast import Cast
from tests.web.files import ACCOUNTS, LINES, TICKETS, sums, take_in, write

pytestmark = pytest.mark.django_db
BILLING = "customer_id,customer_name,country\nB1,Bluefin Power,US\n"
BILLED = "subscription_id,account_id,start_date,mrr_amount\nBS1,B1,2024-05-01,70\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead() -> User:
    return User.objects.create_user("lead@example.com", role="lead")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Account, Account]:
    """Bluefin as the CRM knows it, and as billing does."""
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS)
    take_in(tmp_path, source="billing", customers=BILLING, lines=BILLED)
    return Account.objects.get(name="Bluefin"), Account.objects.get(name="Bluefin Power")


def dump(*, without: frozenset[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
    """The whole database, row by row, but for what says that something happened: log, merges, dirty marks and the time of a change."""
    found = {}
    for model in apps.get_app_config("book").get_models():
        name = model._meta.db_table
        if model in (AccountMerge, DirtyAccount) or name in without:
            continue
        columns = [f.attname for f in model._meta.local_concrete_fields if f.attname != "changed_at"]
        found[name] = sorted(
            (tuple(map(str, row)) for row in model._default_manager.values_list(*columns)), key=lambda row: int(row[0]) if row[0].isdigit() else 0
        )
    return found


def everything_on(account: Account, others: Account, cast: Cast) -> None:
    """One row of each kind on an account, and whatever points at it."""
    now, today = timezone.now(), timezone.localdate()
    made: dict[str, Any] = {}
    for record, model in merging.attached():
        names = {f.attname for f in model._meta.local_concrete_fields}
        values: dict[str, Any] = {"account": account, "created_at": now, "custom": {"note": record}}
        values |= {n: today for n in ("start_on", "issued_on", "answered_on", "effective_on", "stated_on", "from_on", "month", "started_on", "day") if n in names} | {n: now for n in ("opened_at",) if n in names}
        values |= {"title": "Known"} if record in ("onboarding_steps", "outcomes") else {"name": "seats", "value": "3"} if record == "account_metrics" else {}
        values |= {"subscription": made["subscriptions"]} if "subscription_id" in names else {}
        values |= {"contact": made["contacts"]} if record == "contact_roles" else {}
        values |= {"person": cast.people["csm"], "job": "support"} if record == "assignments" else {}
        made[record] = model.objects.create(**values)
        ExternalId.objects.create(source="other", record=record, external_id=f"X-{record}", object_id=made[record].pk, row_hash=77)
        FieldChange.objects.create(
            record=record, object_id=made[record].pk, account_id=account.pk, field="custom", effective_at=now, recorded_at=now, source="other"
        )
    archived = Contact.objects.create(account=account, name="Gone", created_at=now, archived_at=now)
    FieldChange.objects.create(
        record="contacts", object_id=archived.pk, account_id=account.pk, field="archived_at", effective_at=now, recorded_at=now, source="person"
    )
    ExternalId.objects.create(source="other", record="accounts", external_id="X-1", object_id=account.pk, row_hash=77)
    Account.objects.create(name="A child", parent=account, created_at=now)
    others.parent = account
    others.save()
    MatchSuggestion.objects.create(left_id=min(account.pk, others.pk), right_id=max(account.pk, others.pk), rule="name", score=100, made_at=now)


# -- merge --------------------------------------------------------------------------------------------------------------


def test_every_attached_row_goes_over(cast: Cast) -> None:
    everything_on(cast.renewing, cast.adopting, cast)
    before = {record: model.objects.filter(account__in=(cast.renewing, cast.adopting)).count() for record, model in merging.attached()}
    assert set(before) == {r for r in MODELS if r not in ("people", "products", "product_features", "accounts")}
    assert all(before.values())
    merging.merge_accounts(cast.users["lead"], cast.adopting.pk, cast.renewing.pk)
    for record, model in merging.attached():
        assert model.objects.filter(account=cast.adopting).count() == before[record], record
        assert not model.objects.filter(account=cast.renewing).exists(), record
    assert Account.objects.get(name="A child").parent == cast.adopting
    assert ExternalId.objects.get(external_id="X-1").object_id == cast.adopting.pk
    cast.renewing.refresh_from_db()
    cast.adopting.refresh_from_db()
    assert cast.renewing.archived_at is not None
    assert (cast.adopting.parent_id, aliases.kept_for(cast.renewing.pk)) == (None, cast.adopting.pk)
    assert {d.account_id for d in DirtyAccount.objects.all()} == {cast.adopting.pk, cast.renewing.pk}
    assert MatchSuggestion.objects.get().state == "merged"


def test_empty_fields_are_filled_and_logged_and_others_stay(cast: Cast) -> None:
    Account.objects.filter(pk=cast.no_data.pk).update(custom={"tier": "1"})
    Account.objects.filter(pk=cast.adopting.pk).update(custom={"tier": "2", "risk_note": "new sponsor"})
    merging.merge_accounts(cast.users["lead"], cast.no_data.pk, cast.adopting.pk)
    kept = Account.objects.get(pk=cast.no_data.pk)
    assert (kept.name, kept.country, kept.employees, kept.custom) == ("Quarry Analytics", "DE", 240, {"tier": "1", "risk_note": "new sponsor"})
    logged = {c.field: (c.old, c.new) for c in FieldChange.objects.filter(record="accounts", object_id=kept.pk)}
    assert (logged["merged"], logged["country"], logged["employees"]) == ((None, "Kestrel Labs"), (None, "DE"), (None, 240))
    assert FieldChange.objects.filter(record="accounts", object_id=cast.adopting.pk, field="archived_at", user=cast.users["lead"]).exists()


def test_merge_and_un_merge_restore_the_whole_database(cast: Cast) -> None:
    everything_on(cast.renewing, cast.adopting, cast)
    everything_on_more = Ticket.objects.create(account=cast.adopting, subject="Of the kept one", opened_at=timezone.now(), created_at=timezone.now())
    log = FieldChange._meta.db_table
    before, changes = dump(without=frozenset({log})), dump()[log]
    merge = merging.merge_accounts(cast.users["lead"], cast.adopting.pk, cast.renewing.pk)
    assert dump(without=frozenset({log})) != before
    merging.end_merge(cast.users["lead"], merge.pk)
    assert dump(without=frozenset({log})) == before
    assert dump()[log][: len(changes)] == changes  # what was logged before stands where it stood; the merge itself is added behind
    assert everything_on_more.account == cast.adopting
    assert [c.field for c in FieldChange.objects.filter(field="merged")] == ["merged", "merged"]


def test_a_chain_of_merges_is_taken_back_from_its_end(cast: Cast) -> None:
    log = frozenset({FieldChange._meta.db_table})
    before, lead = dump(without=log), cast.users["lead"]
    first = merging.merge_accounts(lead, cast.adopting.pk, cast.renewing.pk)
    second = merging.merge_accounts(lead, cast.expanding.pk, cast.adopting.pk)
    assert aliases.kept_for(cast.renewing.pk) == cast.expanding.pk
    assert set(aliases.former_numbers(cast.expanding.pk)) == {cast.adopting.pk, cast.renewing.pk}
    assert aliases.all_numbers() == {cast.adopting.pk: cast.expanding.pk, cast.renewing.pk: cast.expanding.pk}
    with pytest.raises(Refused, match="take that back first"):
        merging.end_merge(lead, first.pk)
    merging.end_merge(lead, second.pk)
    merging.end_merge(lead, first.pk)
    assert dump(without=log) == before


def test_a_field_that_was_changed_since_stays(cast: Cast) -> None:
    lead = cast.users["lead"]
    merge = merging.merge_accounts(lead, cast.no_data.pk, cast.adopting.pk)
    actions.edit_field(lead, "accounts", cast.no_data.pk, "country", "AT")
    merging.end_merge(lead, merge.pk)
    kept = Account.objects.get(pk=cast.no_data.pk)
    assert (kept.country, kept.employees) == ("AT", None)


# -- who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["csm", "outsider", "viewer"])
def test_who_does_not_import_may_not_merge(cast: Cast, part: str) -> None:
    with pytest.raises(PermissionDenied):
        merging.merge_accounts(cast.users[part], cast.adopting.pk, cast.renewing.pk)
    merge = merging.merge_accounts(cast.users["admin"], cast.adopting.pk, cast.renewing.pk)
    with pytest.raises(PermissionDenied):
        merging.end_merge(cast.users[part], merge.pk)


def test_finance_merges_only_what_is_theirs(cast: Cast) -> None:
    user = User.objects.create_user("finance@laer.example", role="finance")
    with pytest.raises(PermissionDenied):
        merging.merge_accounts(user, cast.adopting.pk, cast.renewing.pk)
    assert not AccountMerge.objects.exists()


def test_what_cannot_be_merged(cast: Cast) -> None:
    lead = cast.users["lead"]
    with pytest.raises(Refused, match="with itself"):
        merging.merge_accounts(lead, cast.adopting.pk, cast.adopting.pk)
    merge = merging.merge_accounts(lead, cast.adopting.pk, cast.renewing.pk)
    with pytest.raises(PermissionDenied):  # it is archived
        merging.merge_accounts(lead, cast.expanding.pk, cast.renewing.pk)
    with pytest.raises(Refused, match="was merged"):
        actions.restore_row(lead, "accounts", cast.renewing.pk)
    ImportRun.objects.create(source="crm", state="running", created_at=timezone.now())
    with pytest.raises(Refused, match="an import is being written"):
        merging.end_merge(lead, merge.pk)


# -- imports meanwhile --------------------------------------------------------------------------------------------------


def test_an_import_that_names_the_merged_account_reaches_the_kept_one_and_goes_back_with_it(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    more = BILLED + "BS2,B1,2024-06-01,30\n"
    run = take_in(tmp_path, source="billing", customers=BILLING, lines=more)
    assert sums(run)["accounts"] == (0, 0, 1, 0)
    assert sums(run)["subscription_lines"] == (1, 0, 1, 0)
    assert SubscriptionLine.objects.get(mrr_num=30).account == kept
    theirs = SubscriptionLine.objects.get(mrr_num=30).subscription
    SubscriptionLine.objects.create(account=kept, subscription=theirs, start_on=timezone.localdate(), mrr_num=45, created_at=timezone.now())
    take_in(tmp_path, tickets="ticket_id,account_id,subject,submitted_at\nT9,A1,Of the kept one,2024-07-01 10:00\n")
    merging.end_merge(lead, merge.pk)
    assert sorted(SubscriptionLine.objects.filter(account=merged).values_list("mrr_num", flat=True)) == [30, 45, 70]
    assert Subscription.objects.filter(account=merged).count() == 2
    assert Ticket.objects.get(subject="Of the kept one").account == kept
    assert sums(take_in(tmp_path, source="billing", customers=BILLING, lines=more))["subscription_lines"] == (0, 0, 2, 0)
    assert SubscriptionLine.objects.filter(account=kept).count() == 1


def test_a_change_that_a_source_states_of_the_merged_account_is_made_on_the_kept_one(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    take_in(tmp_path, source="billing", customers=BILLING.replace("US", "CA"))
    kept.refresh_from_db()
    assert kept.country == "CA"
    merging.end_merge(lead, merge.pk)
    run = take_in(tmp_path, source="billing", customers=BILLING.replace("US", "CA"))  # looked at afresh: it is of the other one now
    merged.refresh_from_db()
    assert (merged.country, sums(run)["accounts"]) == ("CA", (0, 1, 0, 0))


def test_a_file_that_names_the_merged_account_by_name_reaches_the_kept_one(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    merging.merge_accounts(lead, kept.pk, merged.pk)
    take_in(tmp_path, source="helpdesk", tickets="ticket_id,account,subject,submitted_at\nT1,Bluefin Power,Help,2024-05-01 10:00\n")
    assert Ticket.objects.get(subject="Help").account == kept


def test_usage_in_the_lake_is_the_kept_accounts_and_comes_back(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    today = timezone.localdate().isoformat()
    take_in(tmp_path, source="billing", usage=f"usage_id,account_id,usage_date,feature_name,usage_count\nU1,B1,{today},reports,3\n")
    take_in(tmp_path, usage=f"usage_id,account_id,usage_date,feature_name,usage_count\nU2,A1,{today},reports,4\n")
    assert (sum(weekly_usage(kept.pk).counts), sum(weekly_usage(merged.pk).counts)) == (4, 3)
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    take_in(tmp_path, source="billing", usage=f"usage_id,account_id,usage_date,feature_name,usage_count\nU3,B1,{today},reports,10\n")
    assert sum(weekly_usage(kept.pk).counts) == 17
    take_in(tmp_path, source="billing", by_line=f"usage_id,subscription_id,usage_date,feature_name,usage_count\nU4,BS1,{today},reports,100\n")
    take_in(tmp_path, by_line=f"usage_id,subscription_id,usage_date,feature_name,usage_count\nU5,S1,{today},reports,1000\n")
    assert sum(weekly_usage(kept.pk).counts) == 1117
    merging.end_merge(lead, merge.pk)
    assert (sum(weekly_usage(kept.pk).counts), sum(weekly_usage(merged.pk).counts)) == (1004, 113)


@pytest.mark.django_db(transaction=True)
def test_the_doctor_counts_usage_of_a_merged_account_as_the_kept_ones(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    from laer.web.runs import doctor

    kept, merged = two
    take_in(tmp_path, source="billing", usage="usage_id,account_id,usage_date,feature_name,usage_count\nU1,B1,2023-01-01,reports,3\n")
    assert "usage_before_sign_up" not in {f.check for f in doctor.findings()}
    merging.merge_accounts(lead, kept.pk, merged.pk)  # which signed up in 2024
    assert {f.check: f.count for f in doctor.findings()}["usage_before_sign_up"] == 1
    assert [row["account"] for row in doctor.rows_behind("usage_before_sign_up", lead)] == ["Bluefin"]


def test_an_import_that_was_undone_meanwhile_stays_undone(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    undo_import(ImportRun.objects.get(source="billing"))
    assert not SubscriptionLine.objects.filter(mrr_num=70, archived_at=None).exists()
    merging.end_merge(lead, merge.pk)
    merged.refresh_from_db()
    assert merged.archived_at is not None
    again = importing.run_import(importing.repeat_import(ImportRun.objects.get(source="billing")))
    merged.refresh_from_db()
    assert merged.archived_at is None
    assert SubscriptionLine.objects.get(mrr_num=70, archived_at=None).account == merged
    assert again.state == "done"


def test_a_preview_says_what_the_import_does_for_a_merged_account(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    merging.merge_accounts(lead, kept.pk, merged.pk)
    run = importing.begin_import(write(tmp_path, customers=BILLING, lines=BILLED + "BS2,B1,2024-06-01,30\n"), source="billing")
    counts = {record: c for p in importing.preview_import(run).values() for record, c in p.counts.items()}
    importing.run_import(run)
    assert {r: c for r, c in run.counts.items() if any(c.values())} == {r: c for r, c in counts.items() if any(c.values())}


def test_a_pair_that_was_merged_is_no_longer_open(two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    pair = suggesting.open_pairs().get()
    assert {pair.left_id, pair.right_id} == {kept.pk, merged.pk}
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    assert not suggesting.open_pairs().exists()
    merging.end_merge(lead, merge.pk)
    assert suggesting.open_pairs().exists()
    merging.dismiss(lead, pair.pk)
    assert not suggesting.open_pairs().exists()


def test_owners_of_both_stay(two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    actions.assign_owner(lead, merged.pk, Assignment.objects.get(account=kept).person_id)
    merging.merge_accounts(lead, kept.pk, merged.pk)
    assert Assignment.objects.filter(account=kept).count() == 2


# -- the page -----------------------------------------------------------------------------------------------------------


def suggest(cast: Cast, left: Account, right: Account) -> MatchSuggestion:
    left, right = sorted((left, right), key=lambda a: a.pk)
    return MatchSuggestion.objects.create(left=left, right=right, rule="name", score=100, made_at=timezone.now())


def test_the_page_shows_a_pair_side_by_side_and_merges_it(cast: Cast) -> None:
    pair = suggest(cast, cast.adopting, cast.renewing)
    ExternalId.objects.create(source="crm", record="accounts", external_id="A7", object_id=cast.renewing.pk, row_hash=77)
    client = cast.client("lead")
    page = client.get("/data/matches/")
    (shown,) = page.context["pairs"]
    left, right = shown["sides"]
    assert (left["name"], right["name"], shown["may"]) == ("Kestrel Labs", "Vantage Health", True)
    assert right["stays"]  # more ARR
    assert right["sources"] == ["crm: A7"]
    assert "2 tickets" in right["rows"]
    assert {t["title"]: t.get("count") for t in page.context["data_tabs"]}["Same customer?"] == 1
    answer = client.post("/data/matches/merge/", {"pair": pair.pk, "keep": cast.renewing.pk}, follow=True)
    assert b"Kestrel Labs was merged into Vantage Health" in answer.content
    (merged,) = answer.context["merges"]
    assert client.get(f"/accounts/{cast.adopting.pk}/").url == f"/accounts/{cast.renewing.pk}/"  # type: ignore[attr-defined]
    client.post(merged["url"])
    assert client.get(f"/accounts/{cast.adopting.pk}/").status_code == 200
    assert [p["pair_id"] for p in client.get("/data/matches/").context["pairs"]] == [pair.pk]


def test_not_the_same_takes_the_pair_off_the_page_and_undo_brings_it_back(cast: Cast) -> None:
    pair, client = suggest(cast, cast.adopting, cast.renewing), cast.client("admin")
    client.post(f"/data/matches/{pair.pk}/dismiss/")
    page = client.get("/data/matches/")
    assert page.context["pairs"] == []
    assert b"No pair waits for a decision" in page.content
    client.post(f"/data/matches/{pair.pk}/reopen/")
    assert len(client.get("/data/matches/").context["pairs"]) == 1


@pytest.mark.parametrize("part", ["csm", "outsider", "viewer"])
def test_the_page_is_not_there_for_who_does_not_import(cast: Cast, part: str) -> None:
    pair, client = suggest(cast, cast.adopting, cast.renewing), cast.client(part)
    assert client.get("/data/matches/").status_code == 404
    for path in ("/data/matches/merge/", f"/data/matches/{pair.pk}/dismiss/", f"/data/matches/{pair.pk}/reopen/", "/data/merges/1/end/"):
        assert client.post(path, {"pair": pair.pk, "keep": cast.adopting.pk}).status_code == 404
    assert MatchSuggestion.objects.get().state == "open"


def test_finance_sees_pairs_and_decides_only_where_both_are_theirs(cast: Cast) -> None:
    from laer.web.people.models import Person

    user = User.objects.create_user("finance@laer.example", role="finance")
    person = Person.objects.create(name="Fay", user=user, created_at=timezone.now())
    pair = suggest(cast, cast.adopting, cast.renewing)
    cast.users["finance"] = user
    client = cast.client("finance")
    assert [p["may"] for p in client.get("/data/matches/").context["pairs"]] == [False]
    assert client.post("/data/matches/merge/", {"pair": pair.pk, "keep": cast.adopting.pk}).status_code == 404
    for account in (cast.adopting, cast.renewing):
        Assignment.objects.create(account=account, person=person, job="finance", created_at=timezone.now())
    assert [p["may"] for p in client.get("/data/matches/").context["pairs"]] == [True]
    assert client.post("/data/matches/merge/", {"pair": pair.pk, "keep": cast.adopting.pk}).status_code == 302
    assert AccountMerge.objects.exists()


def test_a_merged_account_is_not_found_by_who_may_not_see_the_kept_one(cast: Cast) -> None:
    merging.merge_accounts(cast.users["lead"], cast.adopting.pk, cast.renewing.pk)
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/").status_code == 404
    assert cast.client("csm").get(f"/accounts/{cast.renewing.pk}/").url == f"/accounts/{cast.adopting.pk}/"  # type: ignore[attr-defined]


def test_what_a_form_may_send_is_answered(cast: Cast) -> None:
    pair, client = suggest(cast, cast.adopting, cast.renewing), cast.client("lead")
    for data in ({}, {"pair": "x", "keep": "y"}, {"pair": pair.pk}, {"pair": pair.pk, "keep": cast.expanding.pk}, {"pair": "9" * 40, "keep": "-1"}):
        assert client.post("/data/matches/merge/", data).status_code == 302
    assert client.post("/data/merges/999999/end/").status_code == 404
    assert client.get("/data/matches/?page=x").status_code == 200
    assert client.get("/data/matches/merge/").status_code == 405
    assert not AccountMerge.objects.exists()


def test_the_page_asks_no_more_for_many_pairs(cast: Cast) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, them = cast.client("lead"), cast.theirs

    def queries() -> int:
        client.get("/data/matches/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/data/matches/")
        return len(asked)

    suggest(cast, them[0], them[1])
    few = queries()
    for a, b in ((0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (4, 5)):
        suggest(cast, them[a], them[b])
    assert queries() == few


def run_of(account: Account, state: str, cause: str, play: str = "save_it") -> PlayRun:
    live = {"step": "0", "due_at": timezone.now()} if state == "live" else {}
    today, now = timezone.localdate(), timezone.now()
    return PlayRun.objects.create(account=account, play=play, version=1, cause=cause, cause_on=today, state=state, starts_on=today, created_at=now, **live)


def accounts_of(*runs: PlayRun) -> list[int]:
    return [PlayRun.objects.get(pk=run.pk).account_id for run in runs]


def test_runs_of_plays_go_over_but_for_one_that_is_under_way_for_both(cast: Cast) -> None:
    kept, merged = cast.adopting.pk, cast.renewing.pk
    ended, live = run_of(cast.renewing, "ended", "episode:1"), run_of(cast.renewing, "live", "episode:2")
    twice, same = run_of(cast.renewing, "live", "person:1", play="renew_it"), run_of(cast.renewing, "refused", "day:2026-01-01")
    own = [run_of(cast.adopting, "live", "person:2", play="renew_it"), run_of(cast.adopting, "ended", "day:2026-01-01")]
    task = Task.objects.create(account=cast.renewing, title="Call them", created_at=timezone.now(), play_run=live)
    merge = merging.merge_accounts(cast.users["lead"], kept, merged)
    assert accounts_of(ended, live, twice, same, *own) == [kept, kept, merged, merged, kept, kept]
    assert Task.objects.get(pk=task.pk).account_id == kept
    assert live in of_account(kept)
    merging.end_merge(cast.users["lead"], merge.pk)
    assert accounts_of(ended, live, twice, same, *own) == [merged] * 4 + [kept] * 2


def test_mails_to_the_merged_accounts_contacts_stand_on_the_kept_one(cast: Cast) -> None:
    now = timezone.now()
    contact = Contact.objects.create(account=cast.renewing, name="Jo", email="jo@vantage.example", created_at=now)
    mail = OutgoingMail.objects.create(
        key="m1", template="value_note", account=cast.renewing, contact=contact, to="jo@vantage.example", subject="What it brought", text="a third less",
        state="sent", due_at=now, sent_at=now, created_at=now, message_id="<m1@firm.example>",
    )  # fmt: skip
    merge = merging.merge_accounts(cast.users["lead"], cast.adopting.pk, cast.renewing.pk)
    assert "What it brought" in cast.client("lead").get(f"/accounts/{cast.adopting.pk}/?tab=feed").content.decode()
    assert cast.client("lead").get(f"/mails/{mail.pk}/").status_code == 200
    merging.end_merge(cast.users["lead"], merge.pk)
    mail.refresh_from_db()
    assert mail.account_id == contact.account_id == cast.renewing.pk


def test_what_a_list_said_that_was_no_news_goes_over_with_its_line(tmp_path: Path, lead: User) -> None:
    from tests.web.lists import arr, given, take

    take(given(tmp_path / "may.csv", "Customer,ARR", "Acme,1200", "Acme Holding,600"), "2025-05-31")
    take(given(tmp_path / "july.csv", "Customer,ARR", "Acme,1200", "Acme Holding,600"), "2025-07-31")
    kept, merged = Account.objects.get(name="Acme"), Account.objects.get(name="Acme Holding")
    merge = merging.merge_accounts(lead, kept.pk, merged.pk)
    assert set(NoNews.objects.values_list("account_id", flat=True)) == {kept.pk}
    assert arr("2025-07-31") == 1800
    merging.end_merge(lead, merge.pk)
    assert dict(NoNews.objects.values_list("account_id", "line__account_id")) == {kept.pk: kept.pk, merged.pk: merged.pk}


def test_a_third_source_that_knows_the_merged_account_by_its_domain_reaches_the_kept_one(tmp_path: Path, two: tuple[Account, Account], lead: User) -> None:
    kept, merged = two
    actions.edit_field(lead, "accounts", kept.pk, "domain", "bluefin.io")
    actions.edit_field(lead, "accounts", merged.pk, "domain", "bluefin-power.io")
    merging.merge_accounts(lead, kept.pk, merged.pk)
    run = take_in(tmp_path, source="helpdesk", accounts="account_id,account_name,domain\nH1,Bluefin Power,bluefin-power.io\n")
    assert sums(run)["accounts"][0] == 0
    assert ExternalId.objects.get(source="helpdesk").object_id == kept.pk


def doubles(folder: Path) -> MatchSuggestion:
    """One list with a customer in two spellings, and both pay; a first list had one of them."""
    from tests.web.lists import given, take

    take(given(folder / "first.csv", "Customer,ARR,CSM", "Acme,1200,Ana", "Beta,600,Bo"), "2025-01-31")
    take(given(folder / "second.csv", "Customer,ARR,CSM", "Acme,1200,Ana", "ACME,3000,Ana", "Beta,600,Bo"), "2025-02-28")
    return MatchSuggestion.objects.select_related("left", "right").get()


@pytest.mark.parametrize(("holds", "before", "after"), [("both", 1800, 4800), ("Acme", 1800, 1800), ("ACME", 1800, 3600)])
def test_of_two_amounts_both_hold_or_one_and_taking_it_back_restores_them(tmp_path: Path, lead: User, holds: str, before: int, after: int) -> None:
    from tests.web.lists import arr

    pair = doubles(tmp_path)
    numbers = {account.name: account.pk for account in (pair.left, pair.right)}
    state = list(SubscriptionLine.objects.order_by("id").values())
    merge = merging.merge_accounts(lead, numbers["Acme"], numbers["ACME"], str(numbers.get(holds, holds)))
    assert (arr("2025-02-27"), arr("2025-03-31")) == (before, after)
    assert FieldChange.objects.filter(record="subscription_lines", user=lead).exists() == (holds != "both")
    merging.end_merge(lead, merge.pk)
    assert (arr("2025-02-27"), arr("2025-03-31")) == (1800, 4800)
    assert list(SubscriptionLine.objects.order_by("id").values()) == state


def test_the_page_asks_which_amount_holds_and_refuses_a_merge_without_it(tmp_path: Path, lead: User) -> None:
    from tests.web.lists import arr

    pair = doubles(tmp_path)
    client = Client()
    client.force_login(lead)
    page = client.get("/data/matches/").content.decode()
    assert "Both pay: which amount holds?" in page
    keep = pair.left_id if pair.left.name == "Acme" else pair.right_id
    told = client.post("/data/matches/merge/", {"pair": pair.pk, "keep": keep}, follow=True).content.decode()
    assert "Choose whether both amounts hold or one of them" in told
    assert Account.objects.filter(archived_at=None).count() == 3
    client.post("/data/matches/merge/", {"pair": pair.pk, "keep": keep, "holds": "no"})
    assert Account.objects.filter(archived_at=None).count() == 3
    client.post("/data/matches/merge/", {"pair": pair.pk, "keep": keep, "holds": str(keep)})
    assert (Account.objects.filter(archived_at=None).count(), arr("2025-03-31")) == (2, 1800)
