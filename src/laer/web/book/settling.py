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
from laer.web.book import between, merging
from laer.web.book.actions import Refused, editable_row, write_fields
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import Account, AccountMerge, Contract, FieldChange, MatchSuggestion, Question, SubscriptionLine
from laer.web.book.prepare import as_json
from laer.web.book.scope import editable_accounts, editable_rows
from laer.web.book.undated import ANSWERS, day_of
from laer.web.people.audit import log_event
from laer.web.people.models import Act, User
from laer.web.wording import gettext_lazy

PRICE = ("mrr_num", "mrr_den", "amount", "list_amount", "quantity", "interval", "currency")  # of a line: what says its MRR
DECISIONS = {"renewed": gettext_lazy("It renewed by itself"), "ended": gettext_lazy("It ended")}


def open_questions(user: User) -> Any:
    """Questions about accounts that the person may edit, oldest first: whom a list no longer names, and whose amounts disagree. Causes no query."""
    waiting = Question.objects.filter(editable_rows(user), answer="").select_related("account", "run")
    return waiting.order_by("id")


def of_lists(user: User) -> Any:
    """Those about customers whom a list no longer names. Causes no query."""
    return open_questions(user).exclude(kind=between.KIND)


def of_amounts(user: User) -> Any:
    """Those about customers whose amounts disagree between two systems. Causes no query."""
    return open_questions(user).filter(kind=between.KIND)


def answer_question(user: User, question_id: int, answer: str, keep: int | None = None) -> Question:
    """Say what became of a customer whom a list left out.

    Of amounts that disagree: `first` and `second` let one system's hold, `both` says that the ledger has them right (`between.steps`).
    `left` ends what it pays on the day of the list. `renamed` merges it with the customer of the list that is spelled like it,
    where there is one and the person may: what it paid before ends on that day, and what the list says goes on. Else no figure changes.

    In      keep  the account that stays of a merge; its own where nothing is said
    Raises  PermissionDenied where the person may not edit the account, Refused for an answer that does not exist or comes twice
    """
    question = _question(user, question_id)
    known = between.ANSWERS if question.kind == between.KIND else ANSWERS
    if answer not in known:
        raise Refused(_("found the answer '%(answer)s', expected one of %(answers)s") % {"answer": answer, "answers": ", ".join(known)})
    with transaction.atomic():
        question = Question.objects.select_for_update(of=("self",)).select_related("account").get(pk=question.pk)  # of two answers at once the first holds
        if question.answer:
            raise Refused(_("this question was answered already"))
        if question.kind == between.KIND:
            question.data["changes"] = [change.pk for change in _take_one(user, between.steps(question.data, answer))]
            between.settle_others(question)
        if answer == "left":
            question.data["changes"] = [change.pk for change in _end_lines(user, question)]
        if answer == "renamed" and (other := _spelled_alike(question)) is not None and merging.may_merge(user, question.account, other):
            ended = _end_lines(user, question, {"end_on": day_of(question.data["day"]), "ended_because": "change"})
            kept, gone = (other.pk, question.account_id) if keep == other.pk else (question.account_id, other.pk)
            question.data |= {"changes": [change.pk for change in ended], "merge": merging.merge_accounts(user, kept, gone).pk}
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
        if (merge := question.data.pop("merge", None)) is not None and AccountMerge.objects.filter(pk=merge, ended_at=None).exists():
            merging.end_merge(user, merge)
        for change in FieldChange.objects.filter(pk__in=question.data.pop("changes", [])).order_by("-id"):
            row = editable_row(user, change.record, change.object_id, archived=change.field == "archived_at")
            field = row._meta.get_field(change.field)
            if str(as_json(getattr(row, change.field)) or "") == str(change.new or ""):
                write_fields(user, change.record, row, {change.field: field.to_python(change.old)})
        between.ask_others_again(question)
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


def question_of(pair: MatchSuggestion) -> Question | None:
    """The open question that a merge of the pair settles: a list calls one of them by the other's name."""
    asked = Question.objects.filter(account_id__in=(pair.left_id, pair.right_id), answer="").select_related("account")
    return next((q for q in asked if (other := _spelled_alike(q)) is not None and other.pk in (pair.left_id, pair.right_id)), None)


def settled_pairs(pairs: list[MatchSuggestion]) -> set[int]:
    """Those of the pairs whose merge settles an open question: what one of them paid ends on the day of the list. One query."""
    both = {pair.pk: {pair.left_id, pair.right_id} for pair in pairs}
    asked = Question.objects.filter(account_id__in=set().union(*both.values()), answer="").values_list("account_id", "data")
    return {pk for account, data in asked for pk, ids in both.items() if account in ids and (data.get("like") or {}).get("account") in ids - {account}}


def _spelled_alike(question: Question) -> Account | None:
    """The customer of the list that is spelled like the one it no longer names."""
    like = question.data.get("like")
    return Account.objects.filter(pk=like["account"], archived_at=None).first() if like else None


def _end_lines(user: User, question: Question, ended: dict[str, Any] | None = None) -> list[FieldChange]:
    """What counts on the day of the list ends there, a renewal that is pending or rolls on too."""
    day = day_of(question.data["day"])
    account = question.account_id
    counted = lines_in_force([account], day, load_policy(settings.POLICY)).get(account, [])
    lines = SubscriptionLine.objects.filter(account=account, archived_at=None)
    changes: list[FieldChange] = []
    for line in lines.filter(Q(pk__in=[one.line for one in counted]) | (Q(start_on__lte=day) & (Q(end_on=None) | Q(end_on__gt=day)))):
        changes += write_fields(user, "subscription_lines", line, ended or {"end_on": day, "ended_because": "cancelled", "status": "cancelled"})
    return changes


def _take_one(user: User, steps: list[between.Step]) -> list[FieldChange]:
    """Let one system's amounts hold: lines of the other go out, end, or are corrected to what the first says."""
    changes: list[FieldChange] = []
    for step in steps:
        line: SubscriptionLine = editable_row(user, "subscription_lines", step.line)
        if step.does == "out":
            values: dict[str, Any] = {"archived_at": timezone.now()}
        elif step.does == "ends":
            values = {"end_on": day_of(step.what), "ended_because": "correction"}
        else:
            other = SubscriptionLine.objects.get(pk=step.what)
            values = {name: getattr(other, name) for name in PRICE if getattr(line, name) != getattr(other, name)}
        changes += write_fields(user, "subscription_lines", line, values)
    return changes


def _question(user: User, question_id: int) -> Question:
    question = Question.objects.select_related("account").filter(pk=question_id).first()
    if question is None:
        raise PermissionDenied
    states = (False, True) if "merge" in question.data else (False,)  # it may be the one that was taken into the other
    if not any(editable_accounts(user, archived=archived).filter(pk=question.account_id).exists() for archived in states):
        raise PermissionDenied
    return question
