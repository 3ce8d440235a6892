"""A leader's walk: Home, the worst leak, who is behind it, their list as a file; then a report onto Home, and the board pack."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser


def test_a_leader_finds_the_worst_leak_and_takes_its_accounts_along(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/home/$"))
    expect(page.locator(".letter")).to_have_count(4)
    said = page.locator("#worst-title").inner_text()
    amount = re.search(r"\$[\d.,]+[kM]?", said)
    assert amount, said
    page.get_by_role("link", name="See the accounts behind it").click()
    expect(page).to_have_url(re.compile(r"/flow/accounts/"))
    expect(page.locator(".figure-value").first).to_have_text(amount[0])
    n = int(page.locator(".figure-value").nth(1).inner_text())
    page.locator("summary", has_text="Export").first.click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV", exact=True).first.click()
    taken.value.save_as(tmp_path / "leak.csv")
    assert len(list(csv.DictReader((tmp_path / "leak.csv").open(encoding="utf-8")))) == n > 0


def test_a_report_goes_onto_home_and_the_board_pack_leaves_as_a_workbook(page: Page, tmp_path: Path) -> None:
    page.goto("/home/reports/")
    page.get_by_label("Split by").select_option("segment")
    page.get_by_label("As", exact=True).select_option("bars")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"by=segment"))
    expect(page.locator(".chart svg").first).to_be_visible()
    page.locator("[data-save-view]").click()
    page.get_by_label("Name of the view").fill("MRR by segment")
    page.locator("form[action='/views/reports/'] button[type=submit]").click()
    page.get_by_role("button", name="Pin to my Home").click()
    page.goto("/home/")
    card = page.get_by_role("region", name="MRR by segment")
    expect(card.locator(".chart svg").first).to_be_visible()
    card.get_by_role("button", name="Take MRR by segment off Home").click()
    expect(page.get_by_role("region", name="MRR by segment")).to_have_count(0)

    page.get_by_role("link", name="Board pack").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Board pack")
    closing = page.locator("tr", has_text="Closing MRR").locator("td.num").last.inner_text()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Workbook (XLSX)").click()
    taken.value.save_as(tmp_path / "pack.xlsx")
    summary = CalamineWorkbook.from_path(tmp_path / "pack.xlsx").get_sheet_by_name("Summary").to_python()
    assert f"${next(row[1] for row in summary if row[0] == 'Closing MRR'):,.2f}" == closing
