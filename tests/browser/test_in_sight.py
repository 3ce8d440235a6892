"""What opens stays within the window, on a phone too; what is printed stays on its paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.served import Served, drawn

pytestmark = pytest.mark.browser

# Menus of the page whose panel, once open, reaches over an edge.
OUT = """async () => {
  const out = [];
  let seen = 0;
  for (const menu of document.querySelectorAll('main details.menu')) {
    if (!menu.checkVisibility()) continue;
    menu.open = true;
    await new Promise((go) => setTimeout(go, 60));
    const { left, right } = menu.querySelector('.menu-panel').getBoundingClientRect();
    if (left < 0 || right > document.documentElement.clientWidth) out.push(`${menu.innerText.trim().slice(0, 30)}: ${left} to ${right}`);
    menu.open = false;
    seen += 1;
  }
  return { seen, out };
}"""

WIDTHS = """async () => {
  const sizes = () => [...document.querySelectorAll('.chart')].map((chart) => {
    const { width, height } = chart.querySelector('svg').getBoundingClientRect();
    return [Math.round(width), chart.clientWidth, Math.round(height)];
  });
  for (let frame = 0; frame < 300 && sizes().some(([width, room]) => width > room + 1); frame++) await new Promise(requestAnimationFrame);
  return sizes();
}"""


@pytest.mark.parametrize("address", ["/accounts/", "/renewals/", "/data/metrics/", "/accounts/{account}/?tab=subscriptions", "/accounts/{account}/?tab=tickets"])
def test_every_menu_opens_within_a_phone(demo: Served, browser: Browser, page: Page, address: str) -> None:
    page.goto("/accounts/?sort=-arr&state=paying")
    account = (page.locator("a[data-row-link]").first.get_attribute("href") or "").strip("/").split("/")[-1]
    with demo.open(browser, phone=True) as context:
        phone = context.new_page()
        phone.goto(address.format(account=account))
        drawn(phone)
        found = phone.evaluate(OUT)
        assert found["seen"] > 0
        assert found["out"] == []


def test_a_chart_is_as_wide_as_its_paper(page: Page) -> None:
    page.goto("/revenue/")
    drawn(page)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    for drawn_at, room, height in page.evaluate(WIDTHS):
        assert drawn_at <= room + 1
        assert height >= 150  # and not pressed flat
    assert not page.locator(".switcher a:not([aria-current])").first.is_visible()
