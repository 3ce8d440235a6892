"""Whitespace: the page's example, and a second route in plain Python on random firms."""

from __future__ import annotations

from statistics import median
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.engine.session import DuckDBSession
from laer.expand.whitespace import FEWEST, LEAST, OWNED, PAYING, whitespace

owns = st.dictionaries(st.tuples(st.integers(1, 30), st.sampled_from("XYZ")), st.integers(1, 9), max_size=60)
segments = st.dictionaries(st.integers(1, 30), st.sampled_from(["A", "B", None]), min_size=1)


def found(owned: dict[tuple[int, str], float], paying: dict[int, str | None]) -> list[dict[str, Any]]:
    kinds = {"int64": pa.int64(), "string": pa.string(), "float64": pa.float64()}

    def bound(rows: list[tuple[Any, ...]], columns: dict[str, str]) -> pa.Table:
        return pa.table({name: pa.array([row[i] for row in rows], kinds[kind]) for i, (name, kind) in enumerate(columns.items())})

    with DuckDBSession() as session:
        session.bind("owned", bound([(a, p, float(m)) for (a, p), m in owned.items()], OWNED))
        session.bind("paying", bound(list(paying.items()), PAYING))
        return session.fetch(whitespace()).to_pylist()


def test_the_example_of_the_page() -> None:
    paid = {1: 90, 2: 100, 3: 120, 4: 150, 5: 400}
    owned = {(a, "Insights"): m for a, m in paid.items()} | {(6, "Premium Support"): 70, (7, "Premium Support"): 80}
    rows = found(owned, dict.fromkeys(range(1, 11), "Mid-market"))
    assert {row["product"] for row in rows} == {"Insights"}
    assert sorted(row["account_id"] for row in rows) == [6, 7, 8, 9, 10]
    assert {(row["owners"], row["accounts"], row["share"], row["potential"]) for row in rows} == {(5, 10, 0.5, 120.0)}
    assert sum(row["potential"] for row in rows) == 600


@settings(max_examples=60, deadline=None)
@given(owns, segments)
def test_a_second_route_finds_the_same(owned: dict[tuple[int, str], int], paying: dict[int, str | None]) -> None:
    expected = set()
    for segment in {s for s in paying.values() if s is not None}:
        members = [a for a, s in paying.items() if s == segment]
        for product in "XYZ":
            amounts = [owned[a, product] for a in members if (a, product) in owned]
            if len(amounts) >= FEWEST and len(amounts) / len(members) >= LEAST:
                expected |= {(a, product, len(amounts), float(median(amounts))) for a in members if (a, product) not in owned}
    assert {(r["account_id"], r["product"], r["owners"], r["potential"]) for r in found(owned, paying)} == expected
