"""The desk: named questions under a scope, what is remembered, what a figure is made of."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pyarrow as pa
import pytest

from laer.cycle import ledger_questions, questions
from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault, RunTables
from laer.cycle.scope import Scope
from laer.cycle.spans import BEGINNING
from laer.engine.session import DuckDBSession
from laer.metrics.changes import MOVEMENTS
from laer.metrics.statement import TOTAL
from laer.records.periods import FAR, day_number, month_number

ALL = Scope(True)
JANUARY = month_number(date(2024, 1, 1))

# Six accounts with a story: landing, adopting, expanding, in doubt, churned and back, no data (it has no line).
LINES = [
    (1, "2024-03-10", None, 500, "basic"),
    (2, "2023-11-01", None, 300, "basic"), (2, "2024-02-01", None, 120, "pro"),
    (3, "2023-06-01", "2024-02-15", 800, "basic"), (3, "2024-02-15", None, 1400, "pro"), (3, "2024-04-01", None, 60, "add-on"),
    (4, "2023-01-01", "2024-04-30", 900, "pro"), (4, "2024-02-20", "2024-03-20", 100, "add-on"),
    (5, "2023-02-01", "2024-01-20", 250, "basic"), (5, "2024-03-05", "2024-03-25", 200, "basic"), (5, "2024-05-02", None, 275, "pro"),
]  # fmt: skip
SEGMENTS = [(1, "Small", None), (2, "Small", ("2024-03-15", "Mid")), (3, "Mid", ("2024-02-15", "Big")), (4, "Big", None), (5, "", None), (6, "Small", None)]


def opened(denominator=3):
    def number(text):
        return FAR if text is None else day_number(date.fromisoformat(text))

    def month(text):
        return FAR if text is None else month_number(date.fromisoformat(text))

    lines = pa.table(
        {
            "account_id": pa.array([x[0] for x in LINES], pa.int64()), "start_d": pa.array([number(x[1]) for x in LINES], pa.int32()),
            "start_m": pa.array([month(x[1]) for x in LINES], pa.int32()), "end_d": pa.array([number(x[2]) for x in LINES], pa.int32()),
            "end_m": pa.array([month(x[2]) for x in LINES], pa.int32()), "parts": pa.array([x[3] * denominator for x in LINES], pa.int64()),
            "plan": pa.array([x[4] for x in LINES], pa.string()), "product": pa.array([None] * len(LINES), pa.string()), "currency": ["EUR"] * len(LINES),
        }
    )  # fmt: skip
    rows = []
    for account, value, change in SEGMENTS:
        if change is None:
            rows.append((account, value, BEGINNING, BEGINNING, FAR, FAR))
        else:
            rows.append((account, value, BEGINNING, BEGINNING, number(change[0]), month(change[0])))
            rows.append((account, change[1], number(change[0]), month(change[0]), FAR, FAR))
    columns = list(zip(*rows, strict=True))
    names = ("account_id", "value", "from_d", "from_m", "until_d", "until_m")
    kinds = (pa.int64(), pa.string(), *[pa.int32()] * 4)
    spans = pa.table({"dimension": pa.array(["segment"] * len(rows), pa.string())} | {n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
    return RunTables({"lines": lines, "dimensions": spans}, denominator, "EUR")


class Runs:
    """Hands out the tables of a run and counts how often."""

    def __init__(self):
        self.asked = []

    def __call__(self, run):
        self.asked.append(run)
        return opened()


@pytest.fixture
def runs():
    return Runs()


@pytest.fixture
def desk(runs):
    return Desk(runs)


def only(*accounts):
    return Scope(False, frozenset(accounts))


# --- the desk -----------------------------------------------------------------------------------------------------


def test_an_unknown_question_is_refused_with_what_exists(desk):
    with pytest.raises(QuestionFault, match="no question 'weather'; there are account_months, "):
        desk.ask("weather", {}, ALL, 1)


def test_a_question_without_a_scope_cannot_be_asked(desk):
    with pytest.raises(TypeError):
        desk.ask("revenue", {}, run=1)
    with pytest.raises((TypeError, AttributeError)):
        desk.ask("revenue", {}, None, 1)


def test_an_unknown_dimension_or_movement_is_refused_with_what_exists(desk):
    with pytest.raises(QuestionFault, match="'moon' is not known; there are plan, product, currency, segment"):
        desk.ask("revenue", {"by": "moon"}, ALL, 1)
    with pytest.raises(QuestionFault, match="no movement 'joy'; there are opening, opening_balance, new"):
        desk.ask("revenue_behind", {"movement": "joy", "first": JANUARY, "last": JANUARY}, ALL, 1)


def test_the_same_question_is_answered_from_memory(desk, runs):
    assert desk.ask("revenue", {"by": "plan", "movements": "net"}, ALL, 1) is desk.ask("revenue", {"movements": "net", "by": "plan"}, ALL, 1)
    assert runs.asked == [1]


@pytest.mark.parametrize(
    ("name", "params", "scope", "run"),
    [("revenue", {}, only(1), 1), ("revenue", {}, only(), 1), ("revenue", {}, ALL, 2), ("revenue", {"gap_days": 5}, ALL, 1)],
)
def test_another_scope_run_or_parameter_is_another_question(desk, runs, name, params, scope, run):
    first = desk.ask("revenue", {}, ALL, 1)
    assert desk.ask(name, params, scope, run) is not first
    assert len(runs.asked) == 2


def test_scopes_of_other_accounts_have_other_keys():
    scopes = [ALL, only(), only(1), only(2), only(1, 2), only(12)]
    assert len({s.key for s in scopes}) == len(scopes)
    assert only(1, 2).key == only(2, 1).key


class Later(Runs):
    """Runs that carry tables over: of each, which run wrote them."""

    def __init__(self, written, rest="as ever"):
        super().__init__()
        self.written, self.rest = written, rest

    def __call__(self, run):
        self.asked.append(run)
        return replace(opened(), marks=self.written[run], rest=self.rest if isinstance(self.rest, str) else self.rest[run])


def test_an_answer_stands_while_the_tables_that_it_was_made_of_do():
    desk = Desk(Later({1: {"lines": 1, "dimensions": 1}, 2: {"lines": 1, "dimensions": 2}, 3: {"lines": 3, "dimensions": 2}}))
    first, split = desk.ask("revenue", {}, ALL, 1), desk.ask("revenue", {"by": "segment"}, ALL, 1)
    assert desk.knows("revenue", {}, ALL, 2)
    assert desk.ask("revenue", {}, ALL, 2) is first, "it read no dimension"
    assert desk.ask("revenue", {"by": "segment"}, ALL, 2) is not split
    assert not desk.knows("revenue", {}, only(1), 2), "of another scope nobody asked"
    assert desk.ask("revenue", {}, ALL, 3) is not first


@pytest.mark.parametrize("rest", [None, {1: "at these rates", 2: "at others"}], ids=["nothing is known of it", "it is another"])
def test_no_answer_stands_where_what_it_depends_on_beside_tables_may_differ(rest):
    later = Later({1: {"lines": 1}, 2: {"lines": 1}}, rest or {1: None, 2: None})
    desk = Desk(later)
    assert desk.ask("revenue", {}, ALL, 1) is not desk.ask("revenue", {}, ALL, 2)


def test_no_answer_made_of_usage_stands_for_another_run(monkeypatch):
    def of_usage(session, run, params, scope):
        assert run.usage is not None
        return [run.usage(session, (0, 1), None, None)]

    runs = Later({1: {"lines": 1}, 2: {"lines": 1}})
    desk = Desk(lambda run: replace(runs(run), usage=lambda session, days, rule, accounts: {}))
    monkeypatch.setitem(questions.QUESTIONS, "of usage", of_usage)
    assert desk.ask("of usage", {}, ALL, 1) is not desk.ask("of usage", {}, ALL, 2)


def test_a_failed_question_is_not_remembered(desk, monkeypatch):
    answers = iter([RuntimeError("no"), "yes"])

    def sometimes(session, run, params, scope):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(questions.QUESTIONS, "sometimes", sometimes)
    with pytest.raises(RuntimeError):
        desk.ask("sometimes", {}, ALL, 1)
    assert desk.ask("sometimes", {}, ALL, 1) == "yes"


def test_the_oldest_answers_are_forgotten(desk, monkeypatch):
    monkeypatch.setattr(questions, "REMEMBERED", 2)
    monkeypatch.setitem(questions.QUESTIONS, "echo", lambda session, run, params, scope: object())
    one, two = desk.ask("echo", {"n": 1}, ALL, 1), desk.ask("echo", {"n": 2}, ALL, 1)
    assert desk.ask("echo", {"n": 1}, ALL, 1) is one  # asked again: now the newest
    desk.ask("echo", {"n": 3}, ALL, 1)
    assert desk.ask("echo", {"n": 1}, ALL, 1) is one
    assert desk.ask("echo", {"n": 2}, ALL, 1) is not two


def test_a_question_that_takes_too_long_is_stopped(runs, monkeypatch):
    monkeypatch.setitem(questions.QUESTIONS, "forever", lambda session, run, params, scope: session.connection.sql("select count(*) from range(10000000000) a, range(10) b").fetchall())
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="forever: took longer"):
        Desk(runs, seconds=0.5).ask("forever", {}, ALL, 1)
    assert time.monotonic() - started < 15


def test_a_third_question_waits_its_turn_and_gives_up_in_time(runs, monkeypatch):
    release, begun = threading.Event(), threading.Barrier(3)

    def slow(session, run, params, scope):
        begun.wait(10)
        release.wait(10)
        return params["n"]

    monkeypatch.setitem(questions.QUESTIONS, "slow", slow)
    desk = Desk(runs, seconds=0.3)
    threads = [threading.Thread(target=desk.ask, args=("slow", {"n": n}, ALL, 1)) for n in range(questions.AT_ONCE)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    try:
        with pytest.raises(TimeoutError, match="too many questions at once"):
            desk.ask("slow", {"n": 9}, ALL, 1)
    finally:
        release.set()
        for thread in threads:
            thread.join()


# --- scope --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, "plan", "segment"])
def test_a_scoped_answer_knows_nothing_of_other_accounts(desk, by):
    months = (JANUARY - 14, JANUARY + 8)
    mine, theirs = desk.ask("revenue", {"by": by}, only(2, 5), 1), desk.ask("revenue", {"by": by}, only(1, 3, 4), 1)
    whole = desk.ask("revenue", {"by": by}, ALL, 1)
    for a, b, both in zip(mine.months(*months), theirs.months(*months), whole.months(*months), strict=True):
        for name in ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "closing_mrr", "closing_accounts", "accounts_lost"):
            assert a[name] + b[name] == both[name]
    behind = desk.ask("revenue_behind", {"by": by, "movement": "closing", "first": JANUARY, "last": JANUARY + 4, "value": "basic" if by == "plan" else ""}, only(2, 5), 1)
    assert {r["account_id"] for r in behind} <= {2, 5}


def test_who_may_see_nothing_sees_zeros(desk):
    ledger = desk.ask("revenue", {}, only(), 1)
    assert ledger.cohorts == []
    assert all(m["closing_mrr"] == 0 for m in ledger.months(JANUARY - 3, JANUARY + 3))
    assert desk.ask("revenue_behind", {"movement": "closing", "first": JANUARY, "last": JANUARY}, only(), 1) == []


# --- what a figure is made of -------------------------------------------------------------------------------------

PERIODS = [(JANUARY + 1, JANUARY + 1), (JANUARY + 1, JANUARY + 4)]


def figure(rows, movement, first, last, value=None):
    inside = [r for r in rows if first <= r.month <= last and r.value == value]
    if movement == "opening":
        return inside[0]["opening_mrr"]
    if movement == "closing":
        return inside[-1]["closing_mrr"]
    return sum(r[f"{movement}_mrr"] for r in inside)


@pytest.mark.parametrize("movements", ["event", "net"])
def test_the_accounts_behind_every_figure_add_up_to_it(desk, movements):
    rows = desk.ask("revenue", {"movements": movements}, ALL, 1).months(JANUARY - 12, JANUARY + 8)
    for first, last in PERIODS:
        for movement in ("opening", *MOVEMENTS, "closing"):
            behind = desk.ask("revenue_behind", {"movements": movements, "movement": movement, "first": first, "last": last}, ALL, 1)
            assert sum(r["amount"] for r in behind) == figure(rows, movement, first, last), (movement, first, last)
            assert all(r["amount"] > 0 for r in behind)
            assert [r["amount"] for r in behind] == sorted((r["amount"] for r in behind), reverse=True)
            assert len({r["account_id"] for r in behind}) == len(behind)


@pytest.mark.parametrize("by", ["plan", "segment"])
def test_by_a_dimension_too(by, monkeypatch):
    run = opened()
    first, last = PERIODS[1]
    with DuckDBSession() as session:
        rows = ledger_questions.revenue(session, run, {"by": by}, ALL).months_by_value(JANUARY - 12, JANUARY + 8)
        values = {r.value for r in rows} - {TOTAL}
        assert values == ({"basic", "pro", "add-on"} if by == "plan" else {"Small", "Mid", "Big", ""})
        given, how = ledger_questions.ledger_input(run, {"by": by}, ALL)
        made = ledger_questions.tables(session, given, **how)
        monkeypatch.setattr(ledger_questions, "tables", lambda *_, **__: made)  # the ledger once; only the last step differs
        for value in sorted(values):
            for movement in ("opening", *MOVEMENTS, "entering", "leaving", "closing"):
                params = {"by": by, "value": value, "movement": movement, "first": first, "last": last}
                behind = ledger_questions.revenue_behind(session, run, params, ALL)
                assert sum(r["amount"] for r in behind) == figure(rows, movement, first, last, value), (value, movement)


def with_seats(run):
    """Account 3's plan changes; account 4's add-on comes and goes; the seats of account 2 are known."""
    lines = run.tables["lines"]
    units = [4 * 10**6 if a == 2 else None for a in lines["account_id"].to_pylist()]
    return RunTables(dict(run.tables) | {"lines": lines.append_column("units", pa.array(units, pa.int64()))}, run.denominator, run.currency)


@pytest.mark.parametrize("movements", ["event", "net"])
@pytest.mark.parametrize("run", [opened(), with_seats(opened())], ids=["a snapshot of before", "with seats"])
def test_by_cause_sums_to_the_whole_and_opens_to_accounts(movements, run):
    first, last = JANUARY - 12, JANUARY + 8
    with DuckDBSession() as session:
        plain = ledger_questions.revenue(session, run, {"movements": movements}, ALL).months(first, last)
        rows = ledger_questions.revenue(session, run, {"movements": movements, "by": "cause"}, ALL).months_by_value(first, last)
        totals = [r for r in rows if r.value == TOTAL]
        assert [{k: v for k, v in t.figures.items() if k in p.figures and not k.startswith(("entering", "leaving"))} for t, p in zip(totals, plain, strict=True)] == [
            {k: v for k, v in p.figures.items() if not k.startswith(("entering", "leaving"))} for p in plain
        ]
        for movement in MOVEMENTS:
            assert sum(r[f"{movement}_mrr"] for r in rows if r.value != TOTAL) == sum(p[f"{movement}_mrr"] for p in plain)
        params = {"movements": movements, "by": "cause", "first": first, "last": last}
        for cause in {r.value for r in rows} - {TOTAL}:
            for movement in MOVEMENTS:
                behind = ledger_questions.revenue_behind(session, run, params | {"value": cause, "movement": movement}, ALL)
                assert sum(r["amount"] for r in behind) == sum(r[f"{movement}_mrr"] for r in rows if r.value == cause), (cause, movement)


def test_nrr_without_price_is_a_question(desk):
    month = desk.ask("revenue", {"without_price": True}, ALL, 1).months(JANUARY + 3, JANUARY + 3)[0]
    assert month["nrr_12m_without_price"] == month["nrr_12m"]  # no line says its seats: nothing is known to be price
    assert "nrr_12m_without_price" not in desk.ask("revenue", {}, ALL, 1).months(JANUARY, JANUARY)[0].figures


def test_rates_follow_the_policy_that_is_asked_for(desk):
    plain = desk.ask("revenue", {}, ALL, 1).months(JANUARY, JANUARY + 5)
    stripe = desk.ask("revenue", {"logo_churn": "opening and new"}, ALL, 1).months(JANUARY, JANUARY + 5)
    board = desk.ask("revenue", {"net_churn": "without reactivation"}, ALL, 1).months(JANUARY, JANUARY + 5)
    assert [m["logo_churn_rate"] for m in plain][4] == [m["logo_churn_rate"] for m in stripe][4]
    assert any(a["net_mrr_churn_rate"] != b["net_mrr_churn_rate"] for a, b in zip(plain, board, strict=True))


def test_the_count_of_movements_is_the_figures_too(desk):
    rows = desk.ask("revenue", {}, ALL, 1).months(JANUARY, JANUARY + 5)
    for movement, name in (("new", "new_accounts"), ("reactivation", "reactivated_accounts"), ("expansion", "expansions"), ("contraction", "contractions"), ("churn", "churns")):
        behind = desk.ask("revenue_behind", {"movement": movement, "first": JANUARY, "last": JANUARY + 5}, ALL, 1)
        assert sum(r["movements"] for r in behind) == sum(r[name] for r in rows)


def test_the_accounts_of_a_cohort_add_up_to_its_cell(desk):
    ledger = desk.ask("revenue", {}, ALL, 1)
    for cell in [c for c in ledger.cohort_rows(JANUARY - 12, JANUARY + 4) if c["months_since"] in (0, 9, 12)]:
        params = {"movement": "closing", "first": cell["cohort"], "last": cell["cohort"] + cell["months_since"], "cohort": cell["cohort"]}
        behind = desk.ask("revenue_behind", params, ALL, 1)
        assert (len(behind), sum(r["amount"] for r in behind)) == (cell["accounts"], cell["mrr"])


def test_one_account_by_hand(desk):
    # account 5 (churned and back): 250 until 20 January, 200 from 5 to 25 March, 275 from 2 May
    behind = desk.ask("revenue_behind", {"movement": "reactivation", "first": JANUARY, "last": JANUARY + 4}, ALL, 1)
    assert behind == [{"account_id": 5, "before": Fraction(250), "after": Fraction(275), "amount": Fraction(475), "movements": 2}]
