"""Ledgers small enough to work out on paper, asked of the witness and of the command alike."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ledger import fuzz, oracle  # noqa: E402, RUF100


@pytest.fixture(params=["oracle", "command"])  # the command in this process; one test types it
def ask(request, tmp_path):
    """ask(text, **options) -> (rows by month, or by value and month; reject counts; error or not)."""
    if request.param == "command" and not fuzz.command_exists():
        pytest.skip("this checkout has no `laer revenue` yet")

    def asked(text, *, cohorts=False, rates=None, **options):
        path = tmp_path / "lines.csv"
        path.write_text(text, encoding="utf-8")
        if rates:
            (tmp_path / "rates.csv").write_text(rates, encoding="utf-8")
            options["fx"] = str(tmp_path / "rates.csv")
        if request.param == "oracle":
            report = oracle.report(path, **options)
            rows, counts, failed = report.cohorts if cohorts else report.rows, report.reject_counts, bool(report.error)
        else:
            words = fuzz.arguments(path, options, *(["--cohorts"] if cohorts else []))
            got = fuzz.run_command(words)
            assert got.exit_code in (0, 2), got.stderr
            rows, counts, failed = got.rows, got.reject_counts, got.exit_code == 2
        keys = ["cohort", "months_since"] if cohorts else [*([options["by"]] if "by" in options else []), "month"]
        return {tuple(row[key] for key in keys) if len(keys) > 1 else row["month"]: row for row in rows}, counts, failed

    return asked


def test_the_command_as_typed_says_what_it_says_in_this_process(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("account_id,start_date,end_date,mrr\nA,2024-01-15,2024-03-10,100\nB,,2024-03-10,100\n", encoding="utf-8")
    typed, here = (fuzz.run_command(fuzz.arguments(path, {}), in_process=here) for here in (False, True))
    assert (typed.exit_code, typed.rows, typed.reject_counts) == (here.exit_code, here.rows, here.reject_counts)
    assert len(typed.rows) == 3
    assert len(typed.reject_counts) == 1


def holds(row, **expected):
    assert {name: row[name] for name in expected} == expected


def test_an_account_comes_pays_and_goes(ask):
    # 100 a month from 15 January; 10 March is the first unpaid day, so the last paid day lies in March.
    rows, rejects, _ = ask("account_id,start_date,end_date,mrr\nA,2024-01-15,2024-03-10,100\n")
    assert list(rows) == ["2024-01", "2024-02", "2024-03"]
    assert not rejects
    holds(
        rows["2024-01"],
        opening_mrr="0.00",
        new_mrr="100.00",
        closing_mrr="100.00",
        new_accounts="1",
        opening_accounts="0",
    )
    # nothing opened, nothing lost: the rates have no denominator, the quick ratio neither
    holds(
        rows["2024-01"],
        gross_mrr_churn_rate="",
        logo_churn_rate="",
        quick_ratio="",
        nrr_1m="",
        arr="1200.00",
        arpa="100.00",
    )
    holds(rows["2024-02"], opening_mrr="100.00", closing_mrr="100.00", nrr_1m="1.000000", grr_1m="1.000000", nrr_3m="")
    holds(rows["2024-03"], churn_mrr="100.00", churns="1", accounts_lost="1", closing_accounts="0", arpa="")
    # churn 100 / opening 100 = 1; gains 0 / losses 100 = 0; of January's close nothing is left
    holds(rows["2024-03"], gross_mrr_churn_rate="1.000000", quick_ratio="0.000000", nrr_1m="0.000000", nrr_3m="")


def test_the_last_paid_day_may_be_written_instead(ask):
    # Read as the last paid day, 31 January leads to 1 February as the first unpaid one: churn in February, but no
    # paid day there, so January is the last month by default and --to shows February.
    text = "account_id,start_date,end_date,mrr\nA,2024-01-01,2024-01-31,100\n"
    rows, _, _ = ask(text, end="inclusive", to="2024-02")
    holds(rows["2024-01"], closing_mrr="100.00", churn_mrr="0.00")
    holds(rows["2024-02"], churn_mrr="100.00", closing_mrr="0.00")
    assert list(ask(text, end="inclusive")[0]) == ["2024-01"]
    # Exclusive, 31 January is already unpaid: all within January.
    holds(ask(text)[0]["2024-01"], new_mrr="100.00", churn_mrr="100.00", closing_mrr="0.00")


def test_a_switch_on_one_day_is_expansion(ask):
    # 100 ends on 1 February, 150 begins on it: +50, no churn. 50 / 100: net churn -0.5, NRR 1.5, GRR capped at 1.
    rows, _, _ = ask(
        "account_id,start_date,end_date,mrr,plan\nA,2024-01-01,2024-02-01,100,basic\nA,2024-02-01,,150,pro\n"
    )
    holds(rows["2024-02"], expansion_mrr="50.00", expansions="1", churn_mrr="0.00", reactivation_mrr="0.00")
    holds(rows["2024-02"], net_mrr_churn_rate="-0.500000", nrr_1m="1.500000", grr_1m="1.000000")


def test_a_year_is_twelve_months_and_rounding_comes_last(ask):
    # 1000 / 12 = 83.333…; its ARR is 1000.00, not 12 x 83.33 = 999.96. Three such accounts: 250.00.
    head = "account_id,start_date,end_date,amount,interval\n"
    rows, _, _ = ask(head + "A,2024-01-01,,1000,annual\n")
    holds(rows["2024-01"], closing_mrr="83.33", arr="1000.00")
    rows, _, _ = ask(head + "".join(f"{name},2024-01-01,,1000,annual\n" for name in "ABC"))
    holds(rows["2024-01"], closing_mrr="250.00", arpa="83.33")
    # 120/3 + 60 x 52/12 + 1 x 365/12 + 10/5 = 40 + 260 + 30.41666… + 2 = 332.41666…; a year of it is 3989.00
    rows, _, _ = ask(head + "A,2024-01-01,,120,Quarterly\nA,2024-01-01,,60,weekly\n"
                     "A,2024-01-01,,1,daily\nA,2024-01-01,,10,every 5 months\n")  # fmt: skip
    holds(rows["2024-01"], closing_mrr="332.42", arr="3989.00")
    # half to even: 0.125 -> 0.12, 0.375 -> 0.38; a column called MRR is never divided
    rows, _, _ = ask("account_id,start_date,mrr,interval\nA,2024-01-01,0.125,annual\nB,2024-02-01,0.25,annual\n")
    holds(rows["2024-01"], closing_mrr="0.12")
    holds(rows["2024-02"], opening_mrr="0.12", closing_mrr="0.38")


def test_a_gap_is_bridged_up_to_its_last_day(ask):
    # Unpaid from 10 to 19 February: ten days. Bridged at 100, the return at 130 on the 20th is +30 of expansion.
    text = "account_id,start_date,end_date,mrr\nA,2024-01-01,2024-02-10,100\nA,2024-02-20,,130\n"
    rows, _, _ = ask(text, gap_days=10)
    holds(rows["2024-02"], expansion_mrr="30.00", churn_mrr="0.00", reactivation_mrr="0.00", accounts_lost="0")
    # Nine are not enough: churn of 100, reactivation of 130, one opening account lost although it is back at the close.
    rows, _, _ = ask(text, gap_days=9)
    holds(
        rows["2024-02"],
        churn_mrr="100.00",
        reactivation_mrr="130.00",
        churns="1",
        accounts_lost="1",
        closing_mrr="130.00",
    )
    # logo churn 1/1; losses 100/100; net (100 - 130)/100; left and returned counts as kept: 130/100
    holds(
        rows["2024-02"],
        logo_churn_rate="1.000000",
        net_mrr_churn_rate="-0.300000",
        nrr_1m="1.300000",
        grr_1m="1.000000",
    )


def test_an_account_that_starts_and_stops_within_a_month(ask):
    # Events show new 80 and churn 80; net shows nothing. When it is back in March it has paid before: a reactivation.
    # Nobody opened the month, so the flash customer is a churn but no account lost.
    text = "account_id,start_date,end_date,mrr\nA,2024-01-05,2024-01-20,80\nA,2024-03-01,,90\n"
    rows, _, _ = ask(text)
    holds(rows["2024-01"], new_mrr="80.00", churn_mrr="80.00", churns="1", accounts_lost="0", quick_ratio="1.000000")
    rows, _, _ = ask(text, movements="net")
    holds(rows["2024-01"], new_mrr="0.00", churn_mrr="0.00", new_accounts="0", quick_ratio="")
    holds(rows["2024-03"], new_mrr="0.00", reactivation_mrr="90.00", reactivated_accounts="1")


def test_net_movements_set_the_close_against_the_opening(ask):
    # In February A goes 100 -> 70 -> 120 (net +20) and B goes 50 -> 0 -> 40 (net -10, no churn, not lost).
    text = (
        "account_id,start_date,end_date,mrr\n"
        "A,2024-01-01,2024-02-05,100\nA,2024-02-05,2024-02-20,70\nA,2024-02-20,,120\n"
        "B,2024-01-01,2024-02-03,50\nB,2024-02-25,,40\n"
    )
    rows, _, _ = ask(text, movements="net")
    holds(rows["2024-02"], expansion_mrr="20.00", contraction_mrr="10.00", churn_mrr="0.00", accounts_lost="0")
    # NRR (120 + 40) / 150 = 1.0666…, GRR (100 + 40) / 150 = 0.9333…
    holds(rows["2024-02"], nrr_1m="1.066667", grr_1m="0.933333")
    # by events: A -30 and +50, B churns 50 and returns with 40
    rows, _, _ = ask(text)
    holds(rows["2024-02"], expansion_mrr="50.00", contraction_mrr="30.00", churn_mrr="50.00", reactivation_mrr="40.00")
    holds(rows["2024-02"], accounts_lost="1", nrr_1m="1.066667", grr_1m="0.933333", quick_ratio="1.125000")


def test_each_bad_row_counts_once_under_its_first_reason(ask):
    rows, rejects, _ = ask(
        "account_id,start_date,end_date,amount,interval,currency,status,subscription_id\n"
        "A,2024-01-01,2024-02-01,10,monthly,USD,active,S1\n"
        "A,2024-01-01,2024-02-01, 10,monthly,USD,active,S1\n"  # equal as trimmed text
        "A,2024-01-01,2024-02-01,11,monthly,USD,active,S1\n"  # same id, another amount: counts
        "A,,,NaN,,USD,,S2\n"  # no start, and no number: the date comes first
        "A,2024-01-01,,NaN,,USD,,S3\n"
        "A,2024-01-02,2024-01-01,-5,,USD,,S4\n"
        "A,2024-01-01,2024-01-01,-5,,USD,,S5\n"  # end = start is in order, so the minus is what is wrong
        " ,2024-01-01,,5,,USD,,S6\n"
        "A,2024-01-01,,5,,USD,cancelled,S7\n"
        "A,2024-01-01,,5,,USD,zombie,S8\n"
        "A,2024-01-01,,5,per moon,USD,Past Due,S9\n"
        "A,2024-01-01,,5,,USD,Trialing,S10\n"  # accepted at 0
    )
    assert rejects == {
        "unreadable date": 1,
        "unreadable amount": 1,
        "end before start": 1,
        "negative MRR": 1,
        "empty account id": 1,
        "cancelled without date": 1,
        "unknown status": 1,
        "unknown interval": 1,
        "duplicate row": 1,
    }
    assert list(rejects)[:2] == ["unreadable date", "unreadable amount"]
    holds(rows["2024-01"], closing_mrr="21.00", new_accounts="1")


def test_one_rate_per_currency(ask):
    # 10 EUR at 1.1 = 11 and 5 USD: 16. The franc has no rate. An empty currency is the report's.
    text = "account_id,start_date,mrr,currency\nA,2024-01-01,10,EUR\nB,2024-01-01,5,usd\nC,2024-01-01,9,CHF\nD,2024-01-01,1,\n"
    rows, rejects, _ = ask(text, rates="currency,rate\nUSD,1\nEUR,1.1\n")
    holds(rows["2024-01"], closing_mrr="17.00", closing_accounts="3", arpa="5.67")
    assert rejects == {"currency without a rate": 1}
    assert ask(text)[2], "several currencies and no word on which: an error"
    yen = "account_id,start_date,mrr,currency\nA,2024-01-01,1000.5,JPY\n"
    holds(ask(yen)[0]["2024-01"], closing_mrr="1000", arr="12006")  # half to even, no decimals; 12 x 1000.5
    assert ask(yen, currency="EUR")[2], "one other currency and no table: an error"


def test_the_order_of_day_and_month_is_decided_over_the_file(ask):
    # 13/02 can only be a day first, so 01/02 is the first of February.
    rows, _, _ = ask("account_id,start_date,end_date,mrr\nA,01/02/2024,,10\nB,13/02/2024,,5\n")
    holds(rows["2024-02"], new_mrr="15.00")
    doubtful = "account_id,start_date,end_date,mrr\nA,01/02/2024,,10\n"
    assert ask(doubtful)[2], "nothing decides: an error"
    assert list(ask(doubtful, date_order="mdy")[0]) == ["2024-01"]


def test_what_moves_between_plans_enters_and_leaves(ask):
    # 1 February: basic 100 -> 0, pro 0 -> 130, so the account rises by 30. Of pro's 130, 30 is expansion and 100 enters;
    # basic's 100 leaves. B stays on basic with 40.
    rows, _, _ = ask(
        "account_id,start_date,end_date,mrr,plan\nA,2024-01-01,2024-02-01,100,basic\n"
        "A,2024-02-01,,130,pro\nB,2024-01-01,,40,basic\n",
        by="plan",
    )
    holds(
        rows["basic", "2024-02"], opening_mrr="140.00", leaving_mrr="100.00", entering_mrr="0.00", closing_mrr="40.00"
    )
    holds(rows["basic", "2024-02"], contraction_mrr="0.00", churns="0", accounts_lost="0", opening_accounts="2")
    holds(rows["pro", "2024-02"], expansion_mrr="30.00", expansions="1", entering_mrr="100.00", closing_mrr="130.00")
    # The value at the window's opening decides: basic's cohort is A and B, (130 + 40) / 140; pro had none.
    holds(rows["basic", "2024-02"], nrr_1m="1.214286", grr_1m="1.000000")
    holds(rows["pro", "2024-02"], nrr_1m="", gross_mrr_churn_rate="")
    holds(
        rows["TOTAL", "2024-02"],
        expansion_mrr="30.00",
        entering_mrr="100.00",
        leaving_mrr="100.00",
        closing_mrr="170.00",
    )


def test_cohorts_count_from_the_first_paying_month(ask):
    # A and B begin in January, B is gone on 10 February; C has a free month and first pays in February.
    rows, _, _ = ask(
        "account_id,start_date,end_date,mrr\nA,2024-01-01,2024-03-31,100\nB,2024-01-20,2024-02-10,50\n"
        "C,2024-01-01,2024-02-01,0\nC,2024-02-01,2024-03-01,30\n",
        cohorts=True,
    )
    figures = {key: (row["accounts"], row["mrr"]) for key, row in rows.items()}
    assert figures == {
        ("2024-01", "0"): ("2", "150.00"),
        ("2024-01", "1"): ("1", "100.00"),
        ("2024-01", "2"): ("0", "0.00"),  # 31 March is unpaid: nobody is there at the close
        ("2024-02", "0"): ("1", "30.00"),
        ("2024-02", "1"): ("0", "0.00"),
    }
