"""`laer texts`: a file to translate into, and what is left to do in it. Needs no installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laer.cli import app
from laer.cli.book import fail
from laer.web import catalogues

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

texts = typer.Typer(help="Translate the pages: a translation is a file.", no_args_is_help=True)
app.add_typer(texts, name="texts")
SHOWN = 20
File = Annotated[Path, typer.Argument(metavar="FILE", help="a catalogue: django.po", show_default=False)]


@texts.command("new")
def new(
    language: Annotated[str, typer.Argument(metavar="LANGUAGE", help="de, pt_BR, …", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="the file to write; it must not be there yet")],
) -> None:
    """Write a catalogue in which every text waits for its translation."""
    from babel import Locale, UnknownLocaleError
    from babel.messages.catalog import Catalog

    from laer.web.extracting import text_of

    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        fail(f"found the language {language!r}, expected a code such as de or pt_BR")
        return
    if out.exists():
        fail(f"{out} is there already; `laer texts update` brings what is new into it")
    made = Catalog(locale=locale, charset="utf-8")
    for message in _english():
        if message.id:
            made.add(message.id, locations=message.locations, auto_comments=message.auto_comments, context=message.context)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text_of(made), encoding="utf-8")
    typer.echo(f"{out}: {len(made)} texts to translate into {locale.english_name}")


@texts.command("update")
def update(file: File) -> None:
    """Bring a catalogue up to this version: new texts are added, what is gone moves to the end. Translations stay."""
    from laer.web.extracting import text_of

    catalogue = _read(file)
    before = len(catalogue)
    catalogue.update(_english(), no_fuzzy_matching=True)
    file.write_text(text_of(catalogue), encoding="utf-8")
    typer.echo(f"{file}: {len(catalogue)} texts, {before} before; {_untranslated(catalogue)} to translate")


@texts.command("check")
def check(file: File) -> None:
    """Say what is missing in a catalogue, what it has too many, and which translations would break their text. Exit code 1 where there is something to do."""
    catalogue, source = _read(file), _english()
    known, here = _by_id(source), _by_id(catalogue)
    found = {
        "missing": [_first(key) for key in sorted(known) if key not in here or not _translated(here[key])],
        "superfluous": [_first(key) for key in sorted(here.keys() - known.keys())],
        "wrong": [f"line {message.lineno}: {problem}" for message, problem in catalogues.problems(catalogue)],
    }
    typer.echo(f"{file}: {len(known)} texts, {len(known) - len(found['missing'])} translated")
    for kind, rows in found.items():
        for row in rows[:SHOWN]:
            typer.echo(f"{kind}: {row}")
        if len(rows) > SHOWN:
            typer.echo(f"{kind}: and {len(rows) - SHOWN} more")
    if any(found.values()):
        raise typer.Exit(1)


def _english() -> Catalog:
    return catalogues.read(catalogues.english())


def _read(file: Path) -> Catalog:
    try:
        return catalogues.read(file)
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}")
        raise


def _untranslated(catalogue: Catalog) -> int:
    return sum(not _translated(message) for message in catalogue if message.id)


def _all(string: object) -> list[str]:
    return [str(text) for text in string] if isinstance(string, tuple | list) else [str(string or "")]


def _by_id(catalogue: Catalog) -> dict[tuple[str, ...], Message]:
    """By context and text (singular, plural)."""
    return {(message.context or "", *_all(message.id)): message for message in catalogue if message.id}


def _translated(message: Message) -> bool:
    return all(_all(message.string)) and not message.fuzzy


def _first(key: tuple[str, ...]) -> str:
    text = key[1]
    return text if len(text) <= 100 else text[:97] + "…"
