"""The exchange rates of the book: which plan year its figures use, which others there are, and whether the table has changed since a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.cycle.ledger_questions import packed
from laer.records.periods import fiscal_year
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.rates import NoPlanYear, RateTable, read_rates
from laer.web.book import plan_rates
from laer.web.book.models import DayRate, PlanRate
from laer.web.people.company import firm
from laer.web.runs.models import ClosedMonth, PassRun


@dataclass(frozen=True)
class Plan:
    """The rates that figures of a day use.

    year     their fiscal year; None for a table without years
    missing  the fiscal year that ought to be used and is not in the table
    """

    table: RateTable
    year: int | None = None
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    missing: int | None = None

    @property
    def note(self) -> str | None:
        """What a person should know of a year that is missing."""
        if self.missing is None:
            return None
        return f"{self.table.name} has no plan rates for fiscal year {self.missing}: those of {self.year} are used"


def table() -> RateTable:
    """The table that `LAER_FX_FILE` names, read again when the file changes; without a file, what was entered in Settings."""
    if not settings.FX_FILE:
        return plan_rates.entered()
    path = Path(settings.FX_FILE)
    seen = path.stat() if path.exists() else None
    return _read(path, firm().fiscal_year_start, (seen.st_mtime_ns, seen.st_size, seen.st_ino) if seen else None)


@lru_cache(maxsize=2)
def _read(path: Path, starts: int, seen: tuple[int, ...] | None) -> RateTable:
    return read_rates(path, starts)


def plan_of(day: date) -> Plan:
    """The rates of a day: those of the year that is set, else of the fiscal year that holds it, else of the nearest one there is.

    Raises  NoPlanYear where the year that is set is not in the table
    """
    known = table()
    if not known.years:
        return Plan(known, None, known.plain)
    if settings.PLAN_YEAR is not None and not known.has(settings.PLAN_YEAR):
        said = {"plan_year": settings.PLAN_YEAR, "name": known.name, "listed": _listed(known)}
        raise NoPlanYear(_("LAER_PLAN_YEAR is %(plan_year)s, and %(name)s has no plan rates for it; there are: %(listed)s") % said)
    wanted = settings.PLAN_YEAR or fiscal_year(day, firm().fiscal_year_start)
    year = wanted if known.has(wanted) else known.nearest(wanted)
    return Plan(known, year, known.of(year), None if year == wanted else wanted)


def kept(rates: Mapping[str, Fraction]) -> dict[str, str]:
    """Rates as a run and a closing keep them."""
    return dict(packed(rates))


def rates_of(row: PassRun | ClosedMonth) -> dict[str, Fraction]:
    return {code: Fraction(rate) for code, rate in row.rates.items()}


def mark() -> str:
    """Changes with any rate of the table, of a past year too, and with the year that is set."""
    known = table()
    if not known.plain and not known.years:
        return ""
    said = [packed(known.plain), *((year, packed(rates)) for year, rates in sorted(known.years.items())), settings.PLAN_YEAR, firm().fiscal_year_start]
    return blake2b(repr(said).encode(), digest_size=16).hexdigest()


def changed_since(run: PassRun) -> bool:
    """Whether a pass would use another table than the run did. A table that cannot be used is no reason for a pass: `trouble` says so."""
    return trouble() is None and mark() != run.rates_mark


def written_at() -> datetime:
    """When the table's file was last written, or a rate entered; the beginning of time where there is none."""
    if not settings.FX_FILE:
        newest = [kind.objects.order_by("-changed_at").values_list("changed_at", flat=True).first() for kind in (PlanRate, DayRate)]
        return max(filter(None, newest), default=datetime.fromtimestamp(0, UTC))
    path = Path(settings.FX_FILE)
    return datetime.fromtimestamp(path.stat().st_mtime if settings.FX_FILE and path.exists() else 0, UTC)


def trouble() -> str | None:
    """Why the table cannot be used at all; the figures shown are those of the last table that could."""
    try:
        plan_of(timezone.localdate())
    except (NoPlanYear, UnreadableFile) as error:
        return str(error)
    return None


def years(run: PassRun) -> list[int]:
    """The plan years that a run's figures can be shown at, newest first: those with a rate for every currency of the run's."""
    if run.plan_year is None:
        return []
    if trouble():
        return [run.plan_year]
    return sorted({run.plan_year} | {year for year, rates in table().years.items() if run.rates.keys() <= rates.keys()}, reverse=True)


def currencies(day: date) -> set[str]:
    """Currencies with a rate on a day, for checks: of every year where the one that is set is missing, none where the table cannot be read."""
    try:
        return set(plan_of(day).rates)
    except NoPlanYear:
        return {code for rates in table().years.values() for code in rates}
    except UnreadableFile:
        return set()


def _listed(known: RateTable) -> str:
    return ", ".join(map(str, sorted(known.years)))
