"""The firm as every page, pass and command reads it: what the environment says, else what an admin chose in the browser, else the default.

`firm()` is held in the process, so that a page asks for it with no query. It comes with the login (`Logins` in models.py), and a
process whose version is not the one that came takes that: several web processes agree from their next request on. Workers and
commands, which have no login, call `refresh()` before a piece of work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.adopt.activation import LONGEST, MOST, SHIPPED, ActivationRule
from laer.metrics.effort import MINUTES
from laer.web.people.audit import log_event
from laer.web.people.models import Act, Company, Demo, User
from laer.web.people.roles import Refused, only_admins

VARIABLES = {"name": "COMPANY", "currency": "CURRENCY", "time_zone": "TIME_ZONE", "locale": "LOCALE", "fiscal_year_start": "FISCAL_YEAR_START"}
UTC = "UTC"
ALERTS, MOST_ALERTS = 5, 50  # accounts a day on Today, as it ships and at most
MOST_MINUTES = 24 * 60
_default_zone = settings.TIME_ZONE  # before `_take` puts the firm's in its place


@dataclass(frozen=True)
class Firm:
    """What is in force.

    locale             as babel names it: en_US
    fiscal_year_start  first month, 1 to 12
    confirmed          somebody said in the browser that these are right
    activation         the rule by which an account counts as activated; `activation_ships` where it is the one that ships
    minutes            usual minutes of work that does not say how long it took, by kind
    alerts             accounts that Today shows somebody in a day, where they did not choose another number
    fixed              fields that the environment decides, so that no page can change them
    """

    name: str
    currency: str
    time_zone: str
    locale: str
    fiscal_year_start: int
    demo: str = Demo.NONE
    confirmed: bool = False
    version: int = 0
    fixed: frozenset[str] = frozenset()
    activation: ActivationRule = SHIPPED
    activation_ships: bool = True
    minutes: Mapping[str, int] = field(default_factory=lambda: MINUTES)
    alerts: int = ALERTS

    @property
    def is_demo(self) -> bool:
        """Whether pages show a made-up firm."""
        return self.demo == Demo.SHOWN

    @property
    def is_changing(self) -> bool:
        """Whether the demo is being made or left: nothing else may be written meanwhile."""
        return self.demo in (Demo.MAKING, Demo.LEAVING)


_held: Firm | None = None


def firm() -> Firm:
    """The firm in force. One query for the first caller of a process, none afterwards."""
    return _held or refresh()


def said_fiscal_start() -> int | None:
    """The first month of the fiscal year where somebody has said it; None where January is only what nobody changed."""
    held = firm()
    return held.fiscal_year_start if held.confirmed or "fiscal_year_start" in held.fixed or held.fiscal_year_start != 1 else None


def refresh() -> Firm:
    """Read it again: one small query."""
    return _take(Company.objects.filter(pk=1).values(*Company.FIELDS).first() or {})


def seen(row: Mapping[str, Any] | None) -> None:
    """Take the row that came with a login, where this process holds another version."""
    if _held is None or _held.version != (row or {}).get("version", 0):
        _take(row or {})


def forget() -> None:
    """The next caller reads it from the book."""
    global _held
    _held = None


def fixed() -> frozenset[str]:
    """Fields that the environment decides."""
    return frozenset(field for field, name in VARIABLES.items() if os.environ.get(f"LAER_{name}", "").strip())


def _take(row: Mapping[str, Any]) -> Firm:
    global _held
    held = fixed()
    defaults: dict[str, Any] = {"name": settings.COMPANY, "currency": settings.CURRENCY, "time_zone": _default_zone, "locale": settings.LOCALE}
    defaults["fiscal_year_start"] = settings.FISCAL_YEAR_START
    values = {field: default if field in held else row.get(field) or default for field, default in defaults.items()}
    made = Firm(**values, demo=row.get("demo") or Demo.NONE, confirmed=bool(row.get("confirmed_at")), version=row.get("version") or 0, fixed=held,
                activation=_rule(row.get("activation")), activation_ships=not row.get("activation"),
                minutes={**MINUTES, **json.loads(row.get("minutes") or "{}")},
                alerts=ALERTS if row.get("alerts") is None else row["alerts"])  # fmt: skip
    if made.time_zone != settings.TIME_ZONE:
        # `timezone.localdate()` is the firm's day everywhere, in every thread of the process: it reads Django's default zone.
        settings.TIME_ZONE = made.time_zone
        timezone.get_default_timezone.cache_clear()  # type: ignore[attr-defined]
        timezone.get_default_timezone()
    _held = made
    return made


def _rule(text: str | None) -> ActivationRule:
    return ActivationRule(**json.loads(text)) if text else SHIPPED


class InForce:
    """Every page speaks of the firm as its login's row has it. While the demo is made or left, there is the page that says how far it is."""

    WAY = ("/start/", "/login/", "/logout/", "/2fa/", "/reauthenticate/", "/password/", "/invitation/", "/mail/stop/", "/oidc/", "/static/", "/favicon.ico")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and hasattr(request.user, "_company"):
            seen(request.user._company)
        if not request.user.is_authenticated or not firm().is_changing or request.path.startswith(self.WAY):
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = reverse("start_demo")
            return answer
        return redirect("start_demo")


# -- writing ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def save(by: User, given: Mapping[str, Any]) -> list[str]:
    """Write what an admin says of the firm, and that it is right; the fields that changed. What depends on the book is checked by `runs/firm.py`.

    Raises  Refused, PermissionDenied
    """
    only_admins(by)
    values = checked(given)
    row, made = Company.objects.select_for_update().get_or_create(pk=1)
    before = firm() if made else refresh()
    changed = [name for name in values if getattr(before, name) != values[name]]
    for name, value in values.items():
        setattr(row, name, value)
    row.confirmed_at = row.confirmed_at or timezone.now()
    _write(row)
    for name in changed:
        log_event(Act.COMPANY_CHANGED, by, subject=name.replace("_", " "), details={"old": getattr(before, name), "new": values[name]})
    return changed


def read_activation(given: Mapping[str, Any]) -> ActivationRule:
    """The rule that a form says. Raises Refused with what was found and expected."""
    feature = str(given.get("feature") or "").strip()
    if len(feature) > 120:
        raise Refused(_("Feature: found %(found)d characters; 120 fit.") % {"found": len(feature)})
    read = {}
    for name, label, most in (("times", _("Times"), MOST), ("users", _("Users"), MOST), ("days", _("Days"), LONGEST)):
        text = str(given.get(name) or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
            raise Refused(_("%(field)s: found “%(found)s”, expected a whole number from 1 to %(most)s.") % {"field": label, "found": text[:20], "most": most})
        read[name] = int(text)
    return ActivationRule(feature, **read)


@transaction.atomic
def save_activation(by: User, rule: ActivationRule | None) -> bool:
    """Write by which rule an account counts as activated; None: the one that ships. Whether that changed anything."""
    only_admins(by)
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    before, text = row.activation, "" if rule is None else json.dumps(asdict(rule))
    if before == text:
        return False
    row.activation = text
    _write(row)
    log_event(Act.COMPANY_CHANGED, by, subject="activation", details={"old": before, "new": text})
    return True


def read_minutes(given: Mapping[str, str]) -> dict[str, int]:
    """Usual minutes by kind that a form says, those that differ from what ships. Raises Refused with what was found and expected."""
    read = {}
    for kind, ships in MINUTES.items():
        text = given.get(kind, str(ships)).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= MOST_MINUTES):
            said = {"field": kind, "found": text[:20], "most": MOST_MINUTES}
            raise Refused(_("%(field)s: found “%(found)s”, expected whole minutes from 0 to %(most)s.") % said)
        if int(text) != ships:
            read[kind] = int(text)
    return read


@transaction.atomic
def save_minutes(by: User, minutes: Mapping[str, int]) -> bool:
    """Write the usual minutes by kind that differ from what ships; who sees costs may. Whether that changed anything."""
    if not by.is_active or not by.may_see_costs:
        raise PermissionDenied
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    before, text = row.minutes, json.dumps(dict(minutes)) if minutes else ""
    if before == text:
        return False
    row.minutes = text
    _write(row)
    log_event(Act.COMPANY_CHANGED, by, subject="usual minutes", details={"old": before, "new": text})
    return True


def read_alerts(text: str) -> int | None:
    """How many accounts a day; empty: as it is otherwise. Raises Refused with what was found and expected."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MOST_ALERTS):
        raise Refused(_("Accounts a day: found “%(found)s”, expected a whole number from 0 to %(most)s.") % {"found": text[:20], "most": MOST_ALERTS})
    return int(text)


@transaction.atomic
def save_alerts(by: User, alerts: int | None) -> bool:
    """Write how many accounts a day Today shows those who did not choose; None: as it ships. Whether that changed anything."""
    only_admins(by)
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    before = row.alerts
    if before == alerts:
        return False
    row.alerts = alerts
    _write(row)
    log_event(Act.COMPANY_CHANGED, by, subject="accounts a day", details={"old": before, "new": alerts})
    return True


def set_demo(state: str) -> None:
    """Say what the book is. Its caller holds the transaction."""
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    row.demo = state
    _write(row)


def touch() -> None:
    """Say that something which processes hold beside the firm has changed: each reads it again. Its caller holds the transaction."""
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    _write(row)


def set_name(name: str) -> None:
    """Name the firm without confirming anything else of it. Its caller holds the transaction."""
    row, _made = Company.objects.select_for_update().get_or_create(pk=1)
    row.name = name
    _write(row)


def _write(row: Company) -> None:
    row.version += 1
    row.save()
    forget()
    transaction.on_commit(forget)  # what another thread read meanwhile is the row before


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are kept, without those that the environment decides. Raises Refused with what was found and expected."""
    problems = errors(given)
    if problems:
        raise Refused(" ".join(problems.values()))
    values: dict[str, Any] = {name: str(given[name]).strip() for name in ("name", "currency", "time_zone")}
    values |= {"currency": values["currency"].upper(), "fiscal_year_start": int(given["fiscal_year_start"])}
    values["locale"] = str(given["locale"]).strip().replace("-", "_")
    return {name: value for name, value in values.items() if name not in fixed()}


def errors(given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the values of a form, field by field."""
    found: dict[str, str] = {}
    said = {name: str(given.get(name) or "").strip() for name in VARIABLES}
    if not said["name"]:
        found["name"] = _("Say what your company is called.")
    elif len(said["name"]) > 120:
        found["name"] = _("The name has %(found)d characters; 120 fit.") % {"found": len(said["name"])}
    if said["currency"].upper() not in currencies():
        text = _("Currency: found “%(found)s”, expected a code of three letters such as EUR. Choose one of the list.")
        found["currency"] = text % {"found": said["currency"][:20]}
    if said["time_zone"] not in zones():
        text = _("Time zone: found “%(found)s”, expected a name such as Europe/Berlin. Choose one of the list.")
        found["time_zone"] = text % {"found": said["time_zone"][:40]}
    if not known_locale(said["locale"]):
        found["locale"] = _("Format: found “%(found)s”, expected a language and a country such as en_US.") % {"found": said["locale"][:20]}
    month = said["fiscal_year_start"]
    if not (month.isascii() and month.isdigit() and len(month) <= 2 and 1 <= int(month) <= 12):
        found["fiscal_year_start"] = _("Fiscal year: found “%(found)s”, expected a month from 1 (January) to 12 (December).") % {"found": month[:20]}
    return {name: text for name, text in found.items() if name not in fixed()}


@lru_cache(maxsize=1)
def currencies() -> dict[str, str]:
    """Codes of the currencies that some country pays with today, and their names, by code."""
    from babel.numbers import get_currency_name

    codes = {code for paid in get_global("territory_currencies").values() for code, _start, end, tender in paid if end is None and tender}
    return {code: get_currency_name(code, locale="en") for code in sorted(codes)}


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Names of time zones as people know them: area and place, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return [UTC, *sorted(name for name in available_timezones() if name.startswith(areas))]


def known_locale(name: str) -> bool:
    try:
        Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return False
    return True
