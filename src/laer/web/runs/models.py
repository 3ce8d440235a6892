"""What the machine did: jobs with leases, passes, and the rows that a pass published for the pages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from laer.web.book.models import Account
from laer.web.people.models import User


class JobState(models.TextChoices):
    READY = "ready", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Job(models.Model):
    """A piece of work, at least once: claimed under a lease, taken over when its worker dies, retried with back-off."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.READY)
    unique_key = models.CharField(max_length=120, null=True)
    priority = models.SmallIntegerField(default=0)
    run_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=80, blank=True, default="")
    attempts = models.SmallIntegerField(default=0)
    progress = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["unique_key"], condition=Q(state="ready"), name="one_waiting_job_per_key")]
        indexes: ClassVar = [
            models.Index(fields=["-priority", "run_at"], condition=Q(state="ready"), name="jobs_ready"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="jobs_running"),
        ]


class Lease(models.Model):
    """Who holds a thing of which there is one (a pass), with a fencing token that only grows."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=80, blank=True, default="")
    until = models.DateTimeField(null=True)
    token = models.BigIntegerField(default=0)


class PassRun(models.Model):
    """One pass: what it read, what it published, how long each part took. Figures name the run that made them."""

    id = models.BigAutoField(primary_key=True)
    as_of = models.DateField()
    kind = models.CharField(max_length=8)  # full, small
    state = models.CharField(max_length=10, default="running")  # running, complete, failed
    policy = models.CharField(max_length=40, default="default")
    policy_version = models.IntegerField(default=1)
    currency = models.CharField(max_length=8, blank=True, default="")
    plan_year = models.SmallIntegerField(null=True)  # whose plan rates made the figures; null: rates without a year
    rates = models.JSONField(default=dict)  # currency -> the rate used, an exact fraction as text
    rates_mark = models.CharField(max_length=64, blank=True, default="")  # of the whole table: a run of another table is no longer true
    denominator = models.DecimalField(max_digits=38, decimal_places=0, default=1)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    position = models.JSONField(default=dict)  # change-log position, lake versions, definition versions
    counts = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    notes = models.JSONField(default=list)  # e.g. lines left out because their currency has no rate
    snapshot = models.TextField(blank=True, default="")  # folder of the run's tables, relative to the lake
    error = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-id"], condition=Q(state="complete"), name="passes_complete")]


class KeptRun(models.Model):
    """A run whose tables stay because somebody has an address of its figures: who, when, and the address. Letting go keeps the row."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(PassRun, on_delete=models.CASCADE, related_name="kept")
    address = models.TextField()  # of the first page that was linked
    kept_at = models.DateTimeField()
    kept_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    let_go_at = models.DateTimeField(null=True)
    let_go_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run"], condition=Q(let_go_at=None), name="one_keeping_in_force_per_run")]


class AccountCard(models.Model):
    """What lists show of an account, as of the last pass that changed it. Dates, never day counts."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="card")
    name = models.CharField(max_length=255)
    search = models.CharField(max_length=520)  # name and domain, case-folded
    domain = models.CharField(max_length=255, null=True)
    segment = models.CharField(max_length=80, null=True)
    country = models.CharField(max_length=80, null=True)
    industry = models.CharField(max_length=120, null=True)
    owner_id = models.BigIntegerField(null=True)
    owner_name = models.CharField(max_length=200, null=True)
    state = models.CharField(max_length=10, default="prospect")  # paying, churned, prospect
    mrr_minor = models.BigIntegerField(default=0)  # rounded once for display and sorting; exact sums come from the ledger
    arr_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=8, blank=True, default="")
    first_paid_on = models.DateField(null=True)
    contract_end_on = models.DateField(null=True)
    facts = models.JSONField(default=dict)  # measure -> what is known of it at the day of the run; what is unknown has no key
    run_id = models.BigIntegerField()
    content_hash = models.BigIntegerField(default=0)
    published_at = models.DateTimeField()

    class Meta:
        # Walked by the list in its sort order, or gathered by a filter; each also holds what the totals of that filter add up. The last
        # one holds all that totals and filters read, for a combination that no other index serves (`queries.py`).
        indexes: ClassVar = [
            models.Index(fields=["search", "account", "mrr_minor", "arr_minor"], name="cards_search"),
            models.Index(fields=["mrr_minor", "account", "arr_minor"], name="cards_mrr"),
            models.Index(fields=["contract_end_on", "account"], name="cards_contract_end"),
            models.Index(fields=["owner_name", "-mrr_minor", "-account"], name="cards_owner_name"),
            models.Index(fields=["owner_id", "-mrr_minor", "-account", "arr_minor"], name="cards_owner"),
            models.Index(fields=["segment", "-mrr_minor", "-account", "arr_minor"], name="cards_segment"),
            models.Index(fields=["state", "-mrr_minor", "-account", "arr_minor"], name="cards_state"),
            models.Index(fields=["country", "-mrr_minor", "-account", "arr_minor"], name="cards_country"),
            models.Index(fields=["industry", "-mrr_minor", "-account", "arr_minor"], name="cards_industry"),
            models.Index(fields=["state", "segment", "country", "industry", "owner_id", "contract_end_on", "mrr_minor", "arr_minor"], name="cards_totals"),
        ]


class AccountMonth(models.Model):
    """What an account's MRR did in a month in which it moved, for lists: minor units, each rounded once.

    Grain: account x month that moved. Totals are never summed from these rows but asked of the ledger, which is exact.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="months")
    month = models.DateField()
    opening_minor = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    new_minor = models.BigIntegerField(default=0)
    reactivation_minor = models.BigIntegerField(default=0)
    expansion_minor = models.BigIntegerField(default=0)
    contraction_minor = models.BigIntegerField(default=0)
    churn_minor = models.BigIntegerField(default=0)
    run_id = models.BigIntegerField()
    content_hash = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "month"], name="one_row_per_account_and_month")]
        indexes: ClassVar = [models.Index(fields=["month", "account"])]


class ClosedMonth(models.Model):
    """A month as it was reported. Never rewritten: a reopened one keeps its row, and closing again makes another.

    Without `closed_at` its accounts are still being written, by a closing that runs or that was killed.
    """

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # null: the command line
    policy = models.CharField(max_length=40)
    policy_version = models.IntegerField()
    currency = models.CharField(max_length=8)
    plan_year = models.SmallIntegerField(null=True)
    rates = models.JSONField(default=dict)  # as of the run it was closed from
    run_id = models.BigIntegerField()
    denominator = models.CharField(max_length=80)  # what the amounts of its accounts are whole parts of
    figures = models.JSONField(default=dict)  # event, net -> the statement's row: exact fractions as text, counts as numbers
    note = models.TextField(blank=True, default="")
    reopened_at = models.DateTimeField(null=True)
    reopened_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month"], condition=Q(closed_at__isnull=False, reopened_at=None), name="one_closing_in_force_per_month")
        ]


class ReportedAccount(models.Model):
    """What an account did in a closed month in which it moved: whole parts of 1/denominator as text, zeros left out.

    Holds: opening + moves (new, reactivation, expansion … less contraction and churn) == closing
    """

    id = models.BigAutoField(primary_key=True)
    closed = models.ForeignKey(ClosedMonth, on_delete=models.CASCADE, related_name="accounts")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    opening = models.CharField(max_length=40)
    closing = models.CharField(max_length=40)
    moves = models.JSONField(default=dict)  # movement -> parts as text
    counts = models.JSONField(default=dict)  # count of movements, and `lost`

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["closed", "account"], name="one_reported_row_per_account_and_month")]


class Restatement(models.Model):
    """What changed in an earlier closed month and was taken in when a later one was closed: with what was known of its cause then."""

    id = models.BigAutoField(primary_key=True)
    booked = models.ForeignKey(ClosedMonth, on_delete=models.CASCADE, related_name="restatements")
    month = models.DateField()  # the month whose movements changed
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    amount = models.CharField(max_length=120)  # an exact fraction, signed
    causes = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["booked", "month", "account"], name="one_restatement_per_account_and_month")]
