"""Customers whose amounts disagree between two systems: what each says, since when. A person says which holds, under Questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.records.money import rounded
from laer.web.book import between
from laer.web.book.models import Question
from laer.web.people.company import firm
from laer.web.runs.doctor.finding import Finding, Seen, Severity
from laer.web.templatetags.laer import money, number
from laer.web.wording import gettext_lazy, later

CHECK = "amounts_between_sources"
RECORD = "subscription_lines"
COLUMNS = (
    gettext_lazy("One system"), gettext_lazy("Says"), gettext_lazy("The other"), gettext_lazy("The other says"), gettext_lazy("Since"),
    gettext_lazy("As counted"),
)  # fmt: skip
SAID: dict[str, tuple[Severity, str, str]] = {
    CHECK: (
        "error",
        gettext_lazy("Customers whose amounts disagree between two systems"),
        gettext_lazy("Say under Data, Questions which system holds, or that both do. The Revenue page shows what each way out makes of the figures."),
    ),
}


def checks() -> Mapping[str, tuple[str, ...]]:
    return {CHECK: COLUMNS}


def find(seen: Seen) -> list[Finding]:
    found = named(seen)
    return [told(CHECK, len(found), {"accounts": len({q.account_id for q in found})})] if found else []


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    severity, title, what = SAID[check]
    return Finding(check, severity, n, title, later(_sentence, said["accounts"]), what, RECORD, said=said)


def named(seen: Seen) -> list[Question]:
    """Open questions about amounts, of accounts that are seen, whose lines still stand. Made once for what is seen."""
    return list(seen.once(CHECK, partial(_named, seen)))


def _named(seen: Seen) -> list[Question]:
    waiting = Question.objects.filter(kind=between.KIND, answer="", account__in=seen.accounts).select_related("account").order_by("id")
    return between.standing(waiting)


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    rows = []
    for question in named(seen)[offset : offset + limit]:
        one, two = between.ways_of(question.data)
        code = question.data["currency"] or firm().currency
        how = _("both, side by side") if question.data["beside"] else _("the later from its day on, as a change")
        cells = (one.source, _amount(one, code), two.source, _amount(two, code), date.fromisoformat(question.data["day"]), how)
        rows.append({"account_id": question.account_id, "account": question.account.name, **dict(zip(COLUMNS, cells, strict=True))})
    return rows


def ids(seen: Seen, check: str) -> tuple[str, list[int]]:
    """None: a person says which system holds, no line is wrong by itself."""
    return RECORD, []


def _amount(way: between.Way, code: str) -> str:
    return str(money(rounded(way.mrr, 2), code))


def _sentence(n: int) -> str:
    return ngettext(
        "%(n)s account has one amount in one system and another amount, or the same once more, in another.",
        "%(n)s accounts have one amount in one system and another amount, or the same once more, in another.",
        n,
    ) % {"n": number(n)}
