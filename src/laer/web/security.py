"""Two gates that no view can forget: the headers of every answer, and the login in front of every page."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OPEN = ("/login/", "/logout/", "/password/", "/invitation/", "/mail/stop/", "/oidc/", "/2fa/authenticate/", "/static/", "/favicon.ico")


class SecurityHeaders:
    """Content-Security-Policy without inline script or style, and no caching of pages by anything in between."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseBadRequest("The address or the form holds a NUL character.") if _holds_nul(request) else self.get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        if not request.path.startswith(settings.STATIC_URL):
            response.setdefault("Cache-Control", "private, no-store")
        return response


def _holds_nul(request: HttpRequest) -> bool:
    """A NUL character is no text: PostgreSQL refuses it in the middle of a query. Uploads are read by their own view."""
    if "\x00" in request.path or any("\x00" in v for values in request.GET.lists() for v in values[1]):
        return True
    form = request.method == "POST" and request.content_type == "application/x-www-form-urlencoded"
    return form and any("\x00" in v for values in request.POST.lists() for v in values[1])


class LoginRequired:
    """Every path asks for a login but those that are needed to log in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/start/" or request.path.startswith(OPEN) or request.user.is_authenticated:
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = redirect_to_login("/").url
            return answer
        return redirect_to_login(request.get_full_path())


class SecondFactor:
    """Where the firm asks a person for a second factor, nothing is there for them before they have one but the way to it."""

    WAY = ("/2fa/", "/reauthenticate/", "/logout/", "/password/", "/static/", "/favicon.ico")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(self.WAY) or not request.user.is_authenticated or not request.user.must_add_factor:
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = reverse("mfa_activate_totp")
            return answer
        return redirect("mfa_activate_totp")
