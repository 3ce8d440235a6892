import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What a person says beside a score: who said a pulse and what comes next, and overrides of bands."""

    dependencies = [
        ("book", "0013_imports_of_files"),
        ("people", "0009_unheard"),
        ("work", "0003_forecasts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PulseStep",
            fields=[
                ("pulse", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="said", serialize=False, to="book.pulse")),
                ("next_step", models.CharField(blank=True, default="", max_length=200)),
                ("next_on", models.DateField(null=True)),
                ("at", models.DateTimeField()),
                ("created_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("person", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="people.person")),
            ],
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("card", models.CharField(max_length=60)),
                ("band", models.CharField(choices=[("green", "Green"), ("yellow", "Yellow"), ("red", "Red")], max_length=8)),
                ("reason", models.CharField(max_length=300)),
                ("from_on", models.DateField()),
                ("until_on", models.DateField()),
                ("instead_of", models.CharField(max_length=8, null=True)),
                ("created_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(null=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="overrides", to="book.account")),
                ("created_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("person", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="overrides", to="people.person")),
            ],
            options={"indexes": [models.Index(fields=["account", "card", "-until_on"], name="overrides_of_account")]},
        ),
    ]
