"""What each account did, and where on its way through the joints it stood when it did it.

Pure expressions over the ledger's changes and over the days on which joints were passed. Exact: amounts are whole parts of
the ledger's denominator.
"""

from __future__ import annotations

from laer.flow.joints import BEFORE, CHAIN, JOINTS
from laer.metrics.changes import BALANCE, named_movements
from laer.records.expr import Table, cases, greatest, ifelse, least, literal, remembered, table, union
from laer.records.periods import FAR

KIND = "int64"
PLANS = {"account_id": "int64", "started_d": "int32", "done_d": "int32"}
USE = {"account_id": "int64", "activated_on": "int32", "usage_since_on": "int32"}
OUTCOMES = {"account_id": "int64", "promised_d": "int32", "reached_d": "int32"}
TERMS = {"account_id": "int64", "known_d": "int32", "end_d": "int32"}
DUES = {"account_id": "int64", "due_d": "int32", "settled_d": "int32", "result": "string"}
GROWN = ("landed", "expansion", "reactivation")
LOST = ("contraction", "churn")
MOVED = (*GROWN, *LOST)
WAY = {"account_id": "int64", "cohort": "int32", "first_d": "int32", "due_d": "int32"} | {f"{joint}_{at}": "int32" for joint in JOINTS for at in ("d", "since")}


def moves_table(parts: str = KIND, name: str = "flow_moves") -> Table:
    """The unbound answer of `account_moves`."""
    return table({"account_id": "int64", "d": "int32", "m": "int32", "cohort": "int32", "place": "int8", "after": parts, **dict.fromkeys(MOVED, parts)}, name)


def ways_table(name: str = "flow_ways") -> Table:
    """The unbound answer of `account_ways`."""
    return table(WAY, name)


@remembered
def account_ways(changes: Table, day: int) -> Table:
    """On which day each account passed each joint, and since when a source says anything of it.

    Grain   account_id (that ever paid)
    In      changes  `changes.mrr_changes`, in the session;  and by name: flow_plans (onboarding plans), flow_use (when it was activated, and
                     since when usage is known), flow_outcomes, flow_terms (contracts with an end) and flow_dues (what fell due)
            day      the last day of what fell due: later ends are terms that have not ended yet
    Out     account_id, cohort (month number of the first paying day; BEFORE where nobody knows since when it paid), first_d, due_d (the first due
            date after it), <joint>_d and <joint>_since; FAR: not passed, no source
    Method  docs/methods/flow.md
    """
    t = changes.mutate(**named_movements(changes))
    grown = t.expansion > 0
    said = {"unknown": (t.unknown & t.first).max()} if "unknown" in changes.columns else {}
    first = t.group_by("account_id").agg(first_d=t.d.min(), first_m=t.m.min(), expanded_d=t.d.min(where=grown), **said)
    cohort = ifelse(first.unknown, literal(BEFORE, "int32"), first.first_m) if said else first.first_m
    plans, use, outcomes = table(PLANS, "flow_plans"), table(USE, "flow_use"), table(OUTCOMES, "flow_outcomes")
    live = plans.group_by("account_id").agg(live_d=plans.done_d.min(), live_since=plans.started_d.min())
    reached = outcomes.group_by("account_id").agg(outcome_d=outcomes.reached_d.min(), outcome_since=outcomes.promised_d.min())
    known = use.select("account_id", activated_d="activated_on", usage_d="usage_since_on")
    due = _first_due(first.select("account_id", "first_d"), day)
    j = first.mutate(cohort=cohort.cast("int32"))
    for other in (live, reached, known, due):
        j = j.left_join(other, "account_id").drop("account_id_right")
    # Whoever paid before usage was known and was not seen to activate may have done so before: nobody knows.
    watched = ifelse(j.activated_d.notnull(), least(j.activated_d, greatest(j.usage_d, j.first_d)), ifelse(j.usage_d <= j.first_d, j.first_d, literal(FAR)))
    columns = {
        "cohort": j.cohort, "first_d": j.first_d, "due_d": j.due_d, "live_d": j.live_d, "live_since": j.live_since, "activated_d": j.activated_d,
        "activated_since": watched, "outcome_d": j.outcome_d, "outcome_since": j.outcome_since, "expanded_d": j.expanded_d,
        "expanded_since": j.due_since, "renewed_d": j.renewed_d, "renewed_since": j.due_since,
    }  # fmt: skip
    return j.select("account_id", **{name: column.fill_null(literal(FAR)).cast("int32") for name, column in columns.items()})


def _first_due(first: Table, day: int) -> Table:
    """The first due date after the first paying day, since when it is known, and when it was renewed. Grain: account_id."""
    terms, dues = table(TERMS, "flow_terms"), table(DUES, "flow_dues")
    ends = terms.group_by("account_id", "end_d").agg(known_d=terms.known_d.min())
    past = dues.left_join(ends, [dues.account_id == ends.account_id, dues.due_d == ends.end_d])
    kept = ifelse(past.result.isin(("signed", "automatic")), past.settled_d, literal(FAR, "int32"))
    over = past.select("account_id", "due_d", "known_d", kept_d=kept)
    ahead = ends.filter(ends.end_d > day).select("account_id", due_d=ends.end_d, known_d=ends.known_d, kept_d=literal(FAR, "int32"))
    both = union(over, ahead).inner_join(first, "account_id")
    both = both.filter(both.due_d > both.first_d)
    return both.group_by("account_id").agg(
        due_d=both.due_d.min(), due_since=greatest(both.known_d.fill_null(both.first_d), literal(0)).argmin(both.due_d),
        renewed_d=both.kept_d.argmin(both.due_d),
    )


@remembered
def account_moves(changes: Table, ways: Table) -> Table:
    """Each change of an account's MRR as the movement that it is, with how far the account had come.

    Grain   account_id x d
    In      changes  `changes.mrr_changes`;  ways  `account_ways`
    Out     account_id, d, m, cohort, place (joints of the chain behind it: 0 none, 4 renewed; it never falls), after (parts), landed, expansion,
            reactivation, contraction, churn (positive parts; an opening balance is landed)
    Holds   running sum of landed + expansion + reactivation - contraction - churn == after
    """
    t = changes.mutate(**named_movements(changes))
    landed = t.new + t[BALANCE] if "unknown" in changes.columns else t.new
    j = t.mutate(landed=landed).inner_join(ways.select("account_id", "cohort", *(f"{joint}_d" for joint in CHAIN)), "account_id")
    behind = [ifelse(j[f"{joint}_d"] <= j.d, at, 0) for at, joint in enumerate(CHAIN, 1)]
    kind = changes.delta.type()
    return j.select(
        "account_id", "d", "m", "cohort", "after", place=greatest(*behind).cast("int8"), **{name: j[name].cast(kind) for name in MOVED}
    )


def next_known(ways: Table, day: int) -> dict[str, object]:
    """For every place (0 to 4) the stage that an account there is in: on the way to the next joint of the chain of which a source says anything.

    Out     columns stage_0 … stage_4: an index of `STAGES`
    """
    known = [(ways[f"{joint}_since"] <= day) | (ways[f"{joint}_d"] <= day) for joint in CHAIN]
    nowhere = len(CHAIN) + 1
    return {
        f"stage_{place}": (
            literal(len(CHAIN)) if place == len(CHAIN) else cases(*((known[at], literal(at)) for at in range(place, len(CHAIN))), else_=literal(nowhere))
        ).cast("int8")
        for place in range(len(CHAIN) + 1)
    }
