from django.apps import AppConfig


class PagesConfig(AppConfig):
    name = "laer.web.pages"
    label = "pages"
