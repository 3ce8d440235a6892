"""Between which sums what falls due will come in: each renewal renews or does not, drawn many times from how often such ones did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2_000
FEWEST = 20  # settled renewals of a kind from which its own rate is used
ENOUGH = 8  # settled renewals in all under which no range is given


@dataclass(frozen=True)
class Base:
    """`renewed` of `settled` renewals like it; `of` names what they have in common ("all": whatever was known of them)."""

    renewed: int
    settled: int
    of: str


@dataclass(frozen=True)
class Range:
    """low, middle and high: one draw in ten lies below `low`, half below `middle`, nine in ten below `high`."""

    low: float
    middle: float
    high: float


def base_of(kind: str | None, settled: Mapping[str | None, tuple[int, int]]) -> Base | None:
    """How often renewals of a kind were renewed: of the kind itself where FEWEST of it are settled, else of all; None under ENOUGH.

    In      settled  kind -> (renewed, settled)
    """
    renewed, n = settled.get(kind, (0, 0))
    if kind is not None and n >= FEWEST:
        return Base(renewed, n, kind)
    renewed, n = (sum(pair[place] for pair in settled.values()) for place in (0, 1))
    return Base(renewed, n, "all") if n >= ENOUGH else None


def outlook(items: Sequence[tuple[float, Base | float]], parts: Sequence[str], seed: int, draws: int = DRAWS) -> dict[str, Range]:
    """The range of each part and of the whole ("").

    In      items  what is due, and the rates of which its likelihood is drawn, or the likelihood itself;  parts  to which part each belongs
    Holds   0 <= low <= middle <= high <= sum of what is due; the same seed gives the same figures
    Method  each draw takes a rate per base from Beta(renewed + 1/2, settled - renewed + 1/2), so that few settled ones make a wide range,
            and each renewal then renews for all that is due with that rate, or for nothing. docs/methods/renewal-calls.md
    """
    rng = np.random.default_rng(seed)
    bases = list(dict.fromkeys(base for _due, base in items if isinstance(base, Base)))
    rates = {base: rng.beta(base.renewed + 0.5, base.settled - base.renewed + 0.5, draws) for base in bases}
    sums = {part: np.zeros(draws) for part in ("", *parts)}
    for (due, base), part in zip(items, parts, strict=True):
        rate = rates[base] if isinstance(base, Base) else base
        came = (rng.random(draws) < rate) * due
        sums[""] += came
        sums[part] += came
    return {part: Range(*(round(float(q), 2) for q in np.quantile(total, (0.1, 0.5, 0.9)))) for part, total in sums.items()}
