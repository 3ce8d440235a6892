"""Metrics by hand: search narrows the catalogue in place, a bar of a measure opens to its accounts, a name opens beside it, and the fold of the unknown opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_from_the_catalogue_to_an_account(page: Page) -> None:
    from playwright.sync_api import expect

    page.goto("/data/metrics/")
    page.get_by_label("Filter by name, formula or source").fill("seats bought")
    expect(page.locator("#metrics tbody tr")).to_have_count(8)
    assert "q=seats" in page.url
    page.get_by_role("link", name="Seats bought", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Seats bought")
    page.get_by_text("The numbers as a table").click()
    bar = page.get_by_role("region", name="Accounts by value, table").get_by_role("row").nth(1)
    count = int(bar.get_by_role("cell").first.inner_text())
    bar.get_by_role("link").click()
    expect(page.locator("#accounts tbody tr")).to_have_count(min(count, 25))
    name = page.locator("#accounts tbody a.name").first
    account = name.inner_text()
    name.click()
    expect(page.locator(".peek")).to_contain_text(account)


def test_the_facts_of_an_account_and_what_is_unknown(page: Page) -> None:
    from playwright.sync_api import expect

    page.goto("/accounts/?sort=-arr&state=paying")
    page.goto((page.locator("tbody a.name").first.get_attribute("href") or "") + "?tab=facts")
    expect(page.get_by_role("row", name="MRR $").first).to_be_visible()
    expect(page.get_by_text("the source of usage does not say it").first).to_be_hidden()
    page.get_by_text("measures unknown").click()
    expect(page.get_by_text("the source of usage does not say it").first).to_be_visible()
