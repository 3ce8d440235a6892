"""A chart as a file: what is drawn, exactly, with nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.served import drawn

pytestmark = pytest.mark.browser


def file_of(page: Page, chart: str) -> tuple[str, list[list[str]]]:
    with page.expect_download() as download:
        page.locator(f'[data-chart-csv="{chart}"]').click()
    return download.value.suggested_filename, list(csv.reader(io.StringIO(Path(download.value.path()).read_text())))


def test_the_waterfall_leaves_as_steps_that_sum_to_its_end(page: Page) -> None:
    page.goto("/revenue/")
    drawn(page)
    name, (head, *steps) = file_of(page, "waterfall-data")
    assert (name, head) == ("revenue-waterfall.csv", ["Step", "Amount (USD)"])
    amounts = [Decimal(amount) for _, amount in steps]
    assert abs(sum(amounts[:-1]) - amounts[-1]) <= Decimal("0.02")  # each bar is rounded once


def test_lines_and_cohorts_leave_with_a_row_for_each_month(page: Page) -> None:
    page.goto("/revenue/")
    drawn(page)
    __, (head, *months) = file_of(page, "retention-data")
    assert head == ["Period", "Net revenue retention", "Gross revenue retention"]
    assert [month for month, *_ in months] == sorted(month for month, *_ in months)
    __, (head, first, *_) = file_of(page, "cohort-data")
    assert head[:3] == ["Cohort", "0", "1"]
    assert Decimal(first[1]) == 1


def test_a_name_that_a_spreadsheet_would_run_is_escaped(page: Page) -> None:
    page.goto("/revenue/")
    drawn(page)
    page.evaluate("""() => {
      const source = document.getElementById('waterfall-data');
      const data = JSON.parse(source.textContent);
      data.bars[0].label = '=cmd|"x"!A0, two';
      source.textContent = JSON.stringify(data);
    }""")
    assert file_of(page, "waterfall-data")[1][1][0] == """'=cmd|"x"!A0, two"""
