"""The ledger a second time, in plain Python: the witness of `laer revenue`.

Written only from the policy (`reference/metric-definitions.md`, rules 1-21) and the command's text, never from
the engine: no table library, fractions throughout, one account after the other, one rounding at the end.

Where the texts are silent, these are the readings:

File
- Encoding: a byte order mark decides (UTF-8, UTF-16), else UTF-8, else cp1252. The delimiter, of `, ; tab |`, is the
  one under which the header names most known fields, then most columns.
- A line without any character but white space is no row. A line of delimiters only is a row (`unreadable date`).
- A short row is filled with empty fields; fields beyond the header are ignored, for duplicates too.
- A row's line number is the physical line on which it begins.
- Header names match without regard to case, spaces, `_` and `-`; of several columns for one field the earlier
  synonym wins. No account or start column, or neither MRR nor amount, is an error; so is an empty file.
- Trimming is of Unicode white space (a no-break space too). Ids are not normalised (NFC and NFD differ).

Row
- Where `mrr` has text it alone is read: an unreadable `amount` or unknown `interval` beside it is no reject.
- `1,234` is a thousand and more, `1,23` and `0,234` have a decimal comma, `1.234` a decimal point; where both marks
  stand the last is the decimal one; a mark that repeats is a thousands mark. One sign of Unicode class Sc is read
  before or after the number. `1e3` and `(5)` (minus five) are numbers. Both empty: `unreadable amount`, trials too.
- A negative amount is `negative MRR` on a line that counts 0 (trial, draft) as well.
- An end after 2100 is an open end everywhere: never `end before start`, and no date for a cancelled row.
- Status and interval words match without regard to case, spaces, `_` and `-`. An empty status is a live line.
- `is_trial` is true for true, t, yes, y, 1; all else is false.
- Date order: evidence is pooled over start and end of every row. A value is decisive where just one of its two
  readings is a date of the calendar. Both kinds of evidence: a side with at least 95 % wins, else an error. None, and
  a value whose readings differ: an error. Year-first dates and month names are never in doubt and are read under any
  `--date-order`; a year-last date under `ymd` is unreadable.
- `--currency` beside several currencies and no `--fx`: the others are `currency without a rate`.
- Without `--currency`, several currencies with rate 1 in the table (or none) are an error where the file has several.
- No currency anywhere: two decimals, no error.

Report
- `month` prints YYYY-MM. Without a paying day there are no rows, unless `--from` names the first month. `--to` before
  `--from` is an error. Zero-MRR lines and lines never active count for the last month, not for the first.
- Cohorts: accounts and MRR at each month's close; `--from` keeps cohorts that began at or after it, `--to` is the last
  observed month; every `months_since` from 0 to the last month prints, with zeros.
- `--by`: the column prints under the name that was asked for; values are trimmed text; every value of an accepted line
  has a row in every month, sorted by value, TOTAL last. With D the change of the account's total on a day and P the
  sum of the rises among its values: D = 0 is all entering and leaving; at D > 0 a rise d is d x D / P of movement and
  the rest entering, falls are leaving; at D < 0 the mirror image. Changes of a bridged churn day move to the day of
  return. Counts: an account counts in each value where more than 0 of the movement was booked; `accounts_lost` of a
  value are the accounts paying in it at opening that churned on their total. NRR and GRR of a value: the account's
  closing, and its min(opening, closing), shared among its opening values in proportion to their opening.
  TOTAL rows carry the sum of entering and of leaving over the values (the two are equal).
"""

import csv
import io
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

COLUMNS = [
    "month", "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr",
    "closing_mrr", "opening_accounts", "closing_accounts", "new_accounts", "reactivated_accounts", "expansions",
    "contractions", "churns", "accounts_lost", "gross_mrr_churn_rate", "net_mrr_churn_rate", "logo_churn_rate",
    "quick_ratio", "arr", "arpa", "nrr_1m", "grr_1m", "nrr_3m", "grr_3m", "nrr_12m", "grr_12m",
]  # fmt: skip
COHORT_COLUMNS = ["cohort", "months_since", "accounts", "mrr"]
REASONS = (
    "unreadable date",
    "unreadable amount",
    "end before start",
    "negative MRR",
    "empty account id",
    "currency without a rate",
    "cancelled without date",
    "unknown status",
    "unknown interval",
    "duplicate row",
)
SYNONYMS = {
    "account": ("account_id", "customer_id", "account", "customer"),
    "start": ("start_date", "start"),
    "end": ("end_date", "end"),
    "mrr": ("mrr", "mrr_amount"),
    "amount": ("amount", "net_amount", "price"),
    "interval": ("interval", "billing_interval", "billing_frequency", "billing_period"),
    "currency": ("currency",),
    "status": ("status",),
    "plan": ("plan", "plan_tier"),
    "subscription": ("subscription_id",),
    "trial": ("is_trial", "trial"),
}
LIVE = {"active", "live", "pastdue", "paused"}
UNPAID = {"trial", "trialing", "incomplete", "unpaid", "draft"}
ENDED = {"cancelled", "canceled", "expired", "ended", "churned"}
MONTHS_FACTOR = {
    **dict.fromkeys(("", "monthly", "month"), Fraction(1)),
    **dict.fromkeys(("quarterly", "quarter"), Fraction(1, 3)),
    **dict.fromkeys(("semiannual", "semiannually"), Fraction(1, 6)),
    **dict.fromkeys(("annual", "annually", "yearly", "year"), Fraction(1, 12)),
    **dict.fromkeys(("biennial", "biennially"), Fraction(1, 24)),
    **dict.fromkeys(("weekly", "week"), Fraction(52, 12)),
    **dict.fromkeys(("daily", "day"), Fraction(365, 12)),
}
NO_DECIMALS = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
}  # fmt: skip
THREE_DECIMALS = {
    "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
}  # fmt: skip
KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
COUNTS = dict(zip(KINDS, ("new_accounts", "reactivated_accounts", "expansions", "contractions", "churns"), strict=True))
ZERO = Fraction(0)


class Refusal(Exception):
    """The command ends with exit code 2; the text says why."""


@dataclass
class Report:
    rows: list = field(default_factory=list)
    rejects: list = field(default_factory=list)
    reject_counts: dict = field(default_factory=dict)
    cohorts: list = field(default_factory=list)
    columns: list = field(default_factory=list)
    currency: str | None = None
    decimals: int = 2
    error: str | None = None


@dataclass
class Line:
    account: str
    start: date
    end: date | None
    mrr: Fraction
    value: str


def report(path, *, movements="event", gap_days=0, end="exclusive", date_order="auto",
           fx=None, currency=None, from_=None, to=None, by=None):  # fmt: skip
    """What `laer revenue PATH` prints, as text, under these options."""
    out = Report()
    try:
        if movements not in ("event", "net") or end not in ("exclusive", "inclusive") or gap_days < 0:
            raise Refusal("bad option")
        first, last = month_given(from_), month_given(to)
        if first is not None and last is not None and last < first:
            raise Refusal("--to lies before --from")
        header, rows = read_table(path)
        columns = find_columns(header)
        by_index = find_by(header, columns, by) if by is not None else None
        order = decide_date_order(rows, columns, date_order)
        rates, out.currency = decide_rates(rows, columns, fx, currency)
        out.decimals = 0 if out.currency in NO_DECIMALS else 3 if out.currency in THREE_DECIMALS else 2
        lines = accept(rows, header, columns, order, rates, end, by_index, out)
    except Refusal as refusal:
        out.error = str(refusal)
        return out
    ledger = Ledger(lines, movements, gap_days)
    first = ledger.first_month if first is None else first
    last = ledger.last_month if last is None else last
    out.columns = [
        *([by] if by is not None else []),
        *COLUMNS,
        *(["entering_mrr", "leaving_mrr"] if by is not None else []),
    ]
    if first is not None and last is not None:
        for month in range(first, last + 1):
            if by is None:
                out.rows.append(printed(ledger.row(month, None), out.decimals))
                continue
            slices = {value: ledger.row(month, value) for value in sorted({line.value for line in lines})}
            total = ledger.row(month, None)
            for side in ("entering_mrr", "leaving_mrr"):
                total[side] = sum((row[side] for row in slices.values()), ZERO)
            for value, row in [*slices.items(), ("TOTAL", total)]:
                text = printed(row, out.decimals)
                out.rows.append({by: value} | {name: text[name] for name in out.columns[1:]})
        if by is None:
            out.rows = [{name: row[name] for name in out.columns} for row in out.rows]
    out.cohorts = ledger.cohorts(month_given(from_), last, out.decimals)
    return out


# --- the file -----------------------------------------------------------------------------------------------------


def squeeze(name):
    return re.sub(r"[\s_\-]", "", name).lower()


def decode(raw):
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw.decode("utf-8-sig")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def records(text, delimiter):
    """(line on which it begins, fields) of each record that has any character."""
    reader, begins = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1
    for fields in reader:
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield begins, fields
        begins = reader.line_num + 1


def read_table(path, known=SYNONYMS):
    """The header and the rows as (line number, trimmed fields, as many as the header has)."""
    try:
        text = decode(Path(path).read_bytes())
    except OSError as problem:
        raise Refusal(f"cannot read {path}: {problem}") from problem
    names = {squeeze(name) for synonyms in known.values() for name in synonyms}

    def knows(delimiter):
        header = next(records(text, delimiter), (0, []))[1]
        return sum(squeeze(name) in names for name in header), len(header)

    table = list(records(text, max(",;\t|", key=knows)))
    if not table:
        raise Refusal("the file is empty")
    header = [name.strip() for name in table[0][1]]
    width = len(header)
    return header, [(line, [f.strip() for f in (fields + [""] * width)[:width]]) for line, fields in table[1:]]


def find_columns(header):
    """Which column carries each field that we know."""
    squeezed = [squeeze(name) for name in header]
    columns = {}
    for name, synonyms in SYNONYMS.items():
        for synonym in synonyms:
            if name not in columns and squeeze(synonym) in squeezed:
                columns[name] = squeezed.index(squeeze(synonym))
    if "account" not in columns or "start" not in columns or not {"mrr", "amount"} & columns.keys():
        raise Refusal(f"needs an account, a start and an MRR or amount column; the file has {header}")
    return columns


def find_by(header, columns, by):
    if by in header:
        return header.index(by)
    squeezed = [squeeze(name) for name in header]
    if squeeze(by) in squeezed:
        return squeezed.index(squeeze(by))
    for name, synonyms in SYNONYMS.items():
        if squeeze(by) in map(squeeze, synonyms) and name in columns:
            return columns[name]
    raise Refusal(f"--by {by}: no such column; the file has {header}")


# --- values -------------------------------------------------------------------------------------------------------

CLOCK = re.compile(
    r"[T\s]\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([ap]m)?\s*(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)?$", re.IGNORECASE
)
MONTH_NAMES = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
]  # fmt: skip
LONG_NAMES = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
]  # fmt: skip


def calendar(year, month, day):
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def month_named(word):
    word = word.lower()
    return (
        MONTH_NAMES.index(word) + 1 if word in MONTH_NAMES else LONG_NAMES.index(word) + 1 if word in LONG_NAMES else 0
    )


def day_part(text):
    return CLOCK.sub("", text).strip()


def certain_date(text):
    """A date whose order nobody can doubt, else None."""
    text = day_part(text)
    if found := re.fullmatch(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", text):
        return calendar(found[1], found[3], found[4])
    if found := re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text):
        return calendar(*found.groups())
    if found := re.fullmatch(r"(\d{1,2})[\s-]+([A-Za-z]+)\.?,?[\s-]+(\d{4})", text):
        return calendar(found[3], month_named(found[2]), found[1])
    if found := re.fullmatch(r"([A-Za-z]+)\.?[\s-]+(\d{1,2}),?[\s-]+(\d{4})", text):
        return calendar(found[3], month_named(found[1]), found[2])
    return None


def two_readings(text):
    """(day first, month first) of a year-last date in digits; (None, None) of anything else."""
    if found := re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", day_part(text)):
        one, _, two, year = found.groups()
        return calendar(year, two, one), calendar(year, one, two)
    return None, None


def decide_date_order(rows, columns, asked):
    if asked != "auto":
        return asked
    votes, doubtful, seen = {"dmy": 0, "mdy": 0}, False, set()
    for _, fields in rows:
        for name in {"start", "end"} & columns.keys():
            dmy, mdy = two_readings(fields[columns[name]])
            if (name, dmy, mdy) in seen:  # a value speaks once per column, however often it stands there
                continue
            seen.add((name, dmy, mdy))
            if dmy and mdy:
                doubtful = doubtful or dmy != mdy
            elif dmy or mdy:
                votes["dmy" if dmy else "mdy"] += 1
    all_votes = sum(votes.values())
    if not all_votes:
        if doubtful:
            raise Refusal("the order of day and month cannot be decided; say --date-order")
        return "dmy"
    for order, count in votes.items():
        if count * 100 >= all_votes * 95:
            return order
    raise Refusal(f"the dates contradict one another {votes}; say --date-order")


def read_date(text, order):
    dmy, mdy = two_readings(text)
    return certain_date(text) or {"dmy": dmy, "mdy": mdy}.get(order)


def read_amount(text):
    """The exact number that a person would read, else None."""
    text = text.strip().replace("\u2212", "-")
    if found := re.fullmatch(r"\((.*)\)", text):
        inner = read_amount(found[1])
        return None if inner is None or inner < 0 else -inner
    signs = [c for c in text if unicodedata.category(c) == "Sc"]
    if len(signs) > 1:
        return None
    if signs:
        before, _, after = text.partition(signs[0])
        if before.strip(" -+\u00a0") and after.strip():
            return None
        text = before.strip() + after.strip()
    found = re.fullmatch(r"([-+]?)\s*(\d[\d.,'\u2019 \u00a0\u2009\u202f]*|[.,]\d+)(?:[eE]([-+]?\d{1,3}))?", text)
    if not found:
        return None
    minus, body, exponent = found[1] == "-", found[2].strip(), found[3]
    if re.fullmatch(r"\d{1,3}(['\u2019 \u00a0\u2009\u202f]\d{3})+([.,]\d*)?", body):
        body = re.sub(r"['\u2019 \u00a0\u2009\u202f]", "", body)
        whole, _, rest = body.replace(",", ".").partition(".")
    elif "," in body and "." in body:
        mark = max(",.", key=body.rindex)
        whole, rest = grouped(body[: body.rindex(mark)], ",.".replace(mark, "")), body[body.rindex(mark) + 1 :]
    elif body.count(",") > 1 or body.count(".") > 1 or re.fullmatch(r"[1-9]\d{0,2},\d{3}", body):
        whole, rest = grouped(body, "," if "," in body else "."), ""
    else:
        whole, _, rest = body.replace(",", ".").partition(".")
    if whole is None or not re.fullmatch(r"\d+", whole + rest):
        return None
    number = Fraction(int(whole + rest), 10 ** len(rest)) * Fraction(10) ** int(exponent or 0)
    return -number if minus else number


def grouped(text, mark):
    """The digits of `12,345,678` (or, in India, `1,23,45,678`), else None."""
    return text.replace(mark, "") if re.fullmatch(rf"\d{{1,3}}(\{mark}\d{{2,3}})*\{mark}\d{{3}}|\d+", text) else None


def months_factor(word):
    """By what the amount of an interval is multiplied to make it monthly; None for an unknown word."""
    word = squeeze(word)
    if found := re.fullmatch(r"every(\d+)months?", word):
        return Fraction(1, int(found[1])) if int(found[1]) else None
    return MONTHS_FACTOR.get(word)


def decide_rates(rows, columns, fx, asked):
    """Units of the report's currency for one unit of each, and the report's currency."""
    at = columns.get("currency")
    in_file = {fields[at].upper() for _, fields in rows} - {""} if at is not None else set()
    rates = {}
    if fx is not None:
        header, table = read_table(fx, {"currency": ("currency",), "rate": ("rate",)})
        names = [squeeze(name) for name in header]
        if not {"currency", "rate"} <= set(names):
            raise Refusal(f"{fx} needs the columns currency and rate; it has {header}")
        for _, fields in table:
            rate = read_amount(fields[names.index("rate")])
            if rate is None or rate <= 0:
                raise Refusal(f"{fx}: no rate in {fields}")
            rates[fields[names.index("currency")].upper()] = rate
    at_one = [code for code, rate in rates.items() if rate == 1]
    if asked:
        chosen = asked.strip().upper()
        if fx is None and len(in_file) == 1 and chosen not in in_file:
            raise Refusal(f"the file is in {in_file}, the report in {chosen}; give --fx")
    elif len(in_file) == 1:
        (chosen,) = in_file
    elif len(at_one) == 1:
        (chosen,) = at_one
    elif in_file:
        raise Refusal(f"the file has several currencies, {sorted(in_file)}; give --currency")
    else:
        chosen = None
    return rates | {"": Fraction(1)} | ({chosen: Fraction(1)} if chosen else {}), chosen


# --- rows to lines ------------------------------------------------------------------------------------------------


def accept(rows, header, columns, order, rates, end_means, by_index, out):
    """The accepted lines; the others go to `out.rejects` under the first reason that holds."""
    lines, seen = [], set()
    for number, fields in rows:
        cells = {name: fields[columns[name]] if name in columns else "" for name in SYNONYMS}
        line, reason = read_line(cells, order, rates, end_means)
        if not reason and cells["subscription"]:
            if tuple(fields) in seen:
                reason = "duplicate row"
            seen.add(tuple(fields))
        if reason:
            out.rejects.append((number, reason))
            continue
        line.value = fields[by_index] if by_index is not None else ""
        lines.append(line)
    reasons = [reason for _, reason in out.rejects]
    out.reject_counts = {reason: reasons.count(reason) for reason in REASONS if reason in reasons}
    return lines


def read_line(cells, order, rates, end_means):
    """(line, None), or (None, the first reason in the policy's order)."""
    start = read_date(cells["start"], order)
    end = read_date(cells["end"], order) if cells["end"] else None
    unreadable_date = start is None or (bool(cells["end"]) and end is None)
    if end and end.year > 2100:
        end = None
    if end and end_means == "inclusive":
        end += timedelta(days=1)
    amount = read_amount(cells["mrr"] or cells["amount"])
    factor = Fraction(1) if cells["mrr"] else months_factor(cells["interval"])
    status = squeeze(cells["status"])
    checks = (
        unreadable_date,
        amount is None,
        bool(start and end and end < start),
        bool(amount is not None and amount < 0),
        not cells["account"],
        cells["currency"].upper() not in rates,
        status in ENDED and end is None,
        bool(status) and status not in LIVE | UNPAID | ENDED,
        factor is None,
    )
    for reason, holds in zip(REASONS, checks, strict=False):
        if holds:
            return None, reason
    counts_nothing = status in UNPAID or squeeze(cells["trial"]) in {"true", "t", "yes", "y", "1"}
    mrr = ZERO if counts_nothing else amount * factor * rates[cells["currency"].upper()]
    return Line(cells["account"], start, end, mrr, ""), None


# --- lines to the ledger ------------------------------------------------------------------------------------------


def month_of(day):
    return day.year * 12 + day.month - 1


def month_given(text):
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise Refusal(f"{text} is not a month like 2024-01")
    return int(text[:4]) * 12 + int(text[5:]) - 1


def month_text(month):
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def total(state):
    return sum(state.values(), ZERO)


class Account:
    """One account's MRR by value of the `--by` column: a list of (day, state), an entry per change."""

    def __init__(self, lines, gap_days):
        lines = [line for line in lines if line.mrr > 0 and (line.end is None or line.end > line.start)]
        self.steps = []
        for day in sorted({line.start for line in lines} | {line.end for line in lines if line.end}):
            state = defaultdict(Fraction)
            for line in lines:
                if line.start <= day and (line.end is None or day < line.end):
                    state[line.value] += line.mrr
            self.add(day, dict(state))
        self.bridge(gap_days)
        self.months = [month_of(day) for day, _ in self.steps]

    def add(self, day, state):
        if state != (self.steps[-1][1] if self.steps else {}):
            self.steps.append((day, state))

    def bridge(self, gap_days):
        steps, self.steps = self.steps, []
        for here, (day, state) in enumerate(steps):
            returns = steps[here + 1][0] if here + 1 < len(steps) else None
            if not state and returns and (returns - day).days <= gap_days:
                continue
            self.add(day, state)

    def closing(self, month):
        """State on the last day of the month."""
        at = bisect_right(self.months, month)
        return self.steps[at - 1][1] if at else {}

    def changes(self, month):
        """(kind, before, after) of each day of the month on which something changed; kind None: the total stood."""
        for here, (_, state) in enumerate(self.steps):
            if self.months[here] == month:
                before = self.steps[here - 1][1] if here else {}
                yield kind_of(total(before), total(state), paid_before=here > 0), before, state

    def net_change(self, month):
        before, after = self.closing(month - 1), self.closing(month)
        if before != after:
            yield kind_of(total(before), total(after), paid_before=self.months[0] < month), before, after


def kind_of(before, after, paid_before):
    if before == after:
        return None
    if before == 0:
        return "reactivation" if paid_before else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


def booked(before, after):
    """Per value (movement, entering, leaving) of one change, all positive."""
    change = {value: after.get(value, ZERO) - before.get(value, ZERO) for value in before.keys() | after.keys()}
    whole = sum(change.values(), ZERO)
    same_way = sum((abs(part) for part in change.values() if part * whole > 0), ZERO)
    parts = {}
    for value, part in change.items():
        moved = abs(part) * abs(whole) / same_way if part * whole > 0 else ZERO
        rest = abs(part) - moved
        parts[value] = (moved, rest if part > 0 else ZERO, rest if part < 0 else ZERO)
    return parts


class Ledger:
    def __init__(self, lines, movements, gap_days):
        by_account = defaultdict(list)
        for line in lines:
            by_account[line.account].append(line)
        accounts = [Account(own, gap_days) for own in by_account.values()]
        self.accounts = [account for account in accounts if account.steps]
        self.net = movements == "net"
        self.first_month = min((account.months[0] for account in self.accounts), default=None)
        days = [line.start for line in lines]
        days += [line.end - timedelta(days=1) for line in lines if line.end and line.end > line.start]
        self.last_month = month_of(max(days)) if days else None

    def row(self, month, value):
        """One row, exact; `value` None is the whole book."""

        def of(state):
            return total(state) if value is None else state.get(value, ZERO)

        sums, counts = dict.fromkeys(KINDS, ZERO), dict.fromkeys(KINDS, 0)
        entering = leaving = ZERO
        lost = 0
        for account in self.accounts:
            churned = False
            for kind, before, after in (account.net_change if self.net else account.changes)(month):
                if value is None:
                    moved = abs(total(after) - total(before))
                else:
                    moved, came, went = booked(before, after).get(value, (ZERO, ZERO, ZERO))
                    entering, leaving = entering + came, leaving + went
                if kind and moved > 0:
                    sums[kind] += moved
                    counts[kind] += 1
                churned = churned or kind == "churn"
            lost += churned and of(account.closing(month - 1)) > 0
        opening = [of(account.closing(month - 1)) for account in self.accounts]
        closing = [of(account.closing(month)) for account in self.accounts]
        start, finish = sum(opening, ZERO), sum(closing, ZERO)
        payers, paying = sum(mrr > 0 for mrr in opening), sum(mrr > 0 for mrr in closing)
        gains = sums["new"] + sums["reactivation"] + sums["expansion"]
        losses = sums["churn"] + sums["contraction"]
        row = {"month": month_text(month), "opening_mrr": start, "closing_mrr": finish}
        row |= {f"{kind}_mrr": amount for kind, amount in sums.items()}
        row |= {COUNTS[kind]: count for kind, count in counts.items()}
        row |= {"opening_accounts": payers, "closing_accounts": paying, "accounts_lost": lost}
        row["gross_mrr_churn_rate"] = over(losses, start)
        row["net_mrr_churn_rate"] = over(losses - sums["expansion"] - sums["reactivation"], start)
        row["logo_churn_rate"] = over(lost, payers)
        row["quick_ratio"] = over(gains, losses)
        row["arr"], row["arpa"] = 12 * finish, over(finish, paying)
        for window in (1, 3, 12):
            row[f"nrr_{window}m"], row[f"grr_{window}m"] = self.retention(month, window, of)
        row["entering_mrr"], row["leaving_mrr"] = entering, leaving
        return row

    def retention(self, month, window, of):
        start = kept = capped = ZERO
        for account in self.accounts:
            was = account.closing(month - window)
            if of(was) > 0:
                share, then, now = of(was) / total(was), total(was), total(account.closing(month))
                start, kept, capped = start + of(was), kept + share * now, capped + share * min(then, now)
        return over(kept, start), over(capped, start)

    def cohorts(self, first, last, decimals):
        rows = []
        for cohort in sorted({account.months[0] for account in self.accounts}):
            if first is not None and cohort < first:
                continue
            members = [account for account in self.accounts if account.months[0] == cohort]
            for month in range(cohort, last + 1):
                amounts = [total(account.closing(month)) for account in members]
                rows.append({
                    "cohort": month_text(cohort),
                    "months_since": str(month - cohort),
                    "accounts": str(sum(amount > 0 for amount in amounts)),
                    "mrr": fixed(sum(amounts, ZERO), decimals),
                })  # fmt: skip
        return rows


# --- figures to text ----------------------------------------------------------------------------------------------


def over(numerator, denominator):
    return Fraction(numerator) / denominator if denominator else None


def fixed(number, decimals):
    """Half-even, once."""
    if number is None:
        return ""
    whole = round(number * 10**decimals)
    digits = str(abs(whole)).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if whole < 0 else text


def printed(row, decimals):
    text = {}
    for name, figure in row.items():
        if name.endswith("_mrr") or name in ("arr", "arpa"):
            text[name] = fixed(figure, decimals)
        elif name.endswith("_rate") or name == "quick_ratio" or name[:4] in ("nrr_", "grr_"):
            text[name] = fixed(figure, 6)
        else:
            text[name] = str(figure)
    return text
