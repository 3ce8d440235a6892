"""The log: one line for each request, which says what was asked and how it went, and not by whom or about whom."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from laer.web.logs import REQUEST, Json, Text, scrubbed
from tests.cast import Cast

pytestmark = pytest.mark.django_db


class Kept(logging.Handler):
    """Keeps what the installation's own format makes of each record, while the request is at hand."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Any:
    handler, root = Kept(Json()), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


def requests(lines: list[str]) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, lines) if line["logger"] == "laer.requests"]


def test_a_request_is_one_line_with_its_route_and_not_its_path(cast: Cast, lines: list[str]) -> None:
    client = cast.client("csm")
    lines.clear()
    answer = client.get("/accounts/?q=Zephyr+ann@example.com", headers={"user-agent": "Telltale/1.0"}, REMOTE_ADDR="203.0.113.9")
    (line,) = requests(lines)
    assert set(line) == {"at", "level", "logger", "message", "request_id", "method", "route", "status", "ms", "cpu_ms", "queries", "db_ms"}
    assert (line["method"], line["route"], line["status"], line["level"]) == ("GET", "accounts", 200, "INFO")
    assert line["request_id"] == answer["X-Request-ID"]
    assert 0 <= line["db_ms"] <= line["ms"] < 60_000
    assert line["cpu_ms"] > 0
    with CaptureQueriesContext(connection) as asked:
        client.get("/accounts/")
    assert requests(lines)[-1]["queries"] == len(asked)
    assert not [word for word in ("Zephyr", "ann@", "203.0.113.9", "Telltale", "?", cast.users["csm"].email) if word in "".join(lines)]


def test_who_is_turned_away_or_finds_nothing_is_a_line_too_and_a_secret_in_a_path_is_none(lines: list[str]) -> None:
    client = Client(raise_request_exception=False)
    client.get("/accounts/4711/")
    client.get("/invitation/s3cr3t-t0ken/")
    client.get("/login/nobody@example.com/")
    assert (requests(lines)[0]["route"], requests(lines)[0]["status"]) == ("account", 302)
    assert [line["route"] for line in requests(lines)] == ["account", "invitation", "none"]
    assert not [word for word in ("4711", "s3cr3t", "nobody") if word in "".join(lines)]


def test_static_files_and_probes_are_no_lines(lines: list[str]) -> None:
    Client().get("/healthz")
    Client().get("/readyz")
    assert requests(lines) == []


def test_a_failed_sign_in_says_nothing_of_who_tried(lines: list[str]) -> None:
    Client().post("/login/", {"login": "eve@example.com", "password": "tulip-harbour-42"}, REMOTE_ADDR="203.0.113.9")
    assert requests(lines)[0]["route"] == "account_login"
    assert not [word for word in ("eve@", "tulip", "203.0.113") if word in "".join(lines)]


def test_an_error_is_told_with_its_traceback_and_the_request_and_without_the_address_in_it(cast: Cast, lines: list[str]) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no room for ann@example.com")

    client = cast.client("csm")
    client.raise_request_exception = False
    with connection.execute_wrapper(broken):
        answer = client.get("/accounts/4711/")
    assert answer.status_code == 500
    told = [json.loads(line) for line in lines if "RuntimeError" in line]
    assert told
    assert "no room for [e-mail]" in told[0]["error"]
    assert told[0]["message"] == "Internal Server Error"
    assert told[0]["request_id"] == answer["X-Request-ID"]
    assert not [word for word in ("ann@", "4711") if word in "".join(lines)]


def test_the_id_of_a_proxy_is_kept_when_it_can_name_nobody() -> None:
    for given, kept in (("0123456789abcdef0123", True), ("5e1f3d8a-1111-4222-8333-444455556666", True), ("ann@example.com-and-more", False), ("short", False)):
        assert (Client().get("/login/", headers={"x-request-id": given})["X-Request-ID"] == given) is kept, given
    assert REQUEST.get() == ""


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("mail to Ann.B+c@mail.example.co.uk failed", "mail to [e-mail] failed"),
        ("from 203.0.113.9, 2001:db8::7 and ::1", "from [address], [address] and [address]"),
        ("203.0.113.9:443 and [2001:db8::7]:443: refused, 2001:db8::7: gone, ::ffff:203.0.113.9.", "[address]:443 and [[address]]:443: refused, [address]: gone, [address]."),
        ("at 12:30:45 a ratio of 1:2:3 in laer 12.0.1", "at 12:30:45 a ratio of 1:2:3 in laer 12.0.1"),
        ('duplicate key\nDETAIL:  Key (name)=(Zephyr) already exists.\nline "x"', 'duplicate key\n[detail]\nline "x"'),
        ("laer.web.runs.jobs: job 7 (import) failed, attempt 1 of 5", "laer.web.runs.jobs: job 7 (import) failed, attempt 1 of 5"),
    ],
)
def test_what_tells_of_people_is_struck_out(said: str, left: str) -> None:
    assert scrubbed(said) == left


def record(message: str) -> logging.LogRecord:
    try:
        raise ValueError("not an address: ann@example.com")
    except ValueError:
        return logging.LogRecord("laer.web.runs.jobs", logging.WARNING, "", 1, message, (), sys.exc_info())


def test_text_and_json_say_the_same() -> None:
    text = Text().format(record("job of ann@example.com failed"))
    line = json.loads(Json().format(record("job of ann@example.com failed")))
    assert "WARNING laer.web.runs.jobs job of [e-mail] failed\nTraceback" in text
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "laer.web.runs.jobs", "job of [e-mail] failed")
    for told in (text, line["error"]):
        assert told.endswith("ValueError: not an address: [e-mail]")


def test_an_unknown_format_stops_the_start() -> None:
    import os
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", "import laer.web.settings"], env=os.environ | {"LAER_LOG_FORMAT": "xml"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "LAER_LOG_FORMAT: found 'xml', expected text or json"
