"""Contracts that begin shortly before another of the same customer ends, under other subscriptions and without a link: early renewals, or sold beside it.

Nothing in the book says which, so both count. A person does: with a link (or one subscription id) the new one cuts the old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext, ngettext

from laer.web.book.models import Contract
from laer.web.people.company import firm
from laer.web.runs.doctor.finding import Finding, Seen, Severity
from laer.web.templatetags.laer import money, number
from laer.web.wording import gettext_lazy, later

RECORD = "contracts"
CHECK = "early_renewals"
EARLY = timedelta(days=183)  # before the end, the most that a renewal begins; and not in the first half of the term that it renews
LOT = 5_000
COLUMNS = (
    gettext_lazy("Begins"), gettext_lazy("The other ends"), gettext_lazy("Pays"), gettext_lazy("The other pays"), gettext_lazy("If it renews the other"),
    gettext_lazy("If both are sold"),
)  # fmt: skip
SAID: dict[str, tuple[Severity, str, str]] = {
    CHECK: (
        "warning",
        gettext_lazy("Contracts that may renew another one early"),
        gettext_lazy("If one renews the other, import the link (renewed contract id), or say on the other contract that it was cancelled on that day: it then "
        "counts until the new one begins. If both are sold, nothing."),
    ),
}  # fmt: skip


class Early(NamedTuple):
    """pays, other_pays  MRR by currency under the two contracts on the day on which the new one begins."""

    contract: int
    begins: date
    other_ends: date
    pays: Mapping[str, Fraction]
    other_pays: Mapping[str, Fraction]


def checks() -> Mapping[str, tuple[str, ...]]:
    return {CHECK: COLUMNS}


def find(seen: Seen) -> list[Finding]:
    found = named(seen)
    if not found:
        return []
    twice: dict[str, Fraction] = defaultdict(Fraction)
    for one in found:
        for currency, mrr in one.other_pays.items():
            twice[currency] += mrr
    return [told(CHECK, len(found), {code: str(mrr) for code, mrr in twice.items()})]


def told(check: str, n: int, said: Mapping[str, str]) -> Finding:
    """`said` is the MRR that may count twice, by currency, as exact fractions."""
    severity, title, what = SAID[check]
    return Finding(check, severity, n, title, later(_sentence, n, {code: Fraction(mrr) for code, mrr in said.items()}), what, RECORD, said=said)


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    part = named(seen)[offset : offset + limit]
    contracts = Contract.objects.filter(pk__in=[one.contract for one in part])
    accounts = {pk: (account, name) for pk, account, name in contracts.values_list("pk", "account_id", "account__name")}
    rows = []
    for one in part:
        account_id, account = accounts[one.contract]
        both = {code: one.pays.get(code, Fraction(0)) + one.other_pays.get(code, Fraction(0)) for code in {*one.pays, *one.other_pays}}
        cells = (one.begins, one.other_ends, _amounts(one.pays), _amounts(one.other_pays), _amounts(one.pays), _amounts(both))
        rows.append({"object_id": one.contract, "account_id": account_id, "account": account, **dict(zip(COLUMNS, cells, strict=True))})
    return rows


def ids(seen: Seen, check: str) -> tuple[str, list[int]]:
    return RECORD, [one.contract for one in named(seen)]


def named(seen: Seen) -> list[Early]:
    return list(seen.once(CHECK, partial(_named, seen)))


def _named(seen: Seen) -> list[Early]:
    started = {"account_id": OuterRef("account_id"), "start_on__lt": OuterRef("start_on"), "end_on__gt": OuterRef("start_on"), "archived_at": None}
    newer = seen.of(Contract).filter(renews=None, start_on__isnull=False, end_on__isnull=False)
    newer = newer.filter(Exists(Contract.objects.filter(**started, end_on__lt=OuterRef("end_on"), renewed_by=None, cancelled_on=None)))
    pairs: list[tuple[Any, Any]] = []
    rows = list(newer.order_by("id").values("id", "account_id", "start_on", "end_on"))
    for at in range(0, len(rows), LOT):
        part = rows[at : at + LOT]
        held: dict[int, list[Any]] = defaultdict(list)
        others = seen.of(Contract).filter(account_id__in={row["account_id"] for row in part}, renewed_by=None, cancelled_on=None, start_on__lt=F("end_on"))
        for other in others.values("id", "account_id", "start_on", "end_on"):
            held[other["account_id"]].append(other)
        pairs += [(row, early) for row in part if (early := _renewed_early(row, held[row["account_id"]])) is not None]
    under = _lines(seen, {side["id"] for pair in pairs for side in pair})
    found = []
    for row, other in pairs:
        ours, theirs = (_on(under.get(side["id"], ()), row["start_on"]) for side in (row, other))
        if ours and theirs and _apart(ours, theirs, "subscription_id", whole=True) and not _apart(ours, theirs, "product_id", whole=False):
            found.append(Early(row["id"], row["start_on"], other["end_on"], _paid(ours), _paid(theirs)))
    return found


def _renewed_early(row: Any, others: Iterable[Any]) -> Any | None:
    """Of the customer's other contracts the one that ends next after this one begins, where that looks like a renewal."""
    fitting = [
        other for other in others
        if other["start_on"] < row["start_on"] < other["end_on"] < row["end_on"] and other["end_on"] - row["start_on"] <= EARLY
        and 2 * (row["start_on"] - other["start_on"]) >= other["end_on"] - other["start_on"]
    ]  # fmt: skip
    return min(fitting, key=lambda other: other["end_on"], default=None)


def _lines(seen: Seen, contracts: set[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    wanted = sorted(contracts)
    columns = ("contract_id", "subscription_id", "product_id", "start_on", "end_on", "mrr_num", "mrr_den", "currency")
    for at in range(0, len(wanted), LOT):
        for line in seen.lines().filter(contract_id__in=wanted[at : at + LOT], mrr_num__gt=0).values(*columns):
            found[line["contract_id"]].append(line)
    return found


def _on(lines: Iterable[Any], day: date) -> list[Any]:
    return [line for line in lines if line["start_on"] <= day and (line["end_on"] is None or line["end_on"] > day)]


def _apart(ours: list[Any], theirs: list[Any], column: str, *, whole: bool) -> bool:
    """Whether two sets of lines share nothing of a column; of products only where both name some."""
    one, two = ({line[column] for line in lines} - {None} for lines in (ours, theirs))
    return not one & two and (whole or bool(one and two))


def _paid(lines: Iterable[Any]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for line in lines:
        found[line["currency"] or firm().currency] += Fraction(line["mrr_num"], line["mrr_den"])
    return dict(found)


def _amounts(by_currency: Mapping[str, Fraction]) -> str:
    return " + ".join(money(float(mrr), code) for code, mrr in sorted(by_currency.items()))


def _sentence(n: int, twice: Mapping[str, Fraction]) -> str:
    said = ngettext(
        "%(n)s contract begins before another of the same customer ends, under another subscription, and no link says that it renews it.",
        "%(n)s contracts begin before another of the same customer ends, under another subscription, and no link says that they renew it.",
        n,
    ) % {"n": number(n)}
    return said + " " + gettext("If so, %(amount)s of MRR counts twice; if both are sold, none does.") % {"amount": _amounts(twice)}
