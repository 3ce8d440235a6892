"""Costs: from a list or a grid of months into the book, in the house's words, and nothing that was not said."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.utils import timezone

from laer.web.book.models import Cost, DirtyAccount, FieldChange, Product, QuarantinedRow
from laer.web.book.seam import view_name
from tests.cast import Cast
from tests.web.files import ACCOUNTS, sums, take_in

pytestmark = pytest.mark.django_db

LIST = (
    "Month,Motion,Kind,Amount,Currency,Customer\n"
    "2026-03,Sales,Salaries,\"12,000.50\",eur,\nApr 2026,land,commission,500,EUR,A1\n2026-04-30,Support,tools,20,,\n"
)
GRID = "Department,Category,Jan 2026,Feb 2026,Mar 2026,Total\nSales,Payroll,1000,1100,,2100\nMarketing,Ads,10,,30,40\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def entered() -> list[tuple[str, str, str, str]]:
    return [(c.month.isoformat()[:7], c.motion, c.kind, c.amount) for c in Cost.objects.order_by("month", "motion", "kind")]


def test_a_list_is_taken_in_by_the_words_that_files_use(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, costs=LIST)
    assert sums(run)["costs"] == (3, 0, 0, 0)
    assert entered() == [("2026-03", "land", "pay", "12000.50"), ("2026-04", "land", "commission", "500"), ("2026-04", "support", "tools", "20")]
    by_kind = {c.kind: c for c in Cost.objects.select_related("account")}
    assert (by_kind["pay"].currency, by_kind["pay"].account_id, by_kind["commission"].account.name) == ("EUR", None, "Bluefin")
    assert by_kind["tools"].month == date(2026, 4, 1)


def test_a_grid_gives_a_row_for_each_cell_that_says_something(tmp_path: Path) -> None:
    take_in(tmp_path, opex=GRID)
    assert entered() == [("2026-01", "land", "marketing", "10"), ("2026-01", "land", "pay", "1000"), ("2026-02", "land", "pay", "1100"),
                         ("2026-03", "land", "marketing", "30")]  # fmt: skip


def test_the_same_file_again_changes_nothing_and_a_later_one_corrects(tmp_path: Path) -> None:
    take_in(tmp_path, opex=GRID)
    assert sums(take_in(tmp_path, opex=GRID))["costs"] == (0, 0, 4, 0)
    assert sums(take_in(tmp_path, opex=GRID.replace("1100", "1200")))["costs"] == (0, 1, 3, 0)
    assert ("2026-02", "land", "pay", "1200") in entered()


def test_what_nobody_knows_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    take_in(tmp_path, costs="Month,Motion,Kind,Cost\n2026-03,Sales,Parrots,10\n2026-03,Legal,pay,10\n2026-03,Sales,pay,-5\n2026-13,Sales,tools,5\n")
    reasons = list(QuarantinedRow.objects.order_by("line").values_list("reason", flat=True))
    assert reasons[0].startswith("unknown kind 'parrots': expected pay,")
    assert reasons[1].startswith("unknown motion 'legal': expected land,")
    assert reasons[2].startswith("negative cost")
    assert "Month" in reasons[3]
    assert not Cost.objects.exists()


def test_costs_of_no_account_are_in_the_view_that_passes_read(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, costs=LIST)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "motion", "account_id" FROM "{view_name("costs")}" ORDER BY "cost_id"')
        assert [(motion, account is None) for motion, account in cursor.fetchall()] == [("land", True), ("land", False), ("support", True)]


def test_a_margin_is_a_percent_whether_it_is_written_as_one_or_as_a_share(tmp_path: Path) -> None:
    take_in(tmp_path, products="Product ID,Product name,Gross margin\nP1,Core,72.50\nP2,Plus,0.8\nP3,Free,\nP4,Odd,140\n")
    assert dict(Product.objects.values_list("name", "margin")) == {"Core": "72.5", "Plus": "80", "Free": None}
    assert QuarantinedRow.objects.get().reason == "gross margin above 100 %: 140"


# -- by hand ----------------------------------------------------------------------------------------------------------


def typed(**more: str) -> dict[str, str]:
    return {"month": "2026-03"} | {name.replace("_", "-"): text for name, text in more.items()}


def new(at: int, motion: str, kind: str, amount: str, currency: str = "USD") -> dict[str, str]:
    return {f"new-{at}-{name}": text for name, text in (("motion", motion), ("kind", kind), ("amount", amount), ("currency", currency))}


def undo_of(page: Any) -> str:
    """The address that takes the last save back, as the message of the page has it."""
    said = [str(message.extra_tags) for message in get_messages(page.wsgi_request)]
    return [tags.removeprefix("undo:") for tags in said if tags.startswith("undo:")][-1]


def test_a_month_is_entered_changed_emptied_and_taken_back(cast: Cast) -> None:
    client = cast.client("lead")
    first = client.post("/settings/costs/", typed() | new(0, "land", "pay", "12,000.50") | new(1, "support", "tools", "20"))
    assert first.status_code == 302
    assert entered() == [("2026-03", "land", "pay", "12000.50"), ("2026-03", "support", "tools", "20")]
    pay, tools = Cost.objects.order_by("id")
    second = client.post("/settings/costs/", typed(**{f"amount_{pay.pk}": "13000", f"amount_{tools.pk}": ""}))
    assert [(c.amount, c.archived_at is None) for c in Cost.objects.order_by("id")] == [("13000", True), ("20", False)]
    assert client.post(undo_of(second)).status_code == 302
    assert [(c.amount, c.archived_at is None) for c in Cost.objects.order_by("id")] == [("12000.50", True), ("20", True)]
    client.post(undo_of(first))  # what was changed and put back stands as it was made
    assert Cost.objects.filter(archived_at=None).count() == 0
    log = list(FieldChange.objects.filter(record="costs", object_id=pay.pk).order_by("id").values_list("field", "new", "user__role"))
    assert log[:3] == [("created", "2026-03 land pay 12000.50 USD", "lead"), ("amount", "13000", "lead"), ("amount", "12000.50", "lead")]
    assert DirtyAccount.objects.filter(account_id=None).count() == 4


def test_a_save_that_has_changed_since_is_not_taken_back(cast: Cast) -> None:
    client = cast.client("lead")
    first = client.post("/settings/costs/", typed() | new(0, "land", "pay", "10"))
    row = Cost.objects.get()
    second = client.post("/settings/costs/", typed(**{f"amount_{row.pk}": "11"}))
    client.post("/settings/costs/", typed(**{f"amount_{row.pk}": "12"}))
    client.post(undo_of(second))
    assert Cost.objects.get().amount == "12"
    assert cast.client("admin").post(undo_of(first)).status_code == 403  # somebody else's


def test_last_month_is_copied_where_nothing_stands_yet(cast: Cast) -> None:
    client = cast.client("admin")
    client.post("/settings/costs/", {"month": "2026-02"} | new(0, "land", "pay", "10") | new(1, "land", "tools", "5"))
    client.post("/settings/costs/", typed() | new(0, "land", "pay", "11"))
    copied = client.post("/settings/costs/copy/", typed())
    assert entered()[2:] == [("2026-03", "land", "pay", "11"), ("2026-03", "land", "tools", "5")]
    client.post(undo_of(copied))
    assert entered_now() == 3
    client.post("/settings/costs/copy/", {"month": "2026-02"})
    assert entered_now() == 3


def entered_now() -> int:
    return Cost.objects.filter(archived_at=None).count()


@pytest.mark.parametrize(("line", "said"), [
    (new(0, "land", "pay", "-5"), "expected 0 or more"),
    (new(0, "land", "pay", "a lot"), "expected a number"),
    (new(0, "", "pay", "5"), "choose both"),
    (new(0, "land", "pay", "5", "EURO"), "three letters"),
    (new(0, "land", "pay", "5") | new(1, "land", "pay", "6"), "already"),
])  # fmt: skip
def test_what_does_not_read_is_refused_whole_and_stands_in_the_form_again(cast: Cast, line: dict[str, str], said: str) -> None:
    page = cast.client("lead").post("/settings/costs/", typed() | new(2, "renew", "pay", "7") | line)
    assert page.status_code == 422
    assert said in page.context["error"]
    assert not Cost.objects.exists()
    assert "7" in [one.amount for one in page.context["fresh"]]


def test_only_admins_leads_and_finance_see_and_enter_them(cast: Cast) -> None:
    product = Product.objects.create(name="Core", created_at=timezone.now())
    for who in ("csm", "outsider", "viewer"):
        client = cast.client(who)
        assert client.get("/settings/costs/").status_code == 403
        for address, post in (("", typed() | new(0, "land", "pay", "5")), ("copy/", typed()), ("margins/", {f"margin-{product.pk}": "70"})):
            assert client.post(f"/settings/costs/{address}", post).status_code == 403
    assert not Cost.objects.exists()
    assert "/settings/costs/" in cast.client("lead").get("/settings/you/").content.decode()


def test_margins_are_entered_in_percent_and_empty_is_not_entered(cast: Cast) -> None:
    product = Product.objects.create(name="Core", created_at=timezone.now())
    client = cast.client("lead")
    saved = client.post("/settings/costs/margins/", {f"margin-{product.pk}": "72.5 %"})
    assert Product.objects.get(pk=product.pk).margin == "72.5"
    client.post("/settings/costs/margins/", {f"margin-{product.pk}": "140"})
    assert Product.objects.get(pk=product.pk).margin == "72.5"
    client.post(undo_of(saved))
    assert Product.objects.get(pk=product.pk).margin is None


def test_the_table_says_what_is_not_entered_and_the_file_has_every_row(cast: Cast) -> None:
    client = cast.client("admin")
    client.post("/settings/costs/", typed() | new(0, "land", "pay", "1200") | new(1, "land", "tools", "300", "EUR"))
    page = client.get("/settings/costs/", {"month": "2026-03"})
    at = next(i for i, one in enumerate(page.context["months"]) if one["active"])
    assert page.context["totals"][at]["title"] == "€300.00 + $1,200.00"
    assert {cell["text"] for i, cell in enumerate(page.context["totals"]) if i != at} == {""}
    rows = list(csv.DictReader(io.StringIO(client.get("/settings/costs/", {"format": "csv"}).getvalue().decode())))
    assert [(r["month"], r["motion"], r["kind"], r["amount"], r["currency"]) for r in rows] == [
        ("2026-03-01", "land", "pay", "1200", "USD"), ("2026-03-01", "land", "tools", "300", "EUR"),
    ]  # fmt: skip
    assert client.get("/settings/costs/", {"format": "xlsx"}).status_code == 200
