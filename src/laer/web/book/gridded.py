"""A grid of months says all that its customers pay in its months: what the book had of them there and it does not say any more, goes.

A line of the grid takes the place of what its subscription had before (`cuts`). Two things need a row of their own: a
grid that begins with blanks where the book has MRR (it ends there, by a line of 0), and a line of an earlier grid that
this one no longer states (its end moves to its start, so that it never counts). Both are rows like any other: listed,
counted, and taken back by undo.

A grid may also come after one of later months: then its last month stays open only until the first of those in which the
later grid has a blank (`_over_by_then`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet

from laer.records.batch import Batch, Reject
from laer.records.periods import first_day
from laer.sources.tabular.grid import GridTable
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import ExternalId, SubscriptionLine
from laer.web.book.staging import Stage
from laer.web.book.undated import Heard

Parts = Iterable[tuple[Batch, list[Reject]]]
LOT = 5_000
NAMED = 10  # of several, those that a note names


@dataclass
class _Grid:
    """first, after  the days from and until which the grid speaks, the end exclusive
    starts        subscription -> first days of its lines in the grid
    accounts      names or ids of those that it has
    blank         subscription -> (row of 0, its line in the file) from the first month, where that is blank
    open          what goes on after the last month
    broken        lines of the file of which a cell could not be read: what they do not state may stand in that cell
    """

    first: date
    after: date
    starts: dict[str, set[date]] = field(default_factory=dict)
    blank: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    lines: dict[str, set[int]] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    open: dict[str, str] = field(default_factory=dict)


def whole(parts: Parts, table: GridTable, stage: Stage, heard: Heard, later: Callable[[int], Iterable[Parts]]) -> Iterator[tuple[Batch, list[Reject]]]:
    """The batches of a grid, and behind them what it no longer says.

    In   later  the grids of this source that stand in the book already and begin at a month or after it, oldest first
    """
    grid = _Grid(first_day(table.first), first_day(table.through + 1))
    file = table.title
    for batch, rejects in parts:
        grid.broken.update(reject.line for reject in rejects)
        _read(grid, batch)
        yield batch, rejects
    ends = Batch("subscription_lines", file)
    for names in _lots(sorted(grid.starts.keys() | grid.blank.keys())):
        _unsaid(grid, stage, names, ends)
    for parts_of_later in later(table.through + 1):
        _over_by_then(grid, parts_of_later, ends, heard)
    if not grid.broken:
        heard.dropped |= _dropped(grid, stage)
        heard.beside |= _beside(grid, stage)
    heard.gridded |= set(stage.resolve("subscriptions", grid.starts.keys() | grid.blank.keys()).values())
    if ends.rows:
        yield ends, []


def _read(grid: _Grid, batch: Batch) -> None:
    kept = []
    for i, row in enumerate(batch.rows):
        name = subscription_of(row)
        grid.lines.setdefault(name, set()).add(batch.lines[i])
        if row.get("account_id"):
            grid.accounts.add(str(row["account_id"]))
        if row.get("start_on") == grid.first and not any(row.get(c) for c in ("mrr", "arr", "amount")):
            grid.blank[name] = (row, batch.lines[i])
            continue
        row["cuts"] = True
        if row.get("end_on") is None:
            grid.open[name] = str(row.get("account_id") or "")
        grid.starts.setdefault(name, set()).add(row["start_on"])
        kept.append(i)
    batch.keep(kept)


def subscription_of(row: dict[str, Any]) -> str:
    """The id of a line's subscription: its own, else the one that its account and product make."""
    return str(row.get("subscription_id") or f"{row['account_id']}/{row.get('product_id') or row.get('plan') or 'subscription'}")


def _unsaid(grid: _Grid, stage: Stage, names: list[str], ends: Batch) -> None:
    known = {number: name for name, number in stage.resolve("subscriptions", names).items() if number > 0 and name in set(names)}
    lines = SubscriptionLine.objects.filter(subscription_id__in=known, archived_at=None, start_on__lt=grid.after, mrr_num__gte=0)
    there = {row["id"]: row for row in lines.values("id", "account_id", "subscription_id", "start_on", "end_on", "mrr_num", "mrr_den")}
    stated: dict[int, str] = {}
    for ids in _lots(sorted(there)):
        held = ExternalId.objects.filter(source=stage.source, record="subscription_lines", object_id__in=ids).exclude(row_hash=TAKEN_OUT)
        stated |= dict(held.values_list("object_id", "external_id"))
    stops: set[str] = set()  # what has MRR where the grid begins with a blank
    for number, key in stated.items():
        line = there[number]
        name, start, end = known[line["subscription_id"]], line["start_on"], line["end_on"]
        counts = end is None or end > max(start, grid.first)
        if start <= grid.first and name in grid.blank:
            stops |= {name} if counts and line["mrr_num"] else set()
        elif start >= grid.first and counts and start not in grid.starts.get(name, ()) and not grid.lines[name] & grid.broken:
            _add(ends, _ended(stage, line), key, min(grid.lines[name]))
    for name in sorted(stops):
        row, line_in_file = grid.blank[name]
        _add(ends, row | {"cuts": True}, None, line_in_file)


def _over_by_then(grid: _Grid, later: Parts, ends: Batch, heard: Heard) -> None:
    """End by a line of 0 what is open after the last month, where a later grid begins with a blank; note whom it does not have at all."""
    there: set[str] = set()
    accounts: set[str] = set()
    for batch, _rejects in later:
        for row in batch.rows:
            name = subscription_of(row)
            there.add(name)
            accounts.add(str(row.get("account_id") or ""))
            blank = name in grid.open and not any(row.get(c) for c in ("mrr", "arr", "amount"))
            if blank:
                _add(ends, row | {"cuts": True}, None, min(grid.lines[name]))
                grid.open.pop(name)
    gone = {name for name in grid.open if name not in there and grid.open[name] not in accounts}
    heard.not_later |= {grid.open[name] for name in gone}
    for name in there | gone:  # it goes on there, or has been told of
        grid.open.pop(name, None)


def _ended(stage: Stage, line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it stands, but for its end, which is its start."""
    account, subscription = f"#{line['account_id']}", f"#{line['subscription_id']}"
    stage.learn("accounts", [(account, line["account_id"])])
    stage.learn("subscriptions", [(subscription, line["subscription_id"])])
    monthly = Fraction(line["mrr_num"], line["mrr_den"])
    amount = {"mrr": _decimal(monthly)} if Fraction(_decimal(monthly)) == monthly else {"arr": _decimal(12 * monthly)}  # 1000.55 a year has no end as MRR
    row = {"account_id": account, "subscription_id": subscription, "start_on": line["start_on"], "end_on": line["start_on"], "cuts": False}
    return row | amount | {"ended_because": "correction"}


def _dropped(grid: _Grid, stage: Stage) -> set[int]:
    """Accounts that a grid or list of this source had, that pay at the end of this grid's last month by that, and that it has no row for."""
    paying = set(_paid(grid, stage).values_list("account_id", flat=True))
    return paying - set(stage.resolve("accounts", grid.accounts).values())


def _beside(grid: _Grid, stage: Stage) -> set[int]:
    """Such lines of the accounts that it does have: whether it names their subscriptions is known once all grids of the import are read."""
    accounts = sorted(number for number in stage.resolve("accounts", grid.accounts).values() if number > 0)
    return {pk for ids in _lots(accounts) for pk in _paid(grid, stage).filter(account_id__in=ids).values_list("id", flat=True)}


def _paid(grid: _Grid, stage: Stage) -> QuerySet[SubscriptionLine]:
    """Lines of this source's grids and lists that have MRR at the end of the grid's last month."""
    lines = SubscriptionLine.objects.filter(archived_at=None, mrr_num__gt=0, start_on__lt=grid.after).exclude(end_on__lt=grid.after)
    stated = ExternalId.objects.filter(source=stage.source, record="subscription_lines", external_id__startswith="~").exclude(row_hash=TAKEN_OUT)
    return lines.filter(id__in=stated.values("object_id"))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _add(batch: Batch, row: dict[str, Any], key: str | None, line: int) -> None:
    batch.rows.append(row)
    batch.keys.append(key)
    batch.lines.append(line)
    batch.raw.append({})


def _lots(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), LOT):
        yield values[start : start + LOT]
