"""Discounts that end, pauses and trials in the book: figures worked by hand in the comments."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.adjustments import Beside
from laer.cycle.book_lines import book_lines
from laer.cycle.ledger import compute
from laer.cycle.questions import QUESTIONS
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.cycle.terms import counting
from laer.engine.session import DuckDBSession
from laer.metrics.policy import load_policy
from laer.metrics.stretches import FAR, Changing, Reduction, shared, stretches
from laer.records.periods import day_number, month_number
from laer.records.record import record_type

JAN, JUL = date(2025, 1, 1), date(2025, 7, 1)
YEAR = (month_number(JAN), month_number(date(2025, 12, 1)))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def records(name, *rows):
    schema = record_type(name).schema_of()
    return pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema)


def line(**more):
    return {
        "line_id": 1, "account_id": 7, "subscription_id": 3, "start_on": JAN, "mrr_num": 80, "mrr_den": 1, "list_amount": None, "amount": "80",
        "interval": None, "currency": "EUR", "cuts": None,
    } | more  # fmt: skip


class Book:
    """A book of lines, discounts, pauses and contracts, and its ledger by a policy."""

    def __init__(self, *lines, discounts=(), pauses=(), contracts=(), policy="default", as_of=date(2026, 1, 1)):
        self.policy = load_policy(policy)
        table = records("subscription_lines", *(one | {"line_id": place} for place, one in enumerate(lines, 1)))
        when = counting(table, records("contracts", *contracts), records("churn_events"), self.policy, as_of)
        self.made = book_lines(table, self.policy, "EUR", {}, when, Beside(records("discounts", *discounts), records("pauses", *pauses), records("contracts", *contracts)))

    def ledger(self, by_cause=False):
        given = self.made.given
        given = type(given)(given.lines.append_column("product", pa.nulls(given.lines.num_rows, pa.string())), given.denominator, given.currency)
        with DuckDBSession() as session:
            return compute(session, given, by_cause=by_cause)

    def moved(self, name):
        """Month -> amount of a movement, where there is one."""
        found = self.ledger().months(*YEAR)
        return {MONTHS[m.month - YEAR[0]]: Fraction(m[f"{name}_mrr"]) for m in found if m[f"{name}_mrr"]}

    def closing(self):
        return [Fraction(m["closing_mrr"]) for m in self.ledger().months(*YEAR)]

    def ask(self, name, day):
        run = RunTables({"lines": self.made.given.lines}, self.made.given.denominator, "EUR", day_number(day))
        return QUESTIONS[name](None, run, {"day": day_number(day)}, Scope(True))


DISCOUNTED = {"list_amount": "100", "discount_until_on": JUL}


def test_a_discounts_end_is_expansion_by_discount():
    """80 of 100 from January, the discount until 1 July: 80 for six months, then 100; +20 in July, cause discount."""
    book = Book(line(**DISCOUNTED))
    assert book.closing() == [80] * 6 + [100] * 6
    assert (book.moved("new"), book.moved("expansion")) == ({"jan": 80}, {"jul": 20})
    causes = [(m.value, m.month - YEAR[0]) for m in book.ledger(by_cause=True).months_by_value(*YEAR) if m.value != "TOTAL" and m["expansion_mrr"]]
    assert causes == [("discount", 6)]


@pytest.mark.parametrize(
    ("policy", "duration", "closing"),
    [
        ("default", None, [80] * 6 + [100] * 6),
        ("chartmogul", "repeating", [80] * 6 + [100] * 6),
        ("stripe", None, [100] * 12),  # it has an end, so it is not forever
        ("stripe", "repeating", [100] * 12),
        ("stripe", "forever", [80] * 6 + [100] * 6),  # said to be forever, and ended all the same
    ],
)
def test_presets_see_how_long_a_discount_lasts(policy, duration, closing):
    assert Book(line(**DISCOUNTED, discount_duration=duration), policy=policy).closing() == closing


def test_stripe_counts_a_discount_of_unknown_duration_and_says_so():
    book = Book(line(list_amount="100"), policy="stripe")
    assert book.closing() == [80] * 12
    assert book.made.notes == ["1 line has a discount of unknown duration: the policy asks for it (forever, once, repeating), and it counts net"]


def test_a_discount_of_its_own_record_comes_off_the_line():
    """100 a month; 25 % from March to June: 75 in March, April and May. Contraction of 25 in March, expansion of 25 in June."""
    given = {"account_id": 7, "subscription_id": 3, "percent": "25", "start_on": date(2025, 3, 1), "end_on": date(2025, 6, 1)}
    book = Book(line(mrr_num=100, amount="100"), discounts=[{"discount_id": 1} | given])
    assert book.closing() == [100] * 2 + [75] * 3 + [100] * 7
    assert (book.moved("contraction"), book.moved("expansion")) == ({"mar": 25}, {"jun": 25})
    assert Book(line(mrr_num=100, amount="100"), discounts=[{"discount_id": 1} | given], policy="stripe").closing() == [100] * 12


def test_a_discount_that_a_line_has_in_its_amount_is_not_taken_twice():
    """List 100, net 80, and the discount of 20 % as a record of its own until July: it says when, not how much more."""
    given = {"discount_id": 1, "account_id": 7, "subscription_id": 3, "percent": "20", "start_on": JAN, "end_on": JUL}
    assert Book(line(list_amount="100"), discounts=[given]).closing() == [80] * 6 + [100] * 6


def test_an_amount_off_a_subscription_is_per_billing_interval():
    """1,200 a year; 240 off a year until July: 100 - 20 = 80, then 100."""
    given = {"discount_id": 1, "account_id": 7, "subscription_id": 3, "amount": "240", "end_on": JUL}
    assert Book(line(mrr_num=100, amount="1200", interval="annual"), discounts=[given]).closing() == [80] * 6 + [100] * 6


def test_an_amount_off_an_account_is_shared_among_its_lines():
    """60 and 30 a month, 9 a month off the account from March: 6 off the one, 3 off the other; alone from July, the first bears all 9."""
    given = {"discount_id": 1, "account_id": 7, "amount": "9", "start_on": date(2025, 3, 1)}
    book = Book(line(mrr_num=60, amount="60"), line(mrr_num=30, amount="30", subscription_id=4, end_on=JUL), discounts=[given])
    assert book.closing() == [90] * 2 + [81] * 4 + [51] * 6


def test_a_discount_passing_the_amount_leaves_nothing_and_no_less():
    given = {"discount_id": 1, "account_id": 7, "subscription_id": 3, "amount": "120", "end_on": JUL}
    assert Book(line(), discounts=[given]).closing() == [0] * 6 + [80] * 6


def test_a_discount_to_come_to_its_end_is_committed():
    book = Book(line(**DISCOUNTED))
    assert book.ask("committed", date(2025, 3, 1)) == {"coming": 20, "leaving": 0}


def test_a_line_that_waits_for_its_renewal_keeps_its_mrr_past_its_discount():
    """The contract ended on 1 July, and so did the discount; pending within the grace, the line counts at 80 (rule 9)."""
    contract = {"contract_id": 5, "account_id": 7, "start_on": JAN, "end_on": JUL}
    book = Book(line(**DISCOUNTED, contract_id=5, end_on=JUL), contracts=[contract], as_of=date(2025, 7, 10))
    assert book.closing()[5:7] == [80, 80]


@pytest.mark.parametrize(("auto", "july"), [(None, 80), (False, 80), (True, 100)])
def test_an_open_line_waits_likewise_unless_its_contract_renews_by_itself(auto, july):
    contract = {"contract_id": 5, "account_id": 7, "start_on": JAN, "end_on": JUL, "auto_renews": auto}
    book = Book(line(**DISCOUNTED, contract_id=5), contracts=[contract], as_of=date(2025, 7, 10))
    assert book.closing()[5:7] == [80, july]


PAUSE = {"pause_id": 1, "account_id": 7, "subscription_id": 3, "from_on": date(2025, 3, 1), "until_on": date(2025, 6, 1)}


def test_a_pause_keeps_mrr_and_is_shown_beside():
    book = Book(line(), pauses=[PAUSE])
    assert book.closing() == [80] * 12
    assert book.ask("paused", date(2025, 4, 1)) == {"mrr": 80, "accounts": 1}
    assert book.ask("paused", date(2025, 6, 1)) == {"mrr": 0, "accounts": 0}


def test_a_pause_is_churn_and_reactivation_where_the_policy_says_so():
    book = Book(line(), pauses=[PAUSE], policy="chartmogul")
    assert (book.moved("churn"), book.moved("reactivation")) == ({"mar": 80}, {"jun": 80})
    assert book.ask("paused", date(2025, 4, 1)) == {"mrr": 80, "accounts": 1}


def test_a_pause_of_one_of_several_is_contraction_there():
    book = Book(line(), line(subscription_id=4, mrr_num=20), pauses=[PAUSE], policy="chartmogul")
    assert (book.moved("contraction"), book.moved("expansion"), book.moved("churn")) == ({"mar": 80}, {"jun": 80}, {})


def test_a_line_says_itself_when_it_rests():
    said = line(status="paused", paused_on=date(2025, 3, 1))
    assert Book(said, policy="chartmogul").closing() == [80] * 2 + [0] * 10
    assert Book(said | {"status": "active", "resumed_on": date(2025, 6, 1)}, policy="chartmogul").closing() == [80] * 2 + [0] * 3 + [80] * 7
    assert Book(said | {"paused_on": None}, policy="chartmogul").closing() == [0] * 12


def test_an_account_that_rests_as_a_whole():
    book = Book(line(), line(subscription_id=4, mrr_num=20), pauses=[PAUSE | {"subscription_id": None}], policy="chartmogul")
    assert book.closing() == [100] * 2 + [0] * 3 + [100] * 7


@pytest.mark.parametrize("said", [{"status": "trialing"}, {"is_trial": True}, {"status": "active"}])
def test_a_trial_is_new_on_the_day_it_becomes_paid(said):
    book = Book(line(**said, trial_ends_on=date(2025, 4, 15)))
    assert book.closing() == [0] * 3 + [80] * 9
    assert book.moved("new") == {"apr": 80}


def test_a_trial_that_ends_with_its_line_is_never_paid():
    assert Book(line(status="trialing", trial_ends_on=JUL, end_on=JUL)).closing() == [0] * 12


def test_past_due_counts_for_the_days_of_the_policy():
    """Past due since 10 March, 30 days: the last day that counts is 8 April, so April closes at 0."""
    said = line(status="past due", past_due_on=date(2025, 3, 10))
    book = Book(said, policy="board")
    assert book.closing() == [80] * 3 + [0] * 9
    assert Book(said).closing() == [80] * 12
    assert Book(line(status="past due"), policy="board").made.notes == ["1 line has past due and no day since when: it counts without limit"]


def test_lines_that_nothing_changes_stay_one_by_one_in_their_order():
    book = Book(line(), line(**DISCOUNTED, subscription_id=4), line(subscription_id=5))
    assert book.made.given.lines["line_id"].to_pylist() == [1, 2, 2, 3]


days = st.integers(0, 400)


@given(
    start=days, length=st.integers(1, 400), until=days, mrr=st.integers(1, 90), share=st.integers(1, 100), begins=days, over=days, rests=st.tuples(days, days),
    paid=st.none() | days, policy=st.sampled_from(["default", "stripe", "chartmogul"]),
)  # fmt: skip
def test_stretches_cover_the_line_and_no_day_counts_more_than_the_list(start, length, until, mrr, share, begins, over, rests, paid, policy):
    line = Changing(
        start, start + length, FAR, Fraction(mrr), Fraction(100), until, True, (Reduction(begins, over, Fraction(share, 100), duration="until"),), (rests,), paid
    )
    found = stretches(line, load_policy(policy))
    assert (found[0].start, found[-1].end) == (line.start, line.end)
    assert all(a.end == b.start and (a.mrr, a.list_mrr, a.held) != (b.mrr, b.list_mrr, b.held) for a, b in pairwise(found))
    assert all(0 <= s.mrr <= 100 and (s.held is None or s.held >= s.mrr) for s in found)


@given(off=st.integers(1, 50), spans=st.lists(st.tuples(days, days, st.integers(1, 97)), min_size=1, max_size=4))
def test_an_amount_off_an_account_is_shared_whole(off, spans):
    found = shared(Fraction(off), 50, 300, "", [(i, a, b, Fraction(m)) for i, (a, b, m) in enumerate(spans)])
    for day in range(0, 400, 7):
        runs = [i for i, (a, b, _) in enumerate(spans) if a <= day < b]
        taken = sum((r.off for i in runs for r in found.get(i, []) if r.start <= day < r.end), Fraction(0))
        assert taken == (off if runs and 50 <= day < 300 else 0)
