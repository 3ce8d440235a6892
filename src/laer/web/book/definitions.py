"""Definitions in the book: seeded from `content/`, changed by people as new versions, each with its author, time and reason.

A shipped text that changes with an upgrade becomes the next version. Where a local one is in force, it stays so, and the shipped
version is kept beside it: `differences` names both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from laer.cycle.definitions import KINDS, Known, Read, carded, read, ruled
from laer.cycle.own_measures import Measures, resolved
from laer.flow.positions import Positions
from laer.metrics.own import OwnMeasure
from laer.records.definition import IN_USE, clean, digest
from laer.scores.scorecard import Scorecard
from laer.web.book.models import Definition
from laer.web.people.audit import log_event
from laer.web.people.models import Act, Role, User
from laer.web.people.roles import Refused

CONTENT = Path(__file__).parents[2] / "content"
BY_LEADS = ("segment", "joints", "signal", "play", "positions", "mail_template")  # kinds that leads write too; of others admins alone
EDITORS: dict[str, tuple[str, ...]] = dict.fromkeys(BY_LEADS, (Role.ADMIN, Role.LEAD))
MADE = ("measure", "scorecard", "positions")  # kinds that are columns of facts
REASON = 200  # characters
SHIPPED, LOCAL = Definition.Origin.SHIPPED, Definition.Origin.LOCAL
Key = tuple[str, str]


class Faulty(Exception):
    """A text that cannot be in force; `read.faults` says everything that is wrong with it."""

    def __init__(self, read: Read) -> None:
        super().__init__("\n".join(map(str, read.faults)))
        self.read = read


@dataclass(frozen=True)
class Difference:
    """A definition of which another text is in force than the one that ships. `newer`: it was shipped after the edit."""

    kind: str
    name: str
    version: int
    shipped: int
    newer: bool


def may_define(user: User, kind: str) -> bool:
    return user.is_authenticated and user.is_active and user.role in EDITORS.get(kind, (Role.ADMIN,))


def may_define_some(user: User) -> bool:
    """Whether the person reads definitions in Settings."""
    return any(may_define(user, kind) for kind in KINDS)


@cache
def shipped_texts() -> dict[Key, str]:
    """(kind, id) -> the text that ships."""
    return {
        (kind.id, path.stem): clean(path.read_text(encoding="utf-8"))
        for kind in KINDS.values()
        for path in sorted((CONTENT / kind.folder).glob("*.yaml"))
    }  # fmt: skip


def known() -> Known:
    """What a text may name. One query, and one for each kind of other definitions that a text names."""
    return Known(measures(), cache(named))


def named(kind: str) -> frozenset[str]:
    """Ids of a kind's definitions in force, whatever their status. One query."""
    return frozenset(Definition.objects.filter(kind=kind, in_force=True).values_list("name", flat=True))


def measures() -> Measures:
    """The measures that ship, the firm's own that are in use, the columns of scorecards and the states of positions. One query."""
    used = Definition.objects.filter(kind__in=MADE, in_force=True, status__in=IN_USE).order_by("name")
    return measures_of(used.values_list("kind", "version", "text"))


def measures_of(texts: Iterable[tuple[str, int, str]]) -> Measures:
    """In: kind (`MADE`), version and text of each."""
    return _resolved(tuple(texts))[0]


def left_out_of(texts: Iterable[tuple[str, int, str]]) -> tuple[str, ...]:
    """Which scorecards and positions cannot be computed, and why."""
    return _resolved(tuple(texts))[1]


@lru_cache(maxsize=32)
def _resolved(texts: tuple[tuple[str, int, str], ...]) -> tuple[Measures, tuple[str, ...]]:
    """Texts that do not read any more are left out, and what is made of them."""
    own, cards, rules = [], [], []
    for kind, version, text in texts:
        try:
            if kind == "measure":
                own.append(OwnMeasure.model_validate(yaml.safe_load(text)))
            elif kind == "positions":
                rules.append((Positions.model_validate(yaml.safe_load(text)), version))
            else:
                cards.append((Scorecard.model_validate(yaml.safe_load(text)), version))
        except (ValidationError, yaml.YAMLError):
            continue
    plain = resolved(own)
    made, notes = carded(cards, plain)
    scored = replace(plain, cards=made)
    placed, more = ruled(rules, scored)
    return replace(scored, positions=placed if placed.motions else None), (*notes, *more)


# -- reading ----------------------------------------------------------------------------------------------------------


def in_force(kind: str | None = None) -> list[Definition]:
    """The version in force of every definition, drafts and retired ones too. One query."""
    found = Definition.objects.filter(in_force=True, kind__in=KINDS).select_related("author__person")
    return list((found.filter(kind=kind) if kind else found).order_by("kind", "name"))


def titles(kind: str) -> dict[str, str]:
    """id -> name of those in use. One query."""
    return dict(Definition.objects.filter(kind=kind, in_force=True, status__in=IN_USE).order_by("title").values_list("name", "title"))


def current(kind: str, name: str) -> Definition | None:
    return Definition.objects.filter(kind=kind, name=name, in_force=True).select_related("author__person").first()


def versions(kind: str, name: str) -> list[Definition]:
    """The newest first."""
    return list(Definition.objects.filter(kind=kind, name=name).select_related("author__person").order_by("-version"))


def differences() -> list[Difference]:
    """Where a local text is in force and another one ships. Two queries."""
    newest = _newest_shipped()
    return [
        Difference(row.kind, row.name, row.version, there.version, there.version > row.version)
        for row in Definition.objects.filter(in_force=True, origin=LOCAL).order_by("kind", "name")
        if (there := newest.get((row.kind, row.name))) is not None and there.hash != row.hash
    ]


def changed_lines(old: str, new: str, old_name: str, new_name: str) -> list[str]:
    """A unified diff; empty where the texts are the same."""
    return [line.rstrip("\n") for line in unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")]


def changed_fields(old: str, new: str) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of every field that says something else; None where it is not there."""
    before, after = (yaml.safe_load(text) or {} for text in (old, new))
    names = dict.fromkeys((*before, *after))
    return [(str(name), before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _newest_shipped() -> dict[Key, Definition]:
    rows = Definition.objects.filter(origin=SHIPPED).order_by("version")
    return {(row.kind, row.name): row for row in rows}


# -- writing ----------------------------------------------------------------------------------------------------------


def seed_if_there(using: str = "default") -> None:
    """After a migration: only where it has made the table as this version has it."""
    connection = connections[using]
    table = Definition._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        columns = {column.name for column in connection.introspection.get_table_description(cursor, table)}
    if columns >= {field.column for field in Definition._meta.concrete_fields}:
        seed()


@transaction.atomic
def seed() -> list[Difference]:
    """Take in what ships: what is new or has changed becomes a version, in force unless a local one is. Where nothing changed, it writes nothing."""
    rows = list(Definition.objects.select_for_update().defer("text").order_by("version"))
    newest = {(row.kind, row.name): row for row in rows if row.origin == SHIPPED}
    standing = {(row.kind, row.name): row for row in rows if row.in_force}
    for key, text in shipped_texts().items():
        if key in newest and newest[key].hash == digest(text):
            continue
        held = standing.get(key)
        _add(key, text, SHIPPED, None, "", held, in_force=held is None or held.origin == SHIPPED)
    return differences()


def save_definition(user: User | None, kind: str, text: str, reason: str, *, name: str | None = None, based_on: int | None = None) -> Definition:
    """Put a text in force as the next version; the version in force where it says the same.

    Args    user  None: the command line;  name  of the definition that it changes, None for a new one
            based_on  the version that the editor showed: where another one is in force meanwhile, nothing is overwritten
    Raises  Faulty, Refused, PermissionDenied
    """
    _allowed(user, kind)
    found = read(kind, text, known(), name)
    if found.faults:
        raise Faulty(found)
    return write(user, kind, found, reason, new=name is None, based_on=based_on)


@transaction.atomic
def write(user: User | None, kind: str, found: Read, reason: str, *, new: bool | None = None, based_on: int | None = None) -> Definition:
    """The next version of a text that was read without faults. `new`: whether it must not, or must, be there already; None: either."""
    _allowed(user, kind)
    key = (kind, found.document.id)
    held = Definition.objects.select_for_update().filter(kind=kind, name=key[1], in_force=True).first()
    if new and held is not None:
        raise Refused(_("There is a definition %(name)s already: change it, or choose another id") % {"name": key[1]})
    if new is False and held is None:
        raise Refused(_("There is no definition %(name)s any more") % {"name": key[1]})
    if held is not None and based_on is not None and held.version != based_on:
        raise Refused(_("Version %(found)s is in force meanwhile; you began with version %(expected)s. Look at it, then change it again.") %
            {"found": held.version, "expected": based_on})  # fmt: skip
    if held is not None and held.hash == digest(found.text):
        return held
    newest = Definition.objects.filter(kind=kind, name=key[1], origin=SHIPPED).order_by("-version").first()
    origin = SHIPPED if newest is not None and newest.hash == digest(found.text) else LOCAL
    made = _add(key, found.text, origin, user, _reason(reason), held, in_force=True)
    what = "made" if held is None else "changed"
    log_event(Act.DEFINITION_CHANGED, user, subject=f"{kind} {key[1]}", details={"what": what, "version": made.version, "reason": made.reason})
    return made


def roll_back(user: User, kind: str, name: str, version: int, reason: str = "") -> Definition:
    """The text of an earlier version, as the next one. Raises Faulty, Refused, PermissionDenied."""
    _allowed(user, kind)
    old = Definition.objects.filter(kind=kind, name=name, version=version).first()
    if old is None:
        raise Refused(_("%(name)s has no version %(version)s") % {"name": name, "version": version})
    return save_definition(user, kind, old.text, reason or _("back to version %(version)s") % {"version": version}, name=name)


def reset(user: User, kind: str, name: str, reason: str = "") -> Definition:
    """The text that ships, as the next version."""
    newest = Definition.objects.filter(kind=kind, name=name, origin=SHIPPED).order_by("-version").first()
    if newest is None:
        raise Refused(_("%(name)s does not ship with laer: there is nothing to go back to") % {"name": name})
    return save_definition(user, kind, newest.text, reason or _("back to what ships, version %(version)s") % {"version": newest.version}, name=name)


def undo(user: User, kind: str, name: str, version: int) -> Definition:
    """Take the newest change back: the text before it, or, of a definition that it made, the same one retired."""
    _allowed(user, kind)
    held = current(kind, name)
    if held is None or held.version != version:
        raise Refused(_("There is nothing to take back any more"))
    reason = _("version %(version)s taken back") % {"version": version}
    if held.replaces is not None:
        return roll_back(user, kind, name, held.replaces, reason)
    return save_definition(user, kind, with_status(held.text, "retired"), reason, name=name)


def with_status(text: str, status: str) -> str:
    """The text with another status; everything else of it stays as it is written."""
    changed, count = re.subn(r"(?m)^status:.*$", f"status: {status}", text)
    return changed if count else clean(text) + f"status: {status}\n"


def _add(key: Key, text: str, origin: str, user: User | None, reason: str, held: Definition | None, *, in_force: bool) -> Definition:
    kind, name = key
    last = Definition.objects.filter(kind=kind, name=name).aggregate(last=Max("version"))["last"] or 0
    if held is not None and in_force:
        Definition.objects.filter(pk=held.pk).update(in_force=False)
    title, status = _title_and_status(text, name)
    return Definition.objects.create(
        kind=kind, name=name, version=last + 1, title=title[:80], text=text, hash=digest(text), status=status,
        origin=origin, in_force=in_force, at=timezone.now(),
        replaces=held.version if held is not None and in_force else None, author=user, reason=reason,
    )  # fmt: skip


@lru_cache(maxsize=512)
def _title_and_status(text: str, name: str) -> tuple[str, str]:
    said = yaml.safe_load(text) or {}
    return str(said.get("name", name)), str(said.get("status", "stable"))


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Say in one line why it changes: whoever reads the history asks for it"))
    return reason[:REASON]


def _allowed(user: User | None, kind: str) -> None:
    if kind not in KINDS or (user is not None and not may_define(user, kind)):
        raise PermissionDenied


def faults_of(rows: Iterable[Definition]) -> dict[Key, Read]:
    """Of definitions in use those that cannot be read any more, since a measure that they name is gone."""
    at = known()
    reads = {(row.kind, row.name): read(row.kind, row.text, at, row.name) for row in rows if row.status in IN_USE}
    return {key: found for key, found in reads.items() if found.faults}
