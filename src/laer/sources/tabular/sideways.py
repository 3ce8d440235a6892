"""A grid of months that lies on its side (a row per month, a column per customer), turned into the one that `grid` reads.

The same shape has a table of plans, of regions, or of measures by month, of which no customers may be made. So it is
turned only where no header is such a word, and something says what the columns or the amounts are: a legal form, a word
for customers or for recurring revenue, a currency sign. Else a note says what would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laer.sources.tabular.around import around, measure_in
from laer.sources.tabular.cells import Unreadable, spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import Month, is_sum, wide_header
from laer.sources.tabular.headers import header_words, match_columns
from laer.sources.tabular.layout import Row
from laer.sources.tabular.numbers import affix, read_number
from laer.sources.tabular.table import Table, TableOver

FEWEST, MOST = 3, 600  # months, each a row
CUSTOMER = "Customer"
BLANKS = frozenset(spelled("- -- – — n/a na n.a. nil null none nan ."))
SOLD_TO = frozenset(spelled("customer customers account accounts client clients kunde kunden"))
FORMS = frozenset(  # legal forms, by which a header is a firm's name
    spelled("inc ltd limited llc llp plc corp corporation company gmbh ag kg ug se ab as oy bv nv sa sas sarl srl spa lda pty kk holding group")
)
MEASURES = frozenset(  # a header with one of these is no customer
    spelled(
        "mrr arr acv tcv revenue recurring new expansion contraction churn churned reactivation opening closing net gross nrr grr arpa count number total "
        "users seats visitors signups growth rate percent budget actual forecast target cost costs expense expenses profit margin cash cumulative average"
    )
)
KINDS = frozenset(  # nor is one that consists of these: plans, regions, segments
    spelled(
        "basic starter pro professional premium enterprise team business free standard plus growth advanced essential plan product core addon add on services "
        "support monthly annual emea apac amer latam dach na eu us usa uk europe americas asia africa north south east west central region segment smb mid "
        "market midmarket large small medium other others"
    )
)


class Lying(NamedTuple):
    """month   place of the column of months;  months  one for each row, oldest first
    names   places of the columns of customers;  sums  of those that only sum them up;  words  of those without amounts
    """

    month: int
    months: list[Month]
    names: list[int]
    sums: list[int]
    words: list[int]


class Turned(TableOver):
    """A row per customer and a column per month. The line of a row is the number of its column in the file."""

    def __init__(self, table: Table, lying: Lying) -> None:
        super().__init__(table)
        self._lying = lying
        self.header = [CUSTOMER, *(month.header for month in lying.months)]
        named = [table.header[place] for place in lying.names]
        shown = ", ".join(named[:4]) + (", …" if len(named) > 4 else "")
        self.note("side", f"The table lies on its side: a row per month, and a column for each of {len(named):,} customers ({shown}). Lines count its columns.")
        for what, places in (("sum the others up", lying.sums), ("hold no amounts", lying.words)):
            if places:
                self.note(what, f"Left out, because they {what}: {', '.join(table.header[place] for place in places)}.")

    def rows(self) -> Iterator[Row]:
        by_text = {cells[self._lying.month].strip(): cells for _, cells in self._table.rows()}
        months = [by_text[month.header] for month in self._lying.months]
        for place in self._lying.names:
            yield place + 1, [self._table.header[place], *(cells[place] for cells in months)]


def turned(table: Table, *, of_revenue: bool = False) -> Turned | None:
    """The table turned, where it is a grid on its side; None where it is none, or where nothing says what its columns are.

    In   of_revenue  whoever gave the file said that it holds recurring revenue
    """
    lying = _lying(table)
    if lying is None:
        return None
    names = [table.header[place] for place in lying.names]
    if not of_revenue and not _told(table, lying, names):
        table.note(
            "side", f"The table has a row per month and a column each for {', '.join(names[:4])}. If they are customers, say so in a title, in the name of "
            "the sheet or the file ('MRR by customer'), or in the header of the months ('Month / Customer'), and import it again.",
        )  # fmt: skip
        return None
    return Turned(table, lying)


def _lying(table: Table) -> Lying | None:
    """How a table lies on its side; None where it does not."""
    if len(table.header) < FEWEST:
        return None
    texts: list[str] = []
    for _, cells in table.rows():
        texts.append(cells[0].strip())
        if len(texts) > MOST:
            return None
    wide = wide_header(texts) if FEWEST <= len(texts) == len(set(texts)) else None
    if wide is None or wide.twice or len(wide.months) != len(texts):
        return None
    sums = [place for place, name in enumerate(table.header) if place and is_sum(name)]
    amounts = {place: _amounts(table, place) for place in range(1, len(table.header)) if place not in sums}
    names = [place for place, held in amounts.items() if held]
    if len(names) < 2 or any(_is_no_customer(table.header[place]) for place in names):
        return None
    known = match_columns([table.header[place] for place in names], "subscription_lines") or match_columns([table.header[place] for place in names], "accounts")
    return None if known else Lying(0, wide.months, names, sums, [place for place, held in amounts.items() if not held])


def _amounts(table: Table, place: int) -> bool:
    """Whether a column holds numbers and blanks, at least one and at most as many words: those cannot be read."""
    texts = [text for _, cells in table.rows() if (text := cells[place].strip()) and text.casefold() not in BLANKS]
    read = sum(any(type(read_number(text, style)) is not Unreadable for style in ("point", "comma")) and "%" not in text for text in texts)
    return 2 * read >= len(texts) > 0


def _is_no_customer(name: str) -> bool:
    words = in_english(header_words(name)).split()
    return not words or name.startswith("column ") or bool(set(words) & MEASURES) or set(words) <= KINDS


def _told(table: Table, lying: Lying, names: list[str]) -> bool:
    """Whether something says that the columns are customers, or the amounts recurring revenue."""
    around_it = [table.header[0], *(text for _, text in around(table))]
    if any(measure_in(text) or (SOLD_TO | {"recurring"}) & set(in_english(header_words(text)).split()) for text in around_it):
        return True
    words = [set(header_words(name).split()) for name in names]
    if any(each & (SOLD_TO | FORMS) for each in words):
        return True
    return any(affix(text) not in ("", "%") for _, cells in table.rows() for place in lying.names if (text := cells[place].strip()))
