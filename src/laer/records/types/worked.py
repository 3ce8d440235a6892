"""What people of the firm did: touches. Written by people, read by measures; no file is imported as one yet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record


class Touch(Record):
    """One contact with an account: what, when, how long, how it went."""

    info: ClassVar = Info("touches", "touch", "one row per contact with an account", "touch_id", home="work")
    touch_id: int
    account_id: Annotated[int, Col((), refers="accounts")]
    kind: Annotated[str, Col((), words=("call", "meeting", "mail", "chat", "other"))]
    at: datetime
    minutes: int | None = None
    sentiment: Annotated[str | None, Col((), words=("good", "neutral", "bad"))] = None
    direction: Annotated[str, Col((), words=("out", "in"))] = "out"
    person_id: Annotated[int | None, Col((), refers="people")] = None
