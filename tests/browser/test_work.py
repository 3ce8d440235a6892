"""Work by keyboard: a touch in two keystrokes, a task completed, given back and found again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_log_a_touch_in_two_keystrokes(page: Page) -> None:
    page.goto("/accounts/?sort=-arr&state=paying")
    page.keyboard.press("j")
    name = page.locator("tr.is-current a[data-row-link]").inner_text()
    page.keyboard.press("l")
    page.keyboard.press("c")
    dialog = page.locator("dialog[data-touch]")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(name)
    expect(dialog.get_by_label("Kind")).to_have_value("call")
    expect(dialog.get_by_label("Minutes")).to_have_value("30")
    expect(dialog.get_by_label("When")).to_have_value(re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d$"))
    page.keyboard.type("They renew in spring")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text(f"Call with {name} logged")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Activity").click()
    expect(page.locator(".feed-touch").first).to_contain_text("They renew in spring")
    page.keyboard.press("l")
    page.keyboard.press("m")
    expect(dialog.get_by_label("Kind")).to_have_value("meeting")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Meeting with")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undone")


def test_complete_a_task_by_keyboard(page: Page) -> None:
    page.goto("/tasks/")
    for title in ("Prepare the review", "Ask for a reference"):
        page.get_by_label("What is to do").fill(title)
        page.keyboard.press("Enter")
        expect(page.locator("table.tasks")).to_contain_text(title)
    page.keyboard.press("g")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    page.locator("body").click(position={"x": 500, "y": 5})
    page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_contain_text("Prepare the review")
    page.keyboard.press("c")
    expect(page.locator("#toasts")).to_contain_text("Task done")
    expect(page.locator("table.tasks")).not_to_contain_text("Prepare the review")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("table.tasks")).to_contain_text("Prepare the review")
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("table.tasks input:checked")).to_have_count(2)
    page.keyboard.press("c")
    expect(page.locator("#toasts")).to_contain_text("2 tasks done")
    expect(page.get_by_text("Nothing to do", exact=True)).to_be_visible()
