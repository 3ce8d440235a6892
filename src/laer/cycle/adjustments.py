"""Lines of the book cut at the days on which a discount ends, a pause begins or ends, or a trial becomes paid.

Only lines that say such a thing, or that a discount or pause of the book speaks of, are looked at one by one; a book
without any pays a glance at whether its columns are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.metrics.lines import UNTIL, Billing, LineText, counted
from laer.metrics.policy import PAST_DUE, PAUSED, TRIALS, Policy
from laer.metrics.stretches import Changing, Reduction, Stretch, shared, stretches
from laer.records.money import INT64
from laer.records.periods import FAR, date_of, day_number
from laer.sources.tabular.values import Unreadable, interval_factor, normal_words

SPEAKING = ("trial_ends_on", "paused_on", "discount_until_on", "discount_duration")  # columns that cut a line, or say of one that is cut
BEFORE = -FAR
NOTES = {
    "discount_duration": "a discount of unknown duration: the policy asks for it (forever, once, repeating), and {they} net",
    "discount_until": "a discount that ends, and no day on which: {they} net until the line ends",
    "past_due_since": "past due and no day since when: {they} without limit",
    "discount_currency": "a discount of the account in an unclear currency, which lowers nothing",
}


@dataclass(frozen=True)
class Beside:
    """What the book says beside its lines: record_discounts, record_pauses and record_contracts."""

    discounts: pa.Table
    pauses: pa.Table
    contracts: pa.Table | None = None


@dataclass
class Adjusted:
    """lines  as given, those that change in several rows; `held_num` over `mrr_den` is MRR that a pause rests upon (null outside one)
    missing  what was asked for and is not said -> lines
    """

    lines: pa.Table
    missing: dict[str, int] = field(default_factory=dict)

    def notes(self) -> Iterator[str]:
        for what, count in sorted(self.missing.items()):
            one = count == 1
            yield f"{count} line{' has' if one else 's have'} {NOTES[what].format(they='it counts' if one else 'they count')}"


def adjusted(lines: pa.Table, policy: Policy, beside: Beside | None = None) -> Adjusted:
    """Lines in their stretches.

    In      lines  record_subscription_lines with the days between which they count (start_on, end_on, end_by_event, leaves) and stated_end_on
    Holds   per line, stretches run from its start to its end without gaps
    Method  docs/methods/discounts-and-pauses.md
    """
    touched = _touched(lines, policy, beside)
    if touched is None:
        return Adjusted(lines.append_column("held_num", pa.nulls(lines.num_rows, pa.int64())))
    rest = lines.filter(pc.invert(touched))
    rows = lines.filter(touched)
    found = Adjusted(lines)
    cut = [(place, line, stretch) for place, line in enumerate(_changing(rows, policy, beside, found.missing)) for stretch in stretches(line, policy)]
    whole = pa.concat_tables([rest.append_column("held_num", pa.nulls(rest.num_rows, pa.int64())), _rows(rows, cut)])
    mask = touched.to_numpy()
    places = np.concatenate([np.nonzero(~mask)[0], np.nonzero(mask)[0][[place for place, _, _ in cut]]])
    found.lines = whole.take(pa.array(np.argsort(places, kind="stable")))  # in the order given
    return found


def _touched(lines: pa.Table, policy: Policy, beside: Beside | None) -> pa.ChunkedArray | None:
    """Which lines must be looked at; None where none must."""
    masks = [pc.is_valid(lines[name]) for name in SPEAKING if name in lines.column_names and lines[name].null_count < lines.num_rows]
    words = PAUSED | (PAST_DUE if policy.past_due_days is not None else frozenset())
    if there := [word for word in pc.unique(lines["status"]).to_pylist() if word and word.lower() in words]:
        masks.append(pc.is_in(lines["status"], pa.array(there)))
    if policy.discounts == "forever" and {"list_amount", "amount"} <= set(lines.column_names) and lines["list_amount"].null_count < lines.num_rows:
        listed, amount = (pc.cast(lines[name], pa.float64()) for name in ("list_amount", "amount"))
        masks.append(pc.fill_null(pc.greater(listed, amount), False))
    for table in (beside.discounts, beside.pauses) if beside else ():
        if table.num_rows:
            whole = table.filter(pc.is_null(table["subscription_id"]))["account_id"]
            masks += [pc.is_in(lines["subscription_id"], pc.unique(table["subscription_id"].drop_null())), pc.is_in(lines["account_id"], pc.unique(whole))]
    mask = reduce(pc.or_, masks) if masks else None
    return mask if mask is not None and pc.any(mask).as_py() else None


def _changing(rows: pa.Table, policy: Policy, beside: Beside | None, missing: dict[str, int]) -> Iterator[Changing]:
    """Each line with what changes it."""
    lines = [_Line(row) for row in rows.to_pylist()]
    discounts, pauses = _by_owner(beside.discounts if beside else None), _by_owner(beside.pauses if beside else None)
    shares, terms = _account_amounts(lines, discounts, missing), _terms(beside.contracts if beside else None)
    for place, line in enumerate(lines):
        granted = line.among(discounts)
        until, duration, reductions = line.until, line.duration, shares.get(place, [])
        if line.list_mrr is not None:
            until, duration = _explained(line, granted)
            reductions = []
        elif line.mrr > 0:
            reductions = [*reductions, *(r for d in granted for r in line.reductions(d))]
        own = ((line.paused, line.resumed),) if line.paused is not None else ()
        rests = own + tuple((_from(p["from_on"]), _until(p["until_on"])) for p in line.among(pauses))
        if line.status in PAUSED and not rests:
            rests = ((BEFORE, FAR),)
        text = LineText("", date_of(line.start), None if line.end >= FAR else date_of(line.end), status=line.plain_status(bool(rests)))
        billing = Billing(line.list_mrr, duration or (UNTIL if until < FAR else ""), line.past_due)
        mrr, end, unsaid = counted(text, billing, line.mrr, text.end if isinstance(text.end, date) else None, policy)
        nothing = line.never(policy)
        if policy.discounts == "net" and line.list_mrr is not None and line.duration and until >= FAR and line.duration in ("once", "repeating"):
            unsaid = unsaid or "discount_until"
        if policy.discounts == "forever" and any(not r.duration for r in reductions):
            unsaid = unsaid or "discount_duration"
        if unsaid and not nothing:
            missing[unsaid] = missing.get(unsaid, 0) + 1
        term = terms.get(line.contract, FAR)
        yield Changing(
            line.start, _until(end), min(line.stated_end, term) if term > line.start else line.stated_end,
            Fraction(0) if nothing else line.mrr, None if nothing else line.list_mrr, until,
            mrr == line.mrr, () if nothing else tuple(reductions), rests, line.paid_from,
        )  # fmt: skip


class _Line:
    """One line of the book, typed."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.account, self.subscription, self.contract = row["account_id"], row["subscription_id"], row.get("contract_id")
        self.start, self.end, self.stated_end = day_number(row["start_on"]), _until(row["end_on"]), _until(row["stated_end_on"])
        self.mrr = Fraction(row["mrr_num"], row["mrr_den"])
        self.status, self.is_trial = (row["status"] or "").lower(), bool(row["is_trial"])
        self.currency, self.interval = row["currency"], row.get("interval")
        self.until, self.duration = _until(row.get("discount_until_on")), normal_words(row.get("discount_duration") or "")
        self.past_due: date | None = row.get("past_due_on")
        self.paused = None if row.get("paused_on") is None else day_number(row["paused_on"])
        self.resumed = _until(row.get("resumed_on"))
        self.paid_from = None if row.get("trial_ends_on") is None else day_number(row["trial_ends_on"])
        amount, listed = _number(row.get("amount")), _number(row.get("list_amount"))
        self.list_mrr: Fraction | None = None
        if listed is not None and amount is not None and listed > amount >= 0:
            self.list_mrr = self.mrr * listed / amount if amount and self.mrr else listed * self.factor

    @property
    def factor(self) -> Fraction:
        """MRR per unit of an amount."""
        found = interval_factor(self.interval) if self.interval else Fraction(1)
        return Fraction(1) if isinstance(found, Unreadable) else found

    def among(self, by_owner: Mapping[tuple[str, int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        return [*by_owner.get(("subscription", self.subscription), ()), *by_owner.get(("account", self.account), ())]

    def plain_status(self, rests: bool) -> str:
        """The status beyond what dates say better."""
        return "" if (self.status in PAUSED and rests) or (self.status in TRIALS and self.paid_from is not None) else self.status

    def never(self, policy: Policy) -> bool:
        trial = (self.is_trial or self.status in TRIALS) and self.paid_from is None
        return trial or (self.status in policy.status.zero and self.status not in TRIALS)

    def reductions(self, discount: Mapping[str, Any]) -> Iterator[Reduction]:
        """What a discount takes off this line; an amount off a whole account is shared elsewhere."""
        percent, amount = _number(discount["percent"]), _number(discount["amount"])
        if amount is not None and (discount["subscription_id"] is None or (discount["currency"] or self.currency) != self.currency):
            amount = None
        if percent is not None or amount is not None:
            off = Fraction(0) if amount is None else amount * self.factor
            yield Reduction(_from(discount["start_on"]), _until(discount["end_on"]), _share(percent), off, _lasting(discount))


def _explained(line: _Line, granted: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Until when the discount lasts that a line has in its amount, and how long it is said to last: by the line, else by the discounts of the book."""
    if line.until < FAR or line.duration:
        return line.until, line.duration
    rows = [d for d in granted if _from(d["start_on"]) < line.end and _until(d["end_on"]) > line.start]
    last = max(rows, key=lambda d: _until(d["end_on"]), default=None)
    return (FAR, "") if last is None else (_until(last["end_on"]), _lasting(last))


def _account_amounts(lines: list[_Line], discounts: Mapping[tuple[str, int], list[dict[str, Any]]], missing: dict[str, int]) -> dict[int, list[Reduction]]:
    """Amounts off a whole account, a month, as what they take off each of its lines."""
    wide = {owner: [d for d in rows if d["amount"] is not None] for (kind, owner), rows in discounts.items() if kind == "account"}
    mine: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        if wide.get(line.account):
            mine.setdefault(line.account, []).append(place)
    found: dict[int, list[Reduction]] = {}
    for account, places in mine.items():
        for discount in wide[account]:
            there = [p for p in places if lines[p].list_mrr is None and discount["currency"] in (None, lines[p].currency)]
            if len({lines[p].currency for p in there}) > 1:
                missing["discount_currency"] = missing.get("discount_currency", 0) + len(there)
                continue
            running = [(p, lines[p].start, lines[p].end, lines[p].mrr) for p in there]
            off = _number(discount["amount"]) or Fraction(0)
            for place, parts in shared(off, _from(discount["start_on"]), _until(discount["end_on"]), _lasting(discount), running).items():
                found.setdefault(place, []).extend(parts)
    return found


def _rows(rows: pa.Table, cut: list[tuple[int, Changing, Stretch]]) -> pa.Table:
    """One row per stretch: amounts that say the same as its MRR, so that causes compare what was paid with what it would be undiscounted."""
    places = [place for place, _, _ in cut]
    made = rows.take(pa.array(places, pa.int64()))
    ends, events, leaves = (rows[name].to_pylist() for name in ("end_on", "end_by_event", "leaves"))
    whole = [_whole(s) for _, _, s in cut]
    columns = {
        "start_on": pa.array([date_of(s.start) for _, _, s in cut], pa.date32()),
        "end_on": pa.array([_date(s.end) for _, _, s in cut], pa.date32()),
        "end_by_event": pa.array([_date(min(max(_until(events[p]), s.start), s.end)) for p, _, s in cut], pa.date32()),
        "leaves": pa.array([bool(leaves[p]) and s.end == _until(ends[p]) for p, _, s in cut], pa.bool_()),
        "mrr_num": pa.array([num for num, _, _ in whole], pa.int64()), "mrr_den": pa.array([den for _, den, _ in whole], pa.int64()),
        "status": pa.nulls(len(cut), pa.string()), "is_trial": pa.nulls(len(cut), pa.bool_()),
    }  # fmt: skip
    if {"amount", "list_amount"} <= set(rows.column_names):
        said = [line.list_mrr is not None or bool(line.reductions) for _, line, _ in cut]
        for name, values in (("amount", [s.mrr for _, _, s in cut]), ("list_amount", [s.list_mrr for _, _, s in cut])):
            texts = [repr(float(v)) if known else was for v, known, was in zip(values, said, made[name].to_pylist(), strict=True)]
            columns[name] = pa.array(texts, pa.string())
    for name, column in columns.items():
        made = made.set_column(made.schema.get_field_index(name), made.schema.field(name), column)
    return made.append_column("held_num", pa.array([held for _, _, held in whole], pa.int64()))


def _whole(stretch: Stretch) -> tuple[int, int, int | None]:
    """MRR and what a pause holds, as whole numbers over one denominator."""
    mrr, held = stretch.mrr, stretch.held
    amount = mrr if held is None else held
    if abs(amount.numerator) > INT64:  # nobody pays that much to nine decimals
        amount = Fraction(round(amount * 100), 100)
    return (amount.numerator if mrr else 0), amount.denominator, None if held is None else amount.numerator


def _by_owner(table: pa.Table | None) -> dict[tuple[str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in table.to_pylist() if table is not None else ():
        owner = ("account", row["account_id"]) if row["subscription_id"] is None else ("subscription", row["subscription_id"])
        found.setdefault(owner, []).append(row)
    return found


def _terms(contracts: pa.Table | None) -> dict[int | None, int]:
    """Ends of contracts that do not renew by themselves: what is paid after one is for its renewal to say, and till then as before (rule 9)."""
    if contracts is None:
        return {}
    columns = (contracts[name].to_pylist() for name in ("contract_id", "end_on", "auto_renews"))
    return {contract: day_number(end) for contract, end, auto in zip(*columns, strict=True) if end is not None and not auto}


def _lasting(discount: Mapping[str, Any]) -> str:
    return normal_words(discount["duration"] or "") or (UNTIL if discount["end_on"] is not None else "")


def _share(percent: Fraction | None) -> Fraction:
    """20 and 0.2 are a fifth."""
    return Fraction(0) if percent is None else percent / 100 if percent >= 1 else percent


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _from(day: date | None) -> int:
    return BEFORE if day is None else day_number(day)


def _until(day: date | None) -> int:
    return FAR if day is None else day_number(day)


def _date(day: int) -> date | None:
    return None if day >= FAR else date_of(day)
