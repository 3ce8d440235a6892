"""The wheel, as somebody gets it who has neither the repository nor Node: installed into an environment of its own, served, stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "laer"
UV = Path(sys.executable).with_name("uv")

pytestmark = pytest.mark.faults


def uv(*arguments: object) -> None:
    done = subprocess.run([str(UV), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"uv {arguments[0]}: {done.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder)
    (file,) = folder.glob("laer-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a clean environment with the wheel and, from the lock, what it depends on: nothing of ours, nothing for development."""
    folder = tmp_path_factory.mktemp("installed")
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--output-file", folder / "locked.txt")
    uv("venv", "--python", sys.executable, folder / "env")
    python = folder / "env" / "bin" / "python"
    uv("pip", "install", "--python", python, "--require-hashes", "--requirement", folder / "locked.txt")
    uv("pip", "install", "--python", python, "--no-deps", wheel)
    uv("pip", "check", "--python", python)
    return python.parent


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    there = {name.removeprefix("laer/") for name in zipfile.ZipFile(wheel).namelist() if name.startswith("laer/")}
    ours = {str(f.relative_to(PACKAGE)) for f in PACKAGE.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
    assert "web/static/dist/app.css" in ours, "the front end is not built: make setup"
    assert there == ours


def environment(home: Path, installed: Path) -> dict[str, str]:
    """Nothing but the environment's own commands: no Node, none of this repository's packages."""
    assert shutil.which("node", path=str(installed)) is None
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR", "TZ")}
    return kept | {"LAER_HOME": str(home), "HOME": str(home.parent), "PATH": str(installed)}


def get(url: str) -> tuple[int, str, str]:
    """Status, type, text."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read().decode()
    except OSError:
        return 0, "", ""


@pytest.fixture
def served(installed: Path, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(installed / "laer"), "serve", "--port", str(port)], cwd=tmp_path, env=environment(tmp_path / "home", installed), stdout=out, stderr=out
        )
        try:
            end = time.monotonic() + 90
            while get(f"http://127.0.0.1:{port}/healthz")[0] != 200:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()  # its children end when their standard input closes
            process.wait()


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
