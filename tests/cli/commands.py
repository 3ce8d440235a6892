"""The command as typed, in a process of its own or in this one, and what it leaves in a home."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import psutil
from typer.testing import CliRunner, Result

from laer.cli import app
from tests.homes import LAER


def laer(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAER, *arguments], env=os.environ | {"LAER_HOME": str(home)} | environment, input="", capture_output=True, text=True, timeout=120, check=False
    )


def run(*arguments: str, given: str = "") -> Result:
    with mock.patch("django.setup"):  # it is set up; again, and its logging would write to the runner's standard error for good
        return CliRunner().invoke(app, list(arguments), input=given)


def named(home: Path) -> list[str]:
    """Names of the people in the book."""
    return [str(name) for (name,) in rows(home, "SELECT name FROM people_person ORDER BY name")]


def name_one(home: Path, name: str) -> None:
    rows(home, f"INSERT INTO people_person (name, custom, created_at) VALUES ('{name}', '{{}}', '2026-01-01')")


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "book.sqlite3")) as book:
        found = book.execute(sql).fetchall()
        book.commit()
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int, path: str = "/healthz") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def served(home: Path, port: int, *extra: str) -> Iterator[psutil.Popen]:
    log = (home.parent / "serve.log").open("w+")
    process = psutil.Popen([*LAER, "serve", "--port", str(port), *extra], env=os.environ | {"LAER_HOME": str(home)}, stdout=log, stderr=log)
    try:
        wait_for(lambda: answer(port)[0] or process.poll() is not None)
        yield process
    finally:
        family = [process, *process.children(recursive=True)] if process.poll() is None else []
        for member in family:
            member.kill()
        process.wait()
