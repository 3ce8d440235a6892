from django.db import migrations, models


class Migration(migrations.Migration):
    """What a large book's scope is read from alone: whose account it is today, and the few that are archived."""

    dependencies = [
        ("book", "0007_opportunities"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="assignment", name="book_assign_person__255253_idx"),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["person", "account", "archived_at", "from_on", "until_on"], name="assignments_of_person"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["archived_at"], condition=models.Q(("archived_at__isnull", False)), name="accounts_archived"),
        ),
    ]
