"""Home, for leaders: how do the four letters stand? One figure, one trend, one leak and one list for each, on one screen; and health by band."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.records.periods import first_day, month_name
from laer.web.pages import flow, home_letters, motion
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.home_letters import Seen
from laer.web.pages.meanings import meaning_of
from laer.web.pages.motion import MONEY, PERCENT, Asked, Line, said, tile
from laer.web.pages.motion_accounts import named, state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import bands, landing, snapshots
from laer.web.runs.models import PassRun
from laer.web.runs.renewing import renewals_of
from laer.web.runs.revenue import ledger_of, level_since
from laer.web.templatetags.laer import number, signed
from laer.web.wording import long_month
from laer.web.work.pins import pinned_views

RED = 5  # accounts in red that stand below the bands


@require_safe
@as_then
def home(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The four letters on one screen: one figure, one trend, one leak and one list each, with health by band and the worst leak in a sentence."""
    user, run, looked = user_of(request), then.run, looked_at(request)
    asked = Asked(request, "home", {}, (TEAM,), then.query)
    lists = home_letters.lists_of(run, looked.scope) if run else None
    n = lists.paying if lists else 0
    context: dict[str, Any] = {
        "team_chip": looked.chip(asked), "pack_url": _with("pack", asked), "reports_url": _with("report", asked),
        "state": state_of(run, looked.scope, then, ngettext("%(n)s paying account", "%(n)s paying accounts", n) % {"n": number(n)} if n else None)
        | {"whose": looked.whose},
        "nothing": None if n else _nothing(looked.team is not None),
    }  # fmt: skip
    if n and run is not None and lists is not None and snapshots.is_there(run.pk):
        shown = flow.shown_of(run, looked.scope, _flow_asked(request, then))
        firm = landing.firm_of(run, looked.scope, home_letters.TILES)
        seen = Seen(run, looked.scope, asked, lists, firm, shown, renewals_of(run, looked.scope), user)
        changed = level_since(ledger_of(run, looked.scope), run)
        if changed is not None:  # figures of the last months that show nothing may be those of a file that was not brought
            context["state"]["note"] = _("nothing has changed since %(month)s") % {"month": long_month(first_day(changed))}
        context |= {
            "worst": flow.worst_leak(shown), "letters": home_letters.letters(seen), "health": _health(run, seen, request),
            "revenue": _revenue(run, seen), "pins": _pins(seen),
        }  # fmt: skip
    return render(request, "pages/home.html", context | then.context(request, asked.url()))


def _with(route: str, asked: Asked) -> str:
    return reverse(route) + (f"?{urlencode({TEAM: asked[TEAM]})}" if asked[TEAM] else "")


def _flow_asked(request: HttpRequest, then: Then) -> Asked:
    return Asked(request, "flow", {"by": ("segment",)}, ("cohort", TEAM), then.query)


def _nothing(of_team: bool) -> dict[str, Any]:
    if of_team:
        return {"icon": "users-group", "title": _("Nobody whom this team looks after pays"),
                "text": _("An account is a team’s where one of its people is assigned to it."), "action": None}  # fmt: skip
    return {
        "icon": "home", "title": _("Nobody pays yet, as far as this book knows"),
        "text": _("Subscription lines fill this page. Opportunities, usage, onboarding plans and contracts make its letters known, one by one."),
        "action": {"label": _("Import subscription lines"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _health(run: PassRun, seen: Seen, request: HttpRequest) -> dict[str, Any] | None:
    """Paying accounts by band with their ARR, each against a month before; `waits` while what was then is still being made."""
    found = bands.bands_of(run, seen.scope, waits=False)
    if not found:
        return None
    total = sum(one.accounts for one in found.values())
    arr = sum((one.arr for one in found.values()), start=type(next(iter(found.values())).arr)(0))
    rows: list[dict[str, Any]] = []
    x = 0
    for band, one in found.items():
        if not one.accounts and not one.before and band is None:
            continue
        text, exact = said(one.arr, MONEY, run.currency)
        where = f"state = paying and {f'health = {band}' if band else 'health is unknown'}"
        rows.append({
            "band": BANDS.get(band or "") or _("Unknown"), "tone": TONES.get(band or "", ""), "accounts": one.accounts, "arr": text, "title": exact,
            "x": x, "width": round(1000 * float(one.arr / arr)) if arr else 0, "move": _moved(one, band),
            "arr_move": None if one.arr_before is None else motion.moved(one.arr, one.arr_before, MONEY, {"green": "up", "red": "down"}.get(band or "", "")),
            "url": f"{reverse('accounts')}?{urlencode({'where': where, 'sort': '-arr'} | ({TEAM: seen.asked[TEAM]} if seen.asked[TEAM] else {}))}",
        })  # fmt: skip
        x += rows[-1]["width"]
    return {
        "rows": rows, "total": total, "waits": all(one.before is None for one in found.values()), "poll_url": request.get_full_path(),
        "url": reverse("account_health"), "days": bands.MONTH, "worst": _in_red(run, seen),
    }  # fmt: skip


def _in_red(run: PassRun, seen: Seen) -> list[dict[str, Any]]:
    """The red accounts that pay most: one query."""
    found = bands.largest_in(run, seen.scope, "red", RED)
    names = {row["account_id"]: row["account"] for row in named([{"account_id": account} for account, _arr in found])}
    rows = []
    for account, arr in found:
        text, exact = said(arr, MONEY, run.currency)
        rows.append({"name": names[account], "url": f"{reverse('account', args=[account])}?tab=health", "value": text, "title": exact})
    return rows


def _moved(one: bands.Band, band: str | None) -> dict[str, str] | None:
    """By how many accounts the band is larger than it was."""
    if one.before is None:
        return None
    change = one.accounts - one.before
    direction = "flat" if not change else "up" if change > 0 else "down"
    better = {"green": "up", "red": "down"}.get(band or "")
    return {"text": signed(number(change)) if change else number(0), "direction": direction,
            "tone": "" if not change or better is None else "good" if direction == better else "bad"}  # fmt: skip


def _revenue(run: PassRun, seen: Seen) -> dict[str, Any]:
    """ARR, NRR and GRR as the ledger says them, and both rates by month."""
    shown = landing.months_of(run)
    months = ledger_of(run, seen.scope).months(shown[0] - landing.MONTHS, shown[-1])
    now, before = months[-1], months[-1 - landing.MONTHS]

    def url(movement: str, month: int) -> str:
        query = {"movement": movement, "month": month_name(month), TEAM: seen.asked[TEAM]} | dict(seen.asked.then)
        return f"{reverse('revenue-behind')}?{urlencode({k: v for k, v in query.items() if v})}"

    def figure(label: str, name: str, unit: str, key: str) -> dict[str, Any]:
        return tile(label, now[name], unit, run.currency, before=before[name], meaning=meaning_of(key, run), url=url(key, now.month),  # type: ignore[arg-type]
            hint=_("against a year ago"), missing={"text": _("Nobody paid a year ago.")})  # fmt: skip

    last = months[-landing.MONTHS:]
    lines = [
        Line(_("NRR"), [month["nrr_12m"] for month in last], urls=[url("nrr", month.month) for month in last]),
        Line(_("GRR"), [month["grr_12m"] for month in last], "dashed", urls=[url("grr", month.month) for month in last]),
    ]
    return {
        "url": seen.page("revenue"),
        "figures": [figure(_("ARR"), "arr", MONEY, "arr"), figure(_("NRR, 12 months"), "nrr_12m", PERCENT, "nrr"),
                    figure(_("GRR, 12 months"), "grr_12m", PERCENT, "grr")],
        "trend": motion.trend("retention", _("NRR and GRR"), [month.month for month in last], lines, PERCENT,
            empty={"title": _("No year is whole yet"), "text": _("Twelve months of subscription lines make these lines.")}),
    }  # fmt: skip


def _pins(seen: Seen) -> list[dict[str, Any]]:
    """The person's pinned reports: each is fetched by itself, so that Home waits for none."""
    def url(view: Any) -> str:
        more = urlencode({TEAM: seen.asked[TEAM]} if seen.asked[TEAM] else {})
        return f"{reverse('report')}?{'&'.join(part for part in (f'saved={view.pk}', view.query, more) if part)}"

    return [{"id": view.pk, "name": view.name, "url": url(view)} for view in pinned_views(seen.user)]


urlpatterns = [path("home/", home, name="home")]
