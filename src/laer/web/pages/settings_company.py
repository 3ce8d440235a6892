"""Settings, Company: name, currency, time zone, formats and fiscal year of the firm. Admins."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from laer.web.pages import company_form
from laer.web.pages.settings import admin, frame
from laer.web.people import company
from laer.web.people.roles import Refused
from laer.web.runs.firm import Unsure, change_activation, change_firm


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """The company, and what a change of it does to the figures before it does it."""
    user = admin(request)
    values, errors, error, warning = company_form.in_force(), {}, "", ""
    if request.method == "POST":
        values = company_form.given(request)
        said = values | {"name": values["company_name"]}
        errors = {"company_name" if name == "name" else name: text for name, text in company.errors(said).items()}
        if not errors:
            try:
                changed = change_firm(user, said, sure=request.POST.get("sure") == values["currency"].upper())
            except Unsure as unsure:
                warning = str(unsure)
            except Refused as refused:
                error = str(refused)
            else:
                messages.success(request, _("Saved") if changed else _("Nothing has changed"))
                return redirect("settings_company")
    firm = company.firm()
    context = frame(user, "settings_company") | company_form.form(values, errors)
    context |= {"error": error, "warning": warning, "confirmed": firm.confirmed, "hidden": user.hides_checklist, "demo": firm.is_demo}
    context |= {"alerts": firm.alerts, "alerts_ship": company.ALERTS}
    context |= {"rule": asdict(firm.activation), "rule_ships": firm.activation_ships}
    return render(request, "pages/settings_company.html", context, status=422 if errors or error or warning else 200)


@require_POST
def activation(request: HttpRequest) -> HttpResponse:
    """By which rule an account counts as activated: the firm's own, or the one that ships again."""
    user = admin(request)
    try:
        rule = None if request.POST.get("ships") else company.read_activation(request.POST)
    except Refused as refused:
        firm = company.firm()
        context = frame(user, "settings_company") | company_form.form(company_form.in_force(), {})
        context |= {"confirmed": firm.confirmed, "hidden": user.hides_checklist, "demo": firm.is_demo, "rule_error": str(refused), "rule_ships": False}
        context |= {"alerts": firm.alerts, "alerts_ship": company.ALERTS}
        return render(request, "pages/settings_company.html", context | {"rule": request.POST.dict()}, status=422)
    changed = change_activation(user, rule)
    messages.success(request, _("Saved: the next pass reads it over the whole history") if changed else _("Nothing has changed"))
    return redirect("settings_company")


@require_POST
def alerts(request: HttpRequest) -> HttpResponse:
    """How many accounts a day stand on Today of those who did not choose for themselves."""
    user = admin(request)
    try:
        changed = company.save_alerts(user, company.read_alerts(request.POST.get("alerts", "")))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Saved") if changed else _("Nothing has changed"))
    return redirect("settings_company")
