"""Figures as they were: an address with the run, its day, its policy and the instant it was made says the same tomorrow.

    ?run=12&as_of=2026-11-22&policy=default-1&known=20261122T114003000000

The figures come from that run's own tables; what a reader may see is decided today, and names are today's. An address whose tables
are gone, or that this installation never made, is answered with a page that says so, never with other figures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import Resolver404, path, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from laer.metrics.policy import load_policy
from laer.web.pages.data import user_of
from laer.web.people.roles import Refused
from laer.web.runs import kept, rates, snapshots
from laer.web.runs.desk import BeingMade, impatient, shown
from laer.web.runs.models import PassRun
from laer.web.runs.passes import latest_run
from laer.web.templatetags.laer import day, instant, person_name

log = logging.getLogger(__name__)

KEYS = ("run", "as_of", "policy", "known")
FILES = frozenset(("format", "download"))  # parameters of addresses that give a file, no page
# routes whose figures can be linked
PAGES = (
    "revenue", "revenue-behind", "revenue-booked", "renewals", "renewal_rates", "renewals_behind", "renewal_forecast", "renewal_adoption", "motion_costs",
    "land", "land_lookback", "adopt", "expand", "flow", "flow_accounts", "board", "home", "report", "report_behind", "pack",
    "metrics", "measure", "account", "accounts",
)  # fmt: skip
INSTANT = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True)
class Then:
    """The run whose figures a page shows.

    run    None where there is none yet
    query  what its links carry so that they stay with the run; empty on the pages of now
    known  the instant up to which closings of months are known; None: now
    """

    run: PassRun | None
    query: Mapping[str, str] = field(default_factory=dict)
    known: datetime | None = None

    def context(self, request: HttpRequest, address: str | None = None) -> dict[str, Any]:
        """Of parts/as_of.html and parts/keep.html; `address` where the page's own leaves out what it fell back to."""
        if self.run is None:
            return {}
        if not self.query:
            return {"keep": {"run": self.run.pk, "address": address or request.get_full_path()}}
        said = {"day": day(self.run.as_of), "run": self.run.pk, "policy": self.run.policy, "version": self.run.policy_version}
        return {
            "then": {
                "title": _("As of %(day)s (run %(run)s, policy %(policy)s, version %(version)s)") % said,
                "text": _("Figures, and the lines they are made of, are as they were then, for the accounts that you may see today. "
                          "Names, owners beside renewals and lines, and the rows on the page of an account are today's."),
                "now_url": without(request),
            }
        }  # fmt: skip


class Gone(Exception):
    """The figures of an address cannot be shown as they were: why, and the run nearest to it that can."""

    def __init__(self, title: str, text: str, nearest: PassRun | None = None) -> None:
        super().__init__(title)
        self.title, self.text, self.nearest = title, text, nearest


def then_of(request: HttpRequest, newest: bool = False) -> Then:
    """The run that the address names, or the one shown now; `newest`: that of a page that never waits for figures.

    Raises  Gone where it names one that cannot be shown as it was
    """
    given = request.GET
    if "run" not in given:
        return Then(latest_run() if newest else shown.of(latest_run()))
    number = given["run"]
    run = PassRun.objects.filter(pk=int(number), state="complete").first() if number.isascii() and number.isdigit() and len(number) < 18 else None
    wanted = _day(given.get("as_of", ""))
    if run is None:
        raise Gone(_("There is no run %(run)s here") % {"run": number[:20]}, _("The address may be mistyped, or of another installation."), _nearest(wanted))
    if given.get("as_of", str(run.as_of)) != str(run.as_of) or given.get("policy", _policy_of(run)) != _policy_of(run):
        said = {"run": run.pk, "day": run.as_of, "policy": _policy_of(run), "wanted": given.get("as_of", "?")[:20], "other": given.get("policy", "?")[:40]}
        text = _("The address names as of %(wanted)s and policy %(other)s; run %(run)s is of %(day)s and policy %(policy)s.") % said
        raise Gone(_("This address is not of run %(run)s") % said, text, _nearest(wanted or run.as_of))
    if not snapshots.is_there(run.pk):
        text = _("A run's tables are kept while it is among the newest, and as long as a link keeps it. What another run says is not what this one said.")
        title = _("The figures of run %(run)s, as of %(day)s, are gone") % {"run": run.pk, "day": day(run.as_of)}
        raise Gone(title, text, _nearest(run.as_of))
    if not _rules_are(run):
        said = {"policy": run.policy, "version": run.policy_version}
        text = _("It was computed by policy %(policy)s, version %(version)s, and that version is not installed any more: by other rules its figures differ.")
        raise Gone(_("Run %(run)s cannot be shown as it was") % {"run": run.pk}, text % said, _nearest(run.as_of))
    if given.get("rates") and given["rates"] != str(run.plan_year) and rates.mark() != run.rates_mark:
        text = _("The address shows figures at the plan rates of %(year)s, and the table of rates has changed since.") % {"year": given["rates"][:8]}
        raise Gone(_("Run %(run)s cannot be shown at those rates any more") % {"run": run.pk}, text, _nearest(run.as_of))
    known = _known(given.get("known", "")) or run.finished_at or run.started_at
    return Then(run, pinned(run, known), known)


def pinned(run: PassRun, known: datetime) -> dict[str, str]:
    """What makes an address one of a run's figures, known up to an instant."""
    return {"run": str(run.pk), "as_of": str(run.as_of), "policy": _policy_of(run), "known": known.astimezone(UTC).strftime(INSTANT)}


View = Callable[..., HttpResponseBase]  # of a request, a Then, and what its address names


def as_then(view: View, *, newest: bool = False) -> Callable[..., HttpResponseBase]:
    """A view of figures, handed the run that its address names; where that cannot be shown, a page says so."""

    @wraps(view)
    def answered(request: HttpRequest, **named: Any) -> HttpResponseBase:
        try:
            then = then_of(request, newest)
        except Gone as gone:
            nearest = gone.nearest
            context = {
                "title": gone.title, "text": gone.text, "now_url": without(request),
                "nearest": nearest and {"day": nearest.as_of, "run": nearest.pk, "url": with_run(request.get_full_path(), nearest, timezone.now())},
            }  # fmt: skip
            return render(request, "pages/as_of_gone.html", context, status=410)
        return view(request, then, **named) if newest else at_once(request, lambda: view(request, then, **named))

    return answered


def at_once(request: HttpRequest, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The page, or where its figures take long (those of a large book, the first time) one that says so and asks for them again by itself.

    A file and a link that somebody keeps wait for their figures. What took longer than is allowed is said on a page, too (503).
    """
    if request.method != "GET" or not FILES.isdisjoint(request.GET) or request.path.endswith("/download/"):
        return answer()
    try:
        with impatient():
            return answer()
    except BeingMade:
        part = request.headers.get("HX-Target") if not request.headers.get("HX-Boosted") else None
        template = "pages/being_made.html#revenue" if part == "revenue" else "pages/being_made.html"
        return render(request, template, {"poll_url": request.get_full_path(), "state": None})
    except TimeoutError as late:
        log.warning("figures were not made in time: %s", late)
        part = request.headers.get("HX-Target") if not request.headers.get("HX-Boosted") else None
        template = "pages/not_in_time.html#revenue" if part == "revenue" else "pages/not_in_time.html"
        return render(request, template, {"again_url": request.get_full_path(), "state": None}, status=503)


def without(request: HttpRequest) -> str:
    """The page's address of now."""
    query = request.GET.copy()
    for key in KEYS:
        query.pop(key, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def with_run(address: str, run: PassRun, known: datetime) -> str:
    """An address of one of our pages, of a run's figures."""
    page, _sep, query = address.partition("?")
    given = QueryDict(query, mutable=True)
    for key, value in pinned(run, known).items():
        given[key] = value
    return f"{page}?{given.urlencode()}"


def _policy_of(run: PassRun) -> str:
    return f"{run.policy}-{run.policy_version}"


def _rules_are(run: PassRun) -> bool:
    """Whether the version of the policy that made the run is the one that is installed."""
    try:
        return load_policy(run.policy).version == run.policy_version
    except (ValueError, KeyError, OSError):
        return False


def _nearest(wanted: date | None) -> PassRun | None:
    """Of the runs that can be shown as they were, the one whose day is nearest; the newest where no day is known."""
    folders = [int(f.name) for f in (snapshots.folder_of(0).parent).glob("*") if f.name.isdigit() and snapshots.is_there(int(f.name))]
    runs = [run for run in PassRun.objects.filter(pk__in=folders, state="complete").exclude(kind="past").order_by("-id") if _rules_are(run)]
    return min(runs, key=lambda run: abs((run.as_of - wanted).days), default=None) if wanted else next(iter(runs), None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _known(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the run that a page shows, and give the page's address of it: as JSON to a script, which copies it, else by going there."""
    number, address = request.POST.get("run", ""), request.POST.get("address", "")
    page = address.partition("?")[0]
    if not _can_be_kept(page) or not number.isascii() or not number.isdigit() or len(number) > 17:
        raise Http404
    script = "application/json" in request.headers.get("Accept", "")
    try:
        run = kept.keep_run(user_of(request), int(number), address).run
    except Refused as error:
        if script:
            return JsonResponse({"said": str(error)}, status=409)
        messages.error(request, str(error))
        return redirect(address)
    url = with_run(address, run, timezone.now())
    said = _("Link to the figures as of %(day)s copied. It will say the same tomorrow.") % {"day": day(run.as_of)}
    if script:
        return JsonResponse({"url": request.build_absolute_uri(url), "said": said})
    messages.success(request, _("The address of this page says the same tomorrow. Copy it from here."))
    return redirect(url)


def _can_be_kept(page: str) -> bool:
    try:
        return resolve(page).url_name in PAGES
    except Resolver404:
        return False


@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """The runs that are kept for links: an administrator sees all, others those that they made."""
    user = user_of(request)
    there = kept.in_force()
    rows = there if user.role == "admin" else there.filter(kept_by=user)
    context = {
        "rows": [
            {
                "id": one.pk, "run": one.run_id, "as_of": one.run.as_of, "url": with_run(one.address, one.run, one.kept_at),
                "by": person_name(one.kept_by) if one.kept_by else None, "at": instant(one.kept_at),
            }
            for one in rows
        ],
        "most": kept.MOST,
        "count": there.count(),
    }  # fmt: skip
    return render(request, "pages/links.html", context)


@require_POST
def let_go(request: HttpRequest, kept_id: int) -> HttpResponse:
    """Keep a run no longer: its maker or an administrator says so."""
    try:
        one = kept.let_go(user_of(request), kept_id)
        messages.success(request, _("Run %(run)s is no longer kept. Its links say so once newer runs have taken its place.") % {"run": one.run_id})
    except Refused as error:
        messages.error(request, str(error))
    return redirect("links")


urlpatterns = [
    path("links/", links, name="links"),
    path("links/keep/", keep, name="link_keep"),
    path("links/<int:kept_id>/let-go/", let_go, name="link_let_go"),
]
