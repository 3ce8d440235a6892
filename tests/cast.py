"""The standing cast: six accounts with a story, and the people who look at them. Tests read as sentences about them.

    Willow Foods      landing: signed last week, its first line has just begun
    Kestrel Labs      adopting: paying for two months, usage and a champion
    Bluefin Energy    expanding: 40 seats became 60
    Vantage Health    renewing in doubt: the contract ends in 40 days, an urgent ticket, NPS 3
    Ember Studios     churned and back
    Quarry Analytics  no data: nothing is known but the name

Maya is their CSM. Tom is another team's: Onyx Retail is his, and he must see nothing of theirs. Hana leads both. Vera may look at
Maya's accounts but change nothing. Ada is the admin.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.emptied import SEEDED, as_migrated, filled
from tests.standing import stands

if TYPE_CHECKING:
    from django.test import Client

    from laer.web.book.models import Account, SubscriptionLine
    from laer.web.people.models import Person, User
    from laer.web.runs.models import AccountCard, PassRun

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass
class Cast:
    """Accounts and people by their part; `client("csm")` is somebody at their browser."""

    today: date
    run: PassRun
    landing: Account
    adopting: Account
    expanding: Account
    renewing: Account
    back: Account
    no_data: Account
    others: Account  # Tom's
    users: dict[str, User]
    people: dict[str, Person]
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def theirs(self) -> list[Account]:
        return [self.landing, self.adopting, self.expanding, self.renewing, self.back, self.no_data]

    def client(self, part: str) -> Client:
        """One of csm, outsider, lead, viewer, admin; None of them for somebody who is not signed in."""
        from django.test import Client

        if part not in self.clients:
            self.clients[part] = Client()
            if part in self.users:
                self.clients[part].force_login(self.users[part], backend=BACKEND)
        return self.clients[part]


@pytest.fixture(scope="session")
def rehearsed(django_db_setup: None, django_db_blocker: Any) -> tuple[date, bytes, list[str]]:
    """The cast's rows beside the book, for every test of this worker: to write them anew takes a hundred queries. Its day, the cast, its tables."""
    from django.db import connection

    with django_db_blocker.unblock():
        cast = on_stage()
        tables = sorted(set(filled()) - SEEDED)
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f'CREATE TABLE "cast_{table}" AS SELECT * FROM "{table}"')
        as_migrated()
    return cast.today, pickle.dumps(cast), tables


@pytest.fixture
def cast(rehearsed: tuple[date, bytes, list[str]], db: None) -> Iterator[Cast]:
    """The cast on stage: rows in the book, and what a pass would have published of them."""
    forget()
    yield _as_rehearsed(*rehearsed)
    forget()


def _as_rehearsed(day: date, cast: bytes, tables: list[str]) -> Cast:
    from django.db import connection, transaction
    from django.utils import timezone

    if timezone.localdate() != day:  # midnight, or a day of the test's own
        return on_stage()
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are looked at when it is committed
        for table in tables:
            cursor.execute(f'INSERT INTO "{table}" SELECT * FROM "cast_{table}"')
    found: Cast = pickle.loads(cast)
    return found


@pytest.fixture
@stands
def computed() -> Cast:
    """The cast after its first pass, for tests that commit: made once in each worker."""
    from laer.web.runs import passes

    cast = on_stage()
    passes.start_pass()
    return cast


def forget() -> None:
    """What this process remembers of published figures belongs to the test before: run ids repeat when a test rolls back."""
    from laer.web.book import plan_rates
    from laer.web.people import company
    from laer.web.runs import desk, memory

    company.forget()
    plan_rates.forget()
    desk.forget()
    memory.forget_all()


def publish(account: Account, mrr: int = 0, **values: Any) -> AccountCard:
    """The card that a pass would publish; `mrr` in units of the currency."""
    from django.utils import timezone

    from laer.web.book.models import Assignment
    from laer.web.runs.models import AccountCard, PassRun

    run = PassRun.objects.filter(state="complete").order_by("-id").first()
    owner = Assignment.objects.filter(account=account, job="csm", until_on=None, archived_at=None).select_related("person").first()
    card = {
        "name": account.name, "search": f"{account.name} {account.domain or ''}".casefold(), "domain": account.domain, "segment": account.segment, "country": account.country,
        "industry": account.industry, "owner_id": owner and owner.person_id, "owner_name": owner and owner.person.name, "state": "paying" if mrr else "prospect",
        "mrr_minor": mrr * 100, "arr_minor": mrr * 1200, "currency": "USD", "run_id": run.pk if run else 0, "published_at": timezone.now(),
    }  # fmt: skip
    return AccountCard.objects.update_or_create(account=account, defaults=card | values)[0]


def add_account(name: str, owner: Person | None = None, mrr: int = 0, card: dict[str, Any] | None = None, **values: Any) -> Account:
    """An account with its owner and its card, for tests that need more of them."""
    from django.utils import timezone

    from laer.web.book.models import Account, Assignment

    now = timezone.now()
    account = Account.objects.create(name=name, created_at=now, **values)
    if owner:
        Assignment.objects.create(account=account, person=owner, job="csm", created_at=now)
    publish(account, mrr, **(card or {}))
    return account


def add_line(account: Account, start: date, end: date | None, mrr: int, seats: int | None = None, subscription: Any = None, **values: Any) -> SubscriptionLine:
    """A line of the account's one subscription (or of the one given); `mrr` in units of the currency."""
    from django.utils import timezone

    from laer.web.book.models import Subscription, SubscriptionLine

    now = timezone.now()
    subscription = subscription or Subscription.objects.filter(account=account).first() or Subscription.objects.create(account=account, name="Platform", created_at=now)
    return SubscriptionLine.objects.create(
        account=account, subscription=subscription, start_on=start, end_on=end, seats=seats, plan="Growth", amount=str(mrr), interval="month", currency="USD", status="active",
        mrr_num=mrr, mrr_den=1, created_at=now, **values,
    )  # fmt: skip


def on_stage() -> Cast:
    """The cast, for fixtures that go on from it to a pass (`tests/standing.py`)."""
    from django.utils import timezone

    from laer.web.book.models import Assignment, ChurnEvent, Contact, Contract, CustomField, Opportunity, SurveyResponse, Ticket
    from laer.web.people.models import Person, User
    from laer.web.runs.models import AccountMonth, PassRun

    now, today = timezone.now(), timezone.localdate()
    roles = {"csm": "member", "outsider": "member", "lead": "lead", "viewer": "viewer", "admin": "admin"}
    names = {"csm": "Maya Okafor", "outsider": "Tom Becker", "lead": "Hana Sato", "viewer": "Vera Lind", "admin": "Ada Novak"}
    users = {part: User.objects.create_user(f"{part}@laer.example", None, role=role) for part, role in roles.items()}
    people = {part: Person.objects.create(name=names[part], email=users[part].email, user=users[part], created_at=now) for part in roles}
    run = PassRun.objects.create(as_of=today, kind="full", state="complete", currency="USD", started_at=now, finished_at=now)
    CustomField.objects.create(record="accounts", slug="risk_note", label="Risk note", kind="text")

    def days(n: int) -> date:
        return today + timedelta(days=n)

    maya = people["csm"]
    landing = add_account("Willow Foods", maya, domain="willow.example", segment="SMB", country="US", industry="Food")
    adopting = add_account("Kestrel Labs", maya, domain="kestrel.example", segment="Mid-market", country="DE", industry="Research", employees=240, custom={"risk_note": "new sponsor"})
    expanding = add_account("Bluefin Energy", maya, domain="bluefin.example", segment="Enterprise", country="US", industry="Energy")
    renewing = add_account("Vantage Health", maya, domain="vantage.example", segment="Enterprise", country="GB", industry="Health")
    back = add_account("Ember Studios", maya, domain="ember.example", segment="SMB", country="FR", industry="Media")
    no_data = add_account("Quarry Analytics", maya)
    others = add_account("Onyx Retail", people["outsider"], domain="onyx.example", segment="Retail only", country="SE", industry="Retail")

    for account, start, end, mrr in ((landing, -3, 362, 300), (adopting, -60, None, 1_000), (renewing, -325, 40, 4_000), (others, -100, None, 500)):
        add_line(account, days(start), days(end) if end else None, mrr, seats=20)
        known = {"seats": 20.0, "tickets_open": float(account == renewing)}
        publish(account, mrr, first_paid_on=days(start), contract_end_on=days(end) if end else None, facts=known)
    before = add_line(expanding, days(-200), days(-30), 2_000, seats=40)
    add_line(expanding, days(-30), None, 3_000, seats=60, subscription=before.subscription)
    publish(expanding, 3_000, first_paid_on=days(-200), contract_end_on=days(165), facts={"seats": 60.0, "tickets_open": 0.0})
    add_line(back, days(-400), days(-150), 700, ended_because="cancelled")
    add_line(back, days(-20), None, 800)
    publish(back, 800, first_paid_on=days(-400))
    for account, start, end in ((landing, -3, 362), (expanding, -200, 165), (renewing, -325, 40)):
        Contract.objects.create(account=account, name=f"{account.name} {today.year}", start_on=days(start), end_on=days(end), notice_on=days(end - 30), auto_renews=False, term_months=12, created_at=now)
    Contact.objects.create(account=adopting, name="Dana Whitfield", email="dana@kestrel.example", title="VP Operations", role="champion", created_at=now)
    Contact.objects.create(account=renewing, name="Jon Pruitt", email="jon@vantage.example", title="Ops Manager", role="detractor", created_at=now)
    Ticket.objects.create(account=renewing, subject="SAML login loop", opened_at=now - timedelta(days=3), priority="urgent", status="open", escalated=True, created_at=now)
    Ticket.objects.create(account=renewing, subject="Export is slow", opened_at=now - timedelta(days=30), closed_at=now - timedelta(days=28), status="closed", created_at=now)
    SurveyResponse.objects.create(account=renewing, kind="nps", score="3", answered_on=days(-5), comment="Great product when we can log in.", created_at=now)
    Opportunity.objects.create(account=adopting, name="Second lab", motion="expand", stage="Proposal", status="open", expected_on=days(30), arr_num=6_000, arr_den=1, amount_basis="arr", currency="USD", created_at=now)
    ChurnEvent.objects.create(account=back, effective_on=days(-150), notified_on=days(-200), reason="price", created_at=now)
    Assignment.objects.create(account=expanding, person=people["lead"], job="csm", from_on=days(-300), until_on=days(-100), created_at=now)
    for account in (landing, adopting, expanding, renewing, back, no_data):
        Assignment.objects.create(account=account, person=people["viewer"], job="support", created_at=now)
    for account, mrr in ((adopting, 100_000), (expanding, 300_000)):
        AccountMonth.objects.create(account=account, month=days(-30).replace(day=1), opening_minor=mrr // 2, closing_minor=mrr, expansion_minor=mrr // 2, run_id=run.pk)
    return Cast(today, run, landing, adopting, expanding, renewing, back, no_data, others, users, people)
