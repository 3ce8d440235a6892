"""What is wrong with a definition, in the reader's language. The room that reads it has the English; here each text has its mark."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from laer.cycle.definitions import TEXTS, Fault
from laer.web.runs import condition_words


def fault_text(fault: Fault) -> str:
    """Without its line, which stands beside it."""
    return condition_words.fault_text(fault.inner) if fault.inner else gettext(TEXTS[fault.code]) % fault.params


WRONG = (
    gettext_noop("found %(found)s; a definition is a mapping: id, name and what its kind needs"),
    gettext_noop("%(field)s is missing: it is needed"),
    gettext_noop("%(field)s: no %(kind)s %(found)s; there is: %(exist)s"),
    gettext_noop("%(field)s: %(found)s is of kind %(kind)s; expected a measure that is a day: %(exist)s"),
    gettext_noop("no key %(found)s; there is: %(exist)s"),
    gettext_noop("%(field)s: found %(found)s; there is: %(exist)s"),
    gettext_noop("%(field)s: found %(found)s; expected small letters, digits and _, a letter first"),
    gettext_noop("%(field)s: too long, at most %(limit)s characters fit"),
    gettext_noop("%(field)s: empty; it needs a value"),
    gettext_noop("%(field)s: found %(found)s; %(why)s"),
    gettext_noop("id: found %(found)s; this definition is %(expected)s, and an id never changes"),
    gettext_noop("id: %(found)s is a measure that ships with laer; choose another"),
    gettext_noop("%(field)s: no measure %(found)s; there is: %(exist)s"),
    gettext_noop("%(found)s is nothing that happens to accounts; there is: %(exist)s"),
    gettext_noop("%(found)s would be made of itself"),
    gettext_noop("%(found)s is of kind %(kind)s; a measure is made of numbers and amounts of money"),
    gettext_noop("%(first)s (%(one)s) and %(second)s (%(other)s) are of different units: they cannot be added or subtracted"),
    gettext_noop("%(how)s: %(found)s is of kind %(kind)s; expected %(expected)s"),
    gettext_noop("words: %(field)s is never %(found)s; there is: %(exist)s"),
    gettext_noop("%(found)s is chosen among the cards: a card reads another card's score, not the choice"),
    gettext_noop("%(found)s is a score: a card cannot read how it changed"),
    gettext_noop("%(found)s of the weight moves before revenue does; a health card needs %(expected)s"),
    gettext_noop("no record says which %(related)s a %(record)s belongs to; ask for both: any %(related)s and no %(record)s in 30 d"),
)
