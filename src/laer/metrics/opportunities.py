"""What one row says about an opportunity: its outcome, its motion, and what it brings in a year as an exact fraction.

Pure functions over values that a source has read already. A word that stands nowhere sets the row aside: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.records.types import MOTIONS, STAGES


def outcome(stage: str | None, status: str | None, won: bool | None, lost: bool | None, closed: bool | None) -> tuple[str | None, str | None]:
    """Open, won or lost, or the reason why nobody can say: flags first, then the status, then the stage (words in plain lower case)."""
    if won:
        return (None, "both won and lost") if lost else ("won", None)
    if lost or (closed and won is False):
        return "lost", None
    if closed is False or (won is False and lost is False):
        return "open", None
    for what, word in (("status", status), ("stage", stage)):
        if word in STAGES:
            return STAGES[word], None
        if word and (what == "stage" or not stage):
            return None, f"unknown {what} '{word}': expected a word for open, won or lost, or columns Won and Closed"
    return None, "empty stage"


def motion_of(word: str | None) -> tuple[str | None, str | None]:
    """Land, expand or renew; None where the word is known and does not say; the reason where it is not known."""
    if not word or word in MOTIONS:
        return MOTIONS.get(word or ""), None
    return None, f"unknown motion '{word}': expected land, expand or renew"


def arr_of(row: Mapping[str, Any]) -> tuple[Fraction | None, str | None, str | None]:
    """What it brings in a year, what that was read from, and the reason why the row cannot be taken.

    ARR wins; then MRR x 12; then the total contract value, or the amount, over the term; an amount without a term is a year's.
    """
    term, total = row.get("term_months"), row.get("tcv")
    if term is not None and term <= 0:
        return None, None, "term is not above 0 months"
    said: Decimal | None
    for name, factor, basis in (("arr", Fraction(1), "arr"), ("mrr", Fraction(12), "mrr")):
        if (said := row.get(name)) is not None:
            return _positive(said, factor, basis)
    if total is not None and term is None and row.get("amount") is None:
        return None, None, "total contract value without a term"
    if term is not None and (said := total if total is not None else row.get("amount")) is not None:
        return _positive(said, Fraction(12, term), "term")
    if (said := row.get("amount")) is not None:
        return _positive(said, Fraction(1), "year")
    return None, None, None


def _positive(said: Decimal, factor: Fraction, basis: str) -> tuple[Fraction | None, str | None, str | None]:
    return (None, None, "negative amount") if said < 0 else (Fraction(said) * factor, basis, None)
