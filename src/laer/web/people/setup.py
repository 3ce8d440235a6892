"""The first admin, made in the browser by whoever can read the server's terminal.

An installation without any login shows nothing but `/start/`. So that whoever reaches a new server first does not own it, that page
asks for a code which `laer serve` prints: kept in the home beside the key of the sessions, and gone once there is a login.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from allauth.core.internal import ratelimit
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.people import company
from laer.web.people.audit import log_event
from laer.web.people.logins import is_address, make_login, weaknesses
from laer.web.people.models import Act, Company, Role, User
from laer.web.people.roles import Refused

TRIES = {"setup_code": "5/m/ip,30/5m/key"}
OPEN = ("/static/", "/favicon.ico")
PROVED = "setup"  # in the session of whoever gave the code
_there = False  # once there is a login there is one for good: logins are switched off, never deleted


def is_needed() -> bool:
    """Whether nobody can sign in yet. One small query while it is so, none afterwards."""
    global _there
    _there = _there or User._base_manager.exists()
    return not _there


def forget() -> None:
    """For a process whose database is another one now."""
    global _there
    _there = False


# -- the code ---------------------------------------------------------------------------------------------------------


def make_code() -> str:
    """The code of this installation, made when it is asked for first. About 119 bits."""
    if code() is None:
        _file().unlink(missing_ok=True)  # empty: whoever began to write it was killed
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(_file(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(6)) for _ in range(4)))
    return code() or ""


def code() -> str | None:
    """The code that `laer serve` printed; None where it was never asked for, or has been used."""
    try:
        return _file().read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def may_try(request: HttpRequest) -> bool:
    """Whether this address, and everybody together, may still guess. Counts the guess."""
    return ratelimit.consume(request, app="allauth.account", action="setup_code", config=TRIES, key="setup", limit_get=True) is not None


def prove(request: HttpRequest, given: str) -> bool:
    """Compare the code in constant time, and remember in the session that it was right."""
    known = code()
    if known is None or not hmac.compare_digest(given.strip().encode(), known.encode()):
        return False
    request.session[PROVED] = _hash(known)
    return True


def is_proved(request: HttpRequest) -> bool:
    known = code()
    return known is not None and hmac.compare_digest(str(request.session.get(PROVED, "")).encode(), _hash(known).encode())


# -- the first admin --------------------------------------------------------------------------------------------------


def errors(given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the form of the first setup, field by field; those of the company have `company_name` for their name."""
    found: dict[str, str] = {}
    email = str(given.get("email") or "").strip()
    if not str(given.get("your_name") or "").strip():
        found["your_name"] = _("Say what you are called.")
    if not is_address(email):
        found["email"] = _("E-mail: found “%(found)s”, expected an address such as maya@firm.example.") % {"found": email[:60]}
    if weak := weaknesses(str(given.get("password") or ""), email):
        found["password"] = " ".join(weak)
    firm = company.errors({**given, "name": given.get("company_name")})
    return found | {"company_name" if name == "name" else name: text for name, text in firm.items()}


@transaction.atomic
def set_up(given: Mapping[str, Any]) -> User:
    """The first admin and the firm, in one transaction. Of two browsers at once one is late.

    Raises  Refused where there is a login already
    """
    Company.objects.select_for_update().get_or_create(pk=1)  # the one row that both would write: the second waits here
    if User._base_manager.exists():
        raise Refused(_("This installation has been set up already: sign in."))
    user = make_login(str(given["email"]).strip(), str(given["password"]), Role.ADMIN, str(given["your_name"]).strip()[:200])
    company.save(user, {**given, "name": given["company_name"]})
    log_event(Act.SET_UP, user, about=user, subject=user.email)
    transaction.on_commit(use_up)
    return User.objects.get(pk=user.pk)


def use_up() -> None:
    """The code is worth nothing any more."""
    _file().unlink(missing_ok=True)


class SetUpFirst:
    """Without a login there is nothing but the first setup."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/start/" or request.path.startswith(OPEN) or request.user.is_authenticated or not is_needed():
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = reverse("start")
            return answer
        return redirect("start")


def _file() -> Path:
    return home.home() / "setup.code"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
