"""What the rows of a source refer to: external ids, names and e-mails -> our ids, remembered across the batches of an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from laer.records.record import Column
from laer.web.book import aliases
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.matching import Matcher
from laer.web.book.models import MODELS, ExternalId, ImportFile, ImportState
from laer.web.book.prepare import Row, as_json
from laer.web.people.models import Person

PADDED = 20  # characters of an id whose zeros may have been stripped
HINTS = 2_000  # rejects for which such an id is looked for
REMEMBERED = 400_000  # resolved references kept in memory per record type


def names_customers(mapping: Mapping[str, Any]) -> bool:
    """Whether a list of accounts names those that are there; one of who left names none of them, so that an id which it lacks is no error."""
    return "churn_flag" not in (mapping.get("fixed") or {})


class References:
    """Holds what one import has resolved, and what is still to come: a dry run invents ids for what it would create."""

    def __init__(
        self, source: str, *, run_id: int | None = None, dry: bool = False, accounts_known: bool | None = None, day: date | None = None,
        matcher: Matcher | None = None,
    ) -> None:  # fmt: skip
        self.matcher = matcher or Matcher(source)
        self.origins = aliases.Origins(source)
        self.source, self.run_id, self.dry = source, run_id, dry
        self.day = day or timezone.localdate()  # of the files: what they state differently holds from then on
        self.resolved: dict[str, dict[str, int]] = {}
        self.pending: dict[str, set[str]] = {}  # external ids of rows that a dry run would have created
        self._accounts_known = accounts_known
        self._owner_of: dict[int, int] = {}  # subscription -> account
        self._heard_before: bool | None = None
        self._hints_left = HINTS

    def learn(self, record: str, ids: Iterable[tuple[str, int]]) -> None:
        self.resolved.setdefault(record, {}).update(ids)

    def _forget_some(self) -> None:
        """Bound the memory, between batches only: what a batch has resolved it may still need."""
        for there in self.resolved.values():
            if len(there) > REMEMBERED:
                there.clear()

    def resolve(self, record: str, names: Iterable[str]) -> dict[str, int]:
        """External ids -> our ids. Products and people are also found by name or e-mail, contacts by an e-mail that one alone has.

        A dry run invents ids for what it would create.
        """
        there = self.resolved.setdefault(record, {})
        wanted = {n for n in names if n and n not in there}
        if wanted:
            found = dict(
                rows_of(
                    ExternalId.objects.filter(source=self.source, record=record).exclude(row_hash=TAKEN_OUT),
                    "external_id",
                    wanted,
                    ("external_id", "object_id"),
                )
            )
            rest = wanted - found.keys()
            if rest and record == "products":
                found.update((n, i) for n, i in rows_of(MODELS["products"].objects.filter(archived_at=None), "name", rest, ("name", "id")))
            if rest and record == "people":
                people = Person.objects.filter(archived_at=None)
                found.update((n, i) for n, i in rows_of(people, "name", rest, ("name", "id")))
                found.update((n, i) for n, i in rows_of(people, "email", rest, ("email", "id")))
            if record == "contacts" and any("@" in name for name in rest):
                found.update(_contacts_by_mail(rest))
            if record == "accounts" and rest:
                found.update(self._accounts_by_name(rest))
                found.update(self.matcher.by_domain(rest - found.keys(), dry=self.dry))
            self.learn(record, found.items())
        if self.dry:
            for n in wanted & self.pending.get(record, set()):
                there[n] = -1
        return there

    def _accounts_by_name(self, names: set[str]) -> dict[str, int]:
        """Files that name accounts instead of giving their ids: an exact name counts where only one account has it, or one that this source named."""
        rows = list(rows_of(MODELS["accounts"].objects.filter(archived_at=None), "name", names, ("name", "id")))
        once: dict[str, list[int]] = {}
        for name, object_id in rows:
            once.setdefault(name, []).append(object_id)
        found = {n: ids[0] for n, ids in once.items() if len(ids) == 1}
        if shared := {n: ids for n, ids in once.items() if len(ids) > 1}:  # another system has customers of that name: a list means its own
            stated = ExternalId.objects.filter(source=self.source, record="accounts").exclude(row_hash=TAKEN_OUT)
            own = {row[0] for row in rows_of(stated, "object_id", {i for ids in shared.values() for i in ids}, ("object_id",))}
            found |= {n: mine[0] for n, ids in shared.items() if len(mine := [i for i in ids if i in own]) == 1}
        return found | aliases.kept_by_name(names - once.keys())

    @property
    def accounts_known(self) -> bool:
        """Whether a list of accounts of this source was ever taken in: then an unknown id is an error, else its first mention."""
        if self._accounts_known is None:
            lists = ImportFile.objects.filter(run__source=self.source, record="accounts", state="done").exclude(run__state=ImportState.UNDONE)
            self._accounts_known = any(names_customers(mapping) for mapping in lists.values_list("mapping", flat=True))
        return self._accounts_known

    @property
    def heard_before(self) -> bool:
        """Whether this source said what accounts pay on an earlier day: then an account without a line is a new customer, else its start is unknown."""
        if self._heard_before is None:
            lines = ExternalId.objects.filter(source=self.source, record="subscription_lines").exclude(row_hash=TAKEN_OUT)
            there = MODELS["subscription_lines"].objects.filter(archived_at=None, start_on__lte=self.day).exclude(created_run=self.run_id)
            before = lines.filter(object_id__in=there.values("id"))
            self._heard_before = before.exists()
        return self._heard_before

    def _refer(self, values: Row, references: list[Column], record: str) -> str | None:
        """Put our ids for external ids. A required one that points at nothing sets the row aside; an optional one is kept as text."""
        custom = {k.removeprefix("custom."): values.pop(k) for k in [k for k in values if k.startswith("custom.")]}
        for column in references:
            name = values.get(column.name)
            target = str(column.col.refers)
            if name is None:
                continue
            found = self.resolved.get(target, {}).get(str(name))
            if found is None and column.required:
                return f"references nothing: {target.removesuffix('s')} '{name}' is not in the book{self._padded(target, str(name))}"
            if found is None:
                custom.setdefault("_unresolved", {})[column.name] = str(name)
            values[column.name] = found
        if any(c.name == "account_id" and c.required for c in references) and values.get("account_id") is None:
            owner = self.account_of_subscription(values.get("subscription_id"))
            if owner is None:
                return "empty account id"
            values["account_id"] = owner
        if custom:
            values["custom"] = {k: as_json(v) for k, v in custom.items()}
        return None

    def _padded(self, record: str, name: str) -> str:
        """A hint where an unknown id is a known one but for the zeros before it, as spread-sheets strip them. Only said, never assumed."""
        bare = name.lstrip("0")
        if not bare.isalnum() or len(name) > PADDED or self._hints_left <= 0:
            return ""
        self._hints_left -= 1
        like = ["0" * zeros + bare for zeros in range(PADDED - len(bare) + 1)]
        known = ExternalId.objects.filter(source=self.source, record=record, external_id__in=like).exclude(row_hash=TAKEN_OUT)
        found = list(known.values_list("external_id", flat=True)[:2])
        if len(found) != 1:
            return ""
        return f"; did a spread-sheet take the zeros of '{found[0]}' away?" if len(found[0]) > len(name) else f"; it may be '{found[0]}', without zeros"

    def account_of_subscription(self, subscription_id: int | None) -> int | None:
        if subscription_id is None:
            return None
        if subscription_id < 0:
            return -1
        if subscription_id not in self._owner_of:
            if len(self._owner_of) > REMEMBERED:
                self._owner_of.clear()
            if not self._owner_of:
                self._owner_of.update(MODELS["subscriptions"].objects.filter(archived_at=None).values_list("id", "account_id")[:REMEMBERED])
            if subscription_id not in self._owner_of:
                account = MODELS["subscriptions"].objects.filter(id=subscription_id).values_list("account_id", flat=True).first()
                if account is None:
                    return None
                self._owner_of[subscription_id] = account
        return self._owner_of[subscription_id]


def _contacts_by_mail(names: set[str]) -> dict[str, int]:
    contacts = MODELS["contacts"].objects.filter(archived_at=None)
    pairs = list(rows_of(contacts, "email", {name for name in names if "@" in name}, ("email", "id")))
    often = Counter(mail for mail, _ in pairs)
    return {mail: number for mail, number in pairs if often[mail] == 1}


def rows_of(queryset: Any, name: str, wanted: Iterable[Any], fields: tuple[str, ...], named: bool = False) -> Iterable[Any]:
    """Rows whose field is one of many, asked 5,000 at a time (SQLite takes at most 32,766 parameters)."""
    wanted = [w for w in wanted if w is not None]
    for start in range(0, len(wanted), 5_000):
        part = queryset.filter(**{f"{name}__in": wanted[start : start + 5_000]})
        yield from part.values(*fields) if named else part.values_list(*fields)
