"""What every reader of a cell shares: the sentinel for what cannot be read, the memo that makes columns fast, plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

BLANKS = re.compile(r"\s+")


INVISIBLE = re.compile("[\u200b\u2060\ufeff]")  # what copies from web pages bring along


class Unreadable(str):
    """A cell that does not read as its kind; carries the text as it stood. Test with `type(value) is Unreadable`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Unreadable({str(self)!r})"


class Memo(dict[str, Any]):
    """Texts already read, so that a column reads at the speed of a dict look-up.

    `Memo(read_date, "dmy")["05-01-2024"]` calls `read_date("05-01-2024", "dmy")` once. `column` reads many cells.
    Bounded: past `limit` distinct texts it starts afresh. `troubled` says that some text was unreadable.
    """

    def __init__(self, read: Callable[..., Any], *settings: Any, limit: int = 200_000) -> None:
        super().__init__()
        self.read, self.settings, self.limit = read, settings, limit
        self.troubled = False

    def __missing__(self, text: str) -> Any:
        value = self.read(text, *self.settings)
        if type(value) is Unreadable:
            self.troubled = True
        if len(self) >= self.limit:
            self.clear()
        self[text] = value
        return value

    def column(self, cells: Iterable[str]) -> list[Any]:
        return list(map(self.__getitem__, cells))


def normal_words(text: str) -> str:
    """Plain lower-case words: `Past_Due ` and `past-due` are both `past due`."""
    return BLANKS.sub(" ", text.replace("_", " ").replace("-", " ")).strip().casefold()


def read_text(text: str) -> str | None:
    """Trimmed text, None where empty."""
    return text.strip() or None


def visible(cells: Sequence[str]) -> Sequence[str]:
    """The cells without characters that nobody sees: names that differ in one look the same."""
    return [INVISIBLE.sub("", cell) for cell in cells] if INVISIBLE.search("".join(cells)) else cells


def spelled(words: str) -> list[str]:
    """The words of a spelled-out list."""
    return words.split()
