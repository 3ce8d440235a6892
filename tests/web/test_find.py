"""Find: what a few letters lead to, and for whom."""

from __future__ import annotations

import re

import pytest

from laer.web.book.models import Account
from tests.cast import Cast, add_account


def found(cast: Cast, part: str, q: str = "") -> dict[str, list[str]]:
    answer = cast.client(part).get("/find/", {"q": q})
    assert answer.status_code == 200
    return {group["title"]: [one["title"] for one in group["found"]] for group in answer.context["groups"]}


def test_it_asks_for_a_login(cast: Cast) -> None:
    assert cast.client("nobody").get("/find/").status_code == 302


def test_it_rejects_post(cast: Cast) -> None:
    assert cast.client("csm").post("/find/").status_code == 405


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("vant", ["Vantage Health"]),
        ("LABS kes", ["Kestrel Labs"]),
        ("ember.ex", ["Ember Studios"]),
        ("e", ["Ember Studios", "Vantage Health", "Bluefin Energy", "Kestrel Labs", "Onyx Retail", "Willow Foods"]),  # begins with it, then the largest
        ("100%", []),
    ],
)
def test_accounts_by_a_few_letters(cast: Cast, q: str, expected: list[str]) -> None:
    assert found(cast, "lead", q).get("Accounts", []) == expected


def test_no_more_than_a_list_for_a_glance(cast: Cast) -> None:
    for i in range(30):
        add_account(f"Crowd {i}", mrr=i)
    assert len(found(cast, "lead", "crowd")["Accounts"]) == 8


def test_the_outsider_finds_only_the_own_accounts(cast: Cast) -> None:
    assert "Accounts" not in found(cast, "outsider", "vantage")
    assert found(cast, "outsider", "e")["Accounts"] == ["Onyx Retail"]


def test_an_archived_account_is_not_found(cast: Cast) -> None:
    Account.objects.filter(pk=cast.renewing.pk).update(archived_at=cast.run.started_at)
    assert "Accounts" not in found(cast, "lead", "vantage")


def test_people_lead_to_their_accounts(cast: Cast) -> None:
    page = cast.client("lead").get("/find/?q=maya").content.decode()
    assert f"/accounts/?owner={cast.people['csm'].pk}" in page


@pytest.mark.parametrize(
    ("part", "there", "not_there"),
    [
        ("admin", {"Add account", "Import a file", "Close a month", "Invite somebody"}, set()),
        ("lead", {"Add account", "Import a file"}, {"Close a month", "Invite somebody"}),
        ("csm", {"Add account"}, {"Import a file", "Close a month", "Invite somebody"}),
        ("viewer", {"Change password"}, {"Add account", "Import a file", "Close a month", "Invite somebody"}),
    ],
)
def test_actions_are_those_that_the_person_may_do(cast: Cast, part: str, there: set[str], not_there: set[str]) -> None:
    actions = set(found(cast, part)["Actions"])
    assert there <= actions
    assert not actions & not_there


@pytest.mark.parametrize("part", ["admin", "lead", "csm", "viewer", "outsider"])
def test_every_page_and_action_that_is_offered_opens(cast: Cast, part: str) -> None:
    offered = set()
    for q in ("", "data", "settings", "revenue"):
        answer = cast.client(part).get("/find/", {"q": q})
        offered |= {one["url"] for group in answer.context["groups"] if group["title"] in ("Actions", "Pages") for one in group["found"]}
    offered -= {"/revenue/", "/renewals/", "/revenue/close/"}  # these ask a ledger, which the cast has none of
    assert len(offered) > 5
    assert {url: cast.client(part).get(url, follow=True).status_code for url in offered} == dict.fromkeys(offered, 200)


def test_words_that_a_thing_is_not_called_find_it_too(cast: Cast) -> None:
    assert found(cast, "admin", "new customer")["Actions"] == ["Add account"]


def test_nothing_found_says_so(cast: Cast) -> None:
    assert "Nothing is called “zzz”" in cast.client("csm").get("/find/?q=zzz").content.decode()


def test_the_dialog_gets_the_options_alone(cast: Cast) -> None:
    part = cast.client("csm").get("/find/?q=kestrel", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'role="option"' in part


def test_without_script_it_is_a_page(cast: Cast) -> None:
    page = cast.client("csm").get("/find/?q=kestrel").content.decode()
    assert "<h1>Find</h1>" in page
    assert "Kestrel Labs" in page


def test_only_what_has_a_shortcut_shows_one(cast: Cast) -> None:
    said = cast.client("lead").get("/find/?q=maya", headers={"HX-Request": "true"}).content.decode()
    said += cast.client("lead").get("/find/?q=vantage", headers={"HX-Request": "true"}).content.decode()
    assert "Maya Okafor" in said  # a person and an account, whose entries have no keys of their own
    assert "Vantage Health" in said
    assert re.findall(r"<kbd>(.*?)</kbd>", said) == []
    assert re.findall(r"<kbd>(.*?)</kbd>", cast.client("lead").get("/find/?q=log a touch", headers={"HX-Request": "true"}).content.decode()) == ["l", "c"]
