"""The reference is as the code would write it (`make reference`), and says something of everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from laer.web.setting_table import SETTINGS
from tests.docs import reference
from tests.web.test_every_route import WHO

SOURCES = Path(__file__).parents[2] / "src"
STALE = "it is not what the code says: run `make reference` and commit the page"
READ = re.compile(r"""(?:environ\.get|flag|getenv)\(\s*"(LAER_\w+)",\s*"([^"]*)"\s*\)""")


def page(name: str) -> str:
    return (reference.FOLDER / name).read_text(encoding="utf-8")


def test_the_commands_are_those_of_the_code() -> None:
    assert page("commands.md") == reference.commands_page(page("commands.md")), STALE
    assert set(reference.BLOCK.findall(page("commands.md"))) == {typed for typed, _ in reference.commands()}


def test_every_option_that_people_type_says_what_it_does() -> None:
    hidden = {"laer web", "laer worker"}
    silent = [(typed, p.name) for typed, command in reference.commands() if typed not in hidden for p in command.params if p.name != "help" and not getattr(p, "help", None)]
    assert silent == []


def test_the_settings_are_those_of_the_code() -> None:
    assert page("settings.md") == reference.settings_page(), STALE


def test_the_schemas_are_those_of_the_models() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in (reference.FOLDER / "schemas").iterdir()} == reference.schemas(), STALE


def test_a_default_in_the_table_is_the_one_in_the_code() -> None:
    said = {s.name: s.default for group in SETTINGS.values() for s in group}
    read = [found for source in SOURCES.rglob("*.py") for found in READ.findall(source.read_text(encoding="utf-8"))]
    assert len(read) > 10
    # the upload limit and the home are worded; an empty default is said as a word
    wrong = [(name, default, said[name]) for name, default in read if said[name].strip("`") != default and default and not said[name].startswith(("the ", "made "))]
    assert wrong == []


def test_the_pages_are_those_of_the_routes() -> None:
    assert page("pages.md") == reference.pages_page(WHO), STALE


@pytest.mark.parametrize("name", [name for name, _, _ in reference.routes()])
def test_every_page_says_what_it_is_for(name: str) -> None:
    views = {n: view for n, _, view in reference.routes()}
    assert reference.purpose(name, views[name]), "give the view a docstring, or a line in PURPOSE of tests/docs/reference.py"


def test_the_site_begins_with_the_first_screen_of_the_readme() -> None:
    root = reference.FOLDER.parents[1]
    screen = (root / "README.md").read_text(encoding="utf-8").partition("\n## ")[0].strip()
    front = (root / "docs" / "index.md").read_text(encoding="utf-8").partition("\n## ")[0].strip()
    assert front == screen.replace("](docs/", "](")
