"""Positions in words: the four letters, the states of each, and what they mean."""

from __future__ import annotations

from laer.web.wording import gettext_lazy

MOTIONS = {"land": gettext_lazy("Land"), "adopt": gettext_lazy("Adopt"), "expand": gettext_lazy("Expand"), "renew": gettext_lazy("Renew")}
NONE = {  # what stands for `none`, motion by motion
    "land": gettext_lazy("no deal, no customer"), "adopt": gettext_lazy("no customer"), "expand": gettext_lazy("nothing to do"),
    "renew": gettext_lazy("nothing falls due"),
}  # fmt: skip
STATES = {
    "open": gettext_lazy("open"), "won": gettext_lazy("won"), "handed over": gettext_lazy("handed over"),
    "onboarding": gettext_lazy("onboarding"), "stalled": gettext_lazy("stalled"), "activated": gettext_lazy("activated"),
    "at outcome": gettext_lazy("at outcome"), "lapsed": gettext_lazy("lapsed"), "ready": gettext_lazy("ready"), "lost": gettext_lazy("lost"),
    "blocked": gettext_lazy("blocked"), "not due": gettext_lazy("not due"), "window": gettext_lazy("in the window"),
    "called": gettext_lazy("called"), "signed": gettext_lazy("signed"), "pending": gettext_lazy("pending"), "overdue": gettext_lazy("overdue"),
}  # fmt: skip
TONES = {
    "handed over": "good", "won": "good", "at outcome": "good", "activated": "good", "signed": "good", "ready": "info", "open": "info",
    "onboarding": "info", "window": "info", "called": "info", "stalled": "warn", "blocked": "warn", "pending": "warn", "lapsed": "bad",
    "overdue": "bad", "lost": "bad",
}  # fmt: skip
UNKNOWN = gettext_lazy("unknown")


def state_name(motion: str, state: str | None) -> str:
    """A state in the reader's words."""
    if state is None:
        return str(UNKNOWN)
    return str(NONE[motion] if state == "none" else STATES[state])
