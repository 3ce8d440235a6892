"""Measures in words: what the catalogue calls them, in the reader's language, their values in the reader's formats, and why one is unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from laer.metrics.catalogue import Measure
from laer.records.periods import date_of
from laer.web.pages.data import user_of
from laer.web.runs.measured import Missing, named
from laer.web.runs.spread import Bar
from laer.web.templatetags.laer import ago, day, money, money_short, month, number, percent
from laer.web.wording import gettext_lazy

MOTIONS = {
    "land": gettext_lazy("Land"), "adopt": gettext_lazy("Adopt"), "expand": gettext_lazy("Expand"), "renew": gettext_lazy("Renew"),
    "base": gettext_lazy("Base"),
}  # fmt: skip
QUESTIONS = {
    "land": gettext_lazy("Was it won in the right way?"), "adopt": gettext_lazy("Is it used, by whom, and how do they find it?"),
    "expand": gettext_lazy("Where is room to grow?"), "renew": gettext_lazy("What falls due, and what speaks against it?"),
    "base": gettext_lazy("What several motions read"),
}  # fmt: skip
MOVES = {True: gettext_lazy("leading"), False: gettext_lazy("lagging")}
SAID_OF_MOVES = {True: gettext_lazy("moves before revenue does"), False: gettext_lazy("moves with revenue or after it")}
BETTER = {"up": gettext_lazy("more is better"), "down": gettext_lazy("less is better"), "": gettext_lazy("neither more nor less is better")}
KINDS = {
    "number": gettext_lazy("number"), "money": gettext_lazy("amount"), "text": gettext_lazy("word"), "flag": gettext_lazy("yes or no"),
    "date": gettext_lazy("day"),
}  # fmt: skip
GRAINS = {
    "account": gettext_lazy("an account"), "deal": gettext_lazy("a deal"), "renewal": gettext_lazy("a renewal"),
    "account x product": gettext_lazy("an account and a product"), "company": gettext_lazy("the firm"),
}  # fmt: skip
SOURCES = {
    "subscription_lines": gettext_lazy("subscription lines"), "contracts": gettext_lazy("contracts"), "opportunities": gettext_lazy("opportunities"),
    "tickets": gettext_lazy("tickets"), "survey_responses": gettext_lazy("survey answers"), "pulses": gettext_lazy("pulses"),
    "touches": gettext_lazy("touches"), "churn_events": gettext_lazy("departures"), "accounts": gettext_lazy("accounts"), "usage_days": gettext_lazy("usage"),
    "onboarding_plans": gettext_lazy("onboarding plans"), "onboarding_steps": gettext_lazy("onboarding steps"), "outcomes": gettext_lazy("outcomes"),
    "account_metrics": gettext_lazy("account metrics"), "contacts": gettext_lazy("contacts"),
    "product_users": gettext_lazy("product users"), "product_features": gettext_lazy("product features"), "entitlements": gettext_lazy("entitlements"),
    "invoices": gettext_lazy("invoices"),
    "text_sentiments": gettext_lazy("texts that were scored"),
    "forecasts": gettext_lazy("renewal calls"), "tasks": gettext_lazy("tasks"), "discounts": gettext_lazy("discounts"),
    "costs": gettext_lazy("costs"), "products": gettext_lazy("products with a gross margin"),
}  # fmt: skip
UNITS = {  # of counts; other units are the same for one and many
    "users": ngettext_lazy("user", "users", "count"), "days": ngettext_lazy("day", "days", "count"), "features": ngettext_lazy("feature", "features", "count"),
    "events": ngettext_lazy("event", "events", "count"), "errors": ngettext_lazy("error", "errors", "count"),
    "tickets": ngettext_lazy("ticket", "tickets", "count"), "touches": ngettext_lazy("touch", "touches", "count"),
    "minutes": ngettext_lazy("minute", "minutes", "count"), "deals": ngettext_lazy("deal", "deals", "count"), "seats": ngettext_lazy("seat", "seats", "count"),
    "renewals": ngettext_lazy("renewal", "renewals", "count"),
    "products": ngettext_lazy("product", "products", "count"), "contracts": ngettext_lazy("contract", "contracts", "count"),
    "plans": ngettext_lazy("plan", "plans", "count"), "steps": ngettext_lazy("step", "steps", "count"),
    "outcomes": ngettext_lazy("outcome", "outcomes", "count"),
    "contacts": ngettext_lazy("contact", "contacts", "count"), "points": ngettext_lazy("point", "points", "count"),
    "hours": ngettext_lazy("hour", "hours", "count"),
    "teams": ngettext_lazy("team", "teams", "count"), "times": ngettext_lazy("time", "times", "count"),
    "roles": ngettext_lazy("role", "roles", "count"), "mails": ngettext_lazy("e-mail", "e-mails", "count"),
    "entitlements": ngettext_lazy("entitlement", "entitlements", "count"), "invoices": ngettext_lazy("invoice", "invoices", "count"),
    "limits": ngettext_lazy("limit", "limits", "count"), "discounts": ngettext_lazy("discount", "discounts", "count"),
    "accounts": ngettext_lazy("account", "accounts", "count"), "months": ngettext_lazy("month", "months", "count"),
}  # fmt: skip
RATE = "%"  # the unit of a rate from 0 to 1
LOGGED = ("touches", "tasks", "forecasts")  # people write these down here; a file does not bring them
DIGITS = 12  # of a number that leaves: what lies behind them is how computers divide


def text(words: str) -> str:
    """A text of the catalogue in the reader's language (`extracting.texts_of_measures` hands them to translators)."""
    return named(words) if words else ""


def sentence(words: str) -> str:
    said = text(words)
    return said[:1].upper() + said[1:]


def source_text(record: str) -> str:
    return str(SOURCES.get(record, record.replace("_", " ")))


def plain(measure: Measure, value: Any) -> Any:
    """A value as the run's facts or a card has it, as date, Decimal, bool or text; None is unknown."""
    if value is None or measure.kind in ("text", "flag"):
        return value
    if measure.kind == "date":
        return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else date_of(int(value))
    return Decimal(f"{float(value):.{DIGITS}g}")


def said(measure: Measure, value: Any, currency: str) -> dict[str, Any]:
    """text, title (the exact value) and unit of a plain value; what is unknown says so."""
    if value is None:
        return {"text": number(None), "title": "", "unit": ""}
    if measure.kind == "money":
        return {"text": money_short(value, currency), "title": money(value, currency), "unit": text(measure.unit)}
    if measure.kind == "date":
        return {"text": day(value), "title": ago(value), "unit": ""}
    if measure.kind == "flag":
        return {"text": _("yes") if value else _("no"), "title": "", "unit": ""}
    if measure.kind == "text":
        return {"text": text(value) if value in measure.words_of else value, "title": "", "unit": ""}
    if measure.unit == RATE:
        return {"text": percent(value), "title": number(value), "unit": ""}
    short = number(value.quantize(Decimal("0.01")).normalize())
    return {"text": short, "title": number(value), "unit": _unit(measure.unit, value)}


def _unit(unit: str, value: Decimal) -> str:
    return str(UNITS[unit] % {"count": 1 if abs(value) == 1 else 2}) if unit in UNITS else text(unit)


def bar_text(measure: Measure, bar: Bar, currency: str) -> str:
    """What stands below a bar: a value, a month, or a stretch."""
    if measure.kind == "date":
        return str(month(bar.value)) if "-" in bar.key else str(bar.value)
    if bar.value is not None:
        return str(said(measure, bar.value, currency)["text"])
    low, high = (None if edge is None else _edge(measure, edge, currency) for edge in (bar.low, bar.high))
    if low is None:
        return _("under %(high)s") % {"high": high}
    return _("%(low)s and more") % {"low": low} if high is None else _("%(low)s to %(high)s") % {"low": low, "high": high}


def _edge(measure: Measure, edge: Decimal, currency: str) -> str:
    """Edges are round: a share needs no decimal where it is a whole percent."""
    if measure.unit == RATE:
        return percent(edge, 0 if edge * 100 % 1 == 0 else 1)
    return str(said(measure, edge, currency)["text"])


def missing_text(request: HttpRequest, missing: Missing) -> dict[str, Any]:
    """Why nothing is known, and the way out: text, url?, action?."""
    source = source_text(missing.record)
    if missing.why == "waits":
        return {"text": _("the next pass computes it")}
    if missing.why == "nothing":
        return {"text": _("nothing is said of it yet")}
    if missing.why == "stale":
        old = _("the newest of %(source)s is of %(day)s: too long ago to say") % {"source": source, "day": day(missing.newest)}
        return {"text": old} | _way(request, missing)
    if missing.why == "silent":
        return {"text": _("the source of %(source)s does not say it") % {"source": source}}
    if missing.record in LOGGED:
        return {"text": _("no %(source)s yet") % {"source": source}} | _way(request, missing)
    return {"text": _("no source of %(source)s yet") % {"source": source}} | _way(request, missing)


def _way(request: HttpRequest, missing: Missing) -> dict[str, Any]:
    if missing.record in LOGGED:
        return {"url": reverse("accounts"), "action": _("log one on an account")} if user_of(request).may_edit else {}
    return {"url": reverse("import"), "action": _("import a file")} if user_of(request).may_import else {}
