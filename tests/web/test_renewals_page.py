"""The Renew page: which day an end is, which month it stands in, and addresses that say nonsense."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.records.periods import last_covered
from laer.web.book.importing import begin_import, run_import
from laer.web.people import company
from laer.web.people.models import User
from laer.web.runs import desk, passes, snapshots
from laer.web.templatetags.laer import day, month
from tests.cast import forget
from tests.standing import stands
from tests.web.sheets import listed

pytestmark = pytest.mark.django_db(transaction=True)


def first_of_month_ahead() -> date:
    """A first of a month, at least thirty days from now: what ends there covers the month before to its last day."""
    day = timezone.localdate() + timedelta(days=60)
    return day.replace(day=1)


@pytest.fixture
@stands
def client(tmp_path: Path) -> Client:
    """One contract of 1,200 a year; its end as the source has it is the first of a month, the first day that nobody pays for."""
    end = first_of_month_ahead()
    folder = tmp_path / "files"
    folder.mkdir()
    listed(folder / "contracts.csv", [["K1", "C1", "2025-01-01", str(end)]], ["contract_id", "account_id", "contract_start", "contract_end"])
    lines = [["S1", "C1", "K1", "2025-01-01", str(end), 100]]
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm"))
    passes.run_waiting_pass()
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    return client


def test_an_end_is_the_last_day_that_is_covered_on_every_page(client: Client) -> None:
    end = first_of_month_ahead()
    page = client.get("/renewals/", {"view": "all"})
    (row,) = page.context["rows"]
    assert (row["due_on"], row["ends_on"]) == (end, end - timedelta(days=1))
    said = day(end - timedelta(days=1))
    assert f">{said}</time>" in page.content.decode()
    account = client.get(row["url"]).content.decode()
    assert account.count(said) >= 3  # the tile, the contract, its line
    assert f"– {day(end)}" not in account
    assert said in client.get("/accounts/").content.decode()


def test_the_page_keeps_its_query_budget(client: Client) -> None:
    """The first time, with nothing remembered; who does not see the whole book has one for the scope."""
    budgets = json.loads((Path(__file__).parent / "query_budgets.json").read_text())
    client.get("/accounts/")  # a first request of a process asks more than once
    forget()
    company.refresh()
    desk.forget()
    snapshots._opened.cache_clear()
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/renewals/", {"view": "all"}).context["rows"]
    assert len(asked) + 1 == budgets["renewals"], [q["sql"][:150] for q in asked]


def test_the_export_has_both_days(client: Client) -> None:
    (row,) = csv.DictReader(io.StringIO(client.get("/renewals/", {"view": "all", "format": "csv"}).getvalue().decode()))
    assert (row["ends_on"], row["due_on"]) == (str(last_covered(first_of_month_ahead())), str(first_of_month_ahead()))


def test_the_runway_has_a_bar_from_zero_in_the_month_of_the_last_day(client: Client) -> None:
    page = client.get("/renewals/")
    assert 'data-chart="bars"' in page.content.decode()
    runway = page.context["runway"]
    series = runway["data"]["series"][0]  # nothing is known by which the system could call it, and nobody has
    (place,) = [i for i, value in enumerate(series["values"]) if float(value)]
    last = last_covered(first_of_month_ahead())
    assert (series["name"], runway["data"]["x"][place], series["values"][place]) == ("No call", f"{last:%Y-%m}", "1200.00")
    assert series["urls"][place] == runway["rows"][place]["cells"][-1]["url"]
    shown = client.get(f"/renewals/{series['urls'][place]}")
    assert len(shown.context["rows"]) == 1
    assert shown.context["filters"][0]["value"] == month(last)
    assert client.get("/renewals/", {"view": "all", "month": f"{first_of_month_ahead():%Y-%m}"}).context["rows"] == []


@pytest.mark.parametrize("text", ["2026-13", "2026", "soon", "0000-00", "9999-12", "2026-1²", "<b>", "x" * 3_000])
def test_a_month_that_is_none_is_told_and_all_are_shown(client: Client, text: str) -> None:
    page = client.get("/renewals/", {"view": "all", "month": text})
    assert page.status_code == 200
    assert (len(page.context["rows"]), page.context["filters"]) == (1, [])
    assert "is not a month" in page.content.decode()
    assert client.get("/renewals/", {"view": "all", "month": text, "format": "csv"}).status_code == 200


def test_what_falls_due_and_is_nobodys_is_a_figure_that_opens_to_it(client: Client) -> None:
    page = client.get("/renewals/")
    figure = page.context["figures"][-1]
    assert (str(figure["label"]), figure["title"]) == ("Nobody’s", "$1,200.00")
    opened = client.get(f"/renewals/{figure['url']}")
    assert (len(opened.context["rows"]), opened.context["filters"][0]["value"]) == (1, "nobody")
    assert client.get("/renewals/", {"owner": "Ann Ash"}).context["rows"] == []


def test_an_end_on_the_first_day_there_is_stays_a_day() -> None:
    assert last_covered(date(1, 1, 1)) == date(1, 1, 1)
