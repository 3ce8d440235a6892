"""Measures of the firm that pages state of whole months: asked of the code that makes the page's figure, and handed on as any other measure.

A period that is no run of whole months, and one that is asked about as it was known before the run's day, has none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.booked import answers
from laer.cycle.company import Group, Periods, Sums
from laer.cycle.ledger import Ledger
from laer.cycle.ledger_questions import ledger_input, revenue, revenue_behind
from laer.cycle.run_tables import QuestionFault, RunTables, scoped, spans_of
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.metrics.company import Estimate, Stated
from laer.metrics.ledger_figures import BRIDGE, LEDGER, RATES, WITHOUT_PRICE, total
from laer.metrics.rate_rules import RateRules
from laer.metrics.statement import TOTAL, Month
from laer.records.periods import date_of, day_number, first_day, month_number

Months = tuple[int, int]  # first and last, both counted
ROWS = pa.schema([("account_id", pa.int64()), ("item", pa.int64()), ("on_d", pa.int32()), ("top", pa.float64()), ("bottom", pa.float64())])
UNKNOWN: Sums = (Estimate(None, 0), None, None)
LOSSES, GAINS = ("churn", "contraction"), ("new", "reactivation", "expansion")


def stated(
    session: DuckDBSession, run: RunTables, scope: Scope, asked: Iterable[Stated], periods: Periods, by: str | None, known: Mapping[str, list[bool]]
) -> dict[str, dict[Group, Sums]]:
    """What is said of each measure in each period, whole or by a dimension.

    In      known  input -> of each period, whether there is a source of it by then
    Out     measure -> (period, value; None: whole) -> estimate, and the sums that it divides
    Raises  QuestionFault of a measure that is not split by the dimension
    """
    asked = list(asked)
    if by is not None and (fixed := sorted(one.measure.id for one in asked if one.whole)):
        raise QuestionFault(f"{', '.join(fixed)}: not split by {by!r}, nor by anything else")
    months = {p: span for p in range(len(periods.spans)) if (span := _months(periods, p, run.day)) is not None}
    found: dict[str, dict[Group, Sums]] = {one.measure.id: {} for one in asked}
    for who in dict.fromkeys(one.by for one in asked):
        mine = [one for one in asked if one.by == who]
        if months:
            MAKERS[who](session, run, scope, mine, months, by, found)
    for one in asked:
        for p in range(len(periods.spans)):
            if by is None:
                found[one.measure.id].setdefault((p, None), UNKNOWN)
            if not known[one.input][p]:
                found[one.measure.id] |= dict.fromkeys([group for group in found[one.measure.id] if group[0] == p], UNKNOWN)
    return found


def behind(session: DuckDBSession, run: RunTables, scope: Scope, one: Stated, period: Periods, by: str | None, value: str | None) -> pa.Table:
    """The accounts behind a figure: what each adds, and to what that is divided by. Grain: account. Columns: ROWS."""
    if one.by == WITHOUT_PRICE:
        raise QuestionFault(f"no rows stand behind {one.measure.id!r}: what price did is told by cause, not by account")
    months = _months(period, 0, run.day)
    if months is None:
        return ROWS.empty_table()
    if one.by == BRIDGE:
        made = _bridge_rows(session, run, scope, one, months, by, value)
    else:
        made = _ledger_rows(session, run, scope, one, months, by, value or "")
    rows = [(account, top, bottom) for account, (top, bottom) in made.items() if top or bottom]
    on_d = period.last_days[0]
    columns = {"account_id": [r[0] for r in rows], "item": [None] * len(rows), "on_d": [on_d] * len(rows), "top": [float(r[1]) for r in rows],
               "bottom": [float(r[2]) for r in rows]}  # fmt: skip
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in ROWS})


def _months(periods: Periods, p: int, day: int) -> Months | None:
    """The whole months of a period, the run's own to date; None where it is none, or is asked about as known before the run's day."""
    first, after = (date_of(number) for number in periods.spans[p])
    if first.day != 1 or after.day != 1 or periods.known_by < day:
        return None
    return month_number(first), min(month_number(after) - 1, month_number(date_of(day)))


def _params(run: RunTables, by: str | None = None, **more: Any) -> dict[str, Any]:
    return {"by": by, "gap_days": run.gap_days, "churn_basis": run.churn_basis, "logo_churn": run.rules.logo_churn, "net_churn": run.rules.net_churn, **more}


Found = dict[str, dict[Group, Sums]]


def _of_ledger(
    session: DuckDBSession, run: RunTables, scope: Scope, asked: list[Stated], months: Mapping[int, Months], by: str | None, found: Found
) -> None:
    without_price = asked[0].by == WITHOUT_PRICE
    ledger = revenue(session, run, _params(run, by, without_price=without_price), scope)
    by_value = _by_value(ledger, min(first for first, _ in months.values()) - 12, max(last for _, last in months.values()), by)
    for p, (first, last) in months.items():
        for value, rows in by_value.items():
            inside = [rows[m] for m in range(first, last + 1)]
            for one in asked:
                found[one.measure.id][p, value] = _figure(one, inside, rows, run.rules)


def _by_value(ledger: Ledger, first: int, last: int, by: str | None) -> dict[str | None, dict[int, Month]]:
    if by is None:
        return {None: {row.month: row for row in ledger.months(first, last)}}
    found: dict[str | None, dict[int, Month]] = {}
    for row in ledger.months_by_value(first, last):
        if row.value != TOTAL:
            found.setdefault(row.value, {})[row.month] = row
    return found


def _figure(one: Stated, inside: list[Month], rows: Mapping[int, Month], rules: RateRules) -> Sums:
    """One figure of some months: a rate of movements, a movement, retention over a window, or a level."""
    last = inside[-1]
    if one.figure in RATES:
        top, bottom, n = RATES[one.figure](inside, rules)
        return Estimate(float(top / bottom) if bottom else None, n), float(top), float(bottom)
    if one.how != "sum":
        window = int(one.figure.split("_")[1].removesuffix("m"))
        then, said = rows.get(last.month - window), last.figures.get(one.figure)
        if then is None or said is None:
            return UNKNOWN
        paid = Fraction(then["closing_mrr"] or 0)
        return Estimate(float(said), int(then["closing_accounts"] or 0)), float(said * paid), float(paid)
    if one.at_end:
        amount = Fraction(last[one.figure] or 0)
        return Estimate(float(amount), int(last["closing_accounts"] or 0)), float(amount), None
    if one.figure == "opening_mrr":
        return Estimate(float(inside[0]["opening_mrr"] or 0), int(inside[0]["opening_accounts"] or 0)), None, None
    amount = total(inside, one.figure)
    return Estimate(float(amount), int(total(inside, MOVES[one.figure]))), float(amount), None


MOVES = {
    "opening_balance_mrr": "balance_accounts", "reactivation_mrr": "reactivated_accounts", "contraction_mrr": "contractions", "churn_mrr": "churns",
}  # fmt: skip


def _ledger_rows(
    session: DuckDBSession, run: RunTables, scope: Scope, one: Stated, months: Months, by: str | None, value: str
) -> dict[int, tuple[Fraction, Fraction]]:
    first, last = months
    params = _params(run, by) | ({"value": value} if by is not None else {})

    def moved(name: str, since: int, until: int, **more: Any) -> list[dict[str, Any]]:
        return revenue_behind(session, run, params | {"movement": name, "first": since, "last": until} | more, scope)

    whole, figure = Fraction(1), one.figure
    if figure in RATES:
        return _rate_rows(moved, figure, months, run.rules)
    if one.how != "sum":
        name, window = figure.split("_")[0], int(figure.split("_")[1].removesuffix("m"))
        return {row["account_id"]: (row["amount"], row["before"]) for row in moved(name, last, last, window=window)}
    if figure == "closing_mrr":
        return {row["account_id"]: (row["amount"], whole) for row in moved("closing", last, last)}
    if figure == "arr":
        return {row["account_id"]: (row["amount"] * 12, whole) for row in moved("closing", last, last)}
    return {row["account_id"]: (row["amount"], whole) for row in moved(figure.removesuffix("_mrr"), first, last)}


def _rate_rows(moved: Callable[..., list[dict[str, Any]]], figure: str, months: Months, rules: RateRules) -> dict[int, tuple[Fraction, Fraction]]:
    """Of each account what it adds to both sides of a rate of movements, month by month."""
    first, last = months
    none, made = Fraction(0), dict[int, tuple[Fraction, Fraction]]()

    def add(account: int, top: Fraction, bottom: Fraction = none) -> None:
        before = made.get(account, (none, none))
        made[account] = (before[0] + top, before[1] + bottom)

    if figure == "logo_churn_rate":
        for month in range(first, last + 1):
            paid = {row["account_id"] for row in moved("opening", month, month)}
            more = {row["account_id"] for row in moved("new", month, month)} if rules.logo_churn == "opening and new" else set()
            for account in paid | more:
                add(account, none, Fraction((account in paid) + (account in more)))
            for row in moved("churn", month, month):
                if row["account_id"] in paid:
                    add(row["account_id"], Fraction(1))
        return made
    signs: dict[str, int]
    if figure == "quick_ratio":
        for name in LOSSES:
            for row in moved(name, first, last):
                add(row["account_id"], none, row["amount"])
        signs = dict.fromkeys(GAINS, 1)
    else:
        for month in range(first, last + 1):
            for row in moved("opening", month, month):
                add(row["account_id"], none, row["amount"])
        signs = dict.fromkeys(LOSSES, 1)
        if figure == "net_mrr_churn_rate":
            signs |= {"expansion": -1} | ({"reactivation": -1} if rules.net_churn == "with reactivation" else {})
    for name, sign in signs.items():
        for row in moved(name, first, last):
            add(row["account_id"], row["amount"] * sign)
    return made


def _of_bridge(
    session: DuckDBSession, run: RunTables, scope: Scope, asked: list[Stated], months: Mapping[int, Months], by: str | None, found: Found
) -> None:
    for (p, (_first, last)), booked in zip(months.items(), _booked(session, run, scope, months.values()), strict=True):
        if booked.basis is None:
            continue
        value_of = _values_at(run, scope, by, last)
        for one in asked:
            sums: dict[str | None, tuple[Fraction, set[int]]] = {} if by is not None else {None: (Fraction(0), set())}
            for part in booked.parts:
                if part.step == one.figure:
                    amount, accounts = sums.get(value := value_of(part.account_id), (Fraction(0), set()))
                    sums[value] = (amount + part.arr, accounts | {part.account_id})
            for name, (amount, accounts) in sums.items():
                found[one.measure.id][p, name] = (Estimate(float(amount), len(accounts)), float(amount), None)


def _bridge_rows(
    session: DuckDBSession, run: RunTables, scope: Scope, one: Stated, months: Months, by: str | None, value: str | None
) -> dict[int, tuple[Fraction, Fraction]]:
    made: dict[int, tuple[Fraction, Fraction]] = {}
    value_of = _values_at(run, scope, by, months[1])
    for part in _booked(session, run, scope, [months])[0].parts:
        if part.step == one.figure and (by is None or value_of(part.account_id) == (value or "")):
            made[part.account_id] = (made.get(part.account_id, (Fraction(0), 0))[0] + part.arr, Fraction(1))
    return made


def _booked(session: DuckDBSession, run: RunTables, scope: Scope, months: Iterable[Months]) -> Any:
    given, how = ledger_input(run, _params(run), scope)
    whole = run.tables.get("signed")
    return answers(session, given, whole, None if whole is None else scoped(whole, scope), how["gap_days"], months, run.day)


def _values_at(run: RunTables, scope: Scope, by: str | None, month: int) -> Callable[[int], str | None]:
    """What an account was at the end of a month, or on the run's day where that is earlier."""
    if by is None:
        return lambda account: None
    spans = spans_of(run, by)
    if spans is None:
        raise QuestionFault(f"the bridge to live ARR is not split by {by!r}")
    at = _last_day(month, run.day)
    held = spans.filter(pc.and_(pc.less_equal(spans["from_d"], at), pc.greater(spans["until_d"], at)))
    values = dict(zip(held["account_id"].to_pylist(), held["value"].to_pylist(), strict=True))
    return lambda account: values.get(account) or ""


def _last_day(month: int, day: int) -> int:
    return min(day_number(first_day(month + 1)) - 1, day)


MAKERS = {LEDGER: _of_ledger, WITHOUT_PRICE: _of_ledger, BRIDGE: _of_bridge}
