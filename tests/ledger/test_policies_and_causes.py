"""`laer revenue` with --policy, --against, --by cause and --without-price, as a person types them."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from laer.cli import app
from laer.cli.line_file import FileRefused, read_line_file
from laer.cycle.reconcile import TOTAL, Reading, reconcile
from laer.engine.session import DuckDBSession
from laer.metrics.causes import CAUSES, NO_CAUSE
from laer.metrics.policy import load_policy, policy_names
from laer.records.periods import month_name, month_of
from tests.ledger import nasty

HEADER = "account_id,start_date,end_date,mrr,plan,product,seats,list_amount,discount_duration,status,past_due_since,currency\n"
LINES = HEADER + (
    "A,2024-01-01,2024-03-01,100,basic,core,10,100,,,,USD\n"
    "A,2024-03-01,2024-05-01,150,basic,core,15,150,,,,USD\n"  # five seats more
    "A,2024-05-01,2024-06-01,165,basic,core,15,165,,,,USD\n"  # 11 instead of 10 each
    "A,2024-06-01,2024-08-01,132,basic,core,15,165,once,,,USD\n"  # 20 % off, for a while
    "A,2024-08-01,2025-03-01,300,pro,core,15,300,,,,USD\n"  # another plan
    "A,2024-09-01,2025-03-01,50,x,addon,1,50,,,,USD\n"  # a second product
    "B,2024-01-10,2024-04-01,10,,,,,,active,,USD\n"
    "B,2024-04-01,2024-05-10,10,,,,,,paused,,USD\n"
    "B,2024-05-10,,12,,,,,,active,,USD\n"
    "C,2024-01-01,,40,,,,,,past due,2024-03-15,USD\n"
    "D,2024-01-01,2024-04-01,30,,,,,,,,USD\n"
    "D,2024-04-03,2024-04-20,30,,,,,,,,USD\n"
    "D,2024-06-01,,35,,,,,,,,USD\n"
)
MONEY = ("new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(LINES)
    return path


def run(*words: object):
    return CliRunner().invoke(app, ["revenue", *map(str, words)])


def rows(*words: object):
    told = run(*words, "--format", "csv")
    assert told.exit_code == 0, told.output
    return list(csv.DictReader(io.StringIO(told.stdout)))


# --- policies -----------------------------------------------------------------------------------------------------


def test_the_default_policy_is_the_report_without_the_option(file):
    one, two = run(file, "--format", "csv"), run(file, "--format", "csv", "--policy", "default")
    assert (one.stdout, one.stderr) == (two.stdout, two.stderr)
    assert "policy" not in one.stderr


def test_an_unknown_policy_is_an_error_that_says_what_exists(file):
    told = run(file, "--policy", "zuora")
    assert told.exit_code == 2
    assert "no policy 'zuora'; there are: default, board, chartmogul, stripe" in told.stderr
    assert run(file, "--policy", "stripe", "--against", "zuora").exit_code == 2


def test_a_figure_says_which_policy_made_it(file):
    assert "policy: stripe, version 1 (Stripe-like)" in run(file, "--policy", "stripe").stderr
    assert "with gap-days 3" in run(file, "--policy", "stripe", "--gap-days", 3).stderr


def test_an_explicit_option_wins_over_the_preset(file):
    net, event = rows(file, "--policy", "board"), rows(file, "--policy", "board", "--movements", "event")
    of = {r["month"]: r for r in event}["2024-04"]
    assert {r["month"]: r for r in net}["2024-04"]["reactivation_mrr"] == "0.00"
    assert of["reactivation_mrr"] == "30.00"
    assert "with movements event" in run(file, "--policy", "board", "--movements", "event").stderr


def test_stripe_counts_a_discount_for_a_while_at_the_list_amount(file):
    default, stripe = ({r["month"]: r for r in rows(file, "--policy", name)} for name in ("default", "stripe"))
    assert (default["2024-06"]["contraction_mrr"], stripe["2024-06"]["contraction_mrr"]) == ("33.00", "0.00")
    assert stripe["2024-08"]["expansion_mrr"] == "135.00"


def test_chartmogul_books_a_pause_as_churn_and_return(file):
    found = {r["month"]: r for r in rows(file, "--policy", "chartmogul")}
    assert found["2024-04"]["churn_mrr"] == "70.00"  # B is paused with 10; D leaves with 30 twice
    assert found["2024-05"]["reactivation_mrr"] == "12.00"


def test_board_lets_past_due_go_after_thirty_days_and_has_retention_of_a_year_only(file):
    found = rows(file, "--policy", "board")
    assert {r["month"]: r for r in found}["2024-04"]["churn_mrr"] == "70.00"  # C's 40 on 14 April and D's 30
    assert [n for n in found[0] if n.startswith("nrr")] == ["nrr_12m"]


def test_what_a_file_cannot_say_is_reported_and_not_guessed(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("account_id,start_date,end_date,mrr,list_amount,status\nA,2024-01-01,,80,100,active\nB,2024-01-01,,5,,past due\n")
    assert "1 line with a discount of unknown duration counts net" in run(path, "--policy", "stripe").stderr
    assert "1 line past due counts without limit" in run(path, "--policy", "board").stderr
    assert "duration" not in run(path).stderr
    assert "past due counts without limit" in run(path, "--against", "board").stderr


# --- reconciliation -----------------------------------------------------------------------------------------------


def test_a_reconciliation_names_account_line_and_rule(file):
    found = rows(file, "--policy", "default", "--against", "stripe")
    assert list(found[0]) == ["month", "account", "line", "measure", "rule", "name", "from", "to", "difference"]
    june = [r for r in found if r["month"] == "2024-06" and r["account"] == "A"]
    assert [(r["line"], r["measure"], r["rule"], r["name"], r["from"], r["to"], r["difference"]) for r in june] == [
        ("5", "contraction_mrr", "15", "discounts", "33.00", "0.00", "-33.00"),
        ("5", "closing_mrr", "15", "discounts", "132.00", "165.00", "33.00"),
    ]


def test_a_policy_against_itself_differs_in_nothing(file):
    assert rows(file, "--policy", "board", "--against", "board") == []


def test_the_formats_of_a_reconciliation(file):
    told = run(file, "--against", "board", "--format", "json")
    first = json.loads(told.stdout)[0]
    assert isinstance(first["rule"], int)
    assert first["account"]
    assert "against policy: board" in told.stderr
    assert run(file, "--against", "board").stdout.startswith("month")


def test_a_reconciliation_takes_no_split(file):
    assert run(file, "--against", "board", "--by", "plan").exit_code == 2


@pytest.mark.parametrize("one", policy_names())
@pytest.mark.parametrize("two", policy_names())
def test_printed_differences_sum_to_the_difference_of_the_reports(file, one, two):
    reports = [{r["month"]: r for r in rows(file, "--policy", name)} for name in (one, two)]
    sums = defaultdict(Decimal)
    for r in rows(file, "--policy", one, "--against", two):
        if r["measure"].endswith("_mrr") and r["account"] != TOTAL:
            sums[r["month"], r["measure"]] += Decimal(r["difference"])
    for month in reports[0]:
        for measure in (*MONEY, "closing_mrr"):
            assert sums[month, measure] == Decimal(reports[1][month][measure]) - Decimal(reports[0][month][measure]), (month, measure)


def differences_of(path, one, two, first, last, **options):
    def read(policy):
        found = read_line_file(path, policy, **options)
        a = found.accepted
        whole = zip(a.line, a.account, a.start, a.end, a.mrr, strict=True)
        return Reading(found.ledger_input(False), {n: (who, begun, end, ((begun, mrr),)) for n, who, begun, end, mrr in whole})

    with DuckDBSession() as session:
        return list(reconcile(session, read, one, two, month_of(first), month_of(last)))


@pytest.mark.parametrize("change", [{"end": "inclusive"}, {"gap_days": 5}, {"open_after_year": 2023}, {"movements": "net", "end": "inclusive", "gap_days": 2}])
def test_exact_differences_sum_to_those_of_the_totals(file, change):
    """With amounts that no cent can say: thirds and twelfths."""
    file.write_text(LINES.replace(",150,", ",150.333,").replace("mrr,plan", "amount,plan").replace("USD", "usd"))
    found = differences_of(file, load_policy(), load_policy("stripe").changed(**change), "2023-11", "2025-06")
    sums, totals = summed(found)
    assert sums == totals
    assert totals


@pytest.mark.parametrize("seed", range(12))
def test_exact_differences_of_nasty_files_sum_up(seed, tmp_path):
    options = nasty.write_nasty(tmp_path / "nasty.csv", seed)
    own = {k: options[k] for k in ("end", "gap_days", "movements") if k in options}
    reading = {k: Path(options[k]) if k == "fx" else options[k] for k in ("date_order", "currency", "fx") if k in options}
    one, two = load_policy("chartmogul").changed(**own), load_policy("board").changed(**(own | {"movements": "net"}))
    try:
        bounds = read_line_file(tmp_path / "nasty.csv", one, **reading).bounds()
    except FileRefused:
        return
    if bounds[0] is not None:
        sums, totals = summed(differences_of(tmp_path / "nasty.csv", one, two, month_name(bounds[0]), month_name(bounds[1]), **reading))
        assert sums == totals


def summed(differences):
    """Differences of accounts and rules per month and amount, and those of the totals; zeros left out."""
    sums, totals = defaultdict(Fraction), {}
    for d in differences:
        if d.measure.endswith("_mrr"):
            if d.setting:
                sums[d.month, d.measure] += d.difference
            else:
                totals[d.month, d.measure] = d.difference
    return {k: v for k, v in sums.items() if v}, totals


# --- causes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("movements", ["event", "net"])
@pytest.mark.parametrize("gap_days", [0, 5])
def test_causes_sum_to_the_report(file, movements, gap_days):
    words = (file, "--movements", movements, "--gap-days", gap_days)
    plain, found = rows(*words), rows(*words, "--by", "cause")
    totals = [r for r in found if r["cause"] == "TOTAL"]
    assert [{k: r[k] for k in plain[0]} for r in totals] == plain
    for total in totals:
        here = [r for r in found if r["month"] == total["month"] and r["cause"] != "TOTAL"]
        for name in MONEY:
            assert sum(Decimal(r[name]) for r in here) == Decimal(total[name])
        assert all(r["opening_mrr"] == r["closing_mrr"] == r["nrr_12m"] == "" for r in here)
        assert {r["cause"] for r in here} <= {*CAUSES, NO_CAUSE}


def test_the_causes_of_the_file(file):
    found = {(r["month"], r["cause"]): r for r in rows(file, "--by", "cause")}
    assert found["2024-03", "seats"]["expansion_mrr"] == "50.00"
    assert found["2024-05", "price"]["expansion_mrr"] == "15.00"
    assert found["2024-06", "discount"]["contraction_mrr"] == "33.00"
    assert found["2024-08", "plan"]["expansion_mrr"] == "168.00"
    assert found["2024-09", "product"]["expansion_mrr"] == "50.00"
    assert found["2024-05", "mixed"]["expansion_mrr"] == "2.00"
    assert found["2024-01", "-"]["new_mrr"] == "180.00"


@pytest.mark.parametrize("seed", range(12))
def test_causes_of_nasty_files_sum_to_the_report(seed, tmp_path):
    options = nasty.write_nasty(tmp_path / "nasty.csv", seed)
    options.pop("by", None)
    words = [w for k, v in options.items() for w in (f"--{k.rstrip('_').replace('_', '-')}", v)]
    plain, told = (run(tmp_path / "nasty.csv", *words, "--format", "csv", *more) for more in ((), ("--by", "cause")))
    assert plain.exit_code == told.exit_code
    if plain.exit_code == 0:
        report, found = list(csv.DictReader(io.StringIO(plain.stdout))), list(csv.DictReader(io.StringIO(told.stdout)))
        assert [{k: r[k] for k in report[0]} for r in found if r["cause"] == "TOTAL"] == report


def test_json_has_null_where_a_cause_has_no_level(file):
    first = json.loads(run(file, "--by", "cause", "--format", "json").stdout)[0]
    assert first["cause"] == "-"
    assert first["opening_mrr"] is None


def test_nrr_without_price_stands_at_the_end_where_asked_for(file):
    plain, found = rows(file, "--to", "2025-01"), rows(file, "--to", "2025-01", "--without-price")
    assert list(found[0]) == [*plain[0], "nrr_12m_without_price"]
    assert [{k: r[k] for k in plain[0]} for r in found] == plain
    last = found[-1]  # January 2024: 180; a year later 350 + 12 + 40 + 35 = 437, of which 15 came by price
    assert (last["nrr_12m"], last["nrr_12m_without_price"]) == ("2.427778", "2.344444")
    by_cause = rows(file, "--to", "2025-01", "--by", "cause", "--without-price")
    assert [r["nrr_12m_without_price"] for r in by_cause if r["month"] == "2025-01"][-1] == "2.344444"
