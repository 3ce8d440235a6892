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
from laer.sources.tabular.scales import bare

SAME, EQUAL, LEAST_OVERLAP = 1.0, 0.95, 0.6
BARE_ID = ("id", "record id", "external id", "key", "uuid")
BARE_ID_LIKENESS = 0.7
OPTIONAL = {("subscription_lines", "subscription_id")}  # required in the book, which makes one for a line that names none (rule 7)
RECORDS = _types.ORDER

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_SALESFORCE = re.compile(r"__[cr]$")
_PUNCTUATION = re.compile(r"[\W_]+")
_LONG = {
    "acct": "account", "acc": "account", "cust": "customer", "sub": "subscription", "subs": "subscription", "num": "number", "no": "number", "nr": "number",
    "dt": "date", "amt": "amount", "qty": "quantity", "freq": "frequency", "curr": "currency", "organisation": "organization", "licences": "licenses",
    "cancelled": "canceled", "cancelation": "cancellation", "ids": "id", "guid": "id", "uuid": "id", "identifier": "id", "org": "organization",
    "mins": "minutes", "min": "minutes", "hrs": "hours", "secs": "seconds", "sec": "seconds", "pct": "percent", "desc": "description",
}  # fmt: skip
_ENGLISH = {  # whole words of German, French, Spanish and Dutch headers, and what a header of ours would say
    "kunde": "customer", "kundenname": "customer name", "kundennummer": "customer id", "kundennr": "customer id", "kunden nr": "customer id",
    "firma": "company",
    "beginn": "start date", "startdatum": "start date", "vertragsbeginn": "contract start", "laufzeitbeginn": "contract start", "gültig ab": "valid from",
    "ende": "end date", "enddatum": "end date", "vertragsende": "contract end", "laufzeitende": "contract end", "gültig bis": "valid to", "betrag": "amount",
    "preis": "price", "einzelpreis": "unit price", "gesamtpreis": "total", "gesamtbetrag": "total", "menge": "quantity", "anzahl": "quantity",
    "währung": "currency", "waehrung": "currency", "abrechnungsintervall": "billing interval", "zahlweise": "billing interval", "tarif": "plan",
    "produkt": "product", "branche": "industry", "land": "country", "mitarbeiter": "employees", "betreuer": "account owner", "verantwortlich": "owner",
    "monatsbetrag": "monthly amount", "jahresbetrag": "annual amount", "verlängerung": "renewal date",
    "verlängerung am": "renewal date", "nächste verlängerung": "renewal date", "kündigungsdatum": "cancellation date",
    "nom du client": "customer name", "numéro client": "customer id", "société": "company", "date de début": "start date", "date début": "start date",
    "date de fin": "end date", "date fin": "end date", "montant": "amount", "prix": "price", "prix unitaire": "unit price", "quantité": "quantity",
    "devise": "currency", "pays": "country", "secteur": "industry", "cliente": "customer", "nombre del cliente": "customer name", "empresa": "company",
    "fecha de inicio": "start date", "fecha inicio": "start date", "fecha de fin": "end date", "fecha fin": "end date", "importe": "amount", "precio": "price",
    "precio unitario": "unit price", "cantidad": "quantity", "moneda": "currency", "país": "country", "klant": "customer", "klantnaam": "customer name",
    "klantnummer": "customer id", "bedrijf": "company", "einddatum": "end date", "bedrag": "amount", "prijs": "price", "aantal": "quantity",
    "valuta": "currency",
}  # fmt: skip
_GROUPS = {"kunde": "customer", "kunden": "customer", "vertrag": "contract", "abo": "subscription", "contrat": "contract", "contrato": "contract"}
_IDLE = frozenset(spelled("usd eur gbp chf cad aud jpy sek nok dkk inr in of the a utc gmt cet local field column properties yyyy mm dd"))
_TWISTING = frozenset(
    spelled(
        "previous prev old new next prior former last first max min avg average mean median target expected planned estimated forecast discount discounted tax "
        "vat refund refunded credit fee proration preceding upgrade downgrade beta parent test not non change delta growth churned lost trial renewal"
    )
)


class Match(NamedTuple):
    """A header that may stand for a column: likeness 0..1, and the synonym it resembles."""

    likeness: float
    header: str
    column: str
    synonym: str


@lru_cache(maxsize=20_000)
def header_words(text: str) -> str:
    """Plain words of a header: `CustomerID`, `customer_id` and `Customer-Id` are `customer id`; `%` and `#` are words."""
    text = _SALESFORCE.sub("", text.strip()).replace("%", " percent ").replace("#", " number ")
    return _PUNCTUATION.sub(" ", _CAMEL.sub(" ", text)).strip().casefold()


def in_english(words: str) -> str:
    """The words of a header, in English where they are those of another language. A group above it (`Kunde` over `Kundennummer`) is left out."""
    if words in _ENGLISH:
        return _ENGLISH[words]
    group, _, name = words.partition(" ")
    if group in _GROUPS:
        return _ENGLISH.get(name) or (f"{_GROUPS[group]} {name}".strip())
    return words


@lru_cache(maxsize=20_000)
def _telling(words: str) -> frozenset[str]:
    long = (_LONG.get(word, word) for word in words.split())
    return frozenset(word for word in long if word not in _IDLE)


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
    for name in header:
        words = in_english(header_words(bare(name) if with_units else name))
        for column, known in synonyms(record).items():
            alike, place = max(((likeness(words, synonym) - 0.001 * place, place) for place, synonym in enumerate(known)), default=(0.0, 0))
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
