"""Running sums of the columns of a table, by which its totals are known, and rows that are totals by their sums alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.numbers import NumberStyle, read_number, read_scaled

HOPELESS = 40  # cells without any number after which a column has none
NOTHING = Decimal(0)


@dataclass
class Column:
    """Running sums of a column, in both styles of numbers; which one holds is known only later."""

    name: str
    is_id: bool
    style: NumberStyle = field(default_factory=NumberStyle)
    whole: int = 0
    point: Decimal = NOTHING
    comma: Decimal = NOTHING
    numbers: int = 0
    others: int = 0

    def see(self, text: str) -> None:
        if text.isdecimal() and text.isascii() and len(text) < 19:
            self.whole += int(text)
            self.numbers += 1
            return
        if not text or (not self.numbers and self.others > HOPELESS):
            return
        point = read_number(text, "point")
        if type(point) is Unreadable and isinstance(scaled := read_scaled(text, "point"), Decimal):  # `2.4k`
            self.point, self.comma, self.numbers = self.point + scaled, self.comma + scaled, self.numbers + 1
            return
        if point is None or type(point) is Unreadable:
            self.others += point is not None
            return
        comma = read_number(text, "comma") if "," in text or "." in text else point
        self.style.see(text)
        self.numbers += 1
        assert isinstance(point, Decimal)
        self.point += point
        self.comma += comma if isinstance(comma, Decimal) else point

    def sum(self) -> Decimal:
        return self.whole + (self.comma if self.style.decide() == "comma" else self.point)

    def read(self, text: str) -> Decimal | None:
        value = read_number(text, self.style.decide())
        return value if isinstance(value, Decimal) else None


@dataclass
class Doubted:
    """Rows that are totals by their sums alone, and whether another total bears them out.

    sure     some other total of the file is one by its label and its numbers
    likely   one of the rows could hardly be anything else: `EMEA Total` over several rows
    """

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    sure: bool = False
    likely: bool = False

    def add(self, line: int, cells: list[str], likely: bool) -> None:
        self.rows.append((line, cells))
        self.likely = self.likely or likely

    def sum(self, column: Column, place: int) -> Decimal:
        return sum((value for _, cells in self.rows if place < len(cells) and (value := column.read(cells[place].strip())) is not None), NOTHING)

    def unproved(self) -> list[tuple[int, list[str]]]:
        return [] if self.sure or self.likely or len(self.rows) > 1 else self.rows

    def clear(self) -> list[tuple[int, list[str]]]:
        rows, self.rows = self.rows, []
        return rows
