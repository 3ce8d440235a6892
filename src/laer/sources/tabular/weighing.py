"""A mapping with its evidence: what whole columns say an end and an amount are. Answers of a person stand above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.sources.tabular.amounts import STATED as STATED_BY_ROW
from laer.sources.tabular.amounts import AmountEvidence, AmountRow, amount_evidence
from laer.sources.tabular.ends import EndEvidence, end_evidence, ends_alone
from laer.sources.tabular.headers import header_words, synonyms
from laer.sources.tabular.intervals import interval_factor, months_between
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.month_days import month_days, notes_of, read_dated, read_dated_end
from laer.sources.tabular.salesforce_ids import one_ids
from laer.sources.tabular.scales import power_of, read_in_units
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import Memo, Unreadable

WITH_END = ("subscription_lines", "contracts", "discounts")  # types to which the meaning of an end applies
GROUP = ("product_id", "plan", "currency")  # what is sold for one price
NUMBERS = ("amount", "quantity", "unit_price", "mrr", "arr")
Known = Callable[[set[str]], dict[str, Fraction]]


def weighed(table: Table, mapping: Mapping, known: Known | None = None) -> Mapping:
    """The mapping with the evidence of the whole file about its ends and its amount, and what follows from it.

    In   known   the MRR that the book has of accounts, by the ids of the file's source
    """
    mapping = replace(mapping, months=month_days(table, mapping))
    for about, text in notes_of(mapping.months):
        table.note(about, text, anew=True)
    ends = _ends(table, mapping)
    found = replace(mapping, end_evidence=ends, end=mapping.answers.get("end") or (ends.decided if ends else None) or mapping.end)
    found = replace(found, amount_evidence=_amounts(table, found, known))
    evidence = found.amount_evidence
    if evidence is None:
        return found
    if evidence.of == "unit" and "amount_of" not in mapping.answers:
        found = with_unit(found, "unit")
    if "interval" in found.fixed and "interval" not in mapping.answers:
        found = replace(found, fixed={column: text for column, text in found.fixed.items() if column != "interval"})
    if evidence.per not in (None, STATED_BY_ROW) and "interval" not in mapping.answers:
        found = replace(found, fixed={**found.fixed, "interval": str(evidence.per)})
    return found


def with_unit(mapping: Mapping, of: str) -> Mapping:
    """The mapping with its amount read as the line's total (`line`) or as the price of one unit (`unit`)."""
    header = priced(mapping)
    target = "unit_price" if of == "unit" else "amount"
    if header is None or target in mapping.headers:
        return mapping
    return replace(mapping, columns={**mapping.columns, header: target})


def priced(mapping: Mapping) -> str | None:
    """The header of the column that an amount is read from: the line's, else the price of one unit."""
    return mapping.headers.get("amount") or mapping.headers.get("unit_price")


def _ends(table: Table, mapping: Mapping) -> EndEvidence | None:
    """Evidence for what an end means, over the whole file; None where the record has no such end."""
    if table.known and mapping.record == table.known.record:
        return EndEvidence(0.0, 0.0, 0.0, table.known.end, table.known.end_why)
    header = mapping.headers
    if mapping.record not in WITH_END or not {"account_id", "end_on"} <= header.keys():
        return None
    if "start_on" not in header:
        return _ends_alone(table, mapping) if mapping.record == "contracts" else None
    places = [table.header.index(header[name]) for name in ("account_id", "start_on", "end_on")]
    read = Memo(read_dated_end, mapping.date_order, mapping.edge("end_on"))
    starts = Memo(read_dated_end, mapping.date_order, mapping.edge("start_on"))

    def lines() -> Iterator[tuple[str, date, date | None]]:
        account, start, end = places
        for _, cells in table.rows():
            begun, ended = starts[cells[start]], read[cells[end]]
            if begun is not None and type(begun) is not Unreadable and type(ended) is not Unreadable:
                yield cells[account].strip(), begun, ended

    return _of_months(mapping, end_evidence(lines(), header["end_on"]))


def _ends_alone(table: Table, mapping: Mapping) -> EndEvidence:
    account, end = (table.header.index(mapping.headers[name]) for name in ("account_id", "end_on"))
    read = Memo(read_dated_end, mapping.date_order, mapping.edge("end_on"))
    ends = ((cells[account].strip(), read[cells[end]]) for _, cells in table.rows())
    return _of_months(mapping, ends_alone(((account, day) for account, day in ends if type(day) is date), mapping.headers["end_on"]))


def _of_months(mapping: Mapping, found: EndEvidence) -> EndEvidence:
    """The evidence for a column that has nothing but months: what their edge says."""
    days = mapping.months.get(mapping.headers["end_on"])
    return replace(found, decided=days.end, sentence=days.verdict) if days and days.whole else found


def _amounts(table: Table, mapping: Mapping, known: Known | None) -> AmountEvidence | None:
    """Evidence for what an amount is; None where no column is one."""
    header = mapping.headers
    column = priced(mapping)
    if mapping.record != "subscription_lines" or column is None:
        return None
    if "amount" not in header and not {"quantity", "seats"} & header.keys():
        return None
    unit = header.get("unit_price") == column and header_words(column) in synonyms("subscription_lines")["unit_price"]
    beside, interval = header.get("mrr") or header.get("arr") or "", header.get("interval", "")
    book = known({row.account for row in _rows(table, mapping, column)}) if known and not beside and not interval else {}
    if table.known is None:
        return amount_evidence(_rows(table, mapping, column), column, beside=beside, interval=interval, unit=unit, known=book)
    found = amount_evidence(_rows(table, mapping, column), known=book)
    if table.known.per:
        return replace(found, per=table.known.per, sentences=(table.known.per_why,))
    return replace(found, sentences=(table.known.per_why, *found.sentences))


def _rows(table: Table, mapping: Mapping, column: str) -> Iterator[AmountRow]:
    header = {**mapping.headers, "amount": column}
    if header.get("unit_price") == column:
        del header["unit_price"]
    header.setdefault("quantity", header.get("seats", ""))
    places = {name: table.header.index(text) for name, text in header.items() if text}
    numbers = {name: Memo(read_in_units, mapping.number_styles.get(header[name], "point"), power_of(header[name])) for name in NUMBERS if name in places}
    days = {name: Memo(read_dated, mapping.date_order, mapping.edge(name)) for name in ("start_on", "end_on")}
    interval = Memo(interval_factor)

    def value(cells: list[str], name: str, memo: Memo | None) -> Any:
        found = memo[cells[places[name]]] if memo is not None and name in places else None
        return None if type(found) is Unreadable else found

    ids = places.get("account_id")
    for _, rows in table.chunks(5000):
        accounts = one_ids([cells[ids].strip() or None for cells in rows]) if ids is not None else [None] * len(rows)
        for account, cells in zip(accounts, rows, strict=True):
            amount = value(cells, "amount", numbers["amount"])
            if amount is None:
                continue
            mrr, arr = (value(cells, name, numbers.get(name)) for name in ("mrr", "arr"))
            monthly, rounding = _monthly(mrr, arr)
            start, end = (value(cells, name, days[name]) for name in ("start_on", "end_on"))
            if table.known:  # a grid's lines have no term, and only what holds at its end can be held against the book
                yield AmountRow(account or "" if end is None else "", amount)
                continue
            if end is not None and (mapping.end == "inclusive" or (mapping.end is None and _month_ends(end))) and end < date.max:
                end += timedelta(days=1)
            factor = value(cells, "interval", interval) if "interval" in places and cells[places["interval"]].strip() else None
            term = months_between(start, end) if start and end and end > start else None
            group = "|".join(cells[places[name]].strip() for name in GROUP if name in places)
            quantity, unit_price = (value(cells, name, numbers.get(name)) for name in ("quantity", "unit_price"))
            yield AmountRow(account or "", amount, quantity, unit_price, monthly, rounding, factor, term, group)


def _month_ends(end: date) -> bool:
    return end < date.max and (end + timedelta(days=1)).day == 1


def _monthly(mrr: Decimal | None, arr: Decimal | None) -> tuple[Fraction | None, Fraction]:
    """MRR from what stands beside the amount, and its last place."""
    for value, months in ((mrr, 1), (arr, 12)):
        if value is not None:
            return Fraction(value) / months, Fraction(10) ** min(0, int(value.as_tuple().exponent)) / months
    return None, Fraction(0)
