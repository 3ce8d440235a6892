"""What is refused before it can fill the memory, and what would else be lost without a word."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from laer.cli import app
from laer.sources.tabular import package
from laer.sources.tabular.profile import Sample
from laer.sources.tabular.read import UnreadableFile, open_tables
from laer.sources.tabular.table import MOST_CELLS, header_of
from tests.faults.mutations import put, repacked, sheet

TABLE = [["account_id", "start_date", "mrr"], ["A", "2024-01-01", "5"], ["B", "2024-02-01", "6"]]


def refused(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        list(open_tables(path))
    return str(caught.value)


def test_a_part_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    path = repacked(sheet(tmp_path, TABLE), lambda name, content: content + b" " * 30_000_000 if "sheet1" in name else content)
    assert "a part of 30 MB packed into 0.0 MB" in refused(path)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST", 1_000)
    assert "GB once unpacked" in refused(sheet(tmp_path, TABLE))


def test_a_size_that_the_archive_states_falsely_is_found_by_unpacking(tmp_path: Path) -> None:
    path = sheet(tmp_path, TABLE)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    content = path.read_bytes()
    assert content.count(size.to_bytes(4, "little")) == 2
    path.write_bytes(content.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert "states a false size of xl/worksheets/sheet1.xml" in refused(path)


@pytest.mark.parametrize("far", [b"XFD1048576", b"ZZ99999"])
def test_a_cell_far_away_is_refused_before_a_rectangle_is_laid_out(tmp_path: Path, far: bytes) -> None:
    cell = b'<row r="9"><c r="%s"><v>1</v></c></row></sheetData>' % far
    assert "sheets that span" in refused(repacked(sheet(tmp_path, TABLE), lambda _, content: content.replace(b"</sheetData>", cell)))


def test_the_pattern_finds_every_reference_beyond_what_was_seen_and_no_other() -> None:
    chance = random.Random(3)
    for _ in range(3_000):
        column, row = chance.choice([chance.randrange(30), chance.randrange(16_384)]), (chance.randrange(1, 10) + 1) * 10 ** chance.randrange(6) - 1
        other, below = (
            chance.choice([column, max(0, column - 1), min(16_383, column + 1), chance.randrange(16_384)]),
            chance.choice([max(row, 1), row + 1, chance.randrange(1, 1_048_577)]),
        )
        cell = f'<c r="{package._letters(other)}{below}" s="1">'.encode()
        assert package._column(package._letters(other).encode()) == other
        assert bool(package._beyond(column, row).search(cell)) == (other > column or below > row)


def test_formulas_without_a_stored_value_are_text_and_told_of(tmp_path: Path) -> None:
    path = repacked(
        sheet(tmp_path, [*TABLE, ["C", "2024-03-01", 7]]),
        lambda name, content: content.replace(b'<c r="C3"><v>6</v></c>', b'<c r="C3"><f>SUM(C1:C2)</f></c>').replace(b'<c r="C4"><v>7</v></c>', b'<c r="C4"><f>1+1</f><v></v></c>') if "sheet1" in name else content,
    )  # fmt: skip
    (one,) = open_tables(path)
    assert [cells[2] for _, cells in one.rows()] == ["5", "=SUM(C1:C2)", "=1+1"]
    assert any("2 cells hold formulas without a stored value (first on line 3)" in note for note in one.notes)
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "csv"])
    assert "rejected: unreadable amount: 2" in done.stderr
    assert "without a stored value" in done.stderr


def test_a_row_that_holds_only_formulas_without_values_is_still_a_row(tmp_path: Path) -> None:
    row = b'<row r="4"><c r="C4"><f>1+1</f></c></row></sheetData>'
    (one,) = open_tables(repacked(sheet(tmp_path, TABLE), lambda _, content: content.replace(b"</sheetData>", row)))
    assert list(one.rows())[-1] == (4, ["", "", "=1+1"])


def test_a_header_that_no_record_has_is_refused_at_once(tmp_path: Path) -> None:
    assert "a header of 1,000,000 columns; expected at most 4,000" in refused(put(tmp_path, ",".join(["x"] * 1_000_000) + "\n1,2\n"))
    assert "a header of 5,000 columns" in refused(put(tmp_path, "a,b\n" + (",".join(["1"] * 5_000) + "\n") * 3))


def test_many_columns_of_one_name_are_named_apart_in_no_time() -> None:
    header = header_of(["amount"] * 4_000)
    assert (len(set(header)), header[:2], header[-1]) == (4_000, ["amount", "amount (2)"], "amount (4000)")


def test_a_name_of_a_column_is_cut_and_stays_unique() -> None:
    first, second = header_of(["note " * 2_000_000, "note " * 2_000_000])
    assert (len(first), first[-1], second) == (200, "…", f"{first} (2)")


def test_wide_and_heavy_rows_come_in_smaller_lots(tmp_path: Path) -> None:
    wide = put(tmp_path, ",".join(f"c{i}" for i in range(4_000)) + "\n" + (",".join(["1"] * 4_000) + "\n") * 600, "wide.csv")
    (one,) = open_tables(wide)
    sizes = [len(rows) for _, rows in one.chunks(5_000)]
    assert (sum(sizes), max(sizes) <= MOST_CELLS // 4_000) == (600, True)
    (two,) = open_tables(put(tmp_path, "a,b\n" + f"1,{'x' * 3_000_000}\n" * 20, "heavy.csv"))
    sizes = [len(rows) for _, rows in two.chunks(5_000)]
    assert (sum(sizes), max(sizes) <= 8) == (20, True)
    assert not Sample(two, 2_000).complete


@pytest.mark.parametrize("rest", ["", 'S9,"A9",2024-01-01,9\n'])
def test_rows_within_an_open_quotation_mark_are_told_of(tmp_path: Path, rest: str) -> None:
    (one,) = open_tables(
        put(tmp_path, 'id,account_id,start_date,mrr\nS1,"A1, Inc.",2024-01-01,1\nS2,"A2,2024-01-01,2\nS3,A3,2024-01-01,3\nS4,A4,2024-01-01,4\n' + rest)
    )
    assert len(list(one.rows())) < 4
    assert any("line 3 seems to hold whole rows: a quotation mark may have been left open" in note for note in one.notes)


def test_a_text_of_several_lines_is_no_open_quotation_mark(tmp_path: Path) -> None:
    (one,) = open_tables(put(tmp_path, 'id,account_id,note,mrr\nS1,A1,"Hello,\nworld",1\n'))
    assert (len(list(one.rows())), one.notes) == (1, [])


def test_a_mistyped_year_does_not_print_a_hundred_thousand_months(tmp_path: Path) -> None:
    path = put(tmp_path, "account_id,start_date,mrr\nA,2024-01-01,5\nB,9999-12-31,5\n")
    done = CliRunner().invoke(app, ["revenue", str(path)])
    assert (done.exit_code, "the lines run from 2024-01 to 9999-12, 95,712 months" in done.stderr) == (2, True)
    assert CliRunner().invoke(app, ["revenue", str(path), "--from", "2024-01", "--to", "2024-03"]).exit_code == 0


def test_messages_list_no_more_names_than_a_person_reads(tmp_path: Path) -> None:
    path = put(tmp_path, ",".join(f"{'column ' * 20}{i}" for i in range(3_000)) + "\n" + ",".join(["1"] * 3_000) + "\n")
    done = CliRunner().invoke(app, ["revenue", str(path)])
    assert (done.exit_code, len(done.stderr) < 2_000) == (2, True)
