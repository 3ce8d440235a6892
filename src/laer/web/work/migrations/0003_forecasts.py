import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Calls of renewals: each a dated row."""

    dependencies = [
        ("book", "0013_imports_of_files"),
        ("people", "0008_definition_acts"),
        ("work", "0002_tasks_due"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Forecast",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("due_on", models.DateField()),
                ("by", models.CharField(default="person", max_length=8)),
                ("category", models.CharField(choices=[("commit", "Commit"), ("likely", "Likely"), ("at_risk", "At risk"), ("lost", "Lost")], max_length=8)),
                ("amount", models.CharField(max_length=40, null=True)),
                ("currency", models.CharField(max_length=8, null=True)),
                ("notice_given", models.BooleanField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("next_step", models.CharField(blank=True, default="", max_length=200)),
                ("at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(null=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="forecasts", to="book.account")),
                ("contract", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="forecasts", to="book.contract")),
                ("created_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("person", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="forecasts", to="people.person")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["contract", "due_on", "-at"], name="forecasts_of_renewal"),
                    models.Index(fields=["account"], name="forecasts_of_account"),
                ],
            },
        ),
    ]
