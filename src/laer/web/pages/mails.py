"""Mails that left the house, wait for it, or never will: those of the accounts that one may see, and what became of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.web.pages.accounts import user_of
from laer.web.pages.lists import Value, filed
from laer.web.people.roles import Refused
from laer.web.templatetags.laer import number
from laer.web.work import sending_acts
from laer.web.work.models import OutgoingMail, Sending
from laer.web.work.scope import editable_mails, visible_mails

SHOWN = 50
TONES = {
    Sending.QUEUED: "info", Sending.SENDING: "info", Sending.SENT: "good", Sending.FAILED: "bad", Sending.DEAD: "bad", Sending.UNKNOWN: "warn",
    Sending.STOPPED: "outline",
}  # fmt: skip
ACTS = {"again": sending_acts.send_again, "arrived": sending_acts.say_arrived, "stop": sending_acts.stop_mail}


@require_safe
def mails(request: HttpRequest) -> HttpResponseBase:
    """The mails that one may see, newest first, by state; under `q` those to an address or of a subject."""
    user = user_of(request)
    state, q = request.GET.get("state", ""), request.GET.get("q", "").strip()[:100]
    seen = visible_mails(user)
    counts = dict(seen.values_list("state").annotate(n=Count("pk")))
    found = seen.filter(state=state) if state in Sending.values else seen
    if q:
        found = found.filter(Q(to__icontains=q) | Q(subject__icontains=q))
    found = found.select_related("account", "contact", "by", "person").order_by("-created_at", "-pk")
    if file := filed(request, "mails", CELLS, lambda: (_row(row) for row in found.iterator(chunk_size=1_000))):
        return file
    rows, newest_url, next_url = _paged(request, found, state, q)
    context = {
        "rows": rows, "q": q, "state_asked": state, "views": views_of(state, counts), "download_url": request.get_full_path() if rows else None,
        "newest_url": newest_url, "next_url": next_url, "is_admin": user.is_admin, "unknown": counts.get(Sending.UNKNOWN, 0) if not state else 0,
        "state": {"shown": ngettext("%(n)s mail", "%(n)s mails", sum(counts.values())) % {"n": number(sum(counts.values()))},
                  "whose": _("the whole book") if user.reads_everything else _("your book")},
    }  # fmt: skip
    return render(request, "pages/mails.html", context)


@require_safe
def mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One mail as it was written, with what became of it."""
    user = user_of(request)
    row = visible_mails(user).select_related("account", "contact", "by", "person").filter(pk=mail_id).first()
    if row is None:
        raise Http404
    state, editable = Sending(row.state), editable_mails(user).filter(pk=row.pk).exists()
    context = {
        "mail": _row(row), "text": row.text, "attempts": row.attempts, "message_id": row.message_id, "reply_to": row.reply_to,
        "handed_over_at": row.handed_over_at, "do_url": reverse("mail_do", args=[row.pk]) if editable else None,
        "may_again": state in sending_acts.AGAIN, "may_say": state == Sending.UNKNOWN, "may_stop": state == Sending.QUEUED,
        "state": {"shown": state.label, "note": row.reason or None},
    }  # fmt: skip
    return render(request, "pages/mail.html", context)


@require_POST
def do(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Send it again, say that it arrived, or stop one that waits."""
    act = ACTS.get(request.POST.get("do", ""))
    if act is None:
        raise Http404
    try:
        act(user_of(request), mail_id)
    except Refused as refused:
        messages.warning(request, str(refused))
    except PermissionDenied:
        raise Http404 from None
    else:
        messages.success(request, _("Saved"))
    return redirect("mail", mail_id)


CELLS: dict[str, Value] = {
    "written_at": lambda row: row["at"], "sent_at": lambda row: row["sent_at"], "state": lambda row: str(row["state"]),
    "account": lambda row: row["account"] and row["account"]["name"], "to": lambda row: row["to"], "subject": lambda row: row["subject"],
    "template": lambda row: row["template"], "play": lambda row: row["play"], "by": lambda row: row["by"], "reason": lambda row: row["reason"] or None,
}  # fmt: skip


def _row(row: OutgoingMail) -> dict[str, Any]:
    state = Sending(row.state)
    return {
        "id": row.pk, "url": reverse("mail", args=[row.pk]), "subject": row.subject, "to": row.to,
        "contact": row.contact.name if row.contact else row.person.name if row.person else None,
        "account": {"name": row.account.name, "url": reverse("account", args=[row.account_id])} if row.account else None,
        "state": _("Bounced") if row.bounced else state.label, "tone": TONES[state], "reason": row.reason, "template": row.template, "play": row.play,
        "by": row.by.name if row.by else None, "at": row.created_at, "sent_at": row.sent_at,
        "due_at": row.due_at if state == Sending.QUEUED and row.reason else None,
    }  # fmt: skip


def views_of(state: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    """All, and each state in which something is."""
    made = [{"label": _("All"), "url": "?", "active": state not in Sending.values, "count": sum(counts.values())}]
    return made + [
        {"label": one.label, "url": f"?state={one.value}", "active": one.value == state, "count": counts[one.value]}
        for one in Sending if one.value in counts
    ]  # fmt: skip


def _paged(request: HttpRequest, found: QuerySet[OutgoingMail], state: str, q: str) -> tuple[list[dict[str, Any]], str | None, str | None]:
    """A page below a mail's number: mails are numbered in the order in which they were written."""
    below, kept = request.GET.get("below", ""), "".join(f"&{key}={quote(value)}" for key, value in (("state", state), ("q", q)) if value)
    if below.isascii() and below.isdigit() and len(below) < 19:
        found = found.filter(pk__lt=int(below))
    rows = list(found.order_by("-pk")[: SHOWN + 1])
    next_url = f"?below={rows[SHOWN - 1].pk}{kept}" if len(rows) > SHOWN else None
    return [_row(row) for row in rows[:SHOWN]], f"?{kept[1:]}" if below else None, next_url



urlpatterns: list[URLPattern] = [
    path("mails/", mails, name="mails"),
    path("mails/<int:mail_id>/", mail, name="mail"),
    path("mails/<int:mail_id>/do/", do, name="mail_do"),
]
