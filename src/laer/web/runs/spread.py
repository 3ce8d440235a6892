"""How the values of a measure are spread: bars that can be opened, quartiles, and the middle of each segment. What is unknown is in none of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from laer.records.periods import date_of, month_name, month_number

BARS, MONTHS, WORDS, SEGMENTS = 15, 24, 15, 20
TAIL = 2  # widths of the middle nine tenths beyond which a value stands in a last bar without an end
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bar:
    """Accounts with a value from `low` (included) up to `high` (left out); None: without an end.

    key    by which an address names it;  value  where it is one value (a word, a flag, a month, a year), and no stretch
    """

    key: str
    count: int
    low: Decimal | None = None
    high: Decimal | None = None
    value: str | bool | Decimal | None = None


@dataclass(frozen=True)
class Spread:
    """bars  in their order;  at  of each known row the place of its bar, -1 where it is in none of them (a rare word)."""

    bars: list[Bar]
    at: npt.NDArray[np.int64]


@dataclass(frozen=True)
class OfSegment:
    """n of `accounts` in the segment are known; `middle` is their median, the share of yes, or the most frequent word."""

    segment: str | None
    accounts: int
    n: int
    middle: Any
    share: float | None = None


def spread(kind: str, known: pa.ChunkedArray, *, whole: bool = False) -> Spread:
    """Of known values only. `whole`: the numbers are counts, so that a bar is not narrower than 1."""
    if len(known) == 0:
        return Spread([], np.array([], np.int64))
    if kind == "text":
        return _words(known)
    if kind == "flag":
        yes = np.array(known.to_pylist(), bool)
        return Spread([Bar("yes", int(yes.sum()), value=True), Bar("no", int((~yes).sum()), value=False)], np.where(yes, 0, 1).astype(np.int64))
    numbers = np.asarray(known.to_numpy(), np.float64)
    return _days(numbers) if kind == "date" else _numbers(numbers, whole)


def quartiles(kind: str, known: pa.ChunkedArray) -> list[Any]:
    """Lowest, quarter, median, three quarters, highest of numbers; of dates as days that occur. Nothing where nothing is known."""
    if len(known) == 0:
        return []
    return _quantiles(kind, np.asarray(known.to_numpy(), np.float64), QUARTERS)


def by_segment(kind: str, table: pa.Table) -> list[OfSegment]:
    """The largest segments, most accounts first. In: segment, value."""
    encoded = table["segment"].combine_chunks().dictionary_encode(null_encoding="encode")
    codes, names = np.asarray(encoded.indices), encoded.dictionary.to_pylist()
    there = np.asarray(pc.is_valid(table["value"]))
    places = {name: np.flatnonzero(codes == at) for at, name in enumerate(names)}
    largest = sorted(places, key=lambda name: (-len(places[name]), name or ""))[:SEGMENTS]
    return [_segment(kind, name, table["value"], places[name], there) for name in largest]


def _segment(kind: str, name: str | None, column: pa.ChunkedArray, rows: npt.NDArray[np.int64], there: npt.NDArray[np.bool_]) -> OfSegment:
    known = column.take(pa.array(rows[there[rows]]))
    accounts, n = len(rows), len(known)
    if n == 0:
        return OfSegment(name, accounts, 0, None)
    if kind == "flag":
        share = float(np.array(known.to_pylist(), bool).mean())
        return OfSegment(name, accounts, n, None, share)
    if kind == "text":
        most = _counted(known)[0]
        return OfSegment(name, accounts, n, most[0], most[1] / n)
    return OfSegment(name, accounts, n, _quantiles(kind, np.asarray(known.to_numpy(), np.float64), (0.5,))[0])


def _quantiles(kind: str, numbers: Numbers, at: tuple[float, ...]) -> list[Any]:
    if kind == "date":
        return [date_of(int(d)) for d in np.quantile(numbers, at, method="lower")]
    return [float(v) for v in np.quantile(numbers, at)]


def _counted(known: pa.ChunkedArray) -> list[tuple[str, int]]:
    return sorted(((row["values"], row["counts"]) for row in pc.value_counts(known.combine_chunks()).to_pylist()), key=lambda one: (-one[1], one[0]))


def _words(known: pa.ChunkedArray) -> Spread:
    most = _counted(known)[:WORDS]
    at = pc.fill_null(pc.index_in(known, pa.array([word for word, _ in most], known.type)), -1)
    return Spread([Bar(word, n, value=word) for word, n in most], np.asarray(at.combine_chunks(), np.int64))


def _days(numbers: Numbers) -> Spread:
    """A bar per month, empty ones too; per year where that would be too many, of years in which any lies."""
    days = [date_of(int(d)) for d in numbers]
    months = np.array([month_number(d) for d in days], np.int64)
    low, high = int(months.min()), int(months.max())
    if high - low < MONTHS:
        found = np.bincount(months - low, minlength=high - low + 1)
        return Spread([Bar(month_name(low + at), int(n), value=month_name(low + at)) for at, n in enumerate(found)], months - low)
    years, at, counts = np.unique([d.year for d in days], return_inverse=True, return_counts=True)
    return Spread([Bar(str(year), int(n), value=str(year)) for year, n in zip(years, counts, strict=True)], at.astype(np.int64))


def _numbers(numbers: Numbers, whole: bool) -> Spread:
    """Some 6 to 15 bars of one round width over where most values lie; what lies far out is in a first or last bar without an end."""
    least, low, high, most = np.quantile(numbers, (0, 0.05, 0.95, 1))
    room = TAIL * (high - low)
    begin, end = (low if room and least < low - room else least), (high if room and most > high + room else most)
    if begin == end:
        only = Decimal(repr(float(begin))).normalize()
        return Spread([Bar(f"{only:f}", len(numbers), value=only)], np.zeros(len(numbers), np.int64))
    whole = whole and bool((numbers == np.floor(numbers)).all())
    width = _round_width((end - begin) / BARS, whole)
    first, last = math.floor(Decimal(repr(float(begin))) / width), math.floor(Decimal(repr(float(end))) / width) + 1
    edges = [width * at for at in range(first, last + 1)]
    at = np.digitize(numbers, [float(edge) for edge in edges[1:-1]]).astype(np.int64)
    found = np.bincount(at, minlength=len(edges) - 1)
    bars = []
    for place, n in enumerate(found):
        low_edge: Decimal | None = edges[place]
        high_edge: Decimal | None = edges[place + 1]
        if place == 0 and least < float(edges[0]):
            low_edge = None
        if place == len(found) - 1 and most >= float(edges[-1]):
            high_edge = None
        one = edges[place] if whole and width == 1 and low_edge is not None and high_edge is not None else None
        key = f"{one:f}" if one is not None else f"{'' if low_edge is None else f'{low_edge:f}'}..{'' if high_edge is None else f'{high_edge:f}'}"
        bars.append(Bar(key, int(n), low_edge, high_edge, one))
    return Spread(bars, at)


def _round_width(about: float, whole: bool) -> Decimal:
    """1, 2 or 5 times a power of ten, not less than `about`."""
    ten = Decimal(10) ** math.floor(math.log10(about))
    width = next(ten * factor for factor in (1, 2, 5, 10) if float(ten * factor) >= about)
    return max(width, Decimal(1)) if whole else width
