"""Read one file of subscription lines into the ledger's input, as rule 19 says: nothing is asked, nothing is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from laer.cli.line_extras import NUMBERS as EXTRA_NUMBERS
from laer.cli.line_extras import Extras, Facts
from laer.cycle.ledger import LedgerInput
from laer.cycle.lines_input import facts_columns, ledger_input
from laer.metrics.lines import BAD, REASONS, LineText, judge, one_day_gaps
from laer.metrics.policy import Policy
from laer.records.periods import last_day, month_number
from laer.sources.tabular.amounts import PERIODS
from laer.sources.tabular.grid import READINGS_OF, GridTable
from laer.sources.tabular.rates import read_rates
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import match_columns
from laer.sources.tabular.salesforce_ids import one_ids
from laer.sources.tabular.serials import WHAT_TO_DO, is_shortened
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import DateOrder, Memo, NumberStyle, Unreadable, interval_factor, normal_words, read_boolean, read_day, read_number
from laer.web import home

NUMBERS = ("mrr", "amount", "quantity", "unit_price", "arr")
CHUNK = 20_000
NAMED = 30  # names that a message lists


class FileRefused(Exception):
    """The file as a whole cannot be read: what was found, what was expected, what to do. Exit code 2."""


@dataclass
class Accepted:
    """Columns of accepted lines. MRR is an exact fraction in the report's currency; line is the line of the file.

    A line that counts another amount from some day on (a discount ends, it rests, its trial is over) stands here once for each.
    """

    account: list[str] = field(default_factory=list)
    start: list[date] = field(default_factory=list)
    end: list[date | None] = field(default_factory=list)
    mrr: list[Fraction] = field(default_factory=list)
    value: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    facts: Facts | None = None


@dataclass
class LineFile:
    """What the file said.

    rejects   (file, line, reason, cells) in file order
    negative  (start, exclusive end, MRR in report currency) of lines rejected for a negative MRR
    through   number of the last month that the file speaks of, where it has a column per month
    """

    accepted: Accepted
    header: list[str]
    currency: str | None
    rejects: list[tuple[str, int, str, list[str]]] = field(default_factory=list)
    negative: list[tuple[date, date | None, Fraction]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    through: int | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Rejected rows by reason, in rule 19's order."""
        found = Counter(r[2] for r in self.rejects)
        return {reason: found[reason] for reason in REASONS if found[reason]}

    def bounds(self) -> tuple[int | None, int | None]:
        """First month: of the first paying day. Last month: of the latest start or last paid day of an accepted line, or a grid's last column."""
        a = self.accepted
        paying = [s for s, e, m in zip(a.start, a.end, a.mrr, strict=True) if m and (e is None or s < e)]
        if not a.start or not paying:
            return None, None
        last = max([*a.start, *(date.fromordinal(max(1, e.toordinal() - 1)) for e in a.end if e is not None)])
        return month_number(min(paying)), max(month_number(last), self.through or 0)

    def ledger_input(self, by: bool) -> LedgerInput:
        a = self.accepted
        if a.facts is None:
            return ledger_input(pa.array(a.account, pa.string()), a.start, a.end, a.mrr, a.value if by else None, self.currency)
        given = ledger_input(pa.array(a.account, pa.string()), a.start, a.end, a.mrr, a.value if a.value else [""] * len(a.mrr), self.currency)
        f = a.facts
        return facts_columns(given, f.product, f.plan, f.currency, f.quantity, f.list_mrr)

    def withheld(self, month: int) -> Fraction:
        """MRR by which the rejected negative lines would lower the closing of a month."""
        day = last_day(month)
        return -sum((m for s, e, m in self.negative if s <= day and (e is None or day < e)), Fraction(0))


def read_line_file(
    path: Path,
    policy: Policy,
    *,
    date_order: str = "auto",
    currency: str | None = None,
    fx: Path | None = None,
    plan_year: int | None = None,
    by: str | None = None,
    causes: bool = False,
    amount_is: str | None = None,
) -> LineFile:
    """Read, judge and count every row.

    Args    by  a column of the file whose value goes with each line;  causes  keep what the causes of movements compare;
            amount_is  for which period an amount is that has no interval;  plan_year  whose rates of `fx` are taken, where it has several years
    Raises  FileRefused, NoPlanYear, and the reader's UnreadableFile
    """
    table, columns = _table(path)
    if table.known:
        policy = policy.changed(end=table.known.end)
    by_index = _by_index(table, columns, by)
    index = {target: table.header.index(header) for header, target in columns.items() if target}
    rates = read_rates(fx, home.fiscal_year_start()).of(plan_year) if fx else {}
    wanted = Extras.wanted(policy, causes, index)
    first = _first_pass(table, index, (*NUMBERS, *EXTRA_NUMBERS) if wanted else NUMBERS)
    order = _order(first.order, date_order, index, table)
    report_currency = _report_currency(currency, first.currencies, rates, bool(fx))
    file = LineFile(Accepted(), table.header, report_currency, notes=first.notes, through=table.known.through if table.known else None)
    rate_of = Memo(lambda text: _rate(text, report_currency, rates))
    memos: dict[str, Memo] = {
        "start_on": Memo(read_day, order), "end_on": Memo(read_day, order), "interval": Memo(interval_factor), "status": Memo(normal_words),
        "is_trial": Memo(read_boolean), "currency": rate_of, **{n: Memo(_money, first.styles[n].decide()) for n in NUMBERS if n in index},
    }  # fmt: skip
    extras = Extras(table.header, index, first.styles, order, policy, causes) if wanted else None
    _second_pass(table, index, by_index, memos, policy, file, extras, _period(table, amount_is, file.notes))
    if extras:
        file.accepted.facts = extras.facts
        file.notes += extras.notes()
    _warn_of_gaps(file, policy)
    return file


def _table(path: Path) -> tuple[Table, dict[str, str]]:
    best: tuple[Table, dict[str, str], list[str]] | None = None
    for table in open_tables(path, fiscal=home.said_fiscal_start()):
        columns = table.known.columns if table.known else _columns(table.header)
        missing = _missing({t for t in columns.values() if t})
        if best is None or len(missing) < len(best[2]):
            best = (table, columns, missing)
    if best is None:
        raise FileRefused(f"{path.name}: there is no table in it; expected a header and rows of subscription lines")
    table, columns, missing = best
    if missing:
        raise FileRefused(
            f"{table.title}: no column was recognised as {' and '.join(missing)}; found the columns {_listed(table.header)}. "
            "Expected account_id (or customer_id), start_date, end_date, mrr (or amount with interval), currency, status, plan, subscription_id"
        )
    return table, columns


def _columns(header: list[str]) -> dict[str, str]:
    """Columns of lines by header; `Contract Start` and `Contract End` are a line's days where nothing else is."""
    columns = match_columns(header, "subscription_lines")
    days = {h: target for h, target in match_columns(header, "contracts").items() if target in ("start_on", "end_on") and h not in columns}
    if "start_on" in columns.values() or "start_on" not in days.values():
        return columns
    return columns | {h: target for h, target in days.items() if target not in columns.values()}


def _listed(names: Iterable[str]) -> str:
    """Names in a message: as many and as much of each as a person reads."""
    shown = [name if len(name) <= 40 else f"{name[:39]}…" for name in islice(names, NAMED + 1)]
    return ", ".join(shown[:NAMED]) + (", …" if len(shown) > NAMED else "")


def _missing(targets: set[str]) -> list[str]:
    missing = [name for name, label in (("account_id", "account_id"), ("start_on", "start_date")) if name not in targets and label]
    missing = [{"account_id": "account_id", "start_on": "start_date"}[m] for m in missing]
    if not targets & {"mrr", "amount", "arr"} and not {"quantity", "unit_price"} <= targets:
        missing.append("mrr or amount")
    return missing


def _by_index(table: Table, columns: dict[str, str], by: str | None) -> int | None:
    if by is None:
        return None
    wanted = normal_words(by)
    for i, header in enumerate(table.header):
        if header == by:
            return i
    for i, header in enumerate(table.header):
        if wanted in (normal_words(header), normal_words(columns.get(header) or "")):
            return i
    raise FileRefused(f"--by {by}: {table.title} has no such column; it has {_listed(table.header)}")


@dataclass
class _First:
    order: DateOrder
    styles: dict[str, NumberStyle]
    currencies: set[str]
    notes: list[str]


def _first_pass(table: Table, index: dict[str, int], numbers: tuple[str, ...]) -> _First:
    """What can only be decided over whole columns: date order, decimal marks, the file's currencies."""
    first = _First(DateOrder(), {n: NumberStyle(table.commas) for n in numbers if n in index}, set(), [])
    seen: dict[int, set[str]] = {}
    dates = {n: index[n] for n in ("start_on", "end_on") if n in index}
    watched = [*dates.values(), *(index[n] for n in first.styles), *([index["currency"]] if "currency" in index else [])]
    for _, rows in table.chunks(CHUNK):
        for i in watched:
            there = seen.setdefault(i, set())
            fresh = {row[i] for row in rows} - there
            if len(there) < 500_000:
                there |= fresh
            if i in dates.values():
                first.order.see_all(table.header[i], fresh)
            for name, style in first.styles.items():
                if index[name] == i:
                    for text in fresh:
                        style.see(text)
            if i == index.get("currency"):
                first.currencies |= {t.strip().upper() for t in fresh} - {""}
    first.notes += table.notes
    return first


def _order(seen: DateOrder, given: str, index: dict[str, int], table: Table) -> str | None:
    if given != "auto":
        return given
    decision = seen.decide()
    if decision.undecided or (decision.conflicting and decision.order is None):
        names = ", ".join(decision.undecided or decision.conflicting)
        raise FileRefused(f"{table.title}: the order of day and month cannot be decided in {names}. {decision.why} Say it with --date-order dmy, mdy or ymd")
    return decision.order


def _report_currency(given: str | None, found: set[str], rates: dict[str, Fraction], has_fx: bool) -> str | None:
    """Rule 19: --currency, else the file's only one, else with --fx the one whose rate is 1."""
    if given:
        report = given.strip().upper()
    elif len(found) <= 1:
        return next(iter(found), None)
    else:
        ones = [code for code, rate in rates.items() if rate == 1]
        if len(ones) != 1:
            said = "no table of rates was given" if not has_fx else "the table has no single currency whose rate is 1"
            raise FileRefused(f"the file has the currencies {_listed(sorted(found))} and {said}: give --currency CODE and --fx FILE")
        return ones[0]
    if len(found) == 1 and report not in found and not has_fx:
        raise FileRefused(f"the file is in {_listed(found)} and the report in {report}: give --fx FILE with the columns currency, rate")
    return report


def _period(table: Table, given: str | None, notes: list[str]) -> Fraction:
    """Months' share of an amount without an interval: as said, as a grid shows, else a month's."""
    known = table.known
    per = given or (known.per if known else None)
    if known and per is None and (column := next((h for h, target in known.columns.items() if target == "amount"), None)):
        if isinstance(table, GridTable) and table.span > 1:
            raise FileRefused(f"{table.title}: {known.per_why[:-1]}. Say it with {READINGS_OF[table.span]}")
        notes.append(f"warning: nothing says for which period {column} is; it is read as a month's. Say it with --amount-is annual, or another period")
    return Fraction(1, PERIODS[per]) if per else Fraction(1)


def _money(text: str, style: str) -> Decimal | None | Unreadable:
    """An amount as rule 19 reads it; a share of something is none."""
    return Unreadable(text) if "%" in text else read_number(text, style)


def _rate(text: str, report: str | None, rates: dict[str, Fraction]) -> Fraction | None:
    code = text.strip().upper()
    return Fraction(1) if not code or code == report else rates.get(code)


def _second_pass(
    table: Table, index: dict[str, int], by_index: int | None, memos: dict[str, Memo], policy: Policy, file: LineFile, extras: Extras | None, period: Fraction
) -> None:
    accepted, seen = file.accepted, set()
    shortened = 0
    one = Fraction(1)
    width = len(table.header)
    for lines, rows in table.chunks(CHUNK):
        columns: dict[str, Iterable[Any]] = {n: memo.column(row[index[n]] for row in rows) for n, memo in memos.items() if n in index}
        accounts = one_ids([row[index["account_id"]].strip() for row in rows])
        shortened += sum(map(is_shortened, accounts)) if any("+" in account or ".0" in account for account in accounts) else 0
        subscriptions = [row[index["subscription_id"]].strip() for row in rows] if "subscription_id" in index else None
        money = [_cells(columns.get(n), len(rows)) for n in NUMBERS]
        factors = _cells(columns.get("interval"), len(rows), period)
        read = zip(
            lines, rows, accounts, columns["start_on"], _cells(columns.get("end_on"), len(rows)), *money, factors,
            _cells(columns.get("currency"), len(rows), one), _cells(columns.get("status"), len(rows), ""), _cells(columns.get("is_trial"), len(rows), False),
            strict=True,
        )  # fmt: skip
        for place, (line, row, account, start, end, mrr, amount, quantity, unit_price, arr, factor, rate, status, trial) in enumerate(read):
            file.rows += 1
            text = LineText(
                account, start, end, mrr, amount, BAD if type(factor) is Unreadable else factor, quantity, unit_price, arr, rate, status, trial is True
            )
            listed = None
            if extras:
                text, listed = extras.stated(row, text)
            reason, value, until = judge(text, policy)
            if reason is None and subscriptions is not None and subscriptions[place]:
                content = tuple(cell.strip() for cell in row[:width])
                if content in seen:
                    reason = "duplicate row"
                seen.add(content)
            if reason:
                file.rejects.append((table.title, line, reason, row[:width]))
                if reason == "negative MRR" and rate is not None and account and status not in policy.status.zero and trial is not True:
                    file.negative.append((start, until, value * rate))
                continue
            spans = extras.take(row, text, listed, value, until, rate, file.currency) if extras else [(start, until, value)]
            for begins, ends, counts in spans:
                accepted.account.append(account)
                accepted.start.append(begins)
                accepted.end.append(ends)
                accepted.mrr.append(counts * rate if rate is not one else counts)
                if by_index is not None:
                    accepted.value.append(row[by_index].strip())
                accepted.line.append(line)
    if shortened:  # rule 19 has no reason for them, so they count, and that is said
        file.notes.append(
            f"warning: {shortened} row{'' if shortened == 1 else 's'} of {table.title} name an account by an id that lost its last digits in a spread-sheet "
            f"(such as 1.2E+15): different accounts may count as one; {WHAT_TO_DO}"
        )


def _cells(column: Iterable[Any] | None, count: int, default: Any = None) -> Iterator[Any]:
    return iter(column) if column is not None else iter([default] * count)


def _warn_of_gaps(file: LineFile, policy: Policy) -> None:
    if policy.end != "exclusive":
        return
    a = file.accepted
    whole = {line: (account, start, end) for line, account, start, end in zip(a.line, a.account, a.start, a.end, strict=True)}
    begun = dict(zip(reversed(a.line), reversed(a.start), strict=True))
    pairs, gaps = one_day_gaps((account, begun[line], end) for line, (account, _, end) in whole.items())
    if pairs and gaps > 0.2 * pairs:
        file.notes.append(
            f"warning: {gaps} of {pairs} successive lines start one day after the line before ended ({gaps / pairs:.0%}): "
            "the end may be the last paid day; if so, give --end inclusive"
        )
