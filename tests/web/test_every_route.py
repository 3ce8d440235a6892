"""A walk over every address that there is, as everybody of the cast: who gets in, and what the outsider never reads.

Every route of the URL configuration stands in `WHO` below. One that is added without a line there fails here, and so does a
line whose route is gone. Whoever is not named gets 403 or 404 (or is sent to a page that is theirs), also with other people's ids.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from laer.web.book.adding import add_contact_role, add_outcome, add_plan
from laer.web.book.models import (
    Account,
    AccountMerge,
    Contact,
    ContactRole,
    Contract,
    Entitlement,
    Exclusion,
    FieldChange,
    ImportRun,
    Invoice,
    MatchSuggestion,
    Note,
    OnboardingPlan,
    OnboardingStep,
    Outcome,
    ProductUser,
    QuarantinedRow,
    Question,
    WatchedFolder,
)
from laer.web.people import invitations, teams
from laer.web.people.models import User
from laer.web.runs import doctor, lab, passes
from laer.web.runs.models import LabReplay
from laer.web.work import actions as work
from laer.web.work.models import OutgoingMail, Override, PlayRun, Risk, Task, TaskTemplate
from laer.web.work.notes import add_note
from laer.web.work.overrides import override_band
from laer.web.work.pulses import set_pulse
from laer.web.work.risks import raise_risk
from laer.web.work.task_templates import save_template
from laer.web.work.touches import log_touch
from tests.cast import Cast, add_line, forget, on_stage
from tests.standing import stands
from tests.web.files import take_in

pytestmark = pytest.mark.django_db(transaction=True)

EVERYBODY = "admin lead finance csm viewer outsider"
IMPORTERS = "admin lead finance"
ADMINS = "admin"
EDITORS = "admin lead finance csm outsider"
OWNERS = "admin lead finance csm viewer"  # of the ids that the walk puts in, all of them Maya's
OWNING_EDITORS = "admin lead csm"
POST = ""  # a GET is refused to everybody

# name of the route (or its address, where it has none) -> who gets an answer to a GET
WHO = {
    "": EVERYBODY, "accounts": EVERYBODY, "settings_heard": POST, "settings_digest": POST, "settings_alerts": POST, "settings_company_alerts": POST, "view_save": POST, "view_change": POST, "view_undo": POST, "find": EVERYBODY, "account_new": EDITORS, "account": OWNERS, "peek": OWNERS, "account_edit": OWNING_EDITORS,
    "accounts_change": POST, "accounts_undo": POST, "account_archive": POST, "account_restore": POST, "change_undo": POST,
    "revenue": EVERYBODY, "revenue-behind": EVERYBODY, "revenue-booked": EVERYBODY, "revenue-download": EVERYBODY, "renewals": EVERYBODY, "renewal_decide": POST, "land": EVERYBODY, "flow": EVERYBODY, "flow_accounts": EVERYBODY, "board": EVERYBODY, "position_set": POST, "position_end": POST, "renewal_rates": EVERYBODY, "renewals_behind": EVERYBODY, "renewals_call": POST, "renewal_call": OWNERS, "renewal_forecast": EVERYBODY, "renewal_adoption": EVERYBODY, "motion_costs": IMPORTERS, "land_lookback": EVERYBODY,
    "links": EVERYBODY, "condition_builder": EVERYBODY, "link_keep": POST, "link_let_go": POST,
    "tasks": EVERYBODY, "task_add": POST, "tasks_change": POST, "task": OWNERS, "task_archive": POST, "work_undo": POST, "sentiment_correct": POST, "touches": OWNING_EDITORS, "note_add": POST, "note": OWNING_EDITORS, "note_archive": POST,
    "note_restore": POST, "notifications": EVERYBODY, "notifications_read": POST,
    "revenue-close": IMPORTERS, "revenue-close-month": POST, "revenue-reopen": POST, "revenue-restatements": IMPORTERS,
    "data": EVERYBODY, "import": IMPORTERS, "import_result": IMPORTERS, "import_map": IMPORTERS, "import_map_file": IMPORTERS, "import_mapping": IMPORTERS,
    "import_give_mapping": POST, "import_preview": IMPORTERS, "import_confirm": POST, "import_discard": POST, "import_undo": POST, "import_redo": POST,
    "import_resume": POST, "quarantine": IMPORTERS, "quarantine_download": IMPORTERS, "quarantine_correct": POST, "quarantine_retry": POST,
    "quarantine_dismiss": POST, "questions": EVERYBODY, "question_answer": POST, "question_undo": POST, "matches": IMPORTERS, "match_merge": POST,
    "match_dismiss": POST, "match_reopen": POST, "match_unmerge": POST, "folders": ADMINS, "folder_look": POST, "folder_switch": POST, "folder_remove": POST,
    "doctor": EVERYBODY, "doctor_look": POST, "excluded": EVERYBODY, "excluded_back": POST, "doctor_check": "per check", "doctor_exclude": POST, "readiness": EVERYBODY, "metrics": EVERYBODY, "likelihood": EVERYBODY, "measure": EVERYBODY, "measure_months": EVERYBODY, "runs": IMPORTERS,
    "lab": IMPORTERS, "lab_ask": POST, "lab_replay": IMPORTERS, "lab_adopt": POST,
    "settings": EVERYBODY, "settings_you": EVERYBODY, "settings_formats_preview": EVERYBODY, "settings_sessions_end": POST, "settings_session_end": POST,
    "settings_people": ADMINS, "settings_invite": POST, "settings_person": ADMINS, "settings_person_change": POST, "settings_invitation_revoke": POST,
    "settings_access": ADMINS, "settings_teams": ADMINS, "settings_team_dissolve": POST, "settings_cover": "admin lead", "settings_cover_end": POST,
    "settings_costs": IMPORTERS, "settings_costs_copy": POST, "settings_costs_margins": POST, "settings_costs_minutes": POST, "settings_costs_undo": POST, "settings_rates": IMPORTERS,
    "settings_audit": ADMINS, "settings_audit_csv": ADMINS,
    "settings_sending": ADMINS, "settings_sending_test": POST, "settings_sending_pause": POST, "settings_sending_go_on": POST, "mail_stop_end": POST, "mail_template": "admin lead", "settings_endpoints": ADMINS,
    "endpoint_do": POST, "call_again": POST, "mails": EVERYBODY, "mail": OWNERS, "mail_do": POST, "mail_stop": "door",
    "definitions": "admin lead", "definition_new": "admin lead", "definition_check": POST, "definition_effect": POST, "definition": "admin lead", "definition_back": POST, "definition_undo": POST, "play_editor": "admin lead", "play_editor_new": "admin lead",
    "account_health": EVERYBODY, "pulse_against": EVERYBODY, "pulse": OWNERS, "override": OWNERS, "override_end": POST, "segments": EVERYBODY, "segment": EVERYBODY, "segment_months": EVERYBODY, "segment_save": POST,
    "home": EVERYBODY, "report": EVERYBODY, "report_behind": EVERYBODY, "report_pin": POST, "pack": EVERYBODY,
    "adopt": EVERYBODY, "expand": EVERYBODY, "plan_add": POST, "step_add": POST, "outcome_add": POST, "role_add": POST, "role_edit": OWNING_EDITORS, "role_today": POST, "plan_edit": OWNING_EDITORS, "step_edit": OWNING_EDITORS,
    "outcome_edit": OWNING_EDITORS, "plan_today": POST, "step_today": POST, "outcome_today": POST, "success_undo": POST, "settings_activation": POST,
    "today": EVERYBODY, "today_answer": POST, "today_seen": POST, "signals": EVERYBODY, "signal": EVERYBODY, "signal_record": EVERYBODY,
    "task_load": EVERYBODY, "task_time": EVERYBODY, "task_templates": EVERYBODY, "task_template": "admin lead", "task_template_archive": POST, "plays": EVERYBODY, "play": EVERYBODY, "play_past": EVERYBODY, "play_load": "admin lead", "play_on": POST, "play_off": POST, "play_approve": POST, "play_start": POST, "play_stop": POST,
    "risks": EVERYBODY, "risk": OWNING_EDITORS, "risk_archive": POST, "risk_new": OWNING_EDITORS,
    "settings_company": ADMINS, "start": "door", "start_next": ADMINS, "start_demo": EVERYBODY, "start_demo_again": POST, "start_demo_leave": ADMINS, "checklist_hide": POST,
    "front": EVERYBODY, "invitation": "door",
    # allauth's: about one's own sign-in, or in front of the door
    "password/reset/": "door", "account_login": "door", "account_logout": "door", "account_inactive": "door", "account_signup": "door",
    "account_reauthenticate": "door", "account_email": "door", "account_email_verification_sent": "door", "account_change_password": "door",
    "account_set_password": "door", "account_reset_password": "door", "account_confirm_login_code": "door", "account_confirm_email": "door",
    "account_reset_password_from_key_done": "door", "account_reset_password_from_key": "door", "account_reset_password_done": "door",
    "mfa_index": "door", "mfa_authenticate": "door", "mfa_reauthenticate": "door", "mfa_activate_totp": "door", "mfa_deactivate_totp": "door",
    "mfa_view_recovery_codes": "door", "mfa_generate_recovery_codes": "door", "mfa_download_recovery_codes": "door",
    "socialaccount_login_cancelled": "door", "socialaccount_login_error": "door", "socialaccount_signup": "door", "socialaccount_connections": "door",
    "openid_connect_login": "door", "openid_connect_callback": "door",
}  # fmt: skip
del WHO[""]
QUERIES: dict[str, tuple[str, ...]] = {
    "accounts": ("", "?q=e", "?q=zephyr", "?sort=name", "?state=paying", "?owner=none", "?mrr_min=70000", "?segment=Vaulted", "?format=csv", "?columns=industry&columns=state", "?in=new_customers"),
    "account": tuple(f"?tab={tab}" for tab in ("overview", "subscriptions", "contacts", "granted", "tickets", "usage", "facts", "tasks", "feed", "changes")),
    "tasks": ("", "?view=accounts", "?view=all", "?view=all&done=1"),
    "revenue": ("", "?by=segment", "?by=owner", "?by=country", "?cohorts=mrr", "?movements=net", "?period=quarter", "?share=number&by=plan"),
    "revenue-download": ("", "?by=segment"),
    "revenue-booked": tuple(f"?step={step}&month=2026-{month:02d}" for step in ("unsold", "unbilled") for month in (9, 10)),
    "renewals": ("", "?view=all", "?view=settled", "?view=unresolved", "?view=unknown", "?format=csv", "?download=1"),
    "renewal_forecast": ("", "?format=csv"), "land_lookback": ("", "?view=under90", "?view=short", "?format=csv"), "renewal_adoption": ("", "?band=high", "?format=csv"),
    "flow": ("", "?by=seller", "?by=discount&cohort=before", "?cohort=2026", "?cohort=2026-03", "?format=csv", "?format=xlsx"),
    "flow_accounts": ("?joint=live&state=late", "?move=leaked&stage=renewed&by=segment&value=Vaulted", "?standing=all&cohort=2026", "?move=landed&format=csv"),
    "home": ("", "?team=1"), "report": ("?measure=mrr_firm&by=segment&months=12&kind=bars", "?measure=mrr_firm&format=csv"),
    "report_behind": ("?measure=mrr_firm&first=2024-01&last=2026-11", "?measure=mrr_firm&first=2024-01&last=2026-11&by=segment&value=Vaulted&format=csv"),
    "pack": ("", "?month=2026-09"),
    "board": ("", "?segment=Vaulted", "?where=mrr+%3E+10", "?format=csv"),
    "renewal_rates": ("", "?period=month&by=owner", "?format=csv"),
    "renewals_behind": ("?measure=renewals_due&first=2024-01&last=2026-12", "?measure=renewal_rate&first=2024-01&last=2026-12&by=segment&value=Vaulted"),
    "land": ("", "?by=seller", "?by=segment&value=Vaulted", "?view=won&month=2026-09", "?format=csv", "?of=by&format=csv"),
    "find": ("", "?q=e", "?q=zephyr", "?q=kestrel.example", "?q=a"),
    "excluded": ("",),
    "today": ("", "?whose=all", "?whose=all&all=1", "?format=csv"), "signals": ("", "?format=csv"), "plays": ("", "?format=csv"), "play": ("", "?view=refused", "?view=trial&format=csv", "?why=1"), "play_past": ("", "?from=2026-01-01&to=2026-02-01"), "risks": ("", "?view=closed", "?format=csv"),
    "signal": ("", "?view=closed", "?why=Zephyr", "?why=Kestrel", "?format=csv"),
    "segment": ("", "?view=entered", "?view=left", "?format=csv"),
    "definition": ("", "?compare=1"),
    "likelihood": ("", "?kind=renewal_likelihood", "?format=csv"),
    "lab": ("", "?card=adoption&challenge=1"), "lab_replay": ("",),
    "metrics": ("", "?known=unknown", "?motion=adopt&q=active", "?format=csv"),
    "measure": ("", "?view=low", "?view=unknown", "?bar=Vaulted", "?format=csv"),
    "runs": ("", "?kind=full&state=complete"),
    "questions": ("", "?format=csv"),
    "mails": ("", "?q=saffron", "?state=sent", "?format=csv"), "mail_template": ("", "?account=Zephyr"),
}
FRAGMENTS = ("accounts", "find", "account", "account_edit", "peek", "data", "revenue", "renewals", "land")  # what htmx asks for in parts
ROLES = ("admin", "lead", "finance", "csm", "viewer", "outsider")


def routes() -> Iterator[tuple[str, str]]:
    """(name, pattern) of every route, from the URL configuration itself."""

    def walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                yield pattern.name or route, route

    return walk(get_resolver().url_patterns)


def test_every_route_says_who_may_see_it() -> None:
    there = {name for name, _ in routes()}
    assert there - set(WHO) == set(), "a route without a line in WHO: say who gets in"
    assert set(WHO) - there == set(), "a line in WHO whose route is gone"


@pytest.fixture
@stands
def firm(tmp_path: Path) -> Cast:
    """The cast with something behind every address, all of it Maya's or the admins', and amounts that are nobody else's."""
    cast = on_stage()
    now, admin = timezone.now(), cast.users["admin"]
    cast.users["finance"] = User.objects.create_user("finance@laer.example", None, role="finance")
    account = cast.expanding
    Account.objects.filter(pk=account.pk).update(name="Zephyr Holdings", segment="Vaulted", industry="Ballooning")
    add_line(account, cast.today - timedelta(days=90), None, 77_713, seats=4_243)
    Contact.objects.create(account=account, name="Quill Marlowe", email="quill@zephyr.example", created_at=now)
    doctors = "account_id,account_name,csm\nX1,Yonder Glass,Maya Okafor\n"
    run = take_in(tmp_path / "files", user=admin, accounts=doctors, tickets="ticket_id,account_id,subject,submitted_at,closed_at\nQ1,X1,Quiet riddle,2024-05-03 10:00,2024-05-01 10:00\n")
    yonder = Account.objects.get(name="Yonder Glass")
    QuarantinedRow.objects.create(run=run, file="a.csv", line=2, record="accounts", reason="Unreadable yodel", kind="unreadable", raw={"a": "Yonder yodel"})
    Question.objects.create(run=run, kind="missing", account=account, data={"day": cast.today.isoformat(), "mrr": "77713", "currency": "USD"}, asked_at=now)
    MatchSuggestion.objects.create(left=account, right=yonder, rule="similar", score=80, made_at=now)
    AccountMerge.objects.create(kept=account, merged=yonder, at=now, ended_at=now, user=admin)
    Exclusion.objects.create(record="accounts", object_id=account.pk, account_id=account.pk, check_id="missing_owner", reason="Xylophone reason", user=admin, at=now)
    WatchedFolder.objects.create(path="/tmp/nowhere", source="crm", created_at=now, enabled=False)
    FieldChange.objects.create(record="accounts", object_id=account.pk, account_id=account.pk, field="region", old="Wistful", new="Wonder", effective_at=now, recorded_at=now, source="person", user=cast.users["csm"])
    team = teams.save_team(admin, "Umbrella team", None, [cast.people["csm"].pk])
    assert team.pk
    teams.cover(admin, cast.people["csm"].pk, cast.people["viewer"].pk, cast.today, cast.today)
    invitations.invite(admin, "vesper@laer.example", "viewer", name="Vesper Nightingale")
    work.create_task(cast.users["csm"], {"title": "Juggle the jasmine"}, account.pk)
    log_touch(cast.users["csm"], account.pk, {"kind": "call", "minutes": "30", "summary": "Mulberry matters"})
    set_pulse(cast.users["csm"], account.pk, {"colour": "red", "reason": "Pumpernickel panic", "next_step": "Serve sorbet"})
    override_band(cast.users["csm"], account.pk, "starter", None, {"band": "green", "reason": "Tangerine truce"})
    add_plan(cast.users["csm"], account.pk, {"started_on": "2024-01-01", "planned_end_on": "2024-06-01", "name": "Rhubarb rollout"}, template=True)
    add_outcome(cast.users["csm"], account.pk, {"title": "Fewer figs"})
    quill = Contact.objects.get(account=account, name="Quill Marlowe")
    add_contact_role(cast.users["csm"], account.pk, {"contact": str(quill.pk), "role": "Turmeric champion"})
    ProductUser.objects.create(account=account, user_id="kohlrabi-7", team="Cardamom", created_at=now)
    Entitlement.objects.create(account=account, name="Lavender calls", granted="4243", created_at=now)
    Invoice.objects.create(account=account, number="Paprika-9", issued_on=cast.today, amount="77713", created_at=now)
    save_template(cast.users["lead"], {"title": "Prepare the QBR"})
    raise_risk(cast.users["csm"], account.pk, {"reason": "price", "note": "Rhubarb is dear"})
    for state in ("live", "trial", "refused"):
        PlayRun.objects.create(account=account, play="usage_drop", version=1, cause=f"day:{state}", cause_on=cast.today, state=state, starts_on=cast.today,
                               step="0" if state == "live" else None, reason="Jubilant juniper", created_at=now)  # fmt: skip
    OutgoingMail.objects.create(key="one", template="value_note", account=account, to="quill@zephyr.example", subject="Saffron so far", text="Sassafras", due_at=now, sent_at=now, state="sent", message_id="<x@y>", created_at=now)
    add_note(admin, account.pk, "A nightjar for @Maya Okafor and @Tom Becker")
    assert passes.run_waiting_pass()
    lab.do(lab.ask(None, "starter").pk)
    forget()
    return cast


# What only those of Maya's book may read: names, ids, words and amounts, as pages and files write them.
SECRETS = (
    "Zephyr", "Vaulted", "Ballooning", "Quill Marlowe", "quill@zephyr", "Yonder", "yodel", "riddle", "Xylophone", "Wistful", "Umbrella team", "vesper@",
    "Kestrel", "Vantage", "Willow Foods", "Ember Studios", "Quarry", "Dana Whitfield", "SAML", "kestrel.example", "new sponsor", "jasmine", "Mulberry", "Pumpernickel", "sorbet", "Tangerine", "Saffron", "Sassafras", "nightjar", "Rhubarb", "Fewer figs", "juniper", "Turmeric", "kohlrabi", "Cardamom", "Lavender", "Paprika",
    "77,713", "77713", "77.7k", "932,556", "932556", "$932.6k", "4,243", "80,713", "80713", "$80.7k",
)  # fmt: skip


_last: list[tuple[Cast, dict[str, list[Any]]]] = []


def values_of(firm: Cast) -> dict[str, list[Any]]:
    """Real ids for every converter: of accounts, people, imports and so on of somebody else's. Found once for each firm: the doctor is asked, too."""
    if not _last or _last[0][0] is not firm:
        _last[:] = [(firm, _values_of(firm))]
    return _last[0][1]


def _values_of(firm: Cast) -> dict[str, list[Any]]:
    run = ImportRun.objects.exclude(kind="edit").order_by("-pk")[0]
    file = run.files.order_by("pk")[0]
    values: dict[str, list[Any]] = {
        "account_id": [a.pk for a in (firm.expanding, firm.renewing, firm.adopting)], "import_id": [run.pk], "file_id": [file.pk],
        "person_id": [firm.people["csm"].pk, firm.people["admin"].pk], "change_id": list(FieldChange.objects.values_list("pk", flat=True)[:1]),
        "question_id": list(Question.objects.values_list("pk", flat=True)[:1]), "pair_id": [MatchSuggestion.objects.get().pk], "merge_id": [AccountMerge.objects.get().pk],
        "folder_id": [WatchedFolder.objects.get().pk], "check": sorted({f.check for f in doctor.findings()}), "name": ["segment", "owner"], "segment_id": ["new_customers", "paying_untouched"], "signal_id": ["renewal_window", "nobodys"], "play_id": ["usage_drop", "renewal_90"], "run_id": list(PlayRun.objects.values_list("pk", flat=True)[:1]), "risk_id": [Risk.objects.get().pk], "definition_id": ["seats_idle"], "kind": ["segment"], "motion": ["adopt"], "measure": ["seats", "segment", "mrr", "renewal_on", "leaves", "plan"],
        "template_id": ["value_note"], "task_template_id": [TaskTemplate.objects.get().pk], "mail_id": [OutgoingMail.objects.get().pk], "stop_id": [1], "endpoint_id": [1], "call_id": [1],
        "contract_id": [Contract.objects.filter(account=firm.renewing, end_on__gt=firm.today).order_by("id")[0].pk], "plan_id": [OnboardingPlan.objects.get().pk], "step_id": [OnboardingStep.objects.order_by("id")[0].pk], "outcome_id": [Outcome.objects.get().pk], "role_id": [ContactRole.objects.get().pk],
        "card": ["starter"], "override_id": [Override.objects.get().pk], "note_id": [Note.objects.get().pk], "sentiment_id": [1], "task_id": [Task.objects.get().pk], "view_id": [1], "page": ["accounts", "tasks"], "session_id": [1], "invitation_id": [1], "team_id": [1], "kept_id": [1], "replay_id": [LabReplay.objects.get().pk], "cover_id": [1], "token": ["x"], "key": ["x"], "uidb36": ["1"],
    }  # fmt: skip
    return values


def addresses(firm: Cast, name: str, pattern: str) -> Iterator[str]:
    """The route with real ids."""
    pattern = re.sub(r"\^\(\?P<provider_id>[^)]*\)", "firm", pattern)
    pattern = re.sub(r"^\^|\$$", "", pattern)
    found, values = [pattern], values_of(firm)
    for whole, converter in re.findall(r"(<(?:\w+:)?(\w+)>)", pattern):
        found = [address.replace(whole, str(value)) for address in found for value in values[converter]]
    for whole, group in re.findall(r"(\(\?P<(\w+)>[^)]*\))", pattern):
        found = [address.replace(whole, str(values[group][0])) for address in found]
    queries = QUERIES.get(name, ("",))
    if name == "revenue-behind":  # the bars of the lead's page, opened by others
        links = re.findall(r'href="/revenue/behind/(\?[^"]+)"', text_of(firm.client("lead").get("/revenue/?by=segment")))
        queries = tuple(dict.fromkeys(html.unescape(link) for link in links))[:12]
        assert queries
    for address in found:
        for query in queries:
            yield "/" + address + query


def text_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(answer.headers) + body.decode("utf-8", "replace")


def read(client: Client, address: str, fragment: bool = False) -> tuple[int, str]:
    answer = client.get(address, headers={"HX-Request": "true"} if fragment else {})
    return answer.status_code, text_of(answer)


# What the walk passes on the pages of those whose it is.
SEEN = {"Zephyr", "Quill Marlowe", "Xylophone", "riddle", "yodel", "Wistful", "Umbrella team", "vesper@", "Vaulted", "4,243", "Kestrel", "SAML", "jasmine", "Mulberry", "Saffron", "Sassafras", "nightjar"}
ANY_SEEN = {"77,713", "80,713", "80713"}


@pytest.mark.once
def test_everybody_gets_in_where_they_may_and_nowhere_else(firm: Cast) -> None:
    wrong = []
    for name, pattern in routes():
        who = WHO[name]
        if who in ("door", "per check", "per step"):
            continue
        for address in {address.partition("?")[0]: address for address in reversed(list(addresses(firm, name, pattern)))}.values():
            for part in ROLES:
                status, _ = read(firm.client(part), address)
                let_in = status < 400
                if let_in != (part in who.split()) or (not let_in and status not in (403, 404, 405)):
                    wrong.append((part, address, status))
    assert not wrong, "\n".join(f"{part} at {address}: {status}" for part, address, status in wrong)


@pytest.mark.once
def test_the_outsider_reads_nothing_of_others_anywhere(firm: Cast) -> None:
    told, seen_by_owner = [], set()
    ids = {f"/accounts/{a.pk}/" for a in Account.objects.exclude(pk=firm.others.pk)}
    for name, pattern in routes():
        if name in ("account_logout",):
            continue
        for address in addresses(firm, name, pattern):
            for fragment in (False, True) if name in FRAGMENTS else (False,):
                asked = {address, address.split("?")[0]}
                _, text = read(firm.client("outsider"), address, fragment)
                echoed = address.partition("?")[2].casefold()  # what he typed himself is said back to him
                told += [(address, secret) for secret in SECRETS if secret in text and secret.casefold() not in echoed]
                told += [(address, link) for link in ids if f'"{link}' in text and link not in asked]
                if not fragment and WHO[name] not in ("door", POST) and not (seen_by_owner >= SEEN and ANY_SEEN & seen_by_owner):
                    mine = read(firm.client("csm"), address)[1] + (read(firm.client("admin"), address)[1] if WHO[name] in (ADMINS, IMPORTERS) else "")
                    seen_by_owner |= {secret for secret in SECRETS if secret in mine}
    assert not told, "\n".join(f"{address} tells {secret!r}" for address, secret in sorted(set(told)))
    # the walk does pass the pages that say them: to those whose they are
    assert seen_by_owner >= SEEN
    assert ANY_SEEN & seen_by_owner


@pytest.mark.once
def test_nobody_gets_in_without_a_login(firm: Cast) -> None:
    for name, pattern in routes():
        if WHO[name] == "door":
            continue
        for address in {address.partition("?")[0]: address for address in addresses(firm, name, pattern)}.values():
            status, text = read(Client(), address)
            assert status == 302, address
            assert "/login/" in text, address
            assert not [s for s in SECRETS if s in text and s.casefold() not in address.casefold()], address


def test_a_check_of_the_doctor_is_there_for_those_who_have_rows_behind_it(firm: Cast) -> None:
    for address in addresses(firm, "doctor_check", "data/doctor/<slug:check>/"):
        assert read(firm.client("admin"), address)[0] == 200, address
        assert read(firm.client("outsider"), address)[0] in (200, 404), address
