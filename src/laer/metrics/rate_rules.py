"""Rule 11 by itself: the statement needs it and nothing else of a policy, whose reading costs half a second to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RateRules:
    """Rule 11 as a policy has it: what the movement rates are divided by, and what offsets net churn."""

    logo_churn: str = "opening"
    net_churn: str = "with reactivation"
