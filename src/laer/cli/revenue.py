"""`laer revenue`: the ledger over one file of subscription lines, without a database."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail
from laer.metrics.statement import COUNT, NRR_WITHOUT_PRICE, RATES_EFFECT, Month, columns, plain, printed, with_rates_effect
from laer.records.money import minor_units, rounded
from laer.records.periods import month_name, month_of

if TYPE_CHECKING:
    from laer.cli.line_file import LineFile
    from laer.cycle.ledger import Ledger
    from laer.metrics.policy import Policy


class Movements(StrEnum):
    event = "event"
    net = "net"


class End(StrEnum):
    exclusive = "exclusive"
    inclusive = "inclusive"


class Order(StrEnum):
    auto = "auto"
    dmy = "dmy"
    mdy = "mdy"
    ymd = "ymd"


class AmountIs(StrEnum):
    monthly = "monthly"
    quarterly = "quarterly"
    semi_annual = "semi-annual"
    annual = "annual"
    biennial = "biennial"


class MonthDay(StrEnum):
    first = "first"
    last = "last"


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


TEXT = {"month", "cohort", "account", "line", "measure", "name"}
CAUSE = "cause"
PRINTED = 1_200  # months made at once
MANY_MONTHS, MOST_MONTHS = 2_400, 36_000  # beyond the first a date is likely mistyped, beyond the second nothing is printed


@app.command()
def revenue(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX of subscription lines", show_default=False)],
    from_: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM", help="first month; default: that of the first paying day")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM", help="last month; default: that of the latest start or last paid day")] = None,
    policy: Annotated[
        str, typer.Option(metavar="NAME", help="the rules to follow: default, stripe, chartmogul, board, or one of LAER_HOME/policies")
    ] = "default",
    against: Annotated[str | None, typer.Option(metavar="NAME", help="list line by line why this other policy differs")] = None,
    movements: Annotated[Movements | None, typer.Option(help="each day of change is a movement, or each month; default: the policy's")] = None,
    gap_days: Annotated[int | None, typer.Option("--gap-days", min=0, help="bridge unpaid gaps of at most this many days; default: the policy's")] = None,
    end: Annotated[End | None, typer.Option(help="end dates are the first unpaid day (exclusive) or the last paid day; default: the policy's")] = None,
    date_order: Annotated[Order, typer.Option("--date-order", help="order of day, month and year in dates")] = Order.auto,
    months: Annotated[
        MonthDay | None, typer.Option("--months", help="a month without a day, as an end, is its first or its last day; default: what the file shows")
    ] = None,
    amount_is: Annotated[AmountIs | None, typer.Option("--amount-is", help="period that an amount without an interval is for; default: a month")] = None,
    fx: Annotated[Path | None, typer.Option(metavar="FILE", help="table with the columns currency, rate, and fiscal_year or from")] = None,
    plan_year: Annotated[int | None, typer.Option("--plan-year", metavar="YEAR", help="the fiscal year whose rates of --fx are used")] = None,
    rates_effect: Annotated[int | None, typer.Option("--rates-effect", metavar="YEAR", help="add closing MRR less that at the rates of this year")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="currency of the report")] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="split by a column of the file, or by cause")] = None,
    without_price: Annotated[bool, typer.Option("--without-price", help="add NRR over 12 months without price changes")] = False,
    format: Annotated[Format, typer.Option(help="how to print")] = Format.table,
    rejects: Annotated[Path | None, typer.Option(metavar="FILE", help="write the rejected rows here, as CSV")] = None,
    cohorts: Annotated[bool, typer.Option("--cohorts", help="print cohorts of first paying month instead")] = False,
) -> None:
    """MRR movements, retention and cohorts of one file of subscription lines, month by month. Needs no database."""
    # The engine takes a second to import: only this command pays for it.
    from laer.cli.line_file import FileRefused, read_line_file
    from laer.cycle.ledger import compute
    from laer.engine.session import DuckDBSession
    from laer.metrics.policy import OWN, load_policy
    from laer.sources.tabular.files import UnreadableFile
    from laer.web import home

    OWN[:] = [home.policies()]

    own = {"movements": movements.value if movements else None, "gap_days": gap_days, "end": end.value if end else None}
    by_cause = by is not None and by.strip().lower() == CAUSE
    by = CAUSE if by_cause else by
    column = None if by_cause else by
    read = partial(
        read_line_file, file, date_order=date_order.value, currency=currency, fx=fx, plan_year=plan_year, by=column, causes=by_cause or without_price,
        amount_is=amount_is.value if amount_is else None, months=months.value if months else None,
    )  # fmt: skip
    try:
        if fx is None and (plan_year or rates_effect) is not None:
            raise ValueError("--plan-year and --rates-effect name a fiscal year of --fx FILE: give it")
        if rates_effect is not None and (by or against or cohorts):
            raise ValueError("--rates-effect is of the whole report: give it without --by, --against and --cohorts")
        rules = load_policy(policy).changed(**own)
        other = load_policy(against).changed(**own) if against is not None else None
        if other and (by or cohorts or without_price):
            raise ValueError("--against lists differences of amounts: give it without --by, --cohorts and --without-price")
        bounds = (month_of(from_) if from_ else None, month_of(to) if to else None)
        lines = read(rules)
        if column in columns(rules.windows):
            raise ValueError(f"--by {by}: the report has a column of that name; rename the column in the file")
        if by_cause and any(h.strip().lower() == CAUSE for h in lines.header):
            lines.notes.append("the file's own column cause is not read: --by cause is the cause of the movement; rename the column to split by it")
        others = [read(other)] if other else []
        lines.notes += [note for one in others for note in one.notes if note not in lines.notes]
        first, last = _bounds([lines, *others], *bounds)
        if last - first >= MANY_MONTHS and None in bounds:
            span = f"the lines run from {month_name(first)} to {month_name(last)}, {last - first + 1:,} months: a date may be mistyped"
            if last - first >= MOST_MONTHS:
                raise ValueError(f"{span}; correct it, or say with --from and --to what to print")
            lines.notes.append(f"warning: {span}; --from and --to say what to print")
        given = lines.ledger_input(column is not None)
        compared = read(rules, plan_year=rates_effect, by=None, causes=False).ledger_input(False) if rates_effect is not None else None
    except (FileRefused, UnreadableFile, ValueError, OverflowError) as error:
        fail(str(error))
        return
    how = {"by_cause": by_cause and not cohorts, "without_price": without_price and not cohorts, "by": column is not None and not cohorts}
    with DuckDBSession() as session:
        ledger = compute(
            session, given, movements=rules.movements, gap_days=rules.gap_days, windows=rules.windows, rates=rules.rates, **how,
        )  # fmt: skip
    at_other = None
    if compared:
        with DuckDBSession() as session:
            at_other = compute(session, compared, movements=rules.movements, gap_days=rules.gap_days, windows=rules.windows)
    _say_policy(rules, own, policy)
    _say(lines, ledger, last)
    if rejects:
        try:
            _write_rejects(rejects, lines)
        except OSError as error:
            fail(f"--rejects {rejects}: {error.strerror or error}")
    if cohorts:
        places = minor_units(lines.currency)
        names = ["cohort", "months_since", "accounts", "mrr"]
        rows = [
            {"cohort": month_name(c["cohort"]), "months_since": str(c["months_since"]), "accounts": str(c["accounts"]), "mrr": plain(rounded(c["mrr"], places))}
            for c in ledger.cohort_rows(first, last)
        ]
    elif other:
        from laer.cli.reconciling import COLUMNS, reconciled

        _say_policy(other, own, against, "against ")
        names = COLUMNS
        try:
            rows = reconciled(read, rules, other, (first, last), lines.currency)
        except (FileRefused, OverflowError) as error:
            fail(str(error))
            return
    else:
        names = [*columns(rules.windows, by), *([NRR_WITHOUT_PRICE] if without_price else []), *([RATES_EFFECT] if at_other else [])]
        rows = [printed(m, names, lines.currency, by) for m in _months(ledger, at_other, first, last, by)]
    sys.stdout.write(_render(names, rows, format, by))


def _months(ledger: Ledger, at_other: Ledger | None, first: int, last: int, by: str | None) -> Iterator[Month]:
    """The report's months, a part at a time: exact months weigh more than printed ones."""
    for start in range(first, last + 1, PRINTED):
        part = (start, min(start + PRINTED - 1, last))
        if by:
            yield from ledger.months_by_value(*part)
        elif at_other:
            own = ledger.months(*part)
            yield from map(with_rates_effect, own, own, at_other.months(*part))
        else:
            yield from ledger.months(*part)


def _bounds(readings: list[LineFile], first: int | None, last: int | None) -> tuple[int, int]:
    """The months asked for, else those of the data, under whichever policy they reach further."""
    each = [reading.bounds() for reading in readings]
    found = (min((b[0] for b in each if b[0] is not None), default=None), max((b[1] for b in each if b[1] is not None), default=None))
    first = first if first is not None else found[0]
    last = last if last is not None else found[1]
    if first is None or last is None:
        known = first if first is not None else last
        return (known, known) if known is not None else (0, -1)
    if first > last and (found[0] is None or first != found[0]) and (found[1] is None or last != found[1]):
        raise ValueError(f"--from {month_name(first)} is after --to {month_name(last)}")
    return first, last


def _say_policy(policy: Policy, own: dict[str, Any], name: str | None, before: str = "") -> None:
    """Which policy made the figures, where it is not the default, and which options changed it."""
    if policy.id == "default" and not before:
        return
    changed = ", ".join(f"{k.replace('_', '-')} {v}" for k, v in own.items() if v is not None)
    typer.echo(f"{before}policy: {name}, version {policy.version} ({policy.title}){f', with {changed}' if changed else ''}", err=True)


def _say(lines: LineFile, ledger: Ledger, last: int) -> None:
    """Reports on standard error: reasons of rejected rows, then what a person should know."""
    for reason, count in lines.counts.items():
        typer.echo(f"rejected: {reason}: {count}", err=True)
    lowered = lines.withheld(last) if lines.negative and lines.accepted.start else None
    if lowered is not None:
        amount = plain(rounded(lowered, minor_units(lines.currency)))
        typer.echo(f"note: the rejected lines with negative MRR would lower the closing MRR of {month_name(last)} by {amount}", err=True)
    if ledger.flash:
        named = ", ".join(f"{account} in {month_name(m)}" for account, m in ledger.came_and_went)
        more = f" and {ledger.flash - len(ledger.came_and_went)} more" if ledger.flash > len(ledger.came_and_went) else ""
        said = f"{ledger.flash} account{'' if ledger.flash == 1 else 's'} started and stopped within one month (shown by event movements, not by net ones)"
        typer.echo(f"note: {said}: {named}{more}", err=True)
    for note in lines.notes:
        typer.echo(note if note.startswith("warning") else f"note: {note}", err=True)


def _write_rejects(path: Path, lines: LineFile) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*lines.header, "file", "line", "reason"])
        writer.writerows([*cells, file, line, reason] for file, line, reason, cells in lines.rejects)


def _render(names: list[str], rows: list[dict[str, str]], how: Format, by: str | None) -> str:
    if how is Format.csv:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row[n] for n in names] for row in rows)
        return out.getvalue()
    if how is Format.json:
        return _json(names, rows, by)
    return _aligned(names, rows, by)


def _json(names: list[str], rows: Iterable[dict[str, str]], by: str | None) -> str:
    """Amounts and rates are JSON numbers with exactly the printed digits; undefined is null."""
    import json

    def value(name: str, text: str) -> str:
        if name in TEXT or name == by:
            return json.dumps(text, ensure_ascii=False)
        return text or "null"

    objects = ["{" + ", ".join(f"{json.dumps(n)}: {value(n, row[n])}" for n in names) + "}" for row in rows]
    return "[" + ",\n ".join(objects) + "]\n"


def _aligned(names: list[str], rows: list[dict[str, str]], by: str | None) -> str:
    """Columns side by side, numbers to the right with thousands marks; wide, and never cut."""
    shown = [[_readable(n, row[n], by) for n in names] for row in rows]
    widths = [max([len(n), *(len(row[i]) for row in shown)]) for i, n in enumerate(names)]

    def line(cells: list[str]) -> str:
        return "  ".join(c.ljust(w) if n in TEXT or n == by else c.rjust(w) for n, c, w in zip(names, cells, widths, strict=True)).rstrip()

    return "\n".join([line(names), *(line(row) for row in shown)]) + "\n"


def _readable(name: str, text: str, by: str | None) -> str:
    if name in TEXT or name == by or not text:
        return text or "-"
    if name in COUNT or name in {"accounts", "months_since"}:
        return f"{int(text):,}"
    whole, _, part = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}" + (f".{part}" if part else "")
