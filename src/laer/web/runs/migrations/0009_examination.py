from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('runs', '0008_segments')]

    operations = [
        migrations.CreateModel(
            name="Examination",
            fields=[
                ("scope", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("mark", models.CharField(max_length=200)),
                ("form", models.CharField(max_length=40)),
                ("findings", models.JSONField(default=list)),
                ("counts", models.JSONField(default=dict)),
                ("records", models.JSONField(default=list)),
                ("examined_at", models.DateTimeField()),
                ("seconds", models.FloatField()),
            ],
        ),
    ]
