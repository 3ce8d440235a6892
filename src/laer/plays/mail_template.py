"""A mail as a firm writes it: a subject and a text with placeholders of a closed syntax, and what becomes of them.

A definition of kind `mail_template` (method: docs/methods/mail-templates.md). A placeholder is a name in braces, `{contact.first_name}`, or a name
with what stands where nothing is known, `{contact.first_name|there}`. Nothing else is read: no expression, no attribute, no loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from pydantic import Field

from laer.records.definition import Definition, Path

NAMES: dict[str, str] = {  # what a text may name -> an example, for previews without an account
    "account.name": "Willow Foods",
    "account.domain": "willow.example",
    "contact.name": "Jo Berg",
    "contact.first_name": "Jo",
    "contact.title": "Head of Operations",
    "owner.name": "Maya Roth",
    "owner.first_name": "Maya",
    "owner.email": "maya@firm.example",
    "firm.name": "Your firm",
    "renewal.date": "31 March 2027",
    "renewal.days": "90",
    "notice.date": "31 December 2026",
}
VALUE = "value."  # what a play hands in begins so
_PLACE = re.compile(r"\{([^{}\n]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
_KEY = re.compile(r"[a-z][a-z0-9_]*")


class MailTemplate(Definition):
    """A mail to a contact. The text is plain: paragraphs, and lists of lines that begin with `- `; addresses become links."""

    subject: str = Field(min_length=1, max_length=200, description="one line; placeholders as in the text")
    body: str = Field(min_length=1, max_length=8_000, description="paragraphs with an empty line between them")
    values: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="what a play hands in, by name, each with an example: {value.<name>} stands for it"
    )

    def faults(self) -> Iterator[tuple[Path, str]]:
        """What the model cannot say: each with its place in the text."""
        if "\n" in self.subject.strip():
            yield ("subject",), "subject: found two lines; expected one"
        for key in self.values:
            if not _KEY.fullmatch(key):
                yield ("values", key), f"values: found {key}; expected small letters, digits and _, a letter first"
        for field, text in (("subject", self.subject), ("body", self.body)):
            for name in dict.fromkeys(name for name, _instead in places(text)):
                if fault := fault_of(name, self.values):
                    yield (field,), f"{field}: {fault}"
            if left := re.search(r"[{}]", _PLACE.sub("", text)):
                yield (field,), f"{field}: a brace {left[0]} stands alone; a placeholder is a name in braces: {{contact.first_name}}"
        said = {name for text in (self.subject, self.body) for name, _instead in places(text)}
        for key in self.values:
            if VALUE + key not in said:
                yield ("values", key), f"values: nothing in the text says {{{VALUE}{key}}}"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Every name once, in the order of the text."""
        return tuple(dict.fromkeys(name for text in (self.subject, self.body) for name, _instead in places(text)))


class Missing(Exception):
    """Names for which nothing is known and nothing is said to stand instead."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def places(text: str) -> Iterator[tuple[str, str | None]]:
    """(name, what stands where nothing is known) of each placeholder."""
    for found in _PLACE.finditer(text):
        name, bar, instead = found[1].partition("|")
        yield name.strip(), instead.strip() if bar else None


def fault_of(name: str, values: Mapping[str, str]) -> str:
    """Why a name cannot stand in a text; "" where it can."""
    there = [*NAMES, *(VALUE + key for key in values)]
    if name in there:
        return ""
    shown = f"{{{name}}}"
    if name.startswith(VALUE) and _NAME.fullmatch(name):
        return f"no placeholder {shown}: values does not name {name.removeprefix(VALUE)}; there is: {', '.join(there)}"
    return f"no placeholder {shown}; there is: {', '.join(there)}"


def filled(text: str, known: Mapping[str, str]) -> str:
    """The text with what is known in place of each name. What is filled in is never read for placeholders again.

    Raises  Missing with all names of which nothing is known
    """
    lacking = tuple(dict.fromkeys(name for name, instead in places(text) if not known.get(name) and instead is None))
    if lacking:
        raise Missing(lacking)

    def put(found: re.Match[str]) -> str:
        name, _bar, instead = found[1].partition("|")
        return known.get(name.strip()) or instead.strip()

    return _PLACE.sub(put, text)


def as_html(text: str) -> str:
    """Plain text as the HTML of a mail: everything escaped, then paragraphs, lists and links."""
    return "\n".join(_block(block) for block in re.split(r"\n[ \t]*\n+", text.strip()) if block.strip())


def _block(block: str) -> str:
    lines = [line.strip() for line in block.strip().splitlines()]
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_line(line[2:])}</li>" for line in lines) + "</ul>"
    return "<p>" + "<br>".join(map(_line, lines)) + "</p>"


def _line(line: str) -> str:
    parts, at = [], 0
    for found in _LINK.finditer(line):
        address = escape(found[0])
        parts += [escape(line[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.end()
    return "".join([*parts, escape(line[at:])])
