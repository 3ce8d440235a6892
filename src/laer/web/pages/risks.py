"""Risks: what do we fear to lose, why, and what happens next? Open ones by ARR with what changed since last week, for the weekly review."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.records.money import minor_units
from laer.web.book import queries as book
from laer.web.book.actions import Refused
from laer.web.book.scope import editable_accounts
from laer.web.pages.account_rows import seen
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import Money
from laer.web.pages.lists import Value, filed
from laer.web.people.company import firm
from laer.web.people.formats import formats
from laer.web.templatetags.laer import money, money_short, number, person_name
from laer.web.wording import gettext_lazy
from laer.web.work import queries as work
from laer.web.work.models import Risk, RiskKind, RiskOutcome, RiskReason, Severity
from laer.web.work.risks import archive_risk, changed_since, edit_risk, raise_risk, risks
from laer.web.work.scope import visible_risks

WEEK = timedelta(days=7)
SHOWN = 500
TONES = {Severity.LOW: "outline", Severity.MEDIUM: "info", Severity.HIGH: "warn", Severity.URGENT: "bad"}
FIELDS = ("kind", "reason", "severity", "arr", "owner", "next_step", "due_on", "note", "minutes", "outcome")


@require_safe
def risk_list(request: HttpRequest) -> HttpResponseBase:
    """Open risks by the ARR that is at stake, or under `view=closed` what came of the others."""
    user = user_of(request)
    view = "closed" if request.GET.get("view") == "closed" else "open"
    since = timezone.now() - WEEK
    every = [_row(row, since) for row in risks(user, closed=view == "closed").defer("account__card__facts")]
    if view == "open":
        every.sort(key=lambda row: -(row["amount"] or 0))
    if file := filed(request, f"risks-{view}", CELLS, lambda: every):
        return file
    rows = every[:SHOWN]
    changed = changed_since([row["id"] for row in rows], since)
    for row in rows:
        row["moved"] = [] if row["new"] else _moved(changed.get(row["id"], ()))
    context = {
        "rows": rows, "view": view, "figures": _figures(every) if view == "open" else [], "download_url": f"{request.path}?view={view}" if rows else None,
        "most": SHOWN if len(every) > SHOWN else None,
        "state": {"shown": ngettext("%(n)s risk", "%(n)s risks", len(every)) % {"n": number(len(every))},
                  "whose": _("the whole book") if user.reads_everything else _("your book")},
    }  # fmt: skip
    return render(request, "pages/risks.html", context)


CELLS: dict[str, Value] = {
    "account": lambda row: row["account"]["name"], "kind": lambda row: row["kind"], "reason": lambda row: str(row["reason"]),
    "severity": lambda row: str(row["severity"]),
    "arr_at_risk": lambda row: None if row["amount"] is None else Money(row["amount"], row["currency"]), "currency": lambda row: row["currency"],
    "owner": lambda row: row["owner"], "next_step": lambda row: row["next_step"], "due": lambda row: row["due_on"], "note": lambda row: row["note"],
    "minutes": lambda row: row["minutes"], "raised": lambda row: row["created_at"].date(),
    "outcome": lambda row: str(row["outcome"]) if row["outcome"] else None,
}  # fmt: skip


def _row(row: Risk, since: Any) -> dict[str, Any]:
    currency = row.currency or firm().currency
    card = getattr(row.account, "card", None)
    whole, known = row.arr is None, card.arr_minor if card else None
    amount = Decimal(row.arr) if row.arr is not None else None if known is None else Decimal(known).scaleb(-minor_units(currency))
    today = formats().today()
    return {
        "id": row.pk, "url": reverse("risk", args=[row.pk]), "account": {"name": row.account.name, "url": reverse("account", args=[row.account_id])},
        "kind": str(RiskKind(row.kind).label), "escalation": row.kind == RiskKind.ESCALATION, "reason": RiskReason(row.reason).label,
        "severity": Severity(row.severity).label, "tone": TONES[Severity(row.severity)], "amount": amount, "whole": whole, "currency": currency,
        "owner": row.owner.name if row.owner else None, "next_step": row.next_step, "due_on": row.due_on,
        "late": row.due_on is not None and row.due_on < today and row.closed_at is None, "note": row.note, "minutes": row.minutes,
        "created_at": row.created_at, "outcome": RiskOutcome(row.outcome).label if row.outcome else None, "closed_at": row.closed_at,
        "new": row.created_at >= since,
    }  # fmt: skip


def _moved(changes: Iterable[Any]) -> list[str]:
    """Names of what changed, each once, the newest first."""
    return list(dict.fromkeys(str(LABELS.get(change.field, change.field)) for change in changes if change.field in FIELDS))


LABELS = {
    "kind": gettext_lazy("Kind"), "reason": gettext_lazy("Reason"), "severity": gettext_lazy("Severity"), "arr": gettext_lazy("ARR at risk"),
    "owner": gettext_lazy("Owner"), "next_step": gettext_lazy("Next step"), "due_on": gettext_lazy("Due"), "note": gettext_lazy("Note"),
    "minutes": gettext_lazy("Minutes"), "outcome": gettext_lazy("Outcome"),
}  # fmt: skip


def _figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    currency = firm().currency
    by: dict[str, Decimal] = {}
    for row in rows:  # an account counts once, with the largest of its risks
        by[row["account"]["url"]] = max(by.get(row["account"]["url"], Decimal(0)), row["amount"] or Decimal(0))
    total = sum(by.values(), Decimal(0))
    return [
        {"label": _("ARR at risk"), "value": money_short(total, currency), "title": money(total, currency),
         "hint": ngettext("of %(n)s account", "of %(n)s accounts", len(by)) % {"n": number(len(by))}},
        {"label": _("New this week"), "value": number(sum(row["new"] for row in rows)), "hint": ""},
        {"label": _("Without a next step"), "value": number(sum(not row["next_step"] for row in rows)), "hint": ""},
        {"label": _("Overdue"), "value": number(sum(row["late"] for row in rows)), "hint": _("the next step’s day is past")},
    ]  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, account_id: int) -> HttpResponse:
    """Raise a risk or an escalation of an account."""
    user, row = seen(request, account_id)
    if row.archived_at or not book.may_edit(user, row):
        raise PermissionDenied
    errors = []
    if request.method == "POST":
        try:
            made, change = raise_risk(user, row.pk, request.POST.dict())
        except Refused as refused:
            errors = [str(refused)]
        else:
            messages.success(request, _("%(kind)s raised for %(account)s") % {"kind": RiskKind(made.kind).label, "account": row.name},
                             extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}")  # fmt: skip
            return redirect("risks")
    values = request.POST.dict() if request.method == "POST" else {"kind": RiskKind.RISK, "severity": str(Severity.MEDIUM.value)}
    return _form(request, {"name": row.name, "url": reverse("account", args=[row.pk])}, values, errors, None)


@require_http_methods(["GET", "HEAD", "POST"])
def risk(request: HttpRequest, risk_id: int) -> HttpResponse:
    """One risk: kept up, and closed with what came of it."""
    user = user_of(request)
    row = visible_risks(user).filter(pk=risk_id).select_related("account", "owner").first() if risk_id < 2**63 else None
    if row is None:
        raise Http404
    if not editable_accounts(user).filter(pk=row.account_id).exists():
        raise PermissionDenied
    errors = []
    if request.method == "POST":
        try:
            change = edit_risk(user, row.pk, request.POST.dict())
        except Refused as refused:
            errors = [str(refused)]
        else:
            undo = f"undo:{reverse('work_undo', args=[change.pk])}" if change else ""
            messages.success(request, _("Saved") if change else _("Nothing has changed"), extra_tags=undo)
            return redirect("risks")
    values = request.POST.dict() if request.method == "POST" else {
        "kind": row.kind, "reason": row.reason, "severity": str(row.severity), "arr": row.arr or "", "note": row.note, "next_step": row.next_step,
        "due_on": row.due_on.isoformat() if row.due_on else "", "minutes": "" if row.minutes is None else str(row.minutes),
        "owner": str(row.owner_id or ""), "outcome": row.outcome or "",
    }  # fmt: skip
    return _form(request, {"name": row.account.name, "url": reverse("account", args=[row.account_id])}, values, errors, row)


@require_POST
def archive(request: HttpRequest, risk_id: int) -> HttpResponse:
    """Take a risk away that was raised by mistake."""
    change = archive_risk(user_of(request), risk_id)
    messages.success(request, _("Taken away"), extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}" if change else "")
    return redirect("risks")


def _form(request: HttpRequest, account: dict[str, str], values: dict[str, Any], errors: list[str], row: Risk | None) -> HttpResponse:
    context = {
        "account": account, "values": values, "errors": errors, "row": row and {"id": row.pk, "archive_url": reverse("risk_archive", args=[row.pk])},
        "kinds": RiskKind.choices, "reasons": RiskReason.choices, "severities": [(str(value), label) for value, label in Severity.choices],
        "outcomes": RiskOutcome.choices, "people": [(str(pk), name) for pk, name in work.assignees()], "currency": firm().currency,
        "history": [_told(change) for change in changed_since([row.pk], row.created_at).get(row.pk, ()) if change.field in FIELDS] if row else [],
    }  # fmt: skip
    return render(request, "pages/risk.html", context, status=422 if errors else 200)


def _told(change: Any) -> dict[str, Any]:
    shown = [value["name"] if isinstance(value, dict) else value for value in (change.old, change.new)]
    return {"at": change.recorded_at, "field": LABELS.get(change.field, change.field), "old": shown[0], "new": shown[1],
            "who": person_name(change.user) if change.user else None}  # fmt: skip


urlpatterns: list[URLPattern] = [
    path("renewals/risks/", risk_list, name="risks"),
    path("renewals/risks/<int:risk_id>/", risk, name="risk"),
    path("renewals/risks/<int:risk_id>/archive/", archive, name="risk_archive"),
    path("accounts/<int:account_id>/risk/", new, name="risk_new"),
]
