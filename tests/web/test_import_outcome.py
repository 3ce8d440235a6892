"""What an import leaves to people is named on its page and by `laer import`: questions, suggestions, columns that were not recognised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from laer.web.book.models import ImportRun
from laer.web.people.models import User
from tests.web.lists import arr, given, take

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "Customer,ARR,CSM,Moon phase"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def first(folder: Path) -> ImportRun:
    return take(given(folder / "first.csv", HEADER, "Acme,1000,Ana,full", "Beta,2000,Ana,new", "Cato,3000,Bo,new", "Dora,4000,Bo,full"), "2025-01-31")


def second(folder: Path) -> Path:
    return given(folder / "second.csv", HEADER, "Acme,1000,Ana,full", "ACME,500,Ana,full", "Dora,,Bo,new")


def notices(client: Client, run: ImportRun) -> dict[str, tuple[str, str]]:
    client.force_login(User.objects.create_user("lead@example.com", role="lead"))
    page = client.get(f"/data/import/{run.pk}/")
    assert page.status_code == 200
    return {told["title"]: (told["text"], told.get("action", {}).get("url", "")) for told in [*page.context["told"], *page.context["read"]]}


def test_the_page_names_questions_pairs_and_columns_with_where_to_answer(client: Client, tmp_path: Path) -> None:
    first(tmp_path)
    told = notices(client, take(second(tmp_path), "2025-02-28"))
    text, url = told["3 questions about customers"]
    assert (text.startswith("2 are no longer named by the list. 1 is named without the amount that it had."), url) == (True, "/data/questions/")
    assert told["1 pair of accounts may be one customer"][1] == "/data/matches/"
    assert told["Columns of second.csv that were not recognised"][0].startswith("Kept as fields of your own: Moon phase.")


def test_an_import_that_raises_nothing_says_nothing_of_it(client: Client, tmp_path: Path) -> None:
    run = take(given(tmp_path / "list.csv", "Customer,ARR,CSM", "Acme,1000,Ana", "Beta,2000,Bo"), "2025-01-31")
    assert notices(client, run) == {}


def test_the_command_line_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from laer.cli import app, book

    monkeypatch.setattr(book, "open_book", lambda: None)
    monkeypatch.setattr("laer.cli.importing.open_book", lambda: None)
    first(tmp_path)
    done = CliRunner().invoke(app, ["import", str(second(tmp_path)), "--source", "crm", "--as-of", "2025-02-28"])
    assert done.exit_code == 0, done.output
    assert "columns that were not recognised in second.csv, kept as fields of your own, not read as anything else: Moon phase" in done.output
    assert "--mapping FILE" in done.output
    wanted = "questions: 3 customers (2 that an earlier list had and this one does not name, 1 named without an amount, which had one). Nothing was ended."
    assert wanted in done.output
    assert "suggestions: 1 pair of accounts may be one customer. Decide on /data/matches/" in done.output


def test_totals_that_were_set_aside_are_named_on_the_page_and_count_nothing(client: Client, tmp_path: Path) -> None:
    rows = ["Acme,1000,Ana", "Beta,2000,Ana", "EMEA Total,3000,", "Cato,500,Bo", "APAC Total,500,", "Grand Total,3500,"]
    run = take(given(tmp_path / "list.csv", "Customer,ARR,CSM", *rows), "2025-01-31")
    assert (arr("2025-01-31"), run.quarantined.count()) == (3_500, 0)
    text, _ = notices(client, run)["How list.csv was read"]
    assert "Row 4 is a subtotal (ARR 3,000) and no record; the rows add up to it." in text
    assert "Row 7 is a total (ARR 3,500) and no record; the rows add up to it." in text
