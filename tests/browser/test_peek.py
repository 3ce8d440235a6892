"""The panel beside a list, by mouse and again by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.served import AXE
from tests.browser.test_every_page import AXE_RUN

pytestmark = pytest.mark.browser


def test_peek_by_mouse(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    links = page.locator("a[data-row-link]")
    first, second = links.nth(0), links.nth(1)
    panel = page.get_by_role("complementary", name="Account at a glance")
    first.click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(first.inner_text())
    expect(page).to_have_url(re.compile(r"/accounts/\?(saved|view)=all$"))
    page.evaluate(AXE.read_text())
    assert page.evaluate(AXE_RUN) == []
    page.locator("table[data-rows] tbody tr").nth(1).locator("td").nth(1).click()  # anywhere on the row
    expect(panel.get_by_role("heading", level=2)).to_have_text(second.inner_text())

    # a task is added from the panel, and the panel is still there
    panel.get_by_text("Add task").click()
    panel.get_by_label("What is to do").fill("Ask about the seats")
    panel.get_by_label("Due").fill("2020-01-02")  # the panel shows the five that are due first, and plays give tasks, too
    panel.get_by_role("button", name="Add").click()
    expect(page.get_by_text("“Ask about the seats” added")).to_be_visible()
    expect(panel.get_by_role("link", name="Ask about the seats")).to_be_visible()

    # a second click on the same name opens it in full; the first one of another does not
    name = first.inner_text()
    first.click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(name)
    first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_peek_by_keyboard(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    names = page.locator("a[data-row-link]").all_inner_texts()
    panel = page.locator("#peek")
    title = panel.get_by_role("heading", level=2)
    for key in "jjp":
        page.keyboard.press(key)
    expect(title).to_have_text(names[1])
    page.keyboard.press("j")
    expect(title).to_have_text(names[2])
    page.keyboard.press("k")
    expect(title).to_have_text(names[1])
    page.keyboard.press("p")  # again: into the panel
    expect(title).to_be_focused()
    page.keyboard.press("l")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name=re.compile("Log a touch"))
    expect(dialog).to_contain_text(names[1])
    page.keyboard.type("Talked from the panel")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Talked from the panel")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("a[data-row-link]").nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(title).to_have_text(names[1])
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=names[1], level=1)).to_be_visible()
