"""The reference is complete: every setting, command and option in the code is documented, and nothing else is."""

import re
from pathlib import Path

import pytest
import typer

from laer.cli import app

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "docs" / "reference" / "settings.md"
COMMANDS = ROOT / "docs" / "reference" / "commands.md"
VARIABLE = re.compile(r"\bLAER_[A-Z0-9_]*[A-Z0-9]\b")
OWN = {"LAER_MAIN"}  # words that look like a setting and are none


def variables_in_code() -> set[str]:
    return {name for source in (ROOT / "src").rglob("*.py") for name in VARIABLE.findall(source.read_text(encoding="utf-8"))} - OWN | {"DATABASE_URL"}


def variables_in_docs() -> set[str]:
    """Those with a row of their own."""
    return set(re.findall(r"^\| `([A-Z_0-9]+)` \|", SETTINGS.read_text(encoding="utf-8"), re.MULTILINE))


def sections() -> dict[str, str]:
    """`laer import` -> the text under its heading."""
    parts = re.split(r"^#{2,3} `(laer[^`]*)`.*$", COMMANDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(command=None, words=("laer",)):
    """(as typed, click command) of every command that does something by itself."""
    command = command or typer.main.get_command(app)
    children = getattr(command, "commands", None)
    if not children:
        yield " ".join(words), command
    for name, child in (children or {}).items():
        yield from commands(child, (*words, name))


def test_every_setting_in_the_code_is_documented():
    assert variables_in_code() - variables_in_docs() == set()


def test_every_setting_documented_is_in_the_code():
    assert variables_in_docs() - variables_in_code() == set()


def test_every_setting_says_its_default_and_meaning():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", SETTINGS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _, _ in rows} == variables_in_docs()
    assert [name for name, default, meaning in rows if not default.strip() or not meaning.strip()] == []


@pytest.mark.parametrize(("typed", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_and_option_is_documented(typed, command):
    text = sections().get(typed)
    assert text is not None, f"docs/reference/commands.md has no heading `{typed}`; it has {', '.join(sections())}"
    options = {max(p.opts, key=len) for p in command.params if p.param_type_name == "option" and not getattr(p, "hidden", False)} - {"--help"}
    assert {option for option in options if not re.search(rf"{re.escape(option)}(?![\w-])", text)} == set()


def test_every_command_documented_exists():
    assert set(sections()) - {typed for typed, _ in commands()} == set()
