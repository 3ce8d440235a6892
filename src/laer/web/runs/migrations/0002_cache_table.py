"""The cache table: login limits live in it, so a database without it cannot log anybody in."""

from django.core.management import call_command
from django.db import migrations

TABLE = "runs_cache"


def make(apps, schema_editor):
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop(apps, schema_editor):
    schema_editor.execute(f'DROP TABLE IF EXISTS "{TABLE}"')


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
