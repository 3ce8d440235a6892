from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "laer.web.people"
    label = "people"
