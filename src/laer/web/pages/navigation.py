"""The navigation of PAGES.md. Only what exists is a link."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from laer.web.pages.touch_dialog import dialog

ENTRIES = (
    (gettext_lazy("Today"), None, "bolt", "t", gettext_lazy("work")),
    (gettext_lazy("Home"), None, "home", "h", gettext_lazy("work")),
    (gettext_lazy("Tasks"), "/tasks/", "checklist", "k", gettext_lazy("work")),
    (gettext_lazy("Accounts"), "/accounts/", "building", "a", gettext_lazy("work")),
    (gettext_lazy("Flow"), None, "route", "f", "LAER"),
    (gettext_lazy("Land"), None, "flag", "", "LAER"),
    (gettext_lazy("Adopt"), None, "seedling", "", "LAER"),
    (gettext_lazy("Expand"), None, "trending-up", "", "LAER"),
    (gettext_lazy("Renew"), "/renewals/", "refresh", "n", "LAER"),
    (gettext_lazy("Revenue"), "/revenue/", "chart-bar", "r", gettext_lazy("insight")),
    (gettext_lazy("Data"), "/data/", "database", "d", gettext_lazy("insight")),
    (gettext_lazy("Settings"), "/settings/", "settings", "s", gettext_lazy("insight")),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `navigation`, a list of {title, url, icon, key, group, active}; `touch`, the dialog that logs one, for who may."""
    return {
        "navigation": [
            {"title": title, "url": url, "icon": icon, "key": key, "group": group, "active": bool(url) and request.path.startswith(url or "-")}
            for title, url, icon, key, group in ENTRIES
        ],
        "touch": (lambda: dialog(None)["touch"]) if getattr(request.user, "may_edit", False) else None,
    }
