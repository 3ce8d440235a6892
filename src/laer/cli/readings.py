"""What `laer import` says of ends and amounts: the verdict with its evidence, or the default that it took and how to change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from laer.web.book.models import ImportRun


def readings(kept: dict[str, Any]) -> Iterator[str]:
    """Lines about one file's mapping. The command line never asks (rule 19): what is unclear is a warning."""
    from laer.sources.tabular.amounts import SAID, STATED
    from laer.sources.tabular.answers import amount_of, end_open, period_open, unit_open
    from laer.sources.tabular.ends import MEANING
    from laer.sources.tabular.weighing import priced
    from laer.web.book.mappings import from_json

    mapping = from_json(kept)
    ends, amount, header = mapping.end_evidence, mapping.amount_evidence, priced(mapping)
    if ends is not None and ends.ends and (column := mapping.headers.get("end_on")):
        evidence = " ".join(ends.counts)
        if end_open(mapping):
            default = f"nothing says whether {column} is paid for; it is read as the first unpaid day"
            yield f"warning: {default}. Say it with --end exclusive or --end inclusive. {evidence}"
            yield f"  as the first unpaid day: {ends.effect('exclusive')} As the last paid day: {ends.effect('inclusive')}"
        else:
            yield f"{column}: {MEANING[mapping.end]}{', as said' if 'end' in mapping.answers else ''}. {evidence}"
    if amount is None or header is None or not amount.rows:
        return
    evidence = " ".join(amount.sentences)
    if unit_open(mapping):
        yield (
            f"warning: nothing says whether {header} is the line's total or the price of one unit; it is read as the total. "
            f"Say it with --amount-of line or --amount-of unit. {evidence}"
        )
    if period_open(mapping):
        told = "" if unit_open(mapping) else evidence
        yield f"warning: nothing says for which period {header} is; it is read as a month's. Say it with --amount-is annual, or another period. {told}".rstrip()
    elif not unit_open(mapping):
        beside = mapping.headers.get("mrr") or mapping.headers.get("arr")
        what = "the price of one unit" if amount_of(mapping) == "unit" else "the line's total"
        per = f"for {SAID[mapping.fixed['interval']]}" if amount.per != STATED and mapping.fixed.get("interval") in SAID else "for the interval of its row"
        yield f"{header}: {f'held against {beside}, which counts' if beside else f'{what}, {per}'}. {evidence}".rstrip()


def say_raised(run: ImportRun) -> None:
    """What waits for an answer since this import, and where it is given."""
    from laer.web.book.raised import raised

    waiting = raised(run)
    kinds = [
        f"{n:,} {words}"
        for n, words in ((waiting.missing, "that an earlier list had and this one does not name"), (waiting.blank, "named without an amount, which had one"))
        if n
    ]
    if kinds:
        n = waiting.missing + waiting.blank
        typer.echo(f"questions: {n:,} customer{'' if n == 1 else 's'} ({', '.join(kinds)}). Nothing was ended. Answer them on /data/questions/", err=True)
    if n := waiting.amounts:
        said = f"{n:,} customer{' has' if n == 1 else 's have'} another amount in another system"
        typer.echo(f"questions: {said}. Both are in the figures until a person says which holds, on /data/questions/", err=True)
    if waiting.pairs:
        pairs = "1 pair of accounts" if waiting.pairs == 1 else f"{waiting.pairs:,} pairs of accounts"
        typer.echo(f"suggestions: {pairs} may be one customer. Decide on /data/matches/", err=True)
