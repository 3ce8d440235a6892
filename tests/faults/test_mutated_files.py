"""Broken files: no crash, no hang, no silent loss, bounded memory. Forty by seed in every run, more by `make test-faults`.

Each file is read as the import reads it and by `laer revenue`, in a process that may take 1.5 GB and 30 seconds
(`reading.py`); what is broken, and how, is in `mutations.py`. To look at one: `python -m tests.faults.reading FOLDER SEED`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.mutations import KINDS

ROOT = Path(__file__).parents[2]
LANE = 40
MANY = int(os.environ.get("LAER_TEST_MUTATIONS", "200"))
AT_ONCE = 20  # seeds of one process


def troubles(first: int, folder: Path, count: int) -> list[str]:
    seeds = [str(seed) for seed in range(first, first + count)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.reading", str(folder), *seeds],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}, capture_output=True, text=True, timeout=60 * count, check=False,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [str(each["seed"]) for each in told] == seeds, done.stderr[-2_000:]
    shutil.rmtree(folder)
    return [f"seed {each['seed']}, {each['kind']}, {each['seconds']} s, {each['megabytes']} MB: {each['why']}" for each in told if each["why"]]


def test_every_kind_takes_its_turn_in_every_run() -> None:
    assert len(KINDS) <= LANE


@pytest.mark.parametrize("first", range(0, LANE, AT_ONCE))
def test_forty_broken_files_are_read_or_refused_in_words(first: int, tmp_path: Path) -> None:
    found = troubles(first, tmp_path, AT_ONCE)
    assert not found, "\n\n".join(found)


@pytest.mark.faults
@pytest.mark.parametrize("first", range(LANE, MANY, AT_ONCE))
def test_many_broken_files_are_read_or_refused_in_words(first: int, tmp_path: Path) -> None:
    found = troubles(first, tmp_path, min(AT_ONCE, MANY - first))
    assert not found, "\n\n".join(found)
