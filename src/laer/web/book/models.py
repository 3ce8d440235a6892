"""The book: what is true of the accounts. One model per record type of `laer.records.types`, column for column.

`tests/web/test_models_match_records.py` holds that the two agree. Money and quantities are exact decimal text
(`laer.records.money`): a decimal column on SQLite would turn into floats. Nothing here is deleted: rows are archived.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from laer.web.people.models import Person, User
from laer.web.wording import gettext_lazy


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", gettext_lazy("Uploaded")
    PREVIEWED = "previewed", gettext_lazy("Previewed")
    QUEUED = "queued", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Importing")
    DONE = "done", gettext_lazy("Imported")
    FAILED = "failed", gettext_lazy("Failed")
    UNDOING = "undoing", gettext_lazy("Undoing")
    UNDONE = "undone", gettext_lazy("Undone")


class ImportRun(models.Model):
    """One import of one or more files: also the audit of every row it created, and the handle of its undo."""

    source = models.CharField(max_length=80)
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.UPLOADED)
    kind = models.CharField(max_length=12, default="import")  # import, edit, demo, retry
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    file_date = models.DateField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    rows_total = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)  # record -> {new, changed, unchanged, rejected, repeated}
    notes = models.JSONField(default=list)
    error = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-created_at"]),
            models.Index(fields=["-id"], condition=~models.Q(kind="edit"), name="imports_of_files"),  # each note that a person writes is a run, too
        ]

    @property
    def title(self) -> str:
        """crm: accounts.csv, lines.csv. One query."""
        names = list(self.files.order_by("pk").values_list("name", flat=True)[:5])
        return f"{self.source}: {', '.join(dict.fromkeys(names))}" if names else self.source


class ImportFile(models.Model):
    """One table (file or sheet) of an import: where its bytes are kept, how it was read."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    sheet = models.CharField(max_length=255, blank=True, default="")
    path = models.TextField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    mapping = models.JSONField(default=dict)
    record = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=12, default="waiting")  # waiting, done, skipped
    counts = models.JSONField(default=dict)
    preview = models.JSONField(default=dict)


class QuarantinedRow(models.Model):
    """A row set aside, as it stood: file, line, reason. It can be corrected and retried."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="quarantined")
    file = models.CharField(max_length=255)
    line = models.BigIntegerField()
    record = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(max_length=300)
    kind = models.CharField(max_length=40)  # the reason without its particulars, for counting
    raw = models.JSONField()
    retried_run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["run", "id"]), models.Index(fields=["kind"])]


class SavedMapping(models.Model):
    """How a header was read last time, remembered per fingerprint."""

    fingerprint = models.CharField(max_length=64, unique=True)
    mapping = models.JSONField()
    used_at = models.DateTimeField()


class CustomField(models.Model):
    """A typed field that the firm's files have and our records do not."""

    record = models.CharField(max_length=40)
    slug = models.CharField(max_length=80)
    label = models.CharField(max_length=120)
    kind = models.CharField(max_length=12)  # text, integer, decimal, boolean, date

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "slug"], name="one_custom_field_per_slug")]


class ExternalId(models.Model):
    """(source, external id) -> our row. `row_hash` is the content that the source stated last: equal means unchanged."""

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=80)
    record = models.CharField(max_length=40)
    external_id = models.CharField(max_length=255)
    object_id = models.BigIntegerField()
    row_hash = models.BigIntegerField(default=0)
    run_id = models.BigIntegerField(null=True)  # the import that wrote the row last
    stated_run = models.BigIntegerField(null=True)  # the import that stated it last, be it unchanged
    matched_by = models.CharField(max_length=12, null=True, blank=True)  # the rule by which it was attached to a row of another source
    matched_run = models.BigIntegerField(null=True)  # the import that attached it

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "record", "external_id"], name="one_row_per_external_id")]
        indexes: ClassVar = [
            models.Index(fields=["record", "object_id"]),
            models.Index(fields=["matched_run"], condition=models.Q(matched_run__isnull=False), name="ids_matched"),
        ]


class FieldChange(models.Model):
    """The one change log: audit, history, undo, and source of truth per field."""

    id = models.BigAutoField(primary_key=True)
    record = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)  # whose page shows it
    field = models.CharField(max_length=80)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=80)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "-recorded_at"]),
            models.Index(fields=["record", "object_id", "field"]),
            models.Index(fields=["run", "id"]),
            models.Index(fields=["record", "field"]),
        ]


class BookRow(models.Model):
    """What every row of the book has: custom fields, the run that created it, and whether it is in the current state."""

    id = models.BigAutoField(primary_key=True)
    custom = models.JSONField(default=dict, blank=True)
    created_run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    archived_run = models.BigIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


class Account(BookRow):
    name = models.CharField(max_length=255)
    domain = models.CharField(max_length=255, null=True, blank=True)
    industry = models.CharField(max_length=120, null=True, blank=True)
    country = models.CharField(max_length=80, null=True, blank=True)
    region = models.CharField(max_length=80, null=True, blank=True)
    segment = models.CharField(max_length=80, null=True, blank=True)
    employees = models.BigIntegerField(null=True, blank=True)
    lead_source = models.CharField(max_length=120, null=True, blank=True)
    signed_up_on = models.DateField(null=True, blank=True)
    churn_flag = models.BooleanField(null=True, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    changed_at = models.DateTimeField(null=True)  # its last change, to tell a card that is older

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["name", "id"]),
            models.Index(fields=["domain"]),
            models.Index(fields=["archived_at"], condition=Q(archived_at__isnull=False), name="accounts_archived"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=255, null=True, blank=True)
    email = models.CharField(max_length=255, null=True, blank=True)
    phone = models.CharField(max_length=80, null=True, blank=True)
    title = models.CharField(max_length=255, null=True, blank=True)
    role = models.CharField(max_length=80, null=True, blank=True)


class Product(BookRow):
    name = models.CharField(max_length=255)
    family = models.CharField(max_length=120, null=True, blank=True)
    list_price = models.CharField(max_length=40, null=True, blank=True)
    currency = models.CharField(max_length=8, null=True, blank=True)
    margin = models.CharField(max_length=40, null=True, blank=True)  # gross margin in percent

    class Meta:
        indexes: ClassVar = [models.Index(fields=["name"])]


class Contract(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contracts")
    name = models.CharField(max_length=255, null=True, blank=True)
    signed_on = models.DateField(null=True, blank=True)
    start_on = models.DateField(null=True, blank=True)
    end_on = models.DateField(null=True, blank=True)
    term_months = models.BigIntegerField(null=True, blank=True)
    notice_on = models.DateField(null=True, blank=True)
    auto_renews = models.BooleanField(null=True, blank=True)
    status = models.CharField(max_length=80, null=True, blank=True)
    cancelled_on = models.DateField(null=True, blank=True)
    renews = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="renewed_by")


class Subscription(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="subscriptions")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="subscriptions")
    name = models.CharField(max_length=255, null=True, blank=True)


class SubscriptionLine(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="lines")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="lines")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="lines")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="lines")
    plan = models.CharField(max_length=120, null=True, blank=True)
    start_on = models.DateField()
    end_on = models.DateField(null=True, blank=True)  # exclusive: the first unpaid day
    seats = models.BigIntegerField(null=True, blank=True)
    quantity = models.CharField(max_length=40, null=True, blank=True)
    list_amount = models.CharField(max_length=40, null=True, blank=True)
    amount = models.CharField(max_length=40, null=True, blank=True)
    interval = models.CharField(max_length=40, null=True, blank=True)
    currency = models.CharField(max_length=8, null=True, blank=True)
    status = models.CharField(max_length=40, null=True, blank=True)
    discount_duration = models.CharField(max_length=40, null=True, blank=True)
    discount_until_on = models.DateField(null=True, blank=True)  # exclusive: the first day without it
    past_due_on = models.DateField(null=True, blank=True)
    is_trial = models.BooleanField(null=True, blank=True)
    trial_ends_on = models.DateField(null=True, blank=True)  # exclusive: the first day that is paid for
    paused_on = models.DateField(null=True, blank=True)
    resumed_on = models.DateField(null=True, blank=True)
    auto_renews = models.BooleanField(null=True, blank=True)
    churn_flag = models.BooleanField(null=True, blank=True)
    mrr_num = models.BigIntegerField(default=0)
    mrr_den = models.BigIntegerField(default=1)
    ended_because = models.CharField(max_length=12, null=True, blank=True)
    start_unknown = models.BooleanField(null=True, blank=True)
    cuts = models.BooleanField(null=True, blank=True)


class Discount(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="discounts")
    subscription = models.ForeignKey(Subscription, null=True, blank=True, on_delete=models.SET_NULL, related_name="discounts")
    percent = models.CharField(max_length=40, null=True, blank=True)
    amount = models.CharField(max_length=40, null=True, blank=True)
    currency = models.CharField(max_length=8, null=True, blank=True)
    start_on = models.DateField(null=True, blank=True)
    end_on = models.DateField(null=True, blank=True)
    duration = models.CharField(max_length=40, null=True, blank=True)
    reason = models.CharField(max_length=255, null=True, blank=True)


class Pause(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="pauses")
    subscription = models.ForeignKey(Subscription, null=True, blank=True, on_delete=models.SET_NULL, related_name="pauses")
    from_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)  # exclusive: the day on which it goes on
    reason = models.CharField(max_length=255, null=True, blank=True)


class Opportunity(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="opportunities")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="opportunities")
    name = models.CharField(max_length=255, null=True, blank=True)
    motion = models.CharField(max_length=10, null=True, blank=True)
    stage = models.CharField(max_length=120, null=True, blank=True)
    status = models.CharField(max_length=10, null=True, blank=True)
    amount = models.CharField(max_length=40, null=True, blank=True)
    currency = models.CharField(max_length=8, null=True, blank=True)
    term_months = models.BigIntegerField(null=True, blank=True)
    discount = models.CharField(max_length=40, null=True, blank=True)
    created_on = models.DateField(null=True, blank=True)
    qualified_on = models.DateField(null=True, blank=True)
    expected_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)  # of what is won or lost
    starts_on = models.DateField(null=True, blank=True)
    owner = models.CharField(max_length=255, null=True, blank=True)
    lead_source = models.CharField(max_length=120, null=True, blank=True)
    lost_reason = models.CharField(max_length=255, null=True, blank=True)
    arr_num = models.BigIntegerField(null=True, blank=True)
    arr_den = models.BigIntegerField(null=True, blank=True)
    amount_basis = models.CharField(max_length=10, null=True, blank=True)


class ContactRole(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contact_roles")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=80)
    stance = models.CharField(max_length=12, null=True, blank=True)
    reports_to = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)


class ProductFeature(BookRow):
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="features")
    name = models.CharField(max_length=255)
    code = models.CharField(max_length=255, null=True, blank=True)
    is_key = models.BooleanField(null=True, blank=True)
    released_on = models.DateField(null=True, blank=True)
    retired_on = models.DateField(null=True, blank=True)


class ProductUser(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="product_users")
    user_id = models.CharField(max_length=255)  # as usage names them; no login of ours
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="product_users")
    name = models.CharField(max_length=255, null=True, blank=True)
    team = models.CharField(max_length=120, null=True, blank=True)
    is_internal = models.BooleanField(null=True, blank=True)
    added_on = models.DateField(null=True, blank=True)
    deactivated_on = models.DateField(null=True, blank=True)


class Entitlement(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="entitlements")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.SET_NULL, related_name="entitlements")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=120)
    granted = models.CharField(max_length=40, null=True, blank=True)
    unit = models.CharField(max_length=40, null=True, blank=True)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)


class Invoice(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invoices")
    number = models.CharField(max_length=80, null=True, blank=True)
    issued_on = models.DateField()
    due_on = models.DateField(null=True, blank=True)
    paid_on = models.DateField(null=True, blank=True)
    voided_on = models.DateField(null=True, blank=True)
    amount = models.CharField(max_length=40)
    currency = models.CharField(max_length=8, null=True, blank=True)
    status = models.CharField(max_length=12, null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-issued_on"], name="invoices_account")]


class OnboardingPlan(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="onboarding_plans")
    name = models.CharField(max_length=255, null=True, blank=True)
    started_on = models.DateField()
    planned_end_on = models.DateField(null=True, blank=True)
    completed_on = models.DateField(null=True, blank=True)
    owner = models.CharField(max_length=255, null=True, blank=True)


class OnboardingStep(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="onboarding_steps")
    onboarding_plan = models.ForeignKey(OnboardingPlan, null=True, blank=True, on_delete=models.SET_NULL, related_name="steps")
    phase = models.CharField(max_length=120, null=True, blank=True)
    title = models.CharField(max_length=255)
    due_on = models.DateField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True)
    side = models.CharField(max_length=10, null=True, blank=True)
    not_applicable = models.BooleanField(null=True, blank=True)


class Outcome(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="outcomes")
    title = models.CharField(max_length=255)
    promised_on = models.DateField(null=True, blank=True)
    baseline = models.CharField(max_length=40, null=True, blank=True)
    target = models.CharField(max_length=40, null=True, blank=True)
    unit = models.CharField(max_length=40, null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    reached_on = models.DateField(null=True, blank=True)
    confirmed_on = models.DateField(null=True, blank=True)


class AccountMetric(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="account_metrics")
    day = models.DateField()
    name = models.CharField(max_length=120)
    value = models.CharField(max_length=40)
    unit = models.CharField(max_length=40, null=True, blank=True)


class Ticket(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tickets")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    subject = models.CharField(max_length=500, null=True, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=80, null=True, blank=True)
    priority = models.CharField(max_length=40, null=True, blank=True)
    first_response_minutes = models.BigIntegerField(null=True, blank=True)
    resolution_hours = models.CharField(max_length=40, null=True, blank=True)
    satisfaction = models.CharField(max_length=40, null=True, blank=True)
    escalated = models.BooleanField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-opened_at"])]


class SurveyResponse(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="survey_responses")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="survey_responses")
    kind = models.CharField(max_length=40, null=True, blank=True)
    score = models.CharField(max_length=40, null=True, blank=True)
    answered_on = models.DateField()
    comment = models.TextField(null=True, blank=True)


class ChurnEvent(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="churn_events")
    notified_on = models.DateField(null=True, blank=True)
    effective_on = models.DateField()
    reason = models.CharField(max_length=120, null=True, blank=True)
    avoidable = models.BooleanField(null=True, blank=True)
    competitor = models.CharField(max_length=120, null=True, blank=True)
    amount = models.CharField(max_length=40, null=True, blank=True)
    text = models.TextField(null=True, blank=True)
    is_reactivation = models.BooleanField(null=True, blank=True)


class Pulse(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="pulses")
    colour = models.CharField(max_length=10)
    stated_on = models.DateField()
    reason = models.TextField(null=True, blank=True)


class Note(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    written_on = models.DateField(null=True, blank=True)


class Assignment(BookRow):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="assignments")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments")
    job = models.CharField(max_length=20, null=True, blank=True)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)

    class Meta:
        # All that says whose account it is today: the scope of somebody who reads a third of the book comes from it alone.
        indexes: ClassVar = [models.Index(fields=["person", "account", "archived_at", "from_on", "until_on"], name="assignments_of_person")]


class Cost(BookRow):
    month = models.DateField()  # its first day
    motion = models.CharField(max_length=10)
    kind = models.CharField(max_length=12)
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="costs")
    amount = models.CharField(max_length=40)
    currency = models.CharField(max_length=8, null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["month", "motion"], name="costs_month")]


class Question(models.Model):
    """What an import could not decide and nobody guessed: it waits on the Data page until a person answers."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=20)  # missing: an account that the list before this one still had
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="questions")
    data = models.JSONField(default=dict)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=20, blank=True, default="")  # left, still, renamed, filtered; gone when the account came back
    answered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["answer", "id"])]


class NoNews(models.Model):
    """What a list said of its day that the book had already: no line was written. It becomes one where that is news after all."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(SubscriptionLine, null=True, on_delete=models.CASCADE, related_name="+")  # null: nothing is paid
    day = models.DateField()
    key = models.CharField(max_length=255)  # the external id of the line that it becomes
    whole = models.BooleanField(default=True)  # the list spoke of all that the account pays, not of one item

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "day"], name="no_news_account")]


class DirtyAccount(models.Model):
    """An account whose published rows are older than its last change; written in the transaction of the change."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField(null=True)  # null: everything (an import)
    since = models.DateTimeField()


class Exclusion(models.Model):
    """A row that finance or an admin took out of the figures, and why. Taking it back is a second date, never a deletion.

    The row stays in the book. `check_id` names the doctor's check that found it ("check" is a method of every model).
    """

    id = models.BigAutoField(primary_key=True)
    record = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    check_id = models.CharField(max_length=60)
    reason = models.CharField(max_length=300)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "object_id"], condition=Q(taken_back_at=None), name="excluded_once_at_a_time")]
        indexes: ClassVar = [models.Index(fields=["account_id", "record"], name="exclusions_account")]


class MatchSuggestion(models.Model):
    """Two accounts that may be one customer, for a person to decide. The left one has the smaller number."""

    class State(models.TextChoices):
        OPEN = "open", gettext_lazy("Open")
        MERGED = "merged", gettext_lazy("Merged")
        DISMISSED = "dismissed", gettext_lazy("Not the same")

    id = models.BigAutoField(primary_key=True)
    left = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    rule = models.CharField(max_length=12)  # domain, name, similar
    score = models.SmallIntegerField()  # 0-100
    evidence = models.JSONField(default=dict)  # what agrees and what differs, in words
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["left", "right"], name="one_suggestion_per_pair")]
        indexes: ClassVar = [models.Index(fields=["state", "-score", "id"])]


class AccountMerge(models.Model):
    """One account taken into another. While it stands, the merged account's number means the kept one (usage in the lake keeps the old number).

    moved   record -> ids of the rows that went over; `external_ids`, `children` and `changes` (of the log) beside the records
    filled  field -> [before, after] of the kept account
    """

    id = models.BigAutoField(primary_key=True)
    kept = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    merged = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    moved = models.JSONField(default=dict)
    filled = models.JSONField(default=dict)
    last_run = models.BigIntegerField(default=0)  # the newest import then: what later ones state is compared afresh after an un-merge
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["merged"], condition=models.Q(ended_at=None), name="merged_into_one")]
        indexes: ClassVar = [models.Index(fields=["ended_at", "-id"])]


class MergedArrival(models.Model):
    """A row that an import brought for an account that had been merged: an un-merge gives it to that account."""

    id = models.BigAutoField(primary_key=True)
    merge = models.ForeignKey(AccountMerge, on_delete=models.CASCADE, related_name="arrivals")
    record = models.CharField(max_length=40)
    object_id = models.BigIntegerField()


class WatchedFolder(models.Model):
    """A folder whose files are taken in when they are new or have changed."""

    id = models.BigAutoField(primary_key=True)
    path = models.CharField(max_length=600)
    source = models.CharField(max_length=80)
    every_minutes = models.IntegerField(default=60)
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    last_looked_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)
    last_result = models.JSONField(default=dict)  # imported, waiting, asked, failed, unchanged; error

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["path", "source"], name="one_watch_per_folder_and_source")]


class WatchedFile(models.Model):
    """A file of a watched folder as it was seen last, and what became of its bytes."""

    class State(models.TextChoices):
        GROWING = "growing", gettext_lazy("Still being written")
        IMPORTING = "importing", gettext_lazy("Importing")
        IMPORTED = "imported", gettext_lazy("Imported")
        ASKED = "asked", gettext_lazy("Waits for a person")
        LEFT = "left", gettext_lazy("Left out by a person")
        FAILED = "failed", gettext_lazy("Cannot be read")

    id = models.BigAutoField(primary_key=True)
    folder = models.ForeignKey(WatchedFolder, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField(default=0)
    modified_ns = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")  # of the bytes that `state` is about
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.TextField(blank=True, default="")
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["folder", "name"], name="one_state_per_watched_file")]


class Definition(models.Model):
    """A version of a definition: its text as it was written, by whom and why. Versions are only added; one of each is in force."""

    class Origin(models.TextChoices):
        SHIPPED = "shipped", gettext_lazy("Shipped")
        LOCAL = "local", gettext_lazy("Local")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=60)  # its id within the kind
    version = models.IntegerField()
    title = models.CharField(max_length=80)  # its name as people read it
    text = models.TextField()
    hash = models.CharField(max_length=64)
    status = models.CharField(max_length=8)
    origin = models.CharField(max_length=8, choices=Origin.choices)  # shipped: the text that came with laer
    in_force = models.BooleanField(default=False)  # a shipped version that a local one stands before is kept, and not in force
    replaces = models.IntegerField(null=True)  # the version that was in force before it
    at = models.DateTimeField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # null: laer itself, or the command line
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "name", "version"], name="one_definition_per_version"),
            models.UniqueConstraint(fields=["kind", "name"], condition=Q(in_force=True), name="one_definition_in_force"),
        ]


class PlanRate(models.Model):
    """One unit of a currency in the report's, by plan, for a fiscal year; entered in Settings. A file that `LAER_FX_FILE` names stands before all of them."""

    id = models.BigAutoField(primary_key=True)
    fiscal_year = models.SmallIntegerField()  # by the year in which it ends
    currency = models.CharField(max_length=3)
    rate = models.CharField(max_length=40)  # a decimal number above 0, exact
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["fiscal_year", "currency"], name="one_plan_rate_per_year")]


class DayRate(models.Model):
    """One unit of a currency in the report's from a day on, until the next of its currency; entered in Settings. A fiscal year's plan rate stands before it."""

    id = models.BigAutoField(primary_key=True)
    from_on = models.DateField()
    currency = models.CharField(max_length=3)
    rate = models.CharField(max_length=40)  # a decimal number above 0, exact
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["from_on", "currency"], name="one_rate_per_day")]


MODELS: dict[str, Any] = {  # record -> model class; untyped, since its manager is asked by name everywhere
    "people": Person, "accounts": Account, "contacts": Contact, "contact_roles": ContactRole, "products": Product,
    "product_features": ProductFeature, "product_users": ProductUser, "contracts": Contract, "subscriptions": Subscription,
    "subscription_lines": SubscriptionLine, "discounts": Discount, "pauses": Pause, "entitlements": Entitlement, "invoices": Invoice, "opportunities": Opportunity,
    "onboarding_plans": OnboardingPlan, "onboarding_steps": OnboardingStep, "outcomes": Outcome, "account_metrics": AccountMetric, "tickets": Ticket,
    "survey_responses": SurveyResponse,
    "churn_events": ChurnEvent, "pulses": Pulse, "notes": Note, "assignments": Assignment, "costs": Cost,
}  # fmt: skip
LINKS: dict[str, tuple[str, Any]] = {}  # record whose rows only link two others -> its column and the model that says whose they are, and whether they count
DOWNSTREAM: dict[str, Any] = {}  # record -> model of a room downstream, which says so when it starts: the seam shows its rows, too
