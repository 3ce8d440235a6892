from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0008_definition_acts")]

    operations = [migrations.AddField(model_name="user", name="unheard", field=models.JSONField(default=list))]
