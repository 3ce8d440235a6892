"""Quick numbers are Babel's numbers: the second route to the same text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from laer.web.templatetags.amounts import currency_text, decimal_text

pytestmark = pytest.mark.once

LOCALES = ("en", "en_US", "en_IN", "de", "de_CH", "fr", "es", "pl", "pt_PT", "sv", "ja", "hi", "ar_EG", "fa", "bn", "my", "nb", "et")
VALUES = [Decimal(t) for t in ("0", "0.005", "0.015", "-0.004", "999.995", "1234", "12345", "-1234.565", "999999.995", "123456789012.34")]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("currency", ["USD", "JPY", "EUR", "KWD", "CHF"])
def test_money_is_written_as_babel_writes_it(locale: str, currency: str) -> None:
    for value in VALUES:
        assert currency_text(value, currency, None, get_currency_precision(currency), locale) == format_currency(value, currency, locale=locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("digits", [0, 1, 2])
def test_numbers_are_written_as_babel_writes_them(locale: str, digits: int) -> None:
    pattern = Locale.parse(locale).decimal_formats[None].pattern.partition(".")[0] + ("." + "0" * digits if digits else "")
    for value in VALUES:
        assert decimal_text(value, digits, locale) == format_decimal(value, format=pattern, locale=locale)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4), st.sampled_from(LOCALES))
def test_any_amount_is_written_as_babel_writes_it(value: Decimal, locale: str) -> None:
    assert currency_text(value, "EUR", None, 2, locale) == format_currency(value, "EUR", locale=locale)
