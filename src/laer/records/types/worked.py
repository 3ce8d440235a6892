"""What people of the firm did and said: touches, and what they expect of a renewal. Written by people, read by measures; no file is imported as one yet."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
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


class Task(Record):
    """Something that somebody did, on an account or on none; here once it is done."""

    info: ClassVar = Info("tasks", "task", "one row per task", "task_id", home="work")
    task_id: int
    account_id: Annotated[int | None, Col((), refers="accounts")] = None
    done_at: datetime | None = None
    kind: Annotated[str, Col((), words=("", "call", "meeting", "mail", "prepare", "admin", "support", "sales", "other"))] = ""
    minutes: int | None = None
    play_run_id: int | None = None  # of the play that gave it
    episode_id: int | None = None  # of the signal that it was given for


CALLS = ("commit", "likely", "at_risk", "lost")  # the best first


class Forecast(Record):
    """What somebody expected of a renewal on a day. A later one stands in its place; none is ever changed."""

    info: ClassVar = Info("forecasts", "renewal call", "one row per call of a contract that falls due on a day", "forecast_id", home="work")
    forecast_id: int
    account_id: Annotated[int, Col((), refers="accounts")]
    contract_id: Annotated[int, Col((), refers="contracts")]
    due_on: date
    by: Annotated[str, Col((), words=("person", "system"))] = "person"
    category: Annotated[str, Col((), words=CALLS)]
    amount: Decimal | None = None  # ARR that is expected to go on, in `currency`
    currency: str | None = None
    notice_given: bool | None = None
    at: datetime
    person_id: Annotated[int | None, Col((), refers="people")] = None


class TouchContact(Record):
    """Whom a touch reached: one of the account's contacts."""

    info: ClassVar = Info("touch_contacts", "contact of a touch", "one row per touch and contact", "touch_contact_id", home="work")
    touch_contact_id: int
    account_id: Annotated[int, Col((), refers="accounts")]
    touch_id: Annotated[int, Col((), refers="touches")]
    contact_id: Annotated[int, Col((), refers="contacts")]


class TextSentiment(Record):
    """How a text sounds: -1 bad, 0 neutral, 1 good, by its words (`level`), the customer's own number (`rated`), a person (`corrected`)."""

    info: ClassVar = Info("text_sentiments", "sentiment of a text", "one row per note, touch, ticket and survey answer with a text", "text_sentiment_id",
        home="work")  # fmt: skip
    text_sentiment_id: int
    account_id: Annotated[int, Col((), refers="accounts")]
    kind: Annotated[str, Col((), words=("notes", "touches", "tickets", "survey_responses"))]
    written_on: date
    level: int | None = None
    rated: int | None = None
    rated_on: date | None = None
    corrected: int | None = None
    corrected_at: datetime | None = None
