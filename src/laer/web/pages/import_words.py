"""How the preview of an import says a row: amounts with their currency, days and ends as the pages write them."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from laer.records.periods import last_covered
from laer.records.record import Column, record_type
from laer.web.pages.data import label_of
from laer.web.people.company import firm
from laer.web.record_words import column_text
from laer.web.templatetags.laer import day, instant, money, number

DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONEY = ("amount", "MRR")
SAID_ELSEWHERE = ("currency",)  # beside each amount
SHOWN = 8


def row_in_words(one: dict[str, Any]) -> dict[str, str]:
    """A new row: what kind it is, what people call it, and what it states."""
    record, values, key = one["record"], dict(one["values"]), str(one["key"])
    name = values.pop("name", None) or (called(key) if not key.startswith("#") else _("line %(line)s") % {"line": one["line"]})
    currency = values.get("currency")
    stated = [
        f"{field_label(record, field)}: {in_words(record, field, value, currency)}"
        for field, value in values.items()
        if value != "" and not field.endswith("_id") and field not in SAID_ELSEWHERE
    ]
    return {"record": label_of(record_type(record).info.noun), "name": name, "detail": " · ".join(stated[:SHOWN])}


def called(key: str) -> str:
    """A key that we made, without the days in it: those stand among the values."""
    if not key.startswith("~"):
        return key
    parts = [part for part in key.lstrip("~").split("|") if part and not DAY.fullmatch(part.removeprefix("until "))]
    return " · ".join(parts) or key.lstrip("~").replace("|", " ")


def field_label(record: str, field: str) -> str:
    column = _columns(record).get(field)
    return column_text(column.label) if column else field.removesuffix("_id").replace("_", " ")


def in_words(record: str, field: str, text: str, currency: str | None = None) -> str:
    """A staged value, kept as text, as a person reads it. The end of a contract is the last day that it covers, and the day after is due."""
    if text in ("", None):
        return ""
    column = _columns(record).get(field)
    if field in MONEY:
        return str(money(text, currency or firm().currency))
    if DAY.fullmatch(text):
        if field != "end_on":
            return str(day(text))
        last = day(last_covered(date.fromisoformat(text)))
        return _("%(last)s, renewal due %(text)s") % {"last": last, "text": day(text)} if record == "contracts" else str(last)
    if column is not None and column.kind == "instant":
        return str(instant(text))
    return str(number(text)) if column is not None and column.kind == "integer" and not column.col.refers else text


@lru_cache(maxsize=64)
def _columns(record: str) -> dict[str, Column]:
    return {c.name: c for c in record_type(record).columns()}
