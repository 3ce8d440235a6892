"""What stands for one account: signals with the answer that was given, risks that people raised, and plays."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from laer.web.book import definitions
from laer.web.pages.risks import TONES as RISK_TONES
from laer.web.pages.signals import SEVERITY, TONES
from laer.web.people.models import User
from laer.web.runs.episodes import signal_of
from laer.web.runs.playing import standing
from laer.web.work.answers import standing_answers, standing_of
from laer.web.work.models import Answer, RiskReason, RunEnd, RunState, Severity
from laer.web.work.risks import risks


def standing_rows(user: User, account_id: int) -> list[dict[str, Any]]:
    """The gravest first. Three queries where something stands, else one."""
    rows = standing_of(user, account_id)
    if not rows:
        return []
    held = {row.name: row for row in definitions.in_force("signal")}
    answers = standing_answers(row.pk for row in rows)
    found = []
    for row in rows:
        signal = signal_of(held[row.signal].text) if row.signal in held else None
        severity = signal.severity if signal else "medium"
        answer = answers.get(row.pk)
        found.append(
            {"name": signal.name if signal else row.signal, "url": f"{reverse('signal', args=[row.signal])}?why={account_id}#why",
            "severity": SEVERITY[severity],
             "tone": TONES[severity], "since": row.opened_on, "base": row.base, "weight": signal.weight if signal else 0,
             "answer": Answer(answer.kind).label if answer else None}
        )  # fmt: skip
    return sorted(found, key=lambda one: -one["weight"])


def risk_rows(user: User, account_id: int) -> list[dict[str, Any]]:
    """Open ones. One query."""
    return [
        {"url": reverse("risk", args=[row.pk]), "reason": RiskReason(row.reason).label, "severity": Severity(row.severity).label,
         "tone": RISK_TONES[Severity(row.severity)], "next_step": row.next_step}
        for row in risks(user).filter(account_id=account_id)
    ]  # fmt: skip


def play_rows(account_id: int) -> list[dict[str, Any]]:
    """Plays that are under way or ended lately, the newest first. Two queries where there are any, else one."""
    rows = standing.of_account(account_id)
    titles = definitions.titles("play") if rows else {}
    return [
        {
            "name": titles.get(row.play, row.play), "url": f"{reverse('play', args=[row.play])}?why={account_id}#why", "since": row.starts_on,
            "open": row.state != RunState.ENDED, "waiting": row.state == RunState.WAITING, "task": row.task.title if row.task else None,
            "task_url": reverse("task", args=[row.task_id]) if row.task_id else None, "owner": row.owner.name if row.owner else None,
            "how": RunEnd(row.ended_by).label if row.ended_by else None, "ended_at": row.ended_at,
        }
        for row in rows
    ]  # fmt: skip


def startable(account_id: int) -> list[dict[str, str]]:
    """Plays that are switched on and not under way for an account. Three queries where any is on, else one."""
    on = standing.switched_on()
    if not on:
        return []
    busy = {row.play for row in standing.of_account(account_id) if row.state != RunState.ENDED}
    return [{"name": title, "url": reverse("play_start", args=[name, account_id])} for name, title in definitions.titles("play").items() if name in on - busy]
