"""Import, step 2: the questions of the mapping step, all of them, and what a form answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from django.http import QueryDict

from laer.sources.tabular.mapping import Mapping
from laer.web.pages.data_doubts import About, Doubt
from laer.web.pages.data_doubts_of_days import as_of, date_order, what_an_end_means, which_day_of_a_month
from laer.web.pages.data_doubts_of_money import what_an_amount_is

ASKED: tuple[Callable[[About], Iterator[Doubt]], ...] = (date_order, which_day_of_a_month, what_an_end_means, what_an_amount_is, as_of)


def doubts(about: About) -> list[Doubt]:
    """All that a file leaves open or that its evidence decided, in the order in which they are asked."""
    return [doubt for ask in ASKED for doubt in ask(about)] if about.mapping.record else []


def answered(about: About, before: Mapping, said: QueryDict) -> tuple[Mapping, list[str]]:
    """The mapping with the answers of a form, and what is still to be said. An answer that is no option counts as none.

    In   before   the mapping as it was shown: what a form sends back unchanged was not said by anybody
    """
    shown = {doubt.key: doubt.value for doubt in doubts(replace(about, mapping=before)) if not doubt.elsewhere}
    for ask in ASKED:  # one after the other: the order of dates decides what ends can tell
        for doubt in ask(about):
            answer = said.get(doubt.key, "")
            if answer not in (doubt.value, shown.get(doubt.key)) and answer in {option.value for option in doubt.options}:
                about = replace(about, mapping=doubt.settle(about.mapping, answer))
    return about.mapping, [doubt.wanted for doubt in doubts(about) if doubt.open and not doubt.elsewhere]
