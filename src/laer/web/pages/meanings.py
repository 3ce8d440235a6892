"""What a figure means: its definition in words, the rule of the policy that it follows, and the page of the manual that has the formula."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from laer.metrics.policy import Policy, load_policy
from laer.web.runs.models import PassRun
from laer.web.wording import gettext_lazy

MEANINGS: dict[str, tuple[str, str, int | None, str]] = {  # key -> title, definition, number of the rule, page below docs/methods
    "mrr": (
        gettext_lazy("Monthly recurring revenue"),
        gettext_lazy("The sum of what the lines that are live on the period's last day bring in a month: of a year's amount, a twelfth."),
        2, "mrr",
    ),
    "arr": (
        gettext_lazy("Annual recurring revenue"),
        gettext_lazy("The exact annualised sum of the same lines. CARR adds what is signed and starts later and takes off what is known to leave; "
        "the end of a term is no departure."),
        13, "mrr",
    ),
    "nrr": (
        gettext_lazy("Net revenue retention"),
        gettext_lazy("The MRR now of the accounts that paid twelve months ago, by their MRR then. New accounts never count."),
        12, "retention",
    ),
    "grr": (
        gettext_lazy("Gross revenue retention"),
        gettext_lazy("As NRR, with each account counted at most at what it paid then; so it never passes 100 %."),
        12, "retention",
    ),
    "contract_end": (
        gettext_lazy("Contract ends"),
        gettext_lazy("The last covered day of the stated term that ends next; where all are past, of the latest. "
        "Without a contract it is unknown; it is never invented."),
        10, "renewals",
    ),
    "seats": (
        gettext_lazy("Seats bought"),
        gettext_lazy("Seats of the lines in force today, where they say some."),
        2, "mrr",
    ),
    "since": (
        gettext_lazy("Customer since"),
        gettext_lazy("The first day with MRR above 0; before that, the day on which the account signed up."),
        1, "mrr",
    ),
    "accounts": (
        gettext_lazy("Paying accounts"),
        gettext_lazy("Accounts whose MRR is above 0 on the period's last day. Trials and free plans do not count."),
        1, "mrr",
    ),
    "soon": (
        gettext_lazy("Ends in 90 days"),
        gettext_lazy("ARR of the contracts, due or renewing by themselves, whose last covered day is at most 90 days after the run's day."),
        10, "renewals",
    ),
    "nobodys": (
        gettext_lazy("Nobody’s"),
        gettext_lazy("ARR of the contracts that are due ahead and whose account has no owner today."),
        10, "renewals",
    ),
    "pending": (
        gettext_lazy("Pending"),
        gettext_lazy("ARR of contracts past their last day, without a cancellation, within the days of grace. Their MRR still counts."),
        10, "renewals",
    ),
    "unresolved": (
        gettext_lazy("Expired, unresolved"),
        gettext_lazy("ARR of contracts past the grace of which nobody knows whether they renewed. They count until a person decides."),
        10, "renewals",
    ),
    "late": (
        gettext_lazy("Late or back"),
        gettext_lazy("ARR of contracts whose next one was signed after their last day: late within the grace, back after it."),
        10, "renewals",
    ),
}  # fmt: skip


ENTRY = {  # key -> the measure of the catalogue
    "mrr": "mrr_firm", "arr": "arr_firm", "nrr": "nrr_12m", "grr": "grr_12m", "contract_end": "renewal_on", "seats": "seats", "since": "first_paid_on",
    "accounts": "paying_accounts", "soon": "arr_ends_90d", "nobodys": "arr_due_unowned", "pending": "arr_pending", "unresolved": "arr_unresolved",
    "late": "arr_late",
}  # fmt: skip
OF_ACCOUNT = {"mrr": "mrr", "arr": "arr"}  # where the figure is of one account


@lru_cache(maxsize=8)
def _policy(name: str) -> Policy:
    """Shipped policies do not change while a process runs, and a page says five meanings."""
    return load_policy(name)


def meaning_of(key: str, run: PassRun | None, *, account: bool = False) -> dict[str, Any]:
    """Context of parts/definition.html: title, text, policy (that of the run, else the one in force), rule {number, title, text}, method, url.

    account  whether the figure is of one account, not of many
    """
    title, text, number, method = MEANINGS[key]
    policy = _policy(run.policy if run else settings.POLICY)
    rule = policy.rules.get(number) if number else None
    named = {"policy": policy.id, "version": run.policy_version if run else policy.version}
    return {
        "title": title,
        "text": text,
        "method": method,
        "url": reverse("measure", args=[(OF_ACCOUNT if account else {}).get(key, ENTRY[key])]),
        "policy": _("policy %(policy)s, version %(version)s") % named,
        "rule": {"number": number, "title": rule["name"][:1].upper() + rule["name"][1:], "text": rule["text"]} if rule else None,
    }
