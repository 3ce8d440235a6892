"""Small subscription files as bad as real exports, from a seed.

`write_nasty(path, seed)` writes one CSV (and at times a rate table beside it) and returns the options to run it with.
The same seed gives the same bytes. What the policy leaves to taste is not in here: two-digit years, `1.234` as a
thousand, currency codes inside amounts, ends between 2100-12-31 and its neighbours, plan names that look like formulas.
"""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

HEADERS = {
    "account": ("account_id", "Account ID", "ACCOUNT-ID", "accountId", "customer_id", "Customer", " Account "),
    "start": ("start_date", "Start Date", "START-DATE", "start", "StartDate"),
    "end": ("end_date", "End Date", "end", "END_DATE", "EndDate"),
    "mrr": ("mrr", "MRR", "mrr_amount", "Mrr Amount"),
    "amount": ("amount", "Amount", "net_amount", "Price"),
    "interval": ("interval", "billing_interval", "Billing Frequency", "billing-period"),
    "currency": ("currency", "Currency", "CURRENCY"),
    "status": ("status", "Status"),
    "plan": ("plan", "Plan", "PLAN"),
    "subscription": ("subscription_id", "Subscription ID", "SUBSCRIPTION-ID"),
    "trial": ("is_trial", "Is Trial", "trial"),
    "region": ("region", "Region"),
    "note": ("note", "Comment; free text", "Notes, internal"),
}
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-8-sig", "cp1252", "utf-16")
WIDE_NAMES = ("株式会社テスト", "Łódź Sp. z o.o.", "Ünïcødé AG", "🚀 Rocket", "Jose\u0301 SA", "Jos\u00e9 SA", "Ωmega")
WESTERN_NAMES = ("Müller & Söhne", "Café “Zwölf”", "Peña, S.L.", 'The "Quoted" Co', "Line\nBreak Ltd")
PLANS = ("Basic", "Pro", "Enterprise", "basic", "Pro Plus", "")
COUNTING = ("active", "Active", "LIVE", "past due", "Past_Due", "PAST-DUE", "paused", "Paused", "")
NOT_COUNTING = ("trial", "Trialing", "TRIALING", "incomplete", "Unpaid", "draft", "DRAFT")
OVER = ("cancelled", "Canceled", "EXPIRED", "ended", "Churned")
UNKNOWN_STATUS = ("zombie", "on hold?", "42", "active-ish")
INTERVALS = {
    1: ("monthly", "Monthly", "MONTHLY", "", "every 1 months"),
    3: ("quarterly", "Quarterly"),
    6: ("semi-annual", "Semi-Annual", "semi_annual"),
    12: ("annual", "Annual", "ANNUAL"),
    24: ("biennial", "Biennial"),
    5: ("every 5 months", "Every 5 Months"),
    7: ("every 7 months",),
    "week": ("weekly", "Weekly"),
    "day": ("daily", "DAILY"),
}
UNKNOWN_INTERVAL = ("per moon", "sometimes", "every 0 months", "0")
BAD_DATES = ("not a date", "2023-13-01", "2023-02-30", "31/31/2023", "2023-00-10", "?", "0000-00-00")
BAD_AMOUNTS = ("NaN", "nan", "inf", "-inf", "Infinity", "n/a", "abc", "", "--", "12a", "$")
MONTH_NAMES = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]  # fmt: skip


def write_nasty(path, seed):
    """Write the file; return keyword arguments for `oracle.report`."""
    return _File(Path(path), random.Random(seed)).write()


class _File:
    def __init__(self, path, rng):
        self.path, self.rng = path, rng
        self.encoding = rng.choice(ENCODINGS)
        self.delimiter = rng.choice((",", ",", ";", "\t", "|"))
        self.dates = rng.choice(
            ("iso", "iso", "iso", "stamp", "dmy/", "dmy-", "mdy/", "ymd/", "named", "compact", "mixed")
        )
        self.numbers = rng.choice(("plain", "plain", "plain", "english", "german", "swiss", "spaced"))
        self.sign = rng.choice(("", "", "", "$", "€ ", " €", "£")) if self.numbers != "plain" else ""
        self.doubt = rng.choices(("none", "undecidable", "a few swapped", "many swapped"), (30, 2, 2, 2))[0]
        self.scale = rng.choices(("usual", "huge", "tiny", "even"), (6, 1, 1, 1))[0]
        self.dirt = rng.choice((0, 0.02, 0.06, 0.2))
        self.inclusive = rng.random() < 0.3
        self.begin = date(rng.choice((1999, 2019, 2021, 2022, 2023)), rng.randint(1, 12), rng.randint(1, 28))
        self.span = rng.choice((60, 200, 500, 900))
        self.options, self.rows = {}, []
        self.columns = self.choose_columns()
        self.currencies = self.choose_currencies()
        self.ids = 0

    # --- what the file has ---

    def choose_columns(self):
        rng = self.rng
        money = rng.choice(
            (
                ["mrr"],
                ["mrr"],
                ["amount"],
                ["amount", "interval"],
                ["amount", "interval"],
                ["mrr", "amount", "interval"],
            )
        )
        columns = ["account", "start", "end", *money]
        for name, share in (("currency", 0.5), ("status", 0.6), ("plan", 0.7), ("subscription", 0.6),
                            ("trial", 0.3), ("region", 0.3), ("note", 0.4)):  # fmt: skip
            if rng.random() < share:
                columns.append(name)
        rng.shuffle(columns)
        return columns

    def choose_currencies(self):
        rng = self.rng
        if "currency" not in self.columns:
            if rng.random() < 0.3:
                self.options["currency"] = rng.choice(("JPY", "KWD", "eur"))
            return [""]
        kind = rng.choices(
            ("one", "one with gaps", "fx", "fx and asked", "asked only", "refused", "none"), (5, 4, 4, 4, 1, 1, 1)
        )[0]
        home = rng.choice(("USD", "EUR", "JPY", "KWD", "GBP"))
        others = [code for code in ("USD", "EUR", "JPY", "CHF", "SEK") if code != home]
        if kind == "none":
            return [""]
        if kind.startswith("one"):
            return [home, home.lower(), f" {home}"] if kind == "one" else [home, home, ""]
        if kind == "refused":
            if rng.random() < 0.5:
                return [home, *others[:1]]  # several currencies, no table
            self.options["currency"] = home
            return others[:1]  # one other currency, no table
        known = others[: rng.randint(1, 3)]
        spoken = [home, home, home.lower(), *known, ""]
        if self.dirt and rng.random() < 0.6:
            spoken.append("XTS")
        if kind == "asked only":
            self.options["currency"] = home
            return [home, home, home, "", *known[:1]]
        table = [(code, rng.choice(("0.92", "1.0837", "0.006711", "150.25", "11"))) for code in known]
        if kind == "fx" or rng.random() < 0.4:
            table.insert(rng.randint(0, len(table)), (home, "1"))
        if kind == "fx and asked":
            self.options["currency"] = rng.choice((home, home.lower()))
        rates = self.path.with_name(self.path.stem + ".fx.csv")
        rates.write_text(
            "\n".join(["currency,rate", *(f"{code},{rate}" for code, rate in table)]) + "\n", encoding="utf-8"
        )
        self.options["fx"] = str(rates)
        return spoken

    # --- how it spells values ---

    def spell_date(self, day):
        if day is None:
            return ""
        style = self.rng.choice(("iso", "stamp", "named")) if self.dates == "mixed" else self.dates
        if style == "stamp":
            return f"{day:%Y-%m-%d}" + self.rng.choice(
                ("T00:00:00", "T23:59:59Z", " 08:15:00", "T12:30:00+02:00", " 23:30:00.123")
            )
        if style == "named":
            name = MONTH_NAMES[day.month - 1]
            return self.rng.choice(
                (f"{day.day} {name} {day.year}", f"{day.day:02d}-{name}-{day.year}", f"{name} {day.day}, {day.year}")
            )
        if style == "compact":
            return f"{day:%Y%m%d}"
        if style == "iso":
            return day.isoformat()
        mark = style[-1]
        if self.doubt == "undecidable":
            day = day.replace(day=(day.day - 1) % 12 + 1)
        elif self.rng.random() < {"a few swapped": 0.02, "many swapped": 0.4}.get(self.doubt, 0):
            style = {"dmy": "mdy", "mdy": "dmy"}.get(style[:3], "ymd")
        parts = {"d": f"{day.day:02d}", "m": f"{day.month:02d}", "y": f"{day.year:04d}"}
        if self.rng.random() < 0.2:
            parts |= {"d": str(day.day), "m": str(day.month)}
        text = mark.join(parts[letter] for letter in style[:3])
        return text + " 10:30" if self.rng.random() < 0.1 else text

    def spell_amount(self, units, decimals):
        """An amount of `units` / 10 ** `decimals`."""
        digits = str(abs(units)).rjust(decimals + 1, "0")
        whole, rest = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
        minus = "-" if units < 0 else ""
        if self.numbers == "plain" or decimals > 2:
            return minus + whole + ("." + rest if rest else "")
        group, point = {"english": (",", "."), "german": (".", ","), "swiss": ("'", "."), "spaced": (" ", ",")}[
            self.numbers
        ]
        if self.numbers == "german":
            rest = rest or "00"
        text = f"{int(whole):,}".replace(",", group) + (point + rest if rest else "")
        if self.sign.startswith(" "):
            return minus + text + self.sign
        return (minus + self.sign + text) if self.rng.random() < 0.5 else (self.sign + minus + text)

    def price(self):
        rng = self.rng
        if self.scale == "huge":
            return rng.choice((10**14, 10**14 + 1, 333333333333333)), 2
        if self.scale == "tiny":
            return rng.choice((1, 5, 15, 125)), rng.choice((3, 4, 6, 9))
        if self.scale == "even":  # sums that end on half a minor unit
            return rng.choice((5, 15, 25, 1005, 10025, 6)), rng.choice((2, 3))
        return rng.choice((rng.randint(900, 500000), rng.choice((1000, 9900, 4900, 120000, 100000)))), 2

    # --- rows ---

    def line(self, account, start, end, *, plan=None, free=False, price=None, subscription=None):
        """One row; `end` is the first unpaid day, written as this file writes ends."""
        rng = self.rng
        shown = end - timedelta(days=1) if end and self.inclusive and end.year < 2099 else end
        units, decimals = price or self.price()
        if free and rng.random() < 0.4:
            units, free = 0, False
        interval = rng.choice(list(INTERVALS))
        cells = {
            "account": account,
            "start": self.spell_date(start),
            "end": self.spell_date(shown),
            "mrr": self.spell_amount(units, decimals),
            "amount": self.spell_amount(
                units * (interval if isinstance(interval, int) and rng.random() < 0.7 else 1), decimals
            ),
            "interval": rng.choice(INTERVALS[interval]),
            "currency": rng.choice(self.currencies),
            "status": rng.choice(COUNTING) if shown is None or rng.random() < 0.6 else rng.choice(OVER),
            "plan": plan if plan is not None else rng.choice(PLANS),
            "subscription": subscription if subscription is not None else self.subscription(),
            "trial": rng.choice(("false", "FALSE", "no", "0", "")),
            "region": rng.choice(("EMEA", "APAC", "north  west", "")),
            "note": rng.choice(("", "", "ok", "a; b, c | d", 'said "no"', "two\nlines", "tab\there")),
        }
        if "mrr" in self.columns and "amount" in self.columns and rng.random() < 0.5:
            cells["mrr"] = ""
        if free:
            if "trial" in self.columns and rng.random() < 0.5:
                cells["trial"] = rng.choice(("true", "TRUE", "yes", "1", "Yes"))
            elif "status" in self.columns:
                cells["status"] = rng.choice(NOT_COUNTING)
            else:
                cells["mrr"] = cells["amount"] = "0"
        self.rows.append(cells)
        return cells

    def subscription(self):
        self.ids += 1
        return self.rng.choice((f"S-{self.ids}", f"S-{self.ids}", f"S-{self.ids}", ""))

    def account_name(self, number):
        pool = WESTERN_NAMES + (() if self.encoding == "cp1252" else WIDE_NAMES)
        return self.rng.choice(
            (f"A-{number}", f"A-{number}", f"a-{number}", f"{number:05d}", f"{self.rng.choice(pool)} {number}")
        )

    def account(self, number):
        """One customer's story, told in lines."""
        rng, name = self.rng, self.account_name(number)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            day = self.begin + timedelta(days=rng.randint(0, self.span))
            tell = rng.choice(
                (self.renewals, self.switches, self.returns, self.seconds, self.flashes, self.freebies, self.oddities)
            )
            tell(rng.choice((name, name, f" {name}", f"{name}  ", name.upper() if rng.random() < 0.1 else name)), day)

    def renewals(self, name, day):
        plan, price = self.rng.choice(PLANS), self.price()
        for _ in range(self.rng.randint(1, 4)):
            until = day + timedelta(days=self.rng.choice((30, 31, 90, 365)))
            self.line(name, day, until, plan=plan, price=price if self.rng.random() < 0.6 else None)
            day = until + timedelta(days=self.rng.choice((0, 0, 0, 1)))
        if self.rng.random() < 0.5:
            self.line(name, day, None, plan=plan, price=price)

    def switches(self, name, day):
        for _ in range(self.rng.randint(2, 6)):
            until = day + timedelta(days=self.rng.randint(1, 60))
            self.line(name, day, until)
            if self.rng.random() < 0.3:
                self.line(name, day, until + timedelta(days=self.rng.randint(0, 20)))
            day = until
        self.line(name, day, self.rng.choice((None, day + timedelta(days=100))))

    def returns(self, name, day):
        for _ in range(self.rng.randint(2, 4)):
            until = day + timedelta(days=self.rng.randint(5, 80))
            self.line(name, day, until)
            day = until + timedelta(days=self.rng.choice((1, 5, 6, 29, 30, 31, self.rng.randint(1, 40))))
        if self.rng.random() < 0.6:
            self.line(name, day, None)

    def seconds(self, name, day):
        self.line(name, day, day + timedelta(days=200))
        self.line(name, day, day + timedelta(days=self.rng.randint(20, 199)))
        self.line(name, day + timedelta(days=30), self.rng.choice((None, day + timedelta(days=200))))

    def flashes(self, name, day):
        for _ in range(self.rng.randint(1, 3)):
            until = day + timedelta(days=self.rng.randint(1, 6))
            self.line(name, day, until)
            day = until + timedelta(days=self.rng.randint(0, 9))

    def freebies(self, name, day):
        turn = day + timedelta(days=self.rng.randint(10, 60))
        self.line(name, day, turn, free=self.rng.random() < 0.6)
        self.line(name, turn, turn + timedelta(days=45), free=self.rng.random() < 0.4)
        if self.rng.random() < 0.5:
            self.line(name, turn + timedelta(days=45), None, free=self.rng.random() < 0.5)

    def oddities(self, name, day):
        kind = self.rng.choice(("instant", "backwards", "endless", "far", "same id"))
        if kind == "instant":
            self.line(name, day, day)
        elif kind == "backwards":
            self.line(name, day, day - timedelta(days=self.rng.choice((1, 1, 30))))
        elif kind == "endless":
            self.line(name, day, self.rng.choice((date(9999, 12, 31), date(2199, 1, 1), date(2150, 6, 30))))
        elif kind == "far":
            self.line(name, day, day + timedelta(days=self.rng.choice((1500, 2500))))
        else:
            self.line(name, day, day + timedelta(days=50), subscription="S-same")
            self.line(name, day, day + timedelta(days=50), subscription="S-same")

    def spoil(self):
        """Break some cells; repeat some rows."""
        rng = self.rng
        for cells in list(self.rows):
            if rng.random() < self.dirt:
                self.spoil_row(cells)
        for cells in rng.sample(self.rows, min(len(self.rows), int(len(self.rows) * self.dirt) + 1)):
            again = dict(cells)
            if rng.random() < 0.5:
                again[rng.choice(self.columns)] += rng.choice(("", " ", "  "))
            if rng.random() < 0.2 and "note" in self.columns:
                again["note"] = "other"
            self.rows.append(again)

    def spoil_row(self, cells):
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2))):
            what = rng.choice(("start", "end", "money", "minus", "account", "currency", "status", "interval", "cancel"))
            if what == "start":
                cells["start"] = rng.choice((*BAD_DATES, "", " "))
            elif what == "end":
                cells["end"] = rng.choice(BAD_DATES)
            elif what == "money":
                cells["mrr"] = cells["amount"] = rng.choice(BAD_AMOUNTS)
            elif what == "minus":
                cells["mrr"] = cells["amount"] = rng.choice(("-5", "-0.01", "-1000000", "-0"))
            elif what == "account":
                cells["account"] = rng.choice(("", "  ", "\u00a0"))
            elif what == "currency" and "fx" in self.options:
                cells["currency"] = rng.choice(("ZZZ", "doubloons"))
            elif what == "status":
                cells["status"] = rng.choice(UNKNOWN_STATUS)
            elif what == "interval":
                cells["interval"] = rng.choice(UNKNOWN_INTERVAL)
            elif what == "cancel":
                cells["status"], cells["end"] = rng.choice(OVER), ""

    # --- the bytes and the options ---

    def write(self):
        rng = self.rng
        self.span = min(self.span, 400) if self.begin.year < 2019 else self.span
        goal, number = rng.choice((20, 40, 80, 150, 270)), 0
        while len(self.rows) < goal:
            number += 1
            self.account(number)
        self.spoil()
        if rng.random() < 0.7:
            rng.shuffle(self.rows)
        text = self.text()
        self.path.write_bytes(text.encode(self.encoding, errors="replace"))
        self.choose_options()
        return self.options

    def text(self):
        rng, out = self.rng, io.StringIO(newline="")
        ends = rng.choice(("\n", "\r\n"))
        quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator=ends, quoting=quoting)
        writer.writerow([rng.choice(HEADERS[name]) for name in self.columns])
        for cells in self.rows:
            fields = [cells[name] for name in self.columns]
            if rng.random() < self.dirt / 4:
                fields = rng.choice(
                    (fields[:-1], fields[: max(2, len(fields) - 3)], [*fields, "surplus"], [*fields, "", ""])
                )
            writer.writerow(fields)
            if rng.random() < self.dirt / 4:
                out.write(rng.choice((ends, "   " + ends)))
        text = out.getvalue()
        return text.removesuffix(ends) if rng.random() < 0.3 else text

    def choose_options(self):
        rng, options = self.rng, self.options
        options["movements"] = rng.choice(("event", "event", "net"))
        options["gap_days"] = rng.choice((0, 0, 0, 1, 5, 30, 45))
        options["end"] = "inclusive" if self.inclusive != (rng.random() < 0.1) else "exclusive"
        if self.dates in ("dmy/", "dmy-", "mdy/") and rng.random() < 0.4:
            options["date_order"] = self.dates[:3] if rng.random() < 0.9 else rng.choice(("dmy", "mdy", "ymd"))
        month = self.begin.year * 12 + self.begin.month - 1
        first = month + rng.randint(-8, 18)
        if rng.random() < 0.25:
            options["from_"] = f"{first // 12}-{first % 12 + 1:02d}"
        if rng.random() < 0.25:
            last = first + rng.randint(0, 30)
            options["to"] = f"{last // 12}-{last % 12 + 1:02d}"
        if "plan" in self.columns and rng.random() < 0.45:
            options["by"] = "plan"
        elif "region" in self.columns and rng.random() < 0.3:
            options["by"] = "region"
        elif rng.random() < 0.03:
            options["by"] = "no such column"
