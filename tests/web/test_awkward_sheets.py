"""Sheets as finance really sends them: sums to the cent, every row booked, set aside with a reason, or asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import xlsxwriter

from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, ImportRun, QuarantinedRow, SubscriptionLine
from tests.web.sheets import listed

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FIRMS = [f"Firm {i:02d}" for i in range(1, 11)]


class Expected(NamedTuple):
    """accounts and lines of the book, ARR of its open lines to the cent, rows set aside by the beginning of their reason"""

    accounts: int
    lines: int
    arr: str
    aside: dict[str, int] = {}  # noqa: RUF012


def book(path: Path, rows: list[list[Any]], merged: list[tuple[int, int, int, int, str]] | None = None, hidden: int | None = None) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "mmm-yy"}) as made:
        sheet = made.add_worksheet("Sheet1")
        for place, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(place, column, value)
                elif value is not None:
                    sheet.write(place, column, value)
        for one in merged or []:
            sheet.merge_range(*one)
        if hidden is not None:
            sheet.set_row(hidden, None, None, {"hidden": True})
    return path


def swiss(folder: Path) -> Path:
    rows = [[f, "Ana", f"CHF {i * 1000:,}.50".replace(",", "'"), "31.12.2026"] for i, f in enumerate(FIRMS, 1)]
    return listed(folder / "swiss.csv", [*rows, ["Gutschrift", "Ana", "(1'200.00)", "31.12.2026"]], ["Kunde", "CSM", "ARR CHF", "Verlängerung"])


def subtotalled(folder: Path) -> Path:
    rows: list[list[Any]] = [["Confidential"], ["Report run 31/05/2026"], [None], ["Account Owner", "Account Name", "ARR"]]
    for owner, part in (("Ana Ruiz", range(5)), ("Ben Cole", range(5, 10))):
        rows += [[owner if i in (0, 5) else None, FIRMS[i], 1000 * (i + 1)] for i in part]
        rows.append(["Subtotal", None, sum(1000 * (i + 1) for i in part)])
    return book(folder / "report.xlsx", [*rows, ["Grand Totals (10 records)", None, 55000], ["Copyright © 2026 Acme. Confidential."]])


def grid(folder: Path) -> Path:
    months = [datetime(2024, m, 1) for m in range(1, 13)]
    cells = [[100.33 * (i + 1)] * 12 for i in range(4)]
    table: list[list[Any]] = [[f, *row, sum(row)] for f, row in zip(FIRMS, cells, strict=False)]
    table[1][5] = table[1][6] = "-"
    table[2][11] = table[2][12] = "n/a"
    table[3][1] = None
    total = ["Total", *[sum(row[m] for row in table if isinstance(row[m], float)) for m in range(1, 13)]]
    return book(folder / "grid.xlsx", [["MRR by customer"], [None], ["Customer", *months, "Total"], *table, total])


def seats(folder: Path) -> Path:
    header = ["Subscription ID", "Customer", "Product", "Seats", "Unit price per month", "Start date", "End date"]
    return listed(folder / "seats.csv", [[f"S{i}", f, "Core", i * 10, "12.50", "2025-01-01", ""] for i, f in enumerate(FIRMS, 1)], header)


def merged_customers(folder: Path) -> Path:
    rows: list[list[Any]] = [["Customer", "Product", "ARR"]]
    merged = []
    for i, firm in enumerate(FIRMS[:6]):
        merged.append((len(rows), 0, len(rows) + 1, 0, firm))
        rows += [[None, "Core", 1000 * (i + 1)], [None, "Addon", 100 * (i + 1)]]
    return book(folder / "products.xlsx", rows, merged)


def merged_headers(folder: Path) -> Path:
    rows: list[list[Any]] = [[None] * 5, ["Customer", "Contract start", "Contract end", "Renews automatically", "ARR"]]
    rows += [[f, "2026-01-01", "2026-12-31", "yes" if i % 2 else "no", 1200 * i] for i, f in enumerate(FIRMS, 1)]
    return book(folder / "groups.xlsx", rows, [(0, 1, 0, 3, "Contract")], hidden=4)


def discounts(folder: Path) -> Path:
    rows = [[f"S{i}", f"A{i}", "Core", "2025-01-01", "", 200] for i in range(1, 6)]
    return listed(
        folder / "lines.csv", [*rows, ["S1", "A1", "Discount", "2025-01-01", "", -50]], ["subscription_id", "account_id", "line", "start_date", "end_date", "mrr"]
    )


def utf16(folder: Path) -> Path:
    path = folder / "export.csv"
    path.write_bytes("\r\n".join(["Customer\tOwner\tARR", *(f"{f}\tZoë\t€ {i * 1000}" for i, f in enumerate(FIRMS, 1))]).encode("utf-16"))
    return path


def junk(folder: Path) -> Path:
    path = folder / "junk.csv"
    rows = [
        "Customer ;  ARR ;Note;", "Firm 01;1 200,00;ok;", "firm 01;2 400,00;;", "Firm\u00a002;\u00a03\u202f600,00\u00a0€;;", ";;;",
        '"=HYPERLINK(""x"")";100,00;;', "Firm 04;TBD;;", "Firm 05;;;",
    ]  # fmt: skip
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


SHEETS: dict[str, tuple[Callable[[Path], Path], Expected]] = {
    "Swiss marks, a credit in brackets": (swiss, Expected(11, 11, "53805.00")),  # 55,005 less 1,200
    "subtotals, a grand total, footers": (subtotalled, Expected(10, 10, "55000.00")),
    "a grid with dashes and n/a": (grid, Expected(4, 5, "8427.72")),  # December: (1 + 2 + 4) x 100.33 a month, the third blank
    "seats at a price a month": (seats, Expected(10, 10, "82500.00")),
    "customers merged over their products": (merged_customers, Expected(6, 12, "23100.00")),
    "groups of headers, a hidden row": (merged_headers, Expected(10, 10, "66000.00")),
    "a discount as a negative line": (discounts, Expected(5, 6, "11400.00")),
    "UTF-16 with tabs": (utf16, Expected(10, 10, "55000.00")),
    "junk": (junk, Expected(6, 4, "7300.00", {"unreadable number in ARR": 1})),
}


@pytest.mark.parametrize("name", SHEETS)
def test_it_is_booked_to_the_cent_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    make, expected = SHEETS[name]
    path = make(tmp_path)
    run_import(begin_import([(path.name, path)], source="sheet", file_date=date(2026, 5, 31)))
    counting = [line for line in SubscriptionLine.objects.filter(archived_at=None) if line.end_on is None or line.end_on > date(2024, 12, 31)]
    arr = 12 * sum((Fraction(line.mrr_num, line.mrr_den) for line in counting), Fraction(0))
    aside = Counter(str(reason).partition(":")[0] for reason in QuarantinedRow.objects.values_list("reason", flat=True))
    found = Expected(Account.objects.count(), SubscriptionLine.objects.count(), f"{float(arr):.2f}", dict(aside))
    assert found == expected
    assert ImportRun.objects.get().counts["subscription_lines"]["new"] == expected.lines
