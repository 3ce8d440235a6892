"""The data doctor: what is wrong in the book, how often, the rows behind it, and what to do.

`findings` runs every check under a person's scope; what pages show of it is kept by `runs/examining.py`, and `told` makes a kept finding
again. Rows that imports set aside name no account of the book, so they are found only for people who may import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from laer.web.people.models import User
from laer.web.runs.doctor import between, early, lines, set_aside, sources, usage, vanished
from laer.web.runs.doctor.dates import DATES
from laer.web.runs.doctor.finding import ORDER, Check, Finding, Seen
from laer.web.runs.doctor.gaps import GAPS
from laer.web.runs.doctor.internal import INTERNAL
from laer.web.runs.doctor.labels import LABELS

__all__ = ["CHECKS", "Finding", "columns_behind", "exists", "findings", "in_order", "rows_behind", "rows_to_exclude", "title_of", "told"]

CHECKS: dict[str, Check] = {check.id: check for check in (*LABELS, *DATES, *GAPS, *INTERNAL)}
FAMILIES: tuple[Any, ...] = (lines, between, early, usage, vanished, sources)  # modules that find several things at once: find, behind, ids, checks
OF_FAMILY = {check: family for family in FAMILIES for check in family.checks()}
NOT_CHECKED = {lines.NOT_CHECKED: lines, usage.NOT_CHECKED: usage}  # what a family says of itself
OF_IMPORTERS = ("quarantine", "sources")  # records whose findings name no account: who imports is shown them


def findings(user: User | None = None) -> list[Finding]:
    """Everything that the checks find in what the person may see: errors first, then by count. About fifty bounded queries."""
    seen = Seen(user)
    found: dict[str, Finding] = {}
    for check in CHECKS.values():
        if check.part_of and check.part_of not in found:
            continue
        finding = check.find(seen)
        if finding:
            found[check.id] = finding
    return in_order([*found.values(), *set_aside.find(seen), *(finding for family in FAMILIES for finding in family.find(seen))])


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by count."""
    return sorted(found, key=lambda f: (ORDER[f.severity], -f.count, f.check))


def told(check: str, count: int, said: Mapping[str, Any]) -> Finding:
    """A finding that was kept, as it would be found today.

    Raises  LookupError where this version knows no such check, or other things of it
    """
    if check in CHECKS:
        return CHECKS[check].told(count, dict(said))
    found: Finding = (OF_FAMILY.get(check) or NOT_CHECKED.get(check) or set_aside).told(check, count, said)
    return found


def rows_behind(check: str, user: User | None, *, limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    """The rows behind a finding, as dicts: account_id, account, then what `columns_behind` names.

    Raises  LookupError for a check that there is not, or that the person may not see
    """
    seen = Seen(user)
    if check in CHECKS:
        return CHECKS[check].behind(seen, limit, offset)
    if check in OF_FAMILY:
        found: list[dict[str, Any]] = OF_FAMILY[check].behind(seen, check, limit, offset)
        return found
    if seen.imports and exists(check, user):
        return set_aside.behind(check, limit, offset)
    raise LookupError(f"no check {check!r}; there are {', '.join((*CHECKS, *OF_FAMILY))} and the reasons for which rows were set aside")


def columns_behind(check: str) -> tuple[str, ...]:
    """Headings of the rows behind a finding, besides the account."""
    if check in CHECKS:
        return tuple(heading for heading, _ in CHECKS[check].columns)
    return OF_FAMILY[check].checks()[check] if check in OF_FAMILY else set_aside.COLUMNS


def exists(check: str, user: User | None) -> bool:
    """Whether there is such a check for the person."""
    return check in CHECKS or check in OF_FAMILY or (Seen(user).imports and bool(set_aside.kinds_of(check)))


def rows_to_exclude(check: str, user: User | None) -> tuple[str, list[int]] | None:
    """The record and all rows behind a finding that can be excluded; None where they are no rows of accounts (usage, sources, set-aside rows)."""
    if check in CHECKS:
        return CHECKS[check].ids(Seen(user))
    if check in OF_FAMILY:
        rows: tuple[str, list[int]] | None = OF_FAMILY[check].ids(Seen(user), check)
        return rows
    return None


def title_of(check: str) -> str:
    """What a check is called, for a row that it found once."""
    if check in CHECKS:
        return CHECKS[check].title
    for said in (lines.SAID, between.SAID, early.SAID, usage.SAID):
        if check in said:
            return said[check][1]
    return vanished.title_of(check.removeprefix(vanished.PREFIX)) if check in OF_FAMILY else check.replace("_", " ").capitalize()
