"""Status words of subscription lines that the policy does not know: asked for with the columns of an import, never guessed (rule 5).

What a person says is part of the file's mapping, so it is remembered with it, saved with it, and used for the next file of
this header. Rows with a word that nobody has explained are set aside, and can be tried again once somebody has.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.conf import settings

from laer.metrics.policy import load_policy
from laer.records.batch import Batch
from laer.sources.tabular import mapping as tabular
from laer.sources.tabular.mapping import fingerprint
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import normal_words
from laer.web.book import mappings
from laer.web.book.models import ImportFile, ImportRun, SavedMapping
from laer.web.wording import gettext_lazy

RECORD, COLUMN = "subscription_lines", "status"
MEANINGS = {
    "active": gettext_lazy("active: it counts"), "past due": gettext_lazy("past due: it counts"), "paused": gettext_lazy("paused"),
    "trial": gettext_lazy("trial: it counts 0"), "unpaid": gettext_lazy("unpaid: it counts 0"),
    "cancelled": gettext_lazy("cancelled: it counts until its end"), "expired": gettext_lazy("expired: it counts until its end"),
}  # fmt: skip
AT_MOST = 40  # words that are asked for: a column with more of them is no status
Open = Callable[[ImportFile], Table]


class UnknownMeaning(ValueError):
    """An answer that is no status of the policy; the text lists what there is."""


def unknown(file: ImportFile, mapping: tabular.Mapping, open_table: Open) -> dict[str, int]:
    """Words of a file's status column that the policy does not know -> rows, the most frequent first; answered ones too."""
    header = mapping.headers.get(COLUMN) if mapping.record == RECORD else None
    if header is None:
        return {}
    known = load_policy(settings.POLICY).status.known
    counted = _words(file.path, file.sheet, header, lambda: open_table(file))
    return {word: n for word, n in counted if word and word not in known}


def unanswered(run: ImportRun, open_table: Open) -> dict[str, int]:
    """The words of a run's files that nobody has explained -> rows."""
    found: Counter[str] = Counter()
    for file in run.files.filter(record=RECORD).order_by("id"):
        mapping = mappings.from_json(file.mapping)
        found.update({word: n for word, n in unknown(file, mapping, open_table).items() if word not in mapping.status})
    return dict(found)


def asked(file: ImportFile, mapping: tabular.Mapping, open_table: Open, said: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """What the columns page asks: per word its rows and a choice."""
    options = [{"value": value, "label": label} for value, label in MEANINGS.items()]
    return [
        {
            "key": key_of(file, word), "word": word, "rows": n, "options": options,
            "value": (said or {}).get(key_of(file, word), mapping.status.get(word, "")),
        }
        for word, n in list(unknown(file, mapping, open_table).items())[:AT_MOST]
    ]  # fmt: skip


def answered(post: Mapping[str, str], file: ImportFile, mapping: tabular.Mapping, open_table: Open) -> tabular.Mapping:
    """The mapping with what a form says of its words; an empty choice leaves a word unexplained."""
    status = dict(mapping.status)
    for word in unknown(file, mapping, open_table):
        chosen = post.get(key_of(file, word))
        if chosen in MEANINGS:
            status[word] = str(chosen)
        elif chosen == "":
            status.pop(word, None)
    return replace(mapping, status=status)


def told(mapping: tabular.Mapping, words: Iterable[str]) -> tabular.Mapping:
    """The mapping with answers of the form `word=meaning`.

    Raises  UnknownMeaning
    """
    known = load_policy(settings.POLICY).status.known
    status = dict(mapping.status)
    for said in words:
        word, equals, meaning = said.partition("=")
        if not equals or not word.strip() or normal_words(meaning) not in known:
            raise UnknownMeaning(f"--status {said!r}: expected word=meaning, where the meaning is one of {', '.join(sorted(known))}")
        status[normal_words(word)] = normal_words(meaning)
    return replace(mapping, status=status)


def put(batch: Batch, mapping: tabular.Mapping) -> None:
    """Meanings in place of words."""
    if batch.record == RECORD and mapping.status:
        for row in batch.rows:
            meaning = mapping.status.get(normal_words(row.get(COLUMN) or ""))
            if meaning is not None:
                row[COLUMN] = meaning


def with_later_answers(mapping: tabular.Mapping) -> tabular.Mapping:
    """A mapping of before with what was said since of files with this header."""
    kept = SavedMapping.objects.filter(fingerprint=fingerprint(mapping.columns)).values_list("mapping", flat=True).first() or {}
    later = {word: meaning for part in kept.get("parts") or [kept] for word, meaning in (part.get("status") or {}).items()}
    return replace(mapping, status={**mapping.status, **later}) if later else mapping


def remember(run: ImportRun) -> None:
    """Answers that were given when rows were tried again hold for the next file with their header, too."""
    for file in run.files.filter(record=RECORD):
        status = file.mapping.get("status") or {}
        saved = SavedMapping.objects.filter(fingerprint=fingerprint(file.mapping.get("columns") or {})).first() if status else None
        if saved:
            parts = saved.mapping.get("parts") or [saved.mapping]
            for part in parts:
                if part.get("record") == RECORD:
                    part["status"] = {**(part.get("status") or {}), **status}
            saved.save(update_fields=["mapping"])


def key_of(file: ImportFile, word: str) -> str:
    """Name of a word's choice in the form."""
    return f"f{file.pk}-status-{zlib.crc32(word.encode()):08x}"


class _Opened:
    """Opens a table once it is needed, and does not count as part of a remembered question."""

    def __init__(self, open_table: Callable[[], Table]) -> None:
        self.open_table = open_table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opened)

    def __hash__(self) -> int:
        return 0


def _words(path: str, sheet: str, header: str, open_table: Callable[[], Table]) -> tuple[tuple[str, int], ...]:
    return _counted(path, sheet, header, _Opened(open_table))


@lru_cache(maxsize=64)
def _counted(path: str, sheet: str, header: str, opened: _Opened) -> tuple[tuple[str, int], ...]:
    """Words of a column, of a kept file (whose bytes never change), with their rows."""
    table = opened.open_table()
    place = table.header.index(header)
    cells: Counter[str] = Counter()
    for _, rows in table.chunks(5_000):
        cells.update(row[place] for row in rows if place < len(row))
    words: Counter[str] = Counter()
    for cell, n in cells.items():
        words[normal_words(cell)] += n
    return tuple(words.most_common())
