"""Inputs of what is bought and sold: lines, terms, deals, departures, discounts, invoices."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.fact_book import Book, Columns, days, numbers
from laer.cycle.succession import Term
from laer.cycle.terms import BACK, LATE, PENDING, UNRESOLVED, Outcome
from laer.records.periods import FAR


def lines(book: Book) -> Columns:
    """The ledger's lines, with the seats that the book says of them."""
    lines, said = book.given.lines, book.tables["subscription_lines"]
    at = pc.index_in(lines["line_id"].combine_chunks(), said["line_id"].combine_chunks())
    parts = {name: pc.divide(lines[column].cast(pa.float64()), float(book.given.denominator)) for name, column in (("mrr", "parts"), ("list_mrr",
        "list_parts"))}
    products = book.tables["products"]
    sells = pc.index_in(lines["product_id"].combine_chunks(), products["product_id"].combine_chunks())
    margin = numbers(products["margin"], 0.01).combine_chunks().take(sells)
    return {"account_id": lines["account_id"], "seats": said["seats"].combine_chunks().take(at), "margin": margin, **parts} | {
        name: lines[name] for name in ("start_d", "end_d", "product_id", "plan")
    }


def terms(book: Book) -> Columns:
    """Terms with an end, one that renews by itself once for each time that it rolled on up to the last date asked for.

    A term is in force from the day on which it was known (signed, or begun) until it ends, or until the one that goes on
    was known; its end is known from the beginning.
    """
    notice = dict(zip(book.tables["contracts"]["contract_id"].to_pylist(), days(book.tables["contracts"]["notice_on"]).to_pylist(), strict=True))
    after = {outcome.successor.contract for outcome in book.when.outcomes.values() if outcome.successor is not None}
    rows = [row for number, outcome in book.when.outcomes.items() for row in _rolled(outcome, notice.get(number), book.hi, number in after)]
    names = ("account_id", "known_d", "start_d", "end_d", "notice_d", "until_d", "rolls", "renews")
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}


def _rolled(
    outcome: Outcome, notice: int | None, hi: int, renews: bool
) -> Iterator[tuple[int, int, int | None, int, int | None, int, bool, bool]]:
    term, end = outcome.term, outcome.term.end
    known, start = _known(term), term.start
    stop = min((outcome.successor and _known(outcome.successor)) or FAR, FAR)
    last = min(term.stop, hi + 1) if term.rolls else end
    while True:
        yield term.account, known, start, end, notice, max(known, min(end, stop)), term.rolls, renews
        if not term.rolls or end >= min(last, stop):
            return
        shift = term.anniversary(end + 1) - end
        known, start, notice, end, renews = end, end, None if notice is None else notice + shift, end + shift, True


def _known(term: Term) -> int:
    """The day on which a contract was known: signed, else begun; one that says neither has always been there."""
    days = [day for day in (term.signed, term.start) if day is not None]
    return min(days, default=0)


def lapses(book: Book) -> Columns:
    """Days on which a term was over and nothing was signed yet to go on: from its end until that was, or still."""
    rows = []
    for outcome in book.when.outcomes.values():
        signed = {PENDING: FAR, UNRESOLVED: FAR, LATE: outcome.signed, BACK: outcome.signed}.get(outcome.state)
        if signed is not None and signed > outcome.term.end:
            rows.append((outcome.term.account, outcome.term.end, signed))
    return dict(zip(("account_id", "from_d", "until_d"), zip(*rows, strict=True), strict=True)) if rows else {}


def deals(book: Book) -> Columns:
    table = book.tables["opportunities"]
    known = book.known_rates
    columns = (table[name].to_pylist() for name in ("arr_num", "arr_den", "currency"))
    arr = [None if num is None or (code or book.currency) not in known else float(Fraction(num, den) * known[code or book.currency]) for num, den,
        code in zip(*columns, strict=True)]
    created, qualified, closed = (days(table[name]) for name in ("created_on", "qualified_on", "closed_on"))
    known_d = pc.min_element_wise(created, qualified, closed, skip_nulls=True)
    ended = pc.is_in(table["status"], pa.array(["won", "lost"]))
    return {
        "account_id": table["account_id"], "created_d": pc.fill_null(known_d, 0), "closed_d": pc.fill_null(pc.if_else(ended, closed, None), FAR), "arr": arr,
        "qualified_d": pc.coalesce(qualified, created), "outcome": pc.if_else(ended, table["status"], None), "motion": table["motion"],
        "discount": numbers(table["discount"], 0.01), "deal_id": table["opportunity_id"], "seller": table["owner"], "lead_source": table["lead_source"],
    }  # fmt: skip


def notices(book: Book) -> Columns:
    table = book.tables["churn_events"]
    table = table.filter(pc.invert(pc.fill_null(table["is_reactivation"], False)))
    effective = days(table["effective_on"])
    return {"account_id": table["account_id"], "known_d": pc.min_element_wise(days(table["notified_on"]), effective), "effective_d": effective}


def discounts(book: Book) -> Columns:
    table = book.tables["discounts"]
    return {"account_id": table["account_id"], "start_d": pc.fill_null(days(table["start_on"]), 0), "end_d": pc.fill_null(days(table["end_on"]), FAR)}


def invoices(book: Book) -> Columns:
    """Invoices of an amount above 0, until they were paid, or taken back.

    One that says that it was paid, or taken back, and not when, is left out at every date: when it was still owed is not known.
    """
    table = book.tables["invoices"]
    paid, back = days(table["paid_on"]), days(table["voided_on"])
    settled = pc.fill_null(pc.min_element_wise(paid, back, skip_nulls=True), FAR)
    closed = pc.and_(pc.is_in(table["status"], pa.array(["paid", "void"])), pc.equal(settled, FAR))
    amount = pa.chunked_array([pa.array(book.amounts(table), pa.float64())])
    kept = pc.and_(pc.invert(closed), pc.invert(pc.fill_null(pc.less_equal(amount, 0.0), False)))
    was = pc.and_(pc.is_valid(paid), pc.equal(pc.fill_null(paid, FAR), settled))
    made = pa.table({
        "account_id": table["account_id"], "issued_d": days(table["issued_on"]), "due_d": pc.fill_null(days(table["due_on"]), FAR), "settled_d": settled,
        "paid": pc.if_else(pc.equal(settled, FAR), pa.scalar(None, pa.bool_()), was), "amount": amount,
    }).filter(kept)  # fmt: skip
    return {name: made[name] for name in made.column_names}
