"""Mapped tables to typed batches: nothing is dropped, nothing is guessed."""

from __future__ import annotations

import resource
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.sources.tabular.batches import batches
from laer.sources.tabular.mapping import Mapping, MappingFault
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import recognise

RAVENSTACK = Path(__file__).parents[3] / "shared" / "data" / "ravenstack"


@pytest.fixture
def table(tmp_path):
    def make(text, name="export.csv"):
        path = tmp_path / name
        path.write_text(text)
        (one,) = open_tables(path)
        return one

    return make


def test_a_row_is_typed_as_its_record_says(table):
    one = table(
        "subscription_id,account_id,start_date,end_date,mrr,seats,is_trial,interval,status,memo\n"
        ' S1 , A1 ,05-01-2024,31-12-2024,"$1,200.50",7,no,yearly,Past_Due,12\n'
    )
    ((batch, rejects),) = batches(one, recognise(one))
    assert rejects == []
    assert batch.record == "subscription_lines"
    assert batch.rows == [
        {"subscription_id": "S1", "account_id": "A1", "start_on": date(2024, 1, 5), "end_on": date(2024, 12, 31), "mrr": Decimal("1200.50"), "seats": 7, "is_trial": False,
         "interval": "yearly", "status": "Past_Due", "custom.memo": 12}
    ]  # fmt: skip
    assert batch.keys == [None]
    assert batch.lines == [2]
    assert batch.raw[0]["mrr"] == "$1,200.50"
    assert list(batch.raw) == batch.raw[:1] == [batch.raw[0]]


def test_the_sources_own_id_goes_to_the_keys(table):
    one = table("account_id,account_name\nA1,Acme\n")
    ((batch, _),) = batches(one, recognise(one))
    assert batch.keys == ["A1"]
    assert batch.rows == [{"name": "Acme"}]


def test_times_are_instants_in_utc(table):
    one = table("ticket_id,account_id,subject,submitted_at\nT1,A1,x,28-07-2023 03:00\n")
    ((batch, _),) = batches(one, recognise(one), zone="Europe/Berlin")
    assert batch.rows[0]["opened_at"] == datetime(2023, 7, 28, 1, tzinfo=UTC)


def test_an_inclusive_end_becomes_the_first_unpaid_day(table):
    one = table(
        "subscription_id,account_id,start_date,end_date,mrr\n"
        + "".join(f"S{i},A{i},2024-01-01,2024-12-31,10\nT{i},A{i},2025-01-01,9999-12-31,10\n" for i in range(5))
    )
    ((batch, _),) = batches(one, recognise(one))
    assert batch.rows[0]["end_on"] == date(2025, 1, 1)
    assert batch.rows[1]["end_on"] == date.max


def test_a_row_that_cannot_be_read_is_set_aside_with_reasons_in_words(table):
    one = table(
        "churn_event_id,account_id,churn_date,avoidable\n"
        "C1,A1,31/12/2024,yes\nC2,A2,31/02/2024,yes\nC3,,30/12/2024,yes\nC4,A4,,perhaps\n,A5,29/12/2024,no\nC6,A6,28/12/2024,no,Smith\n"
    )
    ((batch, rejects),) = batches(one, recognise(one))
    assert batch.keys == ["C1"]
    assert [(r.line, r.reason) for r in rejects] == [
        (3, "unreadable date in churn_date: '31/02/2024'"),
        (4, "empty account id"),
        (5, "empty churn date; unreadable yes or no in avoidable: 'perhaps'"),
        (6, "empty churn event id"),
        (7, "more cells than columns: 'Smith' is left over"),
    ]
    assert rejects[0].raw == {"churn_event_id": "C2", "account_id": "A2", "churn_date": "31/02/2024", "avoidable": "yes"}
    assert rejects[4].raw[""] == "Smith"
    assert rejects[0].record == "churn_events"


def test_a_line_without_a_subscription_id_is_a_line(table):
    one = table("subscription_id,account_id,start_date,mrr\n,A1,2024-01-01,10\n")
    ((batch, rejects),) = batches(one, recognise(one))
    assert batch.rows[0]["subscription_id"] is None
    assert rejects == []


def test_ambiguous_dates_are_rejected_not_guessed(table):
    one = table("account_id,account_name,signup_date\nA1,Acme,05/01/2024\nA2,Bolt,05/05/2024\n")
    ((batch, rejects),) = batches(one, recognise(one))
    assert batch.keys == ["A2"]
    assert "unreadable date in signup_date: '05/01/2024'" in rejects[0].reason


def test_a_mapping_must_fit_the_file(table):
    one = table("account_id,account_name\nA1,Acme\n")
    with pytest.raises(MappingFault, match=r"'gone', which .* does not have; it has 'account_id', 'account_name'"):
        next(batches(one, Mapping("accounts", {"gone": "name"})))
    with pytest.raises(MappingFault, match="was not recognised"):
        next(batches(one, Mapping(None, {})))


def test_ignored_columns_are_left_out_and_kept_in_the_raw_row(table):
    one = table("account_id,account_name,secret\nA1,Acme,x\n")
    ((batch, _),) = batches(one, Mapping("accounts", {"account_id": "account_id", "account_name": "name", "secret": None}))
    assert batch.rows == [{"name": "Acme"}]
    assert batch.raw[0]["secret"] == "x"


def test_long_reasons_are_cut(table):
    one = table(f"account_id,account_name,signup_date\nA1,Acme,{'x' * 500}\nA2,B,2024-01-01\n")
    ((_, rejects),) = batches(one, Mapping("accounts", {"account_id": "account_id", "account_name": "name", "signup_date": "signed_up_on"}))
    assert len(rejects[0].reason) < 120


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A1", "", " A2 "]), st.sampled_from(["2024-01-05", "31/02/2024", "", "05/13/2024"]), st.text("0123456789.,-$ €NaE", max_size=6)
        ),
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_either_read_or_rejected(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "lines.csv"
    path.write_text("subscription_id,account_id,start_date,mrr\n" + "".join(f'S{i},{a},{d},"{m}"\n' for i, (a, d, m) in enumerate(rows)))
    (one,) = open_tables(path)
    mapping = Mapping("subscription_lines", {"subscription_id": "subscription_id", "account_id": "account_id", "start_date": "start_on", "mrr": "mrr"})
    seen = sorted(line for batch, rejects in batches(one, mapping, size=7) for line in [*batch.lines, *(r.line for r in rejects)])
    assert seen == list(range(2, len(rows) + 2))


@pytest.mark.skipif(not RAVENSTACK.is_dir(), reason="the folder of foreign data is not here")
def test_ravenstack_loses_no_row():
    counts = {}
    for one in open_tables(RAVENSTACK):
        for batch, rejects in batches(one, recognise(one)):
            assert rejects == []
            counts[batch.record] = counts.get(batch.record, 0) + len(batch.rows)
    assert counts == {"accounts": 500, "churn_events": 600, "usage_days": 25_000, "subscription_lines": 5_000, "tickets": 2_000}


def test_memory_stays_bounded_on_a_long_file(tmp_path):
    path = tmp_path / "usage.csv"
    with path.open("w") as file:
        file.write("usage_id,account_id,usage_date,feature_name,usage_count\n")
        for i in range(100_000):
            file.write(f"U{i},A{i % 977},{1 + i % 28:02}-{1 + i % 12:02}-2024,feature_{i % 40},{i}\n")
    (one,) = open_tables(path)
    mapping = recognise(one)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(batch.rows) for batch, _ in batches(one, mapping)) == 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes
