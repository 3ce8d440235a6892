"""A header that stands below its rows, as a sort with the header in the selection leaves it: at the end of a sheet, or among the rows.

Looked for only where the row on top is no header (it says amounts or dates itself, and no name that a record has): then one
row must name columns and hold nothing else, and be the only one that does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from laer.sources.tabular.grid_header import wide_header
from laer.sources.tabular.layout import BODY, SEARCHED, Layout, Row, filled, is_rule, kind_of, known_names, names_what_is_below

KNOWN = 2  # names that records have


def is_headless(found: Layout, rows: Sequence[Row]) -> bool:
    """Whether the row that was taken for the header is one of the records itself."""
    names = [name for name in found.names if name.strip()]
    return len(names) > 1 and len(rows) > 2 and not found.titles and known_names(names) == 0 and any(kind_of(name) in ("number", "date") for name in names) \
        and wide_header(found.names) is None  # fmt: skip


def header_below(rows: Sequence[Row], everything: Iterable[Row]) -> Layout | None:
    """The layout by the one row further down that names the columns; None where no row does, or several do.

    In     rows        the first filled rows; everything: all rows of the file
    """
    usual = median(len(filled(cells)) for _, cells in rows)
    body = [cells for _, cells in rows[: SEARCHED + BODY]]
    found: list[Row] = []
    for line, cells in everything:
        if is_rule(cells) or not _may_name(cells, usual):
            continue
        others = [each for each in body if each is not cells and [*map(str.strip, each)] != [*map(str.strip, cells)]]
        if names_what_is_below(cells, others):
            found.append((line, cells))
            if len(found) > 1:
                return None
    if not found:
        return None
    line, names = found[0]
    titles = tuple(_narrow(rows, usual))
    after = titles[-1][0] if titles else 0
    return Layout(list(names), after, len(titles), titles, said=(list(names),), below_rows=line)


def _may_name(cells: Sequence[str], usual: float) -> bool:
    places = filled(cells)
    if 2 * len(places) < usual or len(places) < 2 or any(kind_of(cells[place]) in ("number", "date") for place in places[:1]):
        return False
    known = known_names(cells)
    return known >= KNOWN or (known == 1 and wide_header(list(cells)) is not None)


def _narrow(rows: Sequence[Row], usual: float) -> Iterable[Row]:
    """Titles on top of rows without a header: rows of one cell above wider ones."""
    for line, cells in rows:
        if usual < 3 or len(filled(cells)) > 1:
            return
        yield line, cells
