"""Readiness: which figures and features work with the sources connected so far, which do not, and what to connect next.

Everything is counted from what the person sees; nothing is stored. A figure works where nine tenths of the accounts that it
is about have what it reads; it works partly where some have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from django.db.models import Max, Min, Q

from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.models import Assignment, ChurnEvent, Contact, Contract, CustomField, Opportunity, Pulse, SurveyResponse, Ticket
from laer.web.book.models import SubscriptionLine as Line
from laer.web.people.models import User
from laer.web.runs.doctor.finding import Seen
from laer.web.runs.doctor.gaps import contractless, endless, ownerless, without_rate
from laer.web.runs.inventory import until
from laer.web.runs.usage import rows_by_account

State = Literal["yes", "partly", "no"]
ENOUGH = 0.9
RECENT = 28  # days in which an account that uses the product has used it
FRESH = 90  # days after which tickets or answers are old
YEAR = 12  # months back that NRR and GRR look
HEALTH = ("health", "pulse", "score", "sentiment", "risk")
IMPORT = "/data/import/"
DOCTOR = "/data/doctor/"


@dataclass(frozen=True)
class FeatureState:
    """A figure or feature: whether it works, why in words, and what to do next."""

    id: str
    name: str
    state: State
    why: str
    next_step: str
    next_url: str
    url: str | None = None


class Known:
    """What is counted once for all features. Each count is asked for when a feature needs it."""

    def __init__(self, user: User | None) -> None:
        self.seen = Seen(user)
        self.today = self.seen.today

    @cached_property
    def accounts(self) -> int:
        return self.seen.accounts.count()

    @cached_property
    def paying(self) -> int:
        return self.seen.paying_accounts().count()

    @cached_property
    def lines(self) -> int:
        return self.seen.of(Line).filter(mrr_num__gt=0).count()

    @cached_property
    def months(self) -> int:
        """Whole months from the first line to today."""
        first = self.seen.of(Line).filter(mrr_num__gt=0).aggregate(first=Min("start_on"))["first"]
        return 0 if first is None or first > self.today else (self.today.year - first.year) * 12 + self.today.month - first.month

    def of_paying(self, **conditions: Any) -> int:
        """Paying accounts of which something is true."""
        return self.seen.paying_accounts().filter(**conditions).distinct().count()

    def with_rows(self, rows: Any) -> int:
        """Paying accounts (all accounts, where none pays) that have such a row."""
        of = self.seen.paying_accounts() if self.paying else self.seen.accounts
        return of.filter(pk__in=rows.order_by().values("account_id")).count()

    @property
    def base(self) -> int:
        return self.paying or self.accounts

    @property
    def whom(self) -> str:
        return "paying accounts" if self.paying else "accounts"


def features(user: User | None = None) -> list[FeatureState]:
    """Every figure and feature, in the order in which they build on one another. An empty book: everything no, and one next step."""
    known = Known(user)
    return [feature(known) for feature in FEATURES]


# -- one function a feature -------------------------------------------------------------------------------------------


def _mrr(known: Known) -> FeatureState:
    url = "/revenue/"
    if not known.lines:
        return _no(
            "mrr",
            "MRR and its movements",
            known,
            "No subscription line says what an account pays.",
            "Import subscription lines with account, start, end and amount",
        )
    missing = without_rate(known.seen).count()
    if missing:
        why = f"{known.lines:,} lines of {known.paying:,} paying accounts; {missing:,} lines are in a currency without a rate and count nowhere."
        return FeatureState("mrr", "MRR and its movements", "partly", why, "Name a file of rates in LAER_FX_FILE", f"{DOCTOR}currency_without_rate/", url)
    why = f"{known.lines:,} lines; {known.paying:,} of {known.accounts:,} accounts pay today."
    return FeatureState("mrr", "MRR and its movements", "yes", why, "", "", url)


def _retention(known: Known) -> FeatureState:
    name = "NRR and GRR"
    if not known.lines:
        return _no("retention", name, known, "There are no subscription lines.", "Import subscription lines with account, start, end and amount")
    if known.months < YEAR:
        why = f"The lines reach back {known.months} months; twelve are compared."
        return FeatureState("retention", name, "partly" if known.months else "no", why, "Import the lines of past years, ended ones too", IMPORT, "/revenue/")
    return FeatureState("retention", name, "yes", f"The lines reach back {known.months} months.", "", "", "/revenue/")


def _cohorts(known: Known) -> FeatureState:
    if not known.lines:
        return _no("cohorts", "Cohorts", known, "There are no subscription lines.", "Import subscription lines with account, start, end and amount")
    why = f"Accounts by the month of their first paid day, over {known.months} months."
    state: State = "yes" if known.months >= 3 else "partly"
    step = "" if state == "yes" else "Import the lines of past years, ended ones too"
    return FeatureState("cohorts", "Cohorts", state, why, step, "" if state == "yes" else IMPORT, "/revenue/")


def _segments(known: Known) -> FeatureState:
    n = known.of_paying(segment__isnull=False) if known.paying else known.seen.accounts.exclude(segment=None).count()
    return _covered("segments", "Revenue by segment", known, n, "a segment", "Import a list of accounts with a segment column", IMPORT, "/revenue/?by=segment")


def _owners(known: Known) -> FeatureState:
    n = known.paying - ownerless(known.seen).count() if known.paying else known.with_rows(known.seen.of(Assignment).filter(job="csm"))
    step = "Give each a CSM, or import a list with an owner column"
    return _covered("owners", "Owners and books", known, n, "an owner", step, f"{DOCTOR}missing_owner/" if n else IMPORT, "/accounts/")


def _renewals(known: Known) -> FeatureState:
    n = known.paying - endless(known.seen).count() if known.paying else 0
    step = "Import contracts with their end, or lines with a scheduled end"
    return _covered(
        "renewals",
        "Renewals",
        known,
        n,
        "a contract end or a scheduled end",
        step,
        f"{DOCTOR}missing_renewal_date/" if n else IMPORT,
        "/accounts/?sort=contract_end_on",
    )


def _booked(known: Known) -> FeatureState:
    name = "CARR and booked ARR"
    won = known.seen.of(Opportunity).filter(status="won")
    if known.lines and (n := won.count()):
        worth = won.exclude(arr_num=None).count()
        why = f"{n:,} won opportunities, {worth:,} with an amount."
        enough = worth >= ENOUGH * n
        step = "" if enough else "Import the won opportunities with their amount"
        return FeatureState("booked", name, "yes" if enough else "partly", why, step, "" if enough else IMPORT, "/revenue/#booked")
    ahead = known.seen.of(Line).filter(start_on__gt=known.today).count()
    signed = known.with_rows(known.seen.of(Contract).filter(signed_on__isnull=False))
    if not known.lines or not (ahead or signed):
        return _no(
            "booked",
            name,
            known,
            "Nothing says what is signed and not live yet: no opportunity is won, no contract has a day of signature, no line starts later.",
            "Import the won opportunities of the CRM, or contracts with the day of signature",
        )
    why = f"{signed:,} of {known.base:,} {known.whom} have a contract with its day of signature; {ahead:,} lines start later than today."
    without = contractless(known.seen).count()
    return FeatureState(
        "booked",
        name,
        "yes" if signed >= ENOUGH * known.base else "partly",
        why,
        f"Import the contracts of {without:,} accounts" if without else "",
        IMPORT if without else "",
    )


def _usage(known: Known) -> FeatureState:
    recent = rows_by_account(since=known.today - timedelta(days=RECENT))
    accounts = known.seen.paying_accounts() if known.paying else known.seen.accounts
    n = sum(pk in recent for pk in accounts.values_list("pk", flat=True))
    if not n and Lake(home.lake()).total("usage_days"):
        why = f"There is usage, none of it in the last {RECENT} days."
        return FeatureState("usage", "Usage and adoption", "partly", why, "Import the newest usage export", IMPORT)
    return _covered(
        "usage", "Usage and adoption", known, n, f"usage in the last {RECENT} days", "Import usage by account and day from the product", IMPORT, "/accounts/"
    )


def _tickets(known: Known) -> FeatureState:
    return _some("tickets", "Support tickets", known, known.seen.of(Ticket), "opened_at", "tickets", "Import the tickets of the help desk")


def _nps(known: Known) -> FeatureState:
    nps = known.seen.of(SurveyResponse).filter(Q(kind__icontains="nps") | Q(kind=None), score__isnull=False)
    return _some("nps", "NPS", known, nps, "answered_on", "answers", "Import survey answers with account, score and day")


def _health(known: Known) -> FeatureState:
    name = "Health and pulse"
    own = [f.slug for f in CustomField.objects.filter(record="accounts") if any(word in f.slug for word in HEALTH)]
    stated = Q(pk__in=known.seen.of(Pulse).order_by().values("account_id"))
    for slug in own:
        stated |= Q(custom__has_key=slug)
    n = (known.seen.paying_accounts() if known.paying else known.seen.accounts).filter(stated).count()
    return _covered(
        "health", name, known, n, "a health or pulse that a person or source stated", "Import a list of accounts with a health column", IMPORT, "/accounts/"
    )


def _contacts(known: Known) -> FeatureState:
    name = "Contacts and champions"
    contacts = known.seen.of(Contact)
    n, champions = known.with_rows(contacts), known.with_rows(contacts.filter(role__icontains="champion"))
    if not n:
        return _no("contacts", name, known, "No contact is known.", "Import contacts with account, e-mail and role")
    why = f"{n:,} of {known.base:,} {known.whom} have a contact, {champions:,} a champion."
    if champions >= ENOUGH * known.base:
        return FeatureState("contacts", name, "yes", why, "", "", "/accounts/")
    return FeatureState("contacts", name, "partly", why, "Import contacts with their role, or name champions on the accounts' pages", IMPORT, "/accounts/")


def _churn_reasons(known: Known) -> FeatureState:
    name = "Churn reasons"
    events = known.seen.of(ChurnEvent)
    n, reasoned = events.count(), events.exclude(reason=None).exclude(reason="").count()
    ended = known.seen.accounts.filter(card__state="churned").count()
    if not n:
        why = f"{ended:,} accounts left, and nothing says why." if ended else "No churn event is recorded."
        return _no("churn_reasons", name, known, why, "Import churn events with account, day and reason")
    why = f"{reasoned:,} of {n:,} churn events name a reason; {ended:,} accounts left by their lines."
    return FeatureState(
        "churn_reasons",
        name,
        "yes" if reasoned >= ENOUGH * n else "partly",
        why,
        "" if reasoned >= ENOUGH * n else "Add the reason in the source and import again",
        "" if reasoned >= ENOUGH * n else IMPORT,
    )


FEATURES: tuple[Callable[[Known], FeatureState], ...] = (
    _mrr, _retention, _cohorts, _segments, _owners, _renewals, _booked, _usage, _tickets, _nps, _health, _contacts, _churn_reasons,
)  # fmt: skip


# -- the three answers ------------------------------------------------------------------------------------------------


def _no(id: str, name: str, known: Known, why: str, step: str) -> FeatureState:
    """In an empty book there is one next step, whatever is asked."""
    return FeatureState(id, name, "no", why if known.accounts else "The book is empty.", step if known.accounts else "Import your first file", IMPORT)


def _covered(id: str, name: str, known: Known, n: int, what: str, step: str, step_url: str, url: str) -> FeatureState:
    if not n:
        return _no(id, name, known, f"None of {known.base:,} {known.whom} has {what}.", step)
    why = f"{n:,} of {known.base:,} {known.whom} have {what}."
    enough = n >= ENOUGH * known.base
    return FeatureState(id, name, "yes" if enough else "partly", why, "" if enough else step, "" if enough else step_url, url)


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "an unknown day"


def _some(id: str, name: str, known: Known, rows: Any, column: str, noun: str, step: str) -> FeatureState:
    """Of what happens to some accounts only, it is enough that it is recorded and fresh."""
    n = rows.count()
    if not n:
        return _no(id, name, known, f"There are no {noun}.", step)
    last = rows.filter(**{f"{column}__lte": until(column, known.today)}).aggregate(last=Max(column))["last"]
    last = last.date() if hasattr(last, "date") else last
    why = f"{n:,} {noun} of {known.with_rows(rows):,} of {known.base:,} {known.whom}, the newest of {_day(last)}."
    if last is None or (known.today - last).days > FRESH:
        return FeatureState(id, name, "partly", why, f"{step}: the newest are older than {FRESH} days", IMPORT, "/accounts/")
    return FeatureState(id, name, "yes", why, "", "", "/accounts/")
