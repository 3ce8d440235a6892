from django.apps import AppConfig
from django.conf import settings


class RunsConfig(AppConfig):
    name = "laer.web.runs"
    label = "runs"

    def ready(self) -> None:
        from laer.metrics import policy
        from laer.web import home

        policy.OWN[:] = [home.policies()]
        if settings.POLICY != "default":
            try:
                policy.load_policy(settings.POLICY)
            except ValueError as wrong:
                raise SystemExit(f"LAER_POLICY: {wrong}") from None
