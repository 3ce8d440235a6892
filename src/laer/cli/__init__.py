"""The `laer` command. Each module adds its commands to the one app; Django is started only by those that need the book."""

from __future__ import annotations

from typing import Annotated

import typer

from laer import __version__

app = typer.Typer(name="laer", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"laer {__version__}")
        raise typer.Exit


@app.callback()
def laer(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False) -> None:
    """Customer success by Land, Adopt, Expand, Renew."""


def main() -> None:
    app()


from laer.cli import closing, content, demo, explaining, facts, flow, importing, lab, likelihood, operate, packing, plays, revenue, signals, texts, watching  # noqa: E402, F401 - each registers its commands on `app`
