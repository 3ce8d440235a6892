"""Which rules a run followed, and whether others are set now."""

from __future__ import annotations

from django.conf import settings

from laer.metrics.policy import load_policy
from laer.web.runs.models import PassRun


def changed_since(run: PassRun) -> bool:
    """Whether a pass would follow other rules than the run did. Runs of before rules were marked go by the version."""
    policy = load_policy(settings.POLICY)
    return (run.policy, run.policy_version, run.position.get("policy", policy.mark)) != (policy.id, policy.version, policy.mark)
