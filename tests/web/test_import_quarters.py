"""Grids of quarters and long lists of months in the book: asked once what an amount is, told by the book where it can be, in whatever order sheets stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client
from typer.testing import CliRunner

from laer.cli import app
from laer.web.book import importing
from laer.web.book.models import ImportRun, SubscriptionLine
from laer.web.people.models import User
from tests.cli.commands import run as command
from tests.web.lists import arr, given, take
from tests.web.test_import_doubts import form_of, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
QUARTERS = "Customer,Q1 2024,Q2 2024,Q3 2024"
ROWS = ("Acme,300,300,600", "Beta,,30,30", "Cato,90,90,90")


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def test_what_a_quarters_amount_is_is_asked_once(client: Client, lead: User) -> None:
    content = "\n".join((QUARTERS, *ROWS)).encode()
    run = upload(client, "sheet.csv", content)
    (asked,) = [q for f in client.get(f"/data/import/{run.pk}/map/").context["files"] for q in f["questions"] if q["key"].endswith("-per")]
    assert asked["value"] == ""
    assert "Nothing says whether a quarter's amount is MRR, ARR or what the quarter brought in." in asked["evidence"]
    refused = client.post(f"/data/import/{run.pk}/map/", form_of(client, run))
    assert refused.status_code == 422  # the form again, with what is still to be said
    client.post(f"/data/import/{run.pk}/map/", form_of(client, run) | {asked["key"]: "quarterly"})
    importing.run_import(ImportRun.objects.get(pk=run.pk))
    assert [arr(day) for day in ("2024-03-31", "2024-06-30", "2024-09-30")] == [1_560, 1_680, 2_880]
    again = upload(client, "sheet.csv", content)
    (known,) = [q for f in client.get(f"/data/import/{again.pk}/map/").context["files"] for q in f["questions"] if q["key"].endswith("-per")]
    assert known["value"] == "quarterly"


def test_the_book_tells_what_a_quarters_amount_is(tmp_path: Path) -> None:
    take(given(tmp_path / "list.csv", "Customer,ARR", "Acme,2400", "Beta,120", "Cato,360"), "2024-09-30")
    run = importing.begin_import([("grid.csv", given(tmp_path / "grid.csv", QUARTERS, *ROWS))], source="crm", file_date=None)
    assert run.files.get().mapping["fixed"] == {"interval": "quarterly"}


def test_the_book_tells_what_a_long_lists_amount_is(tmp_path: Path) -> None:
    take(given(tmp_path / "list.csv", "Customer,ARR", "Acme,2400", "Beta,120", "Cato,360"), "2024-03-31")
    rows = [f"{name},2024-0{m},{amount}" for m in (1, 2, 3) for name, amount in (("Acme", 2400), ("Beta", 120), ("Cato", 360))]
    run = importing.begin_import([("grid.csv", given(tmp_path / "grid.csv", "Customer,Month,Amount", *rows))], source="crm", file_date=None)
    assert run.files.get().mapping["fixed"] == {"interval": "annual"}
    importing.run_import(run)
    assert arr("2024-01-31") == 2_880


def test_the_command_does_not_guess_what_a_quarters_amount_is(tmp_path: Path) -> None:
    file = given(tmp_path / "grid.csv", QUARTERS, *ROWS)
    refused = command("import", str(file), "--as-of", "2024-09-30")
    assert refused.exit_code == 2
    assert "--amount-is monthly (they are MRR), annual (ARR) or quarterly" in refused.stderr
    assert not ImportRun.objects.exists()
    assert command("import", str(file), "--as-of", "2024-09-30", "--amount-is", "annual").exit_code == 0
    assert arr("2024-09-30") == 720


def revenue(file: Path, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    done = CliRunner().invoke(app, ["revenue", str(file), "--format", "json", *options])
    return done.exit_code, json.loads(done.stdout) if done.exit_code == 0 else [], done.stderr


def test_revenue_reads_quarters_as_the_book_does(tmp_path: Path) -> None:
    file = given(tmp_path / "grid.csv", QUARTERS, *ROWS)
    code, _, said = revenue(file)
    assert code == 2
    assert "Nothing says whether a quarter's amount is MRR, ARR or what the quarter brought in. Say it with --amount-is monthly" in said
    _, months, _ = revenue(file, "--amount-is", "quarterly")
    assert {m["month"]: m["closing_mrr"] for m in months if m["month"] in ("2024-03", "2024-06", "2024-09")} == {"2024-03": 130, "2024-06": 140, "2024-09": 240}
    assert months[-1]["month"] == "2024-09"
    _, months, _ = revenue(given(tmp_path / "revenue.csv", QUARTERS, *ROWS))
    assert months[-1]["closing_mrr"] == 240
    _, months, _ = revenue(given(tmp_path / "arr.csv", QUARTERS, *ROWS))
    assert months[-1]["arr"] == 720


def test_revenue_warns_where_a_long_list_does_not_say_what_its_amount_is(tmp_path: Path) -> None:
    rows = [f"{name},2024-0{m},{amount}" for m in (1, 2, 3) for name, amount in (("Acme", 1200), ("Beta", 12))]
    file = given(tmp_path / "grid.csv", "Customer,Month,Amount", *rows)
    _, months, said = revenue(file)
    assert "warning: nothing says for which period Amount is" in said
    assert months[-1]["closing_mrr"] == 1_212
    _, months, said = revenue(file, "--amount-is", "annual")
    assert (months[-1]["closing_mrr"], "warning" in said) == (101, False)


def test_sheets_of_several_years_are_read_oldest_first_in_whatever_order_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "mrr.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for year, beta in ((2025, ["", "", ""]), (2024, [50, 50, 50])):  # newest first; Beta left at the end of 2024
            sheet = book.add_worksheet(str(year))
            sheet.write_row(0, 0, ["Customer", *(f"{name} {year}" for name in (("Oct", "Nov", "Dec") if year == 2024 else ("Jan", "Feb", "Mar")))])
            sheet.write_row(1, 0, ["Acme", 100, 100, 100 if year == 2024 else 150])
            sheet.write_row(2, 0, ["Beta", *beta])
    take(path, "2025-03-31")
    assert [arr(day) for day in ("2024-12-31", "2025-01-31", "2025-03-31")] == [1_800, 1_200, 1_800]
    assert arr("2025-03-31", "Beta") == 0
    assert SubscriptionLine.objects.filter(account__name="Acme", archived_at=None).exists()
