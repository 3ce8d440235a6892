"""What a person says of a mapping where the evidence is not enough, or against it: said in a form or on the command line."""

from __future__ import annotations

from dataclasses import replace

from laer.sources.tabular.amounts import PERIODS
from laer.sources.tabular.intervals import TERM
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.month_days import answer_of, is_end
from laer.sources.tabular.table import Table
from laer.sources.tabular.weighing import Known, priced, weighed, with_unit

PERS = (*PERIODS, TERM)  # what an amount may be for
OFS = ("line", "unit")  # what it may be the price of


def with_end(mapping: Mapping, end: str) -> Mapping:
    return replace(mapping, end=end, answers={**mapping.answers, "end": end})


def with_period(mapping: Mapping, per: str) -> Mapping:
    """For which period the amount is, said of all rows."""
    return replace(mapping, fixed={**mapping.fixed, "interval": per}, answers={**mapping.answers, "interval": per})


def with_amount_of(mapping: Mapping, of: str) -> Mapping:
    """Whether the amount is the line's total or the price of one unit."""
    return replace(with_unit(mapping, of), answers={**mapping.answers, "amount_of": of})


def with_order(table: Table, mapping: Mapping, order: str, known: Known | None = None) -> Mapping:
    """The order of day and month; ends and terms can be weighed with it."""
    why = f"Dates are read {order} as asked."
    return weighed(table, replace(mapping, date_order=order, undecided=(), date_why=why, answers={**mapping.answers, "date_order": order}), known)


def with_months(table: Table, mapping: Mapping, header: str, edge: str, known: Known | None = None) -> Mapping:
    """Whether a month without a day is its first or its last one, said of a column."""
    return weighed(table, replace(mapping, answers={**mapping.answers, answer_of(header): edge}), known)


def with_all(table: Table, mapping: Mapping, said: dict[str, str], known: Known | None = None) -> Mapping:
    """Every answer that applies to a mapping: an end where it has ends, a period where no column says it."""
    if "date_order" in said and mapping.date_order != said["date_order"]:
        mapping = with_order(table, mapping, said["date_order"], known)
    for header in mapping.months if "months" in said else ():
        if is_end(header, mapping.columns[header] or ""):
            mapping = with_months(table, mapping, header, said["months"], known)
    if "end" in said and mapping.end_evidence is not None and "end_on" in mapping.headers:
        mapping = with_end(mapping, said["end"])
    if mapping.amount_evidence is None:
        return mapping
    if "interval" in said and not {"mrr", "arr", "interval"} & mapping.headers.keys():
        mapping = with_period(mapping, said["interval"])
    if "amount_of" in said and not {"mrr", "arr"} & mapping.headers.keys():
        mapping = with_amount_of(mapping, said["amount_of"])
    return mapping


def end_open(mapping: Mapping) -> bool:
    """Whether the file has ends and does not say what they mean."""
    return mapping.end is None and mapping.end_evidence is not None and mapping.end_evidence.ends > 0 and "end_on" in mapping.headers


def period_open(mapping: Mapping) -> bool:
    """Whether nothing says for which period the amount is."""
    evidence, there = mapping.amount_evidence, mapping.headers
    return evidence is not None and evidence.per is None and "interval" not in mapping.fixed and not {"mrr", "arr", "interval"} & there.keys()


def unit_open(mapping: Mapping) -> bool:
    """Whether nothing says if the amount is for the line or for one unit."""
    evidence = mapping.amount_evidence
    return evidence is not None and evidence.of is None and "amount_of" not in mapping.answers and not {"mrr", "arr"} & mapping.headers.keys()


def unanswered(mapping: Mapping) -> list[str]:
    """What is open in a mapping, in words."""
    column = priced(mapping) or ""
    asked = {
        f"what {mapping.headers.get('end_on', '')} means, the last paid day or the first unpaid day": end_open(mapping),
        f"whether {column} is for the line or one unit": unit_open(mapping),
        f"for which period {column} is": period_open(mapping),
    }
    return [words for words, is_open in asked.items() if is_open]


def amount_of(mapping: Mapping) -> str:
    """How the amount is read: `line` or `unit`."""
    return "unit" if priced(mapping) == mapping.headers.get("unit_price") else "line"
