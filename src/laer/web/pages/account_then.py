"""An account as a run of before knew it: its figures and all facts of that run, under an address that says the same tomorrow.

Rows (lines, contacts, tickets, what was written) are today's and stand on the page of today; here is only what the run itself keeps.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.web.book.definitions import measures
from laer.web.pages import account as today
from laer.web.pages import measure_words as words
from laer.web.pages.account_facts import facts_from
from laer.web.pages.account_rows import seen
from laer.web.pages.as_of import Then, as_then
from laer.web.runs.measured import facts_of_one

HEADED = ("mrr", "arr", "renewal_on", "seats", "tickets_open", "first_paid_on")  # facts above the others


@require_safe
def account(request: HttpRequest, account_id: int) -> HttpResponseBase:
    """One account: its figures with what they are made of, what happened, what is to do; with `run` in the address its figures as of that run."""
    return _of_run(request, account_id=account_id) if "run" in request.GET else today.account(request, account_id)


def _as_it_was(request: HttpRequest, then: Then, account_id: int) -> HttpResponseBase:
    _user, row = seen(request, account_id)
    run, found = then.run, facts_of_one(then.run, row.pk)
    assert run
    there, kept = measures(), urlencode(then.query)
    figures = []
    for measure in (there[name] for name in HEADED):
        said = words.said(measure, words.plain(measure, (found or {}).get(measure.id)), run.currency)
        figures.append(
            {"label": words.text(measure.name), "value": said["text"], "title": said["title"], "hint": said["unit"], "word": measure.kind == "date"}
            | {"url": f"{reverse('measure', args=[measure.id])}?{kept}"}
        )
    context: dict[str, Any] = {
        "account": {
            "account_id": row.pk, "name": row.name, "domain": row.domain, "url": reverse("account", args=[row.pk]), "currency": run.currency,
            "segment": (found or {}).get("segment"), "industry": row.industry, "country": row.country, "owner_name": (found or {}).get("owner"),
            "archived": row.archived_at is not None, "recomputing": False,
        },
        "state": {"as_of": run.as_of},
        "header_figures": figures,
        "tabs": [{"key": "facts", "title": today.TABS["facts"], "url": f"?{kept}", "active": True}],
        "tab": "facts",
        "notices": [] if found else [{"tone": "warn", "title": _("This account was not there yet"), "text": _("The run knows nothing of it.")}],
    } | then.context(request)  # fmt: skip
    context |= facts_from(request, found, run, run.currency, f"?{kept}")
    return render(request, "pages/account.html", context)


_of_run = as_then(_as_it_was, newest=True)
urlpatterns: list[URLPattern] = [path("accounts/<int:account_id>/", account, name="account")]
