"""What parts/touch_dialog.html needs: `l`, then the letter of a kind."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from laer.web.work.models import Direction, Sentiment, TouchKind

KEYS = {TouchKind.CALL: "c", TouchKind.MEETING: "m", TouchKind.MAIL: "e", TouchKind.CHAT: "h", TouchKind.OTHER: "o"}  # after `l`
MINUTES = 30


def dialog(account_id: int | None) -> dict[str, Any]:
    """What parts/touch_dialog.html needs; without an account its form goes to that of the current row. No query."""
    return {
        "touch": {
            "url": reverse("touches", args=[account_id]) if account_id else "",
            "kinds": [(kind.value, kind.label, KEYS[kind]) for kind in TouchKind],
            "sentiments": Sentiment.choices,
            "directions": Direction.choices,
            "minutes": MINUTES,
        }
    }
