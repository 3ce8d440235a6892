"""Header names against the synonyms that record types declare.

Three degrees of likeness, from sure to faint: the same words (case, spaces, `_`, `-`, camelCase and punctuation aside);
the same once abbreviations are spelled out and words that change nothing (a currency, `UTC`) are left out; most words
shared, unless a word stands between that changes the meaning (`previous`, `refund`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from laer.records import types as _types
from laer.records.record import Column, record_type
from laer.sources.tabular.cells import spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.scales import bare

SAME, EQUAL, LEAST_OVERLAP = 1.0, 0.95, 0.6
BARE_ID = ("id", "record id", "external id", "key", "uuid", "number", "nr", "no")  # `#` is the word number
COUNTING = ("number", "nr", "no")  # may as well count the rows
BARE_ID_LIKENESS = 0.7
OPTIONAL = {("subscription_lines", "subscription_id")}  # required in the book, which makes one for a line that names none (rule 7)
RECORDS = _types.ORDER
ALL_OF = {  # of each group one, else a table is not of that type: the words of these are those of many lists
    "contact_roles": (("contact_id",), ("role",), ("from_on", "until_on", "stance", "reports_to_id")),
    "product_features": (("name",), ("is_key",)),
    "product_users": (("user_id",), ("team", "is_internal", "deactivated_on"), ("account_id",)),
    "entitlements": (("name",), ("granted",), ("account_id",)),
    "invoices": (("issued_on",), ("amount",), ("number", "invoice_id"), ("due_on", "paid_on")),
}

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_SALESFORCE = re.compile(r"__[cr]$")
_MEASURED = re.compile(r"(.+?)\s*[(\[]\s*(?:in )?(mrr|arr|acv|tcv)\s*[)\]]", re.IGNORECASE)
_SINGULAR = {"subscriptions": "subscription", "customers": "customer", "accounts": "account", "companies": "company", "contracts": "contract"}
_DOTTED = re.compile(rf"({'|'.join(_SINGULAR)})\.(\w+)", re.IGNORECASE)  # as Chargebee writes: `subscriptions.id`, `customers.company`
_PUNCTUATION = re.compile(r"[\W_]+")
_LONG = {
    "acct": "account", "acc": "account", "cust": "customer", "sub": "subscription", "subs": "subscription", "num": "number", "no": "number", "nr": "number",
    "dt": "date", "amt": "amount", "qty": "quantity", "freq": "frequency", "curr": "currency", "organisation": "organization", "licences": "licenses",
    "cancelled": "canceled", "cancelation": "cancellation", "ids": "id", "guid": "id", "uuid": "id", "identifier": "id", "org": "organization",
    "mins": "minutes", "min": "minutes", "hrs": "hours", "secs": "seconds", "sec": "seconds", "pct": "percent", "desc": "description",
}  # fmt: skip
_IDLE = frozenset(spelled("usd eur gbp chf cad aud jpy sek nok dkk inr in of the a utc gmt cet local field column properties yyyy mm dd converted"))
_CURRENCY = " currency"
_TWISTING = frozenset(
    spelled(
        "previous prev old new next prior former last first max min avg average mean median target expected planned estimated forecast discount discounted tax "
        "vat refund refunded credit fee proration preceding upgrade downgrade beta parent test not non change delta growth churned lost trial renewal"
    )
)


_AMOUNTS = frozenset(spelled("contract value amount price revenue recurring total current net subscription fee size volume annual monthly yearly in"))


class Match(NamedTuple):
    """A header that may stand for a column: likeness 0..1, and the synonym it resembles."""

    likeness: float
    header: str
    column: str
    synonym: str


@lru_cache(maxsize=20_000)
def header_words(text: str) -> str:
    """Plain words of a header: `CustomerID`, `customer_id` and `Customer-Id` are `customer id`; `%` and `#` are words."""
    if dotted := _DOTTED.fullmatch(text.strip()):
        text = f"{_SINGULAR[dotted[1].lower()]} id" if dotted[2].lower() == "id" else dotted[2]
    text = _SALESFORCE.sub("", text.strip()).replace("%", " percent ").replace("#", " number ")
    return _PUNCTUATION.sub(" ", _CAMEL.sub(" ", text)).strip().casefold()


@lru_cache(maxsize=20_000)
def _telling(words: str) -> frozenset[str]:
    long = (_LONG.get(word, word) for word in words.replace("e mail", "email").split())
    return frozenset(word for word in long if word not in _IDLE)


@lru_cache(maxsize=20_000)
def measure_in_brackets(header: str) -> str:
    """`arr` of `Vertragswert (ARR)`: the measure that a bracket says an amount is. Empty beside other words (`Lost (ARR)`, `Customer (ARR)`)."""
    found = _MEASURED.fullmatch(header.strip())
    return found[2].casefold() if found and set(in_english(header_words(found[1])).split()) <= _AMOUNTS else ""


def likeness(header: str, synonym: str) -> float:
    """How much a header says what a synonym says, 0 to 1 (both as `header_words`)."""
    if header == synonym:
        return SAME
    mine, theirs = _telling(header), _telling(synonym)
    if not mine or not theirs:
        return 0.0
    if mine == theirs:
        return EQUAL
    overlap = len(mine & theirs) / len(mine | theirs)
    return 0.9 * overlap if overlap >= LEAST_OVERLAP and not (mine ^ theirs) & _TWISTING else 0.0


@lru_cache(maxsize=64)
def synonyms(record: str) -> dict[str, tuple[str, ...]]:
    """Header names by column of a record type, the key included; columns that no file names are left out."""
    kind = record_type(record)
    found: dict[str, tuple[str, ...]] = {}
    for column in kind.columns():
        names = column.col.aka + (kind.info.key_aka if column.name == kind.info.key else ())
        if names:
            found[column.name] = tuple(dict.fromkeys(header_words(name) for name in (*names, column.name, column.label)))
    return found


def columns_of(record: str) -> dict[str, Column]:
    """The columns of a record type by name."""
    return {column.name: column for column in record_type(record).columns()}


def matches(header: Iterable[str], record: str, *, with_units: bool = True) -> list[Match]:
    """Every plausible pair of header and column, most alike first; earlier synonyms count a trifle more.

    In   with_units   a header may name a unit that its reader knows: `ARR (k€)`
    """
    columns, found = columns_of(record), []
    header = list(header)
    theirs = {f"{name}{_CURRENCY}".casefold() for name in header}  # as Salesforce exports an amount: `ARR Currency`, `ARR`
    for name in header:
        words = _CURRENCY.strip() if name.casefold() in theirs else in_english(header_words(bare(name) if with_units else name))
        measure = measure_in_brackets(name)
        for column, known in synonyms(record).items():
            alike, place = max(((likeness(words, synonym) - 0.001 * place, place) for place, synonym in enumerate(known)), default=(0.0, 0))
            if measure in known and alike < EQUAL:
                alike, place = EQUAL, known.index(measure)
            faint = columns[column].col.refers or column == record_type(record).info.key
            if alike >= (0.9 if faint else 0.5):
                found.append(Match(alike, name, column, known[place]))
    return sorted(found, key=lambda match: -match.likeness)


def bare_id(header: Iterable[str], record: str, taken: dict[str, str]) -> Match | None:
    """A column called only `id` is the key of the row; in a list of subscriptions it is the subscription's."""
    target = record_type(record).info.key
    if record == "subscription_lines" and "subscription_id" not in taken.values():
        target = "subscription_id"
    if target in taken.values():
        return None
    for wanted in BARE_ID:
        for name in header:
            if name not in taken and header_words(name) == wanted:
                return Match(BARE_ID_LIKENESS, name, target, wanted)
    return None


def assign(found: Iterable[Match]) -> dict[str, Match]:
    """Best matches first; no header and no column is used twice."""
    taken: dict[str, Match] = {}
    used: set[str] = set()
    for match in sorted(found, key=lambda match: -match.likeness):
        if match.header not in taken and match.column not in used:
            taken[match.header] = match
            used.add(match.column)
    return taken


def match_columns(header: Iterable[str], record: str) -> dict[str, str]:
    """Columns of one known record type by header; only what the names say for sure. Other headers are left out."""
    return {name: match.column for name, match in assign(m for m in matches(header, record, with_units=False) if m.likeness >= 0.9).items()}
