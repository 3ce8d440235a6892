"""Two ways to do the same: by mouse, and by keyboard alone. A walk is written once and done by each."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Download, Locator, Page, expect

from tests.browser.served import AXE, PASSWORD, drawn
from tests.browser.test_every_page import AXE_RUN

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle

MOST = 80  # steps of the Tab key to anything on a page: what takes more is not within reach

# Where the focus stands as a person sees it: shown by a ring, on the screen, and not under something else.
SEEN = """async (e) => {
  let said;
  for (let frame = 0; frame < 120; frame++) { // the browser scrolls to it in a frame of its own
    await new Promise(requestAnimationFrame);
    said = look(e);
    if (!said.length) break;
  }
  return said;

function look(e) {
  const at = e.getBoundingClientRect();
  const ringed = (one) => { const s = getComputedStyle(one); return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow.includes('0px 0px 0px'); };
  const said = [];
  if (![e, e.closest('.figure-card'), e.closest('label')].filter(Boolean).some(ringed)) said.push('no ring');
  if (at.bottom <= 0 || at.right <= 0 || at.top >= innerHeight || at.left >= innerWidth) said.push('outside the window');
  else {
    const spots = [[0.5, 0.5], [0.05, 0.5], [0.95, 0.5]].map(([x, y]) => document.elementFromPoint(at.left + at.width * x, at.top + at.height * y));
    if (!spots.some((spot) => spot && (e.contains(spot) || spot.contains(e) || e.labels?.[0]?.contains(spot)))) said.push(`under ${spots[0]?.outerHTML.slice(0, 120)}`);
  }
  return said.map((what) => `${what}: ${e.outerHTML.slice(0, 160)}`);
}}"""
BEFORE = "(e) => Boolean(document.activeElement !== document.body && document.activeElement.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_PRECEDING)"
# Between the answer that stands and the focus that is given back lies a moment, in which no key is pressed here.
LOST = """async () => {
  const lost = () => window.walked === location.href && document.activeElement === document.body;
  for (let frame = 0; frame < 60 && lost(); frame++) await new Promise(requestAnimationFrame);
  return lost();
}"""

STILL = "() => Promise.all(document.getAnimations().filter((a) => Number.isFinite(a.effect?.getComputedTiming().endTime)).map((a) => a.finished.catch(() => null)))"


class Mouse:
    """Points and clicks; types only into what was clicked."""

    name = "mouse"

    def __init__(self, page: Page, pictures: Path | None = None) -> None:
        self.page = page
        self.pictures = pictures
        page.on("filechooser", lambda _: None)  # from here on the browser hands choosers over: told at the moment of the key, it may open its own first

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)

    def day(self, field: Locator, when: date) -> None:
        field.click()
        field.fill(when.isoformat())

    def choose(self, field: Locator, label: str) -> None:
        field.select_option(label=label)

    def tick(self, box: Locator) -> None:
        box.click()

    def mark(self, option: Locator) -> None:
        """One of several radio buttons."""
        option.locator("..").click()

    def go(self, title: str, letter: str, heading: str = "") -> None:
        """To a place of the navigation; `heading` where its page is called otherwise."""
        if letter == "b":  # the bell stands above the page
            self.page.get_by_role("link", name="Notifications").click()
        else:
            self.page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name=title).click()
        self.heading(heading or title)

    def find(self, text: str) -> None:
        """To an account by its name."""
        field = self.page.get_by_label("Search accounts")
        field.click()
        field.fill(text)
        field.press("Enter")
        self._open(self.page.get_by_role("region", name="Accounts, table").get_by_role("link", name=text, exact=True))

    def row(self, table: Locator, at: int) -> None:
        """Open a row of the page's list."""
        self._open(table.locator("tbody tr [data-row-link]").nth(at))

    def _open(self, name: Locator) -> None:
        """A first click peeks, a second one opens."""
        name.click()
        expect(self.page.get_by_role("complementary", name="Account at a glance").get_by_role("heading", level=2)).to_have_text(name.inner_text())
        name.click()

    def complete(self, row: Locator) -> None:
        row.get_by_role("button", name=re.compile("^Done")).click()

    def open(self, row: Locator) -> None:
        """What a row of a list is about."""
        row.locator("[data-row-link]").click()

    def tick_row(self, row: Locator) -> None:
        self.tick(row.get_by_role("checkbox"))

    def touch(self, kind: str) -> None:
        """The form for a touch on the account that is open."""
        self.page.get_by_role("link", name="Log a touch").click()
        self.choose(self.page.get_by_role("dialog", name="Log a touch").get_by_label("Kind"), kind)

    def send(self, button: Locator) -> None:
        button.click()

    def undo(self) -> None:
        self.page.locator("#toasts").get_by_role("button", name="Undo").last.click()

    def upload(self, field: Locator, *files: Path) -> None:
        with self.page.expect_file_chooser() as chosen:
            field.click()
        chosen.value.set_files(files)

    def bar(self, label: str) -> None:
        """Open the first bar that rises, of the chart or of the table below it."""
        colour = self.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--chart-up').trim()")
        self.page.locator(f'[data-chart=waterfall] svg path[fill="{colour}"]').first.click(force=True)

    def download(self, link: Locator) -> Download:
        with self.page.expect_download() as got:
            self.press(link)
        return got.value

    # -- what both do ---------------------------------------------------------------------------------------------

    def sign_in(self, who: str) -> None:
        self.write(self.page.get_by_label("E-mail address"), who)
        self.write(self.page.get_by_label("Password"), PASSWORD)
        self.send(self.page.get_by_role("button", name="Sign in"))
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def sign_out(self) -> None:
        self.press(self.page.locator("details.menu > summary", has_text="Your menu"))
        self.press(self.page.get_by_role("button", name="Sign out"))
        expect(self.page.get_by_role("heading", name="Sign in")).to_be_visible()

    def said(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("#toasts .note-toast", has_text=text).last).to_be_visible()

    def heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def stop(self, name: str) -> None:
        """A look around: nothing that everybody cannot use."""
        drawn(self.page)
        self.page.evaluate(STILL)  # a message that is half faded in has no contrast yet
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(AXE_RUN)
        assert found == [], f"{name}: {found}"
        self.picture(name)

    def picture(self, name: str) -> None:
        if not self.pictures:
            return
        drawn(self.page)
        wide = self.page.viewport_size
        assert wide
        self.page.screenshot(path=self.pictures / f"{name}-{self.name}.png")
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.screenshot(path=self.pictures / f"{name}-{self.name}-390.png", full_page=True)
        self.page.set_viewport_size(wide)


class Keyboard(Mouse):
    """Tab, Enter, Space, arrows and the shortcuts. Whatever it is to press must be reached, and be seen to have the focus."""

    name = "keyboard"

    def reach(self, target: Locator, *, back: bool = False) -> None:
        target.wait_for()
        expect(self.page.locator(".is-loading")).to_have_count(0)
        assert not self.page.evaluate(LOST), f"the focus was lost on {self.page.url}, before {target}"
        aim = target.element_handle()
        assert aim
        key = "Shift+Tab" if back or self.page.evaluate(BEFORE, aim) else "Tab"
        for _ in range(MOST):
            if self._has_focus(aim):
                break
            self.page.keyboard.press(key)
        else:
            raise AssertionError(f"{target} is not reached by {key} on {self.page.url}")
        self._seen(aim)
        self.page.evaluate("window.walked = location.href")  # gone with the page: a focus that is lost while it stands was lost by a swap

    def _has_focus(self, aim: ElementHandle) -> bool:
        return bool(self.page.evaluate("(e) => document.activeElement === e", aim))

    def _seen(self, aim: ElementHandle) -> None:
        found = aim.evaluate(SEEN)
        assert found == [], f"the focus is not seen on {self.page.url}: {found}"

    def press(self, target: Locator, *, back: bool = False) -> None:
        self.reach(target, back=back)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        expect(field).to_have_value(text)

    def day(self, field: Locator, when: date) -> None:
        self.reach(field)
        self.page.keyboard.type(when.strftime("%m%d%Y"))
        expect(field).to_have_value(when.isoformat())

    def choose(self, field: Locator, label: str) -> None:
        self.reach(field)
        labels = [text.strip() for text in field.locator("option").all_text_contents()]
        steps = labels.index(label) - field.evaluate("(e) => e.selectedIndex")
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        assert field.evaluate("(e) => e.selectedOptions[0].textContent.trim()") == label

    def tick(self, box: Locator) -> None:
        self.reach(box)
        self.page.keyboard.press("Space")

    def mark(self, option: Locator) -> None:
        group = option.locator("xpath=ancestor::fieldset[1]").locator("input[type=radio]")
        at = group.evaluate_all("(all, one) => all.indexOf(one)", option.element_handle())
        self.reach(group.first)  # none of them is marked: the first is where Tab leads
        self.page.keyboard.press("Space")
        for _ in range(at):
            self.page.keyboard.press("ArrowDown")
        expect(option).to_be_checked()

    def go(self, title: str, letter: str, heading: str = "") -> None:
        self._leave()
        self.page.keyboard.press("g")
        self.page.keyboard.press(letter)
        self.heading(heading or title)

    def _leave(self) -> None:
        """Out of a field: the letters are shortcuts only outside of one."""
        while self.page.evaluate("document.activeElement.matches('input:not([type=checkbox]):not([type=radio]), textarea, select')"):
            self.page.keyboard.press("Tab")

    def find(self, text: str) -> None:
        self._leave()
        self.page.wait_for_load_state()  # letters that come before the script are kept, Control is the browser's own until then
        self.page.keyboard.press("Control+k")
        expect(self.page.get_by_role("combobox", name="Find anything")).to_be_focused()
        self.page.keyboard.type(text)
        expect(self.page.locator("#palette").get_by_role("option", selected=True)).to_contain_text(text)
        self.page.keyboard.press("Enter")

    def row(self, table: Locator, at: int) -> None:
        self._leave()
        self.page.wait_for_load_state()  # what is pressed before the script is there comes all at once, past the row
        wanted = table.locator("tbody tr:has([data-row-link])").nth(at)
        for _ in range(60):
            self.page.keyboard.press("j")
            if "is-current" in (wanted.get_attribute("class") or ""):
                break
        expect(wanted.locator("[data-row-link]")).to_be_focused()
        aim = wanted.locator("[data-row-link]").element_handle()
        assert aim
        self._seen(aim)
        self.page.keyboard.press("Enter")

    def complete(self, row: Locator) -> None:
        self._walk(row)
        self.page.keyboard.press("c")

    def open(self, row: Locator) -> None:
        self._walk(row)
        self.page.keyboard.press("Enter")

    def tick_row(self, row: Locator) -> None:
        self._walk(row)
        self.page.keyboard.press("x")
        expect(row.get_by_role("checkbox")).to_be_checked()

    def _walk(self, row: Locator) -> None:
        """Rows are walked by their own key: by Tab each has several stops."""
        row.wait_for()
        self._leave()
        self.page.wait_for_load_state()
        for _ in range(MOST):
            self.page.keyboard.press("j")
            if "is-current" in (row.get_attribute("class") or ""):
                break
        else:
            raise AssertionError(f"{row} is not reached by j on {self.page.url}")
        aim = row.locator("[data-row-link]").element_handle()
        assert aim
        self._seen(aim)

    def touch(self, kind: str) -> None:
        self._leave()
        self.page.keyboard.press("l")
        self.page.keyboard.press(kind[0].lower())
        expect(self.page.get_by_role("dialog", name="Log a touch").get_by_label("What was said")).to_be_focused()

    def send(self, button: Locator) -> None:
        """From the last field of a form."""
        self.page.keyboard.press("Enter")

    def undo(self) -> None:
        expect(self.page.locator("#toasts").get_by_role("button", name="Undo").last).to_be_visible()
        self._leave()
        self.page.keyboard.press("z")

    def bar(self, label: str) -> None:
        self.press(self.page.locator("summary", has_text="The movements as a table"))
        self.press(self.page.get_by_role("region", name="MRR movement, table").get_by_role("link", name=label, exact=True))

    def upload(self, field: Locator, *files: Path) -> None:
        self.reach(field)
        with self.page.expect_file_chooser() as chosen:
            self.page.keyboard.press("Enter")
        chosen.value.set_files(files)


HANDS = {"mouse": Mouse, "keyboard": Keyboard}
