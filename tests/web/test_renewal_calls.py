"""Calls of renewals: in place, in bulk, with history and undo; whose account it is not sees and calls nothing."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from laer.web.book.actions import Refused
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Contract, FieldChange
from laer.web.people.models import Person, User
from laer.web.runs import passes
from laer.web.work.calls import call_renewals, standing_calls
from laer.web.work.models import Forecast
from tests.standing import stands
from tests.web.sheets import listed

pytestmark = pytest.mark.django_db(transaction=True)
END = timezone.localdate() + timedelta(days=80)


@pytest.fixture
@stands
def book(tmp_path: Path) -> None:
    """Alder and Birch are Maya's, Cedar is Tom's; Cedar has cancelled, of Birch the pulse is red."""
    folder = tmp_path / "files"
    folder.mkdir()
    accounts = [["A0", "Alder", "Maya", ""], ["A1", "Birch", "Maya", "red"], ["A2", "Cedar", "Tom", ""]]
    listed(folder / "accounts.csv", accounts, ["account_id", "account_name", "owner", "health"])
    contracts = [["K0", "A0", "2025-01-01", str(END), "", str(END - timedelta(days=30))], ["K1", "A1", "2025-01-01", str(END), "", ""],
                 ["K2", "A2", "2025-01-01", str(END), "2026-01-10", ""]]  # fmt: skip
    listed(folder / "contracts.csv", contracts, ["contract_id", "account_id", "contract_start", "contract_end", "cancelled_on", "notice_date"])
    lines = [[f"S{i}", f"A{i}", f"K{i}", "2025-01-01", str(END), 100 * (i + 1)] for i in range(3)]
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm", file_date=date(2025, 1, 1)))
    passes.start_pass()


def person(name: str, role: str = "member") -> User:
    user = User.objects.create_user(f"{name.lower()}@laer.example", "long enough to pass", role=role)
    Person.objects.filter(name=name).update(user=user)
    return user


def at(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def contract(name: str) -> int:
    return int(Contract.objects.get(account__name=name).pk)


def rows_of(client: Client, query: str = "?view=all") -> dict[str, dict[str, Any]]:
    return {row["account"]: row for row in client.get(f"/renewals/{query}").context["rows"]}


def test_the_system_calls_by_its_facts_and_says_which(book: None) -> None:
    rows = rows_of(at(person("Lea", "lead")))
    said = {name: (row["system_call"]["category"], row["because"]) for name, row in rows.items()}
    assert said == {"Alder": ("none", "nothing"), "Birch": ("at_risk", "pulse_red"), "Cedar": ("lost", "notice")}
    assert rows["Alder"]["notice_on"] == END - timedelta(days=30)


def test_a_call_stands_beside_it_with_its_history_and_its_undo(book: None) -> None:
    maya = person("Maya")
    client, number = at(maya), contract("Alder")
    form = {"category": "likely", "amount": "900", "next_step": "Meet the buyer", "reason": "New sponsor", "notice_given": "no"}
    assert client.post(f"/renewals/{number}/call/", form).status_code == 302
    client.post(f"/renewals/{number}/call/", form | {"category": "commit", "amount": ""})
    row = rows_of(client)["Alder"]
    assert (row["person_call"]["category"], row["person_call"]["amount"], row["person_call"]["next_step"]) == ("commit", None, "Meet the buyer")
    page = client.get(f"/renewals/{number}/call/")
    assert [(one["category"], one["amount"]) for one in page.context["history"]] == [("commit", None), ("likely", 900)]
    assert page.context["history"][0]["who"] == "Maya"
    assert "Renewal of" in client.get(f"/accounts/{row['account_id']}/?tab=feed").content.decode()
    change = FieldChange.objects.filter(record="forecasts", user=maya).latest("id")
    assert client.post(f"/work/undo/{change.pk}/").status_code == 302
    assert rows_of(client)["Alder"]["person_call"]["category"] == "likely"
    assert Forecast.objects.count() == 2  # none is deleted


def test_the_same_call_again_is_no_row(book: None) -> None:
    maya = person("Maya")
    for _ in range(2):
        call_renewals(maya, [(contract("Alder"), END)], {"category": "likely", "amount": "900"})
    assert Forecast.objects.count() == 1


def test_several_at_once_keep_what_their_calls_said_and_go_back_together(book: None) -> None:
    maya = person("Maya")
    client, both = at(maya), [contract("Alder"), contract("Birch")]
    call_renewals(maya, [(both[0], END)], {"category": "likely", "amount": "900", "next_step": "Ask"})
    client.post("/renewals/call/", {"contract": both, "category": "at_risk"})
    rows = rows_of(client)
    assert [(rows[name]["person_call"]["category"], rows[name]["person_call"]["amount"], rows[name]["person_call"]["next_step"]) for name in ("Alder", "Birch")] == [
        ("at_risk", 900, "Ask"), ("at_risk", None, ""),
    ]  # fmt: skip
    client.post(f"/work/undo/{FieldChange.objects.filter(record='forecasts').latest('id').pk}/")
    rows = rows_of(client)
    assert rows["Alder"]["person_call"]["category"] == "likely"
    assert rows["Birch"]["person_call"] is None


def test_the_runway_counts_what_stands_under_each_call_and_opens_to_it(book: None) -> None:
    """Alder 1,200 likely by Maya, Birch 2,400 at risk and Cedar 3,600 lost by the system."""
    lead = person("Lea", "lead")
    client = at(lead)
    call_renewals(lead, [(contract("Alder"), END)], {"category": "likely"})
    page = client.get("/renewals/?view=all")
    (month,) = [row for row in page.context["runway"]["rows"] if row["count"]]
    assert [cell["arr"] for cell in month["cells"]] == [0, 1_200, 2_400, 3_600, 0]
    assert set(rows_of(client, month["cells"][1]["url"])) == {"Alder"}
    told = list(csv.DictReader(io.StringIO(b"".join(client.get("/renewals/?view=all&format=csv").streaming_content).decode())))  # type: ignore[attr-defined]
    assert {row["account"]: (row["system_call"], row["call"]) for row in told} == {"Alder": ("", "likely"), "Birch": ("at_risk", ""), "Cedar": ("lost", "")}


def test_the_forecast_sums_both_calls_by_month_and_owner_and_gives_no_range_of_too_little(book: None) -> None:
    """Alder's 1,200 are called commit at 900; Birch 2,400 at risk and Cedar 3,600 lost by the system. Nothing was ever settled: no range."""
    call_renewals(person("Maya"), [(contract("Alder"), END)], {"category": "commit", "amount": "900"})
    client = at(person("Lea", "lead"))
    page = client.get("/renewals/forecast/")
    system, people = page.context["total"]["sides"]
    assert (page.context["total"]["due"], system["at_risk"], system["lost"], system["none"]) == (7_200, 2_400, 3_600, 1_200)
    assert (people["expected"], people["none"]) == (900, 6_000)
    assert (page.context["few"], page.context["range"], page.context["total"]["range"]) == (True, None, None)
    assert {row["owner"]: row["due"] for row in page.context["owners"]} == {"Maya": 3_600, "Tom": 3_600}
    (opened,) = [row for row in page.context["rows"] if row["count"]]
    assert len(rows_of(client, opened["url"].removeprefix("/renewals/"))) == 3
    assert len(rows_of(client, page.context["owners"][1]["url"].removeprefix("/renewals/"))) == 1
    told = list(csv.DictReader(io.StringIO(b"".join(client.get("/renewals/forecast/?format=csv").streaming_content).decode())))  # type: ignore[attr-defined]
    assert sum(float(row["due_arr"]) for row in told) == 7_200
    mine = at(User.objects.get(email="maya@laer.example")).get("/renewals/forecast/").context["total"]
    assert mine["due"] == 3_600


def test_an_address_of_before_shows_the_calls_of_before(book: None) -> None:
    lead = person("Lea", "lead")
    client, run = at(lead), passes.latest_run()
    call_renewals(lead, [(contract("Alder"), END)], {"category": "commit"})
    assert run is not None
    assert standing_calls(lead, until=run.finished_at) == {}
    assert rows_of(client)["Alder"]["person_call"]["category"] == "commit"


def test_nobody_sees_or_makes_calls_of_accounts_of_others(book: None) -> None:
    tom, maya = person("Tom"), person("Maya")
    number = contract("Alder")
    call_renewals(maya, [(number, END)], {"category": "commit", "reason": "a secret"})
    client = at(tom)
    assert set(rows_of(client)) == {"Cedar"}
    assert client.get(f"/renewals/{number}/call/").status_code == 404
    assert client.post(f"/renewals/{number}/call/", {"category": "lost"}).status_code == 404
    client.post("/renewals/call/", {"contract": [number], "category": "lost"})
    with pytest.raises(PermissionDenied):
        call_renewals(tom, [(number, END)], {"category": "lost"})
    assert standing_calls(tom) == {}
    assert b"a secret" not in b"".join(client.get("/renewals/?view=all&format=csv").streaming_content)  # type: ignore[attr-defined]
    assert [row.category for row in Forecast.objects.all()] == ["commit"]
    viewer = person("Vera", "viewer")
    with pytest.raises(PermissionDenied):
        call_renewals(viewer, [(number, END)], {"category": "lost"})


@pytest.mark.parametrize(
    ("values", "says"),
    [({"category": "sure"}, "expected one of"), ({"category": "likely", "amount": "many"}, "Amount"), ({"category": "likely", "amount": "-1"}, "0 or more"),
     ({"category": "likely", "amount": "", "reason": "x" * 301}, "at most 300"), ({"category": "likely", "amount": "", "notice_given": "perhaps"}, "Notice")],
)  # fmt: skip
def test_what_does_not_read_is_refused_and_says_why(book: None, values: dict[str, str], says: str) -> None:
    with pytest.raises(Refused, match=says):
        call_renewals(person("Maya"), [(contract("Alder"), END)], values)
    assert not Forecast.objects.exists()
