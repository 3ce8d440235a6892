"""The reference, written from the code: `make reference`, and `test_reference.py` compares.

Commands: in `docs/reference/commands.md`, the blocks between the marks; what stands around them is written by hand. Settings:
the whole page, from `laer.web.setting_table`. Pages: the whole page, from the routes, the rights that the walk over every route
holds (`tests/web/test_every_route.py`), and the list of shortcuts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from laer.cli import app
from laer.web.setting_table import SAID, SETTINGS

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
BEGIN, END = "<!-- from the code: {} -->", "<!-- end -->"
BLOCK = re.compile(r"<!-- from the code: (laer[^>]*?) -->\n.*?<!-- end -->", re.DOTALL)


def commands(command: Any = None, words: tuple[str, ...] = ("laer",)) -> Iterator[tuple[str, Any]]:
    """(as typed, click command) of every command that does something by itself."""
    command = command or typer.main.get_command(app)
    children = getattr(command, "commands", None) or {}
    if not children:
        yield " ".join(words), command
    for name, child in children.items():
        yield from commands(child, (*words, name))


def command_block(typed: str, command: Any) -> str:
    """Mark, what it is for, how it is typed, arguments and options as a table, mark."""
    said = " ".join((command.help or "").split("\n\n")[0].split())
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    given = [f"{p.metavar or p.name}".upper() + ("..." if p.nargs == -1 else "") for p in shown if p.param_type_name == "argument"]
    usage = [typed, *(given if all(p.required for p in shown if p.param_type_name == "argument") else [f"[{g}]" for g in given])]
    if len(shown) > len(given):
        usage.append("[OPTIONS]")
    lines = [BEGIN.format(typed), "", said, "", "```sh", " ".join(usage), "```", ""]
    if shown:
        lines += ["| Argument or option | Default | Meaning |", "|---|---|---|"]
        lines += [f"| {_names(p)} | {_default(p)} | {_meaning(p)} |" for p in shown]
        lines.append("")
    return "\n".join([*lines, END])


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{(param.metavar or param.name).upper()}`"
    metavar = f" {param.metavar}" if param.metavar else ""
    return ", ".join(f"`{max(names, key=len)}{metavar}`" for names in (param.opts, param.secondary_opts) if names)


def _default(param: Any) -> str:
    if param.required:
        return "needed"
    value = param.default() if callable(param.default) else param.default
    if value in (None, False, "", [], ()):
        return ""
    if value is True:
        return "on"
    return f"`{getattr(value, 'value', value)}`"


def _meaning(param: Any) -> str:
    said = " ".join((getattr(param, "help", None) or "").split()).replace("|", "\\|")
    kind = param.type_descriptor.annotation
    choices = [str(c.value) for c in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
    listed = ", ".join(f"`{c}`" for c in choices if f"`{c}`" not in said)
    return f"{said}{'; ' if said and listed else ''}{f'one of {listed}' if listed else ''}"


def commands_page(text: str) -> str:
    """The page with every block written anew. Faults: KeyError where a block names no command."""
    known = dict(commands())
    return BLOCK.sub(lambda found: command_block(found[1], known[found[1]]), text)


def settings_page() -> str:
    parts = [
        "# Settings", "",
        "Every setting is an environment variable. Each has a default that works. They are read when a process starts: restart `laer serve` after a change. "
        "Flags are on with `1`, `true`, `yes` or `on`.", "",
    ]  # fmt: skip
    for title, settings in SETTINGS.items():
        parts += [f"## {title}", "", *([SAID[title], ""] if title in SAID else []), "| Variable | Default | Meaning |", "|---|---|---|"]
        parts += [f"| `{s.name}` | {s.default} | {s.meaning} |" for s in settings]
        parts.append("")
    return "\n".join(parts)


# -- pages: only with Django set up ------------------------------------------------------------------------------------

# What a page is for, where its view does not say it in its first line.
PURPOSE = {
    "accounts": "The accounts that you may see: filters, views, columns, totals, export.",
    "account": "One customer: figures, contracts, people, work and history.",
    "revenue": "What recurring revenue did, and whether it ties.",
    "revenue-close": "Close a month as reported, or open one again.",
    "renewals": "What falls due, by month, with the revenue behind it.",
    "tasks": "Your tasks by day, and those of others whom you may see.",
    "touches": "Log a call, a meeting or a message with an account.",
    "note": "One note, and the form that changes it.",
    "notifications": "What names you or was given to you.",
    "find": "What the search field finds: accounts, people, pages, actions.",
    "quarantine": "Rows that were set aside, each with its reason.",
    "questions": "What the files left open, to be answered.",
    "doctor": "What in the data contradicts itself, and what to do about it.",
    "readiness": "Which figures work with what is in the book, and what to bring next.",
    "settings": "The parts of Settings that are yours.",
    "settings_people": "Everybody with or without a login, and a form to invite.",
    "settings_audit": "Who did what, when and from where.",
    "invitation": "Where an invitation's link leads: choose a password.",
    "accounts_view_undo": "Take back what was last done to a view.",
    "account_archive": "Take an account out of the book; it can be restored.",
    "account_restore": "Put an archived account back.",
    "task_archive": "Delete a task; it can be undone.",
    "note_add": "A note on an account.",
    "note_archive": "Delete a note; it can be restored.",
    "note_restore": "Put a deleted note back.",
    "revenue-close-month": "Keep a month, and every open one before it, as reported.",
    "revenue-reopen": "Open a closed month again, and every later one, with a reason.",
    "question_undo": "Take an answer back.",
    "settings_invitation_revoke": "End an invitation: its link no longer works.",
    "settings_team_dissolve": "End a team; its people stay.",
    "settings_cover_end": "End a cover.",
}
WHO_SAYS = {"admin lead finance csm viewer outsider": "everybody", "admin lead finance": "admin, lead, finance", "admin": "admin", "admin lead": "admin, lead",
            "admin lead finance csm outsider": "everybody but viewers", "admin lead finance csm viewer": "whoever may see the account",
            "admin lead csm": "whoever may edit the account", "per check": "whoever may see rows behind it", "per step": "whoever may see rows behind it"}  # fmt: skip


def routes() -> Iterator[tuple[str, str, Any]]:
    """(name, address, view) of our own routes, in the order of the configuration."""
    from django.urls import URLResolver, get_resolver

    def walk(resolver: Any, before: str) -> Iterator[tuple[str, str, Any]]:
        for entry in resolver.url_patterns:
            address = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, address)
            elif entry.callback.__module__.startswith("laer.web.pages"):
                yield entry.name, "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m: m[1].upper(), address), entry.callback

    return walk(get_resolver(), "")


def purpose(name: str, view: Any) -> str:
    if name in PURPOSE:
        return PURPOSE[name]
    said = (view.__doc__ or "").strip().split("\n")[0]
    return said.split(". Faults")[0]


def pages_page(who: dict[str, str]) -> str:
    """`who`: name of a route -> who of the cast gets an answer to a GET; empty where only buttons send there."""
    from django.template.loader import render_to_string

    from laer.web.pages.navigation import ENTRIES

    keys = {url: f"`g` `{key}`" for _, url, _, key, _ in ENTRIES if url and key}
    keys["/notifications/"] = "`g` `b`"
    parts = [
        "# Pages", "",
        "Every address that laer answers, who gets an answer, and what for. A page shows only what its reader may see; whoever may not open it is told so, or is sent to a page of theirs. "
        "What an address with capital letters stands for: the number or name of one account, import, task and so on.", "",
        "| Address | Who may | What for | Keys |", "|---|---|---|---|",
    ]  # fmt: skip
    ours = list(routes())
    for name, address, view in ours:
        if who[name]:
            said = "whoever has the link" if who[name] == "door" else WHO_SAYS[who[name]]
            parts.append(f"| `{address}` | {said} | {purpose(name, view)} | {keys.get(address, '')} |")
    parts += ["", "## What buttons send", "", "These take a form and nothing else. Whether somebody may is asked again each time.", "", "| Address | Does |", "|---|---|"]
    parts += [f"| `{address}` | {purpose(name, view)} |" for name, address, view in ours if not who[name]]
    parts += ["", "Signing in and out, the password, the second factor and single sign-on are at `/login/`, `/logout/`, `/password/…`, `/2fa/…` and `/oidc/…`. "
              "The [probes](../guides/operate.md#probes) `/healthz` and `/readyz` need no login.", "", "## Keyboard", "", "`?` shows this list on every page.", "", "| Does | Keys |", "|---|---|"]  # fmt: skip
    shown = render_to_string("parts/help.html")
    for what, pressed in re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", shown, re.DOTALL):
        parts.append(f"| {what.strip()} | {' '.join(f'`{key}`' for key in re.findall(r'<kbd>(.*?)</kbd>', pressed))} |")
    return "\n".join([*parts, ""])


def schemas() -> dict[str, str]:
    """The JSON Schema of each kind of definitions, by the name of its file."""
    from laer.cycle.definitions import KINDS, schema

    return {f"{kind}.json": json.dumps(schema(kind), ensure_ascii=False, indent=2) + "\n" for kind in KINDS}


def write() -> None:
    page = FOLDER / "commands.md"
    page.write_text(commands_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    (FOLDER / "settings.md").write_text(settings_page(), encoding="utf-8")
    for name, text in schemas().items():
        (FOLDER / "schemas" / name).write_text(text, encoding="utf-8")
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as home:  # Django makes a home where there is none
        os.environ |= {"LAER_HOME": home, "DJANGO_SETTINGS_MODULE": "laer.web.settings", "LAER_DEBUG": "1"}  # icons without the collected folder
        import django

        django.setup()
        from tests.web.test_every_route import WHO

        (FOLDER / "pages.md").write_text(pages_page(WHO), encoding="utf-8")


if __name__ == "__main__":
    write()
