"""Inputs of what was spent: costs of a month, and time on an account."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.compute as pc

from laer.cycle.fact_book import Book, Columns, days, listed, local_days
from laer.cycle.inputs_bought import deals, terms
from laer.metrics.motion_costs import NEAR
from laer.records.periods import FAR, day_number, first_day, month_number


def costs(book: Book) -> Columns:
    """Costs in the firm's currency; an amount of which no rate is known is unknown."""
    table = book.tables["costs"]
    months = table["month"].to_pylist()
    return {
        "account_id": table["account_id"], "month_d": days(table["month"]), "until_d": [day_number(first_day(month_number(m) + 1)) for m in months],
        "motion": table["motion"], "kind": table["kind"],
        "amount": book.amounts(table),
    }  # fmt: skip


def efforts(book: Book) -> Columns:
    """Touches, and tasks that were done on an account: each of the motion that its account was in on the day (docs/methods/motion-costs.md)."""
    touches, tasks = book.tables["touches"], book.tables["tasks"]
    tasks = tasks.filter(pc.and_(pc.is_valid(tasks["done_at"]), pc.is_valid(tasks["account_id"])))
    days = [*local_days(touches["at"], book.zone).to_pylist(), *local_days(tasks["done_at"], book.zone).to_pylist()]
    accounts = [*touches["account_id"].to_pylist(), *tasks["account_id"].to_pylist()]
    motion, usual = _motion_of(book), book.minutes
    named = [f"task {kind}" if kind else "task" for kind in tasks["kind"].to_pylist()]
    kinds, said = [*touches["kind"].to_pylist(), *named], [*touches["minutes"].to_pylist(), *tasks["minutes"].to_pylist()]
    default = [float(usual.get(kind.removeprefix("task "), usual["other"])) if minutes is None else 0.0 for kind, minutes in zip(kinds, said, strict=True)]
    caused = pc.or_(pc.is_valid(tasks["play_run_id"]), pc.is_valid(tasks["episode_id"])).to_pylist()
    return {
        "account_id": accounts, "on_d": days, "motion": [motion(account, day) for account, day in zip(accounts, days, strict=True)], "kind": kinds,
        "minutes": [other if minutes is None else float(minutes) for minutes, other in zip(said, default, strict=True)], "inferred": default,
        "evidence": [*[None] * touches.num_rows, *caused], "inward": [*pc.equal(touches["direction"], "in").to_pylist(), *[None] * tasks.num_rows],
    }  # fmt: skip


def _motion_of(book: Book) -> Callable[[int, int], str]:
    """The motion that time on an account was spent for on a day: land before it pays, expand while a deal to grow it is open, renew near the end of a
    term that was known then, else adopt."""
    lines = book.given.lines
    paid: dict[int, int] = {}
    for account, start, end, parts in zip(*(lines[name].to_pylist() for name in ("account_id", "start_d", "end_d", "parts")), strict=True):
        if parts > 0 and start < end:
            paid[account] = min(start, paid.get(account, start))
    grows: dict[int, list[tuple[int, int]]] = {}
    sold = deals(book)
    for account, begun, ended, motion in zip(*(listed(sold[name]) for name in ("account_id", "created_d", "closed_d", "motion")), strict=True):
        if motion == "expand":
            grows.setdefault(account, []).append((begun, ended))
    ends: dict[int, list[tuple[int, int]]] = {}
    there = terms(book)
    for account, known, end in zip(*(listed(there[name]) for name in ("account_id", "known_d", "end_d")), strict=True) if there else ():
        ends.setdefault(account, []).append((known, end))

    def motion_on(account: int, day: int) -> str:
        if paid.get(account, FAR) > day:
            return "land"
        if any(begun <= day < ended for begun, ended in grows.get(account, ())):
            return "expand"
        return "renew" if any(known <= day and end - NEAR <= day < end for known, end in ends.get(account, ())) else "adopt"

    return motion_on
