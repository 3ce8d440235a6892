"""Lists that come in another order than their days: each holds from its own day on, whatever came when, and whatever is undone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from laer.web.book.models import ImportRun, NoNews, Question, SubscriptionLine
from laer.web.book.undo import undo_import
from tests.web.lists import arr, given, take

pytestmark = pytest.mark.django_db
MONTHS = {"may": "2025-05-01", "june": "2025-06-01", "july": "2025-07-01", "august": "2025-08-01"}


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def listed(folder: Path, month: str, *rows: str, header: str = "Customer,ARR") -> ImportRun:
    return take(given(folder / f"{month}.csv", header, *rows), MONTHS[month])


def by_month(name: str | None = None) -> list[int]:
    return [int(arr(day, name)) for day in MONTHS.values()]


def test_a_list_for_an_earlier_day_changes_nothing_from_the_day_of_a_later_one_on(tmp_path: Path):
    listed(tmp_path, "may", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,12000", "Bluefin,5000")
    june = listed(tmp_path, "june", "Acme,15000", "Bluefin,5000")
    assert by_month("Acme") == [12_000, 15_000, 12_000, 12_000]
    assert by_month("Bluefin") == [5_000] * 4
    assert any("of 1 of these customers stands again" in note for note in june.notes)


@pytest.mark.parametrize("order", list(permutations(MONTHS))[::3], ids="-".join)
def test_the_order_of_imports_does_not_matter(tmp_path: Path, order: tuple[str, ...]):
    said = {"may": 12_000, "june": 15_000, "july": 12_000, "august": 12_000}
    for month in order:
        listed(tmp_path, month, f"Acme,{said[month]}", "Bluefin,5000")
    assert by_month("Acme") == list(said.values())
    assert by_month("Bluefin") == [5_000] * 4


@pytest.mark.parametrize(
    ("undone", "left"),
    [
        (["june"], [12_000, 12_000, 12_000, 12_000]),
        (["july"], [12_000, 15_000, 15_000, 12_000]),
        (["july", "august"], [12_000, 15_000, 15_000, 15_000]),
        (["may"], [0, 15_000, 12_000, 12_000]),
        (["may", "june"], [0, 0, 12_000, 12_000]),
        (["june", "may"], [0, 0, 12_000, 12_000]),
        (["june", "july", "may"], [0, 0, 0, 12_000]),
        (["may", "june", "july", "august"], [0, 0, 0, 0]),
    ],
    ids=str,
)
def test_after_an_undo_the_other_lists_hold(tmp_path: Path, undone: list[str], left: list[int]):
    said = {"may": 12_000, "july": 12_000, "august": 12_000, "june": 15_000}
    runs = {month: listed(tmp_path, month, f"Acme,{amount}", "Bluefin,5000") for month, amount in said.items()}
    for month in undone:
        undo_import(runs[month])
    assert by_month("Acme") == left
    assert not NoNews.objects.filter(run__in=[runs[month] for month in undone]).exists()


def test_a_list_without_news_holds_where_the_one_before_it_is_undone(tmp_path: Path):
    """Nothing came out of order: July said 12,000 too, and the money stays without May."""
    may = listed(tmp_path, "may", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,12000", "Bluefin,5000")
    undo_import(may)
    assert by_month() == [0, 0, 17_000, 17_000]
    assert set(SubscriptionLine.objects.filter(archived_at=None).values_list("start_unknown", flat=True)) == {True}  # an opening balance, not new


def test_a_later_list_that_said_nothing_is_paid_holds(tmp_path: Path):
    listed(tmp_path, "may", "Acme,0", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,0", "Bluefin,5000")
    listed(tmp_path, "june", "Acme,3000", "Bluefin,5000")
    assert by_month("Acme") == [0, 3_000, 0, 0]


def test_an_item_of_a_list_by_product_is_put_back_and_the_others_stay(tmp_path: Path):
    header = "Customer,Product,ARR"
    listed(tmp_path, "may", "Acme,Core,12000", "Acme,Seats,6000", "Bluefin,Core,5000", header=header)
    listed(tmp_path, "july", "Acme,Core,12000", "Acme,Seats,7000", "Bluefin,Core,5000", header=header)
    listed(tmp_path, "june", "Acme,Core,15000", "Acme,Seats,6000", "Bluefin,Core,5000", header=header)
    assert by_month("Acme") == [18_000, 21_000, 19_000, 19_000]


def test_what_an_earlier_list_leaves_out_and_a_later_one_has_is_no_question(tmp_path: Path):
    listed(tmp_path, "may", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "june", "Acme,12000")
    assert not Question.objects.exists()


def test_an_earlier_list_does_not_answer_what_a_later_one_made_a_question(tmp_path: Path):
    listed(tmp_path, "may", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,12000")
    listed(tmp_path, "june", "Acme,12000", "Bluefin,5000")
    assert Question.objects.get().answer == ""


def test_taking_the_earlier_list_in_again_changes_nothing_more(tmp_path: Path):
    listed(tmp_path, "may", "Acme,12000", "Bluefin,5000")
    listed(tmp_path, "july", "Acme,12000", "Bluefin,5000")
    june = listed(tmp_path, "june", "Acme,15000", "Bluefin,5000")
    undo_import(june)
    again = listed(tmp_path, "june", "Acme,15000", "Bluefin,5000")
    assert by_month("Acme") == [12_000, 15_000, 12_000, 12_000]
    undo_import(again)
    assert by_month("Acme") == [12_000] * 4
