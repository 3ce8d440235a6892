"""Little files as people keep them, each with several things wrong at once, through the real import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from laer.web.book.importing import begin_import
from laer.web.book.models import Contract, Discount, ImportRun, QuarantinedRow, SubscriptionLine
from tests.web.lists import arr, take

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2025-06-30"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def taken(folder: Path, name: str, text: str) -> ImportRun:
    (folder / name).write_text(text, encoding="utf-8")
    return take(folder / name, DAY)


def currencies() -> dict[str, str | None]:
    return dict(SubscriptionLine.objects.values_list("account__name", "currency"))


def test_a_german_list_with_title_euro_signs_commas_and_a_total(tmp_path: Path) -> None:
    text = (
        "Kundenliste Stand 30.06.2025;;;;\n;;;;\nKunde;Betreuer;ARR;Verlängerung am;Status\nMüller & Söhne GmbH;Ana;€ 12.000,50;31.12.2025;aktiv\n"
        "Bäckerei Groß;Ana;1.200,00 €;30.06.2026;aktiv\nÖko AG;Bo;n/a;31.03.2026;gekündigt\nZeta KG;Bo;600;31.03.2026;aktiv\nSumme;;13.800,50 €;;\n"
    )
    taken(tmp_path, "liste.csv", text)
    assert [arr(DAY, name) for name in ("Müller & Söhne GmbH", "Bäckerei Groß", "Öko AG", "Zeta KG")] == [12_000.5, 1_200, 0, 600]
    assert currencies() == {"Müller & Söhne GmbH": "EUR", "Bäckerei Groß": "EUR", "Zeta KG": None}  # a bare number says none
    assert {str(day) for day in Contract.objects.values_list("end_on", flat=True)} == {"2026-01-01", "2026-07-01", "2026-04-01"}  # after the last paid day


def test_thousands_by_apostrophe_thin_space_and_space(tmp_path: Path) -> None:
    text = "Firma,MRR,Währung,Beginn,Ende\nAlpen AG,1'200.50,CHF,01.02.2024,31.01.2026\nSee GmbH,12’000,CHF,15.03.2024,\nBerg SA,2 400.00,CHF,01.01.2025,31.12.2025\nTal SARL,1\u2009500,CHF,01.01.2025,30.06.2025\n"
    taken(tmp_path, "firmen.csv", text)
    assert [arr(DAY, name) for name in ("Alpen AG", "See GmbH", "Berg SA", "Tal SARL")] == [14_406, 144_000, 28_800, 18_000]


def test_two_header_rows_without_a_merge_and_customers_called_name(tmp_path: Path) -> None:
    text = "Customer,,Revenue,,Dates,\nName,Segment,MRR,ARR,Start,End\nAcme,SMB,100,1200,2024-01-01,2024-12-31\nAcme,SMB,120,1440,2025-01-01,2025-12-31\nBeta,ENT,500,6000,2024-06-01,2025-05-31\n"
    taken(tmp_path, "two rows.csv", text)
    assert (arr("2024-07-01"), arr(DAY), QuarantinedRow.objects.count()) == (7_200, 1_440, 0)


def test_a_short_list_in_which_customers_stand_twice_loses_no_money_in_silence(tmp_path: Path) -> None:
    text = "Customer Name,Annual Recurring Revenue (EUR),CSM,Health\nAcme,12000,Ana,green\nAcme ,12000,Ana,green\nACME,3000,Bo,red\nBeta,6000,Ana,amber\nBeta,7000,Ana,amber\nTotal,40000,,\n"
    run = taken(tmp_path, "list.csv", text)
    assert {(row.line, row.kind) for row in QuarantinedRow.objects.all()} == {(3, "account stands twice"), (6, "account stands twice")}
    assert (arr(DAY), set(currencies().values())) == (21_000, {"EUR"})
    assert any("ACME and Acme" in note for note in run.notes)


def test_a_grid_with_dashes_euro_signs_negative_cells_and_sums(tmp_path: Path) -> None:
    text = "Customer;Jan 25;Feb 25;Mrz 25;Apr 25;Gesamt\nAcme;1.000,00;1.000,00;-;1.200,00;3.200,00\nBeta;500;-50;500;n/a;950\nCato;€ 75,50;€ 75,50;€ 75,50;€ 75,50;302\nSumme;1.575,50;1.025,50;575,50;1.275,50;\n"
    taken(tmp_path, "grid.csv", text)
    assert [arr(f"2025-0{m}-28", "Acme") for m in (1, 2, 3, 4)] == [12_000, 12_000, 0, 14_400]
    assert [arr(f"2025-0{m}-28", "Cato") for m in (1, 4)] == [906, 906]
    assert SubscriptionLine.objects.filter(account__name="Beta", mrr_num__lt=0).count() == 1  # a discount of that month, floored by the ledger


def test_credits_in_brackets_dollar_signs_and_a_column_called_billing(tmp_path: Path) -> None:
    text = "Account;Product;Amount;Billing;From;To\nAcme;Core;$1,200.00;annual;1-Jan-24;31-Dec-24\nAcme;Credit;($100.00);annual;1-Jan-24;31-Dec-24\nAcme;Core;$1,320.00;annual;1-Jan-25;31-Dec-25\nBeta;Core;USD 2,400;yearly;1-Jul-24;30-Jun-25\nBeta;Core;--;yearly;1-Jul-25;30-Jun-26\nGamma;Core;TBD;monthly;1-Jul-24;30-Jun-25\n"
    taken(tmp_path, "lines.csv", text)
    assert [arr(day) for day in ("2024-03-01", "2024-08-01", DAY)] == [1_100, 3_500, 3_720]
    assert {row.line for row in QuarantinedRow.objects.all()} == {6, 7}


def test_a_grid_newest_first_with_spread_sheet_errors(tmp_path: Path) -> None:
    text = "Customer,Jun-25,May-25,Apr-25,Mar-25\nAcme,100,100,,\nBeta,,,50,50\nCato,#N/A,30,30,30\nDora,#REF!,10,10,10\n"
    taken(tmp_path, "grid.csv", text)
    assert [arr(day) for day in ("2025-03-15", "2025-05-15", DAY)] == [1_080, 1_680, 1_200]
    assert QuarantinedRow.objects.count() == 2


def test_thousands_of_euros_in_the_header_and_dates_that_are_none(tmp_path: Path) -> None:
    text = 'Client,ARR (k€),Renewal,Churned?,Notes\nAcme,12.5,Q1 2026,No,"big, happy"\nBeta,7,2026-03-31,no,\nCato,0,31/12/2025,Yes,left\nDora,,,No,prospect\n'
    taken(tmp_path, "clients.csv", text)
    assert (arr(DAY), set(currencies().values())) == (19_500, {"EUR"})


def test_dates_in_two_orders_are_set_aside_and_never_guessed(tmp_path: Path) -> None:
    text = "Customer,ARR,Start Date,End Date\nAcme,12000,13/01/2024,12/01/2025\nBeta,6000,2024-03-01,2025-02-28\nCato,3000,01/15/2024,01/14/2025\nDora,900,Mar 3 2024,2 March 2025\n"
    taken(tmp_path, "lines.csv", text)
    assert {row.line for row in QuarantinedRow.objects.all()} == {2}
    assert {str(line.start_on) for line in SubscriptionLine.objects.all()} == {"2024-03-01", "2024-01-15", "2024-03-03"}


def test_a_list_of_months_with_two_months_is_no_list_of_discounts(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("Customer,Month,Amount\nAcme,2025-01,100\nAcme,2025-02,100\nBeta,2025-01,7\nBeta,2025-02,7\n")
    run = begin_import([("list.csv", tmp_path / "list.csv")], source="crm")
    assert run.files.get().record != "discounts"
    assert not Discount.objects.exists()


def test_monthly_fees_with_commas_and_contracts_that_renew_by_themselves(tmp_path: Path) -> None:
    text = "sep=;\nCompany;Monthly fee;Contract start;Contract end;Auto-renewal\nAcme;99,90;01.01.24;31.12.24;ja\nBeta;149,00;15.02.24;14.02.25;nein\nCato;1.049,00;01.04.24;31.03.25;Ja\n"
    taken(tmp_path, "abos.csv", text)
    assert [str(arr(DAY, name)) for name in ("Acme", "Cato")] == ["1198.8", "12588"]
    assert Contract.objects.filter(auto_renews=True).count() == 2


def test_amounts_below_a_group_or_with_its_name_are_amounts(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("Customer,CSM,Revenue ARR\nOne,Al,1200\nTwo,Bo,2400\nThree,Bo,3600\n")
    take(tmp_path / "flat.csv", DAY)
    assert arr(DAY) == 7_200
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "merged.xlsx") as book:
        sheet = book.add_worksheet("Customers")
        sheet.merge_range("A1:B1", "Who")
        sheet.merge_range("C1:D1", "Finance")
        sheet.write_row("A2", ["ID", "Name", "ARR", "Start"])
        for i in range(4):
            sheet.write_row(2 + i, 0, [f"M{i}", f"Merged {i}", 1200 * (i + 1), 45292])
    take(tmp_path / "merged.xlsx", DAY, source="merged")
    assert arr(DAY) == 7_200 + 12_000
