"""What is missing, doubtful or cannot count: owners, contracts, renewal dates, rates, references, amounts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from laer.metrics.policy import load_policy
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.rates import NoPlanYear
from laer.web.book.models import Account, Assignment, Contract, Discount, ExternalId, Pause, Subscription, SubscriptionLine, SurveyResponse, Ticket
from laer.web.book.prepare import DISAGREES
from laer.web.runs import rates
from laer.web.runs.doctor.finding import Check, Details, Seen, alive, many

OPTIONAL_REFERENCES = {
    "accounts": (Account, ("parent_id",)), "subscriptions": (Subscription, ("contract_id", "product_id")),
    "subscription_lines": (SubscriptionLine, ("contract_id", "product_id")), "discounts": (Discount, ("subscription_id",)),
    "pauses": (Pause, ("subscription_id",)),
    "tickets": (Ticket, ("contact_id",)), "survey_responses": (SurveyResponse, ("contact_id",)),
}  # fmt: skip
LINE = (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on"))
STATED = ("domain", "industry", "country", "region", "segment", "employees", "lead_source", "signed_up_on", "churn_flag")


def ownerless(seen: Seen) -> QuerySet[Account]:
    owned = Assignment.objects.filter(alive(seen.today, "from_on", "until_on"), archived_at=None, job="csm")
    return seen.paying_accounts().exclude(id__in=owned.values("account_id"))


def contractless(seen: Seen) -> QuerySet[Account]:
    held = Contract.objects.filter(alive(seen.today), archived_at=None)
    return seen.paying_accounts().exclude(id__in=held.values("account_id"))


def endless(seen: Seen) -> QuerySet[Account]:
    """Paying accounts of which nothing says when they may leave: neither a contract's end nor a scheduled end of a line."""
    dated = Contract.objects.filter(archived_at=None, end_on__gt=seen.today)
    scheduled = seen.paying().filter(end_on__isnull=False)
    return seen.paying_accounts().exclude(id__in=dated.values("account_id")).exclude(id__in=scheduled.values("account_id"))


def _trials(seen: Seen) -> QuerySet[Any]:
    words = [w for w in load_policy(settings.POLICY).status.zero if w.startswith("trial")]
    return seen.of(SubscriptionLine).filter(Q(is_trial=True) | Q(status__in=words), mrr_num=0)


def without_rate(seen: Seen) -> QuerySet[Any]:
    known = {settings.CURRENCY, *rates.currencies(seen.today)}
    return seen.of(SubscriptionLine).filter(currency__isnull=False).exclude(currency__in=known)


def at_other_years_rates(seen: Seen) -> QuerySet[Any]:
    """Lines in other currencies where the plan rates of the fiscal year are not in the table."""
    foreign = seen.of(SubscriptionLine).filter(currency__isnull=False).exclude(currency=settings.CURRENCY)
    try:
        return foreign if rates.plan_of(seen.today).missing else foreign.none()
    except NoPlanYear:
        return foreign
    except UnreadableFile:  # then no line in another currency has a rate, which is said by its own check
        return foreign.none()


def _currencies(seen: Seen) -> Details:
    return dict(without_rate(seen).values_list("currency").annotate(n=Count("id")).order_by("-n"))


def disagreeing(seen: Seen) -> QuerySet[Any]:
    return seen.of(SubscriptionLine).filter(custom__has_key=DISAGREES)


def _only_from_lines(seen: Seen) -> QuerySet[Account]:
    first_mention = ExternalId.objects.filter(record="accounts", object_id=OuterRef("pk"), external_id=OuterRef("name"))
    return seen.accounts.filter(**{f"{name}__isnull": True for name in STATED}).filter(Exists(first_mention))


def _sharing(column: str) -> Any:
    def rows(seen: Seen) -> QuerySet[Account]:
        several = seen.accounts.filter(**{f"{column}__isnull": False}).exclude(**{column: ""}).values(column).annotate(n=Count("id")).filter(n__gt=1).order_by()
        return seen.accounts.filter(**{f"{column}__in": several.values(column)})

    return rows


def _unresolved(record: str) -> Check:
    model, columns = OPTIONAL_REFERENCES[record]

    def rows(seen: Seen) -> QuerySet[Any]:
        pointless = Q()
        for column in columns:
            pointless |= Q(**{f"{column}__isnull": True})
        return seen.of(model).filter(pointless, custom__has_key="_unresolved")

    noun = record.replace("_", " ")
    return Check(
        f"unresolved_{record}", "warning", record, f"{noun.capitalize()} that name something the book does not have",
        "Import what they name (contacts, contracts, products), then import these rows again: what they name is kept as text until then.",
        rows, (("Names", "custom___unresolved"),), lambda n, d: f"{many(n, noun.removesuffix('s'), noun)} refer to something that is not in the book.",
    )  # fmt: skip


GAPS = (
    Check(
        "missing_owner", "warning", "accounts", "Paying accounts without an owner",
        "Give each a CSM on its page, or import a list with an owner column.",
        ownerless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: f"{many(n, 'paying account')} {'has' if n == 1 else 'have'} nobody who is responsible today.",
    ),
    Check(
        "missing_contract", "warning", "accounts", "Paying accounts without a contract",
        "Import contracts, or enter them on the account's page.",
        contractless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: f"{many(n, 'paying account')} {'has' if n == 1 else 'have'} no contract in force.",
    ),
    Check(
        "missing_renewal_date", "warning", "accounts", "Paying accounts without a renewal date",
        "Give the contract an end, or the subscription a scheduled end. A renewal date is never invented.",
        endless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: f"{many(n, 'paying account')}: neither a contract nor a line says when the renewal falls due.",
    ),
    Check(
        "currency_without_rate", "error", "subscription_lines", "Lines in a currency without a rate",
        "Name a file of rates in LAER_FX_FILE (columns currency,rate, and fiscal_year for plan rates) and run a pass. Until then these lines count nowhere.",
        without_rate, (*LINE, ("Currency", "currency")),
        lambda n, d: f"{many(n, 'line')} cannot count: no rate to {settings.CURRENCY} is known for {', '.join(d)}.", details=_currencies,
    ),
    Check(
        "plan_rates_missing", "warning", "subscription_lines", "Lines at the plan rates of another fiscal year",
        "Add the fiscal year's rates to the file that LAER_FX_FILE names, or set LAER_PLAN_YEAR to a year that is in it.",
        at_other_years_rates, (*LINE, ("Currency", "currency")),
        lambda n, d: f"{many(n, 'line')} in another currency: the plan rates of the fiscal year are not in the table, and those of another year are used.",
    ),
    Check(
        "amount_against_mrr", "warning", "subscription_lines", "Lines whose amount or ARR differs from their MRR",
        "Ask billing which is right. MRR is taken, as the policy says (rule 15).",
        disagreeing, (*LINE, ("Stated", f"custom__{DISAGREES}")),
        lambda n, d: f"{many(n, 'line')} {'states' if n == 1 else 'state'} an amount or ARR that does not come to the MRR stated beside it.",
    ),
    Check(
        "zero_mrr_trials", "info", "subscription_lines", "Trials that carry no MRR",
        "Nothing, if they are trials: a trial never pays (rule 5).",
        _trials, LINE, lambda n, d: f"{many(n, 'trial')} {'carries' if n == 1 else 'carry'} MRR 0.",
    ),
    Check(
        "accounts_known_only_from_lines", "info", "accounts", "Accounts known only from lines or contracts",
        "Import the list of accounts from the same source, so that they have a name and an owner.",
        _only_from_lines, (("Since", "created_at"),),
        lambda n, d: f"{many(n, 'account')} {'is' if n == 1 else 'are'} known only by an id that lines or contracts name.",
    ),
    Check(
        "accounts_sharing_domain", "warning", "accounts", "Accounts that share a domain",
        "Look whether two sources mean one account.", _sharing("domain"), (("Domain", "domain"), ("Segment", "segment")),
        lambda n, d: f"{many(n, 'account')} {'shares' if n == 1 else 'share'} a domain with another.",
    ),
    Check(
        "accounts_sharing_name", "warning", "accounts", "Accounts that share a name",
        "Look whether two sources mean one account. Files that name accounts instead of giving ids cannot tell them apart.",
        _sharing("name"), (("Domain", "domain"), ("Country", "country")),
        lambda n, d: f"{many(n, 'account')} {'has' if n == 1 else 'have'} the name of another.",
    ),
    *map(_unresolved, OPTIONAL_REFERENCES),
)  # fmt: skip
