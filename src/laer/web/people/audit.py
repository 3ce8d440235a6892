"""The audit trail of what no change log holds: sign-ins, rights, exports, closings. Append-only, with the address it came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.core import context
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from laer.web.people.models import Act, AuditEvent, User


def log_event(
    act: Act, user: Any = None, *, about: User | None = None, subject: str = "", details: dict[str, Any] | None = None, request: HttpRequest | None = None
) -> AuditEvent:
    """Write one event. Browser and address are those of the request under way, if there is one."""
    ip, agent = origin(request or context.request)
    return AuditEvent.objects.create(
        at=timezone.now(), act=act, user=user if isinstance(user, User) else None, about=about, subject=subject[:300], details=details or {}, ip=ip, agent=agent
    )


def origin(request: HttpRequest | None) -> tuple[str | None, str]:
    """Address and browser of a request; the address is read through as many proxies as LAER_PROXIES says."""
    if request is None:
        return None, ""
    try:
        ip = get_adapter().get_client_ip(request)
    except PermissionDenied:  # a socket has no address
        ip = None
    return ip, request.headers.get("User-Agent", "").replace("\0", "")[:300]


class LogExports:
    """Whatever leaves as a file is in the trail: no view can forget it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 200 and response.get("Content-Disposition", "").startswith("attachment") and request.method in ("GET", "POST"):
            name = re.search(r'filename="([^"]*)"', response["Content-Disposition"])
            log_event(Act.EXPORTED, request.user, subject=name[1] if name else request.path, details={"of": request.get_full_path()[:500]}, request=request)
        return response


@receiver(user_logged_in)
def _signed_in(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    log_event(Act.SIGNED_IN, user, about=user, request=request)


@receiver(user_logged_out)
def _signed_out(sender: Any, request: HttpRequest, user: User | None, **rest: Any) -> None:
    if user is not None:
        log_event(Act.SIGNED_OUT, user, about=user, request=request)


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **rest: Any) -> None:
    email = str(credentials.get("email") or credentials.get("username") or "").replace("\0", "").strip().lower()
    log_event(Act.SIGN_IN_FAILED, about=User.objects.filter(email=email).first() if email else None, subject=email, request=request)


@receiver(authentication_failed)
def _wrong_code(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    log_event(Act.SIGN_IN_FAILED, about=user, subject=user.email, details={"why": "wrong code"}, request=request)


@receiver(authenticator_added)
@receiver(authenticator_removed)
def _factor(sender: Any, request: HttpRequest, user: User, authenticator: Any, signal: Any, **rest: Any) -> None:
    if authenticator.type == authenticator.Type.TOTP:
        log_event(Act.FACTOR_ADDED if signal is authenticator_added else Act.FACTOR_REMOVED, user, about=user, request=request)


@receiver([password_changed, password_set, password_reset])
def _password(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    log_event(Act.PASSWORD_CHANGED, user, about=user, request=request)
