"""Forms over the parts of a play's text: its head, and a step of each kind. Each reads a part as data and gives it back as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from laer.plays.editing import dumped
from laer.records.definition import Unreadable, compose
from laer.web.book import definitions
from laer.web.pages.measure_words import text
from laer.web.pages.play_words import JOBS, PURPOSES, ROLES
from laer.web.wording import gettext_lazy as said

MOTIONS = {"land": said("Land"), "adopt": said("Adopt"), "expand": said("Expand"), "renew": said("Renew")}
PRIORITIES = {"low": said("low"), "normal": said("normal"), "high": said("high")}
SET = {"segment": said("Segment"), "industry": said("Industry"), "region": said("Region"), "lead_source": said("Lead source")}
STATUSES = {"draft": said("draft: no pass asks it"), "trial": said("trial: it may be switched on"), "stable": said("stable"), "retired": said("retired")}
BLANK = {"": "—"}


def lines_of(condition: Any) -> str:
    """A condition as people type it: a line for each test that must hold; what nests as YAML."""
    if condition is None:
        return ""
    if isinstance(condition, str):
        return condition
    if isinstance(condition, list) and all(isinstance(one, str) for one in condition):
        return "\n".join(condition)
    return dumped(condition).rstrip("\n")


def condition_of(typed: str) -> Any:
    """The condition that was typed; None where nothing was. Raises ValidationError where it is no YAML."""
    lines = [line.strip() for line in typed.splitlines() if line.strip()]
    if not lines:
        return None
    if all(not line.startswith("- ") and not line.endswith(":") and not line.startswith(("all:", "any:", "not:", "{", "[")) for line in lines):
        return lines[0] if len(lines) == 1 else lines
    try:
        return compose(typed).data
    except Unreadable as fault:
        raise forms.ValidationError(_("line %(line)s: %(what)s") % {"line": fault.line, "what": fault}) from fault


class ConditionField(forms.CharField):
    def __init__(self, **more: Any) -> None:
        hint = gettext_lazy("One test a line, all of which must hold, such as: state is paying; arr >= 10000.")
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code-field"}), help_text=hint, max_length=4_000, **more)

    def clean(self, value: Any) -> Any:
        return condition_of(super().clean(value) or "")


class WordsField(forms.CharField):
    """A text of several lines, which end as the definitions' do: browsers send two letters for each."""

    def __init__(self, rows: int, **more: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), required=False, **more)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class LinesField(forms.CharField):
    """A text per line, as a list."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4}), required=False, max_length=4_000, **more)

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]


class DaysField(forms.IntegerField):
    def __init__(self, **more: Any) -> None:
        super().__init__(min_value=0, max_value=999, **more)


class StepForm(forms.Form):
    """A step. `days`: fields that are written as `3 d`; `usual`: values that are left out."""

    prefix, use_required_attribute = "step", False
    days: ClassVar[Sequence[str]] = ()
    usual: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> dict[str, Any]:
        """A step as the form's first values."""
        return {
            name: lines_of(value) if name in ("until", "if") else number_of(value) if name in cls.days else
            "\n".join(map(str, value)) if isinstance(value, list) else value
            for name, value in step.items()
        }  # fmt: skip

    def step(self) -> dict[str, Any]:
        """What was typed as a step of the text, without what goes without saying."""
        made = {}
        for name, value in self.cleaned_data.items():
            if value in (None, "", [], {}) or self.usual.get(name) == value:
                continue
            made[name] = f"{value} d" if name in self.days else value
        return made


class TaskForm(StepForm):
    days, usual = ("due", "at_most"), {"due": 3, "at_most": 30, "priority": "normal", "wait": True}
    task = forms.CharField(label=gettext_lazy("What to do"), max_length=200)
    detail = WordsField(3, label=gettext_lazy("How"), max_length=4_000)
    checklist = LinesField(label=gettext_lazy("Checklist, an item a line"))
    owner = forms.ChoiceField(label=gettext_lazy("Whose work"), required=False, choices=[("", gettext_lazy("whose the play is")), *JOBS.items()])
    due = DaysField(label=gettext_lazy("Due, in days"), initial=3)
    priority = forms.ChoiceField(label=gettext_lazy("Priority"), choices=list(PRIORITIES.items()), initial="normal")
    wait = forms.BooleanField(label=gettext_lazy("Go on once it is done"), required=False, initial=True)
    at_most = DaysField(label=gettext_lazy("Go on in any case after so many days"), initial=30)


class MailForm(StepForm):
    usual: ClassVar[Mapping[str, Any]] = {"to": "main"}
    mail = forms.ChoiceField(label=gettext_lazy("Template"))
    to = forms.ChoiceField(label=gettext_lazy("To"), choices=list(ROLES.items()), initial="main")
    values = LinesField(label=gettext_lazy("What the template asks for, a line each: name: what to write"))

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["mail"].choices = _titles("mail_template")  # type: ignore[attr-defined]

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> dict[str, Any]:
        return super().of(step) | {"values": "\n".join(f"{name}: {value}" for name, value in _mapping(step.get("values")).items())}

    def clean_values(self) -> dict[str, str]:
        made = {}
        for line in self.cleaned_data["values"]:
            name, colon, value = line.partition(":")
            if not colon or not value.strip():
                raise forms.ValidationError(_("found “%(line)s”; expected a name, a colon and what to write") % {"line": line})
            made[name.strip()] = value.strip()
        return made


class WebhookForm(StepForm):
    webhook = forms.CharField(label=gettext_lazy("Endpoint, by its name in Settings, Sending"), max_length=60)
    message = forms.CharField(label=gettext_lazy("A line of text, for chats"), required=False, max_length=500)


class SetForm(StepForm):
    set = forms.ChoiceField(label=gettext_lazy("Field of the account"), choices=list(SET.items()))
    to = forms.CharField(label=gettext_lazy("Value"), max_length=120)


class WaitForm(StepForm):
    days = ("wait",)
    wait = DaysField(label=gettext_lazy("Days"), initial=7)


class UntilForm(StepForm):
    days, usual = ("at_most",), {"at_most": 30}
    until = ConditionField(label=gettext_lazy("Wait until"))
    at_most = DaysField(label=gettext_lazy("At most so many days; then it goes on either way"), initial=30)


class BranchForm(StepForm):
    """`if` is no name in Python: the field is declared by hand."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["if"] = ConditionField(label=gettext_lazy("Is it so that"))


class CallForm(StepForm):
    play = forms.ChoiceField(label=gettext_lazy("Play"))

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["play"].choices = _titles("play")  # type: ignore[attr-defined]


FORMS: dict[str, type[StepForm]] = {
    "task": TaskForm, "mail": MailForm, "wait": WaitForm, "until": UntilForm, "if": BranchForm, "webhook": WebhookForm, "set": SetForm, "play": CallForm,
}  # fmt: skip
KINDS = {
    "task": said("Task"), "mail": said("Mail"), "wait": said("Wait some days"), "until": said("Wait for something"), "if": said("Branch"),
    "webhook": said("Message to another system"), "set": said("Set a field"), "play": said("Another play"),
}  # fmt: skip


def kind_of(step: Mapping[str, Any]) -> str | None:
    """Of a step as it is written; None of what is none. A task has a `wait`, too."""
    return next((kind for kind in ("task", "mail", "webhook", "set", "until", "if", "play", "wait") if kind in step), None)


PART_OF = {"days": "trigger", "within": "success", "benefit_customer": "benefit", "benefit_us": "benefit"}  # field of the form -> field of the text


class HeadForm(forms.Form):
    """What stands around the steps."""

    prefix, use_required_attribute = "head", False
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    description = WordsField(3, label=gettext_lazy("What it is for"), max_length=2_000)
    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=list(STATUSES.items()))
    motion = forms.ChoiceField(label=gettext_lazy("Letter"), choices=list(MOTIONS.items()))
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=list(PURPOSES.items()))
    trigger = forms.ChoiceField(label=gettext_lazy("Begins when"))
    days = forms.IntegerField(
        label=gettext_lazy("Days from that day"), required=False, min_value=-730, max_value=730,
        help_text=gettext_lazy("Where it begins by a day: -120 is 120 days before it."),
    )  # fmt: skip
    who = ConditionField(label=gettext_lazy("For accounts where"), required=False)
    owner = forms.ChoiceField(label=gettext_lazy("Whose work"), choices=list(JOBS.items()))
    again_after = DaysField(label=gettext_lazy("May begin anew after so many days"))
    exit = ConditionField(label=gettext_lazy("Ends at any step once"), required=False)
    success = ConditionField(label=gettext_lazy("Is to bring about"), required=False)
    within = DaysField(label=gettext_lazy("Within so many days"), required=False)
    hold_out = forms.IntegerField(label=gettext_lazy("Per cent of accounts held out, to learn whether it helps"), required=False, min_value=0, max_value=50)
    benefit_customer = forms.CharField(label=gettext_lazy("What the customer gains"), required=False, max_length=200)
    benefit_us = forms.CharField(label=gettext_lazy("What we gain"), required=False, max_length=200)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        days = sorted((text(one.name), one.id) for one in definitions.known().measures.values() if one.kind == "date")
        self.fields["trigger"].choices = [  # type: ignore[attr-defined]
            (_("A signal opens"), [(f"signal:{name}", title) for name, title in _titles("signal")]),
            (_("The account enters a segment"), [(f"segment:{name}", title) for name, title in _titles("segment")]),
            (_("A day is near, or past"), [(f"date:{name}", title) for title, name in days]),
            ("manual", _("A person begins it")),
        ]

    @staticmethod
    def of(document: Mapping[str, Any]) -> dict[str, Any]:
        trigger = _mapping(document.get("trigger"))
        begins = next((f"{kind}:{trigger[kind]}" for kind in ("signal", "segment", "date") if trigger.get(kind)), "manual")
        success, benefit = _mapping(document.get("success")), _mapping(document.get("benefit"))
        return {
            **{name: document.get(name) for name in ("name", "description", "status", "motion", "purpose", "hold_out")},
            "owner": document.get("owner", "csm"), "again_after": number_of(document.get("again_after", "30 d")), "trigger": begins,
            "days": trigger.get("days"), "who": lines_of(document.get("who")), "exit": lines_of(document.get("exit")), "success": lines_of(success.get("when")),
            "within": number_of(success.get("within")), "benefit_customer": benefit.get("customer"), "benefit_us": benefit.get("us"),
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("success") is not None and not given.get("within"):
            self.add_error("within", _("say within how many days it is to come about"))
        if bool(given.get("benefit_customer")) != bool(given.get("benefit_us")):
            self.add_error("benefit_us" if given.get("benefit_customer") else "benefit_customer", _("say both, or neither"))
        if given.get("days") and not str(given.get("trigger", "")).startswith("date:"):
            self.add_error("days", _("days belong to a day that it begins by"))
        return given

    def document(self) -> dict[str, Any]:
        """Fields of the text that were changed; None takes one out."""
        changed = {PART_OF.get(name, name) for name in self.changed_data}
        return {name: value for name, value in self._whole().items() if name in changed}

    def _whole(self) -> dict[str, Any]:
        given = self.cleaned_data
        kind, _colon, name = given["trigger"].partition(":")
        trigger = {"manual": True} if kind == "manual" else {kind: name} | ({"days": given["days"]} if given.get("days") else {})
        success = None if given["success"] is None else {"when": given["success"], "within": f"{given['within']} d"}
        benefit = {"customer": given["benefit_customer"], "us": given["benefit_us"]} if given["benefit_us"] else None
        return {
            **{name: given[name] for name in ("name", "status", "motion", "purpose", "owner", "who", "exit")}, "description": given["description"] or None,
            "trigger": trigger, "success": success, "benefit": benefit, "again_after": f"{given['again_after']} d", "hold_out": given["hold_out"] or None,
        }  # fmt: skip


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def number_of(days: Any) -> int | None:
    """`3 d` as 3."""
    first = next(iter(str(days).split()), "").rstrip("d")
    return int(first) if first.isascii() and first.isdigit() else None


def _titles(kind: str) -> list[tuple[str, str]]:
    """(id, name) of a kind's definitions in force, by name."""
    return sorted(((row.name, row.title) for row in definitions.in_force(kind)), key=lambda one: one[1].casefold())


