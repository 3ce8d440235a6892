"""A signal: when an account deserves attention, until when, what it is said to lead to, and cases by which it is tried.

A definition of kind `signal` (method: docs/methods/signals.md). What its conditions name is checked against the catalogue by
whoever reads it; this room knows neither a catalogue nor a clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from laer.conditions.segment import CONDITION
from laer.records.definition import Definition

When = Annotated[Any, WithJsonSchema(CONDITION)]
SEVERITIES = ("low", "medium", "high", "urgent")
WEIGHTS = {"low": 1, "medium": 2, "high": 4, "urgent": 8}  # by which the ARR at stake counts
OUTCOMES = ("churn", "loss", "escalation", "growth")  # what an episode can be right about
_DAYS = re.compile(r"^(?:in (\d{1,4}) d|(\d{1,4}) d ago|today)$")


class Case(BaseModel):
    """An account as it might be, by the facts that the signal reads, and whether the signal must fire for it.

    Days are said from the day that it is looked at: `in 40 d`, `12 d ago`, `today`; rates as people write them: -30 %.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    fires: bool
    given: dict[str, bool | float | str | None] = Field(description="fact -> its value; what is not there is unknown")


class Signal(Definition):
    """Something about an account that somebody should see. What is unknown opens nothing and closes nothing."""

    motion: Literal["land", "adopt", "expand", "renew"] = Field(description="the letter that it belongs to")
    severity: Literal["low", "medium", "high", "urgent"] = Field("medium", description="how much the ARR at stake counts: 1, 2, 4 or 8 times")
    contractual: bool = Field(False, description="it says what a contract or a date says: it always passes the budget and is never proposed to be muted")
    when: When = Field(description="when an episode opens")
    close: When = Field(None, description="when it closes; where nothing is said, once `when` is false")
    leads_to: Literal["churn", "loss", "escalation", "growth"] | None = Field(
        None, description="what it is said to come before: churn (nothing is paid any more), loss (MRR falls), escalation, growth (MRR rises)"
    )
    within: int = Field(90, ge=7, le=365, description="days within which that has to follow for an episode to have been right")
    evidence: tuple[str, ...] = Field((), max_length=8, description="measures whose values are kept with an episode")
    next_step: str = Field("", max_length=200, description="what to do about it, in a line")
    false_alarms: tuple[str, ...] = Field((), max_length=10, description="known reasons for which it fires and nothing is wrong")
    cases: tuple[Case, ...] = Field((), max_length=20, description="accounts for which it must fire, and must stay quiet; tried at each change")

    @property
    def weight(self) -> int:
        return WEIGHTS[self.severity]


def row_of(case: Case, kind_of: Callable[[str], str], day: date) -> Mapping[str, object]:
    """A case's facts as a condition reads them on a day. Raises ValueError where a value does not read as its fact's kind."""
    return {name: _value(name, value, kind_of(name), day) for name, value in case.given.items()}


def _value(name: str, value: bool | float | str | None, kind: str, day: date) -> object:
    if value is None:
        return None
    if kind == "date":
        found = _DAYS.match(str(value).strip())
        if found is None:
            raise ValueError(f"{name}: found {value}; expected a day such as in 40 d, 12 d ago or today")
        ahead, ago = found.groups()
        return day + timedelta(int(ahead)) if ahead else day - timedelta(int(ago)) if ago else day
    if kind in ("number", "money"):
        text = str(value).strip().replace("\N{MINUS SIGN}", "-")
        try:
            return float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            raise ValueError(f"{name}: found {value}; expected a number, or a rate such as -30 %") from None
    if kind == "flag":
        if isinstance(value, bool):
            return value
        raise ValueError(f"{name}: found {value}; expected true or false")
    return str(value)
