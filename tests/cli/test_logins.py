"""`laer user`: logins made, linked, given another password."""

from __future__ import annotations

import re

import pytest

from tests.cli.commands import run

ROLES = ["admin", "lead", "finance", "member", "viewer"]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_a_login_of_every_role_takes_its_password_from_standard_input(role: str) -> None:
    from laer.web.people.models import User

    done = run("user", "create", f"{role}@Example.com", "--role", role, given="tulip-harbour-42\n")
    assert done.exit_code == 0, done.output
    user = User.objects.get(email=f"{role}@example.com")
    assert user.role == role
    assert user.check_password("tulip-harbour-42")
    assert user.person.name == role.title()
    assert "tulip" not in done.output


@pytest.mark.django_db
@pytest.mark.parametrize("extra", [[], ["--print-password"]])
def test_with_no_password_given_a_strong_one_is_printed_once(extra: list[str]) -> None:
    from laer.web.people.models import User

    done = run("user", "create", "ann@example.com", "--role", "lead", *extra)
    found = re.findall(r"^password: (\S{20,})$", done.output, re.MULTILINE)
    assert len(found) == 1
    assert User.objects.get().check_password(found[0])


@pytest.mark.django_db
def test_an_unknown_role_is_refused_with_the_list_of_roles() -> None:
    done = run("user", "create", "ann@example.com", "--role", "boss", given="tulip-harbour-42\n")
    assert done.exit_code == 2
    assert "no role 'boss'; the roles are admin, lead, finance, member, viewer" in done.output


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("not an address", "tulip-harbour-42", "is not an e-mail address"),
        ("ann@example.com", "short", "too short"),
        ("ann@example.com", "password1234", "too common"),
        ("tulip.harbour@example.com", "tulip.harbour", "too similar"),
    ],
)
def test_a_bad_address_or_password_is_refused(email: str, password: str, said: str) -> None:
    from laer.web.people.models import Person, User

    done = run("user", "create", email, "--role", "lead", given=password + "\n")
    assert done.exit_code == 2
    assert said in done.output
    assert not User.objects.exists()
    assert not Person.objects.exists()


@pytest.mark.django_db
def test_a_login_is_linked_to_the_person_that_a_file_named() -> None:
    from django.utils import timezone

    from laer.web.people.models import Person

    person = Person.objects.create(name="Ann Arbour", email="Ann@Example.com", created_at=timezone.now())
    assert run("user", "create", "ann@example.com", "--role", "member").exit_code == 0
    person.refresh_from_db()
    assert person.user is not None
    assert person.name == "Ann Arbour"
    again = run("user", "create", "ANN@example.com", "--role", "member")
    assert again.exit_code == 2
    assert "already" in again.output
    assert Person.objects.count() == 1


@pytest.mark.django_db
def test_a_password_is_changed_and_the_list_shows_no_secret() -> None:
    from laer.web.people.models import User

    run("user", "create", "ann@example.com", "--role", "member", "--name", "Ann")
    assert run("user", "password", "ann@example.com", given="meadow-lantern-7\n").exit_code == 0
    assert User.objects.get().check_password("meadow-lantern-7")
    listed = run("user", "list").output.splitlines()
    assert listed[1].split() == ["ann@example.com", "member", "Ann", "active"]
    missing = run("user", "password", "bob@example.com", given="meadow-lantern-7\n")
    assert missing.exit_code == 2
    assert "ann@example.com" in missing.output
