"""The LAER position: the states in which an account can be in each motion, and the rules by which a firm says which of them it is in.

An account has one state in every motion, so it may be in several motions at once. The first rule that holds decides. A rule of which too
little is known to say leaves the state unknown: what stands behind it is not asked any more.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from laer.conditions.segment import CONDITION
from laer.records.definition import Definition

NONE = "none"  # the motion says nothing of the account: no customer, no deal, no contract that ends
STATES = {
    "land": (NONE, "open", "won", "handed over"),
    "adopt": (NONE, "onboarding", "stalled", "activated", "at outcome", "lapsed"),
    "expand": (NONE, "ready", "open", "won", "lost", "blocked"),
    "renew": (NONE, "not due", "window", "called", "signed", "pending", "overdue", "lost"),
}
MOTIONS = tuple(STATES)
AHEAD = {  # of a state: those that an account has gone on to, the nearest first; of the others there is nothing ahead in this motion
    "land": {"open": ("won", "handed over"), "won": ("handed over",)},
    "adopt": {
        "onboarding": ("activated", "at outcome"), "stalled": ("activated", "at outcome"), "activated": ("at outcome",),
        "lapsed": ("activated", "at outcome"),
    },
    "expand": {NONE: ("ready", "open", "won"), "ready": ("open", "won"), "open": ("won",), "blocked": ("ready", "open", "won")},
    "renew": {
        "not due": ("window", "called", "signed"), "window": ("called", "signed"), "called": ("signed",), "pending": ("signed",), "overdue": ("signed",),
    },
}  # fmt: skip


def column_of(motion: str) -> str:
    """The fact that says an account's state in a motion: `adopt_state`."""
    return f"{motion}_state"


class Rule(BaseModel):
    """One state, and when an account is in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: str = Field(description="one of the motion's states: docs/methods/position.md")
    when: Annotated[Any, WithJsonSchema(CONDITION)] = Field(description="when an account is in it, unless a rule above holds")


class Positions(Definition):
    """By which rules an account's state in one motion is found. The id is the motion."""

    id: Literal["land", "adopt", "expand", "renew"] = Field(description="the motion")  # type: ignore[assignment]
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=30, description="in their order: the first that holds decides")
    otherwise: str | None = Field(None, description="the state where no rule holds and none is unknown; without it the state is unknown then")

    @model_validator(mode="after")
    def _states_of_the_motion(self) -> Positions:
        there = STATES[self.id]
        said = [*(rule.state for rule in self.rules), *([self.otherwise] if self.otherwise is not None else [])]
        if wrong := [one for one in said if one not in there]:
            raise ValueError(f"no state {wrong[0]!r} in {self.id}; there is: {', '.join(there)}")
        return self
