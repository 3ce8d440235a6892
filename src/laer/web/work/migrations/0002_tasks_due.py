from django.db import migrations, models


class Migration(migrations.Migration):
    """Open tasks in the order of their list."""

    dependencies = [
        ("work", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("archived_at", None), ("done_at", None)),
                fields=["due_on", "-priority", "id", "account", "assignee", "created_by"],
                name="tasks_due",
            ),
        ),
    ]
