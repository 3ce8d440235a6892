from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class BookConfig(AppConfig):
    name = "laer.web.book"
    label = "book"

    def ready(self) -> None:
        from laer.web.book import seam

        # Views block SQLite's table rebuild and PostgreSQL's ALTER, so they go before and come back after.
        pre_migrate.connect(seam.drop_views, sender=self)
        post_migrate.connect(seam.make_views, sender=self)
