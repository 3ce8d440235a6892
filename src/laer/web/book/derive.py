"""Rows that other rows bring into being: the subscription of a line, a product named by it, an owner named on an account.

Each function makes a batch of its own for rows that the book does not know yet; they are compared and written like any
other, before (or, for owners, after) the rows that name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laer.records.batch import Batch
from laer.web.book.models import Assignment, ExternalId
from laer.web.book.plans import Plan
from laer.web.book.prepare import prepare
from laer.web.book.staging import Stage

NAMES = ("custom.account_name", "custom.customer_name", "custom.company_name", "custom.account", "custom.customer", "custom.company", "custom.name")
FROM_LINES = ("subscription_lines", "contracts", "discounts", "pauses", "opportunities")  # their accounts may be first heard of here


def prerequisites(batch: Batch, stage: Stage) -> Iterator[Batch]:
    """Accounts (where no list of accounts was ever taken in), products and subscriptions that a batch names."""
    if batch.record in FROM_LINES and not stage.accounts_known:
        yield from _unknown(batch, stage, "accounts", "account_id", lambda name, row: {"name": _called(row) or name})
    if batch.record != "subscription_lines":
        return
    yield from _unknown(batch, stage, "products", "product_id", lambda name, row: {"name": name})
    for i, row in enumerate(batch.rows):
        if not row.get("subscription_id") and row.get("account_id"):
            batch.made.add(i)
            row["subscription_id"] = f"{row['account_id']}/{row.get('product_id') or row.get('plan') or 'subscription'}"
        elif row.get("subscription_id"):
            row.setdefault("cuts", True)  # one subscription by its own id: what starts later takes the place of what was (rule 7)
    yield from _unknown(
        batch,
        stage,
        "subscriptions",
        "subscription_id",
        lambda name, row: {
            k: row.get(c)
            for k, c in (("account_id", "account_id"), ("product_id", "product_id"), ("contract_id", "contract_id"), ("name", "plan"))
            if row.get(c)
        },
    )


def _called(row: dict[str, Any]) -> str | None:
    """The account's name where a file of lines says it beside the id."""
    return next((str(row[c]) for c in NAMES if row.get(c)), None)


def owners(plan: Plan, stage: Stage) -> Iterator[Batch]:
    """People and assignments of the owners that a list of accounts names."""
    if not plan.owners:
        return
    names = sorted({owner for _, owner in plan.owners})
    known = stage.resolve("people", names)
    people = Batch("people", plan.file)
    for name in names:
        if name not in known:
            _add(
                people,
                name,
                {"name": name.split("@")[0].replace(".", " ").title() if "@" in name else name, **({"email": name.lower()} if "@" in name else {})},
            )
    if people.rows:
        yield people
    accounts = stage.resolve("accounts", {account for account, _ in plan.owners})
    held = _held(stage, [i for i in accounts.values() if i > 0])
    created = {p.key for p in plan.new}
    people_ids = stage.resolve("people", names)
    elsewhere = _held_elsewhere([p.object_id for p in plan.attached if p.object_id])
    assignments = Batch("assignments", plan.file)
    for account, owner in plan.owners:
        holder = held.get(accounts.get(account, -1))
        if people_ids.get(owner) in elsewhere.get(accounts.get(account, -1), ()):
            continue  # another source, or a person, said so before
        if account in created or holder is None:  # its first owner, since when is not known
            _add(assignments, f"{account}:owner:{owner}", {"account_id": account, "person_id": owner, "job": "csm"})
        elif people_ids.get(owner) not in holder:
            plan.moved[account] = owner
            _add(assignments, f"{account}:owner:{owner}:{stage.day}", {"account_id": account, "person_id": owner, "job": "csm", "from_on": stage.day})
    if assignments.rows:
        yield assignments


def _held(stage: Stage, accounts: list[int]) -> dict[int, set[int]]:
    """Account -> people who are its CSM now, by what this source said."""
    found: dict[int, set[int]] = {}
    for start in range(0, len(accounts), 5_000):
        open_ones = Assignment.objects.filter(account_id__in=accounts[start : start + 5_000], job="csm", until_on=None, archived_at=None)
        stated = ExternalId.objects.filter(source=stage.source, record="assignments", object_id__in=open_ones.values("id")).values("object_id")
        for account, person in open_ones.filter(id__in=stated).values_list("account_id", "person_id"):
            found.setdefault(account, set()).add(person)
    return found


def _held_elsewhere(accounts: list[int]) -> dict[int, set[int]]:
    """Account of another source -> people who are its CSM now, whoever said so."""
    found: dict[int, set[int]] = {}
    for start in range(0, len(accounts), 5_000):
        rows = Assignment.objects.filter(account_id__in=accounts[start : start + 5_000], job="csm", until_on=None, archived_at=None)
        for account, person in rows.values_list("account_id", "person_id"):
            found.setdefault(account, set()).add(person)
    return found


def _unknown(batch: Batch, stage: Stage, record: str, column: str, state: Any) -> Iterator[Batch]:
    """The names in a column that the book does not know, each as the first row says it that will not be set aside itself."""
    named: dict[str, list[int]] = {}
    for i, row in enumerate(batch.rows):
        if row.get(column):
            named.setdefault(str(row[column]), []).append(i)
    known = stage.resolve(record, named)
    made = Batch(record, batch.file)
    for name, places in named.items():
        if name not in known:
            sound = next((i for i in places if prepare(batch.record, batch.rows[i], stage.policy)[1] is None), None)
            if sound is not None:
                _add(made, name, state(name, batch.rows[sound]), batch.lines[sound])
    if made.rows:
        yield made


def _add(batch: Batch, key: str, row: dict[str, Any], line: int = 0) -> None:
    batch.rows.append(row)
    batch.keys.append(key)
    batch.lines.append(line)
    batch.raw.append({})
