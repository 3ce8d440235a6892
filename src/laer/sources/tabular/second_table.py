"""Another table below the first one of a sheet, with a header of its own: its rows are set aside, and named."""

from __future__ import annotations

from collections.abc import Sequence

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.layout import filled, known_names
from laer.sources.tabular.numbers import read_number


def is_another_header(cells: Sequence[str], said: Sequence[str], numbers: Sequence[bool]) -> bool:
    """Whether a row is the header of another table: it begins as the first one's header does, names columns, and says a name where amounts stood.

    In     said     the first table's header; numbers: its columns that hold numbers
    """
    places = filled(cells)
    if len(places) < 2 or places[0] >= len(said) or header_words(cells[places[0]]) != header_words(said[places[0]]):
        return False
    if any(len(cells[place]) > 200 or type(read_number(cells[place].strip())) is not Unreadable for place in places):
        return False
    over = [place for place in places[1:] if place < len(numbers) and numbers[place]]
    return bool(over) and (known_names(cells) >= 2 or all(set(header_words(cells[p]).split()) & set(header_words(said[p]).split()) for p in over))
