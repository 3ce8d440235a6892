"""The same page for readers of different countries, each with their own language, formats, clock and today."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation

from laer.web import home
from laer.web.book import actions as book
from laer.web.book.models import Account
from laer.web.people import company
from laer.web.people.formats import PLAIN, formats, formats_of, reading
from laer.web.people.models import User
from laer.web.people.reader import LOCALES, Chosen, NotOffered, choose, read_choice
from laer.web.people.typed import Unclear, typed_day, typed_number, typed_whole
from laer.web.templatetags import laer as tags
from laer.web.work import actions as work
from tests.cast import Cast

pytestmark = pytest.mark.once

DAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
# how each writes 1234567.5, USD 1234567.5, the day, and the instant in Berlin (without narrow and hard blanks)
WRITTEN = {
    "en": ("1,234,567.5", "$1,234,567.50", "22 Nov 2026", "22 Nov 2026, 14:05"),
    "en-US": ("1,234,567.5", "$1,234,567.50", "Nov 22, 2026", "Nov 22, 2026, 2:05 PM"),
    "en-GB": ("1,234,567.5", "US$1,234,567.50", "22 Nov 2026", "22 Nov 2026, 14:05"),
    "en-IN": ("12,34,567.5", "$12,34,567.50", "22 Nov 2026", "22 Nov 2026, 2:05 PM"),
    "de-DE": ("1.234.567,5", "1.234.567,50 $", "22.11.2026", "22.11.2026, 14:05"),
    "de-CH": ("1’234’567.5", "$ 1’234’567.50", "22.11.2026", "22.11.2026, 14:05"),
    "fr-FR": ("1 234 567,5", "1 234 567,50 $US", "22 Nov 2026", "22 Nov 2026, 14:05"),
    "ja-JP": ("1,234,567.5", "$1,234,567.50", "2026/11/22", "2026/11/22 14:05"),
}


def plain(text: object) -> str:
    return str(text).replace("\u202f", " ").replace("\xa0", " ").lower().replace("a.m.", "am").replace("p.m.", "pm")


@pytest.fixture(autouse=True)
def firm_of_the_defaults() -> None:
    """Nobody set anything up: most of these tests ask for no book."""
    company._take({})


@pytest.mark.parametrize("locale", WRITTEN)
def test_each_country_has_its_numbers_days_and_times(locale: str) -> None:
    number, money, day, instant = (text.lower() for text in WRITTEN[locale])
    with reading(formats_of(locale, "Europe/Berlin")):
        assert plain(tags.number(Decimal("1234567.5"))) == number
        assert plain(tags.money(Decimal("1234567.5"), "USD")) == money
        assert plain(tags.day(DAY)) == day
        assert plain(tags.instant(AT)) == instant


def test_months_have_names_in_the_language_of_the_texts_and_an_order_of_the_country() -> None:
    with reading(formats_of("fr-FR", language="de")):
        assert tags.day(DAY) == "22 Nov. 2026"
    with reading(formats_of("", language="de")):
        assert tags.day(DAY) == "22.11.2026", "nothing chosen by anybody follows the language"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_format_that_is_offered_writes_everything(locale: str) -> None:
    with reading(formats_of(locale, "Asia/Kolkata")):
        for text in (tags.number(1234.5), tags.money(-1234, "EUR"), tags.money_short(1_280_000, "JPY"), tags.percent(0.123), tags.day(DAY), tags.month(DAY), tags.instant(AT), tags.exact(AT)):
            assert plain(text).strip()
        assert "'" not in str(tags.instant(AT)).replace("’", "")
        assert "18" in str(tags.instant(AT)) or "6" in str(tags.instant(AT))


def test_an_instant_says_its_zone_and_utc_in_its_title() -> None:
    with reading(formats_of("de-DE", "Europe/Berlin")):
        assert tags.exact(AT) == "22.11.2026, 14:05 CET · 2026-11-22 13:05 UTC"
        assert tags.day(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == "23.11.2026"
    assert tags.exact(AT) == "2026-11-22 13:05 UTC"


# What people type


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        ("de-DE", "1.234,56", "1234.56"), ("de-DE", "1234.56", "1234.56"), ("de-DE", "1234,56", "1234.56"), ("de-DE", "1.234.567", "1234567"), ("de-DE", "0.234", "0.234"),
        ("de-CH", "1’234.50", "1234.50"), ("fr-FR", "1 234,5", "1234.5"), ("en-US", "1,234.56", "1234.56"), ("en-US", "1.234", "1.234"), ("en-IN", "12,34,567.5", "1234567.5"),
        ("en", "99999999999999999.99", "99999999999999999.99"), ("pt-BR", "R$ 1.234,56", "1234.56"),
    ],
)  # fmt: skip
def test_a_number_reads_as_its_reader_writes_it_and_stays_exact(locale: str, text: str, value: str) -> None:
    with reading(formats_of(locale)):
        assert typed_number(text) == Decimal(value)


def test_a_number_of_two_meanings_is_refused_and_both_are_said() -> None:
    with reading(formats_of("de-DE")):
        with pytest.raises(Unclear, match=r"found '1\.234', which may be 1234 or 1,234"):
            typed_number("1.234")
        assert typed_whole("1.234") == 1234, "there are no thousandths of an employee"
        with pytest.raises(Unclear, match=r"found 'many', expected a number such as 1\.234,56"):
            typed_number("many")
        assert typed_number("  ") is None


@pytest.mark.parametrize("locale", ["en", "en-US", "en-GB", "de-DE", "fr-FR", "ja-JP", "sv-SE", "pt-BR"])
def test_what_a_reader_is_shown_reads_back(locale: str) -> None:
    with reading(formats_of(locale)):
        assert typed_number(str(tags.number(Decimal("1234567.25"), 2))) == Decimal("1234567.25")
        assert typed_day("2026-11-22") == DAY
        assert typed_day(str(tags.day(DAY)).replace(" de ", " ")) == DAY


def test_a_day_reads_in_the_readers_order_and_one_of_two_meanings_is_refused() -> None:
    for locale, text, day in (("de-DE", "3.4.2026", (4, 3)), ("en-GB", "03/04/2026", (4, 3)), ("en-US", "03/04/2026", (3, 4)), (PLAIN, "22/11/2026", (11, 22))):
        with reading(formats_of(locale)):
            assert typed_day(text) == date(2026, *day), (locale, text)
    with reading(formats_of(PLAIN)), pytest.raises(Unclear, match="found '03/04/2026', which may be 2026-04-03 or 2026-03-04"):
        typed_day("03/04/2026")
    with reading(formats_of("en-US")), pytest.raises(Unclear, match=r"found '22/11/2026', expected a date such as 2026-04-22 or 04/22/2026"):
        typed_day("22/11/2026")


# Whose they are


def choose_for(cast: Cast, part: str, **values: object) -> Client:
    choose(cast.users[part], Chosen(**values))  # type: ignore[arg-type]
    return cast.client(part)


def test_the_same_list_for_an_american_a_german_and_an_indian_reader(cast: Cast) -> None:
    found = {}
    for locale in ("en-US", "de-DE", "en-IN"):
        client = choose_for(cast, "csm", locale=locale, time_zone="Asia/Kolkata")
        found[locale] = plain(client.get(f"/accounts/{cast.expanding.pk}/?tab=subscriptions").content.decode())
        assert f'data-locale="{locale.lower()}" data-zone="asia/kolkata"' in found[locale]
    begun = cast.today - timedelta(days=30)
    for locale, text in (("en-US", f"{begun:%b} {begun.day}, {begun.year}"), ("de-DE", f"{begun:%d.%m.%Y}"), ("en-IN", f"{begun.day} {begun:%b} {begun.year}")):
        assert text.lower() in found[locale], locale
    assert "$3,000" in found["en-US"]
    assert "3.000,00 $" in found["de-DE"]


def test_at_one_moment_auckland_and_los_angeles_have_their_own_today(cast: Cast) -> None:
    """13:00 UTC on the 22nd: the 23rd in Auckland; 06:00 UTC: the 21st in Los Angeles. The firm's is the 22nd."""
    for part, zone, at, here in (("csm", "Pacific/Auckland", 13, 23), ("lead", "America/Los_Angeles", 6, 21)):
        client = choose_for(cast, part, time_zone=zone, locale="de-DE")
        titles = {21: "The 21st", 22: "The 22nd", 23: "The 23rd"}
        for day, title in titles.items():
            work.create_task(cast.users[part], {"title": f"{title} of {part}", "due_on": f"2026-11-{day}"}, cast.renewing.pk)
        with mock.patch("django.utils.timezone.now", return_value=datetime(2026, 11, 22, at, tzinfo=UTC)):
            groups = {g["key"]: [r["title"] for r in g["rows"]] for g in client.get("/tasks/").context["groups"]}
            late = [r["title"] for g in client.get("/tasks/").context["groups"] for r in g["rows"] if r["late"]]
            assert groups["today"] == [f"{titles[here]} of {part}"]
            assert len(late) == here - 21
            assert timezone.localdate() == date(2026, 11, 22), "the ledger's day is the firm's"


def test_a_week_begins_where_the_reader_has_it(cast: Cast) -> None:
    task, _ = work.create_task(cast.users["csm"], {"title": "On Sunday", "due_on": "2026-11-29"}, cast.renewing.pk)
    assert task
    for locale, week_start, key in (("en-GB", None, "week"), ("en-US", None, "later"), ("en-US", 0, "week")):
        client = choose_for(cast, "csm", locale=locale, week_start=week_start)
        with mock.patch("django.utils.timezone.now", return_value=datetime(2026, 11, 24, 12, tzinfo=UTC)):
            assert [g["key"] for g in client.get("/tasks/").context["groups"]] == [key], (locale, week_start)


def test_a_form_takes_the_readers_way_and_keeps_what_was_meant(cast: Cast) -> None:
    client, page = choose_for(cast, "csm", locale="de-DE"), f"/accounts/{cast.adopting.pk}/edit/"
    client.post(f"{page}employees/", {"value": "1.234"})
    client.post(f"{page}signed_up_on/", {"value": "22.11.2026"})
    account = Account.objects.get(pk=cast.adopting.pk)
    assert (account.employees, account.signed_up_on) == (1234, DAY)
    answer = client.post(f"{page}signed_up_on/", {"value": "11/22/2026"})
    assert answer.status_code == 422
    assert "expected a date such as 2026-04-22 or 22.04.2026" in answer.content.decode().replace("&#x27;", "'")
    with pytest.raises(book.Refused, match="Due: found"):
        work.read_due("soon")


def test_files_are_the_same_for_everybody(cast: Cast) -> None:
    said = set()
    for locale in ("en-US", "de-DE", "en-IN"):
        client = choose_for(cast, "csm", locale=locale, time_zone="Pacific/Auckland")
        said.add(b"".join(client.get("/accounts/?format=csv").streaming_content))
    assert len(said) == 1
    assert b"3000.00" in said.pop()


def test_nothing_of_a_request_stays_after_it(cast: Cast) -> None:
    client, before = choose_for(cast, "csm", locale="de-DE", time_zone="Asia/Tokyo"), formats()
    client.get("/accounts/")
    assert formats() == before
    assert before.zone == ZoneInfo("UTC")
    seen: list[str] = []
    with reading(formats_of("de-DE")):
        other = threading.Thread(target=lambda: seen.append(formats().locale))
        other.start()
        other.join()
    assert seen == [before.locale]


# Settings


def test_settings_show_a_preview_and_keep_the_choice(cast: Cast) -> None:
    client = cast.client("csm")
    answer = client.get("/settings/you/formats/?locale=de-DE&time_zone=Pacific/Auckland", headers={"HX-Request": "true"}).content.decode()
    assert "1.234.567,89" in answer
    assert "NZDT" in answer or "NZST" in answer
    assert User.objects.get(pk=cast.users["csm"].pk).locale == "", "a preview keeps nothing"
    client.post("/settings/you/", {"language": "", "locale": "de-DE", "time_zone": "Pacific/Auckland", "week_start": "6"}, follow=True)
    kept = User.objects.get(pk=cast.users["csm"].pk)
    assert (kept.locale, kept.time_zone, kept.week_start) == ("de-DE", "Pacific/Auckland", 6)
    page = client.get("/settings/you/").content.decode()
    assert 'data-locale="de-DE" data-zone="Pacific/Auckland"' in page
    assert '<option value="de-DE" selected>German (Germany)</option>' in page


def test_a_wrong_choice_says_what_was_found_and_expected(cast: Cast) -> None:
    answer = cast.client("csm").post("/settings/you/", {"locale": "", "time_zone": "berlin"})
    assert answer.status_code == 422
    assert "Time zone: found &#x27;berlin&#x27;, expected a name such as Europe/Berlin" in answer.content.decode()
    for wrong in ({"language": "tlh"}, {"locale": "xx-YY"}, {"week_start": "8"}):
        with pytest.raises(NotOffered, match="found"):
            read_choice(**{"language": "", "locale": "", "time_zone": "", "week_start": ""} | wrong)


def test_a_browser_says_the_format_for_who_leaves_it_to_it(cast: Cast) -> None:
    client = choose_for(cast, "csm", locale="browser")
    for accepted, tag in (("de-CH,de;q=0.9,en;q=0.8", "de-CH"), ("xx,en-GB", "en-GB"), ("", "en")):
        page = client.get("/settings/you/", headers={"Accept-Language": accepted}).content.decode()
        assert f'data-locale="{tag}"' in page, accepted


def test_what_is_not_known_any_more_falls_back_to_the_firms(cast: Cast) -> None:
    User.objects.filter(pk=cast.users["csm"].pk).update(locale="zz-ZZ", time_zone="Atlantis/Capital", language="tlh")
    page = cast.client("csm").get("/accounts/")
    assert page.status_code == 200
    assert b'lang="en" dir="ltr" data-locale="en" data-zone="UTC"' in page.content


def test_a_language_from_right_to_left_turns_the_page() -> None:
    with translation.override("ar"):
        assert 'lang="ar" dir="rtl"' in tags.reader_attributes()


def test_a_firm_in_another_format_is_the_default_of_whoever_chose_nothing(cast: Cast) -> None:
    said = {"name": "Alpen AG", "currency": "USD", "time_zone": "Europe/Zurich", "locale": "de_CH", "fiscal_year_start": "1"}
    company.save(cast.users["admin"], said)
    assert b'data-locale="de-CH" data-zone="Europe/Zurich"' in cast.client("lead").get("/accounts/").content
    stranger = Client()
    assert b'data-locale="de-CH"' in stranger.get("/login/").content


def test_a_wrong_format_of_the_firm_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, read in (("", "en"), ("de-CH", "de_CH"), (" sv_SE ", "sv_SE")):
        monkeypatch.setenv("LAER_LOCALE", given)
        assert home.locale() == read
    monkeypatch.setenv("LAER_LOCALE", "klingon")
    with pytest.raises(SystemExit, match="LAER_LOCALE: found 'klingon', expected a language and a country such as en_US"):
        home.locale()
