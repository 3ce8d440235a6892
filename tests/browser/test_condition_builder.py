"""A condition put together by clicking, and by keyboard alone: what is typed stays, the focus stays, and the list follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.served import slow

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser
BUILDER = "**/conditions/builder/**"


def controls(page: Page) -> None:
    from playwright.sync_api import expect

    page.goto("/accounts/")
    page.locator("summary", has_text="Condition").click()
    expect(page.get_by_label("Kind of test")).to_be_visible()


def test_two_tests_are_clicked_together_and_narrow_the_list(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    page.get_by_label("Kind of test").select_option("What changed")
    expect(page.get_by_label("How", exact=True).locator("option")).to_have_text(["fell by", "rose by"])
    page.get_by_label("Of what").select_option("MRR")
    page.get_by_label("How", exact=True).select_option("rose by")
    page.get_by_label("Value", exact=True).fill("1")
    page.get_by_label("within days").fill("300")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#filter-where")).to_have_value("mrr rose by 1 % in 300 d")
    page.get_by_label("Kind of test").select_option("What is known")
    expect(page.get_by_label("within days")).to_have_count(0)
    page.get_by_label("Of what").select_option("State")
    expect(page.locator("select#condition-value")).to_be_visible()
    page.get_by_label("Value", exact=True).select_option("paying")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#filter-where")).to_have_value("mrr rose by 1 % in 300 d and state = paying")
    expect(page.locator("#condition-builder")).to_contain_text("MRR rose by 1% in 300 days and State is paying")
    page.get_by_role("button", name="Show these").first.click()
    expect(page.get_by_text("MRR rose by 1% in 300 days and State is paying")).to_be_visible()
    expect(page.locator("table[data-rows] tbody tr").first).to_be_visible()


def test_by_keyboard_the_focus_stays_where_it_was(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    kind = page.get_by_label("Kind of test")
    kind.focus()
    page.keyboard.type("What did")
    expect(page.get_by_label("Of what").locator("option").first).to_have_text("touch")
    expect(page.get_by_label("Kind of test")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Of what")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("within days")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("40")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-where")).to_have_value("no touch in 40 d")


# -- a slow line: every answer takes a second and a half, or comes when it is told to, and nobody waits for it ---------


class Held:
    """Every answer of the controls is held back until the test lets it go: what a person does meanwhile is done before it, however fast the machine."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.waiting: list[Route] = []
        page.route(BUILDER, self.hold)

    def hold(self, route: Route) -> None:
        self.waiting.append(route)

    def answers(self) -> None:
        while not self.waiting:
            self.page.wait_for_timeout(20)
        self.waiting.pop(0).continue_()


def test_on_a_slow_line_what_is_clicked_and_typed_meanwhile_counts(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    slow(page)
    page.get_by_label("Kind of test").select_option("What changed")
    page.get_by_label("Of what").select_option("MRR")
    page.get_by_label("How", exact=True).select_option("rose by")  # the first that only the answer offers
    value = page.get_by_label("Value", exact=True)
    value.focus()
    page.keyboard.type("12")
    page.get_by_label("within days").fill("300")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Kind of test").select_option("What did not happen")  # while the first is being added
    expect(page.get_by_label("Of what").locator("option").first).to_have_text("touch")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("within days").fill("41")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Show these").first.click()  # all three are still on their way
    expect(page.locator("#results")).to_contain_text("MRR rose by 12% in 300 days")
    expect(page).to_have_url(re.compile(r"mrr.rose.by.12.%25.in.300.d.and.no.touch.in.300.d.and.no.touch.in.41.d"))


def test_on_a_slow_line_what_is_typed_into_the_text_stays(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    line = Held(page)
    with page.expect_request(BUILDER):
        page.get_by_label("Kind of test").select_option("What did not happen")
    text = page.locator("#filter-where")
    text.click()
    page.keyboard.type("state = paying")
    line.answers()
    expect(page.get_by_label("Of what").locator("option").first).to_have_text("touch")
    expect(text).to_be_focused()
    with page.expect_request(BUILDER):
        page.get_by_role("button", name="Add", exact=True).click()
    text.press("End")
    page.keyboard.type(" and mrr > 5")
    with page.expect_request(BUILDER):  # asked again, with what stands there now
        line.answers()
    line.answers()
    expect(text).to_have_value("state = paying and mrr > 5 and no touch in 30 d")
    page.get_by_label("within days").fill("77")
    with page.expect_request(BUILDER):
        page.get_by_label("within days").press("Enter")  # Enter in a field is Add
    line.answers()
    expect(text).to_have_value("state = paying and mrr > 5 and no touch in 30 d and no touch in 77 d")


def test_on_a_slow_line_a_field_that_changes_its_kind_keeps_the_focus(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    slow(page)
    page.get_by_label("Of what").select_option("State")
    value = page.locator("#condition-value")
    value.focus()
    page.keyboard.type("some")
    expect(page.locator("select#condition-value")).to_be_focused()
    page.keyboard.type("pay")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-where")).to_have_value("state = paying")


def test_on_a_slow_line_the_controls_come_to_whoever_types_already(page: Page) -> None:
    from playwright.sync_api import expect

    page.goto("/accounts/")
    slow(page)
    page.locator("summary", has_text="Condition").click()
    page.locator("#filter-where").focus()
    page.keyboard.type("mrr > 5")
    expect(page.get_by_label("Kind of test")).to_be_visible()
    expect(page.locator("#filter-where")).to_have_value("mrr > 5")
    expect(page.locator("#filter-where")).to_be_focused()


def test_a_test_that_cannot_be_added_says_so_and_holds_the_list_back(page: Page) -> None:
    from playwright.sync_api import expect

    controls(page)
    line = Held(page)
    page.get_by_label("Value", exact=True).fill("many")
    with page.expect_request(BUILDER):
        page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Show these").first.click()
    line.answers()
    expect(page.locator("#condition-text .errorlist li")).to_have_count(1)
    expect(page).not_to_have_url(re.compile("where="))
    page.get_by_label("Value", exact=True).fill("5")
    with page.expect_request(BUILDER):
        page.get_by_role("button", name="Add", exact=True).click()
    line.answers()
    expect(page.locator("#condition-text .errorlist")).to_have_count(0)
    expect(page.locator("#filter-where")).not_to_have_value("")
