from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "laer.web.people"
    label = "people"

    def ready(self) -> None:
        from laer.web import catalogues, home
        from laer.web.people import audit  # noqa: F401 (its receivers)

        catalogues.compile_new(home.catalogues())
