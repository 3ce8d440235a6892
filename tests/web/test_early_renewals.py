"""The doctor's hint at early renewals without a link: what it finds, with the money of each way out, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from laer.web.book.models import Contract
from laer.web.runs.doctor import columns_behind, findings, rows_behind, rows_to_exclude, title_of
from tests.web.lists import given, take

pytestmark = pytest.mark.django_db
CHECK = "early_renewals"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def book(folder: Path, *, begins: str = "2025-10-15", link: str = "", sub: str = "S2", product: str = "Core") -> None:
    take(given(folder / "accounts.csv", "Account ID,Account Name", "A1,Acme", "A2,Beta"), "2025-01-01")
    contracts = ("C1,A1,2025-01-01,2026-01-01,", f"C2,A1,{begins},2026-12-31,{link}", "C3,A2,2025-01-01,2026-01-01,", "C4,A2,2026-01-01,2027-01-01,")
    take(given(folder / "contracts.csv", "Contract ID,Account ID,Start Date,End Date,Renewed Contract ID", *contracts), "2025-01-01")
    header = "Subscription ID,Account ID,Contract ID,Product,Start Date,End Date,MRR,Currency"
    lines = ("S1,A1,C1,Core,2025-01-01,,1000,EUR", f"{sub},A1,C2,{product},{begins},,1200,EUR", "S3,A2,C3,Core,2025-01-01,,50,EUR", "S4,A2,C4,Core,2026-01-01,,60,EUR")
    take(given(folder / "lines.csv", header, *lines), "2025-01-01")


def hints() -> list[str]:
    return [str(f.sentence) for f in findings() if f.check == CHECK]


def test_an_early_renewal_is_found_with_the_money_of_each_way_out(tmp_path: Path) -> None:
    book(tmp_path)
    (sentence,) = hints()
    assert "1 contract begins before another of the same customer ends" in sentence
    assert "€1,000.00 of MRR counts twice; if both are sold, none does" in sentence
    (row,) = rows_behind(CHECK, None)
    assert [str(row[name]) for name in columns_behind(CHECK)] == ["2025-10-15", "2026-01-01", "€1,200.00", "€1,000.00", "€1,200.00", "€2,200.00"]
    assert rows_to_exclude(CHECK, None) == ("contracts", [Contract.objects.get(start_on="2025-10-15").pk])
    assert title_of(CHECK) == "Contracts that may renew another one early"


@pytest.mark.parametrize(
    "how",
    [{"link": "C1"}, {"sub": "S1"}, {"product": "Seats"}, {"begins": "2025-03-01"}, {"begins": "2026-01-01"}, {"begins": "2026-02-01"}],
    ids=["linked", "one subscription", "another product", "beside it from early on", "on the end", "later"],
)
def test_what_is_clear_is_no_hint(tmp_path: Path, how: dict[str, str]) -> None:
    book(tmp_path, **how)
    assert hints() == []


def test_a_contract_that_was_cancelled_is_no_hint(tmp_path: Path) -> None:
    book(tmp_path)
    Contract.objects.filter(start_on="2025-01-01").update(cancelled_on="2025-10-15")
    assert hints() == []
