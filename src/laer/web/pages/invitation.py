"""What an invitation's link opens: choose a password, and be signed in. The only page that makes a login; nobody needs one to see it."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from laer.web.people import invitations
from laer.web.people.company import firm
from laer.web.people.roles import Refused


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Looking uses nothing up: mail programs open links by themselves."""
    found = invitations.invitation_of(token)
    if found is None:
        return render(request, "account/invitation_gone.html", status=410)
    error = ""
    if request.method == "POST":
        try:
            user = invitations.accept(token, request.POST.get("password", ""))
        except Refused as refused:
            if invitations.invitation_of(token) is None:
                return redirect(request.path)
            error = str(refused)
        else:
            answer: HttpResponse = perform_login(request, Login(user=user, redirect_url="/", email_verification="none"))
            return answer
    context = {"person": found.person, "email": found.email, "role": found.get_role_display(), "firm": firm().name, "error": error}
    return render(request, "account/invitation.html", context, status=422 if error else 200)


urlpatterns: list[URLPattern] = [path("invitation/<str:token>/", invitation, name="invitation")]
