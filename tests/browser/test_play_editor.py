"""A play put together step by step in the browser: a step added, one in a branch, one moved, and put in force; by mouse and by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import HANDS, Mouse

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("hands", HANDS)
def test_a_play_is_put_together_step_by_step(page: Page, hands: str) -> None:
    by: Mouse = HANDS[hands](page)
    page.goto(f"/settings/definitions/play/{'churn_debrief' if hands == 'mouse' else 'usage_drop'}/")
    by.press(page.get_by_role("button", name="Step by step"))
    steps = page.locator("ol.play-steps > li")
    expect(steps.first).to_be_visible()
    there = steps.count()
    by.press(page.get_by_role("button", name="Add a step below").first)
    by.press(page.get_by_role("button", name="Branch"))
    expect(page.get_by_label("Is it so that")).to_be_focused()
    page.keyboard.type("arr >= 25000")
    by.press(page.get_by_role("button", name="Take over").last)
    expect(steps.nth(1)).to_contain_text("ARR is at least")
    by.press(page.get_by_role("button", name="Add a step for yes"))
    by.press(page.get_by_role("button", name="Task", exact=True))
    expect(page.get_by_label("What to do")).to_be_focused()
    page.keyboard.type("Tell the lead of it")
    page.keyboard.press("Enter")
    expect(steps.nth(2)).to_contain_text("Tell the lead of it")
    expect(steps).to_have_count(there + 3)  # the branch, its yes, and its no, which goes on
    by.press(page.get_by_role("button", name="Up: Is it so that ARR is at least $25,000"))
    expect(steps.first).to_contain_text("ARR is at least")
    by.write(page.get_by_label("Why it changes, in one line"), "large ones first")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("is in force")
    expect(page.locator("textarea[name=text]")).to_contain_text("Tell the lead of it")
