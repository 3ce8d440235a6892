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
    firm     its rows are of no account, and there is no account_id: every account is held against all of them
    known    the day column from which on the row is known
    late     column -> day column from which on its value is known; before, a day is FAR and another value null
    stale    days without any new row of the firm after which an absence means nothing; None: never
    each     an absence means something only of an account that the source has named by then: of others it may know nothing
    """

    record: str
    columns: Mapping[str, str]
    known: str
    late: Mapping[str, str] = field(default_factory=dict)
    stale: int | None = None
    each: bool = False
    firm: bool = False

    @property
    def shape(self) -> dict[str, str]:
        return dict(self.columns) if self.firm else {"account_id": "int64", **self.columns}

    def table(self, name: str) -> Table:
        return table(self.shape, name)


INPUTS: dict[str, Input] = {
    # the ledger's own: what an account pays between which days, and each change of it
    "states": Input("subscription_lines", {"from_d": DAY, "until_d": DAY, "mrr": MONEY}, "from_d", {"until_d": "until_d"}),
    "changes": Input(
        "subscription_lines", {"on_d": DAY, "opening": MONEY, "new": MONEY, "back": MONEY, "growth": MONEY, "shrinking": MONEY, "lost": MONEY}, "on_d"
    ),
    "lines": Input(
        "subscription_lines",
        {"start_d": DAY, "end_d": DAY, "seats": INT, "mrr": MONEY, "list_mrr": MONEY, "product_id": INT, "plan": TEXT, "margin": MONEY},
        "start_d",
        {"end_d": "end_d"},
    ),
    "terms": Input(
        "contracts", {"known_d": DAY, "start_d": DAY, "end_d": DAY, "notice_d": DAY, "until_d": DAY, "rolls": FLAG, "renews": FLAG},
        "known_d", {"until_d": "until_d"},
    ),  # renews: it goes on where another one ended
    "lapses": Input("contracts", {"from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    "renewals": Input(  # what fell due, contracts of one account and day as one; amounts by the year
        "contracts",
        {
            "item": INT, "contracts": INT, "due_d": DAY, "ends_d": DAY, "settled_d": DAY, "result": TEXT, "due": MONEY, "kept": MONEY, "renewed": MONEY,
            "on_time": MONEY, "expanded": MONEY, "notice_missed": MONEY, "flagged": FLAG, "minutes": INT, "touches": INT, "days": MONEY,
            **{f"call_{lead}": TEXT for lead in (30, 60, 90)}, **{f"forecast_{lead}": MONEY for lead in (30, 60, 90)},  # as it stood so many days before
        },
        "ends_d",
        {"settled_d": "settled_d", **dict.fromkeys(("result", "kept", "renewed", "on_time", "expanded", "notice_missed", "days"), "settled_d")},
    ),
    "calls": Input("forecasts", {"due_d": DAY, "on_d": DAY, "category": TEXT}, "on_d"),  # what people expected of a term that was to fall due
    "deals": Input(
        "opportunities",
        {
            "deal_id": INT, "created_d": DAY, "closed_d": DAY, "qualified_d": DAY, "outcome": TEXT, "motion": TEXT, "arr": MONEY, "discount": MONEY,
            "seller": TEXT, "lead_source": TEXT,
        },
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
    # texts of notes, touches, tickets and survey answers: how they sound (-1, 0, 1) by their words, by the customer's own number, by a person's word
    "texts": Input(
        "text_sentiments",
        {"on_d": DAY, "kind": TEXT, "level": INT, "rated": INT, "rated_d": DAY, "corrected": INT, "corrected_d": DAY},
        "on_d",
        {"rated": "rated_d", "rated_d": "rated_d", "corrected": "corrected_d", "corrected_d": "corrected_d"},
        stale=90,
    ),
    # the people at the account, a row for each role that one has (none: role null), and the days on which one was met, wrote or answered
    "contacts": Input("contacts", {"contact_id": INT, "role": TEXT, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    "meetings": Input("contacts", {"contact_id": INT, "happened": TEXT, "on_d": DAY}, "on_d", stale=45),  # contact_id: null where nobody is named
    "plans": Input("onboarding_plans", {"started_d": DAY, "planned_d": DAY, "done_d": DAY}, "started_d", {"done_d": "done_d"}),
    "steps": Input(
        "onboarding_steps",
        {"known_d": DAY, "due_d": DAY, "done_d": DAY, "plan_done_d": DAY, "theirs": FLAG},
        "known_d",
        {"done_d": "done_d", "plan_done_d": "plan_done_d"},
    ),
    "outcomes": Input(
        "outcomes",
        {"promised_d": DAY, "due_d": DAY, "reached_d": DAY, "confirmed_d": DAY, "measured": FLAG},
        "promised_d",
        {"reached_d": "reached_d", "confirmed_d": "confirmed_d"},
    ),
    "metrics": Input("account_metrics", {"on_d": DAY, "name": TEXT, "number": MONEY}, "on_d", stale=60),
    # the same numbers where their source states a limit beside them ("API calls", "API calls limit"): name is that of what is limited
    "limits": Input("account_metrics", {"on_d": DAY, "name": TEXT, "most": FLAG, "number": MONEY}, "on_d", stale=60),
    "discounts": Input("discounts", {"start_d": DAY, "end_d": DAY}, "start_d"),  # until when one was granted is known from the beginning
    # what may be used of what is counted: until when is known when it ends
    "entitlements": Input("entitlements", {"name": TEXT, "granted": MONEY, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    "invoices": Input(  # settled_d: paid, or taken back
        "invoices",
        {"issued_d": DAY, "due_d": DAY, "settled_d": DAY, "paid": FLAG, "amount": MONEY},
        "issued_d",
        {"settled_d": "settled_d", "paid": "settled_d"},
        stale=100,
        each=True,
    ),
    "notices": Input("churn_events", {"known_d": DAY, "effective_d": DAY}, "known_d"),
    "spans": Input("accounts", {"dimension": TEXT, "value": TEXT, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}),
    # what the firm spent, most of it on no account: month_d and until_d are the first days of its month and of the next
    "costs": Input("costs", {"month_d": DAY, "until_d": DAY, "motion": TEXT, "kind": TEXT, "amount": MONEY}, "month_d"),
    # touches, and tasks that were done: minutes, and how many of them are by default; kind: "call", of a task "task call", or "task";
    # evidence: of a task, whether a play gave it or a signal was its reason; inward: of a touch, whether they began
    "efforts": Input(
        "touches", {"on_d": DAY, "motion": TEXT, "kind": TEXT, "minutes": MONEY, "inferred": MONEY, "evidence": FLAG, "inward": FLAG}, "on_d"
    ),
    # who uses it and what matters of it, by the numbers that usage knows users and features by; a feature is of no account
    "product_users": Input(
        "product_users", {"actor": INT, "contact_id": INT, "team": TEXT, "internal": FLAG, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}
    ),
    "key_features": Input(
        "product_features", {"actor": INT, "product_id": INT, "from_d": DAY, "until_d": DAY}, "from_d", {"until_d": "until_d"}, firm=True
    ),
    # usage: rollups of the lake, see `engine/rollups.py`
    "user_blocks": Input("usage_days", {"actor": INT, "block": DAY, "mask": INT}, "block", stale=14),
    "feature_blocks": Input("usage_days", {"actor": INT, "block": DAY, "mask": INT}, "block", stale=14),
    "account_days": Input("usage_days", {"day_d": DAY, "n": INT, "errors": INT, "gap": INT}, "day_d", stale=14),
    "activations": Input("usage_days", {"on_d": DAY}, "on_d"),
    "watched": Input("usage_days", {"since_d": DAY}, "since_d"),  # every account: since when the firm's source says anything
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
