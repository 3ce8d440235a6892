"""What winning a customer cost and what one is worth, as figures of the page Land. Only for who may see costs."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.land.costs import CAP
from laer.web.pages.motion import MONEY, MONTHS, TIMES, meaning_of_measure, said, tile
from laer.web.runs import landing
from laer.web.runs.landing import Firm
from laer.web.templatetags.laer import number


def figures(firm: Firm, currency: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """CAC and its payback; LTV and LTV to CAC. What is not entered says so, and where it is entered."""
    cac, lagged = firm.now("cac"), firm.now("cac_lagged").amount
    url = reverse("settings_costs")
    no_costs = {"text": _("No costs of the motion land are entered."), "url": url, "action": _("Enter costs")}
    no_margin = {"text": _("No product that is sold has a gross margin."), "url": f"{url}#margins", "action": _("Enter margins")}
    no_customers = {"text": _("Nobody began to pay in the months that have costs.")}
    never = {"text": _("What new customers bring does not pay for them.")}
    entered = _entered(cac.n)
    spent, margin = firm.now("cac").top is not None, firm.now("gross_margin").amount is not None
    with_lag = _("%(amount)s with costs one sales cycle earlier") % {"amount": said(lagged, MONEY, currency)[0]} if lagged is not None else ""
    unpaid = no_costs if not spent else no_margin if not margin else never
    unknown = no_margin if not margin else {"text": _("No account paid in these months.")}
    no_worth = unknown if firm.now("ltv").amount is None else no_costs

    def figure(measure: str, label: str, unit: str, better: str, **more: Any) -> dict[str, Any]:
        points = [one.amount for one in firm.to_month(measure)]
        now, before = firm.now(measure).amount, firm.before(measure).amount
        return tile(label, now, unit, currency, before=before, better=better, points=points, meaning=meaning_of_measure(measure), url=url, **more)

    return (
        [
            figure("cac", _("CAC"), MONEY, "down", known=entered, hint=with_lag, missing=no_customers if spent else no_costs),
            figure("cac_payback", _("CAC payback"), MONTHS, "down", known=entered, missing=unpaid),
        ],
        [
            figure("ltv", _("LTV"), MONEY, "up", known=_lifetime(firm, currency), missing=unknown),
            figure("ltv_cac", _("LTV to CAC"), TIMES, "up", hint=_("3 to 1 is a common guide"), missing=no_worth),
        ],
    )


def _entered(months: int) -> str:
    return ngettext("costs entered for %(n)s of %(of)s month", "costs entered for %(n)s of %(of)s months", landing.MONTHS) % {
        "n": number(months),
        "of": number(landing.MONTHS),
    }


def _lifetime(firm: Firm, currency: str) -> str:
    """Of how many accounts that left, between which values, and whether the lifetime is capped."""
    worth, life = firm.now("ltv"), firm.now("customer_lifetime")
    if worth.low is None or worth.high is None or life.amount is None:
        return ""
    low, high = said(worth.low, MONEY, currency)[0], said(worth.high, MONEY, currency)[0]
    text = ngettext("%(n)s account left; between %(low)s and %(high)s", "%(n)s accounts left; between %(low)s and %(high)s", life.n) % {
        "n": number(life.n), "low": low, "high": high,
    }  # fmt: skip
    return text + _("; lifetime capped at %(n)s months") % {"n": number(int(CAP))} if life.amount >= CAP else text
