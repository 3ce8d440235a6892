"""Doubts about days: which of day and month comes first, what an end means, since when an undated file holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.sources.tabular.answers import end_open, with_end, with_months, with_order
from laer.sources.tabular.ends import MEANING, EndEvidence
from laer.sources.tabular.mapping import ENDS, Mapping
from laer.sources.tabular.month_days import EDGES, answer_of, day_in, months_in, read_exclusive_end
from laer.sources.tabular.values import ORDERS
from laer.web.book import importing
from laer.web.book.known_amounts import known_to
from laer.web.book.models import ExternalId
from laer.web.pages.data_doubts import About, Doubt, Option
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

ORDER_WORDS = {"dmy": gettext_lazy("Day first: 31-12-2027"), "mdy": gettext_lazy("Month first: 12-31-2027"), "ymd": gettext_lazy("Year first: 2027-12-31")}
EDGE_WORDS = {"first": gettext_lazy("Its first day"), "last": gettext_lazy("Its last day")}
END_WORDS = {"exclusive": gettext_lazy("The first day that is not paid for"), "inclusive": gettext_lazy("The last day that is paid for")}


def date_order(about: About) -> Iterator[Doubt]:
    """Asked once of a sheet whose columns feed several records: the answer holds for all of them."""
    mapping = about.mapping
    if not mapping.undecided:
        return
    first = next((part for part, kept in about.parts if kept.undecided), about.file)
    columns = ", ".join(dict.fromkeys(column for _, kept in about.parts for column in kept.undecided)) or ", ".join(mapping.undecided)
    yield Doubt(
        f"f{first.pk}-order", _("Which comes first in %(columns)s?") % {"columns": columns},
        tuple(Option(order, ORDER_WORDS[order]) for order in ORDERS), help=mapping.date_why,
        wanted=_("say which of day and month comes first in %(columns)s") % {"columns": columns}, elsewhere=first.pk != about.file.pk,
        settle=lambda mapping, order: with_order(importing.table_of(about.file), mapping, order, known_to(about.run.source)),
    )  # fmt: skip


def which_day_of_a_month(about: About) -> Iterator[Doubt]:
    """Of a column in which months stand without a day: asked once of a sheet whose parts share it."""
    for header, days in about.mapping.months.items():
        first = next((part for part, kept in about.parts if header in kept.months), about.file)
        place = list(about.mapping.columns).index(header)
        said = answer_of(header) in about.mapping.answers
        verdict = _("%(verdict)s So it was said.") % {"verdict": days.verdict} if said else days.verdict
        yield Doubt(
            f"f{first.pk}-months-{place}", _("A month in %(header)s is …") % {"header": header},
            tuple(Option(edge, EDGE_WORDS[edge], _of_month(about.mapping, header, edge)) for edge in EDGES), days.edge,
            title=_("Months without a day"), verdict=verdict, evidence=days.sentences, elsewhere=first.pk != about.file.pk, usual=not days.decided,
            settle=partial(_settled, about, header),
        )  # fmt: skip


def _settled(about: About, header: str, mapping: Mapping, edge: str) -> Mapping:
    return with_months(importing.table_of(about.file), mapping, header, edge, known_to(about.run.source))


def _of_month(mapping: Mapping, header: str, edge: str) -> str:
    """What an edge makes of the month that stands as an example."""
    text = mapping.months[header].example
    months = months_in(text)
    if months is None:
        return ""
    if mapping.columns.get(header) == "end_on" and mapping.record in ("contracts", "subscription_lines", "discounts"):
        return _("“%(month)s” is paid for until %(day)s, and not on that day.") % {"month": text, "day": read_exclusive_end(text, None, False, edge)}
    return _("“%(month)s” is %(day)s.") % {"month": text, "day": day_in(months, edge)}


def what_an_end_means(about: About) -> Iterator[Doubt]:
    """Asked once of a sheet in which a line and its contract share a column of ends."""
    mapping, evidence = about.mapping, about.mapping.end_evidence
    if evidence is None or not evidence.ends or "end_on" not in mapping.headers:
        return
    header = mapping.headers["end_on"]
    if header in mapping.months and mapping.months[header].whole:
        return  # its months say it
    first = next((part for part, kept in about.parts if kept.end_evidence and kept.headers.get("end_on") == header), about.file)
    asked = end_open(mapping)
    if asked:
        verdict = _("Nothing in the file says whether %(header)s is paid for.") % {"header": header}
    else:
        verdict = _meaning(MEANING[mapping.end], "end" in mapping.answers)
    yield Doubt(
        f"f{first.pk}-end", _("%(header)s is …") % {"header": header},
        tuple(Option(end, END_WORDS[end], _effect(evidence, end)) for end in ENDS), mapping.end or "",
        title=_("What an end means"), verdict=verdict, evidence=evidence.counts, example=_example(evidence),
        wanted=_("say what %(header)s means") % {"header": header},
        elsewhere=first.pk != about.file.pk, settle=with_end,
    )  # fmt: skip


def _meaning(text: str, said: bool) -> str:
    text = text[0].upper() + text[1:]
    return _("%(meaning)s, as was said.") % {"meaning": text} if said else f"{text}."


def _effect(evidence: EndEvidence, end: str) -> str:
    """What a reading does to the successors, and to the line of the example."""
    account, _start, last, following = evidence.example or ("", "", "", "")
    if not last:
        return evidence.effect(end)
    unpaid = date.fromisoformat(last) + timedelta(days=end == "inclusive")
    if evidence.alone:
        return _("%(account)s falls due on %(day)s.") % {"account": account, "day": unpaid.isoformat()}
    if following:
        gap = (date.fromisoformat(following) - unpaid).days
        days = ngettext("%(n)s day without MRR", "%(n)s days without MRR", gap) % {"n": number(gap)}
        then = _("its next line overlaps by a day") if gap < 0 else _("its next line follows at once") if gap == 0 else days
        return f"{evidence.effect(end)} {account}: {then}."
    return _("%(effect)s %(account)s churns on %(day)s.") % {"effect": evidence.effect(end), "account": account, "day": unpaid.isoformat()}


def _example(evidence: EndEvidence) -> str:
    if not evidence.example:
        return ""
    account, start, end, following = evidence.example
    said = {"account": account, "start": start, "end": end, "following": following}
    if evidence.alone:
        return _("For example %(account)s: %(end)s.") % said
    if following:
        return _("For example %(account)s: %(start)s to %(end)s, the next line from %(following)s.") % said
    return _("For example %(account)s: %(start)s to %(end)s, and no line after it.") % said


def as_of(about: About) -> Iterator[Doubt]:
    """Asked once: of the first file of a source that was imported before, else of each undated one. Kept with the import, not with a mapping."""
    if about.run.file_date is not None:
        return
    known = ExternalId.objects.filter(source=about.run.source).exists()
    if known and about.first:
        text = _("This source was imported before. When did what has changed since begin to hold?")
    elif about.mapping.undated and not known:
        text = _("No column says since when this is paid: it is true as of this day.")
    else:
        return
    yield Doubt("as_of", _("True as of"), value=timezone.localdate().isoformat(), help=text)
