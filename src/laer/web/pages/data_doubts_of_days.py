"""Doubts about days: which of day and month comes first, what an end means, since when an undated file holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils import timezone

from laer.sources.tabular.mapping import ENDS, Mapping
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.values import ORDERS
from laer.web.book import importing
from laer.web.book.models import ExternalId
from laer.web.pages.data_doubts import About, Doubt, Option

ORDER_WORDS = {"dmy": "Day first: 31-12-2027", "mdy": "Month first: 12-31-2027", "ymd": "Year first: 2027-12-31"}
END_WORDS = {"exclusive": "the first day that is not paid for", "inclusive": "the last day that is paid for"}


def date_order(about: About) -> Iterator[Doubt]:
    mapping = about.mapping
    if not mapping.undecided:
        return
    columns = ", ".join(mapping.undecided)

    def settle(mapping: Mapping, order: str) -> Mapping:
        if mapping.sheet:  # its columns are one part of several: only the dates are read anew
            return replace(mapping, date_order=order, undecided=())
        again = recognise(importing.table_of(about.file), record=mapping.record, date_order=order)
        return replace(again, columns=mapping.columns, custom=mapping.custom, fixed=mapping.fixed)

    options = tuple(Option(order, ORDER_WORDS[order]) for order in ORDERS)
    label, wanted = f"Which comes first in {columns}?", f"say which of day and month comes first in {columns}"
    yield Doubt(about.key("order"), label, options, help=mapping.date_why, wanted=wanted, settle=settle)


def what_an_end_means(about: About) -> Iterator[Doubt]:
    evidence = about.mapping.end_evidence
    if evidence is None or about.mapping.end is not None or "end_on" not in about.mapping.headers:
        return
    if evidence.share_on_end + evidence.share_month_end == 0:
        return
    options = tuple(Option(end, f"The end date is {END_WORDS[end]}") for end in ENDS)
    header = about.mapping.headers["end_on"]
    yield Doubt(
        about.key("end"), f"What does {header} mean?", options, help=evidence.sentence, wanted=f"say what {header} means",
        settle=lambda mapping, end: replace(mapping, end=end),
    )  # fmt: skip


def as_of(about: About) -> Iterator[Doubt]:
    """Asked once: of the first file of a source that was imported before, else of each undated one. Kept with the import, not with a mapping."""
    if about.run.file_date is not None:
        return
    known = ExternalId.objects.filter(source=about.run.source).exists()
    if known and about.first:
        text = "This source was imported before. When did what has changed since begin to hold?"
    elif about.mapping.undated and not known:
        text = "No column says since when this is paid: it is true as of this day."
    else:
        return
    yield Doubt("as_of", "True as of", value=timezone.localdate().isoformat(), help=text)
