"""How texts sound, as pages show it: what the words say, what outranks them, and what a person says instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused
from laer.web.book.models import FieldChange
from laer.web.people.models import User
from laer.web.work.models import Sentiment, TextSentiment
from laer.web.work.scope import editable_sentiments
from laer.web.work.writing import write_rows

LEVELS = {Sentiment.GOOD: 1, Sentiment.NEUTRAL: 0, Sentiment.BAD: -1}
WORDS = {level: word for word, level in LEVELS.items()}


def correct_sentiment(user: User, sentiment_id: int, said: str) -> tuple[TextSentiment, FieldChange | None]:
    """Say how a text sounds, whatever its words or a number say; an empty word takes that back.

    Raises  PermissionDenied where the person may not edit the account, Refused for another word
    """
    row = editable_sentiments(user).filter(pk=sentiment_id if sentiment_id < 2**63 else 0).first()
    if row is None:
        raise PermissionDenied
    if said and said not in LEVELS:
        raise Refused(_("Sentiment: found '%(found)s', expected one of %(expected)s") % {"found": said[:20], "expected": ", ".join(map(str, Sentiment.labels))})
    level = LEVELS[Sentiment(said)] if said else None
    if row.corrected == level:
        return row, None
    values = {"corrected": level, "corrected_at": timezone.now() if said else None, "corrected_by_id": user.pk if said else None}
    return row, write_rows(user, "text_sentiments", [(row, values)])


def sentiments_of(account_id: int, wanted: Iterable[tuple[str, Collection[int]]]) -> dict[tuple[str, int], TextSentiment]:
    """Those of some rows of one account that the reader may see already, by kind and number. One query, none where there are no rows."""
    named = [Q(kind=kind, row__in=rows) for kind, rows in wanted if rows]
    if not named:
        return {}
    found = TextSentiment.objects.filter(reduce(or_, named), account_id=account_id, archived_at=None).select_related("corrected_by__person")
    return {(one.kind, one.row): one for one in found}
