"""The rows of the long tables, made in Python, all of a table at once: renewals, tasks, accounts of a motion.

As templates fifty renewals took forty milliseconds, most of it for looking up the same dozen words and names of columns in every row. The words are
those of the templates before (`blocktranslate` and `_` share a catalogue). What people wrote is escaped here, as templates do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template.defaultfilters import truncatechars
from django.utils.html import conditional_escape as said
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from laer.web.templatetags.laer import ago, day, icon, money, money_short, number
from laer.web.templatetags.rows import face, pill, who

register = template.Library()
Row = Mapping[str, Any]
Show = Mapping[str, bool]


def _cell(label: str, inner: str, css: str = "", blank: bool = False, more: str = "") -> str:
    css = f"{css} is-blank".strip() if blank else css
    classes = f' class="{css}"' if css else ""
    return f'<td{classes} data-label="{label}"{more}>{inner}</td>'


def _named(name: Any, url: str, sub: str) -> str:
    return (
        f'<th scope="row"><div class="name-cell">{face(name, "square")}<div><a class="name plain" href="{said(url)}" data-peek data-row-link>{said(name)}</a>'
        f'<span class="sub">{said(sub)}</span></div></div></th>'
    )


# Renewals


@register.simple_tag
def renewal_rows(rows: Iterable[Row], show: Show, calls: Any, currency: str) -> SafeString:
    """Rows of `pages/renewals.html`; with `calls` each that may be called has a box to tick."""
    words = {
        "choose": _("Choose the contract of %(account)s"), "contract": _("contract"), "due": _("Renewal due %(day)s, %(ago)s"), "signed": _("signed %(day)s"),
        "no notice": _("No day of notice is known"), "none": _("none"), "given": _("notice given"), "call": _("Call it: the renewal of %(account)s"),
        "call it": _("Call it"), "history": _("History"),
    }  # fmt: skip
    labels = {
        "segment": _("Segment"), "ends_on": _("Ends"), "due_on": _("Renewal due"), "notice_on": _("Notice by"), "state": _("State"), "signed_on": _("Signed"),
        "late_days": _("Days late"), "system_call": _("System’s call"), "call": _("Person’s call"), "arr": _("ARR"), "owner": _("Owner"),
    }  # fmt: skip
    shown = [(name, labels[name], RENEWAL_CELLS[name]) for name in RENEWAL_CELLS if show.get(name)]
    made = []
    for row in rows:
        aloud = said(words["choose"] % row)
        box = f'<input class="form-check-input" type="checkbox" name="contract" value="{row["contract_id"]}" form="bulk" aria-label="{aloud}">'
        tick = f"<td>{box if row['editable'] else ''}</td>" if calls else ""
        head = _named(row["account"], row["url"], row["name"] or words["contract"])
        cells = "".join(cell(label, row, words, show, currency) for _name, label, cell in shown)
        made.append(f"<tr>{tick}{head}{cells}</tr>")
    return mark_safe("".join(made))


def _ends(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    title = words["due"] % {"day": day(row["due_on"]), "ago": ago(row["due_on"]).lower()}
    return _cell(label, f'<time datetime="{row["ends_on"]:%Y-%m-%d}" title="{said(title)}">{day(row["ends_on"])}</time>', "nowrap")


def _notice(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    known = row.get("notice_on")
    return _cell(label, day(known) if known else f'<span class="muted" title="{words["no notice"]}">–</span>', "nowrap", not known)


def _state(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    signed = row.get("signed_on") if not show.get("signed_on") else None
    below = f'<div class="muted tiny">{words["signed"] % {"day": day(signed)}}</div>' if signed else ""
    return _cell(label, f"{pill(row['words'], row['tone'], True)}{below}")


def _system(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    call = row.get("system_call")
    if not call:
        return _cell(label, "")
    told = f'<span class="muted">{words["none"]}</span>' if call["category"] == "none" else pill(call["words"], call["tone"], True)
    return _cell(label, f'<span title="{said(call["because"])}">{told}</span><div class="muted tiny">{said(call["because"])}</div>')


def _person(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    call, url = row.get("person_call"), said(row["call_url"])
    inner = ""
    if call:
        amount = said(money(call["amount"], call["currency"])) if call["amount"] is not None else ""
        step = said(truncatechars(call["next_step"], 60))
        given = f" {pill(words['given'], 'bad')}" if call["notice_given"] else ""
        inner = f'{pill(call["words"], call["tone"], True)}{given}<div class="muted tiny">{amount}{" · " if amount and call["next_step"] else ""}{step}</div>'
    if row["editable"]:
        css, face_ = ("btn btn-small btn-quiet", icon("pencil")) if call else ("btn btn-small", words["call it"])
        inner += (
            f'<a class="{css}" href="{url}" hx-get="{url}" hx-target="closest tr" hx-swap="afterend" data-row-key="c" '
            f'aria-label="{said(words["call"] % row)}">{face_}</a>'
        )
    elif call:
        inner += f' <a class="small" href="{url}">{words["history"]}</a>'
    return _cell(label, inner)


def _arr(label: str, row: Row, words: Mapping[str, str], show: Show, currency: str) -> str:
    return _cell(label, said(money_short(row["arr"], currency)), "num strong", more=f' title="{said(money(row["arr"], currency))}"')


RENEWAL_CELLS = {
    "segment": lambda label, row, *_rest: _cell(label, said(row["segment"] or ""), blank=not row["segment"]),
    "ends_on": _ends,
    "due_on": lambda label, row, *_rest: _cell(label, day(row["due_on"]), "nowrap"),
    "notice_on": _notice,
    "state": _state,
    "signed_on": lambda label, row, *_rest: _cell(label, day(row["signed_on"]) if row["signed_on"] else "", "nowrap", not row["signed_on"]),
    "late_days": lambda label, row, *_rest: _cell(label, number(row["late_days"]) if row["late_days"] else "", "num", not row["late_days"]),
    "system_call": _system,
    "call": _person,
    "arr": _arr,
    "owner": lambda label, row, *_rest: _cell(label, who(row["owner"]), "nowrap"),
}


# Tasks


@register.simple_tag
def task_rows(rows: Iterable[Row], show: Show, bulk: bool, show_account: bool) -> SafeString:
    """Rows of one heading of `parts/tasks.html`; with `bulk` each that may be changed has a box to tick."""
    choose, ticked, late = _("Choose: %(title)s"), _("%(ticked)s of %(items)s ticked"), _(", overdue")
    opened, done = _("Open again: %(title)s"), _("Done: %(title)s")
    labels = {"due_on": _("Due"), "priority": _("Priority"), "assignee": _("For"), "created_at": _("Written"), "done_at": _("Done on")}
    again, over = f"{icon('arrow-back-up')}{_('Reopen')}", f"{icon('check')}{_('Done')}"
    made = []
    for row in rows:
        box = f'<input class="form-check-input" type="checkbox" name="task" value="{row["task_id"]}" aria-label="{said(choose % row)}">'
        tick = f'<td class="is-tick">{box if row.get("editable") else ""}</td>' if bulk else ""
        account = row["account"] if show_account else None
        below = [f'<a class="muted" href="{said(account["url"])}" data-peek>{said(account["name"])}</a>'] if account else []
        below += [said(ticked % row)] if row["items"] else []
        cells = [
            f'<th scope="row"><a class="name plain" href="{said(row["url"])}" data-row-link>{said(row["title"])}</a>'
            f'<div class="muted small">{" · ".join(below)}</div></th>'
        ]
        if show.get("due_on"):
            cells.append(_cell(labels["due_on"], _due(row, late), "nowrap", not row["due_on"]))
        if show.get("priority"):
            cells.append(_cell(labels["priority"], pill(row["priority"], row["tone"], True) if row["priority"] else "", blank=not row["priority"]))
        if show.get("assignee"):
            cells.append(_cell(labels["assignee"], who(row["assignee"]), "nowrap"))
        if show.get("created_at"):
            cells.append(_cell(labels["created_at"], day(row["created_at"]), "nowrap"))
        if show.get("done_at"):
            cells.append(_cell(labels["done_at"], day(row["done_at"]) if row["done_at"] else "", "nowrap", not row["done_at"]))
        act = ""
        if row.get("editable") and row["done_at"]:
            act = f'<button class="btn btn-small btn-quiet" name="reopen" value="{row["task_id"]}" aria-label="{said(opened % row)}">{again}</button>'
        elif row.get("editable"):
            act = f'<button class="btn btn-small" name="complete" value="{row["task_id"]}" aria-label="{said(done % row)}" data-row-key="c">{over}</button>'
        ended = ' class="is-ended"' if row["done_at"] else ""
        made.append(f'<tr{ended}>{tick}{"".join(cells)}<td class="right">{act}</td></tr>')
    return mark_safe("".join(made))


def _due(row: Row, late: str) -> str:
    if not row["due_on"]:
        return ""
    css, aloud = (' class="late"', f'<span class="visually-hidden">{late}</span>') if row["late"] else ("", "")
    return f'<time datetime="{row["due_on"]:%Y-%m-%d}" title="{said(row["due_words"])}"{css}>{day(row["due_on"])}</time>{aloud}'


# Accounts of a motion


@register.simple_tag
def motion_rows(rows: Iterable[Row]) -> SafeString:
    """Rows of `parts/motion_list.html`: an account (`plain`: something else, without a face and a panel) and the cells of its view."""
    made = []
    for row in rows:
        name = said(row["name"])
        peek = "" if row.get("plain") else " data-peek"
        link = f'<a class="name plain" href="{said(row["url"])}"{peek} data-row-link>{name}</a>' if row["url"] else f'<span class="name">{name}</span>'
        sub = f'<span class="sub">{said(row["sub"])}</span>' if row.get("sub") else ""
        mark = "" if row.get("plain") else face(row["name"], "square")
        head = f'<th scope="row"><div class="name-cell">{mark}<div>{link}{sub}</div></div></th>'
        made.append(f"<tr>{head}{''.join(map(_motion_cell, row['cells']))}</tr>")
    return mark_safe("".join(made))


def _motion_cell(cell: Row) -> str:
    text, whose = cell.get("text"), cell.get("who")
    if whose:
        inner: str = who(whose)
    elif cell.get("tone"):
        inner = pill(text, cell["tone"], True)
    elif cell.get("url"):
        inner = f'<a href="{said(cell["url"])}">{said(text or "")}</a>'
    else:
        inner = said(text or "")
    title = f' title="{said(cell["title"])}"' if cell.get("title") else ""
    css = f"{cell.get('css', '')}{'' if text or whose else ' is-blank'}"
    return f'<td class="{css}" data-label="{said(cell.get("label", ""))}"{title}>{inner}</td>'
