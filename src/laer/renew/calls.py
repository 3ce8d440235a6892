"""What the system expects of a renewal: a rule over facts that are known on the day, the first that holds.

It says which fact decided, and says nothing where nothing is known. Where a learned likelihood stands among the facts it is read in place
of the softer rules; an announced departure and a term that is over come first whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COMMIT, LIKELY, AT_RISK, LOST = "commit", "likely", "at_risk", "lost"
WORST = (LOST, AT_RISK, LIKELY, COMMIT)  # of several contracts of a day the first of these stands
READS = ("leaves", "pulse", "silence", "escalations_90d", "renews_by_itself", "notice_on", "active_days_28d")
LIKELIHOOD = "renewal_likelihood"
SILENT = 3.0  # times the usual gap between days of use
CERTAIN, PROBABLE = 0.9, 0.7  # likelihoods from which it is a commit, and likely


@dataclass(frozen=True)
class Call:
    """category  None where nothing is known;  because  the fact that decided"""

    category: str | None
    because: str


def system_call(facts: Mapping[str, Any], day: int, *, ends: bool = False, over: bool = False) -> Call:
    """The call of the rules.

    In      facts  of the account on the day: READS, and LIKELIHOOD where a model gives one; None is unknown. Days are numbers
            ends   somebody said that the contract ends;  over  its term is over and nothing was signed
    Method  docs/methods/renewal-calls.md
    """
    if ends or facts.get("leaves"):
        return Call(LOST, "notice")
    if over:
        return Call(AT_RISK, "over")
    likelihood = facts.get(LIKELIHOOD)
    if likelihood is not None:
        return Call(COMMIT if likelihood >= CERTAIN else LIKELY if likelihood >= PROBABLE else AT_RISK, "likelihood")
    if facts.get("pulse") in ("red", "yellow"):
        return Call(AT_RISK, f"pulse_{facts['pulse']}")
    if (facts.get("silence") or 0) >= SILENT or facts.get("active_days_28d") == 0:
        return Call(AT_RISK, "silent")
    if (facts.get("escalations_90d") or 0) > 0:
        return Call(AT_RISK, "escalated")
    notice = facts.get("notice_on")
    if facts.get("renews_by_itself") and notice is not None and notice < day:
        return Call(COMMIT, "by_itself")
    if facts.get("pulse") == "green":
        return Call(LIKELY, "pulse_green")
    if (facts.get("active_days_28d") or 0) > 0:
        return Call(LIKELY, "in_use")
    return Call(None, "nothing")


def worst(categories: list[str | None]) -> str | None:
    """Of several contracts that fall due on one day; None where one of them has no call."""
    return None if None in categories or not categories else next(one for one in WORST if one in categories)
