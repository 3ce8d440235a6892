"""The worked examples of the manual's pages on Land, read from the pages and counted."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle.company import Periods, company_catalogue, count
from laer.cycle.fact_inputs import ARROW
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import INPUTS
from laer.records.periods import FAR, day_number, first_day, month_number
from tests.cycle.fact_books import table

METHODS = Path(__file__).parents[2] / "docs" / "methods"
Cells = dict[str, str]


def day(text: str) -> int | None:
    return day_number(date.fromisoformat(text)) if text else None


def amount(text: str, factor: float = 1) -> float | None:
    return float(text) * factor if text else None


def deal(row: Cells) -> dict[str, Any]:
    ended = day(row["Ended"])
    return {
        "account_id": int(row["Deal"]), "deal_id": int(row["Deal"]), "motion": row["Motion"] or None, "outcome": row["Outcome"], "closed_d": ended,
        "created_d": day(row["Qualified"]) or ended, "qualified_d": day(row["Qualified"]), "arr": amount(row["ARR"]), "discount": amount(row["Discount"], 0.01),
    }  # fmt: skip


def cost(row: Cells) -> dict[str, Any]:
    month = date.fromisoformat(row["Month"])
    until = day_number(first_day(month_number(month) + 1))
    return {"account_id": None, "month_d": day_number(month), "until_d": until, "motion": row["Motion"], "kind": "pay", "amount": amount(row["Amount"])}


def change(row: Cells) -> dict[str, Any]:
    moves = {name.lower(): amount(row[name]) or 0.0 for name in ("New", "Back", "Lost")}
    return {"account_id": int(row["Account"]), "on_d": day(row["On"]), "opening": 0.0, "growth": 0.0, "shrinking": 0.0} | moves


def line(row: Cells) -> dict[str, Any]:
    return {"account_id": int(row["Account"]), "start_d": day(row["From"]), "end_d": FAR, "mrr": amount(row["MRR"]), "margin": amount(row["Margin"], 0.01)}


TABLES = {"Deals": ("deals", deal), "Costs": ("costs", cost), "Changes of MRR": ("changes", change), "Lines": ("lines", line)}


def tables_of(text: str) -> dict[str, list[Cells]]:
    """The tables of a worked example by the line above each; that of the results is called Measure."""
    found: dict[str, list[Cells]] = {}
    for name, body in re.findall(r"(?:^([A-Z][\w ]+):\n\n)?((?:^\|.*\n)+)", text, re.MULTILINE):
        rows = [[cell.strip() for cell in one.strip().strip("|").split("|")] for one in body.strip().split("\n")]
        found[name or rows[0][0]] = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    return found


@pytest.mark.parametrize("page", ["win-rate", "sales-cycle", "costs", "cac", "ltv"])
def test_the_page_says_what_is_counted(page: str) -> None:
    example = (METHODS / f"{page}.md").read_text(encoding="utf-8").partition("## Worked example")[2].partition("\n## ")[0] + "\n"
    first, last = (date.fromisoformat(text) for text in re.search(r"Period: (\S+) to (\S+)", example).groups())  # type: ignore[union-attr]
    said = tables_of(example)
    given = {name: table(name, []) for name in INPUTS}
    given |= {name: table(name, [read(row) for row in said[title]]) for title, (name, read) in TABLES.items() if title in said}
    until = day_number(last) + 1
    facts = pa.table(
        {
            "account_id": pa.array([int(row["Account"]) for row in said.get("Accounts at the end", [])], pa.int64()),
            "d": pa.array([until - 1 for _ in said.get("Accounts at the end", [])], pa.int32()),
            "mrr": pa.array([amount(row["MRR"]) for row in said.get("Accounts at the end", [])], ARROW["float64"]),
        }
    )
    expected = {row["Measure"].strip("`"): float(row["Value"]) for row in said["Measure"]}
    seen = {name: [day_number(first)] for name in INPUTS}
    with DuckDBSession() as session:
        found = count(session, expected, given, seen, Periods(((day_number(first), until),), until - 1), facts).to_pylist()
    assert {row["measure"]: row["amount"] for row in found} == {name: pytest.approx(value, rel=1e-6) for name, value in expected.items()}
    assert set(expected) <= set(company_catalogue())


def test_each_measure_of_land_names_a_page_that_is_there() -> None:
    assert {one.method for one in company_catalogue().values() if not (METHODS / f"{one.method}.md").exists()} == set()
