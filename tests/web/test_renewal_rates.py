"""The page of renewal rates: a quarter by hand from files to figures, every figure opens to its renewals, and nobody sees those of others."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Contract
from laer.web.people.models import Person, User
from laer.web.runs import passes
from tests.standing import stands
from tests.web.sheets import listed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TODAY = date(2026, 7, 31)
YEAR, NEXT = ("2025-04-01", "2026-04-01"), ("2026-04-01", "2027-04-01")
NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir")


@pytest.fixture
def that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda *_, **__: TODAY)


@pytest.fixture
@stands
def book(tmp_path: Path, that_day: None) -> None:
    """Alder renews for more in time, Birch for less and late, Cedar cancels, Dogwood renews by itself, of Elm nobody knows, Fir's year runs."""
    folder = tmp_path / "files"
    folder.mkdir()
    accounts = [[f"A{i}", name, "Large" if i < 2 else "Small", "Maya" if i < 3 else "Tom"] for i, name in enumerate(NAMES)]
    listed(folder / "accounts.csv", accounts, ["account_id", "account_name", "segment", "owner"])
    contracts: list[list[Any]] = [
        ["K0", "A0", *YEAR, "", "", "", ""], ["K0b", "A0", *NEXT, "2026-03-20", "", "", "K0"], ["K1", "A1", *YEAR, "", "", "", ""],
        ["K1b", "A1", *NEXT, "2026-04-12", "", "", "K1"], ["K2", "A2", *YEAR, "", "", "2026-02-01", ""], ["K3", "A3", *YEAR, "", "TRUE", "", ""],
        ["K4", "A4", *YEAR, "", "", "", ""], ["K5", "A5", *NEXT, "", "", "", ""],
    ]  # fmt: skip
    header = ["contract_id", "account_id", "contract_start", "contract_end", "signed_on", "auto_renews", "cancelled_on", "renewed_contract_id"]
    listed(folder / "contracts.csv", contracts, header)
    lines = [["K0", "A0", *YEAR, 100], ["K0b", "A0", *NEXT, 150], ["K1", "A1", *YEAR, 200], ["K1b", "A1", *NEXT, 120], ["K2", "A2", *YEAR, 300]]
    lines += [["K3", "A3", *YEAR, 400], ["K4", "A4", *YEAR, 500], ["K5", "A5", *NEXT, 600]]
    rows = [[f"S{i}", account, contract, start, end, mrr] for i, (contract, account, start, end, mrr) in enumerate(lines)]
    listed(folder / "lines.csv", rows, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm", file_date=date(2025, 1, 1)))
    passes.start_pass()


def at(role: str = "lead", person: str | None = None) -> Client:
    user = User.objects.filter(role=role).first() or User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role)
    if person:
        Person.objects.filter(name=person).update(user=user)
    client = Client()
    client.force_login(user)
    return client


def cells(page: Any, row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(zip((head["title"] for head in page.context["heads"]), row["cells"], strict=True))


def quarter(page: Any, label: str = "Q1 2026") -> dict[str, dict[str, Any]]:
    (row,) = [r for r in page.context["rows"] if r["label"] == label]
    return cells(page, row)


def test_a_quarter_is_what_it_comes_to_by_hand(book: None) -> None:
    """Due 1,200 + 2,400 + 3,600 + 4,800 + 6,000 = 18,000, of which 12,000 is settled. Renewed 3 of 4; kept 1,200 + 1,440 + 4,800 = 7,440 of it, 62 %;
    renewed for 1,800 + 1,440 + 4,800 = 8,040, 67 %. In time Alder alone, of Alder, Birch and Cedar."""
    said = {title: cell["text"] for title, cell in quarter(at().get("/renewals/rates/")).items()}
    assert said == {
        "Due": "5", "Open": "1", "ARR due": "$18.0k", "Rate": "75.0%", "Gross": "62.0%", "Net": "67.0%", "Decided": "66.7%", "By itself": "33.3%",
        "On time": "33.3%", "Attached": "50.0%", "By value": "33.3%", "Missed": "–", "Surprise": "100.0%", "Effort": "–",
    }  # fmt: skip
    empty = quarter(at().get("/renewals/rates/"), "Q4 2025")
    assert (empty["Due"]["text"], empty["Rate"]["text"]) in (("0", "–"), ("–", "–"))


def test_every_figure_opens_to_the_renewals_that_make_it(book: None) -> None:
    client = at()
    page = client.get("/renewals/rates/")
    found = quarter(page)
    names = {title: {row["account"] for row in client.get(cell["url"]).context["rows"]} for title, cell in found.items() if cell["url"]}
    assert names["ARR due"] == {"Alder", "Birch", "Cedar", "Dogwood", "Elm"}
    assert names["Rate"] == names["Gross"] == {"Alder", "Birch", "Cedar", "Dogwood"}
    assert names["On time"] == {"Alder", "Birch", "Cedar"}
    for title, cell in found.items():
        if cell["url"]:
            behind = client.get(cell["url"])
            assert behind.context["figures"][0]["value"] == cell["text"], title
            rows = list(csv.DictReader(io.StringIO(client.get(behind.context["download_url"]).getvalue().decode())))
            adds, of = (sum(float(row[name] or 0) for row in rows) for name in ("adds", "of"))
            if cell["text"].endswith("%"):
                assert f"{adds / of:.1%}" == cell["text"], title
    for row in [*page.context["parts"], page.context["total"]]:
        for cell in row["cells"]:
            assert not cell["url"] or client.get(cell["url"]).status_code == 200


def test_by_segment_and_owner_the_parts_add_up(book: None) -> None:
    page = at().get("/renewals/rates/", {"by": "owner"})
    parts = {row["label"]: cells(page, row) for row in page.context["parts"]}
    assert {name: (c["Due"]["text"], c["Rate"]["text"]) for name, c in parts.items()} == {"Maya": ("3", "66.7%"), "Tom": ("2", "100.0%")}
    total = cells(page, page.context["total"])
    assert (total["Due"]["text"], total["ARR due"]["text"]) == ("5", "$18.0k")
    maya = at().get(parts["Maya"]["Rate"]["url"])
    assert {row["account"] for row in maya.context["rows"]} == {"Alder", "Birch", "Cedar"}


def test_the_file_has_a_row_for_each_period(book: None) -> None:
    text = at().get("/renewals/rates/", {"period": "month", "format": "csv"}).getvalue().decode()
    rows = {row["first_day"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == 13
    assert (rows["2026-03-01"]["arr_available_to_renew"], rows["2026-03-01"]["renewal_rate_gross"]) == ("18000.00", "0.62")
    assert rows["2026-04-01"]["renewal_rate"] == ""


def test_a_member_sees_the_renewals_of_their_own_book(book: None) -> None:
    client = at("member", "Tom")
    assert quarter(client.get("/renewals/rates/"))["ARR due"]["text"] == "$10.8k"
    behind = client.get("/renewals/behind/", {"measure": "renewals_due", "first": "2024-01", "last": "2026-07"})
    assert {row["account"] for row in behind.context["rows"]} == {"Dogwood", "Elm"}


@pytest.mark.parametrize("asked", [{}, {"measure": "mrr", "first": "2026-01", "last": "2026-03"}, {"measure": "renewal_rate", "first": "2026-13", "last": "x"},
    {"measure": "renewal_rate", "first": "2026-03", "last": "2026-01"}, {"measure": "renewal_rate", "first": "2027-01", "last": "2027-03"},
    {"measure": "renewal_rate", "first": "2026-01", "last": "2026-03", "by": "colour"}])  # fmt: skip
def test_an_address_that_says_nonsense_is_not_found(book: None, asked: dict[str, str]) -> None:
    assert at().get("/renewals/behind/", asked).status_code == 404


def test_without_a_run_or_a_contract_the_page_says_what_fills_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    client = at()
    assert b"Nothing has fallen due yet" in client.get("/renewals/rates/").content
    passes.start_pass()
    assert b"Nothing has fallen due yet" in client.get("/renewals/rates/").content


def test_the_pages_keep_their_query_budgets(book: None) -> None:
    import json

    budgets = json.loads((Path(__file__).parent / "query_budgets.json").read_text())
    client, found = at(), {}
    pages = {
        "renewals:rates": "/renewals/rates/", "renewals:behind": "/renewals/behind/?measure=renewal_rate&first=2026-01&last=2026-03",
        "renewals:forecast": "/renewals/forecast/", "renewals:adoption": "/renewals/adoption/", "motion_costs": "/costs/", "land:lookback": "/land/lookback/",
        "renewals:call": f"/renewals/{Contract.objects.get(account__name='Fir').pk}/call/",
    }  # fmt: skip
    for name, url in pages.items():
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        found[name] = len(asked)
    assert {name: budgets.get(name) for name in found} == found
