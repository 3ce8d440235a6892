"""Accounts: which accounts are like this? The list with its search, filters, sorts and pages, and a form to add one."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from laer.records.money import minor_units
from laer.sources.tabular.values import Unreadable, read_date, read_integer, read_number
from laer.web.book import actions
from laer.web.book import queries as book
from laer.web.book.definitions import may_define, measures
from laer.web.book.models import Account
from laer.web.book.team_scope import teams_for
from laer.web.book.together import FIELDS, label_of
from laer.web.pages.account_columns import ACCOUNTS, in_own_currency
from laer.web.pages.exports import format_of
from laer.web.pages.lists import EVERYTHING, opened
from laer.web.pages.meanings import meaning_of
from laer.web.people.models import Team, User
from laer.web.runs import checklist, fact_filters, queries
from laer.web.runs.measured import named
from laer.web.runs.models import PassRun
from laer.web.runs.queries import ADDRESSED, NONE, Filters
from laer.web.templatetags.laer import day, money_short, number

CURSORS = ("after", "before", "page")
STATES = {"paying": gettext_lazy("Paying"), "churned": gettext_lazy("Churned"), "prospect": gettext_lazy("Prospect")}
FACETS = (
    ("state", gettext_lazy("State"), "circle-dot"),
    ("segment", gettext_lazy("Segment"), "category"),
    ("owner", gettext_lazy("Owner"), "user"),
    ("country", gettext_lazy("Country"), "map-pin"),
    ("industry", gettext_lazy("Industry"), "building-community"),
    ("inside", gettext_lazy("Belongs to"), "users-group"),
)
ENDS = (30, 60, 90, 180, 365)
BOUNDS = (500, 2_000, 10_000)  # of MRR, in units of the firm's currency
SENTENCES = {
    "state": gettext_lazy("State is"), "segment": gettext_lazy("Segment is"), "country": gettext_lazy("Country is"),
    "industry": gettext_lazy("Industry is"), "owner": gettext_lazy("Owner is"), "ends_within": gettext_lazy("Contract ends within"),
    "ends_before": gettext_lazy("Contract ends before"), "mrr_min": gettext_lazy("MRR from"), "mrr_max": gettext_lazy("MRR under"),
        "where": gettext_lazy("Where"), "inside": gettext_lazy("Belongs to"), "team": gettext_lazy("Team is"),
}  # fmt: skip
ADDED = ("name", "domain", "segment", "industry", "country", "region", "employees", "lead_source", "signed_up_on")


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """The address without a path: to the import while there are no accounts, then to Home for who leads, to the accounts for who works with them."""
    if request.user.may_import and not Account.objects.exists():  # type: ignore[union-attr]
        return redirect("import")
    return redirect("home" if user_of(request).reads_everything else "accounts")


def accounts(request: HttpRequest) -> HttpResponseBase:
    """As of now: `pages/accounts_then.py` asks for it where the address names no run."""
    user = user_of(request)
    listed = opened(request, user, ACCOUNTS)
    if listed.elsewhere:
        return listed.elsewhere
    q = request.GET.get("q", "").strip()[:200]
    sort = request.GET.get("sort", queries.DEFAULT_SORT)
    sort = sort if sort.removeprefix("-") in queries.SORTS else queries.DEFAULT_SORT
    run = queries.last_run()
    currency = queries.currency_of(run)
    filters = read_filters(request.GET, currency)
    if filters.team is not None and all(str(team.pk) != filters.team for team in teams_for(user)):
        filters = replace(filters, team=None)  # no team of theirs to look at: it narrows nothing, and is not named
    if format_of(request):
        rows = queries.account_rows(user, q=q, filters=filters, sort=sort, run=run)
        return ACCOUNTS.file(request, in_own_currency(rows, currency), f"accounts-{run.as_of if run else 'none'}")
    page = queries.account_list(user, q=q, filters=filters, sort=sort, cursor=request.GET.get("after") or request.GET.get("before") or "", run=run)
    counted = page.facets
    places = minor_units(currency)
    context = {
        "rows": [_row(row, currency, places) for row in page.rows],
        "sort": sort,
        "q": q,
        "filters": chips_of(request.GET, filters, counted, currency),
        "clear_url": _url(QueryDict(), saved=EVERYTHING),
        "facets": facets_of(request.GET, filters, counted, currency),
        "where": _where(user, request.GET.get("where", ""), filters, run),
        "total_label": number(page.totals.accounts),
        "counted": ngettext("%(count)s account", "%(count)s accounts", page.totals.accounts) % {"count": number(page.totals.accounts)},
        "totals": {
            "accounts": page.totals.accounts,
            "mrr": _major(page.totals.mrr_minor, places),
            "arr": _major(page.totals.arr_minor, places),
            "currency": currency,
            "meanings": [meaning_of(key, None, account=True) for key in ("mrr", "arr")],
        },
        "previous_url": page.previous and _url(request.GET, after=None, before=page.previous),
        "next_url": page.next and _url(request.GET, before=None, after=page.next),
        "as_of": run and run.as_of,
        "keep": {"run": run.pk, "address": request.get_full_path()} if run and not _beyond_facts(filters) else None,
        "whose": None if user.reads_everything else _("your book"),
        "recomputing": page.everything_dirty,
        "download_url": _url(request.GET) if page.rows else None,
        "import_url": reverse("import") if user.may_import else None,
        "new_url": reverse("account_new") if user.may_edit else None,
        "together": {"may_edit": user.may_edit, "people": book.people() if user.may_edit else [], "fields": [(name, label_of(name)) for name in FIELDS]},
    }
    missing: dict[str, Any] = {"checklist": checklist.items(user, run)} if not request.GET and checklist.is_for(user) else {}
    context |= listed.context | missing
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
    response = render(request, "pages/accounts.html#results" if fragment else "pages/accounts.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A form to add an account, and what answers it."""
    user = user_of(request)
    if not user.may_edit:
        raise PermissionDenied
    values = {name: request.POST.get(name, "") for name in (*ADDED, "owner")}
    error = ""
    if request.method == "POST":
        try:
            account = actions.create_account(user, {n: values[n] for n in ADDED}, chosen_person(values["owner"]))
        except actions.Refused as refused:
            error = str(refused)
        else:
            messages.success(request, _("%(name)s added") % {"name": account.name})
            return redirect("account", account.pk) if book.account_for(user, account.pk) else redirect("accounts")
    record = {name: actions.column_of("accounts", name) for name in ADDED}
    fields_ = [
        {
            "name": n, "label": _(c.label), "type": {"date": "date"}.get(c.kind, "text"), "numeric": c.kind == "integer", "required": c.required,
            "value": values[n],
        }
        for n, c in record.items()
    ]  # fmt: skip
    context = {"fields": fields_, "people": book.people(), "owner": values["owner"], "error": error, "action": request.path}
    return render(request, "pages/account_new.html", context, status=422 if error else 200)


def read_filters(query: QueryDict, currency: str) -> Filters:
    """The filters of an address. What does not read is left out, so that an old link still works."""

    def bounded(name: str) -> str | None:
        value = query.get(name, "").strip()
        return value if value and len(value) <= 120 and "\0" not in value else None

    def minor(name: str) -> int | None:
        found = read_number(query.get(name, ""))
        return int(found.scaleb(minor_units(currency)).to_integral_value()) if isinstance(found, Decimal) and abs(found) < 10**13 else None

    state, owner = bounded("state"), bounded("owner")
    within = read_integer(query.get("ends_within", ""))
    before = read_date(query.get("ends_before", ""), "ymd")
    return Filters(
        state=state if state in STATES else None, segment=bounded("segment"), country=bounded("country"), industry=bounded("industry"),
        owner=owner if owner and (owner == NONE or (owner.isascii() and owner.isdigit() and len(owner) < 19)) else None,
        ends_within=within if isinstance(within, int) and 0 <= within <= 36_500 else None,
        ends_before=before if isinstance(before, date) and not isinstance(before, Unreadable) else None,
        mrr_min=minor("mrr_min"), mrr_max=minor("mrr_max"), where=fact_filters.read(query.get("where", ""))[0],
        inside=bounded("in"), team=bounded("team"),
    )  # fmt: skip


def _row(row: dict[str, Any], currency: str, places: int) -> dict[str, Any]:
    own = row["currency"] or currency
    scale = places if own == currency else minor_units(own)
    return row | {"mrr": _major(row["mrr_minor"], scale), "arr": _major(row["arr_minor"], scale), "currency": own, "url": f"/accounts/{row['account_id']}/"}


def _major(amount: int, places: int) -> Decimal:
    return Decimal(amount).scaleb(-places)


def facets_of(query: QueryDict, filters: Filters, counted: queries.Facets, currency: str) -> list[dict[str, Any]]:
    """Menus that add a filter; the option in force takes it out again."""
    rest = _Rest(query)
    menus = []
    for name, title, icon in FACETS:
        options = []
        for value, label, count in counted.get(name, []):
            key = NONE if value is None else value
            active = getattr(filters, name) == key
            said = (_("nobody") if name == "owner" else _("unknown")) if value is None else STATES.get(label, label)
            options.append({"label": said, "value": key, "count": count, "url": rest.url({_key(name): None if active else key}), "active": active})
        menus.append({"name": name, "title": title, "icon": icon, "options": options})
    ends = [
        {"label": ngettext("Within %(days)s day", "Within %(days)s days", days) % {"days": days}, "value": days, "active": filters.ends_within == days}
        for days in ENDS
    ]
    for one in ends:
        one["url"] = rest.url({"ends_within": None if one["active"] else one["value"], "ends_before": None})
    menus.append({"name": "ends_within", "title": _("Contract ends"), "icon": "calendar-event", "options": ends})
    menus.append(
        {
            "name": "mrr",
            "title": _("MRR"),
            "icon": "chart-bar",
            "options": [_band(rest, filters, low, high, currency) for low, high in zip((None, *BOUNDS), (*BOUNDS, None), strict=True)],
        }
    )
    return menus


def _band(rest: _Rest, filters: Filters, low: int | None, high: int | None, currency: str) -> dict[str, Any]:
    scale = 10 ** minor_units(currency)
    active = (filters.mrr_min, filters.mrr_max) == (low and low * scale, high and high * scale)
    label = (
        _("Under %(high)s") % {"high": money_short(high, currency)}
        if low is None
        else _("%(low)s and more") % {"low": money_short(low, currency)}
        if high is None
        else _("%(low)s to %(high)s") % {"low": money_short(low, currency), "high": money_short(high, currency)}
    )
    return {"label": label, "url": rest.url({"mrr_min": None if active else low, "mrr_max": None if active else high}), "active": active}


def _where(user: User, typed: str, filters: Filters, run: PassRun | None) -> dict[str, Any]:
    """The condition as typed: what is wrong with it, and of how many accounts too little is known to say."""
    there = measures()
    return {
        "typed": filters.where or typed[: fact_filters.LONGEST],
        "faults": fact_filters.read(typed)[1],
        "unknown": queries.unknown_to(user, filters, run) if filters.where else 0,
        "measures": [(m.id, named(m.name)) for m in there.values()],
        "may_keep": may_define(user, "segment"),
    }


def chips_of(query: QueryDict, filters: Filters, counted: queries.Facets, currency: str) -> list[dict[str, Any]]:
    """The filters in force as sentences."""
    rest = _Rest(query)
    chips = []
    for f in fields(filters):
        value = getattr(filters, f.name)
        if value is not None:
            chips.append({"label": SENTENCES[f.name], "value": said(f.name, value, counted, currency), "remove_url": rest.url({_key(f.name): None})})
    return chips


def _beyond_facts(filters: Filters) -> bool:
    """Whether the list is narrowed by what the facts of a run do not say: then no address of it says the same tomorrow."""
    return any(value is not None for value in (filters.team, filters.where, filters.inside, filters.ends_within, filters.ends_before))


def _key(name: str) -> str:
    return ADDRESSED.get(name, name)


def said(name: str, value: Any, counted: queries.Facets, currency: str) -> str:
    """A filter's value in words."""
    if name == "ends_within":
        return ngettext("%(days)s day", "%(days)s days", value) % {"days": value}
    if name == "ends_before":
        return str(day(value))
    if name in ("mrr_min", "mrr_max"):
        return str(money_short(_major(value, minor_units(currency)), currency))
    if name == "inside":
        return next((label for key, label, *__ in counted.get("inside", []) if key == value), str(value))
    if name == "where":
        return fact_filters.said(value, currency)
    if name == "team":
        return Team.objects.filter(pk=int(value)).values_list("name", flat=True).first() or _("unknown") if value.isascii() and value.isdigit() else value
    if value == NONE:
        return _("nobody") if name == "owner" else _("unknown")
    if name == "owner":
        return next((label for key, label, *__ in counted["owner"] if key == value), None) or book.person_name(int(value)) or _("somebody unknown")
    return str(STATES.get(value, value))


class _Rest:
    """This page's query without its cursors, to make many links of it cheaply."""

    def __init__(self, query: QueryDict) -> None:
        self.pairs = [(key, value) for key, values in query.lists() if key not in CURSORS for value in values]
        self.without: dict[tuple[str, ...], str] = {}

    def url(self, changes: dict[str, Any]) -> str:
        keys = tuple(changes)
        if keys not in self.without:
            self.without[keys] = urlencode([(key, value) for key, value in self.pairs if key not in changes])
        added = urlencode([(key, value) for key, value in changes.items() if value is not None])
        return "?" + "&".join(part for part in (self.without[keys], added) if part)


def _url(query: QueryDict, **changes: str | None) -> str:
    changed = query.copy()
    for key in CURSORS:
        changed.pop(key, None)
    for key, value in changes.items():
        if value:
            changed[key] = value
    return "?" + changed.urlencode()


def chosen_person(text: str) -> int | None:
    """A person's id of a form; None where nobody was chosen."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def user_of(request: HttpRequest) -> User:
    """Who asks; the gate in front of every page let nobody else through."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


urlpatterns: list[URLPattern] = [
    path("", front, name="front"),
    path("accounts/new/", new, name="account_new"),
]
