"""Read one file of subscription lines into the ledger's input, as rule 19 says: nothing is asked, nothing is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from laer.cli.line_columns import FileRefused, listed, place_of, table_of_lines
from laer.cli.line_extras import NUMBERS as EXTRA_NUMBERS
from laer.cli.line_extras import Extras, Facts
from laer.cycle.ledger import LedgerInput
from laer.cycle.lines_input import facts_columns, ledger_input
from laer.metrics.lines import BAD, REASONS, LineText, judge, one_day_gaps
from laer.metrics.policy import Policy
from laer.records.periods import first_day, last_day, month_number
from laer.sources.tabular.amounts import PERIODS
from laer.sources.tabular.cells import visible
from laer.sources.tabular.currency_signs import currencies_in
from laer.sources.tabular.grid import READINGS_OF, GridTable
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.month_days import answer_of, day_in, month_days, months_in
from laer.sources.tabular.rates import read_rates
from laer.sources.tabular.salesforce_ids import one_ids
from laer.sources.tabular.scales import power_of
from laer.sources.tabular.serials import WHAT_TO_DO, is_shortened
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import DateOrder, Memo, NumberStyle, Unreadable, interval_factor, normal_words, read_boolean, read_day, read_number
from laer.web import home

NUMBERS = ("mrr", "amount", "quantity", "unit_price", "arr")
MONEY = ("mrr", "amount", "unit_price", "arr")
CHUNK = 20_000
MOSTLY = 0.5  # share of a column's dates that name a month and no day: then they are months, else mistakes
LOOKED_AT = 300  # distinct dates that tell
CENT, ROUNDED = Fraction(1, 100), Fraction(1, 100)  # by how much a stated MRR may differ from its amount: it was rounded


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
    months: str | None = None,
) -> LineFile:
    """Read, judge and count every row.

    Args    by  a column of the file whose value goes with each line;  causes  keep what the causes of movements compare;
            amount_is  for which period an amount is that has no interval;  plan_year  whose rates of `fx` are taken, where it has several years
            months  which day of it an end is that names a month and no day: first or last
    Raises  FileRefused, NoPlanYear, and the reader's UnreadableFile
    """
    table, columns = table_of_lines(path)
    if isinstance(table, GridTable) and table.bare:
        signs = ", ".join(sorted(table.bare))
        raise FileRefused(f"{table.title}: {signs} beside other currencies is none of them. Add a column of currencies, and give --fx FILE")
    if table.known:
        policy = policy.changed(end=table.known.end)
    by_index = place_of(table, columns, by)
    index = {target: table.header.index(header) for header, target in columns.items() if target}
    rates = read_rates(fx, home.fiscal_year_start()).of(plan_year) if fx else {}
    wanted = Extras.wanted(policy, causes, index)
    first = _first_pass(table, index, (*NUMBERS, *EXTRA_NUMBERS) if wanted else NUMBERS)
    order = _order(first.order, date_order, index, table)
    report_currency = _report_currency(currency, first.currencies, rates, bool(fx))
    file = LineFile(Accepted(), table.header, report_currency, notes=first.notes, through=table.known.through if table.known else None)
    rate_of = Memo(lambda text: _rate(text, report_currency, rates))
    memos: dict[str, Memo] = {
        **_days(table, index, first, order, policy, months), "interval": Memo(interval_factor), "status": Memo(normal_words),
        "is_trial": Memo(read_boolean), "currency": rate_of,
        **{n: Memo(_money, first.styles[n].decide(), power_of(table.header[index[n]]) if not table.known else 0) for n in NUMBERS if n in index},
    }  # fmt: skip
    extras = Extras(table.header, index, first.styles, order, policy, causes) if wanted else None
    _second_pass(table, index, by_index, memos, policy, file, extras, _period(table, amount_is, file.notes))
    if extras:
        file.accepted.facts = extras.facts
        file.notes += extras.notes()
    _warn_of_gaps(file, policy)
    return file


@dataclass
class _First:
    order: DateOrder
    styles: dict[str, NumberStyle]
    currencies: set[str]
    notes: list[str]
    dates: dict[str, set[str]]  # distinct texts by target


def _first_pass(table: Table, index: dict[str, int], numbers: tuple[str, ...]) -> _First:
    """What can only be decided over whole columns: date order, decimal marks, the file's currencies."""
    first = _First(DateOrder(), {n: NumberStyle(table.commas) for n in numbers if n in index}, set(), [], {})
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
    first.dates = {name: seen.get(place, set()) for name, place in dates.items()}
    if "currency" not in index and not table.known:
        _one_sign(table, {text for name in MONEY if name in index for text in seen.get(index[name], ())})
    for note in table.notes:
        if note not in first.notes:
            first.notes.append(note)
    for name in MONEY:
        if name in index and not table.known and (power := power_of(header := table.header[index[name]])):
            first.notes.append(f"{header}: the amounts are in {'thousands' if power == 3 else 'millions'}, as the header says.")
    return first


def _one_sign(table: Table, texts: set[str]) -> None:
    """Amounts in two currencies are no one sum: refused where no column says which is whose."""
    said = {code: text for text in texts for code in currencies_in([text])}
    if len(currencies_in(said.values())) > 1:
        raise FileRefused(
            f"{table.title}: the amounts carry several currency signs ({', '.join(repr(text) for text in sorted(said.values())[:4])}) and no column says the "
            "currency. Add a column of currencies (currency: USD, EUR …), and give --fx FILE with the columns currency, rate"
        )


def _days(table: Table, index: dict[str, int], first: _First, order: str | None, policy: Policy, said: str | None) -> dict[str, Memo]:
    """Readers of starts and ends. A month without a day (`Jan 2024`) is read where its column mostly holds such; alone among days it is a mistake."""
    readers = {"start_on": Memo(read_day, order), "end_on": Memo(read_day, order)}
    some = {name: sorted(texts)[:: max(1, len(texts) // LOOKED_AT)] for name, texts in first.dates.items()}
    mostly = [name for name, texts in some.items() if sum(map(_is_month, texts)) >= MOSTLY * max(1, sum(map(bool, map(str.strip, texts))))]
    if table.known or not mostly:
        return readers
    there = {name: table.header[place] for name, place in index.items() if name in ("account_id", "start_on", "end_on")}
    answers = {answer_of(there[name]): said for name in mostly if said and name == "end_on"}
    found = month_days(table, Mapping("subscription_lines", {header: name for name, header in there.items()}, date_order=order, answers=answers))
    for name in mostly:
        if (months := found.get(there[name])) is None:
            continue
        edge = "last" if name == "end_on" and policy.end == "inclusive" and not said else months.edge
        unpaid = name == "end_on" and edge == "last" and policy.end == "exclusive"
        readers[name] = Memo(_month_or_day, order, edge, unpaid)
        other = "; --months first reads them as the first" if name == "end_on" and months.edge == "last" and not said else ""
        means = "the first day" if edge == "first" else "the last day, which is paid for" if name == "end_on" else "the last day"
        first.notes.append(f"{there[name]}: months without a day, as '{months.example}', are read as {means}{other}.")
    return readers


def _is_month(text: str) -> bool:
    return months_in(text) is not None


def _month_or_day(text: str, order: str | None, edge: str, unpaid: bool) -> date | None | Unreadable:
    """A day; of a month by its edge, or the first day after it."""
    day = read_day(text, order)
    if type(day) is not Unreadable or (named := months_in(text.strip())) is None:
        return day
    return first_day(named[1] + 1) if unpaid else day_in(named, edge)


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
            raise FileRefused(f"the file has the currencies {listed(sorted(found))} and {said}: give --currency CODE and --fx FILE")
        return ones[0]
    if len(found) == 1 and report not in found and not has_fx:
        raise FileRefused(f"the file is in {listed(found)} and the report in {report}: give --fx FILE with the columns currency, rate")
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


def _money(text: str, style: str, power: int = 0) -> Decimal | None | Unreadable:
    """An amount as rule 19 reads it, in the units that its header says; a share of something is none."""
    value = Unreadable(text) if "%" in text else read_number(text, style)
    return value.scaleb(power) if power and isinstance(value, Decimal) else value


def _rate(text: str, report: str | None, rates: dict[str, Fraction]) -> Fraction | None:
    code = text.strip().upper()
    return Fraction(1) if not code or code == report else rates.get(code)


def _second_pass(
    table: Table, index: dict[str, int], by_index: int | None, memos: dict[str, Memo], policy: Policy, file: LineFile, extras: Extras | None, period: Fraction
) -> None:
    accepted, seen = file.accepted, set()
    shortened = 0
    one = Fraction(1)
    against = _Against("interval" in index) if "mrr" in index and index.keys() & {"amount", "arr"} else None
    unclear = _Unclear()
    width = len(table.header)
    for lines, rows in table.chunks(CHUNK):
        columns: dict[str, Iterable[Any]] = {n: memo.column(row[index[n]] for row in rows) for n, memo in memos.items() if n in index}
        accounts = one_ids([cell.strip() for cell in visible([row[index["account_id"]] for row in rows])])
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
            if type(trial) is Unreadable:
                unclear.see(line, row[index["is_trial"]])
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
            if against:
                against.see(line, text)
            spans = extras.take(row, text, listed, value, until, rate, file.currency) if extras else [(start, until, value)]
            for begins, ends, counts in spans:
                accepted.account.append(account)
                accepted.start.append(begins)
                accepted.end.append(ends)
                accepted.mrr.append(counts * rate if rate is not one else counts)
                if by_index is not None:
                    accepted.value.append(row[by_index].strip())
                accepted.line.append(line)
    file.notes += [*(against.notes() if against else ()), *unclear.notes()]
    if shortened:  # rule 19 has no reason for them, so they count, and that is said
        file.notes.append(
            f"warning: {shortened} row{'' if shortened == 1 else 's'} of {table.title} name an account by an id that lost its last digits in a spread-sheet "
            f"(such as 1.2E+15): different accounts may count as one; {WHAT_TO_DO}"
        )


class _Against:
    """Lines whose MRR differs from what their amount or their ARR comes to by more than rounding (rule 15: MRR is taken, and both are compared)."""

    def __init__(self, interval: bool) -> None:
        self._interval, self._count, self._first = interval, 0, ""

    def see(self, line: int, row: LineText) -> None:
        if not isinstance(row.mrr, Decimal):
            return
        said = [("ARR", Fraction(row.arr) / 12)] if isinstance(row.arr, Decimal) else []
        if self._interval and isinstance(row.amount, Decimal) and isinstance(row.factor, Fraction):
            said.append(("amount", Fraction(row.amount) * row.factor))
        for name, comes_to in said:
            if abs(comes_to - Fraction(row.mrr)) > max(CENT, ROUNDED * abs(comes_to)):
                self._count += 1
                self._first = self._first or f"line {line:,}: MRR {row.mrr}, and its {name} comes to {float(comes_to):.2f} a month"
                return

    def notes(self) -> Iterator[str]:
        if self._count:
            lines = "1 line says" if self._count == 1 else f"{self._count:,} lines say"
            yield f"warning: {lines} an MRR that differs from the amount beside it (first {self._first}); the MRR was taken"


class _Unclear:
    """Rows whose mark of a trial is neither yes nor no: they count."""

    def __init__(self) -> None:
        self._count, self._first = 0, ""

    def see(self, line: int, text: str) -> None:
        self._count += 1
        self._first = self._first or f"'{text.strip()[:40]}' in line {line:,}"

    def notes(self) -> Iterator[str]:
        if self._count:
            rows = "1 row says" if self._count == 1 else f"{self._count:,} rows say"
            yield f"warning: {rows} neither yes nor no of being a trial ({self._first}); read as no trial"


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
