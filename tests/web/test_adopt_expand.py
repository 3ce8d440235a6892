"""Adopt and Expand: what the figures open to, under whose eyes, as a file, and what an empty book says."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, Assignment, ChurnEvent, DirtyAccount, Pulse
from laer.web.pages.expand_potential import NOT_ACTIVATED, READY, RED, UNSURE, place, readiness
from laer.web.people.models import Person, User
from laer.web.runs import likelihoods, passes
from laer.web.runs.measured import facts_table
from laer.web.runs.models import AccountCard
from tests.cast import forget
from tests.standing import stands
from tests.web.sheets import listed

pytestmark = pytest.mark.django_db(transaction=True)


def ago(days: int) -> str:
    return str(timezone.localdate() - timedelta(days=days))


def make(folder: Path) -> None:
    """Eight accounts of one segment. A1 to A5 own Insights; A1 is activated and goes on, A2 was and fell silent, A3 never was; A4's plan stands still,
    A5's is late, A6's outcome is late; A7 has 10 seats of which 10 are taken; A8 has left."""
    folder.mkdir()
    listed(folder / "accounts.csv", [[f"A{n}", f"Account {n}", "SMB", ago(500)] for n in range(1, 9)], ["account_id", "account_name", "segment", "signup_date"])
    lines = [[f"S{n}", f"A{n}", "Planner", ago(200), ago(30) if n == 8 else "", 100, 10, "cancelled" if n == 8 else "active"] for n in range(1, 9)]
    lines += [[f"I{n}", f"A{n}", "Insights", ago(150), "", 10 * n, "", "active"] for n in range(1, 6)]
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "product", "start_date", "end_date", "mrr", "seats", "status"])
    usage = [[f"U1-{n}", "A1", ago(n), "plan", 3] for n in range(0, 190, 2)] + [[f"U2-{n}", "A2", ago(n), "plan", 3] for n in range(60, 190, 2)]
    usage += [["U3-1", "A3", ago(100), "plan", 1], ["U0", "A8", ago(400), "plan", 1]]
    listed(folder / "usage.csv", usage, ["usage_id", "account_id", "usage_date", "feature_name", "usage_count"])
    plans = [["P1", "A1", ago(190), ago(120), ago(110)], ["P4", "A4", ago(60), ago(1), ""], ["P5", "A5", ago(60), ago(20), ""]]
    listed(folder / "onboarding.csv", plans, ["onboarding_id", "account_id", "kickoff_date", "target_go_live", "actual_go_live"])
    steps = [["T1", "P4", "A4", "Kickoff", ago(50), ago(40)], ["T2", "P4", "A4", "Data", ago(30), ""], ["T3", "P5", "A5", "Kickoff", ago(50), ago(3)],
        ["T4", "P5", "A5", "Data", ago(5), ""]]  # fmt: skip
    listed(folder / "onboarding_steps.csv", steps, ["step_id", "onboarding_id", "account_id", "milestone", "due_date", "completed_date"])
    outcomes = [["O6", "A6", "Fewer mistakes", ago(100), ago(10), ""], ["O1", "A1", "Quicker", ago(100), ago(20), ago(30)]]
    listed(folder / "outcomes.csv", outcomes, ["outcome_id", "account_id", "desired_outcome", "promised_on", "target_date", "reached_on"])
    listed(folder / "metrics.csv", [["A7", "Seats assigned", ago(2), 10], ["A6", "Seats assigned", ago(2), 3]], ["account_id", "metric_name", "metric_date", "metric_value"])
    run_import(begin_import([("files", folder)], source="crm"))
    passes.run_waiting_pass()


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
@stands
def lead(tmp_path: Path) -> Client:
    make(tmp_path / "files")
    return signed_in("lead")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role))
    return client


def names(client: Client, path: str, **query: str) -> list[str]:
    return [row["name"] for row in client.get(path, query).context["listing"]["rows"]]


def figures(client: Client, path: str) -> dict[str, str]:
    return {str(figure["label"]): figure["value"] for figure in client.get(path).context["figures"]}


def test_each_view_lists_the_accounts_that_it_says_and_the_figures_are_theirs(lead: Client) -> None:
    assert names(lead, "/adopt/") == ["Account 5", "Account 4"]  # the latest first
    assert names(lead, "/adopt/", view="inactive") == [f"Account {n}" for n in (5, 4, 3, 6, 7)]  # of one day: by what they pay
    assert names(lead, "/adopt/", view="silent") == ["Account 2"]
    assert names(lead, "/adopt/", view="outcomes") == ["Account 6"]
    assert names(lead, "/adopt/", view="neglected") == []  # nobody logs touches: unknown is not neglected
    assert names(lead, "/adopt/", view="seats") == ["Account 6"]  # 30 % of its seats, after six months
    assert names(lead, "/expand/", view="full") == ["Account 7"]
    assert names(lead, "/expand/", view="unworked") == ["Account 7"]

    # the figures are those of the accounts behind them
    shown = figures(lead, "/adopt/")
    assert (shown["Activated"], shown["Silent accounts"]) == ("28.6%", "1")  # 2 of 7 that pay
    assert (shown["Onboarding completed"], shown["Onboarding on time"], shown["Outcomes reached"]) == ("33.3%", "0.0%", "50.0%")
    assert "unknown" in shown["Time to value"]  # of eight, two are there: the middle one is not
    page = lead.get("/adopt/")
    assert page.context["curve"]["n"] == 8
    assert page.context["curve"]["reached"] == 2
    assert [figure["url"] for figure in page.context["figures"] if figure["label"] == "Silent accounts"] == ["/adopt/?view=silent#list"]

    # whitespace is what the segment owns and the account does not
    page = lead.get("/expand/")
    rows = [(row["name"], row["cells"][0]["text"], row["cells"][3]["text"]) for row in page.context["listing"]["rows"]]
    assert rows == [("Account 6", "Insights", "$360"), ("Account 7", "Insights", "$360")]  # the middle of 10 to 50, a year
    (cell,) = page.context["grid"]["rows"]
    assert (cell["product"], cell["owners"], cell["lack"], cell["worth"]) == ("Insights", "5 of 7", 2, 720)

    # lists leave as files
    (row,) = csv.DictReader(io.StringIO(lead.get("/adopt/", {"view": "silent", "format": "csv"}).getvalue().decode()))
    assert (row["account"], row["segment"], row["last_used_on"], row["usage_gap_days"]) == ("Account 2", "SMB", ago(60), "2")
    assert row["silence"] == "20"  # 60 days over a gap of 2, which counts as 3
    space = list(csv.DictReader(io.StringIO(lead.get("/expand/", {"format": "csv"}).getvalue().decode())))
    assert [(r["account"], r["product"], r["owners"], r["potential_arr"]) for r in space] == [("Account 6", "Insights", "5", "360.00"), ("Account 7", "Insights", "5", "360.00")]


def test_what_is_ready_to_grow_is_what_its_scorecard_says(lead: Client) -> None:
    run = passes.latest_run()
    facts = facts_table(run, ["account_id", "state", "band_expansion_readiness"], Scope(True))
    assert facts is not None
    green = {row["account_id"] for row in facts.to_pylist() if row["state"] == "paying" and row["band_expansion_readiness"] == "green"}
    told = {Account.objects.get(name=name).pk for name in names(lead, "/expand/", view="ready")}
    assert told == green


def test_a_plan_and_an_outcome_open_where_they_are_edited(lead: Client) -> None:
    for view in ("onboarding", "outcomes"):
        rows = lead.get("/adopt/", {"view": view}).context["listing"]["rows"]
        assert rows
        assert all(row["url"].endswith("?tab=success") for row in rows)


def test_home_lists_who_these_pages_list(lead: Client) -> None:
    home = {one["letter"]: one["list"] for one in lead.get("/home/").context["letters"]}
    assert [row["name"] for row in home["A"]["rows"]] == names(lead, "/adopt/", view="silent")[:5] == ["Account 2"]
    assert [row["name"] for row in home["E"]["rows"]] == names(lead, "/expand/", view="unworked")[:5] == ["Account 7"]
    assert home["A"]["count"] == 1
    assert [row["name"] for row in lead.get(home["A"]["url"].partition("#")[0]).context["listing"]["rows"]] == ["Account 2"]


def test_a_member_sees_their_own_accounts_and_no_others(lead: Client) -> None:
    from laer.web.people.models import AccessPolicy

    AccessPolicy.objects.update_or_create(pk=1, defaults={"read_scope": "own"})
    member = signed_in("member")
    user, now = User.objects.get(role="member"), timezone.now()
    person = Person.objects.create(name="Maya", user=user, created_at=now)
    Assignment.objects.create(account=Account.objects.get(name="Account 6"), person=person, job="csm", created_at=now)
    assert names(member, "/adopt/", view="inactive") == ["Account 6"]
    assert names(member, "/adopt/", view="silent") == []
    assert names(member, "/expand/") == ["Account 6"]  # how usual Insights is, is the firm's; who lacks it, their own
    assert "Account 2" not in member.get("/adopt/", {"view": "silent", "format": "csv"}).getvalue().decode()


def test_a_new_rule_of_activation_is_read_over_the_whole_history(lead: Client) -> None:
    admin = signed_in("admin")
    assert admin.post("/settings/company/activation/", {"feature": "plan", "times": "0", "users": "1", "days": "14"}).status_code == 422
    assert admin.post("/settings/company/activation/", {"feature": "plan", "times": "1", "users": "1", "days": "14"}).status_code == 302
    assert lead.post("/settings/company/activation/", {"feature": "", "times": "1", "users": "1", "days": "1"}).status_code == 403
    passes.run_waiting_pass()
    forget()
    assert names(lead, "/adopt/", view="inactive") == [f"Account {n}" for n in (5, 4, 6, 7)]  # Account 3 used it once
    assert "plan used 1 time by 1 user within 14 days" in lead.get("/adopt/").content.decode()


def test_an_address_of_a_run_says_the_same_when_the_book_has_moved_on(lead: Client) -> None:
    keep = lead.get("/adopt/").context["keep"]
    url = lead.post("/links/keep/", {"run": keep["run"], "address": "/adopt/?view=silent"}).headers["Location"]
    Account.objects.filter(name="Account 2").update(archived_at=timezone.now())
    passes.start_pass()
    forget()
    assert names(lead, "/adopt/", view="silent") == []
    then = lead.get(url)
    assert then.context["then"]["now_url"] == "/adopt/?view=silent"


@pytest.mark.parametrize("path", ["/adopt/", "/expand/"])
def test_an_empty_book_says_what_would_fill_the_page(path: str, db: None) -> None:
    forget()
    page = signed_in("admin").get(path)
    assert page.status_code == 200
    assert page.context["nothing"]["action"]["url"] == "/data/import/"
    assert page.context["figures"] == []




@pytest.mark.parametrize(("page", "amount"), [("/adopt/?view=onboarding", "arr"), ("/expand/?view=full", "arr"), ("/expand/?view=whitespace", "potential_arr")])
def test_the_foot_of_the_list_sums_all_of_it_and_a_file_has_the_columns_chosen(lead: Client, page: str, amount: str) -> None:
    rows = list(csv.DictReader(io.StringIO(lead.get(f"{page}&format=csv").getvalue().decode())))
    total = lead.get(page).context["listing"]["total"]["amount"]
    assert abs(total - sum((Decimal(row[amount]) for row in rows if row[amount]), Decimal(0))) <= Decimal("0.01") * len(rows)
    (first, *_rest) = csv.reader(io.StringIO(lead.get(f"{page}&columns=owner&format=csv").getvalue().decode()))
    assert "csm" in first
    assert amount not in first


def test_potential_has_a_reason_a_likelihood_and_a_gate(lead: Client) -> None:
    """A6 and A7 lack Insights, which five of seven own (middle 30 a month); A7's seats are full, 100 a month. Nothing was counted yet: one in ten each."""
    page = lead.get("/expand/", {"view": "potential"})
    rows = {row["name"]: row for row in page.context["listing"]["rows"]}
    assert set(rows) == {"Account 6", "Account 7"}
    text = page.content.decode()
    assert "Insights, which alike accounts own ($360): 10% by prior, 0 cases" in text
    assert "seats nearly full ($120): 10% by prior, 0 cases" in text
    told = list(csv.DictReader(io.StringIO(b"".join(lead.get("/expand/", {"view": "potential", "format": "csv"})).decode("utf-8-sig"))))
    by_name = {row["account"]: row for row in told}
    assert Decimal(by_name["Account 7"]["potential_arr"]) == Decimal("48.00")  # (100 x 10 % + 30) x 0.1 x 12
    assert Decimal(by_name["Account 6"]["potential_arr"]) == Decimal("36.00")
    facts = {card.account.name: card.facts.get("expansion_potential_mrr") for card in AccountCard.objects.select_related("account")}
    assert facts["Account 7"] == 4.0
    assert facts["Account 6"] == 3.0
    assert facts["Account 1"] == 0.0  # it pays, and no reason is known
    assert facts["Account 8"] is None  # it has left
    listed_rows = b"".join(lead.get("/accounts/", {"where": "expansion_potential_mrr >= 4", "format": "csv"})).decode("utf-8-sig").splitlines()
    assert len(listed_rows) == 2


def test_who_is_not_ready_stands_last(lead: Client) -> None:
    rows = [{"account_id": at, "potential": float(at), "ready": ready} for at, ready in enumerate((READY, RED, UNSURE, NOT_ACTIVATED, READY))]
    assert [row["account_id"] for row in sorted(rows, key=place)] == [4, 2, 0, 3, 1]
    assert readiness({"health": "red", "activated": True}) == RED
    assert readiness({"health": "green", "activated": False}) == NOT_ACTIVATED
    assert readiness({"health": "green", "activated": None}) == READY
    assert readiness({"health": None, "activated": True}) == UNSURE
    account = Account.objects.get(name="Account 7")
    Pulse.objects.create(account=account, colour="red", reason="they are angry", stated_on=timezone.localdate(), created_at=timezone.now())
    ChurnEvent.objects.create(account=account, notified_on=timezone.localdate(), effective_on=timezone.localdate() + timedelta(days=60), created_at=timezone.now())
    DirtyAccount.objects.create(account_id=account.pk, since=timezone.now())
    small = passes.run_waiting_pass()
    assert small is not None
    assert small.kind == "small"
    forget()
    assert AccountCard.objects.get(account=account).facts["health"] == "red"
    page = lead.get("/expand/", {"view": "potential"})
    assert {row["name"] for row in page.context["listing"]["rows"]} == {"Account 6", "Account 7"}
    assert "health is red" in page.content.decode()
    assert AccountCard.objects.get(account=account).facts["expansion_potential_mrr"] == 4.0  # of the whole firm's usual products, in a small pass too


def test_how_often_reasons_led_to_growth_is_counted(lead: Client) -> None:
    """180 days ago Insights was owned by nobody and 20 days later by five: no case of it, since it was not usual then."""
    likelihoods.refresh()
    rates = likelihoods.growth_rates()
    assert (rates.products.n, rates.seats.n, rates.plan.n) == (0, 0, 0)
    assert passes.run_waiting_pass() is not None
    assert passes.run_waiting_pass() is None
