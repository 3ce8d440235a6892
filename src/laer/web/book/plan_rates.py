"""Plan rates by fiscal year, and rates from a day on, entered in Settings by admins and finance: every figure is at the rates of one year (rule 8).

Each change is in the change log and asks for a whole pass. Where `LAER_FX_FILE` names a file, that is in force and nothing is entered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.sources.tabular.rates import RateTable, rate_table
from laer.web.book.actions import Refused, log_change
from laer.web.book.models import DayRate, DirtyAccount, PlanRate
from laer.web.people import company
from laer.web.people.models import User
from laer.web.people.typed import Unclear, typed_number

RECORD = "plan_rates"
YEARS = range(1990, 2101)
PLACES = 9  # decimals of a rate
SMALLEST, LARGEST = Decimal(1).scaleb(-PLACES), 10**9
NAME = "Settings, Exchange rates"
Days = dict[str, dict[date, Fraction]]  # currency -> day -> rate from that day on
_held: dict[int, tuple[RateTable, Days, dict[int, dict[str, Fraction]]]] = {}


def entered() -> RateTable:
    """All rates that were entered, as plan rates by fiscal year."""
    return _entered()[0]


def by_day() -> Days:
    """The rates from a day on."""
    return _entered()[1]


def stated(year: int) -> dict[str, Fraction]:
    """The plan rates that were entered for a fiscal year itself."""
    return _entered()[2].get(year, {})


def _entered() -> tuple[RateTable, Days, dict[int, dict[str, Fraction]]]:
    """Held in the process by the firm's version, which a change of rates moves on: no query for a page."""
    version = company.firm().version
    if version not in _held:
        found: dict[int, dict[str, Fraction]] = {}
        for year, code, rate in PlanRate.objects.order_by("fiscal_year", "currency").values_list("fiscal_year", "currency", "rate"):
            found.setdefault(year, {})[code] = Fraction(rate)
        days: Days = {}
        for day, code, rate in DayRate.objects.order_by("currency", "from_on").values_list("from_on", "currency", "rate"):
            days.setdefault(code, {})[day] = Fraction(rate)
        _held.clear()
        _held[version] = rate_table(NAME, found, days, company.firm().fiscal_year_start), days, found
    return _held[version]


def forget() -> None:
    """The next caller reads them from the book."""
    _held.clear()


@transaction.atomic
def save_year(user: User, year: int, given: Mapping[str, str]) -> int:
    """Set the rates of a fiscal year as a form gives them, all or nothing: currency -> text, an empty text takes the rate out. How many changed.

    Raises  PermissionDenied, Refused where a currency or a rate does not read, or a file is in force
    """
    _may(user)
    if year not in YEARS:
        raise Refused(_("Fiscal year: found %(found)s, expected a year such as 2026.") % {"found": year})
    wanted = {code: _read(code, text) for code, text in given.items()}
    there = {row.currency: row for row in PlanRate.objects.filter(fiscal_year=year)}
    now, changed = timezone.now(), 0
    for code in sorted(given):
        row, rate = there.get(code), wanted[code]
        old = row and row.rate
        if rate == old:
            continue
        changed += 1
        if rate is None:
            assert row is not None  # else it is as it was
            key = row.pk
            row.delete()
        else:
            row = PlanRate.objects.update_or_create(fiscal_year=year, currency=code, defaults={"rate": rate, "changed_at": now})[0]
            key = row.pk
        log_change(user, RECORD, key, None, f"{code} {year}", old, rate, now)
    if changed:
        _changed(now)
    return changed


@transaction.atomic
def save_day(user: User, day: date, code: str, text: str) -> bool:
    """Set the rate of a currency from a day on, as a form gives it; an empty text takes it out. Whether it changed.

    Raises  PermissionDenied, Refused where the currency or the rate does not read, or a file is in force
    """
    _may(user)
    if day.year not in YEARS:
        raise Refused(_("Day: found %(found)s, expected one such as 2026-04-01.") % {"found": day.isoformat()})
    rate, now = _read(code, text), timezone.now()
    row = DayRate.objects.filter(from_on=day, currency=code).first()
    old = row and row.rate
    if rate == old:
        return False
    if rate is None:
        assert row is not None  # else it is as it was
        key = row.pk
        row.delete()
    else:
        key = DayRate.objects.update_or_create(from_on=day, currency=code, defaults={"rate": rate, "changed_at": now})[0].pk
    log_change(user, RECORD, key, None, f"{code} from {day.isoformat()}", old, rate, now)
    _changed(now)
    return True


def _may(user: User) -> None:
    if not user.is_authenticated or not user.may_close:
        raise PermissionDenied
    if settings.FX_FILE:
        raise Refused(_("The rates come from the file that LAER_FX_FILE names: change them there."))


def _changed(now: datetime) -> None:
    """Figures are computed anew at the rates as they are now."""
    company.touch()
    forget()
    transaction.on_commit(forget)
    DirtyAccount.objects.create(account_id=None, since=now)


def _read(code: str, text: str) -> str | None:
    """A rate as it is kept; None where empty."""
    if code not in company.currencies():
        raise Refused(_("Currency: found “%(found)s”, expected a code of three letters such as EUR.") % {"found": code[:20]})
    if code == company.firm().currency:
        raise Refused(_("%(code)s is the currency of reports: its rate is 1.") % {"code": code})
    try:
        rate = typed_number(text)
    except Unclear as unclear:
        raise Refused(f"{code}: {unclear}") from None
    if rate is None:
        return None
    if not SMALLEST <= rate < LARGEST or rate != round(rate, PLACES):
        said = {"code": code, "found": text.strip()[:20], "places": PLACES}
        raise Refused(_("%(code)s: found “%(found)s”, expected a number above 0 with at most %(places)s decimals.") % said)
    return format(rate.normalize(), "f")
