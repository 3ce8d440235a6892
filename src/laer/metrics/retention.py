"""NRR and GRR over windows of months, by overlapping intervals instead of a spine of months.

An account's month-end MRR is constant over intervals. Over a window of w months the cohort figure of a month needs the
level at its end and the level w months before: shift every interval by w, overlap it with the account's own intervals,
and each overlap adds a constant to the months it covers. Two rows per overlap (its first month, its first month after)
replace w x months rows per account.
"""

from __future__ import annotations

from laer.metrics.changes import BALANCE
from laer.records.expr import NumericValue, Table, greatest, ifelse, least, literal, ratio, remembered, running, union
from laer.records.periods import FAR

WINDOWS = (1, 3, 12)
OPENED = ("opened", "stay")  # columns of `opened_states` beside those of `month_states`


@remembered
def month_states(months: Table, by: tuple[str, ...] = ()) -> Table:
    """Intervals of months over which an account's month-end MRR stays the same and is above 0.

    Grain   account_id (x by) x from_m
    In      months  `account_months`, `booking.value_months` or `months.month_levels`: only months that moved
    Out     account_id, from_m, until_m (exclusive, FAR when open), level (parts)
    """
    keys = ["account_id", *by]
    known = "until_m" in months.columns
    until = months.until_m if known else months.m.lead().over(group_by=[months[k] for k in keys], order_by=months.m).fill_null(FAR)
    states = months.select(*keys, from_m=months.m, until_m=until, level=months.closing)
    return states.filter(states.level > 0)


@remembered
def opened_states(months: Table) -> Table:
    """`month_states` of a book in which lines without a known start were stated of accounts that paid already.

    Such an opening balance was paid before anybody knows: it is no growth, and retention takes it away from what is there at a
    window's end. One that brings an account (its first, or after it had left) stays: there is nothing beside which it would be growth.

    Grain   account_id x from_m
    In      months  `account_months` of event movements, with opening_balance
    Out     as `month_states`; opened (parts: opening balances beside what was paid, since the account last came), stay (how often it has come)
    Method  docs/methods/retention.md
    """
    kind = months.opening.type()
    zero = months.opening - months.opening
    t = months.mutate(came=(months.opening == 0).cast("int64"), beside=ifelse(months.opening > 0, months[BALANCE], zero))
    t = t.mutate(stay=t.came.sum().over(running("account_id", "m")).cast("int64"), until_m=t.m.lead().over(group_by=t.account_id, order_by=t.m).fill_null(FAR))
    t = t.mutate(opened=t.beside.sum().over(running(["account_id", "stay"], "m")).cast(kind))
    return t.select("account_id", "until_m", "opened", "stay", from_m=t.m, level=t.closing).filter(lambda s: s.level > 0)


@remembered
def retained(states: Table, windows: tuple[int, ...] = WINDOWS) -> Table:
    """What of the MRR of accounts that paid w months ago is still there, as changes per month.

    Grain   window x m
    In      states  `month_states` or `opened_states`
    Out     window, m, closing and kept: changes whose running sums over m are sum(closing MRR, without opening balances that were
            stated within the window) and sum(min(opening, closing)) over the accounts with MRR above 0 at the window's opening
    Holds   0 <= running kept <= running closing; running kept <= total MRR at m - window
    Method  docs/methods/retention.md
    """
    pairs = _overlaps(_shifted(states, windows), states)
    return _month_steps(
        pairs.select("window", "from_m", "until_m", closing=pairs.level, kept=least(pairs.level, pairs.past_level)), ("window",), states.level.type()
    )


def retained_without_price(states: Table, windows: tuple[int, ...] = (12,)) -> Table:
    """`retained` without what price has changed since the window's opening.

    From what an account pays at the window's end, the changes by price within the window are taken away; where it left and
    returned, those since it returned. What is left is at least 0. An account that left stays at 0.

    Grain   window x m
    In      states  `causes.price_states`
    Out     window, m, closing: changes whose running sums over m are the sum over the cohort
    Holds   == closing of `retained` where no change was by price; running closing >= 0
    Method  docs/methods/causes.md
    """
    past = [
        states.select(
            "account_id",
            window=literal(w, "int32"),
            past_price=states.price,
            past_stay=states.stay,
            past_from=(states.from_m + w).cast("int32"),
            past_until=(states.until_m + w).cast("int32"),
        )
        for w in windows
    ]
    then = union(*past) if len(past) > 1 else past[0]
    j = then.inner_join(states, [then.account_id == states.account_id, then.past_from < states.until_m, states.from_m < then.past_until])
    within = j.price - ifelse(j.stay == j.past_stay, j.past_price, j.past_price - j.past_price)
    pairs = j.select(
        "window", from_m=greatest(j.past_from, j.from_m), until_m=least(j.past_until, j.until_m), closing=greatest(j.level - within, j.level - j.level)
    )
    return _month_steps(pairs.mutate(kept=pairs.closing), ("window",), states.level.type()).drop("kept")


def retained_by_value(value_states: Table, states: Table, windows: tuple[int, ...] = WINDOWS) -> Table:
    """`retained` by the value that an account had at the window's opening (rule 12).

    An account that paid in several values then has its closing shared among them in proportion to its opening, so that
    values add up to the whole and GRR never passes 1.

    Grain   window x value x m
    In      value_states  `month_states` by value;  states  `month_states`
    Out     window, value, m, closing, kept (float64 parts: shares of exact amounts)
    """
    shares = _shares(value_states, states)
    pairs = _overlaps(_shifted(shares, windows), states)
    floats = pairs.mutate(level=pairs.level.cast("float64") * pairs.share, past_level=pairs.past_level.cast("float64") * pairs.share)
    return _month_steps(
        floats.select("window", "value", "from_m", "until_m", closing=floats.level, kept=least(floats.level, floats.past_level)), ("window", "value"), "float64"
    )


def _shares(value_states: Table, states: Table) -> Table:
    """Which share of an account's MRR each of its values had, over the intervals in which neither moved."""
    j = value_states.inner_join(states, "account_id", rname="{name}_all").filter(lambda t: (t.from_m < t.until_m_all) & (t.from_m_all < t.until_m))
    return j.select(
        "account_id",
        "value",
        share=ratio(j.level, j.level_all, None),
        level=j.level_all,
        **{c: j[c] for c in OPENED if c in j.columns},
        from_m=greatest(j.from_m, j.from_m_all),
        until_m=least(j.until_m, j.until_m_all),
    )


def behind_retained(states: Table, window: int, month: int, value_states: Table | None = None) -> Table:
    """The accounts that `retained` follows at the end of a month, or those of one value as `retained_by_value` does.

    Grain   account_id
    In      states  as of `retained`;  value_states  `month_states` by value, filtered to the value
    Out     account_id, before (what it paid `window` months before), after (what it pays now), closing and kept (what of that counts)
    Holds   sum(closing) and sum(kept) == those of `retained` at the month; sum(before) == the cohort's opening
    """
    past = _shifted(states if value_states is None else _shares(value_states, states), (window,))
    past = past.filter(past.past_from <= month, past.past_until > month)
    now = states.filter(states.from_m <= month, states.until_m > month)
    j = past.left_join(now.drop("from_m", "until_m").rename(of="account_id"), [past.account_id == now.account_id])
    before, after, counts = j.past_level, j.level.fill_null(0), _without_opened(j).fill_null(0)
    if value_states is not None:
        before, after, counts = (amount.cast("float64") * j.share for amount in (before, after, counts))
    return j.select("account_id", before=before, after=after, closing=counts, kept=least(counts, before))


def _shifted(states: Table, windows: tuple[int, ...]) -> Table:
    """Each interval as it is seen w months later."""
    rest = [c for c in states.columns if c not in ("from_m", "until_m", "level", *OPENED)]
    opened = {f"past_{c}": states[c] for c in OPENED if c in states.columns}
    return union(
        *[
            states.select(
                *rest,
                **opened,
                past_level=states.level,
                past_from=(states.from_m + w).cast("int32"),
                past_until=(states.until_m + w).cast("int32"),
                window=literal(w, "int32"),
            )
            for w in windows
        ]
    )


def _overlaps(past: Table, states: Table) -> Table:
    j = past.inner_join(states, [past.account_id == states.account_id, past.past_from < states.until_m, states.from_m < past.past_until])
    keep = [c for c in ("value", "share") if c in past.columns]
    return j.select("window", *keep, "past_level", level=_without_opened(j), from_m=greatest(j.past_from, j.from_m), until_m=least(j.past_until, j.until_m))


def _without_opened(j: Table) -> NumericValue:
    """What is there at a window's end, less the opening balances that were stated beside it within the window."""
    if "opened" not in j.columns:
        return j.level
    within = j.opened - ifelse(j.stay == j.past_stay, j.past_opened, j.past_opened - j.past_opened)
    return greatest(j.level - within, j.level - j.level)


def _month_steps(pairs: Table, keys: tuple[str, ...], kind: object) -> Table:
    """Amounts over intervals of months as changes: up in the first month, down in the first month after.

    Intervals are summed by their two ends first; what is left is as small as the months squared.
    """
    spans = pairs.group_by(*keys, "from_m", "until_m").agg(closing=pairs.closing.sum().cast(kind), kept=pairs.kept.sum().cast(kind))
    starts = spans.select(*keys, "closing", "kept", m=spans.from_m)
    ended = spans.filter(spans.until_m < FAR)
    ends = ended.select(*keys, closing=-ended.closing, kept=-ended.kept, m=ended.until_m)
    both = union(starts, ends)
    return both.group_by(*keys, "m").agg(closing=both.closing.sum().cast(kind), kept=both.kept.sum().cast(kind))
