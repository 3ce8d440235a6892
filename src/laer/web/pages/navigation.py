"""The navigation of PAGES.md. Only what exists is a link."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

ENTRIES = (
    ("Today", None, "bolt", "t", "work"),
    ("Home", None, "home", "h", "work"),
    ("Tasks", "/tasks/", "checklist", "k", "work"),
    ("Accounts", "/accounts/", "building", "a", "work"),
    ("Flow", None, "route", "f", "LAER"),
    ("Land", None, "flag", "", "LAER"),
    ("Adopt", None, "seedling", "", "LAER"),
    ("Expand", None, "trending-up", "", "LAER"),
    ("Renew", "/renewals/", "refresh", "n", "LAER"),
    ("Revenue", "/revenue/", "chart-bar", "r", "insight"),
    ("Data", "/data/", "database", "d", "insight"),
    ("Settings", "/settings/", "settings", "s", "insight"),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `navigation`, a list of {title, url, icon, key, group, active}."""
    return {
        "navigation": [
            {"title": title, "url": url, "icon": icon, "key": key, "group": group, "active": bool(url) and request.path.startswith(url or "-")}
            for title, url, icon, key, group in ENTRIES
        ]
    }
