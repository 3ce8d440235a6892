"""How one reads: language, numbers and dates, time zone, and a preview while choosing. A card of the page of one's own sign-in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.web.pages.accounts import user_of
from laer.web.people.company import firm
from laer.web.people.formats import BROWSER, browser_locale, formats, reading, zones
from laer.web.people.reader import Chosen, NotOffered, language_names, locale_names, read_choice
from laer.web.templatetags.laer import day, instant, money, number

SAMPLE = Decimal("1234567.89")
FIELDS = ("language", "locale", "time_zone", "week_start")


@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """What the choice in the address would look like; nothing is kept."""
    user = user_of(request)
    if request.headers.get("HX-Request") != "true":
        return redirect("settings_you")
    try:
        shown = samples(request, read_choice(*(request.GET.get(name, "") for name in FIELDS)))
    except NotOffered as problem:
        return render(request, "parts/formats_preview.html", {"problem": str(problem)})
    return render(request, "parts/formats_preview.html", {"samples": shown, "person": user})


def card(request: HttpRequest, given: dict[str, str] | None = None, error: str = "") -> dict[str, Any]:
    """Context of parts/formats.html; `given` is what was typed and not taken."""
    user = user_of(request)
    chosen = Chosen.of(user)
    stored = {name: str(value) if (value := getattr(chosen, name)) is not None else "" for name in FIELDS}
    words = formats().words
    listed = dict(locale_names(words))
    if chosen.locale and chosen.locale != BROWSER:
        listed.setdefault(chosen.locale, chosen.locale)
    browser = browser_locale(request.headers.get("Accept-Language", ""))
    return {
        "values": given or stored,
        "languages": language_names(),
        "locales": [(BROWSER, _("As the browser says") + (f" ({listed.get(_tag(browser), _tag(browser))})" if browser else "")), *listed.items()],
        "firm_locale": listed.get(_tag(firm().locale), _tag(firm().locale)),
        "firm_zone": firm().time_zone,
        "zones": ["UTC", *sorted(name for name in zones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))],
        "weekdays": [(str(number), name) for number, name in enumerate(_weekdays(words))],
        "samples": samples(request, chosen),
        "error": error,
    }


def samples(request: HttpRequest, chosen: Chosen) -> list[tuple[str, str]]:
    """A number, an amount, a day and a time as this choice writes them."""
    written = chosen.formats(request)
    with reading(written):
        now = timezone.now()
        return [
            (_("Number"), number(SAMPLE, 2)),
            (_("Amount"), money(SAMPLE, firm().currency)),
            (_("Day"), day(written.today())),
            (_("Now"), f"{instant(now)} ({written.local(now):%Z})"),
            (_("Week begins on"), _weekdays(written.words)[written.week_start]),
        ]


def _weekdays(words: str) -> list[str]:
    from babel.dates import get_day_names

    names = get_day_names("wide", "stand-alone", words)
    return [str(names[at]) for at in range(7)]


def _tag(name: str) -> str:
    language, _mark, country = name.replace("_", "-").partition("-")
    return f"{language}-{country.upper()}" if country else language
