"""Text to typed values. One door to the readers; each returns a value, None where the cell is empty, or `Unreadable`.

All are functions of the text and fixed settings, so that `Memo` can read a whole column at the speed of a dict.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from laer.sources.tabular.cells import INVISIBLE, Memo, Unreadable, normal_words, read_text, spelled
from laer.sources.tabular.date_order import DateOrder, Decision, decide_date_order
from laer.sources.tabular.dates import ORDERS, read_date, read_instant
from laer.sources.tabular.intervals import interval_factor
from laer.sources.tabular.numbers import INT64, NumberStyle, affix, read_integer, read_number, read_scaled
from laer.sources.tabular.serials import is_serial, read_day, read_moment

__all__ = [
    "ABSENT", "FALSE", "NOBODY", "OPEN", "ORDERS", "STATED", "TRUE", "DateOrder", "Decision", "Memo", "NumberStyle", "Unreadable", "affix", "decide_date_order",
    "interval_factor", "is_absent", "is_open", "is_serial", "normal_words", "read_boolean", "read_date", "read_day", "read_end", "read_instant", "read_integer",
    "read_moment",
    "read_number", "read_owner", "read_scaled", "read_text",
]  # fmt: skip

TRUE = frozenset(spelled("true t yes y 1 1.0 on x ✓ ✔ ☑ checked active enabled ja wahr j oui vrai o si sí s verdadero sim waar actief aktiv tak da да"))
FALSE = frozenset(spelled("false f no n 0 0.0 off ✗ ✘ ☐ unchecked inactive disabled nein falsch non faux falso nao não nee onwaar inactief inaktiv nie ne нет"))
ABSENT = frozenset(
    ("-", "--", "---", "–", "—", "n/a", "n.a.", "n.a", "na", "none", "null", "nil", "#n/a", "#nv", "#null!", "(blank)", "(null)", "(none)", "k.a.", "k. a.")
)

OPEN = frozenset(  # said of a day that is not to come
    (
        "evergreen", "open", "open end", "open ended", "ongoing", "on going", "unlimited", "perpetual", "perpetuity", "indefinite", "indefinitely",
        "infinite", "forever", "no end", "no end date", "no expiry", "never", "continuous", "rolling", "until cancelled", "until canceled",
        "until terminated", "until further notice", "unbefristet", "offen", "bis auf weiteres", "indéfini", "illimité", "indefinido", "ilimitado",
        "indeterminato", "onbepaald",
    )
)  # fmt: skip

ERRORS = frozenset(  # what spread-sheets write where a formula failed: what should stand there is unknown
    spelled("#n/a #nv #ref! #value! #div/0! #name? #num! #null! #bezug! #wert! #zahl! #valeur! #nom? #nombre! #valor! #n/d #n/b")
)


NOBODY = ABSENT | frozenset(  # said of an owner where there is none
    (
        "unassigned", "not assigned", "unallocated", "no owner", "no csm", "nobody", "no one", "vacant", "tbd", "tba", "tbc", "t.b.d.", "to be assigned",
        "to be determined", "to be defined", "?", "??", "???", "n.n.", "nn", "n. n.", "open", "offen", "unbesetzt", "vakant", "niemand", "kein", "keiner",
        "nicht zugewiesen", "non assigné", "non attribué", "sin asignar", "niet toegewezen",
    )
)  # fmt: skip


def read_owner(text: str) -> str | None:
    """The name or address of an owner; None where there is none yet."""
    plain = INVISIBLE.sub("", text).strip()
    return None if not plain or plain.casefold() in NOBODY else plain


def is_absent(text: str) -> bool:
    """Whether a cell says in a word that it is empty. Only for numbers, dates and flags: `None` and `Null` are names of people too."""
    return text.strip().casefold() in ABSENT


def read_boolean(text: str) -> bool | None | Unreadable:
    """Yes or no in the usual spellings; None where empty."""
    word = text.strip().casefold()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    return Unreadable(text) if word else None


def _stated(read: Callable[..., Any]) -> Callable[..., Any]:
    def reading(text: str, *settings: Any) -> Any:
        value = read(text, *settings)
        return None if type(value) is Unreadable and is_absent(text) else value

    return reading


def is_open(text: str) -> bool:
    """Whether a cell says of an end that it is not to come."""
    return normal_words(text) in OPEN


def _amount(text: str, style: str = "point") -> Decimal | None | Unreadable:
    value = read_number(text, style)
    return read_scaled(text, style) if type(value) is Unreadable else value


def _whole(text: str, style: str = "point") -> int | None | Unreadable:
    value = read_integer(text, style)
    scaled = read_scaled(text, style) if type(value) is Unreadable else None
    return int(scaled) if isinstance(scaled, Decimal) and scaled == int(scaled) and abs(scaled) < INT64 else value


STATED: dict[str, Callable[..., Any]] = {
    "date": _stated(read_day),
    "instant": _stated(read_moment),
    "integer": _stated(_whole),
    "decimal": _stated(_amount),
    "boolean": _stated(read_boolean),
}
"""Readers of a column whose kind is known, by kind: what spread-sheets and people make of such cells is read too. `laer
revenue` reads amounts by `read_number` alone, as rule 19 says."""


def read_end(text: str, order: str | None = None) -> date | None | Unreadable:
    """The day of an end; None where empty, or where it says that there is none."""
    value: date | None | Unreadable = STATED["date"](text, order)
    return None if type(value) is Unreadable and is_open(text) else value
