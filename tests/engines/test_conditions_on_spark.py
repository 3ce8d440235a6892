"""Conditions on PySpark: the same answers as the plain reference, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from laer.conditions.expression import to_expr
from laer.conditions.reading import parse
from laer.conditions.truth import evaluate
from laer.engine.session import SparkSession
from laer.records.expr import table
from laer.records.periods import day_number
from tests.conditions.made import TODAY, WORDS, rows

pytestmark = pytest.mark.engines

SCHEMA = {"n": "int64", "users": "int64", "trend": "float64", "segment": "string", "industry": "string", "escalated": "boolean", "renewal_on": "int32"}
KINDS = {"int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
LINES = [
    "users = 3", "users != 3", "users < 2.5", "users in (1, 3, 500.5)", "users between -1 and 1", "trend <= -30 %", "trend >= 0.1", "trend in (0.1, 3)",
    "trend is known", "segment = SMB", "segment not in (SMB, Mid-market)", "industry contains ö", "industry contains CARE", 'industry contains "%"',
    "industry contains I", "escalated", "not escalated", "escalated is unknown", "renewal_on within 90 d", "renewal_on within last 45 d",
    "renewal_on older than 45 d", "not renewal_on before 2026-11-22", "not (users > 1 and segment = SMB or escalated)",
    "users > 1 or (trend < 0 and not (industry is unknown or renewal_on within 90 d))",
]  # fmt: skip


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pyspark = pytest.importorskip("pyspark.sql")
    session = (
        pyspark.SparkSession.builder.master("local[2]").appName("laer")
        .config("spark.sql.ansi.enabled", "true").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )  # fmt: skip
    yield session
    session.stop()


def test_spark_says_what_the_reference_says(spark: Any) -> None:
    facts = [row | {"n": n} for n, row in enumerate(rows(80, seed=3))]
    facts.append(dict.fromkeys(SCHEMA) | {"n": len(facts), "trend": float("nan")})
    columns = {name: [day_number(row[name]) if isinstance(row[name], date) else row[name] for row in facts] for name in SCHEMA}
    asked = [parse(line, WORDS) for line in LINES]
    source = table(SCHEMA, "facts")
    with SparkSession(spark) as session:
        session.bind("facts", pa.table({name: pa.array(columns[name], KINDS[kind]) for name, kind in SCHEMA.items()}))
        truths = {f"c{at}": to_expr(condition, source, TODAY) for at, condition in enumerate(asked)}
        found = session.fetch(source.select("n", **truths).order_by("n"))
    for at, condition in enumerate(asked):
        assert found.column(f"c{at}").to_pylist() == [evaluate(condition, row, TODAY) for row in facts], condition
