"""What a list says without a date is true as of the list's date: amounts become dated lines, absences become questions.

An amount that the book has already says nothing new. Another amount is a change as of the file's date: a line that takes
the place of the one before (`cuts`), so that undoing the import brings that one back by itself. The first amount that is
ever heard of an account is open from that date with its start unknown: an opening balance, never new revenue. An account
that the list before still had is asked about, never churned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from laer.records.batch import Batch, Reject
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import Account, ExternalId, ImportRun, Question, SubscriptionLine
from laer.web.book.prepare import prepare
from laer.web.book.staging import Stage

AMOUNTS = ("mrr", "arr", "amount", "unit_price")
MISSING, BLANK = "missing", "blank"
ANSWERS = {"left": "Left", "filtered": "Still a customer", "renamed": "Under another name"}


@dataclass
class Heard:
    """What the lists of one import said of accounts: whom they named, whose amount they left blank, what stood already."""

    lists: bool = False
    accounts: set[int] = field(default_factory=set)
    blank: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Live:
    """A line in force on the day of the list."""

    line: int
    subscription: int
    mrr: Fraction
    currency: str | None


def stated(batch: Batch, stage: Stage) -> Batch:
    """Pulses and contracts of a list with what its date says: the day of a pulse, a contract known by the day it ends."""
    if batch.record == "pulses":
        for row in batch.rows:
            row.setdefault("stated_on", stage.day)
    if batch.record == "contracts":
        for i, row in enumerate(batch.rows):
            if batch.keys[i] is None and row.get("start_on") is None and row.get("end_on") is not None and row.get("account_id"):
                batch.keys[i] = f"~{row['account_id']}|until {row['end_on']}"
    if batch.record in ("contracts", "pulses"):
        need = "end_on" if batch.record == "contracts" else "colour"
        _keep(batch, [i for i, row in enumerate(batch.rows) if row.get(need) is not None or batch.keys[i] is not None])
    if batch.record == "contacts":
        _keep(batch, [i for i, row in enumerate(batch.rows) if any(row.get(c) for c in ("email", "name", "first_name", "last_name"))])
    if batch.record == "notes":
        _keep(batch, [i for i, row in enumerate(batch.rows) if row.get("text")])
    return batch


def dated(batch: Batch, stage: Stage, heard: Heard) -> tuple[Batch, int, list[Reject]]:
    """Lines of a list with their day, how many say what the book has already, and those that a person must settle."""
    heard.lists = True
    names = {str(row["account_id"]) for row in batch.rows if row.get("account_id")}
    accounts = stage.resolve("accounts", names)
    live = _live([i for i in (accounts.get(n, -1) for n in names) if i > 0], stage)
    paid = _ever_paid([i for i in accounts.values() if i > 0], stage)
    first = not stage.heard_before
    same, kept, rejects = 0, [], []
    for i, row in enumerate(batch.rows):
        name = str(row.get("account_id") or "")
        account = accounts.get(name, -1)
        now = live.get(account, [])
        if account > 0:
            heard.accounts.add(account)
        if all(row.get(c) is None for c in AMOUNTS):
            if now and account > 0:
                heard.blank[account] = name
            continue
        values, reason = prepare("subscription_lines", row | {"start_on": stage.day}, stage.policy)
        if reason is None and name:
            mrr = Fraction(values["mrr_num"], values["mrr_den"])
            total = sum((line.mrr for line in now), Fraction(0))
            currency = values.get("currency")
            agrees = mrr == total and all(currency in (None, line.currency) or line.currency is None for line in now)
            if agrees and (now or not mrr):
                same += 1
                continue
            subscriptions = {line.subscription for line in now}
            if len(subscriptions) > 1:
                text = f"its {len(subscriptions)} subscriptions come to {_amount(total)} a month, the list says {_amount(mrr)}: say which of them changed"
                rejects.append(Reject(batch.file, batch.lines[i], f"several subscriptions: {text}", batch.raw[i], batch.record))
                continue
            if subscriptions:
                known = subscriptions.pop()
                stage.learn("subscriptions", [(f"#{known}", known)])
                row["subscription_id"] = f"#{known}"
        row["start_on"] = stage.day
        row["cuts"] = True
        if first and not now and account not in paid:
            row["start_unknown"] = True
        batch.keys[i] = batch.keys[i] or f"~{name}|{stage.day}"
        kept.append(i)
    _keep(batch, kept)
    return batch, same, rejects


def ask(run: ImportRun, stage: Stage, heard: Heard) -> int:
    """Questions about the accounts that this source's lists had and that this one does not name, or names without an amount."""
    if not heard.lists:
        return 0
    known = set(ExternalId.objects.filter(source=stage.source, record="accounts").exclude(row_hash=TAKEN_OUT).values_list("object_id", flat=True))
    known &= set(Account.objects.filter(archived_at=None).values_list("id", flat=True)) if known else set()
    gone = sorted(known - heard.accounts)
    live = _live([*gone, *heard.blank], stage)
    now = timezone.now()
    Question.objects.filter(run__source=stage.source, answer="", account_id__in=heard.accounts - heard.blank.keys()).update(answer="came back", answered_at=now)
    waiting = set(Question.objects.filter(account_id__in=live, answer="").values_list("account_id", flat=True))
    filtered = set(Question.objects.filter(account_id__in=live, run__source=stage.source, answer="filtered").values_list("account_id", flat=True))
    asked = [
        Question(
            run=run, kind=BLANK if account in heard.blank else MISSING, account_id=account, asked_at=now,
            data={"day": stage.day.isoformat(), "mrr": _amount(sum((line.mrr for line in lines), Fraction(0))), "currency": lines[0].currency},
        )
        for account, lines in live.items()
        if account not in waiting and account not in filtered and any(line.mrr for line in lines)
    ]  # fmt: skip
    Question.objects.bulk_create(asked)
    return len(asked)


def would_ask(stage: Stage, heard: Heard) -> int:
    """How many accounts an import would ask about."""
    if not heard.lists:
        return 0
    known = set(ExternalId.objects.filter(source=stage.source, record="accounts").exclude(row_hash=TAKEN_OUT).values_list("object_id", flat=True))
    live = _live([*sorted(known - heard.accounts), *heard.blank], stage)
    return sum(any(line.mrr for line in lines) for lines in live.values())


def _live(accounts: Iterable[int], stage: Stage) -> dict[int, list[_Live]]:
    """The lines in force on the day of the list, those aside that this very run wrote before it was interrupted."""
    found: dict[int, list[_Live]] = {}
    ids = sorted(set(accounts))
    for start in range(0, len(ids), 5_000):
        lines = SubscriptionLine.objects.filter(account_id__in=ids[start : start + 5_000], archived_at=None, start_on__lte=stage.day)
        rows = lines.exclude(created_run=stage.run_id).order_by("start_on", "id").values_list(
            "id", "account_id", "subscription_id", "mrr_num", "mrr_den", "currency", "end_on", "cuts", "status", "is_trial"
        )  # fmt: skip
        for line, account, subscription, num, den, currency, end, cuts, status, trial in rows:
            there = found.setdefault(account, [])
            if cuts:
                there[:] = [one for one in there if one.subscription != subscription]
            if (end is None or end > stage.day) and num and not trial and (status or "") not in stage.policy.status.zero:
                there.append(_Live(line, subscription, Fraction(num, den), currency))
    return {account: lines for account, lines in found.items() if lines}


def _ever_paid(accounts: list[int], stage: Stage) -> set[int]:
    found: set[int] = set()
    for start in range(0, len(accounts), 5_000):
        lines = SubscriptionLine.objects.filter(account_id__in=accounts[start : start + 5_000], archived_at=None, mrr_num__gt=0)
        found |= set(lines.exclude(created_run=stage.run_id).values_list("account_id", flat=True))
    return found


def _keep(batch: Batch, places: list[int]) -> None:
    if len(places) == len(batch.rows):
        return
    batch.rows, batch.keys, batch.lines = [batch.rows[i] for i in places], [batch.keys[i] for i in places], [batch.lines[i] for i in places]
    batch.raw = [batch.raw[i] for i in places] if batch.raw else []
    batch.made = set()


def _amount(mrr: Fraction) -> str:
    return format(Decimal(mrr.numerator) / Decimal(mrr.denominator), ".2f")


def day_of(text: str) -> date:
    return date.fromisoformat(text)


def data_of(question: Question) -> dict[str, Any]:
    """What a page shows of a question: day as a date, MRR in major units."""
    return {"day": day_of(question.data["day"]), "mrr": Decimal(question.data["mrr"]), "currency": question.data.get("currency")}
