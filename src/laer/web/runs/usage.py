"""Usage of one account by week, read from the lake: the last thirteen weeks that the lake has data for.

Reads only the months of those weeks, and in them only the row groups of the account (files are sorted by account).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from laer.records.types import UsageDay
from laer.web import home
from laer.web.book.aliases import former_numbers
from laer.web.runs.memory import Memory

WEEKS = 13
FEATURES = 40
READ = ("account_id", "day", "feature", "user_id", "count", "errors")

memory = Memory(200)


@dataclass(frozen=True)
class Feature:
    """One feature over the weeks; users are None where the source names none."""

    name: str
    users: int | None
    count: int
    last_on: date
    values: list[int]


@dataclass(frozen=True)
class Usage:
    """Weeks by their Monday, oldest first. Empty where the lake holds nothing, or nothing of the account.

    users   distinct users a week, None where no row names a user
    """

    weeks: list[date] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    users: list[int] | None = None
    features: list[Feature] = field(default_factory=list)
    last_on: date | None = None
    errors: int | None = None

    def __bool__(self) -> bool:
        return bool(self.weeks)


def weekly_usage(account_id: int, mark: Any = None) -> Usage:
    """Usage of the account; with a mark (the run shown) it is read once and remembered for that mark."""
    return memory.get(("usage", str(home.lake()), account_id), object() if mark is None else mark, lambda: _leased(account_id))


def _leased(account_id: int) -> Usage:
    from laer.engine.lake import Lake

    lake = Lake(home.lake())
    with lake.lease("usage_days") as lease:
        return Usage() if lease.version is None else _read(lake, lease, [account_id, *former_numbers(account_id)])


def _read(lake: Any, lease: Any, numbers: list[int]) -> Usage:
    """Parquet straight into Arrow: an engine would take longer to start than these few rows take to read."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    months = [month for month, rows in lake.counts("usage_days", lease).items() if rows]
    if not months:
        return Usage()
    # a day in the future is a mistake of a file; it must not hide the weeks that are
    last = min(_last_day(lake.files("usage_days", months[-1:], lease)), timezone.localdate())
    first = last - timedelta(days=last.weekday(), weeks=WEEKS - 1)
    near = [month for month in months if month >= f"{first:%Y-%m}"]
    files = ds.dataset(lake.files("usage_days", near, lease), format="parquet", schema=pa.schema([f for f in UsageDay.schema_of() if f.name in READ]))
    rows = files.to_table(filter=ds.field("account_id").isin(numbers) & (ds.field("day") >= first), use_threads=False)
    columns = [rows[name].to_pylist() for name in ("day", "feature", "user_id", "count", "errors")]
    return _usage(zip(*columns, strict=True), [first + timedelta(weeks=i) for i in range(WEEKS)])


def _last_day(files: list[str]) -> date:
    """The latest day in the files, from their footers."""
    import pyarrow.parquet as pq

    latest = date.min
    for path in files:
        footer = pq.read_metadata(path)
        column = footer.schema.to_arrow_schema().get_field_index("day")
        for group in range(footer.num_row_groups):
            said = footer.row_group(group).column(column).statistics
            latest = max(latest, said.max if said and said.has_min_max else max(pq.read_table(path, columns=["day"])["day"].to_pylist()))
    return latest


def _usage(rows: Iterable[tuple[date, str | None, str | None, int | None, int | None]], weeks: list[date]) -> Usage:
    by_week: dict[date, int] = dict.fromkeys(weeks, 0)
    users: dict[date, set[str]] = {week: set() for week in weeks}
    of_feature: dict[str, _Tally] = {}
    errors: int | None = None
    last: date | None = None
    for day, feature, user, count, failed in rows:
        week, n = day - timedelta(days=day.weekday()), 1 if count is None else count
        tally = of_feature.setdefault(feature or "not named", _Tally())
        by_week[week] += n
        tally.weeks[week] = tally.weeks.get(week, 0) + n
        tally.last = max(tally.last, day)
        last = day if last is None else max(last, day)
        if user is not None:
            users[week].add(user)
            tally.users.add(user)
        if failed is not None:
            errors = (errors or 0) + failed
    if last is None:
        return Usage()
    named = any(users.values())
    found = sorted(of_feature.items(), key=lambda f: (-sum(f[1].weeks.values()), f[0]))[:FEATURES]
    return Usage(
        weeks=weeks,
        counts=[by_week[w] for w in weeks],
        users=[len(users[w]) for w in weeks] if named else None,
        features=[Feature(name, len(t.users) if named else None, sum(t.weeks.values()), t.last, [t.weeks.get(w, 0) for w in weeks]) for name, t in found],
        last_on=last,
        errors=errors,
    )


@dataclass
class _Tally:
    weeks: dict[date, int] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    last: date = date.min


def rows_by_account(since: date | None = None) -> dict[int, int]:
    """Account -> rows of usage, since a day where one is given. Reads two columns of the months concerned."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    from laer.engine.lake import Lake

    lake = Lake(home.lake())
    with lake.lease("usage_days") as lease:
        counts = {} if lease.version is None else lake.counts("usage_days", lease)
        months = [m for m, rows in counts.items() if rows and (since is None or m >= f"{since:%Y-%m}")]
        if not months:
            return {}
        files = ds.dataset(lake.files("usage_days", months, lease), format="parquet")
        rows = files.to_table(columns=["account_id"], filter=None if since is None else ds.field("day") >= since)
        return {one["values"]: one["counts"] for one in pc.value_counts(rows["account_id"]).to_pylist()}
