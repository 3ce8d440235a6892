"""A play in the words of its reader: what begins it, whom it is for, and its steps as a list with branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.conditions.tree import Condition
from laer.cycle.definitions import asked_by
from laer.cycle.own_measures import Measures
from laer.plays.play import BranchStep, CallStep, MailStep, Play, SetStep, TaskStep, UntilStep, WaitStep, WebhookStep
from laer.web.book import definitions
from laer.web.pages.measure_words import text
from laer.web.runs import fact_filters
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

JOBS = {
    "csm": gettext_lazy("the CSM"), "ae": gettext_lazy("the account executive"), "renewals": gettext_lazy("the renewal manager"),
    "onboarding": gettext_lazy("the onboarding manager"), "support": gettext_lazy("support"), "lead": gettext_lazy("the lead"),
}  # fmt: skip
PURPOSES = {
    "landing": gettext_lazy("landing"), "onboarding": gettext_lazy("onboarding"), "adoption": gettext_lazy("adoption"), "growth": gettext_lazy("growth"),
    "risk": gettext_lazy("risk"), "renewal": gettext_lazy("renewal"), "detractor": gettext_lazy("detractors"), "learning": gettext_lazy("learning"),
}  # fmt: skip
ROLES = {
    "main": gettext_lazy("the main contact"), "champion": gettext_lazy("the champion"), "decision_maker": gettext_lazy("the decision maker"),
    "economic_buyer": gettext_lazy("the economic buyer"), "user": gettext_lazy("a user"), "detractor": gettext_lazy("the detractor"),
}  # fmt: skip
ICONS = {
    "task": "checklist", "mail": "mail", "webhook": "plug-connected", "set": "pencil", "wait": "clock", "until": "clock", "if": "route", "play": "player-play",
}  # fmt: skip


def days(n: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": number(n)}


def begun_by(play: Play, measures: Measures, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What begins it: {words, url?}. In: names: of signals and segments, where they were read already."""
    trigger = play.trigger
    if trigger.signal or trigger.segment:
        kind, name = ("signal", trigger.signal) if trigger.signal else ("segment", trigger.segment)
        assert name is not None
        row = None if names is not None else definitions.current(kind, name)
        title = names.get(name) if names is not None else row.title if row else None
        words = _("the signal “%(name)s” opens") if kind == "signal" else _("the account enters the segment “%(name)s”")
        return {"words": words % {"name": title or name}, "url": reverse(kind, args=[name]) if title else None}
    if trigger.date:
        measure = measures.get(trigger.date)
        what = text(measure.name) if measure else trigger.date
        if not trigger.days:
            return {"words": _("on the day: %(what)s") % {"what": what}, "url": reverse("measure", args=[trigger.date]) if measure else None}
        said = _("%(days)s before: %(what)s") if trigger.days < 0 else _("%(days)s after: %(what)s")
        return {"words": said % {"days": days(abs(trigger.days)), "what": what}, "url": reverse("measure", args=[trigger.date]) if measure else None}
    return {"words": _("a person begins it"), "url": None}


def asked(play: Play, measures: Measures, currency: str) -> dict[str, str]:
    """Slot -> condition in words; nothing of a play that does not read."""
    try:
        found: dict[str, Condition] = asked_by(play, measures)
    except ValueError:
        return {}
    return fact_filters.all_in_words(found, currency)


def steps(play: Play, words: Mapping[str, str], plays: Mapping[str, str], mails: Mapping[str, str]) -> list[dict[str, Any]]:
    """Its steps as rows {path, depth, icon, kind, said, more, detail, checklist, way?}. In: words: of `asked`; names of plays and mail templates by id."""
    made = []
    for path, step in play.walk():
        at = ".".join(map(str, path))
        way = str(path[-2]) if path[-1] == 0 and len(path) > 1 else None  # it is the first of its way
        made.append({"path": at, "depth": len(path) // 2, "way": way} | _step(play, step, words.get(at, ""), plays, mails))
    return made


def _step(play: Play, step: Any, words: str, plays: Mapping[str, str], mails: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"detail": "", "checklist": (), "more": ""}
    if isinstance(step, TaskStep):
        whose = JOBS[step.owner or play.owner]
        more = [_("for %(whom)s, due in %(days)s") % {"whom": whose, "days": days(step.due)}]
        more += [] if step.wait else [_("goes on at once")]
        return row | {"kind": "task", "icon": ICONS["task"], "said": step.task, "more": "; ".join(more), "detail": step.detail, "checklist": step.checklist,
                      "high": step.priority == "high"}  # fmt: skip
    if isinstance(step, MailStep):
        said = _("Send “%(template)s” to %(whom)s") % {"template": mails.get(step.mail, step.mail), "whom": ROLES[step.to]}
        return row | {"kind": "mail", "icon": ICONS["mail"], "said": said}
    if isinstance(step, WebhookStep):
        return row | {"kind": "webhook", "icon": ICONS["webhook"], "said": _("Tell %(name)s") % {"name": step.webhook}, "more": step.message}
    if isinstance(step, SetStep):
        return row | {"kind": "set", "icon": ICONS["set"], "said": _("Set %(field)s to %(value)s") % {"field": step.set, "value": step.to}}
    if isinstance(step, WaitStep):
        return row | {"kind": "wait", "icon": ICONS["wait"], "said": _("Wait %(days)s") % {"days": days(step.wait)}}
    if isinstance(step, UntilStep):
        most = _("at most %(days)s") % {"days": days(step.at_most)}
        return row | {"kind": "until", "icon": ICONS["until"], "said": _("Wait until %(what)s") % {"what": words}, "more": most}
    if isinstance(step, BranchStep):
        return row | {"kind": "if", "icon": ICONS["if"], "said": _("Is it so that %(what)s?") % {"what": words}}
    assert isinstance(step, CallStep)
    said = _("Begin the play “%(name)s”") % {"name": plays.get(step.play, step.play)}
    return row | {"kind": "play", "icon": ICONS["play"], "said": said, "url": reverse("play", args=[step.play])}
