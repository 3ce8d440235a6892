"""Closed months: their figures as reported, account by account, and the restatements that later closings took in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("book", "0002_stated_run"), ("runs", "0003_search"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="ClosedMonth",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("month", models.DateField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("policy", models.CharField(max_length=40)),
                ("policy_version", models.IntegerField()),
                ("currency", models.CharField(max_length=8)),
                ("run_id", models.BigIntegerField()),
                ("denominator", models.CharField(max_length=80)),
                ("figures", models.JSONField(default=dict)),
                ("note", models.TextField(blank=True, default="")),
                ("reopened_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("closed_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("reopened_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("closed_at__isnull", False), ("reopened_at", None)), fields=("month",), name="one_closing_in_force_per_month")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReportedAccount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("opening", models.CharField(max_length=40)),
                ("closing", models.CharField(max_length=40)),
                ("moves", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="book.account")),
                ("closed", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="accounts", to="runs.closedmonth")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("closed", "account"), name="one_reported_row_per_account_and_month")]},
        ),
        migrations.CreateModel(
            name="Restatement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("month", models.DateField()),
                ("amount", models.CharField(max_length=120)),
                ("causes", models.JSONField(default=list)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="book.account")),
                ("booked", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="restatements", to="runs.closedmonth")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("booked", "month", "account"), name="one_restatement_per_account_and_month")]},
        ),
    ]
