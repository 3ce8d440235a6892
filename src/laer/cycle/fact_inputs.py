"""What measures read, made of the book's records: days as numbers in the firm's time zone, amounts in its currency.

The shapes are those of `metrics.inputs.INPUTS`. What the ledger says (states and changes of MRR) and what the lake holds
(usage) are made in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import LedgerInput
from laer.cycle.succession import Term
from laer.cycle.terms import BACK, LATE, PENDING, UNRESOLVED, Counting, Outcome
from laer.metrics.inputs import INPUTS
from laer.records.periods import FAR

ARROW = {"int32": pa.int32(), "int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
RECORDS = ("tickets", "survey_responses", "pulses", "touches")  # beside what the ledger reads
URGENT = ("urgent", "critical", "high", "highest", "blocker", "emergency", "p0", "p1", "sev1", "sev 1", "1")
LEVELS = {"red": 0, "yellow": 1, "green": 2}
SENTIMENT = {"bad": -1, "neutral": 0, "good": 1}
Columns = dict[str, Any]


@dataclass(frozen=True)
class Book:
    """What a pass has read and counted: tables by record type, the ledger's lines, when they count, spans of dimensions."""

    tables: Mapping[str, pa.Table]
    given: LedgerInput
    when: Counting
    spans: pa.Table
    currency: str
    rates: Mapping[str, Fraction]
    zone: str
    hi: int  # the last date that is asked for: how far terms that renew by themselves are rolled on


def inputs_of(book: Book) -> dict[str, pa.Table]:
    """The inputs that come of records, each in its declared schema."""
    return {name: _fitted(name, make(book)) for name, make in MAKERS.items()}


def schema_of(name: str) -> pa.Schema:
    return pa.schema([("account_id", pa.int64()), *((column, ARROW[kind]) for column, kind in INPUTS[name].columns.items())])


def empty(name: str) -> pa.Table:
    return schema_of(name).empty_table()


def _lines(book: Book) -> Columns:
    """The ledger's lines, with the seats that the book says of them."""
    lines, said = book.given.lines, book.tables["subscription_lines"]
    at = pc.index_in(lines["line_id"].combine_chunks(), said["line_id"].combine_chunks())
    parts = {name: pc.divide(lines[column].cast(pa.float64()), float(book.given.denominator)) for name, column in (("mrr", "parts"), ("list_mrr",
        "list_parts"))}
    return {"account_id": lines["account_id"], "seats": said["seats"].combine_chunks().take(at), **parts} | {
        name: lines[name] for name in ("start_d", "end_d", "product_id", "plan")
    }


def _terms(book: Book) -> Columns:
    """Terms with an end, one that renews by itself once for each time that it rolled on up to the last date asked for.

    A term is in force from the day on which it was known (signed, or begun) until it ends, or until the one that goes on
    was known; its end is known from the beginning.
    """
    notice = dict(zip(book.tables["contracts"]["contract_id"].to_pylist(), _days(book.tables["contracts"]["notice_on"]).to_pylist(), strict=True))
    rows = [row for number, outcome in book.when.outcomes.items() for row in _rolled(outcome, notice.get(number), book.hi)]
    names = ("account_id", "known_d", "start_d", "end_d", "notice_d", "until_d", "rolls")
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}


def _rolled(outcome: Outcome, notice: int | None, hi: int) -> Iterator[tuple[int, int, int | None, int, int | None, int, bool]]:
    term, end = outcome.term, outcome.term.end
    known, start = _known(term), term.start
    stop = min((outcome.successor and _known(outcome.successor)) or FAR, FAR)
    last = min(term.stop, hi + 1) if term.rolls else end
    while True:
        yield term.account, known, start, end, notice, max(known, min(end, stop)), term.rolls
        if not term.rolls or end >= min(last, stop):
            return
        shift = term.anniversary(end + 1) - end
        known, start, notice, end = end, end, None if notice is None else notice + shift, end + shift


def _known(term: Term) -> int:
    """The day on which a contract was known: signed, else begun; one that says neither has always been there."""
    days = [day for day in (term.signed, term.start) if day is not None]
    return min(days, default=0)


def _lapses(book: Book) -> Columns:
    """Days on which a term was over and nothing was signed yet to go on: from its end until that was, or still."""
    rows = []
    for outcome in book.when.outcomes.values():
        signed = {PENDING: FAR, UNRESOLVED: FAR, LATE: outcome.signed, BACK: outcome.signed}.get(outcome.state)
        if signed is not None and signed > outcome.term.end:
            rows.append((outcome.term.account, outcome.term.end, signed))
    return dict(zip(("account_id", "from_d", "until_d"), zip(*rows, strict=True), strict=True)) if rows else {}


def _deals(book: Book) -> Columns:
    table = book.tables["opportunities"]
    known = {book.currency: Fraction(1), **{code: rate for code, rate in book.rates.items() if code != book.currency}}
    columns = (table[name].to_pylist() for name in ("arr_num", "arr_den", "currency"))
    arr = [None if num is None or (code or book.currency) not in known else float(Fraction(num, den) * known[code or book.currency]) for num, den,
        code in zip(*columns, strict=True)]
    created, qualified, closed = (_days(table[name]) for name in ("created_on", "qualified_on", "closed_on"))
    known_d = pc.min_element_wise(created, qualified, closed, skip_nulls=True)
    ended = pc.is_in(table["status"], pa.array(["won", "lost"]))
    return {
        "account_id": table["account_id"], "created_d": pc.fill_null(known_d, 0), "closed_d": pc.fill_null(pc.if_else(ended, closed, None), FAR), "arr": arr,
        "qualified_d": pc.coalesce(qualified, created), "outcome": pc.if_else(ended, table["status"], None), "motion": table["motion"],
        "discount": _numbers(table["discount"], 0.01),
    }  # fmt: skip


def _tickets(book: Book) -> Columns:
    table = book.tables["tickets"]
    words = pc.utf8_trim_whitespace(pc.utf8_lower(pc.fill_null(table["priority"], "")))
    return {
        "account_id": table["account_id"], "opened_d": _local(table["opened_at"], book.zone), "closed_d": pc.fill_null(_local(table["closed_at"],
            book.zone), FAR),
        "urgent": pc.is_in(words, pa.array(URGENT)), "escalated": pc.fill_null(table["escalated"], False), "satisfaction": _numbers(table["satisfaction"]),
    }  # fmt: skip


def _answers(book: Book) -> Columns:
    table = book.tables["survey_responses"].filter(pc.is_valid(book.tables["survey_responses"]["score"]))
    return {
        "account_id": table["account_id"], "answered_d": _days(table["answered_on"]), "kind": pc.utf8_lower(table["kind"]), "score": _numbers(table["score"])
    }  # fmt: skip


def _pulses(book: Book) -> Columns:
    table = book.tables["pulses"]
    return {
        "account_id": table["account_id"], "stated_d": _days(table["stated_on"]), "level": [LEVELS.get(colour) for colour in table["colour"].to_pylist()]
    }  # fmt: skip


def _touches(book: Book) -> Columns:
    table = book.tables["touches"]
    return {
        "account_id": table["account_id"], "on_d": _local(table["at"], book.zone), "kind": table["kind"], "minutes": table["minutes"],
        "inward": pc.equal(table["direction"], "in"), "sentiment": [SENTIMENT.get(word) for word in table["sentiment"].to_pylist()],
    }  # fmt: skip


def _notices(book: Book) -> Columns:
    table = book.tables["churn_events"]
    table = table.filter(pc.invert(pc.fill_null(table["is_reactivation"], False)))
    effective = _days(table["effective_on"])
    return {"account_id": table["account_id"], "known_d": pc.min_element_wise(_days(table["notified_on"]), effective), "effective_d": effective}


def _spans(book: Book) -> Columns:
    return {name: book.spans[name] for name in ("account_id", "dimension", "value", "from_d", "until_d")}


MAKERS: dict[str, Callable[[Book], Columns]] = {
    "lines": _lines, "terms": _terms, "lapses": _lapses, "deals": _deals, "tickets": _tickets, "answers": _answers, "pulses": _pulses, "touches": _touches,
    "notices": _notices, "spans": _spans,
}  # fmt: skip


def _fitted(name: str, columns: Columns) -> pa.Table:
    schema = schema_of(name)
    if not columns:
        return schema.empty_table()
    return pa.table({f.name: _cast(columns[f.name], f.type) for f in schema}, schema=schema)


def _cast(values: Any, kind: pa.DataType) -> Any:
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        return pa.array(values, kind)
    return values if values.type == kind else values.cast(kind)


def _days(column: Any) -> Any:
    """Day numbers of dates."""
    return column.cast(pa.int32())


def _local(column: Any, zone: str) -> Any:
    """Day numbers of instants, by the firm's clock."""
    return pc.local_timestamp(column.cast(pa.timestamp("us", tz=zone))).cast(pa.date32(), safe=False).cast(pa.int32())


def _numbers(column: Any, factor: float = 1.0) -> Any:
    """Numbers of exact decimal texts."""
    return pc.multiply(column.cast(pa.float64()), factor)
