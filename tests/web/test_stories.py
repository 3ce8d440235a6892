"""The sheets that firms really have, from the file to the figure: a row per customer, a grid, late signatures, churn events."""

from __future__ import annotations

import contextlib
import csv
import io
import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client

from laer.cycle.scope import Scope
from laer.web.book.applying import Writer
from laer.web.book.importing import begin_import, preview_import, run_import
from laer.web.book.models import (
    Account,
    Assignment,
    ChurnEvent,
    Contact,
    Contract,
    ImportRun,
    Note,
    Pulse,
    QuarantinedRow,
    Question,
    SubscriptionLine,
)
from laer.web.book.undo import undo_import
from laer.web.people.models import Person, User
from laer.web.runs import passes
from laer.web.runs.desk import ask
from laer.web.runs.doctor import findings
from laer.web.runs.models import AccountCard
from tests.web.sheets import HEADER, customers, listed, workbook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def take(path: Path, day: str | None = None, source: str = "sheet") -> ImportRun:
    run = run_import(begin_import([(path.name, path)], source=source, file_date=date.fromisoformat(day) if day else None))
    passes.run_waiting_pass()
    return run


def months(**query: str) -> dict[str, dict[str, Decimal]]:
    """The ledger as its download says it."""
    user = User.objects.filter(email="lead@laer.example").first() or User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    client = Client()
    client.force_login(user)
    answer = client.get("/revenue/download/", query)
    return {
        row["month"]: {k: Decimal(v) for k, v in row.items() if k.endswith("_mrr") or (k == "nrr_12m" and v)} | {"row": row}  # type: ignore[dict-item]
        for row in csv.DictReader(io.StringIO(answer.content.decode()))
    }


def count_of(model: Any) -> int:
    return int(model.objects.filter(archived_at=None).count())


# -- 1. a row per customer ------------------------------------------------------------------------------------------


def test_one_sheet_of_customers_fills_the_book(tmp_path: Path):
    rows = customers(250)
    run = take(workbook(tmp_path / "customers.xlsx", rows))
    assert [f.record for f in run.files.order_by("id")] == ["accounts", "subscription_lines", "contracts", "contacts", "pulses"]
    assert (count_of(Account), count_of(Pulse), count_of(Contact), count_of(Contract), count_of(SubscriptionLine)) == (250, 250, 250, 250, 250)
    assert not QuarantinedRow.objects.exists()
    assert set(Person.objects.filter(user=None).values_list("name", flat=True)) >= {"Maya Okafor", "Jon Bell", "Ana Ruiz"}
    assert Assignment.objects.count() == 250
    assert set(Contact.objects.values_list("role", flat=True)) == {"champion"}
    total = sum(Decimal(str(r[2])) for r in rows)
    assert sum(AccountCard.objects.values_list("arr_minor", flat=True)) == total * 100
    assert {p.colour for p in Pulse.objects.all()} == {"green", "yellow", "red"}
    assert not {"missing_owner", "missing_contract", "missing_renewal_date", "expired_unresolved"} & {f.check for f in findings()}
    by_name = {a.name: a for a in Account.objects.all()}
    for name, _, _, ends, health, mail in rows[:20]:
        account = by_name[name]
        assert account.contracts.get().end_on == ends
        assert account.pulses.get().colour == {"Green": "green", "Amber": "yellow", "Red": "red"}[health]
        assert account.contacts.get().email == mail


def test_what_a_list_says_first_is_an_opening_balance_and_never_new(tmp_path: Path):
    rows = customers(40)
    take(workbook(tmp_path / "customers_2026-11-02.xlsx", rows))
    found = months()["2026-11"]
    total = sum(Decimal(str(r[2])) for r in rows)
    assert found["new_mrr"] == 0
    assert found["opening_balance_mrr"] == found["closing_mrr"]
    assert Decimal(found["row"]["arr"]) == total  # type: ignore[index]


def test_the_same_list_again_changes_nothing(tmp_path: Path):
    path = workbook(tmp_path / "customers.xlsx", customers(30))
    take(path)
    again = take(path)
    assert all(not c["new"] and not c["changed"] for c in again.counts.values()), again.counts
    assert not Question.objects.exists()


def test_next_months_list_moves_what_it_changes_and_asks_about_who_is_missing(tmp_path: Path):
    rows = customers(30)
    take(listed(tmp_path / "customers_2026-09-30.csv", rows), "2026-09-30")
    later = [list(r) for r in rows]
    later[0][2], later[1][2], later[2][2] = rows[0][2] + 1200, rows[1][2] / 2, 0
    newcomer = ["Newcomer AG", "Jon Bell", 2400, date(2027, 9, 1), "Green", "x@newcomer.example"]
    path = listed(tmp_path / "customers_2026-10-31.csv", [*later[:28], newcomer])
    coming = begin_import([(path.name, path)], source="sheet", file_date=date(2026, 10, 31))
    preview = preview_import(coming)
    lines = coming.files.get(record="subscription_lines")
    assert preview[lines.pk].counts["subscription_lines"]["new"] == 4
    assert lines.__class__.objects.get(pk=lines.pk).preview["questions"] == 2
    run_import(coming)
    passes.run_waiting_pass()
    found = months()
    assert found["2026-09"]["opening_balance_mrr"] == found["2026-09"]["closing_mrr"]
    october = found["2026-10"]
    assert october["expansion_mrr"] == 100
    assert october["contraction_mrr"] == (Decimal(str(rows[1][2])) / 24).quantize(Decimal("0.01"))
    assert october["churn_mrr"] == (Decimal(str(rows[2][2])) / 12).quantize(Decimal("0.01"))
    assert (october["new_mrr"], october["opening_balance_mrr"]) == (200, 0)
    asked = Question.objects.filter(answer="")
    assert {q.account.name for q in asked} == {rows[28][0], rows[29][0]}
    assert {q.kind for q in asked} == {"missing"}
    back = take(listed(tmp_path / "customers_2026-11-15.csv", [*later, newcomer]), "2026-11-15")
    assert not Question.objects.filter(answer="").exists()
    undo_import(back)
    undo_import(coming)
    passes.run_waiting_pass()
    level = months()
    assert min(level) == "2026-09"
    assert len({month["closing_mrr"] for month in level.values()}) == 1
    assert months()["2026-09"]["closing_mrr"] == found["2026-09"]["closing_mrr"]


def test_an_amount_left_blank_is_asked_about_and_not_zero(tmp_path: Path):
    rows = customers(12)
    take(listed(tmp_path / "a.csv", rows), "2026-09-30")
    blank = [list(r) for r in rows]
    blank[3][2] = ""
    take(listed(tmp_path / "b.csv", blank), "2026-10-31")
    assert sum(m["churn_mrr"] for m in months().values()) == 0
    (asked,) = Question.objects.filter(answer="")
    assert (asked.kind, asked.account.name) == ("blank", rows[3][0])


def test_notes_plans_and_own_fields_of_a_list_find_their_place(tmp_path: Path):
    header = ["Account ID", "Account Name", "Owner", "MRR", "Currency", "Plan", "Industry", "NPS target", "Renews on", "Notes", "Health"]
    rows = [
        [f"A{i}", f"Firm {i}", "Maya Okafor", 100 + i, "EUR", "Pro", "Retail", i, "2027-03-31", "calls on Mondays" if i % 2 else "", "green"] for i in range(10)
    ]
    run = take(listed(tmp_path / "customers.csv", rows, header))
    assert [f.record for f in run.files.order_by("id")] == ["accounts", "subscription_lines", "contracts", "pulses", "notes"]
    assert (count_of(Account), count_of(SubscriptionLine), count_of(Note), count_of(Contract)) == (10, 10, 5, 10)
    line = SubscriptionLine.objects.get(account__name="Firm 7")
    assert (line.mrr_num, line.mrr_den, line.currency, line.plan, line.start_unknown) == (107, 1, "EUR", "Pro", True)
    account = Account.objects.get(name="Firm 7")
    assert (account.industry, account.custom.get("nps_target")) == ("Retail", 7)
    assert not QuarantinedRow.objects.exists()


# -- 3. the end is the last paid day ---------------------------------------------------------------------------------


def test_terms_that_touch_by_a_day_are_read_as_last_paid_days_with_their_evidence(tmp_path: Path):
    rows = [[f"S{i}a", f"C{i}", "2024-01-01", "2024-12-31", 1000] for i in range(100)]
    rows += [[f"S{i}b", f"C{i}", "2025-01-01", "2025-12-31", 1000] for i in range(95)]
    path = listed(tmp_path / "lines.csv", rows, ["subscription_id", "account_id", "start_date", "end_date", "mrr"])
    run = take(path)
    mapping = run.files.get().mapping
    assert mapping["end"] == "inclusive"
    assert "last paid day" in mapping["end_evidence"]["sentence"]
    found = months()
    assert found["2024-12"]["closing_mrr"] == 100_000
    january = found["2025-01"]
    assert (january["churn_mrr"], january["reactivation_mrr"], january["closing_mrr"]) == (5_000, 0, 95_000)


# -- 4. signed late --------------------------------------------------------------------------------------------------


def signed(tmp_path: Path, day: str) -> None:
    contracts = [["K1", "C1", "2025-04-01", "2026-04-01", "2025-03-20"], ["K2", "C1", "2026-04-01", "2027-04-01", day]]
    lines = [["S1", "C1", "K1", "2025-04-01", "2026-04-01", 100], ["S2", "C1", "K2", "2026-04-01", "2027-04-01", 100]]
    folder = tmp_path / "files"
    folder.mkdir()
    listed(folder / "contracts.csv", contracts, ["contract_id", "account_id", "contract_start", "contract_end", "signed_on"])
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm"))
    passes.run_waiting_pass()


def test_two_contracts_alone_say_that_their_ends_are_last_days(tmp_path: Path):
    """The end on 31 March is the last day, on which signing was still in time: 12 April is twelve days late."""
    contracts = [["K1", "C1", "2025-04-01", "2026-03-31", "2025-03-20"], ["K2", "C1", "2026-04-01", "2027-03-31", "2026-04-12"]]
    lines = [["S1", "C1", "K1", "2025-04-01", "2026-03-31", 100], ["S2", "C1", "K2", "2026-04-01", "2027-03-31", 100]]
    folder = tmp_path / "files"
    folder.mkdir()
    listed(folder / "contracts.csv", contracts, ["contract_id", "account_id", "contract_start", "contract_end", "signed_on"])
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm"))
    run = passes.run_waiting_pass()
    assert run is not None
    (due,) = [r for r in ask("renewals", {"account": None}, Scope(True), run.pk) if r["state"] == "renewed late"]
    assert (str(due["due_on"]), due["late_days"]) == ("2026-04-01", 12)
    assert {(m["churn_mrr"], m["reactivation_mrr"]) for m in months().values()} == {(0, 0)}


def test_a_renewal_signed_twelve_days_late_is_no_churn(tmp_path: Path):
    signed(tmp_path, "2026-04-12")
    assert {(m["churn_mrr"], m["reactivation_mrr"]) for m in months().values()} == {(0, 0)}
    client = Client()
    client.force_login(User.objects.get(email="lead@laer.example"))
    page = client.get(f"/accounts/{Account.objects.get().pk}/?tab=subscriptions").content.decode()
    assert "late, 12 days" in page


def test_a_renewal_signed_after_the_grace_is_churn_and_reactivation_in_both_places(tmp_path: Path):
    signed(tmp_path, "2026-05-20")
    found = months()
    assert (found["2026-04"]["churn_mrr"], found["2026-05"]["reactivation_mrr"], found["2026-05"]["closing_mrr"]) == (100, 100, 100)
    client = Client()
    client.force_login(User.objects.get(email="lead@laer.example"))
    page = client.get(f"/accounts/{Account.objects.get().pk}/?tab=subscriptions").content.decode()
    assert "came back, 50 days" in page


# -- 5. churn events -------------------------------------------------------------------------------------------------


def test_churn_events_stand_beside_the_figure_and_choosing_them_changes_it(tmp_path: Path):
    folder = tmp_path / "files"
    folder.mkdir()
    listed(folder / "lines.csv", [[f"S{i}", f"C{i}", "2025-03-01" if i == 9 else "2024-01-01", 100] for i in range(10)], ["subscription_id", "account_id", "start_date", "mrr"])
    listed(folder / "churn_events.csv", [[f"E{i}", f"C{i}", "2025-02-10", "price"] for i in range(4)], ["churn_event_id", "account_id", "churn_date", "reason"])
    run_import(begin_import([("files", folder)], source="crm"))
    passes.run_waiting_pass()
    assert sum(m["churn_mrr"] for m in months().values()) == 0
    assert months(churn_basis="events")["2025-02"]["churn_mrr"] == 400
    client = Client()
    client.force_login(User.objects.get(email="lead@laer.example"))
    page = client.get("/revenue/").content.decode()
    assert "4 accounts have churn events" in page
    assert "churn_basis=events" in page
    assert "6 if the events are right" in page
    other = client.get("/revenue/", {"churn_basis": "events", "month": "2025-02"}).content.decode()
    assert "The lines are right" in other
    assert "9 if the lines are right" in other  # the tenth starts in March


def test_the_pages_take_the_sheet_in_as_it_is_without_a_change(tmp_path: Path):
    """Upload, columns, preview, confirm: what the forms show is what they send back."""
    lead = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    client = Client()
    client.force_login(lead)
    path = workbook(tmp_path / "customers.xlsx", customers(20))
    with path.open("rb") as file:
        columns = client.post("/data/import/", {"files": file, "source": ""}, follow=True)
    run = ImportRun.objects.get()
    sent = {}
    for shown in columns.context["files"]:
        sent[shown["record_key"]] = shown["record_type"]
        assert shown["record_type"] in {option["value"] for option in shown["record_types"]}
        sent |= {column["key"]: column["field"] for column in shown["columns"]}
        sent |= {question["key"]: question["value"] for question in shown["questions"]}
    assert [name for name in sent if name == "as_of"] == ["as_of"]
    preview = client.post(f"/data/import/{run.pk}/map/", sent | {"remember": "true"}, follow=True)
    assert preview.request["PATH_INFO"].endswith("/preview/")
    assert {row["record"].lower().rstrip("s"): row["new"] for row in preview.context["by_record"]}["pulse"] == 20
    assert [f.record for f in run.files.order_by("id")] == ["accounts", "subscription_lines", "contracts", "contacts", "pulses"]


# -- 2. a grid of months, then a list --------------------------------------------------------------------------------


def test_a_grid_ties_month_by_month_and_a_later_list_moves_what_it_changes(tmp_path: Path):
    luck = random.Random(11)
    heads = [f"{date(2024 + m // 12, m % 12 + 1, 1):%b-%y}" for m in range(24)]
    cells: list[list[Any]] = []
    for i in range(40):
        came = luck.randrange(6) if i % 4 == 0 else 0
        value = luck.choice([100, 250.5, 1000])
        row: list[Any] = [""] * came + [value] * (24 - came)
        if i % 7 == 3:
            row[12:] = [value + 50] * 12
        cells.append(row)
    cells[5][8:11] = ["", "", ""]  # the gap
    for gone in (17, 23):
        cells[gone][20:] = [""] * 4
    take(listed(tmp_path / "mrr.csv", [[f"Firm {i:02d}", *row] for i, row in enumerate(cells)], ["Customer", *heads]))
    found = months()
    for m in range(24):
        column = sum(Decimal(str(row[m] or 0)) for row in cells)
        last = found.get(f"{2024 + m // 12}-{m % 12 + 1:02d}", list(found.values())[-1])  # nothing is said of months after the last change
        assert last["closing_mrr"] == column, heads[m]
    gap = Decimal(str(cells[5][7]))
    assert (found["2024-09"]["churn_mrr"], found["2024-12"]["reactivation_mrr"]) == (gap, gap)
    assert SubscriptionLine.objects.filter(account__name="Firm 00", end_on=None).exists()

    live = [i for i in range(40) if cells[i][23]]
    listing = [[f"Firm {i:02d}", "Maya Okafor", Decimal(str(cells[i][23])) * 12] for i in live]
    listing[0][2] += 1200
    listing[1][2] += 600
    listing[2][2] /= 2
    take(listed(tmp_path / "customers.csv", listing[:-2], ["Customer", "CSM", "ARR"]), "2026-01-15")
    assert Account.objects.filter(archived_at=None).count() == 40
    after = months()["2026-01"]
    assert (after["expansion_mrr"], after["churn_mrr"], after["new_mrr"], after.get("opening_balance_mrr", 0)) == (150, 0, 0, 0)
    assert after["contraction_mrr"] == Decimal(str(cells[live[2]][23])) / 2
    assert int(after["row"]["expansions"]) + int(after["row"]["contractions"]) == 3  # type: ignore[index]
    assert {q.account.name for q in Question.objects.filter(answer="")} == {listing[-1][0], listing[-2][0]}


def test_a_churned_sheet_beside_the_customers_says_who_left_and_when(tmp_path: Path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        now, gone = book.add_worksheet("Customers"), book.add_worksheet("Churned")
        for place, row in enumerate([HEADER[:3], ["Alder", "Maya Okafor", 12000], ["Birch", "Jon Bell", 24000], ["Cedar", "Jon Bell", 6000]]):
            now.write_row(place, 0, row)
        gone.write_row(0, 0, ["Customer", "Churn date", "Reason", "Industry"])
        for place, (name, left, why) in enumerate([("Dogwood", date(2026, 3, 1), "price"), ("Elder", date(2026, 5, 2), "no use")], 1):
            gone.write(place, 0, name)
            gone.write_datetime(place, 1, left, day)
            gone.write_row(place, 2, [why, "Retail"])
    take(path, "2026-10-31")
    assert not QuarantinedRow.objects.exists()
    assert {a.name: a.churn_flag for a in Account.objects.all()} == {"Alder": None, "Birch": None, "Cedar": None, "Dogwood": True, "Elder": True}
    assert {(e.account.name, str(e.effective_on), e.reason) for e in ChurnEvent.objects.all()} == {
        ("Dogwood", "2026-03-01", "price"), ("Elder", "2026-05-02", "no use"),
    }  # fmt: skip
    assert Account.objects.get(name="Elder").industry == "Retail"
    assert not Question.objects.exists()


# -- bad luck --------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """The process ended here."""


@pytest.mark.parametrize("survived", [1, 4, 6, 8, 9])
def test_a_list_that_is_interrupted_and_run_again_says_what_an_undisturbed_one_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int):
    """The lines that the first attempt wrote are not taken for what the book had before."""
    rows = customers(30)
    take(listed(tmp_path / "september.csv", rows), "2026-09-30")
    later = [list(r) for r in rows]
    later[0][2], later[1][2] = rows[0][2] + 1200, rows[1][2] / 2
    path = listed(tmp_path / "october.csv", [*later[:29], ["Newcomer AG", "Jon Bell", 2400, date(2027, 9, 1), "Green", "x@newcomer.example"]])
    run = begin_import([("october.csv", path)], source="sheet", file_date=date(2026, 10, 31))
    apply, left = Writer.apply, [survived]

    def interrupted(writer: Writer, plan: Any) -> None:
        apply(writer, plan)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(Writer, "apply", interrupted)
    with contextlib.suppress(Killed):
        run_import(run)
    monkeypatch.setattr(Writer, "apply", apply)
    run_import(ImportRun.objects.get(pk=run.pk))
    passes.run_waiting_pass()
    october = months()["2026-10"]
    assert (october["expansion_mrr"], october["new_mrr"], october["churn_mrr"]) == (100, 200, 0)
    assert october["contraction_mrr"] == (Decimal(str(rows[1][2])) / 24).quantize(Decimal("0.01"))
    assert count_of(SubscriptionLine) == 33
    assert {q.account.name for q in Question.objects.filter(answer="")} == {rows[29][0]}
