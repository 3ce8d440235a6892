"""Which lines of a subscription take the place of which (rule 7)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.records.periods import FAR

Days = np.ndarray[Any, Any]
ANY = -2  # whatever the product


def cut(lines: pa.Table, start: Days, end: Days) -> Days:
    """Ends after replacement: a line that takes the place of its subscription's others (`cuts`) ends those that began before it.

    Lines for different products of one subscription stand apart, and so do those that begin on one day under different
    plans: they are its items. Of equal ones that begin on one day the one recorded last rules. A negative line is a
    discount: it neither ends another nor is ended.
    """
    cuts = pc.fill_null(lines["cuts"], False).to_numpy(zero_copy_only=False).astype(bool)
    stands = pc.fill_null(pc.greater_equal(lines["mrr_num"], 0), True).to_numpy(zero_copy_only=False).astype(bool)
    cuts &= stands
    if not cuts.any():
        return end
    subscription = lines["subscription_id"].to_numpy()
    order = np.lexsort((lines["line_id"].to_numpy(), start, subscription))
    order = order[stands[order]]
    group = subscription[order]
    edges = np.flatnonzero(np.r_[True, group[1:] != group[:-1], True])
    shortened = end.copy()
    product, plan = codes(lines["product_id"]), codes(lines["plan"])
    several = np.diff(edges) > 1
    if not several.any():
        return end
    mixed = _mixed(edges, product[order], plan[order], start[order])
    _cut_plain(order, edges, several & ~mixed, cuts, start, shortened)
    for i in np.flatnonzero(several & mixed):
        _cut_items(order[edges[i] : edges[i + 1]].tolist(), cuts, start, shortened, product, plan)
    return shortened


def day_numbers(dates: Any) -> Days:
    """Day numbers of a column of dates; FAR where there is none. Written to by whoever asks."""
    days: Days = pc.fill_null(pc.cast(dates, pa.int32()), FAR).to_numpy()
    return np.minimum(days, FAR)


def codes(column: Any) -> Days:
    """A column's values as numbers, -1 where there is none."""
    encoded = column.combine_chunks().dictionary_encode() if isinstance(column, pa.ChunkedArray) else column.dictionary_encode()
    found: Days = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _mixed(edges: Days, product: Days, plan: Days, start: Days) -> Days:
    """Groups with several products, or with different plans from one day."""
    differs = (product[1:] != product[:-1]) | ((start[1:] == start[:-1]) & (plan[1:] != plan[:-1]))
    differs = np.r_[differs, False]
    differs[edges[1:] - 1] = False  # the last of a group says nothing of the next
    found: Days = np.add.reduceat(differs.astype(np.int64), edges[:-1]) > 0
    return found


def _cut_plain(order: Days, edges: Days, wanted: Days, cuts: Days, start: Days, end: Days) -> None:
    """Each line ends where the next one of its group that cuts begins."""
    rows = order
    cutting = np.flatnonzero(cuts[rows])
    if not len(cutting):
        return
    place = np.searchsorted(cutting, np.arange(len(rows)), side="right")
    following = np.where(place < len(cutting), cutting[np.minimum(place, len(cutting) - 1)], len(rows))
    last = np.repeat(edges[1:], np.diff(edges))
    ends = (following < last) & np.repeat(wanted, np.diff(edges))
    hit = rows[ends]
    end[hit] = np.minimum(end[hit], np.maximum(start[rows[following[ends]]], start[hit]))


def _cut_items(rows: Sequence[int], cuts: Days, start: Days, end: Days, product: Days, plan: Days) -> None:
    """A subscription with items, in the order of their first days: a line ends the items that it states anew."""
    live: list[int] = []
    for i in rows:
        if cuts[i]:
            rivals = [j for j in live if end[j] > start[i] and (product[j] == product[i] or (start[j] < start[i] and -1 in (product[j], product[i])))]
            rivals = [j for j in rivals if start[j] < start[i] or plan[j] == plan[i]]
            if len({plan[j] for j in rivals}) > 1 and plan[i] != -1:
                rivals = [j for j in rivals if plan[j] == plan[i]]  # one item of several; a new one stands beside them
            for j in rivals:
                end[j] = max(start[j], start[i])
            if rivals:
                live = [j for j in live if end[j] > start[i]]
        live.append(i)


def next_cut(lines: pa.Table, start: Days, stated: Days, rows: Sequence[int]) -> dict[int, int]:
    """The first day after its own on which another line of its subscription and product takes a line's place, or its contract goes on with one.

    In     stated  the ends as their source states them;  rows  lines whose end a rule moves on: what follows them stays where it is
    Out    FAR where nothing follows
    """
    subscription, contract = lines["subscription_id"].to_numpy(), pc.fill_null(lines["contract_id"], -1).to_numpy()
    product = codes(lines["product_id"])
    cuts = pc.fill_null(lines["cuts"], False).to_numpy(zero_copy_only=False).astype(bool)
    stands = pc.fill_null(pc.greater_equal(lines["mrr_num"], 0), True).to_numpy(zero_copy_only=False).astype(bool)
    wanted = np.asarray(rows, dtype=np.int64)
    near = stands & (np.isin(subscription, subscription[wanted]) | ((contract >= 0) & np.isin(contract, contract[wanted])))
    starts: dict[tuple[Any, ...], list[int]] = {}
    for i in np.flatnonzero(near).tolist():
        day = int(start[i])
        for of in (int(product[i]), ANY):
            if cuts[i]:
                starts.setdefault(("replaces", int(subscription[i]), of), []).append(day)
            if contract[i] >= 0:
                starts.setdefault(("goes on", int(contract[i]), int(subscription[i]), of), []).append(day)
                starts.setdefault(("under", int(contract[i]), of), []).append(day)
    for days in starts.values():
        days.sort()
    found = {}
    for i in wanted.tolist():
        own, first, under, of = int(subscription[i]), int(start[i]), int(contract[i]), int(product[i])
        alike = (ANY,) if of == -1 else (of, -1)
        keys: list[tuple[Any, ...]] = [key for one in alike for key in (("replaces", own, one), ("goes on", under, own, one))]
        if of != -1:
            keys.append(("under", under, of))
        after = (_first(starts, key, first + 1) for key in keys)
        # Under new ids each term, as billing writes it: what begins as this one ends, where products do not tell them apart.
        touching = _first(starts, ("under", under, ANY if of == -1 else -1), max(first + 1, int(stated[i]) - 1))
        found[i] = min(*after, touching if touching <= stated[i] + 1 else FAR, FAR)
    return found


def _first(starts: dict[tuple[Any, ...], list[int]], key: tuple[Any, ...], least: int) -> int:
    days = starts.get(key, [])
    place = bisect_left(days, least)
    return days[place] if place < len(days) else FAR
