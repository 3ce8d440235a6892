"""Three people's work as they do it, each by mouse and by keyboard alone: a CSM's morning, a lead's weekly review, finance's month end until it is closed.

A walk begins at the sign-in page and never types an address. What it needs (tasks, a note that names somebody) is laid out for it
before, so that each stands by itself in the one installation that they share.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from python_calamine import CalamineWorkbook

from tests.browser.hands import HANDS, Mouse
from tests.browser.served import ADMIN, MEMBER, PASSWORD, Served, Troubles, drawn, laer, make_demo, served
from tests.browser.test_tasks import bars
from tests.homes import made_once

pytestmark = pytest.mark.browser

LEAD = "helena.vestergaard@northmoor.example"
FINANCE = "ledger@northmoor.example"
OPEN = ("Alder Chandlery", "Birch Couriers", "Cedar Dyeworks", "Dogwood Tiles", "Elder Pianos", "Fir Turbines")  # two of the first four for each lead
HEADER = "subscription_id,account_id,start_date,end_date,mrr,currency\n"
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demo firm of their own, since they close its months; with a lead and somebody from finance."""
    home = tmp_path_factory.mktemp("walks") / "firm"
    shutil.copytree(made_once(tmp_path_factory, "made-demo", lambda made: make_demo(made, "--accounts", "160")), home)
    for who, role in ((LEAD, "lead"), (FINANCE, "finance")):
        laer(home, "user", "create", who, "--role", role, stdin=PASSWORD)
    leave_open(home)
    with served(home) as site:
        yield site


def leave_open(home: Path) -> None:
    """What a lead has to look at: contracts that ran out while their lines go on, and departures that the lines know nothing of."""
    folder = home.parent / "legacy"
    folder.mkdir()
    ago = {days: date.today() - timedelta(days=days) for days in (1, 60, 135, 500)}
    accounts = {f"O-{n}": name for n, name in enumerate(OPEN, 1)}
    for file, header, rows in (
        ("accounts", "account_id,account_name,country", [f"{key},{name},GB" for key, name in accounts.items()]),
        ("subscriptions", "subscription_id,account_id,start_date,end_date,mrr,currency", [f"S-{key},{key},{ago[500]},,300,USD" for key in accounts]),
        ("contracts", "contract_id,account_id,start_date,end_date", [f"C-{key},{key},{ago[500]},{ago[135]}" for key in list(accounts)[:4]]),
        ("churn_events", "account_id,effective_date,reason", [f"{key},{ago[60]},price" for key in list(accounts)[4:]]),
    ):
        (folder / f"{file}.csv").write_text("\n".join((header, *rows)) + "\n")
    laer(home, "import", str(folder), "--source", "legacy", "--end", "exclusive", "--as-of", str(ago[1]))


@pytest.fixture(params=HANDS)
def hand(firm: Served, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Mouse]:
    with firm.open(browser, None) as context:
        page = context.new_page()
        troubles = Troubles(page)
        page.goto("/login/")
        yield HANDS[request.param](page)
        assert troubles.said == []


def given(site: Served, browser: Browser, assignee: str, *tasks: tuple[str, date], account: bool = False) -> None:
    """The admin gives tasks to somebody, who is told; about one of their accounts, or about none."""
    with site.open(browser) as context:
        page = context.new_page()
        page.goto("/accounts/?view=all" if account else "/tasks/")
        if account:
            page.goto(f"{page.get_by_role('row').filter(has_text=assignee).first.locator('a[data-row-link]').get_attribute('href')}?tab=tasks")
        for title, due in tasks:
            page.get_by_label("What is to do").fill(title)
            page.locator("input[name=due_on]").fill(due.isoformat())
            page.get_by_label("For whom").select_option(label=assignee)
            page.get_by_role("button", name="Add", exact=True).click()
            expect(page.locator("#toasts")).to_contain_text(title)


def reopened(site: Served, browser: Browser) -> None:
    """No month is closed when finance's month end begins."""
    with site.open(browser) as context:
        page = context.new_page()
        page.goto("/revenue/close/?all=1")
        closed = page.locator("form.reopen")
        if closed.count():
            page.locator("summary", has_text="Reopen").last.click()
            closed.last.get_by_role("textbox").fill("the walk begins anew")
            closed.last.get_by_role("button").click()
            expect(closed).to_have_count(0)


def money(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.]", "", text)) * (-1 if "−" in text else 1)


def task(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name="Tasks, table").get_by_role("row").filter(has_text=title)


def narrowed(hand: Mouse, menu: str, option: str | re.Pattern[str], sentence: str) -> None:
    """A filter is chosen from its menu, and stands as a sentence."""
    hand.press(hand.page.locator("summary.chip", has_text=menu))
    hand.press(hand.page.get_by_role("group", name=menu).get_by_role("link", name=option))
    expect(hand.page.get_by_role("list", name="Filters in force")).to_contain_text(sentence)


def previewed(hand: Mouse, *files: Path) -> None:
    """Files are brought, their columns recognised, and what they would do is shown."""
    page = hand.page
    hand.go("Data", "d")
    hand.press(page.get_by_role("link", name="Import files").first)
    hand.upload(page.get_by_label("Drop files here, or choose them"), *files)
    hand.write(page.get_by_label("Source"), f"billing {hand.name}")
    hand.press(page.get_by_role("button", name="Read the files"))
    expect(page.get_by_label("Column mrr is")).not_to_have_value("")
    hand.press(page.get_by_role("button", name="See what it would do"))


# -- a CSM's morning ------------------------------------------------------------------------------------------------


def test_a_csms_morning(hand: Mouse, firm: Served, browser: Browser) -> None:
    page, today = hand.page, date.today()
    first, second = (f"{what} ({hand.name})" for what in ("Prepare the review", "Call about the invoice"))
    given(firm, browser, "Jonas Feldkamp", (first, today), (second, today - WEEK))

    hand.sign_in(MEMBER)
    hand.go("Notifications", "b")
    expect(page.get_by_role("region", name="Notifications, table")).to_contain_text(second)
    hand.stop("csm-notifications")

    # what is due: one is done, one is put off and taken back
    hand.go("Tasks", "k")
    expect(task(page, second)).to_contain_text("overdue")
    hand.complete(task(page, first))
    hand.said("Task done")
    expect(task(page, first)).to_have_count(0)
    hand.tick_row(task(page, second))
    hand.press(page.get_by_role("button", name="Tomorrow"))
    hand.said(re.compile("put off|Task"))
    expect(task(page, second)).not_to_contain_text("overdue")
    hand.undo()
    hand.said("Undone")
    expect(task(page, second)).to_contain_text("overdue")
    hand.stop("csm-tasks")

    # the account whose contract ends next
    hand.go("Accounts", "a")
    narrowed(hand, "Contract ends", "Within 90 days", "90 days")
    hand.press(page.get_by_role("columnheader", name="Contract ends").get_by_role("link"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Contract ends")
    table = page.get_by_role("region", name="Accounts, table")
    account = table.locator("a[data-row-link]").first.inner_text()
    hand.row(table, 0)
    hand.heading(account)

    # a call is logged, a note names a colleague
    hand.press(page.get_by_role("navigation", name="About this account").get_by_role("link", name="Activity"))
    expect(page.get_by_role("navigation", name="Kinds of activity")).to_be_visible()
    hand.touch("Call")
    dialog = page.get_by_role("dialog", name="Log a touch")
    hand.write(dialog.get_by_label("Minutes"), "45")
    hand.mark(dialog.get_by_label("Good", exact=True))
    hand.write(dialog.get_by_label("What was said"), "They renew in spring")
    if hand.name == "keyboard":
        page.keyboard.press("Enter")
    else:
        hand.press(dialog.get_by_role("button", name="Save"))
    hand.said(f"Call with {account} logged")
    story = page.locator(".feed > li")
    expect(story.filter(has_text="They renew in spring").first).to_contain_text("45")
    hand.write(page.get_by_label("Write a note"), f"@Demo Admin the board wants two more seats ({hand.name})")
    hand.press(page.get_by_role("button", name="Add note"))
    expect(story.first).to_contain_text("two more seats")
    hand.stop("csm-activity")

    # a field is mended in its place, and put back
    hand.press(page.get_by_role("navigation", name="About this account").get_by_role("link", name="Overview"))
    region = page.locator("#field-region")
    before = region.locator("td").first.inner_text().splitlines()[0]
    hand.press(page.get_by_role("link", name="Edit Region"))
    expect(page.get_by_label("Region", exact=True)).to_be_focused()
    hand.write(page.get_by_label("Region", exact=True), "Lapland")
    page.keyboard.press("Enter")
    expect(region).to_contain_text("Lapland")
    hand.said("Region changed")
    hand.undo()
    hand.said("Region is back to what it was")
    expect(region.locator("td").first).to_contain_text(before)

    # what follows from it
    hand.press(page.get_by_role("navigation", name="About this account").get_by_role("link", name="Tasks"))
    title = f"Send an offer ({hand.name})"
    hand.write(page.get_by_label("What is to do"), title)
    hand.day(page.locator("input[name=due_on]"), today + WEEK)
    hand.press(page.get_by_role("button", name="Add", exact=True))
    hand.said(f"“{title}” added")
    hand.open(task(page, title))
    hand.heading(title)
    hand.write(page.get_by_label("Item 1", exact=True), "Ask for the price list")
    hand.write(page.get_by_label("Item 2", exact=True), "Two more seats")
    hand.press(page.get_by_role("button", name="Save"))
    expect(task(page, title)).to_contain_text("0 of 2 ticked")

    # and the next account
    hand.go("Accounts", "a")
    other = next(name for name in table.locator("a[data-row-link]").all_inner_texts() if name != account)
    hand.find(other)
    hand.heading(other)

    with firm.open(browser) as context:
        told = context.new_page()
        told.goto("/notifications/")
        expect(told.get_by_role("region", name="Notifications, table")).to_contain_text(f"two more seats ({hand.name})")


# -- a lead's weekly review -----------------------------------------------------------------------------------------


def test_a_leads_weekly_review(hand: Mouse, firm: Served, browser: Browser) -> None:
    page, today = hand.page, date.today()
    given(firm, browser, "Jonas Feldkamp", (chore := f"Book the room ({hand.name})", today), account=True)

    # the team's list: what ends within a quarter, in columns of one's own, the largest last, kept for everybody
    hand.sign_in(LEAD)
    hand.go("Accounts", "a")
    narrowed(hand, "Contract ends", "Within 90 days", "90 days")
    hand.press(page.locator("summary.chip", has_text="Columns"))
    for column in ("Segment", "Health", "MRR, 12 months"):
        hand.tick(page.get_by_role("checkbox", name=column, exact=True))
    hand.press(page.get_by_role("button", name="Show these"))
    table = page.get_by_role("region", name="Accounts, table")
    expect(table.get_by_role("columnheader", name="Segment")).to_have_count(0)
    hand.press(table.get_by_role("columnheader", name="ARR").get_by_role("link"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("ARR")
    hand.press(page.locator("summary", has_text="Save view"))
    view = f"Ends within a quarter ({hand.name})"
    hand.write(page.get_by_label("Name of the view"), view)
    hand.tick(page.get_by_role("checkbox", name="Shared with everybody"))
    hand.press(page.get_by_role("button", name="Save", exact=True))
    expect(page.get_by_role("list", name="Saved views").get_by_role("link", name=view)).to_have_attribute("aria-current", "true")
    hand.stop("lead-view")

    # the file says what the screen says
    shown = page.locator(".pager").inner_text()
    hand.press(page.locator("summary", has_text="Export").filter(visible=True))
    file = hand.download(page.get_by_role("link", name="Spreadsheet (XLSX)"))
    head, *rows = CalamineWorkbook.from_path(file.path()).get_sheet_by_index(0).to_python()
    assert [row[head.index("account")] for row in rows] == table.locator("a[data-row-link]").all_inner_texts()
    assert not {"segment", "country", "health"} & set(head)
    for column in ("mrr", "arr"):
        said = money(re.search(rf"{column.upper()} (\S+)", shown)[1])  # type: ignore[index]
        assert sum(Decimal(str(row[head.index(column)])) for row in rows) == said, column
    assert f"{len(rows)} accounts" in shown

    # renewals: what falls due, and what nobody has said about contracts that ran out
    hand.go("Renew", "n")
    expect(page.locator(".figure-card", has_text="Ends in 90 days")).to_contain_text("contracts")
    hand.press(page.get_by_role("navigation", name="Renewals").get_by_role("link", name="Expired, unresolved"))
    due = page.get_by_role("region", name="Renewals, table")
    expect(page.get_by_role("button", name="It renewed by itself")).to_be_visible()
    hand.stop("lead-unresolved")
    boxes = due.get_by_role("checkbox")
    mine = [box for box in boxes.all() if any(name in (box.get_attribute("aria-label") or "") for name in OPEN)][:2]
    assert len(mine) == 2
    for box in mine:
        hand.tick(box)
    hand.press(page.get_by_role("button", name="It renewed by itself"))
    hand.said("2 contracts")

    # what sources disagree on, down to its rows
    hand.go("Revenue", "r")
    odd = page.get_by_role("region", name="What the sources disagree on")
    hand.press(odd.get_by_role("link", name=re.compile("^Rows of")).first)
    expect(page.locator("table[data-rows]")).to_contain_text(re.compile("Elder Pianos|Fir Turbines"))

    # somebody else's task changes hands
    hand.go("Tasks", "k")
    hand.press(page.get_by_role("navigation", name="Whose tasks").get_by_role("link", name="All I may see"))
    hand.tick_row(task(page, chore))
    hand.choose(page.get_by_label("Give to"), "Helena Vestergaard")
    hand.press(page.get_by_role("button", name="Give", exact=True))
    expect(task(page, chore)).to_contain_text("Helena Vestergaard")

    # a colleague is away, and somebody stands in
    hand.go("Settings", "s", "Your sign-in")
    hand.press(page.get_by_role("navigation", name="Settings").get_by_role("link", name="Cover"))
    hand.choose(page.get_by_label("Away"), "Camille Roussin")
    hand.choose(page.get_by_label("Stands in"), "Jonas Feldkamp")
    hand.day(page.get_by_label("Last day"), today + WEEK)
    hand.press(page.get_by_role("button", name="Arrange"))
    covers = page.get_by_role("region", name="Covers, table")
    expect(covers.get_by_role("row").filter(has_text="Camille Roussin")).to_contain_text("now")
    hand.stop("lead-cover")
    hand.press(covers.get_by_role("button", name="End the cover of Camille Roussin"))
    expect(covers.get_by_role("row").filter(has_text="Camille Roussin")).to_have_count(0)


# -- finance's month end --------------------------------------------------------------------------------------------


def test_finances_month_end(hand: Mouse, firm: Served, browser: Browser, tmp_path: Path) -> None:
    page = hand.page
    reopened(firm, browser)
    first, second = (f"{name} {hand.name}" for name in ("Thistle Ferries", "Umber Ceramics"))
    for file, text in (
        ("accounts.csv", f"account_id,account_name,country\n{hand.name}-1,{first},GB\n{hand.name}-2,{second},IT\n"),
        ("lines.csv", f"{HEADER}{hand.name}-S1,{hand.name}-1,2023-11-01,,1200,USD\n{hand.name}-S2,{hand.name}-2,2023-13-45,,800,USD\n"),
        (mended := f"{hand.name}-mended.csv", f"{HEADER}{hand.name}-S1,{hand.name}-1,2023-11-01,,1500,USD\n"),
    ):
        (tmp_path / file).write_text(text)

    # the month's files: mapped, seen before they are written, taken in
    hand.sign_in(FINANCE)
    previewed(hand, tmp_path / "accounts.csv", tmp_path / "lines.csv")
    expect(page.locator(".figure-card", has_text="Rejected").locator(".figure-value")).to_have_text("1")
    expect(page.get_by_role("region", name="Rejected rows, table")).to_contain_text("2023-13-45")
    hand.press(page.get_by_role("button", name="Import", exact=True))
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    hand.stop("finance-imported")

    # the row that was refused: downloaded, mended, given back
    hand.press(page.get_by_role("navigation", name="Data").get_by_role("link", name="Quarantine"))
    waiting = page.get_by_role("region", name="Rows in quarantine, table")
    expect(waiting).to_contain_text("2023-13-45")
    hand.press(page.locator("summary", has_text="Download to correct"))
    refused = hand.download(page.get_by_role("link", name="CSV")).path().read_text("utf-8-sig")
    (tmp_path / "corrected.csv").write_text(refused.replace("2023-13-45", "2023-11-15"))
    hand.upload(page.get_by_label("Corrected rows"), tmp_path / "corrected.csv")
    hand.press(page.get_by_role("button", name="Give back"))
    expect(page.get_by_text("Imported", exact=True).or_(page.get_by_role("heading", name="Quarantine is empty"))).to_be_visible(timeout=60_000)

    # a finding's row is taken out of the figures with a reason, and taken back
    hand.go("Data", "d")
    hand.press(page.get_by_role("navigation", name="Data").get_by_role("link", name="Doctor"))
    hand.heading("Doctor")
    finding = page.locator("#zero_mrr_trials")
    hand.press(finding.locator("summary"))
    hand.press(finding.get_by_role("link", name="Rows behind this"))
    hand.tick(page.get_by_role("checkbox", name=re.compile("^Choose the row")).first)
    reason = f"a trial of our own ({hand.name})"
    hand.write(page.get_by_label("Exclude with a reason"), reason)
    hand.press(page.get_by_role("button", name="Exclude the ticked rows"))
    hand.press(page.get_by_role("link", name=re.compile("excluded$")).first)
    hand.heading("Excluded rows")
    out = page.get_by_role("region", name="Excluded rows, table").get_by_role("row").filter(has_text=reason)
    hand.press(out.get_by_role("button", name=re.compile("^Take back")))
    expect(page.get_by_role("region", name="Rows that were taken back, table")).to_contain_text(reason)

    # the month: a movement opens to accounts that add up to it; counted net of the month, the closing is the same
    hand.go("Revenue", "r")
    hand.press(page.get_by_role("link", name="The period before"))
    expect(page).to_have_url(re.compile("month="))
    drawn(page)
    bar = next(b for b in bars(page) if b["kind"] == "up" and b["url"])
    there = page.locator(".figure-value").first.get_attribute("title")
    hand.bar(bar["label"])
    hand.heading(re.compile(bar["label"]))
    total = money(page.locator("tfoot td.num").inner_text())
    assert total == Decimal(bar["value"])
    rows = [money(text) for text in page.locator("tbody td.num.strong").all_inner_texts()]
    assert abs(sum(rows) - total) <= Decimal("0.01") * len(rows), "rows are rounded each, their sum once"
    hand.stop("finance-behind")
    hand.press(page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Revenue"))
    hand.press(page.get_by_role("link", name="Net of the month"))
    expect(page.get_by_role("navigation", name="How movements are counted").locator("[aria-current]")).to_have_text("Net of the month")
    for _ in range(5):  # what was given back and taken back above may be read in between, so both are asked again
        net = page.locator(".figure-value").first.get_attribute("title")
        if net == there:
            break
        hand.press(page.get_by_role("link", name="Each change"))
        there = page.locator(".figure-value").first.get_attribute("title")
        hand.press(page.get_by_role("link", name="Net of the month"))
        expect(page.get_by_role("navigation", name="How movements are counted").locator("[aria-current]")).to_have_text("Net of the month")
    assert net == there

    # several months are closed, after a question
    def to_close() -> Locator:
        hand.go("Revenue", "r")
        hand.press(page.get_by_role("link", name="Close months"))
        hand.heading("Close months")
        return page.locator("main")

    button = page.get_by_role("button", name=re.compile(r"^Close \d+ months …$"))

    def with_later() -> None:
        to_close()
        hand.press(page.locator("summary", has_text="Close to a later month"))
        hand.press(page.get_by_role("group", name="Months").get_by_role("link").first)
        expect(button).to_be_visible()

    until(with_later, page.locator(".closing-form button:enabled"))
    hand.write(page.get_by_label("Note"), f"board ({hand.name})")
    hand.press(button)
    hand.heading(re.compile(r"^Close \d+ months\?$"))
    hand.stop("finance-sure")
    hand.press(page.get_by_role("button", name=re.compile(r"^Close \d+ months$")))
    hand.said("are closed")

    # a line of those months was wrong: what was reported stays, and what differs has its cause and its author
    previewed(hand, tmp_path / mended)
    expect(page.locator(".figure-card", has=page.get_by_text("Changed", exact=True)).locator(".figure-value")).to_have_text("1")
    hand.press(page.get_by_role("button", name="Import", exact=True))
    expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
    notice = page.locator(".notice", has_text="Closed months have changed since they were reported: $300.00 more")
    until(lambda: hand.go("Revenue", "r"), notice)
    hand.press(page.get_by_role("link", name="The period before"))
    expect(page).to_have_url(re.compile(f"month={date.today().replace(day=1) - timedelta(days=1):%Y-%m}"))
    reported, restated = (closing_of(hand, basis) for basis in ("As reported", "As restated"))
    assert restated - reported == 300
    hand.press(page.locator("summary", has_text="The movements as a table"))
    expect(page.get_by_role("region", name="MRR movement, table").locator(".pill-warn").last).to_contain_text("+$300.00")
    hand.stop("finance-restated")
    hand.press(notice.get_by_role("link", name="Accounts and causes"))
    hand.heading("Close months")
    changed = page.get_by_role("region", name="Restatements, table").get_by_role("row").filter(has_text=first)
    expect(changed).to_contain_text(re.compile(rf"\+\$300\.00.*import \d+ \({mended}\).*by Ledger", re.DOTALL))
    file = hand.download(page.get_by_role("link", name="Download restatements")).path()
    (row,) = (row for row in csv.DictReader(file.open(encoding="utf-8-sig")) if row["account"] == first)
    assert (Decimal(row["restatement_mrr"]), row["month"], row["author"]) == (300, "2023-11", "Ledger")

    # it was right after all: its import is undone, and the restatement is gone; then the month's own, which is asked about
    hand.go("Data", "d")
    hand.press(page.get_by_role("button", name=f"Undo the import {mended}"))
    expect(page.get_by_text("Undone: what stood before stands again")).to_be_visible(timeout=60_000)
    expect(page.locator("main")).to_contain_text("its restatement is gone")
    until(to_close, page.locator("main:not(:has-text('Changed since it was reported'))"))
    hand.go("Data", "d")
    hand.press(page.get_by_role("row").filter(has_text=f"billing {hand.name}").get_by_role("button", name=re.compile("^Undo the import accounts.csv")))
    hand.heading(re.compile("^Undo .+[?]$"))
    hand.stop("finance-undo")
    hand.press(page.get_by_role("button", name="Undo this import"))
    expect(page.get_by_text("Undone: what stood before stands again")).to_be_visible(timeout=60_000)
    hand.press(page.get_by_role("link", name="Restatements"))
    hand.heading("Close months")
    until(to_close, changed.filter(has_text=re.compile(r"−\$1,200\.00.*undo of import \d+.*by Ledger", re.DOTALL)))
    hand.stop("finance-restatements")

    # who closed is in the audit, which an admin can show
    hand.sign_out()
    hand.sign_in(ADMIN)
    hand.go("Settings", "s", "People")
    hand.press(page.get_by_role("navigation", name="Settings").get_by_role("link", name="Audit"))
    hand.press(page.get_by_role("navigation", name="What was done").get_by_role("link", name="Closings"))
    expect(page.get_by_role("navigation", name="What was done").locator("[aria-current]")).to_have_text("Closings")
    entry = page.get_by_role("region", name="Audit, table").get_by_role("row").filter(has_text=f"board ({hand.name})").first
    expect(entry).to_contain_text("Ledger")
    expect(entry).to_contain_text("losed")
    hand.stop("finance-audit")


def closing_of(hand: Mouse, basis: str) -> Decimal:
    """The closing MRR of the month shown, on the page and in the file."""
    page = hand.page
    switch = page.get_by_role("navigation", name="Figures of closed months")
    hand.press(switch.get_by_role("link", name=basis))
    expect(switch.locator("[aria-current]")).to_have_text(basis)
    value = money(page.locator(".figure-value").first.get_attribute("title") or "")
    month = page.url.partition("month=")[2][:7]
    file = hand.download(page.get_by_role("link", name="Download CSV")).path()
    (row,) = (row for row in csv.DictReader(file.open(encoding="utf-8-sig")) if row["month"] == month)
    assert Decimal(row["closing_mrr"]) == value
    return value


def until(look: Callable[[], object], sought: Locator) -> None:
    """Look again until the pass after a change has been published: a person would do the same."""
    for _ in range(40):
        look()
        try:
            expect(sought).to_be_visible(timeout=2_000)
        except AssertionError:
            continue
        return
    raise AssertionError(f"{sought} did not come")
