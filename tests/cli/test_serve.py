"""`laer serve`: started, ended, killed, refused."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import socket
import sqlite3
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.commands import answer, free_port, laer, rows, run, served, wait_for


def test_serve_answers_and_ends_with_both_processes(home: Path) -> None:
    port = free_port()
    with served(home, port) as process:
        status, body = answer(port)
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert answer(port, "/readyz")[0] == 200
        wait_for(lambda: len(process.children()) == 2)
        family = process.children(recursive=True)
        listening = {c.laddr.ip for member in family for c in member.net_connections("tcp") if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
        process.terminate()
        assert process.wait(20) == 0
        assert not psutil.wait_procs(family, timeout=1)[1]
    said = (home.parent / "serve.log").read_text()
    assert f"laer is at http://127.0.0.1:{port}/" in said


@pytest.mark.faults
def test_serve_starts_again_what_dies_and_leaves_nothing_when_it_is_killed(home: Path) -> None:
    port = free_port()
    with served(home, port) as process:
        wait_for(lambda: len(process.children()) == 2)
        before = {c.pid for c in process.children()}
        for child in process.children():
            child.kill()
        wait_for(lambda: len(process.children()) == 2 and not before & {c.pid for c in process.children()})
        wait_for(lambda: answer(port)[0] == 200)
        family = process.children(recursive=True)
        process.kill()
        assert not psutil.wait_procs(family, timeout=20)[1]


def test_serve_without_worker_is_one_process_and_holds_its_home(home: Path, tmp_path: Path) -> None:
    port = free_port()
    with served(home, port, "--no-worker") as process:
        (child,) = process.children()
        second = laer(home, "serve", "--port", str(free_port()))
        assert second.returncode == 2
        assert f"is in use by another `laer` (serve, process {process.pid})" in second.stderr
        assert laer(home, "backup", str(tmp_path / "saved.tar.gz")).returncode == 0
        restored = laer(home, "restore", str(tmp_path / "saved.tar.gz"), "--force")
        assert restored.returncode == 2
        assert "stop it first" in restored.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not child.is_running()


@pytest.mark.django_db
def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.exit_code == 1
    assert done.output == f"laer: cannot listen on 127.0.0.1:{port} (address already in use); choose another with --port\n"


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_serve_refuses_debug_on_another_address(settings: Any, host: str) -> None:
    settings.DEBUG = True
    done = run("serve", "--host", host, "--port", str(free_port()))
    assert done.exit_code == 2
    assert f"LAER_DEBUG shows settings and code to whoever causes an error: it is refused on {host}" in done.output


@pytest.mark.django_db
def test_several_web_processes_need_postgresql() -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("this is PostgreSQL")
    done = run("serve", "--web-processes", "2", "--port", str(free_port()))
    assert done.exit_code == 2
    assert "needs PostgreSQL" in done.output


def test_serve_makes_an_installation_where_there_is_none_yet(other: Path) -> None:
    port = free_port()
    with served(other, port, "--no-worker"):
        assert answer(port, "/readyz")[0] == 200
    assert "made an installation in" in (other.parent / "serve.log").read_text()
    assert rows(other, "SELECT count(*) FROM record_accounts") == [(0,)]


def test_serve_makes_no_second_book_in_a_home_that_lost_its_own(home: Path) -> None:
    (home / "book.sqlite3").unlink()
    done = laer(home, "serve", "--port", str(free_port()))
    assert done.returncode == 2
    assert "there is no book" in done.stderr
    assert not (home / "book.sqlite3").exists()


@pytest.mark.django_db
def test_the_front_end_is_collected_again_when_its_content_changed_not_when_it_is_newer(settings: Any, tmp_path: Path) -> None:
    from laer.cli.operate.installation import collect_static

    source = tmp_path / "source"
    (source / "dist").mkdir(parents=True)
    style = source / "dist" / "app.css"
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    assert not collect_static()

    def collected(text: str) -> str:
        style.write_text(text)
        os.utime(style, (0, 0))  # as a wheel built long ago brings it
        assert collect_static()
        return (tmp_path / "static" / "dist" / "app.css").read_text()

    assert collected("a{}") == "a{}"
    assert collected("b{}") == "b{}"
    kept = (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns
    style.touch()
    assert collect_static()
    assert (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns == kept


def test_a_request_under_way_is_answered_before_the_server_ends(home: Path) -> None:
    """A sign-in writes; it waits for the book's lock, which we hold until the server was told to end."""
    assert laer(home, "user", "create", "ann@example.com", "--role", "admin").returncode == 0  # else the page leads to the first run
    port = free_port()
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with served(home, port, "--no-worker") as process, closing(sqlite3.connect(home / "book.sqlite3", isolation_level=None)) as book:
        page = browser.open(f"http://127.0.0.1:{port}/login/", timeout=20).read().decode()
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        form = f"csrfmiddlewaretoken={token}&login=eve%40example.com&password=tulip-harbour-42".encode()
        book.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(lambda: browser.open(f"http://127.0.0.1:{port}/login/", form, timeout=20).read().decode())
            time.sleep(1.0)
            assert not answered.done()
            process.terminate()
            time.sleep(1.0)
            book.execute("ROLLBACK")
            assert "not correct" in answered.result(15)
        assert process.wait(15) == 0
