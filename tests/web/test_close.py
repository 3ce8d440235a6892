"""Closed months: the figures that were reported stay, what changes later is a restatement with its cause, and nothing is lost in between."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.scope import Scope
from laer.metrics.changes import MOVEMENTS
from laer.records.periods import month_name, month_number, month_of
from laer.web.book.exclusions import exclude_rows, take_back
from laer.web.book.importing import begin_import, run_import
from laer.web.book.merging import merge_accounts
from laer.web.book.models import Account, Exclusion, FieldChange, ImportRun, ImportState, SubscriptionLine
from laer.web.book.undo import undo_import
from laer.web.people.models import Person, User
from laer.web.runs import closing, passes, restated, revenue
from laer.web.runs.models import ClosedMonth, PassRun, ReportedAccount
from laer.web.runs.reported import RESTATEMENT, Reported, as_read, closings, reported_of
from laer.web.runs.reported_cohorts import reported_cohorts
from tests.standing import stands

pytestmark = pytest.mark.django_db(transaction=True)

WHOLE = Scope(True)
WINDOWS = (1, 3, 12)
DOWNS = ("contraction_mrr", "churn_mrr")
UPS = ("opening_mrr", RESTATEMENT, *(f"{m}_mrr" for m in MOVEMENTS if f"{m}_mrr" not in DOWNS))
ACCOUNTS = "account_id,account_name,segment,owner\nA-1,Alder,SMB,Ann Ash\nA-2,Birch,SMB,Bo Beck\nA-3,Cedar,Enterprise,Ann Ash\n"
HEADER = "subscription_id,account_id,start_date,end_date,amount,interval,currency,status\n"
LINES = (
    HEADER
    + """S-1,A-1,2025-01-15,2025-09-01,1200.00,annual,USD,ended
S-2,A-1,2025-09-01,,2400.01,annual,USD,active
S-3,A-2,2025-01-01,2025-05-01,50,monthly,USD,cancelled
S-4,A-2,2025-07-15,,55,monthly,USD,active
S-5,A-3,2025-02-01,,901,quarterly,USD,active
"""
)
LATE = (
    HEADER + "S-6,A-3,2025-03-10,,1000,annual,USD,active\nS-7,A-2,2025-04-01,2025-06-01,70,monthly,USD,ended\n"
)  # a seventh of a cent, and a gap that was none
EXACTLY = Fraction(1000, 12)


def take_in(folder: Path, name: str, text: str, user: User | None = None) -> ImportRun:
    (folder / name).write_text(text)
    run = begin_import([(name, folder / name)], source="files", file_date=date(2025, 12, 1), user=user)
    run_import(run)
    passes.run_waiting_pass()
    return run


@pytest.fixture
@stands
def book(tmp_path: Path) -> Path:
    take_in(tmp_path, "accounts.csv", ACCOUNTS)
    take_in(tmp_path, "subscriptions.csv", LINES)
    return tmp_path


def person(role: str, name: str | None = None) -> User:
    user = User.objects.filter(email=f"{role}@laer.example").first() or User.objects.create_user(f"{role}@laer.example", None, role=role)
    if name:
        Person.objects.filter(name=name).update(user=user)
    return User.objects.get(pk=user.pk)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def run_now() -> PassRun:
    run = passes.latest_run()
    assert run is not None
    return run


def restated_months(scope: Scope = WHOLE, movements: str = "event", last: str = "2025-12") -> dict[str, Any]:
    ledger = revenue.ledger_of(run_now(), scope, movements=movements)
    return {month_name(m.month): m for m in ledger.months(month_of("2025-01"), month_of(last))}


def reported_months(scope: Scope = WHOLE, movements: str = "event") -> dict[str, Any]:
    reported = reported_of(run_now(), scope, movements, WINDOWS)
    assert reported is not None
    return {month_name(m.month): m for m in reported.months(restated_months(scope, movements).values())}


def ties(months: dict[str, Any]) -> None:
    """The reported waterfall adds up to the exact part, and each month opens where the one before closed."""
    before = None
    for name, month in months.items():
        assert sum((month[n] for n in UPS), Fraction(0)) - sum((month[n] for n in DOWNS), Fraction(0)) == month["closing_mrr"], name
        assert before is None or before == month["opening_mrr"], name
        before = month["closing_mrr"]


# -- order and state -------------------------------------------------------------------------------------------------


def test_months_before_are_closed_with_it_and_the_figures_are_kept_exactly(book: Path) -> None:
    now = restated_months()
    done = closing.close_months(person("finance"), month_of("2025-04"), "Q1 and April")
    assert [month_name(month_number(c.month)) for c in done] == ["2025-01", "2025-02", "2025-03", "2025-04"]
    for closed in closings():
        month = now[month_name(month_number(closed.month))]
        kept = as_read(closed.figures["event"])
        assert {n: kept[n] for n in month.figures} == dict(month.figures)
        assert kept["closing_mrr"] == month["closing_mrr"]
    assert as_read(done[1].figures["event"])["closing_mrr"] == Fraction(100 + 50) + Fraction(901, 3)
    assert {c.closed_by.email for c in closings() if c.closed_by} == {"finance@laer.example"}


@pytest.mark.parametrize("months_ahead", [0, 1, 14])
def test_a_month_that_is_not_over_cannot_be_closed(book: Path, months_ahead: int) -> None:
    with pytest.raises(closing.NotClosable, match="not over yet"):
        closing.close_months(person("finance"), month_number(timezone.localdate()) + months_ahead)
    assert not ClosedMonth.objects.exists()


def test_a_month_before_the_first_revenue_or_closed_already_is_refused(book: Path) -> None:
    with pytest.raises(closing.NotClosable, match="first month with revenue is 2025-01"):
        closing.close_months(None, month_of("2024-12"))
    closing.close_months(None, month_of("2025-02"))
    with pytest.raises(closing.NotClosable, match="closed already; the last closed month is 2025-02"):
        closing.close_months(None, month_of("2025-01"))


def test_nothing_is_closed_while_the_book_is_being_recomputed(book: Path) -> None:
    passes.DirtyAccount.objects.create(account_id=None, since=timezone.now())
    with pytest.raises(closing.NotClosable, match="being recomputed"):
        closing.close_months(person("admin"), month_of("2025-02"))
    passes.run_waiting_pass()
    assert closing.close_months(person("admin"), month_of("2025-02"))


def test_an_empty_book_has_nothing_to_close() -> None:
    with pytest.raises(closing.NotClosable, match="nothing has been computed yet"):
        closing.close_months(None, month_of("2025-02"))


def test_a_closing_that_was_killed_leaves_nothing_in_force(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(closing, "_log", die)
        with pytest.raises(KeyboardInterrupt):
            closing.close_months(None, month_of("2025-03"))
    assert closings() == []
    assert len(closing.close_months(None, month_of("2025-03"))) == 3
    assert ClosedMonth.objects.count() == 3


# -- exactness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("movements", ["event", "net"])
def test_reported_and_restatement_make_the_restated_figure_to_the_exact_part(book: Path, movements: str) -> None:
    closing.close_months(person("finance"), month_of("2025-04"))
    kept = reported_months(movements=movements)
    take_in(book, "late.csv", LATE)
    now, then = restated_months(movements=movements), reported_months(movements=movements)
    for name in ("2025-01", "2025-02", "2025-03", "2025-04"):
        assert dict(then[name].figures) == dict(kept[name].figures), name
    april = now["2025-04"]["closing_mrr"] - then["2025-04"]["closing_mrr"]
    assert april == EXACTLY + 70
    assert then["2025-05"][RESTATEMENT] == april
    assert then["2025-05"]["closing_mrr"] == now["2025-05"]["closing_mrr"]
    ties(then)
    places = restated.outstanding(run_now(), WHOLE, closings())
    assert sum(places.values()) == april
    names = dict(Account.objects.values_list("id", "name"))
    assert {(names[a], month_name(m)): v for (a, m), v in places.items()} == {("Cedar", "2025-03"): EXACTLY, ("Birch", "2025-04"): Fraction(70)}


def test_a_restatement_is_taken_in_once_when_the_next_month_closes(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    closing.close_months(None, month_of("2025-06"))
    then = reported_months()
    ties(then)
    assert (then["2025-05"][RESTATEMENT], then["2025-06"][RESTATEMENT], then["2025-07"][RESTATEMENT]) == (EXACTLY + 70, 0, 0)
    assert restated.outstanding(run_now(), WHOLE, closings()) == {}
    booked = restated.taken_in(closings(), person("finance"))
    assert [(month_name(r.month), r.amount, month_name(r.booked or 0)) for r in booked] == [
        ("2025-03", EXACTLY, "2025-05"),
        ("2025-04", Fraction(70), "2025-05"),
    ]
    assert booked[0].causes[0]["text"].startswith("import ")


def test_a_line_that_moves_between_closed_months_restates_both_and_sums_to_nothing(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    SubscriptionLine.objects.filter(start_on=date(2025, 2, 1)).update(start_on=date(2025, 4, 1))
    passes.start_pass()
    places = restated.outstanding(run_now(), WHOLE, closings())
    assert [(month_name(m), v) for (_, m), v in places.items()] == [("2025-02", -Fraction(901, 3)), ("2025-04", Fraction(901, 3))]
    assert reported_months()["2025-05"][RESTATEMENT] == 0
    ties(reported_months())


def test_months_that_came_into_the_data_before_the_first_closed_one_are_a_restatement_too(book: Path) -> None:
    closing.close_months(None, month_of("2025-02"))
    take_in(book, "early.csv", HEADER + "S-9,A-1,2024-11-01,,10,monthly,USD,active\n")
    places = restated.outstanding(run_now(), WHOLE, closings())
    assert [(month_name(m), v) for (_, m), v in places.items()] == [("2024-11", Fraction(10))]
    reported = reported_of(run_now(), WHOLE, "event", WINDOWS)
    assert reported is not None
    ledger = revenue.ledger_of(run_now(), WHOLE)
    months = {month_name(m.month): m for m in reported.months(ledger.months(month_of("2024-11"), month_of("2025-05")))}
    ties(months)
    assert (months["2024-12"]["closing_mrr"], months["2025-03"][RESTATEMENT]) == (0, 10)


def test_what_was_kept_of_accounts_adds_up_to_what_was_kept_of_months(book: Path) -> None:
    """A second route: the statement made of the accounts that were kept, windows and rates too, is the one that was kept."""
    closing.close_months(None, month_of("2025-09"))
    everybody = Scope(False, frozenset(Account.objects.values_list("id", flat=True)))
    for movements in ("event", "net"):
        kept = Reported(closings(), WHOLE, movements, WINDOWS).kept
        made = Reported(closings(), everybody, movements, WINDOWS).kept
        for month, figures in kept.items():
            for name, value in figures.items():
                assert made[month][name] == value, (movements, month_name(month), name)


def test_a_part_of_the_book_has_its_own_reported_figures(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    birch = Scope(False, frozenset(Account.objects.filter(name="Birch").values_list("id", flat=True)))
    then = reported_months(birch)
    assert [then[f"2025-0{m}"]["closing_mrr"] for m in (1, 4, 5)] == [50, 50, 70]
    assert (then["2025-05"][RESTATEMENT], then["2025-05"]["contraction_mrr"]) == (70, 50)
    ties(then)


@pytest.mark.parametrize("whole", [True, False])
def test_cohorts_as_reported_add_up_to_the_closings_as_reported(book: Path, whole: bool) -> None:
    scope = WHOLE if whole else Scope(False, frozenset(Account.objects.exclude(name="Alder").values_list("id", flat=True)))
    closing.close_months(None, month_of("2025-04"))
    before = reported_cohorts(run_now(), scope, closings()).cohort_rows(0, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    then = reported_months(scope)
    table = reported_cohorts(run_now(), scope, closings())
    assert table.cohort_rows(0, month_of("2025-04")) == before
    rows = table.cohort_rows(0, month_of("2025-12"))
    for name, month in then.items():
        cells = [r for r in rows if r["cohort"] + r["months_since"] == month_of(name)]
        assert sum(r["mrr"] for r in cells) == month["closing_mrr"], name
        assert sum(r["accounts"] for r in cells) == month["closing_accounts"], name
        for cell in cells:
            assert sum(r["amount"] for r in table.behind(cell["cohort"], month_of(name))) == cell["mrr"]


def test_the_page_shows_cohorts_as_reported_and_the_accounts_behind_a_cell(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    lead = browser(person("lead"))
    how = {"month": "2025-04", "cohorts": "mrr", "share": "number"}
    cells = {}
    for basis in ("reported", "restated"):
        page = lead.get("/revenue/", how | {"basis": basis})
        row = next(r for r in page.context["cohorts"]["rows"] if r["month"] == date(2025, 2, 1))
        cells[basis] = row["cells"][2]
        behind = lead.get(cells[basis]["url"])
        assert (behind.status_code, float(behind.context["total"])) == (200, pytest.approx(cells[basis]["value"], abs=0.01))
    assert cells["restated"]["value"] - cells["reported"]["value"] == pytest.approx(1000 / 12)


# -- reopen ----------------------------------------------------------------------------------------------------------


def test_a_month_opens_again_with_every_later_one_and_a_reason(book: Path) -> None:
    finance = person("finance")
    closing.close_months(finance, month_of("2025-04"))
    with pytest.raises(closing.NotClosable, match="reason"):
        closing.reopen_months(finance, month_of("2025-03"), " ")
    done = closing.reopen_months(finance, month_of("2025-03"), "an invoice was missing")
    assert [c.month.month for c in done] == [3, 4]
    assert [c.month.month for c in closings()] == [1, 2]
    assert ClosedMonth.objects.filter(reason="an invoice was missing", reopened_by=finance).count() == 2
    take_in(book, "late.csv", LATE)
    assert reported_months()["2025-03"]["closing_mrr"] == restated_months()["2025-03"]["closing_mrr"]
    again = closing.close_months(finance, month_of("2025-04"))
    assert [c.month.month for c in again] == [3, 4]
    assert restated.outstanding(run_now(), WHOLE, closings()) == {}


def test_every_closing_and_reopening_leaves_an_audit_row(book: Path) -> None:
    finance = person("finance")
    closing.close_months(finance, month_of("2025-01"), "as in the board pack")
    closing.reopen_months(finance, month_of("2025-01"), "a test")
    log = [(c.new["state"], c.new["month"], c.user) for c in FieldChange.objects.filter(record=closing.LOG).order_by("id")]
    assert log == [("closed", "2025-01", finance), ("open", "2025-01", finance)]
    rows = browser(person("admin")).get("/settings/audit/?kind=closings").context["rows"]
    assert [(r["what"], r["details"]) for r in rows] == [("Month reopened", "a test"), ("Month closed", "as in the board pack")]


# -- undo of an import after a close ---------------------------------------------------------------------------------


def test_undo_after_a_close_leaves_the_figures_and_names_itself_as_the_cause(book: Path) -> None:
    admin = person("admin", "Ann Ash")
    late = take_in(book, "late.csv", LATE, admin)
    closing.close_months(admin, month_of("2025-04"))
    kept = reported_months()
    client = browser(admin)
    assert "March 2025 to April 2025 are closed" in client.get(f"/data/import/{late.pk}/").content.decode()
    undo_import(ImportRun.objects.get(pk=late.pk), admin)
    passes.run_waiting_pass()
    now, then = restated_months(), reported_months()
    for name in ("2025-01", "2025-02", "2025-03", "2025-04"):
        assert dict(then[name].figures) == dict(kept[name].figures), name
    assert then["2025-05"][RESTATEMENT] == -(EXACTLY + 70) == now["2025-04"]["closing_mrr"] - kept["2025-04"]["closing_mrr"]
    ties(then)
    told = restated.explained(run_now(), restated.outstanding(run_now(), WHOLE, closings()), closings())
    assert [(month_name(r.month), r.amount) for r in told] == [("2025-03", -EXACTLY), ("2025-04", Fraction(-70))]
    for one in told:
        assert one.causes[0]["text"] == f"undo of import {late.pk} (late.csv)"
        assert (one.causes[0]["who"], one.causes[0]["run"]) == ("Ann Ash", late.pk)
    page = client.get(f"/data/import/{late.pk}/").content.decode()
    assert "This import reaches into closed months" not in page
    assert "the difference is a restatement in May 2025" in page


def test_an_undo_that_restates_is_asked_about_and_one_that_takes_a_restatement_back_is_not(book: Path) -> None:
    early = ImportRun.objects.latest("id")
    closing.close_months(None, month_of("2025-04"))
    late = take_in(book, "late.csv", LATE)
    client = browser(person("finance"))
    page = client.get("/data/")
    (new,) = (row["new"] for row in page.context["imports"] if row["undo_asks"])
    assert page.content.decode().count("Undo …") == 1
    asked = client.post(f"/data/import/{early.pk}/undo/")
    assert "are closed. An undo takes the rows out and leaves the figures" in asked.content.decode()
    assert f"{new} rows that it brought are taken out." in asked.content.decode()
    assert ImportRun.objects.get(pk=early.pk).state == ImportState.DONE
    for run, said in ((early, {"sure": "1"}), (late, {})):
        assert client.post(f"/data/import/{run.pk}/undo/", said).headers["Location"] == f"/data/import/{run.pk}/"
        assert ImportRun.objects.get(pk=run.pk).state == ImportState.UNDOING


def test_the_command_says_so_before_and_after_an_undo(book: Path) -> None:
    late = take_in(book, "late.csv", LATE)
    closing.close_months(None, month_of("2025-04"))
    told = CliRunner().invoke(app, ["undo", str(late.pk)])
    assert told.exit_code == 0, told.output
    assert "March 2025 to April 2025 are closed" in told.stderr
    assert "the difference is a restatement in May 2025" in told.stderr


def test_an_import_that_came_after_the_closing_takes_its_restatement_back(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    late = take_in(book, "late.csv", LATE)
    client = browser(person("finance"))
    assert "an undo takes its restatement in May 2025 back" in client.get(f"/data/import/{late.pk}/").content.decode()
    undo_import(ImportRun.objects.get(pk=late.pk))
    passes.run_waiting_pass()
    assert reported_months()["2025-05"][RESTATEMENT] == 0
    assert "its restatement is gone" in client.get(f"/data/import/{late.pk}/").content.decode()


def test_an_import_of_an_open_month_says_nothing(book: Path) -> None:
    closing.close_months(None, month_of("2025-02"))
    late = take_in(book, "late.csv", LATE)
    assert "closed" not in browser(person("finance")).get(f"/data/import/{late.pk}/").content.decode()


def test_an_edit_by_a_person_is_a_cause_with_its_author(book: Path) -> None:
    admin = person("admin", "Ann Ash")
    closing.close_months(admin, month_of("2025-04"))
    line = SubscriptionLine.objects.get(start_on=date(2025, 2, 1))
    now = timezone.now()
    FieldChange.objects.create(
        record="subscription_lines",
        object_id=line.pk,
        account_id=line.account_id,
        field="start_on",
        effective_at=now,
        recorded_at=now,
        source="person",
        user=admin,
    )
    SubscriptionLine.objects.filter(pk=line.pk).update(start_on=date(2025, 3, 1))
    passes.start_pass()
    told = restated.explained(run_now(), restated.outstanding(run_now(), WHOLE, closings()), closings())
    assert {(r.causes[0]["text"], r.causes[0]["who"]) for r in told} == {("edited here", "Ann Ash")}


@pytest.mark.parametrize("record", ["accounts", "subscription_lines"])
def test_an_exclusion_is_a_cause_with_its_reason_and_author(book: Path, record: str) -> None:
    finance = person("finance", "Ann Ash")
    line = SubscriptionLine.objects.get(start_on=date(2025, 2, 1))
    closing.close_months(finance, month_of("2025-04"))
    exclude_rows(finance, record, [line.account_id if record == "accounts" else line.pk], "", "a trial of our own")
    passes.run_waiting_pass()
    told = restated.explained(run_now(), restated.outstanding(run_now(), WHOLE, closings()), closings())
    assert {(r.account_id, c["text"], c["who"]) for r in told for c in r.causes} == {(line.account_id, "excluded: a trial of our own", "Ann Ash")}
    closing.close_months(finance, month_of("2025-05"))
    take_back(finance, Exclusion.objects.values_list("pk", flat=True))
    passes.run_waiting_pass()
    page = browser(finance).get("/revenue/close/").content.decode()
    assert "counted again: a trial of our own" in page
    assert "excluded: a trial of our own" in page, "taken in by May"


# -- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "member", "viewer"])
def test_only_finance_and_admins_close(book: Path, role: str) -> None:
    with pytest.raises(PermissionDenied):
        closing.close_months(person(role), month_of("2025-01"))
    client = browser(person(role))
    assert client.post("/revenue/close/month/", {"month": "2025-01"}).status_code == 403
    closing.close_months(None, month_of("2025-01"))
    with pytest.raises(PermissionDenied):
        closing.reopen_months(person(role), month_of("2025-01"), "because")
    assert client.post("/revenue/close/reopen/", {"month": "2025-01", "reason": "because"}).status_code == 403
    assert len(closings()) == 1


def test_a_lead_reads_the_page_and_finds_no_button(book: Path) -> None:
    page = browser(person("lead")).get("/revenue/close/")
    assert page.status_code == 200
    assert b'action="/revenue/close/month/"' not in page.content


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_sees_a_part_of_the_book_does_not_see_the_page(book: Path, role: str) -> None:
    closing.close_months(None, month_of("2025-04"))
    client = browser(person(role))
    assert client.get("/revenue/close/").status_code == 403
    assert b"/revenue/close/" not in client.get("/revenue/").content
    assert client.get("/revenue/close/restatements.csv").status_code == 403


def test_nobody_signed_in_is_sent_to_the_door(book: Path) -> None:
    assert Client().get("/revenue/close/").status_code == 302
    assert Client().post("/revenue/close/month/", {"month": "2025-01"}).status_code == 302
    assert not ClosedMonth.objects.exists()


def test_an_outsider_sees_nothing_of_what_was_reported(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    page = browser(person("viewer")).get("/revenue/", {"basis": "reported"})
    assert page.context.get("waterfall") is None
    assert b"450.33" not in page.content
    download = browser(person("viewer")).get("/revenue/download/", {"basis": "reported"}).content.decode()
    assert len(download.splitlines()) == 1
    behind = browser(person("viewer")).get("/revenue/behind/", {"basis": "reported", "movement": "closing", "month": "2025-02"})
    assert behind.context["rows"] == []


# -- the pages -------------------------------------------------------------------------------------------------------


def test_one_click_closes_one_month_the_oldest(book: Path) -> None:
    client = browser(person("finance"))
    page = client.get("/revenue/close/")
    assert (page.context["next"]["name"], page.context["next"]["count"]) == ("2025-01", 1)
    assert client.post("/revenue/close/month/", {"month": page.context["next"]["name"]}).status_code == 302
    assert [month_name(month_number(c.month)) for c in closings()] == ["2025-01"]


def test_several_months_are_closed_only_after_a_page_that_says_which(book: Path) -> None:
    client = browser(person("finance"))
    asked = client.post("/revenue/close/month/", {"month": "2025-03", "note": "for the board"})
    assert asked.status_code == 200
    assert [m["name"] for m in asked.context["months"]] == ["2025-03", "2025-02", "2025-01"]
    assert (asked.context["first"]["name"], asked.context["last"]["name"], asked.context["note"]) == ("2025-01", "2025-03", "for the board")
    assert "Reopen" in asked.content.decode()
    assert not ClosedMonth.objects.exists()
    closing.close_months(None, month_of("2025-01"))  # somebody else, meanwhile
    again = client.post("/revenue/close/month/", {"month": "2025-03", "first": "2025-01"})
    assert [m["name"] for m in again.context["months"]] == ["2025-03", "2025-02"]
    assert client.post("/revenue/close/month/", {"month": "2025-03", "first": "2025-02"}).status_code == 302
    assert len(closings()) == 3


def test_the_page_closes_and_opens_again(book: Path) -> None:
    client = browser(person("finance"))
    page = client.get("/revenue/close/", {"month": "2025-02"})
    assert page.context["next"]["count"] == 2
    assert client.post("/revenue/close/month/", {"month": "2025-02", "first": "2025-01", "note": "for the board"}).status_code == 302
    assert [c.note for c in closings()] == ["for the board"] * 2
    states = {m["name"]: m["state"] for m in client.get("/revenue/close/", {"all": "1"}).context["months"]}
    assert (states["2025-01"], states["2025-02"], states["2025-03"]) == ("closed", "closed", "open")
    assert client.post("/revenue/close/reopen/", {"month": "2025-02", "reason": "a line was missing"}).status_code == 302
    assert len(closings()) == 1
    refused = client.post("/revenue/close/month/", {"month": f"{timezone.localdate():%Y-%m}"}, follow=True)
    assert "not over yet" in refused.content.decode()
    assert client.post("/revenue/close/month/", {"month": "soon"}).status_code == 302


def test_the_checklist_names_what_is_open(book: Path) -> None:
    take_in(book, "broken.csv", HEADER + "S-8,A-1,2025-02-30,,10,monthly,USD,active\n")
    checks = {c["key"]: c["tone"] for c in browser(person("finance")).get("/revenue/close/").context["checks"]}
    assert checks["quarantine"] == "warn"
    assert checks["pass"] == "good"
    passes.DirtyAccount.objects.create(account_id=None, since=timezone.now())
    page = browser(person("finance")).get("/revenue/close/")
    assert {c["key"]: c["tone"] for c in page.context["checks"]}["pass"] == "bad"
    assert page.context["next"]["blocked"]


def test_without_a_closed_month_there_is_no_switch(book: Path) -> None:
    page = browser(person("lead")).get("/revenue/", {"basis": "reported"})
    assert page.context["bases"] is None
    assert b"As reported" not in page.content


def test_the_switch_shows_either_and_marks_the_difference(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    client = browser(person("lead"))
    for basis, closed in (("reported", "450.33"), ("restated", "603.67")):
        page = client.get("/revenue/", {"month": "2025-04", "basis": basis})
        assert str(page.context["waterfall"]["rows"][-1]["value"]) == closed
        assert str(page.context["waterfall"]["rows"][-1]["difference"]["value"]) == "153.33"
        assert [b["active"] for b in page.context["bases"]] == [basis == "reported", basis == "restated"]
        assert ("as reported" in page.context["state"]["shown"]) == (basis == "reported")
        assert page.context["waterfall"]["ties"]
    rows = {r["label"]: r for r in client.get("/revenue/", {"month": "2025-05", "basis": "reported"}).context["waterfall"]["rows"]}
    assert str(rows["Restatement"]["value"]) == "153.33"
    assert "Restatement" not in {r["label"] for r in client.get("/revenue/", {"month": "2025-05"}).context["waterfall"]["rows"]}


@pytest.mark.once
@pytest.mark.parametrize("movements", ["event", "net"])
def test_every_bar_as_reported_opens_to_accounts_whose_sum_is_the_bar(book: Path, movements: str) -> None:
    closing.close_months(None, month_of("2025-04"))
    late = take_in(book, "late.csv", LATE)
    closing.close_months(None, month_of("2025-06"))
    undo_import(ImportRun.objects.get(pk=late.pk))
    passes.run_waiting_pass()
    client = browser(person("lead"))
    for period in ("month", "quarter", "year"):
        for month in ("2025-01", "2025-04", "2025-05", "2025-07", "2025-09"):
            page = client.get("/revenue/", {"month": month, "period": period, "movements": movements, "basis": "reported"})
            assert page.context["waterfall"]["ties"]
            for row in page.context["waterfall"]["rows"]:
                if row["url"]:
                    behind = client.get(row["url"])
                    assert behind.status_code == 200
                    assert abs(behind.context["total"]) == row["value"], (period, month, row["label"])


def test_the_download_is_as_reported_where_asked(book: Path) -> None:
    import csv
    import io

    closing.close_months(None, month_of("2025-04"))
    take_in(book, "late.csv", LATE)
    client = browser(person("lead"))
    reported = {r["month"]: r for r in csv.DictReader(io.StringIO(client.get("/revenue/download/", {"basis": "reported"}).content.decode()))}
    now = {r["month"]: r for r in csv.DictReader(io.StringIO(client.get("/revenue/download/").content.decode()))}
    assert (reported["2025-04"]["closing_mrr"], now["2025-04"]["closing_mrr"]) == ("450.33", "603.67")
    assert reported["2025-05"]["restatement_mrr"] == "153.33"
    assert "restatement_mrr" not in now["2025-05"]


def test_the_page_lists_restatements_with_cause_author_and_file(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    late = take_in(book, "late.csv", LATE, person("finance"))
    page = browser(person("lead")).get("/revenue/close/")
    rows = page.context["restatements"]["rows"]
    assert {r["account_name"] for r in rows} == {"Cedar", "Birch"}
    assert all(r["causes"][0]["url"] == f"/data/import/{late.pk}/" for r in rows)
    assert str(page.context["restatements"]["total"]) == "153.33"
    table = browser(person("lead")).get("/revenue/close/restatements.csv").getvalue().decode().splitlines()
    assert len(table) == 3


def test_closed_months_are_shown_though_the_data_is_gone(book: Path) -> None:
    closing.close_months(None, month_of("2025-04"))
    for run in ImportRun.objects.order_by("-id"):
        undo_import(run)
    passes.run_waiting_pass()
    page = browser(person("lead")).get("/revenue/", {"basis": "reported", "month": "2025-05"})
    values = [str(r["value"]) for r in page.context["waterfall"]["rows"]]
    assert (values[0], values[1], values[-1]) == ("450.33", "450.33", "0.00")


def test_the_account_page_says_when_a_line_was_recorded(book: Path) -> None:
    account = Account.objects.get(name="Cedar")
    page = browser(person("lead")).get(f"/accounts/{account.pk}/", {"tab": "subscriptions"}).content.decode()
    assert "recorded" in page


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_closes_and_opens_again(book: Path) -> None:
    told = CliRunner().invoke(app, ["close", "2025-02", "--note", "first"])
    assert told.exit_code == 0, told.output
    assert told.stdout.split() == ["2025-01", "closed", "150.00", "USD", "2025-02", "closed", "450.33", "USD"]
    assert [(c.note, c.closed_by) for c in closings()] == [("first", None)] * 2
    assert CliRunner().invoke(app, ["close", "2025-02", "--reopen"]).exit_code == 1
    told = CliRunner().invoke(app, ["close", "2025-02", "--reopen", "--note", "again"])
    assert (told.exit_code, told.stdout.split()) == (0, ["2025-02", "open", "again"])


def test_the_command_says_what_is_wrong(book: Path) -> None:
    assert CliRunner().invoke(app, ["close", "2025-13"]).exit_code == 2
    assert "not over yet" in CliRunner().invoke(app, ["close", f"{timezone.localdate() + timedelta(days=40):%Y-%m}"]).stderr
    person("lead")
    assert "closing needs finance or admin" in CliRunner().invoke(app, ["close", "2025-01", "--by", "lead@laer.example"]).stderr
    person("finance")
    assert CliRunner().invoke(app, ["close", "2025-01", "--by", "finance@laer.example"]).exit_code == 0
    assert [c.closed_by and c.closed_by.email for c in closings()] == ["finance@laer.example"]


# -- any book --------------------------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("seed", range(6))
def test_the_reported_waterfall_ties_whatever_changes(book: Path, seed: int) -> None:
    """Random changes between random closings: every reported waterfall ties, and what was reported never moves again."""
    import random

    draw = random.Random(seed)
    accounts = list(Account.objects.order_by("id"))
    shown: dict[str, Any] = {}
    month = month_of("2025-01")
    for turn in range(4):
        month += draw.randint(0 if turn else 1, 3)
        if month > (month_number(closings()[-1].month) if closings() else -1):
            closing.close_months(None, month)
        then = reported_months()
        ties(then)
        for name, figures in shown.items():
            assert dict(then[name].figures) == figures, name
        shown = {name: dict(m.figures) for name, m in then.items() if month_of(name) <= month_number(closings()[-1].month)}
        for _ in range(draw.randint(1, 4)):
            line = draw.choice(list(SubscriptionLine.objects.order_by("id")))
            start = date(2025, 1, 1) + timedelta(days=draw.randint(0, 330))
            end = start + timedelta(days=draw.randint(1, 200)) if draw.random() < 0.6 else None
            amount = {"mrr_num": draw.randint(0, 10**6), "mrr_den": draw.choice([1, 3, 7, 12, 100])}
            if draw.random() < 0.5:
                SubscriptionLine.objects.filter(pk=line.pk).update(account=draw.choice(accounts), start_on=start, end_on=end, **amount)
            else:
                line.pk = None
                line.start_on, line.end_on = start, end
                line.mrr_num, line.mrr_den = amount["mrr_num"], amount["mrr_den"]
                line.save(force_insert=True)
        passes.start_pass()
        then, now = reported_months(), restated_months()
        ties(then)
        last = month_number(closings()[-1].month)
        places = restated.outstanding(run_now(), WHOLE, closings())
        assert sum(places.values(), Fraction(0)) == now[month_name(last)]["closing_mrr"] - then[month_name(last)]["closing_mrr"]
    assert ReportedAccount.objects.exists()


def test_the_months_leave_as_a_file(book: Path) -> None:
    closing.close_months(person("finance"), month_of("2025-02"), "=Q1")
    rows = list(csv.DictReader(io.StringIO(browser(person("lead")).get("/revenue/close/?format=csv").getvalue().decode())))
    by_month = {row["month"]: row for row in rows}
    assert (by_month["2025-02"]["state"], by_month["2025-02"]["note"], by_month["2025-03"]["state"]) == ("closed", "'=Q1", "open")
    assert abs(Fraction(by_month["2025-01"]["closing_mrr"]) - restated_months()["2025-01"]["closing_mrr"]) <= Fraction(1, 200)
    assert browser(person("member")).get("/revenue/close/?format=csv").status_code == 403


def test_an_opening_balance_of_a_merged_account_is_no_growth_as_reported_and_as_restated(tmp_path: Path) -> None:
    restated.memory.clear()
    for name, source, text, day in (
        ("sheet.csv", "sheet", "Customer,ARR,CSM\nAcme,1200,Ana\nBeta,600,Bo\n", date(2025, 1, 31)),
        ("billing.csv", "billing", "Customer,ARR,CSM\nAcme Incorporated,3000,Ana\n", date(2025, 3, 15)),
    ):
        (tmp_path / name).write_text(text)
        run_import(begin_import([(name, tmp_path / name)], source=source, file_date=day))
    kept, merged = (Account.objects.get(name=name).pk for name in ("Acme", "Acme Incorporated"))
    merge_accounts(person("admin"), kept, merged, "both")
    passes.run_waiting_pass()
    closing.close_months(person("finance"), month_of("2025-05"))
    for found in (restated_months(last="2025-05"), reported_months()):
        assert found["2025-03"]["opening_balance_mrr"] == 250
        assert [found[m]["nrr_1m"] for m in ("2025-02", "2025-03", "2025-04")] == [1, 1, 1]
        assert (found["2025-05"]["nrr_3m"], found["2025-05"]["grr_3m"], found["2025-05"]["closing_mrr"]) == (1, 1, 400)
