"""Signals: what does the machine notice, and is it right? The list with what stands; one signal with its record, the past, and why or why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.conditions.tree import Test, derived
from laer.conditions.truth import Explained
from laer.cycle.definitions import conditions_of, read
from laer.cycle.replaying import Replayed
from laer.cycle.run_tables import QuestionFault
from laer.records.money import minor_units
from laer.records.periods import date_of
from laer.signals.signal import OUTCOMES, Signal
from laer.web.book import definitions
from laer.web.book.definitions import may_define
from laer.web.book.models import Definition
from laer.web.book.scope import scope_of, visible_accounts
from laer.web.pages.account_named import account_named
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money
from laer.web.pages.lists import Value, filed
from laer.web.pages.measure_words import plain, said, text
from laer.web.runs import episodes, fact_filters, signal_treated, signalling
from laer.web.runs.latest import last_run
from laer.web.runs.queries import currency_of
from laer.web.runs.signal_treated import Treated
from laer.web.templatetags.laer import money, money_short, number, percent
from laer.web.wording import gettext_lazy
from laer.web.work.answers import standing_answers
from laer.web.work.models import Answer

LATELY = 30  # days
SHOWN, CHUNK = 100, 1_000
TONES = {"low": "outline", "medium": "info", "high": "warn", "urgent": "bad"}
SEVERITY = {"low": gettext_lazy("low"), "medium": gettext_lazy("medium"), "high": gettext_lazy("high"), "urgent": gettext_lazy("urgent")}
MOTIONS = {"land": gettext_lazy("Land"), "adopt": gettext_lazy("Adopt"), "expand": gettext_lazy("Expand"), "renew": gettext_lazy("Renew")}
COMES = dict(zip(OUTCOMES, (
    gettext_lazy("the customer left"), gettext_lazy("MRR was lost"), gettext_lazy("a ticket escalated"), gettext_lazy("MRR grew"),
), strict=True))  # fmt: skip
STATUSES = {"draft": gettext_lazy("draft"), "trial": gettext_lazy("trial"), "stable": gettext_lazy("in use"), "retired": gettext_lazy("retired")}


@require_safe
def signals(request: HttpRequest) -> HttpResponseBase:
    """Every signal with what stands in one's own scope, and what opened and closed within a month."""
    user, run = user_of(request), last_run()
    scope, currency = scope_of(user), currency_of(run)
    counted = episodes.counted(scope, run.as_of - timedelta(days=LATELY)) if run else {}
    rows = [_row(row, counted.get(row.name, {}), currency) for row in definitions.in_force("signal")]
    rows.sort(key=lambda row: (row["order"], -row["standing"], row["name"]))
    if file := filed(request, f"signals-{run.as_of if run else 'none'}", CELLS, lambda: rows):
        return file
    groups = [{"key": key, "title": MOTIONS[key], "rows": [row for row in rows if row["motion"] == key]} for key in MOTIONS]
    context = {
        "groups": [group for group in groups if group["rows"]],
        "lately": LATELY,
        "download_url": request.path if rows else None,
        "new_url": reverse("definition_new", args=["signal"]) if may_define(user, "signal") else None,
        "definitions_url": reverse("definitions") if may_define(user, "signal") else None,
        "state": {"shown": ngettext("%(n)s signal", "%(n)s signals", len(rows)) % {"n": number(len(rows))}, **state_of(run, scope.everything)},
    }
    return render(request, "pages/signals.html", context)


CELLS: dict[str, Value] = {
    **{name: itemgetter(name) for name in ("id", "name", "motion", "severity", "status", "contractual", "standing", "opened", "closed")},
    "arr": lambda row: Money(row["arr_amount"], row["currency"]), "currency": itemgetter("currency"), "next_step": itemgetter("next_step"),
}  # fmt: skip


def _row(row: Definition, counted: Mapping[str, Any], currency: str) -> dict[str, Any]:
    signal = episodes.signal_of(row.text)
    arr = major(counted.get("arr_minor", 0), currency)
    severity = signal.severity if signal else "medium"
    return {
        "id": row.name, "name": row.title, "url": reverse("signal", args=[row.name]), "motion": signal.motion if signal else "adopt",
        "severity": severity, "severity_text": SEVERITY[severity], "tone": TONES[severity], "status": row.status,
        "status_text": STATUSES.get(row.status, row.status),
        "in_use": row.status == "stable", "trial": row.status == "trial", "contractual": bool(signal and signal.contractual),
        "description": signal.description if signal else "", "next_step": signal.next_step if signal else "",
        "standing": counted.get("standing", 0), "opened": counted.get("opened", 0), "closed": counted.get("closed", 0),
        "arr": money_short(arr, currency), "arr_exact": money(arr, currency), "arr_amount": arr, "currency": currency,
        "order": (list(MOTIONS).index(signal.motion) if signal else 9),
    }  # fmt: skip


@require_safe
def signal(request: HttpRequest, signal_id: str) -> HttpResponseBase:
    """One signal: when it fires in words, for whom it stands, and under `why` why it does or does not for one account."""
    user, run, row = user_of(request), last_run(), _held(signal_id)
    scope, currency, one = scope_of(user), currency_of(run), episodes.signal_of(row.text)
    view = "closed" if request.GET.get("view") == "closed" else "standing"
    found = episodes.seen_by(scope).filter(signal=row.name, closed_on__isnull=view == "standing").order_by("-closed_on", "-opened_on",
    "-account__card__arr_minor")
    if file := filed(request, f"{row.name}-{view}", EPISODES, lambda: _episodes(found.values(*episodes.SHOWN).iterator(chunk_size=CHUNK), currency)):
        return file
    rows = list(_episodes(found.values(*episodes.SHOWN)[: SHOWN + 1], currency))
    known = definitions.known()
    good = one is not None and not read("signal", row.text, known, row.name).faults
    when = close = None
    if one is not None and good:
        opens, closes = conditions_of(one, known.measures)
        when, close = fact_filters.words_of(opens, currency), fact_filters.words_of(closes, currency) if closes is not None else None
    counted = episodes.counted(scope, run.as_of - timedelta(days=LATELY)).get(row.name, {}) if run else {}
    context = {
        "signal": _row(row, counted, currency) | {
            "when": when, "close": close, "leads_to": COMES.get(one.leads_to) if one and one.leads_to else None, "within": one.within if one else 0,
            "evidence": [{"name": text(known.measures[name].name),
            "url": reverse("measure", args=[name])} for name in one.evidence if name in known.measures] if one else [],
            "false_alarms": one.false_alarms if one else (), "cases": one.cases if one else (), "readable": good,
            "edit_url": reverse("definition", args=["signal", row.name]) if may_define(user, "signal") else None, "version": row.version,
        },
        "figures": _figures(counted, currency),
        "record_url": reverse("signal_record", args=[row.name]) if run and good else None,
        "why": _why(request, run, one, currency) if run and one and good and request.GET.get("why") else None,
        "why_q": request.GET.get("why", ""),
        "view": view, "rows": rows[:SHOWN], "more": len(rows) > SHOWN,
        "download_url": f"{request.path}?view={view}" if rows else None,
        "state": state_of(run, scope.everything),
    }  # fmt: skip
    return render(request, "pages/signal.html", context)


EPISODES: dict[str, Value] = {
    "account_id": itemgetter("account_id"), "account": itemgetter("name"), "owner": itemgetter("owner"),
    "arr": lambda row: None if row["arr"] is None else Money(row["arr"], row["currency"]), "currency": itemgetter("currency"),
    "opened": itemgetter("opened_on"), "closed": itemgetter("closed_on"), "stood_before": itemgetter("base"),
    "answer": lambda row: row["answer"]["kind"] if row["answer"] else None, "reason": lambda row: row["answer"]["reason"] if row["answer"] else None,
}  # fmt: skip


@require_safe
def record(request: HttpRequest, signal_id: str) -> HttpResponse:
    """How right the signal was over the past two years, and when it would have fired: asked for by its page once that stands."""
    user, run, row = user_of(request), last_run(), _held(signal_id)
    one, currency = episodes.signal_of(row.text), currency_of(run)
    if run is None or one is None:
        raise Http404
    scope = scope_of(user)
    try:
        found = signalling.replay(run, one, scope, definitions.known().measures)
    except TimeoutError:
        return render(request, "pages/signal_record.html", {"signal": {"name": row.title}, "late": True})
    except QuestionFault as fault:
        return render(request, "pages/signal_record.html", {"signal": {"name": row.title}, "fault": str(fault)})
    since = signal_treated.treated(one, found.outcomes, scope, run.as_of) if one.leads_to else None
    context = recorded(request, one, found, row.title, currency) | {"since": _since(since)}
    usual = found.record.usual if found.record else None
    if since and since.proposes_muting(one, usual):
        context["muting"] = {
            "said": _("Followed by it: %(share)s of %(n)s that nobody acted on, and %(usual)s of any customers. Ask yourself whether it is to go on.") % {
                "share": percent(since.untreated.precision, 0), "n": number(since.untreated.judged), "usual": percent(usual, 0)},
            "url": reverse("definition", args=["signal", row.name]) if may_define(user, "signal") else None,
        }  # fmt: skip
    return render(request, "pages/signal_record.html", context)


def _since(found: Treated | None) -> list[dict[str, Any]]:
    """Of live episodes: who acted and what came, as two rows; nothing before one can be judged."""
    if found is None or not (found.treated.judged or found.untreated.judged):
        return []
    rows = []
    for name, tally in ((_("Nobody acted"), found.untreated), (_("Answered as done, or a play ran"), found.treated)):
        spread = tally.between
        rows.append({
            "name": name, "judged": number(tally.judged), "right": number(tally.right), "share": percent(tally.precision, 0),
            "spread": _("%(low)s to %(high)s") % {"low": percent(spread[0], 0), "high": percent(spread[1], 0)} if spread else "",
        })  # fmt: skip
    return rows


def recorded(request: HttpRequest, one: Signal, found: Replayed, name: str, currency: str) -> dict[str, Any]:
    """The context of a replay: its figures, its dates, its latest episodes with what came."""
    days = [day for day, _opened, _stands in found.by_date]
    names = dict(visible_accounts(user_of(request)).filter(pk__in=[e.account for e in found.episodes[:SHOWN]]).values_list("id", "name"))
    made: list[dict[str, Any]] = []
    for episode in found.episodes:
        if len(made) == 40:
            break
        if episode.base or episode.account not in names:
            continue
        came = next((day for day in found.outcomes.get(episode.account, ()) if episode.opened < day <= episode.opened + one.within), None)
        over = bool(days) and episode.opened + one.within <= days[-1]
        made.append(
            {"name": names[episode.account], "url": reverse("account", args=[episode.account]), "opened": date_of(episode.opened),
             "closed": date_of(episode.closed) if episode.closed else None, "came": date_of(came) if came else None,
             "days": came - episode.opened if came else None, "open": came is None and not over}
        )  # fmt: skip
    data = {
        "unit": "number", "currency": currency, "x": [date_of(day).isoformat() for day in days],
        "series": [
            {"name": _("Standing"), "values": [stands for _day, _opened, stands in found.by_date], "dash": "solid", "area": True},
            {"name": _("Opened"), "values": [opened for _day, opened, _stands in found.by_date], "dash": "dash"},
        ],
    }  # fmt: skip
    return {
        "signal": {"name": name, "leads_to": COMES.get(one.leads_to) if one.leads_to else None, "within": one.within},
        "figures": _record_figures(one, found), "sentence": _sentence(one, found), "rows": made, "data": data if len(days) > 1 else None,
        "dates": [{"day": date_of(day), "opened": opened, "stands": stands} for day, opened, stands in reversed(found.by_date)],
        "unknown": percent(found.unknown, 0) if found.unknown else None, "first": date_of(days[0]) if days else None,
        "last": date_of(days[-1]) if days else None,
        "step": days[1] - days[0] if len(days) > 1 else 0,
    }  # fmt: skip


def _record_figures(one: Signal, found: Replayed) -> list[dict[str, Any]]:
    opened = sum(opened for _day, opened, _stands in found.by_date)
    weeks = (found.by_date[-1][0] - found.by_date[0][0]) / 7 if len(found.by_date) > 1 else 0
    figures = [{"label": _("Fired"), "value": number(opened),
    "hint": _("%(n)s a week") % {"n": number(round(Decimal(opened) / Decimal(weeks), 1))} if weeks else ""}]
    made = found.record
    if made is None:
        return figures
    right = _("%(right)s of %(judged)s") % {"right": number(made.right), "judged": number(made.judged)}
    spread = _("95 %%: %(low)s to %(high)s") % {"low": percent(made.low, 0), "high": percent(made.high, 0)} if made.low is not None else ""
    return [
        *figures,
        {"label": _("Right"), "value": percent(made.precision, 0), "hint": f"{right} · {spread}" if made.judged else _("none can be judged yet")},
        {"label": _("Of any customer"), "value": percent(made.usual, 0), "hint": _("within as many days, by chance")},
        {"label": _("Lead"), "value": number(None if made.lead is None else Decimal(made.lead)), "hint": _("days, the middle")},
        {"label": _("Forewarned"), "value": number(made.warned), "hint": _("of %(n)s in that time") % {"n": number(made.outcomes)}},
        {"label": _("Warned, then quiet"), "value": number(made.quiet), "hint": _("it closed and nothing came")},
    ]


def _sentence(one: Signal, found: Replayed) -> str:
    """What the record says, and no more than it says."""
    made = found.record
    if made is None:
        return _("It is said to lead to nothing: how often it fires is all that can be told.")
    if not made.judged:
        return _("No episode can be judged yet: the %(n)s days after each are not over.") % {"n": number(one.within)}
    if made.usual is None or made.low is None or made.high is None:
        return ""
    if made.low > made.usual:
        return _("It tells more than chance: it was followed within %(n)s days %(times)s times as often as for any customer.") % {
            "n": number(one.within), "times": number(round(Decimal(made.lift or 0), 1))}  # fmt: skip
    if made.high < made.usual:
        return _("It was followed less often than for any customer: as it stands, it says the opposite.")
    return _("Too few to tell it from chance: what it was followed by is as likely for any customer.")


def _why(request: HttpRequest, run: Any, one: Signal, currency: str) -> dict[str, Any]:
    """Why it opens for the account that was named, or why not."""
    user = user_of(request)
    account, q = account_named(user, request.GET.get("why", ""))
    if account is None:
        return {"missing": q}
    measures = definitions.known().measures
    opens, closes = signalling.explained(run, one, account.pk, scope_of(user), measures)
    words = {True: _("It fires for %(account)s."), False: _("It stays quiet for %(account)s."),
    None: _("Too little is known of %(account)s: it opens nothing.")}
    parts = [_part(part, measures, currency, depth) for part, depth in _flat(opens)]
    return {
        "account": {"name": account.name, "url": reverse("account", args=[account.pk])}, "said": words[opens.truth] % {"account": account.name},
        "tone": "warn" if opens.truth else "info", "parts": parts,
        "closes": closes is not None and closes.truth is True,
    }  # fmt: skip


def _flat(one: Explained, depth: int = 0) -> list[tuple[Explained, int]]:
    if not one.parts:
        return [(one, depth)]
    return [found for part in one.parts for found in _flat(part, depth)]


def _part(one: Explained, measures: Mapping[str, Any], currency: str, depth: int) -> dict[str, Any]:
    test = one.condition
    assert isinstance(test, Test)
    measure = measures.get(test.field) if not derived(test) else None
    value = None if one.seen is None else said(measure, plain(measure, one.seen), currency)["text"] if measure else _value(one.seen)
    return {
        "words": fact_filters.words_of(test, currency), "truth": one.truth, "value": value,
        "said": {True: _("holds"), False: _("does not hold"), None: _("unknown")}[one.truth],
        "tone": {True: "warn", False: "good", None: ""}[one.truth], "url": reverse("measure", args=[test.field]) if measure else None,
    }  # fmt: skip


def _value(seen: object) -> str:
    return (_("yes") if seen else _("no")) if isinstance(seen, bool) else number(Decimal(str(seen))) if isinstance(seen, int | float) else str(seen)


def _figures(counted: Mapping[str, Any], currency: str) -> list[dict[str, Any]]:
    arr = major(counted.get("arr_minor", 0), currency)
    within = ngettext("within %(n)s day", "within %(n)s days", LATELY) % {"n": number(LATELY)}
    return [
        {"label": _("Standing"), "value": number(counted.get("standing", 0)), "hint": _("accounts")},
        {"label": _("ARR"), "value": money_short(arr, currency), "title": money(arr, currency), "hint": _("of those accounts")},
        {"label": _("Opened"), "value": number(counted.get("opened", 0)), "hint": within},
        {"label": _("Closed"), "value": number(counted.get("closed", 0)), "hint": within},
    ]


def _episodes(found: Iterable[dict[str, Any]], currency: str) -> Iterator[dict[str, Any]]:
    """With their answers: a query for each CHUNK of them."""
    rows = iter(found)
    while part := list(islice(rows, CHUNK)):
        answers = standing_answers(item["id"] for item in part)
        yield from (_episode(item, answers.get(item["id"]), currency) for item in part)


def _episode(row: dict[str, Any], answer: Any, currency: str) -> dict[str, Any]:
    arr = row["account__card__arr_minor"]
    return {
        "account_id": row["account_id"], "name": row["account__name"], "url": reverse("account", args=[row["account_id"]]),
        "owner": row["account__card__owner_name"],
        "arr": None if arr is None else major(arr, currency), "currency": currency, "opened_on": row["opened_on"], "closed_on": row["closed_on"],
        "base": row["base"],
        "answer": {"kind": str(Answer(answer.kind).label), "reason": answer.reason, "who": answer.person.name if answer.person else None} if answer else None,
    }  # fmt: skip


def _held(name: str) -> Definition:
    row = definitions.current("signal", name)
    if row is None:
        raise Http404
    return row


def major(amount: int, currency: str) -> Decimal:
    """Minor units as units of the currency."""
    return Decimal(amount).scaleb(-minor_units(currency))


urlpatterns: list[URLPattern] = [
    path("signals/", signals, name="signals"),
    path("signals/<slug:signal_id>/", signal, name="signal"),
    path("signals/<slug:signal_id>/record/", record, name="signal_record"),
]
