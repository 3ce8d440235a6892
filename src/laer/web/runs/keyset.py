"""Paging by key: a page is found by where the one before ended, so that the thousandth page is as quick as the first.

The order is: the column one way, unknown values last, then the account id, so that it never ties. An index can serve
that only in stretches (the rest of an equal value, the values beyond it, the unknown ones): each stretch is a query of
its own, asked only while the page is not full. The same on SQLite and PostgreSQL.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce


@dataclass(frozen=True)
class Order:
    """What a list is sorted by.

    column    of the card
    kind      type of its values, to tell a sound cursor
    unknown   whether it may be null
    grouped   many accounts share a value: in rising order the larger of them come first
    """

    column: str
    kind: type
    unknown: bool = False
    grouped: bool = False

    @property
    def tail(self) -> tuple[str, ...]:
        return ("mrr_minor", "account_id") if self.grouped else ("account_id",)


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind (or, backwards, in front of) this row."""

    value: Any
    tail: tuple[int, ...]
    backwards: bool

    def token(self, sort: str) -> str:
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        text = json.dumps([sort, int(self.backwards), value, *self.tail], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(token: str, sort: str, order: Order) -> Place | None:
    """The place that a token names; None where it is broken or belongs to another order."""
    try:
        of, backwards, value, *tail = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if value is not None:
            value = date.fromisoformat(value) if order.kind is date else value
            sound = type(value) is order.kind and (not isinstance(value, int) or abs(value) < 2**63) and "\0" not in str(value)
        else:
            sound = order.unknown
        sound = sound and of == sort and backwards in (0, 1) and len(tail) == len(order.tail) and all(type(t) is int and abs(t) < 2**63 for t in tail)
    except (ValueError, TypeError, binascii.Error, UnicodeError, RecursionError):
        return None
    return Place(value, tuple(tail), bool(backwards)) if sound else None


def page(rows: QuerySet[Any, Any], sort: str, order: Order, token: str, size: int, *, gather: bool) -> tuple[list[Any], str | None, str | None]:
    """The rows of a page (as dicts), and the tokens of the page before and the one behind.

    gather  find the rows by their filters and sort them, instead of walking the index of the order until enough are found;
            right where few rows pass the filters
    Costs   one query a stretch: one on the first page, at most three
    """
    at = place(token, sort, order) if token else None
    descending = sort.startswith("-")
    found = _take(rows, order, descending, at, size + 1, gather)
    if at and (not found or (at.backwards and len(found) <= size)):  # the beginning was reached, or the rows are gone
        at, found = None, _take(rows, order, descending, None, size + 1, gather)
    more = len(found) > size
    found = found[:size]
    if at and at.backwards:
        found.reverse()
    if not found:
        return [], None, None
    before = at is not None and (more or not at.backwards)
    behind = more or (at is not None and at.backwards)

    def token_of(row: Any, backwards: bool) -> str:
        return Place(row[order.column], tuple(row[t] for t in order.tail), backwards).token(sort)

    return found, token_of(found[0], True) if before else None, token_of(found[-1], False) if behind else None


def all_of(rows: QuerySet[Any, Any], sort: str, order: Order, *, gather: bool) -> QuerySet[Any, Any]:
    """All rows in the order that pages have. Causes no query."""
    descending = sort.startswith("-")
    inner = not descending if order.grouped else descending
    (column, *tail) = _terms([(order.column, descending), *((t, inner) for t in order.tail)], gather)
    column.nulls_last = order.unknown or None
    return rows.order_by(column, *tail)


def _take(rows: QuerySet[Any, Any], order: Order, descending: bool, at: Place | None, count: int, gather: bool) -> list[Any]:
    found: list[Any] = []
    for condition, terms in _stretches(order, descending, at):
        wanted = count - len(found)
        if wanted <= 0:
            break
        found.extend(rows.filter(condition).order_by(*_terms(terms, gather))[:wanted])
    return found


def _stretches(order: Order, descending: bool, at: Place | None) -> Iterator[tuple[Q, list[tuple[str, bool]]]]:
    """Conditions of the stretches in the order of reading, each with its terms (column, descending)."""
    backwards = bool(at and at.backwards)
    column = order.column
    way = descending != backwards
    inner = (not descending if order.grouped else descending) != backwards
    tail = [(t, inner) for t in order.tail]
    known, unknown = Q(**{f"{column}__isnull": False}) if order.unknown else Q(), Q(**{f"{column}__isnull": True})
    if at is None:
        yield known, [(column, way), *tail]
        if order.unknown:
            yield unknown, tail
        return
    rest = _beyond(order.tail, at.tail, inner)
    if at.value is None:
        yield unknown & rest, tail
        if backwards:
            yield known, [(column, way), *tail]
        return
    yield Q(**{column: at.value}) & rest, tail
    yield Q(**{f"{column}__{'lt' if way else 'gt'}": at.value}), [(column, way), *tail]
    if order.unknown and not backwards:
        yield unknown, tail


def _beyond(columns: tuple[str, ...], values: tuple[int, ...], descending: bool) -> Q:
    side = "lt" if descending else "gt"
    if len(columns) == 1:
        return Q(**{f"{columns[0]}__{side}": values[0]})
    first, second = columns
    return Q(**{f"{first}__{side}e": values[0]}) & (Q(**{f"{first}__{side}": values[0]}) | Q(**{f"{second}__{side}": values[1]}))


def _terms(terms: list[tuple[str, bool]], gather: bool) -> list[Any]:
    """ORDER BY terms; for gathering as expressions, which no index matches."""
    ordered = []
    for column, descending in terms:
        term: Any = Coalesce(F(column), F(column)) if gather else F(column)
        ordered.append(term.desc() if descending else term.asc())
    return ordered
