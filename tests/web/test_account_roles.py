"""Roles of contacts by form, and users, limits and invoices of an account: each with its row of the log, its source, its file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.utils import timezone

from laer.web.book.models import Contact, ContactRole, DirtyAccount, Entitlement, FieldChange, ImportRun, Invoice, ProductUser
from laer.web.pages.account_granted import bill_state
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def dana() -> Contact:
    return Contact.objects.get(name="Dana Whitfield")


def add(cast: Cast, part: str = "csm", **values: Any) -> HttpResponse:
    given = {"contact": str(dana().pk), "role": "champion"} | {name: str(value) for name, value in values.items()}
    return cast.client(part).post(f"/accounts/{cast.adopting.pk}/contacts/role/", given)


def said(answer: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def page(cast: Cast, tab: str = "contacts", part: str = "csm") -> str:
    return cast.client(part).get(f"/accounts/{cast.adopting.pk}/?tab={tab}").content.decode()


def test_a_role_with_days_is_added_ended_put_right_and_taken_back(cast: Cast) -> None:
    assert "No role with days" in page(cast)
    added = add(cast, from_on=cast.today - timedelta(days=100), stance="supporter")
    role = ContactRole.objects.get()
    assert (role.contact, role.role, role.stance, role.from_on, role.until_on) == (dana(), "champion", "supporter", cast.today - timedelta(days=100), None)
    created = FieldChange.objects.get(record="contact_roles", field="created")
    assert (created.new, created.user) == ("champion", cast.users["csm"])
    assert DirtyAccount.objects.filter(account_id=cast.adopting.pk).exists()
    ended = cast.client("csm").post(f"/success/role/{role.pk}/today/")
    assert (ended.status_code, ended.headers["Location"]) == (302, f"/accounts/{cast.adopting.pk}/?tab=contacts")
    role.refresh_from_db()
    assert role.until_on == cast.today
    edited = cast.client("csm").post(f"/success/role/{role.pk}/", {"role": "decision maker", "stance": "neutral", "from_on": "", "until_on": ""})
    role.refresh_from_db()
    assert (role.role, role.stance, role.from_on, role.until_on) == ("decision maker", "neutral", None, None)
    *_before, message = get_messages(edited.wsgi_request)
    cast.client("csm").post(str(message.extra_tags).removeprefix("undo:"))
    role.refresh_from_db()
    assert (role.role, role.until_on) == ("champion", cast.today)
    *_before, message = get_messages(added.wsgi_request)
    cast.client("csm").post(str(message.extra_tags).removeprefix("undo:"))
    assert not ContactRole.objects.filter(archived_at=None).exists()
    assert "No role with days" in page(cast)


def test_a_contact_with_dated_roles_shows_those_that_hold_today(cast: Cast) -> None:
    add(cast, role="economic buyer", from_on=cast.today - timedelta(days=300), until_on=cast.today)
    rows = {row["name"]: row["roles"] for row in cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=contacts").context["contacts"]}
    assert rows["Dana Whitfield"] == []  # the day until which it holds is the first on which it does not; and so do measures count
    add(cast, role="champion", from_on=cast.today)
    rows = {row["name"]: row["roles"] for row in cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=contacts").context["contacts"]}
    assert rows["Dana Whitfield"] == ["champion"]


def test_bad_input_says_what_was_found(cast: Cast) -> None:
    jon = Contact.objects.get(name="Jon Pruitt")
    for given, words in [
        ({"contact": jon.pk}, "Contact: found nobody of that number at this account"),
        ({"contact": "x"}, "expected one of the contacts listed"),
        ({"role": " "}, "cannot be empty"),
        ({"stance": "sulky"}, "found 'sulky', expected one of supporter, neutral, detractor"),
        ({"from_on": cast.today, "until_on": cast.today - timedelta(days=1)}, "before"),
        ({"from_on": "soon"}, "soon"),
    ]:
        answer = add(cast, **given)
        assert words in said(answer), given
    assert not ContactRole.objects.exists()
    add(cast)
    assert "Dana Whitfield is champion already in those days" in said(add(cast))
    assert ContactRole.objects.count() == 1


def test_who_may_not_edit_the_account_changes_nothing_and_the_outsider_sees_nothing(cast: Cast) -> None:
    add(cast)
    role = ContactRole.objects.get()
    for part, status in (("viewer", 403), ("outsider", 404)):
        assert add(cast, part, role="user").status_code == status
        assert cast.client(part).get(f"/success/role/{role.pk}/").status_code == status
        assert cast.client(part).post(f"/success/role/{role.pk}/today/").status_code == status
    role.refresh_from_db()
    assert (role.until_on, ContactRole.objects.count()) == (None, 1)
    assert "Ends today" in page(cast)
    assert "Ends today" not in page(cast, part="viewer")


def test_users_limits_and_invoices_stand_with_their_source_and_leave_as_files(cast: Cast) -> None:
    empty = page(cast, "granted")
    assert all(words in empty for words in ("No users of the product", "No entitlements", "No invoices"))
    run = ImportRun.objects.create(source="billing", state="done", created_at=timezone.now())
    made = {"account": cast.adopting, "created_at": timezone.now(), "created_run": run}
    ProductUser.objects.create(user_id="u-17", name="Ada Byron", team="Finance", is_internal=False, deactivated_on=cast.today, **made)
    Entitlement.objects.create(name="API calls", granted="1500.5", unit="calls", **made)
    Entitlement.objects.create(name="Storage", until_on=cast.today, **made)
    due = cast.today - timedelta(days=12)
    Invoice.objects.create(number="2026-001", issued_on=cast.today - timedelta(days=42), due_on=due, amount="1200.5", currency="EUR", status="open", **made)
    answer = cast.client("admin").get(f"/accounts/{cast.adopting.pk}/?tab=granted")
    [user], [calls, storage], [bill] = (answer.context[name] for name in ("users", "rights", "bills"))
    assert (user["name"], user["side"], user["ended"], user["source"]) == ("Ada Byron", "theirs", True, "billing")
    assert (str(calls["granted"]), calls["state"], storage["granted"], storage["state"]) == ("1500.5", "in force", None, "ended")
    assert bill["words"].startswith("overdue since")
    assert f"/data/import/{run.pk}/" in bill["source_url"] or str(run.pk) in bill["source_url"]
    lines = {
        name: b"".join(cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=granted&of={name}&format=csv")).decode().splitlines()
        for name in ("users", "entitlements", "invoices")
    }
    assert lines["users"][1].startswith("u-17,Ada Byron,,Finance,no,")
    assert [line.split(",")[:3] for line in lines["entitlements"][1:]] == [["API calls", "1500.5", "calls"], ["Storage", "", ""]]
    assert f",{due},,,1200.5,EUR,open" in lines["invoices"][1]
    add(cast)
    roles = b"".join(cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=contacts&of=roles&format=csv")).decode().splitlines()
    assert roles == ["contact,email,role,stance,reports_to,from,until", "Dana Whitfield,dana@kestrel.example,champion,,,,"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": "open"}, "open"), ({"status": "open", "due": 0}, "open"), ({"status": "open", "due": -1}, "overdue"), ({"paid": 0, "due": 0}, "paid"),
        ({"paid": 3, "due": 0}, "paid late"), ({"status": "paid"}, "paid, nobody says when"), ({"status": "void", "due": -9}, "taken back"),
        ({"amount": "-5", "due": -9}, "credit"),
    ],
)  # fmt: skip
def test_what_became_of_an_invoice(cast: Cast, given: dict[str, Any], words: str) -> None:
    days = {f"{name}_on": cast.today + timedelta(days=given[name]) for name in ("due", "paid") if name in given}
    one = Invoice(issued_on=cast.today, amount=given.get("amount", "10"), status=given.get("status"), **days)
    assert bill_state(one, cast.today)[0].startswith(words)
