"""Find and saved views, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_find_and_saved_views_by_keyboard(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    largest = page.locator("a[data-row-link]").first.inner_text()

    # an account by its name
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find anything")).to_be_focused()
    expect(page.locator("#palette").get_by_role("option").first).to_be_visible()
    page.keyboard.type(largest.lower())
    expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text(largest)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=largest, level=1)).to_be_visible()
    page.wait_for_load_state()  # Control is the browser's own until the script is there

    # a page, with the arrows; Escape and the shortcut close it
    page.keyboard.press("Control+k")
    page.keyboard.type("quarantine")
    expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text("Quarantine")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette").get_by_role("option").nth(1)).to_be_visible()
    second = page.locator("#palette").get_by_role("option").nth(1).inner_text().splitlines()[0]  # its keys stand beside it
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text(second)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).not_to_be_visible()

    # the keyboard's help, and a place
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Find anything")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(r"/settings/"))

    # a view is saved, opens first, and is taken back
    page.goto("/accounts/?state=churned&sort=name&columns=state&columns=owner_name")
    page.locator("summary", has_text="Save view").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Lost ones")
    page.get_by_label("Open the list here").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lost ones")).to_have_attribute("aria-current", "true")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile(r"saved=\d+&state=churned&sort=name"))
    expect(page.locator("thead th")).to_have_text(["", "Account", "State", "Owner"])  # ticks first
    page.locator("summary", has_text="This view").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete view").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lost ones")).to_have_count(0)
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lost ones")).to_be_visible()
    page.locator("summary", has_text="This view").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Do not open the list here").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The list opens without a view")).to_be_visible()


def test_columns_and_views_of_tasks_by_keyboard(page: Page) -> None:
    page.goto("/tasks/?view=all")
    page.locator("summary.chip", has_text="Columns").focus()
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Written").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Written")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=all&columns=due_on&.*columns=created_at"))
    page.locator("summary", has_text="Save view").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("When written")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="When written")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Mine").click()
    expect(page.get_by_role("columnheader", name="Written")).to_be_visible()
    expect(page.locator(".views")).to_contain_text("When written, changed")
    page.locator("summary", has_text="This view").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("link", name="When written")).to_have_count(0)
