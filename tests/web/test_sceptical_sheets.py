"""Sheets as a sceptical finance person sends them: does the ARR tie to the cent, is nothing lost, is what was decided said, is what is unclear asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.read import open_tables
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, Contract, ImportRun, QuarantinedRow, SubscriptionLine
from laer.web.people.models import User
from tests.web.lists import arr, take

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2026-06-30"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def taken(folder: Path, name: str, text: str, encoding: str = "utf-8") -> ImportRun:
    (folder / name).write_bytes(text.encode(encoding))
    return take(folder / name, DAY)


def sheet(path: Path, rows: list[list[Any]], name: str = "Sheet1") -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as made:
        page = made.add_worksheet(name)
        for place, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, datetime):
                    page.write_datetime(place, column, value)
                elif isinstance(value, str) and value.startswith("#"):
                    page.write_formula(place, column, "=NA()", None, value)  # a stored error, as a failed look-up leaves it
                elif value is not None:
                    page.write(place, column, value)
    return path


def notes(run: ImportRun) -> str:
    return " ".join(note for file in run.files.all() for note in file.mapping.get("notes", []))


def ends() -> dict[str, str]:
    return {account: str(end) for account, end in Contract.objects.values_list("account__name", "end_on")}


def spans() -> list[tuple[str, str]]:
    return [(str(start), str(end)) for start, end in SubscriptionLine.objects.order_by("account__name", "start_on").values_list("start_on", "end_on")]


def aside() -> set[tuple[int, str]]:
    return {(row.line, str(row.reason)) for row in QuarantinedRow.objects.all()}


# -- months without a day ---------------------------------------------------------------------------------------------


def test_a_renewal_in_a_month_is_due_after_its_last_day_where_the_days_beside_say_so(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", "Customer,ARR,Renewal\nAcme,12000,March 2027\nBeta,6000,Mar-27\nCato,3000,2027-03\nDora,900,2027-06-30\nEve,100,06/2027\n")
    assert ends() == {"Acme": "2027-04-01", "Beta": "2027-04-01", "Cato": "2027-04-01", "Dora": "2027-07-01", "Eve": "2027-07-01"}
    assert (arr(DAY), aside()) == (22_000, set())
    assert "are read as the last day" in notes(run)


def test_months_as_start_and_last_month_of_a_term_make_whole_years(tmp_path: Path) -> None:
    taken(tmp_path, "zeilen.csv", "Customer;MRR;Beginn;Ende\nAcme;100;Jan 2024;Dez 2024\nAcme;120;Jan 2025;Dez 2025\nBeta;50;Mär 2024;Feb 2025\n")
    assert spans() == [("2024-01-01", "2025-01-01"), ("2025-01-01", "2026-01-01"), ("2024-03-01", "2025-03-01")]


def test_months_in_which_the_next_term_begins_are_their_first_day(tmp_path: Path) -> None:
    taken(tmp_path, "lines.csv", "Customer,ARR,Start,End\nAcme,1200,01/2024,01/2025\nAcme,1440,01/2025,01/2026\nBeta,600,03/2024,03/2025\n")
    assert spans() == [("2024-01-01", "2025-01-01"), ("2025-01-01", "2026-01-01"), ("2024-03-01", "2025-03-01")]


def test_a_renewal_in_a_quarter_is_due_after_its_last_day(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,ARR,Renewal\nAcme,1200,Q1 2027\nBeta,600,Q2 2027\nCato,300,2027 Q3\n")
    assert ends() == {"Acme": "2027-04-01", "Beta": "2027-07-01", "Cato": "2027-10-01"}


def test_days_of_a_year_that_nobody_names_are_no_months(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,ARR,Renewal\nAcme,1200,Mar-15\nBeta,1440,Apr-30\nCato,600,Jun-01\nDora,720,Dec-31\n")
    assert (ends(), arr(DAY)) == ({}, 3_960)
    assert {line for line, _ in aside()} == {2, 3, 4, 5}


def test_the_columns_page_asks_which_day_of_the_month_and_takes_the_other_answer(client: Client, tmp_path: Path) -> None:
    client.force_login(User.objects.create_user("ops@laer.example", "long enough to pass", role="admin"))
    path = tmp_path / "list.csv"
    path.write_text("Customer,ARR,Contract end\nAcme,12000,March 2027\nBeta,6000,June 2027\n")
    run = begin_import([("list.csv", path)], source="crm", file_date=date(2026, 6, 30))
    page = client.get(f"/data/import/{run.pk}/map/").content.decode()
    assert "Months without a day" in page
    assert "Nothing else says which day is meant: an end is mostly the last day." in page
    contract = run.files.get(record="contracts")
    key = f"f{contract.pk}-months-2"
    assert f'name="{key}"' in page
    answer = client.post(f"/data/import/{run.pk}/map/", {key: "first", "remember": "true"})
    assert answer.status_code == 302
    run_import(ImportRun.objects.get(pk=run.pk))
    assert ends() == {"Acme": "2027-03-01", "Beta": "2027-06-01"}


# -- contracts with a term --------------------------------------------------------------------------------------------


def test_a_total_value_with_a_start_and_a_term_ends_after_the_term_and_counts_its_share(tmp_path: Path) -> None:
    run = taken(tmp_path, "deals.csv", "Account,TCV,Start Date,Term (months)\nAcme,36000,2025-01-01,36\nBeta,12000,2025-08-01,12\nCato,5000.50,2026-02-15,6\n")
    assert ends() == {"Acme": "2028-01-01", "Beta": "2026-08-01", "Cato": "2026-08-15"}
    assert arr(DAY) == 34_001  # 12,000 + 12,000 + 5,000.50 x 2
    assert "No column says when a contract ends: End date was added, Start Date and Term (months) after it." in notes(run)


def test_terms_in_words_are_read_and_one_without_a_term_is_set_aside(tmp_path: Path) -> None:
    text = (
        "Opportunity Name,Account Name,Total Contract Value (USD),Contract Start,Contract Term\nAcme - Renewal,Acme,\"$36,000.00\",01/01/2025,36 months\n"
        "Beta - New,Beta,\"$12,000.00\",08/01/2025,1 year\nCato - New,Cato,\"$5,000.50\",02/15/2026,6 months\nDora - New,Dora,$500.00,02/15/2026,\n"
    )  # fmt: skip
    taken(tmp_path, "won.csv", text)
    assert (arr(DAY), aside()) == (34_001, {(5, "no end: the amount is for the whole term")})


def test_contract_start_and_contract_end_are_a_contract_and_its_line(tmp_path: Path) -> None:
    text = "Customer,Annual Contract Value,Contract Start Date,Contract End Date\nAcme,12000,2025-01-01,2025-12-31\nAcme,13200,2026-01-01,2026-12-31\nBeta,6000,2025-04-01,2027-03-31\n"
    taken(tmp_path, "acv.csv", text)
    assert (arr(DAY), Contract.objects.count(), arr("2025-06-30")) == (19_200, 3, 18_000)


def test_a_price_per_seat_counts_times_the_seats(tmp_path: Path) -> None:
    taken(tmp_path, "seats.txt", "Customer|Seats|Price per seat (monthly)|Start|Term end\nAcme|10|12.50|2026-01-01|2026-12-31\nBeta|5|15|2026-02-01|2027-01-31\n")
    assert (arr(DAY), ends()) == (2_400, {"Acme": "2027-01-01", "Beta": "2027-02-01"})


def test_a_plain_list_with_a_start_and_a_renewal_date_has_renewals(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,ARR,Start Date,Renewal Date\nAcme,12000,2025-01-01,2027-01-01\nBeta,9000,2025-02-01,2027-02-01\n")
    assert (arr(DAY), ends(), spans()) == (21_000, {"Acme": "2027-01-01", "Beta": "2027-02-01"}, [("2025-01-01", "None"), ("2025-02-01", "None")])


# -- where the table stands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_header_is_found_wherever_a_sort_put_it(tmp_path: Path, place: int) -> None:
    rows = ["Acme,1200,Ana,2027-01-01", "Beta,2400,Bo,2027-02-01", "Eve,300,Al,2027-03-01", "Finn,400,Bo,2027-04-01"]
    run = taken(tmp_path, "sorted.csv", "\n".join([*rows[:place], "Customer,ARR,CSM,Renewal date", *rows[place:]]))
    assert (arr(DAY), Account.objects.count(), len(ends()), aside()) == (4_300, 4, 4, set())
    assert ("is the header: it stands below rows that it names" in notes(run)) == (place > 0)


def test_rows_without_any_header_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("Acme,1200,Ana\nBeta,2400,Bo\nEve,300,Al\n")
    run = begin_import([("bare.csv", tmp_path / "bare.csv")], source="crm")
    assert run.files.get().record == ""


@pytest.mark.parametrize(
    "rows",
    [
        ["EMEA,,", "Acme,Ana,1200", "Beta,Bo,2400", "APAC,,", "Cato,Ana,700"],
        ["Team Blue,,", "Acme,Ana,1200", "Beta,Bo,2400", "", "Team Red,,", "Cato,Ana,700"],
        ["Alder,,", "Acme,Ana,1200", "Beta,Bo,2400", "Birch,,", "Cato,Ana,700", "Dora,Bo,0", "Cedar,,", "Eve,Al,0", "Finn,Al,0", "Total,,4300"],
    ],
)
def test_headings_above_groups_without_subtotals_are_no_customers(tmp_path: Path, rows: list[str]) -> None:
    run = taken(tmp_path, "groups.csv", "\n".join(["Customer,CSM,ARR", *rows]))
    named = {"Acme", "Beta", "Cato"} | ({"Dora", "Eve", "Finn"} if len(rows) > 8 else set())
    assert (set(Account.objects.values_list("name", flat=True)), arr(DAY)) == (named, 4_300)
    assert "stand above groups and are no records" in notes(run)


def test_customers_without_an_amount_are_no_headings(tmp_path: Path) -> None:
    taken(tmp_path, "prospects.csv", "Customer,CSM,ARR\nZenith Ltd,,\nAcme,Ana,1200\nBeta,Bo,2400\nYellow Inc,,\nCato,Ana,700\n")
    assert (Account.objects.count(), arr(DAY)) == (5, 4_300)


def test_a_second_table_below_the_first_is_not_counted_and_is_named(tmp_path: Path) -> None:
    text = "Customer,ARR\nAcme,1200\nBeta,600\nTotal,1800\n,\nProspects,\nCustomer,Potential ARR\nCato,5000\nDora,700\n"
    run = taken(tmp_path, "two.csv", text)
    assert (arr(DAY), set(Account.objects.values_list("name", flat=True))) == (1_800, {"Acme", "Beta"})
    assert "another table below this one ('Customer, Potential ARR') and not read" in notes(run)


def test_a_total_above_its_rows_is_no_customer(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", "Customer,ARR,CSM\nTotal,3600,\nAcme,1200,Ana\nBeta,2400,Bo\n")
    assert (arr(DAY), Account.objects.count()) == (3_600, 2)
    assert "Row 2 above the others is a total (ARR 3,600) and no record; the rows add up to it." in notes(run)


def test_a_customer_called_total_in_the_first_row_stays_one(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,ARR,CSM\nTotal,5000,Ana\nAcme,1200,Ana\nBeta,2400,Bo\n")
    assert (arr(DAY), Account.objects.count()) == (8_600, 3)


def test_a_total_above_a_grid_is_no_customer(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Customer", "Plan", "Jan-26", "Feb-26", "Mar-26"], ["Total", None, 160, 162, 122], ["Acme", "Pro", 100, 100, 110]]
    take(sheet(tmp_path / "grid.xlsx", [*rows, ["Beta", "Pro", 50, 50, None], ["Cato", "Basic", 10, 12, 12]], "MRR"), DAY)
    assert [arr(day) for day in ("2026-01-15", "2026-02-15", DAY)] == [12 * 160, 12 * 162, 12 * 122]


def test_the_groups_of_a_pivot_are_not_counted_twice(tmp_path: Path) -> None:
    run = taken(tmp_path, "report.csv", "Row Labels,Sum of ARR,CSM note\nAna,3600,\nAcme,1200,\nBeta,2400,\nBo,600,\nCato,600,\nGrand Total,4200,\n")
    assert (arr(DAY), set(Account.objects.values_list("name", flat=True))) == (4_200, {"Acme", "Beta", "Cato"})
    assert "are the sums of the rows below them, as in a pivot table" in notes(run)


# -- what amounts are -------------------------------------------------------------------------------------------------


def test_an_error_of_the_spread_sheet_is_an_amount_that_nobody_knows(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Account Name", "Region", "ARR", "Renewal"], ["Acme", "EMEA", 1000.10, datetime(2027, 1, 31)], ["Beta", "EMEA", 2000.20, datetime(2027, 3, 31)]]
    rows += [["Cato", "APAC", "#N/A", datetime(2027, 5, 31)], ["Dora", "APAC", 500, "#REF!"]]
    run = take(sheet(tmp_path / "errors.xlsx", rows), DAY)
    assert aside() == {(4, "unreadable number in ARR: '#N/A'"), (5, "unreadable date in Renewal: '#REF!'")}
    assert (float(arr(DAY)), Account.objects.count(), len(ends())) == (3_500.3, 4, 3)
    assert "2 cells hold errors of the spread-sheet" in notes(run)


def test_a_title_that_says_thousands_holds_for_the_amounts_of_a_list(tmp_path: Path) -> None:
    run = taken(tmp_path, "liste.csv", "ARR nach Kunden;;\nAngaben in TEUR;;\n;;\nKunde;ARR;CSM\nAcme;12,5;Ana\nBeta;7;Bo\nSumme;19,5;\n")
    assert (arr(DAY), set(SubscriptionLine.objects.values_list("currency", flat=True))) == (19_500, {"EUR"})
    assert "The title says that amounts are in EUR thousands: ARR is read so." in notes(run)


def test_a_title_that_says_thousands_holds_for_the_months_of_a_grid(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Recurring revenue roll-forward"], ["in EUR thousands"], [None], ["Customer Name", *(datetime(2026, m, 28) for m in (1, 2, 3))]]
    rows += [["Acme", 1.2, 1.2, 1.5], ["Beta", 0.6, None, 0.6], ["Credit Acme", -0.1, -0.1, -0.1], ["Total", 1.7, 1.1, 2.0]]
    take(sheet(tmp_path / "grid.xlsx", rows, "ARR"), DAY)
    assert [float(arr(day)) for day in ("2026-01-15", "2026-02-15", "2026-03-15")] == [1_700, 1_100, 2_000]
    assert set(SubscriptionLine.objects.values_list("currency", flat=True)) == {"EUR"}


def test_a_title_without_a_unit_changes_nothing(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customers in EMEA,,\nCreated in 2026,,\n,,\nCustomer,ARR,CSM\nAcme,12.5,Ana\nBeta,7,Bo\n")
    assert float(arr(DAY)) == 19.5


def test_money_that_is_kept_as_a_field_is_named(tmp_path: Path) -> None:
    run = taken(tmp_path, "spend.csv", "Customer,Yearly spend with us,CSM\nAcme,12000 €,Ana\nBeta,9000 €,Bo\n")
    assert (arr(DAY), Account.objects.count()) == (0, 2)
    assert "Yearly spend with us: amounts that are kept as fields, and no revenue comes of it." in notes(run)


def test_an_arr_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    run = taken(tmp_path, "words.csv", "Customer,ARR,Start date\nAcme,1200 EUR/year,2025-01-01\nBeta,600 EUR / Jahr,2025-02-01\n")
    assert "ARR: amounts that are kept as fields, and no revenue comes of it." in notes(run)


def test_a_table_of_a_billing_system_in_german_ties(tmp_path: Path) -> None:
    text = (
        "Kundennr;Kunde;Betrag;Währung;Intervall;Gültig ab;Gültig bis\n0001;Acme;1.200,00;EUR;jährlich;01.01.2025;31.12.9999\n"
        "0002;Beta;100,00;EUR;monatlich;01.01.2025;31.12.9999\n0003;Cato;300,00;EUR;vierteljährlich;01.04.2025;31.03.2026\n"
    )
    taken(tmp_path, "sap.csv", text, "cp1252")
    assert [arr(day) for day in ("2025-06-30", DAY)] == [3_600, 2_400]
    assert spans() == [("2025-01-01", "None"), ("2025-01-01", "None"), ("2025-04-01", "2026-04-01")]


def test_months_of_a_fiscal_year_want_its_first_month(tmp_path: Path) -> None:
    path = sheet(tmp_path / "fy.xlsx", [["Customer", "FY26-M01", "FY26-M02", "FY26-M03", "FY26 Q1"], ["Acme", 100, 100, 120, 320], ["Beta", None, 50, 50, 100]], "MRR")
    with pytest.raises(UnreadableFile, match="months of a fiscal year"):
        list(open_tables(path))
    (table,) = open_tables(path, fiscal=4)
    assert [cells for _, cells in table.rows()] == [
        ["Acme", "2025-04-01", "2025-06-01", "100"], ["Acme", "2025-06-01", "", "120"], ["Beta", "2025-05-01", "", "50"],
    ]  # fmt: skip


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Cliente;Canone annuo;Data inizio;Data fine;Valuta\nRossi Srl;1.200,00;01/01/2026;31/12/2026;EUR\nBianchi;600,00;13/03/2026;12/03/2027;EUR\n", "cp1252"),
        ("Cliente;Valor mensal;Início;Fim\nSilva;100,00;01/01/2026;31/12/2026\nCosta;50,00;13/03/2026;12/03/2027\n", "utf-16"),
        ("Kundennr.;Kunde;Jahresumsatz (wiederkehrend);Verlängerungsdatum\n0012;Müller;1\xa0200,00 €;31.12.2026\n0013;Öl AG;900,00 €;31.03.2027\n0014;Öl AG Rabatt;-300,00 €;30.06.2027\n", "cp1252"),
    ],
)
def test_lists_in_other_languages_tie(tmp_path: Path, text: str, encoding: str) -> None:
    taken(tmp_path, "lista.csv", text, encoding)
    assert (arr(DAY), aside()) == (1_800, set())


def test_the_book_of_a_csm_with_logos_colours_and_a_nameless_total(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Logo", "Owner", "$ ARR", "Renews", "RAG", "Exec sponsor", "Sponsor e-mail", "Comments"]]
    rows += [["Acme, Inc.", "Ana", "1,200.00", datetime(2027, 1, 1), "G", "Kim Doe", "kim@acme.example", "fine"], ["Beta LLC", "Bo", "$2.4k", "Feb 2027", "A", "Lee", "lee@beta.example", None]]
    rows += [["Cato", "Ana", "TBC", datetime(2027, 3, 1), "R", None, None, "price"], [None, None, 3600]]
    take(sheet(tmp_path / "book.xlsx", rows, "Book of business"), DAY)
    assert (arr(DAY), Account.objects.count(), len(ends())) == (3_600, 3, 3)
    assert aside() == {(4, "unreadable number in $ ARR: 'TBC'")}
