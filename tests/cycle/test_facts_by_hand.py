"""Second route: each family of facts as one would write it by hand in SQL says the same, row by row. The benchmark times these queries."""

from __future__ import annotations

from benchmarks import _by_hand
from benchmarks import facts as bench
from laer.cycle.facts import catalogue
from laer.engine.session import DuckDBSession

ACCOUNTS = 200


def test_every_family_says_what_sql_by_hand_says() -> None:
    dates = (*bench.MONTH_ENDS[-3:],)
    with DuckDBSession() as session:
        bench.roll_up(session, bench.events(ACCOUNTS, 20_000))
        found = bench.families(session, bench.inputs(ACCOUNTS), ACCOUNTS, dates, 1)  # fails where a row differs
    assert {name for name, *_ in found} == set(_by_hand.queries(dates)) <= {family.name for family in catalogue().families}
