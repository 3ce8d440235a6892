"""One published run, asked three ways: the plain reference on its facts, the engine on the same table, the database on the published cards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from laer.conditions.checking import OPERATORS, check
from laer.conditions.tree import DAY_COUNTS, PRESENCE, All, Condition, Not
from laer.conditions.tree import Any as AnyOf
from laer.conditions.tree import Test as Asked
from laer.conditions.truth import Truth, evaluate
from laer.cycle.derived import truths
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.records.periods import date_of
from laer.web.book.definitions import measures
from laer.web.runs import passes
from laer.web.runs.condition_query import where_false, where_true, where_unknown
from laer.web.runs.fact_filters import _places, vocabulary
from laer.web.runs.measured import facts_table
from laer.web.runs.models import AccountCard
from tests.web.files import ACCOUNTS, take_in

pytestmark = pytest.mark.django_db(transaction=True)
CONDITIONS = 100


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def one_test(rng: random.Random, fields: dict[str, Any], columns: dict[str, list[Any]]) -> Asked:
    while True:
        name = rng.choice(list(fields))
        kind, known = fields[name].kind, [value for value in columns[name] if value is not None]
        operator = rng.choice(OPERATORS[kind])
        near = known if known and rng.random() < 0.9 else [{"flag": True, "text": "paying", "date": 20_000}.get(kind, 1.0)]
        values = [date_of(rng.choice(near)) if kind == "date" else rng.choice(near) for _ in range(2)]
        value: Any = values[0]
        if operator in PRESENCE:
            value = None
        elif operator in DAY_COUNTS:
            value = rng.randint(0, 400)
        elif operator == "between":
            value = tuple(sorted(values))
        elif operator == "in":
            value = tuple(dict.fromkeys(values))
        elif operator == "contains":
            value = value[: rng.randint(1, len(value))]
        test = Asked(name, operator, value)
        if not check(test, vocabulary()):
            return test


def condition(rng: random.Random, fields: dict[str, Any], columns: dict[str, list[Any]], depth: int = 2) -> Condition:
    if depth == 0 or rng.random() < 0.3:
        return one_test(rng, fields, columns)
    if rng.random() < 0.25:
        return Not(condition(rng, fields, columns, depth - 1))
    return rng.choice((All, AnyOf))(tuple(condition(rng, fields, columns, depth - 1) for _ in range(rng.randint(2, 3))))


def test_reference_engine_and_database_agree_account_by_account(tmp_path: Path) -> None:
    today = timezone.localdate()

    def ago(days: int) -> str:
        return f"{today - timedelta(days=days)}"

    lines = "subscription_id,account_id,start_date,end_date,mrr_amount,seats,plan\n" + (
        f"S1,A1,{ago(400)},,100,10,Pro\nS2,A2,{ago(300)},{ago(40)},250.50,5,Basic\nS3,A3,{ago(90)},,80,3,Pro\nS4,A1,{ago(60)},,33.33,2,Pro\n"
    )
    tickets = f"ticket_id,account_id,subject,submitted_at,closed_at,priority\nT1,A1,Slow,{ago(9)} 10:00,,high\nT2,A3,Down,{ago(50)} 10:00,{ago(48)} 09:00,low\n"
    usage = "usage_id,account_id,usage_date,user_id,feature_name,usage_count\n" + "".join(f"U{n},A{1 + n % 2},{ago(2 + n)},u{n % 6},f{n % 3},{n}\n" for n in range(60))
    bills = f"Invoice Number,Account ID,Invoice Date,Due Date,Paid on,Total,Currency\nI-1,A1,{ago(70)},{ago(40)},,500,USD\nI-2,A3,{ago(40)},{ago(10)},{ago(12)},750,USD\n"
    take_in(tmp_path, accounts=ACCOUNTS, lines=lines, tickets=tickets, usage=usage, invoices=bills)
    run = passes.start_pass()
    table = facts_table(run, None, Scope(True))
    assert table is not None
    rows = {row["account_id"]: row for row in table.to_pylist()}
    columns = {name: table[name].to_pylist() for name in table.column_names}
    places, fields = _places(measures()), {name: field for name, field in vocabulary().fields.items() if name in columns}
    rng, seen = random.Random(5), set[Truth]()
    with DuckDBSession() as session:
        for _ in range(CONDITIONS):
            asked = condition(rng, fields, columns)
            expected = {account: evaluate(asked, row, today) for account, row in rows.items()}
            engine = {row["account_id"]: row["truth"] for row in truths(session, asked, table, today).to_pylist()}
            assert engine == expected, asked
            found = {
                card: truth for truth, where in ((True, where_true), (False, where_false), (None, where_unknown))
                for card in AccountCard.objects.filter(where(asked, places, today)).values_list("account_id", flat=True)
            }  # fmt: skip
            assert found == expected, asked
            seen |= set(expected.values())
    assert seen == {True, False, None}
