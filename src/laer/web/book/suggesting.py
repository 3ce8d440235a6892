"""Pairs of accounts that may be one customer: found after an import, decided by a person (`merging.py`).

Only accounts that the import made are looked at, each against the rest of the book, and only pairs that no source holds
apart by two ids of its own. A name is no id: a list that calls a customer `acme` where it said `Acme` before may mean the
same one, and its money counts twice until somebody decides; the import says so, and the question about the one it no longer
names. Two names that a source gives side by side are apart, unless only case and spaces tell them apart.

Names are compared where they share a block: the beginning of their first word, or any other word that few accounts have,
so that a thousand new accounts against a hundred thousand take seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from rapidfuzz import fuzz

from laer.metrics.policy import load_policy
from laer.web.book import between, writing
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import Account, ExternalId, ImportRun, MatchSuggestion, NoNews, SubscriptionLine
from laer.web.book.naming import country_of, exact_name, own_domain, words_of

LEAST = 90  # score from which a pair is worth a person's time
ALIKE = 80  # of the whole names where one is not contained in the other
CROWD = 400  # accounts of a block above which its word tells nothing
RARE = 3  # accounts whose names begin with one word, up to which one name within another is telling
EACH = 5  # suggestions an account gets at most
MOST = 2_000  # and an import
NAMED = 5  # pairs that a note names
ROWS = 5_000
SIMILAR = "similar"


@dataclass(frozen=True)
class One:
    """An account as it is compared."""

    pk: int
    name: str
    words: tuple[str, ...]
    domain: str | None
    country: str | None

    @property
    def loose(self) -> str:
        return " ".join(self.words)


Pair = tuple[One, One, int, str, dict[str, Any]]  # new, other, score, rule, evidence


def suggest(run: ImportRun) -> int:
    """Suggest pairs for the accounts that a run made. Called again it adds nothing; a pair that was dismissed stays so."""
    made = Account.objects.filter(archived_at=None, created_run=run)
    if not ImportRun.objects.exclude(source=run.source).exclude(pk=run.pk).exists():  # a source's own ids hold its accounts apart, its names do not
        called = dict(made.values_list("id", "name"))
        made = made.exclude(id__in=_called(called)[0].keys()) if called else made.none()
    fresh = [_one(row) for row in _read(made)]
    if not fresh:
        return 0
    old_ones = Account.objects.filter(archived_at=None).exclude(created_run=run).exists()
    found = sorted([*(_pairs(fresh) if old_ones else ()), *_alike(fresh)], key=lambda pair: -pair[2])
    if not found:
        return 0
    ids, names = _called({one.pk: one.name for left, right, *_ in found for one in (left, right)})
    still = _named_by(run, {old.pk for _, old, *_ in found})
    now = timezone.now()
    chosen: list[Pair] = []
    times: dict[int, int] = {}
    for pair in found:
        new, old = pair[:2]
        if ids.get(new.pk, set()) & ids.get(old.pk, set()) or times.get(new.pk, 0) >= EACH or len(chosen) >= MOST:
            continue
        together = (ids.get(new.pk, set()) | names.get(new.pk, set())) & (ids.get(old.pk, set()) | names.get(old.pk, set()))
        if together and (exact_name(new.name) != exact_name(old.name) if old.pk in still else new.loose != old.loose):
            continue  # named side by side, or merely alike among one system's own customers
        times[new.pk] = times.get(new.pk, 0) + 1
        chosen.append(pair)
    _weigh(run, chosen)
    kept = [(*sorted((new.pk, old.pk)), rule, score, evidence) for new, old, score, rule, evidence in chosen]
    for part in writing.chunks(kept):
        MatchSuggestion.objects.bulk_create(
            [MatchSuggestion(left_id=a, right_id=b, rule=rule, score=score, evidence=why, run=run, made_at=now) for a, b, rule, score, why in part],
            ignore_conflicts=True,
        )
    return len(kept)


def _pairs(fresh: list[One]) -> Iterator[Pair]:
    """Pairs above the threshold."""
    mine = {one.pk for one in fresh}
    wanted = {block for one in fresh for block in _blocks(one)}
    blocks: dict[str, list[One]] = {}
    heads: dict[str, int] = {}
    for row in _read(Account.objects.filter(archived_at=None)):
        one = _one(row)
        if one.words:
            heads[one.words[0]] = heads.get(one.words[0], 0) + 1
        if one.pk not in mine:
            for block in _blocks(one) & wanted:
                blocks.setdefault(block, []).append(one)
    for new in fresh:
        there = [blocks.get(block, []) for block in sorted(_blocks(new))]
        seen: dict[int, One] = {old.pk: old for block in there if len(block) <= CROWD for old in block}
        for old in seen.values():
            judged = _judge(new, old, heads)
            if judged:
                yield new, old, *judged


def _alike(fresh: list[One]) -> Iterator[Pair]:
    """Accounts that one import made and whose names differ in case and spaces only."""
    first: dict[str, One] = {}
    for one in fresh:
        there = first.setdefault(exact_name(one.name), one)
        if there is not one and there.name:
            yield one, there, 100, "name", _evidence(one, there)


def _weigh(run: ImportRun, pairs: list[Pair]) -> None:
    """What both of a pair pay a month, where their names differ in spelling only: into its evidence, the import's notes and its question."""
    spelled = [(new, old, evidence) for new, old, _, _, evidence in pairs if new.loose == old.loose]
    if not spelled:
        return
    day = run.file_date or timezone.localdate()
    paid = lines_in_force({one.pk for new, old, _ in spelled for one in (new, old)}, day, load_policy(settings.POLICY))
    asked = {q.account_id: q for q in run.questions.filter(answer="").exclude(kind=between.KIND)}
    twice: Counter[str] = Counter()
    told: list[str] = []
    for new, old, evidence in spelled:
        ours, theirs = (sum((line.mrr for line in paid.get(one.pk, [])), Fraction(0)) for one in (new, old))
        if not ours or not theirs:
            continue
        currency = next((line.currency for line in paid[new.pk] if line.currency), None)
        evidence |= {"twice": _amount(min(ours, theirs)), "currency": currency}
        twice[currency or ""] += round(min(ours, theirs) * 100)
        told.append(f"{new.name} and {old.name}")
        if old.pk in asked:
            question = asked[old.pk]
            question.data["like"] = {"account": new.pk, "name": new.name, "mrr": _amount(ours), "twice": evidence["twice"]}
            question.save(update_fields=["data"])
    if told:
        total = ", ".join(f"{_amount(Fraction(cents, 100))}{f' {code}' if code else ''}" for code, cents in sorted(twice.items()))
        more = f" and {len(told) - NAMED:,} more" if len(told) > NAMED else ""
        pairs_said = f"May be one customer each: {'; '.join(told[:NAMED])}{more}"
        run.notes = [*run.notes, f"{pairs_said}. If so, {total} a month counts twice: say so under Same customer?"]
        run.save(update_fields=["notes"])


def _amount(mrr: Fraction) -> str:
    return format(Decimal(mrr.numerator) / Decimal(mrr.denominator), ".2f")


def _judge(new: One, old: One, heads: dict[str, int]) -> tuple[int, str, dict[str, Any]] | None:
    same_domain = new.domain is not None and new.domain == old.domain
    score = round(fuzz.WRatio(new.loose, old.loose))
    if same_domain:
        return max(score, LEAST), "domain", _evidence(new, old)
    if exact_name(new.name) == exact_name(old.name):
        return 100, "name", _evidence(new, old)
    if score < LEAST:
        return None
    whole = fuzz.token_sort_ratio(new.loose, old.loose)
    contained = set(new.words) <= set(old.words) or set(old.words) <= set(new.words)
    if whole < ALIKE and not (contained and heads.get(new.words[0], 0) <= RARE):
        return None
    differ = new.domain and old.domain and not same_domain
    return (max(LEAST, score - 5) if differ else score), SIMILAR, _evidence(new, old)


def _evidence(new: One, old: One) -> dict[str, Any]:
    """What agrees and what differs, for whoever decides."""
    agree: list[str] = []
    differ: list[str] = []
    for word, ours, theirs in (("domain", new.domain, old.domain), ("country", new.country, old.country), ("name", new.loose, old.loose)):
        if ours and theirs:
            (agree if ours == theirs else differ).append(word)
    return {"agree": agree, "differ": differ}


def _blocks(one: One) -> set[str]:
    """Where an account is looked for: its domain, its whole name, the first four letters of its first word, and its other words whole."""
    found = {f"w:{word}" for word in one.words if len(word) > 2} | {f"n:{one.loose}"}
    if one.words:
        found.add(f"h:{one.words[0][:4]}")
    if one.domain:
        found.add(f"d:{one.domain}")
    return found


def _called(accounts: Mapping[int, str]) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Account -> sources that gave it an id of its own, which hold it apart from what else has one; and sources that call it by its name."""
    ids: dict[int, set[str]] = {}
    names: dict[int, set[str]] = {}
    called = {account: exact_name(name) for account, name in accounts.items()}
    for part in writing.chunks(sorted(called), ROWS):
        rows = ExternalId.objects.filter(record="accounts", object_id__in=part).exclude(row_hash=TAKEN_OUT)
        for account, source, name in rows.values_list("object_id", "source", "external_id"):
            of = names if name.startswith("~") or exact_name(name) == called[account] else ids
            of.setdefault(account, set()).add(source)
    return ids, names


def _named_by(run: ImportRun, accounts: Iterable[int]) -> set[int]:
    """Those of the accounts that an import names: in a row of their own, or in one of what they pay."""
    found: set[int] = set()
    for part in writing.chunks(sorted(accounts), ROWS):
        found |= set(ExternalId.objects.filter(record="accounts", object_id__in=part, stated_run=run.pk).values_list("object_id", flat=True))
        found |= set(NoNews.objects.filter(run=run, account_id__in=part).values_list("account_id", flat=True))
        lines = SubscriptionLine.objects.filter(account_id__in=part, archived_at=None).values("id")
        stated = ExternalId.objects.filter(record="subscription_lines", stated_run=run.pk, object_id__in=lines).values("object_id")
        found |= set(SubscriptionLine.objects.filter(id__in=stated).values_list("account_id", flat=True))
    return found


def _read(accounts: models.QuerySet[Account]) -> Iterator[tuple[Any, ...]]:
    return accounts.values_list("id", "name", "domain", "country").iterator(ROWS)


def _one(row: tuple[Any, ...]) -> One:
    pk, name, domain, country = row
    return One(pk, name, tuple(words_of(name)), own_domain(domain), country_of(country))


# -- what a person decides ----------------------------------------------------------------------------------------------


def open_pairs() -> models.QuerySet[MatchSuggestion]:
    """Suggestions that wait for a decision: both accounts are in the book. Causes no query."""
    return MatchSuggestion.objects.filter(state=MatchSuggestion.State.OPEN, left__archived_at=None, right__archived_at=None)
