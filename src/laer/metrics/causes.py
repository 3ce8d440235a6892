"""Why an account's MRR rose or fell: each expansion and contraction split by what changed in its lines (rule 16).

What is in force is compared before and after a day, per *item*: the lines of an account with one product, plan and
currency taken together. Comparing what is in force, not which line follows which, needs no ids and no guess at pairs.
"""

from __future__ import annotations

from laer.metrics.changes import LINE_COLUMNS, mrr_changes
from laer.metrics.shares import near, whole
from laer.records.expr import NumericValue, Table, cases, greatest, ifelse, literal, ratio, running, table, union
from laer.records.periods import FAR

CAUSES = ("price", "seats", "plan", "product", "discount", "currency", "mixed")
NO_CAUSE = "-"  # under which new, reactivation and churn stand
FACTS = {"product": "string", "plan": "string", "currency": "string", "units": "int64", "list_parts": "float64"}
ITEM = ("account_id", "product", "plan", "currency")
SAME_PRICE = 1e-4  # amounts come rounded to cents: unit prices and discount rates so near are one
SAME_LIST = 1e-9


def facts_table(account_type: str = "int64", parts_type: str = "int64", name: str = "lines", *, book: bool = False) -> Table:
    """The unbound input: lines with what causes compare.

    Grain   one row per accepted subscription line
    Columns those of `changes.lines_table`; product, plan, currency ('' and null alike: not said); units: seats, else
            quantity, in whole millionths, null where not said; list_parts: parts before discounts, null where not said
    """
    return table(LINE_COLUMNS | {"account_id": account_type, "parts": parts_type} | FACTS | ({"unknown": "boolean"} if book else {}), name=name)


def bridged(lines: Table, gap_days: int) -> Table:
    """Lines that end where an account falls to 0 last until its return, where that is near enough (rule 9).

    Grain   line
    Holds   `mrr_changes(bridged(lines, n)) == mrr_changes(lines, n)`
    """
    if not gap_days:
        return lines
    levels = mrr_changes(lines)
    ordered = {"group_by": levels.account_id, "order_by": levels.d}
    falls = levels.mutate(back_d=levels.d.lead().over(**ordered), back_m=levels.m.lead().over(**ordered))
    falls = falls.filter(falls.after == 0, falls.back_d - falls.d <= gap_days).select("back_d", "back_m", account="account_id", fall_d="d")
    j = lines.left_join(falls, [lines.account_id == falls.account, lines.end_d == falls.fall_d])
    kept = [j[c] for c in lines.columns if c not in ("end_d", "end_m")]
    return j.select(*kept, end_d=j.back_d.fill_null(j.end_d), end_m=j.back_m.fill_null(j.end_m))


def item_changes(lines: Table, net: bool = False) -> Table:
    """What was in force of each item before and after each day on which it changed.

    Grain   account_id x product x plan x currency x d
    In      lines  `facts_table` (bridged);  net  compare closings of months instead of days: d is the month
    Out     n (lines), mrr (parts), units, blind (lines without units), listed, unlisted (lines without a list amount), each
            as _before and _after; m
    """
    start, end = (lines.start_m, lines.end_m) if net else (lines.start_d, lines.end_d)
    live = lines.filter(lines.parts != 0, start < end)
    start, end = (live.start_m, live.end_m) if net else (live.start_d, live.end_d)
    said = [live[c].fill_null("").name(c) for c in ("product", "plan", "currency")]
    starts = live.select("account_id", *said, d=start, m=live.start_m, **_measures(live, 1))
    ends = live.select("account_id", *said, d=end, m=live.end_m, **_measures(live, -1))
    points = union(starts, ends.filter(ends.d < FAR))
    kinds = {n: points[n].type() for n in MEASURES}
    days = points.group_by(*ITEM, "d").agg(m=points.m.max(), **{n: points[n].sum().cast(kinds[n]) for n in MEASURES})
    over = running(list(ITEM), "d")
    levels = days.mutate(**{f"{n}_after": days[n].sum().over(over).cast(kinds[n]) for n in MEASURES})
    before = {f"{n}_before": levels[f"{n}_after"] - levels[n] for n in MEASURES}
    return levels.select(*ITEM, "d", "m", *[f"{n}_after" for n in MEASURES], **before)


MEASURES = ("n", "mrr", "units", "blind", "listed", "unlisted")


def _measures(live: Table, sign: int) -> dict[str, NumericValue]:
    zero = literal(0, "int64")
    plus: dict[str, NumericValue] = {
        "n": literal(1, "int64"), "mrr": live.parts, "units": live.units.fill_null(zero), "blind": live.units.isnull().cast("int64"),
        "listed": live.list_parts.fill_null(literal(0.0, "float64")), "unlisted": live.list_parts.isnull().cast("int64"),
    }  # fmt: skip
    return plus if sign > 0 else {n: -v for n, v in plus.items()}


def item_causes(items: Table) -> Table:
    """The change of each item by its cause, what has none left out: that is `mixed`.

    Grain   item x d
    In      items  `item_changes`
    Out     account_id, d, m, and a column of signed parts per cause but mixed
    Holds   |sum of the causes| <= |change of the item| (plus one part)
    Method  docs/methods/causes.md
    """
    t = items
    delta = t.mrr_after - t.mrr_before
    zero = delta - delta
    stays = (t.n_before > 0) & (t.n_after > 0)
    came, went = (t.n_before == 0).cast("int64"), (t.n_after == 0).cast("int64")
    within = {"group_by": [t.account_id, t.d, t.product, t.plan]}
    t = t.mutate(delta=delta, stays=stays, came=came, went=went, change=t.units_after - t.units_before, unsaid=t.blind_before + t.blind_after)
    gone = ~t.stays
    t = t.mutate(
        swapped=(t.came.sum().over(**within) > 0) & (t.went.sum().over(**within) > 0),
        grew=ifelse(gone, t.change, t.change - t.change).sum().over(**within),
        unsaid_there=ifelse(gone, t.unsaid, t.unsaid - t.unsaid).sum().over(**within),
    )
    beside = {"group_by": [t.account_id, t.d, t.product]}
    open_came, open_went = ifelse(t.swapped, 0, t.came), ifelse(t.swapped, 0, t.went)
    t = t.mutate(replaced=(open_came.sum().over(**beside) > 0) & (open_went.sum().over(**beside) > 0))
    gone = ~t.stays
    same_size = (t.unsaid_there > 0) | (t.grew == 0)
    zero = t.delta - t.delta
    parts = _within_item(t)
    named = {
        **{n: ifelse(t.stays, parts[n], zero) for n in ("price", "seats", "discount")},
        "currency": ifelse(gone & t.swapped & same_size, t.delta, zero),
        "plan": ifelse(gone & ~t.swapped & t.replaced, t.delta, zero),
        "product": ifelse(gone & ~t.swapped & ~t.replaced, t.delta, zero),
    }
    return t.select("account_id", "d", "m", **named)


def _within_item(t: Table) -> dict[str, NumericValue]:
    """Price, seats and discount of an item that was there before and is there after."""
    n0, n1, u0, u1, l0, l1 = t.mrr_before, t.mrr_after, t.units_before, t.units_after, t.listed_before, t.listed_after
    zero = t.delta - t.delta
    counted = (t.unsaid == 0) & (u0 > 0) & (u1 > 0)
    listed = (t.unlisted_before + t.unlisted_after == 0) & (l0 > 0) & (l1 > 0)
    same_units, same_price = counted & (u0 == u1), counted & near(ratio(n0, u0, None), ratio(n1, u1, None), SAME_PRICE)
    same_list, same_rate = listed & near(l0, l1, SAME_LIST), listed & near(ratio(n0, l0, None), ratio(n1, l1, None), SAME_PRICE)
    discount = same_list & (~counted | same_units)
    both = listed & ~same_rate & ~same_list & same_units
    plain = ~listed | same_rate
    price, seats = plain & same_units, plain & ~same_units & same_price
    mix = plain & counted & ~same_units & ~same_price
    by_list, by_rate = _alone(n0, n1, l0, l1)
    by_units, by_price = _alone(n0, n1, u0, u1)
    return {
        "price": cases((price, t.delta), (both, by_list), (mix, by_price), else_=zero),
        "seats": cases((seats, t.delta), (mix, by_units), else_=zero),
        "discount": cases((discount, t.delta), (both, by_rate), else_=zero),
    }


def _alone(n0: NumericValue, n1: NumericValue, x0: NumericValue, x1: NumericValue) -> tuple[NumericValue, NumericValue]:
    """An amount is x times y, and both moved: what x alone, and what y alone, would have changed from the smaller of each.

    Only where both moved the same way; what they changed together is left over, and so is all of it where they moved against
    each other: an order of the two would have to be chosen, and figures would depend on it.
    """
    y0, y1 = ratio(n0, x0, None), ratio(n1, x1, None)
    up, down = (x1 > x0) & (y1 > y0), (x1 < x0) & (y1 < y0)
    small_n, small_x = ifelse(down, n1, n0), ifelse(down, x1, x0)
    large_n, large_x = ifelse(down, n0, n1), ifelse(down, x0, x1)
    kind, zero = n0.type(), n0 - n0
    by_x = greatest(whole(small_n.cast("float64") * ratio(large_x, small_x, None), kind) - small_n, zero)
    by_y = greatest(whole(large_n.cast("float64") * ratio(small_x, large_x, None), kind) - small_n, zero)
    return cases((up, by_x), (down, -by_x), else_=zero), cases((up, by_y), (down, -by_y), else_=zero)


def cause_changes(found: Table, changes: Table) -> Table:
    """Each day's change of an account by cause, in the form of `changes.value_changes`, for `booking.booked`.

    Days on which the account comes or leaves, and the rise of an opening balance, have no cause: all of their change stands
    under NO_CAUSE. On other days mixed is what the named causes leave of the change, so that nothing is lost.

    Grain   account_id x value (a cause) x d
    In      found  `item_causes`;  changes  `mrr_changes` or `month_changes` (then items by month)
    Out     account_id, value, d, m, delta
    Holds   sum over values of delta == delta of `changes` (0 where that has no row)
    Method  docs/methods/causes.md
    """
    kind = changes.delta.type()
    edge = (changes.before == 0) | (changes.after == 0)
    if "unknown" in changes.columns:  # an opening balance beside what is paid already
        edge = edge | (changes.unknown & (changes.delta > 0))
    edges, inner = changes.filter(edge), changes.filter(~edge)
    days = edges.select("account_id", "d")
    each = [found.select("account_id", "d", "m", delta=found[n].cast(kind)).mutate(value=literal(n)) for n in CAUSES[:-1]]
    named = union(*each)
    named = named.filter(named.delta != 0).anti_join(days, ["account_id", "d"]).select("account_id", "value", "d", "m", "delta")
    rest = named.select("account_id", "d", "m", value=literal(CAUSES[-1]), delta=-named.delta).select("account_id", "value", "d", "m", "delta")
    whole_days = [
        t.select("account_id", "d", "m", "delta", value=literal(v)).select("account_id", "value", "d", "m", "delta")
        for t, v in ((inner, CAUSES[-1]), (edges, NO_CAUSE))
    ]
    rows = union(named, rest, *whole_days)
    sums = rows.group_by("account_id", "value", "d").agg(m=rows.m.max(), delta=rows.delta.sum().cast(kind))
    return sums.filter(sums.delta != 0)


def price_states(changes: Table, by_cause: Table) -> Table:
    """Intervals of months over which an account's month-end MRR stays the same, with what price (and no sale) has changed in it so far.

    Grain   account_id x from_m
    In      changes  `mrr_changes`;  by_cause  their `cause_changes`
    Out     account_id, from_m, until_m (exclusive), level (parts), price (signed parts since the account last came), stay
            (how often it has come)
    Holds   level as in `retention.month_states`
    """
    kind = changes.delta.type()
    zero = literal(0, "int64")
    prices = by_cause.filter(by_cause.value == "price")
    beside = zero.cast(kind)
    if "unknown" in changes.columns:  # an opening balance beside what is paid is no growth either, see `retention.opened_states`
        beside = ifelse(changes.unknown & (changes.delta > 0) & (changes.before > 0), changes.delta, changes.delta - changes.delta)
    points = union(
        changes.select("account_id", "d", "m", delta=changes.delta, price=beside, came=(changes.before == 0).cast("int64")),
        prices.select("account_id", "d", "m", delta=zero.cast(kind), price=prices.delta, came=zero),
    )
    days = points.group_by("account_id", "d").agg(
        m=points.m.max(), delta=points.delta.sum().cast(kind), price=points.price.sum().cast(kind), came=points.came.sum().cast("int64")
    )
    over = running("account_id", "d")
    days = days.mutate(level=days.delta.sum().over(over).cast(kind), stay=days.came.sum().over(over).cast("int64"))
    days = days.mutate(
        price=days.price.sum().over(running(["account_id", "stay"], "d")).cast(kind), m_next=days.m.lead().over(group_by=days.account_id, order_by=days.d)
    )
    last = days.filter(days.m_next.isnull() | (days.m_next != days.m))
    states = last.select("account_id", "level", "price", "stay", from_m=last.m, until_m=last.m_next.fill_null(FAR))
    return states.filter(states.level > 0)
