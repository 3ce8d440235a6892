from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class BookConfig(AppConfig):
    name = "laer.web.book"
    label = "book"

    def ready(self) -> None:
        # Views block SQLite's table rebuild and PostgreSQL's ALTER, so they go before and come back after.
        pre_migrate.connect(_drop_views, sender=self)
        post_migrate.connect(_make_views, sender=self)
        post_migrate.connect(_seed_definitions, sender=self)


# The seam imports every record type; a command that does not migrate starts without them.
def _drop_views(using: str, **_: Any) -> None:
    from laer.web.book import seam

    seam.drop_views(using)


def _make_views(using: str, **_: Any) -> None:
    from laer.web.book import seam

    seam.make_views(using)


def _seed_definitions(using: str, **_: Any) -> None:
    from laer.web.book import definitions

    definitions.seed_if_there(using)
