"""A firm's own measure: made of measures that there are, or of what happened, without code. Method: docs/methods/own-measures.md"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from laer.records.definition import Definition

NAME = "[a-z][a-z0-9_]*"
FORMULA = re.compile(rf"\s*(?:(?P<a>{NAME})\s*(?P<sign>[+-])\s*(?P<b>{NAME})|(?P<ratio>ratio)\(\s*(?P<c>{NAME})\s*,\s*(?P<d>{NAME})\s*\))\s*")
LONGEST = 1_100  # days of a window
OF_FEATURES = "active_day"  # what is known by feature


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str = Field(pattern=f"^{NAME}$", description="the id of a measure")
    days: int = Field(ge=1, le=LONGEST, description="its value now against the one so many days before")
    kind: Literal["relative", "difference"] = Field("relative", description="relative: now over before, less 1; difference: now less before")


class Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str = Field(pattern=f"^{NAME}$", description="what happens: touch, ticket, use, active_day and the like, as conditions name it")
    days: int = Field(ge=1, le=LONGEST, description="within so many days up to the day")
    feature: str | None = Field(None, min_length=1, max_length=200, description="of active_day: only days on which this feature was used, as usage names it")
    at_least: int | None = Field(None, ge=1, description="so often, at least: then the measure is yes or no; without it, it is the count")


    @model_validator(mode="after")
    def _days(self) -> Self:
        if self.feature is not None and self.of != OF_FEATURES:
            raise ValueError(f"feature: found {self.feature} beside {self.of}; expected it beside {OF_FEATURES}: of a feature the days of its use are kept")
        return self


class OwnMeasure(Definition):
    """Exactly one of formula, change and event says what it is made of."""

    motion: Literal["land", "adopt", "expand", "renew", "base"] = Field("base", description="where the page Metrics lists it")
    unit: str | None = Field(None, max_length=40, description="as people say it; default: what follows from what it is made of")
    better: Literal["up", "down", ""] = Field("", description="whether more is better, less, or neither")
    leading: bool | None = Field(None, description="whether it moves before revenue does")
    formula: str | None = Field(None, max_length=200, description="a + b, a - b or ratio(a, b) of two measures")
    change: Change | None = None
    event: Event | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = [name for name in ("formula", "change", "event") if getattr(self, name) is not None]
        if len(said) != 1:
            raise ValueError(f"found {' and '.join(said) or 'none'} of formula, change and event; expected exactly one")
        if self.formula is not None and FORMULA.fullmatch(self.formula) is None:
            raise ValueError(f"formula: found {self.formula}; expected a + b, a - b or ratio(a, b) of two measures")
        return self

    @property
    def operation(self) -> str:
        """+, -, ratio, change, difference, count or often."""
        if self.event is not None:
            return "count" if self.event.at_least is None else "often"
        if self.change is not None:
            return "change" if self.change.kind == "relative" else "difference"
        found = FORMULA.fullmatch(self.formula or "")
        assert found is not None
        return found["sign"] or found["ratio"]

    @property
    def reads(self) -> tuple[str, ...]:
        """The measures that it is made of."""
        if self.change is not None:
            return (self.change.of,)
        found = FORMULA.fullmatch(self.formula or "")
        return () if found is None else (found["a"] or found["c"], found["b"] or found["d"])
