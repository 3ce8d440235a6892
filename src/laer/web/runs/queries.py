"""Reads of published rows: the account list with its totals and facets, one account's card and months.

People who see everything read the cards alone; for others the cards are joined to their scope. Money is in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import BooleanField, Count, F, Func, Q, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.utils import timezone

from laer.cycle.cards import FINE
from laer.cycle.scope import Scope
from laer.flow.positions import MOTIONS, column_of
from laer.records.periods import date_of, day_number, first_day, month_number
from laer.web.book import definitions
from laer.web.book.many import listed
from laer.web.book.models import Account, DirtyAccount
from laer.web.book.scope import scope_of
from laer.web.book.team_scope import narrowed, teams_for
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.runs import fact_filters, keyset, segment_stays, snapshots
from laer.web.runs.beside import beside
from laer.web.runs.keyset import Order
from laer.web.runs.latest import last_run, mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import AccountCard, AccountMonth, PassRun

SORTS = {
    "name": Order("search", str),
    "mrr": Order("mrr_minor", int),
    "arr": Order("mrr_minor", int),  # twelve times MRR: one order, one index, and a filter on MRR is a stretch of it
    "contract_end_on": Order("contract_end_on", date, unknown=True),
    "first_paid_on": Order("first_paid_on", date, unknown=True),
    "owner_name": Order("owner_name", str, unknown=True, grouped=True),
    "segment": Order("segment", str, unknown=True, grouped=True),
    "country": Order("country", str, unknown=True, grouped=True),
    "industry": Order("industry", str, unknown=True, grouped=True),
}
DEFAULT_SORT = "-arr"
FACETS = ("state", "segment", "country", "industry")
ADDRESSED = {"inside": "in"}  # what a filter is called in an address, where not by its own name
NONE = "none"  # the value of a filter that asks for what is unknown
SHOWN = (
    "account_id",
    "name",
    "search",
    "domain",
    "segment",
    "country",
    "industry",
    "owner_id",
    "owner_name",
    "state",
    "mrr_minor",
    "arr_minor",
    "currency",
    "first_paid_on",
    "contract_end_on",
    "published_at",
)
POSITIONS = {column_of(motion): F(f"facts__{column_of(motion)}") for motion in MOTIONS}  # of a card's facts
GATHERED = 20_000  # up to so many rows it is quicker to find them by their filters and sort them
SELECTIVE = 5_000  # up to so many a filter's own index beats reading the narrow index of all cards once
FOUND = 2_000  # up to so many hits of a search are listed by their ids
FOUND_BESIDE = 8_000  # where other filters would have to look at every row for each word
TRIGRAM = 3  # letters that PostgreSQL's index of words needs
OPTIONS = 25
FACETS_GRACE = 60.0  # seconds; counting facets costs more than a page, and a small pass makes a new run every ten seconds

Facets = dict[str, list[tuple[str | None, str, int]]]

totals_memory = Memory(2_000)
facets_memory = Memory(200)


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; every field may be left out. `none` asks for what is unknown (an account without an owner)."""

    state: str | None = None
    segment: str | None = None
    country: str | None = None
    industry: str | None = None
    owner: str | None = None  # a person's id
    ends_within: int | None = None  # days from today to the last day that is covered
    ends_before: date | None = None  # of that last day, left out
    mrr_min: int | None = None  # minor units, included
    mrr_max: int | None = None  # minor units, left out
    where: str | None = None  # a condition over facts, in its one-line form (`fact_filters.read`)
    inside: str | None = None  # the id of a segment that the account belongs to
    team: str | None = None  # the id of a team whose people look after it, as far as the person may look at that team alone

    def __bool__(self) -> bool:
        return any(getattr(self, f.name) is not None for f in fields(self))


@dataclass(frozen=True)
class Totals:
    """Sums over all that the filters leave."""

    accounts: int
    mrr_minor: int
    arr_minor: int


@dataclass(frozen=True)
class Page:
    """One page of the list: rows as dicts, tokens of the pages before and behind, sums over all pages.

    facets      for each facet its values with the number of accounts in the person's scope, most first: (value, label, count);
                None is what is unknown
    everything_dirty  the whole book waits for a pass
    """

    rows: list[dict[str, Any]]
    previous: str | None
    next: str | None
    totals: Totals
    run: PassRun | None
    facets: Facets
    everything_dirty: bool


def account_list(
    user: User, *, q: str = "", filters: Filters | None = None, sort: str = DEFAULT_SORT, cursor: str = "", size: int = 50, run: PassRun | None = None
) -> Page:
    """The accounts that the person may see and that are like this.

    A broken cursor gives the first page, an unknown sort the default one.
    Costs 5 to 9 queries: the run, the scope (where it is not everything), totals (once per run, scope and filters), one to
    three stretches of rows, their sparklines, what changed since, what is being recomputed; and the facets' five once a minute.
    """
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    run = run or last_run()
    chosen = _choose(user, q, filters or Filters(), sort, run)
    rows, previous, behind = keyset.page(chosen.cards.values(*SHOWN), sort, SORTS[sort.removeprefix("-")], cursor, size, gather=chosen.gather)
    rows, everything_dirty = _with_state(rows, run)
    return Page(rows, previous, behind, chosen.totals, run, chosen.facets, everything_dirty)


def account_rows(
    user: User, *, q: str = "", filters: Filters | None = None, sort: str = DEFAULT_SORT, run: PassRun | None = None, only: Iterable[int] | None = None
) -> Iterator[dict[str, Any]]:
    """All of these accounts in this order (`only` those of them), as they come from the database: for a file. Without sparklines."""
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    chosen = _choose(user, q, filters or Filters(), sort, run or last_run())
    there = chosen.cards.filter(account__archived_at=None)
    there = there if only is None else there.filter(account_id__in=listed(only))
    shown = there.values(
        *SHOWN, health=F("facts__health"), health_score=F("facts__health_score"), pulse=F("facts__pulse"), pulse_on=F("facts__pulse_on"), **POSITIONS
    )  # fmt: skip
    cards = keyset.all_of(shown, sort, SORTS[sort.removeprefix("-")], gather=chosen.gather)
    return cards.iterator(2_000)


def account_ids(user: User, *, q: str = "", filters: Filters | None = None, run: PassRun | None = None) -> list[int]:
    """The ids of all of these accounts: what is done to all that a list leaves is done to them. One query beside those of the list."""
    chosen = _choose(user, q, filters or Filters(), DEFAULT_SORT, run or last_run())
    return list(chosen.cards.filter(account__archived_at=None).order_by().values_list("account_id", flat=True))


@dataclass(frozen=True)
class _Chosen:
    cards: QuerySet[AccountCard]
    gather: bool
    totals: Totals
    facets: Facets


def unknown_to(user: User, filters: Filters, run: PassRun | None) -> int:
    """How many of the accounts that the other filters leave too little is known of to say whether the condition holds. Two queries at most."""
    assert filters.where is not None
    scope, today = _scope(user, filters), timezone.localdate()
    cards = _matching(cards_of(scope), replace(filters, where=None, team=None), (), plain=True).filter(fact_filters.unknown(filters.where, today))
    return int(totals_memory.get(("unknown", scope.key, filters, today), mark(run), cards.count))


def _scope(user: User, filters: Filters) -> Scope:
    """What the person may see, or one team's part of it. Two queries more where a team is asked for, which narrows nothing where it is not theirs."""
    scope = scope_of(user)
    if filters.team is None:
        return scope
    return narrowed(scope, next((one for one in teams_for(user) if str(one.pk) == filters.team), None))


def _choose(user: User, q: str, filters: Filters, sort: str, run: PassRun | None) -> _Chosen:
    """The cards that the person may see and that are like this, and how they are best read."""
    order = SORTS[sort.removeprefix("-")]
    words = q.casefold().split()[:8]
    scope = _scope(user, filters)
    filters = replace(filters, team=None)
    cards = cards_of(scope)
    facets = _facets_kept(cards, scope, run)
    # PostgreSQL finds words by an index of its own; SQLite reads a narrow index once and lists what it found.
    wide = scope.everything or len(scope.account_ids) > SELECTIVE
    found = _found(words, run, FOUND_BESIDE if filters else FOUND) if words and wide and connection.vendor == "sqlite" else None
    wanted = words
    if found is not None:
        theirs = found if scope.everything else scope.account_ids.intersection(found)
        cards, wanted = AccountCard.objects.filter(account_id__in=listed(theirs)), []
    held = fact_filters.matching(filters.where, timezone.localdate(), mark(run)) if filters.where is not None else None
    cards, asked = (cards, filters) if held is None else (cards.filter(account_id__in=listed(held)), replace(filters, where=None))
    few = found is not None or held is not None or not wide or _at_most(filters, facets) <= SELECTIVE
    plain = found is not None or held is not None or not few  # by their ids, or by reading a narrow index once
    totals = totals_memory.get(
        ("totals", scope.key, filters, tuple(words), timezone.localdate()), mark(run),
        lambda: _totals(_matching(cards, asked, wanted, plain=plain), run, whole=scope.everything and filters == Filters() and not words),
    )
    # A filter's own index is in the order of MRR, of a wide scope, too: the first page is met within a few hundred rows, unless few rows pass
    # (those that left pay nothing and stand at its end). Only PostgreSQL finds words by an index, so there a walk looks every row up.
    ordered = order.column == "mrr_minor" and not wanted and wide and found is None and held is None and _indexed(filters) and totals.accounts > SELECTIVE
    narrow = bool(filters) or (connection.vendor != "sqlite" and any(len(word) >= TRIGRAM for word in wanted))
    gather = not ordered and (few or (totals.accounts <= GATHERED and narrow))
    chosen = _matching(cards, asked, wanted, plain=plain and not ordered and (found is not None or bool(wanted) or not gather))
    return _Chosen(chosen, gather, totals, facets)


def card_of(account_id: int) -> AccountCard | None:
    return AccountCard.objects.filter(pk=account_id).first()


def recomputing(account: Account, card: AccountCard | None, run: PassRun | None) -> bool:
    """Whether the account changed since its card was computed. One query at most."""
    if card is None or _newer(account.changed_at, card.published_at, run):
        return True
    return DirtyAccount.objects.filter(Q(account_id=account.pk) | Q(account_id=None)).exists()


def _newer(changed_at: datetime | None, published_at: datetime, run: PassRun | None) -> bool:
    """A pass that began after the change has read it, and leaves a card alone whose content stayed the same."""
    return changed_at is not None and changed_at > published_at and (run is None or changed_at > run.started_at)


def months_of(account_id: int, until: date, count: int = 24) -> list[tuple[date, int]]:
    """(month, closing MRR in minor units) of the months up to `until`, from the account's first MRR on. One query."""
    last = month_number(until)
    moved = list(AccountMonth.objects.filter(account_id=account_id, month__lte=until).order_by("month").values_list("month", "opening_minor", "closing_minor"))
    if not moved:
        return []
    first = max(month_number(moved[0][0]), last - count + 1)
    return list(zip((first_day(m) for m in range(first, last + 1)), _series(moved, first, last), strict=True))


def cards_of(scope: Scope) -> QuerySet[AccountCard]:
    """Cards in the person's scope. Causes no query."""
    cards = AccountCard.objects.all()
    if scope.everything:
        return cards
    if len(scope.account_ids) <= SELECTIVE:
        return cards.filter(account_id__in=listed(scope.account_ids))
    # Looking each of so many up takes longer than reading an index and asking of each row whether it is among them.
    if connection.vendor == "sqlite":
        return cards.alias(plain_account=Unindexed(F("account_id"))).filter(plain_account__in=listed(scope.account_ids))
    among = f'("{AccountCard._meta.db_table}"."account_id" + 0) = ANY(%s::bigint[])'
    return cards.filter(RawSQL(among, (list(scope.account_ids),), output_field=BooleanField()))


def _at_most(filters: Filters, facets: Facets) -> int:
    """An upper bound of the rows that pass the filters, from the counts of the facets. It only chooses how they are read."""
    bound = 10**9
    for name, counted in facets.items():
        value = getattr(filters, name)
        if value is not None:
            counts = {NONE if key is None else key: n for key, _, n in counted}
            bound = min(bound, counts.get(value, min(counts.values(), default=0)))
    return bound


def _indexed(filters: Filters) -> bool:
    return any(getattr(filters, name) is not None for name in (*FACETS, "owner"))


def _matching(cards: QuerySet[AccountCard], filters: Filters, words: Iterable[str], *, plain: bool) -> QuerySet[AccountCard]:
    """The cards that pass. `plain` keeps SQLite from looking rows up by the index of a filter that many of them pass."""
    plain = plain and connection.vendor == "sqlite"
    for name, column in (*((f, f) for f in FACETS), ("owner", "owner_id")):
        value = getattr(filters, name)
        if value is None:
            continue
        if plain:
            cards, column = cards.alias(**{f"plain_{name}": Unindexed(F(column))}), f"plain_{name}"
        cards = cards.filter(**{f"{column}__isnull": True} if value == NONE else {column: value})
    if filters.ends_within is not None:
        today = timezone.localdate()
        cards = cards.filter(contract_end_on__gt=today, contract_end_on__lte=_later(today, filters.ends_within + 1))
    if filters.ends_before is not None:
        cards = cards.filter(contract_end_on__lte=filters.ends_before)
    if filters.mrr_min is not None:
        cards = cards.filter(mrr_minor__gte=filters.mrr_min)
    if filters.mrr_max is not None:
        cards = cards.filter(mrr_minor__lt=filters.mrr_max)
    if filters.inside is not None:
        cards = cards.filter(segment_stays.inside(filters.inside))
    if filters.where is not None:
        cards = cards.filter(fact_filters.holds(filters.where, timezone.localdate()))
    for word in words:
        cards = cards.filter(search__contains=word)
    return cards


def _found(words: list[str], run: PassRun | None, most: int) -> list[int] | None:
    """Ids of the cards whose name or domain holds every word; None where they are many. Reads one narrow index; nothing of it is shown."""

    def search() -> list[int] | None:
        cards = AccountCard.objects.all()
        for word in words:
            cards = cards.filter(search__contains=word)
        ids = list(cards.order_by().values_list("account_id", flat=True)[: most + 1])
        return ids if len(ids) <= most else None

    return totals_memory.get(("found", tuple(words), most), mark(run), search)


class Unindexed(Func):
    """`+column` on SQLite: the same value, but no index of the column applies."""

    template = "+%(expressions)s"
    arity = 1


def _later(day: date, days: int) -> date:
    return date_of(min(day_number(day) + days, day_number(date.max)))


def _totals(matching: QuerySet[AccountCard], run: PassRun | None, *, whole: bool) -> Totals:
    """Sums as the ledger has them: cards are rounded one by one, and what that took is added again.

    Costs one query, and a second one where rounding took anything and not all accounts are meant.
    """
    found = matching.aggregate(accounts=Count("*"), mrr=Sum("mrr_minor"), arr=Sum("arr_minor"))  # the index of totals has no id: naming it reads every row
    rests = snapshots.table_of(run.pk, "rests") if run is not None else None
    if rests is not None and rests.num_rows and not whole:
        rests = rests.filter(pc.is_in(rests["account_id"], pa.array(matching.order_by().values_list("account_id", flat=True), pa.int64())))
    mrr, arr = (Fraction(int(found[name] or 0)) + _rest(rests, f"{name}_rest") for name in ("mrr", "arr"))
    return Totals(found["accounts"], round(mrr), round(arr))


def _rest(rests: pa.Table | None, name: str) -> Fraction:
    return Fraction(pc.sum(rests[name]).as_py() or 0, FINE) if rests is not None else Fraction(0)


def facets(user: User, run: PassRun | None) -> Facets:
    """What the filters may be, with the accounts of each that the person may see. Remembered as the list's own."""
    scope = scope_of(user)
    return _facets_kept(cards_of(scope), scope, run)


def _facets_kept(cards: QuerySet[AccountCard], scope: Scope, run: PassRun | None) -> Facets:
    found: Facets = facets_memory.get(("facets", scope.key), mark(run), lambda: _facets(cards, scope), grace=FACETS_GRACE)
    return found


def _facets(cards: QuerySet[AccountCard], scope: Scope) -> Facets:
    """Seven queries, once a minute or a run per scope."""
    found: Facets = {}
    for name in FACETS:
        counted = cards.values_list(name).annotate(n=Count("account_id")).order_by("-n", F(name).asc(nulls_last=True))
        found[name] = [(value, value or "unknown", n) for value, n in counted[:OPTIONS]]
    owners = cards.values_list("owner_id").annotate(n=Count("account_id")).order_by("-n", F("owner_id").asc(nulls_last=True))[:OPTIONS]
    ids = [o for o, _ in owners if o]
    names = dict(cards.filter(owner_id__in=ids).values_list("owner_id", "owner_name").distinct()) if ids else {}
    members, titles = segment_stays.members(scope), definitions.titles("segment")
    found["inside"] = [(name, title, members.get(name, 0)) for name, title in titles.items()]
    found["owner"] = [(str(o) if o else None, names.get(o) or "nobody", n) for o, n in owners]
    return found


def _with_state(rows: list[dict[str, Any]], run: PassRun | None) -> tuple[list[dict[str, Any]], bool]:
    """Rows with what changed since they were published and their MRR of the last twelve months; accounts archived since are left out."""
    ids = [row["account_id"] for row in rows]
    dirty = set(DirtyAccount.objects.filter(Q(account_id__in=ids) | Q(account_id=None)).values_list("account_id", flat=True).distinct())
    if not rows:
        return [], None in dirty
    told = ("health", "health_score", "health_card", *POSITIONS)
    there = Account.objects.filter(pk__in=ids, archived_at=None).values_list("id", "changed_at", *(f"card__facts__{name}" for name in told))
    changed, known = {}, {}
    for pk, changed_at, *values in there:
        changed[pk], known[pk] = changed_at, dict(zip(told, values, strict=True))
    said = beside(list(changed), timezone.localdate())
    sparks = _sparks(rows, month_number(run.as_of if run else timezone.localdate()))
    shown = []
    for row in rows:
        account = row["account_id"]
        if account in changed:
            row["recomputing"] = account in dirty or _newer(changed[account], row["published_at"], run)
            row["spark"] = sparks[account]
            row |= known[account]
            row["beside"] = said[account]
            row["override"] = said[account].overrides.get(row.pop("health_card"))
            shown.append(row)
    return shown, None in dirty


def _sparks(rows: Iterable[Mapping[str, Any]], last: int) -> dict[int, list[int]]:
    """MRR at the end of each of the last twelve months, by account. Only months in which it moved are stored."""
    first = last - 11
    moved: dict[int, list[tuple[date, int, int]]] = {row["account_id"]: [] for row in rows}
    months = AccountMonth.objects.filter(account_id__in=list(moved), month__gte=first_day(first), month__lte=first_day(last)).order_by("account_id", "month")
    for account, month, opening, closing in months.values_list("account_id", "month", "opening_minor", "closing_minor"):
        moved[account].append((month, opening, closing))
    return {row["account_id"]: _series(moved[row["account_id"]], first, last, row["mrr_minor"]) for row in rows}


def _series(moved: list[tuple[date, int, int]], first: int, last: int, otherwise: int = 0) -> list[int]:
    """Closing amounts of the months first..last from the months that moved, oldest first."""
    closing = {month_number(month): amount for month, _, amount in moved}
    before = [amount for month, amount in closing.items() if month < first]
    level = before[-1] if before else next((opening for month, opening, _ in moved if month_number(month) >= first), otherwise)
    series = []
    for month in range(first, last + 1):
        level = closing.get(month, level)
        series.append(level)
    return series


def currency_of(run: PassRun | None) -> str:
    return (run.currency if run else "") or firm().currency
