"""What happens to accounts and what belongs to them, by the names that conditions use: `no touch in 45 d`, `any open_ticket`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from laer.records.expr import BooleanValue, Table


@dataclass(frozen=True)
class Happening:
    """Rows that happen on a day.

    name   as people say it;  input  the table (`inputs.INPUTS`);  day  its column of day numbers
    only   which of its rows;  times  a column that says how often a row stands for; None: once
    """

    name: str
    input: str
    day: str
    only: Callable[[Table], BooleanValue] | None = None
    times: str | None = None


@dataclass(frozen=True)
class Belonging:
    """Rows that hold from a day until another: start <= d < end."""

    name: str
    input: str
    start: str
    end: str
    only: Callable[[Table], BooleanValue] | None = None


PEOPLE = "contacts"  # the input of those who belong to an account and can do something
DONE = ("touch", "ticket", "answer")  # what names a contact: `any champion without touch in 30 d`


USE = ("use", "active_day")  # what a contact does as a user of the product: `any champion without use in 30 d`


def linked(related: str, record: str) -> bool:
    """Whether rows say which one of the related kind a record is of."""
    return BELONGINGS[related].input == PEOPLE and record in (*DONE, *USE)


HAPPENINGS = {
    "touch": Happening("touch", "touches", "on_d"),
    "call": Happening("call", "touches", "on_d", lambda rows: rows.kind == "call"),
    "meeting": Happening("meeting", "touches", "on_d", lambda rows: rows.kind == "meeting"),
    "mail": Happening("mail", "touches", "on_d", lambda rows: rows.kind == "mail"),
    "reply": Happening("touch from the customer", "touches", "on_d", lambda rows: rows.inward),
    "ticket": Happening("ticket", "tickets", "opened_d"),
    "escalation": Happening("escalated ticket", "tickets", "opened_d", lambda rows: rows.escalated),
    "answer": Happening("survey answer", "answers", "answered_d"),
    "pulse_set": Happening("pulse", "pulses", "stated_d"),
    "use": Happening("use", "account_days", "day_d", times="n"),
    "active_day": Happening("day with use", "account_days", "day_d"),
    "deal_created": Happening("deal created", "deals", "created_d"),
    "deal_won": Happening("deal won", "deals", "closed_d", lambda rows: rows.outcome == "won"),
    "deal_lost": Happening("deal lost", "deals", "closed_d", lambda rows: rows.outcome == "lost"),
    "expanded": Happening("expansion of MRR", "changes", "on_d", lambda rows: rows.growth > 0),
    "contracted": Happening("contraction of MRR", "changes", "on_d", lambda rows: rows.shrinking > 0),
}

BELONGINGS = {
    "contact": Belonging("contact", "contacts", "from_d", "until_d"),
    "champion": Belonging("champion", "contacts", "from_d", "until_d", lambda rows: rows.role == "champion"),
    "decision_maker": Belonging("decision maker", "contacts", "from_d", "until_d", lambda rows: rows.role == "decision maker"),
    "contract": Belonging("contract", "terms", "known_d", "until_d"),
    "subscription": Belonging("subscription", "lines", "start_d", "end_d"),
    "open_ticket": Belonging("open ticket", "tickets", "opened_d", "closed_d"),
    "urgent_ticket": Belonging("urgent open ticket", "tickets", "opened_d", "closed_d", lambda rows: rows.urgent),
    "open_deal": Belonging("open deal", "deals", "created_d", "closed_d"),
    "growth_deal": Belonging("open growth deal", "deals", "created_d", "closed_d", lambda rows: rows.motion == "expand"),
}
