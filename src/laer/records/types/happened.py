"""What happened: usage, tickets, answers, departures, what people hold of an account and wrote on it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record
from laer.records.types.who import ACCOUNT

HEALTH = {  # how files spell a colour of health
    "green": "green", "g": "green", "good": "green", "healthy": "green", "ok": "green", "on track": "green", "strong": "green", "low risk": "green",
    "yellow": "yellow", "y": "yellow", "amber": "yellow", "a": "yellow", "orange": "yellow", "medium": "yellow", "neutral": "yellow", "watch": "yellow",
    "at risk": "yellow", "fair": "yellow", "medium risk": "yellow", "needs attention": "yellow",
    "red": "red", "r": "red", "poor": "red", "bad": "red", "critical": "red", "unhealthy": "red", "high risk": "red", "off track": "red", "churning": "red",
    "grün": "green", "gelb": "yellow", "rot": "red", "vert": "green", "jaune": "yellow", "rouge": "red", "🟢": "green", "🟡": "yellow", "🟠": "yellow", "🔴": "red",
}  # fmt: skip


class UsageDay(Record):
    """What an account did with a feature on a day. Identity: source + row id + content; lives in the lake."""

    info: ClassVar = Info(
        "usage_days",
        "usage day",
        "one row per source row: account, feature and day",
        "row_id",
        home="lake",
        natural=(),
        key_aka=("usage id", "event id", "row id", "id"),
    )
    row_id: Annotated[str | None, Col(("usage id", "event id", "row id"))] = None
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    subscription_id: Annotated[int | None, Col(("subscription id", "subscription"), refers="subscriptions")] = None
    user_id: Annotated[str | None, Col(("user id", "user", "end user id", "member id"))] = None
    feature: Annotated[str | None, Col(("feature name", "feature", "event name", "module", "event"))] = None
    day: Annotated[date, Col(("usage date", "day", "date", "event date", "activity date"))]
    count: Annotated[int | None, Col(("usage count", "count", "events", "event count", "actions", "logins", "sessions"))] = None
    seconds: Annotated[int | None, Col(("usage duration secs", "duration seconds", "seconds", "duration", "time spent"))] = None
    errors: Annotated[int | None, Col(("error count", "errors", "failures"))] = None


class Ticket(Record):
    """A request for help."""

    info: ClassVar = Info(
        "tickets", "ticket", "one row per ticket", "ticket_id", natural=(), key_aka=("ticket id", "case id", "case number", "ticket number", "issue id")
    )
    ticket_id: int
    account_id: Annotated[
        int,
        Col(
            (
                "account id",
                "customer id",
                "company id",
                "organization id",
                "organisation id",
                "account",
                "customer",
                "organization",
                "organisation",
                "company",
                "account name",
                "customer name",
                "company name",
            ),
            refers="accounts",
        ),
    ]
    contact_id: Annotated[int | None, Col(("contact id", "requester id"), refers="contacts")] = None
    subject: Annotated[str | None, Col(("subject", "ticket subject", "summary", "title"))] = None
    opened_at: Annotated[
        datetime, Col(("submitted at", "opened at", "created at", "created date", "opened on", "created", "opened", "date opened", "submitted"))
    ]
    closed_at: Annotated[datetime | None, Col(("closed at", "resolved at", "solved at", "closed date", "closed on", "closed", "resolved"))] = None
    status: Annotated[str | None, Col(("ticket status", "status", "state"))] = None
    priority: Annotated[str | None, Col(("priority", "severity", "urgency"))] = None
    first_response_minutes: Annotated[int | None, Col(("first response time minutes", "first response minutes", "first reply time"))] = None
    resolution_hours: Annotated[Decimal | None, Col(("resolution time hours", "resolution hours", "time to resolution"))] = None
    satisfaction: Annotated[Decimal | None, Col(("satisfaction score", "satisfaction", "csat", "rating"))] = None
    escalated: Annotated[bool | None, Col(("escalation flag", "escalated", "is escalated", "escalation"))] = None


class SurveyResponse(Record):
    """An answer to a survey, as it was given: the score stays raw, the formula that reads it is versioned elsewhere."""

    info: ClassVar = Info(
        "survey_responses",
        "survey response",
        "one row per answer",
        "response_id",
        natural=(),
        key_aka=("response id", "survey response id", "answer id", "survey id"),
    )
    response_id: int
    account_id: Annotated[
        int,
        Col(ACCOUNT, refers="accounts"),
    ]
    contact_id: Annotated[int | None, Col(("contact id", "respondent id"), refers="contacts")] = None
    kind: Annotated[str | None, Col(("survey type", "survey kind", "kind", "survey", "metric"))] = None
    score: Annotated[Decimal | None, Col(("score", "nps", "nps score", "rating", "answer", "csat score"))] = None
    answered_on: Annotated[date, Col(("answered on", "response date", "responded at", "submitted at", "date", "answered at", "survey date"))]
    comment: Annotated[str | None, Col(("comment", "feedback", "feedback text", "verbatim", "text"))] = None


class ChurnEvent(Record):
    """That an account left, said so by a person or a source, with the reason."""

    info: ClassVar = Info(
        "churn_events", "churn event", "one row per departure", "churn_event_id", natural=(), key_aka=("churn event id", "churn id", "cancellation id")
    )
    churn_event_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    notified_on: Annotated[date | None, Col(("notified on", "notice date", "notification date", "cancel requested on"))] = None
    effective_on: Annotated[date, Col(("churn date", "effective on", "effective date", "churned on", "cancellation date", "churned at"))]
    reason: Annotated[str | None, Col(("reason code", "churn reason", "reason", "cancellation reason"))] = None
    avoidable: Annotated[bool | None, Col(("avoidable", "is avoidable", "preventable"))] = None
    competitor: Annotated[str | None, Col(("competitor", "lost to"))] = None
    amount: Annotated[Decimal | None, Col(("churned amount", "lost mrr", "lost arr", "amount"))] = None
    text: Annotated[str | None, Col(("feedback text", "feedback", "comment", "text", "notes"))] = None
    is_reactivation: Annotated[bool | None, Col(("is reactivation", "reactivation", "came back"))] = None


class Pulse(Record):
    """What a person holds of an account's health: their own word, dated, never computed."""

    info: ClassVar = Info("pulses", "pulse", "one row per account, day and source", "pulse_id", natural=("account_id", "stated_on"), key_aka=("pulse id",))
    pulse_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer", "company", "logo", "end customer"), refers="accounts")]
    colour: Annotated[
        str,
        Col(
            ("health", "health status", "account health", "customer health", "health color", "health colour", "rag", "rag status", "pulse", "csm pulse"),
            words=tuple(HEALTH),
        ),
    ]
    stated_on: Annotated[date, Col(("pulse date", "health date", "health updated on"))]
    reason: Annotated[str | None, Col(("health reason", "pulse reason", "health comment", "health notes", "reason for health"))] = None


class Note(Record):
    """A text that somebody wrote on an account."""

    info: ClassVar = Info("notes", "note", "one row per text", "note_id", natural=(), key_aka=("note id",))
    note_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer", "company"), refers="accounts")]
    text: Annotated[str, Col(("notes", "note", "comments", "comment", "remarks", "next steps", "csm notes", "account notes"))]
    written_on: Annotated[date | None, Col(("note date", "written on"))] = None
