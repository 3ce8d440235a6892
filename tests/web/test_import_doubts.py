"""What a file leaves open is asked in the mapping step, kept with the mapping, and not asked again."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from laer.web.book import importing
from laer.web.book.answering import answer
from laer.web.book.models import ImportRun, QuarantinedRow, SavedMapping, SubscriptionLine
from laer.web.people.models import User
from laer.web.runs.jobs import work_once
from tests.web.files import write

pytestmark = pytest.mark.django_db(transaction=True)
LINES = (
    "customer,subscription_id,start_date,end_date,price,quantity\nAcme,S1,2024-01-05,2024-06-14,100,5\nAcme,S2,2024-06-15,2024-09-03,120,5\n"
    "Bolt,S3,2024-02-01,2024-07-19,90,3\nBolt,S4,2024-07-19,,95,3\nCoda,S5,2024-03-03,,40,9\n"
)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def upload(client: Client, name: str, content: bytes) -> ImportRun:
    answer = client.post("/data/import/", {"files": [SimpleUploadedFile(name, content)], "source": "crm", "as_of": "2024-10-31"})
    assert answer.status_code == 302, answer.context["errors"]
    return ImportRun.objects.latest("id")


def form_of(client: Client, run: ImportRun) -> dict[str, str]:
    """What the columns page would send, untouched."""
    form = {"remember": "true"}
    for file in client.get(f"/data/import/{run.pk}/map/").context["files"]:
        form[file["record_key"]] = file["record_type"]
        form |= {c["key"]: c["field"] for c in file["columns"]} | {q["key"]: q["value"] for q in file["questions"] if q["value"]}
    return form


def test_an_unclear_end_and_price_are_asked_with_their_evidence_and_kept(client: Client, lead: User) -> None:
    run = upload(client, "lines.csv", LINES.encode())
    page = client.get(f"/data/import/{run.pk}/map/")
    questions = {q["title"]: q for q in page.context["files"][0]["questions"]}
    assert list(questions) == ["What an end means", "What price is", "For how long price is"]
    ends = questions["What an end means"]
    assert (ends["open"], ends["value"]) == (True, "")
    assert "1 of 2 successors start on the day after the end, 1 on the end itself." in ends["evidence"]
    assert ends["options"][0]["detail"].startswith("1 one-day gap")
    assert b"For example Acme: 2024-01-05 to 2024-06-14" in page.content
    form = form_of(client, run)
    refused = client.post(f"/data/import/{run.pk}/map/", form)
    assert refused.status_code == 422
    assert "say what end_date means" in " ".join(refused.context["errors"])
    (file,) = run.files.all()
    form |= {f"f{file.pk}-end": "inclusive", f"f{file.pk}-amount-of": "unit", f"f{file.pk}-per": "annual"}
    assert client.post(f"/data/import/{run.pk}/map/", form)["Location"].endswith("/preview/")
    client.post(f"/data/import/{run.pk}/confirm/")
    while work_once():
        pass
    first = SubscriptionLine.objects.get(account__name="Acme", start_on="2024-01-05")
    assert (first.end_on, Fraction(first.mrr_num, first.mrr_den)) == (date(2024, 6, 15), Fraction(500, 12))  # 5 x 100 a year
    assert SavedMapping.objects.get().mapping["answers"] == {"end": "inclusive", "amount_of": "unit", "interval": "annual"}

    again = upload(client, "lines.csv", LINES.replace("S5", "S6").encode())
    page = client.get(f"/data/import/{again.pk}/map/")
    assert [q["open"] for q in page.context["files"][0]["questions"]] == [False, False, False]
    assert "as was said" in page.context["files"][0]["questions"][0]["verdict"]
    assert client.post(f"/data/import/{again.pk}/map/", form_of(client, again))["Location"].endswith("/preview/")


def test_what_the_evidence_decides_is_shown_and_can_be_said_otherwise(client: Client, lead: User) -> None:
    text = "customer,start_date,end_date,mrr\n" + "".join(f"A{i},2024-01-01,2024-12-31,10\nA{i},2025-01-01,,12\n" for i in range(5))
    run = upload(client, "lines.csv", text.encode())
    (ends,) = client.get(f"/data/import/{run.pk}/map/").context["files"][0]["questions"]
    assert (ends["verdict"], ends["value"], ends["open"]) == ("The end is the last paid day.", "inclusive", False)
    assert ends["evidence"][:2] == ("5 of 5 successors start on the day after the end, none on the end itself.", "5 of 5 ends are the last of a month, 0 the first.")
    assert client.post(f"/data/import/{run.pk}/map/", form_of(client, run)).status_code == 302
    assert run.files.get().mapping["answers"] == {}  # sent back as it was shown: nobody said anything
    assert client.post(f"/data/import/{run.pk}/map/", form_of(client, run) | {ends["key"]: "exclusive"}).status_code == 302
    assert (run.files.get().mapping["end"], run.files.get().mapping["answers"]) == ("exclusive", {"end": "exclusive"})


def test_an_amount_is_told_by_what_the_book_has_of_the_same_accounts(tmp_path: Path) -> None:
    known = "customer,start_date,mrr\n" + "".join(f"A{i},2024-01-01,{10 * i}\n" for i in range(1, 6))
    importing.run_import(importing.begin_import(write(tmp_path, lines=known), source="crm"))
    bills = "customer,start_date,amount\n" + "".join(f"A{i},2024-01-01,{120 * i}\n" for i in range(1, 6))
    run = importing.begin_import(write(tmp_path, bills=bills), source="crm")
    (file,) = run.files.all()
    assert file.mapping["fixed"] == {"interval": "annual"}
    assert "in 5 of 5 cases" in file.mapping["amount_evidence"]["sentences"][-1]


def test_an_amount_for_the_whole_term_is_spread_over_it_and_without_an_end_set_aside(tmp_path: Path) -> None:
    text = "customer,subscription_id,start_date,end_date,tcv\nA,S1,2024-01-01,2026-01-01,2400\nB,S2,2024-01-01,,2400\n"
    run = importing.begin_import(write(tmp_path, lines=text), source="crm")
    answer(run, {"interval": "term", "end": "exclusive"})
    run = importing.run_import(run)
    line = SubscriptionLine.objects.get()
    assert (line.mrr_num, line.mrr_den) == (100, 1)
    assert QuarantinedRow.objects.get().reason == "no end: the amount is for the whole term"


def test_a_sheet_of_customers_keeps_its_parts_when_the_order_of_its_dates_is_said(client: Client, lead: User, tmp_path: Path) -> None:
    path = tmp_path / "customers.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Customers")
        sheet.write_row(0, 0, ["Customer", "CSM", "ARR", "Renewal date", "Health"])
        for i in range(1, 9):
            sheet.write_row(i, 0, [f"Customer {i}", "Maya Okafor", 1200 * i, f"0{i}/04/2027", "Green"])
    run = upload(client, path.name, path.read_bytes())
    before = {file.record: file.mapping["columns"] for file in run.files.all()}
    assert {"accounts", "subscription_lines", "contracts"} <= before.keys()
    asked = [q for file in client.get(f"/data/import/{run.pk}/map/").context["files"] for q in file["questions"] if q["key"].endswith("-order")]
    assert len(asked) == 1
    assert client.post(f"/data/import/{run.pk}/map/", form_of(client, run)).status_code == 422
    assert client.post(f"/data/import/{run.pk}/map/", form_of(client, run) | {asked[0]["key"]: "dmy"}).status_code == 302
    after = {file.record: file.mapping for file in run.files.all()}
    assert {record: mapping["columns"] for record, mapping in after.items()} == before
    assert all(mapping["sheet"] for record, mapping in after.items() if record != "accounts")
    assert (after["contracts"]["date_order"], after["contracts"]["undecided"]) == ("dmy", [])
    rejects = [reject for file in run.files.all() for reject in file.preview["rejects"]]
    assert rejects == []


def test_dates_in_two_orders_in_one_column_are_asked_about_and_never_guessed(client: Client, lead: User) -> None:
    text = "ticket_id,account_id,subject,created_at\nT1,A1,Slow,25/04/2024\nT2,A2,Slow,04/26/2024\nT3,A2,Slow,05/06/2024\n"
    run = upload(client, "tickets.csv", text.encode())
    (question,) = client.get(f"/data/import/{run.pk}/map/").context["files"][0]["questions"]
    assert re.search(r"contradict one another: 1 value day first and 1 value month first", question["help"])
    assert (question["open"], client.post(f"/data/import/{run.pk}/map/", form_of(client, run)).status_code) == (True, 422)
