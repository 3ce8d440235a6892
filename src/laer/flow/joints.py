"""The joints between the four letters: what is passed there, by when, and between which two teams.

Four of them keep what was landed, and money leaks on the way to them; growth is an inflow, so at `expanded` nothing leaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from laer.records.definition import Definition

JOINTS = ("live", "activated", "outcome", "expanded", "renewed")
CHAIN = ("live", "activated", "outcome", "renewed")  # in the order in which an account passes them
TIMED = ("live", "activated", "outcome")  # with a deadline in days; the others are due on the first due date
STATES = ("passed", "late", "due", "unknown", "lost")
AFTER, NOWHERE = "after", "nowhere"  # stages beside the chain's: the first renewal is behind it; no joint ahead has a source
STAGES = (*CHAIN, AFTER, NOWHERE)
BEFORE = -1_000_000  # the cohort of accounts of which nobody knows since when they have paid
LONGEST = 3_650

Days = Annotated[int, Field(ge=1, le=LONGEST)]
Job = Literal["csm", "ae", "am", "renewals", "onboarding", "services", "support", "operations", "presales", "finance"]


class Deadlines(BaseModel):
    """Days from the first paid day by which a joint has to be passed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    live: Days = Field(30, description="days from the first paid day to live")
    activated: Days = Field(60, description="days from the first paid day to activated")
    outcome: Days = Field(180, description="days from the first paid day to the first outcome reached")


class Other(BaseModel):
    """What differs for one segment; what it leaves out is as for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    live: Days | None = None
    activated: Days | None = None
    outcome: Days | None = None


class Teams(BaseModel):
    """The two jobs at each joint: who hands over, and who takes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    live: tuple[Job, Job] = ("ae", "onboarding")
    activated: tuple[Job, Job] = ("onboarding", "csm")
    outcome: tuple[Job, Job] = ("ae", "csm")
    expanded: tuple[Job, Job] = ("csm", "am")
    renewed: tuple[Job, Job] = ("csm", "renewals")


class Joints(Definition):
    """By when an account has to be live, activated and at its first outcome, by segment, and which two teams meet at each joint."""

    deadlines: Deadlines = Field(Deadlines(), description="days from the first paid day, for accounts of every segment")
    segments: dict[str, Other] = Field({}, description="segment as accounts name it -> what differs there")
    teams: Teams = Field(Teams(), description="joint -> the two jobs that meet there")

    def days(self) -> tuple[tuple[str, tuple[int, int, int]], ...]:
        """(segment, days to live, activated, outcome) as a hashable parameter; '' stands for every segment that is not named."""
        usual = (self.deadlines.live, self.deadlines.activated, self.deadlines.outcome)
        return (("", usual), *sorted(self._others(usual)))

    def pair(self, joint: str) -> tuple[str, str]:
        return getattr(self.teams, joint)  # type: ignore[no-any-return]

    def _others(self, usual: tuple[int, int, int]) -> Iterator[tuple[str, tuple[int, int, int]]]:
        for segment, other in self.segments.items():
            own = (other.live, other.activated, other.outcome)
            yield segment, tuple(days if days is not None else there for days, there in zip(own, usual, strict=True))  # type: ignore[misc]


SHIPPED = Joints(id="joints", name="Joints of the flow")
Allowed = Mapping[str, tuple[int, int, int]]  # segment -> days to live, activated, outcome
