"""The catalogue: what every measure is called, what it says, what it is made of. No figure on any screen lacks an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from laer.metrics.inputs import INPUTS
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value

MOTIONS = ("land", "adopt", "expand", "renew", "base")
KINDS = ("number", "money", "text", "flag", "date")
GRAINS = ("account", "deal", "renewal", "account x product", "company")  # of what a measure says something
TYPES = {"number": "float64", "money": "float64", "text": "string", "flag": "boolean", "date": "int32"}

Records = Mapping[str, Table]


@dataclass(frozen=True)
class Measure:
    """One column of facts about an account at a date, or one figure of an item or the firm.

    id         name of the column, by which conditions, scores and `laer facts` call it
    unit       as people say it: "users", "per month", "%" of a rate from 0 to 1; "" where the name says all
    words      the formula in words
    motion     land, adopt, expand, renew; base where several read it
    kind       number, money, text, flag, date
    sources    record types that must be there for it to be known
    zero       where no row stands behind it, it is 0 (a flag: no), provided that its sources cover the date; else it is unknown
    leading    moves before revenue does; None: neither (a name, a date)
    better     "up", "down" or "" where more is neither good nor bad
    words_of   its vocabulary, where that is closed
    method     page of the documentation below docs/methods
    own        the firm made it, without code (`metrics/own.py`)
    grain      of what it is said; the company's are sums and ratios over a period (`metrics/company.py`)
    """

    id: str
    name: str
    unit: str
    words: str
    motion: str
    kind: str
    sources: tuple[str, ...]
    zero: bool = False
    leading: bool | None = None
    better: str = ""
    words_of: tuple[str, ...] = ()
    method: str = "facts"
    own: bool = False
    grain: str = "account"

    def __post_init__(self) -> None:
        if self.motion not in MOTIONS or self.kind not in KINDS or self.grain not in GRAINS or self.better not in ("", "up", "down"):
            raise ValueError(f"measure {self.id}: motion {self.motion!r}, kind {self.kind!r}, grain {self.grain!r}, better {self.better!r} are not all known")
        if self.zero and self.kind not in ("number", "money", "flag"):
            raise ValueError(f"measure {self.id}: a {self.kind} cannot be 0")


@dataclass(frozen=True)
class Family:
    """Measures of one source and one relation: one join, one aggregate.

    input   the table that it reads (`inputs.INPUTS`): a 0 is one only where that covers the day
    beside  further tables that it reads: needed for a 0 where a measure names their record among its sources, else read where there are any
    build   (spine, records) -> account_id, d and a column per measure; accounts without a row in it have nothing to say
    """

    name: str
    input: str
    build: Callable[[Spine, Records], Table]
    measures: tuple[Measure, ...]
    beside: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input, *self.beside)

    def needed(self, measure: Measure) -> tuple[str, ...]:
        """The tables without which a measure of it is unknown."""
        return (self.input, *(name for name in self.beside if INPUTS[name].record in measure.sources))


@dataclass(frozen=True)
class Derived:
    """A measure made of others at the same date: `formula` reads their columns (`reads`) in the wide table of facts.

    beside  a measure of which the formula also reads the median over the account's segment, as `segment_<name>`: a value of
            all accounts, which a pass over a few takes from the last full one
    """

    measure: Measure
    reads: tuple[str, ...]
    formula: Callable[[Table], Value]
    beside: str | None = None


class Catalogue(Mapping[str, Measure]):
    """All measures by id, in the order of their families."""

    def __init__(self, families: Iterable[Family], derived: Iterable[Derived] = ()) -> None:
        self.families, self.derived = tuple(families), tuple(derived)
        self._measures: dict[str, Measure] = {}
        for measure in (*(m for family in self.families for m in family.measures), *(d.measure for d in self.derived)):
            if measure.id in self._measures:
                raise ValueError(f"two measures are called {measure.id}")
            self._measures[measure.id] = measure

    def __getitem__(self, name: str) -> Measure:
        return self._measures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._measures)

    def __len__(self) -> int:
        return len(self._measures)

    def behind(self, names: Iterable[str]) -> set[str]:
        """These measures and all of the catalogue that they are made of."""
        wanted = set(names)
        for derived in reversed(self.derived):
            if derived.measure.id in wanted:
                wanted |= {*derived.reads, *(("segment", derived.beside) if derived.beside else ())}
        return wanted

    def narrowed(self, names: Iterable[str]) -> Catalogue:
        """The families and derived measures that are needed to compute some measures."""
        wanted = self.behind(names)
        families = [family for family in self.families if wanted & {m.id for m in family.measures}]
        return Catalogue(families, [derived for derived in self.derived if derived.measure.id in wanted])

    def inputs_behind(self, names: Iterable[str]) -> tuple[str, ...]:
        """The tables without which some measures are unknown."""
        wanted = self.behind(names)
        return tuple(dict.fromkeys(given for family in self.families for m in family.measures if m.id in wanted for given in family.needed(m)))

    @property
    def sources(self) -> tuple[str, ...]:
        """Record types that some measure reads."""
        return tuple(dict.fromkeys(source for measure in self._measures.values() for source in measure.sources))
