"""The pages of the land lookback, of adoption before renewals, and of the cost of each motion: what they say of a small firm, to whom, and as files."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from laer.web.book.models import Account, Contract
from laer.web.runs import passes
from tests.cast import Cast, add_account, add_line, on_stage
from tests.standing import stands

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


@pytest.fixture
@stands
def firm() -> Cast:
    """Beside the cast: one that left within a year of landing, and one that renewed."""
    cast = on_stage()
    today, now = cast.today, timezone.now()
    short = add_account("Thistle Press", cast.people["csm"])
    add_line(short, today - timedelta(days=300), today - timedelta(days=200), 900, ended_because="cancelled")
    renewed = add_account("Larch Logistics", cast.people["csm"])
    add_line(renewed, today - timedelta(days=500), None, 1_500)
    for begin, end in ((500, 135), (135, -230)):
        Contract.objects.create(
            account=renewed, name=f"Larch {begin}", start_on=today - timedelta(days=begin), end_on=today - timedelta(days=end),
            signed_on=today - timedelta(days=begin), auto_renews=False, created_at=now,
        )  # fmt: skip
    passes.start_pass()
    return cast


def file(cast: Cast, part: str, address: str) -> list[dict[str, str]]:
    answer: Any = cast.client(part).get(address)
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_the_lookback_lists_who_landed_and_leaves_the_others_book_out(firm: Cast) -> None:
    page = firm.client("csm").get("/land/lookback/")
    assert page.status_code == 200
    rows = {int(row["account_id"]): row for row in file(firm, "csm", "/land/lookback/?format=csv")}
    short, larch = (Account.objects.get(name=name) for name in ("Thistle Press", "Larch Logistics"))
    assert {short.pk, larch.pk, firm.renewing.pk} <= rows.keys()
    assert firm.others.pk not in rows
    assert (rows[short.pk]["left_on"], Decimal(rows[short.pk]["first_arr"])) == ((firm.today - timedelta(days=200)).isoformat(), 10_800)
    assert (rows[larch.pk]["left_on"], rows[larch.pk]["days_of_use_90"], rows[larch.pk]["not_earned_back"]) == ("", "", "")  # unknown, never 0
    assert [int(row["account_id"]) for row in file(firm, "outsider", "/land/lookback/?format=csv")] == [firm.others.pk]


def test_adoption_before_renewals_says_that_no_usage_is_known_and_never_zero(firm: Cast) -> None:
    page = firm.client("csm").get("/renewals/adoption/")
    assert page.status_code == 200
    assert "Not enough yet: 0 settled renewals with high adoption" in page.context["sentence"]
    larch = Account.objects.get(name="Larch Logistics")
    row = next(row for row in file(firm, "csm", "/renewals/adoption/?format=csv") if int(row["account_id"]) == larch.pk)
    assert (row["band"], row["result"], row["days_of_use"], Decimal(row["due_arr"])) == ("unknown", "signed", "", 18_000)
    assert file(firm, "outsider", "/renewals/adoption/?format=csv") == []


def test_the_cost_of_each_motion_is_for_finance_lead_and_admin_alone(firm: Cast) -> None:
    assert firm.client("lead").get("/costs/").status_code == 200
    for part in ("csm", "viewer", "outsider"):
        assert firm.client(part).get("/costs/").status_code == 403
