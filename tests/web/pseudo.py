"""A language that nobody speaks: each text of ours in ⟦ ⟧, so that a page shows what never went through gettext."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from babel.dates import get_day_names
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.apps import apps
from django.db.models import CharField, EmailField, JSONField, TextField

from laer.web.book.models import Definition
from laer.web.extracting import extracted
from laer.web.people.reader import locale_names

CODE = "zxx"  # ISO 639: no linguistic content; neither Django nor Babel has words of it
SPOKEN = ("aria-label", "aria-description", "title", "placeholder", "alt", "data-label", "data-copied", "data-confirm", "label")
SILENT = {"script", "style", "noscript", "datalist", "code", "kbd", "pre"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "use", "path"}
# Columns whose texts are a firm's own, and not words of ours that the book keeps.
OWN = {
    "name", "email", "domain", "segment", "industry", "country", "region", "title", "role", "subject", "comment", "text", "summary", "detail", "plan", "file", "files", "raw", "path",
    "source", "owner_name", "slug", "label", "seller", "stage", "old", "new", "custom", "phone", "lead_source", "external_id", "user_agent", "ip", "query", "checklist", "currency", "reason", "next_step", "note",
}  # fmt: skip
NOT_OURS = {"User": {"role"}, "Person": {"role"}, "SavedView": set(), "CustomField": {"kind"}}
WRITTEN = re.compile(
    r"""\d{4}-\d{2}(-\d{2})?|(\d{1,2}\s)?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*(\s\d{4})?|\d{1,2}:\d{2}"""
    r"""|(in\s)?\d[\d,.]*\s(second|minute|hour|day|week|month|year)s?(\sago)?|[\w.+-]+@[\w.-]+|https?://\S+|LAER_\w+|US\$|[€£$¥]|\d[\d,.]*\s?(k|M|B|KB|MB|s|ms)?\b|\b(USD|EUR|GBP|CHF|JPY)\b""",
    re.VERBOSE,
)
NAMES = {"brevo", "mailgun", "postmark", "resend", "sendgrid", "starttls", "tls", "laer", "mrr", "arr", "nrr", "grr", CODE, "utc", "csv", "xlsx", "ctrl", "esc", "enter", "python", "chrome", "firefox", "linux", "etc"}


def write_catalogue(folder: Path) -> Catalog:
    """Every text of the code as it stands now; placeholders and markup stay, for the brackets stand around all of it."""
    said = extracted()
    made = Catalog(locale="en", charset="utf-8")
    for message in said:
        if message.id:
            texts = message.id if isinstance(message.id, str) else tuple(f"⟦{text}⟧" for text in message.id)
            made.add(message.id, f"⟦{texts}⟧" if isinstance(texts, str) else texts, context=message.context)
    target = folder / CODE / "LC_MESSAGES" / "django.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, made)
    return made


class Page(HTMLParser):
    """What a page says outside the brackets. A text may run over several elements: the brackets are counted in the order of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faces: list[bool] = []
        self.depth = 0
        self.bare: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in SPOKEN:
            if given.get(name):
                self.bare.append(outside(given[name] or "", 0)[0])
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.bare.append(outside(given.get("value") or "", 0)[0])
        if tag not in VOID:
            self.open.append(tag)
            self.faces.append("face" in (given.get("class") or "").split())  # initials

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                self.faces.pop()
            self.faces.pop()

    def handle_data(self, data: str) -> None:
        text, self.depth = outside(data, self.depth)
        if not SILENT & set(self.open) and not any(self.faces):
            self.bare.append(text)


def outside(text: str, depth: int) -> tuple[str, int]:
    """What of a text stands in no bracket, and how many are open behind it."""
    kept = []
    for sign in text:
        depth += sign == "⟦"
        if depth == 0:
            kept.append(sign)
        depth -= sign == "⟧" and depth > 0
    return "".join(kept), depth


def bare_texts(html: str, data: re.Pattern[str]) -> set[str]:
    """Words of ours that no catalogue can change: what is left when the firm's data, numbers and days are taken away."""
    page = Page()
    page.feed(html)
    found = set()
    for text in page.bare:
        said = " ".join(text.split())
        if WRITTEN.fullmatch(said):  # a number of the firm's may stand in it: "46 seconds ago" is no text of ours without its 46
            continue
        left = WRITTEN.sub(" ", data.sub(" ", said))
        words = [word for word in re.findall(r"[^\W\d_]{2,}", left) if word.casefold() not in NAMES]
        if words:
            found.add(said)
    return found


def data_of_the_book() -> re.Pattern[str]:
    """Every text of the book that is a firm's own, the longest first."""
    found = {name for _, name in locale_names("en")} | set(get_day_names("wide", "stand-alone", "en").values())
    for model in apps.get_models():
        if not model.__module__.startswith("laer."):
            continue
        skip = NOT_OURS.get(model.__name__, set())
        columns = [f.name for f in model._meta.fields if f.name in OWN - skip and isinstance(f, CharField | TextField | EmailField | JSONField) and not f.choices]
        for row in model._default_manager.values_list(*columns) if columns else ():
            for value in row:
                found |= set(_texts(value))
    for text in Definition.objects.values_list("text", flat=True):  # names and descriptions of segments and measures are the firm's to change
        said = yaml.safe_load(text)
        found |= {str(said.get("description") or ""), " ".join(str(said.get("description") or "").split())}
        found |= set(_texts({key: said.get(key) for key in ("parts", "next_step", "false_alarms", "cases", "steps", "benefit", "waits_for", "subject", "body", "values")}))
    known = sorted({text.strip() for text in found if len(text.strip()) > 1}, key=len, reverse=True)
    return re.compile("|".join(re.escape(" ".join(text.split())) for text in known), re.IGNORECASE)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        try:
            nested = json.loads(value) if value[:1] in "[{" and value else None
        except ValueError:
            nested = None
        yield from _texts(nested)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
