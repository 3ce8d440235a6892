import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What lists said of their day that the book had already: it holds against earlier lists that come later."""

    dependencies = [
        ("book", "0008_scope_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoNews",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("key", models.CharField(max_length=255)),
                ("whole", models.BooleanField(default=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="book.account")),
                ("line", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="book.subscriptionline")),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="book.importrun")),
            ],
            options={"indexes": [models.Index(fields=["account", "day"], name="no_news_account")]},
        ),
    ]
