"""The four letters of Home: for each one figure with its trend, one leak of the flow, and the five accounts to look at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle import terms
from laer.cycle.scope import Scope
from laer.flow.joints import AFTER, JOINTS
from laer.records.periods import date_of, day_number, month_name
from laer.web.pages import adopt, expand, flow_words
from laer.web.pages.flow import Shown as Flowing
from laer.web.pages.motion import DAYS, MONEY, PERCENT, Asked, meaning_of_measure, said, tile
from laer.web.pages.motion_accounts import named
from laer.web.pages.renewal_calls import SAID, TONES, calls_by_contract
from laer.web.pages.team_filter import TEAM
from laer.web.people.models import User
from laer.web.runs.landing import Firm
from laer.web.runs.latest import mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.motions import Listed, View, all_of, listed_of, paying
from laer.web.runs.renewing import Renewals
from laer.web.templatetags.laer import day, month, number, percent
from laer.web.work.calls import standing_calls

TILES = ("new_mrr_firm", "activation_rate", "expansion_mrr_firm", "renewal_rate_gross")
MEASURES = (*dict.fromkeys((*adopt.MEASURES, *expand.MEASURES, "first_paid_on")),)
ROWS = 5
memory = Memory(50)
Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The accounts of a list: the view they are of, the first five, how many there are and their MRR."""

    view: str = ""
    rows: tuple[Row, ...] = ()
    count: int = 0
    mrr: float = 0.0


@dataclass(frozen=True)
class Lists:
    """What the letters read of the run's facts, under a scope. seats_known: of whether anybody's taken seats are known."""

    paying: int
    newest: Found
    adopt: Found
    expand: Found
    unworked: Found
    seats_known: bool


def lists_of(run: PassRun, scope: Scope) -> Lists | None:
    """Remembered for the run: facts are read once, not at every look. None where the run has none."""

    def made() -> Lists | None:
        listed = listed_of(run, scope, MEASURES, "segment", day_number(run.as_of))
        return None if listed is None else _lists(listed)

    found: Lists | None = memory.get(("lists", scope.key), mark(run), made)
    return found


def _lists(listed: Listed) -> Lists:
    pay = paying(listed.table)
    newest = View(paying, (("first_paid_on", "descending"), ("mrr", "descending")))
    adopted, expanded = ({name: one.view for name, one in views.items()} for views in (adopt.views_of(listed.day), expand.views_of()))
    return Lists(
        listed.count(pay), _found(listed, {"": newest}, ("",)), _found(listed, adopted, ("silent", "onboarding", "inactive")),
        _found(listed, expanded, ("unworked", "full", "grew")), _found(listed, expanded, ("unworked",)),
        bool(listed.count(all_of(pay, pc.is_valid(listed.table["seats_taken_share"])))),
    )  # fmt: skip


def _found(listed: Listed, views: Mapping[str, View], names: tuple[str, ...]) -> Found:
    """The first of some views that has accounts."""
    for name in names:
        if rows := listed.rows(views[name], None, 0, ROWS):
            mask = listed.mask(views[name])
            return Found(name, tuple(rows), listed.count(mask), listed.total(mask, "mrr"))
    return Found(names[0])


@dataclass(frozen=True)
class Seen:
    """What the letters are made of: of one run, under one scope."""

    run: PassRun
    scope: Scope
    asked: Asked
    lists: Lists
    firm: Firm
    flow: Flowing
    due: Renewals
    user: User

    def page(self, route: str, **query: str) -> str:
        """Another page, for the same team and run."""
        said = {**query, TEAM: self.asked[TEAM], **self.asked.then}
        text = urlencode({k: v for k, v in said.items() if v})
        return reverse(route) + (f"?{text}" if text else "")

    def money(self, amount: Any) -> tuple[str, str]:
        return said(amount, MONEY, self.run.currency)


def letters(seen: Seen) -> list[Row]:
    """L, A, E, R: letter, name, url, question, figure, span, leak, list."""
    made = [_land(seen), _adopt(seen), _expand(seen), _renew(seen)]
    names = _named(made)
    for one in made:
        one["list"]["rows"] = [row | {"name": names.get(row["account_id"], _("account %(id)s") % {"id": row["account_id"]}),
                                      "url": reverse("account", args=[row["account_id"]])} for row in one["list"]["rows"]]  # fmt: skip
    return made


def _named(made: list[Row]) -> dict[int, str]:
    """Names of all accounts that the lists show: one query."""
    ids = {row["account_id"] for one in made for row in one["list"]["rows"]}
    return {row["account_id"]: row["account"] for row in named([{"account_id": pk} for pk in sorted(ids)])}


def _figure(seen: Seen, measure: str, label: str, unit: str, *, times: int = 1, year: bool = False, **more: Any) -> Row:
    """A measure of the firm over the last twelve months against those before, with its line by month (`year`: of the twelve months to each month's end)."""
    firm = seen.firm
    points = (firm.to_month if year else firm.by_month)(measure)
    now, before, *line = [None if p.amount is None else p.amount * times for p in (firm.now(measure), firm.before(measure), *points)]
    query = {"measure": measure, "first": month_name(firm.months[0]), "last": month_name(firm.months[-1])}
    url = seen.page("report_behind", **query)
    made = tile(label, now, unit, seen.run.currency, before=before, points=line, meaning=meaning_of_measure(measure), url=url, **more)
    return made | {"from": month(month_name(firm.months[0])), "to": month(month_name(firm.months[-1]))}


def _land(seen: Seen) -> Row:
    missing = {"text": _("No subscription lines yet."), "url": reverse("import"), "action": _("Import a file")}

    def sub(row: Row) -> str:
        first = row["first_paid_on"]
        return _("since %(day)s") % {"day": day(date_of(int(first)))} if first is not None else _("nobody knows since when")

    rows = [_row(seen, row, sub(row)) for row in seen.lists.newest.rows]
    return {
        "letter": "L", "name": _("Land"), "url": seen.page("land"), "question": _("Do we win customers that we can keep?"),
        "figure": _figure(seen, "new_mrr_firm", _("New ARR, live"), MONEY, times=12, hint=_("in 12 months, 12 times MRR"), missing=missing),
        "leak": _leak(seen, ("live",)),
        "list": {"title": _("Landed last"), "rows": rows, "url": _newest_url(seen),
                 "count": seen.lists.newest.count, "empty": _("Nobody began to pay yet.")},
    }  # fmt: skip


def _newest_url(seen: Seen) -> str:
    """The list of those who pay, the newest first."""
    columns = [("columns", name) for name in ("first_paid_on", "segment", "mrr", "arr", "owner_name")]
    return f"{seen.page('accounts', state='paying', sort='-first_paid_on')}&{urlencode(columns)}"


def _adopt(seen: Seen) -> Row:
    missing = {"text": _("No usage that says it."), "url": reverse("import"), "action": _("Import usage")}
    found, name = seen.lists.adopt, seen.lists.adopt.view

    def sub(row: Row) -> str:
        if name == "silent" and row["last_used_on"] is not None:
            return _("last used %(day)s") % {"day": day(date_of(int(row["last_used_on"])))}
        if name == "onboarding" and row["onboarding_days_late"]:
            return _("late by %(days)s") % {"days": said(row["onboarding_days_late"], DAYS, "")[0]}
        return row["split"] or ""

    return {
        "letter": "A", "name": _("Adopt"), "url": seen.page("adopt"), "question": _("Do they use it, and reach what they bought it for?"),
        "figure": _figure(seen, "activation_rate", _("Activated"), PERCENT, hint=_("of paying accounts, now"), missing=missing),
        "leak": _leak(seen, ("activated", "outcome")),
        "list": {"title": adopt.views_of(day_number(seen.run.as_of))[name].title, "rows": [_row(seen, row, sub(row)) for row in found.rows],
                 "url": seen.page("adopt", view=name) + "#list", "count": found.count,
                 "empty": _("Nobody is silent, late or not activated, as far as is known.")},
    }  # fmt: skip


def _expand(seen: Seen) -> Row:
    missing = {"text": _("No subscription lines of these months."), "url": reverse("import"), "action": _("Import a file")}
    found, name = seen.lists.expand, seen.lists.expand.view

    def sub(row: Row) -> str:
        return _("%(share)s of seats taken") % {"share": percent(row["seats_taken_share"], 0)} if name != "grew" else row["split"] or ""

    return {
        "letter": "E", "name": _("Expand"), "url": seen.page("expand"), "question": _("Where is room and reason to grow, and whose is it?"),
        "figure": _figure(seen, "expansion_mrr_firm", _("Expansion ARR"), MONEY, times=12, hint=_("in 12 months, 12 times MRR"), missing=missing),
        "leak": _unworked(seen),
        "list": {"title": expand.views_of()[name].title, "rows": [_row(seen, row, sub(row)) for row in found.rows],
                 "url": seen.page("expand", view=name) + "#list", "count": found.count,
                 "empty": _("No account has nearly all its seats taken, as far as is known.")},
    }  # fmt: skip


def _unworked(seen: Seen) -> Row:
    """Expansion is an inflow: what is lost here is growth that nobody works on."""
    n = seen.lists.unworked.count
    if not seen.lists.seats_known:
        return {"text": _("No source says how many of the seats are taken."), "url": None, "tone": "", "more": None}
    if not n:
        return {"text": _("No account has full seats without an open deal."), "url": None, "tone": "good", "more": None}
    text = ngettext("%(n)s account has full seats and no deal open", "%(n)s accounts have full seats and no deal open", n)
    worth = _("%(amount)s of ARR") % {"amount": seen.money(seen.lists.unworked.mrr * 12)[0]}
    return {"text": text % {"n": number(n)}, "url": seen.page("expand", view="unworked") + "#list", "tone": "bad", "more": {"text": worth, "url": None}}


def _renew(seen: Seen) -> Row:
    calls = standing_calls(seen.user, until=seen.run.finished_at if seen.asked.then else None)
    due = seen.due.with_calls(calls_by_contract(calls))
    over = due.view(terms.UNRESOLVED)
    n = due.count(over)
    missing = {"text": _("No contract has come to its end yet."), "url": reverse("import"), "action": _("Import contracts")}
    if n:
        text = ngettext(
            "%(n)s contract has ended, and nobody said whether it was renewed.", "%(n)s contracts have ended, and nobody said whether they were renewed.", n
        ) % {"n": number(n)}
        missing = {"text": text, "url": seen.page("renewals", view=terms.UNRESOLVED), "action": _("Decide")}
    elif due.count(due.view(terms.PENDING)):
        missing = {"text": _("What came to its end is pending, within the grace."), "url": seen.page("renewals", view=terms.PENDING), "action": _("Look")}
    views = (  # the first of which there is any: the mask, its title, the page's view, and whether the largest stand first
        (due.in_doubt(), _("In doubt, next six months"), "doubt", True), (over, _("Expired, unresolved"), terms.UNRESOLVED, True),
        (due.near(), _("Due next"), "near", False),
    )  # fmt: skip
    mask, title, view, largest = next((one for one in views if due.count(one[0])), views[-1])
    chosen = due.rows(mask)
    chosen.sort(key=lambda row: (-row["arr"] if largest else 0, row["due_on"], -row["arr"], row["contract_id"]))
    rows = []
    for one in chosen[:ROWS]:
        text, exact = seen.money(one["arr"])
        ends = _("ended %(day)s") if view == terms.UNRESOLVED else _("ends %(day)s")
        rows.append({"account_id": one["account_id"], "sub": ends % {"day": day(one["ends_on"])}, "value": text, "title": exact,
                     "pill": str(SAID[one["call"]]), "tone": TONES[one["call"]]})  # fmt: skip
    return {
        "letter": "R", "name": _("Renew"), "url": seen.page("renewals"), "question": _("What falls due, and how likely is it?"),
        "figure": _figure(seen, "renewal_rate_gross", _("Renewed, by value"), PERCENT, year=True, hint=_("of ARR due in 12 months"), missing=missing),
        "leak": _leak(seen, ("renewed", AFTER)),
        "list": {"title": title, "rows": rows, "url": seen.page("renewals", view=view), "count": len(chosen),
                 "empty": _("No contract ends in the next six months.")},
    }  # fmt: skip


def _leak(seen: Seen, stages: tuple[str, ...]) -> Row:
    """Where most leaked of some stages of the flow, and who is late there."""
    part = seen.flow.part
    stage = max(stages, key=part.leak)
    amount, where = part.leak(stage), flow_words.WHERE[stage]
    joint = next((one for one in stages if one in JOINTS and part.joints[one]["late"].accounts), None)
    more = None
    if joint is not None:
        late = part.joints[joint]["late"]
        text = ngettext("%(n)s late, %(mrr)s at risk", "%(n)s late, %(mrr)s at risk", late.accounts)
        more = {"text": text % {"n": number(late.accounts), "mrr": seen.money(late.mrr)[0]}, "url": seen.flow.behind(joint=joint, state="late")}
    if not amount and not any(part.rate(one) is not None or part.joints[one]["due"].accounts for one in stages if one in JOINTS):
        # what nobody knows is no good news: the joints have no source, or none of these accounts has come to them
        return {"text": flow_words.NO_SOURCE[stages[0]], "url": None, "tone": "", "more": more}
    if not amount:
        return {"text": _("Nothing leaked %(where)s") % {"where": where}, "url": None, "tone": "" if more else "good", "more": more}
    text = _("%(amount)s of MRR leaked %(where)s") % {"amount": seen.money(amount)[0], "where": where}
    return {"text": text, "url": seen.flow.behind(move="leaked", stage=stage), "tone": "bad", "more": more}


def _row(seen: Seen, row: Row, sub: str) -> Row:
    text, exact = seen.money(None if row["mrr"] is None else row["mrr"] * 12)
    return {"account_id": row["account_id"], "sub": sub, "value": text, "title": exact}
