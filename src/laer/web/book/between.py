"""Amounts of one customer on which two systems disagree: both count, or the later takes the earlier's place, and neither is silent.

A line of one system beside a line of another is a sum that nobody stated; a line in place of another system's, at another amount, is a
change that neither of them stated. Both stay as the ledger counts them, and a question asks a person which system holds. Until it is
answered the contradiction stands on the figures (`runs/contradictions.py`), with what each answer would make of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils import timezone

from laer.cycle.terms import counting
from laer.metrics.policy import Policy
from laer.records.money import rounded
from laer.records.periods import FAR, date_of, day_number
from laer.web.book import writing
from laer.web.book.exclusions import active
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.in_force import current_rows
from laer.web.book.models import AccountMerge, ExternalId, FieldChange, ImportRun, NoNews, Question, SubscriptionLine
from laer.web.wording import gettext_lazy

KIND = "amounts"
LOT = 2_000  # accounts looked at together
NAMED = 10  # of several, those that a note names
FIRST, SECOND, BOTH = "first", "second", "both"
SETTLED = "settled"  # by the answer to another question of the account
ANSWERS = {FIRST: 0, SECOND: 1, BOTH: None}
BESIDE_HOLDS = gettext_lazy("Both are sold")
CHANGE_HOLDS = gettext_lazy("It changed on that day")


class Line(NamedTuple):
    """A line as it counts: days as numbers, the end FAR where it is open."""

    id: int
    account: int
    subscription: int
    product: int | None
    start: int
    end: int
    stated_end: int
    mrr: Fraction
    currency: str | None
    cuts: bool


class Pair(NamedTuple):
    """Two lines of two systems. `beside`: both count on some day; else the second took the first's place at another amount."""

    one: Line
    two: Line
    beside: bool


class Step(NamedTuple):
    """What an answer does to a line: `out`, `ends` on a day, or is priced `like` another line."""

    line: int
    does: str
    what: Any = None


@dataclass(frozen=True)
class Way:
    """What one of the two systems says: its MRR on the day of the disagreement."""

    source: str
    mrr: Fraction


def ask(run: ImportRun, policy: Policy, day: date) -> int:
    """Ask about the customers whose amounts of this import disagree with another system's. Returns how many questions.

    Nothing is read while one system alone states lines.
    """
    stated = ExternalId.objects.filter(record="subscription_lines").exclude(row_hash=TAKEN_OUT)
    if not stated.exclude(source=run.source).exists():
        return 0
    fresh = set(SubscriptionLine.objects.filter(created_run=run.pk, archived_at=None).values_list("id", flat=True))
    fresh |= set(FieldChange.objects.filter(run=run, record="subscription_lines").values_list("object_id", flat=True))
    rows = SubscriptionLine.objects.filter(archived_at=None)
    accounts = sorted({account for ids in writing.chunks(sorted(fresh), LOT) for account in rows.filter(id__in=ids).values_list("account_id", flat=True)})
    now, asked = timezone.now(), 0
    for ids in writing.chunks(accounts, LOT):
        made = _questions(run, list(ids), fresh, policy, day, now)
        Question.objects.bulk_create(made)
        asked += len(made)
    return asked


def say_otherwise(run: ImportRun, source: str, day: date, replaced: set[int]) -> None:
    """Note the customers of whom another source had stated another amount: what this one says holds from its day on, as a change."""
    there: list[tuple[str, str]] = []
    for start in range(0, len(ids := sorted(replaced)), LOT):
        stated = ExternalId.objects.filter(record="subscription_lines", object_id__in=ids[start : start + LOT]).exclude(source=source)
        of = dict(stated.values_list("object_id", "source"))
        there += [(name, of[pk]) for pk, name in SubscriptionLine.objects.filter(id__in=of).values_list("id", "account__name")]
    if not there:
        return
    said = [f"{name} ({source})" for name, source in sorted(set(there))]
    more = f", and {len(said) - NAMED:,} more" if len(said) > NAMED else ""
    note = f"Another source had stated another amount; this list's takes its place from {day} on, as a change: {', '.join(said[:NAMED])}{more}"
    run.notes = [*run.notes, f"{note}. Which of the two holds is asked"]
    run.save(update_fields=["notes"])


def _questions(run: ImportRun, accounts: list[int], fresh: set[int], policy: Policy, day: date, now: Any) -> list[Question]:
    lines = _lines(accounts, policy, day)
    of = _sources(line.id for there in lines.values() for line in there)
    agreed, asked, merged = _agreed(of), _asked(accounts), _merged(accounts)
    made = []
    for account, there in lines.items():
        by_systems: dict[tuple[str, str], list[Pair]] = defaultdict(list)
        for pair in _pairs(there, of, fresh, agreed):
            ids = frozenset((pair.one.id, pair.two.id))
            if ids not in asked and len(ids & merged) != 1:
                by_systems[of[pair.one.id], of[pair.two.id]].append(pair)
        for (one, two), pairs in _together(by_systems).items():
            data = _data(one, two, pairs, of, there)
            made.append(Question(run=run, kind=KIND, account_id=account, asked_at=now, data=data))
    return made


def _together(found: Mapping[tuple[str, str], list[Pair]]) -> dict[tuple[str, str], list[Pair]]:
    """The pairs of two systems under one question, whichever came first in each."""
    joined: dict[tuple[str, str], list[Pair]] = {}
    for (one, two), pairs in found.items():
        joined.setdefault((two, one) if (two, one) in joined else (one, two), []).extend(pairs)
    return joined


def _pairs(lines: list[Line], of: Mapping[int, str], fresh: set[int], agreed: Mapping[int, set[str]]) -> list[Pair]:
    found = []
    known = [line for line in lines if line.id in of]
    for place, a in enumerate(known):
        for b in known[place + 1 :]:
            one, two = sorted((a, b), key=lambda line: (line.start, line.id))
            if of[one.id] == of[two.id] or not (one.id in fresh or two.id in fresh) or not (one.mrr > 0 and two.mrr > 0):
                continue
            if one.product is not None and two.product is not None and one.product != two.product:
                continue  # two things sold
            if max(one.start, two.start) < min(one.end, two.end):
                found.append(Pair(one, two, beside=True))
            elif _took_over(one, two) and of[two.id] not in agreed.get(one.id, ()) and of[one.id] not in agreed.get(two.id, ()):
                found.append(Pair(one, two, beside=False))
    return found


def _took_over(one: Line, two: Line) -> bool:
    same = one.subscription == two.subscription and two.cuts and one.end == two.start and one.stated_end > two.start
    return same and (one.mrr, one.currency or "") != (two.mrr, two.currency or one.currency or "")


def _data(one: str, two: str, pairs: list[Pair], of: Mapping[int, str], lines: list[Line]) -> dict[str, Any]:
    """What is kept of a question: the day from which they disagree, what each system's lines come to then, and the pairs."""
    beside = any(pair.beside for pair in pairs)
    day = max(max(pair.one.start, pair.two.start) for pair in pairs)
    sums = {source: {line.id: line.mrr for pair in pairs for line in pair[:2] if of[line.id] == source and _speaks(line, day)} for source in (one, two)}
    paid = sum((line.mrr for line in lines if line.start <= day < line.end), Fraction(0))
    currency = next((line.currency for pair in pairs for line in pair[:2] if line.currency), None)
    return {
        "day": date_of(day).isoformat(), "mrr": _text(paid), "currency": currency, "beside": beside,
        "ways": [{"source": source, "mrr": str(sum(sums[source].values(), Fraction(0)))} for source in (one, two)],  # exact
        "pairs": [[pair.one.id, pair.two.id, of[pair.one.id], of[pair.two.id], pair.one.start, pair.two.start, pair.beside] for pair in pairs],
    }  # fmt: skip


def _speaks(line: Line, day: int) -> bool:
    return line.start <= day < line.stated_end


# -- what an answer does ------------------------------------------------------------------------------------------------


def steps(data: Mapping[str, Any], answer: str) -> list[Step]:
    """What an answer does to the lines of a question: nothing where both hold.

    From the first day on which the line of the system that holds begins, the other's is superseded, as in a merge. Where a later
    amount took the place of an earlier one, the earlier system's goes on, or was the later one from its own start: a correction.
    """
    place = ANSWERS[answer]
    if place is None:
        return []
    holds = data["ways"][place]["source"]
    found: dict[int, Step] = {}
    for one, two, of_one, _of_two, start_one, start_two, beside in data["pairs"]:
        mine, mine_from, other, other_from = (one, start_one, two, start_two) if of_one == holds else (two, start_two, one, start_one)
        if beside:
            step = Step(other, "out") if other_from >= mine_from else Step(other, "ends", date_of(mine_from).isoformat())
        else:
            step = Step(other, "out") if mine == one else Step(other, "like", mine)
        there = found.get(other)
        if there is None or step.does == "out" or (there.does == "ends" == step.does and step.what < there.what):
            found[other] = step
    return list(found.values())


def lines_of(data: Mapping[str, Any]) -> set[int]:
    return {line for pair in data["pairs"] for line in pair[:2]}


def ways_of(data: Mapping[str, Any]) -> tuple[Way, Way]:
    one, two = (Way(way["source"], Fraction(way["mrr"])) for way in data["ways"])
    return one, two


def standing(questions: Iterable[Question]) -> list[Question]:
    """Those of the questions of which every line still counts: none was taken out, excluded or undone. Two queries for each 2,000 lines."""
    asked = [question for question in questions if question.kind == KIND]
    alive: set[int] = set()
    for ids in writing.chunks(sorted({line for question in asked for line in lines_of(question.data)}), LOT):
        alive |= set(SubscriptionLine.objects.filter(id__in=ids, archived_at=None).values_list("id", flat=True))
        alive -= set(active("subscription_lines").filter(object_id__in=ids).values_list("object_id", flat=True))
    return [question for question in asked if lines_of(question.data) <= alive]


def forget(run: ImportRun) -> None:
    """Close the questions whose lines the undo of an import took out: there is nothing left to decide."""
    waiting = list(Question.objects.filter(kind=KIND, answer=""))
    gone: set[int] = set()
    for ids in writing.chunks(sorted({line for question in waiting for line in lines_of(question.data)}), LOT):
        gone |= set(SubscriptionLine.objects.filter(id__in=ids, archived_run=run.pk).values_list("id", flat=True))
    over = [question.pk for question in waiting if lines_of(question.data) & gone]
    Question.objects.filter(pk__in=over).update(answer="undone", answered_at=timezone.now())


def settle_others(question: Question) -> None:
    """Close the account's other questions of which the answer to one took a line out; the answer taken back opens them again."""
    others = list(Question.objects.filter(kind=KIND, account=question.account_id, answer="").exclude(pk=question.pk))
    there = {one.pk for one in standing(others)}
    for one in others:
        if one.pk not in there:
            one.answer, one.answered_at, one.data = SETTLED, timezone.now(), one.data | {"settled_by": question.pk}
            one.save(update_fields=["answer", "answered_at", "data"])


def ask_others_again(question: Question) -> None:
    """What an answer settled beside its own question is open again."""
    for one in Question.objects.filter(kind=KIND, answer=SETTLED, data__settled_by=question.pk):
        one.data.pop("settled_by")
        one.answer, one.answered_at = "", None
        one.save(update_fields=["answer", "answered_at", "data"])


def overruled(accounts: Iterable[int], source: str) -> dict[int, set[Fraction]]:
    """Account -> the monthly amounts of this source over which a person decided that another system holds: heard again, they are no news."""
    found: dict[int, set[Fraction]] = defaultdict(set)
    for ids in writing.chunks(sorted(accounts), LOT):
        rows = Question.objects.filter(kind=KIND, account_id__in=ids, answer__in=(FIRST, SECOND))
        for account, answer, data in rows.values_list("account_id", "answer", "data"):
            other = data["ways"][1 - (ANSWERS[answer] or 0)]
            if other["source"] == source:
                found[account].add(Fraction(other["mrr"]))
    return found


# -- what there is ------------------------------------------------------------------------------------------------------


def _lines(accounts: list[int], policy: Policy, day: date) -> dict[int, list[Line]]:
    """The accounts' lines with the days between which they count."""
    table, contracts, events = (current_rows(record, accounts) for record in ("subscription_lines", "contracts", "churn_events"))
    if not table.num_rows:
        return {}
    when = counting(table, contracts, events, policy, day)
    excluded = set(active("subscription_lines").filter(account_id__in=accounts).values_list("object_id", flat=True))
    found: dict[int, list[Line]] = defaultdict(list)
    for place, row in enumerate(table.to_pylist()):
        if row["line_id"] not in excluded:
            stated = FAR if row["end_on"] is None else day_number(row["end_on"])
            found[row["account_id"]].append(Line(
                row["line_id"], row["account_id"], row["subscription_id"], row["product_id"], int(when.start[place]), int(when.end[place]), stated,
                Fraction(row["mrr_num"] or 0, row["mrr_den"] or 1), row["currency"], bool(row["cuts"]),
            ))  # fmt: skip
    return found


def _sources(lines: Iterable[int]) -> dict[int, str]:
    """Line -> the system that stated it first."""
    found: dict[int, str] = {}
    for ids in writing.chunks(sorted(lines), LOT):
        rows = ExternalId.objects.filter(record="subscription_lines", object_id__in=ids).exclude(row_hash=TAKEN_OUT).order_by("-id")
        found |= dict(rows.values_list("object_id", "source"))
    return found


def _agreed(lines: Iterable[int]) -> dict[int, set[str]]:
    """Line -> systems that said the same of their day: another amount of theirs later is their own change, and this one is theirs too."""
    found: dict[int, set[str]] = defaultdict(set)
    for ids in writing.chunks(sorted(lines), LOT):
        for line, source in NoNews.objects.filter(line_id__in=ids).values_list("line_id", "run__source"):
            found[line or 0].add(source)
    return found


def _asked(accounts: list[int]) -> set[frozenset[int]]:
    """Pairs that were asked about, whatever the answer."""
    rows = Question.objects.filter(kind=KIND, account_id__in=accounts).exclude(answer="undone").values_list("data", flat=True)
    return {frozenset(pair[:2]) for data in rows for pair in data["pairs"]}


def _merged(accounts: list[int]) -> set[int]:
    """Lines that a merge brought to the accounts: which of the two hold was said there."""
    rows = AccountMerge.objects.filter(ended_at=None, kept_id__in=accounts).values_list("moved", flat=True)
    return {line for moved in rows for line in moved.get("subscription_lines", [])}


def _text(amount: Fraction) -> str:
    return format(rounded(amount, 2), "f")
