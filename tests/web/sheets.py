"""The sheet of customers as people keep it, for the stories: a workbook with titles and a total, or a plain list."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

HEADER = ["Customer", "CSM", "ARR", "Renewal date", "Health", "Champion email"]


def customers(count: int, seed: int = 3) -> list[list[Any]]:
    luck = random.Random(seed)
    return [
        [
            f"Customer {i:03d} Ltd", luck.choice(["Maya Okafor", "Jon Bell", "Ana Ruiz"]), luck.choice([12000, 24000, 5500.5, 1000, 360000]),
            date(2027, 1, 1) + timedelta(days=luck.randrange(360)), luck.choice(["Green", "Amber", "Red"]), f"champion{i}@customer{i}.example",
        ]
        for i in range(count)
    ]  # fmt: skip


def workbook(path: Path, rows: list[list[Any]], *, titled: bool = True) -> Path:
    """A sheet as people keep it: two title rows, a header, a row per customer, a total."""
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet("Customers"), book.add_format({"num_format": "dd/mm/yyyy"})
        top = [["Customer overview"], ["Generated on 1 November 2026 by Maya"]] if titled else []
        total = [["Total", None, sum(r[2] for r in rows)]] if titled else []
        for place, cells in enumerate([*top, HEADER, *rows, *total]):
            for column, value in enumerate(cells):
                if isinstance(value, date):
                    sheet.write_datetime(place, column, value, day)
                elif value is not None:
                    sheet.write(place, column, value)
    return path


def listed(path: Path, rows: list[list[Any]], header: list[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path
