"""Lines cut where the value of their account changes."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics.dimensions import spans_table, split_by
from tests.metrics.books import DAY0, FAR, LENGTH, WINDOW, arrow, books, day, line, month, month_of, unbound

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
BEGINNING = -800_000
SPLIT = split_by(unbound(), spans_table())


def spans(rows: list[tuple[int, str, int, int]]) -> pa.Table:
    def m(d: int) -> int:
        return d if d in (BEGINNING, FAR) else month_of(d)

    columns: dict[str, Any] = {
        "account_id": pa.array([r[0] for r in rows], pa.int64()), "value": pa.array([r[1] for r in rows], pa.string()),
        "from_d": pa.array([r[2] for r in rows], pa.int32()), "from_m": pa.array([m(r[2]) for r in rows], pa.int32()),
        "until_d": pa.array([r[3] for r in rows], pa.int32()), "until_m": pa.array([m(r[3]) for r in rows], pa.int32()),
    }  # fmt: skip
    return pa.table(columns)


def pieces(rows):
    return sorted((r["value"], r["start_d"], r["start_m"], r["end_d"], r["end_m"], r["parts"]) for r in rows)


def test_a_line_is_cut_on_the_day_its_account_changed_hands(rows_of):
    # Ann until 10 February, Bo from then; a line from 1 January to 1 March is two pieces that touch
    change = day("2024-02-10")
    given_spans = spans([(1, "Ann", BEGINNING, change), (1, "Bo", change, FAR)])
    rows = pieces(rows_of(SPLIT, lines=arrow([line(1, "2024-01-01", "2024-03-01", 5)]), spans=given_spans))
    january, february, march = (month(f"2024-0{n}") for n in (1, 2, 3))
    assert rows == [("Ann", day("2024-01-01"), january, change, february, 5), ("Bo", change, february, day("2024-03-01"), march, 5)]


def test_a_line_that_ends_on_the_day_of_the_change_is_not_cut(rows_of):
    change = day("2024-02-10")
    given_spans = spans([(1, "Ann", BEGINNING, change), (1, "Bo", change, FAR)])
    rows = rows_of(SPLIT, lines=arrow([line(1, "2024-01-01", "2024-02-10", 5), line(1, "2024-02-10", None, 7)]), spans=given_spans)
    assert sorted((r["value"], r["parts"]) for r in rows) == [("Ann", 5), ("Bo", 7)]


def test_an_open_line_stays_open_in_its_last_piece(rows_of):
    change = day("2024-02-10")
    given_spans = spans([(1, "Ann", BEGINNING, change), (1, "Bo", change, FAR)])
    rows = pieces(rows_of(SPLIT, lines=arrow([line(1, "2024-01-01", None, 5)]), spans=given_spans))
    assert [(r[0], r[3], r[4]) for r in rows] == [("Ann", change, month("2024-02")), ("Bo", FAR, FAR)]


@few
@given(lines=books(), data=st.data())
def test_pieces_add_up_to_the_lines_on_every_day_under_the_value_of_the_day(rows_of, lines, data):
    rows = []
    for account in {x.account for x in lines}:
        cuts = sorted(set(data.draw(st.lists(st.integers(DAY0, DAY0 + LENGTH), max_size=4))))
        edges = [BEGINNING, *cuts, FAR]
        rows += [(account, data.draw(st.sampled_from("abc")), a, b) for a, b in itertools.pairwise(edges)]
    found = rows_of(SPLIT, lines=arrow(lines), spans=spans(rows))
    for d in WINDOW:
        value_of = {account: value for account, value, a, b in rows if a <= d < b}
        wanted: Counter[tuple[int, str]] = Counter()
        for x in lines:
            if x.start <= d < x.end:
                wanted[x.account, value_of[x.account]] += x.parts
        got: Counter[tuple[int, str]] = Counter()
        for r in found:
            if r["start_d"] <= d < r["end_d"]:
                got[r["account_id"], r["value"]] += r["parts"]
        assert got == wanted
    assert all(r["start_m"] == month_of(r["start_d"]) and r["end_m"] == (FAR if r["end_d"] == FAR else month_of(r["end_d"])) for r in found)
