"""Which value an account had when, and what its card says."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.cards import cards
from laer.cycle.ledger import LedgerInput
from laer.cycle.spans import BEGINNING, dimension_spans
from laer.records.periods import FAR, day_number, month_number

ACCOUNTS = pa.schema([("account_id", pa.int64()), *((n, pa.string()) for n in ("name", "domain", "segment", "country", "industry"))])
HISTORY = pa.schema([("account_id", pa.int64()), ("field", pa.string()), ("old", pa.string()), ("new", pa.string()), ("day", pa.int32())])
ASSIGNMENTS = pa.schema([("account_id", pa.int64()), ("person_id", pa.int64()), ("job", pa.string()), ("from_on", pa.date32()), ("until_on", pa.date32())])
PEOPLE = pa.table({"person_id": [1, 2, 3], "name": ["Ann", "Bo", "Cy"]})
AS_OF = date(2024, 6, 30)


def accounts(**segment):
    return pa.Table.from_pylist([{"account_id": i, "name": f"Account {i}", "segment": s} for i, s in enumerate(segment.values(), 1)], ACCOUNTS)


def history(*steps):
    return pa.Table.from_pylist([dict(zip(("account_id", "field", "old", "new", "day"), s, strict=True)) for s in steps], HISTORY)


def assigned(*rows):
    return pa.Table.from_pylist([{"account_id": 1, "job": "csm"} | dict(zip(("person_id", "from_on", "until_on"), r, strict=True)) for r in rows], ASSIGNMENTS)


def spans(table, steps=(), assignments=(), dimension="segment"):
    made = dimension_spans(table, history(*steps), assigned(*assignments), PEOPLE, [dimension])
    return [(r["account_id"], r["value"], r["from_d"], r["until_d"]) for r in made.to_pylist()]


def d(text):
    return day_number(date.fromisoformat(text))


def test_a_field_that_never_changed_holds_from_the_beginning_for_good():
    assert spans(accounts(a="Big", b=None)) == [(1, "Big", BEGINNING, FAR), (2, "", BEGINNING, FAR)]


def test_a_change_ends_the_old_value_on_its_day():
    steps = [(1, "segment", "Small", "Mid", d("2024-02-01")), (1, "segment", "Mid", "Big", d("2024-05-01"))]
    cut = [(1, "Small", BEGINNING, d("2024-02-01")), (1, "Mid", d("2024-02-01"), d("2024-05-01")), (1, "Big", d("2024-05-01"), FAR)]
    assert spans(accounts(a="Big"), steps) == cut
    assert spans(accounts(a="Big"), steps[::-1]) == cut


def test_two_changes_on_one_day_leave_the_last():
    steps = [(1, "segment", "Small", "Mid", d("2024-02-01")), (1, "segment", "Mid", "Big", d("2024-02-01"))]
    assert spans(accounts(a="Big"), steps) == [(1, "Small", BEGINNING, d("2024-02-01")), (1, "Big", d("2024-02-01"), FAR)]


def test_an_emptied_field_is_an_empty_value():
    assert spans(accounts(a=None), [(1, "segment", "Small", None, d("2024-02-01"))])[1] == (1, "", d("2024-02-01"), FAR)


def test_months_stand_beside_days():
    made = dimension_spans(accounts(a="Big"), history((1, "segment", "Small", "Big", d("2024-02-29"))), assigned(), PEOPLE, ["segment"]).to_pylist()
    assert [(r["from_m"], r["until_m"]) for r in made] == [(BEGINNING, month_number(date(2024, 2, 1))), (month_number(date(2024, 2, 1)), FAR)]


def test_the_owner_of_a_day_is_the_csm_assigned_last():
    # Ann from January for good, Bo from March until May in front of her
    rows = [(1, date(2024, 1, 1), None), (2, date(2024, 3, 1), date(2024, 5, 1))]
    assert spans(accounts(a="Big"), assignments=rows, dimension="owner") == [
        (1, "", BEGINNING, d("2024-01-01")), (1, "Ann", d("2024-01-01"), d("2024-03-01")),
        (1, "Bo", d("2024-03-01"), d("2024-05-01")), (1, "Ann", d("2024-05-01"), FAR),
    ]  # fmt: skip


def test_an_account_without_a_csm_has_no_owner_and_other_jobs_own_nothing():
    table = pa.Table.from_pylist([{"account_id": 1, "person_id": 1, "job": "ae", "from_on": None, "until_on": None}], ASSIGNMENTS)
    made = dimension_spans(accounts(a="Big"), history(), table, PEOPLE, ["owner"]).to_pylist()
    assert [(r["value"], r["from_d"], r["until_d"]) for r in made] == [("", BEGINNING, FAR)]


def test_no_accounts_have_no_spans():
    assert dimension_spans(accounts(), history(), assigned(), PEOPLE, ["segment", "owner"]).num_rows == 0


days = st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2024, 2, 10)))


@given(st.lists(st.tuples(st.integers(1, 3), days, days), max_size=5))
def test_owners_cover_every_day_once(rows):
    rows = [(p, a, b) for p, a, b in rows if a is None or b is None or a <= b]
    made = spans(accounts(a="Big"), assignments=rows, dimension="owner")
    assert made[0][2] == BEGINNING
    assert made[-1][3] == FAR
    assert all(one[3] == two[2] and one[1] != two[1] for one, two in itertools.pairwise(made))
    for n in range(45):
        today = date(2023, 12, 30) + timedelta(days=n)
        held = [(a or date.min, PEOPLE["name"].to_pylist()[p - 1]) for p, a, b in rows if (a is None or a <= today) and (b is None or today < b)]
        owner = next(v for _, v, a, b in made if a <= day_number(today) < b)
        latest = {n for a, n in held if a == max(held)[0]}
        assert owner in latest if held else owner == ""


# --- cards --------------------------------------------------------------------------------------------------------


def made_cards(levels=(), assignments=(), contracts=(), table=None, currency="EUR", denominator=1200):
    tables = {
        "people": PEOPLE, "accounts": table or accounts(a="Big"), "assignments": assigned(*assignments),
        "contracts": pa.Table.from_pylist([{"account_id": 1, "end_on": e} for e in contracts], pa.schema([("account_id", pa.int64()), ("end_on", pa.date32())])),
    }  # fmt: skip
    mrr = pa.table({"account_id": pa.array([a for a, _, _ in levels], pa.int64()), "mrr": pa.array([m for _, m, _ in levels], pa.int64()), "first_d": pa.array([f for _, _, f in levels], pa.int32())})
    return cards(tables, mrr, LedgerInput(pa.table({}), denominator, currency), AS_OF).to_pylist()


def test_a_card_says_name_segment_money_and_state():
    # 100 000 / 1200 = 83.333… a month: 83.33 and, from the exact amount, 1000.00 a year
    (card,) = made_cards([(1, 100_000, d("2024-01-15"))])
    assert (card["name"], card["segment"], card["currency"]) == ("Account 1", "Big", "EUR")
    assert (card["mrr_minor"], card["arr_minor"]) == (8333, 100_000)
    assert (card["state"], card["first_paid_on"]) == ("paying", date(2024, 1, 15))


@pytest.mark.parametrize(("currency", "mrr", "arr"), [("JPY", 83, 1000), ("KWD", 83_333, 1_000_000)])
def test_minor_units_are_the_currencys(currency, mrr, arr):
    (card,) = made_cards([(1, 100_000, 0)], currency=currency)
    assert (card["mrr_minor"], card["arr_minor"]) == (mrr, arr)


def test_who_paid_once_is_churned_and_who_never_did_is_a_prospect():
    one, two = made_cards([(1, 0, d("2024-01-15"))], table=accounts(a="Big", b="Big"))
    assert (one["state"], one["mrr_minor"], one["first_paid_on"]) == ("churned", 0, date(2024, 1, 15))
    assert (two["state"], two["first_paid_on"]) == ("prospect", None)


@pytest.mark.parametrize(
    ("rows", "owner"),
    [
        ([], None),
        ([(1, None, None)], "Ann"),
        ([(1, None, None), (2, date(2024, 6, 30), None)], "Bo"),  # from the day itself
        ([(1, None, None), (2, date(2024, 7, 1), None)], "Ann"),  # tomorrow's is not today's
        ([(1, None, None), (2, date(2024, 5, 1), date(2024, 6, 30))], "Ann"),  # the end is the first day without
        ([(2, date(2024, 5, 1), None), (1, date(2024, 4, 1), None)], "Bo"),  # the one assigned last, in whatever order
        ([(1, None, date(2024, 1, 1))], None),
    ],
)
def test_the_owner_is_the_csm_of_the_day(rows, owner):
    (card,) = made_cards(assignments=rows)
    assert card["owner_name"] == owner
    names = dict(zip(PEOPLE["person_id"].to_pylist(), PEOPLE["name"].to_pylist(), strict=True))
    assert names.get(card["owner_id"]) == owner


def test_the_card_and_the_dimension_name_the_same_owner():
    rows = [(2, None, None), (1, None, None)]
    (card,) = made_cards(assignments=rows)
    of_day = next(v for _, v, a, b in spans(accounts(a="Big"), assignments=rows, dimension="owner") if a <= day_number(AS_OF) < b)
    assert card["owner_name"] == of_day


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ([], None),
        ([None], None),
        ([date(2024, 12, 31), date(2025, 6, 30)], date(2024, 12, 31)),  # the next one
        ([date(2025, 6, 30), date(2024, 1, 31), date(2024, 12, 31)], date(2024, 12, 31)),  # a past one does not hide it
        ([date(2023, 6, 30), date(2024, 1, 31)], date(2024, 1, 31)),  # all past: the latest
        ([date(2024, 6, 29), AS_OF], AS_OF),  # the day itself is still to come
    ],
)
def test_the_contract_end_is_the_next_or_else_the_latest(ends, shown):
    assert made_cards(contracts=ends)[0]["contract_end_on"] == shown
    assert made_cards(contracts=ends[::-1])[0]["contract_end_on"] == shown


@given(st.integers(0, 10**9), st.sampled_from([1, 12, 1200]))
def test_money_on_a_card_is_rounded_once(parts, denominator):
    (card,) = made_cards([(1, parts, 0)], denominator=denominator)
    assert abs(card["mrr_minor"] - Fraction(parts * 100, denominator)) <= Fraction(1, 2)
    assert abs(card["arr_minor"] - Fraction(parts * 1200, denominator)) <= Fraction(1, 2)
