"""How likely an account leaves or renews, on its Health tab: the likelihood, what it was learned from, and reasons that sum to it; or why none is said."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.likelihoods import KINDS
from laer.scores.likelihood import VERDICTS
from laer.web.pages.data_likelihood import BANDS, TITLES, WHY, reason_of
from laer.web.runs.likelihoods import FORM
from laer.web.runs.models import AccountLikelihood, LearnedLikelihood
from laer.web.templatetags.laer import number, percent

LEARNED = ("base_rate", "events", "rows", "basis", "evaluation__auc", "evaluation__auc_low", "evaluation__auc_high")


def likelihoods_of(account_id: int, currency: str) -> list[dict[str, Any]]:
    """One of each kind, in order; empty where nothing was learned yet. Two queries."""
    keys = {name.replace("__", "_"): F(f"learned__{name}") for name in LEARNED}
    learned = {row["kind"]: row for row in LearnedLikelihood.objects.filter(form=FORM).annotate(**keys).values("kind", "said_as_of", *keys)}
    said = {one.kind: one for one in AccountLikelihood.objects.filter(account_id=account_id)}
    return [_told(kind, said.get(kind), learned[kind], currency) for kind in KINDS if kind in learned]


def _told(kind: str, one: AccountLikelihood | None, of: dict[str, Any], currency: str) -> dict[str, Any]:
    reasons = [reason_of(name, value, adds, currency) for name, value, adds in one.reasons] if one else []
    logit = one.rest + sum(adds for _name, _value, adds in one.reasons) if one else 0.0
    return {
        "title": TITLES[kind], "url": reverse("likelihood") + f"?kind={kind}", "measure_url": reverse("measure", args=[kind]), "as_of": of["said_as_of"],
        "chance": percent(one.chance, 1) if one and one.chance is not None else None, "band": BANDS.get(one.band) if one else None,
        "why": WHY.get(one.why, one.why) if one and one.why else _("nothing is said of this account yet") if one is None else None,
        "learned": _learned(of), "reasons": reasons if one and one.chance is not None else [],
        "rest": f"{one.rest:+.2f}" if one else "", "logit": f"{logit:+.2f}",
    }  # fmt: skip


def _learned(of: dict[str, Any]) -> str:
    """What it was learned from, in a line."""
    if of["base_rate"] is None:
        return _("there is no past to learn from yet")
    events = ngettext("%(n)s event", "%(n)s events", of["events"]) % {"n": number(of["events"])}
    said = _("base rate %(rate)s; learned from %(events)s in %(rows)s rows") % {
        "rate": percent(of["base_rate"], 1), "events": events, "rows": number(of["rows"])}  # fmt: skip
    if of["basis"] in VERDICTS and of["evaluation_auc"] is not None:
        said += "; " + _("AUC %(auc)s, between %(low)s and %(high)s") % {
            name: number(round(of[f"evaluation_{key}"], 2), 2) for name, key in (("auc", "auc"), ("low", "auc_low"), ("high", "auc_high"))}  # fmt: skip
    return said


def learning_found(kind: str) -> dict[str, Any]:
    """Why a likelihood is known of no account: what learning found. One query."""
    found = LearnedLikelihood.objects.filter(form=FORM, kind=kind).values_list("learned__basis", flat=True)
    if not found:
        text = _("nothing has been learned yet: the worker does it soon after the first pass")
    elif found[0] is None:
        text = _("there is no past to learn from yet")
    else:
        text = str(WHY.get(VERDICTS.get(found[0], ""), _("the next pass computes it")))
    return {"text": text, "url": reverse("likelihood") + f"?kind={kind}", "action": _("what was learned")}
