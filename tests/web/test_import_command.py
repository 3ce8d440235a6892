"""`laer import` says what ends and amounts mean, and which default it took where nothing says it: it never asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from laer.cli.readings import readings
from laer.web.book import importing
from laer.web.book.answering import answer
from tests.web.files import write

pytestmark = pytest.mark.django_db
UNCLEAR = (
    "customer,subscription_id,start_date,end_date,price,quantity\nAcme,S1,2024-01-05,2024-06-14,100,5\nAcme,S2,2024-06-15,2024-09-03,120,5\n"
    "Bolt,S3,2024-02-01,2024-07-19,90,3\nBolt,S4,2024-07-19,,95,3\n"
)


def said(tmp_path: Path, text: str, **answers: str) -> list[str]:
    run = importing.begin_import(write(tmp_path, lines=text), source="crm")
    answer(run, answers)
    return list(readings(run.files.get().mapping))


def test_a_default_is_a_warning_with_the_option_that_changes_it(tmp_path: Path) -> None:
    end, effect, of, per = said(tmp_path, UNCLEAR)
    assert end.startswith("warning: nothing says whether end_date is paid for; it is read as the first unpaid day. Say it with --end")
    assert "1 of 2 successors start on the day after the end" in end
    assert "1 one-day gap" in effect
    assert (of.startswith("warning:"), "--amount-of line or --amount-of unit" in of) == (True, True)
    assert (per.startswith("warning:"), "--amount-is annual" in per) == (True, True)


def test_an_option_is_an_answer(tmp_path: Path) -> None:
    end, amount = said(tmp_path, UNCLEAR, end="inclusive", interval="annual", amount_of="unit")
    assert end.startswith("end_date: the end is the last paid day, as said.")
    assert amount.startswith("price: the price of one unit, for a year.")


def test_what_the_file_shows_is_said_with_its_evidence(tmp_path: Path) -> None:
    text = "customer,start_date,end_date,mrr,amount\n" + "".join(f"A{i},2024-01-01,2024-12-31,10,{120 if i else 99}\nA{i},2025-01-01,,12,144\n" for i in range(6))
    end, amount = said(tmp_path, text)
    assert end.startswith("end_date: the end is the last paid day. 6 of 6 successors start on the day after the end")
    assert amount.startswith("amount: held against mrr, which counts. Read as the total for a year, it agrees with mrr in 11 of 12 rows; 1 disagree")


def test_dates_in_two_orders_are_set_aside_until_the_order_is_said(tmp_path: Path) -> None:
    text = "customer,subscription_id,start_date,mrr\nA,S1,25/04/2024,10\nB,S2,04/26/2024,10\nC,S3,05/06/2024,10\n"
    run = importing.begin_import(write(tmp_path, lines=text), source="crm")
    assert run.files.get().mapping["undecided"] == ["start_date"]
    (shown,) = importing.preview_import(run).values()
    assert shown.counts["subscription_lines"]["rejected"] == 1  # the one that can be read in two ways
    answer(run, {"date_order": "dmy"})
    run.refresh_from_db()
    (shown,) = importing.preview_import(run).values()
    assert [reject["reason"] for reject in shown.rejects] == ["unreadable date in start_date: '04/26/2024'"]
