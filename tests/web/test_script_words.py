"""What the scripts say: in the reader's language, each word asked for is there, and none stands in the scripts themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import laer.web
from laer.web.templatetags.script_words import WORDS
from tests.cast import Cast

pytestmark = pytest.mark.once

SCRIPTS = sorted((Path(laer.web.__file__).parents[3] / "frontend" / "src").rglob("*.js"))
COMMENT = re.compile(r"(?m)(^|\s)//.*$")
SENTENCE = re.compile(r"""["`][^"`#.[\n]*\b[A-Za-z]{2,}\b [a-z]{2,}\b [a-z]{2,}\b[^"`\n]*["`]""")  # three words in a row are prose, fewer may be a selector


def code(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


def test_every_word_that_a_script_asks_for_is_there_and_none_beside() -> None:
    whole = "\n".join(code(path) for path in SCRIPTS)
    asked = set(re.findall(r'\bword\("(\w+)"', whole))
    assert asked - set(WORDS) == set()
    by_number = {"status_403", "status_404", "status_429"}  # a status is put into its key
    assert {key for key in WORDS if f'"{key}"' not in whole} == by_number


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_has_a_sentence_of_its_own(path: Path) -> None:
    said = [line for line in code(path).splitlines() if SENTENCE.search(line) and "new Error(" not in line]
    assert said == []


def test_a_page_hands_them_over(cast: Cast) -> None:
    page = cast.client("csm").get("/tasks/").content.decode()
    found = re.search(r'<script id="words" type="application/json">(.*?)</script>', page)
    assert found
    assert json.loads(found[1])["no_answer"] == "No answer from the server. Check the connection and try again."
    assert set(json.loads(found[1])) == set(WORDS)
