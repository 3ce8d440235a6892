"""Who is held out of a play, and what came of those who were in it beside those who were not. Method: docs/methods/plays.md"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256

from laer.metrics.company import wilson

LEAST = 20  # accounts in each arm below which nothing is said
POWER = 0.84  # of the normal distribution: four times in five it would be seen
SURE = 1.96


def held_out(play: str, account: int, share: int) -> bool:
    """Whether an account is held out of a play, decided once for all by its number. In: share: per cent."""
    return int.from_bytes(sha256(f"{play}\n{account}".encode()).digest()[:8], "big") % 10_000 < share * 100


@dataclass(frozen=True)
class Effect:
    """Two arms whose days are over: n and how many reached it, of those in the play and of those held out.

    difference, low, high   of the rates, with the 95 % interval of Newcombe; None where an arm has too few
    """

    n: int
    reached: int
    held: int
    held_reached: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def helps(self) -> bool | None:
        """True or False where the interval leaves zero out; None where it is not known yet."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return None
        return self.low > 0


def effect(n: int, reached: int, held: int, held_reached: int) -> Effect:
    """Newcombe's hybrid score interval of the difference of two rates (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10)."""
    if min(n, held) < LEAST:
        return Effect(n, reached, held, held_reached)
    first, second = reached / n, held_reached / held
    (low1, high1), (low2, high2) = wilson(reached, n), wilson(held_reached, held)
    difference = first - second
    low = difference - math.hypot(first - low1, high2 - second)
    high = difference + math.hypot(high1 - first, second - low2)
    return Effect(n, reached, held, held_reached, difference, low, high)


def smallest(n: int, held: int, usual: float | None) -> float | None:
    """The smallest difference of rates that would be seen four times in five with so many in each arm; None where nothing is known of the usual rate."""
    if usual is None or not n or not held:
        return None
    spread = max(usual * (1 - usual), 0.0001)
    return (SURE + POWER) * math.sqrt(spread * (1 / n + 1 / held))


def weeks_until(difference: float, usual: float, a_week: float, share: int) -> float | None:
    """How many weeks until a difference of rates would be seen, at so many entries a week with so many per cent held out; None: never."""
    out = share / 100
    if not 0 < out < 1 or a_week <= 0 or difference <= 0:
        return None
    spread = max(usual * (1 - usual), 0.0001)
    needed = ((SURE + POWER) / difference) ** 2 * spread * (1 / (1 - out) + 1 / out)
    return needed / a_week

