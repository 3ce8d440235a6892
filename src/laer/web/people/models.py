"""People with and without a login. A role is what a login may do; a job is what a person does on an account (`book.Assignment`)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Role(models.TextChoices):
    """Permission groups, widest first."""

    ADMIN = "admin", "Admin"
    LEAD = "lead", "Lead"
    FINANCE = "finance", "Finance"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"


class Logins(BaseUserManager["User"]):
    def get_queryset(self) -> models.QuerySet[User]:
        """With the person, whose name every page says."""
        return super().get_queryset().select_related("person")

    def create_user(self, email: str, password: str | None = None, *, role: str = Role.MEMBER, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), role=role, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A login. Its person is made with it, so that accounts can be assigned to it."""

    email = models.EmailField(unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Logins] = Logins()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def reads_everything(self) -> bool:
        """Roles that see the whole book whatever the read scope says."""
        return self.role in (Role.ADMIN, Role.LEAD, Role.FINANCE)

    @property
    def may_import(self) -> bool:
        return self.role in (Role.ADMIN, Role.LEAD, Role.FINANCE)

    @property
    def may_close(self) -> bool:
        """Close months, and open them again."""
        return self.role in (Role.ADMIN, Role.FINANCE)

    @property
    def may_exclude(self) -> bool:
        """Who may take rows out of the figures, and back: those who answer for the figures."""
        return self.role in (Role.ADMIN, Role.FINANCE)

    @property
    def may_edit(self) -> bool:
        return self.role != Role.VIEWER


class Person(models.Model):
    """Somebody of our own firm. Owners named in files are people without a login."""

    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True, null=True)
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="person")
    custom = models.JSONField(default=dict, blank=True)
    created_run = models.BigIntegerField(null=True)  # the import that named the person; no key, so that people stays upstream of the book
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)
    archived_run = models.BigIntegerField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["email"]), models.Index(fields=["name"])]

    def __str__(self) -> str:
        return self.name
