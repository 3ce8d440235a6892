"""Signing in through the firm's own identity provider (OpenID Connect). It says who somebody is; what they may do is decided here.

Somebody whose login has the address that the provider verified is signed in. Where LAER_OIDC_DOMAINS names the domain of the
address, a login is made for those who have none, with LAER_OIDC_ROLE. Everybody else is turned away.
"""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from laer.web.people.audit import log_event
from laer.web.people.models import Act, Person, User


class FirmAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True  # whoever may not come in was turned away by `pre_social_login`

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.is_existing:
            return
        email = verified_address(sociallogin)
        if not email:
            raise _turned_away(request, "", gettext_noop("the provider states no verified e-mail address"))
        user = User.objects.filter(email=email).first()
        if user:
            sociallogin.connect(request, user)
        elif email.rpartition("@")[2] not in settings.OIDC_DOMAINS:
            raise _turned_away(request, email, gettext_noop("no login has this address"))

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """A login for somebody of an allowed domain; the person whom files named by the address becomes theirs."""
        email = verified_address(sociallogin)
        user = sociallogin.user
        user.email, user.role = email, settings.OIDC_ROLE
        user.set_unusable_password()
        sociallogin.save(request)
        name = str(_claims(sociallogin).get("name") or email.split("@")[0])[:200]
        person = Person.objects.filter(email__iexact=email, user=None, archived_at=None).order_by("pk").first()
        person = person or Person(name=name, email=email, created_at=timezone.now())
        person.user = user
        person.save()
        log_event(Act.JOINED, user, about=user, subject=email, details={"role": user.role, "by": settings.OIDC_NAME}, request=request)
        return user

    def on_authentication_error(self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None) -> None:
        log_event(Act.SIGN_IN_FAILED, details={"why": f"{settings.OIDC_NAME}: {error or exception or 'unknown'}"[:200]}, request=request)


def verified_address(sociallogin: SocialLogin) -> str:
    """The address that the provider vouches for, or none: one that it only repeats may be anybody's."""
    claims = _claims(sociallogin)
    email = str(claims.get("email") or "").strip().lower()
    return email if claims.get("email_verified") in (True, "true") else ""


def _claims(sociallogin: SocialLogin) -> dict[str, Any]:
    data = sociallogin.account.extra_data
    return data.get("userinfo") or data.get("id_token") or data


def _turned_away(request: HttpRequest, email: str, why: str) -> ImmediateHttpResponse:
    log_event(Act.SIGN_IN_FAILED, subject=email, details={"why": f"{settings.OIDC_NAME}: {why}"}, request=request)
    return ImmediateHttpResponse(render(request, "socialaccount/turned_away.html", {"email": email, "why": _(why)}, status=403))
