"""From changes to months: what each account did in a month, and the sums that a report is made of.

Every table here is sparse: only months in which something changed have rows. Levels are running sums of them, taken by
the reader (`statement.py`), so that 36 months of a quiet account cost nothing.
"""

from __future__ import annotations

from laer.metrics.changes import BALANCE, movements_of, named_movements
from laer.records.expr import Table, literal, remembered
from laer.records.periods import FAR

COUNTS = {
    BALANCE: "balance_accounts",
    "new": "new_accounts",
    "reactivation": "reactivated_accounts",
    "expansion": "expansions",
    "contraction": "contractions",
    "churn": "churns",
}


def account_months(changes: Table) -> Table:
    """What each account's MRR did in each month in which it moved.

    Grain   account_id x m
    In      changes  `mrr_changes` or, for one movement per month, `month_changes`
    Out     account_id, m, opening, closing, new, reactivation, expansion, contraction, churn (positive parts; of the book
            also opening_balance), new_accounts, reactivated_accounts, expansions, contractions, churns (counts of movements),
            lost (1 where the account paid at the opening and churned within the month)
    Holds   opening + opening_balance + new + reactivation + expansion - contraction - churn == closing
    Method  docs/methods/mrr-movements.md
    """
    kind = changes.delta.type()
    t = changes.mutate(**named_movements(changes))
    names = movements_of(changes)
    sums = {name: t[name].sum().cast(kind) for name in names}
    counts = {COUNTS[name]: (t[name] > 0).sum().cast("int64") for name in names}
    months = t.group_by("account_id", "m").agg(opening=t.before.argmin(t.d), change=t.delta.sum().cast(kind), **sums, **counts)
    lost = ((months.opening > 0) & (months.churns > 0)).cast("int64")
    return months.mutate(closing=months.opening + months.change, lost=lost).drop("change")


@remembered
def month_levels(changes: Table) -> Table:
    """At what an account opened and closed the months in which it moved: `account_months` without the movements.

    Grain   account_id x m
    In      changes  `mrr_changes` or `month_changes`
    Out     account_id, m, until_m (the next month in which it moved, FAR after the last), opening, closing
    """
    t = changes.filter(changes.closes)
    ordered = {"group_by": t.account_id, "order_by": t.m}
    opening = t.after.lag().over(**ordered).fill_null(t.after - t.after)
    return t.select("account_id", "m", until_m=t.m.lead().over(**ordered).fill_null(FAR), opening=opening, closing=t.after)


@remembered
def change_sums(changes: Table, levels: Table) -> Table:
    """`month_sums` of everything, straight from changes: nothing is summed per account on the way.

    Grain   m
    In      changes  `mrr_changes` or `month_changes`;  levels  their `month_levels`
    Holds   equals `month_sums(account_months(changes))`
    """
    kind = changes.delta.type()
    t = changes.mutate(**named_movements(changes))
    names = movements_of(changes)
    sums = {name: t[name].sum().cast(kind) for name in names}
    counts = {COUNTS[name]: (t[name] > 0).sum().cast("int64") for name in names}
    moved = t.group_by("m").agg(change=t.delta.sum().cast(kind), **sums, **counts)
    came = (levels.closing > 0).cast("int64") - (levels.opening > 0).cast("int64")
    ends = levels.group_by(ends_m=levels.m).agg(paying=came.sum().cast("int64"))
    left = levels.filter(levels.opening > 0).semi_join(changes.filter(changes.after == 0), ["account_id", "m"])
    lost = left.group_by(lost_m=left.m).agg(lost=left.count())
    j = moved.left_join(ends, moved.m == ends.ends_m).left_join(lost, moved.m == lost.lost_m)
    return j.select("m", "change", *sums, *counts, paying=j.paying.fill_null(0), lost=j.lost.fill_null(0))


def month_sums(months: Table, by: tuple[str, ...] = ()) -> Table:
    """Sums over accounts, per month (and value).

    Grain   m (x by)
    Out     the movement columns and counts of `account_months` summed; opened/closed: change in paying accounts as
            `paying`; lost: accounts of the opening set that churned, each once; change: closing - opening
    """
    kind = months.opening.type()
    wide = "decimal(38, 0)" if kind.is_decimal() else kind
    named = movements_of(months)
    names = (*named, *(("entering", "leaving") if "entering" in months.columns else ()))
    return months.group_by(*by, "m").agg(
        change=(months.closing - months.opening).sum().cast(wide),
        paying=((months.closing > 0).cast("int64") - (months.opening > 0).cast("int64")).sum().cast("int64"),
        lost=months.lost.sum().cast("int64"),
        **{n: months[n].sum().cast(wide) for n in names},
        **{COUNTS[n]: months[COUNTS[n]].sum().cast("int64") for n in named},
    )


@remembered
def cohorts(months: Table) -> Table:
    """Change of accounts and MRR of each cohort of first paying month, per month of the calendar.

    Grain   cohort (month number) x m
    In      months  `account_months` of event movements
    Out     cohort, m, paying (change in paying accounts), change (in parts); running sums give the cells
    Holds   sum over cohorts of change == change of `month_sums`
    Method  docs/methods/cohorts.md
    """
    kind = months.opening.type()
    first = months.group_by("account_id").agg(cohort=months.m.min())
    t = months.inner_join(first, "account_id")
    return t.group_by("cohort", "m").agg(
        paying=((t.closing > 0).cast("int64") - (t.opening > 0).cast("int64")).sum().cast("int64"), change=(t.closing - t.opening).sum().cast(kind)
    )


def flash_accounts(months: Table) -> Table:
    """Accounts that started and stopped within one month: a net view shows nothing of them (rule 4).

    Grain   account_id x m
    Out     account_id, m, new, churn (parts)
    """
    t = months.filter(months.opening == 0, months.closing == 0, months.churns > 0)
    return t.select("account_id", "m", "new", "churn", literal(1, "int64").name("flash"))


def behind_movement(months: Table, movement: str, first: int, last: int) -> Table:
    """The accounts behind one movement of a period (months first..last): what each of them added to the sum.

    Grain   account_id
    In      months  `account_months`, or `booking.value_months` filtered to one value
    Out     account_id, before (at the period's opening), after (at its closing), amount (positive parts), movements
    Holds   sum(amount) == sum of that movement in `month_sums` over the period
    """
    t = months.filter(months.m >= first, months.m <= last)
    kind = months.opening.type()
    count = t[COUNTS[movement]].sum() if movement in COUNTS else (t[movement] > 0).sum()
    accounts = t.group_by("account_id").agg(
        before=t.opening.argmin(t.m), after=t.closing.argmax(t.m), amount=t[movement].sum().cast(kind), movements=count.cast("int64")
    )
    return accounts.filter(accounts.amount > 0)


def behind_level(states: Table, month: int) -> Table:
    """The accounts that pay at the end of a month, with their MRR.

    Grain   account_id
    In      states  `retention.month_states`, or those of one value
    Out     account_id, before, after, amount (all the level), movements (0)
    """
    t = states.filter(states.from_m <= month, states.until_m > month)
    return t.select("account_id", before=t.level, after=t.level, amount=t.level, movements=literal(0, "int64"))


def cohort_accounts(months: Table, cohort: int) -> Table:
    """Accounts whose first paying month is `cohort`.

    Grain   account_id
    """
    first = months.group_by("account_id").agg(cohort=months.m.min())
    return first.filter(first.cohort == cohort).select("account_id")
