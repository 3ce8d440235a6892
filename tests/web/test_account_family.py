"""The rolled-up health of a parent, on its Health tab and within the reader's scope."""

from __future__ import annotations

import pytest

from laer.web.book.models import Account
from laer.web.runs.models import AccountCard
from tests.cast import Cast, add_account, forget, publish

pytestmark = pytest.mark.django_db(transaction=True)


def below(cast: Cast, parent: Account, name: str, mrr: int, band: str | None, score: float | None, who: str = "csm") -> Account:
    account = add_account(name, cast.people[who])
    Account.objects.filter(pk=account.pk).update(parent=parent)
    publish(account, mrr, facts={"health": band, "health_score": score, "health_card": "starter"} if band else {})
    return account


def test_a_parent_shows_its_health_with_those_below_of_all_levels(cast: Cast) -> None:
    parent = add_account("Mother", cast.people["csm"])  # it pays nothing itself
    first = below(cast, parent, "Daughter", 700, "green", 80.0)
    below(cast, first, "Grandchild", 200, "yellow", 50.0)
    below(cast, parent, "Son", 100, "red", 20.0)
    below(cast, parent, "Another's", 9_000, "red", 1.0, "outsider")
    forget()
    page = cast.client("csm").get(f"/accounts/{parent.pk}/?tab=health")
    family = page.context["family"]
    assert (family["score"], str(family["band"]), family["below"]) == ("68", "yellow", 3)
    assert [row["name"] for row in family["rows"]] == ["Daughter", "Grandchild", "Son"]
    assert "Another" not in page.content.decode()
    assert "Only accounts that you may see" in page.content.decode()
    whole = cast.client("lead").get(f"/accounts/{parent.pk}/?tab=health").context["family"]
    assert (str(whole["band"]), whole["below"], whole["rows"][0]["name"]) == ("red", 4, "Another's")


def test_a_circle_of_parents_ends_and_who_has_none_below_shows_none(cast: Cast) -> None:
    first = add_account("First", cast.people["csm"], mrr=100)
    second = below(cast, first, "Second", 100, "green", 90.0)
    Account.objects.filter(pk=first.pk).update(parent=second)
    AccountCard.objects.filter(pk=first.pk).update(facts={"health": "red", "health_score": 10.0})
    forget()
    family = cast.client("csm").get(f"/accounts/{first.pk}/?tab=health").context["family"]
    assert (family["score"], [row["own"] for row in family["rows"]]) == ("50", [True, False])
    assert cast.client("csm").get(f"/accounts/{cast.renewing.pk}/?tab=health").context["family"] is None
