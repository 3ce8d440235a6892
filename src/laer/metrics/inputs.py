"""What measures read: records in the shape in which formulas are quick, with the day on which each row and value became known.

Days are int32 numbers, an open end is FAR, money is float64 in units of the firm's currency. `cycle/facts.py` makes the
tables; the leak test changes what was not known yet and holds that no fact of an earlier date moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laer.metrics.changes import BALANCE, named_movements
from laer.records.expr import Table, literal, ratio, table
from laer.records.periods import FAR

DAY, INT, MONEY, TEXT, FLAG = "int32", "int64", "float64", "string", "boolean"


@dataclass(frozen=True)
class Input:
    """One table.

    record   the record type that it is made of: what must be connected for it to say anything
    columns  name -> type, account_id aside
    known    the day column from which on the row is known
    late     column -> day column from which on its value is known; before, a day is FAR and another value null
    stale    days without any new row of the firm after which an absence means nothing; None: never
    """

    record: str
    columns: Mapping[str, str]
    known: str
    late: Mapping[str, str] = field(default_factory=dict)
    stale: int | None = None

    def table(self, name: str) -> Table:
        return table({"account_id": "int64", **self.columns}, name)


INPUTS: dict[str, Input] = {
    # the ledger's own: what an account pays between which days, and each change of it
    "states": Input("subscription_lines", {"from_d": DAY, "until_d": DAY, "mrr": MONEY}, "from_d", {"until_d": "until_d"}),
    "changes": Input(
        "subscription_lines", {"on_d": DAY, "opening": MONEY, "new": MONEY, "back": MONEY, "growth": MONEY, "shrinking": MONEY, "lost": MONEY}, "on_d"
    ),
    "lines": Input(
        "subscription_lines",
        {"start_d": DAY, "end_d": DAY, "seats": INT, "mrr": MONEY, "list_mrr": MONEY, "product_id": INT, "plan": TEXT},
        "start_d",
        {"end_d": "end_d"},
    ),
    "terms": Input(
        "contracts", {"known_d": DAY, "start_d": DAY, "end_d": DAY, "notice_d": DAY, "until_d": DAY, "rolls": FLAG}, "known_d", {"until_d": "until_d"}
    ),
    "lapses": Input("contracts", {"from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    "deals": Input(
        "opportunities",
        {"created_d": DAY, "closed_d": DAY, "qualified_d": DAY, "outcome": TEXT, "motion": TEXT, "arr": MONEY, "discount": MONEY},
        "created_d",
        {"closed_d": "closed_d", "outcome": "closed_d"},
    ),
    "tickets": Input(
        "tickets",
        {"opened_d": DAY, "closed_d": DAY, "urgent": FLAG, "escalated": FLAG, "satisfaction": MONEY},
        "opened_d",
        {"closed_d": "closed_d", "satisfaction": "closed_d"},
        stale=90,
    ),
    "answers": Input("survey_responses", {"answered_d": DAY, "kind": TEXT, "score": MONEY}, "answered_d"),
    "pulses": Input("pulses", {"stated_d": DAY, "level": INT}, "stated_d"),
    "touches": Input("touches", {"on_d": DAY, "kind": TEXT, "minutes": INT, "inward": FLAG, "sentiment": INT}, "on_d", stale=45),
    "notices": Input("churn_events", {"known_d": DAY, "effective_d": DAY}, "known_d"),
    "spans": Input("accounts", {"dimension": TEXT, "value": TEXT, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    # usage: rollups of the lake, see `engine/rollups.py`
    "user_blocks": Input("usage_days", {"actor": INT, "block": DAY, "mask": INT}, "block", stale=14),
    "feature_blocks": Input("usage_days", {"actor": INT, "block": DAY, "mask": INT}, "block", stale=14),
    "account_days": Input("usage_days", {"day_d": DAY, "n": INT, "errors": INT}, "day_d", stale=14),
}


def records() -> dict[str, Table]:
    """The unbound tables, by name."""
    return {name: given.table(name) for name, given in INPUTS.items()}


def states(changes: Table, denominator: int, places: int) -> Table:
    """What each account pays between which days, days without MRR left out: the input `states`.

    Grain   account_id x from_d
    In      changes  `changes.mrr_changes`;  denominator  what its amounts are parts of;  places  decimals of the currency
    """
    until = changes.d.lead().over(group_by=changes.account_id, order_by=changes.d).fill_null(FAR).cast("int32")
    held = changes.select("account_id", from_d=changes.d, until_d=until, mrr=ratio(changes.after, literal(float(denominator)), places))
    return held.filter(held.mrr != 0)


def moves(changes: Table, denominator: int, places: int) -> Table:
    """Each change of an account's MRR as the movement that it is: the input `changes`. Grain: account_id x on_d."""
    t = changes.mutate(**named_movements(changes))
    names = {"opening": BALANCE, "new": "new", "back": "reactivation", "growth": "expansion", "shrinking": "contraction", "lost": "churn"}
    return t.select("account_id", on_d=t.d, **{name: ratio(t[movement], literal(float(denominator)), places) for name, movement in names.items()})
