"""The doctor's checks, each on a small book in which exactly that is wrong, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.models import Account, ChurnEvent, Contract, SubscriptionLine, Ticket
from laer.web.people.models import User
from laer.web.runs import examining
from laer.web.runs.doctor import Finding, findings, rows_behind
from tests.web.files import ACCOUNTS, LINES, TICKETS, USAGE, take_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def found() -> dict[str, Finding]:
    return {f.check: f for f in findings()}


def names_behind(check: str) -> set[str]:
    return {row["account"] for row in rows_behind(check, None, limit=100)}


def test_an_empty_book_has_nothing_wrong() -> None:
    assert findings() == []


def test_a_finding_says_what_how_often_and_what_to_do(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES)
    one = found()["missing_owner"].as_dict()
    assert (one["check"], one["severity"], one["count"], one["details"]) == ("missing_owner", "warning", 1, {})
    assert one["sentence"] == "1 paying account has nobody who is responsible today."
    assert all(one[key] for key in ("title", "what_to_do"))
    json.dumps(one)


def test_rows_that_imports_set_aside_are_found_by_reason(tmp_path: Path) -> None:
    lines = (
        LINES
        + "S4,A1,never,,90,active\nS5,A9,2024-06-01,,90,active\nS6,A1,2024-06-01,2024-05-01,90,active\nS7,A1,2024-06-01,,90,unheard of\n"
    )
    take_in(tmp_path, accounts=ACCOUNTS + "A1,Bluefin Two,Energy,US,2024-01-10,\n", lines=lines)
    aside = {check: (f.count, f.severity) for check, f in found().items() if f.record == "quarantine"}
    assert aside == dict.fromkeys(
        ("duplicate_keys", "references_nothing", "rejected_unreadable_date", "rejected_end_before_start", "rejected_unknown_status"),
        (1, "error"),
    )
    (row,) = rows_behind("duplicate_keys", None)
    assert (row["File"], row["Line"]) == ("accounts.csv", 5)
    with pytest.raises(LookupError, match="there are"):
        rows_behind("no_such_check", None)


def test_impossible_orders_of_days(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS + "T3,A1,Odd,2024-05-03 10:00,2024-05-01 10:00,low\n")
    now = timezone.now()
    kestrel = Account.objects.get(name="Kestrel")
    Contract.objects.create(account=kestrel, name="K", start_on="2024-06-01", end_on="2024-05-01", notice_on="2024-08-01", created_at=now)
    SubscriptionLine.objects.filter(account__name="Willow").update(end_on="2024-01-01")
    book = found()
    expected = {"ticket_closed_before_opened": 1, "contract_end_before_start": 1, "contract_notice_after_end": 1, "line_end_before_start": 1}
    assert {check: book[check].count for check in expected} == expected
    assert (names_behind("ticket_closed_before_opened"), names_behind("line_end_before_start")) == ({"Bluefin"}, {"Willow"})


def test_rows_outside_the_life_of_their_parent(tmp_path: Path) -> None:
    usage = USAGE + "U4,S1,2024-01-05,reports,1\nU5,S2,2025-02-14,reports,1\nU6,S2,2025-02-15,reports,1\n"
    take_in(
        tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A3,2024-01-01,,5,active\n", tickets=TICKETS + "T3,A3,Early,2024-03-11 23:59,,low\nT4,A3,On the day,2024-03-12 00:00,,low\n", usage=usage,
        surveys="response_id,account_id,score,response_date\nR1,A1,9,2023-12-31\nR2,A1,9,2024-05-31\n", churn="churn_event_id,account_id,churn_date,reason_code\nC1,A3,2024-01-01,price\n",
    )  # fmt: skip
    book = found()
    expected = {
        "usage_outside_life": 3,
        "usage_before_sign_up": 1,
        "tickets_before_sign_up": 1,
        "lines_before_sign_up": 1,
        "surveys_before_sign_up": 1,
        "churn_before_sign_up": 1,
    }
    assert {check: book[check].count for check in expected} == expected
    assert {r["Usage id"] for r in rows_behind("usage_outside_life", None)} == {"U3", "U4", "U6"}  # the end itself is outside, the day before it is not
    assert names_behind("tickets_before_sign_up") == {"Willow"}


def test_usage_ids_that_repeat_with_other_content(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE + "U1,S1,2024-02-01,reports,3\nU2,S2,2024-03-01,reports,6\n")
    repeated = found()["usage_repeated_ids"]
    assert (repeated.count, repeated.details["rows"]) == (1, 2)  # U1 stands twice with the same content: one row
    take_in(
        tmp_path,
        source="other",
        accounts=ACCOUNTS,
        lines=LINES,
        usage="usage_id,subscription_id,usage_date,feature_name,usage_count\nU3,S1,2024-02-01,reports,3\n",
    )
    assert found()["usage_repeated_ids"].count == 1  # an id belongs to its source


def test_three_witnesses_of_churn(tmp_path: Path) -> None:
    flags = {"A1": "TRUE", "A2": "FALSE", "A3": "TRUE", "A4": "FALSE", "A5": "FALSE", "A6": ""}
    accounts = "account_id,account_name,churn_flag\n" + "".join(f"{a},Account {a},{flag}\n" for a, flag in flags.items())
    lines = (
        "subscription_id,account_id,start_date,end_date,mrr_amount\n"
        "S1,A1,2024-01-01,,10\n"  # flagged, event, pays on
        "S2,A2,2024-01-01,,10\n"  # event, pays on
        "S3,A3,2024-01-01,2024-03-01,10\n"  # flagged, left, and no event says so
        "S4,A4,2024-01-01,2024-03-01,10\nS4b,A4,2024-06-01,,10\n"  # left, said so, came back: no contradiction
        "S5,A5,2024-01-01,2024-03-01,10\n"  # left, event, but the flag says no
        "S6,A6,2024-01-01,,10\n"
    )
    events = (
        "churn_event_id,account_id,churn_date,reason_code\nC1,A1,2024-02-01,price\nC2,A2,2024-02-01,price\nC4,A4,2024-03-01,price\nC5,A5,2024-03-01,price\n"
    )
    take_in(tmp_path, accounts=accounts, lines=lines, churn=events)
    assert names_behind("contradictory_labels") == {"Account A1", "Account A2", "Account A3", "Account A5"}
    labels = found()["contradictory_labels"]
    assert {k: labels.details[k] for k in ("flagged", "with_events", "both", "flagged_and_paying")} == {
        "flagged": 2,
        "with_events": 4,
        "both": 1,
        "flagged_and_paying": 1,
    }
    assert names_behind("churn_event_while_paying") == {"Account A1", "Account A2"}  # the first unpaid day is not paid
    assert {c: found()[c].count for c in ("accounts_flagged_churned", "accounts_with_churn_events", "flag_and_events")} == {
        "accounts_flagged_churned": 2,
        "accounts_with_churn_events": 4,
        "flag_and_events": 1,
    }


def test_labels_that_agree_are_no_finding(tmp_path: Path) -> None:
    take_in(
        tmp_path, accounts="account_id,account_name,churn_flag\nA1,Bluefin,TRUE\nA2,Kestrel,FALSE\n",
        lines="subscription_id,account_id,start_date,end_date,mrr_amount,churn_flag\nS1,A1,2024-01-01,2024-03-01,10,TRUE\nS2,A2,2024-01-01,,10,FALSE\n",
        churn="churn_event_id,account_id,churn_date,reason_code\nC1,A1,2024-03-01,price\n",
    )  # fmt: skip
    assert (
        not {"contradictory_labels", "accounts_flagged_churned", "churn_event_while_paying", "line_flag_without_end", "line_ended_without_flag"}
        & found().keys()
    )


def test_a_lines_flag_against_its_end(tmp_path: Path) -> None:
    lines = "subscription_id,account_id,start_date,end_date,mrr_amount,churn_flag\nS1,A1,2024-01-01,,10,TRUE\nS2,A2,2024-01-01,2024-03-01,10,FALSE\nS3,A3,2024-01-01,2024-03-01,10,FALSE\nS3,A3,2024-03-01,,12,FALSE\n"
    take_in(tmp_path, accounts=ACCOUNTS, lines=lines)
    assert (names_behind("line_flag_without_end"), names_behind("line_ended_without_flag")) == ({"Bluefin"}, {"Kestrel"})


def test_amounts_that_do_not_come_to_the_mrr(tmp_path: Path) -> None:
    header = "subscription_id,account_id,start_date,mrr,arr,amount,interval\n"
    lines = "S1,A1,2024-01-01,100,1200,1200,year\nS2,A2,2024-01-01,100,1300,,year\nS3,A3,2024-01-01,83.33,1000,1000,year\nS4,A1,2024-01-01,100,,600,year\nS5,A1,2024-01-01,1200,,1200,year\n"
    take_in(tmp_path, accounts=ACCOUNTS, lines=header + lines)
    stated = {r["Stated"] for r in rows_behind("amount_against_mrr", None)}
    assert stated == {"MRR 100, ARR 1300", "MRR 100, amount 600", "MRR 1200, amount 1200"}  # 83.33 x 12 is 1,000 but for the cents
    take_in(tmp_path, accounts=ACCOUNTS, lines=header + lines.replace("1300", "1200").replace(",600", ",1200").replace("1200,,1200", "100,,1200"))
    assert "amount_against_mrr" not in found()


def test_what_is_missing_counts_accounts_that_pay_today(tmp_path: Path) -> None:
    ended = LINES.replace("2025-02-15", (timezone.localdate() + timedelta(days=90)).isoformat())
    take_in(tmp_path, accounts=ACCOUNTS + "A4,Quarry,Analytics,US,2024-04-01,\n", lines=ended)
    Contract.objects.create(
        account=Account.objects.get(name="Willow"), start_on="2024-01-01", end_on=timezone.localdate() + timedelta(days=1), created_at=timezone.now()
    )
    assert names_behind("missing_owner") == {"Willow"}  # Quarry pays nothing
    assert names_behind("missing_contract") == {"Bluefin", "Kestrel"}
    assert names_behind("missing_renewal_date") == {"Bluefin"}  # Kestrel's line has a scheduled end


def test_currencies_without_a_rate_trials_and_accounts_known_only_from_lines(tmp_path: Path) -> None:
    take_in(
        tmp_path,
        lines="subscription_id,account_id,start_date,mrr_amount,currency,is_trial\nS1,Z1,2024-01-01,10,USD,FALSE\nS2,Z2,2024-01-01,10,SEK,FALSE\nS3,Z3,2024-01-01,10,,TRUE\n",
    )
    book = found()
    assert (book["currency_without_rate"].count, book["currency_without_rate"].details) == (1, {"SEK": 1})
    assert book["zero_mrr_trials"].count == 1
    assert names_behind("accounts_known_only_from_lines") == {"Z1", "Z2", "Z3"}


def test_optional_references_that_were_not_found(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, tickets="ticket_id,account_id,contact_id,subject,submitted_at\nT1,A1,C1,Slow,2024-05-01 10:00\n")
    assert found()["unresolved_tickets"].count == 1
    assert rows_behind("unresolved_tickets", None)[0]["Names"] == {"contact_id": "C1"}


def test_archived_rows_and_accounts_are_not_looked_at(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE, tickets=TICKETS + "T3,A1,Odd,2024-05-03 10:00,2024-05-01 10:00,low\n")
    assert {"ticket_closed_before_opened", "usage_outside_life", "missing_contract"} <= found().keys()
    Account.objects.update(archived_at=timezone.now())
    assert findings() == []


# -- the page and the command -----------------------------------------------------------------------------------------


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def test_the_page_shows_every_finding_and_its_rows(client: Client, lead: User, tmp_path: Path) -> None:
    examining.examine()
    assert b"Nothing found" in client.get("/data/doctor/").content
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A1,never,,90,active\n", usage=USAGE)
    examining.examine()
    page = client.get("/data/doctor/")
    shown = {f["check"]: f["count"] for f in page.context["findings"]}
    assert shown == {f.check: f.count for f in findings()}
    assert [f["check"] for f in client.get("/data/doctor/?severity=error").context["findings"]] == ["rejected_unreadable_date"]
    for check in shown:
        rows = client.get(f"/data/doctor/{check}/")
        assert (rows.status_code, bool(rows.context["rows"])) == (200, True), check
    assert rows.context["rows"][0]["url"] == f"/accounts/{Account.objects.get(name=rows.context['rows'][0]['account']).pk}/"
    assert client.get("/data/doctor/ticket_closed_before_opened/").status_code == 200  # found nothing, and is a check
    assert client.get("/data/doctor/nonsense/").status_code == 404


def test_the_rows_are_paged(client: Client, lead: User, tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, tickets=TICKETS + "".join(f"X{n},A1,Odd,2024-05-03 10:00,2024-05-01 10:00,low\n" for n in range(120)))
    first = client.get("/data/doctor/ticket_closed_before_opened/")
    third = client.get("/data/doctor/ticket_closed_before_opened/?page=3")
    assert (len(first.context["rows"]), first.context["next_url"], len(third.context["rows"]), third.context["next_url"]) == (50, "?page=2", 20, None)
    assert client.get("/data/doctor/ticket_closed_before_opened/?page=rubbish").status_code == 200


def test_the_command_prints_findings_as_a_table_and_as_json(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from laer.cli import app

    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, usage=USAGE)
    read = json.loads(CliRunner().invoke(app, ["doctor", "--format", "json"]).stdout)
    assert {f["check"]: f["count"] for f in read} == {f.check: f.count for f in findings()}
    assert all({"check", "severity", "count", "title", "sentence", "what_to_do", "details"} <= f.keys() for f in read)
    assert "usage_outside_life" in CliRunner().invoke(app, ["doctor"]).stdout


def test_every_check_runs_in_one_bounded_query_or_two(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES, tickets=TICKETS)
    with CaptureQueriesContext(connection) as asked:
        findings()
    assert len(asked) <= 60
    assert ChurnEvent.objects.count() == 0
    assert Ticket.objects.count() == 2
