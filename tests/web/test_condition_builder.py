"""A condition by clicking: every choice that is offered reads as a test, and one more is added to what stood there."""

from __future__ import annotations

from itertools import product

import pytest
from django.test import Client

from laer.conditions.reading import parse
from laer.web.book.definitions import measures
from laer.web.pages.condition_builder import SORTS, controls, line_of
from laer.web.people.models import User
from laer.web.runs import fact_filters

pytestmark = [pytest.mark.django_db, pytest.mark.once]
VALUES = {"number": "3", "money": "500", "text": "Health care", "flag": "", "date": "30"}


def every_choice() -> list[dict[str, str]]:
    fields = fact_filters.vocabulary().fields
    made = []
    for sort, (name, field) in product(("fact", "lasted"), fields.items()):
        for operator in (one["id"] for one in controls({"sort": sort, "name": name}, measures())["operators"]):
            value = field.words[0] if field.words else "2026-01-31" if operator in ("before", "after") else VALUES[field.kind]
            if not (field.words and operator == "contains"):
                made.append({"sort": sort, "name": name, "op": operator, "value": value})
    for sort, named in (("happened", fact_filters.vocabulary().records), ("absent", fact_filters.vocabulary().records), ("there", fact_filters.vocabulary().related)):
        made += [{"sort": sort, "name": name, "op": one["id"]} for name in named for one in controls({"sort": sort}, measures())["operators"] or [{"id": ""}]]
    numeric = [name for name, field in fields.items() if field.kind in ("number", "money")]
    return made + [{"sort": "change", "name": name, "op": turn, "value": "5", "unit": unit} for name in numeric for turn in ("fell by", "rose by") for unit in ("%", "")]


def test_every_choice_that_is_offered_reads_as_a_test() -> None:
    wrong = {}
    for choice in every_choice():
        shown = controls(choice, measures())
        assert shown["name"] == choice["name"]
        try:
            parse(line_of(choice, measures()), fact_filters.vocabulary())
        except Exception as fault:
            wrong[line_of(choice, measures())] = str(fault)
    assert wrong == {}


@pytest.fixture
def client() -> Client:
    made = Client()
    made.force_login(User.objects.create_user("viewer@laer.example", "long enough to pass", role="viewer"))
    return made


def test_a_test_is_added_to_what_stands_there(client: Client) -> None:
    def add(where: str, **choice: str) -> tuple[str, list[str]]:
        page = client.get("/conditions/builder/", {"where": where, "add": "1", **choice})
        assert page.status_code == 200
        return page.context["where"], page.context["faults"]

    assert add("", sort="fact", name="mrr", op=">", value="500") == ("mrr > 500", [])
    assert add("mrr > 500 or pulse = red", sort="absent", name="touch", days="45") == ("(mrr > 500 or pulse = red) and no touch in 45 d", [])
    assert add("mrr > 500", sort="change", name="usage_28d", op="fell by", value="20", unit="%", days="14") == ("mrr > 500 and usage_28d fell by 20 % in 14 d", [])
    assert add("mrr > 500", sort="fact", name="segment", op="is", value='The "big" ones') == ('mrr > 500 and segment = "The ""big"" ones"', [])
    where, faults = add("mrr > 500", sort="fact", name="mrr", op=">", value="many")
    assert (where, len(faults)) == ("mrr > 500", 1)
    assert add("mrr > (", sort="fact", name="mrr", op=">", value="5")[0] == "mrr > ("  # what somebody typed is never lost


def test_the_controls_follow_what_is_chosen(client: Client) -> None:
    page = client.get("/conditions/builder/", {"sort": "fact", "name": "state"})
    assert [one["id"] for one in page.context["choices"]] == ["prospect", "paying", "churned"]
    assert client.get("/conditions/builder/", {"sort": "lasted", "name": "nps_latest"}).context["asks_days"] is True
    odd = client.get("/conditions/builder/", {"sort": "sideways", "name": "nothing", "op": "!!", "days": "x"})
    assert (odd.status_code, odd.context["sort"]) == (200, "fact")
    assert set(SORTS) == {one["id"] for one in odd.context["sorts"]}


def test_the_account_list_carries_it(client: Client) -> None:
    text = client.get("/accounts/", {"where": "mrr >"}).content.decode()
    assert 'id="condition-builder"' in text
    assert "mrr &gt;" in text
