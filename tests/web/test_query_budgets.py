"""How many queries a page may cause, in `query_budgets.json`: a page that begins to ask once a row shows as a diff of that file.

A page that is named below and not there fails, and the other way round; a figure is what the page needs for somebody who sees only their own accounts, the
first time (nothing remembered). Budgets are upper bounds: lower them when a page needs less.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.models import Contact, FieldChange, Note, Ticket
from laer.web.people import company, teams
from laer.web.people.models import Person
from laer.web.work import actions
from laer.web.work.models import Task
from laer.web.work.notes import add_note
from laer.web.work.touches import log_touch
from tests.cast import Cast, add_account, add_line, forget

BUDGETS: dict[str, int] = json.loads((Path(__file__).parent / "query_budgets.json").read_text())
COMPUTED = ("revenue", "renewals")  # pages that ask the ledger: `test_revenue_page.py` holds theirs
LOOSE = 3  # a budget that is so much too wide no longer guards anything


def addresses(cast: Cast) -> dict[str, tuple[str, str]]:
    """Budget name -> (who, address)."""
    account = f"/accounts/{cast.renewing.pk}/"
    found = {"accounts": ("csm", "/accounts/"), "accounts:all": ("lead", "/accounts/"), "accounts:searched": ("lead", "/accounts/?q=e&segment=SMB&sort=owner_name"), "account_new": ("csm", "/accounts/new/"), "find": ("csm", "/find/?q=e")}
    for tab in ("overview", "subscriptions", "contacts", "tickets", "usage", "facts", "tasks", "feed", "changes"):
        found[f"account:{tab}"] = ("csm", f"{account}?tab={tab}")
    found["account:edit"] = ("csm", f"{account}edit/segment/")
    found["account:edit owner"] = ("csm", f"{account}edit/owner/")
    found |= {"data": ("admin", "/data/"), "data:questions": ("csm", "/data/questions/")}
    found |= {"data:metrics": ("csm", "/data/metrics/"), "data:measure": ("csm", "/data/metrics/mrr/"), "data:measure_months": ("csm", "/data/metrics/mrr/months/"), "data:runs": ("admin", "/data/runs/")}
    found |= {"data:quarantine": ("admin", "/data/quarantine/"), "data:import": ("admin", "/data/import/")}
    for tab in ("you", "people", "teams", "cover", "access", "company", "audit"):
        found[f"settings:{tab}"] = ("admin", f"/settings/{tab}/")
    found |= {"note": ("csm", f"/notes/{Note.objects.order_by('id')[0].pk}/"), "notifications": ("csm", "/notifications/")}
    found["peek"] = ("csm", f"{account}peek/")
    found["touches"] = ("csm", f"{account}touches/")
    found |= {"tasks": ("csm", "/tasks/?view=all"), "task": ("csm", f"/tasks/{Task.objects.order_by('id')[0].pk}/")}
    found["settings:person"] = ("admin", f"/settings/people/{cast.people['csm'].pk}/")
    return found


def crowd(cast: Cast) -> None:
    """Enough rows that asking once a row would show."""
    now = timezone.now()
    for i in range(12):
        add_account(f"Crowd {i}", cast.people["csm"], mrr=10 * i)
        line = add_line(cast.renewing, cast.today, None, 5)
        line.subscription = type(line.subscription).objects.create(account=cast.renewing, name=f"S{i}", created_at=now)
        line.save()
        Contact.objects.create(account=cast.renewing, name=f"C{i}", created_at=now)
        actions.create_task(cast.users["csm"], {"title": f"Task {i}", "assignee": str(cast.people["lead" if i % 2 else "csm"].pk)}, cast.renewing.pk)
        log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call", "summary": f"Touch {i}"})
        add_note(cast.users["lead"], cast.renewing.pk, f"Note {i} for @Maya Okafor")
        Ticket.objects.create(account=cast.renewing, subject=f"T{i}", opened_at=now, created_at=now)
        teams.save_team(cast.users["admin"], f"Team {i}", None, [cast.people["csm"].pk, Person.objects.create(name=f"P{i}", created_at=now).pk])
        teams.cover(cast.users["admin"], cast.people["csm"].pk, cast.people["viewer"].pk, cast.today, cast.today)
        FieldChange.objects.create(record="accounts", object_id=cast.renewing.pk, account_id=cast.renewing.pk, field="region", new=str(i), effective_at=now, recorded_at=now, source="person", user=cast.users["csm"])


def test_every_page_keeps_its_budget(cast: Cast) -> None:
    crowd(cast)
    pages = addresses(cast)
    for who in {who for who, _ in pages.values()}:
        cast.client(who).get("/accounts/")  # a first request of a process asks more than once
    over = {}
    for name, (who, url) in pages.items():
        forget()
        company.refresh()  # what a process knows of its firm from its first request on
        with CaptureQueriesContext(connection) as asked:
            response = cast.client(who).get(url)
        assert response.status_code == 200, url
        if not len(asked) <= BUDGETS.get(name, -1) <= len(asked) + LOOSE:
            over[name] = (len(asked), BUDGETS.get(name), [q["sql"][:120] for q in asked])
    assert not over, "\n".join(f"{name}: {n} queries, budget {budget}\n  " + "\n  ".join(sql) for name, (n, budget, sql) in over.items())


def test_every_budget_belongs_to_a_page(cast: Cast) -> None:
    crowd(cast)
    assert {name for name in BUDGETS if not name.startswith(COMPUTED)} == set(addresses(cast))


@pytest.mark.parametrize("url", ["/accounts/", "/accounts/?q=e", "overview", "changes"])
def test_looking_writes_nothing(cast: Cast, url: str) -> None:
    """A plain page read never waits for the book's one writer."""
    path = url if url.startswith("/") else f"/accounts/{cast.renewing.pk}/?tab={url}"
    client = cast.client("csm")
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    assert not [q["sql"] for q in asked if q["sql"].split(" ", 1)[0] in ("INSERT", "UPDATE", "DELETE", "SAVEPOINT", "BEGIN")]
