"""Words of records and findings: every name that a page shows has its text in the list that translations are made of."""

from __future__ import annotations

from django.utils.translation import get_language, override

from laer.records.record import record_type
from laer.web.book.models import MODELS
from laer.web.record_words import COLUMNS, LABELS, NOUNS, RECORDS
from laer.web.runs import doctor
from laer.web.runs.doctor import set_aside
from laer.web.runs.doctor.finding import Finding
from laer.web.wording import later

KEPT = ("usage_days", *MODELS)
INSIDE = {"Arr den", "Arr num", "Mrr den", "Mrr num"}  # columns that no page shows


def test_every_record_and_column_has_its_word() -> None:
    for record in KEPT:
        kind = record_type(record)
        assert record in RECORDS
        assert kind.info.noun in NOUNS
        assert kind.info.noun in LABELS
        assert {c.label for c in kind.columns()} - INSIDE <= set(COLUMNS)


def test_every_heading_of_a_finding_has_its_word() -> None:
    headings = {h for check in (*doctor.CHECKS, *doctor.OF_FAMILY) for h in doctor.columns_behind(check)} | set(set_aside.COLUMNS)
    assert headings <= set(COLUMNS)


def test_a_finding_is_put_into_words_when_it_is_shown() -> None:
    finding = Finding("x", "info", 2, "title", later(lambda: get_language() or ""), "what")
    with override("de"):
        assert finding.as_dict()["sentence"] == "de"
    with override("fr"):
        assert finding.as_dict()["sentence"] == "fr"
