"""What holds of the flow of any book: its identity, its picture, and that it is the ledger's, whole and by every value of a dimension."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.cycle.flowing import scaled
from laer.cycle.ledger import LedgerInput, compute
from laer.flow import standing as formulas
from laer.flow.joints import CHAIN, JOINTS, STAGES
from laer.flow.moves import MOVED
from laer.records.periods import FAR
from tests.flow.books import BEGINNING, Book, Computed, identity, spans
from tests.metrics.books import DAY0, DECIMAL, LENGTH, Line, books

SEVERAL = settings(max_examples=8, deadline=None)
days = st.integers(DAY0 - 10, DAY0 + LENGTH)
maybe = st.one_of(st.just(FAR), days)


@st.composite
def flows(draw: Any) -> Book:
    """Random lines, with random days of joints and random values that accounts had, from nothing said to everything."""
    lines = draw(books())
    accounts = sorted({one.account for one in lines})
    some = st.lists(st.sampled_from(accounts or [0]), unique=True)
    book = Book(lines, before=frozenset(draw(some)))
    book.plans = [(a, draw(days), draw(maybe)) for a in draw(some)]
    since = draw(st.one_of(st.none(), days))
    book.use = [(a, draw(st.one_of(st.none(), days)) if since is not None else None, since) for a in draw(some)]
    book.outcomes = [(a, draw(days), draw(maybe)) for a in draw(some)]
    ends = {a: draw(days) for a in draw(some)}
    book.terms = [(a, draw(days), end) for a, end in ends.items()]
    book.dues = [(a, end, draw(maybe), draw(st.sampled_from(["signed", "automatic", "lost", None]))) for a, end in ends.items() if draw(st.booleans())]
    for account in accounts:
        cuts = sorted(draw(st.lists(st.integers(DAY0, DAY0 + LENGTH - 1), max_size=3, unique=True)))
        edges = [BEGINNING, *cuts, FAR]
        book.values += [(account, draw(st.sampled_from("abc")), start, until) for start, until in itertools.pairwise(edges)]
    return book


@SEVERAL
@given(flows(), days, st.booleans())
def test_every_cohort_keeps_the_identity_and_the_picture_loses_nothing(book: Book, day: int, split: bool):
    flow = Computed(book, day, today=DAY0 + LENGTH, split=split).flow(7)
    parts = [flow.part(), *(flow.part(c, c) for c in flow.cohorts), *(flow.part(value=v) for v in flow.values)]
    for part in parts:
        assert identity(part.moves) == part.closing
        assert part.leaked == sum(part.leak(stage) for stage in STAGES)
        for joint in JOINTS:
            assert sum(cell.accounts for cell in part.joints[joint].values()) == part.accounts
            assert sum((cell.mrr for cell in part.joints[joint].values()), Fraction(0)) == part.closing
    whole, edges = flow.part(), flow.part().edges()
    for stage in STAGES:
        came = sum(edge.amount for edge in edges if edge.target == stage)
        went = sum(edge.amount for edge in edges if edge.source == stage)
        assert came == went, stage
    assert sum(e.amount for e in edges if e.target.startswith("leaked")) == whole.leaked
    assert sum(e.amount for e in edges if e.target.startswith("standing")) == whole.closing


@SEVERAL
@given(flows(), st.sampled_from([None, DECIMAL]))
def test_it_is_the_ledgers_flow_by_every_value_and_month(book: Book, kind: pa.DataType | None):
    """The revenue ledger books lines by the value of the day; the flow books movements of accounts: they have to agree in every month."""
    today = DAY0 + LENGTH
    made = Computed(book, today, split=True, kind=kind)
    rows = made.session.fetch(formulas.move_sums(made.staged, True)).to_pylist()
    ours: dict[tuple[str, int], dict[str, int]] = {}
    for row in rows:
        there = ours.setdefault((row["value"], row["m"]), dict.fromkeys((*MOVED, "entering", "leaving"), 0))
        for name in there:
            there[name] += int(row[name])
    ledger = compute(made.session, LedgerInput(book.given(kind), 1), by=True, spans=spans(book.values))
    theirs = {}
    for value, sums in ledger.values.items():
        for m, row in sums.months.items():
            moved = {"landed": row["new"] + row["opening_balance"], **{name: row[name] for name in (*MOVED[1:], "entering", "leaving")}}
            theirs[value, m] = moved

    def there_is(found: dict[tuple[str, int], dict[str, int]]) -> dict[tuple[str, int], dict[str, int]]:
        return {key: row for key, row in found.items() if any(row.values())}

    assert there_is(ours) == there_is(theirs)


def test_an_opening_balance_opens_once_though_its_account_becomes_another_value_s_later():
    """On the very day on which its owner changes the account grows: that is an expansion, by value as in total."""
    grows, day = DAY0 + 36, DAY0 + LENGTH
    book = Book(lines=[Line(1, DAY0, FAR, 500), Line(1, grows, FAR, 300)], before=frozenset({1}))
    made = Computed(book, day)
    ledger = compute(made.session, LedgerInput(book.given(None), 1), by=True, spans=spans([(1, "a", BEGINNING, grows), (1, "b", grows, FAR)]))
    months = sorted({m for sums in ledger.values.values() for m in sums.months})
    first, later = months[0], next(m for m in months if ledger.values["b"].months.get(m))
    assert ledger.values["a"].months[first]["opening_balance"] == 500
    assert {name: int(ledger.values["b"].months[later][name]) for name in ("opening_balance", "expansion", "entering")} == {
        "opening_balance": 0, "expansion": 300, "entering": 500,
    }  # fmt: skip


@SEVERAL
@given(flows(), days)
def test_an_account_never_goes_back_on_its_way(book: Book, day: int):
    made = Computed(book, DAY0 + LENGTH)
    rows = made.session.fetch(made.moves).sort_by([("account_id", "ascending"), ("d", "ascending")]).to_pylist()
    for one, other in itertools.pairwise(rows):
        assert one["account_id"] != other["account_id"] or one["place"] <= other["place"]
    for row in made.accounts().values():
        assert 0 <= row["place"] <= len(CHAIN)
        assert row["stage"] >= row["place"]


def test_one_who_pays_nothing_is_in_no_cohort():
    made = Computed(Book([Line(1, DAY0, FAR, 0)]), DAY0 + 10)
    assert made.flow().cohorts == []
    assert made.flow().part().rate("live") is None
    assert made.flow().part().closing == 0
    assert made.flow().part().worst() is None


@pytest.mark.parametrize("far", [2**40, 2**61])
def test_large_amounts_stay_exact(far: int):
    book = Book([Line(1, DAY0, DAY0 + 5, far), Line(1, DAY0 + 5, FAR, far - 1)])
    part = Computed(book, DAY0 + 9, kind=DECIMAL).flow(3).part()
    assert (part.moves["landed"], part.moves["contraction"], part.closing) == (Fraction(far, 3), Fraction(1, 3), Fraction(far - 1, 3))


def test_amounts_over_a_larger_denominator_are_the_same():
    """A few accounts with a new interval come into a snapshot: both are brought to one denominator."""
    table = pa.table({"landed": pa.array([1, 2**60]), "mrr": pa.array([3, 4])})
    assert scaled(table, 1) is table
    assert scaled(table.slice(0, 1), 12).to_pylist() == [{"landed": 12, "mrr": 36}]
    wide = scaled(table, 12)
    assert pa.types.is_decimal(wide.schema.field("mrr").type)
    assert [int(row["landed"]) for row in wide.to_pylist()] == [12, 12 * 2**60]
