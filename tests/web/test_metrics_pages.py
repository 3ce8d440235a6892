"""Metrics, the page of a measure, the facts of an account, and runs: numbers are those of the run's facts, unknown is never zero, scope holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client
from django.utils import timezone

from laer.cycle.company import company_catalogue
from laer.cycle.fact_inputs import ARROW
from laer.cycle.facts import catalogue
from laer.cycle.scope import Scope
from laer.metrics.catalogue import MOTIONS, TYPES
from laer.records.periods import date_of, day_number
from laer.web.book.definitions import measures
from laer.web.book.models import Account, DirtyAccount, Opportunity
from laer.web.pages.data_metrics import every_measure
from laer.web.people.models import User
from laer.web.runs import measured, passes, snapshots
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun
from tests.cast import Cast, add_account, add_line, forget, on_stage
from tests.standing import stands

pytestmark = pytest.mark.django_db
passing = pytest.mark.django_db(transaction=True)  # a pass reads what is committed
FAR_DAY = 20_000


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def told(cast: Cast) -> Cast:
    """The cast with facts as a run keeps them, written by hand: what is not named is unknown of everybody.

    Tom's account pays 77,713 a month, which is nobody else's business. Tickets were spoken of once, 400 days before the run.
    """
    accounts = [*cast.theirs, cast.others]
    given: dict[str, list[Any]] = {
        "mrr": [0.0, 200.0, 1200.0, 3000.0, 450.0, None, 77713.0],
        "seats": [1.0, 2.0, 60.0, 40.0, 2.0, None, 4243.0],
        "segment": [a.segment for a in accounts],
        "state": ["prospect", "paying", "paying", "paying", "churned", None, "paying"],
        "leaves": [False, False, False, True, False, None, False],
        "renewal_on": [None, None, FAR_DAY, FAR_DAY + 40, None, None, FAR_DAY + 400],
        "usage_trend": [None, 0.1, -0.25, None, None, None, None],
    }
    columns = {m.id: pa.array(given.get(m.id, [None] * 7), ARROW[TYPES[m.kind]]) for m in catalogue().values()}
    table = pa.table({"account_id": pa.array([a.pk for a in accounts], pa.int64()), "d": pa.array([day_number(cast.today)] * 7, pa.int32()), **columns})
    today = day_number(cast.today)
    said = [("states", today), ("changes", today), ("lines", today), ("spans", today), ("terms", today), ("tickets", today - 400), ("account_days", today)]
    seen = pa.table({"input": [name for name, _ in said], "day": pa.array([day for _, day in said], pa.int32())})
    snapshots.write(cast.run.pk, {"facts": table, "seen": seen})
    return cast


@pytest.fixture
@stands
def firm() -> Cast:
    return after_a_pass()


def after_a_pass() -> Cast:
    """The cast after a pass; Tom's account pays 77,713 a month, which is nobody else's business."""
    cast = on_stage()
    add_line(cast.others, cast.today - timedelta(days=90), None, 77_713, seats=4_243)
    assert passes.run_waiting_pass()
    forget()
    return cast


def facts() -> pa.Table:
    run = last_run()
    assert run is not None
    return snapshots.read_one(run.pk, "facts")


def rows(context: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Measures of accounts."""
    return {row["id"]: row for group in context["groups"] for row in group["rows"] if row["of"] is None}


def test_every_measure_is_listed_under_its_motion_with_what_it_says(told: Cast) -> None:
    page = told.client("lead").get("/data/metrics/")
    assert [group["id"] for group in page.context["groups"]] == list(MOTIONS)
    assert {group["id"]: {row["id"] for row in group["rows"]} for group in page.context["groups"]} == {
        motion: {m.id for m in every_measure(measures()) if m.motion == motion} for motion in MOTIONS
    }
    text = page.content.decode()
    assert all(f'href="/data/metrics/{name}/"' in text for name in (*catalogue(), *company_catalogue()))
    assert len({m.id for m in every_measure(measures())}) == len(every_measure(measures()))
    assert "Different users active on any of the 28 days up to the day" in text
    assert rows(page.context)["active_users_28d"]["moves"] == "leading"
    assert rows(page.context)["mrr"]["moves"] == "lagging"


@passing
def test_coverage_is_counted_from_the_facts_of_the_run(firm: Cast) -> None:
    found, table = rows(firm.client("lead").get("/data/metrics/").context), facts()
    assert {name: row["known"] for name, row in found.items()} == {name: table.num_rows - table[name].null_count for name in measures()}
    assert {row["accounts"] for row in found.values()} == {table.num_rows} == {7}
    assert found["seats"]["covered"] == f"{found['seats']['known']} of 7 accounts"
    assert 0 < found["seats"]["known"] < 7
    known = {a: v for a, v in zip(table["account_id"].to_pylist(), table["mrr"].to_pylist(), strict=True) if v is not None}
    assert {row["account_id"]: row["value"] for row in firm.client("lead").get("/data/metrics/mrr/").context["rows"]} == known


def test_the_footer_of_the_facts_counts_what_reading_them_counts(told: Cast) -> None:
    everybody = frozenset(Account.objects.values_list("pk", flat=True))
    footer, read = measured.coverage(told.run, Scope(True)), measured.coverage(told.run, Scope(False, everybody))
    assert (footer.accounts, footer.known) == (read.accounts, read.known)
    assert (footer.known["mrr"], footer.known["renewal_on"], footer.known["nps_latest"]) == (6, 3, 0)


def test_what_is_unknown_of_everybody_says_why_and_the_way_out(told: Cast) -> None:
    found = rows(told.client("admin").get("/data/metrics/").context)
    assert found["nps_latest"]["missing"] == {"text": "no source of survey answers yet", "url": "/data/import/", "action": "import a file"}
    assert found["touches_45d"]["missing"] == {"text": "no touches yet", "url": "/accounts/", "action": "log one on an account"}
    assert found["active_users_28d"]["missing"] == {"text": "the source of usage does not say it"}  # it says days, and no users
    day = date_of(day_number(told.today) - 400)
    assert found["tickets_90d"]["missing"]["text"] == f"the newest of tickets is of {day.day} {day:%b %Y}: too long ago to say"
    assert found["discount"]["missing"] == {"text": "nothing is said of it yet"}
    assert found["mrr"]["missing"] is None
    theirs = rows(told.client("viewer").get("/data/metrics/").context)
    assert theirs["nps_latest"]["missing"] == {"text": "no source of survey answers yet"}
    assert theirs["touches_45d"]["missing"] == {"text": "no touches yet"}


def test_filters_are_sentences_and_search_reads_names_formulas_and_sources(told: Cast) -> None:
    client = told.client("lead")
    page = client.get("/data/metrics/", {"motion": "renew", "known": "unknown"})
    assert [(f["label"], f["value"]) for f in page.context["filters"]] == [("Motion is", "Renew"), ("Known of", "no account")]
    assert set(rows(page.context)) == {m.id for m in measures().values() if m.motion == "renew"} - {"leaves", "renewal_on"}
    of_firm = client.get("/data/metrics/", {"of": "company", "motion": "land"}).context
    assert rows(of_firm) == {}
    assert [(f["label"], f["value"]) for f in of_firm["filters"]] == [("Motion is", "Land"), ("Of", "the firm")]
    assert set(rows(client.get("/data/metrics/", {"known": "known"}).context)) == {"mrr", "seats", "segment", "state", "leaves", "renewal_on", "usage_trend"}
    assert set(rows(client.get("/data/metrics/", {"q": "STICKINESS"}).context)) == {"stickiness"}
    assert "nps_latest" in rows(client.get("/data/metrics/", {"q": "survey answers"}).context)
    assert "No measure is like this" in client.get("/data/metrics/", {"q": "zzzz"}).content.decode()
    assert len(rows(client.get("/data/metrics/", {"motion": "sideways", "known": "?"}).context)) == len(measures())


def test_the_catalogue_leaves_as_a_file(told: Cast) -> None:
    answer = told.client("lead").get("/data/metrics/", {"format": "csv", "motion": "renew"})
    found = {row["id"]: row for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))}
    assert set(found) == {m.id for m in every_measure(measures()) if m.motion == "renew"}
    assert [found["renewal_on"][c] for c in ("known", "accounts", "sources", "leading", "kind")] == ["3", "7", "contracts", "leading", "date"]
    assert told.client("lead").get("/data/metrics/", {"format": "xlsx"}).getvalue()[:2] == b"PK"


def test_the_page_of_a_measure_has_the_numbers_of_the_facts(told: Cast) -> None:
    page = told.client("lead").get("/data/metrics/mrr/")
    # six known, in order 0, 200, 450, 1200, 3000, 77713: the quartiles lie at places 1.25, 2.5 and 3.75
    shown = {figure["label"]: (figure["value"], figure.get("title")) for figure in page.context["figures"]}
    assert shown["Known"][0] == "6"
    assert page.context["figures"][0]["hint"] == "of 7; 1 unknown"
    assert shown["Lowest"] == ("$0", "$0.00")
    assert shown["A quarter is below"][1] == "$262.50"
    assert shown["Median"][1] == "$825.00"
    assert shown["A quarter is above"][1] == "$2,550.00"
    assert shown["Highest"] == ("$77.7k", "$77,713.00")
    assert [row["value"] for row in page.context["rows"]] == [77713.0, 3000.0, 1200.0, 450.0, 200.0, 0.0]
    assert [row["value"] for row in told.client("lead").get("/data/metrics/mrr/", {"view": "low"}).context["rows"]] == [0.0, 200.0, 450.0, 1200.0, 3000.0, 77713.0]
    assert sum(row["count"] for row in page.context["chart"]["rows"]) == 6
    enterprise = next(row for row in page.context["segments"] if row["segment"] == "Enterprise")
    assert (enterprise["title"], enterprise["n"]) == ("$2,100.00", 2)  # of 1200 and 3000
    text = page.content.decode()
    assert "docs/methods/mrr.md" in text
    assert f'href="/accounts/{told.expanding.pk}/?tab=facts" data-peek' in text


def test_a_bar_opens_to_its_accounts_and_unknown_stands_apart(told: Cast) -> None:
    client = told.client("lead")
    page = client.get("/data/metrics/seats/")
    by_bar = 0
    for row in page.context["chart"]["rows"]:
        if row["url"]:
            opened = client.get("/data/metrics/seats/" + row["url"].partition("#")[0])
            assert (len(opened.context["rows"]), opened.context["filters"][0]["value"]) == (row["count"], row["label"])
            by_bar += row["count"]
    assert by_bar == 6
    (unknown,) = client.get("/data/metrics/seats/", {"view": "unknown"}).context["rows"]
    assert unknown["name"] == "Quarry Analytics"
    assert "unknown" in str(unknown["text"])
    assert client.get("/data/metrics/seats/", {"bar": "1000000..2000000"}).context["notices"][0]["title"] == "That part of the values is no longer there"


def test_the_accounts_of_a_measure_leave_as_a_file_with_typed_values(told: Cast) -> None:
    client = told.client("lead")

    def file(measure: str, **query: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(client.get(f"/data/metrics/{measure}/", {"format": "csv"} | query).getvalue().decode())))

    assert [(row["account"], row["mrr"], row["currency"]) for row in file("mrr")][:2] == [("Onyx Retail", "77713", "USD"), ("Vantage Health", "3000", "USD")]
    assert [row["renewal_on"] for row in file("renewal_on", view="low")] == [str(date_of(FAR_DAY)), str(date_of(FAR_DAY + 40)), str(date_of(FAR_DAY + 400))]
    assert [row["usage_trend"] for row in file("usage_trend")] == ["0.1", "-0.25"]
    assert [(row["account"], row["mrr"]) for row in file("mrr", view="unknown")] == [("Quarry Analytics", "")]
    assert client.get("/data/metrics/mrr/", {"format": "xlsx"}).getvalue()[:2] == b"PK"


def test_dates_shares_words_and_flags_are_said_as_such(told: Cast) -> None:
    client = told.client("lead")
    dates = client.get("/data/metrics/renewal_on/")
    assert [row["text"] for row in dates.context["rows"]] == ["8 Nov 2025", "13 Nov 2024", "4 Oct 2024"]
    assert [view["title"] for view in dates.context["views"]] == ["Latest", "Earliest", "Unknown"]
    assert [row["label"] for row in dates.context["chart"]["rows"]][:3] == ["Oct 2024", "Nov 2024", "Dec 2024"]
    assert [row["text"] for row in client.get("/data/metrics/usage_trend/").context["rows"]] == ["10.0%", "-25.0%"]
    state = client.get("/data/metrics/state/").context
    assert [(row["label"], row["count"]) for row in state["chart"]["rows"]] == [("paying", 4), ("churned", 1), ("prospect", 1)]
    leaves = client.get("/data/metrics/leaves/").context
    assert [(row["label"], row["count"]) for row in leaves["chart"]["rows"]] == [("yes", 1), ("no", 5)]
    assert next(row["text"] for row in leaves["segments"] if row["segment"] == "Enterprise") == "50%"


def test_a_measure_that_nothing_says_has_no_chart_and_says_why(told: Cast) -> None:
    page = told.client("admin").get("/data/metrics/nps_latest/")
    assert (page.context["chart"], page.context["segments"], page.context["view"], len(page.context["rows"])) == (None, [], "unknown", 7)
    assert told.client("admin").get("/data/metrics/nps_latest/", {"view": "high"}).context["rows"] == []
    assert page.context["missing"]["text"] == "no source of survey answers yet"
    assert "Not known of any account" in page.content.decode()


def test_each_person_is_told_of_their_own_accounts(told: Cast) -> None:
    theirs, outsider = told.client("csm"), told.client("outsider")
    assert {row["accounts"] for row in rows(theirs.get("/data/metrics/").context).values()} == {6}
    assert {row["accounts"] for row in rows(outsider.get("/data/metrics/").context).values()} == {1}
    assert rows(outsider.get("/data/metrics/").context)["usage_trend"]["known"] == 0
    assert [row["name"] for row in outsider.get("/data/metrics/mrr/").context["rows"]] == ["Onyx Retail"]
    assert outsider.get("/data/metrics/mrr/", {"view": "unknown"}).context["rows"] == []
    answers = [theirs.get("/data/metrics/mrr/", query) for query in ({}, {"view": "low"}, {"view": "unknown"}, {"format": "csv"})]
    told_of = [answer.getvalue().decode() if answer.streaming else answer.content.decode() for answer in answers]
    assert not [text for text in told_of if "Onyx" in text or "77,713" in text or "77713" in text]
    assert {row["segment"] for row in outsider.get("/data/metrics/mrr/").context["segments"]} == {told.others.segment}


def test_a_book_without_a_pass_shows_the_catalogue_and_no_figure() -> None:
    forget()
    client = Client()
    client.force_login(User.objects.create_user("admin@laer.example", role="admin"))
    page = client.get("/data/metrics/")
    assert len(rows(page.context)) == len(measures())
    assert "Nothing has been measured yet" in page.content.decode()
    one = client.get("/data/metrics/mrr/")
    assert (one.status_code, one.context["figures"], one.context["chart"]) == (200, [], None)
    assert "Nothing has been measured yet" in one.content.decode()
    assert client.get("/data/metrics/no_such_measure/").status_code == 404
    assert "Nothing has been computed yet" in client.get("/data/runs/").content.decode()


def test_a_run_from_before_there_were_facts_is_taken_for_unknown(cast: Cast) -> None:
    page = cast.client("csm").get("/data/metrics/mrr/")  # the cast's run has no folder
    assert (page.status_code, page.context["nothing"], page.context["rows"]) == (200, True, [])
    tab = cast.client("csm").get(f"/accounts/{cast.expanding.pk}/?tab=facts")
    assert {"mrr", "products"} <= {row["id"] for row in tab.context["facts_unknown"]}


def test_somebody_without_accounts_is_told_so(told: Cast) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("new@laer.example", role="member"))
    for address in ("/data/metrics/", "/data/metrics/mrr/"):
        page = nobody.get(address)
        assert page.context["nothing_yours"] is True
        assert "No account is yours yet" in page.content.decode()


@passing
def test_the_facts_tab_lists_what_is_known_and_folds_what_is_not(firm: Cast) -> None:
    account = firm.renewing
    page = firm.client("csm").get(f"/accounts/{account.pk}/?tab=facts")
    known = {row["id"]: row for group in page.context["facts_known"] for row in group["rows"]}
    unknown = {row["id"] for row in page.context["facts_unknown"]}
    (row,) = facts().filter(pa.compute.equal(facts()["account_id"], account.pk)).to_pylist()
    assert set(known) == {name for name in measures() if row[name] is not None}
    assert unknown == set(measures()) - set(known)
    assert known["nps_latest"]["text"] == f"{row['nps_latest']:g}"
    day = firm.today + timedelta(days=40)
    assert known["renewal_on"]["text"] == f"{day.day} {day:%b %Y}"
    assert 'href="/data/metrics/nps_latest/"' in page.content.decode()
    assert known["mrr"]["title"] == f"${row['mrr']:,.2f}"
    assert firm.client("outsider").get(f"/accounts/{account.pk}/?tab=facts").status_code == 404


def test_an_account_that_no_pass_has_seen_says_so(cast: Cast) -> None:
    fresh = add_account("Fresh Fields", cast.people["csm"])
    AccountCard.objects.filter(pk=fresh.pk).delete()
    page = cast.client("csm").get(f"/accounts/{fresh.pk}/?tab=facts")
    assert page.context["facts_known"] == []
    assert "Not computed yet" in page.content.decode()


def test_an_account_archived_since_the_run_is_not_shown(told: Cast) -> None:
    assert "Bluefin Energy" in told.client("lead").get("/data/metrics/mrr/").content.decode()
    Account.objects.filter(pk=told.expanding.pk).update(archived_at=timezone.now())
    assert "Bluefin Energy" not in told.client("lead").get("/data/metrics/mrr/").content.decode()


@passing
def test_runs_say_what_was_read_how_long_it_took_and_what_failed(firm: Cast) -> None:
    run = last_run()
    assert run is not None
    now = timezone.now()
    PassRun.objects.filter(pk=run.pk).update(notes=["3 lines in CHF do not count: no rate for CHF to USD is known"])
    failed = PassRun.objects.create(as_of=firm.today, kind="small", state="failed", started_at=now, finished_at=now, error="OSError: the disk is full")
    client = firm.client("admin")
    page = client.get("/data/runs/")
    assert [row["run_id"] for row in page.context["rows"]] == list(PassRun.objects.order_by("-id").values_list("id", flat=True))
    text = page.content.decode()
    assert "OSError: the disk is full" in text
    assert "3 lines in CHF do not count" in text
    (row,) = [row for row in page.context["rows"] if row["run_id"] == run.pk]
    assert "7 accounts read" in row["counts"]
    assert {str(one["part"]) for one in row["timings"]} == {"reading the book", "recurring revenue", "facts", "scores", "segments", "signals", "plays", "flow", "cards", "publishing"}
    assert [row["run_id"] for row in client.get("/data/runs/", {"state": "failed"}).context["rows"]] == [failed.pk]
    assert failed.pk not in [row["run_id"] for row in client.get("/data/runs/", {"kind": "full"}).context["rows"]]
    for part in ("csm", "viewer", "outsider"):
        assert firm.client(part).get("/data/runs/").status_code == 404
        assert "/data/runs/" not in firm.client(part).get("/data/metrics/").content.decode()


def test_many_runs_are_paged_newest_first(cast: Cast) -> None:
    now = timezone.now()
    PassRun.objects.bulk_create(PassRun(as_of=cast.today, kind="small", state="complete", started_at=now, finished_at=now) for _ in range(30))
    client = cast.client("admin")
    first = client.get("/data/runs/")
    second = client.get("/data/runs/" + first.context["next_url"])
    ids = [row["run_id"] for page in (first, second) for row in page.context["rows"]]
    assert ids == list(PassRun.objects.order_by("-id").values_list("id", flat=True))
    assert (first.context["previous_url"], second.context["next_url"]) == (None, None)


@pytest.fixture
@stands
def sold() -> Cast:
    """The cast with deals: of Vera's accounts two won and one lost this year, one lost the year before; Tom's won 999,999."""
    firm = after_a_pass()
    def deal(account: Account, outcome: str, ago: int, arr: int, days: int = 30, source: str = "Fair") -> None:
        closed = firm.today - timedelta(days=ago)
        Opportunity.objects.create(
            account=account, name=f"Deal of {account.name}", motion="land", status=outcome, stage=outcome, created_on=closed - timedelta(days=days),
            qualified_on=closed - timedelta(days=days), closed_on=closed, arr_num=arr, arr_den=1, amount_basis="arr", lead_source=source, created_at=timezone.now(),
        )  # fmt: skip

    deal(firm.adopting, "won", 40, 12_000, 20)
    deal(firm.expanding, "won", 60, 6_000, 40, "Referral")
    deal(firm.renewing, "lost", 90, 6_000)
    deal(firm.renewing, "lost", 500, 1_000)
    deal(firm.others, "won", 20, 999_999, 90, "Secret")
    DirtyAccount.objects.create(account_id=None, since=timezone.now())
    assert passes.run_waiting_pass()
    forget()
    return firm


@passing
def test_the_page_of_a_measure_of_the_firm_says_what_was_counted(sold: Cast) -> None:
    page = sold.client("csm").get("/data/metrics/win_rate/")
    [now, before, _month] = page.context["figures"]
    assert (now["value"], now["move"]["text"], before["value"]) == ("66.7%", "+66.7 pt", "0.0%")
    assert "from 3 rows" in now["known"]
    assert page.context["listing"]["rows"][0]["name"] == sold.adopting.name
    assert len(page.context["listing"]["rows"]) == 3
    by = sold.client("csm").get("/data/metrics/win_rate/", {"by": "lead_source"}).context["breakdown"]
    assert [(row["name"], row["cells"][0]["text"], row["cells"][1]["text"]) for row in by["rows"]] == [("Referral", "100.0%", "1"), ("Fair", "50.0%", "2")]
    cycle = sold.client("csm").get("/data/metrics/sales_cycle/").context["figures"][0]
    assert (cycle["value"], cycle["known"]) == ("30 days", "the middle half lies between 25 days and 35 days, of 2 rows")
    rows_of = list(csv.DictReader(io.StringIO(sold.client("csm").get("/data/metrics/win_rate_value/", {"format": "csv"}).getvalue().decode())))
    assert sum(float(row["adds"]) for row in rows_of) / sum(float(row["divided_by"]) for row in rows_of) == 0.75


@passing
def test_the_firm_is_to_each_person_what_they_may_see(sold: Cast) -> None:
    told_of = [sold.client("csm").get(f"/data/metrics/{name}/").content.decode() for name in ("win_rate", "arr_won", "new_accounts")]
    assert not [text for text in told_of if "Onyx" in text or "999,999" in text or "Secret" in text or "1.0M" in text]
    own = sold.client("outsider").get("/data/metrics/deals_won/")
    assert [row["name"] for row in own.context["listing"]["rows"]] == [sold.others.name]
    assert sold.client("lead").get("/data/metrics/deals_won/").context["figures"][0]["value"] == "3"


def test_a_measure_of_the_firm_that_nothing_says_tells_why(told: Cast) -> None:
    page = told.client("admin").get("/data/metrics/win_rate/")
    assert page.context["missing"] == {"text": "no source of opportunities yet", "url": "/data/import/", "action": "import a file"}
    assert (page.context["figures"], page.context["breakdown"], page.context["listing"]) == ([], None, None)
