import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the motions cost, and the gross margin of a product."""

    dependencies = [
        ("book", "0009_no_news"),
    ]

    operations = [
        migrations.AddField("product", "margin", models.CharField(blank=True, max_length=40, null=True)),
        migrations.CreateModel(
            name="Cost",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("custom", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("archived_run", models.BigIntegerField(blank=True, null=True)),
                ("month", models.DateField()),
                ("motion", models.CharField(max_length=10)),
                ("kind", models.CharField(max_length=12)),
                ("amount", models.CharField(max_length=40)),
                ("currency", models.CharField(blank=True, max_length=8, null=True)),
                ("account", models.ForeignKey(
                    blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="costs", to="book.account"
                )),
                ("created_run", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="book.importrun")),
                ("person", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="people.person")),
            ],
            options={"indexes": [models.Index(fields=["month", "motion"], name="costs_month")]},
        ),
    ]
