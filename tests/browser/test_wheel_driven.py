"""The wheel, installed where there is neither the repository nor Node, and driven in a browser: sign in, import, accounts, revenue."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import wheels
from tests.browser.pages import upload
from tests.browser.served import ADMIN, PASSWORD, Served, Troubles, drawn

pytestmark = pytest.mark.browser

STYLED = "() => [getComputedStyle(document.body).fontFamily, getComputedStyle(document.querySelector('.btn-primary')).backgroundColor, document.styleSheets[0].cssRules.length > 100]"


def shown(page: Page, path: str, text: str) -> None:
    """The pass that the import asked for comes within seconds; the page is asked again until then."""
    for _ in range(120):
        page.goto(path)
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"no {text!r} at {path}: {page.locator('main').inner_text()[:500]}")


def test_the_wheel_is_installed_served_and_used(browser: Browser, tmp_path: Path) -> None:
    commands = wheels.installed(wheels.built(tmp_path / "dist"), tmp_path)
    home = tmp_path / "away" / "home"
    home.parent.mkdir()
    env = wheels.environment(home, commands)
    where = subprocess.run([str(commands / "python"), "-c", "import laer; print(laer.__file__)"], cwd=home.parent, env=env, capture_output=True, text=True, check=True)
    assert str(wheels.ROOT) not in where.stdout
    accounts, lines = tmp_path / "accounts.csv", tmp_path / "subscriptions.csv"
    accounts.write_text("account_id,account_name\nA-1,Amber Logistics\nA-2,Birch & Sons\n", encoding="utf-8")
    lines.write_text("subscription_id,account_id,start_date,mrr\nS-1,A-1,2026-01-01,4000\nS-2,A-2,2026-02-01,500\n", encoding="utf-8")
    with wheels.serving(commands, home) as (url, process):
        made = subprocess.run(
            [str(commands / "laer"), "user", "create", ADMIN, "--role", "admin"], cwd=home.parent, env=env, input=PASSWORD + "\n", capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        with Served(home, url).open(browser) as context:
            page = context.new_page()
            troubles = Troubles(page)
            upload(page, accounts, lines, source="billing")
            font, color, rules = page.evaluate(STYLED)
            assert "Inter" in font
            assert color not in ("rgba(0, 0, 0, 0)", "rgb(239, 239, 239)")
            assert rules
            page.get_by_role("button", name="See what it would do").click()
            page.wait_for_url("**/preview/")
            page.get_by_role("button", name="Import", exact=True).click()
            expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=60_000)
            shown(page, "/accounts/", "Amber Logistics")
            shown(page, "/revenue/", "$54.0k")
            drawn(page)
            assert page.locator("[data-chart] svg").count() > 0
            assert troubles.said == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
