"""The first run as a person lives it: the link of the terminal, one form, then one's own sheet or the demo firm and out of it again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.served import AXE, Served, Troubles, served
from tests.browser.test_every_page import AXE_RUN
from tests.browser.test_first_hour import MINUTES, shown
from tests.web.sheets import customers, workbook

pytestmark = pytest.mark.browser

PASSWORD = "a-long-walk-by-the-river"


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`laer serve` where nothing was yet."""
    with served(tmp_path_factory.mktemp("first-run") / "home") as site:
        yield site


@pytest.fixture
def page(fresh: Served, browser: Browser) -> Iterator[Page]:
    with fresh.open(browser, None, timezone_id="Europe/Berlin") as context:
        page = context.new_page()
        troubles = Troubles(page)
        yield page
        assert troubles.said == []


def link(site: Served, page: Page) -> str:
    """What the terminal shows, without the host; it is told as soon as the server answers."""
    log = site.home.parent / f"{site.home.name}.log"
    for _ in range(600):
        if found := re.search(r"http://127\.0\.0\.1:\d+(/start/\?code=[a-z0-9-]+)", log.read_text()):
            return found[1]
        page.wait_for_timeout(100)
    raise AssertionError(log.read_text())


def set_up(site: Served, page: Page) -> None:
    page.goto("/accounts/")
    expect(page.get_by_role("heading", name="Set up laer")).to_be_visible()
    sound(page)
    page.goto(link(site, page))
    expect(page).to_have_url(re.compile("/start/$"))
    sound(page)
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("Your name").fill("Ada Novak")
    page.get_by_label("E-mail address").fill("ada@firm.example")
    page.get_by_label("Password").fill("short")
    page.get_by_label("Currency of reports").fill("EUR")
    page.get_by_label("The fiscal year begins in").select_option(label="April")
    page.get_by_role("button", name="Create and go on").click()
    expect(page.get_by_text("This password is too short")).to_be_visible()
    expect(page.get_by_label("Currency of reports")).to_have_value("EUR")
    sound(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/start/next/")
    sound(page)


def sound(page: Page) -> None:
    """Nothing serious for those who read with a screen reader or a keyboard."""
    page.evaluate(AXE.read_text())  # as an evaluation: the page's policy allows no inline script
    assert page.evaluate(AXE_RUN) == []


def test_from_nothing_to_the_accounts_of_one_s_own_sheet(fresh: Served, page: Page, tmp_path: Path) -> None:
    begun, rows = time.monotonic(), customers(250)
    set_up(fresh, page)
    page.get_by_role("link", name="Choose a file").click()
    page.get_by_label("Drop files here, or choose them").set_input_files(workbook(tmp_path / "customers_2026-10-31.xlsx", rows))
    page.get_by_role("button", name="Read the files").click()
    page.wait_for_url("**/map/")
    page.get_by_role("button", name="See what it would do").click()
    page.wait_for_url("**/preview/")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    page.goto("/accounts/")
    shown(page, page.locator(".state-line").first, "250 accounts")
    page.goto("/revenue/")
    shown(page, page.locator("main"), "NRR")  # the pass after the import may still be at it
    arr = page.locator(".figure-card", has_text="ARR").locator(".figure-value").first.get_attribute("title")
    assert Decimal(re.sub(r"[^\d.]", "", arr or "")) == sum(Decimal(str(row[2])) for row in rows)
    assert time.monotonic() - begun < MINUTES * 60
    page.goto("/settings/company/")
    expect(page.get_by_label("Currency of reports")).to_have_value("EUR")
    expect(page.get_by_label("The fiscal year begins in")).to_have_value("4")
    sound(page)


def test_into_the_demo_firm_and_out_again(fresh: Served, page: Page) -> None:
    set_up(fresh, page)
    page.get_by_role("button", name="Make the demo firm").click()
    page.wait_for_url("**/start/demo/")
    expect(page.get_by_role("heading", name="Making the demo firm")).to_be_visible()
    page.wait_for_url("**/accounts/", timeout=240_000)
    expect(page.locator(".state-line").first).to_contain_text("420 accounts")
    page.goto("/revenue/")
    expect(page.get_by_text("This is a made-up firm")).to_be_visible()
    page.get_by_role("link", name="Leave the demo").click()
    sound(page)
    page.get_by_role("button", name="Leave the demo").click()
    page.wait_for_url("**/accounts/", timeout=60_000)
    expect(page.get_by_role("heading", name="No accounts yet")).to_be_visible()
    expect(page.get_by_role("heading", name="To get going")).to_be_visible()
    expect(page.get_by_text("This is a made-up firm")).to_have_count(0)
    sound(page)
    page.get_by_role("link", name="Import a file").click()
    expect(page.get_by_label("Drop files here, or choose them")).to_be_visible()
