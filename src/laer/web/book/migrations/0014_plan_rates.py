from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("book", "0013_imports_of_files")]

    operations = [
        migrations.CreateModel(
            name="PlanRate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("fiscal_year", models.SmallIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("rate", models.CharField(max_length=40)),
                ("changed_at", models.DateTimeField()),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("fiscal_year", "currency"), name="one_plan_rate_per_year")]},
        ),
    ]
