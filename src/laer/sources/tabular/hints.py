"""What the name of a sheet or a file says of all its rows."""

from __future__ import annotations

import re

from laer.sources.tabular.headers import header_words

CHURNED = "churned"
LEFT = frozenset(
    "churn churned lost cancelled canceled cancellations former ex left leavers departed terminated closed inactive verloren verlorene gekundigt gekündigt "
    "ehemalige perdus anciens perdidos bajas opgezegd vertrokken".split()
)
_ACCOUNTS = frozenset(
    "account accounts customer customers client clients company companies kunde kunden klant klanten cliente clientes logo logos list sheet export".split()
)


def hint_of(file: str, sheet: str | None) -> str | None:
    """`churned` where a sheet's (else the file's) name says nothing but that accounts left; a period may stand with it."""
    words = [word for word in header_words(sheet if sheet else re.sub(r"[.][A-Za-z]+$", "", file)).split() if not any(c.isdigit() for c in word)]
    said = LEFT.intersection(words)
    return CHURNED if said and not set(words) - LEFT - _ACCOUNTS else None
