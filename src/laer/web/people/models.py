"""People with and without a login. A role is what a login may do; a job is what a person does on an account (`book.Assignment`)."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy


class Role(models.TextChoices):
    """Permission groups, widest first."""

    ADMIN = "admin", gettext_lazy("Admin")
    LEAD = "lead", gettext_lazy("Lead")
    FINANCE = "finance", gettext_lazy("Finance")
    MEMBER = "member", gettext_lazy("Member")
    VIEWER = "viewer", gettext_lazy("Viewer")


class ReadScope(models.TextChoices):
    """What members and viewers see; the other roles see the whole book."""

    ALL = "all", gettext_lazy("Everyone reads all and edits their own")
    OWN = "own", gettext_lazy("Own book and team only")


class AccessPolicy(models.Model):
    """The firm's rules of access, one row. Until an admin has set one there is none, and the environment decides."""

    read_scope = models.CharField(max_length=8, choices=ReadScope.choices, null=True)
    second_factor = models.BooleanField(default=False)  # admins and finance must have one

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="one_access_policy")]


class Demo(models.TextChoices):
    """What the book is while it is not the firm's own."""

    NONE = "", "No demo"
    MAKING = "making", "Being made"
    SHOWN = "shown", "A made-up firm"
    LEAVING = "leaving", "Being left"


class Company(models.Model):
    """The firm, one row; without it the defaults hold. It is written by `company.py` and read through `company.firm()`, which costs no query."""

    FIELDS: ClassVar = ("name", "currency", "time_zone", "locale", "fiscal_year_start", "demo", "confirmed_at", "version", "activation", "minutes", "alerts")

    name = models.CharField(max_length=120, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")  # of reports; empty: the default
    time_zone = models.CharField(max_length=64, blank=True, default="")  # decides days and months
    locale = models.CharField(max_length=16, blank=True, default="")  # how numbers and dates are written, unless a person chose otherwise
    fiscal_year_start = models.SmallIntegerField(null=True)  # first month, 1 to 12
    demo = models.CharField(max_length=8, choices=Demo.choices, blank=True, default=Demo.NONE)
    confirmed_at = models.DateTimeField(null=True)  # when somebody said that these are right
    activation = models.CharField(max_length=400, blank=True, default="")  # the rule by which an account is activated, as JSON; empty: the one that ships
    minutes = models.CharField(max_length=400, blank=True, default="")  # usual minutes by kind of work that differ from those that ship, as JSON
    alerts = models.SmallIntegerField(null=True)  # accounts a day on Today; null: as it ships
    version = models.IntegerField(default=0)  # grows with each change: a process that holds an older one reads again

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="one_company"),
            models.CheckConstraint(condition=Q(fiscal_year_start=None) | Q(fiscal_year_start__range=(1, 12)), name="fiscal_year_starts_in_a_month"),
        ]


class Provider(models.TextChoices):
    """Who takes the firm's mail: a mail server, or a provider by its own interface."""

    SMTP = "smtp", gettext_lazy("Mail server (SMTP)")
    POSTMARK = "postmark", "Postmark"
    MAILGUN = "mailgun", "Mailgun"
    RESEND = "resend", "Resend"
    BREVO = "brevo", "Brevo"
    SENDGRID = "sendgrid", "SendGrid"


class Security(models.TextChoices):
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"
    NONE = "none", gettext_lazy("None")


class MailSender(models.Model):
    """From whom and through whom mail leaves the house, one row. It is written by `sender.py`; until a test was taken, nothing leaves."""

    name = models.CharField(max_length=120, blank=True, default="")
    address = models.EmailField(blank=True, default="")
    provider = models.CharField(max_length=12, choices=Provider.choices, default=Provider.SMTP)
    host = models.CharField(max_length=255, blank=True, default="")
    port = models.IntegerField(default=587)
    security = models.CharField(max_length=10, choices=Security.choices, default=Security.STARTTLS)
    login = models.CharField(max_length=255, blank=True, default="")
    secret = models.TextField(blank=True, default="")  # password or key, sealed
    domain = models.CharField(max_length=255, blank=True, default="")  # of the sender, where a provider asks for it
    site = models.CharField(max_length=255, blank=True, default="")  # how links in mails begin: https://laer.firm.example
    imprint = models.CharField(max_length=300, blank=True, default="")  # who writes and where they are, below each mail to a contact
    allowed = models.JSONField(default=list)  # addresses that a test may go to
    quiet_from = models.SmallIntegerField(default=19)  # hour of the contact's clock from which nothing is sent to them
    quiet_until = models.SmallIntegerField(default=8)
    quiet_weekends = models.BooleanField(default=True)
    most_a_week = models.SmallIntegerField(default=2)  # mails of plays that a contact gets within seven days
    paused = models.BooleanField(default=False)  # an admin stopped all of it
    tested_at = models.DateTimeField(null=True)
    tested_to = models.CharField(max_length=254, blank=True, default="")
    tested_as = models.CharField(max_length=64, blank=True, default="")  # what the test was taken with: another server, and it is to be done again
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="one_mail_sender")]


class Logins(BaseUserManager["User"]):
    def get_queryset(self) -> models.QuerySet[User]:
        """With the person, whose name every page says, and the rules in force: a page asks for neither again."""
        from allauth.mfa.models import Authenticator

        policy = AccessPolicy.objects.filter(pk=1)
        return (
            super()
            .get_queryset()
            .select_related("person")
            .annotate(
                _read_scope=Subquery(policy.values("read_scope")),
                _factor_asked=Subquery(policy.values("second_factor")),
                _company=Subquery(Company.objects.filter(pk=1).values(row=JSONObject(**{name: name for name in Company.FIELDS})), output_field=models.JSONField()),
                _has_factor=Exists(Authenticator.objects.filter(user_id=OuterRef("pk"), type=Authenticator.Type.TOTP)),
            )
        )

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
    hides_checklist = models.BooleanField(default=False)  # "hide for me" on the card of what a new installation still lacks
    created_at = models.DateTimeField(auto_now_add=True)
    # How the person reads: "" is the browser's language, the firm's formats and zone. They ride on the row that every page loads.
    language = models.CharField(max_length=16, blank=True, default="")
    locale = models.CharField(max_length=32, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")
    week_start = models.SmallIntegerField(null=True)  # Monday is 0; null: as the formats have it
    unheard = models.JSONField(default=list)  # kinds of notifications that they do not want
    # Mail to oneself, at this hour of one's own clock: what changed and what is due, of one's book and, for who leads, of each team.
    digest = models.BooleanField(default=True)
    team_digest = models.BooleanField(default=True)
    digest_hour = models.SmallIntegerField(default=7)
    alerts = models.SmallIntegerField(null=True)  # accounts a day on Today; null: as the firm has it

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

    @property
    def may_see_costs(self) -> bool:
        """Cost, margin and pay: what work is worth to the firm is not for everybody who does it."""
        return self.role in (Role.ADMIN, Role.LEAD, Role.FINANCE)

    @property
    def may_arrange_cover(self) -> bool:
        return self.role in (Role.ADMIN, Role.LEAD)

    @property
    def read_scope(self) -> str:
        """The firm's rule in force: as an admin set it, else LAER_READ_SCOPE. No query for a user of the manager."""
        stored = self._ruled("_read_scope", lambda: AccessPolicy.objects.filter(pk=1).values_list("read_scope", flat=True).first())
        return stored or settings.READ_SCOPE

    @property
    def must_add_factor(self) -> bool:
        """Whether the firm asks this person for a second factor that they do not have yet."""
        if self.role not in (Role.ADMIN, Role.FINANCE):
            return False
        if not self._ruled("_factor_asked", lambda: AccessPolicy.objects.filter(pk=1, second_factor=True).exists()):
            return False
        return not self.has_factor

    @property
    def has_factor(self) -> bool:
        from allauth.mfa.models import Authenticator

        return bool(self._ruled("_has_factor", lambda: Authenticator.objects.filter(user_id=self.pk, type=Authenticator.Type.TOTP).exists()))

    def _ruled(self, name: str, ask: Any) -> Any:
        return self.__dict__[name] if name in self.__dict__ else ask()


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


class Team(models.Model):
    """People who share a book under the scope "own book and team". A parent's members read what its children's members have."""

    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    members = models.ManyToManyField(Person, through="TeamMember", related_name="teams")
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_team_of_a_name")]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "person"], name="once_in_a_team")]


class TeamReach(models.Model):
    """Which teams a team reads: itself and all below it. Kept by `teams.py`, so that a scope is one subquery without recursion."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="reach")
    below = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "below"], name="reached_once")]


class Cover(models.Model):
    """Somebody stands in for somebody else: from a day to a last day they see the same book, and edit it if their role edits."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="covers")  # who is away
    by = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="covering")
    from_on = models.DateField()
    last_on = models.DateField()  # included
    ended_at = models.DateTimeField(null=True)  # taken back before its last day

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(last_on__gte=F("from_on")) & ~Q(person=F("by")), name="cover_is_sound")]
        indexes: ClassVar = [models.Index(fields=["by", "from_on"])]


class Invitation(models.Model):
    """A link that makes a login, once. Only the hash of its token is kept."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["person"], condition=Q(accepted_at=None, revoked_at=None), name="one_open_invitation")]


class SavedView(models.Model):
    """A list as somebody keeps it: the query of its address, which holds filters, sort and columns. It never holds rows: whoever
    opens it sees what is like this among the own ones."""

    page = models.CharField(max_length=20)  # whose list: accounts
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, default="")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    shared = models.BooleanField(default=False)  # everybody may open it, its owner alone changes it
    before = models.JSONField(null=True)  # what the last change changed, for undo
    made_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "page", "name"], condition=Q(archived_at=None), name="one_view_of_a_name")]
        indexes: ClassVar = [models.Index(fields=["page", "shared"], condition=Q(archived_at=None), name="views_shared")]


class DefaultView(models.Model):
    """The view that a list opens at, for one person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="default_views")
    page = models.CharField(max_length=20)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="defaults")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "page"], name="one_default_view")]


class Act(models.TextChoices):
    """What people do that no change log holds."""

    SIGNED_IN = "signed_in", gettext_lazy("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", gettext_lazy("Sign-in failed")
    SIGNED_OUT = "signed_out", gettext_lazy("Signed out")
    SESSIONS_ENDED = "sessions_ended", gettext_lazy("Sessions ended")
    PASSWORD_CHANGED = "password_changed", gettext_lazy("Password changed")
    FACTOR_ADDED = "factor_added", gettext_lazy("Second factor added")
    FACTOR_REMOVED = "factor_removed", gettext_lazy("Second factor removed")
    INVITED = "invited", gettext_lazy("Invited")
    INVITATION_REVOKED = "invitation_revoked", gettext_lazy("Invitation revoked")
    JOINED = "joined", gettext_lazy("Joined")
    ROLE_CHANGED = "role_changed", gettext_lazy("Role changed")
    SWITCHED_OFF = "switched_off", gettext_lazy("Login switched off")
    SWITCHED_ON = "switched_on", gettext_lazy("Login switched on")
    ACCESS_CHANGED = "access_changed", gettext_lazy("Rules of access changed")
    TEAM_CHANGED = "team_changed", gettext_lazy("Team changed")
    COVER_CHANGED = "cover_changed", gettext_lazy("Cover changed")
    PLAY_SWITCHED = "play_switched", gettext_lazy("Play switched")
    SET_UP = "set_up", gettext_lazy("Installation set up")
    COMPANY_CHANGED = "company_changed", gettext_lazy("Company changed")
    DEMO_MADE = "demo_made", gettext_lazy("Demo firm made")
    DEMO_LEFT = "demo_left", gettext_lazy("Demo firm left")
    VIEW_CHANGED = "view_changed", gettext_lazy("Saved view changed")
    ADDED = "added", gettext_lazy("Account added")
    IMPORTED = "imported", gettext_lazy("Imported")
    IMPORT_UNDONE = "import_undone", gettext_lazy("Import undone")
    IMPORT_REDONE = "import_redone", gettext_lazy("Import done again")
    EXPORTED = "exported", gettext_lazy("Exported")
    LINK_KEPT = "link_kept", gettext_lazy("Figures kept for a link")
    LINK_LET_GO = "link_let_go", gettext_lazy("Figures of a link let go")
    ANSWERED = "answered", gettext_lazy("Question answered")
    DEFINITION_CHANGED = "definition_changed", gettext_lazy("Definition changed")
    SENDING_CHANGED = "sending_changed", gettext_lazy("Sending changed")
    MAIL_TESTED = "mail_tested", gettext_lazy("Test mail sent")
    MAIL_STOPPED = "mail_stopped", gettext_lazy("Mail to an address stopped or allowed")
    ANSWER_TAKEN_BACK = "answer_taken_back", gettext_lazy("Answer taken back")


class AppendOnly(models.QuerySet["AuditEvent"]):
    def update(self, **values: Any) -> NoReturn:
        raise TypeError("audit events are written once and never changed")

    def delete(self) -> NoReturn:
        raise TypeError("audit events are never deleted")


class AuditEvent(models.Model):
    """Who did what, when, from where; written once. Edits of the book are in its change log and not repeated here."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    act = models.CharField(max_length=24, choices=Act.choices)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: nobody signed in, or the machine
    about = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # the login that it was done to
    subject = models.CharField(max_length=300, blank=True, default="")
    details = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True, default="")

    objects = AppendOnly.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["act", "id"]), models.Index(fields=["at"])]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise TypeError("audit events are written once and never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("audit events are never deleted")
