"""A lane that does again what failed: what came too late passes alone, what is wrong fails twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.twice import MOST

ROOT = Path(__file__).resolve().parents[1]
LATE = """
import pathlib
def test_that_is_late():
    seen = pathlib.Path(__file__).with_name("seen")
    first, _ = not seen.exists(), seen.touch()
    assert not first
"""


def lane(folder: Path, *files: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(files):
        (folder / f"test_{number}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "tests.twice", "walks", "-p", "no:django", "-n", "0"],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_what_only_came_too_late_passes_alone_and_is_named(tmp_path: Path) -> None:
    ended, said = lane(tmp_path, LATE, "def test_that_is_right(): pass")
    assert ended == 0
    assert said.endswith("== walks: done twice\n  passed alone  test_0.py::test_that_is_late\n")
    assert "1 passed, 1 deselected" in said or "1 passed in" in said  # alone: nothing that had passed is done again


def test_what_is_wrong_fails_the_lane_and_is_named_last(tmp_path: Path) -> None:
    ended, said = lane(tmp_path, LATE, "def test_that_is_wrong(): assert 1 == 2")
    assert ended == 1
    assert said.endswith("== walks: done twice\n  passed alone  test_0.py::test_that_is_late\n  failed twice  test_1.py::test_that_is_wrong\n")


def test_a_lane_that_passes_is_done_once_and_one_that_cannot_be_read_fails(tmp_path: Path) -> None:
    ended, said = lane(tmp_path, "def test_that_is_right(): pass")
    assert ended == 0
    assert "done twice" not in said
    assert lane(tmp_path, "import nothing_of_that_name")[0] != 0


def test_too_much_that_fails_is_not_the_clock(tmp_path: Path) -> None:
    ended, said = lane(tmp_path, f"import pytest\n@pytest.mark.parametrize('n', range({MOST + 1}))\ndef test_that_is_wrong(n): assert n < 0")
    assert ended == 1
    assert "done twice" not in said
