"""How a text sounds, beside the text, and where a person says otherwise."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.adopt.sentiment import LANGUAGE, NOTHING
from laer.web.book.actions import Refused
from laer.web.book.trail import name_of
from laer.web.pages.account_edit import came_from
from laer.web.pages.accounts import user_of
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy
from laer.web.work.models import Sentiment, TextSentiment
from laer.web.work.sentiments import WORDS, correct_sentiment

LEVEL_OF = {word.value: level for level, word in WORDS.items()}
SOUNDS = {1: (gettext_lazy("sounds good"), "good"), 0: (gettext_lazy("sounds neutral"), ""), -1: (gettext_lazy("sounds bad"), "bad")}
WHY_NOT = {LANGUAGE: gettext_lazy("its language is not known, or not English"), NOTHING: gettext_lazy("it has nothing but courtesies")}


def shown(row: TextSentiment | None, editable: bool) -> dict[str, Any] | None:
    """What a page says of a text: the sentiment that counts, where it comes from, and what was outranked."""
    if row is None:
        return None
    counts = next((level for level in (row.corrected, row.rated, row.level) if level is not None), None)
    text, tone = SOUNDS[counts] if counts is not None else (_("not scored"), "")
    reasons = []
    if row.corrected is not None:
        reasons.append(_("said by %(who)s") % {"who": name_of(row.corrected_by) or _("somebody")})
    if row.rated is not None:
        reasons.append(_("the customer's own rating: %(level)s") % {"level": Sentiment(WORDS[row.rated]).label})
    if row.score is not None:
        said = {"level": Sentiment(WORDS[row.level or 0]).label, "score": number(round(row.score, 2))}
        reasons.append(_("its words: %(level)s, %(score)s on a scale from −1 to 1") % said)
    elif row.unscored:
        reasons.append(_("not scored: %(why)s") % {"why": WHY_NOT[row.unscored]})
    return {
        "id": row.pk, "text": text, "tone": tone, "reasons": reasons, "corrected": row.corrected is not None,
        "choices": [(value, label, LEVEL_OF[value] == row.corrected) for value, label in Sentiment.choices] if editable else [],
    }  # fmt: skip


@require_POST
def correct(request: HttpRequest, sentiment_id: int) -> HttpResponse:
    """Say how a text sounds instead; an empty word goes back to what was scored."""
    try:
        row, change = correct_sentiment(user_of(request), sentiment_id, request.POST.get("sentiment", ""))
    except PermissionDenied:
        raise Http404 from None
    except Refused as refused:
        messages.error(request, str(refused))
        return came_from(request, reverse("home"))
    said = _("Sentiment corrected") if row.corrected is not None else _("Sentiment as it was scored")
    messages.success(request, said, extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}" if change else "")
    back = reverse("account", args=[row.account_id]) + "?tab=feed"
    return came_from(request, back)


urlpatterns: list[URLPattern] = [path("sentiments/<int:sentiment_id>/", correct, name="sentiment_correct")]
