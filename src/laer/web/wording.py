"""Texts in the language of whoever reads them: what is made once and shown to many is put into words when it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast

from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _lazy


def gettext_lazy(text: str) -> str:
    """Django's, for tables of texts: what it gives stands where a text does. Join such texts by `str` each."""
    return cast(str, _lazy(text))


def later(say: Callable[..., str], *values: Any) -> str:
    """A sentence that is made each time it is shown. What a check found is remembered for all; its readers' languages differ."""
    return lazy(say, str)(*values)


def long_month(day: date) -> str:
    """November 2026, from any day in it."""
    return date_format(day, "F Y")
