"""Opportunities from the exports of Salesforce and HubSpot: recognised without a mapping, exact, and nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from laer.web.book.models import FieldChange, Opportunity, QuarantinedRow
from tests.web.files import ACCOUNTS, sums, take_in

pytestmark = pytest.mark.django_db

SALESFORCE = (
    "Opportunity ID,Opportunity Name,Account ID,Account Name,Type,Stage,Amount,Close Date,Created Date,Lead Source,Opportunity Owner,Contract Term\n"
    '006A,Bluefin platform,A1,Bluefin,New Business,Closed Won,"30,000.00",2024-01-10,2023-11-02,Web,Ines Carvalhal,36\n'
    "006B,Bluefin seats,A1,Bluefin,Existing Customer - Upgrade,Negotiation/Review,2000,2024-06-28,2024-02-01,,Ines Carvalhal,\n"
    "006C,Kestrel platform,A2,Kestrel,New Business,Closed Lost,9000,2024-03-05,2024-01-20,Partner,Brett Callister,12\n"
    "006D,Kestrel again,A2,Kestrel,Existing Business,Closed Won,700,2024-05-05,2024-04-20,Partner,Brett Callister,\n"
)
HUBSPOT = (
    "Record ID,Deal Name,Deal Stage,Pipeline,Deal owner,Amount,Close Date,Create Date,Associated Company,Deal Type\n"
    "9001,Willow platform,closedwon,Sales Pipeline,Ann,1000,2024-03-01 10:22,2024-01-01 09:00,Willow,newbusiness\n"
    "9002,Willow more,appointmentscheduled,Sales Pipeline,Ann,,,2024-04-01 09:00,Willow,newbusiness\n"
)
OWN_STAGES = (
    "Opportunity ID,Account ID,Stage,ARR,Close Date,Closed,Won\n"
    "1,A1,Ink is dry,100,2024-01-01,1,1\n2,A1,Ink is wet,200,2024-01-01,0,0\n3,A1,Paper burnt,300,2024-01-01,1,0\n"
)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def reasons() -> list[str]:
    return list(QuarantinedRow.objects.order_by("line").values_list("reason", flat=True))


def test_a_salesforce_report_is_taken_in_as_it_comes(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, report=SALESFORCE)
    assert sums(run)["opportunities"] == (4, 0, 0, 0)
    won, open_, lost, unclear = Opportunity.objects.order_by("id")
    assert (won.account.name, won.name, won.motion, won.stage, won.status) == ("Bluefin", "Bluefin platform", "land", "Closed Won", "won")
    assert (won.arr_num, won.arr_den, won.amount_basis, Decimal(won.amount or 0)) == (10_000, 1, "term", 30_000)  # over 36 months
    assert (won.closed_on, won.expected_on, won.created_on) == (date(2024, 1, 10), None, date(2023, 11, 2))
    assert (won.owner, won.lead_source) == ("Ines Carvalhal", "Web")
    assert (open_.status, open_.motion, open_.closed_on, open_.expected_on) == ("open", "expand", None, date(2024, 6, 28))
    assert (open_.arr_num, open_.amount_basis) == (2_000, "year")  # no term: a year's
    assert (lost.status, lost.closed_on) == ("lost", date(2024, 3, 5))
    assert (unclear.motion, unclear.custom["_motion"]) == (None, "Existing Business")  # grown or renewed: the word does not say


def test_a_hubspot_export_names_companies_and_internal_stages(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, deals=HUBSPOT)
    won, open_ = Opportunity.objects.order_by("id")
    assert (won.account.name, won.status, won.motion, won.closed_on, won.arr_num) == ("Willow", "won", "land", date(2024, 3, 1), 1_000)
    assert (open_.status, open_.amount, open_.arr_num, open_.amount_basis) == ("open", None, None, None)


def test_a_firms_own_stages_are_told_by_closed_and_won(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, opportunities=OWN_STAGES)
    assert list(Opportunity.objects.order_by("id").values_list("stage", "status")) == [("Ink is dry", "won"), ("Ink is wet", "open"), ("Paper burnt", "lost")]


def test_a_stage_that_nobody_knows_is_set_aside_not_guessed(tmp_path: Path) -> None:
    rows = "Opportunity ID,Account ID,Stage,ARR,Close Date,Type,Term Months\n"
    rows += "1,A1,Ink is dry,100,2024-01-01,land,\n2,A1,Closed Won,100,,land,\n3,A1,Won,-5,2024-01-01,land,\n4,A1,Won,5,2024-01-01,land,0\n5,A1,,5,2024-01-01,land,\n"
    take_in(tmp_path, accounts=ACCOUNTS, opportunities=rows)
    assert not Opportunity.objects.exists()
    assert reasons() == [
        "unknown stage 'ink is dry': expected a word for open, won or lost, or columns Won and Closed",
        "won without a close date", "negative amount", "term is not above 0 months", "empty stage",
    ]  # fmt: skip


def test_an_unknown_motion_is_set_aside_and_a_mrr_and_a_third_stay_exact(tmp_path: Path) -> None:
    head = "Opportunity ID,Account ID,Stage,{},Close Date,Type{}\n"
    take_in(tmp_path / "a", accounts=ACCOUNTS, opportunities=head.format("MRR", "") + "1,A1,Won,83.35,2024-01-01,upsell\n2,A1,Won,1,2024-01-01,land\n3,A1,Won,1,2024-01-01,Replatforming\n")
    take_in(tmp_path / "b", opportunities=head.format("Amount", ",Term") + "9,A1,Won,1000,2024-01-01,expand,36\n")
    take_in(tmp_path / "c", opportunities=head.format("Total Contract Value", "") + "10,A1,Won,1000,2024-01-01,expand\n")
    assert list(Opportunity.objects.order_by("id").values_list("arr_num", "arr_den", "amount_basis")) == [(5001, 5, "mrr"), (12, 1, "mrr"), (1000, 3, "term")]
    assert reasons() == ["total contract value without a term", "unknown motion 'replatforming': expected land, expand or renew"]


def test_an_opportunity_that_is_won_later_changes_in_place(tmp_path: Path) -> None:
    take_in(tmp_path / "before", accounts=ACCOUNTS, report=SALESFORCE)
    run = take_in(tmp_path / "after", report=SALESFORCE.replace("Negotiation/Review,2000,2024-06-28", "Closed Won,2400,2024-06-20"))
    assert sums(run)["opportunities"] == (0, 1, 3, 0)
    row = Opportunity.objects.get(name="Bluefin seats")
    assert (row.status, row.closed_on, row.arr_num) == ("won", date(2024, 6, 20), 2_400)
    changed = FieldChange.objects.filter(record="opportunities", object_id=row.pk).values_list("field", "old", "new")
    assert ("status", "open", "won") in changed
