"""Which account of the book a source means by an id that is new to it: `docs/guides/import.md#one-customer-in-two-systems`.

By domain, where one account of the book and one row of the files have it; else by exact name, where the domain or the
country agrees too. Anything less is left to a person (`suggesting.py`). Nothing is read while the book knows no other source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count
from django.utils.translation import gettext as _

from laer.records.batch import Batch
from laer.web.book import aliases
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import Account, ExternalId, ImportRun, ImportState
from laer.web.book.naming import country_of, exact_name, own_domain
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

if TYPE_CHECKING:
    from laer.web.book.plans import Planned

DOMAIN, NAME, NAMED = "domain", "name", "named"
RULES = {  # as people read them
    DOMAIN: gettext_lazy("domain"),
    NAME: gettext_lazy("name and country"),
    NAMED: gettext_lazy("the name that the source gave before its ids"),
}
SEVERAL: Any = object()  # more than one has it
ROWS = 5_000


@dataclass
class Index:
    """domain -> whose it is, name -> whose it is; SEVERAL where more than one has it."""

    domains: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def add(self, who: Any, name: str | None, domain: str | None) -> None:
        if domain and self.domains.setdefault(domain, who) != who:
            self.domains[domain] = SEVERAL
        if name and self.names.setdefault(name, who) != who:
            self.names[name] = SEVERAL


class Matcher:
    """Matches accounts of one source; made for one import.

    stated   the batches of accounts that the import's files hold, to be read once when a match is possible at all
    """

    def __init__(self, source: str, stated: Callable[[], Iterable[Batch]] | None = None) -> None:
        self.source, self.stated = source, stated
        self._others: bool | None = None
        self._possible: bool | None = None
        self._files: Index | None = None
        self._book: Index | None = None
        self._by_domain: Index | None = None  # read when it is first asked for: later than `_book`, with what the import made
        self._said: dict[int, tuple[str | None, str | None]] = {}  # account -> its own domain, its country
        self._taken: set[int] = set()  # accounts that have an id of this source

    @property
    def possible(self) -> bool:
        """Whether the book has an account that this source has not named. No query where there is no other source."""
        if self._possible is None:
            self._possible = self.others and Account.objects.filter(archived_at=None).exclude(id__in=self._own()).exists()
        return self._possible

    @property
    def others(self) -> bool:
        """Whether another source, or a person, ever wrote to the book. One small query."""
        if self._others is None:
            idle = (ImportState.UPLOADED, ImportState.PREVIEWED, ImportState.UNDONE)
            self._others = ImportRun.objects.exclude(source=self.source).exclude(state__in=idle).exists()
        return self._others

    def match(self, rows: Iterable[Planned]) -> dict[str, tuple[int, str]]:
        """Key of a row that is new to the source -> (account that it means, rule)."""
        if not self.possible:
            return {}
        book, files = self._indexes(), self._stated()
        rows = list(rows)
        for row in rows:
            files.add(row.key, exact_name(row.values.get("name")), own_domain(row.values.get("domain")))
        found: dict[str, tuple[int, str]] = {}
        for row in rows:
            hit = self._place(row, book, files)
            if hit:
                self._taken.add(hit[0])
                found[row.key] = hit
        return found

    def by_domain(self, names: Iterable[str], *, dry: bool = False) -> dict[str, int]:
        """Files that name accounts by their domain: it counts where only one account has it. A dry run gives -1 for one that the files would make."""
        domains = {name: own for name in names if (own := own_domain(name))}
        if not domains:
            return {}
        if self._by_domain is None:
            self._by_domain = Index()
            for account, domain in Account.objects.filter(archived_at=None).exclude(domain=None).values_list("id", "domain").iterator(ROWS):
                self._by_domain.add(account, None, own_domain(domain))
            for account, _, domain in _merged():
                self._by_domain.add(account, None, own_domain(domain))
        there = {name: self._by_domain.domains.get(own) for name, own in domains.items()}
        if dry:
            stated = self._stated().domains
            there = {name: -1 if account is None and stated.get(domains[name], SEVERAL) is not SEVERAL else account for name, account in there.items()}
        return {name: account for name, account in there.items() if account is not None and account is not SEVERAL}

    def shared(self, ids: Iterable[int]) -> set[int]:
        """Those of the accounts that another source knows too: an empty cell of ours says nothing of what it stated."""
        ids = list(ids)
        if not ids or not self.others:
            return set()
        others = ExternalId.objects.filter(record="accounts").exclude(source=self.source).exclude(row_hash=TAKEN_OUT)
        return {i for start in range(0, len(ids), ROWS) for i in others.filter(object_id__in=ids[start : start + ROWS]).values_list("object_id", flat=True)}

    def _place(self, row: Planned, book: Index, files: Index) -> tuple[int, str] | None:
        name, domain = exact_name(row.values.get("name")), own_domain(row.values.get("domain"))
        if domain and files.domains.get(domain) == row.key:
            account = book.domains.get(domain)
            if account is not None and account is not SEVERAL and account not in self._taken:
                return account, DOMAIN
        if name and files.names.get(name) == row.key:
            account = book.names.get(name)
            if account is not None and account is not SEVERAL and account not in self._taken:
                theirs, country = self._said[account]
                if domain and theirs:
                    return (account, NAME) if domain == theirs else None
                ours = country_of(row.values.get("country"))
                return (account, NAME) if ours is not None and ours == country else None
        return None

    def _own(self) -> Any:
        return ExternalId.objects.filter(source=self.source, record="accounts").exclude(row_hash=TAKEN_OUT).values("object_id")

    def _indexes(self) -> Index:
        if self._book is None:
            self._book = Index()
            rows = Account.objects.filter(archived_at=None).values_list("id", "name", "domain", "country")
            for account, name, domain, country in rows.iterator(ROWS):
                own = own_domain(domain)
                self._book.add(account, exact_name(name), own)
                self._said[account] = own, country_of(country)
            for account, name, domain in _merged():
                self._book.add(account, exact_name(name), own_domain(domain))
            self._taken.update(self._own().values_list("object_id", flat=True))
        return self._book

    def _stated(self) -> Index:
        if self._files is None:
            self._files = Index()
            for key, row in _rows(self.stated() if self.stated else ()):
                self._files.add(key, exact_name(row.get("name")), own_domain(row.get("domain")))
        return self._files


def _merged() -> Iterator[tuple[int, str, str | None]]:
    """What accounts that were merged are called, for the account kept."""
    means = aliases.all_numbers()
    ids = list(means)
    for start in range(0, len(ids), ROWS):
        for merged, name, domain in Account.objects.filter(pk__in=ids[start : start + ROWS]).values_list("id", "name", "domain"):
            yield means[merged], name, domain


def _rows(batches: Iterable[Batch]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for batch in batches:
        for key, row in zip(batch.keys, batch.rows, strict=True):
            yield key or f"~{str(row.get('name') or '').strip()}", row  # as `identity.Keys` calls a row without an id


def detach(run: ImportRun) -> int:
    """Take the ids off that an import attached to accounts of other sources, unless a later import states them too."""
    mine = ExternalId.objects.filter(matched_run=run.pk)
    later = set(ImportRun.objects.filter(state=ImportState.DONE).exclude(pk=run.pk).values_list("id", flat=True))
    gone = []
    for pk, stated in mine.values_list("id", "stated_run"):
        if stated in later:
            ExternalId.objects.filter(pk=pk).update(matched_run=stated)  # its undo will take the id off
        else:
            gone.append(pk)
    for start in range(0, len(gone), ROWS):
        ExternalId.objects.filter(id__in=gone[start : start + ROWS]).delete()
    return len(gone)


def matched_by(run: ImportRun) -> dict[str, int]:
    """Rule -> accounts that an import attached to those of other sources. One query."""
    return {str(rule): n for rule, n in ExternalId.objects.filter(matched_run=run.pk).values_list("matched_by").annotate(n=Count("id"))}


def said(counts: Mapping[str, int]) -> str:
    """`12 by domain, 3 by name and country`; empty for none."""
    return ", ".join(_("%(n)s by %(rule)s") % {"n": number(counts[rule]), "rule": words} for rule, words in RULES.items() if counts.get(rule))


def rule_in_words(rule: str) -> str:
    return str(RULES.get(rule, rule))
