"""Likelihoods among facts of past days: what passes said by then, of the same account, and nothing that was said later."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from laer.cycle.learned import as_concluded

ROWS = pa.table({
    "account_id": pa.array([1, 1, 2, 2, 3], pa.int64()), "d": pa.array([100, 130, 100, 130, 130], pa.int32()), "mrr": [5.0, 6.0, 7.0, 8.0, 9.0],
    "churn_likelihood_90d": pa.array([None] * 5, pa.float64()),
})  # fmt: skip
KEPT = {130: pa.table({"account_id": [3, 1], "churn_likelihood_90d": [0.3, 0.1]}), 100: pa.table({"account_id": [2], "churn_likelihood_90d": [0.2]})}


def test_each_row_has_what_was_said_of_its_account_by_its_day() -> None:
    def shown(day: int, columns: Iterable[str]) -> pa.Table | None:
        assert list(columns) == ["account_id", "churn_likelihood_90d"], "only what is asked for is read"
        return KEPT.get(day)

    found = as_concluded(ROWS, shown)
    assert found["churn_likelihood_90d"].to_pylist() == [None, 0.1, 0.2, None, 0.3]
    assert found["mrr"].to_pylist() == ROWS["mrr"].to_pylist()


def test_before_the_first_pass_and_before_a_measure_was_kept_nothing_is_known() -> None:
    assert as_concluded(ROWS, lambda day, columns: None)["churn_likelihood_90d"].to_pylist() == [None] * 5
    assert as_concluded(ROWS, lambda day, columns: KEPT[day].select(["account_id"]))["churn_likelihood_90d"].to_pylist() == [None] * 5
