"""Inputs of how it is used and how that goes: tickets, onboarding, outcomes, numbers that a source counts, what is granted, key features."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.fact_book import Book, Columns, days, local_days, numbers
from laer.cycle.inputs_people import actor
from laer.records.periods import FAR

URGENT = ("urgent", "critical", "high", "highest", "blocker", "emergency", "p0", "p1", "sev1", "sev 1", "1")
METRICS = {  # names by which sources count what a measure reads
    "seats assigned": "seats_assigned", "assigned seats": "seats_assigned", "licenses assigned": "seats_assigned", "assigned licenses": "seats_assigned",
    "users provisioned": "seats_assigned", "provisioned users": "seats_assigned", "active teams": "teams_active", "teams active": "teams_active",
    "teams": "teams_active",
}  # fmt: skip
LIMITS = (" limit", " quota", " allowance", " included")  # how a source names the limit of a number


def tickets(book: Book) -> Columns:
    table = book.tables["tickets"]
    words = pc.utf8_trim_whitespace(pc.utf8_lower(pc.fill_null(table["priority"], "")))
    return {
        "account_id": table["account_id"], "opened_d": local_days(table["opened_at"], book.zone), "closed_d": pc.fill_null(local_days(table["closed_at"],
            book.zone), FAR),
        "urgent": pc.is_in(words, pa.array(URGENT)), "escalated": pc.fill_null(table["escalated"], False), "satisfaction": numbers(table["satisfaction"]),
    }  # fmt: skip


def plans(book: Book) -> Columns:
    table = book.tables["onboarding_plans"]
    return {
        "account_id": table["account_id"], "started_d": days(table["started_on"]), "planned_d": days(table["planned_end_on"]),
        "done_d": pc.fill_null(days(table["completed_on"]), FAR),
    }  # fmt: skip


def steps(book: Book) -> Columns:
    """Steps with the days of their plan. One that names none belongs to its account's latest; where that has none it is of no plan."""
    plans = book.tables["onboarding_plans"].sort_by([("started_on", "ascending"), ("onboarding_plan_id", "ascending")]).combine_chunks()
    steps = book.tables["onboarding_steps"]
    asked = pc.invert(pc.fill_null(steps["not_applicable"], False))
    steps = steps.filter(pc.or_(pc.is_valid(steps["done_on"]), asked))  # what never applied was never asked for
    latest = {account: place for place, account in enumerate(plans["account_id"].to_pylist())}
    places = pa.chunked_array([pa.array(list(latest.values()), pa.int32())]).take(pc.index_in(steps["account_id"], pa.array(list(latest), pa.int64())))
    at = pc.if_else(pc.is_valid(steps["onboarding_plan_id"]), pc.index_in(steps["onboarding_plan_id"], plans["onboarding_plan_id"].combine_chunks()), places)
    return {
        "account_id": steps["account_id"], "known_d": days(plans["started_on"].take(at)), "due_d": pc.fill_null(days(steps["due_on"]), FAR),
        "done_d": pc.fill_null(days(steps["done_on"]), FAR), "plan_done_d": pc.fill_null(days(plans["completed_on"].take(at)), FAR),
        "theirs": pc.fill_null(pc.equal(steps["side"], "customer"), False),
    }  # fmt: skip


def outcomes(book: Book) -> Columns:
    table = book.tables["outcomes"]
    far = {f"{name}_d": pc.fill_null(days(table[f"{name}_on"]), FAR) for name in ("due", "reached", "confirmed")}
    measured = pc.and_(pc.is_valid(table["baseline"]), pc.is_valid(table["target"]))
    return {"account_id": table["account_id"], "promised_d": pc.fill_null(days(table["promised_on"]), 0), "measured": measured} | far


def metrics(book: Book) -> Columns:
    table = book.tables["account_metrics"]
    names = [METRICS.get(_plain(name), name) for name in table["name"].to_pylist()]
    return {"account_id": table["account_id"], "on_d": days(table["day"]), "name": names, "number": numbers(table["value"])}


def limits(book: Book) -> Columns:
    """Metrics of which some source states the limit (`API calls` and `API calls limit`), or some entitlement grants it, and those limits."""
    table = book.tables["account_metrics"]
    said = [_plain(name) for name in table["name"].to_pylist()]
    of = [next((name.removesuffix(end) for end in LIMITS if name.endswith(end)), None) for name in said]
    limited = {*of, *map(_plain, book.tables["entitlements"]["name"].to_pylist())} - {None}
    rows = [place for place, name in enumerate(said) if of[place] is not None or name in limited]
    kept = table.take(pa.array(rows, pa.int64()))
    return {
        "account_id": kept["account_id"], "on_d": days(kept["day"]), "name": [of[place] or said[place] for place in rows],
        "most": [of[place] is not None for place in rows], "number": numbers(kept["value"]),
    }  # fmt: skip


def entitlements(book: Book) -> Columns:
    """What an account may use, by the name of the number that it limits."""
    table = book.tables["entitlements"]
    names = [next((name.removesuffix(end) for end in LIMITS if name.endswith(end)), name) for name in map(_plain, table["name"].to_pylist())]
    return {
        "account_id": table["account_id"], "name": names, "granted": numbers(table["granted"]), "from_d": pc.fill_null(days(table["from_on"]), 0),
        "until_d": pc.fill_null(days(table["until_on"]), FAR),
    }  # fmt: skip


def key_features(book: Book) -> Columns:
    """Features that matter, under the name by which usage knows them. Which product has it: none, all have."""
    table = book.tables["product_features"]
    table = table.filter(pc.fill_null(table["is_key"], False))
    names = [code or name for code, name in zip(table["code"].to_pylist(), table["name"].to_pylist(), strict=True)]
    return {
        "actor": [actor(name) for name in names], "product_id": table["product_id"],
        "from_d": pc.fill_null(days(table["released_on"]), 0), "until_d": pc.fill_null(days(table["retired_on"]), FAR),
    }  # fmt: skip


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())
