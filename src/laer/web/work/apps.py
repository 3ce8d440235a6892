from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "laer.web.work"
    label = "work"
