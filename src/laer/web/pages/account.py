"""Account: how does this customer stand, and what is their story? One page with tabs, edited in place, every change with its undo."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.records.money import minor_units
from laer.web.book import actions, queries
from laer.web.book.models import Account, FieldChange
from laer.web.pages.accounts import chosen_person, user_of
from laer.web.people.models import User
from laer.web.runs import queries as runs
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.usage import Usage, weekly_usage
from laer.web.templatetags.laer import ago, day, money, money_short, number

TABS = (("overview", "Overview"), ("subscriptions", "Subscriptions"), ("contacts", "Contacts"), ("tickets", "Tickets"), ("usage", "Usage"), ("changes", "Changes"))
ABOUT = ("owner", "name", "domain", "segment", "industry", "country", "region", "employees", "signed_up_on", "lead_source", "churn_flag")
KINDS = {"integer": "number", "decimal": "number", "date": "date", "boolean": "boolean"}
TONES = {"active": "good", "trial": "info", "scheduled": "info", "ended": ""}
PRIORITIES = {"urgent": "bad", "critical": "bad", "p1": "bad", "high": "warn", "p2": "warn"}
YES_NO = ({"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"})
OVERVIEW_CHANGES = 8
OVERVIEW_CONTACTS = 5


@require_safe
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = _seen(request, account_id)
    tab = request.GET.get("tab", "overview")
    tab = tab if tab in dict(TABS) else "overview"
    run = runs.last_run()
    card = runs.card_of(row.pk)
    editor = queries.may_edit(user, row.pk)
    owners = queries.owners_of(row.pk)
    stale = row.archived_at is None and runs.recomputing(row, card, run)
    context: dict[str, Any] = {
        "account": _head(row, card, queries.current_owner(owners), runs.currency_of(run), stale),
        "state": {"as_of": run and run.as_of, "recomputing": stale},
        "header_figures": _figures(row, card, run),
        "tabs": _tabs(row, tab),
        "tab": tab,
        "archive_url": reverse("account_archive", args=[row.pk]) if editor and not row.archived_at else None,
        "restore_url": reverse("account_restore", args=[row.pk]) if editor and row.archived_at else None,
    }
    context |= TAB_CONTEXT[tab](request, user, row, run, editor and not row.archived_at, owners)
    context["notices"] = _notices(row, context.get("departures", []))
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
    response = render(request, "pages/account.html#tab" if fragment else "pages/account.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, account_id: int, name: str) -> HttpResponse:
    """One field: its form, and what answers it. With htmx the row of the field, else a page and a redirect."""
    user, row = _seen(request, account_id)
    if name not in ABOUT:
        raise Http404
    if row.archived_at or not queries.may_edit(user, row.pk):
        raise PermissionDenied
    page = reverse("account", args=[row.pk])
    in_place = request.headers.get("HX-Request") == "true"
    if request.method != "POST" and "cancel" in request.GET:
        return _fact(request, row, name) if in_place else redirect(page)
    if request.method != "POST":
        return _form(request, row, name, _raw(row, name), [], in_place)
    text = request.POST.get("value", "")
    try:
        change = actions.assign_owner(user, row.pk, chosen_person(text)) if name == "owner" else actions.edit_field(user, "accounts", row.pk, name, text)
    except actions.Refused as refused:
        return _form(request, row, name, text, [str(refused)], in_place)
    undo = reverse("change_undo", args=[change.pk]) if change else ""
    said = f"{_label(name)} changed" if change else f"{_label(name)} is as it was"
    after = queries.account_for(user, row.pk)
    if in_place and after:
        response = _fact(request, after, name)
        return _toast(response, said, undo)
    messages.success(request, said, extra_tags=f"undo:{undo}" if undo else "")
    target = page if after else reverse("accounts")
    if in_place:  # given away: it is on another's book now
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Put back what the person's own edit replaced. Somebody else's edit, or an account out of sight, is not there."""
    user = user_of(request)
    try:
        change = actions.undo_edit(user, change_id)
    except (ObjectDoesNotExist, PermissionDenied):
        raise Http404 from None
    except actions.Refused as refused:
        messages.warning(request, f"Not undone: {refused}")
        change = None
    else:
        messages.success(request, f"{queries.field_label(change)} is back to what it was" if change else "Nothing to undo")
    of = change.account_id if change else FieldChange.objects.get(pk=change_id).account_id
    return _back(request, reverse("account", args=[of]) if of else reverse("accounts"))


@require_POST
def archive(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = _seen(request, account_id)
    actions.archive_row(user, "accounts", row.pk)
    messages.success(request, f"{row.name} archived", extra_tags=f"undo:{reverse('account_restore', args=[row.pk])}")
    return redirect("accounts")


@require_POST
def restore(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = _seen(request, account_id)
    if row.archived_at:
        actions.restore_row(user, "accounts", row.pk)
        messages.success(request, f"{row.name} is back")
    return redirect("account", row.pk)


# What is seen


def _seen(request: HttpRequest, account_id: int) -> tuple[User, Account]:
    """The person and the account; where it is out of their sight it is not there, whatever they asked to do."""
    user = user_of(request)
    row = queries.account_for(user, account_id) if account_id < 2**63 else None
    if row is None:
        raise Http404
    return user, row


def _head(row: Account, card: AccountCard | None, owner: str | None, currency: str, stale: bool) -> dict[str, Any]:
    return {
        "account_id": row.pk, "name": row.name, "domain": row.domain, "url": reverse("account", args=[row.pk]), "segment": row.segment, "industry": row.industry,
        "country": row.country, "owner_name": owner, "currency": (card.currency if card else "") or currency, "archived": row.archived_at is not None, "recomputing": stale,
        "parent": row.parent if row.parent and not row.parent.archived_at else None, "paying": card.state if card else None,
    }  # fmt: skip


def _figures(row: Account, card: AccountCard | None, run: PassRun | None) -> list[dict[str, Any]]:
    """MRR, ARR, contract end, seats, open tickets, since when; what no pass has computed yet is unknown."""
    seats = {"label": "Seats", "value": number(row.seats), "hint": "on the lines in force"}
    open_tickets = {"label": "Open tickets", "value": number(row.open_ticket_count or 0), "hint": f"of {number(row.ticket_count or 0)}", "url": "?tab=tickets"}
    if card is None:
        unknown = [{"label": label, "value": number(None)} for label in ("MRR", "ARR")]
        return [*unknown, {"label": "Contract ends", "value": number(None), "word": True}, seats, open_tickets, _since(row, None)]
    currency = card.currency or runs.currency_of(run)
    places = minor_units(currency)
    mrr, arr = (Decimal(amount).scaleb(-places) for amount in (card.mrr_minor, card.arr_minor))
    policy = f"Policy {run.policy}, version {run.policy_version}" if run else None
    return [
        {"label": "MRR", "value": money_short(mrr, currency), "title": money(mrr, currency), "hint": {"paying": "paying", "churned": "has churned", "prospect": "never paid"}.get(card.state), "url": "?tab=subscriptions",
         "meaning": {"title": "MRR", "text": "The monthly value of all subscription lines in force, each as an exact fraction, rounded once.", "policy": policy}},
        {"label": "ARR", "value": money_short(arr, currency), "title": money(arr, currency), "meaning": {"title": "ARR", "text": "Twelve times MRR: what a year brings if nothing changes.", "policy": policy}},
        {"label": "Contract ends", "value": day(card.contract_end_on), "word": True, "hint": ago(card.contract_end_on) if card.contract_end_on else "no contract is known"},
        seats, open_tickets, _since(row, card),
    ]  # fmt: skip


def _since(row: Account, card: AccountCard | None) -> dict[str, Any]:
    first = card.first_paid_on if card else None
    return {"label": "Customer since", "value": day(first or row.signed_up_on), "word": True, "hint": "first paying day" if first else "signed up" if row.signed_up_on else None}


def _tabs(row: Account, tab: str) -> list[dict[str, Any]]:
    counts = {"subscriptions": row.subscription_count, "contacts": row.contact_count, "tickets": row.ticket_count}
    return [{"key": key, "title": title, "url": f"?tab={key}", "active": key == tab, "count": counts.get(key)} for key, title in TABS]


def _notices(row: Account, departures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    notices = []
    if row.archived_at:
        notices.append({"tone": "warn", "title": "This account is archived", "text": f"Since {day(row.archived_at)} it is left out of lists, searches and figures. Nothing is lost: restore it and it is as it was."})
    last = departures[0] if departures else None
    if last and not last["returned"] and last["effective_on"] > timezone.localdate():
        notices.append({"tone": "bad", "title": f"Leaves on {day(last['effective_on'])}", "text": " · ".join(t for t in (last["reason"], last["text"]) if t)})
    return notices


# Tabs: each gives the context that its template names


def _overview(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    until = run.as_of if run else timezone.localdate()
    months = runs.months_of(row.pk, until)
    currency = runs.currency_of(run)
    places = minor_units(currency)
    last_said = queries.last_changes(row.pk)
    found, _ = queries.changes(row.pk, size=OVERVIEW_CHANGES)
    chart = {"unit": "money", "currency": currency, "x": [m for m, _ in months], "series": [{"name": "MRR", "values": [Decimal(v).scaleb(-places) for _, v in months]}]}
    people = queries.contacts(row.pk, size=OVERVIEW_CONTACTS).rows
    return {
        "facts": [_field(row, name, editor, owners, last_said.get(name)) for name in ABOUT],
        "custom_fields": [
            {"name": f"custom-{slug}", "label": label, "kind": KINDS.get(kind, "text"), "value": value, "edit_url": None} for slug, label, kind, value in queries.custom_fields(row)
        ],
        "mrr_chart": chart if any(v for _, v in months) else None,
        "usage_chart": _usage_chart(_usage(row, run), row.seats),
        "contacts": [_contact(c) for c in people],
        "changes": [_change(c, user) for c in found],
        "owners": [_held(a) for a in owners],
        "departures": [_departure(e, currency) for e in queries.churn_events(row.pk)],
    }


def _subscriptions(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    as_of = run.as_of if run else timezone.localdate()
    more = _more(request)
    lines, signed = queries.subscriptions(row.pk, as_of, more), queries.contracts(row.pk, more)
    arr = queries.contract_arr(row.pk, as_of)
    return {
        "lines": [s | {"subscription_id": _outside(s["external_id"]), "tone": TONES.get(s["status"], "warn")} for s in lines.rows],
        "contracts": [_contract(c, arr.get(c.pk), as_of) for c in signed.rows],
        "more_url": _more_url("subscriptions", more, lines.more or signed.more),
    }


def _contacts(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    more = _more(request)
    part = queries.contacts(row.pk, more)
    return {"contacts": [_contact(c) for c in part.rows], "more_url": _more_url("contacts", more, part.more)}


def _tickets(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    more = _more(request)
    part, answers = queries.tickets(row.pk, more), queries.survey_responses(row.pk, more)
    return {
        "tickets": [
            {
                "ticket_id": _outside(t.external), "subject": t.subject, "priority": t.priority, "tone": PRIORITIES.get((t.priority or "").casefold(), "outline"), "open": t.is_open,
                "status": t.status or ("open" if t.is_open else "closed"), "opened_at": t.opened_at, "closed_at": t.closed_at, "satisfaction": t.satisfaction, "escalated": t.escalated,
            }  # fmt: skip
            for t in part.rows
        ],
        "answers": [{"kind": (a.kind or "survey").upper() if len(a.kind or "") < 5 else a.kind, "score": a.score, "answered_on": a.answered_on, "comment": a.comment, "who": a.contact.name if a.contact else None} for a in answers.rows],
        "more_url": _more_url("tickets", more, part.more or answers.more),
    }


def _usage_tab(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    usage = _usage(row, run)
    figures = []
    if usage:
        figures = [
            {"label": "Uses, 13 weeks", "value": number(sum(usage.counts)), "hint": f"{number(len(usage.features))} features"},
            {"label": "Last used", "value": day(usage.last_on), "word": True, "hint": ago(usage.last_on)},
            {"label": "Active users, last week", "value": number(usage.users[-1] if usage.users else None), "hint": f"of {number(row.seats)} seats" if row.seats else None},
            {"label": "Errors, 13 weeks", "value": number(usage.errors)},
        ]
    return {"usage_chart": _usage_chart(usage, row.seats), "usage_figures": figures, "features": usage.features}


def _changes(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    given = request.GET.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    found, behind = queries.changes(row.pk, before)
    seen: set[tuple[str, int, str]] = set()
    shown = []
    for change in found:
        place = (change.record, change.object_id, change.field)
        shown.append(_change(change, user, undo=editor and before is None and place not in seen))
        seen.add(place)
    return {"changes": shown, "previous_url": "?tab=changes" if before else None, "next_url": f"?tab=changes&before={behind}" if behind else None}


TAB_CONTEXT: dict[str, Callable[..., dict[str, Any]]] = {
    "overview": _overview, "subscriptions": _subscriptions, "contacts": _contacts, "tickets": _tickets, "usage": _usage_tab, "changes": _changes,
}  # fmt: skip


# Rows of the tabs


def _contact(contact: Any) -> dict[str, Any]:
    return {"name": contact.name or contact.email, "title": contact.title, "email": contact.email, "phone": contact.phone, "roles": [contact.role] if contact.role else []}


def _contract(contract: Any, arr: tuple[Decimal, str] | None, as_of: date) -> dict[str, Any]:
    status = contract.status
    if not status:
        status = "not begun" if contract.start_on and contract.start_on > as_of else "ended" if contract.end_on and contract.end_on <= as_of else "in force" if contract.start_on or contract.end_on else "unknown"
    tone = {"in force": "good", "active": "good", "not begun": "info"}.get(status.casefold(), "")
    return {
        "name": contract.name or f"Contract of {contract.start_on:%Y}" if contract.start_on else contract.name or "Contract", "signed_on": contract.signed_on, "start_on": contract.start_on, "end_on": contract.end_on,
        "term_months": contract.term_months, "notice_on": contract.notice_on, "auto_renew": contract.auto_renews, "arr": arr and arr[0], "currency": arr and arr[1], "status": status, "tone": tone,
    }  # fmt: skip


def _departure(event: Any, currency: str) -> dict[str, Any]:
    return {
        "effective_on": event.effective_on, "notified_on": event.notified_on, "reason": event.reason, "text": event.text, "competitor": event.competitor,
        "avoidable": event.avoidable, "amount": event.amount, "currency": currency, "returned": bool(event.is_reactivation),
    }  # fmt: skip


def _held(assignment: Any) -> dict[str, Any]:
    now = queries.in_force(assignment.from_on, assignment.until_on, timezone.localdate())
    job = assignment.job or "owner"
    return {"name": assignment.person.name, "job": job.upper() if len(job) <= 3 else job.capitalize(), "from_on": assignment.from_on, "until_on": assignment.until_on, "now": now}


def _change(change: FieldChange, reader: User, *, undo: bool = False) -> dict[str, Any]:
    run, who = change.run, _origin(change)
    undone = change.source.removeprefix("undo:") if change.source.startswith("undo:") else ""
    source = f"undo of import {undone}" if undone else "edited here" if change.source == "person" else change.source if not run or run.source != who else ""
    mine = undo and change.user_id == reader.pk and (change.field == "owner" or change.field in actions.EDITABLE.get(change.record, ()))
    later = abs((change.effective_at - change.recorded_at).total_seconds()) > 1
    return {
        "field": queries.field_label(change), "old": _text(change.old), "new": _text(change.new), "when": change.recorded_at, "effective_on": change.effective_at if later else None,
        "who": who, "source": source, "run": {"label": f"import {run.pk}", "url": reverse("import_result", args=[run.pk])} if run and reader.may_import else None, "undo_url": reverse("change_undo", args=[change.pk]) if mine else None,
    }  # fmt: skip


def _origin(change: FieldChange) -> str:
    """Who or what changed it: a person by name, else the system that a file came from."""
    return _name(change.user) if change.user else change.run.source if change.run else change.source


def _name(user: User) -> str:
    person: Model | None = getattr(user, "person", None)
    return getattr(person, "name", "") or user.email


def _text(value: Any) -> Any:
    """A value of the change log as people read it: its days and instants are ISO text there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-":
        try:
            return day(date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value))
        except ValueError:
            return value
    return value


def _outside(name: str | None) -> str:
    """A source's own id; the keys that we made up for rows without one are nobody's name."""
    return "" if name is None or name.startswith(("~", "#")) else name


def _usage(row: Account, run: PassRun | None) -> Usage:
    return weekly_usage(row.pk, runs.mark(run) if run else None)


def _usage_chart(usage: Usage, seats: int | None) -> dict[str, Any] | None:
    if not usage:
        return None
    series = {"name": "Active users", "values": usage.users} if usage.users else {"name": "Uses a week", "values": usage.counts}
    line = {"line": {"name": "Seats", "values": [seats] * len(usage.weeks)}} if usage.users and seats else {}
    return {"unit": "number", "x": usage.weeks, "series": [series], **line}


# Editing


def _label(name: str) -> str:
    return "Owner" if name == "owner" else actions.column_of("accounts", name).label


def _raw(row: Account, name: str) -> Any:
    if name == "owner":
        return next((a.person_id for a in queries.owners_of(row.pk) if a.job == "csm" and queries.in_force(a.from_on, a.until_on, timezone.localdate())), None)
    value = getattr(row, name)
    return {True: "yes", False: "no", None: ""}[value] if name == "churn_flag" else value


def _field(row: Account, name: str, editor: bool, owners: list[Any], said: FieldChange | None = None) -> dict[str, Any]:
    """A field of the page as parts/fact.html takes it; `said` is the change it stems from, where there was one."""
    source = f"{_origin(said)}, {day(said.recorded_at)}" if said else None
    common = {"name": name, "label": _label(name), "edit_url": reverse("account_edit", args=[row.pk, name]) if editor else None, "source": source}
    if name == "owner":
        return common | {"kind": "person", "value": queries.current_owner(owners)}
    return common | {"kind": KINDS.get(actions.column_of("accounts", name).kind, "text"), "value": getattr(row, name)}


def _fact(request: HttpRequest, row: Account, name: str) -> HttpResponse:
    owners = queries.owners_of(row.pk) if name == "owner" else []
    return render(request, "parts/fact.html", {"field": _field(row, name, True, owners)})


def _form(request: HttpRequest, row: Account, name: str, raw: Any, errors: list[str], in_place: bool) -> HttpResponse:
    field = _field(row, name, True, []) | {"raw": raw, "errors": errors, "cancel_url": f"{reverse('account_edit', args=[row.pk, name])}?cancel=1"}
    if name == "owner":
        field |= {"options": [{"value": i, "label": n} for i, n in queries.people()]}
    elif field["kind"] == "boolean":  # a checkbox has no third state, and unknown is not "no"
        field |= {"kind": "select", "options": YES_NO}
    elif field["kind"] == "date" and not isinstance(raw, date | None):
        field |= {"kind": "text"}  # what was typed stays to be mended
    context = {"field": field, "account": {"name": row.name, "url": reverse("account", args=[row.pk])}}
    return render(request, "parts/fact_form.html" if in_place else "pages/account_edit.html", context, status=422 if errors else 200)


def _toast(response: HttpResponse, text: str, undo_url: str) -> HttpResponse:
    response["HX-Trigger"] = json.dumps({"laer:toast": {"text": text, "level": "good", "undo_url": undo_url}})
    return response


def _back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page that the person came from, where it is ours."""
    came = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came, {request.get_host()}, require_https=request.is_secure()) and "/edit/" not in came:
        return HttpResponseRedirect(came)
    return HttpResponseRedirect(otherwise)


def _more(request: HttpRequest) -> int:
    given = request.GET.get("more", "")
    return min(int(given), queries.MOST) if given.isascii() and given.isdigit() and len(given) < 4 and given != "0" else 1


def _more_url(tab: str, more: int, further: bool) -> str | None:
    return f"?tab={tab}&more={more + 1}" if further and more < queries.MOST else None


urlpatterns: list[URLPattern] = [
    path("accounts/<int:account_id>/", account, name="account"),
    path("accounts/<int:account_id>/edit/<slug:name>/", edit, name="account_edit"),
    path("accounts/<int:account_id>/archive/", archive, name="account_archive"),
    path("accounts/<int:account_id>/restore/", restore, name="account_restore"),
    path("changes/<int:change_id>/undo/", undo, name="change_undo"),
]
