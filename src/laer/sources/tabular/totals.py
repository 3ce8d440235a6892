"""Rows that are no records: totals and subtotals, a header said again, small print below the table.

A total is known by its label *and* its numbers: they must be the sums of the column, or of the group above. A row with
such a label and other numbers stays a record, unless it is the last of the file and has no id and no date. So a customer
called Total stays one. Where no row above names the group (`EMEA Total`), or no label stands there at all, the sums alone
must say it, and another total must bear it out (`Doubted`). What is set aside, and whether the rows add up to it, is said
in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from laer.sources.tabular.column_sums import NOTHING, Column, Doubted
from laer.sources.tabular.currency_signs import IN_HEADERS
from laer.sources.tabular.labels import LONGEST, Label, count_in, is_average, is_beside, is_footer, is_group, label_of, plain_words
from laer.sources.tabular.layout import Aside, filled, is_rule
from laer.sources.tabular.numbers import NumberStyle
from laer.sources.tabular.outline import MOST, items_below, levels
from laer.sources.tabular.second_table import is_another_header
from laer.sources.tabular.total_words import against, amount_said, is_id, label_in, lines_said, rounding, same_sum, shortened

PENDING = 60  # rows that may wait for the end of the file
EDGES = 64  # earlier totals up to which a sum is tried
KEPT = 10_000  # rows set aside that are kept with their cells; of the others only the line
SAID = 3  # subtotals that are told one by one
EXACT = Context(prec=90)


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
    doubted: bool = False  # by its sums alone: no row names its group


@dataclass
class _Waiting:
    line: int
    cells: list[str]
    label: Label | None
    verdict: _Verdict | None
    gap: bool  # a blank row stands above it


@dataclass
class _Alone:
    """A row of one cell, and as how many a record it was read."""

    line: int
    cells: list[str]
    place: int
    gap: bool = False  # a blank row stands above it


class Survey:
    """One pass over the rows below a header, blank ones too; `asides`, `lines` and `notes` are whole after `close`."""

    def __init__(self, header: Sequence[str], said: Sequence[Sequence[str]], commas: bool = False) -> None:
        self.columns = [Column(name, is_id(name), NumberStyle(commas)) for name in header]
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
        self._headings: list[int] = []
        self._titles: list[int] = []
        self._alone: dict[str, _Alone] = {}  # by its words: a row of one cell that was read as a record, and may prove to be a heading
        self._opener: _Alone | None = None  # such a row that is the first after a total
        self._openers: list[_Alone | None] = []  # of each subtotal
        self._lone: list[_Alone] = []  # all such rows that were read as records
        self._doubted = Doubted()
        self._names = list(said)[-1:] or [list(header)]
        self._other = 0  # line of the header of another table below this one
        self._others: list[int] = []
        self._top: tuple[int, list[str]] | None = None  # a row with a total's label above all others
        self._few: list[tuple[int, list[str]]] = []  # the records, as long as they may be a pivot's

    def see(self, line: int, cells: list[str]) -> None:
        places = filled(cells)
        if self._other:
            if places:
                self._set_aside(line, "another table", cells)
                self._others.append(line)
            return
        if not places or is_rule(cells):
            self._gap = True
            if places:
                self._set_aside(line, "rule", cells)
            return
        first = cells[places[0]].strip()
        label = label_of(first) or self._unlabelled(cells, places)
        if len(places) >= 2 and any(first == row[0] and [cells[i].strip() for i in places] == row for row in self._header):
            self._set_aside(line, "header", cells)
            self._repeats.append(line)
            self._titles_waiting()
        elif self.records and (self._gap or self._below_total or self._waiting) and self._is_another_header(cells):
            self._begin_another(line, cells)
        elif label and (verdict := self._judge(cells, places, label)):
            if verdict.agrees:
                self._take_waiting()
                if label.group in self._alone:  # its total names it
                    self._was_heading(self._alone.pop(label.group))
                if verdict.doubted:
                    self._doubted.add(line, cells, (label.behind or not label.group) and verdict.records > 1)
                else:
                    self._doubted.sure = True
                self._total(line, cells, verdict)
            else:
                self._wait(_Waiting(line, cells, label, verdict if label.alone else None, self._gap))
        elif self._below_total and is_average(first) and self._numbers(cells, places) is not None:
            self._set_aside(line, "total", cells)
            self.notes[f"aside {line}"] = f"Row {line:,} ('{shortened(first)}') stands below a total and is no record."
        elif self.width > 1 and len(places) == 1:
            self._wait(_Waiting(line, cells, None, None, self._gap))
        else:
            if label and label.alone and not self.records and not self._waiting:
                self._top = line, cells
            self._take_waiting(cells)
            self._take(cells, line)
        self._gap = False

    def close(self) -> None:
        """The end of the file: what waits below the last record is its total and its small print, or is a record after all."""
        print_ends = max((i for i, row in enumerate(self._waiting) if row.label is None and is_footer(label_in(row.cells))), default=-1)
        foot: list[_Waiting] = []
        for row in self._waiting:
            below = self._below_total and (self.width > 2 or print_ends >= 0)
            if row.verdict:
                if not row.verdict.agrees and row.verdict.kind == "total" and row.verdict.numbers:
                    self._pivot(row.verdict)
                self._total(row.line, row.cells, row.verdict)
            elif row.label is None and (below or is_footer(label_in(row.cells)) or (print_ends >= 0 and (row.gap or foot))):
                foot.append(row)
                self._set_aside(row.line, "footer", row.cells)
            else:
                self._kept(row)
        self._waiting = []
        for line, _ in self._doubted.unproved():
            self._is_record(line)
        openers = [opener for opener in self._openers if opener]
        if len(openers) > 1 and len(openers) == len(self._openers):  # each group begins with a row of one cell
            for opener in openers:
                self._was_heading(opener)
        if self._top:
            self._total_on_top(*self._top)
        if self._above_groups():
            for alone in self._lone:
                self._was_heading(alone)
        if foot:
            where = f"Row {foot[0].line:,} is" if len(foot) == 1 else f"Rows {foot[0].line:,} to {foot[-1].line:,} are"
            self.notes["footer"] = f"{where} small print below the table ('{shortened(label_in(foot[0].cells))}') and no record{'s' if len(foot) > 1 else ''}."
        if self._repeats:
            which = "that is no record" if len(self._repeats) == 1 else "those are no records"
            self.notes["header again"] = f"The header stands again in {lines_said(self._repeats)}; {which}."
        if self._titles:
            which = "is a title and no record" if len(self._titles) == 1 else "are titles and no records"
            self.notes["titles again"] = f"{lines_said(self._titles).capitalize()} above a header said again {which}."
        if self._headings:
            self._headings.sort()
            which = "stands above a group and is no record" if len(self._headings) == 1 else "stand above groups and are no records"
            self.notes["headings"] = f"{lines_said(self._headings).capitalize()} {which}."
        if len(self._parts) > SAID:
            self.notes["subtotals"] = f"{lines_said(self._parts).capitalize()} are subtotals and no records; the rows above add up to each of them."

        if self._others:
            first, last = self._others[0], self._others[-1]
            where = f"Row {first:,} is" if first == last else f"Rows {first:,} to {last:,} are"
            names = ", ".join(cell.strip() for cell in next(a.cells for a in self.asides if a.line == self._other) if cell.strip())[:80]
            text = f"{where} another table below this one ('{names}') and not read. Move it to a sheet of its own to import it."
            self.notes["another table"] = text

    def _is_another_header(self, cells: list[str]) -> bool:
        return is_another_header(cells, self._names[0], [column.numbers > column.others for column in self.columns])

    def _begin_another(self, line: int, cells: list[str]) -> None:
        """A header of other columns below a blank row or a total: all from here on is another table, and so is its title right above."""
        titles = [row for row in self._waiting if row.label is None]
        self._waiting = [row for row in self._waiting if row.label is not None]
        for row in titles:
            self._set_aside(row.line, "another table", row.cells)
            self._others.append(row.line)
        self._set_aside(line, "another table", cells)
        self._others.append(line)
        self._other = line

    # -- records ------------------------------------------------------------------------------------------------------

    def _take(self, cells: list[str], line: int = 0) -> None:
        self.records += 1
        self._line = line
        with localcontext(EXACT):
            for column, cell in zip(self.columns, cells, strict=False):
                column.see(cell)
        self._before, self._below_total = cells, False
        if len(self._few) <= MOST:
            self._few.append((self._line, cells))

    def _wait(self, row: _Waiting) -> None:
        if len(self._waiting) >= PENDING:
            self._take_waiting()
        self._waiting.append(row)

    def _take_waiting(self, after: list[str] | None = None) -> None:
        """A record follows: what waited is no end of the file, and so a record itself, or the heading of a group.

        In   after  the record: with nothing in its first column it stands below a heading there
        """
        below = after is not None and not after[0].strip()
        for row in self._waiting:
            if below and row.label is None and row.cells[0].strip():
                self._set_aside(row.line, "heading", row.cells)
                self._heading = plain_words(label_in(row.cells)[:LONGEST])
                self._headings.append(row.line)
            else:
                self._kept(row)
        self._waiting = []

    def _titles_waiting(self) -> None:
        """The header stands again: a row of one cell right above it that has a blank row above, or says which page it is, is a title."""
        titles = [row for row in self._waiting if row.label is None and (row.gap or is_footer(label_in(row.cells)))]
        for row in titles:
            self._set_aside(row.line, "title", row.cells)
            self._titles.append(row.line)
        self._waiting = [row for row in self._waiting if row not in titles]

    def _was_heading(self, row: _Alone) -> None:
        """A row that was read as a record is the heading of a group."""
        if row.line in self.lines:
            return
        self._set_aside(row.line, "heading", row.cells)
        self._headings.append(row.line)
        self.records -= 1
        for edge in self._edges:
            edge.records -= edge.records >= row.place

    def _kept(self, row: _Waiting) -> None:
        first = self.records == (self._edges[-1].records if self._edges else 0)
        self._take(row.cells, row.line)
        if row.label is None:
            self._heading = plain_words(label_in(row.cells)[:LONGEST])
            if self.columns[0].read(label_in(row.cells)) is None and row.cells[0].strip():
                alone = _Alone(row.line, row.cells, self.records, row.gap)
                self._lone = [*self._lone, alone] if len(self._lone) < KEPT else self._lone
                self._alone = {**self._alone, self._heading: alone} if len(self._alone) < EDGES else {self._heading: alone}
                self._opener = alone if first else self._opener
        elif row.verdict:
            text = f"Row {row.line:,} is called '{shortened(label_in(row.cells))}', but its numbers are not the sums of the rows above"
            text += "; it was read as a record."
            self.notes.setdefault(f"kept {row.line}" if len(self.notes) < 20 else "kept", text)

    def _above_groups(self) -> bool:
        """Whether the rows of one cell are headings of groups without subtotals (`EMEA`): the list begins with one, each stands above a group.

        Two of them are that only where something else says it (blank rows between the groups, a colon, a word for
        a region or segment); of three and more it is enough that each has several rows below it.
        """
        lone = self._lone
        if len(lone) < 2 or lone[0].place != 1 or len(self._edges) > 1 or len({label_in(row.cells) for row in lone}) < len(lone):
            return False
        below = [after - row.place - 1 for row, after in zip(lone, [*(row.place for row in lone[1:]), self.records + 1], strict=True)]
        if min(below) < 1 or any(row.line in self.lines for row in lone):
            return False
        texts = [label_in(row.cells) for row in lone]
        said = all(row.gap for row in lone[1:]) or all(is_group(text) for text in texts)
        return said or (len(lone) > 2 and min(below) > 1)

    def _total_on_top(self, line: int, cells: list[str]) -> None:
        """A row called Total right below the header is one where its numbers are the sums of all rows below it."""
        numbers = self._numbers(cells, filled(cells))
        with localcontext(EXACT):
            if self.records < 3 or not numbers or any(self.columns[place].sum() != 2 * value for place, value in numbers):
                return
        self._set_aside(line, "total", cells)
        self.records -= 1
        shown = ", ".join(f"{self.columns[place].name} {amount_said(value)}" for place, value in numbers[:4])
        self.notes[f"aside {line}"] = f"Row {line:,} above the others is a total ({shown}) and no record; the rows add up to it."

    def _pivot(self, verdict: _Verdict) -> None:
        """The total at the end is half of what stands above it, or a third: rows that are sums of those below them, as a pivot has them, are no records."""
        place, value, _ = verdict.numbers[0]
        read = [(line, cells, self.columns[place].read(cells[place].strip()) if place < len(cells) else None) for line, cells in self._few]
        if len(read) != self.records or any(number is None for _, _, number in read):
            return
        items = [(label_in(cells), number) for _, cells, number in read if number is not None]
        with localcontext(EXACT):
            found = levels(items, value)
        if found is None:
            return
        customers = items_below(items, found)
        kept = max(found) - customers
        gone = [(row, level > kept) for row, level in zip(read, found, strict=True) if level != kept]
        for (line, cells, _), below in gone:
            self._set_aside(line, "below" if below else "subtotal", cells)
        for below, what in ((False, "are the sums of the rows below them"), (True, "say of what the amount of the customer above them is made")):
            if lines := [line for (line, _, _), there in gone if there == below]:
                self.notes[f"pivot {below}"] = f"{lines_said(lines).capitalize()} {what}, as in a pivot table, and are no records."
        verdict.numbers[:] = [(p, stated, stated if p == place else total) for p, stated, total in verdict.numbers]
        verdict.agrees, verdict.records = True, self.records - len(gone)

    # -- totals -------------------------------------------------------------------------------------------------------

    def _numbers(self, cells: list[str], places: list[int]) -> list[tuple[int, Decimal]] | None:
        """The numbers of a row beside its label; None where something else stands there, or an id or a date."""
        found = []
        for place in places[1:]:
            text = cells[place].strip()
            if place >= self.width:
                return None
            if is_beside(text) or text in IN_HEADERS or text in ("-", "–", "—") or count_in(text) is not None:
                continue
            column = self.columns[place]
            value = column.read(text)
            if value is None or column.is_id:
                return None
            found.append((place, value))
        return found

    def _unlabelled(self, cells: list[str], places: list[int]) -> Label | None:
        """A total without a label: nothing but numbers, and none in the first column."""
        if places[0] == 0 or self.records < 2 or not all(place < self.width and self.columns[place].read(cells[place].strip()) is not None for place in places):
            return None
        return Label(False, False)

    def _judge(self, cells: list[str], places: list[int], label: Label) -> _Verdict | None:
        """A row with a total's label against the sums: None where it cannot be one."""
        doubted = not label.alone and (
            not label.group or label.group not in {self._heading, *(plain_words(cell) for cell in self._before if len(cell) <= LONGEST)}
        )
        numbers = self._numbers(cells, places if label.group or label.alone else [0, *places])
        if numbers is None or (self.width == 1 and label.rows is None) or (doubted and not any(value for _, value in numbers)):
            return None
        stated = label.rows
        if stated is None:
            stated = next((n for place in places[1:] if (n := count_in(cells[place])) is not None), None)
        waiting = sum(row.label is None for row in self._waiting)
        with localcontext(EXACT):
            misses = [rounding(value, cells[place]) for place, value in numbers]
            best: _Verdict | None = None
            for sums, more in self._readings(doubted):
                for edge in [*reversed(self._edges), _Edge([NOTHING] * self.width, 0)]:
                    records = self.records + more - edge.records + (waiting if not edge.records else 0)
                    if not records:
                        continue
                    stands = [(place, value, sums[place] - edge.sums[place]) for place, value in numbers]
                    equal = sum(abs(value - total) <= miss or value == records for (_, value, total), miss in zip(stands, misses, strict=True))
                    whole = not edge.records
                    verdict = _Verdict("total" if whole and not label.part else "subtotal", stands, False, records, stated, doubted)
                    if (equal and 2 * equal >= len(stands) and (not doubted or equal == len(stands))) if stands else stated == records:
                        verdict.agrees = True
                        if more:
                            self._restore()
                        return verdict
                    best = best or verdict if more else verdict
        return None if doubted else best

    def _readings(self, doubted: bool) -> list[tuple[list[Decimal], int]]:
        """The sums up to here, and with the rows that were doubted as records after all: (sums, rows more)."""
        sums = [column.sum() for column in self.columns]
        if doubted or not self._doubted.rows:
            return [(sums, 0)]
        more = [total + self._doubted.sum(column, place) for place, (column, total) in enumerate(zip(self.columns, sums, strict=True))]
        return [(sums, 0), (more, len(self._doubted.rows))]

    def _restore(self) -> None:
        """The rows that were doubted are records: the total counts them."""
        for line, cells in self._doubted.clear():
            self._is_record(line)
            self._take(cells, line)

    def _is_record(self, line: int) -> None:
        self.lines.discard(line)
        self.asides = [aside for aside in self.asides if aside.line != line]
        self.notes.pop(f"aside {line}", None)
        self._parts = [part for part in self._parts if part != line]

    def _total(self, line: int, cells: list[str], verdict: _Verdict) -> None:
        self._set_aside(line, verdict.kind, cells)
        if verdict.kind == "subtotal":
            self._openers.append(self._opener)
        self._opener = None
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
        shown = [f"{self.columns[place].name} {amount_said(value)}" for place, value, _ in verdict.numbers[:4]]
        what = ", ".join(shown) or f"'{shortened(label_in(cells))}'"
        text = f"Row {line:,} is a {verdict.kind} ({what}) and no record"
        off = [(p, value, total) for p, value, total in verdict.numbers if not same_sum(value, total, cells[p]) and value != verdict.records]
        if not verdict.numbers:
            if verdict.stated is None:
                return f"{text}."
            return f"{text}; {against(Decimal(verdict.stated), Decimal(verdict.records), 'there are', ' rows', 'as many rows stand above it')}."
        if not off:
            return f"{text}; the rows add up to it."
        if len(verdict.numbers) == 1:
            return f"{text}; {against(off[0][1], off[0][2], 'the rows add up to', '', '')}."
        apart = " and ".join(f"{self.columns[p].name}: {against(value, total, '', '', '')}" for p, value, total in off[:4])
        return f"{text}; the rows add up to {'other numbers' if len(off) == len(verdict.numbers) else 'it, except'}: {apart}.".replace("except:", "except")

    def _set_aside(self, line: int, kind: str, cells: list[str]) -> None:
        self.lines.add(line)
        if len(self.asides) < KEPT:
            self.asides.append(Aside(line, kind, tuple(cells)))
