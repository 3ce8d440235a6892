"""A play put together step by step, over the same text: what it does as a list with branches, each part with its form.

The draft travels with the page: nothing is kept before it is put in force, by the same door as the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from laer.cycle.definitions import Known, Read, read
from laer.plays import editing
from laer.plays.editing import NotEditable
from laer.plays.play import Path
from laer.records.definition import LONGEST, Unreadable
from laer.web.book import definitions
from laer.web.book.models import Definition
from laer.web.pages import play_words
from laer.web.pages.accounts import user_of
from laer.web.pages.play_forms import FORMS, KINDS, HeadForm, StepForm, kind_of, lines_of, number_of
from laer.web.pages.settings import frame
from laer.web.pages.settings_definitions import BLANK, NEW, TITLES
from laer.web.people.models import User
from laer.web.runs.definition_words import fault_text
from laer.web.runs.latest import last_run
from laer.web.runs.queries import currency_of

HEAD = "head"


@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: HttpRequest, play_id: str = "") -> HttpResponse:
    """The play in force, or a new one; of a draft that is sent, what becomes of it."""
    user = user_of(request)
    if not definitions.may_define(user, "play"):
        raise PermissionDenied
    row = definitions.current("play", play_id) if play_id else None
    if play_id and row is None:
        raise Http404
    made = Draft(request.POST.get("text", row.text if row else BLANK["play"])[: LONGEST + 1])
    if request.method == "POST":
        made.do(request.POST.get("do", ""), request.POST)
    return _page(request, user, row, made)


class Draft:
    """A text under work: what was asked of it, the form that is open, and where the eye goes next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: tuple[str, Path, str] | None = None  # (what its button does, place, kind) of the form that is open; kind "" asks which
        self.form: Form | None = None
        self.focus: Path | None = None
        self.error = ""
        self.document: dict[str, Any] = {}
        self.steps: list[dict[str, Any]] = []
        self._read()

    def _read(self) -> None:
        try:
            self.document = editing.document(self.text)
            self.steps = editing.steps_of(self.document)
        except (Unreadable, NotEditable) as fault:
            self.error = _("The text cannot be shown as steps (%(why)s): mend it as text") % {"why": fault}

    def do(self, asked: str, given: Mapping[str, str]) -> None:
        """`edit:2`, `new:3.then.0`, `add:2:wait`, `put:2`, `insert:2:wait`, `up:2`, `down:2`, `remove:2`, `edit:head`, `put:head`."""
        verb, _colon, rest = asked.partition(":")
        place, _colon, kind = rest.partition(":")
        if not verb or self.error:
            return
        try:
            if place == HEAD:
                self._head(verb, given)
            else:
                self._step(verb, _path(place), kind, given)
        except NotEditable as fault:
            self.error = str(fault)

    def _head(self, verb: str, given: Mapping[str, str]) -> None:
        first = HeadForm.of(self.document)
        form = HeadForm(given, initial=first) if verb == "put" else HeadForm(initial=first)
        if verb == "put" and form.is_valid():
            self._take(editing.with_fields(self.text, form.document()))
        else:
            self.open, self.form = ("put", (HEAD,), HEAD), _looked_at(form)

    def _step(self, verb: str, at: Path, kind: str, given: Mapping[str, str]) -> None:
        self.focus = at
        if verb in ("up", "down"):
            by = -1 if verb == "up" else 1
            self._take(editing.with_steps(self.text, editing.move(self.steps, at, by)))
            to = (*at[:-1], int(at[-1]) + by)
            self.focus = to if editing.at(self.steps, to) else at
        elif verb == "remove":
            self._take(editing.with_steps(self.text, editing.take(self.steps, at)))
            self.focus = (*at[:-1], max(0, int(at[-1]) - 1))
        elif verb == "new":
            self.open = ("add", at, "")
        elif verb in ("edit", "put"):
            there = editing.at(self.steps, at)
            if there is None or (kind := kind_of(there) or "") not in FORMS:
                raise NotEditable(_("there is no such step"))
            self._form("put", at, kind, given if verb == "put" else None, there)
        elif verb in ("add", "insert") and kind in FORMS:
            self._form("insert", at, kind, given if verb == "insert" else None, None)

    def _form(self, verb: str, at: Path, kind: str, given: Mapping[str, str] | None, there: Mapping[str, Any] | None) -> None:
        """A form that is opened, or sent: then the text changes, unless something is wrong with it."""
        of = FORMS[kind]
        form: StepForm = of(initial=of.of(there) if there else None) if given is None else of(given)
        if given is None or not form.is_valid():
            self.open, self.form = (verb, at, kind), _looked_at(form)
            return
        change = editing.put if verb == "put" else editing.insert
        self._take(editing.with_steps(self.text, change(self.steps, at, form.step())))

    def _take(self, text: str) -> None:
        self.text = text
        self._read()


def _looked_at(form: Form) -> Form:
    """The form with the focus where it is to be typed: in the first field that has a fault, else in the first."""
    first = next(iter(form.errors), None) if form.is_bound else None
    form.fields[first if first in form.fields else next(iter(form.fields))].widget.attrs["autofocus"] = True
    return form


def _path(text: str) -> Path:
    parts = tuple(int(part) if part.isdecimal() and len(part) < 4 else part for part in text.split("."))
    if len(parts) % 2 == 0 or any(isinstance(part, int) == bool(at % 2) or (at % 2 and part not in ("then", "else")) for at, part in enumerate(parts)):
        raise NotEditable(_("there is no such step"))
    return parts


def _page(request: HttpRequest, user: User, row: Definition | None, made: Draft) -> HttpResponse:
    known = definitions.known()
    found = read("play", made.text, known, row.name if row else None)
    words = play_words.asked(found.document, known.measures, currency_of(last_run())) if found.document is not None else {}
    context = frame(user, "definitions") | {
        "title": row.title if row else NEW["play"],
        "kind_title": TITLES["play"],
        "row": row,
        "text": made.text,
        "reason": request.POST.get("reason", ""),
        "based_on": request.POST.get("based_on") or (row.version if row else None),
        "error": made.error,
        "faults": [{"line": fault.line, "text": fault_text(fault)} for fault in found.faults],
        "head": None if made.error else _head(made, found, known, words),
        "head_open": made.form if made.open and made.open[2] == HEAD else None,
        "enter": None if made.open is None else f"{made.open[0]}:{'.'.join(map(str, made.open[1]))}" + (f":{made.open[2]}" if made.open[0] == "insert" else ""),
        "items": [] if made.error else list(_items(made.steps, (), made, words)),
        "steps_url": request.path,
        "save_url": reverse("definition", args=["play", row.name]) if row else reverse("definition_new", args=["play"]),
        "kinds": [{"id": kind, "title": title, "icon": play_words.ICONS[kind]} for kind, title in KINDS.items()],
        "changed": row is None or made.text != row.text,
        "state": {"shown": _("Play"), "note": _("version %(version)s") % {"version": row.version} if row else None},
    }
    return render(request, "pages/play_editor.html", context)


def _said(condition: Any, slot: str, words: Mapping[str, str]) -> str:
    return words.get(slot) or "; ".join(lines_of(condition).splitlines())


def _head(made: Draft, found: Read, known: Known, words: Mapping[str, str]) -> list[dict[str, str]]:
    """What stands around the steps, as label and words; as it is written, where the text does not read."""
    one = made.document
    begins = play_words.begun_by(found.document, known.measures)["words"] if found.document else editing.dumped(one.get("trigger")).strip()
    given = one.get("success")
    success = given if isinstance(given, dict) else {}
    rows = [
        (_("Name"), str(one.get("name") or "")), (_("What it is for"), str(one.get("description") or "")), (_("Begins when"), begins),
        (_("For accounts where"), _said(one.get("who"), "who", words)),
        (_("Whose work"), str(play_words.JOBS.get(str(one.get("owner", "csm")), one.get("owner")))),
        (_("Ends at any step once"), _said(one.get("exit"), "exit", words)),
        (_("Is to bring about"), _said(success.get("when"), "success", words) + (f", {success['within']}" if success.get("within") else "")),
    ]
    return [{"label": label, "said": said} for label, said in rows if said]


def _items(steps: Sequence[Mapping[str, Any]], above: Path, made: Draft, words: Mapping[str, str]) -> Any:
    """The rows of the list: steps, the form that is open in its place, and the end of each way where one may be added."""
    opened = made.open
    for place in range(len(steps) + 1):
        at: Path = (*above, place)
        name = ".".join(map(str, at))
        if opened and opened[1] == at and opened[0] in ("add", "insert"):
            way = str(above[-1]) if above and place == 0 else None
            yield {"at": name, "depth": len(above) // 2, "choose": not opened[2], "form": made.form, "way": way, "do": f"insert:{name}:{opened[2]}",
                   "title": KINDS.get(opened[2], "")}  # fmt: skip
        if place == len(steps):
            break
        step, kind = steps[place], kind_of(steps[place])
        way = str(above[-1]) if above and place == 0 else None
        if opened and opened[1] == at and opened[0] == "put":
            yield {"at": name, "depth": len(above) // 2, "way": way, "form": made.form, "do": f"put:{name}", "title": KINDS.get(opened[2], "")}
        else:
            yield {"at": name, "depth": len(above) // 2, "way": way, "kind": kind, "first": place == 0, "last": place == len(steps) - 1,
                   "below": ".".join(map(str, (*above, place + 1))), "focus": made.focus == at and opened is None, "number": place + 1,
                   **_shown(step, kind, words.get(name, ""))}  # fmt: skip
        if kind == "if":
            for one in ("then", "else"):
                ways = step.get(one) or []
                yield from _items(ways, (*at, one), made, words)
                if not ways and not (opened and opened[1] == (*at, one, 0)):
                    yield {"at": f"{name}.{one}.0", "depth": len(above) // 2 + 1, "way": one, "empty": True}


def _shown(step: Mapping[str, Any], kind: str | None, words: str) -> dict[str, Any]:
    """A step as it reads, whether the whole text reads or not."""
    if kind is None:
        return {"icon": "alert-circle", "said": editing.dumped(dict(step)).strip(), "more": _("this is no step that laer knows: mend it as text")}
    what = step.get(kind)
    said = {
        "task": str(what), "mail": _("Send the mail “%(name)s”") % {"name": what}, "webhook": _("Tell %(name)s") % {"name": what},
        "set": _("Set %(field)s to %(value)s") % {"field": what, "value": step.get("to")}, "wait": _("Wait %(days)s") % {"days": _days(what)},
        "until": _("Wait until %(what)s") % {"what": words or "; ".join(lines_of(what).splitlines())},
        "if": _("Is it so that %(what)s?") % {"what": words or "; ".join(lines_of(what).splitlines())},
        "play": _("Begin the play “%(name)s”") % {"name": what},
    }[kind]  # fmt: skip
    more = [_("for %(whom)s") % {"whom": play_words.JOBS[str(step["owner"])]} if kind == "task" and str(step.get("owner")) in play_words.JOBS else ""]
    more += [_("due in %(days)s") % {"days": _days(step["due"])} if kind == "task" and step.get("due") else ""]
    more += [_("at most %(days)s") % {"days": _days(step["at_most"])} if kind == "until" and step.get("at_most") else ""]
    return {"icon": play_words.ICONS[kind], "said": said, "more": "; ".join(filter(None, more)), "detail": step.get("detail", "") if kind == "task" else ""}


def _days(written: Any) -> str:
    """`3 d` in words; what is no number of days as it stands."""
    n = number_of(written)
    return str(written) if n is None else play_words.days(n)


urlpatterns = [
    path("definitions/new/play/steps/", editor, name="play_editor_new"),
    path("definitions/play/<slug:play_id>/steps/", editor, name="play_editor"),
]
