"""Peek: an account at a glance, for whom, with what, and by how many queries."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from laer.web.book.models import Account, Pulse
from laer.web.runs.models import AccountCard
from laer.web.work.actions import create_task
from laer.web.work.touches import log_touch
from tests.cast import Cast

BUDGET = 8


def peeked(cast: Cast, part: str, account: Account, **headers: str) -> tuple[int, str]:
    answer = cast.client(part).get(f"/accounts/{account.pk}/peek/", headers={"HX-Request": "true"} | headers)
    return answer.status_code, answer.content.decode()


def test_it_says_what_is_known_within_its_budget(cast: Cast) -> None:
    csm, row = cast.users["csm"], cast.renewing
    Pulse.objects.create(account=row, colour="red", stated_on=cast.today, reason="Sponsor left", created_at=cast.run.started_at)
    for i in range(4):
        log_touch(csm, row.pk, {"kind": "call", "summary": f"Touch {i}"})
    for i in range(7):
        create_task(csm, {"title": f"Task {i}", "due_on": (cast.today + timedelta(days=i)).isoformat()}, row.pk)
    cast.client("csm").get("/accounts/")  # a first request of a process asks more than once
    with CaptureQueriesContext(connection) as asked:
        status, text = peeked(cast, "csm", row)
    assert status == 200
    assert len(asked) <= BUDGET, [q["sql"][:100] for q in asked]
    assert "<html" not in text
    for said in ("Vantage Health", "Maya Okafor", "Sponsor left", "Touch 3", "Touch 1", "Task 0", "Task 4", "All its tasks", "Open in full", "Log a touch", "Add task"):
        assert said in text, said
    assert "Touch 0" not in text
    assert "Task 5" not in text


def test_what_is_not_known_is_unknown_and_not_zero(cast: Cast) -> None:
    AccountCard.objects.filter(pk=cast.no_data.pk).delete()
    status, text = peeked(cast, "lead", cast.no_data)
    assert status == 200
    assert "unknown" in text
    assert "nobody has stated one" in text
    assert "$0" not in text


def test_another_team_sees_nothing(cast: Cast) -> None:
    for account in cast.theirs:
        status, text = peeked(cast, "outsider", account)
        assert status == 404
        assert account.name not in text


def test_a_viewer_looks_and_has_nothing_to_change(cast: Cast) -> None:
    _, text = peeked(cast, "viewer", cast.renewing)
    assert "Open in full" in text
    assert "<form" not in text
    assert "data-touch-open" not in text


def test_an_archived_account_has_no_panel(cast: Cast) -> None:
    Account.objects.filter(pk=cast.renewing.pk).update(archived_at=cast.run.started_at)
    assert peeked(cast, "lead", cast.renewing)[0] == 404


def test_without_htmx_it_is_a_page(cast: Cast) -> None:
    answer = cast.client("csm").get(f"/accounts/{cast.renewing.pk}/peek/")
    assert "<html" in answer.content.decode()
    assert "Vantage Health" in answer.content.decode()


def test_links_of_lists_opt_in_and_stay_plain_links(cast: Cast) -> None:
    text = cast.client("csm").get("/accounts/").content.decode()
    assert f'href="/accounts/{cast.renewing.pk}/" data-peek' in text
    create_task(cast.users["csm"], {"title": "Call them"}, cast.renewing.pk)
    assert f'href="/accounts/{cast.renewing.pk}/" data-peek' in cast.client("csm").get("/tasks/").content.decode()
