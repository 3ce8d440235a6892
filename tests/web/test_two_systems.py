"""Two systems that disagree on a customer's amount: nothing is summed or moved in silence, and a person says which holds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from laer.web.book import between, merging, settling
from laer.web.book.models import Account, ImportRun, Question, SubscriptionLine
from laer.web.book.undo import undo_import
from laer.web.people.models import User
from laer.web.runs import contradictions, passes
from laer.web.runs.doctor import findings, rows_behind
from tests.cast import forget
from tests.web.test_stories import months, take

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

CRM = "Customer,Website,ARR\nAlder,alder.example,12000\nBirch,birch.example,24000\nCedar,cedar.example,6000\n"
BILLING = "Customer,Website,MRR\nAlder,alder.example,1100\nBirch,birch.example,2000\nCedar,cedar.example,500\n"
DATED = "subscription_id,customer_id,customer_name,domain,start_date,end_date,mrr\nS1,c1,Alder,alder.example,2026-01-01,,900\nS2,c2,Birch,birch.example,2026-01-01,,2000\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    forget()
    contradictions._memory.clear()
    yield
    forget()


def come(tmp_path: Path, name: str, text: str, day: str, source: str) -> ImportRun:
    (tmp_path / name).write_text(text)
    return take(tmp_path / name, day, source)


def client(role: str = "lead") -> Client:
    user = User.objects.filter(email=f"{role}@laer.example").first() or User.objects.create_user(f"{role}@laer.example", role=role)
    there = Client()
    there.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return there


def shown(month: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """MRR as the page shows it, and of each way out its label -> MRR then and by how much it moves."""
    found = client().get(f"/revenue/?effects=1&month={month}").context["contradictions"]
    rows = {str(r["label"]): (r["mrr_exact"], r["changes"]["mrr_exact"]) for r in found["rows"] if r["id"].startswith("between")} if found else {}
    return found["shown"]["mrr_exact"] if found else "", rows


def test_a_later_list_of_another_system_is_a_contradiction_with_both_ways_out(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    run = come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")
    # 1000 + 2000 + 500 of the CRM; billing says 1100 of Alder and agrees on the others
    assert shown("2026-06") == ("$3,600.00", {"billing is right": ("$3,600.00", "±$0.00"), "crm is right": ("$3,500.00", "−$100.00")})
    page = client().get("/revenue/?month=2026-06")
    marks = {figure["label"]: figure.get("doubt") for figure in page.context["figures"]}
    assert marks["MRR"]["text"] == "billing and crm disagree on 1 account"
    assert [(q.kind, q.account.name) for q in run.questions.all()] == [("amounts", "Alder")]
    assert {f.check: f.count for f in findings()}["amounts_between_sources"] == 1
    (row,) = rows_behind("amounts_between_sources", None)
    assert [str(cell) for cell in list(row.values())[2:6]] == ["crm", "$1,000.00", "billing", "$1,100.00"]


@pytest.mark.parametrize(
    ("answer", "june"),
    [
        ("first", {"opening_balance_mrr": 3500, "expansion_mrr": 0, "closing_mrr": 3500}),
        ("second", {"opening_balance_mrr": 3600, "expansion_mrr": 0, "closing_mrr": 3600}),
        ("both", {"opening_balance_mrr": 3500, "expansion_mrr": 100, "closing_mrr": 3600}),
    ],
)
def test_an_answer_makes_the_figures_that_its_way_out_said_and_can_be_taken_back(tmp_path: Path, answer: str, june: dict[str, int]) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")
    before = months()["2026-06"]
    question = Question.objects.get(kind="amounts")
    there = client()
    assert there.post("/data/questions/answer/", {"question": question.pk, "answer": answer}, follow=True).status_code == 200
    passes.run_waiting_pass()
    assert {name: int(months()["2026-06"][name]) for name in june} == june
    assert shown("2026-06")[1] == {}
    assert there.post(f"/data/questions/{question.pk}/undo/").status_code == 302
    passes.run_waiting_pass()
    assert months()["2026-06"] == before
    assert len(shown("2026-06")[1]) == 2


def test_dated_lines_beside_a_list_are_no_silent_sum(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "stripe.csv", DATED, "2026-06-20", "stripe")
    # Alder 900 + 1000, Birch 2000 + 2000, Cedar 500
    total, ways = shown("2026-06")
    assert total == "$6,400.00"
    assert ways == {"crm is right": ("$3,500.00", "−$2,900.00"), "stripe is right": ("$3,400.00", "−$3,000.00")}
    assert months()["2026-06"]["expansion_mrr"] == 0  # the list's amounts are an opening balance, beside what was paid too
    for question in Question.objects.filter(kind="amounts"):
        place = [way.source for way in between.ways_of(question.data)].index("stripe")
        settling.answer_question(User.objects.get(email="lead@laer.example"), question.pk, (between.FIRST, between.SECOND)[place])
    passes.run_waiting_pass()
    found = months()
    assert (found["2026-01"]["new_mrr"], found["2026-06"]["closing_mrr"]) == (2900, 3400)
    assert sum(m["churn_mrr"] + m["contraction_mrr"] for m in found.values()) == 0


def test_the_earlier_of_two_ends_where_the_later_holds(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "stripe.csv", DATED, "2026-06-20", "stripe")
    client()
    for question in Question.objects.filter(kind="amounts"):
        place = [way.source for way in between.ways_of(question.data)].index("crm")
        settling.answer_question(User.objects.get(email="lead@laer.example"), question.pk, (between.FIRST, between.SECOND)[place])
    passes.run_waiting_pass()
    found = months()
    assert [found[m]["closing_mrr"] for m in ("2026-05", "2026-06")] == [2900, 3500]
    assert sum(m["churn_mrr"] + m["reactivation_mrr"] for m in found.values()) == 0


def test_a_systems_own_change_is_no_contradiction(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "billing.csv", BILLING.replace("1100", "1000"), "2026-06-15", "billing")
    come(tmp_path, "billing2.csv", BILLING, "2026-07-15", "billing")  # said 1000 before, as the CRM does
    assert not Question.objects.exists()
    come(tmp_path, "crm2.csv", CRM, "2026-08-01", "crm")  # still 1000
    assert [q.run.source for q in Question.objects.all()] == ["crm"]


def test_who_was_overruled_is_not_heard_again(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")
    client()
    settling.answer_question(User.objects.get(email="lead@laer.example"), Question.objects.get().pk, "first")
    again = come(tmp_path, "billing2.csv", BILLING, "2026-07-15", "billing")
    assert again.counts["subscription_lines"]["new"] == 0
    assert not Question.objects.filter(answer="").exists()
    assert months()["2026-07"]["closing_mrr"] == 3500
    come(tmp_path, "billing3.csv", BILLING.replace("1100", "1300"), "2026-08-15", "billing")  # something else than before
    assert Question.objects.filter(answer="").count() == 1


@pytest.mark.parametrize("which", ["crm", "billing"])
def test_undo_of_either_import_leaves_nothing_to_decide(tmp_path: Path, which: str) -> None:
    runs = {"crm": come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm"), "billing": come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")}
    undo_import(runs[which])
    passes.run_waiting_pass()
    assert not Question.objects.filter(answer="").exists()
    assert shown("2026-06")[1] == {}


def test_of_three_systems_each_way_out_is_its_own_and_one_answer_settles_what_it_touches(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")
    come(tmp_path, "stripe.csv", DATED, "2026-06-20", "stripe")
    there = client()
    found = there.get("/revenue/?effects=1&month=2026-06").context["contradictions"]["rows"]
    said = {(str(r["sentence"]).partition(" each")[0], str(r["label"])): r["changes"]["mrr_exact"] for r in found if r["id"].startswith("between")}
    assert said == {  # as shown: Alder 900 + 1100, Birch 2000 + 2000, Cedar 500
        ("crm and stripe", "crm is right"): "−$2,900.00",
        ("crm and stripe", "stripe is right"): "−$2,000.00",
        ("billing and crm", "billing is right"): "±$0.00",
        ("billing and crm", "crm is right"): "−$100.00",
        ("billing and stripe", "billing is right"): "−$900.00",
        ("billing and stripe", "stripe is right"): "−$100.00",  # without billing the CRM's 1000 goes on
    }
    assert len({r["id"] for r in found}) == len(found)
    lead = User.objects.get(email="lead@laer.example")
    question = next(q for q in Question.objects.filter(account__name="Alder") if {w.source for w in between.ways_of(q.data)} == {"billing", "stripe"})
    before = settling.open_questions(lead).count()
    settling.answer_question(lead, question.pk, (between.FIRST, between.SECOND)[[w.source for w in between.ways_of(question.data)].index("stripe")])
    assert settling.open_questions(lead).count() == before - 2  # billing's line is out: it disagrees with the CRM's no more
    settling.take_back_answer(lead, question.pk)
    assert settling.open_questions(lead).count() == before


def test_other_products_of_two_systems_are_two_things_sold(tmp_path: Path) -> None:
    lines = "subscription_id,account_id,product,start_date,end_date,mrr\n{id},Alder,{product},2026-01-01,,{mrr}\n"
    come(tmp_path, "stripe.csv", lines.format(id="S1", product="Core", mrr=900), "2026-06-01", "stripe")
    come(tmp_path, "chargebee.csv", lines.format(id="C1", product="Support", mrr=100), "2026-06-02", "chargebee")
    assert Account.objects.count() == 1
    assert not Question.objects.exists()
    come(tmp_path, "zuora.csv", lines.format(id="Z1", product="Core", mrr=900), "2026-06-03", "zuora")
    assert [(q.data["beside"], q.data["mrr"]) for q in Question.objects.all()] == [(True, "1900.00")]


def test_a_question_may_be_answered_only_by_who_may_edit_the_account(tmp_path: Path) -> None:
    come(tmp_path, "crm.csv", CRM, "2026-06-01", "crm")
    come(tmp_path, "billing.csv", BILLING, "2026-06-15", "billing")
    outsider = User.objects.create_user("outsider@laer.example", role="member")
    with pytest.raises(PermissionDenied):
        settling.answer_question(outsider, Question.objects.get().pk, "first")
    client("viewer")
    assert client("member").get("/data/questions/").context["amounts"] == []
    assert "Two systems, two amounts" in client().get("/data/questions/").content.decode()
    assert "Two systems, two amounts" not in client("member").get("/data/questions/").content.decode()


def test_a_second_systems_list_of_the_same_names_means_its_own_customers(tmp_path: Path) -> None:
    plain = "Customer,ARR\nAlder,12000\nBirch,24000\n"
    come(tmp_path, "crm.csv", plain, "2026-06-01", "crm")
    run = come(tmp_path, "billing.csv", plain.replace("12000", "13200"), "2026-06-15", "billing")
    assert run.counts["subscription_lines"] == {"new": 2, "changed": 0, "unchanged": 0, "repeated": 0, "rejected": 0}
    assert months()["2026-06"]["closing_mrr"] == 6100  # until a person says that they are the same: suggested, not merged


def test_merged_customers_of_two_lists_have_two_opening_balances_and_apart_again_too(tmp_path: Path) -> None:
    plain = "Customer,ARR\n{name},{arr}\n"
    come(tmp_path, "a.csv", plain.format(name="Alder", arr=12000), "2026-06-01", "crm")
    come(tmp_path, "b.csv", plain.format(name="Alder Limited", arr=4800), "2026-07-10", "billing")
    apart = months()
    client()
    lead = User.objects.get(email="lead@laer.example")
    kept, gone = Account.objects.get(name="Alder"), Account.objects.get(name="Alder Limited")
    merge = merging.merge_accounts(lead, kept.pk, gone.pk)
    passes.run_waiting_pass()
    money = ("opening_mrr", "opening_balance_mrr", "new_mrr", "expansion_mrr", "closing_mrr")
    one = months()
    assert {m: [one[m][n] for n in money] for m in ("2026-06", "2026-07")} == {
        "2026-06": [0, 1000, 0, 0, 1000], "2026-07": [1000, 400, 0, 0, 1400],
    }  # fmt: skip
    for row in one.values():
        assert _ties(row)
    merging.end_merge(lead, merge.pk)
    passes.run_waiting_pass()
    assert months() == apart
    assert SubscriptionLine.objects.filter(start_unknown=True).count() == 2


def _ties(row: dict[str, Any]) -> bool:
    gained = sum(row[f"{n}_mrr"] for n in ("opening_balance", "new", "reactivation", "expansion"))
    return bool(row["opening_mrr"] + gained - row["contraction_mrr"] - row["churn_mrr"] == row["closing_mrr"] != Decimal("NaN"))
