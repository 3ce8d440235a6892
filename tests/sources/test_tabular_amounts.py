"""What an amount is and what an end means, by evidence over whole columns: examples counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from laer.sources.tabular.amounts import STATED, AmountRow, amount_evidence
from laer.sources.tabular.answers import amount_of, end_open, period_open, unit_open, with_all
from laer.sources.tabular.ends import end_evidence, ends_alone
from laer.sources.tabular.intervals import months_between
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table
from laer.sources.tabular.weighing import weighed


@pytest.fixture
def table(tmp_path: Path):
    def made(text: str, name: str = "lines.csv") -> Table:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (one,) = open_tables(tmp_path / name)
        return one

    return made


def rows(*amounts: str, **same: object) -> list[AmountRow]:
    return [AmountRow(f"A{i}", Decimal(text), **same) for i, text in enumerate(amounts)]  # type: ignore[arg-type]


def test_an_amount_that_is_twelve_times_the_mrr_is_told_as_a_years() -> None:
    lines = [AmountRow(f"A{i}", Decimal(1200 * i), monthly=Fraction(100 * i), rounding=Fraction(1)) for i in range(1, 10)]
    found = amount_evidence([*lines, AmountRow("A10", Decimal(500), monthly=Fraction(100))], "Amount", beside="MRR")
    assert (found.of, found.per, found.compared, found.disagree) == ("line", STATED, 10, 1)
    assert found.sentences == ("Read as the total for a year, it agrees with MRR in 9 of 10 rows; 1 disagree, such as A10 with 500.",)


def test_an_mrr_rounded_to_whole_units_still_agrees() -> None:
    lines = [AmountRow("A1", Decimal(1000), monthly=Fraction(83), rounding=Fraction(1))] * 3  # 1,000 / 12 = 83.33, stated as 83
    assert amount_evidence(lines, "Amount", beside="MRR").disagree == 0


def test_quantity_times_unit_price_makes_it_the_total_and_the_others_are_counted() -> None:
    lines = [AmountRow(f"A{i}", Decimal(10 * i), quantity=Decimal(i), unit_price=Decimal(10)) for i in range(2, 12)]
    found = amount_evidence([*lines, AmountRow("A12", Decimal(7), quantity=Decimal(3), unit_price=Decimal(10))], "Amount")
    assert found.of == "line"
    assert found.sentences == ("Quantity x unit price comes to it in 10 of 11 rows; 1 disagree.",)
    assert found.per is None


def test_one_price_for_every_quantity_of_a_plan_is_the_price_of_a_unit() -> None:
    same = [AmountRow(f"A{i}", Decimal(49), quantity=Decimal(i), group="Pro") for i in range(2, 8)]
    assert amount_evidence(same, "Price").of == "unit"
    grows = [AmountRow(f"A{i}", Decimal(49 * i), quantity=Decimal(i), group="Pro") for i in range(2, 8)]
    assert amount_evidence(grows, "Price").of == "line"
    mixed = [AmountRow(f"A{i}", Decimal(50 + i * i), quantity=Decimal(i), group="Pro") for i in range(2, 8)]
    assert amount_evidence(mixed, "Price").of is None
    assert amount_evidence(mixed, "Total").of == "line"  # its name says so (rule 15)


def test_amounts_that_grow_with_the_term_are_for_the_whole_term() -> None:
    grows = [AmountRow(f"A{i}", Decimal(100 * months), term=Fraction(months), group="Pro") for i, months in enumerate((12, 24, 36))]
    assert amount_evidence(grows, "Amount").per == "term"
    same = [AmountRow(f"A{i}", Decimal(1200), term=Fraction(months), group="Pro") for i, months in enumerate((12, 24, 36))]
    assert amount_evidence(same, "Amount").per is None


def test_what_the_book_has_of_the_same_accounts_tells_the_period() -> None:
    known = {f"A{i}": Fraction(100) for i in range(4)}
    found = amount_evidence(rows("1200", "1200", "1200", "1200"), "Amount", known=known)
    assert (found.of, found.per) == ("line", "annual")
    assert "in 4 of 4 cases" in found.sentences[-1]
    assert amount_evidence(rows("777", "778", "779", "780"), "Amount", known=known).per is None


def test_the_name_of_a_column_may_say_for_how_long_it_is() -> None:
    assert amount_evidence(rows("1"), "Yearly fee").per == "annual"
    assert amount_evidence(rows("1"), "Total contract value").per == "term"
    assert amount_evidence(rows("1"), "Amount").per is None


def test_an_interval_beside_it_says_it_row_by_row_and_the_empty_ones_are_counted() -> None:
    found = amount_evidence([*rows("10", "20", factor=Fraction(1, 12)), *rows("30")], "Amount", interval="Billing")
    assert found.per == STATED
    assert found.sentences == ("2 of 3 rows say in Billing how often it is billed; 1 do not, and count as a month.",)


def test_terms_of_whole_months_say_what_an_end_means() -> None:
    assert end_evidence([("A1", date(2024, 2, 15), date(2025, 2, 15))]).decided == "exclusive"
    assert end_evidence([("A1", date(2024, 2, 15), date(2025, 2, 14))]).decided == "inclusive"
    assert end_evidence([("A1", date(2024, 2, 15), date(2025, 2, 20))]).decided is None


def test_a_renewal_date_is_the_first_unpaid_day_by_its_name() -> None:
    odd = [("A1", date(2024, 2, 15), date(2025, 2, 20))]
    assert end_evidence(odd, "Renewal Date").decided == "exclusive"
    assert end_evidence(odd, "Paid through").decided == "inclusive"


@pytest.mark.parametrize(
    ("days", "header", "decided"),
    [
        (("2026-03-31", "2026-12-31", "2027-02-28"), "Renewal date", "inclusive"),
        (("2026-04-01", "2027-01-01", "2027-03-01"), "Contract end", "exclusive"),
        (("2026-03-31", "2026-12-31", "2026-06-30", "2027-06-30", "2026-05-17"), "Contract end", "inclusive"),
        (("2026-03-17", "2026-12-02", "2027-02-28"), "Contract end", None),
        (("2026-03-17", "2026-12-02", "2027-02-28"), "Renewal date", "exclusive"),
        (("2026-03-17", "2026-12-02", "2027-02-28"), "Paid through", "inclusive"),
        (("2026-03-31", "2026-12-31"), "Contract end", None),  # two may be chance
        ((), "Contract end", None),
    ],
)
def test_ends_without_starts_are_weighed_alone(days: tuple[str, ...], header: str, decided: str | None) -> None:
    found = ends_alone([(f"A{i}", date.fromisoformat(day)) for i, day in enumerate(days)], header)
    assert found.decided == decided
    assert not days or found.counts == (f"{found.month_ends} of {len(days)} ends are the last of a month, {found.month_firsts} the first.",)


def test_the_evidence_is_said_in_counts_with_what_each_reading_would_do() -> None:
    found = end_evidence([("A", date(2024, 1, 1), date(2024, 6, 14)), ("A", date(2024, 6, 15), None), ("B", date(2024, 1, 1), date(2024, 6, 15)), ("B", date(2024, 6, 15), None)])
    assert found.decided is None
    assert found.counts[0] == "1 of 2 successors start on the day after the end, 1 on the end itself."
    assert found.effect("exclusive").startswith("1 one-day gap:")
    assert found.effect("inclusive").startswith("1 line would overlap the next by a day")
    assert found.example == ("A", "2024-01-01", "2024-06-14", "2024-06-15")


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [((2024, 1, 1), (2025, 1, 1), 12), ((2024, 1, 31), (2024, 2, 29), Fraction(29, 31)), ((2024, 1, 15), (2024, 3, 1), 1 + Fraction(15, 29)), ((2023, 12, 10), (2024, 1, 10), 1)],
)
def test_months_of_a_term(start: tuple[int, int, int], end: tuple[int, int, int], months: Fraction) -> None:
    assert months_between(date(*start), date(*end)) == months


AMBIGUOUS = (
    "customer,subscription_id,start_date,end_date,price,quantity\nAcme,S1,2024-01-05,2024-06-14,100,5\nAcme,S2,2024-06-15,2024-09-03,120,5\n"
    "Bolt,S3,2024-02-01,2024-07-19,90,3\nBolt,S4,2024-07-19,,95,3\nCoda,S5,2024-03-03,,40,9\n"
)


def test_a_file_that_says_nothing_is_open_until_it_is_answered(table) -> None:
    one = table(AMBIGUOUS)
    found = recognise(one)
    assert (end_open(found), period_open(found), unit_open(found)) == (True, True, True)
    said = with_all(one, found, {"end": "inclusive", "interval": "annual", "amount_of": "unit"})
    assert (end_open(said), period_open(said), unit_open(said)) == (False, False, False)
    assert (said.end, said.fixed, said.headers["unit_price"], amount_of(said)) == ("inclusive", {"interval": "annual"}, "price", "unit")
    assert weighed(one, said).end == "inclusive"  # weighed again, an answer stands above the evidence
    assert weighed(one, said).fixed == {"interval": "annual"}


def test_nothing_is_asked_where_mrr_stands(table) -> None:
    found = recognise(table("customer,start_date,mrr,amount\nA,2024-01-05,10,120\nB,2024-01-05,20,240\nC,2024-01-05,20,300\n"))
    assert not any((end_open(found), period_open(found), unit_open(found)))
    assert found.amount_evidence is not None
    assert found.amount_evidence.disagree == 1
