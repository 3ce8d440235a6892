"""Every page, light and dark, wide and on a phone: it answers, complains of nothing, fits, and can be used by everybody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.pages import PLACES, Place, address_of
from tests.browser.served import AXE, MEMBER, Served, Troubles, drawn

pytestmark = pytest.mark.browser

# Each theme and each width once (a page that stands in the list again, empty, as a member sees it or asked otherwise, in one of them); LAER_TEST_LOOKS=all walks every pair of them, in twice the time.
LOOKS = ("light-wide", "dark-phone") + (("dark-wide", "light-phone") if os.environ.get("LAER_TEST_LOOKS") == "all" else ())

AXE_RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  return found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).join(' | ')}`);
}"""

# The bar at the foot of a phone covers whatever lies below it until one scrolls: what that is depends on the length of a name.
UNCOVER = "() => document.querySelectorAll('.bottom-bar, .toasts').forEach((e) => { e.style.position = 'static'; })"

# What the Tab key reaches, and how each of it shows that it has the focus: an outline or a ring of its own, or one around it.
FOCUS = """() => {
  const reach = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter((e) => !e.disabled && e.checkVisibility({ visibilityProperty: true }));
  const ringed = (e) => { const s = getComputedStyle(e); return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow.includes('0px 0px 0px'); };
  const bad = [];
  for (const e of reach) {
    e.focus({ preventScroll: true });
    if (document.activeElement !== e) continue;
    const shown = [e, e.closest('.figure-card'), e.closest('label')].filter(Boolean).some(ringed);
    if (!shown || +getComputedStyle(e).opacity === 0) bad.push(e.outerHTML.slice(0, 140));
  }
  document.activeElement?.blur();
  return { count: reach.length, bad };
}"""

# Charts whose numbers nobody can read as a table beside them or take as a file.
UNTOLD = """() => [...document.querySelectorAll('[data-chart]')].filter((c) => !c.closest('.card')?.querySelector('table') || !document.querySelector(`[data-chart-csv="${c.dataset.source}"]`)).map((c) => c.dataset.source)"""

# Headings that lie outside of the card that they head: the card is not as large as what it holds, so that it lies over others.
OUTSIDE = """() => [...document.querySelectorAll('main .card h2')].filter((e) => e.checkVisibility()).filter((e) => {
  const [own, card] = [e.getBoundingClientRect(), e.closest('.card').getBoundingClientRect()];
  return own.left < card.left - 2 || own.right > card.right + 2 || own.top < card.top - 2 || own.bottom > card.bottom + 2;
}).map((e) => e.textContent.trim())"""
HEADINGS = "() => [...document.querySelectorAll('h1')].filter((e) => e.checkVisibility()).map((e) => e.textContent.trim())"


@pytest.fixture(scope="session")
def addresses() -> dict[str, str]:
    """Where each place is, found by the first of its looks: the page that links to it is not read again for the others."""
    return {}


@pytest.fixture(scope="session")
def desk(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Place, str], Page]]:
    """A page of whoever looks, in one of the four looks; its browser is kept for the next page."""
    open_: dict[tuple[Any, ...], BrowserContext] = {}

    def page(place: Place, look: str) -> Page:
        site: Served = request.getfixturevalue(place.site)
        key = (place.site, place.who, look)
        if key not in open_:
            theme, size = look.split("-")
            open_[key] = site.open(browser, place.who, theme=theme, phone=size == "phone")
        return open_[key].new_page()

    yield page
    for context in open_.values():
        context.close()


def _asked_otherwise() -> frozenset[str]:
    """Places whose page stood in the list before, at the same address with another question behind it."""
    there, found = set[str](), set[str]()
    for place in (one for one in PLACES if not one.link):
        path, _mark, asked = place.path.partition("?")
        if asked and path in there:
            found.add(place.name)
        there.add(path)
    return frozenset(found)


ASKED_OTHERWISE = _asked_otherwise()


def looks_of(place: Place) -> tuple[str, ...]:
    """Each of the looks; of a page that stands here a second time (empty, as a member sees it, asked otherwise) one: which one is told by its name."""
    again = place.site == "empty" or place.who == MEMBER or place.name in ASKED_OTHERWISE
    return LOOKS if not again or len(LOOKS) > 2 else (LOOKS[crc32(place.name.encode()) % 2],)


@pytest.mark.parametrize(("place", "look"), [pytest.param(place, look, id=f"{place.name}-{look}") for place in PLACES for look in looks_of(place)])
def test_page(desk: Callable[[Place, str], Page], addresses: dict[str, str], place: Place, look: str) -> None:
    page = desk(place, look)
    try:
        if place.name not in addresses:
            addresses[place.name] = address_of(place, page)
        _is_in_order(page, place, look, addresses[place.name])
    finally:
        page.close()


def _is_in_order(page: Page, place: Place, look: str, address: str) -> None:
    troubles = Troubles(page)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == place.status
    drawn(page)
    assert page.evaluate("document.documentElement.dataset.bsTheme") == look.split("-")[0]
    assert troubles.said == []
    assert page.evaluate("[...document.querySelectorAll('[data-failed]')].length") == 0, "a chart could not be drawn"

    assert page.evaluate(OUTSIDE) == [], "a card that does not hold its heading"
    assert page.evaluate(UNTOLD) == [], "a chart without a table of its numbers, or without its file"

    width, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room, f"the page is {width} wide and has {room}"

    headings = page.evaluate(HEADINGS)
    assert len(headings) == 1, headings
    assert headings[0]
    assert page.title().strip(" ·") not in ("", "laer")

    page.keyboard.press("Tab")  # from here on focus is shown as to somebody who uses the keyboard
    focus = page.evaluate(FOCUS)
    assert focus["count"] > 1
    assert focus["bad"] == [], "focus is not seen"

    page.evaluate(AXE.read_text())
    page.evaluate(UNCOVER)
    assert page.evaluate(AXE_RUN) == []
