"""What kinds of work are called: touches and tasks together."""

from __future__ import annotations

from laer.web.wording import gettext_lazy

WORK_WORDS = {  # the keys of `metrics.effort.MINUTES`
    "call": gettext_lazy("Call"), "meeting": gettext_lazy("Meeting"), "mail": gettext_lazy("E-mail"), "chat": gettext_lazy("Chat"),
    "other": gettext_lazy("Other"), "task": gettext_lazy("Task without a kind"), "prepare": gettext_lazy("Preparation"),
    "admin": gettext_lazy("Administration"), "support": gettext_lazy("Support's work"), "sales": gettext_lazy("Sales' work"),
}  # fmt: skip
