"""Mappings between a file's header and a record, as they rest in the book: plain JSON, and back."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

from laer.sources.tabular.amounts import AmountEvidence
from laer.sources.tabular.ends import EndEvidence
from laer.sources.tabular.mapping import CUSTOM, Mapping
from laer.sources.tabular.month_days import MonthDays


def to_json(mapping: Mapping) -> dict[str, Any]:
    return asdict(mapping)


def from_json(kept: dict[str, Any]) -> Mapping:
    """A kept mapping; names that this version does not know (such as `remembered`) are left out."""
    values: dict[str, Any] = {k: tuple(v) if k == "undecided" else v for k, v in kept.items() if k in _names(Mapping)}
    for name, kind in (("end_evidence", EndEvidence), ("amount_evidence", AmountEvidence)):
        values[name] = _evidence(kind, values.get(name))
    values["months"] = {header: _evidence(MonthDays, found) for header, found in (values.get("months") or {}).items()}
    return Mapping(**values)


def _evidence(kind: type[Any], kept: dict[str, Any] | None) -> Any:
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in kept.items() if k in _names(kind)}) if kept else None


def _names(kind: type[Any]) -> set[str]:
    return {f.name for f in fields(kind)}


def remembered(kept: dict[str, Any], found: Mapping) -> Mapping:
    """Last time's reading of the same header, with what this file's values say about dates, numbers, ends and amounts.

    What a person answered stands above what this file's values say.
    """
    before = from_json(kept)
    if before.record != found.record:
        return replace(before, date_order=before.date_order or found.date_order, number_styles=found.number_styles or before.number_styles)
    answers = {**found.answers, **before.answers}
    if before.amount_evidence is None and "interval" in before.fixed:  # kept before there was evidence: a person said it
        answers.setdefault("interval", before.fixed["interval"])
    concluded = "interval" not in answers  # from last time's values, which say nothing of these
    said = {column: text for column, text in before.fixed.items() if column != "interval" or not concluded}
    return replace(
        found, columns={h: before.columns.get(h, t) for h, t in found.columns.items()}, custom={**found.custom, **before.custom},
        date_order=found.date_order or before.date_order, undecided=() if found.date_order or before.date_order else found.undecided,
        end=before.answers.get("end") or found.end or before.end, sure=1.0, why="read as last time", fixed={**found.fixed, **said}, sheet=before.sheet,
        status=before.status, answers=answers,
    )  # fmt: skip


def remembered_parts(kept: dict[str, Any], found: list[Mapping]) -> list[Mapping]:
    """Last time's reading of a table, part by part; a sheet that a person reduced to one part stays one."""
    parts = kept.get("parts") or [kept]
    by_record = {m.record: m for m in found}
    return [remembered(part, by_record.get(part.get("record"), found[0])) for part in parts]


def custom_fields(mapping: Mapping) -> dict[str, tuple[str, str]]:
    """slug -> (label, kind) of the custom fields that a mapping fills."""
    return {t.removeprefix(CUSTOM): (h, mapping.custom.get(t.removeprefix(CUSTOM), "text")) for h, t in mapping.columns.items() if t and t.startswith(CUSTOM)}
