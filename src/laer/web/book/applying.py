"""Carry a plan out: rows, external ids, change log and quarantine in small transactions, resumable by run id."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from laer.records.batch import Reject
from laer.records.record import record_type
from laer.web.book import aliases, writing
from laer.web.book.identity import FORGOTTEN
from laer.web.book.models import MODELS, Assignment, ExternalId, FieldChange, ImportRun, QuarantinedRow
from laer.web.book.plans import Plan, Planned
from laer.web.book.prepare import as_json, without_empty
from laer.web.book.staging import Stage

EXTERNAL = ("source", "record", "external_id", "object_id", "row_hash", "run_id", "stated_run")
CHANGED = ("record", "object_id", "account_id", "field", "old", "new", "effective_at", "recorded_at", "source", "run_id", "user_id")
LONGEST = 300


class Writer:
    """Writes the plans of one import run."""

    def __init__(self, run: ImportRun, stage: Stage, now: datetime | None = None) -> None:
        self.run, self.stage = run, stage
        self.now = now or timezone.now()
        self.effective = datetime.combine(run.file_date, datetime.min.time(), tzinfo=timezone.get_default_timezone()) if run.file_date else self.now

    def apply(self, plan: Plan) -> None:
        for part in writing.chunks(plan.attached):
            self._attach(plan.record, part)
        for part in writing.chunks([p for p in plan.new if not p.revived]):
            self._create(plan.record, part)
        self._link(plan)
        for part in writing.chunks([*plan.changed, *(p for p in plan.new if p.revived)]):
            self._change(plan.record, part)
        for rejects in writing.chunks(plan.rejects):
            self.quarantine(rejects)
        for part in writing.chunks([*plan.stated, *(p.external_row for p in plan.settled)]):
            with transaction.atomic():
                writing.update(ExternalId, "stated_run", [(self.run.pk, row) for row in part])

    def settle(self, plan: Plan) -> None:
        """Note that rows which are stated anew are as the book has them. Last of all: what was interrupted before is compared again."""
        for part in writing.chunks(plan.settled):
            with transaction.atomic():
                writing.update(ExternalId, "row_hash", [(p.hash, p.external_row) for p in part])

    def quarantine(self, rejects: Iterable[Reject]) -> None:
        rows = [(self.run.pk, r.file, r.line, r.record or "", r.reason[:LONGEST], kind_of(r.reason), r.raw) for r in rejects]
        with transaction.atomic():
            writing.insert(QuarantinedRow, ("run_id", "file", "line", "record", "reason", "kind", "raw"), rows)

    def _create(self, record: str, rows: Iterable[Planned]) -> None:
        rows = list(rows)
        model = MODELS[record]
        skip = {"id", "created_run_id", "created_at", "archived_at", "archived_run", "changed_at", "user_id"} - {c.name for c in record_type(record).columns()}
        stated = {name for p in rows for name in p.values}
        fields = {f.attname: f for f in model._meta.local_concrete_fields if f.attname not in skip and (f.attname in stated or _needed(f))}
        attributes = list(fields)
        defaults = {a: None if a in stated else f.get_default() for a, f in fields.items()}
        defaults["custom"] = {}
        with transaction.atomic():
            ids = writing.next_ids(model, len(rows))
            writing.insert(
                model, ("id", "created_run_id" if record != "people" else "created_run", "created_at", *attributes),
                [(i, self.run.pk, self.now, *(_stated(a, p.values.get(a, defaults[a])) for a in attributes)) for i, p in zip(ids, rows, strict=True)],
            )  # fmt: skip
            writing.insert(
                ExternalId, EXTERNAL, [(self.stage.source, record, p.key, i, p.hash, self.run.pk, self.run.pk) for i, p in zip(ids, rows, strict=True)]
            )
            aliases.note_arrivals(record, ((p.merges, i) for i, p in zip(ids, rows, strict=True) if p.merges))
        self.stage.learn(record, ((p.key, i) for i, p in zip(ids, rows, strict=True)))
        if record in {"products", "people"}:
            self.stage.learn(record, ((p.values["name"], i) for i, p in zip(ids, rows, strict=True)))

    def _link(self, plan: Plan) -> None:
        """New rows that name others of their own kind (the contract that they renew, the parent), which came with them: known only now."""
        own = {c.name for c in record_type(plan.record).columns() if c.col.refers == plan.record}
        waiting = [p for p in plan.new if not p.revived and own & p.values.get("custom", {}).get("_unresolved", {}).keys()]
        if not waiting:
            return
        named = {text for p in waiting for name, text in p.values["custom"]["_unresolved"].items() if name in own}
        known = self.stage.resolve(plan.record, {*named, *(p.key for p in waiting)})
        links: dict[str, list[tuple[Any, int]]] = {}
        customs: list[tuple[Any, int]] = []
        for p in waiting:
            me, left = known[p.key], dict(p.values["custom"]["_unresolved"])
            for name in own & left.keys():
                other = known.get(left[name])
                if other is not None and other != me:
                    links.setdefault(name, []).append((other, me))
                    del left[name]
            if len(left) < len(p.values["custom"]["_unresolved"]):
                custom = {k: v for k, v in p.values["custom"].items() if k != "_unresolved"} | ({"_unresolved": left} if left else {})
                customs.append((_stated("custom", custom), me))
        written: dict[str, list[tuple[Any, int]]] = {**links, "custom": customs}
        for name, pairs in written.items():
            for part in writing.chunks(pairs):
                with transaction.atomic():
                    writing.update(MODELS[plan.record], name, part)

    def _attach(self, record: str, rows: Iterable[Planned]) -> None:
        """Give rows of another source an id of this one, and say by which rule; what they state is compared and written next."""
        rows = list(rows)
        with transaction.atomic():
            ids = writing.next_ids(ExternalId, len(rows))
            writing.insert(
                ExternalId, ("id", *EXTERNAL, "matched_by", "matched_run"),
                [
                    (i, self.stage.source, record, p.key, p.object_id, FORGOTTEN, None, self.run.pk, p.matched, self.run.pk)
                    for i, p in zip(ids, rows, strict=True)
                ],
            )  # fmt: skip
        for i, p in zip(ids, rows, strict=True):
            p.external_row = i

    def _change(self, record: str, rows: Iterable[Planned]) -> None:
        rows = list(rows)
        model = MODELS[record]
        by_field: dict[str, list[tuple[Any, int]]] = {}
        log = []
        for p in rows:
            for c in p.changes:
                by_field.setdefault(c.field, []).append((c.new, int(p.object_id or 0)))
                log.append(
                    (record, p.object_id, p.account_id, c.field, _json(c.old), _json(c.new), self.effective, self.now, self.stage.source, self.run.pk, None)
                )
        with transaction.atomic():
            for name, pairs in by_field.items():
                writing.update(model, name, pairs)
            revived = [p for p in rows if p.revived]
            if revived:
                run_field = "created_run_id" if record != "people" else "created_run"
                writing.update_many(model, ("archived_at", "archived_run", run_field), [(None, None, self.run.pk, p.object_id) for p in revived])
            writing.insert(FieldChange, CHANGED, [r for r, p in _logged(log, rows)])
            writing.update_many(ExternalId, ("row_hash", "run_id", "stated_run"), [(p.hash, self.run.pk, self.run.pk, p.external_row) for p in rows])

    def close_former_owners(self, plan: Plan) -> None:
        """An account's owner as a list states it now ends what the same source said before. Nothing to do for new accounts."""
        accounts = self.stage.resolve("accounts", plan.moved)
        stated = {accounts[account]: owner for account, owner in plan.moved.items()}
        people = self.stage.resolve("people", set(stated.values()))
        day = self.stage.day
        for part in writing.chunks(list(stated)):
            open_ones = Assignment.objects.filter(account_id__in=part, job="csm", until_on=None, archived_at=None)
            mine = ExternalId.objects.filter(source=self.stage.source, record="assignments", object_id__in=open_ones.values("id")).values_list(
                "object_id", flat=True
            )
            former = [a for a in open_ones.filter(id__in=set(mine)) if a.person_id != people.get(stated[a.account_id])]
            log = [
                ("assignments", a.pk, a.account_id, "until_on", None, _json(day), self.effective, self.now, self.stage.source, self.run.pk, None)
                for a in former
            ]
            with transaction.atomic():
                writing.update(Assignment, "until_on", [(day, a.pk) for a in former])
                writing.insert(FieldChange, CHANGED, log)


def _stated(attribute: str, value: Any) -> Any:
    return without_empty(value) if attribute == "custom" and value else value


def kind_of(reason: str) -> str:
    """A reason without its particulars: what counts are kept by."""
    return reason.split(":")[0].split(" '")[0].split(" in ")[0][:40]


def _needed(f: models.Field[Any, Any]) -> bool:
    return f.attname == "custom" or (not f.null and f.has_default())


def _json(value: Any) -> str:
    import json

    return json.dumps(as_json(value), ensure_ascii=False)


def _logged(log: list[tuple[Any, ...]], rows: list[Planned]) -> list[tuple[tuple[Any, ...], Planned]]:
    """A revived row is created anew: its audit is its run, not a change per field."""
    by_id = {p.object_id: p for p in rows}
    return [(r, by_id[r[1]]) for r in log if not by_id[r[1]].revived]
