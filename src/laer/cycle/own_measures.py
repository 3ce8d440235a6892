"""A firm's own measures beside those that ship: what each is, whether they can be made of each other, and their columns of facts at any date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import pyarrow as pa

from laer.conditions.faults import existing
from laer.conditions.tree import Derived
from laer.cycle.company import company_catalogue
from laer.cycle.derived import dates_of, derive, inputs_of, span_of
from laer.cycle.facts import Wanted, catalogue, in_order, of_the_firm
from laer.engine.session import Session
from laer.metrics.catalogue import Measure
from laer.metrics.happenings import HAPPENINGS
from laer.metrics.inputs import INPUTS
from laer.metrics.own import OwnMeasure
from laer.records.expr import Table, Value, ratio, table

NUMERIC = ("number", "money")
RATE = "%"
KINDS = {pa.int32(): "int32", pa.int64(): "int64", pa.float64(): "float64", pa.string(): "string", pa.bool_(): "boolean"}
Fault = tuple[str, str, dict[str, str | int]]  # at which key, code, parameters


class Source(Protocol):
    """Where own measures take what they are made of. A pass and a question each have theirs."""

    @property
    def session(self) -> Session: ...

    @property
    def accounts(self) -> tuple[pa.Array, pa.Array]:
        """Their numbers, and since when each exists."""
        ...

    @property
    def seen(self) -> Mapping[str, Sequence[int]]:
        """Input -> days on which it has rows of any account of the firm, sorted."""
        ...

    def scored(self, day: int) -> pa.Table | None:
        """Columns of scorecards as the pass of the day found them (account_id, d and columns); None of any other day."""
        ...

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        """Facts of measures that ship. Grain: account_id x d."""
        ...

    def bind(self, inputs: Iterable[str], days: tuple[int, int]) -> None:
        """Put tables of what happened into the session, those of the lake of a span of days."""
        ...


class OfCards(Protocol):
    """The columns of scorecards among the measures (`cycle/scorecards.py`, which stands on this)."""

    @property
    def measures(self) -> Mapping[str, Measure]: ...

    def behind(self, name: str) -> tuple[str, ...]:
        """What a column is made of."""
        ...

    def meaning(self, name: str) -> str: ...

    def of_the_firm(self, names: Iterable[str]) -> bool: ...

    def columns(self, source: Source, measures: Measures, dates: tuple[int, ...], names: tuple[str, ...]) -> pa.Table:
        """account_id, d and the columns, sorted. In: measures: without those of cards."""
        ...


@dataclass(frozen=True)
class Measures(Mapping[str, Measure]):
    """The measures that ship and, behind them, those of the firm, each after those that it is made of, and the columns of scorecards."""

    own: tuple[OwnMeasure, ...] = ()
    cards: OfCards | None = None
    positions: OfCards | None = None  # of the same shape: columns made of measures, those of cards among them (`cycle/positions.py`)

    @cached_property
    def _all(self) -> dict[str, Measure]:
        found = dict(catalogue())
        for one in self.own:
            found[one.id] = measure_of(one, found)
        for more in (self.cards, self.positions):
            found |= dict(more.measures) if more else {}
        return found

    @cached_property
    def plain(self) -> Measures:
        """Without scorecards: what those are made of."""
        return Measures(self.own)

    @cached_property
    def unplaced(self) -> Measures:
        """Without positions: what those are made of."""
        return Measures(self.own, self.cards)

    @cached_property
    def _own(self) -> dict[str, OwnMeasure]:
        return {one.id: one for one in self.own}

    def __getitem__(self, name: str) -> Measure:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def shipped_behind(self, names: Iterable[str]) -> tuple[str, ...]:
        """The shipped measures that some are made of in the end, in the catalogue's order."""
        behind = set(self.behind(names))
        return tuple(name for name in catalogue() if name in behind)

    def behind(self, names: Iterable[str]) -> tuple[str, ...]:
        """These and all that they are made of."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                made = self._made_by(name)
                waiting += self._own[name].reads if name in self._own else made.behind(name) if made else ()
        return tuple(found)

    def _made_by(self, name: str) -> OfCards | None:
        """The cards, or the positions, of which it is a column."""
        return next((more for more in (self.cards, self.positions) if more is not None and name in more.measures), None)

    def of_card(self, name: str) -> bool:
        return self.cards is not None and name in self.cards.measures

    def of_the_firm(self, names: Iterable[str]) -> bool:
        """Whether one of them holds an account against others: it is a matter of all accounts."""
        names = tuple(names)
        return of_the_firm(self.shipped_behind(names)) or (self.cards is not None and self.cards.of_the_firm(self.behind(names)))

    def inputs_behind(self, name: str) -> tuple[str, ...]:
        """The tables that it is made of in the end."""
        behind = self.behind([name])
        events = [HAPPENINGS[event.of].input for one in behind if one in self._own and (event := self._own[one].event) is not None]
        events += ["feature_blocks" for one in behind if one in self._own and (event := self._own[one].event) is not None and event.feature is not None]
        return tuple(dict.fromkeys((*catalogue().inputs_behind(one for one in behind if one in catalogue()), *events)))

    def meaning(self, names: Iterable[str]) -> str:
        """What the firm's own among them, and behind them, say: it changes when they mean something else."""
        behind = self.behind(names)
        of_cards = [made.meaning(name) for name in behind if (made := self._made_by(name)) is not None]
        return "\n".join(sorted((*(f"{one.id} {one.operation} {one.formula} {one.change} {one.event}" for one in self.own if one.id in behind), *of_cards)))

    def facts(self, source: Source, dates: tuple[int, ...], names: Iterable[str]) -> pa.Table:
        """Facts at some dates, of measures that ship and of own ones.

        Grain   account_id x d, sorted
        Out     account_id, d and a column per name; null is unknown
        """
        names = tuple(dict.fromkeys(names))
        if placed := tuple(name for name in names if self.positions is not None and name in self.positions.measures):
            assert self.positions is not None
            rows = self.unplaced.facts(source, dates, (name for name in names if name not in placed))
            beside = self.positions.columns(source, self.unplaced, dates, placed)  # the same keys, in the same order
            for name in placed:
                rows = rows.append_column(name, beside[name])
            return rows.select(["account_id", "d", *names])
        if scored := tuple(name for name in names if self.of_card(name)):
            assert self.cards is not None
            rows = self.plain.facts(source, dates, (name for name in names if name not in scored))
            beside = self.cards.columns(source, self.plain, dates, scored)  # the same keys, in the same order
            for name in scored:
                rows = rows.append_column(name, beside[name])
            return rows.select(["account_id", "d", *names])
        same_day = self._at_once(names)
        rows = source.shipped(dates, tuple(name for name in catalogue() if name in same_day))
        rows = in_order(rows)
        for one in self.own:
            if one.id in same_day:
                rows = rows.append_column(one.id, self._column(source, one, dates, rows))
        return rows.select(["account_id", "d", *names])

    def _at_once(self, names: Iterable[str]) -> set[str]:
        """These and what their formulas read on the same day; what a change reads is asked for at its own days."""
        found, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._own[name].reads if name in self._own and self._own[name].formula else ()
        return found

    def _column(self, source: Source, one: OwnMeasure, dates: tuple[int, ...], rows: pa.Table) -> pa.ChunkedArray:
        if one.formula is not None:
            source.session.bind("own_facts", rows.select(["account_id", "d", *dict.fromkeys(one.reads)]))
            there = table({f.name: KINDS[f.type] for f in rows.schema if f.name in ("account_id", "d", *one.reads)}, "own_facts")
            made = source.session.fetch(there.select("account_id", "d", made=_formula(one, there).cast("float64")))
        else:
            column = derived_of(one)
            before = None
            if one.change is not None:
                before = self.facts(source, dates_of([column], dates), [one.change.of])
            source.bind(inputs_of([column]), span_of([column], dates))
            found = derive(source.session, [column], Wanted(dates, *source.accounts), source.seen, before)
            source.session.bind("own_facts", found)
            there = table({"account_id": "int64", "d": "int32", column.id: "float64"}, "own_facts")
            value: Value = there[column.id]
            if one.event is not None and one.event.at_least is not None:
                value = value >= one.event.at_least
            made = source.session.fetch(there.select("account_id", "d", made=value))
        return made.sort_by([("account_id", "ascending"), ("d", "ascending")])["made"]


def derived_of(one: OwnMeasure) -> Derived:
    """The column that conditions would ask for in its place."""
    if one.event is not None:
        return Derived("count", one.event.of, one.event.days, feature=one.event.feature)
    assert one.change is not None
    return Derived("change" if one.change.kind == "relative" else "difference", one.change.of, one.change.days)


def _formula(one: OwnMeasure, rows: Table) -> Value:
    first, second = (rows[name] for name in one.reads)
    match one.operation:
        case "+":
            return first + second
        case "-":
            return first - second
    return ratio(first, second)


def measure_of(one: OwnMeasure, there: Mapping[str, Measure]) -> Measure:
    """Its entry in the catalogue, made of the entries of what it reads."""
    kind, unit, words, sources = _made(one, there)
    return Measure(
        one.id, one.name, one.unit if one.unit is not None else unit, words, one.motion, kind, sources, leading=one.leading, better=one.better,
        method="own-measures", own=True,
    )  # fmt: skip


def _made(one: OwnMeasure, there: Mapping[str, Measure]) -> tuple[str, str, str, tuple[str, ...]]:
    """kind, unit, words, sources."""
    if one.event is not None:
        said = HAPPENINGS[one.event.of]
        often = "" if one.event.at_least is None else f" at least {one.event.at_least} times"
        of = "" if one.event.feature is None else f" of {one.event.feature}"
        words = f"{said.name}{of}{often or ', how often'} within the {one.event.days} days up to the day"
        return ("number" if one.event.at_least is None else "flag"), ("times" if one.event.at_least is None else ""), words, (INPUTS[said.input].record,)
    read = [there[name] for name in one.reads]
    sources = tuple(dict.fromkeys(source for measure in read for source in measure.sources))
    if one.change is not None:
        share = one.change.kind == "relative"
        words = f"{read[0].name} against {one.change.days} days before" + (", over it, less 1" if share else ", the difference")
        return ("number", RATE, words, sources) if share else (read[0].kind, read[0].unit, words, sources)
    a, b = read
    if one.operation in "+-":
        return a.kind, a.unit, f"{a.name} {'plus' if one.operation == '+' else 'less'} {b.name}", sources
    words = f"{a.name} over {b.name}; unknown where that is 0"
    if a.kind == b.kind and a.unit == b.unit:
        return "number", RATE, words, sources
    unit = " per ".join(part for part in (a.unit if a.unit != RATE else "", one_of(b.unit)) if part)
    return ("money" if a.kind == "money" and b.kind == "number" else "number"), unit, words, sources


def one_of(unit: str) -> str:
    """The unit of one: seats, seat; touches, touch."""
    return unit.removesuffix("es") if unit.endswith("ches") else unit.removesuffix("s")


def faults_of(one: OwnMeasure, there: Measures) -> Iterator[Fault]:
    """What is wrong with it beside the others."""
    if one.id in catalogue() or one.id in company_catalogue():
        yield "id", "taken", {"found": one.id}
    if one.event is not None:
        if one.event.of not in HAPPENINGS:
            yield "event.of", "no_record", {"found": one.event.of, "exist": existing(one.event.of, HAPPENINGS)}
        return
    key = "formula" if one.formula is not None else "change.of"
    unknown = [name for name in dict.fromkeys(one.reads) if name not in there and name != one.id]
    for name in unknown:
        yield key, "no_measure", {"field": key, "found": name, "exist": existing(name, there)}
    if one.id in one.reads or any(one.id in there.behind([name]) for name in one.reads if name in there):
        yield key, "circle", {"found": one.id}
    elif not unknown:
        yield from _unit_faults(one, key, [there[name] for name in one.reads])


def _unit_faults(one: OwnMeasure, key: str, read: list[Measure]) -> Iterator[Fault]:
    for measure in dict.fromkeys(read):
        if measure.kind not in NUMERIC:
            yield key, "no_number", {"found": measure.id, "kind": measure.kind}
            return
    if one.operation in ("+", "-") and (read[0].kind, read[0].unit) != (read[1].kind, read[1].unit):
        yield key, "units", {"first": read[0].id, "one": read[0].unit or read[0].kind, "second": read[1].id, "other": read[1].unit or read[1].kind}


def resolved(found: Iterable[OwnMeasure]) -> Measures:
    """Those that can be made, each after those that it is made of; what is wrong among them is left out."""
    waiting, made = list(found), Measures()
    while True:
        ready = [one for one in waiting if not list(faults_of(one, made))]
        if not ready:
            return made
        made = Measures((*made.own, *ready))
        waiting = [one for one in waiting if one not in ready]
