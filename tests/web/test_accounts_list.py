"""The list of accounts: what it shows, how it narrows, sorts and pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from laer.web.book.models import Account, DirtyAccount
from laer.web.runs import queries
from laer.web.runs.models import AccountCard, PassRun
from tests.cast import Cast, add_account, forget

EVERY_SORT = [sign + name for name in queries.SORTS for sign in ("", "-")]


def names(response: Any) -> list[str]:
    return [row["name"] for row in response.context["rows"]]


def shown(cast: Cast, part: str = "lead", **query: str) -> list[str]:
    response = cast.client(part).get("/accounts/", query)
    assert response.status_code == 200
    return names(response)


def test_it_lists_the_largest_first(cast: Cast) -> None:
    assert shown(cast)[:4] == ["Vantage Health", "Bluefin Energy", "Kestrel Labs", "Ember Studios"]


def test_it_says_of_how_many_as_of_when_and_whose(cast: Cast) -> None:
    response = cast.client("csm").get("/accounts/")
    page = response.content.decode()
    assert response.context["total_label"] == "6"
    assert response.context["as_of"] == cast.run.as_of
    assert "your book" in page
    assert response.context["totals"]["arr"] == 12 * (300 + 1_000 + 3_000 + 4_000 + 800)


def test_it_rejects_post(cast: Cast) -> None:
    assert cast.client("lead").post("/accounts/").status_code == 405


def test_it_asks_for_a_login(cast: Cast) -> None:
    assert cast.client("nobody").get("/accounts/").status_code == 302


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "paying", "segment": "Enterprise"}, ["Vantage Health", "Bluefin Energy"]),
        ({"segment": "none"}, ["Quarry Analytics"]),
        ({"country": "US"}, ["Bluefin Energy", "Willow Foods"]),
        ({"industry": "Retail"}, ["Onyx Retail"]),
        ({"ends_within": "60"}, ["Vantage Health"]),
        ({"mrr_min": "1000", "mrr_max": "4000"}, ["Bluefin Energy", "Kestrel Labs"]),
        ({"q": "vantage"}, ["Vantage Health"]),
        ({"q": "EMBER.example"}, ["Ember Studios"]),
        ({"q": "labs kestrel"}, ["Kestrel Labs"]),
        ({"q": "a%"}, []),
        ({"q": "no such thing"}, []),
        ({"state": "prospect"}, ["Quarry Analytics"]),
    ],
)
def test_it_narrows(cast: Cast, query: dict[str, str], expected: list[str]) -> None:
    assert shown(cast, **query) == expected


def test_it_narrows_to_an_owner_and_to_nobody(cast: Cast) -> None:
    add_account("Nobody's Own")
    assert shown(cast, owner=str(cast.people["outsider"].pk)) == ["Onyx Retail"]
    assert shown(cast, owner="none") == ["Nobody's Own"]


def test_it_narrows_by_a_date(cast: Cast) -> None:
    assert shown(cast, ends_before=(cast.today + timedelta(days=100)).isoformat()) == ["Vantage Health"]


@pytest.mark.parametrize("query", [{"state": "sideways"}, {"mrr_min": "much"}, {"ends_before": "soon"}, {"ends_within": "-3"}, {"owner": "1;drop"}, {"sort": "salary"}, {"after": "????"}, {"after": "WyJuYW1lIiwwLG51bGwsMV0"}, {"ends_within": "99999999999999999999"}, {"mrr_min": "1e400"}])  # fmt: skip
def test_what_does_not_read_is_left_out(cast: Cast, query: dict[str, str]) -> None:
    assert len(shown(cast, **query)) == 7


def test_each_filter_is_a_sentence_that_can_be_taken_away(cast: Cast) -> None:
    response = cast.client("lead").get("/accounts/", {"segment": "Enterprise", "ends_within": "60", "owner": str(cast.people["csm"].pk), "mrr_min": "1000"})
    said = [f"{f['label']} {f['value']}" for f in response.context["filters"]]
    assert said == ["Segment is Enterprise", "Owner is Maya Okafor", "Contract ends within 60 days", "MRR from $1.0k"]
    without = {f["label"]: f["remove_url"] for f in response.context["filters"]}["Segment is"]
    assert "segment" not in without
    assert "ends_within=60" in without


def test_facets_count_what_the_person_sees(cast: Cast) -> None:
    facets = {f["name"]: f["options"] for f in cast.client("csm").get("/accounts/").context["facets"]}
    assert [(o["label"], o["count"]) for o in facets["segment"]] == [("Enterprise", 2), ("SMB", 2), ("Mid-market", 1), ("unknown", 1)]
    assert [(o["label"], o["count"]) for o in facets["owner"]] == [("Maya Okafor", 6)]


def test_an_option_in_force_takes_itself_out(cast: Cast) -> None:
    facets = {f["name"]: f["options"] for f in cast.client("lead").get("/accounts/?segment=SMB&sort=name&after=x").context["facets"]}
    active = next(o for o in facets["segment"] if o["active"])
    assert active["url"] == "?sort=name"


@pytest.fixture
def many(cast: Cast) -> list[Account]:
    """Twenty-three more accounts with ties, unknown values and equal names."""
    owner = cast.people["csm"]
    made = []
    for i in range(23):
        end = None if i % 4 == 0 else cast.today + timedelta(days=30 * (i % 3))
        made.append(add_account(f"Tie {i % 5}", owner if i % 6 else None, mrr=100 * (i % 4), segment=("A", "B", None)[i % 3], country="US" if i % 2 else None, card={"contract_end_on": end}))
    forget()
    return made


@pytest.mark.parametrize("sort", EVERY_SORT)
@pytest.mark.parametrize("narrow", [False, True])
def test_pages_walk_every_account_once_in_order_and_back(cast: Cast, many: list[Account], sort: str, narrow: bool) -> None:
    lead = cast.users["lead"]
    filters = queries.Filters(country="US") if narrow else queries.Filters()
    seen: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = queries.account_list(lead, sort=sort, cursor=cursor, size=4, filters=filters)
        seen.append([row["account_id"] for row in page.rows])
        cursor = page.next
        last = page
    walked = [account for part in seen for account in part]
    assert len(walked) == len(set(walked)) == page.totals.accounts
    back = [seen[-1]]
    while last.previous:
        last = queries.account_list(lead, sort=sort, cursor=last.previous, size=4, filters=filters)
        back.insert(0, [row["account_id"] for row in last.rows])
    assert back == seen
    column = queries.SORTS[sort.removeprefix("-")].column
    values = [getattr(AccountCard.objects.get(pk=i), column) for i in walked]
    known = [v for v in values if v is not None]
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert values[len(known) :] == [None] * (len(values) - len(known)), "what is unknown comes last, whichever way it is sorted"


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_gathering_and_walking_give_the_same_pages(cast: Cast, many: list[Account], sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lead, filters = cast.users["lead"], queries.Filters(country="US")
    answers = []
    for limit in (0, 10**6):
        monkeypatch.setattr(queries, "GATHERED", limit)
        monkeypatch.setattr(queries, "SELECTIVE", limit)
        first = queries.account_list(lead, sort=sort, size=5, filters=filters)
        second = queries.account_list(lead, sort=sort, size=5, filters=filters, cursor=first.next or "")
        answers.append([row["account_id"] for row in (*first.rows, *second.rows)])
    assert answers[0] == answers[1]


def test_a_search_with_many_hits_gives_the_same_as_one_with_few(cast: Cast, many: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    few = shown(cast, q="tie", country="US")
    forget()
    monkeypatch.setattr(queries, "FOUND", 2)
    monkeypatch.setattr(queries, "FOUND_BESIDE", 2)
    assert shown(cast, q="tie", country="US") == few
    assert len(few) == 11


def test_a_cursor_of_another_sort_gives_the_first_page(cast: Cast, many: list[Account]) -> None:
    lead = cast.users["lead"]
    first = queries.account_list(lead, sort="name", size=4)
    assert queries.account_list(lead, sort="-name", size=4, cursor=first.next or "").previous is None


def test_a_page_whose_rows_are_gone_gives_the_first_one(cast: Cast, many: list[Account]) -> None:
    lead = cast.users["lead"]
    second = queries.account_list(lead, sort="name", size=20)
    AccountCard.objects.exclude(pk__in=[row["account_id"] for row in second.rows]).delete()
    page = queries.account_list(lead, sort="name", size=20, cursor=second.next or "")
    assert [row["account_id"] for row in page.rows] == [row["account_id"] for row in second.rows]


def test_links_to_the_next_page_keep_the_filters(cast: Cast) -> None:
    for i in range(60):
        add_account(f"More {i}", segment="Bulk")
    response = cast.client("lead").get("/accounts/?segment=Bulk&sort=name")
    assert response.context["next_url"].startswith("?segment=Bulk&sort=name&after=")
    second = cast.client("lead").get("/accounts/" + response.context["next_url"])
    assert not set(names(response)) & set(names(second))
    assert names(cast.client("lead").get("/accounts/" + second.context["previous_url"])) == names(response)


def test_htmx_gets_the_part_and_a_browser_the_page(cast: Cast) -> None:
    client = cast.client("lead")
    part = client.get("/accounts/?q=vantage", headers={"HX-Request": "true"}).content.decode()
    page = client.get("/accounts/?q=vantage").content.decode()
    assert "<html" not in part
    assert part.strip().startswith('<div id="results"')
    assert "<html" in page
    back = client.get("/accounts/?q=vantage", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).content.decode()
    assert "<html" in back


def test_a_row_that_changed_since_is_being_recomputed(cast: Cast) -> None:
    Account.objects.filter(pk=cast.adopting.pk).update(changed_at=timezone.now())
    DirtyAccount.objects.create(account_id=cast.landing.pk, since=timezone.now())
    rows = {row["name"]: row["recomputing"] for row in cast.client("lead").get("/accounts/").context["rows"]}
    assert {name for name, waits in rows.items() if waits} == {"Kestrel Labs", "Willow Foods"}


def test_a_card_that_a_later_pass_left_alone_is_not_being_recomputed(cast: Cast) -> None:
    Account.objects.filter(pk=cast.adopting.pk).update(changed_at=timezone.now())
    now = timezone.now()
    PassRun.objects.create(as_of=cast.today, kind="full", state="complete", currency="USD", started_at=now, finished_at=now)
    assert not any(row["recomputing"] for row in cast.client("lead").get("/accounts/").context["rows"])


def test_an_archived_account_goes_before_the_next_pass(cast: Cast) -> None:
    Account.objects.filter(pk=cast.adopting.pk).update(archived_at=timezone.now())
    assert "Kestrel Labs" not in shown(cast)
    assert "Kestrel Labs" not in shown(cast, "csm")


def test_mrr_of_twelve_months_stands_beside_the_name(cast: Cast) -> None:
    rows = {row["name"]: row["spark"] for row in cast.client("lead").get("/accounts/").context["rows"]}
    assert rows["Bluefin Energy"] == [150_000] * 10 + [300_000] * 2  # it moved last month
    assert rows["Vantage Health"] == [400_000] * 12  # nothing moved


def test_totals_follow_the_run(cast: Cast) -> None:
    assert cast.client("lead").get("/accounts/").context["total_label"] == "7"
    add_account("Later")
    assert cast.client("lead").get("/accounts/").context["total_label"] == "7"  # of the run shown
    now = timezone.now()
    PassRun.objects.create(as_of=cast.today, kind="small", state="complete", currency="USD", started_at=now, finished_at=now)
    assert cast.client("lead").get("/accounts/").context["total_label"] == "8"


def test_an_empty_book_says_what_would_fill_it(cast: Cast) -> None:
    Account.objects.all().delete()
    page = cast.client("admin").get("/accounts/").content.decode()
    assert page.count("Import a file") == 1, "the checklist offers it"
    cast.client("admin").post("/start/checklist/hide/")
    page = cast.client("admin").get("/accounts/").content.decode()
    assert "To get going" not in page
    assert page.count("Import a file") == 1, "the list itself does"
    assert "assigned to you" in cast.client("csm").get("/accounts/").content.decode()


def test_the_front_leads_to_the_accounts_or_to_the_first_import(cast: Cast) -> None:
    assert cast.client("admin").get("/").headers["Location"] == "/home/"
    Account.objects.all().delete()
    assert cast.client("admin").get("/").headers["Location"] == "/data/import/"
    assert cast.client("csm").get("/").headers["Location"] == "/accounts/"


def test_names_are_escaped(cast: Cast) -> None:
    add_account('<script>alert("x")</script>', segment="<b>", mrr=9)
    page = cast.client("lead").get("/accounts/").content.decode()
    assert "<script>alert" not in page
    assert not re.search(r"<b>(?!\d|\$)", page.replace('<b class="strong num">', ""))
