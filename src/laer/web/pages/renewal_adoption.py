"""Does adoption pay? What became of renewals and what they took, by how well the account used it half a year before."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.run_tables import QuestionFault
from laer.records.periods import date_of
from laer.renew.adoption import BANDS, ENOUGH, HIGH, LEAD, LOW, MEDIANS, MIDDLE, MONTHS, READS, UNKNOWN, Part, Verdict, band, part_of, verdict
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import SHOWN, Asked
from laer.web.pages.renewal_rates import RESULTS, tabs
from laer.web.pages.revenue_charts import amount_of
from laer.web.runs.desk import ask
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

SAID = {
    HIGH: (gettext_lazy("High"), gettext_lazy("80 % of the seats in use and more, else 12 days of 28")),
    MIDDLE: (gettext_lazy("Middle"), gettext_lazy("50 to 80 %, else 4 to 11 days; or more with falling use")),
    LOW: (gettext_lazy("Low"), gettext_lazy("under 50 %, else under 4 days; or middle with falling use")),
    UNKNOWN: (gettext_lazy("Unknown"), gettext_lazy("no use was known then")),
}  # fmt: skip
Row = dict[str, Any]


@require_safe
@as_then
def adoption(request: HttpRequest, then: Then) -> HttpResponseBase:
    """Renewals of three years by the adoption band of 180 days before: how many renewed, for how much, at what effort, and what that shows."""
    run = then.run
    scope = scope_of(request.user)
    context: Row = {"tabs": tabs(then, "adoption"), "currency": run.currency if run else "USD"}
    if run is None:
        return render(request, "pages/renewal_adoption.html", context | {"state": {"note": _("nothing has been computed yet")}})
    try:
        items = ask("renewals_then", {"lead": LEAD, "months": MONTHS, "measures": READS}, scope, run.pk).to_pylist()
    except QuestionFault:  # a run of before facts were kept
        items = []
    for row in items:
        row["band"] = band(row)
    asked = Asked(request, "renewal_adoption", {"band": ("", *BANDS)}, then=then.query)
    wanted = [row for row in reversed(items) if asked["band"] in ("", row["band"])]  # the latest first
    parts = {name: part_of(row for row in items if row["band"] == name) for name in BANDS}
    if form := format_of(request):
        return _download(wanted, run, form)
    known = sum(parts[name].n for name in BANDS[:3])
    context |= {
        "state": {"shown": ngettext("%(n)s settled renewal", "%(n)s settled renewals", len(items)) % {"n": number(len(items))}, "as_of": run.as_of,
                  "whose": _("the whole book") if scope.everything else _("your book"), "run": {"label": _("run %(run)s") % {"run": run.pk}},
                  "recomputing": not then.query and stale_since() is not None},
        "any": bool(items), "sentence": sentence(verdict(parts[HIGH], parts[LOW]), parts[HIGH], parts[LOW]),
        "effort": effort_sentence(parts[HIGH], parts[LOW]),
        "known": _("adoption is known of %(n)s of %(of)s renewals") % {"n": number(known), "of": number(len(items))},
        "parts": [_part(name, parts[name], asked) for name in BANDS], "total": _part("", part_of(items), asked),
        "chosen": SAID[asked["band"]][0] if asked["band"] else "", "all_url": asked.url("list", band=""),
        "rows": _rows(wanted[asked.start : asked.start + SHOWN], run), "count": len(wanted),
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(asked.start + 1), "last": number(min(len(wanted), asked.start + SHOWN)),
                                                          "all": number(len(wanted))} if wanted else "",
        "previous_url": _at(asked, asked.start - SHOWN) if asked.start else None,
        "next_url": _at(asked, asked.start + SHOWN) if asked.start + SHOWN < len(wanted) else None,
        "download_url": _at(asked, 0, "format=csv") if wanted else None,
    } | then.context(request)  # fmt: skip
    return render(request, "pages/renewal_adoption.html", context)


def sentence(found: Verdict, high: Part, low: Part) -> str:
    """What the data show of renewing, in a sentence."""
    of = {"high": number(high.n), "low": number(low.n), "enough": number(ENOUGH)}
    if found.kind == "few" or found.low is None or found.high is None:
        return _("Not enough yet: %(high)s settled renewals with high adoption and %(low)s with low; from %(enough)s of each on they are compared.") % of
    rates = of | {"rate": percent(high.rate), "other": percent(low.rate), "least": percent(found.low), "most": percent(found.high)}
    if found.kind == "chance":
        return _("Of %(high)s renewals with high adoption %(rate)s were renewed, of %(low)s with low %(other)s: the difference may be chance.") % rates
    return _(
        "Of %(high)s renewals with high adoption %(rate)s were renewed, of %(low)s with low %(other)s: a difference between %(least)s and %(most)s with 95 %%. "
        "It does not say that adoption is the cause."
    ) % rates  # fmt: skip


def effort_sentence(high: Part, low: Part) -> str:
    """What the data show of effort; empty where it is known of too few."""
    (one, n), (other, m) = high.effort["minutes"], low.effort["minutes"]
    if one is None or other is None or min(n, m) < ENOUGH:
        said = _("Of effort not enough is known yet: minutes stand on touches before %(n)s renewals with high adoption and %(m)s with low.")
        return said % {"n": number(n), "m": number(m)}
    return _("They took %(one)s minutes in the middle with high adoption (%(n)s renewals), %(other)s with low (%(m)s).") % {
        "one": number(round(one)), "other": number(round(other)), "n": number(n), "m": number(m),
    }  # fmt: skip


def _part(name: str, part: Part, asked: Asked) -> Row:
    def share(value: float | None) -> str:
        return "–" if value is None else percent(value)

    between = "" if part.low is None or part.high is None else _("%(low)s to %(high)s") % {"low": percent(part.low), "high": percent(part.high)}
    effort = [{"text": "–" if value is None else number(round(value)), "n": number(n)} for value, n in (part.effort[one] for one in MEDIANS)]
    words, meaning = SAID[name] if name else (_("Total"), "")
    return {
        "name": words, "meaning": meaning, "url": asked.url("list", band=name) if name and part.n else None, "n": part.n, "rate": share(part.rate),
        "between": between, "gross": share(part.gross), "net": share(part.net), "expanded": share(part.expanded), "signed": part.signed, "effort": effort,
    }  # fmt: skip


def _rows(rows: list[Row], run: PassRun) -> list[Row]:
    cards = AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows}))
    names: dict[int, Row] = {c["account_id"]: dict(c) for c in cards.values("account_id", "name", "owner_name")}
    return [
        {
            "account": names.get(r["account_id"], {}).get("name") or _("account %(account_id)s") % {"account_id": r["account_id"]},
            "url": f"{reverse('account', args=[r['account_id']])}?tab=subscriptions", "owner": names.get(r["account_id"], {}).get("owner_name"),
            "ends_on": date_of(r["ends_d"]), "band": SAID[r["band"]][0], "seat_use": r.get("seat_use"), "days_of_use": r.get("active_days_28d"),
            "words": str(RESULTS[r["result"]][0]),
            "tone": RESULTS[r["result"]][1], "due": None if r["due"] is None else amount_of(Fraction(r["due"]).limit_denominator(10**6), run.currency),
            "minutes": r["minutes"], "touches": r.get("touches"),
        }
        for r in rows
    ]  # fmt: skip


def _at(asked: Asked, start: int, more: str = "") -> str:
    url = asked.url()
    said = "&".join(part for part in (f"start={start}" if start > 0 else "", more) if part)
    return url + (("&" if "?" in url else "?") + said if said else "") + ("" if more else "#list")


def _download(rows: list[Row], run: PassRun, form: str) -> StreamingHttpResponse:
    header = (
        "account_id", "ends_on", "band", "facts_of", "seat_use", "days_of_use", "usage_trend", "result", "due_arr", "kept_arr", "renewed_arr", "currency",
        "minutes", "touches", "days",
    )  # fmt: skip

    def money(value: float | None) -> Money:
        return Money(None if value is None else amount_of(Fraction(value).limit_denominator(10**6), run.currency), run.currency)

    cells = (
        (r["account_id"], date_of(r["ends_d"]), r["band"], date_of(r["then_d"]), r.get("seat_use"), r.get("active_days_28d"), r.get("usage_trend"), r["result"],
         money(r["due"]), money(r["kept"]), money(r["renewed"]), run.currency, r["minutes"], r.get("touches"), r.get("days"))
        for r in rows
    )  # fmt: skip
    return export(f"adoption-and-renewal-{run.as_of}", header, cells, form)


urlpatterns = [path("renewals/adoption/", adoption, name="renewal_adoption")]
