"""Merge two accounts that are one customer, and take that back: every attached row goes over, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book import aliases, superseding
from laer.web.book.actions import Refused, log_change, mark_dirty
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT
from laer.web.book.models import MODELS, Account, AccountMerge, ExternalId, FieldChange, ImportRun, ImportState, MatchSuggestion, NoNews
from laer.web.book.prepare import as_json
from laer.web.book.scope import editable_accounts
from laer.web.book.superseding import BOTH
from laer.web.people.models import User

FILLED = ("domain", "industry", "country", "region", "segment", "employees", "lead_source", "signed_up_on", "churn_flag", "parent_id")
WRITING = (ImportState.RUNNING, ImportState.UNDOING)
ROWS = 5_000


CARRIED: dict[str, Any] = {}  # what rooms above keep of an account and a merge takes along: name -> model, given when they start
THAT_GO: dict[str, Callable[[int, int], models.QuerySet[Any]]] = {}  # name -> which of them do, of (merged, kept), where not all can


def attached() -> Iterator[tuple[str, Any]]:
    """Record types whose rows belong to an account, with their models."""
    for record, model in MODELS.items():
        if record != "accounts" and any(f.attname == "account_id" for f in model._meta.local_concrete_fields):
            yield record, model


def going() -> Iterator[tuple[str, Any]]:
    """All that goes over with an account."""
    yield from attached()
    yield "no_news", NoNews
    yield from CARRIED.items()


def may_merge(user: User, *accounts: Account) -> bool:
    """Who imports, and may edit each of the accounts: admins and leads all, finance those they are assigned to. One query, none for who may not."""
    if not user.is_authenticated or not user.may_import:
        return False
    wanted = {a.pk for a in accounts}
    return editable_accounts(user).filter(pk__in=list(wanted)).count() == len(wanted)


def merge_accounts(user: User, kept_id: int, merged_id: int, holds: str = BOTH) -> AccountMerge:
    """Take one account into another: its rows and ids go over, empty fields of the kept one are filled, and it is archived with a pointer.

    In      holds  where both pay: `both`, or the number of the account whose amount holds (`superseding.py`)
    Raises  PermissionDenied where the person may not edit both, Refused while an import writes or where there is nothing to merge
    """
    if kept_id == merged_id:
        raise Refused(_("an account cannot be merged with itself"))
    if holds not in (BOTH, str(kept_id), str(merged_id)):
        raise Refused(_("found “%(holds)s”, expected both, or one of the two accounts, as what holds") % {"holds": holds[:20]})
    with transaction.atomic():
        both = {a.pk: a for a in Account.objects.select_for_update().filter(pk__in=(kept_id, merged_id), archived_at=None).order_by("pk")}
        if len(both) < 2 or not may_merge(user, *both.values()):
            raise PermissionDenied
        _nobody_writes()
        kept, merged, now = both[kept_id], both[merged_id], timezone.now()
        moved = {record: _rows(record, model, merged.pk, kept.pk) for record, model in going()}
        moved["external_ids"] = list(ExternalId.objects.filter(record="accounts", object_id=merged.pk).order_by("id").values_list("id", flat=True))
        moved["children"] = list(Account.objects.filter(parent_id=merged.pk).exclude(pk=kept.pk).order_by("id").values_list("id", flat=True))
        history = FieldChange.objects.filter(account_id=merged.pk).exclude(record="accounts")
        moved["changes"] = list(history.order_by("id").values_list("id", flat=True))
        newest = ImportRun.objects.order_by("-id").values_list("id", flat=True).first() or 0
        merge = AccountMerge.objects.create(
            kept=kept, merged=merged, moved={k: v for k, v in moved.items() if v}, last_run=newest, user=user, at=now
        )  # fmt: skip
        if holds != BOTH:
            superseding.supersede(user, merge, int(holds), merged_id if int(holds) == kept_id else kept_id, now)
        _go_over(merge, merged.pk, kept.pk)
        merge.filled = _fill(user, kept, merged, now)
        merge.save(update_fields=["filled", "moved"])
        merged.archived_at = now
        merged.save(update_fields=["archived_at"])
        log_change(user, "accounts", kept.pk, kept.pk, "merged", None, merged.name, now)
        log_change(user, "accounts", merged.pk, merged.pk, "archived_at", None, as_json(now), now)
        left, right = sorted((kept.pk, merged.pk))
        decided = {"state": MatchSuggestion.State.MERGED, "decided_by": user, "decided_at": now}
        MatchSuggestion.objects.filter(left_id=left, right_id=right).update(**decided)
        mark_dirty(kept.pk, now)
        mark_dirty(merged.pk, now)
    return merge


def end_merge(user: User, merge_id: int) -> AccountMerge:
    """Take a merge back: what went over comes back, and with it what imports have brought since for the merged account's ids.

    A field of the kept account that was filled is emptied again, unless somebody changed it since.
    Raises  PermissionDenied where the person may not edit both, Refused while an import writes or another merge stands in the way
    """
    with transaction.atomic():
        merge = AccountMerge.objects.select_for_update(of=("self",)).select_related("kept", "merged").filter(pk=merge_id).first()
        if merge is None or not user.may_import or not editable_accounts(user, archived=True).filter(pk=merge.merged_id).exists():
            raise PermissionDenied
        if merge.ended_at is not None:
            raise Refused(_("this merge has been taken back already"))
        _nobody_writes()
        further = aliases.standing().filter(merged_id=merge.kept_id).select_related("kept").first()
        if further:
            said = {"kept": merge.kept.name, "further": further.kept.name}
            raise Refused(_("%(kept)s was itself merged into %(further)s since; take that back first") % said)
        if not editable_accounts(user).filter(pk=merge.kept_id).exists() and not editable_accounts(user, archived=True).filter(pk=merge.kept_id).exists():
            raise PermissionDenied
        kept, merged, now = merge.kept, merge.merged, timezone.now()
        _arrived(merge, kept.pk)
        _compare_afresh(merge)
        _go_over(merge, kept.pk, merged.pk)
        superseding.restore(user, merge, now)
        _empty_again(user, merge, kept, now)
        gone = merged.created_run is not None and merged.created_run.state == ImportState.UNDONE
        merged.archived_at, merged.archived_run = (now, merged.created_run_id) if gone else (None, None)  # undone meanwhile: it stays out of the book
        merged.save(update_fields=["archived_at", "archived_run"])
        if gone:
            ExternalId.objects.filter(record="accounts", object_id=merged.pk).update(row_hash=TAKEN_OUT)
        merge.ended_at, merge.ended_by = now, user
        merge.save(update_fields=["ended_at", "ended_by"])
        log_change(user, "accounts", kept.pk, kept.pk, "merged", merged.name, None, now)
        log_change(user, "accounts", merged.pk, merged.pk, "archived_at", as_json(merge.at), None, now)
        left, right = sorted((kept.pk, merged.pk))
        again = {"state": MatchSuggestion.State.OPEN, "decided_by": None, "decided_at": None}
        MatchSuggestion.objects.filter(left_id=left, right_id=right, state=MatchSuggestion.State.MERGED).update(**again)
        mark_dirty(kept.pk, now)
        mark_dirty(merged.pk, now)
    return merge


def dismiss(user: User, suggestion_id: int) -> MatchSuggestion:
    """Say of a pair that they are two customers: it is never suggested again."""
    pair = MatchSuggestion.objects.select_related("left", "right").filter(pk=suggestion_id).first()
    if pair is None or not may_merge(user, pair.left, pair.right):
        raise PermissionDenied
    if pair.state == MatchSuggestion.State.OPEN:
        pair.state, pair.decided_by, pair.decided_at = MatchSuggestion.State.DISMISSED, user, timezone.now()
        pair.save(update_fields=["state", "decided_by", "decided_at"])
    return pair


def reopen(user: User, suggestion_id: int) -> None:
    """Take `not the same` back."""
    pair = MatchSuggestion.objects.select_related("left", "right").filter(pk=suggestion_id).first()
    if pair is None or not may_merge(user, pair.left, pair.right):
        raise PermissionDenied
    dismissed = MatchSuggestion.objects.filter(pk=pair.pk, state=MatchSuggestion.State.DISMISSED)
    dismissed.update(state=MatchSuggestion.State.OPEN, decided_by=None, decided_at=None)


def _nobody_writes() -> None:
    """An import knows accounts by their numbers for as long as it runs: rows that it writes after a merge would miss their account."""
    if ImportRun.objects.filter(state__in=WRITING).exists():
        raise Refused(_("an import is being written or undone; try again when it is done"))


def _rows(record: str, model: Any, merged: int, kept: int) -> list[int]:
    found = THAT_GO[record](merged, kept) if record in THAT_GO else model.objects.filter(account_id=merged)
    return list(found.order_by("id").values_list("id", flat=True))


def _go_over(merge: AccountMerge, source: int, target: int) -> None:
    """Everything that the merge names, from one account to the other, where it is still there."""
    for record, model in going():
        for part in _parts(merge.moved.get(record, [])):
            model.objects.filter(pk__in=part, account_id=source).update(account_id=target)
    for part in _parts(merge.moved.get("external_ids", [])):
        ExternalId.objects.filter(pk__in=part, object_id=source).update(object_id=target)
    for part in _parts(merge.moved.get("children", [])):
        Account.objects.filter(pk__in=part, parent_id=source).update(parent_id=target)
    for part in _parts(merge.moved.get("changes", [])):
        FieldChange.objects.filter(pk__in=part, account_id=source).update(account_id=target)


def _arrived(merge: AccountMerge, kept: int) -> None:
    """Add to what the merge names the rows that came since for the merged account, and what was logged of all of them since."""
    moved = merge.moved
    for record, object_id in merge.arrivals.values_list("record", "object_id"):
        moved.setdefault(record, []).append(object_id)
    subscriptions = moved.get("subscriptions", [])
    for record, model in attached():
        if any(f.attname == "subscription_id" for f in model._meta.local_concrete_fields):
            for part in _parts(subscriptions):  # a line may name its subscription only
                moved.setdefault(record, []).extend(model.objects.filter(subscription_id__in=part, account_id=kept).values_list("id", flat=True))
    for part in _parts(moved.get("subscription_lines", [])):
        moved.setdefault("no_news", []).extend(NoNews.objects.filter(line_id__in=part, account_id=kept).values_list("id", flat=True))
    since = FieldChange.objects.filter(recorded_at__gt=merge.at, account_id=kept)
    for record, _rows in going():
        for part in _parts(moved.get(record, [])):
            moved.setdefault("changes", []).extend(since.filter(record=record, object_id__in=part).values_list("id", flat=True))


def _compare_afresh(merge: AccountMerge) -> None:
    """What imports stated of these rows since, they stated of the kept account's: the next import looks again."""
    for part in _parts(merge.moved.get("external_ids", [])):
        ExternalId.objects.filter(pk__in=part, run_id__gt=merge.last_run).exclude(row_hash=TAKEN_OUT).update(row_hash=FORGOTTEN)
    for record, _model in attached():
        for part in _parts(merge.moved.get(record, [])):
            stated = ExternalId.objects.filter(record=record, object_id__in=part, run_id__gt=merge.last_run)
            stated.exclude(row_hash=TAKEN_OUT).update(row_hash=FORGOTTEN)


def _fill(user: User, kept: Account, merged: Account, now: Any) -> dict[str, list[Any]]:
    """Fill what the kept account does not say, and say so in the log: field -> [before, after]."""
    filled: dict[str, list[Any]] = {}
    for name in FILLED:
        old, new = getattr(kept, name), getattr(merged, name)
        if name == "parent_id":
            old = None if old == merged.pk else old  # no account is its own parent
            new = None if new == kept.pk else new
        value = new if old is None else old
        if value != getattr(kept, name):
            filled[name] = [as_json(getattr(kept, name)), as_json(value)]
            setattr(kept, name, value)
    custom = {**{k: v for k, v in merged.custom.items() if not k.startswith("_")}, **kept.custom}
    if custom != kept.custom:
        filled["custom"] = [kept.custom, custom]
        kept.custom = custom
    if filled:
        kept.save(update_fields=list(filled))
    for name, (old, new) in filled.items():
        log_change(user, "accounts", kept.pk, kept.pk, name, old, new, now)
    return filled


def _empty_again(user: User, merge: AccountMerge, kept: Account, now: Any) -> None:
    changed = []
    for name, (old, new) in merge.filled.items():
        if as_json(getattr(kept, name)) != new:
            continue  # somebody changed it since
        field: Any = Account._meta.get_field(name.removesuffix("_id"))
        setattr(kept, name, old if name in ("custom", "parent_id") or old is None else field.to_python(old))
        log_change(user, "accounts", kept.pk, kept.pk, name, new, old, now)
        changed.append(name)
    if changed:
        kept.save(update_fields=changed)


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), ROWS):
        yield ids[start : start + ROWS]


def newest(user: User, size: int = 20) -> models.QuerySet[AccountMerge]:
    """Merges that hold, newest first, of accounts that the person may edit. Causes no query."""
    mine = editable_accounts(user).values("pk")
    return aliases.standing().filter(kept_id__in=mine).select_related("kept", "merged", "user__person").order_by("-id")[:size]
