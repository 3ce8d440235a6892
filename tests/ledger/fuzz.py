"""`laer revenue` beside its witness: run both, compare row by row.

    python -m tests.ledger.fuzz --from 0 --to 500 [--stop-after 5] [--subprocess] [--keep FOLDER]

For each seed a nasty file is written (`nasty.py`), the command and the oracle are run on it with the same options, and
the first seeds on which they differ are listed with the command line that shows it again. Exit code 1 on a difference.
"""

import argparse
import csv
import io
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from tests.ledger import nasty, oracle

EXECUTABLE = Path(sys.executable).parent / "laer"
FLAGS = {"from_": "--from", "date_order": "--date-order", "gap_days": "--gap-days"}
SPLIT_FIGURES = re.compile(
    r"(new|reactivation|expansion|contraction|churn|entering|leaving)_mrr|(gross|net)_mrr_churn_rate|quick_ratio"
)


@dataclass
class Outcome:
    exit_code: int
    columns: list
    rows: list
    reject_counts: dict
    stderr: str


def arguments(path, options, *extra):
    words = ["revenue", str(path), "--format", "csv", *extra]
    for name, value in options.items():
        words += [FLAGS.get(name, f"--{name}"), str(value)]
    return words


@cache
def application():
    """The typer application in this process, or None: then a subprocess each time."""
    try:
        from typer.testing import CliRunner

        from laer.cli import app
    except ImportError:
        return None
    return CliRunner(), app


@cache
def command_exists():
    """Whether this checkout has the command at all."""
    if not EXECUTABLE.exists():
        return False
    return subprocess.run([EXECUTABLE, "revenue", "--help"], capture_output=True, check=False).returncode == 0


def run_command(words, in_process=True):
    if in_process and application():
        runner, app = application()
        result = runner.invoke(app, words)
        code, stdout, stderr = result.exit_code, result.stdout, result.stderr
        if result.exception and not isinstance(result.exception, SystemExit):
            code, stderr = 1, f"{stderr}\n{result.exception!r}"
    else:
        result = subprocess.run([EXECUTABLE, *words], capture_output=True, check=False, encoding="utf-8")
        code, stdout, stderr = result.returncode, result.stdout, result.stderr
    reader = csv.DictReader(io.StringIO(stdout))
    rows = list(reader)
    counts = re.findall(r"^rejected: (.+): (\d+)\s*$", stderr, re.MULTILINE)
    return Outcome(code, list(reader.fieldnames or []), rows, {reason: int(count) for reason, count in counts}, stderr)


def differences(expected, got, by=None):
    """What the command did otherwise than the witness, as lines of text; none where they agree."""
    wanted_code = 2 if expected.error else 0
    if got.exit_code != wanted_code:
        tail = got.stderr.strip()[-600:]
        return [f"exit code {got.exit_code}, witness {wanted_code} ({expected.error or 'no error'}); stderr: {tail}"]
    if expected.error:
        return []
    found = []
    if list(got.reject_counts.items()) != list(expected.reject_counts.items()):
        found.append(f"rejects {got.reject_counts}, witness {expected.reject_counts}")
        found.append(f"  the witness rejects (line, reason): {expected.rejects[:40]}")
    if got.columns != expected.columns:
        return [*found, f"columns {got.columns}, witness {expected.columns}"]
    return found + differing_rows(expected.rows, got.rows, expected.columns[: 1 if by is None else 2], by is not None)


def differing_rows(expected, got, keys, split=False):
    def keyed(rows):
        return {tuple(row[key] for key in keys): row for row in rows}

    found, ours, theirs = [], keyed(expected), keyed(got)
    if len(theirs) != len(got):
        found.append(f"{len(got) - len(theirs)} rows repeat an earlier key")
    if not split and list(ours) == sorted(ours) and list(theirs) != sorted(theirs):
        found.append("rows are out of order")
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours or key not in theirs:
            row = ours.get(key) or theirs.get(key)
            if not split or any(is_figure(value) for name, value in row.items() if name not in keys):
                found.append(f"{key}: only in {'the witness' if key in ours else 'the command'}")
            continue
        off = [
            f"{name} {theirs[key][name]!r}, witness {text!r}"
            for name, text in ours[key].items()
            if not same(name, text, theirs[key][name], split)
        ]
        if off:
            found.append(f"{key}: " + "; ".join(off))
    return found


def is_figure(text):
    return bool(text) and Decimal(text) != 0


def same(name, text, other, split):
    """Equal text; where movements are shared among values, one unit of the last place is allowed."""
    if text == other or not (split and text and other and SPLIT_FIGURES.fullmatch(name)):
        return text == other
    one = Decimal(text)
    unit = Decimal(1).scaleb(one.as_tuple().exponent)
    # A ratio of split amounts feels the part that a share was cut to; against a tiny denominator it shows.
    return abs(one - Decimal(other)) <= (unit if name.endswith("_mrr") else max(unit, abs(one) / 10_000))


def compare_seed(folder, seed, in_process=True):
    """(difference lines, the command line) for one seed: rows, and cohorts for every third seed."""
    path = Path(folder) / f"nasty-{seed}.csv"
    options = nasty.write_nasty(path, seed)
    expected = oracle.report(path, **options)
    words = arguments(path, options)
    found = differences(expected, run_command(words, in_process), options.get("by"))
    if not found and seed % 3 == 0 and "by" not in options and not expected.error:
        words = arguments(path, options, "--cohorts")
        got = run_command(words, in_process)
        found = differing_rows(expected.cohorts, got.rows, oracle.COHORT_COLUMNS[:2])
        if got.exit_code or (got.columns != oracle.COHORT_COLUMNS and (got.columns or expected.cohorts)):
            found.insert(0, f"--cohorts: exit code {got.exit_code}, columns {got.columns}")
    return found, shlex.join(["laer", *words])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=500, help="one past the last seed")
    parser.add_argument("--stop-after", type=int, default=5, help="seeds that differ")
    parser.add_argument("--subprocess", action="store_true", help="start the executable for each file")
    parser.add_argument("--keep", help="write the files here and leave them")
    asked = parser.parse_args()
    if not command_exists():
        sys.exit(f"{EXECUTABLE} has no working `revenue` command yet")
    folder = Path(asked.keep or tempfile.mkdtemp(prefix="laer-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    for seed in range(asked.first, asked.last):
        found, command_line = compare_seed(folder, seed, in_process=not asked.subprocess)
        if not found:
            continue
        wrong.append(seed)
        print(f"seed {seed}: {command_line}")
        for line in found[:8]:
            print(f"    {line}")
        if len(found) > 8:
            print(f"    … and {len(found) - 8} more")
        if len(wrong) >= asked.stop_after:
            break
    print(f"{seed + 1 - asked.first} seeds compared, {len(wrong)} differ: {wrong}; files in {folder}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
