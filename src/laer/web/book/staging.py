"""Compare what a source states with what the book holds: new, changed, unchanged, or set aside.

A stage reads and decides, it writes nothing; `applying.py` carries a plan out. The preview and the import use the same
stage, so that a preview cannot say anything else than what the import does.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from laer.metrics.policy import Policy
from laer.records.batch import Batch, Reject
from laer.records.record import Column, record_type
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT, Keys, content_hash
from laer.web.book.matching import NAMED, Matcher
from laer.web.book.models import MODELS, ExternalId, FieldChange
from laer.web.book.naming import domain_of
from laer.web.book.plans import Change, Plan, Planned
from laer.web.book.prepare import Row, as_json, prepare, without_empty
from laer.web.book.references import References, rows_of

ID_LENGTH = 255  # of an external id
UNTOUCHED = object()  # no person ever changed the field


class Stage(References):
    """Holds what one import needs to know across its batches: keys seen, references resolved, what is still to come."""

    def __init__(
        self, source: str, policy: Policy, *, run_id: int | None = None, dry: bool = False, accounts_known: bool | None = None, day: date | None = None,
        matcher: Matcher | None = None,
    ) -> None:  # fmt: skip
        super().__init__(source, run_id=run_id, dry=dry, accounts_known=accounts_known, day=day, matcher=matcher)
        self.policy = policy
        self.keys: dict[str, Keys] = {}
        self.contract_keys: dict[tuple[str, Any, Any], str] = {}  # account, start and end of contracts told apart by their ends -> their keys

    def compare(self, batch: Batch) -> Plan:
        record = record_type(batch.record)
        self._forget_some()
        plan = Plan(batch.record, batch.file)
        hashes = [content_hash(sorted(row.items())) for row in batch.rows]
        keys = self.keys.setdefault(batch.record, Keys(record))
        named = keys.of(batch, hashes)
        known = {
            r[0]: r[1:]
            for r in rows_of(
                ExternalId.objects.filter(source=self.source, record=batch.record),
                "external_id",
                {k for k, _ in named},
                ("external_id", "object_id", "row_hash", "run_id", "id"),
            )
        }
        if batch.record == "accounts":
            self._known_by_name(batch, named, known)
        fresh: list[int] = []
        mine: list[int] = []
        left: list[tuple[int, Any]] = []
        for i, (key, verdict) in enumerate(named):
            before = known.get(key)
            if verdict == "repeated":
                plan.repeated += 1
            elif verdict == "conflict" and batch.record == "accounts" and batch.rows[i].get("churn_flag") is True and (before or self.dry):
                left.append((i, before))
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
            plan.mine, plan.mine_changed = len(mine), len({row[0] for row in rows_of(changes, "object_id", mine, ("object_id",))})
        if fresh:
            self._decide(batch, plan, fresh, named, hashes, known, record.columns())
        self._left_as_well(batch, plan, left, named)
        return plan

    def _left_as_well(self, batch: Batch, plan: Plan, left: list[tuple[int, Any]], named: list[tuple[str, str]]) -> None:
        """Customers whom one list of the files names as there and another as gone: what the second says of them is added, the flag above all.

        Nothing ends by it: the flag beside the amount is a contradiction that stands on the figures, for a person to settle.
        """
        touched: list[Planned] = []
        for i, before in left:
            values, reason = prepare(batch.record, {k: v for k, v in batch.rows[i].items() if v is not None and k != "owner"}, self.policy)
            if reason := reason or too_long(batch.record, values, named[i][0]):
                plan.rejects.append(self._reject(batch, i, reason))
            elif before is None:  # a dry run: the account is still to come
                plan.changed.append(Planned(named[i][0], batch.lines[i], values, FORGOTTEN, changes=[Change("churn_flag", None, True)]))
            else:  # known again by what the first row said
                self._refer(values, [], batch.record)
                touched.append(Planned(named[i][0], batch.lines[i], values, before[1], before[0], external_row=before[3], run_id=before[2]))
        if touched:
            self._differences(plan, touched)

    def _known_by_name(self, batch: Batch, named: list[tuple[str, str]], known: dict[str, Any]) -> None:
        """A row without an id whose name is that of just one account of this source is that account: a grid named it, or a list with ids."""
        nameless = {str(batch.rows[i].get("name")): i for i, (key, said) in enumerate(named) if said == "first" and batch.keys[i] is None and key not in known}
        accounts = MODELS["accounts"].objects.filter(archived_at=None)
        found: dict[int, str] = {}
        for object_id, name in rows_of(accounts, "name", set(nameless), ("id", "name")):
            found[object_id] = name
        held: dict[str, list[tuple[Any, ...]]] = {}
        stated = ExternalId.objects.filter(source=self.source, record="accounts").exclude(row_hash=TAKEN_OUT)
        for row in rows_of(stated, "object_id", set(found), ("external_id", "object_id", "row_hash", "run_id", "id")):
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
        mine = {called[key]: account for key, account in rows_of(held, "external_id", called, ("external_id", "object_id"))}
        ids: dict[int, int] = Counter(row[0] for row in rows_of(held, "object_id", set(mine.values()), ("object_id",)))
        alive = {row[0] for row in rows_of(MODELS["accounts"].objects.filter(archived_at=None), "id", set(mine.values()), ("id",))}
        return {
            keys[0]: (account, NAMED)
            for name, keys in names.items()
            if len(keys) == 1 and (account := mine.get(name, 0)) in alive and ids[account] == 1
        }

    def _differences(self, plan: Plan, touched: list[Planned]) -> None:
        model = MODELS[plan.record]
        fields = {f.attname for f in model._meta.local_concrete_fields}
        current = {r["id"]: r for r in rows_of(model.objects.all(), "id", {p.object_id for p in touched}, tuple(fields), named=True)}
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
        rows = rows_of(log, "object_id", set(ids), ("object_id", "field", "old", "user_id", "source"))
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
