"""What people settle that no file could say: a customer who is missing from a list, a contract whose renewal nobody knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.metrics.policy import load_policy
from laer.web.book.actions import Refused, editable_row, write_fields
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import Contract, FieldChange, Question, SubscriptionLine
from laer.web.book.scope import editable_accounts, editable_rows
from laer.web.book.undated import ANSWERS, day_of
from laer.web.people.audit import log_event
from laer.web.people.models import Act, User
from laer.web.wording import gettext_lazy

DECISIONS = {"renewed": gettext_lazy("It renewed by itself"), "ended": gettext_lazy("It ended")}


def open_questions(user: User) -> Any:
    """Questions about accounts that the person may edit, oldest first. Causes no query."""
    waiting = Question.objects.filter(editable_rows(user), answer="").select_related("account", "run")
    return waiting.order_by("id")


def answer_question(user: User, question_id: int, answer: str) -> Question:
    """Say what became of a customer whom a list left out.

    `left` ends what it pays on the day of the list; the other answers change no figure.
    Raises  PermissionDenied where the person may not edit the account, Refused for an answer that does not exist or comes twice
    """
    question = _question(user, question_id)
    if answer not in ANSWERS:
        raise Refused(_("found the answer '%(answer)s', expected one of %(answers)s") % {"answer": answer, "answers": ", ".join(ANSWERS)})
    with transaction.atomic():
        question = Question.objects.select_for_update(of=("self",)).select_related("account").get(pk=question.pk)  # of two answers at once the first holds
        if question.answer:
            raise Refused(_("this question was answered already"))
        if answer == "left":
            question.data["changes"] = [change.pk for change in _end_lines(user, question)]
        now = timezone.now()
        log_event(Act.ANSWERED, user, subject=question.account.name, details={"question": question.pk, "account": question.account_id, "answer": answer})
        question.answer, question.answered_by, question.answered_at = answer, user, now
        question.save(update_fields=["answer", "answered_by", "answered_at", "data"])
    return question


def take_back_answer(user: User, question_id: int) -> Question:
    """Open a question again and put back what its answer changed, but for what somebody changed since."""
    question = _question(user, question_id)
    with transaction.atomic():
        question = Question.objects.select_for_update(of=("self",)).select_related("account").get(pk=question.pk)
        if not question.answer:
            raise Refused(_("this question is open"))
        details = {"question": question.pk, "account": question.account_id, "answer": question.answer}
        log_event(Act.ANSWER_TAKEN_BACK, user, subject=question.account.name, details=details)
        for change in FieldChange.objects.filter(pk__in=question.data.pop("changes", [])).order_by("-id"):
            row = editable_row(user, change.record, change.object_id)
            field = row._meta.get_field(change.field)
            if str(getattr(row, change.field) or "") == str(change.new or ""):
                write_fields(user, change.record, row, {change.field: field.to_python(change.old)})
        question.answer, question.answered_by, question.answered_at = "", None, None
        question.save(update_fields=["answer", "answered_by", "answered_at", "data"])
    return question


def decide_renewal(user: User, contract_id: int, decision: str) -> FieldChange:
    """Say of a contract past its end whether it goes on.

    Raises  PermissionDenied where the person may not edit the account, Refused for a decision that does not exist
    """
    if decision not in DECISIONS:
        raise Refused(_("found the decision '%(decision)s', expected one of %(decisions)s") % {"decision": decision, "decisions": ", ".join(DECISIONS)})
    contract: Contract = editable_row(user, "contracts", contract_id)
    values = {"auto_renews": True, "cancelled_on": None} if decision == "renewed" else {"cancelled_on": contract.end_on}
    return write_fields(user, "contracts", contract, values)[0]


def _end_lines(user: User, question: Question) -> list[FieldChange]:
    """What counts on the day of the list ends there, a renewal that is pending or rolls on too."""
    day = day_of(question.data["day"])
    account = question.account_id
    counted = lines_in_force([account], day, load_policy(settings.POLICY)).get(account, [])
    lines = SubscriptionLine.objects.filter(account=account, archived_at=None)
    changes: list[FieldChange] = []
    for line in lines.filter(Q(pk__in=[one.line for one in counted]) | (Q(start_on__lte=day) & (Q(end_on=None) | Q(end_on__gt=day)))):
        changes += write_fields(user, "subscription_lines", line, {"end_on": day, "ended_because": "cancelled", "status": "cancelled"})
    return changes


def _question(user: User, question_id: int) -> Question:
    question = Question.objects.select_related("account").filter(pk=question_id).first()
    if question is None or not editable_accounts(user).filter(pk=question.account_id).exists():
        raise PermissionDenied
    return question
