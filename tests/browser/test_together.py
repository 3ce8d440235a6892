"""Several accounts of the list at once, by mouse and again by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.served import AXE
from tests.browser.test_every_page import AXE_RUN

pytestmark = pytest.mark.browser


def boxes(page: Page) -> Locator:
    return page.locator("tbody input[type=checkbox]")


def test_a_field_of_several_by_mouse_and_back(page: Page) -> None:
    page.goto("/accounts/?saved=all&sort=name&columns=segment")
    bar = page.get_by_role("group", name="With the chosen accounts")
    expect(bar).to_be_hidden()
    boxes(page).nth(1).click()
    boxes(page).nth(4).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 chosen")
    page.get_by_label("Choose all on this page").click()
    expect(bar).to_contain_text("50 chosen")
    page.get_by_label(re.compile(r"All [\d,]+ accounts of this list")).check()
    expect(bar).not_to_contain_text("50 chosen")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()
    for at in (0, 2):
        boxes(page).nth(at).check()
    page.evaluate(AXE.read_text())
    assert page.evaluate(AXE_RUN) == []
    bar.locator("summary", has_text="Task").click()
    bar.get_by_label("What is to do, for each").fill("Send the plan")
    bar.get_by_role("button", name="Add the tasks").click()
    toast = page.locator(".note-toast", has_text="2 tasks added")
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone")).to_be_visible()

    boxes(page).nth(0).check()
    with page.expect_download() as download:
        bar.locator("summary", has_text="Export").click()
        bar.get_by_role("button", name="CSV").click()
    assert download.value.path().read_text().count("\n") == 2


def test_a_field_of_several_by_keyboard_and_back(page: Page) -> None:
    page.goto("/accounts/?saved=all&sort=name&columns=segment")
    names = page.locator("a[data-row-link]").all_inner_texts()
    for key in "jxjx":
        page.keyboard.press(key)
    bar = page.get_by_role("group", name="With the chosen accounts")
    expect(bar).to_contain_text("2 chosen")
    bar.locator("summary", has_text="Field").focus()
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type("Strategic")
    page.keyboard.press("Enter")  # the menu's own button, not another
    toast = page.locator(".note-toast", has_text="Segment of 2 accounts changed")
    expect(toast).to_be_visible()
    undo = toast.get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Segment of 2 accounts is back to what it was")).to_be_visible()
    page.get_by_role("link", name=names[0], exact=True).press("Enter")
    page.get_by_role("link", name="Changes", exact=True).click()
    expect(page.get_by_role("region", name="Changes, table")).to_contain_text("edited with others")
