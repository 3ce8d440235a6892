"""Checks of days: impossible orders, and rows outside the life of their parent."""

from __future__ import annotations

from typing import Any

from django.db.models import DateField, F, Func, Q, QuerySet
from django.utils import timezone
from django.utils.translation import ngettext

from laer.web.book.models import Assignment, ChurnEvent, Contract, Discount, SubscriptionLine, SurveyResponse, Ticket
from laer.web.runs.doctor.finding import Check, Seen
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

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
        "line_end_before_start", "error", "subscription_lines", gettext_lazy("Lines that end before they start"),
        gettext_lazy("Correct the dates in the source and import the lines again. Such a line never counts."),
        lambda seen: seen.of(SubscriptionLine).filter(end_on__lt=F("start_on")),
        (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: ngettext(
            "%(n)s subscription line end before their first day.",
            "%(n)s subscription lines end before their first day.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "contract_end_before_start", "error", "contracts", gettext_lazy("Contracts that end before they start"),
        gettext_lazy("Correct the dates on the account's page or in the source."),
        lambda seen: seen.of(Contract).filter(end_on__lt=F("start_on")),
        (("Contract", "name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: ngettext("%(n)s contract ends before the first day.", "%(n)s contracts end before the first day.", n) % {"n": number(n)},
    ),
    Check(
        "contract_notice_after_end", "warning", "contracts", gettext_lazy("Contracts whose notice date lies after their end"),
        gettext_lazy("Correct the notice date: nobody can give notice to a contract that is over."),
        lambda seen: seen.of(Contract).filter(notice_on__gt=F("end_on")),
        (("Contract", "name"), ("Notice", "notice_on"), ("End", "end_on")),
        lambda n, d: ngettext(
            "%(n)s contract can be given notice only after the end.",
            "%(n)s contracts can be given notice only after the end.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "discount_end_before_start", "error", "discounts", gettext_lazy("Discounts that end before they start"),
        gettext_lazy("Correct the dates in the source and import the discounts again."),
        lambda seen: seen.of(Discount).filter(end_on__lt=F("start_on")),
        (("Reason", "reason"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: ngettext("%(n)s discount ends before the first day.", "%(n)s discounts end before the first day.", n) % {"n": number(n)},
    ),
    Check(
        "assignment_end_before_start", "error", "assignments", gettext_lazy("Assignments that end before they start"),
        gettext_lazy("Correct the dates in the source; until then nobody holds the job on these days."),
        lambda seen: seen.of(Assignment).filter(until_on__lt=F("from_on")),
        (("Person", "person__name"), ("Job", "job"), ("From", "from_on"), ("Until", "until_on")),
        lambda n, d: ngettext("%(n)s assignment ends before the first day.", "%(n)s assignments end before the first day.", n) % {"n": number(n)},
    ),
    Check(
        "ticket_closed_before_opened", "error", "tickets", gettext_lazy("Tickets closed before they were opened"),
        gettext_lazy("Look whether the source swaps day and month, or the two columns; then import the tickets again."),
        _closed_first,
        (("Ticket", "subject"), ("Opened", "opened_at"), ("Closed", "closed_at")),
        lambda n, d: ngettext("%(n)s ticket was closed before being opened.", "%(n)s tickets were closed before being opened.", n) % {"n": number(n)},
    ),
    Check(
        "tickets_before_sign_up", "warning", "tickets", gettext_lazy("Tickets opened before the account signed up"),
        gettext_lazy("Compare the sign-up date with the help desk: one of them is wrong, or a trial is missing. Such tickets are kept."),
        _early_tickets,
        (("Opened", "opened_at"), SIGNED, ("Priority", "priority")),
        lambda n, d: ngettext(
            "%(n)s ticket of %(accounts)s is older than the account's sign-up.",
            "%(n)s tickets of %(accounts)s are older than the account's sign-up.",
            n,
        ) % {"n": number(n), "accounts": ngettext("%(n)s account", "%(n)s accounts", d["accounts"]) % {"n": number(d["accounts"])}},
        details=lambda seen: {"accounts": _accounts(_early_tickets(seen))},
    ),
    Check(
        "lines_before_sign_up", "warning", "subscription_lines", gettext_lazy("Lines that start before the account signed up"),
        gettext_lazy("Compare the sign-up date with billing. The line counts from its start all the same."),
        lambda seen: seen.of(SubscriptionLine).filter(start_on__lt=F("account__signed_up_on")),
        (("Subscription", "subscription__name"), ("Start", "start_on"), SIGNED),
        lambda n, d: ngettext(
            "%(n)s subscription line starts before the account's sign-up.",
            "%(n)s subscription lines start before the account's sign-up.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "surveys_before_sign_up", "warning", "survey_responses", gettext_lazy("Survey answers from before the account signed up"),
        gettext_lazy("Compare the sign-up date with the survey tool. Such answers are kept."),
        lambda seen: seen.of(SurveyResponse).filter(answered_on__lt=F("account__signed_up_on")),
        (("Survey", "kind"), ("Answered", "answered_on"), SIGNED),
        lambda n, d: ngettext(
            "%(n)s survey answer is older than the account's sign-up.",
            "%(n)s survey answers are older than the account's sign-up.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "churn_before_sign_up", "warning", "churn_events", gettext_lazy("Churn events from before the account signed up"),
        gettext_lazy("Compare the sign-up date with the churn list: nobody leaves before they came."),
        lambda seen: seen.of(ChurnEvent).filter(effective_on__lt=F("account__signed_up_on")),
        (("Effective", "effective_on"), SIGNED, ("Reason", "reason")),
        lambda n, d: ngettext(
            "%(n)s churn event is older than the account's sign-up.",
            "%(n)s churn events are older than the account's sign-up.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "scheduled_far_away", "info", "subscription_lines", gettext_lazy("Lines that start more than two years from now"),
        gettext_lazy("Look whether a year was mistyped."),
        lambda seen: seen.of(SubscriptionLine).filter(Q(start_on__gt=seen.today.replace(year=seen.today.year + 2, day=min(seen.today.day, 28)))),
        (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: ngettext(
            "%(n)s subscription line starts more than two years from now.",
            "%(n)s subscription lines start more than two years from now.",
            n,
        ) % {"n": number(n)},
    ),
)  # fmt: skip


def _accounts(rows: QuerySet[Any]) -> int:
    return rows.values("account_id").distinct().count()
