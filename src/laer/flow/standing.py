"""Where each account stands at each joint on a day, and what of its movements leaked at which: the sums that the flow ledger is made of."""

from __future__ import annotations

from typing import Any

from laer.flow.joints import CHAIN, JOINTS, STATES, TIMED
from laer.flow.moves import MOVED, next_known
from laer.metrics.dimensions import SPANS
from laer.records.expr import Table, cases, ifelse, least, literal, remembered, table, union
from laer.records.periods import FAR

DEADLINES = {"segment": "string", **{f"{joint}_days": "int32" for joint in TIMED}}


def deadlines_table() -> Table:
    """Days from the first paid day by segment, a row for every segment of an account: bound as `flow_deadlines`."""
    return table(DEADLINES, "flow_deadlines")


def spans_table(name: str) -> Table:
    """A dated dimension (`metrics.dimensions.SPANS`): bound as `flow_segments` for deadlines, `flow_values` for a split."""
    return table(SPANS, name)


def standing_table(parts: str) -> Table:
    """The unbound answer of `account_standing`, as a run keeps it."""
    small = {"place": "int8", **{f"stage_{at}": "int8" for at in range(len(CHAIN) + 1)}, "stage": "int8"}
    days = {f"{joint}_{at}": "int32" for joint in JOINTS for at in ("d", "by")}
    return table(
        {"account_id": "int64", "cohort": "int32", "value": "string", "first_d": "int32", "landed": parts, "mrr": parts, **small, **dict.fromkeys(JOINTS,
            "string"), **days, "cell": "int32"}, "flow_standing",
    )  # fmt: skip


def stages_table(parts: str) -> Table:
    """The unbound answer of `account_stages`."""
    money = dict.fromkeys((*MOVED, "entering", "leaving"), parts)
    keys = {"account_id": "int64", "cohort": "int32", "value": "string", "stage": "int8", "d": "int32", "m": "int32"}
    return table({**keys, "churns": "int64", **money}, "flow_stages")


@remembered
def account_standing(moves: Table, ways: Table, day: int, split: bool = False) -> Table:
    """Where each account stands at the end of a day.

    Grain   account_id (that paid on or before the day)
    In      moves  `account_moves`;  ways  `account_ways`;  by name: flow_deadlines, flow_segments, and flow_values where it is split
    Out     account_id, cohort, value ('' where it is not split), first_d, landed, mrr (parts, at the end of the day), place, stage_0 … stage_4
            (`next_known`), stage (where it is), and of every joint <joint> (passed, late, due, unknown, lost), <joint>_d and <joint>_by (the last
            day on which it is in time; FAR: none is known), cell (`cell_of`)
    Holds   an account is in one state at each joint; nothing of what is after the day is read
    Method  docs/methods/flow.md
    """
    seen = moves.filter(moves.d <= day)
    kind = moves.after.type()
    own = seen.group_by("account_id").agg(landed=seen.landed.sum().cast(kind), mrr=seen.after.argmax(seen.d))
    segments = spans_table("flow_segments")
    at = segments.filter(segments.from_d <= day, segments.until_d > day).select("account_id", segment="value")
    allowed = deadlines_table()
    usual = allowed.filter(allowed.segment == "").select(**{f"usual_{joint}": allowed[f"{joint}_days"] for joint in TIMED})
    j = own.inner_join(ways, "account_id").left_join(at, "account_id").drop("account_id_right")
    j = j.left_join(allowed, "segment").drop("segment_right").cross_join(usual)
    value = literal("")
    if split:
        values = spans_table("flow_values")
        there = values.filter(values.from_d <= day, values.until_d > day).select("account_id", value="value")
        j = j.left_join(there, "account_id").drop("account_id_right")
        value = j.value.fill_null("")
    by = {joint: least(j.first_d + j[f"{joint}_days"].fill_null(j[f"usual_{joint}"]), literal(FAR)) for joint in TIMED}
    by |= dict.fromkeys(("expanded", "renewed"), ifelse(j.due_d < FAR, j.due_d - 1, literal(FAR)))
    states = {
        joint: cases(
            (j[f"{joint}_d"] <= day, literal("passed")), (j[f"{joint}_since"] > day, literal("unknown")), (j.mrr == 0, literal("lost")),
            (by[joint] >= day, literal("due")), else_=literal("late"),
        )
        for joint in JOINTS
    }  # fmt: skip
    behind = [ifelse(j[f"{joint}_d"] <= day, at, 0) for at, joint in enumerate(CHAIN, 1)]
    place = behind[0]
    for other in behind[1:]:
        place = ifelse(other > place, other, place)
    stages = next_known(j, day)
    made = j.select(
        "account_id", "cohort", "first_d", "landed", "mrr", value=value, place=place.cast("int8"), **stages, **states,
        **{f"{joint}_d": j[f"{joint}_d"] for joint in JOINTS}, **{f"{joint}_by": by[joint].cast("int32") for joint in JOINTS},
    )  # fmt: skip
    placed = made.mutate(stage=_stage(made, made.place))
    return placed.mutate(cell=cell_of(placed).cast("int32"))


def cell_of(of: Table) -> Any:
    """Stage and the state at every joint as one number: the stage, then a digit to the base of the states for each joint in its order."""
    made = of.stage.cast("int32")
    for joint in JOINTS:
        made = made * len(STATES) + cases(*((of[joint] == state, at) for at, state in enumerate(STATES[:-1])), else_=len(STATES) - 1)
    return made


def _stage(of: Table, place: object) -> object:
    return cases(*((place == at, of[f"stage_{at}"]) for at in range(len(CHAIN))), else_=of[f"stage_{len(CHAIN)}"])  # type: ignore[operator]


@remembered
def joint_sums(standing: Table) -> Table:
    """Accounts and their money by cohort, value and what they are at every joint.

    Grain   cohort x value x cell (`cell_of`)
    Out     accounts, landed, mrr (parts)
    Holds   the sums of accounts, landed and mrr are those of all accounts
    """
    kind = standing.mrr.type()
    return standing.group_by("cohort", "value", "cell").agg(
        accounts=standing.count().cast("int64"), landed=standing.landed.sum().cast(kind), mrr=standing.mrr.sum().cast(kind)
    )


@remembered
def staged_moves(moves: Table, standing: Table, day: int, split: bool = False) -> Table:
    """Movements with the stage in which the account was, and, where it is split, the value under which they are booked.

    A gain is booked under the value of the day, a loss under that of the day before; what an account pays while it goes from one value to
    another leaves the one and enters the other, as the ledger has it (rules 12 and 21).

    Grain   account_id x d (x value)
    Out     account_id, d, m, cohort, value, stage (index of `STAGES`), landed, expansion, reactivation, contraction, churn, entering, leaving
    """
    seen = moves.filter(moves.d <= day)
    j = seen.inner_join(standing.select("account_id", *(f"stage_{at}" for at in range(len(CHAIN) + 1))), "account_id")
    j = j.mutate(stage=_stage(j, j.place))
    kind = moves.after.type()
    nothing = j.landed - j.landed
    if not split:
        return j.select("account_id", "d", "m", "cohort", "stage", *MOVED, value=literal(""), entering=nothing.cast(kind), leaving=nothing.cast(kind))
    values = spans_table("flow_values")
    booked = j.mutate(on_d=ifelse((j.contraction > 0) | (j.churn > 0), j.d - 1, j.d))
    spans = values.select(owner="account_id", value="value", from_d="from_d", until_d="until_d")
    b = booked.left_join(spans, [booked.account_id == spans.owner, spans.from_d <= booked.on_d, booked.on_d < spans.until_d])
    kept = b.select("account_id", "d", "m", "cohort", "stage", *MOVED, value=b.value.fill_null(""), entering=_nothing(b), leaving=_nothing(b))
    return union(kept, _crossings(j, day))


def _nothing(of: Table) -> object:
    return (of.landed - of.landed).cast(of.landed.type())


def _crossings(moves: Table, day: int) -> Table:
    """What goes with an account from one value of the dimension to another: the lesser of what it paid before and after. Grain: account_id x d x value."""
    values = spans_table("flow_values")
    order = {"group_by": values.account_id, "order_by": values.from_d}
    v = values.mutate(old=values.value.lag().over(**order))
    crossed = v.filter(v.old.notnull(), v.old != v.value, v.from_d <= day).select("account_id", "old", "value", s="from_d", s_m="from_m")
    until = moves.d.lead().over(group_by=moves.account_id, order_by=moves.d)
    levels = moves.select("account_id", "d", "cohort", "stage", "after", until=until.fill_null(literal(FAR)), landed=moves.landed)
    held = crossed.inner_join(levels, [crossed.account_id == levels.account_id, levels.d <= crossed.s, levels.until >= crossed.s]).drop("account_id_right")
    # On the day itself two levels touch: the one that ends there is before it, the one that begins there is after it.
    before = held.filter(held.d < held.s).select("account_id", "s", "s_m", "old", "value", "cohort", "stage", "landed", b="after")
    now = held.filter(held.until > held.s).select("account_id", "s", a="after")
    both = before.inner_join(now, ["account_id", "s"])
    kind = moves.landed.type()
    goes = least(both.b, both.a).cast(kind)
    zero = _nothing(both)
    none = dict.fromkeys(MOVED, zero)
    out = both.select("account_id", "cohort", "stage", d=both.s, m=both.s_m, value=both.old, **none, entering=zero, leaving=goes)
    into = both.select("account_id", "cohort", "stage", d=both.s, m=both.s_m, value=both.value, **none, entering=goes, leaving=zero)
    columns = ("account_id", "d", "m", "cohort", "stage", *MOVED, "value", "entering", "leaving")
    moved = union(out.select(*columns), into.select(*columns))
    return moved.filter((moved.entering > 0) | (moved.leaving > 0))


@remembered
def account_stages(staged: Table) -> Table:
    """What each account did in each stage, up to the day: the rows behind `move_sums` that a run keeps.

    Grain   account_id x stage
    Out     account_id, cohort, value, stage, d and m (of its last movement there), the movements summed, churns
    Holds   `move_sums` of it is that of the movements themselves
    """
    kind = staged.landed.type()
    return staged.group_by("account_id", "cohort", "value", "stage").agg(
        d=staged.d.max(), m=staged.m.max(), churns=(staged.churn > 0).sum().cast("int64"),
        **{name: staged[name].sum().cast(kind) for name in (*MOVED, "entering", "leaving")},
    )


@remembered
def move_sums(staged: Table, months: bool = False) -> Table:
    """Movements by cohort, value and stage (by month, too).

    Grain   cohort x value x stage (x m)
    Holds   over everything: landed + expansion + reactivation - contraction - churn + entering - leaving == the MRR at the end of the day
    """
    kind = staged.landed.type()
    keys = ("cohort", "value", "stage", *(("m",) if months else ()))
    return staged.group_by(*keys).agg(
        **{name: staged[name].sum().cast(kind) for name in (*MOVED, "entering", "leaving")},
        churns=(staged.churns.sum() if "churns" in staged.columns else (staged.churn > 0).sum()).cast("int64"),
    )


def late_somewhere(of: Table) -> object:
    """Accounts that are at risk: late at a joint of the chain (at `expanded` nothing is at risk)."""
    found = of[CHAIN[0]] == "late"
    for joint in CHAIN[1:]:
        found = found | (of[joint] == "late")
    return found


def late_since(of: Table) -> object:
    """The earliest of the days by which the joints at which an account is late should have been passed."""
    return least(*(ifelse(of[joint] == "late", of[f"{joint}_by"], literal(FAR)) for joint in CHAIN)).cast("int32")


def behind_moves(staged: Table, standing: Table, names: tuple[str, ...]) -> Table:
    """The accounts behind some movements: what each added to their sum.

    Grain   account_id x value
    Holds   sum(amount) == the sum of those movements in `move_sums`
    """
    kind = staged.landed.type()
    amount = staged[names[0]]
    for name in names[1:]:
        amount = amount + staged[name]
    moved = staged.filter(amount != 0)
    amount = moved[names[0]]
    for name in names[1:]:
        amount = amount + moved[name]
    sums = moved.group_by("account_id", "value").agg(amount=amount.sum().cast(kind), on_d=moved.d.max())
    there = standing.select("account_id", "cohort", "first_d", "landed", "mrr", "stage")
    j = sums.inner_join(there, "account_id")
    return j.select("account_id", "cohort", "value", "first_d", "landed", "mrr", "stage", "amount", "on_d")
