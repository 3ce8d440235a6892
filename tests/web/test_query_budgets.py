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

from laer.web.book.adding import add_outcome, add_plan
from laer.web.book.models import Contact, FieldChange, Note, Ticket
from laer.web.people import company, teams
from laer.web.people.models import Person
from laer.web.runs import examining, keyset, queries
from laer.web.work import actions
from laer.web.work.models import OutgoingMail, Task
from laer.web.work.notes import add_note
from laer.web.work.risks import raise_risk
from laer.web.work.touches import log_touch
from tests.cast import Cast, add_account, add_line, forget

BUDGETS: dict[str, int] = json.loads((Path(__file__).parent / "query_budgets.json").read_text())
COMPUTED = ("revenue", "renewals", "land", "flow", "motion_costs", "home", "board")  # pages that ask the ledger: `test_revenue_page.py`, `test_home.py` and others hold theirs
LOOSE = 3  # a budget that is so much too wide no longer guards anything


def addresses(cast: Cast) -> dict[str, tuple[str, str]]:
    """Budget name -> (who, address)."""
    account = f"/accounts/{cast.renewing.pk}/"
    found = {"accounts": ("csm", "/accounts/"), "accounts:all": ("lead", "/accounts/"), "accounts:next": ("csm", _next(cast)), "accounts:searched": ("lead", "/accounts/?q=e&segment=SMB&sort=owner_name"), "account_new": ("csm", "/accounts/new/"), "find": ("csm", "/find/?q=e"), "condition_builder": ("csm", "/conditions/builder/?sort=fact&name=mrr")}
    for tab in ("overview", "subscriptions", "contacts", "granted", "tickets", "usage", "facts", "health", "tasks", "success", "feed", "changes"):
        found[f"account:{tab}"] = ("csm", f"{account}?tab={tab}")
    found["account:edit"] = ("csm", f"{account}edit/segment/")
    found["account:edit owner"] = ("csm", f"{account}edit/owner/")
    found |= {"data:doctor": ("csm", "/data/doctor/?asked=1"), "data:readiness": ("csm", "/data/readiness/?asked=1"), "data:matches": ("lead", "/data/matches/"), "data:folders": ("admin", "/data/folders/")}
    found |= {"data": ("admin", "/data/"), "data:questions": ("csm", "/data/questions/")}
    found |= {"data:metrics": ("csm", "/data/metrics/"), "data:measure": ("csm", "/data/metrics/mrr/"), "data:measure_months": ("csm", "/data/metrics/mrr/months/"), "data:runs": ("admin", "/data/runs/"), "data:likelihood": ("csm", "/data/likelihood/"), "lab": ("admin", "/lab/")}
    found |= {"data:quarantine": ("admin", "/data/quarantine/"), "data:import": ("admin", "/data/import/")}
    for tab in ("you", "people", "teams", "cover", "access", "company", "costs", "rates", "sending", "audit"):
        found[f"settings:{tab}"] = ("admin", f"/settings/{tab}/")
    found |= {"note": ("csm", f"/notes/{Note.objects.order_by('id')[0].pk}/"), "notifications": ("csm", "/notifications/")}
    found |= {"account:success edit": ("csm", f"/success/plan/{plan_of(cast)}/"), "adopt": ("csm", "/adopt/"), "expand": ("csm", "/expand/")}
    found["peek"] = ("csm", f"{account}peek/")
    found["touches"] = ("csm", f"{account}touches/")
    found |= {"tasks": ("csm", "/tasks/?view=all"), "task": ("csm", f"/tasks/{Task.objects.order_by('id')[0].pk}/")}
    found |= {"settings:definitions": ("admin", "/settings/definitions/"), "settings:definition": ("admin", "/settings/definitions/segment/seats_idle/?compare=1"), "settings:play_editor": ("admin", "/settings/definitions/play/churn_debrief/steps/")}
    found |= {"pulse_against": ("csm", "/accounts/health/pulse/"), "pulse": ("csm", f"{account}pulse/")}
    found |= {"account_health": ("csm", "/accounts/health/"), "segments": ("csm", "/accounts/segments/"), "segment": ("csm", "/accounts/segments/new_customers/"), "segment_months": ("csm", "/accounts/segments/new_customers/months/")}
    found |= {"today": ("csm", "/today/"), "signals": ("csm", "/signals/"), "signal": ("csm", "/signals/renewal_window/"), "risks": ("csm", "/renewals/risks/"),
              "signal_record": ("csm", "/signals/nobodys/record/"), "plays": ("csm", "/plays/"), "task_load": ("csm", "/tasks/load/"), "task_time": ("csm", "/tasks/time/"), "play": ("csm", "/plays/usage_drop/?why=Ren"), "play:lead": ("lead", "/plays/usage_drop/"), "play_past": ("csm", "/plays/renewal_90/past/"), "play_load": ("lead", "/plays/usage_drop/load/"), "risk_new": ("csm", f"{account}risk/"), "risk": ("csm", f"/renewals/risks/{risk_of(cast)}/")}  # fmt: skip
    found |= {"settings:endpoints": ("admin", "/settings/sending/endpoints/"), "mail_template": ("admin", "/settings/sending/templates/renewal_t90/?account=Vantage"),
              "mails": ("csm", "/mails/"), "mail": ("csm", f"/mails/{OutgoingMail.objects.order_by('id')[0].pk}/")}  # fmt: skip
    found["settings:person"] = ("admin", f"/settings/people/{cast.people['csm'].pk}/")
    return found


def _next(cast: Cast) -> str:
    """A page in the middle of an order that reads three stretches: the rest of a day, later days, and what has no day."""
    order = queries.SORTS["contract_end_on"]
    return f"/accounts/?sort=contract_end_on&after={keyset.Place(cast.today, (0,) * len(order.tail), False).token('contract_end_on')}"


def risk_of(cast: Cast) -> int:
    row, _change = raise_risk(cast.users["csm"], cast.renewing.pk, {"reason": "price"})
    return row.pk


def plan_of(cast: Cast) -> int:
    """A plan of the account with its steps, and outcomes."""
    plan, _change = add_plan(cast.users["csm"], cast.renewing.pk, {"started_on": str(cast.today), "planned_end_on": "2099-01-01"}, template=True)
    for i in range(5):
        add_outcome(cast.users["csm"], cast.renewing.pk, {"title": f"Outcome {i}"})
    return plan.pk


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
        OutgoingMail.objects.create(key=f"run-{i}", template="value_note", account=cast.renewing, to="c@vantage.example", subject=f"M{i}", due_at=now, sent_at=now, state="sent", message_id=f"<{i}>", created_at=now)
        add_note(cast.users["lead"], cast.renewing.pk, f"Note {i} for @Maya Okafor")
        Ticket.objects.create(account=cast.renewing, subject=f"T{i}", opened_at=now, created_at=now)
        teams.save_team(cast.users["admin"], f"Team {i}", None, [cast.people["csm"].pk, Person.objects.create(name=f"P{i}", created_at=now).pk])
        teams.cover(cast.users["admin"], cast.people["csm"].pk, cast.people["viewer"].pk, cast.today, cast.today)
        FieldChange.objects.create(record="accounts", object_id=cast.renewing.pk, account_id=cast.renewing.pk, field="region", new=str(i), effective_at=now, recorded_at=now, source="person", user=cast.users["csm"])


def test_every_page_keeps_its_budget(cast: Cast) -> None:
    crowd(cast)
    for user in (None, cast.users["csm"]):
        examining.examine(user)
    FieldChange.objects.create(record="accounts", object_id=cast.renewing.pk, field="region", effective_at=timezone.now(), recorded_at=timezone.now(), source="person")
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
