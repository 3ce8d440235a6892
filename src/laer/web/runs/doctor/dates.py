"""Checks of days: impossible orders, and rows outside the life of their parent."""

from __future__ import annotations

from typing import Any

from django.db.models import DateField, F, Func, Q, QuerySet
from django.utils import timezone

from laer.web.book.models import Assignment, ChurnEvent, Contract, Discount, SubscriptionLine, SurveyResponse, Ticket
from laer.web.runs.doctor.finding import Check, Seen, many

SIGNED = ("Signed up", "account__signed_up_on")


def _is_are(n: int) -> str:
    return "is" if n == 1 else "are"


def _closed_first(seen: Seen) -> QuerySet[Any]:
    return seen.of(Ticket).filter(closed_at__lt=F("opened_at"))


class _TwoDaysOn(Func):
    """A date two days on, by the database's own function: Django's would call Python for every row."""

    output_field = DateField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="date(%(expressions)s, '+2 days')", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s + 2)", **context)


def _early_tickets(seen: Seen) -> QuerySet[Any]:
    """Tickets opened before the sign-up, by the days of the firm's time zone. In UTC a moment and a date compare as they stand."""
    signed = "account__signed_up_on"
    if timezone.get_default_timezone_name() == "UTC":
        return seen.of(Ticket).filter(opened_at__lt=F(signed))
    return seen.of(Ticket).filter(opened_at__lt=_TwoDaysOn(F(signed))).filter(opened_at__date__lt=F(signed))


DATES = (
    Check(
        "line_end_before_start", "error", "subscription_lines", "Lines that end before they start",
        "Correct the dates in the source and import the lines again. Such a line never counts.",
        lambda seen: seen.of(SubscriptionLine).filter(end_on__lt=F("start_on")),
        (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: f"{many(n, 'subscription line')} end before their first day.",
    ),
    Check(
        "contract_end_before_start", "error", "contracts", "Contracts that end before they start",
        "Correct the dates on the account's page or in the source.",
        lambda seen: seen.of(Contract).filter(end_on__lt=F("start_on")),
        (("Contract", "name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: f"{many(n, 'contract')} {'ends' if n == 1 else 'end'} before the first day.",
    ),
    Check(
        "contract_notice_after_end", "warning", "contracts", "Contracts whose notice date lies after their end",
        "Correct the notice date: nobody can give notice to a contract that is over.",
        lambda seen: seen.of(Contract).filter(notice_on__gt=F("end_on")),
        (("Contract", "name"), ("Notice", "notice_on"), ("End", "end_on")),
        lambda n, d: f"{many(n, 'contract')} can be given notice only after the end.",
    ),
    Check(
        "discount_end_before_start", "error", "discounts", "Discounts that end before they start",
        "Correct the dates in the source and import the discounts again.",
        lambda seen: seen.of(Discount).filter(end_on__lt=F("start_on")),
        (("Reason", "reason"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: f"{many(n, 'discount')} {'ends' if n == 1 else 'end'} before the first day.",
    ),
    Check(
        "assignment_end_before_start", "error", "assignments", "Assignments that end before they start",
        "Correct the dates in the source; until then nobody holds the job on these days.",
        lambda seen: seen.of(Assignment).filter(until_on__lt=F("from_on")),
        (("Person", "person__name"), ("Job", "job"), ("From", "from_on"), ("Until", "until_on")),
        lambda n, d: f"{many(n, 'assignment')} {'ends' if n == 1 else 'end'} before the first day.",
    ),
    Check(
        "ticket_closed_before_opened", "error", "tickets", "Tickets closed before they were opened",
        "Look whether the source swaps day and month, or the two columns; then import the tickets again.",
        _closed_first,
        (("Ticket", "subject"), ("Opened", "opened_at"), ("Closed", "closed_at")),
        lambda n, d: f"{many(n, 'ticket')} {'was' if n == 1 else 'were'} closed before being opened.",
    ),
    Check(
        "tickets_before_sign_up", "warning", "tickets", "Tickets opened before the account signed up",
        "Compare the sign-up date with the help desk: one of them is wrong, or a trial is missing. Such tickets are kept.",
        _early_tickets,
        (("Opened", "opened_at"), SIGNED, ("Priority", "priority")),
        lambda n, d: f"{many(n, 'ticket')} of {many(d['accounts'], 'account')} {_is_are(n)} older than the account's sign-up.",
        details=lambda seen: {"accounts": _accounts(_early_tickets(seen))},
    ),
    Check(
        "lines_before_sign_up", "warning", "subscription_lines", "Lines that start before the account signed up",
        "Compare the sign-up date with billing. The line counts from its start all the same.",
        lambda seen: seen.of(SubscriptionLine).filter(start_on__lt=F("account__signed_up_on")),
        (("Subscription", "subscription__name"), ("Start", "start_on"), SIGNED),
        lambda n, d: f"{many(n, 'subscription line')} {'starts' if n == 1 else 'start'} before the account's sign-up.",
    ),
    Check(
        "surveys_before_sign_up", "warning", "survey_responses", "Survey answers from before the account signed up",
        "Compare the sign-up date with the survey tool. Such answers are kept.",
        lambda seen: seen.of(SurveyResponse).filter(answered_on__lt=F("account__signed_up_on")),
        (("Survey", "kind"), ("Answered", "answered_on"), SIGNED),
        lambda n, d: f"{many(n, 'survey answer')} {_is_are(n)} older than the account's sign-up.",
    ),
    Check(
        "churn_before_sign_up", "warning", "churn_events", "Churn events from before the account signed up",
        "Compare the sign-up date with the churn list: nobody leaves before they came.",
        lambda seen: seen.of(ChurnEvent).filter(effective_on__lt=F("account__signed_up_on")),
        (("Effective", "effective_on"), SIGNED, ("Reason", "reason")),
        lambda n, d: f"{many(n, 'churn event')} {_is_are(n)} older than the account's sign-up.",
    ),
    Check(
        "scheduled_far_away", "info", "subscription_lines", "Lines that start more than two years from now",
        "Look whether a year was mistyped.",
        lambda seen: seen.of(SubscriptionLine).filter(Q(start_on__gt=seen.today.replace(year=seen.today.year + 2, day=min(seen.today.day, 28)))),
        (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: f"{many(n, 'subscription line')} {'starts' if n == 1 else 'start'} more than two years from now.",
    ),
)  # fmt: skip


def _accounts(rows: QuerySet[Any]) -> int:
    return rows.values("account_id").distinct().count()
