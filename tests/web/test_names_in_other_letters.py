"""A list that spells a customer otherwise than the list before: suggested with its money, said in the import, settled by one answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from laer.web.book import settling
from laer.web.book.models import Account, ImportRun, MatchSuggestion, Question
from laer.web.people.models import User
from laer.web.runs import passes
from tests.web.lists import arr, given, take

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = tuple(f"Firm {i},1200" for i in range(5))


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead() -> User:
    return User.objects.create_user("lead@firm.example", "x", role="lead")


def two_lists(folder: Path, spelled: str, amount: int = 12_000) -> ImportRun:
    take(given(folder / "may.csv", "Customer,ARR", "Acme,12000", *OTHERS), "2025-05-01")
    return take(given(folder / "june.csv", "Customer,ARR", f"{spelled},{amount}", *OTHERS), "2025-06-01")


@pytest.mark.parametrize("spelled", ["acme", "ACME", "Acme.", "Acme Inc.", "Acme GmbH", "Ácme"])
def test_another_spelling_is_a_suggestion_with_its_money_and_the_import_says_so(tmp_path: Path, spelled: str) -> None:
    run = two_lists(tmp_path, spelled)
    pair = MatchSuggestion.objects.get()
    assert {pair.left.name, pair.right.name} == {"Acme", spelled}
    assert pair.evidence["twice"] == "1000.00"
    assert any(f"{spelled} and Acme. If so, 1000.00 a month counts twice: say so" in note for note in run.notes)
    assert Question.objects.get().data["like"] == {"account": Account.objects.get(name=spelled).pk, "name": spelled, "mrr": "1000.00", "twice": "1000.00"}
    assert arr("2025-06-01") == 30_000  # as the policy has it: a suggestion only


def test_spaces_around_and_between_are_seen_too(tmp_path: Path) -> None:
    take(given(tmp_path / "may.csv", "Customer,ARR", "Acme Foods,12000", *OTHERS), "2025-05-01")
    take(given(tmp_path / "june.csv", "Customer,ARR", " Acme  Foods ,12000", *OTHERS), "2025-06-01")
    assert MatchSuggestion.objects.count() == (Account.objects.filter(name__startswith="Acme").count() == 2)


def test_under_another_name_merges_them_and_the_money_counts_once(tmp_path: Path, lead: User) -> None:
    two_lists(tmp_path, "acme", 15_000)
    question = Question.objects.get()
    settling.answer_question(lead, question.pk, "renamed")
    assert [arr(day) for day in ("2025-05-31", "2025-06-01")] == [18_000, 21_000]
    assert [account.name for account in Account.objects.filter(archived_at=None, name__iexact="acme")] == ["Acme"]
    take(given(tmp_path / "july.csv", "Customer,ARR", "acme,15000", *OTHERS), "2025-07-01")  # it is known by that name now
    assert (arr("2025-07-01"), Question.objects.filter(answer="").count()) == (21_000, 0)
    settling.take_back_answer(lead, question.pk)
    assert arr("2025-06-01") == 33_000
    assert Account.objects.filter(archived_at=None, name__iexact="acme").count() == 2


@pytest.mark.parametrize("stays", ["Acme", "acme"])
def test_merging_the_pair_settles_the_question(tmp_path: Path, lead: User, client: Client, stays: str) -> None:
    two_lists(tmp_path, "acme")
    passes.run_waiting_pass()
    client.force_login(lead)
    page = client.get("/data/matches/").content.decode()
    assert "a month counts twice. Merging ends what was paid" in page
    assert "is new in it: if that is the same customer" in client.get("/data/questions/").content.decode()
    client.post("/data/matches/merge/", {"pair": MatchSuggestion.objects.get().pk, "keep": Account.objects.get(name=stays).pk})
    question = Question.objects.get()
    assert (question.answer, arr("2025-05-31"), arr("2025-06-01")) == ("renamed", 18_000, 18_000)
    assert Account.objects.filter(archived_at=None, name__iexact="acme").get().name == stays
    client.post(f"/data/questions/{question.pk}/undo/")
    assert (arr("2025-05-31"), arr("2025-06-01")) == (18_000, 30_000)


def test_names_that_one_list_gives_side_by_side_are_apart(tmp_path: Path) -> None:
    take(given(tmp_path / "may.csv", "Customer,ARR", "Acme GmbH,12000", *OTHERS), "2025-05-01")
    take(given(tmp_path / "june.csv", "Customer,ARR", "Acme GmbH,12000", "Acme AG,12000", *OTHERS), "2025-06-01")
    assert not MatchSuggestion.objects.exists()


def test_one_list_that_has_a_customer_in_two_spellings_says_so(tmp_path: Path) -> None:
    run = take(given(tmp_path / "may.csv", "Customer,ARR", "Acme,12000", "ACME,3000", *OTHERS), "2025-05-01")
    assert MatchSuggestion.objects.get().evidence["twice"] == "250.00"
    assert any("ACME and Acme" in note for note in run.notes)


def test_similar_names_of_one_source_are_its_own_customers(tmp_path: Path) -> None:
    take(given(tmp_path / "may.csv", "Customer,ARR", "Northwind Traders,12000", *OTHERS), "2025-05-01")
    take(given(tmp_path / "june.csv", "Customer,ARR", "Northwind Trader,12000", *OTHERS, "Northwind,1"), "2025-06-01")
    assert not MatchSuggestion.objects.filter(left__name__startswith="Firm").exists()
