from urllib.parse import urlsplit

from django.db import migrations, models

from laer.web.people.sealing import Unsealed, seal, unseal

PURPOSE = "endpoint address"


def close(apps, schema_editor):
    endpoints = apps.get_model("work", "Endpoint")
    for one in endpoints.objects.iterator():
        endpoints.objects.filter(pk=one.pk).update(url=seal(PURPOSE, one.url), host=(urlsplit(one.url).hostname or "")[:255])


def open_again(apps, schema_editor):
    endpoints = apps.get_model("work", "Endpoint")
    for one in endpoints.objects.iterator():
        try:
            url = unseal(PURPOSE, one.url)
        except Unsealed:  # of another key: nobody can say where it went
            url = ""
        endpoints.objects.filter(pk=one.pk).update(url=url)


class Migration(migrations.Migration):

    dependencies = [
        ("work", "0012_mails_of_runs"),
    ]

    operations = [
        migrations.AddField(model_name="endpoint", name="host", field=models.CharField(default="", max_length=255)),
        migrations.AlterField(model_name="endpoint", name="url", field=models.TextField()),
        migrations.RunPython(close, open_again),
    ]
