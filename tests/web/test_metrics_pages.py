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

from laer.cycle.facts import catalogue
from laer.metrics.catalogue import MOTIONS
from laer.web.book.models import Account
from laer.web.people.models import User
from laer.web.runs import passes, snapshots
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import last_run
from tests.cast import Cast, add_account, add_line, forget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def firm(cast: Cast) -> Cast:
    """The cast after a pass; Tom's account pays 77,713 a month, which is nobody else's business."""
    add_line(cast.others, cast.today - timedelta(days=90), None, 77_713, seats=4_243)
    assert passes.run_waiting_pass()
    forget()
    return cast


def facts() -> pa.Table:
    run = last_run()
    assert run is not None
    return snapshots.read_one(run.pk, "facts")


def rows(context: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for group in context["groups"] for row in group["rows"]}


def test_every_measure_is_listed_under_its_motion_with_what_it_says(firm: Cast) -> None:
    page = firm.client("lead").get("/data/metrics/")
    assert [group["id"] for group in page.context["groups"]] == list(MOTIONS)
    assert {group["id"]: {row["id"] for row in group["rows"]} for group in page.context["groups"]} == {
        motion: {m.id for m in catalogue().values() if m.motion == motion} for motion in MOTIONS
    }
    text = page.content.decode()
    assert all(f'href="/data/metrics/{name}/"' in text for name in catalogue())
    assert "Different users active on any of the 28 days up to the day" in text
    assert rows(page.context)["active_users_28d"]["moves"] == "leading"
    assert rows(page.context)["mrr"]["moves"] == "lagging"


def test_coverage_is_counted_from_the_facts_of_the_run(firm: Cast) -> None:
    found, table = rows(firm.client("lead").get("/data/metrics/").context), facts()
    assert {name: row["known"] for name, row in found.items()} == {name: table.num_rows - table[name].null_count for name in catalogue()}
    assert {row["accounts"] for row in found.values()} == {table.num_rows} == {7}
    assert found["seats"]["covered"] == f"known for {found['seats']['known']} of 7 accounts"
    assert 0 < found["seats"]["known"] < 7


def test_what_no_source_says_names_the_source_and_the_way_to_it(firm: Cast) -> None:
    found = rows(firm.client("admin").get("/data/metrics/").context)
    assert found["active_users_28d"]["missing"] == {"text": "no source of usage yet", "url": "/data/import/", "action": "import a file"}
    assert found["touches_45d"]["missing"]["text"] == "no touches yet"
    theirs = rows(firm.client("viewer").get("/data/metrics/").context)
    assert theirs["active_users_28d"]["missing"] == {"text": "no source of usage yet"}
    assert theirs["touches_45d"]["missing"] == {"text": "no touches yet"}


def test_filters_are_sentences_and_search_reads_names_formulas_and_sources(firm: Cast) -> None:
    client = firm.client("lead")
    page = client.get("/data/metrics/", {"motion": "renew", "known": "unknown"})
    assert [(f["label"], f["value"]) for f in page.context["filters"]] == [("Motion is", "Renew"), ("Known of", "no account")]
    assert set(rows(page.context)) == {m.id for m in catalogue().values() if m.motion == "renew" and facts()[m.id].null_count == 7}
    assert set(rows(client.get("/data/metrics/", {"q": "STICKINESS"}).context)) == {"stickiness"}
    assert "nps_latest" in rows(client.get("/data/metrics/", {"q": "survey answers"}).context)
    assert "No measure is like this" in client.get("/data/metrics/", {"q": "zzzz"}).content.decode()
    assert len(rows(client.get("/data/metrics/", {"motion": "sideways", "known": "?"}).context)) == len(catalogue())


def test_the_catalogue_leaves_as_a_file(firm: Cast) -> None:
    answer = firm.client("lead").get("/data/metrics/", {"format": "csv", "motion": "land"})
    found = {row["id"]: row for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))}
    assert set(found) == {m.id for m in catalogue().values() if m.motion == "land"}
    assert (found["deals_open"]["accounts"], found["deals_open"]["sources"], found["deals_open"]["leading"]) == ("7", "opportunities", "leading")
    assert firm.client("lead").get("/data/metrics/", {"format": "xlsx"}).getvalue()[:2] == b"PK"


def test_the_page_of_a_measure_has_the_numbers_of_the_facts(firm: Cast) -> None:
    page = firm.client("lead").get("/data/metrics/mrr/")
    known = {a: v for a, v in zip(facts()["account_id"].to_pylist(), facts()["mrr"].to_pylist(), strict=True) if v is not None}
    shown = {row["account_id"]: row["value"] for row in page.context["rows"]}
    assert shown == known
    assert list(shown.values()) == sorted(known.values(), reverse=True)
    assert sum(row["count"] for row in page.context["chart"]["rows"]) == len(known)
    assert page.context["figures"][0]["value"] == str(len(known))
    assert page.context["rows"][0]["title"] == "$80,713.00" or page.context["rows"][0]["value"] >= 77_713
    low = firm.client("lead").get("/data/metrics/mrr/", {"view": "low"}).context["rows"]
    assert [row["value"] for row in low] == sorted(known.values())
    assert {row["segment"]: row["n"] for row in page.context["segments"]}.keys() == {row["segment"] for row in low}


def test_a_bar_opens_to_its_accounts_and_unknown_stands_apart(firm: Cast) -> None:
    client = firm.client("lead")
    page = client.get("/data/metrics/seats/")
    by_bar = 0
    for row in page.context["chart"]["rows"]:
        if row["url"]:
            opened = client.get("/data/metrics/seats/" + row["url"].partition("#")[0])
            assert (len(opened.context["rows"]), opened.context["filters"][0]["value"]) == (row["count"], row["label"])
            by_bar += row["count"]
    unknown = client.get("/data/metrics/seats/", {"view": "unknown"}).context["rows"]
    assert by_bar + len(unknown) == 7
    assert unknown
    assert {str(row["text"]) for row in unknown} == {str(unknown[0]["text"])}
    assert "unknown" in str(unknown[0]["text"])
    assert client.get("/data/metrics/seats/", {"bar": "1000000..2000000"}).context["notices"][0]["title"] == "That part of the values is no longer there"


def test_a_date_is_shown_as_a_day_and_leaves_as_one(firm: Cast) -> None:
    client = firm.client("lead")
    page = client.get("/data/metrics/renewal_on/")
    day = firm.today + timedelta(days=40)
    assert any(row["text"] == f"{day.day} {day:%b %Y}" for row in page.context["rows"])
    assert [view["title"] for view in page.context["views"]] == ["Latest", "Earliest", "Unknown"]
    answer = client.get("/data/metrics/renewal_on/", {"format": "csv"}).getvalue().decode()
    assert str(day) in answer


def test_words_and_flags_are_counted(firm: Cast) -> None:
    client = firm.client("lead")
    state = client.get("/data/metrics/state/")
    counted = {row["label"]: row["count"] for row in state.context["chart"]["rows"]}
    assert counted == {word: facts()["state"].to_pylist().count(word) for word in set(facts()["state"].to_pylist())}
    leaves = client.get("/data/metrics/leaves/").context
    assert sum(row["count"] for row in (leaves["chart"] or {"rows": []})["rows"]) == 7 - facts()["leaves"].null_count


def test_a_measure_that_nothing_says_has_no_chart_and_says_why(firm: Cast) -> None:
    page = firm.client("admin").get("/data/metrics/stickiness/")
    assert (page.context["chart"], page.context["segments"], page.context["rows"]) == (None, [], [])
    assert page.context["missing"]["text"] == "no source of usage yet"
    assert "Not known of any account" in page.content.decode()
    assert len(firm.client("admin").get("/data/metrics/stickiness/", {"view": "unknown"}).context["rows"]) == 7


def test_each_person_is_told_of_their_own_accounts(firm: Cast) -> None:
    theirs = firm.client("csm")
    assert {row["accounts"] for row in rows(theirs.get("/data/metrics/").context).values()} == {6}
    outsider = firm.client("outsider")
    assert {row["accounts"] for row in rows(outsider.get("/data/metrics/").context).values()} == {1}
    assert [row["name"] for row in outsider.get("/data/metrics/mrr/").context["rows"]] == ["Onyx Retail"]
    assert [row["name"] for row in outsider.get("/data/metrics/seats/", {"view": "unknown"}).context["rows"]] == []
    answers = [theirs.get("/data/metrics/mrr/", query) for query in ({}, {"view": "low"}, {"view": "unknown"}, {"format": "csv"})]
    assert not [text for text in (a.getvalue().decode() if a.streaming else a.content.decode() for a in answers) if "Onyx" in text or "77,713" in text or "77713" in text]
    assert {row["segment"] for row in outsider.get("/data/metrics/mrr/").context["segments"]} == {firm.others.segment}


def test_a_book_without_a_pass_shows_the_catalogue_and_no_figure() -> None:
    forget()
    client = Client()
    client.force_login(User.objects.create_user("admin@laer.example", role="admin"))
    page = client.get("/data/metrics/")
    assert len(rows(page.context)) == len(catalogue())
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
    assert {"mrr", "seats"} <= {row["id"] for row in tab.context["facts_unknown"]}


def test_somebody_without_accounts_is_told_so(firm: Cast) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("new@laer.example", role="member"))
    for address in ("/data/metrics/", "/data/metrics/mrr/"):
        page = nobody.get(address)
        assert page.context["nothing_yours"] is True
        assert "No account is yours yet" in page.content.decode()


def test_the_facts_tab_lists_what_is_known_and_folds_what_is_not(firm: Cast) -> None:
    account = firm.renewing
    page = firm.client("csm").get(f"/accounts/{account.pk}/?tab=facts")
    known = {row["id"]: row for group in page.context["facts_known"] for row in group["rows"]}
    unknown = {row["id"] for row in page.context["facts_unknown"]}
    (row,) = facts().filter(pa.compute.equal(facts()["account_id"], account.pk)).to_pylist()
    assert set(known) == {name for name in catalogue() if row[name] is not None}
    assert unknown == set(catalogue()) - set(known)
    assert known["nps_latest"]["text"] == f"{row['nps_latest']:g}"
    day = firm.today + timedelta(days=40)
    assert known["renewal_on"]["text"] == f"{day.day} {day:%b %Y}"
    assert 'href="/data/metrics/nps_latest/"' in page.content.decode()
    assert known["mrr"]["title"] == f"${row['mrr']:,.2f}"
    assert firm.client("outsider").get(f"/accounts/{account.pk}/?tab=facts").status_code == 404


def test_an_account_that_no_pass_has_seen_says_so(firm: Cast) -> None:
    fresh = add_account("Fresh Fields", firm.people["csm"])
    AccountCard.objects.filter(pk=fresh.pk).delete()
    page = firm.client("csm").get(f"/accounts/{fresh.pk}/?tab=facts")
    assert page.context["facts_known"] == []
    assert "Not computed yet" in page.content.decode()


def test_an_account_archived_since_the_run_is_not_shown(firm: Cast) -> None:
    Account.objects.filter(pk=firm.expanding.pk).update(archived_at=timezone.now())
    assert "Bluefin Energy" not in firm.client("lead").get("/data/metrics/mrr/").content.decode()


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
    assert {str(one["part"]) for one in row["timings"]} == {"reading the book", "recurring revenue", "facts", "cards", "publishing"}
    assert [row["run_id"] for row in client.get("/data/runs/", {"state": "failed"}).context["rows"]] == [failed.pk]
    assert failed.pk not in [row["run_id"] for row in client.get("/data/runs/", {"kind": "full"}).context["rows"]]
    for part in ("csm", "viewer", "outsider"):
        assert firm.client(part).get("/data/runs/").status_code == 404
        assert "/data/runs/" not in firm.client(part).get("/data/metrics/").content.decode()


def test_many_runs_are_paged_newest_first(firm: Cast) -> None:
    now = timezone.now()
    PassRun.objects.bulk_create(PassRun(as_of=firm.today, kind="small", state="complete", started_at=now, finished_at=now) for _ in range(30))
    client = firm.client("admin")
    first = client.get("/data/runs/")
    second = client.get("/data/runs/" + first.context["next_url"])
    ids = [row["run_id"] for page in (first, second) for row in page.context["rows"]]
    assert ids == list(PassRun.objects.order_by("-id").values_list("id", flat=True))
    assert (first.context["previous_url"], second.context["next_url"]) == (None, None)
