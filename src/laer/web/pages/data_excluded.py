"""Excluded: rows of findings that finance or an admin took out of the figures, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.web.book import exclusions
from laer.web.book.actions import Refused
from laer.web.book.models import Account, Exclusion
from laer.web.book.scope import visible_rows
from laer.web.pages.data import frame, label_of, names_of, newest_first, user_of
from laer.web.runs import doctor, examining
from laer.web.templatetags.laer import number, person_name

SHOWN = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@require_safe
def excluded(request: HttpRequest) -> HttpResponse:
    """What does not count now, newest first, and what was taken back last."""
    user = user_of(request)
    mine = Exclusion.objects.filter(visible_rows(user)).select_related("user__person", "taken_back_by__person")
    in_force = mine.filter(taken_back_at=None)
    total = in_force.count()
    shown, previous, following = newest_first(in_force, request, SHOWN)
    before = list(mine.exclude(taken_back_at=None).order_by("-taken_back_at", "-pk")[:20])
    names = names_of((e.record, e.object_id) for e in (*shown, *before))
    accounts = dict(Account.objects.filter(pk__in={e.account_id for e in (*shown, *before)}).values_list("pk", "name"))
    context = frame(user, "doctor") | {
        "rows": [_row(e, names, accounts) for e in shown],
        "before": [_row(e, names, accounts) for e in before],
        "back_url": reverse("excluded_back") if user.may_exclude else None,
        "upload_url": None,
        "total": total,
        "shown": _("%(shown)s of %(total)s") % {"shown": number(len(shown)), "total": number(total)},
        "previous_url": previous,
        "next_url": following,
        "state": {"shown": ngettext(
            "%(n)s row excluded",
            "%(n)s rows excluded",
            total,
        ) % {"n": number(total)}, "whose": None if user.reads_everything else _("in your book")},
    }
    return render(request, "pages/doctor_excluded.html", context)


@require_POST
def exclude(request: HttpRequest, check: str) -> HttpResponse:
    """Exclude the rows that are ticked, or all that the check names. Finance and admins only."""
    user = user_of(request)
    if not user.may_exclude:
        raise PermissionDenied
    found = doctor.rows_to_exclude(check, user)
    if found is None:
        raise Http404
    record, every = found
    asked = {int(text) for text in request.POST.getlist("row") if text.isascii() and text.isdigit() and len(text) < 19}
    rows = every if request.POST.get("all") else [pk for pk in every if pk in asked]
    if not rows:
        messages.warning(request, _("No row was chosen: tick those that shall not count."))
        return redirect("doctor_check", check)
    at = timezone.now()
    try:
        done = exclusions.exclude_rows(user, record, rows, check, request.POST.get("reason", ""), at=at)
    except Refused as refused:
        messages.warning(request, _("Not excluded. %(refused)s") % {"refused": refused})
        return redirect("doctor_check", check)
    examining.ask(user)
    undo = f"{reverse('excluded_back')}?at={(at - EPOCH) // timedelta(microseconds=1)}"
    messages.success(request, ngettext(
        "%(n)s row excluded; the figures follow within seconds",
        "%(n)s rows excluded; the figures follow within seconds",
        done,
    ) % {"n": number(done)}, extra_tags=f"undo:{undo}")
    return redirect("doctor_check", check)


@require_POST
def back(request: HttpRequest) -> HttpResponse:
    """Take exclusions back: `row` (their numbers), or all that I made in one go (`at`)."""
    user = user_of(request)
    if not user.may_exclude:
        raise PermissionDenied
    asked = [int(text) for text in request.POST.getlist("row") if text.isascii() and text.isdigit() and len(text) < 19]
    moment = request.GET.get("at", "")
    if moment.isascii() and moment.isdigit() and len(moment) < 18:
        asked += exclusions.active().filter(user=user, at=EPOCH + timedelta(microseconds=int(moment))).values_list("pk", flat=True)
    done = exclusions.take_back(user, asked)
    examining.ask(user)
    messages.success(request, ngettext(
        "%(n)s row taken back; the figures follow within seconds",
        "%(n)s rows taken back; the figures follow within seconds",
        done,
    ) % {"n": number(done)})
    return redirect("excluded")


def _row(e: Exclusion, names: dict[tuple[str, int], tuple[str, str | None]], accounts: dict[int, str]) -> dict[str, Any]:
    return {
        "pk": e.pk,
        "name": names.get((e.record, e.object_id), (_("number %(object_id)s") % {"object_id": e.object_id}, None))[0],
        "record": label_of(e.record),
        "account": accounts.get(e.account_id, ""),
        "is_account": e.record == "accounts",
        "url": f"/accounts/{e.account_id}/",
        "check": doctor.title_of(e.check_id),
        "check_url": reverse("doctor_check", args=[e.check_id]) if e.check_id in doctor.CHECKS or e.check_id in doctor.OF_FAMILY else None,
        "reason": e.reason,
        "who": person_name(e.user) if e.user else _("somebody"),
        "at": e.at,
        "taken_back_at": e.taken_back_at,
        "taken_back_by": person_name(e.taken_back_by) if e.taken_back_by else _("somebody"),
    }
