from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "laer.web.work"
    label = "work"

    def ready(self) -> None:
        from laer.web.book import merging, models
        from laer.web.work.models import WORK, Notification, Touch

        # The book does not know of work; a merge of accounts must not lose it, and measures read touches.
        merging.CARRIED |= WORK | {"notifications": Notification}
        models.DOWNSTREAM["touches"] = Touch
