"""The total line of the account list against the exact sum: thousands of thirds of a cent, whole, filtered and in a member's scope."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from laer.web.book.models import Account, Assignment
from laer.web.people.models import Person, User
from laer.web.runs import passes
from tests.web.lists import given, take

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 60  # at 1,000.10 a year: 83.341666… a month, each rounded to 83.34


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def totals(client: Client, query: str = "") -> tuple[str, str]:
    found = client.get(f"/accounts/{query}").context["totals"]
    return f"{found['mrr']:.2f}", f"{found['arr']:.2f}"


def test_totals_are_those_of_the_ledger_whole_filtered_and_in_a_scope(tmp_path: Path) -> None:
    rows = (f"Firm {i},{'DE' if i % 2 else 'FR'},1000.10" for i in range(COUNT))
    take(given(tmp_path / "list.csv", "Customer,Country,ARR", *rows), "2025-01-01")
    member = User.objects.create_user("csm@firm.example", "x", role="member")
    person, _ = Person.objects.get_or_create(user=member, defaults={"name": "Maya", "created_at": Account.objects.latest("id").created_at})
    for account in Account.objects.filter(country="DE")[:6]:
        Assignment.objects.create(account=account, person=person, job="csm", created_at=account.created_at)
    assert passes.run_waiting_pass() is not None
    lead = Client()
    lead.force_login(User.objects.create_user("lead@firm.example", "x", role="lead"))
    assert totals(lead) == ("5000.50", "60006.00")  # 60 x 83.34 would be 5,000.40
    assert totals(lead, "?country=DE") == ("2500.25", "30003.00")
    ledger = list(csv.DictReader(io.StringIO(lead.get("/revenue/download/").content.decode())))[-1]
    assert ledger["closing_mrr"] == "5000.50"
    own = Client()
    own.force_login(member)
    assert totals(own) in (("500.05", "6000.60"), ("5000.50", "60006.00"))  # their book, or all where members may read it


def test_an_account_that_changes_takes_its_rest_along(tmp_path: Path) -> None:
    take(given(tmp_path / "list.csv", "Customer,ARR", *(f"Firm {i},1000.10" for i in range(6))), "2025-01-01")
    passes.run_waiting_pass()
    take(given(tmp_path / "next.csv", "Customer,ARR", "Firm 0,1200", *(f"Firm {i},1000.10" for i in range(1, 6))), "2025-02-01")
    passes.run_waiting_pass()
    lead = Client()
    lead.force_login(User.objects.create_user("lead@firm.example", "x", role="lead"))
    assert totals(lead) == ("516.71", "6200.50")  # 100 + 5 x 83.341666…
