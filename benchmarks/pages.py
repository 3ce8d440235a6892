"""Pages one at a time at 100,000 accounts: CPU time of each request, where the clock says nothing because the machine does other things.

    .venv/bin/python -m benchmarks.pages [--rounds 12] [--only tasks] [--profile PAGE]

Serves nothing: each page is asked for through Django's test client in this process, as whom it is made for (a lead reads everything, a CSM a
third of the firm), once to compile its templates and then `rounds` times. CPU is that of the asking thread (SQLite's work is in it, PostgreSQL's
not), and the garbage of the request is collected within it. The yardstick is a fixed piece of arithmetic: between two runs of this program its time says how
much of a difference is the machine's. `--profile` writes where the time of one page goes, by function.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import os
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import Table, _firm, verdict
from benchmarks._walks import LIMITS, LIST, PAGE, TYPE
from benchmarks.account_list import q

# name, who asks, address, kind; {account}, {task} are one of the CSM's own
PAGES: tuple[tuple[str, str, str, str], ...] = (
    ("accounts, lead", "lead1", "/accounts/?sort=-arr", LIST),
    ("accounts, CSM", "scale1", "/accounts/?sort=-arr", LIST),
    ("accounts, filtered", "scale1", "/accounts/?state=paying&segment=SMB", LIST),
    ("accounts, sorted", "scale1", "/accounts/?state=paying&sort=contract_end_on", LIST),
    ("accounts, searched", "scale1", "/accounts/?q=kestrel+labs", LIST),
    ("tasks", "scale1", "/tasks/", LIST),
    ("tasks, all", "scale1", "/tasks/?view=all", LIST),
    ("tasks, all, lead", "lead1", "/tasks/?view=all", LIST),
    ("renewals", "scale1", "/renewals/", LIST),
    ("renewals, all", "lead1", "/renewals/?view=all", LIST),
    ("renewals, settled", "lead1", "/renewals/?view=settled", LIST),
    ("health", "scale1", "/accounts/health/", LIST),
    ("health, lead", "lead1", "/accounts/health/", LIST),
    ("land", "lead1", "/land/", LIST),
    ("adopt", "lead1", "/adopt/", LIST),
    ("expand", "lead1", "/expand/", LIST),
    ("flow", "lead1", "/flow/", PAGE),
    ("notifications", "scale1", "/notifications/", LIST),
    ("find, empty", "scale1", "/find/", TYPE),
    ("find, typed", "scale1", "/find/?q=kestrel", TYPE),
    ("find, typed, lead", "lead1", "/find/?q=onyx+fo", TYPE),
    ("account", "scale1", "/accounts/{account}/", PAGE),
    ("account, feed", "scale1", "/accounts/{account}/?tab=feed", PAGE),
    ("account, tasks", "scale1", "/accounts/{account}/?tab=tasks", PAGE),
    ("account, subscriptions", "scale1", "/accounts/{account}/?tab=subscriptions", PAGE),
    ("account, health", "scale1", "/accounts/{account}/?tab=health", PAGE),
    ("account, peek", "scale1", "/accounts/{account}/peek/", PAGE),
    ("task", "scale1", "/tasks/{task}/", PAGE),
    ("segments", "lead1", "/accounts/segments/", LIST),
    ("matches", "admin", "/data/matches/", LIST),
    ("data", "admin", "/data/", LIST),
    ("revenue", "lead1", "/revenue/", PAGE),
)


def run(full: bool) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="laer-bench-") as folder:
        open_home(_firm.home("sqlite", Path(folder) / "home"))
        yield measured(20 if full else 8)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="a LAER_HOME with the firm in it, read as it is; else a copy of the one that is kept")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default="", help="pages whose name begins with this")
    parser.add_argument("--profile", default="", metavar="PAGE", help="where the time of this page goes, and no table")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="laer-bench-") as folder:
        open_home({**os.environ, "LAER_HOME": options.home} if options.home else _firm.home("sqlite", Path(folder) / "home"))
        if options.profile:
            print(profiled(options.profile, options.rounds))
        else:
            print(measured(options.rounds, options.only).text())
    return 0


def open_home(environment: dict[str, str]) -> None:
    os.environ.update({name: environment[name] for name in ("LAER_HOME", "DATABASE_URL") if name in environment})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]


class Visitors:
    """The test clients of the cast, signed in; `ask` gives (CPU ms, queries, KB) of one request."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.named: dict[str, str] = {}

    def of(self, name: str) -> Any:
        if name not in self.clients:
            from django.test import Client

            from laer.web.people.models import User

            client = self.clients[name] = Client(headers={"Accept-Encoding": "gzip"})
            client.force_login(User.objects.get(email=f"{name}@bench.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
        return self.clients[name]

    def address(self, who: str, pattern: str) -> str:
        if "{" in pattern and not self.named:
            mine = self.of("scale1").get(f"/accounts/?owner={_firm.NUMBERS['scale1']}&sort=-arr", headers={"Accept-Encoding": "identity"}).content.decode()
            tasks = self.of("scale1").get("/tasks/", headers={"Accept-Encoding": "identity"}).content.decode()
            self.named = {"account": re.findall(r'href="/accounts/(\d+)/"', mine)[3], "task": re.findall(r'href="/tasks/(\d+)/"', tasks)[0]}
        return pattern.format(**self.named)

    def ask(self, who: str, address: str) -> tuple[float, int, float]:
        from django.db import connection

        asked = Counted()
        client = self.of(who)
        with connection.execute_wrapper(asked):
            began = time.thread_time()
            answer = client.get(address)
            took = (time.thread_time() - began) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: found the status {answer.status_code}, expected 200")
        return took, asked.queries, len(answer.content) / 1024


class Counted:
    def __init__(self) -> None:
        self.queries = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)


def yardstick() -> float:
    """CPU milliseconds of a fixed piece of work, the median of nine."""
    times = []
    for _ in range(9):
        began = time.thread_time()
        sum(len(f"{n:,}") for n in range(30_000))
        times.append((time.thread_time() - began) * 1000)
    return q(times, 50)


def measured(rounds: int, only: str = "") -> Table:
    visitors = Visitors()
    table = Table("Pages one at a time, 100,000 accounts on SQLite, CPU ms", ["page", "first", "least", "p50", "p95", "queries", "KB", "met"])
    before = yardstick()
    for name, who, pattern, kind in PAGES:
        if not name.startswith(only):
            continue
        address = visitors.address(who, pattern)
        visitors.ask(who, address)
        first, *_ = settled(visitors, who, address)
        times, queries, size = [], 0, 0.0
        for _ in range(rounds):
            took, queries, size = visitors.ask(who, address)
            times.append(took)
        figures = (f"{ms:.1f}" for ms in (first, min(times), q(times, 50), q(times, 95)))
        table.add(name, *figures, str(queries), f"{size:.1f}", verdict(q(times, 95), at_most=LIMITS[kind]))
    table.notes.append(f"yardstick {before:.1f} ms before, {yardstick():.1f} after; load {os.getloadavg()[0]:.1f}")
    table.notes.append("'first': what the process remembers (totals, facets, counts) was forgotten before; else it is remembered.")
    table.notes.append("'least' is nearest to a quiet machine.")
    return table


def settled(visitors: Visitors, who: str, address: str) -> tuple[float, int, float]:
    """The page as the first who asks finds it: nothing remembered of published figures. Templates are compiled."""
    for memory in memories():
        memory.clear()
    return visitors.ask(who, address)


def memories() -> list[Any]:
    from laer.web.pages import health_page, segments, tasks
    from laer.web.runs import checklist, measured, queries, renewing, restated, usage, why

    rooms = (renewing, usage, restated, checklist, measured, tasks, why, health_page, segments)
    return [queries.totals_memory, queries.facets_memory, *(room.memory for room in rooms)]


def profiled(name: str, rounds: int) -> str:
    """Where a page's time goes, by own and by cumulative time of its functions."""
    who, pattern = next(((who, pattern) for page, who, pattern, _ in PAGES if page == name), ("", ""))
    if not who:
        raise SystemExit(f"found no page {name!r}, expected one of: {', '.join(page for page, *_ in PAGES)}")
    visitors = Visitors()
    address = visitors.address(who, pattern)
    for _ in range(2):
        visitors.ask(who, address)
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    for _ in range(rounds):
        visitors.ask(who, address)
    profile.disable()
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out)
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(45 if order == "tottime" else 90)
    return re.sub(r"/\S*/(site-packages|src)/", "", out.getvalue())


if __name__ == "__main__":
    sys.exit(main())
