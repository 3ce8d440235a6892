"""Accounts that were merged, as others meet them: by an id that a source still names, by a number that the lake still holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laer.web.book import writing
from laer.web.book.models import Account, AccountMerge, ExternalId, MergedArrival

ROWS = 5_000


def standing() -> Any:
    """Merges that hold. Causes no query."""
    return AccountMerge.objects.filter(ended_at=None)


def kept_for(account_id: int) -> int | None:
    """The account that a merged one means today, along a chain of merges; None for one that was not merged. Two queries or more."""
    kept = None
    while (into := standing().filter(merged_id=account_id if kept is None else kept).values_list("kept_id", flat=True).first()) is not None:
        kept = into
    return kept


def former_numbers(account_id: int) -> list[int]:
    """Numbers of the accounts that were merged into this one, and into those: the lake keeps them. One query where there are none."""
    found: list[int] = []
    ask = [account_id]
    while ask:
        ask = list(standing().filter(kept_id__in=ask).values_list("merged_id", flat=True))
        found += ask
    return found


def all_numbers() -> dict[int, int]:
    """Every merged account's number -> the number that it means. One query."""
    direct = dict(standing().values_list("merged_id", "kept_id"))

    def last(account: int) -> int:
        while account in direct:
            account = direct[account]
        return account

    return {merged: last(kept) for merged, kept in direct.items()}


def kept_by_name(names: Iterable[str]) -> dict[str, int]:
    """Exact names of merged accounts -> the account kept, where only one was merged under that name. One query where none was."""
    wanted = list(names)
    if not wanted or not standing().exists():
        return {}
    means = all_numbers()
    found: dict[str, set[int]] = {}
    for start in range(0, len(wanted), ROWS):
        rows = Account.objects.filter(id__in=means, name__in=wanted[start : start + ROWS])
        for name, merged in rows.values_list("name", "id"):
            found.setdefault(name, set()).add(means[merged])
    return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}


class Origins:
    """Which ids of a source were a merged account's: rows that name them now are the kept one's, and go back with an un-merge."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._of: dict[str, tuple[int, tuple[int, ...]]] | None = None
        self._subscriptions: dict[int, int] = {}

    def merges(self, name: Any) -> tuple[int, ...]:
        """The merges that the id went through. One query for an import where nothing was merged."""
        return self._known().get(str(name), (0, ()))[1] if name else ()

    def number(self, name: Any) -> int | None:
        """The account whose id it was at first: what the lake notes."""
        return self._known().get(str(name), (None, ()))[0] if name else None

    def number_of_subscription(self, subscription_id: int | None) -> int | None:
        """The merged account that a subscription was or would be of, where it came with one."""
        return self._subscriptions.get(subscription_id) if subscription_id is not None and self._known() is not None else None

    def _known(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        if self._of is None:
            self._of = {}
            for merge, merged, moved in standing().order_by("id").values_list("id", "merged_id", "moved"):
                arrived = MergedArrival.objects.filter(merge_id=merge, record="subscriptions").values_list("object_id", flat=True)
                for subscription in (*moved.get("subscriptions", []), *arrived):
                    self._subscriptions.setdefault(subscription, merged)
                ids = moved.get("external_ids", [])
                for start in range(0, len(ids), ROWS):
                    rows = ExternalId.objects.filter(pk__in=ids[start : start + ROWS], source=self.source, record="accounts")
                    for name in rows.values_list("external_id", flat=True):
                        first, through = self._of.get(name, (merged, ()))
                        self._of[name] = first, (*through, merge)
        return self._of


def note_arrivals(record: str, rows: Iterable[tuple[tuple[int, ...], int]]) -> None:
    """Note rows that an import wrote for a merged account: (its merges, our id of the row)."""
    writing.insert(MergedArrival, ("merge_id", "record", "object_id"), [(merge, record, i) for merges, i in rows for merge in merges])
