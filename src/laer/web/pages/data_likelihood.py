"""Likelihood: how likely accounts renew or leave, learned from the firm's own past; how well that held on what it had not seen, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.facts import catalogue
from laer.cycle.likelihoods import CHURN, KINDS, NO_DATE, NOT_DUE, NOT_PAYING, RENEWAL, SPAN
from laer.scores.evaluation import Evaluation
from laer.scores.mix import RULES
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.data import frame, user_of
from laer.web.pages.exports import export, format_of
from laer.web.runs import likelihoods
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountLikelihood
from laer.web.templatetags.laer import number, url_with
from laer.web.wording import gettext_lazy

PAGE = 50
TITLES = {CHURN: gettext_lazy("Leaving within 90 days"), RENEWAL: gettext_lazy("Renewing what falls due")}
SHORT = {CHURN: gettext_lazy("Leaving"), RENEWAL: gettext_lazy("Renewing")}
WHY = {
    NOT_PAYING: gettext_lazy("it pays nothing now"), NOT_DUE: gettext_lazy("nothing falls due within 90 days"),
    NO_DATE: gettext_lazy("no renewal date is known"), "no past": gettext_lazy("there is no past to learn from yet"),
    "prior, not learned": gettext_lazy("prior, not learned: a band, no number"), "no usable signal in this data": gettext_lazy("no usable signal in this data"),
}  # fmt: skip
BANDS = {"low": gettext_lazy("low"), "middle": gettext_lazy("middle"), "high": gettext_lazy("high")}
HEADER = ("account_id", "account", "likelihood", "band", "why", "reason_1", "reason_2", "reason_3")


@require_safe
def likelihood(request: HttpRequest) -> HttpResponseBase:
    """How likely accounts leave or renew, how well that held, and why."""
    user, run = user_of(request), last_run()
    kind = request.GET["kind"] if request.GET.get("kind") in KINDS else CHURN
    kept = likelihoods.kept(kind)
    rows = likelihoods.said_of(user, kind)
    if kept is not None and (form := format_of(request)):
        return export(f"{kind}-{kept.row.said_as_of}", HEADER, _cells(rows, run.currency if run else ""), form)
    wanted = request.GET.get("start", "0")
    start = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 0
    part = list(rows[start : start + PAGE + 1]) if kept is not None else []
    more, part = len(part) > PAGE, part[:PAGE]
    learned = kept.learned if kept else None
    found = learned.evaluation if learned else None
    context = frame(user, "likelihood") | {
        "kinds": [
            {"label": title, "url": reverse("likelihood") + ("" if key == CHURN else f"?kind={key}"), "active": key == kind} for key, title in SHORT.items()
        ],
        "title": TITLES[kind],
        "tried": kept is not None,
        "figures": _figures(kept) if kept and learned else [],
        "verdict": _verdict(kept) if kept else None,
        "chart": _chart(found) if found else None,
        "bins": [_bin(one) for one in found.bins] if found else [],
        "rows": [_row(one, run.currency if run else "") for one in part],
        "said": bool(learned and learned.usable),
        "previous_url": url_with(request, start=max(0, start - PAGE) or None) if start else None,
        "next_url": url_with(request, start=start + PAGE) if more else None,
        "download_url": url_with(request, format="csv") if part else None,
        "method": _method(kept) if kept else "",
        "state": {
            "as_of": kept.row.said_as_of if kept else None,
            "whose": _("the whole book") if scope_of(user).everything else _("your book"),
            "run": {"label": _("run %(run)s") % {"run": kept.row.said_run_id}} if kept else None,
            "note": None if kept else _("nothing has been learned yet"),
            "recomputing": bool(kept and run and kept.row.said_run_id < run.pk),
        },
    }
    return render(request, "pages/likelihood.html", context)


def _percent(share: float | None, places: int = 1) -> str:
    return "–" if share is None else _("%(share)s %%") % {"share": number(round(100 * share, places), places)}


def _figures(kept: likelihoods.Kept) -> list[dict[str, Any]]:
    learned = kept.learned
    assert learned is not None
    found = learned.evaluation
    events = ngettext("%(n)s event", "%(n)s events", learned.events) % {"n": number(learned.events)}
    figures = [
        {"label": _("Base rate"), "value": _percent(learned.base_rate), "hint": _("what is said of every account, without a model")},
        {"label": _("Learned from"), "value": events,
         "hint": ngettext("in %(n)s row of accounts and quarters", "in %(n)s rows of accounts and quarters", learned.rows) % {"n": number(learned.rows)}},
    ]  # fmt: skip
    if found is not None:
        area = "–" if found.auc is None else number(round(found.auc, 2), 2)
        figures.append({"label": _("AUC"), "value": area, "hint": _between(found.auc_low, found.auc_high)})
        figures.append({"label": _("Brier score"), "value": number(round(found.brier, 4), 4),
                        "hint": _("%(base)s by the base rate") % {"base": number(round(found.brier_base, 4), 4)}})  # fmt: skip
        slope = "–" if found.slope is None else number(round(found.slope, 2), 2)
        figures.append({"label": _("Calibration slope"), "value": slope, "hint": _("1 is right, below 1 too sure, above 1 too timid")})
    return figures


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return _("one of the two outcomes was not seen")
    return _("between %(low)s and %(high)s with 95 %%; 0.5 is chance") % {"low": number(round(low, 2), 2), "high": number(round(high, 2), 2)}


def _verdict(kept: likelihoods.Kept) -> dict[str, str]:
    learned = kept.learned
    if learned is None:
        return {"tone": "info", "text": _("There is no past to learn from yet: no account paid 90 days ago, or nothing has fallen due.")}
    if learned.basis == "prior":
        return {"tone": "info", "text": _("Prior, not learned: too few events to learn from. Accounts are shown in bands by the rules, without a number.")}
    if not learned.usable:
        return {"tone": "warn", "text": _("No usable signal in this data: on what it had not seen, nothing was better than the base rate. No number is shown.")}
    return {}


def _method(kept: likelihoods.Kept) -> str:
    learned = kept.learned
    if learned is None or not learned.learned or learned.evaluation is None:
        return ""
    how = _("explainable boosting machine") if learned.basis == "boosting" else _("mix of rules and regression")
    judged = _("judged by what came later") if learned.evaluation.by_time else _("judged by folds drawn by lot")
    row = kept.row
    return _("%(how)s, %(judged)s; cuts from %(first)s to %(last)s, %(span)s days apart; learned in run %(run)s") % {
        "how": how, "judged": judged, "first": row.first_cut, "last": row.last_cut, "span": SPAN, "run": row.learned_run_id,
    }  # fmt: skip


def _chart(found: Evaluation) -> dict[str, Any]:
    series = [
        {"name": _("Said"), "values": [round(one.said, 6) for one in found.bins], "dash": "dashed", "area": False},
        {"name": _("Came"), "values": [round(one.came, 6) for one in found.bins], "dash": "solid", "area": False},
    ]
    return {"unit": "percent", "x": [str(at) for at in range(1, len(found.bins) + 1)], "series": series, "from_zero": True}


def _bin(one: Any) -> dict[str, str]:
    return {"n": number(one.n), "said": _percent(one.said), "came": _percent(one.came), "low": _percent(one.low), "high": _percent(one.high)}


def _row(one: AccountLikelihood, currency: str) -> dict[str, Any]:
    return {
        "account": one.account.name, "url": f"/accounts/{one.account_id}/", "chance": None if one.chance is None else _percent(one.chance, 0),
        "band": BANDS.get(one.band, one.band), "why": str(WHY.get(one.why, one.why)), "reasons": _reasons(one, currency),
    }  # fmt: skip


def _reasons(one: AccountLikelihood, currency: str) -> list[dict[str, Any]]:
    return [reason_of(name, value, adds, currency) for name, value, adds in one.reasons[:3]]


def reason_of(name: str, value: Any, adds: float, currency: str) -> dict[str, Any]:
    if name == RULES:
        label, told = _("Rules"), ngettext("%(n)s point of risk", "%(n)s points of risk", round(abs(value or 0))) % {"n": number(abs(value or 0), 1)}
    else:
        measure = catalogue().get(name)
        label = words.text(measure.name) if measure else name
        if value is None:
            told = _("unknown")
        elif measure is None:
            told = str(value)
        elif measure.kind == "date":
            days = round(value)
            told = ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": number(days)} if days >= 0 else ngettext(
                "in %(n)s day", "in %(n)s days", -days) % {"n": number(-days)}  # fmt: skip
        elif measure.kind == "flag":
            told = _("yes") if value else _("no")
        else:
            told = words.said(measure, words.plain(measure, value), currency)["text"]
    return {"label": label, "value": told, "adds": f"{adds:+.2f}", "more": adds > 0}


def _cells(rows: Any, currency: str) -> Iterator[tuple[Any, ...]]:
    for one in rows.iterator(2_000):
        said = [f"{reason['label']}: {reason['value']} ({reason['adds']})" for reason in _reasons(one, currency)]
        yield (one.account_id, one.account.name, None if one.chance is None else round(one.chance, 4), one.band, one.why, *said, *[None] * (3 - len(said)))
