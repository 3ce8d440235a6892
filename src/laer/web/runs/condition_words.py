"""Conditions and what is wrong with them, in the reader's language and formats. The lower room has the English; here each text has its mark."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext, gettext_noop, ngettext

from laer.conditions.faults import FAULTS, Fault
from laer.conditions.words import Speech
from laer.web.templatetags.laer import day, money, number, percent


class Spoken(Speech):
    """How the web says a condition: `to_words(condition, vocabulary, Spoken("USD"))`. Labels come translated from the catalogue."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def text(self, phrase: str) -> str:
        return gettext(phrase)

    def number(self, value: int | float) -> str:
        return number(value)

    def money(self, value: int | float) -> str:
        return money(value, self.currency)

    def per_cent(self, value: int | float) -> str:
        whole = round(value * 100, 9) == round(value * 100)
        return percent(value, 0 if whole else 1)

    def day(self, value: date) -> str:
        return day(value)

    def days(self, count: int) -> str:
        return ngettext("%(days)s day", "%(days)s days", count) % {"days": number(count)}


def fault_text(fault: Fault) -> str:
    """What is wrong, as a sentence. What was found and what there is stand in it as they are written."""
    return gettext(FAULTS[fault.code]) % {name: gettext(value) if name == "kind" and isinstance(value, str) else value for name, value in fault.params.items()}


KINDS = (gettext_noop("number"), gettext_noop("money"), gettext_noop("text"), gettext_noop("flag"), gettext_noop("date"))

# Translators: parts of a sentence about accounts, such as "MRR is below $500 and no touch in 45 days".
PHRASES = (
    gettext_noop("%(first)s and %(second)s"),
    gettext_noop("%(first)s or %(second)s"),
    gettext_noop("%(first)s, %(second)s"),
    gettext_noop("(%(inner)s)"),
    gettext_noop("yes"),
    gettext_noop("no"),
    gettext_noop("%(field)s is %(value)s"),
    gettext_noop("%(field)s is not %(value)s"),
    gettext_noop("%(field)s is below %(value)s"),
    gettext_noop("%(field)s is at most %(value)s"),
    gettext_noop("%(field)s is above %(value)s"),
    gettext_noop("%(field)s is at least %(value)s"),
    gettext_noop("%(field)s is before %(value)s"),
    gettext_noop("%(field)s is on or before %(value)s"),
    gettext_noop("%(field)s is after %(value)s"),
    gettext_noop("%(field)s is on or after %(value)s"),
    gettext_noop("%(field)s is between %(value)s and %(second)s"),
    gettext_noop("%(field)s is not between %(value)s and %(second)s"),
    gettext_noop("%(field)s is one of %(value)s"),
    gettext_noop("%(field)s is none of %(value)s"),
    gettext_noop("%(field)s contains %(value)s"),
    gettext_noop("%(field)s does not contain %(value)s"),
    gettext_noop("%(field)s is within the next %(days)s"),
    gettext_noop("%(field)s is not within the next %(days)s"),
    gettext_noop("%(field)s is within the last %(days)s"),
    gettext_noop("%(field)s is not within the last %(days)s"),
    gettext_noop("%(field)s is more than %(days)s ago"),
    gettext_noop("%(field)s is not more than %(days)s ago"),
    gettext_noop("%(field)s is known"),
    gettext_noop("%(field)s is unknown"),
    gettext_noop("%(field)s fell by %(value)s in %(days)s"),
    gettext_noop("%(field)s did not fall by %(value)s in %(days)s"),
    gettext_noop("%(field)s rose by %(value)s in %(days)s"),
    gettext_noop("%(field)s did not rise by %(value)s in %(days)s"),
    gettext_noop("%(record)s exactly %(value)s times in %(days)s"),
    gettext_noop("%(record)s not exactly %(value)s times in %(days)s"),
    gettext_noop("%(record)s fewer than %(value)s times in %(days)s"),
    gettext_noop("%(record)s at most %(value)s times in %(days)s"),
    gettext_noop("%(record)s more than %(value)s times in %(days)s"),
    gettext_noop("%(record)s at least %(value)s times in %(days)s"),
    gettext_noop("no %(record)s in %(days)s"),
    gettext_noop("%(record)s in %(days)s"),
    gettext_noop("any %(related)s"),
    gettext_noop("no %(related)s"),
    gettext_noop("any %(related)s with %(record)s in %(days)s"),
    gettext_noop("no %(related)s with %(record)s in %(days)s"),
    gettext_noop("any %(related)s without %(record)s in %(days)s"),
    gettext_noop("no %(related)s without %(record)s in %(days)s"),
    gettext_noop("%(inner)s for %(days)s on end"),
    gettext_noop("not for %(days)s on end (%(inner)s)"),
    gettext_noop("%(field)s, change in %(days)s"),
    gettext_noop("%(record)s, times in %(days)s"),
)

WRONG = (
    gettext_noop("no field %(found)s; there is: %(exist)s"),
    gettext_noop("no record %(found)s; there is: %(exist)s"),
    gettext_noop("no related kind %(found)s; there is: %(exist)s"),
    gettext_noop("%(found)s is no value of %(field)s; there is: %(exist)s"),
    gettext_noop("%(found)s does not go with %(field)s (%(kind)s); what does: %(exist)s"),
    gettext_noop("only a number or an amount of money can fall or rise; %(field)s is of kind %(kind)s"),
    gettext_noop("%(found)s is no value for %(field)s (%(kind)s); write it like %(example)s"),
    gettext_noop("%(found)s is no number of days from %(low)s to %(high)s"),
    gettext_noop("the first value of between is above the second: %(found)s"),
    gettext_noop("the column %(found)s cannot be asked like this"),
    gettext_noop("%(field)s is counted in %(unit)s; %% goes with a plain number or a rate"),
    gettext_noop("for a while goes with a test of a field itself, not with %(found)s"),
    gettext_noop("found %(found)s; expected %(expected)s"),
    gettext_noop("found %(found)s behind a value; a value of several words stands in quotes"),
    gettext_noop("%(found)s could be one number or two; write a list without thousands separators"),
    gettext_noop("a quote that does not end"),
    gettext_noop("no such day: %(found)s"),
    gettext_noop("%(found)s has no meaning here"),
    gettext_noop("%(found)s characters; at most %(limit)s are read"),
    gettext_noop("more than %(limit)s tests in one condition"),
    gettext_noop("more than %(limit)s of all, any and not within one another"),
    gettext_noop("nothing to ask: an empty condition is neither true nor false"),
    gettext_noop("found %(found)s; a condition is a line of text, a list, or a mapping with all, any or not"),
    gettext_noop("not readable as YAML: %(found)s"),
)
