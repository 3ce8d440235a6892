"""Pairs of accounts that may be one customer: found after an import, decided by a person (`merging.py`).

Only accounts that the import made are looked at, each against the rest of the book, and only pairs that no source holds
apart by two ids of its own. Names are compared where they share a block: the beginning of their first word, or any
other word that few accounts have, so that a thousand new accounts against a hundred thousand take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils import timezone
from rapidfuzz import fuzz

from laer.web.book import writing
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import Account, ExternalId, ImportRun, MatchSuggestion
from laer.web.book.naming import country_of, exact_name, own_domain, words_of

LEAST = 90  # score from which a pair is worth a person's time
ALIKE = 80  # of the whole names where one is not contained in the other
CROWD = 400  # accounts of a block above which its word tells nothing
RARE = 3  # accounts whose names begin with one word, up to which one name within another is telling
EACH = 5  # suggestions an account gets at most
MOST = 2_000  # and an import
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


def suggest(run: ImportRun) -> int:
    """Suggest pairs for the accounts that a run made. Called again it adds nothing; a pair that was dismissed stays so."""
    if not ImportRun.objects.exclude(source=run.source).exclude(pk=run.pk).exists():
        return 0
    fresh = Account.objects.filter(archived_at=None, created_run=run)
    if not fresh.exists() or not Account.objects.filter(archived_at=None).exclude(created_run=run).exists():
        return 0
    found = sorted(_pairs([_one(row) for row in _read(fresh)]), key=lambda pair: -pair[2])
    apart = _apart({one.pk for left, right, *_ in found for one in (left, right)})
    now = timezone.now()
    kept: list[tuple[Any, ...]] = []
    times: dict[int, int] = {}
    for new, old, score, rule, evidence in found:
        if apart.get(new.pk, set()) & apart.get(old.pk, set()) or times.get(new.pk, 0) >= EACH or len(kept) >= MOST:
            continue
        times[new.pk] = times.get(new.pk, 0) + 1
        left, right = sorted((new.pk, old.pk))
        kept.append((left, right, rule, score, evidence))
    for part in writing.chunks(kept):
        MatchSuggestion.objects.bulk_create(
            [MatchSuggestion(left_id=a, right_id=b, rule=rule, score=score, evidence=why, run=run, made_at=now) for a, b, rule, score, why in part],
            ignore_conflicts=True,
        )
    return len(kept)


def _pairs(fresh: list[One]) -> Iterator[tuple[One, One, int, str, dict[str, Any]]]:
    """(new, other, score, rule, evidence) of pairs above the threshold."""
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


def _apart(ids: Iterable[int]) -> dict[int, set[str]]:
    """Account -> sources that gave it an id: a source that gave two ids to a pair holds it apart itself."""
    found: dict[int, set[str]] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), ROWS):
        rows = ExternalId.objects.filter(record="accounts", object_id__in=wanted[start : start + ROWS]).exclude(row_hash=TAKEN_OUT)
        for account, source in rows.values_list("object_id", "source"):
            found.setdefault(account, set()).add(source)
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
