"""How the lane of the browser is spread over its workers, so that none is idle at the end.

What has an installation of its own comes first, since its walks are long; then every page, each with its looks to whichever worker is free; then
what changes the demo firm, file by file, the longest first: pages are seen as the demo leaves them.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from xdist.scheduler import LoadFileScheduling

PAGES = "test_every_page.py"
SHARED = {"demo", "empty"}  # installations that a worker serves once
LOOK = re.compile(r"-(light|dark)-(wide|phone)]$")


class ByPlace(LoadFileScheduling):
    """A file to one worker; of every page a place with its looks."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return LOOK.sub("", nodeid) if file.endswith(PAGES) else file


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests as they are to be begun."""
    tests = Counter(item.path for item in items)
    shares = {item.path for item in items if SHARED & set(getattr(item, "fixturenames", ()))}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        if item.path.name == PAGES:
            return 1, 0, ""
        return (2 if item.path in shares else 0), -tests[item.path], str(item.path)

    return sorted(items, key=place)
