"""Named questions: what pages need beyond published rows. No page builds an expression, and no answer exists without a scope."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import facts
from laer.cycle.booked import Booked, answer
from laer.cycle.ledger import Ledger, LedgerInput, compute, tables
from laer.cycle.otherwise import sums_otherwise
from laer.cycle.rates import at_rates
from laer.cycle.renewals import SCHEMA
from laer.cycle.scope import Scope
from laer.cycle.to_date import lines_to_date, spans_to_date
from laer.engine.session import DuckDBSession
from laer.metrics import changes, months
from laer.metrics.changes import BALANCE, MOVEMENTS
from laer.metrics.rate_rules import RateRules
from laer.records.periods import FAR, date_of

LINE_DIMENSIONS = ("plan", "product", "currency")
CAUSE = "cause"
SECONDS = 20.0
AT_ONCE = 2
REMEMBERED = 128


class QuestionFault(Exception):
    """The question cannot be answered: what was asked, what exists."""


@dataclass(frozen=True)
class RunTables:
    """The tables of one complete pass. Its lines know what is to come; what is asked of the ledger is to date (rule 2).

    day    day number of the run: nothing later is known to the ledger; FAR: nothing lies ahead
    rates  what made the amounts of lines in other currencies, units of the report's currency per unit
    usage  makes the tables of usage of some accounts (None: all) in a session; without it the run knows of no usage
    """

    tables: Mapping[str, pa.Table]
    denominator: int
    currency: str
    day: int = FAR
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    gap_days: int = 0
    usage: Callable[[DuckDBSession, frozenset[int] | None], None] | None = None


class OpenRun(Protocol):
    def __call__(self, run: int) -> RunTables: ...


@dataclass(frozen=True)
class Asked:
    """A question without its run: what is asked again of the next one."""

    name: str
    params: tuple[tuple[str, Any], ...]
    scope: Scope


class Desk:
    """Answers questions about published runs: bounded threads, memory and time, cached by run, question, parameters and scope."""

    def __init__(self, open_run: OpenRun, *, memory: str = "1GB", seconds: float = SECONDS) -> None:
        self._open_run, self._memory, self._seconds = open_run, memory, seconds
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._asked: OrderedDict[tuple[Any, ...], tuple[Asked, float]] = OrderedDict()
        self._under_way: dict[tuple[Any, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def ask(self, name: str, params: Mapping[str, Any], scope: Scope, run: int, *, repeated: bool = False) -> Any:
        """The answer to a named question. `repeated`: nobody waits for it, it is made ready.

        Raises  QuestionFault for an unknown name or parameter, TimeoutError when it takes longer than allowed
        """
        if name not in QUESTIONS:
            raise QuestionFault(f"no question {name!r}; there are {', '.join(sorted(QUESTIONS))}")
        asked = Asked(name, tuple(sorted(params.items())), scope)
        of_any_run = (name, asked.params, scope.key)
        key = (run, *of_any_run)
        with self._lock:
            if not repeated:
                self._asked[of_any_run] = (asked, time.monotonic())
                self._asked.move_to_end(of_any_run)
                while len(self._asked) > REMEMBERED:
                    self._asked.popitem(last=False)
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            alone = self._under_way.setdefault(key, threading.Lock())
        with alone:  # whoever asks the same meanwhile waits for the answer instead of making it again
            with self._lock:
                if key in self._answers:
                    return self._answers[key]
            if not self._turn.acquire(timeout=self._seconds):
                raise TimeoutError(f"{name}: too many questions at once")
            try:
                answer = self._answer(name, params, scope, run)
            finally:
                self._turn.release()
                with self._lock:
                    self._under_way.pop(key, None)
            with self._lock:
                self._answers[key] = answer
                while len(self._answers) > REMEMBERED:
                    self._answers.popitem(last=False)
        return answer

    def asked_within(self, seconds: float) -> list[Asked]:
        """What people asked in that time, the latest first."""
        since = time.monotonic() - seconds
        with self._lock:
            return [asked for asked, at in reversed(self._asked.values()) if at >= since]

    def _answer(self, name: str, params: Mapping[str, Any], scope: Scope, run: int) -> Any:
        opened = self._open_run(run)
        with DuckDBSession(memory=self._memory) as session:
            done = threading.Event()
            threading.Thread(target=_interrupt_late, args=(session, done, self._seconds), daemon=True).start()
            try:
                return QUESTIONS[name](session, opened, params, scope)
            except Exception as error:
                if "interrupt" in str(error).lower():
                    raise TimeoutError(f"{name}: took longer than {self._seconds:.0f} seconds") from error
                raise
            finally:
                done.set()


def _interrupt_late(session: DuckDBSession, done: threading.Event, seconds: float) -> None:
    """Once the time is up, interrupt until the question has ended: one interruption may fall between two statements."""
    if not done.wait(seconds):
        while not done.wait(0.05):
            session.interrupt()


def scoped(table: pa.Table, scope: Scope) -> pa.Table:
    """Rows of the accounts that the scope allows."""
    if scope.everything:
        return table
    return table.filter(pc.is_in(table["account_id"], pa.array(sorted(scope.account_ids), pa.int64())))


def revenue(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Ledger:
    """The ledger of the run's lines.

    Parameters  movements, gap_days, churn_basis; by (a dimension of lines or accounts, `cause`, or None); without_price (NRR
                without price, too); logo_churn, net_churn (rule 11, as the policy has them)
    """
    given, how = _ledger_input(run, params, scope)
    rates = RateRules(**{k: str(params[k]) for k in ("logo_churn", "net_churn") if k in params})
    return compute(session, given, rates=rates, **how)


def revenue_behind(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """The accounts behind one figure of the revenue ledger, largest first.

    Parameters  as of `revenue`; movement (new … churn, entering, leaving, opening, closing), first and last (month
                numbers of the period), value (of the dimension), cohort (month number: its accounts at month `last`)
    Returns     account_id, before, after, amount (exact fractions of the currency), movements
    """
    given, how = _ledger_input(run, params, scope)
    made = tables(session, given, **how)
    booked, states = made.booked_months, made.booked_states
    if params.get("by") is not None:
        booked = booked.filter(booked.value == str(params.get("value") or ""))
    if made.value_states is not None:
        states = states.filter(states.value == str(params.get("value") or ""))
    first, last, movement = int(params["first"]), int(params["last"]), str(params["movement"])
    if params.get("cohort") is not None:
        at = months.behind_level(states, last)
        answer = at.semi_join(months.cohort_accounts(made.event_months, int(params["cohort"])), "account_id")
    elif movement in ("opening", "closing"):
        answer = months.behind_level(states, first - 1 if movement == "opening" else last)
    elif movement in (BALANCE, *MOVEMENTS, "entering", "leaving"):
        answer = months.behind_movement(booked, movement, first, last)
    else:
        raise QuestionFault(f"no movement {movement!r}; there are opening, {BALANCE}, {', '.join(MOVEMENTS)}, entering, leaving, closing")
    rows = session.fetch(answer).to_pylist()
    money = ("before", "after", "amount")
    exact = [row | {k: Fraction(int(row[k]), given.denominator) for k in money} for row in rows]
    return sorted(exact, key=lambda r: (-r["amount"], r["account_id"]))


def revenue_otherwise(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Ledger:
    """The revenue ledger's months and yearly retention with one thing changed. Parameters as of `revenue`, and way and handed of `otherwise`."""
    given, how = _ledger_input(run, params, scope, to_date=False)
    return sums_otherwise(session, given, str(params["way"]), params["handed"], how, run.day)


def committed(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, Fraction]:
    """What is signed and not live yet, and what is known to leave, as MRR (rule 2). Parameter: rates, as of `revenue`.

    Returns     coming: lines that start after the day, less what they take the place of on that very day; leaving: lines with a
                departure to come that somebody stated. ARR + 12 x (coming - leaving) is CARR
    """
    day, given = run.day, _lines(run, params, scope)
    lines = given.lines
    coming = lines.filter(pc.greater(lines["start_d"], day))
    ends = lines.filter(pc.and_(pc.greater(lines["end_d"], day), pc.less_equal(lines["start_d"], day)))
    starts = set(zip(coming["account_id"].to_pylist(), coming["start_d"].to_pylist(), strict=True))
    replaced = leaving = 0
    said = ends["leaves"].to_pylist() if "leaves" in ends.column_names else [False] * ends.num_rows
    for account, end, parts, leaves in zip(ends["account_id"].to_pylist(), ends["end_d"].to_pylist(), ends["parts"].to_pylist(), said, strict=True):
        if (account, end) in starts:
            replaced += int(parts)
        elif leaves and end < FAR:
            leaving += int(parts)
    total = sum(map(int, coming["parts"].to_pylist()))
    return {"coming": Fraction(total - replaced, given.denominator), "leaving": Fraction(leaving, given.denominator)}


def paused(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """MRR that pauses rest upon on a day, whether the policy lets it count or not (rule 5). Parameter: day (day number).

    Returns     mrr (exact), accounts
    """
    lines = scoped(run.tables["lines"], scope)
    if "paused_parts" not in lines.column_names:  # a snapshot of before
        return {"mrr": Fraction(0), "accounts": 0}
    day = int(params["day"])
    there = lines.filter(pc.and_(pc.and_(pc.less_equal(lines["start_d"], day), pc.greater(lines["end_d"], day)), pc.is_valid(lines["paused_parts"])))
    total = sum(map(int, there["paused_parts"].to_pylist()))
    return {"mrr": Fraction(total, run.denominator), "accounts": len(pc.unique(there["account_id"]))}


def renewals(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Contracts with an end and what became of them, by due date. Parameter: account (its id), or None for all in scope.

    Returns     the columns of `renewals.due`, with `mrr` (exact) in place of parts
    """
    if "renewals" not in run.tables:
        return []
    due = run.tables["renewals"]
    if params.get("account") is not None:  # first, for it leaves little
        due = due.filter(pc.equal(due["account_id"], int(params["account"])))
    due = scoped(due, scope)
    rows = [row | {"mrr": Fraction(int(row.pop("parts")), run.denominator)} for row in due.to_pylist()]
    return sorted(rows, key=lambda row: (row["due_on"], row["contract_id"]))


def renewals_due(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[pa.Table, int]:
    """The same as a table (`renewals.SCHEMA`), by due date, and what its parts are parts of: for whoever counts and does not list."""
    due = scoped(run.tables.get("renewals", SCHEMA.empty_table()), scope)
    return due.sort_by([("due_on", "ascending"), ("contract_id", "ascending")]), run.denominator


def booked(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Booked:
    """Booked against live ARR of a period: the parts of the bridge. Parameters  gap_days, churn_basis as of `revenue`; first, last (month numbers); day."""
    given, how = _ledger_input(run, params, scope)
    whole = run.tables.get("signed")
    seen = None if whole is None else scoped(whole, scope)
    first, last, day = (int(params[name]) for name in ("first", "last", "day"))
    return answer(session, given, whole, seen, how["gap_days"], first, last, day)


def lines(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """The lines of some accounts as the run read them. Parameter: accounts (their ids).

    Returns     account_id, subscription_id, product, plan, start_on, end_on (exclusive, None: open), mrr (exact, in the currency of the
                run at its rates); without what only lifts an account to 0
    """
    table = scoped(run.tables["lines"], scope)
    table = table.filter(pc.and_(pc.is_in(table["account_id"], pa.array(sorted(params["accounts"]), pa.int64())), pc.is_valid(table["line_id"])))
    names = [n for n in ("account_id", "subscription_id", "product", "plan", "start_d", "end_d", "parts") if n in table.column_names]
    return [
        {name: row.get(name) for name in ("account_id", "subscription_id", "product", "plan")}
        | {"start_on": date_of(row["start_d"]), "end_on": date_of(row["end_d"]) if row["end_d"] < FAR else None}
        | {"mrr": Fraction(int(row["parts"]), run.denominator)}
        for row in table.select(names).to_pylist()
    ]


def account_months(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """What each account did in each month in which it moved, exact: what a closing keeps and a restatement is measured against.

    Parameters  movements, gap_days, rates as of `revenue`; last (month number), first (month number, or None for all before),
                levels_only (account_id, m, opening and closing alone)
    Returns     the columns of `months.account_months`, amounts in parts of 1/denominator of the run; at other rates in parts of the
                `denominator` in the table's metadata
    """
    given, how = _ledger_input(run, params, scope)
    moved = tables(session, given, **how).months
    moved = moved.filter(moved.m <= int(params["last"]))
    if params.get("first") is not None:
        moved = moved.filter(moved.m >= int(params["first"]))
    if params.get("levels_only"):
        moved = moved.select("account_id", "m", "opening", "closing")
    return session.fetch(moved).replace_schema_metadata({"denominator": str(given.denominator)})


def account_facts(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Facts of accounts at some dates, none later than the run's day: of what the run knew, as far as it was known on the date.

    Parameters  dates (day numbers); measures (ids of the catalogue, or None for all); accounts (their ids, or None for all in scope)
    Returns     account_id, d and a column per measure
    """
    dates, measures = tuple(sorted({int(day) for day in params["dates"]})), params.get("measures")
    unknown = sorted(set(measures or ()) - set(facts.catalogue()))
    if unknown:
        raise QuestionFault(f"no measure {', '.join(unknown)}; there are {', '.join(facts.catalogue())}")
    if "existing" not in run.tables:
        raise QuestionFault("this run was made before facts were kept: it knows none")
    if not dates or dates[-1] > run.day:
        raise QuestionFault(f"facts are known up to {date_of(run.day)}, the day of the run")
    asked = scope if params.get("accounts") is None else scope.narrowed(params["accounts"])
    whole = Scope(True) if facts.of_the_firm(measures) else asked  # what stands beside a segment is a matter of all accounts
    only = None if whole.everything else whole.account_ids
    given = {name: scoped(run.tables[f"input_{name}"], whole) for name in facts.FROM_RECORDS}
    there = scoped(run.tables["existing"], whole)
    ledger = LedgerInput(scoped(run.tables["lines"], whole), run.denominator, run.currency)
    session.bind("ledger_lines", lines_to_date(ledger.lines, run.day))
    unbound = changes.lines_table(ledger.account_type, ledger.parts_type, book=True, name="ledger_lines")
    events = session.keep("events", changes.mrr_changes(unbound, run.gap_days))
    usage = None if run.usage is None else (lambda held: run.usage(held, only))  # type: ignore[misc]
    firm = None if whole.everything else facts.Firm(facts.REFERENCES.empty_table(), run.tables["seen"])
    accounts = (there["account_id"].combine_chunks(), there["since"].combine_chunks())
    found = facts.of_inputs(session, events, ledger, given, accounts, dates, usage, firm, measures)
    return scoped(found.table, asked)


def packed(rates: Mapping[str, Fraction]) -> tuple[tuple[str, str], ...]:
    """Rates as a parameter of a question: answers are remembered by it."""
    return tuple((code, str(rate)) for code, rate in sorted(rates.items()))


def _lines(run: RunTables, params: Mapping[str, Any], scope: Scope) -> LedgerInput:
    """The run's lines that the scope allows, at its own rates or those asked for."""
    given = LedgerInput(scoped(run.tables["lines"], scope), run.denominator, run.currency)
    if params.get("rates") is None:
        return given
    return at_rates(given, run.rates, {code: Fraction(rate) for code, rate in params["rates"]})


def _ledger_input(run: RunTables, params: Mapping[str, Any], scope: Scope, *, to_date: bool = True) -> tuple[LedgerInput, dict[str, Any]]:
    given = _lines(run, params, scope)
    lines = lines_to_date(given.lines, run.day) if to_date else given.lines
    if params.get("churn_basis") == "events" and "event_end_d" in lines.column_names:  # rule 20
        for name in ("end_d", "end_m"):
            lines = lines.set_column(lines.schema.get_field_index(name), name, lines[f"event_{name}"])
    by, spans = params.get("by"), None
    without_price = bool(params.get("without_price"))
    if by == CAUSE or without_price:
        lines = _with_facts(lines)
    if by == CAUSE:
        pass
    elif by in LINE_DIMENSIONS:
        lines = lines.append_column("value", pc.fill_null(lines[str(by)], ""))
    elif by is not None:
        known = pc.unique(run.tables["dimensions"]["dimension"]).to_pylist()
        if by not in known:
            raise QuestionFault(f"revenue by {by!r} is not known; there are {', '.join((*LINE_DIMENSIONS, *known, CAUSE))}")
        spans = scoped(run.tables["dimensions"], scope)
        spans = spans_to_date(spans.filter(pc.equal(spans["dimension"], str(by))).drop_columns(["dimension"]), run.day)
    how = {"movements": params.get("movements", "event"), "gap_days": params.get("gap_days", 0), "by": by not in (None, CAUSE), "spans": spans}
    how |= {"by_cause": by == CAUSE, "without_price": without_price}
    return replace(given, lines=lines), how


def _with_facts(lines: pa.Table) -> pa.Table:
    """Lines with every column that causes compare; a snapshot of before knows no seats and no list amounts."""
    for name, kind in (("units", pa.int64()), ("list_parts", pa.float64())):
        if name not in lines.column_names:
            lines = lines.append_column(name, pa.nulls(lines.num_rows, kind))
    return lines


QUESTIONS: dict[str, Callable[[DuckDBSession, RunTables, Mapping[str, Any], Scope], Any]] = {
    "revenue": revenue,
    "revenue_behind": revenue_behind,
    "revenue_otherwise": revenue_otherwise,
    "renewals": renewals,
    "renewals_due": renewals_due,
    "committed": committed,
    "booked": booked,
    "paused": paused,
    "account_months": account_months,
    "lines": lines,
    "facts": account_facts,
}
