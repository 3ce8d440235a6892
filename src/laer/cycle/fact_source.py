"""Where a pass takes facts of other days, and what happened, for own measures and for the columns that conditions ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import pyarrow as pa

from laer.adopt.activation import ActivationRule
from laer.conditions.tree import Condition, derived, references
from laer.cycle import facts
from laer.cycle.derived import dates_of, derive, fields_of, inputs_of, span_of
from laer.cycle.facts import Found, Usage, Wanted
from laer.cycle.ledger import LedgerInput
from laer.cycle.own_measures import Measures, Source
from laer.engine.session import DuckDBSession
from laer.records.expr import Table


class OfPass:
    """The session in which a pass made its facts; it holds what the ledger and usage gave."""

    def __init__(self, session: DuckDBSession, found: Found, events: Table, ledger: LedgerInput, day: int, usage: Usage,
                 firm: facts.Firm | None, rule: ActivationRule) -> None:  # fmt: skip
        self.session, self.found, self.events, self.ledger, self.day, self.usage, self.firm = session, found, events, ledger, day, usage, firm
        self.rule = rule
        self.scores: pa.Table | None = None  # of the day, once the pass has them

    def scored(self, day: int) -> pa.Table | None:
        return self.scores if day == self.day else None

    @property
    def accounts(self) -> tuple[pa.Array, pa.Array]:
        there = self.found.existing
        return there["account_id"].combine_chunks(), there["since"].combine_chunks()

    @cached_property
    def seen(self) -> Mapping[str, Sequence[int]]:
        return days_seen(self.found.facts.seen)

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        if dates == (self.day,):
            return self.found.facts.table.select(["account_id", "d", *measures])
        return facts.of_inputs(
            self.session, self.events, self.ledger, self.found.inputs, self.accounts, dates, self.usage, self.firm, measures, self.rule
        ).table  # fmt: skip

    def bind(self, inputs: Iterable[str], days: tuple[int, int]) -> None:
        names = set(inputs)
        for name in names & set(facts.FROM_RECORDS):
            self.session.bind(name, self.found.inputs[name])
        if names & set(facts.USAGE):
            self.usage(self.session, days, None)


def days_seen(seen: pa.Table) -> dict[str, list[int]]:
    """Input -> days on which it has rows of any account of the firm, sorted."""
    days: dict[str, list[int]] = {}
    for row in seen.sort_by("day").to_pylist():
        days.setdefault(row["input"], []).append(row["day"])
    return days


def read_by(source: Source, measures: Measures, conditions: Iterable[Condition], dates: tuple[int, ...], more: Iterable[str] = ()) -> pa.Table:
    """Every column that conditions read, and more measures. Grain: account_id x d, sorted."""
    conditions = list(conditions)
    columns = tuple(dict.fromkeys(column for one in conditions for column in derived(one)))
    named = {name for one in conditions for name in references(one)} - {column.id for column in columns}
    rows = measures.facts(source, dates, (*(name for name in measures if name in named), *(name for name in more if name not in named)))
    if not columns:
        return rows
    looked_at = fields_of(columns)
    before = measures.facts(source, dates_of(columns, dates), looked_at) if looked_at else None
    source.bind(inputs_of(columns), span_of(columns, dates))
    beside = derive(source.session, columns, Wanted(dates, *source.accounts), source.seen, before)  # the same keys, in the same order
    for name in beside.column_names[2:]:
        rows = rows.append_column(name, beside[name])
    return rows
