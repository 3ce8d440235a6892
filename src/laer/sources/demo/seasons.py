"""The year of the invented firm: when deals are signed, when people work, when usage dips."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from random import Random

# How much is signed in a month against an ordinary one: the fourth quarter is heavy, summer is thin, quarter ends pull.
SIGNING = (0.75, 0.85, 1.15, 0.80, 0.90, 1.20, 0.65, 0.55, 1.10, 1.20, 1.45, 1.80)
# How much people use the product in a month against an ordinary one.
USAGE = (1.00, 1.02, 1.03, 1.00, 0.99, 0.96, 0.86, 0.80, 1.00, 1.04, 1.05, 0.95)
USAGE_EMEA = (1.00, 1.02, 1.03, 0.98, 0.96, 0.97, 0.80, 0.64, 1.02, 1.05, 1.06, 0.93)


def add_months(day: date, months: int) -> date:
    """The same day of the month, some months on; the last day where the month is shorter."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_end_before(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


def signing_days(rng: Random, first: date, last: date, count: int, growth: float) -> list[date]:
    """`count` days in [first, last] on which deals start: working days, seasonal, growing by `growth` a month, in order.

    Drawn evenly over the cumulated weight, so that the number of deals in a season hardly depends on luck.
    """
    days, total, cumulated = [], 0.0, []
    day = first
    while day <= last:
        if day.weekday() < 5:
            months = (day - first).days / 30.44
            late_in_quarter = 1.6 if day.month % 3 == 0 and day.day > 15 else 1.0
            total += SIGNING[day.month - 1] * (1 + growth * months) * late_in_quarter
            days.append(day)
            cumulated.append(total)
        day += timedelta(days=1)
    picked, at = [], 0
    for i in range(count):
        mark = (i + rng.random()) / count * total
        while cumulated[at] < mark:
            at += 1
        picked.append(days[at])
    return picked


def usage_season(day: date, region: str) -> float:
    """Share of ordinary usage on that day, weekends aside: summer dips, more so in Europe, and the turn of the year."""
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return 0.22
    return (USAGE_EMEA if region == "EMEA" else USAGE)[day.month - 1]
