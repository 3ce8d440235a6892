"""What is wrong with a condition, as a code with its words: the web says the same sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

FAULTS = {
    "no_field": "no field %(found)s; there is: %(exist)s",
    "no_record": "no record %(found)s; there is: %(exist)s",
    "no_related": "no related kind %(found)s; there is: %(exist)s",
    "no_word": "%(found)s is no value of %(field)s; there is: %(exist)s",
    "no_operator": "%(found)s does not go with %(field)s (%(kind)s); what does: %(exist)s",
    "no_change": "only a number or an amount of money can fall or rise; %(field)s is of kind %(kind)s",
    "wrong_value": "%(found)s is no value for %(field)s (%(kind)s); write it like %(example)s",
    "wrong_days": "%(found)s is no number of days from %(low)s to %(high)s",
    "wrong_order": "the first value of between is above the second: %(found)s",
    "wrong_derived": "the column %(found)s cannot be asked like this",
    "per_cent": "%(field)s is counted in %(unit)s; %% goes with a plain number or a rate",
    "no_time": "for a while goes with a test of a field itself, not with %(found)s",
    "expected": "found %(found)s; expected %(expected)s",
    "quotes": "found %(found)s behind a value; a value of several words stands in quotes",
    "group": "%(found)s could be one number or two; write a list without thousands separators",
    "unclosed": "a quote that does not end",
    "no_date": "no such day: %(found)s",
    "sign": "%(found)s has no meaning here",
    "too_long": "%(found)s characters; at most %(limit)s are read",
    "too_many": "more than %(limit)s tests in one condition",
    "too_deep": "more than %(limit)s of all, any and not within one another",
    "empty": "nothing to ask: an empty condition is neither true nor false",
    "structure": "found %(found)s; a condition is a line of text, a list, or a mapping with all, any or not",
    "yaml": "not readable as YAML: %(found)s",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    path    where it stands in the structure: `[2].any[0]`; empty for a single line
    column  where in its line, from 1; 0 where no line is
    """

    code: str
    params: Mapping[str, str | int]
    path: str = ""
    column: int = 0

    @property
    def text(self) -> str:
        return FAULTS[self.code] % self.params

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.path, f"column {self.column}" if self.column else "") if part)
        return f"{place}: {self.text}" if place else self.text


class ConditionFault(ValueError):
    """A condition that cannot be used, with everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def existing(found: str, names: Iterable[str]) -> str:
    """The names nearest to what was found, else the first of all."""
    known = sorted(names)
    folded = {name.casefold(): name for name in reversed(known)}
    near = [folded[name] for name in get_close_matches(found.casefold()[:120], folded, n=3)]
    near = near or [*known[:8], *(["…"] if len(known) > 8 else [])]
    return ", ".join(near) or "none"
