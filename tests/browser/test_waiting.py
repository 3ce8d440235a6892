"""What takes long: bars in the place of what was there, and nothing jumps. The palette's actions."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser


def test_a_list_that_takes_long_keeps_its_place(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    table = page.locator("table[data-rows]")
    before = table.bounding_box()
    held: list[Route] = []
    page.route(re.compile(r"/accounts/\?.*q=zz"), lambda route: held.append(route))  # noqa: PLW0108  its arguments are counted
    page.get_by_label("Filter by name or domain").fill("zz")
    expect(page.locator("#results.is-waiting")).to_be_visible()
    assert table.bounding_box() == before
    held[0].continue_()
    expect(page.locator(".is-waiting")).to_have_count(0)
    expect(page.get_by_role("heading", name="No account is like this", exact=True)).to_be_visible()


def test_what_is_opened_ticked_and_typed_meanwhile_stands_in_the_answer(page: Page) -> None:
    page.goto("/accounts/?view=all&columns=segment")
    held: list[Route] = []
    page.route(re.compile(r"/accounts/\?.*q="), lambda route: held.append(route))  # noqa: PLW0108  its arguments are counted
    field = page.get_by_label("Filter by name or domain")
    field.fill("a")
    expect(page.locator("#results.is-waiting")).to_be_visible()
    columns = page.locator("details.menu", has=page.locator("summary", has_text="Columns"))
    columns.locator("summary").click()
    columns.get_by_label("Country").check()
    held[0].continue_()
    expect(page.get_by_role("button", name="Copy link", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=a"))
    expect(columns.get_by_label("Country")).to_be_checked()
    expect(columns.get_by_label("Country")).to_be_visible()
    page.unroute_all()
    columns.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Country")).to_be_visible()
    expect(columns.get_by_role("button", name="Show these")).to_be_hidden()  # an answer that was asked for later closes it


def test_a_panel_that_takes_long_shows_bars(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    held: list[Route] = []
    page.route("**/peek/", lambda route: held.append(route))  # noqa: PLW0108  its arguments are counted
    page.locator("a[data-row-link]").first.click()
    expect(page.locator("#peek .skeleton")).to_be_visible()
    held[0].continue_()
    expect(page.locator("#peek-title")).to_be_visible()
    expect(page.locator("#peek .skeleton")).to_have_count(0)


def test_actions_of_the_palette_by_keyboard(page: Page) -> None:
    page.goto("/accounts/?saved=all")
    theme = page.evaluate("document.documentElement.dataset.bsTheme")
    for typed, sure in (("switch theme", None), ("log a touch", "Open an account, or choose its row")):
        page.keyboard.press("Control+k")
        page.keyboard.type(typed)
        expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text(typed.capitalize())
        page.keyboard.press("Enter")
        if sure:
            expect(page.get_by_text(sure)).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.bsTheme") != theme
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Control+k")
    page.keyboard.type("log a touch")
    expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text("Log a touch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name=re.compile("Log a touch"))).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("add task")
    expect(page.locator("#palette").get_by_role("option", selected=True)).to_contain_text("Add task")
    page.keyboard.press("Enter")
    expect(page.get_by_label("What is to do")).to_be_focused()
