"""Text to typed values. One door to the readers; each returns a value, None where the cell is empty, or `Unreadable`.

All are functions of the text and fixed settings, so that `Memo` can read a whole column at the speed of a dict.
"""

from __future__ import annotations

from laer.sources.tabular.cells import Memo, Unreadable, normal_words, read_text, spelled
from laer.sources.tabular.date_order import DateOrder, Decision, decide_date_order
from laer.sources.tabular.dates import ORDERS, read_date, read_instant
from laer.sources.tabular.intervals import interval_factor
from laer.sources.tabular.numbers import NumberStyle, affix, read_integer, read_number

__all__ = [
    "FALSE", "ORDERS", "TRUE", "DateOrder", "Decision", "Memo", "NumberStyle", "Unreadable", "affix", "decide_date_order", "interval_factor",
    "normal_words", "read_boolean", "read_date", "read_instant", "read_integer", "read_number", "read_text",
]  # fmt: skip

TRUE = frozenset(spelled("true t yes y 1 1.0 on x ✓ ✔ ☑ checked ja wahr j oui vrai o si sí s verdadero sim waar"))
FALSE = frozenset(spelled("false f no n 0 0.0 off ✗ ☐ unchecked nein falsch non faux falso nao não nee onwaar"))


def read_boolean(text: str) -> bool | None | Unreadable:
    """Yes or no in the usual spellings; None where empty."""
    word = text.strip().casefold()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    return Unreadable(text) if word else None
