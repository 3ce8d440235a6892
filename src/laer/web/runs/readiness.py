"""Readiness: which figures and features work with the sources connected so far, which do not, and what to connect next.

Everything is counted from what the person sees. A figure works where nine tenths of the accounts that it is about have what it
reads; it works partly where some have. The counts are kept by `runs/examining.py`; what they mean is said anew to each reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from django.db.models import Max, Min, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.models import Assignment, ChurnEvent, Contact, Contract, CustomField, Opportunity, Pulse, SurveyResponse, Ticket
from laer.web.book.models import SubscriptionLine as Line
from laer.web.people.models import User
from laer.web.runs.doctor.finding import Seen
from laer.web.runs.doctor.gaps import contractless, endless, ownerless, without_rate
from laer.web.runs.inventory import until
from laer.web.runs.usage import rows_by_account
from laer.web.templatetags.laer import number

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
    """What is counted, each once and when a feature needs it; or, with `counts`, what was counted before and kept: then nothing is asked.

    counts   by name, fit for JSON
    """

    def __init__(self, user: User | None = None, counts: Mapping[str, Any] | None = None) -> None:
        self.seen = Seen(user)
        self.today = self.seen.today
        self.kept = counts is not None
        self.counts: dict[str, Any] = dict(counts or {})

    def count(self, name: str, make: Callable[[], Any]) -> Any:
        """Raises  KeyError where what was kept does not have it"""
        if name not in self.counts and not self.kept:
            self.counts[name] = make()
        return self.counts[name]

    @property
    def accounts(self) -> int:
        return int(self.count("accounts", lambda: self.seen.accounts.count()))  # noqa: PLW0108 (what is kept must not ask for the accounts)

    @property
    def paying(self) -> int:
        return int(self.count("paying", lambda: self.seen.paying_accounts().count()))

    @property
    def lines(self) -> int:
        return int(self.count("lines", lambda: self.seen.of(Line).filter(mrr_num__gt=0).count()))

    @property
    def months(self) -> int:
        """Whole months from the first line to today."""
        return int(self.count("months", self._months))

    def _months(self) -> int:
        first = self.seen.of(Line).filter(mrr_num__gt=0).aggregate(first=Min("start_on"))["first"]
        return 0 if first is None or first > self.today else (self.today.year - first.year) * 12 + self.today.month - first.month

    @property
    def payers(self) -> Any:
        """Paying accounts, or all where none pays: what shares are of."""
        return self.seen.paying_accounts() if self.paying else self.seen.accounts

    def with_rows(self, rows: Any) -> int:
        """How many of them have such a row."""
        return int(self.payers.filter(pk__in=rows.order_by().values("account_id")).count())

    @property
    def base(self) -> int:
        return self.paying or self.accounts

    @property
    def whom(self) -> str:
        return _("paying accounts") if self.paying else _("accounts")


def features(user: User | None = None) -> list[FeatureState]:
    """Every figure and feature, in the order in which they build on one another. An empty book: everything no, and one next step."""
    return features_of(Known(user))


def features_of(known: Known) -> list[FeatureState]:
    return [feature(known) for feature in FEATURES]


def counted(user: User | None) -> dict[str, Any]:
    """Every count that a feature asks for, to be kept."""
    known = Known(user)
    features_of(known)
    return known.counts


# -- one function a feature -------------------------------------------------------------------------------------------


def _mrr(known: Known) -> FeatureState:
    url = "/revenue/"
    if not known.lines:
        return _no(
            "mrr",
            _("MRR and its movements"),
            known,
            _("No subscription line says what an account pays."),
            _("Import subscription lines with account, start, end and amount"),
        )
    missing = known.count("without_rate", lambda: without_rate(known.seen).count())
    if missing:
        why = _(
            "%(lines)s lines of %(paying)s paying accounts; %(missing)s lines are in a currency without a rate and count nowhere."
        ) % {"lines": number(known.lines), "paying": number(known.paying), "missing": number(missing)}
        fix = _("Enter the rates in Settings, Exchange rates")
        return FeatureState("mrr", _("MRR and its movements"), "partly", why, fix, f"{DOCTOR}currency_without_rate/", url)
    why = _(
        "%(lines)s lines; %(paying)s of %(accounts)s accounts pay today."
    ) % {"lines": number(known.lines), "paying": number(known.paying), "accounts": number(known.accounts)}
    return FeatureState("mrr", _("MRR and its movements"), "yes", why, "", "", url)


def _retention(known: Known) -> FeatureState:
    name = _("NRR and GRR")
    if not known.lines:
        return _no("retention", name, known, _("There are no subscription lines."), _("Import subscription lines with account, start, end and amount"))
    if known.months < YEAR:
        why = _("The lines reach back %(months)s months; twelve are compared.") % {"months": known.months}
        step = _("Import the lines of past years, ended ones too")
        return FeatureState("retention", name, "partly" if known.months else "no", why, step, IMPORT, "/revenue/")
    return FeatureState("retention", name, "yes", _("The lines reach back %(months)s months.") % {"months": known.months}, "", "", "/revenue/")


def _cohorts(known: Known) -> FeatureState:
    if not known.lines:
        return _no("cohorts", _("Cohorts"), known, _("There are no subscription lines."), _("Import subscription lines with account, start, end and amount"))
    why = _("Accounts by the month of their first paid day, over %(months)s months.") % {"months": known.months}
    state: State = "yes" if known.months >= 3 else "partly"
    step = "" if state == "yes" else _("Import the lines of past years, ended ones too")
    return FeatureState("cohorts", _("Cohorts"), state, why, step, "" if state == "yes" else IMPORT, "/revenue/")


def _segments(known: Known) -> FeatureState:
    n = known.count("segments", lambda: known.payers.filter(segment__isnull=False).count())
    step = _("Import a list of accounts with a segment column")
    return _covered("segments", _("Revenue by segment"), known, n, _("a segment"), step, IMPORT, "/revenue/?by=segment")


def _owners(known: Known) -> FeatureState:
    n = known.count("owners", lambda: _owned(known))
    step = _("Give each a CSM, or import a list with an owner column")
    return _covered("owners", _("Owners and books"), known, n, _("an owner"), step, f"{DOCTOR}missing_owner/" if n else IMPORT, "/accounts/")


def _owned(known: Known) -> int:
    if known.paying:
        return known.paying - ownerless(known.seen).count()
    return known.with_rows(known.seen.of(Assignment).filter(job="csm"))


def _renewals(known: Known) -> FeatureState:
    n = known.paying - known.count("endless", lambda: endless(known.seen).count()) if known.paying else 0
    step = _("Import contracts with their end, or lines with a scheduled end")
    return _covered(
        "renewals",
        _("Renewals"),
        known,
        n,
        _("a contract end or a scheduled end"),
        step,
        f"{DOCTOR}missing_renewal_date/" if n else IMPORT,
        "/accounts/?sort=contract_end_on",
    )


def _booked(known: Known) -> FeatureState:
    name = _("CARR and booked ARR")
    if known.lines and (n := known.count("won", lambda: _won(known).count())):
        worth = known.count("won_worth", lambda: _won(known).exclude(arr_num=None).count())
        why = _("%(n)s won opportunities, %(worth)s with an amount.") % {"n": number(n), "worth": number(worth)}
        enough = worth >= ENOUGH * n
        step = "" if enough else _("Import the won opportunities with their amount")
        return FeatureState("booked", name, "yes" if enough else "partly", why, step, "" if enough else IMPORT, "/revenue/#booked")
    ahead = known.count("lines_ahead", lambda: known.seen.of(Line).filter(start_on__gt=known.today).count())
    signed = known.count("signed", lambda: known.with_rows(known.seen.of(Contract).filter(signed_on__isnull=False)))
    if not known.lines or not (ahead or signed):
        return _no(
            "booked",
            name,
            known,
            _("Nothing says what is signed and not live yet: no opportunity is won, no contract has a day of signature, no line starts later."),
            _("Import the won opportunities of the CRM, or contracts with the day of signature"),
        )
    why = _(
        "%(signed)s of %(base)s %(whom)s have a contract with its day of signature; %(ahead)s lines start later than today."
    ) % {"signed": number(signed), "base": number(known.base), "whom": known.whom, "ahead": number(ahead)}
    without = known.count("contractless", lambda: contractless(known.seen).count())
    return FeatureState(
        "booked",
        name,
        "yes" if signed >= ENOUGH * known.base else "partly",
        why,
        _("Import the contracts of %(without)s accounts") % {"without": number(without)} if without else "",
        IMPORT if without else "",
    )


def _won(known: Known) -> Any:
    return known.seen.of(Opportunity).filter(status="won")


def _using(known: Known) -> int:
    recent = rows_by_account(since=known.today - timedelta(days=RECENT))
    return sum(pk in recent for pk in known.payers.values_list("pk", flat=True))


def _usage(known: Known) -> FeatureState:
    n = known.count("using", lambda: _using(known))
    if not n and known.count("usage_days", lambda: Lake(home.lake()).total("usage_days")):
        why = _("There is usage, none of it in the last %(recent)s days.") % {"recent": RECENT}
        return FeatureState("usage", _("Usage and adoption"), "partly", why, _("Import the newest usage export"), IMPORT)
    return _covered(
        "usage",
        _("Usage and adoption"),
        known,
        n,
        _("usage in the last %(recent)s days") % {"recent": RECENT},
        _("Import usage by account and day from the product"),
        IMPORT,
        "/accounts/",
    )


def _tickets(known: Known) -> FeatureState:
    return _some("tickets", _("Support tickets"), known, lambda: known.seen.of(Ticket), "opened_at", _("tickets"), _("Import the tickets of the help desk"))


def _nps(known: Known) -> FeatureState:
    answers = Q(kind__icontains="nps") | Q(kind=None)
    step = _("Import survey answers with account, score and day")
    return _some("nps", _("NPS"), known, lambda: known.seen.of(SurveyResponse).filter(answers, score__isnull=False), "answered_on", _("answers"), step)


def _health(known: Known) -> FeatureState:
    name = _("Health and pulse")
    step = _("Import a list of accounts with a health column")
    n = known.count("health", lambda: _judged(known))
    return _covered("health", name, known, n, _("a health or pulse that a person or source stated"), step, IMPORT, "/accounts/")


def _judged(known: Known) -> int:
    own = [f.slug for f in CustomField.objects.filter(record="accounts") if any(word in f.slug for word in HEALTH)]
    stated = Q(pk__in=known.seen.of(Pulse).order_by().values("account_id"))
    for slug in own:
        stated |= Q(custom__has_key=slug)
    return int(known.payers.filter(stated).count())


def _contacts(known: Known) -> FeatureState:
    name = _("Contacts and champions")
    n = known.count("contacts", lambda: known.with_rows(known.seen.of(Contact)))
    champions = known.count("champions", lambda: known.with_rows(known.seen.of(Contact).filter(role__icontains="champion")))
    if not n:
        return _no("contacts", name, known, _("No contact is known."), _("Import contacts with account, e-mail and role"))
    why = _(
        "%(n)s of %(base)s %(whom)s have a contact, %(champions)s a champion."
    ) % {"n": number(n), "base": number(known.base), "whom": known.whom, "champions": number(champions)}
    if champions >= ENOUGH * known.base:
        return FeatureState("contacts", name, "yes", why, "", "", "/accounts/")
    return FeatureState("contacts", name, "partly", why, _("Import contacts with their role, or name champions on the accounts' pages"), IMPORT, "/accounts/")


def _churn_reasons(known: Known) -> FeatureState:
    name = _("Churn reasons")
    n = known.count("churn_events", lambda: known.seen.of(ChurnEvent).count())
    reasoned = known.count("churn_reasons", lambda: known.seen.of(ChurnEvent).exclude(reason=None).exclude(reason="").count())
    ended = known.count("churned", lambda: known.seen.accounts.filter(card__state="churned").count())
    if not n:
        why = _("%(ended)s accounts left, and nothing says why.") % {"ended": number(ended)} if ended else _("No churn event is recorded.")
        return _no("churn_reasons", name, known, why, _("Import churn events with account, day and reason"))
    why = _(
        "%(reasoned)s of %(n)s churn events name a reason; %(ended)s accounts left by their lines."
    ) % {"reasoned": number(reasoned), "n": number(n), "ended": number(ended)}
    return FeatureState(
        "churn_reasons",
        name,
        "yes" if reasoned >= ENOUGH * n else "partly",
        why,
        "" if reasoned >= ENOUGH * n else _("Add the reason in the source and import again"),
        "" if reasoned >= ENOUGH * n else IMPORT,
    )


FEATURES: tuple[Callable[[Known], FeatureState], ...] = (
    _mrr, _retention, _cohorts, _segments, _owners, _renewals, _booked, _usage, _tickets, _nps, _health, _contacts, _churn_reasons,
)  # fmt: skip


# -- the three answers ------------------------------------------------------------------------------------------------


def _no(id: str, name: str, known: Known, why: str, step: str) -> FeatureState:
    """In an empty book there is one next step, whatever is asked."""
    return FeatureState(id, name, "no", why if known.accounts else _("The book is empty."), step if known.accounts else _("Import your first file"), IMPORT)


def _covered(id: str, name: str, known: Known, n: int, what: str, step: str, step_url: str, url: str) -> FeatureState:
    if not n:
        return _no(id, name, known, _("None of %(base)s %(whom)s has %(what)s.") % {"base": number(known.base), "whom": known.whom, "what": what}, step)
    why = _("%(n)s of %(base)s %(whom)s have %(what)s.") % {"n": number(n), "base": number(known.base), "whom": known.whom, "what": what}
    enough = n >= ENOUGH * known.base
    return FeatureState(id, name, "yes" if enough else "partly", why, "" if enough else step, "" if enough else step_url, url)


def _newest(rows: Any, column: str, today: date) -> str | None:
    last = rows.filter(**{f"{column}__lte": until(column, today)}).aggregate(last=Max(column))["last"]
    return last and (last.date() if hasattr(last, "date") else last).isoformat()


def _day(day: date | None) -> str:
    return date_format(day, _("j F Y")) if day else _("an unknown day")


def _some(id: str, name: str, known: Known, rows: Callable[[], Any], column: str, noun: str, step: str) -> FeatureState:
    """Of what happens to some accounts only, it is enough that it is recorded and fresh."""
    n = known.count(id, lambda: rows().count())
    if not n:
        return _no(id, name, known, _("There are no %(noun)s.") % {"noun": noun}, step)
    newest = known.count(f"{id}_newest", lambda: _newest(rows(), column, known.today))
    last = date.fromisoformat(newest) if newest else None
    holding = known.count(f"{id}_accounts", lambda: known.with_rows(rows()))
    why = _(
        "%(n)s %(noun)s of %(rows)s of %(base)s %(whom)s, the newest of %(last)s."
    ) % {"n": number(n), "noun": noun, "rows": number(holding), "base": number(known.base), "whom": known.whom, "last": _day(last)}
    if last is None or (known.today - last).days > FRESH:
        again = _("%(step)s: the newest are older than %(fresh)s days") % {"step": step, "fresh": FRESH}
        return FeatureState(id, name, "partly", why, again, IMPORT, "/accounts/")
    return FeatureState(id, name, "yes", why, "", "", "/accounts/")
