"""A scorecard: which measures make up a score, how each becomes points, and what the score can never hide.

A definition of kind `scorecard` (method: docs/methods/scores.md). What its conditions and measures name is checked against the
catalogue by whoever reads it; this room knows neither a catalogue nor a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from laer.conditions.segment import CONDITION
from laer.records.definition import Definition

NAME = "^[a-z][a-z0-9_]*$"
LEADING = 0.4  # of the weight of a health card moves before revenue does
LEAVES, LEVELS = 40, 4
BANDS = ("green", "yellow", "red")


def _number(value: Any) -> Any:
    """"-30 %" is -0.3: rates are written as people say them."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1].strip().replace("\N{MINUS SIGN}", "-")) / 100
        except ValueError:
            return value
    return value


RATE = {"type": ["number", "string"], "description": "a number, or a rate such as 80 %"}
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False), WithJsonSchema(RATE)]
Points = Annotated[float, Field(ge=0, le=100)]
When = Annotated[Any, WithJsonSchema(CONDITION)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Linear(_Part):
    """0 points at the worst value, 100 at the best, a straight line between. Of a date: the days since then."""

    worst: Number
    best: Number

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.worst == self.best:
            raise ValueError(f"worst and best are both {self.worst:g}; expected two different values")
        return self


class Tier(_Part):
    at_least: Number
    points: Points


class Target(_Part):
    """The share of a target that is reached, at most 100 points."""

    of: str | Number = Field(description="a number, or the id of the measure that is the target")


class Trend(Linear):
    """The change against the account's own past, over what it was then."""

    days: int = Field(56, ge=1, le=1_100, description="how long ago it is held against; 56 days are eight weeks")


class Percentile(_Part):
    """The account's place among its peers, between 0 for the lowest and 100 for the highest."""

    peers: Literal["segment", "firm"] = "segment"
    better: Literal["up", "down"] = "up"


class Yes(_Part):
    yes: Points = 100
    no: Points = 0

    @model_validator(mode="before")
    @classmethod
    def _said(cls, data: Any) -> Any:
        """YAML reads yes and no as true and false."""
        return {{True: "yes", False: "no"}.get(key, key): value for key, value in data.items()} if isinstance(data, dict) else data


class Rule(_Part):
    when: When = Field(description="the condition under which these points are given; the first that holds counts")
    points: Points
    says: str = Field("", max_length=120, description="the same in words, for people")


class Rules(_Part):
    first: tuple[Rule, ...] = Field(min_length=1, max_length=12)
    otherwise: Points | None = Field(None, description="points where none holds; left out: unknown")


NORMALISERS = ("linear", "tiers", "target", "trend", "percentile", "boolean", "words", "rules")


class Leaf(_Part):
    """One measure of a card, its weight, and exactly one way in which it becomes points from 0 to 100."""

    measure: str | None = Field(None, pattern=NAME, description="the id of a measure; rules read what their conditions name")
    id: str = Field("", pattern="^([a-z][a-z0-9_]*)?$", description="by which the part is called; default: the measure's id")
    name: str = Field("", max_length=80, description="as people read it; default: the measure's name")
    weight: int = Field(ge=1, le=1_000)
    movable: bool | None = Field(None, description="whether a person can move it; default: whether the measure leads")
    linear: Linear | None = None
    tiers: tuple[Tier, ...] | None = Field(None, min_length=1, max_length=12, description="points from a value on; below the first there are none")
    target: Target | None = None
    trend: Trend | None = None
    percentile: Percentile | None = None
    boolean: Yes | None = None
    words: dict[str, Points] | None = Field(None, min_length=1, max_length=20)
    rules: Rules | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = [name for name in NORMALISERS if getattr(self, name) is not None]
        if len(said) != 1:
            raise ValueError(f"found {' and '.join(said) or 'none'} of {', '.join(NORMALISERS)}; expected exactly one")
        if (self.measure is None) != (self.rules is not None):
            raise ValueError("rules name their measures in their conditions and take no measure; every other part names one")
        if self.rules is not None and not self.id:
            raise ValueError("rules need an id of their own")
        return self

    @property
    def key(self) -> str:
        return self.id or self.measure or ""

    @property
    def how(self) -> str:
        return next(name for name in NORMALISERS if getattr(self, name) is not None)

    @property
    def ordered_tiers(self) -> tuple[Tier, ...]:
        return tuple(sorted(self.tiers or (), key=lambda tier: tier.at_least))

    @property
    def reads(self) -> tuple[str, ...]:
        """Measures that it names, those of its conditions apart."""
        target = self.target.of if self.target is not None and isinstance(self.target.of, str) else None
        return tuple(name for name in (self.measure, target) if name)


class Group(_Part):
    """Parts whose weights are spread among themselves: where one is unknown, its weight goes to its siblings first."""

    group: str = Field(min_length=1, max_length=80, description="as people read it")
    weight: int = Field(ge=1, le=1_000)
    parts: tuple[Part, ...] = Field(min_length=1, max_length=20)


def _which(data: Any) -> str | None:
    """A group says its name; everything else is a measure."""
    if isinstance(data, dict):
        return "group" if "group" in data else "part"
    return "group" if isinstance(data, Group) else "part" if isinstance(data, Leaf) else None


Part = Annotated[Annotated[Group, Tag("group")] | Annotated[Leaf, Tag("part")], Discriminator(_which)]
Group.model_rebuild()


class Cap(_Part):
    """What no average may hide: while it holds, the band is at most this one."""

    band: Literal["yellow", "red"]
    when: When | None = Field(None, description="a condition")
    any_below: Points | None = Field(None, description="a part of the card that is known and has fewer points than this")
    because: str = Field(min_length=1, max_length=160, description="as people read it")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.when is None) == (self.any_below is None):
            raise ValueError("found both or none of when and any_below; expected exactly one")
        return self


class Thresholds(_Part):
    green: Points = 70
    yellow: Points = 40
    hysteresis: float = Field(3, ge=0, le=20, description="points by which a score must fall below a bound before the band is lost")

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.hysteresis < self.yellow < self.green - self.hysteresis:
            found = f"found yellow {self.yellow:g} and green {self.green:g} with a hysteresis of {self.hysteresis:g}"
            raise ValueError(f"{found}; each bound lies above the one below it")
        return self


class Cover(_Part):
    """How much of a card must be known, in per cent of the weight whose sources are connected."""

    yellow: Points = Field(60, description="below it, the band is at most yellow")
    unknown: Points = Field(30, description="below it, there is no score")


class Scorecard(Definition):
    """A score from 0 to 100 of an account, high is good."""

    purpose: Literal["health", "readiness", "quality", "trust"] = Field("health", description="of the health cards that apply to an account, one is its health")
    motion: Literal["land", "adopt", "expand", "renew", "base"] = "base"
    priority: int = Field(50, ge=0, le=1_000, description="of several health cards that apply, the one with the lowest number is the account's health")
    applies: When = Field(description="the accounts that the card is about")
    parts: tuple[Part, ...] = Field(min_length=1, max_length=20)
    caps: tuple[Cap, ...] = Field((), max_length=12)
    bands: Thresholds = Thresholds()
    coverage: Cover = Cover()

    @model_validator(mode="after")
    def _shape(self) -> Self:
        keys = [leaf.key for leaf in self.leaves]
        if len(keys) > LEAVES:
            raise ValueError(f"{len(keys)} parts; at most {LEAVES} can be read by anybody")
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"two parts are called {twice[0]}; give one an id of its own")
        if self.depth > LEVELS:
            raise ValueError(f"groups {self.depth} deep; at most {LEVELS}")
        return self

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """In the order of the text."""
        return tuple(_leaves(self.parts))

    @property
    def depth(self) -> int:
        return _depth(self.parts)

    @property
    def score_id(self) -> str:
        return f"score_{self.id}"

    @property
    def band_id(self) -> str:
        return f"band_{self.id}"

    @property
    def coverage_id(self) -> str:
        return f"coverage_{self.id}"

    def conditions(self) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
        """Every condition as it is written: by which it is called among the card's own, where it stands, and the text."""
        yield "applies", ("applies",), self.applies
        for place, cap in enumerate(self.caps):
            if cap.when is not None:
                yield f"cap {place}", ("caps", place, "when"), cap.when
        for leaf, path in _placed(self.parts, ("parts",)):
            for place, rule in enumerate(leaf.rules.first if leaf.rules else ()):
                yield f"{leaf.key} {place}", (*path, "rules", "first", place, "when"), rule.when


def _leaves(parts: tuple[Part, ...]) -> Iterator[Leaf]:
    for part in parts:
        if isinstance(part, Group):
            yield from _leaves(part.parts)
        else:
            yield part


def _placed(parts: tuple[Part, ...], path: tuple[str | int, ...]) -> Iterator[tuple[Leaf, tuple[str | int, ...]]]:
    for place, part in enumerate(parts):
        if isinstance(part, Group):
            yield from _placed(part.parts, (*path, place, "parts"))
        else:
            yield part, (*path, place)


def _depth(parts: tuple[Part, ...]) -> int:
    return 1 + max((_depth(part.parts) for part in parts if isinstance(part, Group)), default=0)


def placed(card: Scorecard) -> list[tuple[Leaf, tuple[str | int, ...]]]:
    """Each part with its place in the text."""
    return list(_placed(card.parts, ("parts",)))
