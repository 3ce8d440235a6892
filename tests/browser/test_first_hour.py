"""The first hour in a browser: an empty installation, one sheet of 250 customers, and figures that tie to its total row."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import upload
from tests.browser.served import Served, Troubles, served
from tests.web.sheets import customers, listed, workbook

pytestmark = pytest.mark.browser

MINUTES = 10  # of a person's time


@pytest.fixture(scope="module")
def fresh(made_empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("first-hour") / "home"
    shutil.copytree(made_empty, home)
    with served(home) as site:
        yield site


@pytest.fixture
def page(fresh: Served, browser: Browser) -> Iterator[Page]:
    with fresh.open(browser) as context:
        page = context.new_page()
        troubles = Troubles(page)
        yield page
        assert troubles.said == []


def test_one_sheet_becomes_a_book_whose_revenue_ties(page: Page, tmp_path: Path) -> None:
    rows = customers(250)
    total = sum(Decimal(str(r[2])) for r in rows)
    begun = time.monotonic()
    upload(page, workbook(tmp_path / "customers_2026-10-31.xlsx", rows), source="sheet")
    expect(page.get_by_text("Row 254 is a total")).to_be_visible()
    expect(page.get_by_text("each row also has")).to_have_count(4)
    page.get_by_role("button", name="See what it would do").click()
    page.wait_for_url("**/preview/")
    expect(page.locator(".figure-card", has_text="Rejected").locator(".figure-value")).to_have_text("0")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)

    page.goto("/accounts/")
    shown(page, page.locator(".state-line").first, "250 accounts")
    page.goto("/revenue/")
    arr = page.locator(".figure-card", has_text="ARR").locator(".figure-value").first
    assert Decimal(re.sub(r"[^\d.]", "", arr.get_attribute("title") or "")) == total
    page.goto("/revenue/?month=2026-10")  # the month of the list; the page begins with the current one, to date
    page.get_by_text("The movements as a table").click()
    table = page.get_by_role("region", name="MRR movement, table")
    expect(table.get_by_role("row", name=re.compile("Opening balance, start unknown"))).to_contain_text("250")
    expect(table.get_by_role("row", name=re.compile("^New "))).to_contain_text("$0.00")
    page.get_by_role("link", name="Renew", exact=True).click()
    expect(page.locator(".state-line").first).to_contain_text("250 contracts with an end")
    expect(page.get_by_role("region", name="Renewals, table").locator("tbody tr")).to_have_count(50)
    page.goto("/accounts/?q=Customer+007")
    page.get_by_role("link", name="Customer 007 Ltd").press("Enter")
    expect(page.get_by_text(rows[7][1]).first).to_be_visible()
    assert time.monotonic() - begun < MINUTES * 60

    later = [list(r) for r in rows[:248]]
    later[0][2] += 1200
    upload(page, listed(tmp_path / "customers_2026-11-15.csv", later), source="sheet")
    page.get_by_role("button", name="See what it would do").click()
    page.wait_for_url("**/preview/")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    page.goto("/data/questions/")
    waiting = page.get_by_role("region", name="Questions, table").locator("tbody tr")
    expect(waiting).to_have_count(2)
    page.get_by_label("Choose Customer 249 Ltd").check()
    page.get_by_role("button", name="Still a customer").click()
    expect(waiting).to_have_count(1)


def shown(page: Page, place: object, text: str) -> None:
    """Wait for the pass that the import asked for."""
    deadline = time.monotonic() + 120
    while text not in place.inner_text():  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, f"no {text!r} yet"
        time.sleep(0.5)
        page.reload()
