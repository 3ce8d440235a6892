"""The Health tab of an account: each scorecard that is about it, part by part, what would make it green, and what moved it since another day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from laer.cycle.explaining import Greener, Piece, Why, greener
from laer.cycle.own_measures import Measures
from laer.web.book.models import Account
from laer.web.pages import measure_words as words
from laer.web.pages.account_family import family_of
from laer.web.pages.account_likelihood import likelihoods_of
from laer.web.people.formats import today
from laer.web.people.models import User
from laer.web.runs import band_changes, why
from laer.web.runs import queries as runs
from laer.web.runs.models import AccountCard, PassRun
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy
from laer.web.work.models import Override
from laer.web.work.overrides import standing_overrides

TONES = {"green": "good", "yellow": "warn", "red": "bad"}
BANDS = {"green": gettext_lazy("green"), "yellow": gettext_lazy("yellow"), "red": gettext_lazy("red")}
UNKNOWN = {
    "nothing": gettext_lazy("nothing that it reads is known"), "sources": gettext_lazy("too few of its sources are connected"),
    "coverage": gettext_lazy("too little of it is known"),
}  # fmt: skip
SPANS = (30, 90, 180)  # days back that one click compares with


def pill_of(card: AccountCard | None) -> dict[str, Any] | None:
    """The account's health as a word, for its header; None where no scorecard is about it."""
    if card is None or not card.facts.get("health_card"):
        return None
    band, points = card.facts.get("health"), card.facts.get("health_score")
    said = _("Health %(band)s, %(points)s") % {"band": BANDS[band], "points": number(round(points))} if band in BANDS else _("Health unknown")
    return {"text": said, "tone": TONES.get(band or "", "outline"), "url": "?tab=health"}


def health_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    """Scores as the run published them; against another day as the run knows it."""
    card = runs.card_of(row.pk)
    if run is None or card is None:
        return {"health_cards": [], "health_computed": False}
    measures, found = why.measures_of(run), why.today(run, card)
    first = why.health_of(card)
    order = sorted(found, key=lambda name: (name != first, found[name].why.one.card.purpose != "health", found[name].why.one.card.name))
    since = _since(request.GET.get("since", ""), run)
    before = why.at(run, row.pk, [since])[since] if since else {}
    changes: dict[str, Any] = {}
    for one in band_changes.of_account(row.pk):
        changes.setdefault(one.card, one)
    currency = card.currency or runs.currency_of(run)
    held = standing_overrides([row.pk], today())
    told = [
        _card(found[name], measures, currency) | {
            "is_health": name == first,
            "changed": _changed(changes.get(name)),
            "override": _override(held.get((row.pk, name))),
            "override_url": reverse("override", args=[row.pk, name]) if editor else None,
            "moved": _moved(before.get(name), found[name], measures, currency) if since else None,
        }
        for name in order
    ]  # fmt: skip
    return {
        "family": family_of(user, row, runs.currency_of(run), BANDS), "likelihoods": likelihoods_of(row.pk, currency),
        "health_cards": told, "health_computed": True, "since": since, "as_of": run.as_of,
        "spans": [
            {"text": _("%(n)s days") % {"n": span}, "url": f"?tab=health&since={day}", "active": since == day}
            for span in SPANS if (day := run.as_of - timedelta(days=span))
        ],
    }  # fmt: skip


def _override(one: Override | None) -> dict[str, Any] | None:
    """What a person holds to be true instead of the score's band."""
    if one is None:
        return None
    return {
        "band": BANDS.get(one.band, one.band), "tone": TONES.get(one.band, ""), "until": one.until_on, "reason": one.reason,
        "who": one.person.name if one.person else None, "url": reverse("override", args=[one.account_id, one.card]),
    }  # fmt: skip


def _since(text: str, run: PassRun) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found < run.as_of else None


def _card(explained: why.Explained, measures: Measures, currency: str) -> dict[str, Any]:
    reason = explained.why
    card = reason.one.card
    return {
        "id": card.id, "name": card.name, "description": card.description, "url": reverse("definition", args=["scorecard", card.id]),
        "version": reason.one.version, "score": None if reason.score is None else number(reason.score), "exact": reason.score,
        "band": BANDS.get(explained.band or ""), "tone": TONES.get(explained.band or "", "outline"), "unknown": UNKNOWN.get(reason.unknown or ""),
        "held": BANDS.get(reason.raw or "") if explained.band and reason.raw and reason.raw != explained.band else None,
        "coverage": number(round(reason.coverage)), "connected": number(round(reason.connected)), "full": reason.connected >= 99.5,
        "few": reason.capped == "coverage" and reason.score is not None,
        "parts": [_piece(piece, reason, measures, currency) for piece in sorted(reason.pieces, key=lambda piece: (piece.points is None, -piece.weight))],
        "caps": [{"band": BANDS[cap.band], "tone": TONES[cap.band], "because": cap.because} for cap in reason.caps],
        "taken": number(reason.taken) if reason.taken and reason.score is not None else None,
        "green": _green(greener(reason), measures, currency),
    }  # fmt: skip


def _piece(piece: Piece, reason: Why, measures: Measures, currency: str) -> dict[str, Any]:
    leaf = piece.leaf
    known = piece.points is not None
    return {
        "key": leaf.key, "name": piece.name, "groups": " / ".join(piece.groups), "known": known, "points": piece.points,
        "points_text": number(None if piece.points is None else round(piece.points, 1)), "tone": _tone(piece, reason), "weight": number(round(piece.weight, 1)),
        "contribution": number(piece.contribution) if known else None, "connected": piece.connected,
        "url": reverse("measure", args=[leaf.measure]) if leaf.measure in measures else None, **_value(piece, measures, currency),
    }  # fmt: skip


def _tone(piece: Piece, reason: Why) -> str:
    bounds = reason.one.card.bands
    if piece.points is None:
        return ""
    return "good" if piece.points >= bounds.green else "warn" if piece.points >= bounds.yellow else "bad"


def _value(piece: Piece, measures: Measures, currency: str, value: Any = ...) -> dict[str, Any]:
    leaf, found = piece.leaf, piece.value if value is ... else value
    if leaf.rules is not None:
        return {"text": found or _("none of its conditions holds"), "title": "", "unit": ""}
    if leaf.trend is not None:
        said = words.said(measures["mrr_change_90d"], None if found is None else words.plain(measures["mrr_change_90d"], found), currency)  # a rate
        return {**said, "unit": _("in %(n)s days") % {"n": leaf.trend.days} if found is not None else ""}
    measure = measures.get(leaf.measure or "")
    if measure is None:
        return {"text": number(None), "title": "", "unit": ""}
    return words.said(measure, words.plain(measure, found), currency)


def _green(found: Greener | None, measures: Measures, currency: str) -> dict[str, Any] | None:
    if found is None:
        return None
    steps = []
    for step in found.steps:
        said = _step_text(step.piece, step.to, measures, currency)
        steps.append({"name": step.piece.name, "to": said, "adds": number(step.adds), "points": number(round(step.points))})
    lift = [_("more of it must be known") if cap == "coverage" else cap if isinstance(cap, str) else cap.because for cap in found.lift]
    return {"bound": number(found.bound), "lift": lift, "steps": steps, "each": found.each and len(steps) > 1, "enough": found.enough}


def _step_text(piece: Piece, to: Any, measures: Measures, currency: str) -> str:
    """What the part would have to say; a date as days ago."""
    if to is None:
        return ""
    measure = measures.get(piece.leaf.measure or "")
    if piece.leaf.rules is not None or measure is None:
        return str(to)
    if measure.kind == "date":
        return _("at most %(n)s days ago") % {"n": number(int(to))}
    if piece.leaf.trend is not None:
        return _("a change of %(rate)s") % {"rate": words.said(measures["mrr_change_90d"], words.plain(measures["mrr_change_90d"], to), currency)["text"]}
    said = words.said(measure, words.plain(measure, to), currency)
    return f"{said['text']} {said['unit']}".strip()


def _changed(change: Any) -> dict[str, Any] | None:
    if change is None:
        return None
    return {"on": change.on, "before": BANDS.get(change.before), "band": BANDS.get(change.band)}


def _moved(before: why.Explained | None, now: why.Explained, measures: Measures, currency: str) -> dict[str, Any]:
    if before is None or before.why.score is None:
        return {"known": False, "rows": []}
    pieces = {piece.leaf.key: piece for piece in (*before.why.pieces, *now.why.pieces)}
    rows = []
    for one in why.moved(before.why, now.why):
        piece = pieces.get(one.key)
        then, after = ({"text": ""}, {"text": ""}) if piece is None else (_value(piece, measures, currency, value) for value in (one.before, one.after))
        rows.append({"name": one.name or _("what caps took"), "before": then["text"], "after": after["text"], "delta": number(one.delta), "up": one.delta > 0})
    total = None if now.why.score is None else round(now.why.score - before.why.score, 2)
    return {
        "known": True, "score": number(before.why.score), "band": BANDS.get(before.band or ""), "tone": TONES.get(before.band or "", "outline"), "rows": rows,
        "total": None if total is None else number(total), "up": bool(total and total > 0),
    }  # fmt: skip
