"""The flow as its page shows it: asked of the ledger by the run's policy and the joints that the run used."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from laer.cycle.scope import Scope
from laer.flow.joints import Joints
from laer.flow.statement import Flow
from laer.metrics.policy import load_policy
from laer.web.runs.desk import ask
from laer.web.runs.models import PassRun


def _usual(run: PassRun, joints: Joints, by: str | None) -> dict[str, Any]:
    policy = load_policy(run.policy)
    return {"deadlines": joints.days(), "gap_days": policy.gap_days, "churn_basis": policy.churn_basis, "by": by}


def flow_of(run: PassRun, scope: Scope, joints: Joints, by: str | None = None, day: int | None = None) -> Flow:
    """The run's flow under a scope, whole or split by a dimension, as of its day or an earlier one. Remembered for the run."""
    found: Flow = ask("flow", _usual(run, joints, by) | {"day": day}, scope, run.pk)
    return found


def behind(run: PassRun, scope: Scope, joints: Joints, params: dict[str, Any], by: str | None = None) -> pa.Table:
    """The accounts behind a cell: parameters and columns as of `cycle.flowing.flow_behind`."""
    found: pa.Table = ask("flow_behind", _usual(run, joints, by) | params, scope, run.pk)
    return found
