"""The lake of usage days: exactly once, the same bytes twice, killed writers, leases, undo. A deprecation fails the test."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laer.engine import lake as lake_module
from laer.engine.lake import Lake
from laer.engine.sifting import Sifted, schema_of

pytestmark = pytest.mark.filterwarnings("error")

T = "usage_days"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def rows(*given: tuple[str | None, int, str, int | None], run: str = "run-1", source: str = "product") -> pa.Table:
    """Rows of (row id, account, day, count)."""
    found = [{"row_id": i, "account_id": a, "day": date.fromisoformat(d), "count": n, "source": source, "run": run} for i, a, d, n in given]
    return pa.Table.from_pylist(found, schema=pa.schema([f for f in schema_of(T) if f.name in ("row_id", "account_id", "day", "count", "source", "run")]))


def many(first: int, count: int, run: str, *, ids: bool = True, source: str = "product") -> pa.Table:
    """Rows over 24 months and 500 accounts, in no order."""
    with duckdb.connect() as con:
        return con.sql(f"""select {"'U-' || i" if ids else "null::varchar"} as row_id, 1 + (hash(i) % 500)::bigint as account_id, 'feature ' || (i % 7) as feature,
            date '2023-01-01' + (hash(i + 1) % 730)::int as day, i::bigint as count, '{source}' as source, $${run}$$ as run
            from range({first}, {first + count}) t(i)""").to_arrow_table()


def read(lake: Lake, **how) -> list[tuple]:
    with duckdb.connect() as con:
        return lake.scan(con, T, **how).project("row_id, account_id, day::varchar, count").order("all").fetchall()


def unsorted_files(lake: Lake) -> list[str]:
    def accounts(path: str) -> list[int]:
        return pq.read_table(path, columns=["account_id"], partitioning=None)["account_id"].to_pylist()

    return [path for path in lake.files(T) if accounts(path) != sorted(accounts(path))]


# Empty, written, read


def test_an_empty_lake_answers_everything(lake):
    assert lake.files(T) == []
    assert lake.counts(T) == {}
    assert lake.total(T) == 0
    assert lake.known(T, "product").num_rows == 0
    assert lake.remove_run("run-1") == 0
    assert lake.compact(T) == []
    assert lake.vacuum(T, NOW) == []
    with duckdb.connect() as con, lake.lease(T, NOW) as lease:
        assert lake.scan(con, T, lease=lease).to_arrow_table().schema.names == schema_of(T).names
    assert lake.sift(T, rows(("a", 1, "2024-01-01", 1))) == Sifted(1, 0, 0)
    assert lake.append(T, rows(), app_id="run-0", version=1) == Sifted(0, 0, 0)
    assert lake.total(T) == 0


def test_an_unknown_table_is_named_with_those_that_exist(lake):
    with pytest.raises(KeyError, match="usage_days"):
        lake.files("usage")


def test_rows_rest_by_month_sorted_by_account(lake):
    assert lake.append(T, many(0, 60_000, "run-1"), app_id="run-1", version=1) == Sifted(60_000, 0, 0)
    assert len(lake.counts(T)) == 24
    assert lake.total(T) == 60_000
    assert len(lake.files(T)) == 24
    assert all("month=2024-02" in path for path in lake.files(T, ["2024-02"]))
    assert unsorted_files(lake) == []
    with duckdb.connect() as con:
        table = lake.scan(con, T).to_arrow_table()
        assert table.schema == schema_of(T)
        assert lake.scan(con, T).filter("month <> strftime(day, '%Y-%m') or content is null").fetchall() == []
        months = con.sql(f"select distinct month from ({lake.scan_sql(T, ['2023-03', '2024-02', '2031-01'])}) order by 1").fetchall()
    assert months == [("2023-03",), ("2024-02",)]


def test_a_large_import_is_written_in_commits_of_n_rows_from_a_stream(tmp_path):
    lake = Lake(tmp_path / "lake", rows_per_commit=7_000)
    table = many(0, 30_000, "run-1")
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1_000))
    assert lake.append(T, stream, app_id="run-1", version=1) == Sifted(30_000, 0, 0)
    assert lake._handle(T).version() == 5
    assert lake.total(T) == 30_000
    assert unsorted_files(lake) == []


def test_rows_without_an_account_a_day_a_run_or_a_source_are_refused(lake):
    table = rows(("a", 1, "2024-01-01", 1))
    with pytest.raises(ValueError, match="missing \\['run'\\]"):
        lake.append(T, table.drop_columns(["run"]), app_id="x", version=1)
    with pytest.raises(ValueError, match="rows without account_id"):
        lake.append(T, table.set_column(1, "account_id", pa.array([None], pa.int64())), app_id="x", version=1)
    with pytest.raises(ValueError, match="columns unknown \\['colour'\\]"):
        lake.append(T, table.append_column("colour", pa.array(["red"])), app_id="x", version=1)
    with pytest.raises(ValueError, match="one append belongs to one run; found run-1, run-2"):
        lake.append(T, pa.concat_tables([table, rows(("b", 1, "2024-01-01", 1), run="run-2")]), app_id="x", version=1)
    assert lake.total(T) == 0


# Exactly once


def test_the_same_version_of_an_application_is_written_once(lake):
    assert lake.append(T, rows(("a", 1, "2024-01-01", 1)), app_id="run-1", version=1).new == 1
    assert lake.append(T, rows(("b", 1, "2024-01-01", 1)), app_id="run-1", version=1).skipped
    assert lake.append(T, rows(("b", 1, "2024-01-01", 1)), app_id="run-1", version=2).new == 1
    assert [row[0] for row in read(lake)] == ["a", "b"]


def test_version_zero_counts_as_written(lake):
    assert not lake.append(T, rows(("a", 1, "2024-01-01", 1)), app_id="run-1", version=0).skipped
    assert lake.append(T, rows(("b", 1, "2024-01-01", 1)), app_id="run-1", version=0).skipped


@pytest.mark.parametrize("apps", [("run-1", "run-1"), ("run-1", "run-2")], ids=["one application", "two applications, same rows"])
def test_two_processes_at_once_write_the_rows_once(tmp_path, apps):
    """The lock of the operating system makes comparing and committing one step."""
    code = "import sys; sys.path.insert(0, {tests!r}); import test_lake as t; from pathlib import Path; from laer.engine.lake import Lake; "
    code += "print(Lake(Path({root!r})).append(t.T, t.many(0, 20_000, {app!r}), app_id={app!r}, version=1).new)"
    started = [
        subprocess.Popen([sys.executable, "-c", code.format(tests=str(Path(__file__).parent), root=str(tmp_path / "lake"), app=app)], stdout=subprocess.PIPE, text=True)
        for app in apps
    ]
    assert sorted(int(process.communicate()[0]) for process in started) == [0, 20_000]
    assert Lake(tmp_path / "lake").total(T) == 20_000


def test_two_stale_handles_racing_without_the_lock_write_once(tmp_path, monkeypatch):
    """Where the lock does not reach (another machine), the application transaction refuses the second; it looks again."""
    root, meet, seen, commit = tmp_path / "lake", threading.Barrier(2, timeout=30), set(), lake_module.write_deltalake
    Lake(root).append(T, rows(("z", 1, "2023-01-01", 1)), app_id="before", version=1)

    def commit_together(*args, **kwargs):
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            meet.wait()
        commit(*args, **kwargs)

    monkeypatch.setattr(Lake, "_writing", lambda self, table: nullcontext())
    monkeypatch.setattr(lake_module, "write_deltalake", commit_together)
    found: list[Sifted] = []
    threads = [threading.Thread(target=lambda: found.append(Lake(root).append(T, many(0, 5_000, "run-1"), app_id="run-1", version=1))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 2
    assert sorted(each.skipped for each in found) == [False, True]
    assert Lake(root).total(T) == 5_001


# Identity


def test_the_same_bytes_twice_change_nothing(lake):
    lake.append(T, many(0, 3_000, "run-1"), app_id="run-1", version=1)
    before, version = lake.files(T), lake._handle(T).version()
    assert lake.sift(T, many(0, 3_000, "run-2")) == Sifted(0, 3_000, 0)
    assert lake.append(T, many(0, 3_000, "run-2"), app_id="run-2", version=1) == Sifted(0, 3_000, 0)
    assert lake.files(T) == before
    assert lake._handle(T).version() == version
    assert lake.append(T, many(2_000, 3_000, "run-3"), app_id="run-3", version=1) == Sifted(2_000, 1_000, 0)


def test_the_same_rows_of_another_source_are_other_rows(lake):
    lake.append(T, rows(("a", 1, "2024-01-01", 1)), app_id="run-1", version=1)
    assert lake.append(T, rows(("a", 1, "2024-01-01", 1), source="o'source", run="run-2"), app_id="run-2", version=1).new == 1
    assert lake.known(T, "o'source").num_rows == 1


def test_the_same_id_with_other_content_keeps_both(lake):
    lake.append(T, rows(("a", 1, "2024-01-01", 1), ("b", 1, "2024-01-01", 1)), app_id="run-1", version=1)
    again = rows(("a", 1, "2024-01-01", 2), ("b", 1, "2024-01-01", 1), run="run-2")
    assert lake.append(T, again, app_id="run-2", version=1) == Sifted(new=1, known=1, restated=1)
    assert read(lake) == [("a", 1, "2024-01-01", 1), ("a", 1, "2024-01-01", 2), ("b", 1, "2024-01-01", 1)]


def test_within_one_file_an_id_repeated_with_the_same_content_is_one_row(lake):
    table = rows(("a", 1, "2024-01-01", 1), ("a", 1, "2024-01-01", 1), ("a", 1, "2024-01-01", 9))
    assert lake.append(T, table, app_id="run-1", version=1) == Sifted(2, 1, 0)


def test_rows_without_an_id_are_told_apart_by_their_occurrence_in_the_file(lake):
    one, other = (None, 1, "2024-01-01", 5), ("", 2, "2024-01-01", 5)
    assert lake.append(T, rows(one, one, other, one), app_id="run-1", version=1) == Sifted(4, 0, 0)
    assert lake.append(T, rows(one, other, one, one, run="run-2"), app_id="run-2", version=1) == Sifted(0, 4, 0)
    assert lake.append(T, rows(one, one, one, one, other, run="run-3"), app_id="run-3", version=1) == Sifted(1, 4, 0), "a fourth occurrence is new"
    assert lake.total(T) == 5


def test_an_own_content_hash_decides_where_the_file_gives_one(lake):
    """What a reference resolves to may change between imports; the row as it stood in the file does not."""
    first = rows(("a", 1, "2024-01-01", 1)).append_column("content", pa.array([77]))
    later = rows(("a", 1, "2024-01-01", 2), run="run-2").append_column("content", pa.array([77]))
    assert lake.append(T, first, app_id="run-1", version=1).new == 1
    assert lake.append(T, later, app_id="run-2", version=1) == Sifted(0, 1, 0)


def test_texts_that_run_together_are_different_content(lake):
    def named(user: str | None, feature: str | None) -> pa.Table:
        return rows((None, 1, "2024-01-01", 1)).append_column("user_id", pa.array([user], pa.string())).append_column("feature", pa.array([feature], pa.string()))

    pairs = [("a|feature:1:b", None), ("a", "b"), (None, "a"), ("a", None), ("ab", ""), ("a", "b|")]
    table = pa.concat_tables([named(*pair) for pair in pairs])
    lake.append(T, table, app_id="run-1", version=1)
    assert len(set(lake.known(T, "product")["content"].to_pylist())) == len(pairs)


# Killed


CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import test_lake as t
from laer.engine import lake as module
commits, whole = [0], module._by_month
def die_in_the_third(rows):
    commits[0] += 1
    for n, batch in enumerate(whole(rows)):
        if {dies} and commits[0] == 3 and n == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch
module._by_month = die_in_the_third
module.Lake({root!r}, rows_per_commit=5_000).append(t.T, t.many(0, 40_000, "run-1", ids={ids}), app_id="run-1", version=1)
"""


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
def test_killed_inside_a_commit_the_table_reads_and_the_retry_completes(tmp_path, ids):
    root = tmp_path / "lake"
    died = subprocess.run([sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent), root=str(root), dies=True, ids=ids)])
    assert died.returncode == -signal.SIGKILL
    lake = Lake(root)
    assert lake.total(T) == len(read(lake)) == 10_000
    assert lake.append(T, many(0, 40_000, "run-1", ids=ids), app_id="run-1", version=1) == Sifted(30_000, 10_000, 0)
    assert lake.append(T, many(0, 40_000, "run-1", ids=ids), app_id="run-1", version=1).skipped
    counts = sorted(row[3] for row in read(lake))
    assert counts == list(range(40_000))
    assert list((root / "_staging").iterdir()) != [], "the killed process left its spill folder"
    lake.vacuum(T, NOW)
    assert list((root / "_staging").iterdir()) == []


def test_killed_at_any_moment_the_retry_completes(tmp_path):
    """Killed as soon as n data files stand in the folder, committed or not."""
    for n in (1, 8, 16):  # of about 30
        root = tmp_path / f"lake-{n}"
        child = subprocess.Popen([sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent), root=str(root), dies=False, ids=True)])
        until = time.monotonic() + 60
        while len(list(root.glob("*/month=*/*"))) < n and child.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        lake = Lake(root)
        there = lake.total(T)
        assert there % 5_000 == 0
        assert there == len(read(lake))
        lake.append(T, many(0, 40_000, "run-1"), app_id="run-1", version=1)
        assert sorted(row[3] for row in read(lake)) == list(range(40_000))


def test_a_file_of_a_killed_writer_is_not_read_and_vacuum_removes_it(lake):
    lake.append(T, rows(("a", 1, "2024-01-01", 1)), app_id="run-1", version=1)
    orphan = Path(lake.files(T)[0]).with_name("part-orphan.parquet")
    orphan.write_bytes(Path(lake.files(T)[0]).read_bytes())
    assert len(read(lake)) == 1
    assert len(lake.vacuum(T, NOW)) == 1
    assert not orphan.exists()
    assert len(read(lake)) == 1


# Undo


def test_a_run_is_taken_out_and_can_be_imported_again(lake):
    lake.append(T, many(0, 2_000, "run-1"), app_id="run-1", version=1)
    lake.append(T, many(2_000, 2_000, "o'run"), app_id="o'run", version=1)
    assert lake.remove_run("o'run") == 2_000
    assert lake.total(T) == 2_000
    assert {row[3] for row in read(lake)} == set(range(2_000))
    assert unsorted_files(lake) == []
    assert lake.remove_run("o'run") == 0
    assert lake.append(T, many(2_000, 2_000, "o'run"), app_id="o'run", version=1) == Sifted(2_000, 0, 0), "the same call as before writes again"
    assert lake.append(T, many(2_000, 2_000, "o'run"), app_id="o'run", version=1).skipped
    assert lake.total(T) == 4_000
    assert lake.remove_run("o'run") == 2_000
    assert lake.append(T, many(2_000, 2_000, "run-3"), app_id="run-3", version=1).new == 2_000, "and another run may bring the same bytes"


def test_taking_out_the_only_run_leaves_an_empty_table(lake):
    lake.append(T, many(0, 100, "run-1"), app_id="run-1", version=1)
    lake.remove_run("run-1")
    assert lake.counts(T) == {}
    assert lake.files(T) == []
    assert read(lake) == []
    assert lake.append(T, many(0, 100, "run-1"), app_id="run-1", version=1).new == 100


# Leases, compaction, vacuum


def test_compaction_leaves_one_sorted_file_a_month_and_the_same_rows(lake):
    for n in range(4):
        lake.append(T, many(n * 1_000, 1_000, f"run-{n}"), app_id=f"run-{n}", version=1)
    before = read(lake)
    assert len(lake.compact(T, ["2023-01"])) == 1
    assert len(lake.files(T, ["2023-01"])) == 1
    assert len(lake.compact(T)) == 23
    assert len(lake.files(T)) == 24
    assert read(lake) == before
    assert unsorted_files(lake) == []
    assert lake.compact(T) == []
    assert lake.append(T, many(0, 4_000, "run-9"), app_id="run-9", version=1) == Sifted(0, 4_000, 0)


def test_a_lease_holds_vacuum_back(lake):
    lake.append(T, many(0, 2_000, "run-1"), app_id="run-1", version=1)
    lake.append(T, many(2_000, 1_000, "run-2"), app_id="run-2", version=1)
    with lake.lease(T, NOW) as lease:
        leased, whole = lake.files(T, lease=lease), read(lake, lease=lease)
        lake.remove_run("run-1")
        lake.compact(T)
        lake.vacuum(T, NOW + timedelta(minutes=1))
        assert all(Path(path).exists() for path in leased)
        assert read(lake, lease=lease) == whole, "the reader still reads what it leased"
        assert len(whole) == lake.total(T, lease) == 3_000
        assert len(read(lake)) == 1_000
    superseded = set(leased) - set(lake.files(T))
    assert len(superseded) >= 24
    assert len(lake.vacuum(T, NOW + timedelta(minutes=2))) == len(superseded)
    assert not any(Path(path).exists() for path in superseded)
    assert len(read(lake)) == 1_000
    assert lake.vacuum(T, NOW) == [], "nothing left to remove, and no commit for it"


def test_between_two_leased_versions_nothing_is_kept(lake):
    for n in range(3):
        lake.append(T, many(n * 100, 100, f"run-{n}"), app_id=f"run-{n}", version=1)
    with lake.lease(T, NOW) as old:
        lake.compact(T)
        middle = lake.files(T)
        lake.remove_run("run-0")
        with lake.lease(T, NOW) as new:
            lake.vacuum(T, NOW)
            superseded = set(middle) - set(lake.files(T))
            assert superseded
            assert not any(Path(path).exists() for path in superseded)
            assert len(read(lake, lease=old)) == 300
            assert len(read(lake, lease=new)) == 200


def test_a_lease_expires_unless_its_heart_beats(lake):
    lake.append(T, many(0, 500, "run-1"), app_id="run-1", version=1)
    with lake.lease(T, NOW, timedelta(minutes=10)) as lease:
        lake.remove_run("run-1")
        lease.renew(NOW + timedelta(minutes=8))
        assert lake.vacuum(T, NOW + timedelta(minutes=15)) == []
        assert lake.vacuum(T, NOW + timedelta(minutes=18)) != []


def test_a_reader_about_to_look_up_the_version_holds_everything(lake):
    lake.append(T, many(0, 500, "run-1"), app_id="run-1", version=1)
    lake.remove_run("run-1")
    lease = lake_module.leases.take(lake.root / "_leases", T, NOW, timedelta(minutes=1))
    assert lake.vacuum(T, NOW) == []
    lease.release()
    assert lake.vacuum(T, NOW) != []


def test_the_lease_of_a_killed_reader_holds_nothing(lake):
    lake.append(T, many(0, 500, "run-1"), app_id="run-1", version=1)
    code = f"import os, signal; from pathlib import Path; from laer.engine.lake import Lake\nwith Lake(Path({str(lake.root)!r})).lease({T!r}): os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert len(list((lake.root / "_leases").iterdir())) == 1
    lake.remove_run("run-1")
    assert lake.vacuum(T, NOW) != []
    assert list((lake.root / "_leases").iterdir()) == []


def test_a_column_that_older_files_lack_reads_as_null_and_old_rows_stay_known(lake, monkeypatch):
    schema = schema_of(T)
    older = pa.schema([f for f in schema if f.name != "errors"])
    for module in (lake_module, lake_module.sifting):
        monkeypatch.setattr(module, "schema_of", lambda table: older)
    lake.append(T, many(0, 200, "run-1"), app_id="run-1", version=1)
    for module in (lake_module, lake_module.sifting):
        monkeypatch.setattr(module, "schema_of", lambda table: schema)
    with duckdb.connect() as con:
        assert lake.scan(con, T).aggregate("count(*), count(errors)").fetchall() == [(200, 0)]
        assert lake.append(T, many(0, 200, "run-2"), app_id="run-2", version=1) == Sifted(0, 200, 0)
        with_errors = many(200, 100, "run-3").append_column("errors", pa.array([1] * 100))
        assert lake.append(T, with_errors, app_id="run-3", version=1).new == 100
        assert lake.scan(con, T).aggregate("count(*), count(errors)").fetchall() == [(300, 100)]


def test_a_stream_is_pulled_by_the_thread_that_calls(lake):
    """Behind it stands a database connection that belongs to one thread."""
    table, threads = many(0, 5_000, "run-1"), set()

    def batches():
        for batch in table.to_batches(max_chunksize=500):
            threads.add(threading.get_ident())
            yield batch

    assert lake.append(T, pa.RecordBatchReader.from_batches(table.schema, batches()), app_id="run-1", version=1).new == 5_000
    assert threads == {threading.get_ident()}


def test_a_stream_that_fails_writes_nothing_and_its_own_error_comes_through(lake):
    table = many(0, 2_000, "run-1")

    def batches():
        yield from table.to_batches(max_chunksize=1_000)[:1]
        raise LookupError("line 1001 is not to be read")

    with pytest.raises(LookupError, match="line 1001"):
        lake.append(T, pa.RecordBatchReader.from_batches(table.schema, batches()), app_id="run-1", version=1)
    assert lake.total(T) == 0


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_files_and_undos_leaves_what_plain_python_says(lake, seed):
    """Second route: identities as a set of tuples, an undo as the removal of a run's."""
    draw = Random(seed)
    days, known = ("2024-01-31", "2024-02-01", "2024-03-05"), dict[tuple, str]()
    for n in range(12):
        run = f"run-{n}"
        given = [(draw.choice([None, "a", "b", "c"]), draw.choice([1, 2]), draw.choice(days), draw.choice([None, 0, 1])) for _ in range(draw.randrange(12))]
        source, seen = draw.choice(["crm", "product"]), dict[tuple, int]()
        fresh = set()
        for row in given:
            seen[row] = seen.get(row, 0) + 1
            fresh.add((source, *row, seen[row] if row[0] is None else 1))
        fresh -= known.keys()
        assert lake.append(T, rows(*given, run=run, source=source), app_id=run, version=1).new == len(fresh)
        known.update(dict.fromkeys(fresh, run))
        if n % 4 == 3:
            undone = f"run-{draw.randrange(n + 1)}"
            assert lake.remove_run(undone) == sum(run == undone for run in known.values())
            known = {identity: run for identity, run in known.items() if run != undone}
            lake.compact(T)
            lake.vacuum(T, NOW)
    with duckdb.connect() as con:
        found = lake.scan(con, T).project("source, row_id, account_id, day::varchar, count, run").fetchall()
    assert sorted(found, key=str) == sorted([(*identity[:-1], run) for identity, run in known.items()], key=str)
