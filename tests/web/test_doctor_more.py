"""The doctor, grown up: each further check on a small book in which exactly that is wrong, and on one in which it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.cycle.line_checks import FEWEST, check_lines
from laer.cycle.usage_checks import STANDS
from laer.web.book.models import ImportRun, SubscriptionLine
from laer.web.people.models import Person
from laer.web.runs.doctor import Finding, columns_behind, findings, rows_behind
from laer.web.runs.doctor.internal import own_domain
from laer.web.runs.doctor.sources import Source
from tests.cast import Cast
from tests.web.files import ACCOUNTS, LINES, TICKETS, take_in

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "subscription_id,account_id,product,plan,start_date,end_date,mrr_amount,seats\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def found() -> dict[str, Finding]:
    return {f.check: f for f in findings()}


def names_behind(check: str) -> set[str]:
    return {row["account"] for row in rows_behind(check, None, limit=1_000)}


def lines(*rows: tuple[str, str, str, str, int]) -> str:
    """(subscription, account, start, end, MRR), all of one plan."""
    return "subscription_id,account_id,start_date,end_date,mrr_amount,plan\n" + "".join(f"{s},{a},{start},{end},{mrr},Pro\n" for s, a, start, end, mrr in rows)


# -- a day short ------------------------------------------------------------------------------------------------------


def test_a_line_that_goes_on_a_day_after_its_end_is_a_sign_that_the_end_is_paid(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=lines(
            ("S1", "A1", "2024-01-01", "2024-12-31", 100),
            ("S2", "A1", "2025-01-01", "", 100),
            ("S3", "A2", "2024-01-01", "2025-01-01", 80),
            ("S4", "A2", "2025-01-01", "", 80),
        ),
    )
    gaps = found()["one_day_gaps"]
    assert (gaps.count, gaps.severity, gaps.details) == (1, "warning", {"accounts": 1})
    (row,) = rows_behind("one_day_gaps", None)
    assert (row["account"], row["End"]) == ("Bluefin", date(2024, 12, 31))
    SubscriptionLine.objects.filter(end_on=date(2024, 12, 31)).update(end_on=date(2025, 1, 1))
    assert "one_day_gaps" not in found()


def test_a_day_that_another_line_of_the_account_covers_is_no_gap(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=lines(
            ("S1", "A1", "2024-01-01", "2024-12-31", 100),
            ("S2", "A1", "2025-01-01", "", 100),
            ("S3", "A1", "2024-06-01", "", 5),
            ("S5", "A2", "2024-01-01", "2024-12-30", 9),
            ("S6", "A2", "2025-01-01", "", 9),
        ),
    )
    assert "one_day_gaps" not in found()


# -- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mrr", "factor"), [(1200, "12 times"), (8, "1/12.5 times"), (10_000, "100 times"), (1_220, "12.2 times")])
def test_a_line_that_replaces_another_at_a_units_distance(tmp_path: Path, mrr: int, factor: str) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=lines(("S1", "A1", "2024-01-01", "2025-01-01", 100), ("S2", "A1", "2025-01-01", "", mrr), ("S3", "A2", "2024-01-01", "", 70)),
    )
    if mrr == 8:  # twelve and a half times is no unit: within 3 %
        assert "mrr_unit_jumps" not in found()
        return
    (row,) = rows_behind("mrr_unit_jumps", None)
    assert (row["account"], row["Start"], row["Off by"]) == ("Bluefin", date(2025, 1, 1), factor)


def test_growth_beside_lines_that_go_on_is_no_jump(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=lines(
            ("S1", "A1", "2024-01-01", "", 100),
            ("S2", "A1", "2025-01-01", "", 1_100),
            ("S3", "A2", "2024-01-01", "2025-01-01", 100),
            ("S4", "A2", "2025-01-01", "", 150),
        ),
    )
    assert "mrr_unit_jumps" not in found()


def test_one_line_far_from_what_its_plan_costs_is_an_outlier(tmp_path: Path) -> None:
    usual = [(f"S{n}", "A1", "2024-01-01", "", 90 + n % 20) for n in range(FEWEST)]
    take_in(tmp_path, accounts=ACCOUNTS, lines=lines(*usual, ("X", "A2", "2024-01-01", "", 1_300)))
    (row,) = rows_behind("mrr_outliers", None)
    assert (row["account"], row["MRR"]) == ("Kestrel", "1,300.00 USD")
    SubscriptionLine.objects.filter(mrr_num=1_300).update(mrr_num=400)  # four times is a large customer
    assert "mrr_outliers" not in found()


def test_too_few_lines_have_no_usual_price(tmp_path: Path) -> None:
    take_in(
        tmp_path, accounts=ACCOUNTS, lines=lines(*[(f"S{n}", "A1", "2024-01-01", "", 100) for n in range(FEWEST - 2)], ("X", "A2", "2024-01-01", "", 9_000))
    )
    assert "mrr_outliers" not in found()


def test_a_line_that_stands_twice_is_found_once(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=lines(
            ("S1", "A1", "2024-01-01", "", 100), ("S2", "A1", "2024-01-01", "", 100), ("S3", "A2", "2024-01-01", "", 100), ("S4", "A1", "2024-01-01", "", 101)
        ),
    )
    assert found()["lines_twice"].count == 1
    assert names_behind("lines_twice") == {"Bluefin"}


rows_of_lines = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 90)), st.sampled_from([0, 10, 120, 1_000])),
    max_size=30,
)


@settings(deadline=None, max_examples=15)
@given(rows_of_lines)
def test_a_check_names_only_lines_that_pay_and_each_once(rows: list[tuple[int, int, int, int | None, int]]) -> None:
    day = date(2024, 1, 1)
    table = pa.table(
        {
            "line_id": pa.array(range(len(rows)), pa.int64()), "account_id": pa.array([r[0] for r in rows], pa.int64()), "subscription_id": pa.array([10 * r[0] + r[1] for r in rows], pa.int64()),  # of one account
            "product_id": pa.nulls(len(rows), pa.int64()), "plan": pa.nulls(len(rows), pa.string()), "interval": pa.nulls(len(rows), pa.string()), "currency": pa.nulls(len(rows), pa.string()),
            "seats": pa.nulls(len(rows), pa.int64()), "start_on": pa.array([day + timedelta(r[2]) for r in rows], pa.date32()),
            "end_on": pa.array([None if r[3] is None else day + timedelta(r[3]) for r in rows], pa.date32()), "mrr_num": pa.array([r[4] for r in rows], pa.int64()), "mrr_den": pa.array([1] * len(rows), pa.int64()), "cuts": pa.array([True] * len(rows), pa.bool_()),
        }
    )  # fmt: skip
    for check, named in check_lines(table).items():
        assert all(rows[line][4] > 0 for line in named), check
    for line in check_lines(table)["one_day_gaps"]:
        account, _, _, end, _ = rows[line]
        assert any(r[0] == account and r[2] == (end or 0) + 1 and r[4] for r in rows)  # by hand: somebody does start on the day after


# -- usage ------------------------------------------------------------------------------------------------------------


def usage(*counts: int, account: str = "S1", start: date = date(2024, 2, 1)) -> str:
    return "".join(f"U{account}{n},{account},{start + timedelta(n)},reports,{count}\n" for n, count in enumerate(counts))


USAGE = "usage_id,subscription_id,usage_date,feature_name,usage_count\n"


def test_usage_that_stands_still_where_it_used_to_move(tmp_path: Path) -> None:
    moving = [3, 5, 4]
    take_in(
        tmp_path,
        accounts=ACCOUNTS,
        lines=LINES,
        usage=USAGE
        + usage(*moving, *[7] * STANDS)
        + usage(*moving, *[7] * (STANDS - 1), account="S3", start=date(2024, 4, 1))
        + usage(*[1] * 60, account="S2", start=date(2024, 3, 1)),
    )
    stands = found()["usage_frozen"]
    assert (stands.count, stands.details["accounts"]) == (STANDS, 1)  # one day less is none, and what never moved may be a small customer
    assert {r["account"] for r in rows_behind("usage_frozen", None, limit=100)} == {"Bluefin"}


def test_usage_that_never_moved_is_found_where_it_is_more_than_a_few_a_day(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE + usage(*[40] * STANDS) + usage(*[40] * (STANDS - 1), account="S2", start=date(2024, 3, 1)))
    assert found()["usage_frozen"].count == STANDS
    assert {r["account"] for r in rows_behind("usage_frozen", None, limit=100)} == {"Bluefin"}


def test_usage_in_another_unit(tmp_path: Path) -> None:
    usual = [20 + n % 7 for n in range(30)]
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE + usage(*usual, 21_000, 500))
    (row,) = rows_behind("usage_in_another_unit", None)
    assert row["Count"] == 21_000  # 500 is a busy day
    assert found()["usage_in_another_unit"].count == 1


# -- who is no customer -----------------------------------------------------------------------------------------------


def test_accounts_made_for_a_test(tmp_path: Path) -> None:
    names = {
        "Test": "",
        "ACME (test)": "",
        "demo-account": "",
        "Testa Motors": "testa.com",
        "Democracy Works": "dw.org",
        "Contest Co": "",
        "Alder": "https://www.example.com/",
        "Birch": "shop.test",
        "Cedar": "cedar.example",
    }
    take_in(tmp_path, accounts="account_id,account_name,domain\n" + "".join(f"A{n},{name},{domain}\n" for n, (name, domain) in enumerate(names.items())))
    assert names_behind("test_accounts") == {"Test", "ACME (test)", "demo-account", "Alder", "Birch"}


def test_our_own_firm_is_the_domain_of_most_of_our_people(tmp_path: Path) -> None:
    now = timezone.now()
    for mail in ("ann@ours.example", "bo@ours.example", "cy@gmail.com", "di@gmail.com", "ed@gmail.com", "fay@partner.example"):
        Person.objects.create(name=mail, email=mail, created_at=now)
    assert own_domain() == "ours.example"
    take_in(
        tmp_path,
        accounts="account_id,account_name,domain\nA1,Ourselves,ours.example\nA2,Our lab,lab.ours.example\nA3,Colours,colours.example\nA4,Gmail,gmail.com\n",
    )
    assert names_behind("internal_accounts") == {"Ourselves", "Our lab"}


def test_without_people_nobody_is_our_own(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    assert own_domain() is None
    assert "internal_accounts" not in found()


# -- sources ----------------------------------------------------------------------------------------------------------


def aged(run: ImportRun, days: int) -> None:
    day = timezone.now() - timedelta(days=days)
    ImportRun.objects.filter(pk=run.pk).update(created_at=day, file_date=day.date())


@pytest.mark.parametrize(
    ("ages", "late"),
    [((46,), True), ((44,), False), ((60, 30), False), ((90, 61), True), ((40, 33, 26, 13), False), ((40, 33, 26, 15), True), ((100, 100), True)],
)
def test_a_source_is_late_after_twice_its_interval_or_once_after_45_days(ages: tuple[int, ...], late: bool) -> None:
    today = timezone.localdate()
    source = Source("crm", list(range(len(ages))), [today - timedelta(a) for a in ages], [frozenset()] * len(ages))
    assert source.late(today) is late


def test_a_source_that_has_gone_quiet_is_named(tmp_path: Path) -> None:
    aged(take_in(tmp_path, source="billing", accounts=ACCOUNTS, lines=LINES), 50)
    take_in(tmp_path, source="crm", accounts=ACCOUNTS)
    stale = found()["stale_sources"]
    assert (stale.count, stale.record) == (1, "sources")
    (row,) = rows_behind("stale_sources", None)
    assert (row["Source"], row["Days ago"], row["Imports"]) == ("billing", 50, 1)


def test_a_field_that_used_to_change_and_stands_now(tmp_path: Path) -> None:
    text = "account_id,account_name,health\nA1,Bluefin,{}\nA2,Kestrel,{}\n"
    for one, two in ((50, 60), (51, 61), (52, 62), (53, 62)):  # three imports change it
        take_in(tmp_path, accounts=text.format(one, two))
    for n in range(3):
        assert "frozen_fields" not in found()
        take_in(tmp_path, accounts=text.format(53, 62) + f"A{n + 9},New {n},70\n")
    (row,) = rows_behind("frozen_fields", None)
    assert (row["Record"], row["Field"], row["Imports that changed it"], row["Imports since"]) == ("accounts", "health", 3, 3)


# -- what later exports leave out -------------------------------------------------------------------------------------


def test_rows_that_a_later_export_no_longer_contains(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS)
    assert not {check for check in found() if check.startswith("gone_")}
    take_in(tmp_path, accounts=ACCOUNTS.replace("A3,Willow,Foods,FR,2024-03-12,\n", ""), lines=LINES)
    book = found()
    assert {c: book[c].count for c in book if c.startswith("gone_")} == {"gone_accounts": 1}  # the tickets were not exported again
    (row,) = rows_behind("gone_accounts", None)
    assert (row["account"], row["Id in the source"], row["Source"]) == ("Willow", "A3", "crm")
    take_in(tmp_path, accounts=ACCOUNTS)
    assert "gone_accounts" not in found()


def test_a_list_of_what_is_new_says_nothing_about_the_rest(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    take_in(tmp_path, accounts="account_id,account_name,industry,country,signup_date,csm\nA3,Willow,Foods,FR,2024-03-12,\nA9,Newcomer,Foods,FR,2024-03-12,\n")
    assert "gone_accounts" not in found()  # one of three restated


# -- for whom ---------------------------------------------------------------------------------------------------------


def test_every_check_says_its_columns_and_its_rows(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        accounts=ACCOUNTS + "A4,Test,,,,\n",
        lines=lines(
            ("S1", "A1", "2024-01-01", "2024-12-31", 100),
            ("S2", "A1", "2025-01-01", "", 1_200),
            ("S3", "A2", "2024-01-01", "", 7),
            ("S4", "A2", "2024-01-01", "", 7),
        ),
    )
    for finding in findings():
        rows = rows_behind(finding.check, None, limit=100)
        assert len(rows) == finding.count, finding.check
        assert all(set(columns_behind(finding.check)) <= row.keys() for row in rows), finding.check


def test_an_outsider_sees_no_row_of_theirs(cast: Cast) -> None:
    cast.renewing.name = "Vantage test"
    cast.renewing.save()
    line = SubscriptionLine.objects.get(account=cast.renewing)
    line.pk = None
    line.save()
    assert {f.check for f in findings(cast.users["csm"])} >= {"test_accounts", "lines_twice"}
    assert not {"test_accounts", "lines_twice", "stale_sources"} & {f.check for f in findings(cast.users["outsider"])}
    for check in ("test_accounts", "lines_twice", "mrr_outliers", "gone_accounts"):
        assert rows_behind(check, cast.users["outsider"]) == []
        assert cast.client("outsider").get(f"/data/doctor/{check}/").context["rows"] == []
