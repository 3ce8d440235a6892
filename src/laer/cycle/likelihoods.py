"""Likelihoods of renewal and churn from a firm's own past: the table to learn from, and the accounts of today to say it of.

Cuts lie 90 days apart, the last one 90 days before the run. What is known of an account on a cut is what was known then; the outcome is what came until
the next cut, so that no outcome was unknown when the later cut is judged. Rows are account x cut.

Method  docs/methods/likelihood.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.facts import catalogue
from laer.scores.additive import Explained
from laer.scores.columns import Floats
from laer.scores.likelihood import Likelihood

SPAN = 90  # days from a cut to its outcome
CUTS = 8  # two years
REASONS = 6  # kept of each account
PLACES = 3  # of a likelihood among the facts: a card is written again where one changes
CHURN, RENEWAL = "churn_likelihood_90d", "renewal_likelihood"
KINDS = (CHURN, RENEWAL)
NO_FEATURE = frozenset(("owner", "state", "lead_source"))  # whose account it is says something of people, not of the account; who pays is who is asked
CONCLUDED = frozenset((*KINDS, "expansion_potential_mrr"))
NOT_PAYING, NOT_DUE, NO_DATE = "not_paying", "not_due", "no_date"


def features() -> tuple[str, ...]:
    """Measures that are learned from: all that ship but a few, and but what was concluded from them."""
    return tuple(name for name in catalogue() if name not in NO_FEATURE and name not in CONCLUDED)


def cuts(day: int) -> tuple[int, ...]:
    """Days of which facts are wanted, oldest first: the cuts and the day of the run itself."""
    return tuple(day - SPAN * back for back in range(CUTS, -1, -1))


def columns_of(facts: pa.Table) -> dict[str, Any]:
    """Facts as features: a date becomes the days since it (ahead of the day: below 0)."""
    made: dict[str, Any] = {}
    for name in features():
        column = facts[name]
        made[name] = pc.subtract(facts["d"].cast(pa.int32()), column.cast(pa.int32())) if catalogue()[name].kind == "date" else column
    return made


def risk_points(given: Mapping[str, Any]) -> Floats:
    """What a CSM would say without data, as points of risk: the rules that stand until enough is learned, and that the learner may find wrong."""

    def column(name: str) -> Floats:
        return np.asarray(pc.cast(given[name], pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)

    with np.errstate(invalid="ignore"):  # unknown is no point
        points = 2.0 * (column("leaves") > 0) + 1.0 * (column("neglected") > 0) + 1.0 * (column("usage_trend") < -0.3) + 1.0 * (column("silence") > 3)
        points += 1.0 * (column("ticket_pain") >= 5) + 1.0 * (column("nps_latest") <= 6) + 1.0 * (column("onboarding_days_late") > 30)
    pulse = np.array([{"red": 2.0, "yellow": 0.5}.get(value, 0.0) for value in given["pulse"].to_pylist()])
    return np.asarray(points + pulse, dtype=np.float64)


@dataclass(frozen=True)
class Past:
    """Rows to learn from: features and rules by row, the outcome (1.0, 0.0), the day of the cut."""

    features: dict[str, Any]
    outcome: Floats
    cut: Floats

    @property
    def rows(self) -> int:
        return len(self.outcome)


def churn_past(facts: pa.Table, day: int) -> Past:
    """Accounts that paid on a cut; the outcome is that they pay nothing on the next."""
    paying = {(a, d) for a, d, mrr in _of(facts, "account_id", "d", "mrr") if mrr is not None and mrr > 0}
    chosen = [at for at, (a, d) in enumerate(_of(facts, "account_id", "d")) if d < day and (a, d) in paying]
    rows = facts.take(pa.array(chosen, pa.int64()))
    outcome = [0.0 if (a, d + SPAN) in paying else 1.0 for a, d in _of(rows, "account_id", "d")]
    return Past(columns_of(rows), np.array(outcome, dtype=np.float64), _days(rows))


def renewal_past(facts: pa.Table, items: pa.Table, day: int) -> Past:
    """What fell due within 90 days after a cut on which its account paid; the outcome is that it was renewed. What is not settled is left out."""
    result: dict[tuple[int, int], list[bool]] = {}
    latest = {d for d in cuts(day) if d < day}
    for account, due, settled, said in _of(items, "account_id", "due_d", "settled_d", "result"):
        cut = day - SPAN * -(-(day - due + 1) // SPAN)  # the last cut before the due day
        if said is not None and settled <= day and cut in latest and due <= day:
            result.setdefault((account, cut), []).append(said != "lost")
    chosen = [at for at, (a, d, mrr) in enumerate(_of(facts, "account_id", "d", "mrr")) if (a, d) in result and mrr is not None and mrr > 0]
    rows = facts.take(pa.array(chosen, pa.int64()))
    outcome = [float(all(result[a, d])) for a, d in _of(rows, "account_id", "d")]
    return Past(columns_of(rows), np.array(outcome, dtype=np.float64), _days(rows))


def learn(kind: str, past: Past, *, seed: int = 0) -> Likelihood | None:
    """None where there is no past at all."""
    if not past.rows:
        return None
    sign = -1.0 if kind == RENEWAL else 1.0
    prior = 0.85 if kind == RENEWAL else 0.03
    return Likelihood(prior=prior, seed=seed).fit(past.features, past.outcome, rules=sign * risk_points(past.features), time=past.cut)


@dataclass(frozen=True)
class Said:
    """Of one account today. chance: None where it is not said, and `why` (not_paying, not_due, no_date, or the verdict of what was learned)."""

    account_id: int
    chance: float | None
    why: str
    band: str = ""
    reasons: tuple[tuple[str, Any, float], ...] = ()
    rest: float = 0.0  # what the reasons that are not kept add to the logit, the intercept with them


def say(kind: str, learned: Likelihood | None, facts: pa.Table, day: int) -> list[Said]:
    """Of every account of the facts of one day."""
    today = facts.filter(pc.equal(facts["d"], day))
    told: list[Said] = []
    asked: list[int] = []
    for at, (account, mrr, due) in enumerate(_of(today, "account_id", "mrr", "renewal_on")):
        why = NOT_PAYING if not mrr or mrr <= 0 else ""
        if not why and kind == RENEWAL:
            why = NO_DATE if due is None else NOT_DUE if not day < due <= day + SPAN else ""
        if why or learned is None:
            told.append(Said(account, None, why or "no past"))
        else:
            asked.append(at)
    if learned is None or not asked:
        return told
    rows = today.take(pa.array(asked, pa.int64()))
    given = columns_of(rows)
    rules = (-1.0 if kind == RENEWAL else 1.0) * risk_points(given)
    accounts = rows["account_id"].to_pylist()
    if not learned.usable:
        return told + [Said(account, None, learned.verdict) for account in accounts]
    bands = learned.bands(given, rules)
    for account, one, band in zip(accounts, learned.explain(given, rules), bands, strict=True):
        told.append(_said(account, one, band, learned))
    return told


def chances(kind: str, learned: Likelihood | None, facts: pa.Table, day: int) -> pa.Array:
    """The same as a column of the facts of one day: null where no number is said."""
    asked = pc.fill_null(pc.greater(facts["mrr"], 0), False)
    if kind == RENEWAL:
        due = facts["renewal_on"].cast(pa.int32())
        asked = pc.and_(asked, pc.fill_null(pc.and_(pc.greater(due, day), pc.less_equal(due, day + SPAN)), False))
    at = np.flatnonzero(asked.to_numpy(zero_copy_only=False))
    found = np.full(facts.num_rows, np.nan)
    if learned is not None and learned.learned and learned.usable and len(at):
        rows = facts.take(pa.array(at))
        given = columns_of(rows)
        found[at] = np.round(learned.predict(given, (-1.0 if kind == RENEWAL else 1.0) * risk_points(given)), PLACES)
    return pa.array(found, pa.float64(), from_pandas=True)


def _said(account: int, one: Explained, band: str, learned: Likelihood) -> Said:
    kept = one.reasons[:REASONS]
    rest = one.logit - sum(reason.contribution for reason in kept)
    reasons = tuple((reason.name, reason.value, reason.contribution) for reason in kept)
    return Said(account, one.chance if learned.learned else None, "" if learned.learned else learned.verdict, band, reasons, rest)


def _of(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def _days(rows: pa.Table) -> Floats:
    return np.asarray(rows["d"].to_numpy(), dtype=np.float64)
