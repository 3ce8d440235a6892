"""The spine: keys and dates at which facts are wanted, and the only two ways in which a measure may look at records.

`within` gives what happened in a window that ends on the date, `alive` what held on it. A measure is an aggregate over
one of the two, so it cannot see the future by construction; and tonight's facts, a chart's and a back-test's are one code.
"""

from __future__ import annotations

from dataclasses import dataclass

from laer.records.expr import Scalar, Table, bit_count, greatest, ifelse, least, literal, table, union

BLOCK = 28  # days whose activity one integer of a block holds, a bit each
REACH = 366  # days before a date up to which measures read the lake
KEYS = {"account_id": "int64", "d": "int32"}


@dataclass(frozen=True)
class Spine:
    """Accounts and dates, bound to an engine as `spine` (account_id, d) and `spine_dates` (d).

    It holds no date itself, so that an expression over it is built and compiled once for all of them; what lies outside
    the dates is pruned by a look at `spine_dates` before any join.

    rectangular  whether every account has every date: then large sources are joined on the dates alone, which is quicker
                 by half and explodes on other spines
    """

    rectangular: bool = True

    @property
    def keys(self) -> Table:
        return table(KEYS, "spine")

    @property
    def dates(self) -> Table:
        return table({"d": "int32"}, "spine_dates")

    @property
    def lo(self) -> Scalar:
        return self.dates.d.min().as_scalar()

    @property
    def hi(self) -> Scalar:
        return self.dates.d.max().as_scalar()

    def within(self, rows: Table, day: str, days: int, *, large: bool = False) -> Table:
        """What happened in (d - days, d]: the rows beside each such date `d`.

        In   rows  with account_id;  day  its column of day numbers;  days  length of the window;  large  rows of the lake
        Out  the columns of `rows`, and d
        """
        near = rows.filter(rows[day] <= self.hi, rows[day] > self.lo - days)
        at = self._at(large)
        return near.inner_join(at, [*self._same(near, at), near[day] <= at.d, at.d < near[day] + days]).select(*near.columns, d=at.d)

    def alive(self, rows: Table, start: str, end: str, *, large: bool = False) -> Table:
        """What held on d: start <= d < end, open ends being FAR. Out: the columns of `rows`, and d."""
        near = rows.filter(rows[start] <= self.hi, rows[end] > self.lo)
        at = self._at(large)
        return near.inner_join(at, [*self._same(near, at), near[start] <= at.d, at.d < near[end]]).select(*near.columns, d=at.d)

    def last_28_days(self, blocks: Table) -> Table:
        """On which of the 28 days up to d an actor (a user, a feature) was active.

        In   blocks  account_id, actor, block (day // 28), mask (bit day % 28): sealed blocks never change
        Out  account_id, actor, d, mask: bit 27 is d itself, bit 0 the day 27 days before; actors without activity have no row
        """
        seen = blocks.filter(blocks.block <= self.hi // BLOCK, blocks.block >= self.lo // BLOCK - 1)
        at = self._at(large=True)
        at = at.mutate(k=at.d // BLOCK, o=at.d % BLOCK)
        both = union(at.mutate(b=at.k), at.mutate(b=at.k - 1))  # an equality on b joins much quicker than an alternative of two
        joined = seen.inner_join(both, [*self._same(seen, both), seen.block == both.b])
        placed = joined.select(seen.account_id, seen.actor, both.d, both.o, m=ifelse(both.b == both.k, seen.mask * (1 << BLOCK), seen.mask))
        days = placed.group_by("account_id", "actor", "d", "o").agg(m=placed.m.sum().cast("int64"))
        days = days.select("account_id", "actor", "d", mask=(days.m >> (days.o + 1).cast("int64")) & ((1 << BLOCK) - 1))
        return days.filter(days.mask != 0)

    def days_of_blocks(self, blocks: Table, days: int) -> Table:
        """On how many of the `days` up to d an actor was active.

        In   blocks  as `last_28_days` takes them
        Out  account_id, actor, d, days: at least 1; actors without activity have no row
        """
        near = blocks.filter(blocks.block <= self.hi // BLOCK, blocks.block >= (self.lo - days + 1) // BLOCK)
        near = near.mutate(begins=(near.block * BLOCK).cast("int32"), ends=(near.block * BLOCK + BLOCK + days - 1).cast("int32"))
        at = self._at(large=True)
        joined = near.inner_join(at, [*self._same(near, at), near.begins <= at.d, at.d < near.ends])
        rows = joined.select(near.account_id, near.actor, at.d, near.mask, last=at.d - near.begins)
        low, high = greatest(rows["last"] - days + 1, literal(0)), least(rows["last"], literal(BLOCK - 1))
        one = literal(1, "int64")
        inside = (one << (high + 1).cast("int64")) - (one << low.cast("int64"))
        counted = rows.group_by("account_id", "actor", "d").agg(days=bit_count(rows.mask & inside).sum().cast("int64"))
        return counted.filter(counted.days > 0)

    def _at(self, large: bool) -> Table:
        return self.dates if large and self.rectangular else self.keys

    @staticmethod
    def _same(near: Table, at: Table) -> list[object]:
        return [near.account_id == at.account_id] if "account_id" in at.columns else []
