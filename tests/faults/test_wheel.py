"""The wheel, as somebody gets it who has neither the repository nor Node: installed into an environment of its own, served, stopped."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import wheels
from tests.wheels import environment, get

PACKAGE = wheels.ROOT / "src" / "laer"

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    there = {name.removeprefix("laer/") for name in zipfile.ZipFile(wheel).namelist() if name.startswith("laer/")}
    ours = {str(f.relative_to(PACKAGE)) for f in PACKAGE.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
    assert "web/static/dist/app.css" in ours, "the front end is not built: make setup"
    assert there == ours


@pytest.fixture
def served(installed: Path, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with wheels.serving(installed, tmp_path / "home") as found:
        yield found


def test_an_empty_home_is_served_with_its_styles_and_scripts_and_ends_when_told(served: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, process = served
    status, kind, page = get(f"{url}/login/")
    assert (status, kind) == (200, "text/html")
    named = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js|svg))"', page)
    assert {name.rpartition(".")[2] for name in named} >= {"css", "js"}
    for name in named:
        status, kind, text = get(url + name)
        assert (status, bool(text)) == (200, True), name
        assert kind == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.rpartition(".")[2]], name
        assert re.search(r"\.[0-9a-f]{12}\.", name), "named by content, so that browsers may keep it"
    status, _, text = get(f"{url}/readyz")
    assert status == 200, text
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 8


def test_what_the_package_reads_beside_its_code_is_found(installed: Path, tmp_path: Path) -> None:
    """The policies and the words of the content folder, through commands that a person types."""
    env = environment(tmp_path / "home", installed)
    done = subprocess.run([str(installed / "laer"), "demo", "--no-serve", "--accounts", "20"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "password" in done.stdout.casefold()
