"""Tables of exchange rates: one rate for all time, plan rates per fiscal year, and rates from a day."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.rates import NoPlanYear, RateTable, read_rates

BY_YEAR = "currency,rate,fiscal_year\nEUR,1.10,2025\nEUR,1.20,FY2026\ngbp,1.30,2025\n"
FROM = "Currency,Rate,From\nEUR,1.10,2024-10-01\nEUR,1.20,2026-01-01\nGBP,1.30,2025-03-01\n"


def read(tmp_path: Path, text: str, starts: int = 1) -> RateTable:
    (tmp_path / "rates.csv").write_text(text)
    return read_rates(tmp_path / "rates.csv", starts)


def test_a_file_without_a_year_is_read_as_it_always_was(tmp_path: Path) -> None:
    """The last row of a currency rules, other columns are not read, and no year can be named."""
    table = read(tmp_path, "currency,rate,note\nusd,1,\nEUR,1.10,old\nEUR,1.15,new\n")
    assert table.of(None) == {"USD": 1, "EUR": Fraction(115, 100)}
    with pytest.raises(NoPlanYear, match=r"rates.csv has no plan rates for 2025: it has one rate per currency"):
        table.of(2025)


def test_plan_rates_stand_by_fiscal_year(tmp_path: Path) -> None:
    table = read(tmp_path, BY_YEAR)
    assert table.of(2025) == {"EUR": Fraction(11, 10), "GBP": Fraction(13, 10)}
    assert table.of(2026) == {"EUR": Fraction(12, 10)}


def test_a_year_that_is_missing_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    table = read(tmp_path, BY_YEAR)
    with pytest.raises(NoPlanYear, match="no plan rates for 2027; there are: 2025, 2026"):
        table.of(2027)
    with pytest.raises(NoPlanYear, match="several fiscal years: 2025, 2026"):
        table.of(None)
    assert [table.nearest(year) for year in (2020, 2026, 2030)] == [2025, 2026, 2026]
    assert read(tmp_path, "currency,rate,fiscal_year\nEUR,1.1,2025\n").of(None) == {"EUR": Fraction(11, 10)}


def test_a_rate_from_a_day_holds_until_the_next_and_a_year_takes_what_holds_on_its_first_day(tmp_path: Path) -> None:
    table = read(tmp_path, FROM)
    assert dict(table.years) == {
        2025: {"EUR": Fraction(11, 10)},
        2026: {"EUR": Fraction(12, 10), "GBP": Fraction(13, 10)},
    }
    assert table.of(2031) == table.of(2026)
    # Fiscal years from October: 2025 begins on 1 October 2024, 2026 on 1 October 2025, 2027 on 1 October 2026.
    shifted = read(tmp_path, FROM, starts=10)
    assert (shifted.of(2025), shifted.of(2026)["EUR"], shifted.of(2027)["EUR"]) == ({"EUR": Fraction(11, 10)}, Fraction(11, 10), Fraction(12, 10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency,rate,fiscal_year\nEUR,1.1,\n", "a fiscal year of four digits"),
        ("currency,rate,fiscal_year\nEUR,1.1,25\n", "a fiscal year of four digits"),
        ("currency,rate,fiscal_year\nEUR,1.1,2025\nEUR,1.2,FY2025\n", "a second rate for EUR"),
        ("currency,rate,from\nEUR,1.1,soon\n", "a day such as"),
        ("currency,rate,from\nEUR,1.1,\n", "a day such as"),
        ("currency,rate,fiscal_year\nEUR,0,2025\n", "a rate above 0"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnreadableFile, match=r"rates.csv, line \d") as fault:
        read(tmp_path, text)
    assert said in str(fault.value)
