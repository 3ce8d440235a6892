"""What the link below a mail opens: one press, and the address is not written to any more. Nobody needs a login for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from laer.web.people.company import firm
from laer.web.work import mail_stops


@csrf_exempt  # a mail program posts without a page of ours (RFC 8058); the signed token in the address is what it may do, and nothing else
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Looking changes nothing: mail programs open links by themselves. A post stops mail to the address, or lets it in again."""
    mail = mail_stops.mail_of(token)
    if mail is None:
        return render(request, "account/mail_stop_gone.html", status=410)
    if request.method == "POST":
        if request.POST.get("again"):
            mail_stops.subscribe_again(mail)
        else:
            mail_stops.unsubscribe(mail)
    context = {"address": mail.to, "firm": firm().name, "stopped": mail_stops.stopped(mail.to)}
    return render(request, "account/mail_stop.html", context)


urlpatterns: list[URLPattern] = [path("mail/stop/<str:token>/", stop, name="mail_stop")]
