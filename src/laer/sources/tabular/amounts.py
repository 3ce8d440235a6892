"""What an amount is, by evidence over the whole column (rule 15 of the ledger's policy).

Two questions: is it the total of its line or the price of one unit, and for which period is it? MRR or ARR beside it, an
interval, a quantity with a unit price, terms of different length, and what the book knows of the same accounts can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from laer.sources.tabular.cells import spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.intervals import TERM

PERIODS = {"monthly": 1, "quarterly": 3, "semi-annual": 6, "annual": 12, "biennial": 24}
STATED = "stated"  # another column says it row by row
FEWEST = 3  # rows that must speak
MAJORITY = 0.9  # share of those that must speak for one reading
PAIRS = 2_000  # distinct pairs remembered per plan
SAID = {"monthly": "a month", "quarterly": "a quarter", "semi-annual": "half a year", "annual": "a year", "biennial": "two years", TERM: "the whole term"}
_OF_A_UNIT = frozenset(spelled("price fee charge rate cost preis prix precio prijs tarif gebühr gebuhr unit seat user license licence each"))
_PERIOD_WORDS = {
    **dict.fromkeys(spelled("monthly month mo pm monatlich monat mensuel mensual mois mes"), "monthly"),
    **dict.fromkeys(spelled("quarterly quarter quartal trimestre"), "quarterly"),
    **dict.fromkeys(spelled("annual annually yearly year pa annualized annualised jährlich jahrlich jahr annuel anual año"), "annual"),
    **dict.fromkeys(spelled("tcv term"), TERM),
}


class AmountRow(NamedTuple):
    """One line's cells, read; None where empty or unreadable.

    monthly  what an MRR or ARR beside the amount comes to in a month, and how much rounding may have changed it
    factor   months' share of the interval that the row names
    term     months from start to end
    group    what is sold: lines of one group have one price
    """

    account: str
    amount: Decimal
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    monthly: Fraction | None = None
    rounding: Fraction = Fraction(0)
    factor: Fraction | None = None
    term: Fraction | None = None
    group: str = ""


@dataclass(frozen=True)
class AmountEvidence:
    """of         line (its total), unit (the price of one), None: ask
    per        a period, `term`, `stated` (another column says it row by row), None: ask
    sentences  the evidence with counts
    rows       lines with an amount
    units      of them, those with a quantity other than one
    compared   rows that another column can be held against; disagree: those that it does not come to
    example    account and amount of one line; quantity, too, where it is not one
    """

    of: str | None
    per: str | None
    sentences: tuple[str, ...] = ()
    rows: int = 0
    units: int = 0
    compared: int = 0
    disagree: int = 0
    example: tuple[str, ...] = ()


@dataclass
class _Seen:
    rows: int = 0
    units: int = 0
    intervals: int = 0
    products: Counter[str] = field(default_factory=Counter)  # against quantity x unit price: total, unit, neither
    readings: Counter[tuple[str, str]] = field(default_factory=Counter)  # (of, per) -> rows that it explains, against MRR
    compared: int = 0
    disagree: int = 0
    odd: str = ""
    prices: dict[str, set[tuple[Decimal, Decimal]]] = field(default_factory=dict)
    terms: dict[str, set[tuple[Fraction, Decimal]]] = field(default_factory=dict)
    once: dict[str, AmountRow | None] = field(default_factory=dict)  # rows of accounts that the book knows; None: it has several
    example: AmountRow | None = None


def amount_evidence(
    rows: Iterable[AmountRow], header: str = "", *, beside: str = "", interval: str = "", unit: bool = False, known: Mapping[str, Fraction] | None = None
) -> AmountEvidence:
    """Weigh every line with an amount.

    In     header    name of the column, where people gave it one; beside: of the MRR or ARR column; interval: of the interval's, where there are such
           unit      the column's name says that it is the price of one unit
           known     MRR by account of what the book has already
    """
    seen = _Seen()
    for row in rows:
        _see(seen, row, known or {})
    sentences: list[str] = []
    of = "unit" if unit else _of(seen, header, sentences)
    per = _per(seen, header, beside, interval, sentences)
    if of == "line" and known and per is None:
        of, per = _by_the_book(seen, known, sentences)
    example = seen.example
    shown: tuple[str, ...] = () if example is None else (example.account, format(example.amount, "f"))
    if example is not None and example.quantity is not None and example.quantity != 1:
        shown = (*shown, format(example.quantity, "f"))
    return AmountEvidence(of, per, tuple(sentences), seen.rows, seen.units, seen.compared, seen.disagree, shown)


def _see(seen: _Seen, row: AmountRow, known: Mapping[str, Fraction]) -> None:
    seen.rows += 1
    several = row.quantity is not None and row.quantity != 1
    seen.units += several
    seen.intervals += row.factor is not None
    if seen.example is None or (several and seen.example.quantity in (None, 1)):
        seen.example = row
    if row.quantity is not None and row.unit_price is not None and several:
        total = row.quantity * row.unit_price
        seen.products["total" if abs(total - row.amount) <= Decimal("0.01") else "unit" if row.amount == row.unit_price else "neither"] += 1
    if row.monthly is not None and (row.amount or row.monthly):
        seen.compared += 1
        fitting = _readings(row, row.monthly)
        seen.readings.update(fitting)
        stated = next((per for per, months in PERIODS.items() if row.factor == Fraction(1, months)), None)
        if not fitting or (row.factor is not None and not _comes_to(row, row.monthly, row.factor)):
            seen.disagree += 1
            seen.odd = seen.odd or f"{row.account} with {row.amount:f}" + (f" {stated}" if stated else "")
    if several and row.amount and row.quantity and row.unit_price is None and len(there := seen.prices.setdefault(row.group, set())) < PAIRS:
        there.add((row.quantity, row.amount))
    if row.term and row.amount and len(spans := seen.terms.setdefault(row.group, set())) < PAIRS:
        spans.add((row.term, row.amount))
    if row.account in known:
        seen.once[row.account] = None if row.account in seen.once else row


def _readings(row: AmountRow, monthly: Fraction) -> list[tuple[str, str]]:
    """The readings under which an amount comes to an MRR."""
    found = [("line", per) for per, months in PERIODS.items() if _comes_to(row, monthly, Fraction(1, months))]
    if row.term and _comes_to(row, monthly, 1 / row.term):
        found.append(("line", TERM))
    if row.quantity and row.quantity != 1:
        whole = row._replace(amount=row.amount * row.quantity)
        found += [("unit", per) for per, months in PERIODS.items() if _comes_to(whole, monthly, Fraction(1, months))]
    return found


def _comes_to(row: AmountRow, monthly: Fraction, factor: Fraction) -> bool:
    """Whether an amount comes to an MRR, each rounded in its own last place."""
    places = min(0, int(row.amount.as_tuple().exponent))
    return abs(Fraction(row.amount) * factor - monthly) <= row.rounding + Fraction(10) ** places * factor


def _of(seen: _Seen, header: str, sentences: list[str]) -> str | None:
    """Whether it is the line's total or the price of one unit."""
    told, total, unit = seen.products.total(), seen.products["total"], seen.products["unit"]
    if told:
        if unit >= MAJORITY * told:
            sentences.append(f"In {unit:,} of {told:,} rows it is the unit price itself.")
            return "unit"
        less = f"; {told - total:,} disagree" if told > total else ""
        sentences.append(f"Quantity x unit price comes to it in {total:,} of {told:,} rows{less}.")
        return "line"
    by_unit = sum(n for (of, _), n in seen.readings.items() if of == "unit")
    by_line = sum(n for (of, _), n in seen.readings.items() if of == "line")
    if by_unit > by_line:
        return "unit"
    if by_line:
        return "line"
    telling = [pairs for pairs in seen.prices.values() if len({quantity for quantity, _ in pairs}) > 1]
    same_price = sum(len({amount for _, amount in pairs}) == 1 for pairs in telling)
    same_rate = sum(len({Fraction(amount) / Fraction(quantity) for quantity, amount in pairs}) == 1 for pairs in telling)
    if same_price or same_rate:
        sentences.append(
            f"Of {len(telling):,} plan{'' if len(telling) == 1 else 's'} sold in several quantities, {same_price:,} keep one amount whatever the quantity "
            f"and {same_rate:,} grow with it."
        )
    pairs_told = sum(map(len, telling))
    if same_price and not same_rate and pairs_told >= FEWEST:
        return "unit"
    if same_rate and not same_price and pairs_told >= FEWEST:
        return "line"
    if not seen.units or not set(header_words(header).split()) & _OF_A_UNIT:
        return "line"
    sentences.append(f"{seen.units:,} of {seen.rows:,} rows have a quantity other than one.")
    return None


def _per(seen: _Seen, header: str, beside: str, interval: str, sentences: list[str]) -> str | None:
    """For which period it is."""
    if beside:
        _checked(seen, beside, sentences)
        return STATED
    if interval:
        left = seen.rows - seen.intervals
        without = f"; {left:,} do not, and count as a month." if left else "."
        sentences.append(f"{seen.intervals:,} of {seen.rows:,} rows say in {interval} how often it is billed{without}")
        return STATED
    named = next((_PERIOD_WORDS[word] for word in header_words(header).split() if word in _PERIOD_WORDS), None)
    if named or "contract value" in in_english(header_words(header)) or "total contract" in header_words(header):
        sentences.append("The name of the column says for how long it is.")
        return named or TERM
    telling = [pairs for pairs in seen.terms.values() if len({term for term, _ in pairs}) > 1]
    same = sum(len({amount for _, amount in pairs}) == 1 for pairs in telling)
    grows = sum(len({Fraction(amount) / term for term, amount in pairs}) == 1 for pairs in telling)
    if same or grows:
        plans = f"{len(telling):,} plan{'' if len(telling) == 1 else 's'}"
        sentences.append(f"Of {plans} sold for terms of different length, {same:,} keep one amount and {grows:,} grow with the term.")
    return TERM if grows and not same and sum(map(len, telling)) >= FEWEST else None


def _checked(seen: _Seen, beside: str, sentences: list[str]) -> None:
    """What holding it against an MRR or ARR showed."""
    if not seen.compared:
        return
    agree = seen.compared - seen.disagree
    words = f"It agrees with {beside} in {agree:,} of {seen.compared:,} rows"
    (of, per), most = max(seen.readings.items(), key=lambda one: one[1], default=(("line", ""), 0))
    if most >= MAJORITY * seen.compared and not seen.intervals:
        what = "the price of a unit" if of == "unit" else "the total"
        seen.disagree = seen.compared - most
        words = f"Read as {what} for {SAID[per]}, it agrees with {beside} in {most:,} of {seen.compared:,} rows"
    odd = f"; {seen.disagree:,} disagree{f', such as {seen.odd}' if seen.odd else ''}" if seen.disagree else ""
    sentences.append(f"{words}{odd}.")


def _by_the_book(seen: _Seen, known: Mapping[str, Fraction], sentences: list[str]) -> tuple[str, str | None]:
    """What holding it against the MRR that the book has of the same accounts shows."""
    single = [(row, known[account]) for account, row in seen.once.items() if row is not None and known[account] and row.amount]
    if not single:
        return "line", None
    readings: Counter[tuple[str, str]] = Counter()
    for row, monthly in single:
        readings.update(_readings(row._replace(rounding=Fraction(1, 100)), monthly))
    (of, per), most = max(readings.items(), key=lambda one: one[1], default=(("line", ""), 0))
    if len(single) >= FEWEST and most >= MAJORITY * len(single):
        unit = "the price of a unit" if of == "unit" else "the total"
        sentences.append(f"Read as {unit} for {SAID[per]}, it is what the book has of the same accounts in {most:,} of {len(single):,} cases.")
        return of, per
    sentences.append(f"The book knows {len(single):,} of these accounts, and no reading comes to what it has.")
    return "line", None
