from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path


def no_mail(request: HttpRequest) -> HttpResponse:
    """Without a mail server no link can be sent: an administrator sets the password."""
    messages.error(request, "No mail server is set up here. An administrator can set a new password: laer user password EMAIL")
    return redirect("account_login")


urlpatterns: list[URLPattern | URLResolver] = [
    *([] if settings.MAIL_IS_SENT else [path("password/reset/", no_mail)]),
    path("", include("allauth.account.urls")),
    path("", include("laer.web.pages.urls")),
]
