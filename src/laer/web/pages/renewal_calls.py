"""Calls of renewals: what is expected of a contract that falls due, by rule and by person; called in place, in bulk, and with its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from laer.renew.calls import AT_RISK, COMMIT, LIKELY, LOST
from laer.web.book.actions import Refused
from laer.web.book.models import Account, Contract
from laer.web.book.scope import editable_accounts, scope_of, visible_accounts
from laer.web.pages.account_edit import came_from
from laer.web.pages.accounts import user_of
from laer.web.pages.revenue_charts import amount_of
from laer.web.runs.models import PassRun
from laer.web.runs.passes import latest_run
from laer.web.runs.renewing import NO_CALL, renewals_of
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy
from laer.web.work.calls import MANY, call_renewals, calls_of
from laer.web.work.models import Category, Forecast

TONES = {COMMIT: "good", LIKELY: "info", AT_RISK: "warn", LOST: "bad", NO_CALL: ""}
SAID = {**dict(Category.choices), NO_CALL: gettext_lazy("No call")}
BECAUSE = {
    "notice": gettext_lazy("notice given, or cancelled"), "over": gettext_lazy("term over, nothing signed"),
    "likelihood": gettext_lazy("learned likelihood"), "pulse_red": gettext_lazy("pulse is red"), "pulse_yellow": gettext_lazy("pulse is yellow"),
    "silent": gettext_lazy("gone silent"), "escalated": gettext_lazy("ticket escalated in 90 days"),
    "by_itself": gettext_lazy("renews by itself, day of notice over"), "pulse_green": gettext_lazy("pulse is green"),
    "in_use": gettext_lazy("in use"), "nothing": gettext_lazy("no fact tells"), "": "",
}  # fmt: skip
ORDER = (COMMIT, LIKELY, AT_RISK, LOST, NO_CALL)


def system_said(row: Mapping[str, Any]) -> dict[str, Any]:
    """The system's call of a row of `Renewals`: words, tone, and the fact that decided."""
    category = row.get("system") or NO_CALL
    return {"words": str(SAID[category]), "tone": TONES[category], "because": str(BECAUSE.get(row.get("because") or "", "")), "category": category}


def person_said(call: Forecast | None) -> dict[str, Any] | None:
    """A person's call, for a row: words, tone, amount, next step, reason, notice, when."""
    if call is None:
        return None
    return {
        "words": str(SAID[call.category]), "tone": TONES[call.category], "category": call.category,
        "amount": None if call.amount is None else Decimal(call.amount), "currency": call.currency, "notice_given": call.notice_given,
        "next_step": call.next_step, "reason": call.reason, "at": call.at,
    }  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def call(request: HttpRequest, contract_id: int) -> HttpResponse:
    """What is expected of one renewal: its form with the calls before it; with htmx the form in place of its row, or under `cancel` the row's link back."""
    user = user_of(request)
    run = latest_run()
    row = _due_row(request, run, contract_id)
    if row is None or run is None:
        raise Http404
    editable = editable_accounts(user).filter(pk=row["account_id"]).exists() and not row["settled"]
    page = f"{reverse('renewal_call', args=[contract_id])}"
    values, errors = None, []
    if request.method == "POST":
        if not editable:
            raise PermissionDenied
        try:
            done, change = call_renewals(user, [(contract_id, row["due_on"])], request.POST.dict() | {"amount": request.POST.get("amount", "")})
        except Refused as refused:
            values, errors = request.POST.dict(), [str(refused)]
        else:
            undo = f"undo:{reverse('work_undo', args=[change.pk])}" if change else ""
            messages.success(request, _("Called") if done else _("The call is as it was"), extra_tags=undo)
            return came_from(request, page)
    history = calls_of(user, contract_id, row["due_on"])
    standing = history[0] if history else None
    in_place = request.headers.get("HX-Request") == "true"
    account = Account.objects.get(pk=row["account_id"])
    context = {
        "row": row | {"arr": amount_of(row["arr"], run.currency)}, "account": {"name": account.name, "url": reverse("account", args=[account.pk])},
        "name": Contract.objects.filter(pk=contract_id).values_list("name", flat=True).first(), "currency": run.currency, "system": system_said(row),
        "editable": editable, "call_url": page, "cancel_url": reverse("renewals"), "errors": errors, "values": values or _values(standing),
        "choices": [{"value": value, "label": SAID[value]} for value in ORDER[:-1]], "in_place": in_place, "columns": 9,
        "history": [person_said(one) | {"who": one.person.name if one.person else None} for one in history],  # type: ignore[operator]
    }  # fmt: skip
    return render(request, "pages/renewal_call.html#form" if in_place else "pages/renewal_call.html", context, status=422 if errors else 200)


@require_POST
def call_many(request: HttpRequest) -> HttpResponse:
    """One call for the contracts that are ticked."""
    user, run = user_of(request), latest_run()
    ids = [int(i) for i in request.POST.getlist("contract") if i.isascii() and i.isdigit() and len(i) < 19][: MANY + 1]
    try:
        if run is None or not ids:
            raise Refused(_("tick a contract first"))
        due = renewals_of(run, scope_of(user)).due_days(ids)
        done, change = call_renewals(user, list(due.items()), {"category": request.POST.get("category", "")})
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    except PermissionDenied:
        messages.error(request, _("One of those contracts is not yours to call."))
    else:
        said = ngettext("%(n)s contract called: %(call)s", "%(n)s contracts called: %(call)s", done)
        said = said % {"n": number(done), "call": SAID[request.POST["category"]]}
        messages.success(request, said if done else _("Nothing to change"), extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}" if change else "")
    return came_from(request, reverse("renewals"))


def _due_row(request: HttpRequest, run: PassRun | None, contract_id: int) -> dict[str, Any] | None:
    """The renewal as the run has it, where the person may see its account."""
    user = user_of(request)
    if run is None or contract_id >= 2**63:
        return None
    row = renewals_of(run, scope_of(user)).one(contract_id)
    return row if row and visible_accounts(user).filter(pk=row["account_id"]).exists() else None


def _values(standing: Forecast | None) -> dict[str, Any]:
    if standing is None:
        return {"category": "", "amount": "", "notice_given": "", "reason": "", "next_step": ""}
    notice = {None: "", True: "yes", False: "no"}[standing.notice_given]
    return {
        "category": standing.category, "amount": standing.amount or "", "notice_given": notice, "reason": standing.reason, "next_step": standing.next_step
    }  # fmt: skip


def calls_by_contract(calls: Mapping[tuple[int, date], Forecast]) -> dict[tuple[int, date], str]:
    return {key: call.category for key, call in calls.items()}


urlpatterns = [
    path("renewals/call/", call_many, name="renewals_call"),
    path("renewals/<int:contract_id>/call/", call, name="renewal_call"),
]
