"""The fields of the company, for the first setup and for Settings: what can be chosen, what is guessed, what the environment decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal, get_territory_currencies
from django.http import HttpRequest
from django.utils.dates import MONTHS

from laer.web.people import company

FIELDS = ("company_name", "currency", "time_zone", "locale", "fiscal_year_start")
LOCALES = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "en_NZ", "en_SG", "en_ZA", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "el_GR", "es_AR", "es_CL",
    "es_CO", "es_ES", "es_MX", "et_EE", "fi_FI", "fr_BE", "fr_CA", "fr_CH", "fr_FR", "he_IL", "hu_HU", "it_CH", "it_IT", "ja_JP", "ko_KR", "lt_LT", "lv_LV",
    "nb_NO", "nl_BE", "nl_NL", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE", "tr_TR", "uk_UA", "zh_CN", "zh_TW",
)  # fmt: skip
SAMPLE = date(2026, 12, 31)


def form(values: Mapping[str, Any], errors: Mapping[str, str]) -> dict[str, Any]:
    """Context of `parts/company_fields.html`."""
    fixed = company.fixed()
    return {
        "values": values,
        "errors": errors,
        "fixed": {("company_name" if name == "name" else name): f"LAER_{company.VARIABLES[name]}" for name in fixed},
        "currencies": company.currencies(),
        "zones": company.zones(),
        "locales": locales(str(values.get("locale") or "")),
        "months": [(str(number), name) for number, name in MONTHS.items()],
    }


def in_force() -> dict[str, str]:
    """The values that hold now, as a form shows them."""
    firm = company.firm()
    held = {"currency": firm.currency, "time_zone": firm.time_zone, "locale": firm.locale, "fiscal_year_start": str(firm.fiscal_year_start)}
    return {"company_name": firm.name} | held


def given(request: HttpRequest) -> dict[str, str]:
    """What the form sent; of what the environment decides, that."""
    sent = {name: request.POST.get(name, "").strip()[:200] for name in FIELDS}
    fixed, held = company.fixed(), in_force()
    return {name: held[name] if name.removeprefix("company_") in fixed else value for name, value in sent.items()}


def guessed(request: HttpRequest) -> dict[str, str]:
    """The values in force, with the browser's language for what nobody has said yet. The time zone is guessed in the browser."""
    values, fixed = in_force(), company.fixed()
    locale = _asked_for(request.headers.get("Accept-Language", ""))
    if locale and "locale" not in fixed:
        values["locale"] = locale
    if locale and "currency" not in fixed:
        paid = get_territory_currencies(locale.split("_")[-1], start_date=SAMPLE)
        values["currency"] = next((code for code in paid if code in company.currencies()), values["currency"])
    return values


def locales(chosen: str) -> list[dict[str, str]]:
    """Languages and countries with an example of each; the one that is chosen is among them whatever it is."""
    names = [*LOCALES, *([chosen] if chosen not in LOCALES and company.known_locale(chosen) else [])]
    return [{"code": code, "name": _name(code), "example": _example(code)} for code in names]


@lru_cache(maxsize=256)
def _name(code: str) -> str:
    return str(Locale.parse(code).get_display_name("en"))


@lru_cache(maxsize=256)
def _example(code: str) -> str:
    return f"{format_decimal(1234567.89, locale=code)} · {format_date(SAMPLE, 'short', locale=code)}"


def _asked_for(header: str) -> str:
    """The first language with a country that the browser asks for and that can be chosen."""
    for part in header.split(",")[:8]:
        try:
            found = str(Locale.parse(part.split(";")[0].strip().replace("-", "_")))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
        for code in LOCALES:
            if found == code or (len(found) == 2 and code.startswith(f"{found}_")):
                return code
    return ""
