"""What the accounts did with the product, day by day: working weeks, seasons, slow starts, growth, and the fading before a departure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from laer.sources.demo.cast import HISTORY
from laer.sources.demo.deals import Life, Line, Sub
from laer.sources.demo.market import AUTOMATIONS, FIELD, INSIGHTS, PLANNER, PLANS
from laer.sources.demo.seasons import add_months, usage_season

# feature, lowest plan that has it, actions of a seat and working day, seconds an action
FEATURES = (
    ("schedule_board", "Starter", 2.4, 38),
    ("work_orders", "Starter", 1.7, 55),
    ("mobile_check_in", "Starter", 1.5, 9),
    ("shift_swap", "Growth", 0.35, 41),
    ("report_export", "Growth", 0.12, 64),
    ("roster_templates", "Growth", 0.18, 85),
    ("api", "Scale", 3.2, 1),
    ("capacity_forecast", "Scale", 0.22, 120),
)
EXTRA_FEATURES = {
    FIELD.key: ("field_routes", "Starter", 1.1, 70),
    INSIGHTS.key: ("insights_dashboard", "Starter", 0.3, 150),
    AUTOMATIONS.key: ("automation_runs", "Starter", 2.0, 1),
}
ROWS_PER_ACCOUNT = 340  # at most, on average: 420 accounts stay below 150,000 rows

Row = tuple[int, str, str, str, int, int, int]  # day as ordinal, account, feature, subscription, count, seconds, errors


@dataclass
class Track:
    """One feature that an account uses: from when to when, on what share of the working days, how much."""

    life: Life
    sub: Sub
    feature: str
    first: int
    last: int
    share: float
    rate: float
    seconds: int


def usage_rows(lives: list[Life], rng: Random, as_of: date) -> list[Row]:
    """All usage of the last two years up to the day before `as_of`, in the order of the days."""
    start = add_months(as_of, -HISTORY)
    seasons = {region: [usage_season(start + timedelta(days=i), region) for i in range((as_of - start).days)] for region in ("EMEA", "else")}
    tracks = [track for life in lives if not life.profile.sparse for track in _tracks(life, rng, start.toordinal(), as_of.toordinal())]
    expected = sum((track.last - track.first) * 5 / 7 * 0.9 * track.share for track in tracks)
    thin = min(1.0, ROWS_PER_ACCOUNT * len(lives) / max(1.0, expected))
    rows = [row for track in tracks for row in _days(track, rng, start, seasons["EMEA" if track.life.profile.country.region == "EMEA" else "else"], thin)]
    rows.sort()
    return rows


def _tracks(life: Life, rng: Random, first: int, end: int) -> Iterator[Track]:
    """The features that the account takes up; some are never taken up, others only after months."""
    segment, fit = life.profile.segment, life.profile.fit
    for core in (sub for sub in life.subs if sub.product is PLANNER):
        start, last = core.lines[0].start.toordinal(), min(core.lines[-1].end.toordinal() if core.lines[-1].end else end, end)
        plan = PLANS.index(core.lines[-1].plan or "Starter")
        offered = [feature for feature in FEATURES if PLANS.index(feature[1]) <= plan]
        count = max(1, min(len(offered), rng.randint(*segment.features) - (1 if fit < 0.4 else 0)))
        chosen = [offered[0], *rng.sample(offered[1:], count - 1)]
        for place, (feature, _, rate, seconds) in enumerate(chosen):
            begins = start + (rng.randint(0, 12) if place < 2 else rng.randint(10, 240))
            if max(begins, first) < last:
                yield Track(life, core, feature, max(begins, first), last, min(0.97, segment.daily * rng.uniform(0.75, 1.25)), rate, seconds)
    for sub in life.subs:
        if sub.product.key in EXTRA_FEATURES:
            feature, _, rate, seconds = EXTRA_FEATURES[sub.product.key]
            begins, last = (
                max(sub.lines[0].start.toordinal() + rng.randint(2, 30), first),
                min(sub.lines[-1].end.toordinal() if sub.lines[-1].end else end, end),
            )
            if begins < last and rng.random() < 0.35 + fit / 2:
                yield Track(life, sub, feature, begins, last, min(0.97, segment.daily * 0.8), rate, seconds)


def _days(track: Track, rng: Random, start: date, season: list[float], thin: float) -> Iterator[Row]:
    life, fit, base = track.life, track.life.profile.fit, start.toordinal()
    begun = track.sub.lines[0].start.toordinal()
    fading = {churn.fading_from.toordinal(): churn.effective.toordinal() for churn in life.churns if churn.fading_from}
    dips = [(a.toordinal(), b.toordinal()) for a, b in life.dips]
    clumsy = any(churn.reason in ("support", "product gap") for churn in life.churns)
    level = 0.25 + 0.75 * fit + rng.uniform(-0.08, 0.08)  # part of the seats that really work with it
    ramp = 30 + 90 * (1 - fit)  # days until it is in full use
    random, key, sub_key = rng.random, life.profile.key, track.sub.key
    line, lines = track.sub.lines[0], iter(track.sub.lines[1:])
    following: Line | None = next(lines, None)
    for day in range(track.first, track.last):
        if following and following.start.toordinal() <= day:
            line, following = following, next(lines, None)
        if line.end and line.end.toordinal() <= day:
            continue  # a gap before a late renewal
        alive = season[day - base] * week(day)
        for a, b in fading.items():
            if a <= day < b:
                alive *= max(0.15, 1 - 1.15 * (day - a) / max(30, (b - a) * 0.75))
        for a, b in dips:
            if a <= day < b:
                alive *= 0.45
        if random() >= track.share * thin * min(1.0, 0.25 + 0.8 * alive if alive > 0.1 else alive):
            continue
        full = min(1.0, 0.2 + 0.8 * (day - begun) / ramp)
        count = int(line.seats * track.rate * level * alive * full * (0.7 + 0.6 * random()) + random())
        if count < 1:
            continue
        errors = int(count * 0.02 * random() + (0.06 if clumsy else 0.0) * count * random() + 0.25 * random())
        yield day, key, track.feature, sub_key, count, int(count * track.seconds * (0.75 + 0.5 * random())), errors


def week(ordinal: int) -> float:
    """Share of an ordinary working day: Monday is busiest, Friday calmer, few work on the weekend."""
    return (0.04, 1.08, 1.04, 1.0, 0.99, 0.88, 0.07)[ordinal % 7]
