"""Rollups of usage: brought up to date by what is new, they say what the lake's rows say, at any version that somebody kept."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from laer.engine import leases
from laer.engine import rollups as rollups_module
from laer.engine.lake import Lake
from laer.engine.rollups import BLOCK, GAP, NAMES, Doing, Gone, Mark, Rollups
from laer.engine.session import DuckDBSession
from laer.engine.sifting import schema_of

T, NOW = "usage_days", datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST, ALL = date(2024, 1, 1), (0, 40_000)
COLUMNS = ("row_id", "account_id", "user_id", "feature", "day", "count", "errors", "source", "run")
Said = dict[str, list[tuple[Any, ...]]]
NOTHING: Said = {name: [] for name in NAMES}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", rows_per_commit=60)


def usage(chance: Random, count: int, run: str, days: int = 150) -> pa.Table:
    """Rows of a few accounts; some name no user, feature or count, and one is a slip of 1903."""
    made = [
        {
            "row_id": f"{run}-{i}", "account_id": chance.randint(1, 6), "user_id": chance.choice(["ann", "bob", None]), "feature": chance.choice(["a", "b", None]),
            "day": FIRST + timedelta(days=chance.randrange(days)), "count": chance.choice([1, 5, None]), "errors": chance.choice([0, 2, None]),
            "source": "product", "run": run,
        }
        for i in range(count)
    ]  # fmt: skip
    made[0]["day"] = date(1903, 1, 1)
    return of(*made)


def of(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=pa.schema([f for f in schema_of(T) if f.name in COLUMNS]))


def one(account: int, day: date, run: str = "1", user: str = "ann", count: int = 1) -> dict[str, Any]:
    return {"row_id": f"{account}-{day}-{user}", "account_id": account, "user_id": user, "feature": "a", "day": day, "count": count, "source": "product", "run": run}


def read(lake: Lake, mark: Mark | None, days: tuple[int, int] = ALL, **how: Any) -> Said:
    with DuckDBSession() as session:
        Rollups(lake).read(session, mark, days, **how)
        return {name: sorted(session.connection.sql(f"select * exclude (gap) from {name}" if name == "account_days" else f"select * from {name}").fetchall(),
            key=repr) for name in NAMES}  # fmt: skip


def from_rows(lake: Lake, merged: dict[int, int] | None = None) -> Said:
    """The second route: every row of the lake, one by one."""
    with duckdb.connect() as con:
        names = con.sql("select x, ('0x' || substr(md5(x), 1, 15))::bigint from (values ('ann'), ('bob'), ('a'), ('b')) t(x)")
        number = dict(names.fetchall())
        rows = lake.scan(con, T).project("account_id, user_id, feature, day, count, errors").fetchall()
    masks: dict[str, dict[tuple[int, int, int], int]] = {"user_blocks": defaultdict(int), "feature_blocks": defaultdict(int)}
    days: dict[tuple[int, int], list[int | None]] = {}
    for account, user, feature, day, count, errors in rows:
        account, d = (merged or {}).get(account, account), (day - date(1970, 1, 1)).days
        if d < 0:
            continue
        for name, actor in (("user_blocks", user), ("feature_blocks", feature)):
            if actor is not None:
                masks[name][account, number[actor], d // BLOCK] |= 1 << d % BLOCK
        held = days.setdefault((account, d), [0, None])
        held[0] = (held[0] or 0) + (1 if count is None else count)
        held[1] = held[1] if errors is None else (held[1] or 0) + errors
    said: Said = {name: sorted(((*key, mask) for key, mask in found.items()), key=repr) for name, found in masks.items()}
    return said | {"account_days": sorted(((*key, *value) for key, value in days.items()), key=repr)}


@pytest.mark.parametrize("seed", range(6))
def test_after_any_appends_repeats_removals_and_compactions_they_say_what_the_rows_say(lake: Lake, seed: int) -> None:
    chance, arrived, kept = Random(seed), dict[str, pa.Table](), list[tuple[Mark, Said]]()
    rollups = Rollups(lake)
    for step in range(14):
        match chance.choice(["new", "new", "again", "undone", "compact", "vacuum"]):
            case "new":
                arrived[str(step)] = usage(chance, chance.randint(1, 200), str(step), chance.choice([3, 150]))
                lake.append(T, arrived[str(step)], app_id=f"import-{step}", version=1)
            case "again" if arrived:
                before = arrived[chance.choice(list(arrived))]
                lake.append(T, before.set_column(before.schema.get_field_index("run"), "run", pa.array([f"{step}"] * before.num_rows)), app_id=f"again-{step}", version=1)
            case "undone" if arrived:
                lake.remove_run(chance.choice(list(arrived)))
            case "compact":
                lake.compact(T)
            case "vacuum":
                lake.vacuum(T, NOW)
                rollups.vacuum([mark for mark, _ in kept], NOW)
        if chance.random() < 0.5 and (mark := rollups.refresh()) is not None:
            merged = {2: 1, 5: 1} if chance.random() < 0.5 else {}
            assert read(lake, mark, merged=merged) == from_rows(lake, merged)
            kept.append((mark, from_rows(lake)))
    assert kept
    for mark, said in kept:
        assert read(lake, mark) == said, "a version that was kept says what the lake said then"


def test_only_blocks_of_the_new_days_are_written(lake: Lake) -> None:
    lake.append(T, of(*(one(1, FIRST + timedelta(days=i)) for i in range(120))), app_id="a", version=1)
    rollups = Rollups(lake)
    rollups.refresh()
    before = set((lake.root / "_rollups").rglob("*.parquet"))
    lake.append(T, of(one(1, FIRST + timedelta(days=119), user="bob")), app_id="b", version=1)
    rollups.refresh()
    fresh = {str(path.parent.relative_to(lake.root / "_rollups")) for path in set((lake.root / "_rollups").rglob("*.parquet")) - before}
    block = ((FIRST - date(1970, 1, 1)).days + 119) // BLOCK
    assert fresh == {f"kind={kind}/block={block}" for kind in ("user", "feature", "day")}


def test_rows_taken_out_of_one_month_while_others_come_into_the_next_count_once(lake: Lake) -> None:
    """Both lie in one block: it is made anew of all its rows, and the new ones are not added to that."""
    last, first = date(2024, 1, 31), date(2024, 2, 1)
    assert (last - date(1970, 1, 1)).days // BLOCK == (first - date(1970, 1, 1)).days // BLOCK
    lake.append(T, of(one(1, last, run="1")), app_id="1", version=1)
    lake.append(T, of(one(2, last, run="2", user="bob"), one(2, first, run="2", user="bob")), app_id="2", version=1)
    rollups = Rollups(lake)
    rollups.refresh()
    lake.remove_run("1")
    lake.append(T, of(one(1, first, run="3")), app_id="3", version=1)
    assert read(lake, rollups.refresh()) == from_rows(lake)


def test_putting_files_together_makes_nothing_anew(lake: Lake) -> None:
    for i in range(3):
        lake.append(T, of(one(i, FIRST)), app_id=f"{i}", version=1)
    rollups = Rollups(lake)
    rollups.refresh()
    before = set((lake.root / "_rollups").rglob("*.parquet"))
    assert lake.compact(T) == ["2024-01"]
    assert read(lake, rollups.refresh()) == from_rows(lake)
    assert set((lake.root / "_rollups").rglob("*.parquet")) == before


def test_nothing_new_writes_nothing(lake: Lake) -> None:
    lake.append(T, of(one(1, FIRST)), app_id="a", version=1)
    rollups = Rollups(lake)
    mark = rollups.refresh()
    assert rollups.refresh() == mark
    assert rollups.vacuum([], NOW) == []


def test_without_usage_there_is_nothing_to_read(lake: Lake) -> None:
    assert Rollups(lake).refresh() is None
    assert read(lake, None) == NOTHING
    lake.append(T, of(), app_id="a", version=1)
    assert read(lake, Rollups(lake).refresh()) == NOTHING


def test_the_last_rows_of_a_month_taken_out_leave_nothing(lake: Lake) -> None:
    lake.append(T, of(one(1, FIRST)), app_id="a", version=1)
    Rollups(lake).refresh()
    lake.remove_run("1")
    assert read(lake, Rollups(lake).refresh()) == NOTHING


def test_only_asked_days_and_accounts_are_read(lake: Lake) -> None:
    early, late = FIRST, FIRST + timedelta(days=400)
    lake.append(T, of(one(1, early), one(1, late), one(2, late), one(3, late)), app_id="a", version=1)
    mark, day = Rollups(lake).refresh(), (late - date(1970, 1, 1)).days
    found = read(lake, mark, (day - 30, day), accounts=[1], merged={3: 1})
    assert found["account_days"] == [(1, day, 2, None)]


def test_a_lake_that_was_emptied_is_rolled_up_anew(lake: Lake) -> None:
    lake.append(T, of(one(1, FIRST), one(2, FIRST)), app_id="a", version=1)
    Rollups(lake).refresh()
    shutil.rmtree(lake.root / T)
    lake.append(T, of(one(7, FIRST)), app_id="a", version=1)
    assert read(lake, Rollups(lake).refresh()) == from_rows(lake)


def test_a_log_that_forgot_its_beginning_is_no_ground(lake: Lake) -> None:
    rollups = Rollups(lake)
    lake.append(T, of(one(1, FIRST)), app_id="a", version=1)
    rollups.refresh()
    for i in range(3):
        lake.append(T, of(one(2 + i, FIRST)), app_id=f"b{i}", version=1)
    log = lake.root / T / "_delta_log"
    DeltaTable(lake.root / T).create_checkpoint()
    for entry in sorted(log.glob("0*.json"))[:-1]:
        entry.unlink()
    assert read(lake, rollups.refresh()) == from_rows(lake)


def test_a_version_of_other_rollups_is_gone(lake: Lake) -> None:
    lake.append(T, of(one(1, FIRST)), app_id="a", version=1)
    rollups = Rollups(lake)
    mark = rollups.refresh()
    rollups.forget()
    with pytest.raises(Gone):
        read(lake, mark)
    assert mark is not None
    assert rollups.refresh() != mark
    with pytest.raises(Gone):
        read(lake, mark)


def test_vacuum_waits_for_a_reader_and_spares_what_is_kept(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups_module, "ORPHANS", timedelta(0))
    rollups, marks = Rollups(lake), []
    for i in range(3):
        lake.append(T, of(one(i, FIRST)), app_id=f"{i}", version=1)
        marks.append(rollups.refresh())
    held = leases.take(lake.root / "_leases", "_rollups", None, timedelta())
    assert rollups.vacuum([], NOW) == []
    held.version = marks[0].version
    held.renew(None)
    rollups.vacuum([marks[1]], NOW)
    assert [len(read(lake, mark)["account_days"]) for mark in marks] == [1, 2, 3]
    held.release()
    assert rollups.vacuum([], NOW) != []
    with pytest.raises(Gone):
        read(lake, marks[0])
    assert len(read(lake, marks[2])["account_days"]) == 3


def test_of_two_that_began_together_the_later_looks_again(lake: Lake) -> None:
    """Threads stand for passes: whoever is second finds the first one's blocks, and adds nothing to them."""
    lake.append(T, usage(Random(1), 300, "1"), app_id="1", version=1)
    Rollups(lake).refresh()
    lake.append(T, usage(Random(2), 300, "2"), app_id="2", version=1)
    faults: list[Exception] = []

    def refresh() -> None:
        try:
            Rollups(lake).refresh()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=refresh) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert read(lake, Rollups(lake).refresh()) == from_rows(lake)


def made(lake: Lake, name: str, **how: Any) -> list[tuple[Any, ...]]:
    with DuckDBSession() as session:
        Rollups(lake).read(session, Rollups(lake).refresh(), how.pop("days", ALL), **how)
        return sorted(session.connection.sql(f"select * from {name}").fetchall(), key=repr)


def test_a_gap_is_the_days_since_the_use_before_and_none_that_is_no_rhythm(lake: Lake) -> None:
    days = [FIRST + timedelta(days=n) for n in (0, 3, 10, 10 + GAP, 11 + 2 * GAP)]
    lake.append(T, of(*(one(1, day) for day in days), one(2, days[1])), app_id="import-1", version=1)
    assert [row[-1] for row in made(lake, "account_days") if row[0] == 1] == [None, 3, 7, GAP, None]


def test_what_activation_is_judged_by_reaches_back_over_all_of_history(lake: Lake) -> None:
    first, later = FIRST, FIRST + timedelta(days=900)
    rows = [one(1, first, user="ann", count=2), one(1, first, user="bob", count=3), one(1, later, user="ann"), {**one(2, first, user="cy"), "feature": "b"}]
    lake.append(T, of(*rows), app_id="import-1", version=1)
    d0, d1 = ((day - date(1970, 1, 1)).days for day in (first, later))
    lately = (d1 - 30, d1)
    often = made(lake, "doing", days=lately, doing=Doing("", by_users=False))
    assert [(account, actor, day, n) for account, actor, day, n in often] == [(1, None, d0, 5), (1, None, d1, 1), (2, None, d0, 1)]
    who = [row for row in made(lake, "doing", days=lately, doing=Doing("", by_users=True)) if row[1] is not None]
    assert sorted((account, day) for account, _actor, day, n in who if n == 0) == [(1, d0), (1, d0), (1, d1), (2, d0)]
    named = made(lake, "doing", days=lately, doing=Doing("a", by_users=True), merged={2: 1})
    assert sorted((account, day, n) for account, _actor, day, n in named) == [(1, d0, 2), (1, d0, 3), (1, d1, 1)]
    assert made(lake, "doing", days=lately, doing=Doing("", by_users=False), accounts={2}) == [(2, None, d0, 1)]
    assert made(lake, "usage_since", days=lately, doing=Doing("", by_users=False), accounts={9}) == [(d0,)]
