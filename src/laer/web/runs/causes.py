"""Who or what changed an account's revenue after a day: from the change log, the rows created, taken out, excluded and counted again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from laer.web.book.exclusions import FIELD as EXCLUDED
from laer.web.book.models import MODELS, Exclusion, FieldChange, ImportRun
from laer.web.people.models import User
from laer.web.wording import gettext_lazy

CHANGED = ("subscription_lines", "subscriptions", "contracts", "churn_events", "discounts", "pauses")
MADE = ("subscription_lines", "contracts", "churn_events")
NOBODY = {"text": "nothing on record changed this account: a date, a rate or a setting took effect", "who": "", "at": None, "run": None}
COUNTED = (("excluded", "at", "user_id"), ("counted again", "taken_back_at", "taken_back_by_id"))  # what became of a row by its exclusion: when, and by whom
PART = 10_000
WRITTEN = re.compile(r"(undo of )?import (\d+)(?: \((.+?)(?: and (\d+) more)?\))?", re.DOTALL)
REASONED = re.compile(r"(excluded|counted again): (.+)", re.DOTALL)
KNOWN = {
    NOBODY["text"]: gettext_lazy("nothing on record changed this account: a date, a rate or a setting took effect"),
    "edited here": gettext_lazy("edited here"), "added by hand": gettext_lazy("added by hand"), "the command line": gettext_lazy("the command line"),
}  # fmt: skip


def causes_of(accounts: Iterable[int], since: datetime) -> dict[int, list[dict[str, Any]]]:
    """account -> what touched its lines, contracts or churn events after an instant, newest first: {text, who, at, run}.

    A cause is plain JSON, since a closing keeps it. Eleven queries for each 10,000 accounts.
    """
    ids = sorted(accounts)
    found: dict[int, dict[tuple[str, int | None, int | None], datetime]] = {}

    def add(account: int, what: str, run: int | None, user: int | None, at: datetime) -> None:
        there = found.setdefault(account, {})
        there[what, run, user] = max(at, there.get((what, run, user), at))

    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        logged = FieldChange.objects.filter(account_id__in=part, recorded_at__gt=since, record__in=CHANGED).exclude(field=EXCLUDED)
        for account, source, run, user, at in logged.values_list("account_id", "source", "run_id", "user_id").annotate(at=Max("recorded_at")):
            undone = source.removeprefix("undo:") if source.startswith("undo:") else ""
            add(account, "undo" if undone else "import" if run else "edit", int(undone) if undone.isdigit() else run, None if run or undone else user, at)
        for what, when, who in COUNTED:
            turned = Exclusion.objects.filter(account_id__in=part, record__in=("accounts", *CHANGED), **{f"{when}__gt": since})
            for account, reason, user, at in turned.values_list("account_id", "reason", who).annotate(last=Max(when)):
                add(account, f"{what}: {reason}", None, user, at)
        for record in MADE:
            rows = MODELS[record].objects.filter(account_id__in=part)
            for account, run, at in rows.filter(created_at__gt=since).values_list("account_id", "created_run_id").annotate(at=Max("created_at")):
                add(account, "import", run, None, at)
            taken = rows.filter(archived_at__gt=since, archived_run__isnull=False)
            for account, run, at in taken.values_list("account_id", "archived_run").annotate(at=Max("archived_at")):
                add(account, "undo", run, None, at)
    runs = _runs({run for there in found.values() for _, run, _ in there if run})
    users = _users({user for there in found.values() for *_, user in there if user} | {by for run in runs.values() if (by := _undone_by(run))})
    return {
        account: [_said(*key, at, runs, users) for key, at in sorted(there.items(), key=lambda item: item[1], reverse=True)] for account, there in found.items()
    }


def _said(what: str, run_id: int | None, user_id: int | None, at: datetime, runs: dict[int, ImportRun], users: dict[int, str]) -> dict[str, Any]:
    run = runs.get(run_id or 0)
    if what == "undo":
        by = _undone_by(run) if run else None
        text, who = f"undo of import {run_id}{_file(run)}", users.get(by or 0, "the command line")
    elif REASONED.fullmatch(what):
        text, who = what, users.get(user_id or 0, "")
    elif run is None:
        text, who = "edited here" if user_id else "added by hand", users.get(user_id or 0, "")
    elif run.kind == "edit":
        text, who = "added by hand", name_of(run.user) if run.user else ""
    else:
        text, who = f"import {run.pk}{_file(run)}", name_of(run.user) if run.user else "the command line"
    return {"text": text, "who": who, "at": at.isoformat(), "run": run.pk if run and run.kind != "edit" else None}


def _runs(ids: set[int]) -> dict[int, ImportRun]:
    return {run.pk: run for run in ImportRun.objects.filter(pk__in=ids).select_related("user__person").prefetch_related("files")} if ids else {}


def _users(ids: set[int]) -> dict[int, str]:
    return {user.pk: name_of(user) for user in User.objects.filter(pk__in=ids)} if ids else {}


def _undone_by(run: ImportRun) -> int | None:
    by = run.counts.get("undo", {}).get("by")
    return by if isinstance(by, int) else None


def _file(run: ImportRun | None) -> str:
    names = list(dict.fromkeys(file.name for file in run.files.all())) if run else []
    return "" if not names else f" ({names[0]})" if len(names) == 1 else f" ({names[0]} and {len(names) - 1} more)"


def name_of(user: User) -> str:
    person: Any = getattr(user, "person", None)
    return getattr(person, "name", "") or user.email


def in_words(cause: Mapping[str, Any]) -> dict[str, Any]:
    """A cause as its reader reads it. What is kept is English: a closing outlives the language of whoever closed."""
    text, who = str(cause["text"]), str(cause["who"])
    found = WRITTEN.fullmatch(text)
    if found:
        undone, number, name, more = found.groups()
        file = "" if not name else _("%(file)s and %(more)s more") % {"file": name, "more": more} if more else name
        if undone:
            text = _("undo of import %(number)s (%(file)s)") if file else _("undo of import %(number)s")
        else:
            text = _("import %(number)s (%(file)s)") if file else _("import %(number)s")
        text = text % {"number": number, "file": file}
    elif reasoned := REASONED.fullmatch(text):
        text = (_("excluded: %(reason)s") if reasoned[1] == "excluded" else _("counted again: %(reason)s")) % {"reason": reasoned[2]}
    return {**cause, "text": KNOWN.get(text, text), "who": KNOWN.get(who, who)}
