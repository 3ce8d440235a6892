"""Two accounts that both pay and are one customer: which of the two amounts holds, where not both do.

From the first day on which the account that holds pays, the other's lines are superseded: what ran on ends there, what
began later never counts. Both are written on the lines, named in the change log, and kept with the merge, so that taking
the merge back restores them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from laer.metrics.policy import load_policy
from laer.web.book.actions import log_change
from laer.web.book.in_force import lines_in_force
from laer.web.book.models import AccountMerge, SubscriptionLine
from laer.web.book.prepare import as_json
from laer.web.people.models import User

BOTH = "both"
SUPERSEDED = "superseded"  # under this name a merge keeps [line, end before, reason before, how it was left]
BECAUSE = "correction"


def both_pay(left_id: int, right_id: int, policy: str) -> bool:
    """Whether both accounts have MRR today: then a merge must be told which amount holds. A few queries."""
    paid = lines_in_force([left_id, right_id], timezone.localdate(), load_policy(policy))
    return all(sum(line.mrr for line in paid.get(account, [])) > 0 for account in (left_id, right_id))


def supersede(user: User, merge: AccountMerge, holds_id: int, other_id: int, now: datetime) -> None:
    """End the other account's lines where those of the one that holds begin. Within the merge's transaction, before rows go over."""
    paying = SubscriptionLine.objects.filter(archived_at=None, mrr_num__gt=0)
    first = paying.filter(account_id=holds_id).order_by("start_on").values_list("start_on", flat=True).first()
    if first is None:
        return
    done: list[list[Any]] = []
    for line in SubscriptionLine.objects.select_for_update().filter(account_id=other_id, archived_at=None).order_by("id"):
        if line.end_on is not None and line.end_on <= first:
            continue
        before = [line.pk, as_json(line.end_on), line.ended_because]
        if line.start_on >= first:
            line.archived_at = now
            line.save(update_fields=["archived_at"])
            log_change(user, "subscription_lines", line.pk, other_id, "archived_at", None, as_json(now), now)
            done.append([*before, "archived"])
        else:
            line.end_on, line.ended_because = first, BECAUSE
            line.save(update_fields=["end_on", "ended_because"])
            log_change(user, "subscription_lines", line.pk, other_id, "end_on", before[1], as_json(first), now)
            done.append([*before, as_json(first)])
    if done:
        merge.moved[SUPERSEDED] = done


def restore(user: User, merge: AccountMerge, now: datetime) -> None:
    """What a merge superseded counts again, where nobody changed it since."""
    for pk, end, because, left in merge.moved.get(SUPERSEDED, []):
        line = SubscriptionLine.objects.filter(pk=pk).first()
        if line is None:
            continue
        if left == "archived":
            if line.archived_at is None or line.archived_run is not None:
                continue  # an import brought it back, or an undo took it out
            log_change(user, "subscription_lines", pk, line.account_id, "archived_at", as_json(line.archived_at), None, now)
            line.archived_at = None
            line.save(update_fields=["archived_at"])
        elif as_json(line.end_on) == left and line.ended_because == BECAUSE:
            log_change(user, "subscription_lines", pk, line.account_id, "end_on", left, end, now)
            line.end_on, line.ended_because = end, because
            line.save(update_fields=["end_on", "ended_because"])
