"""Lists that state a start and a term and no end (`TCV, Start, Term (months)`): the end that follows from the two, as a column.

It is the first day after the term. A value for the whole term says nothing until that day is known: it is the end of what
is paid. So it is of MRR or ARR where a customer has a row for each term, one after another. Where each customer has one
row it is the day on which the contract falls due, and what is paid stays open, as in a list with a renewal date. A row
whose start or term cannot be read has none.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import islice, pairwise

from laer.sources.tabular.cells import Unreadable, spelled
from laer.sources.tabular.date_order import DateOrder
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.headers import header_words, matches
from laer.sources.tabular.intervals import interval_factor
from laer.sources.tabular.layout import Row
from laer.sources.tabular.numbers import read_number
from laer.sources.tabular.table import Table, TableOver
from laer.sources.tabular.values import Memo, read_day

CLOSE = 0.9  # how like a header must be
SAMPLE = 200  # rows that must bear it out
HALF = 0.5
LONGEST = 1_200  # months; no term is longer
END, CONTRACT_END, DUE = "End date", "Contract end", "Renewal date"  # names of the column, by what it ends
CHAINED, NEAR = 0.8, 31  # share of a customer's rows of which the next begins when the term is over, give or take so many days
YEARS = frozenset(spelled("year years yrs yr jahre jahr ans años"))
REVENUE = ("mrr", "arr")


class WithEnds(TableOver):
    """A table with a column more: the day after each term.

    due  it is only the day on which a contract falls due
    """

    def __init__(self, table: Table, start: int, term: int, years: bool, order: str | None, name: str) -> None:
        super().__init__(table)
        self._start, self._term, self._years = start, term, years
        self._day = Memo(read_day, order)
        self.header = [*table.header, name]
        self.due = name == DUE
        what = "a contract is due" if self.due else "a contract ends"
        self.note("term", f"No column says when {what}: {name} was added, {table.header[start]} and {table.header[term]} after it.")

    def rows(self) -> Iterator[Row]:
        width = len(self._table.header)
        for line, cells in self._table.rows():
            yield line, [*cells[:width], self._end(cells), *cells[width:]]

    def day(self, cells: list[str]) -> date | None:
        """The day on which a row's term begins."""
        start = self._day[cells[self._start]]
        return start if isinstance(start, date) else None

    def _end(self, cells: list[str]) -> str:
        start, months = self.day(cells), months_in(cells[self._term], self._years)
        return after(start, months).isoformat() if start and months else ""


def with_ends(table: Table) -> Table:
    """The table with the ends of its terms where it says an amount, a start and a term, and no end; else the table itself."""
    if table.known or table.hint or {END, CONTRACT_END, DUE} & set(table.header):
        return table
    found = {(record, m.column): m.header for record in ("subscription_lines", "contracts") for m in matches(table.header, record) if m.likeness >= CLOSE}
    columns = {column for _, column in found}
    term = found.get(("contracts", "term_months"))
    start = found.get(("contracts", "start_on")) or found.get(("subscription_lines", "start_on"))
    revenue = bool(columns & set(REVENUE))
    if term is None or start is None or "end_on" in columns or not (revenue or any(map(_is_value, table.header))):
        return table
    starts, terms, years = table.header.index(start), table.header.index(term), bool(YEARS & set(header_words(term).split()))
    rows = [cells for _, cells in islice(table.rows(), SAMPLE)]
    told = sum(months_in(cells[terms], years) is not None for cells in rows)
    if not rows or told < HALF * len(rows):
        return table
    order = DateOrder()
    for _, cells in table.rows():
        order.see(start, cells[starts])
    made = WithEnds(table, starts, terms, years, order.decide().order, END)
    if not revenue:
        return made
    account = found.get(("subscription_lines", "account_id")) or found.get(("contracts", "account_id"))
    chained = _chained(made, table.header.index(account)) if account else None
    if chained is not None:
        return made if chained else table  # several terms at once: of products, or nobody knows
    name = CONTRACT_END if ("contracts", "contract_id") in found else DUE
    return WithEnds(table, starts, terms, years, order.decide().order, name)


def _chained(table: WithEnds, account: int) -> bool | None:
    """Whether the rows of a customer are terms one after another; None where each customer has one row."""
    terms: dict[str, list[tuple[date, str]]] = {}
    for _, cells in table.rows():
        begun = table.day(cells)
        if begun and cells[account].strip():
            terms.setdefault(cells[account].strip(), []).append((begun, cells[len(table.header) - 1]))
    pairs = [(end, following) for each in terms.values() for (_, end), (following, _) in pairwise(sorted(each))]
    if not pairs:
        return None
    near = sum(bool(end) and abs((following - date.fromisoformat(end)).days) <= NEAR for end, following in pairs)
    return near >= CHAINED * len(pairs)


def months_in(text: str, years: bool = False) -> int | None:
    """Months of a term: `36`, `36 months`, `3 years`; None where it says none."""
    number = read_number(text.strip()) if text.strip() else None
    if number is None:
        return None
    if isinstance(number, Unreadable):
        if not any(c.isdigit() for c in text):
            return None  # `monthly` is how it is billed
        factor = interval_factor(text)
        months = None if isinstance(factor, Unreadable) or not factor else 1 / factor
    else:
        months = Fraction(number) * (12 if years else 1)
    return int(months) if months is not None and months.denominator == 1 and 0 < months <= LONGEST else None


def after(start: date, months: int) -> date:
    """The same day so many months on; the last of the month where it has no such day."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _is_value(header: str) -> bool:
    """Whether a header names what a whole contract comes to."""
    words = in_english(header_words(header))
    return "tcv" in words.split() or "contract value" in words or "total contract" in words
