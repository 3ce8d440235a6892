"""Billing intervals: how much of a charge falls on a month (rule 15 of the ledger's policy).

MRR = amount * factor: monthly 1, quarterly 1/3, annual 1/12, every N months 1/N, weekly 52/12, daily 365/12.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date
from fractions import Fraction

from laer.sources.tabular.cells import Unreadable, normal_words, spelled

_UNITS = {
    **dict.fromkeys(spelled("day days d tag tage tagen jour jours dia dias"), Fraction(365, 12)),
    **dict.fromkeys(spelled("week weeks wk wks w woche wochen semaine semaines semana semanas"), Fraction(52, 12)),
    **dict.fromkeys(spelled("fortnight fortnights"), Fraction(26, 12)),
    **dict.fromkeys(spelled("month months mo mos mth mths mon m monat monate monaten mois mes meses maand maanden"), Fraction(1)),
    **dict.fromkeys(spelled("quarter quarters qtr qtrs q quartal quartale trimestre trimestres kwartaal"), Fraction(1, 3)),
    **dict.fromkeys(spelled("year years yr yrs y annum jahr jahre jahren an ans annee ano anos jaar"), Fraction(1, 12)),
}
_WORDS = {
    **dict.fromkeys(("daily", "taglich", "per diem"), Fraction(365, 12)),
    **dict.fromkeys(("weekly", "wochentlich", "hebdomadaire"), Fraction(52, 12)),
    **dict.fromkeys(("fortnightly", "every other week"), Fraction(26, 12)),
    **dict.fromkeys(("monthly", "mthly", "month to month", "monatlich", "mensuel", "mensual", "maandelijks", "calendar month"), Fraction(1)),
    **dict.fromkeys(("every other month",), Fraction(1, 2)),
    **dict.fromkeys(("quarterly", "qtrly", "vierteljahrlich", "quartalsweise", "trimestriel", "trimestral"), Fraction(1, 3)),
    **dict.fromkeys(("semi annual", "semi annually", "semiannual", "semiannually", "half yearly", "half year", "half annual", "twice a year"), Fraction(1, 6)),
    **dict.fromkeys(("halbjahrlich", "semestriel", "semestral"), Fraction(1, 6)),
    **dict.fromkeys(("annual", "annually", "yearly", "pa", "per annum", "annualized", "annualised", "once a year"), Fraction(1, 12)),
    **dict.fromkeys(("jahrlich", "annuel", "anual", "jaarlijks"), Fraction(1, 12)),
    **dict.fromkeys(("biennial", "biennially", "every other year", "two yearly"), Fraction(1, 24)),
    **dict.fromkeys(("triennial", "triennially"), Fraction(1, 36)),
}
_COUNTS = {word: n for n, word in enumerate(spelled("one two three four five six seven eight nine ten eleven twelve"), 1)}
_EVERY = re.compile(r"(?:(?:every|each|per|a|once per|once a|alle|toutes les|tous les|billed every|billed) )*(?:([0-9]{1,4}|[a-z]+) ?)??([a-z]+)")
TERM = "term"  # said of an amount: for the whole term of its line, whatever that is
_NEGATIVE = re.compile(r"(?:^|\s)[-\u2212]\s*[0-9]")
_POINT = re.compile(r"\.(?![0-9])")
_ISO = re.compile(r"p(?:([0-9]{1,4})y)?(?:([0-9]{1,4})m)?(?:([0-9]{1,4})w)?(?:([0-9]{1,4})d)?")


def interval_factor(text: str) -> Fraction | Unreadable:
    """Months' share of one charge; 1 where empty. Words that mean two things (bi-annual, bi-weekly) are unreadable."""
    words = _plain(text)
    if not words:
        return Fraction(1)
    if len(words) > 40:
        return Unreadable(text)
    if words in _WORDS:
        return _WORDS[words]
    if found := _ISO.fullmatch(words):
        return _iso(found.groups()) or Unreadable(text)
    found = _EVERY.fullmatch(words)
    unit = found and _UNITS.get(found[2])
    if not found or not unit:
        return Unreadable(text)
    count = 1 if not found[1] else int(found[1]) if found[1].isdigit() else _COUNTS.get(found[1], 0)
    return unit / count if count else Unreadable(text)


def months_between(start: date, end: date) -> Fraction:
    """Months of a term (end exclusive): whole months, and the days left over as a share of their month."""
    whole = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    month = start.month - 1 + whole
    year, month = start.year + month // 12, month % 12 + 1
    days = monthrange(year, month)[1]
    reached = date(year, month, min(start.day, days))
    return whole + Fraction((end - reached).days, days)


def _plain(text: str) -> str:
    if _NEGATIVE.search(text):
        return "?"
    words = normal_words(_POINT.sub("", text.replace("/", " ")))
    if words.isascii():
        return words
    return "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))


def _iso(parts: tuple[str | None, ...]) -> Fraction | None:
    """P1Y, P3M, P1Y6M, P2W, P30D: years and months add up, weeks and days stand alone."""
    years, months, weeks, days = (int(part or 0) for part in parts)
    if years or months:
        return None if weeks or days else Fraction(1, 12 * years + months)
    if bool(weeks) == bool(days):
        return None
    return Fraction(52, 12) / weeks if weeks else Fraction(365, 12) / days
