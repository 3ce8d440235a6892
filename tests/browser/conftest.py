"""A served demo firm, a served empty installation, and chromium: one of each for each worker of the lane."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.pages import fill
from tests.browser.served import MEMBER, PATIENCE, Served, Troubles, chromium, make_demo, make_empty, served
from tests.homes import made_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

if find_spec("playwright") is None:  # `make test` does without it
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr") == "browser":
        from tests.browser.spread import in_order

        items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") != "loadfile":
        return None
    from tests.browser.spread import ByPlace

    return ByPlace(config, log)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = chromium(playwright)
        yield found
        found.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    """A firm of 160 accounts: more than two pages of a list, every state an account and an import can be in."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(made_once(tmp_path_factory, "made-demo", lambda home: make_demo(home, "--accounts", "160")), folder / "demo")
    with served(folder / "demo") as site:
        fill(site, browser, folder)
        yield site


@pytest.fixture(scope="session")
def made_empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with its admin and nothing else. Serve a copy."""
    return made_once(tmp_path_factory, "made-empty", make_empty)


@pytest.fixture(scope="session")
def empty(made_empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("browser") / "empty"
    shutil.copytree(made_empty, home)
    with served(home) as site:
        yield site


@pytest.fixture
def page(demo: Served, browser: Browser) -> Iterator[Page]:
    """The admin's desk. Whatever a task did, its page must have had nothing to complain of."""
    with demo.open(browser) as context:
        page = context.new_page()
        troubles = Troubles(page)
        yield page
        assert troubles.said == []


@pytest.fixture
def member(demo: Served, browser: Browser) -> Iterator[Page]:
    """The desk of a CSM who sees only the own book."""
    with demo.open(browser, MEMBER) as context:
        yield context.new_page()


@pytest.fixture
def stranger(demo: Served, browser: Browser) -> Iterator[Page]:
    """Nobody is signed in."""
    with demo.open(browser, None) as context:
        yield context.new_page()
