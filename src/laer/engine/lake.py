"""The lake: what is large and append-only, in Delta tables by month, sorted by account within a file.

Layout of the root: one folder per table, and beside them `_leases`, `_locks` and `_staging`. One writer at a time per
table (a lock of the operating system, which a killed process gives back); readers never wait. Nothing here asks for
the time. What makes two rows the same row stands in `sifting`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from laer.engine import leases, sifting
from laer.engine.sifting import Sifted, schema_of
from laer.records.types import LAKE

ATTEMPTS = 5
LOG_ENTRY = re.compile(r"(\d{20})\.(json|checkpoint\..*parquet)")
ZSTD = WriterProperties(compression="ZSTD", max_row_group_size=122_880)


@dataclass(frozen=True)
class Changed:
    """What came into a table since a version.

    added  month -> files of rows that were not there;  again  months of which rows were taken out, or of which it cannot be told
    """

    added: dict[str, list[str]]
    again: set[str]


class Lake:
    """The tables below one folder. `rows_per_commit` and `memory` bound what a large import holds at a time."""

    def __init__(self, root: Path, *, rows_per_commit: int = 250_000, memory: str = "256MB") -> None:
        self.root, self.rows_per_commit, self.memory = Path(root).absolute(), rows_per_commit, memory

    # Writing

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader, *, app_id: str, version: int) -> Sifted:
        """Write the rows of one file that are not there yet, once per (app_id, version).

        The last commit carries the application transaction; one killed before it is completed by calling again, since
        what the earlier commits wrote is then known. After `remove_run` the same call writes again.
        """
        with self._staged(table, rows) as work:
            run = sifting.one_run(work)
            for attempt in range(ATTEMPTS):
                with self._writing(table):
                    handle = self._handle(table) or self._create(table)
                    app = _app(handle, app_id, run)
                    done = handle.transaction_version(app)
                    if done is not None and done >= version:
                        return Sifted(0, 0, 0, skipped=True)
                    found = self._sift(work, handle, table)
                    try:
                        self._commit(work, handle, table, Transaction(app, version))
                    except CommitFailedError:  # another handle was quicker: look again at what it wrote
                        if attempt == ATTEMPTS - 1:
                            raise
                        continue
                    return found
        raise AssertionError("unreachable")

    def sift(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> Sifted:
        """What `append` would find, without writing: the counts of a preview."""
        with self._staged(table, rows) as work, self.lease(table) as lease:
            return self._sift(work, self._handle(table, lease), table)

    def remove_run(self, run: str) -> int:
        """Take an import's rows out of the current state; its app transactions are forgotten, so it can be done again."""
        removed = 0
        for table in LAKE:
            with self._writing(table):
                handle = self._handle(table)
                if handle is not None:
                    undone = Transaction(_undone(run), _times_undone(handle, run) + 1)
                    said = handle.delete(f"run = {sifting.text(run)}", writer_properties=ZSTD, commit_properties=CommitProperties(app_transactions=[undone]))
                    removed += int(said["num_deleted_rows"])
        return removed

    def compact(self, table: str, months: Iterable[str] | None = None, *, files: int = 1) -> list[str]:
        """Rewrite the months that consist of more than `files` files, sorted by account. Returns those months."""
        with self._writing(table):
            handle = self._handle(table)
            crowded = sorted(month for month, paths in self._paths(handle, table, months).items() if len(paths) > files)
            for month in crowded:
                assert handle is not None
                handle.optimize.z_order(["account_id"], partition_filters=[("month", "=", month)], writer_properties=ZSTD)
        return crowded

    def vacuum(self, table: str, now: datetime) -> list[str]:
        """Remove the files of superseded versions and of killed writers; versions that a live lease holds keep theirs.

        Does nothing while a reader is just taking its lease. Holds the writers' lock: a file without a commit is then
        an orphan, never somebody's work under way.
        """
        with self._writing(table):
            for folder in (self.root / "_staging").glob("*-*"):
                if not leases.process_exists(int(folder.name.partition("-")[0])):
                    shutil.rmtree(folder, ignore_errors=True)
            handle, held = self._handle(table), leases.held(self.root / "_leases", table, now)
            if handle is None or None in held:
                return []
            keep = sorted({version for version in held if version is not None}) or None
            found = handle.vacuum(0, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=keep)
            gone = [str(path) for path in (self.root / table / name for name in found) if path.exists()]  # it names files gone before, too
            if gone:
                handle.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=keep)
            return gone

    # Reading

    @contextmanager
    def lease(self, table: str, now: datetime | None = None, ttl: timedelta = timedelta(minutes=15)) -> Iterator[leases.Lease]:
        """Hold the current version against vacuum; `renew` it on the way if the reading outlasts `ttl`. Without `now` it lasts as long as the process."""
        lease = leases.take(self.root / "_leases", table, now, ttl)
        try:
            handle = self._handle(table)
            if handle is not None:
                lease.version = handle.version()
                lease.renew(now)
            yield lease
        finally:
            lease.release()

    def files(self, table: str, months: Iterable[str] | None = None, lease: leases.Lease | None = None) -> list[str]:
        """Paths of the data files of the leased (else the current) version; none where nothing was written yet."""
        return [path for paths in self._paths(self._handle(table, lease), table, months).values() for path in paths]

    def scan(
        self, con: duckdb.DuckDBPyConnection, table: str, months: Iterable[str] | None = None, lease: leases.Lease | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The rows as a relation with the table's schema; hold the lease until it has been read."""
        return con.sql(self.scan_sql(table, months, lease))

    def query(self, table: str, paths: list[str]) -> str:
        """The rows of some of its files, with the table's schema."""
        return sifting.select_sql(table, paths)

    def scan_sql(self, table: str, months: Iterable[str] | None = None, lease: leases.Lease | None = None) -> str:
        """The query behind `scan`, to make views of. Columns that older files lack are null."""
        return self._select(self._handle(table, lease), table, months)

    def counts(self, table: str, lease: leases.Lease | None = None) -> dict[str, int]:
        """Rows by month, from the log alone."""
        handle, rows = self._handle(table, lease), dict[str, int]()
        for month, _, count in _actions(handle):
            rows[month] = rows.get(month, 0) + count
        return dict(sorted(rows.items()))

    def total(self, table: str, lease: leases.Lease | None = None) -> int:
        return sum(self.counts(table, lease).values())

    def known(self, table: str, source: str, months: Iterable[str] | None = None) -> pa.Table:
        """(row_id, content) of the rows of a source, of those months."""
        with self.engine() as con, self.lease(table) as lease:
            return con.sql(f"select row_id, content from ({self.scan_sql(table, months, lease)}) where source = {sifting.text(source)}").to_arrow_table()

    def identity(self, table: str) -> str:
        """Of the table that is there: one made anew, in a home that was emptied, counts its versions from the beginning."""
        handle = self._handle(table)
        return "" if handle is None else str(handle.metadata().id)

    def changed(self, table: str, since: int, lease: leases.Lease) -> Changed | None:
        """What came between a version and the leased one, from the log alone; None where the log does not say any more."""
        assert lease.version is not None
        added, again = dict[str, list[str]](), set[str]()
        there = {path: month for month, path, _ in _actions(self._handle(table, lease))}
        for version in range(since + 1, lease.version + 1):
            entry = self.root / table / "_delta_log" / f"{version:020d}.json"
            if not entry.exists():
                return None
            for action in map(json.loads, entry.read_text().splitlines()):
                said = action.get("add") or action.get("remove")
                if not said or not said["dataChange"]:  # rows that were only put together anew
                    continue
                path, month = unquote(said["path"]), said["partitionValues"]["month"]
                if path not in there:  # taken out, or added and put together with others since
                    again.add(month)
                else:
                    added.setdefault(month, []).append(str(self.root / table / path))
        return Changed({month: paths for month, paths in added.items() if month not in again}, again)

    # Copying

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nobody writes to any table meanwhile, and readers go on. Writers wait: hold it to look at what belongs together, not to copy it."""
        with ExitStack() as held:
            for table in LAKE:
                held.enter_context(self._writing(table))
            yield

    def parts(self, table: str, lease: leases.Lease) -> list[Path]:
        """The files that make up the leased version, its log first: what opens elsewhere as the table stood then. None where nothing was written yet."""
        if lease.version is None:
            return []
        log = self.root / table / "_delta_log"
        entries = [p for p in log.iterdir() if (named := LOG_ENTRY.fullmatch(p.name)) and int(named[1]) <= lease.version]
        last = log / "_last_checkpoint"
        if last.exists() and json.loads(last.read_text())["version"] <= lease.version:
            entries.append(last)
        return sorted(entries) + [Path(p) for p in self.files(table, lease=lease)]

    # Inside

    def _handle(self, table: str, lease: leases.Lease | None = None) -> DeltaTable | None:
        schema_of(table)
        path = self.root / table
        if not DeltaTable.is_deltatable(str(path)) or (lease is not None and lease.version is None):
            return None
        return DeltaTable(path, version=lease.version if lease else None)

    def _create(self, table: str) -> DeltaTable:
        return DeltaTable.create(self.root / table, schema_of(table), mode="ignore", partition_by=["month"])

    def _paths(self, handle: DeltaTable | None, table: str, months: Iterable[str] | None) -> dict[str, list[str]]:
        wanted, found = None if months is None else set(months), dict[str, list[str]]()
        for month, path, _ in sorted(_actions(handle)):
            if wanted is None or month in wanted:
                found.setdefault(month, []).append(str(self.root / table / path))
        return found

    def _select(self, handle: DeltaTable | None, table: str, months: Iterable[str] | None) -> str:
        paths = [path for listed in self._paths(handle, table, months).values() for path in listed]
        return sifting.select_sql(table, paths)

    @contextmanager
    def _writing(self, table: str) -> Iterator[None]:
        folder = self.root / "_locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{table}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A private DuckDB that spills below the root, so that an import larger than its memory still passes."""
        staging = self.root / "_staging"
        staging.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=staging) as spill,
            duckdb.connect(config={"threads": "2", "memory_limit": self.memory, "temp_directory": spill}) as con,
        ):
            yield con

    @contextmanager
    def _staged(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.engine() as con:
            sifting.stage(con, table, rows)
            yield con

    def _sift(self, con: duckdb.DuckDBPyConnection, handle: DeltaTable | None, table: str) -> Sifted:
        months = [month for (month,) in con.sql("select distinct month from typed").fetchall()]
        return sifting.sift(con, self._select(handle, table, months), table)

    def _commit(self, con: duckdb.DuckDBPyConnection, handle: DeltaTable, table: str, last: Transaction) -> None:
        schema = schema_of(table)
        merge = len(handle.schema().fields) < len(schema)
        ((total,),) = con.sql("select count(*) from fresh").fetchall()
        for start in range(0, total, self.rows_per_commit):
            end = start + self.rows_per_commit
            rows = con.sql(f"select * from fresh where rowid >= {start} and rowid < {end} order by rowid").to_arrow_table().cast(schema)
            write_deltalake(
                handle, pa.RecordBatchReader.from_batches(schema, _by_month(rows)), mode="append", writer_properties=ZSTD,
                schema_mode="merge" if merge else None, commit_properties=CommitProperties(app_transactions=[last] if end >= total else None),
            )


def _by_month(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """One batch per month: the writer takes the batches of a partition in any order, and files are to be sorted."""
    start = 0
    for end in pc.run_end_encode(rows["month"].combine_chunks()).run_ends.to_pylist():
        yield from rows.slice(start, end - start).combine_chunks().to_batches()
        start = end


def _actions(handle: DeltaTable | None) -> list[tuple[str, str, int]]:
    """(month, path below the table, rows) of each data file."""
    found = pa.table(handle.get_add_actions(flatten=True)) if handle else pa.table({})
    if not found.num_rows:
        return []
    return list(zip(*(found[name].to_pylist() for name in ("partition.month", "path", "num_records")), strict=True))


def _undone(run: str) -> str:
    return f"undone:{run}"


def _times_undone(handle: DeltaTable, run: str) -> int:
    return handle.transaction_version(_undone(run)) or 0


def _app(handle: DeltaTable, app_id: str, run: str) -> str:
    """The application under which Delta remembers versions: a new one each time the run was taken out."""
    times = _times_undone(handle, run)
    return f"{app_id}#{times}" if times else app_id
