"""Segments: who belongs to which since when, what is an entry and what is none, and what each person sees of it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from laer.expand import measures as expand
from laer.web.book import definitions as own
from laer.web.book.models import Account, SubscriptionLine
from laer.web.runs import passes, segment_stays
from laer.web.runs.models import PassRun, SegmentStay
from laer.web.templatetags.laer import UNKNOWN
from tests.cast import Cast, add_account, add_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

BIG = "id: big\nname: Large payers\ncondition: mrr >= 500\n"
TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
def big() -> Any:
    """The only segment that is computed."""
    for row in own.in_force("segment"):
        own.save_definition(None, "segment", own.with_status(row.text, "draft"), "not here", name=row.name)
    return own.save_definition(None, "segment", BIG, "new")


def on(days: int = 0, accounts: list[Account] | None = None) -> PassRun:
    """A pass some days later."""
    with mock.patch.object(timezone, "localdate", return_value=TODAY + timedelta(days=days)):
        return passes.start_pass(accounts=None if accounts is None else frozenset(a.pk for a in accounts))


def pays(name: str, mrr: int, since: int = 100) -> Account:
    account = add_account(name)
    add_line(account, TODAY - timedelta(days=since), None, mrr)
    return account


def reprice(account: Account, mrr: int) -> None:
    line = SubscriptionLine.objects.get(account=account)
    line.amount, line.mrr_num = str(mrr), mrr
    line.save()


def stays(account: Account) -> list[tuple[date, date | None, bool, bool]]:
    return list(SegmentStay.objects.filter(account=account).order_by("id").values_list("from_on", "until_on", "begins_base", "ends_base"))


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def test_the_first_computation_is_no_entry_and_a_later_one_is(big: Any) -> None:
    alder, birch = pays("Alder", 900), pays("Birch", 100)
    run = on()
    assert stays(alder) == [(TODAY, None, True, False)]
    assert stays(birch) == []
    assert {name: version for name, version in run.position["definitions"].items() if name.startswith("segment")} == {"segment big": 1}
    assert run.counts["segment_moves"] == 1
    reprice(birch, 600)
    assert on(1).counts["segment_moves"] == 1
    assert stays(birch) == [(day(1), None, False, False)]
    reprice(birch, 50)
    on(2)
    assert stays(birch) == [(day(1), day(2), False, False)]
    assert stays(alder) == [(TODAY, None, True, False)]
    assert on(2).counts["segment_moves"] == 0


def test_a_small_pass_moves_only_its_accounts_the_same_way(big: Any) -> None:
    alder, birch = pays("Alder", 100), pays("Birch", 100)
    on()
    reprice(alder, 900)
    reprice(birch, 900)
    run = on(0, [alder])
    assert run.kind == "small"
    assert stays(alder) == [(TODAY, None, False, False)]
    assert stays(birch) == []
    on(1)
    assert stays(birch) == [(day(1), None, False, False)]


def test_a_changed_condition_is_neither_entry_nor_exit(big: Any) -> None:
    alder, birch = pays("Alder", 900), pays("Birch", 100)
    on()
    own.save_definition(None, "segment", BIG.replace("mrr >= 500", "mrr < 500"), "the other way round", name="big")
    run = on(1, [alder])
    assert run.kind == "full"
    assert stays(alder) == [(TODAY, day(1), True, True)]
    assert stays(birch) == [(day(1), None, True, False)]


def test_another_name_is_the_same_segment(big: Any) -> None:
    alder = pays("Alder", 100)
    on()
    own.save_definition(None, "segment", BIG.replace("Large payers", "Large"), "shorter", name="big")
    reprice(alder, 900)
    on(1)
    assert stays(alder) == [(day(1), None, False, False)]


def test_unknown_is_neither_entry_nor_exit() -> None:
    for row in own.in_force("segment"):
        own.save_definition(None, "segment", own.with_status(row.text, "draft"), "not here", name=row.name)
    own.save_definition(None, "segment", 'id: food\nname: Food\ncondition: industry = Food\n', "new")
    alder, birch, cedar = (pays(name, 100) for name in ("Alder", "Birch", "Cedar"))
    set_industry(alder, "Food")
    set_industry(birch, "Energy")
    on()
    assert (stays(alder), stays(birch), stays(cedar)) == ([(TODAY, None, True, False)], [], [])
    for account in (alder, birch):
        set_industry(account, None)
    on(1)
    assert (stays(alder), stays(birch)) == ([(TODAY, None, True, False)], [])
    for account in (alder, birch, cedar):
        set_industry(account, "Food")
    on(2)
    assert stays(alder) == [(TODAY, None, True, False)]  # it was never known to have left
    assert stays(birch) == [(day(2), None, False, False)]  # it was known not to be one
    assert stays(cedar) == [(day(2), None, True, False)]  # first known


def set_industry(account: Account, industry: str | None) -> None:
    account.industry = industry
    account.save()


def test_an_account_that_is_new_in_the_world_enters_one_that_is_only_new_in_the_book_does_not(big: Any) -> None:
    pays("Alder", 100)
    on()
    begun, taken_in = pays("Begun", 900, since=-1), pays("Taken in", 900, since=300)
    on(1)
    assert stays(begun) == [(day(1), None, False, False)]
    assert stays(taken_in) == [(day(1), None, True, False)]


def test_who_leaves_and_comes_back_within_a_day_was_never_away(big: Any) -> None:
    alder = pays("Alder", 900)
    on()
    reprice(alder, 10)
    on(1, [alder])
    assert stays(alder) == [(TODAY, day(1), True, False)]
    reprice(alder, 900)
    on(1, [alder])
    assert stays(alder) == [(TODAY, None, True, False)]


def test_a_retired_segment_and_an_archived_account_end_stays_that_are_no_exit(big: Any) -> None:
    alder, birch = pays("Alder", 900), pays("Birch", 900)
    on()
    birch.archived_at = timezone.now()
    birch.save()
    on(1)
    assert stays(birch) == [(TODAY, day(1), True, True)]
    own.save_definition(None, "segment", own.with_status(BIG, "retired"), "no more", name="big")
    on(2)
    assert stays(alder) == [(TODAY, day(2), True, True)]


def test_a_pass_over_the_past_moves_nobody(big: Any) -> None:
    alder = pays("Alder", 900)
    on()
    reprice(alder, 1)
    with mock.patch.object(timezone, "localdate", return_value=day(3)):
        passes.start_pass(as_of=day(2))
    assert stays(alder) == [(TODAY, None, True, False)]


def test_a_pass_that_was_killed_between_two_chunks_finds_the_rest(big: Any) -> None:
    accounts = [pays(f"A{n}", 100) for n in range(4)]
    on()
    for account in accounts:
        reprice(account, 900)
    real, written = segment_stays.SegmentStay.objects.bulk_create, []

    def half(rows: list[SegmentStay], **how: Any) -> Any:
        written.append(len(rows))
        real(rows[:2], **how)
        raise KeyboardInterrupt

    with mock.patch.object(SegmentStay.objects, "bulk_create", half), pytest.raises(KeyboardInterrupt):
        on(1)
    on(1)
    assert [stays(account) for account in accounts] == [[(day(1), None, False, False)]] * 4


def test_a_definition_that_cannot_be_read_any_more_is_left_out_and_said(big: Any) -> None:
    row = own.current("segment", "big")
    assert row is not None
    type(row).objects.filter(pk=row.pk).update(text=BIG.replace("mrr", "gone"))
    run = on()
    assert run.notes == ["segment big was left out: line 3: column 1: no field gone; there is: region"] or "left out" in run.notes[0]
    assert SegmentStay.objects.count() == 0


def test_a_waiting_change_of_a_definition_asks_for_a_pass(big: Any) -> None:
    pays("Alder", 900)
    on()
    with mock.patch.object(timezone, "localdate", return_value=TODAY):
        assert passes.run_waiting_pass() is None
        own.save_definition(None, "segment", BIG.replace("500", "100"), "lower", name="big")
        run = passes.run_waiting_pass()
    assert run is not None
    assert run.kind == "full"


def test_what_changed_and_what_did_not_happen_are_asked_by_each_pass(big: Any) -> None:
    """Columns that stand on no card: the list may find them too dear for a page, a pass computes them."""
    own.save_definition(None, "segment", "id: fell\nname: Fell\ncondition: mrr fell by 20 % in 30 d\n", "new")
    own.save_definition(None, "segment", "id: grew\nname: Grew\ncondition: any subscription and mrr rose by 20 % in 30 d\n", "new")
    alder, birch = pays("Alder", 900), pays("Birch", 900)
    on()
    assert (stays(alder)[1:], stays(birch)[1:]) == ([], [])
    add_line(alder, TODAY - timedelta(days=1), None, 900)
    for line in SubscriptionLine.objects.filter(account=birch):
        line.end_on = TODAY - timedelta(days=1)
        line.save()
    add_line(birch, TODAY - timedelta(days=1), None, 100)
    full = on(0)
    found = dict(SegmentStay.objects.filter(segment__in=("fell", "grew")).values_list("segment", "account__name"))
    assert found == {"fell": "Birch", "grew": "Alder"}
    assert full.notes == []
    small = on(0, [alder])
    assert small.kind == "small"
    assert small.counts["segment_moves"] == 0


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(cast: Cast) -> Cast:
    """Bluefin and Tom's Onyx are large payers, Kestrel has entered, Vantage has left."""
    own.save_definition(cast.users["admin"], "segment", BIG, "for the board")
    old, lately = cast.today - timedelta(days=90), cast.today - timedelta(days=3)
    for account, from_on, until_on, base in ((cast.expanding, old, None, True), (cast.others, old, None, True), (cast.adopting, lately, None, False), (cast.renewing, old, lately, True)):
        SegmentStay.objects.create(account=account, segment="big", from_on=from_on, until_on=until_on, begins_base=base, run_id=cast.run.pk)
    return cast


def names(answer: Any) -> list[str]:
    return [row["name"] for row in answer.context["rows"]]


def test_the_page_shows_members_entered_and_left_in_ones_own_scope(moved: Cast) -> None:
    page = moved.client("csm").get("/accounts/segments/big/")
    assert names(page) == ["Bluefin Energy", "Kestrel Labs"]
    assert [figure["value"] for figure in page.context["figures"]][2:] == ["1", "1"]
    assert names(moved.client("csm").get("/accounts/segments/big/?view=entered")) == ["Kestrel Labs"]
    assert names(moved.client("csm").get("/accounts/segments/big/?view=left")) == ["Vantage Health"]
    assert names(moved.client("outsider").get("/accounts/segments/big/")) == ["Onyx Retail"]
    assert names(moved.client("outsider").get("/accounts/segments/big/?view=entered")) == []
    assert "Onyx" not in moved.client("csm").get("/accounts/segments/big/?format=csv").getvalue().decode()
    listed = {row["name"]: row["members"] for row in moved.client("csm").get("/accounts/segments/").context["rows"]}
    assert listed["Large payers"] == 2
    assert moved.client("csm").get("/accounts/segments/nothing/").status_code == 404


def test_the_account_list_is_narrowed_by_membership(moved: Cast) -> None:
    page = moved.client("csm").get("/accounts/?in=big&sort=name")
    assert names(page) == ["Bluefin Energy", "Kestrel Labs"]
    assert [(chip["label"], chip["value"]) for chip in page.context["filters"]] == [("Belongs to", "Large payers")]
    assert page.context["totals"]["accounts"] == 2
    (menu,) = (menu for menu in page.context["facets"] if menu["name"] == "inside")
    (option,) = (one for one in menu["options"] if one["value"] == "big")
    assert (option["label"], option["count"], option["active"], "in=" in option["url"]) == ("Large payers", 2, True, False)
    assert names(moved.client("outsider").get("/accounts/?in=big")) == ["Onyx Retail"]
    assert names(moved.client("csm").get("/accounts/?in=nothing")) == []


def test_a_lead_keeps_the_condition_of_the_list_as_a_segment_and_takes_it_back(cast: Cast) -> None:
    lead = cast.client("lead")
    assert "Save the condition as a segment" in lead.get("/accounts/?where=mrr+>+700").content.decode()
    assert "Save the condition as a segment" not in cast.client("csm").get("/accounts/?where=mrr+>+700").content.decode()
    answer = lead.post("/accounts/segment/", {"where": "mrr > 700", "name": "Über 700", "reason": "asked for"})
    (made,) = (row for row in own.in_force("segment") if row.title == "Über 700")
    assert answer.headers["Location"] == f"/accounts/segments/{made.name}/"
    assert (made.author, made.reason, made.status) == (cast.users["lead"], "asked for", "stable")
    again = lead.post("/accounts/segment/", {"where": "mrr > 900", "name": "Über 700", "reason": "and this"})
    assert again.headers["Location"] == f"/accounts/segments/{made.name}_2/"
    lead.post(f"/settings/definitions/segment/{made.name}/undo/?version=1")
    assert own.current("segment", made.name).status == "retired"  # type: ignore[union-attr]
    refused = lead.post("/accounts/segment/", {"where": "mrr > 900", "name": "No reason", "reason": ""}, follow=True)
    assert "in one line why" in refused.content.decode()
    assert cast.client("csm").post("/accounts/segment/", {"where": "mrr > 7", "name": "x", "reason": "x"}).status_code == 403


def test_the_months_are_replayed_with_the_condition_as_it_is(cast: Cast) -> None:
    own.save_definition(None, "segment", BIG.replace("500", "70000"), "new")
    account = add_account("Alder", cast.people["csm"])
    add_line(account, cast.today - timedelta(days=200), cast.today - timedelta(days=70), 90_000)
    passes.start_pass()
    rows = cast.client("csm").get("/accounts/segments/big/months/").context["rows"]
    assert len(rows) == 13
    then = [cast.today - timedelta(days=200) <= row["day"] < cast.today - timedelta(days=70) for row in rows]
    assert [row["members"] for row in rows] == [int(there) for there in then]
    assert sum(then) >= 4
    assert cast.client("outsider").get("/accounts/segments/big/months/").context["rows"][-1]["accounts"] == 1


def test_no_member_is_not_0_where_nothing_is_known_and_the_missing_source_is_named(cast: Cast) -> None:
    for row in own.in_force("segment"):
        own.save_definition(None, "segment", own.with_status(row.text, "draft"), "not here", name=row.name)
    for line in ("id: quiet\nname: Quiet\ncondition: no touch in 45 d\n", "id: few\nname: Few\ncondition: seat_use < 50 %\n", "id: food\nname: Food\ncondition: industry = Food\n"):
        own.save_definition(None, "segment", line, "new")
    for account, industry in ((cast.adopting, "Energy"), (cast.landing, None)):
        set_industry(account, industry)
    passes.start_pass()
    csm = cast.client("csm")
    rows = {row["name"]: row for row in csm.get("/accounts/segments/").context["rows"]}
    theirs = csm.get("/accounts/segments/quiet/").context["figures"][0]
    assert (rows["Quiet"]["members"], rows["Quiet"]["arr"], rows["Quiet"]["entered"]) == (None, UNKNOWN, None)
    assert rows["Quiet"]["unknown"] > 1
    assert rows["Quiet"]["why"]["text"] == "no touches yet"
    assert rows["Few"]["why"]["text"].startswith("no source of")
    assert (theirs["value"], theirs["hint"]) == (UNKNOWN, f"of {rows['Quiet']['unknown']} accounts too little is known")
    assert (rows["Food"]["members"], rows["Food"]["why"]) == (0, None)  # of somebody it is known that they are not
    assert 0 < rows["Food"]["unknown"] < rows["Quiet"]["unknown"]
    outsider = {row["name"]: row["unknown"] for row in cast.client("outsider").get("/accounts/segments/").context["rows"]}
    assert outsider["Quiet"] == 1
    page = csm.get("/accounts/segments/quiet/").content.decode()
    assert "Nobody knows who belongs to it" in page


def test_seats_nearly_full_are_those_of_the_page_expand() -> None:
    """Where the usage names no users, by seats assigned: one measure for both."""
    segment = own.current("segment", "seats_nearly_full")
    assert segment is not None
    assert "seats_taken_share >= 90 %" in segment.text
    assert expand.FULL == 0.9
