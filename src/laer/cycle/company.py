"""What the firm's measures amount to in some periods: counted over the rows that a run knows, as far as they were known on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.adopt import measures as adopt
from laer.cycle.facts import covered
from laer.engine.session import DuckDBSession
from laer.expand import measures as expand
from laer.flow import measures as flow
from laer.land import costs as land_costs
from laer.land import measures as land
from laer.metrics import ledger_figures, motion_costs
from laer.metrics import measures as base
from laer.metrics.company import FACTS, SHARE, SUM, Company, CompanyCatalogue, Estimate, Stated, wilson
from laer.metrics.inputs import INPUTS, records
from laer.records.expr import Table, literal, table
from laer.records.periods import FAR
from laer.renew import measures as renew

PERIODS = {"p": "int32", "from_d": "int32", "until_d": "int32"}
SPANS = {"account_id": "int64", "value": "string", "from_d": "int32", "until_d": "int32"}
AMOUNTS = pa.schema(
    [
        ("measure", pa.string()), ("p", pa.int32()), ("value", pa.string()), ("amount", pa.float64()), ("n", pa.int64()), ("low", pa.float64()),
        ("high", pa.float64()), ("top", pa.float64()), ("bottom", pa.float64()),
    ]
)  # fmt: skip
DAYS_OF_MONTH = 365.25 / 12
Group = tuple[int, str | None]
Sums = tuple[Estimate, float | None, float | None]  # with the sums of tops and bottoms


@cache
def company_catalogue() -> CompanyCatalogue:
    """Every measure of the firm that ships."""
    rooms = (base, ledger_figures, flow, land, land_costs, adopt, expand, renew, motion_costs)
    parts = ([one for room in rooms for one in getattr(room, name, ())] for name in ("ITEMS", "COMPANY", "COMBINED", "STATED"))
    return CompanyCatalogue(*parts)


@dataclass(frozen=True)
class Periods:
    """Spans of days, each from its first day until the day after its last, and the day by which things had to be known."""

    spans: tuple[tuple[int, int], ...]
    known_by: int

    @property
    def last_days(self) -> tuple[int, ...]:
        """The day of each period on which accounts are looked at: its last, or the day that is known."""
        return tuple(min(until - 1, self.known_by) for _, until in self.spans)

    @property
    def table(self) -> pa.Table:
        spans = [(p, start, min(until, self.known_by + 1)) for p, (start, until) in enumerate(self.spans)]
        columns = zip(*spans, strict=True) if spans else ((), (), ())
        return pa.table({name: pa.array(values, pa.int32()) for name, values in zip(PERIODS, columns, strict=True)})


def as_known(name: str, given: pa.Table, day: int) -> pa.Table:
    """Rows of an input that were known on the day, without the values that became known later."""
    known = given.filter(pc.less_equal(given[INPUTS[name].known], day))
    for column, since in INPUTS[name].late.items():
        place, kind = known.schema.get_field_index(column), known.schema.field(column).type
        hidden = FAR if column == since else None
        known = known.set_column(place, column, pc.if_else(pc.less_equal(given_days(known, since, day), day), known[column], pa.scalar(hidden, kind)))
    return known


def given_days(rows: pa.Table, column: str, day: int) -> Any:
    """The days of a column; an unknown one is after the day."""
    return pc.fill_null(rows[column], day + 1)


def count(session: DuckDBSession, measures: Iterable[str], given: Mapping[str, pa.Table], seen: Mapping[str, Sequence[int]], periods: Periods,
          facts: pa.Table | None = None, spans: pa.Table | None = None, by: str | None = None,
          stated: Callable[[list[Stated], Mapping[str, list[bool]]], Mapping[str, dict[Group, Sums]]] | None = None) -> pa.Table:  # fmt: skip
    """Measures of the firm in each period, whole or by a dimension.

    Grain   measure x period x value
    In      given  inputs by name, of the accounts that are asked about;  seen  input -> days on which it has rows of any account
            facts  account_id, d and the measures that are read, at `periods.last_days`;  spans  account_id, value, from_d, until_d
            by     a dimension: an item's own, else that of the spans
            stated  says what pages state (`stated.stated`); without it nothing is known of that
    Out     AMOUNTS: `value` is null where nothing is split, '' where it is unknown; `amount` null where it is; top and bottom: the sums
    """
    catalogue, asked = company_catalogue(), list(dict.fromkeys(measures))
    there = covered(seen, periods.last_days)
    session.bind("company_periods", periods.table)
    if spans is not None:
        session.bind("company_spans", spans.select(list(SPANS)))
    needed = catalogue.needed(asked)
    nothing: dict[str, list[bool]] = {}  # measure -> of each period, whether that nothing is there means 0
    found: dict[str, dict[Group, Sums]] = {}
    for name in needed:
        one = catalogue.companies.get(name)
        if one is None:
            continue
        _bind(session, one, given, periods, facts)
        known = [True] * len(periods.spans) if one.of == FACTS else there[catalogue.items_of[one.of].input].to_pylist()
        if one.of != FACTS and catalogue.items_of[one.of].of_day:
            known = [yes and first <= periods.known_by < until and one.of in given for yes, (first, until) in zip(known, periods.spans, strict=True)]
        if one.how == SUM and one.measure.zero:
            nothing[name] = known
        found[name] = _estimates(session, _told(one, _shape(one, facts), by, spans is not None), one, by is None, known)
    said = [catalogue.stated[name] for name in needed if name in catalogue.stated]
    if said and stated is not None:
        found |= stated(said, {one.input: there[one.input].to_pylist() for one in said})
    elif said:
        found |= {one.measure.id: {(p, None): (Estimate(None, 0), None, None) for p in range(len(periods.spans))} for one in said}
    for name in asked:
        _combine(name, found, [(min(until, periods.known_by + 1) - first) / DAYS_OF_MONTH for first, until in periods.spans], nothing)
    return _answer({name: found[name] for name in asked})


def behind(session: DuckDBSession, measure: str, given: Mapping[str, pa.Table], period: Periods, facts: pa.Table | None = None,
           spans: pa.Table | None = None, by: str | None = None, value: str | None = None) -> pa.Table:  # fmt: skip
    """The rows behind one figure: those of which it knows both what they add and what that is divided by.

    Out     the columns of the items (or the facts that are read), top, bottom
    """
    one = company_catalogue().companies[measure]
    _bind(session, one, given, period, facts)
    session.bind("company_periods", period.table)
    if spans is not None:
        session.bind("company_spans", spans.select(list(SPANS)))
    rows = _rows(one, _source(one, _shape(one, facts)), by, spans is not None)
    if by is not None:
        rows = rows.filter(rows["split"] == (value or ""))
    fetched = session.fetch(rows.filter(rows["top"].notnull() & rows["bottom"].notnull()))
    return fetched.drop_columns([name for name in ("p", "split") if name in fetched.column_names])


def _bind(session: DuckDBSession, one: Company, given: Mapping[str, pa.Table], periods: Periods, facts: pa.Table | None) -> None:
    """Hand the session the rows that a measure counts."""
    if one.of == FACTS:
        if facts is None:
            raise ValueError(f"measure {one.measure.id} counts accounts, and was given no facts")
        session.bind("company_facts", facts)
        return
    items = company_catalogue().items_of[one.of]
    if items.of_run:
        session.bind(items.name, given[items.name])
        return
    for name in items.inputs:
        session.bind(name, as_known(name, given[name], periods.known_by))


Shape = tuple[tuple[str, str], ...]
KINDS = {"int64": "int64", "int32": "int32", "double": "float64", "string": "string", "bool": "boolean"}


def _shape(one: Company, facts: pa.Table | None) -> Shape:
    """Columns of the facts and their types, where a measure reads them."""
    return tuple((field.name, KINDS[str(field.type)]) for field in facts.schema) if one.of == FACTS and facts is not None else ()


def _source(one: Company, shape: Shape) -> Table:
    """The rows that a measure counts, as an expression over what the session holds."""
    if one.of == FACTS:
        return table(dict(shape), "company_facts").rename(on_d="d")
    return company_catalogue().items_of[one.of].build(records())


@lru_cache(maxsize=256)
def _told(one: Company, shape: Shape, by: str | None, spanned: bool) -> Table:
    """What is fetched for a measure: its sums by period and value, or the rows of which an estimate is made. Building it takes longer than running it."""
    rows = _rows(one, _source(one, shape), by, spanned)
    told = rows.filter(rows["top"].notnull() & rows["bottom"].notnull()).select("p", "split", "top", "bottom")
    return told if callable(one.how) else told.group_by("p", "split").agg(n=told.count(), a=told["top"].sum(), b=told["bottom"].sum())


def _rows(one: Company, source: Table, by: str | None, spanned: bool) -> Table:
    """Every row in its period: p, split (null: the whole), top, bottom (1 where nothing is divided), and its own columns.

    In   spanned  whether the session holds the spans of the dimension: what an item does not say of itself, its account does
    """
    bottom = literal(1.0, "float64") if one.bottom is None else one.bottom(source).cast("float64")
    rows = source.mutate(top=one.top(source).cast("float64"), bottom=bottom)
    periods = table(PERIODS, "company_periods")
    if one.of == FACTS:  # a row is the account at the last day of the period
        placed = rows.inner_join(periods, [rows.on_d == periods.until_d - 1]).select(*rows.columns, "p")
    elif company_catalogue().items_of[one.of].held:
        ends = periods.rename(end_d="until_d", begin_d="from_d")
        there = rows.inner_join(ends, [rows.on_d < ends.end_d, ends.end_d <= rows.until_d])
        placed = there.select(*(name for name in rows.columns if name != "on_d"), "p", on_d=there.end_d - 1)
    else:
        placed = rows.inner_join(periods, [periods.from_d <= rows.on_d, rows.on_d < periods.until_d]).select(*rows.columns, "p")
    own = {} if one.of == FACTS else company_catalogue().items_of[one.of].dimensions or {}
    if by is None:
        return placed.mutate(split=literal(None, "string"))
    if by in own and not spanned:
        return placed.mutate(split=placed[by].fill_null(""))
    spans = table(SPANS, "company_spans").rename(of="account_id", since="from_d", until="until_d")
    joined = placed.left_join(spans, [placed.account_id == spans.of, spans.since <= placed.on_d, placed.on_d < spans.until])
    said = joined["value"] if by not in own else joined[by].nullif("").coalesce(joined["value"])
    return joined.mutate(split=said.fill_null("")).select(*placed.columns, "split")


def _estimates(session: DuckDBSession, told: Table, one: Company, whole: bool, covered_at: Sequence[bool]) -> dict[Group, Sums]:
    fetched = session.fetch(told)
    if callable(one.how):
        found: dict[Group, Sums] = {
            group: (one.how(tops, bottoms), float(tops.sum()), float(bottoms.sum())) for group, tops, bottoms in _groups(fetched) if len(tops)
        }
    else:
        found = {(row["p"], row["split"]): (_estimate(one, row["n"], row["a"], row["b"]), row["a"], row["b"]) for row in fetched.to_pylist()}
    if whole:  # nothing happened: 0 where that is known, else unknown
        for p in range(len(covered_at)):
            nothing = 0.0 if one.how == SUM and one.measure.zero and covered_at[p] else None
            found.setdefault((p, None), (Estimate(nothing, 0), None, None))
    return {group: estimate if covered_at[group[0]] else (Estimate(None, estimate[0].n), None, None) for group, estimate in found.items()}


def _estimate(one: Company, n: int, top: float, bottom: float) -> Estimate:
    if one.how == SUM:
        return Estimate(top, n)
    if not bottom:
        return Estimate(None, n)
    low, high = wilson(top, bottom) if one.how == SHARE else (None, None)
    return Estimate(round(top / bottom, 12), n, low, high)


def _groups(rows: pa.Table) -> Iterator[tuple[Group, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    ordered = rows.sort_by([("p", "ascending"), ("split", "ascending"), ("top", "ascending")])
    keys = list(zip(ordered["p"].to_pylist(), ordered["split"].to_pylist(), strict=True))
    tops, bottoms, at = ordered["top"].to_numpy(), ordered["bottom"].to_numpy(), 0
    for key, same in groupby(keys):
        length = sum(1 for _ in same)
        yield key, tops[at : at + length], bottoms[at : at + length]
        at += length


def _combine(name: str, found: dict[str, dict[Group, Sums]], months: Sequence[float], nothing: Mapping[str, Sequence[bool]]) -> None:
    """A measure that is made of others, and those that it reads before it. What does not occur in a part of a split is 0 there, where that is known."""
    if name in found:
        return
    one = company_catalogue().combined[name]
    for other in one.reads:
        _combine(other, found, months, nothing)
    made: dict[Group, Sums] = {}
    for group in dict.fromkeys(group for other in one.reads for group in found[other]):
        none: Sums = (Estimate(0.0, 0), None, None)
        parts = [found[other].get(group) or (none if other in nothing and nothing[other][group[0]] else None) for other in one.reads]
        known = [part[0] if one.estimates else part[0].amount for part in parts if part is not None and part[0].amount is not None]
        length = (months[group[0]],) if one.months else ()
        said = one.formula(*length, *known) if len(known) == len(one.reads) else None
        n = min((part[0].n for part in parts if part is not None), default=0)
        made[group] = (said if isinstance(said, Estimate) else Estimate(said, n), None, None)
    found[name] = made


def _answer(found: Mapping[str, Mapping[Group, Sums]]) -> pa.Table:
    rows = [
        {"measure": name, "p": p, "value": value, "amount": e.amount, "n": e.n, "low": e.low, "high": e.high, "top": top, "bottom": bottom}
        for name, groups in found.items() for (p, value), (e, top, bottom) in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=AMOUNTS)
