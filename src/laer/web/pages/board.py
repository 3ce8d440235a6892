"""Board: where does the base stand? Accounts by motion and state, how long they are there, where they go, and the trend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.scope import Scope
from laer.flow.positions import AHEAD, column_of
from laer.records.money import minor_units
from laer.web import position_words
from laer.web.pages import accounts_then, flow
from laer.web.pages.accounts import CURSORS, chips_of, facets_of, read_filters, user_of
from laer.web.pages.as_of import Then, as_then, pinned
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.measure_words import missing_text
from laer.web.pages.motion import MONEY, said, tile
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.team_filter import looked_at
from laer.web.runs import board as boards
from laer.web.runs import flowing, in_use, queries, snapshots
from laer.web.runs.board import Board, Motion, State
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

ASIDE = ("saved", "columns", "sort", "format", *CURSORS)  # of an address of the list of accounts: no filter
HEADER = ("motion", "state", "accounts", "arr", "currency", "median_days", "stays_counted", "stays_ended", "went_on")


@require_safe
@partial(as_then, newest=True)
def board(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The base by motion and state, whole or of a cohort: accounts, ARR, time in state, where they go on to, and the trend; every cell opens its accounts."""
    user, run, looked = user_of(request), then.run, looked_at(request)
    scope, currency = looked.scope, queries.currency_of(run)
    filters, cohort = read_filters(request.GET, currency), flow.chosen(request.GET.get("cohort", ""))
    as_kept = bool(then.query) or cohort.first is not None  # of a run's facts, and so are the lists behind it
    cannot = accounts_then.unanswered(filters) if as_kept else []
    if run is not None and as_kept:
        scope = accounts_then.like(run, accounts_then.of_cohort(run, scope, cohort), filters, currency) if not cannot else scope.narrowed(())
    found = None if run is None else boards.board(user, run, filters, scope, as_kept=as_kept, then=bool(then.query))
    pins = tuple((then.query or pinned(run, run.finished_at or run.started_at)).items()) if run is not None and as_kept else ()
    links = Links(request.GET, pins)
    if found is not None and run is not None and (form := format_of(request)):
        return export(f"board-{run.as_of}", HEADER, _cells(found, currency), form)
    empty = found is None or (not found.accounts and not filters)
    context: dict[str, Any] = {
        "title": _("Board"), "tabs": flow.tabs(then, "board"), "nothing": _nothing(found) if empty else None,
        "state": state_of(run, scope, then, None if found is None or empty else _accounts(found.accounts)) | {"whose": looked.whose},
        "team_chip": looked.chip(_Address(request.GET)), "notices": [accounts_then.cannot(cannot)] if cannot else [],
    }  # fmt: skip
    if found is not None and not empty:
        counted = queries.facets(user, run)
        assert run is not None
        context |= {
            "figures": _figures(found, links, currency), "motions": [_motion(one, request, links, currency) for one in found.motions],
            "cohorts": _cohorts(run, looked.scope, request.GET, cohort),
            "filters": chips_of(request.GET, filters, counted, currency), "facets": facets_of(request.GET, filters, counted, currency),
            "clear_url": reverse("board"), "replayed": found.replayed, "download_url": f"?{_query(request.GET, format='csv')}",
            "may_define": user.role in ("admin", "lead"),
        }  # fmt: skip
    return render(request, "pages/board.html", context | then.context(request))


@dataclass(frozen=True)
class _Address:
    """Of this view of the page, for another team."""

    given: QueryDict

    def url(self, *, team: str) -> str:
        return f"?{_query(self.given, team=team)}"


def _cohorts(run: PassRun, scope: Scope, given: QueryDict, active: flow.Chosen) -> list[dict[str, Any]]:
    """All, each year, before records, as Flow has them."""
    there = flowing.flow_of(run, scope, in_use.joints_of(run)).cohorts if snapshots.is_there(run.pk) else []
    texts = flow.cohort_choices(there, active)
    chosen = active.text if active.first is not None else ""
    return [{"label": label, "url": f"?{_query(given, cohort=text)}", "active": text == chosen} for text, label in texts.items()]


def _nothing(found: Board | None) -> dict[str, Any]:
    action = {"label": _("Import a file"), "url": reverse("import"), "icon": "file-import"}
    if found is None:
        text = _("The next pass computes positions: where each account stands in Land, Adopt, Expand and Renew.")
        return {"icon": "route", "title": _("Nobody has a position yet"), "text": text, "action": action}
    text = _("Accounts with subscription lines, deals, usage, outcomes and contracts fill this board.")
    return {"icon": "route", "title": _("No account is here that you may see"), "text": text, "action": action}


def _accounts(n: int) -> str:
    return ngettext("%(n)s account", "%(n)s accounts", n) % {"n": number(n)}


def _query(given: QueryDict, **changes: str) -> str:
    """The filters of this address, as the list of accounts has them."""
    kept = [(key, value) for key, values in given.lists() if key not in ASIDE and key not in changes for value in values]
    return urlencode([*kept, *((key, value) for key, value in changes.items() if value)])


@dataclass(frozen=True)
class Links:
    """Where cells lead: the list of now, or that of a run (`pins`), whose facts tell the states of then and the cohort."""

    given: QueryDict
    pins: tuple[tuple[str, str], ...] = ()

    def behind(self, motion: str, *states: str | None) -> str:
        if not self.pins:
            return behind(self.given, motion, *states)
        at = accounts_then.Position(motion, tuple(state or accounts_then.UNKNOWN for state in states)).text()
        return f"{reverse('accounts')}?{_query(self.given, at=at, **dict(self.pins))}"


def behind(given: QueryDict, motion: str, *states: str | None) -> str:
    """The list of the accounts in some states of a motion, with the filters of this address."""
    column = column_of(motion)
    tests = [f"{column} is unknown" if state is None else f'{column} = "{state}"' for state in states]
    asked = " or ".join(tests)
    if there := given.get("where", "").strip():
        asked = f"({there}) and ({asked})"
    columns = urlencode([("columns", name) for name in (column, "segment", "health", "arr", "owner_name")])
    return f"{reverse('accounts')}?{_query(given, where=asked)}&{columns}"


WATCHED = (  # what a leader looks at first: motion, its states, title, what it means
    ("land", ("won",), gettext_lazy("Won, not handed over"), gettext_lazy("They pay, and nobody owns them: no CSM, and no onboarding has begun.")),
    ("adopt", ("stalled", "lapsed"), gettext_lazy("Stalled or lapsed"), gettext_lazy("Onboarding stands still or is late, or use has ended.")),
    ("expand", ("ready",), gettext_lazy("Ready to grow"), gettext_lazy("Seats or limits are nearly full, and no deal is open.")),
    ("renew", ("pending", "overdue"), gettext_lazy("Over, nothing signed"), gettext_lazy("A term has ended and nothing was signed to go on.")),
)


def _figures(found: Board, links: Links, currency: str) -> list[dict[str, Any]]:
    figures = []
    there = {one.motion: one for one in found.motions}
    for motion, states, title, means in WATCHED:
        if motion not in there:
            continue
        accounts, arr = there[motion].of(*states)
        meaning = {"title": title, "text": means, "method": "position", "url": reverse("measure", args=[f"{motion}_state"])}
        figures.append(tile(
            title, Decimal(f"{arr:.2f}"), MONEY, currency, known=_accounts(accounts), meaning=meaning, url=links.behind(motion, *states) if accounts else None,
            hint=_("%(motion)s · ARR") % {"motion": position_words.MOTIONS[motion]},
        ))  # fmt: skip
    return figures


def _motion(one: Motion, request: HttpRequest, links: Links, currency: str) -> dict[str, Any]:
    rows = [_row(one.motion, state, links, currency) for state in one.states]
    missing = None if one.missing is None else missing_text(request, one.missing)
    return {
        "id": one.motion, "title": position_words.MOTIONS[one.motion], "letter": str(position_words.MOTIONS[one.motion])[:1], "rows": rows,
        "missing": missing, "unknown": any(state.state is None for state in one.states), "url": reverse("definition", args=["positions", one.motion]),
    }  # fmt: skip


def _row(motion: str, one: State, links: Links, currency: str) -> dict[str, Any]:
    arr, exact = said(Decimal(f"{one.arr:.2f}"), MONEY, currency)
    name, url = position_words.state_name(motion, one.state), links.behind(motion, one.state) if one.accounts else None
    ahead = AHEAD[motion].get(one.state or "", ())
    known = [None if count is None else float(count) for count in one.months]
    return {
        "name": name, "muted": one.state in ("none", None), "tone": position_words.TONES.get(one.state or "", ""), "accounts": one.accounts, "arr": arr,
        "arr_exact": exact, "url": url, "time": _time(one), "went": _went(motion, one, ahead),
        "spark": {"values": known, "label": _("%(state)s by month") % {"state": name}} if sum(count is not None for count in known) > 1 else None,
    }  # fmt: skip


def _time(one: State) -> dict[str, Any] | None:
    """The median of stays that began within the year, those that go on counted as what they are."""
    if not one.time.n:
        return None
    median, n = one.time.median, one.time.n
    known = _("%(ended)s of %(n)s ended") % {"ended": number(one.time.reached), "n": number(n)}
    if median.days is None:
        return {"text": _("more than half go on"), "known": known, "word": True}
    text = ngettext("%(n)s day", "%(n)s days", median.days) % {"n": number(median.days)}
    return {"text": text, "known": known, "word": False}


def _went(motion: str, one: State, ahead: tuple[str, ...]) -> dict[str, Any] | None:
    if not ahead or one.went.share is None:
        return None
    n = {"on": number(one.went.on), "ended": number(one.went.ended)}
    to = " / ".join(position_words.state_name(motion, state) for state in ahead)
    return {"text": percent(one.went.share, 0), "known": _("%(on)s of %(ended)s") % n, "to": to}


def _cells(found: Board, currency: str) -> Iterator[tuple[Any, ...]]:
    places = minor_units(currency)
    for motion in found.motions:
        for one in motion.states:
            arr = Money(Decimal(f"{one.arr:.{places}f}"), currency)
            days = one.time.median.days if one.time.n else None
            yield motion.motion, one.state or "unknown", one.accounts, arr, currency, days, one.time.n, one.went.ended, one.went.on


urlpatterns = [path("flow/board/", board, name="board")]
