"""Tasks as their users walk through them, by mouse, and again by keyboard alone where that makes sense."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.pages import upload
from tests.browser.served import ADMIN, MEMBER, PASSWORD, Served, drawn, sign_in

pytestmark = pytest.mark.browser

ACCOUNTS = "account_id,account_name,segment,country\nT-1,Thistle Ferries,SMB,GB\nT-2,Umber Ceramics,SMB,IT\n"
LINES = (
    "subscription_id,account_id,start_date,end_date,mrr,currency\n"
    "S-1,T-1,2026-01-01,,1200,USD\n"
    "S-2,T-2,2026-02-01,,800,USD\n"
    "S-3,T-2,2026-13-45,,500,USD\n"
)


def names(page: Page) -> list[str]:
    return page.locator("table[data-rows] a[data-row-link]").all_inner_texts()


def settled(page: Page) -> None:
    """No request of htmx is under way."""
    expect(page.locator(".is-loading")).to_have_count(0)


def computed(page: Page, sought: Locator) -> None:
    """Look again until the pass after a change has been published."""
    until = time.monotonic() + 120
    while not sought.is_visible() and time.monotonic() < until:
        page.wait_for_timeout(500)
        page.reload()
    expect(sought).to_be_visible()


def money(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace("+", "").replace("$", "").replace(",", ""))


# -- in and out -----------------------------------------------------------------------------------------------------


def test_sign_in_and_out_by_mouse(stranger: Page) -> None:
    stranger.goto("/revenue/?by=country")
    expect(stranger).to_have_url(re.compile(r"/login/\?next="))
    stranger.get_by_label("E-mail address").fill(ADMIN)
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger).to_have_url(re.compile(r"/revenue/\?by=country$"))
    stranger.get_by_text("Your menu").locator("..").click()
    stranger.get_by_role("button", name="Sign out").click()
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger.goto("/accounts/")
    expect(stranger).to_have_url(re.compile(r"/login/"))


def test_sign_in_and_out_by_keyboard(stranger: Page) -> None:
    stranger.goto("/login/")
    stranger.get_by_label("E-mail address").focus()
    stranger.keyboard.type(ADMIN)
    stranger.keyboard.press("Tab")
    if stranger.evaluate("document.activeElement.id") != "id_password":  # "Forgot it?" stands between them
        stranger.keyboard.press("Tab")
    stranger.keyboard.type(PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Home", level=1)).to_be_visible()
    stranger.locator("details.menu > summary", has_text="Your menu").focus()
    stranger.keyboard.press("Enter")
    stranger.keyboard.press("Shift+Tab")
    stranger.locator("details.menu > summary", has_text="Your menu").focus()
    for _ in range(8):
        stranger.keyboard.press("Tab")
        if stranger.evaluate("document.activeElement.textContent").strip() == "Sign out":
            break
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_told(stranger: Page) -> None:
    stranger.goto("/login/")
    stranger.get_by_label("E-mail address").fill(MEMBER)
    stranger.get_by_label("Password").fill("not the password")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_contain_text("password")
    expect(stranger.get_by_label("E-mail address")).to_have_value(MEMBER)
    expect(stranger.get_by_label("Password")).to_have_value("")


# -- find an account ------------------------------------------------------------------------------------------------


def test_find_an_account_by_keyboard(page: Page) -> None:
    page.goto("/revenue/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    sought = names(page)[7]
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type(sought.upper()[:9])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q="))
    expect(page.locator("table[data-rows] a[data-row-link]").filter(has_text=sought)).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("j")
    for _ in range(names(page).index(sought)):
        page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_contain_text(sought)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=sought, level=1)).to_be_visible()


def test_rows_by_j_and_k(page: Page) -> None:
    page.goto("/accounts/")
    third = names(page)[2]
    for key in "jjjjk":
        page.keyboard.press(key)
    current = page.locator("tr.is-current")
    expect(current).to_contain_text(third)
    expect(current.locator("a[data-row-link]")).to_be_focused()


def test_typing_filters_the_list_as_it_goes(page: Page) -> None:
    page.goto("/accounts/")
    sought = names(page)[4]
    field = page.get_by_label("Filter by name or domain")
    field.press_sequentially(sought[:12], delay=15)
    expect(page.locator("table[data-rows] tbody tr").first).to_contain_text(sought)
    expect(page).to_have_url(re.compile(r"\bq="))
    expect(page.get_by_label("Filter by name or domain")).to_be_focused()
    while "q=" in page.url:  # on a slow machine the letters come one by one, each with a list and an address of its own
        page.go_back()
    expect(page).to_have_url(re.compile(r"/accounts/$"))


def test_filter_sort_and_turn_pages_by_mouse(page: Page) -> None:
    page.goto("/accounts/")
    page.locator("summary.chip", has_text="Segment").click()
    page.get_by_role("group", name="Segment").get_by_role("link", name="Enterprise").click()
    expect(page.get_by_text("Segment is Enterprise")).to_be_visible()
    expect(page).to_have_url(re.compile("segment=Enterprise"))
    settled(page)
    shown = page.locator("table[data-rows] tbody tr")
    assert all("Enterprise" in text for text in shown.all_inner_texts())
    page.get_by_role("link", name="Remove: Segment is Enterprise").click()
    expect(page.get_by_text("Segment is Enterprise")).to_have_count(0)

    page.get_by_role("columnheader", name="Account").get_by_role("link").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Account")
    first = names(page)
    assert first == sorted(first, key=str.casefold) or first[0].casefold() <= first[-1].casefold()
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile("after="))
    expect(page.locator("table[data-rows] a[data-row-link]").first).not_to_have_text(first[0])
    second = names(page)
    assert not set(first) & set(second)
    assert first[-1].casefold() <= second[0].casefold()
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("table[data-rows] a[data-row-link]").first).to_have_text(first[0])
    assert names(page) == first
    for _ in range(2):  # anywhere on the row: first at a glance, then in full
        page.locator("table[data-rows] tbody tr").nth(3).locator("td").nth(1).click()
        expect(page.locator("#peek-title, h1").filter(has_text=first[3])).to_be_visible()
    expect(page.get_by_role("heading", name=first[3], level=1)).to_be_visible()
    page.go_back()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Account")


# -- edit in place --------------------------------------------------------------------------------------------------


@pytest.fixture
def account(page: Page) -> Page:
    """An account's page."""
    page.goto("/accounts/?sort=name&state=paying")
    page.locator("a[data-row-link]").nth(5).press("Enter")
    expect(page.get_by_role("heading", name="About")).to_be_visible()
    return page


def region(page: Page) -> Locator:
    return page.locator("#field-region")


def test_edit_and_undo_by_mouse(account: Page) -> None:
    page = account
    before = region(page).locator("td").first.inner_text().splitlines()[0]
    region(page).hover()
    page.get_by_role("link", name="Edit Region").click()
    expect(page.get_by_label("Region", exact=True)).to_be_focused()
    page.get_by_label("Region", exact=True).fill("Lapland")
    page.get_by_role("button", name="Save").click()
    expect(region(page)).to_contain_text("Lapland")
    toast = page.locator(".note-toast", has_text="Region changed")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Undo").click()
    expect(region(page)).to_contain_text(before)
    expect(region(page)).not_to_contain_text("Lapland")
    expect(page.get_by_text("Region is back to what it was")).to_be_visible()
    page.get_by_role("link", name="Changes", exact=True).click()
    log = page.get_by_role("region", name="Changes, table").locator("tbody tr")
    expect(log.nth(0)).to_contain_text("Region")
    expect(log.nth(0).locator(".old-value")).to_have_text("Lapland")
    expect(log.nth(1).locator(".new-value")).to_have_text("Lapland")
    expect(log.nth(1)).to_contain_text("Demo Admin")


def test_edit_by_keyboard(account: Page) -> None:
    page = account
    page.get_by_role("link", name="Edit Region").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Region", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Bavaria")
    page.keyboard.press("Enter")
    expect(region(page)).to_contain_text("Bavaria")
    undo = page.locator(".note-toast").get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Enter")
    expect(region(page)).not_to_contain_text("Bavaria")


def test_escape_leaves_everything_as_it_was(account: Page) -> None:
    page = account
    before = region(page).inner_text()
    page.get_by_role("link", name="Edit Region").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Region", exact=True)).to_be_focused()
    page.keyboard.type("Nowhere")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Region", exact=True)).to_have_count(0)
    assert region(page).inner_text() == before


def test_e_edits_the_first_field(account: Page) -> None:
    account.keyboard.press("e")
    expect(account.locator(".fact-form select")).to_be_focused()
    account.keyboard.press("Escape")
    expect(account.locator(".fact-form")).to_have_count(0)


def test_a_wrong_value_is_told_beside_its_field(account: Page) -> None:
    page = account
    page.get_by_role("link", name="Edit Employees").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Employees", exact=True).fill("a handful")
    page.keyboard.press("Enter")
    expect(page.locator(".fact-form .errorlist")).to_contain_text("a handful")
    expect(page.get_by_label("Employees", exact=True)).to_have_value("a handful")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator(".fact-form")).to_have_count(0)


# -- revenue --------------------------------------------------------------------------------------------------------


def a_month(page: Page, back: int) -> None:
    page.locator(".stepper summary").click()
    page.get_by_role("group", name="Months").get_by_role("link").nth(back).click()
    expect(page).to_have_url(re.compile("month="))
    settled(page)
    drawn(page)


def bars(page: Page) -> list[dict[str, str]]:
    return json.loads(page.locator("#waterfall-data").text_content() or "")["bars"]


def test_a_bar_opens_to_the_accounts_that_add_up_to_it(page: Page) -> None:
    page.goto("/revenue/?by=country&cohorts=mrr")
    a_month(page, 4)
    there = page.url
    assert "by=country" in there
    for kind, colour in (("up", "--chart-up"), ("down", "--chart-down")):
        bar = next(b for b in bars(page) if b["kind"] == kind and b["url"])
        fill = page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{colour}').trim()")
        page.locator(f'[data-chart=waterfall] svg path[fill="{fill}"]').first.click(force=True)  # a loss is hatched: lines lie over it
        page.wait_for_url("**/revenue/behind/**")
        expect(page.get_by_role("heading", level=1)).to_contain_text(bar["label"])
        total = money(page.locator("tfoot td.num").inner_text())
        assert abs(total) == Decimal(bar["value"])
        rows = [money(text) for text in page.locator("tbody td.num.strong").all_inner_texts()]
        assert len(rows) < 50, "one page holds them all"
        assert abs(sum(rows) - total) <= Decimal("0.01") * len(rows), "rows are rounded each, their sum once"
        page.go_back()
        expect(page).to_have_url(there)
        expect(page.get_by_role("navigation", name="Split by").locator("[aria-current]")).to_have_text("Country")
        drawn(page)


def test_a_movement_opens_by_keyboard(page: Page) -> None:
    page.goto("/revenue/?period=quarter")
    page.locator("summary", has_text="The movements as a table").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the table itself, which scrolls
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.textContent")
    value = next(b["value"] for b in bars(page) if b["label"] == label)
    page.keyboard.press("Enter")
    page.wait_for_url("**/revenue/behind/**")
    assert abs(money(page.locator("tfoot td.num").inner_text())) == Decimal(value)
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Revenue").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Period").locator("[aria-current]")).to_have_text("Quarter")


def test_every_dimension_adds_up_to_the_whole(page: Page) -> None:
    page.goto("/revenue/")
    whole = page.locator(".figure-value").first.get_attribute("title")
    for name in page.get_by_role("navigation", name="Split by").get_by_role("link").all_inner_texts():
        if name == "Cause of change":  # a cause has movements and no level
            continue
        page.get_by_role("navigation", name="Split by").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=f"By {name.lower()}")).to_be_visible()
        settled(page)
        closing = page.get_by_role("region", name=f"MRR by {name.lower()}, table").locator("tbody td.strong")
        parts = [money(title or "") for title in closing.evaluate_all("cells => cells.map((c) => c.title)")]
        assert parts
        assert abs(sum(parts) - money(whole or "")) <= Decimal("0.01") * len(parts)


# -- the house ------------------------------------------------------------------------------------------------------


def test_a_theme_that_was_chosen_stays(page: Page) -> None:
    page.goto("/revenue/")
    drawn(page)
    theme = "document.documentElement.dataset.bsTheme"
    assert page.evaluate(theme) == "light"
    before = page.locator("[data-chart=waterfall] svg").first.inner_html()
    page.get_by_role("button", name="Use the dark theme").click()
    assert page.evaluate(theme) == "dark"
    expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()
    assert page.locator("[data-chart=waterfall] svg").first.inner_html() != before, "charts follow the theme"
    page.reload()
    assert page.evaluate(theme) == "dark"
    page.goto("/accounts/")
    assert page.evaluate(theme) == "dark"


def test_help_lists_the_keys(page: Page) -> None:
    page.goto("/accounts/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_a_member_sees_only_the_own_book(member: Page, page: Page) -> None:
    page.goto("/accounts/")
    everything = names(page)
    member.goto("/accounts/")
    expect(member.locator(".state-line").first).to_contain_text("your book")
    whole, own = (int(re.match(r"[\d,]+", p.locator(".state-line").first.inner_text())[0].replace(",", "")) for p in (page, member))  # type: ignore[index]
    assert 0 < own < whole
    others = [name for name in everything if name not in names(member)]
    page.get_by_role("link", name=others[0], exact=True).press("Enter")
    page.wait_for_url(re.compile(r"/accounts/\d+/"))
    answer = member.goto(page.url)
    assert answer is not None
    assert answer.status == 404
    member.goto(f"/accounts/?q={others[0].split()[0]}")
    assert others[0] not in names(member)
    member.goto("/revenue/")
    expect(member.locator(".state-line").first).to_contain_text("your book")
    assert money(member.locator(".figure-value").first.get_attribute("title") or "") > 0
    member.goto("/data/")
    expect(member.get_by_role("heading", name="Doctor", level=1)).to_be_visible()
    expect(member.get_by_role("link", name="Imports")).to_have_count(0)


def test_an_empty_installation_says_what_would_fill_it(empty: Served, browser: Browser) -> None:
    with empty.open(browser, None) as context:
        page = context.new_page()
        sign_in(page, ADMIN, PASSWORD)
        page.get_by_role("link", name="laer", exact=True).click()
        expect(page.get_by_role("heading", name="Import files", level=1)).to_be_visible()
        for path, title, text in (
            ("/accounts/", "No accounts yet", "A spreadsheet from a CRM or a billing system fills this list."),
            ("/revenue/", "No recurring revenue yet", "A file with one row per subscription line"),
            ("/data/", "Nothing has been imported", "CSV and XLSX files"),
            ("/data/quarantine/", "Quarantine is empty", "A row that an import refuses is kept here"),
            ("/data/doctor/", "Nothing found", "Every check ran"),
        ):
            page.goto(path)
            expect(page.get_by_role("heading", name=title)).to_be_visible()
            expect(page.locator(".empty-state")).to_contain_text(text)
        page.goto("/accounts/")
        page.locator("main").get_by_role("link", name="Import a file").click()
        expect(page.get_by_role("heading", name="Import files", level=1)).to_be_visible()


# -- import ---------------------------------------------------------------------------------------------------------


def test_import_files_and_undo_them(page: Page, tmp_path: Path) -> None:
    for name, text in (("accounts.csv", ACCOUNTS), ("lines.csv", LINES)):
        (tmp_path / name).write_text(text)
    upload(page, tmp_path / "accounts.csv", tmp_path / "lines.csv", source="billing")
    expect(page.get_by_role("heading", name="What is in these files?")).to_be_visible()
    expect(page.get_by_label("Column mrr is")).not_to_have_value("")
    page.get_by_role("button", name="See what it would do").click()
    page.wait_for_url("**/preview/")
    expect(page.locator(".figure-card", has_text="Rejected").locator(".figure-value")).to_have_text("1")
    expect(page.get_by_role("region", name="Rejected rows, table")).to_contain_text("2026-13-45")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    result = page.url

    page.get_by_role("main").get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("thistle")
    page.keyboard.press("Enter")
    found = page.get_by_role("link", name="Thistle Ferries")
    expect(found.or_(page.get_by_role("heading", name="No account is like this yet"))).to_be_visible()
    computed(page, found)
    found.press("Enter")
    page.get_by_role("link", name="Subscriptions").click()
    expect(page.get_by_role("region", name="Subscriptions, table")).to_contain_text("$1,200.00")
    page.goto("/data/quarantine/")
    expect(page.get_by_role("region", name="Rows in quarantine, table")).to_contain_text("2026-13-45")
    page.goto("/data/doctor/")
    expect(page.locator(".finding").first).to_be_visible()
    last = page.locator(".finding").last
    if last.get_attribute("open") is None:
        last.locator("summary").click()
    last.get_by_role("link", name="Rows behind this").click()
    expect(page.locator("table[data-rows] tbody tr").first).to_be_visible()

    page.goto(result)
    page.get_by_role("button", name="Undo this import").click()
    expect(page.get_by_text("Undone: what stood before stands again")).to_be_visible(timeout=60_000)
    page.goto("/accounts/?q=Thistle")
    computed(page, page.get_by_role("heading", name="No account is like this", exact=True))
