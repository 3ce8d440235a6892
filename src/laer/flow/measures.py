"""The flow ledger among the measures of the firm: what was landed, grown and leaked, what is at risk, and the share that passed each joint.

Rows are what a run kept of its own day (`cycle/flowing.py`, `kept`), by the deadlines that it had: those that the Flow page sums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from laer.flow.joints import JOINTS
from laer.metrics.catalogue import Measure, Records
from laer.metrics.company import SHARE, Company, Items
from laer.records.expr import Table, Value, cases, ifelse, literal, table

STANDING = {
    "account_id": "int64", "on_d": "int32", "item": "int64", "landed": "float64", "mrr": "float64", "at_risk": "boolean", **dict.fromkeys(JOINTS, "string"),
}  # fmt: skip
STAGES = {
    "account_id": "int64", "on_d": "int32", "item": "int64", "stage": "string",
    **dict.fromkeys(("landed", "expansion", "reactivation", "contraction", "churn"), "float64"),
}  # fmt: skip


def standing(records: Records) -> Table:
    """Where each account that ever paid stands on the run's day, and what it is at every joint. Grain: account."""
    return table(STANDING, "flow_accounts")


def stages(records: Records) -> Table:
    """What moved of each account on its way to each joint, up to the run's day. Grain: account x stage."""
    return table(STAGES, "flow_moved")


def _passed(joint: str) -> Callable[[Table], Value]:
    """1 where it passed, 0 where it is late or lost; of the others nothing is decided."""
    unknown = literal(None, "float64")
    return lambda rows: cases((rows[joint] == "passed", 1.0), (rows[joint] == "late", 0.0), (rows[joint] == "lost", 0.0), else_=unknown)


NAMES = {
    "live": ("went live", "Went live in time"), "activated": ("were activated", "Activated in time"),
    "outcome": ("reached an outcome", "Reached an outcome in time"),
    "expanded": ("expanded", "Expanded by the first due date"), "renewed": ("renewed", "Renewed at the first due date"),
}  # fmt: skip
MOTION = {"live": "land", "activated": "adopt", "outcome": "adopt", "expanded": "expand", "renewed": "renew"}
flow = partial(Measure, kind="money", unit="per month", motion="base", grain="company", leading=False, method="flow", sources=("subscription_lines",))

ITEMS = (
    Items("flow_accounts", "account", "changes", standing, of_run=True, of_day=True),
    Items("flow_moved", "movement", "changes", stages, dimensions={"stage": "Joint ahead"}, of_run=True, of_day=True),
)
COMPANY = (
    Company(flow("flow_landed", "Landed MRR", words="what accounts paid on the first day on which they ever paid, or when records began; of all cohorts, as of "
        "the day of the run", better="up"), "flow_moved", lambda rows: rows.landed),
    Company(flow("flow_grown", "Grown since", words="expansion and reactivation of all cohorts since they were landed, as the ledger books them", better="up"),
        "flow_moved", lambda rows: rows.expansion + rows.reactivation),
    Company(flow("flow_leaked", "Leaked", words="churn and contraction of all cohorts since they were landed, as the ledger books them, and nothing else",
        better="down"), "flow_moved", lambda rows: rows.churn + rows.contraction),
    Company(flow("flow_mrr", "MRR in the flow", words="landed, plus expansion and reactivation, less contraction and churn: the MRR of all accounts on the day "
        "of the run", better="up"), "flow_accounts", lambda rows: rows.mrr),
    Company(flow("flow_at_risk", "MRR at risk at a joint", words="what accounts pay that are late to be live, activated, at an outcome or renewed, each "
        "counted once, on the day of the run", better="down", leading=True), "flow_accounts",
        lambda rows: ifelse(rows.at_risk, rows.mrr, literal(None, "float64"))),
    *(Company(flow(f"flow_{joint}", title, kind="number", unit="%", motion=MOTION[joint], words=f"accounts that {said}, over those of which it is decided on "
        "the day of the run: passed, late or lost", better="up", leading=joint != "renewed"), "flow_accounts", _passed(joint), lambda rows: literal(1.0), SHARE)
      for joint, (said, title) in NAMES.items()),
)  # fmt: skip
