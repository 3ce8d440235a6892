"""The flow ledger as people read it: cohorts, joints with what stands and what leaked there, and the picture of it. Exact sums over a denominator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.flow import sums
from laer.flow.joints import AFTER, CHAIN, JOINTS, NOWHERE, STAGES, STATES
from laer.flow.moves import GROWN
from laer.flow.sums import MOVES


@dataclass(frozen=True)
class Cell:
    """Accounts, what was landed with them, and what they pay on the day (in the currency, exact)."""

    accounts: int = 0
    landed: Fraction = Fraction(0)
    mrr: Fraction = Fraction(0)

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.accounts + other.accounts, self.landed + other.landed, self.mrr + other.mrr)


@dataclass(frozen=True)
class Edge:
    """Money that goes from one node of the picture to another."""

    source: str
    target: str
    amount: Fraction


@dataclass(frozen=True)
class Part:
    """Some cohorts, or some values of a split, as one.

    moves   landed, expansion, reactivation, contraction, churn, entering, leaving: sums up to the day
    joints  joint -> state -> Cell
    stages  stage -> the movements of accounts while they were in it;  standing  stage -> accounts that are in it on the day
    at_risk accounts that are late at a joint of the chain, each once
    churns  stage -> how many times an account left there
    """

    moves: Mapping[str, Fraction]
    joints: Mapping[str, Mapping[str, Cell]]
    stages: Mapping[str, Mapping[str, Fraction]]
    standing: Mapping[str, Cell]
    at_risk: Cell
    churns: Mapping[str, int]

    @property
    def accounts(self) -> int:
        return sum(cell.accounts for cell in self.joints[JOINTS[0]].values())

    @property
    def closing(self) -> Fraction:
        """What is paid on the day. Holds: landed + expansion + reactivation - contraction - churn + entering - leaving."""
        return sum((cell.mrr for cell in self.standing.values()), Fraction(0))

    @property
    def leaked(self) -> Fraction:
        return self.moves["contraction"] + self.moves["churn"]

    def leak(self, stage: str) -> Fraction:
        """Churn and contraction of accounts on their way to a joint (or behind the first renewal, or where no joint ahead is known)."""
        return self.stages[stage]["contraction"] + self.stages[stage]["churn"]

    def rate(self, joint: str) -> Fraction | None:
        """Share of accounts that passed a joint, of those of which it is decided by now: passed, late or lost. None where it is of none."""
        cells = self.joints[joint]
        decided = sum(cells[state].accounts for state in ("passed", "late", "lost"))
        return Fraction(cells["passed"].accounts, decided) if decided else None

    def worst(self) -> tuple[str, Fraction] | None:
        """The stage at which most leaked; None where nothing did."""
        stage = max(STAGES, key=self.leak)
        return (stage, self.leak(stage)) if self.leak(stage) > 0 else None

    def edges(self) -> list[Edge]:
        """The picture: what came in by stage, what leaked and what stands there, and what went on to the next.

        Holds   into every stage goes what comes out of it: landed, grown and come through == leaked + standing + gone on
        """
        edges, through = [], Fraction(0)
        for at, stage in enumerate(STAGES):
            own = self.stages[stage]
            came = {"landed": own["landed"], "grown": own["expansion"] + own["reactivation"]}
            edges += [Edge(source, stage, amount) for source, amount in came.items()]
            inflow = sum(came.values()) + own["entering"] - own["leaving"]
            edges += [Edge(stage, f"leaked:{stage}", self.leak(stage)), Edge(stage, f"standing:{stage}", self.standing[stage].mrr)]
            if stage in CHAIN:
                through += inflow - self.leak(stage) - self.standing[stage].mrr
                following = STAGES[at + 1]
                if following in CHAIN:
                    edges.append(Edge(stage, following, through))
                else:  # behind the last joint: renewed, or on with no joint ahead that is known
                    for last in (AFTER, NOWHERE):
                        took = self.leak(last) + self.standing[last].mrr - sum(self.stages[last][name] for name in GROWN)
                        took += self.stages[last]["leaving"] - self.stages[last]["entering"]
                        edges.append(Edge(stage, last, took))
        return [edge for edge in edges if edge.amount > 0]


class _Sums:
    """Whole parts of some cohorts or values: what `Part` is made of, and what adds up."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], list[int]] = {}  # (joint, state), ("standing", stage), ("risk", ""): accounts, landed, mrr
        self.stages: dict[tuple[str, str], int] = {}  # (stage, movement)

    def add_cell(self, key: tuple[str, str], amounts: Sequence[int]) -> None:
        there = self.cells.setdefault(key, [0, 0, 0])
        for at, amount in enumerate(amounts):
            there[at] += amount

    def add(self, other: _Sums) -> None:
        for key, amounts in other.cells.items():
            self.add_cell(key, amounts)
        for at, amount in other.stages.items():
            self.stages[at] = self.stages.get(at, 0) + amount

    def part(self, denominator: int) -> Part:
        def cell(of: str, what: str) -> Cell:
            accounts, landed, mrr = self.cells.get((of, what), (0, 0, 0))
            return Cell(accounts, Fraction(landed, denominator), Fraction(mrr, denominator))

        exact = {stage: {name: Fraction(self.stages.get((stage, name), 0), denominator) for name in MOVES} for stage in STAGES}
        return Part(
            {name: sum((named[name] for named in exact.values()), Fraction(0)) for name in MOVES},
            {joint: {state: cell(joint, state) for state in STATES} for joint in JOINTS},
            exact, {stage: cell("standing", stage) for stage in STAGES}, cell("risk", ""), {stage: self.stages.get((stage, "churns"), 0) for stage in STAGES},
        )  # fmt: skip


@dataclass
class Flow:
    """The sums of one day under one scope, by cohort and value: what pages, files and the command line take their figures from.

    states  `standing.joint_sums`;  moved  `standing.move_sums`: amounts in parts
    """

    states: pa.Table
    moved: pa.Table
    denominator: int
    currency: str
    day: int
    _parts: dict[Any, Part] = field(default_factory=dict, repr=False)

    @cached_property
    def _own(self) -> dict[tuple[int, str], _Sums]:
        """(cohort, value) -> its sums. Summed once for everything: a page asks for a part of each cohort and each value."""
        found: dict[tuple[int, str], _Sums] = {}
        states = sums.decoded(self.states)

        def take(rows: pa.Table, by: str | None, key: Callable[[Any], tuple[str, str]]) -> None:
            made = sums.summed(rows, ("cohort", "value", *((by,) if by else ())), ("accounts", "landed", "mrr"))
            for row in made.to_pylist():
                there = found.setdefault((row["cohort"], row["value"]), _Sums())
                there.add_cell(key(row[by] if by else None), (int(row["accounts"]), int(row["landed"]), int(row["mrr"])))

        for joint in JOINTS:
            take(states, joint, lambda state, joint=joint: (joint, STATES[state]))  # type: ignore[misc]
        take(states, "stage", lambda stage: ("standing", STAGES[stage]))
        late = [pc.equal(states[joint], STATES.index("late")) for joint in CHAIN]
        take(states.filter(reduce(pc.or_, late)), None, lambda _: ("risk", ""))
        for row in self.moved.to_pylist():
            there = found.setdefault((row["cohort"], row["value"]), _Sums())
            for name in (*MOVES, "churns"):
                at = (STAGES[row["stage"]], name)
                there.stages[at] = there.stages.get(at, 0) + int(row[name])
        return found

    @property
    def cohorts(self) -> list[int]:
        """Month numbers, the newest first; `BEFORE` at the end."""
        return sorted({cohort for cohort, _ in self._own}, reverse=True)

    @property
    def values(self) -> list[str]:
        """Values of the split, what leaked most first; '' (not said) at the end."""
        names = {value for _, value in self._own}
        return sorted(names, key=lambda name: (not name, -self.part(value=name).leaked, -self.part(value=name).closing, name))

    def part(self, first: int | None = None, last: int | None = None, value: str | None = None) -> Part:
        """Cohorts first..last (None: without that end; BEFORE is a cohort of its own), of one value of the split or of all."""
        key = (first, last, value)
        if key not in self._parts:
            whole = _Sums()
            for (cohort, name), own in self._own.items():
                if (first is None or cohort >= first) and (last is None or cohort <= last) and (value is None or name == value):
                    whole.add(own)
            self._parts[key] = whole.part(self.denominator)
        return self._parts[key]
