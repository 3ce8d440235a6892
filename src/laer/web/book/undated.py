"""What a list says without a date is true as of the list's date: amounts become dated lines, absences become questions.

An amount that the book has already says nothing new (`no_news` keeps it against earlier lists that come later). Another
amount is a change as of the file's date: a line that takes the place of the one before (`cuts`), so that undoing the import
brings that one back by itself. The first amount that is ever heard of an account is open from that date with its start
unknown: an opening balance, never new revenue. An account that the list before still had is asked about, never churned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from laer.records.batch import Batch, Reject
from laer.sources.tabular.values import normal_words
from laer.web.book import between, no_news
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.in_force import InForce, lines_in_force
from laer.web.book.loose_contracts import key_of
from laer.web.book.models import MODELS, Account, Contract, ExternalId, ImportRun, Question, SubscriptionLine
from laer.web.book.no_news import Said
from laer.web.book.prepare import prepare
from laer.web.book.staging import Stage
from laer.web.wording import gettext_lazy

AMOUNTS = ("mrr", "arr", "amount", "unit_price")
NAMED = 10  # of several, those that a note names
MISSING, BLANK, CAME_BACK = "missing", "blank", "came back"
SILENT = (MISSING, BLANK)  # kinds of questions about what a list does not say
ANSWERS = {"left": gettext_lazy("Left"), "filtered": gettext_lazy("Still a customer"), "renamed": gettext_lazy("Under another name")}


@dataclass
class Heard:
    """What the lists of one import said of accounts: whom they named, whose amount they left blank, what stood already."""

    lists: bool = False
    accounts: set[int] = field(default_factory=set)
    blank: dict[int, str] = field(default_factory=dict)
    stated: dict[str, tuple[str, int]] = field(default_factory=dict)  # whose amount was said -> file and line
    dropped: set[int] = field(default_factory=set)  # accounts that an earlier grid of months had, and this one has not
    replaced: set[int] = field(default_factory=set)  # lines in whose place what a list says comes
    gridded: set[int] = field(default_factory=set)  # subscriptions that a grid of the import has
    not_later: set[str] = field(default_factory=set)  # customers of a grid whom a grid of later months, in the book already, does not have
    beside: set[int] = field(default_factory=set)  # lines of an earlier grid, of customers that this one has
    items: dict[int, set[int]] = field(default_factory=dict)  # accounts of a list by product or plan -> the lines that it speaks of
    left: dict[int, date | None] = field(default_factory=dict)  # who had left by the list's day, and when
    same: list[Said] = field(default_factory=list)  # what the book had already
    changed: set[int] = field(default_factory=set)  # accounts of which a list said something new


def stated(batch: Batch, stage: Stage) -> Batch:
    """Pulses and contracts of a list with what its date says: the day of a pulse, a contract known by the day it ends."""
    if batch.record == "subscription_lines":
        # A contract without an id of its own is known by its account and start.
        loose = [row for row in batch.rows if row.get("contract_id") is None and row.get("start_on") is not None and row.get("account_id")]
        plain = [key_of(row["account_id"], row["start_on"]) for row in loose]
        names = [stage.contract_keys.get((str(row["account_id"]), row["start_on"], row.get("end_on")), name) for row, name in zip(loose, plain, strict=True)]
        known = stage.resolve("contracts", set(names)) if names else {}
        for row, name in zip(loose, names, strict=True):
            if name in known:
                row["contract_id"] = name
    if batch.record == "accounts":
        _called_by_their_ids(batch, stage)
    if batch.record == "pulses":
        for row in batch.rows:
            row.setdefault("stated_on", stage.day)
    if batch.record == "contracts":
        _known_by_their_end(batch, stage)
    if batch.record in ("contracts", "pulses"):
        need = "end_on" if batch.record == "contracts" else "colour"
        batch.keep([i for i, row in enumerate(batch.rows) if row.get(need) is not None or batch.keys[i] is not None])
    if batch.record == "contacts":
        batch.keep([i for i, row in enumerate(batch.rows) if any(row.get(c) for c in ("email", "name", "first_name", "last_name"))])
    if batch.record == "notes":
        batch.keep([i for i, row in enumerate(batch.rows) if row.get("text")])
    return batch


def _called_by_their_ids(batch: Batch, stage: Stage) -> None:
    """Accounts of a list that gives ids and no names: called by their ids, as those of a list of lines are, where the source told of none before."""
    nameless = [i for i, row in enumerate(batch.rows) if not row.get("name") and batch.keys[i]]
    if nameless and len(nameless) == len(batch.rows) and not stage.resolve("accounts", {str(batch.keys[i]) for i in nameless}):
        for i in nameless:
            batch.rows[i]["name"] = batch.keys[i]


def _known_by_their_end(batch: Batch, stage: Stage) -> None:
    """Keys of contracts that a list states by their end alone: that of the account's contract with this end, if the source stated it before."""
    rows = [i for i, row in enumerate(batch.rows) if batch.keys[i] is None and row.get("start_on") is None and row.get("end_on") and row.get("account_id")]
    accounts = stage.resolve("accounts", {str(batch.rows[i]["account_id"]) for i in rows})
    known: dict[tuple[int, date | None], str] = {}
    ids = sorted({accounts.get(str(batch.rows[i]["account_id"]), -1) for i in rows} - {-1})
    for start in range(0, len(ids), 5_000):
        ends = {
            pk: (account, end)
            for pk, account, end in Contract.objects.filter(account_id__in=ids[start : start + 5_000], start_on=None).values_list("id", "account_id", "end_on")
        }
        stated = ExternalId.objects.filter(source=stage.source, record="contracts", external_id__startswith="~", object_id__in=ends)
        known |= {ends[pk]: key for key, pk in stated.values_list("external_id", "object_id")}
    for i in rows:
        row = batch.rows[i]
        account, end = accounts.get(str(row["account_id"]), -1), row["end_on"]
        same = known.get((account, end)) or known.get((account, end - timedelta(days=1)))  # as it was read before the column's meaning was weighed
        batch.keys[i] = same or f"~{row['account_id']}|until {end}"


def dated(batch: Batch, stage: Stage, heard: Heard) -> tuple[Batch, int, list[Reject]]:
    """Lines of a list with their day, how many say what the book has already, and those that a person must settle."""
    heard.lists = True
    names = {str(row["account_id"]) for row in batch.rows if row.get("account_id")}
    accounts = stage.resolve("accounts", names)
    live = _in_force([i for i in (accounts.get(n, -1) for n in names) if i > 0], stage)
    rows_of = Counter(str(row.get("account_id") or "") for row in batch.rows)
    products = stage.resolve("products", {str(row["product_id"]) for row in batch.rows if row.get("product_id")})
    paid = _ever_paid([i for i in accounts.values() if i > 0], stage)
    overruled = between.overruled([i for i in accounts.values() if i > 0], stage.source)
    first = not stage.heard_before
    same, kept, rejects = 0, [], []
    for i, row in enumerate(batch.rows):
        name = str(row.get("account_id") or "")
        account = accounts.get(name, -1)
        product = products.get(str(row["product_id"])) if row.get("product_id") else None
        now, item = _concerned(live.get(account, []), row, product, rows_of[name] == 1)
        if account > 0:
            heard.accounts.add(account)
        if item and account > 0:
            heard.items.setdefault(account, set()).update(line.line for line in now)
        if all(row.get(c) is None for c in AMOUNTS):
            if now and account > 0:
                heard.blank[account] = name
            continue
        if _left_by(row, stage):
            heard.left[account] = row.get("end_on")
            row.update({column: None for column in AMOUNTS if column in row} | {"mrr": Decimal(0), "end_on": None, "status": None})
        values, reason = prepare("subscription_lines", row | {"start_on": stage.day}, stage.policy)
        if reason is None and name:
            if doubt := _twice(heard, f"{f'#{account}' if account > 0 else name}|{item}", batch, i) or _unclear(now, values):
                rejects.append(Reject(batch.file, batch.lines[i], doubt, batch.raw[i], batch.record))
                continue
            key = batch.keys[i] or _key(name, stage, item)
            if Fraction(values["mrr_num"], values["mrr_den"]) in overruled.get(account, ()):  # a person said that another system holds
                same += 1
                continue
            if _agrees(now, values):
                same += 1
                if account > 0:
                    standing: list[int | None] = [line.line for line in now] or [None]
                    heard.same += [(account, line, f"{key}#{n + 1}" if n else key, not item) for n, line in enumerate(standing)]
                continue
            if now:
                heard.replaced.update(x.line for x in now)
                _take_the_place(row, now[-1], stage)
        row["start_on"] = stage.day
        row["cuts"] = True
        if first and not now and account not in paid:
            row["start_unknown"] = True
        batch.keys[i] = batch.keys[i] or _key(name, stage, item)
        if account > 0:
            heard.changed.add(account)
        kept.append(i)
    batch.keep(kept)
    return batch, same, rejects


def _left_by(row: dict[str, Any], stage: Stage) -> bool:
    """Whether a list says that a customer had left by its day: by a date, or by a status that needs one and has none."""
    end, status = row.get("end_on"), normal_words(row.get("status") or "")
    return end <= stage.day if end is not None else status in stage.policy.status.needs_end


def _key(name: str, stage: Stage, item: str) -> str:
    """How a line is known that a list states of its day."""
    return f"~{name}|{stage.day}{f'|{item}' if item else ''}"


def _concerned(lines: list[InForce], row: dict[str, Any], product: int | None, alone: bool) -> tuple[list[InForce], str]:
    """The lines that a row speaks of, and which of its account's items that is: all, where it names neither product nor plan."""
    item = str(row.get("product_id") or row.get("plan") or "")
    if not item:
        return lines, item
    if row.get("product_id"):
        same, unnamed = [x for x in lines if x.product is not None and x.product == product], [x for x in lines if x.product is None]
    else:
        same, unnamed = [x for x in lines if x.plan == item], [x for x in lines if x.plan is None]
    if not same and (alone or len(unnamed) == 1):  # the account's only row: a switch; one line without a name: this one
        return (lines if alone else unnamed), item
    return same, item


def _twice(heard: Heard, account: str, batch: Batch, i: int) -> str | None:
    """Why a row is set aside whose customer stood in the list before: which of the two holds, or whether they add up, nobody said."""
    file, line = heard.stated.setdefault(account, (batch.file, batch.lines[i]))
    if (file, line) == (batch.file, batch.lines[i]):
        return None
    return f"account stands twice: it has an amount in line {line} already{'' if file == batch.file else f' of {file}'}; say whether one replaces the other"


def _agrees(now: list[InForce], values: dict[str, Any]) -> bool:
    """Whether a list says what the book has already."""
    mrr, currency = Fraction(values["mrr_num"], values["mrr_den"]), values.get("currency")
    total = sum((line.mrr for line in now), Fraction(0))
    return mrr == total and all(currency in (None, line.currency) or line.currency is None for line in now) and bool(now or not mrr)


def _unclear(now: list[InForce], values: dict[str, Any]) -> str | None:
    """Why another amount than the book's cannot be booked: it does not say which of several lines changed."""
    if _agrees(now, values):
        return None
    if any(line.reduced for line in now):
        return "discounted: the book reduces what this customer pays by a discount or pause of its own; say there what it pays before that"
    if len({(line.subscription, line.product) for line in now}) <= 1 and all(line.mrr > 0 for line in now):
        return None
    total, mrr = sum((line.mrr for line in now), Fraction(0)), Fraction(values["mrr_num"], values["mrr_den"])
    return f"several subscriptions: its {len(now)} lines come to {_amount(total)} a month, the list says {_amount(mrr)}: say which of them changed"


def _take_the_place(row: dict[str, Any], line: InForce, stage: Stage) -> None:
    """A new state of a line: of its subscription, product and contract, in its currency where the list names none."""
    for record, column, known in (
        ("subscriptions", "subscription_id", line.subscription), ("products", "product_id", line.product), ("contracts", "contract_id", line.contract),
    ):  # fmt: skip
        if known is not None:
            stage.learn(record, [(f"#{known}", known)])
            row[column] = f"#{known}"
    if not row.get("currency") and line.currency:
        row["currency"] = line.currency


def hold(run: ImportRun, stage: Stage, heard: Heard) -> None:
    """Keep what the lists said without writing it, and give way to what lists of later days said before."""
    if not heard.lists:
        return
    if heard.left:
        _say_left(run, heard)
    if heard.replaced:
        between.say_otherwise(run, stage.source, stage.day, heard.replaced)
    no_news.note(run, stage.day, heard.same)
    if count := no_news.stands_again(run, stage, heard.changed):
        run.notes = [*run.notes, f"Lists of later days had come before: what they said of {count:,} of these customers stands again from their days on"]
        run.save(update_fields=["notes"])


def _say_left(run: ImportRun, heard: Heard) -> None:
    """Note whose amounts are not counted, because the list says that they had left by its day."""
    names = dict(Account.objects.filter(id__in=list(heard.left)[:NAMED]).values_list("id", "name"))
    said = [f"{names.get(account, '')}{f' ({day})' if day else ''}" for account, day in list(heard.left.items())[:NAMED]]
    more = f" and {len(heard.left) - NAMED:,} more" if len(heard.left) > NAMED else ""
    run.notes = [*run.notes, f"Left by the list's date, so that their amounts are not counted: {', '.join(said)}{more}"]
    run.save(update_fields=["notes"])


def ask(run: ImportRun, stage: Stage, heard: Heard) -> int:
    """Questions about the accounts that this source's lists had and that this one does not name, or names without an amount."""
    if heard.beside:
        _say_beside(run, heard)
    if heard.not_later:
        _say_not_later(run, heard)
    if not heard.lists and not heard.dropped:
        return 0
    live = _silent(stage, heard)
    now = timezone.now()
    _came_back(run, stage, heard.accounts - heard.blank.keys())
    waiting = set(Question.objects.filter(account_id__in=live, answer="", kind__in=SILENT).values_list("account_id", flat=True))
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
    _say_unsaid(run, stage, heard)
    return len(asked)


def _say_unsaid(run: ImportRun, stage: Stage, heard: Heard) -> None:
    """Note the items that a list by product or plan no longer names of customers whom it names: they still count."""
    live = _in_force(heard.items, stage)
    unsaid = [(account, line) for account, lines in live.items() for line in lines if line.item and line.mrr > 0 and line.line not in heard.items[account]]
    if not unsaid:
        return
    names = dict(Account.objects.filter(id__in={account for account, _ in unsaid[:NAMED]}).values_list("id", "name"))
    products = dict(MODELS["products"].objects.filter(id__in={line.product for _, line in unsaid[:NAMED] if line.product}).values_list("id", "name"))
    said = [f"{names[account]}: {products.get(line.product or 0) or line.plan}, {_amount(line.mrr)} a month" for account, line in unsaid[:NAMED]]
    more = f", and {len(unsaid) - NAMED:,} more" if len(unsaid) > NAMED else ""
    run.notes = [*run.notes, f"The list no longer names what the book has of customers in it; it still counts until somebody ends it: {'; '.join(said)}{more}"]
    run.save(update_fields=["notes"])


def _say_beside(run: ImportRun, heard: Heard) -> None:
    """Note the subscriptions of an earlier grid that this one does not name of customers whom it names: they still count, beside what it says."""
    there: list[tuple[str, str, Fraction]] = []
    for start in range(0, len(ids := sorted(heard.beside)), 5_000):
        lines = SubscriptionLine.objects.filter(id__in=ids[start : start + 5_000], archived_at=None)
        rows = lines.values_list("account__name", "subscription__name", "mrr_num", "mrr_den", "subscription_id")
        there += [(account, name or "", Fraction(num, den)) for account, name, num, den, of in rows if of not in heard.gridded]
    if not there:
        return
    said = [f"{account}{f': {name}' if name else ''}, {_amount(mrr)} a month" for account, name, mrr in sorted(there)[:NAMED]]
    more = f", and {len(there) - NAMED:,} more" if len(there) > NAMED else ""
    note = "The grid does not name what an earlier one had of customers in it; it counts beside it until somebody ends it"
    run.notes = [*run.notes, f"{note}: {'; '.join(said)}{more}"]
    run.save(update_fields=["notes"])


def _say_not_later(run: ImportRun, heard: Heard) -> None:
    """Note the customers of a grid whom a grid of later months does not have: they still count."""
    names = sorted(heard.not_later)
    more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    note = "A grid of later months, imported before, does not have these customers; they still count until somebody ends them"
    run.notes = [*run.notes, f"{note}: {', '.join(names[:NAMED])}{more}"]
    run.save(update_fields=["notes"])


def _came_back(run: ImportRun, stage: Stage, accounts: set[int]) -> None:
    """Close the questions about accounts that are there again; the import notes it, so that its undo can ask anew."""
    asked = Question.objects.filter(run__source=stage.source, answer="", account_id__in=accounts, kind__in=SILENT)
    back = [question for question in asked if day_of(question.data["day"]) <= stage.day]  # an earlier list says nothing of later
    for question in back:
        question.answer, question.answered_at = CAME_BACK, timezone.now()
        question.data["came_back_in"] = run.pk
    Question.objects.bulk_update(back, ["answer", "answered_at", "data"], batch_size=500)


def ask_again(run: ImportRun) -> None:
    """Open the questions again that an import closed by naming their accounts: it is undone."""
    for question in Question.objects.filter(answer=CAME_BACK, data__came_back_in=run.pk):
        question.data.pop("came_back_in")
        question.answer, question.answered_at = "", None
        question.save(update_fields=["answer", "answered_at", "data"])


def would_ask(stage: Stage, heard: Heard) -> int:
    """How many accounts an import would ask about."""
    if not heard.lists and not heard.dropped:
        return 0
    return sum(any(line.mrr for line in lines) for lines in _silent(stage, heard).values())


def _silent(stage: Stage, heard: Heard) -> dict[int, list[InForce]]:
    """What accounts pay that the lists leave out or blank, but for those that a list of a later day has: they are there still."""
    silent = {*_gone(stage, heard), *heard.blank}
    return _in_force(silent - no_news.named_later(silent, stage.day), stage)


def _gone(stage: Stage, heard: Heard) -> list[int]:
    """Accounts that this source named before, and does not any more: in its lists, or else in its grids."""
    known = set(heard.dropped)
    if heard.lists:
        known |= set(ExternalId.objects.filter(source=stage.source, record="accounts").exclude(row_hash=TAKEN_OUT).values_list("object_id", flat=True))
    known &= set(Account.objects.filter(archived_at=None).values_list("id", flat=True)) if known else set()
    return sorted(known - heard.accounts)


def _in_force(accounts: Iterable[int], stage: Stage) -> dict[int, list[InForce]]:
    return lines_in_force(accounts, stage.day, stage.policy, without_run=stage.run_id)


def _ever_paid(accounts: list[int], stage: Stage) -> set[int]:
    """Accounts that paid before the day of the list, as far as the book knows: what began later says nothing of then."""
    found: set[int] = set()
    for start in range(0, len(accounts), 5_000):
        lines = SubscriptionLine.objects.filter(account_id__in=accounts[start : start + 5_000], archived_at=None, mrr_num__gt=0, start_on__lte=stage.day)
        found |= set(lines.exclude(created_run=stage.run_id).values_list("account_id", flat=True))
    return found


def _amount(mrr: Fraction) -> str:
    return format(Decimal(mrr.numerator) / Decimal(mrr.denominator), ".2f")


def day_of(text: str) -> date:
    return date.fromisoformat(text)


def data_of(question: Question) -> dict[str, Any]:
    """What a page shows of a question: day as a date, MRR in major units."""
    return {"day": day_of(question.data["day"]), "mrr": Decimal(question.data["mrr"]), "currency": question.data.get("currency")}
