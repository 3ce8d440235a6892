"""Close months: what a closing would keep, what is open before it, and what changed in closed months since.

One month is closed at once, several after a page that says which. Finance and admins close; leads read.
Who sees a part of the book only does not see this page: its figures are the firm's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.metrics.changes import MOVEMENTS
from laer.metrics.policy import load_policy
from laer.metrics.statement import Month
from laer.records.periods import first_day, month_name, month_number, month_of
from laer.web.book.models import Account
from laer.web.book.retry import waiting
from laer.web.book.scope import scope_of
from laer.web.pages.as_of import at_once
from laer.web.pages.data import user_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.revenue_charts import TITLES, amount_of
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.runs import closing, examining, restated
from laer.web.runs.causes import in_words, name_of
from laer.web.runs.doctor.finding import Finding
from laer.web.runs.models import ClosedMonth, PassRun
from laer.web.runs.passes import latest_run
from laer.web.runs.reported import RESTATEMENT, Reported, closings
from laer.web.runs.restated import Restated
from laer.web.runs.revenue import ledger_of
from laer.web.templatetags.laer import instant, number, percent
from laer.web.wording import gettext_lazy, long_month

SHOWN = 100
MONTHS = 15
LOSSES = ("contraction", "churn")
STEPS = (
    ("opening_mrr", gettext_lazy("Opening MRR"), ""),
    (RESTATEMENT, gettext_lazy("Restatement of earlier months"), "+"),
    *((f"{name}_mrr", TITLES[name], "-" if name in LOSSES else "+") for name in MOVEMENTS),
    ("closing_mrr", gettext_lazy("Closing MRR"), ""),
)


def reader(request: HttpRequest) -> User:
    """The person, where they may see the firm's figures."""
    user = user_of(request)
    if not scope_of(user).everything:
        raise PermissionDenied
    return user


@require_safe
def show(request: HttpRequest) -> HttpResponseBase:
    user = reader(request)
    return at_once(request, lambda: _shown(request, user))


CELLS: dict[str, Value] = {
    "month": itemgetter("name"), "state": itemgetter("state"), "closing_mrr": lambda row: Money(row["closing"], row["currency"]),
    "restatement_mrr": lambda row: Money(row["restatement"], row["currency"]), "changed_since": lambda row: Money(row["difference"], row["currency"]),
    "currency": itemgetter("currency"), "nrr_12m": lambda row: None if row["nrr"] is None else Decimal(str(round(row["nrr"], 6))),
    "closed_at": itemgetter("closed_at"), "closed_by": itemgetter("closed_by"), "note": itemgetter("note"), "policy": itemgetter("policy"),
}  # fmt: skip


def _shown(request: HttpRequest, user: User) -> HttpResponseBase:
    seen = closing.outlook()
    run = seen.run
    context: dict[str, Any] = {"may_close": user.may_close, "currency": run.currency if run else firm().currency, "months": [], "next": None}
    if run is None or (seen.first is None and not seen.found):
        note = _("nothing has been computed yet") if run is None else _("no lines yet")
        return render(request, "pages/revenue_close.html", context | {"state": {"note": note}})
    months = _months(run, seen)
    wanted = _month(request.GET.get("month"))
    if seen.first is not None and seen.first <= seen.last:
        month = wanted if wanted is not None and seen.first <= wanted <= seen.last else seen.first
        context |= {"next": _next(seen, months, month), "checks": _checks(user, seen)}
    same = all(c.currency == run.currency for c in seen.found)
    places = restated.outstanding(run, closing.WHOLE, seen.found) if same else {}
    told = restated.explained(run, _largest(places), seen.found)
    rows = _rows(seen, months)
    if file := filed(request, "months", CELLS, lambda: [row | {"currency": run.currency} for row in rows]):
        return file
    context |= {
        "months": rows if request.GET.get("all") else rows[:MONTHS],
        "month_count": len(rows),
        "download_url": request.path if rows else None,
        "all_url": f"{request.path}?all=1" if len(rows) > MONTHS and not request.GET.get("all") else None,
        "restatements": _restatements(told, run.currency, sum(places.values(), Fraction(0)), len(places), user.may_import) if places else None,
        "restated_in": first_day(month_number(seen.found[-1].month) + 1) if seen.found else None,
        "taken_in": _restatements(taken[:SHOWN], run.currency, None, len(taken), user.may_import) if (taken := restated.taken_in(seen.found, user)) else None,
        "state": _state(run, seen),
    }
    return render(request, "pages/revenue_close.html", context)


@require_POST
def close(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if not user.may_close:
        raise PermissionDenied
    month = _month(request.POST.get("month"))
    if month is None:
        messages.warning(request, _("Choose a month to close."))
        return redirect("revenue-close")
    seen = closing.outlook()
    if seen.first is not None and seen.first < month <= seen.last and not seen.obstacles and request.POST.get("first") != month_name(seen.first):
        return _ask_again(request, seen, month)
    try:
        done = closing.close_months(user, month, request.POST.get("note", ""))
    except closing.NotClosable as error:
        messages.error(request, _("Nothing was closed: %(error)s.") % {"error": error})
    else:
        text = ngettext(
            "%(months)s is closed: the figures stay as they are reported now.", "%(months)s are closed: the figures stay as they are reported now.", len(done)
        )
        messages.success(request, text % {"months": _span(done)})
    return redirect("revenue-close")


@require_POST
def reopen(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if not user.may_close:
        raise PermissionDenied
    month = _month(request.POST.get("month"))
    try:
        done = closing.reopen_months(user, month if month is not None else -1, request.POST.get("reason", ""))
    except closing.NotClosable as error:
        messages.error(request, _("Nothing was opened: %(error)s.") % {"error": error})
    else:
        messages.success(request, ngettext("%(months)s is open again.", "%(months)s are open again.", len(done)) % {"months": _span(done)})
    return redirect("revenue-close")


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """Every restatement, those that stand open and those that later closings took in."""
    user, run, found = reader(request), latest_run(), closings()
    told: list[Restated] = []
    if run and found and all(c.currency == run.currency for c in found):
        told = [*restated.explained(run, restated.outstanding(run, closing.WHOLE, found), found), *restated.taken_in(found, user)]
    names = _names(told)
    header = ("month", "account_id", "account", "restatement_mrr", "currency", "taken_in", "cause", "author", "at")
    currency = run.currency if run else ""
    cells = (
        (month_name(r.month), r.account_id, names.get(r.account_id), Money(amount_of(r.amount, currency), currency), currency,
         None if r.booked is None else month_name(r.booked), r.causes[0]["text"], r.causes[0]["who"], r.causes[0]["at"])
        for r in told
    )  # fmt: skip
    return export("restatements", header, cells, format_of(request) or "csv")


def _ask_again(request: HttpRequest, seen: closing.Outlook, month: int) -> HttpResponse:
    """Which months one click would close. The answer names the first of them, so that nobody closes more than was shown."""
    assert seen.run
    assert seen.first is not None
    rows = [r for r in _rows(seen, _months(seen.run, seen)) if month_name(seen.first) <= r["name"] <= month_name(month)]
    context = {
        "months": rows,
        "first": {"name": month_name(seen.first), "month": first_day(seen.first)},
        "last": {"name": month_name(month), "month": first_day(month)},
        "after": first_day(month + 1),
        "note": request.POST.get("note", "")[:500],
        "currency": seen.run.currency,
        "back_url": f"{reverse('revenue-close')}?month={month_name(month)}",
        "state": _state(seen.run, seen),
    }
    return render(request, "pages/revenue_close_sure.html", context)


def _months(run: PassRun, seen: closing.Outlook) -> dict[int, tuple[Month, Month]]:
    """Month -> as restated, as reported: from the first closed (or open) month to the last that is over."""
    policy = load_policy(run.policy)
    first = month_number(seen.found[0].month) if seen.found else seen.first
    assert first is not None
    last = max(seen.last, month_number(seen.found[-1].month) if seen.found else seen.last)
    restated_now = ledger_of(run, closing.WHOLE).months(first, last)
    same = all(c.currency == run.currency for c in seen.found)
    reported = Reported(seen.found, closing.WHOLE, "event", policy.windows).months(restated_now) if seen.found and same else restated_now
    return {a.month: (a, b) for a, b in zip(restated_now, reported, strict=True)}


def _next(seen: closing.Outlook, months: Mapping[int, tuple[Month, Month]], month: int) -> dict[str, Any]:
    """What closing up to a month would keep."""
    assert seen.run
    assert seen.first is not None
    code, figures = seen.run.currency, months[month][1].figures
    count = month - seen.first + 1
    steps = [
        {"label": label, "value": amount_of(figures.get(name) or 0, code), "sign": sign, "total": not sign}
        for name, label, sign in STEPS
        if not sign or figures.get(name)
    ]
    return {
        "month": first_day(month),
        "name": month_name(month),
        "count": count,
        "first": first_day(seen.first),
        "steps": steps,
        "rates": [
            {"label": label, "value": "–" if (v := figures.get(name)) is None else percent(float(v))}
            for name, label in (("nrr_12m", _("NRR, 12 months")), ("grr_12m", _("GRR, 12 months")))
        ],
        "accounts": figures["closing_accounts"],
        "blocked": seen.obstacles,
        "choices": [
            {"label": long_month(first_day(m)), "url": f"{reverse('revenue-close')}?month={month_name(m)}", "active": m == month}
            for m in range(seen.last, seen.first - 1, -1)
        ],
    }


def _checks(user: User, seen: closing.Outlook) -> list[dict[str, Any]]:
    """What a person looks at before closing. Only the first holds a closing back."""
    run = seen.run
    assert run
    failed = PassRun.objects.filter(state="failed", pk__gt=run.pk).exclude(kind="past").order_by("-id").first()
    aside = waiting().count()
    examined = examining.last(user)
    errors = [f for f in examined.findings if f.severity == "error"] if examined else []
    done = _("Run %(run)s is newer than the last change") % {"run": run.pk}
    return [
        _check("pass", not seen.obstacles, done, _("Cannot be closed now"), "; ".join(seen.obstacles), tone="bad"),
        _check("failed", failed is None, _("No pass has failed since"), _("Run %(run)s failed") % {"run": failed.pk if failed else ""},
               failed.error[:200] if failed else ""),
        _check("notes", not run.notes, _("Every line counts"), _("Lines that do not count"), "; ".join(run.notes)),
        _check("quarantine", not aside, _("No row waits in quarantine"), ngettext(
            "%(n)s row in quarantine",
            "%(n)s rows in quarantine",
            aside,
        ) % {"n": number(aside)},
               _("They are in no figure until they are repaired or dismissed."), url=reverse("quarantine") if user.may_import else None),
        _examined(examined, errors),
    ]  # fmt: skip


def _examined(examined: examining.Examined | None, errors: list[Finding]) -> dict[str, Any]:
    """What the doctor found, and when where the book has changed since: a closing rests on it."""
    if examined is None:
        return _check("doctor", False, "", _("The doctor has not looked yet"), _("Its page says when it has."), url=reverse("doctor"))
    since = "" if examined.current else _("Looked at %(at)s; the book has changed since.") % {"at": instant(examined.at)}
    if not errors and since:
        return _check("doctor", False, "", _("The doctor found no error when it looked last"), since, url=reverse("doctor"))
    return _check("doctor", not errors, _("The doctor finds no error"), ngettext(
            "%(n)s error found by the doctor",
            "%(n)s errors found by the doctor",
            len(errors),
        ) % {"n": number(len(errors))},
               " ".join(filter(None, ("; ".join(str(f.title) for f in errors[:3]), since))), url=reverse("doctor") + "?severity=error")  # fmt: skip


def _check(key: str, good: bool, fine: str, title: str, text: str, *, tone: str = "warn", url: str | None = None) -> dict[str, Any]:
    return {"key": key, "tone": "good", "title": fine} if good else {"key": key, "tone": tone, "title": title, "text": text, "url": url}


def _rows(seen: closing.Outlook, months: Mapping[int, tuple[Month, Month]]) -> list[dict[str, Any]]:
    """The months of the table, newest first."""
    assert seen.run
    code, closed = seen.run.currency, {month_number(c.month): c for c in seen.found}
    last_closed = max(closed, default=None)
    before = _opened_again()
    rows = []
    for m in sorted(months, reverse=True):
        now, then = months[m]
        c = closed.get(m)
        reported = Fraction(then["closing_mrr"] or 0)
        changed = Fraction(now["closing_mrr"] or 0) - reported if c else Fraction(0)
        rows.append(
            {
                "name": month_name(m),
                "month": first_day(m),
                "state": "closed" if c else "open",
                "closing": amount_of(reported, code),
                "restatement": amount_of(then.figures.get(RESTATEMENT) or 0, code),
                "difference": amount_of(changed, code) if changed else None,
                "nrr": None if then["nrr_12m"] is None else float(then["nrr_12m"]),
                "closed_at": c and c.closed_at,
                "closed_by": c and _who(c.closed_by),
                "note": c and c.note,
                "policy": c and _("policy %(policy)s, version %(version)s, run %(run)s") % {"policy": c.policy, "version": c.policy_version, "run": c.run_id},
                "later": last_closed - m if c and last_closed is not None else 0,
                "opened": before.get(m, []),
                "url": f"{reverse('revenue')}?month={month_name(m)}" + ("&basis=reported" if closed else ""),
                "close_url": None if c else f"{reverse('revenue-close')}?month={month_name(m)}",
            }
        )
    return rows


def _opened_again() -> dict[int, list[dict[str, Any]]]:
    told: dict[int, list[dict[str, Any]]] = {}
    opened = ClosedMonth.objects.filter(reopened_at__isnull=False, closed_at__isnull=False).order_by("-reopened_at")
    for c in opened.select_related("reopened_by__person")[:200]:
        told.setdefault(month_number(c.month), []).append({"at": c.reopened_at, "who": _who(c.reopened_by), "reason": c.reason})
    return told


def _restatements(told: Iterable[Restated], currency: str, total: Fraction | None, count: int, links: bool) -> dict[str, Any]:
    told = list(told)
    names = _names(told)
    rows = [
        {
            "month": first_day(r.month),
            "account_name": names.get(r.account_id, _("account %(account_id)s") % {"account_id": r.account_id}),
            "account_url": f"/accounts/{r.account_id}/",
            "amount": amount_of(r.amount, currency),
            "tone": "good" if r.amount > 0 else "bad",
            "causes": [in_words(c) | {"url": reverse("import_result", args=[c["run"]]) if c["run"] and links else None} for c in r.causes[:3]],
            "more": max(0, len(r.causes) - 3),
            "booked": first_day(r.booked) if r.booked is not None else None,
        }
        for r in told
    ]
    return {"rows": rows, "total": amount_of(total, currency) if total is not None else None, "count": count, "shown": len(rows)}


def _largest(places: restated.Places) -> restated.Places:
    return dict(sorted(places.items(), key=lambda item: -abs(item[1]))[:SHOWN])


def _names(told: Iterable[Restated]) -> dict[int, str]:
    return dict(Account.objects.filter(pk__in={r.account_id for r in told}).values_list("pk", "name"))


def _state(run: PassRun, seen: closing.Outlook) -> dict[str, Any]:
    shown = _("closed to %(month)s") % {"month": long_month(seen.found[-1].month)} if seen.found else _("no month is closed")
    label = _("run %(run)s") % {"run": run.pk}
    return {"shown": shown, "as_of": run.as_of, "whose": _("the whole book"), "run": {"label": label}, "recomputing": bool(seen.obstacles)}


def _who(user: User | None) -> str:
    return name_of(user) if user else _("command line")


def _span(done: list[ClosedMonth]) -> str:
    first, last = long_month(done[0].month), long_month(done[-1].month)
    return first if len(done) == 1 else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _month(text: str | None) -> int | None:
    try:
        return month_of(text or "")
    except ValueError:
        return None


urlpatterns = [
    path("revenue/close/", show, name="revenue-close"),
    path("revenue/close/month/", close, name="revenue-close-month"),
    path("revenue/close/reopen/", reopen, name="revenue-reopen"),
    path("revenue/close/restatements.csv", download, name="revenue-restatements"),
]
