"""What an import leaves to people, as notices on its page: questions, suggestions of matches, columns that were not recognised."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.web.book import settling
from laer.web.book.models import ImportRun
from laer.web.book.raised import raised, unknown_columns
from laer.web.people.models import User
from laer.web.templatetags.laer import number

SHOWN = 12  # columns that are named


def waiting_notices(run: ImportRun, user: User) -> list[dict[str, Any]]:
    """What asks for an answer, as in parts/notice.html. Two queries."""
    waiting, told = raised(run, settling.open_questions(user)), []
    if total := waiting.missing + waiting.blank:
        kinds = []
        if waiting.missing:
            sentence = ngettext("%(n)s is no longer named by the list.", "%(n)s are no longer named by the list.", waiting.missing)
            kinds.append(sentence % {"n": number(waiting.missing)})
        if waiting.blank:
            sentence = ngettext("%(n)s is named without the amount that it had.", "%(n)s are named without the amount that they had.", waiting.blank)
            kinds.append(sentence % {"n": number(waiting.blank)})
        title = ngettext("%(n)s question about a customer", "%(n)s questions about customers", total) % {"n": number(total)}
        text = " ".join([*kinds, _("No revenue was ended: say what became of them.")])
        told.append({"tone": "warn", "title": title, "text": text, "action": {"label": _("Answer the questions"), "url": reverse("questions")}})
    if waiting.amounts:
        title = ngettext("%(n)s customer has another amount in another system", "%(n)s customers have another amount in another system", waiting.amounts)
        text = _("The figures show them as they are counted now, and what each way out would make of them. Say which system holds.")
        action = {"label": _("Answer the questions"), "url": f"{reverse('questions')}#amounts"}
        told.append({"tone": "warn", "title": title % {"n": number(waiting.amounts)}, "text": text, "action": action})
    if waiting.pairs:
        title = ngettext("%(n)s pair of accounts may be one customer", "%(n)s pairs of accounts may be one customer", waiting.pairs)
        text = _("Both keep what they pay until somebody says that they are the same.")
        action = {"label": _("Same customer?"), "url": reverse("matches")}
        told.append({"tone": "warn", "title": title % {"n": number(waiting.pairs)}, "text": text, "action": action})
    return told


def read_notices(run: ImportRun) -> list[dict[str, Any]]:
    """How each table was read, and which of its columns were not recognised. Two queries."""
    return [*_read(run), *_unknown(run)]


def _read(run: ImportRun) -> list[dict[str, Any]]:
    """What was said of each table as it was read: rows that are no records, titles, a grid of months."""
    said: dict[str, dict[str, None]] = {}
    for file in run.files.order_by("id"):
        if file.record:
            name = f"{file.name} / {file.sheet}" if file.sheet else file.name
            said.setdefault(name, {}).update(dict.fromkeys(file.mapping.get("notes") or ()))
    return [
        {"tone": "info", "title": _("How %(table)s was read") % {"table": name}, "text": " ".join(list(notes)[:SHOWN])}
        for name, notes in said.items()
        if notes
    ]  # fmt: skip


def _unknown(run: ImportRun) -> list[dict[str, Any]]:
    told = []
    for table in unknown_columns(run):
        parts = []
        if table.kept:
            parts.append(_("Kept as fields of your own: %(columns)s.") % {"columns": _listed(table.kept)})
        if table.left_out:
            parts.append(_("Left out: %(columns)s.") % {"columns": _listed(table.left_out)})
        parts.append(_("Import the file again to choose what these columns are."))
        action = {"label": _("Import again"), "url": reverse("import")}
        title = _("Columns of %(table)s that were not recognised") % {"table": table.table}
        told.append({"tone": "info", "title": title, "text": " ".join(parts), "action": action})
    return told


def _listed(columns: list[str]) -> str:
    shown = ", ".join(columns[:SHOWN])
    return _("%(columns)s and %(n)s more") % {"columns": shown, "n": number(len(columns) - SHOWN)} if len(columns) > SHOWN else shown
