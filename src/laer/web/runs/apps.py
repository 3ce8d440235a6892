from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "laer.web.runs"
    label = "runs"
