"""Rows made in Python and texts looked up once: what people wrote stays text, a language says its own words, what is remembered stays with its reader."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone, translation

from laer.web.pages.lists import filed
from laer.web.runs.models import SegmentStay
from laer.web.templatetags.table_rows import RENEWAL_CELLS, motion_rows, renewal_rows, task_rows
from tests.cast import Cast

pytestmark = pytest.mark.once

EVIL = """<script>alert("1")</script>'"""
DAY = date(2026, 3, 1)


def renewal(**more: Any) -> dict[str, Any]:
    call = {"category": "likely", "words": EVIL, "tone": "good", "because": EVIL}
    said = {"words": EVIL, "tone": "warn", "notice_given": True, "amount": Decimal("1200"), "currency": "USD", "next_step": EVIL}
    return {
        "contract_id": 7, "account": EVIL, "url": "/accounts/1/", "name": EVIL, "segment": EVIL, "ends_on": DAY, "due_on": DAY + timedelta(days=1), "notice_on": None,
        "signed_on": DAY, "words": EVIL, "tone": "bad", "late_days": 1_234, "system_call": call, "person_call": said, "editable": True, "call_url": "/renewals/7/call/",
        "arr": Decimal("1200"), "owner": EVIL,
    } | more  # fmt: skip


def task(**more: Any) -> dict[str, Any]:
    return {
        "task_id": 3, "title": EVIL, "url": "/tasks/3/", "account": {"name": EVIL, "url": "/accounts/1/"}, "due_on": DAY, "due_words": EVIL, "late": True,
        "priority": EVIL, "tone": "bad", "assignee": EVIL, "items": 2, "ticked": 1, "done_at": None, "created_at": timezone.now(), "editable": True,
    } | more  # fmt: skip


@pytest.mark.django_db
def test_what_people_wrote_is_text_in_every_cell() -> None:
    every = dict.fromkeys((*RENEWAL_CELLS, "priority", "assignee", "created_at", "done_at"), True)
    cell = {"css": "num", "label": EVIL, "text": EVIL, "title": EVIL}
    cells = [cell, cell | {"url": "/x/"}, cell | {"tone": "bad"}, cell | {"who": EVIL}]
    made = [
        renewal_rows([renewal(), renewal(editable=False)], every, [1], "USD"),
        task_rows([task(), task(done_at=timezone.now())], every, True, True),
        motion_rows([{"name": EVIL, "url": "/accounts/1/", "sub": EVIL, "cells": cells}, {"name": EVIL, "url": None, "sub": "", "cells": []}]),
    ]
    for text in made:
        assert "<script" not in text
        assert text.count("&lt;script&gt;") >= 4
        assert 'alert("1")' not in text, "a quote would end an attribute"


@pytest.mark.django_db
def test_what_is_not_known_is_blank_and_what_may_not_be_changed_has_no_button() -> None:
    shown = renewal_rows([renewal(segment=None, signed_on=None, late_days=None, person_call=None, system_call=None, editable=False)], dict.fromkeys(RENEWAL_CELLS, True), [], "USD")
    assert shown.count("is-blank") == 4, "segment, notice, signature, days late"
    assert "<input" not in shown
    assert "hx-get" not in shown
    assert "<button" not in task_rows([task(editable=False)], {}, False, False)
    assert "Reopen" in task_rows([task(done_at=timezone.now())], {}, False, False)


def test_a_text_is_said_in_the_language_of_whoever_reads() -> None:
    page = engines["django"].from_string("{% load i18n %}{% translate 'January' %} {% translate '100% of it' %}")
    for _again in range(2):
        for language, word in (("en", "January"), ("de", "Januar"), ("fr", "janvier")):
            with translation.override(language):
                assert page.render({}) == f"{word} 100% of it"


def test_a_page_reads_the_rows_of_a_file_only_for_a_file() -> None:
    def rows() -> list[int]:
        raise AssertionError("asked for the rows of a file")

    assert filed(RequestFactory().get("/notifications/"), "x", {"n": int}, rows) is None
    file = filed(RequestFactory().get("/notifications/?format=csv"), "x", {"n": lambda row: row}, lambda: [1, 2])
    assert file is not None
    assert b"".join(file).decode("utf-8-sig").split() == ["n", "1", "2"]  # type: ignore[arg-type]


def test_counts_of_segments_stay_with_their_reader(cast: Cast) -> None:
    client = cast.client("admin")
    names = [row["segment_id"] for row in csv.DictReader(io.StringIO(b"".join(client.get("/accounts/segments/?format=csv")).decode("utf-8-sig")))]
    name = names[0]
    SegmentStay.objects.create(account=cast.adopting, segment=name, from_on=cast.today, run_id=cast.run.pk)
    from tests.cast import forget

    forget()

    def members(part: str) -> str:
        found = csv.DictReader(io.StringIO(b"".join(cast.client(part).get("/accounts/segments/?format=csv")).decode("utf-8-sig")))
        return next(row["members"] for row in found if row["segment_id"] == name)

    for _again in range(2):
        assert [members(part) for part in ("admin", "csm", "outsider")] == ["1", "1", "0"]


@pytest.mark.parametrize("address", ["/renewals/?view=all", "/tasks/?view=all", "/expand/", "/accounts/segments/", "/accounts/?state=paying&segment=SMB"])
def test_the_outsider_finds_nothing_of_others_after_they_looked(cast: Cast, address: str) -> None:
    assert cast.client("admin").get(address).status_code == 200
    page = cast.client("outsider").get(address).content.decode()
    assert not [account.name for account in cast.theirs if account.name in page]
