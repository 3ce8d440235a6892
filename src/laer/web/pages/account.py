"""Account: how does this customer stand, and what is their story? The page with its tabs; `account_edit.py` edits it in place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from laer.records.money import minor_units
from laer.records.periods import last_covered
from laer.web.book import queries
from laer.web.book.aliases import kept_for
from laer.web.book.models import Account
from laer.web.book.scope import may_see_field, visible_accounts
from laer.web.pages.account_facts import facts_of_account
from laer.web.pages.account_feed import feed_of_account
from laer.web.pages.account_files import addresses, file_of
from laer.web.pages.account_granted import granted_of_account
from laer.web.pages.account_health import health_of_account, pill_of
from laer.web.pages.account_mrr import mrr_chart
from laer.web.pages.account_position import strip
from laer.web.pages.account_roles import STANCES, role_row, with_roles
from laer.web.pages.account_rows import ABOUT, KINDS, PRIORITIES, change_row, contact_row, contract_row, departure_row, field_of, outside_name, owner_row, seen
from laer.web.pages.account_standing import play_rows, risk_rows, standing_rows, startable
from laer.web.pages.account_success import success_of_account
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import export, format_of
from laer.web.pages.meanings import meaning_of
from laer.web.pages.motion import meaning_of_measure
from laer.web.pages.pulses import beside_header
from laer.web.pages.renewals import account_calls, due_rows
from laer.web.pages.tasks import tasks_of_account
from laer.web.pages.text_sentiment import shown
from laer.web.pages.touch_dialog import dialog
from laer.web.people.models import User
from laer.web.runs import queries as runs
from laer.web.runs.beside import beside
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.usage import Usage, weekly_usage
from laer.web.templatetags.laer import ago, day, money, money_short, number
from laer.web.work.models import TextOf
from laer.web.work.sentiments import sentiments_of

TABS = {
    "overview": gettext_lazy("Overview"), "health": gettext_lazy("Health"), "feed": gettext_lazy("Activity"), "tasks": gettext_lazy("Tasks"),
    "success": gettext_lazy("Onboarding & outcomes"),
    "subscriptions": gettext_lazy("Subscriptions"), "contacts": gettext_lazy("Contacts"), "granted": gettext_lazy("Users, limits & invoices"),
    "tickets": gettext_lazy("Tickets"),
    "usage": gettext_lazy("Usage"), "facts": gettext_lazy("Facts"), "changes": gettext_lazy("Changes"),
}  # fmt: skip
TONES = {"active": "good", "trial": "info", "scheduled": "info", "ended": ""}
STATUSES = {
    "active": gettext_lazy("active"), "trial": gettext_lazy("trial"), "scheduled": gettext_lazy("scheduled"), "ended": gettext_lazy("ended"),
    "without lines": gettext_lazy("without lines"),
}  # fmt: skip
CHANGES = {
    "new": gettext_lazy("new"), "expansion": gettext_lazy("expansion"), "contraction": gettext_lazy("contraction"), "renewal": gettext_lazy("renewal"),
    "reactivation": gettext_lazy("reactivation"), "addition": gettext_lazy("addition"), "correction": gettext_lazy("correction"),
    "trial": gettext_lazy("trial"),
}  # fmt: skip
STATES = {"paying": gettext_lazy("paying"), "churned": gettext_lazy("has churned"), "prospect": gettext_lazy("never paid")}
OVERVIEW_CHANGES = 8
OVERVIEW_CONTACTS = 5


def account(request: HttpRequest, account_id: int) -> HttpResponseBase:
    """As of now: `pages/account_then.py` asks for it where the address names no run."""
    try:
        user, row = seen(request, account_id)
    except Http404:
        return _merged_into(request, account_id) or _not_there()
    if row.archived_at and (kept := _merged_into(request, account_id)):
        return kept
    tab = request.GET.get("tab", "overview")
    tab = tab if tab in TABS else "overview"
    run = runs.last_run()
    if (form := format_of(request)) and (file := file_of(tab, request.GET.get("of", ""))):
        as_of = run.as_of if run else timezone.localdate()
        return export(f"account-{row.pk}-{file.name}", file.header, file.rows(row, user, run, as_of), form)
    card = runs.card_of(row.pk)
    editor = queries.may_edit(user, row)
    owners = queries.owners_of(row.pk)
    stale = row.archived_at is None and runs.recomputing(row, card, run)
    context: dict[str, Any] = {
        "account": _head(row, card, queries.current_owner(owners), runs.currency_of(run), stale)
        | beside_header(card, beside([row.pk], timezone.localdate()).get(row.pk)),
        "pulse_url": reverse("pulse", args=[row.pk]),
        "state": {"as_of": run and run.as_of, "recomputing": stale},
        "position": strip(request, user, row, card, run, editor and not row.archived_at),
        "header_figures": _figures(row, card, run),
        "tabs": _tabs(row, tab),
        "tab": tab,
        "keep": {"run": run.pk, "address": reverse("account", args=[row.pk])} if run else None,
        "files": addresses(tab),
        "archive_url": reverse("account_archive", args=[row.pk]) if editor and not row.archived_at else None,
        "restore_url": reverse("account_restore", args=[row.pk]) if editor and row.archived_at else None,
    }
    context |= dialog(row.pk) if editor and not row.archived_at else {}
    context |= TAB_CONTEXT[tab](request, user, row, run, editor and not row.archived_at, owners)
    context["notices"] = _notices(row, context.get("departures", []))
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
    response = render(request, "pages/account.html#tab" if fragment else "pages/account.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _merged_into(request: HttpRequest, account_id: int) -> HttpResponse | None:
    """Where a merged account's page has gone, for whoever may see the kept one."""
    kept = kept_for(account_id) if account_id < 2**63 else None
    if kept is None or not visible_accounts(user_of(request)).filter(pk=kept).exists():
        return None
    return redirect("account", kept)


def _not_there() -> HttpResponse:
    raise Http404


def _head(row: Account, card: AccountCard | None, owner: str | None, currency: str, stale: bool) -> dict[str, Any]:
    return {
        "account_id": row.pk,
        "name": row.name,
        "domain": row.domain,
        "url": reverse("account", args=[row.pk]),
        "segment": row.segment,
        "industry": row.industry,
        "country": row.country,
        "owner_name": owner,
        "currency": (card.currency if card else "") or currency,
        "archived": row.archived_at is not None,
        "health": pill_of(card),
        "recomputing": stale,
    }


def _figures(row: Account, card: AccountCard | None, run: PassRun | None) -> list[dict[str, Any]]:
    """MRR, ARR, contract end, seats, open tickets, since when: as the run counts. What it does not know is unknown."""
    counts = queries.counts_of(row)
    lines = {"url": "?tab=subscriptions", "meaning": meaning_of("seats", run)}
    seats = {"label": _("Seats"), "value": number(_fact(card, "seats")), "hint": _("on the lines in force"), **lines}
    open_tickets = {
        "label": _("Open tickets"),
        "value": number(_fact(card, "tickets_open")),
        "hint": _("of %(count)s") % {"count": number(counts.tickets)},
        "url": "?tab=tickets",
        "meaning": meaning_of_measure("tickets_open"),
    }
    if card is None:
        unknown = [{"label": label, "value": number(None)} for label in (_("MRR"), _("ARR"))]
        return [*unknown, {"label": _("Contract ends"), "value": number(None), "word": True}, seats, open_tickets, _since(row, None, run)]
    currency = card.currency or runs.currency_of(run)
    places = minor_units(currency)
    mrr, arr = (Decimal(amount).scaleb(-places) for amount in (card.mrr_minor, card.arr_minor))
    ends_on = last_covered(card.contract_end_on) if card.contract_end_on else None
    return [
        {
            "label": _("MRR"),
            "value": money_short(mrr, currency),
            "title": money(mrr, currency),
            "hint": STATES.get(card.state),
            "url": "?tab=subscriptions",
            "meaning": meaning_of("mrr", run, account=True),
        },
        {
            "label": _("ARR"),
            "value": money_short(arr, currency),
            "title": money(arr, currency),
            "hint": _("twelve times MRR"),
            "url": "?tab=subscriptions",
            "meaning": meaning_of("arr", run, account=True),
        },
        {
            "label": _("Contract ends"),
            "value": day(ends_on),
            "word": True,
            "hint": ago(ends_on) if ends_on else _("no contract is known"),
            "url": "?tab=subscriptions",
            "meaning": meaning_of("contract_end", run),
        },
        seats,
        open_tickets,
        _since(row, card, run),
    ]


def _fact(card: AccountCard | None, measure: str) -> int | None:
    """A whole number among the facts of the card; None where it is unknown."""
    value = None if card is None else card.facts.get(measure)
    return None if value is None else round(value)


def _since(row: Account, card: AccountCard | None, run: PassRun | None) -> dict[str, Any]:
    first = card.first_paid_on if card else None
    return {
        "label": _("Customer since"),
        "value": day(first or row.signed_up_on),
        "word": True,
        "hint": _("first paying day") if first else _("signed up") if row.signed_up_on else None,
        "url": "?tab=subscriptions",
        "meaning": meaning_of("since", run),
    }


def _tabs(row: Account, tab: str) -> list[dict[str, Any]]:
    found = queries.counts_of(row)
    counts = {"subscriptions": found.subscriptions, "contacts": found.contacts, "tickets": found.tickets}
    return [{"key": key, "title": title, "url": f"?tab={key}", "active": key == tab, "count": counts.get(key)} for key, title in TABS.items()]


def _notices(row: Account, departures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    notices = []
    if row.archived_at:
        notices.append(
            {
                "tone": "warn",
                "title": _("This account is archived"),
                "text": _("Since %(day)s it is left out of lists, searches and figures. Nothing is lost: restore it and it is as it was.")
                % {"day": day(row.archived_at)},
            }
        )
    last = departures[0] if departures else None
    if last and not last["returned"] and last["effective_on"] > timezone.localdate():
        leaves = _("Leaves on %(day)s") % {"day": day(last["effective_on"])}
        notices.append({"tone": "bad", "title": leaves, "text": " · ".join(t for t in (last["reason"], last["text"]) if t)})
    return notices


# Tabs: each gives the context that its template names


def _overview(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    until = run.as_of if run else timezone.localdate()
    months = runs.months_of(row.pk, until)
    currency = runs.currency_of(run)
    places = minor_units(currency)
    last_said = queries.last_changes(row.pk)
    found, __ = queries.changes(row.pk, size=OVERVIEW_CHANGES)
    chart, bases = mrr_chart(row.pk, [(m, Decimal(v).scaleb(-places)) for m, v in months], currency, request.GET.get("basis", ""))
    people = queries.contacts(row.pk, size=OVERVIEW_CONTACTS).rows
    return {
        "facts": [field_of(row, name, editor, owners, last_said.get(name)) for name in ABOUT],
        "custom_fields": [
            {"name": f"custom-{slug}", "label": label, "kind": KINDS.get(kind, "text"), "value": value, "edit_url": None}
            for slug, label, kind, value in queries.custom_fields(row)
            if may_see_field(user, slug) and may_see_field(user, label)
        ],
        "mrr_chart": chart,
        "mrr_bases": bases,
        "usage_chart": _usage_chart(_usage(row, run), _fact(runs.card_of(row.pk), "seats")),
        "contacts": [contact_row(c) for c in people],
        "changes": [change_row(c, user) for c in found if may_see_field(user, c.field)],
        "owners": [owner_row(a) for a in owners],
        "standing": standing_rows(user, row.pk),
        "risks": risk_rows(user, row.pk),
        "plays": play_rows(row.pk),
        "startable": startable(row.pk) if editor else [],
        "risk_url": reverse("risk_new", args=[row.pk]) if editor else None,
        "departures": [departure_row(e, currency) for e in queries.churn_events(row.pk)],
    }


def _subscriptions(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    as_of = run.as_of if run else timezone.localdate()
    more = _more(request)
    lines, signed = queries.subscriptions(row.pk, as_of, more), queries.contracts(row.pk, more)
    arr = queries.contract_arr(row.pk, as_of)
    due = account_calls(user, due_rows(request, run, row.pk)) if signed.rows else {}
    return {
        "lines": [_subscription(s) for s in lines.rows],
        "contracts": [contract_row(c, arr.get(c.pk), as_of) | {"renewal": due.get(c.pk)} for c in signed.rows],
        "more_url": _more_url("subscriptions", more, lines.more or signed.more),
    }


def _subscription(row: dict[str, Any]) -> dict[str, Any]:
    history = [step | {"change": CHANGES.get(step["change"], step["change"])} for step in row["history"]]
    said = {"tone": TONES.get(row["status"], "warn"), "status_text": STATUSES.get(row["status"], row["status"]), "history": history}
    return row | said | {"subscription_id": outside_name(row["external_id"])}


def _contacts(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    more = _more(request)
    part, roles = queries.contacts(row.pk, more), queries.contact_roles(row.pk, more)
    return {
        "contacts": with_roles(part.rows, roles.rows), "roles": [role_row(one) for one in roles.rows], "editor": editor, "account_id": row.pk,
        "stances": STANCES.items(), "more_url": _more_url("contacts", more, part.more or roles.more),
    }  # fmt: skip


def _tickets(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    more = _more(request)
    part, answers = queries.tickets(row.pk, more), queries.survey_responses(row.pk, more)
    texts = [(TextOf.TICKET.value, [t.pk for t in part.rows]), (TextOf.ANSWER.value, [a.pk for a in answers.rows])]
    sounds = sentiments_of(row.pk, texts)
    return {
        "tickets": [
            {
                "sentiment": shown(sounds.get((TextOf.TICKET.value, t.pk)), editor),
                "ticket_id": outside_name(t.external),
                "subject": t.subject,
                "priority": t.priority,
                "tone": PRIORITIES.get((t.priority or "").casefold(), "outline"),
                "open": t.is_open,
                "status": t.status or (_("open") if t.is_open else _("closed")),
                "opened_at": t.opened_at,
                "closed_at": t.closed_at,
                "satisfaction": t.satisfaction,
                "escalated": t.escalated,
            }
            for t in part.rows
        ],
        "answers": [
            {
                "sentiment": shown(sounds.get((TextOf.ANSWER.value, a.pk)), editor),
                "kind": (a.kind or "survey").upper() if len(a.kind or "") < 5 else a.kind,
                "score": a.score,
                "answered_on": a.answered_on,
                "comment": a.comment,
                "who": a.contact.name if a.contact else None,
            }
            for a in answers.rows
        ],
        "more_url": _more_url("tickets", more, part.more or answers.more),
    }


def _usage_tab(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    usage, seats = _usage(row, run), _fact(runs.card_of(row.pk), "seats")
    figures = []
    if usage:
        figures = [
            {
                "label": _("Uses, 13 weeks"),
                "value": number(sum(usage.counts)),
                "hint": ngettext("%(count)s feature", "%(count)s features", len(usage.features)) % {"count": number(len(usage.features))},
                "url": "#features",
            },
            {"label": _("Last used"), "value": day(usage.last_on), "word": True, "hint": ago(usage.last_on), "url": reverse("measure", args=["last_used_on"])},
            {
                "label": _("Active users, last week"),
                "value": number(usage.users[-1] if usage.users else None),
                "hint": ngettext("of %(count)s seat", "of %(count)s seats", seats) % {"count": number(seats)} if seats else None,
                "url": "#usage-weeks",
            },
            {"label": _("Errors, 13 weeks"), "value": number(usage.errors)},
        ]
    return {"usage_chart": _usage_chart(usage, seats), "usage_figures": figures, "features": usage.features}


def _changes(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    given = request.GET.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    found, behind = queries.changes(row.pk, before)
    seen: set[tuple[str, int, str]] = set()
    shown = []
    for change in (c for c in found if may_see_field(user, c.field)):
        place = (change.record, change.object_id, change.field)
        shown.append(change_row(change, user, undo=editor and before is None and place not in seen))
        seen.add(place)
    return {"changes": shown, "previous_url": "?tab=changes" if before else None, "next_url": f"?tab=changes&before={behind}" if behind else None}


TAB_CONTEXT: dict[str, Callable[..., dict[str, Any]]] = {
    "overview": _overview,
    "subscriptions": _subscriptions,
    "contacts": _contacts,
    "granted": granted_of_account,
    "tickets": _tickets,
    "usage": _usage_tab,
    "facts": facts_of_account,
    "health": health_of_account,
    "tasks": tasks_of_account,
    "success": success_of_account,
    "feed": feed_of_account,
    "changes": _changes,
}


def _usage(row: Account, run: PassRun | None) -> Usage:
    return weekly_usage(row.pk, runs.mark(run) if run else None)


def _usage_chart(usage: Usage, seats: int | None) -> dict[str, Any] | None:
    if not usage:
        return None
    series = {"name": _("Active users"), "values": usage.users} if usage.users else {"name": _("Uses a week"), "values": usage.counts}
    line = {"line": {"name": _("Seats"), "values": [seats] * len(usage.weeks)}} if usage.users and seats else {}
    return {"unit": "number", "x": usage.weeks, "series": [series], **line}


def _more(request: HttpRequest) -> int:
    given = request.GET.get("more", "")
    return min(int(given), queries.MOST) if given.isascii() and given.isdigit() and len(given) < 4 and given != "0" else 1


def _more_url(tab: str, more: int, further: bool) -> str | None:
    return f"?tab={tab}&more={more + 1}" if further and more < queries.MOST else None
