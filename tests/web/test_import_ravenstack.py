"""The main import on real input: five files, no mapping, nothing lost, every inconsistency counted.

The numbers are those of shared/data/README.md. The book is made once for the module; the tests run in the order they stand in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from laer.cycle.scope import Scope
from laer.records.periods import day_number, month_number
from laer.web.book import importing, usage
from laer.web.book.models import MODELS, ExternalId, FieldChange, ImportRun, QuarantinedRow
from laer.web.book.undo import undo_import
from laer.web.people.models import User
from laer.web.runs import desk, passes, revenue
from laer.web.runs.contradictions import contradictions
from laer.web.runs.doctor import findings, rows_behind
from tests.emptied import as_migrated
from tests.web.files import state_of_book, sums

DATA = Path(os.environ.get("LAER_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "ravenstack"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the data folder is not here")
WHOLE = {"accounts": 500, "subscriptions": 5_000, "subscription_lines": 5_000, "tickets": 2_000, "churn_events": 600, "usage_days": 25_000}
COUNTED = {
    "usage_outside_life": 19_434, "tickets_before_sign_up": 1_077, "usage_repeated_ids": 21, "zero_mrr_trials": 778,
    "accounts_flagged_churned": 110, "accounts_with_churn_events": 352, "flag_and_events": 75,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def imported(django_db_setup: None, django_db_blocker: pytest.FixtureDef, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImportRun]:  # type: ignore[type-arg]
    """Committed for the whole module: the doctor reads the book through a connection of its own."""
    before = os.environ.get("LAER_LAKE")
    os.environ["LAER_LAKE"] = str(tmp_path_factory.mktemp("ravenstack") / "lake")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        run = importing.run_import(importing.begin_import([(DATA.name, DATA)], source="files"))
        yield run
        as_migrated()
    if before is None:
        del os.environ["LAER_LAKE"]
    else:
        os.environ["LAER_LAKE"] = before


def test_every_row_is_taken_in(imported: ImportRun) -> None:
    assert {record: counts[0] for record, counts in sums(imported).items()} == WHOLE
    assert {counts[1:] for counts in sums(imported).values()} == {(0, 0, 0)}
    assert not QuarantinedRow.objects.exists()
    assert {record: MODELS[record].objects.count() for record in WHOLE if record in MODELS} == {r: n for r, n in WHOLE.items() if r in MODELS}
    assert usage.lake().total("usage_days") == 25_000


def test_no_column_is_dropped_in_silence(imported: ImportRun) -> None:
    ignored = {
        (f.record, header): f.mapping["reasons"][header] for f in imported.files.all() for header, target in f.mapping["columns"].items() if target is None
    }
    assert ignored == {("usage_days", "is_beta_feature"): "left out: usage keeps no custom fields"}
    account = MODELS["accounts"].objects.get(name="Company_0")
    assert account.custom == {"plan_tier": "Basic", "seats": 9, "is_trial": False}  # type: ignore[attr-defined]


def test_the_doctor_counts_what_the_legend_counts(imported: ImportRun) -> None:
    found = {f.check: f for f in findings()}
    assert {check: found[check].count for check in COUNTED} == COUNTED
    labels = found["contradictory_labels"]
    assert (labels.severity, labels.details["flagged"], labels.details["with_events"], labels.details["both"]) == ("error", 110, 352, 75)
    assert found["usage_repeated_ids"].details["rows"] == 42
    assert {check: found[check].count for check in ("flagged_churned_but_paying", "missing_owner", "missing_contract", "missing_renewal_date")} == {
        "flagged_churned_but_paying": 110, "missing_owner": 500, "missing_contract": 500, "missing_renewal_date": 500,
    }  # fmt: skip
    assert "amount_against_mrr" not in found  # ARR is twelve times MRR on every line
    assert not {"duplicate_keys", "references_nothing", "ticket_closed_before_opened", "lines_before_sign_up"} & found.keys()


def test_the_rows_behind_each_finding_are_as_many_as_it_says(imported: ImportRun) -> None:
    for finding in findings():
        rows = rows_behind(finding.check, None, limit=30_000)
        if finding.check == "usage_repeated_ids":
            assert (len(rows), len({r["Usage id"] for r in rows})) == (42, 21)
        else:
            assert len(rows) == finding.count, finding.check
        assert all(r["account"] for r in rows)


def test_what_is_clean_is_not_found_dirty(imported: ImportRun) -> None:
    """The further checks: seven lines say the same as another of their account, and nothing else is wrong with units, days or names."""
    found = {f.check: f.count for f in findings()}
    quiet = ("one_day_gaps", "mrr_unit_jumps", "mrr_outliers", "usage_frozen", "usage_in_another_unit", "test_accounts", "internal_accounts", "stale_sources", "frozen_fields")
    assert found["lines_twice"] == 7
    assert not {*quiet} & found.keys()
    assert not [check for check in found if check.startswith("gone_")]


def test_the_contradiction_stands_on_the_figure_with_its_effect(imported: ImportRun) -> None:
    """Story 5: beside NRR 292 % stands that 352 accounts have churn events, and what NRR and MRR are if the events are right."""
    run = passes.start_pass(date(2024, 12, 31))
    month = month_number(date(2024, 12, 1))
    user = User.objects.create_user("lead@laer.example", role="lead")
    shown = revenue.summed(revenue.ledger_of(run, Scope(True)).months(month, month))
    found = {one.id: one for one in contradictions(user, run, month, month, basis="lines", work_out=True)}
    assert (shown["closing_mrr"], round(float(shown["nrr_12m"] or 0), 3)) == (10_159_608, 2.923)
    events = found["churn_events"]
    assert events.mark == "352 accounts have churn events"
    effect = events.ways[0].effect
    assert effect is not None
    assert (effect["closing_mrr"], round(float(effect["nrr_12m"]), 2), effect["accounts_lost"]) == (6_287_539, 1.78, 60)
    assert found["lines_twice"].ways[0].effect["closing_mrr"] == 10_148_553  # type: ignore[index]
    user.delete()


def test_facts_are_what_a_witness_counts_in_the_files(imported: ImportRun) -> None:
    """Counted again in pandas from the bytes: tickets, open tickets, satisfaction, use, features and MRR at two dates."""
    import pandas as pd

    run = passes.start_pass(date(2024, 12, 31))
    number = dict(zip(*zip(*((e.external_id, e.object_id) for e in ExternalId.objects.filter(record="accounts")), strict=True), strict=True))
    files = {name: pd.read_csv(DATA / f"ravenstack_{name}.csv") for name in ("support_tickets", "feature_usage", "subscriptions")}
    days = {name: pd.to_datetime(files[table][column], format="mixed", dayfirst=True) for name, table, column in (
        ("opened", "support_tickets", "submitted_at"), ("closed", "support_tickets", "closed_at"), ("used", "feature_usage", "usage_date"),
        ("start", "subscriptions", "start_date"), ("end", "subscriptions", "end_date"))}  # fmt: skip
    owner = files["subscriptions"].set_index("subscription_id")["account_id"]
    usage_of = files["feature_usage"].assign(account_id=files["feature_usage"]["subscription_id"].map(owner))
    for day in (date(2024, 3, 15), date(2024, 12, 31)):
        at = pd.Timestamp(day)
        asked = ("tickets_90d", "tickets_open", "ticket_csat_90d", "usage_28d", "features_28d", "mrr")
        told = {r["account_id"]: r for r in desk.ask("facts", {"dates": (day_number(day),), "measures": asked}, Scope(True), run.pk).to_pylist()}
        tickets, opened, closed = files["support_tickets"], days["opened"].dt.normalize(), days["closed"].dt.normalize()
        in_window = (opened <= at) & (opened > at - pd.Timedelta(days=90))
        waiting = (opened <= at) & ~(closed <= at)
        shut = tickets[(closed <= at) & (closed > at - pd.Timedelta(days=90))]
        used = usage_of[(days["used"] <= at) & (days["used"] > at - pd.Timedelta(days=28))]
        lines = files["subscriptions"][(days["start"] <= at) & ~(days["end"] <= at) & ~files["subscriptions"]["is_trial"]]
        witness = {
            "tickets_90d": tickets[in_window].groupby("account_id").size(), "tickets_open": tickets[waiting].groupby("account_id").size(),
            "usage_28d": used.groupby("account_id")["usage_count"].sum(), "features_28d": used.groupby("account_id")["feature_name"].nunique(),
            "mrr": lines.groupby("account_id")["mrr_amount"].sum(),
        }  # fmt: skip
        for measure, counted in witness.items():
            assert len(counted) or measure == "tickets_open"
            expected = {number[account]: float(value) for account, value in counted.items()}
            assert {account: row[measure] for account, row in told.items()} == {account: expected.get(account, 0.0) for account in told}, measure
        scores = shut.groupby("account_id")["satisfaction_score"].mean().dropna()
        assert {a: round(r["ticket_csat_90d"], 9) for a, r in told.items() if r["ticket_csat_90d"] is not None} == {number[a]: round(v, 9) for a, v in scores.items()}
    assert sum(row["mrr"] for row in told.values()) * 12 == 10_159_608 * 12


def test_the_same_bytes_twice_change_nothing(imported: ImportRun) -> None:
    before = state_of_book()
    again = importing.run_import(importing.begin_import([(DATA.name, DATA)], source="files"))
    assert {record: counts[2] for record, counts in sums(again).items()} == {r: n for r, n in WHOLE.items() if r != "subscriptions"}
    assert {(counts[0], counts[1], counts[3]) for counts in sums(again).values()} == {(0, 0, 0)}
    assert not FieldChange.objects.exists()
    assert state_of_book() == before
    assert usage.lake().total("usage_days") == 25_000
    undo_import(ImportRun.objects.get(pk=again.pk))  # else the rows would stay when the first is undone: this one states them too
    assert state_of_book() == before


def test_it_can_be_undone_as_a_whole_and_done_again(imported: ImportRun) -> None:
    before = state_of_book()
    summary = undo_import(ImportRun.objects.get(pk=imported.pk))
    assert (summary["archived"], summary["lake"], summary["left"]) == (13_100, 25_000, [])
    assert not any(state_of_book().values())
    assert usage.lake().total("usage_days") == 0
    assert findings() == []
    again = importing.run_import(importing.repeat_import(ImportRun.objects.get(pk=imported.pk)))
    assert {record: counts[0] for record, counts in sums(again).items()} == WHOLE
    assert state_of_book() == before
    assert {f.check: f.count for f in findings() if f.check in COUNTED} == COUNTED
