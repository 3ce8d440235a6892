"""What the machine did: jobs with leases, passes, and the rows that a pass published for the pages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from laer.web.book.models import Account, Opportunity
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
            models.Index(fields=["first_paid_on", "account"], name="cards_first_paid"),
            models.Index(fields=["owner_name", "-mrr_minor", "-account"], name="cards_owner_name"),
            models.Index(fields=["owner_id", "-mrr_minor", "-account", "arr_minor"], name="cards_owner"),
            models.Index(fields=["segment", "-mrr_minor", "-account", "arr_minor"], name="cards_segment"),
            models.Index(fields=["state", "-mrr_minor", "-account", "arr_minor"], name="cards_state"),
            models.Index(fields=["country", "-mrr_minor", "-account", "arr_minor"], name="cards_country"),
            models.Index(fields=["industry", "-mrr_minor", "-account", "arr_minor"], name="cards_industry"),
            models.Index(fields=["state", "segment", "country", "industry", "owner_id", "contract_end_on", "mrr_minor", "arr_minor"], name="cards_totals"),
        ]


class SegmentStay(models.Model):
    """That an account belonged to a segment, from a day until another (left out). Open while it does; one at a time.

    An entry is a stay that does not begin as base: base are those found when a segment was computed for the first time, when its
    definition asked something else than before, or when the account itself was first known. An exit likewise.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="stays")
    segment = models.CharField(max_length=60)  # the definition's id
    from_on = models.DateField()
    until_on = models.DateField(null=True)
    begins_base = models.BooleanField(default=False)
    ends_base = models.BooleanField(default=False)
    run_id = models.BigIntegerField()  # that found it
    until_run_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["segment", "account"], condition=Q(until_on=None), name="one_open_stay")]
        indexes: ClassVar = [models.Index(fields=["segment", "from_on"], name="stays_from"), models.Index(fields=["segment", "until_on"], name="stays_until")]


class PositionStay(models.Model):
    """That an account was in a state of a motion, from a day until another (left out). Open while it is; one at a time in a motion.

    What is unknown begins and ends none. An entry is a stay that does not begin as base: base are those found when a motion was computed
    for the first time, or by other rules than before. Stays of rules that are no longer in force have another mark and stay as they were.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="positions")
    motion = models.CharField(max_length=6)
    state = models.CharField(max_length=20)
    mark = models.CharField(max_length=16)  # of the rules by which it was found
    from_on = models.DateField()
    until_on = models.DateField(null=True)
    begins_base = models.BooleanField(default=False)
    ends_base = models.BooleanField(default=False)
    replayed = models.BooleanField(default=False)  # its beginning was computed afterwards, month end by month end
    rule = models.SmallIntegerField(null=True)  # the number of the rule that decided when it began; null: replayed
    because = models.JSONField(default=dict)  # measure -> what that rule saw then
    run_id = models.BigIntegerField()  # that found it
    until_run_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "motion"], condition=Q(until_on=None), name="one_open_position")]
        indexes: ClassVar = [models.Index(fields=["motion", "mark", "until_on"], name="positions_until")]


class BandChange(models.Model):
    """That an account's band by a scorecard is another than the day before. A first band, or one of a changed card, is no change.

    Grain: account x card x day.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="band_changes")
    card = models.CharField(max_length=60)  # the definition's id
    on = models.DateField()
    before = models.CharField(max_length=8)  # green, yellow, red
    band = models.CharField(max_length=8)
    score = models.FloatField()  # points on that day
    run_id = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "card", "on"], name="one_band_change_a_day")]
        indexes: ClassVar = [models.Index(fields=["-on", "card"], name="band_changes_on")]


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


class ReportedSplit(models.Model):
    """What a closed month was reported as for one value of a dimension (TOTAL: for all), of the whole book, each change counted.

    A closing of before this table was has no rows.
    """

    id = models.BigAutoField(primary_key=True)
    closed = models.ForeignKey(ClosedMonth, on_delete=models.CASCADE, related_name="splits")
    dimension = models.CharField(max_length=20)
    value = models.TextField()
    figures = models.JSONField(default=dict)  # as of the closing's own

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["closed", "dimension", "value"], name="one_split_per_closed_month_dimension_and_value")]


class ReportedBridge(models.Model):
    """Booked against live as it was reported of the month, quarter or year that ends with a closed month, of the whole book.

    A closing of before this table was has no rows.
    """

    id = models.BigAutoField(primary_key=True)
    closed = models.ForeignKey(ClosedMonth, on_delete=models.CASCADE, related_name="bridges")
    months = models.SmallIntegerField()
    basis = models.CharField(max_length=20, null=True)  # null: nothing said what was signed
    aside = models.JSONField(default=dict)  # reason -> opportunities

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["closed", "months"], name="one_bridge_per_closed_month_and_length")]


class ReportedPart(models.Model):
    """What an account added to a step of a reported bridge (signed), and by which opportunities or contracts."""

    id = models.BigAutoField(primary_key=True)
    bridge = models.ForeignKey(ReportedBridge, on_delete=models.CASCADE, related_name="parts")
    step = models.CharField(max_length=20)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    arr = models.CharField(max_length=120)  # an exact fraction
    sales = models.JSONField(default=list)  # their ids


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


class Examination(models.Model):
    """What the doctor and readiness found when they last went through what one scope may read: counts, from which pages make their sentences."""

    scope = models.CharField(max_length=40, primary_key=True)  # `Scope.key`
    mark = models.CharField(max_length=200)  # of the book before it was looked at: with another the book has changed since
    form = models.CharField(max_length=40)  # of the checks that were made: another version makes others
    findings = models.JSONField(default=list)  # [check, count, what its sentence says]
    counts = models.JSONField(default=dict)  # of readiness, by name
    records = models.JSONField(default=list)  # [record, rows, newest day, sources]
    examined_at = models.DateTimeField()
    seconds = models.FloatField()


class LearnedLikelihood(models.Model):
    """What was learned from the firm's own past for one likelihood, and of which run it was last said."""

    kind = models.CharField(max_length=40, primary_key=True)  # `cycle.likelihoods.KINDS`
    form = models.CharField(max_length=40)  # of the method: another version learns anew
    learned = models.JSONField(null=True)  # `Likelihood.as_dict`; None: there was no past
    learned_at = models.DateTimeField()
    learned_run_id = models.BigIntegerField()
    first_cut = models.DateField(null=True)
    last_cut = models.DateField(null=True)
    said_run_id = models.BigIntegerField()
    said_as_of = models.DateField()
    sampled = models.IntegerField(null=True)  # accounts that were learned from, where they are not all


class AccountLikelihood(models.Model):
    """How likely it is of one account, with the strongest reasons; null, and why, where it is not said."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="likelihoods")
    kind = models.CharField(max_length=40)
    chance = models.FloatField(null=True)
    why = models.CharField(max_length=60, blank=True, default="")
    band = models.CharField(max_length=8, blank=True, default="")
    reasons = models.JSONField(default=list)  # [measure, value then, what it adds to the logit]
    rest = models.FloatField(default=0.0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "kind"], name="one_likelihood_per_account")]
        indexes: ClassVar = [models.Index(fields=["kind", "-chance"], name="likelihoods_by_chance")]


class DealScore(models.Model):
    """Points of a deal by a scorecard of purpose `quality`, as of the day on which it was won (of an open one, of the run); null where too little was known."""

    id = models.BigAutoField(primary_key=True)
    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="scores")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="deal_scores")
    card = models.CharField(max_length=60)  # the definition's id
    version = models.IntegerField()
    day = models.DateField()
    points = models.FloatField(null=True)
    band = models.CharField(max_length=8, blank=True, default="")
    coverage = models.FloatField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["opportunity", "card"], name="one_score_per_deal")]


class LabReplay(models.Model):
    """A scorecard, and perhaps a changed draft of it, replayed over the past: what was asked, and what was found. Kept as evidence of what was adopted."""

    id = models.BigAutoField(primary_key=True)
    card = models.CharField(max_length=60)  # the definition's id
    draft = models.TextField(blank=True, default="")  # the challenger's text; empty: the card in force alone
    months = models.SmallIntegerField()
    horizon = models.SmallIntegerField()  # days within which an outcome counts
    outcome = models.CharField(max_length=12)  # `cycle.lab.OUTCOMES`
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    run_id = models.BigIntegerField(null=True)  # whose past it is
    done_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    result = models.JSONField(null=True)  # `Replayed.as_dict`
    error = models.TextField(blank=True, default="")  # why there is none
    adopted_version = models.IntegerField(null=True)  # of the definition that the draft became
    adopted_at = models.DateTimeField(null=True)
    adopted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["card", "-id"], name="lab_replays_of_card")]
