"""A line of a condition, cut into tokens in one walk from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from laer.conditions.faults import Fault

LINE = 2_000  # characters
DIGITS = frozenset("0123456789")
SIGNS = ("<=", ">=", "!=", "<>", "==", "=", "<", ">", "≤", "≥", "≠", "(", ")", ",", "%")
SAME = {"<>": "!=", "==": "=", "≤": "<=", "≥": ">=", "≠": "!="}
QUOTES = "\"'"
INSIDE = frozenset("_-./&+@#:'")  # beside letters and digits, within a word

Form = Literal["word", "quoted", "number", "date", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """text: what it says, without quotes and with one spelling for each sign; column: from 1."""

    form: Form
    text: str
    column: int

    def says(self, *words: str) -> bool:
        return (self.form == "word" and self.text.lower() in words) or (self.form == "sign" and self.text in words)

    def __str__(self) -> str:
        return "the end" if self.form == "end" else f'"{self.text}"' if self.form == "quoted" else self.text


def tokens(line: str, faults: list[Fault], path: str = "") -> list[Token]:
    """The tokens of a line, the last of them its end. What means nothing is a fault and is left out."""
    if len(line) > LINE:
        faults.append(Fault("too_long", {"found": len(line), "limit": LINE}, path))
        line = ""
    return [*_cut(line, faults, path), Token("end", "", len(line) + 1)]


def _cut(line: str, faults: list[Fault], path: str) -> Iterator[Token]:
    at = 0
    while at < len(line):
        char, column = line[at], at + 1
        if char.isspace():
            at += 1
        elif char in QUOTES:
            text, at = _quoted(line, at)
            if at > len(line):
                faults.append(Fault("unclosed", {}, path, column))
            yield Token("quoted", text, column)
        elif _is_date(line, at):
            yield Token("date", line[at : at + 10], column)
            at += 10
        elif char in DIGITS or (char in "+-−" and line[at + 1 : at + 2] in DIGITS):
            end = _number(line, at + 1)
            yield Token("number", line[at:end].replace("−", "-"), column)
            at = end
        elif char.isalpha() or char == "_":
            end = at + 1
            while end < len(line) and (line[end].isalnum() or line[end] in INSIDE):
                end += 1
            yield Token("word", line[at:end], column)
            at = end
        elif sign := next((sign for sign in SIGNS if line.startswith(sign, at)), None):
            yield Token("sign", SAME.get(sign, sign), column)
            at += len(sign)
        else:
            faults.append(Fault("sign", {"found": repr(char)}, path, column))
            at += 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    """The text within quotes, and where it ends. A doubled quote is one of its letters; beyond the line: it did not end."""
    quote = line[at]
    text: list[str] = []
    at += 1
    while at < len(line):
        if line[at] == quote:
            if line[at + 1 : at + 2] != quote:
                return "".join(text), at + 1
            at += 1
        text.append(line[at])
        at += 1
    return "".join(text), at + 1


def _is_date(line: str, at: int) -> bool:
    ten = line[at : at + 10]
    shape = len(ten) == 10 and all((char == "-") if place in (4, 7) else (char in DIGITS) for place, char in enumerate(ten))
    return shape and not line[at + 10 : at + 11].isalnum()


def _number(line: str, end: int) -> int:
    """Where a number ends: digits, groups of three behind commas or underscores, a point with more digits."""
    while line[end : end + 1] in DIGITS:
        end += 1
    while line[end : end + 1] in {",", "_"} and _three(line, end + 1):
        end += 4
    if line[end : end + 1] == "." and line[end + 1 : end + 2] in DIGITS:
        end += 2
        while line[end : end + 1] in DIGITS:
            end += 1
    return end


def _three(line: str, at: int) -> bool:
    return len(line[at : at + 3]) == 3 and set(line[at : at + 3]) <= DIGITS and line[at + 3 : at + 4] not in DIGITS
