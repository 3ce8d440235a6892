"""The Board page: every cell opens as many accounts with as much ARR as it says, for every filter and in each person's scope."""

from __future__ import annotations

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.flow.positions import MOTIONS
from laer.web.book.models import Opportunity, SubscriptionLine
from laer.web.runs import passes
from laer.web.runs.models import AccountCard
from tests.cast import Cast, on_stage
from tests.standing import stands
from tests.web.test_query_budgets import BUDGETS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
@stands
def firm() -> Cast:
    cast = on_stage()
    Opportunity.objects.create(account=cast.no_data, name="First", motion="land", status="open", created_on=cast.today, created_at=timezone.now())
    passes.start_pass()
    return cast


def rows(page: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(motion["id"], row["name"]): row for motion in page.context["motions"] for row in motion["rows"]}


@pytest.mark.parametrize("asked", ["", "?segment=Enterprise", "?state=paying", "?country=US&mrr_min=500", "?where=mrr+%3E+900+or+seats+%3E+10", "?owner=none"])
def test_every_cell_opens_the_accounts_that_it_counts(firm: Cast, asked: str) -> None:
    client = firm.client("lead")
    page = client.get(f"/flow/board/{asked}")
    for motion in MOTIONS:
        assert sum(row["accounts"] for (of, _), row in rows(page).items() if of == motion) == client.get(f"/accounts/{asked or '?saved=all'}").context["totals"]["accounts"]
    opened = 0
    for key, row in rows(page).items():
        assert bool(row["url"]) == bool(row["accounts"]), key
        if row["url"]:
            behind = client.get(row["url"])
            assert behind.context["totals"]["accounts"] == row["accounts"], (key, row["url"])
            file = list(csv.DictReader(io.StringIO(client.get(row["url"] + "&format=csv").getvalue().decode())))
            assert len(file) == row["accounts"]
            opened += 1
    if asked != "?owner=none":
        assert opened >= 4


def test_states_are_those_of_the_cards_and_arr_adds_up(firm: Cast) -> None:
    page = firm.client("lead").get("/flow/board/")
    wanted = Counter(card.facts["land_state"] for card in AccountCard.objects.filter(account__archived_at=None))
    assert wanted == {"handed over": 6, "open": 1}
    assert {name: row["accounts"] for (of, name), row in rows(page).items() if of == "land" and row["accounts"]} == wanted
    file = list(csv.DictReader(io.StringIO(firm.client("lead").get("/flow/board/?format=csv").getvalue().decode())))
    whole = sum(line.mrr_num for line in SubscriptionLine.objects.filter(end_on=None) if line.mrr_num) + 300 + 4_000
    for motion in MOTIONS:
        assert sum(Decimal(row["arr"]) for row in file if row["motion"] == motion) == whole * 12


def test_a_member_sees_their_own_book_and_an_outsider_none_of_it(firm: Cast) -> None:
    assert sum(row["accounts"] for (of, _), row in rows(firm.client("csm").get("/flow/board/")).items() if of == "renew") == 6
    theirs = firm.client("outsider").get("/flow/board/")
    assert sum(row["accounts"] for (of, _), row in rows(theirs).items() if of == "land") == 1


def test_what_is_unknown_names_its_source_and_a_state_with_nobody_opens_nothing(firm: Cast) -> None:
    page = firm.client("lead").get("/flow/board/")
    adopt = next(motion for motion in page.context["motions"] if motion["id"] == "adopt")
    assert "usage" in adopt["missing"]["text"]
    assert rows(page)["adopt", "unknown"]["accounts"] == 6
    assert rows(page)["renew", "overdue"] | {"url": None, "accounts": 0} == rows(page)["renew", "overdue"]


def test_before_the_first_pass_and_without_accounts_it_says_what_would_fill_it(cast: Cast) -> None:
    page = cast.client("lead").get("/flow/board/")
    assert page.status_code == 200
    assert "next pass" in page.context["nothing"]["text"]


def test_it_keeps_its_budget(firm: Cast) -> None:
    client = firm.client("lead")
    client.get("/accounts/")
    from tests.cast import forget

    forget()
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/flow/board/?segment=Enterprise").status_code == 200
    assert len(asked) <= BUDGETS["board"] <= len(asked) + 3, [query["sql"][:120] for query in asked]


def test_a_cohort_and_an_address_of_a_run_open_the_accounts_that_they_count(firm: Cast) -> None:
    client = firm.client("lead")
    run = passes.latest_run()
    now = rows(client.get("/flow/board/"))
    year = str(AccountCard.objects.exclude(first_paid_on=None).earliest("first_paid_on").first_paid_on.year)
    for asked in (f"?cohort={year}", f"?run={run.pk}", f"?run={run.pk}&cohort={year}"):
        page = client.get(f"/flow/board/{asked}")
        found = rows(page)
        if "cohort" not in asked:
            assert {key: (row["accounts"], row["arr"]) for key, row in found.items()} == {key: (row["accounts"], row["arr"]) for key, row in now.items()}
        for key, row in found.items():
            if row["url"]:
                behind = client.get(row["url"])
                assert f"run={run.pk}" in row["url"]
                assert behind.status_code == 200
                assert behind.context["state"]["shown"].split()[0] == str(row["accounts"]), (key, row["url"])
        assert sum(row["accounts"] for (motion, _), row in found.items() if motion == "land") >= 1


def test_a_filter_that_facts_do_not_answer_shows_nothing_beside_a_cohort(firm: Cast) -> None:
    page = firm.client("lead").get("/flow/board/?cohort=2026&where=mrr+%3E+1")
    assert page.context["notices"][0]["tone"] == "warn"
    assert not any(row["accounts"] for row in rows(page).values())


def test_the_board_of_a_run_stays_as_it_was_when_a_later_one_moves_accounts(firm: Cast) -> None:
    client = firm.client("lead")
    run = passes.latest_run()
    before = client.get(f"/flow/board/?run={run.pk}")
    Opportunity.objects.filter(name="First").update(status="lost", archived_at=timezone.now())
    passes.start_pass()
    assert passes.latest_run().pk > run.pk
    again = client.get(f"/flow/board/?run={run.pk}")

    def told(page: Any) -> Any:
        return {key: (row["accounts"], row["arr"], row["time"], row["went"], row["spark"]) for key, row in rows(page).items()}

    assert told(again) == told(before)
    assert told(client.get("/flow/board/")) != told(before)
