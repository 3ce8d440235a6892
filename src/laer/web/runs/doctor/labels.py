"""Contradictory labels: three witnesses say whether an account left (a flag, dated events, its lines), and they may differ.

A flag and an event are what people or a source said; the lines are what is paid. An account that left, came back and
pays again is no contradiction, so an event counts against the ledger only where MRR went on past its day.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import ngettext

from laer.web.book.models import Account, ChurnEvent, SubscriptionLine
from laer.web.runs.doctor.finding import Check, Details, Seen
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

LATER = SubscriptionLine.objects.filter(archived_at=None, subscription_id=OuterRef("subscription_id"), start_on__gte=OuterRef("end_on")).exclude(
    id=OuterRef("id")
)


def _events(seen: Seen) -> QuerySet[Any]:
    return seen.of(ChurnEvent).filter(effective_on__lte=seen.today)


def unheeded(seen: Seen) -> QuerySet[Any]:
    """Churn events on whose day the account's MRR goes on."""
    goes_on = seen.lines().filter(account_id=OuterRef("account_id"), mrr_num__gt=0, start_on__lte=OuterRef("effective_on"))
    goes_on = goes_on.filter(Q(end_on=None) | Q(end_on__gt=OuterRef("effective_on")))
    return _events(seen).filter(Exists(goes_on))


def _flagged(seen: Seen) -> QuerySet[Account]:
    return seen.accounts.filter(churn_flag=True)


def flagged_and_paying(seen: Seen) -> QuerySet[Account]:
    return _flagged(seen).filter(id__in=seen.paying_ids())


def _with_events(seen: Seen) -> QuerySet[Account]:
    return seen.accounts.filter(id__in=_events(seen).values("account_id"))


def _contradictory(seen: Seen) -> QuerySet[Account]:
    events = _events(seen).values("account_id")
    paying = seen.paying_ids()
    torn = Q(churn_flag=True, id__in=paying) | Q(id__in=unheeded(seen).values("account_id")) | (Q(churn_flag=False, id__in=events) & ~Q(id__in=paying))
    if ChurnEvent.objects.filter(archived_at=None).exists():  # a firm that keeps no events cannot miss one
        torn |= Q(churn_flag=True) & ~Q(id__in=events)
    return seen.accounts.filter(torn)


def _numbers(seen: Seen) -> Details:
    flagged, events = _flagged(seen), _events(seen).values("account_id")
    flags, both = flagged.count(), flagged.filter(id__in=events).count()
    named = _with_events(seen).count()
    return {
        "flagged": flags, "with_events": named, "both": both, "flag_without_event": flags - both, "event_without_flag": named - both,
        "flagged_and_paying": flagged.filter(id__in=seen.paying_ids()).count(),
        "with_events_and_paying": _with_events(seen).filter(id__in=seen.paying_ids()).count(),
    }  # fmt: skip


FLAG = (("Churn flag", "churn_flag"), ("Signed up", "signed_up_on"))

LABELS = (
    Check(
        "contradictory_labels", "error", "accounts", gettext_lazy("Accounts of which the sources disagree whether they left"),
        gettext_lazy(
            "Decide which witness is right: correct the flag or the events in their source, or end the subscription lines. The ledger reads "
            "lines only."
        ),
        _contradictory, FLAG,
        lambda n, d: (
            ngettext(
                "%(n)s account left by one source and stayed by another: %(flagged)s carry a churn flag, %(with_events)s have churn events, "
                "%(both)s have both; %(flagged_and_paying)s of the flagged pay today by their lines.",
                "%(n)s accounts left by one source and stayed by another: %(flagged)s carry a churn flag, %(with_events)s have churn events, "
                "%(both)s have both; %(flagged_and_paying)s of the flagged pay today by their lines.",
                n,
            ) % {
                "n": number(n),
                "flagged": number(d["flagged"]),
                "with_events": number(d["with_events"]),
                "both": number(d["both"]),
                "flagged_and_paying": number(d["flagged_and_paying"]),
            }
        ),
        details=_numbers,
    ),
    Check(
        "accounts_flagged_churned", "info", "accounts", gettext_lazy("Accounts that carry a churn flag"),
        gettext_lazy("One of three witnesses; see contradictory_labels."), _flagged, FLAG,
        lambda n, d: ngettext(
            "%(n)s account is flagged as churned by the list of accounts.",
            "%(n)s accounts are flagged as churned by the list of accounts.",
            n,
        ) % {"n": number(n)}, part_of="contradictory_labels",
    ),
    Check(
        "accounts_with_churn_events", "info", "accounts", gettext_lazy("Accounts with churn events"),
        gettext_lazy("One of three witnesses; see contradictory_labels."), _with_events, FLAG,
        lambda n, d: ngettext(
            "%(n)s account has at least one churn event.",
            "%(n)s accounts have at least one churn event.",
            n,
        ) % {"n": number(n)}, part_of="contradictory_labels",
    ),
    Check(
        "flag_and_events", "info", "accounts", gettext_lazy("Accounts with both, a churn flag and churn events"),
        gettext_lazy("Here the flag and the events agree; see contradictory_labels."),
        lambda seen: _flagged(seen).filter(id__in=_events(seen).values("account_id")), FLAG,
        lambda n, d: ngettext(
            "%(n)s account has a churn flag and a churn event.",
            "%(n)s accounts have a churn flag and a churn event.",
            n,
        ) % {"n": number(n)}, part_of="contradictory_labels",
    ),
    Check(
        "flagged_churned_but_paying", "warning", "accounts", gettext_lazy("Accounts flagged as churned that pay today"),
        gettext_lazy("Ask billing: either the flag is stale, or the lines lack an end."),
        flagged_and_paying, FLAG,
        lambda n, d: ngettext(
            "%(n)s account is flagged as churned while MRR by their lines is above 0 today.",
            "%(n)s accounts are flagged as churned while MRR by their lines is above 0 today.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "churn_event_while_paying", "warning", "churn_events", gettext_lazy("Churn events that the lines do not follow"),
        gettext_lazy("Ask billing for the end of the lines, or take the event out of its source. Retention is lower than shown if the events are right."),
        unheeded, (("Effective", "effective_on"), ("Reason", "reason"), ("Came back", "is_reactivation")),
        lambda n, d: ngettext(
            "%(n)s churn event of %(accounts)s: MRR goes on past the day of the event.",
            "%(n)s churn events of %(accounts)s: MRR goes on past the day of the event.",
            n,
        ) % {"n": number(n), "accounts": ngettext("%(n)s account", "%(n)s accounts", d["accounts"]) % {"n": number(d["accounts"])}},
        details=lambda seen: {"accounts": unheeded(seen).values("account_id").distinct().count()},
    ),
    Check(
        "line_flag_without_end", "warning", "subscription_lines", gettext_lazy("Lines flagged as churned that have no end"),
        gettext_lazy("Ask billing for the end. Until then the line counts."),
        lambda seen: seen.of(SubscriptionLine).filter(churn_flag=True, end_on=None),
        (("Subscription", "subscription__name"), ("Start", "start_on")),
        lambda n, d: ngettext(
            "%(n)s subscription line is flagged as churned and goes on.",
            "%(n)s subscription lines are flagged as churned and go on.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "line_ended_without_flag", "info", "subscription_lines", gettext_lazy("Lines that ended for good and are not flagged as churned"),
        gettext_lazy("Look whether the flag is stale; the ledger reads the end, not the flag."),
        lambda seen: seen.of(SubscriptionLine).filter(churn_flag=False, end_on__lte=seen.today, end_on__gt=F("start_on")).filter(~Exists(LATER)),
        (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on")),
        lambda n, d: ngettext(
            "%(n)s subscription line ended, nothing followed, and the churn flag says no.",
            "%(n)s subscription lines ended, nothing followed, and the churn flag says no.",
            n,
        ) % {"n": number(n)},
    ),
)  # fmt: skip
