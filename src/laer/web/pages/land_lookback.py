"""Land lookback: of what was landed in three years, what was used, what was reached, who left too soon, and where one team's gain was the next one's loss."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.company import company_catalogue
from laer.cycle.run_tables import QuestionFault
from laer.land.lookback import AGES, PAIRS, TRAITS, at_age, conflicts, discount_band, in_common, short_term, underused
from laer.records.periods import date_of
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import SHOWN, Asked
from laer.web.pages.revenue_charts import amount_of, exactly, short
from laer.web.runs.desk import ask
from laer.web.runs.landing import firm_of
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

MONTHS = 36
LABELS = {
    "segment": gettext_lazy("Segment"), "seller": gettext_lazy("Seller"), "lead_source": gettext_lazy("Lead source"), "discount_band": gettext_lazy("Discount"),
}  # fmt: skip
Row = dict[str, Any]


@require_safe
@as_then
def lookback(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What became of the customers of three years: used against sold and reached against promised at three ages, and those that left before they had paid."""
    user, run = user_of(request), then.run
    scope = scope_of(user)
    if run is None:
        return render(request, "pages/land_lookback.html", {"state": {"note": _("nothing has been computed yet")}, "any": False})
    try:
        rows: list[Row] = [row | {"discount_band": discount_band(row["discount"])} for row in ask("landed", {"months": MONTHS}, scope, run.pk)]
    except QuestionFault:  # a run of before facts were kept
        rows = []
    asked = Asked(request, "land_lookback", {"view": ("", "short", *(f"under{age}" for age in AGES)), "trait": ("", *TRAITS)}, ("value",), then.query)
    costs = user.may_see_costs and scope.everything
    firm = firm_of(run, scope, (*dict.fromkeys(name for pair in PAIRS for name in pair[:2]), *(("cac", "gross_margin") if costs else ())))
    cac, margin = firm.now("cac").amount, firm.now("gross_margin").amount
    lost = {row["account_id"]: missing for row in rows if cac is not None and margin is not None and (missing := short_term(row, cac, margin)) is not None}
    wanted = [row for row in rows if _in_view(row, asked["view"], lost) and (not asked["trait"] or (row[asked["trait"]] or "") == asked["value"])]
    if form := format_of(request):
        return _download(wanted, lost, run, form)
    names = [name for pair in PAIRS for name in pair[:2]]
    found, known = conflicts({n: firm.now(n).amount for n in names}, {n: firm.before(n).amount for n in names})
    context: Row = {
        "state": {"shown": ngettext("%(n)s customer landed in 36 months", "%(n)s customers landed in 36 months", len(rows)) % {"n": number(len(rows))},
                  "as_of": run.as_of, "whose": _("the whole book") if scope.everything else _("your book"),
                  "run": {"label": _("run %(run)s") % {"run": run.pk}}, "recomputing": not then.query and stale_since() is not None},
        "any": bool(rows), "currency": run.currency, "ages": [_age(rows, age, asked) for age in AGES], "costs": costs,
        "short": _short(rows, lost, cac, margin, run, asked) if costs else None, "conflicts": [_conflict(one) for one in found], "pairs": known,
        "of_pairs": len(PAIRS), "rows": _rows(wanted[asked.start : asked.start + SHOWN], lost, run), "count": len(wanted),
        "filters": _filters(asked), "shown": _("%(first)s to %(last)s of %(all)s") % {
            "first": number(asked.start + 1), "last": number(min(len(wanted), asked.start + SHOWN)), "all": number(len(wanted))} if wanted else "",
        "previous_url": _at(asked, f"start={max(0, asked.start - SHOWN)}") if asked.start else None,
        "next_url": _at(asked, f"start={asked.start + SHOWN}") if asked.start + SHOWN < len(wanted) else None,
        "download_url": _at(asked, "format=csv") if wanted else None,
    } | then.context(request, asked.url())  # fmt: skip
    return render(request, "pages/land_lookback.html", context)


def _in_view(row: Row, view: str, lost: Mapping[int, float]) -> bool:
    if view == "short":
        return row["account_id"] in lost
    if view.startswith("under"):
        one = row["ages"].get(int(view.removeprefix("under")))
        return one is not None and underused(one) is True
    return True


def _age(rows: list[Row], age: int, asked: Asked) -> Row:
    one = at_age(rows, age)
    return {
        "age": age, "customers": one.customers, "known": one.known, "under": percent(one.under / one.known) if one.known else "–",
        "url": asked.url("list", view=f"under{age}", trait="", value="") if one.under else None, "n": one.under,
        "use": "–" if one.use is None else percent(one.use), "days": "–" if one.days is None else number(round(one.days, 1)),
        "promised": one.promised, "reached": one.reached, "share": percent(one.reached / one.promised) if one.promised else "–",
    }  # fmt: skip


def _short(rows: list[Row], lost: Mapping[int, float], cac: float | None, margin: float | None, run: PassRun, asked: Asked) -> Row:
    """Those that left before CAC was paid back: how many, what they cost, what they had in common; or what is missing to say it."""
    if cac is None or margin is None:
        no_costs = _("No costs of landing are entered for months in which anybody began to pay.")
        text = _("No product that is sold has a gross margin.") if cac is not None else no_costs
        return {"missing": text, "url": reverse("settings_costs")}
    total = amount_of(Fraction(sum(lost.values())).limit_denominator(10**6), run.currency)
    gone = sum(row["left_d"] is not None for row in rows)
    title = ngettext(
        "%(n)s customer left before it had paid for its winning", "%(n)s customers left before they had paid for their winning", len(lost)
    ) % {"n": number(len(lost))}  # fmt: skip
    text = _("%(amount)s was not earned back: CAC of %(cac)s each, at a gross margin of %(margin)s; %(gone)s of %(all)s customers left at all.") % {
        "amount": exactly(total, run.currency), "cac": short(amount_of(Fraction(cac), run.currency), run.currency), "margin": percent(margin),
        "gone": number(gone), "all": number(len(rows)),
    }  # fmt: skip
    traits = [
        {"label": LABELS[one.trait], "value": one.value, "short": one.short, "n": one.n, "rate": percent(one.rate), "others": percent(one.others),
         "more": one.more, "between": _("%(low)s to %(high)s") % {"low": percent(one.low), "high": percent(one.high)},
         "url": asked.url("list", view="short", trait=one.trait, value=one.value) if one.short else None}
        for one in in_common(rows, lost)
    ]  # fmt: skip
    standing = [one for one in traits if one["more"]]
    said = _("None of these stands out by more than chance.") if not standing else _("Stands out: %(what)s.") % {
        "what": ", ".join(f"{one['label']} {one['value']}" for one in standing)}  # fmt: skip
    url = asked.url("list", view="short", trait="", value="")
    return {"title": title, "text": text, "traits": traits if lost else [], "said": said if lost else "", "url": url}


def _conflict(one: Any) -> Row:
    catalogue = company_catalogue()
    sides = [{"name": words.text(catalogue[name].name), "url": reverse("measure", args=[name]), "change": percent(change)} for name, change in
        ((one.first, one.first_change), (one.then, one.then_change))]  # fmt: skip
    return {"first": sides[0], "then": sides[1]}


def _filters(asked: Asked) -> list[Row]:
    said = {"short": _("left before they had paid for their winning"), **{f"under{age}": _("hardly used at %(age)s days") % {"age": age} for age in AGES}}
    filters = [{"label": _("Shown"), "value": said[asked["view"]], "remove_url": asked.url("list", view="")}] if asked["view"] else []
    if asked["trait"]:
        filters.append({"label": str(LABELS[asked["trait"]]), "value": asked["value"] or _("unknown"), "remove_url": asked.url("list", trait="", value="")})
    return filters


def _rows(rows: list[Row], lost: Mapping[int, float], run: PassRun) -> list[Row]:
    cards = AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows}))
    names: dict[int, Row] = {c["account_id"]: dict(c) for c in cards.values("account_id", "name", "owner_name")}

    def money(value: float) -> Decimal:
        return amount_of(Fraction(value).limit_denominator(10**6), run.currency)

    return [
        {
            "account": names.get(r["account_id"], {}).get("name") or _("account %(account_id)s") % {"account_id": r["account_id"]},
            "url": reverse("account", args=[r["account_id"]]), "segment": r["segment"], "seller": r["seller"], "first_on": date_of(r["first_d"]),
            "left_on": None if r["left_d"] is None else date_of(r["left_d"]), "arr": money(r["mrr"] * 12), "discount": r["discount"],
            "ages": [_use(r["ages"].get(age)) for age in AGES], "lost": money(lost[r["account_id"]]) if r["account_id"] in lost else None,
        }
        for r in rows
    ]  # fmt: skip


def _use(one: Row | None) -> str:
    if one is None:
        return "–"
    if one["seat_use"] is not None:
        return percent(one["seat_use"])
    days = one["active_days_28d"]
    return "–" if days is None else ngettext("%(n)s day", "%(n)s days", round(days)) % {"n": number(round(days))}


def _at(asked: Asked, more: str) -> str:
    url = asked.url()
    return f"{url}{'&' if '?' in url else '?'}{more}" + ("" if "format" in more else "#list")


def _download(rows: list[Row], lost: Mapping[int, float], run: PassRun, form: str) -> StreamingHttpResponse:
    header = ("account_id", "first_paid_on", "left_on", "first_arr", "paid", "currency", "segment", "seller", "lead_source", "discount",
              *(f"{name}_{age}" for age in AGES for name in ("seats", "seat_use", "days_of_use", "promised", "reached")), "not_earned_back")  # fmt: skip

    def money(value: float | None) -> Money:
        return Money(None if value is None else amount_of(Fraction(value).limit_denominator(10**6), run.currency), run.currency)

    def cells() -> Any:
        for r in rows:
            ages = [r["ages"].get(age) or {} for age in AGES]
            yield (
                r["account_id"], date_of(r["first_d"]), None if r["left_d"] is None else date_of(r["left_d"]), money(r["mrr"] * 12), money(r["paid"]),
                run.currency, r["segment"], r["seller"], r["lead_source"], r["discount"],
                *(one.get(name) for one in ages for name in ("seats", "seat_use", "active_days_28d", "promised", "reached")), money(lost.get(r["account_id"])),
            )  # fmt: skip

    return export(f"land-lookback-{run.as_of}", header, cells(), form)


urlpatterns = [path("land/lookback/", lookback, name="land_lookback")]
