"""A list narrowed by a condition that a person types: read against the catalogue, asked of published cards, said in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db.models import Q
from django.utils.translation import get_language, gettext

from laer.conditions.checking import Field, Vocabulary
from laer.conditions.faults import ConditionFault
from laer.conditions.reading import parse
from laer.conditions.tree import Condition, derived
from laer.conditions.words import to_words
from laer.conditions.writing import to_line
from laer.cycle.cards import ON_CARD
from laer.cycle.facts import catalogue
from laer.web.runs.condition_query import Place, where_true, where_unknown
from laer.web.runs.condition_words import Spoken, fault_text

LONGEST = 1_000  # characters of a condition in an address
COLUMNS = {"owner": "owner_name"}


@dataclass(frozen=True)
class Fact:
    """A measure as conditions see it."""

    id: str
    kind: str
    label: str
    unit: str
    words: tuple[str, ...]


def vocabulary() -> Vocabulary:
    """What a condition may name, labels in the reader's language."""
    return Vocabulary(_fields(get_language()))


@lru_cache(maxsize=16)
def _fields(language: str | None) -> Mapping[str, Field]:
    return {m.id: Fact(m.id, m.kind, gettext(m.name), m.unit, m.words_of) for m in catalogue().values()}


@lru_cache(maxsize=1)
def places() -> Mapping[str, Place]:
    return {name: COLUMNS.get(name, name) if name in ON_CARD else ("facts", name) for name in catalogue()}


def read(text: str) -> tuple[str | None, list[str]]:
    """A typed condition in its one-line form; else None and what is wrong with it, all at once."""
    if not text.strip():
        return None, []
    try:
        found = parse(text[: LONGEST + 1], vocabulary())
    except ConditionFault as wrong:
        return None, [fault_text(fault) for fault in wrong.faults]
    made = derived(found)
    if made:
        return None, [gettext("%(column)s is not computed yet; what is stands on the page Metrics") % {"column": one.id} for one in made]
    return to_line(found), []


@lru_cache(maxsize=256)
def _condition(line: str) -> Condition:
    return parse(line, Vocabulary(_fields(None)))


def holds(line: str, today: date) -> Q:
    """Of a card: that the condition is true of it. What is unknown never is."""
    return where_true(_condition(line), places(), today)


def unknown(line: str, today: date) -> Q:
    """Of a card: that too little is known of it to say."""
    return where_unknown(_condition(line), places(), today)


def said(line: str, currency: str) -> str:
    return to_words(_condition(line), vocabulary(), Spoken(currency))
