"""Totals whose group no row names, and totals without a label: known by their sums, borne out by another total; customers stay customers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from laer.sources.tabular.read import open_tables
from laer.sources.tabular.table import Table

HEADER = "Customer,CSM,ARR,Seats\n"


def read(folder: Path, text: str, name: str = "list.csv") -> tuple[Table, list[str], list[tuple[int, str]]]:
    """The table, the names of its records, and what was set aside by line."""
    (folder / name).write_text(text, encoding="utf-8")
    (table,) = open_tables(folder / name)
    names = [cells[0] for _, cells in table.rows()]
    return table, names, [(aside.line, aside.kind) for aside in table.aside]


def test_a_total_of_a_group_that_no_row_names_and_the_grand_total_below(tmp_path: Path) -> None:
    text = HEADER + "Acme,Ana,1000,10\nBeta,Ana,2000.50,20\nEMEA Total,,3000.50,30\nCato,Bo,500,5\nAPAC Total,,500,5\nGrand Total,,3500.50,35\n"
    table, names, aside = read(tmp_path, text)
    assert names == ["Acme", "Beta", "Cato"]
    assert aside == [(4, "subtotal"), (6, "subtotal"), (7, "total")]
    assert [note for note in table.notes if "Row 7" in note] == ["Row 7 is a total (ARR 3,500.50, Seats 35) and no record; the rows add up to it."]
    assert any("Row 4 is a subtotal (ARR 3,000.50, Seats 30)" in note for note in table.notes)


def test_totals_of_totals(tmp_path: Path) -> None:
    text = HEADER + "Acme,Ana,1,1\nBeta,Ana,2,2\nDACH Total,,3,3\nCato,Bo,4,4\nDora,Bo,8,8\nNordics Total,,12,12\nEMEA Total,,15,15\nEnya,Bo,7,7\nUS Total,,7,7\nTotal,,22,22\n"
    assert read(tmp_path, text)[1:] == (
        ["Acme", "Beta", "Cato", "Dora", "Enya"], [(4, "subtotal"), (7, "subtotal"), (8, "subtotal"), (10, "subtotal"), (11, "total")],
    )  # fmt: skip


def test_a_lone_total_of_several_rows(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + "Acme,Ana,1000,10\nBeta,Ana,2000,20\nEMEA Total,,3000,30\nCato,Bo,500,5\n")[1] == ["Acme", "Beta", "Cato"]


@pytest.mark.parametrize(
    "text",
    [
        "Customer,ARR\nAcme,1000\nTotal Energies,1000\nBeta,500\n",  # as much as the row above, and nothing bears it out
        "Customer,ARR\nAcme,1000\nTotal Energies,1000\nBeta,500\nTotal,2500\n",  # the total counts it
        "Customer,ARR\nAcme,1000\nTotal Energies,1000\nBeta,500\nBeta Wind,700\nSubtotal,3200\nTotal,3200\n",
        "Customer,ARR\nAcme,1000\nWind Total,900\nBeta,500\n",  # another amount
        "Customer,CSM,ARR\nAcme,Ana,1000\nBeta,Ana,1000\nWind Total,Bo,2000\n",  # it has a CSM
        "Customer,ARR\nAcme,0\nBeta,0\nWind Total,0\n",
    ],
)
def test_a_customer_stays_one(tmp_path: Path, text: str) -> None:
    table, names, _ = read(tmp_path, text)
    assert {"Acme", *({"Beta"} if "Beta," in text else ())} <= set(names)
    assert [name for name in names if "Energies" in name or "Wind Total" in name] == [w for w in ("Total Energies", "Wind Total") if w in text]
    at = table.header.index("ARR")
    assert sum(Decimal(cells[at]) for _, cells in table.rows()) == sum(
        Decimal(line.split(",")[at]) for line in text.splitlines()[1:] if not line.startswith(("Total,", "Subtotal,"))
    )


def test_a_total_without_a_label(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + "Acme,Ana,1000,10\nBeta,Ana,2000,20\n,,3000,30\n")[1:] == (["Acme", "Beta"], [(4, "total")])
    assert read(tmp_path, HEADER + "Acme,Ana,1000,10\nBeta,Ana,2000,20\n\n,,3000.00,\n", "one.csv")[1:] == (["Acme", "Beta"], [(5, "total")])


def test_numbers_without_a_name_that_are_no_sum_are_shown_as_rows(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + "Acme,Ana,1000,10\nBeta,Ana,2000,20\n,,2999,30\n")[1:] == (["Acme", "Beta", ""], [])
