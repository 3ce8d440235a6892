"""Settings, Definitions: what does the firm decide for itself? Every definition with its versions, an editor that checks, and the way back."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.cycle.definitions import KINDS, Read, condition_of, conditions_of, read, vocabulary_of
from laer.cycle.explaining import shares_of
from laer.cycle.own_measures import measure_of
from laer.cycle.positions import ruled
from laer.flow.positions import Positions
from laer.plays.play import Play
from laer.records.definition import LONGEST
from laer.scores.scorecard import Scorecard
from laer.web.book import definitions as own
from laer.web.book.models import Definition
from laer.web.pages import play_words
from laer.web.pages.accounts import user_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.settings import frame
from laer.web.people.models import User
from laer.web.people.roles import Refused
from laer.web.runs import fact_filters
from laer.web.runs.definition_words import fault_text
from laer.web.runs.latest import last_run
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import number, percent, person_name
from laer.web.wording import gettext_lazy

TITLES = {
    "joints": gettext_lazy("Joints of the flow"), "segment": gettext_lazy("Segments"), "measure": gettext_lazy("Measures"),
    "scorecard": gettext_lazy("Scorecards"), "signal": gettext_lazy("Signals"), "play": gettext_lazy("Plays"), "positions": gettext_lazy("Positions"),
    "mail_template": gettext_lazy("Mail templates"),
}  # fmt: skip
ONE = {
    "joints": gettext_lazy("Joints"), "segment": gettext_lazy("Segment"), "measure": gettext_lazy("Measure"), "scorecard": gettext_lazy("Scorecard"),
    "signal": gettext_lazy("Signal"), "play": gettext_lazy("Play"), "positions": gettext_lazy("Position"), "mail_template": gettext_lazy("Mail template"),
}  # fmt: skip
ABOUT = {
    "joints": gettext_lazy("By when an account has to be live, activated and at its first outcome, by segment, and which teams meet there."),
    "segment": gettext_lazy("Conditions with a name. Each pass finds their members and keeps since when."),
    "measure": gettext_lazy("The firm's own measures, made of those that ship."),
    "mail_template": gettext_lazy("Mails that plays and people send to contacts, with names that are filled in for each account."),
    "positions": gettext_lazy("By which rules an account's state in Land, Adopt, Expand and Renew is found. Each pass finds it and keeps since when."),
    "scorecard": gettext_lazy("Measures with weights. Each pass makes scores of them, with the reason for every point."),
    "play": gettext_lazy("What is done about something, step by step. On trial a play lists what it would do; a lead or an admin switches it on."),
    "signal": gettext_lazy("Conditions that deserve attention. Each pass opens and closes episodes, and their record says how right they are."),
}
ALONE = ("joints", "positions")  # kinds of which a firm has what ships, which is changed and never made anew
NEW = {
    "segment": gettext_lazy("New segment"), "measure": gettext_lazy("New measure"), "scorecard": gettext_lazy("New scorecard"),
    "signal": gettext_lazy("New signal"), "play": gettext_lazy("New play"), "mail_template": gettext_lazy("New mail template"),
}  # fmt: skip
TONES = {"draft": "outline", "trial": "info", "stable": "good", "retired": "outline"}
STATUSES = {"draft": gettext_lazy("draft"), "trial": gettext_lazy("trial"), "stable": gettext_lazy("stable"), "retired": gettext_lazy("retired")}
BLANK = {
    "mail_template": (
        "id: my_mail\nname: My mail\nstatus: draft\ndescription: What it is for.\nsubject: \"{account.name}: a question\"\n"
        "body: |\n  Hello {contact.first_name|there},\n\n  What you want to say.\n\n  {owner.name|Your team at our side}\n"
    ),
    "scorecard": (
        "id: my_score\nname: My score\nstatus: draft\ndescription: What it is for.\npurpose: readiness\nmotion: adopt\n"
        "applies: state is paying\nparts:\n"
        "  - measure: usage_trend\n    weight: 60\n    linear: {worst: -50 %, best: 5 %}\n"
        "  - measure: ticket_pain\n    weight: 40\n    linear: {worst: 12, best: 0}\n"
    ),
    "measure": "id: my_measure\nname: My measure\nstatus: stable\ndescription: What it is for.\nmotion: adopt\nformula: ratio(tickets_90d, mrr)\n",
    "signal": (
        "id: my_signal\nname: My signal\nstatus: trial\ndescription: What it is for.\nmotion: adopt\nseverity: medium\n"
        "when:\n  - state is paying\n  - tickets_90d >= 5\nclose: tickets_90d <= 2\nevidence: [tickets_90d, urgent_open]\nleads_to: loss\nwithin: 180\n"
        "next_step: What to do about it.\ncases:\n  - {name: six tickets, fires: true, given: {state: paying, tickets_90d: 6}}\n"
        "  - {name: one ticket, fires: false, given: {state: paying, tickets_90d: 1}}\n"
    ),
    "play": (
        "id: my_play\nname: My play\nstatus: trial\ndescription: What it is for.\nmotion: adopt\npurpose: adoption\ntrigger: {signal: usage_drop}\n"
        "who: state is paying\nowner: csm\nagain_after: 30 d\nsteps:\n"
        "  - task: What to do first\n    detail: How.\n    due: 3 d\n  - wait: 7 d\n"
        "  - if: arr >= 10000\n    then:\n      - task: What to do for a large account\n    else:\n      - task: What to do for the others\n"
        "exit: state is not paying\nsuccess: {when: usage_trend_adjusted >= -10 %, within: 60 d}\n"
        "benefit: {customer: what they gain, us: what we gain}\n"
    ),
    "segment": "id: my_segment\nname: My segment\nstatus: stable\ndescription: What it is for.\ncondition:\n  - state is paying\n  - mrr >= 500\n",
}


def reader(request: HttpRequest) -> User:
    """The person, where they write definitions of some kind."""
    user = user_of(request)
    if not own.may_define_some(user):
        raise PermissionDenied
    return user


@require_safe
def definitions(request: HttpRequest) -> HttpResponseBase:
    """Every definition in force: its status, whether it ships or is the firm's own, and who changed it when."""
    user = reader(request)
    rows, differences = own.in_force(), own.differences()
    if file := filed(request, "definitions", CELLS, lambda: ({"kind": row.kind, **_row(row)} for row in rows)):
        return file
    differ = {(one.kind, one.name): one for one in differences}
    groups = [
        {
            "id": kind, "title": TITLES[kind], "about": ABOUT[kind], "new": NEW.get(kind),
            "new_url": reverse("definition_new", args=[kind]) if own.may_define(user, kind) and kind not in ALONE else None,
            "rows": [_row(row) | {"differs": (row.kind, row.name) in differ} for row in rows if row.kind == kind],
        }
        for kind in KINDS
    ]  # fmt: skip
    context = frame(user, "definitions") | {
        "groups": groups,
        "notices": _notices(differences),
        "download_url": request.path if rows else None,
        "state": {"shown": ngettext("%(n)s definition", "%(n)s definitions", len(rows)) % {"n": number(len(rows))}, "note": _("each change is a version")},
    }
    return render(request, "pages/definitions.html", context)


CELLS: dict[str, Value] = {
    "kind": itemgetter("kind"), "id": itemgetter("id"), "name": lambda row: str(row["name"]),
    "version": itemgetter("version"), "status": lambda row: str(row["status"]), "ships": lambda row: "yes" if row["shipped"] else "no",
    "changed_at": itemgetter("at"), "by": lambda row: str(row["who"]), "reason": lambda row: str(row["reason"]) or None,
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """A form for another definition of a kind."""
    user = _editor(request, kind)
    if kind in ALONE:
        raise Http404
    if request.method == "POST":
        return _as_text(request, user, kind, None) or _saved(request, user, kind, None)
    return _edit(request, user, kind, None, BLANK[kind])


@require_http_methods(["GET", "HEAD", "POST"])
def definition(request: HttpRequest, kind: str, definition_id: str) -> HttpResponse:
    """One definition: its text, its versions, and how they differ."""
    user, row = reader(request), _held(kind, definition_id)
    if request.method == "POST":
        if not own.may_define(user, kind):
            raise PermissionDenied
        return _as_text(request, user, kind, row) or _saved(request, user, kind, row)
    return _edit(request, user, kind, row, row.text)


@require_POST
def check(request: HttpRequest, kind: str) -> HttpResponse:
    """What is wrong with a text, while it is typed."""
    user = _editor(request, kind)
    text = request.POST.get("text", "")[: LONGEST + 1]
    found = read(kind, text, own.known(), request.POST.get("name") or None)
    return render(request, "parts/definition_check.html", {"check": _checked(kind, found), "effect_url": _effect_url(user, kind)})


@require_POST
def back(request: HttpRequest, kind: str, definition_id: str) -> HttpResponse:
    """The text of an earlier version, or the one that ships, as the next version."""
    user, version = _editor(request, kind), request.POST.get("version", "")
    _held(kind, definition_id)
    number_of = int(version) if version.isdecimal() and len(version) < 9 else 0
    try:
        made = own.reset(user, kind, definition_id) if version == "shipped" else own.roll_back(user, kind, definition_id, number_of)
    except Refused as refused:
        messages.error(request, str(refused))
    except own.Faulty as faulty:
        messages.error(request, _("That text no longer reads: %(faults)s") % {"faults": "; ".join(map(fault_text, faulty.read.faults))})
    else:
        _say(request, made)
    return redirect("definition", kind, definition_id)


@require_POST
def undo(request: HttpRequest, kind: str, definition_id: str) -> HttpResponse:
    """Take the newest change back, if nobody has changed it since."""
    user, version = _editor(request, kind), request.GET.get("version", "")
    try:
        made = own.undo(user, kind, definition_id, int(version) if version.isdecimal() else 0)
    except Refused as refused:
        messages.error(request, str(refused))
    except own.Faulty as faulty:
        messages.error(request, _("That text no longer reads: %(faults)s") % {"faults": "; ".join(map(fault_text, faulty.read.faults))})
    else:
        messages.success(request, _("%(name)s: taken back, as version %(version)s") % {"name": made.title, "version": made.version})
    return redirect("definition", kind, definition_id)


def _as_text(request: HttpRequest, user: User, kind: str, row: Definition | None) -> HttpResponse | None:
    """A draft that comes from the editor of steps, to be gone on with as text; None where it is to be kept."""
    if request.POST.get("as") != "text":
        return None
    return _edit(request, user, kind, row, request.POST.get("text", "")[: LONGEST + 1], reason=request.POST.get("reason", ""))


def _saved(request: HttpRequest, user: User, kind: str, row: Definition | None) -> HttpResponse:
    text, reason, based_on = request.POST.get("text", ""), request.POST.get("reason", ""), request.POST.get("based_on", "")
    try:
        made = own.save_definition(
            user, kind, text, reason, name=row.name if row else None, based_on=int(based_on) if row and based_on.isdecimal() else None
        )  # fmt: skip
    except own.Faulty as faulty:
        return _edit(request, user, kind, row, text, found=faulty.read, reason=reason)
    except Refused as refused:
        return _edit(request, user, kind, row, text, error=str(refused), reason=reason)
    if row is not None and made.version == row.version:
        messages.info(request, _("Nothing has changed"))
    else:
        _say(request, made)
    return redirect("definition", kind, made.name)


def _say(request: HttpRequest, made: Definition) -> None:
    undo_url = f"{reverse('definition_undo', args=[made.kind, made.name])}?version={made.version}"
    said = _("%(name)s: version %(version)s is in force; the next pass uses it") % {"name": made.title, "version": made.version}
    messages.success(request, said, extra_tags=f"undo:{undo_url}")


def _edit(
    request: HttpRequest, user: User, kind: str, row: Definition | None, text: str, *, found: Read | None = None, error: str = "", reason: str = ""
) -> HttpResponse:
    there = own.versions(kind, row.name) if row else []
    other = next((one for one in there if str(one.version) == request.GET.get("compare", "")), None)
    shipped = next((one for one in there if one.origin == own.SHIPPED), None)
    found = found or read(kind, text, own.known(), row.name if row else None)
    context = frame(user, "definitions") | {
        "kind": kind,
        "kind_title": TITLES[kind],
        "title": row.title if row else NEW[kind],
        "row": row and _row(row),
        "page_url": _page_of(kind, row) if row and row.status in own.IN_USE else None,
        "page_title": {"segment": _("Members"), "joints": _("Flow"), "signal": _("The signal"), "positions": _("Board"), "play": _("The play"),
                       "mail_template": _("Preview")}.get(kind, _("Values")),
        "text": text,
        "reason": reason,
        "error": error,
        "check": _checked(kind, found),
        "check_url": reverse("definition_check", args=[kind]),
        "effect_url": _effect_url(user, kind),
        "steps_url": (reverse("play_editor", args=[row.name]) if row else reverse("play_editor_new")) if kind == "play" else None,
        "may_edit": own.may_define(user, kind),
        "versions": [_row(one) | {"compare_url": None if one.in_force else f"?compare={one.version}#compare", "open": one is other} for one in there],
        "compare": _compared(other, row) if other and row else None,
        "differs": shipped if row and row.origin == own.LOCAL and shipped and shipped.hash != row.hash else None,
        "undo_url": f"{reverse('definition_undo', args=[kind, row.name])}?version={row.version}" if row and (row.replaces or row.origin == own.LOCAL) else None,
        "back_url": reverse("definition_back", args=[kind, row.name]) if row else None,
        "schema": f"docs/reference/schemas/{kind}.json",
        "state": {"shown": ONE[kind], "note": _("version %(version)s") % {"version": row.version} if row else None},
    }
    return render(request, "pages/definition.html", context, status=422 if error or (found.faults and request.method == "POST") else 200)


def _effect_url(user: User, kind: str) -> str | None:
    """Where a scorecard's text says what it would change."""
    return reverse("definition_effect") if kind == "scorecard" and own.may_define(user, kind) else None


def _page_of(kind: str, row: Definition) -> str:
    """Where its members or values stand."""
    if kind == "positions":
        return f"{reverse('board')}#{row.name}"
    if kind in ALONE:
        return reverse("flow")
    return reverse("measure", args=[f"score_{row.name}"]) if kind == "scorecard" else reverse(kind, args=[row.name])


def _editor(request: HttpRequest, kind: str) -> User:
    user = reader(request)
    if kind not in KINDS:
        raise Http404
    if not own.may_define(user, kind):
        raise PermissionDenied
    return user


def _held(kind: str, name: str) -> Definition:
    row = own.current(kind, name) if kind in KINDS else None
    if row is None:
        raise Http404
    return row


def _row(row: Definition) -> dict[str, Any]:
    shipped = row.origin == own.SHIPPED
    who = person_name(row.author) if row.author else _("laer") if shipped else _("the command line")
    return {
        "id": row.name, "name": row.title, "url": reverse("definition", args=[row.kind, row.name]), "version": row.version, "in_force": row.in_force,
        "status": STATUSES.get(row.status, row.status), "tone": TONES.get(row.status, "outline"), "shipped": shipped, "at": row.at, "who": who,
        "by_person": row.author is not None, "reason": row.reason,
    }  # fmt: skip


def _checked(kind: str, found: Read) -> dict[str, Any]:
    said = None
    if found.document is not None and kind == "segment":
        said = fact_filters.words_of(condition_of(found.document, own.known().measures), currency_of(last_run()))
    elif found.document is not None and kind == "scorecard":
        said = _score_said(found.document)
    elif found.document is not None and kind == "signal":
        opens, closes = conditions_of(found.document, own.known().measures)
        currency = currency_of(last_run())
        said = _("opens when %(when)s") % {"when": fact_filters.words_of(opens, currency)}
        if closes is not None:
            said += "; " + _("closes when %(close)s") % {"close": fact_filters.words_of(closes, currency)}
    elif found.document is not None and kind == "play":
        said = _play_said(found.document)
    elif found.document is not None and kind == "joints":
        usual = found.document.deadlines
        said = _("live in %(live)s days, activated in %(activated)s, first outcome in %(outcome)s; expanded and renewed by the first due date") % {
            "live": number(usual.live), "activated": number(usual.activated), "outcome": number(usual.outcome)}  # fmt: skip
    elif found.document is not None and kind == "mail_template":
        said = _("fills in %(names)s") % {"names": ", ".join(found.document.placeholders)} if found.document.placeholders else _("says the same to everybody")
    elif found.document is not None and kind == "positions":
        said = _rules_said(found.document)
    elif found.document is not None:
        made = measure_of(found.document, own.known().measures)
        said = " · ".join(part for part in (made.words[:1].upper() + made.words[1:], made.unit) if part)
    return {"faults": [{"line": fault.line, "text": fault_text(fault)} for fault in found.faults], "said": said}


def _play_said(play: Play) -> str:
    """What begins it and its steps, in a line."""
    measures = own.known().measures
    words = play_words.asked(play, measures, currency_of(last_run()))
    begins = _("begins when %(what)s") % {"what": play_words.begun_by(play, measures)["words"]}
    return " · ".join([begins, *(row["said"] for row in play_words.steps(play, words, {}, {}))])


def _rules_said(of: Positions) -> str:
    """Each state with when an account is in it."""
    one = ruled(of, 0, vocabulary_of(own.known().measures.unplaced), {})
    if one is None:
        return ""
    currency = currency_of(last_run())
    told = [f"{rule.state}: {fact_filters.words_of(when, currency)}" for rule, when in zip(of.rules, one.conditions, strict=True)]
    return " · ".join([*told, *([_("else %(state)s") % {"state": of.otherwise}] if of.otherwise else [])])


def _score_said(card: Scorecard) -> str:
    """A card in a line: its parts with the share of the whole that each has."""
    shares = ", ".join(f"{name} {percent(share / 100)}" for name, share in shares_of(card))
    return _("Out of 100: %(shares)s. Green from %(green)s, yellow from %(yellow)s.") % {
        "shares": shares, "green": number(card.bands.green), "yellow": number(card.bands.yellow),
    }  # fmt: skip


def _compared(old: Definition, now: Definition) -> dict[str, Any]:
    lines = own.changed_lines(old.text, now.text, _("version %(version)s") % {"version": old.version}, _("in force"))
    return {
        "version": old.version,
        "lines": [{"text": line, "sign": line[:1] if not line.startswith(("+++", "---")) else "@"} for line in lines],
        "fields": [{"name": name, "old": _plain(before), "new": _plain(after)} for name, before, after in own.changed_fields(old.text, now.text)],
    }


def _plain(value: Any) -> str | None:
    """A field's value on one line; None where it is not there."""
    return None if value is None else value if isinstance(value, str) else "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _notices(differences: list[own.Difference]) -> list[dict[str, Any]]:
    if not differences:
        return []
    said = [
        _("%(name)s: shipped version %(shipped)s differs from yours, version %(version)s") % {"name": one.name, "shipped": one.shipped, "version": one.version}
        for one in differences
    ]
    return [{"tone": "info", "title": _("Yours stay in force where another text ships"), "text": ". ".join(said) + "."}]
