"""A list narrowed by a condition that a person types: read against the catalogue, asked of published cards, said in words.

What changed, lasted or happened stands on no card: a condition that speaks of it is asked of the run, once, and gives the accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow.compute as pc
from django.db.models import Q
from django.utils.translation import get_language, gettext

from laer.conditions.checking import Field, Vocabulary
from laer.conditions.faults import ConditionFault
from laer.conditions.reading import parse
from laer.conditions.tree import Condition, Derived, derived
from laer.conditions.words import to_words
from laer.conditions.writing import to_line
from laer.cycle.cards import ON_CARD
from laer.cycle.own_measures import Measures
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.metrics.happenings import BELONGINGS, HAPPENINGS, linked
from laer.web.book.definitions import measures
from laer.web.book.many import listed
from laer.web.runs import desk
from laer.web.runs.condition_query import Place, where_true, where_unknown
from laer.web.runs.condition_words import Spoken, fault_text
from laer.web.runs.latest import last_run, mark
from laer.web.runs.measured import named
from laer.web.runs.memory import Memory
from laer.web.runs.models import AccountCard, PassRun

MOST = 8_000  # cards that are listed by their ids
LONGEST = 1_000  # characters of a condition in an address
memory = Memory(500)
COLUMNS = {"owner": "owner_name"}
answers = Memory(50)  # of the run: two lists of account ids each


@dataclass(frozen=True)
class Fact:
    """A measure as conditions see it."""

    id: str
    kind: str
    label: str
    unit: str
    words: tuple[str, ...]


def vocabulary(there: Measures | None = None) -> Vocabulary:
    """What a condition may name, labels in the reader's language. One query where the measures are not at hand."""
    return _vocabulary(get_language(), measures() if there is None else there)


@lru_cache(maxsize=16)
def _vocabulary(language: str | None, there: Measures) -> Vocabulary:
    happens, belongs = ({name: gettext(one.name) for name, one in named.items()} for named in (HAPPENINGS, BELONGINGS))
    fields: dict[str, Field] = {m.id: Fact(m.id, m.kind, named(m.name), m.unit, m.words_of) for m in there.values()}
    return Vocabulary(fields, happens, belongs)


@lru_cache(maxsize=16)
def _places(there: Measures) -> Mapping[str, Place]:
    return {name: COLUMNS.get(name, name) if name in ON_CARD else ("facts", name) for name in there}


def read(text: str) -> tuple[str | None, list[str]]:
    """A typed condition in its one-line form; else None and what is wrong with it, all at once."""
    line, faults = _read(text, get_language())  # a page reads it twice: for the list, and to say what is wrong with it
    return line, list(faults)


@lru_cache(maxsize=256)
def _read(text: str, language: str | None) -> tuple[str | None, list[str]]:
    if not text.strip():
        return None, []
    try:
        found = parse(text[: LONGEST + 1], vocabulary())
    except ConditionFault as wrong:
        return None, [fault_text(fault) for fault in wrong.faults]
    if apart := [one for one in derived(found) if one.record is not None and not linked(one.source, one.record)]:
        return None, [_unlinked(one) for one in apart]
    line = to_line(found)
    if derived(found):
        try:
            _answer(line, last_run())
        except TimeoutError:
            return None, [gettext("The book is too large for this to be answered while a page waits. A segment with this condition is computed by each pass.")]
        except QuestionFault as fault:
            return None, [str(fault)]
    return line, []


def _unlinked(one: Derived) -> str:
    said = {"related": vocabulary().related.get(one.source, one.source), "record": one.record, "exist": ", ".join(HAPPENINGS)}
    return gettext("No record says which %(related)s a %(record)s belongs to. Ask for both: any %(related)s and no %(record)s in 30 d.") % said


def _condition(line: str) -> Condition:
    return _parsed(line, measures())


@lru_cache(maxsize=256)
def _parsed(line: str, there: Measures) -> Condition:
    return parse(line, _vocabulary(None, there))


def holds(line: str, today: date) -> Q:
    """Of a card: that the condition is true of it. What is unknown never is."""
    condition = _condition(line)
    return _among(_answer(line, last_run())[0]) if derived(condition) else where_true(condition, _places(measures()), today)


def matching(line: str, today: date, mark: Any) -> list[int] | None:
    """Ids of all cards that the condition is true of; None where they are many. A look into the JSON of every card, once for each mark (the run)."""

    def search() -> list[int] | None:
        ids = list(AccountCard.objects.filter(holds(line, today)).order_by().values_list("account_id", flat=True)[: MOST + 1])
        return ids if len(ids) <= MOST else None

    found: list[int] | None = memory.get((line, today), mark, search)
    return found


def unknown(line: str, today: date) -> Q:
    """Of a card: that too little is known of it to say."""
    condition = _condition(line)
    return _among(_answer(line, last_run())[1]) if derived(condition) else where_unknown(condition, _places(measures()), today)


def _among(accounts: tuple[int, ...]) -> Q:
    return Q(account_id__in=listed(accounts))


def _answer(line: str, run: PassRun | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of which accounts it is true, and of which unknown: of the whole book, for a list is of accounts that its reader may see. Kept for the run.

    Raises  TimeoutError, QuestionFault as `desk.ask`
    """

    def asked() -> tuple[tuple[int, ...], tuple[int, ...]]:
        if run is None:
            return (), ()
        table = desk.ask("condition", {"condition": _condition(line)}, Scope(True), run.pk)
        known = pc.is_valid(table["truth"])
        true, unknown = table.filter(pc.fill_null(table["truth"], False)), table.filter(pc.invert(known))
        return tuple(true["account_id"].to_pylist()), tuple(unknown["account_id"].to_pylist())

    found: tuple[tuple[int, ...], tuple[int, ...]] = answers.get(("condition", line), mark(run), asked)
    return found


def line_of(condition: Condition) -> str | None:
    """A condition as a filter of the list has it; None where it is too long for an address."""
    line = to_line(condition)
    return line if len(line) <= LONGEST else None


def words_of(condition: Condition, currency: str) -> str:
    """A condition as a sentence in the reader's language."""
    return to_words(condition, vocabulary(), Spoken(currency))


def all_in_words(conditions: Mapping[str, Condition], currency: str) -> dict[str, str]:
    """The same of several, in one look at the catalogue."""
    words, spoken = vocabulary(), Spoken(currency)
    return {name: to_words(condition, words, spoken) for name, condition in conditions.items()}


def said(line: str, currency: str) -> str:
    return to_words(_condition(line), vocabulary(), Spoken(currency))
