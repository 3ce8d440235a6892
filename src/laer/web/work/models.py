"""What people do: tasks, touches, and what they are told. Rows are archived, never deleted; each write has its row in the book's change log."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from laer.web.book.models import Account, Contact, Note
from laer.web.people.models import Person, User


class Priority(models.IntegerChoices):
    """Higher is more pressing, so that a list sorts by it."""

    LOW = 1, gettext_lazy("Low")
    NORMAL = 2, gettext_lazy("Normal")
    HIGH = 3, gettext_lazy("High")


class Task(models.Model):
    """Something that somebody is to do, on an account or on none."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="tasks")
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True, default="")
    due_on = models.DateField(null=True)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    assignee = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="tasks")
    checklist = models.JSONField(default=list)  # [{text, done}]
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["assignee", "due_on"], condition=Q(done_at=None, archived_at=None), name="tasks_open"),
            models.Index(fields=["account", "-done_at"], name="tasks_of_account"),
            # the order of the list, with all that says who may see it and whose it is: a page and the counts come from it alone
            models.Index(fields=["due_on", "-priority", "id", "account", "assignee", "created_by"], condition=Q(done_at=None, archived_at=None), name="tasks_due"),
        ]


class TouchKind(models.TextChoices):
    CALL = "call", gettext_lazy("Call")
    MEETING = "meeting", gettext_lazy("Meeting")
    MAIL = "mail", gettext_lazy("E-mail")
    CHAT = "chat", gettext_lazy("Chat")
    OTHER = "other", gettext_lazy("Other")


class Sentiment(models.TextChoices):
    GOOD = "good", gettext_lazy("Good")
    NEUTRAL = "neutral", gettext_lazy("Neutral")
    BAD = "bad", gettext_lazy("Bad")


class Direction(models.TextChoices):
    OUT = "out", gettext_lazy("We reached out")
    IN = "in", gettext_lazy("They reached out")


class Touch(models.Model):
    """One contact with an account: what, when, how long, how it went."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="touches")
    kind = models.CharField(max_length=10, choices=TouchKind.choices)
    at = models.DateTimeField()
    minutes = models.IntegerField(null=True)
    sentiment = models.CharField(max_length=8, choices=Sentiment.choices, null=True)
    direction = models.CharField(max_length=4, choices=Direction.choices, default=Direction.OUT)
    summary = models.TextField(blank=True, default="")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="touches")
    contacts = models.ManyToManyField(Contact, related_name="touches")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-at"], name="touches_of_account"), models.Index(fields=["person", "-at"], name="touches_of_person")]


class Notice(models.TextChoices):
    MENTION = "mention", gettext_lazy("Mentioned you")
    ASSIGNED = "assigned", gettext_lazy("Gave you a task")


class Notification(models.Model):
    """Something that concerns a person: about a note or a task, of an account or of none."""

    id = models.BigAutoField(primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=10, choices=Notice.choices)
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, null=True, on_delete=models.CASCADE, related_name="+")
    note = models.ForeignKey(Note, null=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(task=None) ^ Q(note=None), name="about_one_thing")]
        indexes: ClassVar = [
            models.Index(fields=["person", "-id"], name="notices_of_person"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="notices_unread"),
        ]


WORK: dict[str, type[Task] | type[Touch]] = {"tasks": Task, "touches": Touch}  # as the change log names them
