"""Translations as files: which languages are here, and what gettext reads of them.

A catalogue is `FOLDER/LANGUAGE/LC_MESSAGES/django.po`. What changed is compiled when a process starts, with Babel, so that nothing else
has to be installed. A text whose translation would break the page (a placeholder that the original does not have, markup that it does
not have) is left out and stays English: a catalogue is a text and no program.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

NAME = Path("LC_MESSAGES") / "django.po"
SOURCE = "en"
LOG = logging.getLogger("laer.catalogues")
_MARKS = re.compile(r"%\(\w+\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%[#0\- +]*\d*(?:\.\d+)?[sdifgr](?![a-zA-Z])|\{\w*(?:[.!:][^{}]*)?\}")
_NAME = re.compile(r"%\((\w+)\)")
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")


def languages(folders: Iterable[Path]) -> list[str]:
    """English first, then the others as Django names them: de, pt-br."""
    found = {path.parent.parent.name for folder in folders for ending in ("po", "mo") for path in folder.glob(f"*/{NAME.with_suffix('.' + ending)}")}
    return [SOURCE, *sorted(name.replace("_", "-").lower() for name in found - {SOURCE})]


def compile_new(folder: Path) -> None:
    """Compile what is newer than its compiled form. What does not read is said in the log and leaves the older form in force."""
    for path in sorted(folder.glob(f"*/{NAME}")):
        target = path.with_suffix(".mo")
        try:
            if not target.exists() or target.stat().st_mtime_ns < path.stat().st_mtime_ns:
                compile_one(path, target)
        except (OSError, ValueError) as error:
            LOG.warning("%s: %s; the translation is used as it was before", path, error)


def compile_one(path: Path, target: Path) -> None:
    """Write the compiled form in one step: two processes that start together do not read half of it."""
    from babel.messages.mofile import write_mo

    catalogue = read(path)
    for message, problem in problems(catalogue):
        LOG.warning("%s, line %s: %s; this text stays English", path, message.lineno or "?", problem)
        message.string = ("",) * len(message.id) if message.pluralizable else ""
    with NamedTemporaryFile(dir=target.parent, delete=False) as file:
        try:
            write_mo(file, catalogue)
            file.close()
            os.replace(file.name, target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read(path: Path) -> Catalog:
    """A catalogue from its file. Raises ValueError saying the line that does not read."""
    from babel.messages.pofile import PoFileError, read_po

    try:
        with path.open("rb") as file:
            return read_po(file, locale=_babel(path), abort_invalid=True)
    except PoFileError as error:
        raise ValueError(f"found a line that is none of a catalogue ({error}), expected a .po file") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"found bytes that are no {error.encoding}, expected a .po file in UTF-8") from None


def _babel(path: Path) -> str | None:
    """The locale that the folder names, where Babel knows it: it knows its plural forms."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(path.parent.parent.name.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return None


def problems(catalogue: Catalog) -> Iterator[tuple[Message, str]]:
    """Translations that cannot stand for their texts, and why."""
    for message in catalogue:
        if not message.id:
            continue
        ids, texts = _each(message.id), [text for text in _each(message.string) if text]
        allowed = [marks(text) for text in ids]
        markup = {tag for text in ids for tag in _MARKUP.findall(text)}
        for text in texts:
            if found := sorted(set(_MARKUP.findall(text)) - markup):
                yield message, f"{_short(ids[0])} has markup that the original has not: {' '.join(found)}"
                break
            if found := sorted(_signs(text) - set().union(*map(_signs, ids))):
                yield message, f"{_short(ids[0])} has {' and '.join(found)}, which the original has not: it would break the page"
                break
            # A plural form may leave the number out ("one task"); it may not ask for what is not given.
            short = not message.pluralizable and marks(text) != allowed[0]
            if short or set(marks(text)) - set().union(*allowed):
                expected = " ".join(sorted(allowed[-1])) or "none"
                yield message, f"{_short(ids[0])} has the placeholders {' '.join(sorted(marks(text))) or 'none'}, expected {expected}"
                break
            if any(allowed) and not _can_be_filled(text, ids):
                yield message, f"{_short(ids[0])} has a % that begins no placeholder; a % that is meant is written %%"
                break


def _signs(text: str) -> set[str]:
    """Signs that end an attribute, open a tag or ask for a value, where they stand outside tags and placeholders. Templates trust a translation."""
    bare = _MARKUP.sub("", text)
    found = {sign for sign in '"<>' if sign in bare}
    return found | ({"%"} if "%" in text else set())


def _can_be_filled(text: str, ids: list[str]) -> bool:
    """Whether the placeholders can be filled in as they are written."""
    values = {name: 1 for each in ids for name in _NAME.findall(each)}
    try:
        text % (values or (1,) * max(sum(marks(each).values()) for each in ids))
    except (KeyError, TypeError, ValueError):
        return not any("%" in each for each in ids)  # {} is filled in another way
    return True


def _each(texts: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [texts or ""] if isinstance(texts, str) or texts is None else list(texts)


def marks(text: str) -> Counter[str]:
    """Placeholders of a text, each with how often."""
    return Counter(_MARKS.findall(text.replace("%%", "")))


def _short(text: Any) -> str:
    return f"“{text if len(text) <= 60 else text[:57] + '…'}”"


def english() -> Path:
    """The shipped catalogue: every text there is."""
    return Path(__file__).parent / "locale" / SOURCE / NAME
