"""The first run: an admin and a company, then the demo firm or one's own file. And how the demo firm is left again."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.web.pages import company_form
from laer.web.pages.accounts import user_of
from laer.web.pages.data import PATIENCE, label_of
from laer.web.people import setup
from laer.web.people.company import firm
from laer.web.people.models import Demo, Invitation, User
from laer.web.people.roles import Refused
from laer.web.runs import demo
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import JobState


def company(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the firm's name at the foot of the navigation, and whether it is made up. No query."""
    if not request.user.is_authenticated:
        return {}
    known = firm()
    return {"firm_name": known.name, "in_demo": known.is_demo, "may_leave_demo": known.is_demo and request.user.is_admin}


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The code that the terminal shows, then the form; signed in at its end."""
    if not setup.is_needed():
        return redirect("front")
    if not setup.is_proved(request):
        return _ask_for_code(request)
    values = {"your_name": "", "email": ""} | company_form.guessed(request)
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip()[:200] for name in ("your_name", "email")} | company_form.given(request)
        said = values | {"password": request.POST.get("password", "")}
        errors = setup.errors(said)
        if not errors:
            try:
                user = setup.set_up(said)
            except Refused as refused:
                messages.error(request, str(refused))
                return redirect("front")
            answer: HttpResponse = perform_login(request, Login(user=user, redirect_url=reverse("start_next"), email_verification="none"))
            list(messages.get_messages(request))  # allauth's word that somebody signed in says nothing new here
            return answer
    context = company_form.form(values, errors) | {"guess_zone": request.method != "POST"}
    return render(request, "pages/start.html", context, status=422 if errors else 200)


def _ask_for_code(request: HttpRequest) -> HttpResponse:
    given = (request.POST if request.method == "POST" else request.GET).get("code", "").strip()[:200]
    error, status = "", 200
    if given:
        if not setup.may_try(request):
            error, status = _("Too many codes were tried. Wait a minute, then try again."), 429
        elif setup.prove(request, given):
            return redirect("start")  # an address without the code, for the browser's history
        else:
            error, status = _("This is not the code. It is the one that the terminal of laer serve shows now."), 422
    elif request.method == "POST":
        error, status = _("Type the code that the terminal shows."), 422
    context = {"error": error, "there_is_one": setup.code() is not None}
    return render(request, "pages/start_code.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def then(request: HttpRequest) -> HttpResponse:
    """The demo firm, or one's own file: for the admin of a book with nothing in it."""
    user = _admin(request)
    if not demo.is_empty():
        return redirect("front")
    if request.method == "POST":
        try:
            demo.ask_to_make(user)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("front")
        return redirect("start_demo")
    return render(request, "pages/start_next.html", {"upload_url": reverse("import")})


@require_safe
def being_made(request: HttpRequest) -> HttpResponse:
    """How far the demo firm is, while it is made or left; polls itself, then goes on."""
    user, known = user_of(request), firm()
    if not known.is_changing:
        return _done(request, known.demo)
    job = demo.progress_of()
    told = job.get("progress") or {}
    late = job.get("state") == JobState.READY and (timezone.now() - job["created_at"]).total_seconds() > PATIENCE
    context = {
        "leaving": known.demo == Demo.LEAVING,
        "label": _step(told),
        "value": told.get("done") if told.get("of") else None,
        "max": told.get("of") or 1,
        "failed": not job or job["state"] in (JobState.FAILED, JobState.DONE),
        "tried_again": job.get("attempts", 0) > 1 or (job.get("state") == JobState.READY and job.get("attempts", 0)),
        "waits": late and not job.get("attempts"),
        "may_act": user.is_admin,
        "poll_url": request.path,
    }
    return render(request, "pages/start_demo.html", context)


def _done(request: HttpRequest, state: str) -> HttpResponse:
    to = reverse("accounts")
    if request.headers.get("HX-Request") and state == Demo.NONE:
        messages.success(request, _("The demo firm is gone. The book is empty: start with your file."))
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = to
        return answer
    return redirect(to)


def _step(told: dict[str, Any]) -> str:
    step = told.get("step")
    if step == "leaving":
        return _("Taking the demo firm out")
    if step == "pass":
        return _("Computing revenue, renewals and cohorts")
    if step == "usage_days":
        return _("Putting away two years of product usage")
    return _("Making up: %(records)s") % {"records": label_of(step).lower()} if step else _("Starting")


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """A job that failed for good is asked for once more."""
    user = _admin(request)
    state = firm().demo
    if state == Demo.MAKING:
        enqueue("demo", {"as_of": timezone.localdate().isoformat()}, unique_key="demo")
    elif state == Demo.LEAVING:
        enqueue("leave_demo", {"by": user.pk}, unique_key="leave_demo")
    return redirect("start_demo")


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """What goes and what stays; then the demo is left."""
    user = _admin(request)
    if firm().demo not in (Demo.SHOWN, Demo.MAKING):
        return redirect("front")
    error = ""
    if request.method == "POST":
        try:
            demo.ask_to_leave(user, all_of_it=request.POST.get("all_of_it") == "on")
        except Refused as refused:
            error = str(refused)
        else:
            return redirect("start_demo")
    own = demo.own_rows()
    context = {
        "own": own,
        "colleagues": max(0, User.objects.filter(is_active=True).count() - 1),
        "invited": Invitation.objects.filter(accepted_at=None, revoked_at=None).count(),
        "error": error,
    }
    return render(request, "pages/start_leave.html", context, status=422 if error else 200)


@require_POST
def hide(request: HttpRequest) -> HttpResponse:
    """The checklist is hidden for this person, or shown again."""
    user = user_of(request)
    User.objects.filter(pk=user.pk).update(hides_checklist=request.POST.get("show") != "1")
    if request.POST.get("show") != "1":
        messages.success(request, _("Hidden for you. Settings, Company shows the list again."))
    return redirect("settings_company" if user.is_admin and request.POST.get("show") == "1" else "front")


def _admin(request: HttpRequest) -> User:
    user = user_of(request)
    if not user.is_admin:
        raise PermissionDenied
    return user


urlpatterns: list[URLPattern] = [
    path("start/", start, name="start"),
    path("start/next/", then, name="start_next"),
    path("start/demo/", being_made, name="start_demo"),
    path("start/demo/again/", again, name="start_demo_again"),
    path("start/demo/leave/", leave, name="start_demo_leave"),
    path("start/checklist/hide/", hide, name="checklist_hide"),
]
