"""Is the database's schema the one that this version of laer was written for?"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

import laer
from laer.web import home

# Rooms whose migrations are ours. Other packages squash and rename theirs, so that only ours tell a newer laer.
OURS = ("people", "book", "work", "runs")


def applied() -> list[str]:
    """Migrations that the database has had, as `app.name`, sorted. No tables: none."""
    if not _exists():
        return []
    recorder = MigrationRecorder(connection)
    return sorted(f"{app}.{name}" for app, name in recorder.applied_migrations()) if recorder.has_table() else []


def unknown(names: list[str]) -> list[str]:
    """Those of our migrations among `names` that this version does not have: a newer laer made them."""
    ours = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    return sorted(n for n in names if n.split(".", 1)[0] in OURS and n not in ours)


def interrupted() -> str | None:
    """A restore that was killed on the way, in words; until it is done again nothing may open the book."""
    left = home.unfinished_restore()
    return f"a restore was interrupted: run `laer restore {left['file']} --force` again (what was there before is in {left['aside']})" if left else None


def schema_problem() -> str | None:
    """What is wrong with the schema and what to do about it, or None."""
    if problem := interrupted():
        return problem
    try:
        there = applied()
    except DatabaseError as error:
        return f"the book cannot be opened ({settings.DATABASES['default']['NAME']}): {str(error).strip()}"
    if not there:
        return f"there is no book in {settings.DATABASES['default']['NAME']}: run `laer init`"
    newer = unknown(there)
    if newer:
        return f"the book was made by a newer version than this one ({laer.__version__}): it has {', '.join(newer)}; install that version or restore a backup"
    loader = MigrationLoader(connection)
    missing = sorted(f"{app}.{name}" for app, name in set(loader.graph.nodes) - set(loader.applied_migrations))
    if missing:
        return f"the book was made by an earlier version: run `laer upgrade` (not applied yet: {', '.join(missing)})"
    from laer.web.book.seam import missing_views  # it needs the models, and `laer serve` asks us before they are there

    if views := missing_views():
        return f"an upgrade was interrupted: run `laer upgrade` again (the book has no {', '.join(views)})"
    return None


def is_empty() -> bool:
    """There is no book yet, neither ours nor an older one. A database that does not answer is not empty."""
    try:
        return not interrupted() and not applied()
    except DatabaseError:
        return False


def _exists() -> bool:
    """Connecting to an SQLite file makes it; asking must not."""
    if connection.vendor != "sqlite":
        return True
    name = Path(connection.settings_dict["NAME"])
    return not name.is_absolute() or name.exists()  # `:memory:` and the like are not files
