"""Measures of payment: invoices that are overdue, and how late an account pays. Method: docs/methods/payments.md"""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.company import FACTS, RATIO, SUM, Company
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, ifelse, literal, ratio
from laer.records.periods import FAR

YEAR = 365  # days


def owed(spine: Spine, records: Records) -> Table:
    """Invoices that were issued and neither paid nor taken back, and those of them whose due day lies before the day. Grain: account_id x d."""
    held = spine.alive(records["invoices"], "issued_d", "settled_d")
    late = held.due_d < held.d
    unsaid = held.amount.isnull()  # in a currency without a rate: a sum without it would be too low
    return held.group_by("account_id", "d").agg(
        invoices_open=held.count().cast("float64"), invoices_overdue=late.sum().cast("float64"),
        open_sum=ifelse(unsaid.any(), literal(None, "float64"), held.amount.sum()),
        overdue_sum=ifelse((unsaid & late).any(), literal(None, "float64"), held.amount.sum(where=late)),
        overdue_due_on=held.due_d.min(where=late),
    )  # fmt: skip


def paid(spine: Spine, records: Records) -> Table:
    """Invoices that were paid within a year. Grain: account_id x d."""
    seen = spine.within(records["invoices"].filter(lambda t: t.paid), "settled_d", YEAR)
    due = seen.due_d < FAR
    late = due & (seen.settled_d > seen.due_d)
    return seen.group_by("account_id", "d").agg(
        paid_on=seen.settled_d.max(), days_to_pay_365d=ratio((seen.settled_d - seen.issued_d).sum(), seen.count()),
        days_late_365d=ratio(ifelse(late, seen.settled_d - seen.due_d, 0).sum(where=due), due.sum()), paid_late_share_365d=ratio(late.sum(), due.sum()),
    )  # fmt: skip


billed = partial(Measure, motion="renew", kind="number", sources=("invoices",), leading=True, better="down", method="payments")
FAMILIES = (
    Family("owed", "invoices", owed, (
        billed("invoices_open", "Open invoices", "invoices", "invoices issued, and neither paid nor taken back", zero=True, better=""),
        billed("invoices_overdue", "Overdue invoices", "invoices", "open invoices whose due day lies before the day", zero=True),
        billed("open_sum", "Sum of open invoices", "", "amounts of the open invoices, where there are any", kind="money", better=""),
        billed("overdue_sum", "Sum of overdue invoices", "", "amounts of the overdue invoices, where there are any", kind="money"),
        billed("overdue_due_on", "Oldest overdue invoice", "", "the due day of the oldest overdue invoice", kind="date"),
    )),
    Family("paid", "invoices", paid, (
        billed("paid_on", "Last payment", "", "the day of the last payment within a year", kind="date", leading=None, better=""),
        billed("days_to_pay_365d", "Days to pay, a year", "days", "mean days from the issue to the payment of invoices paid within a year"),
        billed("days_late_365d", "Days late, a year", "days", "mean days after the due day on which invoices of a year were paid; on time counts as 0"),
        billed("paid_late_share_365d", "Paid late, a year", "%", "invoices paid after their due day over all paid within a year that have one"),
    )),
)  # fmt: skip


def _open(facts: Table) -> Value:
    return ifelse(facts.invoices_open == 0, literal(0.0), facts.open_sum)


def _overdue(facts: Table) -> Value:
    return ifelse(facts.invoices_overdue == 0, literal(0.0), facts.overdue_sum)


DERIVED = (  # 0 is known where nothing is owed; a sum of which a part is unknown is unknown
    Derived(
        billed("open_amount", "Open amount", "", "amounts of the open invoices; unknown where one is in a currency without a rate", kind="money", better=""),
        ("invoices_open", "open_sum"), _open,
    ),
    Derived(
        billed("overdue_amount", "Overdue amount", "", "amounts of the overdue invoices; unknown where one is in a currency without a rate", kind="money"),
        ("invoices_overdue", "overdue_sum"), _overdue,
    ),
)  # fmt: skip


of_firm = partial(Measure, motion="renew", grain="company", sources=("invoices",), leading=True, better="down", method="payments")
COMPANY = (
    Company(of_firm("overdue_amount_firm", "Overdue", "", "overdue amounts of all accounts at the end of the period, of which they are known", kind="money"),
        FACTS, lambda facts: facts.overdue_amount, None, SUM, ("overdue_amount",)),
    Company(of_firm("overdue_share", "Accounts with an overdue invoice", "%", "accounts with an overdue invoice over those of which it is known whether they "
        "have one, at the end of the period", kind="number"), FACTS, lambda facts: (facts.invoices_overdue > 0).cast("float64"),
        lambda facts: facts.invoices_overdue.notnull().cast("float64"), RATIO, ("invoices_overdue",)),
)  # fmt: skip
