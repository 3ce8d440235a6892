"""A wide grid of months or quarters (a row per customer, a column per month) read as dated subscription lines.

The value of a month holds from the first of that month until the first of the next column's. Equal values in successive
months make one line; a blank is an explicit 0 and makes none. The last month's value stays open: nobody said that it
ended. A month without a column is unknown, and the value of the month before it holds. What cannot be read is a row of
its own that names its column, so that it is set aside alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby, islice
from typing import NamedTuple

from laer.records.periods import first_day, month_name
from laer.sources.tabular.around import around, measure_in, year_of
from laer.sources.tabular.cells import spelled
from laer.sources.tabular.currency_signs import currencies_in, currency_in, currency_named
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.fiscal_months import fiscal_unclear, wide_fiscal
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import Month, wide_header
from laer.sources.tabular.grid_header import Wide as WideHeader
from laer.sources.tabular.headers import BARE_ID, header_words, match_columns
from laer.sources.tabular.layout import Row
from laer.sources.tabular.numbers import NumberStyle, affix, read_number
from laer.sources.tabular.quarters import said_of_quarters, says_amounts, unclear, wide_quarters
from laer.sources.tabular.scales import power_of
from laer.sources.tabular.sideways import turned
from laer.sources.tabular.table import SURPLUS, Known, Table, TableOver
from laer.sources.tabular.tall_grid import Wide, as_wide
from laer.sources.tabular.values import Memo, Unreadable
from laer.sources.tabular.years import said_of_years, wide_years

SAMPLE = 200  # rows that must show numbers
KEPT = ("account_id", "subscription_id", "contract_id", "product_id", "plan", "currency")  # what a column beside the months can say of a line
BLANK = frozenset(spelled("- -- – — n/a na n.a. nil null none nan .")) | {""}
NAMES = frozenset(  # words of which the header of a customer's name is made
    spelled(
        "name full legal account customer company client organization organisation firm kunde kundenname firma unternehmen nom cliente empresa societe"
    )
)
_OTHER = frozenset(  # names of files and sheets whose months hold something else
    spelled(
        "usage user users login logins seat seats license licenses licence licences ticket tickets nps csat health score invoice invoices invoiced billing "
        "billings payment payments cash booking bookings cost costs expense expenses headcount budget cohort cohorts retention pnl profit pipeline churn"
    )
)
_REVENUE = frozenset(spelled("mrr arr recurring"))
REVENUE = frozenset(spelled("revenue umsatz monthly"))  # what a month brought in is its MRR
_WORD = re.compile(r"[.][a-z]+$")
COLUMN_OF = {1: "month", 3: "quarter", 12: "year"}  # by months of a column
SAID_OF = {3: said_of_quarters, 12: said_of_years}
READINGS_OF = {  # what the command line asks for where nothing says what a column's amount is
    3: "--amount-is monthly (they are MRR), annual (ARR) or quarterly (what the quarter brought in)",
    12: "--amount-is monthly (they are MRR) or annual (ARR, or what the year brought in)",
}
EXCLUSIVE = "The grid says what holds in each month, so a line ends on the first day of the month that differs: the end is the first unpaid day."


class Cell(NamedTuple):
    """What a month says: an amount (None is 0), or the text that cannot be read."""

    amount: Decimal | None
    unreadable: str = ""


class GridTable(TableOver):
    """The lines of a grid: its columns beside the months as they stand, then `start_date`, `end_date` and `mrr` (or `arr`).

    A subscription id is added where several rows of the grid would else be one subscription. Lines carry the number of
    the grid's row that they come from.

    first, through  numbers of its first and last month
    zeros           a row that begins with blanks gives a line of 0 for them: the book may know of something that ends there
    measure         mrr, arr, or amount: `known.per` says for how long that is, None where nothing tells
    span            months of a column: of quarters 3, of years 12
    currency        that all amounts carry, where they carry one
    bare            signs of several currencies (`$`) that rows carry beside rows in other currencies
    """

    zeros = False
    currency: str | None = None
    bare: frozenset[str] | set[str] = frozenset()

    def __init__(self, table: Table, wide: WideHeader) -> None:
        super().__init__(table)
        months, sums, self.span = wide.months, wide.sums, wide.span
        self._months = months
        self._power = power_of(f"({table.unit})") if table.unit else 0  # what a title says of all amounts
        self.first, self.through = months[0].number, months[-1].number + self.span - 1
        self._starts = [first_day(m.number).isoformat() for m in months]
        left = {m.place for m in months} | set(sums)
        self._beside = [place for place in range(len(table.header)) if place not in left]
        beside = [table.header[place] for place in self._beside]
        self._columns, why_account = _columns(table, beside)
        named = table.said if isinstance(table, Wide) else None
        said, why_measure = named or SAID_OF.get(self.span, lambda table, _: _measure(table, months, beside))(table, wide)
        self.measure, per = (said, None) if said in ("mrr", "arr") else ("amount", said)
        self._named = [table.header.index(h) for h in _identity(self._columns)]
        self._number: Memo = Memo(read_number, "point")
        again, empty, rows = self._look()
        self._numbered = again and "subscription_id" not in self._columns.values()
        added = ["subscription_id"] * self._numbered + ["currency"] * self._signed + ["start_date", "end_date", self.measure]
        if self.measure == "amount":
            added[-1] = f"amount of a {COLUMN_OF[self.span]}" if self.span > 1 else table.amount if isinstance(table, Wide) else "amount"
        names = [_unlike(name, beside) for name in added]
        self.header = beside + names
        targets = ["subscription_id"] * self._numbered + ["currency"] * self._signed + ["start_on", "end_on", self.measure]
        why = f"A grid of {len(months)} {COLUMN_OF[self.span]}s, {month_name(self.first)} to {month_name(self.through)}, read as dated lines."
        reasons = (
            dict.fromkeys(self._columns, "the name says so") | why_account | dict.fromkeys(names, "from the months of the grid") | {names[-1]: why_measure}
        )
        self.known = Known(
            "subscription_lines", self._columns | dict(zip(names, targets, strict=True)), why, reasons, "exclusive", EXCLUSIVE, self.through,
            per, f"{why_measure[0].upper()}{why_measure[1:]}.",
        )  # fmt: skip
        self._say(sums, why, why_measure, empty, rows)

    def rows(self) -> Iterator[Row]:
        times: Counter[tuple[str, ...]] = Counter()
        width = len(self._table.header)
        for line, cells in self._table.rows():
            beside = [cells[place] for place in self._beside]
            if self._numbered:
                key = self._key(cells)
                times[key] += 1
                beside.append("/".join((key[0], next(filter(None, key[1:]), "subscription"), *([str(times[key])] if times[key] > 1 else []))))
            if self._signed:
                codes = currencies_in(cells[month.place].strip() for month in self._months if self._cell(cells[month.place]).amount)
                beside.append("/".join(sorted(codes - self.bare)))
            surplus = cells[width:]
            for start, end, amount in self._lines(cells):
                yield line, [*beside, start, end, amount, *surplus]

    def _lines(self, cells: list[str]) -> Iterator[tuple[str, str, str]]:
        """(start, end, amount) of each run of equal values of one row."""
        place, starts = 0, self._starts
        read = [self._cell(cells[month.place]) for month in self._months]
        for cell, run in groupby(read):
            begun, place = place, place + len(list(run))
            end = starts[place] if place < len(starts) else ""
            if self.zeros and begun == 0 and cell == Cell(None):
                yield starts[0], end, "0"
            if cell.unreadable:
                for i in range(begun, place):
                    yield starts[i], starts[i + 1] if i + 1 < len(starts) else "", f"{cell.unreadable} in column {self._months[i].header}"
            elif cell.amount is not None:
                yield starts[begun], end, _text(cell.amount)

    def _cell(self, text: str) -> Cell:
        """One cell of a month. A share in per cent is no amount."""
        plain = text.strip()
        if plain.casefold() in BLANK:
            return Cell(None)
        value = self._number[plain]
        if type(value) is Unreadable or "%" in plain:
            return Cell(None, plain)
        return Cell(value.scaleb(self._power) if value and self._power else value or None)

    def _look(self) -> tuple[bool, int, int]:
        """One pass: how numbers are written, whether rows share a subscription, how many rows have no amount at all."""
        style, seen = NumberStyle(self._table.commas), set()
        signs: set[str] = set()
        texts: set[str] = set()
        again, empty, rows = False, 0, 0
        for _, cells in self._table.rows():
            rows += 1
            key = self._key(cells)
            again = again or key in seen
            seen.add(key)
            filled = {cells[m.place].strip() for m in self._months}
            empty += all(text.casefold() in BLANK for text in filled)
            for text in filled - texts:
                style.see(text)
                signs.add(affix(text))
            if len(texts) < 100_000:
                texts |= filled
        self._number = Memo(read_number, style.decide())
        signs -= {"", "%"}
        named = currency_named(self._table.amount) if isinstance(self._table, Wide) else None
        named = named or currency_named(self._table.unit)
        self.currency = (currency_in(f"{next(iter(signs))} 1") if len(signs) == 1 else None) or (named if not signs else None)
        said = currencies_in(f"{sign} 1" for sign in signs)
        self._signed = len(said) > 1 and "currency" not in self._columns.values()
        self.bare = {sign for sign in said if not sign.isalpha() or len(sign) != 3} if self._signed else set()
        if self._signed:
            theirs = f"; {', '.join(sorted(self.bare))} is taken for the firm's own" if self.bare else ""
            self.note("signs", f"The amounts of the months carry several currency signs ({', '.join(sorted(signs))}): each row's is its currency{theirs}.")
        return again, empty, rows

    def _key(self, cells: list[str]) -> tuple[str, ...]:
        return tuple(cells[place].strip() for place in self._named)

    def _say(self, sums: list[int], why: str, why_measure: str, empty: int, rows: int) -> None:
        self.note("grid", f"{why} {why_measure[0].upper()}{why_measure[1:]}.")
        missing = [n for m, after in zip(self._months, self._months[1:], strict=False) for n in range(m.number + self.span, after.number)]
        if missing:
            shown = ", ".join(map(month_name, missing[:6])) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
            self.note("missing months", f"There is no column for {shown}: the value of the month before was held.")
        if sums:
            self.note("sums", f"Left out, because they sum months up: {', '.join(self._table.header[place] for place in sums)}.")
        if empty:
            self.note("empty rows", f"{empty:,} of {rows:,} rows have no amount in any month and give no line.")


def as_grid(table: Table, fiscal: int | None = None, *, of_revenue: bool = False) -> Table:
    """The table as dated lines where it is a grid of months, quarters or years, else the table itself.

    In      fiscal      the first month of the firm's fiscal year, where it is known
            of_revenue  whoever gave the file said that it holds recurring revenue
    Faults  UnreadableFile where two columns stand for one month, or where it cannot be told which months they are
    """
    if not table.header:
        return table
    year = year_of(table)
    wide = wide_header(table.header, year)
    if wide is None and (tall := as_wide(table)) is not None:
        return table if _is_other(tall, tall.months) else GridTable(tall, WideHeader(tall.months, [], None, tall.span))
    wide = wide or wide_fiscal(table.header, fiscal) or wide_quarters(table.header, year, fiscal) or _two_months(table, year)
    if wide is None and (fault := unclear(table) or fiscal_unclear(table)) and not _is_other(table, []):
        raise fault
    if wide is None and not _is_other(table, []):
        wide = wide_years(table, fiscal)
    if wide is None and not _is_other(table, []) and (upright := turned(table, of_revenue=of_revenue)) is not None:
        return as_grid(upright, fiscal)
    if wide is None or len(wide.months) + len(wide.sums) == len(table.header) or _is_other(table, wide.months):
        return table
    if wide.twice:
        of = COLUMN_OF[wide.span]
        raise UnreadableFile(
            table.title, f"two columns for one {of} ('{wide.twice[0]}' and '{wide.twice[1]}')", f"one column for each {of}",
            "Delete or rename one of them: which of the two holds the recurring revenue cannot be told.",
        )  # fmt: skip
    return GridTable(table, wide)


def _two_months(table: Table, year: int | None) -> WideHeader | None:
    """Two months alone, where they follow one another beside one another and nothing else is an amount."""
    wide = wide_header(table.header, year, 2)
    if wide is None or len(wide.months) != 2:
        return None
    first, second = wide.months
    beside = abs(second.place - first.place) == 1 and second.number - first.number == 1
    return wide if beside and says_amounts(table, [first.header, second.header]) else None


def _is_other(table: Table, months: list[Month]) -> bool:
    """Whether the months hold something else than amounts: by the name of the file and sheet, or by the values."""
    words = set(header_words(f"{_WORD.sub('', table.file.lower())} {table.sheet or ''}").split())
    if words & _OTHER and not words & _REVENUE and not any(m.measure for m in months):
        return True
    if not months:
        return False
    filled = [text for _, cells in islice(table.rows(), SAMPLE) for m in months if (text := cells[m.place].strip()).casefold() not in BLANK]
    read = sum(any(type(read_number(text, style)) is not Unreadable for style in ("point", "comma")) for text in filled)
    return 2 * read < len(filled) or not filled


def _columns(table: Table, beside: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Targets of the columns beside the months, and the reason where the account was chosen by its place or a bare name."""
    found = {name: target for name, target in match_columns(beside, "subscription_lines").items() if target in KEPT}
    if "account_id" in found.values():
        return found, {}
    free = [name for name in beside if name not in found]
    named = next((name for name in free if header_words(name) and set(header_words(name).split()) <= NAMES), None)
    bare = next((name for wanted in BARE_ID for name in free if header_words(name) == wanted), None)
    if bare and named:
        places = table.header.index(bare), table.header.index(named)
        sample = [(cells[places[0]], cells[places[1]]) for _, cells in islice(table.rows(), SAMPLE)]
        if len({a for a, _ in sample}) > len({b for _, b in sample}):  # an id of the row: one name has several
            bare = None
    account = bare or named or (free[0] if free else beside[0])
    return {**found, account: "account_id"}, {account: "the column that names the row's customer"}


def _identity(columns: dict[str, str]) -> list[str]:
    """Headers by which a subscription is known where the grid gives no id: the account, then product and plan."""
    by_target = {target: header for header, target in columns.items()}
    return [by_target[target] for target in ("account_id", "product_id", "plan") if target in by_target]


def _measure(table: Table, months: list[Month], beside: Iterable[str]) -> tuple[str | None, str]:
    """`mrr` or `arr`, None where it must be asked, and why: what the months' headers, a title, the sheet, the file or a column beside them say."""
    if said := next((m.measure for m in months if m.measure in ("mrr", "arr")), None):
        return said, f"the headers of the months say {said.upper()}"
    for where, text in around(table):
        if named := measure_in(text):
            return named, f"{where} says {named.upper()}"
    stated = {target: header for header, target in match_columns(beside, "subscription_lines").items() if target in ("mrr", "arr")}
    for measure, header in stated.items():
        times = _times(table, table.header.index(header), months[-1].place)
        for here, factor in (("mrr", Decimal(12) if measure == "arr" else Decimal(1)), ("arr", Decimal(1) if measure == "arr" else Decimal(1) / 12)):
            if times and 2 * sum(abs(each - factor) < Decimal("0.01") * factor for each in times) > len(times):
                return here, f"the column {header} is {'as much as' if factor == 1 else 'twelve times' if factor > 1 else 'a twelfth of'} the last month"
    for header in beside:
        said_here = header_words(header).split()
        if header not in stated.values() and "arr" in said_here and "mrr" not in said_here:
            return "arr", f"the header {header} says ARR"
    if isinstance(table, Wide) and not REVENUE & set(in_english(header_words(table.amount)).split()):
        return None, f"nothing says whether {table.amount} is MRR or ARR"
    return "mrr", "the amounts are taken as MRR, as nothing says ARR"


def _times(table: Table, stated: int, last: int) -> list[Decimal]:
    """How many times the last month the stated column is, over the rows that have both."""
    found = []
    for _, cells in islice(table.rows(), SAMPLE):
        said, amount = read_number(cells[stated]), read_number(cells[last])
        if isinstance(said, Decimal) and isinstance(amount, Decimal) and said > 0 and amount > 0:
            found.append(said / amount)
    return found


def _unlike(name: str, taken: list[str]) -> str:
    """A name for an added column that no column of the grid has."""
    known = {header_words(each) for each in taken} | {SURPLUS}
    return name if header_words(name) not in known else f"{name} of the grid"


def _text(amount: Decimal) -> str:
    """An amount whose decimal point cannot be taken for a thousands mark."""
    text = format(amount, "f")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text
