"""More sheets as firms really keep them, several things wrong in each: the sum is known beforehand, to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import xlsxwriter

from laer.web.book.models import Account, Contact, Contract, ImportRun, Note, Pulse, QuarantinedRow
from laer.web.people.models import Person
from tests.web.lists import arr, take

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2026-05-31"
FIRMS = [f"Firm {i:02d}" for i in range(1, 11)]


class Expected(NamedTuple):
    """accounts of the book, ARR by day to the cent, rows set aside by the beginning of their reason, other things that it holds"""

    accounts: int
    arr: dict[str, float]
    aside: dict[str, int] = {}  # noqa: RUF012
    holds: dict[str, int] = {}  # noqa: RUF012


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def text(path: Path, said: str, encoding: str = "utf-8") -> Path:
    path.write_text(said, encoding=encoding)
    return path


def book(path: Path, sheets: dict[str, list[list[Any]]], merged: list[tuple[int, int, int, int, str]] | None = None) -> Path:
    """A workbook; `merged` ranges are of its first sheet."""
    with xlsxwriter.Workbook(path) as made:
        day = made.add_format({"num_format": "dd/mm/yyyy"})
        for number, (name, rows) in enumerate(sheets.items()):
            sheet = made.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(place, column, datetime(value.year, value.month, value.day), day)
                    elif value is not None:
                        sheet.write(place, column, value)
            for one in merged or [] if number == 0 else []:
                sheet.merge_range(*one)
    return path


def german_crm(folder: Path) -> Path:
    """One row feeds account, contact, contract, line, owner, pulse and note; cp1252, decimal commas, a title, a total."""
    rows = [
        f"{f};K-{i:04d};Änne Groß;{i}.250,75;EUR;01.0{1 + i % 9}.2024;31.12.2026;Jörg Müller {i};jm{i}@firma{i:02d}.example;{'grün' if i % 3 else 'rot'};Rückruf"
        for i, f in enumerate(FIRMS[:9], 1)
    ]
    head = "Kundenname;Kundennummer;Betreuer;Jahresumsatz;Währung;Vertragsbeginn;Vertragsende;Ansprechpartner;E-Mail Ansprechpartner;Ampel;Bemerkung"
    titles = ["Kundenliste Vertrieb - Stand 31.05.2026;;;;;;;;;;", ";;;;;;;;;;"]
    total = "Summe;;;47.256,75;;;;;;;"  # 45,000 + 9 x 250.75
    return text(folder / "Kundenliste.csv", "\r\n".join([*titles, head, *rows, total]), "cp1252")


def french_grid(folder: Path) -> Path:
    months = [f"{m} 2024" for m in "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.".split()]
    rows = [[f, *([f"{i}\u202f{100 + i},50 €"] * 12)] for i, f in enumerate(FIRMS[:4], 1)]
    rows[1][5:7] = ["", ""]  # May and June: gone and back
    total = ["Total général", *["" for _ in months]]
    lines = [["Revenus mensuels récurrents par client", *[""] * 12], ["Client", *months], *rows, total]
    return text(folder / "mrr_mensuel.csv", "\n".join(";".join(line) for line in lines))


def quarterly_totals(folder: Path) -> Path:
    head: list[Any] = ["Customer", "Region"]
    for q in range(4):
        head += [date(2025, 3 * q + m, 1) for m in (1, 2, 3)] + [f"Q{q + 1} 2025"]
    head.append("FY25")
    body: list[list[Any]] = []
    for i, f in enumerate(FIRMS[:5], 1):
        row: list[Any] = [f, "EMEA" if i < 3 else "AMER"]
        for q in range(4):
            row += [100.1 * i + q] * 3 + [3 * (100.1 * i + q)]
        row.append(sum(x for x in row[2:] if not isinstance(x, str)) / 2)
        body.append(row)
    subtotal = ["EMEA total", None, *[sum(r[c] for r in body[:2]) for c in range(2, 19)]]
    total = ["Total", None, *[sum(r[c] for r in body) for c in range(2, 19)]]
    return book(folder / "finance.xlsx", {"MRR": [["Finance: MRR bridge 2025"], [None], head, *body[:2], subtotal, *body[2:], total]})


def three_header_rows(folder: Path) -> Path:
    rows: list[list[Any]] = [
        ["Customer", None, "Contract", None, "Recurring revenue", None],
        [None, None, None, None, None, None],
        ["Name", "Owner", "Start", "End", "MRR", "ARR"],
        ["(as in CRM)", None, "date", "date", "EUR", "EUR"],
        *[[f, "Ana Ruiz", date(2025, 1, 1), date(2026, 12, 31), 100.25 * i, 1203 * i] for i, f in enumerate(FIRMS, 1)],
        ["Total", None, None, None, 100.25 * 55, 1203 * 55],
    ]
    return book(folder / "contracts.xlsx", {"Export": rows}, [(0, 0, 1, 1, "Customer"), (0, 2, 1, 3, "Contract"), (0, 4, 1, 5, "Recurring revenue")])


def lost_ids(folder: Path) -> Path:
    rows = [f"{'1.2E+15' if i % 2 else '1.3E+15'},{f},Ana Ruiz,{i * 1000}" for i, f in enumerate(FIRMS, 1)]
    return text(folder / "export.csv", "\n".join(["Account ID,Account Name,Account Owner,ARR", *rows]))


def mrr_beside_arr(folder: Path) -> Path:
    rows = [[f, i * 100, i * 1200, i * 3600] for i, f in enumerate(FIRMS, 1)]
    rows[3][2] = 4900  # 400 a month beside 4,900 a year
    return book(folder / "list.xlsx", {"Sheet1": [["Customer", "MRR", "ARR", "TCV (3 years)"], *rows, ["Grand total", 5500, 66100, 198000]]})


def renewal_words(folder: Path) -> Path:
    said = ["31/03/2027", "March 2027", "15 June 2027", "Rolling", "TBC", "30/06/2027", "", "n/a", "1st July 2027", "31-Dec-26"]
    rows = [f'"{f}",Ana Ruiz,"£{i},000.00","{d}"' for (i, f), d in zip(enumerate(FIRMS, 1), said, strict=True)]
    return text(folder / "renewals.csv", "\n".join(["Customer,CSM,ARR,Renewal date", *rows]))


def two_orders(folder: Path) -> Path:
    """Starts are written by day and month, ends by month and day."""
    rows = [f"{f},2{i % 9}/0{1 + i % 9}/2025,0{1 + i % 9}/2{i % 9}/2027,{i * 1200}" for i, f in enumerate(FIRMS, 1)]
    return text(folder / "terms.csv", "\n".join(["Customer,Start date,End date,ARR", *rows]))


def currency_in_header(folder: Path) -> Path:
    return text(folder / "arr.csv", "\n".join(["Account;CSM;ARR in TEUR;Renewal", *[f"{f};Bo;{i},25;2027-0{1 + i % 9}-01" for i, f in enumerate(FIRMS, 1)], "Gesamt;;57,50;"]))


def brackets(folder: Path) -> Path:
    rows = [f"{f}\tCHF {i}’234.50\t31.12.2026" for i, f in enumerate(FIRMS, 1)]
    credit = "Credit Firm 01\t(CHF 1’200.00)\t31.12.2026"
    return text(folder / "schweiz.tsv", "\n".join(["Firma\tJahresgebühr\tVerlängerung", *rows, credit, f"Total\tCHF {55000 + 2345 - 1200:,}.00\t".replace(",", "’")]))


def total_in_the_middle(folder: Path) -> Path:
    rows: list[list[Any]] = [["Customers by region, May 2026"], ["Customer", "Owner", "ARR", "Health"]]
    for region, part in (("EMEA", FIRMS[:4]), ("Americas", FIRMS[4:7]), ("APAC", FIRMS[7:])):
        rows.append([region])
        rows += [[f, "Ana Ruiz", 1000.10 * (FIRMS.index(f) + 1), "Green"] for f in part]
        rows += [[f"Total {region}", None, sum(1000.10 * (FIRMS.index(f) + 1) for f in part)], [None]]
    return book(folder / "regions.xlsx", {"All": [*rows, ["TOTAL", None, 55005.5]]})


def churned_sheet(folder: Path) -> Path:
    active = [["Customer", "ARR", "CSM"], *[[f, 1200 * i, "Ana Ruiz"] for i, f in enumerate(FIRMS[:6], 1)], ["Total", 25200, None]]
    head = [["Churned customers"], ["Customer", "Lost ARR", "Churn date", "Reason"]]
    gone = [*head, *[[f, 600 * i, date(2026, i, 1), "Price"] for i, f in enumerate(FIRMS[6:], 1)], ["Total", 6000]]
    return book(folder / "customers.xlsx", {"Active": active, "Churned": gone})


def sap(folder: Path) -> Path:
    """Bars between cells, a minus behind the amount, leading zeros, a ruler below the header."""
    rows = [f"|{i:010d}|{f} |{i}.000,00 |EUR|01.01.2025|31.12.2026|" for i, f in enumerate(FIRMS, 1)]
    head = "|Debitor   |Name 1  |Jahreswert|Währg|Gültig ab |Gültig bis|"
    return text(folder / "sap.txt", "\n".join(["-" * 60, head, "-" * 60, *rows, "|0000000011|Firma X |1.000,00-|EUR|01.01.2025|31.12.2026|", "-" * 60]))


def letters(folder: Path) -> Path:
    said = ["$12k", "$1.2M", "$ 4.5K", "950", "$2,400", "12 000", "USD 1,000.50", "$0", "$3.25k", "n/a"]
    return text(folder / "pipeline.csv", "\n".join(["Company,Account manager,ARR", *[f'{f},Bo,"{s}"' for f, s in zip(FIRMS, said, strict=True)]]))


def header_again(folder: Path) -> Path:
    """Two tables one below the other with columns in the same order, a page number between them."""
    head = ["Account name", "Start", "MRR", "Status"]
    rows = [[f, date(2025, 1, i), 100 * i, "Active"] for i, f in enumerate(FIRMS, 1)]
    return book(folder / "pages.xlsx", {"Report": [["Page 1 of 2"], head, *rows[:5], ["Page 2 of 2"], head, *rows[5:], ["End of report"]]})


def beside(folder: Path) -> Path:
    """What the sheet is about stands above it in pairs; a note stands right of it, after an empty column."""
    rows: list[list[Any]] = [["As of", date(2026, 5, 31)], ["Currency", "EUR"], ["Prepared by", "Finance"], [None]]
    rows += [["Customer", "Tier", "ARR", None, "Comments"], *[[f, "A", 990.9 * i, None, "check with Ana" if i == 2 else None] for i, f in enumerate(FIRMS, 1)]]
    return book(folder / "snapshot.xlsx", {"Snapshot": [*rows, [None], ["Sum of ARR", None, 990.9 * 55]]})


SHEETS: dict[str, tuple[Callable[[Path], Path], Expected]] = {
    "a German list that feeds seven records": (
        german_crm, Expected(9, {DAY: 47_256.75}, {}, {"contacts": 9, "contracts": 9, "pulses": 9, "people": 1}),
    ),
    "a French grid": (french_grid, Expected(4, {"2024-04-30": 12 * 10_412.0, "2024-05-31": 12 * (10_412.0 - 2_102.5), "2024-12-31": 12 * 10_412.0})),
    "totals of quarters": (quarterly_totals, Expected(5, {"2025-01-31": 12 * 1_501.5, "2025-12-31": 12 * 1_516.5})),
    "a header of three rows": (three_header_rows, Expected(10, {DAY: 66_165.0})),
    "ids turned to powers": (lost_ids, Expected(10, {DAY: 55_000.0})),
    "MRR beside ARR beside TCV": (mrr_beside_arr, Expected(10, {DAY: 66_000.0})),
    "renewal dates as words": (  # a month is read by its last day, as most days beside it are; of TBC the customer and the amount are in, the contract is not
        renewal_words, Expected(10, {DAY: 55_000.0}, {"unreadable date in Renewal date": 1}, {"contracts": 6}),
    ),
    "two columns of dates in two orders": (two_orders, Expected(10, {DAY: 66_000.0})),
    "thousands of euros in the header": (currency_in_header, Expected(10, {DAY: 57_500.0})),
    "Swiss marks and a credit in brackets": (brackets, Expected(11, {DAY: 56_145.0})),
    "totals and names of groups in the middle": (total_in_the_middle, Expected(10, {DAY: 55_005.5})),
    "who left stands on a sheet of its own": (churned_sheet, Expected(10, {DAY: 25_200.0})),
    "an export of SAP": (sap, Expected(11, {DAY: 54_000.0})),
    "amounts with letters": (letters, Expected(10, {DAY: 1_236_100.5})),
    "pages, each with its header": (header_again, Expected(10, {DAY: 66_000.0})),
    "pairs above, notes beside": (beside, Expected(10, {DAY: 54_499.5})),
}


def held() -> dict[str, int]:
    kinds = {"contacts": Contact, "contracts": Contract, "pulses": Pulse, "people": Person, "notes": Note}
    return {name: kind._default_manager.count() for name, kind in kinds.items()}


@pytest.mark.parametrize("name", SHEETS)
def test_it_is_booked_to_the_cent(tmp_path: Path, name: str) -> None:
    make, expected = SHEETS[name]
    take(make(tmp_path), DAY)
    aside = Counter(str(reason).partition(":")[0] for reason in QuarantinedRow.objects.values_list("reason", flat=True))
    arrs = {day: float(round(arr(day), 2)) for day in expected.arr}
    found = Expected(Account.objects.count(), arrs, dict(aside), {k: v for k, v in held().items() if k in expected.holds})
    assert found == expected
    assert ImportRun.objects.count() == 1
