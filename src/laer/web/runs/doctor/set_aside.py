"""Rows that imports set aside, by reason. They have no account, so only people who import are shown them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.web.book.models import QuarantinedRow
from laer.web.book.retry import waiting
from laer.web.runs.doctor.finding import Finding, Seen
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

NAMED: dict[str, tuple[str, str, str, Callable[[int], str]]] = {
    "duplicate key": (
        "duplicate_keys", gettext_lazy("Rows with a key that stands in their file before"),
        gettext_lazy("Decide which of the rows is right, mend the source, and give the rows back corrected or dismiss them."),
        lambda n: ngettext(
            "%(n)s row has the key of an earlier row of the same file and other values.",
            "%(n)s rows have the key of an earlier row of the same file and other values.",
            n,
        ) % {"n": number(n)},
    ),
    "references nothing": (
        "references_nothing", gettext_lazy("Rows that refer to something the book does not have"),
        gettext_lazy("Import what they refer to, then try the rows again."),
        lambda n: ngettext(
            "%(n)s row refers to an account or another row that is not in the book.",
            "%(n)s rows refer to an account or another row that is not in the book.",
            n,
        ) % {"n": number(n)},
    ),
}  # fmt: skip
OTHER = "rejected_"


def check_of(kind: str) -> str:
    """The check's id of a kind of reason."""
    return NAMED[kind][0] if kind in NAMED else OTHER + re.sub(r"[^a-z0-9]+", "_", kind.lower()).strip("_")


def find(seen: Seen) -> list[Finding]:
    if not seen.imports:
        return []
    findings = []
    for kind, n in waiting().values_list("kind").annotate(n=Count("id")).order_by("-n", "kind"):
        files = waiting().filter(kind=kind).values("run_id", "file").distinct().count()
        findings.append(told(check_of(kind), n, {"kind": kind, "files": files}))
    return findings


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    kind, details = said["kind"], {"files": said["files"]}
    if kind in NAMED:
        _check, title, what, says = NAMED[kind]
        return Finding(check, "error", n, title, later(says, n), what, "quarantine", details, said)
    what = gettext_lazy("Download them from the quarantine, correct them and give them back.")
    return Finding(check, "error", n, later(_titled, kind), later(_said, kind, n), what, "quarantine", details, said)


def _titled(kind: str) -> str:
    return _("Rows set aside: %(reason)s") % {"reason": kind}


def _said(kind: str, n: int) -> str:
    return ngettext("%(n)s row was set aside by an import: %(reason)s.", "%(n)s rows were set aside by an import: %(reason)s.", n) % {
        "n": number(n),
        "reason": kind,
    }


def kinds_of(check: str) -> list[str]:
    return [kind for kind in waiting().values_list("kind", flat=True).distinct() if check_of(kind) == check]


def rows_of(check: str) -> QuerySet[QuarantinedRow]:
    return waiting().filter(kind__in=kinds_of(check))


def behind(check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    rows = rows_of(check).order_by("id")[offset : offset + limit]
    return [
        {
            "account_id": None,
            "account": "",
            "File": r.file,
            "Line": r.line,
            "Reason": r.reason,
            "Original text": ", ".join(f"{k}: {v}" for k, v in r.raw.items() if v),
        }
        for r in rows
    ]


COLUMNS = ("File", "Line", "Reason", "Original text")
