"""Rows that are no records: totals and subtotals, a header said again, small print below the table.

A total is known by its label *and* its numbers: they must be the sums of the column, or of the group above. A row with
such a label and other numbers stays a record, unless it is the last of the file and has no id and no date. So a customer
called Total stays one. What is set aside, and whether the rows add up to it, is said in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.labels import LONGEST, Label, count_in, is_average, is_beside, is_footer, label_of, plain_words
from laer.sources.tabular.layout import Aside, filled
from laer.sources.tabular.numbers import NumberStyle, read_number

PENDING = 60  # rows that may wait for the end of the file
EDGES = 64  # earlier totals up to which a sum is tried
KEPT = 10_000  # rows set aside that are kept with their cells; of the others only the line
SAID = 3  # subtotals that are told one by one
HOPELESS = 40  # cells without any number after which a column has none
EXACT = Context(prec=90)
NOTHING = Decimal(0)


@dataclass
class _Column:
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
class _Edge:
    """Sums and records up to a total."""

    sums: list[Decimal]
    records: int


@dataclass
class _Verdict:
    """How the numbers of a total stand to the sums: (column, number stated, sum of the rows) for each."""

    kind: str
    numbers: list[tuple[int, Decimal, Decimal]]
    agrees: bool
    records: int
    stated: int | None


@dataclass
class _Waiting:
    line: int
    cells: list[str]
    label: Label | None
    verdict: _Verdict | None
    gap: bool  # a blank row stands above it


class Survey:
    """One pass over the rows below a header, blank ones too; `asides`, `lines` and `notes` are whole after `close`."""

    def __init__(self, header: Sequence[str], said: Sequence[Sequence[str]]) -> None:
        self.columns = [_Column(name, _is_id(name)) for name in header]
        self.width = len(header)
        self._header = [[row[i].strip() for i in filled(row)] for row in said]
        self.asides: list[Aside] = []
        self.lines: set[int] = set()
        self.notes: dict[str, str] = {}
        self.records = 0
        self._edges: list[_Edge] = []
        self._waiting: list[_Waiting] = []
        self._before: list[str] = []  # the record above
        self._heading = ""
        self._below_total = False
        self._gap = False
        self._repeats: list[int] = []
        self._parts: list[int] = []

    def see(self, line: int, cells: list[str]) -> None:
        places = filled(cells)
        if not places:
            self._gap = True
            return
        first = cells[places[0]].strip()
        label = label_of(first)
        if len(places) >= 2 and any(first == row[0] and [cells[i].strip() for i in places] == row for row in self._header):
            self._set_aside(line, "header", cells)
            self._repeats.append(line)
        elif label and (verdict := self._judge(cells, places, label)):
            if verdict.agrees:
                self._take_waiting()
                self._total(line, cells, verdict)
            else:
                self._wait(_Waiting(line, cells, label, verdict if label.alone else None, self._gap))
        elif self._below_total and is_average(first) and self._numbers(cells, places) is not None:
            self._set_aside(line, "total", cells)
            self.notes[f"aside {line}"] = f"Row {line:,} ('{_short(first)}') stands below a total and is no record."
        elif self.width > 1 and len(places) == 1:
            self._wait(_Waiting(line, cells, None, None, self._gap))
        else:
            self._take_waiting()
            self._take(cells)
        self._gap = False

    def close(self) -> None:
        """The end of the file: what waits below the last record is its total and its small print, or is a record after all."""
        print_ends = max((i for i, row in enumerate(self._waiting) if row.label is None and is_footer(_label(row.cells))), default=-1)
        foot: list[_Waiting] = []
        for row in self._waiting:
            below = self._below_total and (self.width > 2 or print_ends >= 0)
            if row.verdict:
                self._total(row.line, row.cells, row.verdict)
            elif row.label is None and (below or is_footer(_label(row.cells)) or (print_ends >= 0 and (row.gap or foot))):
                foot.append(row)
                self._set_aside(row.line, "footer", row.cells)
            else:
                self._kept(row)
        self._waiting = []
        if foot:
            where = f"Row {foot[0].line:,} is" if len(foot) == 1 else f"Rows {foot[0].line:,} to {foot[-1].line:,} are"
            self.notes["footer"] = f"{where} small print below the table ('{_short(_label(foot[0].cells))}') and no record{'s' if len(foot) > 1 else ''}."
        if self._repeats:
            which = "that is no record" if len(self._repeats) == 1 else "those are no records"
            self.notes["header again"] = f"The header stands again in {_lines(self._repeats)}; {which}."
        if len(self._parts) > SAID:
            self.notes["subtotals"] = f"{_lines(self._parts).capitalize()} are subtotals and no records; the rows above add up to each of them."

    # -- records ------------------------------------------------------------------------------------------------------

    def _take(self, cells: list[str]) -> None:
        self.records += 1
        with localcontext(EXACT):
            for column, cell in zip(self.columns, cells, strict=False):
                column.see(cell)
        self._before, self._below_total = cells, False

    def _wait(self, row: _Waiting) -> None:
        if len(self._waiting) >= PENDING:
            self._take_waiting()
        self._waiting.append(row)

    def _take_waiting(self) -> None:
        """A record follows: what waited is no end of the file, and so a record itself."""
        for row in self._waiting:
            self._kept(row)
        self._waiting = []

    def _kept(self, row: _Waiting) -> None:
        self._take(row.cells)
        if row.label is None:
            self._heading = plain_words(_label(row.cells)[:LONGEST])
        elif row.verdict:
            text = f"Row {row.line:,} is called '{_short(_label(row.cells))}', but its numbers are not the sums of the rows above; it was read as a record."
            self.notes.setdefault(f"kept {row.line}" if len(self.notes) < 20 else "kept", text)

    # -- totals -------------------------------------------------------------------------------------------------------

    def _numbers(self, cells: list[str], places: list[int]) -> list[tuple[int, Decimal]] | None:
        """The numbers of a row beside its label; None where something else stands there, or an id or a date."""
        found = []
        for place in places[1:]:
            text = cells[place].strip()
            if place >= self.width:
                return None
            if is_beside(text) or text in ("-", "–", "—") or count_in(text) is not None:
                continue
            column = self.columns[place]
            value = column.read(text)
            if value is None or column.is_id:
                return None
            found.append((place, value))
        return found

    def _judge(self, cells: list[str], places: list[int], label: Label) -> _Verdict | None:
        """A row with a total's label against the sums: None where it cannot be one."""
        if not label.alone and label.group not in {self._heading, *(plain_words(cell) for cell in self._before if len(cell) <= LONGEST)}:
            return None
        numbers = self._numbers(cells, places)
        if numbers is None or (self.width == 1 and label.rows is None):
            return None
        stated = label.rows
        if stated is None:
            stated = next((n for place in places[1:] if (n := count_in(cells[place])) is not None), None)
        waiting = sum(row.label is None for row in self._waiting)
        with localcontext(EXACT):
            sums = [column.sum() for column in self.columns]
            rounding = [_rounding(value, cells[place]) for place, value in numbers]
            best: _Verdict | None = None
            for edge in [*reversed(self._edges), _Edge([NOTHING] * self.width, 0)]:
                records = self.records - edge.records + (waiting if not edge.records else 0)
                if not records:
                    continue
                stands = [(place, value, sums[place] - edge.sums[place]) for place, value in numbers]
                equal = sum(abs(value - total) <= miss or value == records for (_, value, total), miss in zip(stands, rounding, strict=True))
                whole = not edge.records
                verdict = _Verdict("total" if whole and not label.part else "subtotal", stands, False, records, stated)
                if (equal and 2 * equal >= len(stands)) if stands else stated == records:
                    verdict.agrees = True
                    return verdict
                best = verdict
        return best

    def _total(self, line: int, cells: list[str], verdict: _Verdict) -> None:
        self._set_aside(line, verdict.kind, cells)
        with localcontext(EXACT):
            self._edges = [*self._edges[-EDGES + 1 :], _Edge([column.sum() for column in self.columns], self.records)]
        self._below_total = True
        if verdict.kind == "subtotal" and verdict.agrees:
            self._parts.append(line)
            if len(self._parts) > SAID:
                for said in self._parts[:SAID]:
                    self.notes.pop(f"aside {said}", None)
                return
        self.notes[f"aside {line}"] = self._sentence(line, cells, verdict)

    def _sentence(self, line: int, cells: list[str], verdict: _Verdict) -> str:
        shown = [f"{self.columns[place].name} {_amount(value)}" for place, value, _ in verdict.numbers[:4]]
        what = ", ".join(shown) or f"'{_short(_label(cells))}'"
        text = f"Row {line:,} is a {verdict.kind} ({what}) and no record"
        off = [(p, value, total) for p, value, total in verdict.numbers if not _same(value, total, cells[p]) and value != verdict.records]
        if not verdict.numbers:
            if verdict.stated is None:
                return f"{text}."
            return f"{text}; {_against(Decimal(verdict.stated), Decimal(verdict.records), 'there are', ' rows', 'as many rows stand above it')}."
        if not off:
            return f"{text}; the rows add up to it."
        if len(verdict.numbers) == 1:
            return f"{text}; {_against(off[0][1], off[0][2], 'the rows add up to', '', '')}."
        apart = " and ".join(f"{self.columns[p].name}: {_against(value, total, '', '', '')}" for p, value, total in off[:4])
        return f"{text}; the rows add up to {'other numbers' if len(off) == len(verdict.numbers) else 'it, except'}: {apart}.".replace("except:", "except")

    def _set_aside(self, line: int, kind: str, cells: list[str]) -> None:
        self.lines.add(line)
        if len(self.asides) < KEPT:
            self.asides.append(Aside(line, kind, tuple(cells)))


def _same(stated: Decimal, found: Decimal, text: str) -> bool:
    """Whether a total is the sum within rounding."""
    return abs(stated - found) <= _rounding(stated, text)


def _rounding(stated: Decimal, text: str) -> Decimal:
    """By how much a total may miss the sum: half a unit of its last digit, or the noise of binary fractions."""
    exponent = stated.as_tuple().exponent
    digits = max(-2, min(0, exponent if isinstance(exponent, int) else 0)) if "." in text or "," in text else 0
    return max(Decimal(1).scaleb(digits) / 2, abs(stated) * Decimal("1e-9"))


def _against(stated: Decimal, found: Decimal, lead: str, unit: str, same: str) -> str:
    if same and stated == found:
        return same
    gap = f"{_amount(abs(found - stated))} {'less' if found < stated else 'more'}"
    return f"{lead} {_amount(found)}{unit}, {gap}".strip()


def _amount(value: Decimal) -> str:
    return f"{value:,.0f}" if value == value.to_integral_value() and value.as_tuple().exponent in (0,) else f"{value:,.2f}"


def _is_id(name: str) -> bool:
    words = header_words(name)
    return words.endswith((" id", " key", " code", " number")) or words in ("id", "key", "code", "number", "uuid")


def _label(cells: Sequence[str]) -> str:
    return next((cell.strip() for cell in cells if cell.strip()), "")


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(f"{line:,}" for line in lines[:5])
    more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
    return f"row{'' if len(lines) == 1 else 's'} {shown}{more}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
