"""The wheel in an environment of its own, as somebody gets it who has neither the repository nor Node."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")


def uv(*arguments: object) -> None:
    done = subprocess.run([str(UV), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"uv {arguments[0]}: {done.stderr}"


def built(folder: Path) -> Path:
    """The wheel, made in the folder."""
    uv("build", "--wheel", "--out-dir", folder)
    (file,) = folder.glob("laer-*.whl")
    return file


def installed(wheel: Path, folder: Path) -> Path:
    """The `bin` of a clean environment with the wheel and, by `constraints.txt` as `make wheel` writes it, what it depends on: nothing of ours, nothing for development."""
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--no-header", "--output-file", folder / "constraints.txt")
    uv("venv", "--python", sys.executable, folder / "env")
    python = folder / "env" / "bin" / "python"
    uv("pip", "install", "--python", python, "--constraint", folder / "constraints.txt", wheel)
    uv("pip", "check", "--python", python)
    return python.parent


def environment(home: Path, commands: Path) -> dict[str, str]:
    """Nothing but the environment's own commands: no Node, none of this repository's packages."""
    assert shutil.which("node", path=str(commands)) is None
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR", "TZ")}
    return kept | {"LAER_HOME": str(home), "HOME": str(home.parent), "PATH": str(commands)}


def get(url: str) -> tuple[int, str, str]:
    """Status, type, text; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read().decode()
    except OSError:
        return 0, "", ""


@contextmanager
def serving(commands: Path, home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`laer serve` of the installed wheel on a free port, in a folder that is not the repository."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home.parent / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen([str(commands / "laer"), "serve", "--port", str(port)], cwd=home.parent, env=environment(home, commands), stdout=out, stderr=out)
        try:
            end = time.monotonic() + 420  # the first start compiles every package and compresses the front end
            while get(f"http://127.0.0.1:{port}/healthz")[0] != 200:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()  # its children end when their standard input closes
            process.wait()
