"""The navigation of PAGES.md. Only what exists is a link."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from laer.web.pages.touch_dialog import dialog

LAB = "/lab/"  # for whoever sees the whole book: a score is judged over all of it
ENTRIES = (
    (gettext_lazy("Today"), "/today/", "bolt", "t", gettext_lazy("work")),
    (gettext_lazy("Home"), "/home/", "home", "h", gettext_lazy("work")),
    (gettext_lazy("Tasks"), "/tasks/", "checklist", "k", gettext_lazy("work")),
    (gettext_lazy("Accounts"), "/accounts/", "building", "a", gettext_lazy("work")),
    (gettext_lazy("Flow"), "/flow/", "route", "f", "LAER"),
    (gettext_lazy("Land"), "/land/", "flag", "l", "LAER"),
    (gettext_lazy("Adopt"), "/adopt/", "seedling", "o", "LAER"),
    (gettext_lazy("Expand"), "/expand/", "trending-up", "x", "LAER"),
    (gettext_lazy("Renew"), "/renewals/", "refresh", "n", "LAER"),
    (gettext_lazy("Revenue"), "/revenue/", "chart-bar", "r", gettext_lazy("insight")),
    (gettext_lazy("Signals"), "/signals/", "bell", "i", gettext_lazy("insight")),
    (gettext_lazy("Plays"), "/plays/", "player-play", "e", gettext_lazy("insight")),
    (gettext_lazy("Lab"), LAB, "flask", "y", gettext_lazy("insight")),
    (gettext_lazy("Data"), "/data/", "database", "d", gettext_lazy("insight")),
    (gettext_lazy("Settings"), "/settings/", "settings", "s", gettext_lazy("insight")),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `navigation`, a list of {title, url, icon, key, group, active}; `touch`, the dialog that logs one, for who may."""
    return {
        "navigation": [
            {"title": title, "url": url, "icon": icon, "key": key, "group": group, "active": bool(url) and request.path.startswith(url or "-")}
            for title, url, icon, key, group in ENTRIES
            if url != LAB or getattr(request.user, "reads_everything", False)
        ],
        "touch": (lambda: dialog(None)["touch"]) if getattr(request.user, "may_edit", False) else None,
    }
