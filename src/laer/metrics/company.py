"""Measures of the firm: a sum, a ratio or a middle over rows, of a period and by any dimension.

Rows are items (deals, changes of MRR, terms that end: each of one account, on a day that places it in a period) or accounts
with their facts at the period's end. Numerator and denominator are summed over the rows, and the ratio is taken last: shares of
parts are never averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from laer.metrics.catalogue import Measure, Records
from laer.records.expr import Table, Value

FACTS = "facts"  # rows are accounts, at the last day of the period
SUM, RATIO, SHARE = "sum", "ratio", "share"


@dataclass(frozen=True)
class Estimate:
    """A figure, the rows that it was made of, and how far it may be off (or: between which values the middle half lies)."""

    amount: float | None
    n: int
    low: float | None = None
    high: float | None = None


Estimator = Callable[[np.ndarray, np.ndarray], Estimate]


@dataclass(frozen=True)
class Items:
    """Rows of one grain.

    grain       what a row is: "deal", "movement", "renewal"
    input       the table of `inputs.INPUTS` that they are made of: what covers it says whether none means 0
    build       records, as they were known on the day that is asked about -> account_id, item (a number of its own, null where it
                has none), on_d, a column per measure, and the dimensions
    measures    what is measured of each item
    dimensions  what an item says of itself, beside what its account does: column -> name
    beside      other inputs that `build` reads
    of_accounts  whether rows belong to accounts, and can be split by what those are
    held        rows are what held from `on_d` until `until_d`, and each counts in the periods on whose last day it did
    of_run      `input` only says whether there is a source: the rows are a table of the items' own name, which `cycle/run_items.py` makes of a run
    of_day      they are what the run says of its own day: in a period without that day they are unknown
    """

    name: str
    grain: str
    input: str
    build: Callable[[Records], Table]
    measures: tuple[Measure, ...] = ()
    dimensions: Mapping[str, str] | None = None
    beside: tuple[str, ...] = ()
    held: bool = False
    of_accounts: bool = True
    of_run: bool = False
    of_day: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input, *self.beside)


@dataclass(frozen=True)
class Company:
    """One measure of the firm.

    of      the name of its items, or FACTS
    top     of a row: what it adds to the numerator; a row whose value is unknown does not count
    bottom  what it adds to the denominator; a row of which it is unknown does not count
    how     SUM of the tops; RATIO of the sums; SHARE: the same of rows that are 0 or 1, with Wilson's interval; else what makes
            an estimate of both columns (`quartiles`)
    reads   measures of accounts that FACTS needs
    """

    measure: Measure
    of: str
    top: Callable[[Table], Value]
    bottom: Callable[[Table], Value] | None = None
    how: str | Estimator = SUM
    reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.how in (RATIO, SHARE)) and self.bottom is None:
            raise ValueError(f"measure {self.measure.id}: a {self.how} needs what it is divided by")
        if (self.of == FACTS) != bool(self.reads):
            raise ValueError(f"measure {self.measure.id}: it reads measures of accounts exactly where its rows are accounts")

    @property
    def divided(self) -> bool:
        """Whether a row says how much of what it adds to the denominator is not always 1."""
        return self.bottom is not None and self.how == RATIO


@dataclass(frozen=True)
class Stated:
    """A measure that the code of a page states of whole months, and no sum of rows here: retention, churn rates, the bridge to live ARR.

    by      who states it (`cycle/stated.py`);  figure  what it is called there
    input   the table of `inputs.INPUTS` that says whether there is a source
    how     SUM where parts by a dimension add up to the whole, else RATIO
    at_end  it says what was so at the end of the period's last month, not what happened in its months
    whole   it cannot be split by a dimension
    """

    measure: Measure
    by: str
    figure: str
    input: str = "changes"
    how: str = SUM
    at_end: bool = False
    whole: bool = False

    @property
    def divided(self) -> bool:
        return self.how == RATIO


@dataclass(frozen=True)
class Combined:
    """A measure made of others (`reads`) in the same period and part: `formula` of their amounts, in that order; unknown where one is.

    months     whether the formula is handed the months of the period first
    estimates  whether it is handed whole estimates in place of their amounts
    """

    measure: Measure
    reads: tuple[str, ...]
    formula: Callable[..., float | Estimate | None]
    months: bool = False
    estimates: bool = False


class CompanyCatalogue(Mapping[str, Measure]):
    """All measures of the firm by id, with the items that they count; those of items are listed beside them."""

    def __init__(
        self, items: Iterable[Items], companies: Iterable[Company], combined: Iterable[Combined] = (), stated: Iterable[Stated] = ()
    ) -> None:
        self.items_of = {one.name: one for one in items}
        self.companies = {one.measure.id: one for one in companies}
        self.combined = {one.measure.id: one for one in combined}
        self.stated = {one.measure.id: one for one in stated}
        self._measures: dict[str, Measure] = {}
        for measure in (c.measure for parts in (self.companies, self.stated, self.combined) for c in parts.values()):  # type: ignore[attr-defined]
            if measure.grain != "company" or measure.id in self._measures:
                raise ValueError(f"measure {measure.id}: it is called twice, or its grain {measure.grain!r} is not company")
            self._measures[measure.id] = measure
        for one in self.companies.values():
            if one.of != FACTS and one.of not in self.items_of:
                raise ValueError(f"measure {one.measure.id} counts {one.of!r}; there are {', '.join(self.items_of)}")

    def __getitem__(self, name: str) -> Measure:
        return self._measures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._measures)

    def __len__(self) -> int:
        return len(self._measures)

    @property
    def of_items(self) -> dict[str, Measure]:
        """What is measured of single items, by id."""
        return {measure.id: measure for one in self.items_of.values() for measure in one.measures}

    def one(self, name: str) -> Company | Stated | None:
        """How a measure is made; None where it is made of others."""
        return self.companies.get(name) or self.stated.get(name)

    def at_end(self, name: str) -> bool:
        """Whether a measure says what was so at the end of a period, not what happened in it; one that is made of others where all of them do."""
        if name in self.combined:
            return all(map(self.at_end, self.combined[name].reads))
        one = self.one(name)
        if isinstance(one, Stated):
            return one.at_end
        return one is not None and (one.of == FACTS or self.items_of[one.of].held or self.items_of[one.of].of_day)

    def inputs_of(self, name: str) -> tuple[str, ...]:
        """The tables that say whether a measure has a source; none of one over facts, or made of others."""
        if name in self.stated:
            return (self.stated[name].input,)
        one = self.companies.get(name)
        return self.items_of[one.of].inputs if one is not None and one.of != FACTS else ()

    def needed(self, names: Iterable[str]) -> list[str]:
        """The measures that have to be counted or stated for some: those that combinations read, in their place."""
        found: dict[str, None] = {}
        for name in names:
            if name in self.combined:
                found.update(dict.fromkeys(self.needed(self.combined[name].reads)))
            else:
                found[name] = None
        return list(found)


def quartiles(tops: np.ndarray, _: np.ndarray) -> Estimate:
    """The median, and between which values the middle half lies (linear interpolation between neighbours)."""
    low, middle, high = np.quantile(tops, (0.25, 0.5, 0.75))
    return Estimate(round(float(middle), 6), len(tops), round(float(low), 6), round(float(high), 6))


def poisson(k: float, z: float = 1.96) -> tuple[float, float]:
    """Between which numbers the expected one lies with 95 %, of `k` that were counted (Byar's approximation)."""
    low = k * (1 - 1 / (9 * k) - z / (3 * sqrt(k))) ** 3 if k else 0.0
    return max(low, 0.0), (k + 1) * (1 - 1 / (9 * (k + 1)) + z / (3 * sqrt(k + 1))) ** 3


def wilson(k: float, n: float, z: float = 1.96) -> tuple[float, float]:
    """Between which shares the true one lies with 95 %, of `k` in `n` (Wilson's score interval, 1927)."""
    p, square = k / n, z * z
    middle, half = (p + square / (2 * n)) / (1 + square / n), z * sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    return round(max(middle - half, 0.0), 6), round(min(middle + half, 1.0), 6)
