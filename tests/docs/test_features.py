"""The feature table is true: it has every row once, and what it names exists."""

import re
from pathlib import Path

import pytest
import typer
from django.urls import Resolver404, resolve

from laer.cli import app

ROOT = Path(__file__).parents[2]
FEATURES = ROOT / "docs" / "features.md"
STATES = {"works", "begun", "planned"}
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$")
QUOTED = re.compile(r"`([^`]+)`")


def rows() -> dict[int, tuple[str, str, str, str]]:
    found = [m.groups() for m in map(ROW.match, FEATURES.read_text(encoding="utf-8").splitlines()) if m]
    numbers = [int(number) for number, *_ in found]
    assert len(numbers) == len(set(numbers)), f"repeated: {sorted(n for n in set(numbers) if numbers.count(n) > 1)}"
    return {int(number): (name.strip(), where.strip(), state.strip(), what.strip()) for number, name, where, state, what in found}


def commands() -> set[str]:
    """Every command as it is typed, groups included: `laer user`, `laer user create`."""

    def walk(command, words):
        yield " ".join(words)
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, [*words, name])

    return set(walk(typer.main.get_command(app), ["laer"]))


def named(prefix: str) -> list[str]:
    """What the table quotes and begins so."""
    quoted = {text for row in rows().values() for cell in (row[1], row[3]) for text in QUOTED.findall(cell)}
    return sorted(text for text in quoted if text.startswith(prefix))


def test_it_has_each_of_the_130_rows_once():
    assert sorted(rows()) == list(range(1, 131))


def test_every_state_is_one_of_three_words():
    assert {n: state for n, (_, _, state, _) in rows().items() if state not in STATES} == {}


def test_every_row_has_a_name_and_says_where():
    assert [n for n, (name, where, _, _) in rows().items() if not name or not where] == []


def test_what_works_or_is_begun_names_a_page_or_a_command():
    assert [n for n, (_, where, state, _) in rows().items() if state != "planned" and not QUOTED.findall(where)] == []


def test_what_is_begun_says_what_is_missing():
    assert [n for n, (_, _, state, what) in rows().items() if state == "begun" and "planned" not in what] == []


@pytest.mark.parametrize("path", named("/"))
def test_every_page_named_exists(path):
    try:
        resolve(path)
    except Resolver404:
        pytest.fail(f"docs/features.md names the page {path}, which no URL resolves")


@pytest.mark.parametrize("command", named("laer "))
def test_every_command_named_exists(command):
    there = commands()
    assert command in there, f"docs/features.md names `{command}`; there are {', '.join(sorted(there))}"


def test_every_document_that_the_code_names_exists():
    """`Method  docs/methods/x.md` in a docstring, and any other document that a comment points at."""
    pointed = {(path, source) for source in sorted((ROOT / "src").rglob("*.py")) for path in re.findall(r"docs/[\w/.-]+\.md", source.read_text(encoding="utf-8"))}
    assert any(path.startswith("docs/methods/") for path, _ in pointed), "no docstring names a method page; is the pattern still right?"
    missing = sorted(f"{source.relative_to(ROOT)} names {path}" for path, source in pointed if not (ROOT / path).is_file())
    assert missing == []


def test_every_method_page_is_in_the_index():
    index = (ROOT / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    pages = {p.name for p in (ROOT / "docs" / "methods").glob("*.md")} - {"index.md"}
    assert {page for page in pages if f"({page})" not in index} == set()
