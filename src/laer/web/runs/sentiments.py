"""Scoring texts: each once, and again where it, its rating or the formula changed. Done by passes and, for what is too much for one, by a job.

Which texts are new or changed is found by a digest of all that a score is made of, read in order of their numbers. A pass over the whole book reads
them only where the change log names their accounts, or where there are more or fewer texts than scores: to read half a million each night to find
nothing takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Trim
from django.utils import timezone

from laer.adopt.sentiment import MAKING, hear, rated
from laer.web.book.models import DirtyAccount, FieldChange, Note, SurveyResponse, Ticket
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import PassRun
from laer.web.work.models import TextOf, TextSentiment, Touch

IN_PASS = 5_000  # texts that a pass scores itself, the newest first: about a second
READ, WRITTEN = 5_000, 250  # rows that are read at a time, and written in one transaction
SOME = 500  # accounts that are looked for at a time
MANY = 5_000  # accounts named by the change log from which on all texts are read
KEY = "sentiment"
MADE = ("account_id", "written_on", "score", "level", "unscored", "rated", "rated_on", "made_of", "archived_at")


@dataclass(slots=True)
class Written:
    """A text as it stands."""

    row: int
    account_id: int
    text: str
    on: date
    rated: int | None = None
    rated_on: date | None = None

    @property
    def digest(self) -> int:
        """What a score is made of, as a number of 64 bits."""
        made_of = f"{MAKING} {self.account_id} {self.on} {self.rated} {self.rated_on} {self.text}"
        return int.from_bytes(blake2b(made_of.encode(), digest_size=8).digest(), "big", signed=True)


def score_texts(
    accounts: Collection[int] | None = None, most: int | None = None, beat: Callable[[], None] = lambda: None, kinds: Collection[str] | None = None
) -> tuple[set[int], bool]:
    """Score what is new or changed; whose accounts' texts were written, and whether some were left for another time.

    In   accounts  only theirs; None: all
         most      texts at most;  kinds  of `SOURCES`; None: all
    """
    touched: set[int] = set()
    left = most
    for kind in SOURCES if kinds is None else kinds:
        source = SOURCES[kind]
        for rows in _pages(source.rows(), accounts):
            beat()
            given = [text for row in rows if (text := source.read(row)) is not None]
            done, more = _score(kind, {row[0] for row in rows}, given, left)
            touched |= done
            if left is not None:
                left -= more
                if left <= 0:
                    return touched, True
    return touched, False


def before_pass(accounts: Collection[int] | None, before: PassRun | None) -> None:
    """What a pass does first, so that its facts know the texts that it finds. What is left goes to a job, after which another pass follows.

    In   accounts  those of a small pass; None: the whole book;  before  the pass before, which knew the texts of then
    """
    if accounts is None and before is not None and before.position.get("texts") == MAKING:
        left = _score_since(before)
    else:
        _, left = score_texts(accounts, IN_PASS)
    if left:
        enqueue(KEY, unique_key=KEY, priority=-1)


def _score_since(before: PassRun) -> bool:
    """Kinds of which there are more or fewer texts than scores are read whole, of the others the accounts that the change log names."""
    log = FieldChange.objects.filter(pk__gt=before.position.get("field_changes", 0), record__in=[one.record for one in SOURCES.values()])
    changed = set(log.values_list("account_id", flat=True).distinct()[: MANY + 1])
    named = sorted(account for account in changed if account is not None)
    if len(changed) > MANY or None in changed:
        return score_texts(None, IN_PASS)[1]
    live = TextSentiment.objects.filter(archived_at=None)
    whole = [kind for kind, source in SOURCES.items() if source.texts() != live.filter(kind=kind).count()]
    touched, left = score_texts(None, IN_PASS, kinds=whole) if whole else (set[int](), False)
    if named and not left:
        left = score_texts(named, IN_PASS - len(touched), kinds=[kind for kind in SOURCES if kind not in whole])[1]
    return left


def score_rest(beat: Callable[[], None]) -> None:
    """What the job does."""
    touched, _ = score_texts(beat=beat)
    if touched:
        mark(touched)


def mark(accounts: Collection[int]) -> None:
    """Have facts of accounts computed again; of many the whole book."""
    now = timezone.now()
    ids: list[int | None] = sorted(accounts) if len(accounts) <= SOME else [None]  # type: ignore[assignment]
    DirtyAccount.objects.bulk_create(DirtyAccount(account_id=pk, since=now) for pk in ids)


def _score(kind: str, seen: set[int], given: Iterable[Written], most: int | None) -> tuple[set[int], int]:
    """Write what differs from what is kept; whose it is, and how many texts were scored."""
    there = TextSentiment.objects.filter(kind=kind, archived_at=None)
    there = there.filter(row__in=seen) if len(seen) <= SOME else there.filter(row__gte=min(seen), row__lte=max(seen))
    kept = {row: (made_of, account) for row, made_of, account in there.values_list("row", "made_of", "account_id") if row in seen}
    new, texts = [], set[int]()
    for text in given:
        texts.add(text.row)
        if text.row not in kept or kept[text.row][0] != text.digest:
            new.append(text)
    gone = [row for row in kept if row not in texts]
    now = timezone.now()
    new.sort(key=lambda text: text.row, reverse=True)
    new = new[:most]
    for part in (new[at : at + WRITTEN] for at in range(0, len(new), WRITTEN)):
        made = [_made(kind, text) for text in part]  # before the transaction: scoring takes longer than writing
        with transaction.atomic():
            TextSentiment.objects.bulk_create(made, update_conflicts=True, unique_fields=["kind", "row"], update_fields=list(MADE))
    for start in range(0, len(gone), WRITTEN):
        TextSentiment.objects.filter(kind=kind, row__in=gone[start : start + WRITTEN]).update(archived_at=now)
    return {text.account_id for text in new} | {kept[row][1] for row in gone}, len(new)


def _made(kind: str, text: Written) -> TextSentiment:
    heard = hear(text.text)
    return TextSentiment(
        account_id=text.account_id, kind=kind, row=text.row, written_on=text.on, score=heard.score, level=heard.level, unscored=heard.why,
        rated=text.rated, rated_on=text.rated_on if text.rated is not None else None, made_of=text.digest, archived_at=None,
    )  # fmt: skip


# -- where texts are ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """rows: tuples that begin with (number, account, archived_at);  read: one as a text, None where it has none;  record: as the change log calls them"""

    model: Any
    record: str
    columns: tuple[str, ...]  # the text first
    read: Callable[[tuple[Any, ...]], Written | None]

    def rows(self) -> QuerySet[Any, tuple[Any, ...]]:
        found: QuerySet[Any, tuple[Any, ...]] = self.model.objects.values_list("pk", "account_id", "archived_at", *self.columns)
        return found

    def texts(self) -> int:
        """How many there are."""
        there = self.model.objects.filter(archived_at=None).exclude(**{f"{self.columns[0]}__isnull": True})
        return int(there.annotate(words=Trim(self.columns[0])).exclude(words="").count())


def _day(at: datetime) -> date:
    return at.astimezone(timezone.get_default_timezone()).date()


def _text(pk: int, account: int, archived: datetime | None, text: str | None, on: date) -> Written | None:
    return None if archived is not None or not text or not text.strip() else Written(pk, account, text, on)


def _note(row: tuple[Any, ...]) -> Written | None:
    pk, account, archived, text, written_on, created_at = row
    return _text(pk, account, archived, text, written_on or _day(created_at))


def _touch(row: tuple[Any, ...]) -> Written | None:
    pk, account, archived, text, at = row
    return _text(pk, account, archived, text, _day(at))


def _ticket(row: tuple[Any, ...]) -> Written | None:
    """A ticket's satisfaction is known when it is closed; of one that is open it is not known when it was said."""
    pk, account, archived, text, at, closed_at, satisfaction = row
    made = _text(pk, account, archived, text, _day(at))
    said = _number(satisfaction)
    return made if made is None or closed_at is None else replace(made, rated=rated("csat", said), rated_on=_day(closed_at))


def _answer(row: tuple[Any, ...]) -> Written | None:
    pk, account, archived, text, on, kind, score = row
    made = _text(pk, account, archived, text, on)
    return made and replace(made, rated=rated(kind or "", _number(score)), rated_on=on)


def _number(text: str | None) -> Decimal | None:
    try:
        found = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


SOURCES: dict[str, Source] = {
    TextOf.TOUCH: Source(Touch, "touches", ("summary", "at"), _touch),
    TextOf.NOTE: Source(Note, "notes", ("text", "written_on", "created_at"), _note),
    TextOf.ANSWER: Source(SurveyResponse, "survey_responses", ("comment", "answered_on", "kind", "score"), _answer),
    TextOf.TICKET: Source(Ticket, "tickets", ("subject", "opened_at", "closed_at", "satisfaction"), _ticket),
}


def _pages(rows: QuerySet[Any, tuple[Any, ...]], accounts: Collection[int] | None) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of some accounts or of all, from the newest on, READ at a time."""
    parts: list[list[int] | None] = [None]
    if accounts is not None:
        ids = sorted(accounts)
        parts = [ids[at : at + SOME] for at in range(0, len(ids), SOME)]
    for part in parts:
        mine = rows if part is None else rows.filter(account_id__in=part)
        below = None
        while True:
            page = list((mine if below is None else mine.filter(pk__lt=below)).order_by("-pk")[:READ])
            if page:
                yield page
            if len(page) < READ:
                break
            below = page[-1][0]
