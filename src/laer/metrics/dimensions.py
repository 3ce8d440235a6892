"""Lines by a dated dimension of their account: a line is cut where the account's value changes."""

from __future__ import annotations

from laer.records.expr import Table, greatest, least, table

SPANS = {"account_id": "int64", "value": "string", "from_d": "int32", "from_m": "int32", "until_d": "int32", "until_m": "int32"}


def spans_table(name: str = "spans") -> Table:
    """The unbound input: which value an account had from a day (inclusive) until a day (exclusive).

    Grain   account_id x from_d; the spans of an account cover all days without overlap
    """
    return table(SPANS, name=name)


def split_by(lines: Table, spans: Table) -> Table:
    """Lines with the value that their account had, cut into one piece per span.

    Grain   line x span that it touches
    In      lines  `changes.lines_table`;  spans  `spans_table`
    Out     the columns of `changes.lines_table(by=True)`
    Holds   on every day the sum of parts over pieces == that over lines, where spans cover the day
    Method  docs/methods/by-dimension.md
    """
    s = spans.select(account="account_id", value="value", from_d="from_d", from_m="from_m", until_d="until_d", until_m="until_m")
    j = lines.inner_join(s, [lines.account_id == s.account, s.from_d < lines.end_d, lines.start_d < s.until_d])
    # What a line without a known start opens, it opens once: its later pieces begin because the account became another value's.
    said = {"unknown": j.unknown & (j.from_d <= j.start_d)} if "unknown" in lines.columns else {}
    return j.select(
        "account_id", "parts", "value", **said,
        start_d=greatest(j.start_d, j.from_d), start_m=greatest(j.start_m, j.from_m),
        end_d=least(j.end_d, j.until_d), end_m=least(j.end_m, j.until_m),
    )  # fmt: skip
