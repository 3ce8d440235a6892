"""Sheets of a second examiner: what falls due where only a term is said, grids that lie on their side, pivots of three levels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from laer.web.book.models import Contract, SubscriptionLine
from tests.web.lists import arr
from tests.web.test_sceptical_sheets import aside, ends, notes, spans, taken

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2026-06-30"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


# -- a start and a term -----------------------------------------------------------------------------------------------


def test_arr_with_a_start_and_a_term_falls_due_after_it_and_stays_open(tmp_path: Path) -> None:
    text = "Customer,ARR,Start date,Term (months)\nAsh,1200,2025-01-15,24\nBirch,600,2026-01-01,12\nCedar,700,2026-03-31,6\nDogwood,50,2026-01-01,\n"
    run = taken(tmp_path, "list.csv", text)
    assert ends() == {"Ash": "2027-01-15", "Birch": "2027-01-01", "Cedar": "2026-09-30"}  # September has no 31st; Dogwood says no term
    assert (arr(DAY), {end for _, end in spans()}, aside()) == (2_550, {"None"}, set())
    assert "No column says when a contract is due: Renewal date was added, Start date and Term (months) after it." in notes(run)


def test_rows_that_follow_one_another_are_terms_that_end(tmp_path: Path) -> None:
    text = "Customer,ARR,Start date,Term (months)\nAsh,1200,2024-07-01,12\nAsh,1500,2025-07-01,12\nBirch,600,2025-01-01,12\nBirch,700,2026-01-01,12\n"
    taken(tmp_path, "list.csv", text)
    assert (arr(DAY), arr("2025-06-30"), Contract.objects.count()) == (2_200, 1_800, 4)  # 1,500 + 700; 1,200 + 600


def test_rows_of_several_products_stay_open_side_by_side(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,Product,ARR,Start date,Term (months)\nAsh,X,1200,2026-01-01,12\nAsh,Y,1500,2026-01-01,12\nBirch,X,600,2026-01-01,12\n")
    assert (arr(DAY), SubscriptionLine.objects.filter(end_on=None).count()) == (3_300, 3)


def test_contracts_with_ids_end_after_their_term(tmp_path: Path) -> None:
    taken(tmp_path, "contracts.csv", "Contract ID,Account,ARR,Start date,Term (months)\nK1,Ash,1200,2026-01-01,12\nK2,Birch,1500,2026-01-01,36\n")
    assert (arr(DAY), ends()) == (2_700, {"Ash": "2027-01-01", "Birch": "2029-01-01"})
