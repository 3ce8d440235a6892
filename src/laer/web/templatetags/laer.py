"""What the templates say: numbers, money and days in the reader's locale, icons, initials, links that keep the filters."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_decimal, format_percent, get_currency_precision
from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, Select
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _

from laer.records import periods
from laer.web.people.formats import day_text, formats, instant_text, month_text, today
from laer.web.templatetags.amounts import currency_text, decimal_text

register = template.Library()


def _unknown() -> SafeString:
    word = _("unknown")
    return mark_safe(f'<span class="unknown" title="{word}"><span aria-hidden="true">–</span><span class="visually-hidden">{word}</span></span>')


UNKNOWN: Any = lazy(_unknown, SafeString)()  # in the language of whoever reads it
# Filters that survive a change of filter or sort; a cursor does not, because it belongs to the order it was made for.
CURSORS = ("after", "before", "page")


def locale() -> Locale:
    """How this reader's numbers are written, as a Babel locale."""
    return _locale(formats().locale)


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@register.simple_tag
def reader_attributes() -> SafeString:
    """Of `<html>`: the language of the texts and its direction; what scripts need to write numbers, days and times as the server does."""
    chosen, language = formats(), get_language() or settings.LANGUAGE_CODE
    return format_html('lang="{}" dir="{}" data-locale="{}" data-zone="{}"', language, "rtl" if get_language_bidi() else "ltr", chosen.tag, chosen.zone.key)


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        read = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


# Icons, faces


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """`{% icon "building" %}`: a symbol of the sprite. `size` is "", "s" or "l"; with a `label` it speaks, else it is decoration."""
    return _icon(static("dist/sprite.svg"), name, size, str(label))


@lru_cache(maxsize=1_024)
def _icon(sprite: str, name: str, size: str, label: str) -> SafeString:
    css, href = (f"icon icon-{size}" if size else "icon"), f"{sprite}#{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>', css, label, href)
    return format_html('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', css, href)


@register.filter
def initials(name: Any) -> str:
    """Maya Okafor -> MO, Bluefin -> BL, maya@firm.example -> MA."""
    text = str(name or "").strip()
    words = re.findall(r"[^\W_]+", text.split("@")[0] if "@" in text else text)
    if not words:
        return "?"
    return (words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]).upper()


@register.filter
def hue(name: Any) -> int:
    """0 to 7, the same for a name on every machine and day."""
    return zlib.crc32(str(name or "").strip().casefold().encode()) % 8


@register.filter
def person_name(user: Any) -> str:
    """How a person is called on the page: their name, else their e-mail address."""
    return str(getattr(getattr(user, "person", None), "name", "") or getattr(user, "email", ""))


@register.simple_tag
def sso_url() -> dict[str, str] | None:
    """The way to the firm's own identity provider, where one is set up."""
    return {"url": reverse("openid_connect_login", args=["firm"]), "name": settings.OIDC_NAME} if settings.OIDC_ISSUER else None


# Fields


@register.simple_tag
def field_input(field: BoundField, **attrs: str) -> SafeString:
    """A bound field's widget with our class, whatever form made it; further attributes as keywords."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-control"
    attrs.setdefault("placeholder", "")
    return field.as_widget(attrs={"class": css + (" is-invalid" if field.errors else ""), **attrs})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


# Numbers


@register.filter
def number(value: Any, digits: int | None = None) -> str:
    """1234.5 -> 1,234.5; with `digits` exactly so many decimals."""
    read = _decimal(value)
    if read is None:
        return UNKNOWN
    if digits is None and read != read.to_integral_value():
        return format_decimal(read, locale=locale())
    return decimal_text(read, int(digits or 0), formats().locale)


@register.filter
def money(value: Any, currency: str = "USD") -> str:
    """An amount in major units: 1200.5 -> $1,200.50."""
    read = _decimal(value)
    if read is None:
        return UNKNOWN
    return currency_text(read, currency or "USD", None, get_currency_precision(currency or "USD"), formats().locale)


@register.filter
def money_short(value: Any, currency: str = "USD") -> str:
    """310000 -> $310.0k, 1280000 -> $1.28M, 950 -> $950. For figures and lists; the full amount belongs in a title or a table."""
    read = _decimal(value)
    if read is None:
        return UNKNOWN
    for factor, letter, digits, below in ((10**9, "B", 2, 1), (10**6, "M", 2, 1), (10**3, "k", 1, 0)):
        # Said in the letter below, would it reach a thousand? Then 999,960 is $1.00M, and not $1000.0k.
        if round(abs(read) * 1000 / factor, below) >= 1000:
            scaled = read / factor
            digits = 1 if letter != "k" and abs(scaled) >= 10 else digits
            break
    else:
        scaled, letter = read, ""
        digits = 0 if read == read.to_integral_value() else get_currency_precision(currency or "USD")
    name = formats().locale
    text = currency_text(scaled, currency or "USD", _pattern(digits, name), digits, name)
    return LAST_DIGIT.sub(rf"\g<1>{letter}\g<2>", text) if letter else text


LAST_DIGIT = re.compile(r"(\d)(\D*)$")


@lru_cache(maxsize=256)
def _pattern(digits: int, of: str) -> str:
    """The locale's pattern for amounts, with so many decimals."""
    tail = "." + "0" * digits if digits else ""
    return re.sub(r"#,##0(\.0+)?", "#,##0" + tail, Locale.parse(of).currency_formats["standard"].pattern)


@register.filter
def move(value: Any, currency: str = "USD") -> str:
    """money_short for the cells of a movement table, where no cents stand beside thousands; nothing moved is an empty cell."""
    read = _decimal(value)
    return "" if not read else money_short(round(read) or read, currency)


@register.filter
def plus(text: str) -> str:
    """A gain, in front of a magnitude."""
    return f"+{text}" if text else ""


@register.filter
def minus(text: str) -> str:
    """A loss, in front of a magnitude."""
    return f"−{text}" if text else ""


@register.filter
def minor(value: Any, currency: str = "USD") -> Decimal | None:
    """Minor units, as the records keep them, to major units: `{{ row.amount|minor:"USD"|money:"USD" }}`."""
    read = _decimal(value)
    return None if read is None else read.scaleb(-get_currency_precision(currency or "USD"))


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """A rate: 0.1234 -> 12.3%."""
    read = _decimal(value)
    if read is None:
        return UNKNOWN
    tail = "." + "0" * int(digits) if int(digits) else ""
    pattern = re.sub(r"##0", "##0" + tail, locale().percent_formats[None].pattern)
    return format_percent(read, format=pattern, locale=locale())


@register.filter
def signed(text: Any) -> str:
    """Puts a plus before what is not negative, and a true minus sign: for moves. Takes what `money`, `percent` or `number` gave."""
    out = str(text)
    if not re.search(r"\d", out):
        return SafeString(out) if isinstance(text, SafeString) or text is UNKNOWN else out
    return out.replace("-", "−") if "-" in out else "+" + out


# Days


def _moment(value: Any) -> date | datetime | None:
    if isinstance(value, (date, datetime)):
        return value
    if not value:
        return None
    try:
        return date.fromisoformat(str(value)) if len(str(value)) == 10 else datetime.fromisoformat(str(value))
    except ValueError:
        return None


@register.filter
def day(value: Any) -> str:
    """12 Apr 2027."""
    read = _moment(value)
    if read is None:
        return UNKNOWN
    chosen = formats()
    if isinstance(read, datetime):
        read = chosen.local(read).date()
    return day_text(read, chosen.locale, chosen.words)


@register.filter
def last_covered(value: Any) -> date | None:
    """`{{ contract.end_on|last_covered|day }}`: the day that people call the end, the last one that is covered."""
    read = _moment(value)
    return None if read is None else periods.last_covered(read)


@register.filter
def month(value: Any) -> str:
    """Apr 2027, from any day in it."""
    read = _moment(f"{value}-01" if isinstance(value, str) and len(value) == 7 else value)
    chosen = formats()
    return UNKNOWN if read is None else month_text(read, chosen.locale, chosen.words)


@register.filter
def instant(value: Any) -> str:
    """12 Apr 2027, 14:05, in the reader's time zone."""
    read = _moment(value)
    return instant_text(read, formats()) if isinstance(read, datetime) else day(value)


@register.filter
def exact(value: Any) -> str:
    """For a title: the instant with the reader's zone and in UTC, for whoever compares it with another's page or with a log."""
    read = _moment(value)
    if not isinstance(read, datetime) or timezone.is_naive(read):
        return str(instant(value)) if isinstance(read, datetime) else ""
    chosen = formats()
    utc = f"{read.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return utc if chosen.zone.key == "UTC" else f"{instant_text(read, chosen)} {chosen.local(read):%Z} · {utc}"


@register.filter
def ago(value: Any) -> str:
    """Today, Yesterday, 3 days ago, in 46 days; for an instant of today: 4 minutes ago."""
    read = _moment(value)
    if read is None:
        return UNKNOWN
    now = timezone.now()
    if isinstance(read, datetime):
        if timezone.is_naive(read):
            read = timezone.make_aware(read)
        if abs(now - read) < timedelta(seconds=45):
            return _("Just now")
        if abs(now - read) < timedelta(hours=24):
            return format_timedelta(read - now, add_direction=True, locale=formats().words)
        read = formats().local(read).date()
    days = (read - today()).days
    words = {0: _("Today"), -1: _("Yesterday"), 1: _("Tomorrow")}
    return words.get(days) or format_timedelta(timedelta(days=days), add_direction=True, threshold=1.6, locale=formats().words)


# Links and small pictures


@register.simple_tag
def url_with(request: HttpRequest, **changes: Any) -> str:
    """`{% url_with request sort="-arr" %}`: this page's query with these changed, the rest kept, cursors dropped. None or "" takes one out."""
    query = request.GET.copy()
    for cursor in CURSORS:
        query.pop(cursor, None)
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(one) for one in value])
        else:
            query[key] = str(value)
    return "?" + query.urlencode()


@register.filter
def with_format(url: str, form: str) -> str:
    """The address of a list as a file of this format."""
    path, _, query = url.partition("?")
    changed = QueryDict(query, mutable=True)
    changed["format"] = form
    return f"{path}?{changed.urlencode()}"


@register.simple_tag
def hidden_query(request: HttpRequest, *without: str) -> SafeString:
    """Hidden fields that carry this page's query through a GET form, but for the form's own fields and the cursors."""
    pairs = [(key, value) for key, values in request.GET.lists() if key not in without and key not in CURSORS for value in values]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.filter
def next_sort(key: str, sort: str) -> str:
    """The sort a header's link asks for: its own key, turned round where it is already in force. Amounts and dates begin high."""
    name = key.lstrip("-")
    if (sort or "").lstrip("-") == name:
        return name if sort.startswith("-") else f"-{name}"
    return key


@register.filter
def sorts_by(key: str, sort: str) -> str:
    """What aria-sort says of this header: ascending, descending, or nothing."""
    if (sort or "").lstrip("-") != key.lstrip("-"):
        return ""
    return "descending" if sort.startswith("-") else "ascending"


@register.filter
def sparkline_points(values: Any, box: str = "84x26") -> str:
    """Numbers to the points of an SVG polyline in a box. A missing value is passed over; less than two give nothing."""
    width, height = (float(side) for side in box.split("x"))
    reads = [_decimal(value) for value in (values or [])]
    known = [float(value) for value in reads if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), max(known) - min(known)
    if not span:  # what never changed runs through the middle, unless it is nothing
        low, span = (low - 1.0, 2.0) if low else (low, 1.0)
    step = width / (len(reads) - 1)
    return " ".join(f"{at * step:.1f},{height - 2 - (float(value) - low) / span * (height - 4):.1f}" for at, value in enumerate(reads) if value is not None)


@register.filter
def undo_url(message: Any) -> str:
    """The address in a Django message's extra_tags: `messages.success(request, "Owner changed", extra_tags="undo:/accounts/7/undo/12/")`."""
    for tag in (getattr(message, "extra_tags", None) or "").split():
        if tag.startswith("undo:"):
            return str(tag[5:])
    return ""


@register.filter
def level(message: Any) -> str:
    """A Django message's level in our words: good, info, warn, bad."""
    return {"success": "good", "warning": "warn", "error": "bad"}.get(getattr(message, "level_tag", ""), "info")


@register.filter
def chart_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """A chart's data as rows of a table, newest first: [{x, values}], one value per series, and that of a line over bars."""
    drawn = [*data["series"], *([data["line"]] if data.get("line") else [])]
    rows = [{"x": x, "values": [one["values"][at] if at < len(one["values"]) else None for one in drawn]} for at, x in enumerate(data["x"])]
    return rows[::-1]


@register.filter
def unlocalized(value: Any) -> str:
    """A number for an attribute that a browser reads: a full stop, no grouping."""
    read = _decimal(value)
    return "" if read is None else f"{read:f}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`{{ row|get:column }}`: a key of a dict or an attribute of an object, None where there is none."""
    if mapping is None:
        return None
    return mapping.get(key) if hasattr(mapping, "get") else getattr(mapping, str(key), None)
