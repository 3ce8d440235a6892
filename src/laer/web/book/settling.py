"""What people settle that no file could say: a customer who is missing from a list, a contract whose renewal nobody knows."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from laer.web.book.actions import Refused, editable_row, write_fields
from laer.web.book.models import Contract, FieldChange, Question, SubscriptionLine
from laer.web.book.scope import editable_accounts
from laer.web.book.undated import ANSWERS, day_of
from laer.web.people.models import User

DECISIONS = {"renewed": "It renewed by itself", "ended": "It ended"}


def open_questions(user: User) -> Any:
    """Questions about accounts that the person may edit, oldest first. Causes no query."""
    waiting = Question.objects.filter(answer="", account__in=editable_accounts(user)).select_related("account", "run")
    return waiting.order_by("id")


def answer_question(user: User, question_id: int, answer: str) -> Question:
    """Say what became of a customer whom a list left out.

    `left` ends what it pays on the day of the list; the other answers change no figure.
    Raises  PermissionDenied where the person may not edit the account, Refused for an answer that does not exist or comes twice
    """
    question = _question(user, question_id)
    if answer not in ANSWERS:
        raise Refused(f"found the answer '{answer}', expected one of {', '.join(ANSWERS)}")
    if question.answer:
        raise Refused("this question was answered already")
    with transaction.atomic():
        if answer == "left":
            question.data["changes"] = [change.pk for change in _end_lines(user, question)]
        question.answer, question.answered_by, question.answered_at = answer, user, timezone.now()
        question.save(update_fields=["answer", "answered_by", "answered_at", "data"])
    return question


def take_back_answer(user: User, question_id: int) -> Question:
    """Open a question again and put back what its answer changed, but for what somebody changed since."""
    question = _question(user, question_id)
    with transaction.atomic():
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
        raise Refused(f"found the decision '{decision}', expected one of {', '.join(DECISIONS)}")
    contract: Contract = editable_row(user, "contracts", contract_id)
    values = {"auto_renews": True} if decision == "renewed" else {"cancelled_on": contract.end_on}
    return write_fields(user, "contracts", contract, values)[0]


def _end_lines(user: User, question: Question) -> list[FieldChange]:
    day = day_of(question.data["day"])
    live = SubscriptionLine.objects.filter(account=question.account, archived_at=None, start_on__lte=day)
    changes: list[FieldChange] = []
    for line in live:
        if line.end_on is None or line.end_on > day:
            changes += write_fields(user, "subscription_lines", line, {"end_on": day, "ended_because": "cancelled", "status": "cancelled"})
    return changes


def _question(user: User, question_id: int) -> Question:
    question = Question.objects.select_related("account").filter(pk=question_id).first()
    if question is None or not editable_accounts(user).filter(pk=question.account_id).exists():
        raise PermissionDenied
    return question
