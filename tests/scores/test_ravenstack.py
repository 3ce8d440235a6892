"""A firm of which the labels have nothing to do with the rest: the honest answer is that the data say nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from laer.scores import Likelihood

DATA = Path(os.environ.get("LAER_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "ravenstack"
SPAN = 90


def read(name: str) -> pd.DataFrame:
    frame = pd.read_csv(DATA / f"ravenstack_{name}.csv")
    for column in [c for c in frame if c.endswith(("_date", "_at"))]:
        frame[column] = pd.to_datetime(frame[column], dayfirst=True, format="mixed")
    return frame


@pytest.mark.skipif(not DATA.is_dir(), reason="the data of ravenstack are not here")
@pytest.mark.parametrize("boosting", [False, pytest.param(True, marks=pytest.mark.faults)])  # the machine takes a minute: it stands in a long lane
def test_ravenstack_has_no_usable_signal(boosting: bool) -> None:
    """Churn within 90 days after quarterly cuts, from what was there on the cut; judged by what came later."""
    accounts, lines, usage, tickets, left = (read(name) for name in ("accounts", "subscriptions", "feature_usage", "support_tickets", "churn_events"))
    usage = usage.merge(lines[["subscription_id", "account_id"]], on="subscription_id")
    parts = []
    for cut in pd.date_range("2023-07-01", "2024-10-01", freq=f"{SPAN}D"):
        until, since = cut + pd.Timedelta(days=SPAN), cut - pd.Timedelta(days=SPAN)
        alive = lines[(lines["start_date"] <= cut) & ~(lines["end_date"] <= cut)].groupby("account_id")
        rows = accounts[accounts["signup_date"] <= cut].set_index("account_id")[["industry", "country", "referral_source"]]
        rows = rows.join(alive.agg(seats=("seats", "sum"), mrr=("mrr_amount", "sum"), lines=("subscription_id", "count")), how="inner")
        used = usage[usage["usage_date"].between(since, cut, inclusive="right")].groupby("account_id")
        asked = tickets[tickets["submitted_at"].between(since, cut, inclusive="right")].groupby("account_id")
        rows = rows.join(used.agg(used=("usage_count", "sum"), errors=("error_count", "sum"))).join(asked.agg(tickets=("ticket_id", "count"), csat=("satisfaction_score", "mean")))
        gone = set(left.loc[left["churn_date"].between(cut, until, inclusive="right"), "account_id"])
        parts.append(rows.assign(cut=cut, gone=[account in gone for account in rows.index]))
    table = pd.concat(parts)
    model = Likelihood(boosting=boosting).fit(table.drop(columns=["cut", "gone"]), table["gone"].to_numpy(), time=table["cut"])
    assert model.events > 100
    assert model.evaluation is not None
    assert model.evaluation.by_time
    assert not model.usable, model.evaluation
    assert model.verdict == "no usable signal in this data"
    assert model.predict(table) == pytest.approx(np.full(len(table), model.base_rate))
