"""The exchange rates of a pass and of a closing: which plan year, which rates, and the mark of the table they stood in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_closed_months")]
    operations = [
        migrations.AddField("passrun", "plan_year", models.SmallIntegerField(null=True)),
        migrations.AddField("passrun", "rates", models.JSONField(default=dict)),
        migrations.AddField("passrun", "rates_mark", models.CharField(blank=True, default="", max_length=64)),
        migrations.AddField("closedmonth", "plan_year", models.SmallIntegerField(null=True)),
        migrations.AddField("closedmonth", "rates", models.JSONField(default=dict)),
    ]
