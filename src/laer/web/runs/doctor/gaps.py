"""What is missing, doubtful or cannot count: owners, contracts, renewal dates, rates, references, amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle import terms
from laer.metrics.policy import load_policy
from laer.records.money import minor_units
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.rates import NoPlanYear
from laer.web.book.many import listed
from laer.web.book.models import Account, Assignment, Contract, Discount, ExternalId, Pause, Subscription, SubscriptionLine, SurveyResponse, Ticket
from laer.web.book.prepare import DISAGREES
from laer.web.people.company import firm
from laer.web.record_words import counted, record_label
from laer.web.runs import rates
from laer.web.runs.desk import ask
from laer.web.runs.doctor.finding import Check, Details, Seen, alive
from laer.web.runs.renewing import renewals_of
from laer.web.templatetags.laer import money, number
from laer.web.wording import gettext_lazy, later

OPTIONAL_REFERENCES = {
    "accounts": (Account, ("parent_id",)), "subscriptions": (Subscription, ("contract_id", "product_id")),
    "subscription_lines": (SubscriptionLine, ("contract_id", "product_id")), "discounts": (Discount, ("subscription_id",)),
    "pauses": (Pause, ("subscription_id",)),
    "tickets": (Ticket, ("contact_id",)), "survey_responses": (SurveyResponse, ("contact_id",)),
}  # fmt: skip
LINE = (("Subscription", "subscription__name"), ("Start", "start_on"), ("End", "end_on"))
STATED = ("domain", "industry", "country", "region", "segment", "employees", "lead_source", "signed_up_on", "churn_flag")


def ownerless(seen: Seen) -> QuerySet[Account]:
    if seen.run is not None:
        return seen.paying_accounts().filter(card__owner_id=None)
    owned = Assignment.objects.filter(alive(seen.today, "from_on", "until_on"), archived_at=None, job="csm")
    return seen.paying_accounts().exclude(id__in=owned.values("account_id"))


def contractless(seen: Seen) -> QuerySet[Account]:
    """Paying accounts without a contract in force: one past its end is, while nobody knows whether it renewed."""
    known = _held(seen)
    if known is not None:
        return seen.paying_accounts().exclude(id__in=listed(known["held"]))
    held = Contract.objects.filter(alive(seen.today), archived_at=None)
    return seen.paying_accounts().exclude(id__in=held.values("account_id"))


def endless(seen: Seen) -> QuerySet[Account]:
    """Paying accounts of which nothing says when they may leave: neither a contract's end nor a scheduled end of a line."""
    known = _held(seen)
    if known is not None:
        return seen.paying_accounts().exclude(id__in=listed(known["dated"]))
    dated = Contract.objects.filter(archived_at=None, end_on__gt=seen.today)
    scheduled = seen.paying().filter(end_on__isnull=False)
    return seen.paying_accounts().exclude(id__in=dated.values("account_id")).exclude(id__in=scheduled.values("account_id"))


def _held(seen: Seen) -> dict[str, frozenset[int]] | None:
    """As the run counts; None before the first one, and of one that did not keep it."""
    run = seen.run
    return None if run is None else seen.once("held", lambda: ask("contracts_held", {}, seen.scope, run.pk))


def unresolved(seen: Seen) -> QuerySet[Contract]:
    """Contracts past the grace of which nobody knows whether they renewed: their MRR still counts (rule 10)."""
    due = renewals_of(seen.run, seen.scope)
    ids = due.table.filter(due.view(terms.UNRESOLVED))["contract_id"].to_pylist()
    rows: QuerySet[Contract] = seen.of(Contract).filter(id__in=listed(ids))
    return rows


def _unresolved_arr(seen: Seen) -> Details:
    due, currency = renewals_of(seen.run, seen.scope), seen.run.currency if seen.run else firm().currency
    return {"arr_minor": round(due.arr(due.view(terms.UNRESOLVED)) * 10 ** minor_units(currency))}


def _says_unresolved(n: int, d: Details) -> str:
    currency = firm().currency
    arr = money(Decimal(d["arr_minor"]).scaleb(-minor_units(currency)), currency)
    return ngettext(
        "%(n)s contract is past its end and the grace, and nobody knows whether it renewed: %(arr)s of ARR still counts.",
        "%(n)s contracts are past their end and the grace, and nobody knows whether they renewed: %(arr)s of ARR still counts.",
        n,
    ) % {"n": number(n), "arr": arr}


def _trials(seen: Seen) -> QuerySet[Any]:
    words = [w for w in load_policy(settings.POLICY).status.zero if w.startswith("trial")]
    return seen.of(SubscriptionLine).filter(Q(is_trial=True) | Q(status__in=words), mrr_num=0)


def without_rate(seen: Seen) -> QuerySet[Any]:
    known = {firm().currency, *rates.currencies(seen.today)}
    return seen.of(SubscriptionLine).filter(currency__isnull=False).exclude(currency__in=known)


def at_other_years_rates(seen: Seen) -> QuerySet[Any]:
    """Lines in other currencies where the plan rates of the fiscal year are not in the table."""
    foreign = seen.of(SubscriptionLine).filter(currency__isnull=False).exclude(currency=firm().currency)
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

    def title() -> str:
        return _("%(records)s that name something the book does not have") % {"records": record_label(record)}

    def says(n: int, d: Details) -> str:
        return ngettext("%(rows)s refers to something that is not in the book.", "%(rows)s refer to something that is not in the book.", n) % {
            "rows": counted(record, n, number(n))
        }

    return Check(
        f"unresolved_{record}", "warning", record, later(title),
        gettext_lazy("Import what they name (contacts, contracts, products), then import these rows again: what they name is kept as text until then."),
        rows, (("Names", "custom___unresolved"),), says,
    )  # fmt: skip


GAPS = (
    Check(
        "missing_owner", "warning", "accounts", gettext_lazy("Paying accounts without an owner"),
        gettext_lazy("Give each a CSM on its page, or import a list with an owner column."),
        ownerless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: ngettext(
            "%(n)s paying account has nobody who is responsible today.",
            "%(n)s paying accounts have nobody who is responsible today.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "missing_contract", "warning", "accounts", gettext_lazy("Paying accounts without a contract"),
        gettext_lazy("Import contracts, or enter them on the account's page."),
        contractless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: ngettext("%(n)s paying account has no contract in force.", "%(n)s paying accounts have no contract in force.", n) % {"n": number(n)},
    ),
    Check(
        "missing_renewal_date", "warning", "accounts", gettext_lazy("Paying accounts without a renewal date"),
        gettext_lazy("Give the contract an end, or the subscription a scheduled end. A renewal date is never invented."),
        endless, (("Segment", "segment"), ("Country", "country")),
        lambda n, d: ngettext(
            "%(n)s paying account: neither a contract nor a line says when the renewal falls due.",
            "%(n)s paying accounts: neither a contract nor a line says when the renewal falls due.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "expired_unresolved", "warning", "contracts", gettext_lazy("Contracts that are expired and unresolved"),
        gettext_lazy("Open Renew, “Expired, unresolved”, and decide for many at once: they renewed by themselves, or they ended."),
        unresolved, (("Contract", "name"), ("Start", "start_on"), ("End", "end_on")), _says_unresolved, details=_unresolved_arr,
    ),
    Check(
        "currency_without_rate", "error", "subscription_lines", gettext_lazy("Lines in a currency without a rate"),
        gettext_lazy(
            "Enter the rate in Settings, Exchange rates, or name a file of rates in LAER_FX_FILE (columns currency,rate, and fiscal_year for plan "
            "rates). Until then these lines count nowhere."
        ),
        without_rate, (*LINE, ("Currency", "currency")),
        lambda n, d: ngettext(
            "%(n)s line cannot count: no rate to %(currency)s is known for %(join)s.",
            "%(n)s lines cannot count: no rate to %(currency)s is known for %(join)s.",
            n,
        ) % {"n": number(n), "currency": firm().currency, "join": ", ".join(d)}, details=_currencies,
    ),
    Check(
        "plan_rates_missing", "warning", "subscription_lines", gettext_lazy("Lines at the plan rates of another fiscal year"),
        gettext_lazy(
            "Enter the fiscal year's rates in Settings, Exchange rates (or in the file that LAER_FX_FILE names), or set LAER_PLAN_YEAR to a year that has them."
        ),
        at_other_years_rates, (*LINE, ("Currency", "currency")),
        lambda n, d: ngettext(
            "%(n)s line in another currency: the plan rates of the fiscal year are not in the table, and those of another year are used.",
            "%(n)s lines in another currency: the plan rates of the fiscal year are not in the table, and those of another year are used.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "amount_against_mrr", "warning", "subscription_lines", gettext_lazy("Lines whose amount or ARR differs from their MRR"),
        gettext_lazy("Ask billing which is right. MRR is taken, as the policy says (rule 15)."),
        disagreeing, (*LINE, ("Stated", f"custom__{DISAGREES}")),
        lambda n, d: ngettext(
            "%(n)s line states an amount or ARR that does not come to the MRR stated beside it.",
            "%(n)s lines state an amount or ARR that does not come to the MRR stated beside it.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "zero_mrr_trials", "info", "subscription_lines", gettext_lazy("Trials that carry no MRR"),
        gettext_lazy("Nothing, if they are trials: a trial never pays (rule 5)."),
        _trials, LINE, lambda n, d: ngettext("%(n)s trial carries MRR 0.", "%(n)s trials carry MRR 0.", n) % {"n": number(n)},
    ),
    Check(
        "accounts_known_only_from_lines", "info", "accounts", gettext_lazy("Accounts known only from lines or contracts"),
        gettext_lazy("Import the list of accounts from the same source, so that they have a name and an owner."),
        _only_from_lines, (("Since", "created_at"),),
        lambda n, d: ngettext(
            "%(n)s account is known only by an id that lines or contracts name.",
            "%(n)s accounts are known only by an id that lines or contracts name.",
            n,
        ) % {"n": number(n)},
    ),
    Check(
        "accounts_sharing_domain", "warning", "accounts", gettext_lazy("Accounts that share a domain"),
        gettext_lazy("Look whether two sources mean one account."), _sharing("domain"), (("Domain", "domain"), ("Segment", "segment")),
        lambda n, d: ngettext("%(n)s account shares a domain with another.", "%(n)s accounts share a domain with another.", n) % {"n": number(n)},
    ),
    Check(
        "accounts_sharing_name", "warning", "accounts", gettext_lazy("Accounts that share a name"),
        gettext_lazy("Look whether two sources mean one account. Files that name accounts instead of giving ids cannot tell them apart."),
        _sharing("name"), (("Domain", "domain"), ("Country", "country")),
        lambda n, d: ngettext("%(n)s account has the name of another.", "%(n)s accounts have the name of another.", n) % {"n": number(n)},
    ),
    *map(_unresolved, OPTIONAL_REFERENCES),
)  # fmt: skip
