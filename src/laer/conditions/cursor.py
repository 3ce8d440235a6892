"""Where the reading of a line stands, and what every part of it reads: words, numbers, lengths of time."""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

from laer.conditions.checking import Vocabulary, faults_of
from laer.conditions.faults import Fault
from laer.conditions.tokens import Token, tokens
from laer.conditions.tree import Test

LENGTHS = {
    **dict.fromkeys(("d", "day", "days"), 1),
    **dict.fromkeys(("w", "week", "weeks"), 7),
    **dict.fromkeys(("mo", "month", "months"), 30),
    **dict.fromkeys(("y", "year", "years"), 365),
}
DIGITS = 40  # characters of a number


class Wrong(Exception):
    """This test cannot be read; the fault is noted already."""


class Cursor:
    """The tokens of a line, and the one that is next."""

    def __init__(self, line: str, vocabulary: Vocabulary, faults: list[Fault], path: str = "") -> None:
        self.vocabulary, self.faults, self.path = vocabulary, faults, path
        self.tokens = tokens(line, faults, path)
        self.at = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    @property
    def behind(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self, *words: str) -> bool:
        """Whether the line goes on with one of these words; then it is read."""
        if self.now.says(*words):
            self.at += 1
            return True
        return False

    def need(self, *words: str) -> None:
        if not self.take(*words):
            self.wrong("expected", self.now, found=str(self.now), expected=" or ".join(words))

    def wrong(self, code: str, token: Token, **params: str | int) -> NoReturn:
        self.note(code, token, **params)
        raise Wrong

    def note(self, code: str, token: Token, **params: str | int) -> None:
        self.faults.append(Fault(code, params, self.path, token.column))

    def checked(self, test: Test, where: dict[str, Token]) -> Test:
        """The test, where the catalogue knows all that it says."""
        found = list(faults_of(test, self.vocabulary))
        for part, code, params in found:
            self.note(code, where.get(part) or where["field"], **params)
        if found:
            raise Wrong
        return test

    def word(self, expected: str) -> str:
        token = self.now
        if token.form != "word":
            self.wrong("expected", token, found=str(token), expected=expected)
        self.at += 1
        return token.text

    def number(self) -> int | float:
        """A number; with a per cent sign a hundredth of it, by decimals: 29 % is 0.29."""
        token = self.now
        if token.form != "number" or len(token.text) > DIGITS:
            self.wrong("expected", token, found=str(token)[:DIGITS], expected="a number")
        self.at += 1
        exact = Decimal(token.text.replace(",", "").replace("_", ""))
        if self.take("%"):
            exact /= 100
        return int(exact) if exact == exact.to_integral_value() else float(exact)

    def days(self) -> int:
        """A length of time, as days."""
        token, number = self.now, self.number()
        unit = self.now
        if unit.form != "word" or unit.text.lower() not in LENGTHS:
            self.wrong("expected", unit, found=str(unit), expected="d, weeks, months or years")
        self.at += 1
        if not isinstance(number, int):
            self.wrong("expected", token, found=str(token), expected="a whole number")
        return int(number * LENGTHS[unit.text.lower()])
