"""Freeze a small installation as a version of laer leaves it, for `test_frozen.py` to upgrade: run once for each release.

    git worktree add ../then TAG
    .venv/bin/python -m tests.upgrade.freeze NAME ../then --postgres postgresql://postgres@127.0.0.1:5432

Everything is done by the commands of that version, as a firm would, so that the frozen rows are those that its code wrote. Writes
`frozen/NAME/`: `home.tar.gz` (the home with its SQLite book), `postgres.tar.gz` (the home of a book on PostgreSQL, and the dump of
it as SQL), `figures.json` (what was in both). A frozen folder is never made again: it is what was out there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

FROZEN = Path(__file__).parent / "frozen"
EMAIL, PASSWORD = "ada@northmoor.example", "a-long-way-round-the-hill"
ACCOUNTS = [("A-1", "Amber Logistics", "Enterprise", "amber.example"), ("A-2", "Birch & Sons", "SMB", "birch.example"), ("A-3", "Cobalt Health", "Enterprise", "cobalt.example"),
            ("A-4", "Dune Travel", "SMB", "dune.example"), ("A-5", "Ember Studios", "Mid", "ember.example"), ("A-6", "Fjord Energy", "Mid", "fjord.example"),
            ("A-7", "Grove Foods", "SMB", "grove.example"), ("A-8", "Harbor Legal", "Mid", "harbor.example")]  # fmt: skip
LINES = [("S-1", "A-1", "2025-11-01", "", "4000"), ("S-2", "A-2", "2025-12-01", "", "310.50"), ("S-3", "A-3", "2026-01-01", "", "2750"), ("S-4", "A-4", "2026-01-15", "2026-05-15", "120"),
         ("S-5", "A-5", "2026-02-01", "", "900"), ("S-6", "A-6", "2026-02-01", "", "1,100.00"), ("S-7", "A-7", "2026-03-01", "", "95"), ("S-8", "A-8", "not yet known", "", "500"),
         ("S-9", "A-99", "2026-03-01", "", "77")]  # fmt: skip


def csv(folder: Path, name: str, header: str, rows: list[tuple[str, ...]]) -> None:
    folder.mkdir(exist_ok=True)
    text = "\n".join([header, *(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)])
    (folder / name).write_text(text + "\n", encoding="utf-8")


def exports(folder: Path) -> list[tuple[Path, str]]:
    """Three exports of one CRM, each with its day: the second changes what the first said, the third is undone."""
    first, second, third = folder / "first", folder / "second", folder / "third"
    owners = ["Mona Lind", "Theo Brandt"]
    csv(first, "accounts.csv", "account_id,account_name,segment,domain,owner,Region", [(*a, owners[i % 2], "North") for i, a in enumerate(ACCOUNTS)])
    csv(first, "subscriptions.csv", "subscription_id,account_id,start_date,end_date,mrr", LINES)
    days = [f"2026-0{month}-{day:02}" for month in (1, 2, 3) for day in (3, 10, 17, 24)]
    csv(first, "usage.csv", "usage_id,account_id,usage_date,feature_name,usage_count",
        [(f"U-{a}-{d}", f"A-{a}", day, "reports" if d % 2 else "alerts", str(a + d)) for a in range(1, 9) for d, day in enumerate(days)])  # fmt: skip
    changed = [(i, n, "Enterprise" if i == "A-5" else s, d) for i, n, s, d in ACCOUNTS]
    csv(second, "accounts.csv", "account_id,account_name,segment,domain,owner,Region", [(*a, owners[i // 4], "North") for i, a in enumerate(changed)])
    raised = {"A-1": "4600", "A-6": "800"}
    csv(second, "subscriptions.csv", "subscription_id,account_id,start_date,end_date,mrr", [(s, a, b, e, raised.get(a, m)) for s, a, b, e, m in LINES[:7]])
    csv(third, "accounts.csv", "account_id,account_name,segment", [("A-20", "Imported by mistake", "SMB"), ("A-21", "Also a mistake", "SMB")])
    return [(first, "2026-03-31"), (second, "2026-06-01"), (third, "2026-06-02")]


class Version:
    """The commands of one version of laer, on one home."""

    def __init__(self, tree: Path, home: Path, database: str = "") -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LAER_") and k not in ("DATABASE_URL", "PYTHONPATH")}
        self.environment = kept | {"PYTHONPATH": str(tree.resolve() / "src"), "LAER_HOME": str(home), "DATABASE_URL": database, "LAER_COMPANY": "Northmoor"}

    def laer(self, *words: str, given: str = "") -> str:
        done = subprocess.run([sys.executable, "-m", "laer.cli", *words], env=self.environment, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"laer {' '.join(words)}: {done.stderr[-2000:]}")
        return done.stdout

    def has(self, command: str) -> bool:
        return f" {command} " in self.laer("--help")


def fill(version: Version, folder: Path) -> None:
    version.laer("init")
    version.laer("user", "create", EMAIL, "--role", "admin", "--name", "Ada Byron", given=PASSWORD + "\n")
    for export, day in exports(folder):
        version.laer("import", str(export), "--source", "crm", "--as-of", day)
    version.laer("undo", "3")
    version.laer("run")
    if version.has("close"):
        version.laer("close", "2026-04")


# What must be the same before and after, by SQL that every version understands so far.
ASKED = {
    "arr": "SELECT CAST(month AS text), SUM(SUM(closing_minor - opening_minor)) OVER (ORDER BY month) * 12 FROM runs_accountmonth WHERE month <= '2026-06-01' GROUP BY month ORDER BY month",
    "accounts": "SELECT COUNT(*) FROM book_account WHERE archived_at IS NULL",
    "cards": "SELECT COUNT(*), SUM(mrr_minor) FROM runs_accountcard",
    "quarantine": "SELECT COUNT(*) FROM book_quarantinedrow WHERE retried_run_id IS NULL AND dismissed_at IS NULL",
    "changes": "SELECT COUNT(*) FROM book_fieldchange",
    "mappings": "SELECT COUNT(*) FROM book_savedmapping",
    "imports": "SELECT id, source, state FROM book_importrun ORDER BY id",
    "logins": "SELECT email, role FROM people_user ORDER BY email",
}
CLOSED = "SELECT CAST(month AS text), figures FROM runs_closedmonth WHERE reopened_at IS NULL ORDER BY month"


def figures(execute: Any) -> dict[str, Any]:
    """`execute` takes SQL and answers with rows. Numbers of either database look alike."""
    return {name: [[int(v) if hasattr(v, "__int__") and not isinstance(v, str) else v for v in row] for row in execute(sql)] for name, sql in ASKED.items()}


def read_sqlite(file: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(file)) as book:
        return figures(lambda sql: book.execute(sql).fetchall())


def packed(home: Path, target: Path, *more: Path) -> None:
    """The folder without what is made again at the next start, without times and owners, so that it is small."""
    with gzip.GzipFile(target, "wb", mtime=0) as raw, tarfile.open(fileobj=raw, mode="w") as tar:  # type: ignore[arg-type]
        for path in [*sorted(p for p in home.rglob("*") if p.is_file()), *more]:
            name = path.relative_to(home) if home in path.parents else Path(path.name)
            if name.parts[0] in ("static", "tmp", "serve.lock", "worker.beat") or "_locks" in name.parts or "_staging" in name.parts:
                continue
            info = tarfile.TarInfo(name.as_posix())
            info.size, info.mode = path.stat().st_size, 0o600
            with path.open("rb") as file:
                tar.addfile(info, file)


def freeze(name: str, tree: Path, server: str) -> None:
    import psycopg

    target = FROZEN / name
    if target.exists():
        raise SystemExit(f"{target} is there already: what was frozen stays as it was")
    with tempfile.TemporaryDirectory() as scratch:
        folder, home, other = Path(scratch) / "exports", Path(scratch) / "home", Path(scratch) / "other"
        folder.mkdir()
        fill(Version(tree, home), folder)
        found = read_sqlite(home / "book.sqlite3")
        own = urlunsplit(urlsplit(server)._replace(path="/laer_freeze"))
        with psycopg.connect(urlunsplit(urlsplit(server)._replace(path="/postgres")), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS laer_freeze WITH (FORCE)")
            admin.execute("CREATE DATABASE laer_freeze")
            try:
                fill(Version(tree, other, own), folder)
                with psycopg.connect(own) as book:
                    again = figures(lambda sql: book.execute(sql).fetchall())
                dump = Path(scratch) / "book.sql"
                text = subprocess.run(["pg_dump", "--no-owner", "--no-privileges", own], capture_output=True, text=True, check=True).stdout
                # newer tools write lines that older ones do not know
                dump.write_text("".join(line for line in text.splitlines(True) if not line.startswith(("\\restrict", "\\unrestrict", "SET transaction_timeout"))))
            finally:
                admin.execute("DROP DATABASE laer_freeze WITH (FORCE)")
        if again != found:
            raise SystemExit(f"the two databases differ: {found} {again}")
        target.mkdir(parents=True)
        try:
            packed(home, target / "home.tar.gz")
            packed(other, target / "postgres.tar.gz", dump)
            commit = subprocess.run(["git", "-C", str(tree), "log", "-1", "--format=%h of %cs"], capture_output=True, text=True, check=True).stdout.strip()
            (target / "figures.json").write_text(json.dumps({"commit": commit, **found}, indent=1) + "\n", encoding="utf-8")
        except BaseException:
            shutil.rmtree(target)
            raise


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("tree", type=Path, help="a working tree of that version")
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432", help="a server on which a database may be made")
    given = parser.parse_args()
    freeze(given.name, given.tree, given.postgres)
