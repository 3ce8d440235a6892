"""Who clicks what: walks of the cast's jobs through the pages, as addresses. A walk yields steps and is sent the text of each answer.

A step's `page` names it in the results; where `tests/web/query_budgets.json` has that name, its queries are held against it.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import date

LIST, TYPE, PAGE, SAVE = "list", "type", "page", "save"
LIMITS = {LIST: 50, TYPE: 50, PAGE: 100, SAVE: 150}  # milliseconds on the server, 95th percentile
TABS = ("overview", "feed", "tasks", "subscriptions", "contacts", "tickets", "usage", "changes")
NAMES = ("kestrel labs", "onyx foods", "quarry", "north", "willow energy", "99123", "zzz")
Walk = Generator["Step", str, None]


@dataclass
class Step:
    page: str
    path: str
    kind: str = PAGE
    data: dict[str, str] | None = None  # posted, if there is any
    part: bool = False  # asked for by htmx
    wait: bool = True  # a click, with two seconds before it; False: the next keystroke
    budget: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def search(luck: random.Random) -> Walk:
    """Ctrl+K and letters, each of which asks."""
    yield Step("find, empty", "/find/", TYPE, part=True, budget="find")
    typed = luck.choice(NAMES)[: luck.randrange(3, 9)]
    for length in range(1, len(typed) + 1):
        yield Step("find, typed", f"/find/?q={typed[:length].replace(' ', '+')}", TYPE, part=True, wait=False, budget="find")


def account_list(luck: random.Random, budget: str) -> Walk:
    page = yield Step("accounts", "/accounts/", LIST, budget=budget)
    filters = luck.choice(("state=paying", "segment=SMB", "segment=Enterprise&state=paying", "country=DE", "ends_within=90", "mrr_min=10000", "owner=none"))
    page = yield Step("accounts, filtered", f"/accounts/?{filters}", LIST, part=True, budget=budget)
    sort = luck.choice(("name", "-contract_end_on", "contract_end_on", "-mrr", "owner_name", "segment"))
    page = yield Step("accounts, sorted", f"/accounts/?{filters}&sort={sort}", LIST, part=True, budget=budget)
    for _ in range(2):
        if following := _next(page):
            page = yield Step("accounts, next page", f"/accounts/{following}", LIST, part=True, budget="accounts:next")
    yield Step("accounts, columns", f"/accounts/?{filters}&columns=name&columns=mrr&columns=industry&columns=state", LIST, part=True, budget=budget)
    yield Step("accounts, searched", f"/accounts/?q={luck.choice(NAMES).replace(' ', '+')}", LIST, part=True, budget="accounts:searched")


def account(luck: random.Random, ids: list[int]) -> Walk:
    """One account with each of its tabs."""
    if not ids:
        return
    at = f"/accounts/{luck.choice(ids)}/"
    yield Step("account, whole page", at, budget="account:overview")
    for tab in luck.sample(TABS, 4):
        page = yield Step(f"account, {tab}", f"{at}?tab={tab}", part=True, budget=f"account:{tab}")
        if tab == "feed" and (more := re.search(r'href="(\?tab=feed[^"]*below=[^"]*)"', page)):
            yield Step("account, feed, on", at + html.unescape(more[1]), part=True, budget="account:feed")


def work(luck: random.Random, ids: list[int]) -> Walk:
    """What a CSM saves: a touch, a field, a task, its tick."""
    if not ids:
        return
    number = luck.choice(ids)
    yield Step("touch saved", f"/accounts/{number}/touches/", SAVE, {"kind": "call", "minutes": "20", "sentiment": "good", "summary": "Talked of the renewal"})
    yield Step("field's form", f"/accounts/{number}/edit/region/", part=True, budget="account:edit")
    yield Step("field saved", f"/accounts/{number}/edit/region/", SAVE, {"value": f"Region {luck.randrange(1_000)}"}, part=True)
    yield Step("task added", "/tasks/add/", SAVE, {"title": "Call them back", "due_on": date.today().isoformat(), "account": str(number)})
    page = yield Step("tasks", "/tasks/", LIST, budget="tasks")
    if found := re.search(r'href="/tasks/(\d+)/"', page):
        yield Step("task ticked", "/tasks/change/", SAVE, {"complete": found[1]})
        yield Step("task", f"/tasks/{found[1]}/", budget="task")
    yield Step("tasks, all", "/tasks/?view=all", LIST, budget="tasks")
    yield Step("notifications", "/notifications/", LIST, budget="notifications")


def _made(step: Step) -> Generator[Step, str, str]:
    """A page of figures, asked for again as the page does itself while they are being made; each asking counts."""
    page = yield step
    while "data-being-made" in page:
        page = yield replace(step, wait=False)
    return page


def revenue(luck: random.Random) -> Walk:
    page = yield from _made(Step("revenue", "/revenue/", budget="revenue"))
    by = luck.choice(("segment", "country", "owner", "product", "cause", "plan"))
    yield from _made(Step("revenue, by", f"/revenue/?by={by}", part=True, budget="revenue", headers={"HX-Target": "revenue"}))
    yield from _made(Step("revenue, quarters", "/revenue/?period=quarter", part=True, budget="revenue", headers={"HX-Target": "revenue"}))
    behind = [html.unescape(h) for h in re.findall(r'href="(/revenue/behind/[^"]*)"', page)]
    for href in luck.sample(behind, min(2, len(behind))):
        yield from _made(Step("revenue, rows behind a bar", href, budget="revenue:behind"))


def renewals(luck: random.Random) -> Walk:
    yield Step("renewals", "/renewals/", LIST, budget="renewals")
    yield Step("renewals, all", f"/renewals/?view={luck.choice(('all', 'settled', 'unresolved', 'unknown'))}", LIST, budget="renewals")


def month_end(luck: random.Random) -> Walk:
    page = yield from _made(Step("revenue", "/revenue/", budget="revenue"))
    if booked := re.search(r'href="(/revenue/booked/[^"]*)"', page):  # where something says what was sold
        yield from _made(Step("revenue, booked", html.unescape(booked[1]), budget="revenue:booked"))
    yield from _made(Step("closed months", "/revenue/close/", budget="revenue:close"))
    yield Step("data", "/data/", LIST, budget="data")
    yield Step("data, questions", "/data/questions/", LIST, budget="data:questions")
    yield Step("data, quarantine", "/data/quarantine/", LIST, budget="data:quarantine")
    yield Step("data, import", "/data/import/", budget="data:import")
    yield Step("doctor", "/data/doctor/", budget="data:doctor")
    yield Step("readiness", "/data/readiness/", budget="data:readiness")
    yield Step("same customer?", "/data/matches/", LIST, budget="data:matches")


def running(luck: random.Random) -> Walk:
    """What an admin looks after."""
    for name in ("you", "people", "teams", "cover", "access", "audit"):
        yield Step(f"settings, {name}", f"/settings/{name}/", LIST if name in ("people", "audit") else PAGE, budget=f"settings:{name}")
    yield Step("data", "/data/", LIST, budget="data")
    yield Step("doctor", "/data/doctor/", budget="data:doctor")
    yield Step("watched folders", "/data/folders/", budget="data:folders")


def walk(role: str, person: int, luck: random.Random) -> Walk:
    """A day without end of somebody of that role (admin, finance, lead, member, viewer), by their number as a person."""
    budget = "accounts" if role in ("member", "viewer") else "accounts:all"
    ids: list[int] = []
    first = True
    while True:
        page = yield Step("accounts", "/accounts/", LIST, budget=budget)
        if role == "member":  # whom they may edit: their own, of all that their team has
            page = yield Step("accounts, filtered", f"/accounts/?owner={person}", LIST, part=True, budget=budget)
        ids = [int(n) for n in re.findall(r'href="/accounts/(\d+)/"', page)] or ids
        if first and role == "member":
            yield Step("view saved", "/accounts/views/", SAVE, {"name": f"View {luck.randrange(10**6)}", "query": "state=paying"})
        first = False
        parts = [search(luck), account_list(luck, budget), account(luck, ids)]
        if role in ("member", "lead"):
            parts += [work(luck, ids), work(luck, ids), account(luck, ids), renewals(luck)]
        if role in ("lead", "finance", "viewer"):
            parts += [revenue(luck), renewals(luck)]
        if role in ("finance", "admin"):
            parts.append(month_end(luck))
        if role == "admin":
            parts.append(running(luck))
        luck.shuffle(parts)
        for part in parts:
            yield from part


def _next(page: str) -> str | None:
    found = re.search(r'rel="next" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else None
