from allauth.account.views import password_reset
from allauth.socialaccount import views as social
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext as _

from laer.web.people.sender import mail_is_sent


def reset(request: HttpRequest) -> HttpResponseBase:
    """The form that sends a link. Without a mail server no link can be sent: an administrator sets the password."""
    if mail_is_sent():
        answer: HttpResponseBase = password_reset(request)
        return answer
    messages.error(request, _("No mail server is set up here. An administrator can set a new password: laer user password EMAIL"))
    return redirect("account_login")


def turned_away(request: HttpRequest) -> HttpResponse:
    """Where allauth would offer a form to sign up, or to connect more providers: there is neither."""
    return render(request, "socialaccount/turned_away.html", {"email": "", "why": _("no login belongs to you")}, status=403)


urlpatterns: list[URLPattern | URLResolver] = [
    path("password/reset/", reset),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("login/sso/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/sso/error/", social.login_error, name="socialaccount_login_error"),
    path("login/sso/signup/", turned_away, name="socialaccount_signup"),
    path("login/sso/connections/", turned_away, name="socialaccount_connections"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("", include("laer.web.pages.urls")),
]
