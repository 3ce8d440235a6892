"""From a row as a source states it to the columns of the book, per record type.

Pure functions: a reference still holds an external id, money becomes exact text, an amount and its interval become the
exact fraction of MRR. Returns the columns, or the reason why the row cannot be taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.metrics.lines import BAD, LineText, judge
from laer.metrics.opportunities import arr_of, motion_of, outcome
from laer.metrics.policy import TRIALS, Policy
from laer.records.money import INT64
from laer.records.types import COST_KINDS, COST_MOTIONS, HEALTH, PAYMENTS, SIDES, STANCES
from laer.sources.tabular.intervals import TERM, months_between
from laer.sources.tabular.values import Unreadable, interval_factor, normal_words
from laer.web.book.discounting import checked, with_both_amounts

Row = dict[str, Any]
FILE_ONLY = {"mrr", "arr", "unit_price", "discount_percent", "discount_amount"}
DISAGREES = "_disagrees"  # custom field of a line: what its source states beside the MRR and does not come to it
MEANINGS = {
    "jobs": {
        "csm": "csm", "customer success manager": "csm", "ae": "ae", "account executive": "ae", "sales": "ae", "am": "am", "account manager": "am",
        "renewals": "renewals", "renewals manager": "renewals", "onboarding": "onboarding", "services": "services", "support": "support",
        "operations": "operations", "ops": "operations", "presales": "presales", "finance": "finance",
    }
}  # fmt: skip


def exact(value: Decimal | None) -> str | None:
    """Exact decimal text without exponent."""
    return None if value is None else format(value, "f")


def prepare(record: str, row: Row, policy: Policy) -> tuple[Row, str | None]:
    """The book's columns of one row, or the reason why it is set aside."""
    special: Callable[[Row, Policy], tuple[Row, str | None]] | None = SPECIAL.get(record)
    values, reason = special(row, policy) if special else (dict(row), None)
    return {k: exact(v) if isinstance(v, Decimal) else v for k, v in values.items()}, reason


def _line(row: Row, policy: Policy) -> tuple[Row, str | None]:
    row, reason = with_both_amounts(row)
    values = {k: v for k, v in row.items() if k not in FILE_ONLY}
    if reason:
        return values, reason
    if "discount_duration" in values:
        values["discount_duration"] = normal_words(values["discount_duration"] or "") or None
    interval = row.get("interval") or ""
    if interval == TERM:
        if row.get("end_on") is None:
            return values, "no end: the amount is for the whole term"
        factor: Fraction | Unreadable = _term_factor(row)
    else:
        factor = interval_factor(interval) if interval else Fraction(1)
    status = normal_words(row.get("status") or "")
    becomes_paid = row.get("trial_ends_on") is not None  # it has an MRR, which counts from then on
    text = LineText(
        account=str(row.get("account_id") or ""), start=row.get("start_on"), end=row.get("end_on"),
        mrr=row.get("mrr"), amount=row.get("amount"), quantity=_units(row), unit_price=row.get("unit_price"), arr=row.get("arr"),
        factor=BAD if isinstance(factor, Unreadable) else factor, status="" if becomes_paid and status in TRIALS else status,
        trial=bool(row.get("is_trial")) and not becomes_paid,
    )  # fmt: skip
    policy = policy.changed(end="exclusive") if policy.end != "exclusive" else policy  # the reader has moved inclusive ends already
    reason, mrr, end = judge(text, policy)
    if reason == "negative MRR":  # a discount of the account, as a line of its own (rule 6)
        reason, mrr, end = judge(_turned(text), policy)
        mrr = -mrr
    if reason:
        return values, f"{reason}: nobody has said what '{status[:60]}' means; try the row again and say it" if reason == "unknown status" else reason
    if abs(mrr.numerator) > INT64 or mrr.denominator > INT64:
        return values, "unreadable amount"
    currency = (row.get("currency") or "").strip().upper() or None
    if mrr and (other := _disagreement(text, bool(interval))):
        values[f"custom.{DISAGREES}"] = other
    if values.get("amount") is None and row.get("mrr") is not None:
        values["amount"], values["interval"] = row["mrr"], values.get("interval")
    if values.get("amount") is None and values.get("list_amount") is not None and row.get("arr") is not None:
        values["amount"] = row["arr"]  # beside the list amount, so that the two compare
    if _turned_round(values, "paused_on", "resumed_on"):
        return values, "pause ends before it begins"
    return values | {"end_on": end, "status": status or None, "currency": currency, "mrr_num": mrr.numerator, "mrr_den": mrr.denominator}, None


def _term_factor(row: Row) -> Fraction:
    """Months' share of an amount for the whole term (ends are exclusive here); 1 where the dates are the row's fault, which is said of them."""
    start, end = row.get("start_on"), row.get("end_on")
    months = months_between(start, end) if isinstance(start, date) and isinstance(end, date) and end > start else Fraction(0)
    return 1 / months if months else Fraction(1)


def _units(row: Row) -> Any:
    """How many units a unit price is for: the quantity, else the seats."""
    return row["seats"] if row.get("quantity") is None and row.get("unit_price") is not None and row.get("seats") is not None else row.get("quantity")


def _turned(text: LineText) -> LineText:
    """The same line with its amounts' signs turned round."""


    def turned(value: Decimal | None | str) -> Decimal | None | str:
        return -value if isinstance(value, Decimal) else value

    return replace(text, mrr=turned(text.mrr), amount=turned(text.amount), unit_price=turned(text.unit_price), arr=turned(text.arr))


def _disagreement(text: LineText, with_interval: bool) -> str | None:
    """What else of an MRR, an amount and an ARR stated side by side does not come to the first of them.

    Each may have been rounded by its source in its own last place, so that much they may differ.
    """
    said: list[tuple[str, Fraction, Fraction]] = []
    for name, value, factor in (("MRR", text.mrr, Fraction(1)), ("amount", text.amount, text.factor), ("ARR", text.arr, Fraction(1, 12))):
        if isinstance(value, Decimal) and isinstance(factor, Fraction) and (with_interval or name != "amount" or not said):
            places = min(0, int(value.as_tuple().exponent))
            said.append((f"{name} {exact(value)}", Fraction(value) * factor, Fraction(10) ** places * factor))
    for name, monthly, last_place in said[1:]:
        if abs(monthly - said[0][1]) > said[0][2] + last_place:
            return f"{said[0][0]}, {name}"
    return None


def _contact(row: Row, _: Policy) -> tuple[Row, str | None]:
    values = {k: v for k, v in row.items() if k not in {"first_name", "last_name"}}
    if not values.get("name"):
        values["name"] = " ".join(p for p in (row.get("first_name"), row.get("last_name")) if p) or None
    return values, None if values.get("name") or values.get("email") else "neither name nor email"


def _assignment(row: Row, _: Policy) -> tuple[Row, str | None]:
    job = normal_words(row.get("job") or "csm")
    if job not in MEANINGS["jobs"]:
        return row, f"unknown job '{row.get('job')}'"
    return row | {"job": MEANINGS["jobs"][job]}, None


def _pulse(row: Row, _: Policy) -> tuple[Row, str | None]:
    said = str(row.get("colour") or "").strip()
    colour = HEALTH.get(said.casefold()) or HEALTH.get(normal_words(said))
    return (row | {"colour": colour}, None) if colour else (row, f"unknown health '{said}': expected green, yellow or red" if said else "empty health")


def _opportunity(row: Row, _: Policy) -> tuple[Row, str | None]:
    values = {k: v for k, v in row.items() if k not in {"is_won", "is_lost", "is_closed", "arr", "mrr", "tcv"}}
    words = {k: normal_words(row.get(k) or "") or None for k in ("stage", "status")}
    status, unclear = outcome(words["stage"], words["status"], row.get("is_won"), row.get("is_lost"), row.get("is_closed"))
    said = " ".join(str(row.get("motion") or "").casefold().split())
    motion, unknown = motion_of(said)
    arr, basis, wrong = arr_of(row)
    if reason := unclear or unknown or wrong:
        return values, reason
    if arr is not None and (arr.numerator > INT64 or arr.denominator > INT64):
        return values, "unreadable amount"
    if said and motion is None:
        values["custom._motion"] = row["motion"]  # known, and yet it does not say which
    if status == "open" and values.get("closed_on"):
        values["expected_on"], values["closed_on"] = values.get("expected_on") or values["closed_on"], None
    if status != "open" and values.get("closed_on") is None:
        return values, f"{status} without a close date"
    number = {} if arr is None else {"arr_num": arr.numerator, "arr_den": arr.denominator, "amount_basis": basis}
    return values | {"status": status, "motion": motion, "currency": (row.get("currency") or "").strip().upper() or None} | number, None


def _step(row: Row, _: Policy) -> tuple[Row, str | None]:
    said = normal_words(str(row.get("side") or ""))
    if said and said not in SIDES:
        return row, f"unknown side '{row.get('side')}': expected us or customer"
    return row | {"side": SIDES.get(said)}, None


def _closing(start: str, end: str) -> Callable[[Row, Policy], tuple[Row, str | None]]:
    def check(row: Row, _: Policy) -> tuple[Row, str | None]:
        return row, "end before start" if _turned_round(row, start, end) else None

    return check


def _turned_round(row: Row, start: str, end: str) -> bool:
    a, b = row.get(start), row.get(end)
    return isinstance(a, date) and isinstance(b, date) and b < a


def _discount(row: Row, _: Policy) -> tuple[Row, str | None]:
    return (row, "end before start") if _turned_round(row, "start_on", "end_on") else checked(row)


def _product(row: Row, _: Policy) -> tuple[Row, str | None]:
    """Gross margin in percent. A share (0.72) is read as one; at or below 0, or above 100, is none."""
    margin = row.get("margin")
    if margin is None:
        return row, None
    percent = margin * 100 if 0 < margin < 1 else margin
    return row | {"margin": percent.normalize()}, None if percent <= 100 else f"gross margin above 100 %: {exact(margin)}"


def _cost(row: Row, _: Policy) -> tuple[Row, str | None]:
    """One cost in the house's words, its month by its first day; a word that nobody knows sets the row aside."""
    values = dict(row)
    for name, words in (("motion", COST_MOTIONS), ("kind", COST_KINDS)):
        said = " ".join(str(row.get(name) or "").casefold().split())
        if said and said not in words:
            return values, f"unknown {name} '{said[:60]}': expected {', '.join(dict.fromkeys(words.values()))}"
        values[name] = words.get(said)
    if isinstance(row.get("month"), date):
        values["month"] = row["month"].replace(day=1)
    if row.get("amount") is not None and row["amount"] < 0:
        return values, "negative cost: a refund is a lower cost of its month"
    return values | {"currency": (row.get("currency") or "").strip().upper() or None}, None


def _contact_role(row: Row, _: Policy) -> tuple[Row, str | None]:
    said = normal_words(str(row.get("stance") or ""))
    if said and said not in STANCES:
        return row, f"unknown stance '{row.get('stance')}': expected supporter, neutral or detractor"
    return row | {"stance": STANCES.get(said)}, "end before start" if _turned_round(row, "from_on", "until_on") else None


def _invoice(row: Row, _: Policy) -> tuple[Row, str | None]:
    """An invoice in the house's words. A draft was never sent: nothing is owed of it."""
    said = normal_words(str(row.get("status") or ""))
    if said and said not in PAYMENTS:
        return row, f"unknown status '{row.get('status')}': expected open, paid or void"
    status = PAYMENTS.get(said)
    values = row | {"status": status, "currency": (row.get("currency") or "").strip().upper() or None}
    if status == "draft":
        return values, "a draft: it was never sent"
    if status == "open" and row.get("paid_on"):
        return values, f"it says '{row.get('status')}' and a day on which it was paid"
    return values, "due before it was issued" if _turned_round(row, "issued_on", "due_on") else None


def _entitlement(row: Row, _: Policy) -> tuple[Row, str | None]:
    if row.get("granted") is not None and row["granted"] < 0:
        return row, "negative limit: expected 0 or more, or none for no limit"
    return row, "end before start" if _turned_round(row, "from_on", "until_on") else None


SPECIAL: dict[str, Callable[[Row, Policy], tuple[Row, str | None]]] = {
    "subscription_lines": _line,
    "contacts": _contact,
    "assignments": _assignment,
    "pulses": _pulse,
    "opportunities": _opportunity,
    "onboarding_plans": _closing("started_on", "completed_on"),
    "onboarding_steps": _step,
    "outcomes": _closing("promised_on", "reached_on"),
    "products": _product,
    "product_features": _closing("released_on", "retired_on"),
    "product_users": _closing("added_on", "deactivated_on"),
    "contact_roles": _contact_role,
    "entitlements": _entitlement,
    "invoices": _invoice,
    "costs": _cost,
    "contracts": _closing("start_on", "end_on"),
    "discounts": _discount,
    "pauses": _closing("from_on", "until_on"),
}


def last_paid_day(end: date) -> date:
    return end - timedelta(days=1)


def as_json(value: Any) -> Any:
    """A value as the change log keeps it."""
    if isinstance(value, Decimal):
        return exact(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def without_empty(values: Mapping[str, Any]) -> Row:
    return {k: v for k, v in values.items() if v is not None}
