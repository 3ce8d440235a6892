"""What a replay of the lab found, as its page and its files say it. In: `cycle.lab.Replayed.as_dict`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.lab import BACK_FILLED, CHURN, CONTRACTION, SHOWN
from laer.web.book.many import listed
from laer.web.book.models import Account
from laer.web.pages import measure_words as words
from laer.web.pages.account_health import BANDS, TONES
from laer.web.runs.latest import last_run
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import day, money, money_short, number, percent
from laer.web.wording import gettext_lazy

OUTCOME = {CHURN: gettext_lazy("Churn"), CONTRACTION: gettext_lazy("Contraction or churn")}
VERDICTS = {
    "usable": {"text": gettext_lazy("foresees it"), "tone": "good"}, "none": {"text": gettext_lazy("no usable signal"), "tone": "warn"},
    "few": {"text": gettext_lazy("too few outcomes"), "tone": "outline"}, "wrong": {"text": gettext_lazy("says the contrary"), "tone": "bad"},
    "better": {"text": gettext_lazy("challenger better"), "tone": "good"}, "worse": {"text": gettext_lazy("challenger worse"), "tone": "bad"},
    "alike": {"text": gettext_lazy("no clear difference"), "tone": "info"},
}  # fmt: skip
BASES = {SHOWN: gettext_lazy("as shown then"), BACK_FILLED: gettext_lazy("back-filled")}
FILES: dict[str, Sequence[str]] = {
    "missed": ("card", "account_id", "account", "green_on", "came_on", "days_before", "score", "arr", "currency"),
    "bands": ("card", "band", "rows", "with_outcome", "share", "low_95", "high_95"),
    "months": ("card", "day", "basis", "paying", "with_score", "green", "yellow", "red", "band_known_twice", "band_changed", "with_outcome"),
    "parts": ("card", "part", "weight_percent", "known_share", "auc_alone", "rows", "with_outcome"),
}
SIDES = ("champion", "challenger")


def sides_of(result: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    titles = {"champion": _("In force"), "challenger": _("Challenger")}
    return [(titles[name], result[name]) for name in SIDES if result.get(name)]


def verdict_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The answer in a sentence or two."""
    said = [_sentence(result["champion"], result)]
    compared = result.get("compared")
    tone = {"usable": "good", "none": "warn", "few": "info", "wrong": "bad"}[result["champion"]["verdict"]]
    if compared:
        said += [_("The challenger: %(said)s") % {"said": _sentence(result["challenger"], result)}, _difference(compared)]
        tone = {"better": "good", "worse": "bad"}.get(compared["verdict"], "info")
    return {"tone": tone, "title": said[0], "text": " ".join(said[1:])}


def _sentence(side: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    area = side["area"]
    values = {
        "auc": _three(area["auc"]), "low": _three(area["low"]), "high": _three(area["high"]), "n": number(area["accounts"]), "rows": number(area["rows"]),
        "days": number(result["horizon_days"]),
    }  # fmt: skip
    match side["verdict"]:
        case "usable":
            said = _("It would have seen it coming better than chance: AUC %(auc)s, between %(low)s and %(high)s with 95 %%, by %(n)s accounts.")
        case "none":
            said = _("No usable signal: AUC %(auc)s, between %(low)s and %(high)s with 95 %% by %(n)s accounts; 0.5 is chance, and it is not ruled out.")
        case "wrong":
            said = _("It says the contrary: AUC %(auc)s, between %(low)s and %(high)s with 95 %%; it came to those with the high scores.")
        case _few:
            said = _("Too few outcomes to judge it: it came to %(n)s accounts within %(days)s days, and five are needed. No usable signal can be shown.")
    return said % values


def _difference(compared: Mapping[str, Any]) -> str:
    if compared["difference"] is None:
        return _("Too few outcomes are scored by both to compare them.")
    values = {"by": f"{compared['difference']:+.3f}", "low": f"{compared['low']:+.3f}", "high": f"{compared['high']:+.3f}", "rows": number(compared["rows"])}
    match compared["verdict"]:
        case "better":
            return _("It is better: AUC %(by)s, between %(low)s and %(high)s with 95 %%, on the %(rows)s rows that both score.") % values
        case "worse":
            return _("It is worse: AUC %(by)s, between %(low)s and %(high)s with 95 %%, on the %(rows)s rows that both score.") % values
    return _("No clear difference: AUC %(by)s, between %(low)s and %(high)s with 95 %%, on the %(rows)s rows that both score.") % values


def _three(value: float | None) -> str:
    return "–" if value is None else number(round(value, 3), 3)


def context_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Context of pages/lab_replay.html beside the replay itself. One query."""
    sides = sides_of(result)
    currency = currency_of(last_run())
    return {
        "sides": [{"title": title, "name": side["name"], "version": side["version"], "figures": _figures(side, result)} for title, side in sides],
        "basis": _basis(result["champion"]),
        "bands_chart": _bands_chart(sides), "bands": _bands(sides),
        "months_chart": _months_chart(result["champion"]), "changes_chart": _changes_chart(sides), "months": _months(sides),
        "parts": _parts(sides),
        "missed": _missed(sides, currency), "challenged": len(sides) > 1,
    }  # fmt: skip


def _basis(side: Mapping[str, Any]) -> str:
    n, of = side["shown"], len(side["months"])
    if not n:
        return _("Basis: back-filled. The scores are what the card says today of what was known on each day; no pass of those days kept its own.")
    return _("Basis: as shown then on %(n)s of %(of)s days, else back-filled from what was known on the day.") % {"n": number(n), "of": number(of)}


def _figures(side: Mapping[str, Any], result: Mapping[str, Any]) -> list[dict[str, Any]]:
    area = side["area"]
    low, high = _three(area["low"]), _three(area["high"])
    between = "" if area["low"] is None else _("between %(low)s and %(high)s with 95 %%; 0.5 is chance") % {"low": low, "high": high}
    events = ngettext("of %(n)s account", "of %(n)s accounts", area["accounts"]) % {"n": number(area["accounts"])}
    base = "–" if area["base_rate"] is None else percent(area["base_rate"])
    lift = "–" if area["lift"] is None else _("%(n)s times") % {"n": number(round(area["lift"], 1), 1)}
    warned = _("%(n)s of %(of)s outcomes had a warning") % {"n": number(side["warned"]), "of": number(side["outcomes"])}
    return [
        {"label": _("AUC"), "value": _three(area["auc"]), "hint": between},
        {"label": _("Outcomes"), "value": ngettext("%(n)s row", "%(n)s rows", area["events"]) % {"n": number(area["events"])}, "word": True,
         "hint": _("%(events)s; %(base)s of %(rows)s rows") % {"events": events, "base": base, "rows": number(area["rows"])}},
        {"label": _("Lift of the lowest tenth"), "value": lift, "hint": _("the outcome among the tenth with the lowest scores, over all")},
        {"label": _("Days of warning"), "value": "–" if side["lead"] is None else number(round(side["lead"])), "hint": warned},
        {"label": _("False greens"), "value": number(len(side["missed"])),
         "hint": _("green within %(days)s days before it came") % {"days": number(result["horizon_days"])}, "url": "#missed-title"},
        {"label": _("Coverage"), "value": "–" if side["coverage"] is None else percent(side["coverage"], 0),
         "hint": _("of the weight was known; %(known)s of paying rows have a score") % {"known": "–" if side["known"] is None else percent(side["known"], 0)}},
        {"label": _("Bands changed a month"), "value": "–" if side["stability"] is None else percent(side["stability"]),
         "hint": _("of those known at both month ends")},
    ]  # fmt: skip


def _bands_chart(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """A bar for each band of each card: beside each other, for shares do not add up."""
    bars = [
        (str(BANDS[one["band"]]) if len(sides) == 1 else f"{BANDS[one['band']]}, {title}", one["share"])
        for place in range(3) for title, side in sides if (one := side["bands"][place])
    ]  # fmt: skip
    series = [{"name": _("Share with the outcome"), "values": [share for _name, share in bars]}]
    return {"unit": "percent", "x": [name for name, _share in bars], "series": series}


def _bands(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {"side": title, "band": BANDS[one["band"]], "tone": TONES[one["band"]], "rows": one["rows"], "events": one["events"],
         "share": "–" if one["share"] is None else percent(one["share"]),
         "between": "" if one["low"] is None else f"{percent(one['low'])} – {percent(one['high'])}"}
        for title, side in sides for one in side["bands"]
    ]  # fmt: skip


def _months_chart(side: Mapping[str, Any]) -> dict[str, Any]:
    tones = {"green": "good", "yellow": "warn", "red": "bad"}
    series = [{"name": str(BANDS[band]), "values": [one[band] for one in side["months"]], "tone": tone} for band, tone in tones.items()]
    return {"unit": "number", "x": [one["day"] for one in side["months"]], "series": series}


def _changes_chart(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    def share(one: Mapping[str, Any]) -> float | None:
        return one["changed"] / one["both"] if one["both"] else None

    series = [{"name": title, "values": [share(one) for one in side["months"]], "area": False, "dash": "solid" if at == 0 else "dashed"}
              for at, (title, side) in enumerate(sides)]  # fmt: skip
    return {"unit": "percent", "x": [one["day"] for one in sides[0][1]["months"]], "series": series, "from_zero": True}


def _months(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {**one, "side": title, "day_text": day(one["day"]), "basis": BASES[one["basis"]],
         "moved": percent(one["changed"] / one["both"]) if one["both"] else "–"}
        for title, side in sides for one in reversed(side["months"])
    ]  # fmt: skip


def _parts(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {"side": title, "name": words.text(one["name"]), "share": percent(one["share"] / 100, 0),
         "known": "–" if one["known"] is None else percent(one["known"], 0), "auc": _three(one["alone"]["auc"]),
         "rows": one["alone"]["rows"], "weak": one["alone"]["auc"] is not None and one["alone"]["auc"] < 0.5}
        for title, side in sides for one in sorted(side["parts"], key=lambda one: -one["share"])
    ]  # fmt: skip


def _missed(sides: Sequence[tuple[str, Mapping[str, Any]]], currency: str) -> list[dict[str, Any]]:
    names = _names(sides)
    rows = []
    for title, side in sides:
        for one in side["missed"]:
            arr = None if one["arr"] is None else Decimal(str(one["arr"]))
            rows.append({
                "side": title, "account": names.get(one["account"]), "id": one["account"],
                "url": reverse("account", args=[one["account"]]) if one["account"] in names else None,
                "green_on": day(one["green_on"]), "came_on": day(one["came_on"]), "days": one["days"], "score": number(round(one["score"], 1), 1),
                "arr": "–" if arr is None else money_short(arr, currency), "exact": "" if arr is None else money(arr, currency), "worth": one["arr"] or 0.0,
            })  # fmt: skip
    return sorted(rows, key=lambda row: (row["side"] != sides[0][0], -row["worth"]))


def _names(sides: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[int, str]:
    wanted = {one["account"] for _title, side in sides for one in side["missed"]}
    return dict(Account.objects.filter(pk__in=listed(wanted)).values_list("pk", "name"))


def rows_of(result: Mapping[str, Any], of: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a file of `FILES`."""
    sides, currency = [(name, result[name]) for name in SIDES if result.get(name)], currency_of(last_run())
    names = _names(sides) if of == "missed" else {}
    for title, side in sides:
        for one in side["missed" if of == "missed" else of]:
            if of == "missed":
                day_and_days = (one["green_on"], one["came_on"], one["days"])
                yield (title, one["account"], names.get(one["account"]), *day_and_days, _exact(one["score"]), _exact(one["arr"]), currency)
            elif of == "bands":
                yield (title, one["band"], one["rows"], one["events"], _exact(one["share"]), _exact(one["low"]), _exact(one["high"]))
            elif of == "months":
                yield (title, one["day"], one["basis"], *(one[name] for name in ("paying", "known", "green", "yellow", "red", "both", "changed", "events")))
            else:
                yield (title, one["key"], _exact(one["share"]), _exact(one["known"]), _exact(one["alone"]["auc"]), one["alone"]["rows"], one["alone"]["events"])


def _exact(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(round(value, 6)))
