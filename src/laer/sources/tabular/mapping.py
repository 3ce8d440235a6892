"""How a file's columns read as one record type: decided once, shown, corrected, saved as a readable file."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from laer.records.record import record_type
from laer.sources.tabular.amounts import AmountEvidence
from laer.sources.tabular.dates import ORDERS
from laer.sources.tabular.ends import EndEvidence
from laer.sources.tabular.headers import RECORDS, columns_of, header_words
from laer.sources.tabular.month_days import EDGES, MonthDays, answer_of

CUSTOM = "custom."
CUSTOM_KINDS = ("text", "integer", "decimal", "boolean", "date")
ENDS = ("exclusive", "inclusive")
STYLES = ("point", "comma")
SAVED = ("record", "fingerprint", "date_order", "end", "columns", "custom", "number_styles", "fixed", "sheet", "status", "months")  # of a mapping's file
AS_OF_FILE = {("subscription_lines", "start_on"), ("pulses", "stated_on")}  # where no column says it, what a file says is true as of its date
IGNORE = "ignore"  # how a saved mapping spells None
_SLUG = re.compile(r"[^a-z0-9]+")


class MappingFault(ValueError):
    """A saved mapping that names what does not exist, or does not fit the file; the text lists what exists."""


@dataclass(frozen=True)
class Mapping:
    """record         record type, None where the file was not recognised
    columns        target by header: a column of the record, `custom.<slug>`, or None (ignored)
    confidence     0..1 by header
    reasons        why, in words, by header
    custom         type of each custom field by slug: text, integer, decimal, boolean or date
    date_order     dmy, mdy, ymd; None where none is needed or none could be decided
    undecided      mapped date columns whose day and month cannot be told apart (ask; such cells are rejected)
    date_why       the evidence for the order, a sentence
    number_styles  `comma` by header; the others write a decimal point
    end            what an end date means: `exclusive` (first unpaid day), `inclusive` (last paid day), None not decided
    end_evidence   the evidence for it
    sure           0..1, how sure the record type is
    why            in words
    fixed          what every row says without a column of its own: text by column of the record
    sheet          one of several parts of a sheet with a row per customer
    status         meaning of status words that the policy does not know, by word
    amount_evidence  what an amount is, by evidence over its column
    answers        what a person said where the evidence was not enough, or against it: end, interval, amount_of, …
    months         columns of dates in which months stand without a day, by header: which day of theirs is meant
    """

    record: str | None
    columns: dict[str, str | None]
    confidence: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    date_order: str | None = None
    undecided: tuple[str, ...] = ()
    date_why: str = ""
    number_styles: dict[str, str] = field(default_factory=dict)
    end: str | None = None
    end_evidence: EndEvidence | None = None
    sure: float = 1.0
    why: str = ""
    fixed: dict[str, str] = field(default_factory=dict)
    sheet: bool = False
    status: dict[str, str] = field(default_factory=dict)
    amount_evidence: AmountEvidence | None = None
    answers: dict[str, str] = field(default_factory=dict)
    months: dict[str, MonthDays] = field(default_factory=dict)

    def edge(self, target: str) -> str | None:
        """Which day a month without one is in the column of a target; None where it has no such month."""
        found = self.months.get(self.headers.get(target, ""))
        return found.edge if found else None

    @property
    def undated(self) -> bool:
        """Lines that say what is paid and not since when: true as of the file's date."""
        return self.record == "subscription_lines" and "start_on" not in self.headers

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.columns)

    @property
    def headers(self) -> dict[str, str]:
        """Header by target: the mapping turned round."""
        return {target: header for header, target in self.columns.items() if target}

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns of the record (its key aside) that the file does not have."""
        if self.record is None:
            return ()
        info = record_type(self.record).info
        given = {*self.headers, *self.fixed, *(column for record, column in AS_OF_FILE if record == self.record)}
        return tuple(c.name for c in columns_of(self.record).values() if c.required and c.name != info.key and c.name not in given)

    def fits(self, header: Iterable[str]) -> bool:
        """Whether a table has every column that the mapping reads."""
        return {h for h, target in self.columns.items() if target} <= set(header)


def fingerprint(header: Iterable[str]) -> str:
    """Stable hash of a header: the same for another order, case or spacing of the names."""
    return hashlib.sha256("\n".join(sorted(header_words(name) for name in header)).encode()).hexdigest()[:16]


def slug_of(header: str, taken: Iterable[str] = ()) -> str:
    """Name of a custom field: lower case, digits and `_`, unique among those taken."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", header_words(header)) if not unicodedata.combining(c))
    slug = wanted = _SLUG.sub("_", plain).strip("_") or "field"
    again = 1
    while slug in taken:
        again += 1
        slug = f"{wanted}_{again}"
    return slug


def to_yaml(mapping: Mapping) -> str:
    """A mapping as a file that people can read and edit."""
    saved: dict[str, Any] = {
        "record": mapping.record,
        "fingerprint": mapping.fingerprint,
        "date_order": mapping.date_order,
        "end": mapping.end,
        "columns": {header: target or IGNORE for header, target in mapping.columns.items()},
        "custom": mapping.custom,
        "number_styles": mapping.number_styles,
        "fixed": mapping.fixed,
        "sheet": mapping.sheet,
        "status": mapping.status,
        "months": {header: days.edge for header, days in mapping.months.items()},
    }
    return yaml.safe_dump({key: value for key, value in saved.items() if value}, sort_keys=False, allow_unicode=True, width=160)


def from_yaml(text: str) -> Mapping:
    """The mapping of a saved file. Faults: MappingFault."""
    saved = _all(text)
    if len(saved) != 1:
        raise MappingFault(f"expected one mapping, found {len(saved)}")
    return _mapping(saved[0])


def all_from_yaml(text: str) -> list[Mapping]:
    """Several mappings in one file, separated by `---`."""
    return [_mapping(saved) for saved in _all(text)]


def _all(text: str) -> list[Any]:
    try:
        return [saved for saved in yaml.safe_load_all(text) if saved is not None]
    except yaml.YAMLError as error:
        raise MappingFault(f"the mapping is no YAML: {error}") from None


def _mapping(saved: Any) -> Mapping:
    if not isinstance(saved, dict) or not isinstance(saved.get("columns"), dict):
        raise MappingFault("a mapping needs `record` and `columns` (header: column)")
    record = saved.get("record")
    if record not in RECORDS:
        raise MappingFault(f"no record type {record!r}; there are {', '.join(RECORDS)}")
    if unknown := set(saved) - set(SAVED):
        there = f"{', '.join(SAVED[:-1])} and {SAVED[-1]}"
        raise MappingFault(f"a mapping has no {_listed(unknown)}; it has {there}")
    columns = {str(header): None if target in (None, IGNORE) else str(target) for header, target in saved["columns"].items()}
    _check_targets(record, columns)
    custom = {slug.removeprefix(CUSTOM): kind for slug, kind in (saved.get("custom") or {}).items()}
    custom = {t.removeprefix(CUSTOM): custom.get(t.removeprefix(CUSTOM), "text") for t in columns.values() if t and t.startswith(CUSTOM)}
    months = {str(header): edge for header, edge in (saved.get("months") or {}).items()}
    styles = {str(header): style for header, style in (saved.get("number_styles") or {}).items()}
    for what, values, known in (
        ("custom type", custom.values(), CUSTOM_KINDS), ("number style", styles.values(), STYLES),
        ("date order", [saved.get("date_order")], (*ORDERS, None)), ("end", [saved.get("end")], (*ENDS, None)),
        ("day of a month", months.values(), EDGES),
    ):  # fmt: skip
        if strange := [value for value in values if value not in known]:
            raise MappingFault(f"no {what} {strange[0]!r}; there are {', '.join(k for k in known if k)}")
    sure = dict.fromkeys(columns, 1.0)
    reasons = dict.fromkeys(columns, "as saved")
    fixed = {str(column): str(value) for column, value in (saved.get("fixed") or {}).items()}
    if strange := [column for column in fixed if column not in columns_of(record)]:
        raise MappingFault(f"{record} has no column {strange[0]!r} to fix; it has {', '.join(columns_of(record))}")
    return Mapping(
        record, columns, sure, reasons, custom, saved.get("date_order"), (), "as saved", styles, saved.get("end"), None, 1.0, "as saved", fixed,
        bool(saved.get("sheet")), {str(word): str(meaning) for word, meaning in (saved.get("status") or {}).items()}, None,
        _said(saved.get("end"), fixed, months),
    )  # fmt: skip


def _said(end: str | None, fixed: dict[str, str], months: dict[str, str]) -> dict[str, str]:
    """What a saved mapping says counts as said by a person."""
    said = {answer_of(header): edge for header, edge in months.items()}
    return said | ({"end": end} if end else {}) | ({"interval": fixed["interval"]} if "interval" in fixed else {})


def _check_targets(record: str, columns: dict[str, str | None]) -> None:
    known = columns_of(record)
    used: set[str] = set()
    for header, target in columns.items():
        if target is None:
            continue
        if not target.startswith(CUSTOM) and target not in known:
            raise MappingFault(f"{record} has no column {target!r} (for {header!r}); it has {', '.join(known)}; others are custom.<name> or {IGNORE}")
        if target in used:
            raise MappingFault(f"{target} is mapped twice (again for {header!r}); a column is read from one header")
        if target.startswith(CUSTOM) and not re.fullmatch(r"[a-z0-9_]+", target.removeprefix(CUSTOM)):
            raise MappingFault(f"{target!r} is no name for a custom field; use lower-case letters, digits and _")
        used.add(target)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(repr, names)))
