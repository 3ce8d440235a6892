"""The second visit over fast 3G (1.6 Mbit/s, 150 ms there and back): when a page can be used, and what it still asks for.

    .venv/bin/python -m benchmarks browser

Chromium visits each page once unthrottled, as on any day before, and then again throttled, with its cache. A page can be used when
its scripts have run (`DOMContentLoaded` has ended); charts come after that, from the cache.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

from benchmarks import Table, _firm, verdict
from benchmarks._server import Server, serving
from benchmarks.account_list import q

LIMIT, SCRIPT = 1_000.0, 60.0  # milliseconds; kilobytes without charts
RATE, LATENCY = 1.6e6 / 8, 150  # bytes a second, milliseconds
PAGES = {"account list": "/accounts/", "account page": "/accounts/4711/", "revenue": "/revenue/", "renewals": "/renewals/", "tasks": "/tasks/"}


def run(full: bool) -> Iterator[Table]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        yield Table("Second visit over fast 3G: playwright is not installed", ["page", "met"])
        return
    with serving("sqlite") as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"))
        try:
            yield second_visits(server, browser, 9 if full else 3)
        finally:
            browser.close()


def second_visits(server: Server, browser: Any, rounds: int) -> Table:
    headings = ["page", "usable, median ms", "longest", "answer began", "page KB", "from the network", "met"]
    table = Table("Second visit over fast 3G, SQLite, 100,000 accounts", headings)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/login/")
    page.fill("input[name=login]", "lead1@bench.example")
    page.fill("input[name=password]", _firm.PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/accounts/**")
    throttle = context.new_cdp_session(page)
    throttle.send("Network.enable")
    script = 0.0
    for name, path in PAGES.items():
        page.goto(server.url + path, wait_until="networkidle")  # the first visit fills the cache
        throttle.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY, "downloadThroughput": RATE, "uploadThroughput": 750e3 / 8})
        measured = [_visit(page, server.url + path) for _ in range(rounds)]
        throttle.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        usable, began, last = [m["usable"] for m in measured], [m["began"] for m in measured], measured[-1]
        asked = ", ".join(last["asked"]) or "the page alone"
        figures = (f"{q(usable, 50):.0f}", f"{max(usable):.0f}", f"{q(began, 50):.0f}", f"{last['size'] / 1024:.1f}")
        table.add(name, *figures, asked, verdict(q(usable, 50), at_most=LIMIT))
        script = max(script, last["script"] / 1024)
    table.add("JavaScript without charts", "", "", "", f"{script:.1f}", "", verdict(round(script, 1), at_most=SCRIPT))
    context.close()
    return table


MEASURE = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const rest = performance.getEntriesByType("resource");
  const scripts = rest.filter((r) => r.name.endsWith(".js") && !/charts-/.test(r.name));
  return {
    usable: page.domContentLoadedEventEnd, began: page.responseStart, size: page.encodedBodySize,
    asked: rest.filter((r) => r.transferSize > 0).map((r) => new URL(r.name).pathname),
    script: scripts.reduce((sum, r) => sum + r.encodedBodySize, 0),
  };
}"""


def _visit(page: Any, url: str) -> dict[str, Any]:
    """An address opened as from another site, so that nothing of the page before is there but the cache."""
    page.goto("about:blank")
    page.goto(url, wait_until="load")
    page.wait_for_load_state("networkidle")
    measured: dict[str, Any] = page.evaluate(MEASURE)
    return measured
