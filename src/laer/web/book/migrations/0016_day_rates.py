from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("book", "0015_granted")]

    operations = [
        migrations.CreateModel(
            name="DayRate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("from_on", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("rate", models.CharField(max_length=40)),
                ("changed_at", models.DateTimeField()),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("from_on", "currency"), name="one_rate_per_day")]},
        ),
    ]
