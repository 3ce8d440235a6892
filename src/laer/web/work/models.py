"""What people do: tasks, touches, and what they are told. Rows are archived, never deleted; each write has its row in the book's change log."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from laer.web.book.models import Account, Contact, Contract, Note, Pulse
from laer.web.people.models import Person, SavedView, User


class Priority(models.IntegerChoices):
    """Higher is more pressing, so that a list sorts by it."""

    LOW = 1, gettext_lazy("Low")
    NORMAL = 2, gettext_lazy("Normal")
    HIGH = 3, gettext_lazy("High")


class Repeat(models.TextChoices):
    """How often a task comes back once it is done."""

    WEEK = "week", gettext_lazy("every week")
    FORTNIGHT = "fortnight", gettext_lazy("every two weeks")
    MONTH = "month", gettext_lazy("every month")
    QUARTER = "quarter", gettext_lazy("every quarter")
    YEAR = "year", gettext_lazy("every year")


class TaskKind(models.TextChoices):
    """What sort of work a task is. Work that is another team's has kinds of its own, so that its share shows."""

    CALL = "call", gettext_lazy("Call")
    MEETING = "meeting", gettext_lazy("Meeting")
    MAIL = "mail", gettext_lazy("E-mail")
    PREPARE = "prepare", gettext_lazy("Preparation")
    ADMIN = "admin", gettext_lazy("Administration")
    SUPPORT = "support", gettext_lazy("Support's work")
    SALES = "sales", gettext_lazy("Sales' work")
    OTHER = "other", gettext_lazy("Other")


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
    repeats = models.CharField(max_length=10, choices=Repeat.choices, blank=True, default="")
    play_run = models.ForeignKey("PlayRun", null=True, on_delete=models.SET_NULL, related_name="tasks")  # that gave it
    episode = models.ForeignKey("Episode", null=True, on_delete=models.SET_NULL, related_name="tasks")  # of the signal that it was given for
    kind = models.CharField(max_length=10, choices=TaskKind.choices, blank=True, default="")
    minutes = models.IntegerField(null=True)  # that it took, as somebody says; null: the usual ones of its kind

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["assignee", "due_on"], condition=Q(done_at=None, archived_at=None), name="tasks_open"),
            models.Index(fields=["account", "-done_at"], name="tasks_of_account"),
            # the order of the list, with all that says who may see it and whose it is: a page and the counts come from it alone
            models.Index(fields=["due_on", "-priority", "id", "account", "assignee", "created_by"], condition=Q(done_at=None, archived_at=None), name="tasks_due"),
        ]


class TaskTemplate(models.Model):
    """A task that is given again and again, with a name: whoever adds one picks it and changes what is different this time."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True, default="")
    checklist = models.JSONField(default=list)  # [text]
    due_in = models.SmallIntegerField(null=True)  # days from the day on which it is added; null: no day
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    kind = models.CharField(max_length=10, choices=TaskKind.choices, blank=True, default="")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_template_of_a_name")]


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


class Category(models.TextChoices):
    """What is expected of a renewal; the values are those of `records.types.CALLS`."""

    COMMIT = "commit", gettext_lazy("Commit")
    LIKELY = "likely", gettext_lazy("Likely")
    AT_RISK = "at_risk", gettext_lazy("At risk")
    LOST = "lost", gettext_lazy("Lost")


class Forecast(models.Model):
    """What somebody expects of a contract that falls due on a day. Each call is a row of its own: the newest stands, and none is changed."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="forecasts")
    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="forecasts")
    due_on = models.DateField()
    by = models.CharField(max_length=8, default="person")
    category = models.CharField(max_length=8, choices=Category.choices)
    amount = models.CharField(max_length=40, null=True)  # exact text, ARR that is expected to go on
    currency = models.CharField(max_length=8, null=True)
    notice_given = models.BooleanField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    next_step = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="forecasts")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["contract", "due_on", "-at"], name="forecasts_of_renewal"), models.Index(fields=["account"], name="forecasts_of_account")]


class PositionSet(models.Model):
    """What somebody says of an account's state in a motion, beside what rules found. The newest that has not ended stands; none is overwritten."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="positions_set")
    motion = models.CharField(max_length=6)
    state = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    until_on = models.DateField(null=True)  # the first day on which it stands no more
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "motion", "-id"], name="positions_of_account")]


class Colour(models.TextChoices):
    """What a person holds of an account, and the bands of a score; the values are those of `Pulse.colour` and `scores.bands`."""

    GREEN = "green", gettext_lazy("Green")
    YELLOW = "yellow", gettext_lazy("Yellow")
    RED = "red", gettext_lazy("Red")


class PulseStep(models.Model):
    """What a person of the firm said with a pulse: who they are, when, and what they do next by which day.

    The word and its reason are a row of the book (`Pulse`), the same as an import brings; one that came in a file has no such row.
    """

    pulse = models.OneToOneField(Pulse, primary_key=True, on_delete=models.CASCADE, related_name="said")
    next_step = models.CharField(max_length=200, blank=True, default="")
    next_on = models.DateField(null=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()


class Override(models.Model):
    """That a person holds an account to be of another band than a scorecard says, for a reason, until a day (left out).

    It stands beside the score and changes none. Each is a row of its own; the newest that has not ended stands.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="overrides")
    card = models.CharField(max_length=60)  # the scorecard's id
    band = models.CharField(max_length=8, choices=Colour.choices)
    reason = models.CharField(max_length=300)
    from_on = models.DateField()
    until_on = models.DateField()
    instead_of = models.CharField(max_length=8, null=True)  # the card's band when it was said; null: unknown
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="overrides")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "card", "-until_on"], name="overrides_of_account")]


class Episode(models.Model):
    """A signal that stands for an account, from the day of the pass that found it to that of the pass that found it over. One at a time."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="episodes")
    signal = models.CharField(max_length=60)
    version = models.IntegerField()
    opened_on = models.DateField()
    closed_on = models.DateField(null=True)
    base = models.BooleanField(default=False)  # it stood when it was first looked at: nothing has happened that day
    seen = models.JSONField(default=dict)  # the evidence when it opened: measure -> value
    arr_minor = models.BigIntegerField(null=True)  # of the account when it opened
    run_id = models.BigIntegerField()
    closed_run_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "signal"], condition=Q(closed_on=None), name="one_episode_at_a_time"),
            models.UniqueConstraint(fields=["account", "signal", "opened_on"], name="one_episode_a_day"),
        ]
        indexes: ClassVar = [models.Index(fields=["signal", "opened_on"], name="episodes_of_signal")]


class Answer(models.TextChoices):
    DONE = "done", gettext_lazy("Done")
    SNOOZED = "snoozed", gettext_lazy("Later")
    DISMISSED = "dismissed", gettext_lazy("Dismissed")


class EpisodeAnswer(models.Model):
    """What somebody said to an episode. Each is a row of its own: the newest stands, and none is changed."""

    id = models.BigAutoField(primary_key=True)
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="answers")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Answer.choices)
    until_on = models.DateField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["episode", "-id"], name="answers_of_episode"), models.Index(fields=["created_by", "-created_at"], name="answers_by_person"),
        ]  # fmt: skip


class Looked(models.Model):
    """Until when a person has seen what changed on their book."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()


class RiskKind(models.TextChoices):
    RISK = "risk", gettext_lazy("Risk")
    ESCALATION = "escalation", gettext_lazy("Escalation")


class RiskReason(models.TextChoices):
    """The tree of reasons for which customers leave."""

    FIT = "fit", gettext_lazy("Fit")
    VALUE = "value", gettext_lazy("Value not reached")
    PRODUCT = "product", gettext_lazy("Gap in the product")
    SUPPORT = "support", gettext_lazy("Support")
    PRICE = "price", gettext_lazy("Price")
    PEOPLE = "people", gettext_lazy("People changed")
    COMPANY = "company", gettext_lazy("Event at the company")
    PAYMENT = "payment", gettext_lazy("Payment")


class Severity(models.IntegerChoices):
    LOW = 1, gettext_lazy("Low")
    MEDIUM = 2, gettext_lazy("Medium")
    HIGH = 3, gettext_lazy("High")
    URGENT = 4, gettext_lazy("Urgent")


class RiskOutcome(models.TextChoices):
    SAVED = "saved", gettext_lazy("Saved")
    REDUCED = "reduced", gettext_lazy("Kept, for less")
    LOST = "lost", gettext_lazy("Lost")
    FALSE = "false_alarm", gettext_lazy("False alarm")


class Risk(models.Model):
    """What a person fears for an account: why, how much, whose it is, what comes next, and what came of it."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="risks")
    kind = models.CharField(max_length=10, choices=RiskKind.choices, default=RiskKind.RISK)
    reason = models.CharField(max_length=10, choices=RiskReason.choices)
    severity = models.SmallIntegerField(choices=Severity.choices, default=Severity.MEDIUM)
    arr = models.CharField(max_length=40, null=True)  # exact text, ARR at risk; null: all of the account's
    currency = models.CharField(max_length=8, null=True)
    note = models.CharField(max_length=500, blank=True, default="")
    next_step = models.CharField(max_length=200, blank=True, default="")
    due_on = models.DateField(null=True)
    minutes = models.IntegerField(null=True)  # spent on it in weekly reviews
    owner = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="risks")
    outcome = models.CharField(max_length=12, choices=RiskOutcome.choices, null=True)
    closed_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account"], name="risks_of_account")]


class PlaySetting(models.Model):
    """What the firm decided of a play, and from when what begins it counts. A play without a row was never looked at."""

    play = models.CharField(max_length=60, unique=True)  # the definition's id
    on = models.BooleanField(default=False)
    from_run = models.BigIntegerField()  # what opened in this run or before begins nothing
    looked_on = models.DateField()  # days up to this one were looked at
    approved = models.IntegerField(null=True)  # the version that may send by itself; another text is approved anew
    approved_mails = models.JSONField(default=dict)  # mail template -> its version when that was approved
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField()


class RunState(models.TextChoices):
    TRIAL = "trial", gettext_lazy("On trial")  # it would have begun
    WAITING = "waiting", gettext_lazy("Waiting")
    LIVE = "live", gettext_lazy("Under way")
    ENDED = "ended", gettext_lazy("Ended")
    HELD_OUT = "held_out", gettext_lazy("Held out")
    REFUSED = "refused", gettext_lazy("Did not begin")


class RunEnd(models.TextChoices):
    """How a run ended, or why it did not begin."""

    REACHED = "reached", gettext_lazy("What ends it came true")
    FINISHED = "finished", gettext_lazy("All steps are done")
    STOPPED = "stopped", gettext_lazy("Stopped by a person")
    CHANGED = "changed", gettext_lazy("Its step is no longer in the play")
    WHO = "who", gettext_lazy("It is not for this account")
    UNKNOWN = "unknown", gettext_lazy("Too little is known to say whether it is for this account")
    LIVE = "live", gettext_lazy("It was under way already")
    COOLING = "cooling", gettext_lazy("It had ended shortly before")
    OLD = "old", gettext_lazy("It had begun before the book knew of it")
    OVER = "over", gettext_lazy("What was to begin it was over by then")
    OFF = "off", gettext_lazy("The play was switched off, or is no longer in use")


class PlayRun(models.Model):
    """A play for an account: what began it, where it stands, and what came of it. One that is waiting or under way at a time."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="play_runs")
    play = models.CharField(max_length=60)
    version = models.IntegerField()
    cause = models.CharField(max_length=80)  # episode:12, stay:7, day:2027-01-01, person:3f…, play:5:2.then.0 (run and step)
    cause_on = models.DateField()
    state = models.CharField(max_length=8, choices=RunState.choices)
    ended_by = models.CharField(max_length=8, choices=RunEnd.choices, null=True)
    reason = models.CharField(max_length=300, blank=True, default="")  # in a person's words
    starts_on = models.DateField()
    step = models.CharField(max_length=60, null=True)  # the path of the step that it is at; null: over
    begun = models.BooleanField(default=False)  # whether that step was begun
    step_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # when it is looked at again, whatever happens; null: not by the clock
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")  # that it waits for
    moves = models.IntegerField(default=0)  # each step adds one: of two workers one gets it
    again = models.IntegerField(default=0)  # times that its trigger came while it was under way
    arr_minor = models.BigIntegerField(null=True)  # of the account when it began
    owner = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    succeeded_on = models.DateField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "play", "cause"], name="one_run_a_cause"),
            models.UniqueConstraint(fields=["account", "play"], condition=Q(state__in=["waiting", "live"]), name="one_run_at_a_time"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="play_runs_due"),
            models.Index(fields=["play", "state", "-id"], name="play_runs_of_play"),
            models.Index(fields=["task"], condition=Q(state="live"), name="play_runs_for_task"),
        ]


class PlayStep(models.Model):
    """What a run did at a step. Written in the transaction that does it, so that nothing is done twice."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(PlayRun, on_delete=models.CASCADE, related_name="done_steps")
    path = models.CharField(max_length=60)
    kind = models.CharField(max_length=8)
    what = models.CharField(max_length=300)
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["run", "id"], name="steps_of_run")]


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


class Pin(models.Model):
    """A saved report on somebody's Home. Everybody pins for themselves, also what others share."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="pins")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="pins")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "view"], name="pinned_once")]


class Sending(models.TextChoices):
    """Where something that leaves the house stands."""

    QUEUED = "queued", gettext_lazy("Waiting")
    SENDING = "sending", gettext_lazy("Being sent")
    SENT = "sent", gettext_lazy("Sent")
    FAILED = "failed", gettext_lazy("Refused")  # the other side said no, for good
    DEAD = "dead", gettext_lazy("Given up")  # tried until it made no sense any more
    UNKNOWN = "unknown", gettext_lazy("Unknown")  # handed over, and no answer came: never sent again by itself
    STOPPED = "stopped", gettext_lazy("Stopped")  # by a person, or because it may not go out any more


class OutgoingMail(models.Model):
    """One mail to one addressee, as it was written when it was asked for. A key is one mail, for ever."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    template = models.CharField(max_length=60)
    play = models.CharField(max_length=60, null=True)
    play_run = models.ForeignKey(PlayRun, null=True, on_delete=models.SET_NULL, related_name="+")  # whose step asked for it
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="mails")  # null: to somebody of our own
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="mails")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="mails")  # of our own, to whom it goes
    to = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True, default="")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True, default="")
    by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=Sending.choices, default=Sending.QUEUED)
    reason = models.CharField(max_length=300, blank=True, default="")  # why it waits, or what the server said
    attempts = models.SmallIntegerField(default=0)
    claim = models.CharField(max_length=32, blank=True, default="")  # of whoever sends it: by it they know that the mail is still their own
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)  # the content went to the server: from here on it is not sent again
    sent_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200)
    bounced = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)  # a person said that it is to go, whatever became of its run; its age counts from then

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=Q(state="queued"), name="mails_due"),
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="mails_leased"),
            models.Index(fields=["account", "-sent_at"], name="mails_of_account"),
            models.Index(fields=["to", "sent_at"], name="mails_to"),
            models.Index(fields=["-created_at", "-id"], name="mails_newest"),
        ]


class MailStop(models.Model):
    """An address that is not written to any more: its owner asked for it, or a server said that nobody is there. Ended, never deleted."""

    id = models.BigAutoField(primary_key=True)
    address = models.CharField(max_length=254)
    why = models.CharField(max_length=12, choices=(("unsubscribed", gettext_lazy("Unsubscribed")), ("bounced", gettext_lazy("Bounced")), ("person", gettext_lazy("Stopped by us"))))
    detail = models.CharField(max_length=300, blank=True, default="")
    mail = models.ForeignKey(OutgoingMail, null=True, on_delete=models.SET_NULL, related_name="stops")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["address"], condition=Q(ended_at=None), name="one_stop_an_address")]


class Endpoint(models.Model):
    """Where calls go: a program of the firm's that checks our signature, or a channel of a chat."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=60)  # by which plays call it
    url = models.TextField()  # sealed: whoever knows that of a chat channel may write there
    host = models.CharField(max_length=255, default="")  # of it, to be shown
    kind = models.CharField(max_length=8, choices=(("signed", gettext_lazy("Signed webhook")), ("chat", gettext_lazy("Chat channel"))), default="signed")
    secret = models.TextField(blank=True, default="")  # sealed; of a signed one
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_endpoint_of_a_name")]


class OutgoingCall(models.Model):
    """One call of an endpoint. It may arrive twice and carries its id, by which the other side knows that it did."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="calls")
    message_id = models.CharField(max_length=60)
    event = models.CharField(max_length=80)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=Sending.choices, default=Sending.QUEUED)
    reason = models.CharField(max_length=300, blank=True, default="")
    attempts = models.SmallIntegerField(default=0)
    status = models.SmallIntegerField(null=True)  # of the last answer
    claim = models.CharField(max_length=32, blank=True, default="")
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=Q(state="queued"), name="calls_due"),
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="calls_leased"),
            models.Index(fields=["-created_at", "-id"], name="calls_newest"),
        ]


class TextOf(models.TextChoices):
    """What a text belongs to: a record of the book or of work, as the change log names it."""

    NOTE = "notes", gettext_lazy("Note")
    TOUCH = "touches", gettext_lazy("Touch")
    TICKET = "tickets", gettext_lazy("Ticket")
    ANSWER = "survey_responses", gettext_lazy("Survey answer")


class TextSentiment(models.Model):
    """How a text sounds: scored once by `runs/sentiments.py`, again where the text changes, and corrected by people. It holds no text itself."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="text_sentiments")
    kind = models.CharField(max_length=20, choices=TextOf.choices)
    row = models.BigIntegerField()  # number of the note, touch, ticket or answer
    written_on = models.DateField()
    score = models.FloatField(null=True)  # -1 to 1; null: not scored
    level = models.SmallIntegerField(null=True)  # -1, 0, 1: of the score
    unscored = models.CharField(max_length=10, blank=True, default="")  # why it is not scored: `adopt.sentiment.LANGUAGE`, `NOTHING`
    rated = models.SmallIntegerField(null=True)  # -1, 0, 1: what the customer's own CSAT or NPS on the same conversation says
    rated_on = models.DateField(null=True)  # from when that is known
    corrected = models.SmallIntegerField(null=True)  # -1, 0, 1: what a person says instead
    corrected_at = models.DateTimeField(null=True)
    corrected_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_of = models.BigIntegerField()  # a digest of all that it was made of, and of the formula: another one, and it is made anew
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "row"], name="one_sentiment_a_text")]
        indexes: ClassVar = [models.Index(fields=["account", "-written_on"], name="sentiments_of_account")]


WORK: dict[str, type[models.Model]] = {  # as the change log names them
    "tasks": Task, "touches": Touch, "forecasts": Forecast, "overrides": Override, "episode_answers": EpisodeAnswer, "risks": Risk,
    "positions": PositionSet, "play_runs": PlayRun, "text_sentiments": TextSentiment,
}  # fmt: skip
