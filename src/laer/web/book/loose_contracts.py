"""Contracts without an id of their own: known by their account and the day on which they start.

Several that start on one day are told apart by their ends and names. The first keeps the plain key; the others have their
end in theirs. What the book has of them is met again by end and name, then what is left by what is left: a list in another
order changes nothing, and an end that moved is a change of its contract.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from laer.records.batch import Batch
from laer.sources.tabular.mapping import Mapping
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import Contract, ExternalId
from laer.web.book.staging import Stage

LOT = 5_000
Told = tuple[date | None, str | None]  # end and name


def key_of(account: Any, start: Any) -> str:
    """How a contract is known that has no id: as `identity.Keys` has it of its natural columns."""
    return f"~{str(account).strip()}|{start}"


def without_renewal(batch: Batch, mapping: Mapping, stage: Stage) -> None:
    """Contracts of a list that has a row for each renewal: one that was over when it was written, and has no further row, does not renew by itself.

    Decided over the whole column (`EndEvidence.rows_renew`), for terms of which the list would know: they were over by its last
    start, and the grace after them had passed by its date. Where a column or a person says whether they renew, that holds.
    """
    evidence = mapping.end_evidence
    if batch.record != "contracts" or evidence is None or not evidence.rows_renew or "auto_renews" in mapping.headers:
        return
    known = min(date.fromisoformat(evidence.until) + timedelta(days=1), stage.day - timedelta(days=stage.policy.grace_days))
    for row in batch.rows:
        if row.get("auto_renews") is None and row.get("end_on") is not None and row["end_on"] <= known:
            row["auto_renews"] = False


def told_apart(batch: Batch, stage: Stage) -> None:
    """Give a key to each contract that shares its account and first day with another, in the file or in the book."""
    groups: dict[str, dict[Told, list[int]]] = {}
    for i, row in enumerate(batch.rows):
        if batch.keys[i] is None and row.get("account_id") and row.get("start_on"):
            groups.setdefault(key_of(row["account_id"], row["start_on"]), {}).setdefault((row.get("end_on"), row.get("name")), []).append(i)
    known = _known(stage, [plain for plain, told in groups.items()])
    for plain, told in groups.items():
        there = known.get(plain, {})
        if len(told) == 1 and len(there) <= 1:
            continue  # one of its day, as it was
        keys = {said: key for key, said in there.items() if said in told}
        free = [key for key in there if key not in keys.values()]
        for said in told:
            if said not in keys:
                spare = free.pop(0) if free and len(there) <= len(told) else plain if plain not in {*keys.values(), *there} else None
                keys[said] = spare or _with_end(plain, said)
        for said, places in told.items():
            for i in places:
                batch.keys[i] = keys[said]
                row = batch.rows[i]
                stage.contract_keys.setdefault((str(row["account_id"]), row["start_on"], row.get("end_on")), keys[said])


def _with_end(plain: str, said: Told) -> str:
    end, name = said
    return f"{plain}|until {end or 'open'}" + (f"|{name}" if name else "")


def _known(stage: Stage, plain: list[str]) -> dict[str, dict[str, Told]]:
    """Plain key -> the keys that the source's contracts of this account and day have in the book, with their ends and names."""
    found: dict[str, dict[str, Told]] = {}
    stated = ExternalId.objects.filter(source=stage.source, record="contracts").exclude(row_hash=TAKEN_OUT)
    for at in range(0, len(plain), LOT):
        lot = plain[at : at + LOT]
        first = dict(stated.filter(external_id__in=lot).values_list("external_id", "object_id"))
        days = {pk: (account, start) for pk, account, start in _rows(first.values(), "account_id", "start_on")}
        plain_of = {days[pk]: key for key, pk in first.items() if pk in days}
        starts = {start for _, start in days.values()}
        beside = Contract.objects.filter(account_id__in={account for account, _ in days.values()}, start_on__in=starts, archived_at=None)
        rows = {pk: ((account, start), (end, name)) for pk, account, start, end, name in beside.values_list("id", "account_id", "start_on", "end_on", "name")}
        for key, pk in stated.filter(object_id__in=rows).order_by("id").values_list("external_id", "object_id"):
            of, said = rows[pk]
            base = plain_of.get(of)
            if base is not None and (key == base or key.startswith(f"{base}|until ")):
                found.setdefault(base, {})[key] = said
    return found


def _rows(ids: Any, *fields: str) -> list[tuple[Any, ...]]:
    return list(Contract.objects.filter(id__in=list(ids), archived_at=None).values_list("id", *fields))
