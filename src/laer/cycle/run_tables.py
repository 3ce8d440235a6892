"""The tables of a published run, as questions read them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from laer.adopt.activation import SHIPPED, ActivationRule
from laer.cycle.own_measures import Measures
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.metrics.rate_rules import RateRules
from laer.records.periods import FAR


class QuestionFault(Exception):
    """The question cannot be answered: what was asked, what exists."""


@dataclass(frozen=True)
class RunTables:
    """The tables of one complete pass. Its lines know what is to come; what is asked of the ledger is to date (rule 2).

    day    day number of the run: nothing later is known to the ledger; FAR: nothing lies ahead
    rates  what made the amounts of lines in other currencies, units of the report's currency per unit
    measures  those that ship and the firm's own that the run used
    usage  makes the tables of usage of a span of days and some accounts (None: all) in a session; without it the run knows of no usage
    activation  the rule in force by which an account counts as activated
    marks  what tells a table from that of other runs: of equal marks, the rows are the same; empty where nothing is known of that
    rest   all that answers depend on beside the tables; None: nothing is known of that
    shown  columns of facts and scores as pages showed them on a day: as the last whole pass by then kept them, of a month before at most; None where
           none ran
    churn_basis, rules  rules 20 and 11 as the run's policy has them
    """

    tables: Mapping[str, pa.Table]
    denominator: int
    currency: str
    day: int = FAR
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    gap_days: int = 0
    usage: Callable[[DuckDBSession, tuple[int, int], ActivationRule | None, frozenset[int] | None], Mapping[str, pa.Table]] | None = None
    measures: Measures = field(default_factory=Measures)
    activation: ActivationRule = SHIPPED
    marks: Mapping[str, Hashable] = field(default_factory=dict)
    rest: Hashable = None
    shown: Callable[[int, Iterable[str]], pa.Table | None] | None = None
    churn_basis: str = "lines"
    rules: RateRules = field(default_factory=RateRules)


def scoped(table: pa.Table, scope: Scope) -> pa.Table:
    """Rows of the accounts that the scope allows; a table that is of no account is everybody's."""
    if scope.everything or "account_id" not in table.column_names:
        return table
    return table.filter(pc.is_in(table["account_id"], pa.array(sorted(scope.account_ids), pa.int64())))


SPLIT = "dimension_"  # the spans of a dimension are a table each: a change of one leaves the answers by another as they are


def spans_of(run: RunTables, dimension: str) -> pa.Table | None:
    """The spans of a dimension of accounts; None where the run knows no such dimension."""
    if f"{SPLIT}{dimension}" in run.tables:
        return run.tables[f"{SPLIT}{dimension}"]
    if "dimensions" not in run.tables:
        return None
    spans = run.tables["dimensions"]  # a run of before
    spans = spans.filter(pc.equal(spans["dimension"], dimension))
    return spans.drop_columns(["dimension"]) if spans.num_rows else None


def dimension_names(run: RunTables) -> list[str]:
    split = [name.removeprefix(SPLIT) for name in run.tables if name.startswith(SPLIT)]
    return split or (list(pc.unique(run.tables["dimensions"]["dimension"]).to_pylist()) if "dimensions" in run.tables else [])


def split_by_dimension(spans: pa.Table, names: tuple[str, ...]) -> dict[str, pa.Table]:
    """Tables of a run from the spans of all dimensions."""
    return {f"{SPLIT}{name}": spans.filter(pc.equal(spans["dimension"], name)).drop_columns(["dimension"]) for name in names}


USAGE, EVERY = "usage of the run", "the names of all tables"  # no names of tables: what is noted beside them


class Reading(Mapping[str, pa.Table]):
    """A run's tables, and which of them were asked for, those too that are not there."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.tables, self.names = tables, set[str]()

    def __getitem__(self, name: str) -> pa.Table:
        self.names.add(name)
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return name in self.tables

    def __iter__(self) -> Iterator[str]:
        self.names.add(EVERY)
        return iter(self.tables)

    def __len__(self) -> int:
        self.names.add(EVERY)
        return len(self.tables)


@dataclass(frozen=True)
class Basis:
    """What an answer rests on: the marks of the tables that were read for it, and what it depends on beside them."""

    marks: Mapping[str, Hashable]
    rest: Hashable

    def holds_for(self, run: RunTables) -> bool:
        """Whether the answer of that run would be the same."""
        return run.rest == self.rest and all(_mark(run, name) == mark for name, mark in self.marks.items())


def watched(run: RunTables) -> tuple[RunTables, Callable[[], Basis | None]]:
    """The run, and what says after an answer what that rests on; None where other runs cannot be compared with it."""
    reading, given = Reading(run.tables), run.usage

    def usage(session: DuckDBSession, days: tuple[int, int], rule: ActivationRule | None, accounts: frozenset[int] | None) -> Mapping[str, pa.Table]:
        reading.names.add(USAGE)
        assert given is not None
        return given(session, days, rule, accounts)

    def basis() -> Basis | None:
        if run.rest is None or USAGE in reading.names:  # under which numbers usage is read may change without a table
            return None
        return Basis({name: _mark(run, name) for name in reading.names}, run.rest)

    return replace(run, tables=reading, usage=None if given is None else usage), basis


def _mark(run: RunTables, name: str) -> Hashable:
    return frozenset(run.marks) if name == EVERY else run.marks.get(name)
