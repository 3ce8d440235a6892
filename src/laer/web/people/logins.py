"""A login that is made without an invitation: by the command line, and by the first setup in the browser."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from laer.web.people.models import Person, User


@transaction.atomic
def make_login(email: str, password: str, role: str, name: str = "") -> User:
    """A login and its person: the one that files already named by this address, else a new one. The caller has checked the values."""
    user = User.objects.create_user(email, password, role=role)
    person = Person.objects.filter(email__iexact=email, user=None, archived_at=None).order_by("pk").first()
    if person is None:
        local = email.split("@")[0].replace(".", " ").replace("_", " ").title()
        person = Person(name=name or local, email=user.email, created_at=timezone.now())
    elif name:
        person.name = name
    person.user = user
    person.save()
    return user


def weaknesses(password: str, email: str) -> list[str]:
    """Why a password is refused; nothing where it is good."""
    try:
        validate_password(password, User(email=email))
    except ValidationError as weak:
        return list(weak.messages)
    return []


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
