"""Excluded rows leave the figures, are listed beside them with the figure both ways, and come back: for finance and admins."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from laer.records.periods import month_of
from laer.web.book import exclusions
from laer.web.book.actions import Refused
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, DirtyAccount, Exclusion, FieldChange, SubscriptionLine
from laer.web.people.models import Person, User
from laer.web.runs import closing, passes
from laer.web.runs.both_ways import with_excluded
from laer.web.runs.doctor import findings, rows_to_exclude
from laer.web.runs.models import AccountCard
from tests.cast import Cast
from tests.standing import stands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ACCOUNTS = "account_id,account_name,segment,owner\nA-1,Alder,SMB,Ann Ash\nA-2,Birch test,SMB,Bo Beck\nA-3,Cedar,Enterprise,Ann Ash\n"
LINES = (
    "subscription_id,account_id,start_date,end_date,mrr,plan\nS-1,A-1,2025-01-15,,100.10,Basic\nS-2,A-2,2025-01-15,,40,Basic\nS-3,A-3,2025-02-01,,300,Pro\n"
    "S-4,A-3,2025-02-01,,300,Pro\nS-5,A-3,2025-02-01,2025-06-01,33.33,Pro\n"
)


@pytest.fixture
@stands
def book(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "accounts.csv").write_text(ACCOUNTS)
    (folder / "subscriptions.csv").write_text(LINES)
    run_import(begin_import([("files", folder)], source="files", file_date=date(2025, 12, 1)))
    passes.run_waiting_pass()


def person(role: str, name: str | None = None) -> User:
    user = User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role)
    if name:
        Person.objects.filter(name=name).update(user=user)
    return user


def at(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def mrr(user: User) -> str:
    """Closing MRR as the page says it, exactly."""
    figures = at(user).get("/revenue/?month=2025-12").context["figures"]
    return str(next(f["title"] for f in figures if f["label"] == "MRR"))


def doubled() -> SubscriptionLine:
    """S-4, which says what S-3 says."""
    return SubscriptionLine.objects.order_by("id")[3]


def test_an_excluded_line_leaves_the_figures_and_comes_back(book: None) -> None:
    finance = person("finance")
    assert mrr(finance) == "$740.10"
    record, rows = rows_to_exclude("lines_twice", finance) or ("", [])
    assert (record, rows) == ("subscription_lines", [doubled().pk])
    assert exclusions.exclude_rows(finance, record, rows, "lines_twice", "  billing says   it is a copy ") == 1
    run = passes.run_waiting_pass()
    assert run is not None
    assert run.kind == "small"
    assert mrr(finance) == "$440.10"
    assert not DirtyAccount.objects.exists()
    assert AccountCard.objects.get(name="Cedar").mrr_minor == 30_000
    (told,) = FieldChange.objects.filter(field="excluded")
    assert (told.record, told.object_id, told.old, told.new, told.user) == ("subscription_lines", rows[0], None, "billing says it is a copy", finance)
    assert exclusions.take_back(finance, [Exclusion.objects.get().pk]) == 1
    passes.run_waiting_pass()
    assert mrr(finance) == "$740.10"
    assert FieldChange.objects.filter(field="excluded", old="billing says it is a copy", new__isnull=True).count() == 1
    assert Exclusion.objects.get().taken_back_by == finance


def test_an_excluded_account_takes_all_its_lines_along_and_stays_in_the_book(book: None) -> None:
    admin = person("admin")
    cedar = Account.objects.get(name="Cedar")
    exclusions.exclude_rows(admin, "accounts", [cedar.pk], "test_accounts", "ours")
    passes.run_waiting_pass()
    assert mrr(admin) == "$140.10"
    assert (AccountCard.objects.get(account=cedar).mrr_minor, at(admin).get(f"/accounts/{cedar.pk}/").status_code) == (0, 200)
    passes.start_pass()  # a full pass says the same
    assert mrr(admin) == "$140.10"


def test_the_figure_stands_both_ways_and_exactly(book: None) -> None:
    finance, lead = person("finance"), person("lead")
    page = at(lead).get("/revenue/?month=2025-12")
    assert page.context["excluded"] is None
    exclusions.exclude_rows(finance, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    exclusions.exclude_rows(finance, "accounts", [Account.objects.get(name="Birch test").pk], "test_accounts", "ours")
    passes.run_waiting_pass()
    page = at(lead).get("/revenue/?month=2025-12")
    said = page.context["excluded"]
    assert said["title"] == "2 rows are excluded: MRR would be $740.10 with them"
    assert said["text"] == "1 account and 1 line. As shown, without: $400.10."
    assert said["changes"]["mrr_exact"] == "+$340.00"
    assert b"2 rows are excluded" in page.content
    run = passes.latest_run()
    assert run is not None
    past = with_excluded(lead, run, 12 * 55 + 2, 12 * 55 + 2, basis="lines")  # March 2025, when the fifth line counted too
    assert past is not None
    assert past["closing_mrr"] == Fraction("773.43")


def test_once_the_months_are_closed_the_rows_are_listed_and_the_figure_stands_one_way(book: None) -> None:
    finance = person("finance")
    exclusions.exclude_rows(finance, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    passes.run_waiting_pass()
    closing.close_months(finance, month_of("2025-11"))
    shut, still_open = (at(finance).get(f"/revenue/?month=2025-{m}") for m in (11, 12))
    assert (shut.context["excluded"]["title"], shut.context["excluded"]["changes"]) == ("1 row is excluded", None)
    assert b"These months are closed: their figures stand as they are." in shut.content
    assert still_open.context["excluded"]["changes"]["mrr_exact"] == "+$300.00"


def test_an_excluded_row_is_no_finding_any_more(book: None) -> None:
    admin = person("admin")
    assert {"test_accounts", "lines_twice"} <= {f.check for f in findings(admin)}
    exclusions.exclude_rows(admin, "accounts", [Account.objects.get(name="Birch test").pk], "test_accounts", "ours")
    exclusions.exclude_rows(admin, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    assert not {"test_accounts", "lines_twice"} & {f.check for f in findings(admin)}


def test_a_reason_is_needed_and_a_row_is_excluded_once(book: None) -> None:
    admin = person("admin")
    with pytest.raises(Refused, match="Reason: found nothing"):
        exclusions.exclude_rows(admin, "subscription_lines", [doubled().pk], "lines_twice", "  ")
    with pytest.raises(Refused, match="cannot be excluded"):
        exclusions.exclude_rows(admin, "usage_days", [1], "usage_frozen", "still")
    assert [exclusions.exclude_rows(admin, "subscription_lines", [doubled().pk], "lines_twice", "a copy") for _ in range(2)] == [1, 0]
    assert FieldChange.objects.filter(field="excluded").count() == 1


@pytest.mark.parametrize("role", ["lead", "member", "viewer"])
def test_only_finance_and_admins_exclude_and_take_back(book: None, role: str) -> None:
    user, admin = person(role, "Ann Ash"), person("admin")
    with pytest.raises(PermissionDenied):
        exclusions.exclude_rows(user, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    assert at(user).post("/data/doctor/lines_twice/exclude/", {"all": "1", "reason": "a copy"}).status_code == 403
    assert not Exclusion.objects.exists()
    exclusions.exclude_rows(admin, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    assert at(user).post("/data/doctor/excluded/back/", {"row": Exclusion.objects.get().pk}).status_code == 403
    page = at(user).get("/data/doctor/excluded/")
    assert ([r["reason"] for r in page.context["rows"]], page.context["back_url"]) == (["a copy"], None)  # seen by who sees the account
    assert at(user).get("/data/doctor/lines_twice/").context["exclude_url"] is None


def test_an_outsider_sees_nothing_of_it(book: None) -> None:
    admin, tom = person("admin"), person("member", "Bo Beck")
    exclusions.exclude_rows(admin, "subscription_lines", [doubled().pk], "lines_twice", "a copy")
    passes.run_waiting_pass()
    page = at(tom).get("/data/doctor/excluded/")
    assert (page.context["rows"], page.context["total"]) == ([], 0)
    assert b"a copy" not in page.content
    assert at(tom).get("/revenue/?month=2025-12").context["excluded"] is None
    assert at(tom).get("/data/doctor/").context["excluded"] == 0


def test_the_page_excludes_what_is_ticked_or_all_and_takes_back(book: None) -> None:
    finance = at(person("finance"))
    rows = finance.get("/data/doctor/test_accounts/")
    assert (rows.context["exclude_url"], len(rows.context["rows"])) == ("/data/doctor/test_accounts/exclude/", 1)
    url = rows.context["exclude_url"]
    finance.post(url, {"reason": "nothing is ticked"})
    finance.post(url, {"row": "999999", "reason": "not behind the finding"})
    finance.post(url, {"row": rows.context["rows"][0]["object_id"], "reason": ""})
    assert not Exclusion.objects.exists()
    told = finance.post(url, {"row": rows.context["rows"][0]["object_id"], "reason": "ours"}, follow=True)
    assert "1 row excluded" in str(list(told.context["messages"])[-1])
    finance.post("/data/doctor/lines_twice/exclude/", {"all": "1", "reason": "a copy"})
    listed = finance.get("/data/doctor/excluded/").context["rows"]
    assert {(r["account"], r["reason"], r["check"]) for r in listed} == {
        ("Birch test", "ours", "Accounts that look made for a test"), ("Cedar", "a copy", "Lines that stand twice under different ids"),
    }  # fmt: skip
    finance.post("/data/doctor/excluded/back/", {"row": [r["pk"] for r in listed]})
    page = finance.get("/data/doctor/excluded/")
    assert (page.context["rows"], {r["reason"] for r in page.context["before"]}) == ([], {"ours", "a copy"})
    assert finance.post("/data/doctor/stale_sources/exclude/", {"all": "1", "reason": "x"}).status_code == 404
    assert finance.get(url).status_code == 405


def test_an_undo_takes_back_what_was_excluded_in_one_go(book: None) -> None:
    finance = at(person("finance"))
    told = finance.post("/data/doctor/lines_twice/exclude/", {"all": "1", "reason": "a copy"}, follow=True)
    undo = next(iter(told.context["messages"])).extra_tags.removeprefix("undo:")
    finance.post(undo)
    assert not exclusions.active().exists()


def test_rows_of_others_cannot_be_excluded_by_number(cast: Cast) -> None:
    line = SubscriptionLine.objects.get(account=cast.others)
    finance = person("finance")
    assert exclusions.exclude_rows(finance, "subscription_lines", [line.pk], "lines_twice", "finance sees all") == 1
    with pytest.raises(PermissionDenied):
        exclusions.exclude_rows(finance, "subscription_lines", [line.pk, 10**9], "lines_twice", "one is not there")
