"""Work by keyboard: a touch in two keystrokes, a task completed, given back and found again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

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
    expect(page.locator("tr.is-current")).to_have_count(1)
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
    table, toasts = page.locator("table.tasks"), page.locator("#toasts")
    for title in ("Prepare the review", "Ask for a reference"):
        page.locator("input[name=due_on]").fill("2020-01-02")  # before all that the demo firm has to do
        page.get_by_label("What is to do").fill(title)
        page.keyboard.press("Enter")
        expect(table).to_contain_text(title)
        page.wait_for_load_state()
    with page.expect_navigation():  # the page that comes is the same as the one before: only this tells them apart
        page.keyboard.press("g")
        page.keyboard.press("k")
    page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_contain_text("Prepare the review")
    page.keyboard.press("c")
    expect(toasts).to_contain_text("Task done")
    expect(table).not_to_contain_text("Prepare the review")
    with page.expect_navigation():
        toasts.get_by_role("button", name="Undo").click()
    expect(table).to_contain_text("Prepare the review")
    for key in "jxjx":
        page.keyboard.press(key)
    expect(table.locator("input:checked")).to_have_count(2)
    page.keyboard.press("c")
    expect(toasts).to_contain_text("2 tasks done")
    expect(table).not_to_contain_text("Ask for a reference")


def test_letters_typed_while_a_page_is_on_its_way_are_pressed_there(page: Page) -> None:
    page.goto("/tasks/")
    rows = page.locator("table[data-rows] tbody tr:has([data-row-link])")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/accounts/", hold)
    with page.expect_request("**/accounts/"):
        page.keyboard.press("g")
        page.keyboard.press("a")
    for key in "jjx":
        page.keyboard.press(key)
    waiting[0].continue_()
    expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    expect(rows.nth(1)).to_have_class(re.compile("is-current"))
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
    expect(rows.nth(1).locator("[data-row-link]")).to_be_focused()

    # the page is there, and its script is not yet
    page.route("**/dist/app*.js", hold)
    page.goto("/accounts/?saved=all", wait_until="commit")
    rows.last.wait_for()
    page.keyboard.press("j")
    expect(rows.first).not_to_have_class(re.compile("is-current"))
    waiting[-1].continue_()
    expect(rows.first).to_have_class(re.compile("is-current"))


def test_letters_are_for_this_page_where_none_came(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    page.locator("tbody input[type=checkbox]").first.check()
    with page.expect_download():
        page.locator("summary", has_text="Export").last.click()
        page.get_by_role("button", name="CSV").click()
    page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_have_count(1)
