"""Flow: how does revenue flow through the four letters, and where does it leak? Cohorts through the joints, tied to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.scope import Scope
from laer.flow.joints import AFTER, BEFORE, CHAIN, JOINTS, NOWHERE, STAGES, STATES, Joints
from laer.flow.statement import Cell, Flow, Part
from laer.records.money import minor_units, rounded, rounded_together
from laer.records.periods import date_of, month_name, month_of
from laer.web.pages import flow_accounts, flow_words
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import MONEY, PERCENT, Asked, meaning_of_measure, said, tile
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import flowing, in_use, snapshots
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import number, percent

LEDGER = ("landed", "expansion", "reactivation", "contraction", "churn")
CROSSED = ("entering", "leaving")
TREND = 18  # cohorts of a joint's line
BEFORE_WORD = "before"  # in an address


@dataclass(frozen=True)
class Chosen:
    """The cohorts that the address names: first..last as month numbers, None without that end; its own text; what the page calls it."""

    text: str = ""
    first: int | None = None
    last: int | None = None

    @property
    def label(self) -> str:
        if self.first is None:
            return _("all accounts")
        if self.first == BEFORE:
            return _("accounts of before records")
        name = self.text if len(self.text) == 4 else flow_words.cohort_name(self.first)
        return _("accounts landed in %(period)s") % {"period": name}


def chosen(text: str) -> Chosen:
    """`2026`, `2026-03`, `before`; anything else is all of them."""
    if text == BEFORE_WORD:
        return Chosen(text, BEFORE, BEFORE)
    if len(text) == 4 and text.isascii() and text.isdigit():
        first = (int(text) - 1970) * 12
        return Chosen(text, first, first + 11)
    try:
        return Chosen(text, month_of(text), month_of(text))
    except ValueError:
        return Chosen()


@dataclass(frozen=True)
class Shown:
    """What the parts of the page are made of."""

    flow: Flow
    split: Flow
    joints: Joints
    cohort: Chosen
    asked: Asked

    @property
    def currency(self) -> str:
        return self.flow.currency

    @cached_property
    def part(self) -> Part:
        return self.flow.part(self.cohort.first, self.cohort.last)

    def money(self, amount: Fraction) -> str:
        return said(amount, MONEY, self.currency)[0]

    def behind(self, *, cohort: str | None = None, by: str = "", value: str | None = None, **asked: str) -> str:
        """The address of the accounts behind a cell."""
        query = {"cohort": self.cohort.text if cohort is None else cohort, **asked, TEAM: self.asked[TEAM]}
        query |= {"by": by, "value": value or flow_accounts.NOT_SAID} if value is not None else {}
        return f"{reverse('flow_accounts')}?{urlencode({k: v for k, v in query.items() if v} | dict(self.asked.then))}"


@require_safe
@as_then
def flow(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What was landed, how far it came through live, activated, outcome, expanded and renewed, and where it leaked: by cohort, to the cent."""
    user, run = user_of(request), then.run
    looked = looked_at(request)
    scope = looked.scope
    asked = Asked(request, "flow", {"by": tuple(flow_words.BY)}, ("cohort", TEAM), then.query)
    shown = shown_of(run, scope, asked) if run and snapshots.is_there(run.pk) else None
    if shown is not None and (form := format_of(request)):
        return _download(shown, form)
    nothing = shown is None or not shown.flow.cohorts
    context: dict[str, Any] = {
        "title": _("Flow"),
        "nothing": _nothing() if nothing else None,
        "state": state_of(run, scope, then, None if shown is None or nothing else _accounts(shown)) | {"whose": looked.whose},
        "team_chip": looked.chip(asked),
        "download_url": None if nothing else asked.url(format="csv"),
    }  # fmt: skip
    if shown is not None and not nothing:
        context |= {
            "worst": worst_leak(shown), "figures": _figures(shown), "picture": _picture(shown), "joints": _joints(shown), "periods": _periods(shown),
            "cohorts": _cohorts(shown), "split": _split(shown), "tabs": tabs(then, "flow"),
            "definition_url": reverse("definition", args=["joints", shown.joints.id]) if user.role in ("admin", "lead") else None,
        }  # fmt: skip
    return render(request, "pages/flow.html", context | then.context(request, asked.url()))


def tabs(then: Then, active: str) -> list[dict[str, Any]]:
    """The views of Flow."""
    views = (("flow", _("Leaks and joints")), ("board", _("Board")))
    query = f"?{urlencode(dict(then.query))}" if then.query else ""
    return [{"title": title, "url": reverse(route) + query, "active": route == active} for route, title in views]


def shown_of(run: PassRun, scope: Scope, asked: Asked) -> Shown:
    joints = in_use.joints_of(run)
    return Shown(flowing.flow_of(run, scope, joints), flowing.flow_of(run, scope, joints, asked["by"]), joints, chosen(asked["cohort"]), asked)


def _nothing() -> dict[str, Any]:
    return {
        "icon": "route", "title": _("Nobody pays yet, as far as this book knows"),
        "text": _("Subscription lines fill this page. Onboarding plans, usage, outcomes and contracts with an end make its joints known."),
        "action": {"label": _("Import subscription lines"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _accounts(shown: Shown) -> str:
    n = shown.part.accounts
    return ngettext("%(n)s account that ever paid", "%(n)s accounts that ever paid", n) % {"n": number(n)} + f" · {shown.cohort.label}"


def _periods(shown: Shown) -> list[dict[str, Any]]:
    """All, each year, before records: a month is chosen in the table of cohorts."""
    texts = cohort_choices(shown.flow.cohorts, shown.cohort)
    active = shown.cohort.text if shown.cohort.first is not None else ""
    return [{"label": label, "url": shown.asked.url(cohort=text), "active": text == active} for text, label in texts.items()]


def cohort_choices(cohorts: Sequence[int], active: Chosen) -> dict[str, str]:
    """What an address says of cohorts -> its label: all, the last years, before records, and the month that is chosen."""
    years = sorted({1970 + cohort // 12 for cohort in cohorts if cohort != BEFORE}, reverse=True)[:6]
    texts = {"": _("All cohorts"), **{str(year): str(year) for year in years}, **({BEFORE_WORD: _("Before records")} if BEFORE in cohorts else {})}
    if active.text and active.text not in texts and active.first is not None:
        texts[active.text] = flow_words.cohort_name(active.first)
    return texts


def worst_leak(shown: Shown) -> dict[str, Any] | None:
    """The worst leak as a sentence: how much, where, between whom, of whom; and what is at risk."""
    part, risk = shown.part, shown.part.at_risk
    late = None
    if risk.accounts:
        pays = ngettext("%(n)s account that pays %(mrr)s is late at a joint", "%(n)s accounts that pay %(mrr)s are late at a joint", risk.accounts)
        late = {"text": pays % {"n": number(risk.accounts), "mrr": shown.money(risk.mrr)}, "url": shown.behind(joint="any", state="late")}
    worst = part.worst()
    if worst is None:
        text = _("No churn and no contraction of %(whom)s is in this book.") % {"whom": shown.cohort.label}
        return {"title": _("Nothing has leaked"), "text": text, "late": late}
    stage, amount = worst
    facts = {
        "amount": shown.money(amount), "where": flow_words.WHERE[stage], "share": percent(float(amount / part.leaked), 0), "all": shown.money(part.leaked),
        "landed": percent(float(amount / part.moves["landed"]), 1) if part.moves["landed"] else "",
    }  # fmt: skip
    title = _("The worst leak: %(amount)s of MRR, %(where)s") % facts
    if stage == NOWHERE:
        title = _("%(amount)s of MRR leaked, and nothing says at which joint") % facts
    text = _("%(share)s of the %(all)s that leaked by churn and contraction; %(landed)s of what was landed.") % facts
    own = [(value, shown.split.part(shown.cohort.first, shown.cohort.last, value).leak(stage)) for value in shown.split.values]
    value, most = max(own, key=lambda item: item[1])
    by = shown.asked["by"]
    if len(own) > 1 and most > 0:
        name = flow_words.value_name(by, value) or _("not said")
        said_of = {"share": percent(float(most / amount), 0), "dimension": flow_words.BY[by], "value": name}
        text += " " + _("%(share)s of it: %(dimension)s %(value)s.") % said_of
    if stage == NOWHERE and (unknown := _without_source(part)):
        text += " " + _("Nothing is known of: %(joints)s.") % {"joints": ", ".join(str(flow_words.JOINTS[joint]).lower() for joint in unknown)}
    return {
        "title": title, "text": text, "late": late, "url": shown.behind(move="leaked", stage=stage),
        "pair": flow_words.pair_name(shown.joints.pair(stage)) if stage in CHAIN else None,
    }  # fmt: skip


def _without_source(part: Part) -> list[str]:
    """Joints of the chain of which nothing is known of anybody."""
    return [joint for joint in CHAIN if part.joints[joint]["unknown"].accounts == part.accounts]


def _figures(shown: Shown) -> list[dict[str, Any]]:
    part, money = shown.part, shown.currency
    landed = part.moves["landed"]

    def of_landed(amount: Fraction) -> str:
        return _("%(share)s of what was landed") % {"share": percent(float(amount / landed), 0)} if landed else ""

    grown = part.moves["expansion"] + part.moves["reactivation"]
    return [
        tile(_("Landed MRR"), landed, MONEY, money, url=shown.behind(move="landed"), known=_n_accounts(part.accounts),
            meaning=_means("flow_landed", _("Landed MRR"), _("What accounts paid on the first day on which they ever paid, or when records began."))),
        tile(_("Grown since"), grown, MONEY, money, url=shown.behind(move="grown"), known=of_landed(grown),
            meaning=_means("flow_grown", _("Grown since"), _("Expansion and reactivation, as the ledger books them: an inflow."))),
        tile(_("Leaked"), part.leaked, MONEY, money, url=shown.behind(move="leaked"), known=of_landed(part.leaked),
            meaning=_means("flow_leaked", _("Leaked"), _("Churn and contraction, as the ledger books them, and nothing else."))),
        tile(_("MRR now"), part.closing, MONEY, money, url=shown.behind(standing="all"),
            known=_("landed + grown - leaked, to the cent"),
            meaning=_means("flow_mrr", _("MRR now"),
                _("Landed, plus expansion and reactivation, less contraction and churn. All cohorts add up to the MRR of Revenue."))),
        tile(_("At risk"), part.at_risk.mrr, MONEY, money, url=shown.behind(joint="any", state="late"), known=_risk_known(part),
            meaning=_means("flow_at_risk", _("At risk"),
                _("What accounts pay that are late to be live, activated, at an outcome or renewed, each counted once."))),
        tile(_("Renewed at the first due date"), part.rate("renewed"), PERCENT, known=_decided(part, "renewed"),
            url=shown.behind(joint="renewed", state="passed"), meaning=meaning_of_measure("flow_renewed"),
            missing={"text": _("No first due date of them has come yet, or no contract says when it ends.")}),
    ]  # fmt: skip


def _means(measure: str, title: str, text: str) -> dict[str, Any]:
    return {"title": title, "text": text, "method": "flow", "url": reverse("measure", args=[measure])}


def _n_accounts(n: int) -> str:
    return ngettext("%(n)s account", "%(n)s accounts", n) % {"n": number(n)}


def _risk_known(part: Part) -> str:
    """Of how many, and where nothing is known: 0 there would read as nobody at risk."""
    n, without = _n_accounts(part.at_risk.accounts), len(_without_source(part))
    if not without:
        return n
    said = {"n": number(without), "all": number(len(CHAIN))}
    return n + " · " + ngettext("%(n)s joint of %(all)s unknown", "%(n)s joints of %(all)s unknown", without) % said


def _decided(part: Part, joint: str) -> str:
    cells = part.joints[joint]
    n = {state: cells[state].accounts for state in ("passed", "late", "lost")}
    return _("%(passed)s passed, %(late)s late, %(lost)s lost") % {state: number(count) for state, count in n.items()} if sum(n.values()) else ""


def _picture(shown: Shown) -> dict[str, Any]:
    """The table as a picture: what came in, what went on from joint to joint, what leaked and where it stands. Data of frontend/src/charts/sankey.js."""
    names: dict[str, tuple[str, str, str | None]] = {
        "landed": (_("Landed"), "in", shown.behind(move="landed")), "grown": (_("Grown"), "in", shown.behind(move="grown")),
    }
    for stage in STAGES:
        names[stage] = (str(flow_words.HERE[stage]), "stage", None)
        leaked = _("Leaked, joint unknown") if stage == NOWHERE else _("Leaked %(where)s") % {"where": flow_words.WHERE[stage]}  # a label has little room
        names[f"leaked:{stage}"] = (leaked, "leak", shown.behind(move="leaked", stage=stage))
        names[f"standing:{stage}"] = (_("Now: %(place)s") % {"place": flow_words.ON_THE_WAY[stage]}, "now", shown.behind(standing=stage))
    edges = shown.part.edges()
    places = minor_units(shown.currency)
    used = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target))
    rows = []
    for edge in edges:
        text, exact = said(edge.amount, MONEY, shown.currency)
        rows.append({"source": names[edge.source][0], "target": names[edge.target][0], "text": text, "title": exact,
                     "url": names[edge.target][2] or names[edge.source][2]})  # fmt: skip
    return {
        "data": {
            "currency": shown.currency,
            "nodes": [{"id": name, "name": names[name][0], "kind": names[name][1], "url": names[name][2]} for name in used],
            "links": [{"source": e.source, "target": e.target, "value": str(rounded(e.amount, places)), "url": names[e.target][2]} for e in edges],
        },
        "rows": rows,
    }  # fmt: skip


def _joints(shown: Shown) -> dict[str, Any]:
    """Joints as rows: the pair, the rate, who is what there, what leaked on the way to it, and how the rate moved from cohort to cohort."""
    part = shown.part
    rows = [_joint(shown, part, joint) for joint in JOINTS]
    for stage in (AFTER, NOWHERE):
        if part.leak(stage) or part.standing[stage].accounts:
            rows.append({"name": flow_words.WHERE[stage], "rest": True, "leak": _amount(shown, part.leak(stage), move="leaked", stage=stage),
                         "standing": _amount(shown, part.standing[stage].mrr, standing=stage)})  # fmt: skip
    heads = [{"title": flow_words.STATES[state], "means": flow_words.STATE_MEANS[state]} for state in STATES]
    return {"rows": rows, "heads": heads, "leaked": _amount(shown, part.leaked, move="leaked")}


def _joint(shown: Shown, part: Part, joint: str) -> dict[str, Any]:
    rate, deadlines = part.rate(joint), shown.joints.deadlines
    days = getattr(deadlines, joint, None)
    line = [shown.flow.part(cohort, cohort).rate(joint) for cohort in reversed(shown.flow.cohorts[:TREND]) if cohort != BEFORE]
    points = [None if one is None else float(one) for one in line]
    spark = {"values": points, "label": _("%(joint)s by cohort") % {"joint": flow_words.JOINTS[joint]}} if sum(p is not None for p in points) > 1 else None
    cells = []
    for state in STATES:
        cell = part.joints[joint][state]
        amount = cell.landed if state == "lost" else cell.mrr
        text, exact = said(amount, MONEY, shown.currency)
        cells.append({"state": state, "accounts": cell.accounts, "text": text, "title": exact, "label": flow_words.STATES[state],
                      "url": shown.behind(joint=joint, state=state) if cell.accounts else None})  # fmt: skip
    by = _("%(n)s days from the first paid day") % {"n": number(days)} if days else _("the first due date")
    return {
        "name": flow_words.JOINTS[joint], "means": flow_words.MEANS[joint], "pair": flow_words.pair_name(shown.joints.pair(joint)), "by": by,
        "rate": None if rate is None else percent(float(rate), 0), "cells": cells, "known": _decided(part, joint),
        "spark": spark,
        "leak": _amount(shown, part.leak(joint), move="leaked", stage=joint) if joint in CHAIN else None,
    }  # fmt: skip


def _amount(shown: Shown, amount: Fraction, **asked: str) -> dict[str, Any]:
    text, exact = said(amount, MONEY, shown.currency)
    return {"text": text, "title": exact, "url": shown.behind(**asked) if amount else None}


def _columns(rows: Sequence[Part], names: Sequence[str], currency: str) -> list[list[Any]]:
    """Amounts of each row, rounded down every column so that the column adds up to its total (rule 14)."""
    places = minor_units(currency)
    columns = [rounded_together([_of(part, name) for part in rows], places) for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def _of(part: Part, name: str) -> Fraction:
    return {"closing": part.closing, "risk": part.at_risk.mrr}.get(name) if name in ("closing", "risk") else part.moves[name]  # type: ignore[return-value]


def _cohorts(shown: Shown) -> dict[str, Any]:
    """The flow ledger: each cohort's identity, and what of it passed each joint. All of them, whatever is chosen."""
    cohorts = shown.flow.cohorts
    parts = [shown.flow.part(cohort, cohort) for cohort in cohorts]
    names = (*LEDGER, "closing", "risk")
    made = _columns(parts, names, shown.currency)
    rows = []
    for cohort, part, amounts in zip(cohorts, parts, made, strict=True):
        text = BEFORE_WORD if cohort == BEFORE else month_name(cohort)
        rows.append({
            "name": flow_words.cohort_name(cohort), "url": shown.asked.url(cohort=text), "accounts": part.accounts, "active": text == shown.cohort.text,
            "cells": _cells(shown, names, amounts, cohort=text), "rates": [_rate(shown, part, joint, text) for joint in JOINTS],
        })  # fmt: skip
    whole = shown.flow.part()
    places = minor_units(shown.currency)
    total = [rounded(_of(whole, name), places) for name in names]
    return {
        "rows": rows, "heads": [*(flow_words.MOVES[name] for name in LEDGER), _("MRR now"), _("At risk")],
        "rates": [flow_words.JOINTS[joint] for joint in JOINTS],
        "total": {"accounts": whole.accounts, "cells": _cells(shown, names, total, cohort=""), "rates": [_rate(shown, whole, j, "") for j in JOINTS]},
    }  # fmt: skip


def _rate(shown: Shown, part: Part, joint: str, cohort: str) -> dict[str, Any]:
    rate = part.rate(joint)
    url = shown.behind(cohort=cohort, joint=joint, state="passed") if rate else None
    return {"text": "" if rate is None else percent(float(rate), 0), "label": flow_words.JOINTS[joint], "url": url, "title": _decided(part, joint)}


def _cells(shown: Shown, names: Sequence[str], amounts: Sequence[Any], **where: Any) -> list[dict[str, Any]]:
    cells = []
    for name, amount in zip(names, amounts, strict=True):
        asked = {"closing": {"standing": "all"}, "risk": {"joint": "any", "state": "late"}}.get(name, {"move": name})
        text, exact = said(amount, MONEY, shown.currency)
        label = {"closing": _("MRR now"), "risk": _("At risk")}.get(name) or flow_words.MOVES[name]
        cells.append({"text": text, "title": exact, "label": label, "zero": not amount, "url": shown.behind(**where, **asked) if amount else None})
    return cells


def _split(shown: Shown) -> dict[str, Any]:
    """The same of the chosen cohorts by a dimension, with where each leaks most."""
    by, split = shown.asked["by"], shown.split
    values = split.values
    parts = [split.part(shown.cohort.first, shown.cohort.last, value) for value in values]
    crossed = CROSSED if any(part.moves[name] for part in parts for name in CROSSED) else ()
    names = (*LEDGER, *crossed, "closing", "risk")
    rows = []
    for value, part, amounts in zip(values, parts, _columns(parts, names, shown.currency) if parts else [], strict=True):
        worst = part.worst()
        rows.append({
            "name": flow_words.value_name(by, value) or _("not said"), "blank": not value, "accounts": part.accounts,
            "cells": _cells(shown, names, amounts, by=by, value=value),
            "worst": None if worst is None else {
                "where": flow_words.WHERE[worst[0]], "share": percent(float(worst[1] / part.leaked), 0),
                "url": shown.behind(by=by, value=value, move="leaked", stage=worst[0])},
        })  # fmt: skip
    labels = {"closing": _("MRR now"), "risk": _("At risk")}
    return {
        "rows": rows, "heads": [labels.get(name) or flow_words.MOVES[name] for name in names], "active": flow_words.BY[by],
        "dimensions": shown.asked.switch("by", flow_words.BY, "by"),
    }  # fmt: skip


def _download(shown: Shown, form: str) -> HttpResponseBase:
    """The flow ledger as a file: a row per cohort, exact to the minor unit down every column."""
    cohorts = shown.flow.cohorts
    parts = [shown.flow.part(cohort, cohort) for cohort in cohorts]
    names = (*LEDGER, "closing", "risk")
    made = _columns(parts, names, shown.currency) if parts else []
    header = ("cohort", "accounts", *(f"{name}_mrr" for name in names), *(f"{joint}_{state}" for joint in JOINTS for state in STATES), "currency")

    def cell(value: Cell) -> int:
        return value.accounts

    rows = (
        (BEFORE_WORD if cohort == BEFORE else month_name(cohort), part.accounts, *(Money(amount, shown.currency) for amount in amounts),
         *(cell(part.joints[joint][state]) for joint in JOINTS for state in STATES), shown.currency)
        for cohort, part, amounts in zip(cohorts, parts, made, strict=True)
    )  # fmt: skip
    return export(f"flow-{date_of(shown.flow.day)}", header, rows, form)


urlpatterns = [path("flow/", flow, name="flow"), path("flow/accounts/", flow_accounts.behind, name="flow_accounts")]
