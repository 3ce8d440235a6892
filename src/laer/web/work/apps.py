from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "laer.web.work"
    label = "work"

    def ready(self) -> None:
        from laer.web.book import merging, models
        from laer.web.work.models import WORK, Forecast, Notification, OutgoingMail, Task, TextSentiment, Touch
        from laer.web.work.plays import that_go_over

        # The book does not know of work; a merge of accounts must not lose it, and measures read touches and calls.
        # What was said with a pulse goes with its row.
        # Episodes stay: the next pass finds them for the account that is kept.
        carried = {name: model for name, model in WORK.items() if name != "episode_answers"}
        merging.CARRIED |= carried | {"notifications": Notification, "mails": OutgoingMail}
        merging.THAT_GO["play_runs"] = that_go_over  # one at a time is under way for an account
        models.DOWNSTREAM |= {"touches": Touch, "tasks": Task, "forecasts": Forecast, "touch_contacts": Touch.contacts.through,
                              "text_sentiments": TextSentiment}  # fmt: skip
        models.LINKS["touch_contacts"] = ("touch_id", Touch)
