import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Saved reports on somebody's Home."""

    dependencies = [
        ("people", "0008_definition_acts"),
        ("work", "0006_positions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pin",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="pins", to=settings.AUTH_USER_MODEL)),
                ("view", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="pins", to="people.savedview")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["user", "view"], name="pinned_once")]},
        ),
    ]
