"""What the pages of Adopt and Expand share: accounts in views, each view with its own columns, as a list and as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from laer.cycle.facts import catalogue
from laer.cycle.scope import Scope
from laer.records.periods import date_of
from laer.web.book.many import listed as listed_ids
from laer.web.pages import measure_words as words
from laer.web.pages import motion
from laer.web.pages.as_of import Then
from laer.web.pages.exports import Money
from laer.web.pages.lists import Column, List, Opened, Value
from laer.web.pages.motion import MONEY, SHOWN, Asked
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.motions import Listed, View
from laer.web.runs.passes import stale_since
from laer.web.wording import gettext_lazy

HEADS = {  # where the measure's own name is longer than a column is wide
    "onboarding": gettext_lazy("State"), "onboarding_progress": gettext_lazy("Progress"), "onboarding_due_on": gettext_lazy("Planned end"),
    "onboarding_days_late": gettext_lazy("Late by"), "onboarding_steps_late_theirs": gettext_lazy("Waits for them"),
    "usage_gap_days": gettext_lazy("Usual gap"),
    "outcomes_late": gettext_lazy("Late"), "outcomes_on_track": gettext_lazy("On track"), "outcomes_reached": gettext_lazy("Reached"),
    "outcome_due_on": gettext_lazy("Next due"), "seats_taken_share": gettext_lazy("Taken"), "seats_free": gettext_lazy("Room"),
    "growth_deals_open": gettext_lazy("Deals open"), "pipeline_arr": gettext_lazy("Pipeline"), "expansion_365d": gettext_lazy("MRR rose by"),
    "seat_band": gettext_lazy("By age"), "seats": gettext_lazy("Seats"), "usage_28d": gettext_lazy("Use, 28 days"), "usage_trend": gettext_lazy("Trend"),
}  # fmt: skip
NOT_SAID = "~"  # in an address: accounts that do not say it
BY = {
    "segment": gettext_lazy("Segment"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"), "region": gettext_lazy("Region"),
    "lead_source": gettext_lazy("Lead source"), "owner": gettext_lazy("CSM"),
}  # fmt: skip
KEYS = ("by", "value", "product", "view", "team")  # of an address: which accounts a list shows


@dataclass(frozen=True)
class Shown:
    """One view of a page: its title, which accounts in which order, and the measures that stand as columns (`arr` and `owner` come last).

    tab  of the account's page, to which a row leads
    """

    title: Any
    view: View
    columns: tuple[str, ...]
    note: Any = ""
    tone: Callable[[str, Any], str | None] = lambda name, value: None
    tab: str = ""


def split_of(asked: Asked) -> str | None:
    return {"": None, NOT_SAID: ""}.get(asked["value"], asked["value"])


def list_of(page: str, views: Mapping[str, Shown], view: str, by: str, currency: str) -> List:
    """The list of one view: the columns of all views can be chosen, its own are the usual ones."""
    usual = {*views[view].columns, "arr", "owner"}
    names = dict.fromkeys(name for name in (*views[view].columns, *(name for one in views.values() for name in one.columns)))
    columns = {name: Column(_title(name), name, partial(_filed, name), usual=name in usual) for name in names}
    columns |= {
        "arr": Column(_("ARR"), "arr", lambda row: Money(None if row["mrr"] is None else Decimal(f"{row['mrr'] * 12:.2f}"), currency)),
        "owner": Column(_("CSM"), "csm", itemgetter("owner")),
    }
    before: dict[str, Value] = {"account_id": itemgetter("account_id"), "account": itemgetter("account"), by: lambda row: row["split"] or None}
    return List(page, page, columns, KEYS, before=before, after={"currency": lambda row: currency})


def _title(name: str) -> Any:
    return HEADS.get(name) or words.text(catalogue()[name].name)


def listing(
    listed: Listed, views: Mapping[str, Shown], asked: Asked, title: Any, currency: str, empty: Mapping[str, Any], tools: Opened
) -> dict[str, Any]:
    """The accounts of the view that the address names, one page of them."""
    shown, split = views[asked["view"]], split_of(asked)
    rows = named(listed.rows(shown.view, split, asked.start, SHOWN))
    return motion.listing(
        asked, title, [_head(name) for name in tools.shown], [_row(row, shown, tools.shown, currency) for row in rows],
        listed.count(listed.mask(shown.view, split)), tools=tools, views=tabs_of(listed, views, asked), filters=filters_of(asked), note=shown.note,
        download_url=asked.url(format="csv"), empty=empty, total=total_of(listed.total(listed.mask(shown.view, split), "mrr") * 12, currency),
    )  # fmt: skip


def total_of(arr: float, currency: str, label: str = "") -> dict[str, Any]:
    """ARR of all that a list's filters leave."""
    return {"label": label or _("ARR"), "amount": Decimal(f"{arr:.2f}"), "currency": currency}


def tabs_of(listed: Listed, views: Mapping[str, Shown], asked: Asked) -> list[dict[str, Any]]:
    split = split_of(asked)
    counts = {name: listed.count(listed.mask(one.view, split)) for name, one in views.items()}
    return asked.switch("view", {name: one.title for name, one in views.items()}, "list", counts)


def filters_of(asked: Asked) -> list[dict[str, Any]]:
    split = split_of(asked)
    if split is None:
        return []
    label = _("%(dimension)s is") % {"dimension": BY[asked["by"]]}
    return [{"label": label, "value": split or _("not said"), "remove_url": asked.url("list", value=""), "key": "value"}]


def _head(name: str) -> dict[str, Any]:
    if name == "arr":
        return {"key": name, "title": _("ARR"), "css": "num strong"}
    if name == "owner":
        return {"key": name, "title": _("CSM"), "css": "nowrap"}
    return {"key": name, "title": _title(name), "css": "num" if catalogue()[name].kind in ("number", "money") else "nowrap"}


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the names of their accounts: one query."""
    ids = {row["account_id"] for row in rows}
    names = dict(AccountCard.objects.filter(account_id__in=listed_ids(ids)).values_list("account_id", "name")) if rows else {}
    nameless = _("account %(id)s")
    return [row | {"account": names.get(row["account_id"]) or nameless % {"id": row["account_id"]}} for row in rows]


def _row(row: Mapping[str, Any], shown: Shown, columns: Sequence[str], currency: str) -> dict[str, Any]:
    cells = [_cell(row, name, shown, currency) for name in columns]
    url = reverse("account", args=[row["account_id"]]) + (f"?tab={shown.tab}" if shown.tab else "")
    return {"name": row["account"], "url": url, "sub": row["split"] or "", "cells": cells}


def _cell(row: Mapping[str, Any], name: str, shown: Shown, currency: str) -> dict[str, Any]:
    if name == "arr":
        arr, exact = motion.said(None if row["mrr"] is None else row["mrr"] * 12, MONEY, currency)
        return {"text": arr, "title": exact}
    if name == "owner":
        return {"text": row["owner"] or "", "who": row["owner"]}
    measure, value = catalogue()[name], row[name]
    tone = shown.tone(name, value)
    text = words.said(measure, words.plain(measure, value), currency) if value is not None else {"text": "", "title": ""}
    said = f"{text['text']} {text['unit']}".strip() if text.get("unit") and measure.kind != "money" else text["text"]
    return {"text": said, "title": text["title"]} | ({"tone": tone} if tone else {})


def all_rows(listed: Listed, shown: Shown, split: str | None) -> Iterator[dict[str, Any]]:
    """All accounts of a view, for a file."""
    begin = 0
    while part := named(listed.rows(shown.view, split, begin, 1_000)):
        yield from part
        begin += 1_000


def _filed(name: str, row: Mapping[str, Any]) -> Any:
    value = row[name]
    if value is not None and catalogue()[name].kind == "date":
        return date_of(int(value))
    return words.plain(catalogue()[name], value)


def state_of(run: PassRun | None, scope: Scope, then: Then, shown: Any) -> dict[str, Any]:
    """Context of `parts/state_line.html`."""
    return {
        "shown": shown, "as_of": run.as_of if run else None, "whose": _("the whole book") if scope.everything else _("your book"),
        "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None, "recomputing": not then.query and stale_since() is not None,
    }  # fmt: skip


def largest(found: Mapping[str, Mapping[str, float]], key: str) -> Sequence[tuple[str, Mapping[str, float]]]:
    """Values of a dimension, most accounts first, those that do not say it last."""
    return sorted(found.items(), key=lambda item: (not item[0], -item[1].get(key, 0), item[0]))

