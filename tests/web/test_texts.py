"""Every text of a template is in the catalogue: what stands outside `translate` and `blocktranslate` has no words."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import laer.web

pytestmark = pytest.mark.once

TEMPLATES = Path(laer.web.__file__).parent / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
SHOWN = {"alt", "aria-label", "data-copied", "data-label", "placeholder", "title"}
SAME_EVERYWHERE = {"laer", "crm", "abcdef", "ghjkmn", "LAER_OIDC_ISSUER", "QR", "Ctrl", "Esc"}
HIDDEN = re.compile(r"\{% comment .*?endcomment %\}|\{#.*?#\}|\{% blocktranslate.*?endblocktranslate %\}", re.DOTALL)
# A text in a tag or a filter: {% include … with title="No tickets" %}, {{ name|default:"nobody" }}. Marked ones are _("…").
GIVEN = re.compile(r"""\b(?:label|text|title)=(["'])(.*?)\1|\|(?:default|yesno):(["'])(.*?)\3""")
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{2,}")


class Texts(HTMLParser):
    """Texts and attributes that people read, where Django's own tags are taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def bare(source: str) -> list[str]:
    """Words of a template that no translation reaches."""
    source = HIDDEN.sub("", source)
    given = [found[2] or found[4] or "" for tag in TAG.findall(source) for found in GIVEN.finditer(tag) if not tag.startswith("{% translate")]
    reader = Texts()
    reader.feed(TAG.sub("", source))
    said = " ".join(reader.found)
    upper = [text for text in given if " " in text or text[:1].isupper()]  # a lower-case word is the name of an icon or of a class
    return [word for word in WORD.findall(" ".join([said, *upper])) if word not in SAME_EVERYWHERE]


@pytest.mark.parametrize("name", PAGES)
def test_every_text_can_be_translated(name: str) -> None:
    assert bare((TEMPLATES / name).read_text()) == []


def test_a_bare_text_is_found_wherever_it_stands() -> None:
    assert bare("<p>{% if n %}Left <b>behind</b>{% endif %}</p>") == ["Left", "behind"]
    assert bare('<a title="Gone {{ name }}">{% translate "Kept" %}</a>') == ["Gone"]
    assert bare('{% include "a.html" with icon="users" title="No contacts" text=_("Kept") %}') == ["No", "contacts"]
    assert bare("{{ name|default:'Nobody here' }}{% blocktranslate %}Kept <b>too</b>{% endblocktranslate %}") == ["Nobody", "here"]
