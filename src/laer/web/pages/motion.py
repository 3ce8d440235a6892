"""The frame that the pages of the motions share: figures with their trend, charts with their table, a breakdown, a list.

A page gives plain values (a `Fraction`, a `Decimal`, a float; None is unknown) and gets the context of `pages/motion.html`.
What is unknown says so, and says what would make it known; it is never drawn as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.company import company_catalogue
from laer.cycle.facts import catalogue
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day, month_name
from laer.web.pages import measure_words as words
from laer.web.pages.lists import COLUMNS, Opened, carried
from laer.web.templatetags.laer import money, money_short, number, percent, signed

Value = Fraction | Decimal | float | int | None
MONEY, PERCENT, NUMBER, DAYS, MONTHS, TIMES = "money", "percent", "number", "days", "months", "times"
SHOWN = 50  # rows of a list
BARS = 12  # of a breakdown's chart; the table has all


class Asked:
    """What an address asks of a page: one of the choices of each name, the first of them where it says nothing or something else.

    choices  name -> what it may be;  free  names that keep any text (a value to filter by);  then  what keeps the address with a run of before
    of_view  the list's columns are those of its `view`: another view has its own again
    """

    def __init__(
        self, request: HttpRequest, route: str, choices: Mapping[str, Sequence[str]], free: Sequence[str] = (), then: Mapping[str, str] | None = None,
        args: Sequence[str] = (), *, of_view: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.usual, self.then = reverse(route, args=args), {name: values[0] for name, values in choices.items()}, dict(then or {})
        given = request.GET
        self.values = {name: given[name] if given.get(name) in values else values[0] for name, values in choices.items()}
        self.values |= {name: given.get(name, "")[:200] for name in free}
        start = given.get("start", "0")
        self.start = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
        self.carried, self.of_view = carried(given), of_view

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def url(self, anchor: str = "", **changes: Any) -> str:
        """The address with these changed; what is usual or empty is left out, and a list begins at its beginning."""
        values = self.values | changes
        said = [(name, value) for name, value in values.items() if value and self.usual.get(name) != value] + list(self.then.items())
        other = self.of_view and values.get("view") != self.values.get("view")
        said += [(name, value) for name, value in self.carried if not (other and name == COLUMNS)]
        return self.path + (f"?{urlencode(said)}" if said else "") + (f"#{anchor}" if anchor else "")

    def switch(self, name: str, labels: Mapping[str, Any], anchor: str = "", counts: Mapping[str, int] | None = None, **changes: Any) -> list[dict[str, Any]]:
        """A choice as links: title, label, url, active, count."""
        return [
            {"title": label, "label": label, "url": self.url(anchor, **{name: value} | changes), "active": self[name] == value}
            | ({"count": counts.get(value)} if counts else {})
            for value, label in labels.items()
        ]


def said(value: Value, unit: str, currency: str) -> tuple[str, str]:
    """A value as a figure has it, and exactly; what is unknown says so."""
    if value is None:
        return number(None), ""
    if unit == MONEY:
        exact = value if isinstance(value, Decimal) else rounded(Fraction(value), minor_units(currency))
        return money_short(exact, currency), money(exact, currency)
    short = float(value)
    if unit == PERCENT:
        return percent(short), percent(short, 3)
    if unit == DAYS:
        return ngettext("%(n)s day", "%(n)s days", round(short)) % {"n": number(round(short))}, number(round(short, 2))
    if unit == MONTHS:
        return _("%(n)s months") % {"n": number(round(short, 1))}, number(round(short, 4))
    if unit == TIMES:
        return _("%(n)s to 1") % {"n": number(round(short, 1))}, number(round(short, 4))
    return number(round(short, 1) if short % 1 else int(short)), number(short)


def moved(now: Value, before: Value, unit: str, better: str = "up") -> dict[str, str] | None:
    """How a figure stands against the period before: a rate in points, days and months by their difference, the rest in per cent."""
    if now is None or before is None:
        return None
    change = float(now) - float(before)
    if unit == PERCENT:
        shown = round(change * 100, 1)
        text = _("%(n)s pt") % {"n": signed(number(shown, 1))}
    elif unit in (DAYS, MONTHS, TIMES):
        shown = round(change, 0 if unit == DAYS else 1)
        text = signed(number(shown))
    elif not before:
        return None
    else:
        digits = 0 if abs(change) >= float(before) else 1
        shown = round(change / float(before) * 100, digits)
        text = signed(percent(change / float(before), digits))
    direction = "flat" if not shown else "up" if change > 0 else "down"
    tone = "" if direction == "flat" or not better else "good" if direction == better else "bad"
    return {"text": text, "direction": direction, "tone": tone}


def meaning_of_measure(measure: str) -> dict[str, Any]:
    """What a measure of the firm or of accounts says, for `parts/definition.html`, with its entry in the catalogue."""
    one = company_catalogue()[measure] if measure in company_catalogue() else catalogue()[measure]
    return {"title": words.text(one.name), "text": f"{words.sentence(one.words)}.", "method": one.method, "url": reverse("measure", args=[one.id])}


def tile(
    label: Any, now: Value, unit: str = NUMBER, currency: str = "USD", *, before: Value = None, better: str = "up", points: Iterable[Value] = (),
    known: str = "", hint: str = "", url: str | None = None, meaning: Mapping[str, Any] | None = None, missing: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A figure (`parts/figure.html`) with its line over the months.

    known    for how many it is known: "of 41 deals"
    missing  of an unknown one, why and the way out: text, url?, action?
    """
    short, exact = said(now, unit, currency)
    values = [None if value is None else float(value) for value in points]
    figure: dict[str, Any] = {"label": label, "value": short, "title": exact, "known": known, "meaning": meaning, "word": now is None}
    figure |= {"url": url} if url and now is not None else {}
    if now is None:
        return figure | {"missing": missing, "hint": "" if missing else hint}
    spark = {"values": values, "label": _("%(figure)s by month") % {"figure": label}} if sum(value is not None for value in values) > 1 else None
    return figure | {"move": moved(now, before, unit, better), "hint": hint, "spark": spark}


@dataclass(frozen=True)
class Line:
    """One line, or one colour of the columns, of a chart: a value per month, and where each opens."""

    name: Any
    values: Sequence[Value]
    dash: str = "solid"
    urls: Sequence[str | None] | None = None


def trend(
    key: str, title: Any, months: Sequence[int], lines: Sequence[Line], unit: str = NUMBER, currency: str = "USD", *, kind: str = "lines", note: Any = "",
    known: Sequence[int] | None = None, known_title: Any = "", switch: list[dict[str, Any]] | None = None, empty: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A chart by month with its table (`parts/motion_trend.html`); `empty` {title, text} stands in its place where nothing is known."""
    drawn = {MONEY: "money", PERCENT: "percent"}.get(unit, "number")
    series = [
        {"name": str(line.name), "values": [_drawn(value, unit, currency) for value in line.values], "dash": line.dash}
        | ({"urls": line.urls} if line.urls else {})
        for line in lines
    ]
    rows = [
        {
            "month": first_day(month),
            "url": next((line.urls[at] for line in lines if line.urls), None),
            "cells": [dict(zip(("text", "title"), said(line.values[at], unit, currency), strict=True)) for line in lines],
            "known": known[at] if known else None,
        }
        for at, month in enumerate(months)
    ]
    nothing = all(value is None for line in lines for value in line.values)
    return {
        "key": key, "title": title, "note": note, "kind": kind, "names": [line.name for line in lines], "rows": rows[::-1], "switch": switch, "empty": empty,
        "known_title": known_title, "data": None if nothing else {"unit": drawn, "currency": currency, "x": [month_name(m) for m in months], "series": series},
    }  # fmt: skip


def _drawn(value: Value, unit: str, currency: str) -> Any:
    if value is None:
        return None
    return str(rounded(Fraction(value), minor_units(currency))) if unit == MONEY else round(float(value), 6)


@dataclass(frozen=True)
class Column:
    """One figure of a breakdown: the key of its value in a row, its heading, its unit."""

    key: str
    title: Any
    unit: str = NUMBER


def breakdown(
    title: Any, dimensions: list[dict[str, Any]], columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], currency: str = "USD", *,
    total: Mapping[str, Any] | None = None, chart: str = "", note: Any = "", download_url: str | None = None, empty: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A table by the values of a dimension with a chart of one of its figures (`parts/motion_breakdown.html`).

    In   dimensions  the choice (`Asked.switch`);  rows  each with name (None: not said), url?, and a value per column's key;
         chart  the key that is drawn, of the rows that have it
    """
    shown = [_broken(row, columns, currency) for row in rows]
    drawn = next((column for column in columns if column.key == chart), None)
    data = None
    if drawn:
        bars = [(one["name"], row.get(chart), one["url"]) for one, row in zip(shown, rows, strict=True) if row.get(chart) is not None][:BARS]
        unit = {MONEY: "money", PERCENT: "percent"}.get(drawn.unit, "number")
        series = [{"name": str(drawn.title), "values": [_drawn(value, drawn.unit, currency) for _name, value, _url in bars]}]
        if len(bars) > 1:
            data = {"unit": unit, "currency": currency, "x": [str(name) for name, _v, _u in bars], "series": series, "urls": [url for _n, _v, url in bars]}
    return {
        "title": title, "dimensions": dimensions, "active": next((one["label"] for one in dimensions if one["active"]), ""), "columns": columns, "rows": shown,
        "total": _broken({**total, "name": _("Total")}, columns, currency) if total else None, "data": data, "label": str(drawn.title) if drawn else "",
        "note": note, "download_url": download_url if rows else None, "empty": empty,
    }  # fmt: skip


def _broken(row: Mapping[str, Any], columns: Sequence[Column], currency: str) -> dict[str, Any]:
    cells = [dict(zip(("text", "title"), said(row.get(column.key), column.unit, currency), strict=True)) | {"label": column.title} for column in columns]
    return {"name": row.get("name") or _("not said"), "blank": not row.get("name"), "url": row.get("url"), "cells": cells}


def listing(
    asked: Asked, title: Any, heads: Sequence[Mapping[str, Any]], rows: Sequence[dict[str, Any]], count: int, *,
    tools: Opened | None = None, views: list[dict[str, Any]] | None = None,
    filters: list[dict[str, Any]] | None = None, empty: Mapping[str, Any] | None = None, download_url: str | None = None, note: Any = "",
    total: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The list behind the figures (`parts/motion_list.html`), one page of it.

    In   heads  {title, css?, key?, optional?} after the name; key: of a column that can be chosen;
                optional: left out where no row shown has it, unless somebody chose columns
         rows  {name, url, sub?, cells: [{text, title?, tone? (a pill), who? (a person), css?}]};
         count  of all rows;  total  {label, amount, currency} of all of them;  empty  {icon, title, text, action?}
    """
    begin = asked.start
    chosen = any(name == COLUMNS for name, _value in asked.carried)
    kept = [
        at for at, head in enumerate(heads)
        if (not tools or head["key"] in tools.shown) and (chosen or not head.get("optional") or any(row["cells"][at].get("text") for row in rows))
    ]  # fmt: skip
    heads = [heads[at] for at in kept]
    return {
        "title": title, "heads": heads, "rows": [_labelled(row | {"cells": [row["cells"][at] for at in kept]}, heads) for row in rows],
        "views": views, "filters": filters or [], "empty": empty, "note": note, "total": total, **(tools.context if tools else {}),
        "download_url": download_url if count else None, "clear_url": asked.url("list", **{one["key"]: "" for one in filters or [] if "key" in one}),
        "previous_url": f"{_starting(asked, max(0, begin - SHOWN))}#list" if begin else None,
        "next_url": f"{_starting(asked, begin + SHOWN)}#list" if begin + SHOWN < count else None,
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(begin + 1), "last": number(begin + len(rows)), "all": number(count)} if rows else "",
    }  # fmt: skip


def _labelled(row: Mapping[str, Any], heads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**row, "cells": [{"css": head.get("css", "")} | cell | {"label": head["title"]} for cell, head in zip(row["cells"], heads, strict=True)]}


def _starting(asked: Asked, begin: int) -> str:
    url = asked.url()
    return url if not begin else f"{url}{'&' if '?' in url else '?'}start={begin}"


def known_for(n: int, of: int, noun: str) -> str:
    """`known for 41 of 57 deals`; `noun` is a counted word of the caller, in the plural."""
    return _("known for %(n)s of %(of)s %(noun)s") % {"n": number(n), "of": number(of), "noun": noun}
