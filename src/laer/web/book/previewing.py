"""What one table of an import would do, or did: counts per record, the first changes and rejected rows, as a reader sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.utils import timezone

from laer.records.batch import Reject
from laer.records.money import rounded
from laer.web.book.plans import Change, Plan

SAMPLES = 200  # changed and rejected rows that a preview shows
EXAMPLES = 5  # new rows of each file that it shows
INSIDE = ("custom", "mrr_num", "mrr_den", "cuts", "start_unknown")  # columns that mean nothing to a reader
COUNTS = ("new", "changed", "unchanged", "repeated", "rejected")


@dataclass
class FilePreview:
    """What one table would do: counts per record, the first changes with old and new values, the first rejected rows.

    record   what the table holds; examples of new rows are of these, not of what they bring into being
    """

    record: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=dict)  # rule -> accounts of other sources found to be meant
    changes: list[dict[str, Any]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def add(self, plan: Plan) -> None:
        there = self.counts.setdefault(plan.record, dict.fromkeys(COUNTS, 0))
        there["new"] += len(plan.new) + plan.mine - plan.mine_changed
        there["changed"] += len(plan.changed) + plan.mine_changed
        there["unchanged"] += plan.unchanged
        there["repeated"] += plan.repeated
        self.reject(plan.record, plan.rejects)
        for planned in plan.attached:
            self.matched[str(planned.matched)] = self.matched.get(str(planned.matched), 0) + 1
        examples = plan.new[: max(0, EXAMPLES - len(self.created))] if plan.record == self.record else []
        owners = dict(plan.owners) if examples else {}  # they become assignments of their own
        for planned in examples:
            self.created.append(
                {
                    "record": plan.record,
                    "key": planned.key,
                    "line": planned.line,
                    "values": {k: _text(v) for k, v in planned.values.items() if k not in INSIDE and v is not None}
                    | _monthly(planned.values)
                    | ({"owner": owners[planned.key]} if planned.key in owners else {}),
                }
            )
        for planned in plan.changed:
            if len(self.changes) >= SAMPLES:
                break
            named = {"record": plan.record, "key": planned.key, "object_id": planned.object_id, "account_id": planned.account_id, "line": planned.line}
            self.changes.extend(named | {"field": name, "old": old, "new": new} for name, old, new in _spoken(planned.changes))

    def reject(self, record: str, rejects: Iterable[Reject]) -> None:
        there = self.counts.setdefault(record, dict.fromkeys(COUNTS, 0))
        for r in rejects:
            there["rejected"] += 1
            if len(self.rejects) < SAMPLES:
                self.rejects.append({"line": r.line, "reason": r.reason, "raw": r.raw})


def _spoken(changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    """(field, old, new) as a reader sees them: custom fields one by one; the parts of MRR only where nothing else says what moved it."""
    telling = [c for c in changes if c.field not in INSIDE]
    for c in telling or [c for c in changes if c.field != "custom"]:
        yield c.field, _text(c.old), _text(c.new)
    for c in changes:
        if c.field == "custom":
            for name in sorted({n for n in (*c.old, *c.new) if not n.startswith("_") and c.old.get(n) != c.new.get(n)}):
                yield name, _text(c.old.get(name)), _text(c.new.get(name))


def _monthly(values: dict[str, Any]) -> dict[str, str]:
    """What a line comes to in a month, where it is one."""
    if "mrr_num" not in values or not values.get("mrr_den"):
        return {}
    return {"MRR": format(rounded(Fraction(values["mrr_num"], values["mrr_den"]), 2), "f")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)
