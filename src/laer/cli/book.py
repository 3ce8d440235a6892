"""Start Django for the commands that work on the book."""

from __future__ import annotations

import os

import typer


def open_book(*, migrated: bool = True) -> None:
    """Set Django up for this process; stop with a clear word when the book's schema is not this version's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
    import django

    django.setup()
    if migrated:
        from laer.web.runs.schema import schema_problem

        problem = schema_problem()
        if problem:
            fail(problem)
        from laer.web.people import company

        company.refresh()  # the firm's time zone decides what today is


def fail(message: str, code: int = 2) -> None:
    """One line on standard error, and out."""
    typer.echo(f"laer: {message}", err=True)
    raise typer.Exit(code)
