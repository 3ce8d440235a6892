"""Questions about facts: of accounts at any date, and what they and other rows amount to for the firm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.tree import All, Condition, derived, references
from laer.cycle import company as firm_wide
from laer.cycle import facts, run_items
from laer.cycle import stated as stating
from laer.cycle.derived import all_truths, fields_of, truths
from laer.cycle.fact_inputs import empty, schema_of
from laer.cycle.fact_source import days_seen, read_by
from laer.cycle.learned import LEARNED, as_concluded
from laer.cycle.ledger import LedgerInput
from laer.cycle.run_tables import QuestionFault, RunTables, dimension_names, scoped, spans_of
from laer.cycle.scope import Scope
from laer.cycle.scorecards import OF_ALL, Scorecards, columns_of
from laer.cycle.scoring import compute
from laer.cycle.to_date import lines_to_date
from laer.engine.session import DuckDBSession
from laer.metrics import changes
from laer.metrics.company import FACTS, Company, Stated
from laer.metrics.inputs import moves
from laer.records.expr import Table
from laer.records.money import minor_units
from laer.records.periods import date_of


def account_facts(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Facts of accounts at some dates, none later than the run's day: of what the run knew, as far as it was known on the date.

    Parameters  dates (day numbers); measures (ids of the catalogue, or None for all); accounts (their ids, or None for all in scope)
    Returns     account_id, d and a column per measure
    """
    dates, measures = tuple(sorted({int(day) for day in params["dates"]})), params.get("measures")
    unknown = sorted(set(measures or ()) - set(run.measures))
    if unknown:
        raise QuestionFault(f"no measure {', '.join(unknown)}; there are {', '.join(run.measures)}")
    if not dates or dates[-1] > run.day:
        raise QuestionFault(f"facts are known up to {date_of(run.day)}, the day of the run")
    asked = scope if params.get("accounts") is None else scope.narrowed(params["accounts"])
    names = tuple(run.measures if measures is None else measures)
    return scoped(run.measures.facts(source_of(session, run, asked, names), dates, names), asked)


def score_rows(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Everything that scorecards read of some accounts at some dates, and what came of it: what an explanation is made of.

    Parameters  cards (ids, or None for all); dates (day numbers, none later than the run's); accounts (their ids, or None for all in scope)
    Returns     account_id, d, the columns that the cards read, and their scores, bands (held over these dates in their order) and coverage
    """
    cards = run.measures.cards
    if not isinstance(cards, Scorecards):
        raise QuestionFault("the run knows no scorecards")
    asked = cards.cards if params.get("cards") is None else [one for one in cards.cards if one.card.id in set(params["cards"])]
    dates = tuple(sorted({int(day) for day in params["dates"]}))
    if not dates or dates[-1] > run.day:
        raise QuestionFault(f"scores are known up to {date_of(run.day)}, the day of the run")
    within = scope if params.get("accounts") is None else scope.narrowed(params["accounts"])
    names = [name for one in asked for name in columns_of(one.card)] + [name for name in OF_ALL if params.get("cards") is None and name in cards.measures]
    found = compute(source_of(session, run, within, names), cards, run.measures.plain, dates, names)
    rows = found.rows
    for name in found.table.column_names:
        rows = rows if name in rows.column_names else rows.append_column(name, found.table[name])
    return scoped(rows, within)


def condition(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Of which accounts a condition is true on a day, of which it is not, and of which too little is known.

    Parameters  condition (a checked tree); day (day number, none later than the run's; None: the run's)
    Returns     account_id, truth (null: unknown)
    """
    asked, day = params["condition"], run.day if params.get("day") is None else int(params["day"])
    return truths(session, asked, _read_by(session, run, scope, asked, (day,)), date_of(day)).sort_by("account_id")


def conditions(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """The same of several conditions. Parameters  conditions (name and checked tree of each); day (day number)

    Returns     account_id, sorted, and a column of truth per name
    """
    asked, day = dict(params["conditions"]), int(params["day"])
    rows = _read_by(session, run, scope, All(tuple(asked.values())), (day,))
    return all_truths(session, asked, rows, date_of(day))


def condition_row(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """What a condition reads of one account on the run's day: why it holds, or why not. Parameters  condition; account (its number)

    Returns     account_id, d and a column for each; no row where the account is not in scope
    """
    return _read_by(session, run, scope.narrowed([int(params["account"])]), params["condition"], (run.day,))


def condition_at(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """The same at several dates. Parameters  condition; dates (day numbers); beside (measures that come with it)

    Returns     account_id, d, truth, and a column per measure of `beside`
    """
    asked, dates, beside = params["condition"], tuple(sorted({int(day) for day in params["dates"]})), tuple(params.get("beside", ()))
    rows = _read_by(session, run, scope, asked, dates, beside)
    parts = []
    for day in dates:
        at = rows.filter(pc.equal(rows["d"], day)).sort_by("account_id")
        truth = truths(session, asked, at, date_of(day)).sort_by("account_id")
        parts.append(at.select(["account_id", "d", *beside]).add_column(2, "truth", truth["truth"]))
    return pa.concat_tables(parts)


def _read_by(session: DuckDBSession, run: RunTables, scope: Scope, asked: Condition, dates: tuple[int, ...], more: Iterable[str] = ()) -> pa.Table:
    """Every column that a condition reads, and more measures. Grain: account_id x d."""
    if not dates or max(dates) > run.day:
        raise QuestionFault(f"conditions are answered up to {date_of(run.day)}, the day of the run")
    columns = derived(asked)
    names = (*(references(asked) - {one.id for one in columns}), *fields_of(columns), *more)
    if unknown := sorted(set(names) - set(run.measures)):
        raise QuestionFault(f"the run knows no measure {', '.join(unknown)}: it is newer than the run")
    return scoped(read_by(source_of(session, run, scope, names), run.measures, [asked], dates, more), scope)


def source_of(session: DuckDBSession, run: RunTables, scope: Scope, names: Iterable[str]) -> OfRun:
    """What stands beside a segment is a matter of all accounts."""
    return OfRun(session, run, Scope(True) if run.measures.of_the_firm(names) else scope)


class OfRun:
    """The tables that a run has kept, of the accounts of a scope."""

    def __init__(self, session: DuckDBSession, run: RunTables, scope: Scope) -> None:
        self.session, self.run, self.scope = session, run, scope

    @cached_property
    def ledger(self) -> tuple[LedgerInput, Table]:
        return ledger_of(self.session, self.run, self.scope)

    @cached_property
    def accounts(self) -> tuple[pa.Array, pa.Array]:
        return _existing(self.run, self.scope)

    @cached_property
    def seen(self) -> Mapping[str, Sequence[int]]:
        return days_seen(_kept(self.run, "seen"))

    def scored(self, day: int) -> pa.Table | None:
        return scoped(_kept(self.run, "facts"), self.scope) if day == self.run.day and "bands" in self.run.tables else None

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        return _facts(self.session, self.run, self.scope, dates, measures, *self.ledger)

    def bind(self, inputs: Iterable[str], days: tuple[int, int]) -> None:
        """Tables of what happened, in the session."""
        names = set(inputs)
        for name in names & set(facts.FROM_RECORDS):
            self.session.bind(name, scoped(kept_input(self.run, name), self.scope))
        if "changes" in names:
            ledger, events = self.ledger
            self.session.keep("changes", moves(events, ledger.denominator, minor_units(ledger.currency)))
        if names & set(facts.USAGE):
            if self.run.usage is None:
                for name in facts.USAGE:
                    self.session.bind(name, empty(name))
            else:
                self.run.usage(self.session, days, None, None if self.scope.everything else self.scope.account_ids)


def company(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Measures of the firm in some periods, whole or by a dimension, over the accounts in scope.

    Parameters  measures (ids of `company.company_catalogue`); periods (first day, the day after the last; day numbers); by (a dimension
                of accounts, or of the items that are counted, or None); known_by (day number: what became known later is not read;
                None: the run's day)
    Returns     `company.AMOUNTS`
    """
    catalogue = firm_wide.company_catalogue()
    measures, by = [str(name) for name in params["measures"]], params.get("by")
    if unknown := sorted(set(measures) - set(catalogue)):
        raise QuestionFault(f"no measure {', '.join(unknown)} of the firm; there are {', '.join(catalogue)}")
    asked = [catalogue.companies[name] for name in catalogue.needed(measures) if name in catalogue.companies]
    periods = _periods(run, params, params["periods"])
    given, read = _rows(session, run, scope, periods, asked)
    spans = _spans(run, scope, by, asked) if asked else None

    def stated(said: list[Stated], known: Mapping[str, list[bool]]) -> Mapping[str, dict[firm_wide.Group, firm_wide.Sums]]:
        return stating.stated(session, run, scope, said, periods, by, known)

    return firm_wide.count(session, measures, given, days_seen(_kept(run, "seen")), periods, read, spans, by, stated)


def company_behind(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """The rows behind one figure of the firm. Parameters  measure, first (day), until (the day after the last), by, value, known_by as of `company`.

    Returns     the columns of the items or accounts that are counted, top (what each adds) and bottom (to what it is divided by)
    """
    catalogue, name, by = firm_wide.company_catalogue(), str(params["measure"]), params.get("by")
    one = catalogue.one(name)
    if one is None:
        raise QuestionFault(f"no rows stand behind {name!r}; they do behind {', '.join((*catalogue.companies, *catalogue.stated))}")
    period = _periods(run, params, ((params["first"], params["until"]),))
    if isinstance(one, Stated):
        return stating.behind(session, run, scope, one, period, by, params.get("value"))
    given, read = _rows(session, run, scope, period, [one])
    return firm_wide.behind(session, name, given, period, read, _spans(run, scope, by, [one]), by, params.get("value"))


def deals(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Opportunities as far as the run's day knew them: open, won and lost. Parameter: by, a dimension of deals or accounts, or None.

    Returns     account_id and the columns of the input `deals`, and `split`: the value of the dimension, of an account's that of the day on
                which the deal ended, or of the run's; '' where it is unknown
    """
    found, by = firm_wide.as_known("deals", scoped(_kept(run, "input_deals"), scope), run.day), params.get("by")
    own = found[by] if by is not None and by in found.column_names else pa.nulls(found.num_rows, pa.string())
    of_accounts = None if by is None else spans_of(run, str(by))
    if of_accounts is None:
        if by is not None and by not in found.column_names:
            raise QuestionFault(f"deals are not split by {by!r}")
        return found.append_column("split", pc.fill_null(own, ""))
    spans = scoped(of_accounts, scope).select(["account_id", "value", "from_d", "until_d"])
    on_d = pc.min_element_wise(found["closed_d"], pa.scalar(run.day, pa.int32()))
    joined = found.append_column("own", own).append_column("on_d", on_d).join(spans, "account_id", join_type="inner")
    there = pc.and_(pc.less_equal(joined["from_d"], joined["on_d"]), pc.less(joined["on_d"], joined["until_d"]))
    joined = joined.filter(there)
    split = pc.if_else(pc.equal(pc.fill_null(joined["own"], ""), ""), joined["value"], joined["own"])
    return joined.append_column("split", split).drop_columns(["from_d", "until_d", "on_d", "own", "value"])


def _periods(run: RunTables, params: Mapping[str, Any], spans: Iterable[tuple[int, int]]) -> firm_wide.Periods:
    known_by = run.day if params.get("known_by") is None else min(int(params["known_by"]), run.day)
    periods = firm_wide.Periods(tuple((int(first), int(until)) for first, until in spans), known_by)
    if wrong := [f"{date_of(first)} to {date_of(until)}" for first, until in periods.spans if first >= until or first > known_by]:
        raise QuestionFault(f"no period is {', '.join(wrong)}: one begins before it ends, and by {date_of(known_by)}, the last day that is known")
    return periods


def _rows(session: DuckDBSession, run: RunTables, scope: Scope, periods: firm_wide.Periods, asked: Iterable[Company]) -> tuple[dict[str, pa.Table],
    pa.Table | None]:  # fmt: skip
    """The inputs of the items that measures count, and the facts that they read."""
    asked = list(asked)
    items = firm_wide.company_catalogue().items_of
    names = {name for one in asked if one.of != FACTS and not items[one.of].of_run for name in items[one.of].inputs}
    read = tuple(dict.fromkeys(name for one in asked for name in one.reads))
    given = {name: scoped(kept_input(run, name), scope) for name in names & set(facts.FROM_RECORDS)}
    given |= {one.of: run_items.made(one.of, session, run, scope) for one in asked if one.of != FACTS and items[one.of].of_run and one.of not in given}
    if "costs" in given and not scope.everything:  # most are of no account: those of a part of the book are no cost of that part
        given["costs"] = given["costs"].slice(0, 0)
    if not read and not names - set(given):
        return given, None
    ledger, events = ledger_of(session, run, scope)
    if "changes" in names:
        moved = session.fetch(moves(events, ledger.denominator, minor_units(ledger.currency)))
        given["changes"] = moved.cast(schema_of("changes"))
    if not read:
        return given, None
    whole = Scope(True) if facts.of_the_firm(read) else scope
    if whole.everything and not scope.everything:
        ledger, events = ledger_of(session, run, whole)
    dates = tuple(sorted(set(periods.last_days)))
    return given, scoped(_facts(session, run, whole, dates, read, ledger, events), scope)


def ledger_of(session: DuckDBSession, run: RunTables, scope: Scope) -> tuple[LedgerInput, Table]:
    """The run's lines to date, and each change of an account's MRR that they make."""
    ledger = LedgerInput(scoped(_kept(run, "lines"), scope), run.denominator, run.currency)
    session.bind("lines_to_date", lines_to_date(ledger.lines, run.day))
    unbound = changes.lines_table(ledger.account_type, ledger.parts_type, book=True, name="lines_to_date")
    return ledger, session.keep("events", changes.mrr_changes(unbound, run.gap_days))


def _facts(
    session: DuckDBSession, run: RunTables, whole: Scope, dates: tuple[int, ...], measures: Iterable[str] | None, ledger: LedgerInput, events: Table
) -> pa.Table:
    only = None if whole.everything else whole.account_ids
    given = {name: scoped(kept_input(run, name), whole) for name in facts.FROM_RECORDS}
    usage = None if run.usage is None else (lambda held, days, rule: run.usage(held, days, rule, only))  # type: ignore[misc]
    firm = None if whole.everything else facts.Firm(facts.REFERENCES.empty_table(), run.tables["seen"])
    accounts = _existing(run, whole)
    found = facts.of_inputs(session, events, ledger, given, accounts, dates, usage, firm, measures, run.activation).table
    return as_concluded(found, partial(_shown, run)) if set(LEARNED) & set(found.column_names) else found


def _shown(run: RunTables, day: int, columns: Iterable[str]) -> pa.Table | None:
    """What pages showed on a day; on the run's own what it says itself."""
    if day == run.day and "facts" in run.tables:
        kept = run.tables["facts"]
        return kept.select([name for name in columns if name in kept.column_names])
    return None if run.shown is None else run.shown(day, columns)


def _existing(run: RunTables, scope: Scope) -> tuple[pa.Array, pa.Array]:
    """Accounts, and since when each exists."""
    there = scoped(_kept(run, "existing"), scope)
    return there["account_id"].combine_chunks(), there["since"].combine_chunks()


def _kept(run: RunTables, name: str) -> pa.Table:
    if name not in run.tables:
        if "existing" in run.tables and name.startswith("input_"):  # a run of before the input was
            return empty(name.removeprefix("input_"))
        raise QuestionFault("this run was made before facts were kept: it knows none")
    return run.tables[name]


def kept_input(run: RunTables, name: str) -> pa.Table:
    """An input as the run kept it; without a row in a run of before it was read."""
    _kept(run, "existing")
    return _whole(name, run.tables.get(f"input_{name}", empty(name)))


def _whole(name: str, table: pa.Table) -> pa.Table:
    """An input with every column that it has today: one that a run of before knew nothing of is null."""
    for column in schema_of(name):
        if column.name not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    return table


def _spans(run: RunTables, scope: Scope, by: str | None, asked: Iterable[Company]) -> pa.Table | None:
    """Which value of the dimension each account had when; None where only the items say it, or nothing is split."""
    items, asked = firm_wide.company_catalogue().items_of, list(asked)
    if by is None:
        return None
    spans = spans_of(run, by)
    if spans is None and all(one.of != FACTS and by in (items[one.of].dimensions or {}) for one in asked):
        return None
    if spans is None:
        own = sorted({name for one in asked if one.of != FACTS for name in items[one.of].dimensions or {}})
        raise QuestionFault(f"nothing is split by {by!r}; there are {', '.join((*dimension_names(run), *own))}")
    return scoped(spans, scope)
