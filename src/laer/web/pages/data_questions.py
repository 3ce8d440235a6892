"""Questions: what an import could not decide about a customer, one row each with its answers."""

from __future__ import annotations

from datetime import date
from itertools import chain

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.records.money import rounded
from laer.web.book import between, settling
from laer.web.book.actions import Refused
from laer.web.book.models import Question
from laer.web.book.undated import ANSWERS, BLANK, data_of
from laer.web.pages.data import frame, user_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.record_words import counted
from laer.web.runs import queries
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

SHOWN = 200
HEADER = ("account_id", "account", "since_on", "noticed", "mrr", "currency", "source")
SAID = {
    "left": gettext_lazy("The account ends on the day of the list"),
    "filtered": gettext_lazy("The account stays as it is, and is not asked about again"),
    "renamed": gettext_lazy("It is merged with the customer that is spelled like it, where there is one; else it stays until it is merged"),
}


@require_safe
def questions(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    waiting = settling.of_lists(user)
    amounts = between.standing(settling.of_amounts(user)[: SHOWN + 1])
    currency = queries.currency_of(queries.last_run())
    if form := format_of(request):
        every = chain(waiting.iterator(2_000), between.standing(settling.of_amounts(user)))
        return export(f"questions-{timezone.localdate().isoformat()}", HEADER, (_cells(question, currency) for question in every), form)
    rows = [_row(question, currency) for question in waiting[:SHOWN]]
    total = waiting.count()
    context = frame(user, "questions") | {
        "rows": rows,
        "answers": [{"value": value, "label": label, "title": SAID[value]} for value, label in ANSWERS.items()],
        "amounts": [_row_of_amounts(question, currency) for question in amounts[:SHOWN]],
        "state": {"shown": ngettext(
            "%(n)s question about a customer",
            "%(n)s questions about customers",
            total + len(amounts),
        ) % {"n": number(total + len(amounts))} if total or amounts else None},
        "more": total - len(rows),
        "download_url": request.path if total or amounts else None,
    }
    return render(request, "pages/questions.html", context)


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """One answer for the rows that are ticked."""
    user, said = user_of(request), request.POST.get("answer", "")
    ids = [int(i) for i in request.POST.getlist("question") if i.isascii() and i.isdigit() and len(i) < 19]
    done = []
    for question_id in ids[:SHOWN]:
        try:
            done.append(settling.answer_question(user, question_id, said))
        except Refused as error:
            messages.error(request, str(error))
            break
    if done:
        names = done[0].account.name if len(done) == 1 else counted("accounts", len(done), number(len(done)))
        tags = f"undo:/data/questions/{done[0].pk}/undo/" if len(done) == 1 else ""
        words = ANSWERS[said].lower() if said in ANSWERS else _said_of_amounts(done, said)
        messages.success(request, f"{names}: {words}", extra_tags=tags)
    elif not ids:
        messages.warning(request, _("No row was ticked."))
    return redirect("questions")


@require_POST
def undo(request: HttpRequest, question_id: int) -> HttpResponse:
    question = settling.take_back_answer(user_of(request), question_id)
    messages.success(request, _("%(name)s: the question is open again") % {"name": question.account.name})
    return redirect("questions")


def _said_of_amounts(done: list[Question], said: str) -> str:
    place = between.ANSWERS[said]
    if place is None:
        return _("it stays as it is counted")
    return _("%(source)s is right") % {"source": ", ".join(sorted({between.ways_of(question.data)[place].source for question in done}))}


def _row_of_amounts(question: Question, currency: str) -> dict[str, object]:
    """A customer whose amounts disagree: what each system says, as it is counted now, and the answers that there are."""
    data = question.data
    one, two = between.ways_of(data)
    beside = data["beside"]
    ways = [{"source": way.source, "mrr": rounded(way.mrr, 2), "answer": said} for way, said in ((one, between.FIRST), (two, between.SECOND))]
    return {
        "question_id": question.pk,
        "name": question.account.name,
        "url": f"/accounts/{question.account_id}/",
        "day": date.fromisoformat(data["day"]),
        "currency": data["currency"] or currency,
        "ways": ways,
        "beside": beside,
        "keep": between.BESIDE_HOLDS if beside else between.CHANGE_HOLDS,
        "run_url": f"/data/import/{question.run_id}/",
    }


def _row(question: Question, currency: str) -> dict[str, object]:
    data = data_of(question)
    why = _("is in it without an amount") if question.kind == BLANK else _("is not in it")
    return {
        "question_id": question.pk,
        "name": question.account.name,
        "url": f"/accounts/{question.account_id}/",
        "why": why,
        "day": data["day"],
        "mrr": data["mrr"],
        "currency": data["currency"] or currency,
        "run_url": f"/data/import/{question.run_id}/",
        "source": question.run.source,
        "like": question.data.get("like"),
    }


def _cells(question: Question, currency: str) -> tuple[object, ...]:
    if question.kind == between.KIND:
        said = _row_of_amounts(question, currency)
        own = str(said["currency"])
        one, two = between.ways_of(question.data)
        noticed = f"{one.source} says {rounded(one.mrr, 2)}, {two.source} says {rounded(two.mrr, 2)} a month"
        return question.account_id, said["name"], said["day"], noticed, Money(data_of(question)["mrr"], own), own, question.run.source
    row = _row(question, currency) | {"why": "is in it without an amount" if question.kind == BLANK else "is not in it"}  # a file is no page
    own, like = str(row["currency"]), question.data.get("like")
    twice = f"; {like['name']}, new in it, may be the same: {like['twice']} a month would count twice" if like else ""
    return question.account_id, row["name"], row["day"], f"it {row['why']}{twice}", Money(row["mrr"], own), own, row["source"]  # type: ignore[arg-type]
