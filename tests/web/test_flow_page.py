"""The Flow page: every cell opens to accounts that add up to it, the figures are those of Revenue for every filter, and an outsider sees nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.scope import Scope
from laer.flow.joints import CHAIN, JOINTS, STAGES, STATES
from laer.records.periods import month_number
from laer.web.book import definitions
from laer.web.people.models import Person, User
from laer.web.runs import flowing, in_use, passes
from laer.web.runs.revenue import behind, ledger_of
from tests.standing import stands
from tests.web.files import take_in
from tests.web.test_query_budgets import BUDGETS
from tests.web.test_stories import own_lake

__all__ = ["own_lake"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ACCOUNTS = """account_id,account_name,segment,lead_source,csm
A1,Bluefin,SMB,Web,Ann Ash
A2,Kestrel,SMB,Partner,Ann Ash
A3,Willow,Mid,,Bo Beck
A4,Onyx,Mid,Web,
A5,Ember,Mid,Web,Bo Beck
"""
LINES = """subscription_id,account_id,start_date,end_date,mrr,product
S1,A1,2025-01-15,2025-09-01,100.10,Core
S2,A1,2025-09-01,,200.20,Core
S3,A2,2025-01-01,2025-05-01,50,Core
S4,A2,2025-07-15,,55,Plus
S5,A3,2025-02-01,2025-08-01,300,Core
S6,A3,2025-08-01,,250.55,Core
S7,A4,2025-06-10,2025-06-20,70,Plus
S8,A5,2025-03-05,,33.33,Core
"""
PLANS = """Account ID,Plan,Started On,Planned End,Completed On
A1,Onboarding,2025-01-15,2025-02-15,2025-02-01
A3,Onboarding,2025-02-01,2025-03-01,
"""


@pytest.fixture
@stands
def firm(tmp_path: Path) -> Any:
    take_in(tmp_path, accounts=ACCOUNTS, subscriptions=LINES, onboarding_plans=PLANS)
    return passes.run_waiting_pass()


def login(role: str, name: str = "") -> Client:
    user = User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role)
    if name:
        Person.objects.filter(name=name).update(user=user)
    client = Client()
    client.force_login(user)
    return client


def cells(page: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every cell of the page that opens, with the exact amount or count that it shows."""
    yield from ((figure["title"], figure) for figure in page.context["figures"][:5] if figure.get("url"))
    for row in page.context["joints"]["rows"]:
        yield from ((cell["title"], cell) for cell in row.get("cells", ()) if cell["url"])
        yield from ((row[name]["title"], row[name]) for name in ("leak", "standing") if row.get(name) and row[name]["url"])
    for table in ("cohorts", "split"):
        for row in page.context[table]["rows"]:
            yield from ((cell["title"], cell) for cell in row["cells"] if cell["url"])


def test_every_cell_opens_to_accounts_that_add_up_to_it(firm: Any) -> None:
    client = login("lead")
    page = client.get("/flow/", {"by": "segment"})
    found = list(cells(page))
    assert len(found) > 25
    for exact, cell in found:
        opened = client.get(cell["url"])
        assert opened.status_code == 200, cell
        assert opened.context["figures"][0]["title"] == exact, cell["url"]
        if "accounts" in cell:
            assert opened.context["figures"][1]["value"] == str(cell["accounts"])


def test_the_figures_are_those_of_revenue_for_every_filter(firm: Any) -> None:
    scope, joints = Scope(True), in_use.joints_of(firm)
    last = month_number(firm.as_of)
    for by in (None, "segment", "owner", "lead_source", "country", "industry"):
        flow = flowing.flow_of(firm, scope, joints, by)
        for value in (None,) if by is None else flow.values:
            part, params = flow.part(value=value), {"by": by, "value": value, "first": 0, "last": last}
            for name, movement in {"landed": "new", "expansion": "expansion", "reactivation": "reactivation", "contraction": "contraction", "churn": "churn"}.items():
                theirs = sum((row["amount"] for row in behind(firm, scope, params | {"movement": movement})), Fraction(0))
                assert part.moves[name] == theirs, (by, value, name)
            assert part.closing == sum((row["amount"] for row in behind(firm, scope, params | {"movement": "closing", "first": last})), Fraction(0))
    closing = ledger_of(firm, scope).months(last, last)[-1]["closing_mrr"]
    assert flowing.flow_of(firm, scope, joints).part().closing == closing == Fraction("539.08")


def test_joints_say_who_is_late_lost_and_unknown(firm: Any) -> None:
    flow = flowing.flow_of(firm, Scope(True), in_use.joints_of(firm))
    live = {state: flow.part().joints["live"][state].accounts for state in STATES}
    assert live == {"passed": 1, "late": 1, "due": 0, "unknown": 3, "lost": 0}  # those without a plan are unknown, gone or not
    assert {joint: flow.part().joints[joint]["unknown"].accounts for joint in ("activated", "outcome")} == {"activated": 5, "outcome": 5}
    assert {stage: flow.part().leak(stage) for stage in STAGES if flow.part().leak(stage)} == {"live": Fraction("49.45"), "nowhere": 120}


def test_a_part_of_the_book_is_the_flow_of_that_part_and_an_outsider_sees_nothing(firm: Any) -> None:
    mine = login("member", "Ann Ash").get("/flow/")
    assert [row["accounts"] for row in mine.context["cohorts"]["rows"]] == [2]
    assert "Willow" not in mine.content.decode()
    ours = login("viewer")
    assert ours.get("/flow/").context["nothing"]
    rows = ours.get("/flow/accounts/", {"move": "landed", "format": "csv"}).getvalue().decode().splitlines()
    assert len(rows) == 1
    theirs = login("lead").get("/flow/accounts/", {"move": "landed", "format": "csv"}).getvalue().decode()
    assert len(theirs.splitlines()) == 6


def test_a_file_adds_up_and_an_address_says_the_same_tomorrow(firm: Any) -> None:
    client = login("lead")
    rows = list(csv.DictReader(io.StringIO(client.get("/flow/", {"format": "csv"}).getvalue().decode())))
    assert [row["cohort"] for row in rows] == ["2025-06", "2025-03", "2025-02", "2025-01"]
    for row in rows:
        plus = sum(Decimal(row[f"{name}_mrr"]) for name in ("landed", "expansion", "reactivation"))
        assert plus - Decimal(row["contraction_mrr"]) - Decimal(row["churn_mrr"]) == Decimal(row["closing_mrr"])
    late = client.get("/flow/accounts/", {"joint": "live", "state": "late", "format": "csv"}).getvalue().decode()
    assert [(r["account"], r["amount"], r["on"]) for r in csv.DictReader(io.StringIO(late))] == [("Willow", "250.55", "2025-03-03")]
    kept = client.post("/links/keep/", {"run": firm.pk, "address": "/flow/?by=segment"}, headers={"accept": "application/json"}).json()["url"]
    assert client.get(kept).context["then"]
    assert client.get("/flow/accounts/", {"joint": "nowhere"}).status_code == 404


def test_deadlines_of_a_segment_come_into_force_with_the_next_run(firm: Any) -> None:
    admin = User.objects.create_user("admin@laer.example", "long enough to pass", role="admin")
    text = definitions.current("joints", "joints").text.replace("segments: {}", "segments:\n  Mid: {live: 3650}")  # type: ignore[union-attr]
    definitions.save_definition(admin, "joints", text, "they take years", name="joints")
    assert in_use.joints_of(firm).segments == {}
    run = passes.run_waiting_pass()
    assert run is not None
    assert run.kind == "full"
    live = flowing.flow_of(run, Scope(True), in_use.joints_of(run)).part().joints["live"]
    assert (live["late"].accounts, live["due"].accounts) == (0, 1)


def test_a_firm_has_one_text_of_joints(firm: Any) -> None:
    admin = User.objects.create_user("admin@laer.example", "long enough to pass", role="admin")
    client = Client()
    client.force_login(admin)
    assert client.get("/settings/definitions/joints/").status_code == 404
    assert client.get("/settings/definitions/joints/joints/").status_code == 200
    with pytest.raises(definitions.Faulty):
        definitions.save_definition(admin, "joints", "id: others\nname: Others\n", "more")
    with pytest.raises(definitions.Faulty):
        definitions.save_definition(admin, "joints", "id: joints\nname: J\ndeadlines: {live: 0}\n", "at once", name="joints")


def test_the_command_prints_the_same(firm: Any) -> None:
    said = CliRunner().invoke(app, ["flow", "--format", "json"])
    assert said.exit_code == 0, said.output
    whole = json.loads(said.stdout)
    assert (whole["total"]["closing"], whole["total"]["landed"], whole["total"]["leaked"]["live"]) == ("539.08", "553.43", "49.45")
    assert set(whole["total"]["joints"]) == set(JOINTS)
    assert set(CHAIN) < set(whole["total"]["leaked"])
    then = json.loads(CliRunner().invoke(app, ["flow", "--format", "json", "--as-of", "2025-03-31"]).stdout)
    assert (then["total"]["closing"], then["total"]["accounts"]) == ("483.43", 4)
    assert "the worst leak: 120.00" in CliRunner().invoke(app, ["flow"]).stdout
    assert CliRunner().invoke(app, ["flow", "--by", "shoe size"]).exit_code == 2
    assert CliRunner().invoke(app, ["flow", "--as-of", "2999-01-01"]).exit_code == 2


def test_the_page_asks_the_database_a_handful_of_times(firm: Any) -> None:
    client = login("member", "Ann Ash")
    for name, address in {"flow": "/flow/", "flow:accounts": "/flow/accounts/?move=landed"}.items():
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        assert len(queries) <= BUDGETS[name], [query["sql"][:90] for query in queries]


def test_a_book_of_nothing_says_what_would_fill_the_page(own_lake: Any) -> None:
    assert login("lead").get("/flow/").context["nothing"]["action"]["url"] == "/data/import/"
