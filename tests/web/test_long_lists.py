"""A file holds all rows of its list, and figures count all of them, however many the page shows."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from laer.web.book.models import Account
from laer.web.work.models import Episode, EpisodeAnswer, PlayRun, Risk
from tests.cast import Cast

pytestmark = pytest.mark.django_db
MANY = 1_050  # more than a page shows, and than one chunk of a file


def rows(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def accounts(n: int) -> list[Account]:
    return Account.objects.bulk_create([Account(name=f"X{i:04}", created_at=timezone.now()) for i in range(n)])


def test_of_a_signal(cast: Cast) -> None:
    made = Episode.objects.bulk_create([Episode(account=a, signal="usage_drop", version=1, opened_on=cast.today, run_id=1) for a in accounts(MANY)])
    EpisodeAnswer.objects.create(episode=made[-1], account=made[-1].account, kind="dismissed", reason="the last of them", created_at=timezone.now())
    page = cast.client("admin").get("/signals/usage_drop/")
    assert (len(page.context["rows"]), page.context["more"]) == (100, True)
    found = rows(cast.client("admin"), "/signals/usage_drop/?format=csv")
    assert {row["account"] for row in found} == {f"X{i:04}" for i in range(MANY)}
    assert [row["account"] for row in found if row["reason"]] == [f"X{MANY - 1:04}"]


def test_of_a_play(cast: Cast) -> None:
    now = timezone.now()
    PlayRun.objects.bulk_create([
        PlayRun(account=a, play="usage_drop", version=1, cause="episode:1", cause_on=cast.today, state="trial", starts_on=cast.today, created_at=now)
        for a in accounts(MANY)
    ])  # fmt: skip
    page = cast.client("admin").get("/plays/usage_drop/?view=trial")
    assert (len(page.context["rows"]), page.context["more"]) == (100, True)
    assert {row["account"] for row in rows(cast.client("admin"), "/plays/usage_drop/?view=trial&format=csv")} == {f"X{i:04}" for i in range(MANY)}
    assert rows(cast.client("outsider"), "/plays/usage_drop/?view=trial&format=csv") == []


def test_of_risks_with_their_figures(cast: Cast) -> None:
    now = timezone.now()
    Risk.objects.bulk_create([
        Risk(account=a, kind="risk", reason="price", severity=1 if n == 519 else 3, arr="900000" if n == 519 else "10", currency="USD", created_at=now, due_on=cast.today - timedelta(days=1))
        for n, a in enumerate(accounts(520))
    ])  # fmt: skip
    page = cast.client("admin").get("/renewals/risks/")
    assert (len(page.context["rows"]), page.context["most"], page.context["state"]["shown"]) == (500, 500, "520 risks")
    assert page.context["rows"][0]["account"]["name"] == "X0519"  # the largest, though the least grave
    values = {figure["label"]: figure for figure in page.context["figures"]}
    assert "905,190" in values["ARR at risk"]["title"]
    assert (values["New this week"]["value"], values["Overdue"]["value"]) == ("520", "520")
    assert len(rows(cast.client("admin"), "/renewals/risks/?format=csv")) == 520
    assert "The first 500 are shown" in page.content.decode()
