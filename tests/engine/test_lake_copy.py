"""A copy of the lake as it stood at one moment, while others go on writing to it."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from laer.engine.lake import Lake
from laer.engine.leases import Lease
from laer.engine.sifting import schema_of

T = "usage_days"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def add(lake: Lake, run: int, rows: int = 3) -> None:
    found = [{"row_id": f"{run}-{i}", "account_id": i, "day": date(2026, 1 + i % 3, 1), "count": i, "source": "crm", "run": str(run)} for i in range(rows)]
    lake.append(T, pa.Table.from_pylist(found, schema=pa.schema([f for f in schema_of(T) if f.name in found[0]])), app_id=f"import-{run}-file-1", version=1)


def copied(lake: Lake, lease: Lease, to: Path) -> Lake:
    for path in lake.parts(T, lease):
        target = to / path.relative_to(lake.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return Lake(to)


def test_what_was_written_compacted_and_swept_since_is_not_in_the_copy(lake: Lake, tmp_path: Path) -> None:
    add(lake, 1)
    with lake.lease(T) as lease:
        add(lake, 2)
        lake.remove_run("1")
        for run in range(3, 6):
            add(lake, run)
        lake.compact(T)
        lake.vacuum(T, datetime(2026, 11, 1, tzinfo=UTC))
        copy = copied(lake, lease, tmp_path / "copy")
    assert copy.total(T) == 3
    assert lake.total(T) == 12
    add(copy, 2)  # the import that the copy never heard of: its number is free
    assert copy.total(T) == 6


def test_a_later_checkpoint_of_the_log_is_left_out(lake: Lake, tmp_path: Path) -> None:
    add(lake, 1)
    with lake.lease(T) as lease:
        add(lake, 2)
        handle = lake._handle(T)
        assert handle is not None
        handle.create_checkpoint()
        assert (lake.root / T / "_delta_log" / "_last_checkpoint").exists()
        copy = copied(lake, lease, tmp_path / "copy")
    assert copy.total(T) == 3
    with lake.lease(T) as now:
        assert any("_last_checkpoint" in str(p) for p in lake.parts(T, now))
        assert copied(lake, now, tmp_path / "another").total(T) == 6


def test_a_lake_without_tables_has_no_parts(lake: Lake) -> None:
    with lake.still(), lake.lease(T) as lease:
        assert lake.parts(T, lease) == []


def test_a_writer_waits_while_somebody_looks_and_a_reader_does_not(lake: Lake) -> None:
    add(lake, 1)
    begun = threading.Event()

    def write() -> None:
        begun.set()
        add(lake, 2)

    writer = threading.Thread(target=write)
    with lake.still():
        writer.start()
        assert begun.wait(10)
        writer.join(0.5)
        assert writer.is_alive()
        assert lake.total(T) == 3
    writer.join(60)
    assert lake.total(T) == 6
