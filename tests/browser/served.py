"""An installation of its own, made and served by the commands that people use, and a chromium to look at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

LAER = [sys.executable, "-m", "laer.cli"]
AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
ADMIN = "admin@laer.example"
MEMBER = "jonas.feldkamp@northmoor.example"  # a CSM of the demo firm, who has a book before he has a login
PATIENCE = 20_000  # milliseconds: two workers and two servers share the cores, and a server computes the ledger when it is first asked
SLOW = 1_500  # milliseconds of a bad line
LATENCY = int(os.environ.get("LAER_TEST_LATENCY", "0"))  # milliseconds by which every answer of every walk is late: what depends on time shows
PASSWORD = "a-long-way-round-the-hill"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

# Told by the page itself: what its Content-Security-Policy refused, from the first byte on.
LISTEN = "document.addEventListener('securitypolicyviolation', (e) => console.error(`refused by the policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));"

DRAWN = """async () => {
  await document.fonts.ready;
  const open = () => [...document.querySelectorAll('[data-chart]')].some((c) => c.clientWidth && !c.querySelector('svg') && !c.dataset.failed);
  for (let n = 0; open(); n++) {
    if (n > 200) throw new Error('a chart is not drawn');
    await new Promise((go) => setTimeout(go, 50));
  }
}"""


@dataclass
class Served:
    """A running installation."""

    home: Path
    url: str
    cookies: dict[str, Any] = field(default_factory=dict)  # e-mail -> what a signed-in browser keeps

    def open(self, browser: Browser, who: str | None = ADMIN, *, theme: str = "light", phone: bool = False, **more: Any) -> BrowserContext:
        """A browser of its own, signed in as somebody (or as nobody)."""
        if who and who not in self.cookies:
            with browser.new_context(base_url=self.url) as door:
                sign_in(door.new_page(), who, PASSWORD)
                self.cookies[who] = door.storage_state()
        context = browser.new_context(
            base_url=self.url, viewport=PHONE if phone else WIDE, color_scheme=theme, locale="en-US", is_mobile=phone, has_touch=phone,
            storage_state=self.cookies[who] if who else None, **more,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        context.add_init_script(LISTEN)
        if LATENCY:
            context.on("page", lambda page: slow(page, LATENCY))
        return context


class Troubles:
    """What a page complains of: errors on the console, uncaught exceptions, answers that failed, what the CSP refused."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"exception: {error}"))
        page.on("response", lambda answer: self.said.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)

    def _console(self, message: ConsoleMessage) -> None:
        # A form with errors is a 422 on purpose; chromium calls each 4xx an error, and the tests ask for the status themselves.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.said.append(f"console: {message.text}")


def sign_in(page: Page, who: str, password: str) -> None:
    page.goto("/login/")
    page.get_by_label("E-mail address").fill(who)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def drawn(page: Page) -> None:
    """Wait until the fonts and every chart are there. One evaluation: those that come later meet the page's policy against eval."""
    page.evaluate(DRAWN)


def slow(page: Page, milliseconds: int = SLOW) -> None:
    """From here on every answer comes this much later, while the page itself stays quick: a person goes on without waiting."""
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    )


def chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
    )


def make_demo(home: Path, *accounts: str) -> None:
    """The demo firm; its admin and one of its CSMs can sign in with PASSWORD."""
    laer(home, "demo", "--no-serve", *accounts)
    laer(home, "user", "password", ADMIN, stdin=PASSWORD)
    laer(home, "user", "create", MEMBER, "--role", "member", stdin=PASSWORD)


def make_empty(home: Path) -> None:
    laer(home, "init")
    laer(home, "user", "create", ADMIN, "--role", "admin", stdin=PASSWORD)


def laer(home: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run([*LAER, *arguments], env=environment(home), input=stdin + "\n", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"laer {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAER_") and name != "DATABASE_URL"}
    return kept | {"LAER_HOME": str(home), "LAER_COMPANY": "Northmoor"}


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """`laer serve` on a free port until the block ends; SIGTERM must end it."""
    port = _free_port()
    log = home.parent / f"{home.name}.log"
    with log.open("w") as out:
        process = subprocess.Popen([*LAER, "serve", "--port", str(port)], env=environment(home), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/healthz", process, log)
            yield Served(home, url)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, f"laer serve ended: {log.read_text()[-2000:]}"
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer at {url}: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
