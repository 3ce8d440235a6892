"""Inputs of the people at an account, and of what passes between them and us."""

from __future__ import annotations

from hashlib import md5

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.fact_book import Book, Columns, days, listed, local_days, numbers
from laer.records.periods import FAR

LEVELS = {"red": 0, "yellow": 1, "green": 2}
SENTIMENT = {"bad": -1, "neutral": 0, "good": 1}
ROLES = (  # part of what a file says -> the role that measures know; the first that fits
    ("champion", "champion"), ("economic", "decision maker"), ("decision", "decision maker"), ("buyer", "decision maker"), ("signer", "decision maker"),
    ("executive sponsor", "decision maker"), ("sponsor", "champion"), ("detractor", "detractor"), ("influencer", "influencer"), ("user", "user"),
)  # fmt: skip


def answers(book: Book) -> Columns:
    table = book.tables["survey_responses"].filter(pc.is_valid(book.tables["survey_responses"]["score"]))
    return {
        "account_id": table["account_id"], "answered_d": days(table["answered_on"]), "kind": pc.utf8_lower(table["kind"]), "score": numbers(table["score"])
    }  # fmt: skip


def pulses(book: Book) -> Columns:
    """Of several on a day the one that was said last: whoever says another word the same day has changed their mind."""
    table = book.tables["pulses"].sort_by("pulse_id")
    last = {key: place for place, key in enumerate(zip(table["account_id"].to_pylist(), table["stated_on"].to_pylist(), strict=True))}
    table = table.take(pa.array(sorted(last.values()), pa.int64()))  # of nothing, too
    return {
        "account_id": table["account_id"], "stated_d": days(table["stated_on"]), "level": [LEVELS.get(colour) for colour in table["colour"].to_pylist()]
    }  # fmt: skip


def touches(book: Book) -> Columns:
    table = book.tables["touches"]
    return {
        "account_id": table["account_id"], "on_d": local_days(table["at"], book.zone), "kind": table["kind"], "minutes": table["minutes"],
        "inward": pc.equal(table["direction"], "in"), "sentiment": [SENTIMENT.get(word) for word in table["sentiment"].to_pylist()],
    }  # fmt: skip


def texts(book: Book) -> Columns:
    """A rating is known from its day, a correction from the day on which it was made: neither before the text."""
    table = book.tables["text_sentiments"]
    written = days(table["written_on"])
    corrected = pc.fill_null(local_days(table["corrected_at"], book.zone), FAR)
    return {
        "account_id": table["account_id"], "on_d": written, "kind": table["kind"], "level": table["level"], "rated": table["rated"],
        "rated_d": pc.max_element_wise(pc.fill_null(days(table["rated_on"]), FAR), written), "corrected": table["corrected"],
        "corrected_d": pc.max_element_wise(corrected, written),
    }  # fmt: skip


def role_of(said: str | None) -> str | None:
    """One of the roles that measures know, "other" for another word; None where nothing is said."""
    words = " ".join((said or "").casefold().replace("_", " ").replace("-", " ").split())
    return next((role for part, role in ROLES if part in words), "other") if words else None


def contacts(book: Book) -> Columns:
    """Who belongs to an account, and in which role from when to when.

    A contact says no days of its own: it is held to have been there from the beginning. Its roles are those with days (`contact_roles`);
    where none of them is said, the one that stands on the contact, at every date.
    """
    table, dated = book.tables["contacts"], book.tables["contact_roles"]
    dated = dated.filter(pc.is_in(dated["contact_id"], table["contact_id"].combine_chunks()))
    has = pc.is_in(table["contact_id"], dated["contact_id"].combine_chunks()).to_pylist()
    said = [None if role else role_of(word) for role, word in zip(has, table["role"].to_pylist(), strict=True)]
    parts = (
        (table["account_id"], table["contact_id"], said, [0] * table.num_rows, [FAR] * table.num_rows),
        (
            dated["account_id"], dated["contact_id"], [role_of(word) for word in dated["role"].to_pylist()], pc.fill_null(days(dated["from_on"]), 0),
            pc.fill_null(days(dated["until_on"]), FAR),
        ),
    )  # fmt: skip
    names = ("account_id", "contact_id", "role", "from_d", "until_d")
    return {name: [value for part in parts for value in listed(part[place])] for place, name in enumerate(names)}


def meetings(book: Book) -> Columns:
    """Touches with whom they reached (one row each; without a contact where nobody is named), and who asked for help or answered a survey."""
    touched, named = book.tables["touches"], book.tables["touch_contacts"]
    at = pc.index_in(named["touch_id"], touched["touch_id"].combine_chunks())
    named, at = named.filter(pc.is_valid(at)), at.filter(pc.is_valid(at))
    alone = touched.filter(pc.invert(pc.is_in(touched["touch_id"], named["touch_id"].combine_chunks())))
    tickets, said = (book.tables[name].filter(pc.is_valid(book.tables[name]["contact_id"])) for name in ("tickets", "survey_responses"))
    parts = (
        ("touch", named["account_id"], named["contact_id"], local_days(touched["at"].take(at), book.zone)),
        ("touch", alone["account_id"], pa.nulls(alone.num_rows, pa.int64()), local_days(alone["at"], book.zone)),
        ("ticket", tickets["account_id"], tickets["contact_id"], local_days(tickets["opened_at"], book.zone)),
        ("answer", said["account_id"], said["contact_id"], days(said["answered_on"])),
    )
    rows = pa.concat_tables(
        pa.table({"happened": pa.array([what] * len(account), pa.string()), "account_id": account, "contact_id": contact, "on_d": day})
        for what, account, contact, day in parts
    ).combine_chunks()  # fmt: skip
    return {name: rows[name] for name in rows.column_names}


def product_users(book: Book) -> Columns:
    """Users of the product by the numbers that usage knows them by, from when to when each counts. No day: from the beginning, and still."""
    table = book.tables["product_users"]
    return {
        "account_id": table["account_id"], "actor": [actor(name) for name in table["user_id"].to_pylist()], "contact_id": table["contact_id"],
        "team": pc.if_else(pc.equal(pc.utf8_trim_whitespace(table["team"]), ""), None, pc.utf8_trim_whitespace(table["team"])),
        "internal": pc.fill_null(table["is_internal"], False),
        "from_d": pc.fill_null(days(table["added_on"]), 0), "until_d": pc.fill_null(days(table["deactivated_on"]), FAR),
    }  # fmt: skip


def actor(name: str) -> int:
    """The number by which rollups of usage know a user or a feature (`engine/rollups.py`)."""
    return int(md5(name.encode(), usedforsecurity=False).hexdigest()[:15], 16)
