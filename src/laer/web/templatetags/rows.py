"""The small pieces that a table repeats in every row, made in Python: as templates they cost a list of fifty rows thirty milliseconds.

`parts/avatar.html`, `badge.html`, `person.html` and `sparkline.html` say the same with these tags, so that the markup stands once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from laer.flow.positions import column_of
from laer.web import position_words
from laer.web.templatetags.laer import day, hue, icon, initials, last_covered, money, money_short, number, sparkline_points

register = template.Library()

STATE_TONES = {"paying": "good", "churned": "bad"}
STATES = {"paying": gettext_lazy("Paying"), "churned": gettext_lazy("Churned"), "prospect": gettext_lazy("Prospect")}
LABELS = {
    "segment": gettext_lazy("Segment"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"), "state": gettext_lazy("State"),
    "spark": gettext_lazy("MRR, 12 months"), "mrr": gettext_lazy("MRR"), "arr": gettext_lazy("ARR"), "first_paid_on": gettext_lazy("Customer since"),
    "contract_end_on": gettext_lazy("Contract ends"), "owner_name": gettext_lazy("Owner"), "health": gettext_lazy("Health"),
    "health_score": gettext_lazy("Health, points"), "pulse": gettext_lazy("Pulse"),
    **{column_of(motion): name for motion, name in position_words.MOTIONS.items()},
}  # fmt: skip
HEALTH_TONES = {"green": "good", "yellow": "warn", "red": "bad"}
HEALTH = {"green": gettext_lazy("green"), "yellow": gettext_lazy("yellow"), "red": gettext_lazy("red")}
NOBODY = gettext_lazy("Nobody")
RECOMPUTED = gettext_lazy("being recomputed")
UNKNOWN = gettext_lazy("unknown")
CHOOSE = gettext_lazy("Choose: %(name)s")
PULSE_OF = gettext_lazy("Pulse of %(name)s")
HEALTH_UNKNOWN = gettext_lazy("too little is known of it; its Health tab says what is missing")
PULSE_NONE = gettext_lazy("none")
SHAPES = {"square": " face-square", "large": " face-square face-large"}


@register.simple_tag
def face(name: Any, shape: str = "") -> SafeString:
    """Initials on a colour that is stable for the name; without a name the outline of somebody. `shape`: square, large."""
    return _face(str(name), shape) if name else mark_safe(f'<span class="face face-none" aria-hidden="true">{icon("user", "s")}</span>')


@lru_cache(maxsize=4_096)
def _face(name: str, shape: str) -> SafeString:
    return mark_safe(f'<span class="face hue-{hue(name)}{SHAPES.get(shape, "")}" aria-hidden="true">{escape(initials(name))}</span>')


@register.simple_tag
def who(name: Any) -> SafeString:
    """A person in a table: face and name."""
    return mark_safe(f'<span class="who">{face(name)}<span>{escape(name)}</span></span>' if name else f'<span class="muted">{NOBODY}</span>')


@register.simple_tag
def pill(text: Any, tone: str = "", dot: bool = False, sign: str = "") -> SafeString:
    """A word with a tone ("good", "warn", "bad", "info", "accent", "outline"), a dot, an icon."""
    css = f"pill{f' pill-{tone}' if tone else ''}{' pill-dot' if dot else ''}"
    return mark_safe(f'<span class="{css}">{icon(sign) if sign else ""}{escape(text)}</span>')


@lru_cache(maxsize=4_096)
def _points(values: tuple[Any, ...]) -> str:
    return sparkline_points(values)


@register.simple_tag
def spark(values: Any, label: str, tone: str = "") -> SafeString:
    """A line of points made on the server; `label` is said aloud."""
    points = _points(tuple(values or ()))
    if not points:
        return mark_safe(f'<span class="unknown" title="{UNKNOWN}">–</span>')
    css = f"spark spark-{tone}" if tone else "spark"
    return mark_safe(
        f'<svg class="{css}" viewBox="0 0 84 26" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<polygon points="0,26 {points} 84,26"></polygon><polyline points="{points}"></polyline></svg>'
    )


@register.simple_tag
def account_row(row: Mapping[str, Any], show: Mapping[str, bool]) -> SafeString:
    """A row of the account list: its head, and a cell for each column shown, in the order of ACCOUNT_CELLS."""
    again = f' <span class="recomputing">{icon("refresh")}{RECOMPUTED}</span>' if row["recomputing"] else ""
    box = f'<input class="form-check-input" type="checkbox" name="account" value="{row["account_id"]}" aria-label="{escape(CHOOSE % row)}">'
    tick = f'<td class="is-tick">{box}</td>'
    head = (
        f'<th scope="row"><div class="name-cell">{face(row["name"], "square")}<div><a class="name plain" href="{escape(row["url"])}" data-peek data-row-link>'
        f'{escape(row["name"])}</a><span class="sub">{escape(row["domain"] or _("no domain"))}{again}</span></div></div></th>'
    )
    return mark_safe(f"<tr>{tick}{head}{''.join(cell(row) for name, cell in ACCOUNT_CELLS.items() if show.get(name))}</tr>")


def _segment(row: Mapping[str, Any]) -> str:
    label = LABELS["segment"]
    return f'<td data-label="{label}">{pill(row["segment"], "outline")}</td>' if row["segment"] else f'<td data-label="{label}" class="is-blank"></td>'


def _amount(name: str, css: str) -> Callable[[Mapping[str, Any]], str]:
    def cell(row: Mapping[str, Any]) -> str:
        amount, currency = row[name], row["currency"]
        title = "" if amount is None else f' title="{escape(money(amount, currency))}"'
        return f'<td class="num {css}" data-label="{LABELS[name]}"{title}>{escape(money_short(amount, currency))}</td>'

    return cell


def _health(row: Mapping[str, Any]) -> str:
    band, label = row["health"], LABELS["health"]
    if band not in HEALTH:
        if row["state"] != "paying":
            return f'<td data-label="{label}" class="is-blank"></td>'
        link = f'<a class="muted plain" href="{escape(row["url"])}?tab=health" title="{HEALTH_UNKNOWN}">{UNKNOWN}</a>'
        return f'<td data-label="{label}">{link}{_held(row.get("override"))}</td>'
    return f'<td data-label="{label}">{pill(HEALTH[band], HEALTH_TONES[band], True)}{_held(row.get("override"))}</td>'


def _held(one: Any) -> str:
    """What a person holds to be true instead, beside the band of the score."""
    if one is None:
        return ""
    title = escape(_("Held to be %(band)s until %(day)s: %(reason)s") % {"band": HEALTH[one.band], "day": day(one.until_on), "reason": one.reason})
    return f' <span class="held" title="{title}">{pill(HEALTH[one.band], HEALTH_TONES[one.band], False, "pencil")}</span>'


def _pulse(row: Mapping[str, Any]) -> str:
    """The pulse that stands, as a link that states another one; pale where it is stale."""
    said, label = row["beside"], LABELS["pulse"]
    text = pill(HEALTH.get(said.pulse, said.pulse), "outline" if said.stale else HEALTH_TONES.get(said.pulse, ""), True) if said.pulse else PULSE_NONE
    title = "" if said.pulse is None else escape((_("stale: said on %(day)s") if said.stale else _("said on %(day)s")) % {"day": day(said.pulse_on)})
    css = "" if said.pulse else " muted"
    aloud = f'<span class="visually-hidden">, {escape(PULSE_OF % row)}</span>'
    link = f'<a class="plain{css}" href="{escape(row["url"])}pulse/" data-pulse-open title="{title}">{text}{aloud}</a>'
    return f'<td data-label="{label}">{link}</td>'


def _points_of(row: Mapping[str, Any]) -> str:
    points = row["health_score"]
    return f'<td class="num" data-label="{LABELS["health_score"]}">{number(None if points is None else round(points, 1))}</td>'


def _position(motion: str) -> Callable[[Mapping[str, Any]], str]:
    """The state in one motion; what nobody does there is no pill."""

    def cell(row: Mapping[str, Any]) -> str:
        state, label = row.get(column_of(motion)), LABELS[column_of(motion)]
        if state is None:
            return f'<td data-label="{label}"><span class="unknown">{UNKNOWN}</span></td>'
        name = escape(position_words.state_name(motion, state))
        return f'<td class="nowrap" data-label="{label}">{pill(name, position_words.TONES[state], True) if state in position_words.TONES else name}</td>'

    return cell


ACCOUNT_CELLS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "segment": _segment,
    "industry": lambda row: f'<td data-label="{LABELS["industry"]}" class="muted{"" if row["industry"] else " is-blank"}">{escape(row["industry"] or "")}</td>',
    "country": lambda row: f'<td data-label="{LABELS["country"]}" class="muted is-minor">{escape(row["country"] or "")}</td>',
    "state": lambda row: f'<td data-label="{LABELS["state"]}">{pill(STATES.get(row["state"], row["state"]), STATE_TONES.get(row["state"], ""), True)}</td>',
    "health": _health,
    "health_score": _points_of,
    "pulse": _pulse,
    **{column_of(motion): _position(motion) for motion in position_words.MOTIONS},
    "spark": lambda row: f'<td data-label="{LABELS["spark"]}" class="is-minor">{spark(row["spark"], _("MRR over twelve months"))}</td>',
    "mrr": _amount("mrr", "muted"),
    "arr": _amount("arr", "strong"),
    "first_paid_on": lambda row: f'<td class="nowrap" data-label="{LABELS["first_paid_on"]}">{day(row["first_paid_on"])}</td>',
    "contract_end_on": lambda row: f'<td class="nowrap" data-label="{LABELS["contract_end_on"]}">{day(last_covered(row["contract_end_on"]))}</td>',
    "owner_name": lambda row: f'<td class="nowrap" data-label="{LABELS["owner_name"]}">{who(row["owner_name"])}</td>',
}
