"""A play: what begins it for an account, for which accounts, what is done step by step, what ends it, and what it is to bring about.

A definition of kind `play` (method: docs/methods/plays.md). What its conditions name is checked against the catalogue by whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from laer.conditions.segment import CONDITION
from laer.records.definition import Definition

When = Annotated[Any, WithJsonSchema(CONDITION)]
Job = Literal["csm", "ae", "renewals", "onboarding", "support", "lead"]
JOBS: tuple[str, ...] = get_args(Job)
Role = Literal["main", "champion", "decision_maker", "economic_buyer", "user", "detractor"]
Motion = Literal["land", "adopt", "expand", "renew"]
Purpose = Literal["landing", "onboarding", "adoption", "growth", "risk", "renewal", "detractor", "learning"]
TRIED = ("landing", "onboarding", "adoption", "growth", "learning")  # purposes of which some accounts may be held out: nobody is harmed by waiting
_DAYS = re.compile(r"^(\d{1,3}) ?d$")


def _days(value: Any) -> Any:
    """`14 d` as 14."""
    found = _DAYS.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a number of days such as 14 d")
    return int(found.group(1))


Days = Annotated[int, BeforeValidator(_days), Field(ge=0, le=999), WithJsonSchema({"type": "string", "pattern": r"^\d{1,3} ?d$", "description": "days: 14 d"})]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Trigger(Part):
    """Exactly one of them. A date is a measure of kind date, and the days from it: before it where they are negative."""

    signal: str | None = Field(None, description="an episode of it opens")
    segment: str | None = Field(None, description="the account enters it")
    date: str | None = Field(None, description="a measure that is a day: `days` from it (before it where negative)")
    days: int = Field(0, ge=-730, le=730, description="days from `date`: -120 is 120 days before it")
    manual: bool = Field(False, description="a person begins it, or the API")

    @model_validator(mode="after")
    def _one(self) -> Trigger:
        given = [name for name in ("signal", "segment", "date") if getattr(self, name)] + (["manual"] if self.manual else [])
        if len(given) != 1:
            raise ValueError(f"a trigger is one of signal, segment, date or manual; found {', '.join(given) or 'none of them'}")
        if self.days and not self.date:
            raise ValueError("days belong to a date")
        return self

    @property
    def kind(self) -> str:
        return "signal" if self.signal else "segment" if self.segment else "date" if self.date else "manual"

    @property
    def of(self) -> str:
        """The id of what it names; nothing where people begin it."""
        return self.signal or self.segment or self.date or ""


class TaskStep(Part):
    """A task for whoever has the job on the account. The run waits until it is done, for `at_most` days, unless `wait` is false."""

    task: str = Field(min_length=1, max_length=200, description="what to do, in a line")
    detail: str = Field("", max_length=4_000, description="how, in Markdown")
    checklist: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=20)
    owner: Job | None = Field(None, description="whose job it is; left out: the play's owner")
    due: Days = Field(3, validate_default=False, description="days from when it is given")
    priority: Literal["low", "normal", "high"] = "normal"
    wait: bool = Field(True, description="go on once it is done")
    at_most: Days = Field(30, validate_default=False, description="go on after so many days, done or not")


class MailStep(Part):
    """A mail from a template to a contact. Where nothing may leave the house, or nobody has that role, it is a task to write it."""

    mail: str = Field(min_length=1, max_length=60, description="the id of a template")
    to: Role = Field("main", description="the contact's role")
    values: dict[str, Annotated[str, Field(max_length=500)]] = Field(
        default_factory=dict, max_length=20, description="what the template asks for, by name; where one is missing, a person writes it"
    )


class WebhookStep(Part):
    """A message to an endpoint that is set up in Settings, Sending."""

    webhook: str = Field(min_length=1, max_length=60, description="the endpoint's name")
    message: str = Field("", max_length=500, description="a line of text, for chats")


class SetStep(Part):
    """Set a field of the account, where it is another."""

    set: Literal["segment", "industry", "region", "lead_source"] = Field(description="the field")
    to: str = Field(min_length=1, max_length=120)


class WaitStep(Part):
    wait: Days


class UntilStep(Part):
    """Wait for a condition, for `at_most` days; then go on either way."""

    until: When
    at_most: Days = Field(30, validate_default=False)


class BranchStep(Part):
    """What is unknown goes the way of `else`."""

    if_: When = Field(alias="if")
    then: tuple[Step, ...] = Field(max_length=20)
    else_: tuple[Step, ...] = Field((), alias="else", max_length=20)


class CallStep(Part):
    """Begin another play for the account; this one goes on."""

    play: str = Field(min_length=1, max_length=60)


STEPS: dict[str, type[Part]] = {
    "task": TaskStep, "mail": MailStep, "webhook": WebhookStep, "set": SetStep, "wait": WaitStep, "until": UntilStep, "if": BranchStep, "play": CallStep,
}  # fmt: skip
_KEYS = ("task", "mail", "webhook", "set", "until", "if", "play", "wait")  # `wait` last: a task has one, too


def _kind_of(value: Any) -> str | None:
    if isinstance(value, Part):
        return next(name for name, model in STEPS.items() if isinstance(value, model))
    return next((name for name in _KEYS if isinstance(value, dict) and name in value), None)


Step = Annotated[
    Annotated[TaskStep, Tag("task")] | Annotated[MailStep, Tag("mail")] | Annotated[WebhookStep, Tag("webhook")] | Annotated[SetStep, Tag("set")]
    | Annotated[WaitStep, Tag("wait")] | Annotated[UntilStep, Tag("until")] | Annotated[BranchStep, Tag("if")] | Annotated[CallStep, Tag("play")],
    Discriminator(_kind_of, custom_error_type="no_step", custom_error_message=f"expected a step with one of: {', '.join(STEPS)}"),
]  # fmt: skip
BranchStep.model_rebuild()


class Success(Part):
    """What it is to bring about, and how soon after it began. Asked of accounts that were held out, too."""

    when: When
    within: Days


class Benefit(Part):
    customer: str = Field(min_length=1, max_length=200)
    us: str = Field(min_length=1, max_length=200)


class Play(Definition):
    """What the firm does about something, for one account at a time: one live run per account and play."""

    motion: Motion = Field(description="the letter that it belongs to")
    purpose: Purpose = Field(description="what kind of play it is: of risk, renewal and detractor none is ever held out")
    trigger: Trigger = Field(description="what begins it")
    who: When = Field(None, description="for which accounts; left out: for all")
    owner: Job = Field("csm", description="whose work it is")
    again_after: Days = Field(30, validate_default=False, description="days after its end before it may begin anew for the same account")
    steps: tuple[Step, ...] = Field((), max_length=30)
    exit: When = Field(None, description="what ends it at any step: it is reached")
    success: Success | None = Field(None, description="what it is to bring about, for itself and for accounts that were held out")
    hold_out: int = Field(0, ge=0, le=50, description="per cent of accounts that are held out, to learn whether it helps")
    benefit: Benefit | None = Field(None, description="to the customer and to us")
    waits_for: str = Field("", max_length=300, description="of a draft: the facts that are missing")

    @model_validator(mode="after")
    def _sound(self) -> Play:
        if not self.steps and self.status != "draft":
            raise ValueError("a play in use needs at least one step")
        if self.hold_out and self.purpose not in TRIED:
            raise ValueError(f"hold_out: nobody is held out of a play of {self.purpose}; that can be tried only of {', '.join(TRIED)}")
        if self.hold_out and self.success is None:
            raise ValueError("hold_out: without success there is nothing to compare")
        return self

    def conditions(self) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
        """(slot, place in the text, condition as it is written) of each that a pass asks. A slot is `who`, `exit`, `success`, or a step's path."""
        if self.who is not None:
            yield "who", ("who",), self.who
        if self.exit is not None:
            yield "exit", ("exit",), self.exit
        if self.success is not None:
            yield "success", ("success", "when"), self.success.when
        for path, step in self.walk():
            if isinstance(step, UntilStep):
                yield _text(path), (*place_of(path), "until"), step.until
            elif isinstance(step, BranchStep):
                yield _text(path), (*place_of(path), "if"), step.if_

    def names(self) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
        """(kind, place in the text, id) of every other definition that it names."""
        for kind in ("signal", "segment"):
            if name := getattr(self.trigger, kind):
                yield kind, ("trigger", kind), name
        for path, step in self.walk():
            if isinstance(step, MailStep):
                yield "mail_template", (*place_of(path), "mail"), step.mail
            elif isinstance(step, CallStep):
                yield "play", (*place_of(path), "play"), step.play

    def walk(self) -> Iterator[tuple[Path, Any]]:
        """Every step with its path, in the order in which they are written."""
        yield from _walk(self.steps, ())

    def tasks(self) -> tuple[TaskStep, ...]:
        """Those that a run may give, of every branch."""
        return tuple(step for _, step in self.walk() if isinstance(step, TaskStep))

    @property
    def sends(self) -> bool:
        """Whether something may leave the house."""
        return any(isinstance(step, MailStep | WebhookStep) for _, step in self.walk())


Path = tuple[str | int, ...]  # 2 · 3.then.0


def _walk(steps: tuple[Any, ...], at: Path) -> Iterator[tuple[Path, Any]]:
    for place, step in enumerate(steps):
        yield (*at, place), step
        if isinstance(step, BranchStep):
            yield from _walk(step.then, (*at, place, "then"))
            yield from _walk(step.else_, (*at, place, "else"))


def place_of(path: Path) -> Path:
    """A step's path as the place of its text."""
    return ("steps", *path)


def _text(path: Path) -> str:
    return ".".join(map(str, path))
