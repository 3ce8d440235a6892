"""No figure of the motions' pages, of Home, Revenue, Flow, the pack or an account lacks an entry in the catalogue of measures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from laer.cycle.company import company_catalogue
from laer.web.book.definitions import measures
from laer.web.pages.meanings import ENTRY, OF_ACCOUNT
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
PAGES = ("/home/", "/land/", "/adopt/", "/expand/", "/renewals/", "/revenue/", "/flow/", "/home/pack/", "/flow/board/", "/accounts/{renewing}/")


def figures(context: Any) -> Iterator[dict[str, Any]]:
    """What `parts/figure.html` draws: wherever in the context of a page, a label with a value."""
    found = [context]
    while found:
        one = found.pop()
        if isinstance(one, dict):
            if "label" in one and "value" in one and ("meaning" in one or "hint" in one):
                yield one
            found += [value for value in one.values() if isinstance(value, dict | list)]
        elif isinstance(one, list):
            found += one


def entry_of(figure: dict[str, Any]) -> str | None:
    found = re.fullmatch(r"/data/metrics/(\w+)/", (figure.get("meaning") or {}).get("url") or "")
    return found.group(1) if found else None


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_of_the_page_opens_to_its_entry(computed: Cast, page: str) -> None:
    client: Client = computed.client("admin")
    answer = client.get(page.format(renewing=computed.renewing.pk), follow=True)
    assert answer.status_code == 200
    context = answer.context.flatten() if hasattr(answer.context, "flatten") else {name: value for part in answer.context for name, value in part.flatten().items()}
    keys = ("figures", "letters", "revenue", "header_figures")
    there = {**measures(), **company_catalogue()}
    seen = list(figures({key: context[key] for key in keys if key in context}))
    assert seen, sorted(context)
    without = {str(one["label"]) for one in seen if entry_of(one) not in there}
    assert not without


def test_every_meaning_names_a_measure_that_there_is() -> None:
    assert {*ENTRY.values(), *OF_ACCOUNT.values()} <= {*measures(), *company_catalogue()}
