"""What the processes write to standard error: lines of text or of JSON, and one for each request. Never whose request it was.

A line names the route, not the path: a path holds numbers of accounts and keys of invitations, a query what somebody searched for.
What libraries and errors say is passed on without e-mail addresses, network addresses and the values that PostgreSQL quotes.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

REQUEST: ContextVar[str] = ContextVar("request", default="")  # id of the request at hand, so that other lines can name it
GIVEN = re.compile(r"[0-9a-fA-F-]{16,36}")  # an id that a proxy gave: hexadecimal, so it says nothing about anybody
MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*")
IP4, HEX = r"\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)", r"[0-9a-fA-F]"
ADDRESS = re.compile(rf"(?<![\w.:])(?:{IP4}|(?:{HEX}{{0,4}}:){{2,7}}(?:{IP4}|{HEX}{{1,4}})(?!\w))")
QUOTED = re.compile(r"^(?:DETAIL|CONTEXT): .*$", re.MULTILINE)  # psycopg: Key (email)=(…) already exists
FIELDS = ("method", "route", "status", "ms", "cpu_ms", "queries", "db_ms")

log = logging.getLogger("laer.requests")


class LogRequests:
    """One line for each request: method, route, status, milliseconds, id. The id goes back in `X-Request-ID`, for whoever reports a fault.

    As JSON also what it cost: CPU time of its thread, queries, and milliseconds in them (on SQLite they are CPU time too).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = REQUEST.set(given if GIVEN.fullmatch(given) else secrets.token_hex(8))
        begun, busy, asked = time.perf_counter(), time.thread_time(), Queries()
        try:
            with connection.execute_wrapper(asked):
                response = self.get_response(request)
            response["X-Request-ID"] = REQUEST.get()
            said = {"method": request.method, "route": _route(request), "status": response.status_code, "ms": _ms(time.perf_counter() - begun)}
            said |= {"cpu_ms": _ms(time.thread_time() - busy), "queries": asked.count, "db_ms": _ms(asked.seconds)}
            level = logging.ERROR if response.status_code >= 500 else logging.INFO
            log.log(level, "%(method)s %(route)s %(status)s %(ms)s ms", said, extra=said)
            return response
        finally:
            REQUEST.reset(token)


class Queries:
    """Counts the statements of a request, and the seconds until each had its answer."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count, self.seconds = self.count + 1, self.seconds + time.perf_counter() - begun


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _route(request: HttpRequest) -> str:
    """Name of the view; `none` where no page is. Turned away at a gate, a request has not been resolved yet."""
    try:
        return (request.resolver_match or resolve(request.path_info)).view_name
    except Resolver404:
        return "none"


def scrubbed(text: str) -> str:
    """Without what tells of people: e-mail addresses, network addresses, quoted values."""
    return ADDRESS.sub(_address, MAIL.sub("[e-mail]", QUOTED.sub("[detail]", text)))


def _message(record: logging.LogRecord) -> str:
    """Django ends its lines about a request with the path."""
    path = getattr(getattr(record, "request", None), "path", "")
    return scrubbed(record.getMessage().removesuffix(f": {path}"))


def _address(found: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(found[0])
    except ValueError:
        return found[0]
    return "[address]"


class Text(logging.Formatter):
    """`time level logger message`, then the error if there was one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _message(record)
        line = super().formatMessage(record)
        return f"{line} {REQUEST.get()}" if REQUEST.get() else line

    def formatException(self, ei: object) -> str:
        return scrubbed(super().formatException(ei))  # type: ignore[arg-type]


class Json(Text):
    """One object a line: at, level, logger, message; request_id, method, route, status, ms, cpu_ms, queries, db_ms; error with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname, "logger": record.name, "message": _message(record)}
        if REQUEST.get():
            line["request_id"] = REQUEST.get()
        line |= {name: getattr(record, name) for name in FIELDS if record.name == log.name and hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
