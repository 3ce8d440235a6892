"""What the parts of the account page say of each row: from rows of the book to what the templates take."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book import actions, queries
from laer.web.book.models import Account, FieldChange
from laer.web.book.together import SOURCE as TOGETHER
from laer.web.pages.accounts import user_of
from laer.web.people.models import User
from laer.web.templatetags.laer import day

ABOUT = ("owner", "name", "domain", "segment", "industry", "country", "region", "employees", "signed_up_on", "lead_source", "churn_flag")
KINDS = {"integer": "number", "decimal": "number", "date": "date", "boolean": "boolean"}
PRIORITIES = {"urgent": "bad", "critical": "bad", "p1": "bad", "high": "warn", "p2": "warn"}
CONTRACT_TONES = {"in force": "good", "active": "good", "not begun": "info"}


def seen(request: HttpRequest, account_id: int) -> tuple[User, Account]:
    """The person and the account; where it is out of their sight it is not there, whatever they asked to do."""
    user = user_of(request)
    row = queries.account_for(user, account_id) if account_id < 2**63 else None
    if row is None:
        raise Http404
    return user, row


def label_of(name: str) -> str:
    return _("Owner") if name == "owner" else _(actions.column_of("accounts", name).label)


def field_of(row: Account, name: str, editor: bool, owners: list[Any], said: FieldChange | None = None) -> dict[str, Any]:
    """A field of the page as parts/fact.html takes it; `said` is the change it stems from, where there was one."""
    source = f"{_origin(said)}, {day(said.recorded_at)}" if said else None
    common = {"name": name, "label": label_of(name), "edit_url": reverse("account_edit", args=[row.pk, name]) if editor else None, "source": source}
    if name == "owner":
        return common | {"kind": "person", "value": queries.current_owner(owners)}
    return common | {"kind": KINDS.get(actions.column_of("accounts", name).kind, "text"), "value": getattr(row, name)}


def contact_row(contact: Any) -> dict[str, Any]:
    return {
        "name": contact.name or contact.email,
        "title": contact.title,
        "email": contact.email,
        "phone": contact.phone,
        "roles": [contact.role] if contact.role else [],
    }


def contract_row(contract: Any, arr: tuple[Decimal, str] | None, as_of: date) -> dict[str, Any]:
    tone, status = ("", contract.status) if contract.status else _stage(contract, as_of)
    return {
        "name": contract.name or (_("Contract of %(year)s") % {"year": contract.start_on.year} if contract.start_on else _("Contract")),
        "signed_on": contract.signed_on,
        "start_on": contract.start_on,
        "end_on": contract.end_on,
        "term_months": contract.term_months,
        "notice_on": contract.notice_on,
        "auto_renew": contract.auto_renews,
        "arr": arr and arr[0],
        "currency": arr and arr[1],
        "status": status,
        "tone": tone or CONTRACT_TONES.get(status.casefold(), ""),
    }


def _stage(contract: Any, as_of: date) -> tuple[str, str]:
    """Tone and word of where a contract without a status of its own stands, by its dates."""
    if not contract.start_on and not contract.end_on:
        return "", _("unknown")
    if contract.start_on and contract.start_on > as_of:
        return "info", _("not begun")
    return ("", _("ended")) if contract.end_on and contract.end_on <= as_of else ("good", _("in force"))


def departure_row(event: Any, currency: str) -> dict[str, Any]:
    return {
        "effective_on": event.effective_on,
        "notified_on": event.notified_on,
        "reason": event.reason,
        "text": event.text,
        "competitor": event.competitor,
        "avoidable": event.avoidable,
        "amount": event.amount,
        "currency": currency,
        "returned": bool(event.is_reactivation),
    }


def owner_row(assignment: Any) -> dict[str, Any]:
    now = queries.in_force(assignment.from_on, assignment.until_on, timezone.localdate())
    job = assignment.job or _("owner")
    return {
        "name": assignment.person.name,
        "job": job.upper() if len(job) <= 3 else job.capitalize(),
        "from_on": assignment.from_on,
        "until_on": assignment.until_on,
        "now": now,
    }


def change_row(change: FieldChange, reader: User, *, undo: bool = False) -> dict[str, Any]:
    run, who = change.run, _origin(change)
    undone = change.source.removeprefix("undo:") if change.source.startswith("undo:") else ""
    if undone:
        source = _("undo of import %(number)s") % {"number": undone}
    elif change.source == "person":
        source = _("edited here")
    elif change.source == TOGETHER:
        source = _("edited with others")
    else:
        source = change.source if not run or run.source != who else ""
    mine = undo and change.user_id == reader.pk and (change.field == "owner" or change.field in actions.EDITABLE.get(change.record, ()))
    later = abs((change.effective_at - change.recorded_at).total_seconds()) > 1
    return {
        "field": queries.field_label(change),
        "old": text_of(change.old),
        "new": text_of(change.new),
        "when": change.recorded_at,
        "effective_on": change.effective_at if later else None,
        "who": who,
        "source": source,
        "run": {"label": _("import %(number)s") % {"number": run.pk}, "url": reverse("import_result", args=[run.pk])} if run and reader.may_import else None,
        "undo_url": reverse("change_undo", args=[change.pk]) if mine else None,
        "undo_all_url": reverse("accounts_undo", args=[change.pk]) if mine and change.source == TOGETHER else None,
    }


def _origin(change: FieldChange) -> str:
    """Who or what changed it: a person by name, else the system that a file came from."""
    return _name(change.user) if change.user else change.run.source if change.run else change.source


def _name(user: User) -> str:
    person: Model | None = getattr(user, "person", None)
    return getattr(person, "name", "") or user.email


def text_of(value: Any) -> Any:
    """A value of the change log as people read it: its days and instants are ISO text there."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict) and "name" in value:  # a person: by number and name
        return value["name"]
    if isinstance(value, list):  # a checklist
        return _("%(done)s of %(all)s done") % {"done": sum(bool(item.get("done")) for item in value), "all": len(value)}
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-":
        try:
            return day(date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value))
        except ValueError:
            return value
    return value


def outside_name(name: str | None) -> str:
    """A source's own id; the keys that we made up for rows without one are nobody's name."""
    return "" if name is None or name.startswith(("~", "#")) else name
