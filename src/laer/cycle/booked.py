"""What was signed, as a pass keeps it, and the question that sets it against what went live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import LedgerInput
from laer.engine.session import Session
from laer.metrics import changes
from laer.metrics.booked import EARLY_DAYS, YEAR, Deal, Part, Rise, begun, bridge, on_the_day, rises, sold_table
from laer.records.expr import Table
from laer.records.periods import date_of, day_number, month_number

OPPORTUNITIES, CONTRACTS = "opportunities", "contracts"
SCHEMA = pa.schema(
    [
        ("account_id", pa.int64()), ("id", pa.int64()), ("basis", pa.string()), ("motion", pa.string()), ("signed_d", pa.int32()), ("plan_d", pa.int32()),
        ("num", pa.string()), ("den", pa.string()), ("amount_basis", pa.string()), ("currency", pa.string()),
    ]
)  # fmt: skip


def signed(tables: Mapping[str, pa.Table], given: LedgerInput, currency: str, rates: Mapping[str, Fraction]) -> pa.Table:
    """Won opportunities, and contracts with a day of signature: which of the two counts is decided over the whole book.

    Grain   basis x id
    In      tables  record_opportunities, record_contracts, record_subscription_lines;  given  the ledger's lines
    Out     num / den: ARR in the report's currency, exact, null where no amount or no rate is known, and of contracts, which say none;
            plan_d: the day on which it was to begin: its own start, else its contract's, else the day of signature
    """
    starts = dict(zip(tables["contracts"]["contract_id"].to_pylist(), tables["contracts"]["start_on"].to_pylist(), strict=True))
    known = {currency: Fraction(1), **{c: r for c, r in rates.items() if c != currency}}
    won = tables["opportunities"].filter(pc.and_kleene(pc.equal(tables["opportunities"]["status"], "won"), pc.is_valid(tables["opportunities"]["closed_on"])))
    rows = [_won(row, starts, known, currency) for row in won.to_pylist()]
    return pa.Table.from_pylist([*rows, *_contracts(tables, given)], schema=SCHEMA)


def _won(row: Mapping[str, Any], starts: Mapping[int, date | None], rates: Mapping[str, Fraction], currency: str) -> dict[str, Any]:
    code = row["currency"] or currency
    rate = rates.get(code)
    arr = None if row["arr_num"] is None or rate is None else Fraction(row["arr_num"], row["arr_den"]) * rate
    plan = row["starts_on"] or starts.get(row["contract_id"]) or row["closed_on"]
    return {
        "account_id": row["account_id"], "id": row["opportunity_id"], "basis": OPPORTUNITIES, "motion": row["motion"], "signed_d": day_number(row["closed_on"]),
        "plan_d": day_number(plan), "num": None if arr is None else str(arr.numerator), "den": None if arr is None else str(arr.denominator),
        "amount_basis": row["amount_basis"], "currency": code,
    }  # fmt: skip


def _contracts(tables: Mapping[str, pa.Table], given: LedgerInput) -> Iterator[dict[str, Any]]:
    """Contracts with a day of signature; those of an account that begin on one day are one, signed when the first of them was.

    A contract begins with its first line, or on its own first day where no line names it.
    """
    lines = tables["subscription_lines"]
    contract_of = dict(zip(lines["line_id"].to_pylist(), lines["contract_id"].to_pylist(), strict=True))
    begins: dict[int, int] = {}
    for line, start in zip(given.lines["line_id"].to_pylist(), given.lines["start_d"].to_pylist(), strict=True):
        contract = contract_of.get(line)
        if contract is not None:
            begins[contract] = min(start, begins.get(contract, start))
    one: dict[tuple[int, int], tuple[int, int]] = {}
    columns = ("contract_id", "account_id", "signed_on", "start_on")
    for contract, account, day, start in zip(*(tables["contracts"][c].to_pylist() for c in columns), strict=True):
        begin = begins.get(contract, None if start is None else day_number(start))
        if day is not None and begin is not None:
            mine = (day_number(day), contract)
            one[account, begin] = min(mine, one.get((account, begin), mine))
    for (account, begin), (signed_d, contract) in sorted(one.items()):
        yield {"account_id": account, "id": contract, "basis": CONTRACTS, "signed_d": signed_d, "plan_d": begin}


@dataclass(frozen=True)
class Booked:
    """The answer: `basis` is None where nothing says what was signed.

    parts   of `metrics.booked.bridge`
    aside   of what was signed in the period and does not count, or counts by assumption: reason -> opportunities
            (renewal, motion, amount, rate; year: an amount without a term that counts as a year's)
    """

    basis: str | None
    parts: tuple[Part, ...] = ()
    aside: Mapping[str, int] = field(default_factory=dict)


def answer(session: Session, given: LedgerInput, whole: pa.Table | None, seen: pa.Table | None, gap_days: int, first: int, last: int, day: int) -> Booked:
    """Booked against live ARR of months first..last.

    In   whole  what was signed in the whole book (`signed`), which decides the basis;  seen  what of it the viewer may see;
         day    of the run: what was to begin after it and shows no rise has not begun
    """
    return answers(session, given, whole, seen, gap_days, [(first, last)], day)[0]


def answers(
    session: Session, given: LedgerInput, whole: pa.Table | None, seen: pa.Table | None, gap_days: int, periods: Iterable[tuple[int, int]], day: int
) -> list[Booked]:
    """The same of several periods: what was signed is matched with what rose once."""
    periods = list(periods)
    if whole is None or seen is None or not whole.num_rows:
        return [Booked(None)] * len(periods)
    basis = OPPORTUNITIES if pc.any(pc.equal(whole["basis"], OPPORTUNITIES)).as_py() else CONTRACTS
    rows = seen.filter(pc.equal(seen["basis"], basis)).to_pylist()
    session.bind("lines", given.lines)
    moved = session.keep("booked_changes", changes.mrr_changes(changes.lines_table(given.account_type, given.parts_type, book=given.book), gap_days))
    risen = session.keep("booked_rises", rises(moved))
    asides: list[dict[str, int]] = [{} for _ in periods]
    if basis == CONTRACTS:
        deals = _of_contracts(session, given, rows, risen)
    else:
        paid_first, kept = _first_days(session, moved, rows), []
        for row in rows:
            counts, reason = _counts(row, paid_first)
            kept += [row] if counts else []
            for aside, (first, last) in zip(asides, periods, strict=True):
                if reason and first <= _month(row["signed_d"]) <= last:
                    aside[reason] = aside.get(reason, 0) + 1
        deals = _of_opportunities(session, given, kept, risen, day)
    least, most = min((first for first, _ in periods), default=0), max((last for _, last in periods), default=0)
    live = session.fetch(risen.filter(risen.m >= least, risen.m <= most).select("account_id", "d", "m", "rise")).to_pylist()
    went_live = [Rise(r["account_id"], r["d"], r["m"], Fraction(int(r["rise"]) * YEAR, given.denominator)) for r in live]
    return [Booked(basis, tuple(bridge(deals, went_live, first, last)), aside) for (first, last), aside in zip(periods, asides, strict=True)]


def _month(day: int) -> int:
    return month_number(date_of(day))


def _counts(row: Mapping[str, Any], paid_first: Mapping[int, int]) -> tuple[bool, str | None]:
    """Whether an opportunity brings something new, and why not, or by which assumption.

    One without a motion lands where its account had not paid before; else nobody can say.
    """
    if row["motion"] == "renew":
        return False, "renewal"
    if row["motion"] is None and paid_first.get(row["account_id"], row["signed_d"]) < row["signed_d"] - EARLY_DAYS:
        return False, "motion"
    if row["num"] is None:
        return False, "rate" if row["amount_basis"] else "amount"
    return True, "year" if row["amount_basis"] == "year" else None


def _first_days(session: Session, moved: Table, rows: list[dict[str, Any]]) -> dict[int, int]:
    """Account -> its first paying day, where an opportunity without a motion asks for it."""
    if all(row["motion"] for row in rows):
        return {}
    return {r["account_id"]: r["d"] for r in session.fetch(moved.filter(moved.first).select("account_id", "d")).to_pylist()}


def _bound(session: Session, rows: list[dict[str, Any]], mrr: list[float]) -> Table:
    columns = {"opportunity_id": pa.int64(), "account_id": pa.int64(), "plan_d": pa.int32(), "mrr": pa.float64()}
    data = {"opportunity_id": [r["id"] for r in rows], "account_id": [r["account_id"] for r in rows], "plan_d": [r["plan_d"] for r in rows], "mrr": mrr}
    session.bind("sold", pa.table({name: pa.array(data[name], kind) for name, kind in columns.items()}))
    return sold_table()


def _of_opportunities(session: Session, given: LedgerInput, rows: list[dict[str, Any]], risen: Table, day: int) -> list[Deal]:
    arrs = [Fraction(int(r["num"]), int(r["den"])) for r in rows]
    sold = _bound(session, rows, [float(arr / YEAR * given.denominator) for arr in arrs])
    found = {r["opportunity_id"]: r for r in session.fetch(begun(sold, risen)).to_pylist()}
    deals = []
    for row, arr in zip(rows, arrs, strict=True):
        rise = found.get(row["id"])
        began = rise["d"] if rise else max(row["plan_d"], row["signed_d"])
        known = rise is not None or began <= day
        deals.append(Deal(row["id"], row["account_id"], arr, _month(row["signed_d"]), began if known else None, _month(began) if known else None, bool(rise)))
    return deals


def _of_contracts(session: Session, given: LedgerInput, rows: list[dict[str, Any]], risen: Table) -> list[Deal]:
    found = {r["opportunity_id"]: r for r in session.fetch(on_the_day(_bound(session, rows, [0.0] * len(rows)), risen)).to_pylist()}
    return [
        Deal(row["id"], row["account_id"], Fraction(int(rise["rise"]) * YEAR, given.denominator), _month(row["signed_d"]), rise["d"], rise["m"], True)
        for row in rows
        if (rise := found.get(row["id"]))
    ]
