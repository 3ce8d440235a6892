"""Lists of accounts that left: a sheet called Churned, Lost, Cancelled, Former customers."""

from __future__ import annotations

import re

from laer.sources.tabular.guess import SURE, Guess, guess
from laer.sources.tabular.headers import EQUAL, Match, header_words
from laer.sources.tabular.profile import Sample
from laer.sources.tabular.table import Table

_WHEN = re.compile(
    r"\b(?:churn(?:ed)?|lost|left|loss|leave|leaving|departure|departed|cancel(?:l?ed|l?ation)?|terminat(?:ed|ion)|end(?:ed|s)?|exit|closed|expir(?:y|ed|ation)|inactive|"
    r"kundigung|kündigung|ende|fin|baja|einde)\b"
)


def departures(table: Table, sample: Sample) -> Guess | None:
    """A list of accounts that left: departures where it says when, else accounts (whose churn flag the list's name says)."""
    accounts = guess(table, sample, "accounts")
    named = {match.column: name for name, match in accounts.matches.items()}
    account = named.get("account_id") or named.get("name")
    if account is None:
        return None
    found = guess(table, sample, "churn_events")
    matches = dict(found.matches)
    reasons = dict(found.reasons)
    why = f"The name '{table.sheet or table.file}' says that these accounts left"
    by_column = {match.column: name for name, match in matches.items()}
    for column, header in (("effective_on", _when(table.header, sample)), ("account_id", account)):
        if column not in by_column and header and header not in matches:
            matches[header] = Match(EQUAL, header, column, header_words(header))
            reasons[header] = "the list is of accounts that left"
    if {"effective_on", "account_id"} <= {match.column for match in matches.values()}:
        return Guess("churn_events", matches, reasons, SURE + 0.1, f"{why}, and it says when.")
    return Guess("accounts", accounts.matches, accounts.reasons, SURE, f"{why}; it does not say when, so they are accounts.")


def _when(header: list[str], sample: Sample) -> str | None:
    """The column that says on which day an account left."""
    for name in header:
        share = sample.share(name, "date") if _WHEN.search(header_words(name)) else None
        if share is not None and share >= 0.5:
            return name
    return None
