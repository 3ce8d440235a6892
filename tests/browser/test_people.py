"""The invitation walk: an admin invites, copies the link, and somebody in another browser comes in by it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_an_invitation_from_the_form_to_the_first_page(page: Page, stranger: Page) -> None:
    page.goto("/settings/")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail", exact=True).fill("nora.holt@laer.example")
    page.get_by_label("Name", exact=True).fill("Nora Holt")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", name="Nora Holt", level=1)).to_be_visible()
    link = page.get_by_role("textbox", name="Invitation link").input_value()
    page.reload()
    expect(page.get_by_role("textbox", name="Invitation link")).to_have_count(0)  # shown once
    expect(page.get_by_text("Invited as viewer")).to_be_visible()

    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="Welcome, Nora Holt")).to_be_visible()
    stranger.get_by_label("Password").fill("a-long-walk-by-the-river")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    stranger.goto("/settings/")
    expect(stranger).to_have_url(re.compile(r"/settings/you/$"))
    expect(stranger.get_by_text("this one")).to_be_visible()

    page.reload()
    expect(page.get_by_label("Role")).to_have_value("viewer")
    page.get_by_role("button", name="Sign out everywhere").click()
    stranger.reload()
    expect(stranger).to_have_url(re.compile(r"/login/"))
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="This link no longer works")).to_be_visible()
