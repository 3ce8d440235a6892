"""Named questions: what pages need beyond published rows. No page builds an expression, and no answer exists without a scope."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import fact_questions, flowing, growth, lab, potential
from laer.cycle.booked import Booked, answers
from laer.cycle.deal_scores import deal_scores
from laer.cycle.draft_cards import draft_bands
from laer.cycle.landed import landed
from laer.cycle.ledger import Ledger, LedgerInput, tables
from laer.cycle.ledger_questions import committed, ledger_input, paused, revenue, revenue_behind
from laer.cycle.otherwise import sums_otherwise
from laer.cycle.play_replaying import play_replay
from laer.cycle.renewal_then import renewals_then
from laer.cycle.renewals import SCHEMA, whole_shape
from laer.cycle.replaying import signal_replay
from laer.cycle.run_tables import Basis, QuestionFault, RunTables, scoped, watched
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.records.periods import FAR, date_of

SECONDS = 20.0
AT_ONCE = 2
REMEMBERED = 128


class OpenRun(Protocol):
    def __call__(self, run: int) -> RunTables: ...


@dataclass(frozen=True)
class Asked:
    """A question without its run: what is asked again of the next one."""

    name: str
    params: tuple[tuple[str, Any], ...]
    scope: Scope


class Desk:
    """Answers questions about published runs: bounded threads, memory and time, cached by run, question, parameters and scope.

    A run that holds the same rows in the tables that an answer was made of has the same answer: people who save touches all day
    make a run every few seconds, and none of them changes what the ledger reads.
    """

    def __init__(self, open_run: OpenRun, *, memory: str = "1GB", seconds: float = SECONDS) -> None:
        self._open_run, self._memory, self._seconds = open_run, memory, seconds
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._based: OrderedDict[tuple[Any, ...], tuple[Basis, Any]] = OrderedDict()  # of any run: the latest answer, and what it rests on
        self._asked: OrderedDict[tuple[Any, ...], tuple[Asked, float]] = OrderedDict()
        self._under_way: dict[tuple[Any, ...], threading.Lock] = {}
        self._lock = threading.Lock()
        self._forgotten = 0  # times: an answer that was begun before one is not kept

    def ask(self, name: str, params: Mapping[str, Any], scope: Scope, run: int, *, repeated: bool = False, waits: float | None = None) -> Any:
        """The answer to a named question. `repeated`: nobody waits for it, it is made ready. `waits`: seconds for its turn, where not those of an answer.

        Raises  QuestionFault for an unknown name or parameter, TimeoutError when it takes longer than allowed
        """
        if name not in QUESTIONS:
            raise QuestionFault(f"no question {name!r}; there are {', '.join(sorted(QUESTIONS))}")
        asked = Asked(name, tuple(sorted(params.items())), scope)
        key = self.key(name, params, scope, run)
        of_any_run = key[1:]
        with self._lock:
            forgotten = self._forgotten
            if not repeated:
                self._asked[of_any_run] = (asked, time.monotonic())
                self._asked.move_to_end(of_any_run)
                while len(self._asked) > REMEMBERED:
                    self._asked.popitem(last=False)
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        if carried := self._carry(key):
            return carried[0]
        with self._lock:
            alone = self._under_way.setdefault(key, threading.Lock())
        with alone:  # whoever asks the same meanwhile waits for the answer instead of making it again
            with self._lock:
                if key in self._answers:
                    return self._answers[key]
            if not self._turn.acquire(timeout=self._seconds if waits is None else waits):
                raise TimeoutError(f"{name}: too many questions at once")
            try:
                answer, basis = self._answer(name, params, scope, run)
            finally:
                self._turn.release()
                with self._lock:
                    self._under_way.pop(key, None)
            with self._lock:
                if forgotten != self._forgotten:
                    return answer
                self._remember(key, answer)
                self._based.pop(of_any_run, None)
                if basis is not None:
                    self._based[of_any_run] = basis, answer
                while len(self._based) > REMEMBERED:
                    self._based.popitem(last=False)
        return answer

    def _remember(self, key: tuple[Any, ...], answer: Any) -> None:
        self._answers[key] = answer
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    def _carry(self, key: tuple[Any, ...]) -> tuple[Any] | None:
        """The latest answer to that question, about another run, where it is this one's, too."""
        with self._lock:
            there = self._based.get(key[1:])
        if there is None or not there[0].holds_for(self._open_run(key[0])):
            return None
        with self._lock:
            self._remember(key, there[1])
        return (there[1],)

    def key(self, name: str, params: Mapping[str, Any], scope: Scope, run: int) -> tuple[Any, ...]:
        """What tells an answer from others."""
        return (run, name, tuple(sorted(params.items())), scope.key)

    def knows(self, name: str, params: Mapping[str, Any], scope: Scope, run: int) -> bool:
        """Whether the answer is there already."""
        key = self.key(name, params, scope, run)
        with self._lock:
            there = key in self._answers
        return there or self._carry(key) is not None

    def forget(self) -> None:
        """Remember no answer any more, and no question."""
        with self._lock:
            self._forgotten += 1
            for remembered in (self._answers, self._based, self._asked):
                remembered.clear()

    def asked_within(self, seconds: float) -> list[Asked]:
        """What people asked in that time, the latest first."""
        since = time.monotonic() - seconds
        with self._lock:
            return [asked for asked, at in reversed(self._asked.values()) if at >= since]

    def _answer(self, name: str, params: Mapping[str, Any], scope: Scope, run: int) -> tuple[Any, Basis | None]:
        opened, basis = watched(self._open_run(run))
        with DuckDBSession(memory=self._memory) as session:
            done = threading.Event()
            threading.Thread(target=_interrupt_late, args=(session, done, self._seconds), daemon=True).start()
            try:
                answer = QUESTIONS[name](session, opened, params, scope)
                return answer, basis()
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


def revenue_otherwise(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Ledger:
    """The revenue ledger's months and yearly retention with one thing changed. Parameters as of `revenue`, and way and handed of `otherwise`."""
    given, how = ledger_input(run, params, scope, to_date=False)
    return sums_otherwise(session, given, str(params["way"]), params["handed"], how, run.day)


def renewals(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Contracts with an end and what became of them, by due date. Parameter: account (its id), or None for all in scope.

    Returns     the columns of `renewals.due`, with `mrr` (exact) in place of parts
    """
    if "renewals" not in run.tables:
        return []
    due = whole_shape(run.tables["renewals"])
    if params.get("account") is not None:  # first, for it leaves little
        due = due.filter(pc.equal(due["account_id"], int(params["account"])))
    due = scoped(due, scope)
    rows = [row | {"mrr": Fraction(int(row.pop("parts")), run.denominator)} for row in due.to_pylist()]
    return sorted(rows, key=lambda row: (row["due_on"], row["contract_id"]))


def renewals_due(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[pa.Table, int]:
    """The same as a table (`renewals.SCHEMA`), by due date, and what its parts are parts of: for whoever counts and does not list."""
    due = whole_shape(scoped(run.tables.get("renewals", SCHEMA.empty_table()), scope))
    return due.sort_by([("due_on", "ascending"), ("contract_id", "ascending")]), run.denominator


def contracts_held(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, frozenset[int]] | None:
    """Accounts with a contract in force, and those of which something says when they may leave; None of a run that did not keep it.

    Returns     held: accounts with a contract that counts on the run's day;  dated: with one that has an end, or a paying line with one
    """
    if "held" not in run.tables:
        return None
    contracts, lines = scoped(run.tables["held"], scope), scoped(run.tables["lines"], scope)
    alive = pc.and_(pc.less_equal(lines["start_d"], run.day), pc.and_(pc.greater(lines["end_d"], run.day), pc.less(lines["end_d"], FAR)))
    ending = lines.filter(pc.and_(alive, pc.greater(lines["parts"], 0)))["account_id"]
    dated = contracts.filter(contracts["dated"])["account_id"]
    return {"held": frozenset(pc.unique(contracts["account_id"]).to_pylist()), "dated": frozenset((*dated.to_pylist(), *pc.unique(ending).to_pylist()))}


def booked(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[Booked]:
    """Booked against live ARR: of each period the parts of its bridge.

    Parameters  gap_days, churn_basis as of `revenue`; periods (first and last month number of each); day
    """
    given, how = ledger_input(run, params, scope)
    whole = run.tables.get("signed")
    seen = None if whole is None else scoped(whole, scope)
    return answers(session, given, whole, seen, how["gap_days"], params["periods"], int(params["day"]))


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
    given, how = ledger_input(run, params, scope)
    moved = tables(session, given, **how).months
    moved = moved.filter(moved.m <= int(params["last"]))
    if params.get("first") is not None:
        moved = moved.filter(moved.m >= int(params["first"]))
    if params.get("levels_only"):
        moved = moved.select("account_id", "m", "opening", "closing")
    return session.fetch(moved).replace_schema_metadata({"denominator": str(given.denominator)})


def _flow_lines(run: RunTables, params: Mapping[str, Any], scope: Scope) -> LedgerInput:
    """The lines of the ledger without a split: accounts move through the flow as a whole."""
    return ledger_input(run, {name: value for name, value in params.items() if name != "by"}, scope)[0]


QUESTIONS: dict[str, Callable[[DuckDBSession, RunTables, Mapping[str, Any], Scope], Any]] = {
    "revenue": revenue,
    "revenue_behind": revenue_behind,
    "revenue_otherwise": revenue_otherwise,
    "renewals": renewals,
    "renewals_due": renewals_due,
    "contracts_held": contracts_held,
    "committed": committed,
    "booked": booked,
    "paused": paused,
    "account_months": account_months,
    "lines": lines,
    "facts": fact_questions.account_facts,
    "score_rows": fact_questions.score_rows,
    "draft_bands": draft_bands,
    "condition": fact_questions.condition,
    "conditions": fact_questions.conditions,
    "condition_row": fact_questions.condition_row,
    "condition_at": fact_questions.condition_at,
    "company": fact_questions.company,
    "company_behind": fact_questions.company_behind,
    "time_to_value": growth.days_to_value,
    "whitespace": growth.room_in_products,
    "deals": fact_questions.deals,
    "deal_scores": deal_scores,
    "renewals_then": renewals_then,
    "landed": landed,
    "play_replay": play_replay, "signal_replay": signal_replay,
    "replay": lab.replay,
    "growth_history": potential.growth_history,
    "potential": potential.potential,
    "flow": partial(flowing.flow, _flow_lines),
    "flow_behind": partial(flowing.flow_behind, _flow_lines),
}
