"""Today: what changed on my book, and what do I do next? Accounts by the money at stake, tasks that are due, renewals ahead."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle.own_measures import Measures
from laer.records.money import minor_units
from laer.signals.signal import Signal
from laer.web.book.actions import Refused
from laer.web.book.scope import editable_accounts, scope_of
from laer.web.pages.account_edit import came_from
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money, format_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.measure_words import plain, said, text
from laer.web.pages.signals import TONES as SEVERITY_TONES
from laer.web.people.formats import formats
from laer.web.people.models import Person, User
from laer.web.runs import episodes, todays, why
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import cards_of, currency_of
from laer.web.templatetags.laer import money, money_short, number
from laer.web.wording import gettext_lazy
from laer.web.work import actions
from laer.web.work import queries as work
from laer.web.work.answers import answer_episodes, answered_today, looked_at, mark_looked
from laer.web.work.models import Answer, Task
from laer.web.work.scope import visible_episodes

CHANGES, TASKS, AHEAD = 12, 6, 6
SINCE = 7  # days back where somebody has never marked anything as seen
REASONS = {
    "known": gettext_lazy("known, and dealt with"), "fine": gettext_lazy("no problem here"), "season": gettext_lazy("season or holidays"),
    "wrong": gettext_lazy("the data are wrong"),
}  # fmt: skip


@require_safe
def today(request: HttpRequest) -> HttpResponseBase:
    """One's own book, or under `whose=all` all that one may see: what stands by the money at stake, within the day's budget, and beside it what changed."""
    user, run = user_of(request), last_run()
    scope, currency = scope_of(user), currency_of(run)
    me = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    mine = _owns(run, me)
    whose = request.GET.get("whose", "")
    whose = whose if whose in ("mine", "all") else "mine" if mine else "all"
    owner = (me or 0) if whose == "mine" else None  # a reader who is no person has no book: nobody has the number 0
    if run is None:
        return render(request, "pages/today.html", {"state": state_of(None, scope.everything), "views": [], "figures": []})
    signals = {name: one for name, one in episodes.signals().items() if one.status == "stable"}
    answered, every, form = answered_today(user), request.GET.get("all") == "1", format_of(request)
    budget = todays.budget_of(user)
    pages = request.GET.get("more", "")
    most = SHOWN * (int(pages) if pages.isascii() and pages.isdigit() and 0 < len(pages) < 3 and pages != "0" else 1)
    day = todays.day_of(scope, run.as_of, signals, owner, budget=budget, answered=answered, most=None if form else most, every=every)
    listed = (*day.shown, *day.held)[: None if form else most]
    whole = day.fits + (day.held_n if every else 0)
    measures, facts = why.measures_of(run), {} if form else todays.facts_of(listed)
    editable = set(editable_accounts(user).filter(pk__in=[one.account_id for one in listed]).values_list("pk", flat=True)) if listed and not form else set()
    rows = [_item(one, facts.get(one.account_id, {}), signals, measures, currency, one.account_id in editable) for one in listed]
    if file := filed(request, f"today-{run.as_of}", CELLS, lambda: rows):
        return file
    since = looked_at(user) or run.as_of - timedelta(days=SINCE)
    cards = [one.card.id for one in why.scorecards(run).health]
    changed = todays.changes(scope, since, run.as_of, signals, owner, cards, CHANGES)
    context = {
        "views": _views(whose, bool(mine)), "whose": whose, "rows": rows,
        "more_url": f"?whose={whose}{'&all=1' if every else ''}&more={most // SHOWN + 1}" if whole > most else None, "currency": currency,
        "held": {"n": day.held_n, "arr": money_short(_major(day.held_arr_minor, currency), currency)} if day.held_n else None,
        "every": every, "every_url": f"?whose={whose}&all=1", "few_url": f"?whose={whose}", "budget": budget, "answered": answered, "away": day.later,
        "changes": [_change(one, currency) for one in changed], "since": since, "seen_once": looked_at(user) is not None,
        "tasks": _tasks(user), "tasks_url": reverse("tasks"), "ahead": _ahead(run, scope, owner, currency),
        "people": work.assignees() if editable else [], "me": me, "reasons": REASONS.items(), "tomorrow": formats().today() + timedelta(days=1),
        "next_week": formats().today() + timedelta(days=7), "download_url": request.get_full_path() if rows else None,
        "state": {"shown": ngettext("%(n)s account", "%(n)s accounts", whole) % {"n": number(whole)}, **state_of(run, scope.everything)},
    }  # fmt: skip
    return render(request, "pages/today.html", context)


SHOWN, EVIDENCE = 25, 3
CELLS: dict[str, Value] = {
    "account_id": lambda row: row["account_id"], "account": lambda row: row["name"], "owner": lambda row: row["owner"],
    "arr": lambda row: Money(row["arr_amount"], row["currency"]), "currency": lambda row: row["currency"], "ends": lambda row: row["ends_on"],
    "signals": lambda row: "; ".join(one["name"] for one in row["signals"]), "next_step": lambda row: row["next_step"],
}  # fmt: skip


def _owns(run: PassRun | None, me: int | None) -> bool:
    return me is not None and run is not None and AccountCard.objects.filter(owner_id=me).exists()


def _views(whose: str, owns: bool) -> list[dict[str, Any]]:
    return [
        {"title": _("My book"), "url": "?whose=mine", "active": whose == "mine"}, {"title": _("All I may see"), "url": "?whose=all", "active": whose == "all"}
    ] if owns else []


def _item(one: todays.Item, facts: dict[str, Any], signals: dict[str, Signal], measures: Measures, currency: str, editable: bool) -> dict[str, Any]:
    """A row: the account, what stands and since when, what was seen, why it matters, what to do."""
    arr = _major(one.arr_minor, currency)
    band = facts.get("health")
    first, said_once = signals[one.rows[0]["signal"]], set[str]()
    return {
        "account_id": one.account_id, "name": one.name, "owner": one.owner, "url": reverse("account", args=[one.account_id]),
        "arr": money_short(arr, currency), "arr_exact": money(arr, currency), "arr_amount": arr, "currency": currency, "ends_on": one.ends_on, "days": one.days,
        "due": one.due, "band": BANDS.get(band) if band else None, "band_tone": TONES.get(band or "", ""), "contract": one.passes,
        "signals": [_signal(row, signals[row["signal"]], facts, measures, currency, said_once) for row in one.rows],
        "next_step": first.next_step, "ids": ",".join(map(str, one.ids)), "editable": editable,
    }  # fmt: skip


def _signal(row: dict[str, Any], signal: Signal, facts: Any, measures: Measures, currency: str, said_once: set[str]) -> dict[str, Any]:
    """In: said_once: evidence that a signal above it has shown already."""
    evidence: list[dict[str, Any]] = []
    for name in signal.evidence:
        value = facts.get(name)
        if value is not None and name in measures and name not in said_once and len(evidence) < EVIDENCE:
            said_once.add(name)
            now = said(measures[name], plain(measures[name], value), currency)
            evidence.append({"name": text(measures[name].name), "text": now["text"], "unit": now["unit"], "title": now["title"]})
    return {
        "name": signal.name, "url": reverse("signal", args=[row["signal"]]), "tone": SEVERITY_TONES[signal.severity], "since": row["opened_on"],
        "base": row["base"],
        "evidence": evidence, "why_url": f"{reverse('signal', args=[row['signal']])}?why={row['account_id']}#why",
        "back": row["answer"] is not None,  # it was put off, and the day has come
    }  # fmt: skip


def _change(one: todays.Change, currency: str) -> dict[str, Any]:
    words = {"opened": _("%(what)s"), "closed": _("%(what)s is over"), "band": _("health %(before)s to %(what)s")}
    parts = {"what": BANDS.get(one.what, one.what), "before": BANDS.get(one.before, one.before)} if one.kind == "band" else {"what": one.what}
    return {
        "name": one.name, "url": reverse("account", args=[one.account_id]), "on": one.on, "text": words[one.kind] % parts, "better": one.better,
        "arr": None if one.arr_minor is None else money_short(_major(one.arr_minor, currency), currency),
    }  # fmt: skip


def _tasks(user: User) -> list[dict[str, Any]]:
    day = formats().today()
    rows: list[Task] = work.task_list(user, "mine").rows[:TASKS]
    return [
        {"title": row.title, "url": reverse("task", args=[row.pk]), "due_on": row.due_on, "late": row.due_on is not None and row.due_on < day,
         "account": row.account.name if row.account else None}
        for row in rows
    ]  # fmt: skip


def _ahead(run: PassRun, scope: Any, owner: int | None, currency: str) -> list[dict[str, Any]]:
    """The next contracts that end, soonest first. One query."""
    cards = cards_of(scope).filter(state="paying", contract_end_on__gte=run.as_of, contract_end_on__lte=run.as_of + timedelta(days=90))
    if owner is not None:
        cards = cards.filter(owner_id=owner)
    rows = cards.order_by("contract_end_on", "-arr_minor").values("account_id", "name", "contract_end_on", "arr_minor")[:AHEAD]
    return [
        {"name": row["name"], "url": reverse("account", args=[row["account_id"]]), "on": row["contract_end_on"],
        "days": (row["contract_end_on"] - run.as_of).days if row["contract_end_on"] else None,
         "arr": money_short(_major(row["arr_minor"] or 0, currency), currency)}
        for row in rows
    ]  # fmt: skip


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """Done, later or dismissed, for what stands for an account; or a task of it for somebody."""
    user = user_of(request)
    ids = [int(part) for part in request.POST.get("episodes", "").split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    do = request.POST.get("do", "")
    try:
        if do == "give":
            undo, words = _given(request, user, ids), _("Task added")
        else:
            kind, _sep, rest = do.partition(":")
            reason = request.POST.get("reason", "").strip() or str(REASONS.get(rest, ""))
            until = date.fromisoformat(rest) if kind == Answer.SNOOZED else None
            _done, change = answer_episodes(user, ids, kind, until_on=until, reason=reason if kind != Answer.SNOOZED else "")
            undo = reverse("work_undo", args=[change.pk]) if change else ""
            words = {Answer.DONE: _("Done"), Answer.SNOOZED: _("Put off"), Answer.DISMISSED: _("Dismissed")}[Answer(kind)]
    except (Refused, ValueError) as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    except PermissionDenied:
        messages.error(request, _("That account is not yours to answer for."))
    else:
        messages.success(request, words, extra_tags=f"undo:{undo}" if undo else "")
    return came_from(request, reverse("today"))


@transaction.atomic
def _given(request: HttpRequest, user: User, ids: list[int]) -> str:
    """A task of the next step, for whom it was given to; the signals are answered with it. Returns  the address that undoes both."""
    row = visible_episodes(user).filter(pk__in=ids).order_by("id").first()
    if row is None:
        raise PermissionDenied
    task, made = actions.create_task(
        user, {"title": request.POST.get("title", ""), "assignee": request.POST.get("person", ""), "due_on": request.POST.get("due_on", "")},
        row.account_id, row.pk,
    )  # fmt: skip
    _done, answered = answer_episodes(user, ids, Answer.DONE, reason=_("task: %(title)s") % {"title": task.title})
    undo = reverse("work_undo", args=[made.pk])
    return f"{undo}?with={answered.pk}" if answered else undo


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """What changed until now is seen."""
    mark_looked(user_of(request))
    return redirect("today")


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-minor_units(currency))


urlpatterns: list[URLPattern] = [
    path("today/", today, name="today"),
    path("today/answer/", answer, name="today_answer"),
    path("today/seen/", seen, name="today_seen"),
]
