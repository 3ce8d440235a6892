"""Compare what a source states with what the book holds: new, changed, unchanged, or set aside.

A stage reads and decides, it writes nothing; `applying.py` carries a plan out. The preview and the import use the same
stage, so that a preview cannot say anything else than what the import does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone

from laer.metrics.policy import Policy
from laer.records.batch import Batch, Reject
from laer.records.record import Column, record_type
from laer.web.book import aliases
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT, Keys, content_hash
from laer.web.book.matching import NAMED, Matcher
from laer.web.book.models import MODELS, ExternalId, FieldChange, ImportFile, ImportState
from laer.web.book.naming import domain_of
from laer.web.book.prepare import Row, as_json, prepare, without_empty
from laer.web.people.models import Person

ID_LENGTH = 255  # of an external id
UNTOUCHED = object()  # no person ever changed the field
PADDED = 20  # characters of an id whose zeros may have been stripped
HINTS = 2_000  # rejects for which such an id is looked for
REMEMBERED = 400_000  # resolved references kept in memory per record type


@dataclass
class Change:
    """One field that a source states otherwise than the book: values as the columns hold them."""

    field: str
    old: Any
    new: Any


@dataclass
class Planned:
    """One row to write. `object_id` is None for a new row; `revived` marks a row that an undo had taken out."""

    key: str
    line: int
    values: Row
    hash: int
    object_id: int | None = None
    account_id: int | None = None
    changes: list[Change] = field(default_factory=list)
    revived: bool = False
    external_row: int | None = None
    run_id: int | None = None  # the run that wrote it last
    merges: tuple[int, ...] = ()  # of a new row: the account that it names was merged away by these
    matched: str | None = None  # the rule by which an account of another source was found to be meant


@dataclass
class Plan:
    """What one batch would do."""

    record: str
    file: str
    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    settled: list[Planned] = field(default_factory=list)  # stated anew, and yet as the book has it: only the hash is noted
    stated: list[int] = field(default_factory=list)  # external ids of rows that stand as they are: that this run states them is noted
    moved: dict[str, str] = field(default_factory=dict)  # account's external id -> owner who takes over from another
    unchanged: int = 0
    repeated: int = 0
    mine: int = 0  # rows that this very run wrote before it was interrupted
    mine_changed: int = 0  # those of them that it changed
    rejects: list[Reject] = field(default_factory=list)
    attached: list[Planned] = field(default_factory=list)  # rows of other sources that get an id of this one
    owners: list[tuple[str, str]] = field(default_factory=list)  # (account's external id, owner as named)
    unresolved: int = 0


class Stage:
    """Holds what one import needs to know across its batches: keys seen, references resolved, what is still to come."""

    def __init__(
        self, source: str, policy: Policy, *, run_id: int | None = None, dry: bool = False, accounts_known: bool | None = None, day: date | None = None,
        matcher: Matcher | None = None,
    ) -> None:  # fmt: skip
        self.matcher = matcher or Matcher(source)
        self.origins = aliases.Origins(source)
        self.source, self.policy, self.run_id, self.dry = source, policy, run_id, dry
        self.day = day or timezone.localdate()  # of the files: what they state differently holds from then on
        self.keys: dict[str, Keys] = {}
        self.resolved: dict[str, dict[str, int]] = {}
        self.pending: dict[str, set[str]] = {}  # external ids of rows that a dry run would have created
        self._accounts_known = accounts_known
        self._owner_of: dict[int, int] = {}  # subscription -> account
        self._heard_before: bool | None = None
        self._hints_left = HINTS
        self.contract_keys: dict[tuple[str, Any, Any], str] = {}  # account, start and end of contracts told apart by their ends -> their keys

    # -- references ---------------------------------------------------------------------------------------------------

    def learn(self, record: str, ids: Iterable[tuple[str, int]]) -> None:
        self.resolved.setdefault(record, {}).update(ids)

    def _forget_some(self) -> None:
        """Bound the memory, between batches only: what a batch has resolved it may still need."""
        for there in self.resolved.values():
            if len(there) > REMEMBERED:
                there.clear()

    def resolve(self, record: str, names: Iterable[str]) -> dict[str, int]:
        """External ids -> our ids. Products and people are also found by name or e-mail; a dry run invents ids for what it would create."""
        there = self.resolved.setdefault(record, {})
        wanted = {n for n in names if n and n not in there}
        if wanted:
            found = dict(
                _in(
                    ExternalId.objects.filter(source=self.source, record=record).exclude(row_hash=TAKEN_OUT),
                    "external_id",
                    wanted,
                    ("external_id", "object_id"),
                )
            )
            rest = wanted - found.keys()
            if rest and record == "products":
                found.update((n, i) for n, i in _in(MODELS["products"].objects.filter(archived_at=None), "name", rest, ("name", "id")))
            if rest and record == "people":
                people = Person.objects.filter(archived_at=None)
                found.update((n, i) for n, i in _in(people, "name", rest, ("name", "id")))
                found.update((n, i) for n, i in _in(people, "email", rest, ("email", "id")))
            if record == "accounts" and rest:
                found.update(self._accounts_by_name(rest))
                found.update(self.matcher.by_domain(rest - found.keys(), dry=self.dry))
            self.learn(record, found.items())
        if self.dry:
            for n in wanted & self.pending.get(record, set()):
                there[n] = -1
        return there

    def _accounts_by_name(self, names: set[str]) -> dict[str, int]:
        """Files that name accounts instead of giving their ids: an exact name counts where only one account has it."""
        rows = list(_in(MODELS["accounts"].objects.filter(archived_at=None), "name", names, ("name", "id")))
        once: dict[str, list[int]] = {}
        for name, object_id in rows:
            once.setdefault(name, []).append(object_id)
        found = {n: ids[0] for n, ids in once.items() if len(ids) == 1}
        return found | aliases.kept_by_name(names - once.keys())

    @property
    def accounts_known(self) -> bool:
        """Whether a list of accounts of this source was ever taken in: then an unknown id is an error, else its first mention."""
        if self._accounts_known is None:
            lists = ImportFile.objects.filter(run__source=self.source, record="accounts", state="done").exclude(run__state=ImportState.UNDONE)
            self._accounts_known = lists.exists()
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

    # -- comparing ----------------------------------------------------------------------------------------------------

    def compare(self, batch: Batch) -> Plan:
        record = record_type(batch.record)
        self._forget_some()
        plan = Plan(batch.record, batch.file)
        hashes = [content_hash(sorted(row.items())) for row in batch.rows]
        keys = self.keys.setdefault(batch.record, Keys(record))
        named = keys.of(batch, hashes)
        known = {
            r[0]: r[1:]
            for r in _in(
                ExternalId.objects.filter(source=self.source, record=batch.record),
                "external_id",
                {k for k, v in named if v == "first"},
                ("external_id", "object_id", "row_hash", "run_id", "id"),
            )
        }
        if batch.record == "accounts":
            self._known_by_name(batch, named, known)
        fresh: list[int] = []
        mine: list[int] = []
        for i, (key, verdict) in enumerate(named):
            before = known.get(key)
            if verdict == "repeated":
                plan.repeated += 1
            elif verdict == "conflict":
                plan.rejects.append(self._reject(batch, i, f"duplicate key: '{key}' stands in the file before, with other values"))
            elif before and before[1] == hashes[i]:
                if self.run_id is not None and before[2] == self.run_id:
                    mine.append(before[0])
                    if batch.record == "accounts" and batch.rows[i].get("owner"):  # the interruption may have come before its assignment
                        plan.owners.append((key, batch.rows[i]["owner"]))
                else:
                    plan.unchanged += 1
                    plan.stated.append(before[3])
                self.learn(batch.record, [(key, before[0])])
            else:
                fresh.append(i)
        if mine:
            changes = FieldChange.objects.filter(run_id=self.run_id, record=batch.record)
            plan.mine, plan.mine_changed = len(mine), len({row[0] for row in _in(changes, "object_id", mine, ("object_id",))})
        if fresh:
            self._decide(batch, plan, fresh, named, hashes, known, record.columns())
        return plan

    def _known_by_name(self, batch: Batch, named: list[tuple[str, str]], known: dict[str, Any]) -> None:
        """A row without an id whose name is that of just one account of this source is that account: a grid named it, or a list with ids."""
        nameless = {str(batch.rows[i].get("name")): i for i, (key, said) in enumerate(named) if said == "first" and batch.keys[i] is None and key not in known}
        accounts = MODELS["accounts"].objects.filter(archived_at=None)
        found: dict[int, str] = {}
        for object_id, name in _in(accounts, "name", set(nameless), ("id", "name")):
            found[object_id] = name
        held: dict[str, list[tuple[Any, ...]]] = {}
        stated = ExternalId.objects.filter(source=self.source, record="accounts").exclude(row_hash=TAKEN_OUT)
        for row in _in(stated, "object_id", set(found), ("external_id", "object_id", "row_hash", "run_id", "id")):
            held.setdefault(found[row[1]], []).append(row)
        for name, rows in held.items():
            if len({row[1] for row in rows}) == 1:
                named[nameless[name]] = (rows[0][0], "first")
                known[rows[0][0]] = rows[0][1:]

    def _decide(
        self, batch: Batch, plan: Plan, fresh: list[int], named: list[tuple[str, str]], hashes: list[int], known: dict[str, Any], columns: tuple[Column, ...]
    ) -> None:
        references = [c for c in columns if c.col.refers and not c.col.virtual]
        needed = [c.name for c in columns if c.required and not c.col.refers and c.name != record_type(batch.record).info.key]
        for column in references:
            self.resolve(str(column.col.refers), {str(batch.rows[i][column.name]) for i in fresh if batch.rows[i].get(column.name)})
        touched: list[Planned] = []
        unknown: list[Planned] = []
        for i in fresh:
            row = dict(batch.rows[i])
            if batch.record == "accounts" and row.pop("owner", None):
                plan.owners.append((named[i][0], batch.rows[i]["owner"]))
            values, reason = prepare(batch.record, row, self.policy)
            reason = reason or too_long(batch.record, values, named[i][0])
            missing = reason or next((f"empty {n.removesuffix('_on').removesuffix('_at')}" for n in needed if values.get(n) is None), None)
            missing = missing or self._refer(values, references, batch.record)
            if missing:
                plan.rejects.append(self._reject(batch, i, missing))
                continue
            unresolved = "_unresolved" in values.get("custom", {})
            plan.unresolved += unresolved
            # what it names may be in the book next time, so an unresolved row is always compared afresh
            planned = Planned(named[i][0], batch.lines[i], values, FORGOTTEN if unresolved else hashes[i], account_id=values.get("account_id"))
            before = known.get(planned.key)
            if before:
                planned.object_id, planned.run_id, planned.external_row = before[0], before[2], before[3]
                touched.append(planned)
            else:
                planned.merges = self.origins.merges(batch.rows[i].get("account_id"))
                unknown.append(planned)
        if batch.record == "accounts" and unknown:
            touched += self._match(plan, unknown)
        for planned in unknown:
            if planned.matched is None:
                plan.new.append(planned)
            if self.dry:
                self.pending.setdefault(batch.record, set()).add(planned.key)
                if batch.record == "accounts":
                    self.pending["accounts"].add(str(planned.values["name"]))
        if touched:
            self._differences(plan, touched)

    def _match(self, plan: Plan, unknown: list[Planned]) -> list[Planned]:
        """Rows that mean an account of another source, or one that this source named before it gave ids: they are compared with it."""
        found = self._named_before(unknown)
        found |= self.matcher.match([planned for planned in unknown if planned.key not in found])
        for planned in unknown:
            if planned.key in found:
                planned.object_id, planned.matched = found[planned.key]
                plan.attached.append(planned)
                self.learn("accounts", [(planned.key, planned.object_id)])
        return list(plan.attached)

    def _named_before(self, unknown: list[Planned]) -> dict[str, tuple[int, str]]:
        """Key of a row with a new id -> the account that this source has named so far, where it has just one of the name and the files too."""
        names: dict[str, list[str]] = {}
        for planned in unknown:
            if not planned.key.startswith("~") and planned.values.get("name") and planned.key != planned.values["name"]:
                names.setdefault(str(planned.values["name"]).strip(), []).append(planned.key)
        if not names:
            return {}
        held = ExternalId.objects.filter(source=self.source, record="accounts").exclude(row_hash=TAKEN_OUT)
        called = {key: name for name in names for key in (name, f"~{name}")}  # a list that names its accounts by a column, or has no ids at all
        mine = {called[key]: account for key, account in _in(held, "external_id", called, ("external_id", "object_id"))}
        ids: dict[int, int] = Counter(row[0] for row in _in(held, "object_id", set(mine.values()), ("object_id",)))
        alive = {row[0] for row in _in(MODELS["accounts"].objects.filter(archived_at=None), "id", set(mine.values()), ("id",))}
        return {
            keys[0]: (account, NAMED)
            for name, keys in names.items()
            if len(keys) == 1 and (account := mine.get(name, 0)) in alive and ids[account] == 1
        }

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
        if "account_id" in {c.name for c in references} and values.get("account_id") is None:
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

    def _differences(self, plan: Plan, touched: list[Planned]) -> None:
        model = MODELS[plan.record]
        fields = {f.attname for f in model._meta.local_concrete_fields}
        current = {r["id"]: r for r in _in(model.objects.all(), "id", {p.object_id for p in touched}, tuple(fields), named=True)}
        edits = self._edits(plan.record, [p.object_id for p in touched])
        shared = self.matcher.shared(p.object_id for p in touched if p.object_id) if plan.record == "accounts" else set()
        for planned in touched:
            now = current.get(planned.object_id)
            if now is None:  # erased for good since
                planned.object_id = None
                plan.new.append(planned)
                continue
            planned.account_id = planned.account_id or now.get("account_id") or (planned.object_id if plan.record == "accounts" else None)
            planned.revived = now["archived_at"] is not None and now["archived_run"] is not None  # by an undo; what a person archived stays so
            if any(k.startswith("_") for k in now["custom"]):  # notes on what the source said before
                planned.values.setdefault("custom", {})
            for name, new in planned.values.items():
                if name not in fields:
                    continue
                old = now[name]
                if name == "custom":
                    new = without_empty({**{k: v for k, v in old.items() if not k.startswith("_")}, **new})
                if _same(old, new) or (name == "domain" and domain_of(old) == domain_of(new) is not None):
                    continue
                if new is None and planned.object_id in shared:
                    continue  # another source knows it
                if planned.matched and (int(planned.object_id or 0), name) in edits:
                    continue  # what this source says is no news: it has not been heard before
                if edits.get((int(planned.object_id or 0), name), UNTOUCHED) == as_json(new):
                    continue  # a person changed it, and the source still says what it said before
                planned.changes.append(Change(name, old, new))
            if planned.revived:
                plan.new.append(planned)
            elif planned.changes:
                plan.changed.append(planned)
            elif self.run_id is not None and planned.run_id == self.run_id:
                plan.mine += 1
            else:
                plan.unchanged += 1
                if planned.hash != FORGOTTEN:
                    plan.settled.append(planned)

    def _edits(self, record: str, ids: list[Any]) -> dict[tuple[int, str], Any]:
        """(row, field) -> what the source had said before people began to edit it; an undo of an import is no edit, whoever asked for it."""
        log = FieldChange.objects.filter(record=record).order_by("id")
        rows = _in(log, "object_id", set(ids), ("object_id", "field", "old", "user_id", "source"))
        stood: dict[tuple[int, str], Any] = {}
        for object_id, name, old, user, source in rows:
            if user is None or source.startswith("undo:"):
                stood.pop((object_id, name), None)
            else:
                stood.setdefault((object_id, name), old)
        return stood

    def _reject(self, batch: Batch, i: int, reason: str) -> Reject:
        return Reject(
            batch.file, batch.lines[i], reason, batch.raw[i] if batch.raw else {k: "" if v is None else str(v) for k, v in batch.rows[i].items()}, batch.record
        )


@lru_cache
def _limits(record: str) -> dict[str, int]:
    return {f.attname: f.max_length for f in MODELS[record]._meta.local_concrete_fields if getattr(f, "max_length", None)}


def too_long(record: str, values: Row, key: str) -> str | None:
    """What a column of the book cannot hold: SQLite would take it, PostgreSQL would stop the whole import."""
    if len(key) > ID_LENGTH:
        return f"id too long: {len(key)} characters, at most {ID_LENGTH}"
    limits = _limits(record)
    for name, value in values.items():
        if type(value) is str:
            if name in limits and len(value) > limits[name]:
                return f"text too long: {name} has {len(value)} characters, at most {limits[name]}"
            if "\x00" in value:
                return f"unreadable text: {name} holds a NUL character"
    return None


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, datetime | date) or isinstance(new, datetime | date):
        return as_json(old) == as_json(new)
    return bool(old == new)


def _in(queryset: Any, name: str, wanted: Iterable[Any], fields: tuple[str, ...], named: bool = False) -> Iterable[Any]:
    """Rows whose field is one of many, asked 5,000 at a time (SQLite takes at most 32,766 parameters)."""
    wanted = [w for w in wanted if w is not None]
    for start in range(0, len(wanted), 5_000):
        part = queryset.filter(**{f"{name}__in": wanted[start : start + 5_000]})
        yield from part.values(*fields) if named else part.values_list(*fields)
