"""The demo firm: the same from the same seed, whole, and with the figures and the stories that it promises."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from laer.records.batch import Batch
from laer.records.record import record_type
from laer.records.types import ORDER
from laer.sources.demo import firm
from laer.sources.demo.market import DISCOUNTER, EXCELLENT, OVERLOADED

AS_OF = date(2026, 7, 14)
TYPES = {"integer": int, "text": str, "boolean": bool, "date": date, "instant": datetime, "decimal": Decimal}
MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}
Rows = dict[str, dict[str, Any]]


def tables(batches: Iterable[Batch]) -> dict[str, Rows]:
    out: dict[str, Rows] = {}
    for batch in batches:
        out.setdefault(batch.record, {}).update(zip(batch.keys, batch.rows, strict=True))
    return out


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return list(firm(as_of=AS_OF))


@pytest.fixture(scope="module")
def told(batches: list[Batch]) -> dict[str, Rows]:
    return tables(batches)


def fingerprint(**arguments: Any) -> str:
    digest = hashlib.sha256()
    for batch in firm(**arguments):
        digest.update(repr(batch).encode())
    return digest.hexdigest()


def mrr(lines: Rows, day: date) -> dict[str, Fraction]:
    """MRR by account on a day, by rule 1: the lines with start <= day < end, trials aside."""
    out: dict[str, Fraction] = defaultdict(Fraction)
    for line in lines.values():
        if not line["is_trial"] and line["start_on"] <= day and (line["end_on"] is None or day < line["end_on"]):
            out[line["account_id"]] += Fraction(line["amount"]) / MONTHS[line["interval"]]
    return out


def retention(lines: Rows, opening: date, closing: date) -> tuple[float, float, float]:
    """Closing MRR, GRR and NRR of the accounts that paid on the opening day."""
    before, after = mrr(lines, opening), mrr(lines, closing)
    base = sum(before.values())
    kept, grown = sum(min(a, after.get(k, Fraction(0))) for k, a in before.items()), sum(after.get(k, Fraction(0)) for k in before)
    return float(sum(after.values())), float(kept / base), float(grown / base)


def by_subscription(lines: Rows) -> Iterator[list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines.values():
        found[line["subscription_id"]].append(line)
    for group in found.values():
        yield sorted(group, key=lambda line: line["start_on"])


# the rows


def test_the_same_seed_and_day_give_the_same_bytes_in_every_process() -> None:
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); from test_demo import *; print(fingerprint(as_of=AS_OF, accounts=60))"
    found = {
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True).stdout.strip()
        for salt in ("1", "2")
    }
    assert found == {fingerprint(as_of=AS_OF, accounts=60)}


def test_the_whole_firm_is_told_twice_alike_and_in_seconds(batches: list[Batch]) -> None:
    start = time.process_time()
    again = list(firm(as_of=AS_OF))
    assert time.process_time() - start < 6  # about one on a laptop
    assert again == batches


def test_another_seed_is_another_firm() -> None:
    assert fingerprint(seed=8, as_of=AS_OF, accounts=60) != fingerprint(as_of=AS_OF, accounts=60)


def test_batches_come_in_the_order_of_the_records_and_are_small(batches: list[Batch]) -> None:
    seen: list[str] = []
    line: Counter[str] = Counter()
    for batch in batches:
        if batch.record not in seen:
            seen.append(batch.record)
        assert 0 < len(batch.rows) <= 5_000
        assert len(batch.rows) == len(batch.keys) == len(batch.lines) == len(batch.raw)
        assert batch.lines == list(range(line[batch.record] + 1, line[batch.record] + 1 + len(batch.rows)))
        line[batch.record] += len(batch.rows)
    assert seen == [name for name in ORDER if name not in {"subscriptions", "pauses", "product_users"}]  # usage of the demo names no users


def test_rows_hold_the_columns_of_their_type_in_its_types(told: dict[str, Rows]) -> None:
    for record, rows in told.items():
        columns = {column.name: column for column in record_type(record).columns()}
        for row in rows.values():
            for name, value in row.items():
                if name.startswith("custom.") or (value is None and not columns[name].required):
                    continue
                column = columns[name]
                assert type(value) is (str if column.col.refers else TYPES[column.kind]), (record, name, value)
                assert not column.col.words or value in column.col.words
            missing = [c.name for c in columns.values() if c.required and c.name not in row and c.name != record_type(record).info.key]
            assert not missing, (record, missing)


def test_keys_are_unique_and_references_lead_somewhere(batches: list[Batch], told: dict[str, Rows]) -> None:
    keys = {record: set(rows) for record, rows in told.items()}
    keys["subscriptions"] = {line["subscription_id"] for line in told["subscription_lines"].values()}
    counted = Counter((batch.record, key) for batch in batches for key in batch.keys)
    assert max(counted.values()) == 1
    for record, rows in told.items():
        references = [(column.name, column.col.refers) for column in record_type(record).columns() if column.col.refers]
        for row in rows.values():
            for name, target in references:
                assert row.get(name) is None or row[name] in keys[target or ""], (record, name, row[name])


def test_a_row_and_what_it_refers_to_are_of_one_account(told: dict[str, Rows]) -> None:
    subscriptions: dict[str, str] = {}
    for line in told["subscription_lines"].values():
        assert subscriptions.setdefault(line["subscription_id"], line["account_id"]) == line["account_id"]
    for record in ("subscription_lines", "discounts", "tickets", "survey_responses", "usage_days"):
        for row in told[record].values():
            for name, owners in (("contract_id", told["contracts"]), ("contact_id", told["contacts"])):
                assert not row.get(name) or owners[row[name]]["account_id"] == row["account_id"]
            assert not row.get("subscription_id") or subscriptions[row["subscription_id"]] == row["account_id"]


def test_there_is_about_as_much_of_each_as_a_firm_of_its_size_has(told: dict[str, Rows]) -> None:
    counts = {record: len(rows) for record, rows in told.items()}
    assert (counts["people"], counts["accounts"], counts["products"]) == (10, 420, 5)
    expected = {
        "contacts": (1_000, 1_700),
        "contracts": (330, 520),
        "subscription_lines": (750, 1_300),
        "discounts": (140, 300),
        "tickets": (1_700, 3_000),
        "survey_responses": (1_200, 2_200),
        "churn_events": (60, 125),
        "assignments": (800, 1_150),
        "usage_days": (100_000, 150_000),
        "costs": (9 * 24, 10 * 24),
        "product_features": (11, 11),
        "invoices": (2_500, 4_000),
    }
    for record, (low, high) in expected.items():
        assert low <= counts[record] <= high, (record, counts[record])


def test_no_two_accounts_share_a_name_or_a_domain_and_none_is_numbered(told: dict[str, Rows]) -> None:
    names = [account["name"] for account in told["accounts"].values()]
    domains = [account["domain"] for account in told["accounts"].values() if account["domain"]]
    assert len(set(names)) == len(names)
    assert len(set(domains)) == len(domains)
    assert all(domain.endswith(".example") and domain.isascii() and " " not in domain for domain in domains)
    assert not any(c.isdigit() or c == "_" for name in names for c in name)
    emails = [contact["email"] for contact in told["contacts"].values()]
    assert len(set(emails)) == len(emails)
    assert all(email.endswith(".example") for email in emails)


# time


def test_dates_lie_within_the_life_of_the_account(told: dict[str, Rows]) -> None:
    accounts = told["accounts"]
    born = {key: account["signed_up_on"] or date(2000, 1, 1) for key, account in accounts.items()}
    assert max(day for day in born.values()) <= AS_OF
    for contract in told["contracts"].values():
        assert born[contract["account_id"]] <= contract["signed_on"] <= AS_OF
        assert contract["start_on"] < contract["end_on"]
        assert contract["notice_on"] is None or contract["notice_on"] < contract["end_on"]
    for line in told["subscription_lines"].values():
        assert born[line["account_id"]] <= line["start_on"]
        assert line["end_on"] is None or line["start_on"] < line["end_on"]
        contract = told["contracts"].get(line["contract_id"])
        assert contract is None or contract["start_on"] <= line["start_on"]
        assert line["start_on"] <= AS_OF or (contract is not None and contract["signed_on"] <= AS_OF), "what is ahead was signed"
        assert line["end_on"] is not None or line["status"] == "active"
    for discount in told["discounts"].values():
        assert discount["end_on"] is None or discount["start_on"] < discount["end_on"]
    for churn in told["churn_events"].values():
        assert born[churn["account_id"]] < churn["notified_on"] <= min(AS_OF, churn["effective_on"])
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
    for ticket in told["tickets"].values():
        assert born[ticket["account_id"]] <= ticket["opened_at"].date()
        assert ticket["opened_at"] < now
        assert ticket["closed_at"] is None or ticket["opened_at"] < ticket["closed_at"] < now
        assert (ticket["closed_at"] is None) == (ticket["status"] != "closed")
    for answer in told["survey_responses"].values():
        assert born[answer["account_id"]] < answer["answered_on"] < AS_OF
        assert 0 <= answer["score"] <= (10 if answer["kind"] == "NPS" else 5)
    for job in told["assignments"].values():
        assert job["until_on"] is None or job["from_on"] < job["until_on"]


def test_lines_of_a_subscription_never_overlap_and_changes_leave_no_gap(told: dict[str, Rows]) -> None:
    gaps = []
    for group in by_subscription(told["subscription_lines"]):
        for line, following in itertools.pairwise(group):
            assert line["end_on"] is not None
            assert line["end_on"] <= following["start_on"]
            if line["end_on"] < following["start_on"]:
                gaps.append((following["start_on"] - line["end_on"]).days)
    assert len(gaps) >= 5, "some renewals come late"
    assert 5 <= min(gaps) <= max(gaps) <= 25


def test_usage_falls_on_days_on_which_the_subscription_ran(told: dict[str, Rows]) -> None:
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for line in told["subscription_lines"].values():
        spans[line["subscription_id"]].append((line["start_on"], line["end_on"] or date.max))
    seen = set()
    for row in told["usage_days"].values():
        assert any(start <= row["day"] < end for start, end in spans[row["subscription_id"]])
        assert row["day"] < AS_OF
        assert row["count"] > 0
        assert row["errors"] <= row["count"]
        seen.add((row["account_id"], row["feature"], row["day"]))
    assert len(seen) == len(told["usage_days"])
    assert min(row["day"] for row in told["usage_days"].values()) >= date(2024, 7, 14)


# money


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(date(2025, 7, 14), AS_OF), (date(2025, 7, 31), AS_OF), (date(2025, 6, 30), date(2026, 6, 30))],
    ids=["to the day", "month to date", "full months"],
)
def test_the_firm_is_of_the_size_and_the_retention_that_it_promises(told: dict[str, Rows], opening: date, closing: date) -> None:
    total, grr, nrr = retention(told["subscription_lines"], opening, closing)
    assert 1_000_000 <= total <= 1_300_000
    assert 0.86 <= grr <= 0.91
    assert 1.04 <= nrr <= 1.12


@pytest.mark.parametrize(
    ("seed", "as_of"),
    [(7, date(2024, 2, 29)), (7, date(2026, 1, 1)), (7, date(2027, 3, 31)), (1, date(2025, 12, 24)), (2, date(2026, 9, 2)), (42, date(2026, 5, 18))],
)
def test_it_does_so_for_other_seeds_and_days(seed: int, as_of: date) -> None:
    lines: Rows = {}
    for batch in firm(seed, as_of=as_of):
        if batch.record == "discounts":
            break
        if batch.record == "subscription_lines":
            lines.update(zip(batch.keys, batch.rows, strict=True))
    total, grr, nrr = retention(lines, as_of.replace(year=as_of.year - 1, day=min(as_of.day, 28)), as_of)
    assert 0.98e6 <= total <= 1.32e6
    assert 0.855 <= grr <= 0.915
    assert 1.03 <= nrr <= 1.125


def test_a_line_below_list_has_its_discount_on_record(told: dict[str, Rows]) -> None:
    granted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for discount in told["discounts"].values():
        granted[discount["subscription_id"]].append(discount)
    below = 0
    for line in told["subscription_lines"].values():
        if line["is_trial"]:
            continue
        assert 0 < line["amount"] <= line["list_amount"]
        if line["amount"] < line["list_amount"]:
            below += 1
            percent = (1 - line["amount"] / line["list_amount"]) * 100
            held = [
                d for d in granted[line["subscription_id"]] if d["start_on"] <= line["start_on"] and (d["end_on"] is None or line["start_on"] < d["end_on"])
            ]
            assert len(held) == 1
            assert abs(held[0]["percent"] - percent) < Decimal("0.1")
    assert below > 100


def test_a_discount_that_runs_out_raises_the_price_on_its_last_day(told: dict[str, Rows]) -> None:
    starts = {(line["subscription_id"], line["start_on"]): line for line in told["subscription_lines"].values()}
    ends = {(line["subscription_id"], line["end_on"]): line for line in told["subscription_lines"].values()}
    rises = 0
    for discount in told["discounts"].values():
        key = (discount["subscription_id"], discount["end_on"])
        if discount["end_on"] and discount["end_on"] <= AS_OF and key in starts and key in ends:
            before, after = ends[key], starts[key]
            rises += after["amount"] / after["list_amount"] > before["amount"] / before["list_amount"]
    assert rises > 30


def test_each_departure_ends_the_lines_of_its_account_and_each_end_has_its_departure(told: dict[str, Rows]) -> None:
    lines = told["subscription_lines"]
    for churn in told["churn_events"].values():
        account = churn["account_id"]
        assert mrr(lines, churn["effective_on"] - timedelta(days=1))[account] > 0
        assert account not in mrr(lines, churn["effective_on"])
    departed = {(churn["account_id"], churn["effective_on"]) for churn in told["churn_events"].values()}
    paid, now = {line["account_id"] for line in lines.values() if not line["is_trial"]}, mrr(lines, AS_OF)
    for account in paid - set(now):
        last = max(line["end_on"] or date.max for line in lines.values() if line["account_id"] == account and line["start_on"] <= AS_OF)
        assert (account, last) in departed or 0 <= (AS_OF - last).days <= 25, "gone, or a renewal that is late"


# stories


def test_some_accounts_never_paid_and_of_some_hardly_anything_is_known(told: dict[str, Rows]) -> None:
    paid = {line["account_id"] for line in told["subscription_lines"].values() if line["amount"] > 0}
    assert len(told["accounts"]) - len(paid) == 30
    known = {contact["account_id"] for contact in told["contacts"].values()}
    sparse = [key for key, account in told["accounts"].items() if account["segment"] is None and account["domain"] is None and key not in known]
    assert len(sparse) == 6


def test_segments_differ_in_price_and_in_churn(told: dict[str, Rows]) -> None:
    segment = {key: account["segment"] for key, account in told["accounts"].items()}
    now = mrr(told["subscription_lines"], AS_OF)
    average, lost = {}, {}
    for name in ("Enterprise", "Mid-market", "SMB", "Startup"):
        values = [amount for key, amount in now.items() if segment[key] == name]
        average[name] = float(sum(values)) / len(values)
        lost[name] = sum(segment[churn["account_id"]] == name for churn in told["churn_events"].values()) / sum(s == name for s in segment.values())
    assert average["Enterprise"] > 3 * average["Mid-market"] > 6 * average["SMB"] > 9 * average["Startup"]
    assert lost["Enterprise"] < lost["SMB"]
    assert lost["Mid-market"] < lost["Startup"]


def test_discounts_sell_accounts_that_leave(told: dict[str, Rows]) -> None:
    seller = {job["account_id"]: job["person_id"] for job in told["assignments"].values() if job["job"] == "ae"}
    paid = {line["account_id"] for line in told["subscription_lines"].values() if line["amount"] > 0}
    sold, gone = Counter(seller[account] for account in paid), Counter(seller[churn["account_id"]] for churn in told["churn_events"].values())
    bad, good = DISCOUNTER.person.key, EXCELLENT.person.key
    assert gone[bad] / sold[bad] > 2 * gone[good] / sold[good]
    percents = {key: [float(d["percent"]) for d in told["discounts"].values() if seller[d["account_id"]] == key] for key in (bad, good)}
    assert sum(percents[bad]) / len(percents[bad]) > 2 * sum(percents[good]) / len(percents[good])


def test_one_csm_has_far_too_many_accounts_and_a_few_accounts_have_none(told: dict[str, Rows]) -> None:
    now = mrr(told["subscription_lines"], AS_OF)
    csm = {
        job["account_id"]: job["person_id"]
        for job in told["assignments"].values()
        if job["job"] == "csm" and job["until_on"] is None and job["account_id"] in now
    }
    books = Counter(csm.values())
    assert len(books) == 5
    assert books.most_common(1)[0][0] == OVERLOADED.key
    assert books[OVERLOADED.key] > 100
    assert 3 <= len(set(now) - set(csm)) <= 15


def test_departures_have_causes_and_some_come_back_after_two_to_six_months(told: dict[str, Rows]) -> None:
    reasons = Counter(churn["reason"] for churn in told["churn_events"].values())
    assert set(reasons) == {"fit", "value", "product gap", "support", "price", "people change", "company event", "payment"}
    assert 0.4 < sum(churn["avoidable"] for churn in told["churn_events"].values()) / sum(reasons.values()) < 0.9
    back = []
    for churn in told["churn_events"].values():
        later = [
            line["start_on"]
            for line in told["subscription_lines"].values()
            if line["account_id"] == churn["account_id"] and line["start_on"] >= churn["effective_on"]
        ]
        back += [(min(later) - churn["effective_on"]).days] if later else []
    assert 3 <= len(back) <= 15
    assert 60 <= min(back) <= max(back) <= 180


def test_most_avoidable_departures_are_announced_by_fading_usage(told: dict[str, Rows]) -> None:
    counts: dict[str, Counter[date]] = defaultdict(Counter)
    for row in told["usage_days"].values():
        counts[row["account_id"]][row["day"]] += row["count"]
    fell, seen = Counter[bool](), Counter[bool]()
    for churn in told["churn_events"].values():
        end, used = churn["effective_on"], counts[churn["account_id"]]
        before = sum(n for day, n in used.items() if 84 < (end - day).days <= 112)
        last = sum(n for day, n in used.items() if 0 < (end - day).days <= 28)
        if before >= 20 and end < AS_OF and end.month not in (8, 9, 1):
            seen[churn["avoidable"]] += 1
            fell[churn["avoidable"]] += last < 0.6 * before
    assert seen[True] >= 10
    assert fell[True] / seen[True] > 0.7
    assert fell[True] / seen[True] > fell[False] / seen[False]


def test_people_work_on_weekdays_and_less_in_summer_and_sign_most_at_the_end_of_the_year(told: dict[str, Rows]) -> None:
    weekdays = Counter(row["day"].weekday() for row in told["usage_days"].values())
    assert max(weekdays[5], weekdays[6]) * 8 < min(weekdays[day] for day in range(5))
    months = Counter((row["day"].year, row["day"].month) for row in told["usage_days"].values())
    assert months[2025, 8] < 0.9 * (months[2025, 6] + months[2025, 10]) / 2
    first: dict[str, date] = {}
    for line in told["subscription_lines"].values():
        first[line["account_id"]] = min(first.get(line["account_id"], date.max), line["start_on"])
    quarters = Counter((day.month - 1) // 3 for day in first.values())
    assert quarters[3] == max(quarters.values())
    assert quarters[3] > 1.4 * quarters[2]


def test_plans_change_on_the_day_and_accounts_grow_and_shrink(told: dict[str, Rows]) -> None:
    kinds: Counter[str] = Counter()
    for group in by_subscription(told["subscription_lines"]):
        for line, following in itertools.pairwise(group):
            if line["plan"] != following["plan"]:
                kinds["upgrade" if following["list_amount"] > line["list_amount"] else "downgrade"] += 1
            if line["seats"] != following["seats"]:
                kinds["more seats" if following["seats"] > line["seats"] else "fewer seats"] += 1
    assert kinds["upgrade"] >= 10
    assert kinds["downgrade"] >= 1
    assert kinds["more seats"] >= 80
    assert kinds["fewer seats"] >= 10


def test_some_renew_early_some_for_years_some_by_themselves(told: dict[str, Rows]) -> None:
    contracts = list(told["contracts"].values())
    terms: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for contract in contracts:
        terms[contract["account_id"]].append(contract)
    early = sum(b["start_on"] < a["end_on"] and a["status"] == "renewed" for group in terms.values() for a, b in itertools.pairwise(group))
    assert early >= 8
    assert sum(contract["term_months"] > 12 for contract in contracts) >= 30
    assert 0.4 < sum(contract["auto_renews"] for contract in contracts) / len(contracts) < 0.8
    assert sum(contract["notice_on"] is not None for contract in contracts) > 150


# onboarding and outcomes


def test_onboarding_stands_in_every_state_and_says_nothing_of_the_future(told: dict[str, Rows]) -> None:
    plans, steps = told["onboarding_plans"], told["onboarding_steps"]
    by_plan: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for step in steps.values():
        by_plan[step["onboarding_plan_id"]].append(step)
    assert set(by_plan) == set(plans)
    for key, plan in plans.items():
        assert plan["started_on"] <= AS_OF
        assert all(step["account_id"] == plan["account_id"] and (step["done_on"] is None or plan["started_on"] < step["done_on"] <= AS_OF) for step in by_plan[key])
        assert (plan["completed_on"] is not None) is all(step["done_on"] for step in by_plan[key])
    going = {key: plan for key, plan in plans.items() if plan["completed_on"] is None}
    moved = {key: max((s["done_on"] for s in by_plan[key] if s["done_on"]), default=plans[key]["started_on"]) for key in going}
    assert sum(AS_OF - day >= timedelta(14) for day in moved.values()) >= 10
    assert sum(plan["planned_end_on"] < AS_OF for plan in going.values()) >= 10
    assert len(plans) - len(going) > len(going)


def test_outcomes_are_reached_late_and_ahead(told: dict[str, Rows]) -> None:
    found = list(told["outcomes"].values())
    reached = [o for o in found if o["reached_on"]]
    assert 0.3 < len(reached) / len(found) < 0.75
    assert all(o["promised_on"] < o["reached_on"] <= AS_OF and (o["confirmed_on"] is None or o["reached_on"] < o["confirmed_on"] <= AS_OF) for o in reached)
    assert sum(o["reached_on"] is None and o["due_on"] < AS_OF for o in found) >= 20
    assert sum(o["reached_on"] is None and o["due_on"] >= AS_OF for o in found) >= 20


# what was billed


def test_invoices_add_up_to_what_lines_say_and_some_are_overdue(told: dict[str, Rows]) -> None:
    bills = list(told["invoices"].values())
    assert all(bill["issued_on"] <= AS_OF and bill["due_on"] == bill["issued_on"] + timedelta(days=30) for bill in bills)
    assert all(bill["paid_on"] is None or bill["issued_on"] < bill["paid_on"] < AS_OF for bill in bills)
    overdue = [bill for bill in bills if bill["paid_on"] is None and bill["due_on"] < AS_OF]
    assert 3 <= len({bill["account_id"] for bill in overdue}) <= 40
    month = [bill["amount"] for bill in bills if bill["issued_on"] == AS_OF.replace(day=1)]
    lines = [line for line in told["subscription_lines"].values() if line["start_on"] == AS_OF.replace(day=1) and not line["is_trial"]]
    assert sum(month) >= sum(line["amount"] for line in lines)


def test_features_are_those_of_usage_under_its_names(told: dict[str, Rows]) -> None:
    codes = {row["code"] for row in told["product_features"].values()}
    assert {row["feature"] for row in told["usage_days"].values()} <= codes
    assert 3 <= sum(row["is_key"] for row in told["product_features"].values()) < len(codes)
