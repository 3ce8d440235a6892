"""A grid of months or quarters in long form (a row per customer and month) turned into the wide one that `grid` reads.

A list of what each customer paid in each month (`Customer, Month, MRR`) says the same as a column per month: a month
without a row is an explicit 0, as a blank of the wide grid is. Several rows of one customer and month stand beside one
another, so that their sum is the month's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from laer.sources.tabular.cells import normal_words, spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import Month, wide_header
from laer.sources.tabular.headers import header_words, match_columns
from laer.sources.tabular.layout import Row
from laer.sources.tabular.quarters import wide_quarters
from laer.sources.tabular.table import Table, TableOver

MOST_MONTHS = 600  # distinct texts of the column of months
LEAST_ROWS = 1.5  # per customer: a list that has each once says when they began
READ = 0.9  # share of rows whose month reads
DENSE, DENSE_DAYS = 0.6, 0.75  # of the months from a customer's first to its last, those that it has: fewer say when its amount changed
MONTH = frozenset(spelled("month period monat mois mes maand"))  # a column so named holds months, whatever else is beside it
DAY = frozenset(("date", "as of", "as of date", "as at", "snapshot", "snapshot date", "month end", "month start", "period end", "period start", "stichtag"))
QUARTER = frozenset(spelled("quarter quartal trimestre kwartaal"))
IDLE = frozenset(spelled("mrr arr of the reporting report billing revenue calendar fiscal snapshot date end ending start name year"))
KEY = ("account_id", "subscription_id", "contract_id", "product_id", "plan", "currency")  # whose month it is
ELSE = frozenset(("start_on", "end_on", "interval", "unit_price", "line_id", "trial_ends_on", "paused_on", "resumed_on"))  # of a list of lines
OTHER = frozenset(  # columns of a list of single events
    spelled("invoice payment transaction order ticket receipt booking usage opportunity deal quote survey movement")
)
SIGNED, SOLD = frozenset(spelled("contract tcv acv deal")), frozenset(spelled("stage probability forecast pipeline"))


class Tall(NamedTuple):
    """Places of the column of months and of the one of amounts, and what the amounts are: `mrr`, `arr`, None where nothing says."""

    month: int
    amount: int
    measure: str | None


class Wide(TableOver):
    """The rows of a long grid by customer: its columns beside month and amount, then one per month, oldest first."""

    def __init__(self, table: Table, tall: Tall, months: list[Month], span: int = 1) -> None:
        super().__init__(table)
        self._tall, self.span, self.amount = tall, span, table.header[tall.amount]
        self._beside = [place for place in range(len(table.header)) if place not in (tall.month, tall.amount)]
        beside = [table.header[place] for place in self._beside]
        self._texts = [month.header for month in months]
        taken = set(beside)
        self.header = beside + [text if text not in taken else f"{text} ({table.header[tall.amount]})" for text in self._texts]
        self.months = [month._replace(place=len(beside) + i, header=self.header[len(beside) + i]) for i, month in enumerate(months)]
        self.said = (tall.measure, f"the header {table.header[tall.amount]} says so") if tall.measure else None
        known = match_columns(table.header, "subscription_lines")
        self._key = [i for i, name in enumerate(beside) if known.get(name) in KEY] or [0]
        self._turned: list[Row] | None = None
        of = "month" if span == 1 else "quarter"
        self.note("long", f"A row per customer and {of} ({table.header[tall.month]}) was read as a grid of {of}s; a {of} without a row is 0.")

    def rows(self) -> Iterator[Row]:
        if self._turned is None:
            self._turned = self._turn()
        yield from self._turned

    def _turn(self) -> list[Row]:
        place_of = {text: len(self._beside) + i for i, text in enumerate(self._texts)}
        width, own = len(self.header), len(self._table.header)
        found: dict[tuple[str, ...], Row] = {}
        newest: dict[tuple[tuple[str, ...], int], int] = {}
        times: Counter[tuple[str, ...]] = Counter()
        for line, cells in self._table.rows():
            text, amount = cells[self._tall.month].strip(), cells[self._tall.amount].strip()
            beside = [cells[place] for place in self._beside]
            place = place_of.get(text)
            if place is None:  # said as an amount that cannot be read, so that the row is set aside with what it says
                place, amount = len(self._beside), f"{amount} of '{text}'"
            key = (*(beside[i].strip() for i in self._key), str(place))
            times[key] += 1
            row = found.setdefault((*key[:-1], str(times[key])), (line, beside + [""] * (width - len(beside))))
            row[1][place] = amount or "0"
            one = (*key[:-1], str(times[key]))
            for i, said in enumerate(beside):
                if said.strip() and place >= newest.get((one, i), 0):  # the newest word of what does not tell the rows apart
                    row[1][i], newest[one, i] = said, place
            row[1].extend(cells[own:])
        return list(found.values())


def as_wide(table: Table) -> Wide | None:
    """A long grid of months as the wide one; None where the table is none.

    It has a customer, one amount and a month in each row, neither a start nor an end, and its customers come again
    month after month: a list of the days or months in which an amount changed is none.
    """
    tall = _columns(table)
    if tall is None:
        return None
    texts: Counter[str] = Counter()
    customers: dict[str, set[str]] = {}
    named = match_columns(table.header, "subscription_lines")
    account = next(i for i, name in enumerate(table.header) if named.get(name) == "account_id")
    for _, cells in table.rows():
        text = cells[tall.month].strip()
        texts[text] += 1
        customers.setdefault(cells[account].strip(), set()).add(text)
        if len(texts) > MOST_MONTHS:
            return None
    wide = wide_header(list(texts)) or wide_quarters(list(texts))
    if wide is None or wide.twice or texts.total() < LEAST_ROWS * len(customers):
        return None
    if sum(texts[month.header] for month in wide.months) < READ * texts.total():
        return None
    dated = header_words(table.header[tall.month])
    if any(month.day is not None for month in wide.months) and not _month_edges(wide.months) and dated in DAY:
        return None  # some day of a month: when something happened
    if _density(customers, wide.months) < (DENSE_DAYS if dated in DAY else DENSE):
        return None  # a list of changes: between two of its rows an amount holds
    return Wide(table, tall, wide.months, wide.span)


def _density(customers: dict[str, set[str]], months: list[Month]) -> float:
    """Of the file's months from the first to the last of each customer, the share that it has a row in."""
    place_of = {month.header: i for i, month in enumerate(months)}
    held = [sorted(place_of[text] for text in texts if text in place_of) for texts in customers.values()]
    return sum(map(len, held)) / max(1, sum(there[-1] - there[0] + 1 for there in held if there))


def _columns(table: Table) -> Tall | None:
    if not 3 <= len(table.header) <= 40:
        return None
    known = match_columns(table.header, "subscription_lines")
    words = {name: in_english(header_words(name)) for name in table.header}
    months = [name for name in table.header if _is_month(words[name])]
    taken = {target: name for name, target in known.items() if name not in months}
    if len(months) != 1 or "account_id" not in taken or ELSE & taken.keys() or any(OTHER & set(text.split()) for text in words.values()):
        return None
    name = next((taken[each] for each in ("mrr", "arr") if each in taken), None)
    if name is None and (MONTH | QUARTER) & set(words[months[0]].split()):
        name = taken.get("amount")
        if (name and SIGNED & set(words[name].split())) or SOLD & {word for text in words.values() for word in text.split()}:
            return None  # what was signed in a month, or is hoped for
    if name is None:
        return None
    measure = next((each for each in ("mrr", "arr") if taken.get(each) == name), None)
    return Tall(table.header.index(months[0]), table.header.index(name), measure)


def _is_month(words: str) -> bool:
    there = set(normal_words(words).split())
    named = MONTH | QUARTER
    return words in DAY or bool(there & named and there <= named | IDLE and not there & {"start"})


def _month_edges(months: list[Month]) -> bool:
    return (len({month.day for month in months}) == 1 and months[0].day == 1) or all((month.day or 0) >= 28 for month in months)
