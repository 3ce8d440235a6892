"""When it comes: the hazard of account-months."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from laer.scores import Hazard
from laer.scores.hazard import concordance
from tests.scores.telco import telco


def months(seed: int = 1, accounts: int = 400) -> dict[str, Any]:
    """Accounts that leave above all in their renewal month, the more so where usage, which wanders, is low."""
    draw = np.random.default_rng(seed)
    rows: dict[str, list[Any]] = {"usage": [], "age": [], "due": [], "event": []}
    for _ in range(accounts):
        usage = draw.normal()
        for age in range(36):
            usage += draw.normal(0, 0.3)
            due = (11 - age) % 12
            left = draw.random() < 1 / (1 + np.exp(-(-5.0 - 0.8 * usage + 2.5 * (due == 0))))
            for name, value in zip(rows, (usage, age, due, left), strict=True):
                rows[name].append(value)
            if left:
                break
    return {name: np.array(values) for name, values in rows.items()}


def fitted() -> Hazard:
    m = months()
    return Hazard().fit({"usage": m["usage"]}, m["age"], m["event"], m["due"])


def test_it_sees_the_renewal_month_and_usage_as_it_is_now() -> None:
    model = fitted()
    due, not_due = (model.predict({"usage": [0.0]}, [11], [k])[1][0] for k in (0, 6))
    assert due > 4 * not_due
    low, high = (model.predict({"usage": [u]}, [5], [6])[1][0] for u in (-2.0, 2.0))
    assert low > 3 * high


def test_what_it_says_comes_true() -> None:
    model, fresh = fitted(), months(seed=2, accounts=1500)
    told = model.hazards({"usage": fresh["usage"]}, fresh["age"], fresh["due"], months=1)[:, 0]
    for part in np.array_split(np.argsort(told), 4):
        assert told[part].mean() == pytest.approx(fresh["event"][part].mean(), rel=0.5, abs=0.004)


def test_chances_multiply_and_grow_with_the_horizon() -> None:
    model = fitted()
    each = model.hazards({"usage": [0.3]}, [9], [1], months=3)[0]
    told = model.predict({"usage": [0.3]}, [9], [1])
    assert told[1][0] == pytest.approx(each[0])
    assert told[3][0] == pytest.approx(1 - np.prod(1 - each))
    assert told[1][0] < told[2][0] < told[3][0]
    assert model.at_renewal({"usage": [0.3, 0.3]}, [9, 9], [1, None])[0] == pytest.approx(told[2][0])
    assert np.isnan(model.at_renewal({"usage": [0.3, 0.3]}, [9, 9], [1, None])[1])


def test_reasons_sum_and_json_says_the_same() -> None:
    model = fitted()
    back = Hazard.from_json(model.to_json())
    one = model.explain({"usage": [0.3]}, [11], [0])[0]
    assert one.intercept + sum(reason.contribution for reason in one.reasons) == one.logit
    assert one.chance == model.hazards({"usage": [0.3]}, [11], [0], 1)[0, 0]
    assert back.explain({"usage": [0.3]}, [11], [0])[0] == one


def test_too_few_events_give_the_rate() -> None:
    model = Hazard().fit({"x": range(50)}, range(50), [1] + [0] * 49)
    assert not model.usable
    assert 0 < model.predict({"x": [1]}, [3])[1][0] < 0.1
    with pytest.raises(ValueError, match="age has 2 values"):
        model.predict({"x": [1]}, [3, 4])
    with pytest.raises(ValueError, match="no month"):
        Hazard().fit({"x": []}, [], [])


def test_concordance_counts_the_pairs_whose_order_is_known() -> None:
    # by hand: 1 (left at 2) before 2 (left at 5) and 3 (seen to 5, still there); 2 before 3
    assert concordance(np.array([3.0, 1.0, 2.0]), np.array([2.0, 5.0, 5.0]), np.array([1.0, 1.0, 0.0])) == pytest.approx(2 / 3)


def test_telco_who_leaves_first() -> None:
    features, outcome = telco()
    tenure = features["tenure"].to_numpy(float)
    given = features.drop(columns=["tenure", "TotalCharges", "customerID"])  # the total is what was paid over the tenure: it would tell it
    fold = np.random.default_rng(0).integers(0, 3, len(outcome))
    learn, judge = fold != 0, fold == 0
    model = Hazard.from_durations(given[learn], tenure[learn], outcome[learn])
    risk = model.hazards(given[judge], np.zeros(judge.sum()), months=1)[:, 0]
    assert 0.855 <= concordance(risk, tenure[judge], outcome[judge]) <= 0.88
