"""Sixteen people at work: 100,000 accounts, 1,000,000 touches, `laer serve`, two seconds between clicks. What each page takes on the server.

    .venv/bin/python -m benchmarks people
    .venv/bin/python -m benchmarks.people --database postgres --seconds 120 --import-meanwhile

Four admins, leads and finance, eleven CSMs (three of them share a book of a third of the firm) and a viewer sign in and walk through
the pages, save touches, fields and tasks; meanwhile the worker computes what they changed. Times are those of the server's own log: of the
request in the application, CPU time of its thread beside it. On a machine that does other things the CPU time says more.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import Table, _firm, verdict
from benchmarks._server import Server, serving
from benchmarks._walks import LIMITS, LIST, SAVE, TYPE, Step, walk
from benchmarks.account_list import answers, q

BUDGETS: dict[str, int] = json.loads((_firm.ROOT / "tests/web/query_budgets.json").read_text())
CLICK, KEY = 2.0, 0.18  # seconds between two clicks, between two letters
WARM = 12.0  # seconds that are not counted: templates are compiled, connections opened
SLOWEST, NAMES = 10, {"sqlite": "SQLite", "postgres": "PostgreSQL"}
READER, SAVER = 100.0, 150.0  # milliseconds at most while an import runs
FIRM = 1  # query of any request: a process looks once in a while whether an admin changed the firm
CHANGED = 50_000  # rows of that import


@dataclass
class Sample:
    step: Step
    request: str
    at: float  # seconds since the clicks began
    client: float  # milliseconds
    status: int


def run(full: bool) -> Iterator[Table]:
    """On SQLite, and on PostgreSQL where a server answers: the pages, and again while an import runs."""
    for kind in NAMES:
        if kind == "postgres" and not answers():
            yield Table("People at work on PostgreSQL: no server at 127.0.0.1:5432", ["page", "met"])
            continue
        with serving(kind) as server:
            yield pages_table(kind, server, clicks(server, 600.0 if full else 75.0))
            yield import_table(kind, server, *clicks_during_import(server, 600.0))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=[*NAMES], default="sqlite")
    parser.add_argument("--seconds", type=float, default=75.0, help="of clicks, the first 12 not counted")
    parser.add_argument("--import-meanwhile", action="store_true", help="and again while 50,000 changed rows are imported")
    parser.add_argument("--only-import", action="store_true")
    parser.add_argument("--people", type=int, default=len(_firm.CAST))
    parser.add_argument("--forget", action="store_true", help="remove the firm that is kept between runs, and end")
    options = parser.parse_args(argv)
    if options.forget:
        _firm.forget()
        return 0
    tables = []
    with serving(options.database) as server:
        if not options.only_import:
            tables.append(pages_table(options.database, server, clicks(server, options.seconds, options.people)))
        if options.import_meanwhile or options.only_import:
            tables.append(import_table(options.database, server, *clicks_during_import(server, 600.0, options.people)))
    for table in tables:
        print(table.text(), flush=True)
    return int(any(row[-1].startswith("no") for table in tables for row in table.rows))


# -- clicking ---------------------------------------------------------------------------------------------------------


class Person:
    """A browser without a screen: one connection kept open, its cookies, gzip."""

    def __init__(self, server: Server, name: str) -> None:
        self.port, self.name = server.port, name
        self.connection: HTTPConnection | None = None
        self.cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        self.send("GET", "/login/")
        status, _ = self.send("POST", "/login/", {"login": f"{self.name}@bench.example", "password": _firm.PASSWORD})
        if status != 302:
            raise RuntimeError(f"{self.name} could not sign in: {status}")

    def send(self, method: str, path: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        said = {"Accept-Encoding": "gzip", "Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()), **(headers or {})}
        body = None
        if data is not None:
            token = next((v for n, v in self.cookies.items() if "csrf" in n), "")
            body = urlencode(data).encode()
            said |= {"X-CSRFToken": token, "Content-Type": "application/x-www-form-urlencoded"}
        for again in (True, False):
            try:
                self.connection = self.connection or HTTPConnection("127.0.0.1", self.port, timeout=300)
                self.connection.request(method, path, body, said)
                answer = self.connection.getresponse()
                read = answer.read()
                break
            except (HTTPException, OSError):
                self.connection = None
                if not again:
                    raise
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        if answer.getheader("Content-Encoding") == "gzip":
            read = gzip.decompress(read)
        return answer.status, read.decode(errors="replace")


def clicks(server: Server, seconds: float, people: int = len(_firm.CAST), until: threading.Event | None = None, warm: float = WARM) -> list[Sample]:
    """What everybody was answered in that time, or until the event."""
    cast = _firm.CAST[:people] if people >= len(_firm.CAST) else random.Random(2).sample(_firm.CAST, people)
    signed = [Person(server, name) for name, *_ in cast]
    for person in signed:  # one after the other: a password costs a fifth of a second
        person.sign_in()
    stop, samples, began = until or threading.Event(), list[Sample](), time.monotonic()

    def at_work(number: int, person: Person, role: str) -> None:
        luck = random.Random(number * 7_919 + int(seconds))
        steps = walk(role, _firm.NUMBERS[person.name], luck)
        step, text = next(steps), ""
        stop.wait(luck.uniform(0, CLICK))
        while not stop.is_set() and time.monotonic() - began < seconds:
            request = secrets.token_hex(8)
            headers = {"X-Request-ID": request, **({"HX-Request": "true"} if step.part else {}), **step.headers}
            asked = time.perf_counter()
            status, text = person.send("GET" if step.data is None else "POST", step.path, step.data, headers)
            at = time.monotonic() - began
            if at > warm:
                samples.append(Sample(step, request, at, (time.perf_counter() - asked) * 1000, status))
            step = steps.send(text)
            stop.wait(luck.uniform(0.5, 1.5) * (CLICK if step.wait else KEY))

    with ThreadPoolExecutor(len(cast)) as pool:
        working = [pool.submit(at_work, i, person, one[1]) for i, (person, one) in enumerate(zip(signed, cast, strict=True))]
        for done in working:
            done.result()
    return samples


def clicks_during_import(server: Server, at_most: float, people: int = len(_firm.CAST)) -> tuple[list[Sample], float]:
    """The same while `laer import` takes in changed rows and computes what follows; and how long that took."""
    path = Path(server.environment["LAER_HOME"]).parent / f"changed-{date_mark()}.csv"
    luck = random.Random(11)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["account_id", "account_name", "industry", "employees"])
        out.writerows([f"A-{i:06d}", f"Renamed {i}", f"Industry {luck.randrange(20)}", luck.randrange(5, 9_000)] for i in range(1, CHANGED + 1))
    over, took = threading.Event(), [0.0]

    def take_in() -> None:
        time.sleep(WARM)
        begun = time.monotonic()
        try:
            command = [sys.executable, "-W", "ignore", "-m", "laer.cli", "import", str(path), "--source", "crm"]
            subprocess.run(command, env=server.environment, check=True, capture_output=True, timeout=at_most)
        finally:
            took[0] = time.monotonic() - begun
            over.set()

    with ThreadPoolExecutor(1) as pool:
        importing = pool.submit(take_in)
        samples = clicks(server, at_most, people, until=over)
        importing.result()
    return samples, took[0]


def date_mark() -> str:
    return time.strftime("%Y-%m-%d")


# -- telling ----------------------------------------------------------------------------------------------------------


def pages_table(kind: str, server: Server, samples: list[Sample]) -> Table:
    """A row a page: server time, CPU time, the whole as the client saw it, queries against the budget."""
    said = server.answers()
    table = Table(
        f"{len(_firm.CAST)} people at work on {NAMES[kind]}, 100,000 accounts, 1,000,000 touches, times in ms",
        ["page", "n", "p50", "p95", "longest", "p95 CPU", "p95 in queries", "p95 to the browser", "queries", "met"],
    )
    by_page: dict[str, list[tuple[Sample, dict[str, Any]]]] = {}
    for sample in samples:
        if sample.request in said:
            by_page.setdefault(sample.step.page, []).append((sample, said[sample.request]))
    for page, both in sorted(by_page.items()):
        step, lines = both[0][0].step, [line for _, line in both]
        times, most = [line["ms"] for line in lines], max(line["queries"] for line in lines)
        budget = BUDGETS.get(step.budget)
        met = verdict(q(times, 95), at_most=LIMITS[step.kind])
        if budget is not None and most > budget + FIRM:
            met = f"no, {most} queries of {budget}"
        if wrong := sorted({s.status for s, _ in both if s.status >= 400}):
            met = f"no, answered {wrong}"
        costs = [[x["cpu_ms"] for x in lines], [x["db_ms"] for x in lines], [s.client for s, _ in both]]
        figures = [f"{x:.1f}" for x in (q(times, 50), q(times, 95), max(times), *(q(of, 95) for of in costs))]
        table.add(page, str(len(both)), *figures, f"{most} of {budget}" if budget else str(most), met)
    every = [line["ms"] for both in by_page.values() for _, line in both]
    spread = max(s.at for s in samples) - min(s.at for s in samples)
    rate, whole = len(every) / spread, f"p50 {q(every, 50):.1f}, p95 {q(every, 95):.1f}, longest {max(every):.1f}"
    table.notes.append(f"{len(every):,} requests, {rate:.1f} a second: {whole}.")
    table.notes.append(f"At most, p95 on the server: lists {LIMITS[LIST]}, search as you type {LIMITS[TYPE]}, saves {LIMITS[SAVE]}, every other page 100.")
    return table


def import_table(kind: str, server: Server, samples: list[Sample], took: float) -> Table:
    said = server.answers()
    table = Table(
        f"The same on {NAMES[kind]} while an import of {CHANGED:,} changed rows runs ({took:.0f} s), times in ms",
        ["who", "n", "p50", "p95", "longest", "p95 CPU", "met"],
    )
    for who, saves, most in (("readers", False, READER), ("saves", True, SAVER)):
        found = [(s, said[s.request]) for s in samples if (s.step.kind == SAVE) == saves and s.request in said]
        times = [line["ms"] for _, line in found]
        if not times:
            continue
        figures = (q(times, 50), q(times, 95), max(times), q([x["cpu_ms"] for _, x in found], 95))
        table.add(who, str(len(times)), *(f"{x:.1f}" for x in figures), verdict(q(times, 95), at_most=most))
        slow = sorted(((line["ms"], s.step.page, line["cpu_ms"], line["db_ms"]) for s, line in found), reverse=True)[:SLOWEST]
        table.notes.extend(f"slow: {ms:.0f} ms (CPU {cpu:.0f}, in queries {db:.0f}) {page}" for ms, page, cpu, db in slow)
        over = sum(t > most for t in times)
        table.notes.append(f"{who} over {most:.0f} ms: {over} of {len(times)}")
    return table


if __name__ == "__main__":
    sys.exit(main())
