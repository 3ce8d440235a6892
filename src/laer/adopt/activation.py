"""The rule by which an account counts as activated: a firm's own words, with one that ships.

N times, by M users, within D days: the first day that ends such a stretch is the day of activation. It is known on that
day and never taken back.
"""

from __future__ import annotations

from dataclasses import dataclass

from laer.records.expr import Table, literal, table, window

LONGEST, MOST = 365, 1_000_000
DOING = {"account_id": "int64", "actor": "int64", "day_d": "int32", "n": "int64"}


@dataclass(frozen=True)
class ActivationRule:
    """feature  what has to be done, as the source names it; "": anything
    times    at least so often, summed over the days
    users    by at least so many different users; above 1 nothing is known where the source names no users
    days     within so many days, the last one included
    """

    feature: str = ""
    times: int = 10
    users: int = 1
    days: int = 14

    def __post_init__(self) -> None:
        for name, most in (("times", MOST), ("users", MOST), ("days", LONGEST)):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= most:
                raise ValueError(f"activation rule: {name} is {value!r}, expected a whole number from 1 to {most}")


SHIPPED = ActivationRule()


def first_days(rule: ActivationRule) -> Table:
    """The first day on which each account reaches the rule.

    Grain   account_id; an account that never reached it has no row
    In      doing  what counts for the rule, in the session: account_id, actor (a user, null unnamed), day_d, n
    Out     account_id, on_d
    Method  docs/methods/activation.md
    """
    doing = table(DOING, "doing")
    daily = doing.group_by("account_id", "day_d").agg(n=doing.n.sum().cast("int64"))
    reach = window(group_by=daily.account_id, order_by=daily.day_d, range=(-(rule.days - 1), 0))
    summed = daily.mutate(times=daily.n.sum().over(reach))
    enough = summed.filter(summed.times >= rule.times).select("account_id", "day_d")
    if rule.users > 1:
        enough = enough.inner_join(_by_users(doing, rule), ["account_id", "day_d"]).select("account_id", "day_d")
    return enough.group_by("account_id").agg(on_d=enough.day_d.min().cast("int32"))


def _by_users(doing: Table, rule: ActivationRule) -> Table:
    """Days on which the stretch that ends with them holds enough different users. Each is counted on the days that its own day reaches."""
    who = doing.filter(doing.actor.notnull()).select("account_id", "actor", "day_d").distinct()
    days = doing.select("account_id", ends_d=doing.day_d).distinct()
    near = days.inner_join(who, [days.account_id == who.account_id, who.day_d <= days.ends_d, days.ends_d < who.day_d + literal(rule.days)])
    found = near.group_by("account_id", "ends_d").agg(users=near.actor.nunique())
    return found.filter(found.users >= rule.users).select("account_id", day_d=found.ends_d)

