"""The gate that puts a reader's language, formats and zone in force for one request, and what they choose of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from laer.web.catalogues import SOURCE
from laer.web.people.formats import BROWSER, PLAIN, Formats, babel_name, browser_locale, formats_of, of_request, reading, zones
from laer.web.people.models import User

# What is offered; a browser or LAER_LOCALE may name any other that Babel knows.
LOCALES = (
    "en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-SG", "en-ZA", "de-DE", "de-AT", "de-CH", "fr-FR", "fr-BE", "fr-CA", "fr-CH",
    "it-IT", "it-CH", "es-ES", "es-AR", "es-MX", "pt-BR", "pt-PT", "nl-NL", "nl-BE", "da-DK", "sv-SE", "nb-NO", "fi-FI", "et-EE", "lv-LV", "lt-LT",
    "pl-PL", "cs-CZ", "sk-SK", "hu-HU", "ro-RO", "bg-BG", "hr-HR", "sl-SI", "el-GR", "tr-TR", "uk-UA", "he-IL", "hi-IN", "id-ID", "th-TH", "vi-VN",
    "ja-JP", "ko-KR", "zh-CN", "zh-TW",
)  # fmt: skip


class Reader:
    """After the login is known: language and formats for this request, and nothing of them after it.

    The zone that Django has in force stays the firm's, which is the ledger's; the reader's own stands in their formats.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = language_of(request)
        chosen = of_request(request, language)
        with in_force(language, chosen):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse) and not response.is_async:
            response.streaming_content = _streamed(response.streaming_content, language, chosen)  # its rows are written after we are through
        return response


@contextmanager
def in_force(language: str, chosen: Formats) -> Iterator[None]:
    with reading(chosen), translation.override(language):
        yield


def _streamed(parts: Iterable[bytes], language: str, chosen: Formats) -> Iterator[bytes]:
    """Each part made under what was in force: between two of them the thread serves others."""
    rest = iter(parts)
    while True:
        with in_force(language, chosen):
            part = next(rest, None)
        if part is None:
            return
        yield part


def language_of(request: HttpRequest) -> str:
    """The person's, where there is a catalogue for it; else what the browser asks for and we have."""
    user = getattr(request, "user", None)
    wanted = user.language if isinstance(user, User) else ""
    return wanted if wanted in offered() else translation.get_language_from_request(request)


@dataclass(frozen=True)
class Chosen:
    """A person's choice as it is stored. "" leaves a thing to the browser (language) or the firm (formats, zone); None a week's begin to the formats."""

    language: str = ""
    locale: str = ""
    time_zone: str = ""
    week_start: int | None = None

    @classmethod
    def of(cls, user: User) -> Chosen:
        return cls(user.language, user.locale, user.time_zone, user.week_start)

    def formats(self, request: HttpRequest) -> Formats:
        """How they would be written."""
        locale = browser_locale(request.headers.get("Accept-Language", "")) if self.locale == BROWSER else self.locale
        return formats_of(locale, self.time_zone, self.language or translation.get_language_from_request(request), self.week_start)


class NotOffered(ValueError):
    """What was found and what was expected."""


def read_choice(language: str, locale: str, time_zone: str, week_start: str) -> Chosen:
    """A choice from the texts of a form. Raises NotOffered."""
    language, locale, time_zone = language.strip(), locale.strip(), time_zone.strip()
    expected = _("%(field)s: found '%(text)s', expected %(expected)s")
    if language and language not in offered():
        raise NotOffered(expected % {"field": _("Language"), "text": language, "expected": ", ".join(offered())})
    if locale and locale != BROWSER and not babel_name(locale):
        raise NotOffered(expected % {"field": _("Numbers and dates"), "text": locale, "expected": _("one of those listed, such as en-GB")})
    if time_zone and time_zone not in zones():
        near = next((name for name in sorted(zones()) if time_zone.casefold().replace(" ", "_") in name.casefold()), "Europe/Berlin")
        raise NotOffered(expected % {"field": _("Time zone"), "text": time_zone, "expected": _("a name such as %(example)s") % {"example": near}})
    if week_start not in ("", *map(str, range(7))):
        raise NotOffered(expected % {"field": _("Week begins on"), "text": week_start, "expected": _("a day of the week")})
    return Chosen(language, locale, time_zone, int(week_start) if week_start else None)


def choose(user: User, choice: Chosen) -> bool:
    """Keep it; whether anything changed. It is no right and no fact, and has no audit row."""
    if Chosen.of(user) == choice:
        return False
    user.language, user.locale, user.time_zone, user.week_start = choice.language, choice.locale, choice.time_zone, choice.week_start
    user.save(update_fields=["language", "locale", "time_zone", "week_start"])
    return True


@lru_cache(maxsize=64)
def locale_names(words: str) -> tuple[tuple[str, str], ...]:
    """(tag, name in this language), by name; first the English of no country."""
    named = sorted(((tag, Locale.parse(tag, sep="-").get_display_name(words) or tag) for tag in LOCALES), key=lambda one: one[1].casefold())
    return ((PLAIN, Locale.parse(PLAIN).get_display_name(words) or PLAIN), *named)


def offered() -> tuple[str, ...]:
    """Codes of the languages that have a catalogue which reads; English needs none."""
    return tuple(code for code, _name in settings.LANGUAGES if code == SOURCE or translation.check_for_language(code))


def language_names() -> list[tuple[str, str]]:
    """(code, name in the language itself) of what is offered."""
    return [(code, _own_name(code)) for code in offered()]


def _own_name(code: str) -> str:
    name = babel_name(code)
    own = Locale.parse(name).get_display_name(name) if name else None
    return own[:1].upper() + own[1:] if own else code
