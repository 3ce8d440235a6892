from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "laer.web.work"
    label = "work"

    def ready(self) -> None:
        from laer.web.book import merging, models
        from laer.web.work.models import WORK, Forecast, Notification, Task, TextSentiment, Touch

        # The book does not know of work; a merge of accounts must not lose it, and measures read touches and calls.
        # What was said with a pulse goes with its row.
        # Episodes stay: the next pass finds them for the account that is kept. So do runs of plays: one at a time is under way for an account.
        carried = {name: model for name, model in WORK.items() if name not in ("episode_answers", "play_runs")}
        merging.CARRIED |= carried | {"notifications": Notification}
        models.DOWNSTREAM |= {"touches": Touch, "tasks": Task, "forecasts": Forecast, "touch_contacts": Touch.contacts.through,
                              "text_sentiments": TextSentiment}  # fmt: skip
        models.LINKS["touch_contacts"] = ("touch_id", Touch)
