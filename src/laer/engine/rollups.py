"""Usage as measures read it: who and what was active on which days, and how much was done on each.

Blocks of 28 days hold a bit per day, so that the users of any 28 days are counted without looking at events again, at any
date and without state. They rest beside the lake in a Delta table of their own, partitioned by block, which is brought up
to date by the files that are new since the version of usage that it names; a block of other days is never written again.
What a block holds is a function of the lake's rows of its days and of nothing else: it can be made anew at any time.

An actor is a user, or a feature, of one account; accounts are the numbers that the lake knows, merges are applied at read.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from laer.engine import leases
from laer.engine.lake import ATTEMPTS, ZSTD, Changed, Lake
from laer.engine.session import DuckDBSession
from laer.engine.sifting import text

USAGE, FOLDER = "usage_days", "_rollups"
BLOCK = 28
ENDLESS = 2**31
NAMES = ("user_blocks", "feature_blocks", "account_days")
GAP = 180  # days between two days of use that still are a rhythm; what is read for any date reaches back twice as far
SCHEMA = pa.schema(
    [
        ("account_id", pa.int64()), ("actor", pa.int64()),  # of account days the day
        ("mask", pa.int64()),  # of users and features: bit day % 28 of each active day
        ("n", pa.int64()), ("errors", pa.int64()),  # of account days
        ("kind", pa.string()), ("block", pa.int32()),
    ]
)  # fmt: skip
SUMMED = "kind, block, account_id, actor, bit_or(mask) as mask, sum(n)::bigint as n, sum(errors)::bigint as errors"
ROWS = 2_000_000  # that are put together at a time where everything is made anew
ORPHANS = timedelta(days=1)  # no pass takes that long: a file of no version that is older was left by a killed one
KEEP_LOG = {"delta.enableExpiredLogCleanup": "false"}  # a run that is kept names an old version; the log has a line or two per import


@dataclass(frozen=True)
class Mark:
    """A version of the rollups, and of which table: one that was made anew counts from the beginning."""

    table: str
    version: int


@dataclass(frozen=True)
class Doing:
    """What counts for activation: use of a feature ("": of anything), and whether it matters by how many users."""

    feature: str
    by_users: bool


class Gone(Exception):
    """The version is not there any more: the rollups were made anew since, in a restored home say."""


class Rollups:
    """The rollups of a lake. Nothing here asks for the time."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.path = lake, lake.root / FOLDER

    def refresh(self) -> Mark | None:
        """Bring them up to date with what the lake holds, reading only what is new. Returns what to read; None where there is no usage.

        Exactly once: the last commit names the version of usage that it holds as a Delta application transaction, and of
        two that were begun from the same version the second fails and looks again.
        """
        for attempt in range(ATTEMPTS):
            with self.lake.lease(USAGE) as lease:
                if lease.version is None:
                    return None
                handle = self._handle() or DeltaTable.create(self.path, SCHEMA, mode="ignore", partition_by=["kind", "block"], configuration=KEEP_LOG)
                app = f"{USAGE}:{self.lake.identity(USAGE)}"
                made = handle.transaction_version(app)
                if made is None or made < lease.version:
                    changed = None if made is None else self.lake.changed(USAGE, made, lease)
                    try:
                        self._renew(handle, changed, lease, Transaction(app, lease.version))
                    except CommitFailedError:  # another pass was quicker
                        if attempt == ATTEMPTS - 1:
                            raise
                        continue
                return Mark(str(handle.metadata().id), handle.version())
        raise AssertionError("unreachable")

    def read(
        self, session: DuckDBSession, mark: Mark | None, days: tuple[int, int], merged: Mapping[int, int] | None = None,
        accounts: Collection[int] | None = None, doing: Doing | None = None,
    ) -> dict[str, pa.Table]:
        """Make the tables of NAMES in a session, as they stood at the mark (None: empty).

        In   days      first and last day that anybody will ask for: no other block is read
             merged    number of an account that was merged -> the number that it means;  accounts  only these; None: all
             doing     also what activation is judged by, of all of history
        Out  user_blocks, feature_blocks: account_id, actor, block (int32), mask (int64); account_days: account_id, day_d, n, errors, gap (days
             since the day of use before, within GAP); doing: account_id, actor (null: unnamed), day_d, n; usage_since: since_d, the first day
             of all of usage
        Returns  name -> the different blocks, or days, of all of history; nothing where only some accounts are read
        Faults   Gone
        """
        into = dict(merged or {})
        session.bind("merged_accounts", pa.table({"number": pa.array(list(into), pa.int64()), "into_id": pa.array(list(into.values()), pa.int64())}))
        wanted = None if accounts is None else {*accounts, *(number for number, kept in into.items() if kept in accounts)}
        with self._held(mark) as handle:
            for name, kind in zip(NAMES, ("user", "feature", "day"), strict=True):
                paths = self._paths(handle, kind, days[0] // BLOCK, days[1] // BLOCK)
                session.connection.execute(f"create or replace temp table {name} as {_with_gap(kind, _table(kind, _rows(paths), into, wanted))}")
            if doing is not None:
                self._doing(session.connection, handle, doing, into, wanted)
            if wanted is not None:
                return {}
            ever = {kind: _rows(self._paths(handle, kind, 0, ENDLESS)) for kind in ("user", "feature", "day")}
            return {
                name: session.connection.sql(f"select distinct {column} from ({ever[kind]})").to_arrow_table()
                for name, kind, column in zip(NAMES, ever, ("block", "block", "actor::int as day_d"), strict=True)
            }

    def vacuum(self, keep: Iterable[Mark], now: datetime) -> list[str]:
        """Remove the files of versions that nobody reads: neither those of `keep` nor the newest nor those under a lease."""
        handle, held = self._handle(), leases.held(self.lake.root / "_leases", FOLDER, now)
        if handle is None or None in held:
            return []
        table = str(handle.metadata().id)
        kept = sorted({version for version in held if version is not None} | {mark.version for mark in keep if mark.table == table}) or None
        hours = int(ORPHANS / timedelta(hours=1))
        found = handle.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=kept)
        gone = [str(path) for path in (self.path / name for name in found) if path.exists()]
        if gone:
            handle.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=kept)
        return gone

    def forget(self) -> None:
        """Take them away; the next pass makes them anew."""
        shutil.rmtree(self.path, ignore_errors=True)

    # Inside

    def _handle(self, version: int | None = None) -> DeltaTable | None:
        return DeltaTable(self.path, version=version) if DeltaTable.is_deltatable(str(self.path)) else None

    @contextmanager
    def _held(self, mark: Mark | None) -> Iterator[DeltaTable | None]:
        if mark is None:
            yield None
            return
        lease = leases.take(self.lake.root / "_leases", FOLDER, None, timedelta())
        try:
            try:
                handle = self._handle(mark.version)
            except DeltaError:
                handle = None
            if handle is None or str(handle.metadata().id) != mark.table:
                raise Gone(f"no version {mark.version} of the rollups {mark.table}")
            lease.version = mark.version
            lease.renew(None)
            yield handle
        except duckdb.IOException as error:
            raise Gone(f"files of version {mark.version} of the rollups are gone: {error}") from None
        finally:
            lease.release()

    def _doing(
        self, con: duckdb.DuckDBPyConnection, handle: DeltaTable | None, doing: Doing, into: Mapping[int, int], accounts: Collection[int] | None
    ) -> None:
        """How often something was done by account and day, and who did it, of all of history. Of a named feature from the lake's own rows."""
        day, user = (_table(kind, _rows(self._paths(handle, kind, 0, ENDLESS)), into, accounts) for kind in ("day", "user"))
        if doing.feature:
            named = f"account_id in ({', '.join(map(str, sorted(accounts))) or 'null'})" if accounts is not None else "true"
            with self.lake.lease(USAGE) as lease:
                con.execute(f"""create or replace temp table doing as
                    select coalesce(into_id, account_id) as account_id, {_number("user_id")} as actor, (day - date '1970-01-01')::int as day_d,
                           sum(coalesce(count, 1))::bigint as n
                    from ({self.lake.scan_sql(USAGE, lease=lease)}) left join merged_accounts on number = account_id
                    where day >= date '1970-01-01' and feature = ? and {named} group by all""", [doing.feature])
        else:
            who = f"""union all select account_id, actor, block * {BLOCK} + bit as day_d, 0::bigint as n
                from ({user}), range({BLOCK}) as bits(bit) where (mask >> bit) & 1 = 1""" if doing.by_users else ""
            con.execute(f"create or replace temp table doing as select account_id, null::bigint as actor, day_d, n from ({day}) {who}")
            con.execute("create or replace temp table doing as select account_id, actor, day_d::int as day_d, n from doing")
        whole = _rows(self._paths(handle, "day", 0, ENDLESS))
        con.execute(f"create or replace temp table usage_since as select min(actor)::int as since_d from ({whole})")

    def _paths(self, handle: DeltaTable | None, kind: str, first: int, last: int) -> list[str]:
        if handle is None:
            return []
        files = pa.table(handle.get_add_actions(flatten=True))
        listed = zip(*(files[name].to_pylist() for name in ("partition.kind", "partition.block", "path")), strict=True) if files.num_rows else []
        return sorted(str(self.path / path) for of, block, path in listed if of == kind and first <= int(block) <= last)

    def _renew(self, handle: DeltaTable, changed: Changed | None, lease: leases.Lease, last: Transaction) -> None:
        """Write the blocks that the change touches; without one, all of them."""
        with self.lake.engine() as con:
            con.execute("create temp table pieces (kind varchar, block int, account_id bigint, actor bigint, mask bigint, n bigint, errors bigint)")
            if changed is None:
                for month in self.lake.counts(USAGE, lease):
                    self._add(con, self.lake.files(USAGE, [month], lease), "true")
                self._commit(con, handle, last, _blocks(con), anew=True)
                return
            again = {block for month in changed.again for block in _blocks_of(month)}
            named = ", ".join(map(str, sorted(again))) or "null"
            for month in sorted({day for block in again for day in _months_of(block)}):
                self._add(con, self.lake.files(USAGE, [month], lease), f"day_d // {BLOCK} in ({named})")
            for paths in changed.added.values():
                self._add(con, paths, f"(day_d // {BLOCK} in ({named})) is not true")
            touched = sorted({*_blocks(con), *again})
            old = [path for kind in ("user", "feature", "day") for b in touched if b not in again for path in self._paths(handle, kind, b, b)]
            con.execute(f"insert into pieces select kind, block, account_id, actor, mask, n, errors from ({_rows(old)})")
            self._commit(con, handle, last, touched)

    def _add(self, con: duckdb.DuckDBPyConnection, paths: list[str], where: str) -> None:
        """Roll up some of the lake's files. A day before 1970 is a slip of a file (the doctor names it), and has no bit in a block."""
        con.execute(f"""create or replace temp table once as select account_id, day_d, user_id, feature, coalesce(count, 1) as n, errors
            from (select *, (day - date '1970-01-01')::int as day_d from ({self.lake.query(USAGE, paths)})) where day_d >= 0 and {where}""")
        for kind, column in (("user", "user_id"), ("feature", "feature")):
            con.execute(f"""insert into pieces select '{kind}', block, account_id, {_number(column)}, mask, null, null from (
                select account_id, {column}, day_d // {BLOCK} as block, bit_or(1::bigint << (day_d % {BLOCK})) as mask
                from once where {column} is not null group by all)""")
        con.execute(f"insert into pieces select 'day', day_d // {BLOCK}, account_id, day_d, null, sum(n), sum(errors) from once group by account_id, day_d")
        con.execute("drop table once")

    def _commit(self, con: duckdb.DuckDBPyConnection, handle: DeltaTable, last: Transaction, blocks: list[int], anew: bool = False) -> None:
        """Put the blocks in place of what is there; `anew`: of everything, in several commits, of which the last names the version.

        Killed between them, the next call begins again: no version is named yet.
        """
        spans = [blocks] if not anew else _spans(con, blocks)
        for place, span in enumerate(spans):
            inside = f"block between {span[0]} and {span[-1]}" if span else "false"
            rows = con.sql(f"select {SUMMED} from pieces where {inside} group by kind, block, account_id, actor order by all").to_arrow_table()
            where = None if anew and place == 0 else " OR ".join(f"(block >= {first} AND block <= {end})" for first, end in _ranges(span)) or "block < 0"
            write_deltalake(
                handle, pa.RecordBatchReader.from_batches(SCHEMA, _by_partition(rows)), mode="overwrite", predicate=where, writer_properties=ZSTD,
                commit_properties=CommitProperties(app_transactions=[_turn(handle), *([last] if place == len(spans) - 1 else [])]),
            )  # fmt: skip


def _turn(handle: DeltaTable) -> Transaction:
    """Makes every two writers meet, also where they write other blocks: a commit of a handle that is not the newest fails."""
    return Transaction(FOLDER, (handle.transaction_version(FOLDER) or 0) + 1)


def _with_gap(kind: str, rows: str) -> str:
    """Account days with the days since the one before."""
    if kind != "day":
        return rows
    return f"""select account_id, day_d, n, errors, case when gap <= {GAP} then gap::bigint end as gap
        from (select *, day_d - lag(day_d) over (partition by account_id order by day_d) as gap from ({rows}))"""


def _table(kind: str, rows: str, into: Mapping[int, int], accounts: Collection[int] | None) -> str:
    """Rows of a kind under the numbers that they mean: only those of merged accounts need to be put together."""
    named = f"account_id in ({', '.join(map(str, sorted(accounts))) or 'null'})" if accounts is not None else "true"
    columns = "actor::int as day_d, n, errors" if kind == "day" else "actor, block, mask"
    moved = ", ".join(map(str, sorted({*into, *into.values()})))
    if not into:
        return f"select account_id, {columns} from ({rows}) where {named}"
    together = f"""select coalesce(into_id, account_id) as account_id, {SUMMED.replace("account_id, ", "")}
        from ({rows}) left join merged_accounts on number = account_id where account_id in ({moved}) and {named} group by all"""
    return f"""select account_id, {columns} from ({rows}) where account_id not in ({moved}) and {named}
        union all select account_id, {columns} from ({together})"""


def _rows(paths: list[str]) -> str:
    empty = "select null::bigint as account_id, null::bigint as actor, null::bigint as mask, null::bigint as n, null::bigint as errors, " \
        "null::varchar as kind, null::int as block where false"  # fmt: skip
    if not paths:
        return empty
    return f"select * from read_parquet([{', '.join(map(text, paths))}], hive_partitioning = true, hive_types = {{'kind': varchar, 'block': int}})"


def _blocks(con: duckdb.DuckDBPyConnection) -> list[int]:
    return [block for (block,) in con.sql("select distinct block from pieces order by block").fetchall()]


def _spans(con: duckdb.DuckDBPyConnection, blocks: list[int]) -> list[list[int]]:
    """Blocks in portions of some ROWS, one portion at least."""
    counts = dict(con.sql("select block, count(*) from pieces group by block").fetchall())
    spans: list[list[int]] = [[]]
    held = 0
    for block in blocks:
        if held and held + counts[block] > ROWS:
            spans.append([])
            held = 0
        spans[-1].append(block)
        held += counts[block]
    return spans


def _ranges(blocks: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs of neighbours."""
    found: list[tuple[int, int]] = []
    for block in blocks:
        if found and found[-1][1] == block - 1:
            found[-1] = (found[-1][0], block)
        else:
            found.append((block, block))
    return found


def _blocks_of(month: str) -> range:
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1) if month < "9999-12" else date.max
    epoch = date(1970, 1, 1).toordinal()
    return range(max(0, (first.toordinal() - epoch) // BLOCK), (last.toordinal() - epoch) // BLOCK + 1)


def _months_of(block: int) -> set[str]:
    """The months that the days of a block lie in."""
    epoch = date(1970, 1, 1).toordinal()
    days = (epoch + block * BLOCK, min(epoch + block * BLOCK + BLOCK - 1, date.max.toordinal()))
    return {date.fromordinal(day).isoformat()[:7] for day in days}


def _by_partition(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """One batch per partition, as the lake writes them: what is sorted by account stays so in the file."""
    rows = rows.select(SCHEMA.names).cast(SCHEMA)
    changes: set[int] = {rows.num_rows}
    for name in ("kind", "block"):
        changes.update(pc.run_end_encode(rows[name].combine_chunks()).run_ends.to_pylist())
    start = 0
    for end in sorted(changes - {0}):
        yield from rows.slice(start, end - start).combine_chunks().to_batches()
        start = end


def _number(column: str) -> str:
    """A number for a name, the same in every version of the engine."""
    return f"('0x' || substr(md5({column}), 1, 15))::bigint"
