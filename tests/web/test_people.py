"""People and their logins: invitations, roles, and that nobody locks the firm out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from laer.web.book.models import Assignment
from laer.web.people import invitations, roles
from laer.web.people.models import Act, AuditEvent, Invitation, Person, User
from laer.web.people.roles import Refused
from tests.cast import Cast, add_account

PASSWORD = "a-long-walk-by-the-river"


def invite(cast: Cast, **values: str) -> str:
    """The path of the link that the admin is shown."""
    page = cast.client("admin").post("/settings/people/invite/", {"email": "nora@laer.example", "role": "member", "by": "link"} | values, follow=True)
    found = re.search(r'data-copy="http://testserver(/invitation/[^"]+)"', page.content.decode())
    assert found, page.content.decode()[:3000]
    return found[1]


def acts() -> list[str]:
    return list(AuditEvent.objects.exclude(act=Act.SIGNED_IN).order_by("pk").values_list("act", flat=True))


def test_an_invitation_makes_a_login_and_signs_in(cast: Cast) -> None:
    link = invite(cast, name="Nora Holt")
    browser = Client()
    assert b"Nora Holt" in browser.get(link).content
    assert browser.get("/accounts/").status_code == 302
    answer = browser.post(link, {"password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert browser.get("/accounts/").status_code == 200
    user = User.objects.get(email="nora@laer.example")
    assert (user.role, user.person.name, user.check_password(PASSWORD)) == ("member", "Nora Holt", True)
    assert acts() == [Act.INVITED, Act.JOINED]


def test_a_link_works_once(cast: Cast) -> None:
    link = invite(cast)
    assert Client().post(link, {"password": PASSWORD}).status_code == 302
    again = Client()
    assert again.get(link).status_code == 410
    assert again.post(link, {"password": "another-long-password"}).status_code == 410
    assert again.get("/accounts/").status_code == 302
    assert User.objects.get(email="nora@laer.example").check_password(PASSWORD)


def test_a_link_is_shown_once_and_kept_nowhere(cast: Cast) -> None:
    token = invite(cast).strip("/").split("/")[-1]
    made = Invitation.objects.get()
    assert token not in (made.token_hash, made.email)
    assert token not in cast.client("admin").get(f"/settings/people/{made.person_id}/").content.decode()
    assert not AuditEvent.objects.filter(details__icontains=token).exists()


def test_a_link_expires(cast: Cast) -> None:
    link = invite(cast)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(link).status_code == 410
    assert Client().post(link, {"password": PASSWORD}).status_code == 410
    assert not User.objects.filter(email="nora@laer.example").exists()


def test_a_link_can_be_revoked_and_another_replaces_it(cast: Cast) -> None:
    first, second = invite(cast), invite(cast)
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    made = Invitation.objects.get(revoked_at=None)
    assert cast.client("admin").post(f"/settings/invitations/{made.pk}/revoke/").status_code == 302
    assert Client().get(second).status_code == 410
    assert cast.client("admin").post(f"/settings/invitations/{made.pk}/revoke/").status_code == 404
    assert acts() == [Act.INVITED, Act.INVITED, Act.INVITATION_REVOKED]


def test_a_weak_password_does_not_use_the_link_up(cast: Cast) -> None:
    link = invite(cast)
    page = Client().post(link, {"password": "password12"})
    assert page.status_code == 422
    assert b"common" in page.content
    assert Client().post(link, {"password": PASSWORD}).status_code == 302


def test_a_person_whom_files_named_keeps_their_accounts(cast: Cast) -> None:
    person = Person.objects.create(name="Olga Reyes", email="Olga@laer.example", created_at=timezone.now())
    add_account("Pine Freight", person)
    link = invite(cast, email="olga@laer.example")
    browser = Client()
    browser.post(link, {"password": PASSWORD})
    assert Person.objects.filter(name="Olga Reyes").count() == 1
    assert b"Pine Freight" in browser.get("/accounts/").content
    assert Assignment.objects.get(account__name="Pine Freight").person.user.email == "olga@laer.example"  # type: ignore[union-attr]


def test_a_person_without_an_address_is_invited_from_their_page(cast: Cast) -> None:
    person = Person.objects.create(name="Ivo", created_at=timezone.now())
    link = invite(cast, person=str(person.pk), email="ivo@laer.example", role="viewer")
    Client().post(link, {"password": PASSWORD})
    person.refresh_from_db()
    assert (person.email, person.user and person.user.role) == ("ivo@laer.example", "viewer")


@pytest.mark.parametrize(("values", "said"), [({"email": "nobody"}, "expected an address"), ({"role": "king"}, "expected one of"), ({"email": "CSM@laer.example"}, "has a login already")])
def test_an_invitation_that_cannot_be_is_refused(cast: Cast, values: dict[str, str], said: str) -> None:
    page = cast.client("admin").post("/settings/people/invite/", {"email": "n@laer.example", "role": "member"} | values)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not Invitation.objects.exists()


def test_with_a_mail_server_the_link_goes_by_mail(cast: Cast, settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    page = cast.client("admin").post("/settings/people/invite/", {"email": "nora@laer.example", "role": "member", "by": "mail"}, follow=True)
    assert "/invitation/" not in page.content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["nora@laer.example"]
    link = re.search(r"http://testserver(/invitation/\S+)", str(sent.body))
    assert link
    assert Client().get(link[1]).status_code == 200


def test_nobody_but_an_admin_invites_or_changes(cast: Cast) -> None:
    maya = cast.people["csm"]
    for part in ("csm", "lead", "viewer", "outsider"):
        client = cast.client(part)
        assert client.post("/settings/people/invite/", {"email": "n@laer.example", "role": "admin"}).status_code == 403
        assert client.post(f"/settings/people/{maya.pk}/change/", {"do": "role", "role": "admin"}).status_code == 403
        with pytest.raises(PermissionDenied):
            roles.change_role(cast.users[part], cast.users["csm"], "admin")
        with pytest.raises(PermissionDenied):
            invitations.invite(cast.users[part], "n@laer.example", "admin")
    assert User.objects.get(pk=cast.users["csm"].pk).role == "member"
    assert not Invitation.objects.exists()


def test_a_role_is_changed_with_its_audit_event(cast: Cast) -> None:
    cast.client("admin").post(f"/settings/people/{cast.people['viewer'].pk}/change/", {"do": "role", "role": "member"})
    assert User.objects.get(pk=cast.users["viewer"].pk).role == "member"
    event = AuditEvent.objects.get(act=Act.ROLE_CHANGED)
    assert (event.user, event.about, event.details, event.ip) == (cast.users["admin"], cast.users["viewer"], {"old": "viewer", "new": "member"}, "127.0.0.1")


def test_a_login_is_switched_off_and_on(cast: Cast) -> None:
    path, viewer = f"/settings/people/{cast.people['viewer'].pk}/change/", cast.client("viewer")
    assert viewer.get("/accounts/").status_code == 200
    cast.client("admin").post(path, {"do": "off"})
    assert viewer.get("/accounts/").status_code == 302
    cast.client("admin").post(path, {"do": "on"})
    assert viewer.get("/accounts/").status_code == 302  # the session has ended, not only paused
    assert acts() == [Act.SWITCHED_OFF, Act.SWITCHED_ON]


@pytest.mark.parametrize("do", [{"do": "off"}, {"do": "role", "role": "member"}])
def test_the_last_admin_stays(cast: Cast, do: dict[str, str]) -> None:
    path = f"/settings/people/{cast.people['admin'].pk}/change/"
    page = cast.client("admin").post(path, do, follow=True)
    assert "last admin" in page.content.decode()
    assert (User.objects.get(pk=cast.users["admin"].pk).role, User.objects.get(pk=cast.users["admin"].pk).is_active) == ("admin", True)
    User.objects.filter(pk=cast.users["lead"].pk).update(role="admin", is_active=False)
    cast.client("admin").post(path, do)
    assert User.objects.get(pk=cast.users["admin"].pk).is_admin  # an admin who cannot sign in is none
    User.objects.filter(pk=cast.users["lead"].pk).update(is_active=True)
    cast.client("admin").post(path, do)
    after = User.objects.get(pk=cast.users["admin"].pk)
    assert not (after.is_admin and after.is_active)


def test_refusals_leave_no_trace(cast: Cast) -> None:
    with pytest.raises(Refused):
        roles.change_role(cast.users["admin"], cast.users["admin"], "viewer")
    assert acts() == []


def test_the_list_shows_who_is_who(cast: Cast) -> None:
    Person.objects.create(name="Zoe Without", created_at=timezone.now())
    page = cast.client("admin").get("/settings/people/").content.decode()
    for name in ("Maya Okafor", "Tom Becker", "Zoe Without"):
        assert name in page
    row = next(r for r in cast.client("admin").get("/settings/people/").context["people"] if r["name"] == "Maya Okafor")
    assert (row["accounts"], row["role"]) == (6, "Member")
    assert [r["name"] for r in cast.client("admin").get("/settings/people/?view=none").context["people"]] == ["Zoe Without"]
    assert [r["name"] for r in cast.client("admin").get("/settings/people/?q=becker").context["people"]] == ["Tom Becker"]


def test_the_list_pages(cast: Cast) -> None:
    Person.objects.bulk_create(Person(name=f"P{i:03}", created_at=timezone.now()) for i in range(120))
    first = cast.client("admin").get("/settings/people/").context
    second = cast.client("admin").get("/settings/people/" + first["next_url"]).context
    assert not {r["name"] for r in first["people"]} & {r["name"] for r in second["people"]}
    assert second["previous_url"]


def test_sessions_are_listed_and_ended(cast: Cast) -> None:
    user = cast.users["csm"]
    user.set_password(PASSWORD)
    user.save()
    here, there = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}), Client(headers={"User-Agent": "Mozilla/5.0 (Windows) Chrome/140.0"})
    for browser in (here, there):
        assert browser.post("/login/", {"login": user.email, "password": PASSWORD}).status_code == 302
    page = here.get("/settings/you/")
    assert {(s["browser"], s["current"]) for s in page.context["sessions"]} == {("Firefox on Linux", True), ("Chrome on Windows", False)}
    assert {s["ip"] for s in page.context["sessions"]} == {"127.0.0.1"}
    other = next(s for s in page.context["sessions"] if not s["current"])
    assert cast.client("outsider").post(other["end_url"]).status_code == 302
    assert there.get("/accounts/").status_code == 200  # only one's own
    here.post("/settings/you/sessions/end/")
    assert (here.get("/accounts/").status_code, there.get("/accounts/").status_code) == (200, 302)
    cast.client("admin").post(f"/settings/people/{cast.people['csm'].pk}/change/", {"do": "sign-out"})
    assert here.get("/accounts/").status_code == 302


def test_another_password_ends_the_other_sessions_only(cast: Cast) -> None:
    user = cast.users["csm"]
    user.set_password(PASSWORD)
    user.save()
    here, there = Client(), Client()
    for browser in (here, there):
        browser.post("/login/", {"login": user.email, "password": PASSWORD})
    here.post("/password/change/", {"oldpassword": PASSWORD, "password1": PASSWORD + "-2", "password2": PASSWORD + "-2"})
    assert (here.get("/accounts/").status_code, there.get("/accounts/").status_code) == (200, 302)
    assert [s["current"] for s in here.get("/settings/you/").context["sessions"]] == [True]
