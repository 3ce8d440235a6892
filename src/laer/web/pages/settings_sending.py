"""Settings, Sending: from whom mail leaves the house, the test that lets it out, templates with a preview, and the endpoints of calls. Admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.plays.mail_template import NAMES, VALUE, as_html, filled
from laer.web import home
from laer.web.book import definitions as own
from laer.web.book.models import Account, Contact
from laer.web.book.scope import visible_accounts
from laer.web.pages.accounts import user_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.mails import TONES, views_of
from laer.web.pages.settings import admin, frame
from laer.web.people import sender as senders
from laer.web.people.models import MailSender, Provider, Security
from laer.web.people.roles import Refused
from laer.web.templatetags.laer import number
from laer.web.work import mail_stops, mail_texts, sending_acts
from laer.web.work.models import Endpoint, MailStop, OutgoingCall, OutgoingMail, Sending

SHOWN = 50
STOPS = 200


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def front(request: HttpRequest) -> HttpResponse:
    """Whether mail leaves the house and through what; the form of the sender, the test, and the addresses that are not written to."""
    user, error, given = admin(request), "", None
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in (*senders.FIELDS, "secret", "quiet_weekends", "forget_secret")}
        try:
            changed = senders.save(user, given)
        except Refused as refused:
            error = str(refused)
        else:
            messages.success(request, _("Sender saved") if changed else _("The sender is as it was"))
            return redirect("settings_sending")
    found = senders.sender()
    let, why = senders.may_send(found)
    counts = dict(OutgoingMail.objects.values_list("state").annotate(n=Count("pk")))
    context = frame(user, "settings_sending") | _parts("settings_sending") | {
        "held": _held(), "sender": found, "values": _typed(given) if given else _stored(request, found), "error": error, "let": let, "why": why,
        "providers": Provider.choices, "securities": Security.choices, "has_secret": bool(found.secret), "hours": range(24),
        "counts": [{"label": state.label, "n": counts[state.value], "tone": TONES[state], "url": f"{reverse('mails')}?state={state.value}"}
                   for state in Sending if counts.get(state.value)],
        "templates": [_template(row) for row in mail_texts.templates()], "may_define": own.may_define(user, mail_texts.KIND),
        "stops": [{"id": row.pk, "address": row.address, "why": row.get_why_display(), "detail": row.detail, "at": row.at}
                  for row in MailStop.objects.filter(ended_at=None).order_by("-at")[:STOPS]],
        "state": {"shown": _("mail leaves the house") if let else _("nothing leaves the house"),
                  "note": _("tested %(to)s") % {"to": found.tested_to} if let else None},
    }  # fmt: skip
    return render(request, "pages/settings_sending.html", context, status=422 if error else 200)


@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """One mail to an address of the allow-list, now."""
    user, to = admin(request), request.POST.get("to", "")
    try:
        senders.test(user, to)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The server took the test for %(to)s: mail may leave the house") % {"to": to})
    return redirect("settings_sending")


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Stop all mail, or let it out again; what waits stays."""
    paused = request.POST.get("paused") == "1"
    if senders.pause(admin(request), paused):
        messages.success(request, _("Stopped: what waits is kept") if paused else _("Mail goes out again"))
    return redirect("settings_sending")


@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    """After a restore: let out what waited in the backup, or drop it; from then on mail goes out as ever."""
    drop = request.POST.get("do") == "drop"
    try:
        dropped = sending_acts.go_on(admin(request), drop=drop)
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        said = ngettext("%(n)s that waited was dropped: what is new goes out", "%(n)s that waited were dropped: what is new goes out", dropped)
        messages.success(request, said % {"n": number(dropped)} if drop else _("What waited goes out, and so does what is new"))
    return redirect("settings_sending")


@require_POST
def stop_end(request: HttpRequest, stop_id: int) -> HttpResponse:
    """Write to an address again."""
    found = mail_stops.end_stop(admin(request), stop_id)
    if found is None:
        raise Http404
    messages.success(request, _("%(address)s is written to again") % {"address": found.address})
    return redirect("settings_sending")


@require_safe
def template(request: HttpRequest, template_id: str) -> HttpResponse:
    """A mail template as a contact would read it: for any account that one may see, or with examples."""
    user = user_of(request)
    row = own.current(mail_texts.KIND, template_id)
    if not own.may_define(user, mail_texts.KIND):
        raise PermissionDenied
    if row is None:
        raise Http404
    of, asked = mail_texts.read(row.text), request.GET.get("account", "").strip()
    account, contacts, contact = _whom(request, visible_accounts(user), asked)
    values = {key: request.GET.get(f"value-{key}", "") or example for key, example in of.values.items()}
    error, written = "", None
    if account is not None:
        try:
            written = mail_texts.render(of, account, contact or Contact(account=account), values)
        except mail_texts.NotSendable as wrong:
            error = str(wrong)
    else:
        known = NAMES | {VALUE + key: text for key, text in values.items()}
        text = filled(of.body.strip(), known)
        written = mail_texts.Rendered(filled(of.subject, known), text, as_html(text))
    context = frame(user, "definitions" if not user.is_admin else "settings_sending") | {
        "row": _template(row), "description": of.description, "mail": written, "error": error, "asked": asked, "account": account, "contacts": contacts,
        "contact": contact, "values": values.items(), "placeholders": of.placeholders, "lost": bool(asked) and account is None,
        "state": {"shown": _("mail template"), "note": _("version %(version)s") % {"version": row.version}},
    }  # fmt: skip
    return render(request, "pages/mail_template.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def endpoints(request: HttpRequest) -> HttpResponseBase:
    """Where calls go, and what became of the last ones; the form of a new endpoint."""
    user, error, secret = admin(request), "", None
    given = {name: request.POST.get(name, "") for name in ("name", "url", "kind")}
    if request.method == "POST":
        try:
            made, new = sending_acts.add_endpoint(user, **given)
        except Refused as refused:
            error = str(refused)
        else:
            messages.success(request, _("Endpoint %(name)s added") % {"name": made.name})
            if new:
                request.session["endpoint"] = {"name": made.name, "secret": new}  # shown once, on the page that follows
            return redirect("settings_endpoints")
    elif not request.GET.get("format"):
        secret = request.session.pop("endpoint", None)
    state = request.GET.get("state", "")
    found = OutgoingCall.objects.select_related("endpoint").order_by("-created_at", "-pk")
    found = found.filter(state=state) if state in Sending.values else found
    if file := filed(request, "calls", CALLS, lambda: (_call(row) for row in found.iterator(chunk_size=1_000))):
        return file
    rows = [_call(row) for row in found[:SHOWN]]
    counts = dict(OutgoingCall.objects.values_list("state").annotate(n=Count("pk")))
    context = frame(user, "settings_sending") | _parts("settings_endpoints") | {
        "endpoints": list(Endpoint.objects.filter(archived_at=None).order_by("name")), "rows": rows, "given": given, "error": error, "secret": secret,
        "views": views_of(state, counts),
        "download_url": request.get_full_path() if rows else None,
        "state": {"shown": ngettext("%(n)s call", "%(n)s calls", len(rows)) % {"n": number(len(rows))}, "note": _("newest first")},
    }  # fmt: skip
    return render(request, "pages/settings_endpoints.html", context, status=422 if error else 200)


@require_POST
def endpoint_do(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Try an endpoint, or remove it."""
    user = admin(request)
    if request.POST.get("do") == "remove":
        gone = sending_acts.remove_endpoint(user, endpoint_id)
        if gone is None:
            raise Http404
        messages.success(request, _("Endpoint %(name)s removed: no call goes there any more") % {"name": gone.name})
    elif sending_acts.try_endpoint(user, endpoint_id) is None:
        raise Http404
    else:
        messages.success(request, _("A test call is on its way: it stands below"))
    return redirect("settings_endpoints")


@require_POST
def call_again(request: HttpRequest, call_id: int) -> HttpResponse:
    """The same call once more."""
    try:
        sending_acts.replay_call(admin(request), call_id)
    except Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, _("The call is made again"))
    return redirect("settings_endpoints")


CALLS: dict[str, Value] = {
    "at": lambda row: row["at"], "endpoint": lambda row: row["endpoint"], "event": lambda row: row["event"], "state": lambda row: str(row["state"]),
    "attempts": lambda row: row["attempts"], "status": lambda row: row["status"], "reason": lambda row: row["reason"] or None,
    "webhook_id": lambda row: row["message_id"], "due_at": lambda row: row["due_at"],
}  # fmt: skip


def _call(row: OutgoingCall) -> dict[str, Any]:
    state = Sending(row.state)
    return {
        "id": row.pk, "at": row.created_at, "endpoint": row.endpoint.name, "event": row.event, "state": state.label, "tone": TONES[state],
        "attempts": row.attempts, "status": row.status, "reason": row.reason, "message_id": row.message_id,
        "due_at": row.due_at if state == Sending.QUEUED else None,
        "again": state in sending_acts.CALL_AGAIN and row.endpoint.archived_at is None,
    }  # fmt: skip


def _held() -> dict[str, Any] | None:
    """What a restore holds back; None where nothing is."""
    restored = home.restored()
    if not restored.get("held"):
        return None
    mails, calls = sending_acts.held_back()
    n, m = mails.count(), calls.count()
    waits = [ngettext("%(n)s mail", "%(n)s mails", n) % {"n": number(n)}] if n else []
    waits += [ngettext("%(n)s call", "%(n)s calls", m) % {"n": number(m)}] if m else []
    return {"at": datetime.fromisoformat(restored["at"]), "waits": ", ".join(waits)}


def _parts(active: str) -> dict[str, Any]:
    """The pages of the tab."""
    there = ((_("Sender"), "settings_sending"), (_("Mails"), "mails"), (_("Endpoints"), "settings_endpoints"))
    return {"sending_parts": [{"title": title, "url": reverse(name), "active": name == active} for title, name in there]}


def _stored(request: HttpRequest, found: MailSender) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in senders.FIELDS} | {"quiet_weekends": found.quiet_weekends}
    return values | {"allowed": "\n".join(found.allowed), "site": found.site or request.build_absolute_uri("/").rstrip("/")}


def _typed(given: dict[str, str]) -> dict[str, Any]:
    numbers = {name: int(given[name]) for name in ("quiet_from", "quiet_until") if given[name].isdecimal() and len(given[name]) < 3}
    return {**given, **numbers}


def _template(row: Any) -> dict[str, Any]:
    of = mail_texts.read(row.text)
    return {
        "id": row.name, "name": row.title, "subject": of.subject, "url": reverse("mail_template", args=[row.name]), "version": row.version,
        "edit_url": reverse("definition", args=[mail_texts.KIND, row.name]), "in_use": row.status in own.IN_USE, "status": row.status,
    }  # fmt: skip


def _whom(request: HttpRequest, seen: Any, asked: str) -> tuple[Account | None, list[Contact], Contact | None]:
    """The account that was asked for by name, its contacts, and the one that was chosen, else the first with an address."""
    if not asked:
        return None, [], None
    account = seen.filter(name__iexact=asked).order_by("pk").first() or seen.filter(name__icontains=asked).order_by("name", "pk").first()
    if account is None:
        return None, [], None
    contacts = list(Contact.objects.filter(account=account, archived_at=None).order_by("name", "pk")[:100])
    chosen = next((one for one in contacts if str(one.pk) == request.GET.get("contact")), None)
    return account, contacts, chosen or next((one for one in contacts if one.email), contacts[0] if contacts else None)


urlpatterns: list[URLPattern] = [
    path("sending/", front, name="settings_sending"),
    path("sending/test/", test, name="settings_sending_test"),
    path("sending/pause/", pause, name="settings_sending_pause"),
    path("sending/go-on/", go_on, name="settings_sending_go_on"),
    path("sending/stops/<int:stop_id>/end/", stop_end, name="mail_stop_end"),
    path("sending/templates/<slug:template_id>/", template, name="mail_template"),
    path("sending/endpoints/", endpoints, name="settings_endpoints"),
    path("sending/endpoints/<int:endpoint_id>/", endpoint_do, name="endpoint_do"),
    path("sending/calls/<int:call_id>/again/", call_again, name="call_again"),
]
