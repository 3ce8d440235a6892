"""Pictures of every page, to be looked at: full and empty, light and dark, wide and on a phone.

`python -m tests.browser.screens OUT_DIR [--only TEXT] [--home DIR] [--docs]`; with --docs those of the README and the manual are taken too.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.pages import PLACES, Place, address_of, fill
from tests.browser.served import Served, chromium, drawn, make_demo, make_empty, served

DOCS = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST = 300 * 1024  # bytes of a picture in the manual
LOOKS = (("light", False), ("dark", False), ("light", True), ("dark", True))


def main() -> None:
    read = argparse.ArgumentParser(prog="python -m tests.browser.screens", description=__doc__)
    read.add_argument("out", type=Path, help="folder for the pictures")
    read.add_argument("--only", default="", help="pages whose name begins with this, several with commas")
    read.add_argument("--looks", default="", help="wide-light, wide-dark, phone-light, phone-dark; several with commas")
    read.add_argument("--home", type=Path, help="folder of the two installations, to use them again")
    read.add_argument("--fold", action="store_true", help="only what the first screen shows")
    read.add_argument("--docs", action="store_true", help="write docs/images")
    asked = read.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = asked.home or Path(temporary)
        browser = chromium(playwright)
        for name, make in (("demo", make_demo), ("empty", make_empty)):
            if not any(_wanted(p, asked, name) for p in PLACES) and not (asked.docs and name == "demo"):
                continue
            fresh = not (folder / name).exists()
            if fresh:
                make(folder / name)
            with served(folder / name) as site:
                if asked.docs and name == "demo":
                    _for_docs(site, browser)
                if fresh and name == "demo":
                    fill(site, browser, folder)
                _all(site, browser, name, asked)
        browser.close()


def _wanted(place: Place, asked: argparse.Namespace, site: str) -> bool:
    return place.site == site and any(place.name.startswith(o) for o in asked.only.split(","))


def _all(site: Served, browser: Browser, name: str, asked: argparse.Namespace) -> None:
    for theme, phone in LOOKS:
        look = f"{'phone' if phone else 'wide'}-{theme}"
        if asked.looks and look not in asked.looks.split(","):
            continue
        for who in dict.fromkeys(p.who for p in PLACES if _wanted(p, asked, name)):
            with site.open(browser, who, theme=theme, phone=phone) as context:
                page = context.new_page()
                for place in PLACES:
                    if place.who == who and _wanted(place, asked, name):
                        page.goto(address_of(place, page))
                        drawn(page)
                        page.screenshot(path=asked.out / f"{place.name}-{look}.png", full_page=not asked.fold)


def _for_docs(site: Served, browser: Browser) -> None:
    DOCS.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        with site.open(browser, theme=theme) as context:
            page = context.new_page()
            for place in PLACES:
                if place.name in ("home", "revenue", "accounts", "account"):
                    page.goto(address_of(place, page))
                    drawn(page)
                    picture = DOCS / f"{place.name}-{theme}.png"
                    page.screenshot(path=picture)
                    assert picture.stat().st_size <= MOST, f"{picture} has {picture.stat().st_size:,} bytes; at most {MOST:,} are kept in the manual"


if __name__ == "__main__":
    main()
