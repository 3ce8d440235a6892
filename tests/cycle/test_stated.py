"""Measures of the firm that pages state: the examples of the manual to the cent, the page's figure for every month, the rows behind each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest

from laer.cycle.company import company_catalogue
from laer.cycle.facts import SEEN
from laer.cycle.ledger_questions import LINE_DIMENSIONS
from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault, RunTables
from laer.cycle.scope import Scope
from laer.metrics.ledger_figures import BRIDGE, LEDGER, RATES, WITHOUT_PRICE
from laer.metrics.rate_rules import RateRules
from laer.metrics.statement import NRR_WITHOUT_PRICE
from laer.records.periods import FAR, day_number, first_day, month_number
from tests.cycle.test_booked import WON, run_of
from tests.cycle.test_questions import opened

ALL = Scope(True)
STATED = company_catalogue().stated
OF_LEDGER = [name for name, one in STATED.items() if one.by == LEDGER]
JANUARY = month_number(date(2026, 1, 1))
Line = tuple[int, str, str | None, int, str]


def ready(run: RunTables, day: str, **more: Any) -> RunTables:
    """With what every question about the firm reads: since when there is a source, and which accounts there are."""
    accounts = sorted(set(run.tables["lines"]["account_id"].to_pylist()))
    existing = pa.table({"account_id": pa.array(accounts, pa.int64()), "since": pa.array([0] * len(accounts), pa.int32())})
    starts = sorted(set(run.tables["lines"]["start_d"].to_pylist()))
    seen = pa.table({"input": ["changes"] * len(starts) + ["lines"] * len(starts), "day": starts * 2}, schema=SEEN)
    tables = dict(run.tables) | {"existing": existing, "seen": seen, "input_terms": pa.table({"account_id": pa.array([], pa.int64())})}
    return replace(run, tables=tables, day=day_number(date.fromisoformat(day)), **more)


def book(*lines: Line, day: str = "2026-03-20", **more: Any) -> RunTables:
    """(account, start, first unpaid day, MRR, plan)"""

    def number(text: str | None, of: Any) -> int:
        return FAR if text is None else of(date.fromisoformat(text))

    table = pa.table(
        {"account_id": pa.array([x[0] for x in lines], pa.int64()), "parts": pa.array([x[3] * 3 for x in lines], pa.int64()), "plan": [x[4] for x in lines],
         "product": pa.array([None] * len(lines), pa.string()), "line_id": pa.array(range(len(lines)), pa.int64())}
        | {f"{name}_d": pa.array([number(x[at], day_number) for x in lines], pa.int32()) for at, name in ((1, "start"), (2, "end"))}
        | {f"{name}_m": pa.array([number(x[at], month_number) for x in lines], pa.int32()) for at, name in ((1, "start"), (2, "end"))}
        | {name: more.pop(name) for name in ("leaves", "paused_parts") if name in more}
    )  # fmt: skip
    return ready(RunTables({"lines": table}, 3, "EUR"), day, **more)


def of_months(first: int, last: int) -> tuple[int, int]:
    return day_number(first_day(first)), day_number(first_day(last + 1))


def ask(run: RunTables, measures: Any, *spans: tuple[int, int], scope: Scope = ALL, **more: Any) -> dict[tuple[str, int, str | None], dict[str, Any]]:
    params = {"measures": tuple(measures), "periods": tuple(of_months(*span) for span in spans), **more}
    rows = Desk(lambda _: run).ask("company", params, scope, 1).to_pylist()
    return {(row["measure"], row["p"], row["value"]): row for row in rows}


def behind(run: RunTables, measure: str, first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    begin, until = of_months(first, last)
    found: list[dict[str, Any]] = Desk(lambda _: run).ask("company_behind", {"measure": measure, "first": begin, "until": until, **more}, ALL, 1).to_pylist()
    return found


# The example of docs/methods/rates.md and retention.md, in 2026: A falls and grows within February, B leaves and is back.
EXAMPLE: tuple[Line, ...] = (
    (1, "2026-01-01", "2026-02-05", 100, "basic"), (1, "2026-02-05", "2026-02-20", 70, "basic"), (1, "2026-02-20", None, 120, "basic"),
    (2, "2026-01-01", "2026-02-03", 50, "pro"), (2, "2026-02-25", None, 40, "pro"),
)  # fmt: skip


def test_the_example_of_the_manual_to_the_cent() -> None:
    """February: opening 150, expansion 50, contraction 30, churn 50, reactivation 40, closing 160."""
    said = ask(book(*EXAMPLE), OF_LEDGER, (JANUARY + 1, JANUARY + 1))
    amounts = {name: said[name, 0, None]["amount"] for name in OF_LEDGER}
    assert amounts["opening_mrr_firm"] == 150
    assert (amounts["reactivation_mrr_firm"], amounts["contraction_mrr_firm"], amounts["churn_mrr_firm"]) == (40, 30, 50)
    assert amounts["arr_firm"] == 1920
    assert amounts["nrr_1m"] == pytest.approx(160 / 150, abs=1e-12)
    assert amounts["grr_1m"] == pytest.approx(140 / 150, abs=1e-12)
    assert amounts["gross_mrr_churn"] == pytest.approx(80 / 150, abs=1e-12)
    assert amounts["net_mrr_churn"] == pytest.approx(-10 / 150, abs=1e-12)
    assert amounts["logo_churn"] == 0.5
    assert amounts["quick_ratio"] == 1.125
    assert amounts["nrr_12m"] is None  # nobody paid a year ago: no rate, not 0


def test_several_months_are_their_sums_over_their_openings() -> None:
    """February as above; March to the 20th opens with 160 and 2 accounts, and nothing moves: 80 / (150 + 160), 1 / (2 + 2)."""
    said = ask(book(*EXAMPLE), ("gross_mrr_churn", "logo_churn", "churn_mrr_firm", "opening_mrr_firm", "arr_firm"), (JANUARY + 1, JANUARY + 2))
    assert said["gross_mrr_churn", 0, None]["amount"] == pytest.approx(80 / 310)
    assert said["logo_churn", 0, None]["amount"] == 0.25
    assert (said["churn_mrr_firm", 0, None]["amount"], said["opening_mrr_firm", 0, None]["amount"], said["arr_firm", 0, None]["amount"]) == (50, 150, 1920)


def test_the_policy_decides_what_rates_are_of() -> None:
    """Without reactivation: 80 less the expansion of 50 is lost of 150. With new accounts in the denominator: C came in February, 1 of 3."""
    rules = RateRules("opening and new", "without reactivation")
    run = book(*EXAMPLE, (3, "2026-02-10", None, 10, "basic"), rules=rules)
    said = ask(run, ("net_mrr_churn", "logo_churn"), (JANUARY + 1, JANUARY + 1))
    assert said["net_mrr_churn", 0, None]["amount"] == pytest.approx(30 / 150)
    assert said["logo_churn", 0, None]["amount"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", OF_LEDGER)
def test_of_a_single_month_each_is_the_figure_of_the_revenue_page(name: str) -> None:
    run = ready(opened(), "2024-06-10")
    first, last = month_number(date(2023, 1, 1)), month_number(date(2024, 6, 1))
    months = Desk(lambda _: run).ask("revenue", {}, ALL, 1).months(first, last)
    said = ask(run, [name], *((m, m) for m in range(first, last + 1)))
    for p, month in enumerate(months):
        figure = month[STATED[name].figure]
        assert said[name, p, None]["amount"] == (None if figure is None else pytest.approx(float(figure), abs=1e-9))


@pytest.mark.parametrize("name", OF_LEDGER)
@pytest.mark.parametrize(("by", "value"), [(None, None), ("segment", "Mid"), ("plan", "pro")])
def test_the_rows_behind_a_figure_make_it(name: str, by: str | None, value: str | None) -> None:
    run = ready(opened(), "2024-06-10")
    first, last = month_number(date(2024, 1, 1)), month_number(date(2024, 5, 1))
    row = ask(run, [name], (first, last), by=by)[name, 0, value]
    rows = behind(run, name, first, last, by=by, value=value)
    top, bottom = sum(one["top"] for one in rows), sum(one["bottom"] for one in rows)
    made = top if STATED[name].how == "sum" else top / bottom if bottom else None
    assert made == (None if row["amount"] is None else pytest.approx(row["amount"]))
    assert len({one["account_id"] for one in rows}) == len(rows)


def test_parts_by_segment_add_up_to_the_whole() -> None:
    run = ready(opened(), "2024-06-10")
    span = (month_number(date(2024, 1, 1)), month_number(date(2024, 5, 1)))
    sums = [name for name in OF_LEDGER if STATED[name].how == "sum"]
    whole, parts = ask(run, sums, span), ask(run, sums, span, by="segment")
    for name in ("arr_firm", "opening_mrr_firm", "reactivation_mrr_firm", "churn_mrr_firm"):
        assert sum(row["amount"] for (one, _, _), row in parts.items() if one == name) == pytest.approx(whole[name, 0, None]["amount"])
    with pytest.raises(QuestionFault, match="'moon' is not known; there are " + ", ".join(LINE_DIMENSIONS)):
        ask(run, ["churn_mrr_firm"], span, by="moon")


def test_nrr_without_price_is_the_ledgers_and_is_not_split() -> None:
    run = ready(opened(), "2024-06-10")
    month = month_number(date(2024, 5, 1))
    [figures] = Desk(lambda _: run).ask("revenue", {"without_price": True}, ALL, 1).months(month, month)
    said = ask(run, ["nrr_12m_without_price"], (month, month))["nrr_12m_without_price", 0, None]
    assert said["amount"] == pytest.approx(float(figures[NRR_WITHOUT_PRICE]))
    with pytest.raises(QuestionFault, match="not split"):
        ask(run, ["nrr_12m_without_price"], (month, month), by="segment")
    with pytest.raises(QuestionFault, match="no rows stand behind"):
        behind(run, "nrr_12m_without_price", month, month)


def test_before_the_first_line_nothing_is_known_and_half_months_have_no_figure() -> None:
    run = book(*EXAMPLE)
    said = ask(run, ["churn_mrr_firm", "arr_firm"], (JANUARY - 12, JANUARY - 12))
    assert {row["amount"] for row in said.values()} == {None}
    span = (day_number(date(2026, 2, 1)), day_number(date(2026, 2, 15)))
    rows = Desk(lambda _: run).ask("company", {"measures": ("churn_mrr_firm",), "periods": (span,)}, ALL, 1).to_pylist()
    assert rows[0]["amount"] is None


def test_only_the_accounts_of_the_scope_are_counted() -> None:
    mine = Scope(False, frozenset({2}))
    said = ask(book(*EXAMPLE), ["churn_mrr_firm", "arr_firm", "nrr_1m"], (JANUARY + 1, JANUARY + 1), scope=mine)
    assert (said["churn_mrr_firm", 0, None]["amount"], said["arr_firm", 0, None]["amount"]) == (50, 480)
    assert said["nrr_1m", 0, None]["amount"] == 0.8  # 40 / 50


def test_the_bridge_ties_and_each_step_opens_to_its_accounts() -> None:
    """Signed: 1 for 1,200 that goes live with 100 a month, 2 for 600 that begins in March. 3 goes live with 10 a month, and nobody sold it."""
    sold = [{"account_id": 1, "closed_on": date(2026, 1, 10), "arr_num": 1200}, {"account_id": 2, "closed_on": date(2026, 1, 20), "arr_num": 600, "starts_on": date(2026, 3, 1)}]
    assert WON["motion"] == "land"
    lines = [(1, "2026-01-12", None, 100, None), (2, "2026-03-01", None, 50, None), (3, "2026-01-15", None, 10, None)]
    run = ready(run_of(sold, lines), "2026-03-20")
    names = [name for name, one in STATED.items() if one.by == BRIDGE]
    said = {name: row["amount"] for (name, _, _), row in ask(run, names, (JANUARY, JANUARY)).items()}
    assert (said["booked_arr"], said["bridge_not_started"], said["bridge_unsold"], said["live_new_arr"]) == (1800, -600, 120, 1320)
    assert said["booked_arr"] + sum(said[name] for name in names if name.startswith("bridge_")) == said["live_new_arr"]
    for name in names:
        assert sum(row["top"] for row in behind(run, name, JANUARY, JANUARY)) == pytest.approx(said[name])
    march = ask(run, names, (JANUARY + 2, JANUARY + 2))
    assert march["bridge_slipped_in", 0, None]["amount"] == march["live_new_arr", 0, None]["amount"] == 600


def test_where_nothing_says_what_was_signed_the_bridge_is_unknown() -> None:
    assert ask(book(*EXAMPLE), ["booked_arr"], (JANUARY, JANUARY))["booked_arr", 0, None]["amount"] is None


def test_carr_is_arr_and_what_is_to_come_less_what_leaves_and_is_of_the_runs_day() -> None:
    """On 20 March: 1 pays 100, and 30 more from April; 2 pays 40 and said that it leaves: 140 x 12 + 360 - 480."""
    lines: tuple[Line, ...] = ((1, "2026-01-01", None, 100, "basic"), (1, "2026-04-01", None, 30, "basic"), (2, "2026-01-01", "2026-06-01", 40, "pro"))
    run = book(*lines, leaves=pa.array([False, False, True]))
    names = ("arr_firm", "arr_coming", "arr_leaving", "carr")
    said = ask(run, names, (JANUARY + 2, JANUARY + 2), (JANUARY + 1, JANUARY + 1))
    assert [said[name, 0, None]["amount"] for name in names] == [1680, 360, 480, 1560]
    assert [said[name, 1, None]["amount"] for name in names] == [1680, None, None, None]  # of a month that is over nobody says it
    spans = pa.table({"account_id": [1, 2], "value": ["A", "B"], "from_d": [0, 0], "until_d": [FAR, FAR]})
    spans = spans.append_column("from_m", pa.array([0, 0], pa.int32())).append_column("until_m", pa.array([FAR, FAR], pa.int32()))
    spans = spans.set_column(2, "from_d", pa.array([0, 0], pa.int32())).set_column(3, "until_d", pa.array([FAR, FAR], pa.int32()))
    split = ask(replace(run, tables=dict(run.tables) | {"dimension_segment": spans}), ["carr"], (JANUARY + 2, JANUARY + 2), by="segment")
    assert {value: row["amount"] for (_, _, value), row in split.items()} == {"A": 1560, "B": 0}  # in B nothing is to come: 0, and not unknown
    both = Desk(lambda _: run).ask("committed", {}, ALL, 1)
    assert (both["coming"] * 12, both["leaving"] * 12) == (Fraction(360), Fraction(480))
    assert [(row["account_id"], row["top"]) for row in behind(run, "arr_leaving", JANUARY + 2, JANUARY + 2) if row["top"]] == [(2, 480)]


def test_paused_mrr_is_that_of_the_day() -> None:
    run = book((1, "2026-01-01", "2026-03-01", 100, "basic"), (1, "2026-03-01", None, 0, "basic"), paused_parts=pa.array([None, 300], pa.int64()))
    said = ask(run, ["paused_mrr"], (JANUARY + 1, JANUARY + 1), (JANUARY + 2, JANUARY + 2))
    assert [said["paused_mrr", p, None]["amount"] for p in (0, 1)] == [0, 100]


def test_every_rate_of_movements_has_its_two_sides() -> None:
    assert set(RATES) == {one.figure for one in STATED.values() if one.how == "ratio" and one.by != WITHOUT_PRICE and not one.at_end}


def test_what_falls_due_is_summed_as_the_page_sums_it() -> None:
    """On 20 March: 1 ends in April and has no owner, 2 ended on the 10th and is pending, 3 was signed late."""
    run = book((1, "2026-01-01", None, 100, "basic"))
    rows = [(1, 11, "2026-04-11", "due", 100), (2, 12, "2026-03-11", "pending", 50), (3, 13, "2026-01-11", "renewed late", 20), (4, 14, "2026-12-01", "due", 10)]
    from laer.cycle import terms
    from laer.cycle.renewals import SCHEMA

    due = [{"account_id": a, "contract_id": c, "due_on": date.fromisoformat(day), "state": terms.LATE if "late" in state else state, "parts": mrr * 3}
           for a, c, day, state, mrr in rows]  # fmt: skip
    owners = pa.table({"account_id": [4], "value": ["Kim"], "from_d": pa.array([0], pa.int32()), "until_d": pa.array([FAR], pa.int32())})
    seen = pa.concat_tables([run.tables["seen"], pa.table({"input": ["terms"], "day": pa.array([day_number(date(2026, 1, 1))], pa.int32())}, schema=SEEN)])
    run = replace(run, tables=dict(run.tables) | {"renewals": pa.Table.from_pylist(due, schema=SCHEMA), "dimension_owner": owners, "seen": seen})
    names = ("arr_due_ahead", "arr_ends_90d", "arr_pending", "arr_unresolved", "arr_late", "arr_due_unowned", "arr_due_12m")
    said = ask(run, names, (JANUARY + 2, JANUARY + 2), (JANUARY + 1, JANUARY + 1))
    assert [said[name, 0, None]["amount"] for name in names] == [1320, 1200, 600, 0, 240, 1200, 1920]
    assert {said[name, 1, None]["amount"] for name in names} == {None}
    assert ask(run, ["arr_due_ahead"], (JANUARY + 2, JANUARY + 2), by="owner")["arr_due_ahead", 0, "Kim"]["amount"] == 120


def test_whitespace_is_that_of_the_manual() -> None:
    """Ten paying accounts of Mid-market; five own Insights at 90, 100, 120, 150 and 400: the others lack it, 120 each."""
    prices = [90, 100, 120, 150, 400]
    run = book(*((n, "2026-01-01", None, 1000, "basic") for n in range(1, 11)), *((n, "2026-01-01", None, price, "basic") for n, price in enumerate(prices, 1)))
    lines = run.tables["lines"]
    lines = lines.set_column(lines.schema.get_field_index("product"), "product", pa.array([None] * 10 + ["Insights"] * 5, pa.string()))
    facts = pa.table({"account_id": range(1, 11), "segment": ["Mid-market"] * 10, "state": ["paying"] * 10})
    run = replace(run, tables=dict(run.tables) | {"lines": lines, "facts": facts})
    said = ask(run, ["whitespace_firm"], (JANUARY + 2, JANUARY + 2), by="product")
    assert said["whitespace_firm", 0, "Insights"]["amount"] == 600 * 12
    rows = behind(run, "whitespace_firm", JANUARY + 2, JANUARY + 2)
    assert [(row["account_id"], row["whitespace_mrr"]) for row in sorted(rows, key=lambda r: r["account_id"])] == [(n, 120) for n in range(6, 11)]
