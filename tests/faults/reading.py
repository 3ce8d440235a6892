"""Read broken files in a process of their own, with bounded memory and time: `python -m tests.faults.reading FOLDER SEED…`.

Each file is read in a fork (so that importing is paid for once) and told of in one line of JSON: what went wrong, if anything.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

# All that the command needs is imported before the forks, what it imports late too.
from laer.cli import app
from laer.cli.line_file import FileRefused, read_line_file
from laer.metrics.policy import load_policy
from laer.sources.tabular.batches import batches
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid import GridTable
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import recognise
from tests.faults.mutations import Broken, broken

MEMORY = 1_500_000_000  # bytes of address space; the imports alone take a third
SECONDS = 30
LONGEST_MESSAGE = 2_000

for late in ("laer.cli.revenue", "laer.cycle.ledger", "laer.engine.session", "ibis.backends.duckdb", "pandas", "pyarrow_hotfix"):
    importlib.import_module(late)


def read(file: Broken) -> str:
    """What is wrong with how a file is read; '' where nothing is."""
    return as_records(file) or as_lines(file) or as_command(file)


def as_records(file: Broken) -> str:
    """Tables, mapping, batches: the way of the import."""
    told = ""
    try:
        for table in open_tables(file.path):
            mapping = recognise(table)
            if mapping.record is None:
                mapping = recognise(table, record="subscription_lines")
            came = sum(len(batch.rows) + len(rejects) for batch, rejects in batches(table, mapping, size=1_000))
            there = sum(1 for _ in table.rows())
            if came != there:
                return f"{came} rows came out of {there}"
            if file.rows is not None and not isinstance(table, GridTable) and came != file.rows:
                told = " ".join(table.notes)
                if "quotation mark" not in told:
                    return f"{came} rows came of a file of {file.rows}, and no note tells of it: {told}"
    except UnreadableFile as error:
        return unclear(str(error))
    return ""


def as_lines(file: Broken) -> str:
    """The file of `laer revenue`: every row is accepted or rejected."""
    try:
        found = read_line_file(file.path, load_policy())
    except (FileRefused, UnreadableFile, ValueError, OverflowError) as error:
        return unclear(str(error))
    if len(found.accepted.account) + len(found.rejects) != found.rows:
        return f"{len(found.accepted.account)} lines accepted and {len(found.rejects)} rejected of {found.rows}"
    return ""


def as_command(file: Broken) -> str:
    done = CliRunner().invoke(app, ["revenue", str(file.path), "--format", "csv"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return "".join(traceback.format_exception(done.exception))[-3_000:]
    if done.exit_code not in (0, 2) or "Traceback" in done.stderr:
        return f"exit code {done.exit_code}: {done.stderr[-500:]}"
    return unclear(done.stderr) if done.exit_code == 2 else ""


def unclear(message: str) -> str:
    """An error without words, or with so many that nobody reads them."""
    return "" if 10 < len(message) < LONGEST_MESSAGE else f"a message of {len(message)} characters: {message[:200]!r}"


def in_a_fork(seed: int, folder: Path) -> dict[str, Any]:
    begun = time.monotonic()
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        _child(seed, folder, theirs)
    os.close(theirs)
    told = b""
    while (left := begun + 2 * SECONDS - time.monotonic()) > 0 and select.select([ours], [], [], left)[0] and (piece := os.read(ours, 65_536)):
        told += piece
    os.close(ours)
    if time.monotonic() - begun >= 2 * SECONDS:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    result: dict[str, Any] = json.loads(told) if told else {"seed": seed, "kind": "", "why": f"the process ended with {os.waitstatus_to_exitcode(status)}"}
    return result | {"seconds": round(time.monotonic() - begun, 1), "megabytes": used.ru_maxrss // 1000}


def _child(seed: int, folder: Path, out: int) -> None:
    file = None
    try:
        file = broken(seed, folder)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(SECONDS)
        why = read(file)
        signal.alarm(0)
    except BaseException:
        why = traceback.format_exc()[-3_000:]
    os.write(out, json.dumps({"seed": seed, "kind": file.kind if file else "", "why": why}).encode()[:60_000])
    os._exit(0)


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"not read within {SECONDS} seconds")


if __name__ == "__main__":
    for number in map(int, sys.argv[2:]):
        print(json.dumps(in_a_fork(number, Path(sys.argv[1]))), flush=True)
