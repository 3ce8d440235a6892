"""What every list has beside its rows: views saved under names, columns to choose, itself as a file.

A page declares its list once (`register`), asks `opened` what the address says of it, and its template includes `parts/list_tools.html`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from laer.web.pages.exports import export, format_of
from laer.web.people.models import SavedView, User
from laer.web.people.saved_views import views_for
from laer.web.templatetags.laer import person_name

SAVED, COLUMNS = "saved", "columns"  # in an address: the view that is open, and the columns shown
EVERYTHING = "all"  # `?saved=all`: the list without a view, also where another one is the default
CLEARED = f"?{SAVED}={EVERYTHING}"
Value = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """A column that the reader may choose.

    file   its heading in a file; "" of one that is a picture, and in no file
    value  what a file says of a row, as a value of `pages/exports.py`
    usual  shown where an address names no columns
    filed  in a file, too, where an address names none, though it is not usual on the page
    """

    title: Any
    file: str = ""
    value: Value = lambda row: None
    usual: bool = True
    filed: bool = False


@dataclass(frozen=True)
class List:
    """One list of the product.

    name     of its saved views, at most 20 characters;  route  of its page
    columns  those that can be chosen, in the order in which they stand
    keys     what of its address says which rows are shown and how; cursors and the open view do not
    before, after  what a file has in any case, before and after the chosen columns: heading -> value
    """

    name: str
    route: str
    columns: Mapping[str, Column]
    keys: tuple[str, ...] = ()
    before: Mapping[str, Value] = field(default_factory=dict)
    after: Mapping[str, Value] = field(default_factory=dict)

    @property
    def usual(self) -> tuple[str, ...]:
        return tuple(name for name, column in self.columns.items() if column.usual)

    def shown(self, query: QueryDict) -> tuple[str, ...]:
        """The columns that an address asks for, in their order; the usual ones where it names none that exist."""
        asked = set(query.getlist(COLUMNS))
        return tuple(name for name in self.columns if name in asked) or self.usual

    def in_file(self, query: QueryDict) -> tuple[str, ...]:
        """The columns of a file: those that the address asks for, else the usual ones and those that a file always has."""
        asked = set(query.getlist(COLUMNS)) & set(self.columns)
        return tuple(name for name, one in self.columns.items() if one.file and (name in asked if asked else one.usual or one.filed))

    def kept(self, query: QueryDict) -> str:
        """What a view keeps of an address, in one order, so that two that say the same are the same."""
        return urlencode([(key, value) for key in (*self.keys, COLUMNS) for value in query.getlist(key) if value])

    def header(self, shown: Iterable[str]) -> list[str]:
        return [*self.before, *(self.columns[name].file for name in shown), *self.after]

    def cells(self, rows: Iterable[Any], shown: Iterable[str]) -> Iterator[list[Any]]:
        """A file's row for each, in the order of `header`."""
        said = [*self.before.values(), *(self.columns[name].value for name in shown), *self.after.values()]
        for row in rows:
            yield [value(row) for value in said]

    def file(self, request: HttpRequest, rows: Iterable[Any], name: str = "", form: str = "") -> HttpResponseBase:
        """The list as a file with the columns that the address names, in the format that it asks for, where none is given."""
        shown = self.in_file(request.GET)
        return export(name or self.name, self.header(shown), self.cells(rows, shown), form or format_of(request) or "csv")


LISTS: dict[str, List] = {}


def register(one: List) -> List:
    """Let the list have saved views."""
    LISTS[one.name] = one
    return one


@dataclass(frozen=True)
class Opened:
    """A list as an address opens it. `elsewhere` is where the reader is sent instead: their default view."""

    shown: tuple[str, ...]
    context: dict[str, Any]
    elsewhere: HttpResponseRedirect | None = None


def opened(request: HttpRequest, user: User, one: List) -> Opened:
    """What the page shows of its list, and the context of `parts/list_tools.html` and of `{% if show.… %}`. One query, none for a file."""
    shown = one.shown(request.GET)
    context: dict[str, Any] = {"show": dict.fromkeys(shown, True), "columns": choices(one, shown)}
    if format_of(request):
        return Opened(shown, context)
    views = list(views_for(user, one.name))
    if not request.GET and (default := next((view for view in views if view.opens), None)):  # type: ignore[attr-defined]
        return Opened(shown, context, redirect(request.path + url_of(default)))
    return Opened(shown, context | {"view_bar": bar(user, request.GET, views, one)})


def choices(one: List, shown: Iterable[str]) -> list[dict[str, Any]]:
    """Of the menu of columns."""
    chosen = set(shown)
    return [{"name": name, "title": column.title, "checked": name in chosen} for name, column in one.columns.items()]


def carried(query: QueryDict) -> list[tuple[str, str]]:
    """What links within a page keep of its list, beside its filters: the open view and the columns."""
    return [(key, value) for key in (SAVED, COLUMNS) for value in query.getlist(key) if value]


def url_of(view: SavedView) -> str:
    return "?" + "&".join(part for part in (f"{SAVED}={view.pk}", view.query) if part)


def bar(user: User, query: QueryDict, views: list[SavedView], one: List) -> dict[str, Any]:
    """Context of `parts/views.html`. Causes no query."""
    now = one.kept(query)
    open_ = next((v for v in views if str(v.pk) == query.get(SAVED)), None)
    return {
        "list": one.name,
        "all_url": CLEARED,
        "all_active": open_ is None and not now,
        "views": [
            {
                "id": v.pk, "name": v.name, "url": url_of(v), "active": v is open_, "shared": v.shared, "default": v.opens,  # type: ignore[attr-defined]
                "by": None if v.owner_id == user.pk else person_name(v.owner),
            }
            for v in views
        ],
        "open": open_ and {
            "id": open_.pk, "name": open_.name, "own": open_.owner_id == user.pk, "shared": open_.shared, "changed": open_.query != now,
            "default": open_.opens,  # type: ignore[attr-defined]
        },
        "query": now,
        "may_share": user.may_edit,
    }  # fmt: skip


def address(name: str, query: str = "") -> str:
    """Where a list is; at everything where the query says nothing."""
    return f"{reverse(LISTS[name].route)}?{query or f'{SAVED}={EVERYTHING}'}"


def filed(request: HttpRequest, name: str, cells: Mapping[str, Value], rows: Callable[[], Iterable[Any]]) -> HttpResponseBase | None:
    """A table without views or columns to choose as a file of all it has, heading -> value; None where the address asks for none.

    `rows` is asked only for a file: a page that shows fifty of them does not read all (a generator over a query already has).
    """
    return List(name, "", {}, before=cells).file(request, rows()) if format_of(request) else None
