import django.db.models.deletion
from django.db import migrations, models


def link(apps, schema_editor):
    """A mail of a play is known by its key, play:RUN:STEP."""
    mails, runs = apps.get_model("work", "OutgoingMail"), apps.get_model("work", "PlayRun")
    for mail in mails.objects.filter(key__startswith="play:").iterator(chunk_size=1_000):
        number = mail.key.split(":")[1]
        if number.isdecimal() and runs.objects.filter(pk=int(number)).exists():
            mails.objects.filter(pk=mail.pk).update(play_run_id=int(number))


class Migration(migrations.Migration):
    dependencies = [
        ("work", "0011_how_plays_end"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingmail",
            name="play_run",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="work.playrun"),
        ),
        migrations.AddField(model_name="outgoingmail", name="released_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="playsetting", name="approved_mails", field=models.JSONField(default=dict)),
        migrations.RunPython(link, migrations.RunPython.noop, elidable=True),
    ]
