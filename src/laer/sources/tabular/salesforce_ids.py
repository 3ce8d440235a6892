"""Salesforce ids: one id in two spellings.

An id has 15 characters in which upper and lower case differ. Exports for programs that ignore case add three characters
that say which of the 15 are capitals. Both are the same id, and a book that took them for two would hold each account
twice. The short one is kept: reports of Salesforce itself give it.
"""

from __future__ import annotations

from typing import TypeVar

Text = TypeVar("Text", str, str | None)
SHORT, LONG = 15, 18
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(short: str) -> str:
    """The three characters that belong to an id of 15: each says for five of them which are capitals, the first one lowest."""
    fives = (short[start : start + 5] for start in range(0, SHORT, 5))
    return "".join(_SUFFIX[sum(1 << place for place, c in enumerate(five) if "A" <= c <= "Z")] for five in fives)


def one_id(text: str) -> str:
    """An id as the book keeps it: the first 15 characters of a Salesforce id of 18, any other text as it is."""
    if len(text) != LONG or not text.isascii() or not text.isalnum():
        return text
    short = text[:SHORT]
    return short if checksum(short) == text[SHORT:].upper() else text


def one_ids(texts: list[Text]) -> list[Text]:
    """`one_id` of a column; costs next to nothing where no text has the length."""
    return [one_id(text) if text and len(text) == LONG else text for text in texts] if LONG in map(len, filter(None, texts)) else texts
