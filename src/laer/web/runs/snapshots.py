"""The tables of a run: Parquet files below the lake, one folder per run, the newest kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from laer.cycle.questions import RunTables
from laer.engine.lake import Lake
from laer.engine.rollups import make_usage
from laer.engine.session import DuckDBSession
from laer.metrics.policy import load_policy
from laer.records.periods import day_number
from laer.web import home
from laer.web.book.aliases import all_numbers
from laer.web.runs.models import KeptRun, PassRun
from laer.web.runs.rates import rates_of

KEPT = 8  # a small pass comes every ten seconds while people save, and pages may be a minute behind (`desk.Shown`)


def folder_of(run_id: int) -> Path:
    return home.lake() / "runs" / str(run_id)


def write(run_id: int, tables: Mapping[str, pa.Table]) -> str:
    """Write a run's tables; a folder that is there already (a run that was killed) is replaced."""
    folder = folder_of(run_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    return str(folder.relative_to(home.lake()))


def read(run_id: int) -> dict[str, pa.Table]:
    return {path.stem: pq.read_table(path) for path in sorted(folder_of(run_id).glob("*.parquet"))}


def keep_facts(run: PassRun, facts: pa.Table) -> None:
    """The history of facts: those of whole passes stay for good, of one day the newest, what a pass over the past made beside what was live."""
    folder = home.lake() / "facts" / f"{run.as_of:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    basis = "back-filled" if run.kind == "past" else "live"
    pq.write_table(facts, folder / f".{basis}.parquet", compression="zstd")
    (folder / f".{basis}.parquet").rename(folder / f"{basis}.parquet")


def read_one(run_id: int, name: str) -> pa.Table:
    return pq.read_table(folder_of(run_id) / f"{name}.parquet")


def rows_of(run_id: int, name: str) -> int:
    """How many rows a run's table has, from its footer; 0 where it is gone."""
    path = folder_of(run_id) / f"{name}.parquet"
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


class Tables(Mapping[str, pa.Table]):
    """A run's tables, each read when it is first asked for: the page of an account needs none of the ledger's lines."""

    def __init__(self, folder: Path) -> None:
        self.paths = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
        self.tables: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self.tables:
            self.tables[name] = pq.read_table(self.paths[name])
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def open_run(run: int) -> RunTables:
    """The tables of a complete run, for questions; the last three stay in memory. A run whose folder is gone has none."""
    folder = folder_of(run)
    return _opened(run, str(folder)) if folder.exists() else _opened.__wrapped__(run, str(folder))


@lru_cache(maxsize=3)
def _opened(run_id: int, folder: str) -> RunTables:
    run = PassRun.objects.get(pk=run_id, state="complete")
    return RunTables(
        Tables(Path(folder)), int(run.denominator), run.currency, day_number(run.as_of), rates_of(run), load_policy(run.policy).gap_days, usage_of
    )


def usage_of(session: DuckDBSession, accounts: frozenset[int] | None) -> None:
    """Usage as the lake holds it now, of some accounts or of all."""
    make_usage(session, Lake(home.lake()), all_numbers(), accounts)


def merged(before: dict[str, pa.Table], fresh: Mapping[str, pa.Table], accounts: frozenset[int]) -> dict[str, pa.Table]:
    """A small pass's snapshot: the run before without these accounts, and their fresh rows."""
    ids = pa.array(sorted(accounts), pa.int64())
    whole = {}
    for name, table in fresh.items():
        if name not in before:  # the run before knew no such table: a full pass will fill it
            whole[name] = table
            continue
        if "account_id" not in before[name].column_names:  # of the whole firm: a small pass took it from there
            whole[name] = before[name]
            continue
        kept = before[name].filter(pc.invert(pc.is_in(before[name]["account_id"], ids)))
        whole[name] = pa.concat_tables([kept, _as(table, kept.schema)] if not _wider(table, kept) else [_as(kept, table.schema), table])
    return whole


def _wider(table: pa.Table, other: pa.Table) -> bool:
    """Whether the first carries its amounts as decimals and the second does not."""
    return "parts" in table.schema.names and pa.types.is_decimal(table.schema.field("parts").type) and not pa.types.is_decimal(other.schema.field("parts").type)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for name in schema.names:
        if name not in table.column_names:  # a snapshot written before the column was
            table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
    return table.select(schema.names).cast(schema)


def is_there(run_id: int) -> bool:
    """Whether the run still has tables: without them a question about it would be answered with nothing."""
    return any(folder_of(run_id).glob("*.parquet"))


def forget_old() -> None:
    """Remove the folders of all but the newest complete runs, those over past dates counted apart: pages read the others.

    A run that is kept for a link stays until somebody lets it go (`runs/kept.py`).
    """
    complete = PassRun.objects.filter(state="complete").order_by("-id").values_list("id", flat=True)
    newest = {*complete.exclude(kind="past")[:KEPT], *complete.filter(kind="past")[:KEPT]}
    parent = home.lake() / "runs"
    for folder in parent.iterdir() if parent.exists() else []:
        if not folder.name.isdigit() or int(folder.name) in newest:
            continue
        run = int(folder.name)  # asked for one by one: a link may be made meanwhile
        if not KeptRun.objects.filter(run_id=run, let_go_at=None).exists() and not PassRun.objects.filter(pk=run, state="running").exists():
            shutil.rmtree(folder, ignore_errors=True)
