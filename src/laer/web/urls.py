from allauth.socialaccount import views as social
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext as _


def no_mail(request: HttpRequest) -> HttpResponse:
    """Without a mail server no link can be sent: an administrator sets the password."""
    messages.error(request, _("No mail server is set up here. An administrator can set a new password: laer user password EMAIL"))
    return redirect("account_login")


def turned_away(request: HttpRequest) -> HttpResponse:
    """Where allauth would offer a form to sign up, or to connect more providers: there is neither."""
    return render(request, "socialaccount/turned_away.html", {"email": "", "why": _("no login belongs to you")}, status=403)


urlpatterns: list[URLPattern | URLResolver] = [
    *([] if settings.MAIL_IS_SENT else [path("password/reset/", no_mail)]),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("login/sso/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/sso/error/", social.login_error, name="socialaccount_login_error"),
    path("login/sso/signup/", turned_away, name="socialaccount_signup"),
    path("login/sso/connections/", turned_away, name="socialaccount_connections"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("", include("laer.web.pages.urls")),
]
