"""The account's onboarding and outcomes: plans with their steps, what was promised, and the forms that add to them and move them on. So are roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from laer.adopt.onboarding import STALLED
from laer.web.book import adding, queries
from laer.web.book.actions import EDITABLE, Refused, column_of
from laer.web.book.models import MODELS, Account, FieldChange, OnboardingPlan, OnboardingStep, Outcome
from laer.web.pages.account_roles import STANCES
from laer.web.pages.account_rows import KINDS, seen
from laer.web.pages.accounts import user_of
from laer.web.people.formats import today
from laer.web.people.models import User
from laer.web.record_words import column_text
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import ago, day, number
from laer.web.wording import gettext_lazy

RECORDS = {"plan": "onboarding_plans", "step": "onboarding_steps", "outcome": "outcomes", "role": "contact_roles"}
TAB = {"contact_roles": "contacts"}  # of each record the tab of its account: "success" where none is named
TODAY = {"plan": ("completed_on",), "step": ("done_on",), "outcome": ("reached_on", "confirmed_on"), "role": ("until_on",)}
SIDES = {"us": gettext_lazy("us"), "customer": gettext_lazy("customer")}
SHOWN = 100


def success_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    """Context of `pages/account_success.html`. Three queries."""
    plans = list(OnboardingPlan.objects.filter(account=row, archived_at=None).order_by("completed_on", "-started_on", "-id")[:20])
    plans.sort(key=lambda plan: (plan.completed_on is not None, -plan.started_on.toordinal()))
    steps: dict[int | None, list[OnboardingStep]] = {}
    for step in OnboardingStep.objects.filter(account=row, archived_at=None).order_by("due_on", "id")[:500]:
        steps.setdefault(step.onboarding_plan_id or (plans[0].pk if plans else None), []).append(step)
    outcomes = Outcome.objects.filter(account=row, archived_at=None).order_by("reached_on", "due_on", "id")[:SHOWN]
    return {
        "plans": [_plan(plan, steps.get(plan.pk, [])) for plan in plans],
        "outcomes": sorted((_outcome(o) for o in outcomes), key=lambda o: o["rank"]),
        "editor": editor,
        "today": today(),
        "account_id": row.pk,
        "sides": SIDES.items(),
    }


def _plan(plan: OnboardingPlan, steps: list[OnboardingStep]) -> dict[str, Any]:
    asked = [s for s in steps if s.done_on or not s.not_applicable]
    done = [s for s in asked if s.done_on]
    phases: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        phases.setdefault(step.phase or "", []).append(_step(step))
    words, tone = plan_state(plan, asked)
    return {
        "id": plan.pk, "name": plan.name or _("Onboarding"), "owner": plan.owner, "started_on": plan.started_on, "planned_end_on": plan.planned_end_on,
        "completed_on": plan.completed_on, "words": words, "tone": tone, "phases": phases.items(), "done": len(done), "all": len(asked),
        "share": len(done) / len(asked) if asked else None,
    }  # fmt: skip


def plan_state(plan: OnboardingPlan, asked: list[OnboardingStep]) -> tuple[str, str]:
    """Words and tone, by the rule of docs/methods/onboarding.md, as the book has it now."""
    if plan.completed_on:
        late = plan.planned_end_on is not None and plan.completed_on > plan.planned_end_on
        return (_("completed late"), "warn") if late else (_("completed"), "good")
    now = today()
    moved = max([plan.started_on, *(s.done_on for s in asked if s.done_on)])
    if any(not s.done_on for s in asked) and (now - moved).days >= STALLED:
        return _("stalled: last step %(ago)s") % {"ago": str(ago(moved)).lower()}, "bad"
    if plan.planned_end_on and plan.planned_end_on < now:
        return _("late by %(days)s days") % {"days": number((now - plan.planned_end_on).days)}, "warn"
    return _("under way"), "info"


def _step(step: OnboardingStep) -> dict[str, Any]:
    late = step.done_on is None and not step.not_applicable and step.due_on is not None and step.due_on < today()
    return {
        "id": step.pk, "title": step.title, "due_on": step.due_on, "done_on": step.done_on, "side": SIDES.get(step.side or ""), "late": late,
        "left_out": bool(step.not_applicable),
    }  # fmt: skip


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if outcome.confirmed_on:
        words, tone, rank = _("confirmed %(day)s") % {"day": day(outcome.confirmed_on)}, "good", 3
    elif outcome.reached_on:
        words, tone, rank = _("reached %(day)s") % {"day": day(outcome.reached_on)}, "good", 2
    elif outcome.due_on and outcome.due_on < today():
        words, tone, rank = _("late"), "bad", 0
    else:
        words, tone, rank = (_("on track"), "info", 1) if outcome.due_on else (_("open"), "", 1)
    return {
        "id": outcome.pk, "title": outcome.title, "baseline": outcome.baseline, "target": outcome.target, "unit": outcome.unit or "", "due_on": outcome.due_on,
        "reached_on": outcome.reached_on, "confirmed_on": outcome.confirmed_on, "words": words, "tone": tone, "rank": rank,
    }  # fmt: skip


@require_POST
def add(request: HttpRequest, account_id: int, kind: str) -> HttpResponse:
    """A plan or an outcome of an account; a step of one of its plans (`plan`); a role of one of its contacts (`contact`)."""
    user, row = _editable(request, account_id)
    back = _back(row.pk, RECORDS[kind])
    try:
        if kind == "plan":
            __, change = adding.add_plan(user, row.pk, request.POST, template=request.POST.get("template") == "on")
        elif kind == "outcome":
            change = adding.add_outcome(user, row.pk, request.POST)[1]
        elif kind == "role":
            change = adding.add_contact_role(user, row.pk, request.POST)[1]
        else:
            change = adding.add_step(user, _plan_of(row, request.POST.get("plan", "")), request.POST)[1]
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(back)
    said = {"plan": _("Onboarding plan added"), "outcome": _("Outcome added"), "step": _("Step added"), "role": _("Role added")}[kind]
    messages.success(request, said, extra_tags=f"undo:{reverse('success_undo', args=[change.pk])}")
    return redirect(back)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, kind: str, **named: int) -> HttpResponse:
    """All fields of one row, as a page."""
    record = RECORDS[kind]
    user, account, row = _row_of(request, record, named[f"{kind}_id"])
    errors: list[str] = []
    values: Mapping[str, Any] = {name: getattr(row, name) for name in EDITABLE[record]}
    back = _back(account.pk, record)
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in EDITABLE[record]}
        try:
            change = adding.edit_row(user, record, row.pk, values)
        except Refused as refused:
            errors = [str(refused)]
        else:
            _say(request, change)
            return redirect(back)
    fields = [_field(record, name, values[name]) for name in EDITABLE[record]]
    title = next((said for said in (getattr(row, name, None) for name in ("title", "name", "role")) if said), _("Onboarding"))
    context = {"account": account, "account_url": back, "fields": fields, "errors": errors, "title": title}
    return render(request, "pages/account_success_edit.html", context, status=422 if errors else 200)


@require_POST
def done_today(request: HttpRequest, kind: str, **named: int) -> HttpResponse:
    """Completed, done, reached, confirmed or ended today: the first of these that the row does not say yet."""
    user, account, row = _row_of(request, RECORDS[kind], named[f"{kind}_id"])
    name = next((name for name in TODAY[kind] if getattr(row, name) is None), None)
    if name:
        try:
            _say(request, adding.edit_row(user, RECORDS[kind], row.pk, {name: today().isoformat()}))
        except Refused as refused:
            messages.error(request, str(refused))
    return redirect(_back(account.pk, RECORDS[kind]))


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Take back what was done to a plan, a step, an outcome or a role."""
    user = user_of(request)
    try:
        change = adding.take_back(user, change_id)
    except (FieldChange.DoesNotExist, PermissionDenied):
        raise Http404 from None
    except Refused as refused:
        messages.warning(request, _("Not undone: %(reason)s") % {"reason": refused})
        change = FieldChange.objects.get(pk=change_id)
    else:
        messages.success(request, _("Taken back"))
    return redirect(_back(change.account_id, change.record))


def _back(account_id: int | None, record: str) -> str:
    return f"{reverse('account', args=[account_id])}?tab={TAB.get(record, 'success')}"


def _say(request: HttpRequest, change: FieldChange | None) -> None:
    if change:
        messages.success(request, _("Saved"), extra_tags=f"undo:{reverse('success_undo', args=[change.pk])}")
    else:
        messages.success(request, _("Nothing has changed"))


def _editable(request: HttpRequest, account_id: int) -> tuple[User, Account]:
    user, row = seen(request, account_id)
    if row.archived_at or not queries.may_edit(user, row):
        raise PermissionDenied
    return user, row


def _row_of(request: HttpRequest, record: str, row_id: int) -> tuple[User, Account, Any]:
    """The person, the account and the row; what is out of their sight is not there."""
    found = MODELS[record].objects.filter(pk=row_id, archived_at=None).first() if row_id < 2**63 else None
    if found is None:
        raise Http404
    return *_editable(request, found.account_id), found


def _plan_of(account: Account, text: str) -> int:
    found = OnboardingPlan.objects.filter(pk=int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0, account=account, archived_at=None)
    if not found.exists():
        raise Http404
    return int(found[0].pk)


def _field(record: str, name: str, value: Any) -> dict[str, Any]:
    column = column_of(record, name)
    words = {"side": SIDES, "stance": STANCES}.get(name)
    options = [("", ""), *words.items()] if words else [("", ""), ("yes", _("Yes")), ("no", _("No"))] if column.kind == "boolean" else None
    said = {True: "yes", False: "no", None: ""}[value] if column.kind == "boolean" and not isinstance(value, str) else "" if value is None else value
    said = said.isoformat() if hasattr(said, "isoformat") else said
    kind = "date" if KINDS.get(column.kind) == "date" else "text"
    return {"name": name, "label": column_text(column.label), "type": kind, "value": said, "options": options, "required": column.required}


urlpatterns: list[URLPattern] = [
    path("accounts/<int:account_id>/success/plan/", add, {"kind": "plan"}, name="plan_add"),
    path("accounts/<int:account_id>/success/step/", add, {"kind": "step"}, name="step_add"),
    path("accounts/<int:account_id>/success/outcome/", add, {"kind": "outcome"}, name="outcome_add"),
    path("accounts/<int:account_id>/contacts/role/", add, {"kind": "role"}, name="role_add"),
    *(path(f"success/{kind}/<int:{kind}_id>/", edit, {"kind": kind}, name=f"{kind}_edit") for kind in RECORDS),
    *(path(f"success/{kind}/<int:{kind}_id>/today/", done_today, {"kind": kind}, name=f"{kind}_today") for kind in RECORDS),
    path("success/undo/<int:change_id>/", undo, name="success_undo"),
]
