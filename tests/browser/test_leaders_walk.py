"""A leader's walk, by mouse and by keyboard alone: find the worst leak, see who is behind it, list its accounts, export them; then where the base stands."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.hands import HANDS, Mouse
from tests.browser.served import PASSWORD, Served, Troubles, laer, make_demo, served
from tests.homes import made_once

pytestmark = pytest.mark.browser

LEAD = "ingrid.solheim@northmoor.example"


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demo firm with a lead."""
    home = tmp_path_factory.mktemp("leader") / "firm"
    shutil.copytree(made_once(tmp_path_factory, "made-demo", lambda made: make_demo(made, "--accounts", "160")), home)
    laer(home, "user", "create", LEAD, "--role", "lead", stdin=PASSWORD)
    with served(home) as site:
        yield site


@pytest.fixture(params=HANDS)
def hand(firm: Served, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Mouse]:
    with firm.open(browser, None) as context:
        page = context.new_page()
        troubles = Troubles(page)
        page.goto("/login/")
        yield HANDS[request.param](page)
        assert troubles.said == []


def amount(text: str | None) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text or "") or "0")


def exported(hand: Mouse) -> list[dict[str, str]]:
    """What the page's list gives as a file."""
    hand.press(hand.page.locator("summary", has_text="Export").filter(visible=True).last)
    file = hand.download(hand.page.get_by_role("link", name="CSV").filter(visible=True).last)
    return list(csv.DictReader(Path(file.path()).read_text(encoding="utf-8-sig").splitlines()))


def test_a_leader_finds_the_worst_leak_and_takes_its_accounts_along(hand: Mouse) -> None:
    page = hand.page
    hand.sign_in(LEAD)
    hand.go("Flow", "f")

    # the worst leak is a sentence: how much, where, and who meets there
    leak = page.locator(".leak")
    said = leak.get_by_role("heading").inner_text()
    assert said.startswith("The worst leak: ")
    expect(leak).to_contain_text(re.compile("of what was landed"))
    hand.stop("leader-flow")

    # who is behind it: the sentence names the part of the base in which most of it leaked, the table below has every part
    expect(leak).to_contain_text(re.compile(r"\d+% of it: Segment \w+"))
    expect(page.get_by_role("region", name="Split, table").locator("tbody tr").first).to_be_attached()

    # its accounts, and they add up to it
    hand.press(page.locator(".leak").get_by_role("link", name="See the accounts behind it"))
    total = page.locator(".figure-card").first.locator(".figure-value")
    exact = amount(total.get_attribute("title"))
    assert exact > 0
    assert total.inner_text() in said
    hand.stop("leader-leak")
    rows = exported(hand)
    assert sum(Decimal(row["amount"]) for row in rows) == exact
    counted = page.locator(".figure-card").nth(1).locator(".figure-value").inner_text()
    assert str(len(rows)) == counted.replace(",", "")
    assert page.locator("a[data-row-link]").first.inner_text() in {row["account"] for row in rows}


def test_a_leader_sees_where_the_base_stands_and_takes_a_cell_along(hand: Mouse) -> None:
    page = hand.page
    hand.sign_in(LEAD)
    hand.go("Flow", "f")
    hand.press(page.get_by_role("navigation", name="Flow", exact=True).get_by_role("link", name="Board"))
    hand.heading("Board")
    hand.press(page.locator("summary.chip", has_text="Segment"))
    hand.press(page.get_by_role("group", name="Segment").get_by_role("link", name=re.compile("^Enterprise")))
    expect(page.get_by_role("list", name="Filters in force")).to_contain_text("Enterprise")
    hand.stop("leader-board")
    renew = page.get_by_role("region", name="Renew, table")
    cell = renew.get_by_role("row").filter(has_text="in the window").get_by_role("link").first
    wanted = int(re.match(r"\d+", cell.inner_text().replace(",", ""))[0])  # type: ignore[index]
    hand.press(cell)
    hand.heading("Accounts")
    expect(page.get_by_role("list", name="Filters in force")).to_contain_text("Enterprise")
    expect(page.locator(".state-line").first).to_contain_text(f"{wanted} accounts" if wanted != 1 else "1 account")
    rows = exported(hand)
    assert len(rows) == wanted
    assert {row["renew_state"] for row in rows} == {"window"}

    # one of them: its position in the four letters, and why
    hand.row(page.get_by_role("region", name="Accounts, table"), 0)
    strip = page.get_by_role("list", name="Position in Land, Adopt, Expand, Renew")
    hand.press(strip.locator("summary.chip").nth(3))
    expect(strip).to_contain_text(re.compile("Because .*180 days"))
    hand.stop("leader-position")
