"""The tables of a run: Parquet files below the lake, one folder per run, the newest kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from weakref import WeakValueDictionary

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils import timezone

from laer.adopt.activation import ActivationRule
from laer.cycle.run_tables import RunTables
from laer.engine.lake import Lake
from laer.engine.rollups import Doing, Gone, Mark, Rollups
from laer.engine.session import DuckDBSession
from laer.metrics.policy import load_policy
from laer.records.periods import date_of, day_number
from laer.web import home
from laer.web.book.aliases import all_numbers
from laer.web.runs import in_use
from laer.web.runs.models import KeptRun, PassRun
from laer.web.runs.rates import rates_of

WRITTEN = "written.json"
MONTH = 31  # days before a day within which a pass still says what was shown on it
ROWS = 2**15  # of a part of a file: a few accounts are read without the rest
KEPT = 8  # a small pass comes every ten seconds while people save, and pages may be a minute behind (`desk.Shown`)


def folder_of(run_id: int) -> Path:
    return home.lake() / "runs" / str(run_id)


def write(run_id: int, tables: Mapping[str, pa.Table]) -> str:
    """Write a run's tables."""
    folder = empty_folder(run_id)
    for name, table in tables.items():
        write_table(table, folder / f"{name}.parquet")
    return shown_path(folder)


def empty_folder(run_id: int) -> Path:
    """The run's folder; one that is there already (a run that was killed) is replaced."""
    folder = folder_of(run_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def write_table(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS)


def shown_path(folder: Path) -> str:
    return str(folder.relative_to(home.lake()))


def note_written(run_id: int, by: Mapping[str, int]) -> None:
    """Say of each table which run wrote it: one that carries it over from the run before has the same rows (`carrying`)."""
    (folder_of(run_id) / WRITTEN).write_text(json.dumps(by))


def written_by(run_id: int) -> Mapping[str, int]:
    """Table -> the run that wrote it. A run that says nothing wrote all of its own."""
    folder = folder_of(run_id)
    own = {path.stem: run_id for path in folder.glob("*.parquet")}
    try:
        return own | json.loads((folder / WRITTEN).read_text())
    except FileNotFoundError:
        return own


def read(run_id: int) -> dict[str, pa.Table]:
    return {path.stem: pq.read_table(path) for path in sorted(folder_of(run_id).glob("*.parquet"))}


def keep_facts(run: PassRun, facts: pa.Table) -> None:
    """The history of facts: those of whole passes stay for good, of one day the newest, what a pass over the past made beside what was live."""
    folder = home.lake() / "facts" / f"{run.as_of:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    basis = "back-filled" if run.kind == "past" else "live"
    pq.write_table(facts, folder / f".{basis}.parquet", compression="zstd")
    (folder / f".{basis}.parquet").rename(folder / f"{basis}.parquet")


def kept_facts(day: int, columns: Iterable[str]) -> pa.Table | None:
    """Some columns, those that are there, as the last whole pass by the end of a day kept them when it was live; None where none ran in the month before."""
    for back in range(MONTH):
        path = home.lake() / "facts" / f"{date_of(day - back):%Y-%m-%d}" / "live.parquet"
        if path.exists():
            there = set(pq.read_schema(path).names)
            return pq.read_table(path, columns=[name for name in columns if name in there])
    return None


def read_one(run_id: int, name: str) -> pa.Table:
    return pq.read_table(folder_of(run_id) / f"{name}.parquet")


def rows_of(run_id: int, name: str) -> int:
    """How many rows a run's table has, from its footer; 0 where it is gone."""
    path = folder_of(run_id) / f"{name}.parquet"
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


def table_of(run_id: int, name: str) -> pa.Table | None:
    """One table of a run; None where the run has none of the name, or is gone."""
    path = folder_of(run_id) / f"{name}.parquet"
    try:
        return pq.read_table(path) if path.exists() else None
    except FileNotFoundError:  # taken away meanwhile
        return None


class Tables(Mapping[str, pa.Table]):
    """A run's tables, each read when it is first asked for: the page of an account needs none of the ledger's lines.

    One that was carried over from a run that is in memory, too, is not read again.
    """

    def __init__(self, folder: Path, written: Mapping[str, int]) -> None:
        self.paths = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
        self.written, self.tables = written, dict[str, pa.Table]()

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self.tables:
            key = str(self.paths[name].parent.parent), name, self.written[name]
            table = _in_memory.get(key)
            if table is None:
                table = _in_memory[key] = pq.read_table(self.paths[name])
            self.tables[name] = table
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


_in_memory: WeakValueDictionary[tuple[str, str, int], pa.Table] = WeakValueDictionary()  # those of the runs that are open


def open_run(run: int) -> RunTables:
    """The tables of a complete run, for questions; the last three stay in memory. A run whose folder is gone has none."""
    folder = folder_of(run)
    return _opened(run, str(folder)) if folder.exists() else _opened.__wrapped__(run, str(folder))


@lru_cache(maxsize=3)
def _opened(run_id: int, folder: str) -> RunTables:
    run = PassRun.objects.get(pk=run_id, state="complete")
    written, rates, policy = written_by(run_id), rates_of(run), load_policy(run.policy)
    said = {name: value for name, value in run.position.items() if name not in ("field_changes", "dirty")}
    rest = (run.as_of, run.denominator, run.currency, run.policy, run.policy_version, run.plan_year, tuple(sorted(rates.items())), json.dumps(said))
    return RunTables(
        Tables(Path(folder), written), int(run.denominator), run.currency, day_number(run.as_of), rates, policy.gap_days,
        partial(usage_of, mark_of(run)), in_use.measures_of(run),
        ActivationRule(**run.position.get("activation", {})), written, rest, kept_facts, policy.churn_basis, policy.rates,
    )  # fmt: skip


def rollups() -> Rollups:
    return Rollups(Lake(home.lake()))


def mark_of(run: PassRun) -> Mark | None:
    """Which usage the run read; None where there was none. A run of before this was noted names a version that is nowhere."""
    said = run.position.get("usage", {"table": "", "version": 0})
    return Mark(said["table"], said["version"]) if said else None


def usage_of(
    mark: Mark | None, session: DuckDBSession, days: tuple[int, int], rule: ActivationRule | None, accounts: frozenset[int] | None
) -> dict[str, pa.Table]:
    """Usage as a run saw it, of a span of days, of some accounts or of all, under the numbers that stand today.

    Where the run's version is gone (the lake of a restored home is rolled up anew), as the lake holds it now.
    """
    doing = None if rule is None else Doing(rule.feature, rule.users > 1)
    try:
        return rollups().read(session, mark, days, all_numbers(), accounts, doing)
    except Gone:
        return rollups().read(session, rollups().refresh(), days, all_numbers(), accounts, doing)


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


def forget_usage() -> None:
    """Remove rollups of usage that no run with tables reads."""
    parent = home.lake() / "runs"
    there = [int(folder.name) for folder in parent.iterdir() if folder.name.isdigit()] if parent.exists() else []
    marks = map(mark_of, PassRun.objects.filter(pk__in=there))
    rollups().vacuum([mark for mark in marks if mark is not None], timezone.now())
